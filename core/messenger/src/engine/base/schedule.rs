//! The one table of the engine's waits and retries, in milliseconds.
//!
//! `docs/protocol.md`, "Times that others can see", lists those that others can observe.

use rand_core::Rng;
use sotto_db::NEVER;

pub(crate) const SECOND: i64 = 1000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

#[derive(Debug)]
pub(crate) struct Schedule {
    steps: &'static [i64],
    then: Then,
    spread: Spread,
}

#[derive(Debug, Clone, Copy)]
enum Then {
    Stay,
    /// Each wait is twice the last, up to this.
    Double(i64),
    End,
}

/// The random part of each wait, from one random number: nobody is recognised by it, and no crowd comes at once.
#[derive(Debug, Clone, Copy)]
enum Spread {
    No,
    /// Adds up to one part in this many.
    Part(i64),
    /// Adds up to this.
    UpTo(i64),
    /// Multiplies by 0.5 to 1.5.
    Around,
}

impl Schedule {
    /// The wait after this many tries, without the random part; [`NEVER`] if there is no further try.
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

    /// The wait after this many tries; [`NEVER`] if there is no further try.
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

/// A random time, exponential with this mean, up to a longest.
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
    /// Resends of a message without a receipt, by accepted attempts from 0.
    RESEND: [2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY], Then::Stay, Spread::Part(8);
    /// The same while no proven node has accepted it: 12 retries every 15 minutes, 12 every hour, then daily.
    RESEND_UNPROVEN: [
        2 * MINUTE, 10 * MINUTE,
        QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER,
        HOUR, HOUR, HOUR, HOUR, HOUR, HOUR, HOUR, HOUR, HOUR, HOUR, HOUR, HOUR,
        DAY
    ], Then::Stay, Spread::Part(8);
    /// Publishing failed: no node accepted the parcel.
    PUBLISH_FAILED: [2 * SECOND], Then::Double(512 * SECOND), Spread::Around;
    /// The node asked was busy.
    PUBLISH_BUSY: [5 * SECOND], Then::Double(10 * MINUTE), Spread::Around;
    /// Every reachable node refused the parcel; other nodes may come meanwhile.
    PUBLISH_REFUSED: [MINUTE], Then::Double(256 * MINUTE), Spread::Part(1);
    /// No node of the publish circle was reached; nothing else leaves meanwhile.
    PUBLISH_UNREACHED: [2 * SECOND], Then::Double(5 * MINUTE), Spread::No;
    /// A message that a receipt left out is sent again: the next receipt may cover it.
    HURRY: [15 * SECOND], Then::Stay, Spread::Part(1);
    /// Shortest time between its sends then, by accepted attempts.
    HURRY_REST: [MINUTE], Then::Double(64 * MINUTE), Spread::No;
    /// Check of a message without a receipt at a store.
    STORED_CHECK: [MINUTE], Then::Stay, Spread::Part(3);
    /// The accepting node is gone: the check comes earlier.
    LOST_CHECK: [5 * SECOND], Then::Stay, Spread::Part(1);
    /// Check of a card at a store, because nobody answers a card.
    CARD_CHECK: [10 * SECOND], Then::Stay, Spread::Part(1);
    /// The check got no answer: nothing else resends a card, and the process may end before the answer.
    CARD_CHECK_AGAIN: [2 * MINUTE], Then::Stay, Spread::Part(1);
    /// A card that no store has leaves through another node at once; later the clock or the stores may be wrong.
    CARD_AGAIN: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, MINUTE], Then::Double(HOUR), Spread::No;
    /// Receipts that seem not to arrive are sent again through another node, while no node is proven.
    RECEIPT_AGAIN: [
        2 * MINUTE, 10 * MINUTE, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER, QUARTER
    ], Then::End, Spread::Part(8);
    /// Own cards, and the look at the own list: each secret's at its own time.
    REFRESH: [REFRESH_MIN], Then::Stay, Spread::UpTo(REFRESH_MAX - REFRESH_MIN);
    /// The content of cards changed.
    SOON: [0], Then::Stay, Spread::UpTo(10 * MINUTE);
    /// News for contacts, each at its own time, so that no burst shows their number.
    NEWS: [HOUR], Then::Stay, Spread::UpTo(5 * HOUR);
    /// A person's cards are missing: they may be in flight, or a node may be starting.
    CARDS: [
        SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND, 16 * SECOND, 32 * SECOND,
        MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY
    ], Then::Stay, Spread::Part(8);
    /// Parts of a file, or its preview: stores may lack them for a while. Then daily, until stores have dropped them.
    FILE: [MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY], Then::Stay, Spread::Part(8);
    /// A missing parent: it may be in flight; then a store is asked, then its author three times.
    HOLE: [5 * SECOND, 30 * SECOND, 6 * HOUR, 6 * HOUR, 6 * HOUR], Then::End, Spread::No;
    /// A store could not be asked for missed messages.
    CATCH_UP_FAILED: [2 * SECOND], Then::Double(5 * MINUTE), Spread::No;
    /// The same without a known network: nothing else ends this wait, and each try wakes the device.
    CATCH_UP_OFFLINE: [2 * SECOND], Then::Double(2 * HOUR), Spread::No;
    /// A failed probe of the time.
    PROBE_FAILED: [5 * SECOND, 20 * SECOND, 80 * SECOND, 320 * SECOND, 1280 * SECOND, HOUR], Then::Stay, Spread::No;
    /// The pause after probes that found the clock right.
    PROBE_REST: [5 * MINUTE, 20 * MINUTE, HOUR], Then::Stay, Spread::No;
    /// Check of the first envelope of a run at a store.
    WITNESS: [10 * SECOND], Then::Stay, Spread::Part(1);
}

macro_rules! times {
    ($($(#[$doc:meta])* $name:ident = $ms:expr;)*) => { $($(#[$doc])* pub(crate) const $name: i64 = $ms;)* };
}

times! {
    /// The network answers sooner; a parcel is retried after this if it never does.
    IN_FLIGHT = MINUTE;
    /// A yes without a count proves little: a second node is asked.
    SECOND_NODE = SECOND;
    /// A message without a receipt is given up after this.
    GIVE_UP = 30 * DAY;
    /// Receipts that cannot leave are given up after this: a sender that misses one sends again, and is answered again.
    RECEIPT_GIVE_UP = 10 * MINUTE;
    /// Longest delay of a receipt with the app open.
    RECEIPT_LONGEST = 15 * SECOND;
    /// Longest delay of a receipt in the background.
    RECEIPT_LONGEST_BACKGROUND = MINUTE;
    /// Shortest time between answers to copies of one payload.
    ANSWER_EVERY = 90 * SECOND;
    /// Earliest renewal of lists, bundles and profiles.
    REFRESH_MIN = 14 * HOUR;
    /// Latest renewal of lists, bundles and profiles.
    REFRESH_MAX = 20 * HOUR;
    /// The card that closes an invite.
    CLOSED_CARD = DAY;
    /// A wrong clock signs nothing; other work does not wait for the clock.
    UNSIGNED = 5 * MINUTE;
    /// A query for a person's cards got no answer.
    CARDS_SILENT = 5 * MINUTE;
    /// A verified contact has another device: it gets nothing before the person accepts it.
    CARDS_OTHER_DEVICE = DAY;
    /// The query for the own list got no answer.
    OWN_LIST_SILENT = 5 * MINUTE;
    /// After a restore the own list is read once more, to find another restore at the same time.
    OWN_LIST_RESTORED = 2 * MINUTE;
    /// A question to an author is not receipted yet: another one would only wait beside it.
    HOLE_POSTPONED = HOUR;
    /// A sending session without receipts is replaced, once newer cards are there.
    SESSION_SILENT = 48 * HOUR;
    /// A header opened and its message did not: time for the true envelope to follow.
    AHEAD_DOUBT = 30 * SECOND;
    /// Time for a session begun by a reset pair to be answered, before the contact's cards are looked for.
    AHEAD_PAIR = MINUTE;
    /// Nothing was pushed or relayed: another store is asked, because filter nodes and relay peers may be silent.
    QUIET = QUARTER;
    /// The same, when somebody opens the app.
    QUIET_OPENED = 5 * MINUTE;
    /// Poll of a busy bucket without a conversation on screen.
    POLL = QUARTER;
    /// Poll of a busy bucket with a conversation on screen.
    POLL_SEEN = 15 * SECOND;
    /// How long pushes after a start are held while no store is being asked.
    HELD = 10 * SECOND;
    /// Time between deep searches, if one covers all sessions.
    LOOK = 4 * SECOND;
    /// Shortest time between deep searches, however many sessions there are.
    LOOK_LEAST = SECOND;
    /// A store is asked for a probe this long after a node accepted it.
    PROBE_ASK = 3 * SECOND;
    /// Time limit for the answer to a probe.
    PROBE_ANSWER = 2 * MINUTE;
    /// No node was reached for this long: the person is told.
    OFFLINE = 30 * SECOND;
    /// Retry of failed work.
    WORK_FAILED = 10 * SECOND;
    /// Retry of a job, or of one row, that ended in a bug.
    BUG = HOUR;
    /// Expired rows are deleted this often, while something else happens anyway.
    EXPIRE = HOUR;
    /// Between two batches of older texts for the index of search.
    INDEX = SECOND;
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

    /// A random source that always gives this number, and how many were drawn.
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
