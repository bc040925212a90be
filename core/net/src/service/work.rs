//! Running work of the actor: streams that peers opened, requests to peers, answers.

use std::time::Duration;

use futures::future::Abortable;
use libp2p::{PeerId, Stream, StreamProtocol};
use sotto_wire::waku::{self, WakuMetadata, protocol};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::archive::{ArchiveError, ArchivePage, ArchiveQuery};
use super::config::NodeConfig;
use super::slots::Slot;
use super::store::{self, Asked};
use crate::exchange::{self, ExchangeError, PING, Read};
use crate::streams::{Inbound, Opener};

/// Time limit for a peer to name its cluster.
const METADATA_WITHIN: Duration = Duration::from_secs(10);
/// Longest time between pings on one stream; js-waku pings every five minutes.
const PINGS_WITHIN: Duration = Duration::from_secs(15 * 60);
/// Time limit for a relay peer's sign of life.
const ALIVE_WITHIN: Duration = Duration::from_secs(15);
/// Time limit for a peer to read an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

pub(super) enum Done {
    /// A request was read, or was too long.
    Request(PeerId, StreamProtocol, Option<Vec<u8>>, Asker),
    /// There is room for a query's answer, or there was none in time.
    Query(Box<Query>, Option<Slot>),
    Finished,
    /// A pusher ended: the subscriber accepts nothing more, or its queue was closed.
    PushEnded(PeerId, u64),
    /// The cluster that a peer named.
    Cluster(PeerId, Result<Option<u16>, ExchangeError>),
    Alive(PeerId, bool),
}

/// The stream of an answer, and its slot.
pub(super) struct Asker {
    stream: Stream,
    _slot: Slot,
}

/// A store query that waits for room for its answer.
pub(super) struct Query {
    pub(super) query: ArchiveQuery,
    pub(super) size: usize,
    pub(super) asked: Asked,
    pub(super) asker: Asker,
}

/// Answers pings, or reads the request, on a stream that a peer opened.
pub(super) async fn read(inbound: Inbound, slot: Slot, opener: Opener, max_message: usize, limit: Duration) -> Done {
    let Inbound { peer, protocol, mut stream } = inbound;
    let cap = match protocol.as_ref() {
        PING => {
            stream.ignore_for_keep_alive();
            exchange::answer_pings(stream, limit, PINGS_WITHIN).await;
            return Done::Finished;
        }
        protocol::FILTER_SUBSCRIBE => waku::FILTER_REQUEST_CAP,
        protocol::LIGHTPUSH_V3 | protocol::LIGHTPUSH_V2 => waku::lightpush_request_cap(max_message),
        protocol::STORE => waku::STORE_REQUEST_CAP,
        protocol::PEER_EXCHANGE => waku::PEER_EXCHANGE_CAP,
        _ => waku::METADATA_CAP,
    };
    match exchange::read_request(&mut stream, cap, limit).await {
        Read::Request(request) => return Done::Request(peer, protocol, request, Asker { stream, _slot: slot }),
        Read::Ended => {}
        Read::GivenUp => {
            drop(stream);
            exchange::send_resets(&opener, peer).await;
        }
    }
    Done::Finished
}

/// Writes an answer, within a time limit.
pub(super) async fn answer(mut asker: Asker, answer: Vec<u8>) -> Done {
    exchange::write_answer(&mut asker.stream, &answer, ANSWER_WITHIN).await;
    Done::Finished
}

/// Waits for room for a query's answer: pages are long and readers slow, so none is made before there is room.
pub(super) async fn await_room(query: Query, room: impl Future<Output = Option<Slot>>, within: Duration) -> Done {
    Done::Query(Box::new(query), timeout(within, room).await.ok().flatten())
}

/// Answers a query after the archive has answered.
pub(super) async fn answer_query(
    asked: Asked,
    asker: Asker,
    mut room: Slot,
    found: oneshot::Receiver<Result<ArchivePage, ArchiveError>>,
) -> Done {
    let page = store::answer(&asked, found.await.unwrap_or(Err(ArchiveError::Failed)));
    room.shrink(page.len());
    answer(asker, page).await
}

pub(super) fn cluster(opener: Opener, peer: PeerId, config: &NodeConfig) -> impl Future<Output = Done> + use<> {
    let ours = WakuMetadata::new(config.cluster, &config.sharding.list());
    async move { Done::Cluster(peer, exchange::cluster(opener, peer, ours, METADATA_WITHIN).await) }
}

pub(super) async fn alive(opener: Opener, peer: PeerId) -> Done {
    Done::Alive(peer, exchange::lives(&opener, peer, ALIVE_WITHIN).await)
}

/// Pushes to a subscriber until the pusher is aborted.
pub(super) async fn push(run: Abortable<impl Future<Output = ()>>, peer: PeerId, generation: u64) -> Done {
    let _ = run.await;
    Done::PushEnded(peer, generation)
}
