//! Store queries on their way: room for the answer, what the archive has, the answer.

use libp2p::{PeerId, Stream};
use sotto_wire::waku::StoreStatus;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::actor::{Actor, Done};
use super::answer::write;
use super::archive::{ArchiveError, ArchiveFilter, ArchivePage, ArchiveQuery, ArchiveRequest};
use super::slots::Slot;
use super::store::{self, Asked};

/// A query.
pub(super) struct Query {
    asked: Asked,
    query: ArchiveQuery,
    /// Bytes of the request.
    size: usize,
    stream: Stream,
    /// Of the stream.
    slot: Slot,
}

impl Actor {
    /// A page is long, and its reader may be slow or not read at all: none is made before there is room for it.
    pub(super) fn store(&mut self, peer: &PeerId, body: &[u8], allowed: bool, at: (Stream, Slot)) {
        let (stream, slot) = at;
        let refusal = match store::read(body) {
            _ if !allowed => (StoreStatus::TooManyRequests, "TOO_MANY_REQUESTS"),
            None => (StoreStatus::BadRequest, "malformed query"),
            Some((asked, query)) if !self.may_hold(&query) => {
                let nothing = store::answer(&asked, Ok(ArchivePage::default()));
                return self.answer((stream, slot), nothing);
            }
            Some((asked, query)) => {
                let size = body.len();
                let query = Query { asked, query, size, stream, slot };
                return self.await_room(peer, query);
            }
        };
        let (status, text) = refusal;
        self.answer((stream, slot), store::refuse(status, text));
    }

    /// Of other shards than its own a node archives nothing.
    fn may_hold(&self, query: &ArchiveQuery) -> bool {
        match &query.filter {
            ArchiveFilter::Range { pubsub_topic: Some(topic), .. } => self.served(Some(topic.clone()), "").is_some(),
            _ => true,
        }
    }

    fn await_room(&mut self, peer: &PeerId, query: Query) {
        let Some(room) = self.peers.get(peer).map(|state| state.places.page()) else {
            return;
        };
        let within = self.config.limits.request_within;
        self.work.push(Box::pin(async move {
            let room = timeout(within, room).await.ok().flatten();
            Done::Query(Box::new(query), room)
        }));
    }

    /// Asks the archive, if there is room for the answer.
    pub(super) fn query(&mut self, query: Query, room: Option<Slot>) {
        let Query { asked, query, size, mut stream, slot } = query;
        let (reply, found) = oneshot::channel();
        let request = || ArchiveRequest::Query { query, reply };
        let room = room.filter(|_| self.ends.archive.put(size, request));
        let Some(mut room) = room else {
            let refusal = store::refuse(StoreStatus::Unavailable, "overloaded");
            return self.answer((stream, slot), refusal);
        };
        self.work.push(Box::pin(async move {
            let found = found.await.unwrap_or(Err(ArchiveError::Failed));
            let answer = store::answer(&asked, found);
            room.shrink(answer.len());
            write(&mut stream, &answer).await;
            drop((slot, room));
            Done::Finished
        }));
    }
}
