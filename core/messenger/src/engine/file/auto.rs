//! What is fetched without being asked for: by kind, size and network, at a random time.

use sotto_db::{FileId, FileState, NEVER};
use sotto_wire::content::{File as Named, FileKind};

use crate::engine::base::schedule::MINUTE;
use crate::engine::file::{File, change, picture, pointer};
use crate::error::Error;
use crate::records::{AutoDownload, NetworkLimits};

/// Where the settings are kept.
pub(crate) const KEY_AUTO: &str = "auto_download";
/// Latest begin of what nobody asked for.
const SPREAD: i64 = 30 * MINUTE;
/// Most downloads that wait.
const WAITING: u32 = 64;

/// The settings as stored: limits in bytes, 8 each, big-endian.
pub(crate) fn settings(bytes: Option<&[u8]>) -> AutoDownload {
    let mut all = AutoDownload::default();
    let stored = bytes.filter(|bytes| bytes.len() == 96).map_or(&[][..], |bytes| bytes.as_chunks::<8>().0);
    for (limit, bytes) in limits(&mut all).into_iter().zip(stored) {
        *limit = u64::from_be_bytes(*bytes);
    }
    all
}

pub(crate) fn stored(mut all: AutoDownload) -> Vec<u8> {
    limits(&mut all).into_iter().flat_map(|limit| limit.to_be_bytes()).collect()
}

fn limits(all: &mut AutoDownload) -> Vec<&mut u64> {
    let kinds = [&mut all.voice, &mut all.image, &mut all.video, &mut all.file];
    kinds.into_iter().flat_map(|one| [&mut one.unmetered, &mut one.metered, &mut one.roaming]).collect()
}

fn allowed(step: &File<'_>, kind: FileKind, size: u64) -> Result<bool, Error> {
    let all = settings(step.tx.kv.get(KEY_AUTO)?.as_deref());
    let by: NetworkLimits = match kind {
        FileKind::Voice => all.voice,
        FileKind::Image | FileKind::Sticker | FileKind::Gif => all.image,
        FileKind::Video => all.video,
        FileKind::File => all.file,
    };
    let limit = match (step.metered, step.roaming) {
        (_, true) => by.roaming,
        (true, false) => by.metered,
        (false, false) => by.unmetered,
    };
    Ok(size <= limit)
}

/// A file of a contact came: its preview is fetched, and the file if the settings allow it, each at its own time.
pub(crate) fn came(step: &mut File<'_>, id: &FileId, named: &Named) -> Result<(), Error> {
    let wait = if step.foreground { 0 } else { SPREAD };
    let (preview, file) = (step.below(wait), step.below(SPREAD));
    let now_ms = step.now_ms;
    change(step, id, |row| {
        row.auto = true;
        if row.preview_size > 0 && row.preview.is_none() {
            row.preview_due_ms = now_ms.saturating_add(preview);
        }
    })?;
    begin(step, id, (named.kind, named.pointer.size()), now_ms.saturating_add(file))
}

/// A contact has a new picture: it is fetched at a random time if the settings allow it.
pub(crate) fn picture(step: &mut File<'_>, row: &sotto_db::File) -> Result<(), Error> {
    let due_ms = step.now_ms.saturating_add(step.below(SPREAD));
    change(step, &row.id, |row| row.auto = true)?;
    begin(step, &row.id, (FileKind::Image, pointer(row)?.size()), due_ms)
}

fn begin(step: &mut File<'_>, id: &FileId, (kind, size): (FileKind, u64), due_ms: i64) -> Result<(), Error> {
    if allowed(step, kind, size)? && step.files.count_due(FileState::Coming)? < WAITING {
        change(step, id, |row| (row.state, row.due_ms) = (FileState::Coming, due_ms))?;
    }
    Ok(())
}

/// The network or the settings changed: what may come now is fetched.
pub(crate) fn look(step: &mut File<'_>) -> Result<(), Error> {
    for id in step.files.automatic()? {
        let Some(row) = step.files.get(&id)? else {
            continue;
        };
        let one = step.attachments.of_file(&id)?.into_iter().next();
        if let Some(one) = one.as_ref().filter(|one| picture::is_picture(one))
            && picture::owner(step, &one.message)?.is_none()
        {
            continue; // blocked
        }
        let kind = one.map_or(FileKind::File, |one| FileKind::from_code(one.kind));
        let due_ms = step.now_ms.saturating_add(step.below(SPREAD));
        begin(step, &id, (kind, pointer(&row)?.size()), due_ms)?;
    }
    Ok(())
}

pub(crate) fn set(step: &mut File<'_>, all: AutoDownload) -> Result<(), Error> {
    step.own()?;
    step.kv.set(KEY_AUTO, &stored(all))?;
    look(step)
}

/// Nothing more of a conversation is fetched by itself, for example because its contact was blocked.
pub(crate) fn stop(step: &mut File<'_>, conversation: &sotto_db::Hash) -> Result<(), Error> {
    for id in step.attachments.of_conversation(conversation)? {
        change(step, &id, |row| {
            (row.auto, row.preview_due_ms) = (false, NEVER);
            if row.state == FileState::Coming {
                (row.state, row.due_ms) = (FileState::Remote, NEVER);
            }
        })?;
    }
    step.fx.look_at_transfers = true;
    Ok(step.files.hold(conversation)?)
}
