//! Cards of others, lane c, and the own list in the stores.

use sotto_crypto::{CardSecret, secret_bucket};
use sotto_db::{Chat, Person, PersonState};
use sotto_wire::identity::{DeviceList, DeviceRecord, Profile};
use sotto_wire::topic::Lane;

use crate::engine::base::own::{KEY_NEXT_CONTACTS, KEY_NEXT_SELF, KEY_RESTORING, renew_record};
use crate::engine::base::schedule::{self, HOUR};
use crate::engine::carry::send;
use crate::engine::hear::query::{Query, What};
use crate::engine::keys::found::{Cards, Found};
use crate::engine::keys::publish::publish_self;
use crate::engine::keys::{device, session};
use crate::engine::people::kind::{list, profile};
use crate::engine::people::reset::{self, Need};
use crate::engine::people::{People, contact, devices, old_copy, sessions, takeover};
use crate::error::{Code, Error, OrBug};

const LOOK_BACK_MS: i64 = 44 * HOUR;
/// How often the cards of a contact's other invite are looked for: for longer than an invite is valid, 7 days.
const INVITE_TRIES: u32 = 18;

/// Looks for an account's cards under a secret; lists below a version are refused.
pub(crate) fn look(step: &mut People<'_>, secret: &[u8; 16], what: What, (chat, known_version): ([u8; 33], u64)) {
    let start_ms = step.clock_ms.saturating_sub(LOOK_BACK_MS);
    let end_ms = step.clock_ms.saturating_add(20_000);
    let found = Found::new(*secret, chat, known_version, (start_ms, end_ms));
    let place = step.queries.len();
    step.finds.push((place, found));
    let topic = step.topic(Lane::Card, &secret_bucket(&CardSecret::new(secret)));
    step.queries.push(Query {
        what,
        circle: sotto_net::Circle::Alone,
        topics: vec![topic],
        start_ms,
        end_ms: None,
        newest_first: true,
        most_bytes: None,
        from_ns: None,
    });
}

pub(crate) fn ask(step: &mut People<'_>, chat: Chat) -> Result<(), Error> {
    let sending = send::sending_session(step, &chat)?;
    let need = reset::need(step, sending.as_ref())?;
    if need == Need::Ahead && old_copy::begin(step, &chat)? {
        return Ok(());
    }
    let person = step.persons.get(&chat)?.filter(|_| need != Need::None);
    let secret = person.as_ref().and_then(card_secret);
    // Every answer sets this again; without an answer this time holds.
    let due_ms = secret.map(|_| step.now_ms.saturating_add(schedule::CARDS_SILENT));
    step.persons.edit(&chat, |person| person.cards_due_ms = due_ms)?;
    if let Some(secret) = secret {
        let known = step.tx.peers.get(&chat)?.and_then(|peer| u64::try_from(peer.list_version).ok());
        look(step, &secret, What::Cards { chat }, (chat, known.unwrap_or(0)));
    }
    Ok(())
}

/// The answer to a query for an account's cards; `None` if no store answered.
pub(crate) fn fetched(step: &mut People<'_>, chat: &Chat, found: Option<Cards>) -> Result<(), Error> {
    let Some(person) = step.persons.get(chat)? else {
        return Ok(());
    };
    let Some(secret) = card_secret(&person) else {
        return Ok(());
    };
    let (asked, accepted) = (found.is_some(), person.state == PersonState::Accepted);
    let requested = person.invite_secret == Some(secret);
    if found.as_ref().is_some_and(|cards| cards.closed) && requested {
        contact::wait(step, chat, Code::InviteUsed)?;
        step.persons.edit(chat, |person| {
            person.cards_due_ms = None;
            person.invite_secret = person.invite_secret.filter(|_| !accepted); // the earlier sessions go on
        })?;
        step.fx.contacts = true;
        return session::choose_sending(step, chat);
    }
    let refused = found.as_ref().and_then(|cards| cards.refused);
    if let Some(cards) = found
        && take(step, chat, cards, secret)?
    {
        return Ok(());
    }
    if accepted && requested && person.cards_tries >= INVITE_TRIES {
        // The invite leads nowhere; the earlier sessions go on, and may be replaced.
        step.persons.edit(chat, |person| (person.invite_secret, person.cards_due_ms) = (None, None))?;
        step.fx.contacts = true;
        return contact::wait_no_more(step, chat);
    }
    let unreachable = Code::InviteUnreachable;
    let waiting = step.persons.get(chat)?.and_then(|person| person.waiting);
    let why = match (refused, waiting) {
        (Some(code), shown) if shown.as_ref().is_none_or(|shown| shown == unreachable.as_str()) => Some(code),
        (None, None) if requested && asked => Some(unreachable),
        _ => None,
    };
    if let Some(code) = why {
        contact::wait(step, chat, code)?;
        step.fx.contacts = true;
    }
    let due_ms = step.after(&schedule::CARDS, person.cards_tries);
    Ok(step.persons.change(chat, |person| {
        person.cards_tries = person.cards_tries.saturating_add(1);
        person.cards_due_ms = Some(due_ms);
    })?)
}

/// Begins a session with the found cards. False if they are looked for again.
fn take(step: &mut People<'_>, chat: &Chat, cards: Cards, secret: [u8; 16]) -> Result<bool, Error> {
    let Some(list) = cards.list else {
        return Ok(false);
    };
    let bundle = cards.bundle.as_ref().map(|(_, bundle)| bundle);
    let sending = send::sending_session(step, chat)?;
    let need = reset::need(step, sending.as_ref())?;
    match (need, &sending) {
        (Need::None, _) => {
            // A receipt came meanwhile.
            step.persons.edit(chat, |person| (person.cards_due_ms, person.waiting) = (None, None))?;
            return Ok(true);
        }
        (Need::Silent, Some(row)) if !reset::newer(step, row, &list, bundle)? => return Ok(false),
        _ => {}
    }
    for record in &list.records {
        if !device::is_itself(step, chat, record)? {
            devices::changed(step, chat)?;
            return Ok(false);
        }
    }
    let taken = device::taken(step, chat)?.map(|device| device.device);
    let known = taken.and_then(|device| list.record(&device));
    let Some(record) = known.or(cards.bundle.as_ref().map(|(record, _)| record)) else {
        return Ok(false);
    };
    let suite = match device::suite(step, chat, record)? {
        Ok(suite) => suite,
        Err(code) => {
            devices::refuse(step, chat, code)?;
            return Ok(false);
        }
    };
    let serves =
        cards.bundle.as_ref().filter(|(of, bundle)| of.device_id == record.device_id && bundle.suites & suite != 0);
    let serves = serves.map(|(_, bundle)| bundle);
    let Some(prekey) = reset::key(step, chat, sending.as_ref(), record, suite, serves)? else {
        return Ok(false);
    };
    if let Some(done) = meet(step, chat, record, cards.profile)? {
        return Ok(done);
    }
    if !sessions::begin(step, chat, record, &prekey, secret)? {
        return Ok(false);
    }
    if need == Need::Ahead {
        old_copy::began(step, chat)?;
    } else if let Some(row) = sending.filter(|_| need != Need::Long) {
        send::unseal(step, &row)?;
    }
    send::seal_waiting(step, chat)?;
    Ok(true)
}

/// The device to begin a session with. `Some`: none, and whether its cards are no longer looked for.
fn meet(
    step: &mut People<'_>,
    chat: &Chat,
    record: &DeviceRecord,
    profile: Option<Profile>,
) -> Result<Option<bool>, Error> {
    step.fx.contacts = true;
    let other = device::is_other(step, chat, record)?;
    let person = step.persons.get(chat)?.or_bug("whose cards were found")?;
    if other && person.verified {
        // It is shown, and gets nothing before the person accepts it.
        devices::hold(step, chat, record)?;
        contact::put_off_cards(step, *chat, step.now_ms.saturating_add(schedule::CARDS_OTHER_DEVICE))?;
        devices::changed(step, chat)?;
        return Ok(Some(true));
    }
    // Only a contact's confirmed device sets its name and home value.
    if person.state == PersonState::Requested {
        let Some(profile) = profile else {
            return Ok(Some(false));
        };
        profile::note(step, chat, profile.home, &profile.name)?;
    }
    if other {
        devices::changed(step, chat)?;
    }
    Ok(None)
}

pub(crate) fn card_secret(person: &Person) -> Option<[u8; 16]> {
    match person.state {
        PersonState::Requested => person.invite_secret,
        PersonState::Accepted => person.invite_secret.or(person.contacts_secret),
        _ => None,
    }
}

/// Asks a store for the own list; again after a while, unless the answer sets a later time.
pub(crate) fn ask_own(step: &mut People<'_>) -> Result<(), Error> {
    set_next_self(step, schedule::OWN_LIST_SILENT)?;
    let secret = *step.own()?.account.self_secret().as_bytes();
    let whose = (step.own()?.chat, 0);
    look(step, &secret, What::OwnList, whose);
    Ok(())
}

/// The own list in the stores: shows whether the phrase was restored elsewhere.
pub(crate) fn own_list(step: &mut People<'_>, found: Cards) -> Result<(), Error> {
    let own = step.own()?;
    // A list that this device signed later than it remembers.
    let newer = found.list.as_ref().filter(|list| own.is_in(list)).map(|list| list.version);
    let newer = newer.filter(|version| *version > own.record.list_version);
    let other = found.list.filter(|list| !own.is_in(list));
    let restoring = step.tx.kv.get(KEY_RESTORING)?.is_some();
    let outranks = |list: &DeviceList| takeover::outranks(own, list);
    if !restoring && other.as_ref().is_some_and(outranks) {
        takeover::replaced(step)?;
    } else if let Some(version) = newer.filter(|_| step.may_sign) {
        old_copy::proven_by_own_list(step)?;
        let record = renew_record(step, Some(version))?;
        publish_self(step, &record)?;
        let now_ms = step.now_ms;
        step.kv.set_time(KEY_NEXT_CONTACTS, now_ms)?;
        list::tell(step, &record)?;
    } else if restoring || step.now_ms.saturating_sub(own.published_ms) >= schedule::REFRESH_MIN - HOUR {
        if !step.may_sign {
            return Ok(()); // a wrong clock signs nothing
        }
        step.kv.remove(KEY_RESTORING)?;
        let record = renew_record(step, other.map(|list| list.version))?;
        publish_self(step, &record)?;
        list::tell(step, &record)?;
        if restoring {
            takeover::publish(step, &record)?;
            return set_next_self(step, schedule::OWN_LIST_RESTORED);
        }
    }
    let wait_ms = schedule::REFRESH.wait(0, step.rng);
    set_next_self(step, wait_ms)
}

fn set_next_self(step: &mut People<'_>, in_ms: i64) -> Result<(), Error> {
    step.fx.own = true;
    let now_ms = step.now_ms;
    Ok(step.kv.set_time(KEY_NEXT_SELF, now_ms.saturating_add(in_ms))?)
}
