//! Traffic with a filter node: requests, pings, and push streams.

use std::time::Duration;

use libp2p::{PeerId, Stream};
use sotto_wire::waku::{self, FilterSubscribeRequest, FilterSubscribeResponse, MessagePush, protocol};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::filter::FilterAsk;
use crate::exchange::{self, ExchangeError, exchange};
use crate::random;
use crate::streams::{Inbound, Opener};

pub(crate) type Pushed = (PeerId, MessagePush);

/// One request; the answer is a status code.
pub(crate) async fn ask(opener: Opener, peer: PeerId, ask: &FilterAsk, limit: Duration) -> Result<u32, ExchangeError> {
    let request = FilterSubscribeRequest {
        request_id: Some(random::request_id()),
        filter_subscribe_type: Some(ask.kind.into()),
        pubsub_topic: ask.shard.map(|shard| shard.to_string()),
        content_topics: ask.topics.clone(),
    };
    let answer: FilterSubscribeResponse =
        exchange(&opener, peer, protocol::FILTER_SUBSCRIBE, &request, waku::FILTER_RESPONSE_CAP, limit).await?;
    Ok(answer.status_code.unwrap_or_default())
}

/// Pings a node; returns the stream for the next ping.
pub(crate) async fn alive(
    opener: Opener,
    peer: PeerId,
    stream: Option<Stream>,
    limit: Duration,
) -> Result<Stream, ExchangeError> {
    let stream = match stream {
        Some(stream) => stream,
        None => timeout(limit, exchange::open_ping(&opener, peer)).await.map_err(|_| ExchangeError::Timeout)??,
    };
    exchange::ping(stream, limit).await
}

/// Reads pushes until the stream ends: one from go nodes, many from nim nodes.
pub(crate) async fn read(mut inbound: Inbound, max_message: usize, pushed: mpsc::Sender<Pushed>) {
    let cap = waku::push_cap(max_message);
    loop {
        let push = match exchange::read_frame(&mut inbound.stream, cap).await {
            Ok(Some(body)) => waku::decode(&body),
            Ok(None) => return,
            Err(error) => return log::debug!("a push stream broke: {error}"),
        };
        let Ok(push) = push else {
            return log::debug!("a push is malformed");
        };
        if pushed.send((inbound.peer, push)).await.is_err() {
            return;
        }
    }
}
