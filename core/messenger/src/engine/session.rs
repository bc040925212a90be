//! Sessions: begun by us, chosen to send by, dropped.

use sotto_crypto::{DeviceId, PrekeyPublic, Recipient, initiate};
use sotto_db::{Chat, Contact, Session};
use sotto_wire::content::SeqTracker;
use sotto_wire::identity::DeviceRecord;

use super::base::schedule;
use super::own::record;
use super::reset;
use super::step::{DAY, SECOND, Step};
use super::{device, outcome};
use crate::error::{Code, Error};

/// A session that lost to another one still receives.
const OLD_SESSION_MS: i64 = 7 * DAY;
/// Sessions with one device at a time, and with all of an account together that are not its confirmed one.
pub(super) const LIVE: usize = 4;
/// Our last start number counts unless it lies further ahead than this, seconds: a clock was wrong then.
const AHEAD_S: u32 = 86_400;

/// Begins a session with a device whose keys were verified. False: keys of theirs that cannot be used, or none of ours
/// while the clock may not sign.
pub(super) fn begin(
    step: &mut Step<'_>,
    contact: &mut Contact,
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
    let start = match contact.start_out.saturating_add(1) {
        next if next > now_s.saturating_add(AHEAD_S) => now_s,
        next => next.max(now_s),
    };
    let device_id = &DeviceId(to.device_id);
    let recipient = Recipient { chat: &contact.chat, device_id, identity: &to.identity, prekey };
    let begun = initiate(step.rng, &own.keys, &own.chat, &record.encode(), start, &recipient);
    let Ok((session, core)) = begun else {
        return Ok(false);
    };
    contact.start_out = start;
    device::take(step, contact, to)?;
    contact.list_version = i64::try_from(to.list_version).map_or(0, |v| v.max(contact.list_version));
    contact.waiting = None;
    contact.fetch_due_ms = None;
    contact.fetch_tries = 0;
    step.tx.contact_put(contact)?;
    device::meet(step, contact, to)?;
    let row = Session {
        core: Some(core.as_bytes().to_vec()),
        mask_secret: Some(secret),
        handshake: core.hash(),
        prekey_id: Some(prekey.id),
        ..session_row(step, contact, &session, to.device_id, true, start)
    };
    step.tx.session_put(&row)?;
    let matched = step.index.set(&session);
    step.fx.matched.extend(matched);
    choose_sending(step, &contact.chat)?;
    keep_few(step, &row)?;
    Ok(true)
}

/// Drops the oldest sessions that are too many: with the device of this new one, and with all that are not the contact's
/// confirmed one, for an account can have any number of devices.
pub(super) fn keep_few(step: &mut Step<'_>, new: &Session) -> Result<(), Error> {
    let confirmed = step.tx.contact(&new.chat)?.and_then(|contact| contact.device);
    drop_extra(step, new, |row| row.device == new.device)?;
    drop_extra(step, new, |row| confirmed != Some(row.device))
}

fn drop_extra(step: &mut Step<'_>, new: &Session, counts: impl Fn(&Session) -> bool) -> Result<(), Error> {
    let all = step.tx.sessions_of(&new.chat)?;
    let with = all.iter().filter(|row| counts(row));
    let extra = with.clone().count().saturating_sub(LIVE);
    let idle = with.filter(|row| row.hash != new.hash && !row.sending);
    for row in idle.take(extra) {
        reset::drop_session(step, row)?;
    }
    Ok(())
}

/// A row for a session just begun.
pub(super) fn session_row(
    step: &Step<'_>,
    contact: &Contact,
    session: &sotto_crypto::Session,
    device: [u8; 16],
    initiator: bool,
    start: u32,
) -> Session {
    Session {
        hash: *session.hash(),
        chat: contact.chat,
        device,
        snapshot: session.to_bytes().as_slice().into(),
        initiator,
        start,
        handshake: [0; 32],
        core: None,
        mask_secret: None,
        prekey_id: None,
        answered: false,
        sending: false,
        seq: 0,
        tracker: SeqTracker::new().to_bytes(),
        floor: 0,
        receipt_due_ms: None,
        receipt_dirty: false,
        created_ms: step.now_ms,
        heard_ms: step.now_ms,
        until_ms: None,
        gap_from: 0,
        gap_to: 0,
        ahead: 0,
    }
}

/// Which session messages leave by: the newest start in each direction; of two that crossed, the one with the lower
/// hash of its handshake; a start after an answered session, or two days after any, is a reset and wins. Losers receive
/// for 7 days.
pub(super) fn choose_sending(step: &mut Step<'_>, chat: &Chat) -> Result<(), Error> {
    let all = step.tx.sessions_of(chat)?;
    // A device that is not (yet) taken as theirs gets nothing.
    let device = step.tx.contact(chat)?.and_then(|contact| contact.device);
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
    for mut row in all {
        let sending = best == Some(row.hash);
        let until_ms = match (sending, row.until_ms) {
            (true, _) => None,
            (false, Some(until)) => Some(until),
            (false, None) => Some(step.now_ms.saturating_add(OLD_SESSION_MS)),
        };
        if row.sending != sending || row.until_ms != until_ms {
            row.sending = sending;
            row.until_ms = until_ms;
            step.tx.session_put(&row)?;
        }
    }
    Ok(())
}

/// Drops all sessions with an account, what was to leave by them, and the keys made for new ones; handshakes stay known,
/// so that repeats are dropped.
pub(super) fn drop_sessions(step: &mut Step<'_>, chat: &Chat) -> Result<(), Error> {
    for row in step.tx.sessions_of(chat)? {
        if let Some(mut known) = step.tx.handshake(&row.handshake)? {
            known.session = None;
            step.tx.handshake_put(&known)?;
        }
        step.index.forget(&row.hash);
        step.tx.session_delete(&row.hash)?;
    }
    empty_outbox(step, chat, Code::ContactState)?;
    for pair in step.tx.prekeys_of(chat)? {
        step.tx.prekey_delete(&pair.id)?;
    }
    Ok(())
}

/// Nothing more leaves for an account; messages that it does not have yet have failed.
pub(super) fn empty_outbox(step: &mut Step<'_>, chat: &Chat, code: Code) -> Result<(), Error> {
    for row in step.tx.outbox_of_chat(chat)? {
        if let Some(message) = row.message {
            step.tx.outbox_delete_group(&message)?;
        }
        outcome::give_up(step, &row, code)?;
    }
    Ok(())
}
