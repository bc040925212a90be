//! Out: a message becomes an outbox row, sealed once in the session's next key, and is handed to the network again
//! and again until its receipt.

use std::collections::HashMap;

use sotto_crypto::{CardSecret, HandshakeCore, Random, Session, mask};
use sotto_db::{Attempt, Chat, Contact, Conversation, Hash, NEVER, Outbox};
use sotto_net::Command;
use sotto_wire::content::{self, Content, Inner, Kind, Message, Receipt};
use sotto_wire::envelope::{Class, Envelope, Form, HANDSHAKE_ROOM, MEDIUM_ROOM, pad, payload_hash, room};
use sotto_wire::topic::Lane;

use super::base::schedule;
use super::outcome::{emit_state, give_up};
use super::own::Own;
use super::step::{SECOND, Step};
use super::trust::{Told, Trust};
use super::{blob, contact, old_copy, receipt, reset, state, takeover};
use crate::error::{Code, Error, OrBug};

/// Outbox kinds.
pub(super) const UNTIL_RECEIPTED: u8 = 0;
pub(super) const ONCE: u8 = 1;
pub(super) const CARD: u8 = 2;
pub(super) const CHUNK: u8 = 3;

/// Sent so often, over an hour, a row leaves by the newest session.
const IN_VAIN: u32 = 3;
/// One small envelope in so many is sent as the next class.
const UP_SIZED: i64 = 16;
/// Furthest a timestamp may lie ahead of the clock, seconds.
const AHEAD_S: i64 = 10;
/// Counter, floor and protobuf heads around M.
const INNER_HEAD: usize = 16;

/// Most bytes of M that a message to this contact may have now.
pub(super) fn message_room(step: &Step<'_>, chat: &Chat) -> Result<usize, Error> {
    let sending = sending_session(step, chat)?;
    let answered = sending.is_some_and(|row| !row.initiator || row.answered);
    let room = if answered { MEDIUM_ROOM } else { HANDSHAKE_ROOM };
    Ok(room.saturating_sub(INNER_HEAD))
}

/// The session by which messages to an account leave.
pub(super) fn sending_session(step: &Step<'_>, chat: &Chat) -> Result<Option<sotto_db::Session>, Error> {
    let all = step.tx.sessions_of(chat)?;
    Ok(all.into_iter().find(|row| row.sending))
}

/// M of a new message of ours, and its id. Shown messages move the conversation's clock and heads.
pub(super) fn compose(
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

/// A row for a message of ours that wants a receipt, not sealed yet.
pub(super) fn row(step: &Step<'_>, chat: &Chat, m: Vec<u8>, message: Option<Hash>) -> Outbox {
    Outbox {
        id: 0,
        kind: UNTIL_RECEIPTED,
        chat: Some(*chat),
        message,
        m: Some(m),
        session: None,
        seq: None,
        topic: String::new(),
        payload: None,
        sealed_ms: 0,
        attempts: 0,
        due_ms: NEVER,
        last_s: 0,
        check_ms: None,
        give_up_ms: step.now_ms.saturating_add(schedule::GIVE_UP),
        created_ms: step.now_ms,
        group_key: None,
    }
}

/// Puts a row into the outbox, seals it if that is possible now, and hands it over if it is due.
pub(super) fn enqueue(step: &mut Step<'_>, mut row: Outbox) -> Result<i64, Error> {
    row.id = step.tx.outbox_insert(&row)?;
    if row.payload.is_none() && seal_row(step, &mut row)? && row.group_key.is_none() {
        row.due_ms = step.now_ms;
    }
    if row.due_ms <= step.now_ms && step.publish_nodes > 0 {
        launch(step, row.clone())?;
    } else {
        step.tx.outbox_update(&row)?;
    }
    Ok(row.id)
}

/// Enqueues content that is not shown: hello, profile, read, want, gone.
pub(super) fn enqueue_content(step: &mut Step<'_>, contact: &Contact, content: &Content) -> Result<i64, Error> {
    let conversation = step.tx.conversation(&contact.conversation)?;
    let mut conversation = conversation.or_bug("conversation of a contact")?;
    let (m, _, _) = compose(step, &mut conversation, content, false)?;
    let row = row(step, &contact.chat, m, None);
    enqueue(step, row)
}

/// Does content of this kind wait in the outbox for a receipt of an account?
pub(super) fn waits(step: &Step<'_>, chat: &Chat, kind: Kind) -> Result<bool, Error> {
    let is_kind = |m: &Vec<u8>| Message::decode(m).is_ok_and(|message| message.kind == kind);
    let rows = step.tx.outbox_of_chat(chat)?;
    Ok(rows.iter().any(|row| row.m.as_ref().is_some_and(is_kind)))
}

/// Sends content to an accepted contact once, without a receipt; nothing where no session was answered yet.
pub(super) fn content_once(step: &mut Step<'_>, contact: &Contact, content: &Content) -> Result<(), Error> {
    let sending = sending_session(step, &contact.chat)?;
    let answered = sending.filter(|row| !row.initiator || row.answered);
    let (Some(mut session), Some(home)) = (answered, contact.home) else {
        return Ok(());
    };
    let conversation = step.tx.conversation(&contact.conversation)?;
    let mut conversation = conversation.or_bug("conversation of a contact")?;
    let (m, _, _) = compose(step, &mut conversation, content, false)?;
    receipt::alone(step, &mut session, home, m)
}

/// Content of a kind that waits for its receipt is not sent any more: there is newer.
pub(super) fn drop_waiting(step: &mut Step<'_>, chat: &Chat, kind: Kind) -> Result<(), Error> {
    for row in step.tx.outbox_of_chat(chat)? {
        let is = |m: &Vec<u8>| Message::decode(m).is_ok_and(|message| message.kind == kind);
        if row.m.as_ref().is_some_and(is) {
            step.tx.outbox_delete(row.id)?;
        }
    }
    Ok(())
}

/// Enqueues a request; its text, if there is one, stands in the conversation.
pub(super) fn request(step: &mut Step<'_>, contact: &Contact, text: String) -> Result<(), Error> {
    drop_waiting(step, &contact.chat, Kind::Request)?;
    let own = step.own()?;
    let content = Content::Request(content::Request {
        home: own.account.home_value(),
        name: own.name.clone(),
        text: text.clone(),
    });
    if text.is_empty() {
        return enqueue_content(step, contact, &content).map(|_| ());
    }
    let conversation = step.tx.conversation(&contact.conversation)?;
    let mut conversation = conversation.or_bug("conversation of a contact")?;
    let row = compose_shown(step, &mut conversation, &content, text)?;
    enqueue(step, row).map(|_| ())
}

/// A message of ours that is shown, queued, and its row.
fn compose_shown(
    step: &mut Step<'_>,
    conversation: &mut Conversation,
    content: &Content,
    text: String,
) -> Result<Outbox, Error> {
    let (m, id, message) = compose(step, conversation, content, true)?;
    step.tx.conversation_put(conversation)?;
    step.tx.message_insert(&sotto_db::Message {
        id,
        conversation: conversation.id,
        mine: true,
        kind: message.kind.code(),
        m: m.clone(),
        text: Some(text),
        state: state::QUEUED,
        reason: None,
        time_s: i64::try_from(message.time_s).unwrap_or(0),
        lamport: conversation.lamport,
        newer: false,
        fetching: false,
        read: true,
        added_ms: step.now_ms,
        unconfirmed: false,
        resent_ms: 0,
    })?;
    step.message_changed(conversation.id, id);
    Ok(row(step, &conversation.chat, m, Some(id)))
}

/// An answer makes blocks useless: what left in them and has no receipt is sealed anew when it is due, in the next chain.
pub(super) fn renew(step: &Step<'_>, session: &Hash) -> Result<(), Error> {
    for (id, ..) in step.tx.outbox_of_session(session)? {
        if let Some(mut row) = step.tx.outbox(id)? {
            row.payload = None;
            step.tx.outbox_update(&row)?;
        }
    }
    Ok(())
}

/// Seals every row that waits for a session with this account.
pub(super) fn seal_waiting(step: &mut Step<'_>, chat: &Chat) -> Result<(), Error> {
    for mut row in step.tx.outbox_of_chat(chat)? {
        if row.payload.is_none() && seal_row(step, &mut row)? {
            if row.group_key.is_none() {
                row.due_ms = step.now_ms;
            }
            step.tx.outbox_update(&row)?;
        }
    }
    Ok(())
}

/// Seals a row's M in the session's next key. False when there is no way yet: it waits, visibly.
fn seal_row(step: &mut Step<'_>, row: &mut Outbox) -> Result<bool, Error> {
    let (Some(chat), Some(m)) = (row.chat, row.m.as_ref()) else {
        return Ok(false);
    };
    let Some(mut contact) = step.tx.contact(&chat)? else {
        return Ok(false);
    };
    let Some(home) = contact.home.filter(|_| contact::may_write(&contact)) else {
        return Ok(false);
    };
    let Some(mut session) = sending_session(step, &chat)? else {
        return Ok(false);
    };
    if reset::shorten(step, &mut contact, &session)? {
        session = sending_session(step, &chat)?.or_bug("the session just begun")?;
    }
    if session.ahead >= old_copy::LEFT {
        return Ok(false);
    }
    let seq = session.seq.saturating_add(1);
    let floor = step.tx.outbox_floor(&session.hash)?.unwrap_or(seq);
    let floor = old_copy::floor(&session, floor);
    let inner = Inner { seq, floor: floor.clamp(1, seq), receipts: Vec::new(), message: m.clone() };
    let Some(payload) = seal(step, &mut session, inner)? else {
        return Ok(false);
    };
    session.seq = seq;
    step.tx.session_put(&session)?;
    row.session = Some(session.hash);
    row.seq = Some(seq);
    row.payload = Some(payload);
    row.sealed_ms = step.now_ms;
    row.topic = step.topic(Lane::Home, &home);
    Ok(true)
}

/// One envelope: receipts that are owed ride along where they fit. `None` when the message is too large for what the
/// session can carry now. Moves the session, which the caller stores.
pub(super) fn seal(
    step: &mut Step<'_>,
    row: &mut sotto_db::Session,
    mut inner: Inner,
) -> Result<Option<Vec<u8>>, Error> {
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
    let owed = if handshake { Vec::new() } else { receipt::owed(step, row)? };
    inner.receipts = owed.iter().map(|(_, receipt)| receipt.clone()).collect::<Vec<Receipt>>();
    let mut bytes = plain(&inner)?;
    if bytes.len() > fitting {
        bytes = bare;
    } else {
        receipt::gave(step, row, owed)?;
    }
    // A list says by its class nothing about how many devices there are.
    let list = kind == Some(Kind::List);
    let up = !handshake && (step.below(UP_SIZED) == 0 || list);
    let room = if handshake || up || bytes.len() > small { largest } else { small };
    seal_padded(step, row, &bytes, room, handshake).map(Some)
}

fn seal_padded(
    step: &mut Step<'_>,
    row: &mut sotto_db::Session,
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
    row.snapshot = session.to_bytes().as_slice().into();
    envelope.encode().or_bug("envelope")
}

/// Hands a sealed row to the network, with a timestamp of its own.
pub(super) fn launch(step: &mut Step<'_>, mut row: Outbox) -> Result<(), Error> {
    if takeover::is_replaced(step) {
        return step.tx.outbox_update(&row).map_err(Error::from);
    }
    let Some(payload) = row.payload.clone() else {
        row.due_ms = NEVER;
        return Ok(step.tx.outbox_update(&row)?);
    };
    let attempts = step.tx.attempts(row.id)?;
    let had = who_had(step, &row, &attempts);
    let clock_ms = if step.unproven && is_other_turn(step.trust, &had) {
        step.now_ms // stores refuse a wrong time, and the correction may be one
    } else {
        step.clock_ms
    };
    let clock_s = clock_ms.div_euclid(SECOND);
    // Each attempt has a time of its own; those of a clock that was ahead are in nobody's way.
    let furthest_s = clock_s.saturating_add(AHEAD_S);
    let stamps = attempts.iter().map(|attempt| attempt.ts_s);
    let last_s = stamps.chain([row.last_s]).filter(|at_s| *at_s <= furthest_s).max();
    let at_s = clock_s.max(last_s.map_or(0, |last_s| last_s.saturating_add(1)));
    if at_s > furthest_s {
        row.due_ms = step.now_ms.saturating_add((at_s - clock_s) * SECOND);
        return Ok(step.tx.outbox_update(&row)?);
    }
    row.last_s = at_s;
    row.due_ms = step.now_ms.saturating_add(schedule::IN_FLIGHT);
    step.tx.outbox_update(&row)?;
    step.fx.launched.push(row.id);
    step.fx.net.push(Command::Publish {
        id: u64::try_from(row.id).unwrap_or(0),
        topic: row.topic,
        payload,
        timestamp_ns: at_s.saturating_mul(1_000_000_000),
        not: step.trust.not(had.into_iter()),
        spread: spread(row.kind, row.group_key.as_deref()),
    });
    Ok(())
}

/// The cards of one secret go through one node, those of another through one of their own.
fn spread(kind: u8, group: Option<&[u8]>) -> Option<u64> {
    let secret = group.filter(|_| kind == CARD)?;
    let hash = payload_hash(secret);
    hash.first_chunk().map(|first| u64::from_be_bytes(*first))
}

/// Who had what is sent, the latest first.
fn who_had(step: &Step<'_>, row: &Outbox, attempts: &[Attempt]) -> Vec<u64> {
    let mut had: Vec<u64> = match row.chat {
        Some(chat) if row.kind == ONCE => step.trust.had_receipts(&chat).collect(),
        _ => step.trust.had(row.id).collect(),
    };
    if had.is_empty() {
        let nodes = attempts.iter().map(|attempt| attempt.node);
        had.extend(nodes.filter_map(|node| u64::try_from(node).ok()));
    }
    had
}

/// Whether it is the turn of the device's clock: every other time, and for a node that has it again if it was not before.
fn is_other_turn(trust: &Trust, had: &[u64]) -> bool {
    let mut turns = HashMap::new();
    for (number, node) in had.iter().rev().enumerate() {
        let turn = turns.get(node).map_or(number % 2 == 1, |before: &bool| !before);
        turns.insert(*node, turn);
    }
    // The one that had it last the longest ago is next, unless there is another.
    let again = |at: usize| had.iter().take(at);
    let next = had.iter().enumerate().rev().find(|(at, node)| !again(*at).any(|one| one == *node));
    let next = next.filter(|_| trust.all_among(had));
    let before = next.and_then(|(_, node)| turns.get(node));
    before.map_or(had.len() % 2 == 1, |before| !before)
}

/// Makes everything due that was never accepted, but for the rows at the network.
pub(super) fn rewind(step: &mut Step<'_>, in_flight: &[i64]) -> Result<(), Error> {
    step.tx.outbox_rewind(step.now_ms)?;
    for id in in_flight {
        if let Some(mut row) = step.tx.outbox(*id)? {
            row.due_ms = step.now_ms.saturating_add(schedule::IN_FLIGHT);
            step.tx.outbox_update(&row)?;
        }
    }
    Ok(())
}

/// A row's time has come.
pub(super) fn resend(step: &mut Step<'_>, mut row: Outbox) -> Result<(), Error> {
    if row.give_up_ms <= step.now_ms {
        return give_up(step, &row, Code::MessageNotDelivered);
    }
    if row.kind == UNTIL_RECEIPTED {
        let chat = row.chat.or_bug("whom a row is for")?;
        let may = step.tx.contact(&chat)?;
        if !may.is_some_and(|contact| contact::may_write(&contact)) {
            return Ok(step.tx.outbox_delete(row.id)?);
        }
        let old = row.sealed_ms.saturating_add(step.retention_ms()) < step.now_ms;
        if old || was_left_behind(step, &row, &chat)? {
            row.payload = None;
            seal_row(step, &mut row)?;
        }
        if row.attempts > 0 && blob::enqueue_again(step, &row)? {
            return Ok(()); // the pointer follows its chunks
        }
    }
    if row.attempts > 0 && heard_since(step, &row)? {
        let attempts = step.tx.attempts(row.id)?;
        let latest = attempts.first().map(|attempt| u64::try_from(attempt.node));
        step.fx.trust.extend(latest.and_then(Result::ok).map(Told::Missing));
    }
    launch(step, row)
}

/// Was its contact heard of since a row was sent last? Else it may just be away.
fn heard_since(step: &Step<'_>, row: &Outbox) -> Result<bool, Error> {
    let Some(chat) = row.chat else {
        return Ok(false);
    };
    let age_ms = step.clock_ms.saturating_sub(row.last_s.saturating_mul(SECOND));
    let sent_ms = step.now_ms.saturating_sub(age_ms);
    let sessions = step.tx.sessions_of(&chat)?;
    Ok(sessions.iter().any(|session| session.heard_ms > sent_ms))
}

/// Was a row sent several times in vain by a session that has been replaced since? The other side may have lost it: it
/// began the new one.
fn was_left_behind(step: &Step<'_>, row: &Outbox, chat: &Chat) -> Result<bool, Error> {
    let sending = sending_session(step, chat)?.map(|session| session.hash);
    Ok(row.attempts >= IN_VAIN && sending.is_some() && sending != row.session)
}

/// A text of ours: message, seal and outbox in one transaction.
pub(super) fn text(step: &mut Step<'_>, conversation: &Hash, text: &str) -> Result<Hash, Error> {
    let own: &Own = step.own()?;
    own.in_force()?;
    let conversation = step.tx.conversation(conversation)?;
    let mut conversation = conversation.ok_or(Code::ConversationMissing)?;
    let contact = step.tx.contact(&conversation.chat)?;
    let contact = contact.ok_or(Code::ContactMissing)?;
    contact::check_writable(&contact)?;
    if sotto_wire::name::is_blank(text) {
        return Err(Code::TextEmpty.into());
    }
    if text.len() > sotto_wire::blob::MAX_BLOB {
        return Err(Code::TextTooLong.into());
    }
    // Random, clock, parents and heads of M take at most 80 bytes.
    let fits = text.len().saturating_add(80) <= message_room(step, &contact.chat)?;
    let (content, file) = if fits {
        (Content::Text(text.to_owned()), None)
    } else {
        let remote = blob::pointer(step, Kind::Text, text.as_bytes())?;
        (Content::Pointer(remote.clone()), Some(remote))
    };
    conversation.draft.clear();
    let mut row = compose_shown(step, &mut conversation, &content, text.to_owned())?;
    let id = row.message.or_bug("message of a row")?;
    if let Some(remote) = &file {
        blob::enqueue(step, &id, &remote.pointer, text.as_bytes())?;
        row.group_key = Some(id.to_vec());
    }
    enqueue(step, row)?;
    Ok(id)
}

/// A failed message once more.
pub(super) fn retry(step: &mut Step<'_>, id: &Hash) -> Result<(), Error> {
    step.own()?.in_force()?;
    let message = step.tx.message(id)?.ok_or(Code::MessageMissing)?;
    if !message.mine || message.state != state::FAILED {
        return Err(Code::MessageMissing.into());
    }
    let conversation = step.tx.conversation(&message.conversation)?;
    let chat = conversation.ok_or(Code::ConversationMissing)?.chat;
    let contact = step.tx.contact(&chat)?.ok_or(Code::ContactMissing)?;
    contact::check_writable(&contact)?;
    step.tx.message_set_state(id, state::QUEUED, None)?;
    emit_state(step, &message, state::QUEUED);
    again(step, &message, &chat)
}

/// A message of ours under its id, sealed anew.
pub(super) fn again(step: &mut Step<'_>, message: &sotto_db::Message, chat: &Chat) -> Result<(), Error> {
    let mut row = row(step, chat, message.m.clone(), Some(message.id));
    if blob::enqueue_for(step, message)? {
        row.group_key = Some(message.id.to_vec());
    }
    enqueue(step, row)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_gets_a_message_by_either_clock_in_two_rounds() {
        for nodes in 1..=10_u64 {
            let mut trust = Trust::default();
            for node in 0..nodes {
                trust.told(Told::Took(node, 1, None));
            }
            let mut had = Vec::new();
            let mut turns = HashMap::<u64, Vec<bool>>::new();
            for number in 0..2 * nodes {
                let node = number % nodes;
                let turn = is_other_turn(&trust, &had);
                turns.entry(node).or_default().push(turn);
                had.insert(0, node);
            }
            assert!(turns.values().all(|turns| turns[0] != turns[1]));
            assert!(!turns[&0][0], "first by the corrected clock");
        }
    }
}
