//! Bodies: texts too long for one envelope. Each is a file of data chunks only, which one message has until its receipt
//! came, or until its text is here. The text of an own one lies in its message; a received one comes over the disk.

use sotto_db::{Attachment, BODY, FileRole, FileState, Hash, Message, NEVER, Standing};
use sotto_wire::content::{self, Content, Kind, Remote};
use sotto_wire::file::FilePointer;

use crate::engine::carry::{Fact, receipt, send};
use crate::engine::file::keep::{EARLIER_S, drop_unused, unknown};
use crate::engine::file::{File, change};
use crate::error::{Code, Error, OrBug};

/// A received body at its end.
pub(crate) struct Arrived {
    pub(crate) message: Hash,
    /// The session and the counter whose receipt waits for it.
    pub(crate) owed: Option<(Hash, u32)>,
    /// Empty if they are not what the author named.
    pub(crate) bytes: Vec<u8>,
}

/// A pointer to a body that is about to be published under a fresh key.
pub(crate) fn pointer(step: &mut File<'_>, kind: Kind, bytes: &[u8]) -> Result<Remote, Error> {
    let pointer = FilePointer::bare(step.random(), bytes).map_err(|_| Code::TextTooLong)?;
    Ok(Remote { kind, pointer })
}

/// The pointer and the bytes of an own message's body.
fn own(message: &Message) -> Option<(FilePointer, Vec<u8>)> {
    let content = content::Message::decode(&message.m).ok()?.content().ok()?;
    let bytes = message.body.as_deref().or(message.text.as_deref().map(str::as_bytes))?;
    match content {
        Content::Pointer(remote) if message.is_own() => Some((remote.pointer, bytes.to_vec())),
        _ => None,
    }
}

fn row(step: &File<'_>, message: &Hash) -> Result<Option<sotto_db::File>, Error> {
    let one = step.attachments.get(message, &BODY)?;
    Ok(one.map(|one| step.files.get(&one.file)).transpose()?.flatten())
}

fn attach(
    step: &mut File<'_>,
    message: &Message,
    row: &sotto_db::File,
    owed: Option<(Hash, u32)>,
) -> Result<(), Error> {
    step.files.put(row)?;
    let Message { id, conversation, lamport, time_s, .. } = *message;
    let (session, seq) = owed.unzip();
    let one = Attachment { message: id, i: BODY, file: row.id, conversation, kind: 0, lamport, time_s, session, seq };
    Ok(step.attachments.put(&one)?)
}

/// The body of an own message, which nodes have; `None` if it has none.
pub(crate) fn of_own(step: &mut File<'_>, message: &Hash) -> Result<Option<sotto_db::File>, Error> {
    if let Some(row) = row(step, message)? {
        return Ok(Some(row));
    }
    let message = step.tx.messages.get(message)?;
    let Some((message, (pointer, _))) = message.and_then(|message| own(&message).map(|own| (message, own))) else {
        return Ok(None);
    };
    let row = sotto_db::File { state: FileState::Here, role: FileRole::Body, ..unknown(step.random(), &pointer) };
    attach(step, &message, &row, None)?;
    Ok(Some(row))
}

/// Publishes all of an own message's body; its item waits for that. False if it has none.
pub(crate) fn publish(step: &mut File<'_>, message: &Hash) -> Result<bool, Error> {
    let Some(row) = of_own(step, message)? else {
        return Ok(false);
    };
    let now_ms = step.now_ms;
    change(step, &row.id, |row| {
        (row.state, row.due_ms, row.tries, row.sent) = (FileState::Going, now_ms, 0, false);
        row.have.clear();
    })?;
    Ok(true)
}

/// The bytes to publish.
pub(crate) fn bytes(step: &File<'_>, row: &sotto_db::File) -> Result<Option<Vec<u8>>, Error> {
    let Some(one) = step.attachments.of_file(&row.id)?.pop() else {
        return Ok(None);
    };
    if let Some(invite) = step.tx.group_invites.at(&one.message)? {
        return Ok(invite.handover.map(|handover| handover.to_vec()));
    }
    let message = step.tx.messages.get(&one.message)?;
    Ok(message.as_ref().and_then(own).map(|(_, bytes)| bytes))
}

/// A file of bytes that no shown message has, at this place; with `out`, it is published.
pub(crate) fn at(
    step: &mut File<'_>,
    (place, conversation): (Hash, Hash),
    pointer: &FilePointer,
    (time_s, out): (i64, bool),
) -> Result<(), Error> {
    let now_ms = step.now_ms;
    let since_s = time_s.saturating_sub(EARLIER_S).max(1);
    let row = sotto_db::File {
        role: FileRole::Body,
        state: if out { FileState::Going } else { FileState::Coming },
        sent: !out,
        due_ms: now_ms,
        since_s,
        until_s: since_s.saturating_add(step.retention_ms() / 1000),
        ..unknown(step.random(), pointer)
    };
    step.files.put(&row)?;
    let (message, file) = (place, row.id);
    let one =
        Attachment { message, i: BODY, file, conversation, kind: 0, lamport: 0, time_s, session: None, seq: None };
    Ok(step.attachments.put(&one)?)
}

/// After a start: bodies that an earlier version had begun to publish.
pub(crate) fn opened(step: &mut File<'_>) -> Result<(), Error> {
    for message in step.tx.items.waiting()? {
        if step.attachments.get(&message, &BODY)?.is_none() {
            publish(step, &message)?;
        }
    }
    Ok(())
}

/// A parcel is due. A body goes before its pointer again, because stores may have dropped it.
pub(crate) fn resend(step: &mut File<'_>, parcel: i64) -> Result<Vec<Fact>, Error> {
    if let Some(facts) = send::renew_due(step, parcel)? {
        return Ok(facts);
    }
    // After a body has left again, its pointer alone may be tried several times.
    let attempts = step.tx.parcels.get(&parcel)?.map_or(0, |parcel| parcel.attempts);
    let tried = attempts > 0 && !step.tx.attempts.of(parcel)?.is_empty();
    let message = step.tx.items.get(&parcel)?.filter(|_| tried).and_then(|item| item.message);
    if let Some(message) = message
        && !step.tx.files.is_unsent(&message)?
        && publish(step, &message)?
    {
        send::hold(step, parcel, &message)?;
    } else {
        send::resend(step, parcel)?;
    }
    Ok(Vec::new())
}

/// Fetches a received body: now if `asks`, or else when the person accepts its author. If its pointer came again, the
/// search begins again.
pub(crate) fn fetch(
    step: &mut File<'_>,
    (message, pointer): (&Hash, &FilePointer),
    owed: Option<(Hash, u32)>,
    asks: bool,
) -> Result<(), Error> {
    let (now_ms, clock_s) = (step.now_ms, i64::try_from(step.clock_s()).unwrap_or(0));
    if let Some(known) = row(step, message)? {
        step.attachments.change(message, &BODY, |one| (one.session, one.seq) = owed.unzip())?;
        if asks {
            change(step, &known.id, |row| (row.state, row.due_ms, row.tries) = (FileState::Coming, now_ms, 0))?;
        }
    } else {
        let message = step.tx.messages.get(message)?.or_bug("message of a body")?;
        // The author's clock may have been ahead, and its chunks may have been published again by the right clock.
        let since_s = message.time_s.min(clock_s).saturating_sub(EARLIER_S).max(1);
        let row = sotto_db::File {
            role: FileRole::Body,
            state: if asks { FileState::Coming } else { FileState::Remote },
            due_ms: if asks { now_ms } else { NEVER },
            since_s,
            until_s: since_s.saturating_add(step.retention_ms() / 1000),
            ..unknown(step.random(), pointer)
        };
        attach(step, &message, &row, owed)?;
    }
    let conversation = step.tx.messages.get(message)?.or_bug("message of a body")?.conversation;
    for id in step.files.over(&conversation)? {
        change(step, &id, |row| (row.state, row.due_ms) = (FileState::Remote, NEVER))?;
    }
    Ok(())
}

/// A received body is at its end.
pub(crate) fn arrived(step: &mut File<'_>, row: &sotto_db::File, bytes: Vec<u8>) -> Result<(), Error> {
    for Attachment { message, conversation, session, seq, .. } in step.attachments.of_file(&row.id)? {
        step.bodies.push(Arrived { message, owed: session.zip(seq), bytes: bytes.clone() });
        step.attachments.remove(&message, &BODY)?;
        go_on(step, &conversation)?;
    }
    drop_unused(step, &[row.id])
}

/// Nothing waits for the body of a message any more. A received message counts as received, so that it does not come
/// again.
pub(crate) fn forget(step: &mut File<'_>, message: &Hash) -> Result<(), Error> {
    let Some(one) = step.attachments.get(message, &BODY)? else {
        return Ok(());
    };
    step.attachments.remove(message, &BODY)?;
    drop_unused(step, &[one.file])?;
    go_on(step, &one.conversation)?;
    one.session.zip(one.seq).map_or(Ok(()), |(session, seq)| receipt::had(step, &session, seq, 1))
}

/// The search for a received body is given up, until its pointer comes again.
pub(crate) fn lose(step: &mut File<'_>, row: &sotto_db::File) -> Result<(), Error> {
    for one in step.attachments.of_file(&row.id)? {
        step.attachments.remove(&one.message, &one.i)?;
        go_on(step, &one.conversation)?;
    }
    drop_unused(step, &[row.id])
}

/// A body is at its end: one that had no place is fetched now.
fn go_on(step: &mut File<'_>, conversation: &Hash) -> Result<(), Error> {
    let standing = step.tx.conversations.get(conversation)?.map(|row| row.standing);
    match standing {
        Some(Standing::Open | Standing::Asked) => release(step, conversation),
        _ => Ok(()),
    }
}

/// Fetches the held bodies of a conversation from now on.
pub(crate) fn release(step: &mut File<'_>, conversation: &Hash) -> Result<(), Error> {
    Ok(step.files.release(conversation, step.now_ms)?)
}
