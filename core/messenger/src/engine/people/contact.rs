//! People: requests, answers, and their own news.

use sotto_crypto::{DeviceId, parse_account_id};
use sotto_db::{Chat, Conversation, Device, DeviceStanding, Hash, Person, PersonState, Reach, Session, Standing};
use sotto_wire::content::{self};
use sotto_wire::identity::DeviceRecord;
use sotto_wire::name::{Name, is_blank};

use crate::engine::base::own::KEY_CONTACTS_SECRET;
use crate::engine::base::schedule::{self, DAY};
use crate::engine::carry::{receipt, send};
use crate::engine::file::{auto, picture};
use crate::engine::keys::invite::{self, SECRETS, invite_error};
use crate::engine::keys::{device, pairs};
use crate::engine::people::kind::hello;
use crate::engine::people::sessions::{drop_sessions, empty_outbox};
use crate::engine::people::{People, devices, news};
use crate::engine::talk::{read, write};
use crate::error::{Code, Error, OrBug};
use crate::records::ContactId;

/// How long a rotated contacts secret still unmasks.
const UNMASK_CONTACTS_MS: i64 = 31 * DAY;

/// A session that we began by an invite was answered: the invite is no longer needed.
pub(crate) fn invite_answered(step: &mut People<'_>, row: &Session) -> Result<(), Error> {
    if row.initiator {
        step.persons.edit(&row.chat, |person| {
            if person.invite_secret == row.mask_secret {
                person.invite_secret = None;
            }
        })?;
    }
    Ok(())
}

pub(crate) fn may_write(state: PersonState) -> bool {
    matches!(state, PersonState::Accepted | PersonState::Requested)
}

pub(crate) fn find(step: &People<'_>, id: &ContactId) -> Result<Person, Error> {
    let chat = parse_account_id(&id.0).map_err(|_| Code::BadId)?;
    step.persons.get(&chat)?.ok_or(Code::ContactMissing.into())
}

pub(crate) fn state(step: &People<'_>, chat: &Chat) -> Result<Option<PersonState>, Error> {
    Ok(step.persons.get(chat)?.map(|person| person.state))
}

/// Sets the state of an account, and here alone its conversation's standing and what may be sent to it.
pub(crate) fn set_state(step: &mut People<'_>, chat: &Chat, state: PersonState) -> Result<(), Error> {
    step.persons.edit(chat, |person| {
        person.state = state;
        if state == PersonState::Accepted {
            person.request_text = None; // from now on only its message holds it, which its author may delete
        }
    })?;
    let (reach, standing) = match state {
        PersonState::Accepted => (Reach::All, Standing::Open),
        PersonState::Requested => (Reach::Messages, Standing::Asked),
        PersonState::Incoming => (Reach::Nothing, Standing::Pending),
        PersonState::Declined => (Reach::Nothing, Standing::Closed),
        PersonState::Blocked => (Reach::Nothing, Standing::Blocked),
    };
    device::set_reach(step, chat, reach)?;
    if reach == Reach::Nothing
        && let Some(row) = step.tx.conversations.with(chat)?
    {
        auto::stop(step, &row.id)?;
    }
    match state {
        PersonState::Accepted | PersonState::Blocked => picture::allow(step, chat, state == PersonState::Accepted)?,
        _ => picture::came(step, chat, None)?,
    }
    read::set_standing(step, chat, standing)
}

/// Sets the nickname; nobody is told.
pub(crate) fn set_nickname(step: &mut People<'_>, chat: &Chat, nickname: Option<String>) -> Result<(), Error> {
    step.persons.edit(chat, |person| person.nickname = nickname)?;
    step.fx.contacts = true;
    changed(step, chat)
}

/// Records why nothing can be sent, by code. True if that is news.
pub(crate) fn wait(step: &mut People<'_>, chat: &Chat, code: Code) -> Result<bool, Error> {
    let code = code.as_str();
    let before = step.persons.edit(chat, |person| person.waiting.replace(code.to_owned()))?;
    Ok(before.flatten().as_deref() != Some(code))
}

/// Nothing prevents sending any more, unless a device is held.
pub(crate) fn wait_no_more(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    if !device::is_held(step, chat)? {
        step.persons.edit(chat, |person| person.waiting = None)?;
    }
    Ok(())
}

pub(crate) fn look_for_cards(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    let due_ms = Some(step.now_ms);
    Ok(step.persons.change(chat, |person| (person.cards_due_ms, person.cards_tries) = (due_ms, 0))?)
}

/// Sets the time of the next search for their cards; earlier searches count.
pub(crate) fn put_off_cards(step: &mut People<'_>, chat: Chat, at_ms: i64) -> Result<(), Error> {
    Ok(step.persons.change(&chat, |person| person.cards_due_ms = Some(at_ms))?)
}

/// Queries for cards that were pending when the process ended have no answer any more.
pub(crate) fn opened(step: &mut People<'_>) -> Result<(), Error> {
    let (now_ms, silent_ms) = (step.now_ms, step.now_ms.saturating_add(schedule::CARDS_SILENT));
    Ok(step.persons.cards_rewind(now_ms, silent_ms)?)
}

/// Sends a request to an inviter, or asks a contact to begin a new session. The request waits for their cards.
pub(crate) fn add(step: &mut People<'_>, link: &str, text: Option<String>) -> Result<ContactId, Error> {
    let own = step.own()?;
    own.in_force()?;
    let link = sotto_wire::invite::Invite::from_link(link).map_err(invite_error)?;
    link.check(step.config.cluster, step.clock_s()).map_err(invite_error)?;
    let text = text.filter(|text| !is_blank(text)).unwrap_or_default();
    if text.len() > content::MAX_REQUEST_TEXT {
        return Err(Code::TextTooLong.into());
    }
    if link.chat == own.chat {
        return Err(Code::ContactSelf.into());
    }
    let chat = &link.chat;
    let id = ContactId(sotto_crypto::account_id(chat));
    match state(step, chat)? {
        None => {
            let name = link.name.as_ref().map(Name::display).unwrap_or_default();
            new(step, chat, PersonState::Requested, name)?;
        }
        Some(PersonState::Blocked) => return Err(Code::ContactBlocked.into()),
        // They may have lost their state, so they are asked all the same.
        Some(PersonState::Incoming) => accept(step, chat)?,
        Some(PersonState::Accepted) => {}
        Some(_) => set_state(step, chat, PersonState::Requested)?,
    }
    if let Some(row) = send::sending_session(step, chat)? {
        // The same link again: the first request may have been declined. The session stays, in case it is answered.
        if row.initiator && !row.answered && row.mask_secret == Some(link.secret) {
            device::send_no_more(step, chat, &row.device)?;
        }
    }
    step.persons.edit(chat, |person| person.invite_secret = Some(link.secret))?;
    wait_no_more(step, chat)?;
    look_for_cards(step, chat)?;
    // The network uses these nodes only if none are configured.
    if !link.nodes.is_empty() {
        step.fx.net.push(sotto_net::Command::AddNodes(link.nodes));
    }
    write::request(step, chat, text)?;
    step.fx.contacts = true;
    Ok(id)
}

/// Adds a person, where they are reached, and the conversation with them.
pub(crate) fn new(step: &mut People<'_>, chat: &Chat, state: PersonState, name: String) -> Result<(), Error> {
    let conversation = content::conversation_id(&step.own()?.chat, chat);
    read::begin(step, conversation, chat)?;
    let person = Person { name, ..nobody(step, chat, state) };
    step.persons.put(&person)?;
    device::new_peer(step, chat)?;
    set_state(step, chat, state)
}

/// A person row with default values: no name, not verified.
pub(crate) fn nobody(step: &People<'_>, chat: &Chat, state: PersonState) -> Person {
    Person {
        chat: *chat,
        state,
        name: String::new(),
        contacts_secret: None,
        invite_secret: None,
        request_text: None,
        verified: false,
        devices_changed: false,
        waiting: None,
        cards_due_ms: None,
        cards_tries: 0,
        hello_sent: false,
        unblocked_state: PersonState::Declined,
        created_ms: step.now_ms,
        nickname: None,
    }
}

/// Accepts a request, theirs or one that crossed ours: a hello is sent, and receipts are due.
pub(crate) fn accept(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    set_state(step, chat, PersonState::Accepted)?;
    let invite = step.persons.edit(chat, |person| {
        person.waiting = None;
        person.cards_due_ms = None;
        person.invite_secret.take()
    })?;
    if let Some(secret) = invite.flatten() {
        invite::use_up(step, &secret)?;
    }
    read::arrive(step, chat)?;
    hello::send(step, chat)?;
    receipt::all_due(step, chat)?;
    send::seal_waiting(step, chat)?;
    step.fx.contacts = true;
    Ok(())
}

pub(crate) fn changed(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    let conversation = step.tx.conversations.with(chat)?;
    step.fx.conversations.extend(conversation.map(|row| row.id));
    Ok(())
}

/// Declines a request: nothing is sent, and the invite's use stays free.
pub(crate) fn decline(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    drop_sessions(step, chat)?;
    set_state(step, chat, PersonState::Declined)?;
    step.persons.edit(chat, |person| person.cards_due_ms = None)?;
    step.fx.contacts = true;
    Ok(())
}

/// Blocks a contact; the others get a new contacts secret. Its sessions are kept, and nothing is opened in them.
pub(crate) fn block(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    let knew_secret = step.persons.edit(chat, |person| {
        person.unblocked_state = person.state;
        person.cards_due_ms = None;
        person.hello_sent
    })?;
    set_state(step, chat, PersonState::Blocked)?;
    empty_outbox(step, chat, Code::ContactBlocked)?;
    pairs::forget(step, chat)?;
    step.fx.contacts = true;
    if knew_secret == Some(true) { new_secret(step) } else { Ok(()) }
}

/// Replaces the contacts secret, because somebody who knows it is no contact now. The others get the new one.
pub(crate) fn new_secret(step: &mut People<'_>) -> Result<(), Error> {
    let old = *step.own()?.contacts_secret;
    let until_ms = Some(step.now_ms.saturating_add(UNMASK_CONTACTS_MS));
    let now_ms = step.now_ms;
    invite::unmasks(step, old, sotto_db::SecretKind::Contacts, until_ms, now_ms)?;
    let secret: [u8; 16] = step.random();
    step.kv.set(KEY_CONTACTS_SECRET, &secret)?;
    picture::renew(step)?;
    let now_ms = step.now_ms;
    invite::unmasks(step, secret, sotto_db::SecretKind::Contacts, None, now_ms)?;
    if step.tx.secrets.all()?.len() > SECRETS {
        log::warn!("more secrets than are tried: the oldest invite is no longer heard");
    }
    news::tell_all(step, sotto_db::NewsKind::Hello)
}

pub(crate) fn unblock(step: &mut People<'_>, person: &Person) -> Result<(), Error> {
    let chat = &person.chat;
    set_state(step, chat, person.unblocked_state)?;
    if may_write(person.unblocked_state) {
        read::fetch(step, chat)?;
    }
    step.fx.contacts = true;
    match person.unblocked_state {
        PersonState::Accepted => {
            receipt::all_due(step, chat)?;
            hello::send(step, chat) // with the contacts secret that the others got
        }
        PersonState::Requested => {
            look_for_cards(step, chat)?;
            let conversation = step.tx.conversations.with(chat)?.or_bug("conversation of a person")?;
            let asked = step.tx.messages.failed_own(&conversation.id, content::Kind::Request.code())?;
            match asked {
                Some(message) => write::retry(step, &message),
                None => write::request(step, chat, String::new()),
            }
        }
        _ => Ok(()),
    }
}

/// The device that messages are sealed for once the person accepts what is shown: a held one, else the confirmed one.
pub(crate) fn shown_device(devices: &[Device]) -> Option<DeviceRecord> {
    let with = |standing| devices.iter().find(move |device| device.standing == standing);
    let shown = with(DeviceStanding::Held).or(with(DeviceStanding::Taken));
    shown.and_then(device::record_of)
}

/// The hash of the device that a comparison covers. `None`: of no device.
pub(crate) fn device_hash(record: Option<&DeviceRecord>) -> Hash {
    let one = record.map(|record| (DeviceId(record.device_id), record.identity, record.signing));
    sotto_crypto::devices_hash(one.as_slice())
}

/// Refuses if the devices changed since the person looked.
fn check_shown(step: &People<'_>, chat: &Chat, devices: &Hash) -> Result<(), Error> {
    let shown = shown_device(&step.tx.devices.of(chat)?);
    if *devices == device_hash(shown.as_ref()) { Ok(()) } else { Err(Code::DevicesChanged.into()) }
}

/// The person compared the safety number for these devices; `None`: it no longer holds.
pub(crate) fn verify(step: &mut People<'_>, chat: &Chat, devices: Option<&Hash>) -> Result<(), Error> {
    if let Some(devices) = devices {
        check_shown(step, chat, devices)?;
    }
    step.persons.edit(chat, |person| person.verified = devices.is_some())?;
    step.fx.contacts = true;
    if devices.is_some() { devices::take_held(step, chat) } else { Ok(()) }
}

/// The person saw the changed devices and goes on without comparing.
pub(crate) fn devices_seen(step: &mut People<'_>, chat: &Chat, devices: &Hash) -> Result<(), Error> {
    check_shown(step, chat, devices)?;
    let held = device::is_held(step, chat)?;
    step.persons.edit(chat, |person| person.verified &= !held)?;
    devices::take_held(step, chat)
}

pub(crate) fn scan(step: &mut People<'_>, chat: &Chat, qr: &[u8]) -> Result<(), Error> {
    let own = step.own()?;
    let shown = sotto_crypto::SafetyQr::decode(qr).ok_or(Code::BadQr)?;
    if !shown.is_of(chat, &own.chat) {
        return Err(Code::QrOtherAccount.into());
    }
    if shown.scanner_devices != device_hash(Some(&own.record)) {
        return Err(Code::QrOwnDevices.into());
    }
    verify(step, chat, Some(&shown.own_devices)).map_err(|error| match error.code() {
        Code::DevicesChanged => Code::QrOtherDevices.into(),
        _ => error,
    })
}

pub(crate) fn of_conversation(step: &People<'_>, id: &Hash) -> Result<(Conversation, Person), Error> {
    let conversation = step.tx.conversations.get(id)?.ok_or(Code::ConversationMissing)?;
    let peer = conversation.peer.ok_or(Code::ContactMissing)?;
    let person = step.persons.get(&peer)?.ok_or(Code::ContactMissing)?;
    Ok((conversation, person))
}
