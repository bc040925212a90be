//! The task that owns the swarm. It passes each event to the machines and carries out their replies.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::future::{BoxFuture, abortable};
use futures::stream::FuturesUnordered;
use libp2p::gossipsub::{self, IdentTopic, MessageAcceptance};
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, identify};
use sotto_wire::waku::{self, Message as _, MessagePush, StoreStatus, WakuMessage, WakuMetadata, protocol};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::archive::{ArchiveRequest, Archived};
use super::config::{NodeConfig, NodeKey, Request};
use super::discv5::{self, Prepared};
use super::filter::{SWEEP, Subscriptions};
use super::finding::{Finding, Found};
use super::gossip::{Gossip, Known};
use super::lightpush::{self, Push, Taken};
use super::links::{Links, Next};
use super::listen::{self, Listening};
use super::neighbours::Neighbours;
use super::pushers::{Parcel, Pushers};
use super::queue::Filler;
use super::slots::Slot;
use super::swarm::{self, Behaviour, BehaviourEvent};
use super::told::Told;
use super::work::{self, Asker, Done, Query};
use super::{Hearing, NodeEvent, StartError, push, relay, store};
use crate::clock;
use crate::exchange::PING;
use crate::farewell::farewell;
use crate::streams::Opener;
use crate::transport::Insiders;

/// The actor's ends of the channels in a [`NodeHandle`](super::NodeHandle).
pub(super) struct Ends {
    pub(super) events: mpsc::Sender<NodeEvent>,
    pub(super) archive: Filler<ArchiveRequest>,
    pub(super) hearing: Hearing,
    pub(super) found: mpsc::Receiver<Vec<(PeerId, Vec<Multiaddr>)>>,
    pub(super) stopped: mpsc::Receiver<()>,
}

/// The service node: its swarm, channels and machines.
pub(super) struct Actor {
    config: Arc<NodeConfig>,
    metadata: Vec<u8>,
    swarm: Swarm<Behaviour>,
    opener: Opener,
    ends: Ends,
    insiders: Insiders,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    discv5: Option<Prepared>,
    /// The walk of discv5, if one runs.
    walks: FuturesUnordered<BoxFuture<'static, ()>>,
    found: (mpsc::Sender<Vec<Found>>, mpsc::Receiver<Vec<Found>>),
    /// Announced addresses, if the configuration names any.
    announced: Vec<Multiaddr>,
    links: Links,
    neighbours: Neighbours,
    finding: Finding,
    gossip: Gossip,
    subscriptions: Subscriptions,
    pushers: Pushers,
    listening: Listening,
    told: Told,
    stopping: bool,
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
        let (swarm, opener) = swarm::build(&config, key, &announced, &insiders)?;
        let patience = config.limits.relay_within;
        let config = Arc::new(config);
        Ok(Self {
            metadata: waku::encode_framed(&WakuMetadata::new(config.cluster, &config.sharding.list())),
            links: Links::new(config.limits),
            neighbours: Neighbours::new(peers, config.peers_at_once, patience, Instant::now()),
            finding: Finding::new(*swarm.local_peer_id(), config.records.clone()),
            gossip: Gossip::new(Arc::clone(&config)),
            subscriptions: Subscriptions::new(config.limits),
            pushers: Pushers::new(config.limits),
            listening: Listening::default(),
            told: Told::default(),
            swarm,
            opener,
            ends,
            insiders,
            work: FuturesUnordered::new(),
            discv5,
            walks: FuturesUnordered::new(),
            found: mpsc::channel(discv5::DEPTH),
            announced,
            stopping: false,
            config,
        })
    }

    /// Runs until it is stopped or cannot listen.
    pub(super) async fn run(mut self, listen: Vec<Multiaddr>) {
        self.listen(listen);
        let mut tick = interval(SWEEP);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let events = self.ends.events.clone();
        while !self.stopping {
            let quiet = self.told.is_empty() || events.is_closed();
            tokio::select! {
                _ = self.ends.stopped.recv() => break,
                permit = events.reserve(), if !quiet => {
                    if let (Ok(permit), Some(event)) = (permit, self.told.next()) {
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
        self.told.say(NodeEvent::Stopped);
        farewell(&self.ends.events, std::iter::from_fn(|| self.told.next())).await;
    }

    fn tick(&mut self, now: Instant) {
        for peer in self.subscriptions.expire(now) {
            self.pushers.end(&peer);
        }
        for (peer, addresses) in self.neighbours.due(now) {
            let options = DialOpts::peer_id(peer)
                .addresses(addresses)
                .allocate_new_port() // or no dial goes out while another address of ours holds this port
                .build();
            if self.swarm.dial(options).is_err() && !self.links.has(&peer) {
                self.neighbours.lost(&peer, now);
            }
        }
        self.look_after_relays(now);
        let relay = &self.swarm.behaviour().relay;
        self.told.peers(self.links.count(), relay::relays(relay).count(), relay::mesh(relay));
    }

    /// Ends connections of dead or bad relay peers, and of dialled peers that do not relay.
    fn look_after_relays(&mut self, now: Instant) {
        let relay = &self.swarm.behaviour().relay;
        let (bad, good): (Vec<_>, Vec<_>) = relay::relays(relay).partition(|peer| relay::is_bad(relay, peer));
        for peer in good {
            self.neighbours.relays(&peer, now);
            if self.links.doubts(&peer, now) {
                self.begin(work::alive(self.opener.clone(), peer));
            }
        }
        for peer in self.neighbours.useless(now) {
            log::debug!("a peer that was dialled does not relay");
            self.leave(peer);
        }
        for peer in bad {
            log::warn!("a relay peer behaves badly: its connection ends");
            self.leave(peer);
        }
    }

    fn begin(&self, work: impl Future<Output = Done> + Send + 'static) {
        self.work.push(Box::pin(work));
    }

    fn leave(&mut self, peer: PeerId) {
        let _ = self.swarm.disconnect_peer_id(peer);
    }

    fn event(&mut self, event: SwarmEvent<BehaviourEvent>, now: Instant) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Streams(inbound)) => {
                if let Some(slot) = self.links.place(&inbound.peer, inbound.protocol == PING, now) {
                    let (most, limit) = (self.config.max_message, self.config.limits.request_within);
                    self.begin(work::read(inbound, slot, self.opener.clone(), most, limit));
                }
            }
            SwarmEvent::Behaviour(BehaviourEvent::Relay(gossipsub::Event::Message {
                propagation_source: from,
                message_id,
                message,
            })) => {
                let known = self.gossip.read(message.topic.as_str(), &message.data);
                let acceptance = if known.is_some() { MessageAcceptance::Accept } else { MessageAcceptance::Reject };
                self.gossiped(from, known, now);
                let relay = &mut self.swarm.behaviour_mut().relay;
                relay.report_message_validation_result(&message_id, &from, acceptance);
            }
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received {
                peer_id: peer, info, ..
            })) => {
                let offers = |id: &str| info.protocols.iter().any(|one| one.as_ref() == id);
                match self.links.identified(&peer, &info.agent_version, offers, now) {
                    Next::Nothing => {}
                    Next::Leave => self.leave_again(peer),
                    Next::Ask => self.begin(work::cluster(self.opener.clone(), peer, &self.config)),
                }
            }
            SwarmEvent::ConnectionEstablished { peer_id: peer, connection_id, endpoint, .. } => {
                let (dialled, address) = (endpoint.is_dialer(), endpoint.get_remote_address());
                self.neighbours.connected(&peer, dialled, now);
                if self.links.met(peer, connection_id, address, dialled, now) {
                    self.leave_again(peer);
                }
            }
            SwarmEvent::ConnectionClosed { peer_id: peer, num_established: 0, .. } => self.gone(&peer, now),
            SwarmEvent::ConnectionClosed { peer_id: peer, connection_id, .. }
                if self.links.lost_one(&peer, connection_id) =>
            {
                self.leave_again(peer);
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), .. } if !self.links.has(&peer) => {
                self.neighbours.lost(&peer, now);
            }
            SwarmEvent::NewListenAddr { listener_id, address } if self.listening.bound(listener_id, &address) => {
                self.say_bound();
            }
            SwarmEvent::ListenerClosed { listener_id, .. } => {
                if let Some(index) = self.listening.index(listener_id) {
                    self.listen_failed(index);
                }
            }
            _ => {}
        }
    }

    fn gone(&mut self, peer: &PeerId, now: Instant) {
        self.links.gone(peer);
        self.subscriptions.remove(peer);
        self.pushers.end(peer);
        self.neighbours.lost(peer, now);
    }

    fn leave_again(&mut self, peer: PeerId) {
        log::debug!("a relay peer has connected again");
        self.leave(peer);
    }

    fn done(&mut self, done: Done, now: Instant) {
        match done {
            Done::Request(peer, protocol, body, asker) => self.request(peer, &protocol, body, asker, now),
            Done::Query(query, room) => self.query(*query, room),
            Done::PushEnded(peer, generation) => {
                if self.pushers.ended(&peer, generation) {
                    self.subscriptions.remove(&peer);
                }
            }
            Done::Cluster(peer, Ok(Some(cluster))) if cluster != self.config.cluster => self.leave(peer),
            Done::Cluster(..) | Done::Finished => {}
            Done::Alive(peer, true) => self.links.lives(&peer, now),
            Done::Alive(peer, false) => {
                log::debug!("a relay peer gives no sign of life");
                self.leave(peer);
            }
        }
    }

    /// Answers a request on its stream. `None` stands for one that was too long and was discarded.
    fn request(&mut self, peer: PeerId, protocol: &StreamProtocol, body: Option<Vec<u8>>, asker: Asker, now: Instant) {
        let allowed = self.links.allows(&peer, now);
        let body = body.as_deref();
        let read = body.unwrap_or_default();
        if let Some(tap) = &self.config.tap {
            let request = Request { peer: peer.to_string(), protocol: protocol.to_string(), body: read.to_vec() };
            let _ = tap.try_send(request);
        }
        let answer = match protocol.as_ref() {
            protocol::FILTER_SUBSCRIBE => {
                let answer = self.subscriptions.answer(peer, body, allowed, now);
                if !self.subscriptions.has(&peer) {
                    self.pushers.end(&peer);
                }
                answer
            }
            id @ (protocol::LIGHTPUSH_V3 | protocol::LIGHTPUSH_V2) => {
                let v3 = id == protocol::LIGHTPUSH_V3;
                let (id, taken) = match body.map(|body| Push::read(v3, body)) {
                    None => (String::new(), Taken::TooLong),
                    Some(None) => (String::new(), Taken::Malformed),
                    Some(Some(push)) if !allowed => (push.id, Taken::TooMany),
                    Some(Some(Push { id, message: None, .. })) => (id, Taken::Malformed),
                    Some(Some(Push { id, pubsub_topic, message: Some(message) })) => {
                        (id, self.publish(peer, pubsub_topic, message))
                    }
                };
                lightpush::answer(v3, id, taken)
            }
            protocol::STORE => {
                let serves = |topic: &str| self.gossip.served(Some(topic.to_owned()), "").is_some();
                match (store::query(body, allowed, serves), self.links.room(&peer)) {
                    (Err(answer), _) => answer,
                    (Ok((asked, query)), Some(room)) => {
                        let query = Query { query, size: read.len(), asked, asker };
                        return self.begin(work::await_room(query, room, self.config.limits.request_within));
                    }
                    (Ok(_), None) => return, // the peer is gone
                }
            }
            protocol::PEER_EXCHANGE => self.finding.answer(&peer, read, allowed),
            _ => self.metadata.clone(),
        };
        self.begin(work::answer(asker, answer));
    }

    /// Relays a message of a light client.
    fn publish(&mut self, from: PeerId, pubsub_topic: Option<String>, message: WakuMessage) -> Taken {
        let known = match self.gossip.take(pubsub_topic, message, clock::now_ns()) {
            Ok(known) => known,
            Err(taken) => return taken,
        };
        let topic = IdentTopic::new(known.topic.as_str()).hash();
        let relay = &mut self.swarm.behaviour_mut().relay;
        let peers = relay::peers(relay, &topic);
        // Fields that the decoder does not know are gone.
        let published = relay.publish(topic, known.message.encode_to_vec());
        let (taken, new) = self.gossip.published(known.hash, published.map(drop), peers);
        if new {
            self.deliver(from, known);
        }
        taken
    }

    /// Handles a message of a connection that is a relay peer's.
    fn gossiped(&mut self, from: PeerId, known: Option<Known>, now: Instant) {
        if let Some(known) = known {
            self.links.heard(&from, now);
            if self.gossip.is_new(known.hash) {
                self.deliver(from, known);
            }
        }
    }

    /// Passes a new message to the archive, to filter subscribers, and to the light client in this process.
    fn deliver(&mut self, from: PeerId, Known { topic, hash, message }: Known) {
        self.ends.hearing.give(from, &topic, &message);
        let wanting = self.subscriptions.wanting(&topic, &message.content_topic);
        if !wanting.is_empty() {
            let push = MessagePush { waku_message: Some(message.clone()), pubsub_topic: Some(topic.clone()) };
            let (parcel, left) = self.pushers.parcel(waku::encode_framed(&push));
            for peer in left {
                log::debug!("the slowest subscriber is dropped");
                self.subscriptions.remove(&peer);
            }
            for peer in wanting {
                self.push(peer, &parcel);
            }
        }
        if self.gossip.is_kept(&message, clock::now_ns()) {
            let size = message.encoded_len();
            let put = || ArchiveRequest::Put(Archived { hash, pubsub_topic: topic, message });
            if !self.ends.archive.put(size, put) {
                log::warn!("the archive queue is full: a message is not archived");
            }
        }
    }

    fn push(&mut self, peer: PeerId, parcel: &Parcel) {
        let Some(style) = self.links.style(&peer).filter(|_| self.subscriptions.has(&peer)) else {
            return;
        };
        let start = |generation, frames| {
            let (run, abort) = abortable(push::run(self.opener.clone(), peer, frames));
            self.work.push(Box::pin(work::push(run, peer, generation)));
            abort
        };
        if !self.pushers.push(peer, style, parcel, start) {
            log::debug!("a subscriber is too slow and is dropped");
            self.subscriptions.remove(&peer);
        }
    }

    /// Queries the archive, once there is room for the answer.
    fn query(&mut self, query: Query, room: Option<Slot>) {
        let Query { query, size, asked, asker } = query;
        let (reply, found) = oneshot::channel();
        let room = room.filter(|_| self.ends.archive.put(size, || ArchiveRequest::Query { query, reply }));
        match room {
            Some(room) => self.begin(work::answer_query(asked, asker, room, found)),
            None => self.begin(work::answer(asker, store::refuse(StoreStatus::Unavailable, "overloaded"))),
        }
    }

    fn listen(&mut self, listen: Vec<Multiaddr>) {
        for (index, address) in listen.into_iter().enumerate() {
            match self.swarm.listen_on(address) {
                Ok(id) => self.listening.begun(id),
                Err(_) => return self.listen_failed(index),
            }
        }
        self.say_bound();
    }

    fn listen_failed(&mut self, index: usize) {
        self.told.say(NodeEvent::ListenFailed(index));
        self.stopping = true;
    }

    /// Reports the listen addresses when all are known, and starts to search for nodes.
    fn say_bound(&mut self) {
        let Some(bound) = self.listening.all() else {
            return;
        };
        if let Some(prepared) = self.discv5.take() {
            match discv5::begin(prepared, &self.config, &self.announced, &bound, self.found.0.clone()) {
                Ok((record, walk)) => {
                    self.told.say(NodeEvent::Record(record));
                    self.walks.push(Box::pin(walk));
                }
                Err(error) => log::error!("discv5 did not start: {error}"),
            }
        }
        let me = *self.swarm.local_peer_id();
        let addresses = bound.into_iter().map(|address| listen::full(address, me)).collect();
        self.told.say(NodeEvent::Listening(addresses));
    }

    fn found_records(&mut self, found: Vec<Found>, now: Instant) {
        for (peer, addresses, inside) in found.into_iter().filter_map(|one| self.finding.found(one)) {
            if !self.links.has(&peer) {
                if inside {
                    self.insiders.add(peer);
                }
                self.neighbours.found(peer, addresses, now);
            }
        }
    }
}
