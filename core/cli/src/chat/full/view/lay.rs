//! A message, broken into lines.

use std::ops::Range;

use sotto_messenger::records::{Mention, Message, MessageState};

use crate::chat::posts::{self, Them};
use crate::chat::{lines, people};

/// A message in lines.
pub(super) struct Laid {
    pub(super) text: String,
    pub(super) lines: Vec<(Part, Range<usize>)>,
    /// Places of the people that the text names.
    pub(super) marks: Vec<Range<usize>>,
}

/// The part of a message that a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::chat::full) enum Part {
    /// The date, above the first message of a day.
    Day,
    /// The first line, with author and time.
    First {
        /// Whether it is an own message.
        mine: bool,
    },
    /// A further line of somebody's text.
    More,
    /// A line of the program around the text.
    Note,
    /// A picture with this average colour: red, green, blue.
    Picture([u8; 3]),
}

/// A message in lines of `width` columns, under its date if one is given.
pub(super) fn lay(message: &Message, them: Them<'_>, width: usize, day: Option<i64>) -> Laid {
    let mut laid = Laid { text: String::new(), lines: Vec::new(), marks: Vec::new() };
    if let Some(day) = day {
        laid.push(&format!("— {} —", people::date(day)), (Part::Day, Part::Day), (usize::MAX, 1));
    }
    let more = width.saturating_sub(lines::MORE.chars().count()).max(1);
    if let Some(above) = posts::above(message, them) {
        laid.push(&lines::fit(&above, width), (Part::Note, Part::More), (width, more));
    }
    let head = head_of(message, them);
    let (text, marks) = marked(message.text.as_deref().unwrap_or_default(), &message.mentions);
    let before = laid.text.len().saturating_add(head.len());
    let place = |mark: Range<usize>| before.saturating_add(mark.start)..before.saturating_add(mark.end);
    laid.marks = marks.into_iter().map(place).collect();
    laid.push(&format!("{head}{text}"), (Part::First { mine: message.mine }, Part::More), (width, more));
    // The files come first.
    let mut colours = message.files.iter().map(|file| file.colour);
    for below in posts::below(message, them) {
        let part = colours.next().flatten().map_or(Part::Note, Part::Picture);
        laid.push(&below, (part, Part::More), (width, more));
    }
    laid
}

impl Laid {
    /// Adds text: its first line, and further lines.
    fn push(&mut self, text: &str, (first, further): (Part, Part), (width, more): (usize, usize)) {
        let start = self.text.len();
        self.text.push_str(text);
        for (number, line) in lines::wrap(text, width, more).into_iter().enumerate() {
            let part = if number == 0 { first } else { further };
            self.lines.push((part, start.saturating_add(line.start)..start.saturating_add(line.end)));
        }
    }
}

/// As [`people::head`], with the reason of a failure.
fn head_of(message: &Message, them: Them<'_>) -> String {
    match (&message.reason, message.state) {
        (Some(code), MessageState::Failed) if message.mine && message.text.is_some() => {
            format!("{} you (failed: {}; /retry): ", people::clock(message.time_ms), code.detail())
        }
        _ => people::head(them, message),
    }
}

/// A text as it is drawn, and where the people are that it names.
fn marked(text: &str, mentions: &[Mention]) -> (String, Vec<Range<usize>>) {
    let (mut drawn, mut marks, mut at) = (String::new(), Vec::new(), 0);
    for one in mentions {
        let from = usize::try_from(one.offset).unwrap_or(usize::MAX);
        let to = from.saturating_add(usize::try_from(one.length).unwrap_or(usize::MAX));
        if let (Some(before), Some(name)) = (text.get(at..from), text.get(from..to)) {
            drawn.push_str(&lines::harmless(before));
            let start = drawn.len();
            drawn.push_str(&lines::harmless(name));
            marks.push(start..drawn.len());
            at = to;
        }
    }
    drawn.push_str(&lines::harmless(text.get(at..).unwrap_or_default()));
    (drawn, marks)
}
