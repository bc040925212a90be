//! Lines of other people's text that cannot be taken for somebody else's.

use std::ops::Range;

use sotto_wire::name::{clean, is_blank, is_command};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Begins every further line of a text. No line of the chat itself begins so.
pub(super) const MORE: &str = "      │ ";
/// Fewest columns for a text beside [`MORE`], on the narrowest terminal.
const NARROWEST: usize = 20;
/// Most code points kept of one character: more than any emoji or script needs.
const LONGEST: usize = 16;

/// Text without characters that move the cursor, change colours or change the direction of writing. Newlines stay.
/// Direction marks are removed; Arabic and Hebrew texts do not need them visibly.
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

/// [`plain`] text whose characters are as big as characters are: marks can be piled up on one without end.
pub(super) fn harmless(text: &str) -> String {
    let plain = plain(text);
    if plain.is_ascii() {
        return plain;
    }
    plain.graphemes(true).flat_map(|one| one.chars().take(LONGEST)).collect()
}

/// A text on one line of at most `width` columns. A longer text loses its middle, so that the name and the emoji after
/// it stay.
pub(super) fn fit(text: &str, width: usize) -> String {
    let text = text.replace('\n', " ");
    if text.width() <= width {
        return text;
    }
    let room = width.saturating_sub(1);
    let tail = taken(text.graphemes(true).rev(), room / 3);
    let tail: Vec<&str> = tail.into_iter().rev().collect();
    let tail = tail.concat();
    let head = taken(text.graphemes(true), room.saturating_sub(tail.width())).concat();
    if width == 0 { String::new() } else { format!("{head}…{tail}") }
}

/// The first of these characters that fit into `width` columns.
fn taken<'a>(graphemes: impl Iterator<Item = &'a str>, room: usize) -> Vec<&'a str> {
    let mut left = room;
    let fits = |one: &&str| {
        let width = one.width();
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    };
    graphemes.take_while(fits).collect()
}

/// Breaks text into lines of at most `first` columns and then `rest`, between words if possible. Returns the bytes of
/// each line, without newlines.
pub(super) fn wrap(text: &str, first: usize, rest: usize) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let (mut start, mut column, mut width) = (0, 0_usize, first);
    // The last place where the line can be broken, and its column.
    let mut gap: Option<(usize, usize)> = None;
    for (at, one) in text.grapheme_indices(true) {
        if one == "\n" {
            lines.push(start..at);
            (start, column, width, gap) = (at.saturating_add(1), 0, rest, None);
            continue;
        }
        let wide = one.width();
        if column.saturating_add(wide) > width && at > start {
            match gap.take().filter(|(_, before)| before.saturating_mul(2) > width) {
                Some((end, before)) => {
                    lines.push(start..end);
                    (start, column) = (end, column.saturating_sub(before));
                }
                None => {
                    lines.push(start..at);
                    (start, column) = (at, 0);
                }
            }
            width = rest;
        }
        column = column.saturating_add(wide);
        if one == " " {
            gap = Some((at.saturating_add(1), column));
        }
    }
    lines.push(start..text.len());
    lines
}

/// A name as it stands in front of its owner's text: on one line, quoted if it could be read as something else.
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

/// A name as people type and compare it: without quotes, in one case.
pub(super) fn bare(name: &str) -> String {
    clean(name).to_lowercase().replace(['“', '”', '"'], "")
}

/// `head` and a text of somebody, in lines of at most `width` columns. If the terminal broke a line by itself, the next
/// line would begin with text that its author chose.
pub(super) fn said(head: &str, text: &str, width: Option<usize>) -> String {
    let whole = format!("{head}{}", plain(text));
    let indent = MORE.chars().count();
    let width = width.map_or(usize::MAX, |width| width.max(indent + NARROWEST));
    let mut lines = String::with_capacity(whole.len());
    let mut column = 0_usize;
    let mut rest = whole.chars().peekable();
    while let Some(c) = rest.next() {
        // A variation selector makes some emoji wider. Joined characters are counted as if each stood alone.
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
                let columns = UnicodeWidthStr::width(line);
                assert!(columns <= 80, "{filler:?}: {columns}");
            }
            assert!(shown.lines().count() > 1, "{filler:?}");
        }
    }

    #[test]
    fn words_stay_whole_and_lines_fit() {
        let lines =
            |text, first, rest| wrap(text, first, rest).into_iter().map(|range| &text[range]).collect::<Vec<_>>();
        assert_eq!(lines("one two three", 20, 20), ["one two three"]);
        assert_eq!(lines("one two three", 9, 9), ["one two ", "three"]);
        assert_eq!(lines("a\n\nb", 9, 9), ["a", "", "b"]);
        assert_eq!(lines("", 9, 9), [""]);
        assert_eq!(lines("a bbbbbbbbbbbb", 8, 6), ["a bbbbbb", "bbbbbb"]);
        for text in ["漢字かな交じり文 ".repeat(9), "👨‍👩‍👧‍👦❤️é\u{301}x ".repeat(9), "x".repeat(99), " ".repeat(99)]
        {
            for width in [2, 3, 7, 20] {
                let ranges = wrap(&text, width, width);
                assert!(ranges.iter().all(|range| text[range.clone()].width() <= width), "{width}: {text}");
                assert_eq!(ranges.iter().map(|range| &text[range.clone()]).collect::<String>(), text);
            }
        }
        assert_eq!(lines("漢字", 1, 1), ["漢", "字"], "wider than the line, and still one each");
    }

    #[test]
    fn a_character_has_an_end_and_a_line_its_width() {
        let piled = format!("e{}x", "\u{301}".repeat(1000));
        assert_eq!(harmless(&piled).chars().count(), LONGEST + 1);
        assert_eq!(harmless("👨‍👩‍👧‍👦\u{202e}"), "👨‍👩‍👧‍👦\u{fffd}");
        assert_eq!(fit("Bob", 5), "Bob");
        assert_eq!(fit("Bartholomew 🐙🌵🍋", 14), "Bartholom…🌵🍋");
        for width in 0..20 {
            assert!(fit("Bartholomew 漢字 🐙🌵🍋", width).width() <= width, "{width}");
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
