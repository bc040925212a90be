//! Records of files.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::message::is_zero;
use super::{ConversationId, FileId, MessageId};
use crate::error::Code;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileKind {
    /// Any file.
    #[default]
    File,
    /// A picture.
    Image,
    /// A voice note.
    Voice,
    /// A video.
    Video,
    /// A sticker.
    Sticker,
    /// An animated picture.
    Gif,
}

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileState {
    /// Elsewhere; `file_fetch` gets it.
    #[default]
    Remote,
    /// It waits for its time or is being fetched; `reason` says why it rests.
    Coming,
    /// Whole on this device.
    Here,
    /// Whole on this device, and being sent.
    Going,
    /// Nobody has it any more, or the own copy cannot be read.
    Gone,
    /// What came is not what its author named, or the copy on this device is damaged; `file_fetch` gets another.
    Corrupt,
}

/// A file to send.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewFile {
    /// Where it is on this device; 1 byte to 100 MB. It is copied before the call returns.
    pub path: PathBuf,
    /// What it is; without it a picture, voice note or video is told by `mime` or the name.
    pub kind: Option<FileKind>,
    /// Name that the reader sees; without it the one of `path`.
    pub name: Option<String>,
    /// Media type, at most 100 bytes.
    pub mime: Option<String>,
    /// Width of a picture or video, pixels.
    pub width: u32,
    /// Its height, pixels.
    pub height: u32,
    /// Length of a voice note or video, milliseconds.
    pub duration_ms: u32,
    /// Loudness of a voice note: 64 values from 0 to 31 at most.
    pub waveform: Vec<u8>,
    /// A small picture (WebP or JPEG, at most 8,142 bytes) that readers see before the file.
    pub preview_path: Option<PathBuf>,
    /// A tiny picture, of which its placeholder is made.
    pub placeholder_rgba: Option<Rgba>,
    /// Send a picture or video as it is. Otherwise what it says about place, time and camera is removed (JPEG, PNG and
    /// WebP), and one of which it cannot be removed is refused. Voice notes and files of the kind `file` are always
    /// sent as they are.
    pub as_is: bool,
    /// Send it under a new key, so that nobody can tell that it was sent before.
    pub fresh: bool,
}

/// A tiny picture.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rgba {
    /// At most 100 pixels.
    pub width: u32,
    /// At most 100 pixels.
    pub height: u32,
    /// Red, green, blue, alpha of each pixel; base64url in JSON.
    #[serde(with = "super::base64_bytes")]
    pub pixels: Vec<u8>,
}

/// A file of a message.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct File {
    /// Its id on this device.
    pub id: FileId,
    /// The message that has it.
    pub message: MessageId,
    /// Where.
    pub conversation: ConversationId,
    /// What it is.
    pub kind: FileKind,
    /// Its name: no path, nothing that hides what it is; may be empty.
    pub name: String,
    /// Media type by its sender's word; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mime: String,
    /// Width, pixels.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub width: u32,
    /// Height, pixels.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub height: u32,
    /// Length in time, milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub duration_ms: u32,
    /// Loudness of a voice note, values from 0 to 31.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waveform: Vec<u8>,
    /// ThumbHash; base64url in JSON.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "super::base64_bytes")]
    pub placeholder: Vec<u8>,
    /// Average colour of the placeholder: red, green, blue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<[u8; 3]>,
    /// The preview, once it is here; base64url in JSON.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "super::base64_bytes")]
    pub preview: Vec<u8>,
    /// What is known of it.
    pub state: FileState,
    /// Why it rests or cannot be had, by code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Code>,
    /// Bytes that are here, or, of an own file, with nodes.
    pub have: u64,
    /// Bytes in all.
    pub total: u64,
    /// When the next try is, Unix milliseconds, if it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_ms: Option<i64>,
    /// Until when stores keep it, Unix milliseconds.
    pub available_until_ms: i64,
    /// Of [`Messenger::files`](crate::Messenger::files): pass this as `before` for the next page.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cursor: String,
}

/// How far a transfer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transfer {
    /// Which file.
    pub file: FileId,
    /// What is known of it.
    pub state: FileState,
    /// Bytes that are here, or, of an own file, with nodes.
    pub have: u64,
    /// Bytes in all.
    pub total: u64,
    /// Why it rests, by code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Code>,
}

/// What is fetched without being asked for, from contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoDownload {
    /// Voice notes.
    pub voice: NetworkLimits,
    /// Pictures, stickers.
    pub image: NetworkLimits,
    /// Videos.
    pub video: NetworkLimits,
    /// Other files.
    pub file: NetworkLimits,
}

/// The largest file that is fetched by itself, bytes, by network; 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkLimits {
    /// Traffic costs nothing.
    pub unmetered: u64,
    /// Traffic costs money.
    pub metered: u64,
    /// Abroad.
    pub roaming: u64,
}

impl Default for AutoDownload {
    fn default() -> Self {
        const KB: u64 = 1024;
        let limits = |unmetered, metered, roaming| NetworkLimits { unmetered, metered, roaming };
        let large = limits(16 * KB * KB, 0, 0);
        Self {
            voice: limits(KB * KB, KB * KB, KB * KB),
            image: limits(8 * KB * KB, 512 * KB, 0),
            video: large,
            file: large,
        }
    }
}

/// Bytes of files on this device.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Storage {
    /// In all.
    pub bytes: u64,
    /// By conversation and kind. What several conversations have counts in each of them.
    pub parts: Vec<StoragePart>,
}

/// Bytes of one kind in one conversation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoragePart {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Which kind.
    pub kind: FileKind,
    /// Bytes.
    pub bytes: u64,
}

impl From<sotto_wire::content::FileKind> for FileKind {
    fn from(kind: sotto_wire::content::FileKind) -> Self {
        use sotto_wire::content::FileKind as W;
        match kind {
            W::File => Self::File,
            W::Image => Self::Image,
            W::Voice => Self::Voice,
            W::Video => Self::Video,
            W::Sticker => Self::Sticker,
            W::Gif => Self::Gif,
        }
    }
}

impl From<FileKind> for sotto_wire::content::FileKind {
    fn from(kind: FileKind) -> Self {
        match kind {
            FileKind::File => Self::File,
            FileKind::Image => Self::Image,
            FileKind::Voice => Self::Voice,
            FileKind::Video => Self::Video,
            FileKind::Sticker => Self::Sticker,
            FileKind::Gif => Self::Gif,
        }
    }
}

impl From<sotto_db::FileState> for FileState {
    fn from(state: sotto_db::FileState) -> Self {
        use sotto_db::FileState as S;
        match state {
            S::Remote => Self::Remote,
            S::Coming => Self::Coming,
            S::Here => Self::Here,
            S::Going => Self::Going,
            S::Gone => Self::Gone,
            S::Corrupt => Self::Corrupt,
        }
    }
}

crate::closed_debug!(NewFile, Rgba, File, Storage, StoragePart);
