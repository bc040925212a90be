//! The open conversation: its messages, broken into lines as far as they are looked at, and where one looks.

use std::ops::Range;

use sotto_messenger::records::{ContactId, ConversationId, Message, MessageId, MessageState};

use crate::chat::{lines, people};

/// Messages of a page.
pub(super) const PAGE: u32 = 50;
const DAY_MS: i64 = 86_400_000;

/// What is on screen of a conversation.
pub(super) struct View {
    pub(super) conversation: ConversationId,
    pub(super) contact: ContactId,
    /// Before what they write.
    label: String,
    /// Oldest first.
    shown: Vec<Shown>,
    /// There are older ones on disk.
    more: bool,
    /// They were asked for.
    asked: bool,
    /// The lowest line on screen: its message, and the line of that. `None`: the newest, and it stays so.
    anchor: Option<(MessageId, usize)>,
    width: usize,
    height: usize,
    /// What [`Self::unread`] was when it was marked.
    pub(super) read: Option<(MessageId, MessageId)>,
    /// When they were writing, Unix milliseconds.
    pub(super) writing_ms: Option<i64>,
}

struct Shown {
    message: Message,
    laid: Option<Laid>,
}

/// A message in lines.
struct Laid {
    text: String,
    lines: Vec<(Part, Range<usize>)>,
}

/// Which part of a message a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The day, above its first message.
    Day,
    /// With author and time; ours, or not.
    First {
        /// We wrote it.
        mine: bool,
    },
    /// Any further line.
    More,
}

/// One line to draw.
pub(super) struct Row<'a> {
    pub(super) part: Part,
    pub(super) text: &'a str,
}

impl View {
    pub(super) fn new(conversation: ConversationId, contact: ContactId, label: String) -> Self {
        let (width, height) = (80, 24);
        let (shown, more, asked, anchor, read) = (Vec::new(), false, false, None, None);
        Self { conversation, contact, label, shown, more, asked, anchor, width, height, read, writing_ms: None }
    }

    /// The newest messages anew, as they are on disk: newest first. `more`: there are older ones.
    pub(super) fn replace(&mut self, messages: Vec<Message>, more: bool) {
        let mut before: Vec<Shown> = std::mem::take(&mut self.shown);
        for message in messages.into_iter().rev() {
            let known = before.iter().position(|one| one.message == message);
            match known {
                // What was broken into lines before it stays so, with its day.
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
        if self.shown.last().is_some_and(|one| !one.message.mine) {
            self.writing_ms = None;
        }
        self.fill();
    }

    /// A page of older ones, newest first.
    pub(super) fn prepend(&mut self, messages: Vec<Message>, more: bool) {
        if let Some(first) = self.shown.first_mut() {
            first.laid = None;
        }
        let older = messages.into_iter().rev().map(|message| Shown { message, laid: None });
        self.shown.splice(..0, older);
        (self.more, self.asked) = (more, false);
        self.fill();
    }

    /// Messages to read again when something changed.
    pub(super) fn loaded(&self) -> u32 {
        u32::try_from(self.shown.len()).unwrap_or(u32::MAX).max(PAGE)
    }

    /// Back at the newest, older pages are let go.
    pub(super) fn shrink(&mut self) {
        let extra = self.shown.len().saturating_sub(PAGE as usize);
        if self.anchor.is_none() && extra > 0 {
            self.shown.drain(..extra);
            self.more = true;
            self.forget_days();
            self.fill();
        }
    }

    /// One of ours got further. False if it is not here.
    pub(super) fn state(&mut self, id: &MessageId, state: MessageState) -> bool {
        let Some(one) = self.shown.iter_mut().rev().find(|one| one.message.id == *id) else {
            return false;
        };
        one.message.state = state;
        one.laid = None;
        self.fill();
        true
    }

    pub(super) fn set_label(&mut self, label: String) {
        if self.label != label {
            self.label = label;
            self.lay_anew();
        }
    }

    /// The place on screen, columns and rows.
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

    /// The newest line is on screen.
    pub(super) fn is_at_end(&self) -> bool {
        self.anchor.is_none()
    }

    /// The newest of theirs that is whole, and the oldest that a mark of it would make read.
    pub(super) fn unread(&self) -> Option<(MessageId, MessageId)> {
        let theirs = || self.shown.iter().map(|one| &one.message).filter(|one| !one.mine && !one.fetching);
        let oldest = theirs().find(|one| one.state == MessageState::Received)?;
        Some((theirs().next_back()?.id.clone(), oldest.id.clone()))
    }

    pub(super) fn follow(&mut self) {
        self.anchor = None;
        self.shrink();
        self.fill();
    }

    /// Rows of a screen, for scrolling.
    pub(super) fn screenful(&self) -> usize {
        self.height.saturating_sub(1).max(1)
    }

    /// So many lines up. The cursor of the page to ask for, when that leads to its end.
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

    /// So many lines down.
    pub(super) fn down(&mut self, count: usize) {
        let Some((mut index, line)) = self.lowest() else {
            return;
        };
        let mut line = line.saturating_add(count);
        loop {
            let lines = self.lay(index);
            if line < lines {
                break;
            }
            if index.saturating_add(1) >= self.shown.len() {
                return self.follow();
            }
            line = line.saturating_sub(lines);
            index = index.saturating_add(1);
        }
        self.set_anchor(index, line);
        self.fill();
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
                rows.push(Row { part: *part, text: laid.text.get(range.clone()).unwrap_or_default() });
            }
        }
        rows.reverse();
        rows
    }

    /// Asks for the older page, once.
    fn wants_older(&mut self, at_top: bool) -> Option<String> {
        if !at_top || !self.more || self.asked {
            return None;
        }
        self.asked = true;
        self.shown.first().map(|one| one.message.cursor.clone())
    }

    /// The lowest line: as [`Self::place`], laid out.
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
        self.anchor = id.filter(|_| !is_last).map(|id| (id, line));
    }

    /// Lines above the lowest one, counted up to `wanted`.
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

    /// Breaks into lines what is on screen.
    fn fill(&mut self) {
        self.above(self.height);
    }

    fn lay_anew(&mut self) {
        for one in &mut self.shown {
            one.laid = None;
        }
        self.fill();
    }

    /// The first message of what is loaded has its day above it, whatever stood before.
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

    /// Breaks a message into lines, unless it is; how many.
    fn lay(&mut self, index: usize) -> usize {
        let before = index.checked_sub(1).and_then(|before| self.shown.get(before));
        let before = before.map(|one| one.message.time_ms.div_euclid(DAY_MS));
        let (label, width) = (self.label.clone(), self.width);
        let Some(one) = self.shown.get_mut(index) else {
            return 0;
        };
        let day = one.message.time_ms.div_euclid(DAY_MS);
        let laid =
            one.laid.get_or_insert_with(|| lay(&one.message, label, width, (before != Some(day)).then_some(day)));
        laid.lines.len()
    }
}

/// A message in lines, below its day if that is given.
fn lay(message: &Message, label: String, width: usize, day: Option<i64>) -> Laid {
    let mut text = match day {
        Some(day) => format!("— {} —", date(day)),
        None => String::new(),
    };
    let head = text.len();
    text.push_str(&head_of(label, message));
    text.push_str(&lines::harmless(message.text.as_deref().unwrap_or_default()));
    let body = text.get(head..).unwrap_or_default();
    let more = width.saturating_sub(lines::MORE.chars().count()).max(1);
    let mut parts: Vec<(Part, Range<usize>)> = Vec::new();
    if head > 0 {
        parts.push((Part::Day, 0..head));
    }
    for (number, line) in lines::wrap(body, width, more).into_iter().enumerate() {
        let part = if number == 0 { Part::First { mine: message.mine } } else { Part::More };
        parts.push((part, head.saturating_add(line.start)..head.saturating_add(line.end)));
    }
    Laid { lines: parts, text }
}

/// As [`people::head`], with the reason why it failed.
fn head_of(label: String, message: &Message) -> String {
    match (&message.reason, message.state) {
        (Some(code), MessageState::Failed) if message.mine => {
            format!("{} you (failed: {}; /retry): ", people::clock(message.time_ms), code.detail())
        }
        _ => people::head(label, message),
    }
}

/// The date of a day since 1970, as 2026-11-29 (Hinnant, "chrono-compatible low-level date algorithms").
pub(super) fn date(day: i64) -> String {
    let shifted = day.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests;
