//! The task that owns both swarms: it asks the machines for the next step and carries it out.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p::PeerId;
use sotto_wire::waku::{MessagePush, TreeUrl, protocol};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::choose::{Choice, Wish};
use super::circle::{Circles, Happened};
use super::discover::{self, Discovery, Need, Search};
use super::filter::{Filter, Opened, Verdict};
use super::job::{Answer, Conduct, Step};
use super::jobs::{self, Jobs};
use super::links::Ready;
use super::nodes::{Found, Kind, Nodes, Service};
use super::relay::{Relaying, Said};
use super::store::Page;
use super::told::Told;
use super::work::{self, Done, Pushed};
use crate::clock;
use crate::config::NetConfig;
use crate::farewell::farewell;
use crate::handle::{Command, Connectivity, Event, Network, NodeNumber};
use crate::service::{Heard, NodeEvent};
use crate::transport::TransportSetupError;
use crate::trust::Trust;

/// Pushes and pages that were read from their streams.
const IN_FLIGHT: usize = 16;

pub(super) struct Actor {
    config: Arc<NetConfig>,
    metadata: Arc<[u8]>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    circles: Circles,
    relay: Relaying,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    pages: (mpsc::Sender<Page>, mpsc::Receiver<Page>),
    pushed: (mpsc::Sender<Pushed>, mpsc::Receiver<Pushed>),
    nodes: Nodes,
    filter: Filter,
    jobs: Jobs,
    discovery: Discovery,
    told: Told,
    foreground: bool,
    /// When work is due without further events.
    wake: Option<Instant>,
}

impl Actor {
    pub(super) fn new(
        config: NetConfig,
        found: Found,
        trees: Vec<TreeUrl>,
        commands: mpsc::Receiver<Command>,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, TransportSetupError> {
        let config = Arc::new(config);
        let nodes = Nodes::open(&config, found);
        Ok(Self {
            metadata: work::metadata(&config),
            commands,
            events,
            circles: Circles::new(&config)?,
            relay: Relaying::new(config.timing),
            work: FuturesUnordered::new(),
            pages: mpsc::channel(IN_FLIGHT),
            pushed: mpsc::channel(IN_FLIGHT),
            filter: Filter::new(Arc::clone(&config)),
            jobs: Jobs::new(Arc::clone(&config), Trust::new(nodes.of_use_for_publishing())),
            discovery: Discovery::new(trees, config.timing.discover),
            told: Told::default(),
            foreground: false,
            wake: None,
            nodes,
            config,
        })
    }

    /// Runs until it is told to close, or until nobody listens.
    pub(super) async fn run(mut self) {
        let events = self.events.clone();
        loop {
            self.settle(Instant::now());
            let room = self.told.has_room();
            let bored = room && self.jobs.has_room();
            let wake = self.wake;
            tokio::select! {
                permit = events.reserve(), if !self.told.is_empty() => {
                    match (permit, self.told.next(events.max_capacity())) {
                        (Ok(permit), Some(event)) => permit.send(event),
                        _ => return,
                    }
                }
                command = self.commands.recv(), if bored => match command {
                    Some(Command::Close) | None => break,
                    Some(command) => self.command(command, Instant::now()),
                },
                (kind, happened) = self.circles.next() => {
                    if let Some(happened) = happened {
                        self.happened(kind, happened, Instant::now());
                    }
                }
                said = self.relay.next() => self.relay_said(said, Instant::now()),
                Some(done) = self.work.next() => self.done(done, Instant::now()),
                Some(page) = self.pages.1.recv(), if room => self.page(page),
                Some((peer, push)) = self.pushed.1.recv(), if room => {
                    if let Some(received) = self.filter.push(&peer, push, Instant::now()) {
                        self.nodes.of_use(received.node);
                        self.told.say(Event::Message(received));
                    }
                }
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
            }
        }
        self.told.all(self.jobs.close());
        self.told.all(self.nodes.news());
        self.told.say(Event::Closed);
        farewell(&self.events, std::iter::from_fn(|| self.told.next(usize::MAX))).await;
    }

    fn settle(&mut self, now: Instant) {
        self.wake = None;
        for (peer, node) in self.circles.expire(now) {
            self.nodes.failed(node, self.circles.online(), now);
            self.filter.lost(&peer);
        }
        for peer in self.filter.judge(now, |node| self.nodes.get(node).is_some_and(|node| node.shunned(now))) {
            log::warn!("a filter node leaves messages out");
            self.judge(&peer, Verdict::Refuses, now);
        }
        self.discover(now);
        self.start_jobs(now);
        self.keep_relay(now);
        self.keep_filter(now);
        if self.foreground {
            // With a conversation on screen, a publish node stays connected.
            let _ = self.find(Kind::Publish, Service::LightPush, Vec::new(), now);
        } else {
            for kind in [Kind::Publish, Kind::Receive] {
                let keep = in_use(&self.filter, &self.jobs, kind);
                let next = self.circles.of(kind).close_unused(self.config.timing.unused, &keep, now);
                self.wake_at(next);
            }
        }
        self.tell(now);
        self.wake_at(self.circles.deadline());
        self.wake_at(self.filter.deadline());
    }

    fn begin(&self, work: impl Future<Output = Done> + Send + 'static) {
        self.work.push(Box::pin(work));
    }

    fn wake_at(&mut self, at: Option<Instant>) {
        self.wake = self.wake.into_iter().chain(at).min();
    }

    fn command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Publish { .. } | Command::Upload { .. } | Command::Query { .. } | Command::Check { .. } => {
                self.told.all(self.jobs.add(command));
            }
            Command::Evidence(evidence) => self.jobs.learn(evidence, &mut self.nodes),
            Command::Subscribe { topics } => self.filter.want(topics),
            Command::Foreground(on) => {
                self.foreground = on;
                self.nodes.set_foreground(on);
                self.filter.set_foreground(on, now);
                if on && !self.circles.online() {
                    self.discovery.hurry();
                }
            }
            Command::NetworkChanged(network) => self.network_changed(network),
            Command::Relay(on) => self.relay.mode.want(on),
            // A stranger's link must not choose the nodes of a phone that has a network.
            Command::AddNodes(texts) if !self.config.has_network() => {
                self.nodes.invited(&texts);
                self.relay.name_nodes(&self.nodes);
            }
            Command::Stop { id } => {
                self.jobs.stop(id);
                self.read_pages();
                self.told.forget(id);
            }
            Command::AddNodes(_) | Command::Close => {}
        }
    }

    /// New swarms with new keys, so that nobody links the old network to the new one.
    fn network_changed(&mut self, network: Network) {
        let mut config = NetConfig::clone(&self.config);
        config.dns_servers = network.dns_servers;
        match Circles::new(&config) {
            Ok(circles) => self.circles = circles,
            Err(error) => return log::error!("the old connections stay: {error}"),
        }
        self.config = Arc::new(config);
        self.filter.lost_all();
        self.discovery.begin_anew();
        self.relay.mode.forgive();
        let ended = self.relay.end();
        self.relay_ended(ended);
        self.nodes.forgive();
        self.read_pages();
        // Everything in progress used the old connections.
        self.work.clear();
        self.told.all(self.jobs.restart());
    }

    fn happened(&mut self, kind: Kind, happened: Happened, now: Instant) {
        match happened {
            // A node is asked for nothing before it names our network: what another network accepts reaches nobody.
            Happened::Identified(ready) => {
                self.nodes.identified(ready.node, ready.offers);
                let circle = self.circles.of(kind);
                if ready.offers.metadata {
                    let opener = circle.opener.clone();
                    self.begin(work::cluster(opener, kind, ready, Arc::clone(&self.config)));
                } else {
                    circle.links.admit(&ready.peer);
                }
            }
            Happened::Lost(peer, node, was_ready) => self.lost(kind, &peer, node, !was_ready, was_ready, now),
            Happened::Stream(inbound) if inbound.protocol != protocol::FILTER_PUSH => {
                self.begin(work::serve(inbound, Arc::clone(&self.metadata)));
            }
            Happened::Stream(inbound) => match self.filter.open_push(&inbound.peer) {
                Opened::Read => {
                    self.begin(work::read(inbound, self.config.max_message, self.pushed.0.clone()));
                }
                Opened::Refuse => {}
                Opened::Leave => self.judge(&inbound.peer, Verdict::Refuses, now),
            },
        }
    }

    fn done(&mut self, done: Done, now: Instant) {
        match done {
            Done::Filter(peer, ask, answer) => {
                let verdict = self.filter.answered(&peer, ask, answer, now);
                self.judge(&peer, verdict, now);
            }
            Done::Alive(peer, answer) => {
                let verdict = self.filter.alive(&peer, answer, now);
                self.judge(&peer, verdict, now);
            }
            Done::PushesEnded(peer) => self.filter.close_push(&peer),
            Done::Cluster(kind, ready, Ok(true)) => self.circles.of(kind).links.admit(&ready.peer),
            Done::Cluster(kind, ready, Ok(false)) => {
                log::warn!("a node belongs to another network");
                self.told.say(Event::OtherNetwork);
                self.nodes.lied(ready.node, now); // the address may change
                self.drop_link(kind, &ready.peer, ready.node, now);
            }
            Done::Cluster(kind, ready, Err(_)) if self.circles.of(kind).links.to_admit(&ready.peer) => {
                self.drop_link(kind, &ready.peer, ready.node, now);
            }
            Done::Cluster(..) | Done::Nothing => {}
            Done::Found(search, records) => {
                let (records, inside) = Discovery::read(&search, records, &self.config);
                let new = match search.named_by() {
                    Some((source, by)) => {
                        let new = self.nodes.named(&records, inside, source, by);
                        self.relay.name_nodes(&self.nodes);
                        new
                    }
                    None => self.relay.name_found(&records, inside),
                };
                self.discovery.found(&search, records, new);
            }
            Done::Job(number, peer, node, answer) => self.answered(number, peer, node, answer, now),
        }
    }

    fn judge(&mut self, peer: &PeerId, verdict: Verdict, now: Instant) {
        let Some(node) = self.filter.node(peer) else {
            return;
        };
        self.circles.of(Kind::Receive).links.touch(peer, now);
        match verdict {
            Verdict::Keep => return self.nodes.well(node),
            Verdict::Good => return self.nodes.of_use(node),
            Verdict::Wait => return,
            Verdict::Refuses => self.nodes.doubt(node, Service::Filter, now),
            Verdict::Leave => {}
        }
        self.drop_link(Kind::Receive, peer, node, now);
    }

    fn drop_link(&mut self, kind: Kind, peer: &PeerId, node: NodeNumber, now: Instant) {
        self.circles.of(kind).close(peer);
        self.lost(kind, peer, node, true, true, now);
    }

    /// A connection is gone. `blame`: the node failed. `tell`: its last accepted messages may be lost. Without any
    /// connection, our own network is gone rather than the node.
    fn lost(&mut self, kind: Kind, peer: &PeerId, node: NodeNumber, blame: bool, tell: bool, now: Instant) {
        let online = self.circles.online();
        self.nodes.failed(node, blame && online, now);
        if kind == Kind::Receive {
            self.filter.lost(peer);
        } else if tell && online {
            self.told.say(Event::Lost { node });
        }
    }

    fn reach(&mut self, wish: &Wish, now: Instant) -> Choice {
        let keep = || in_use(&self.filter, &self.jobs, wish.kind);
        self.circles.reach(wish, &self.nodes, keep, now)
    }

    /// A ready node for a lasting purpose; wakes when there may be one.
    fn find(&mut self, kind: Kind, service: Service, tried: Vec<NodeNumber>, now: Instant) -> Option<Ready> {
        let prefer = self.jobs.preferred(kind, service);
        let (own_link, avoid) = (false, Vec::new());
        let wish = Wish { kind, service, own_link, tried, prefer, avoid, repeat: false, asked: false };
        match self.reach(&wish, now) {
            Choice::Ask(ready) => return Some(ready),
            Choice::Wait(at) => self.wake_at(at),
            _ => {}
        }
        None
    }

    fn start_jobs(&mut self, now: Instant) {
        for number in self.jobs.waiting() {
            let Some(wish) = self.jobs.wish(number, &self.nodes, now) else {
                continue;
            };
            let choice = self.reach(&wish, now);
            match self.jobs.chosen(number, choice, &mut self.nodes, self.discovery.searching(), now) {
                Some(jobs::Todo::Ask(id, ask, ended)) => {
                    let circle = self.circles.of(wish.kind);
                    if let jobs::Ask::Ready(ready, _) = &ask {
                        circle.links.touch(&ready.peer, now);
                    }
                    let (opener, pages) = (circle.opener.clone(), self.pages.0.clone());
                    let job = work::job(number, id, ask, opener, Arc::clone(&self.config), pages);
                    self.begin(work::until(ended, job));
                }
                Some(jobs::Todo::Tell(event)) => self.told.say(event),
                None => {}
            }
        }
        self.wake_at(self.jobs.deadline());
    }

    fn answered(&mut self, number: u64, peer: Option<PeerId>, node: NodeNumber, answer: Answer, now: Instant) {
        let time = (now, clock::now_ns() / 1_000_000);
        let Some((kind, conduct, step)) = self.jobs.answered(number, node, answer, &mut self.nodes, time) else {
            return;
        };
        match (conduct, peer) {
            // The filter uses this node too, and detects a dead one in its own way.
            (Conduct::Silent, Some(peer)) if kind == Kind::Receive && self.filter.node(&peer).is_some() => {
                self.filter.doubt(&peer, now);
            }
            (Conduct::Silent | Conduct::Lied, Some(peer)) => self.drop_link(kind, &peer, node, now),
            (Conduct::Silent, None) => self.nodes.failed(node, self.circles.online(), now),
            _ => {}
        }
        if let Some(peer) = peer {
            self.circles.of(kind).links.touch(&peer, now);
        }
        if let Step::Done(event) = step {
            self.read_pages(); // pages that were read come before the event that ends the query
            self.told.all(event);
        }
    }

    /// Keeps as many filter nodes as wanted, subscribed to all wanted topics.
    fn keep_filter(&mut self, now: Instant) {
        // A node that is being asked for something else leaves after its answer.
        let asked: Vec<PeerId> = self.jobs.asking().map(|(_, peer)| peer).collect();
        while let Some(peer) = self.filter.surplus(&asked) {
            self.circles.of(Kind::Receive).close(&peer);
        }
        while let Some(taken) = self.filter.lacks() {
            // One reliable node is better than two nodes of which one is not.
            if !taken.is_empty() && !self.nodes.has_reliable(Kind::Receive, Service::Filter, &taken, now) {
                break;
            }
            let Some(Ready { peer, node, offers }) = self.find(Kind::Receive, Service::Filter, taken, now) else {
                break;
            };
            self.filter.join(peer, node, offers.ping, now);
        }
        while let Some((peer, todo)) = self.filter.next(now) {
            let limit = self.filter.limit(&todo);
            let opener = self.circles.of(Kind::Receive).opener.clone();
            self.begin(work::filter(opener, peer, todo, limit));
        }
    }

    fn discover(&mut self, now: Instant) {
        let wanted = self.filter.target() > 0 || !self.jobs.is_empty() || self.foreground;
        let need = Need {
            few: wanted && discover::too_few(&self.nodes, self.config.single_circle, now),
            lonely: self.relay.mode.lonely(now),
            offline: !self.circles.online(),
        };
        while let Some(search) =
            self.discovery.next(need, |kind| discover::asked(&self.circles.of(kind).links, &self.nodes), now)
        {
            let kind = if let Search::Peer(kind, ..) = search { kind } else { Kind::Receive };
            let opener = self.circles.of(kind).opener.clone();
            self.begin(work::search(search, opener, Arc::clone(&self.config)));
        }
        self.wake_at(self.discovery.deadline(need, now));
    }

    fn keep_relay(&mut self, now: Instant) {
        let shards = self.filter.shards();
        let ended = self.relay.keep(&shards, &self.config, &self.nodes, now);
        self.relay_ended(ended);
        self.wake_at(self.relay.mode.deadline(&shards, now));
    }

    /// A relay with this many peers has stopped: messages in flight to it are lost, even with a filter node.
    fn relay_ended(&mut self, mesh: Option<u32>) {
        if let Some(mesh) = mesh {
            if mesh > 0 {
                self.filter.miss();
            }
            self.filter.set_mesh(0);
            self.told.serving(Vec::new());
        }
    }

    fn relay_said(&mut self, said: Said, now: Instant) {
        match said {
            Said::Heard(heard, node) => {
                let room = self.told.has_room_to_hear(self.events.max_capacity() - self.events.capacity());
                if heard.gap || !room {
                    self.filter.miss();
                }
                if room {
                    let Heard { pubsub_topic, message, .. } = *heard;
                    let push = MessagePush { pubsub_topic: Some(pubsub_topic), waku_message: Some(message) };
                    self.told.all(self.filter.receive(push, node, now).map(Event::Message));
                }
            }
            Said::Node(event) => {
                if self.relay.mode.said(&event, now) {
                    let ended = self.relay.end();
                    self.relay_ended(ended);
                }
                match event {
                    NodeEvent::Peers { mesh, .. } => self.filter.set_mesh(mesh),
                    NodeEvent::Listening(addresses) => self.told.serving(addresses),
                    _ => {}
                }
            }
        }
    }

    fn read_pages(&mut self) {
        while let Ok(page) = self.pages.1.try_recv() {
            self.page(page);
        }
    }

    fn page(&mut self, page: Page) {
        self.filter.stored(&page.messages, clock::now_ns(), Instant::now());
        let Page { id, messages, last, more } = page;
        self.told.say(Event::Page { id, messages, last, more });
    }

    fn tell(&mut self, now: Instant) {
        let (subscribed, gap) = self.filter.tell(now);
        let connected = self.circles.connectivity();
        let relay_peers = self.relay.mode.mesh();
        // Whether a store that is known and not connected can be asked: the next query connects to it. It is not tried
        // without a reason; failed queries wait with growing intervals.
        let in_reach = (relay_peers > 0 || self.circles.online()) && self.nodes.may_have_store();
        let store = connected.store || in_reach;
        let connectivity = Connectivity { store, subscribed, gap, relay_peers, ..connected };
        if self.told.is_news(connectivity) {
            self.told.all(self.nodes.news());
            self.told.say(Event::Connectivity(connectivity));
        }
    }
}

/// Connections of a circle that must not be closed to make room.
fn in_use(filter: &Filter, jobs: &Jobs, kind: Kind) -> Vec<PeerId> {
    let asked = jobs.asking().filter(|(of, _)| *of == kind).map(|(_, peer)| peer);
    filter.peers().filter(|_| kind == Kind::Receive).chain(asked).collect()
}
