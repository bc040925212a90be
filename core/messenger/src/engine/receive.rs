//! In: an envelope finds its session by its tag, is decrypted on a copy, and only then moves anything.

use sotto_crypto::{
    DecryptError, Decrypted, PrekeyPair, Session, SkippedKey, open_skipped, unmask,
};
use sotto_db::{Hash, Seen, Skipped, Waiting};
use sotto_wire::content::{Content, Inner, Kind, Message, SeqTracker};
use sotto_wire::envelope::{
    Class, Envelope, EnvelopeError, payload_hash, split_handshake, split_ratchet, unpad,
};
use sotto_wire::identity::{DeviceRecord, check_not_after, check_version};

use super::step::{DAY, SECOND, Step};
use super::trust::Told;
use super::{
    contact, device, found, inbox, old_copy, receipt, reset, send, session, state, takeover,
};
use crate::error::{Code, Error};

/// A handshake is remembered for so long when nothing confirms it.
const HANDSHAKE_MS: i64 = 33 * DAY;
/// What is sent so long after it was written, seconds, may have been sent before.
const LATE_S: i64 = 90;
/// Copies of one payload cause a receipt this long after the last one at the earliest, milliseconds.
const ANSWER_EVERY_MS: i64 = 90 * SECOND;
/// And at most so many.
const ANSWERS: u32 = 12;
/// What is stamped so far ahead of the clock, seconds, no honest store keeps.
const AHEAD_S: i64 = 20;
/// Requests that wait for an answer.
const PENDING: u32 = 200;
/// Secrets tried on a handshake; no more are made.
pub(super) const SECRETS: usize = 32;

/// What became of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Its content is stored, or was before.
    Taken,
    /// Nobody here opens it now.
    Unmatched,
    /// Nothing will ever come of it.
    Dropped,
}

/// An envelope as it came.
struct Incoming<'a> {
    tag: [u8; 16],
    random: [u8; 16],
    body: &'a [u8],
    class: Option<Class>,
    /// SHA-256 of the payload.
    hash: Hash,
    ts_s: i64,
}

/// One payload from the own home topic.
pub(super) fn payload(step: &mut Step<'_>, payload: &[u8], ts_s: i64) -> Result<(), Error> {
    if takeover::is_replaced(step) {
        return Ok(()); // it is for the install that took over
    }
    let hash = payload_hash(payload);
    if let Some(seen) = step.tx.seen(&hash)? {
        return twin(step, seen, ts_s);
    }
    let ts_s = ts_s.min(latest_s(step)); // nobody can put off the answers to later copies
    let verdict = match Envelope::decode(payload) {
        Ok(envelope) => {
            if takeover::take(step, &envelope)? {
                return Ok(());
            }
            let incoming = Incoming {
                tag: envelope.tag,
                random: envelope.random,
                body: envelope.body,
                class: envelope.class(),
                hash,
                ts_s,
            };
            open(step, &incoming)?
        }
        Err(EnvelopeError::NewerVersion) => {
            step.fx.unmatched.push(Waiting {
                tag: payload
                    .get(1..17)
                    .and_then(|tag| tag.try_into().ok())
                    .unwrap_or_default(),
                ..waiting(step, &hash, payload, ts_s, true)
            });
            return Ok(());
        }
        Err(_) => return Ok(()),
    };
    match verdict {
        Verdict::Taken => {
            step.fx.opened = step.fx.opened.saturating_add(1);
            step.tx.waiting_delete(&hash)?;
            if let Ok(envelope) = Envelope::decode(payload) {
                step.index.waits_no_more(envelope.tag, hash);
            }
        }
        Verdict::Unmatched => {
            let waiting = waiting(step, &hash, payload, ts_s, false);
            step.fx.unmatched.push(waiting);
        }
        Verdict::Dropped => {}
    }
    Ok(())
}

fn waiting(step: &Step<'_>, hash: &Hash, payload: &[u8], ts_s: i64, newer: bool) -> Waiting {
    Waiting {
        payload_hash: *hash,
        tag: Envelope::decode(payload).map_or([0; 16], |envelope| envelope.tag),
        payload: payload.to_vec(),
        ts_s,
        added_ms: step.now_ms,
        newer,
    }
}

/// The latest timestamp that counts, Unix seconds, by whichever clock is ahead.
fn latest_s(step: &Step<'_>) -> i64 {
    let now_ms = step.clock_ms.max(step.now_ms);
    now_ms.div_euclid(SECOND).saturating_add(AHEAD_S)
}

/// The same payload again under a later timestamp: its sender may have no receipt yet. Anybody can publish a copy, so
/// there are bounds; a copy that is not answered changes nothing.
fn twin(step: &mut Step<'_>, seen: Seen, ts_s: i64) -> Result<(), Error> {
    let late = ts_s > seen.ts_s && ts_s <= latest_s(step);
    if !late || seen.seq == 0 || seen.answers >= ANSWERS {
        return Ok(());
    }
    let session = seen.session.map(|hash| step.tx.session(&hash));
    let session = session.transpose()?.flatten();
    let Some(mut row) = session.filter(|row| seen.seq >= row.floor) else {
        return Ok(());
    };
    let receipted = !row.receipt_dirty;
    if row.receipt_due_ms.is_some() || !receipt::owe(step, &mut row)? {
        return Ok(());
    }
    // The last answer may have been noted by a clock that was ahead.
    let rested_ms = seen
        .answered_ms
        .min(step.now_ms)
        .saturating_add(ANSWER_EVERY_MS);
    let due_ms = row.receipt_due_ms.unwrap_or(step.now_ms).max(rested_ms);
    row.receipt_due_ms = Some(due_ms);
    step.tx.session_put(&row)?;
    if receipted && seen.answers == 0 {
        step.fx.trust.push(Told::Unheard(row.chat, ts_s * SECOND));
    }
    Ok(step.tx.seen_put(&Seen {
        ts_s,
        answers: seen.answers.saturating_add(1),
        answered_ms: due_ms,
        ..seen
    })?)
}

/// Notes that an envelope was taken. Called in the same transaction as its content.
fn note(step: &Step<'_>, envelope: &Incoming<'_>, session: &Hash, seq: u32) -> Result<(), Error> {
    let keep = step.retention_ms().saturating_add(DAY);
    Ok(step.tx.seen_put(&Seen {
        payload: envelope.hash,
        session: Some(*session),
        ts_s: envelope.ts_s,
        until_ms: step.now_ms.saturating_add(keep),
        seq,
        answers: 0,
        answered_ms: step.now_ms,
    })?)
}

fn open(step: &mut Step<'_>, envelope: &Incoming<'_>) -> Result<Verdict, Error> {
    if let Some(hash) = step.index.find(&envelope.tag) {
        return ratchet(step, envelope, &hash);
    }
    if let Some(kept) = step.tx.skipped_by_tag(&envelope.tag)? {
        let Ok((header, message)) = split_ratchet(envelope.body) else {
            return Ok(Verdict::Dropped);
        };
        return late(step, envelope, kept, header, message);
    }
    if envelope.class == Some(Class::Medium) {
        return handshake(step, envelope);
    }
    Ok(Verdict::Unmatched)
}

/// An envelope in ratchet form whose tag a session expects.
fn ratchet(step: &mut Step<'_>, envelope: &Incoming<'_>, hash: &Hash) -> Result<Verdict, Error> {
    match (step.tx.session(hash)?, split_ratchet(envelope.body)) {
        (Some(row), Ok((header, message))) => decrypt(step, envelope, row, header, message),
        _ => Ok(Verdict::Dropped),
    }
}

fn decrypt(
    step: &mut Step<'_>,
    envelope: &Incoming<'_>,
    row: sotto_db::Session,
    header: &[u8; 106],
    message: &[u8],
) -> Result<Verdict, Error> {
    if inbox::is_full(step, &row.chat)? {
        return Ok(Verdict::Dropped); // not opened, so it is not receipted, and opens when it comes again
    }
    let session = Session::from_bytes(&row.snapshot).map_err(|_| Code::StorageCorrupt)?;
    match session.decrypt(&envelope.tag, &envelope.random, header, message) {
        Ok(decrypted) => {
            let row = old_copy::follows(row, &decrypted);
            moved(step, envelope, row, &decrypted)?;
            Ok(Verdict::Taken)
        }
        Err(DecryptError::Skipped { chain, n }) => match step.tx.skipped(&row.hash, chain, n)? {
            Some(kept) => late(step, envelope, kept, header, message),
            None => Ok(Verdict::Dropped),
        },
        Err(DecryptError::TooFarAhead { .. } | DecryptError::Newer) => Ok(Verdict::Unmatched),
        Err(DecryptError::Forged)
            if session.is_next_chain(&envelope.tag, &envelope.random, header) =>
        {
            old_copy::doubt(step, row)?;
            Ok(Verdict::Dropped)
        }
        Err(_) => Ok(Verdict::Dropped),
    }
}

/// A message whose key was passed by.
fn late(
    step: &mut Step<'_>,
    envelope: &Incoming<'_>,
    kept: Skipped,
    header: &[u8; 106],
    message: &[u8],
) -> Result<Verdict, Error> {
    let key = SkippedKey::from_parts(kept.chain, kept.n, kept.tag, &kept.key);
    let key = key.map_err(|_| Code::StorageCorrupt)?;
    let opened = open_skipped(
        &key,
        &kept.session,
        &envelope.tag,
        &envelope.random,
        header,
        message,
    );
    let (Ok(padded), Some(row)) = (opened, step.tx.session(&kept.session)?) else {
        return Ok(Verdict::Dropped); // forged: the key stays good
    };
    step.tx.skipped_delete(&kept.session, kept.chain, kept.n)?;
    content(step, envelope, row, &padded)?;
    Ok(Verdict::Taken)
}

/// Stores what a session is after a message, and the message.
fn moved(
    step: &mut Step<'_>,
    envelope: &Incoming<'_>,
    mut row: sotto_db::Session,
    decrypted: &Decrypted,
) -> Result<(), Error> {
    row.snapshot = decrypted.session.to_bytes().as_slice().into();
    let expires_ms = step
        .now_ms
        .saturating_add(step.retention_ms())
        .saturating_add(DAY);
    let skipped = decrypted.skipped.iter().map(|key| Skipped {
        session: row.hash,
        chain: key.chain,
        n: key.n,
        tag: key.tag,
        key: key.key_bytes().as_slice().into(),
        expires_ms,
    });
    // A session just made has to be there before keys that belong to it.
    step.tx.session_put(&row)?;
    step.tx.skipped_insert(&skipped.collect::<Vec<_>>())?;
    let answered = !row.answered && (row.initiator || decrypted.chain > 0);
    if answered {
        confirm(step, &mut row)?;
    }
    let matched = step.index.set(&decrypted.session);
    step.fx.matched.extend(matched);
    let (chat, began) = (row.chat, row.initiator.then_some(row.hash));
    content(step, envelope, row, &decrypted.plaintext)?;
    if answered {
        if let Some(hash) = began {
            send::renew(step, &hash)?;
        }
        send::seal_waiting(step, &chat)?;
    }
    Ok(())
}

/// The other side has answered: blocks are no longer needed, here or there.
fn confirm(step: &mut Step<'_>, row: &mut sotto_db::Session) -> Result<(), Error> {
    row.answered = true;
    row.core = None;
    row.mask_secret = None;
    reset::answered(step, row)?;
    let Some(known) = step.tx.handshake(&row.handshake)? else {
        return Ok(());
    };
    step.tx.handshake_delete(&row.handshake)?;
    if let Some(secret) = known.secret {
        let closed = step
            .tx
            .invite(&secret)?
            .is_some_and(|invite| invite.closed_ms.is_some());
        if closed && !step.tx.handshakes_under(&secret)? {
            step.tx.secret_delete(&secret)?;
        }
    }
    Ok(())
}

/// A proven plaintext: counters and receipts, then the message.
fn content(
    step: &mut Step<'_>,
    envelope: &Incoming<'_>,
    mut row: sotto_db::Session,
    padded: &[u8],
) -> Result<(), Error> {
    let inner = unpad(padded)
        .ok()
        .and_then(|plain| Inner::decode(plain).ok());
    let seq = inner.as_ref().map_or(0, |inner| inner.seq);
    note(step, envelope, &row.hash, seq)?;
    let Some(inner) = inner else {
        log::debug!("a session's message cannot be read");
        return Ok(step.tx.session_put(&row)?);
    };
    let message = Message::decode(&inner.message).ok();
    // A long text is receipted when it is whole.
    let later = message
        .as_ref()
        .is_some_and(|message| message.kind == Kind::Pointer);
    if inner.seq > 0 {
        let (sent_s, said_s) = (
            envelope.ts_s,
            message.as_ref().map(|message| message.time_s),
        );
        if said_s.is_some_and(|said_s| sent_s.saturating_sub_unsigned(said_s) > LATE_S) {
            step.fx.trust.push(Told::Unheard(row.chat, sent_s * SECOND));
        }
        row.floor = row.floor.max(inner.floor);
        let came = Told::Came(row.chat, row.hash, inner.seq, inner.floor);
        step.fx.trust.push(came);
    }
    if inner.seq > 0 && !later {
        had(step, &mut row, inner.seq, inner.floor)?;
    }
    step.tx.session_put(&row)?;
    for receipt in &inner.receipts {
        receipt::take(step, &row.chat, receipt)?;
    }
    match message {
        Some(message) => inbox::take(step, &row, &inner, &message),
        None => Ok(()),
    }
}

/// Counts a message as received and owes its receipt. The caller stores the row.
pub(super) fn had(
    step: &mut Step<'_>,
    row: &mut sotto_db::Session,
    seq: u32,
    floor: u32,
) -> Result<(), Error> {
    let tracker = SeqTracker::from_bytes(&row.tracker);
    let mut tracker = tracker.map_err(|_| Code::StorageCorrupt)?;
    tracker.record(seq, floor);
    row.tracker = tracker.to_bytes();
    receipt::owe(step, row)?;
    Ok(())
}

/// A 2 KiB envelope with an unknown tag: perhaps somebody's first message.
fn handshake(step: &mut Step<'_>, envelope: &Incoming<'_>) -> Result<Verdict, Error> {
    let Ok((block, header, message)) = split_handshake(envelope.body) else {
        return Ok(Verdict::Unmatched);
    };
    let secrets = step.tx.secrets()?;
    let unmasked = secrets.iter().take(SECRETS).find_map(|row| {
        let block = unmask(&row.secret, &envelope.tag, &envelope.random, block)?;
        Some((block, row.secret))
    });
    let Some((block, secret)) = unmasked else {
        return Ok(Verdict::Unmatched);
    };
    if let Some(known) = step.tx.handshake(&block.hash())? {
        let session = known
            .session
            .map(|hash| step.tx.session(&hash))
            .transpose()?
            .flatten();
        return match session {
            Some(row) => decrypt(step, envelope, row, header, message),
            None => Ok(Verdict::Dropped),
        };
    }
    let own = step.own()?;
    let Some(stored) = step.tx.prekey(&block.prekey_id())? else {
        return Ok(Verdict::Dropped);
    };
    let pair = PrekeyPair::from_bytes(&stored.private).map_err(|_| Code::StorageCorrupt)?;
    let Ok(opened) = block.open(&own.keys, &own.chat, &own.device, &pair) else {
        return Ok(Verdict::Dropped);
    };
    let Some((record, known)) = claimed(step, &opened)? else {
        return Ok(Verdict::Dropped);
    };
    if let Err(code) = device::check_suite(step, known.as_ref(), &record, block.suite()) {
        if let Some(mut contact) = known {
            device::refuse(step, &mut contact, code)?;
        }
        return Ok(Verdict::Dropped);
    }
    if known
        .as_ref()
        .is_some_and(|contact| contact.state == state::BLOCKED)
    {
        refuse(step, block.hash(), secret)?;
        return Ok(Verdict::Dropped);
    }
    let Ok(session) = opened.finish(&record.identity, &pair) else {
        return Ok(Verdict::Dropped);
    };
    let Ok(decrypted) = session.decrypt(&envelope.tag, &envelope.random, header, message) else {
        return Ok(Verdict::Dropped);
    };
    begin(
        step,
        envelope,
        &Begun {
            opened: &opened,
            record: &record,
            hash: block.hash(),
            secret,
            prekey: stored.id,
            known,
        },
        &decrypted,
    )
}

/// A session that somebody began, proven by its first message.
struct Begun<'a> {
    opened: &'a sotto_crypto::Opened,
    record: &'a DeviceRecord,
    hash: Hash,
    secret: [u8; 16],
    prekey: [u8; 8],
    known: Option<sotto_db::Contact>,
}

fn begin(
    step: &mut Step<'_>,
    envelope: &Incoming<'_>,
    begun: &Begun<'_>,
    decrypted: &Decrypted,
) -> Result<Verdict, Error> {
    let chat = *begun.opened.chat_public();
    let request = unpad(&decrypted.plaintext).ok().and_then(|plain| {
        let inner = Inner::decode(plain).ok()?;
        match Message::decode(&inner.message).ok()?.content().ok()? {
            Content::Request(request) => Some(request),
            _ => None,
        }
    });
    let stranger = match &begun.known {
        None => true,
        Some(contact) => contact.state == state::DECLINED,
    };
    if stranger && (request.is_none() || step.tx.contacts_in(state::INCOMING)? >= PENDING) {
        return Ok(Verdict::Dropped);
    }
    let mut contact = match begun.known.clone() {
        Some(contact) => contact,
        None => contact::new(step, &chat, state::DECLINED, String::new())?,
    };
    let other_device = contact
        .device
        .is_some_and(|device| device != begun.record.device_id);
    if other_device {
        contact.devices_changed = true;
    }
    // A new device of somebody whose safety number was compared gets nothing before it is compared again.
    if !(other_device && contact.verified) {
        contact.device = Some(begun.record.device_id);
        contact.record = Some(begun.record.encode().to_vec());
    }
    contact.list_version = i64::try_from(begun.record.list_version).unwrap_or(i64::MAX);
    contact.start_in = begun.opened.start();
    step.tx.contact_put(&contact)?;
    let row = sotto_db::Session {
        handshake: begun.hash,
        prekey_id: Some(begun.prekey),
        ..session::session_row(
            step,
            &contact,
            &decrypted.session,
            begun.record.device_id,
            false,
            begun.opened.start(),
        )
    };
    step.tx.session_put(&row)?;
    step.tx.handshake_put(&sotto_db::Handshake {
        handshake: begun.hash,
        session: Some(row.hash),
        secret: Some(begun.secret),
        until_ms: step.now_ms.saturating_add(HANDSHAKE_MS),
    })?;
    session::choose_sending(step, &chat)?;
    let row = step.tx.session(&row.hash)?.ok_or(Code::Internal)?;
    if let Some(request) = &request
        && contact.state != state::REQUESTED
    {
        // Before its message is counted: what is pending owes nothing.
        contact::take_request(step, &mut contact, request, begun.secret)?;
    }
    moved(step, envelope, row, decrypted)?;
    let accepted = |known: &sotto_db::Contact| known.state == state::ACCEPTED;
    if begun.known.as_ref().is_some_and(accepted)
        && contact.device == Some(begun.record.device_id)
        && let Some(mut contact) = step.tx.contact(&chat)?
    {
        // They began anew: the answer, with a pair for the next time.
        old_copy::they_began_anew(step, &chat, decrypted.session.hash())?;
        contact::hello(step, &mut contact)?;
        send::seal_waiting(step, &chat)?;
    }
    if let Some(request) = &request
        && contact.state == state::REQUESTED
    {
        contact::take_request(step, &mut contact, request, begun.secret)?;
    }
    Ok(Verdict::Taken)
}

/// The sender's record, if it is signed, in force, not older than what is known, and not our own.
fn claimed(
    step: &Step<'_>,
    opened: &sotto_crypto::Opened,
) -> Result<Option<(DeviceRecord, Option<sotto_db::Contact>)>, Error> {
    let chat = opened.chat_public();
    let known = step.tx.contact(chat)?;
    let version = known
        .as_ref()
        .and_then(|contact| u64::try_from(contact.list_version).ok());
    let start = known.as_ref().map_or(0, |contact| contact.start_in);
    let Ok(record) = DeviceRecord::decode(opened.record()) else {
        return Ok(None);
    };
    let good = *chat != step.own()?.chat
        && opened.start() > start
        && check_not_after(record.not_after_s, step.clock_s()).is_ok()
        && check_version(record.list_version, version, step.clock_s()).is_ok()
        && found::verify_record(chat, &record);
    Ok(good.then_some((record, known)))
}

fn refuse(step: &Step<'_>, handshake: Hash, secret: [u8; 16]) -> Result<(), Error> {
    Ok(step.tx.handshake_put(&sotto_db::Handshake {
        handshake,
        session: None,
        secret: Some(secret),
        until_ms: step.now_ms.saturating_add(HANDSHAKE_MS),
    })?)
}
