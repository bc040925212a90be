//! The facade: [`SottoCore`] for Kotlin, Swift and Python, by uniffi's macros alone.
//!
//! This crate knows the messenger's public API and nothing below it, and has no rules about chat. Each call converts
//! records to the messenger's types, calls it, and converts the answer back. Calls are coarse (pages, batches). An
//! `async` call waits for one reply, from the engine's thread or from the reading thread (`reads`). The host may drop
//! it at any time; work that has begun goes on. Other calls touch no disk and return at once. If the last reference is
//! dropped without [`SottoCore::shutdown`], the drop waits for the threads.
//!
//! Data path: host → generated code → [`SottoCore`] → `Messenger` → records or [`SottoError`] → host. Events
//! come the other way, pulled through [`SottoEvents`]. Logs go to the platform's log.
//!
//! Names follow Rust here; the generators convert them to each language's convention. Every exported type begins with
//! `Sotto`, because Kotlin and Swift have their own `Message`, `Settings` and `Contact`. Ids are records with one text.
//! Numbers are `i32` and `i64`, because unsigned ones disfigure Kotlin's names.

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
    Account, Author, AutoDownload, Connectivity, Contact, ContactAction, ContactId, ContactState, Conversation,
    ConversationId, Delivery, DevicesId, Diagnostics, File, FileId, FileKind, FileState, Folder, Group, GroupMember,
    GroupPatch, GroupRole, GroupRow, GroupState, GroupWho, Hit, Incoming, Invite, InviteId, InvitePreview, LastMessage,
    LinkPreview, LogLevel, Mark, MemberId, Mention, Message, MessageId, MessageState, NetworkLimits, NetworkState,
    NewFile, NewMention, NewPoll, PhraseCheck, Poll, PollChoice, Reaction, ReactionBy, Reply, Rgba, RingSegment,
    SafetyNumber, Settings, SettingsPatch, Storage, StoragePart, Transfer, Unread, Version, WrongWord,
};

uniffi::setup_scaffolding!("sotto");

/// Version of this library.
#[uniffi::export]
pub fn version() -> String {
    sotto_messenger::version().to_owned()
}

/// Whether there is a database in this folder, whole or damaged. A host that lost its key must not make another key
/// then: only the lost key opens the database. Changes nothing. Errors: `storage.io`.
#[uniffi::export]
pub async fn database_exists(dir: String) -> Result<bool, SottoError> {
    reads::aside(move || sotto_messenger::Messenger::is_in(dir.as_ref())).await
}

/// Deletes the account in a folder without its key, even if the database is damaged or an earlier wipe was interrupted.
/// The folder must not be open. Delete the key and the counter file too. Errors: `storage.in_use`, `storage.*`.
#[uniffi::export]
pub async fn database_wipe(dir: String) -> Result<(), SottoError> {
    reads::aside(move || sotto_messenger::Messenger::wipe(dir.as_ref())).await
}

/// Judges a phrase while it is typed: which words the list does not have, and whether the phrase can be restored.
#[uniffi::export]
pub fn phrase_check(text: String) -> PhraseCheck {
    let text = zeroize::Zeroizing::new(text);
    sotto_messenger::Messenger::phrase_check(&text).into()
}
