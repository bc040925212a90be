//! Out: a message of ours becomes an item and its parcel, sealed once in the session's next key, and is handed to the
//! network again and again until its receipt.

use sotto_crypto::{CardSecret, HandshakeCore, Random, Session, mask};
use sotto_db::{Chat, Class as Ends, Hash, Item, NEVER, Parcel, Reach};
use sotto_wire::content::{Content, Inner, Kind, Message, Prefix, Receipt};
use sotto_wire::envelope::{Class, Envelope, Form, HANDSHAKE_ROOM, MEDIUM_ROOM, pad, room};
use sotto_wire::topic::Lane;

use crate::engine::base::step::{SECOND, Step};
use crate::engine::carry::Fact;
use crate::engine::carry::blob;
use crate::engine::carry::outcome::give_up;
use crate::engine::carry::receipt;
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

/// M of a message of ours.
pub(crate) fn message(
    step: &mut Step<'_>,
    content: &Content,
    (lamport, parents): (i64, Vec<Prefix>),
) -> Result<(Vec<u8>, Message), Error> {
    let (kind, body) = content.encode().or_bug("content")?;
    let message = Message {
        random: step.random(),
        lamport: u64::try_from(lamport).unwrap_or(0),
        time_s: step.clock_s(),
        parents,
        kind,
        body,
    };
    let m = message.encode().or_bug("message")?;
    Ok((m, message))
}

/// M of what is not shown, and has no place in the order.
fn unshown(step: &mut Step<'_>, content: &Content) -> Result<Vec<u8>, Error> {
    Ok(message(step, content, (0, Vec::new()))?.0)
}

/// A message of ours that wants a receipt, not sealed yet.
pub(crate) fn item(chat: &Chat, m: Vec<u8>, message: Option<Hash>) -> Item {
    Item { parcel: 0, chat: *chat, device: None, message, m, session: None, seq: None, after: None }
}

/// Takes a message that is to leave, seals it if that is possible now, and hands it over unless it waits for its
/// chunks.
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
    let m = unshown(step, content)?;
    enqueue(step, item(chat, m, None))
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
    let m = unshown(step, content)?;
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

/// An answer makes blocks useless: what left in them and has no receipt is sealed anew when it is due, in the next
/// chain.
pub(crate) fn renew(step: &Step<'_>, session: &Hash) -> Result<(), Error> {
    for item in step.tx.items.of_session(session)? {
        step.tx.parcels.edit(&item.parcel, |parcel| parcel.payload = None)?;
    }
    Ok(())
}

/// What is sealed in a session and not receipted waits to be sealed anew.
pub(crate) fn unseal(step: &Step<'_>, row: &sotto_db::Session) -> Result<(), Error> {
    for item in step.tx.items.of_session(&row.hash)? {
        // A pointer waits for its chunks only while they are on their way.
        let chunks = match &item.after {
            Some(batch) => step.tx.parcels.in_batch(batch, Ends::Chunk)? > 0,
            None => false,
        };
        step.tx.items.edit(&item.parcel, |item| {
            (item.session, item.device, item.seq) = (None, None, None);
            item.after = item.after.take().filter(|_| chunks);
        })?;
        step.tx.parcels.edit(&item.parcel, |parcel| {
            parcel.payload = None;
            parcel.due_ms = NEVER;
        })?;
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

/// Seals an item's M in the session's next key, and fills its parcel. False when there is no way yet: it waits,
/// visibly.
fn seal_item(step: &mut Step<'_>, parcel: i64) -> Result<bool, Error> {
    let Some(item) = step.tx.items.get(&parcel)? else {
        return Ok(false);
    };
    let chat = &item.chat;
    let peer = step.tx.peers.get(chat)?.filter(|peer| peer.reach != Reach::Nothing);
    let Some(home) = peer.and_then(|peer| peer.home) else {
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
    // Counters that were never given count as missing.
    let floor = if link.gap_to > 0 { floor.min(link.gap_from.saturating_add(1)) } else { floor };
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
pub(crate) fn resend(step: &mut Step<'_>, id: i64) -> Result<Vec<Fact>, Error> {
    let Some(parcel) = step.tx.parcels.get(&id)? else {
        return Ok(Vec::new());
    };
    if parcel.give_up_ms <= step.now_ms {
        return give_up(step, parcel, Code::MessageNotDelivered);
    }
    if parcel.class == Ends::Kept {
        let item = step.tx.items.get(&id)?.or_bug("what a parcel holds")?;
        if step.tx.peers.get(&item.chat)?.is_none_or(|peer| peer.reach == Reach::Nothing) {
            remove(step, id)?;
            return Ok(Vec::new());
        }
        let old = parcel.sealed_ms.saturating_add(step.retention_ms()) < step.now_ms;
        if old || was_left_behind(step, &parcel, &item)? {
            step.tx.parcels.edit(&id, |parcel| parcel.payload = None)?;
            seal_item(step, id)?;
        }
        if parcel.attempts > 0 && blob::enqueue_again(step, &item)? {
            return Ok(Vec::new()); // the pointer follows its chunks
        }
    }
    if parcel.attempts > 0 && heard_since(step, &parcel)? {
        let attempts = step.tx.attempts.of(id)?;
        let latest = attempts.first().map(|attempt| u64::try_from(attempt.node));
        step.fx.trust.extend(latest.and_then(Result::ok).map(Told::Missing));
    }
    parcel::launch(step, id)?;
    Ok(Vec::new())
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
