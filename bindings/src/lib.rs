//! The facade: [`SottoCore`] for Kotlin, Swift and Python, by uniffi's macros alone.
//!
//! It knows the messenger's public API and nothing below it, and decides nothing about chat: each call turns plain
//! records into the messenger's types, asks it, and turns the answer back. Calls are coarse (pages, batches). An
//! `async` call waits for one reply, from the engine's thread or from the one that reads ([`reads`]); the host may drop
//! it at any time, which never undoes work that has begun. The others touch no disk and return at once, but for
//! [`SottoCore::open`], which makes or opens the database, and [`database_exists`]. The last holder that lets go of a
//! core
//! without [`SottoCore::shutdown`] waits for its threads.
//!
//! Data path: host → generated code → [`SottoCore`] → `Messenger` → records or [`SottoError`] → host. Events
//! come the other way, pulled through [`SottoEvents`]. Logs go to the platform's log.
//!
//! Names follow Rust here; the generators turn them into each language's own. What an app can name begins with `Sotto`:
//! Kotlin and Swift have a `Message`, `Settings` and `Contact` of their own. Ids are records of one text. Numbers are
//! `i32` and `i64`, because
//! unsigned ones disfigure Kotlin's names.

mod code;
mod config;
mod error;
mod event;
mod facade;
mod logging;
mod reads;
mod records;

pub use code::{Code, code_text};
pub use config::{Mode, Preset, SottoConfig, WakuNetwork};
pub use error::SottoError;
pub use event::{SottoEvent, SottoEvents};
pub use facade::SottoCore;
pub use records::{
    Account, Connectivity, Contact, ContactAction, ContactId, ContactState, Conversation, ConversationId, DevicesId,
    Diagnostics, Folder, Incoming, Invite, InviteId, InvitePreview, LastMessage, LogLevel, Message, MessageId,
    MessageState, NetworkState, PhraseCheck, RingSegment, SafetyNumber, Settings, SettingsPatch, Unread, WrongWord,
};

uniffi::setup_scaffolding!("sotto");

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

/// Judges a phrase while it is typed: which words are in no list, and whether the whole can be restored.
#[uniffi::export]
pub fn phrase_check(text: String) -> PhraseCheck {
    let text = zeroize::Zeroizing::new(text);
    sotto_messenger::Messenger::phrase_check(&text).into()
}
