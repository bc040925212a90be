//! Hints that something changed. The database is the truth: read the page again.

use serde::Serialize;

use crate::error::Code;
use crate::records::{ConversationId, MessageId, MessageState};

/// Sent after the commit it speaks of, never before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Conversations appeared, or their title, unread count, draft or order changed.
    ConversationsChanged {
        /// Which.
        ids: Vec<ConversationId>,
    },
    /// Messages appeared, changed or were deleted; no `ids`: many, read the page again.
    MessagesChanged {
        /// Where.
        conversation: ConversationId,
        /// Which.
        ids: Vec<MessageId>,
    },
    /// An own message moved to another state.
    MessageState {
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
    Connectivity(crate::records::Connectivity),
    /// Something a person should know, by stable code: `clock.skewed`, `device.replaced`, `storage.full`, …
    Notice {
        /// A code out of `docs/errors.md`.
        code: Code,
    },
    /// The reader was slow: this many events are gone; read the pages again.
    Lagged {
        /// How many.
        missed: u64,
    },
}
