//! A session begun anew: because receipts stay away, or because a chain grew long without an answer. Never because
//! something could not be decrypted.

use sotto_crypto::{PREKEY_SUITES, PrekeyPair, PrekeyPublic};
use sotto_db::{Contact, NEVER, Session};
use sotto_wire::content::ResetPair;
use sotto_wire::identity::{Bundle, DeviceList, DeviceRecord, MAX_VALIDITY_S};

use super::base::schedule;
use super::step::{DAY, Step};
use super::{admit, cards, device, old_copy, send, session, state};
use crate::error::{Code, Error};

/// After so many messages in one chain without an answer the next ones leave by a new session.
const CHAIN_MAX: u32 = 5_000;
/// A replaced pair lives on,
const REPLACED_MS: i64 = 31 * DAY;
/// unless there are so many newer ones.
const PAIRS: usize = 8;

/// Why a session is to be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
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
pub(super) fn need(step: &Step<'_>, contact: &Contact, row: &Session) -> Result<Need, Error> {
    let asks = matches!(contact.state, state::REQUESTED | state::ACCEPTED);
    if asks && contact.invite_secret.is_some() && row.mask_secret != contact.invite_secret {
        return Ok(Need::Invited);
    }
    if old_copy::is_ahead(step, contact, row)? {
        return Ok(Need::Ahead);
    }
    let silent = step.tx.sessions_silent(step.now_ms.saturating_sub(schedule::SESSION_SILENT))?;
    if silent.iter().any(|one| one.hash == row.hash) {
        Ok(Need::Silent)
    } else if is_long(row)? {
        Ok(Need::Long)
    } else {
        Ok(Need::None)
    }
}

/// The cards of contacts whose receipts stay away are looked for.
pub(super) fn look(step: &mut Step<'_>) -> Result<(), Error> {
    for row in step.tx.sessions_silent(step.now_ms.saturating_sub(schedule::SESSION_SILENT))? {
        if let Some(mut contact) = step.tx.contact(&row.chat)? {
            fetch(step, &mut contact)?;
        }
    }
    Ok(())
}

fn fetch(step: &Step<'_>, contact: &mut Contact) -> Result<(), Error> {
    if contact.fetch_due_ms.is_none() && cards::card_secret(contact).is_some() {
        contact.fetch_due_ms = Some(step.now_ms);
        contact.fetch_tries = 0;
        step.tx.contact_put(contact)?;
    }
    Ok(())
}

/// Were these made after the last receipt in a session? Cards of somebody who is only away do not say that he lost it.
pub(super) fn newer(step: &Step<'_>, row: &Session, list: &DeviceList, bundle: Option<&Bundle>) -> bool {
    let heard_ms = row.heard_ms.saturating_add(step.clock_ms.saturating_sub(step.now_ms));
    let heard_s = u64::try_from(heard_ms / 1000).unwrap_or(0);
    let made_s = bundle.map(|bundle| bundle.not_after_s.saturating_sub(MAX_VALIDITY_S));
    list.version > heard_s || made_s.is_some_and(|made| made > heard_s)
}

/// A fresh pair of ours for a contact, in place of the one before.
pub(super) fn give(step: &mut Step<'_>, contact: &Contact) -> Result<ResetPair, Error> {
    let pair = PrekeyPair::generate(step.rng);
    let mut pairs = step.tx.prekeys_of(&contact.chat)?;
    pairs.sort_by_key(|old| std::cmp::Reverse(old.delete_ms.unwrap_or(i64::MAX)));
    for (newer, mut old) in pairs.into_iter().enumerate() {
        if newer + 1 >= PAIRS {
            step.tx.prekey_delete(&old.id)?;
            continue;
        }
        let until = step.now_ms.saturating_add(REPLACED_MS);
        old.delete_ms = old.delete_ms.or(Some(until));
        step.tx.prekey_put(&old)?;
    }
    step.tx.prekey_put(&sotto_db::Prekey {
        id: pair.id(),
        private: pair.to_bytes().as_slice().into(),
        kind: admit::RESET,
        secret: None,
        chat: Some(contact.chat),
        delete_ms: None,
    })?;
    let public = pair.public();
    Ok(ResetPair { id: public.id, x25519: public.x25519, kem: Box::new(public.kem) })
}

/// A pair of theirs as it is stored: id 8 ‖ X25519 32 ‖ ML-KEM 1,184 ‖ the device that gave it 16.
pub(super) fn store(pair: &ResetPair, device: &[u8; 16]) -> Vec<u8> {
    [pair.id.as_slice(), &pair.x25519, pair.kem.as_slice(), device].concat()
}

/// Is this session begun by the pair that the contact gave?
pub(super) fn is_by_pair(contact: &Contact, row: &Session) -> bool {
    let pair = contact.reset_pair.as_deref();
    let id = row.prekey_id.as_ref().filter(|_| row.initiator);
    id.is_some_and(|id| pair.is_some_and(|pair| pair.starts_with(id)))
}

/// The pair that a device of theirs gave, if it serves this suite.
fn pair_of(contact: &Contact, of: &DeviceRecord, suite: u32) -> Option<PrekeyPublic> {
    let (id, rest) = contact.reset_pair.as_deref()?.split_first_chunk::<8>()?;
    let (x25519, rest) = rest.split_first_chunk::<32>()?;
    let (kem, giver) = rest.split_first_chunk::<1184>()?;
    // Whoever is asked by an invite may have forgotten what was given before.
    let given = contact.state == state::ACCEPTED && contact.invite_secret.is_none() && *giver == of.device_id;
    let serves = given && PREKEY_SUITES & suite != 0;
    serves.then_some(PrekeyPublic { id: *id, x25519: *x25519, kem: *kem })
}

/// The keys of a device for a new session: its reset pair, and where that was tried without an answer, or there is
/// none, its bundle.
pub(super) fn key(
    contact: &Contact,
    sending: Option<&Session>,
    record: &DeviceRecord,
    suite: u32,
    bundle: Option<&Bundle>,
) -> Option<PrekeyPublic> {
    let bundle = bundle.map(|bundle| PrekeyPublic { id: bundle.prekey_id, x25519: bundle.x25519, kem: *bundle.kem });
    let tried = |pair: &PrekeyPublic| sending.is_some_and(|row| !row.answered && row.prekey_id == Some(pair.id));
    match pair_of(contact, record, suite) {
        Some(pair) if bundle.is_none() || !tried(&pair) => Some(pair),
        _ => bundle,
    }
}

fn is_long(row: &Session) -> Result<bool, Error> {
    if row.seq < CHAIN_MAX {
        return Ok(false);
    }
    let session = sotto_crypto::Session::from_bytes(&row.snapshot);
    Ok(session.map_err(|_| Code::StorageCorrupt)?.sent_in_chain() >= CHAIN_MAX)
}

/// Begins a new session where the chain of the sending one is long: by their pair; else once their cards are here.
/// True: there is another one to send by.
pub(super) fn shorten(step: &mut Step<'_>, contact: &mut Contact, row: &Session) -> Result<bool, Error> {
    if !is_long(row)? {
        return Ok(false);
    }
    if by_pair(step, contact, row)? {
        return Ok(true);
    }
    fetch(step, contact)?;
    Ok(false)
}

/// Begins a new session by the pair that their device gave, which needs no card, for the device is the same.
pub(super) fn by_pair(step: &mut Step<'_>, contact: &mut Contact, row: &Session) -> Result<bool, Error> {
    let record = contact.record.as_deref().map(DeviceRecord::decode);
    let record = record.and_then(Result::ok).filter(|record| record.device_id == row.device);
    let pair = record.as_ref().and_then(|record| {
        let suite = device::suite(step, contact, record).ok()?;
        pair_of(contact, record, suite)
    });
    match (record, pair, cards::card_secret(contact)) {
        (Some(record), Some(pair), Some(secret)) => session::begin(step, contact, &record, &pair, secret),
        _ => Ok(false),
    }
}

/// A session was answered, so the pair it began with is used up: theirs if we began it, ours if they did.
pub(super) fn answered(step: &Step<'_>, row: &Session) -> Result<(), Error> {
    let Some(id) = row.prekey_id else {
        return Ok(());
    };
    if row.initiator {
        if let Some(mut contact) = step.tx.contact(&row.chat)?
            && contact.reset_pair.as_ref().is_some_and(|pair| pair.starts_with(&id))
        {
            contact.reset_pair = None;
            step.tx.contact_put(&contact)?;
        }
        return Ok(());
    }
    match step.tx.prekey(&id)? {
        Some(pair) if pair.chat.is_some() => Ok(step.tx.prekey_delete(&id)?),
        _ => Ok(()),
    }
}

/// What is sealed in a session and not receipted waits to be sealed anew.
pub(super) fn unseal(step: &Step<'_>, row: &Session) -> Result<(), Error> {
    for mut out in step.tx.outbox_of_chat(&row.chat)? {
        if out.kind != send::UNTIL_RECEIPTED || out.session != Some(row.hash) {
            continue;
        }
        out.payload = None;
        out.session = None;
        out.seq = None;
        out.due_ms = NEVER;
        // A pointer waits for its chunks only while they are on their way.
        if let Some(group) = &out.group_key
            && step.tx.outbox_in_group(group, send::CHUNK)? == 0
        {
            out.group_key = None;
        }
        step.tx.outbox_update(&out)?;
    }
    Ok(())
}

/// Sessions past their time go.
pub(super) fn drop_old(step: &mut Step<'_>) -> Result<(), Error> {
    for row in step.tx.sessions_over(step.now_ms)? {
        drop_session(step, &row)?;
    }
    Ok(())
}

/// A session goes. What was sealed in it and not receipted leaves by the one that replaced it.
pub(super) fn drop_session(step: &mut Step<'_>, row: &Session) -> Result<(), Error> {
    unseal(step, row)?;
    step.index.forget(&row.hash);
    step.tx.session_delete(&row.hash)?;
    send::seal_waiting(step, &row.chat)
}
