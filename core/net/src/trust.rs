//! Which nodes keep their word. A node that says "relayed" may have dropped the message: then no receipt comes. This
//! machine has no IO and knows nodes by number, so the simulated network uses it too. It forgets all with the process;
//! the book keeps its verdicts.
//!
//! A receipt does not say which node delivered the message. So all nodes that accepted it share one credit, each by the
//! square of its earlier credit: the node that is among them every time outgrows the others. A node that gets nine
//! tenths of a credit is proven.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::handle::{NodeNumber, Published};

/// Most messages and most parties remembered.
const REMEMBERED: usize = 1024;
/// Lost messages in a row after which a node is no longer proven. Fewer may be lost receipts.
const STRIKES: u32 = 3;
/// Messages tried through a node before another node is preferred, while none of them is known to arrive.
const TRIES: u32 = 3;
/// Most nodes judged, and most avoided for one message.
const NAMED: usize = 64;
const PREFERRED: usize = 3;
/// Credit of a new node, and of each message.
const CREDIT: u64 = 1 << 12;
/// Credit at which all nodes lose half.
const MOST: u64 = 64 * CREDIT;
/// Most nodes remembered for the receipts of one party.
const TAKERS: usize = 16;
/// Highest number of receipts that ride on a message: it is unknown.
const RIDING: u32 = u32::MAX;
/// A message sent this soon after our receipts may have crossed them.
const CROSSING_MS: i64 = 30_000;
/// Attempts this close are one: without a count of relay peers, two nodes get the message.
const TOGETHER_S: i64 = 10;
/// A receipt this soon after an attempt probably answers that attempt.
const AT_ONCE_S: i64 = 60;

/// For whom a message is, as opaque bytes: the net only compares them.
pub type Party = [u8; 33];

/// What a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// To see what the network does with it. It avoids these nodes, and no node is judged by it.
    Probe(Vec<NodeNumber>),
    /// To arrive; receipts for the party may ride on it. A later publish with the same id is the same message.
    Message(Option<Party>),
    /// To bring receipts to a party, and nothing else.
    Receipts(Party),
}

/// What shows which nodes can be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// A message arrived. All nodes that accepted it, each with the timestamp it got, Unix seconds, latest first; then
    /// the time of the receipt by the same clock, unless timestamps are by different clocks.
    Arrived(Vec<(NodeNumber, i64)>, Option<i64>),
    /// A message's party was heard after this node accepted the message as the last one, but sent no receipt.
    Missing(NodeNumber),
    /// At this time, Unix milliseconds, the party sent again what has its receipt.
    Unheard(Party, i64),
    /// A new message came from a receive node: pushed (true), or out of its store.
    Opened(NodeNumber, bool),
    /// A numbered message of a party came.
    Came {
        /// The author.
        party: Party,
        /// The numbering, as opaque bytes.
        run: [u8; 32],
        /// The message's number.
        seq: u32,
        /// The author has receipts for all lower numbers.
        floor: u32,
    },
}

#[derive(Debug, Default)]
struct Node {
    number: NodeNumber,
    credit: u64,
    proven: bool,
    /// Messages accepted since the node last got more than half a credit.
    tries: u32,
    /// Messages of these that seem lost.
    strikes: u32,
    /// The last verdict: of use or not.
    judged: Option<bool>,
}

#[derive(Debug, Default)]
struct Receipts {
    /// Nodes that accepted some, latest first, each with the highest number covered.
    takers: Vec<(NodeNumber, u32)>,
    taken_ms: i64,
    /// Receipts that left since they seem not to arrive.
    unheard: Option<u32>,
    /// The party's numbering of its messages.
    run: [u8; 32],
    /// The highest number that came.
    came: u32,
    /// The party has receipts for all lower numbers, it says.
    below: u32,
}

/// What evidence says of the nodes.
#[derive(Debug, Default)]
pub struct Trust {
    /// Publish nodes, last used first.
    nodes: Vec<Node>,
    turn: usize,
    /// Nodes of use in earlier runs: preferred until there is evidence.
    remembered: Vec<NodeNumber>,
    /// Receive nodes that brought messages, best first.
    bringers: Vec<NodeNumber>,
    /// Nodes that accepted each message, latest first.
    takers: BTreeMap<u64, VecDeque<NodeNumber>>,
    receipts: HashMap<Party, Receipts>,
}

impl Trust {
    /// No evidence yet; `remembered` were of use in earlier runs.
    pub fn new(remembered: Vec<NodeNumber>) -> Self {
        Self { remembered, ..Self::default() }
    }

    /// Takes in evidence; returns new verdicts: whether a node is of use.
    pub fn learn(&mut self, evidence: Vec<Evidence>) -> Vec<(NodeNumber, bool)> {
        for one in evidence {
            match one {
                Evidence::Arrived(took, at_s) => self.arrived(&took, at_s),
                Evidence::Missing(node) => self.missing(node),
                Evidence::Unheard(party, sent_ms) => self.unheard(party, sent_ms),
                Evidence::Opened(node, live) => self.brought(node, live),
                Evidence::Came { party, run, seq, floor } => self.came(party, run, seq, floor),
            }
        }
        if !self.bringers.is_empty() || self.nodes.iter().any(|node| node.credit > CREDIT) {
            self.remembered.clear();
        }
        self.judge()
    }

    /// Notes the node that accepted a message, and completes the news for the engine.
    pub fn published(&mut self, published: &mut Published, purpose: &Purpose, now_ms: i64) {
        let Some(node) = published.node.filter(|_| published.is_taken()) else {
            return;
        };
        published.proven = self.proven().collect();
        match purpose {
            Purpose::Probe(_) => {}
            Purpose::Message(party) => {
                self.used(node);
                if self.takers.len() >= REMEMBERED && !self.takers.contains_key(&published.id) {
                    self.takers.pop_first();
                }
                self.takers.entry(published.id).or_default().push_front(node);
                if let Some(party) = party {
                    self.may_carry(*party, node, Some(RIDING));
                }
            }
            Purpose::Receipts(party) => {
                published.again = self.again(party);
                self.used(node);
                let receipts = self.may_carry(*party, node, None);
                receipts.taken_ms = now_ms;
                receipts.unheard = receipts.unheard.map(|left| left.saturating_add(1));
            }
        }
    }

    /// The nodes to avoid for a message, worst first, and whether it takes the time by the other clock.
    pub fn plan(&self, id: u64, purpose: &Purpose) -> (Vec<NodeNumber>, bool) {
        let had: Vec<NodeNumber> = match purpose {
            Purpose::Probe(not) => return (not.clone(), false),
            Purpose::Message(_) => self.takers.get(&id).into_iter().flatten().copied().collect(),
            Purpose::Receipts(party) => self.had_receipts(party).collect(),
        };
        (self.not(&had), self.is_other_turn(&had))
    }

    /// Nodes that accepted receipts alone which seem lost, latest first.
    fn had_receipts(&self, party: &Party) -> impl Iterator<Item = NodeNumber> {
        let receipts = self.receipts.get(party).filter(|one| one.unheard.is_some());
        let takers = receipts.map_or(&[][..], |receipts| &receipts.takers);
        let alone = |(_, up_to): &&(NodeNumber, u32)| *up_to != RIDING;
        takers.iter().filter(alone).map(|(node, _)| *node)
    }

    fn again(&self, party: &Party) -> Option<u32> {
        self.receipts.get(party)?.unheard.filter(|_| self.proven().next().is_none())
    }

    fn arrived(&mut self, took: &[(NodeNumber, i64)], at_s: Option<i64>) {
        let Some(((_, last_s), (_, first_s))) = took.first().zip(took.last()) else {
            return;
        };
        let lead = match at_s {
            Some(_) if last_s.saturating_sub(*first_s) < TOGETHER_S => 32,
            Some(at_s) if at_s.saturating_sub(*last_s) < AT_ONCE_S => 4,
            _ => 1,
        };
        let nodes: Vec<NodeNumber> = took.iter().map(|(node, _)| *node).collect();
        self.share(&nodes, lead);
    }

    fn unheard(&mut self, party: Party, sent_ms: i64) {
        let receipts = self.receipts_for(party);
        if sent_ms < receipts.taken_ms.saturating_add(CROSSING_MS) {
            return;
        }
        let again = receipts.unheard.replace(0).is_some();
        if let Some(&(node, _)) = receipts.takers.first().filter(|_| !again) {
            self.missing(node);
        }
    }

    /// A higher floor proves that receipts arrived: the nodes that accepted such receipts share a credit.
    fn came(&mut self, party: Party, run: [u8; 32], seq: u32, floor: u32) {
        let receipts = self.receipts_for(party);
        if receipts.run != run {
            let taken_ms = receipts.taken_ms;
            *receipts = Receipts { run, taken_ms, below: floor, ..Receipts::default() };
        }
        receipts.came = receipts.came.max(seq);
        if receipts.below < floor {
            receipts.below = floor;
            receipts.unheard = None;
            receipts.takers.retain(|(_, up_to)| *up_to >= floor - 1);
            let takers: Vec<NodeNumber> = receipts.takers.iter().map(|(node, _)| *node).collect();
            self.share(&takers, 1);
        }
    }

    /// A message out of a store is one that no node pushed.
    fn brought(&mut self, node: NodeNumber, pushed: bool) {
        if !(pushed && self.bringers.contains(&node)) {
            self.bringers.retain(|one| *one != node);
            self.bringers.insert(0, node);
            self.bringers.truncate(PREFERRED);
        }
    }

    /// Receive nodes to use first, best first.
    pub fn bringers(&self) -> &[NodeNumber] {
        &self.bringers
    }

    fn receipts_for(&mut self, party: Party) -> &mut Receipts {
        if self.receipts.len() >= REMEMBERED && !self.receipts.contains_key(&party) {
            self.receipts.clear();
        }
        self.receipts.entry(party).or_default()
    }

    fn may_carry(&mut self, party: Party, node: NodeNumber, up_to: Option<u32>) -> &mut Receipts {
        let receipts = self.receipts_for(party);
        let up_to = up_to.unwrap_or(receipts.came);
        receipts.takers.retain(|(one, _)| *one != node);
        receipts.takers.insert(0, (node, up_to));
        receipts.takers.truncate(TAKERS);
        receipts
    }

    fn used(&mut self, number: NodeNumber) {
        let known = self.nodes.iter().position(|node| node.number == number);
        let new = || Node { number, credit: CREDIT, ..Node::default() };
        let mut node = known.map_or_else(new, |at| self.nodes.remove(at));
        node.tries = node.tries.saturating_add(1);
        self.nodes.insert(0, node);
        self.nodes.truncate(NAMED);
    }

    /// Gives one credit to these nodes; the share of the first is multiplied by `lead`.
    fn share(&mut self, nodes: &[NodeNumber], lead: u64) {
        let weight = |node: &Node| match nodes.iter().position(|one| *one == node.number) {
            Some(0) => node.credit.saturating_pow(2).saturating_mul(lead),
            Some(_) => node.credit.saturating_pow(2),
            None => 0,
        };
        let all: u64 = self.nodes.iter().map(weight).sum();
        for node in &mut self.nodes {
            let part = CREDIT.saturating_mul(weight(node)).checked_div(all).unwrap_or(0);
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
        if self.proven().next().is_none() {
            self.turn = self.turn.wrapping_add(1);
        }
    }

    fn missing(&mut self, number: NodeNumber) {
        for node in self.nodes.iter_mut().filter(|node| node.number == number) {
            node.strikes = node.strikes.saturating_add(1);
            if node.proven && node.strikes >= STRIKES {
                (node.proven, node.credit) = (false, CREDIT);
            }
            if !node.proven {
                node.tries = node.tries.max(TRIES);
            }
        }
    }

    /// Nodes through which messages are known to arrive.
    fn proven(&self) -> impl Iterator<Item = NodeNumber> {
        self.nodes.iter().filter(|node| node.proven).map(|node| node.number)
    }

    fn judge(&mut self) -> Vec<(NodeNumber, bool)> {
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

    /// Nodes to publish through first, best first.
    pub fn preferred(&self) -> Vec<NodeNumber> {
        if self.remembered.is_empty() { self.best() } else { self.remembered.clone() }
    }

    /// Nodes with most credit first. While none is proven they take turns, which tells them apart.
    fn best(&self) -> Vec<NodeNumber> {
        let mut best: Vec<&Node> = self.nodes.iter().filter(|n| n.credit > CREDIT).collect();
        best.sort_by_key(|node| std::cmp::Reverse((node.proven, node.credit)));
        best.truncate(PREFERRED);
        if best.first().is_some_and(|node| !node.proven) {
            let turn = self.turn.checked_rem(best.len()).unwrap_or(0);
            best.rotate_left(turn);
        }
        best.iter().map(|node| node.number).collect()
    }

    /// Nodes to avoid for a message that the nodes `had`: the latest of these, then the unproven of these. Then all
    /// unproven nodes if another node is proven, else those tried in vain, the most tried first.
    fn not(&self, had: &[NodeNumber]) -> Vec<NodeNumber> {
        let latest = had.first();
        let other = self.proven().any(|node| Some(&node) != latest);
        let best = self.best();
        let untold = |node: &Node| node.tries >= TRIES && !best.contains(&node.number);
        let worse = |node: &&Node| !node.proven && (other || untold(node));
        let mut worse: Vec<&Node> = self.nodes.iter().filter(worse).collect();
        worse.sort_by_key(|node| std::cmp::Reverse(node.tries));
        let rest = had.iter().skip(1).filter(|one| !self.proven().any(|node| node == **one));
        let mut not = Vec::new();
        for node in latest.into_iter().chain(rest).chain(worse.iter().map(|node| &node.number)) {
            if not.len() < NAMED && !not.contains(node) {
                not.push(*node);
            }
        }
        not
    }

    /// Every second attempt is by the other clock; a node that gets the message again, by the clock it did not have.
    fn is_other_turn(&self, had: &[NodeNumber]) -> bool {
        let mut turns = HashMap::new();
        for (number, node) in had.iter().rev().enumerate() {
            let turn = turns.get(node).map_or(number % 2 == 1, |before: &bool| !before);
            turns.insert(*node, turn);
        }
        // Next is the node that had the message longest ago, if all nodes had it.
        let again = |at: usize| had.iter().take(at);
        let next = had.iter().enumerate().rev().find(|(at, node)| !again(*at).any(|one| one == *node));
        let next = next.filter(|_| self.nodes.iter().all(|node| had.contains(&node.number)));
        let before = next.and_then(|(_, node)| turns.get(node));
        before.map_or(had.len() % 2 == 1, |before| !before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::PublishOutcome;

    const MINUTE: i64 = 60_000;
    const PARTY: Party = [1; 33];
    const MESSAGE: Purpose = Purpose::Message(None);
    const RECEIPTS: Purpose = Purpose::Receipts(PARTY);

    /// A node takes it. How often receipts left in vain so far.
    fn takes(trust: &mut Trust, id: u64, node: NodeNumber, purpose: &Purpose) -> Option<u32> {
        let mut published = Published::new(id, [0; 32], 0, Some(node), PublishOutcome::Accepted);
        trust.published(&mut published, purpose, MINUTE);
        published.again
    }

    fn took(trust: &mut Trust, nodes: &[u64]) {
        for node in nodes {
            takes(trust, 1, *node, &MESSAGE);
        }
    }

    fn learn(trust: &mut Trust, evidence: Evidence) -> Vec<(NodeNumber, bool)> {
        trust.learn(vec![evidence])
    }

    /// Long after the nodes had it.
    fn arrived(trust: &mut Trust, nodes: &[u64]) -> Vec<(NodeNumber, bool)> {
        learn(trust, Evidence::Arrived(nodes.iter().map(|node| (*node, 0)).collect(), None))
    }

    fn came(trust: &mut Trust, seq: u32, floor: u32) {
        learn(trust, Evidence::Came { party: PARTY, run: [0; 32], seq, floor });
    }

    fn unheard(trust: &mut Trust, sent_ms: i64) {
        learn(trust, Evidence::Unheard(PARTY, sent_ms));
    }

    fn is_proven(trust: &Trust, node: u64) -> bool {
        trust.proven().any(|one| one == node)
    }

    #[test]
    fn who_alone_had_what_came_is_proven_until_too_much_does_not() {
        let mut trust = Trust::default();
        took(&mut trust, &[7, 8]);
        assert!(trust.not(&[]).is_empty());
        assert_eq!(arrived(&mut trust, &[8]), [(8, true)]);
        assert!(trust.judge().is_empty(), "once");
        assert_eq!(trust.preferred(), [8]);
        assert_eq!(trust.not(&[]), [7]);
        assert_eq!(trust.not(&[8]), [8], "another for what it had last");
        assert_eq!(trust.not(&[7, 8]), [7], "then it again");
        for _ in 1..STRIKES {
            assert!(learn(&mut trust, Evidence::Missing(8)).is_empty());
            assert!(is_proven(&trust, 8));
        }
        assert_eq!(learn(&mut trust, Evidence::Missing(8)), [(8, false)]);
        assert_eq!(trust.proven().count(), 0);
        assert_eq!(trust.not(&[]), [8]);
    }

    #[test]
    fn who_is_in_all_that_came_is_told_from_the_others() {
        let mut trust = Trust::default();
        took(&mut trust, &[1, 2, 3, 4]);
        for others in [[1, 2], [3, 1], [2, 3], [1, 3], [2, 1]].iter().cycle().take(30) {
            assert!([1, 2, 3].iter().all(|node| !is_proven(&trust, *node)));
            arrived(&mut trust, &[others[0], 4, others[1]]);
        }
        assert!(is_proven(&trust, 4));
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
        learn(&mut trust, Evidence::Arrived(vec![(2, 9), (1, 0)], Some(1000)));
        assert!(is_proven(&trust, 2), "what came at once");
    }

    #[test]
    fn after_some_messages_without_receipt_others_have_their_turn() {
        let mut trust = Trust::default();
        took(&mut trust, &[1, 2, 2, 1]);
        assert!(trust.not(&[]).is_empty());
        took(&mut trust, &[1, 2, 2]);
        assert_eq!(trust.not(&[]), [2, 1], "the most tried is avoided most");
        assert_eq!(trust.not(&[3, 1]), [3, 1, 2]);
    }

    #[test]
    fn who_brought_what_nobody_pushed_is_asked_first() {
        let mut trust = Trust::default();
        for (node, pushed) in [(1, true), (2, true), (1, true), (3, false), (2, true)] {
            learn(&mut trust, Evidence::Opened(node, pushed));
        }
        assert_eq!(trust.bringers(), [3, 2, 1]);
        for node in [4, 2] {
            learn(&mut trust, Evidence::Opened(node, false));
        }
        assert_eq!(trust.bringers(), [2, 4, 3]);
    }

    #[test]
    fn receipts_leave_again_by_others_until_the_party_says_that_they_came() {
        let mut trust = Trust::default();
        let takes = |trust: &mut Trust, node| takes(trust, 2, node, &RECEIPTS);
        came(&mut trust, 1, 1);
        takes(&mut trust, 5);
        unheard(&mut trust, MINUTE);
        assert_eq!(trust.again(&PARTY), None, "they crossed");
        assert_eq!(trust.had_receipts(&PARTY).count(), 0);
        unheard(&mut trust, 2 * MINUTE);
        assert_eq!(trust.not(&[]), [5]);
        assert_eq!(takes(&mut trust, 6), Some(0));
        assert_eq!(trust.again(&PARTY), Some(1));
        assert_eq!(trust.had_receipts(&PARTY).collect::<Vec<_>>(), [6, 5]);
        for node in 7..30 {
            takes(&mut trust, node);
        }
        assert_eq!(trust.again(&PARTY), Some(24));
        assert!(trust.had_receipts(&PARTY).count() <= TAKERS);

        let mut trust = Trust::default();
        came(&mut trust, 1, 1);
        takes(&mut trust, 5);
        came(&mut trust, 2, 1);
        takes(&mut trust, 6);
        unheard(&mut trust, 2 * MINUTE);
        // Receipts for the second message went through node 6 only.
        came(&mut trust, 3, 3);
        assert!(is_proven(&trust, 6) && !is_proven(&trust, 5));
        assert_eq!(trust.again(&PARTY), None);
        assert_eq!(trust.had_receipts(&PARTY).count(), 0);
    }

    #[test]
    fn every_node_gets_a_message_by_either_clock_in_two_rounds() {
        for nodes in 1..=10_u64 {
            let mut trust = Trust::default();
            (0..nodes).for_each(|node| trust.used(node));
            let mut had = Vec::new();
            let mut turns = HashMap::<u64, Vec<bool>>::new();
            for number in 0..2 * nodes {
                let node = number % nodes;
                turns.entry(node).or_default().push(trust.is_other_turn(&had));
                had.insert(0, node);
            }
            assert!(turns.values().all(|turns| turns[0] != turns[1]));
            assert!(!turns[&0][0], "first by the corrected clock");
        }
    }

    #[test]
    fn who_was_proven_before_is_preferred_until_this_run_shows_anything() {
        let mut trust = Trust::new(vec![7]);
        took(&mut trust, &[8]);
        assert_eq!(trust.preferred(), [7]);
        arrived(&mut trust, &[8]);
        assert_eq!(trust.preferred(), [8]);
    }

    #[test]
    fn the_message_left_for_longest_is_forgotten() {
        let mut trust = Trust::default();
        for id in 0..=REMEMBERED as u64 {
            takes(&mut trust, id, id, &MESSAGE);
        }
        assert_eq!(trust.plan(1, &MESSAGE).0, [1]);
        assert!(trust.plan(0, &MESSAGE).0.is_empty());
    }
}
