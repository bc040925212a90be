//! The service nodes known, who may use them, and how they behaved.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use crate::config::Timing;
use crate::handle::NodeNumber;
use crate::random;

/// Most nodes remembered.
const MAX_NODES: usize = 256;
/// Most addresses of one node.
const MAX_ADDRESSES: usize = 8;
/// How long a node that lied is used only when there is no other.
const SHUN: Duration = Duration::from_secs(3600);
/// The same for a node that seems to leave out or drop messages, which another node's word alone says.
const DOUBT: Duration = Duration::from_secs(600);
/// Longest wait before a busy node is asked again.
const LONGEST_BUSY: Duration = Duration::from_secs(30);
/// How soon after a failure a request of the app may try the same node again.
const ASKED_AGAIN: Duration = Duration::from_secs(5);

/// Which swarm a node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Lightpush and stored checks.
    Publish,
    /// Filter and store by topic.
    Receive,
    /// One query over a connection of its own.
    Alone,
}

/// One service node.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) number: NodeNumber,
    pub(crate) peer: PeerId,
    pub(crate) addresses: Vec<Multiaddr>,
    home: Kind,
    failures: u32,
    failed_at: Option<Instant>,
    retry_at: Option<Instant>,
    shunned_until: Option<Instant>,
    /// Said it has too much to do.
    busy: u32,
    busy_until: Option<Instant>,
    /// What it offered when last identified.
    pub(crate) offers: Option<Offers>,
}

impl Node {
    pub(crate) fn shunned(&self, now: Instant) -> bool {
        self.shunned_until.is_some_and(|until| until > now)
    }

    /// Those who behaved come first.
    pub(crate) fn rank(&self, now: Instant) -> (Option<Instant>, u32) {
        let shunned = self.shunned_until.filter(|until| *until > now);
        (shunned, self.failures)
    }

    /// When it wants to be asked again, if that is not now.
    pub(crate) fn busy(&self, now: Instant) -> Option<Instant> {
        self.busy_until.filter(|until| *until > now)
    }

    /// Whether it may be dialled now; `asked` when the app is waiting for it.
    pub(crate) fn may_dial(&self, asked: bool, now: Instant) -> bool {
        self.dial_after(asked).is_none_or(|after| after <= now)
    }

    fn dial_after(&self, asked: bool) -> Option<Instant> {
        if asked {
            self.failed_at.map(|at| at + ASKED_AGAIN).min(self.retry_at)
        } else {
            self.retry_at
        }
    }

    /// False only if it is known not to offer the service.
    pub(crate) fn may_offer(&self, service: Service) -> bool {
        self.offers.is_none_or(|offers| offers.has(service))
    }
}

/// What a node is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Lightpush, v3 or v2.
    LightPush,
    /// Filter.
    Filter,
    /// Store v3.
    Store,
}

/// The protocols of a node that matter here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Offers {
    pub(crate) lightpush_v3: bool,
    pub(crate) lightpush_v2: bool,
    pub(crate) filter: bool,
    pub(crate) store: bool,
    pub(crate) metadata: bool,
    pub(crate) ping: bool,
}

impl Offers {
    pub(crate) fn has(self, service: Service) -> bool {
        match service {
            Service::LightPush => self.lightpush_v3 || self.lightpush_v2,
            Service::Filter => self.filter,
            Service::Store => self.store,
        }
    }
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Nodes {
    list: Vec<Node>,
    single_circle: bool,
    timing: Timing,
    foreground: bool,
}

impl Nodes {
    pub(crate) fn new(single_circle: bool, timing: Timing) -> Self {
        Self {
            list: Vec::new(),
            single_circle,
            timing,
            foreground: false,
        }
    }

    /// Adds nodes in random order and deals them out: receive, publish, receive, publish, spare.
    pub(crate) fn add(&mut self, found: Vec<(PeerId, Multiaddr)>) {
        let mut fresh: Vec<(PeerId, Vec<Multiaddr>)> = Vec::new();
        for (peer, address) in found {
            let known = self.list.iter_mut().find(|node| node.peer == peer);
            let addresses = match known {
                Some(node) => Some(&mut node.addresses),
                None => fresh
                    .iter_mut()
                    .find(|(other, _)| *other == peer)
                    .map(|(_, addresses)| addresses),
            };
            match addresses {
                Some(list) if list.contains(&address) || list.len() >= MAX_ADDRESSES => {}
                Some(list) => list.push(address),
                None => fresh.push((peer, vec![address])),
            }
        }
        random::shuffle(&mut fresh);
        for (peer, addresses) in fresh {
            if self.list.len() >= MAX_NODES {
                log::warn!("more service nodes than are remembered");
                return;
            }
            let number = self.list.len() as NodeNumber;
            let home = match number % 5 {
                0 | 2 => Kind::Receive,
                1 | 3 => Kind::Publish,
                _ => Kind::Alone,
            };
            self.list.push(Node {
                number,
                peer,
                addresses,
                home,
                failures: 0,
                failed_at: None,
                retry_at: None,
                shunned_until: None,
                busy: 0,
                busy_until: None,
                offers: None,
            });
        }
    }

    /// The nodes a swarm of this kind may use. A connection of its own prefers nodes of neither circle.
    pub(crate) fn of(&self, kind: Kind) -> impl Iterator<Item = &Node> {
        let spare = self.list.iter().any(|node| node.home == Kind::Alone);
        let any = self.single_circle || (kind == Kind::Alone && !spare);
        self.list
            .iter()
            .filter(move |node| any || node.home == kind)
    }

    pub(crate) fn get_mut(&mut self, number: NodeNumber) -> Option<&mut Node> {
        usize::try_from(number)
            .ok()
            .and_then(|index| self.list.get_mut(index))
    }

    /// Could not be reached, hung up or did not answer.
    pub(crate) fn failed(&mut self, number: NodeNumber, now: Instant) {
        let (base, cap) = (self.timing.redial, self.redial_cap());
        if let Some(node) = self.get_mut(number) {
            node.retry_at = Some(now + random::backoff(base, node.failures, cap));
            node.failed_at = Some(now);
            node.failures = node.failures.saturating_add(1);
        }
    }

    /// Has too much to do: left alone for a while.
    pub(crate) fn too_busy(&mut self, number: NodeNumber, now: Instant) {
        let base = self.timing.busy;
        if let Some(node) = self.get_mut(number)
            && node.busy(now).is_none()
        {
            node.busy_until = Some(now + random::backoff(base, node.busy, LONGEST_BUSY));
            node.busy = node.busy.saturating_add(1);
        }
    }

    /// Answered as it should.
    pub(crate) fn answered(&mut self, number: NodeNumber) {
        if let Some(node) = self.get_mut(number) {
            node.busy = 0;
            node.failures = 0;
            node.failed_at = None;
            node.retry_at = None;
        }
    }

    /// Broke the protocol: used only when there is no other, for an hour.
    pub(crate) fn lied(&mut self, number: NodeNumber, now: Instant) {
        if let Some(node) = self.get_mut(number) {
            node.shunned_until = Some(now + SHUN);
        }
    }

    /// Seems to leave out or drop messages: used only when there is no other, for ten minutes.
    pub(crate) fn doubted(&mut self, number: NodeNumber, now: Instant) {
        if let Some(node) = self.get_mut(number) {
            node.shunned_until = node.shunned_until.max(Some(now + DOUBT));
        }
    }

    /// A new network or a person looking: what failed before says nothing any more.
    pub(crate) fn forgive(&mut self) {
        for node in &mut self.list {
            node.failures = 0;
            node.failed_at = None;
            node.retry_at = None;
        }
    }

    pub(crate) fn set_foreground(&mut self, on: bool) {
        self.foreground = on;
    }

    fn redial_cap(&self) -> Duration {
        if self.foreground {
            self.timing.foreground_redial
        } else {
            self.timing.background_redial
        }
    }

    /// When the first of the nodes named may be dialled again, if that is not now.
    pub(crate) fn next_dial<'a>(
        nodes: impl Iterator<Item = &'a Node>,
        asked: bool,
        now: Instant,
    ) -> Option<Instant> {
        nodes
            .filter_map(|node| node.dial_after(asked))
            .filter(|after| *after > now)
            .min()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn nodes(count: usize, single_circle: bool) -> Nodes {
        let mut nodes = Nodes::new(single_circle, Timing::default());
        let address: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        nodes.add(
            (0..count)
                .map(|_| (PeerId::random(), address.clone()))
                .collect(),
        );
        nodes
    }

    fn numbers(nodes: &Nodes, kind: Kind) -> Vec<NodeNumber> {
        nodes.of(kind).map(|node| node.number).collect()
    }

    #[test]
    fn circles_share_no_node() {
        for count in 0..30 {
            let nodes = nodes(count, false);
            let mut all = numbers(&nodes, Kind::Receive);
            all.extend(numbers(&nodes, Kind::Publish));
            if count >= 5 {
                all.extend(numbers(&nodes, Kind::Alone));
            }
            all.sort_unstable();
            let each: Vec<NodeNumber> = (0..count as u64).collect();
            let dealt = if count >= 5 {
                each
            } else {
                (0..count.min(4) as u64).collect()
            };
            assert_eq!(all, dealt);
        }
        let nodes = nodes(1, true);
        assert_eq!(
            numbers(&nodes, Kind::Receive),
            numbers(&nodes, Kind::Publish)
        );
    }

    #[test]
    fn failures_wait_longer_and_longer_and_are_forgiven() {
        let mut nodes = nodes(1, false);
        let now = Instant::now();
        let wait = |nodes: &mut Nodes| nodes.get_mut(0).unwrap().retry_at.unwrap() - now;
        for step in 0..12u32 {
            nodes.failed(0, now);
            let base = Duration::from_secs(1 << step).min(Duration::from_secs(300));
            let waited = wait(&mut nodes);
            assert!(
                waited >= base / 2 && waited <= base * 3 / 2,
                "{step}: {waited:?}"
            );
        }
        assert!(!nodes.get_mut(0).unwrap().may_dial(false, now));
        assert!(nodes.get_mut(0).unwrap().may_dial(true, now + ASKED_AGAIN));
        nodes.forgive();
        assert!(nodes.get_mut(0).unwrap().may_dial(false, now));
    }

    #[test]
    fn an_address_more_is_no_node_more() {
        let mut nodes = Nodes::new(false, Timing::default());
        let peer = PeerId::random();
        for port in [1, 2, 2] {
            let address: Multiaddr = format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
            nodes.add(vec![(peer, address)]);
        }
        assert_eq!(nodes.list.len(), 1);
        assert_eq!(nodes.get_mut(0).unwrap().addresses.len(), 2);
    }
}
