//! Lightpush v2 and v3: reads requests and writes answers.

use sotto_wire::waku::{
    self, LightPushRequest, LightPushResponse, LightPushStatus, PushRequest, PushResponse, PushRpc, RATE_LIMITED_ID,
    WakuMessage,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Relayed to this many peers.
    Relayed(u32),
    /// The message was known; this many peers have it.
    Seen(u32),
    NoPeers,
    TooLarge,
    Invalid,
    /// The node does not serve the shard.
    OtherShard,
    TooMany,
    Overloaded,
    /// The request cannot be read.
    Malformed,
    /// The request was too long to be read.
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

    /// A refusal of a request that was not read.
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
    /// Reads a v3 or v2 request.
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

/// Writes the answer to a v3 or v2 request.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use sotto_wire::waku::Message as _;

    use super::*;

    #[test]
    fn both_versions_are_read_and_answered() {
        let message = WakuMessage::new("/t/1/n/proto".into(), vec![1], 1);
        let (request_id, pubsub_topic) = (Some("7".to_owned()), Some("shard".to_owned()));
        let v3 = LightPushRequest {
            request_id: request_id.clone(),
            pubsub_topic: pubsub_topic.clone(),
            message: Some(message.clone()),
        };
        let request = PushRequest { pubsub_topic, message: Some(message.clone()) };
        let v2 = PushRpc { request_id, request: Some(request), response: None };
        for (is_v3, body) in [(true, v3.encode_to_vec()), (false, v2.encode_to_vec())] {
            let push = Push::read(is_v3, &body).unwrap();
            assert_eq!((push.id.as_str(), push.pubsub_topic.as_deref()), ("7", Some("shard")));
            assert_eq!(push.message, Some(message.clone()));
            assert!(Push::read(is_v3, b"\xff").is_none());
        }
        assert!(Push::read(false, b"").is_none(), "nothing in it");
        let v3 = |taken| {
            let answer: LightPushResponse = waku::decode_framed(&answer(true, "7".into(), taken), 999).unwrap();
            (answer.request_id.unwrap(), answer.status_code.unwrap(), answer.relay_peer_count)
        };
        assert_eq!(v3(Taken::Relayed(3)), ("7".into(), 200, Some(3)));
        assert_eq!(v3(Taken::NoPeers), ("7".into(), 505, None));
        assert_eq!(v3(Taken::TooMany), (RATE_LIMITED_ID.into(), 429, None));
        let v2 = |taken| {
            let answer: PushRpc = waku::decode_framed(&answer(false, "7".into(), taken), 999).unwrap();
            (answer.request_id.unwrap(), answer.response.unwrap().is_success.unwrap())
        };
        assert_eq!(v2(Taken::Seen(1)), ("7".into(), true));
        assert_eq!(v2(Taken::Malformed), (RATE_LIMITED_ID.into(), false));
    }
}
