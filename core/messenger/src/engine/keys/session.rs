//! Sessions: begun by us, chosen to send by, dropped.

use sotto_db::{Ahead, Chat, Link, Session};
use sotto_wire::content::SeqTracker;

use crate::engine::base::schedule;
use crate::engine::base::step::{DAY, SECOND, Step};
use crate::engine::keys::device;
use crate::error::Error;

/// A session that lost to another one still receives.
const OLD_SESSION_MS: i64 = 7 * DAY;

/// A new session, and what it carries.
pub(crate) fn add(step: &Step<'_>, row: &Session) -> Result<(), Error> {
    step.tx.sessions.put(row)?;
    Ok(step.tx.links.put(&Link {
        session: row.hash,
        chat: row.chat,
        seq: 0,
        tracker: SeqTracker::new().to_bytes(),
        floor: 0,
        due_ms: None,
        dirty: false,
        heard_ms: step.now_ms,
        gap_from: 0,
        gap_to: 0,
    })?)
}

/// A session goes, and what it carried.
pub(crate) fn remove(step: &mut Step<'_>, row: &Session) -> Result<(), Error> {
    step.index.forget(&row.hash);
    step.tx.devices.edit(&row.chat, &row.device, |device| {
        if device.session == Some(row.hash) {
            device.session = None;
        }
    })?;
    step.tx.links.remove(&row.hash)?;
    step.tx.sessions.remove(&row.hash)?;
    Ok(())
}

/// A row for a session just begun.
pub(crate) fn session_row(
    step: &Step<'_>,
    chat: &Chat,
    session: &sotto_crypto::Session,
    device: [u8; 16],
    initiator: bool,
    start: u32,
) -> Session {
    Session {
        hash: *session.hash(),
        chat: *chat,
        device,
        snapshot: session.to_bytes().as_slice().into(),
        initiator,
        start,
        handshake: [0; 32],
        core: None,
        mask_secret: None,
        prekey_id: None,
        answered: false,
        created_ms: step.now_ms,
        until_ms: None,
        ahead: Ahead::No,
    }
}

/// Which session messages leave by: the newest start in each direction; of two that crossed, the one with the lower
/// hash of its handshake; a start after an answered session, or two days after any, is a reset and wins. Losers receive
/// for 7 days.
pub(crate) fn choose_sending(step: &mut Step<'_>, chat: &Chat) -> Result<(), Error> {
    let all = step.tx.sessions.of(chat)?;
    // A device that is not (yet) taken as theirs gets nothing.
    let device = device::taken(step, chat)?.map(|device| device.device);
    let newest = |initiator: bool| {
        let theirs = move |row: &&Session| device.is_none_or(|device| row.device == device);
        let side = all.iter().filter(theirs).filter(move |row| row.initiator == initiator);
        side.max_by_key(|row| row.start)
    };
    let best = match (newest(true), newest(false)) {
        (Some(ours), Some(theirs)) => {
            let (older, newer) = if ours.start <= theirs.start { (ours, theirs) } else { (theirs, ours) };
            let apart_ms = i64::from(newer.start.saturating_sub(older.start)) * SECOND;
            if older.answered || apart_ms >= schedule::SESSION_SILENT || ours.handshake == theirs.handshake {
                Some(newer)
            } else {
                Some(if ours.handshake < theirs.handshake { ours } else { theirs })
            }
        }
        (one, other) => one.or(other),
    };
    // Where there is none with their device, messages wait for one: the others are no longer for it.
    let best = best.map(|row| row.hash);
    for row in &all {
        let sending = best == Some(row.hash);
        step.tx.devices.edit(chat, &row.device, |device| {
            if sending {
                device.session = best;
            } else if device.session == Some(row.hash) {
                device.session = None;
            }
        })?;
        let until_ms = row.until_ms.unwrap_or(step.now_ms.saturating_add(OLD_SESSION_MS));
        let until_ms = Some(until_ms).filter(|_| !sending);
        if row.until_ms != until_ms {
            step.tx.sessions.edit(&row.hash, |row| row.until_ms = until_ms)?;
        }
    }
    Ok(())
}
