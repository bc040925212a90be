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

/// What is searched for: words without case and accents. The last one may be the beginning of a word.
pub(crate) struct Query {
    words: Vec<String>,
}

impl Query {
    /// Reads what a person typed. There are no operators, so there is no wrong syntax.
    pub(crate) fn new(text: &str) -> Result<Self, Error> {
        let words: Vec<String> = tokens(text).map(|(_, token)| folded(token)).collect();
        if text.len() > QUERY || words.is_empty() || words.len() > WORDS {
            return Err(Code::BadQuery.into());
        }
        Ok(Self { words })
    }

    /// The query for the index. A single letter is a whole word, because half of all words begin with it.
    pub(crate) fn index(&self) -> String {
        let quoted = |word: &String| format!("\"{}\"", spaced(word).trim());
        let mut parts: Vec<String> = self.words.iter().map(quoted).collect();
        if self.is_open()
            && let Some(last) = parts.last_mut()
        {
            last.push_str(" *");
        }
        parts.join(" ")
    }

    fn is_open(&self) -> bool {
        let letters = |word: &String| word.chars().count() > 1 && !word.chars().any(is_ideograph);
        self.words.last().is_some_and(letters)
    }

    fn matches(&self, token: &str) -> bool {
        let token = folded(token);
        let last = self.words.last().filter(|_| self.is_open());
        self.words.contains(&token) || last.is_some_and(|last| token.starts_with(last.as_str()))
    }

    /// A part of a text around its first match, of at most 200 characters, and the places of the matches.
    pub(crate) fn excerpt(&self, text: &str) -> (String, Vec<Mark>) {
        let mut places = tokens(text).filter(|(_, token)| self.matches(token)).peekable();
        let first = places.peek().map_or(0, |(at, _)| *at);
        let start = text.floor_char_boundary(first.saturating_sub(BEFORE));
        // The excerpt begins with a whole word.
        let start = match start {
            0 => 0,
            _ => {
                text.get(start..first).and_then(|part| part.find(char::is_whitespace)).map_or(start, |n| start + n + 1)
            }
        };
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
        let (start, first) = rest.find(|(_, c)| is_part(*c))?;
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
    token.to_lowercase().nfd().filter(|c| !is_combining_mark(*c)).collect()
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
        let index = |text| Query::new(text).map(|query| query.index());
        assert_eq!(index("Über den Flu").unwrap(), "\"uber\" \"den\" \"flu\" *");
        assert_eq!(index("a").unwrap(), "\"a\"");
        assert_eq!(index("東京の").unwrap(), "\"東\" \"京\" \"の\"");
        assert_eq!(index("\"NEAR(x) OR text:y*\"").unwrap(), "\"near\" \"x\" \"or\" \"text\" \"y\"");
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
        let accents = marked("e", "e\u{301}\u{301} ẽ");
        assert_eq!(accents.1.len(), 2);
    }
}
