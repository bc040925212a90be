//! Devices: the suite that is spoken with one of theirs, and lists that change.

use sotto_crypto::{PREKEY_SUITES, SuiteError, choose_suite};
use sotto_db::{Contact, Session};
use sotto_wire::content::Content;
use sotto_wire::identity::{
    DeviceList, DeviceRecord, IN_SESSION, LABEL_LIST, StaleError, check_not_after, check_version,
};

use super::own::{KEY_LIST_CHANGED, KEY_TOLD, set_time};
use super::step::Step;
use super::{found, send, state};
use crate::error::{Code, Error};

/// What a list says about a device, but for its dates: id ‖ keys ‖ suites.
fn entry(record: &DeviceRecord) -> Vec<u8> {
    [
        record.device_id.as_slice(),
        &record.identity,
        &record.signing,
        &record.suites.to_be_bytes(),
    ]
    .concat()
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
pub(super) fn send_list(
    step: &mut Step<'_>,
    contact: &Contact,
    record: &DeviceRecord,
) -> Result<(), Error> {
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
        && list
            .records
            .iter()
            .all(|record| found::verify_record(&contact.chat, record));
    if !good {
        log::warn!("a device list was refused");
        return Ok(());
    }
    let device = contact.device.unwrap_or(from.device);
    let known = contact.record.as_deref().map(DeviceRecord::decode);
    let known = known.and_then(Result::ok).as_ref().map(entry);
    let same = list.records.len() == 1 && list.records.first().map(entry) == known;
    contact.list_version = version;
    contact.devices_changed |= !same;
    step.fx.contacts = true;
    if let Some(record) = list.record(&device) {
        let before = known_suites(Some(&contact), &device);
        match choose_suite(step.config.suites, record.suites, before) {
            Ok(_) => {
                contact.record = Some(record.encode().to_vec());
                contact.waiting = None;
            }
            // What is known of the device stays: the live session goes on, and nothing lower is begun.
            Err(error) => return refuse(step, &mut contact, refused(error)),
        }
    }
    Ok(step.tx.contact_put(&contact)?)
}
