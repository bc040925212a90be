//! Devices of people: taken, held until somebody says yes, told of, and lists that change.

use sotto_db::{Chat, DeviceStanding as Standing, PersonState};
use sotto_wire::identity::DeviceRecord;

use crate::engine::carry::receipt;
use crate::engine::carry::send;
use crate::engine::keys::device;
use crate::engine::keys::session::choose_sending;
use crate::engine::people::People;
use crate::engine::people::contact;
use crate::engine::people::kind::hello;
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
    hello::send(step, chat)?; // until now it was told nothing
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
