//! Names and texts of people: which are blank, and how they are made safe for a screen.

use unicode_width::UnicodeWidthChar;

/// Longest name, bytes of UTF-8.
pub const MAX_NAME: usize = 40;

/// A name as its owner wrote it, because signatures cover it; screens show [`Name::display`].
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Name(String);

/// The name is longer than [`MAX_NAME`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("name over 40 bytes")]
pub struct NameTooLong;

/// The name is not allowed for an own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 40 bytes, something visible and no control characters")]
pub struct BadName;

impl Name {
    /// A name chosen here, trimmed. Refuses control characters, line separators, and names without a visible character.
    pub fn chosen(text: &str) -> Result<Self, BadName> {
        let name = text.trim();
        if is_blank(name) || text.chars().any(ends_line) {
            return Err(BadName);
        }
        Self::new(name).map_err(|_| BadName)
    }

    /// A received name, unchanged.
    pub fn new(name: impl Into<String>) -> Result<Self, NameTooLong> {
        let name = name.into();
        if name.len() > MAX_NAME { Err(NameTooLong) } else { Ok(Self(name)) }
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name for a screen, see [`clean`]. Empty if it is blank.
    pub fn display(&self) -> String {
        let shown = clean(&self.0);
        if is_blank(&shown) {
            return String::new();
        }
        shown
    }
}

crate::closed_debug!(Name);

/// Removes characters that could disguise a name: control characters, bidi marks, embeddings, overrides and isolates,
/// zero-width space and no-break space, soft hyphen, line separators, annotation marks. Joiners stay, because scripts
/// and emoji need them. White space is folded into single blanks and trimmed.
pub fn clean(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|&c| !c.is_control() && !is_disguise(c))
        .collect();
    kept.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A request's text for a screen. Lines end with ` ` only, tabs become blanks, and characters that command a terminal
/// or disguise a text are removed. Empty if it is blank.
pub fn clean_text(text: &str) -> String {
    if is_blank(text) {
        return String::new();
    }
    let lines = text.replace("\r\n", "\n");
    let one = |c: char| match c {
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        '\t' => Some(' '),
        _ if is_command(c) || is_disguise(c) => None,
        _ => Some(c),
    };
    let kept: String = lines.chars().filter_map(one).collect();
    kept.trim().to_owned()
}

/// Whether a text has only white space, control and invisible characters, and marks without a letter.
pub fn is_blank(text: &str) -> bool {
    let visible = |c: char| c.width().is_some_and(|columns| columns > 0) && !c.is_whitespace() && !is_disguise(c);
    !text.chars().any(visible)
}

/// A control character, or a line or paragraph separator.
fn ends_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether a character moves a cursor, ends a line, or changes the direction of the text after it: control characters,
/// line and paragraph separators, bidi embeddings, overrides and isolates.
pub fn is_command(c: char) -> bool {
    ends_line(c) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character is invisible or looks like a blank. Joiners are neither.
pub const fn is_disguise(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'
        | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_name_shows_something_and_commands_nothing() {
        for good in ["Ada", "عمر", "נועה", "Zoë", "e\u{301}", "नि", "👨‍👩‍👧‍👦", "❤️", "می‌خواهم", " Bo "]
        {
            let name = Name::chosen(good).unwrap();
            assert_eq!(name.as_str(), good.trim(), "{good:?}");
            assert_eq!(name.display(), good.trim(), "{good:?}");
        }
        let blank = [
            "",
            " ",
            "\u{a0}",
            "\u{200d}",
            "\u{200b}\u{feff}",
            "\u{3164}",
            "\u{ffa0}",
            "\u{2800}",
            "\u{115f}",
            "\u{fe0f}",
            "\u{301}",
            "\u{e0041}",
            "\u{ad}",
            "\u{34f}",
        ];
        let commands = ["A\nB", "A\tB", "\u{1b}[31mA", "A\u{9b}2J", "A\u{0}", "A\u{7f}", "A\u{2028}B", "A\u{85}B"];
        for bad in blank.iter().chain(&commands) {
            assert_eq!(Name::chosen(bad), Err(BadName), "{bad:?}");
        }
        assert_eq!(Name::chosen(&"x".repeat(41)), Err(BadName));
        let turned = Name::chosen("A\u{202e}B\u{2066}").unwrap();
        assert_eq!(turned.display(), "AB");
    }

    #[test]
    fn texts_are_blank_when_nothing_is_visible() {
        for blank in ["", " \r\n\t", "\u{200b}", "\u{2028}", "\u{1b}", "\u{3164} \u{2800}"] {
            assert!(is_blank(blank), "{blank:?}");
            assert_eq!(clean_text(blank), "", "{blank:?}");
        }
        for text in [".", "\u{200f}א", "👍🏽", "\u{1b}x"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }

    #[test]
    fn a_request_keeps_its_lines_and_loses_its_commands() {
        let text = clean_text("  Hi\r\nit is\tme\u{2028}\u{202e}\u{1b}[2J\u{200f}سلام 👨‍👩‍👧‍👦 ❤️\u{9b}\n");
        assert_eq!(text, "Hi\nit is me\n[2Jسلام 👨‍👩‍👧‍👦 ❤️");
    }
}
