//! All SQL. An account: one SQLCipher file, typed rows, one function per query; and a service node's [`archive`].
//!
//! Knows tables, transactions and the disk. It does not know what a row means: no clock, no key beside the database's
//! own, no protocol. Whoever calls decides in which transaction things happen; a step of the engine is one
//! [`Account::transaction`]. Times are Unix milliseconds (`_ms`) or seconds (`_s`), [`NEVER`] is no time at all.
//!
//! The writer holds a lock file beside the database (`storage.in_use`), runs in WAL mode with `synchronous=FULL` and
//! `secure_delete`; a [`Reader`] is a second, query-only connection.

mod account;
pub mod archive;
mod arrival;
mod contact;
mod due;
mod error;
mod identity;
mod kv;
mod mark;
mod message;
mod node;
mod outbox;
mod private;
mod reader;
mod receive;
mod row;
mod session;

pub use account::{Account, Tx};
pub use contact::{Contact, Conversation, Device, News};
pub use error::Error;
pub use identity::{Invite, Prekey, Secret};
pub use message::Message;
pub use node::Node;
pub use outbox::{Attempt, Outbox};
pub use private::Private;
pub use reader::{ConversationRow, Counts, Reader};
pub use receive::{Fetch, Hole, Seen, Waiting};
pub use session::{Handshake, Session, Skipped};

/// An account's chat key.
pub type Chat = [u8; 33];
/// Any SHA-256: message, conversation, session, payload.
pub type Hash = [u8; 32];
/// Later than everything: waits for something else than time.
pub const NEVER: i64 = i64::MAX;
