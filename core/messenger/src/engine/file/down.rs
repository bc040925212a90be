//! Download: a store is asked for the file's topic, a part at a time is checked and kept, any k parts are enough.

use sotto_crypto::{FileKey, blob_topic};
use sotto_db::{Attachment, Chat, FileId, FileRole, FileState, Hash, NEVER, Standing};
use sotto_net::{Circle, Received};
use sotto_wire::content::{Content, FileWant, Kind};
use sotto_wire::file::FilePointer;
use sotto_wire::topic::ContentTopic;

use crate::disk::{Order, Trouble};
use crate::engine::base::schedule::{self, DAY, SECOND};
use crate::engine::carry::send;
use crate::engine::file::memory::{Begun, Search, Work};
use crate::engine::file::{
    File, SEARCHED, bits, body, change, drop_content, keep, order, picture, place, pointer, shown_anew,
};
use crate::engine::hear::query::{Query, What};
use crate::error::{Code, Error, OrBug};

/// Searches, mostly daily: longer than stores keep a file.
const TRIES: u32 = 34;
/// The same for what nobody asked for: pointers to nothing must not take its places for a month.
const TRIES_BY_ITSELF: u32 = 7;
/// How late what found the disk full is tried again by itself, as a number of tries: after an hour.
pub(crate) const FULL: u32 = 2;
/// Searches in vain after which the author is asked.
const ASK_AFTER: u32 = 2;

/// How many bytes of the file are here.
pub(crate) fn bytes_here(row: &sotto_db::File, pointer: &FilePointer) -> u64 {
    let have = bits::count(&row.have, pointer.layout().slots()).min(pointer.layout().data_chunks());
    u64::from(have).saturating_mul(pointer.layout().chunk_len() as u64).min(pointer.size())
}

/// Most queries of one search: twice what all parts take.
pub(crate) fn most_queries(row: &sotto_db::File) -> Result<u64, Error> {
    Ok(pointer(row)?.size().saturating_mul(3) / searched(row)? + 4)
}

/// Bytes of one query. Bodies are short, and are fetched whatever traffic costs.
fn searched(row: &sotto_db::File) -> Result<u64, Error> {
    let most = pointer(row)?.size().saturating_mul(2).saturating_add(128 * 1024);
    Ok(if row.role == FileRole::Message { SEARCHED as u64 } else { most.min(SEARCHED as u64) })
}

/// Whether enough parts are here to make the file of them.
fn is_enough(row: &sotto_db::File, pointer: &FilePointer) -> bool {
    bits::count(&row.have, pointer.layout().slots()) >= pointer.layout().data_chunks()
}

/// Whether the hashes of its parts are here, or not needed. Of the chunks of a long body the latest count, so after
/// wrong ones the search goes on to its end.
fn is_provable(row: &sotto_db::File, pointer: &FilePointer) -> bool {
    let layout = pointer.layout();
    row.manifest.is_some() || (!layout.has_manifest() && (layout.slots() == 1 || !row.doubted))
}

/// The person wants a file, now. Errors: it is here, or nobody has it.
pub(crate) fn fetch(step: &mut File<'_>, id: &FileId) -> Result<(), Error> {
    let row = step.files.get(id)?.ok_or(Code::FileMissing)?;
    if matches!(row.state, FileState::Here | FileState::Going) {
        return Ok(());
    }
    if row.state == FileState::Corrupt {
        drop_content(step, id)?; // a copy that was damaged here
    }
    let now_ms = step.now_ms;
    change(step, id, |row| {
        row.doubted &= row.state != FileState::Corrupt;
        (row.state, row.due_ms, row.tries, row.reason) = (FileState::Coming, now_ms, 0, None);
        row.auto = false; // from now on a person waits for it
    })?;
    step.fx.files.insert(*id, true);
    Ok(())
}

/// The clock may have been set back: no transfer waits for longer than its schedule says.
pub(crate) fn hasten(step: &mut File<'_>) -> Result<(), Error> {
    let (now_ms, longest_ms) = (step.now_ms, schedule::FILE.plain(u32::MAX).saturating_mul(2));
    Ok(step.files.hasten(now_ms, longest_ms)?)
}

/// Asks a store for the next parts, or has the disk check them if enough are here.
pub(crate) fn next(step: &mut File<'_>, id: &FileId) -> Result<(), Error> {
    let Some(row) = step.files.get(id)?.filter(|row| row.state == FileState::Coming) else {
        return Ok(());
    };
    let pointer = match pointer(&row) {
        // An earlier version took other numbers of chunks.
        Err(_) if row.role == FileRole::Body => return body::lose(step, &row),
        pointer => pointer?,
    };
    if row.content.is_none() {
        let (name, key) = (step.random(), step.random());
        let size = i64::try_from(pointer.size()).or_bug("size of a file")?;
        step.contents.put(&sotto_db::Content { name, key, size, sha256: None })?;
        change(step, id, |row| row.content = Some(name))?;
    }
    if is_enough(&row, &pointer) && is_provable(&row, &pointer) {
        return finish(step, id);
    }
    let topic = ContentTopic::Blob(blob_topic(&FileKey::new(pointer.key()))).to_string();
    // A full database shows here, before anything is read from the network that cannot be noted.
    let due_ms = step.after(&schedule::FILE, 0);
    change(step, id, |row| row.due_ms = due_ms)?;
    let job = u64::from_le_bytes(step.random());
    step.queries.push(Query {
        what: What::File { job },
        // The node that pushed the message must not see the query for its file.
        circle: Circle::Alone,
        topics: vec![topic],
        start_ms: row.since_s.saturating_mul(SECOND),
        from_ns: Some(row.from_ns).filter(|from_ns| *from_ns > 0),
        end_ms: None,
        newest_first: false,
        most_bytes: Some(usize::try_from(searched(&row)?).unwrap_or(SEARCHED)),
    });
    let search = Search { newest_ns: row.from_ns, ..Search::default() };
    step.begun.push(Begun { job, file: *id, work: Work::Searching(search), order: None });
    Ok(())
}

/// A page of a search: the disk takes its parts.
pub(crate) fn page(step: &mut File<'_>, id: &FileId, job: u64, messages: Vec<Received>) -> Result<(), Error> {
    let Some(row) = step.files.get(id)? else {
        return Ok(());
    };
    let (pointer, Some(place)) = (pointer(&row)?, place(step, &row)?) else {
        return Ok(());
    };
    let envelopes = messages.into_iter().map(|one| one.payload).collect();
    let (manifest, have) = (row.manifest, row.have);
    step.fx.disk.push(Order::Take { job, place, pointer, manifest, have, envelopes });
    Ok(())
}

/// The disk took parts. True if enough of them are here now.
pub(crate) fn took(
    step: &mut File<'_>,
    id: &FileId,
    (parts, dropped): (&[u32], &[u32]),
    manifest: Option<Vec<u8>>,
) -> Result<bool, Error> {
    let Some(mut row) = step.files.get(id)? else {
        return Ok(false);
    };
    parts.iter().for_each(|i| bits::set(&mut row.have, *i, true));
    dropped.iter().for_each(|i| bits::set(&mut row.have, *i, false));
    row.manifest = manifest.or(row.manifest);
    step.files.put(&row)?;
    step.fx.files.entry(*id).or_insert(false);
    let pointer = pointer(&row)?;
    Ok(is_enough(&row, &pointer) && is_provable(&row, &pointer))
}

/// Has the disk restore what is missing, check everything, and make the file whole.
pub(crate) fn finish(step: &mut File<'_>, id: &FileId) -> Result<(), Error> {
    let Some(row) = step.files.get(id)? else {
        return Ok(());
    };
    let (pointer, Some(place)) = (pointer(&row)?, place(step, &row)?) else {
        return Ok(());
    };
    let (manifest, have) = (row.manifest, row.have);
    order(step, *id, Work::Finishing, |job| Order::Finish { job, place, pointer, manifest, have });
    Ok(())
}

/// A search ended. `failed`: no store could be asked, so nothing is known of the file.
pub(crate) fn ended(step: &mut File<'_>, id: &FileId, search: &Search, failed: bool) -> Result<(), Error> {
    let Some(mut row) = step.files.get(id)? else {
        return Ok(());
    };
    if search.ended == Some(true) {
        // Messages with the last time may follow, but not only such.
        let stuck = row.from_ns == search.newest_ns;
        (row.from_ns, row.due_ms) = (search.newest_ns.saturating_add(stuck.into()), step.now_ms);
        return Ok(step.files.put(&row)?);
    }
    if failed {
        row.due_ms = step.after(&schedule::FILE, 0);
        return Ok(step.files.put(&row)?);
    }
    row.from_ns = 0;
    let pointer = pointer(&row)?;
    if search.refuted && pointer.layout().slots() == 1 {
        step.files.put(&row)?;
        return bad(step, id, (&[], true));
    }
    if is_enough(&row, &pointer) {
        step.files.put(&row)?;
        return finish(step, id); // without the manifest, which can be made of the parts
    }
    in_vain(step, row, &pointer)
}

/// A search did not bring enough: later again, and the author is asked.
fn in_vain(step: &mut File<'_>, mut row: sotto_db::File, pointer: &FilePointer) -> Result<(), Error> {
    row.due_ms = step.after(&schedule::FILE, row.tries);
    row.tries = row.tries.saturating_add(1);
    let old = row.until_s < i64::try_from(step.clock_s()).unwrap_or(0);
    if row.auto && row.role == FileRole::Message && row.tries >= TRIES_BY_ITSELF {
        (row.state, row.due_ms, row.auto) = (FileState::Remote, NEVER, false);
    } else if row.tries >= TRIES && row.role == FileRole::Body {
        return body::lose(step, &row);
    } else if row.tries >= TRIES {
        (row.state, row.due_ms) = (FileState::Gone, NEVER);
        row.reason = Some(Code::FileGone.as_str().to_owned());
    } else if (old || row.tries >= ASK_AFTER)
        && !(0..DAY).contains(&step.now_ms.saturating_sub(row.asked_ms))
        && ask_author(step, &row, pointer)?
    {
        row.asked_ms = step.now_ms;
    }
    let id = row.id;
    step.files.put(&row)?;
    shown_anew(step, &id)
}

/// Asks the author for the parts that are missing. False if the author was asked for another file and has not heard of
/// it yet: one question waits for one contact.
fn ask_author(step: &mut File<'_>, row: &sotto_db::File, pointer: &FilePointer) -> Result<bool, Error> {
    let mut missing = Vec::new();
    for i in (0..pointer.layout().data_chunks()).filter(|i| !bits::has(&row.have, *i)) {
        bits::set(&mut missing, i, true);
    }
    if missing.is_empty() {
        return Ok(true);
    }
    for one in step.attachments.of_file(&row.id)?.into_iter().rev() {
        let Some(chat) = author(step, &one)? else {
            continue;
        };
        if send::waits(step, &chat, Kind::FileWant)? {
            return Ok(false);
        }
        let file = u8::try_from(one.i).or_bug("place of a file")?;
        let want = FileWant { message: one.message, file, missing };
        send::content(step, &chat, &Content::FileWant(want))?;
        break;
    }
    Ok(true)
}

/// The contact who can be asked for a file.
fn author(step: &File<'_>, one: &Attachment) -> Result<Option<Chat>, Error> {
    if picture::is_picture(one) {
        return picture::owner(step, &one.message);
    }
    let received = step.tx.messages.get(&one.message)?.filter(|message| !message.is_own());
    let place = step.tx.conversations.get(&one.conversation)?.filter(|place| place.standing == Standing::Open);
    Ok(received.and(place).and_then(|place| place.peer))
}

/// The file is whole. One that is here already is not kept twice. `bytes`: of a body.
pub(crate) fn whole(
    step: &mut File<'_>,
    id: &FileId,
    sha256: &Hash,
    (manifest, bytes): (Vec<u8>, Vec<u8>),
) -> Result<(), Error> {
    let Some(row) = step.files.get(id)? else {
        return Ok(());
    };
    if row.role == FileRole::Body {
        return body::arrived(step, &row, bytes);
    }
    let Some(name) = row.content else {
        return Ok(());
    };
    let same = step.contents.of_hash(sha256)?;
    match &same {
        Some(same) => {
            let other = same.name;
            change(step, id, |row| row.content = Some(other))?;
            keep::drop_contents(step, vec![name])?;
        }
        None => step.contents.change(&name, |content| content.sha256 = Some(*sha256))?,
    }
    change(step, id, |row| {
        (row.state, row.due_ms, row.tries, row.from_ns, row.reason) = (FileState::Here, NEVER, 0, 0, None);
        row.manifest = Some(manifest).filter(|manifest| !manifest.is_empty());
        row.have.clear();
    })?;
    if row.role == FileRole::Picture {
        picture::arrived(step, id)?;
    }
    shown_anew(step, id)
}

/// These parts are wrong. If all were tried and the root is another: the author is asked once more, then it is corrupt.
pub(crate) fn bad(step: &mut File<'_>, id: &FileId, (parts, all): (&[u32], bool)) -> Result<(), Error> {
    let Some(mut row) = step.files.get(id)? else {
        return Ok(());
    };
    let pointer = pointer(&row)?;
    parts.iter().for_each(|i| bits::set(&mut row.have, *i, false));
    if !all {
        return in_vain(step, row, &pointer);
    }
    if row.doubted && row.role == FileRole::Body {
        return body::arrived(step, &row, Vec::new());
    }
    if row.doubted {
        change(step, id, |row| {
            (row.state, row.due_ms) = (FileState::Corrupt, NEVER);
            row.reason = Some(Code::FileCorrupt.as_str().to_owned());
        })?;
        drop_content(step, id)?;
        return shown_anew(step, id);
    }
    row.have.clear();
    row.manifest = None;
    if ask_author(step, &row, &pointer)? {
        (row.doubted, row.asked_ms) = (true, step.now_ms);
    }
    // The author may not be asked yet: then the whole file must not come again each minute.
    row.due_ms = step.after(&schedule::FILE, row.tries);
    row.tries = row.tries.saturating_add(1);
    step.files.put(&row)?;
    drop_content(step, id)
}

/// The disk could not do it.
pub(crate) fn failed(step: &mut File<'_>, id: &FileId, why: Trouble) -> Result<(), Error> {
    match why {
        Trouble::NoSpace => {
            let row = step.files.get(id)?;
            // Nobody asks for a body again.
            let again_ms = step.after(&schedule::FILE, FULL);
            let due_ms = if row.is_some_and(|row| row.role == FileRole::Message) { NEVER } else { again_ms };
            change(step, id, |row| {
                row.due_ms = due_ms;
                row.reason = Some(Code::FileNoSpace.as_str().to_owned());
            })?;
            step.notice(Code::FileNoSpace);
        }
        Trouble::Unreadable => {
            drop_content(step, id)?;
            let tries = step.files.get(id)?.map_or(0, |row| row.tries);
            let due_ms = step.after(&schedule::FILE, tries);
            change(step, id, |row| (row.due_ms, row.manifest, row.tries) = (due_ms, None, tries.saturating_add(1)))?;
        }
        Trouble::Stopped => {}
    }
    shown_anew(step, id)
}

/// Its author says that nobody has it.
pub(crate) fn gone(step: &mut File<'_>, message: &Hash, file: u8) -> Result<(), Error> {
    let one = step.attachments.get(message, &u32::from(file))?;
    let row = one.map(|one| step.files.get(&one.file)).transpose()?.flatten();
    let Some(row) = row.filter(|row| row.state == FileState::Coming && row.asked_ms > 0) else {
        return Ok(());
    };
    if row.role == FileRole::Body {
        return body::lose(step, &row);
    }
    change(step, &row.id, |row| {
        (row.state, row.due_ms) = (FileState::Gone, NEVER);
        row.reason = Some(Code::FileGone.as_str().to_owned());
    })?;
    shown_anew(step, &row.id)
}

/// The person does not want it now. What is here stays, and a later fetch goes on with it.
pub(crate) fn pause(step: &mut File<'_>, id: &FileId) -> Result<(), Error> {
    change(step, id, |row| {
        (row.state, row.due_ms, row.auto, row.reason) = (FileState::Remote, NEVER, false, None);
    })?;
    shown_anew(step, id)
}
