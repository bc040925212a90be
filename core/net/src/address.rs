//! Node addresses: multiaddrs that end in `/p2p/<peer id>`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libp2p::multiaddr::Protocol::{self, Dns, Dns4, Dns6, Dnsaddr, Ip4, Ip6, P2p, Tcp, Tls, Ws, Wss};
use libp2p::{Multiaddr, PeerId};

/// Why a node address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Entry of this index (from 0) is no multiaddr.
    #[error("address {0} is not a multiaddr")]
    Form(usize),
    /// Entry of this index (from 0) does not end in `/p2p/<peer id>`.
    #[error("address {0} does not end in /p2p/")]
    PeerId(usize),
    /// Entry of this index (from 0) is no TCP, WebSocket or DNS address.
    #[error("address {0} is of an unsupported kind")]
    Transport(usize),
}

pub(crate) fn parse_node(index: usize, text: &str) -> Result<(PeerId, Multiaddr), AddressError> {
    let mut address: Multiaddr = text.parse().map_err(|_| AddressError::Form(index))?;
    let Some(P2p(peer)) = address.pop() else {
        return Err(AddressError::PeerId(index));
    };
    if dialable(&address) { Ok((peer, address)) } else { Err(AddressError::Transport(index)) }
}

/// An address to announce: one that others can dial, without the peer id.
pub(crate) fn parse_announced(text: &str) -> Option<Multiaddr> {
    let address: Multiaddr = text.parse().ok()?;
    let somewhere = ip_of(&address).is_none_or(|ip| !ip.is_unspecified());
    (dialable(&address) && somewhere && port_of(&address)? != 0).then_some(address)
}

/// `/ip4|ip6|dns|dns4|dns6/…/tcp/…[/ws|/wss|/tls/ws]` or `/dnsaddr/…`.
pub(crate) fn dialable(address: &Multiaddr) -> bool {
    let parts: Vec<Protocol<'_>> = address.iter().collect();
    match parts.as_slice() {
        [Dnsaddr(_), ..] => true,
        [Ip4(_) | Ip6(_) | Dns(_) | Dns4(_) | Dns6(_), Tcp(_), how @ ..] => {
            matches!(how, [] | [Ws(_) | Wss(_)] | [Tls, Ws(_)])
        }
        _ => false,
    }
}

/// `/ip4|ip6/…/tcp/…[/ws]`.
pub(crate) fn listenable(address: &Multiaddr) -> bool {
    let parts: Vec<Protocol<'_>> = address.iter().collect();
    matches!(parts.as_slice(), [Ip4(_) | Ip6(_), Tcp(_)] | [Ip4(_) | Ip6(_), Tcp(_), Ws(_)])
}

pub(crate) fn needs_dns(address: &Multiaddr) -> bool {
    address.iter().any(|part| matches!(part, Dns(_) | Dns4(_) | Dns6(_) | Dnsaddr(_)))
}

/// The IP address in it; `None` for names.
pub(crate) fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    ips(address).next()
}

pub(crate) fn port_of(address: &Multiaddr) -> Option<u16> {
    address.iter().find_map(|part| if let Tcp(port) = part { Some(port) } else { None })
}

fn ips(address: &Multiaddr) -> impl Iterator<Item = IpAddr> {
    address.iter().filter_map(|part| match part {
        Ip4(ip) => Some(ip.into()),
        Ip6(ip) => Some(ip.into()),
        _ => None,
    })
}

/// Whether any IP address in it is loopback, private or unroutable. Names are not resolved here.
pub(crate) fn is_private(address: &Multiaddr) -> bool {
    ips(address).any(|ip| match ip {
        IpAddr::V4(ip) => is_private_v4(ip),
        IpAddr::V6(ip) => is_private_v6(ip),
    })
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    match ip.octets() {
        [0 | 10 | 127 | 224.., ..] | [192, 168, ..] | [169, 254, ..] => true,
        [172, b, ..] => b & 0xf0 == 16,
        [100, b, ..] => b & 0xc0 == 64, // a carrier's
        [192, 0, 0, _] => true,         // of protocols
        [198, b, ..] => b & 0xfe == 18, // of benchmarks
        _ => false,
    }
}

fn is_private_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        [0, 0, 0, 0, 0, ..] => true, // ::, ::1, and an IPv4 address in two ways
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_private_v4(v4(high, low)),
        [0x64, 0xff9b, ..] => true, // a translator of the network's own
        [0x2002, high, low, ..] => is_private_v4(v4(high, low)),
        [first, ..] => match first >> 8 {
            0xfc | 0xfd | 0xff => true, // unique local, multicast
            0xfe => first & 0x80 != 0,  // link-local, site-local
            _ => false,
        },
    }
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn private_addresses() {
        for ip in [
            "10.1.2.3",
            "127.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.1.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.1",
            "198.19.0.1",
        ] {
            assert!(is_private(&format!("/ip4/{ip}/tcp/1").parse().unwrap()), "{ip}");
        }
        for ip in [
            "::",
            "::1",
            "::10.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "64:ff9b::192.168.1.1",
            "64:ff9b:1::1",
            "2002:c0a8:101::1",
        ] {
            assert!(is_private(&format!("/ip6/{ip}/tcp/1").parse().unwrap()), "{ip}");
        }
        for text in [
            "/ip4/64.225.80.192/tcp/1",
            "/ip4/172.32.0.1/tcp/1",
            "/ip4/100.128.0.1/tcp/1",
            "/ip4/192.0.1.1/tcp/1",
            "/ip6/2a01::1/tcp/1",
            "/ip6/64:ff9b::8.8.8.8/tcp/1",
            "/ip6/2002:808:808::1/tcp/1",
            "/dns4/a.b/tcp/1",
        ] {
            assert!(!is_private(&text.parse().unwrap()), "{text}");
        }
        // The last protocol is the one that is dialled.
        assert!(is_private(&"/ip4/8.8.8.8/ip4/10.0.0.1/tcp/1".parse().unwrap()));
    }
}
