//! Events: hints that something changed. The database is the truth: read the page again.

use serde::Serialize;

use crate::error::Code;
use crate::records::{ConversationId, MessageId, MessageState};

/// A hint, sent after the commit of its change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Conversations appeared, or their title, unread count, draft or order changed.
    ConversationsChanged {
        /// Which.
        ids: Vec<ConversationId>,
    },
    /// Messages appeared, changed or were deleted. Without `ids` many changed: read the page again.
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
        /// The new state.
        state: MessageState,
    },
    /// A transfer went on, at most four times a second for each file, or its file has another state.
    File(crate::records::Transfer),
    /// Contacts, requests or their safety state changed.
    ContactsChanged,
    /// A contact is writing (only if both sides switched typing on).
    Typing {
        /// Where.
        conversation: ConversationId,
    },
    /// Reachability changed.
    Connectivity(crate::records::Connectivity),
    /// Something that a person should know, by stable code: `clock.skewed`, `device.replaced`, `storage.full`, …
    Notice {
        /// Its code, see `docs/errors.md`.
        code: Code,
    },
    /// The reader was slow and events were dropped; read all pages again.
    Lagged {
        /// Number of dropped events.
        missed: u64,
    },
}
