//! New sessions in place of silent ones and of long chains. Never because of a failed decryption.

use sotto_crypto::PrekeyPublic;
use sotto_db::{Ahead, Chat, Person, PersonState, Session};
use sotto_wire::identity::{Bundle, DeviceList, DeviceRecord, MAX_VALIDITY_S};

use crate::engine::base::schedule::{self, HOUR};
use crate::engine::carry::{link, send};
use crate::engine::keys::{device, pairs, session};
use crate::engine::people::{People, cards, contact, old_copy, sessions};
use crate::error::{Code, Error};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// None: the existing session is fine.
    None,
    First,
    /// Another invite of theirs was given.
    Invited,
    /// Its receipts are missing: its messages are sealed again.
    Silent,
    /// Its chain is long: messages sealed in it stay so.
    Long,
    /// The other side is ahead: this is an old copy of the database.
    Ahead,
}

/// Why the sending session must be replaced.
pub(crate) fn need(step: &People<'_>, sending: Option<&Session>) -> Result<Need, Error> {
    let Some(row) = sending else {
        return Ok(Need::First);
    };
    let person = step.persons.get(&row.chat)?.filter(|person| contact::may_write(person.state));
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
    } else if send::is_long(step, row)? {
        Ok(Need::Long)
    } else {
        Ok(Need::None)
    }
}

/// Looks for cards of contacts whose receipts are missing.
pub(crate) fn look(step: &mut People<'_>) -> Result<(), Error> {
    for (_, chat) in step.tx.links.silent(step.now_ms.saturating_sub(schedule::SESSION_SILENT))? {
        fetch(step, &chat)?;
    }
    Ok(())
}

fn fetch(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    match step.persons.get(chat)? {
        Some(person) if person.cards_due_ms.is_none() && cards::card_secret(&person).is_some() => {
            contact::look_for_cards(step, chat)
        }
        _ => Ok(()),
    }
}

/// Whether these cards were made after the last receipt: older ones do not show that the session was lost.
pub(crate) fn newer(
    step: &People<'_>,
    row: &Session,
    list: &DeviceList,
    bundle: Option<&Bundle>,
) -> Result<bool, Error> {
    let heard_ms = step.tx.links.get(&row.hash)?.map_or(0, |link| link.heard_ms);
    let heard_ms = heard_ms.saturating_add(step.clock_ms.saturating_sub(step.now_ms));
    let heard_s = u64::try_from(heard_ms / 1000).unwrap_or(0);
    let made_s = bundle.map(|bundle| bundle.not_after_s.saturating_sub(MAX_VALIDITY_S));
    Ok(list.version > heard_s || made_s.is_some_and(|made| made > heard_s))
}

/// The pair of a contact's device, if it may be used.
fn pair_of(step: &People<'_>, chat: &Chat, of: &DeviceRecord, suite: u32) -> Result<Option<PrekeyPublic>, Error> {
    // An inviter may have forgotten earlier pairs.
    let given = step
        .persons
        .get(chat)?
        .is_some_and(|person| person.state == PersonState::Accepted && person.invite_secret.is_none());
    if given { pairs::of(step, chat, of, suite) } else { Ok(None) }
}

/// The keys of a device for a new session: its reset pair; or its bundle, if the pair had no answer or there is none.
pub(crate) fn key(
    step: &People<'_>,
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

/// Begins a new session in place of each long chain: by the contact's pair, else when its cards are found.
pub(crate) fn shorten(step: &mut People<'_>) -> Result<(), Error> {
    while let Some(chat) = step.long.pop_first() {
        if let Some(row) = send::sending_session(step, &chat)?
            && send::is_long(step, &row)?
            && !by_pair(step, &chat, &row)?
        {
            fetch(step, &chat)?;
        }
    }
    Ok(())
}

/// Begins a new session by the pair of the contact's device. It needs no card, because the device is the same.
pub(crate) fn by_pair(step: &mut People<'_>, chat: &Chat, row: &Session) -> Result<bool, Error> {
    let record = device::taken(step, chat)?.as_ref().and_then(device::record_of);
    let Some(record) = record.filter(|record| record.device_id == row.device) else {
        return Ok(false);
    };
    let Ok(suite) = device::suite(step, chat, &record)? else {
        return Ok(false);
    };
    let secret = step.persons.get(chat)?.as_ref().and_then(cards::card_secret);
    match (pair_of(step, chat, &record, suite)?, secret) {
        (Some(pair), Some(secret)) => sessions::begin(step, chat, &record, &pair, secret),
        _ => Ok(false),
    }
}

/// Begins a new session on request of the user, who reports trouble. Messages without a receipt are sealed again in it.
/// A session that is younger than an hour, was not answered yet, or is being replaced already stays.
pub(crate) fn asked(step: &mut People<'_>, person: &Person) -> Result<(), Error> {
    let chat = &person.chat;
    if person.state != PersonState::Accepted {
        return Err(Code::ContactState.into());
    }
    let lately = step.now_ms.saturating_sub(HOUR)..=step.now_ms;
    match send::sending_session(step, chat)? {
        Some(row) if row.ahead != Ahead::No || lately.contains(&row.created_ms) => return Ok(()),
        Some(row) if row.initiator && !row.answered => return Ok(()),
        Some(row) => {
            session::set_ahead(step, &row.hash, Ahead::Doubt)?;
            if old_copy::begin(step, chat)? {
                return Ok(());
            }
        }
        None if person.cards_due_ms.is_some() => return Ok(()),
        None => {}
    }
    contact::look_for_cards(step, chat)
}

pub(crate) fn drop_old(step: &mut People<'_>) -> Result<(), Error> {
    for row in step.tx.sessions.over(step.now_ms)? {
        drop_session(step, &row)?;
    }
    Ok(())
}

/// Deletes a session. Its messages without a receipt leave by the session that replaced it.
pub(crate) fn drop_session(step: &mut People<'_>, row: &Session) -> Result<(), Error> {
    send::unseal(step, row)?;
    link::remove(step, row)?;
    send::seal_waiting(step, &row.chat)
}
