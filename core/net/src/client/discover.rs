//! Searching for further nodes: only while the app wants something and too few healthy ones are known, with back-off,
//! and never by a timer while messages come and go.

use std::time::Duration;

use sotto_wire::waku::{Services, TreeUrl};
use tokio::time::Instant;

use super::actor::{Actor, Done};
use super::circle::Ready;
use super::nodes::{Kind, Service};
use crate::address::is_private;
use crate::discovery::record::NodeRecord;
use crate::discovery::{discv5, dns_tree, peer_exchange};
use crate::handle::NodeNumber;
use crate::known::Source;
use crate::random;

/// Healthy nodes wanted for the receive circle: two that push, and a spare.
const RECEIVE: usize = 3;
/// For the publish circle: one, and a spare.
const PUBLISH: usize = 2;
/// Mesh peers wanted in relay mode, as gossipsub does.
pub(super) const RELAY: u32 = 4;
/// Records wanted of a tree, and by discv5.
const FROM_TREES: usize = 20;
const FROM_DISCV5: usize = 8;
/// Records of one way that discv5 may begin with.
const BOOTSTRAP: usize = 16;
/// Longest wait between searches; between questions to a node that is there anyway.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
const LONGEST_ASKED: Duration = Duration::from_secs(6 * 3600);
/// By how many searches one that gave nobody new counts more.
const IN_VAIN: u32 = 2;

/// Who named nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Trees in DNS.
    Dns,
    /// A node of this circle; whether it is in a private network itself.
    Peer(Kind, NodeNumber, bool),
    /// Discv5; whether all it began with are in a private network.
    Discv5(bool),
}

/// One way of searching.
#[derive(Debug, Default)]
struct Way {
    running: bool,
    not_before: Option<Instant>,
    searches: u32,
    /// What it last found.
    records: Vec<NodeRecord>,
}

impl Way {
    fn may(&self, now: Instant) -> bool {
        !self.running && self.not_before.is_none_or(|at| at <= now)
    }

    fn begin(&mut self, base: Duration, cap: Duration, now: Instant) {
        self.running = true;
        self.not_before = Some(now + random::backoff(base, self.searches, cap));
        self.searches = self.searches.saturating_add(1);
    }

    fn forget_waits(&mut self) {
        (self.not_before, self.searches) = (None, 0);
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Discovery {
    trees: Vec<TreeUrl>,
    dns: Way,
    publish: Way,
    receive: Way,
    discv5: Way,
}

impl Discovery {
    pub(super) fn new(trees: Vec<TreeUrl>) -> Self {
        Self { trees, dns: Way::default(), publish: Way::default(), receive: Way::default(), discv5: Way::default() }
    }

    /// What ran before runs no longer, and what failed says nothing any more.
    pub(super) fn begin_anew(&mut self) {
        self.hurry();
        for way in self.ways() {
            way.running = false;
        }
    }

    /// A person looks: they shall not wait for a search.
    pub(super) fn hurry(&mut self) {
        self.ways().into_iter().for_each(Way::forget_waits);
    }

    fn ways(&mut self) -> [&mut Way; 4] {
        [&mut self.dns, &mut self.publish, &mut self.receive, &mut self.discv5]
    }

    /// Somebody may be found soon.
    pub(super) fn searching(&self) -> bool {
        self.dns.running || self.publish.running || self.receive.running
    }

    /// What discv5 may begin with: no way of finding them crowds out another, and nobody of the publish circle learns
    /// of the relay.
    fn bootstrap(&self) -> impl Iterator<Item = &NodeRecord> {
        let ways = [&self.dns, &self.receive, &self.discv5];
        ways.into_iter().flat_map(|way| &way.records)
    }

    fn way(&mut self, origin: Origin) -> &mut Way {
        match origin {
            Origin::Dns => &mut self.dns,
            Origin::Peer(kind, ..) => self.exchange(kind),
            Origin::Discv5(_) => &mut self.discv5,
        }
    }

    fn exchange(&mut self, kind: Kind) -> &mut Way {
        match kind {
            Kind::Receive => &mut self.receive,
            Kind::Publish | Kind::Alone => &mut self.publish,
        }
    }
}

impl Actor {
    /// Searches if there is a reason to.
    pub(super) fn discover(&mut self, now: Instant) {
        let wanted = self.filter.target() > 0 || !self.jobs.is_empty() || self.foreground;
        let lonely = self.lonely(now);
        if lonely {
            self.search_relays(now);
        }
        let few = wanted && self.too_few(now);
        if !(few || lonely) {
            return;
        }
        if self.discovery.dns.may(now) && !self.discovery.trees.is_empty() {
            self.search_trees(now);
        }
        for kind in [Kind::Receive, Kind::Publish] {
            let asked = few || kind == Kind::Receive; // the other need not know of the relay
            if asked && self.discovery.exchange(kind).may(now) {
                self.ask_a_node(kind, now);
            }
        }
        // With nobody to talk to, time is the only thing that happens.
        if !self.discovery.trees.is_empty()
            && !self.discovery.dns.running
            && (lonely || !self.online())
            && let Some(at) = self.discovery.dns.not_before
        {
            self.wake_at(at);
        }
    }

    fn too_few(&self, now: Instant) -> bool {
        let count = |kind, service| self.nodes.healthy(kind, service, now);
        let receive = count(Kind::Receive, Service::Filter);
        let publish = count(Kind::Publish, Service::LightPush);
        let no_store = count(Kind::Receive, Service::Store) == 0;
        if self.config.single_circle {
            return receive == 0 || no_store;
        }
        let no_store = no_store || count(Kind::Alone, Service::Store) == 0;
        receive < RECEIVE || publish < PUBLISH || no_store
    }

    /// In relay mode with few others in the mesh, for so long that those known had their time to come.
    fn lonely(&mut self, now: Instant) -> bool {
        let low = self.relay.as_ref().filter(|relay| relay.mesh < RELAY);
        let Some(at) = low.map(|relay| relay.low_since + self.config.timing.discover) else {
            return false;
        };
        if at > now {
            self.wake_at(at);
        }
        at <= now
    }

    /// By discv5, from the records that came another way.
    fn search_relays(&mut self, now: Instant) {
        let known: Vec<NodeRecord> = self.discovery.bootstrap().cloned().collect();
        let way = &mut self.discovery.discv5;
        if known.is_empty() || way.running {
            return;
        }
        if let Some(at) = way.not_before.filter(|at| *at > now) {
            return self.wake_at(at);
        }
        way.begin(self.config.timing.discover, LONGEST_WAIT, now);
        let (cluster, shards) = (self.config.cluster, self.config.sharding.list());
        self.work.push(Box::pin(async move {
            let inside = known.iter().all(NodeRecord::is_inside);
            let fits = |record: &NodeRecord| record.fits(cluster, &shards, Services::RELAY);
            let found = discv5::search(&known, FROM_DISCV5, fits).await;
            let found = found.unwrap_or_else(|error| {
                log::warn!("no discv5: {error}");
                Vec::new()
            });
            Done::Found(Origin::Discv5(inside), found)
        }));
    }

    fn search_trees(&mut self, now: Instant) {
        let base = self.config.timing.discover;
        self.discovery.dns.begin(base, LONGEST_WAIT, now);
        let servers = self.config.dns_servers.clone();
        let trees = self.discovery.trees.clone();
        let (cluster, shards) = (self.config.cluster, self.config.sharding.list());
        self.work.push(Box::pin(async move {
            let fits = |record: &NodeRecord| record.fits(cluster, &shards, USEFUL);
            let found = dns_tree::walk(&servers, &trees, FROM_TREES, fits).await;
            let found = found.unwrap_or_else(|error| {
                log::warn!("no DNS server can be asked: {}", error.kind());
                Vec::new()
            });
            Done::Found(Origin::Dns, found)
        }));
    }

    /// Asks one node of a circle for others.
    fn ask_a_node(&mut self, kind: Kind, now: Instant) {
        let ready = self.circle_ref(kind).all_ready();
        let ready: Vec<Ready> = ready.filter(|ready| ready.offers.peer_exchange).collect();
        let Some(ready) = random::choose(&ready) else {
            return;
        };
        let addresses = self.nodes.get_mut(ready.node).map(|node| &node.addresses);
        let inside = addresses.is_some_and(|all| !all.is_empty() && all.iter().all(is_private));
        let origin = Origin::Peer(kind, ready.node, inside);
        let timing = self.config.timing;
        let way = self.discovery.way(origin);
        way.begin(timing.discover, LONGEST_ASKED, now);
        let opener = self.circle_ref(kind).opener();
        self.work.push(Box::pin(async move {
            let found = peer_exchange::ask(opener, ready.peer, timing.request).await;
            Done::Found(origin, found.unwrap_or_default())
        }));
    }

    /// Takes in what a search gave.
    pub(super) fn found(&mut self, origin: Origin, mut records: Vec<NodeRecord>) {
        self.discovery.way(origin).running = false;
        let inside = match origin {
            Origin::Peer(.., inside) | Origin::Discv5(inside) => inside,
            // A tree that names anybody outside is not that of a private network.
            Origin::Dns => records.iter().all(NodeRecord::is_inside),
        };
        if !inside {
            records.iter_mut().for_each(NodeRecord::keep_public);
        }
        let shards = self.config.sharding.list();
        records.retain(|record| record.fits(self.config.cluster, &shards, u8::MAX));
        let taken = match origin {
            Origin::Dns => self.take(&records, inside, Source::Dns, None),
            Origin::Peer(kind, node, _) => self.take(&records, inside, Source::PeerExchange, Some((kind, node))),
            Origin::Discv5(_) => self.name_relays(&records, inside),
        };
        log::debug!("{taken} further nodes were named");
        let way = self.discovery.way(origin);
        if taken == 0 {
            way.searches = way.searches.saturating_add(IN_VAIN);
        }
        if !records.is_empty() {
            records.truncate(BOOTSTRAP);
            way.records = records;
        }
    }

    /// Into the book; how many are new.
    fn take(
        &mut self,
        records: &[NodeRecord],
        inside: bool,
        source: Source,
        named_by: Option<(Kind, NodeNumber)>,
    ) -> usize {
        let useful = |record: &&NodeRecord| record.services.is_none_or(|bits| bits.any(USEFUL));
        let found = records.iter().filter(useful);
        let found = found.map(|record| (record.peer, record.addresses.clone()));
        let taken = self.nodes.add(found.collect(), source, named_by);
        for record in records.iter().filter(|_| inside) {
            self.nodes.named_inside(&record.peer);
        }
        self.name_relay_peers();
        taken
    }
}

/// Services a light client has a use for.
const USEFUL: u8 = Services::STORE | Services::FILTER | Services::LIGHT_PUSH;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use libp2p::PeerId;
    use tokio::sync::mpsc;

    use super::*;
    use crate::config::{NetConfig, Sharding};

    /// The addresses taken of records with these.
    fn taken(origin: Origin, records: &[&[&str]]) -> Vec<String> {
        let config = NetConfig::new(Vec::new(), 66, Sharding::Static(vec![0]));
        let (_, commands) = mpsc::channel(1);
        let (events, _) = mpsc::channel(1);
        let mut actor = Actor::new(config, Vec::new(), Vec::new(), commands, events).unwrap();
        let records = records.iter().map(|addresses| NodeRecord {
            rlp: Vec::new(),
            peer: PeerId::random(),
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            shards: None,
            services: None,
        });
        actor.found(origin, records.collect());
        let (known, _) = actor.nodes.take_changes();
        let mut all: Vec<String> = known.into_iter().flat_map(|one| one.addresses).collect();
        all.sort();
        all
    }

    #[tokio::test]
    async fn private_addresses_are_taken_from_who_is_there_himself() {
        let (public, private) = ("/ip4/20.1.1.1/tcp/1", "/ip4/192.168.1.1/tcp/1");
        let name = "/dns4/a.b/tcp/1";
        let peer = |inside| Origin::Peer(Kind::Receive, 0, inside);
        let mixed: &[&[&str]] = &[&[public, private], &[private]];
        assert_eq!(taken(peer(false), mixed), [public]);
        assert_eq!(taken(peer(true), mixed), [private, private, public]);
        // A tree is in a private network if all it names is.
        assert_eq!(taken(Origin::Dns, mixed), [public]);
        assert_eq!(taken(Origin::Dns, &[&[private], &[name]]), [name]);
        assert_eq!(taken(Origin::Dns, &[&[private], &[private]]), [private; 2]);
    }

    #[tokio::test]
    async fn relays_are_searched_only_by_a_relay_that_long_had_few() {
        let mut config = NetConfig::new(Vec::new(), 66, Sharding::Static(vec![0]));
        config.single_circle = true;
        let patience = config.timing.discover;
        let (_commands, commands) = mpsc::channel(1);
        let (events, _events) = mpsc::channel(1);
        let mut actor = Actor::new(config, Vec::new(), Vec::new(), commands, events).unwrap();
        actor.filter.want(vec!["/sotto/1/h00-0000/proto".into()]);
        let known = NodeRecord {
            rlp: Vec::new(),
            peer: PeerId::random(),
            addresses: vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()],
            shards: None,
            services: None,
        };
        actor.found(Origin::Peer(Kind::Receive, 0, true), vec![known]);
        let mut searches = |relaying, mesh, now| {
            actor.relaying = relaying;
            if let Some(relay) = &mut actor.relay {
                relay.mesh = mesh;
            }
            actor.settle(now);
            actor.settle(now); // with the relay that the first one began
            std::mem::take(&mut actor.discovery.discv5.running)
        };
        let soon = Instant::now() + patience / 2;
        let late = soon + patience;
        assert!(!searches(false, 0, late));
        assert!(!searches(true, 0, soon));
        assert!(!searches(true, RELAY, late));
        assert!(searches(true, RELAY - 1, late));
        assert!(!searches(true, RELAY - 1, late), "not again at once");
    }
}
