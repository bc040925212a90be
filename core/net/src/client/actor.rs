//! The task that owns both swarms: takes commands and whatever happens, keeps the filter subscribed, says what changed.

use std::collections::{BTreeMap, VecDeque};
use std::hash::RandomState;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p::{Multiaddr, PeerId, Stream};
use sotto_wire::waku::{TreeUrl, WakuMetadata, protocol};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::circle::{Circle, Happened, Ready};
use super::discover::{Discovery, Origin};
use super::filter::{Filter, FilterAsk, Opened, Verdict};
use super::jobs::{Answer, Job};
use super::nodes::{Kind, Nodes, Service};
use super::pushes::{self, Pushed};
use super::relay::{self, Relay, Trouble};
use super::serve;
use super::store::Page;
use crate::address::parse_node;
use crate::config::NetConfig;
use crate::discovery::record::NodeRecord;
use crate::exchange::ExchangeError;
use crate::handle::{Command, Connectivity, Event, FailReason, Network, NodeNumber};
use crate::known::Source;
use crate::streams::Inbound;
use crate::transport::TransportSetupError;
use crate::turns::Turns;

/// Events that may wait here before nothing that makes more of them is taken.
const BACKLOG: usize = 64;
/// Pushes and pages on their way from their streams.
const IN_FLIGHT: usize = 16;
/// Jobs known at a time; further commands wait in their channel.
const MAX_JOBS: usize = 512;
/// How long the last events may take to be fetched.
const FAREWELL: Duration = Duration::from_secs(5);
/// What came out of work under way.
pub(super) enum Done {
    /// A filter node's answer.
    Filter(PeerId, FilterAsk, Result<u32, ExchangeError>),
    /// A filter node's sign of life.
    Alive(PeerId, Result<Stream, ExchangeError>),
    /// A push stream ended.
    PushesEnded(PeerId),
    /// What a node says it belongs to.
    Cluster(Kind, Ready, Result<Option<u16>, ExchangeError>),
    /// A job's answer.
    Job(u64, Option<PeerId>, NodeNumber, Answer),
    /// Nodes that somebody named.
    Found(Origin, Vec<NodeRecord>),
    /// Something nobody waits for.
    Served,
}

/// The light client.
pub(super) struct Actor {
    pub(super) config: Arc<NetConfig>,
    metadata: Arc<[u8]>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    pub(super) publish: Circle,
    pub(super) receive: Circle,
    pub(super) nodes: Nodes,
    pub(super) filter: Filter,
    pub(super) discovery: Discovery,
    /// In the order they came.
    pub(super) jobs: BTreeMap<u64, Job>,
    pub(super) next_job: u64,
    /// Who was asked the last store queries of the receive circle.
    pub(super) stores: Turns,
    /// Whom to publish through, and receive from, the best first.
    pub(super) preferred: (Vec<NodeNumber>, Vec<NodeNumber>),
    /// By which nodes are drawn for what is spread over them.
    pub(super) lots: RandomState,
    pub(super) work: FuturesUnordered<BoxFuture<'static, Done>>,
    pub(super) pages: (mpsc::Sender<Page>, mpsc::Receiver<Page>),
    pushed: (mpsc::Sender<Pushed>, mpsc::Receiver<Pushed>),
    /// Relay mode is wanted.
    pub(super) relaying: bool,
    pub(super) relay: Option<Relay>,
    /// The relay did not start, or cannot listen for neighbours.
    pub(super) no_relay: Trouble,
    pub(super) not_served: Trouble,
    /// Where it listens, as last told.
    pub(super) served: Vec<String>,
    pub(super) foreground: bool,
    pub(super) told: Connectivity,
    pub(super) out: VecDeque<Event>,
    /// Payload bytes of the last events handed over, as many as may wait.
    handed: VecDeque<usize>,
    /// When something has to be done although nothing happens.
    pub(super) wake: Option<Instant>,
}

impl Actor {
    pub(super) fn new(
        config: NetConfig,
        found: Vec<(PeerId, Multiaddr)>,
        trees: Vec<TreeUrl>,
        commands: mpsc::Receiver<Command>,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, TransportSetupError> {
        let mut nodes = Nodes::new(config.single_circle, config.timing);
        nodes.restore(&config.book, &found);
        nodes.add(one_each(found), Source::Static, None);
        nodes.deal_anew();
        Ok(Self {
            metadata: serve::metadata(&config),
            publish: Circle::new(Kind::Publish, &config)?,
            receive: Circle::new(Kind::Receive, &config)?,
            filter: Filter::new(&config),
            discovery: Discovery::new(trees),
            config: Arc::new(config),
            commands,
            events,
            jobs: BTreeMap::new(),
            next_job: 0,
            stores: Turns::default(),
            preferred: (nodes.of_use_for_publishing(), Vec::new()),
            lots: RandomState::new(),
            work: FuturesUnordered::new(),
            pages: mpsc::channel(IN_FLIGHT),
            pushed: mpsc::channel(IN_FLIGHT),
            relaying: false,
            relay: None,
            no_relay: Trouble::default(),
            not_served: Trouble::default(),
            served: Vec::new(),
            foreground: false,
            told: Connectivity::default(),
            out: VecDeque::new(),
            handed: VecDeque::new(),
            wake: None,
            nodes,
        })
    }

    /// Runs until it is told to close or nobody listens any more.
    pub(super) async fn run(mut self) {
        let events = self.events.clone();
        loop {
            self.settle(Instant::now());
            let room = self.out.len() < BACKLOG;
            let bored = room && self.jobs.len() < MAX_JOBS;
            let wake = self.wake;
            tokio::select! {
                permit = events.reserve(), if !self.out.is_empty() => {
                    match (permit, self.out.pop_front()) {
                        (Ok(permit), Some(event)) => {
                            self.handed.push_back(payload(&event));
                            let most = self.events.max_capacity();
                            self.handed.drain(..self.handed.len().saturating_sub(most));
                            permit.send(event);
                        }
                        _ => return,
                    }
                }
                command = self.commands.recv(), if bored => match command {
                    Some(Command::Close) | None => break,
                    Some(command) => self.command(command, Instant::now()),
                },
                event = self.publish.swarm().select_next_some() => {
                    let now = Instant::now();
                    if let Some(happened) = self.publish.on_event(event, now) {
                        self.happened(Kind::Publish, happened, now);
                    }
                }
                event = self.receive.swarm().select_next_some() => {
                    let now = Instant::now();
                    if let Some(happened) = self.receive.on_event(event, now) {
                        self.happened(Kind::Receive, happened, now);
                    }
                }
                said = relay::next(&mut self.relay) => self.relay_said(said, Instant::now()),
                Some(done) = self.work.next() => self.done(done, Instant::now()),
                Some(page) = self.pages.1.recv(), if room => self.page(page),
                Some((peer, push)) = self.pushed.1.recv(), if room => {
                    if let Some(received) = self.filter.push(&peer, push, Instant::now()) {
                        self.nodes.of_use(received.node);
                        self.out.push_back(Event::Message(received));
                    }
                }
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
            }
        }
        self.farewell().await;
    }

    /// Payload bytes of live messages that the engine has not taken yet.
    pub(super) fn waiting_bytes(&self) -> usize {
        let not_taken = self.events.max_capacity() - self.events.capacity();
        let handed = self.handed.iter().rev().take(not_taken).copied();
        handed.chain(self.out.iter().map(payload)).sum()
    }

    async fn farewell(mut self) {
        for job in self.jobs.values() {
            self.out.push_back(job.failed_for(FailReason::Closing));
        }
        self.tell_book();
        self.out.push_back(Event::Closed);
        let flush = async {
            for event in self.out {
                if self.events.send(event).await.is_err() {
                    return;
                }
            }
        };
        if timeout(FAREWELL, flush).await.is_err() {
            log::warn!("the last events were not fetched");
        }
    }

    fn command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Publish { .. } | Command::Query { .. } | Command::Check { .. } => {
                self.add_job(command);
            }
            Command::Prefer { publish, receive } => self.preferred = (publish, receive),
            Command::Judge { node, of_use } => self.nodes.judge(node, of_use),
            Command::Subscribe { topics } => self.filter.want(topics),
            Command::Foreground(on) => {
                self.foreground = on;
                self.nodes.set_foreground(on);
                self.filter.set_foreground(on, now);
                if on {
                    if !self.online() {
                        self.discovery.hurry();
                    }
                    self.nodes.forgive();
                }
            }
            Command::NetworkChanged(network) => self.network_changed(network),
            Command::Relay(on) => {
                self.relaying = on;
                self.forgive_relay();
            }
            // A stranger's link must not choose where the traffic of those goes who have a network.
            Command::AddNodes(_) if self.config.has_network() => {}
            Command::AddNodes(texts) => {
                let found: Vec<_> = texts
                    .iter()
                    .enumerate()
                    .filter_map(|(index, text)| {
                        parse_node(index, text).inspect_err(|error| log::warn!("a further node: {error}")).ok()
                    })
                    .collect();
                self.nodes.add(one_each(found), Source::Invite, None);
                self.name_relay_peers();
            }
            Command::Close => {}
        }
    }

    /// New swarms, with new keys: nobody links the old network to the new one.
    fn network_changed(&mut self, network: Network) {
        let mut config = NetConfig::clone(&self.config);
        config.dns_servers = network.dns_servers;
        let circles =
            Circle::new(Kind::Publish, &config).and_then(|publish| Ok((publish, Circle::new(Kind::Receive, &config)?)));
        match circles {
            Ok((publish, receive)) => (self.publish, self.receive) = (publish, receive),
            Err(error) => return log::error!("the old connections stay: {error}"),
        }
        self.config = Arc::new(config);
        self.filter.lost_all();
        self.discovery.begin_anew();
        self.forgive_relay();
        self.end_relay();
        self.nodes.forgive();
        while let Ok(page) = self.pages.1.try_recv() {
            self.page(page);
        }
        // Whatever was under way went through the old connections.
        self.work.clear();
        for (number, mut job) in std::mem::take(&mut self.jobs) {
            if job.restart() {
                self.jobs.insert(number, job);
            } else {
                self.out.push_back(job.failed_for(FailReason::Timeout));
            }
        }
    }

    pub(super) fn circle(&mut self, kind: Kind) -> &mut Circle {
        match kind {
            Kind::Receive => &mut self.receive,
            Kind::Publish | Kind::Alone => &mut self.publish,
        }
    }

    pub(super) fn circle_ref(&self, kind: Kind) -> &Circle {
        match kind {
            Kind::Receive => &self.receive,
            Kind::Publish | Kind::Alone => &self.publish,
        }
    }

    fn happened(&mut self, kind: Kind, happened: Happened, now: Instant) {
        match happened {
            Happened::Identified(ready) => self.identified(kind, ready),
            Happened::Lost(peer, node, was_ready) => {
                let online = !was_ready && self.online();
                self.nodes.failed(node, online, now);
                match kind {
                    Kind::Receive => self.filter.lost(&peer),
                    Kind::Publish | Kind::Alone if was_ready => self.tell_lost(node),
                    Kind::Publish | Kind::Alone => {}
                }
            }
            Happened::Stream(inbound) => self.stream(inbound, now),
        }
    }

    /// Nothing is asked of a node before it says that it is of our network: what another takes reaches nobody.
    fn identified(&mut self, kind: Kind, ready: Ready) {
        self.nodes.identified(ready.node, ready.offers);
        if !ready.offers.metadata {
            self.circle(kind).admit(&ready.peer);
        } else {
            let ours = WakuMetadata::new(self.config.cluster, &self.config.sharding.list());
            let limit = self.config.timing.request;
            let opener = self.circle(kind).opener();
            self.work.push(Box::pin(async move {
                let cluster = serve::cluster(opener, ready.peer, ours, limit).await;
                Done::Cluster(kind, ready, cluster)
            }));
        }
    }

    fn stream(&mut self, inbound: Inbound, now: Instant) {
        let peer = inbound.peer;
        if inbound.protocol != protocol::FILTER_PUSH {
            let metadata = Arc::clone(&self.metadata);
            self.work.push(Box::pin(async move {
                serve::answer(inbound, metadata).await;
                Done::Served
            }));
            return;
        }
        match self.filter.open_push(&peer) {
            Opened::Read => {
                let sender = self.pushed.0.clone();
                let max_message = self.config.max_message;
                self.work.push(Box::pin(async move {
                    pushes::read(inbound, max_message, sender).await;
                    Done::PushesEnded(peer)
                }));
            }
            Opened::Refuse => {}
            Opened::Leave => self.judge(&peer, Verdict::Refuses, now),
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
            Done::Cluster(kind, ready, Ok(cluster)) => {
                if cluster.is_none_or(|cluster| cluster == self.config.cluster) {
                    return self.circle(kind).admit(&ready.peer);
                }
                log::warn!("a node belongs to another network");
                self.out.push_back(Event::OtherNetwork);
                self.nodes.lied(ready.node, now); // it may change
                self.drop_link(kind, &ready.peer, ready.node, now);
            }
            Done::Cluster(kind, ready, Err(_)) => {
                if self.circle_ref(kind).to_admit(&ready.peer) {
                    self.drop_link(kind, &ready.peer, ready.node, now);
                }
            }
            Done::Found(origin, records) => self.found(origin, records),
            Done::Served => {}
            Done::Job(number, peer, node, answer) => {
                self.job_answered(number, peer, node, answer, now);
            }
        }
    }

    fn judge(&mut self, peer: &PeerId, verdict: Verdict, now: Instant) {
        let Some(node) = self.filter.node(peer) else {
            return;
        };
        self.receive.touch(peer, now);
        match verdict {
            Verdict::Keep => self.nodes.well(node),
            Verdict::Good => self.nodes.of_use(node),
            Verdict::Wait => {}
            Verdict::Refuses => {
                self.nodes.doubt(node, Service::Filter, now);
                self.drop_link(Kind::Receive, peer, node, now);
            }
            Verdict::Leave => self.drop_link(Kind::Receive, peer, node, now),
        }
    }

    /// Whether any node can be reached.
    pub(super) fn online(&self) -> bool {
        let mut ready = self.publish.all_ready().chain(self.receive.all_ready());
        ready.next().is_some()
    }

    /// Ends a connection that is of no use.
    pub(super) fn drop_link(&mut self, kind: Kind, peer: &PeerId, node: NodeNumber, now: Instant) {
        self.circle(kind).close(peer);
        self.nodes.failed(node, self.online(), now);
        match kind {
            Kind::Receive => self.filter.lost(peer),
            Kind::Publish | Kind::Alone => self.tell_lost(node),
        }
    }

    /// Without any connection it is rather we who are gone.
    fn tell_lost(&mut self, node: NodeNumber) {
        if self.online() {
            self.out.push_back(Event::Lost { node });
        }
    }

    pub(super) fn page(&mut self, page: Page) {
        self.filter.stored(&page.messages, clock_ns(), Instant::now());
        self.out.push_back(Event::Page { id: page.id, messages: page.messages, last: page.last });
    }
}

/// Bytes of a live message; the other events are bounded where they come from.
fn payload(event: &Event) -> usize {
    match event {
        Event::Message(one) => one.payload.len(),
        _ => 0,
    }
}

/// Unix time, nanoseconds.
fn clock_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(i64::MAX)
}

fn one_each(found: Vec<(PeerId, Multiaddr)>) -> Vec<(PeerId, Vec<Multiaddr>)> {
    let each = found.into_iter();
    each.map(|(peer, address)| (peer, vec![address])).collect()
}
