//! Names that people give themselves: short, and harmless on a screen.

use std::fmt;

/// Longest name, bytes of UTF-8.
pub const MAX_NAME: usize = 40;

/// A name as its owner wrote it, at most [`MAX_NAME`] bytes. Kept exactly, because signatures cover it; what goes on a
/// screen is [`Name::display`].
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Name(String);

/// Longer than [`MAX_NAME`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("name over 40 bytes")]
pub struct NameTooLong;

impl Name {
    /// Takes a name as it is.
    pub fn new(name: impl Into<String>) -> Result<Self, NameTooLong> {
        let name = name.into();
        if name.len() > MAX_NAME {
            Err(NameTooLong)
        } else {
            Ok(Self(name))
        }
    }

    /// The bytes as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For the screen: without control, direction and invisible characters, white space folded. May be empty.
    pub fn display(&self) -> String {
        clean(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(..)")
    }
}

/// Takes out what could disguise a name: control characters, bidi marks, embeddings, overrides and isolates, zero-width
/// space and no-break space, soft hyphen, line separators, annotation marks. Joiners stay: scripts and emoji need them.
/// White space is folded into single blanks and trimmed.
pub fn clean(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|&c| !c.is_control() && !is_disguise(c))
        .collect();
    kept.split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

const fn is_disguise(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}
