//! Our light client in this process.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sotto_net::{
    Circle, Command, Connectivity, Event, NetConfig, NetHandle, PublishOutcome, Published, Purpose, Received, Sharding,
    client,
};
use tokio::sync::mpsc;

use crate::{CLUSTER, PATIENCE, SHARD};

/// A running light client; it stops when it is dropped.
pub struct Client {
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<Event>,
    past: Vec<Event>,
    next_id: u64,
}

/// Unix nanoseconds.
pub fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_nanos() as i64
}

/// A client of the tests' network, with the nodes for both circles, quick to dial again.
pub fn client_config(nodes: &[&str]) -> NetConfig {
    let nodes = nodes.iter().map(|node| (*node).to_owned()).collect();
    let mut config = NetConfig::new(nodes, CLUSTER, Sharding::Static(vec![SHARD]));
    config.single_circle = true;
    config.timing.redial = Duration::from_millis(50);
    config
}

impl Client {
    /// Starts it on the current runtime, with the nodes for both circles.
    pub fn start(nodes: &[&str]) -> Self {
        Self::start_with(client_config(nodes))
    }

    /// The same with other settings.
    pub fn start_with(config: NetConfig) -> Self {
        let (handle, run) = client::start(config).unwrap();
        tokio::spawn(run);
        let NetHandle { commands, events } = handle;
        Self { commands, events, past: Vec::new(), next_id: 0 }
    }

    /// Gives a command.
    pub async fn send(&self, command: Command) {
        self.commands.send(command).await.unwrap();
    }

    /// The first event, past or to come, that `pick` takes; the others are kept.
    pub async fn until<T>(&mut self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        for index in 0..self.past.len() {
            if let Some(picked) = pick(&self.past[index]) {
                self.past.remove(index);
                return picked;
            }
        }
        let search = async {
            loop {
                let event = self.events.recv().await.expect("the client runs");
                match pick(&event) {
                    Some(picked) => return picked,
                    None => self.past.push(event),
                }
            }
        };
        match tokio::time::timeout(PATIENCE, search).await {
            Ok(picked) => picked,
            Err(_) => panic!("in vain: {what}"),
        }
    }

    /// Waits until reachability is as wanted.
    pub async fn connectivity(&mut self, wanted: impl Fn(&Connectivity) -> bool) {
        self.until("connectivity", |event| match event {
            Event::Connectivity(now) if wanted(now) => Some(()),
            _ => None,
        })
        .await;
    }

    /// Subscribes to these topics and no others, and waits until a node has agreed.
    pub async fn subscribe(&mut self, topics: &[&str]) {
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        self.send(Command::Subscribe { topics }).await;
        self.connectivity(|now| now.subscribed).await;
    }

    /// Starts to publish; the answer is [`Client::published`]'s for the number returned.
    pub async fn publish(&mut self, topic: &str, payload: &[u8], timestamp_ns: i64) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(Command::Publish {
            id,
            topic: topic.to_owned(),
            payload: payload.to_vec(),
            timestamp_ns,
            other_ns: None,
            purpose: Purpose::Probe(Vec::new()),
            spread: None,
        })
        .await;
        id
    }

    /// The result of the publish, and the message's hash.
    pub async fn published(&mut self, id: u64) -> (PublishOutcome, [u8; 32]) {
        self.until("published", |event| match event {
            Event::Published(Published { id: this, outcome, hash, .. }) if *this == id => Some((*outcome, *hash)),
            _ => None,
        })
        .await
    }

    /// The next message.
    pub async fn message(&mut self) -> Received {
        self.until("a message", |event| match event {
            Event::Message(message) => Some(message.clone()),
            _ => None,
        })
        .await
    }

    /// All pages of a range of one topic.
    pub async fn pages(&mut self, topic: &str, start_ns: i64, end_ns: i64, newest_first: bool) -> Vec<Vec<Received>> {
        self.next_id += 1;
        let id = self.next_id;
        self.send(Command::Query {
            id,
            circle: Circle::Receive,
            topics: vec![topic.to_owned()],
            start_ns,
            end_ns: Some(end_ns),
            newest_first,
            most_bytes: None,
        })
        .await;
        let mut pages = Vec::new();
        loop {
            let (messages, last) = self
                .until("a page", |event| match event {
                    Event::Page { id: this, messages, last, .. } if *this == id => Some((messages.clone(), *last)),
                    Event::QueryFailed { id: this, reason } if *this == id => {
                        panic!("query failed: {reason:?}")
                    }
                    _ => None,
                })
                .await;
            pages.push(messages);
            if last {
                return pages;
            }
        }
    }

    /// The hashes that the store has.
    pub async fn check(&mut self, hashes: Vec<[u8; 32]>) -> Vec<[u8; 32]> {
        self.next_id += 1;
        let id = self.next_id;
        self.send(Command::Check { id, hashes, not: None }).await;
        self.until("an answer of the store", |event| match event {
            Event::Checked { id: this, present, .. } if *this == id => Some(present.clone()),
            Event::CheckFailed { id: this, reason } if *this == id => {
                panic!("check failed: {reason:?}")
            }
            _ => None,
        })
        .await
    }
}
