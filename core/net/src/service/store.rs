//! Store v3: reads requests as checked queries, and writes pages of bounded size.

use sotto_wire::waku::{
    self, Message as _, RATE_LIMITED_ID, STORE_PAGE_LIMIT, StoreQueryRequest, StoreQueryResponse, StoreStatus,
    WakuMessageKeyValue,
};

use super::archive::{ArchiveError, ArchiveFilter, ArchivePage, ArchiveQuery, Archived};

/// Entries of a page if the request names no number.
const DEFAULT_PAGE: u64 = 20;
/// Most content topics of a query.
const TOPICS: usize = 10;
/// Most hashes of a query.
const HASHES: usize = 100;
/// Longest page, bytes; one message always fits.
pub(crate) const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// Parts of the request that the answer repeats.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    id: String,
    include_data: bool,
    forward: bool,
}

/// Reads a request as a query, or as the answer that it gets at once. `body` is `None` if the request was too long to
/// be read. `serves` says whether the node serves a pubsub topic: it archives nothing of other shards.
pub(crate) fn query(
    body: Option<&[u8]>,
    allowed: bool,
    serves: impl Fn(&str) -> bool,
) -> Result<(Asked, ArchiveQuery), Vec<u8>> {
    let body = body.ok_or_else(|| refuse(StoreStatus::BadRequest, "query too long"))?;
    if !allowed {
        return Err(refuse(StoreStatus::TooManyRequests, "TOO_MANY_REQUESTS"));
    }
    let (asked, query) = read(body).ok_or_else(|| refuse(StoreStatus::BadRequest, "malformed query"))?;
    match &query.filter {
        ArchiveFilter::Range { pubsub_topic: Some(topic), .. } if !serves(topic) => {
            Err(answer(&asked, Ok(ArchivePage::default())))
        }
        _ => Ok((asked, query)),
    }
}

/// The query of a request; `None` if the request is invalid.
fn read(body: &[u8]) -> Option<(Asked, ArchiveQuery)> {
    let request: StoreQueryRequest = waku::decode(body).ok()?;
    let cursor = match request.pagination_cursor.as_deref() {
        None | Some([]) => None,
        Some(bytes) => Some(<[u8; 32]>::try_from(bytes).ok()?),
    };
    let forward = request.pagination_forward.unwrap_or_default();
    let limit = match request.pagination_limit.unwrap_or_default() {
        0 => DEFAULT_PAGE,
        limit => limit.min(STORE_PAGE_LIMIT),
    };
    let asked = Asked {
        id: request.request_id.clone().unwrap_or_default(),
        include_data: request.include_data.unwrap_or_default(),
        forward,
    };
    let query = ArchiveQuery {
        filter: filter(request)?,
        cursor,
        forward,
        limit: usize::try_from(limit).ok()?,
        bytes: asked.include_data.then_some(PAGE_BYTES),
    };
    Some((asked, query))
}

fn filter(request: StoreQueryRequest) -> Option<ArchiveFilter> {
    let topics = request.content_topics;
    if request.message_hashes.is_empty() {
        // Content topics have a meaning only within a shard.
        let good = topics.len() <= TOPICS && (topics.is_empty() || request.pubsub_topic.is_some());
        return good.then_some(ArchiveFilter::Range {
            pubsub_topic: request.pubsub_topic,
            content_topics: topics,
            start_ns: request.time_start,
            end_ns: request.time_end,
        });
    }
    // js-waku names the shard here too. A hash covers its shard, so the field is redundant.
    let mixed = !topics.is_empty() || request.time_start.is_some() || request.time_end.is_some();
    if mixed || request.message_hashes.len() > HASHES {
        return None;
    }
    let hashes: Result<Vec<[u8; 32]>, _> = request.message_hashes.into_iter().map(<[u8; 32]>::try_from).collect();
    hashes.ok().map(ArchiveFilter::Hashes)
}

pub(crate) fn answer(asked: &Asked, found: Result<ArchivePage, ArchiveError>) -> Vec<u8> {
    match found {
        Ok(page) => page_answer(asked, page),
        Err(ArchiveError::UnknownCursor) => refuse(StoreStatus::BadRequest, "unknown cursor"),
        Err(ArchiveError::Failed) => refuse(StoreStatus::ArchiveError, "archive failed"),
    }
}

pub(crate) fn refuse(status: StoreStatus, text: &str) -> Vec<u8> {
    let id = match status {
        StoreStatus::TooManyRequests => RATE_LIMITED_ID,
        _ => "",
    };
    waku::encode_framed(&StoreQueryResponse {
        request_id: Some(id.into()),
        status_code: Some(status.code()),
        status_desc: Some(text.into()),
        messages: Vec::new(),
        pagination_cursor: None,
    })
}

fn page_answer(asked: &Asked, page: ArchivePage) -> Vec<u8> {
    let (messages, more) = cut(page, asked);
    let edge = if asked.forward { messages.last() } else { messages.first() };
    let pagination_cursor = edge.filter(|_| more).map(|edge| edge.hash.to_vec());
    let entry = |one: Archived| WakuMessageKeyValue {
        message_hash: Some(one.hash.to_vec()),
        message: asked.include_data.then_some(one.message),
        pubsub_topic: asked.include_data.then_some(one.pubsub_topic),
    };
    waku::encode_framed(&StoreQueryResponse {
        request_id: Some(asked.id.clone()),
        status_code: Some(StoreStatus::Ok.code()),
        status_desc: Some("OK".into()),
        messages: messages.into_iter().map(entry).collect(),
        pagination_cursor,
    })
}

/// Removes entries at the far end until the page fits.
fn cut(page: ArchivePage, asked: &Asked) -> (Vec<Archived>, bool) {
    let ArchivePage { mut messages, more } = page;
    if !asked.include_data {
        return (messages, more);
    }
    if !asked.forward {
        messages.reverse();
    }
    let mut bytes = 0;
    let fits = |one: &&Archived| {
        bytes += one.message.encoded_len();
        bytes <= PAGE_BYTES
    };
    let (all, kept) = (messages.len(), messages.iter().take_while(fits).count().max(1));
    messages.truncate(kept);
    if !asked.forward {
        messages.reverse();
    }
    (messages, more || kept < all)
}

#[cfg(test)]
mod tests;
