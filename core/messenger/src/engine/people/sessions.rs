//! Sessions with people: begun by us, bounded, deleted.

use sotto_crypto::{DeviceId, PrekeyPublic, Recipient, initiate};
use sotto_db::{Chat, Handshake, Session};
use sotto_wire::identity::DeviceRecord;

use crate::engine::base::own::record;
use crate::engine::carry::{link, outcome};
use crate::engine::keys::{device, pairs, session};
use crate::engine::people::{People, devices, reset};
use crate::engine::talk::state;
use crate::error::{Code, Error};

/// A known own start number counts unless it is further ahead than this, seconds: then a clock was wrong.
const AHEAD_S: u32 = 86_400;

/// Most sessions with one device, and with all unconfirmed devices of an account together.
pub(crate) const LIVE: usize = 4;

/// Begins a session with a verified device. False if its keys cannot be used, or the clock must not sign.
pub(crate) fn begin(
    step: &mut People<'_>,
    chat: &Chat,
    to: &DeviceRecord,
    prekey: &PrekeyPublic,
    secret: [u8; 16],
) -> Result<bool, Error> {
    let own = step.own()?;
    let record = match record(step) {
        // Others refuse an expired record; this is retried when the time is known.
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
    devices::take(step, chat, to)?;
    device::known_version(step, chat, to.list_version)?;
    step.persons.edit(chat, |person| {
        person.waiting = None;
        person.cards_due_ms = None;
        person.cards_tries = 0;
    })?;
    device::meet(step, chat, to, None)?;
    device::set_start(step, chat, &to.device_id, start)?;
    let row = Session {
        core: Some(core.as_bytes().to_vec()),
        mask_secret: Some(secret),
        handshake: core.hash(),
        prekey_id: Some(prekey.id),
        ..session::session_row(step, chat, &session, to.device_id, true, start)
    };
    link::add(step, &row)?;
    let matched = step.index.set(&session);
    step.fx.matched.extend(matched);
    session::choose_sending(step, chat)?;
    keep_few(step, &row)?;
    Ok(true)
}

/// Deletes the oldest sessions over the limits: those with the device of this new one, and those with all unconfirmed
/// devices, because an account can have any number of devices.
pub(crate) fn keep_few(step: &mut People<'_>, new: &Session) -> Result<(), Error> {
    let confirmed = device::taken(step, &new.chat)?.map(|device| device.device);
    drop_extra(step, new, |row| row.device == new.device)?;
    drop_extra(step, new, |row| confirmed != Some(row.device))
}

fn drop_extra(step: &mut People<'_>, new: &Session, counts: impl Fn(&Session) -> bool) -> Result<(), Error> {
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

/// Deletes all sessions with an account, their outbox and pairs. Handshakes stay known, so repeats are dropped.
pub(crate) fn drop_sessions(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    for row in step.tx.sessions.of(chat)? {
        if let Some(known) = step.tx.handshakes.get(&row.handshake)? {
            session::note_handshake(step, &Handshake { session: None, ..known })?;
        }
        link::remove(step, &row)?;
    }
    empty_outbox(step, chat, Code::ContactState)?;
    pairs::forget(step, chat)
}

/// Nothing more is sent to an account; its undelivered messages have failed.
pub(crate) fn empty_outbox(step: &mut People<'_>, chat: &Chat, code: Code) -> Result<(), Error> {
    for id in step.tx.parcels.of(chat)? {
        if let Some(parcel) = step.tx.parcels.get(&id)? {
            let facts = outcome::give_up(step, parcel, code)?;
            state::facts(step, facts)?;
        }
    }
    Ok(())
}
