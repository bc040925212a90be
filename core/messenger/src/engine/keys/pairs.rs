//! Reset pairs: each contact gets one of ours, and its device gives one of its own.

use sotto_crypto::{PREKEY_SUITES, PrekeyPair, PrekeyPublic};
use sotto_db::{Chat, Device, PairKind, Prekey, Session};
use sotto_wire::content::ResetPair;
use sotto_wire::identity::DeviceRecord;

use crate::engine::base::schedule::DAY;
use crate::engine::keys::Keys;
use crate::error::Error;

const REPLACED_MS: i64 = 31 * DAY;
/// Most replaced pairs; one more deletes the oldest.
const PAIRS: usize = 8;

/// Stores the private parts of an own pair: under a secret, or for a contact, until this time.
pub(crate) fn store(
    step: &mut Keys<'_>,
    pair: &PrekeyPair,
    kind: PairKind,
    (secret, chat): (Option<[u8; 16]>, Option<Chat>),
    delete_ms: Option<i64>,
) -> Result<(), Error> {
    let private = pair.to_bytes().as_slice().into();
    Ok(step.prekeys.put(&Prekey { id: pair.id(), private, kind, secret, chat, delete_ms })?)
}

/// A fresh own pair for a contact; it replaces the last one.
pub(crate) fn give(step: &mut Keys<'_>, chat: &Chat) -> Result<ResetPair, Error> {
    let pair = PrekeyPair::generate(step.rng);
    let mut pairs = step.prekeys.of(chat)?;
    pairs.sort_by_key(|old| std::cmp::Reverse(old.delete_ms.unwrap_or(i64::MAX)));
    for (newer, mut old) in pairs.into_iter().enumerate() {
        if newer + 1 >= PAIRS {
            step.prekeys.remove(&old.id)?;
            continue;
        }
        let until = step.now_ms.saturating_add(REPLACED_MS);
        old.delete_ms = old.delete_ms.or(Some(until));
        step.prekeys.put(&old)?;
    }
    store(step, &pair, PairKind::Reset, (None, Some(*chat)), None)?;
    let public = pair.public();
    Ok(ResetPair { id: public.id, x25519: public.x25519, kem: Box::new(public.kem) })
}

/// Stores the pair of a contact's device; it replaces any other pair of that account: id 8 ‖ X25519 32 ‖ ML-KEM 1,184.
pub(crate) fn keep_pair(step: &mut Keys<'_>, chat: &Chat, from: &[u8; 16], pair: &ResetPair) -> Result<(), Error> {
    for device in step.devices.of(chat)? {
        let given = device.device == *from;
        if given || device.reset_pair.is_some() {
            let pair = given.then(|| [pair.id.as_slice(), &pair.x25519, pair.kem.as_slice()].concat());
            step.devices.edit(chat, &device.device, |device| device.reset_pair = pair)?;
        }
    }
    Ok(())
}

pub(crate) fn is_by_pair(step: &Keys<'_>, row: &Session) -> Result<bool, Error> {
    let Some(id) = row.prekey_id.filter(|_| row.initiator) else {
        return Ok(false);
    };
    Ok(step.devices.of(&row.chat)?.iter().any(|device| has_pair(device, &id)))
}

fn has_pair(device: &Device, id: &[u8; 8]) -> bool {
    device.reset_pair.as_ref().is_some_and(|pair| pair.starts_with(id))
}

/// The pair of a contact's device, if it serves this suite.
pub(crate) fn of(step: &Keys<'_>, chat: &Chat, of: &DeviceRecord, suite: u32) -> Result<Option<PrekeyPublic>, Error> {
    if PREKEY_SUITES & suite == 0 {
        return Ok(None);
    }
    let pair = step.devices.get(chat, &of.device_id)?.and_then(|device| device.reset_pair);
    Ok(pair.as_deref().and_then(|pair| {
        let (id, rest) = pair.split_first_chunk::<8>()?;
        let (x25519, kem) = rest.split_first_chunk::<32>()?;
        Some(PrekeyPublic { id: *id, x25519: *x25519, kem: *kem.first_chunk::<1184>()? })
    }))
}

/// A session was answered, so the pair that began it is used up: theirs if we began it, ours if they did.
pub(crate) fn used_up(step: &mut Keys<'_>, row: &Session) -> Result<(), Error> {
    let Some(id) = row.prekey_id else {
        return Ok(());
    };
    if row.initiator {
        for device in step.devices.of(&row.chat)?.iter().filter(|device| has_pair(device, &id)) {
            step.devices.edit(&row.chat, &device.device, |device| device.reset_pair = None)?;
        }
    } else if step.prekeys.get(&id)?.is_some_and(|pair| pair.chat.is_some()) {
        step.prekeys.remove(&id)?;
    }
    Ok(())
}

/// Deletes the pairs given to an account: they open nothing any more.
pub(crate) fn forget(step: &mut Keys<'_>, chat: &Chat) -> Result<(), Error> {
    for pair in step.prekeys.of(chat)? {
        step.prekeys.remove(&pair.id)?;
    }
    Ok(())
}
