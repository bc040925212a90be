//! Node records (EIP-778, scheme "v4"). The `enr` crate handles RLP and signature, `sotto_wire` Waku's values.

use alloy_rlp::{Decodable as _, Header};
use enr::k256::ecdsa::SigningKey;
use enr::{Enr, EnrPublicKey as _};
use libp2p::identity::{PublicKey, secp256k1};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use sotto_wire::waku::{MAX_RECORD, Services, ShardSet, record_key, split_addresses};

use crate::address::{dialable, is_private};

/// Addresses read from one record.
const MAX_ADDRESSES: usize = 8;

/// The signed statements of a node about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeRecord {
    /// The record as received.
    pub(crate) rlp: Vec<u8>,
    pub(crate) peer: PeerId,
    /// Addresses that can be dialled; addresses without a name first.
    pub(crate) addresses: Vec<Multiaddr>,
    /// Shards; `None` if the record names none.
    pub(crate) shards: Option<ShardSet>,
    /// Services; `None` if the record names none.
    pub(crate) services: Option<Services>,
}

impl NodeRecord {
    /// Reads one record of at most 300 bytes; `None` unless it is well-formed and correctly signed.
    pub(crate) fn decode(rlp: &[u8]) -> Option<Self> {
        if rlp.len() > MAX_RECORD {
            return None;
        }
        let mut rest = rlp;
        let record = Enr::<SigningKey>::decode(&mut rest).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let key = record.public_key().encode();
        let key = secp256k1::PublicKey::try_from_bytes(key.as_ref()).ok()?;
        let shards = value(&record, record_key::SHARD_LIST)
            .and_then(|list| ShardSet::from_list(list).ok())
            .or_else(|| ShardSet::from_vector(value(&record, record_key::SHARD_VECTOR)?).ok());
        Some(Self {
            rlp: rlp.to_vec(),
            peer: PublicKey::from(key).to_peer_id(),
            addresses: addresses(&record),
            shards,
            services: value(&record, record_key::SERVICES).and_then(|bits| Services::from_value(bits).ok()),
        })
    }

    /// Whether it can be dialled, and its record excludes neither the network nor the wanted services.
    pub(crate) fn fits(&self, cluster: u16, shards: &[u16], services: u8) -> bool {
        let network = self.shards.as_ref();
        !self.addresses.is_empty()
            && network.is_none_or(|set| set.serves(cluster, shards))
            && self.services.is_none_or(|bits| bits.any(services))
    }

    /// Removes private addresses, which a stranger's record must not name.
    pub(crate) fn keep_public(&mut self) {
        self.addresses.retain(|address| !is_private(address));
    }

    /// Whether all its addresses are private.
    pub(crate) fn is_inside(&self) -> bool {
        self.addresses.iter().all(is_private)
    }
}

fn value<'a>(record: &'a Enr<SigningKey>, key: &str) -> Option<&'a [u8]> {
    let mut raw = record.get_raw_rlp(key)?;
    Header::decode_bytes(&mut raw, false).ok()
}

fn addresses(record: &Enr<SigningKey>) -> Vec<Multiaddr> {
    let mut found: Vec<Multiaddr> = Vec::new();
    let sockets = [record.tcp4_socket().map(Into::into), record.tcp6_socket().map(Into::into)];
    for socket in sockets.into_iter().flatten() {
        let socket: std::net::SocketAddr = socket;
        found.push(Multiaddr::from(socket.ip()).with(Protocol::Tcp(socket.port())));
    }
    let further = value(record, record_key::ADDRESSES).unwrap_or_default();
    for bytes in split_addresses(further).unwrap_or_default() {
        let Ok(mut address) = Multiaddr::try_from(bytes.to_vec()) else {
            continue;
        };
        if let Some(Protocol::P2p(_)) = address.iter().last() {
            address.pop();
        }
        found.push(address);
    }
    let mut seen = Vec::new();
    for address in found {
        if dialable(&address) && !seen.contains(&address) && seen.len() < MAX_ADDRESSES {
            seen.push(address);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use sotto_wire::waku::record_bytes;

    use super::*;

    /// A node of the TWN sandbox.
    const SANDBOX: &str = "enr:-QESuED0qW1BCmF-oH_ARGPr97Nv767bl_43uoy70vrbah3EaCAdK3Q0iRQ6wkSTTpdrg_dU_NC2ydO8leSlRpBX4pxiAYJpZIJ2NIJpcIRA4VDAim11bHRpYWRkcnO4XAArNiZub2RlLTAxLmRvLWFtczMud2FrdS5zYW5kYm94LnN0YXR1cy5pbQZ2XwAtNiZub2RlLTAxLmRvLWFtczMud2FrdS5zYW5kYm94LnN0YXR1cy5pbQYfQN4DgnJzkwABCAAAAAEAAgADAAQABQAGAAeJc2VjcDI1NmsxoQOTd-h5owwj-cx7xrmbvQKU8CV3Fomfdvcv1MBc-67T5oN0Y3CCdl-DdWRwgiMohXdha3UyDw";

    #[test]
    fn a_record_of_a_fleet() {
        let rlp = record_bytes(SANDBOX).unwrap();
        let record = NodeRecord::decode(&rlp).unwrap();
        let shards = record.shards.as_ref().unwrap();
        assert_eq!((shards.cluster, shards.shards.as_slice()), (1, &[0, 1, 2, 3, 4, 5, 6, 7][..]));
        assert_eq!(record.services, Some(Services(0x0f)));
        let addresses: Vec<String> = record.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(
            addresses,
            [
                "/ip4/64.225.80.192/tcp/30303",
                "/dns4/node-01.do-ams3.waku.sandbox.status.im/tcp/30303",
                "/dns4/node-01.do-ams3.waku.sandbox.status.im/tcp/8000/wss",
            ]
        );
        assert!(record.peer.to_string().starts_with("16Uiu2"));
        assert!(record.fits(1, &[3], Services::FILTER));
        assert!(!record.fits(1, &[9], Services::FILTER) && !record.fits(16, &[3], Services::FILTER));
        assert!(!record.fits(1, &[3], 1 << 5));
    }

    #[test]
    fn a_record_with_one_bit_changed_is_none() {
        let rlp = record_bytes(SANDBOX).unwrap();
        for at in 0..rlp.len() {
            for bit in 0..8 {
                let mut changed = rlp.clone();
                changed[at] ^= 1 << bit;
                assert_eq!(NodeRecord::decode(&changed), None, "{at}");
            }
            assert_eq!(NodeRecord::decode(rlp.get(..at).unwrap()), None);
        }
        assert_eq!(NodeRecord::decode(&[rlp, vec![0]].concat()), None);
        assert_eq!(NodeRecord::decode(&[0xf8; 301]), None);
    }
}
