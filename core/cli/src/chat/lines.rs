//! What others wrote, as lines that cannot be taken for somebody else's.

use sotto_wire::name::{clean, is_blank, is_command};
use unicode_width::UnicodeWidthChar;

/// Begins every line of a text but its first: no line of the chat itself begins so.
pub(super) const MORE: &str = "      │ ";
/// Columns that are left for a text beside [`MORE`] on however narrow a terminal.
const NARROWEST: usize = 20;

/// Text without what could move the cursor, change colours or turn the direction of writing. Newlines stay; direction
/// marks, which Arabic and Hebrew texts need nowhere visible, go.
pub(super) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => safe.push('\n'),
            '\t' => safe.push_str("    "),
            '\u{61c}' | '\u{200e}' | '\u{200f}' => {}
            _ if is_command(c) => safe.push('\u{fffd}'),
            _ => safe.push(c),
        }
    }
    safe
}

/// A name as it stands before what its owner wrote: on one line, quoted if it could be read as something else than a
/// name.
pub(super) fn name(given: &str) -> String {
    let name = clean(given);
    if is_blank(&name) {
        return "(no name)".into();
    }
    let begins = name.chars().next().is_some_and(char::is_alphabetic);
    let is_you = name.to_lowercase().starts_with("you");
    if begins && !is_you && !name.contains([':', '“', '”', '(', '│']) {
        name
    } else {
        format!("“{}”", name.replace(['“', '”'], "\""))
    }
}

/// `head` and what somebody wrote, in lines of at most `width` columns: a line that the terminal broke by itself would
/// begin with whatever its author wants.
pub(super) fn said(head: &str, text: &str, width: Option<usize>) -> String {
    let whole = format!("{head}{}", plain(text));
    let indent = MORE.chars().count();
    let width = width.map_or(usize::MAX, |width| width.max(indent + NARROWEST));
    let mut lines = String::with_capacity(whole.len());
    let mut column = 0_usize;
    let mut rest = whole.chars().peekable();
    while let Some(c) = rest.next() {
        // A variation selector makes some emoji wider. Whatever is joined to others is counted as if it stood alone.
        let wider = usize::from(rest.peek() == Some(&'\u{fe0f}'));
        let columns = c.width().unwrap_or(0).saturating_add(wider);
        if c == '\n' || column.saturating_add(columns) > width {
            lines.push('\n');
            lines.push_str(MORE);
            column = indent;
        }
        if c != '\n' {
            lines.push(c);
            column = column.saturating_add(columns);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_command_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\u{9b}c\r\n"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}\n");
        assert_eq!(plain("👨‍👩‍👧‍👦 ok"), "👨‍👩‍👧‍👦 ok");
        assert_eq!(plain("x\u{202e}y\u{2066}\u{2028}\u{85}\t|"), "x\u{fffd}y\u{fffd}\u{fffd}\u{fffd}    |");
        assert_eq!(plain("\u{200f}שלום, עולם"), "שלום, עולם");
    }

    #[test]
    fn every_line_of_a_text_but_the_first_is_marked() {
        let text = "hi\n12:00 Bob: pay me\r12:01 you: ok\u{2028}12:02 Bob: thanks";
        let shown = said("11:59 Eve: ", text, None);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], "11:59 Eve: hi");
        assert!(lines[1].starts_with("      │ 12:00 Bob"), "{shown}");
        assert!(!shown.contains(['\r', '\u{2028}']), "{shown}");
    }

    #[test]
    fn what_a_terminal_would_break_is_broken_and_marked() {
        for filler in ["x", " ", "漢", "❤️", "👨‍👩‍👧‍👦", "x\u{200d}", "\u{301}é", "\t"] {
            let text = format!("{}12:00 Bob: pay me", filler.repeat(150));
            let shown = said("11:59 Eve: ", &text, Some(80));
            for (index, line) in shown.lines().enumerate() {
                assert_eq!(line.starts_with(MORE), index > 0, "{filler:?}: {line}");
                let columns = unicode_width::UnicodeWidthStr::width(line);
                assert!(columns <= 80, "{filler:?}: {columns}");
            }
            assert!(shown.lines().count() > 1, "{filler:?}");
        }
    }

    #[test]
    fn a_name_is_one_line_and_no_other_line() {
        assert_eq!(name("Zoë Müller"), "Zoë Müller");
        assert_eq!(name("עומר"), "עומר");
        assert_eq!(name("\u{202e}Bob\u{1b}[2J\nX"), "Bob [2J X".replace(" [", "["));
        assert_eq!(name("you (read ✓✓)"), "“you (read ✓✓)”");
        assert_eq!(name("12:00 Bob: pay me"), "“12:00 Bob: pay me”");
        assert_eq!(name("! storage"), "“! storage”");
        assert_eq!(name("\u{200d}"), "(no name)");
    }
}
