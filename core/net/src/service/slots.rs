//! Places for the streams that peers open: so many for each peer, and a share of all for each IP address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Weak};

use libp2p::Multiaddr;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::per_ip;

/// Requests being read or answered; streams beyond them are dropped.
const ALL: usize = 4096;
/// Those of one IP address (IPv6: one /64), 127.0.0.1 and ::1 excepted.
const SHARE: usize = ALL / 8;
/// Ping streams of a peer, two for each connection it may have, as libp2p asks for. They stay open between pings and
/// count for no request.
const PINGS: usize = 4;

/// The places of a node.
pub(super) struct Slots {
    all: Arc<Semaphore>,
    shares: HashMap<IpAddr, Weak<Semaphore>>,
}

/// The places of one peer.
pub(super) struct Places {
    requests: Arc<Semaphore>,
    pings: Arc<Semaphore>,
    /// Those of its IP address.
    share: Option<Arc<Semaphore>>,
}

/// A stream's place, until it is dropped.
pub(super) struct Slot {
    _permits: Vec<OwnedSemaphorePermit>,
}

/// One place in each.
fn take<'a>(from: impl Iterator<Item = &'a Arc<Semaphore>>) -> Option<Slot> {
    let permit = |one: &Arc<Semaphore>| Arc::clone(one).try_acquire_owned().ok();
    Some(Slot {
        _permits: from.map(permit).collect::<Option<_>>()?,
    })
}

impl Slots {
    pub(super) fn new() -> Self {
        Self {
            all: Arc::new(Semaphore::new(ALL)),
            shares: HashMap::new(),
        }
    }

    /// For a peer at this address, `requests` of its own.
    pub(super) fn places(&mut self, address: &Multiaddr, requests: u32) -> Places {
        let requests = usize::try_from(requests).unwrap_or(ALL).min(ALL);
        Places {
            requests: Arc::new(Semaphore::new(requests)),
            pings: Arc::new(Semaphore::new(PINGS)),
            share: per_ip::counted(address).map(|ip| self.share(ip)),
        }
    }

    fn share(&mut self, ip: IpAddr) -> Arc<Semaphore> {
        if let Some(share) = self.shares.get(&ip).and_then(Weak::upgrade) {
            return share;
        }
        self.shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(SHARE));
        self.shares.insert(ip, Arc::downgrade(&share));
        share
    }

    /// A place for a request, if there is one.
    pub(super) fn request(&self, places: &Places) -> Option<Slot> {
        let own = [&places.requests, &self.all];
        take(own.into_iter().chain(&places.share))
    }
}

impl Places {
    /// A place for pings, if there is one.
    pub(super) fn ping(&self) -> Option<Slot> {
        take([&self.pings].into_iter())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(ip: &str) -> Multiaddr {
        format!("/ip4/{ip}/tcp/1").parse().unwrap()
    }

    /// Two addresses, 64 peers each, 32 requests each: as many as there are places.
    #[test]
    fn two_addresses_leave_places_for_others() {
        let mut slots = Slots::new();
        let mut held = Vec::new();
        for ip in ["10.0.0.1", "10.0.0.2"] {
            for _ in 0..64 {
                let places = slots.places(&at(ip), 32);
                held.extend((0..32).map_while(|_| slots.request(&places)));
            }
        }
        assert_eq!(held.len(), 2 * SHARE);
        let other = slots.places(&at("10.0.0.3"), 32);
        let own: Vec<_> = (0..40).map_while(|_| slots.request(&other)).collect();
        assert_eq!(own.len(), 32);
        drop((held, own));
        let again = slots.places(&at("10.0.0.1"), 32);
        assert!(slots.request(&again).is_some());
        assert_eq!(slots.all.available_permits(), ALL);
    }

    #[test]
    fn an_address_is_forgotten_with_its_last_peer_and_stream() {
        let mut slots = Slots::new();
        let places = slots.places(&at("10.0.0.1"), 32);
        let slot = slots.request(&places);
        drop(places);
        let _other = slots.places(&at("10.0.0.2"), 32);
        assert_eq!(slots.shares.len(), 2, "one stream is left");
        drop(slot);
        let _third = slots.places(&at("10.0.0.3"), 32);
        assert_eq!(slots.shares.len(), 2);
    }

    #[test]
    fn pings_count_for_no_request() {
        let mut slots = Slots::new();
        let places = slots.places(&at("127.0.0.1"), 1);
        let pings: Vec<_> = (0..10).map_while(|_| places.ping()).collect();
        assert_eq!(pings.len(), PINGS);
        let request = slots.request(&places);
        assert!(request.is_some() && slots.request(&places).is_none());
    }
}
