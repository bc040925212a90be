//! What the actor has under way: questions to nodes, searches, streams that are read.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use libp2p::{PeerId, Stream};
use sotto_wire::waku::{Services, WakuMetadata};
use tokio::sync::mpsc;

use super::circle::Circles;
use super::discover::{Origin, Search, USEFUL};
use super::filter::{self, FilterAsk};
use super::job::{Answer, Task};
use super::jobs;
use super::links::Ready;
use super::nodes::Kind;
use super::pushes::{self, Pushed};
use super::store::{self, Asked, Page};
use super::{alone, lightpush, serve};
use crate::config::NetConfig;
use crate::discovery::record::NodeRecord;
use crate::discovery::{discv5, dns_tree, peer_exchange};
use crate::exchange::{self, ExchangeError};
use crate::handle::NodeNumber;
use crate::streams::{Inbound, Opener};

/// Records wanted of a tree, and by discv5.
const FROM_TREES: usize = 20;
const FROM_DISCV5: usize = 8;

pub(super) enum Done {
    Filter(PeerId, FilterAsk, Result<u32, ExchangeError>),
    Alive(PeerId, Result<Stream, ExchangeError>),
    PushesEnded(PeerId),
    /// Whether a node says that it is of our network, or does not say.
    Cluster(Kind, Ready, Result<bool, ExchangeError>),
    /// The answer to a job. `None`: over a connection of its own, which is gone by now.
    Job(u64, Option<PeerId>, NodeNumber, Answer),
    Found(Origin, Vec<NodeRecord>),
    /// Something nobody waits for.
    Served,
}

pub(super) type Work = BoxFuture<'static, Done>;

pub(super) fn filter(opener: Opener, peer: PeerId, todo: filter::Todo, limit: Duration) -> Work {
    Box::pin(async move {
        match todo {
            filter::Todo::Ask(ask) => {
                let answer = pushes::ask(opener, peer, &ask, limit).await;
                Done::Filter(peer, ask, answer)
            }
            filter::Todo::Alive(stream) => Done::Alive(peer, pushes::alive(opener, peer, stream, limit).await),
        }
    })
}

pub(super) fn read(inbound: Inbound, max_message: usize, pushed: mpsc::Sender<Pushed>) -> Work {
    let peer = inbound.peer;
    Box::pin(async move {
        pushes::read(inbound, max_message, pushed).await;
        Done::PushesEnded(peer)
    })
}

/// Answers a stream of one of the small protocols.
pub(super) fn serve(inbound: Inbound, metadata: Arc<[u8]>) -> Work {
    Box::pin(async move {
        serve::answer(inbound, metadata).await;
        Done::Served
    })
}

pub(super) fn cluster(opener: Opener, kind: Kind, ready: Ready, config: &NetConfig) -> Work {
    let ours = WakuMetadata::new(config.cluster, &config.sharding.list());
    let (limit, own) = (config.timing.request, config.cluster);
    Box::pin(async move {
        let cluster = exchange::cluster(opener, ready.peer, ours, limit).await;
        Done::Cluster(kind, ready, cluster.map(|theirs| theirs.is_none_or(|theirs| theirs == own)))
    })
}

pub(super) fn job(
    number: u64,
    id: u64,
    ask: jobs::Ask,
    circles: &Circles,
    config: Arc<NetConfig>,
    pages: mpsc::Sender<Page>,
) -> Work {
    match ask {
        jobs::Ask::Ready(kind, ready, task) => {
            let asked = Asked::new(circles.get(kind).opener.clone(), ready.peer, ready.node, &config);
            Box::pin(async move {
                let answer = match task {
                    Task::Publish { shard, message, .. } => {
                        Answer::Published(lightpush::push(asked, ready.offers, shard, message).await)
                    }
                    Task::Query(query) => {
                        let mut sent = 0;
                        let result = store::query(asked, query, id, pages, &mut sent).await;
                        Answer::Queried(sent, result)
                    }
                    Task::Check(hashes) => Answer::Checked(store::present(asked, hashes).await),
                };
                Done::Job(number, Some(ready.peer), ready.node, answer)
            })
        }
        jobs::Ask::Alone(node, query) => Box::pin(async move {
            let (node_number, mut sent) = (node.number, 0);
            let result = alone::query(config, node, query, id, pages, &mut sent).await;
            Done::Job(number, None, node_number, Answer::Queried(sent, result))
        }),
    }
}

pub(super) fn search(search: Search, origin: Origin, circles: &Circles, config: &NetConfig) -> Work {
    let (cluster, shards) = (config.cluster, config.sharding.list());
    match search {
        Search::Discv5(known) => Box::pin(async move {
            let fits = |record: &NodeRecord| record.fits(cluster, &shards, Services::RELAY);
            let found = discv5::search(&known, FROM_DISCV5, fits).await;
            Done::Found(origin, found.inspect_err(|error| log::warn!("no discv5: {error}")).unwrap_or_default())
        }),
        Search::Trees(trees) => {
            let servers = config.dns_servers.clone();
            Box::pin(async move {
                let fits = |record: &NodeRecord| record.fits(cluster, &shards, USEFUL);
                let found = dns_tree::walk(&servers, &trees, FROM_TREES, fits).await;
                let found = found.inspect_err(|error| log::warn!("no DNS server can be asked: {}", error.kind()));
                Done::Found(origin, found.unwrap_or_default())
            })
        }
        Search::Peer(kind, ready) => {
            let (opener, limit) = (circles.get(kind).opener.clone(), config.timing.request);
            Box::pin(async move {
                let found = peer_exchange::ask(opener, ready.peer, limit).await;
                Done::Found(origin, found.unwrap_or_default())
            })
        }
    }
}
