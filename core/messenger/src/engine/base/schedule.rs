//! When something is done again: the one table of the engine's waits, in milliseconds.
//!
//! What others can see of it stands in `docs/protocol.md` too, under "Times that others can see".

use rand_core::Rng;
use sotto_db::NEVER;

pub(crate) const SECOND: i64 = 1000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// How long to wait after each try.
#[derive(Debug)]
pub(crate) struct Schedule {
    steps: &'static [i64],
    then: Then,
    spread: Spread,
}

/// What follows the last step.
#[derive(Debug, Clone, Copy)]
enum Then {
    Stay,
    /// Twice as long each time, up to this.
    Double(i64),
    /// No more tries.
    End,
}

/// What is drawn for each wait, by one number of the random source, so that nobody is known by his times and a crowd
/// does
/// not come at once.
#[derive(Debug, Clone, Copy)]
enum Spread {
    No,
    /// Up to one part in so many is added,
    Part(i64),
    /// or up to this.
    UpTo(i64),
    /// From half of it to one and a half.
    Around,
}

impl Schedule {
    /// The wait after so many tries, without what is drawn; [`NEVER`]: there is no other try.
    pub(crate) fn plain(&self, tries: u32) -> i64 {
        let last = self.steps.len().saturating_sub(1);
        let after = usize::try_from(tries).unwrap_or(usize::MAX).saturating_sub(last);
        let step = self.steps.get(usize::try_from(tries).unwrap_or(last).min(last)).copied().unwrap_or(NEVER);
        match self.then {
            Then::End if after > 0 => NEVER,
            Then::Double(most) if after > 0 => step.saturating_mul(1 << after.min(32)).min(most),
            _ => step,
        }
    }

    /// The wait after so many tries; [`NEVER`]: there is no other try.
    pub(crate) fn wait(&self, tries: u32, rng: &mut impl Rng) -> i64 {
        match (self.plain(tries), self.spread) {
            (NEVER, _) => NEVER,
            (wait, Spread::No) => wait,
            (wait, Spread::Part(parts)) => wait + below(wait / parts, rng),
            (wait, Spread::UpTo(more)) => wait + below(more, rng),
            (wait, Spread::Around) => wait / 2 + below(wait, rng),
        }
    }
}

/// A number below `bound`, nearly uniform; 0 for 0.
pub(crate) fn below(bound: i64, rng: &mut impl Rng) -> i64 {
    i64::from(rng.next_u32()).checked_rem(bound).unwrap_or(0)
}

/// Exponential with this mean, up to a longest.
pub(crate) fn delay(mean_ms: i64, longest_ms: i64, rng: &mut impl Rng) -> i64 {
    let uniform = (below(1_000_000, rng) + 1) as f64 / 1_000_000.0;
    let drawn = -uniform.ln() * mean_ms as f64;
    (drawn as i64).clamp(0, longest_ms)
}

macro_rules! schedules {
    ($($(#[$doc:meta])* $name:ident: [$($step:expr),*], $then:expr, $spread:expr;)*) => {
        $($(#[$doc])* pub(crate) const $name: Schedule =
            Schedule { steps: &[$($step),*], then: $then, spread: $spread };)*
    };
}

const QUARTER: i64 = 15 * MINUTE;

schedules! {
    /// A message without a receipt, by accepted attempts from 0.
    RESEND: [2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY], Then::Stay, Spread::Part(8);
    /// As long as no node had it that does what it says, as far as is known: twelve are tried a quarter of an hour
    /// apart,
    /// and as many an hour apart.
    RESEND_UNPROVEN: [
        2 * MINUTE, 10 * MINUTE,
        QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER,
        HOUR, HOUR, HOUR, HOUR, HOUR, HOUR, HOUR, HOUR, HOUR, HOUR, HOUR, HOUR,
        DAY
    ], Then::Stay, Spread::Part(8);
    /// No node took it,
    PUBLISH_FAILED: [2 * SECOND], Then::Double(512 * SECOND), Spread::Around;
    /// for the one that was asked was busy,
    PUBLISH_BUSY: [5 * SECOND], Then::Double(10 * MINUTE), Spread::Around;
    /// or all that were there refused it: others may come meanwhile.
    PUBLISH_REFUSED: [MINUTE], Then::Double(256 * MINUTE), Spread::Part(1);
    /// No node of the publish circle was reached: nothing else leaves meanwhile.
    PUBLISH_UNREACHED: [2 * SECOND], Then::Double(5 * MINUTE), Spread::No;
    /// A message that a receipt leaves out leaves again: the next receipt may have it.
    HURRY: [15 * SECOND], Then::Stay, Spread::Part(1);
    /// But not sooner after it left last than this, by accepted attempts.
    HURRY_REST: [MINUTE], Then::Double(64 * MINUTE), Spread::No;
    /// Does a store have a message that no receipt came for?
    STORED_CHECK: [MINUTE], Then::Stay, Spread::Part(3);
    /// The node that took it is gone: the check comes earlier.
    LOST_CHECK: [5 * SECOND], Then::Stay, Spread::Part(1);
    /// Does a store have a card? Nobody answers one.
    CARD_CHECK: [10 * SECOND], Then::Stay, Spread::Part(1);
    /// No answer: nothing else moves a card, and the process may end before it comes.
    CARD_CHECK_AGAIN: [2 * MINUTE], Then::Stay, Spread::Part(1);
    /// A card that no store kept leaves by another node at once; after so many as there may be bad ones ever more
    /// rarely:
    /// it may be the clock, or stores that lie.
    CARD_AGAIN: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, MINUTE], Then::Double(HOUR), Spread::No;
    /// Receipts that seem not to arrive leave again, by another node, as long as none is proven.
    RECEIPT_AGAIN: [
        2 * MINUTE, 10 * MINUTE, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER
    ], Then::End, Spread::Part(8);
    /// Own cards and the look at the own list: each secret's at a time of its own.
    REFRESH: [REFRESH_MIN], Then::Stay, Spread::UpTo(REFRESH_MAX - REFRESH_MIN);
    /// What cards say changed.
    SOON: [0], Then::Stay, Spread::UpTo(10 * MINUTE);
    /// Contacts are told what changed, each at a time of its own: nobody counts them by a burst.
    NEWS: [HOUR], Then::Stay, Spread::UpTo(5 * HOUR);
    /// Somebody's cards are not there: they may be on their way, a node may be starting.
    CARDS: [
        SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND, 16 * SECOND, 32 * SECOND,
        MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY
    ], Then::Stay, Spread::Part(8);
    /// The chunks of a long text. The daily ones go on for longer than its sender repeats it and stores keep it.
    CHUNKS: [3 * SECOND, 20 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, DAY], Then::Stay, Spread::Part(4);
    /// A message that others name and that is not here: it may be on its way; then a store is asked, three times its
    /// author, and that is all.
    HOLE: [5 * SECOND, 30 * SECOND, 6 * HOUR, 6 * HOUR, 6 * HOUR], Then::End, Spread::No;
    /// A store could not be asked for what came,
    CATCH_UP_FAILED: [2 * SECOND], Then::Double(5 * MINUTE), Spread::No;
    /// nor is there a network, as far as is known: to poll is to connect, so nothing else would end it, and each try
    /// wakes
    /// the device.
    CATCH_UP_OFFLINE: [2 * SECOND], Then::Double(2 * HOUR), Spread::No;
    /// A probe of the time that nothing came of.
    PROBE_FAILED: [5 * SECOND, 20 * SECOND, 80 * SECOND, 320 * SECOND, 1280 * SECOND, HOUR], Then::Stay, Spread::No;
    /// None after one that found the clock right so often.
    PROBE_REST: [5 * MINUTE, 20 * MINUTE, HOUR], Then::Stay, Spread::No;
    /// Does a store have the first that left in this run?
    WITNESS: [10 * SECOND], Then::Stay, Spread::Part(1);
}

macro_rules! times {
    ($($(#[$doc:meta])* $name:ident = $ms:expr;)*) => { $($(#[$doc])* pub(crate) const $name: i64 = $ms;)* };
}

times! {
    /// The network answers sooner; a row is tried again after this if it never does.
    IN_FLIGHT = MINUTE;
    /// A count-less yes proves little: a second node.
    SECOND_NODE = SECOND;
    /// A message without a receipt is given up,
    GIVE_UP = 30 * DAY;
    /// and receipts that do not leave: whoever misses one sends again, and is answered again.
    RECEIPT_GIVE_UP = 10 * MINUTE;
    /// Longest delay of a receipt with the app open,
    RECEIPT_LONGEST = 15 * SECOND;
    /// and in the background.
    RECEIPT_LONGEST_BACKGROUND = MINUTE;
    /// A copy of what is receipted is answered so often.
    ANSWER_EVERY = 90 * SECOND;
    /// Lists, bundles and profiles are made anew after this at the earliest,
    REFRESH_MIN = 14 * HOUR;
    /// and after this at the latest.
    REFRESH_MAX = 20 * HOUR;
    /// The card that says that an invite is closed.
    CLOSED_CARD = DAY;
    /// Nothing is signed by a wrong clock, and what else is to be done does not wait for it.
    UNSIGNED = 5 * MINUTE;
    /// Somebody's cards were asked for and nothing came of it.
    CARDS_SILENT = 5 * MINUTE;
    /// Another device of somebody verified: it gets nothing before the person says that it is his.
    CARDS_OTHER_DEVICE = DAY;
    /// The own list was asked for and nothing came of it.
    OWN_LIST_SILENT = 5 * MINUTE;
    /// After a restore the own list is looked at once more, for another restore at the same time.
    OWN_LIST_RESTORED = 2 * MINUTE;
    /// A question to an author is not receipted yet: another one would only wait beside it.
    HOLE_POSTPONED = HOUR;
    /// A sending session whose receipts stay away is begun anew, once newer cards are there.
    SESSION_SILENT = 48 * HOUR;
    /// A header opened and its message did not: the envelope as it was sent has so long to follow.
    AHEAD_DOUBT = 30 * SECOND;
    /// A session begun by the contact's reset pair has so long to be answered, before the contact's cards are looked
    /// for.
    AHEAD_PAIR = MINUTE;
    /// Nothing was pushed or relayed: another store is asked, since filter nodes and relay peers may be silent.
    QUIET = QUARTER;
    /// Quiet enough, when somebody opens the app.
    QUIET_OPENED = 5 * MINUTE;
    /// A store is asked for a bucket that was left,
    POLL = QUARTER;
    /// and while somebody looks.
    POLL_SEEN = 15 * SECOND;
    /// Pushes after a start wait so long where no store is being asked.
    HELD = 10 * SECOND;
    /// From one deep look to the next, where one is enough for all sessions,
    LOOK = 4 * SECOND;
    /// and at least, however many sessions there are.
    LOOK_LEAST = SECOND;
    /// A store is asked for a probe so long after a node took it.
    PROBE_ASK = 3 * SECOND;
    /// An answer to a probe that stays away for so long does not come.
    PROBE_ANSWER = 2 * MINUTE;
    /// No node was reached for so long: the person is told.
    OFFLINE = 30 * SECOND;
    /// Work that failed is tried again.
    WORK_FAILED = 10 * SECOND;
    /// A job that ended in a bug is done again, or the row alone that it ended at.
    BUG = HOUR;
    /// What is past its time is deleted, while something happens anyway.
    EXPIRE = HOUR;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(schedule: &Schedule, tries: std::ops::Range<u32>) -> Vec<i64> {
        tries.map(|tries| schedule.plain(tries) / SECOND).collect()
    }

    #[test]
    fn steps_then_what_follows() {
        assert_eq!(plain(&PUBLISH_BUSY, 0..9), [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!(PUBLISH_FAILED.plain(u32::MAX), 512 * SECOND);
        assert_eq!((RESEND.plain(4), RESEND.plain(u32::MAX)), (DAY, DAY));
        assert_eq!((CARD_AGAIN.plain(11), CARD_AGAIN.plain(12), CARD_AGAIN.plain(13)), (0, MINUTE, 2 * MINUTE));
        assert_eq!((HOLE.plain(4), HOLE.plain(5)), (6 * HOUR, NEVER));
        let unproven = [2, 11, 12, 23, 24].map(|tries| RESEND_UNPROVEN.plain(tries));
        assert_eq!(unproven, [QUARTER, QUARTER, HOUR, HOUR, DAY]);
        assert_eq!((RECEIPT_AGAIN.plain(10), RECEIPT_AGAIN.plain(11)), (QUARTER, NEVER));
    }

    /// A source whose every number is this one, and how many were drawn.
    struct Drawn(u32, u32);

    impl rand_core::TryRng for Drawn {
        type Error = std::convert::Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            self.1 += 1;
            Ok(self.0)
        }

        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            unreachable!()
        }

        fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
            unreachable!()
        }
    }

    #[test]
    fn one_number_is_drawn_but_where_nothing_is_spread() {
        for (schedule, least, most, draws) in [
            (&CATCH_UP_FAILED, 2 * SECOND, 2 * SECOND, 0),
            (&RESEND, 2 * MINUTE, 135 * SECOND - 1, 1),
            (&PUBLISH_FAILED, SECOND, 3 * SECOND - 1, 1),
            (&NEWS, HOUR, 6 * HOUR - 1, 1),
        ] {
            assert_eq!(schedule.wait(0, &mut Drawn(0, 0)), least);
            let mut highest = Drawn(3_600_000_000 - 1, 0); // one less than a multiple of every spread above
            assert_eq!((schedule.wait(0, &mut highest), highest.1), (most, draws));
        }
        let mut none = Drawn(7, 0);
        assert_eq!((HOLE.wait(5, &mut none), RECEIPT_AGAIN.wait(11, &mut none), none.1), (NEVER, NEVER, 0));
        assert_eq!(delay(3000, 15_000, &mut Drawn(999_999, 0)), 0);
        assert_eq!(delay(3000, 15_000, &mut Drawn(0, 0)), 15_000);
    }
}
