//! All SQL. An account: one SQLCipher file, a [`Table`] for each kind of row, one function per query; and a service
//! node's [`archive`].
//!
//! Knows tables, transactions and the disk. It does not know what a row means: no clock, no key beside the database's
//! own, no protocol. Whoever calls decides in which transaction things happen; a step of the engine is one
//! [`Account::transaction`]. Times are Unix milliseconds (`_ms`) or seconds (`_s`), [`NEVER`] is no time at all.
//!
//! The writer holds a lock file beside the database (`storage.in_use`), runs in WAL mode with `synchronous=FULL` and
//! `secure_delete`; a [`Reader`] is a second, query-only connection.
#![cfg_attr(not(test), deny(clippy::too_many_lines))]

mod account;
pub mod archive;
mod carry;
mod error;
mod hear;
mod identity;
mod kv;
mod mark;
mod node;
mod peer;
mod people;
mod post;
mod private;
mod reader;
mod row;
mod session;
mod talk;

pub use account::Account;
pub use carry::{Chunk, Fetch, Item, Link};
pub use error::Error;
pub use hear::{Coverage, Seen, Waiting};
pub use identity::{Invite, PairKind, Prekey, Secret, SecretKind};
pub use kv::Kv;
pub use node::Node;
pub use peer::{Device, Peer, Reach, Standing as DeviceStanding};
pub use people::{News, NewsKind, Person, PersonState};
pub use post::{Attempt, Class, Parcel};
pub use private::Private;
pub use reader::{Counts, PAGE_TEXT, PREVIEW, Reader};
pub use row::Table;
pub use session::{Ahead, Handshake, Session, Skipped};
pub use talk::{Arrival, Conversation, Hole, Kind, Message, MessageState, Standing};

/// An account's chat key.
pub type Chat = [u8; 33];
/// Any SHA-256: message, conversation, session, payload.
pub type Hash = [u8; 32];
/// Later than everything: waits for something else than time.
pub const NEVER: i64 = i64::MAX;

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident: $row:ty,)*) => {
        /// All tables of an account: a step takes them apart, so that each is written in one place.
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
    /// Single values.
    kv: Kv,
    /// Until when nothing was missed.
    coverage: Coverage,
    /// Payloads that were taken.
    seen: Seen,
    /// Envelopes that wait.
    waiting: Waiting,
    /// The peer book.
    nodes: Node,
    /// What has to leave.
    parcels: Parcel,
    /// As what it left.
    attempts: Attempt,
    /// Where accounts are reached.
    peers: Peer,
    /// By which devices.
    devices: Device,
    /// Sessions with them.
    sessions: Session,
    /// Handshakes that are known.
    handshakes: Handshake,
    /// Keys of messages passed by.
    skipped: Skipped,
    /// Private prekey pairs.
    prekeys: Prekey,
    /// What unmasks handshakes.
    secrets: Secret,
    /// Own invites.
    invites: Invite,
    /// Messages that wait for a receipt.
    items: Item,
    /// Counters and receipts of sessions.
    links: Link,
    /// Long texts on their way.
    fetches: Fetch,
    /// Their parts.
    chunks: Chunk,
    /// Conversations.
    conversations: Conversation,
    /// What is shown in them.
    messages: Message,
    /// What is missing there.
    holes: Hole,
    /// The order of arrival.
    arrivals: Arrival,
    /// Accounts we know.
    persons: Person,
    /// What they are to be told.
    news: News,
}
