//! Pictures of accounts: files that no message has. Contacts learn of the own one in a profile, so nobody else asks a
//! store for it.

use sotto_db::{Attachment, Chat, FileId, FileState, Hash, PersonState, Reader};
use sotto_wire::content::{FileKind, FileWant};
use sotto_wire::envelope::payload_hash;
use sotto_wire::file::{FilePointer, LARGE_UP_TO};

use crate::disk::Imported;
use crate::engine::file::keep::{self, Prepared, Told};
use crate::engine::file::{File, auto, change, pointer};
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
    let kind = FileKind::Image.code();
    Ok(step.attachments.put(&Attachment {
        message: place,
        i,
        file,
        conversation: NOWHERE,
        kind,
        lamport: 0,
        time_s: 0,
        session: None,
        seq: None,
    })?)
}

/// Sets or removes the own picture.
pub(crate) fn set(step: &mut File<'_>, new: Option<Imported>) -> Result<(), Error> {
    let place = place(&step.own()?.chat);
    step.attachments.remove_of(&place)?;
    if let Some(imported) = new {
        let told = Told { kind: FileKind::Image, ..Told::default() };
        let named = keep::take(step, Prepared { imported, told, preview: Vec::new(), fresh: true })?;
        let row = step.files.of_pointer(&named.pointer.encode())?.or_bug("own picture")?;
        put(step, place, SHOWN, row.id)?;
    }
    keep::drop_unused(step)
}

fn own_row(step: &File<'_>) -> Result<Option<sotto_db::File>, Error> {
    let one = step.attachments.get(&place(&step.own()?.chat), &SHOWN)?;
    Ok(one.map(|one| step.files.get(&one.file)).transpose()?.flatten())
}

/// The own picture as contacts are told.
pub(crate) fn own(step: &File<'_>) -> Result<Option<FilePointer>, Error> {
    own_row(step)?.map(|row| pointer(&row)).transpose()
}

/// Publishes the own picture again before stores drop it.
pub(crate) fn refresh(step: &mut File<'_>) -> Result<(), Error> {
    let (now_ms, clock_s) = (step.now_ms, i64::try_from(step.clock_s()).unwrap_or(0));
    let retention_s = step.retention_ms() / 1000;
    let there = own_row(step)?.filter(|row| row.state == FileState::Here && row.content.is_some());
    let Some(row) = there.filter(|row| row.until_s < clock_s.saturating_add(retention_s / 2)) else {
        return Ok(());
    };
    change(step, &row.id, |row| {
        (row.state, row.due_ms) = (FileState::Going, now_ms);
        row.until_s = clock_s.saturating_add(retention_s);
        row.have.clear();
    })
}

/// A contact's picture, by its latest profile. The one before is shown until the new one is here.
pub(crate) fn came(step: &mut File<'_>, chat: &Chat, pointer: Option<&FilePointer>) -> Result<(), Error> {
    let place = place(chat);
    let Some(pointer) = pointer.filter(|pointer| pointer.size() <= MAX) else {
        return if step.attachments.remove_of(&place)? { keep::drop_unused(step) } else { Ok(()) };
    };
    let (known, encoded) = (step.attachments.of(&place)?, pointer.encode());
    let mut shown = None;
    for one in &known {
        let row = step.files.get(&one.file)?.or_bug("file of a picture")?;
        if one.i == COMING && row.pointer == encoded {
            return Ok(());
        }
        if row.state == FileState::Here {
            shown = Some(one.file);
        }
    }
    step.attachments.remove_of(&place)?;
    if let Some(file) = shown {
        put(step, place, SHOWN, file)?;
    }
    let row = match step.files.of_pointer(&encoded)? {
        Some(row) => row,
        None => {
            let row = keep::received(step, pointer, None);
            step.files.put(&row)?;
            row
        }
    };
    put(step, place, COMING, row.id)?;
    if row.state == FileState::Remote {
        auto::picture(step, &row.id, pointer.size())?;
    }
    keep::drop_unused(step)
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

/// Whether somebody asks for the own picture.
pub(crate) fn is_wanted(step: &File<'_>, want: &FileWant) -> Result<bool, Error> {
    Ok(want.message == place(&step.own()?.chat))
}

/// The picture of an account that is here.
pub(crate) fn of(reader: &Reader, chat: &Chat) -> Result<Option<FileId>, Error> {
    let tables = reader.tables();
    for one in tables.attachments.of(&place(chat))?.into_iter().rev() {
        let row = tables.files.get(&one.file)?;
        if row.is_some_and(|row| matches!(row.state, FileState::Here | FileState::Going)) {
            return Ok(Some(one.file));
        }
    }
    Ok(None)
}
