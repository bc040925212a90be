//! The peer book: which nodes enter and which leave.
//!
//! Each source has its own places, so a flood from one takes no place of another; peer exchange is also bounded by
//! network prefix. A newcomer replaces only a node that fails and was never of use, or that was of use long ago; never
//! a configured one. For an empty circle a node of another circle makes room: one that was never of use, or in the end
//! any that is not configured.
//!
//! A node that was met and leaves keeps its circle for the case that it returns. Without this memory such a node could
//! see both halves of the traffic, one after the other.

use std::collections::HashMap;
use std::net::IpAddr;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use super::{Kind, Node, Nodes};
use crate::address::{ip_of, parse_node};
use crate::client::discover::USEFUL;
use crate::config::NetConfig;
use crate::discovery::record::NodeRecord;
use crate::handle::{Event, KnownNode, NodeNumber, Source};
use crate::{clock, random};

/// Most circles remembered of nodes that left the book.
pub(super) const FORMERS: usize = 2000;
/// Most nodes of one network prefix that one peer named.
const SAME_PREFIX: usize = 4;

/// Nodes with their addresses.
pub(crate) type Found = Vec<(PeerId, Vec<Multiaddr>)>;
/// The node that named others, and its circle.
pub(crate) type NamedBy = Option<(Kind, NodeNumber)>;

/// Most nodes of a source; 200 in all. Each circle has its own places for nodes named by peers, so a node of one circle
/// has no say in another.
const fn quota(source: Source, home: Kind) -> usize {
    match (source, home) {
        (Source::Static, _) => 80,
        (Source::Invite, _) => 20,
        (Source::Dns, _) => 50,
        (Source::PeerExchange, Kind::Alone) => 10,
        (Source::PeerExchange, _) => 20,
        (Source::Former | Source::Inside, _) => 0, // remembered only
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Former {
    pub(super) home: Kind,
    /// When it last answered, Unix seconds.
    pub(super) answered_s: u64,
    changed: bool,
}

#[derive(Debug, Default)]
pub(super) struct Formers(HashMap<PeerId, Former>);

impl Formers {
    /// Whether one more fits without forgetting another.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < FORMERS
    }

    pub(super) fn get(&self, peer: &PeerId) -> Option<Former> {
        self.0.get(peer).copied()
    }

    pub(super) fn remove(&mut self, peer: &PeerId) {
        self.0.remove(peer);
    }

    /// Remembers a node, `stored` already or not. Returns the node forgotten for it: the one silent longest.
    pub(super) fn put(&mut self, peer: PeerId, home: Kind, answered_s: u64, stored: bool) -> Option<PeerId> {
        let former = Former { home, answered_s, changed: !stored };
        self.0.insert(peer, former);
        if self.0.len() <= FORMERS {
            return None;
        }
        let oldest = self.0.iter().min_by_key(|(_, one)| one.answered_s);
        let oldest = oldest.map(|(peer, _)| *peer)?;
        self.0.remove(&oldest);
        Some(oldest)
    }

    /// The entries to store since the last call.
    pub(super) fn take_changes(&mut self) -> impl Iterator<Item = KnownNode> {
        let changed = self.0.iter_mut().filter(|(_, one)| one.changed);
        changed.map(|(peer, one)| {
            one.changed = false;
            KnownNode {
                peer: peer.to_string(),
                addresses: Vec::new(),
                source: Source::Former,
                circle: one.home as u8,
                successes: 0,
                failures: 0,
                answered_s: one.answered_s,
            }
        })
    }
}

impl Nodes {
    /// The book of remembered and configured nodes; `found` are those of the configuration.
    pub(crate) fn open(config: &NetConfig, found: Found) -> Self {
        let mut nodes = Self::new(config.single_circle, config.timing);
        nodes.restore(&config.book, &found);
        nodes.add(found, Source::Static, None);
        nodes.deal_anew();
        nodes
    }

    /// Takes back the remembered nodes: of those no longer configured only the circle, of configured ones no address.
    pub(super) fn restore(&mut self, book: &[KnownNode], configured: &[(PeerId, Vec<Multiaddr>)]) {
        let mut order: Vec<&KnownNode> = book.iter().collect();
        random::shuffle(&mut order);
        for entry in order {
            let peer = entry.peer.parse().ok();
            let home = Kind::ALL.into_iter().find(|kind| *kind as u8 == entry.circle);
            let (Some(peer), Some(home)) = (peer, home) else {
                self.gone.push(entry.peer.clone());
                continue;
            };
            if entry.source == Source::Former {
                let met = entry.answered_s > 0; // a node that was never met saw nothing
                let oldest = met.then(|| self.formers.put(peer, home, entry.answered_s, true)).flatten();
                self.gone.extend(oldest.map(|peer| peer.to_string()));
                continue;
            }
            let inside = entry.source == Source::Inside;
            let source = if inside { Source::PeerExchange } else { entry.source };
            let wanted = configured.iter().any(|(other, _)| *other == peer);
            let fixed = source == Source::Static;
            let room = self.has_room(source, home);
            if (fixed && !wanted) || !room || self.list.iter().any(|node| node.peer == peer) {
                self.leave(peer, home, entry.answered_s);
                continue;
            }
            let mut node = Node::new(self.next, peer, home, source);
            let addresses = entry.addresses.iter().filter(|_| !fixed);
            node.add_addresses(addresses.filter_map(|text| text.parse().ok()));
            node.named_inside = inside;
            node.successes = entry.successes;
            node.strikes = entry.failures;
            node.answered_s = entry.answered_s;
            node.changed = false;
            self.next += 1;
            self.list.push(node);
        }
    }

    /// Adds nodes in random order and deals them to the circles: receive, publish, receive, publish, spare. Nodes named
    /// by a node of a circle go to that circle, unless another is empty. Returns the number of new nodes.
    pub(crate) fn add(&mut self, found: Found, source: Source, named_by: NamedBy) -> usize {
        let mut taken = 0;
        let mut fresh = Found::new();
        for (peer, addresses) in found {
            if let Some(node) = self.list.iter_mut().find(|node| node.peer == peer) {
                merge(node, addresses, source);
            } else if let Some((_, known)) = fresh.iter_mut().find(|(other, _)| *other == peer) {
                known.extend(addresses);
            } else {
                fresh.push((peer, addresses));
            }
        }
        random::shuffle(&mut fresh);
        for (peer, addresses) in fresh {
            let former = self.formers.get(&peer);
            let circle = named_by.map(|(kind, _)| kind);
            let home = former.map_or_else(|| self.home(circle), |former| former.home);
            let namer = named_by.map(|(_, number)| number);
            if !self.make_room(source, &addresses, home, namer) {
                continue;
            }
            let mut node = Node::new(self.next, peer, home, source);
            node.namer = namer;
            node.answered_s = former.map_or(0, |former| former.answered_s);
            self.formers.remove(&peer);
            node.add_addresses(addresses);
            self.next += 1;
            self.list.push(node);
            taken += 1;
        }
        taken
    }

    /// Adds the well-formed nodes of an invite.
    pub(crate) fn invited(&mut self, texts: &[String]) {
        let read = |(index, text): (usize, &String)| {
            let read = parse_node(index, text).inspect_err(|error| log::warn!("a further node: {error}"));
            read.ok().map(|(peer, address)| (peer, vec![address]))
        };
        self.add(texts.iter().enumerate().filter_map(read).collect(), Source::Invite, None);
    }

    /// Adds the useful nodes of records, named `inside` a private network or not; returns the number of new nodes.
    pub(crate) fn named(&mut self, records: &[NodeRecord], inside: bool, source: Source, named_by: NamedBy) -> usize {
        let useful = records.iter().filter(|record| record.services.is_none_or(|bits| bits.any(USEFUL)));
        let found = useful.map(|record| (record.peer, record.addresses.clone())).collect();
        let new = self.add(found, source, named_by);
        records.iter().filter(|_| inside).for_each(|record| self.named_inside(&record.peer));
        new
    }

    pub(super) fn named_inside(&mut self, peer: &PeerId) {
        if let Some(node) = self.list.iter_mut().find(|node| node.peer == *peer) {
            node.changed |= !node.named_inside;
            node.named_inside = true;
        }
    }

    /// At the start, before the first dial: an empty circle gets a node that was never met from another circle. Nodes
    /// that were met stay. A circle that is still empty waits for found nodes.
    pub(super) fn deal_anew(&mut self) {
        let healthy = |list: &[Node], kind| list.iter().filter(|node| node.home == kind && node.healthy()).count();
        for kind in [Kind::Receive, Kind::Publish] {
            if self.single_circle || self.list.is_empty() || healthy(&self.list, kind) > 0 {
                continue;
            }
            let spare = |node: &Node| {
                let left = node.home == Kind::Alone || healthy(&self.list, node.home) > 1;
                !node.met() && node.healthy() && left
            };
            let place = self.list.iter().position(spare);
            match place.and_then(|place| self.list.get_mut(place)) {
                Some(node) => (node.home, node.changed) = (kind, true),
                None => log::warn!("no node is known for one of the two circles"),
            }
        }
    }

    /// A node has left the book.
    fn leave(&mut self, peer: PeerId, home: Kind, answered_s: u64) {
        let forgotten = if answered_s > 0 { self.formers.put(peer, home, answered_s, false) } else { Some(peer) };
        self.gone.extend(forgotten.map(|peer| peer.to_string()));
    }

    fn of_source(&self, source: Source) -> impl Iterator<Item = &Node> {
        self.list.iter().filter(move |node| node.source == source)
    }

    fn has_room(&self, source: Source, home: Kind) -> bool {
        let same = self.of_source(source).filter(|node| source != Source::PeerExchange || node.home == home);
        same.count() < quota(source, home)
    }

    /// Whether a newcomer may enter a circle. If needed, it evicts a node. A node that was met is evicted only while
    /// its circle can be remembered. A node that was never met is also evicted if its peer named more such nodes than
    /// the newcomer's peer.
    fn make_room(&mut self, source: Source, addresses: &[Multiaddr], home: Kind, namer: Option<NodeNumber>) -> bool {
        let prefix = match source {
            Source::PeerExchange => prefix(addresses),
            _ => None, // the host is trusted with its choice
        };
        let alike = |node: &Node| prefix.is_none() || self::prefix(&node.addresses) == prefix;
        let same = self.of_source(source).filter(|node| alike(node)).count();
        let crowded = prefix.is_some() && same >= SAME_PREFIX;
        if !crowded && self.has_room(source, home) {
            return true;
        }
        let now_s = clock::now_s();
        let mut there = self.list.iter().filter(|node| node.home == home);
        let empty = home != Kind::Alone && self.list.iter().all(|node| node.home != home);
        let in_need = home != Kind::Alone && !there.any(Node::healthy);
        let named = |by| {
            let unmet = self.of_source(source).filter(|node| !node.met());
            unmet.filter(|node| node.namer == by && node.home == home).count()
        };
        let share = named(namer) + 1;
        let may_go = |node: &&Node| {
            let unmet = source == Source::PeerExchange && node.home == home && !node.met();
            if unmet && node.namer != namer && named(node.namer) > share {
                return true;
            }
            let for_the_other = node.source != Source::Static && node.home != home;
            let yields = for_the_other && (empty || (in_need && !node.proven()));
            (node.may_go(now_s) || yields) && (!node.met() || self.formers.has_room())
        };
        let leaving = self.of_source(source).filter(may_go);
        let leaving = leaving.filter(|node| !crowded || alike(node));
        let last = |node: &&Node| (node.may_go(now_s), !node.proven(), node.strikes, named(node.namer));
        let Some(node) = leaving.max_by_key(last) else {
            return false;
        };
        let (peer, home, answered_s) = (node.peer, node.home, node.answered_s);
        self.list.retain(|node| node.peer != peer);
        self.leave(peer, home, answered_s);
        true
    }

    /// The circle that lacks most healthy nodes.
    fn home(&self, named_by: Option<Kind>) -> Kind {
        let count = |kind| self.list.iter().filter(|node| node.home == kind && node.healthy()).count();
        let need = |kind: &Kind| match kind {
            Kind::Receive => 2 * count(*kind),
            Kind::Publish => 2 * count(*kind) + 1,
            Kind::Alone => 4 * count(*kind) + 3,
        };
        let open = |kind: &Kind| named_by.is_none_or(|by| by == *kind || count(*kind) == 0);
        let kinds = Kind::ALL.into_iter().filter(open);
        kinds.min_by_key(need).unwrap_or(Kind::Receive)
    }

    /// The changed entries. They are asked for together with other events, so that they cost no wake-up.
    pub(crate) fn news(&mut self) -> Option<Event> {
        let (changed, gone) = self.take_changes();
        (!changed.is_empty() || !gone.is_empty()).then_some(Event::Book { changed, gone })
    }

    /// The entries to store and to delete since the last call.
    pub(super) fn take_changes(&mut self) -> (Vec<KnownNode>, Vec<String>) {
        let changed = self.list.iter_mut().filter(|node| node.changed);
        let entries = changed.map(|node| {
            node.changed = false;
            node.entry()
        });
        let entries = entries.chain(self.formers.take_changes());
        (entries.collect(), std::mem::take(&mut self.gone))
    }
}

/// A known node is named again. Configured addresses win; for a failing node the newest do.
fn merge(node: &mut Node, addresses: Vec<Multiaddr>, source: Source) {
    let configured = source == Source::Static;
    if node.source == Source::Static && !configured {
        return;
    }
    let anew = if configured { node.source != source } else { !node.healthy() };
    if anew {
        node.addresses.clear();
    }
    if configured {
        node.changed |= anew;
        node.source = source;
    }
    node.add_addresses(addresses);
}

/// The network prefix of an address: IPv4 /16, IPv6 /32, else the last two labels of a name. Loopback has none.
fn prefix(addresses: &[Multiaddr]) -> Option<Vec<u8>> {
    match addresses.iter().find_map(ip_of) {
        Some(ip) if ip.is_loopback() => return None,
        Some(IpAddr::V4(ip)) => return Some(ip.octets().into_iter().take(2).collect()),
        Some(IpAddr::V6(ip)) => return Some(ip.octets().into_iter().take(4).collect()),
        None => {}
    }
    let name = addresses.iter().find_map(|address| match address.iter().next() {
        Some(Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) | Protocol::Dnsaddr(name)) => {
            Some(name.into_owned())
        }
        _ => None,
    })?;
    let mut labels = name.trim_end_matches('.').rsplit('.');
    let (top, second) = (labels.next()?, labels.next().unwrap_or_default());
    Some(format!("{second}.{top}").into_bytes())
}
