//! Devices: which ones are theirs, the suite that is spoken with one, and lists that change.
//!
//! A device is its id and its two keys together. Of a contact one is taken as theirs: the one of the first contact, then
//! the one that began anew or, once the contact is verified, the one that the person said is theirs. Until then such a
//! device is held: it is shown, and gets nothing.

use sotto_crypto::{PREKEY_SUITES, SuiteError, choose_suite};
use sotto_db::{Chat, Device, DeviceStanding as Standing, PersonState, Session};
use sotto_wire::content::Content;
use sotto_wire::identity::{
    DeviceList, DeviceRecord, IN_SESSION, LABEL_LIST, StaleError, check_not_after, check_version,
};

use crate::engine::base::own::{KEY_LIST_CHANGED, KEY_TOLD};
use crate::engine::base::step::Step;
use crate::engine::carry::receipt;
use crate::engine::carry::send;
use crate::engine::keys::found;
use crate::engine::keys::session::choose_sending;
use crate::engine::people::contact;
use crate::engine::people::reset;
use crate::error::{Code, Error};

/// The device that is taken as an account's.
pub(crate) fn taken(step: &Step<'_>, chat: &Chat) -> Result<Option<Device>, Error> {
    Ok(step.tx.devices.standing(chat, Standing::Taken)?)
}

/// Is a device of this account held?
pub(crate) fn is_held(step: &Step<'_>, chat: &Chat) -> Result<bool, Error> {
    Ok(step.tx.devices.standing(chat, Standing::Held)?.is_some())
}

/// Is it the device taken as theirs, or is none yet?
pub(crate) fn confirms(step: &Step<'_>, chat: &Chat, device: &[u8; 16]) -> Result<bool, Error> {
    Ok(taken(step, chat)?.is_none_or(|taken| taken.device == *device))
}

/// Is a device taken as theirs, and is it another one?
pub(crate) fn is_other(step: &Step<'_>, chat: &Chat, record: &DeviceRecord) -> Result<bool, Error> {
    Ok(!confirms(step, chat, &record.device_id)?)
}

/// The record as it is stored.
pub(crate) fn record_of(device: &Device) -> Option<DeviceRecord> {
    DeviceRecord::decode(device.record.as_deref()?).ok()
}

/// A device as it was seen before, with this id and these keys.
pub(crate) fn known(step: &Step<'_>, chat: &Chat, record: &DeviceRecord) -> Result<Option<Device>, Error> {
    let like = like(step, chat, record)?;
    Ok(like.into_iter().find(|device| is_same(device, record)))
}

fn like(step: &Step<'_>, chat: &Chat, record: &DeviceRecord) -> Result<Vec<Device>, Error> {
    Ok(step.tx.devices.like(chat, &record.device_id, &record.identity, &record.signing)?)
}

fn is_same(device: &Device, record: &DeviceRecord) -> bool {
    device.device == record.device_id && device.identity == record.identity && device.signing == record.signing
}

/// Is this no other device under a known id, and no known key under another id?
pub(crate) fn is_itself(step: &Step<'_>, chat: &Chat, record: &DeviceRecord) -> Result<bool, Error> {
    let like = like(step, chat, record)?;
    Ok(like.iter().all(|device| is_same(device, record)))
}

/// Changes a device, noted now if it was not known.
fn note(step: &Step<'_>, chat: &Chat, record: &DeviceRecord, change: impl FnOnce(&mut Device)) -> Result<(), Error> {
    let known = step.tx.devices.get(chat, &record.device_id)?;
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
    change(&mut device);
    Ok(step.tx.devices.put(&device)?)
}

/// A device was met; `start_in`: the start number that it gave.
pub(crate) fn meet(step: &Step<'_>, chat: &Chat, record: &DeviceRecord, start_in: Option<u32>) -> Result<(), Error> {
    note(step, chat, record, |device| {
        device.start_in = start_in.unwrap_or(device.start_in);
        device.seen_ms = step.now_ms;
    })?;
    Ok(step.tx.devices.keep_few(chat)?)
}

/// Their devices changed: shown with the contact until somebody says that he saw it, and told at once.
pub(crate) fn changed(step: &mut Step<'_>, chat: &Chat) -> Result<(), Error> {
    let before = step.tx.persons.edit(chat, |person| std::mem::replace(&mut person.devices_changed, true))?;
    if before == Some(false) {
        step.notice(Code::DevicesChanged);
    }
    step.fx.contacts = true;
    Ok(())
}

/// Takes a device as theirs. What was sealed for another one is sealed anew.
pub(crate) fn take(step: &mut Step<'_>, chat: &Chat, record: &DeviceRecord) -> Result<(), Error> {
    let mut before = None;
    for device in step.tx.devices.of(chat)? {
        if device.standing == Standing::Taken {
            before = Some(device.device);
        }
        if device.standing != Standing::Seen && device.device != record.device_id {
            step.tx.devices.edit(chat, &device.device, |device| {
                device.standing = Standing::Seen;
                device.record = None;
            })?;
        }
    }
    note(step, chat, record, |device| {
        device.standing = Standing::Taken;
        device.record = Some(record.encode().to_vec());
    })?;
    if before.is_some_and(|before| before != record.device_id) {
        for session in step.tx.sessions.of(chat)? {
            if session.device != record.device_id {
                reset::unseal(step, &session)?;
            }
        }
    }
    Ok(())
}

/// Keeps the record of a device that a verified contact is said to have: it gets nothing.
pub(crate) fn hold(step: &mut Step<'_>, chat: &Chat, record: &DeviceRecord) -> Result<(), Error> {
    if let Some(held) = step.tx.devices.standing(chat, Standing::Held)? {
        step.tx.devices.edit(chat, &held.device, |device| {
            device.standing = Standing::Seen;
            device.record = None;
        })?;
    }
    note(step, chat, record, |device| {
        device.standing = Standing::Held;
        device.record = Some(record.encode().to_vec());
    })?;
    contact::wait(step, chat, Code::DevicesChanged)?;
    step.fx.contacts = true;
    Ok(())
}

/// Takes the device that was held, if there is one, as theirs: messages leave for it, what it sent counts.
pub(crate) fn take_held(step: &mut Step<'_>, chat: &Chat) -> Result<(), Error> {
    step.tx.persons.edit(chat, |person| person.devices_changed = false)?;
    step.fx.contacts = true;
    let held = step.tx.devices.standing(chat, Standing::Held)?;
    let Some(record) = held.as_ref().and_then(record_of) else {
        return Ok(());
    };
    take(step, chat, &record)?;
    contact::known_version(step, chat, record.list_version)?;
    step.tx.persons.edit(chat, |person| person.waiting = None)?;
    choose_sending(step, chat)?;
    let Some(person) = step.tx.persons.get(chat)? else {
        return Ok(());
    };
    if step.tx.devices.session(chat)?.is_none() && contact::may_write(person.state) {
        contact::look_for_cards(step, chat, 0)?; // it was only heard of
    }
    if let Some(conversation) = step.tx.conversations.with(chat)? {
        step.tx.fetches.release(&conversation.id, step.now_ms)?;
        // What it wrote has its place in the order from now on.
        let furthest = step.tx.messages.lamport(&conversation.id)?;
        step.tx.conversations.edit(&conversation.id, |row| row.lamport = row.lamport.max(furthest))?;
    }
    if person.state != PersonState::Accepted {
        return Ok(());
    }
    receipt::all_due(step, chat)?;
    contact::hello(step, chat)?; // until now it was told nothing
    send::seal_waiting(step, chat)
}

/// What a list says about a device, but for its dates: id ‖ keys ‖ suites.
fn entry(record: &DeviceRecord) -> Vec<u8> {
    [record.device_id.as_slice(), &record.identity, &record.signing, &record.suites.to_be_bytes()].concat()
}

/// The suites that a device of theirs signed before; `None`: it is not known.
fn known_suites(step: &Step<'_>, chat: &Chat, device: &[u8; 16]) -> Result<Option<u32>, Error> {
    let record = taken(step, chat)?.as_ref().and_then(record_of);
    Ok(record.filter(|record| record.device_id == *device).map(|record| record.suites))
}

fn refused(error: SuiteError) -> Code {
    match error {
        SuiteError::None => Code::SuiteNone,
        SuiteError::Lower => Code::SuiteLower,
    }
}

/// The suite for a session that we begin with a device, as one bit.
pub(crate) fn suite(step: &Step<'_>, chat: &Chat, to: &DeviceRecord) -> Result<Result<u32, Code>, Error> {
    let known = known_suites(step, chat, &to.device_id)?;
    let suite = choose_suite(step.config.suites, to.suites, known).map_err(refused);
    Ok(suite.map(|suite| 1 << (u32::from(suite) - 1)))
}

/// May a session that a device began by one of our pairs speak this suite?
pub(crate) fn check_suite(
    step: &Step<'_>,
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

/// Nothing can be begun with a contact: shown with it, by code.
pub(crate) fn refuse(step: &mut Step<'_>, chat: &Chat, code: Code) -> Result<(), Error> {
    log::warn!("no session: {}", code.as_str());
    if contact::wait(step, chat, code)? {
        step.notice(code);
    }
    step.fx.contacts = true;
    Ok(())
}

/// Tells contacts of a list that names other devices, keys or suites than they were told; not of one that is only
/// signed anew, for its dates gate new sessions alone.
pub(crate) fn tell(step: &mut Step<'_>, record: &DeviceRecord) -> Result<(), Error> {
    let told = step.tx.kv.get(KEY_TOLD)?;
    let told = told.unwrap_or(entry(&step.own()?.record));
    let now = entry(record);
    step.tx.kv.set(KEY_TOLD, &now)?;
    if told == now {
        return Ok(());
    }
    step.tx.kv.set_time(KEY_LIST_CHANGED, step.now_ms)?;
    for person in step.tx.persons.all()? {
        if person.state == PersonState::Accepted {
            send_list(step, &person.chat, record)?;
        }
    }
    Ok(())
}

/// The own list as a message of its own.
pub(crate) fn send_list(step: &mut Step<'_>, chat: &Chat, record: &DeviceRecord) -> Result<(), Error> {
    let list = step.own()?.list(record, &IN_SESSION)?;
    send::enqueue_content(step, chat, &Content::List(Box::new(list)))?;
    Ok(())
}

/// A list of theirs: signed, newer than what is known, and shown if it says something else. Past its date it counts
/// all the same: it may have waited for us, and begins no session.
pub(crate) fn take_list(step: &mut Step<'_>, from: &Session, list: &DeviceList) -> Result<(), Error> {
    let chat = &from.chat;
    let Some((person, peer)) = step.tx.persons.get(chat)?.zip(step.tx.peers.get(chat)?) else {
        return Ok(());
    };
    let bytes = list.signed_bytes(&IN_SESSION);
    let signed = sotto_crypto::verify_chat(chat, LABEL_LIST, &[&bytes], &list.signature);
    let version = i64::try_from(list.version).unwrap_or(i64::MAX);
    let too_long = Err(StaleError::TooLong);
    let good = person.state == PersonState::Accepted
        && list.chat == *chat
        && signed.is_ok()
        && version > peer.list_version
        && check_version(list.version, None, step.clock_s()).is_ok()
        && check_not_after(list.not_after_s, step.clock_s()) != too_long
        && list.records.iter().all(|record| found::verify_record(chat, record));
    if !good {
        log::warn!("a device list was refused");
        return Ok(());
    }
    for record in &list.records {
        if !is_itself(step, chat, record)? {
            return changed(step, chat);
        }
    }
    let device = from.device;
    let known = taken(step, chat)?.as_ref().and_then(record_of).as_ref().map(entry);
    let same = list.records.len() == 1 && list.records.first().map(entry) == known;
    step.tx.peers.edit(chat, |peer| peer.list_version = version)?;
    step.fx.contacts = true;
    let mut others = list.records.iter();
    if let Some(other) = others.find(|record| record.device_id != device)
        && person.verified
    {
        hold(step, chat, other)?;
    }
    if !same {
        changed(step, chat)?;
    }
    if let Some(record) = list.record(&device) {
        let before = known_suites(step, chat, &device)?;
        match choose_suite(step.config.suites, record.suites, before) {
            Ok(_) => {
                step.tx.devices.edit(chat, &device, |row| row.record = Some(record.encode().to_vec()))?;
                contact::wait_no_more(step, chat)?;
            }
            // What is known of the device stays: the live session goes on, and nothing lower is begun.
            Err(error) => return refuse(step, chat, refused(error)),
        }
    }
    Ok(())
}
