//! Devices: which one of an account is confirmed, and the suite to speak with it.
//!
//! A device is its id and its two keys together. A contact has one confirmed device: at first the device of the first
//! contact, later a device that began a new session or, for a verified contact, the device that the person accepted.
//! Until then such a device is held: it is shown, and gets nothing.

use sotto_crypto::{PREKEY_SUITES, SuiteError, choose_suite};
use sotto_db::{Chat, Device, DeviceStanding as Standing, Peer, Reach};
use sotto_wire::identity::DeviceRecord;

use crate::engine::keys::Keys;
use crate::error::{Code, Error};

/// The confirmed device of an account.
pub(crate) fn taken(step: &Keys<'_>, chat: &Chat) -> Result<Option<Device>, Error> {
    Ok(step.devices.standing(chat, Standing::Taken)?)
}

pub(crate) fn is_held(step: &Keys<'_>, chat: &Chat) -> Result<bool, Error> {
    Ok(step.devices.standing(chat, Standing::Held)?.is_some())
}

/// Whether it is the confirmed device, or none is confirmed yet.
pub(crate) fn confirms(step: &Keys<'_>, chat: &Chat, device: &[u8; 16]) -> Result<bool, Error> {
    Ok(taken(step, chat)?.is_none_or(|taken| taken.device == *device))
}

pub(crate) fn is_other(step: &Keys<'_>, chat: &Chat, record: &DeviceRecord) -> Result<bool, Error> {
    Ok(!confirms(step, chat, &record.device_id)?)
}

pub(crate) fn record_of(device: &Device) -> Option<DeviceRecord> {
    DeviceRecord::decode(device.record.as_deref()?).ok()
}

pub(crate) fn known(step: &Keys<'_>, chat: &Chat, record: &DeviceRecord) -> Result<Option<Device>, Error> {
    let like = like(step, chat, record)?;
    Ok(like.into_iter().find(|device| is_same(device, record)))
}

fn like(step: &Keys<'_>, chat: &Chat, record: &DeviceRecord) -> Result<Vec<Device>, Error> {
    Ok(step.devices.like(chat, &record.device_id, &record.identity, &record.signing)?)
}

fn is_same(device: &Device, record: &DeviceRecord) -> bool {
    device.device == record.device_id && device.identity == record.identity && device.signing == record.signing
}

/// Whether no other seen device has this id or one of these keys.
pub(crate) fn is_itself(step: &Keys<'_>, chat: &Chat, record: &DeviceRecord) -> Result<bool, Error> {
    let like = like(step, chat, record)?;
    Ok(like.iter().all(|device| is_same(device, record)))
}

/// Changes the row of a device, which is added if it is unknown.
fn note(step: &mut Keys<'_>, chat: &Chat, record: &DeviceRecord, edit: impl FnOnce(&mut Device)) -> Result<(), Error> {
    let known = step.devices.get(chat, &record.device_id)?;
    let mut device = known.unwrap_or(Device {
        chat: *chat,
        device: record.device_id,
        identity: record.identity,
        signing: record.signing,
        standing: Standing::Seen,
        record: None,
        reset_pair: None,
        session: None,
        start_in: 0,
        start_out: 0,
        seen_ms: step.now_ms,
    });
    edit(&mut device);
    Ok(step.devices.put(&device)?)
}

/// A device was seen; `start` is its start number.
pub(crate) fn meet(step: &mut Keys<'_>, chat: &Chat, record: &DeviceRecord, start: Option<u32>) -> Result<(), Error> {
    let now_ms = step.now_ms;
    note(step, chat, record, |device| {
        device.start_in = start.unwrap_or(device.start_in);
        device.seen_ms = now_ms;
    })?;
    Ok(step.devices.keep_few(chat)?)
}

/// Confirms a device. True if another one was confirmed before.
pub(crate) fn take(step: &mut Keys<'_>, chat: &Chat, record: &DeviceRecord) -> Result<bool, Error> {
    let mut other = false;
    for device in step.devices.of(chat)? {
        if device.standing != Standing::Seen && device.device != record.device_id {
            other |= device.standing == Standing::Taken;
            unmark(step, chat, &device)?;
        }
    }
    note(step, chat, record, |device| {
        device.standing = Standing::Taken;
        device.record = Some(record.encode().to_vec());
    })?;
    Ok(other)
}

/// A confirmed or held device becomes one that was only seen.
fn unmark(step: &mut Keys<'_>, chat: &Chat, device: &Device) -> Result<(), Error> {
    Ok(step.devices.change(chat, &device.device, |device| (device.standing, device.record) = (Standing::Seen, None))?)
}

/// Holds a device that an account is said to have: it gets nothing.
pub(crate) fn hold(step: &mut Keys<'_>, chat: &Chat, record: &DeviceRecord) -> Result<(), Error> {
    if let Some(held) = step.devices.standing(chat, Standing::Held)? {
        unmark(step, chat, &held)?;
    }
    note(step, chat, record, |device| {
        device.standing = Standing::Held;
        device.record = Some(record.encode().to_vec());
    })
}

/// Stores the version of their list: older ones are refused.
pub(crate) fn known_version(step: &mut Keys<'_>, chat: &Chat, version: u64) -> Result<(), Error> {
    let version = i64::try_from(version).unwrap_or(i64::MAX);
    Ok(step.peers.change(chat, |peer| peer.list_version = peer.list_version.max(version))?)
}

/// Adds an account that nothing may be sent to yet.
pub(crate) fn new_peer(step: &mut Keys<'_>, chat: &Chat) -> Result<(), Error> {
    Ok(step.peers.put(&Peer { chat: *chat, home: None, reach: Reach::Nothing, list_version: 0 })?)
}

/// Deletes an account and its devices. With `kept` the account stays known, and nothing may be sent to it.
pub(crate) fn forget(step: &mut Keys<'_>, chat: &Chat, kept: bool) -> Result<(), Error> {
    step.devices.remove_all(chat)?;
    step.peers.remove(chat)?;
    if kept { new_peer(step, chat) } else { Ok(()) }
}

/// Sets what may be sent to an account; upper rooms decide.
pub(crate) fn set_reach(step: &mut Keys<'_>, chat: &Chat, reach: Reach) -> Result<(), Error> {
    Ok(step.peers.change(chat, |peer| peer.reach = reach)?)
}

pub(crate) fn set_home(step: &mut Keys<'_>, chat: &Chat, home: [u8; 8]) -> Result<(), Error> {
    Ok(step.peers.change(chat, |peer| peer.home = Some(home))?)
}

pub(crate) fn set_start(step: &mut Keys<'_>, chat: &Chat, device: &[u8; 16], start: u32) -> Result<(), Error> {
    Ok(step.devices.change(chat, device, |device| device.start_out = start)?)
}

/// Messages for a device wait for another session.
pub(crate) fn send_no_more(step: &mut Keys<'_>, chat: &Chat, device: &[u8; 16]) -> Result<(), Error> {
    Ok(step.devices.change(chat, device, |device| device.session = None)?)
}

pub(crate) fn set_record(step: &mut Keys<'_>, chat: &Chat, record: &DeviceRecord) -> Result<(), Error> {
    Ok(step.devices.change(chat, &record.device_id, |row| row.record = Some(record.encode().to_vec()))?)
}

/// The content of a list without its dates: id ‖ keys ‖ suites of each device.
pub(crate) fn entry(record: &DeviceRecord) -> Vec<u8> {
    [record.device_id.as_slice(), &record.identity, &record.signing, &record.suites.to_be_bytes()].concat()
}

/// The suites that a device signed before; `None` if it is unknown.
pub(crate) fn known_suites(step: &Keys<'_>, chat: &Chat, device: &[u8; 16]) -> Result<Option<u32>, Error> {
    let record = taken(step, chat)?.as_ref().and_then(record_of);
    Ok(record.filter(|record| record.device_id == *device).map(|record| record.suites))
}

pub(crate) fn refused(error: SuiteError) -> Code {
    match error {
        SuiteError::None => Code::SuiteNone,
        SuiteError::Lower => Code::SuiteLower,
    }
}

/// The suite for a session that we begin with a device, as one bit.
pub(crate) fn suite(step: &Keys<'_>, chat: &Chat, to: &DeviceRecord) -> Result<Result<u32, Code>, Error> {
    let known = known_suites(step, chat, &to.device_id)?;
    let suite = choose_suite(step.config.suites, to.suites, known).map_err(refused);
    Ok(suite.map(|suite| 1 << (u32::from(suite) - 1)))
}

/// Whether a session that a device began by one of our pairs may speak this suite.
pub(crate) fn check_suite(
    step: &Keys<'_>,
    chat: &Chat,
    from: &DeviceRecord,
    suite: u8,
) -> Result<Result<(), Code>, Error> {
    let known = known_suites(step, chat, &from.device_id)?;
    let ours = step.config.suites & PREKEY_SUITES;
    Ok(match choose_suite(ours, from.suites, known).map_err(refused) {
        Ok(best) if best == suite => Ok(()),
        Ok(_) => Err(Code::SuiteNone),
        Err(code) => Err(code),
    })
}
