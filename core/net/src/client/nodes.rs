//! The known service nodes: who may use each, and how each behaved. A node belongs to one circle for good.

mod book;

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use self::book::Formers;
pub(crate) use self::book::{Found, NamedBy};
use super::pace::Pace;
use crate::address::is_private;
use crate::config::Timing;
use crate::handle::{KnownNode, NodeNumber, Source};
use crate::{clock, random};

const MAX_ADDRESSES: usize = 8;
/// How long a node that lied is used only if there is no other.
const SHUN: Duration = Duration::from_secs(3600);
/// How long a seemingly useless node is avoided for a service.
const DOUBT: Duration = Duration::from_secs(600);
/// Longest wait before a busy node is asked again.
const LONGEST_BUSY: Duration = Duration::from_secs(30);
/// How soon after a failure a request of the app may use the same node again.
const ASKED_AGAIN: Duration = Duration::from_secs(5);
/// Failures in a row after which a node that was of use is unhealthy; another node is so after one.
const PATIENCE: u32 = 3;
/// Most nodes from earlier runs that are preferred for publishing.
const FIRST: usize = 4;
/// Interval after which the time of a node's answer is stored again, seconds.
const SAME_TIME_S: u64 = 24 * 3600;
/// Failures in a row, and silence in seconds, after which a node may be evicted.
const GIVEN_UP: (u32, u64) = (10, 7 * 24 * 3600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The publish circle: lightpush and stored checks.
    Publish,
    /// The receive circle: filter and store by topic.
    Receive,
    /// Queries over a connection of their own.
    Alone,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Publish, Self::Receive, Self::Alone];
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) number: NodeNumber,
    pub(crate) peer: PeerId,
    pub(crate) addresses: Vec<Multiaddr>,
    home: Kind,
    pub(crate) source: Source,
    /// The node that named it in this run.
    namer: Option<NodeNumber>,
    named_inside: bool,
    /// Number of runs in which it was of use, and whether this run is one of them.
    successes: u32,
    of_use: Option<bool>,
    /// When it last answered, Unix seconds; 0 for never.
    answered_s: u64,
    /// Failures in a row over all runs, counted while other nodes could be reached.
    strikes: u32,
    /// Whether the stored entry is out of date.
    changed: bool,
    failures: u32,
    failed_at: Option<Instant>,
    redial: Pace,
    shunned_until: Option<Instant>,
    /// Services for which it is avoided, and until when.
    doubted: Option<(Service, Instant)>,
    /// When it reported to be busy.
    busy: u32,
    busy_until: Option<Instant>,
    /// Services it offered in its last identify.
    pub(crate) offers: Option<Offers>,
    /// Whether a query over a connection of its own found no store there; such a connection leaves no other trace.
    no_store: bool,
}

impl Node {
    fn new(number: NodeNumber, peer: PeerId, home: Kind, source: Source) -> Self {
        Self {
            number,
            peer,
            addresses: Vec::new(),
            home,
            source,
            namer: None,
            named_inside: false,
            successes: 0,
            of_use: None,
            answered_s: 0,
            strikes: 0,
            changed: true,
            failures: 0,
            failed_at: None,
            redial: Pace::default(),
            shunned_until: None,
            doubted: None,
            busy: 0,
            busy_until: None,
            offers: None,
            no_store: false,
        }
    }

    fn proven(&self) -> bool {
        self.successes > 0 || self.source == Source::Static
    }

    pub(crate) fn healthy(&self) -> bool {
        let patience = if self.proven() { PATIENCE } else { 1 };
        self.failures.max(self.strikes) < patience
    }

    /// Whether there was ever a connection, so that it may have seen one half of the traffic.
    fn met(&self) -> bool {
        self.answered_s > 0
    }

    pub(crate) fn meet(&mut self) {
        if !self.met() {
            self.answered_s = clock::now_s().max(1);
            self.changed = true;
        }
    }

    /// Whether a newcomer may take its place.
    fn may_go(&self, now_s: u64) -> bool {
        let (strikes, silence_s) = GIVEN_UP;
        let old = self.strikes >= strikes && now_s.saturating_sub(self.answered_s) > silence_s;
        self.source != Source::Static && (old || !(self.proven() || self.healthy()))
    }

    /// Whether its names may lead into a private network: it was configured, or named inside one.
    pub(crate) fn is_inside(&self) -> bool {
        let chosen = matches!(self.source, Source::Static | Source::Invite);
        chosen || self.named_inside || self.addresses.iter().any(is_private)
    }

    fn was_of_use(&mut self) {
        if self.of_use.is_none() {
            self.of_use = Some(true);
            self.successes = self.successes.saturating_add(1);
            self.changed = true;
        }
    }

    fn was_of_no_use(&mut self) {
        if self.of_use != Some(false) {
            self.successes = self.successes.saturating_sub(u32::from(self.of_use.is_some())) / 2;
            self.of_use = Some(false);
            self.changed = true;
        }
    }

    fn strike(&mut self, times: u32) {
        self.strikes = self.strikes.saturating_add(times);
        self.changed = true;
    }

    fn has_answered(&mut self) {
        (self.busy, self.failures, self.failed_at) = (0, 0, None);
        let now_s = clock::now_s();
        if self.strikes > 0 || now_s.saturating_sub(self.answered_s) > SAME_TIME_S {
            (self.answered_s, self.strikes, self.changed) = (now_s, 0, true);
        }
    }

    fn add_addresses(&mut self, addresses: impl IntoIterator<Item = Multiaddr>) {
        for address in addresses {
            if self.addresses.len() < MAX_ADDRESSES && !self.addresses.contains(&address) {
                self.addresses.push(address);
                self.changed = true;
            }
        }
    }

    fn entry(&self) -> KnownNode {
        let found = matches!(self.source, Source::Dns | Source::PeerExchange);
        let source = if found && self.named_inside { Source::Inside } else { self.source };
        KnownNode {
            peer: self.peer.to_string(),
            addresses: self.addresses.iter().map(ToString::to_string).collect(),
            source,
            circle: self.home as u8,
            successes: self.successes,
            failures: self.strikes,
            answered_s: self.answered_s,
        }
    }

    pub(crate) fn shunned(&self, now: Instant) -> bool {
        self.shunned_until.is_some_and(|until| until > now)
    }

    /// Whether it is used for a service only if there is no other.
    pub(crate) fn last_resort(&self, service: Service, now: Instant) -> bool {
        let doubted = |(of, until): (Service, Instant)| of == service && until > now;
        self.shunned(now) || self.doubted.is_some_and(doubted)
    }

    /// Sort key: nodes that behaved come first.
    pub(crate) fn rank(&self, now: Instant) -> (Option<Instant>, bool, u32) {
        (self.shunned_until.filter(|until| *until > now), !self.healthy(), self.failures)
    }

    /// 0 if it was ever of use, else a number for its source.
    pub(crate) fn origin(&self) -> usize {
        if self.successes > 0 { 0 } else { 1 + self.source as usize }
    }

    /// When it may be asked again, if that is in the future.
    pub(crate) fn busy(&self, now: Instant) -> Option<Instant> {
        self.busy_until.filter(|until| *until > now)
    }

    /// Whether it may be dialled now; `asked` if the app waits for it.
    pub(crate) fn may_dial(&self, asked: bool, now: Instant) -> bool {
        self.dial_after(asked).is_none_or(|after| after <= now)
    }

    pub(crate) fn dial_after(&self, asked: bool) -> Option<Instant> {
        if asked { self.failed_at.map(|at| at + ASKED_AGAIN).min(self.redial.next()) } else { self.redial.next() }
    }

    /// False only if the node is known not to offer the service.
    pub(crate) fn may_offer(&self, service: Service) -> bool {
        let without = service == Service::Store && self.no_store;
        self.offers.map_or(!without, |offers| offers.has(service))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Offers lightpush, v3 or v2.
    LightPush,
    Filter,
    Store,
}

/// The protocols of a node that the client uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Offers {
    pub(crate) lightpush_v3: bool,
    pub(crate) lightpush_v2: bool,
    pub(crate) filter: bool,
    pub(crate) store: bool,
    pub(crate) metadata: bool,
    pub(crate) peer_exchange: bool,
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

#[derive(Debug)]
pub(crate) struct Nodes {
    list: Vec<Node>,
    next: NodeNumber,
    /// Stored entries that left the book.
    gone: Vec<String>,
    formers: Formers,
    single_circle: bool,
    timing: Timing,
    foreground: bool,
}

impl Nodes {
    pub(crate) fn new(single_circle: bool, timing: Timing) -> Self {
        Self {
            list: Vec::new(),
            next: 0,
            gone: Vec::new(),
            formers: Formers::default(),
            single_circle,
            timing,
            foreground: false,
        }
    }

    pub(crate) fn healthy(&self, kind: Kind, service: Service, now: Instant) -> usize {
        let good = |node: &&Node| node.healthy() && !node.shunned(now) && node.may_offer(service);
        self.of(kind).filter(good).count()
    }

    /// The nodes that a swarm of this kind may use. A connection of its own uses nodes of neither circle while one of
    /// those is healthy.
    pub(crate) fn of(&self, kind: Kind) -> impl Iterator<Item = &Node> {
        let spare = |node: &Node| node.home == Kind::Alone && node.may_offer(Service::Store) && node.healthy();
        let spare = self.list.iter().any(spare);
        let any = self.single_circle || (kind == Kind::Alone && !spare);
        self.list.iter().filter(move |node| any || node.home == kind)
    }

    /// Whether a reliable node for a service exists beside those `taken`.
    pub(crate) fn has_reliable(&self, kind: Kind, service: Service, taken: &[NodeNumber], now: Instant) -> bool {
        self.of(kind).any(|node| !node.last_resort(service, now) && !taken.contains(&node.number))
    }

    /// Whether a store can be asked: a node has one, or a node that was not asked yet would get the next query.
    pub(crate) fn may_have_store(&self) -> bool {
        let asked = |node: &Node| self.single_circle || node.home != Kind::Publish;
        let may = |node: &Node| node.may_offer(Service::Store);
        self.list.iter().any(|node| may(node) && (asked(node) || node.offers.is_some()))
    }

    /// A few nodes of the publish circle through which messages arrived in earlier runs, the most reliable first.
    pub(crate) fn of_use_for_publishing(&self) -> Vec<NodeNumber> {
        let mut known: Vec<&Node> = self.of(Kind::Publish).collect();
        known.retain(|node| node.successes > 0 && node.healthy());
        random::shuffle(&mut known);
        known.sort_by_key(|node| std::cmp::Reverse(node.successes));
        known.iter().take(FIRST).map(|node| node.number).collect()
    }

    pub(crate) fn get(&self, number: NodeNumber) -> Option<&Node> {
        self.list.iter().find(|node| node.number == number)
    }

    fn get_mut(&mut self, number: NodeNumber) -> Option<&mut Node> {
        self.list.iter_mut().find(|node| node.number == number)
    }

    pub(crate) fn change(&mut self, number: NodeNumber, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.get_mut(number) {
            change(node);
        }
    }

    pub(crate) fn identified(&mut self, number: NodeNumber, offers: Offers) {
        self.change(number, |node| {
            node.offers = Some(offers);
            node.meet();
        });
    }

    /// The node could not be reached or fell silent. It is a strike only if other nodes could be reached (`online`).
    pub(crate) fn failed(&mut self, number: NodeNumber, online: bool, now: Instant) {
        let (base, cap) = (self.timing.redial, self.timing.longest_redial(self.foreground));
        self.change(number, |node| {
            if online {
                node.strike(1);
            }
            match node.failures {
                // It worked after its last failure; that counts only if it lasted.
                0 => node.redial.failed(base, cap, now),
                times => node.redial.still_fails(base, cap, times, now),
            }
            node.failed_at = Some(now);
            node.failures = node.failures.saturating_add(1);
        });
    }

    /// The node is busy and is not asked for a while.
    pub(crate) fn too_busy(&mut self, number: NodeNumber, now: Instant) {
        let base = self.timing.busy;
        if let Some(node) = self.get_mut(number).filter(|node| node.busy(now).is_none()) {
            node.busy_until = Some(now + random::backoff(base, node.busy, LONGEST_BUSY));
            node.busy = node.busy.saturating_add(1);
        }
    }

    /// The node accepts requests, so it is alive. It need not be of use: if it fails again, the wait still grows.
    pub(crate) fn well(&mut self, number: NodeNumber) {
        self.change(number, |node| (node.busy, node.failures, node.failed_at) = (0, 0, None));
    }

    /// The node did what was asked, by its own report.
    pub(crate) fn answered(&mut self, number: NodeNumber) {
        self.change(number, Node::has_answered);
    }

    /// The node was of use: counted once a run, unless it was doubted in this run.
    pub(crate) fn of_use(&mut self, number: NodeNumber) {
        self.change(number, |node| {
            node.has_answered();
            node.was_of_use();
        });
    }

    /// The engine's finding, which overrides earlier impressions.
    pub(crate) fn judge(&mut self, number: NodeNumber, of_use: bool) {
        self.change(number, |node| {
            if of_use {
                node.of_use = node.of_use.filter(|of_use| *of_use);
                node.was_of_use();
            } else {
                node.was_of_no_use();
            }
        });
    }

    /// A connection of its own found no store.
    pub(crate) fn has_no_store(&mut self, number: NodeNumber) {
        self.change(number, |node| {
            node.no_store = true;
            node.offers = node.offers.map(|offers| Offers { store: false, ..offers });
        });
    }

    /// The node broke the protocol: for an hour it is used only if there is no other.
    pub(crate) fn lied(&mut self, number: NodeNumber, now: Instant) {
        self.change(number, |node| {
            node.shunned_until = Some(now + SHUN);
            node.strike(PATIENCE);
            node.was_of_no_use();
        });
    }

    /// The node seems useless for a service: for ten minutes it is used for it only if there is no other. The book then
    /// keeps half of its useful runs.
    pub(crate) fn doubt(&mut self, number: NodeNumber, service: Service, now: Instant) {
        self.change(number, |node| {
            node.doubted = Some((service, now + DOUBT));
            node.was_of_no_use();
        });
    }

    /// After a change of network, or when the app is opened, earlier failures mean nothing.
    pub(crate) fn forgive(&mut self) {
        for node in &mut self.list {
            (node.failures, node.failed_at, node.redial) = Default::default();
        }
    }

    pub(crate) fn set_foreground(&mut self, on: bool) {
        self.foreground = on;
        if on {
            self.forgive();
        }
    }
}

#[cfg(test)]
mod tests;
