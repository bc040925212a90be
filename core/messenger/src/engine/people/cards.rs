//! Lane c: own cards under invite, contacts and self secret, and what is read from those of others.

use sotto_crypto::{
    CardSecret, DeviceId, PREKEY_SUITES, PrekeyPair, PrekeyPublic, Random, card_seal, card_tag, secret_bucket,
};
use sotto_db::{Chat, Class, PairKind, Parcel, Person, PersonState, Prekey};
use sotto_wire::envelope::{CARD_ROOM, Envelope, pad};
use sotto_wire::identity::{
    Bundle, CardKind, Closed, DeviceList, DeviceRecord, LABEL_BUNDLE, LABEL_CLOSED, LABEL_PROFILE, MAX_VALIDITY_S,
    NO_DEVICE, Profile, next_version, secret_hash,
};
use sotto_wire::topic::Lane;

use crate::engine::base::own::{
    KEY_NEXT_CONTACTS, KEY_NEXT_SELF, KEY_PROFILE, KEY_PUBLISHED, KEY_RESTORING, record, renew_record,
};
use crate::engine::base::schedule;
use crate::engine::base::step::{DAY, HOUR, Step};
use crate::engine::carry::send;
use crate::engine::hear::query::{Query, What};
use crate::engine::keys::device;
use crate::engine::keys::found::{Cards, Found};
use crate::engine::keys::session;
use crate::engine::people::contact;
use crate::engine::people::devices;
use crate::engine::people::old_copy;
use crate::engine::people::reset::{self, Need};
use crate::engine::people::sessions;
use crate::engine::people::takeover;
use crate::engine::post::parcel;
use crate::error::{Code, Error, OrBug};

/// How far back cards are looked for.
const LOOK_BACK_MS: i64 = 44 * HOUR;
/// The cards of another invite of a contact are looked for so often: for longer than an invite is open, 7 days.
const INVITE_TRIES: u32 = 18;

/// The cards of an invite, or that it is closed; then when they are due again.
pub(crate) fn publish_invite(step: &mut Step<'_>, mut row: sotto_db::Invite) -> Result<(), Error> {
    step.tx.parcels.remove_batch(&row.secret)?;
    if row.expires_ms <= step.now_ms {
        step.tx.invites.remove(&row.secret)?;
        return Ok(());
    }
    if row.closed_ms.is_some() {
        closed(step, &row.secret)?;
        row.next_card_ms = step.now_ms.saturating_add(schedule::CLOSED_CARD);
        return Ok(step.tx.invites.put(&row)?);
    }
    if !step.may_sign {
        row.next_card_ms = step.now_ms.saturating_add(schedule::UNSIGNED);
        return Ok(step.tx.invites.put(&row)?);
    }
    let stored = step.tx.prekeys.get(&row.prekey_id)?.or_bug("pair of an invite")?;
    let pair = PrekeyPair::from_bytes(&stored.private).map_err(|_| Code::StorageCorrupt)?;
    let record = record(step)?;
    list(step, &row.secret, &record)?;
    bundle(step, &row.secret, &record, &pair.public())?;
    profile(step, &row.secret)?;
    row.next_card_ms = step.after(&schedule::REFRESH, 0);
    Ok(step.tx.invites.put(&row)?)
}

/// The list under the self secret, with a record just renewed.
fn publish_self(step: &mut Step<'_>, record: &DeviceRecord) -> Result<(), Error> {
    let self_secret = *step.own()?.account.self_secret().as_bytes();
    step.tx.parcels.remove_batch(&self_secret)?;
    list(step, &self_secret, record)?;
    step.fx.own = true;
    Ok(step.tx.kv.set_time(KEY_PUBLISHED, step.now_ms)?)
}

/// The cards under the contacts secret, and when they are due again.
pub(crate) fn publish_contacts(step: &mut Step<'_>) -> Result<(), Error> {
    step.fx.own = true;
    if !step.may_sign {
        let again_ms = step.now_ms.saturating_add(schedule::UNSIGNED);
        return Ok(step.tx.kv.set_time(KEY_NEXT_CONTACTS, again_ms)?);
    }
    let next_ms = step.after(&schedule::REFRESH, 0);
    step.tx.kv.set_time(KEY_NEXT_CONTACTS, next_ms)?;
    if step.tx.persons.count_in(PersonState::Accepted)? == 0 {
        return Ok(());
    }
    let record = record(step)?;
    let secret = *step.own()?.contacts_secret;
    let pair = PrekeyPair::generate(step.rng);
    let lives_ms = (MAX_VALIDITY_S as i64) * 1000 + step.retention_ms() + DAY;
    step.tx.prekeys.put(&Prekey {
        id: pair.id(),
        private: pair.to_bytes().as_slice().into(),
        kind: PairKind::Bundle,
        secret: Some(secret),
        chat: None,
        delete_ms: Some(step.now_ms.saturating_add(lives_ms)),
    })?;
    step.tx.parcels.remove_batch(&secret)?;
    list(step, &secret, &record)?;
    bundle(step, &secret, &record, &pair.public())?;
    profile(step, &secret)
}

fn list(step: &mut Step<'_>, secret: &[u8; 16], record: &DeviceRecord) -> Result<(), Error> {
    let list = step.own()?.list(record, &secret_hash(secret))?;
    let bytes = list.encode().or_bug("own list")?;
    card(step, secret, CardKind::List, &NO_DEVICE, &bytes)
}

fn bundle(step: &mut Step<'_>, secret: &[u8; 16], record: &DeviceRecord, prekey: &PrekeyPublic) -> Result<(), Error> {
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

fn profile(step: &mut Step<'_>, secret: &[u8; 16]) -> Result<(), Error> {
    let own = step.own()?;
    let last = u64::try_from(step.tx.kv.time(KEY_PROFILE)?).unwrap_or(0);
    let version = next_version(Some(last), step.clock_s());
    step.tx.kv.set_time(KEY_PROFILE, i64::try_from(version).unwrap_or(i64::MAX))?;
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

fn closed(step: &mut Step<'_>, secret: &[u8; 16]) -> Result<(), Error> {
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

/// Seals one card and puts it into the outbox.
fn card(step: &mut Step<'_>, secret: &[u8; 16], kind: CardKind, device: &[u8; 16], plain: &[u8]) -> Result<(), Error> {
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

/// A query for the cards of an account under a secret; lists below a version are not taken.
pub(crate) fn query(step: &Step<'_>, secret: &[u8; 16], what: What, (chat, known_version): ([u8; 33], u64)) -> Query {
    let start_ms = step.clock_ms.saturating_sub(LOOK_BACK_MS);
    let end_ms = step.clock_ms.saturating_add(20_000);
    let found = Found::new(*secret, chat, known_version, (start_ms, end_ms));
    Query {
        what,
        circle: sotto_net::Circle::Alone,
        topics: vec![step.topic(Lane::Card, &secret_bucket(&CardSecret::new(secret)))],
        start_ms,
        end_ms: None,
        newest_first: true,
        found: Some(Box::new(found)),
    }
}

/// Asks for the cards of an account that waits for them.
pub(crate) fn ask(step: &mut Step<'_>, chat: Chat) -> Result<(), Error> {
    let need = match send::sending_session(step, &chat)? {
        Some(row) => reset::need(step, &row)?,
        None => Need::First,
    };
    if need == Need::Ahead && old_copy::begin(step, &chat)? {
        return Ok(());
    }
    let person = step.tx.persons.get(&chat)?.filter(|_| need != Need::None);
    let secret = person.as_ref().and_then(card_secret);
    // Set again by whatever comes of it; until then, should nothing come.
    let due_ms = secret.map(|_| step.now_ms.saturating_add(schedule::CARDS_SILENT));
    step.tx.persons.edit(&chat, |person| person.cards_due_ms = due_ms)?;
    if let Some(secret) = secret {
        let known = step.tx.peers.get(&chat)?.and_then(|peer| u64::try_from(peer.list_version).ok());
        let query = query(step, &secret, What::Cards { chat }, (chat, known.unwrap_or(0)));
        step.fx.queries.push(query);
    }
    Ok(())
}

/// What came of a question for an account's cards; `None`: no store answered.
pub(crate) fn fetched(step: &mut Step<'_>, chat: &Chat, found: Option<Cards>) -> Result<(), Error> {
    let Some(person) = step.tx.persons.get(chat)? else {
        return Ok(());
    };
    let Some(secret) = card_secret(&person) else {
        return Ok(());
    };
    let (asked, accepted) = (found.is_some(), person.state == PersonState::Accepted);
    let requested = person.invite_secret == Some(secret);
    if found.as_ref().is_some_and(|cards| cards.closed) && requested {
        contact::wait(step, chat, Code::InviteUsed)?;
        step.tx.persons.edit(chat, |person| {
            person.cards_due_ms = None;
            person.invite_secret = person.invite_secret.filter(|_| !accepted); // what there was goes on
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
        // It leads nowhere; what there was goes on, and may be begun anew.
        step.tx.persons.edit(chat, |person| (person.invite_secret, person.cards_due_ms) = (None, None))?;
        step.fx.contacts = true;
        return contact::wait_no_more(step, chat);
    }
    let unreachable = Code::InviteUnreachable;
    let waiting = step.tx.persons.get(chat)?.and_then(|person| person.waiting);
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
    step.tx.persons.edit(chat, |person| {
        person.cards_tries = person.cards_tries.saturating_add(1);
        person.cards_due_ms = Some(due_ms);
    })?;
    Ok(())
}

/// Begins a session with what was found. False: it is looked for again.
fn take(step: &mut Step<'_>, chat: &Chat, cards: Cards, secret: [u8; 16]) -> Result<bool, Error> {
    let Some(list) = cards.list else {
        return Ok(false);
    };
    let bundle = cards.bundle.as_ref().map(|(_, bundle)| bundle);
    let sending = send::sending_session(step, chat)?;
    let need = match &sending {
        Some(row) => reset::need(step, row)?,
        None => Need::First,
    };
    match (need, &sending) {
        (Need::None, _) => {
            // A receipt came meanwhile.
            step.tx.persons.edit(chat, |person| (person.cards_due_ms, person.waiting) = (None, None))?;
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

/// The device that a session is to be begun with. `Some`: none is, and whether its cards are looked for no more.
fn meet(
    step: &mut Step<'_>,
    chat: &Chat,
    record: &DeviceRecord,
    profile: Option<Profile>,
) -> Result<Option<bool>, Error> {
    step.fx.contacts = true;
    let other = device::is_other(step, chat, record)?;
    let person = step.tx.persons.get(chat)?.or_bug("whose cards were found")?;
    if other && person.verified {
        // Shown; it gets nothing before the person says that it is theirs.
        devices::hold(step, chat, record)?;
        contact::look_for_cards_later(step, chat, schedule::CARDS_OTHER_DEVICE)?;
        devices::changed(step, chat)?;
        return Ok(Some(true));
    }
    // Of a contact only its confirmed device says what it is called and where it is reached.
    if person.state == PersonState::Requested {
        let Some(profile) = profile else {
            return Ok(Some(false));
        };
        contact::take_profile(step, chat, profile.home, &profile.name)?;
    }
    if other {
        devices::changed(step, chat)?;
    }
    Ok(None)
}

/// Under which secret a contact's cards lie.
pub(crate) fn card_secret(person: &Person) -> Option<[u8; 16]> {
    match person.state {
        PersonState::Requested => person.invite_secret,
        PersonState::Accepted => person.invite_secret.or(person.contacts_secret),
        _ => None,
    }
}

/// Asks a store for the own list; again after a while unless the answer says later.
pub(crate) fn ask_own(step: &mut Step<'_>) -> Result<(), Error> {
    set_next_self(step, schedule::OWN_LIST_SILENT)?;
    let secret = *step.own()?.account.self_secret().as_bytes();
    let whose = (step.own()?.chat, 0);
    let query = query(step, &secret, What::OwnList, whose);
    step.fx.queries.push(query);
    Ok(())
}

/// The own list as the stores hold it: was the phrase restored elsewhere?
pub(crate) fn own_list(step: &mut Step<'_>, found: Cards) -> Result<(), Error> {
    let own = step.own()?;
    let newer = found.list.as_ref();
    let newer = newer.and_then(|list| old_copy::of(own, list));
    let other = found.list.filter(|list| !own.is_in(list));
    let restoring = step.tx.kv.get(KEY_RESTORING)?.is_some();
    let outranks = |list: &DeviceList| takeover::outranks(own, list);
    if !restoring && other.as_ref().is_some_and(outranks) {
        takeover::replaced(step)?;
    } else if let Some(version) = newer.filter(|_| step.may_sign) {
        old_copy::proven_by_own_list(step)?;
        let record = renew_record(step, Some(version))?;
        publish_self(step, &record)?;
        step.tx.kv.set_time(KEY_NEXT_CONTACTS, step.now_ms)?;
        devices::tell(step, &record)?;
    } else if restoring || step.now_ms.saturating_sub(own.published_ms) >= schedule::REFRESH_MIN - HOUR {
        if !step.may_sign {
            return Ok(()); // nothing is signed by a wrong clock
        }
        step.tx.kv.remove(KEY_RESTORING)?;
        let record = renew_record(step, other.map(|list| list.version))?;
        publish_self(step, &record)?;
        devices::tell(step, &record)?;
        if restoring {
            takeover::publish(step, &record)?;
            return set_next_self(step, schedule::OWN_LIST_RESTORED);
        }
    }
    let wait_ms = schedule::REFRESH.wait(0, step.rng);
    set_next_self(step, wait_ms)
}

fn set_next_self(step: &mut Step<'_>, in_ms: i64) -> Result<(), Error> {
    step.fx.own = true;
    Ok(step.tx.kv.set_time(KEY_NEXT_SELF, step.now_ms.saturating_add(in_ms))?)
}
