//! Receipts: which are owed, when they leave without a message, and which items received ones end.

use sotto_db::{Ahead, Attempt, Chat, Class, Hash, Link, NEVER, Parcel, Reach, Session};
use sotto_net::Evidence;
use sotto_wire::content::{Inner, Receipt, SeqTracker};
use sotto_wire::topic::Lane;

use crate::engine::base::schedule::{self, SECOND};
use crate::engine::carry::{Carry, Fact, send};
use crate::engine::keys::device;
use crate::engine::post::parcel;
use crate::error::{Code, Error, OrBug};

/// Most receipts on one message.
const RIDING: usize = 4;

/// A session owes a receipt. Unless a message carries it earlier, it leaves alone, not before the contact is accepted.
pub(crate) fn owe(step: &mut Carry<'_>, session: &Hash) -> Result<(), Error> {
    step.links.edit(session, |link| link.dirty = true)?;
    let Some(link) = step.links.get(session)? else {
        return Ok(());
    };
    // A repeated receipt, or an answer to a copy, may be far off; a new receipt does not wait for it.
    let longest_ms = step.now_ms.saturating_add(cap(step));
    if may_have(step, &link)? && link.due_ms.is_none_or(|due| due > longest_ms) {
        let due_ms = step.now_ms.saturating_add(delay(step)?);
        step.links.edit(session, |link| link.due_ms = Some(due_ms))?;
    }
    Ok(())
}

/// Counts a message as received and owes its receipt; counter 0 wants none.
pub(crate) fn had(step: &mut Carry<'_>, session: &Hash, seq: u32, floor: u32) -> Result<(), Error> {
    let Some(link) = step.links.get(session)?.filter(|_| seq > 0) else {
        return Ok(());
    };
    let mut tracker = SeqTracker::from_bytes(&link.tracker).map_err(|_| Code::StorageCorrupt)?;
    tracker.record(seq, floor);
    step.links.edit(session, |link| link.tracker = tracker.to_bytes())?;
    owe(step, session)
}

fn cap(step: &Carry<'_>) -> i64 {
    if step.foreground { schedule::RECEIPT_LONGEST } else { schedule::RECEIPT_LONGEST_BACKGROUND }
}

/// Receipts go only to the confirmed device of an accepted contact.
pub(crate) fn may_have(step: &Carry<'_>, link: &Link) -> Result<bool, Error> {
    let open = step.tx.peers.get(&link.chat)?.is_some_and(|peer| peer.reach == Reach::All);
    match step.tx.sessions.get(&link.session)? {
        Some(row) if open => device::confirms(step, &link.chat, &row.device),
        _ => Ok(false),
    }
}

/// Exponential with the mean of the settings, four times that in the background.
fn delay(step: &mut Carry<'_>) -> Result<i64, Error> {
    let mean = i64::from(step.own()?.settings.receipt_delay_ms);
    let mean = mean.saturating_mul(if step.foreground { 1 } else { 4 });
    Ok(schedule::delay(mean, cap(step), step.rng))
}

/// Pending requests owe nothing until they are accepted; then all receipts are due.
pub(crate) fn all_due(step: &mut Carry<'_>, chat: &Chat) -> Result<(), Error> {
    for link in step.links.of(chat)? {
        if link.dirty && link.due_ms.is_none() && may_have(step, &link)? {
            let due_ms = step.now_ms.saturating_add(delay(step)?);
            step.links.edit(&link.session, |link| link.due_ms = Some(due_ms))?;
        }
    }
    Ok(())
}

/// Receipts everything once more, with the next sealed message.
pub(crate) fn all_owed(step: &mut Carry<'_>, chat: &Chat) -> Result<(), Error> {
    edit_all(step, chat, |link| link.dirty |= is_receiving(link))
}

/// Only a session in which they sent has anything to receipt.
pub(crate) fn is_receiving(link: &Link) -> bool {
    link.tracker.iter().any(|byte| *byte != 0)
}

pub(crate) fn owed(step: &Carry<'_>, chat: &Chat) -> Result<Vec<(Hash, Receipt)>, Error> {
    let mut owed = Vec::new();
    for link in step.links.of(chat)? {
        if link.dirty && owed.len() < RIDING && may_have(step, &link)? {
            let tracker = SeqTracker::from_bytes(&link.tracker);
            let tracker = tracker.map_err(|_| Code::StorageCorrupt)?;
            owed.push((link.session, tracker.receipt(session_prefix(&link.session))));
        }
    }
    Ok(owed)
}

/// Marks these receipts as sent: they ride on the message being sealed.
pub(crate) fn gave(step: &mut Carry<'_>, owed: Vec<(Hash, Receipt)>) -> Result<(), Error> {
    for (session, _) in owed {
        step.links.edit(&session, |link| (link.dirty, link.due_ms) = (false, None))?;
    }
    Ok(())
}

/// A receipt is due: it gets its own envelope.
pub(crate) fn leave(step: &mut Carry<'_>, chat: &Chat) -> Result<(), Error> {
    let mut due = false;
    for link in step.links.of(chat)? {
        if link.dirty && may_have(step, &link)? {
            due |= link.due_ms.is_some();
        } else if link.due_ms.is_some() {
            // A receipt that is due in a session with a replaced device never leaves.
            step.links.edit(&link.session, |link| link.due_ms = None)?;
        }
    }
    if !due {
        return Ok(());
    }
    let home = step.tx.peers.get(chat)?.filter(|peer| peer.reach == Reach::All).and_then(|peer| peer.home);
    let sending = send::sending_session(step, chat)?.filter(|row| !row.initiator || row.answered);
    let (Some(home), Some(row)) = (home, sending) else {
        return edit_all(step, chat, |link| link.due_ms = None); // stays owed, and rides on the next message
    };
    alone(step, row, home, Vec::new())
}

pub(crate) fn put_off(step: &mut Carry<'_>, chat: Chat, due_ms: i64) -> Result<(), Error> {
    edit_all(step, &chat, |link| link.due_ms = link.due_ms.map(|_| due_ms))
}

fn edit_all(step: &mut Carry<'_>, chat: &Chat, change: impl Fn(&mut Link)) -> Result<(), Error> {
    for link in step.links.of(chat)? {
        step.links.edit(&link.session, &change)?;
    }
    Ok(())
}

/// An envelope that wants no receipt, with the owed receipts.
pub(crate) fn alone(step: &mut Carry<'_>, row: Session, home: [u8; 8], message: Vec<u8>) -> Result<(), Error> {
    let inner = Inner { message, ..Inner::default() };
    let chat = row.chat;
    let payload = send::seal(step, row, inner)?.or_bug("an answered session carries receipts")?;
    let topic = step.topic(Lane::Home, &home);
    let parcel = Parcel {
        party: Some(chat),
        // A sender that misses a receipt sends again, and is answered again.
        give_up_ms: step.now_ms.saturating_add(schedule::RECEIPT_GIVE_UP),
        ..parcel::filled(step, Class::Once, topic, payload)
    };
    parcel::put(step, parcel)?;
    Ok(())
}

/// Owes receipts again, through another node: the last ones seem lost. `tries` counts how often they left.
pub(crate) fn again(step: &mut Carry<'_>, chat: &Chat, tries: u32) -> Result<(), Error> {
    let due_ms = step.after(&schedule::RECEIPT_AGAIN, tries);
    if due_ms == NEVER {
        return Ok(());
    }
    for link in step.links.of(chat)? {
        if !link.dirty && is_receiving(&link) && may_have(step, &link)? {
            step.links.edit(&link.session, |link| (link.dirty, link.due_ms) = (true, Some(due_ms)))?;
        }
    }
    Ok(())
}

/// Takes a receipt of the contact's confirmed device for its own session: the covered items end. The second result:
/// sessions for which it counts messages that were never sent, so that nothing is raised by it.
pub(crate) fn take(step: &mut Carry<'_>, from: &Session, said: &Receipt) -> Result<(Vec<Fact>, Vec<Session>), Error> {
    let (mut facts, mut ahead) = (Vec::new(), Vec::new());
    for row in step.tx.sessions.of(&from.chat)? {
        if session_prefix(&row.hash) != said.session() || row.device != from.device || row.ahead == Ahead::Proven {
            continue;
        }
        let Some(link) = step.links.get(&row.hash)? else {
            continue;
        };
        let mut gap = link.gap_from.saturating_add(1)..=link.gap_to;
        if said.highest() > link.seq || gap.any(|seq| said.covers(seq)) {
            ahead.push(row);
            continue;
        }
        for item in step.items.of_session(&row.hash)? {
            let seq = item.seq.unwrap_or(0);
            if said.lacks(seq) {
                hurry(step, item.parcel, item.after.is_some())?;
            } else if said.covers(seq) {
                let attempts = step.tx.attempts.of(item.parcel)?;
                send::remove(step, item.parcel)?;
                let evidence = arrived(step, &attempts);
                step.evidence.extend(evidence);
                if let Some(message) = item.message {
                    facts.push(Fact::Delivered(message));
                }
            }
        }
        let now_ms = step.now_ms;
        step.links.edit(&row.hash, |link| {
            link.heard_ms = now_ms;
            if said.highest() > link.gap_to {
                (link.gap_from, link.gap_to) = (0, 0);
            }
        })?;
    }
    Ok((facts, ahead))
}

/// The nodes that took the receipted parcel delivered it. `None` if one of them is no longer known.
fn arrived(step: &Carry<'_>, attempts: &[Attempt]) -> Option<Evidence> {
    let took = attempts.iter().map(|one| Some((u64::try_from(one.node).ok()?, one.ts_s)));
    let at_s = (!step.unproven).then(|| step.clock_ms.div_euclid(SECOND));
    Some(Evidence::Arrived(took.collect::<Option<_>>()?, at_s))
}

/// The contact is there and did not get this message: it is sent again soon, unless it was lately. Repeated resends
/// wait longer and longer. A pointer is receipted only when its chunks are there, so its absence means nothing.
fn hurry(step: &mut Carry<'_>, id: i64, pointer: bool) -> Result<(), Error> {
    let Some(parcel) = step.tx.parcels.get(&id)?.filter(|_| !pointer) else {
        return Ok(());
    };
    let soon = step.after(&schedule::HURRY, 0);
    let age_ms = step.clock_ms.saturating_sub(parcel.last_s.saturating_mul(SECOND));
    let rest_ms = schedule::HURRY_REST.plain(parcel.attempts);
    if parcel.attempts > 0 && age_ms >= rest_ms && soon < parcel.due_ms {
        parcel::wait_until(step, id, soon)?;
    }
    Ok(())
}

pub(crate) fn session_prefix(hash: &Hash) -> [u8; 4] {
    hash.first_chunk().copied().unwrap_or_default()
}
