//! Nodes with an archive in memory, clients with awaited events, scripted peers.

#![allow(dead_code, missing_docs)] // each test file uses a part of it

pub(crate) mod bad;
pub(crate) mod peer;
pub(crate) mod raw;
pub(crate) mod tree;

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sotto_net::service::{
    self, ArchiveError, ArchiveFilter, ArchivePage, ArchiveQuery, ArchiveRequest, Archived, NodeStop,
};
use sotto_net::{
    Command, Event, KnownNode, NetConfig, NetHandle, NodeConfig, NodeEvent, NodeKey, Published, Purpose, Sharding,
    client,
};
use sotto_wire::waku::{WakuMessage, message_hash};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub(crate) const CLUSTER: u16 = 66;
pub(crate) const PUBSUB: &str = "/waku/2/rs/66/0";
pub(crate) const TOPIC: &str = "/sotto/1/h00-0000/proto";
/// Longest wait of any test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

pub(crate) fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_nanos() as i64
}

pub(crate) fn sharding() -> Sharding {
    Sharding::Static(vec![0])
}

pub(crate) fn net_config(nodes: &[&str]) -> NetConfig {
    let nodes = nodes.iter().map(|node| (*node).to_owned()).collect();
    NetConfig::new(nodes, CLUSTER, sharding())
}

/// One node for both circles, with short waits.
pub(crate) fn single(node: &str) -> NetConfig {
    let mut config = net_config(&[node]);
    config.single_circle = true;
    config.timing.redial = Duration::from_millis(50);
    config
}

pub(crate) fn node_config() -> NodeConfig {
    let listen = ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"];
    NodeConfig::new(listen.map(str::to_owned).to_vec(), CLUSTER, sharding())
}

/// A node that is alone in its network.
pub(crate) fn alone() -> NodeConfig {
    let mut config = node_config();
    config.alone = true;
    config
}

/// Messages by time and hash.
#[derive(Default)]
pub(crate) struct Archive(pub(crate) BTreeMap<(i64, [u8; 32]), Archived>);

impl Archive {
    pub(crate) fn put(&mut self, one: Archived) {
        let time = one.message.timestamp.unwrap();
        self.0.insert((time, one.hash), one);
    }

    pub(crate) fn page(&self, query: &ArchiveQuery) -> Result<ArchivePage, ArchiveError> {
        let found: Vec<&Archived> = self.0.values().filter(|one| fits(query, one)).collect();
        let from = match query.cursor {
            None => None,
            Some(cursor) => {
                let place = found.iter().position(|one| one.hash == cursor);
                Some(place.ok_or(ArchiveError::UnknownCursor)?)
            }
        };
        let rest = match (query.forward, from) {
            (true, from) => &found[from.map_or(0, |at| at + 1)..],
            (false, from) => &found[..from.unwrap_or(found.len())],
        };
        let taken = rest.len().min(query.limit);
        let page = if query.forward { &rest[..taken] } else { &rest[rest.len() - taken..] };
        Ok(ArchivePage { messages: page.iter().copied().cloned().collect(), more: rest.len() > taken })
    }
}

fn fits(query: &ArchiveQuery, one: &Archived) -> bool {
    match &query.filter {
        ArchiveFilter::Hashes(hashes) => hashes.contains(&one.hash),
        ArchiveFilter::Range { pubsub_topic, content_topics, start_ns, end_ns } => {
            let time = one.message.timestamp.unwrap();
            pubsub_topic.as_ref().is_none_or(|topic| *topic == one.pubsub_topic)
                && (content_topics.is_empty() || content_topics.contains(&one.message.content_topic))
                && start_ns.is_none_or(|start| start <= time)
                && end_ns.is_none_or(|end| time <= end)
        }
    }
}

pub(crate) fn archived(payload: Vec<u8>, timestamp_ns: i64) -> Archived {
    let message = WakuMessage::new(TOPIC.into(), payload, timestamp_ns);
    Archived { hash: message_hash(PUBSUB, &message), pubsub_topic: PUBSUB.into(), message }
}

/// A running service node.
pub(crate) struct Node {
    pub(crate) addresses: Vec<String>,
    /// The address of discv5, if it runs.
    pub(crate) record: Option<String>,
    pub(crate) stop: NodeStop,
    /// Numbers of (connected, relaying) peers.
    pub(crate) peers: watch::Receiver<(u32, u32)>,
    /// How often it woke up.
    pub(crate) polls: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<()>>,
}

impl Node {
    pub(crate) async fn start(config: NodeConfig) -> Self {
        Self::start_with(config, NodeKey::generate(), Archive::default()).await
    }

    pub(crate) async fn start_with(config: NodeConfig, key: NodeKey, mut archive: Archive) -> Self {
        let (handle, future) = service::start(config, key).unwrap();
        let (mut events, mut requests, stop) = (handle.events, handle.archive, handle.stop);
        let polls = Arc::new(AtomicUsize::new(0));
        let (counted, mut future) = (Arc::clone(&polls), Box::pin(future));
        let run = tokio::spawn(poll_fn(move |cx| {
            counted.fetch_add(1, Ordering::Relaxed);
            future.as_mut().poll(cx)
        }));
        let serve = tokio::spawn(async move {
            while let Some(request) = requests.recv().await {
                match request {
                    ArchiveRequest::Put(one) => archive.put(one),
                    ArchiveRequest::Query { query, reply } => {
                        let _ = reply.send(archive.page(&query));
                    }
                }
            }
        });
        let mut record = None;
        let addresses = loop {
            match soon("listening", events.recv()).await {
                Some(NodeEvent::Listening(addresses)) => break addresses,
                Some(NodeEvent::Record(own)) => record = Some(own),
                other => panic!("{other:?}"),
            }
        };
        let (told, peers) = watch::channel((0, 0));
        let listen = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let NodeEvent::Peers { connected, relays, .. } = event {
                    told.send_replace((connected, relays));
                }
            }
        });
        Self { addresses, record, stop, peers, polls, tasks: vec![run, serve, listen] }
    }

    pub(crate) fn tcp(&self) -> &str {
        &self.addresses[0]
    }

    pub(crate) async fn relays(&mut self, wanted: u32) {
        let seen = self.peers.wait_for(|(_, relays)| *relays >= wanted);
        soon("relay peers", seen).await.unwrap();
    }

    pub(crate) async fn connected(&mut self, wanted: u32) {
        let seen = self.peers.wait_for(|(connected, _)| *connected == wanted);
        soon("peers", seen).await.unwrap();
    }

    /// Stops the node and waits until its sockets are closed.
    pub(crate) async fn stop(self) {
        self.stop.stop();
        for task in self.tasks {
            soon("the end of a node", task).await.unwrap();
        }
    }
}

/// Two nodes that relay to each other.
pub(crate) async fn pair() -> (Node, Node) {
    let mut a = Node::start(node_config()).await;
    let mut config = node_config();
    config.peers = vec![a.tcp().to_owned()];
    let mut b = Node::start(config).await;
    a.relays(1).await;
    b.relays(1).await;
    (a, b)
}

/// A running light client.
pub(crate) struct Client {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) events: mpsc::Receiver<Event>,
    /// The peer book, by the events so far.
    pub(crate) book: BTreeMap<String, KnownNode>,
}

impl Client {
    pub(crate) fn start(config: NetConfig) -> Self {
        let (handle, future) = client::start(config).unwrap();
        tokio::spawn(future);
        let NetHandle { commands, events } = handle;
        let book = BTreeMap::new();
        Self { commands, events, book }
    }

    pub(crate) async fn send(&self, command: Command) {
        self.commands.send(command).await.unwrap();
    }

    pub(crate) async fn publish(&self, id: u64, payload: Vec<u8>) {
        let topic = TOPIC.into();
        let timestamp_ns = now_ns();
        let purpose = Purpose::Probe(Vec::new());
        let command = Command::Publish { id, topic, payload, timestamp_ns, other_ns: None, purpose, spread: None };
        self.send(command).await;
    }

    pub(crate) async fn subscribe(&self, topics: &[&str]) {
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        self.send(Command::Subscribe { topics }).await;
    }

    /// The first event that `pick` accepts; earlier ones are dropped.
    pub(crate) async fn until<T>(&mut self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        soon(what, async {
            loop {
                let event = self.events.recv().await.expect("the client is gone");
                self.note(&event);
                if let Some(picked) = pick(event) {
                    return picked;
                }
            }
        })
        .await
    }

    /// Takes changes of the peer book.
    pub(crate) fn note(&mut self, event: &Event) {
        if let Event::Book { changed, gone } = event {
            self.book.retain(|peer, _| !gone.contains(peer));
            let changed = changed.iter().map(|node| (node.peer.clone(), node.clone()));
            self.book.extend(changed);
        }
    }

    pub(crate) async fn subscribed(&mut self) {
        self.until("subscribed", |event| matches!(event, Event::Connectivity(now) if now.subscribed).then_some(()))
            .await;
    }

    pub(crate) async fn published(&mut self) -> (sotto_net::PublishOutcome, Option<u64>, [u8; 32]) {
        self.until("published", |event| match event {
            Event::Published(Published { outcome, node, hash, .. }) => Some((outcome, node, hash)),
            _ => None,
        })
        .await
    }
}

/// An address of the node that others connect to from this IP address.
#[cfg(target_os = "linux")]
pub(crate) async fn through(ip: &'static str, node: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port().to_string();
    let mut address: Vec<&str> = node.split('/').collect();
    let to = format!("127.0.0.1:{}", address[4]).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(format!("{ip}:0").parse().unwrap()).unwrap();
            let mut far = socket.connect(to).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut near, &mut far).await });
        }
    });
    address[4] = &own;
    address.join("/")
}
