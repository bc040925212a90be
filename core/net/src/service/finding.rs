//! Nodes that discv5 found: candidates to dial, and records for peer exchange.

use std::net::IpAddr;

use libp2p::{Multiaddr, PeerId};
use sotto_wire::waku::{self, PeerExchangeQuery, PeerExchangeResponse, PeerExchangeRpc, PeerExchangeStatus, PeerInfo};

use crate::address::ip_of;
use crate::discovery::record::NodeRecord;
use crate::random;

/// Most records remembered.
const RECORDS: usize = 60;
/// Most records of one IP address, except loopback.
const SAME_IP: usize = 4;
/// Most records in one answer.
const GIVEN: u64 = 60;

#[derive(Debug)]
pub(super) struct Found {
    pub(super) node: NodeRecord,
    /// Whether the record was found in a private network.
    pub(super) inside: bool,
}

#[derive(Debug)]
pub(super) struct Finding {
    me: PeerId,
    configured: Vec<Vec<u8>>,
    learnt: Vec<(PeerId, Option<IpAddr>, Vec<u8>)>,
}

impl Finding {
    pub(super) fn new(me: PeerId, configured: Vec<Vec<u8>>) -> Self {
        Self { me, configured, learnt: Vec::new() }
    }

    /// Peer id, addresses and whether names may be private of a found node; `None` if its address has too many records.
    pub(super) fn found(&mut self, Found { node, inside }: Found) -> Option<(PeerId, Vec<Multiaddr>, bool)> {
        (node.peer != self.me && self.learn(&node)).then_some((node.peer, node.addresses, inside))
    }

    /// Remembers a record, in place of the node's older one, or of a random one. False: its address has too many.
    fn learn(&mut self, node: &NodeRecord) -> bool {
        let ip = node.addresses.iter().find_map(ip_of);
        self.learnt.retain(|(other, ..)| *other != node.peer);
        let limited = ip.is_some_and(|ip| !ip.is_loopback());
        if limited && self.learnt.iter().filter(|(_, other, _)| *other == ip).count() >= SAME_IP {
            return false;
        }
        if self.learnt.len() >= RECORDS
            && let Some(index) = random::index(self.learnt.len())
        {
            self.learnt.swap_remove(index);
        }
        self.learnt.push((node.peer, ip, node.rlp.clone()));
        true
    }

    /// Answers a peer exchange request: the configured records, then others in random order, without the asking peer's.
    pub(super) fn answer(&self, asker: &PeerId, body: &[u8], allowed: bool) -> Vec<u8> {
        let query = waku::decode::<PeerExchangeRpc>(body).ok().and_then(|rpc| rpc.query);
        let (status, wanted) = match query {
            _ if !allowed => (PeerExchangeStatus::TooManyRequests, 0),
            Some(query) => (PeerExchangeStatus::Ok, query.num_peers.unwrap_or_default()),
            None => (PeerExchangeStatus::BadRequest, 0),
        };
        let wanted = usize::try_from(wanted.min(GIVEN)).unwrap_or_default();
        let others = self.learnt.iter().filter(|(peer, ..)| peer != asker);
        let mut others: Vec<&Vec<u8>> = others.map(|(_, _, rlp)| rlp).collect();
        random::shuffle(&mut others);
        let records = self.configured.iter().chain(others).take(wanted);
        waku::encode_framed(&PeerExchangeRpc {
            query: Some(PeerExchangeQuery::default()), // nim requires this field here too
            response: Some(PeerExchangeResponse {
                peer_infos: records.map(|rlp| PeerInfo { enr: Some(rlp.clone()) }).collect(),
                status_code: Some(status.code()),
                status_desc: None,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    fn node(number: u8, ip: &str) -> Found {
        let addresses = vec![format!("/ip4/{ip}/tcp/1").parse().unwrap()];
        let node = NodeRecord { rlp: vec![number], peer: PeerId::random(), addresses, shards: None, services: None };
        Found { node, inside: false }
    }

    /// The records for a peer that asks for this many.
    fn given(finding: &Finding, asker: &PeerId, wanted: u64) -> Vec<u8> {
        let query = PeerExchangeRpc { query: Some(PeerExchangeQuery { num_peers: Some(wanted) }), response: None };
        let frame = finding.answer(asker, &waku::Message::encode_to_vec(&query), true);
        let answer: PeerExchangeRpc = waku::decode_framed(&frame, usize::MAX).unwrap();
        let response = answer.response.unwrap();
        assert_eq!(response.status_code, Some(PeerExchangeStatus::Ok.code()));
        response.peer_infos.into_iter().filter_map(|info| info.enr?.first().copied()).collect()
    }

    #[test]
    fn of_one_address_few_are_taken_and_of_a_node_its_newest_record() {
        let (me, asker) = (PeerId::random(), PeerId::random());
        let mut finding = Finding::new(me, Vec::new());
        let mut own = node(0, "20.1.1.1");
        own.node.peer = me;
        assert!(finding.found(own).is_none());
        let taken = (0..9).filter(|number| finding.found(node(*number, "20.1.1.1")).is_some()).count();
        assert_eq!(taken, SAME_IP);
        let (first, second) = (node(10, "20.1.1.2"), node(11, "20.1.1.2"));
        let peer = first.node.peer;
        assert!(finding.found(first).is_some());
        assert!(finding.found(Found { node: NodeRecord { peer, ..second.node }, inside: true }).is_some());
        let all: BTreeSet<u8> = given(&finding, &asker, 99).into_iter().collect();
        assert_eq!(all, BTreeSet::from([0, 1, 2, 3, 11]));
        assert!(!given(&finding, &peer, 99).contains(&11), "it knows itself");
        // Loopback is only this machine.
        (0..200).for_each(|number| assert!(finding.found(node(number, "127.0.0.1")).is_some()));
        assert_eq!(finding.learnt.len(), RECORDS);
    }

    #[test]
    fn the_configured_come_first_and_no_more_than_asked_for() {
        let asker = PeerId::random();
        let mut finding = Finding::new(PeerId::random(), vec![vec![1], vec![2]]);
        finding.found(node(3, "20.1.1.1"));
        assert_eq!(given(&finding, &asker, 0), []);
        assert_eq!(given(&finding, &asker, 2), [1, 2]);
        assert_eq!(given(&finding, &asker, u64::MAX), [1, 2, 3]);
        let status = |body, allowed| {
            let answer: PeerExchangeRpc = waku::decode_framed(&finding.answer(&asker, body, allowed), 999).unwrap();
            answer.response.unwrap().status_code
        };
        assert_eq!(status(b"", true), Some(PeerExchangeStatus::BadRequest.code()));
        assert_eq!(status(b"", false), Some(PeerExchangeStatus::TooManyRequests.code()));
    }
}
