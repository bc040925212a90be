//! Sessions: added, chosen for sending, deleted.

use sotto_crypto::Decrypted;
use sotto_db::{Ahead, Chat, Handshake, Hash, Session, Skipped};

use crate::engine::base::schedule::{self, DAY, SECOND};
use crate::engine::keys::{Keys, device, pairs};
use crate::error::Error;

/// How long a session that no longer sends still receives.
const OLD_SESSION_MS: i64 = 7 * DAY;

pub(crate) fn add(step: &mut Keys<'_>, row: &Session) -> Result<(), Error> {
    Ok(step.sessions.put(row)?)
}

pub(crate) fn remove(step: &mut Keys<'_>, row: &Session) -> Result<(), Error> {
    step.index.forget(&row.hash);
    step.devices.edit(&row.chat, &row.device, |device| {
        if device.session == Some(row.hash) {
            device.session = None;
        }
    })?;
    step.sessions.remove(&row.hash)?;
    Ok(())
}

pub(crate) fn store(step: &mut Keys<'_>, session: &sotto_crypto::Session) -> Result<(), Error> {
    Ok(step.sessions.change(session.hash(), |row| row.snapshot = session.to_bytes().as_slice().into())?)
}

/// Stores a session's state after a received message, and the skipped keys.
pub(crate) fn moved(step: &mut Keys<'_>, decrypted: &Decrypted) -> Result<(), Error> {
    store(step, &decrypted.session)?;
    let expires_ms = step.now_ms.saturating_add(step.retention_ms()).saturating_add(DAY);
    let skipped = decrypted.skipped.iter().map(|key| Skipped {
        session: *decrypted.session.hash(),
        chain: key.chain,
        n: key.n,
        tag: key.tag.map(|tag| tag.0),
        key: key.key.as_bytes().as_slice().into(),
        expires_ms,
    });
    Ok(step.skipped.keep(&skipped.collect::<Vec<_>>())?)
}

pub(crate) fn spent(step: &mut Keys<'_>, key: &Skipped) -> Result<(), Error> {
    step.skipped.remove(&key.session, &key.chain, &key.n)?;
    Ok(())
}

/// The other side has answered a session: its block, and the pair that began it, are used up.
pub(crate) fn answered(step: &mut Keys<'_>, row: &Session) -> Result<(), Error> {
    step.sessions.edit(&row.hash, |row| (row.answered, row.core, row.mask_secret) = (true, None, None))?;
    pairs::used_up(step, row)?;
    let Some(known) = step.handshakes.get(&row.handshake)? else {
        return Ok(());
    };
    step.handshakes.remove(&row.handshake)?;
    if let Some(secret) = known.secret {
        let closed = step.invites.get(&secret)?.is_some_and(|invite| invite.closed_ms.is_some());
        if closed && !step.handshakes.under(&secret)? {
            step.secrets.remove(&secret)?;
        }
    }
    Ok(())
}

pub(crate) fn note_handshake(step: &mut Keys<'_>, handshake: &Handshake) -> Result<(), Error> {
    Ok(step.handshakes.note(handshake)?)
}

pub(crate) fn set_ahead(step: &mut Keys<'_>, session: &Hash, ahead: Ahead) -> Result<(), Error> {
    Ok(step.sessions.change(session, |row| row.ahead = ahead)?)
}

pub(crate) fn expire(step: &mut Keys<'_>) -> Result<(), Error> {
    step.prekeys.expire(step.now_ms)?;
    step.secrets.expire(step.now_ms)?;
    step.handshakes.expire(step.now_ms)?;
    step.skipped.expire(step.now_ms)?;
    Ok(())
}

pub(crate) fn session_row(
    step: &Keys<'_>,
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

/// Chooses the sending session: the newest start in each direction; of two that crossed, the lower handshake hash. A
/// start after an answered session, or two days after any, is a reset and wins. The others receive for 7 days.
pub(crate) fn choose_sending(step: &mut Keys<'_>, chat: &Chat) -> Result<(), Error> {
    let all = step.sessions.of(chat)?;
    // A device that is not (yet) confirmed gets nothing.
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
    // Without a session with the confirmed device messages wait for one: the others are no longer theirs.
    let best = best.map(|row| row.hash);
    for row in &all {
        let sending = best == Some(row.hash);
        step.devices.edit(chat, &row.device, |device| {
            if sending {
                device.session = best;
            } else if device.session == Some(row.hash) {
                device.session = None;
            }
        })?;
        let until_ms = row.until_ms.unwrap_or(step.now_ms.saturating_add(OLD_SESSION_MS));
        let until_ms = Some(until_ms).filter(|_| !sending);
        if row.until_ms != until_ms {
            step.sessions.edit(&row.hash, |row| row.until_ms = until_ms)?;
        }
    }
    Ok(())
}
