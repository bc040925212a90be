//! Devices of people: taken, held until somebody says yes, told of, and lists that change.

use sotto_crypto::choose_suite;
use sotto_db::{Chat, DeviceStanding as Standing, PersonState, Session};
use sotto_wire::content::Content;
use sotto_wire::identity::{
    DeviceList, DeviceRecord, IN_SESSION, LABEL_LIST, StaleError, check_not_after, check_version,
};

use crate::engine::base::own::{KEY_LIST_CHANGED, KEY_TOLD};
use crate::engine::carry::receipt;
use crate::engine::carry::send;
use crate::engine::keys::device;
use crate::engine::keys::found;
use crate::engine::keys::session::choose_sending;
use crate::engine::people::People;
use crate::engine::people::contact;
use crate::engine::talk::read;
use crate::error::{Code, Error};

/// Takes a device as theirs. What was sealed for another one is sealed anew.
pub(crate) fn take(step: &mut People<'_>, chat: &Chat, record: &DeviceRecord) -> Result<(), Error> {
    if device::take(step, chat, record)? {
        for session in step.tx.sessions.of(chat)? {
            if session.device != record.device_id {
                send::unseal(step, &session)?;
            }
        }
    }
    Ok(())
}

/// Keeps the record of a device that a verified contact is said to have: it gets nothing.
pub(crate) fn hold(step: &mut People<'_>, chat: &Chat, record: &DeviceRecord) -> Result<(), Error> {
    device::hold(step, chat, record)?;
    contact::wait(step, chat, Code::DevicesChanged)?;
    step.fx.contacts = true;
    Ok(())
}

/// Their devices changed: shown with the contact until somebody says that he saw it, and told at once.
pub(crate) fn changed(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    let before = step.persons.edit(chat, |person| std::mem::replace(&mut person.devices_changed, true))?;
    if before == Some(false) {
        step.notice(Code::DevicesChanged);
    }
    step.fx.contacts = true;
    Ok(())
}

/// Takes the device that was held, if there is one, as theirs: messages leave for it, what it sent counts.
pub(crate) fn take_held(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    step.persons.edit(chat, |person| person.devices_changed = false)?;
    step.fx.contacts = true;
    let held = step.tx.devices.standing(chat, Standing::Held)?;
    let Some(record) = held.as_ref().and_then(device::record_of) else {
        return Ok(());
    };
    take(step, chat, &record)?;
    device::known_version(step, chat, record.list_version)?;
    step.persons.edit(chat, |person| person.waiting = None)?;
    choose_sending(step, chat)?;
    let Some(person) = step.persons.get(chat)? else {
        return Ok(());
    };
    if step.tx.devices.session(chat)?.is_none() && contact::may_write(person.state) {
        contact::look_for_cards(step, chat, 0)?; // it was only heard of
    }
    read::order(step, chat)?;
    if person.state != PersonState::Accepted {
        return Ok(());
    }
    receipt::all_due(step, chat)?;
    contact::hello(step, chat)?; // until now it was told nothing
    send::seal_waiting(step, chat)
}

/// Nothing can be begun with a contact: shown with it, by code.
pub(crate) fn refuse(step: &mut People<'_>, chat: &Chat, code: Code) -> Result<(), Error> {
    log::warn!("no session: {}", code.as_str());
    if contact::wait(step, chat, code)? {
        step.notice(code);
    }
    step.fx.contacts = true;
    Ok(())
}

/// Tells contacts of a list that names other devices, keys or suites than they were told; not of one that is only
/// signed anew, for its dates gate new sessions alone.
pub(crate) fn tell(step: &mut People<'_>, record: &DeviceRecord) -> Result<(), Error> {
    let told = step.tx.kv.get(KEY_TOLD)?;
    let told = told.unwrap_or(device::entry(&step.own()?.record));
    let now = device::entry(record);
    step.kv.set(KEY_TOLD, &now)?;
    if told == now {
        return Ok(());
    }
    let now_ms = step.now_ms;
    step.kv.set_time(KEY_LIST_CHANGED, now_ms)?;
    for person in step.persons.all()? {
        if person.state == PersonState::Accepted {
            send_list(step, &person.chat, record)?;
        }
    }
    Ok(())
}

/// The own list as a message of its own.
pub(crate) fn send_list(step: &mut People<'_>, chat: &Chat, record: &DeviceRecord) -> Result<(), Error> {
    let list = step.own()?.list(record, &IN_SESSION)?;
    send::enqueue_content(step, chat, &Content::List(Box::new(list)))?;
    Ok(())
}

/// A list of theirs: signed, newer than what is known, and shown if it says something else. Past its date it counts
/// all the same: it may have waited for us, and begins no session.
pub(crate) fn take_list(step: &mut People<'_>, from: &Session, list: &DeviceList) -> Result<(), Error> {
    let chat = &from.chat;
    let Some((person, peer)) = step.persons.get(chat)?.zip(step.tx.peers.get(chat)?) else {
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
        if !device::is_itself(step, chat, record)? {
            return changed(step, chat);
        }
    }
    let device = from.device;
    let known = device::taken(step, chat)?.as_ref().and_then(device::record_of).as_ref().map(device::entry);
    let same = list.records.len() == 1 && list.records.first().map(device::entry) == known;
    device::known_version(step, chat, list.version)?;
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
        let before = device::known_suites(step, chat, &device)?;
        match choose_suite(step.config.suites, record.suites, before) {
            Ok(_) => {
                device::set_record(step, chat, record)?;
                contact::wait_no_more(step, chat)?;
            }
            // What is known of the device stays: the live session goes on, and nothing lower is begun.
            Err(error) => return refuse(step, chat, device::refused(error)),
        }
    }
    Ok(())
}
