//! Queues of filter pushes, for each subscriber and in all.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::AbortHandle;
use libp2p::PeerId;
use tokio::sync::{Semaphore, mpsc};

use super::config::Limits;
use super::push::{Frame, Style};

/// A push for several subscribers. Its bytes count once, until the last subscriber has it.
pub(super) struct Parcel {
    bytes: Arc<[u8]>,
    share: Arc<Share>,
}

pub(super) struct Share {
    bytes: usize,
    waiting: Arc<AtomicUsize>,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

pub(super) struct Pushers {
    depth: usize,
    bytes: usize,
    in_all: usize,
    waiting: Arc<AtomicUsize>,
    /// The current pusher of each peer.
    present: HashMap<PeerId, u64>,
    /// All pushers that have not ended, by generation.
    all: HashMap<u64, Pusher>,
    next: u64,
}

struct Pusher {
    peer: PeerId,
    /// The sending end of the queue; none once nothing more may enter.
    queue: Option<mpsc::Sender<Frame>>,
    /// Bytes that may still enter the queue.
    room: Arc<Semaphore>,
    abort: AbortHandle,
    /// Whether the pusher drops its queue when it next runs.
    left: bool,
}

impl Pushers {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            depth: limits.pushes.max(1),
            bytes: limits.push_bytes.clamp(1, Semaphore::MAX_PERMITS),
            in_all: limits.push_bytes_in_all,
            waiting: Arc::default(),
            present: HashMap::new(),
            all: HashMap::new(),
            next: 0,
        }
    }

    /// A push for several subscribers, and the subscribers that are dropped to make room, the longest queue first.
    pub(super) fn parcel(&mut self, bytes: Vec<u8>) -> (Parcel, Vec<PeerId>) {
        let waiting = self.waiting.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
        let share = Share { bytes: bytes.len(), waiting: Arc::clone(&self.waiting) };
        let parcel = Parcel { bytes: bytes.into(), share: Arc::new(share) };
        let mut left = Vec::new();
        if waiting <= self.in_all {
            return (parcel, left);
        }
        let waits = |one: &Pusher| self.bytes.saturating_sub(one.room.available_permits());
        let leaving: usize = self.all.values().filter(|one| one.left).map(waits).sum();
        let mut most = self.in_all.saturating_add(leaving);
        let mut slow: Vec<(usize, u64)> =
            self.all.iter().filter(|(_, one)| !one.left).map(|(generation, one)| (waits(one), *generation)).collect();
        slow.sort_unstable();
        while waiting > most
            && let Some((waits @ 1.., generation)) = slow.pop()
        {
            most = most.saturating_add(waits);
            left.extend(self.leave(generation));
        }
        (parcel, left)
    }

    /// Queues a push; `start` starts a pusher if there is none. False if the queue is full: the peer is then dropped.
    pub(super) fn push(
        &mut self,
        peer: PeerId,
        style: Style,
        parcel: &Parcel,
        start: impl FnOnce(u64, mpsc::Receiver<Frame>) -> AbortHandle,
    ) -> bool {
        let generation = *self.present.entry(peer).or_insert_with(|| {
            self.next += 1;
            let (queue, frames) = mpsc::channel(self.depth);
            let pusher = Pusher {
                peer,
                queue: Some(queue),
                room: Arc::new(Semaphore::new(self.bytes)),
                abort: start(self.next, frames),
                left: false,
            };
            self.all.insert(self.next, pusher);
            self.next
        });
        let pusher = self.all.get(&generation);
        let put = pusher.is_some_and(|pusher| pusher.put(style, parcel, self.bytes));
        if !put {
            self.leave(generation);
        }
        put
    }

    /// Drops the queue of a pusher, and the peer if this was its current pusher.
    fn leave(&mut self, generation: u64) -> Option<PeerId> {
        let pusher = self.all.get_mut(&generation)?;
        pusher.queue = None;
        pusher.left = true;
        pusher.abort.abort();
        let peer = pusher.peer;
        let present = self.present.get(&peer) == Some(&generation);
        present.then(|| self.present.remove(&peer));
        present.then_some(peer)
    }

    /// Lets the queue drain and accepts nothing more.
    pub(super) fn end(&mut self, peer: &PeerId) {
        let generation = self.present.remove(peer);
        let pusher = generation.and_then(|generation| self.all.get_mut(&generation));
        if let Some(pusher) = pusher {
            pusher.queue = None;
        }
    }

    /// Records that a pusher has ended; true if it was the peer's current one.
    pub(super) fn ended(&mut self, peer: &PeerId, generation: u64) -> bool {
        self.all.remove(&generation);
        let present = self.present.get(peer) == Some(&generation);
        present.then(|| self.present.remove(peer));
        present
    }
}

impl Pusher {
    fn put(&self, style: Style, parcel: &Parcel, most: usize) -> bool {
        let share = u32::try_from(parcel.bytes.len().min(most)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(share);
        let (Some(queue), Ok(room)) = (&self.queue, room) else {
            return false;
        };
        let frame = Frame { style, bytes: Arc::clone(&parcel.bytes), _room: Some((room, Arc::clone(&parcel.share))) };
        queue.try_send(frame).is_ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    struct Line {
        peer: PeerId,
        generation: u64,
        frames: mpsc::Receiver<Frame>,
    }

    impl Line {
        fn new(pushers: &mut Pushers, bytes: usize) -> Self {
            let (peer, mut started) = (PeerId::random(), None);
            let (parcel, left) = pushers.parcel(vec![0; bytes]);
            assert!(left.is_empty());
            assert!(pushers.push(peer, Style::Each, &parcel, |generation, frames| {
                started = Some((generation, frames));
                AbortHandle::new_pair().0
            }));
            let (generation, frames) = started.unwrap();
            Self { peer, generation, frames }
        }
    }

    fn pushers() -> Pushers {
        Pushers::new(Limits { push_bytes: 500, push_bytes_in_all: 1000, ..Limits::default() })
    }

    fn more(pushers: &mut Pushers, to: &[&Line], bytes: usize) -> Vec<PeerId> {
        let (parcel, left) = pushers.parcel(vec![0; bytes]);
        for line in to {
            pushers.push(line.peer, Style::Each, &parcel, |_, _| unreachable!());
        }
        left
    }

    #[test]
    fn who_has_most_waiting_is_left_for_the_others() {
        let mut all = pushers();
        let mut one = Line::new(&mut all, 450);
        let two = Line::new(&mut all, 300);
        let three = Line::new(&mut all, 150);
        // Within the limit: a push for several subscribers counts once.
        assert!(more(&mut all, &[&two, &three], 100).is_empty());
        assert_eq!(more(&mut all, &[&three], 1), [one.peer]);
        // A queue that is being dropped causes no other to be dropped.
        assert!(more(&mut all, &[&three], 1).is_empty());
        one.frames.close();
        while one.frames.try_recv().is_ok() {}
        assert!(!all.ended(&one.peer, one.generation));
        assert!(more(&mut all, &[&three], 100).is_empty());
        assert_eq!(all.waiting.load(Ordering::Relaxed), 652);
        let (_parcel, left) = all.parcel(vec![0; 10_000]);
        assert_eq!(left.len(), 2, "it is too long for all together");
    }

    #[test]
    fn who_ended_is_left_too_and_what_is_taken_counts_no_more() {
        let mut all = pushers();
        let mut gone = Line::new(&mut all, 500);
        all.end(&gone.peer);
        let mut here = Line::new(&mut all, 300);
        assert!(more(&mut all, &[&here], 100).is_empty());
        assert!(more(&mut all, &[], 101).is_empty());
        assert!(all.all[&gone.generation].left);
        assert!(!all.ended(&gone.peer, gone.generation));
        while gone.frames.try_recv().is_ok() {}
        here.frames.try_recv().unwrap();
        assert_eq!(all.waiting.load(Ordering::Relaxed), 100);
        assert!(all.ended(&here.peer, here.generation));
    }

    #[test]
    fn one_too_many_for_a_peer_ends_it() {
        let mut all = pushers();
        let line = Line::new(&mut all, 400);
        assert!(more(&mut all, &[&line], 101).is_empty());
        assert!(all.all[&line.generation].left && all.present.is_empty());
    }
}
