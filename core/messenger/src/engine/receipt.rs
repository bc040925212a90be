//! Receipts: what is owed, when it leaves alone, and what one of theirs ends here.

use sotto_db::{Attempt, Chat, Contact, Hash, Outbox, Session, Tx};
use sotto_wire::content::{Inner, Receipt, SeqTracker};
use sotto_wire::topic::Lane;

use super::base::schedule;
use super::step::{SECOND, Step};
use super::trust::Told;
use super::{contact, old_copy, outcome, send, state};
use crate::error::{Code, Error, OrBug};

/// Two attempts so close, seconds, are one: nodes that give no count are asked by twos.
const TOGETHER_S: i64 = 10;
/// What is receipted so soon after an attempt, seconds, probably came by it.
const AT_ONCE_S: i64 = 60;
/// Receipts that ride on one message.
const RIDING: usize = 4;

/// Notes that a session owes a receipt; it leaves alone after a random delay unless a message carries it earlier. False:
/// it leaves anyway, or not before the contact is accepted.
pub(super) fn owe(step: &mut Step<'_>, row: &mut Session) -> Result<bool, Error> {
    row.receipt_dirty = true;
    let contact = step.tx.contact(&row.chat)?;
    if !contact.is_some_and(|contact| may_have(&contact, row)) {
        return Ok(false);
    }
    // One that is to leave again, or answers a copy, may be far off: what is new does not wait for that.
    let longest_ms = step.now_ms.saturating_add(cap(step));
    let leaves = row.receipt_due_ms.is_none_or(|due| due > longest_ms);
    if leaves {
        row.receipt_due_ms = Some(step.now_ms.saturating_add(delay(step)?));
    }
    Ok(leaves)
}

fn cap(step: &Step<'_>) -> i64 {
    if step.foreground { schedule::RECEIPT_LONGEST } else { schedule::RECEIPT_LONGEST_BACKGROUND }
}

/// Receipts go to the confirmed device of an accepted contact, and to nobody else.
fn may_have(contact: &Contact, row: &Session) -> bool {
    contact.state == state::ACCEPTED && contact::confirms(contact, row)
}

/// Exponential with the mean of the settings, in the background four times that.
fn delay(step: &mut Step<'_>) -> Result<i64, Error> {
    let mean = i64::from(step.own()?.receipt_delay_ms);
    let mean = mean.saturating_mul(if step.foreground { 1 } else { 4 });
    Ok(schedule::delay(mean, cap(step), step.rng))
}

/// Pending requests owe nothing until they are accepted; then everything is due.
pub(super) fn all_due(step: &mut Step<'_>, chat: &Chat) -> Result<(), Error> {
    let Some(contact) = step.tx.contact(chat)? else {
        return Ok(());
    };
    for mut row in step.tx.sessions_of(chat)? {
        if row.receipt_dirty && row.receipt_due_ms.is_none() && may_have(&contact, &row) {
            row.receipt_due_ms = Some(step.now_ms.saturating_add(delay(step)?));
            step.tx.session_put(&row)?;
        }
    }
    Ok(())
}

/// Everything that came is receipted once more, with the next message that is sealed.
pub(super) fn all_owed(step: &Step<'_>, chat: &Chat) -> Result<(), Error> {
    for mut row in step.tx.sessions_of(chat)? {
        if !row.receipt_dirty && is_receiving(&row) {
            row.receipt_dirty = true;
            step.tx.session_put(&row)?;
        }
    }
    Ok(())
}

/// Only a session in which they sent has anything to be receipted.
pub(super) fn is_receiving(row: &Session) -> bool {
    row.tracker.iter().any(|byte| *byte != 0)
}

/// What the account of a session is owed; `row` is that session as the caller holds it.
pub(super) fn owed(step: &Step<'_>, row: &Session) -> Result<Vec<(Session, Receipt)>, Error> {
    let Some(contact) = step.tx.contact(&row.chat)? else {
        return Ok(Vec::new());
    };
    let mut owed = Vec::new();
    for other in step.tx.sessions_of(&row.chat)? {
        if other.receipt_dirty && owed.len() < RIDING && may_have(&contact, &other) {
            let tracker = SeqTracker::from_bytes(&other.tracker);
            let tracker = tracker.map_err(|_| Code::StorageCorrupt)?;
            let receipt = tracker.receipt(session_prefix(&other.hash));
            owed.push((other, receipt));
        }
    }
    Ok(owed)
}

/// They ride on the message being sealed. The caller stores `row`.
pub(super) fn gave(step: &Step<'_>, row: &mut Session, owed: Vec<(Session, Receipt)>) -> Result<(), Error> {
    for (mut other, _) in owed {
        if other.hash == row.hash {
            row.receipt_dirty = false;
            row.receipt_due_ms = None;
        } else {
            other.receipt_dirty = false;
            other.receipt_due_ms = None;
            step.tx.session_put(&other)?;
        }
    }
    Ok(())
}

/// A receipt's time has come: an envelope of its own.
pub(super) fn leave(step: &mut Step<'_>, chat: &Chat) -> Result<(), Error> {
    let mut sessions = step.tx.sessions_of(chat)?;
    let contact = step.tx.contact(chat)?;
    // What is due in a session with a device that is not theirs any more never leaves.
    let owes = |row: &Session| {
        let may = contact.as_ref().is_some_and(|one| may_have(one, row));
        may && row.receipt_dirty
    };
    for row in sessions.iter_mut().filter(|row| !owes(row)) {
        if row.receipt_due_ms.take().is_some() {
            step.tx.session_put(row)?;
        }
    }
    if sessions.iter().all(|row| row.receipt_due_ms.is_none()) {
        return Ok(());
    }
    let accepted = contact.filter(|contact| contact.state == state::ACCEPTED);
    let home = accepted.and_then(|contact| contact.home);
    let sending = sessions.iter().find(|row| row.sending && (!row.initiator || row.answered));
    let (Some(home), Some(mut row)) = (home, sending.cloned()) else {
        for mut row in sessions {
            row.receipt_due_ms = None; // stays owed; rides on what comes
            step.tx.session_put(&row)?;
        }
        return Ok(());
    };
    alone(step, &mut row, home, Vec::new())
}

/// What is due to an account leaves later.
pub(super) fn put_off(tx: &Tx<'_>, chat: Chat, due_ms: i64) -> Result<(), sotto_db::Error> {
    for mut row in tx.sessions_of(&chat)? {
        row.receipt_due_ms = row.receipt_due_ms.map(|_| due_ms);
        tx.session_put(&row)?;
    }
    Ok(())
}

/// An envelope that wants no receipt, with the receipts that are owed.
pub(super) fn alone(step: &mut Step<'_>, row: &mut Session, home: [u8; 8], message: Vec<u8>) -> Result<(), Error> {
    let inner = Inner { message, ..Inner::default() };
    let payload = send::seal(step, row, inner)?.or_bug("an answered session carries receipts")?;
    step.tx.session_put(row)?;
    let topic = step.topic(Lane::Home, &home);
    let out = Outbox {
        kind: send::ONCE,
        topic,
        payload: Some(payload),
        sealed_ms: step.now_ms,
        due_ms: step.now_ms,
        give_up_ms: step.now_ms.saturating_add(schedule::RECEIPT_GIVE_UP),
        ..send::row(step, &row.chat, Vec::new(), None)
    };
    send::enqueue(step, Outbox { m: None, ..out })?;
    Ok(())
}

/// Receipts that seem not to arrive are owed again, by another node.
pub(super) fn again(step: &mut Step<'_>, chat: &Chat) -> Result<(), Error> {
    let Some(tries) = step.trust.again(chat) else {
        return Ok(());
    };
    let due_ms = step.after(&schedule::RECEIPT_AGAIN, tries);
    let Some(contact) = step.tx.contact(chat)? else {
        return Ok(());
    };
    for mut row in step.tx.sessions_of(chat)? {
        if !row.receipt_dirty && may_have(&contact, &row) && is_receiving(&row) {
            (row.receipt_dirty, row.receipt_due_ms) = (true, Some(due_ms));
            step.tx.session_put(&row)?;
        }
    }
    Ok(())
}

/// A receipt that came in a session of their confirmed device: what it covers is delivered, its rows end. A device
/// speaks for no other.
pub(super) fn take(step: &mut Step<'_>, from: &Session, receipt: &Receipt) -> Result<(), Error> {
    for mut row in step.tx.sessions_of(&from.chat)? {
        if session_prefix(&row.hash) != receipt.session() || row.device != from.device {
            continue;
        }
        if !old_copy::is_true(step, &mut row, receipt)? {
            continue; // nothing rises by it
        }
        for (id, seq, message) in step.tx.outbox_of_session(&row.hash)? {
            if receipt.lacks(seq) {
                hurry(step, id)?;
            } else if receipt.covers(seq) {
                let attempts = step.tx.attempts(id)?;
                step.tx.outbox_delete(id)?;
                step.fx.trust.extend(arrived(step, &attempts));
                if let Some(message) = message {
                    step.tx.outbox_delete_group(&message)?;
                    let to = match step.tx.message_is_marked(&message)? {
                        true => state::READ,
                        false => state::DELIVERED,
                    };
                    outcome::raise(step, &message, to)?;
                }
            }
        }
        row.heard_ms = step.now_ms;
        step.tx.session_put(&row)?;
    }
    Ok(())
}

/// They say that they read an own message. True of one that is delivered; of another once its receipt comes, unless what
/// they have, as they say with it, leaves it out.
pub(super) fn read(step: &mut Step<'_>, id: &Hash, have: &[Receipt]) -> Result<(), Error> {
    let Some(message) = step.tx.message(id)? else {
        return Ok(());
    };
    if message.state >= state::DELIVERED {
        return outcome::raise(step, id, state::READ);
    }
    let row = step.tx.outbox_of_message(id)?;
    let sealed = row.and_then(|row| row.session.zip(row.seq));
    let waits = sealed.is_some_and(|(session, seq)| {
        // Sealed anew in a session of which they say nothing, it is not what they read.
        let of_it = have.iter().find(|one| one.session() == session_prefix(&session));
        of_it.is_some_and(|one| !one.lacks(seq))
    });
    if waits {
        step.tx.message_mark(id, true)?;
    }
    Ok(())
}

/// What a receipt shows of those who took a row, the latest first; nothing if some of them are not known any more.
fn arrived(step: &Step<'_>, attempts: &[Attempt]) -> Option<Told> {
    let nodes = attempts.iter().map(|one| u64::try_from(one.node).ok());
    let nodes: Vec<u64> = nodes.collect::<Option<_>>()?;
    let (last, first) = attempts.first().zip(attempts.last())?;
    let now_s = step.clock_ms.div_euclid(SECOND);
    let lead = if step.unproven {
        1 // their order is not known
    } else if last.ts_s.saturating_sub(first.ts_s) < TOGETHER_S {
        32
    } else if now_s.saturating_sub(last.ts_s) < AT_ONCE_S {
        4
    } else {
        1
    };
    Some(Told::Arrived(nodes, lead))
}

/// They are there, and did not get this: it leaves again soon, unless it did lately; what leaves again and again has to
/// wait ever longer. A pointer is receipted when its chunks are there, so its absence says nothing.
fn hurry(step: &mut Step<'_>, id: i64) -> Result<(), Error> {
    let Some(mut row) = step.tx.outbox(id)?.filter(|row| row.group_key.is_none()) else {
        return Ok(());
    };
    let soon = step.after(&schedule::HURRY, 0);
    let age_ms = step.clock_ms.saturating_sub(row.last_s.saturating_mul(SECOND));
    let rest_ms = schedule::HURRY_REST.plain(row.attempts);
    if row.attempts > 0 && age_ms >= rest_ms && soon < row.due_ms {
        row.due_ms = soon;
        step.tx.outbox_update(&row)?;
    }
    Ok(())
}

fn session_prefix(hash: &Hash) -> [u8; 4] {
    hash.first_chunk().copied().unwrap_or_default()
}
