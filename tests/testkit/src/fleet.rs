//! Service nodes, most of them hostile, and a phone's view of them. Like `sotto_net::client`, it chooses among nodes
//! that behaved and shuns nodes that were found out.

use std::collections::{HashMap, HashSet};

use sotto_net::turns::{Turns, tiers};
use sotto_net::{
    Circle, Command as NetCommand, Connectivity, Event as NetEvent, FailReason, PublishOutcome, Published, Received,
};
use sotto_wire::waku::WakuMessage;

use crate::uploads::{nth, pages};
use crate::world::{PAGE, hash_of};
use crate::{MINUTE, SECOND, Seeded, World};

/// Behaviour of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    /// Honest.
    Good,
    /// Accepts streams and never answers.
    Mute,
    /// Reports no relay peers, no archive, no room.
    Refuses,
    /// Reports that every message and query is invalid.
    Rejects,
    /// Accepts everything and does nothing; its store is empty.
    Empty,
    /// The same, and its store claims to hold every message asked for.
    SaysStored,
    /// Its store pages are invalid: wrong hashes, foreign topics, other times.
    Lies,
    /// Its store pages never end.
    Endless,
    /// Accepts, relays and pushes honestly. Its disk is full: its store is empty.
    Full,
    /// Its store claims to hold every message asked for, and dates its messages an hour ahead.
    Forges,
    /// Pushes garbage with a clock an hour ahead; its store is empty.
    Future,
}

impl Conduct {
    /// All dishonest behaviours.
    pub const BAD: [Self; 8] = [
        Conduct::Mute,
        Conduct::Refuses,
        Conduct::Empty,
        Conduct::SaysStored,
        Conduct::Lies,
        Conduct::Endless,
        Conduct::Future,
        Conduct::Rejects,
    ];
}

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Answer,
    /// A store query by topic; nodes are asked in round-robin.
    Page,
    /// The same over a connection of its own, outside of the round-robin.
    Alone,
    /// A subscription: retried until a node accepts it.
    Filter,
}

/// Most nodes tried for one request.
const ATTEMPTS: usize = 3;
/// Time limit of a request, milliseconds.
const REQUEST_MS: i64 = 10 * SECOND;
const SHUN_MS: i64 = 60 * MINUTE;
const DOUBT_MS: i64 = 10 * MINUTE;
/// Pages of an endless store that are read; the real client reads ten times as many.
const PAGES: usize = 3;
/// A node need not have pushed a message sent less than this after its subscription.
const SETTLING_MS: i64 = 30 * SECOND;

/// One phone's knowledge of nodes.
#[derive(Debug, Default)]
struct Seat {
    /// Shunned nodes, with the time until which they are used only if there is no other: publish circle, receive
    /// circle.
    shunned: [HashMap<usize, i64>; 2],
    filter: Option<(usize, i64)>,
    pushed: HashSet<[u8; 32]>,
    slips: usize,
    stores: Turns,
}

/// Two circles of nodes.
#[derive(Debug)]
pub struct Fleet {
    /// Behaviours: publish circle, receive circle.
    pub nodes: [Vec<Conduct>; 2],
    seats: Vec<Seat>,
    /// Number of requests to each phone's nodes.
    pub requests: Vec<u64>,
}

const PUBLISH: usize = 0;
const RECEIVE: usize = 1;

impl Fleet {
    /// `count` nodes in each circle, one of them good.
    pub fn one_good(count: usize, rng: &mut Seeded) -> Self {
        let mut circle = || {
            let good = rng.below(count as u64) as usize;
            let conduct = |at| match at == good {
                true => Conduct::Good,
                false => Conduct::BAD[rng.below(Conduct::BAD.len() as u64) as usize],
            };
            (0..count).map(conduct).collect()
        };
        Self::of([circle(), circle()])
    }

    /// A fleet with these nodes: publish circle, receive circle.
    pub fn of(nodes: [Vec<Conduct>; 2]) -> Self {
        Self { nodes, seats: Vec::new(), requests: Vec::new() }
    }

    fn seat(&mut self, who: usize) -> &mut Seat {
        while self.seats.len() <= who {
            self.seats.push(Seat::default());
            self.requests.push(0);
        }
        &mut self.seats[who]
    }

    /// A random node of the first tier that has one left, as `sotto_net::client` chooses while it is connected to none.
    fn choose(
        &mut self,
        (who, circle): (usize, usize),
        tried: &[usize],
        (prefer, avoid): (&[u64], &[u64]),
        (now_ms, rng): (i64, &mut Seeded),
    ) -> Option<usize> {
        let count = self.nodes[circle].len();
        let shunned = &self.seat(who).shunned[circle];
        let last_resort = |at: &usize| shunned.get(at).is_some_and(|&until| until > now_ms);
        for tier in tiers(prefer, avoid, true) {
            let fits = |at: &usize| !tried.contains(at) && tier.has(*at as u64, last_resort(at));
            let all: Vec<usize> = (0..count).filter(fits).collect();
            if !all.is_empty() {
                return Some(all[rng.below(all.len() as u64) as usize]);
            }
        }
        None
    }

    fn shun(&mut self, who: usize, circle: usize, node: usize, until_ms: i64) {
        let shunned = &mut self.seat(who).shunned[circle];
        let until = shunned.entry(node).or_default();
        *until = (*until).max(until_ms);
    }
}

impl World {
    /// A starting phone knows nothing about nodes.
    pub(crate) fn fleet_forgets(&mut self, who: usize) {
        if let Some(fleet) = &mut self.fleet {
            *fleet.seat(who) = Seat::default();
        }
    }

    /// Prefers these nodes from now on.
    pub fn settle(&mut self, fleet: Fleet) {
        self.fleet = Some(fleet);
        for who in 0..self.phones.len() {
            self.join_filter(who);
        }
    }

    pub(crate) fn fleet_command(&mut self, who: usize, command: NetCommand) {
        match command {
            NetCommand::Publish { id, topic, payload, timestamp_ns, .. } => {
                let message = WakuMessage::new(topic, payload, self.dated(timestamp_ns));
                self.fleet_publish(who, id, &message);
            }
            NetCommand::Check { id, hashes, not } => self.fleet_check(who, id, &hashes, not),
            NetCommand::Upload { id, topic, payloads, timestamp_ns, not } => {
                self.fleet_upload(who, (id, &not), &topic, payloads, timestamp_ns);
            }
            NetCommand::Stop { id } => self.stop(who, id),
            NetCommand::Query { id, circle, topics, start_ns, end_ns, newest_first, most_bytes } => {
                self.fleet_query(who, (id, circle), (&topics, start_ns, end_ns, newest_first), most_bytes)
            }
            NetCommand::Subscribe { topics } => {
                self.phones[who].topics = topics;
                self.join_filter(who);
            }
            _ => {}
        }
    }

    /// A node that answers, and when. The nodes tried before it did not answer, or lied.
    fn fleet_ask(
        &mut self,
        (who, circle): (usize, usize),
        (prefer, avoid): (&[u64], &[u64]),
        wanted: Wanted,
        good: impl Fn(Conduct) -> bool,
    ) -> Result<(usize, Conduct, i64), (FailReason, i64)> {
        let (mut tried, mut took) = (Vec::new(), 0);
        let mut reason = FailReason::NoNode;
        let mut rejected = 0;
        while tried.len() - rejected < ATTEMPTS || wanted == Wanted::Filter {
            let at = self.now_ms + took;
            let fleet = self.fleet.as_mut().unwrap();
            let chosen = fleet.choose((who, circle), &tried, (prefer, avoid), (at, &mut self.rng));
            let Some(node) = chosen else { break };
            let conduct = fleet.nodes[circle][node];
            fleet.requests[who] += 1;
            tried.push(node);
            if wanted == Wanted::Page {
                fleet.seats[who].stores.asked(node as u64);
            }
            if good(conduct) {
                return Ok((node, conduct, took + 40));
            }
            reason = match conduct {
                Conduct::Mute => {
                    took += REQUEST_MS;
                    fleet.shun(who, circle, node, at + 5 * MINUTE);
                    FailReason::Timeout
                }
                Conduct::Lies => {
                    took += 40;
                    fleet.shun(who, circle, node, at + SHUN_MS);
                    FailReason::Lied
                }
                conduct => {
                    // The honest node is asked last; nodes that refused are then shunned.
                    rejected += usize::from(conduct == Conduct::Rejects && wanted == Wanted::Answer);
                    took += 40;
                    fleet.shun(who, circle, node, at + DOUBT_MS);
                    FailReason::NoRelayPeers
                }
            };
        }
        Err((reason, took + 40))
    }

    fn fleet_publish(&mut self, who: usize, id: u64, message: &WakuMessage) {
        let (_, not) = self.phones[who].publishing[&id].clone();
        let asked = self.fleet_taker(who, &not);
        let hash = hash_of(message);
        let (node, outcome, took) = match asked {
            Ok((node, conduct, took)) => {
                if matches!(conduct, Conduct::Good | Conduct::Full | Conduct::Forges) {
                    self.fleet_relay(message, took);
                }
                let outcome = PublishOutcome::Relayed { peers: 3 };
                (Some(node as u64), outcome, took)
            }
            Err((reason, took)) => (None, PublishOutcome::Failed(reason), took),
        };
        let event = NetEvent::Published(Published::new(id, hash, message.timestamp.unwrap(), node, outcome));
        self.later(who, took, event);
    }

    /// A node that accepts messages, as [`World::fleet_ask`].
    fn fleet_taker(&mut self, who: usize, not: &[u64]) -> Result<(usize, Conduct, i64), (FailReason, i64)> {
        let prefer = self.phones[who].trust.preferred();
        let takes = |conduct| !matches!(conduct, Conduct::Mute | Conduct::Refuses | Conduct::Rejects);
        self.fleet_ask((who, PUBLISH), (&prefer, not), Wanted::Answer, takes)
    }

    fn fleet_upload(
        &mut self,
        who: usize,
        (id, not): (u64, &[u64]),
        topic: &str,
        payloads: Vec<Vec<u8>>,
        timestamp_ns: i64,
    ) {
        let taker = self.fleet_taker(who, not);
        let taken = vec![taker.is_ok(); payloads.len()];
        let (node, failed, took) = match taker {
            Ok((node, conduct, took)) => {
                for (at, payload) in payloads.into_iter().enumerate() {
                    if matches!(conduct, Conduct::Good | Conduct::Full | Conduct::Forges) {
                        let timestamp_ns = self.dated(nth(timestamp_ns, at));
                        self.fleet_relay(&WakuMessage::new(topic.to_owned(), payload, timestamp_ns), took);
                    }
                }
                (Some(node as u64), None, took)
            }
            Err((reason, took)) => (None, Some(reason), took),
        };
        self.later(who, took, NetEvent::Uploaded { id, node, taken, failed });
    }

    /// Honest nodes have the message: their stores, and their subscribers.
    fn fleet_relay(&mut self, message: &WakuMessage, in_ms: i64) {
        let timestamp_ns = message.timestamp.unwrap();
        let (topic, payload) = (message.content_topic.clone(), message.payload.clone());
        let hash = hash_of(message);
        self.published.push((topic.clone(), payload.clone()));
        if (timestamp_ns / 1_000_000 - self.now_ms).abs() <= 20 * SECOND {
            self.keep(message);
        }
        for other in 0..self.phones.len() {
            let fleet = self.fleet.as_mut().unwrap();
            let Some((node, _)) = fleet.seat(other).filter else {
                continue;
            };
            let wanted = self.phones[other].topics.contains(&topic);
            let pushes = matches!(fleet.nodes[RECEIVE][node], Conduct::Good | Conduct::Full);
            if wanted && pushes {
                fleet.seats[other].pushed.insert(hash);
                let received = Received {
                    topic: topic.clone(),
                    payload: payload.clone(),
                    timestamp_ns,
                    hash,
                    node: node as u64,
                    live: true,
                };
                self.later(other, in_ms, NetEvent::Message(received));
            }
        }
    }

    fn fleet_check(&mut self, who: usize, id: u64, hashes: &[[u8; 32]], not: Option<u64>) {
        let answers = |conduct| {
            !matches!(conduct, Conduct::Mute | Conduct::Refuses | Conduct::Rejects | Conduct::Lies | Conduct::Endless)
        };
        match self.fleet_ask((who, PUBLISH), (&[], not.as_slice()), Wanted::Answer, answers) {
            Ok((node, conduct, took)) => {
                let held = |hash: &[u8; 32]| match conduct {
                    Conduct::Good => self.holds(hash),
                    conduct => matches!(conduct, Conduct::SaysStored | Conduct::Forges),
                };
                let present: Vec<_> = hashes.iter().copied().filter(held).collect();
                let node = node as u64;
                self.later(who, took, NetEvent::Checked { id, node, present });
            }
            Err((reason, took)) => self.later(who, took, NetEvent::CheckFailed { id, reason }),
        }
    }

    fn fleet_query(
        &mut self,
        who: usize,
        (id, circle): (u64, Circle),
        (topics, start, end, newest): (&[String], i64, Option<i64>, bool),
        most_bytes: Option<usize>,
    ) {
        let stores = self.fleet.as_mut().unwrap().seat(who).stores.clone();
        let prefer = self.phones[who].trust.bringers().to_vec();
        let avoid: &[u64] = match circle {
            Circle::Other => stores.last(),
            Circle::Receive | Circle::Alone => &[],
        };
        let answers = |conduct| !matches!(conduct, Conduct::Mute | Conduct::Refuses | Conduct::Rejects | Conduct::Lies);
        let wanted = match circle {
            Circle::Alone => Wanted::Alone,
            Circle::Receive | Circle::Other => Wanted::Page,
        };
        let asked = self.fleet_ask((who, RECEIVE), (&prefer, avoid), wanted, answers);
        let (node, conduct, took) = match asked {
            Ok(found) => found,
            Err((reason, took)) => {
                return self.later(who, took, NetEvent::QueryFailed { id, reason });
            }
        };
        if conduct == Conduct::Endless {
            for page in 0..PAGES {
                let messages = vec![self.garbage(&topics[0], node, start)];
                let event = NetEvent::Page { id, messages, last: false, more: false };
                self.later(who, took + page as i64, event);
            }
            let until = self.now_ms + SHUN_MS;
            let fleet = self.fleet.as_mut().unwrap();
            fleet.requests[who] += PAGES as u64;
            fleet.shun(who, RECEIVE, node, until);
            let reason = FailReason::Lied;
            return self.later(who, took + 100, NetEvent::QueryFailed { id, reason });
        }
        let mut found = match conduct {
            Conduct::Good | Conduct::Forges => self.found(topics, start, end, newest),
            _ => Vec::new(),
        };
        for one in &mut found {
            one.node = node as u64;
            if conduct == Conduct::Forges {
                one.timestamp_ns += 60 * MINUTE * 1_000_000;
                let (topic, payload) = (one.topic.clone(), one.payload.clone());
                one.hash = hash_of(&WakuMessage::new(topic, payload, one.timestamp_ns));
            }
        }
        let (pages, more) = pages(&found, most_bytes.map_or(usize::MAX, |_| PAGE), most_bytes);
        let count = pages.len();
        for (number, messages) in (1..).zip(pages) {
            let last = number == count;
            self.later(who, took, NetEvent::Page { id, messages, last, more: more && last });
        }
        self.witness(who, &found);
    }

    /// Leaves a filter node that should have pushed a stored message.
    fn witness(&mut self, who: usize, found: &[Received]) {
        let wanted = &self.phones[who].topics;
        let (until, now_ms) = (self.now_ms + DOUBT_MS, self.now_ms);
        let fleet = self.fleet.as_mut().unwrap();
        let seat = fleet.seat(who);
        let Some((node, since_ms)) = seat.filter else {
            return;
        };
        for one in found.iter().filter(|one| wanted.contains(&one.topic)) {
            let sent_ms = one.timestamp_ns / 1_000_000;
            let owed = (since_ms + SETTLING_MS..now_ms).contains(&sent_ms);
            if owed && seat.pushed.insert(one.hash) {
                seat.slips += 1;
            }
        }
        if seat.slips >= 2 {
            fleet.shun(who, RECEIVE, node, until);
            self.join_filter(who);
        }
    }

    /// Subscribes at some node. A silent node is left after a while, a refusing node at once.
    fn join_filter(&mut self, who: usize) {
        let takes = |conduct| !matches!(conduct, Conduct::Mute | Conduct::Refuses | Conduct::Rejects);
        let prefer = self.phones[who].trust.bringers().to_vec();
        let asked = self.fleet_ask((who, RECEIVE), (&prefer, &[]), Wanted::Filter, takes);
        let filter = asked.ok().map(|(node, ..)| (node, self.now_ms));
        let seat = self.fleet.as_mut().unwrap().seat(who);
        (seat.filter, seat.slips) = (filter, 0);
        let subscribed = filter.is_some() && !self.phones[who].topics.is_empty();
        let now = Connectivity {
            publish_nodes: 3,
            receive_nodes: 3,
            relay_peers: 0,
            store: true,
            subscribed,
            gap: subscribed,
        };
        self.later(who, 40, NetEvent::Connectivity(now));
        if let Some((node, _)) = filter
            && self.fleet.as_mut().unwrap().nodes[RECEIVE][node] == Conduct::Future
        {
            for topic in self.phones[who].topics.clone() {
                for number in 1..20 {
                    let at_ms = self.now_ms + 60 * MINUTE + number;
                    let received = Received { live: true, ..self.garbage(&topic, node, at_ms * 1_000_000) };
                    self.later(who, 50 + number, NetEvent::Message(received));
                }
            }
        }
    }

    fn garbage(&mut self, topic: &str, node: usize, timestamp_ns: i64) -> Received {
        let mut payload = vec![1; 512];
        rand_core::Rng::fill_bytes(&mut self.rng, &mut payload[1..]);
        let message = WakuMessage::new(topic.to_owned(), payload.clone(), timestamp_ns);
        Received {
            topic: topic.to_owned(),
            payload,
            timestamp_ns,
            hash: hash_of(&message),
            node: node as u64,
            live: false,
        }
    }
}
