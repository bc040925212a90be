//! Devices: which ones are theirs, the suite that is spoken with one, and lists that change.
//!
//! A device is its id and its two keys together. A contact has one confirmed device (`contact.device`): the one of the
//! first contact, then the one that began anew or, once the contact is verified, the one that the person said is theirs.

use sotto_crypto::{PREKEY_SUITES, SuiteError, choose_suite};
use sotto_db::{Chat, Contact, Device, Session};
use sotto_wire::content::Content;
use sotto_wire::identity::{
    DeviceList, DeviceRecord, IN_SESSION, LABEL_LIST, StaleError, check_not_after, check_version,
};

use super::own::{KEY_LIST_CHANGED, KEY_TOLD, set_time};
use super::session::choose_sending;
use super::step::Step;
use super::{contact, found, receipt, reset, send, state};
use crate::error::{Code, Error};

/// Devices remembered of an account, beside the confirmed one.
const KNOWN: u32 = 16;

/// A device as it was seen before, with this id and these keys.
pub(super) fn known(step: &Step<'_>, chat: &Chat, record: &DeviceRecord) -> Result<Option<Device>, Error> {
    let like = like(step, chat, record)?;
    Ok(like.into_iter().find(|device| is_same(device, record)))
}

fn like(step: &Step<'_>, chat: &Chat, record: &DeviceRecord) -> Result<Vec<Device>, Error> {
    let (id, identity, signing) = (&record.device_id, &record.identity, &record.signing);
    Ok(step.tx.devices_like(chat, id, identity, signing)?)
}

fn is_same(device: &Device, record: &DeviceRecord) -> bool {
    device.device == record.device_id && device.identity == record.identity && device.signing == record.signing
}

/// Remembers a device that we write to.
pub(super) fn meet(step: &Step<'_>, contact: &Contact, record: &DeviceRecord) -> Result<(), Error> {
    let start_in = known(step, &contact.chat, record)?.map_or(0, |device| device.start_in);
    remember(step, contact, record, start_in)
}

/// Remembers a device and the start number that it gave.
pub(super) fn remember(step: &Step<'_>, contact: &Contact, record: &DeviceRecord, start_in: u32) -> Result<(), Error> {
    let device = Device {
        chat: contact.chat,
        device: record.device_id,
        identity: record.identity,
        signing: record.signing,
        start_in,
        seen_ms: step.now_ms,
    };
    let keep = contact.device.as_ref();
    Ok(step.tx.device_put(&device, KNOWN, keep)?)
}

/// Is this no other device under a known id, and no known key under another id?
pub(super) fn is_itself(step: &Step<'_>, chat: &Chat, record: &DeviceRecord) -> Result<bool, Error> {
    let like = like(step, chat, record)?;
    Ok(like.iter().all(|device| is_same(device, record)))
}

/// Their devices changed: shown with the contact until somebody says that he saw it, and told at once.
pub(super) fn changed(step: &mut Step<'_>, contact: &mut Contact) -> Result<(), Error> {
    if !std::mem::replace(&mut contact.devices_changed, true) {
        step.notice(Code::DevicesChanged);
    }
    step.fx.contacts = true;
    Ok(step.tx.contact_put(contact)?)
}

/// Takes a device as theirs. What was sealed for another one is sealed anew. The caller stores the contact.
pub(super) fn take(step: &mut Step<'_>, contact: &mut Contact, record: &DeviceRecord) -> Result<(), Error> {
    let id = record.device_id;
    let before = contact.device.replace(id);
    contact.record = Some(record.encode().to_vec());
    contact.other_record = None;
    if before.is_some_and(|before| before != id) {
        for row in step.tx.sessions_of(&contact.chat)? {
            if row.device != id {
                reset::unseal(step, &row)?;
            }
        }
    }
    Ok(())
}

/// Keeps the record of a device that a verified contact is said to have: it gets nothing. The caller stores the contact.
pub(super) fn hold(step: &mut Step<'_>, contact: &mut Contact, record: &DeviceRecord) {
    contact.other_record = Some(record.encode().to_vec());
    contact.waiting = Some(Code::DevicesChanged.as_str().to_owned());
    step.fx.contacts = true;
}

/// Takes the device that was held, if there is one, as theirs: messages leave for it, what it sent counts. Stores the
/// contact before anything is sent, for what is sent may change it.
pub(super) fn take_held(step: &mut Step<'_>, contact: &mut Contact) -> Result<(), Error> {
    contact.devices_changed = false;
    step.fx.contacts = true;
    let held = contact.other_record.as_deref().map(DeviceRecord::decode);
    let Some(record) = held.and_then(Result::ok) else {
        return Ok(step.tx.contact_put(contact)?);
    };
    take(step, contact, &record)?;
    let version = i64::try_from(record.list_version).unwrap_or(i64::MAX);
    contact.list_version = contact.list_version.max(version);
    contact.waiting = None;
    step.tx.contact_put(contact)?;
    choose_sending(step, &contact.chat)?;
    if send::sending_session(step, &contact.chat)?.is_none() && contact::may_write(contact) {
        contact.fetch_due_ms = Some(step.now_ms); // it was only heard of
        contact.fetch_tries = 0;
        step.tx.contact_put(contact)?;
    }
    step.tx.fetches_release(&contact.conversation, step.now_ms)?;
    if let Some(mut conversation) = step.tx.conversation(&contact.conversation)? {
        // What it wrote has its place in the order from now on.
        let furthest = step.tx.messages_lamport(&conversation.id)?;
        conversation.lamport = conversation.lamport.max(furthest);
        step.tx.conversation_put(&conversation)?;
    }
    if contact.state != state::ACCEPTED {
        return Ok(());
    }
    receipt::all_due(step, &contact.chat)?;
    contact::hello(step, contact)?; // until now it was told nothing
    send::seal_waiting(step, &contact.chat)
}

/// What a list says about a device, but for its dates: id ‖ keys ‖ suites.
fn entry(record: &DeviceRecord) -> Vec<u8> {
    [record.device_id.as_slice(), &record.identity, &record.signing, &record.suites.to_be_bytes()].concat()
}

/// The suites that a device of theirs signed before; `None`: it is not known.
fn known_suites(contact: Option<&Contact>, device: &[u8; 16]) -> Option<u32> {
    let record = DeviceRecord::decode(contact?.record.as_deref()?).ok()?;
    (record.device_id == *device).then_some(record.suites)
}

fn refused(error: SuiteError) -> Code {
    match error {
        SuiteError::None => Code::SuiteNone,
        SuiteError::Lower => Code::SuiteLower,
    }
}

/// The suite for a session that we begin with a device, as one bit.
pub(super) fn suite(step: &Step<'_>, contact: &Contact, to: &DeviceRecord) -> Result<u32, Code> {
    let known = known_suites(Some(contact), &to.device_id);
    let suite = choose_suite(step.config.suites, to.suites, known).map_err(refused)?;
    Ok(1 << (u32::from(suite) - 1))
}

/// May a session that a device began by one of our pairs speak this suite?
pub(super) fn check_suite(
    step: &Step<'_>,
    contact: Option<&Contact>,
    from: &DeviceRecord,
    suite: u8,
) -> Result<(), Code> {
    let known = known_suites(contact, &from.device_id);
    let ours = step.config.suites & PREKEY_SUITES;
    match choose_suite(ours, from.suites, known).map_err(refused)? {
        best if best == suite => Ok(()),
        _ => Err(Code::SuiteNone),
    }
}

/// Nothing can be begun with a contact: shown with it, by code.
pub(super) fn refuse(step: &mut Step<'_>, contact: &mut Contact, code: Code) -> Result<(), Error> {
    log::warn!("no session: {}", code.as_str());
    if contact.waiting.as_deref() != Some(code.as_str()) {
        step.notice(code);
    }
    contact.waiting = Some(code.as_str().to_owned());
    step.fx.contacts = true;
    Ok(step.tx.contact_put(contact)?)
}

/// Tells contacts of a list that names other devices, keys or suites than they were told; not of one that is only
/// signed anew, for its dates gate new sessions alone.
pub(super) fn tell(step: &mut Step<'_>, record: &DeviceRecord) -> Result<(), Error> {
    let told = step.tx.kv_get(KEY_TOLD)?;
    let told = told.unwrap_or(entry(&step.own()?.record));
    let now = entry(record);
    step.tx.kv_set(KEY_TOLD, &now)?;
    if told == now {
        return Ok(());
    }
    set_time(step.tx, KEY_LIST_CHANGED, step.now_ms)?;
    for contact in step.tx.contacts()? {
        if contact.state == state::ACCEPTED {
            send_list(step, &contact, record)?;
        }
    }
    Ok(())
}

/// The own list as a message of its own.
pub(super) fn send_list(step: &mut Step<'_>, contact: &Contact, record: &DeviceRecord) -> Result<(), Error> {
    let list = step.own()?.list(record, &IN_SESSION)?;
    send::enqueue_content(step, contact, &Content::List(Box::new(list)))?;
    Ok(())
}

/// A list of theirs: signed, newer than what is known, and shown if it says something else. Past its date it counts
/// all the same: it may have waited for us, and begins no session.
pub(super) fn take_list(
    step: &mut Step<'_>,
    mut contact: Contact,
    from: &Session,
    list: &DeviceList,
) -> Result<(), Error> {
    let bytes = list.signed_bytes(&IN_SESSION);
    let signed = sotto_crypto::verify_chat(&contact.chat, LABEL_LIST, &[&bytes], &list.signature);
    let version = i64::try_from(list.version).unwrap_or(i64::MAX);
    let too_long = Err(StaleError::TooLong);
    let good = contact.state == state::ACCEPTED
        && list.chat == contact.chat
        && signed.is_ok()
        && version > contact.list_version
        && check_version(list.version, None, step.clock_s()).is_ok()
        && check_not_after(list.not_after_s, step.clock_s()) != too_long
        && list.records.iter().all(|record| found::verify_record(&contact.chat, record));
    if !good {
        log::warn!("a device list was refused");
        return Ok(());
    }
    for record in &list.records {
        if !is_itself(step, &contact.chat, record)? {
            return changed(step, &mut contact);
        }
    }
    let device = from.device;
    let known = contact.record.as_deref().map(DeviceRecord::decode);
    let known = known.and_then(Result::ok).as_ref().map(entry);
    let same = list.records.len() == 1 && list.records.first().map(entry) == known;
    contact.list_version = version;
    step.fx.contacts = true;
    let mut others = list.records.iter();
    if let Some(other) = others.find(|record| record.device_id != device)
        && contact.verified
    {
        hold(step, &mut contact, other);
    }
    if !same {
        changed(step, &mut contact)?;
    }
    if let Some(record) = list.record(&device) {
        let before = known_suites(Some(&contact), &device);
        match choose_suite(step.config.suites, record.suites, before) {
            Ok(_) => {
                contact.record = Some(record.encode().to_vec());
                contact.waiting = contact.waiting.filter(|_| contact.other_record.is_some());
            }
            // What is known of the device stays: the live session goes on, and nothing lower is begun.
            Err(error) => return refuse(step, &mut contact, refused(error)),
        }
    }
    Ok(step.tx.contact_put(&contact)?)
}
