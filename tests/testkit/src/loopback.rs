use std::sync::{Arc, Mutex};
use std::thread;

use sotto_net::handle::{COMMAND_DEPTH, EVENT_DEPTH};
use sotto_net::{Command, Connectivity, Event, FailReason, NetHandle, PublishOutcome, Published, Received};
use sotto_wire::waku::WakuMessage;
use tokio::sync::mpsc;

use crate::uploads::{nth, pages};
use crate::world::{PAGE, hash_of};

/// A network in memory for messengers with their own threads. It relays, stores, pushes and answers at once and loses
/// nothing; only [`World`](crate::World) has weather.
#[derive(Clone, Default)]
pub struct Loopback {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    ports: Vec<Port>,
    store: Vec<Received>,
}

struct Port {
    events: mpsc::Sender<Event>,
    topics: Vec<String>,
    online: bool,
}

impl Loopback {
    /// Adds a place on this network and returns its number. A thread serves it until its handle is dropped.
    pub fn join(&self) -> (NetHandle, usize) {
        let (commands, mut asked) = mpsc::channel(COMMAND_DEPTH);
        let (sender, events) = mpsc::channel(EVENT_DEPTH);
        let who = {
            let mut state = self.state.lock().unwrap();
            state.ports.push(Port { events: sender, topics: Vec::new(), online: true });
            let who = state.ports.len() - 1;
            state.connectivity(who, false);
            who
        };
        let shared = Arc::clone(&self.state);
        thread::spawn(move || {
            while let Some(command) = asked.blocking_recv() {
                let closing = command == Command::Close;
                shared.lock().unwrap().answer(who, command);
                if closing {
                    break;
                }
            }
        });
        (NetHandle { commands, events }, who)
    }

    /// Disconnects a place, or connects it.
    pub fn set_online(&self, who: usize, online: bool) {
        let mut state = self.state.lock().unwrap();
        state.ports[who].online = online;
        state.connectivity(who, online);
    }

    /// All published payloads.
    pub fn published(&self) -> Vec<Vec<u8>> {
        let state = self.state.lock().unwrap();
        state.store.iter().map(|one| one.payload.clone()).collect()
    }
}

impl State {
    /// Engines always take events, so this does not wait for long. An engine that has gone is ignored.
    fn tell(&self, who: usize, event: Event) {
        let events = &self.ports[who].events;
        // This runs on its own thread, because callers may be in an async context that refuses to block.
        thread::scope(|scope| {
            scope.spawn(|| {
                let _ = events.blocking_send(event);
            });
        });
    }

    fn connectivity(&self, who: usize, gap: bool) {
        let Port { topics, online, .. } = &self.ports[who];
        let nodes = if *online { 2 } else { 0 };
        let subscribed = *online && !topics.is_empty();
        let now = Connectivity {
            publish_nodes: nodes,
            receive_nodes: nodes,
            store: *online,
            subscribed,
            gap: gap && subscribed,
            relay_peers: 0,
        };
        self.tell(who, Event::Connectivity(now));
    }

    fn answer(&mut self, who: usize, command: Command) {
        let online = self.ports[who].online;
        match command {
            Command::Publish { id, topic, payload, timestamp_ns, .. } => {
                self.publish(who, id, topic, payload, timestamp_ns)
            }
            Command::Subscribe { topics } => {
                self.ports[who].topics = topics;
                self.connectivity(who, true);
            }
            Command::Upload { id, topic, payloads, timestamp_ns, .. } => {
                let taken = vec![online; payloads.len()];
                let failed = (!online).then_some(FailReason::NoNode);
                self.tell(who, Event::Uploaded { id, node: online.then_some(1), taken, failed });
                for (at, payload) in payloads.into_iter().enumerate().filter(|_| online) {
                    self.relay(WakuMessage::new(topic.clone(), payload, nth(timestamp_ns, at)));
                }
            }
            Command::Query { id, .. } if !online => {
                self.tell(who, Event::QueryFailed { id, reason: FailReason::NoNode })
            }
            Command::Query { id, topics, start_ns, end_ns, most_bytes, .. } => {
                let within = |one: &&Received| {
                    topics.contains(&one.topic)
                        && one.timestamp_ns >= start_ns
                        && end_ns.is_none_or(|end_ns| one.timestamp_ns <= end_ns)
                };
                let mut messages: Vec<_> = self.store.iter().filter(within).cloned().collect();
                messages.sort_by_key(|one| (one.timestamp_ns, one.hash));
                let (pages, more) = pages(&messages, most_bytes.map_or(usize::MAX, |_| PAGE), most_bytes);
                let count = pages.len();
                for (number, messages) in (1..).zip(pages) {
                    let last = number == count;
                    self.tell(who, Event::Page { id, messages, last, more: more && last });
                }
            }
            Command::Check { id, .. } if !online => {
                self.tell(who, Event::CheckFailed { id, reason: FailReason::NoNode })
            }
            Command::Check { id, hashes, .. } => {
                let has = |hash: &[u8; 32]| self.store.iter().any(|one| one.hash == *hash);
                let present = hashes.into_iter().filter(has).collect();
                self.tell(who, Event::Checked { id, node: 2, present });
            }
            Command::Close => self.tell(who, Event::Closed),
            Command::Evidence(_)
            | Command::Foreground(_)
            | Command::NetworkChanged(_)
            | Command::Relay(_)
            | Command::AddNodes(_)
            | Command::Stop { .. } => {}
        }
    }

    fn publish(&mut self, who: usize, id: u64, topic: String, payload: Vec<u8>, timestamp_ns: i64) {
        let online = self.ports[who].online;
        let message = WakuMessage::new(topic, payload, timestamp_ns);
        let hash = hash_of(&message);
        let outcome =
            if online { PublishOutcome::Relayed { peers: 1 } } else { PublishOutcome::Failed(FailReason::NoNode) };
        self.tell(who, Event::Published(Published::new(id, hash, timestamp_ns, online.then_some(1), outcome)));
        if online {
            self.relay(message);
        }
    }

    fn relay(&mut self, message: WakuMessage) {
        let (hash, timestamp_ns) = (hash_of(&message), message.timestamp.unwrap_or_default());
        let (topic, payload) = (message.content_topic, message.payload);
        let pushed = Received { topic, payload, timestamp_ns, hash, node: 3, live: true };
        for other in 0..self.ports.len() {
            let port = &self.ports[other];
            if port.online && port.topics.contains(&pushed.topic) {
                self.tell(other, Event::Message(pushed.clone()));
            }
        }
        self.store.push(Received { live: false, ..pushed });
    }
}
