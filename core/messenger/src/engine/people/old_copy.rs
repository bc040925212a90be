//! An old copy of everything, put back: folder, key and counter together, as a backup does it.
//!
//! The other sides are ahead of such a copy. Proof: a receipt for a counter that was never used, or the own list in the
//! stores, signed by this device and newer than its own. Suspicion: a header of the next chain opens and its message
//! does not, because it answers a ratchet key that the copy lacks. An altered message looks the same, so suspicion
//! begins a new session without a notice. In both cases receipts for the old session raise nothing, and messages
//! without a receipt leave by a new session.

use sotto_db::{Ahead, Chat, Hash, PersonState, Session};

use crate::engine::base::own::{own_cards_changed, renew_record};
use crate::engine::base::schedule;
use crate::engine::carry::{link, receipt, send};
use crate::engine::keys::pairs;
use crate::engine::keys::session::set_ahead;
use crate::engine::people::kind::{hello, profile};
use crate::engine::people::{People, contact, reset};
use crate::error::{Code, Error};

/// Longest gap in the counters of a session, see [`gap`].
const GAP_MAX: u32 = 32;
/// Most sessions with a contact replaced for this reason in 7 days: a contact who lies about receipts causes no more.
const MOST: usize = 4;

/// The number of counters that each session skips at a start. An install that continued from the same copy used some of
/// these, or others after its own gap, so a receipt for any of them is not for this install.
pub(crate) fn gap(random: u32) -> u32 {
    1 + random % GAP_MAX
}

/// A receipt counts messages that were never sent in a session.
pub(crate) fn prove(step: &mut People<'_>, row: &Session) -> Result<(), Error> {
    if left(step, &row.chat, &row.hash)? >= MOST {
        return Ok(());
    }
    log::warn!("a receipt counts what was never sent: this is an old copy of the database");
    step.notice(Code::StorageRolledBack);
    set_ahead(step, &row.hash, Ahead::Proven)?;
    send::unseal(step, row)?;
    own_cards_changed(step)?; // this also reads the own list
    renew(step)?;
    due(step, &row.chat, 0)
}

/// How many other sessions with this contact were replaced because it is ahead.
fn left(step: &People<'_>, chat: &Chat, but: &Hash) -> Result<usize, Error> {
    let all = step.tx.sessions.of(chat)?;
    let left = |row: &&Session| row.ahead >= Ahead::Left && row.hash != *but;
    Ok(all.iter().filter(left).count())
}

/// Sets when a new session begins at the latest.
fn due(step: &mut People<'_>, chat: &Chat, in_ms: i64) -> Result<(), Error> {
    if contact::state(step, chat)? == Some(PersonState::Accepted) {
        let at_ms = step.now_ms.saturating_add(in_ms);
        step.persons.edit(chat, |person| {
            person.cards_due_ms = Some(person.cards_due_ms.map_or(at_ms, |due| due.min(at_ms)));
            person.cards_tries = 0;
        })?;
    }
    Ok(())
}

/// Contacts may know a newer record of this device than the copy has.
fn renew(step: &mut People<'_>) -> Result<(), Error> {
    if step.may_sign {
        renew_record(step, None)?;
    }
    Ok(())
}

/// A header of the next chain opened, its message did not.
pub(crate) fn doubt(step: &mut People<'_>, row: &Session) -> Result<(), Error> {
    let sending = step.tx.devices.session(&row.chat)? == Some(row.hash);
    if row.ahead != Ahead::No || !sending || left(step, &row.chat, &row.hash)? >= MOST {
        return Ok(());
    }
    set_ahead(step, &row.hash, Ahead::Doubt)?;
    renew(step)?;
    due(step, &row.chat, schedule::AHEAD_DOUBT)
}

/// Whether a new session must replace this sending session.
pub(crate) fn is_ahead(step: &People<'_>, row: &Session) -> Result<bool, Error> {
    if row.ahead != Ahead::No {
        return Ok(true);
    }
    // It was begun by the pair and not answered: the pair may be used up. The bundle is tried next.
    let late = row.created_ms.saturating_add(schedule::AHEAD_PAIR) <= step.now_ms;
    if row.answered || !late || !pairs::is_by_pair(step, row)? {
        return Ok(false);
    }
    let all = step.tx.sessions.of(&row.chat)?;
    let tried = |row: &&Session| row.initiator && !row.answered;
    Ok(all.iter().any(|row| row.ahead >= Ahead::Left) && all.iter().filter(tried).count() == 1)
}

/// Begins a session by the contact's reset pair in place of one it is ahead of. False if its cards are needed.
pub(crate) fn begin(step: &mut People<'_>, chat: &Chat) -> Result<bool, Error> {
    let Some(row) = send::sending_session(step, chat)?.filter(|row| row.ahead != Ahead::No) else {
        return Ok(false);
    };
    if !reset::by_pair(step, chat, &row)? {
        return Ok(false);
    }
    let due_ms = Some(step.now_ms.saturating_add(schedule::AHEAD_PAIR));
    step.persons.edit(chat, |person| person.cards_due_ms = due_ms)?;
    began(step, chat)?;
    send::seal_waiting(step, chat)?;
    Ok(true)
}

/// A new session has begun: messages of the old ones leave by it, and one leaves at once, so that the contact answers.
pub(crate) fn began(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    let sending = step.tx.devices.session(chat)?;
    for row in step.tx.sessions.of(chat)? {
        if sending == Some(row.hash) {
            continue;
        }
        if row.ahead == Ahead::Doubt {
            set_ahead(step, &row.hash, Ahead::Left)?;
        }
        send::unseal(step, &row)?;
    }
    profile::send(step, chat)?;
    hello::send(step, chat)
}

/// A contact began a new session: it may have lost its old ones, or be an old copy. It gets receipts for all that
/// arrived in them, and messages without its receipt leave by the new session.
pub(crate) fn they_began_anew(step: &mut People<'_>, chat: &Chat, new: &Hash) -> Result<(), Error> {
    let sending = step.tx.devices.session(chat)?;
    for row in step.tx.sessions.of(chat)? {
        if row.hash == *new {
            continue;
        }
        if step.tx.links.get(&row.hash)?.as_ref().is_some_and(receipt::is_receiving) {
            link::owe_all(step, &row.hash)?;
        }
        if sending != Some(row.hash) {
            send::unseal(step, &row)?;
        }
    }
    Ok(())
}

/// The own list in the stores is newer than this install, so all contacts are ahead too.
pub(crate) fn proven_by_own_list(step: &mut People<'_>) -> Result<(), Error> {
    log::warn!("the own list is newer: this is an old copy of the database");
    step.notice(Code::StorageRolledBack);
    for person in step.persons.all()? {
        let chat = &person.chat;
        if step.tx.sessions.of(chat)?.iter().any(|row| row.ahead >= Ahead::Left) {
            continue; // sent already
        }
        if let Some(row) = send::sending_session(step, chat)? {
            set_ahead(step, &row.hash, Ahead::Proven)?;
            send::unseal(step, &row)?;
            due(step, chat, 0)?;
        }
    }
    Ok(())
}
