//! Lightpush, both versions: reading requests, wording answers.

use sotto_wire::waku::{
    self, LightPushRequest, LightPushResponse, LightPushStatus, Message as _, PushResponse, PushRpc, RATE_LIMITED_ID,
    WakuMessage,
};

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Sent to so many peers.
    Relayed(u32),
    /// It had come before; so many peers have it.
    Seen(u32),
    /// Nobody to relay it to.
    NoPeers,
    /// Over the network's limit.
    TooLarge,
    /// Not a message to relay.
    Invalid,
    /// A shard that is not served here.
    OtherShard,
    /// The peer asks too much.
    TooMany,
    /// Queues are full.
    Overloaded,
    /// The request cannot be read.
    Malformed,
    /// The request was not read, because of its length.
    TooLong,
}

impl Taken {
    fn status(self) -> (LightPushStatus, &'static str) {
        match self {
            Self::Relayed(_) => (LightPushStatus::Ok, "OK"),
            Self::Seen(_) => (LightPushStatus::Ok, "already seen"),
            Self::NoPeers => (LightPushStatus::NoPeers, "no peers to relay to"),
            Self::TooLarge | Self::TooLong => (LightPushStatus::PayloadTooLarge, "message too large"),
            Self::Invalid => (LightPushStatus::InvalidMessage, "invalid message"),
            Self::OtherShard => (LightPushStatus::UnsupportedTopic, "unsupported pubsub topic"),
            Self::TooMany => (LightPushStatus::TooManyRequests, "TOO_MANY_REQUESTS"),
            Self::Overloaded => (LightPushStatus::Unavailable, "overloaded"),
            Self::Malformed => (LightPushStatus::BadRequest, "malformed request"),
        }
    }

    fn peers(self) -> Option<u32> {
        match self {
            Self::Relayed(peers) | Self::Seen(peers) => Some(peers),
            _ => None,
        }
    }

    /// Refusals without a request to refer to.
    fn anonymous(self) -> bool {
        matches!(self, Self::TooMany | Self::Malformed | Self::TooLong)
    }
}

/// A request of either version.
#[derive(Debug, Default)]
pub(crate) struct Push {
    pub(crate) id: String,
    pub(crate) pubsub_topic: Option<String>,
    pub(crate) message: Option<WakuMessage>,
}

pub(crate) fn read_v3(body: &[u8]) -> Option<Push> {
    let request: LightPushRequest = waku::decode(body).ok()?;
    Some(Push {
        id: request.request_id.unwrap_or_default(),
        pubsub_topic: request.pubsub_topic,
        message: request.message,
    })
}

pub(crate) fn read_v2(body: &[u8]) -> Option<Push> {
    let rpc: PushRpc = waku::decode(body).ok()?;
    let request = rpc.request?;
    Some(Push { id: rpc.request_id.unwrap_or_default(), pubsub_topic: request.pubsub_topic, message: request.message })
}

pub(crate) fn answer_v3(id: String, taken: Taken) -> Vec<u8> {
    let (status, text) = taken.status();
    waku::encode_framed(&LightPushResponse {
        request_id: Some(answer_id(id, taken)),
        status_code: Some(status.code()),
        status_desc: Some(text.into()),
        relay_peer_count: taken.peers(),
    })
}

pub(crate) fn answer_v2(id: String, taken: Taken) -> Vec<u8> {
    let (status, text) = taken.status();
    waku::encode_framed(&PushRpc {
        request_id: Some(answer_id(id, taken)),
        request: None,
        response: Some(PushResponse { is_success: Some(status == LightPushStatus::Ok), info: Some(text.into()) }),
    })
}

fn answer_id(id: String, taken: Taken) -> String {
    if taken.anonymous() { RATE_LIMITED_ID.into() } else { id }
}

/// The gossip bytes of a message. What the decoder does not know is gone.
pub(crate) fn data(message: &WakuMessage) -> Vec<u8> {
    message.encode_to_vec()
}
