//! Long texts: chunks on a topic of their own, a pointer in the session, and fetching.

use std::collections::HashMap;

use sotto_crypto::{FileKey, Random, Tag, blob_open, blob_seal, blob_tag, blob_topic};
use sotto_db::{Class, Fetch, Hash, Item, NEVER, Parcel};
use sotto_net::{Circle, Received};
use sotto_wire::blob::{Assembler, Pointer};
use sotto_wire::content::{Content, Kind, Message, Remote};
use sotto_wire::envelope::{Envelope, pad, unpad};
use sotto_wire::topic::ContentTopic;

use crate::engine::base::schedule::{self, SECOND};
use crate::engine::carry::{Carry, receipt};
use crate::engine::hear::query::{Query, What};
use crate::engine::post::parcel;
use crate::error::{Code, Error, OrBug};

/// How long before its message the search for chunks begins, because the author's clock may be off.
pub(crate) const EARLIER_S: i64 = 600;
/// Most searches for a text, mostly daily: longer than its sender resends it and stores keep it.
const TRIES: u32 = 70;

/// A pointer to a text that is about to be published under a fresh key.
pub(crate) fn pointer(step: &mut Carry<'_>, kind: Kind, bytes: &[u8]) -> Result<Remote, Error> {
    let key: [u8; 32] = step.random();
    let pointer = Pointer::new(key, bytes).map_err(|_| Code::TextTooLong)?;
    Ok(Remote { kind, pointer })
}

fn topic(pointer: &Pointer) -> String {
    ContentTopic::Blob(blob_topic(&FileKey::new(pointer.file_key()))).to_string()
}

/// Adds all chunks of a text as parcels; the message's parcel waits for them.
pub(crate) fn enqueue(step: &mut Carry<'_>, message: &Hash, pointer: &Pointer, bytes: &[u8]) -> Result<(), Error> {
    let key = FileKey::new(pointer.file_key());
    for i in 0..pointer.chunks() {
        let part = pointer.chunk_range(i).and_then(|range| bytes.get(range));
        let part = part.or_bug("chunk range")?;
        let random = Random(step.random());
        let padded = pad(part, pointer.chunk_room()).or_bug("chunk")?;
        let body = blob_seal(&key, i, &random, &padded);
        let envelope = Envelope { tag: blob_tag(&key, i).0, random: random.0, body: &body };
        let payload = envelope.encode().or_bug("envelope")?;
        let parcel = parcel::filled(step, Class::Chunk, topic(pointer), payload);
        parcel::put(step, Parcel { batch: Some(message.to_vec()), ..parcel })?;
    }
    Ok(())
}

/// Adds the chunks of a stored own message. False if it has none.
pub(crate) fn enqueue_for(step: &mut Carry<'_>, message: &sotto_db::Message) -> Result<bool, Error> {
    let content = Message::decode(&message.m).ok().and_then(|m| m.content().ok());
    let bytes = message.body.as_deref().or(message.text.as_deref().map(str::as_bytes));
    let (Some(Content::Pointer(remote)), Some(bytes)) = (content, bytes) else {
        return Ok(false);
    };
    parcel::remove_batch(step, &message.id)?;
    enqueue(step, &message.id, &remote.pointer, bytes)?;
    Ok(true)
}

/// A pointer is about to be sent again: its chunks are sent first, because stores may have dropped them.
pub(crate) fn enqueue_again(step: &mut Carry<'_>, item: &Item) -> Result<bool, Error> {
    let Some(message) = item.message.map(|id| step.tx.messages.get(&id)).transpose()?.flatten() else {
        return Ok(false);
    };
    if step.tx.parcels.in_batch(&message.id, Class::Chunk)? > 0 || !enqueue_for(step, &message)? {
        return Ok(false);
    }
    if item.after.is_some() {
        parcel::forget_attempts(step, item.parcel)?; // nodes that had the pointer may not have had its chunks
    }
    // The number of accepted attempts continues.
    step.items.edit(&item.parcel, |item| item.after = Some(message.id.to_vec()))?;
    parcel::wait_until(step, item.parcel, NEVER)?;
    Ok(true)
}

/// A node accepted a chunk.
pub(crate) fn chunk_left(step: &mut Carry<'_>, batch: &[u8]) -> Result<(), Error> {
    let message = Hash::try_from(batch).or_bug("chunks of a message")?;
    part_left(step, &message)
}

/// Whether nodes still lack something that a message names.
pub(crate) fn holds_back(step: &Carry<'_>, message: &Hash) -> Result<bool, Error> {
    Ok(step.tx.parcels.in_batch(message, Class::Chunk)? > 0 || step.tx.files.is_unsent(message)?)
}

/// Something that a message names has left; after the last of it the message leaves.
pub(crate) fn part_left(step: &mut Carry<'_>, message: &Hash) -> Result<(), Error> {
    if holds_back(step, message)? {
        return Ok(());
    }
    let Some(item) = step.items.of_message(message)?.filter(|item| item.after.is_some()) else {
        return Ok(());
    };
    if step.tx.parcels.get(&item.parcel)?.is_some_and(|parcel| parcel.payload.is_some()) {
        return parcel::launch(step, item.parcel);
    }
    // Sealed when its session exists; nothing else holds it back then.
    Ok(step.items.change(&item.parcel, |item| item.after = None)?)
}

/// Fetches a long text. If its pointer came again, the search is repeated, or started again if it was given up.
pub(crate) fn fetch(step: &mut Carry<'_>, new: Fetch) -> Result<(), Error> {
    let fetch = match step.fetches.get(&new.message)? {
        Some(known) => {
            let due_ms = if new.due_ms < NEVER { new.due_ms } else { known.due_ms };
            Fetch { session: new.session, seq: new.seq, due_ms, ..known }
        }
        None => new,
    };
    Ok(step.fetches.note(&fetch)?)
}

/// Ends the fetch of a deleted text and counts its message as received, so that the sender does not send it again.
pub(crate) fn forget(step: &mut Carry<'_>, message: &Hash) -> Result<(), Error> {
    let Some(fetch) = step.fetches.get(message)? else {
        return Ok(());
    };
    step.fetches.remove(message)?;
    receipt::had(step, &fetch.session, fetch.seq, 1)
}

pub(crate) fn forget_all(step: &mut Carry<'_>, conversation: &Hash) -> Result<(), Error> {
    Ok(step.fetches.remove_all(conversation)?)
}

/// Fetches the texts of a conversation from now on.
pub(crate) fn release(step: &mut Carry<'_>, conversation: &Hash) -> Result<(), Error> {
    Ok(step.fetches.release(conversation, step.now_ms)?)
}

pub(crate) fn put_off(step: &mut Carry<'_>, fetch: Fetch, due_ms: i64) -> Result<(), Error> {
    Ok(step.fetches.note(&Fetch { due_ms, ..fetch })?)
}

pub(crate) fn ask(step: &mut Carry<'_>, mut fetch: Fetch) -> Result<(), Error> {
    if fetch.tries >= TRIES {
        step.fetches.remove(&fetch.message)?;
        return Ok(());
    }
    let pointer = Pointer::decode(&fetch.pointer).map_err(|_| Code::StorageCorrupt)?;
    fetch.due_ms = step.after(&schedule::CHUNKS, fetch.tries);
    fetch.tries = fetch.tries.saturating_add(1);
    step.fetches.note(&fetch)?;
    step.queries.push(Query {
        what: What::Chunks { message: fetch.message },
        // The node that pushed the pointer must not see the query for its topic.
        circle: Circle::Alone,
        topics: vec![topic(&pointer)],
        start_ms: fetch.since_s.saturating_mul(SECOND),
        end_ms: None,
        newest_first: false,
        most_bytes: None,
        from_ns: None,
    });
    Ok(())
}

pub(crate) fn page(step: &mut Carry<'_>, message: &Hash, found: &[Received]) -> Result<Option<Whole>, Error> {
    let Some(fetch) = step.fetches.get(message)? else {
        return Ok(None);
    };
    let pointer = Pointer::decode(&fetch.pointer).map_err(|_| Code::StorageCorrupt)?;
    let key = FileKey::new(pointer.file_key());
    let tags: HashMap<Tag, u32> = (0..pointer.chunks()).map(|i| (blob_tag(&key, i), i)).collect();
    for envelope in found.iter().filter_map(|one| Envelope::decode(&one.payload).ok()) {
        let opened = tags.get(&Tag(envelope.tag)).and_then(|&i| {
            let padded = blob_open(&key, i, &Random(envelope.random), envelope.body)?;
            Some((i, unpad(&padded).ok()?.to_vec()))
        });
        if let Some((i, bytes)) = opened {
            step.chunks.put(message, i, &bytes)?;
        }
    }
    if step.chunks.count(message)? < pointer.chunks() {
        return Ok(None);
    }
    let mut assembler = Assembler::new(pointer);
    for (i, bytes) in step.chunks.of(message)? {
        let _ = assembler.insert(i, &bytes); // a chunk of a wrong length leaves the text incomplete
    }
    if assembler.missing().next().is_some() {
        return Ok(None);
    }
    let body = assembler.finish().unwrap_or_default(); // with a wrong hash it is shown as unreadable
    step.fetches.remove(message)?;
    Ok(Some(Whole { fetch, body }))
}

pub(crate) struct Whole {
    pub(crate) fetch: Fetch,
    /// Empty if it is not what its author named.
    pub(crate) body: Vec<u8>,
}
