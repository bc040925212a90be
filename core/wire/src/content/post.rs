//! A post: a text with what belongs to it. A text with nothing else stays kind 1.

use prost::Message as _;

use super::file::{self, File, MAX_FILES};
use super::{Content, ContentError, MessageId, fixed, generated};
use crate::file::{FilePointer, MAX_LONG};
use crate::identity::ChatKey;
use crate::name::{is_command, is_disguise};

/// Longest excerpt of a message that is replied to, bytes.
pub const MAX_EXCERPT: usize = 120;
/// Most mentions in a post or edit.
pub const MAX_MENTIONS: usize = 32;
/// Longest address, title and text of a link preview, bytes.
pub const MAX_PREVIEW: (usize, usize, usize) = (2048, 120, 300);
/// Longest name of a sticker pack, bytes.
pub const MAX_PACK: usize = 40;
/// Shortest and longest time that a post may live after it was read, seconds.
pub const TIMER: std::ops::RangeInclusive<u32> = 5..=4 * 7 * 24 * 3600;

/// A text with a reply, mentions, files, a preview or a timer.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Post {
    /// Up to [`MAX_LONG`] bytes; empty only with files.
    pub text: String,
    /// What it replies to.
    pub reply: Option<Reply>,
    /// In order of their places, not overlapping; at most [`MAX_MENTIONS`].
    pub mentions: Vec<Mention>,
    /// Of a link in the text.
    pub preview: Option<Preview>,
    /// At most [`MAX_FILES`].
    pub files: Vec<File>,
    /// Whether it was written elsewhere.
    pub forwarded: bool,
    /// How long it lives after it was read, seconds, in [`TIMER`]; 0 for ever.
    pub expire_s: u32,
    /// The sticker pack that its sticker is of.
    pub pack: String,
    /// Whether the reader's app should show it without a notification.
    pub silent: bool,
}

/// What a post replies to.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// Id of the message.
    pub id: MessageId,
    /// The beginning of its text, for a reader who lacks it; at most [`MAX_EXCERPT`] bytes.
    pub excerpt: String,
}

/// A person named in a text.
#[derive(Clone, PartialEq, Eq)]
pub struct Mention {
    /// First byte of the name in the text.
    pub offset: usize,
    /// Length of the name, bytes.
    pub length: usize,
    /// Who; 33 zeros for everybody.
    pub chat: ChatKey,
}

/// What a link leads to, by its sender's word.
#[derive(Clone, PartialEq, Eq)]
pub struct Preview {
    /// The link; it stands in the text.
    pub url: String,
    /// Title of the page.
    pub title: String,
    /// What the page says of itself.
    pub text: String,
    /// A picture.
    pub picture: Option<FilePointer>,
}

/// Reads mentions of `text`. Those out of place, overlapping or inside a character are ignored.
pub(super) fn mentions(text: &str, raw: Vec<generated::Mention>) -> Result<Vec<Mention>, ContentError> {
    if raw.len() > MAX_MENTIONS {
        return Err(ContentError::TooMany);
    }
    let mut mentions = Vec::new();
    for one in raw {
        let mention = Mention {
            offset: usize::try_from(one.offset).map_err(|_| ContentError::Field)?,
            length: usize::try_from(one.length).map_err(|_| ContentError::Field)?,
            chat: fixed(&one.chat)?,
        };
        mentions.push(mention);
    }
    Ok(in_place(text, mentions))
}

/// Those mentions that stand in a text, by their places.
pub fn in_place(text: &str, mut mentions: Vec<Mention>) -> Vec<Mention> {
    mentions.sort_by_key(|one| one.offset);
    let mut free = 0;
    mentions.retain(|one| {
        let end = one.offset.saturating_add(one.length);
        let good = one.length > 0 && one.offset >= free && text.get(one.offset..end).is_some();
        if good {
            free = end;
        }
        good
    });
    mentions
}

pub(super) fn raw_mentions(mentions: &[Mention]) -> Result<Vec<generated::Mention>, ContentError> {
    if mentions.len() > MAX_MENTIONS {
        return Err(ContentError::TooMany);
    }
    let number = |n: usize| u32::try_from(n).map_err(|_| ContentError::Field);
    let raw = |one: &Mention| {
        let (offset, length, chat) = (number(one.offset)?, number(one.length)?, one.chat.to_vec());
        Ok(generated::Mention { offset, length, chat })
    };
    mentions.iter().map(raw).collect()
}

/// A timer of 0 or in [`TIMER`].
pub(super) fn timer(seconds: u32) -> Result<u32, ContentError> {
    if seconds == 0 || TIMER.contains(&seconds) { Ok(seconds) } else { Err(ContentError::Field) }
}

pub(super) fn within(text: String, max: usize) -> Result<String, ContentError> {
    if text.len() > max { Err(ContentError::TooLong) } else { Ok(text) }
}

fn preview(text: &str, raw: generated::Preview) -> Result<Option<Preview>, ContentError> {
    let (url, title, about) = MAX_PREVIEW;
    let picture = Some(raw.picture).filter(|bytes| !bytes.is_empty());
    let preview = Preview {
        url: within(raw.url, url)?,
        title: within(raw.title, title)?,
        text: within(raw.text, about)?,
        picture: picture.map(|bytes| FilePointer::decode(&bytes)).transpose().map_err(ContentError::File)?,
    };
    Ok(Some(preview).filter(|preview| has_link(text, &preview.url)))
}

/// Whether `url` is a web address and stands in `text` as a word, not as the beginning of another address. So nobody
/// can show a page under another link.
pub fn has_link(text: &str, url: &str) -> bool {
    let web = ["https://", "http://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme));
    let plain = !url.chars().any(|c| c.is_whitespace() || is_command(c) || is_disguise(c));
    let mut words = text.split(|c: char| c.is_whitespace() || is_command(c));
    let is_it = |word: &str| {
        let word = word.trim_start_matches(['(', '[', '{', '<', '"', '\'', '«', '“']);
        let after = word.strip_prefix(url);
        after.is_some_and(|after| after.chars().all(|c| ".,;:!?)]}>\"'»”…。、".contains(c)))
    };
    web && plain && words.any(is_it)
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    // A blob of empty files or mentions is refused before memory is allocated for them.
    let raw: generated::Post = super::few_fields(body)?;
    if raw.files.len() > MAX_FILES {
        return Err(ContentError::TooMany);
    }
    if raw.text.is_empty() && raw.files.is_empty() {
        return Err(ContentError::Field);
    }
    let excerpt = within(raw.excerpt, MAX_EXCERPT)?;
    let reply = match raw.reply.is_empty() {
        true => None,
        false => Some(Reply { id: fixed(&raw.reply)?, excerpt }),
    };
    let preview = raw.preview.map(|one| preview(&raw.text, one)).transpose()?.flatten();
    Ok(Content::Post(Box::new(Post {
        mentions: mentions(&raw.text, raw.mentions)?,
        text: within(raw.text, MAX_LONG)?,
        reply,
        preview,
        files: raw.files.into_iter().map(file::read).collect::<Result<_, _>>()?,
        forwarded: raw.forwarded,
        expire_s: timer(raw.expire_s)?,
        pack: within(raw.pack, MAX_PACK)?,
        silent: raw.silent,
    })))
}

pub(super) fn encode(post: &Post) -> Result<Vec<u8>, ContentError> {
    let raw = generated::Post {
        text: post.text.clone(),
        reply: post.reply.as_ref().map(|reply| reply.id.to_vec()).unwrap_or_default(),
        excerpt: post.reply.as_ref().map(|reply| reply.excerpt.clone()).unwrap_or_default(),
        mentions: raw_mentions(&post.mentions)?,
        preview: post.preview.as_ref().map(|one| generated::Preview {
            url: one.url.clone(),
            title: one.title.clone(),
            text: one.text.clone(),
            picture: one.picture.as_ref().map(|picture| picture.encode().to_vec()).unwrap_or_default(),
        }),
        files: post.files.iter().map(file::raw).collect(),
        forwarded: post.forwarded,
        expire_s: post.expire_s,
        pack: post.pack.clone(),
        silent: post.silent,
    };
    let bytes = raw.encode_to_vec();
    decode(&bytes).map(|_| bytes)
}

crate::closed_debug!(Post, Reply, Mention, Preview);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Kind;

    #[test]
    fn a_preview_is_of_a_link_that_the_reader_sees() {
        let url = "https://good.example/a";
        for text in [
            "https://good.example/a",
            "see https://good.example/a.",
            "(https://good.example/a), and\nmore",
            "「x」 “https://good.example/a”!",
        ] {
            assert!(has_link(text, url), "{text}");
        }
        for text in [
            "https://good.example/abc",
            "https://evil.example/?https://good.example/a",
            "xhttps://good.example/a",
            "https://good.example/a@evil.example",
            "",
        ] {
            assert!(!has_link(text, url), "{text}");
        }
        for bad in [
            "",
            "https://",
            "javascript:alert(1)",
            "good.example",
            "https://a b",
            "https://a\u{202e}b",
            "https://a\u{200b}b",
            "https://a\nb",
        ] {
            assert!(!has_link(&format!("look: {bad} here"), bad), "{bad}");
        }
    }

    #[test]
    fn a_blob_of_empty_fields_costs_no_memory() {
        // Two bytes each: files, mentions. One decoded file has 150 bytes.
        for field in [6, 4] {
            let body = [field << 3 | 2, 0].repeat(MAX_LONG / 2);
            assert_eq!(Content::decode(Kind::Post, &body), Err(ContentError::TooMany));
        }
        // A session takes envelopes of 64 KiB, and thousands of edits may wait for a message.
        assert_eq!(Content::decode(Kind::Edit, &[0; 2049]), Err(ContentError::TooLong));
    }
}
