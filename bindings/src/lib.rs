//! The facade: [`SottoCore`] for Kotlin, Swift and Python, by uniffi's macros alone.
//!
//! It knows the messenger's public API and nothing below it, and decides nothing about chat: each call turns plain
//! records into the messenger's types, asks it, and turns the answer back. Calls are coarse (pages, batches). An
//! `async` call waits for one reply from the engine's thread; the host may drop it at any time, which never undoes work
//! that has begun. The others block for as long as a read of the database takes, microseconds to a few milliseconds;
//! [`SottoCore::open`] also makes the database, and the last holder that lets go of a core without
//! [`SottoCore::shutdown`] waits for its threads.
//!
//! Data path: host → generated code → [`SottoCore`] → `Messenger` → records or [`SottoError`] → host. Events
//! come the other way, pulled through [`SottoEvents`]. Logs go to the platform's log.
//!
//! Names follow Rust here; the generators turn them into each language's own. Numbers are `i32` and `i64`, because
//! unsigned ones disfigure Kotlin's names.

mod config;
mod error;
mod event;
mod facade;
mod logging;
mod records;

pub use config::SottoConfig;
pub use error::SottoError;
pub use event::{SottoEvent, SottoEvents};
pub use facade::SottoCore;
pub use records::{
    Account, Connectivity, Contact, ContactAction, ContactState, Conversation, Diagnostics, Folder, Incoming, Invite,
    InvitePreview, LastMessage, Message, MessageState, NetworkState, RingSegment, SafetyNumber, Settings, Unread,
};

uniffi::setup_scaffolding!();

/// Version of this library.
#[uniffi::export]
pub fn version() -> String {
    sotto_messenger::version().to_owned()
}

/// Is there a database in this folder, whole or damaged? A host that has lost its key must not make another one then:
/// no
/// key but the lost one opens it. Changes nothing. Errors: `storage.io`.
#[uniffi::export]
pub fn database_exists(dir: String) -> Result<bool, SottoError> {
    Ok(sotto_messenger::Messenger::is_in(dir.as_ref())?)
}
