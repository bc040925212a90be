//! Publishes a message at a node, by v3 or v2, and reads the answer.

use sotto_wire::waku::{
    self, LightPushRequest, LightPushResponse, LightPushStatus, PushRequest, PushResponse, PushRpc, Shard, WakuMessage,
    protocol,
};

use super::nodes::Offers;
use super::store::Asked;
use crate::exchange::{ExchangeError, exchange};
use crate::handle::{FailReason, PublishOutcome};
use crate::random;

pub(crate) async fn push(
    asked: Asked,
    offers: Offers,
    shard: Shard,
    message: WakuMessage,
) -> Result<PublishOutcome, ExchangeError> {
    let Asked { opener, peer, config, .. } = asked;
    let (cap, limit) = (waku::LIGHTPUSH_RESPONSE_CAP, config.timing.request);
    let request_id = Some(random::request_id());
    let pubsub_topic = Some(shard.to_string());
    if offers.lightpush_v3 {
        let request = LightPushRequest { request_id, pubsub_topic, message: Some(message) };
        return Ok(read_v3(&exchange(&opener, peer, protocol::LIGHTPUSH_V3, &request, cap, limit).await?));
    }
    let request =
        PushRpc { request_id, request: Some(PushRequest { pubsub_topic, message: Some(message) }), response: None };
    let answer: PushRpc = exchange(&opener, peer, protocol::LIGHTPUSH_V2, &request, cap, limit).await?;
    Ok(read_v2(&answer.response.unwrap_or_default()))
}

/// The request id is not compared: refusals carry `N/A` or nothing, and a stream carries one answer.
fn read_v3(answer: &LightPushResponse) -> PublishOutcome {
    use PublishOutcome::{Duplicate, Failed, Refused};
    let text = answer.status_desc.as_deref().unwrap_or_default();
    match LightPushStatus::from_code(answer.status_code.unwrap_or_default()) {
        LightPushStatus::Ok => match answer.relay_peer_count.unwrap_or_default() {
            0 => Failed(FailReason::NoRelayPeers),
            peers => PublishOutcome::Relayed { peers },
        },
        _ if seen_before(text) => Duplicate,
        LightPushStatus::BadRequest | LightPushStatus::PayloadTooLarge | LightPushStatus::InvalidMessage => Refused,
        LightPushStatus::UnsupportedTopic | LightPushStatus::OutOfRlnProof => Failed(FailReason::Unsupported),
        LightPushStatus::NoPeers | LightPushStatus::Unavailable => Failed(FailReason::NoRelayPeers),
        LightPushStatus::TooManyRequests | LightPushStatus::InternalError | LightPushStatus::Other(_) => {
            Failed(FailReason::Busy)
        }
    }
}

/// v2 has no codes; these are the texts of nim and go nodes.
fn read_v2(answer: &PushResponse) -> PublishOutcome {
    use PublishOutcome::{Duplicate, Failed, Refused};
    if answer.is_success == Some(true) {
        return PublishOutcome::Accepted;
    }
    let text = answer.info.as_deref().unwrap_or_default();
    let has = |word: &str| text.to_ascii_lowercase().contains(word);
    if seen_before(text) {
        Duplicate
    } else if has("rate limit") {
        Failed(FailReason::Busy) // go: "exceeds the rate limit"
    } else if has("too large") || has("exceeds") || has("invalid message") {
        Refused
    } else if has("no peers") || has("no relay peers") || has("not enough peers") {
        Failed(FailReason::NoRelayPeers)
    } else if has("not subscribed") || has("unsupported") {
        Failed(FailReason::Unsupported)
    } else {
        Failed(FailReason::Busy)
    }
}

fn seen_before(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("already seen") || text.contains("duplicate") || text.contains("already been")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v3(code: u32, text: &str, peers: Option<u32>) -> PublishOutcome {
        read_v3(&LightPushResponse {
            request_id: None,
            status_code: Some(code),
            status_desc: Some(text.into()),
            relay_peer_count: peers,
        })
    }

    #[test]
    fn v3_answers() {
        let failed = PublishOutcome::Failed;
        assert_eq!(v3(200, "", Some(3)), PublishOutcome::Relayed { peers: 3 });
        assert_eq!(v3(200, "", Some(0)), failed(FailReason::NoRelayPeers));
        assert_eq!(v3(200, "", None), failed(FailReason::NoRelayPeers));
        assert_eq!(v3(505, "", None), failed(FailReason::NoRelayPeers));
        assert_eq!(v3(503, "", None), failed(FailReason::NoRelayPeers));
        assert_eq!(v3(429, "", None), failed(FailReason::Busy));
        assert_eq!(v3(421, "", None), failed(FailReason::Unsupported));
        assert_eq!(v3(413, "", None), PublishOutcome::Refused);
        assert_eq!(v3(420, "too big", None), PublishOutcome::Refused);
        assert_eq!(v3(420, "Message already seen", None), PublishOutcome::Duplicate);
        assert_eq!(v3(0, "", None), failed(FailReason::Busy));
    }

    #[test]
    fn v2_answers() {
        let v2 = |ok, text: &str| read_v2(&PushResponse { is_success: Some(ok), info: Some(text.into()) });
        let failed = PublishOutcome::Failed;
        assert_eq!(v2(true, "OK"), PublishOutcome::Accepted);
        assert_eq!(v2(false, "TOO_MANY_REQUESTS"), failed(FailReason::Busy));
        assert_eq!(v2(false, "exceeds the rate limit"), failed(FailReason::Busy));
        assert_eq!(v2(false, "duplicate message"), PublishOutcome::Duplicate);
        assert_eq!(v2(false, "No peers for topic"), failed(FailReason::NoRelayPeers));
        assert_eq!(v2(false, "message size exceeds limit"), PublishOutcome::Refused);
        assert_eq!(read_v2(&PushResponse::default()), failed(FailReason::Busy));
    }
}
