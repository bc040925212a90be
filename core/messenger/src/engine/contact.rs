//! People: requests, their answers, what they tell about themselves.

use sotto_crypto::parse_account_id;
use sotto_db::{Chat, Contact, Conversation, Hash, Session};
use sotto_wire::content::{self, Content, Hello, Request};
use sotto_wire::identity::DeviceRecord;
use sotto_wire::name::{Name, clean_text, is_blank};

use super::admit::{CONTACTS, SECRETS};
use super::invite::{self, invite_error};
use super::own::{KEY_CONTACTS_SECRET, KEY_LIST_CHANGED, record_or_old, time};
use super::session::{choose_sending, drop_sessions, empty_outbox};
use super::step::{DAY, Step};
use super::{device, news, receipt, reset, send, state};
use crate::error::{Code, Error, OrBug};
use crate::records::ContactId;

/// A rotated contacts secret still unmasks for so long.
const UNMASK_CONTACTS_MS: i64 = 31 * DAY;

/// Does a session run with the contact's confirmed device?
pub(super) fn confirms(contact: &Contact, row: &Session) -> bool {
    contact.device.is_none_or(|device| device == row.device)
}

/// As [`confirms`], of the contact as it is stored.
pub(super) fn is_confirmed(step: &Step<'_>, row: &Session) -> Result<bool, Error> {
    let contact = step.tx.contact(&row.chat)?;
    Ok(contact.is_some_and(|contact| confirms(&contact, row)))
}

/// A session that we began by an invite of theirs was answered: it is not asked for again.
pub(super) fn invite_answered(step: &Step<'_>, row: &Session) -> Result<(), Error> {
    let Some(mut contact) = step.tx.contact(&row.chat)?.filter(|_| row.initiator) else {
        return Ok(());
    };
    if contact.invite_secret.is_some() && contact.invite_secret == row.mask_secret {
        contact.invite_secret = None;
        step.tx.contact_put(&contact)?;
    }
    Ok(())
}

/// May anything be sent to this contact?
pub(super) fn may_write(contact: &Contact) -> bool {
    matches!(contact.state, state::ACCEPTED | state::REQUESTED)
}

/// The error of writing to a contact that is not ready for it.
pub(super) fn check_writable(contact: &Contact) -> Result<(), Error> {
    match contact.state {
        state::BLOCKED => Err(Code::ContactBlocked.into()),
        _ if may_write(contact) => Ok(()),
        _ => Err(Code::ContactState.into()),
    }
}

/// The chat key behind a contact's id, and its row.
pub(super) fn find(step: &Step<'_>, id: &ContactId) -> Result<Contact, Error> {
    let chat = parse_account_id(&id.0).map_err(|_| Code::BadId)?;
    step.tx.contact(&chat)?.ok_or(Code::ContactMissing.into())
}

/// Asks an inviter to become a contact, or one that is a contact to begin anew. The request waits for their cards.
pub(super) fn add(step: &mut Step<'_>, link: &str, text: Option<String>) -> Result<ContactId, Error> {
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
    let id = ContactId(sotto_crypto::account_id(&link.chat));
    let name = link.name.as_ref().map(Name::display).unwrap_or_default();
    let mut contact = match step.tx.contact(&link.chat)? {
        Some(contact) => contact,
        None => new(step, &link.chat, state::REQUESTED, name)?,
    };
    match contact.state {
        state::BLOCKED => return Err(Code::ContactBlocked.into()),
        // They may have lost what they had, so they are asked all the same.
        state::INCOMING => accept(step, &mut contact)?,
        state::ACCEPTED => {}
        _ => contact.state = state::REQUESTED,
    }
    for mut row in step.tx.sessions_of(&link.chat)? {
        // The same link again: what was asked may have been declined. The session stays, should it be answered.
        let asked = row.initiator && !row.answered && row.mask_secret == Some(link.secret);
        if asked && row.sending {
            row.sending = false;
            step.tx.session_put(&row)?;
        }
    }
    contact.invite_secret = Some(link.secret);
    contact.waiting = contact.waiting.filter(|_| contact.other_record.is_some());
    contact.fetch_due_ms = Some(step.now_ms);
    contact.fetch_tries = 0;
    step.tx.contact_put(&contact)?;
    // The network takes them only where none are configured.
    if !link.nodes.is_empty() {
        step.fx.net.push(sotto_net::Command::AddNodes(link.nodes));
    }
    send::request(step, &contact, text)?;
    step.fx.contacts = true;
    Ok(id)
}

/// A contact and its conversation, not stored yet (the conversation is).
pub(super) fn new(step: &Step<'_>, chat: &Chat, state: u8, name: String) -> Result<Contact, Error> {
    let conversation = content::conversation_id(&step.own()?.chat, chat);
    if step.tx.conversation(&conversation)?.is_none() {
        step.tx.conversation_put(&Conversation {
            id: conversation,
            chat: *chat,
            wire: 0,
            lamport: 0,
            heads: Vec::new(),
            draft: String::new(),
            unread: 0,
            created_ms: step.now_ms,
            last_ms: step.clock_ms,
            arrived_ms: 0,
        })?;
    }
    Ok(Contact {
        chat: *chat,
        conversation,
        state,
        name,
        home: None,
        contacts_secret: None,
        reset_pair: None,
        device: None,
        record: None,
        list_version: 0,
        invite_secret: None,
        request_text: None,
        verified: false,
        devices_changed: false,
        other_record: None,
        waiting: None,
        fetch_due_ms: None,
        fetch_tries: 0,
        hello_sent: false,
        start_out: 0,
        unblocked_state: state::DECLINED,
        gone_ms: 0,
        created_ms: step.now_ms,
    })
}

/// Accepts a request, theirs or one that crossed ours: hello goes out, receipts are due.
pub(super) fn accept(step: &mut Step<'_>, contact: &mut Contact) -> Result<(), Error> {
    contact.state = state::ACCEPTED;
    contact.waiting = None;
    contact.fetch_due_ms = None;
    let invite = contact.invite_secret.take();
    step.tx.contact_put(contact)?;
    if let Some(secret) = invite {
        invite::use_up(step, &secret)?;
    }
    step.tx.arrivals_put(&contact.conversation)?;
    step.tx.fetches_release(&contact.conversation, step.now_ms)?;
    hello(step, contact)?;
    receipt::all_due(step, &contact.chat)?;
    send::seal_waiting(step, &contact.chat)?;
    step.fx.contacts = true;
    step.fx.conversations.insert(contact.conversation);
    Ok(())
}

/// Tells a contact where we are reached, and gives them keys for a reset, in place of a hello that still waits.
pub(super) fn hello(step: &mut Step<'_>, contact: &mut Contact) -> Result<(), Error> {
    let own = step.own()?;
    let record = record_or_old(step)?;
    let reset = reset::give(step, contact)?;
    let secret = step.tx.kv_get(KEY_CONTACTS_SECRET)?.or_bug("contacts secret")?;
    let content = Content::Hello(Box::new(Hello {
        home: own.account.home_value(),
        contacts_secret: secret.as_slice().try_into().map_err(|_| Code::StorageCorrupt)?,
        reset,
        list_version: record.list_version,
        name: own.name.clone(),
    }));
    step.tx.news_delete(&contact.chat)?; // a hello says it all
    let first = !std::mem::replace(&mut contact.hello_sent, true);
    step.tx.contact_put(contact)?;
    send::drop_waiting(step, &contact.chat, content::Kind::Hello)?;
    send::enqueue_content(step, contact, &content)?;
    if first && time(step.tx, KEY_LIST_CHANGED)? > contact.created_ms {
        // While their request or ours was pending nobody told them.
        device::send_list(step, contact, &record)?;
    }
    Ok(())
}

/// Their hello: the request is accepted, or their keys and name changed.
pub(super) fn take_hello(step: &mut Step<'_>, from: &Session, hello: &Hello) -> Result<(), Error> {
    let chat = &from.chat;
    let Some(mut contact) = step.tx.contact(chat)? else {
        return Ok(());
    };
    if !may_write(&contact) {
        return Ok(());
    }
    contact.home = Some(hello.home);
    contact.contacts_secret = Some(hello.contacts_secret);
    contact.reset_pair = Some(reset::store(&hello.reset, &from.device));
    contact.name = shown_name(&hello.name, &contact.name);
    if contact.state != state::ACCEPTED {
        step.tx.arrivals_put(&contact.conversation)?;
    }
    contact.state = state::ACCEPTED;
    contact.waiting = contact.waiting.filter(|_| contact.other_record.is_some());
    step.tx.contact_put(&contact)?;
    step.tx.fetches_release(&contact.conversation, step.now_ms)?;
    receipt::all_due(step, chat)?;
    if send::sending_session(step, chat)?.is_none() {
        choose_sending(step, chat)?;
    }
    if !contact.hello_sent {
        self::hello(step, &mut contact)?;
    }
    send::seal_waiting(step, chat)?;
    step.fx.contacts = true;
    step.fx.conversations.insert(contact.conversation);
    Ok(())
}

/// The name as shown; the known one when they gave none.
pub(super) fn shown_name(name: &Name, known: &str) -> String {
    let shown = name.display();
    if shown.is_empty() { known.to_owned() } else { shown }
}

/// Their request. `invite`: the secret that unmasked it.
pub(super) fn take_request(
    step: &mut Step<'_>,
    contact: &mut Contact,
    request: &Request,
    invite: [u8; 16],
) -> Result<(), Error> {
    contact.home = Some(request.home);
    contact.name = shown_name(&request.name, &contact.name);
    match contact.state {
        state::REQUESTED => {
            accept(step, contact)?; // crossing requests accept each other
            invite::use_up(step, &invite)?;
        }
        state::ACCEPTED => step.tx.contact_put(contact)?,
        _ => {
            contact.state = state::INCOMING;
            contact.invite_secret = Some(invite);
            contact.request_text = Some(clean_text(&request.text)).filter(|text| !text.is_empty());
            step.tx.contact_put(contact)?;
        }
    }
    step.fx.contacts = true;
    step.fx.conversations.insert(contact.conversation);
    Ok(())
}

/// Declines a request: nothing is sent, the use stays free.
pub(super) fn decline(step: &mut Step<'_>, contact: &mut Contact) -> Result<(), Error> {
    drop_sessions(step, &contact.chat)?;
    contact.state = state::DECLINED;
    contact.fetch_due_ms = None;
    step.tx.contact_put(contact)?;
    step.fx.contacts = true;
    Ok(())
}

/// Shuts a contact out, until it is unblocked; the others get a new contacts secret. Its sessions stay for that day, and
/// nothing is opened in them or leaves by them.
pub(super) fn block(step: &mut Step<'_>, contact: &mut Contact) -> Result<(), Error> {
    let knew_secret = contact.hello_sent;
    contact.unblocked_state = contact.state;
    contact.state = state::BLOCKED;
    contact.fetch_due_ms = None;
    step.tx.contact_put(contact)?;
    empty_outbox(step, &contact.chat, Code::ContactBlocked)?;
    for pair in step.tx.prekeys_of(&contact.chat)? {
        step.tx.prekey_delete(&pair.id)?;
    }
    step.fx.contacts = true;
    if !knew_secret {
        return Ok(());
    }
    let old = *step.own()?.contacts_secret;
    step.tx.secret_put(&sotto_db::Secret {
        secret: old,
        kind: CONTACTS,
        until_ms: Some(step.now_ms.saturating_add(UNMASK_CONTACTS_MS)),
        created_ms: step.now_ms,
    })?;
    let secret: [u8; 16] = step.random();
    step.tx.kv_set(KEY_CONTACTS_SECRET, &secret)?;
    step.tx.secret_put(&sotto_db::Secret { secret, kind: CONTACTS, until_ms: None, created_ms: step.now_ms })?;
    if step.tx.secrets()?.len() > SECRETS {
        log::warn!("more secrets than are tried: the oldest invite is no longer heard");
    }
    news::tell_all(step, news::HELLO)
}

/// Gives back what was before the block.
pub(super) fn unblock(step: &mut Step<'_>, contact: &mut Contact) -> Result<(), Error> {
    contact.state = contact.unblocked_state;
    step.tx.contact_put(contact)?;
    step.fx.contacts = true;
    match contact.state {
        state::ACCEPTED => {
            receipt::all_due(step, &contact.chat)?;
            hello(step, contact) // with the contacts secret that the others got
        }
        state::REQUESTED => {
            contact.fetch_due_ms = Some(step.now_ms);
            contact.fetch_tries = 0;
            step.tx.contact_put(contact)?;
            let kind = content::Kind::Request.code();
            let asked = step.tx.message_mine(&contact.conversation, kind, state::FAILED)?;
            match asked {
                Some(message) => send::retry(step, &message),
                None => send::request(step, contact, String::new()),
            }
        }
        _ => Ok(()),
    }
}

/// The device that messages leave for once the person says yes to what is shown: a held one, else the confirmed one.
pub(super) fn shown_device(contact: &Contact) -> Option<DeviceRecord> {
    let record = contact.other_record.as_deref().or(contact.record.as_deref());
    record.map(DeviceRecord::decode).and_then(Result::ok)
}

/// What a person compares stands for this device, and for no other. None: for none.
pub(super) fn device_hash(record: Option<&DeviceRecord>) -> Hash {
    let one = record.map(|record| (sotto_crypto::DeviceId(record.device_id), record.identity, record.signing));
    sotto_crypto::devices_hash(one.as_slice())
}

/// A device that came since a person looked is not what was seen.
fn check_shown(contact: &Contact, devices: &Hash) -> Result<(), Error> {
    if *devices == device_hash(shown_device(contact).as_ref()) { Ok(()) } else { Err(Code::DevicesChanged.into()) }
}

/// The safety number was compared while these devices of theirs were shown; or, without, it no longer holds.
pub(super) fn verify(step: &mut Step<'_>, mut contact: Contact, devices: Option<&Hash>) -> Result<(), Error> {
    let Some(devices) = devices else {
        contact.verified = false;
        step.fx.contacts = true;
        return Ok(step.tx.contact_put(&contact)?);
    };
    check_shown(&contact, devices)?;
    contact.verified = true;
    device::take_held(step, &mut contact)
}

/// The person saw that their devices changed to these, and goes on with them without comparing.
pub(super) fn devices_seen(step: &mut Step<'_>, mut contact: Contact, devices: &Hash) -> Result<(), Error> {
    check_shown(&contact, devices)?;
    contact.verified &= contact.other_record.is_none();
    device::take_held(step, &mut contact)
}

/// Verifies by the QR code that the contact's own phone shows.
pub(super) fn scan(step: &mut Step<'_>, contact: Contact, qr: &[u8]) -> Result<(), Error> {
    let own = step.own()?;
    let shown = sotto_crypto::SafetyQr::decode(qr).ok_or(Code::BadQr)?;
    if !shown.is_of(&contact.chat, &own.chat) {
        return Err(Code::QrOtherAccount.into());
    }
    if shown.scanner_devices != device_hash(Some(&own.record)) {
        return Err(Code::QrOwnDevices.into());
    }
    verify(step, contact, Some(&shown.own_devices)).map_err(|error| match error.code() {
        Code::DevicesChanged => Code::QrOtherDevices.into(),
        _ => error,
    })
}

/// The hash of the conversation with a contact must exist; its contact.
pub(super) fn of_conversation(step: &Step<'_>, id: &Hash) -> Result<(Conversation, Contact), Error> {
    let conversation = step.tx.conversation(id)?.ok_or(Code::ConversationMissing)?;
    let contact = step.tx.contact(&conversation.chat)?.ok_or(Code::ContactMissing)?;
    Ok((conversation, contact))
}
