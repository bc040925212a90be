//! Pictures of accounts: files that no message has. Contacts learn of the own one in a hello or a profile, so nobody
//! else asks a store for it.

use sotto_db::{Attachment, Chat, Content, FileId, FileRole, FileState, Hash, NEVER, PersonState, Reader};
use sotto_wire::content::FileKind;
use sotto_wire::envelope::payload_hash;
use sotto_wire::file::{FilePointer, LARGE_UP_TO};

use crate::disk::Imported;
use crate::engine::file::{File, auto, change, keep, pointer};
use crate::error::{Error, OrBug};

/// Longest picture, bytes.
pub(crate) const MAX: u64 = LARGE_UP_TO as u64;
/// In place of a conversation: pictures are in none.
const NOWHERE: Hash = [0; 32];
/// Place of the picture that is shown.
pub(crate) const SHOWN: u32 = 0;
/// Place of a contact's new picture, while the one before is shown.
const COMING: u32 = 1;

/// In place of a message; the same on both sides.
pub(crate) fn place(chat: &Chat) -> Hash {
    payload_hash(&[b"sotto/picture", chat.as_slice()].concat())
}

pub(crate) fn is_picture(one: &Attachment) -> bool {
    one.conversation == NOWHERE
}

fn put(step: &mut File<'_>, place: Hash, i: u32, file: FileId) -> Result<(), Error> {
    let (message, conversation, kind) = (place, NOWHERE, FileKind::Image.code());
    let one = Attachment { message, i, file, conversation, kind, lamport: 0, time_s: 0, session: None, seq: None };
    Ok(step.attachments.put(&one)?)
}

/// Sets or removes the own picture.
pub(crate) fn set(step: &mut File<'_>, new: Option<Imported>) -> Result<(), Error> {
    let place = place(&step.own()?.chat);
    let before = step.attachments.remove_of(&place)?;
    if let Some(Imported { place: at, sha256, manifest, .. }) = new {
        let content = keep::content(step, &at, &sha256)?;
        let row = keep::upload(step, FileRole::Picture, (content, at.size), (sha256, manifest), Vec::new())?;
        put(step, place, SHOWN, row.id)?;
    }
    keep::drop_unused(step, &before)
}

/// Gives the own picture a fresh key, because somebody who is no contact now knows the former one, and would see in
/// stores that it is published again.
pub(crate) fn renew(step: &mut File<'_>) -> Result<(), Error> {
    let row = own_row(step)?;
    let content = row.as_ref().and_then(|row| row.content).map(|name| step.contents.get(&name)).transpose()?.flatten();
    let Some((row, Content { name, size, sha256: Some(sha256), .. })) = row.zip(content) else {
        return Ok(());
    };
    let size = u64::try_from(size).or_bug("size of a picture")?;
    let manifest = row.manifest.unwrap_or_default();
    let new = keep::upload(step, FileRole::Picture, (name, size), (sha256, manifest), Vec::new())?;
    let place = place(&step.own()?.chat);
    put(step, place, SHOWN, new.id)?;
    keep::drop_unused(step, &[row.id])
}

fn own_row(step: &File<'_>) -> Result<Option<sotto_db::File>, Error> {
    let one = step.attachments.get(&place(&step.own()?.chat), &SHOWN)?;
    Ok(one.map(|one| step.files.get(&one.file)).transpose()?.flatten())
}

/// The own picture as contacts are told.
pub(crate) fn own(step: &File<'_>) -> Result<Option<FilePointer>, Error> {
    let there = own_row(step)?.filter(|row| row.content.is_some());
    there.map(|row| pointer(&row)).transpose()
}

/// Publishes the own picture again before stores drop it.
pub(crate) fn refresh(step: &mut File<'_>) -> Result<(), Error> {
    let (now_ms, clock_s) = (step.now_ms, i64::try_from(step.clock_s()).unwrap_or(0));
    let retention_s = step.retention_ms() / 1000;
    let until_s = clock_s.saturating_add(retention_s);
    // After a wrong clock it may say that stores keep it for longer.
    let lasting = clock_s.saturating_add(retention_s / 2)..=until_s;
    let there = own_row(step)?.filter(|row| row.state == FileState::Here && row.content.is_some());
    let Some(row) = there.filter(|row| !lasting.contains(&row.until_s)) else {
        return Ok(());
    };
    change(step, &row.id, |row| {
        (row.state, row.due_ms, row.until_s) = (FileState::Going, now_ms, until_s);
        row.have.clear();
    })
}

/// A contact's picture, by its latest hello or profile. The one before is shown until the new one is here.
pub(crate) fn came(step: &mut File<'_>, chat: &Chat, pointer: Option<&FilePointer>) -> Result<(), Error> {
    let place = place(chat);
    let Some(pointer) = pointer.filter(|pointer| pointer.size() <= MAX) else {
        return keep::release(step, &place);
    };
    let encoded = pointer.encode();
    let mut shown = None;
    for one in step.attachments.of(&place)? {
        let row = step.files.get(&one.file)?.or_bug("file of a picture")?;
        if row.pointer == encoded && matches!(row.state, FileState::Here | FileState::Coming) {
            return Ok(());
        }
        if row.state == FileState::Here {
            shown = Some(one.file);
        }
    }
    let before = step.attachments.remove_of(&place)?;
    if let Some(file) = shown {
        put(step, place, SHOWN, file)?;
    }
    let row = sotto_db::File { role: FileRole::Picture, ..keep::received(step, pointer, None) };
    step.files.put(&row)?;
    put(step, place, COMING, row.id)?;
    auto::picture(step, &row)?;
    keep::drop_unused(step, &before)
}

/// A picture is whole: it is shown instead of the one before.
pub(crate) fn arrived(step: &mut File<'_>, file: &FileId) -> Result<(), Error> {
    for one in step.attachments.of_file(file)? {
        let before = step.attachments.remove_of(&one.message)?;
        put(step, one.message, SHOWN, *file)?;
        keep::drop_unused(step, &before)?;
    }
    Ok(())
}

/// A new picture of a contact who was blocked is not fetched now, or goes on after the end of the block.
pub(crate) fn allow(step: &mut File<'_>, chat: &Chat, on: bool) -> Result<(), Error> {
    let one = step.attachments.get(&place(chat), &COMING)?;
    let Some(row) = one.map(|one| step.files.get(&one.file)).transpose()?.flatten() else {
        return Ok(());
    };
    if !on {
        step.fx.look_at_transfers = true;
        return change(step, &row.id, |row| (row.state, row.due_ms) = (FileState::Remote, NEVER));
    }
    if row.state == FileState::Remote { auto::picture(step, &row) } else { Ok(()) }
}

/// The contact whose picture this is.
pub(crate) fn owner(step: &File<'_>, place: &Hash) -> Result<Option<Chat>, Error> {
    let all = step.tx.persons.all()?.into_iter();
    let mut accepted = all.filter(|person| person.state == PersonState::Accepted);
    Ok(accepted.find(|person| self::place(&person.chat) == *place).map(|person| person.chat))
}

/// A picture is shown anew.
pub(crate) fn changed(step: &mut File<'_>, place: &Hash) -> Result<(), Error> {
    step.fx.contacts = true;
    if let Some(chat) = owner(step, place)? {
        let conversation = step.tx.conversations.with(&chat)?;
        step.fx.conversations.extend(conversation.map(|row| row.id));
    }
    Ok(())
}

/// Whether this stands for the own picture.
pub(crate) fn is_own(step: &File<'_>, message: &Hash) -> Result<bool, Error> {
    Ok(*message == place(&step.own()?.chat))
}

/// The picture of an account that is here; of no person but a contact.
pub(crate) fn of(reader: &Reader, chat: &Chat) -> Result<Option<FileId>, Error> {
    let tables = reader.tables();
    let (person, one) = (tables.persons.get(chat)?, tables.attachments.get(&place(chat), &SHOWN)?);
    let one = one.filter(|_| person.is_none_or(|person| person.state == PersonState::Accepted));
    let row = one.map(|one| tables.files.get(&one.file)).transpose()?.flatten();
    Ok(row.filter(|row| matches!(row.state, FileState::Here | FileState::Going)).map(|row| row.id))
}
