//! Out: a message of ours becomes an item and its parcel, sealed once in the session's next key, and is handed to the
//! network again and again until its receipt.

use sotto_crypto::{CardSecret, HandshakeCore, Random, Session, mask};
use sotto_db::{Chat, Class as Ends, Conversation, Hash, Item, MessageState, Parcel};
use sotto_wire::content::{self, Content, Inner, Kind, Message, Receipt};
use sotto_wire::envelope::{Class, Envelope, Form, HANDSHAKE_ROOM, MEDIUM_ROOM, pad, room};
use sotto_wire::topic::Lane;

use crate::engine::base::own::Own;
use crate::engine::base::step::{SECOND, Step};
use crate::engine::carry::blob;
use crate::engine::carry::outcome::{emit_state, give_up};
use crate::engine::carry::receipt;
use crate::engine::people::contact;
use crate::engine::people::old_copy;
use crate::engine::people::reset;
use crate::engine::post::parcel;
use crate::engine::post::trust::Told;
use crate::error::{Code, Error, OrBug};

/// Sent so often, over an hour, a message leaves by the newest session.
const IN_VAIN: u32 = 3;
/// One small envelope in so many is sent as the next class.
const UP_SIZED: i64 = 16;
/// Counter, floor and protobuf heads around M.
const INNER_HEAD: usize = 16;

/// Most bytes of M that a message to this contact may have now.
pub(crate) fn message_room(step: &Step<'_>, chat: &Chat) -> Result<usize, Error> {
    let sending = sending_session(step, chat)?;
    let answered = sending.is_some_and(|row| !row.initiator || row.answered);
    let room = if answered { MEDIUM_ROOM } else { HANDSHAKE_ROOM };
    Ok(room.saturating_sub(INNER_HEAD))
}

/// The session by which messages to an account leave.
pub(crate) fn sending_session(step: &Step<'_>, chat: &Chat) -> Result<Option<sotto_db::Session>, Error> {
    match step.tx.devices.session(chat)? {
        Some(hash) => Ok(step.tx.sessions.get(&hash)?),
        None => Ok(None),
    }
}

/// M of a new message of ours, and its id. Shown messages move the conversation's clock and heads.
pub(crate) fn compose(
    step: &mut Step<'_>,
    conversation: &mut Conversation,
    content: &Content,
    shown: bool,
) -> Result<(Vec<u8>, Hash, Message), Error> {
    let own = step.own()?;
    let (kind, body) = content.encode().or_bug("content")?;
    // What is not shown has no place in the order.
    let (lamport, parents) = if shown {
        conversation.lamport = conversation.lamport.saturating_add(1);
        let parents = match content {
            Content::Request(_) => Vec::new(), // the room of a first message is short
            _ => conversation.heads.as_chunks::<8>().0.to_vec(),
        };
        (conversation.lamport, parents)
    } else {
        (0, Vec::new())
    };
    let message = Message {
        random: step.random(),
        lamport: u64::try_from(lamport).unwrap_or(0),
        time_s: step.clock_s(),
        parents,
        kind,
        body,
    };
    let m = message.encode().or_bug("message")?;
    let id = content::message_id(&conversation.id, &own.chat, &own.device, &m);
    if shown {
        conversation.heads = content::prefix(&id).to_vec();
        conversation.last_ms = i64::try_from(message.time_s).unwrap_or(0) * SECOND;
    }
    Ok((m, id, message))
}

/// A message of ours that wants a receipt, not sealed yet.
pub(crate) fn item(chat: &Chat, m: Vec<u8>, message: Option<Hash>) -> Item {
    Item { parcel: 0, chat: *chat, device: None, message, m, session: None, seq: None, after: None }
}

/// Takes a message that is to leave, seals it if that is possible now, and hands it over unless it waits for its chunks.
pub(crate) fn enqueue(step: &mut Step<'_>, mut item: Item) -> Result<(), Error> {
    item.parcel = step.tx.parcels.add(parcel::empty(step, Some(&item.chat)))?;
    step.tx.items.put(&item)?;
    if seal_item(step, item.parcel)? && item.after.is_none() {
        parcel::wait_until(step, item.parcel, step.now_ms)?;
        if step.publish_nodes > 0 {
            parcel::launch(step, item.parcel)?;
        }
    }
    Ok(())
}

/// A parcel and what it holds go.
pub(crate) fn remove(step: &Step<'_>, parcel: i64) -> Result<(), Error> {
    step.tx.items.remove(&parcel)?;
    step.tx.parcels.remove(&parcel)?;
    Ok(())
}

/// Enqueues content that is not shown: hello, profile, read, want, gone.
pub(crate) fn enqueue_content(step: &mut Step<'_>, chat: &Chat, content: &Content) -> Result<(), Error> {
    let (m, ..) = compose(step, &mut conversation(step, chat)?, content, false)?;
    enqueue(step, item(chat, m, None))
}

fn conversation(step: &Step<'_>, chat: &Chat) -> Result<Conversation, Error> {
    step.tx.conversations.with(chat)?.or_bug("conversation of a person")
}

fn is_kind(item: &Item, kind: Kind) -> bool {
    Message::decode(&item.m).is_ok_and(|message| message.kind == kind)
}

/// Does content of this kind wait for a receipt of an account?
pub(crate) fn waits(step: &Step<'_>, chat: &Chat, kind: Kind) -> Result<bool, Error> {
    Ok(step.tx.items.of(chat)?.iter().any(|item| is_kind(item, kind)))
}

/// Sends content to an accepted contact once, without a receipt; nothing where no session was answered yet.
pub(crate) fn content_once(step: &mut Step<'_>, chat: &Chat, content: &Content) -> Result<(), Error> {
    let sending = sending_session(step, chat)?;
    let answered = sending.filter(|row| !row.initiator || row.answered);
    let home = step.tx.peers.get(chat)?.and_then(|peer| peer.home);
    let (Some(session), Some(home)) = (answered, home) else {
        return Ok(());
    };
    let (m, ..) = compose(step, &mut conversation(step, chat)?, content, false)?;
    receipt::alone(step, session, home, m)
}

/// Content of a kind that waits for its receipt is not sent any more: there is newer.
pub(crate) fn drop_waiting(step: &mut Step<'_>, chat: &Chat, kind: Kind) -> Result<(), Error> {
    for item in step.tx.items.of(chat)? {
        if is_kind(&item, kind) {
            remove(step, item.parcel)?;
        }
    }
    Ok(())
}

/// Enqueues a request; its text, if there is one, stands in the conversation.
pub(crate) fn request(step: &mut Step<'_>, chat: &Chat, text: String) -> Result<(), Error> {
    drop_waiting(step, chat, Kind::Request)?;
    let own = step.own()?;
    let content = Content::Request(content::Request {
        home: own.account.home_value(),
        name: own.name.clone(),
        text: text.clone(),
    });
    if text.is_empty() {
        return enqueue_content(step, chat, &content);
    }
    let (m, id) = compose_shown(step, &mut conversation(step, chat)?, &content, text)?;
    enqueue(step, item(chat, m, Some(id)))
}

/// A message of ours that is shown, queued; its M and id.
fn compose_shown(
    step: &mut Step<'_>,
    conversation: &mut Conversation,
    content: &Content,
    text: String,
) -> Result<(Vec<u8>, Hash), Error> {
    let (m, id, message) = compose(step, conversation, content, true)?;
    step.tx.conversations.put(conversation)?;
    step.tx.messages.add(&sotto_db::Message {
        id,
        conversation: conversation.id,
        author: None,
        kind: message.kind.code(),
        m: m.clone(),
        text: Some(text),
        state: MessageState::Queued,
        reason: None,
        time_s: i64::try_from(message.time_s).unwrap_or(0),
        lamport: conversation.lamport,
        newer: false,
        fetching: false,
        read: true,
        added_ms: step.now_ms,
        unconfirmed: false,
        resent_ms: 0,
        marked: false,
    })?;
    step.message_changed(conversation.id, id);
    Ok((m, id))
}

/// An answer makes blocks useless: what left in them and has no receipt is sealed anew when it is due, in the next chain.
pub(crate) fn renew(step: &Step<'_>, session: &Hash) -> Result<(), Error> {
    for item in step.tx.items.of_session(session)? {
        step.tx.parcels.edit(&item.parcel, |parcel| parcel.payload = None)?;
    }
    Ok(())
}

/// Seals everything that waits for a session with this account.
pub(crate) fn seal_waiting(step: &mut Step<'_>, chat: &Chat) -> Result<(), Error> {
    for item in step.tx.items.of(chat)? {
        let parcel = step.tx.parcels.get(&item.parcel)?;
        if parcel.is_some_and(|parcel| parcel.payload.is_none())
            && seal_item(step, item.parcel)?
            && item.after.is_none()
        {
            parcel::wait_until(step, item.parcel, step.now_ms)?;
        }
    }
    Ok(())
}

/// Seals an item's M in the session's next key, and fills its parcel. False when there is no way yet: it waits, visibly.
fn seal_item(step: &mut Step<'_>, parcel: i64) -> Result<bool, Error> {
    let Some(item) = step.tx.items.get(&parcel)? else {
        return Ok(false);
    };
    let chat = &item.chat;
    if !contact::state(step, chat)?.is_some_and(contact::may_write) {
        return Ok(false);
    }
    let Some(home) = step.tx.peers.get(chat)?.and_then(|peer| peer.home) else {
        return Ok(false);
    };
    let Some(mut session) = sending_session(step, chat)? else {
        return Ok(false);
    };
    if reset::shorten(step, chat, &session)? {
        session = sending_session(step, chat)?.or_bug("the session just begun")?;
    }
    if session.ahead >= sotto_db::Ahead::Left {
        return Ok(false);
    }
    let hash = session.hash;
    let link = step.tx.links.get(&hash)?.or_bug("link of a session")?;
    let seq = link.seq.saturating_add(1);
    let floor = step.tx.items.floor(&hash)?.unwrap_or(seq);
    let floor = old_copy::floor(&link, floor);
    let inner = Inner { seq, floor: floor.clamp(1, seq), receipts: Vec::new(), message: item.m };
    let device = session.device;
    let Some(payload) = seal(step, session, inner)? else {
        return Ok(false);
    };
    step.tx.links.edit(&hash, |link| link.seq = seq)?;
    step.tx.items.edit(&parcel, |item| {
        item.session = Some(hash);
        item.device = Some(device);
        item.seq = Some(seq);
    })?;
    let topic = step.topic(Lane::Home, &home);
    step.tx.parcels.edit(&parcel, |parcel| {
        parcel.payload = Some(payload);
        parcel.sealed_ms = step.now_ms;
        parcel.topic = topic;
    })?;
    Ok(true)
}

/// One envelope: receipts that are owed ride along where they fit. `None` when the message is too large for what the
/// session can carry now. Moves the session.
pub(crate) fn seal(step: &mut Step<'_>, row: sotto_db::Session, mut inner: Inner) -> Result<Option<Vec<u8>>, Error> {
    let handshake = row.initiator && !row.answered;
    let plain = |inner: &Inner| inner.encode().or_bug("inner");
    let bare = plain(&inner)?;
    let small = room(Class::Small, Form::Ratchet);
    let largest = if handshake { HANDSHAKE_ROOM } else { MEDIUM_ROOM };
    let kind = Message::decode(&inner.message).ok().map(|message| message.kind);
    let read = kind == Some(Kind::Read);
    // What arrived has to leave with a mark, or it would stand for what did not, too.
    if bare.len() > largest || (read && handshake) {
        return Ok(None);
    }
    let fitting = if !handshake && bare.len() <= small && !read { small } else { largest };
    let owed = if handshake { Vec::new() } else { receipt::owed(step, &row.chat)? };
    inner.receipts = owed.iter().map(|(_, receipt)| receipt.clone()).collect::<Vec<Receipt>>();
    let mut bytes = plain(&inner)?;
    if bytes.len() > fitting {
        bytes = bare;
    } else {
        receipt::gave(step, owed)?;
    }
    // A list says by its class nothing about how many devices there are.
    let list = kind == Some(Kind::List);
    let up = !handshake && (step.below(UP_SIZED) == 0 || list);
    let room = if handshake || up || bytes.len() > small { largest } else { small };
    seal_padded(step, &row, &bytes, room, handshake).map(Some)
}

fn seal_padded(
    step: &mut Step<'_>,
    row: &sotto_db::Session,
    plain: &[u8],
    room: usize,
    handshake: bool,
) -> Result<Vec<u8>, Error> {
    let padded = pad(plain, room).or_bug("padding")?;
    let mut session = Session::from_bytes(&row.snapshot).map_err(|_| Code::StorageCorrupt)?;
    let random = Random(step.random());
    let sealed = session.encrypt(step.rng, &random, &padded);
    let sealed = sealed.or_bug("sealing")?;
    let mut body = Vec::with_capacity(Class::Medium.size());
    if handshake {
        let core = row.core.as_deref().and_then(HandshakeCore::from_bytes);
        let (core, secret) = core.zip(row.mask_secret).or_bug("block of a session")?;
        body.extend_from_slice(&mask(&core, &CardSecret::new(&secret), &sealed.tag, &random));
    }
    body.extend_from_slice(&sealed.header);
    body.extend_from_slice(&sealed.message);
    let envelope = Envelope { tag: sealed.tag.0, random: random.0, body: &body };
    step.tx.sessions.edit(&row.hash, |row| row.snapshot = session.to_bytes().as_slice().into())?;
    envelope.encode().or_bug("envelope")
}

/// A parcel's time has come.
pub(crate) fn resend(step: &mut Step<'_>, id: i64) -> Result<(), Error> {
    let Some(parcel) = step.tx.parcels.get(&id)? else {
        return Ok(());
    };
    if parcel.give_up_ms <= step.now_ms {
        return give_up(step, parcel, Code::MessageNotDelivered);
    }
    if parcel.class == Ends::Kept {
        let item = step.tx.items.get(&id)?.or_bug("what a parcel holds")?;
        if !contact::state(step, &item.chat)?.is_some_and(contact::may_write) {
            return remove(step, id);
        }
        let old = parcel.sealed_ms.saturating_add(step.retention_ms()) < step.now_ms;
        if old || was_left_behind(step, &parcel, &item)? {
            step.tx.parcels.edit(&id, |parcel| parcel.payload = None)?;
            seal_item(step, id)?;
        }
        if parcel.attempts > 0 && blob::enqueue_again(step, &item)? {
            return Ok(()); // the pointer follows its chunks
        }
    }
    if parcel.attempts > 0 && heard_since(step, &parcel)? {
        let attempts = step.tx.attempts.of(id)?;
        let latest = attempts.first().map(|attempt| u64::try_from(attempt.node));
        step.fx.trust.extend(latest.and_then(Result::ok).map(Told::Missing));
    }
    parcel::launch(step, id)
}

/// Was whom it is for heard of since a parcel was sent last? Else he may just be away.
fn heard_since(step: &Step<'_>, parcel: &Parcel) -> Result<bool, Error> {
    let Some(chat) = parcel.party else {
        return Ok(false);
    };
    let age_ms = step.clock_ms.saturating_sub(parcel.last_s.saturating_mul(SECOND));
    let sent_ms = step.now_ms.saturating_sub(age_ms);
    Ok(step.tx.links.of(&chat)?.iter().any(|link| link.heard_ms > sent_ms))
}

/// Was it sent several times in vain by a session that has been replaced since? The other side may have lost it: it
/// began the new one.
fn was_left_behind(step: &Step<'_>, parcel: &Parcel, item: &Item) -> Result<bool, Error> {
    let sending = step.tx.devices.session(&item.chat)?;
    Ok(parcel.attempts >= IN_VAIN && sending.is_some() && sending != item.session)
}

/// A text of ours: message, seal and outbox in one transaction.
pub(crate) fn text(step: &mut Step<'_>, conversation: &Hash, text: &str) -> Result<Hash, Error> {
    let own: &Own = step.own()?;
    own.in_force()?;
    let (mut conversation, person) = contact::of_conversation(step, conversation)?;
    contact::check_writable(person.state)?;
    if sotto_wire::name::is_blank(text) {
        return Err(Code::TextEmpty.into());
    }
    if text.len() > sotto_wire::blob::MAX_BLOB {
        return Err(Code::TextTooLong.into());
    }
    let chat = &person.chat;
    // Random, clock, parents and heads of M take at most 80 bytes.
    let fits = text.len().saturating_add(80) <= message_room(step, chat)?;
    let (content, file) = if fits {
        (Content::Text(text.to_owned()), None)
    } else {
        let remote = blob::pointer(step, Kind::Text, text.as_bytes())?;
        (Content::Pointer(remote.clone()), Some(remote))
    };
    conversation.draft.clear();
    let (m, id) = compose_shown(step, &mut conversation, &content, text.to_owned())?;
    if let Some(remote) = &file {
        blob::enqueue(step, &id, &remote.pointer, text.as_bytes())?;
    }
    enqueue(step, Item { after: file.map(|_| id.to_vec()), ..item(chat, m, Some(id)) })?;
    Ok(id)
}

/// A failed message once more.
pub(crate) fn retry(step: &mut Step<'_>, id: &Hash) -> Result<(), Error> {
    step.own()?.in_force()?;
    let message = step.tx.messages.get(id)?.ok_or(Code::MessageMissing)?;
    if !message.is_own() || message.state != MessageState::Failed {
        return Err(Code::MessageMissing.into());
    }
    let (_, person) = contact::of_conversation(step, &message.conversation)?;
    contact::check_writable(person.state)?;
    step.tx.messages.edit(id, |message| {
        message.state = MessageState::Queued;
        message.reason = None;
    })?;
    emit_state(step, &message, MessageState::Queued);
    again(step, &message, &person.chat)
}

/// A message of ours under its id, sealed anew.
pub(crate) fn again(step: &mut Step<'_>, message: &sotto_db::Message, chat: &Chat) -> Result<(), Error> {
    let chunks = blob::enqueue_for(step, message)?;
    let after = chunks.then(|| message.id.to_vec());
    enqueue(step, Item { after, ..item(chat, message.m.clone(), Some(message.id)) })
}
