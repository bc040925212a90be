//! The actions of the two people.

use crate::SECOND;

/// One action, or time that passes.
pub(super) enum Act<'a> {
    /// Sends this text.
    Say(usize, &'a str),
    /// Reads up to this text.
    Read(usize, &'a str),
    /// Deletes what the other side said.
    Delete(usize, &'a str),
    /// Makes the invite with this number.
    Invite(usize, usize),
    /// Changes the own name.
    Name(usize, &'a str),
    /// Opens the app on screen, or leaves it.
    Foreground(usize, bool),
    /// Receives envelopes for others, which are kept without a sync.
    Noise(usize),
    /// Closes and reopens the app.
    Restart(usize),
    /// Goes online or offline.
    Online(usize, bool),
    /// Time that passes, milliseconds.
    Pass(i64),
}

/// The part before the interruptions.
pub(super) const BEFORE: &[Act<'_>] = &[
    Act::Pass(2 * SECOND),
    Act::Say(0, "first"),
    Act::Pass(2 * SECOND),
    Act::Say(1, "second"),
    Act::Say(0, "third"),
    Act::Pass(5 * SECOND),
    Act::Read(1, "third"),
];

/// The part that is interrupted.
pub(super) const AFTER: &[Act<'_>] = &[
    Act::Foreground(0, true),
    Act::Say(0, "one"),
    Act::Noise(1),
    Act::Say(0, "two"),
    Act::Say(0, "gone"),
    Act::Pass(2 * SECOND),
    Act::Delete(1, "gone"),
    Act::Say(1, "three"),
    Act::Pass(5 * SECOND),
    Act::Read(0, "three"),
    Act::Say(0, "long"),
    Act::Noise(0),
    Act::Say(1, "four"),
    Act::Pass(10 * SECOND),
    Act::Noise(1),
    Act::Invite(1, 1),
    Act::Online(1, false),
    Act::Say(0, "five"),
    Act::Say(0, "six"),
    Act::Say(1, "seven"),
    Act::Pass(10 * SECOND),
    Act::Online(1, true),
    Act::Foreground(0, false),
    Act::Pass(20 * SECOND),
    Act::Restart(1),
    Act::Read(1, "six"),
    Act::Name(1, "Bob"),
    Act::Pass(5 * SECOND),
    Act::Say(1, "eight"),
];

/// The whole text of an entry; `long` and `longer` need chunks.
pub(super) fn text(said: &str) -> String {
    match said {
        "long" => "a long text ".repeat(1500),
        "longer" => "a longer text ".repeat(2000),
        _ => said.to_owned(),
    }
}

/// Who deletes what.
pub(super) fn deleted() -> impl Iterator<Item = (usize, &'static str)> {
    BEFORE.iter().chain(AFTER).filter_map(|act| match act {
        Act::Delete(who, said) => Some((*who, *said)),
        _ => None,
    })
}

/// All texts of the script.
pub(super) fn said() -> impl Iterator<Item = (usize, &'static str)> {
    BEFORE.iter().chain(AFTER).filter_map(|act| match act {
        Act::Say(who, said) => Some((*who, *said)),
        _ => None,
    })
}
