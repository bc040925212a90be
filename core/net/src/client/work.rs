//! Running work of the actor: requests to nodes, searches, streams that are read.

use std::sync::Arc;
use std::time::Duration;

use libp2p::{PeerId, Stream};
use sotto_wire::waku::{Services, WakuMetadata};
use tokio::sync::mpsc;

use super::discover::{Origin, Search, USEFUL};
use super::filter::{self, FilterAsk};
use super::job::{Answer, Task};
use super::links::Ready;
use super::nodes::Kind;
use super::pushes::{self, Pushed};
use super::store::{self, Asked, Page};
use super::{alone, jobs, lightpush, serve};
use crate::config::NetConfig;
use crate::discovery::record::NodeRecord;
use crate::discovery::{discv5, dns_tree, peer_exchange};
use crate::exchange::{self, ExchangeError};
use crate::handle::NodeNumber;
use crate::streams::{Inbound, Opener};

/// Records wanted from trees, and from discv5.
const FROM_TREES: usize = 20;
const FROM_DISCV5: usize = 8;

pub(super) enum Done {
    Filter(PeerId, FilterAsk, Result<u32, ExchangeError>),
    Alive(PeerId, Result<Stream, ExchangeError>),
    PushesEnded(PeerId),
    /// Whether a node named our network, or named none.
    Cluster(Kind, Ready, Result<bool, ExchangeError>),
    /// The answer to a job. `None`: it came over a connection of its own, which is closed.
    Job(u64, Option<PeerId>, NodeNumber, Answer),
    Found(Origin, Vec<NodeRecord>),
    /// Work without a result.
    Served,
}

pub(super) async fn filter(opener: Opener, peer: PeerId, todo: filter::Todo, limit: Duration) -> Done {
    match todo {
        filter::Todo::Ask(ask) => {
            let answer = pushes::ask(opener, peer, &ask, limit).await;
            Done::Filter(peer, ask, answer)
        }
        filter::Todo::Alive(stream) => Done::Alive(peer, pushes::alive(opener, peer, stream, limit).await),
    }
}

pub(super) async fn read(inbound: Inbound, max_message: usize, pushed: mpsc::Sender<Pushed>) -> Done {
    let peer = inbound.peer;
    pushes::read(inbound, max_message, pushed).await;
    Done::PushesEnded(peer)
}

/// Answers a stream of metadata or ping.
pub(super) async fn serve(inbound: Inbound, metadata: Arc<[u8]>) -> Done {
    serve::answer(inbound, metadata).await;
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
    ask: jobs::Ask,
    opener: Opener,
    config: Arc<NetConfig>,
    pages: mpsc::Sender<Page>,
) -> Done {
    let mut sent = 0;
    match ask {
        jobs::Ask::Ready(ready, task) => {
            let asked = Asked::new(opener, ready.peer, ready.node, &config);
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
        jobs::Ask::Alone(node, query) => {
            let node_number = node.number;
            let result = alone::query(config, node, query, id, pages, &mut sent).await;
            Done::Job(number, None, node_number, Answer::Queried(sent, result))
        }
    }
}

/// Searches for nodes; `opener`: of the circle whose node is asked.
pub(super) async fn search(search: Search, origin: Origin, opener: Opener, config: Arc<NetConfig>) -> Done {
    let shards = config.sharding.list();
    let fits = |record: &NodeRecord, services| record.fits(config.cluster, &shards, services);
    let found = match search {
        Search::Discv5(known) => {
            let found = discv5::search(&known, FROM_DISCV5, |record| fits(record, Services::RELAY)).await;
            found.inspect_err(|error| log::warn!("no discv5: {error}")).unwrap_or_default()
        }
        Search::Trees(trees) => {
            let fits = |record: &NodeRecord| fits(record, USEFUL);
            let found = dns_tree::walk(&config.dns_servers, &trees, FROM_TREES, fits).await;
            found.inspect_err(|error| log::warn!("no DNS server can be asked: {}", error.kind())).unwrap_or_default()
        }
        Search::Peer(ready) => peer_exchange::ask(opener, ready.peer, config.timing.request).await.unwrap_or_default(),
    };
    Done::Found(origin, found)
}
