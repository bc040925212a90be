//! What the two people do.

use crate::SECOND;

/// One thing somebody does, or time that passes.
pub(super) enum Act<'a> {
    /// Says this.
    Say(usize, &'a str),
    /// Reads up to this.
    Read(usize, &'a str),
    /// Makes an invite, the so-many-eth.
    Invite(usize, usize),
    /// Takes a name.
    Name(usize, &'a str),
    /// Looks at the app, or away.
    Foreground(usize, bool),
    /// Gets envelopes that are for others: kept, and not synced.
    Noise(usize),
    /// Closes the app and opens it again.
    Restart(usize),
    /// Goes online or offline.
    Online(usize, bool),
    /// Milliseconds.
    Pass(i64),
}

/// Before the interruptions.
pub(super) const BEFORE: &[Act<'_>] = &[
    Act::Pass(2 * SECOND),
    Act::Say(0, "first"),
    Act::Pass(2 * SECOND),
    Act::Say(1, "second"),
    Act::Say(0, "third"),
    Act::Pass(5 * SECOND),
    Act::Read(1, "third"),
];

/// What is interrupted.
pub(super) const AFTER: &[Act<'_>] = &[
    Act::Foreground(0, true),
    Act::Say(0, "one"),
    Act::Noise(1),
    Act::Say(0, "two"),
    Act::Pass(2 * SECOND),
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

/// What is sent for something said; `long` and `longer` take chunks.
pub(super) fn text(said: &str) -> String {
    match said {
        "long" => "a long text ".repeat(1500),
        "longer" => "a longer text ".repeat(2000),
        _ => said.to_owned(),
    }
}

/// Everything the script says.
pub(super) fn said() -> impl Iterator<Item = (usize, &'static str)> {
    BEFORE.iter().chain(AFTER).filter_map(|act| match act {
        Act::Say(who, said) => Some((*who, *said)),
        _ => None,
    })
}
