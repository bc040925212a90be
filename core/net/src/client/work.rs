//! Running work of the actor: requests to nodes, searches, streams that are read.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p::{PeerId, Stream};
use sotto_wire::waku::{
    self, FilterSubscribeRequest, FilterSubscribeResponse, MessagePush, Services, WakuMetadata, protocol,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::circle::{Circle, Happened};
use super::discover::{Search, USEFUL};
use super::filter::{FilterAsk, Todo};
use super::job::{Answer, Task};
use super::jobs::Ask;
use super::links::Ready;
use super::nodes::{Kind, Node, Offers, Service};
use super::store::{self, Asked, Page, StoreError};
use super::{lightpush, upload};
use crate::config::NetConfig;
use crate::discovery::record::NodeRecord;
use crate::discovery::{discv5, dns_tree, peer_exchange};
use crate::exchange::{self, ExchangeError, PING, exchange};
use crate::handle::{FailReason, NodeNumber};
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
    /// A stream was served, or a job ended before its answer.
    Nothing,
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
    Done::Nothing
}

pub(super) async fn cluster(opener: Opener, kind: Kind, ready: Ready, config: Arc<NetConfig>) -> Done {
    Done::Cluster(kind, ready, is_ours(&opener, ready.peer, &config).await)
}

/// Whether a node names our network, or none.
async fn is_ours(opener: &Opener, peer: PeerId, config: &NetConfig) -> Result<bool, ExchangeError> {
    let ours = WakuMetadata::new(config.cluster, &config.sharding.list());
    let theirs = exchange::cluster(opener.clone(), peer, ours, config.timing.request).await?;
    Ok(theirs.is_none_or(|theirs| theirs == config.cluster))
}

/// Works until it is done, or until the job has ended.
pub(super) async fn until(ended: oneshot::Receiver<()>, job: impl Future<Output = Done>) -> Done {
    tokio::select! {
        biased;
        _ = ended => Done::Nothing,
        done = job => done,
    }
}

pub(super) async fn job(
    number: u64,
    id: u64,
    ask: Ask,
    opener: Opener,
    config: Arc<NetConfig>,
    pages: mpsc::Sender<Page>,
) -> Done {
    match ask {
        Ask::Ready(ready, task) => {
            let asked = Asked { opener, peer: ready.peer, node: ready.node, config };
            let answer = answer(asked, ready.offers, task, id, pages).await;
            Done::Job(number, Some(ready.peer), ready.node, answer)
        }
        Ask::Alone(node, task) => {
            let answer = match OwnLink::to(&node, service(&task), &config).await {
                Ok((link, offers)) => link.answer(&node, offers, task, id, pages, config).await,
                Err(reason) => unasked(&task, reason),
            };
            Done::Job(number, None, node.number, answer)
        }
    }
}

async fn answer(asked: Asked, offers: Offers, task: Task, id: u64, pages: mpsc::Sender<Page>) -> Answer {
    match task {
        Task::Publish { shard, message } => Answer::Published(lightpush::push(asked, offers, shard, message).await),
        Task::Upload(batch) => Answer::Uploaded(upload::push(asked, offers, batch).await),
        Task::Query(query) => {
            let mut sent = 0;
            let result = store::query(asked, query, id, pages, &mut sent).await;
            Answer::Queried(sent, result)
        }
        Task::Check(hashes) => Answer::Checked(store::present(asked, hashes).await),
    }
}

fn service(task: &Task) -> Service {
    if matches!(task, Task::Upload(_)) { Service::LightPush } else { Service::Store }
}

/// The answer to a task that could not be sent.
fn unasked(task: &Task, reason: FailReason) -> Answer {
    match (task, reason) {
        (Task::Upload(_), reason) => Answer::Uploaded(Err(reason)),
        (_, FailReason::Unsupported) => Answer::Queried(0, Err(StoreError::NotOffered)),
        _ => Answer::Queried(0, Err(StoreError::Exchange(ExchangeError::Timeout))),
    }
}

/// A connection for one task, with a key that is used once. It closes when it is dropped.
struct OwnLink {
    circle: Circle,
    metadata: Arc<[u8]>,
    served: FuturesUnordered<BoxFuture<'static, Done>>,
}

impl OwnLink {
    /// Connects to a node that offers this service.
    async fn to(node: &Node, service: Service, config: &NetConfig) -> Result<(Self, Offers), FailReason> {
        let circle = Circle::new(Kind::Alone, config).map_err(|_| FailReason::Timeout)?;
        let mut link = Self { circle, metadata: metadata(config), served: FuturesUnordered::new() };
        if !link.circle.dial(node, &[], Instant::now()) {
            return Err(FailReason::Timeout);
        }
        match timeout(config.timing.reach, link.identified()).await {
            Ok(Some(offers)) if offers.has(service) => Ok((link, offers)),
            Ok(Some(_)) => Err(FailReason::Unsupported),
            Ok(None) | Err(_) => Err(FailReason::Timeout),
        }
    }

    /// Serves the connection until the node sends identify; `None` if the connection is lost before.
    async fn identified(&mut self) -> Option<Offers> {
        loop {
            let happened = tokio::select! {
                Some(_) = self.served.next() => continue,
                happened = self.circle.next() => happened,
            };
            match happened {
                // Metadata is answered at once, or the node hangs up.
                Some(Happened::Stream(inbound)) => {
                    self.served.push(Box::pin(serve(inbound, Arc::clone(&self.metadata))));
                }
                Some(Happened::Identified(ready)) => return Some(ready.offers),
                Some(Happened::Lost(..)) => return None,
                None => {}
            }
        }
    }

    async fn answer(
        mut self,
        node: &Node,
        offers: Offers,
        task: Task,
        id: u64,
        pages: mpsc::Sender<Page>,
        config: Arc<NetConfig>,
    ) -> Answer {
        let (opener, peer) = (self.circle.opener.clone(), node.peer);
        let mut answer = pin!(async {
            // What another network accepts reaches nobody.
            if matches!(task, Task::Upload(_)) && offers.metadata {
                match is_ours(&opener, peer, &config).await {
                    Ok(true) => {}
                    Ok(false) => return unasked(&task, FailReason::Lied),
                    Err(error) => return unasked(&task, error.reason()),
                }
            }
            let asked = Asked { opener, peer, node: node.number, config };
            answer(asked, offers, task, id, pages).await
        });
        // A lost connection fails the exchange in progress.
        loop {
            tokio::select! {
                answer = &mut answer => return answer,
                _ = self.identified() => {}
            }
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
