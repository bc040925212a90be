//! Lightpush, both versions: reading requests, wording answers.

use sotto_wire::waku::{
    self, LightPushRequest, LightPushResponse, LightPushStatus, PushRequest, PushResponse, PushRpc, RATE_LIMITED_ID,
    WakuMessage,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Sent to so many peers.
    Relayed(u32),
    /// It had come before; so many peers have it.
    Seen(u32),
    NoPeers,
    TooLarge,
    Invalid,
    /// A shard that is not served here.
    OtherShard,
    TooMany,
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

#[derive(Debug, Default)]
pub(crate) struct Push {
    pub(crate) id: String,
    pub(crate) pubsub_topic: Option<String>,
    pub(crate) message: Option<WakuMessage>,
}

impl Push {
    /// Reads a request, of v3 or v2.
    pub(crate) fn read(v3: bool, body: &[u8]) -> Option<Self> {
        if v3 {
            let LightPushRequest { request_id, pubsub_topic, message } = waku::decode(body).ok()?;
            return Some(Self { id: request_id.unwrap_or_default(), pubsub_topic, message });
        }
        let PushRpc { request_id, request, .. } = waku::decode(body).ok()?;
        let PushRequest { pubsub_topic, message } = request?;
        Some(Self { id: request_id.unwrap_or_default(), pubsub_topic, message })
    }
}

/// The answer to a request, of v3 or v2.
pub(crate) fn answer(v3: bool, id: String, taken: Taken) -> Vec<u8> {
    let (status, text) = taken.status();
    let request_id = Some(if taken.anonymous() { RATE_LIMITED_ID.into() } else { id });
    if v3 {
        return waku::encode_framed(&LightPushResponse {
            request_id,
            status_code: Some(status.code()),
            status_desc: Some(text.into()),
            relay_peer_count: taken.peers(),
        });
    }
    let response = PushResponse { is_success: Some(status == LightPushStatus::Ok), info: Some(text.into()) };
    waku::encode_framed(&PushRpc { request_id, request: None, response: Some(response) })
}
