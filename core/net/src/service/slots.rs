//! Slots for streams that peers open, and room for long answers: a limit for each peer, and a share of the total for
//! each IP address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Weak};

use libp2p::Multiaddr;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::config::Limits;
use super::per_ip;
use super::store::PAGE_BYTES;

/// Most requests being read or answered; further streams are dropped.
const ALL: usize = 4096;
/// An IP address (IPv6: one /64) gets the total divided by this, except 127.0.0.1 and ::1.
const SHARES: usize = 8;
/// Most ping streams of a peer: two for each of its connections, as libp2p requires. They are no requests.
const PINGS: usize = 4;
/// Most bytes of store pages in flight to one peer.
const PAGES: usize = 2;

pub(super) struct Slots {
    requests: Shares,
    /// Bytes of store pages in all.
    pages: Shares,
}

/// A total, and its shares by IP address.
struct Shares {
    all: Arc<Semaphore>,
    each: usize,
    taken: HashMap<IpAddr, Weak<Semaphore>>,
}

pub(super) struct Places {
    requests: Vec<Arc<Semaphore>>,
    pings: Vec<Arc<Semaphore>>,
    pages: Vec<Arc<Semaphore>>,
}

/// A slot or room, held until it is dropped.
pub(super) struct Slot(Vec<OwnedSemaphorePermit>);

impl Slot {
    /// Returns the room beyond this amount.
    pub(super) fn shrink(&mut self, to: usize) {
        for permit in &mut self.0 {
            let _ = permit.split(permit.num_permits().saturating_sub(to));
        }
    }
}

fn take(from: &[Arc<Semaphore>]) -> Option<Slot> {
    let permit = |one: &Arc<Semaphore>| Arc::clone(one).try_acquire_owned().ok();
    from.iter().map(permit).collect::<Option<_>>().map(Slot)
}

impl Shares {
    fn new(all: usize, least: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), each: (all / SHARES).max(least), taken: HashMap::new() }
    }

    /// The limits for a peer at this address: `own` of its own, its address's share, and the total.
    fn of(&mut self, address: &Multiaddr, own: usize) -> Vec<Arc<Semaphore>> {
        let own = Arc::new(Semaphore::new(own));
        let share = per_ip::counted(address).map(|ip| self.share(ip));
        let all = Arc::clone(&self.all);
        [own].into_iter().chain(share).chain([all]).collect()
    }

    fn share(&mut self, ip: IpAddr) -> Arc<Semaphore> {
        if let Some(share) = self.taken.get(&ip).and_then(Weak::upgrade) {
            return share;
        }
        self.taken.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(self.each));
        self.taken.insert(ip, Arc::downgrade(&share));
        share
    }
}

impl Slots {
    pub(super) fn new(limits: Limits) -> Self {
        let pages = limits.answer_bytes;
        let pages = pages.clamp(PAGE_BYTES, Semaphore::MAX_PERMITS);
        Self { requests: Shares::new(ALL, 1), pages: Shares::new(pages, PAGE_BYTES) }
    }

    /// The slots of a peer at this address, with `requests` of its own.
    pub(super) fn places(&mut self, address: &Multiaddr, requests: u32) -> Places {
        let requests = usize::try_from(requests).unwrap_or(ALL).min(ALL);
        Places {
            requests: self.requests.of(address, requests),
            pings: vec![Arc::new(Semaphore::new(PINGS))],
            pages: self.pages.of(address, PAGES * PAGE_BYTES),
        }
    }
}

impl Places {
    /// A slot for a request, if one is free.
    pub(super) fn request(&self) -> Option<Slot> {
        take(&self.requests)
    }

    /// A slot for pings, if one is free.
    pub(super) fn ping(&self) -> Option<Slot> {
        take(&self.pings)
    }

    /// Waits for room for a page.
    pub(super) fn page(&self) -> impl Future<Output = Option<Slot>> + Send + 'static {
        let from = self.pages.clone();
        async move {
            let bytes = u32::try_from(PAGE_BYTES).ok()?;
            let mut permits = Vec::with_capacity(from.len());
            for one in from {
                permits.push(one.acquire_many_owned(bytes).await.ok()?);
            }
            Some(Slot(permits))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures::FutureExt as _;

    use super::*;

    fn at(ip: &str) -> Multiaddr {
        format!("/ip4/{ip}/tcp/1").parse().unwrap()
    }

    /// Two addresses with 64 peers each and 32 requests each take all slots.
    #[test]
    fn two_addresses_leave_places_for_others() {
        let mut slots = Slots::new(Limits::default());
        let mut held = Vec::new();
        for ip in ["10.0.0.1", "10.0.0.2"] {
            for _ in 0..64 {
                let places = slots.places(&at(ip), 32);
                held.extend((0..32).map_while(|_| places.request()));
            }
        }
        assert_eq!(held.len(), 2 * ALL / SHARES);
        let other = slots.places(&at("10.0.0.3"), 32);
        let own: Vec<_> = (0..40).map_while(|_| other.request()).collect();
        assert_eq!(own.len(), 32);
        drop((held, own));
        let again = slots.places(&at("10.0.0.1"), 32);
        assert!(again.request().is_some());
        assert_eq!(slots.requests.all.available_permits(), ALL);
    }

    #[test]
    fn an_address_is_forgotten_with_its_last_peer_and_stream() {
        let mut slots = Slots::new(Limits::default());
        let places = slots.places(&at("10.0.0.1"), 32);
        let slot = places.request();
        drop(places);
        let _other = slots.places(&at("10.0.0.2"), 32);
        assert_eq!(slots.requests.taken.len(), 2, "one stream is left");
        drop(slot);
        let _third = slots.places(&at("10.0.0.3"), 32);
        assert_eq!(slots.requests.taken.len(), 2);
    }

    #[test]
    fn pings_count_for_no_request() {
        let mut slots = Slots::new(Limits::default());
        let places = slots.places(&at("127.0.0.1"), 1);
        let pings: Vec<_> = (0..10).map_while(|_| places.ping()).collect();
        assert_eq!(pings.len(), PINGS);
        let request = places.request();
        assert!(request.is_some() && places.request().is_none());
    }

    #[test]
    fn pages_are_counted_at_full_length_until_it_is_known() {
        let mut slots = Slots::new(Limits { answer_bytes: 3 * PAGE_BYTES, ..Limits::default() });
        let page = |places: &Places| places.page().now_or_never().flatten();
        let one = slots.places(&at("127.0.0.1"), 32);
        let two = slots.places(&at("127.0.0.1"), 32);
        let mut held: Vec<_> = (0..9).map_while(|_| page(&one)).collect();
        assert_eq!(held.len(), PAGES);
        held.extend((0..9).map_while(|_| page(&two)));
        assert_eq!(held.len(), 3);
        let more = two.page();
        held.iter_mut().for_each(|slot| slot.shrink(PAGE_BYTES / 3));
        held.extend(more.now_or_never().flatten());
        held.extend(page(&one));
        assert_eq!(held.len(), 5);
        drop(held);
        assert_eq!(slots.pages.all.available_permits(), 3 * PAGE_BYTES);
        // Every address may have one slot, however small the total is.
        let far = slots.places(&at("10.0.0.1"), 32);
        let one = page(&far);
        assert!(one.is_some() && page(&far).is_none());
        assert!(page(&slots.places(&at("10.0.0.2"), 32)).is_some());
    }
}
