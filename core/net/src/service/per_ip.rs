//! Limits on connections of one IP address. They apply before any byte is sent, including Noise.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished, ListenFailure};
use libp2p::swarm::dummy::ConnectionHandler;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

use crate::address::ip_of;

/// Most connections that are being set up.
pub(super) const PENDING: u32 = 256;
/// Most connections of one address that are being set up; without it, one slow address could hold every place.
const PENDING_EACH: u32 = 16;

#[derive(Debug, thiserror::Error)]
#[error("too many connections from one address")]
struct TooMany;

/// Counts incoming connections; the node's own dials, 127.0.0.1 and ::1 are not counted. An IPv6 /64 counts as one
/// address, because its owner has all of its addresses. The second half of the places for connections being set up is
/// reserved for addresses that have none.
pub(crate) struct Behaviour {
    most: u32,
    known: HashMap<ConnectionId, IpAddr>,
    /// Connections of each address: being set up, and in all.
    counts: HashMap<IpAddr, (u32, u32)>,
    pending: u32,
}

impl Behaviour {
    pub(crate) fn new(most: u32) -> Self {
        Self { most, known: HashMap::new(), counts: HashMap::new(), pending: 0 }
    }

    fn take(&mut self, id: ConnectionId, ip: IpAddr) -> Result<(), TooMany> {
        let (pending, all) = self.counts.entry(ip).or_default();
        let most_pending = if self.pending < PENDING / 2 { PENDING_EACH } else { 1 };
        if *pending >= most_pending || *all >= self.most {
            if *all == 0 {
                self.counts.remove(&ip);
            }
            return Err(TooMany);
        }
        *pending += 1;
        *all += 1;
        self.pending += 1;
        self.known.insert(id, ip);
        Ok(())
    }

    fn set_up(&mut self, id: ConnectionId) {
        let counts = self.known.get(&id).and_then(|ip| self.counts.get_mut(ip));
        if let Some((pending, _)) = counts {
            self.pending -= (*pending).min(1);
            *pending = pending.saturating_sub(1);
        }
    }

    fn give(&mut self, id: ConnectionId) {
        let Some(ip) = self.known.remove(&id) else {
            return;
        };
        if let Some((_, all)) = self.counts.get_mut(&ip) {
            *all = all.saturating_sub(1);
            if *all == 0 {
                self.counts.remove(&ip);
            }
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        counted(remote).map_or(Ok(()), |ip| self.take(id, ip)).map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished { connection_id: id, .. }) => self.set_up(id),
            FromSwarm::ListenFailure(ListenFailure { connection_id: id, .. }) => {
                self.set_up(id);
                self.give(id);
            }
            FromSwarm::ConnectionClosed(ConnectionClosed { connection_id: id, .. }) => self.give(id),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

/// The address to count under; `None` if it is not counted.
pub(super) fn counted(address: &Multiaddr) -> Option<IpAddr> {
    let ip = ip_of(address)?;
    let counts = ip != Ipv4Addr::LOCALHOST && ip != Ipv6Addr::LOCALHOST;
    counts.then(|| match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into(),
        ip => ip,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn counts_up_and_down() {
        let mut all = Behaviour::new(20);
        let here: Multiaddr = "/ip4/10.0.0.1/tcp/1".parse().unwrap();
        let there: Multiaddr = "/ip4/10.0.0.2/tcp/7".parse().unwrap();
        let elsewhere: Multiaddr = "/ip4/10.0.0.3/tcp/1".parse().unwrap();
        let loopback: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        let id = ConnectionId::new_unchecked;
        let come = |all: &mut Behaviour, number, from: &Multiaddr| {
            all.handle_pending_inbound_connection(id(number), &here, from).is_ok()
        };
        let most = PENDING_EACH as usize;
        assert!((0..most).all(|number| come(&mut all, number, &there)));
        assert!(!come(&mut all, 100, &there), "too many being set up");
        (0..most).for_each(|number| all.set_up(id(number)));
        assert!((100..104).all(|number| come(&mut all, number, &there)));
        assert!(!come(&mut all, 104, &there), "too many in all");
        assert!(come(&mut all, 105, &elsewhere));
        all.give(id(0));
        assert!(come(&mut all, 106, &there));
        for number in 0..107 {
            all.set_up(id(number));
            all.give(id(number));
        }
        assert!(all.counts.is_empty() && all.known.is_empty());
        assert!((200..300).all(|number| come(&mut all, number, &loopback)));
        let six = |n: usize| format!("/ip6/2001:db8::{n:x}/tcp/1").parse().unwrap();
        assert!((0..most).all(|number| come(&mut all, 300 + number, &six(number))));
        assert!(!come(&mut all, 400, &six(400)), "one /64");
        let other = "/ip6/2001:db8:0:1::1/tcp/1".parse().unwrap();
        assert!(come(&mut all, 401, &other));
        for number in 300..402 {
            all.set_up(id(number));
            all.give(id(number));
        }
        assert_eq!(all.pending, 0);
    }

    /// A new address gets a place, however many slow ones there are.
    #[test]
    fn places_are_left_for_others() {
        let mut all = Behaviour::new(20);
        let mut number = 0;
        let mut come = |ip: u32| {
            number += 1;
            let ip = IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + ip));
            all.take(ConnectionId::new_unchecked(number), ip).is_ok()
        };
        let held = (0..100).flat_map(|ip| [ip; 16]).filter(|ip| come(*ip));
        let held: Vec<u32> = held.collect();
        let half = PENDING / 2;
        let (many, single) = (half / PENDING_EACH, 100 - half / PENDING_EACH);
        assert_eq!(held.len(), (many * PENDING_EACH + single) as usize);
        assert!(come(100) && !come(100));
    }
}
