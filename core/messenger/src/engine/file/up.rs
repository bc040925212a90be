//! Upload: data, then the manifest twice, the preview, parity. The message leaves when a reader can have the file and
//! its preview.

use sotto_crypto::{FileKey, blob_topic, preview_topic};
use sotto_db::{BODY, FileId, FileRole, FileState, Hash, NEVER, Parcel};
use sotto_net::{Command, FailReason, NodeNumber, UPLOAD_MOST};
use sotto_wire::content::{Content, FileGone, FileWant};
use sotto_wire::file::{FilePointer, Part};
use sotto_wire::topic::ContentTopic;

use crate::disk::{Order, Source};
use crate::engine::base::schedule::{self, DAY, SECOND};
use crate::engine::carry::{Fact, outcome, send};
use crate::engine::file::memory::{Begun, Work};
use crate::engine::file::{File, bits, body, change, down, drop_content, order, picture, place, pointer, shown_anew};
use crate::error::{Code, Error};

/// How often a day the parts of a file are published again for somebody who lacks them.
const ANSWERS: u32 = 2;

/// The parts in the order in which they leave. The only part of a small file leaves by two nodes, since it has no
/// parity. That of a body leaves once: its message is sent until its receipt comes.
fn slots(pointer: &FilePointer, preview: bool) -> Vec<Part> {
    let layout = pointer.layout();
    let twice = (layout.data_chunks() == 1 && !layout.is_bare()).then_some(Part::Data(0));
    twice.into_iter().chain(layout.parts(preview)).collect()
}

/// How many of its bytes nodes have.
pub(crate) fn bytes_sent(row: &sotto_db::File, pointer: &FilePointer) -> u64 {
    let layout = pointer.layout();
    let have = bits::count(&row.have, layout.data_chunks());
    u64::from(have).saturating_mul(layout.chunk_len() as u64).min(pointer.size())
}

/// Whether nodes accepted what a reader needs.
fn is_enough(row: &sotto_db::File, pointer: &FilePointer) -> bool {
    let data = pointer.layout().data_chunks();
    let proof =
        !pointer.layout().has_manifest() || bits::has(&row.have, data) || bits::has(&row.have, data.saturating_add(1));
    let parts = slots(pointer, row.preview.is_some());
    // A reader who has the conversation open searches the preview at once, and again after a minute only.
    let mut previews = (0..).zip(&parts).filter(|(_, part)| **part == Part::Preview);
    bits::count(&row.have, data) == data && proof && previews.all(|(i, _)| bits::has(&row.have, i))
}

/// The parcels of messages that wait for a file to be published.
fn waiting(step: &File<'_>, row: &sotto_db::File) -> Result<Vec<Parcel>, Error> {
    let mut parcels = Vec::new();
    for one in step.attachments.of_file(&row.id)? {
        let item = step.tx.items.of_message(&one.message)?.filter(|item| item.after.is_some());
        parcels.extend(item.map(|item| step.tx.parcels.get(&item.parcel)).transpose()?.flatten());
    }
    Ok(parcels)
}

/// These messages fail. A file that no other waits for rests, and is published when one of them is sent again.
fn give_up(step: &mut File<'_>, row: &sotto_db::File, failed: Vec<Parcel>, code: Code) -> Result<Vec<Fact>, Error> {
    let mut facts = Vec::new();
    for parcel in failed {
        facts.append(&mut outcome::give_up(step, parcel, code)?);
    }
    if row.role != FileRole::Body && waiting(step, row)?.is_empty() {
        change(step, &row.id, |row| (row.state, row.due_ms, row.reason) = (FileState::Here, NEVER, None))?;
        shown_anew(step, &row.id)?;
    }
    Ok(facts)
}

/// Has the next parts sealed.
pub(crate) fn next(step: &mut File<'_>, id: &FileId) -> Result<Vec<Fact>, Error> {
    let Some(row) = step.files.get(id)?.filter(|row| row.state == FileState::Going) else {
        return Ok(Vec::new());
    };
    let (waiting, now_ms) = (waiting(step, &row)?, step.now_ms);
    let late: Vec<_> = waiting.into_iter().filter(|parcel| parcel.give_up_ms <= now_ms).collect();
    if !late.is_empty() {
        return give_up(step, &row, late, Code::MessageNotDelivered);
    }
    let source = match row.role == FileRole::Body {
        true => body::bytes(step, &row)?.map(Source::Bytes),
        false => place(step, &row)?.map(Source::Place),
    };
    let (pointer, Some(source)) = (pointer(&row)?, source) else {
        return Ok(Vec::new());
    };
    let parts = slots(&pointer, row.preview.is_some());
    let missing = (0..).zip(&parts).filter(|(i, _)| !bits::has(&row.have, *i));
    // One topic, and so one kind of part, at a time. The second copy of an only part goes to another node.
    let mut batch: Vec<(u32, Part)> = Vec::new();
    for (i, part) in missing {
        let alone = *part == Part::Preview || pointer.layout().data_chunks() == 1;
        if alone && batch.is_empty() {
            batch.push((i, *part));
        }
        if batch.len() >= UPLOAD_MOST || alone {
            break;
        }
        batch.push((i, *part));
    }
    if batch.is_empty() {
        change(step, id, |row| {
            (row.state, row.due_ms, row.reason) = (FileState::Here, NEVER, None);
            row.have.clear();
        })?;
        if let Source::Place(place) = source {
            step.fx.disk.push(Order::Trim { place });
        }
        shown_anew(step, id)?;
        return Ok(Vec::new());
    }
    let (slots, parts) = batch.into_iter().unzip();
    // A full database shows here, before anything is published that cannot be noted.
    let due_ms = step.now_ms.saturating_add(schedule::IN_FLIGHT);
    change(step, id, |row| row.due_ms = due_ms)?;
    let (manifest, preview) = (row.manifest.unwrap_or_default(), row.preview.unwrap_or_default());
    order(step, *id, Work::Sealing(slots), |job| Order::Seal { job, source, pointer, manifest, preview, parts });
    Ok(Vec::new())
}

/// Sealed parts go to a node: another one than the file before went to, than had the only part before, and, as somebody
/// lacks them, than took them before.
pub(crate) fn sealed(
    step: &mut File<'_>,
    id: &FileId,
    (slots, payloads): (Vec<u32>, Vec<Vec<u8>>),
    last: Option<(FileId, NodeNumber)>,
) -> Result<(), Error> {
    let Some(row) = step.files.get(id)? else {
        return Ok(());
    };
    let pointer = pointer(&row)?;
    let key = FileKey::new(pointer.key());
    let parts = self::slots(&pointer, row.preview.is_some());
    let first = slots.first().and_then(|i| parts.get(usize::try_from(*i).ok()?));
    let topic = match first {
        Some(Part::Preview) => preview_topic(&key),
        _ => blob_topic(&key),
    };
    let job = u64::from_le_bytes(step.random());
    // The chunks of a body have the times of texts. Those of a file, which may be many in a second, are told apart by
    // their times in a search that goes on.
    let timestamp_ns = match row.role {
        FileRole::Body => (step.clock_ms / SECOND).saturating_mul(1_000_000_000),
        _ => step.clock_ms.saturating_mul(1_000_000).saturating_add(1), // never a whole second
    };
    let topic = ContentTopic::Blob(topic).to_string();
    let not = last.filter(|(of, _)| of != id || slots == [1] || row.answers > 0);
    let not = not.map(|(_, node)| node).into_iter().collect();
    step.fx.net.push(Command::Upload { id: job, topic, payloads, timestamp_ns, not });
    step.begun.push(Begun { job, file: *id, work: Work::Uploading(slots), order: None });
    Ok(())
}

/// A node answered.
pub(crate) fn uploaded(
    step: &mut File<'_>,
    id: &FileId,
    slots: &[u32],
    (taken, failed): (&[bool], Option<FailReason>),
) -> Result<Vec<Fact>, Error> {
    let Some(mut row) = step.files.get(id)? else {
        return Ok(Vec::new());
    };
    let pointer = pointer(&row)?;
    for (i, _) in slots.iter().zip(taken).filter(|(_, taken)| **taken) {
        bits::set(&mut row.have, *i, true);
    }
    // Only refusals in a row fail a message.
    let refused = (failed == Some(FailReason::Refused)).then(|| Code::MessageRefused.as_str().to_owned());
    row.tries = match taken.contains(&true) {
        true => 0,
        false if refused != row.reason => 1,
        false => row.tries.saturating_add(1),
    };
    row.reason = refused;
    if row.reason.is_some() && row.tries >= outcome::REFUSALS {
        let waiting = waiting(step, &row)?;
        // A message that left before goes on being sent. Nobody sends a picture again.
        if row.role != FileRole::Picture && waiting.iter().all(|parcel| parcel.attempts == 0) {
            return give_up(step, &row, waiting, Code::MessageRefused);
        }
    }
    let tries = row.tries.saturating_sub(1);
    row.due_ms = match failed {
        None => step.now_ms,
        Some(FailReason::Busy) => step.after(&schedule::PUBLISH_BUSY, tries),
        Some(FailReason::Refused) if row.role == FileRole::Picture => step.after(&schedule::FILE, tries),
        Some(FailReason::Refused) => step.after(&schedule::PUBLISH_REFUSED, tries),
        Some(_) => step.after(&schedule::PUBLISH_FAILED, tries),
    };
    let now_sent = !row.sent && is_enough(&row, &pointer);
    row.sent |= now_sent;
    step.files.put(&row)?;
    if now_sent {
        for one in step.attachments.of_file(id)? {
            send::part_left(step, &one.message)?;
        }
    }
    step.fx.files.entry(*id).or_insert(false);
    Ok(Vec::new())
}

/// Nobody waits for an upload any more, unless a message that left before is being sent again.
pub(crate) fn cancelled(step: &mut File<'_>, id: &FileId) -> Result<(), Error> {
    for one in step.attachments.of_file(id)? {
        if step.tx.items.of_message(&one.message)?.is_some_and(|item| item.after.is_some()) {
            return Ok(());
        }
    }
    rest(step, id)
}

/// Nothing more of a file is published.
pub(crate) fn rest(step: &mut File<'_>, id: &FileId) -> Result<(), Error> {
    change(step, id, |row| {
        (row.state, row.due_ms, row.reason, row.sent) = (FileState::Here, NEVER, None, true);
        row.have.clear();
    })?;
    step.fx.look_at_transfers = true;
    shown_anew(step, id)
}

/// There is no room to make its parity.
pub(crate) fn full(step: &mut File<'_>, id: &FileId) -> Result<(), Error> {
    let due_ms = step.after(&schedule::FILE, down::FULL);
    change(step, id, |row| {
        row.due_ms = due_ms;
        row.reason = Some(Code::FileNoSpace.as_str().to_owned());
    })?;
    step.notice(Code::FileNoSpace);
    shown_anew(step, id)
}

/// Its bytes cannot be read any more, so messages that wait for its upload never leave.
pub(crate) fn unreadable(step: &mut File<'_>, id: &FileId) -> Result<Vec<Fact>, Error> {
    let mut facts = Vec::new();
    for one in step.attachments.of_file(id)? {
        let waits = step.tx.items.of_message(&one.message)?.filter(|item| item.after.is_some());
        if let Some(item) = waits {
            send::remove(step, item.parcel)?;
            facts.push(Fact::GivenUp(one.message, Code::FileUnreadable));
        }
    }
    let mut copy = None;
    change(step, id, |row| {
        (row.state, row.due_ms, copy) = (FileState::Gone, NEVER, row.content);
        row.reason = Some(Code::FileUnreadable.as_str().to_owned());
    })?;
    if let Some(copy) = copy {
        step.contents.change(&copy, |content| content.sha256 = None)?; // no other file gets these bytes
    }
    drop_content(step, id)?;
    shown_anew(step, id)?;
    Ok(facts)
}

/// Whether a file of an own message can be neither published nor had from nodes.
pub(crate) fn is_lost(step: &File<'_>, message: &Hash) -> Result<bool, Error> {
    for one in step.attachments.of(message)? {
        let row = step.files.get(&one.file)?;
        if row.is_some_and(|row| !row.sent && !matches!(row.state, FileState::Here | FileState::Going)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A message is sent again: files that stores may have dropped are published again. Its author alone has them.
pub(crate) fn again(step: &mut File<'_>, message: &Hash) -> Result<(), Error> {
    let (now_ms, clock_s) = (step.now_ms, i64::try_from(step.clock_s()).unwrap_or(0));
    for one in step.attachments.of(message)? {
        let Some(row) = step.files.get(&one.file)? else {
            continue;
        };
        // A body is published again by its own rule.
        let whole = matches!(row.state, FileState::Here | FileState::Going) && row.content.is_some();
        let old = row.sent && row.until_s < clock_s;
        if whole && (old || !row.sent) {
            change(step, &one.file, |row| {
                (row.state, row.due_ms, row.sent) = (FileState::Going, now_ms, false);
                if old {
                    row.have.clear();
                }
            })?;
        }
    }
    Ok(())
}

/// A reader lacks parts of a file of an own message: they are published again, a few times a day.
pub(crate) fn wanted(step: &mut File<'_>, message: &Hash, want: &FileWant) -> Result<Option<Content>, Error> {
    let place = match u32::from(want.file) {
        // A picture is asked for by the place that it has there.
        _ if picture::is_own(step, message)? => Some(picture::SHOWN),
        BODY => None,
        file => Some(file),
    };
    let row = match place {
        Some(place) => {
            step.attachments.get(message, &place)?.map(|one| step.files.get(&one.file)).transpose()?.flatten()
        }
        None => body::of_own(step, message)?,
    };
    let gone = Content::FileGone(FileGone { message: *message, file: want.file });
    if row.as_ref().is_some_and(|row| row.state == FileState::Coming) {
        return Ok(None); // they ask again
    }
    let Some(mut row) = row.filter(|row| matches!(row.state, FileState::Here | FileState::Going)) else {
        return Ok(Some(gone));
    };
    let now_ms = step.now_ms;
    if !(0..DAY).contains(&now_ms.saturating_sub(row.answered_ms)) {
        (row.answered_ms, row.answers) = (now_ms, 0);
    }
    if row.answers >= ANSWERS || row.state == FileState::Going || (row.content.is_none() && row.role != FileRole::Body)
    {
        return Ok(None);
    }
    let pointer = pointer(&row)?;
    let parts = slots(&pointer, row.preview.is_some());
    row.have.clear();
    for (i, part) in (0..).zip(&parts) {
        let lacks = match part {
            // All contacts share the answers to wants of a picture.
            Part::Data(c) => row.role == FileRole::Picture || bits::has(&want.missing, *c),
            Part::Manifest | Part::Preview => true,
            _ => false,
        };
        bits::set(&mut row.have, i, !lacks);
    }
    row.answers = row.answers.saturating_add(1);
    (row.state, row.due_ms) = (FileState::Going, now_ms);
    step.files.put(&row)?;
    Ok(None)
}

/// Nodes can be reached again: uploads that failed go on.
pub(crate) fn anew(step: &mut File<'_>) -> Result<(), Error> {
    Ok(step.files.rewind(FileState::Going, step.now_ms)?)
}

/// After a start: what waited for room on the disk is tried again.
pub(crate) fn opened(step: &mut File<'_>) -> Result<(), Error> {
    anew(step)?;
    let full = Code::FileNoSpace.as_str();
    let now_ms = step.now_ms;
    for id in step.files.held(full)? {
        change(step, &id, |row| (row.due_ms, row.reason) = (now_ms, None))?;
    }
    Ok(())
}
