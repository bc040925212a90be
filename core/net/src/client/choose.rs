//! Choice of the node to ask: a random healthy one; nodes that lied come last.

use std::time::Duration;

use libp2p::PeerId;
use tokio::time::Instant;

use super::links::{Links, Ready};
use super::nodes::{Kind, Node, Nodes, Service};
use crate::handle::NodeNumber;
use crate::random;
use crate::turns::{Tier, tiers};

/// How long a connection that is being set up is waited for alone.
const HEDGE: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) enum Choice {
    Ask(Ready),
    /// A node to dial, and until when to wait for it alone.
    Dial(Node, Instant),
    Alone(Node),
    /// A connection is being set up, or a node may be tried later.
    Wait(Option<Instant>),
    Nobody,
}

#[derive(Debug)]
pub(super) struct Wish {
    pub(super) kind: Kind,
    pub(super) service: Service,
    /// Whether it gets a connection of its own.
    pub(super) own_link: bool,
    pub(super) tried: Vec<NodeNumber>,
    pub(super) prefer: Vec<NodeNumber>,
    /// Nodes to avoid, the last named first.
    pub(super) avoid: Vec<NodeNumber>,
    /// Whether nodes to avoid may be used if there is no other.
    pub(super) repeat: bool,
    /// Whether the app waits for it.
    pub(super) asked: bool,
}

impl Wish {
    /// A ready node, else one to dial. None of those `refused`, whose dial failed at once.
    pub(super) fn choose(&self, nodes: &Nodes, links: &Links, refused: &[NodeNumber], now: Instant) -> Choice {
        let mut later = None;
        // Among nodes that behaved alike a random source comes first, then a random node of it. So a source with many
        // names gets no more than its share. Nodes that were of use count as a source.
        let mut sources = [0, 1, 2, 3, 4];
        random::shuffle(&mut sources);
        for tier in tiers(&self.prefer, &self.avoid(nodes), self.repeat) {
            let fits = |node: &&Node| self.fits(tier, node, now);
            let (busy, allowed): (Vec<&Node>, Vec<&Node>) =
                nodes.of(self.kind).filter(fits).partition(|node| node.busy(now).is_some());
            let allows = |number: NodeNumber| allowed.iter().any(|node| node.number == number);
            let ready = links.ready(self.service).filter(|ready| allows(ready.node));
            if let Some(ready) = random::first(ready, |one| nodes.get(one.node).map(|node| node.rank(now).0)) {
                return Choice::Ask(ready);
            }
            let coming = links.coming().filter(|(node, _)| allows(*node)).map(|(_, since)| since).max();
            if let Some(since) = coming
                && since + HEDGE > now
            {
                return Choice::Wait(Some(since + HEDGE));
            }
            let unlinked = || allowed.iter().copied().filter(|node| !links.has(&node.peer));
            let dialable = unlinked().filter(|node| node.may_dial(self.asked, now) && !refused.contains(&node.number));
            if let Some(node) = random::first(dialable, |node| (node.rank(now), sources.get(node.origin()))) {
                return Choice::Dial(node.clone(), now + HEDGE);
            }
            let free_at = busy.iter().filter_map(|node| node.busy(now)).min();
            let dial_at = unlinked().filter_map(|node| node.dial_after(self.asked)).filter(|after| *after > now);
            later = dial_at.chain(free_at).min();
            if coming.is_some() {
                return Choice::Wait(later);
            }
        }
        later.map_or(Choice::Nobody, |at| Choice::Wait(Some(at)))
    }

    /// A node for a connection of its own: among those of a tier preferably no liar, healthy, and not `linked` with us.
    pub(super) fn alone(&self, nodes: &Nodes, linked: impl Fn(&PeerId) -> bool, now: Instant) -> Choice {
        let key = |node: &&Node| (node.shunned(now), !node.healthy(), linked(&node.peer));
        let free_at = |node: &Node| {
            let dial_at = node.dial_after(self.asked).filter(|after| *after > now);
            node.busy(now).max(dial_at)
        };
        let mut later = None;
        for tier in tiers(&self.prefer, &self.avoid(nodes), self.repeat) {
            let fits = nodes.of(self.kind).filter(|node| self.fits(tier, node, now));
            let (open, not_yet): (Vec<&Node>, Vec<&Node>) = fits.partition(|node| free_at(node).is_none());
            if let Some(node) = random::first(open.into_iter(), key) {
                return Choice::Alone(node.clone());
            }
            later = not_yet.into_iter().filter_map(free_at).min();
        }
        later.map_or(Choice::Nobody, |at| Choice::Wait(Some(at)))
    }

    /// The known ones of the nodes to avoid.
    fn avoid(&self, nodes: &Nodes) -> Vec<NodeNumber> {
        let known = |number: &NodeNumber| nodes.of(self.kind).any(|node| node.number == *number);
        self.avoid.iter().copied().filter(known).collect()
    }

    fn fits(&self, tier: Tier<'_>, node: &Node, now: Instant) -> bool {
        !self.tried.contains(&node.number)
            && tier.has(node.number, node.last_resort(self.service, now))
            && node.may_offer(self.service)
    }
}

#[cfg(test)]
mod tests;
