//! Incoming envelopes: found by their tag, decrypted on a copy; only then anything changes.

use sotto_crypto::{DecryptError, Decrypted, MessageKey, Random, Session, Tag, open_skipped};
use sotto_db::{Ahead, Hash, Seen, Skipped, Waiting};
use sotto_net::Evidence;
use sotto_wire::content::{Inner, Message};
use sotto_wire::envelope::{Class, Envelope, EnvelopeError, payload_hash, split_ratchet, unpad};

use crate::engine::Step;
use crate::engine::base::schedule::{self, DAY, SECOND};
use crate::engine::carry::{link, policy, receipt, send};
use crate::engine::group::open;
use crate::engine::hear::incoming::{self, Incoming, Verdict};
use crate::engine::keys::{device, session};
use crate::engine::people::admit::{self, First, Split};
use crate::engine::people::{contact, kind, old_copy, takeover};
use crate::engine::talk::{inbox, state};
use crate::error::{Code, Error};

/// A message sent this long after it was written, seconds, may have been sent before.
const LATE_S: i64 = 90;
const ANSWERS: u32 = 12;
/// No honest store keeps a message dated this far ahead of the clock, seconds.
const AHEAD_S: i64 = 20;

/// Opens an envelope that waited and that a session expects now.
pub(crate) fn matched(step: &mut Step<'_>, hash: &Hash) -> Result<(), Error> {
    let Some(waiting) = step.tx.waiting.get(hash)? else {
        return Ok(());
    };
    incoming::forget(step, hash)?;
    step.index.waits_no_more(waiting.tag, *hash);
    payload(step, &waiting.payload, waiting.ts_s)
}

/// Takes one payload of the own home topic.
pub(crate) fn payload(step: &mut Step<'_>, payload: &[u8], ts_s: i64) -> Result<(), Error> {
    if step.is_replaced() {
        return Ok(()); // it is for the install that took over
    }
    let hash = payload_hash(payload);
    if let Some(seen) = step.tx.seen.get(&hash)? {
        return twin(step, seen, ts_s);
    }
    let ts_s = ts_s.min(latest_s(step)); // nobody can delay the answers to later copies
    let (tag, newer) = match Envelope::decode(payload) {
        Ok(envelope) => {
            if takeover::take(step, &envelope)? {
                return Ok(());
            }
            let incoming = Incoming {
                tag: Tag(envelope.tag),
                random: Random(envelope.random),
                body: envelope.body,
                class: envelope.class(),
                hash,
                ts_s,
            };
            match open(step, &incoming)? {
                Verdict::Unmatched => (envelope.tag, false),
                Verdict::Dropped => return Ok(()),
                Verdict::Taken => {
                    step.fx.opened = step.fx.opened.saturating_add(1);
                    step.index.waits_no_more(envelope.tag, hash);
                    return incoming::forget(step, &hash);
                }
            }
        }
        Err(EnvelopeError::NewerVersion) => {
            (payload.get(1..17).and_then(|tag| tag.try_into().ok()).unwrap_or_default(), true)
        }
        Err(_) => return Ok(()),
    };
    let (payload, added_ms) = (payload.to_vec(), step.now_ms);
    step.fx.unmatched.push(Waiting { payload_hash: hash, tag, topic: String::new(), payload, ts_s, added_ms, newer });
    Ok(())
}

/// The latest timestamp that counts, Unix seconds, by the clock that is further ahead.
fn latest_s(step: &Step<'_>) -> i64 {
    let now_ms = step.clock_ms.max(step.now_ms);
    now_ms.div_euclid(SECOND).saturating_add(AHEAD_S)
}

/// The same payload with a later timestamp: its sender may lack the receipt. Anybody can publish a copy, so answers are
/// bounded. A copy without an answer changes nothing.
fn twin(step: &mut Step<'_>, seen: Seen, ts_s: i64) -> Result<(), Error> {
    let late = ts_s > seen.ts_s && ts_s <= latest_s(step);
    if !late || seen.seq == 0 || seen.answers >= ANSWERS {
        return Ok(());
    }
    let link = seen.session.map(|hash| step.tx.links.get(&hash));
    let Some(link) = link.transpose()?.flatten().filter(|link| seen.seq >= link.floor) else {
        return Ok(());
    };
    if link.due_ms.is_some() || !receipt::may_have(step, &link)? {
        return Ok(());
    }
    receipt::owe(step, &link.session)?;
    // The last answer may have been recorded by a clock that was ahead.
    let rested_ms = seen.answered_ms.min(step.now_ms).saturating_add(schedule::ANSWER_EVERY);
    let due_ms = link::not_before(step, &link.session, rested_ms)?;
    if !link.dirty && seen.answers == 0 {
        step.evidence.push(Evidence::Unheard(link.chat, ts_s * SECOND));
    }
    let answered_ms = due_ms.unwrap_or(step.now_ms);
    incoming::note(step, &Seen { ts_s, answers: seen.answers.saturating_add(1), answered_ms, ..seen })
}

fn open(step: &mut Step<'_>, envelope: &Incoming<'_>) -> Result<Verdict, Error> {
    if let Some(hash) = step.index.find(&envelope.tag) {
        return match (step.tx.sessions.get(&hash)?, split_ratchet(envelope.body)) {
            (Some(row), Ok(split)) => decrypt(step, envelope, row, split),
            _ => Ok(Verdict::Dropped),
        };
    }
    if let Some(kept) = step.tx.skipped.by_tag(&envelope.tag.0)? {
        return match split_ratchet(envelope.body) {
            Ok(split) => late(step, envelope, kept, split),
            Err(_) => Ok(Verdict::Dropped),
        };
    }
    if let Some(verdict) = open::open(step, envelope)? {
        return Ok(verdict);
    }
    if envelope.class == Some(Class::Medium) {
        return match admit::handshake(step, envelope)? {
            First::Nobodys => Ok(Verdict::Unmatched),
            First::Refused => Ok(Verdict::Dropped),
            First::Again(row, split) => decrypt(step, envelope, *row, split),
            First::Begun(begun) => {
                moved(step, envelope, &begun.row, &begun.decrypted)?;
                admit::begun(step, &begun)?;
                Ok(Verdict::Taken)
            }
        };
    }
    Ok(Verdict::Unmatched)
}

fn decrypt(
    step: &mut Step<'_>,
    envelope: &Incoming<'_>,
    row: sotto_db::Session,
    (header, message): Split<'_>,
) -> Result<Verdict, Error> {
    let Some(below) = inbox::room(step, &row.chat)? else {
        return Ok(Verdict::Dropped); // not opened, so not receipted; it opens when it comes again
    };
    let session = Session::from_bytes(&row.snapshot).map_err(|_| Code::StorageCorrupt)?;
    match session.decrypt(below, &envelope.tag, &envelope.random, header, message) {
        Ok(decrypted) => {
            if decrypted.stepped && row.ahead == Ahead::Doubt {
                session::set_ahead(step, &row.hash, Ahead::No)?; // the unopened message was altered in transit
            }
            moved(step, envelope, &row, &decrypted)?;
            Ok(Verdict::Taken)
        }
        Err(DecryptError::Skipped { chain, n }) => match step.tx.skipped.get(&row.hash, &chain, &n)? {
            Some(kept) => late(step, envelope, kept, (header, message)),
            None => Ok(Verdict::Dropped),
        },
        Err(DecryptError::TooFarAhead { .. }) if below < u32::MAX => Ok(Verdict::Dropped),
        Err(DecryptError::TooFarAhead { .. } | DecryptError::Newer) => Ok(Verdict::Unmatched),
        Err(DecryptError::Forged) if session.is_next_chain(&envelope.tag, &envelope.random, header) => {
            old_copy::doubt(step, &row)?;
            Ok(Verdict::Dropped)
        }
        Err(_) => Ok(Verdict::Dropped),
    }
}

fn late(
    step: &mut Step<'_>,
    envelope: &Incoming<'_>,
    kept: Skipped,
    (header, message): Split<'_>,
) -> Result<Verdict, Error> {
    let key = <&[u8; 32]>::try_from(&*kept.key).map_err(|_| Code::StorageCorrupt)?;
    let opened = open_skipped(&MessageKey::new(key), &kept.session, &envelope.tag, &envelope.random, header, message);
    let (Ok(padded), Some(row)) = (opened, step.tx.sessions.get(&kept.session)?) else {
        return Ok(Verdict::Dropped); // forged: the key stays usable
    };
    if inbox::room(step, &row.chat)?.is_none() {
        return Ok(Verdict::Dropped);
    }
    session::spent(step, &kept)?;
    content(step, envelope, &row, &padded)?;
    Ok(Verdict::Taken)
}

/// Stores the session's state after a message, and the message.
fn moved(
    step: &mut Step<'_>,
    envelope: &Incoming<'_>,
    row: &sotto_db::Session,
    decrypted: &Decrypted,
) -> Result<(), Error> {
    session::moved(step, decrypted)?;
    let answered = !row.answered && (row.initiator || decrypted.chain > 0);
    if answered {
        session::answered(step, row)?;
        contact::invite_answered(step, row)?;
    }
    let matched = step.index.set(&decrypted.session);
    step.fx.matched.extend(matched);
    content(step, envelope, row, &decrypted.plaintext)?;
    if answered {
        if row.initiator {
            send::renew(step, &row.hash)?;
        }
        send::seal_waiting(step, &row.chat)?;
    }
    Ok(())
}

/// A verified plaintext: first counters and receipts, then the message.
fn content(step: &mut Step<'_>, envelope: &Incoming<'_>, row: &sotto_db::Session, padded: &[u8]) -> Result<(), Error> {
    let inner = unpad(padded).ok().and_then(|plain| Inner::decode(plain).ok());
    let seq = inner.as_ref().map_or(0, |inner| inner.seq);
    let keep = step.retention_ms().saturating_add(DAY);
    let seen = Seen {
        payload: envelope.hash,
        session: Some(row.hash),
        ts_s: envelope.ts_s,
        until_ms: step.now_ms.saturating_add(keep),
        seq,
        answers: 0,
        answered_ms: step.now_ms,
    };
    incoming::note(step, &seen)?;
    let Some(inner) = inner else {
        log::debug!("a session's message cannot be read");
        return Ok(());
    };
    let message = Message::decode(&inner.message).ok();
    let later = message.as_ref().is_some_and(|message| policy::of(message.kind).points);
    let confirmed = device::confirms(step, &row.chat, &row.device)?;
    if inner.seq > 0 && confirmed {
        let (sent_s, said_s) = (envelope.ts_s, message.as_ref().map(|message| message.time_s));
        if said_s.is_some_and(|said_s| sent_s.saturating_sub_unsigned(said_s) > LATE_S) {
            step.evidence.push(Evidence::Unheard(row.chat, sent_s * SECOND));
        }
        link::raise_floor(step, &row.hash, inner.floor)?;
        let (party, run, seq, floor) = (row.chat, row.hash, inner.seq, inner.floor);
        step.evidence.push(Evidence::Came { party, run, seq, floor });
    }
    if !later {
        receipt::had(step, &row.hash, inner.seq, inner.floor)?;
    }
    for receipt in inner.receipts.iter().filter(|_| confirmed) {
        let (facts, ahead) = receipt::take(step, row, receipt)?;
        state::facts(step, facts)?;
        ahead.iter().try_for_each(|row| old_copy::prove(step, row))?;
    }
    match message {
        Some(message) => match inbox::take(step, row, &inner, &message)? {
            Some(content) => kind::take(step, row, content),
            None => Ok(()),
        },
        None => Ok(()),
    }
}
