//! What a light client answers: metadata, because nodes hang up on who does not, and pings.

use std::sync::Arc;
use std::time::Duration;

use sotto_wire::waku::{self, WakuMetadata, protocol};

use crate::config::NetConfig;
use crate::exchange::{self, PING};
use crate::streams::Inbound;

/// For a peer that opened a stream to say something on it.
const REQUEST_WITHIN: Duration = Duration::from_secs(20);

pub(crate) fn metadata(config: &NetConfig) -> Arc<[u8]> {
    waku::encode_framed(&WakuMetadata::new(config.cluster, &config.sharding.list())).into()
}

/// Answers a stream of one of the small protocols.
pub(crate) async fn answer(inbound: Inbound, metadata: Arc<[u8]>) {
    let Inbound { protocol, mut stream, .. } = inbound;
    if protocol == PING {
        exchange::answer_pings(stream, REQUEST_WITHIN, Duration::MAX).await;
    } else if protocol == protocol::METADATA {
        let request = exchange::read_request(&mut stream, waku::METADATA_CAP, REQUEST_WITHIN);
        if let exchange::Read::Request(Some(_)) = request.await {
            exchange::write_answer(&mut stream, &metadata, REQUEST_WITHIN).await;
        }
    }
}
