//! The picked message, and pages around a message.

use sotto_messenger::records::{Message, MessageId};

use super::View;

/// Messages to load next.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::chat::full) enum Wanted {
    /// Before this cursor.
    Older(String),
    /// Around this message, the newest loaded one.
    Newer(MessageId),
}

impl View {
    /// Replaces the messages by a page around one of them, newest first. `more`, `newer`: the disk has older and newer
    /// ones.
    pub(in crate::chat::full) fn around(&mut self, messages: Vec<Message>, more: bool, newer: bool) {
        self.newer = newer;
        self.put(messages, more);
    }

    /// Picks a message of the page and shows it in the middle.
    pub(in crate::chat::full) fn jump(&mut self, id: &MessageId) {
        if let Some(index) = self.index(id) {
            self.picked = Some(id.clone());
            let last = self.lay(index).saturating_sub(1);
            let (index, line) = self.walk_down(index, last, self.height / 2);
            self.set_anchor(index, line);
            self.fill();
        }
    }

    /// Picks the message above or below the picked one; the first pick is the lowest message on screen. Below the
    /// newest nothing is picked.
    pub(in crate::chat::full) fn pick(&mut self, up: bool) -> Option<Wanted> {
        let next = match (self.picked.as_ref().and_then(|id| self.index(id)), up) {
            (None, true) => self.lowest()?.0,
            (None, false) => return None,
            (Some(0), true) => return self.wants_older(true).map(Wanted::Older),
            (Some(at), true) => at.saturating_sub(1),
            (Some(at), false) => at.saturating_add(1),
        };
        if next >= self.shown.len() {
            if self.newer {
                return self.newest().map(Wanted::Newer);
            }
            self.picked = None;
            return None;
        }
        self.picked = self.shown.get(next).map(|one| one.message.id.clone());
        self.reveal(next);
        None
    }

    /// The picked message.
    pub(in crate::chat::full) fn picked(&self) -> Option<&Message> {
        let index = self.index(self.picked.as_ref()?)?;
        self.shown.get(index).map(|one| &one.message)
    }

    /// The newest loaded message.
    pub(super) fn newest(&self) -> Option<MessageId> {
        self.shown.last().map(|one| one.message.id.clone())
    }

    /// The message in the middle of what is loaded, to read again around.
    pub(in crate::chat::full) fn middle(&self) -> Option<MessageId> {
        let place = self.anchor.as_ref().map(|(id, _)| id.clone());
        place.or_else(|| self.newest()).filter(|_| self.newer)
    }

    pub(super) fn index(&self, id: &MessageId) -> Option<usize> {
        self.shown.iter().rposition(|one| one.message.id == *id)
    }

    /// Scrolls as little as needed to show a message, or its beginning.
    fn reveal(&mut self, index: usize) {
        let Some((low, line)) = self.lowest() else {
            return;
        };
        let last = self.lay(index).saturating_sub(1);
        if (index, last) > (low, line) {
            self.set_anchor(index, last);
        }
        let Some((low, line)) = self.lowest() else {
            return;
        };
        let room = self.height.saturating_sub(1);
        if self.walk_up(low, line, room) > (index, 0) {
            let (low, line) = self.walk_down(index, 0, room);
            self.set_anchor(low, line);
        }
        self.fill();
    }

    /// The line `count` lines below, or the last one.
    pub(super) fn walk_down(&mut self, mut index: usize, line: usize, count: usize) -> (usize, usize) {
        let mut line = line.saturating_add(count);
        loop {
            let lines = self.lay(index);
            if line < lines || index.saturating_add(1) >= self.shown.len() {
                return (index, line.min(lines.saturating_sub(1)));
            }
            line = line.saturating_sub(lines);
            index = index.saturating_add(1);
        }
    }
}
