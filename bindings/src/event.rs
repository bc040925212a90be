//! Events, pulled: first [`SottoEvents::ready`], then [`SottoEvents::next_batch`].
//!
//! Two calls, because the result of one asynchronous call would be lost when the host cancels it in the moment in
//! which it is done: neither the host nor the dropped future has it then. So the call that waits carries nothing, and
//! the one that carries cannot be cancelled.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sotto_messenger::{EVENT_DEPTH, Event, Subscription};

use crate::code::Code;
use crate::records::{Connectivity, ConversationId, MessageId, MessageState, long, records};

/// A hint that something changed, sent after it is on disk. The database is the truth: read the page again.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum SottoEvent {
    /// Conversations appeared, or their title, unread count, draft or order changed.
    ConversationsChanged {
        /// Which.
        ids: Vec<ConversationId>,
    },
    /// Messages appeared or their content changed.
    MessagesChanged {
        /// Where.
        conversation: ConversationId,
        /// Which.
        ids: Vec<MessageId>,
    },
    /// An own message moved to another state.
    MessageStateChanged {
        /// Where.
        conversation: ConversationId,
        /// Which.
        id: MessageId,
        /// The state now.
        state: MessageState,
    },
    /// Contacts, requests or their safety state changed.
    ContactsChanged,
    /// A contact is writing (only when both sides switched typing on).
    Typing {
        /// Where.
        conversation: ConversationId,
    },
    /// Reachability changed.
    ConnectivityChanged {
        /// What it is now.
        now: Connectivity,
    },
    /// Something a person should know.
    Notice {
        /// What.
        code: Code,
    },
    /// The reader was slow: events are gone; read all pages again.
    Lagged {
        /// How many.
        missed: i64,
    },
}

impl From<Event> for SottoEvent {
    fn from(event: Event) -> Self {
        match event {
            Event::ConversationsChanged { ids } => Self::ConversationsChanged { ids: records(ids) },
            Event::MessagesChanged { conversation, ids } => {
                Self::MessagesChanged { conversation: conversation.into(), ids: records(ids) }
            }
            Event::MessageState { conversation, id, state } => {
                Self::MessageStateChanged { conversation: conversation.into(), id: id.into(), state: state.into() }
            }
            Event::ContactsChanged => Self::ContactsChanged,
            Event::Typing { conversation } => Self::Typing { conversation: conversation.into() },
            Event::Connectivity(now) => Self::ConnectivityChanged { now: now.into() },
            Event::Notice { code } => Self::Notice { code: code.into() },
            Event::Lagged { missed } => Self::Lagged { missed: long(missed) },
            // A hint that has no name here yet: whoever reads everything again has missed nothing.
            _ => Self::Lagged { missed: 1 },
        }
    }
}

/// A listener: events since it was made. One reader at a time.
#[derive(uniffi::Object)]
pub struct SottoEvents {
    subscription: Subscription,
    fetched: Mutex<Fetched>,
}

#[derive(Default)]
struct Fetched {
    events: VecDeque<SottoEvent>,
    ended: bool,
}

impl SottoEvents {
    pub(crate) fn new(subscription: Subscription) -> Self {
        Self { subscription, fetched: Mutex::default() }
    }

    fn fetched(&self) -> MutexGuard<'_, Fetched> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[uniffi::export]
impl SottoEvents {
    /// Waits until there is something to take: events or the end. Cancelling it, by a time limit for one, loses
    /// nothing. Where the language cannot cancel (Swift), `end` wakes it.
    pub async fn ready(&self) {
        {
            let fetched = self.fetched();
            if fetched.ended || !fetched.events.is_empty() {
                return;
            }
        }
        let batch = self.subscription.next_batch(EVENT_DEPTH).await;
        // No await from here on: what was received is kept, whatever becomes of this future.
        let mut fetched = self.fetched();
        match batch {
            Some(events) => fetched.events.extend(events.into_iter().map(Into::into)),
            None => fetched.ended = true,
        }
    }

    /// Takes the events that `ready` has seen, at most `max`; an empty list when there are none. None
    /// once the core is shut down and everything was taken, or after `end`.
    pub fn next_batch(&self, max: i32) -> Option<Vec<SottoEvent>> {
        let mut fetched = self.fetched();
        if fetched.events.is_empty() && fetched.ended {
            return None;
        }
        let count = usize::try_from(max).unwrap_or(0).min(fetched.events.len());
        Some(fetched.events.drain(..count).collect())
    }

    /// Stops listening.
    pub fn end(&self) {
        self.subscription.end();
        *self.fetched() = Fetched { events: VecDeque::new(), ended: true };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_messenger::Code as InnerCode;
    use sotto_messenger::records as inner;

    #[test]
    fn events_keep_their_content() {
        let (place, m, n) =
            (inner::ConversationId("c".into()), inner::MessageId("m".into()), inner::MessageId("n".into()));
        let (conversation, id) = (ConversationId { value: "c".into() }, MessageId { value: "m".into() });
        let pairs = [
            (
                Event::ConversationsChanged { ids: vec![place.clone()] },
                SottoEvent::ConversationsChanged { ids: vec![conversation.clone()] },
            ),
            (
                Event::MessagesChanged { conversation: place.clone(), ids: vec![m.clone(), n] },
                SottoEvent::MessagesChanged {
                    conversation: conversation.clone(),
                    ids: vec![id.clone(), MessageId { value: "n".into() }],
                },
            ),
            (
                Event::MessageState { conversation: place.clone(), id: m, state: inner::MessageState::Delivered },
                SottoEvent::MessageStateChanged {
                    conversation: conversation.clone(),
                    id,
                    state: MessageState::Delivered,
                },
            ),
            (Event::Typing { conversation: place }, SottoEvent::Typing { conversation }),
            (Event::Notice { code: InnerCode::ClockSkewed }, SottoEvent::Notice { code: Code::ClockSkewed }),
            (Event::Lagged { missed: u64::MAX }, SottoEvent::Lagged { missed: i64::MAX }),
        ];
        for (inner, outer) in pairs {
            assert_eq!(SottoEvent::from(inner), outer);
        }
    }
}
