//! Node addresses: multiaddrs that end in `/p2p/<peer id>`.

use std::net::IpAddr;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

/// Why a node address cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Entry number `index` (from 0) is no multiaddr.
    #[error("address {index} is not a multiaddr")]
    Form {
        /// Place in the list.
        index: usize,
    },
    /// Entry number `index` (from 0) does not end in `/p2p/<peer id>`.
    #[error("address {index} does not end in /p2p/")]
    PeerId {
        /// Place in the list.
        index: usize,
    },
    /// Entry number `index` (from 0) is no TCP, WebSocket or DNS address.
    #[error("address {index} is of an unsupported kind")]
    Transport {
        /// Place in the list.
        index: usize,
    },
}

/// Splits a node address into who and where.
pub(crate) fn parse_node(index: usize, text: &str) -> Result<(PeerId, Multiaddr), AddressError> {
    let mut address: Multiaddr = text.parse().map_err(|_| AddressError::Form { index })?;
    let Some(Protocol::P2p(peer)) = address.pop() else {
        return Err(AddressError::PeerId { index });
    };
    if dialable(&address) {
        Ok((peer, address))
    } else {
        Err(AddressError::Transport { index })
    }
}

/// An address to announce: somewhere that others can dial, without who is there.
pub(crate) fn parse_announced(text: &str) -> Option<Multiaddr> {
    let address: Multiaddr = text.parse().ok()?;
    let somewhere = ip_of(&address).is_none_or(|ip| !ip.is_unspecified());
    let port = address.iter().find_map(|part| match part {
        Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    (dialable(&address) && somewhere && port? != 0).then_some(address)
}

/// `/ip4|ip6|dns|dns4|dns6/…/tcp/…[/ws|/wss|/tls/ws]` or `/dnsaddr/…`.
pub(crate) fn dialable(address: &Multiaddr) -> bool {
    let mut parts = address.iter();
    match parts.next() {
        Some(Protocol::Dnsaddr(_)) => return true,
        Some(
            Protocol::Ip4(_)
            | Protocol::Ip6(_)
            | Protocol::Dns(_)
            | Protocol::Dns4(_)
            | Protocol::Dns6(_),
        ) => {}
        _ => return false,
    }
    if !matches!(parts.next(), Some(Protocol::Tcp(_))) {
        return false;
    }
    matches!(
        (parts.next(), parts.next(), parts.next()),
        (None, None, None)
            | (Some(Protocol::Ws(_) | Protocol::Wss(_)), None, None)
            | (Some(Protocol::Tls), Some(Protocol::Ws(_)), None)
    )
}

/// Whether a name has to be resolved before this can be dialled.
pub(crate) fn needs_dns(address: &Multiaddr) -> bool {
    address.iter().any(|part| {
        matches!(
            part,
            Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_)
        )
    })
}

/// The IP address in it; names have none.
pub(crate) fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    })
}
