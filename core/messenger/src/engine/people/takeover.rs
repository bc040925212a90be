//! Takeover: after a restore elsewhere the new install says so on the account's home topic, and this one stops.
//!
//! Such an envelope looks like any other. Its tag follows from its random bytes and the self secret, so no two tags are
//! equal, and a receiver recognises it by one HKDF. Its content is the new device list, signed by the chat key.

use sotto_crypto::{Random, Tag, takeover_open, takeover_seal, takeover_tag};
use sotto_db::{Class as Ends, Parcel};
use sotto_wire::envelope::{Class, Envelope, Form, pad, room, unpad};
use sotto_wire::identity::{DeviceList, DeviceRecord, check_version, secret_hash};
use sotto_wire::topic::Lane;

use crate::engine::base::own::{KEY_REPLACED, KEY_RESTORING, Own};
use crate::engine::base::schedule::DAY;
use crate::engine::keys::found;
use crate::engine::people::People;
use crate::engine::post::parcel;
use crate::error::{Code, Error, OrBug};

/// Room of the list before padding, bytes.
const ROOM: usize = room(Class::Small, Form::Sealed);

/// Tells the account's other installs that this one took over. It is published like a card: until a store has it.
pub(crate) fn publish(step: &mut People<'_>, record: &DeviceRecord) -> Result<(), Error> {
    let own = step.own()?;
    let secret = own.account.self_secret();
    let list = own.list(record, &secret_hash(secret.as_bytes()))?;
    let list = list.encode().or_bug("own list")?;
    let padded = pad(&list, ROOM).or_bug("own list")?;
    let random = Random(step.random());
    let body = takeover_seal(secret, &random, &padded);
    let envelope = Envelope { tag: takeover_tag(secret, &random).0, random: random.0, body: &body };
    let payload = envelope.encode().or_bug("envelope")?;
    let topic = step.topic(Lane::Home, &own.account.home_value());
    let parcel = parcel::filled(step, Ends::Card, topic, payload);
    let now_ms = step.now_ms;
    parcel::put(step, Parcel { give_up_ms: now_ms.saturating_add(DAY), ..parcel })?;
    Ok(())
}

/// Whether this envelope comes from another install of this account. If so, it is handled here.
pub(crate) fn take(step: &mut People<'_>, envelope: &Envelope<'_>) -> Result<bool, Error> {
    let own = step.own()?;
    let secret = own.account.self_secret();
    let random = Random(envelope.random);
    if envelope.class() != Some(Class::Small) || takeover_tag(secret, &random) != Tag(envelope.tag) {
        return Ok(false);
    }
    let opened = takeover_open(secret, &random, envelope.body);
    let list = opened.and_then(|padded| DeviceList::decode(unpad(&padded).ok()?).ok());
    // An expired list counts all the same: it says who came last.
    let bound = secret_hash(secret.as_bytes());
    let Some(list) = list.filter(|list| found::verify_list(&own.chat, list, &bound)) else {
        return Ok(true);
    };
    // An install that is being restored reads the stores before it signs, and signs a higher version.
    let restoring = step.tx.kv.get(KEY_RESTORING)?.is_some();
    let not_ahead = check_version(list.version, None, step.clock_s()).is_ok();
    if !restoring && not_ahead && outranks(own, &list) {
        replaced(step)?;
    }
    Ok(true)
}

/// Whether a genuine own list omits this device and is later; within a second the higher device id wins.
pub(crate) fn outranks(own: &Own, list: &DeviceList) -> bool {
    let theirs = list.records.iter().map(|record| record.device_id).max();
    !own.is_in(list) && (list.version, theirs) > (own.record.list_version, Some(own.device))
}

/// This install stops: nothing more is sent, opened or receipted, and the person is told.
pub(crate) fn replaced(step: &mut People<'_>) -> Result<(), Error> {
    if step.is_replaced() {
        return Ok(());
    }
    log::warn!("the phrase was restored on another device");
    step.fx.replaced = true;
    step.fx.own = true;
    step.notice(Code::DeviceReplaced);
    Ok(step.kv.set(KEY_REPLACED, &[1])?)
}
