//! A queue that is also bounded by bytes: it holds few large or many small items.

use std::collections::VecDeque;

use tokio::sync::mpsc;

/// The sending end; the receiving end is an ordinary channel's.
#[derive(Debug)]
pub(super) struct Filler<T> {
    queue: mpsc::Sender<T>,
    /// Most bytes in the queue.
    most: usize,
    bytes: usize,
    /// Sizes of queued items, oldest first, and of items taken since the last check.
    sizes: VecDeque<usize>,
}

/// A queue for `depth` items of `bytes` in all.
pub(super) fn channel<T>(depth: usize, bytes: usize) -> (Filler<T>, mpsc::Receiver<T>) {
    let (queue, taken) = mpsc::channel(depth);
    let filler = Filler { queue, most: bytes, bytes: 0, sizes: VecDeque::new() };
    (filler, taken)
}

impl<T> Filler<T> {
    /// Whether the receiving end is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Queues the item that `make` makes, of `size` bytes; false without room. One item always fits.
    pub(super) fn put(&mut self, size: usize, make: impl FnOnce() -> T) -> bool {
        let waiting = self.queue.max_capacity() - self.queue.capacity();
        while self.sizes.len() > waiting {
            self.bytes -= self.sizes.pop_front().unwrap_or_default();
        }
        let bytes = self.bytes.saturating_add(size);
        if bytes > self.most && !self.sizes.is_empty() {
            return false;
        }
        let Ok(room) = self.queue.try_reserve() else {
            return false;
        };
        room.send(make());
        self.sizes.push_back(size);
        self.bytes = bytes;
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn bounded_by_count_and_by_bytes() {
        let (mut filler, mut taken) = channel(4, 100);
        let mut fill = |filler: &mut Filler<usize>, size| {
            let put = (0..9).take_while(|&n| filler.put(size, || n)).count();
            let mut all = Vec::new();
            while let Ok(one) = taken.try_recv() {
                all.push(one);
            }
            assert_eq!(all, (0..put).collect::<Vec<_>>());
            put
        };
        for (size, put) in [(0, 4), (25, 4), (26, 3), (100, 1), (101, 1), (usize::MAX, 1), (1, 4)] {
            assert_eq!(fill(&mut filler, size), put, "{size}");
        }
    }

    #[test]
    fn what_is_taken_makes_room() {
        let (mut filler, mut taken) = channel(4, 100);
        for size in 0..50 {
            assert!(filler.put(size, || size));
            assert!(filler.put(50, || 50));
            assert!(!filler.put(51, || unreachable!()));
            assert_eq!(taken.try_recv(), Ok(size));
            assert!(filler.put(50, || 50));
            assert!(!filler.put(1, || unreachable!()));
            assert_eq!((taken.try_recv(), taken.try_recv()), (Ok(50), Ok(50)));
        }
        drop(taken);
        assert!(filler.is_closed() && !filler.put(1, || unreachable!()));
    }
}
