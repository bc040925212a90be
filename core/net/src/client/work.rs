//! Running work of the actor: requests to nodes, searches, streams that are read.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use libp2p::{PeerId, Stream};
use sotto_wire::waku::{
    self, FilterSubscribeRequest, FilterSubscribeResponse, MessagePush, Services, WakuMetadata, protocol,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::circle::{Circle, Happened};
use super::discover::{Search, USEFUL};
use super::filter::{FilterAsk, Todo};
use super::job::{Answer, Task};
use super::jobs::Ask;
use super::lightpush;
use super::links::Ready;
use super::nodes::{Kind, Node, Service};
use super::store::{self, Asked, Page, Query, StoreError};
use crate::config::NetConfig;
use crate::discovery::record::NodeRecord;
use crate::discovery::{discv5, dns_tree, peer_exchange};
use crate::exchange::{self, ExchangeError, PING, exchange};
use crate::handle::NodeNumber;
use crate::random;
use crate::streams::{Inbound, Opener};

/// Records wanted from trees, and from discv5.
const FROM_TREES: usize = 20;
const FROM_DISCV5: usize = 8;
/// Time limit for a peer to send its request.
const REQUEST_WITHIN: Duration = Duration::from_secs(20);

pub(super) type Pushed = (PeerId, MessagePush);

pub(super) enum Done {
    Filter(PeerId, FilterAsk, Result<u32, ExchangeError>),
    Alive(PeerId, Result<Stream, ExchangeError>),
    PushesEnded(PeerId),
    /// Whether a node named our network, or named none.
    Cluster(Kind, Ready, Result<bool, ExchangeError>),
    /// The answer to a job. `None`: it came over a connection of its own, which is closed.
    Job(u64, Option<PeerId>, NodeNumber, Answer),
    Found(Search, Vec<NodeRecord>),
    Served,
}

/// Sends a filter node a request, or pings it.
pub(super) async fn filter(opener: Opener, peer: PeerId, todo: Todo, limit: Duration) -> Done {
    match todo {
        Todo::Ask(ask) => {
            let request = FilterSubscribeRequest {
                request_id: Some(random::request_id()),
                filter_subscribe_type: Some(ask.kind.into()),
                pubsub_topic: ask.shard.map(|shard| shard.to_string()),
                content_topics: ask.topics.clone(),
            };
            let cap = waku::FILTER_RESPONSE_CAP;
            let answer = exchange(&opener, peer, protocol::FILTER_SUBSCRIBE, &request, cap, limit).await;
            let code = answer.map(|answer: FilterSubscribeResponse| answer.status_code.unwrap_or_default());
            Done::Filter(peer, ask, code)
        }
        Todo::Alive(stream) => Done::Alive(peer, exchange::ping(&opener, peer, stream, limit).await),
    }
}

/// Reads pushes until the stream ends: one from go nodes, many from nim nodes.
pub(super) async fn read(mut inbound: Inbound, max_message: usize, pushed: mpsc::Sender<Pushed>) -> Done {
    let cap = waku::push_cap(max_message);
    while let Ok(Some(body)) = exchange::read_frame(&mut inbound.stream, cap).await
        && let Ok(push) = waku::decode(&body)
        && pushed.send((inbound.peer, push)).await.is_ok()
    {}
    Done::PushesEnded(inbound.peer)
}

pub(super) fn metadata(config: &NetConfig) -> Arc<[u8]> {
    waku::encode_framed(&WakuMetadata::new(config.cluster, &config.sharding.list())).into()
}

/// Answers a stream of ping, or of metadata, without which nodes hang up.
pub(super) async fn serve(inbound: Inbound, metadata: Arc<[u8]>) -> Done {
    let Inbound { protocol, mut stream, .. } = inbound;
    if protocol == PING {
        exchange::answer_pings(stream, REQUEST_WITHIN, Duration::MAX).await;
    } else if protocol == protocol::METADATA {
        let request = exchange::read_request(&mut stream, waku::METADATA_CAP, REQUEST_WITHIN);
        if let exchange::Read::Request(Some(_)) = request.await {
            exchange::write_answer(&mut stream, &metadata, REQUEST_WITHIN).await;
        }
    }
    Done::Served
}

pub(super) async fn cluster(opener: Opener, kind: Kind, ready: Ready, config: Arc<NetConfig>) -> Done {
    let ours = WakuMetadata::new(config.cluster, &config.sharding.list());
    let cluster = exchange::cluster(opener, ready.peer, ours, config.timing.request).await;
    Done::Cluster(kind, ready, cluster.map(|theirs| theirs.is_none_or(|theirs| theirs == config.cluster)))
}

pub(super) async fn job(
    number: u64,
    id: u64,
    ask: Ask,
    opener: Opener,
    config: Arc<NetConfig>,
    pages: mpsc::Sender<Page>,
) -> Done {
    let mut sent = 0;
    match ask {
        Ask::Ready(ready, task) => {
            let asked = Asked { opener, peer: ready.peer, node: ready.node, config };
            let answer = match task {
                Task::Publish { shard, message } => {
                    Answer::Published(lightpush::push(asked, ready.offers, shard, message).await)
                }
                Task::Query(query) => {
                    let result = store::query(asked, query, id, pages, &mut sent).await;
                    Answer::Queried(sent, result)
                }
                Task::Check(hashes) => Answer::Checked(store::present(asked, hashes).await),
            };
            Done::Job(number, Some(ready.peer), ready.node, answer)
        }
        Ask::Alone(node, query) => {
            let result = alone(config, &node, query, id, pages, &mut sent).await;
            Done::Job(number, None, node.number, Answer::Queried(sent, result))
        }
    }
}

/// A store query over a connection of its own, with a key that is used once.
async fn alone(
    config: Arc<NetConfig>,
    node: &Node,
    query: Arc<Query>,
    id: u64,
    pages: mpsc::Sender<Page>,
    sent: &mut usize,
) -> Result<(), StoreError> {
    let unreachable = || StoreError::Exchange(ExchangeError::Timeout);
    let mut circle = Circle::new(Kind::Alone, &config).map_err(|_| unreachable())?;
    let metadata = metadata(&config);
    let mut served = FuturesUnordered::new();
    if !circle.dial(node, &[], Instant::now()) {
        return Err(unreachable());
    }
    let mut reach = pin!(sleep(config.timing.reach));
    let mut reached = false;
    let asked = Asked { opener: circle.opener.clone(), peer: node.peer, node: node.number, config };
    let mut answer = pin!(store::query(asked, query, id, pages, sent));
    loop {
        let happened = tokio::select! {
            result = &mut answer, if reached => return result,
            () = &mut reach, if !reached => return Err(unreachable()),
            Some(_) = served.next() => continue,
            happened = circle.next() => happened,
        };
        match happened {
            // Metadata is answered at once, or the node hangs up.
            Some(Happened::Stream(inbound)) => served.push(serve(inbound, Arc::clone(&metadata))),
            Some(Happened::Identified(ready)) if ready.offers.has(Service::Store) => reached = true,
            Some(Happened::Identified(_)) => return Err(StoreError::NotOffered),
            Some(Happened::Lost(..)) => return Err(unreachable()),
            None => {}
        }
    }
}

/// Searches for nodes; `opener`: of the circle whose node is asked.
pub(super) async fn search(search: Search, opener: Opener, config: Arc<NetConfig>) -> Done {
    let shards = config.sharding.list();
    let fits = |record: &NodeRecord, services| record.fits(config.cluster, &shards, services);
    let found = match &search {
        Search::Discv5(known, _) => {
            let found = discv5::search(known, FROM_DISCV5, |record| fits(record, Services::RELAY)).await;
            found.inspect_err(|error| log::warn!("no discv5: {error}")).unwrap_or_default()
        }
        Search::Dns(trees) => {
            let fits = |record: &NodeRecord| fits(record, USEFUL);
            let found = dns_tree::walk(&config.dns_servers, trees, FROM_TREES, fits).await;
            found.inspect_err(|error| log::warn!("no DNS server can be asked: {}", error.kind())).unwrap_or_default()
        }
        Search::Peer(_, asked, _) => {
            peer_exchange::ask(opener, asked.peer, config.timing.request).await.unwrap_or_default()
        }
    };
    Done::Found(search, found)
}
