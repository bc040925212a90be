//! The search for nodes. It runs only while the app wants something and too few healthy nodes are known, with back-off,
//! and without a timer while messages come and go.

use std::time::Duration;

use sotto_wire::waku::{Services, TreeUrl};
use tokio::time::Instant;

use super::links::{Links, Ready};
use super::nodes::{Kind, NamedBy, Nodes, Service};
use super::pace::Pace;
use crate::address::is_private;
use crate::config::NetConfig;
use crate::discovery::record::NodeRecord;
use crate::handle::Source;
use crate::random;

/// Healthy nodes wanted for the receive circle: two that push, and a spare.
const RECEIVE: usize = 3;
/// Healthy nodes wanted for the publish circle: one, and a spare.
const PUBLISH: usize = 2;
/// Most records of one source that a discv5 search starts from.
const BOOTSTRAP: usize = 16;
/// Longest wait between searches, and between requests to a connected node.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
const LONGEST_ASKED: Duration = Duration::from_secs(6 * 3600);
/// Searches that a search without a new node counts as.
const IN_VAIN: u32 = 2;
pub(super) const USEFUL: u8 = Services::STORE | Services::FILTER | Services::LIGHT_PUSH;

#[derive(Debug)]
pub(super) enum Search {
    Dns(Vec<TreeUrl>),
    /// At a node of this circle, and whether that is in a private network.
    Peer(Kind, Ready, bool),
    /// By discv5, from these records, and whether all are in a private network.
    Discv5(Vec<NodeRecord>, bool),
}

impl Search {
    /// The book's source for service nodes; `None` if the search gives relay peers.
    pub(super) fn named_by(&self) -> Option<(Source, NamedBy)> {
        match self {
            Self::Dns(_) => Some((Source::Dns, None)),
            Self::Peer(kind, asked, _) => Some((Source::PeerExchange, Some((*kind, asked.node)))),
            Self::Discv5(..) => None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    /// Whether fewer service nodes are healthy than wanted.
    pub(super) few: bool,
    /// Whether the own relay has had few mesh peers for long.
    pub(super) lonely: bool,
    pub(super) offline: bool,
}

#[derive(Debug, Default)]
struct Way {
    running: bool,
    retry: Pace,
    records: Vec<NodeRecord>,
}

impl Way {
    fn may(&self, now: Instant) -> bool {
        !self.running && self.retry.waits(now).is_none()
    }

    fn begin(&mut self, base: Duration, cap: Duration, now: Instant) {
        self.running = true;
        self.retry.again(base, cap, now);
    }
}

#[derive(Debug)]
pub(super) struct Discovery {
    base: Duration,
    trees: Vec<TreeUrl>,
    dns: Way,
    publish: Way,
    receive: Way,
    discv5: Way,
}

impl Discovery {
    /// `base`: the first wait after a search.
    pub(super) fn new(trees: Vec<TreeUrl>, base: Duration) -> Self {
        let [dns, publish, receive, discv5] = Default::default();
        Self { base, trees, dns, publish, receive, discv5 }
    }

    /// After a change of network: running searches are gone, and earlier failures mean nothing.
    pub(super) fn begin_anew(&mut self) {
        self.hurry();
        self.ways().into_iter().for_each(|way| way.running = false);
    }

    /// The app was opened: nobody shall wait for a search.
    pub(super) fn hurry(&mut self) {
        self.ways().into_iter().for_each(|way| way.retry = Pace::default());
    }

    fn ways(&mut self) -> [&mut Way; 4] {
        [&mut self.dns, &mut self.publish, &mut self.receive, &mut self.discv5]
    }

    /// Whether a node may be found soon.
    pub(super) fn searching(&self) -> bool {
        self.dns.running || self.publish.running || self.receive.running
    }

    fn way(&mut self, search: &Search) -> &mut Way {
        match search {
            Search::Dns(_) => &mut self.dns,
            Search::Peer(Kind::Receive, ..) => &mut self.receive,
            Search::Peer(..) => &mut self.publish,
            Search::Discv5(..) => &mut self.discv5,
        }
    }

    /// The search to start now, one for each call. `ask` gives a connected node of a circle that can be asked, and
    /// whether it is in a private network.
    pub(super) fn next(
        &mut self,
        need: Need,
        mut ask: impl FnMut(Kind) -> Option<(Ready, bool)>,
        now: Instant,
    ) -> Option<Search> {
        // First records for discv5: no source pushes out another, and no publish node learns of the relay.
        let known = || [&self.dns, &self.receive, &self.discv5].into_iter().flat_map(|way| &way.records);
        if need.lonely && self.discv5.may(now) && known().next().is_some() {
            let known: Vec<NodeRecord> = known().cloned().collect();
            let inside = known.iter().all(NodeRecord::is_inside);
            self.discv5.begin(self.base, LONGEST_WAIT, now);
            return Some(Search::Discv5(known, inside));
        }
        if !(need.few || need.lonely) {
            return None;
        }
        if self.dns.may(now) && !self.trees.is_empty() {
            self.dns.begin(self.base, LONGEST_WAIT, now);
            return Some(Search::Dns(self.trees.clone()));
        }
        // The publish circle need not know of the relay.
        let publish = Some((Kind::Publish, &mut self.publish)).filter(|_| need.few);
        for (kind, way) in [(Kind::Receive, &mut self.receive)].into_iter().chain(publish) {
            if way.may(now)
                && let Some((ready, inside)) = ask(kind)
            {
                way.begin(self.base, LONGEST_ASKED, now);
                return Some(Search::Peer(kind, ready, inside));
            }
        }
        None
    }

    /// When to search without further events: without any connection only time passes.
    pub(super) fn deadline(&self, need: Need, now: Instant) -> Option<Instant> {
        let waits = |way: &Way| way.retry.waits(now).filter(|_| !way.running);
        let alone = need.lonely || (need.few && need.offline);
        let dns = waits(&self.dns).filter(|_| alone && !self.trees.is_empty());
        let relays = waits(&self.discv5).filter(|_| need.lonely);
        dns.into_iter().chain(relays).min()
    }

    /// Reads a search's result: the useful records, and whether they may lead into a private network.
    pub(super) fn read(search: &Search, mut records: Vec<NodeRecord>, config: &NetConfig) -> (Vec<NodeRecord>, bool) {
        let inside = match search {
            Search::Peer(.., inside) | Search::Discv5(_, inside) => *inside,
            // A tree that names a public address is not a private network's.
            Search::Dns(_) => records.iter().all(NodeRecord::is_inside),
        };
        if !inside {
            records.iter_mut().for_each(NodeRecord::keep_public);
        }
        let shards = config.sharding.list();
        records.retain(|record| record.fits(config.cluster, &shards, u8::MAX));
        (records, inside)
    }

    /// A search has ended with these records. `new`: number of nodes that were unknown.
    pub(super) fn found(&mut self, search: &Search, mut records: Vec<NodeRecord>, new: usize) {
        let way = self.way(search);
        way.running = false;
        if new == 0 {
            way.retry.grow(IN_VAIN);
        }
        if !records.is_empty() {
            records.truncate(BOOTSTRAP);
            way.records = records;
        }
    }
}

pub(super) fn too_few(nodes: &Nodes, single_circle: bool, now: Instant) -> bool {
    let count = |kind, service| nodes.healthy(kind, service, now);
    let receive = count(Kind::Receive, Service::Filter);
    let no_store = count(Kind::Receive, Service::Store) == 0;
    if single_circle {
        return receive == 0 || no_store;
    }
    let publish = count(Kind::Publish, Service::LightPush);
    receive < RECEIVE || publish < PUBLISH || no_store || count(Kind::Alone, Service::Store) == 0
}

/// A connected node that can be asked for others, and whether it is in a private network.
pub(super) fn asked(links: &Links, nodes: &Nodes) -> Option<(Ready, bool)> {
    let ready = random::first(links.all_ready().filter(|ready| ready.offers.peer_exchange), |_| ())?;
    let addresses = nodes.get(ready.node).map(|node| &node.addresses);
    Some((ready, addresses.is_some_and(|all| !all.is_empty() && all.iter().all(is_private))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use libp2p::PeerId;

    use super::*;
    use crate::config::{Sharding, Timing};
    use crate::handle::Event;

    const NOT: Need = Need { few: false, lonely: false, offline: false };

    fn record(addresses: &[&str]) -> NodeRecord {
        NodeRecord {
            rlp: Vec::new(),
            peer: PeerId::random(),
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            shards: None,
            services: None,
        }
    }

    fn ready() -> Ready {
        Ready { peer: PeerId::random(), node: 7, offers: crate::client::nodes::Offers::default() }
    }

    fn discovery(trees: usize) -> Discovery {
        let key = "AM5FCQLWIZX2QFPNJAP7VUERCCRNGRHWZG3YYHIUV7BVDQ5FDPRT2";
        let tree: TreeUrl = format!("enrtree://{key}@nodes.example.org").parse().unwrap();
        Discovery::new(vec![tree; trees], Timing::default().discover)
    }

    /// The addresses taken from records with these.
    fn taken(search: &Search, records: &[&[&str]]) -> Vec<String> {
        let config = NetConfig::new(Vec::new(), 66, Sharding::Static(vec![0]));
        let records = records.iter().map(|addresses| record(addresses));
        let (records, inside) = Discovery::read(search, records.collect(), &config);
        let mut nodes = Nodes::new(false, config.timing);
        nodes.named(&records, inside, Source::PeerExchange, None);
        let Some(Event::Book { changed, .. }) = nodes.news() else {
            return Vec::new();
        };
        let mut all: Vec<String> = changed.into_iter().flat_map(|one| one.addresses).collect();
        all.sort();
        all
    }

    #[test]
    fn private_addresses_are_taken_from_who_is_there_himself() {
        let (public, private) = ("/ip4/20.1.1.1/tcp/1", "/ip4/192.168.1.1/tcp/1");
        let name = "/dns4/a.b/tcp/1";
        let peer = |inside| Search::Peer(Kind::Receive, ready(), inside);
        let dns = Search::Dns(Vec::new());
        let mixed: &[&[&str]] = &[&[public, private], &[private]];
        assert_eq!(taken(&peer(false), mixed), [public]);
        assert_eq!(taken(&peer(true), mixed), [private, private, public]);
        // A tree belongs to a private network if all its addresses are private.
        assert_eq!(taken(&dns, mixed), [public]);
        assert_eq!(taken(&dns, &[&[private], &[name]]), [name]);
        assert_eq!(taken(&dns, &[&[private], &[private]]), [private; 2]);
    }

    #[test]
    fn trees_are_read_while_few_are_known_ever_more_rarely() {
        let (mut discovery, mut now) = (discovery(1), Instant::now());
        let (few, offline) = (Need { few: true, ..NOT }, Need { few: true, offline: true, ..NOT });
        assert!(discovery.next(NOT, |_| None, now).is_none());
        for searches in 0..10_u32 {
            let search = discovery.next(few, |_| None, now).unwrap();
            assert!(matches!(search, Search::Dns(_)) && discovery.searching());
            assert!(discovery.next(few, |_| None, now).is_none(), "it runs");
            assert_eq!(discovery.deadline(offline, now), None, "it runs");
            discovery.found(&search, vec![record(&["/ip4/20.1.1.1/tcp/1"])], 1);
            assert_eq!(discovery.deadline(few, now), None, "only time passes for who reaches nobody");
            let next = discovery.deadline(offline, now).unwrap();
            let wait = (discovery.base * (1 << searches)).min(LONGEST_WAIT);
            assert!(next >= now + wait / 2 && next <= now + wait * 3 / 2);
            assert!(discovery.next(few, |_| None, next - discovery.base / 9).is_none());
            now = next;
        }
        // The app is opened.
        let search = discovery.next(few, |_| None, now).unwrap();
        discovery.found(&search, Vec::new(), 0);
        assert!(discovery.next(few, |_| None, now).is_none());
        discovery.hurry();
        assert!(discovery.next(few, |_| None, now).is_some());
    }

    #[test]
    fn each_circle_asks_its_own_and_the_publish_circle_does_not_learn_of_the_relay() {
        let now = Instant::now();
        let asked = |need| {
            let mut discovery = discovery(0);
            let next = || match discovery.next(need, |_| Some((ready(), true)), now)? {
                Search::Peer(kind, ready, inside) => Some((kind, ready.node, inside)),
                other => panic!("{other:?}"),
            };
            std::iter::from_fn(next).collect::<Vec<_>>()
        };
        let peer = |kind| (kind, 7, true);
        assert_eq!(asked(Need { few: true, ..NOT }), [peer(Kind::Receive), peer(Kind::Publish)]);
        assert_eq!(asked(Need { lonely: true, ..NOT }), [peer(Kind::Receive)]);
        assert!(discovery(0).next(Need { few: true, ..NOT }, |_| None, now).is_none(), "nobody is connected");
    }

    #[test]
    fn discv5_begins_with_what_others_named_and_never_with_what_the_publish_circle_did() {
        let (mut discovery, now) = (discovery(0), Instant::now());
        let lonely = Need { lonely: true, ..NOT };
        discovery.found(&Search::Peer(Kind::Publish, ready(), true), vec![record(&["/ip4/127.0.0.1/tcp/1"])], 1);
        assert!(discovery.next(lonely, |_| None, now).is_none(), "nobody to begin with");
        discovery.found(&Search::Peer(Kind::Receive, ready(), true), vec![record(&["/ip4/127.0.0.1/tcp/1"]); 99], 1);
        assert!(discovery.next(Need { few: true, ..NOT }, |_| None, now).is_none(), "relays are enough");
        let Some(Search::Discv5(known, true)) = discovery.next(lonely, |_| None, now) else {
            unreachable!();
        };
        assert_eq!(known.len(), BOOTSTRAP);
        assert!(!discovery.searching(), "service nodes are not to come of it");
        discovery.found(&Search::Discv5(known, true), Vec::new(), 0);
        assert!(discovery.next(lonely, |_| None, now).is_none(), "not again at once");
        let next = discovery.deadline(lonely, now).unwrap();
        assert!(discovery.next(lonely, |_| None, next).is_some());
    }
}
