use super::{ContentError, generated};
use crate::file::FilePointer;
use crate::name::{is_command, is_disguise};

/// Most files of a post.
pub const MAX_FILES: usize = 10;
/// Place of a message's body among its files.
pub const BODY: u8 = 255;
/// Longest name of a file, bytes.
pub const MAX_FILE_NAME: usize = 255;
/// Longest media type, bytes.
pub const MAX_MIME: usize = 100;
/// Longest waveform (64 values of 5 bits), bytes.
pub const MAX_WAVEFORM: usize = 40;
/// Longest placeholder (ThumbHash), bytes.
pub const MAX_PLACEHOLDER: usize = 32;
/// Longest preview, bytes: one 8 KiB chunk.
pub const MAX_FILE_PREVIEW: usize = crate::file::LARGE_CHUNK;

/// What a file is. A number of a newer version is shown as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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

impl FileKind {
    /// All kinds by their numbers on the wire.
    pub const ALL: [Self; 6] = [Self::File, Self::Image, Self::Voice, Self::Video, Self::Sticker, Self::Gif];

    /// The kind with this number.
    pub fn from_code(code: u32) -> Self {
        let place = usize::try_from(code).unwrap_or(usize::MAX);
        Self::ALL.get(place).copied().unwrap_or_default()
    }

    /// The number on the wire.
    pub fn code(self) -> u32 {
        self as u32
    }
}

/// A file of a post: where it is, and what its sender says of it.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Where its chunks are.
    pub pointer: FilePointer,
    /// What it is.
    pub kind: FileKind,
    /// Its name, see [`file_name`]; may be empty.
    pub name: String,
    /// Media type, at most [`MAX_MIME`] bytes.
    pub mime: String,
    /// Width, pixels; 0 if it has none.
    pub width: u32,
    /// Height, pixels; 0 if it has none.
    pub height: u32,
    /// Length in time, milliseconds; 0 if it has none.
    pub duration_ms: u32,
    /// Loudness of a voice note, 64 values of 5 bits; at most [`MAX_WAVEFORM`] bytes.
    pub waveform: Vec<u8>,
    /// ThumbHash, at most [`MAX_PLACEHOLDER`] bytes.
    pub placeholder: Vec<u8>,
    /// Size of the preview that is published beside it, bytes; 0 for none.
    pub preview_size: u32,
    /// Whether its chunk is on the group's topic.
    pub on_group_lane: bool,
    /// How long stores keep its chunks, Unix seconds.
    pub until_s: u64,
}

/// A received or chosen file name without path parts, control characters and characters that disguise it; at most
/// [`MAX_FILE_NAME`] bytes. Names that a system reserves for devices get an underscore. Empty if nothing is left.
pub fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|&c| !is_command(c) && !is_disguise(c) && !"<>:\"|?*".contains(c)).collect();
    let edge = |c: char| c == '.' || c.is_whitespace();
    let trimmed = kept.trim_matches(edge);
    let stem = trimmed.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |device: &str| {
        let rest = stem.strip_prefix(device);
        rest.is_some_and(|n| n.chars().count() == 1 && n.chars().all(|c| "0123456789¹²³".contains(c)))
    };
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$");
    let mut name = match device || numbered("COM") || numbered("LPT") {
        true => format!("_{trimmed}"),
        false => trimmed.to_owned(),
    };
    if name.len() > MAX_FILE_NAME {
        // The ending says what it is, so it stays.
        let ending = name.rfind('.').map(|dot| name.split_off(dot)).filter(|ending| ending.len() <= 16);
        let ending = ending.unwrap_or_default();
        let end = name.floor_char_boundary(MAX_FILE_NAME - ending.len());
        name.truncate(end);
        name.truncate(name.trim_end_matches(edge).len());
        name.push_str(&ending);
    }
    name
}

pub(super) fn read(raw: generated::File) -> Result<File, ContentError> {
    let long = raw.name.len() > MAX_FILE_NAME
        || raw.mime.len() > MAX_MIME
        || raw.waveform.len() > MAX_WAVEFORM
        || raw.placeholder.len() > MAX_PLACEHOLDER
        || usize::try_from(raw.preview_size).is_ok_and(|size| size > MAX_FILE_PREVIEW);
    if long {
        return Err(ContentError::TooLong);
    }
    let printable = |c: char| c.is_ascii_graphic();
    Ok(File {
        pointer: FilePointer::decode(&raw.pointer).map_err(ContentError::File)?,
        kind: FileKind::from_code(raw.r#type),
        name: file_name(&raw.name),
        mime: if raw.mime.chars().all(printable) { raw.mime } else { String::new() },
        width: raw.width,
        height: raw.height,
        duration_ms: raw.duration_ms,
        waveform: raw.waveform,
        placeholder: raw.placeholder,
        preview_size: raw.preview_size,
        on_group_lane: raw.lane == 1,
        until_s: raw.until_s,
    })
}

pub(super) fn raw(file: &File) -> generated::File {
    generated::File {
        pointer: file.pointer.encode().to_vec(),
        r#type: file.kind.code(),
        name: file.name.clone(),
        mime: file.mime.clone(),
        width: file.width,
        height: file.height,
        duration_ms: file.duration_ms,
        waveform: file.waveform.clone(),
        placeholder: file.placeholder.clone(),
        preview_size: file.preview_size,
        lane: u32::from(file.on_group_lane),
        until_s: file.until_s,
    }
}

crate::closed_debug!(File);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_no_path_and_no_disguise() {
        for (given, kept) in [
            ("holiday.jpg", "holiday.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\a.txt", "a.txt"),
            ("/", ""),
            ("..", ""),
            (".bashrc", "bashrc"),
            ("a\u{202e}gpj.exe", "agpj.exe"),
            ("a\0b\nc", "abc"),
            ("CON", "_CON"),
            ("con .txt", "_con .txt"),
            ("nul.txt", "_nul.txt"),
            ("COM1.tar.gz", "_COM1.tar.gz"),
            ("com10.txt", "com10.txt"),
            ("ends with dots. . .", "ends with dots"),
            ("what?<>|*\".txt", "what.txt"),
            ("Zoë 👨‍👩‍👧.png", "Zoë 👨‍👩‍👧.png"),
        ] {
            assert_eq!(file_name(given), kept, "{given}");
        }
        let long = file_name(&format!("{}.jpeg", "ä".repeat(300)));
        assert!(long.len() <= MAX_FILE_NAME && long.ends_with("ä.jpeg"), "{long}");
    }

    proptest! {
        #[test]
        fn a_cleaned_name_stays_as_it_is(name in ".{0,300}") {
            let clean = file_name(&name);
            prop_assert!(clean.len() <= MAX_FILE_NAME);
            prop_assert!(!clean.contains(['/', '\\', '\0']));
            prop_assert_eq!(file_name(&clean), clean);
        }
    }
}
