//! Sessions: begun by us, chosen to send by, dropped.

use sotto_crypto::{DeviceId, PrekeyPublic, Recipient, initiate};
use sotto_db::{Ahead, Chat, Link, Session};
use sotto_wire::content::SeqTracker;
use sotto_wire::identity::DeviceRecord;

use crate::engine::base::own::record;
use crate::engine::base::schedule;
use crate::engine::base::step::{DAY, SECOND, Step};
use crate::engine::carry::outcome;
use crate::engine::keys::device;
use crate::engine::people::contact;
use crate::engine::people::reset;
use crate::error::{Code, Error};

/// A session that lost to another one still receives.
const OLD_SESSION_MS: i64 = 7 * DAY;
/// Sessions with one device at a time, and with all of an account together that are not its confirmed one.
pub(crate) const LIVE: usize = 4;
/// Our last start number counts unless it lies further ahead than this, seconds: a clock was wrong then.
const AHEAD_S: u32 = 86_400;

/// Begins a session with a device whose keys were verified. False: keys of theirs that cannot be used, or none of ours
/// while the clock may not sign.
pub(crate) fn begin(
    step: &mut Step<'_>,
    chat: &Chat,
    to: &DeviceRecord,
    prekey: &PrekeyPublic,
    secret: [u8; 16],
) -> Result<bool, Error> {
    let own = step.own()?;
    let record = match record(step) {
        // Nobody takes a record that ran out; it is tried again once the time is known.
        Err(error) if error.code() == Code::ClockSkewed => return Ok(false),
        record => record?,
    };
    let now_s = u32::try_from(step.clock_s()).map_err(|_| Code::ClockSkewed)?;
    let given = step.tx.devices.get(chat, &to.device_id)?.map_or(0, |device| device.start_out);
    let start = match given.saturating_add(1) {
        next if next > now_s.saturating_add(AHEAD_S) => now_s,
        next => next.max(now_s),
    };
    let recipient = Recipient { chat, device_id: &DeviceId(to.device_id), identity: &to.identity, prekey };
    let begun = initiate(step.rng, &own.keys, &own.chat, &record.encode(), start, &recipient);
    let Ok((session, core)) = begun else {
        return Ok(false);
    };
    device::take(step, chat, to)?;
    contact::known_version(step, chat, to.list_version)?;
    step.tx.persons.edit(chat, |person| {
        person.waiting = None;
        person.cards_due_ms = None;
        person.cards_tries = 0;
    })?;
    device::meet(step, chat, to, None)?;
    step.tx.devices.edit(chat, &to.device_id, |device| device.start_out = start)?;
    let row = Session {
        core: Some(core.as_bytes().to_vec()),
        mask_secret: Some(secret),
        handshake: core.hash(),
        prekey_id: Some(prekey.id),
        ..session_row(step, chat, &session, to.device_id, true, start)
    };
    add(step, &row)?;
    let matched = step.index.set(&session);
    step.fx.matched.extend(matched);
    choose_sending(step, chat)?;
    keep_few(step, &row)?;
    Ok(true)
}

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

/// Drops the oldest sessions that are too many: with the device of this new one, and with all that are not the contact's
/// confirmed one, for an account can have any number of devices.
pub(crate) fn keep_few(step: &mut Step<'_>, new: &Session) -> Result<(), Error> {
    let confirmed = device::taken(step, &new.chat)?.map(|device| device.device);
    drop_extra(step, new, |row| row.device == new.device)?;
    drop_extra(step, new, |row| confirmed != Some(row.device))
}

fn drop_extra(step: &mut Step<'_>, new: &Session, counts: impl Fn(&Session) -> bool) -> Result<(), Error> {
    let all = step.tx.sessions.of(&new.chat)?;
    let sending = step.tx.devices.session(&new.chat)?;
    let with = all.iter().filter(|row| counts(row));
    let extra = with.clone().count().saturating_sub(LIVE);
    let idle = with.filter(|row| row.hash != new.hash && sending != Some(row.hash));
    for row in idle.take(extra) {
        reset::drop_session(step, row)?;
    }
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

/// Drops all sessions with an account, what was to leave by them, and the keys made for new ones; handshakes stay known,
/// so that repeats are dropped.
pub(crate) fn drop_sessions(step: &mut Step<'_>, chat: &Chat) -> Result<(), Error> {
    for row in step.tx.sessions.of(chat)? {
        if let Some(known) = step.tx.handshakes.get(&row.handshake)? {
            step.tx.handshakes.note(&sotto_db::Handshake { session: None, ..known })?;
        }
        remove(step, &row)?;
    }
    empty_outbox(step, chat, Code::ContactState)?;
    for pair in step.tx.prekeys.of(chat)? {
        step.tx.prekeys.remove(&pair.id)?;
    }
    Ok(())
}

/// Nothing more leaves for an account; messages that it does not have yet have failed.
pub(crate) fn empty_outbox(step: &mut Step<'_>, chat: &Chat, code: Code) -> Result<(), Error> {
    for item in step.tx.items.of(chat)? {
        if let Some(message) = item.message {
            step.tx.parcels.remove_batch(&message)?;
        }
    }
    for id in step.tx.parcels.of(chat)? {
        if let Some(parcel) = step.tx.parcels.get(&id)? {
            outcome::give_up(step, parcel, code)?;
        }
    }
    Ok(())
}
