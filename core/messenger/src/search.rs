//! Search: what a person types becomes a query, and hits become excerpts with the places of the match.

use sotto_db::{PREVIEW, is_ideograph, spaced};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::cut;
use crate::error::{Code, Error};
use crate::records::Mark;

/// Longest query, bytes.
const QUERY: usize = 256;
/// Most words of a query.
const WORDS: usize = 16;
/// Most marked places of an excerpt.
const MARKS: usize = 8;
/// Text before the first match in an excerpt, bytes.
const BEFORE: usize = 40;

/// What is searched for. The last word may be the beginning of a word.
pub(crate) struct Query {
    /// Without case and accents.
    words: Vec<String>,
    index: String,
    is_open: bool,
}

impl Query {
    /// Reads what a person typed. There are no operators, so there is no wrong syntax.
    pub(crate) fn new(text: &str) -> Result<Self, Error> {
        let words: Vec<&str> = tokens(text).map(|(_, token)| token).collect();
        let Some(last) = words.last().filter(|_| text.len() <= QUERY && words.len() <= WORDS) else {
            return Err(Code::BadQuery.into());
        };
        // A single letter is a whole word, because half of all words begin with it.
        let is_open = last.chars().count() > 1 && !last.chars().any(is_ideograph);
        // The index cuts and folds what is asked for as it does the texts: not every script has its marks folded.
        let quoted = |word: &&str| format!("\"{}\"", spaced(word).trim());
        let mut index = words.iter().map(quoted).collect::<Vec<_>>().join(" ");
        index.push_str(if is_open { " *" } else { "" });
        Ok(Self { words: words.into_iter().map(folded).collect(), index, is_open })
    }

    /// The query for the index.
    pub(crate) fn index(&self) -> &str {
        &self.index
    }

    fn matches(&self, token: &str) -> bool {
        let token = folded(token);
        let last = self.words.last().filter(|_| self.is_open);
        self.words.contains(&token) || last.is_some_and(|last| token.starts_with(last.as_str()))
    }

    /// A part of a text around its first match, of at most 200 characters, and the places of the matches.
    pub(crate) fn excerpt(&self, text: &str) -> (String, Vec<Mark>) {
        let mut places = tokens(text).filter(|(_, token)| self.matches(token)).peekable();
        let first = places.peek().map_or(0, |(at, _)| *at);
        let start = text.floor_char_boundary(first.saturating_sub(BEFORE));
        // The excerpt begins with a whole word.
        let blank = text.get(start..first).and_then(|part| part.char_indices().find(|(_, c)| c.is_whitespace()));
        let start = blank.filter(|_| start > 0).map_or(start, |(n, c)| start + n + c.len_utf8());
        let mut excerpt = text.get(start..).unwrap_or_default().to_owned();
        cut::to_chars(&mut excerpt, PREVIEW);
        let mark = |(at, token): (usize, &str)| {
            let end = at.saturating_add(token.len()).saturating_sub(start);
            let offset = at.saturating_sub(start);
            let number = |n| u32::try_from(n).unwrap_or(u32::MAX);
            (end <= excerpt.len()).then(|| Mark { offset: number(offset), length: number(token.len()) })
        };
        let marks = places.map_while(mark).take(MARKS).collect();
        (excerpt, marks)
    }
}

/// The words of a text, as the index cuts them, with their places. An ideograph is a word.
fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || is_combining_mark(c);
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = rest.find(|(_, c)| c.is_alphanumeric() && !is_combining_mark(*c))?;
        let mut end = start + first.len_utf8();
        while !is_ideograph(first)
            && let Some((at, c)) = rest.next_if(|(_, c)| is_part(*c) && !is_ideograph(*c))
        {
            end = at + c.len_utf8();
        }
        Some((start, text.get(start..end)?))
    })
}

/// Without case and accents, as the index has it.
fn folded(token: &str) -> String {
    spaced(token).trim().to_lowercase().nfd().filter(|c| !is_combining_mark(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(query: &str, text: &str) -> (String, Vec<String>) {
        let (excerpt, marks) = Query::new(query).unwrap().excerpt(text);
        let place = |mark: Mark| excerpt[mark.offset as usize..][..mark.length as usize].to_owned();
        let marks = marks.into_iter().map(place).collect();
        (excerpt, marks)
    }

    #[test]
    fn whatever_is_typed_is_a_query_of_words() {
        let index = |text| Query::new(text).map(|query| query.index().to_owned());
        assert_eq!(index("Über den Flu").unwrap(), "\"Über\" \"den\" \"Flu\" *");
        assert_eq!(index("a").unwrap(), "\"a\"");
        assert_eq!(index("東京の").unwrap(), "\"東\" \"京\" \"の\"");
        assert_eq!(index("\"NEAR(x) OR text:y*\"").unwrap(), "\"NEAR\" \"x\" \"OR\" \"text\" \"y\"");
        for bad in ["", " \n", "!?", &"a ".repeat(17), &"a".repeat(257)] {
            assert_eq!(index(bad).unwrap_err().code(), Code::BadQuery);
        }
    }

    #[test]
    fn an_excerpt_shows_where_the_words_are() {
        assert_eq!(
            marked("cafe flu", "das Café am Fluß"),
            ("das Café am Fluß".into(), vec!["Café".into(), "Fluß".into()])
        );
        assert_eq!(marked("京", "東京の夜").1, ["京"]);
        assert_eq!(marked("nothing", "das Café").1, [] as [&str; 0]);
        let long = format!("{}needle in {}", "hay 🌾 ".repeat(50), "straw ".repeat(100));
        let (excerpt, marks) = marked("needle", &long);
        assert!(excerpt.starts_with("hay 🌾") || excerpt.starts_with("🌾 hay"), "{excerpt}");
        assert!(excerpt.chars().count() <= 200);
        assert_eq!(marks, ["needle"]);
        assert_eq!(marked("a", &"a ".repeat(50)).1.len(), 8);
        let wide = format!("{}　東京の夜", "夜".repeat(20));
        assert_eq!(marked("京", &wide), ("東京の夜".into(), vec!["京".into()]));
        let accents = marked("e", "e\u{301}\u{301} ẽ");
        assert_eq!(accents.1.len(), 2);
    }

    /// The places of the texts that a query finds, and the marks of each.
    fn found(texts: &[&str], query: &str) -> Vec<(usize, Vec<String>)> {
        use crate::engine::talk::delete::place;
        let folder = tempfile::tempdir().unwrap();
        let mut account = sotto_db::Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
        let add = account.transaction(|mut tx| {
            texts.iter().enumerate().try_for_each(|(n, text)| {
                let row = place([n as u8; 32], [1; 32], None, sotto_wire::content::Kind::Text);
                let text = Some((*text).to_owned());
                tx.messages.add(&sotto_db::Message { text, state: sotto_db::MessageState::Sent, ..row }).map(drop)
            })
        });
        add.unwrap();
        let query_of = Query::new(query).unwrap();
        let hits = account.reader().unwrap().search(query_of.index(), None, None, 50).unwrap();
        let hits = hits.into_iter().map(|(_, row)| (usize::from(row.id[0]), marked(query, &row.text.unwrap()).1));
        hits.collect()
    }

    #[test]
    fn every_script_is_found_as_it_is_typed() {
        for (text, queries) in [
            ("한국어 검색", &["한국어", "검색", "색"][..]),
            ("東京が好き", &["東京が", "が", "好き"]),
            ("नमस्ते दुनिया", &["नमस्ते", "दुनिया", "दुनि"]),
            ("مَرحباً بالعـــالم", &["مَرحباً", "مرحبا", "بالعالم"]),
            ("שָׁלוֹם עולם", &["שָׁלוֹם", "שלום", "עולם"]),
            ("สวัสดีครับ", &["สวัสดีครับ"]),
            ("Việt Nam", &["viet", "Việt", "vie"]),
            ("naïve cafe\u{301}", &["naive", "café", "CAFE"]),
            ("Über-Größe", &["uber", "größe", "GRÖSSE"][..2]),
            ("ΑΘΗΝΑ Ελλάδα", &["αθηνα", "ελλάδα"]),
            ("ёлка Йод", &["ёлка", "йод"]),
        ] {
            for query in queries {
                let hits = found(&["nothing of it", text], query);
                assert_eq!(hits.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [1], "{query}");
                assert!(!hits[0].1.is_empty(), "{query} is marked");
            }
        }
        assert!(found(&["東京か"], "が").is_empty());
        // What is no word for one side is none for the other.
        for odd in ["Ⓐ", "a Ⓐ", "x\u{301}", "\u{94d}a", "a\0b", "ﬁ", "🄰b"] {
            found(&["nothing of it"], odd);
        }
    }
}
