//! The task that owns the swarm: connections, streams, gossip.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p::core::ConnectedPoint;
use libp2p::core::transport::ListenerId;
use libp2p::gossipsub::{self, MessageAcceptance};
use libp2p::swarm::{ConnectionId, NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol, Swarm, connection_limits, identify};
use sotto_wire::waku::{self, WakuMessage, WakuMetadata, protocol};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::alive::Alive;
use super::archive::ArchiveRequest;
use super::ask::Query;
use super::config::{Limits, NodeConfig, NodeKey};
use super::discv5::{self, Found, Learnt};
use super::filter::{SWEEP, Subscriptions};
use super::neighbours::Neighbours;
use super::push::Style;
use super::pushers::Pushers;
use super::queue::Filler;
use super::relay::{self, Relay};
use super::slots::{Places, Slot, Slots};
use super::{Hearing, NodeEvent, StartError, per_ip};
use crate::exchange::{self, ExchangeError, PING, Read, TooLong};
use crate::recent::Recent;
use crate::streams::{self, Inbound};
use crate::transport::{self, Insiders};

/// For a peer to say what it belongs to.
const METADATA_WITHIN: Duration = Duration::from_secs(10);
/// Between pings on one stream; js-waku pings every five minutes.
const PINGS_WITHIN: Duration = Duration::from_secs(15 * 60);
/// Agents whose filter clients read one push from a stream.
const ONE_PUSH_A_STREAM: &str = "go-waku";
/// Message hashes remembered.
const REMEMBERED: usize = 16 * 1024;
/// Hashes of messages remembered that could not be relayed.
const UNRELAYED: usize = 1024;
/// How long the last events may take to be fetched.
const FAREWELL: Duration = Duration::from_secs(5);

#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    limits: connection_limits::Behaviour,
    per_ip: per_ip::Behaviour,
    identify: identify::Behaviour,
    pub(super) relay: Relay,
    streams: streams::Behaviour,
}

/// The actor's ends of the channels in a [`NodeHandle`](super::NodeHandle).
pub(super) struct Ends {
    pub(super) events: mpsc::Sender<NodeEvent>,
    pub(super) archive: Filler<ArchiveRequest>,
    pub(super) hearing: Hearing,
    pub(super) found: mpsc::Receiver<Vec<(PeerId, Vec<Multiaddr>)>>,
    pub(super) stopped: mpsc::Receiver<()>,
}

/// What came out of work under way.
pub(super) enum Done {
    /// A request was read.
    Request(PeerId, StreamProtocol, Result<Vec<u8>, TooLong>, Stream, Slot),
    /// There is room for a query's answer, or was not in time.
    Query(Box<Query>, Option<Slot>),
    /// A stream is finished with.
    Finished,
    /// A subscriber takes no more, or is given no more.
    PushEnded(PeerId, u64),
    /// What a peer says it belongs to.
    Cluster(PeerId, Result<Option<u16>, ExchangeError>),
    /// Whether a relay peer lives.
    Alive(PeerId, bool),
}

/// A connected peer.
pub(super) struct Peer {
    /// Its first connection, while that stands.
    pub(super) first: Option<ConnectionId>,
    /// When that came about.
    pub(super) since: Instant,
    /// For its streams, and what it is given on them.
    pub(super) places: Places,
    /// Its requests in the second that began then.
    pub(super) window: (Instant, u32),
    /// How it wants pushes.
    pub(super) style: Style,
    /// When it is to be asked for a sign of life, should it be a relay.
    pub(super) alive: Alive,
    /// It offers relay.
    pub(super) relays: bool,
    /// It was asked for its cluster on its latest connection.
    asked: bool,
}

/// The service node.
pub(super) struct Actor {
    pub(super) config: NodeConfig,
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) opener: streams::Opener,
    pub(super) metadata: Vec<u8>,
    pub(super) ends: Ends,
    pub(super) peers: HashMap<PeerId, Peer>,
    pub(super) neighbours: Neighbours,
    pub(super) insiders: Insiders,
    pub(super) learnt: Learnt,
    pub(super) discv5: Option<discv5::Prepared>,
    /// discv5's walks: one, or none.
    pub(super) walks: FuturesUnordered<BoxFuture<'static, ()>>,
    pub(super) found: (mpsc::Sender<Vec<Found>>, mpsc::Receiver<Vec<Found>>),
    pub(super) subscriptions: Subscriptions,
    pub(super) pushers: Pushers,
    pub(super) recent: Recent,
    /// Messages of light clients that went to no relay peer. gossipsub takes them for sent, for two minutes.
    pub(super) unrelayed: Recent,
    pub(super) work: FuturesUnordered<BoxFuture<'static, Done>>,
    slots: Slots,
    pub(super) listeners: HashMap<ListenerId, usize>,
    pub(super) bound: Vec<Option<Multiaddr>>,
    /// Where others reach us, if that was said.
    pub(super) announced: Vec<Multiaddr>,
    pub(super) out: VecDeque<NodeEvent>,
    pub(super) told: (u32, u32, u32),
    pub(super) stopping: bool,
}

impl Actor {
    pub(super) fn new(
        config: NodeConfig,
        key: &NodeKey,
        announced: Vec<Multiaddr>,
        peers: Vec<(PeerId, Multiaddr)>,
        insiders: Insiders,
        ends: Ends,
    ) -> Result<Self, StartError> {
        let discv5 = discv5::prepare(&config, key)?;
        let key = key.keypair();
        let stack = |error: Box<dyn std::error::Error + Send + Sync>| StartError::Stack(error);
        let Limits { streams, relays_per_ip, relay_within, .. } = config.limits;
        let (servers, traffic) = (&config.dns_servers, &config.traffic);
        let transport =
            transport::build(&key, servers, streams, traffic, &insiders).map_err(|error| stack(Box::new(error)))?;
        let shards = config.sharding.list();
        let relay = relay::build(config.cluster, &shards, config.max_message, relays_per_ip)
            .map_err(|error| stack(Box::new(error)))?;
        let streams = streams::Behaviour::new(&accepted(&config), false);
        let opener = streams.opener();
        let limits = connection_limits::ConnectionLimits::default()
            .with_max_established(Some(config.limits.connections))
            .with_max_pending_incoming(Some(per_ip::PENDING))
            .with_max_established_per_peer(Some(2)); // both may dial at once
        let behaviour = Behaviour {
            limits: connection_limits::Behaviour::new(limits),
            per_ip: per_ip::Behaviour::new(config.limits.connections_per_ip),
            identify: identify::Behaviour::new(
                transport::identify(key.public()).with_hide_listen_addrs(!announced.is_empty()),
            ),
            relay,
            streams,
        };
        let swarm_config = transport::swarm_config().with_idle_connection_timeout(config.limits.idle);
        let peer = key.public().to_peer_id();
        let mut swarm = Swarm::new(transport, behaviour, peer, swarm_config);
        for address in &announced {
            swarm.add_external_address(address.clone());
        }
        Ok(Self {
            metadata: waku::encode_framed(&WakuMetadata::new(config.cluster, &shards)),
            subscriptions: Subscriptions::new(config.limits),
            pushers: Pushers::new(config.limits),
            swarm,
            announced,
            opener,
            ends,
            peers: HashMap::new(),
            neighbours: Neighbours::new(peers, config.peers_at_once, relay_within, Instant::now()),
            insiders,
            learnt: Learnt::default(),
            discv5,
            walks: FuturesUnordered::new(),
            found: mpsc::channel(discv5::DEPTH),
            recent: Recent::new(REMEMBERED),
            unrelayed: Recent::new(UNRELAYED),
            work: FuturesUnordered::new(),
            slots: Slots::new(config.limits),
            listeners: HashMap::new(),
            bound: Vec::new(),
            out: VecDeque::new(),
            told: (0, 0, 0),
            stopping: false,
            config,
        })
    }

    /// Runs until it is told to stop or cannot listen.
    pub(super) async fn run(mut self, listen: Vec<Multiaddr>) {
        self.listen(listen);
        let mut tick = interval(SWEEP);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let events = self.ends.events.clone();
        while !self.stopping {
            let quiet = self.out.is_empty() || events.is_closed();
            tokio::select! {
                _ = self.ends.stopped.recv() => break,
                permit = events.reserve(), if !quiet => {
                    if let (Ok(permit), Some(event)) = (permit, self.out.pop_front()) {
                        permit.send(event);
                    }
                }
                event = self.swarm.select_next_some() => self.event(event, Instant::now()),
                Some(done) = self.work.next() => self.done(done, Instant::now()),
                Some(()) = self.walks.next() => {}
                Some(found) = self.found.1.recv() => self.found_records(found, Instant::now()),
                Some(named) = self.ends.found.recv() => {
                    let now = Instant::now();
                    for (peer, addresses) in named {
                        self.neighbours.found(peer, addresses, now);
                    }
                }
                _ = tick.tick() => self.tick(Instant::now()),
            }
        }
        self.farewell().await;
    }

    async fn farewell(mut self) {
        self.out.push_back(NodeEvent::Stopped);
        let flush = async {
            for event in self.out {
                if self.ends.events.send(event).await.is_err() {
                    return;
                }
            }
        };
        if timeout(FAREWELL, flush).await.is_err() {
            log::warn!("the last events were not fetched");
        }
    }

    fn tick(&mut self, now: Instant) {
        for peer in self.subscriptions.expire(now) {
            self.pushers.end(&peer);
        }
        self.dial_neighbours(now);
        self.look_after_relays(now);
        self.count_peers();
    }

    fn event(&mut self, event: SwarmEvent<BehaviourEvent>, now: Instant) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Streams(inbound)) => self.stream(inbound),
            SwarmEvent::Behaviour(BehaviourEvent::Relay(gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            })) => {
                let good = self.gossip(propagation_source, &message);
                let acceptance = if good { MessageAcceptance::Accept } else { MessageAcceptance::Reject };
                self.swarm.behaviour_mut().relay.report_message_validation_result(
                    &message_id,
                    &propagation_source,
                    acceptance,
                );
            }
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. })) => {
                self.identified(peer_id, &info)
            }
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.met(peer_id, connection_id, &endpoint, now)
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => self.gone(&peer_id, now),
            SwarmEvent::ConnectionClosed { peer_id, connection_id, .. } => self.lost_first(&peer_id, connection_id),
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), .. } if !self.peers.contains_key(&peer) => {
                self.neighbours.lost(&peer, now)
            }
            SwarmEvent::NewListenAddr { listener_id, address } => {
                self.bound(listener_id, address);
            }
            SwarmEvent::ListenerClosed { listener_id, .. } => {
                if let Some(index) = self.listeners.get(&listener_id) {
                    self.listen_failed(*index);
                }
            }
            _ => {}
        }
    }

    fn met(&mut self, peer: PeerId, connection: ConnectionId, endpoint: &ConnectedPoint, now: Instant) {
        let dialled = endpoint.is_dialer();
        self.neighbours.connected(&peer, dialled, now);
        self.met_again(&peer, now);
        let requests = self.config.limits.requests_at_once;
        let state = self.peers.entry(peer).or_insert_with(|| Peer {
            first: Some(connection),
            since: now,
            places: self.slots.places(endpoint.get_remote_address(), requests),
            window: (now, 0),
            style: Style::Each,
            alive: Alive::new(dialled),
            relays: false,
            asked: false,
        });
        state.asked = false;
    }

    fn gone(&mut self, peer: &PeerId, now: Instant) {
        self.peers.remove(peer);
        self.subscriptions.remove(peer);
        self.pushers.end(peer);
        self.neighbours.lost(peer, now);
    }

    /// Asks a new peer for its cluster, once however often it says what it is; js clients learn our shards from that.
    fn identified(&mut self, peer: PeerId, info: &identify::Info) {
        let Some(state) = self.peers.get_mut(&peer) else {
            return;
        };
        if !info.agent_version.starts_with(ONE_PUSH_A_STREAM) {
            state.style = Style::Lasting;
        }
        let offers = |id: &str| info.protocols.iter().any(|one| one.as_ref() == id);
        state.relays = offers(protocol::RELAY);
        if offers(PING) {
            state.alive.answers(Instant::now());
        }
        if state.relays && state.first.is_none() {
            return self.begin_anew(&peer);
        }
        if !offers(protocol::METADATA) || std::mem::replace(&mut state.asked, true) {
            return;
        }
        let ours = WakuMetadata::new(self.config.cluster, &self.config.sharding.list());
        let opener = self.opener.clone();
        self.work.push(Box::pin(async move {
            let answer = exchange::exchange::<_, WakuMetadata>(
                &opener,
                peer,
                protocol::METADATA,
                &ours,
                waku::METADATA_CAP,
                METADATA_WITHIN,
            );
            Done::Cluster(peer, answer.await.map(|theirs| theirs.cluster()))
        }));
    }

    fn stream(&mut self, inbound: Inbound) {
        let Inbound { peer, protocol, mut stream } = inbound;
        let pings = protocol == PING;
        let slot = match self.peers.get(&peer).map(|state| &state.places) {
            Some(places) if pings => places.ping(),
            Some(places) => places.request(),
            None => return,
        };
        let Some(slot) = slot else {
            return log::debug!("a peer, or its address, has too many streams");
        };
        if let Some(state) = self.peers.get_mut(&peer) {
            state.alive.heard(Instant::now());
        }
        let cap = self.request_cap(&protocol);
        let limit = self.config.limits.request_within;
        let opener = self.opener.clone();
        self.work.push(Box::pin(async move {
            if pings {
                stream.ignore_for_keep_alive();
                exchange::answer_pings(stream, limit, PINGS_WITHIN).await;
                drop(slot);
                return Done::Finished;
            }
            match exchange::read_request(&mut stream, cap, limit).await {
                Read::Request(request) => Done::Request(peer, protocol, request, stream, slot),
                Read::Ended => Done::Finished,
                Read::GivenUp => {
                    drop(stream);
                    exchange::send_resets(&opener, peer).await;
                    Done::Finished
                }
            }
        }));
    }

    fn done(&mut self, done: Done, now: Instant) {
        match done {
            Done::Request(peer, protocol, request, stream, slot) => {
                self.request(peer, &protocol, request, (stream, slot), now);
            }
            Done::Query(query, room) => self.query(*query, room),
            Done::PushEnded(peer, generation) => {
                if self.pushers.ended(&peer, generation) {
                    self.subscriptions.remove(&peer);
                }
            }
            Done::Cluster(peer, Ok(Some(cluster))) if cluster != self.config.cluster => {
                let _ = self.swarm.disconnect_peer_id(peer);
            }
            Done::Cluster(..) | Done::Finished => {}
            Done::Alive(peer, true) => {
                if let Some(state) = self.peers.get_mut(&peer) {
                    state.alive.answers(now);
                }
            }
            Done::Alive(peer, false) => {
                log::debug!("a relay peer gives no sign of life");
                let _ = self.swarm.disconnect_peer_id(peer);
            }
        }
    }

    /// Whether a gossiped message is good; if so it is delivered here. The rule is Waku's: a WakuMessage within the
    /// network's limits, whatever its timestamp.
    fn gossip(&mut self, from: PeerId, message: &gossipsub::Message) -> bool {
        let Ok(decoded) = waku::decode::<WakuMessage>(&message.data) else {
            return false;
        };
        if decoded.validate(self.config.max_message).is_err() {
            return false;
        }
        if let Some(state) = self.peers.get_mut(&from) {
            state.alive.heard(Instant::now());
        }
        let hash = waku::message_hash(message.topic.as_str(), &decoded);
        self.deliver(from, message.topic.as_str(), decoded, hash);
        true
    }
}

/// What peers may open.
fn accepted(config: &NodeConfig) -> Vec<&'static str> {
    let mut ids = vec![
        PING,
        protocol::METADATA,
        protocol::FILTER_SUBSCRIBE,
        protocol::LIGHTPUSH_V3,
        protocol::LIGHTPUSH_V2,
        protocol::PEER_EXCHANGE,
    ];
    if config.store {
        ids.push(protocol::STORE);
    }
    ids
}
