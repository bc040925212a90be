//! Own messages: composed, shown, and handed on for sending.

use sotto_db::{Chat, Conversation, Hash, Item, MessageState, Standing};
use sotto_wire::content::{self, Content, Kind};

use crate::engine::base::schedule::SECOND;
use crate::engine::carry::send;
use crate::engine::file::{body, up};
use crate::engine::group::{log, say};
use crate::engine::talk::kind::post;
use crate::engine::talk::state::emit_state;
use crate::engine::talk::{Talk, delete};
use crate::error::{Code, Error, OrBug};
use crate::grouplog::{MEMBER, WHO_WRITES};

/// Where messages of a conversation go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Route {
    Pair(Chat),
    Group(Hash),
}

pub(crate) fn writable(step: &mut Talk<'_>, id: &Hash) -> Result<(Conversation, Route), Error> {
    let conversation = step.conversations.get(id)?.ok_or(Code::ConversationMissing)?;
    if conversation.kind == sotto_db::Kind::Group {
        say::writable(step, id)?;
        allowed(step, id, WHO_WRITES)?;
        return Ok((conversation, Route::Group(*id)));
    }
    let chat = Route::Pair(conversation.peer.ok_or(Code::ContactMissing)?);
    match conversation.standing {
        Standing::Open | Standing::Asked => Ok((conversation, chat)),
        Standing::Blocked => Err(Code::ContactBlocked.into()),
        Standing::Pending | Standing::Closed => Err(Code::ContactState.into()),
    }
}

/// Refuses what a setting of a group leaves to its owner and admins. Readers drop it.
pub(crate) fn allowed(step: &mut Talk<'_>, group: &Hash, setting: u8) -> Result<(), Error> {
    let all = log::state(step, group)?.setting(setting).is_some_and(|value| value == [1]);
    if all || log::own_seat(step, group)? != MEMBER { Ok(()) } else { Err(Code::GroupNotAllowed.into()) }
}

/// Whether somebody has not answered yet, and so learns of no earlier upload.
pub(crate) fn is_asked(step: &Talk<'_>, id: &Hash) -> Result<bool, Error> {
    Ok(step.conversations.get(id)?.is_some_and(|row| row.standing != Standing::Open))
}

/// A contact's conversation.
pub(crate) fn open(step: &mut Talk<'_>, id: &Hash) -> Result<(Conversation, Route), Error> {
    step.own()?.in_force()?;
    let (conversation, chat) = writable(step, id)?;
    match conversation.standing {
        Standing::Open => Ok((conversation, chat)),
        _ => Err(Code::ContactState.into()),
    }
}

/// Adds a request; its text, if there is one, stands in the conversation.
pub(crate) fn request(step: &mut Talk<'_>, chat: &Chat, text: String) -> Result<(), Error> {
    send::drop_waiting(step, chat, Kind::Request)?;
    let own = step.own()?;
    let content = Content::Request(content::Request {
        home: own.account.home_value(),
        name: own.name.clone(),
        text: text.clone(),
    });
    if text.is_empty() {
        return send::content(step, chat, &content);
    }
    let conversation = step.conversations.with(chat)?.or_bug("conversation of a person")?;
    let (m, id) = shown(step, conversation, &content, (text, 0))?;
    send::enqueue(step, send::item(chat, m, Some(id)))
}

/// Adds a shown own message, queued; returns its M and id. Moves the conversation's clock and heads.
fn shown(
    step: &mut Talk<'_>,
    place: Conversation,
    content: &Content,
    (text, expire_s): (String, u32),
) -> Result<(Vec<u8>, Hash), Error> {
    let own = step.own()?;
    let conversation = place.id;
    let lamport = place.lamport.saturating_add(1);
    let parents = match content {
        Content::Request(_) => Vec::new(), // the first message has little room
        _ => place.heads.as_chunks::<8>().0.to_vec(),
    };
    let (m, message) = send::message(step, content, (lamport, parents))?;
    let id = content::message_id(&conversation, &own.chat, &own.device, &m);
    let time_s = i64::try_from(message.time_s).unwrap_or(0);
    step.conversations.put(&Conversation {
        lamport,
        heads: content::prefix(&id).to_vec(),
        last_ms: time_s * SECOND,
        listed: true,
        archived: false,
        ..place
    })?;
    step.messages.add(&sotto_db::Message {
        m: m.clone(),
        text: Some(text),
        state: MessageState::Queued,
        time_s,
        lamport,
        added_ms: step.now_ms,
        expire_s,
        ..delete::place(id, conversation, None, message.kind)
    })?;
    step.message_changed(conversation, id);
    Ok((m, id))
}

/// Adds a shown own message and sends it, in one transaction: what is too long for an envelope as chunks, then a
/// pointer.
pub(crate) fn add(
    step: &mut Talk<'_>,
    (conversation, route): (Conversation, &Route),
    content: &Content,
    (text, expire_s): (String, u32),
) -> Result<Hash, Error> {
    let (kind, bytes) = content.encode().map_err(|_| Code::TextTooLong)?;
    let files = match content {
        Content::Post(post) => post.files.as_slice(),
        _ => &[],
    };
    // A poll fits into an envelope. Where there is less room, beside a handshake block, it waits for the answer.
    let fits = bytes.len().saturating_add(send::MESSAGE_HEAD) <= room(step, route)?;
    if fits || kind == Kind::Poll {
        let (m, id) = shown(step, conversation, content, (text, expire_s))?;
        let after = attach(step, &id, files)?;
        leave(step, route, m, Some(id), after)?;
        return Ok(id);
    }
    let remote = body::pointer(step, kind, &bytes)?;
    let (m, id) = shown(step, conversation, &Content::Pointer(remote), (text, expire_s))?;
    attach(step, &id, files)?;
    if kind != Kind::Text {
        step.messages.edit(&id, |message| message.body = Some(bytes))?;
    }
    body::publish(step, &id)?;
    leave(step, route, m, Some(id), Some(id.to_vec()))?;
    Ok(id)
}

/// Most bytes of M now.
fn room(step: &Talk<'_>, route: &Route) -> Result<usize, Error> {
    match route {
        Route::Pair(chat) => send::message_room(step, chat),
        Route::Group(_) => Ok(say::MESSAGE_ROOM),
    }
}

/// Sends a message. `after`: the message whose files it waits for.
pub(crate) fn leave(
    step: &mut Talk<'_>,
    route: &Route,
    m: Vec<u8>,
    id: Option<Hash>,
    after: Option<Vec<u8>>,
) -> Result<(), Error> {
    match route {
        Route::Pair(chat) => send::enqueue(step, Item { after, ..send::item(chat, m, id) }),
        Route::Group(group) => say::message(step, group, m, id, after.is_some()),
    }
}

/// Gives an own message its files. Returns what its item waits for.
fn attach(step: &mut Talk<'_>, id: &Hash, files: &[content::File]) -> Result<Option<Vec<u8>>, Error> {
    if files.is_empty() {
        return Ok(None);
    }
    let message = step.messages.get(id)?.or_bug("own message")?;
    post::attach(step, &message, files, false)?;
    Ok(step.tx.files.is_unsent(id)?.then(|| id.to_vec()))
}

/// Sends the answer to an incoming message, unless it was answered.
pub(crate) fn answer(step: &mut Talk<'_>, arrival: i64, text: &str) -> Result<Hash, Error> {
    let (message, answer) = step.arrivals.get(arrival)?.ok_or(Code::MessageMissing)?;
    if let Some(answer) = answer {
        return Ok(answer);
    }
    let message = step.messages.get(&message)?.ok_or(Code::MessageMissing)?;
    let draft = post::Draft { text: text.to_owned(), ..post::Draft::default() };
    let id = post::send(step, &message.conversation, draft)?;
    step.arrivals.answer(arrival, &id)?;
    Ok(id)
}

/// Saves unsent text, and which message it replies to.
pub(crate) fn draft(step: &mut Talk<'_>, id: &Hash, text: String, reply: Option<Hash>) -> Result<(), Error> {
    let conversation = step.conversations.get(id)?.ok_or(Code::ConversationMissing)?;
    if conversation.draft != text || conversation.draft_reply != reply {
        step.conversations.edit(id, |row| (row.draft, row.draft_reply) = (text, reply))?;
        step.fx.conversations.insert(*id);
    }
    Ok(())
}

pub(crate) fn retry(step: &mut Talk<'_>, id: &Hash) -> Result<(), Error> {
    step.own()?.in_force()?;
    let message = step.messages.get(id)?.ok_or(Code::MessageMissing)?;
    if !message.is_own() || message.state != MessageState::Failed {
        return Err(Code::MessageMissing.into());
    }
    let (_, route) = writable(step, &message.conversation)?;
    if up::is_lost(step, id)? {
        return Err(Code::FileUnreadable.into()); // it would wait for the upload for ever
    }
    step.messages.edit(id, |message| {
        message.state = MessageState::Queued;
        message.reason = None;
        message.expires_ms = None; // its time begins again when it is sent
    })?;
    emit_state(step, &message, MessageState::Queued);
    again(step, &message, &route)
}

/// Sends an own message under its id, sealed again.
pub(crate) fn again(step: &mut Talk<'_>, message: &sotto_db::Message, route: &Route) -> Result<(), Error> {
    up::again(step, &message.id)?;
    body::publish(step, &message.id)?;
    let after = step.tx.files.is_unsent(&message.id)?.then(|| message.id.to_vec());
    leave(step, route, message.m.clone(), Some(message.id), after)
}
