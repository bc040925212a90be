//! Finds nodes by discv5 under Waku's protocol id (33/WAKU2-DISCV5), over UDP, with the `discv5` crate.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use alloy_rlp::Decodable as _;
use discv5::{ConfigBuilder, Discv5, Enr, ListenConfig, ProtocolIdentity};
use enr::{CombinedKey, NodeId};
use sotto_wire::waku::record_key;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::record::NodeRecord;

/// Waku's protocol id of discv5.
const IDENTITY: ProtocolIdentity = ProtocolIdentity { protocol_id: *b"d5waku", protocol_version: [0, 1] };
/// Most walks of one search, and their time limit.
const WALKS: usize = 8;
const SEARCH_WITHIN: Duration = Duration::from_secs(30);

/// Settings of every discv5 here: only Waku's nodes enter the table.
pub(crate) fn builder(listen: ListenConfig) -> ConfigBuilder {
    let mut builder = ConfigBuilder::new(listen);
    builder
        .protocol_identity(IDENTITY)
        .ip_limit()
        .table_filter(|record| record.get_raw_rlp(record_key::SERVICES).is_some());
    builder
}

/// Nodes that random walks find. Records without Waku's values are skipped.
pub(crate) async fn walk(discv5: &Discv5) -> Vec<NodeRecord> {
    let found = discv5.find_node(NodeId::random()).await.unwrap_or_default();
    let read = found.iter().map(alloy_rlp::encode);
    let read = read.filter_map(|rlp| NodeRecord::decode(&rlp));
    let waku = |node: &NodeRecord| node.shards.is_some() && node.services.is_some();
    read.filter(waku).collect()
}

/// Up to `wanted` nodes that `fits` accepts, found from the given records. No table lists the searcher: its key is made
/// for this search, and its record names no address. Fails only without a socket.
pub(crate) async fn search(
    bootstrap: &[NodeRecord],
    wanted: usize,
    fits: impl Fn(&NodeRecord) -> bool,
) -> Result<Vec<NodeRecord>, Box<dyn std::error::Error + Send + Sync>> {
    let bind = async |ip| UdpSocket::bind(SocketAddr::new(ip, 0)).await.map(Arc::new);
    let ipv4 = bind(Ipv4Addr::UNSPECIFIED.into()).await;
    let ipv6 = bind(Ipv6Addr::UNSPECIFIED.into()).await.ok();
    let listen = match (ipv4, ipv6) {
        (Err(error), None) => return Err(error.into()),
        (ipv4, ipv6) => ListenConfig::FromSockets { ipv4: ipv4.ok(), ipv6 },
    };
    let key = CombinedKey::generate_secp256k1();
    let record = Enr::empty(&key)?;
    let config = builder(listen).disable_enr_update().build();
    let mut discv5 = Discv5::new(record, key, config)?;
    for record in bootstrap {
        let known = Enr::decode(&mut record.rlp.as_slice()).ok();
        if known.is_none_or(|record| discv5.add_enr(record).is_err()) {
            log::debug!("a first record cannot be used");
        }
    }
    discv5.start().await.map_err(|error| error.to_string())?;
    let mut found: Vec<NodeRecord> = Vec::new();
    let walks = async {
        for _ in 0..WALKS {
            let before = found.len();
            for node in walk(&discv5).await {
                if fits(&node) && found.iter().all(|other| other.peer != node.peer) {
                    found.push(node);
                }
            }
            if found.len() == before || found.len() >= wanted {
                return; // no new node: the network is small
            }
        }
    };
    let _ = timeout(SEARCH_WITHIN, walks).await; // nodes found before the limit count
    Ok(found)
}
