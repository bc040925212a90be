//! A changed device list.

use sotto_crypto::choose_suite;
use sotto_db::{Chat, PersonState, Session};
use sotto_wire::content::Content;
use sotto_wire::identity::{DeviceList, DeviceRecord, IN_SESSION, StaleError, check_not_after, check_version};

use crate::engine::base::own::{KEY_LIST_CHANGED, KEY_TOLD};
use crate::engine::carry::send;
use crate::engine::keys::{device, found};
use crate::engine::people::{People, contact, devices};
use crate::error::Error;

/// Sends contacts a list that names other devices, keys or suites than the last one; its dates do not matter to them.
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
            send(step, &person.chat, record)?;
        }
    }
    Ok(())
}

pub(crate) fn send(step: &mut People<'_>, chat: &Chat, record: &DeviceRecord) -> Result<(), Error> {
    let list = step.own()?.list(record, &IN_SESSION)?;
    send::content(step, chat, &Content::List(Box::new(list)))
}

/// A newer list of theirs, shown if it differs. An expired one counts too: it may have waited for us.
pub(crate) fn take(step: &mut People<'_>, from: &Session, list: &DeviceList) -> Result<(), Error> {
    let chat = &from.chat;
    let Some((person, peer)) = step.persons.get(chat)?.zip(step.tx.peers.get(chat)?) else {
        return Ok(());
    };
    let version = i64::try_from(list.version).unwrap_or(i64::MAX);
    let too_long = Err(StaleError::TooLong);
    let good = person.state == PersonState::Accepted
        && version > peer.list_version
        && check_version(list.version, None, step.clock_s()).is_ok()
        && check_not_after(list.not_after_s, step.clock_s()) != too_long
        && found::verify_list(chat, list, &IN_SESSION);
    if !good {
        log::warn!("a device list was refused");
        return Ok(());
    }
    for record in &list.records {
        if !device::is_itself(step, chat, record)? {
            return devices::changed(step, chat);
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
        devices::hold(step, chat, other)?;
    }
    if !same {
        devices::changed(step, chat)?;
    }
    if let Some(record) = list.record(&device) {
        let before = device::known_suites(step, chat, &device)?;
        match choose_suite(step.config.suites, record.suites, before) {
            Ok(_) => {
                device::set_record(step, chat, record)?;
                contact::wait_no_more(step, chat)?;
            }
            // The known record stays: the live session goes on, and no lower suite begins.
            Err(error) => return devices::refuse(step, chat, device::refused(error)),
        }
    }
    Ok(())
}
