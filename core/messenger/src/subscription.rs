//! A listener's view of the events.

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{Mutex, broadcast, watch};

use crate::event::Event;

/// Most events that wait for a listener. A slower listener gets [`Event::Lagged`].
pub const EVENT_DEPTH: usize = 1024;

/// A listener. It does not see events before [`Messenger::subscribe`](crate::Messenger::subscribe): read the pages
/// after subscribing.
#[derive(Debug)]
pub struct Subscription {
    receiver: Mutex<broadcast::Receiver<Event>>,
    ended: watch::Sender<bool>,
}

impl Subscription {
    pub(crate) fn new(receiver: broadcast::Receiver<Event>) -> Self {
        Self { receiver: Mutex::new(receiver), ended: watch::Sender::new(false) }
    }

    /// Waits for an event and returns it with all further events that are ready, at most `max` (at least 1). `None`
    /// after [`Self::end`], and once the messenger is closed and everything was read. Dropping the future loses
    /// nothing. Two calls at once take turns.
    pub async fn next_batch(&self, max: usize) -> Option<Vec<Event>> {
        let mut ended = self.ended.subscribe();
        let mut receiver = tokio::select! {
            receiver = self.receiver.lock() => receiver,
            _ = ended.wait_for(|ended| *ended) => return None,
        };
        let first = tokio::select! {
            biased;
            _ = ended.wait_for(|ended| *ended) => return None,
            first = receiver.recv() => match first {
                Ok(event) => event,
                Err(RecvError::Lagged(missed)) => Event::Lagged { missed },
                Err(RecvError::Closed) => return None,
            },
        };
        let mut batch = vec![first];
        while batch.len() < max {
            match receiver.try_recv() {
                Ok(event) => batch.push(event),
                Err(TryRecvError::Lagged(missed)) => batch.push(Event::Lagged { missed }),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        Some(batch)
    }

    /// Ends the subscription: waiting calls and all later ones return `None`.
    pub fn end(&self) {
        self.ended.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_slow_listener_is_told_how_much_it_missed() {
        let (sender, receiver) = broadcast::channel(4);
        let subscription = Subscription::new(receiver);
        for _ in 0..7 {
            sender.send(Event::ContactsChanged).unwrap();
        }
        let Poll::Ready(Some(batch)) = poll(subscription.next_batch(100)) else { panic!("events are there") };
        assert_eq!(batch.first(), Some(&Event::Lagged { missed: 3 }));
        assert_eq!(batch.len(), 5);
    }

    #[test]
    fn batches_are_bounded_and_closing_comes_after_the_last_event() {
        let (sender, receiver) = broadcast::channel(8);
        let subscription = Subscription::new(receiver);
        for _ in 0..3 {
            sender.send(Event::ContactsChanged).unwrap();
        }
        drop(sender);
        let sizes: Vec<_> =
            (0..3).map(|_| poll(subscription.next_batch(2)).map(|batch| batch.map(|b| b.len()))).collect();
        assert_eq!(sizes, [Poll::Ready(Some(2)), Poll::Ready(Some(1)), Poll::Ready(None)]);
    }

    #[test]
    fn a_dropped_call_loses_nothing_and_end_wakes() {
        let (sender, receiver) = broadcast::channel(8);
        let subscription = Subscription::new(receiver);
        assert!(poll(subscription.next_batch(2)).is_pending());
        sender.send(Event::ContactsChanged).unwrap();
        assert_eq!(poll(subscription.next_batch(2)), Poll::Ready(Some(vec![Event::ContactsChanged])));
        let mut waiting = pin!(subscription.next_batch(2));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        subscription.end();
        assert_eq!(waiting.poll(&mut context), Poll::Ready(None));
    }
}
