//! People: invites, requests, their answers, sessions begun by us.

use sotto_crypto::{PrekeyPair, PrekeyPublic, Recipient, initiate, parse_account_id};
use sotto_db::{Chat, Contact, Conversation, Hash, Session};
use sotto_wire::content::{self, Content, Hello, Request, ResetPair, SeqTracker};
use sotto_wire::identity::DeviceRecord;
use sotto_wire::invite;
use sotto_wire::name::{Name, clean};

use super::own::{KEY_CONTACTS_SECRET, own_cards_changed, record};
use super::step::{DAY, Step};
use super::{cards, receipt, send, state};
use crate::error::{Code, Error};
use crate::records::{ContactId, Invite};

/// Invites open at a time.
const OPEN_INVITES: usize = 8;
/// How long an invite is open.
const INVITE_MS: i64 = 7 * DAY;
/// The secret of a closed invite still unmasks for so long,
const UNMASK_MS: i64 = 33 * DAY;
/// and a rotated contacts secret.
const UNMASK_CONTACTS_MS: i64 = 31 * DAY;
/// A session that lost to another one still receives.
pub(super) const OLD_SESSION_MS: i64 = 7 * DAY;
/// A replaced reset pair lives on.
const RESET_PAIR_MS: i64 = 31 * DAY;

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

/// Opens an invite for one contact and publishes its cards.
pub(super) fn invite(step: &mut Step<'_>) -> Result<Invite, Error> {
    let own = step.own()?;
    own.in_force()?;
    if step.skewed {
        return Err(Code::ClockSkewed.into());
    }
    let open = step.tx.invites()?;
    let open = open
        .iter()
        .filter(|row| row.closed_ms.is_none() && row.expires_ms > step.now_ms);
    if open.count() >= OPEN_INVITES {
        return Err(Code::InviteTooMany.into());
    }
    let expires_ms = step.clock_ms.saturating_add(INVITE_MS);
    let link = invite::Invite {
        cluster: step.config.cluster,
        expiry_s: u32::try_from(expires_ms / 1000).map_err(|_| Code::ClockSkewed)?,
        chat: own.chat,
        secret: step.random(),
        name: Some(own.name.clone()).filter(|name| !name.as_str().is_empty()),
        nodes: step
            .config
            .invite_nodes
            .iter()
            .take(invite::MAX_NODES)
            .cloned()
            .collect(),
    };
    let prekey = PrekeyPair::generate(step.rng);
    let keep_ms = INVITE_MS
        .saturating_add(step.retention_ms())
        .saturating_add(DAY);
    step.tx.prekey_put(&sotto_db::Prekey {
        id: prekey.id(),
        private: prekey.to_bytes().to_vec(),
        kind: 0,
        secret: Some(link.secret),
        chat: None,
        delete_ms: Some(step.now_ms.saturating_add(keep_ms)),
    })?;
    step.tx.secret_put(&sotto_db::Secret {
        secret: link.secret,
        kind: 0,
        until_ms: Some(step.now_ms.saturating_add(keep_ms)),
        created_ms: step.now_ms,
    })?;
    let mut row = sotto_db::Invite {
        secret: link.secret,
        prekey_id: prekey.id(),
        created_ms: step.now_ms,
        expires_ms: step.now_ms.saturating_add(INVITE_MS),
        uses_left: 1,
        closed_ms: None,
        next_card_ms: step.now_ms,
    };
    cards::publish_invite(step, &mut row)?;
    let text = link.to_link().map_err(|_| Code::NetworkAddress)?;
    Ok(Invite {
        link: text,
        expires_ms: i64::from(link.expiry_s) * 1000,
    })
}

/// What a wrong link is called.
pub(super) fn invite_error(error: invite::InviteError) -> Error {
    use invite::InviteError as E;
    Error::new(match error {
        E::Checksum => Code::InviteChecksum,
        E::NewerVersion => Code::InviteNewer,
        E::OtherNetwork => Code::InviteOtherNetwork,
        E::Expired => Code::InviteExpired,
        _ => Code::InviteTruncated,
    })
}

/// Asks an inviter to become a contact. The request waits for their cards.
pub(super) fn add(
    step: &mut Step<'_>,
    link: &str,
    text: Option<String>,
) -> Result<ContactId, Error> {
    let own = step.own()?;
    own.in_force()?;
    let link = invite::Invite::from_link(link).map_err(invite_error)?;
    link.check(step.config.cluster, step.clock_s())
        .map_err(invite_error)?;
    let text = text.unwrap_or_default();
    if text.len() > content::MAX_REQUEST_TEXT {
        return Err(Code::TextTooLong.into());
    }
    if link.chat == own.chat {
        return Err(Code::ContactSelf.into());
    }
    let id = ContactId(sotto_crypto::account_id(&link.chat));
    let known = step.tx.contact(&link.chat)?;
    match known.as_ref().map(|contact| contact.state) {
        Some(state::ACCEPTED) => return Ok(id),
        Some(state::BLOCKED) => return Err(Code::ContactBlocked.into()),
        Some(state::INCOMING) => {
            let mut contact = known.ok_or(Code::Internal)?;
            accept(step, &mut contact)?;
            return Ok(id);
        }
        _ => {}
    }
    let name = link.name.as_ref().map(Name::display).unwrap_or_default();
    let mut contact = match known {
        Some(contact) => contact,
        None => new(step, &link.chat, state::REQUESTED, name)?,
    };
    contact.state = state::REQUESTED;
    contact.invite_secret = Some(link.secret);
    contact.waiting = None;
    contact.fetch_due_ms = Some(step.now_ms);
    contact.fetch_tries = 0;
    step.tx.contact_put(&contact)?;
    // Only whoever knows no node takes an inviter's: a stranger must not choose where all our traffic goes.
    if step.config.invite_nodes.is_empty() && !link.nodes.is_empty() {
        step.fx.net.push(sotto_net::Command::AddNodes(link.nodes));
    }
    let request = Content::Request(Request {
        home: own.account.home_value(),
        name: own.name.clone(),
        text,
    });
    send::enqueue_content(step, &contact, &request)?;
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
        waiting: None,
        fetch_due_ms: None,
        fetch_tries: 0,
        hello_sent: false,
        start_out: 0,
        start_in: 0,
        created_ms: step.now_ms,
    })
}

/// Begins a session with a device whose keys were verified, and seals what waits for it.
pub(super) fn start_session(
    step: &mut Step<'_>,
    contact: &mut Contact,
    to: &DeviceRecord,
    prekey: &PrekeyPublic,
    secret: [u8; 16],
) -> Result<(), Error> {
    let own = step.own()?;
    let record = record(step)?;
    let now_s = u32::try_from(step.clock_s()).map_err(|_| Code::ClockSkewed)?;
    let start = contact.start_out.saturating_add(1).max(now_s);
    let recipient = Recipient {
        chat: &contact.chat,
        device_id: &to.device_id,
        identity: &to.identity,
        prekey,
    };
    let begun = initiate(
        step.rng,
        &own.keys,
        &own.chat,
        &record.encode(),
        start,
        &recipient,
    );
    let (session, core) = begun.map_err(|_| Code::Internal)?;
    contact.start_out = start;
    contact.device = Some(to.device_id);
    contact.record = Some(to.encode().to_vec());
    contact.list_version = i64::try_from(to.list_version).unwrap_or(0);
    contact.waiting = None;
    contact.fetch_due_ms = None;
    contact.fetch_tries = 0;
    step.tx.contact_put(contact)?;
    step.tx.session_put(&Session {
        core: Some(core.as_bytes().to_vec()),
        mask_secret: Some(secret),
        handshake: core.hash(),
        ..session_row(step, contact, &session, to.device_id, true, start)
    })?;
    let matched = step.index.set(&session);
    step.fx.matched.extend(matched);
    choose_sending(step, &contact.chat)?;
    send::seal_waiting(step, &contact.chat)
}

/// A row for a session just begun.
pub(super) fn session_row(
    step: &Step<'_>,
    contact: &Contact,
    session: &sotto_crypto::Session,
    device: [u8; 16],
    initiator: bool,
    start: u32,
) -> Session {
    Session {
        hash: *session.hash(),
        chat: contact.chat,
        device,
        snapshot: session.to_bytes().to_vec(),
        initiator,
        start,
        handshake: [0; 32],
        core: None,
        mask_secret: None,
        prekey_id: None,
        answered: false,
        sending: false,
        seq: 0,
        tracker: SeqTracker::new().to_bytes(),
        receipt_due_ms: None,
        receipt_dirty: false,
        created_ms: step.now_ms,
        heard_ms: step.now_ms,
        until_ms: None,
    }
}

/// Which session messages leave by: the newest start in each direction; of two that crossed, the one with the lower
/// hash of its handshake; a later start after an answered session is a reset and wins. Losers receive for 7 days.
pub(super) fn choose_sending(step: &mut Step<'_>, chat: &Chat) -> Result<(), Error> {
    let all = step.tx.sessions_of(chat)?;
    // A device that is not (yet) taken as theirs gets nothing.
    let device = step.tx.contact(chat)?.and_then(|contact| contact.device);
    let newest = |initiator: bool| {
        let theirs = move |row: &&Session| device.is_none_or(|device| row.device == device);
        let side = all
            .iter()
            .filter(theirs)
            .filter(move |row| row.initiator == initiator);
        side.max_by_key(|row| row.start)
    };
    let best = match (newest(true), newest(false)) {
        (Some(ours), Some(theirs)) => {
            let (older, newer) = if ours.start <= theirs.start {
                (ours, theirs)
            } else {
                (theirs, ours)
            };
            if older.answered || ours.handshake == theirs.handshake {
                Some(newer)
            } else {
                Some(if ours.handshake < theirs.handshake {
                    ours
                } else {
                    theirs
                })
            }
        }
        (one, other) => one.or(other),
    };
    let Some(best) = best.map(|row| row.hash) else {
        return Ok(());
    };
    for mut row in all {
        let sending = row.hash == best;
        let until_ms = match (sending, row.until_ms) {
            (true, _) => None,
            (false, Some(until)) => Some(until),
            (false, None) => Some(step.now_ms.saturating_add(OLD_SESSION_MS)),
        };
        if row.sending != sending || row.until_ms != until_ms {
            row.sending = sending;
            row.until_ms = until_ms;
            step.tx.session_put(&row)?;
        }
    }
    Ok(())
}

/// Accepts a request, theirs or one that crossed ours: hello goes out, receipts are due.
pub(super) fn accept(step: &mut Step<'_>, contact: &mut Contact) -> Result<(), Error> {
    contact.state = state::ACCEPTED;
    contact.waiting = None;
    contact.fetch_due_ms = None;
    step.tx.contact_put(contact)?;
    if let Some(secret) = contact.invite_secret {
        use_up(step, &secret)?;
    }
    hello(step, contact)?;
    receipt::all_due(step, &contact.chat)?;
    send::seal_waiting(step, &contact.chat)?;
    step.fx.contacts = true;
    step.fx.conversations.insert(contact.conversation);
    Ok(())
}

/// Counts a use of an own invite; the last one closes it.
fn use_up(step: &mut Step<'_>, secret: &[u8; 16]) -> Result<(), Error> {
    let Some(mut row) = step.tx.invite(secret)? else {
        return Ok(());
    };
    row.uses_left = row.uses_left.saturating_sub(1);
    if row.uses_left > 0 {
        return Ok(step.tx.invite_put(&row)?);
    }
    row.closed_ms = Some(step.now_ms);
    step.tx.prekey_delete(&row.prekey_id)?;
    step.tx.secret_put(&sotto_db::Secret {
        secret: *secret,
        kind: 0,
        until_ms: Some(step.now_ms.saturating_add(UNMASK_MS)),
        created_ms: row.created_ms,
    })?;
    cards::publish_invite(step, &mut row)
}

/// Tells a contact where we are reached, and gives them keys for a reset.
pub(super) fn hello(step: &mut Step<'_>, contact: &mut Contact) -> Result<(), Error> {
    let own = step.own()?;
    let record = record(step)?;
    let pair = PrekeyPair::generate(step.rng);
    for mut old in step.tx.prekeys_of(&contact.chat)? {
        old.delete_ms = old
            .delete_ms
            .or(Some(step.now_ms.saturating_add(RESET_PAIR_MS)));
        step.tx.prekey_put(&old)?;
    }
    step.tx.prekey_put(&sotto_db::Prekey {
        id: pair.id(),
        private: pair.to_bytes().to_vec(),
        kind: 2,
        secret: None,
        chat: Some(contact.chat),
        delete_ms: None,
    })?;
    let public = pair.public();
    let secret = step.tx.kv_get(KEY_CONTACTS_SECRET)?.ok_or(Code::Internal)?;
    let content = Content::Hello(Box::new(Hello {
        home: own.account.home_value(),
        contacts_secret: secret
            .as_slice()
            .try_into()
            .map_err(|_| Code::StorageCorrupt)?,
        reset: ResetPair {
            id: public.id,
            x25519: public.x25519,
            kem: Box::new(public.kem),
        },
        list_version: record.list_version,
        name: own.name.clone(),
    }));
    contact.hello_sent = true;
    step.tx.contact_put(contact)?;
    send::enqueue_content(step, contact, &content)?;
    Ok(())
}

/// Their hello: the request is accepted, or their keys and name changed.
pub(super) fn take_hello(step: &mut Step<'_>, chat: &Chat, hello: &Hello) -> Result<(), Error> {
    let Some(mut contact) = step.tx.contact(chat)? else {
        return Ok(());
    };
    if !may_write(&contact) {
        return Ok(());
    }
    contact.home = Some(hello.home);
    contact.contacts_secret = Some(hello.contacts_secret);
    let reset = &hello.reset;
    let pair = [reset.id.as_slice(), &reset.x25519, reset.kem.as_slice()].concat();
    contact.reset_pair = Some(pair);
    contact.name = shown_name(&hello.name, &contact.name);
    contact.state = state::ACCEPTED;
    contact.waiting = None;
    step.tx.contact_put(&contact)?;
    receipt::all_due(step, chat)?;
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
    let shown = clean(name.as_str());
    if shown.is_empty() {
        known.to_owned()
    } else {
        shown
    }
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
        state::REQUESTED => accept(step, contact)?, // crossing requests accept each other
        state::ACCEPTED => step.tx.contact_put(contact)?,
        _ => {
            contact.state = state::INCOMING;
            contact.invite_secret = Some(invite);
            contact.request_text = Some(request.text.clone()).filter(|text| !text.is_empty());
            step.tx.contact_put(contact)?;
        }
    }
    step.fx.contacts = true;
    step.fx.conversations.insert(contact.conversation);
    Ok(())
}

/// Drops all sessions with an account; their handshakes stay known, so that repeats are dropped.
pub(super) fn drop_sessions(step: &mut Step<'_>, chat: &Chat) -> Result<(), Error> {
    for row in step.tx.sessions_of(chat)? {
        if let Some(mut known) = step.tx.handshake(&row.handshake)? {
            known.session = None;
            step.tx.handshake_put(&known)?;
        }
        step.index.forget(&row.hash);
        step.tx.session_delete(&row.hash)?;
    }
    for row in step.tx.outbox_of_chat(chat)? {
        step.tx.outbox_delete(row.id)?;
    }
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

/// Shuts a contact out; the others get a new contacts secret.
pub(super) fn block(step: &mut Step<'_>, contact: &mut Contact) -> Result<(), Error> {
    let knew_secret = contact.hello_sent;
    decline(step, contact)?;
    contact.state = state::BLOCKED;
    step.tx.contact_put(contact)?;
    if !knew_secret {
        return Ok(());
    }
    let old = step.own()?.contacts_secret;
    step.tx.secret_put(&sotto_db::Secret {
        secret: old,
        kind: 1,
        until_ms: Some(step.now_ms.saturating_add(UNMASK_CONTACTS_MS)),
        created_ms: step.now_ms,
    })?;
    let secret: [u8; 16] = step.random();
    step.tx.kv_set(KEY_CONTACTS_SECRET, &secret)?;
    step.tx.secret_put(&sotto_db::Secret {
        secret,
        kind: 1,
        until_ms: None,
        created_ms: step.now_ms,
    })?;
    own_cards_changed(step)?;
    for mut other in step.tx.contacts()? {
        if other.state == state::ACCEPTED {
            hello(step, &mut other)?;
        }
    }
    Ok(())
}

/// The safety number was compared: a device that changed meanwhile is taken as theirs.
pub(super) fn verify(
    step: &mut Step<'_>,
    mut contact: Contact,
    verified: bool,
) -> Result<(), Error> {
    contact.verified = verified;
    if verified && contact.devices_changed {
        contact.devices_changed = false;
        let sessions = step.tx.sessions_of(&contact.chat)?;
        if let Some(newest) = sessions.iter().max_by_key(|row| row.start) {
            contact.device = Some(newest.device);
        }
    }
    step.tx.contact_put(&contact)?;
    choose_sending(step, &contact.chat)?;
    send::seal_waiting(step, &contact.chat)?;
    step.fx.contacts = true;
    Ok(())
}

/// The hash of the conversation with a contact must exist; its contact.
pub(super) fn of_conversation(
    step: &Step<'_>,
    id: &Hash,
) -> Result<(Conversation, Contact), Error> {
    let conversation = step.tx.conversation(id)?.ok_or(Code::ConversationMissing)?;
    let contact = step
        .tx
        .contact(&conversation.chat)?
        .ok_or(Code::ContactMissing)?;
    Ok((conversation, contact))
}
