//! Records of files.

use sotto_messenger::{Code, records as inner};

use super::convert::{int, long, records};
use super::{ConversationId, FileId, MessageId};
use crate::error::SottoError;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoFileKind")]
pub enum FileKind {
    /// Any file.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoFileState")]
pub enum FileState {
    /// Elsewhere; `file_fetch` gets it.
    Remote,
    /// It waits for its time or is being fetched; `reason` says why it rests.
    Coming,
    /// Whole on this device.
    Here,
    /// Whole on this device, and being sent.
    Going,
    /// Nobody has it any more, or the own copy cannot be read.
    Gone,
    /// What came is not what its author named.
    Corrupt,
}

/// A file to send.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoNewFile")]
pub struct NewFile {
    /// Absolute path on this device; 1 byte to 100 MB. It is copied before the call returns.
    pub path: String,
    /// What it is; without it a picture or video is told by `mime` or the name.
    #[uniffi(default = None)]
    pub kind: Option<FileKind>,
    /// Name that the reader sees; without it the one of `path`.
    #[uniffi(default = None)]
    pub name: Option<String>,
    /// Media type, at most 100 bytes.
    #[uniffi(default = None)]
    pub mime: Option<String>,
    /// Width of a picture or video, pixels.
    #[uniffi(default = 0)]
    pub width: i32,
    /// Its height, pixels.
    #[uniffi(default = 0)]
    pub height: i32,
    /// Length of a voice note or video, milliseconds.
    #[uniffi(default = 0)]
    pub duration_ms: i32,
    /// Loudness of a voice note: at most 64 values from 0 to 31.
    #[uniffi(default)]
    pub waveform: Vec<u8>,
    /// A small picture (WebP or JPEG, at most 8,142 bytes) that readers see before the file.
    #[uniffi(default = None)]
    pub preview_path: Option<String>,
    /// A tiny picture, of which its placeholder is made.
    #[uniffi(default = None)]
    pub placeholder_rgba: Option<Rgba>,
    /// Send a picture or video as it is. Otherwise what it says about place, time and camera is removed (JPEG, PNG and
    /// WebP), and one of which it cannot be removed is refused. Voice notes and files of the kind `File` are always
    /// sent as they are.
    #[uniffi(default = false)]
    pub as_is: bool,
    /// Send it under a new key, so that nobody can tell that it was sent before.
    #[uniffi(default = false)]
    pub fresh: bool,
}

/// A tiny picture.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoRgba")]
pub struct Rgba {
    /// At most 100 pixels.
    pub width: i32,
    /// At most 100 pixels.
    pub height: i32,
    /// Red, green, blue, alpha of each pixel.
    pub pixels: Vec<u8>,
}

/// A file of a message.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoFile")]
pub struct File {
    /// Its id on this device.
    pub id: FileId,
    /// The message that has it.
    pub message: MessageId,
    /// The message's conversation.
    pub conversation: ConversationId,
    /// What it is.
    pub kind: FileKind,
    /// Its name: no path, nothing that hides what it is; may be empty.
    pub name: String,
    /// Media type by its sender's word; may be empty.
    pub mime: String,
    /// Width, pixels.
    pub width: i32,
    /// Height, pixels.
    pub height: i32,
    /// Length in time, milliseconds.
    pub duration_ms: i32,
    /// Loudness of a voice note, values from 0 to 31.
    pub waveform: Vec<u8>,
    /// ThumbHash; may be empty.
    pub placeholder: Vec<u8>,
    /// Average colour of the placeholder, 0xRRGGBB.
    pub colour: Option<i32>,
    /// The preview (WebP or JPEG by its sender's word), once it is here.
    pub preview: Vec<u8>,
    /// What is known of it.
    pub state: FileState,
    /// Why it rests or cannot be had.
    pub reason: Option<crate::code::Code>,
    /// Bytes that are here, or, of an own file, with nodes.
    pub have: i64,
    /// Bytes in all.
    pub total: i64,
    /// When the next try is, Unix milliseconds, if it waits.
    pub next_ms: Option<i64>,
    /// Until when stores keep it, Unix milliseconds.
    pub available_until_ms: i64,
    /// Pass this as `before` for the next page of `files`.
    pub cursor: String,
}

/// How far a transfer is.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoTransfer")]
pub struct Transfer {
    /// Id of the file.
    pub file: FileId,
    /// What is known of it.
    pub state: FileState,
    /// Bytes that are here, or, of an own file, with nodes.
    pub have: i64,
    /// Bytes in all.
    pub total: i64,
    /// Why it rests.
    pub reason: Option<crate::code::Code>,
}

/// What is fetched without being asked for, from contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoAutoDownload")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoNetworkLimits")]
pub struct NetworkLimits {
    /// Traffic costs nothing.
    pub unmetered: i64,
    /// Traffic costs money.
    pub metered: i64,
    /// Abroad.
    pub roaming: i64,
}

/// Bytes of files on this device.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoStorage")]
pub struct Storage {
    /// In all.
    pub bytes: i64,
    /// By conversation and kind. A file that several conversations have counts in each of them.
    pub parts: Vec<StoragePart>,
}

/// Bytes of one kind in one conversation.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoStoragePart")]
pub struct StoragePart {
    /// Id of the conversation.
    pub conversation: ConversationId,
    /// Kind of the files.
    pub kind: FileKind,
    /// Their bytes.
    pub bytes: i64,
}

impl From<FileKind> for inner::FileKind {
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

impl TryFrom<NewFile> for inner::NewFile {
    type Error = SottoError;

    fn try_from(value: NewFile) -> Result<Self, SottoError> {
        let NewFile {
            path,
            kind,
            name,
            mime,
            width,
            height,
            duration_ms,
            waveform,
            preview_path,
            placeholder_rgba,
            as_is,
            fresh,
        } = value;
        Ok(Self {
            path: path.into(),
            kind: kind.map(Into::into),
            name,
            mime,
            width: size(width)?,
            height: size(height)?,
            duration_ms: size(duration_ms)?,
            waveform,
            preview_path: preview_path.map(Into::into),
            placeholder_rgba: placeholder_rgba.map(TryInto::try_into).transpose()?,
            as_is,
            fresh,
        })
    }
}

impl TryFrom<Rgba> for inner::Rgba {
    type Error = SottoError;

    fn try_from(value: Rgba) -> Result<Self, SottoError> {
        let Rgba { width, height, pixels } = value;
        Ok(Self { width: size(width)?, height: size(height)?, pixels })
    }
}

fn size(number: i32) -> Result<u32, SottoError> {
    u32::try_from(number).map_err(|_| Code::BadFile.into())
}

impl From<inner::File> for File {
    fn from(value: inner::File) -> Self {
        let inner::File {
            id,
            message,
            conversation,
            kind,
            name,
            mime,
            width,
            height,
            duration_ms,
            waveform,
            placeholder,
            colour,
            preview,
            state,
            reason,
            have,
            total,
            next_ms,
            available_until_ms,
            cursor,
        } = value;
        Self {
            id: id.into(),
            message: message.into(),
            conversation: conversation.into(),
            kind: kind.into(),
            name,
            mime,
            width: int(width),
            height: int(height),
            duration_ms: int(duration_ms),
            waveform,
            placeholder,
            colour: colour.map(|[red, green, blue]| i32::from_be_bytes([0, red, green, blue])),
            preview,
            state: state.into(),
            reason: reason.map(Into::into),
            have: long(have),
            total: long(total),
            next_ms,
            available_until_ms,
            cursor,
        }
    }
}

impl From<inner::Transfer> for Transfer {
    fn from(value: inner::Transfer) -> Self {
        let inner::Transfer { file, state, have, total, reason } = value;
        Self {
            file: file.into(),
            state: state.into(),
            have: long(have),
            total: long(total),
            reason: reason.map(Into::into),
        }
    }
}

impl From<inner::AutoDownload> for AutoDownload {
    fn from(value: inner::AutoDownload) -> Self {
        let inner::AutoDownload { voice, image, video, file } = value;
        Self { voice: voice.into(), image: image.into(), video: video.into(), file: file.into() }
    }
}

impl TryFrom<AutoDownload> for inner::AutoDownload {
    type Error = SottoError;

    fn try_from(value: AutoDownload) -> Result<Self, SottoError> {
        let AutoDownload { voice, image, video, file } = value;
        Ok(Self {
            voice: voice.try_into()?,
            image: image.try_into()?,
            video: video.try_into()?,
            file: file.try_into()?,
        })
    }
}

impl From<inner::NetworkLimits> for NetworkLimits {
    fn from(value: inner::NetworkLimits) -> Self {
        let inner::NetworkLimits { unmetered, metered, roaming } = value;
        Self { unmetered: long(unmetered), metered: long(metered), roaming: long(roaming) }
    }
}

impl TryFrom<NetworkLimits> for inner::NetworkLimits {
    type Error = SottoError;

    fn try_from(value: NetworkLimits) -> Result<Self, SottoError> {
        let NetworkLimits { unmetered, metered, roaming } = value;
        let limit = |bytes: i64| u64::try_from(bytes).map_err(|_| SottoError::from(Code::BadSetting));
        Ok(Self { unmetered: limit(unmetered)?, metered: limit(metered)?, roaming: limit(roaming)? })
    }
}

impl From<inner::Storage> for Storage {
    fn from(value: inner::Storage) -> Self {
        let inner::Storage { bytes, parts } = value;
        Self { bytes: long(bytes), parts: records(parts) }
    }
}

impl From<inner::StoragePart> for StoragePart {
    fn from(value: inner::StoragePart) -> Self {
        let inner::StoragePart { conversation, kind, bytes } = value;
        Self { conversation: conversation.into(), kind: kind.into(), bytes: long(bytes) }
    }
}
