//! The answers of a light client: metadata, because nodes hang up without it, and pings.

use std::sync::Arc;
use std::time::Duration;

use sotto_wire::waku::{self, WakuMetadata, protocol};

use crate::config::NetConfig;
use crate::exchange::{self, PING};
use crate::streams::Inbound;

/// Time limit for a peer to send its request.
const REQUEST_WITHIN: Duration = Duration::from_secs(20);

pub(crate) fn metadata(config: &NetConfig) -> Arc<[u8]> {
    waku::encode_framed(&WakuMetadata::new(config.cluster, &config.sharding.list())).into()
}

/// Answers a stream of metadata or ping.
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
