//! Detects filter nodes that leave out messages. Such a node is subscribed and answers pings; pushes of another filter
//! node, or a store's messages, expose it.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::handle::NodeNumber;

const REMEMBERED: usize = 2048;
/// Most pending messages that filter nodes may still push.
const OWED: usize = 256;

#[derive(Debug, Default)]
struct Seen {
    /// Nodes that pushed it: at most two filter nodes and the own relay.
    by: [Option<NodeNumber>; 3],
    /// Whether filter nodes were judged, or are to be judged, for it.
    owed: bool,
}

#[derive(Debug)]
pub(crate) struct Owed {
    hash: [u8; 32],
    pub(crate) topic: String,
    /// Which node claims that the message exists.
    pub(crate) by: NodeNumber,
    sent: Instant,
    due: Instant,
}

impl Owed {
    /// A message and the time when it was sent.
    pub(crate) fn new(hash: [u8; 32], topic: &str, by: NodeNumber, sent: Instant) -> Self {
        Self { hash, topic: topic.to_owned(), by, sent, due: sent }
    }
}

#[derive(Debug)]
pub(crate) struct Witness {
    /// `late`: how much later than other nodes a filter node may push.
    late: Duration,
    seen: HashMap<[u8; 32], Seen>,
    order: VecDeque<([u8; 32], Instant)>,
    /// Forgets that pushes before this time are known.
    since: Option<Instant>,
    owed: VecDeque<Owed>,
}

impl Witness {
    pub(crate) fn new(late: Duration) -> Self {
        Self { late, seen: HashMap::new(), order: VecDeque::new(), since: None, owed: VecDeque::new() }
    }

    fn entry(&mut self, hash: [u8; 32], now: Instant) -> &mut Seen {
        if !self.seen.contains_key(&hash) {
            self.order.push_back((hash, now));
            if self.order.len() > REMEMBERED
                && let Some((oldest, at)) = self.order.pop_front()
            {
                self.seen.remove(&oldest);
                self.since = Some(at);
            }
        }
        self.seen.entry(hash).or_default()
    }

    /// Records a push; true if it is the first of its message.
    pub(crate) fn pushed(&mut self, hash: [u8; 32], by: NodeNumber, now: Instant) -> bool {
        let seen = self.entry(hash, now);
        let first = seen.by == [None; 3];
        if !seen.by.contains(&Some(by)) {
            seen.by.rotate_right(1);
            let [latest, ..] = &mut seen.by;
            *latest = Some(by);
        }
        first
    }

    /// Records a message of a store. Every node that was subscribed when it was sent must push it.
    pub(crate) fn owe(&mut self, owed: Owed, now: Instant) {
        let known = self.since.is_none_or(|since| since < owed.sent);
        if !known || self.owed.len() >= OWED {
            return;
        }
        let due = now + self.late;
        let seen = self.entry(owed.hash, now);
        if !std::mem::replace(&mut seen.owed, true) {
            self.owed.push_back(Owed { due, ..owed });
        }
    }

    /// The next message whose time limit has passed.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Owed> {
        self.owed.pop_front_if(|owed| owed.due <= now)
    }

    /// Whether a node subscribed since `since` should have pushed a message and did not.
    pub(crate) fn slipped(&self, owed: &Owed, node: NodeNumber, since: Instant) -> bool {
        let pushed = |seen: &Seen| seen.by.contains(&Some(node));
        since + 2 * self.late <= owed.sent && !self.seen.get(&owed.hash).is_some_and(pushed)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.owed.front().map(|owed| owed.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(15);
    const SETTLING: Duration = Duration::from_secs(30);
    const TOPIC: &str = "/sotto/1/h00-0000/proto";

    fn hash(number: usize) -> [u8; 32] {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        hash
    }

    /// Whether node 1, subscribed since `since`, left out any message that is due.
    fn slips(witness: &mut Witness, since: Instant, now: Instant) -> usize {
        let mut slips = 0;
        while let Some(owed) = witness.next(now) {
            slips += usize::from(witness.slipped(&owed, 1, since));
        }
        slips
    }

    #[test]
    fn who_pushes_late_owes_nothing_and_who_does_not_push_does() {
        let begin = Instant::now();
        let sent = begin + SETTLING;
        let mut witness = Witness::new(GRACE);
        for number in 0..2 {
            assert!(witness.pushed(hash(number), 2, sent));
            witness.owe(Owed::new(hash(number), TOPIC, 2, sent), sent);
        }
        assert_eq!(slips(&mut witness, begin, sent), 0, "not yet due");
        assert!(!witness.pushed(hash(0), 1, sent + GRACE / 2));
        assert_eq!(slips(&mut witness, begin, sent + GRACE), 1);
        // A store returns it again later; it is judged once.
        witness.owe(Owed::new(hash(1), TOPIC, 2, sent), sent + GRACE);
        assert_eq!(slips(&mut witness, begin, sent + 2 * GRACE), 0);
    }

    #[test]
    fn nobody_owes_what_was_sent_before_or_soon_after_the_subscription() {
        let begin = Instant::now() + SETTLING;
        let mut witness = Witness::new(GRACE);
        let before = begin + SETTLING / 2;
        witness.owe(Owed::new(hash(1), TOPIC, 2, before), begin + 10 * SETTLING);
        let late = begin + 20 * SETTLING;
        assert_eq!(slips(&mut witness, begin, late), 0);
        // A message that only a store had still counts as new when it is pushed.
        assert!(witness.pushed(hash(1), 1, late));
    }

    #[test]
    fn what_is_forgotten_is_held_against_nobody() {
        let begin = Instant::now();
        let sent = begin + SETTLING;
        let mut witness = Witness::new(GRACE);
        for number in 0..=REMEMBERED {
            witness.pushed(hash(number), 1, sent);
        }
        assert!(witness.seen.len() <= REMEMBERED);
        for number in 0..=REMEMBERED {
            witness.owe(Owed::new(hash(number), TOPIC, 2, sent), sent + GRACE);
        }
        assert_eq!(slips(&mut witness, begin, sent + 2 * GRACE), 0);
        for number in 0..REMEMBERED {
            witness.owe(Owed::new(hash(REMEMBERED + number), TOPIC, 2, sent + GRACE), sent + GRACE);
        }
        assert!(witness.owed.len() <= OWED);
    }
}
