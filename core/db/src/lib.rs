//! All SQL. An account is one SQLCipher file, with a [`Table`] for each kind of row and a function for each query. A
//! service node has an [`archive`].
//!
//! This crate knows tables, transactions and the disk. It does not know the meaning of a row: no clock, no key but the
//! database's own, no protocol. The caller chooses the transaction; a step of the engine is one
//! [`Account::transaction`]. Times are Unix milliseconds (`_ms`) or seconds (`_s`); [`NEVER`] means no time.
//!
//! The writer holds a lock file beside the database (`storage.in_use`) and runs in WAL mode with `synchronous=FULL` and
//! `secure_delete`. A [`Reader`] is a second, read-only connection.
#![cfg_attr(not(test), deny(clippy::too_many_lines))]

mod account;
pub mod archive;
mod carry;
mod effect;
mod error;
mod file;
mod group;
mod hear;
mod identity;
mod kv;
mod mark;
mod node;
mod peer;
mod people;
#[cfg(test)]
mod plans;
mod post;
mod private;
mod reader;
mod row;
mod search;
mod session;
mod talk;
mod wipe;

pub use account::Account;
pub use carry::{Item, Link};
pub use effect::{Annotation, Early};
pub use error::Error;
pub use file::{Attachment, BODY, Content, ContentName, File, FileId, FileRole, FileState, Next, Stored};
pub use group::{
    Group, GroupChain, GroupCopy, GroupEntry, GroupEpoch, GroupExchange, GroupInvite, GroupLeaf, GroupOldKey,
    GroupPart, GroupPassed, GroupSkip, GroupState, Leaf,
};
pub use hear::{Coverage, Seen, Waiting};
pub use identity::{Invite, PairKind, Prekey, Secret, SecretKind};
pub use kv::Kv;
pub use node::Node;
pub use peer::{Device, Peer, Reach, Standing as DeviceStanding};
pub use people::{News, NewsKind, Person, PersonState};
pub use post::{Attempt, Class, Parcel};
pub use private::Private;
pub use reader::{Counts, PAGE_BODY, PAGE_TEXT, PREVIEW, Reader};
pub use row::Table;
pub use search::{is_ideograph, spaced};
pub use session::{Ahead, Handshake, Session, Skipped};
pub use talk::{Arrival, Conversation, Hole, Kind, Message, MessageState, Standing};

/// An account's chat key, 33 bytes.
pub type Chat = [u8; 33];
/// A SHA-256: id of a message or conversation, hash of a session or payload.
pub type Hash = [u8; 32];
/// Later than every time: the row waits for something else.
pub const NEVER: i64 = i64::MAX;

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident: $row:ty,)*) => {
        /// All tables of an account. A step takes them apart, so that each table is written in one place.
        pub struct Tables<'t> { $($(#[$doc])* pub $name: Table<'t, $row>,)* }

        impl<'t> Tables<'t> {
            pub(crate) fn of(conn: &'t rusqlite::Connection) -> Self {
                Self { $($name: Table::new(conn),)* }
            }

            /// The same tables, to be read.
            pub fn view(&self) -> View<'t> {
                View(Self::of(self.kv.conn))
            }
        }
    };
}

/// All tables of an account, to be read: a table is written through its own value alone.
pub struct View<'t>(Tables<'t>);

impl<'t> std::ops::Deref for View<'t> {
    type Target = Tables<'t>;

    fn deref(&self) -> &Tables<'t> {
        &self.0
    }
}

tables! {
    /// Single values, by name.
    kv: Kv,
    /// Coverage of topics.
    coverage: Coverage,
    /// Accepted payloads.
    seen: Seen,
    /// Envelopes that wait for a session.
    waiting: Waiting,
    /// The peer book.
    nodes: Node,
    /// Envelopes to publish.
    parcels: Parcel,
    /// Publications of parcels.
    attempts: Attempt,
    /// Where accounts are reached.
    peers: Peer,
    /// Devices seen of accounts.
    devices: Device,
    /// Sessions, one or more with each device.
    sessions: Session,
    /// Handshakes seen before.
    handshakes: Handshake,
    /// Keys of skipped messages.
    skipped: Skipped,
    /// Private prekey pairs.
    prekeys: Prekey,
    /// Secrets that unmask handshakes.
    secrets: Secret,
    /// Own invites.
    invites: Invite,
    /// Own messages that wait for a receipt.
    items: Item,
    /// Counters and receipts of sessions.
    links: Link,
    /// Bytes of files on this disk.
    contents: Content,
    /// Files as pointers name them.
    files: File,
    /// Which message has which files.
    attachments: Attachment,
    /// Groups.
    groups: Group,
    /// Logs of groups.
    group_entries: GroupEntry,
    /// Leaves of groups.
    group_leaves: GroupLeaf,
    /// Own X25519 keys in groups.
    group_exchange: GroupExchange,
    /// Pair keys of boxes that were passed by.
    group_passed: GroupPassed,
    /// Epochs of groups.
    group_epochs: GroupEpoch,
    /// Chains of epochs.
    group_chains: GroupChain,
    /// Keys of skipped messages of groups.
    group_skipped: GroupSkip,
    /// Messages of groups as signed.
    group_copies: GroupCopy,
    /// Parts of boxes.
    group_parts: GroupPart,
    /// Own epoch keys to publish.
    group_old_keys: GroupOldKey,
    /// Whom this device invited.
    group_invites: GroupInvite,
    /// Conversations, one for each person or group.
    conversations: Conversation,
    /// Shown messages.
    messages: Message,
    /// Missing parents.
    holes: Hole,
    /// The order of arrival, for bots.
    arrivals: Arrival,
    /// Effects that count.
    annotations: Annotation,
    /// Effects that came before their target.
    early: Early,
    /// Persons, in any state.
    persons: Person,
    /// News for contacts, each with its own time.
    news: News,
}
