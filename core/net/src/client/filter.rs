//! Subscriptions at filter nodes, and the next step for each. No IO: the actor sends requests and reports answers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use libp2p::{PeerId, Stream};
use sotto_wire::waku::{self, FilterStatus, FilterSubscribeType, MessagePush, Shard};
use tokio::time::Instant;

use super::gaps::Gaps;
use super::witness::{Owed, Witness};
use crate::config::NetConfig;
use crate::exchange::ExchangeError;
use crate::handle::{NodeNumber, Received};
use crate::random;

const TOPICS_PER_REQUEST: usize = 100;
/// Most push streams of one node that are read at a time.
const PUSH_STREAMS: usize = 32;
/// Rate-limited answers after which another node is used.
const PATIENCE: u32 = 3;
/// Messages a node may leave out before another is used.
const SLIPS: u32 = 2;
/// Time after which a subscription counts as good.
const STANDS: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilterAsk {
    pub(crate) kind: FilterSubscribeType,
    pub(crate) shard: Option<Shard>,
    pub(crate) topics: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum Todo {
    Ask(FilterAsk),
    /// Ping on an open stream, if there is one.
    Alive(Option<Stream>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The node does what was asked.
    Keep,
    /// Its subscription has stood for [`STANDS`].
    Good,
    Wait,
    /// The node refuses: disconnect it and use another.
    Refuses,
    /// The node does not answer: disconnect it and use another.
    Leave,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    Read,
    Refuse,
    /// Refuse the stream and use another node.
    Leave,
}

#[derive(Debug)]
struct Peer {
    id: PeerId,
    node: NodeNumber,
    pings: bool,
    known: BTreeSet<String>,
    /// When it last accepted a subscription.
    since: Instant,
    /// Since when it has had a subscription.
    stands: Option<Instant>,
    slips: u32,
    busy: bool,
    checking: bool,
    hold_until: Option<Instant>,
    refusals: u32,
    ping_at: Instant,
    alive_at: Instant,
    ping_stream: Option<Stream>,
    push_streams: usize,
    /// Streams refused since one ended.
    push_refused: usize,
}

#[derive(Debug)]
pub(crate) struct Filter {
    config: Arc<NetConfig>,
    wanted: BTreeSet<String>,
    peers: Vec<Peer>,
    foreground: bool,
    gaps: Gaps,
    /// Mesh peers of the own relay.
    mesh: u32,
    witness: Witness,
}

impl Filter {
    pub(crate) fn new(config: Arc<NetConfig>) -> Self {
        Self {
            witness: Witness::new(config.timing.late),
            config,
            wanted: BTreeSet::new(),
            peers: Vec::new(),
            foreground: false,
            gaps: Gaps::default(),
            mesh: 0,
        }
    }

    /// Sets all wanted topics. A topic without a shard cannot be received.
    pub(crate) fn want(&mut self, topics: Vec<String>) {
        let all = topics.len();
        self.wanted = topics.into_iter().filter(|topic| self.config.shard(topic).is_some()).collect();
        if self.wanted.len() < all {
            log::warn!("content topics without a shard, or named twice, were left out");
        }
    }

    /// Opening the app pings every node at once: it may be gone, or may have dropped the subscription.
    pub(crate) fn set_foreground(&mut self, on: bool, now: Instant) {
        self.foreground = on;
        if on {
            self.gaps.forgive();
        }
        for peer in &mut self.peers {
            peer.ping_stream = None;
            peer.alive_at = now;
            peer.hold_until = peer.hold_until.filter(|_| !on);
            peer.ping_at = if on { now } else { now + self.config.timing.background_ping };
        }
    }

    pub(crate) fn shards(&self) -> BTreeSet<u16> {
        let shard = |topic: &String| self.config.shard(topic);
        self.wanted.iter().filter_map(shard).map(|one| one.shard).collect()
    }

    /// Sets the number of mesh peers of the own relay on these shards.
    pub(crate) fn set_mesh(&mut self, peers: u32) {
        let covered = self.covered();
        self.mesh = peers;
        if covered && !self.covered() {
            self.gaps.miss();
        }
    }

    pub(crate) fn miss(&mut self) {
        self.gaps.miss();
    }

    /// Number of wanted filter nodes. None beside a relay. With a conversation on screen a relay with a single peer is
    /// not enough, because that peer may be dead.
    pub(crate) fn target(&self) -> usize {
        let wanted = 1 + u8::from(self.foreground);
        if self.wanted.is_empty() || self.mesh >= u32::from(wanted) { 0 } else { usize::from(wanted) }
    }

    pub(crate) fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.peers.iter().map(|peer| peer.id)
    }

    /// Numbers of the nodes in use, if more are wanted.
    pub(crate) fn lacks(&self) -> Option<Vec<NodeNumber>> {
        (self.peers.len() < self.target()).then(|| self.peers.iter().map(|peer| peer.node).collect())
    }

    pub(crate) fn node(&self, id: &PeerId) -> Option<NodeNumber> {
        self.peers.iter().find(|peer| peer.id == *id).map(|peer| peer.node)
    }

    /// Pings a node at once.
    pub(crate) fn doubt(&mut self, id: &PeerId, now: Instant) {
        if let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == *id) {
            peer.ping_at = now;
        }
    }

    /// Takes a node into use. `pings`: it answers libp2p pings.
    pub(crate) fn join(&mut self, id: PeerId, node: NodeNumber, pings: bool, now: Instant) {
        self.peers.push(Peer {
            id,
            node,
            pings,
            known: BTreeSet::new(),
            since: now,
            stands: None,
            slips: 0,
            busy: false,
            checking: false,
            hold_until: None,
            refusals: 0,
            ping_at: now + self.config.timing.background_ping,
            alive_at: now + self.config.timing.alive_every,
            ping_stream: None,
            push_streams: 0,
            push_refused: 0,
        });
    }

    /// A node is gone. Pushes that only this node would have sent are lost.
    pub(crate) fn lost(&mut self, id: &PeerId) {
        if self.peers.extract_if(.., |peer| peer.id == *id).any(|peer| !peer.known.is_empty()) {
            self.gaps.miss();
        }
    }

    pub(crate) fn lost_all(&mut self) {
        if self.peers.drain(..).any(|peer| !peer.known.is_empty()) {
            self.gaps.miss();
        }
        self.gaps.forgive();
    }

    /// A node to leave because fewer are wanted: the one with the fewest topics, none of those to `keep`. Its pushes in
    /// flight are lost unless another node sends them.
    pub(crate) fn surplus(&mut self, keep: &[PeerId]) -> Option<PeerId> {
        if self.peers.len() <= self.target() {
            return None;
        }
        let may_go = self.peers.iter().filter(|peer| !keep.contains(&peer.id));
        let fewest = may_go.min_by_key(|peer| peer.known.len())?;
        let (id, known) = (fewest.id, !fewest.known.is_empty());
        self.peers.retain(|peer| peer.id != id);
        if known && self.peers.is_empty() {
            self.gaps.miss();
        }
        Some(id)
    }

    /// Whether all wanted topics are received: subscribed at some node, or relayed.
    pub(crate) fn covered(&self) -> bool {
        let all = |peer: &Peer| self.wanted.iter().all(|topic| peer.known.contains(topic));
        !self.wanted.is_empty() && (self.mesh > 0 || self.peers.iter().any(all))
    }

    /// The report for the engine: whether the wanted topics are received, and whether a gap has ended.
    pub(crate) fn tell(&mut self, now: Instant) -> (bool, bool) {
        let waits = (self.config.timing.redial, self.config.timing.longest_redial(self.foreground));
        self.gaps.tell(self.covered(), waits, now)
    }

    pub(crate) fn limit(&self, todo: &Todo) -> Duration {
        match todo {
            Todo::Ask(ask) if !self.foreground || ask.kind != FilterSubscribeType::SubscriberPing => {
                self.config.timing.request
            }
            _ => self.config.timing.alive_within,
        }
    }

    /// When the next request to a node without a pending answer is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let due = self.peers.iter().filter_map(|peer| self.due(peer));
        let gap = self.gaps.deadline(self.covered());
        due.chain(self.witness.deadline()).chain(gap).min()
    }

    fn due(&self, peer: &Peer) -> Option<Instant> {
        let ask = match (peer.busy, peer.hold_until) {
            (true, _) => None,
            (false, Some(until)) => Some(until),
            (false, None) => (!peer.known.is_empty()).then_some(peer.ping_at),
        };
        let alive = (self.foreground && peer.pings && !peer.checking).then_some(peer.alive_at);
        ask.into_iter().chain(alive).min()
    }

    /// The request to send now, one for each call.
    pub(crate) fn next(&mut self, now: Instant) -> Option<(PeerId, Todo)> {
        let mut peers = std::mem::take(&mut self.peers);
        let next = peers.iter_mut().find_map(|peer| Some((peer.id, self.next_of(peer, now)?)));
        self.peers = peers;
        next
    }

    fn next_of(&self, peer: &mut Peer, now: Instant) -> Option<Todo> {
        peer.hold_until = peer.hold_until.filter(|until| *until > now);
        let free = !peer.busy && peer.hold_until.is_none();
        if let Some(ask) = if free { self.ask(peer, now) } else { None } {
            peer.busy = true;
            return Some(Todo::Ask(ask));
        }
        if self.foreground && peer.pings && !peer.checking && peer.alive_at <= now {
            peer.checking = true;
            return Some(Todo::Alive(peer.ping_stream.take()));
        }
        None
    }

    fn ask(&self, peer: &Peer, now: Instant) -> Option<FilterAsk> {
        let (kind, topics) = if let Some(topics) = self.batch(self.wanted.difference(&peer.known)) {
            (FilterSubscribeType::Subscribe, topics)
        } else if let Some(topics) = self.batch(peer.known.difference(&self.wanted)) {
            (FilterSubscribeType::Unsubscribe, topics)
        } else if !peer.known.is_empty() && peer.ping_at <= now {
            (FilterSubscribeType::SubscriberPing, Vec::new())
        } else {
            return None;
        };
        let shard = topics.first().and_then(|topic| self.config.shard(topic));
        Some(FilterAsk { kind, shard, topics })
    }

    /// As many topics of one shard as fit a request.
    fn batch<'a>(&self, topics: impl Iterator<Item = &'a String>) -> Option<Vec<String>> {
        let mut topics = topics.peekable();
        let shard = self.config.shard(topics.peek()?);
        let batch = topics.filter(|topic| self.config.shard(topic) == shard);
        Some(batch.take(TOPICS_PER_REQUEST).cloned().collect())
    }

    pub(crate) fn answered(
        &mut self,
        id: &PeerId,
        ask: FilterAsk,
        answer: Result<u32, ExchangeError>,
        now: Instant,
    ) -> Verdict {
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == *id) else {
            return Verdict::Keep;
        };
        peer.busy = false;
        let Ok(code) = answer else {
            return Verdict::Leave;
        };
        peer.alive_at = now + self.config.timing.alive_every;
        let status = FilterStatus::from_code(code);
        if ask.kind == FilterSubscribeType::Unsubscribe && matches!(status, FilterStatus::Ok | FilterStatus::NotFound) {
            peer.known.retain(|topic| !ask.topics.contains(topic));
        }
        match (status, ask.kind) {
            (FilterStatus::Ok, kind) => {
                peer.refusals = 0;
                let timing = &self.config.timing;
                let ping_every = match (self.foreground, peer.pings) {
                    (false, _) => timing.background_ping,
                    (true, true) => timing.foreground_ping,
                    (true, false) => timing.alive_every,
                };
                peer.ping_at = now + ping_every;
                if kind == FilterSubscribeType::Subscribe {
                    peer.known.extend(ask.topics);
                    peer.since = now;
                    peer.stands.get_or_insert(now);
                } else if peer.stands.is_some_and(|since| since + STANDS <= now) {
                    return Verdict::Good;
                }
                Verdict::Keep
            }
            (FilterStatus::NotFound, FilterSubscribeType::Unsubscribe) => Verdict::Keep,
            (FilterStatus::NotFound, _) => {
                // The node had dropped the subscription, at an unknown time.
                if !peer.known.is_empty() {
                    self.gaps.miss();
                }
                peer.known.clear();
                peer.stands = None;
                peer.refusals += 1;
                if peer.refusals > PATIENCE { Verdict::Refuses } else { Verdict::Wait }
            }
            (FilterStatus::TooManyRequests, _) if peer.refusals < PATIENCE => {
                let wait = random::backoff(self.config.timing.redial, peer.refusals, Duration::from_secs(30));
                peer.hold_until = Some(now + wait);
                peer.refusals += 1;
                Verdict::Wait
            }
            _ => Verdict::Refuses,
        }
    }

    pub(crate) fn alive(&mut self, id: &PeerId, answer: Result<Stream, ExchangeError>, now: Instant) -> Verdict {
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == *id) else {
            return Verdict::Keep;
        };
        peer.checking = false;
        match answer {
            Ok(stream) => {
                peer.alive_at = now + self.config.timing.alive_every;
                peer.ping_stream = self.foreground.then_some(stream);
                Verdict::Keep
            }
            Err(_) => Verdict::Leave,
        }
    }

    /// What to do with another push stream of a node. If it is not read, a message may be lost. Many streams may come
    /// at once, but a node that opens streams without end is useless.
    pub(crate) fn open_push(&mut self, id: &PeerId) -> Opened {
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == *id) else {
            return Opened::Refuse;
        };
        if peer.push_streams < PUSH_STREAMS {
            peer.push_streams += 1;
            return Opened::Read;
        }
        peer.push_refused += 1;
        let refused = peer.push_refused;
        self.gaps.miss();
        if refused > PUSH_STREAMS { Opened::Leave } else { Opened::Refuse }
    }

    pub(crate) fn close_push(&mut self, id: &PeerId) {
        if let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == *id) {
            peer.push_streams = peer.push_streams.saturating_sub(1);
            peer.push_refused = 0;
        }
    }

    /// Takes a store's messages; `clock_ns` is Unix time.
    pub(crate) fn stored(&mut self, messages: &[Received], clock_ns: i64, now: Instant) {
        for message in messages {
            let age = u64::try_from(clock_ns.saturating_sub(message.timestamp_ns));
            let sent = now.checked_sub(Duration::from_nanos(age.unwrap_or_default()));
            if let Some(sent) = sent.filter(|_| self.wanted.contains(&message.topic)) {
                let owed = Owed::new(message.hash, &message.topic, message.node, sent);
                self.witness.owe(owed, now);
            }
        }
    }

    /// Nodes that left out too many messages. Messages that only `liars` claim do not count.
    pub(crate) fn judge(&mut self, now: Instant, liars: impl Fn(NodeNumber) -> bool) -> Vec<PeerId> {
        while let Some(owed) = self.witness.next(now) {
            if liars(owed.by) {
                continue;
            }
            for peer in &mut self.peers {
                let subscribed = peer.known.contains(&owed.topic);
                if subscribed && self.witness.slipped(&owed, peer.node, peer.since) {
                    peer.slips += 1;
                }
            }
        }
        let silent = self.peers.iter().filter(|peer| peer.slips >= SLIPS);
        silent.map(|peer| peer.id).collect()
    }

    /// Checks a push of a node in use.
    pub(crate) fn push(&mut self, id: &PeerId, push: MessagePush, now: Instant) -> Option<Received> {
        let peer = self.peers.iter_mut().find(|peer| peer.id == *id)?;
        peer.alive_at = now + self.config.timing.alive_every;
        let node = peer.node;
        self.receive(push, node, now)
    }

    /// Checks a pushed or relayed message: a wanted topic, its shard, and not seen before.
    pub(crate) fn receive(&mut self, push: MessagePush, node: NodeNumber, now: Instant) -> Option<Received> {
        let message = push.waku_message?;
        message.validate(self.config.max_message).ok()?;
        if !self.wanted.contains(&message.content_topic) {
            return None;
        }
        let shard = self.config.shard(&message.content_topic)?.to_string();
        if push.pubsub_topic.is_some_and(|topic| topic != shard) {
            return None;
        }
        let hash = waku::message_hash(&shard, &message);
        if !self.witness.pushed(hash, node, now) {
            return None; // another node was faster
        }
        if self.peers.len() > 1 {
            let owed = Owed::new(hash, &message.content_topic, node, now);
            self.witness.owe(owed, now);
        }
        Some(Received {
            topic: message.content_topic,
            payload: message.payload,
            timestamp_ns: message.timestamp.unwrap_or_default(),
            hash,
            node,
            live: true,
        })
    }
}

#[cfg(test)]
mod tests;
