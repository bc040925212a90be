//! A session begun anew: because receipts stay away, or because a chain grew long without an answer. Never because
//! something could not be decrypted.

use sotto_crypto::{PREKEY_SUITES, PrekeyPair, PrekeyPublic};
use sotto_db::{Chat, Device, PairKind, PersonState, Session};
use sotto_wire::content::ResetPair;
use sotto_wire::identity::{Bundle, DeviceList, DeviceRecord, MAX_VALIDITY_S};

use crate::engine::base::schedule;
use crate::engine::base::step::{DAY, Step};
use crate::engine::carry::send;
use crate::engine::keys::device;
use crate::engine::keys::session;
use crate::engine::people::cards;
use crate::engine::people::contact;
use crate::engine::people::old_copy;
use crate::engine::people::sessions;
use crate::error::{Code, Error};

/// After so many messages in one chain without an answer the next ones leave by a new session.
const CHAIN_MAX: u32 = 5_000;
/// A replaced pair lives on,
const REPLACED_MS: i64 = 31 * DAY;
/// unless there are so many newer ones.
const PAIRS: usize = 8;

/// Why a session is to be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// It is not: nothing is wrong with the one there is.
    None,
    /// There is none yet.
    First,
    /// Another invite of theirs was given.
    Invited,
    /// Its receipts stay away: what they would be for is sealed anew.
    Silent,
    /// Its chain is long: what is sealed in it stays so.
    Long,
    /// The other side is ahead of it: this is an old copy of the database.
    Ahead,
}

/// Has the session by which messages leave to be begun anew?
pub(crate) fn need(step: &Step<'_>, row: &Session) -> Result<Need, Error> {
    let person = step.tx.persons.get(&row.chat)?.filter(|person| contact::may_write(person.state));
    let invited = person.and_then(|person| person.invite_secret);
    if invited.is_some() && row.mask_secret != invited {
        return Ok(Need::Invited);
    }
    if old_copy::is_ahead(step, row)? {
        return Ok(Need::Ahead);
    }
    let silent = step.tx.links.silent(step.now_ms.saturating_sub(schedule::SESSION_SILENT))?;
    if silent.iter().any(|(hash, _)| *hash == row.hash) {
        Ok(Need::Silent)
    } else if is_long(step, row)? {
        Ok(Need::Long)
    } else {
        Ok(Need::None)
    }
}

/// The cards of contacts whose receipts stay away are looked for.
pub(crate) fn look(step: &mut Step<'_>) -> Result<(), Error> {
    for (_, chat) in step.tx.links.silent(step.now_ms.saturating_sub(schedule::SESSION_SILENT))? {
        fetch(step, &chat)?;
    }
    Ok(())
}

fn fetch(step: &Step<'_>, chat: &Chat) -> Result<(), Error> {
    match step.tx.persons.get(chat)? {
        Some(person) if person.cards_due_ms.is_none() && cards::card_secret(&person).is_some() => {
            contact::look_for_cards(step, chat, 0)
        }
        _ => Ok(()),
    }
}

/// Were these made after the last receipt in a session? Cards of somebody who is only away do not say that he lost it.
pub(crate) fn newer(step: &Step<'_>, row: &Session, list: &DeviceList, bundle: Option<&Bundle>) -> Result<bool, Error> {
    let heard_ms = step.tx.links.get(&row.hash)?.map_or(0, |link| link.heard_ms);
    let heard_ms = heard_ms.saturating_add(step.clock_ms.saturating_sub(step.now_ms));
    let heard_s = u64::try_from(heard_ms / 1000).unwrap_or(0);
    let made_s = bundle.map(|bundle| bundle.not_after_s.saturating_sub(MAX_VALIDITY_S));
    Ok(list.version > heard_s || made_s.is_some_and(|made| made > heard_s))
}

/// A fresh pair of ours for a contact, in place of the one before.
pub(crate) fn give(step: &mut Step<'_>, chat: &Chat) -> Result<ResetPair, Error> {
    let pair = PrekeyPair::generate(step.rng);
    let mut pairs = step.tx.prekeys.of(chat)?;
    pairs.sort_by_key(|old| std::cmp::Reverse(old.delete_ms.unwrap_or(i64::MAX)));
    for (newer, mut old) in pairs.into_iter().enumerate() {
        if newer + 1 >= PAIRS {
            step.tx.prekeys.remove(&old.id)?;
            continue;
        }
        let until = step.now_ms.saturating_add(REPLACED_MS);
        old.delete_ms = old.delete_ms.or(Some(until));
        step.tx.prekeys.put(&old)?;
    }
    step.tx.prekeys.put(&sotto_db::Prekey {
        id: pair.id(),
        private: pair.to_bytes().as_slice().into(),
        kind: PairKind::Reset,
        secret: None,
        chat: Some(*chat),
        delete_ms: None,
    })?;
    let public = pair.public();
    Ok(ResetPair { id: public.id, x25519: public.x25519, kem: Box::new(public.kem) })
}

/// Keeps the pair that a device of theirs gave, in the place of any other of that account: id 8 ‖ X25519 32 ‖ ML-KEM
/// 1,184.
pub(crate) fn keep_pair(step: &Step<'_>, chat: &Chat, from: &[u8; 16], pair: &ResetPair) -> Result<(), Error> {
    for device in step.tx.devices.of(chat)? {
        let given = device.device == *from;
        if given || device.reset_pair.is_some() {
            let pair = given.then(|| [pair.id.as_slice(), &pair.x25519, pair.kem.as_slice()].concat());
            step.tx.devices.edit(chat, &device.device, |device| device.reset_pair = pair)?;
        }
    }
    Ok(())
}

/// Is this session begun by the pair that the account gave?
pub(crate) fn is_by_pair(step: &Step<'_>, row: &Session) -> Result<bool, Error> {
    let Some(id) = row.prekey_id.filter(|_| row.initiator) else {
        return Ok(false);
    };
    Ok(step.tx.devices.of(&row.chat)?.iter().any(|device| has_pair(device, &id)))
}

fn has_pair(device: &Device, id: &[u8; 8]) -> bool {
    device.reset_pair.as_ref().is_some_and(|pair| pair.starts_with(id))
}

/// The pair that a device of theirs gave, if it serves this suite.
fn pair_of(step: &Step<'_>, chat: &Chat, of: &DeviceRecord, suite: u32) -> Result<Option<PrekeyPublic>, Error> {
    // Whoever is asked by an invite may have forgotten what was given before.
    let given = step
        .tx
        .persons
        .get(chat)?
        .is_some_and(|person| person.state == PersonState::Accepted && person.invite_secret.is_none());
    if !given || PREKEY_SUITES & suite == 0 {
        return Ok(None);
    }
    let pair = step.tx.devices.get(chat, &of.device_id)?.and_then(|device| device.reset_pair);
    Ok(pair.as_deref().and_then(|pair| {
        let (id, rest) = pair.split_first_chunk::<8>()?;
        let (x25519, kem) = rest.split_first_chunk::<32>()?;
        Some(PrekeyPublic { id: *id, x25519: *x25519, kem: *kem.first_chunk::<1184>()? })
    }))
}

/// The keys of a device for a new session: its reset pair, and where that was tried without an answer, or there is
/// none, its bundle.
pub(crate) fn key(
    step: &Step<'_>,
    chat: &Chat,
    sending: Option<&Session>,
    record: &DeviceRecord,
    suite: u32,
    bundle: Option<&Bundle>,
) -> Result<Option<PrekeyPublic>, Error> {
    let bundle = bundle.map(|bundle| PrekeyPublic { id: bundle.prekey_id, x25519: bundle.x25519, kem: *bundle.kem });
    let tried = |pair: &PrekeyPublic| sending.is_some_and(|row| !row.answered && row.prekey_id == Some(pair.id));
    Ok(match pair_of(step, chat, record, suite)? {
        Some(pair) if bundle.is_none() || !tried(&pair) => Some(pair),
        _ => bundle,
    })
}

fn is_long(step: &Step<'_>, row: &Session) -> Result<bool, Error> {
    if step.tx.links.get(&row.hash)?.is_none_or(|link| link.seq < CHAIN_MAX) {
        return Ok(false);
    }
    let session = sotto_crypto::Session::from_bytes(&row.snapshot);
    Ok(session.map_err(|_| Code::StorageCorrupt)?.sent_in_chain() >= CHAIN_MAX)
}

/// Begins a new session where the chain of the sending one is long: by their pair; else once their cards are here.
/// True: there is another one to send by.
pub(crate) fn shorten(step: &mut Step<'_>, chat: &Chat, row: &Session) -> Result<bool, Error> {
    if !is_long(step, row)? {
        return Ok(false);
    }
    if by_pair(step, chat, row)? {
        return Ok(true);
    }
    fetch(step, chat)?;
    Ok(false)
}

/// Begins a new session by the pair that their device gave, which needs no card, for the device is the same.
pub(crate) fn by_pair(step: &mut Step<'_>, chat: &Chat, row: &Session) -> Result<bool, Error> {
    let record = device::taken(step, chat)?.as_ref().and_then(device::record_of);
    let Some(record) = record.filter(|record| record.device_id == row.device) else {
        return Ok(false);
    };
    let Ok(suite) = device::suite(step, chat, &record)? else {
        return Ok(false);
    };
    let secret = step.tx.persons.get(chat)?.as_ref().and_then(cards::card_secret);
    match (pair_of(step, chat, &record, suite)?, secret) {
        (Some(pair), Some(secret)) => sessions::begin(step, chat, &record, &pair, secret),
        _ => Ok(false),
    }
}

/// A session was answered, so the pair it began with is used up: theirs if we began it, ours if they did.
pub(crate) fn answered(step: &Step<'_>, row: &Session) -> Result<(), Error> {
    let Some(id) = row.prekey_id else {
        return Ok(());
    };
    if row.initiator {
        for device in step.tx.devices.of(&row.chat)?.iter().filter(|device| has_pair(device, &id)) {
            step.tx.devices.edit(&row.chat, &device.device, |device| device.reset_pair = None)?;
        }
    } else if step.tx.prekeys.get(&id)?.is_some_and(|pair| pair.chat.is_some()) {
        step.tx.prekeys.remove(&id)?;
    }
    Ok(())
}

/// Sessions past their time go.
pub(crate) fn drop_old(step: &mut Step<'_>) -> Result<(), Error> {
    for row in step.tx.sessions.over(step.now_ms)? {
        drop_session(step, &row)?;
    }
    Ok(())
}

/// A session goes. What was sealed in it and not receipted leaves by the one that replaced it.
pub(crate) fn drop_session(step: &mut Step<'_>, row: &Session) -> Result<(), Error> {
    send::unseal(step, row)?;
    session::remove(step, row)?;
    send::seal_waiting(step, &row.chat)
}
