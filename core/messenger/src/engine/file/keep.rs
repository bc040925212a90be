//! Which message has which files, and what of them lies on this disk.

use sotto_db::{Attachment, Content, ContentName, FileId, FileRole, FileState, Hash, Message, NEVER};
use sotto_wire::content::{File as Named, FileKind, MAX_FILE_PREVIEW};
use sotto_wire::file::FilePointer;

use crate::disk::{Imported, Order, Place};
use crate::engine::base::schedule::DAY;
use crate::engine::file::{File, auto, change, down, drop_content, pointer, shown_anew, up};
use crate::error::{Code, Error, OrBug};

/// How much earlier than it may be published the search for a file begins, because clocks may be off, seconds.
pub(crate) const EARLIER_S: i64 = 600;

/// A file to send: what was read of the disk, and what the app says of it.
pub struct Prepared {
    /// The sealed copy.
    pub imported: Imported,
    /// What the app says of it.
    pub told: Told,
    /// The preview that is published beside it, or nothing.
    pub preview: Vec<u8>,
    /// Whether it is published anew even if an earlier upload could be named again.
    pub fresh: bool,
}

/// What its sender says of a file.
#[derive(Clone, Default)]
pub struct Told {
    /// What it is.
    pub kind: FileKind,
    /// Its name.
    pub name: String,
    /// Media type.
    pub mime: String,
    /// Width, pixels.
    pub width: u32,
    /// Height, pixels.
    pub height: u32,
    /// Length in time, milliseconds.
    pub duration_ms: u32,
    /// Loudness, 64 values of 5 bits.
    pub waveform: Vec<u8>,
    /// ThumbHash.
    pub placeholder: Vec<u8>,
}

crate::closed_debug!(Prepared, Told);

fn named(told: Told, row: &sotto_db::File) -> Result<Named, Error> {
    let Told { kind, name, mime, width, height, duration_ms, waveform, placeholder } = told;
    Ok(Named {
        pointer: pointer(row)?,
        kind,
        name,
        mime,
        width,
        height,
        duration_ms,
        waveform,
        placeholder,
        preview_size: row.preview_size,
        on_group_lane: false,
        until_s: u64::try_from(row.until_s).unwrap_or(0),
    })
}

/// Takes a file of the person; names it for its message. The same bytes are kept once, and an own upload that stores
/// keep for another day is named again.
pub(crate) fn take(step: &mut File<'_>, new: Prepared) -> Result<Named, Error> {
    let Imported { place, sha256, manifest, .. } = new.imported;
    let content = content(step, &place, &sha256)?;
    let preview_size = u32::try_from(new.preview.len()).unwrap_or(u32::MAX);
    let uploads = step.files.of_content(&content)?;
    // Only received files have a time from which they are searched. Their author knows their topic.
    let own = |row: &sotto_db::File| row.since_s == 0 && row.preview_size == preview_size;
    let again = uploads.into_iter().find(|row| own(row) && is_lasting(step, row));
    let row = match again.filter(|_| !new.fresh) {
        Some(row) => row,
        None => upload(step, FileRole::Message, (content, place.size), (sha256, manifest), new.preview)?,
    };
    named(new.told, &row)
}

/// Takes a copy of the person's, or the one that is here already.
pub(super) fn content(step: &mut File<'_>, place: &Place, sha256: &Hash) -> Result<ContentName, Error> {
    if let Some(same) = step.contents.of_hash(sha256)? {
        step.fx.disk.push(Order::Remove { names: vec![place.name] });
        return Ok(same.name);
    }
    let size = i64::try_from(place.size).or_bug("size of a file")?;
    let (name, key) = (place.name, *place.key.as_bytes());
    step.contents.put(&Content { name, key, size, sha256: Some(*sha256) })?;
    Ok(name)
}

/// Adds an upload of bytes that are here, under a fresh key.
pub(super) fn upload(
    step: &mut File<'_>,
    role: FileRole,
    (content, size): ([u8; 8], u64),
    (sha256, manifest): (Hash, Vec<u8>),
    preview: Vec<u8>,
) -> Result<sotto_db::File, Error> {
    let root = if manifest.is_empty() { sha256 } else { sotto_wire::envelope::payload_hash(&manifest) };
    let pointer = FilePointer::new(step.random(), size, root).map_err(|_| Code::FileTooLarge)?;
    let retention_s = step.retention_ms() / 1000;
    let row = sotto_db::File {
        role,
        content: Some(content),
        state: FileState::Going,
        sent: false,
        manifest: Some(manifest).filter(|manifest| !manifest.is_empty()),
        due_ms: step.now_ms,
        until_s: i64::try_from(step.clock_s()).unwrap_or(0).saturating_add(retention_s),
        preview_size: u32::try_from(preview.len()).unwrap_or(u32::MAX),
        preview: Some(preview).filter(|preview| !preview.is_empty()),
        ..unknown(step.random(), &pointer)
    };
    step.files.put(&row)?;
    Ok(row)
}

/// Whether stores keep an upload for another day.
fn is_lasting(step: &File<'_>, row: &sotto_db::File) -> bool {
    let there = matches!(row.state, FileState::Here | FileState::Going);
    there && row.until_s.saturating_mul(1000) > step.clock_ms.saturating_add(DAY)
}

pub(super) fn unknown(id: FileId, pointer: &FilePointer) -> sotto_db::File {
    sotto_db::File {
        id,
        pointer: pointer.encode().to_vec(),
        role: FileRole::Message,
        content: None,
        state: FileState::Remote,
        sent: true,
        have: Vec::new(),
        manifest: None,
        tries: 0,
        due_ms: NEVER,
        since_s: 0,
        from_ns: 0,
        until_s: 0,
        reason: None,
        asked_ms: 0,
        doubted: false,
        answers: 0,
        answered_ms: 0,
        auto: false,
        preview_size: 0,
        preview: None,
        preview_tries: 0,
        preview_due_ms: NEVER,
    }
}

/// Gives a message its files. Those of a contact may be fetched without being asked for.
pub(crate) fn attach(step: &mut File<'_>, message: &Message, files: &[Named], trusted: bool) -> Result<(), Error> {
    for (i, named) in (0..).zip(files) {
        let encoded = named.pointer.encode();
        let known = step.files.of_pointer(&encoded)?;
        let row = match known {
            Some(row) => row,
            None => {
                let preview_size = named.preview_size.min(u32::try_from(MAX_FILE_PREVIEW).unwrap_or(u32::MAX));
                sotto_db::File { preview_size, ..received(step, &named.pointer, Some((message.time_s, named.until_s))) }
            }
        };
        if row.pointer == encoded && step.files.get(&row.id)?.is_none() {
            step.files.put(&row)?;
        }
        let (message, conversation) = (message.id, message.conversation);
        let (lamport, time_s) =
            (step.tx.messages.get(&message)?.map(|row| (row.lamport, row.time_s))).or_bug("message")?;
        let kind = named.kind.code();
        let (session, seq) = (None, None);
        step.attachments.put(&Attachment {
            message,
            i,
            file: row.id,
            conversation,
            kind,
            lamport,
            time_s,
            session,
            seq,
        })?;
        if trusted && row.state == FileState::Remote {
            auto::came(step, &row.id, named)?;
        }
    }
    Ok(())
}

/// A file of somebody else. `told`: when it was named, and until when stores keep it by its author's word.
pub(super) fn received(step: &mut File<'_>, pointer: &FilePointer, told: Option<(i64, u64)>) -> sotto_db::File {
    let clock_s = i64::try_from(step.clock_s()).unwrap_or(0);
    let retention_s = step.retention_ms() / 1000;
    let (time_s, until_s) = told.unwrap_or((clock_s, u64::MAX));
    sotto_db::File {
        // The post may name an earlier upload.
        since_s: time_s.min(clock_s).saturating_sub(EARLIER_S.saturating_add(retention_s)).max(1),
        until_s: i64::try_from(until_s).unwrap_or(i64::MAX).min(clock_s.saturating_add(retention_s)),
        ..unknown(step.random(), pointer)
    }
}

/// A message has no files any more.
pub(crate) fn release(step: &mut File<'_>, message: &Hash) -> Result<(), Error> {
    let files = step.attachments.remove_of(message)?;
    drop_unused(step, &files)
}

pub(crate) fn release_all(step: &mut File<'_>, conversation: &Hash) -> Result<(), Error> {
    let files = step.attachments.remove_all(conversation)?;
    drop_unused(step, &files)
}

/// Deletes those of these files that no message has any more, and what they alone had on this disk.
pub(crate) fn drop_unused(step: &mut File<'_>, files: &[FileId]) -> Result<(), Error> {
    let mut contents = Vec::new();
    for id in files {
        contents.extend(step.files.drop_unused(id)?);
    }
    step.fx.look_at_transfers |= !files.is_empty();
    drop_contents(step, contents)
}

/// Deletes the keys of those of these contents that no file has any more; what lies on the disk follows after the
/// commit.
pub(crate) fn drop_contents(step: &mut File<'_>, mut names: Vec<ContentName>) -> Result<(), Error> {
    names.sort_unstable();
    names.dedup();
    let mut gone = Vec::new();
    for name in names {
        if step.contents.drop_unused(&name)? {
            gone.push(name);
        }
    }
    if !gone.is_empty() {
        step.fx.shred = true;
        step.fx.disk.push(Order::Remove { names: gone });
    }
    Ok(())
}

/// Frees the bytes of files; they can be fetched again as long as stores or their author have them.
pub(crate) fn free(step: &mut File<'_>, conversation: Option<&Hash>, before_s: i64) -> Result<(), Error> {
    let mut contents = Vec::new();
    for id in step.attachments.stored(conversation, before_s)? {
        change(step, &id, |row| {
            contents.extend(row.content.take());
            (row.state, row.auto) = (FileState::Remote, false);
            row.have.clear();
        })?;
        shown_anew(step, &id)?;
    }
    drop_contents(step, contents)
}

/// A copy on this disk is damaged. Its bytes are no other file's from now on. Files that have it are fetched when the
/// person wants them again, and pictures at once.
pub(crate) fn damaged(step: &mut File<'_>, copy: &ContentName) -> Result<(), Error> {
    step.contents.change(copy, |content| content.sha256 = None)?;
    for row in step.files.sharing(copy)?.into_iter().filter(|row| row.state == FileState::Here) {
        let now_ms = step.now_ms;
        if row.role == FileRole::Picture {
            drop_content(step, &row.id)?;
            change(step, &row.id, |row| (row.state, row.due_ms) = (FileState::Coming, now_ms))?;
        } else {
            change(step, &row.id, |row| {
                row.state = FileState::Corrupt;
                row.reason = Some(Code::FileCorrupt.as_str().to_owned());
            })?;
        }
        shown_anew(step, &row.id)?;
    }
    Ok(())
}

/// Ends a transfer. A download goes on when the person wants the file; a message whose upload ends is deleted by the
/// room above: true then. Of an upload that readers can have already, the rest is not published.
pub(crate) fn cancel(step: &mut File<'_>, id: &FileId) -> Result<bool, Error> {
    let row = step.files.get(id)?.ok_or(Code::FileMissing)?;
    match row.state {
        _ if row.role != FileRole::Message => Ok(false),
        FileState::Coming => {
            down::pause(step, id)?;
            step.fx.look_at_transfers = true;
            Ok(false)
        }
        FileState::Going if row.sent => up::rest(step, id).map(|()| false),
        FileState::Going => Ok(true),
        _ => Ok(false),
    }
}

/// A file to be forwarded is named again if stores keep it long enough or it is not here; otherwise it is published
/// anew. `fresh`: it is published anew in any case.
pub(crate) fn forward(step: &mut File<'_>, named: &Named, fresh: bool) -> Result<Named, Error> {
    let row = step.files.of_pointer(&named.pointer.encode())?.ok_or(Code::FileGone)?;
    let kept = row.content.is_none() && row.until_s > i64::try_from(step.clock_s()).unwrap_or(0);
    if !fresh && (kept || is_lasting(step, &row)) {
        return Ok(named.clone());
    }
    let whole = row.content.map(|name| step.contents.get(&name)).transpose()?.flatten();
    let (content, sha256) = whole.and_then(|one| one.sha256.map(|hash| (one, hash))).ok_or(Code::FileGone)?;
    let size = u64::try_from(content.size).or_bug("size of a file")?;
    let preview = row.preview.unwrap_or_default();
    let new =
        upload(step, FileRole::Message, (content.name, size), (sha256, row.manifest.unwrap_or_default()), preview)?;
    let until_s = u64::try_from(new.until_s).unwrap_or(0);
    Ok(Named { pointer: pointer(&new)?, preview_size: new.preview_size, until_s, ..named.clone() })
}
