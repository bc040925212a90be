//! The text being typed, its cursor and its history. An editor belongs to one conversation.

use sotto_messenger::records::MessageId;
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};
use unicode_width::UnicodeWidthStr;

use crate::chat::{TEXT_CAP, lines};

/// Typed lines remembered for one conversation.
const HISTORY: usize = 50;
/// Bytes drawn on either side of the cursor; a text may have a million.
const WINDOW: usize = 4096;

/// A text being typed.
#[derive(Default)]
pub(super) struct Editor {
    text: String,
    /// Byte offset of the cursor, between characters.
    cursor: usize,
    /// Whether the text differs from the draft on disk.
    dirty: bool,
    /// Whether the text was begun before its receiver was drawn, and the message that it replies to or changes.
    blind: bool,
    /// The message that the text replies to.
    reply: Option<MessageId>,
    history: Vec<String>,
    /// The shown entry of the history, and the text that was typed before.
    recalled: Option<(usize, String)>,
}

/// The drawn part of a text: rows, and the cursor's place in them.
pub(super) struct Rows {
    pub(super) rows: Vec<String>,
    pub(super) row: usize,
    pub(super) column: usize,
}

impl Editor {
    /// An editor with the draft from disk.
    pub(super) fn with(draft: &str, reply: Option<MessageId>) -> Self {
        Self { text: draft.to_owned(), cursor: draft.len(), reply, ..Self::default() }
    }

    pub(super) fn reply(&self) -> Option<&MessageId> {
        self.reply.as_ref()
    }

    /// Makes the text a reply, or no reply. A text that was begun as something else needs a warning before it is sent.
    pub(super) fn set_reply(&mut self, reply: Option<MessageId>) {
        self.blind |= reply.is_some() && !self.text.is_empty();
        (self.reply, self.dirty) = (reply, true);
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_blind(&self) -> bool {
        self.blind
    }

    /// Somebody types; `seen`: all that decides where the text goes was drawn.
    pub(super) fn begin(&mut self, seen: bool) {
        self.blind = !seen || self.blind && !self.text.is_empty();
    }

    /// The person was warned.
    pub(super) fn open_eyes(&mut self) {
        self.blind = false;
    }

    /// The text and what it replies to, once, if the draft on disk differs.
    pub(super) fn unsaved(&mut self) -> Option<(String, Option<MessageId>)> {
        std::mem::take(&mut self.dirty).then(|| (self.text.clone(), self.reply.clone()))
    }

    /// The text is sent, and its draft is deleted.
    pub(super) fn sent(&mut self) {
        self.done();
        (self.reply, self.dirty) = (None, false);
    }

    /// Inserts text at the cursor. False, without a change, if the text would be too long.
    pub(super) fn insert(&mut self, text: &str) -> bool {
        if self.text.len().saturating_add(text.len()) > TEXT_CAP {
            return false;
        }
        self.text.insert_str(self.cursor, text);
        self.cursor = self.cursor.saturating_add(text.len());
        self.changed();
        true
    }

    /// Empties the editor and adds its text to the history.
    pub(super) fn done(&mut self) {
        let text = std::mem::take(&mut self.text);
        if self.history.last() != Some(&text) {
            self.history.push(text);
        }
        if self.history.len() > HISTORY {
            self.history.remove(0);
        }
        self.clear();
    }

    /// Empties the editor.
    pub(super) fn clear(&mut self) {
        self.set(String::new());
        self.recalled = None;
    }

    pub(super) fn left(&mut self) {
        self.cursor = self.before(self.cursor);
    }

    pub(super) fn right(&mut self) {
        self.cursor = self.after(self.cursor);
    }

    pub(super) fn word_left(&mut self) {
        self.cursor = self.word_before();
    }

    pub(super) fn word_right(&mut self) {
        self.cursor = self.word_after();
    }

    /// Moves the cursor to the beginning of the line.
    pub(super) fn home(&mut self) {
        self.cursor = self.line_start(self.cursor);
    }

    /// Moves the cursor to the end of the line.
    pub(super) fn end(&mut self) {
        self.cursor = self.line_end(self.cursor);
    }

    pub(super) fn backspace(&mut self) {
        self.cut(self.before(self.cursor), self.cursor);
    }

    pub(super) fn delete(&mut self) {
        self.cut(self.cursor, self.after(self.cursor));
    }

    pub(super) fn delete_word(&mut self) {
        self.cut(self.word_before(), self.cursor);
    }

    pub(super) fn delete_word_after(&mut self) {
        self.cut(self.cursor, self.word_after());
    }

    pub(super) fn delete_to_start(&mut self) {
        self.cut(self.line_start(self.cursor), self.cursor);
    }

    pub(super) fn delete_to_end(&mut self) {
        self.cut(self.cursor, self.line_end(self.cursor));
    }

    /// Moves a line up; from the first line to the previous entry of the history.
    pub(super) fn up(&mut self) {
        let start = self.line_start(self.cursor);
        if start > 0 {
            self.move_to(self.line_start(start.saturating_sub(1)), self.column());
            return;
        }
        let at = match &self.recalled {
            Some((at, _)) => at.checked_sub(1),
            None => self.history.len().checked_sub(1),
        };
        let Some((at, text)) = at.and_then(|at| Some((at, self.history.get(at)?.clone()))) else {
            return;
        };
        let typed = match self.recalled.take() {
            Some((_, typed)) => typed,
            None => self.text.clone(),
        };
        self.set(text);
        self.recalled = Some((at, typed));
    }

    /// Moves a line down; from the last line to the next entry of the history.
    pub(super) fn down(&mut self) {
        let end = self.line_end(self.cursor);
        if end < self.text.len() {
            self.move_to(end.saturating_add(1), self.column());
            return;
        }
        let Some((at, typed)) = self.recalled.take() else {
            return;
        };
        let next = at.saturating_add(1);
        match self.history.get(next).cloned() {
            Some(text) => {
                self.set(text);
                self.recalled = Some((next, typed));
            }
            None => self.set(typed),
        }
    }

    /// Replaces the text and moves the cursor to its end.
    pub(super) fn set(&mut self, text: String) {
        self.cursor = text.len();
        self.text = text;
        self.changed();
    }

    /// The rows of `width` columns to draw around the cursor.
    pub(super) fn rows(&self, width: usize) -> Rows {
        let width = width.max(2);
        let from = self.text.floor_char_boundary(self.cursor.saturating_sub(WINDOW));
        let to = self.text.ceil_char_boundary(self.cursor.saturating_add(WINDOW).min(self.text.len()));
        let mut drawn = Rows { rows: Vec::new(), row: 0, column: 0 };
        let mut row = String::new();
        let mut column = 0_usize;
        let shown = self.text.get(from..to).unwrap_or_default();
        for (at, one) in shown.grapheme_indices(true) {
            let here = from.saturating_add(at)..from.saturating_add(at).saturating_add(one.len());
            let one = if one == "\r\n" { "\n".into() } else { lines::harmless(one) };
            let wide = if one == "\n" { 0 } else { one.width() };
            // The cursor needs a place after the last character too.
            if column.saturating_add(wide) >= width {
                drawn.rows.push(std::mem::take(&mut row));
                column = 0;
            }
            if here.contains(&self.cursor) {
                (drawn.row, drawn.column) = (drawn.rows.len(), column);
            }
            if one == "\n" {
                drawn.rows.push(std::mem::take(&mut row));
                column = 0;
            } else {
                row.push_str(&one);
                column = column.saturating_add(wide);
            }
        }
        if self.cursor == to {
            (drawn.row, drawn.column) = (drawn.rows.len(), column);
        }
        drawn.rows.push(row);
        drawn
    }

    fn changed(&mut self) {
        self.dirty = true;
        if self.text.is_empty() {
            self.blind = false;
        }
    }

    fn cut(&mut self, from: usize, to: usize) {
        if from < to {
            self.text.replace_range(from..to, "");
            self.cursor = from;
            self.changed();
        }
    }

    fn before(&self, at: usize) -> usize {
        let mut cursor = GraphemeCursor::new(at, self.text.len(), true);
        cursor.prev_boundary(&self.text, 0).ok().flatten().unwrap_or(0)
    }

    fn after(&self, at: usize) -> usize {
        let mut cursor = GraphemeCursor::new(at, self.text.len(), true);
        cursor.next_boundary(&self.text, 0).ok().flatten().unwrap_or(self.text.len())
    }

    fn head(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    fn tail(&self) -> &str {
        self.text.get(self.cursor..).unwrap_or_default()
    }

    fn word_before(&self) -> usize {
        let trimmed = self.head().trim_end_matches(|c: char| !c.is_alphanumeric());
        trimmed.trim_end_matches(char::is_alphanumeric).len()
    }

    fn word_after(&self) -> usize {
        let trimmed = self.tail().trim_start_matches(|c: char| !c.is_alphanumeric());
        let left = trimmed.trim_start_matches(char::is_alphanumeric).len();
        self.text.len().saturating_sub(left)
    }

    fn line_start(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        before.rfind('\n').map_or(0, |newline| newline.saturating_add(1))
    }

    fn line_end(&self, at: usize) -> usize {
        let after = self.text.get(at..).unwrap_or_default();
        after.find('\n').map_or(self.text.len(), |newline| at.saturating_add(newline))
    }

    /// Number of characters between the beginning of the line and the cursor.
    fn column(&self) -> usize {
        let line = self.text.get(self.line_start(self.cursor)..self.cursor).unwrap_or_default();
        line.graphemes(true).count()
    }

    /// Moves the cursor to the given character of the line at `start`, or to the line's end.
    fn move_to(&mut self, start: usize, column: usize) {
        let line = self.text.get(start..self.line_end(start)).unwrap_or_default();
        let bytes: usize = line.graphemes(true).take(column).map(str::len).sum();
        self.cursor = start.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with `|` at the cursor.
    fn shown(editor: &Editor) -> String {
        format!("{}|{}", editor.head(), editor.tail())
    }

    #[test]
    fn characters_are_what_a_person_counts() {
        let mut editor = Editor::with("a👨‍👩‍👧‍👦e\u{301}漢", None);
        editor.left();
        editor.backspace();
        assert_eq!(shown(&editor), "a👨‍👩‍👧‍👦|漢");
        editor.left();
        editor.delete();
        assert_eq!(shown(&editor), "a|漢");
        for _ in 0..3 {
            editor.left();
            editor.backspace();
        }
        assert_eq!(shown(&editor), "|a漢");
        for _ in 0..3 {
            editor.right();
            editor.delete();
        }
        assert_eq!(shown(&editor), "a|");
    }

    #[test]
    fn words_and_lines() {
        let mut editor = Editor::with("one two, drei\nvier fünf", None);
        editor.word_left();
        assert_eq!(shown(&editor), "one two, drei\nvier |fünf");
        editor.delete_word();
        assert_eq!(shown(&editor), "one two, drei\n|fünf");
        editor.word_right();
        editor.home();
        editor.delete_word_after();
        assert_eq!(shown(&editor), "one two, drei\n|");
        editor.up();
        assert_eq!(shown(&editor), "|one two, drei\n");
        editor.end();
        editor.delete_word();
        editor.delete_word();
        assert_eq!(shown(&editor), "one |\n");
        editor.delete_to_start();
        editor.insert("zero");
        editor.left();
        editor.left();
        editor.down();
        assert_eq!(shown(&editor), "zero\n|");
        editor.up();
        editor.right();
        editor.delete_to_end();
        assert_eq!(shown(&editor), "z|\n");
    }

    #[test]
    fn what_was_typed_comes_back_and_so_does_what_was_being_typed() {
        let mut editor = Editor::default();
        for text in ["first", "second", "second"] {
            editor.insert(text);
            editor.done();
        }
        editor.insert("third");
        editor.up();
        assert_eq!(shown(&editor), "second|");
        editor.up();
        editor.up();
        assert_eq!(shown(&editor), "first|");
        editor.down();
        editor.down();
        assert_eq!(shown(&editor), "third|");
        editor.down();
        assert_eq!(shown(&editor), "third|");
        for number in 0..2 * HISTORY {
            editor.set(number.to_string());
            editor.done();
        }
        assert_eq!(editor.history.len(), HISTORY);
    }

    #[test]
    fn a_text_has_a_mebibyte_and_no_byte_more() {
        let mut editor = Editor::default();
        assert!(editor.insert(&"x".repeat(TEXT_CAP)));
        assert!(!editor.insert("y"));
        assert_eq!(editor.text().len(), TEXT_CAP);
        let drawn = editor.rows(80);
        assert!(drawn.rows.len() < 200, "only what is near the cursor is drawn");
        assert_eq!(drawn.row, drawn.rows.len() - 1);
    }

    #[test]
    fn the_cursor_is_drawn_where_it_stands() {
        let at = |editor: &Editor, width| {
            let drawn = editor.rows(width);
            (drawn.rows, drawn.row, drawn.column)
        };
        let mut editor = Editor::with("ab\n漢字x", None);
        assert_eq!(at(&editor, 80), (vec!["ab".into(), "漢字x".into()], 1, 5));
        assert_eq!(at(&editor, 5), (vec!["ab".into(), "漢字".into(), "x".into()], 2, 1));
        editor.left();
        editor.left();
        assert_eq!(at(&editor, 80).2, 2);
        editor.up();
        assert_eq!(at(&editor, 80), (vec!["ab".into(), "漢字x".into()], 0, 1));
        editor.set("a\u{1b}[2J\tb\u{202e}".into());
        assert_eq!(at(&editor, 80).0, ["a\u{fffd}[2J    b\u{fffd}"]);
        assert_eq!(at(&Editor::default(), 0), (vec![String::new()], 0, 0));
    }

    #[test]
    fn a_draft_is_saved_when_it_changed() {
        let mut editor = Editor::with("draft", None);
        assert_eq!(editor.unsaved(), None);
        editor.backspace();
        assert_eq!(editor.unsaved(), Some(("draf".into(), None)));
        assert_eq!(editor.unsaved(), None);
        let reply = Some(MessageId("m".into()));
        editor.set_reply(reply.clone());
        assert_eq!(editor.unsaved(), Some(("draf".into(), reply)));
        editor.sent();
        assert_eq!((editor.unsaved(), editor.reply()), (None, None));
    }

    #[test]
    fn a_text_that_becomes_a_reply_was_begun_as_something_else() {
        let reply = || Some(MessageId("m".into()));
        let mut editor = Editor::default();
        editor.set_reply(reply());
        editor.begin(true);
        editor.insert("begun as a reply");
        assert!(!editor.is_blind());
        editor.set_reply(None);
        assert!(!editor.is_blind(), "without the reply it goes where it would have gone");
        editor.set_reply(reply());
        assert!(editor.is_blind());
    }
}
