//! Which publish nodes are worth their word. A node that says "relayed" may have dropped the message; what shows it is
//! that no receipt comes. Known only while the process runs, since nodes have other numbers in the next; what is kept
//! of
//! it, the network keeps.
//!
//! A receipt says that a message came, not by which of the nodes that had it. So they share the credit, by the square
//! of
//! what they had of it before: the one that is in it every time outgrows the others. One that has nine tenths is
//! proven.

use std::collections::{HashMap, VecDeque};

use sotto_db::{Chat, Hash, NEVER};

use crate::engine::base::schedule::RECEIPT_AGAIN;
use crate::engine::base::step::SECOND;

/// Rows and contacts remembered.
const REMEMBERED: usize = 1024;
/// So many in a row that did not come through, and a node is no longer proven: it may have been the receipts that did
/// not.
const STRIKES: u32 = 3;
/// So many messages are tried through a node of which nothing is known; then others have their turn.
const TRIES: u32 = 3;
/// Nodes named in one command,
const NAMED: usize = 64;
/// and to use first.
const PREFERRED: usize = 3;
/// Credit that every node has to begin with, and for each message.
const CREDIT: u64 = 1 << 12;
/// Where one has more, all lose half.
const MOST: u64 = 64 * CREDIT;
/// Nodes by which a receipt may have come.
const TAKERS: usize = 16;
/// How far receipts go that may ride on a message, for all that is known.
const RIDING: u32 = u32::MAX;
/// A message that was sent so soon after the receipts may have crossed them.
const CROSSING_MS: i64 = 30 * SECOND;

/// What shows it.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// A node took a row; receipts for its contact may ride on it.
    Took(u64, i64, Option<Chat>),
    /// A node took receipts for a contact, and nothing else, at that time.
    TookReceipts(u64, Chat, i64),
    /// A receipt covers what these nodes had, all that ever had it, the latest first, to whom so much more of the
    /// credit
    /// is due than to another.
    Arrived(Vec<u64>, u64),
    /// The contact of what a node had last was heard of since, and nothing shows that it came through.
    Missing(u64),
    /// A contact sent something at that time that was receipted before, or had to be sent more than once.
    Unheard(Chat, i64),
    /// A receive node brought something of a contact, as a push or out of its store.
    Brought(u64, bool),
    /// A message of a contact came, of this session and number; those below the other are receipted, it says.
    Came(Chat, Hash, u32, u32),
}

/// What became of what a node took.
#[derive(Debug)]
struct Node {
    number: u64,
    credit: u64,
    proven: bool,
    /// What it took since it had the greater part of a credit.
    tries: u32,
    /// What did not come through since, as far as is known.
    strikes: u32,
    /// The network was told that it is of use, or of none.
    judged: Option<bool>,
}

/// Receipts for one contact.
#[derive(Debug, Default)]
struct Receipts {
    /// Who took some, the latest first, and up to which number they may go.
    takers: Vec<(u64, u32)>,
    taken_ms: i64,
    /// They seem not to arrive; so many left since.
    unheard: Option<u32>,
    /// The session in which the contact sends, the highest number that came of it,
    session: Hash,
    came: u32,
    /// and below which number all is receipted, as the contact says.
    below: u32,
}

/// What is known of them.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    /// The last used first.
    nodes: Vec<Node>,
    turn: usize,
    /// Receive nodes that brought messages, the best first.
    bringers: Vec<u64>,
    /// Who took an outbox row, the latest first.
    takers: HashMap<i64, VecDeque<u64>>,
    receipts: HashMap<Chat, Receipts>,
}

impl Trust {
    /// Takes in what happened.
    pub(crate) fn told(&mut self, told: Told) {
        match told {
            Told::Took(node, row, chat) => {
                self.used(node);
                if self.takers.len() >= REMEMBERED && !self.takers.contains_key(&row) {
                    self.takers.clear();
                }
                self.takers.entry(row).or_default().push_front(node);
                if let Some(chat) = chat {
                    self.may_carry(chat, node, Some(RIDING));
                }
            }
            Told::TookReceipts(node, chat, now_ms) => {
                self.used(node);
                let receipts = self.may_carry(chat, node, None);
                receipts.taken_ms = now_ms;
                receipts.unheard = receipts.unheard.map(|left| left.saturating_add(1));
            }
            Told::Arrived(nodes, lead) => self.share(&nodes, lead),
            Told::Missing(node) => self.missing(node),
            Told::Unheard(chat, sent_ms) => {
                let receipts = self.receipts_for(chat);
                if sent_ms < receipts.taken_ms.saturating_add(CROSSING_MS) {
                    return;
                }
                let again = receipts.unheard.replace(0).is_some();
                if let Some(&(node, _)) = receipts.takers.first().filter(|_| !again) {
                    self.missing(node);
                }
            }
            Told::Brought(node, pushed) => self.brought(node, pushed),
            Told::Came(chat, session, seq, floor) => self.came(chat, session, seq, floor),
        }
    }

    /// A contact's word on receipts: whoever took some that go so far may be who brought them.
    fn came(&mut self, chat: Chat, session: Hash, seq: u32, floor: u32) {
        let receipts = self.receipts_for(chat);
        if receipts.session != session {
            let taken_ms = receipts.taken_ms;
            *receipts = Receipts { session, taken_ms, below: floor, ..Receipts::default() };
        }
        receipts.came = receipts.came.max(seq);
        if receipts.below < floor {
            receipts.below = floor;
            receipts.unheard = None;
            receipts.takers.retain(|(_, up_to)| *up_to >= floor - 1);
            let takers: Vec<u64> = receipts.takers.iter().map(|(node, _)| *node).collect();
            self.share(&takers, 1);
        }
    }

    /// What comes out of a store no other node pushed before.
    fn brought(&mut self, node: u64, pushed: bool) {
        if !(pushed && self.bringers.contains(&node)) {
            self.bringers.retain(|one| *one != node);
            self.bringers.insert(0, node);
            self.bringers.truncate(PREFERRED);
        }
    }

    /// Receive nodes to use first, the best first.
    pub(crate) fn bringers(&self) -> &[u64] {
        &self.bringers
    }

    fn receipts_for(&mut self, chat: Chat) -> &mut Receipts {
        if self.receipts.len() >= REMEMBERED && !self.receipts.contains_key(&chat) {
            self.receipts.clear();
        }
        self.receipts.entry(chat).or_default()
    }

    fn may_carry(&mut self, chat: Chat, node: u64, up_to: Option<u32>) -> &mut Receipts {
        let receipts = self.receipts_for(chat);
        let up_to = up_to.unwrap_or(receipts.came);
        receipts.takers.retain(|(one, _)| *one != node);
        receipts.takers.insert(0, (node, up_to));
        receipts.takers.truncate(TAKERS);
        receipts
    }

    fn used(&mut self, number: u64) {
        let known = self.nodes.iter().position(|node| node.number == number);
        let mut node = known
            .map_or(Node { number, credit: CREDIT, proven: false, tries: 0, strikes: 0, judged: None }, |at| {
                self.nodes.remove(at)
            });
        node.tries = node.tries.saturating_add(1);
        self.nodes.insert(0, node);
        self.nodes.truncate(NAMED);
    }

    /// Something came through one of these, the first so many times more likely than it would be otherwise.
    fn share(&mut self, nodes: &[u64], lead: u64) {
        let weight = |node: &Node| match nodes.iter().position(|one| *one == node.number) {
            Some(0) => node.credit.saturating_pow(2).saturating_mul(lead),
            Some(_) => node.credit.saturating_pow(2),
            None => 0,
        };
        let all: u64 = self.nodes.iter().map(weight).sum();
        for node in &mut self.nodes {
            let part = CREDIT.saturating_mul(weight(node)).checked_div(all);
            let part = part.unwrap_or(0);
            node.credit = node.credit.saturating_add(part);
            if part > CREDIT / 2 {
                node.proven |= part > CREDIT / 10 * 9;
                (node.tries, node.strikes) = (0, 0);
            }
        }
        if self.nodes.iter().any(|node| node.credit > MOST) {
            for node in &mut self.nodes {
                node.credit = (node.credit / 2).max(CREDIT);
            }
        }
        if !self.nodes.iter().any(|node| node.proven) {
            self.turn = self.turn.wrapping_add(1);
        }
    }

    fn missing(&mut self, number: u64) {
        for node in self.nodes.iter_mut().filter(|node| node.number == number) {
            node.strikes = node.strikes.saturating_add(1);
            if !node.proven {
                node.tries = node.tries.max(TRIES);
            } else if node.strikes >= STRIKES {
                (node.proven, node.credit) = (false, CREDIT);
                node.tries = node.tries.max(TRIES);
            }
        }
    }

    /// Is there a node that messages came through, among these?
    pub(crate) fn is_proven(&self, mut nodes: impl Iterator<Item = u64>) -> bool {
        nodes.any(|number| {
            let is = |node: &Node| node.number == number && node.proven;
            self.nodes.iter().any(is)
        })
    }

    /// Nodes that were found to be of use, or of none, since this was last asked.
    pub(crate) fn judge(&mut self) -> Vec<(u64, bool)> {
        let mut judged = Vec::new();
        for node in &mut self.nodes {
            let failed = node.strikes >= STRIKES;
            let is = node.proven.then_some(true).or(failed.then_some(false));
            if let Some(of_use) = is.filter(|_| is != node.judged) {
                node.judged = is;
                judged.push((node.number, of_use));
            }
        }
        judged
    }

    /// Nodes to use first, the best first; as long as none is proven by turns, which tells them apart.
    pub(crate) fn preferred(&self) -> Vec<u64> {
        let mut best: Vec<&Node> = self.nodes.iter().filter(|n| n.credit > CREDIT).collect();
        best.sort_by_key(|node| std::cmp::Reverse((node.proven, node.credit)));
        best.truncate(PREFERRED);
        if best.first().is_some_and(|node| !node.proven) {
            let turn = self.turn.checked_rem(best.len()).unwrap_or(0);
            best.rotate_left(turn);
        }
        best.iter().map(|node| node.number).collect()
    }

    /// Nodes not to use for what these had, the latest first: the latest of them; those that are not proven, if
    /// another is; else the others that had it, and those of which nothing came so far, the most tried first.
    pub(crate) fn not(&self, mut had: impl Iterator<Item = u64>) -> Vec<u64> {
        let latest = had.next();
        let proven = |number: u64| self.is_proven([number].into_iter());
        let is_other = |node: &Node| node.proven && Some(node.number) != latest;
        let other = self.nodes.iter().any(is_other);
        let preferred = self.preferred();
        let untold = |node: &Node| node.tries >= TRIES && !preferred.contains(&node.number);
        let worse = |node: &&Node| !node.proven && (other || untold(node));
        let mut worse: Vec<&Node> = self.nodes.iter().filter(worse).collect();
        worse.sort_by_key(|node| std::cmp::Reverse(node.tries));
        let worse = worse.iter().map(|node| node.number);
        let had = had.filter(|node| !proven(*node));
        let mut not: Vec<u64> = Vec::new();
        for node in latest.into_iter().chain(had).chain(worse) {
            if not.len() < NAMED && !not.contains(&node) {
                not.push(node);
            }
        }
        not
    }

    /// Are all nodes that were used among these?
    pub(crate) fn all_among(&self, nodes: &[u64]) -> bool {
        self.nodes.iter().all(|node| nodes.contains(&node.number))
    }

    /// Who had a row, the latest first, as far as is remembered.
    pub(crate) fn had(&self, row: i64) -> impl Iterator<Item = u64> {
        self.takers.get(&row).into_iter().flatten().copied()
    }

    /// Who had receipts alone for a contact that seem not to have arrived, the latest first.
    pub(crate) fn had_receipts(&self, chat: &Chat) -> impl Iterator<Item = u64> {
        let receipts = self.receipts.get(chat).filter(|one| one.unheard.is_some());
        let takers = receipts.map_or(&[][..], |receipts| &receipts.takers);
        let alone = |(_, up_to): &&(u64, u32)| *up_to != RIDING;
        takers.iter().filter(alone).map(|(node, _)| *node)
    }

    /// How often receipts for a contact, of which a node takes some now, left since they seem not to arrive; `None`:
    /// they
    /// are not to leave again, or messages come through some node.
    pub(crate) fn again(&self, chat: &Chat) -> Option<u32> {
        let tries = self.receipts.get(chat)?.unheard?;
        let proven = self.nodes.iter().any(|node| node.proven);
        (!proven && RECEIPT_AGAIN.plain(tries) < NEVER).then_some(tries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::base::step::MINUTE;

    const CHAT: Chat = [1; 33];

    fn took(trust: &mut Trust, nodes: &[u64]) {
        for node in nodes {
            trust.told(Told::Took(*node, 1, None));
        }
    }

    fn arrived(trust: &mut Trust, nodes: &[u64]) {
        trust.told(Told::Arrived(nodes.to_vec(), 1));
    }

    #[test]
    fn who_alone_had_what_came_is_proven_until_too_much_does_not() {
        let mut trust = Trust::default();
        took(&mut trust, &[7, 8]);
        assert!(trust.not([].into_iter()).is_empty());
        assert!(trust.judge().is_empty());
        arrived(&mut trust, &[8]);
        assert_eq!(trust.judge(), [(8, true)]);
        assert!(trust.judge().is_empty(), "once");
        assert_eq!(trust.preferred(), [8]);
        assert_eq!(trust.not([].into_iter()), [7]);
        assert_eq!(trust.not([8].into_iter()), [8], "another for what it had last");
        assert_eq!(trust.not([7, 8].into_iter()), [7], "then it again");
        for _ in 0..STRIKES {
            assert!(trust.is_proven([7, 8].into_iter()));
            trust.told(Told::Missing(8));
        }
        assert_eq!(trust.judge(), [(8, false)]);
        assert!(!trust.is_proven([7, 8].into_iter()));
        assert_eq!(trust.not([].into_iter()), [8]);
    }

    #[test]
    fn who_is_in_all_that_came_is_told_from_the_others() {
        let mut trust = Trust::default();
        took(&mut trust, &[1, 2, 3, 4]);
        for others in [[1, 2], [3, 1], [2, 3], [1, 3], [2, 1]].iter().cycle().take(30) {
            assert!(!trust.is_proven([1, 2, 3].into_iter()));
            arrived(&mut trust, &[others[0], 4, others[1]]);
        }
        assert!(trust.is_proven([4].into_iter()));
        assert_eq!(trust.preferred()[0], 4);
    }

    #[test]
    fn those_that_had_as_much_of_it_take_turns() {
        let mut trust = Trust::default();
        took(&mut trust, &[1, 2]);
        let first: Vec<u64> = (0..4)
            .map(|_| {
                arrived(&mut trust, &[1, 2]);
                trust.preferred()[0]
            })
            .collect();
        assert!(first.contains(&1) && first.contains(&2), "{first:?}");
        trust.told(Told::Arrived(vec![2, 1], 32));
        assert!(trust.is_proven([2].into_iter()), "what came at once");
    }

    #[test]
    fn after_some_messages_without_receipt_others_have_their_turn() {
        let mut trust = Trust::default();
        took(&mut trust, &[1, 2, 2, 1]);
        assert!(trust.not([].into_iter()).is_empty());
        took(&mut trust, &[1, 2, 2]);
        assert_eq!(trust.not([].into_iter()), [2, 1], "the most tried is avoided most");
        assert_eq!(trust.not([3, 1].into_iter()), [3, 1, 2]);
    }

    #[test]
    fn who_brought_what_nobody_pushed_is_asked_first() {
        let mut trust = Trust::default();
        for (node, pushed) in [(1, true), (2, true), (1, true), (3, false), (2, true)] {
            trust.told(Told::Brought(node, pushed));
        }
        assert_eq!(trust.bringers(), [3, 2, 1]);
        trust.told(Told::Brought(4, false));
        trust.told(Told::Brought(2, false));
        assert_eq!(trust.bringers(), [2, 4, 3]);
    }

    #[test]
    fn receipts_leave_again_by_others_until_the_contact_says_that_they_came() {
        let mut trust = Trust::default();
        let taken = |trust: &mut Trust, node| trust.told(Told::TookReceipts(node, CHAT, MINUTE));
        trust.told(Told::Came(CHAT, [0; 32], 1, 1));
        taken(&mut trust, 5);
        trust.told(Told::Unheard(CHAT, MINUTE));
        assert_eq!(trust.again(&CHAT), None, "they crossed");
        assert_eq!(trust.had_receipts(&CHAT).count(), 0);
        trust.told(Told::Unheard(CHAT, 2 * MINUTE));
        assert_eq!(trust.not([].into_iter()), [5]);
        taken(&mut trust, 6);
        assert_eq!(trust.again(&CHAT).map(|tries| RECEIPT_AGAIN.plain(tries)), Some(10 * MINUTE));
        assert_eq!(trust.had_receipts(&CHAT).collect::<Vec<_>>(), [6, 5]);
        for node in 7..30 {
            taken(&mut trust, node);
        }
        assert_eq!(trust.again(&CHAT), None, "not for ever");
        assert!(trust.had_receipts(&CHAT).count() <= TAKERS);

        let mut trust = Trust::default();
        trust.told(Told::Came(CHAT, [0; 32], 1, 1));
        taken(&mut trust, 5);
        trust.told(Told::Came(CHAT, [0; 32], 2, 1));
        taken(&mut trust, 6);
        trust.told(Told::Unheard(CHAT, 2 * MINUTE));
        // Receipts for the second went by 6 only.
        trust.told(Told::Came(CHAT, [0; 32], 3, 3));
        assert!(trust.is_proven([6].into_iter()) && !trust.is_proven([5].into_iter()));
        assert_eq!(trust.again(&CHAT), None);
        assert_eq!(trust.had_receipts(&CHAT).count(), 0);
    }
}
