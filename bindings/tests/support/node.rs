//! A real service node in this process, its archive in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use sotto_net::service::{self, ArchiveError, ArchiveFilter, ArchivePage, ArchiveQuery, ArchiveRequest, Archived};
use sotto_net::{NodeConfig, NodeEvent, NodeKey, Sharding};
use tokio::sync::watch;

const PATIENCE: Duration = Duration::from_secs(30);

/// Runs until its runtime ends.
pub(crate) struct Node {
    pub(crate) address: String,
    relays: watch::Receiver<u32>,
}

impl Node {
    /// Starts on a free port of the network of preset `local`, meshed with `peers`.
    pub(crate) async fn start(peers: Vec<String>) -> Self {
        let listen = vec!["/ip4/127.0.0.1/tcp/0".to_owned()];
        let mut config = NodeConfig::new(listen, 66, Sharding::Static(vec![0]));
        config.peers = peers;
        let (handle, future) = service::start(config, NodeKey::generate()).unwrap();
        let (mut events, mut requests, stop) = (handle.events, handle.archive, handle.stop);
        tokio::spawn(future);
        tokio::spawn(async move {
            let mut archive = Archive::default();
            while let Some(request) = requests.recv().await {
                match request {
                    ArchiveRequest::Put(one) => archive.put(one),
                    ArchiveRequest::Query { query, reply } => {
                        let _ = reply.send(archive.page(&query));
                    }
                }
            }
        });
        let first = tokio::time::timeout(PATIENCE, events.recv()).await;
        let Ok(Some(NodeEvent::Listening(mut addresses))) = first else { panic!("{first:?}") };
        let (told, relays) = watch::channel(0);
        tokio::spawn(async move {
            let _running = stop;
            while let Some(event) = events.recv().await {
                if let NodeEvent::Peers { relays, .. } = event {
                    told.send_replace(relays);
                }
            }
        });
        Self { address: addresses.remove(0), relays }
    }

    /// Waits for a relay peer.
    pub(crate) async fn meshed(&mut self) {
        let seen = self.relays.wait_for(|relays| *relays > 0);
        tokio::time::timeout(PATIENCE, seen).await.unwrap().unwrap();
    }
}

/// Messages by time and hash.
#[derive(Default)]
struct Archive(BTreeMap<(i64, [u8; 32]), Archived>);

impl Archive {
    fn put(&mut self, one: Archived) {
        let time = one.message.timestamp.unwrap();
        self.0.insert((time, one.hash), one);
    }

    fn page(&self, query: &ArchiveQuery) -> Result<ArchivePage, ArchiveError> {
        let found: Vec<_> = self.0.values().filter(|one| fits(query, one)).collect();
        let place = |cursor| found.iter().position(|one| one.hash == cursor);
        let cursor = match query.cursor.map(place) {
            Some(None) => return Err(ArchiveError::UnknownCursor),
            Some(Some(place)) => Some(place),
            None => None,
        };
        let rest = match (query.forward, cursor) {
            (true, place) => &found[place.map_or(0, |place| place + 1)..],
            (false, place) => &found[..place.unwrap_or(found.len())],
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
            let topic = &one.message.content_topic;
            pubsub_topic.as_ref().is_none_or(|shard| *shard == one.pubsub_topic)
                && (content_topics.is_empty() || content_topics.contains(topic))
                && start_ns.is_none_or(|start| start <= time)
                && end_ns.is_none_or(|end| time <= end)
        }
    }
}
