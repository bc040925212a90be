//! Own cards, lane c: under each invite's secret, the contacts secret and the self secret.

use sotto_crypto::{
    CardSecret, DeviceId, PREKEY_SUITES, PrekeyPair, PrekeyPublic, Random, card_seal, card_tag, secret_bucket,
};
use sotto_db::{Class, Invite, PairKind, Parcel};
use sotto_wire::envelope::{CARD_ROOM, Envelope, pad};
use sotto_wire::identity::{
    Bundle, CardKind, Closed, DeviceRecord, LABEL_BUNDLE, LABEL_CLOSED, LABEL_PROFILE, MAX_VALIDITY_S, NO_DEVICE,
    Profile, next_version, secret_hash,
};
use sotto_wire::topic::Lane;

use crate::engine::base::own::{KEY_NEXT_CONTACTS, KEY_PROFILE, KEY_PUBLISHED, record};
use crate::engine::base::schedule::{self, DAY};
use crate::engine::keys::{Keys, pairs};
use crate::engine::post::parcel;
use crate::error::{Code, Error, OrBug};

/// Publishes the cards of an invite, or that it is closed, and sets when they are due again.
pub(crate) fn publish_invite(step: &mut Keys<'_>, mut row: Invite) -> Result<(), Error> {
    parcel::remove_batch(step, &row.secret)?;
    if row.expires_ms <= step.now_ms {
        step.invites.remove(&row.secret)?;
        return Ok(());
    }
    if row.closed_ms.is_some() {
        closed(step, &row.secret)?;
        row.next_card_ms = step.now_ms.saturating_add(schedule::CLOSED_CARD);
        return Ok(step.invites.put(&row)?);
    }
    if !step.may_sign {
        row.next_card_ms = step.now_ms.saturating_add(schedule::UNSIGNED);
        return Ok(step.invites.put(&row)?);
    }
    let stored = step.prekeys.get(&row.prekey_id)?.or_bug("pair of an invite")?;
    let pair = PrekeyPair::from_bytes(&stored.private).map_err(|_| Code::StorageCorrupt)?;
    let record = record(step)?;
    list(step, &row.secret, &record)?;
    bundle(step, &row.secret, &record, &pair.public())?;
    profile(step, &row.secret)?;
    row.next_card_ms = step.after(&schedule::REFRESH, 0);
    Ok(step.invites.put(&row)?)
}

/// Publishes the list under the self secret, with a record just renewed.
pub(crate) fn publish_self(step: &mut Keys<'_>, record: &DeviceRecord) -> Result<(), Error> {
    let self_secret = *step.own()?.account.self_secret().as_bytes();
    parcel::remove_batch(step, &self_secret)?;
    list(step, &self_secret, record)?;
    step.fx.own = true;
    let now_ms = step.now_ms;
    Ok(step.kv.set_time(KEY_PUBLISHED, now_ms)?)
}

/// Publishes the cards under the contacts secret if there is a contact to read them, and sets when they are due again.
pub(crate) fn publish_contacts(step: &mut Keys<'_>, read: bool) -> Result<(), Error> {
    step.fx.own = true;
    if !step.may_sign {
        let again_ms = step.now_ms.saturating_add(schedule::UNSIGNED);
        return Ok(step.kv.set_time(KEY_NEXT_CONTACTS, again_ms)?);
    }
    let next_ms = step.after(&schedule::REFRESH, 0);
    step.kv.set_time(KEY_NEXT_CONTACTS, next_ms)?;
    if !read {
        return Ok(());
    }
    let record = record(step)?;
    let secret = *step.own()?.contacts_secret;
    let pair = PrekeyPair::generate(step.rng);
    let lives_ms = (MAX_VALIDITY_S as i64) * 1000 + step.retention_ms() + DAY;
    let delete_ms = Some(step.now_ms.saturating_add(lives_ms));
    pairs::store(step, &pair, PairKind::Bundle, (Some(secret), None), delete_ms)?;
    parcel::remove_batch(step, &secret)?;
    list(step, &secret, &record)?;
    bundle(step, &secret, &record, &pair.public())?;
    profile(step, &secret)
}

fn list(step: &mut Keys<'_>, secret: &[u8; 16], record: &DeviceRecord) -> Result<(), Error> {
    let list = step.own()?.list(record, &secret_hash(secret))?;
    let bytes = list.encode().or_bug("own list")?;
    card(step, secret, CardKind::List, &NO_DEVICE, &bytes)
}

fn bundle(step: &mut Keys<'_>, secret: &[u8; 16], record: &DeviceRecord, prekey: &PrekeyPublic) -> Result<(), Error> {
    let own = step.own()?;
    let mut bundle = Bundle {
        list_version: record.list_version,
        not_after_s: step.clock_s().saturating_add(MAX_VALIDITY_S),
        suites: step.config.suites & PREKEY_SUITES,
        prekey_id: prekey.id,
        x25519: prekey.x25519,
        kem: Box::new(prekey.kem),
        signature: [0; 64],
    };
    let bytes = bundle.signed_bytes(&own.chat, &own.device, &secret_hash(secret));
    bundle.signature = own.keys.sign(LABEL_BUNDLE, &[&bytes]);
    card(step, secret, CardKind::Bundle, &own.device, &bundle.encode())
}

fn profile(step: &mut Keys<'_>, secret: &[u8; 16]) -> Result<(), Error> {
    let own = step.own()?;
    let last = u64::try_from(step.kv.time(KEY_PROFILE)?).unwrap_or(0);
    let version = next_version(Some(last), step.clock_s());
    step.kv.set_time(KEY_PROFILE, i64::try_from(version).unwrap_or(i64::MAX))?;
    let mut profile = Profile {
        version,
        not_after_s: step.clock_s().saturating_add(MAX_VALIDITY_S),
        home: own.account.home_value(),
        name: own.name.clone(),
        picture: None,
        signature: [0; 64],
    };
    let bytes = profile.signed_bytes(&own.chat, &secret_hash(secret));
    profile.signature = own.sign(LABEL_PROFILE, &bytes)?;
    card(step, secret, CardKind::Profile, &NO_DEVICE, &profile.encode())
}

fn closed(step: &mut Keys<'_>, secret: &[u8; 16]) -> Result<(), Error> {
    let own = step.own()?;
    let mut closed = Closed {
        version: step.clock_s(),
        not_after_s: step.clock_s().saturating_add(MAX_VALIDITY_S),
        signature: [0; 64],
    };
    let bytes = closed.signed_bytes(&own.chat, &secret_hash(secret));
    closed.signature = own.sign(LABEL_CLOSED, &bytes)?;
    card(step, secret, CardKind::Closed, &NO_DEVICE, &closed.encode())
}

fn card(step: &mut Keys<'_>, secret: &[u8; 16], kind: CardKind, device: &[u8; 16], plain: &[u8]) -> Result<(), Error> {
    let day = u32::try_from(step.clock_s() / 86_400).map_err(|_| Code::ClockSkewed)?;
    let key = CardSecret::new(secret);
    let tag = card_tag(&key, kind.code(), &DeviceId(*device), day);
    let random = Random(step.random());
    let padded = pad(plain, CARD_ROOM).or_bug("card")?;
    let body = card_seal(&key, &tag, &random, &padded);
    let envelope = Envelope { tag: tag.0, random: random.0, body: &body };
    let payload = envelope.encode().or_bug("envelope")?;
    let parcel = Parcel {
        give_up_ms: step.now_ms.saturating_add(schedule::REFRESH_MAX),
        batch: Some(secret.to_vec()),
        ..parcel::filled(step, Class::Card, step.topic(Lane::Card, &secret_bucket(&key)), payload)
    };
    parcel::put(step, parcel)?;
    Ok(())
}
