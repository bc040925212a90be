//! Devices of people: confirmed, held until the person accepts them, and changed lists.

use sotto_db::{Chat, DeviceStanding as Standing, PersonState};
use sotto_wire::identity::DeviceRecord;

use crate::engine::carry::{receipt, send};
use crate::engine::keys::device;
use crate::engine::keys::session::choose_sending;
use crate::engine::people::kind::hello;
use crate::engine::people::{People, contact};
use crate::engine::talk::read;
use crate::error::{Code, Error};

/// Confirms a device. Messages sealed for another device are sealed again.
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

/// Holds a device that a verified contact is said to have: it gets nothing.
pub(crate) fn hold(step: &mut People<'_>, chat: &Chat, record: &DeviceRecord) -> Result<(), Error> {
    device::hold(step, chat, record)?;
    contact::wait(step, chat, Code::DevicesChanged)?;
    step.fx.contacts = true;
    Ok(())
}

/// Their devices changed: shown with the contact until the person has seen it, and reported at once.
pub(crate) fn changed(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    let before = step.persons.edit(chat, |person| std::mem::replace(&mut person.devices_changed, true))?;
    if before == Some(false) {
        step.notice(Code::DevicesChanged);
    }
    step.fx.contacts = true;
    Ok(())
}

/// Confirms the held device, if there is one: messages are sealed for it, and its content counts.
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
        contact::look_for_cards(step, chat)?; // it was only named
    }
    read::order(step, chat)?;
    if person.state != PersonState::Accepted {
        return Ok(());
    }
    receipt::all_due(step, chat)?;
    hello::send(step, chat)?; // it was told nothing until now
    send::seal_waiting(step, chat)
}

/// No session can begin with a contact: shown with it, by code.
pub(crate) fn refuse(step: &mut People<'_>, chat: &Chat, code: Code) -> Result<(), Error> {
    log::warn!("no session: {}", code.as_str());
    if contact::wait(step, chat, code)? {
        step.notice(code);
    }
    step.fx.contacts = true;
    Ok(())
}
