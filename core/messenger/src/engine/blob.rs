//! Long texts: chunks on a topic of their own, a pointer in the session, and the way back.

use sotto_crypto::{FileKey, Random, Tag, blob_open, blob_seal, blob_tag, blob_topic};
use sotto_db::{Contact, Fetch, Hash, NEVER, Outbox, Session};
use sotto_net::{Circle, Received};
use sotto_wire::blob::{Assembler, Pointer};
use sotto_wire::content::{Content, Inner, Kind, Message, Remote};
use sotto_wire::envelope::{Envelope, pad, unpad};
use sotto_wire::topic::ContentTopic;

use super::base::schedule;
use super::query::{Query, What};
use super::step::{SECOND, Step};
use super::{contact, receive, send, state};
use crate::error::{Code, Error, OrBug};

/// Chunks are looked for from so long before their message on: the author's clock may be off.
const EARLIER_S: i64 = 600;
/// So often a text is looked for, most of it daily: longer than its sender repeats it and stores keep it.
const TRIES: u32 = 70;

/// A pointer to a text that is about to be published under a fresh key.
pub(super) fn pointer(step: &mut Step<'_>, kind: Kind, bytes: &[u8]) -> Result<Remote, Error> {
    let key: [u8; 32] = step.random();
    let pointer = Pointer::new(key, bytes).map_err(|_| Code::TextTooLong)?;
    Ok(Remote { kind, pointer })
}

fn topic(pointer: &Pointer) -> String {
    ContentTopic::Blob(blob_topic(&FileKey::new(pointer.file_key()))).to_string()
}

/// All chunks of a text into the outbox; the message's row waits for them.
pub(super) fn enqueue(step: &mut Step<'_>, message: &Hash, pointer: &Pointer, bytes: &[u8]) -> Result<(), Error> {
    let key = FileKey::new(pointer.file_key());
    for i in 0..pointer.chunks() {
        let part = pointer.chunk_range(i).and_then(|range| bytes.get(range));
        let part = part.or_bug("chunk range")?;
        let random = Random(step.random());
        let padded = pad(part, pointer.chunk_room()).or_bug("chunk")?;
        let body = blob_seal(&key, i, &random, &padded);
        let envelope = Envelope { tag: blob_tag(&key, i).0, random: random.0, body: &body };
        let row = Outbox {
            kind: send::CHUNK,
            chat: None,
            m: None,
            topic: topic(pointer),
            payload: Some(envelope.encode().or_bug("envelope")?),
            sealed_ms: step.now_ms,
            due_ms: step.now_ms,
            group_key: Some(message.to_vec()),
            ..send::row(step, &[0; 33], Vec::new(), None)
        };
        send::enqueue(step, row)?;
    }
    Ok(())
}

/// The chunks of a stored message of ours. False when it has none.
pub(super) fn enqueue_for(step: &mut Step<'_>, message: &sotto_db::Message) -> Result<bool, Error> {
    let content = Message::decode(&message.m).ok().and_then(|m| m.content().ok());
    let (Some(Content::Pointer(remote)), Some(text)) = (content, &message.text) else {
        return Ok(false);
    };
    step.tx.outbox_delete_group(&message.id)?;
    enqueue(step, &message.id, &remote.pointer, text.as_bytes())?;
    Ok(true)
}

/// A pointer without a receipt is about to be sent again: its chunks first, for they may be gone from the stores.
pub(super) fn enqueue_again(step: &mut Step<'_>, row: &Outbox) -> Result<bool, Error> {
    let Some(message) = row.message.map(|id| step.tx.message(&id)).transpose()?.flatten() else {
        return Ok(false);
    };
    if step.tx.outbox_in_group(&message.id, send::CHUNK)? > 0 || !enqueue_for(step, &message)? {
        return Ok(false);
    }
    step.tx.outbox_update(&Outbox {
        due_ms: NEVER,
        group_key: Some(message.id.to_vec()),
        // Its next accepted attempt counts on.
        ..row.clone()
    })?;
    Ok(true)
}

/// A node took a chunk; after the last one the pointer leaves.
pub(super) fn chunk_left(step: &mut Step<'_>, group: &[u8]) -> Result<(), Error> {
    if step.tx.outbox_in_group(group, send::CHUNK)? > 0 {
        return Ok(());
    }
    let message = Hash::try_from(group).or_bug("chunks of a message")?;
    match step.tx.outbox_of_message(&message)? {
        Some(row) if row.payload.is_some() => send::launch(step, row),
        // Sealed when its session is there; then nothing holds it back.
        Some(row) => Ok(step.tx.outbox_update(&Outbox { group_key: None, ..row })?),
        None => Ok(()),
    }
}

/// Notes a long text of theirs that is to be fetched: at once, or for a request or an unconfirmed device once the person
/// says yes, so that nobody makes this device ask stores.
pub(super) fn fetch(
    step: &mut Step<'_>,
    row: &Session,
    inner: &Inner,
    (contact, confirmed): (&Contact, bool),
    message: Hash,
    remote: &Remote,
    time_s: u64,
) -> Result<(), Error> {
    Ok(step.tx.fetch_put(&Fetch {
        message,
        conversation: contact.conversation,
        kind: remote.kind.code(),
        pointer: remote.pointer.encode().to_vec(),
        session: row.hash,
        seq: inner.seq,
        tries: 0,
        due_ms: if may_fetch(contact, confirmed) { step.now_ms } else { NEVER },
        // Whoever wrote it may be ahead, and have published the chunks once more by the right clock.
        since_s: i64::try_from(time_s.min(step.clock_s())).unwrap_or(0).saturating_sub(EARLIER_S),
    })?)
}

fn may_fetch(contact: &Contact, confirmed: bool) -> bool {
    confirmed && contact.state != state::INCOMING
}

/// Their pointer again: receipted if the text is whole. Else it is looked for once more, or anew where it was given up.
pub(super) fn had_already(
    step: &mut Step<'_>,
    row: &Session,
    inner: &Inner,
    from: (&Contact, bool),
    message: Hash,
    remote: &Remote,
    time_s: u64,
) -> Result<(), Error> {
    let known = step.tx.message(&message)?;
    if !known.is_some_and(|known| known.fetching) {
        return whole(step, &row.hash, inner.seq);
    }
    match step.tx.fetch(&message)? {
        Some(mut fetch) => {
            fetch.session = row.hash;
            fetch.seq = inner.seq;
            if may_fetch(from.0, from.1) {
                fetch.due_ms = step.now_ms;
            }
            Ok(step.tx.fetch_put(&fetch)?)
        }
        None => fetch(step, row, inner, from, message, remote, time_s),
    }
}

fn whole(step: &mut Step<'_>, session: &Hash, seq: u32) -> Result<(), Error> {
    let Some(mut row) = step.tx.session(session)?.filter(|_| seq > 0) else {
        return Ok(());
    };
    receive::had(step, &mut row, seq, 1)?;
    Ok(step.tx.session_put(&row)?)
}

/// Asks a store for the chunks of a text.
pub(super) fn ask(step: &mut Step<'_>, mut fetch: Fetch) -> Result<(), Error> {
    if fetch.tries >= TRIES {
        return Ok(step.tx.fetch_delete(&fetch.message)?);
    }
    let pointer = Pointer::decode(&fetch.pointer).map_err(|_| Code::StorageCorrupt)?;
    fetch.due_ms = step.after(&schedule::CHUNKS, fetch.tries);
    fetch.tries = fetch.tries.saturating_add(1);
    step.tx.fetch_put(&fetch)?;
    step.fx.queries.push(Query {
        what: What::Chunks { message: fetch.message },
        // Whoever pushed us the pointer must not see its topic asked for.
        circle: Circle::Alone,
        topics: vec![topic(&pointer)],
        start_ms: fetch.since_s.saturating_mul(SECOND),
        end_ms: None,
        newest_first: false,
        found: None,
    });
    Ok(())
}

/// A page of chunks.
pub(super) fn page(step: &mut Step<'_>, message: &Hash, found: &[Received]) -> Result<(), Error> {
    let Some(fetch) = step.tx.fetch(message)? else {
        return Ok(());
    };
    let pointer = Pointer::decode(&fetch.pointer).map_err(|_| Code::StorageCorrupt)?;
    let key = FileKey::new(pointer.file_key());
    for envelope in found.iter().filter_map(|one| Envelope::decode(&one.payload).ok()) {
        let index = (0..pointer.chunks()).find(|&i| blob_tag(&key, i) == Tag(envelope.tag));
        let opened = index.and_then(|i| {
            let padded = blob_open(&key, i, &Random(envelope.random), envelope.body)?;
            Some((i, unpad(&padded).ok()?.to_vec()))
        });
        if let Some((i, bytes)) = opened {
            step.tx.chunk_put(message, i, &bytes)?;
        }
    }
    let mut assembler = Assembler::new(pointer);
    for (i, bytes) in step.tx.chunks(message)? {
        let _ = assembler.insert(i, &bytes); // a chunk of a wrong length leaves the text missing
    }
    if assembler.missing().next().is_some() {
        return Ok(());
    }
    // A text whose hash is wrong, or that is no text, will never be another: it is shown as what it is.
    let text = assembler.finish().ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let newer = fetch.kind != Kind::Text.code() || text.is_none();
    let text = text.filter(|_| !newer);
    step.tx.message_set_text(message, text.as_deref(), newer, None)?;
    step.tx.fetch_delete(message)?;
    let (_, contact) = contact::of_conversation(step, &fetch.conversation)?;
    if contact.state == state::ACCEPTED {
        step.tx.arrival_put(message)?;
    }
    step.message_changed(fetch.conversation, *message);
    whole(step, &fetch.session, fetch.seq)
}
