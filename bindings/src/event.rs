//! Events, pulled in two calls: first [`SottoEvents::ready`], then [`SottoEvents::next_batch`].
//!
//! One asynchronous call would lose its result if the host cancels it at the moment of completion: neither the host nor
//! the dropped future has the result then. So the waiting call carries nothing, and the call that carries events cannot
//! be cancelled.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sotto_messenger::{EVENT_DEPTH, Event, Subscription};

use crate::code::Code;
use crate::records::{Connectivity, ConversationId, MessageId, MessageState, Transfer, long, records};

/// A hint that something changed, sent after the change is on disk. The database is the truth: read the page again.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum SottoEvent {
    /// Conversations appeared, or their title, unread count, draft or order changed.
    ConversationsChanged {
        /// Ids of these conversations.
        ids: Vec<ConversationId>,
    },
    /// Messages appeared or their content changed.
    MessagesChanged {
        /// Their conversation.
        conversation: ConversationId,
        /// Ids of these messages.
        ids: Vec<MessageId>,
    },
    /// An own message moved to another state.
    MessageStateChanged {
        /// The message's conversation.
        conversation: ConversationId,
        /// Id of the message.
        id: MessageId,
        /// The new state.
        state: MessageState,
    },
    /// A transfer went on, at most four times a second for each file, or its file has another state.
    FileChanged {
        /// How far it is.
        now: Transfer,
    },
    /// Contacts, requests or their safety state changed.
    ContactsChanged,
    /// A contact is writing (only if both sides switched typing on).
    Typing {
        /// The contact's conversation.
        conversation: ConversationId,
    },
    /// Reachability changed.
    ConnectivityChanged {
        /// The new reachability.
        now: Connectivity,
    },
    /// Something that a person should know.
    Notice {
        /// Its code, see `docs/errors.md`.
        code: Code,
    },
    /// The reader was slow and events were dropped; read all pages again.
    Lagged {
        /// Number of dropped events.
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
            Event::File(now) => Self::FileChanged { now: now.into() },
            Event::ContactsChanged => Self::ContactsChanged,
            Event::Typing { conversation } => Self::Typing { conversation: conversation.into() },
            Event::Connectivity(now) => Self::ConnectivityChanged { now: now.into() },
            Event::Notice { code } => Self::Notice { code: code.into() },
            Event::Lagged { missed } => Self::Lagged { missed: long(missed) },
            // A hint without a name here yet: reading all pages again misses nothing.
            _ => Self::Lagged { missed: 1 },
        }
    }
}

/// A listener: events since it was made. It has one reader at a time.
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
    /// Waits for events or the end. Cancelling it, for example by a time limit, loses nothing. In a language that
    /// cannot cancel (Swift), `end` wakes it.
    pub async fn ready(&self) {
        {
            let fetched = self.fetched();
            if fetched.ended || !fetched.events.is_empty() {
                return;
            }
        }
        let batch = self.subscription.next_batch(EVENT_DEPTH).await;
        // There is no await from here on: received events are kept, whatever happens to this future.
        let mut fetched = self.fetched();
        match batch {
            Some(events) => fetched.events.extend(events.into_iter().map(Into::into)),
            None => fetched.ended = true,
        }
    }

    /// Takes the events that `ready` has seen, at most `max`; an empty list if there are none. Returns none after
    /// `end`, and after a shutdown once all events were taken.
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
    use crate::records::{FileId, FileState};
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
            (
                Event::File(inner::Transfer {
                    file: inner::FileId("f".into()),
                    state: inner::FileState::Coming,
                    have: 7,
                    total: u64::MAX,
                    reason: Some(InnerCode::FileNoSpace),
                }),
                SottoEvent::FileChanged {
                    now: Transfer {
                        file: FileId { value: "f".into() },
                        state: FileState::Coming,
                        have: 7,
                        total: i64::MAX,
                        reason: Some(Code::FileNoSpace),
                    },
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
