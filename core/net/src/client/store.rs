//! Store v3: time ranges page by page, presence by hash. Every answer is checked against its request.

use std::collections::HashSet;
use std::sync::Arc;

use libp2p::PeerId;
use sotto_wire::waku::{
    self, FrameError, Shard, StoreQueryRequest, StoreQueryResponse, StoreStatus, WakuMessageKeyValue, protocol,
};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::config::NetConfig;
use crate::exchange::{ExchangeError, exchange};
use crate::handle::{FailReason, NodeNumber, Received};
use crate::random;
use crate::streams::Opener;

/// Most pages of one query; an honest store needs no more.
pub(crate) const MAX_PAGES: usize = 1000;
/// Most bytes of one query's messages: a fortnight of the busiest bucket that is subscribed to (20 MB a day).
const MAX_BYTES: usize = 256 * 1024 * 1024;
/// Most pages of one query that are short without a reason. Each is a request, and may take as long as one.
const MAX_THIN: usize = 30;
/// A page of this many bytes has a reason to be short.
const FAT: usize = 256 * 1024;
/// Entries of a page, and entries if such a page is too large.
const PAGE: u64 = waku::STORE_PAGE_LIMIT;
const SMALL_PAGE: u64 = 20;
/// How often in a row a store may report to be busy within a query.
const PATIENCE: u32 = 5;
/// Longest page that is read, bytes; then a smaller page is asked for.
const PAGE_CAP: usize = 4 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) shard: Shard,
    pub(crate) topics: Vec<String>,
    pub(crate) start_ns: i64,
    pub(crate) end_ns: Option<i64>,
    pub(crate) newest_first: bool,
    /// The query ends after this many payload bytes, as if the range ended there: anybody can fill a topic.
    pub(crate) most_bytes: usize,
    /// Whether pages are small from the start: chunks are large.
    pub(crate) small_pages: bool,
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) id: u64,
    pub(crate) messages: Vec<Received>,
    pub(crate) last: bool,
    /// Whether the query ends at its limit of bytes although the store has more.
    pub(crate) more: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) opener: Opener,
    pub(crate) peer: PeerId,
    pub(crate) node: NodeNumber,
    pub(crate) config: Arc<NetConfig>,
}

#[derive(Debug)]
pub(crate) enum StoreError {
    Exchange(ExchangeError),
    Status(StoreStatus),
    /// The answer does not match the request.
    Lied,
    NotOffered,
    Stopped,
}

impl StoreError {
    pub(crate) fn reason(&self) -> FailReason {
        match self {
            Self::Exchange(error) => error.reason(),
            Self::Lied => FailReason::Lied,
            Self::Status(StoreStatus::BadRequest) | Self::NotOffered => FailReason::Unsupported,
            Self::Status(_) => FailReason::Busy,
            Self::Stopped => FailReason::Closing,
        }
    }
}

/// Asks for page after page, and hands each over before asking for the next; `sent` counts them.
pub(crate) async fn query(
    asked: Asked,
    query: Arc<Query>,
    id: u64,
    pages: mpsc::Sender<Page>,
    sent: &mut usize,
) -> Result<End, StoreError> {
    let mut walk = Walk::new(&query);
    let mut limit = if query.small_pages { SMALL_PAGE } else { PAGE };
    let mut patience = PATIENCE;
    loop {
        let request = walk.request(limit);
        let cap = waku::store_response_cap(limit, asked.config.max_message);
        let answer = match ask(&asked, &request, cap.min(PAGE_CAP)).await {
            Err(StoreError::Exchange(ExchangeError::Malformed(FrameError::TooLarge { .. }))) if limit > SMALL_PAGE => {
                limit = SMALL_PAGE;
                continue;
            }
            Err(StoreError::Status(StoreStatus::TooManyRequests)) if *sent > 0 && patience > 0 => {
                patience -= 1;
                sleep(random::jitter(asked.config.timing.busy)).await;
                continue;
            }
            other => other?,
        };
        let (messages, end) = walk.take(answer, limit, asked.node)?;
        let (last, more) = (end.is_some(), end == Some(End::Full));
        pages.send(Page { id, messages, last, more }).await.map_err(|_| StoreError::Stopped)?;
        *sent += 1;
        patience = PATIENCE;
        if let Some(end) = end {
            return Ok(end);
        }
    }
}

/// The hashes that a node's store has.
pub(crate) async fn present(asked: Asked, hashes: Vec<[u8; 32]>) -> Result<Vec<[u8; 32]>, StoreError> {
    let request = StoreQueryRequest {
        request_id: Some(random::request_id()),
        include_data: Some(false),
        message_hashes: hashes.iter().map(|hash| hash.to_vec()).collect(),
        pagination_forward: Some(true),
        pagination_limit: Some(PAGE),
        ..StoreQueryRequest::default()
    };
    let answer = ask(&asked, &request, waku::store_response_cap(PAGE, 0)).await?;
    let had = answer.messages.iter().map(hash_of).collect::<Result<HashSet<_>, _>>()?;
    if had.iter().any(|hash| !hashes.contains(hash)) {
        return Err(StoreError::Lied);
    }
    Ok(hashes.into_iter().filter(|hash| had.contains(hash)).collect())
}

async fn ask(asked: &Asked, request: &StoreQueryRequest, cap: usize) -> Result<StoreQueryResponse, StoreError> {
    let limit = asked.config.timing.request;
    let answer: StoreQueryResponse = exchange(&asked.opener, asked.peer, protocol::STORE, request, cap, limit)
        .await
        .map_err(StoreError::Exchange)?;
    match StoreStatus::from_code(answer.status_code.unwrap_or_default()) {
        StoreStatus::Ok => Ok(answer),
        status => Err(StoreError::Status(status)),
    }
}

fn hash_of(entry: &WakuMessageKeyValue) -> Result<[u8; 32], StoreError> {
    entry.message_hash.as_deref().and_then(|hash| hash.try_into().ok()).ok_or(StoreError::Lied)
}

/// Why a query ends with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The store has no more.
    Whole,
    /// The limit of bytes is reached.
    Full,
}

struct Walk<'a> {
    query: &'a Query,
    cursor: Option<[u8; 32]>,
    /// Time of the last page's final entry, in the direction of the query.
    edge_ns: Option<i64>,
    /// Hashes handed over so far. A store that repeats them without end is lying.
    had: HashSet<[u8; 32]>,
    pages: usize,
    thin: usize,
    bytes: usize,
}

impl<'a> Walk<'a> {
    fn new(query: &'a Query) -> Self {
        Self { query, cursor: None, edge_ns: None, had: HashSet::new(), pages: 0, thin: 0, bytes: 0 }
    }

    fn request(&self, limit: u64) -> StoreQueryRequest {
        StoreQueryRequest {
            request_id: Some(random::request_id()),
            include_data: Some(true),
            pubsub_topic: Some(self.query.shard.to_string()),
            content_topics: self.query.topics.clone(),
            time_start: Some(self.query.start_ns),
            time_end: self.query.end_ns,
            message_hashes: Vec::new(),
            pagination_cursor: self.cursor.map(|cursor| cursor.to_vec()),
            pagination_forward: Some(!self.query.newest_first),
            pagination_limit: Some(limit),
        }
    }

    /// Checks a page: hashes, topics, times, order, progress. Returns its messages, and whether it is the last one.
    fn take(
        &mut self,
        answer: StoreQueryResponse,
        limit: u64,
        node: NodeNumber,
    ) -> Result<(Vec<Received>, Option<End>), StoreError> {
        if answer.messages.len() as u64 > limit {
            return Err(StoreError::Lied);
        }
        let cursor = answer.pagination_cursor.filter(|cursor| !cursor.is_empty()).map(<[u8; 32]>::try_from);
        let cursor = cursor.transpose().map_err(|_| StoreError::Lied)?;
        let messages = answer.messages.into_iter().map(|entry| self.entry(entry, node));
        let mut messages = messages.collect::<Result<Vec<_>, _>>()?;
        let sorted = messages.is_sorted_by_key(|message| message.timestamp_ns);
        if !sorted || !self.advances(&messages) {
            return Err(StoreError::Lied);
        }
        // js stores answer a cursor at the end with an empty page.
        let cursor = cursor.filter(|_| !messages.is_empty());
        messages.retain(|message| self.had.insert(message.hash));
        let Some(cursor) = cursor else {
            return Ok((messages, Some(End::Whole)));
        };
        let bytes: usize = messages.iter().map(|one| one.payload.len()).sum();
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes >= self.query.most_bytes {
            return Ok((messages, Some(End::Full)));
        }
        self.pages += 1;
        self.thin += usize::from((messages.len() as u64) < SMALL_PAGE && bytes < FAT);
        let endless = self.pages >= MAX_PAGES || self.bytes >= MAX_BYTES || self.thin >= MAX_THIN;
        if messages.is_empty() || endless {
            return Err(StoreError::Lied);
        }
        self.cursor = Some(cursor);
        Ok((messages, None))
    }

    /// Whether a page comes after the previous one, in the direction of the query.
    fn advances(&mut self, page: &[Received]) -> bool {
        let (Some(first), Some(last)) = (page.first(), page.last()) else {
            return true;
        };
        let (near, far) = if self.query.newest_first { (last, first) } else { (first, last) };
        let edge_ns = self.edge_ns.replace(far.timestamp_ns).unwrap_or(near.timestamp_ns);
        if self.query.newest_first { near.timestamp_ns <= edge_ns } else { near.timestamp_ns >= edge_ns }
    }

    fn entry(&self, entry: WakuMessageKeyValue, node: NodeNumber) -> Result<Received, StoreError> {
        let hash = hash_of(&entry)?;
        let message = entry.message.ok_or(StoreError::Lied)?;
        let shard = self.query.shard.to_string();
        let timestamp_ns = message.timestamp.unwrap_or_default();
        let asked_for = entry.pubsub_topic.is_none_or(|topic| topic == shard)
            && self.query.topics.contains(&message.content_topic)
            && timestamp_ns >= self.query.start_ns
            && self.query.end_ns.is_none_or(|end_ns| timestamp_ns <= end_ns);
        if !asked_for || waku::message_hash(&shard, &message) != hash {
            return Err(StoreError::Lied);
        }
        Ok(Received { topic: message.content_topic, payload: message.payload, timestamp_ns, hash, node, live: false })
    }
}

#[cfg(test)]
mod tests;
