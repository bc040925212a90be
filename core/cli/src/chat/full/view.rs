//! The open conversation: its messages, broken into lines when they are shown, and the scroll position.

mod lay;
mod pick;

use std::ops::Range;

use sotto_messenger::records::{ContactId, ConversationId, Message, MessageId, MessageState, Transfer};

pub(super) use self::lay::Part;
use self::lay::{Laid, lay};
pub(super) use self::pick::Wanted;
use crate::chat::posts::Them;

/// Messages of one page.
pub(super) const PAGE: u32 = 50;
const DAY_MS: i64 = 86_400_000;

/// The part of a conversation that is in memory.
pub(super) struct View {
    pub(super) conversation: ConversationId,
    pub(super) contact: ContactId,
    /// Label in front of the contact's messages.
    label: String,
    /// Messages, oldest first.
    shown: Vec<Shown>,
    /// Whether the disk has older messages.
    more: bool,
    /// Whether the disk has newer messages, after a jump.
    newer: bool,
    /// The message that commands are about. Only keys pick one.
    pub(super) picked: Option<MessageId>,
    /// Whether the older page was requested.
    asked: bool,
    /// The lowest line on screen: message and line of the message. `None` follows the newest message.
    anchor: Option<(MessageId, usize)>,
    width: usize,
    height: usize,
    /// The value of [`Self::unread`] when the messages were last marked as read.
    pub(super) read: Option<(MessageId, MessageId)>,
    /// When the contact was last typing, Unix milliseconds.
    pub(super) writing_ms: Option<i64>,
}

struct Shown {
    message: Message,
    laid: Option<Laid>,
}

/// One line to draw.
pub(super) struct Row<'a> {
    pub(super) part: Part,
    pub(super) text: &'a str,
    /// Places of the people that the text names.
    pub(super) marks: Vec<Range<usize>>,
    pub(super) picked: bool,
}

impl View {
    pub(super) fn new(conversation: ConversationId, contact: ContactId, label: String) -> Self {
        let (width, height) = (80, 24);
        let (shown, more, newer, asked) = (Vec::new(), false, false, false);
        let (picked, anchor, read, writing_ms) = (None, None, None, None);
        Self {
            conversation,
            contact,
            label,
            shown,
            more,
            newer,
            picked,
            asked,
            anchor,
            width,
            height,
            read,
            writing_ms,
        }
    }

    /// Replaces the newest messages by those on disk, newest first. `more`: the disk has older ones.
    pub(super) fn replace(&mut self, messages: Vec<Message>, more: bool) {
        self.newer = false;
        self.put(messages, more);
    }

    fn put(&mut self, messages: Vec<Message>, more: bool) {
        let mut before: Vec<Shown> = std::mem::take(&mut self.shown);
        for message in messages.into_iter().rev() {
            let known = before.iter().position(|one| one.message == message);
            match known {
                // A message that was broken into lines keeps its lines and date.
                Some(at) => self.shown.extend(before.drain(..=at).next_back()),
                None => self.shown.push(Shown { message, laid: None }),
            }
        }
        self.forget_days();
        (self.more, self.asked) = (more, false);
        let gone = |(id, _): &(MessageId, usize)| !self.shown.iter().any(|one| one.message.id == *id);
        if self.anchor.as_ref().is_some_and(gone) {
            self.anchor = None;
        }
        if self.picked().is_none() {
            self.picked = None; // it was deleted, or has disappeared
        }
        if self.shown.last().is_some_and(|one| !one.message.mine) {
            self.writing_ms = None;
        }
        self.fill();
    }

    /// Adds a page of older messages, newest first.
    pub(super) fn prepend(&mut self, messages: Vec<Message>, more: bool) {
        if let Some(first) = self.shown.first_mut() {
            first.laid = None;
        }
        let older = messages.into_iter().rev().map(|message| Shown { message, laid: None });
        self.shown.splice(..0, older);
        (self.more, self.asked) = (more, false);
        self.fill();
    }

    /// How many messages to read again after a change.
    pub(super) fn loaded(&self) -> u32 {
        u32::try_from(self.shown.len()).unwrap_or(u32::MAX).max(PAGE)
    }

    /// Drops older pages when the newest message is on screen.
    pub(super) fn shrink(&mut self) {
        let extra = self.shown.len().saturating_sub(PAGE as usize);
        if self.is_at_end() && extra > 0 {
            self.shown.drain(..extra);
            self.more = true;
            self.forget_days();
            self.fill();
        }
    }

    /// Updates the state of an own message. False if it is not loaded.
    pub(super) fn state(&mut self, id: &MessageId, state: MessageState) -> bool {
        let Some(one) = self.shown.iter_mut().rev().find(|one| one.message.id == *id) else {
            return false;
        };
        one.message.state = state;
        one.laid = None;
        self.fill();
        true
    }

    /// Updates how far a file is.
    pub(super) fn file(&mut self, now: &Transfer) {
        for one in &mut self.shown {
            for file in one.message.files.iter_mut().filter(|file| file.id == now.file) {
                (file.state, file.have, file.reason) = (now.state, now.have, now.reason);
                one.laid = None;
            }
        }
        self.fill();
    }

    pub(super) fn set_label(&mut self, label: String) {
        if self.label != label {
            self.label = label;
            self.lay_anew();
        }
    }

    /// Sets the place on screen, in columns and rows.
    pub(super) fn resize(&mut self, width: usize, height: usize) {
        let (width, height) = (width.max(1), height.max(1));
        if self.width != width {
            self.width = width;
            self.lay_anew();
        }
        self.height = height;
        self.fill();
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Whether the newest line is on screen.
    pub(super) fn is_at_end(&self) -> bool {
        self.anchor.is_none() && !self.newer
    }

    /// The other person, as messages name them.
    pub(super) fn them(&self) -> Them<'_> {
        Them::One { id: &self.contact, label: &self.label }
    }

    /// The newest whole message of the contact, and the oldest message that marking it would mark as read.
    pub(super) fn unread(&self) -> Option<(MessageId, MessageId)> {
        let theirs = || self.shown.iter().map(|one| &one.message).filter(|one| !one.mine && !one.fetching);
        let oldest = theirs().find(|one| one.state == MessageState::Received)?;
        Some((theirs().next_back()?.id.clone(), oldest.id.clone()))
    }

    /// Shows the newest message. True if it has to be loaded.
    pub(super) fn follow(&mut self) -> bool {
        self.anchor = None;
        self.shrink();
        self.fill();
        self.newer
    }

    /// Rows to scroll for one screen.
    pub(super) fn screenful(&self) -> usize {
        self.height.saturating_sub(1).max(1)
    }

    /// Scrolls up. Returns the cursor of the page to load, if the loaded messages end there.
    pub(super) fn up(&mut self, count: usize) -> Option<String> {
        let wanted = count.saturating_add(self.height).saturating_sub(1);
        let above = self.above(wanted);
        let count = count.min(above.saturating_sub(self.height.saturating_sub(1)));
        if count > 0
            && let Some((index, line)) = self.lowest()
        {
            let (index, line) = self.walk_up(index, line, count);
            self.set_anchor(index, line);
        }
        self.fill();
        self.wants_older(above < wanted)
    }

    /// Scrolls down. Returns the newest loaded message if newer ones are to be loaded.
    pub(super) fn down(&mut self, count: usize) -> Option<MessageId> {
        let (index, line) = self.lowest()?;
        let (index, line) = self.walk_down(index, line, count);
        self.set_anchor(index, line);
        if self.is_at_end() {
            self.follow();
        }
        self.fill();
        let is_last = index.saturating_add(1) == self.shown.len() && line.saturating_add(1) >= self.lay(index);
        self.newest().filter(|_| self.newer && is_last)
    }

    /// The lines on screen, topmost first.
    pub(super) fn rows(&self) -> Vec<Row<'_>> {
        let mut rows = Vec::new();
        let lowest = self.place();
        for (index, one) in self.shown.iter().enumerate().rev() {
            let Some((at, line)) = lowest.filter(|(at, _)| index <= *at) else {
                continue;
            };
            let Some(laid) = &one.laid else {
                break;
            };
            let last = if index == at { line.saturating_add(1) } else { laid.lines.len() };
            for (part, range) in laid.lines.iter().take(last).rev() {
                if rows.len() >= self.height {
                    break;
                }
                let (from, to) = (range.start, range.end);
                let here = |mark: &Range<usize>| mark.start.max(from)..mark.end.min(to);
                let marks = laid.marks.iter().map(here).filter(|mark| mark.start < mark.end);
                let marks = marks.map(|mark| mark.start.saturating_sub(from)..mark.end.saturating_sub(from));
                let picked = self.picked.as_ref() == Some(&one.message.id) && *part != Part::Day;
                let text = laid.text.get(range.clone()).unwrap_or_default();
                rows.push(Row { part: *part, text, marks: marks.collect(), picked });
            }
        }
        rows.reverse();
        rows
    }

    /// Requests the older page, once.
    fn wants_older(&mut self, at_top: bool) -> Option<String> {
        if !at_top || !self.more || self.asked {
            return None;
        }
        self.asked = true;
        self.shown.first().map(|one| one.message.cursor.clone())
    }

    /// The lowest line: [`Self::place`] after layout.
    fn lowest(&mut self) -> Option<(usize, usize)> {
        let index = self.place()?.0;
        self.lay(index);
        self.place()
    }

    fn place(&self) -> Option<(usize, usize)> {
        let last = self.shown.len().checked_sub(1)?;
        let (index, line) = match &self.anchor {
            Some((id, line)) => (self.shown.iter().rposition(|one| one.message.id == *id)?, *line),
            None => (last, usize::MAX),
        };
        let lines = self.shown.get(index)?.laid.as_ref().map_or(1, |laid| laid.lines.len());
        Some((index, line.min(lines.saturating_sub(1))))
    }

    fn set_anchor(&mut self, index: usize, line: usize) {
        let lines = self.lay(index);
        let is_last = index.saturating_add(1) == self.shown.len() && line.saturating_add(1) >= lines;
        let id = self.shown.get(index).map(|one| one.message.id.clone());
        self.anchor = id.filter(|_| !is_last || self.newer).map(|id| (id, line));
    }

    /// Number of lines above the lowest line, counted up to `wanted`.
    fn above(&mut self, wanted: usize) -> usize {
        let Some((index, line)) = self.lowest() else {
            return 0;
        };
        let mut above = line;
        for index in (0..index).rev() {
            if above >= wanted {
                break;
            }
            above = above.saturating_add(self.lay(index));
        }
        above.min(wanted)
    }

    fn walk_up(&mut self, mut index: usize, mut line: usize, mut count: usize) -> (usize, usize) {
        while count > line && index > 0 {
            count = count.saturating_sub(line).saturating_sub(1);
            index = index.saturating_sub(1);
            line = self.lay(index).saturating_sub(1);
        }
        (index, line.saturating_sub(count))
    }

    /// Breaks the messages on screen into lines.
    fn fill(&mut self) {
        self.above(self.height);
    }

    fn lay_anew(&mut self) {
        for one in &mut self.shown {
            one.laid = None;
        }
        self.fill();
    }

    /// The first loaded message has its date above it.
    fn forget_days(&mut self) {
        let mut day = None;
        for one in &mut self.shown {
            let its = one.message.time_ms.div_euclid(DAY_MS);
            let had = one.laid.as_ref().and_then(|laid| laid.lines.first()).is_some_and(|line| line.0 == Part::Day);
            if had != (day != Some(its)) {
                one.laid = None;
            }
            day = Some(its);
        }
    }

    /// Breaks a message into lines if needed; returns the number of lines.
    fn lay(&mut self, index: usize) -> usize {
        let before = index.checked_sub(1).and_then(|before| self.shown.get(before));
        let before = before.map(|one| one.message.time_ms.div_euclid(DAY_MS));
        let them = Them::One { id: &self.contact, label: &self.label };
        let Some(one) = self.shown.get_mut(index) else {
            return 0;
        };
        let day = one.message.time_ms.div_euclid(DAY_MS);
        let laid =
            one.laid.get_or_insert_with(|| lay(&one.message, them, self.width, (before != Some(day)).then_some(day)));
        laid.lines.len()
    }
}

#[cfg(test)]
mod tests;
