//! Groups: their logs, leaves, epochs, chains and boxes. Knows leaves and accounts; no names of people, no shown text.

pub(crate) mod boxes;
pub(crate) mod epoch;
pub(crate) mod join;
pub(crate) mod log;
pub(crate) mod memory;
pub(crate) mod open;
pub(crate) mod repair;
pub(crate) mod run;
pub(crate) mod say;

use sotto_db::{Chat, Hash};
use sotto_wire::content::Message;

use crate::engine::base::room;
use crate::engine::file::File;

/// What a group brought: for the room above.
pub(crate) enum News {
    /// A member's message.
    Message(Box<Came>),
    /// The log, or what this device is to the group, changed.
    Changed(Hash),
    /// This device reads the group from now on.
    Entered(Hash),
    /// Accounts have an own message.
    Acked(Hash),
}

/// A member's message whose signature holds.
pub(crate) struct Came {
    pub(crate) group: Hash,
    pub(crate) author: Chat,
    pub(crate) device: [u8; 16],
    pub(crate) m: Vec<u8>,
    pub(crate) message: Message,
    /// Whether its device proved that the account is its own.
    pub(crate) proved: bool,
}

room! {
    Group over file: File {
        groups: Group,
        group_entries: GroupEntry,
        group_leaves: GroupLeaf,
        group_exchange: GroupExchange,
        group_passed: GroupPassed,
        group_epochs: GroupEpoch,
        group_chains: GroupChain,
        group_skipped: GroupSkip,
        group_copies: GroupCopy,
        group_parts: GroupPart,
        group_old_keys: GroupOldKey,
        group_invites: GroupInvite,
    } and {
        /// Logs and expected tags, in memory.
        memory: &'a mut memory::Memory,
        /// For the room above.
        news: Vec<News>,
    }
}
