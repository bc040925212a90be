use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

use sotto_messenger::engine::input::{Answered, Call, ContactAction, Effect, Input};
use sotto_messenger::engine::{Engine, call, stored};
use sotto_messenger::records::{ContactId, ConversationId, MessageId};
use sotto_messenger::{Error, Network};
use sotto_net::{
    Command as NetCommand, Connectivity, Event as NetEvent, FailReason, PublishOutcome, Published, Received,
};
use sotto_wire::waku::{Shard, WakuMessage, message_hash};

use crate::record::{Record, Relayed};
use crate::uploads::pages;
use crate::{BEGIN, Fleet, MINUTE, Phone, SECOND, Seeded, Shown, Trace, contacts};

/// Faults of the network; chances are in percent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    /// A push to one subscriber is lost.
    pub push_lost: u8,
    /// A push arrives twice.
    pub push_doubled: u8,
    /// Longest delay of a push, milliseconds; later pushes overtake it.
    pub delay_ms: u64,
    /// A publish fails; half of the failed messages are relayed all the same.
    pub publish_fails: u8,
    /// A node claims to relay a message and does not.
    pub publish_lies: u8,
    /// Every node refuses all messages.
    pub publish_refused: u8,
    /// The store misses a message.
    pub store_misses: u8,
    /// A query fails, perhaps after some pages.
    pub query_fails: u8,
    /// If not 0: number of publish nodes, one connected at a time. They use lightpush v2, which reports no count of
    /// relay peers.
    pub v2_nodes: u64,
}

struct Stored {
    topic: String,
    payload: Vec<u8>,
    timestamp_ns: i64,
    hash: [u8; 32],
}

/// Phones, nodes and time.
pub struct World {
    /// Current time, Unix milliseconds.
    pub now_ms: i64,
    /// Current faults; a test may change them.
    pub weather: Weather,
    /// The phones, by number.
    pub phones: Vec<Phone>,
    /// All published payloads with their topics, as an outsider sees them.
    pub published: Vec<(String, Vec<u8>)>,
    /// Topics that were published to, with the draw that chose their nodes.
    pub spread: BTreeSet<(String, Option<u64>)>,
    /// Whether nodes leave a message without a timestamp undated.
    pub undated: bool,
    /// The record of the outside, for worlds that outlive their process.
    pub record: Option<Record>,
    /// The trace of all effects, if a test wants it.
    pub trace: Option<Trace>,
    /// Most ticks of one phone in a row without time passing, as a guard against endless loops.
    pub most_ticks: u32,
    /// Nodes that behave differently; without them all behave as the weather says.
    pub fleet: Option<Fleet>,
    store: Vec<Stored>,
    pub(crate) queue: BTreeMap<(i64, u64), (usize, u32, NetEvent)>,
    order: u64,
    pub(crate) rng: Seeded,
}

/// Longest page of a store.
pub(crate) const PAGE: usize = 20;

pub(crate) fn hash_of(message: &WakuMessage) -> [u8; 32] {
    let shard = Shard { cluster: 66, shard: 0 };
    message_hash(&shard.to_string(), message)
}

impl World {
    /// A world with `phones` running phones on empty folders.
    pub fn new(seed: u64, phones: usize) -> Self {
        let mut rng = Seeded::new(seed);
        let phones = (0..phones).map(|_| Phone::new(rng.draw())).collect();
        let mut world = Self::of(phones, rng);
        for who in 0..world.phones.len() {
            world.start(who);
        }
        world
    }

    /// A world with stopped phones on lasting folders. Each process needs its own seed.
    pub fn over(seed: u64, folders: Vec<PathBuf>) -> Self {
        let mut rng = Seeded::new(seed);
        let phones = folders.into_iter().map(|folder| Phone::over(rng.draw(), folder));
        Self::of(phones.collect(), rng)
    }

    fn of(phones: Vec<Phone>, rng: Seeded) -> Self {
        Self {
            now_ms: BEGIN,
            weather: Weather::default(),
            phones,
            published: Vec::new(),
            spread: BTreeSet::new(),
            undated: false,
            record: None,
            trace: None,
            most_ticks: 0,
            fleet: None,
            store: Vec::new(),
            queue: BTreeMap::new(),
            order: 0,
            rng,
        }
    }

    /// Adds a running phone on an empty folder.
    pub fn add_phone(&mut self) {
        let phone = Phone::new(self.rng.draw());
        self.phones.push(phone);
        self.start(self.phones.len() - 1);
    }

    /// Starts a stopped phone.
    pub fn start(&mut self, who: usize) {
        self.try_start(who).unwrap();
    }

    /// Starts a stopped phone, if its database opens.
    pub fn try_start(&mut self, who: usize) -> Result<(), Error> {
        let effects = self.phones[who].start(self.now_ms)?;
        self.fleet_forgets(who);
        self.connectivity(who);
        self.carry_out(who, effects);
        Ok(())
    }

    /// Restores the stores' messages from the record.
    pub fn restore(&mut self, one: &Relayed) {
        let message = WakuMessage::new(one.topic.clone(), one.payload.clone(), one.timestamp_ns);
        self.published.push((one.topic.clone(), one.payload.clone()));
        self.keep(&message);
    }

    /// Puts a message into the stores.
    pub(crate) fn keep(&mut self, message: &WakuMessage) {
        self.store.push(Stored {
            topic: message.content_topic.clone(),
            payload: message.payload.clone(),
            timestamp_ns: message.timestamp.unwrap(),
            hash: hash_of(message),
        });
    }

    /// The stores lose messages.
    pub fn forget_stored(&mut self, mut lost: impl FnMut(&str, &[u8]) -> bool) {
        self.store.retain(|one| !lost(&one.topic, &one.payload));
    }

    /// Payloads that the stores have under a topic, in the order of their times.
    pub fn stored(&self, topic: &str) -> Vec<Vec<u8>> {
        let mut found: Vec<&Stored> = self.store.iter().filter(|one| one.topic == topic).collect();
        found.sort_by_key(|one| one.timestamp_ns);
        found.into_iter().map(|one| one.payload.clone()).collect()
    }

    /// Somebody publishes a payload, which nobody hears; the stores keep it.
    pub fn store(&mut self, topic: &str, payload: &[u8], stamp_ms: i64) {
        self.keep(&WakuMessage::new(topic.to_owned(), payload.to_vec(), stamp_ms * 1_000_000));
    }

    pub(crate) fn holds(&self, hash: &[u8; 32]) -> bool {
        self.store.iter().any(|stored| stored.hash == *hash)
    }

    /// Kills a phone: it does not close and writes nothing more.
    pub fn kill(&mut self, who: usize) {
        self.phones[who].engine = None;
        self.phones[who].wake = None;
    }

    /// Kills a phone before its `n`th effect from now.
    pub fn kill_after(&mut self, who: usize, n: u64) {
        self.phones[who].effects_left = Some(n);
    }

    /// The nodes that a phone published to hang up; other nodes stay.
    pub fn lose_nodes(&mut self, who: usize) {
        (0..3).for_each(|node| self.later(who, 1, NetEvent::Lost { node }));
    }

    /// Disconnects a phone from the network, or connects it.
    pub fn set_online(&mut self, who: usize, online: bool) {
        if self.phones[who].online != online {
            self.phones[who].online = online;
            self.connectivity(who);
        }
    }

    fn connectivity(&mut self, who: usize) {
        let phone = &self.phones[who];
        let on = phone.online;
        let nodes = u32::from(on); // as the client does: one connection for each circle
        let subscribed = on && !phone.topics.is_empty();
        let now = Connectivity {
            publish_nodes: nodes,
            receive_nodes: nodes,
            store: on,
            subscribed,
            gap: subscribed,
            relay_peers: 0,
        };
        self.later(who, 1, NetEvent::Connectivity(now));
    }

    /// Runs a call of the API. Panics if the phone is killed before its answer.
    pub fn call<C: Call<Answer: Shown>>(&mut self, who: usize, call: C) -> Result<C::Answer, Error> {
        self.tell(who, |engine, now_ms| engine.call(now_ms, call))
    }

    /// Runs a call of the API; `None` if the phone is stopped or killed before its answer.
    pub fn try_call<C: Call<Answer: Shown>>(&mut self, who: usize, call: C) -> Option<Result<C::Answer, Error>> {
        self.try_tell(who, |engine, now_ms| engine.call(now_ms, call))
    }

    /// Says whether a conversation is on screen.
    pub fn foreground(&mut self, who: usize, on: bool) -> Result<(), Error> {
        self.tell(who, |engine, now_ms| engine.foreground(now_ms, on))
    }

    /// Says that the host's network changed.
    pub fn network_changed(&mut self, who: usize, metered: bool) -> Result<(), Error> {
        let network = Network { metered, ..Network::default() };
        self.tell(who, |engine, now_ms| engine.network_changed(now_ms, network))
    }

    /// Says whether the host is charging.
    pub fn power_changed(&mut self, who: usize, charging: bool) -> Result<(), Error> {
        self.tell(who, |engine, now_ms| engine.power_changed(now_ms, charging))
    }

    /// Runs a sync; true if it completed.
    pub fn sync(&mut self, who: usize) -> bool {
        let effects = self.phones[who].handle(self.now_ms, |engine, now_ms| engine.sync(now_ms, 0));
        let done = effects.iter().any(|effect| matches!(effect, Effect::Synced(_, Ok(_))));
        self.carry_out(who, effects);
        done
    }

    /// Closes a phone's engine.
    pub fn close(&mut self, who: usize) -> Result<(), Error> {
        self.tell(who, Engine::close)
    }

    fn tell<T: Shown>(&mut self, who: usize, act: impl FnOnce(&mut Engine, i64) -> Answered<T>) -> Result<T, Error> {
        self.try_tell(who, act).expect("killed before it answered")
    }

    /// Runs something with an answer, if the phone lives to answer it. The answer counts as the first effect.
    fn try_tell<T: Shown>(
        &mut self,
        who: usize,
        act: impl FnOnce(&mut Engine, i64) -> Answered<T>,
    ) -> Option<Result<T, Error>> {
        let phone = &mut self.phones[who];
        let (answer, effects) = act(phone.engine.as_mut()?, self.now_ms + phone.clock_off_ms);
        if !self.survives(who) {
            return None;
        }
        if let Some(trace) = &mut self.trace {
            trace.answered(who, self.now_ms, &answer);
        }
        self.carry_out(who, effects);
        Some(answer)
    }

    /// Lets time pass, with everything that happens in it.
    pub fn run(&mut self, ms: i64) {
        let end = self.now_ms + ms;
        let mut steps = 0_u32;
        let mut ticks = (0, 0, 0);
        loop {
            let net = self.queue.keys().next().copied();
            let wake = |(who, phone): (usize, &Phone)| Some((phone.wake? - phone.clock_off_ms, who));
            let tick = self.phones.iter().enumerate().filter_map(wake).min();
            let net_first = match (net, tick) {
                (Some((at, _)), Some((tick, _))) => at <= tick,
                (Some(_), None) => true,
                (None, _) => false,
            };
            let at = if net_first { net.map(|(at, _)| at) } else { tick.map(|(at, _)| at) };
            let Some(at) = at.filter(|&at| at <= end) else {
                break;
            };
            self.now_ms = self.now_ms.max(at);
            steps += 1;
            assert!(steps < 200_000, "the engine spins");
            if net_first {
                let (_, (who, life, mut event)) = self.queue.pop_first().unwrap();
                if self.phones[who].life == life && self.phones[who].is_up() {
                    if let NetEvent::Published(published) = &mut event {
                        self.phones[who].published(published, self.now_ms);
                    }
                    let effects = self.phones[who].input(self.now_ms, Input::Net(event));
                    self.carry_out(who, effects);
                }
            } else if let Some((_, who)) = tick {
                let again = (ticks.0, ticks.1) == (who, self.now_ms);
                ticks = (who, self.now_ms, if again { ticks.2 + 1 } else { 1 });
                self.most_ticks = self.most_ticks.max(ticks.2);
                self.phones[who].wake = None;
                let effects = self.phones[who].input(self.now_ms, Input::Tick);
                self.carry_out(who, effects);
            }
        }
        self.now_ms = end;
    }

    pub(crate) fn later(&mut self, who: usize, in_ms: i64, event: NetEvent) {
        self.order += 1;
        let life = self.phones[who].life;
        self.queue.insert((self.now_ms + in_ms, self.order), (who, life, event));
    }

    fn carry_out(&mut self, who: usize, effects: Vec<Effect>) {
        let mut effects = VecDeque::from(effects);
        while let Some(mut effect) = effects.pop_front() {
            if !self.survives(who) {
                return;
            }
            if let Effect::Net(command) = &mut effect {
                self.phones[who].publishes(command);
            }
            if let Some(trace) = &mut self.trace {
                trace.note(who, self.now_ms, &effect);
            }
            match effect {
                Effect::Net(NetCommand::Evidence(evidence)) => drop(self.phones[who].trust.learn(evidence)),
                Effect::Net(command) if self.fleet.is_some() => self.fleet_command(who, command),
                Effect::Net(command) => self.net(who, command),
                Effect::Disk(order) => {
                    let done = self.phones[who].carries_out(order);
                    let more = self.phones[who].input(self.now_ms, Input::Disk(done));
                    effects.extend(more);
                }
                Effect::Synced(..) => {}
                Effect::Emit(event) => self.phones[who].events.push(event),
                Effect::WakeAt(at) => self.phones[who].wake = at,
            }
        }
    }

    /// Counts an effect, unless the phone is killed before it.
    fn survives(&mut self, who: usize) -> bool {
        let phone = &mut self.phones[who];
        if phone.effects_left == Some(0) {
            phone.effects_left = None;
            self.kill(who);
            return false;
        }
        phone.effects_left = phone.effects_left.map(|left| left - 1);
        phone.effects += 1;
        true
    }

    fn net(&mut self, who: usize, command: NetCommand) {
        match command {
            NetCommand::Publish { id, topic, payload, timestamp_ns, spread, .. } => {
                self.spread.insert((topic.clone(), spread));
                let node = self.taker(who, id);
                self.publish(who, (id, node), topic, payload, timestamp_ns);
            }
            NetCommand::Subscribe { topics } => {
                self.phones[who].topics = topics;
                self.connectivity(who);
            }
            NetCommand::Upload { id, topic, payloads, timestamp_ns, not } => {
                self.upload(who, (id, &not), &topic, payloads, timestamp_ns);
            }
            NetCommand::Stop { id } => self.stop(who, id),
            NetCommand::Query { id, topics, start_ns, end_ns, newest_first, most_bytes, .. } => {
                self.phones[who].queries += 1;
                self.phones[who].asked.push((start_ns, end_ns));
                self.phones[who].asked_for.extend(topics.clone());
                self.query(who, id, (&topics, start_ns, end_ns, newest_first), most_bytes);
            }
            NetCommand::Check { id, hashes, .. } => {
                let present = hashes.into_iter().filter(|hash| self.holds(hash));
                let present = present.collect();
                let failed = |reason| NetEvent::CheckFailed { id, reason };
                let event = match (self.phones[who].online, self.weather.v2_nodes) {
                    (false, _) => failed(FailReason::NoNode),
                    (true, 1) => failed(FailReason::NoOther),
                    _ => NetEvent::Checked { id, node: 2, present },
                };
                self.later(who, 40, event);
            }
            NetCommand::Close => self.later(who, 1, NetEvent::Closed),
            NetCommand::Foreground(_)
            | NetCommand::Evidence(_)
            | NetCommand::NetworkChanged(_)
            | NetCommand::Relay(_)
            | NetCommand::AddNodes(_) => {}
        }
    }

    /// The node that accepts a message; among v2 nodes one that has not had it, if there is one.
    fn taker(&mut self, who: usize, id: u64) -> u64 {
        let (_, not) = &self.phones[who].publishing[&id];
        match self.weather.v2_nodes {
            0 => self.rng.below(3),
            nodes => {
                let longest_ago = not.iter().rev().find(|node| **node < nodes);
                let other = (0..nodes).find(|node| !not.contains(node));
                other.or(longest_ago.copied()).unwrap_or(0)
            }
        }
    }

    /// A node dates an undated message, as our node and nim-waku do.
    pub(crate) fn dated(&self, timestamp_ns: i64) -> i64 {
        match timestamp_ns {
            0 if !self.undated => self.now_ms * 1_000_000,
            timestamp_ns => timestamp_ns,
        }
    }

    fn publish(&mut self, who: usize, (id, node): (u64, u64), topic: String, payload: Vec<u8>, timestamp_ns: i64) {
        let (stamp_ns, timestamp_ns) = (timestamp_ns, self.dated(timestamp_ns));
        let message = WakuMessage::new(topic, payload, timestamp_ns);
        let (outcome, relayed) = self.fate(who);
        let published = Published::new(id, hash_of(&message), stamp_ns, Some(node), outcome);
        self.later(who, 30, NetEvent::Published(published));
        if relayed {
            self.relay(&message);
        }
    }

    /// The answer to a published message, and whether it is relayed.
    pub(crate) fn fate(&mut self, who: usize) -> (PublishOutcome, bool) {
        let fails = self.rng.chance(self.weather.publish_fails);
        let lies = self.rng.chance(self.weather.publish_lies);
        let refused = self.weather.publish_refused;
        let refused = refused > 0 && self.rng.chance(refused);
        let lost = lies || refused || (fails && self.rng.chance(50));
        let relayed = self.phones[who].online && !lost;
        let outcome = if !self.phones[who].online {
            PublishOutcome::Failed(FailReason::NoNode)
        } else if fails {
            PublishOutcome::Failed(FailReason::Timeout)
        } else if refused {
            PublishOutcome::Refused
        } else if self.weather.v2_nodes > 0 {
            PublishOutcome::Accepted
        } else {
            PublishOutcome::Relayed { peers: 2 }
        };
        (outcome, relayed)
    }

    /// A message reaches the store and the subscribers, as far as the weather lets it.
    pub(crate) fn relay(&mut self, message: &WakuMessage) {
        let WakuMessage { content_topic: topic, payload, .. } = message;
        let (timestamp_ns, hash) = (message.timestamp.unwrap(), hash_of(message));
        self.published.push((topic.clone(), payload.clone()));
        if let Some(record) = &mut self.record {
            record.relayed(&Relayed { topic: topic.clone(), payload: payload.clone(), timestamp_ns });
        }
        // Stores keep messages whose timestamp is at most 20 s off.
        let skew = (timestamp_ns / 1_000_000 - self.now_ms).abs();
        if skew <= 20 * SECOND && !self.rng.chance(self.weather.store_misses) {
            self.keep(message);
        }
        for other in 0..self.phones.len() {
            let phone = &self.phones[other];
            if !phone.online || !phone.topics.contains(topic) || self.rng.chance(self.weather.push_lost) {
                continue;
            }
            let copies = 1 + u8::from(self.rng.chance(self.weather.push_doubled));
            for _ in 0..copies {
                let received = Received {
                    topic: topic.clone(),
                    payload: payload.clone(),
                    timestamp_ns,
                    hash,
                    node: self.rng.below(2),
                    live: true,
                };
                let delay = 20 + self.rng.below(self.weather.delay_ms.max(1)) as i64;
                self.later(other, delay, NetEvent::Message(received));
            }
        }
    }

    /// Publishes this payload on a topic.
    pub fn inject(&mut self, topic: &str, payload: &[u8]) {
        self.inject_at(topic, payload, self.now_ms);
    }

    /// Publishes this payload on a topic with the given timestamp, Unix milliseconds.
    pub fn inject_at(&mut self, topic: &str, payload: &[u8], stamp_ms: i64) {
        let timestamp_ns = stamp_ms * 1_000_000;
        for other in 0..self.phones.len() {
            if self.phones[other].topics.iter().any(|heard| heard == topic) {
                let received = Received {
                    topic: topic.to_owned(),
                    payload: payload.to_vec(),
                    timestamp_ns,
                    hash: [0; 32],
                    node: self.rng.below(2),
                    live: true,
                };
                self.later(other, 1, NetEvent::Message(received));
            }
        }
    }

    fn query(
        &mut self,
        who: usize,
        id: u64,
        (topics, start, end, newest): (&[String], i64, Option<i64>, bool),
        most_bytes: Option<usize>,
    ) {
        let failed = NetEvent::QueryFailed { id, reason: FailReason::Timeout };
        let online = self.phones[who].online;
        let fails = online && self.rng.chance(self.weather.query_fails);
        if !online || (fails && most_bytes.is_none()) {
            return self.later(who, 50, failed);
        }
        let found = self.found(topics, start, end, newest);
        let (mut pages, more) = pages(&found, PAGE, most_bytes);
        let count = pages.len();
        if fails {
            // Some pages of a file came; the last one did not.
            pages.truncate(self.rng.below(count as u64) as usize);
            self.later(who, 40 + 10 * count as i64, failed);
        }
        for (i, messages) in pages.into_iter().enumerate() {
            let last = i + 1 == count;
            self.later(who, 40 + 10 * i as i64, NetEvent::Page { id, messages, last, more: more && last });
        }
    }

    /// The stored messages of a range.
    pub(crate) fn found(&self, topics: &[String], start: i64, end: Option<i64>, newest: bool) -> Vec<Received> {
        let within = |one: &&Stored| {
            topics.contains(&one.topic) && one.timestamp_ns >= start && end.is_none_or(|end| one.timestamp_ns <= end)
        };
        let mut found: Vec<&Stored> = self.store.iter().filter(within).collect();
        found.sort_by_key(|one| (one.timestamp_ns, one.hash));
        if newest {
            found.reverse();
        }
        let found = found.into_iter().map(|one| Received {
            topic: one.topic.clone(),
            payload: one.payload.clone(),
            timestamp_ns: one.timestamp_ns,
            hash: one.hash,
            node: 1,
            live: false,
        });
        found.collect()
    }

    // Actions of people.

    /// Makes an account.
    pub fn create(&mut self, who: usize, name: &str) {
        self.call(who, call::AccountCreate { name: name.to_owned() }).unwrap();
    }

    /// Makes an invite; returns its link.
    pub fn invite(&mut self, who: usize) -> String {
        self.call(who, call::InviteCreate {}).unwrap().link
    }

    /// Adds a contact by link.
    pub fn add(&mut self, who: usize, link: &str, text: &str) -> ContactId {
        self.call(who, call::ContactAdd { link: link.to_owned(), text: Some(text.to_owned()) }).unwrap()
    }

    /// Accepts the only request.
    pub fn accept(&mut self, who: usize) {
        let id = self.contact(who);
        let action = ContactAction::Accept;
        self.call(who, call::ContactAnswer { contact: id, action }).unwrap();
    }

    /// Verifies the only contact with the devices that its safety number shows.
    pub fn verify(&mut self, who: usize) {
        let devices = self.phones[who].read(|reader| {
            let contact = contacts(reader).unwrap().remove(0);
            stored::devices(reader, &contact.chat).unwrap().1
        });
        let contact = self.contact(who);
        let devices = Some(devices);
        self.call(who, call::ContactVerify { contact, devices }).unwrap();
    }

    /// The only contact.
    pub fn contact(&self, who: usize) -> ContactId {
        let contacts = self.phones[who].read(|reader| contacts(reader).unwrap());
        assert_eq!(contacts.len(), 1, "one contact");
        ContactId(sotto_crypto::account_id(&contacts[0].chat))
    }

    /// The only conversation.
    pub fn conversation(&self, who: usize) -> ConversationId {
        let contacts = self.phones[who].read(|reader| contacts(reader).unwrap());
        assert_eq!(contacts.len(), 1, "one contact");
        ConversationId::from_bytes(&contacts[0].conversation)
    }

    /// Sends into the only conversation; true if the call was answered.
    pub fn send(&mut self, who: usize, text: &str) -> bool {
        if !self.phones[who].is_up() {
            return false;
        }
        let conversation = self.conversation(who);
        let answer = self.try_call(who, call::Send { conversation, post: text.into() });
        answer.is_some_and(|answer| answer.map(|_| true).unwrap())
    }

    /// Marks the whole only conversation as read.
    pub fn read_all(&mut self, who: usize) {
        let conversation = self.conversation(who);
        let messages = self.phones[who].messages();
        if let Some(last) = messages.iter().rev().find(|message| !message.is_own()) {
            let message = MessageId::from_bytes(&last.id);
            self.call(who, call::MarkRead { conversation, message }).unwrap();
        }
    }

    /// Two phones with accounts that are contacts: phone 1 invited, phone 0 asked.
    pub fn befriended(seed: u64) -> Self {
        let mut world = Self::new(seed, 2);
        world.create(0, "Alice");
        world.create(1, "Bob");
        world.run(MINUTE);
        let link = world.invite(1);
        world.run(MINUTE);
        world.add(0, &link, "");
        world.run(MINUTE);
        world.accept(1);
        world.run(MINUTE);
        world
    }
}
