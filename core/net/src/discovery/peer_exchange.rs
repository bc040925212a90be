//! Asks a connected node for other nodes (34/WAKU2-PEER-EXCHANGE).

use std::time::Duration;

use libp2p::PeerId;
use sotto_wire::waku::{self, PeerExchangeQuery, PeerExchangeRpc, PeerExchangeStatus, protocol};

use super::record::NodeRecord;
use crate::exchange::{ExchangeError, exchange};
use crate::streams::Opener;

/// Records asked for.
const ASKED: u64 = 10;
/// Records read from one answer.
const MOST: usize = 60;

/// Well-formed, signed records that the peer returned; empty if it returned none, whatever its status.
pub(crate) async fn ask(opener: Opener, peer: PeerId, limit: Duration) -> Result<Vec<NodeRecord>, ExchangeError> {
    let request = PeerExchangeRpc { query: Some(PeerExchangeQuery { num_peers: Some(ASKED) }), response: None };
    let cap = waku::PEER_EXCHANGE_CAP;
    let answer: PeerExchangeRpc = exchange(&opener, peer, protocol::PEER_EXCHANGE, &request, cap, limit).await?;
    let Some(response) = answer.response else {
        return Ok(Vec::new());
    };
    // An answer with records and without a status counts as success.
    let refused =
        response.status_code.is_some_and(|code| PeerExchangeStatus::from_code(code) != PeerExchangeStatus::Ok);
    if refused {
        return Ok(Vec::new());
    }
    let records = response.peer_infos.iter().take(MOST);
    Ok(records.filter_map(|info| NodeRecord::decode(info.enr.as_deref()?)).collect())
}
