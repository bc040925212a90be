//! Files: their upload and download, part by part, and which message has them. Knows pointers and parts; no shown text.

pub(crate) mod auto;
pub(crate) mod bits;
pub(crate) mod body;
pub(crate) mod down;
pub(crate) mod keep;
pub(crate) mod memory;
pub(crate) mod picture;
pub(crate) mod preview;
pub(crate) mod up;
pub(crate) mod waveform;

use sotto_crypto::LocalKey;
use sotto_db::{BODY, FileId, FileRole};
use sotto_wire::file::FilePointer;

use crate::disk::{Order, Place};
use crate::engine::base::room;
use crate::engine::carry::Carry;
use crate::error::{Code, Error, OrBug};

use memory::Work;

room! {
    File over carry: Carry {
        contents: Content,
        files: File,
        attachments: Attachment,
    } and {
        /// Work that begins after the commit.
        begun: Vec<memory::Begun>,
        /// Received bodies at their end: for the room above.
        bodies: Vec<body::Arrived>,
    }
}

/// Bytes of one search that are read at a time: so much is in memory, and so much is read twice after a kill.
const SEARCHED: usize = 2 * 1024 * 1024;

pub(crate) fn pointer(row: &sotto_db::File) -> Result<FilePointer, Error> {
    let read = if row.role == FileRole::Body { FilePointer::decode_bare } else { FilePointer::decode };
    read(&row.pointer).map_err(|_| Code::StorageCorrupt.into())
}

/// How a file lies on disk; `None` if nothing of it does.
fn place(step: &File<'_>, row: &sotto_db::File) -> Result<Option<Place>, Error> {
    let content = row.content.map(|name| step.contents.get(&name)).transpose()?.flatten();
    let place = |content: sotto_db::Content| {
        let size = u64::try_from(content.size).or_bug("size of a file")?;
        Ok(Place { name: content.name, key: LocalKey::new(&content.key), size })
    };
    content.map(place).transpose()
}

fn change(step: &mut File<'_>, id: &FileId, change: impl FnOnce(&mut sotto_db::File)) -> Result<(), Error> {
    Ok(step.files.change(id, change)?)
}

/// Its bytes are not wanted any more.
fn drop_content(step: &mut File<'_>, id: &FileId) -> Result<(), Error> {
    let mut content = None;
    change(step, id, |row| {
        content = row.content.take();
        row.have.clear();
    })?;
    step.fx.look_at_transfers = true;
    keep::drop_contents(step, content.into_iter().collect())
}

/// The messages that have a file, or whose picture it is, are shown anew. Of a body nothing is shown.
fn shown_anew(step: &mut File<'_>, id: &FileId) -> Result<(), Error> {
    for one in step.attachments.of_file(id)? {
        match picture::is_picture(&one) {
            true => picture::changed(step, &one.message)?,
            false if one.i == BODY => {}
            false => step.message_changed(one.conversation, one.message),
        }
    }
    step.fx.files.insert(*id, true);
    Ok(())
}

/// Has the disk do something for a file, and waits for it.
fn order(step: &mut File<'_>, file: FileId, work: Work, of: impl FnOnce(u64) -> Order) {
    let job = u64::from_le_bytes(step.random());
    step.begun.push(memory::Begun { job, file, work, order: Some(of(job)) });
}
