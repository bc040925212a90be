//! Outgoing messages: an item and a parcel, sealed once in the session's next key, published until the receipt.

use sotto_crypto::{CardSecret, HandshakeCore, Random, Session, mask};
use sotto_db::{Chat, Class as Ends, Hash, Item, NEVER, Parcel, Reach};
use sotto_net::Evidence;
use sotto_wire::content::{Content, Inner, Kind, Message, Prefix, Receipt};
use sotto_wire::envelope::{Class, Envelope, Form, HANDSHAKE_ROOM, MEDIUM_ROOM, pad, room};
use sotto_wire::topic::Lane;

use crate::engine::base::schedule::SECOND;
use crate::engine::carry::outcome::give_up;
use crate::engine::carry::policy::{self, Policy};
use crate::engine::carry::{Carry, Fact, receipt};
use crate::engine::keys::session;
use crate::engine::post::parcel;
use crate::error::{Code, Error, OrBug};

/// Attempts, over an hour, after which a message leaves by the newest session.
const IN_VAIN: u32 = 3;
/// One small envelope in this many is sent in the next class.
const UP_SIZED: i64 = 16;
/// Messages in one chain without an answer after which the next ones leave by a new session.
const CHAIN_MAX: u32 = 5_000;
/// Bytes of counter, floor and protobuf heads around M.
const INNER_HEAD: usize = 16;
/// Random, clock, parents and heads of M take at most this, bytes.
pub(crate) const MESSAGE_HEAD: usize = 80;
/// Longest body that fits into an envelope of an answered session, bytes.
pub(crate) const BODY_ROOM: usize = MEDIUM_ROOM - INNER_HEAD - MESSAGE_HEAD;
/// The place of a message that is not shown: none.
const UNSHOWN: (i64, Vec<Prefix>) = (0, Vec::new());

/// Most bytes of M for this contact now.
pub(crate) fn message_room(step: &Carry<'_>, chat: &Chat) -> Result<usize, Error> {
    let sending = sending_session(step, chat)?;
    let answered = sending.is_some_and(|row| !row.initiator || row.answered);
    let room = if answered { MEDIUM_ROOM } else { HANDSHAKE_ROOM };
    Ok(room.saturating_sub(INNER_HEAD))
}

pub(crate) fn sending_session(step: &Carry<'_>, chat: &Chat) -> Result<Option<sotto_db::Session>, Error> {
    match step.tx.devices.session(chat)? {
        Some(hash) => Ok(step.tx.sessions.get(&hash)?),
        None => Ok(None),
    }
}

pub(crate) fn message(
    step: &mut Carry<'_>,
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

/// An own message that wants a receipt, not sealed yet.
pub(crate) fn item(chat: &Chat, m: Vec<u8>, message: Option<Hash>) -> Item {
    Item { parcel: 0, chat: Some(*chat), device: None, message, m, session: None, seq: None, after: None }
}

/// Adds a message, seals it if that is possible now, and publishes it unless it waits for its files.
pub(crate) fn enqueue(step: &mut Carry<'_>, mut item: Item) -> Result<(), Error> {
    let chat = item.chat.or_bug("receiver of an item")?;
    item.parcel = parcel::reserve(step, &chat)?;
    step.items.put(&item)?;
    if seal_item(step, item.parcel)? && item.after.is_none() {
        let now_ms = step.now_ms;
        parcel::wait_until(step, item.parcel, now_ms)?;
        if step.publish_nodes > 0 {
            parcel::launch(step, item.parcel)?;
        }
    }
    Ok(())
}

/// Keeps what a group's parcel holds, so that its message's state follows.
pub(crate) fn keep(step: &mut Carry<'_>, item: Item) -> Result<(), Error> {
    Ok(step.items.put(&item)?)
}

pub(crate) fn remove(step: &mut Carry<'_>, parcel: i64) -> Result<(), Error> {
    step.items.remove(&parcel)?;
    parcel::remove(step, parcel)
}

fn is_kind(item: &Item, kind: Kind) -> bool {
    Message::decode(&item.m).is_ok_and(|message| message.kind == kind)
}

/// Whether content of this kind waits for a receipt of an account.
pub(crate) fn waits(step: &Carry<'_>, chat: &Chat, kind: Kind) -> Result<bool, Error> {
    Ok(step.items.of(chat)?.iter().any(|item| is_kind(item, kind)))
}

/// Sends content that is not shown, by its policy. Content that is sent once is dropped if no session was answered yet.
pub(crate) fn content(step: &mut Carry<'_>, chat: &Chat, content: &Content) -> Result<(), Error> {
    let (kind, _) = content.encode().or_bug("content")?;
    if !policy::of(kind).once {
        let (m, _) = message(step, content, UNSHOWN)?;
        return enqueue(step, item(chat, m, None));
    }
    let sending = sending_session(step, chat)?;
    let answered = sending.filter(|row| !row.initiator || row.answered);
    let home = step.tx.peers.get(chat)?.and_then(|peer| peer.home);
    let (Some(session), Some(home)) = (answered, home) else {
        return Ok(());
    };
    let (m, _) = message(step, content, UNSHOWN)?;
    receipt::alone(step, session, home, m)
}

/// Ends the sending of a deleted message; true if its envelope was removed. One that a node took, unless it is a
/// pointer, is still repeated as it is sealed, but never sealed again.
pub(crate) fn forget(step: &mut Carry<'_>, message: &Hash) -> Result<bool, Error> {
    match step.items.of_message(message)? {
        Some(item) => end(step, &item),
        None => Ok(false),
    }
}

/// Ends the sending of all edits of a deleted message, or of all edits for an account.
pub(crate) fn forget_edits(step: &mut Carry<'_>, chat: &Chat, of: Option<&Hash>) -> Result<(), Error> {
    for item in step.items.of(chat)? {
        let message = Message::decode(&item.m).ok().filter(|message| message.kind == Kind::Edit);
        if let Some(Ok(Content::Edit(edit))) = message.map(|message| message.content())
            && of.is_none_or(|of| edit.target == *of)
        {
            end(step, &item)?;
        }
    }
    Ok(())
}

fn end(step: &mut Carry<'_>, item: &Item) -> Result<bool, Error> {
    let tried = !step.tx.attempts.of(item.parcel)?.is_empty();
    let parcel = step.tx.parcels.get(&item.parcel)?.filter(|parcel| parcel.payload.is_some());
    let sealed = parcel.filter(|_| !is_kind(item, Kind::Pointer));
    if sealed.is_some_and(|parcel| tried || parcel.attempts > 0) {
        step.items.edit(&item.parcel, |item| (item.m, item.message) = (Vec::new(), None))?;
        return Ok(false);
    }
    remove(step, item.parcel)?;
    Ok(true)
}

/// Deletes waiting content of a kind, because newer content replaces it.
pub(crate) fn drop_waiting(step: &mut Carry<'_>, chat: &Chat, kind: Kind) -> Result<(), Error> {
    for item in step.items.of(chat)? {
        if is_kind(&item, kind) {
            remove(step, item.parcel)?;
        }
    }
    Ok(())
}

/// After an answer handshake blocks are useless: messages without a receipt are sealed again when due.
pub(crate) fn renew(step: &mut Carry<'_>, session: &Hash) -> Result<(), Error> {
    for item in step.items.of_session(session)? {
        parcel::unfill(step, item.parcel)?;
    }
    Ok(())
}

/// Messages of a session without a receipt wait to be sealed again.
pub(crate) fn unseal(step: &mut Carry<'_>, row: &sotto_db::Session) -> Result<(), Error> {
    for item in step.items.of_session(&row.hash)? {
        let waits = match item.after.as_deref().map(Hash::try_from) {
            Some(Ok(message)) => step.tx.files.is_unsent(&message)?,
            _ => false,
        };
        step.items.edit(&item.parcel, |item| {
            (item.session, item.device, item.seq) = (None, None, None);
            item.after = item.after.take().filter(|_| waits);
        })?;
        parcel::unfill(step, item.parcel)?;
        parcel::wait_until(step, item.parcel, NEVER)?;
    }
    Ok(())
}

pub(crate) fn seal_waiting(step: &mut Carry<'_>, chat: &Chat) -> Result<(), Error> {
    for item in step.items.of(chat)? {
        let parcel = step.tx.parcels.get(&item.parcel)?;
        if parcel.is_some_and(|parcel| parcel.payload.is_none())
            && seal_item(step, item.parcel)?
            && item.after.is_none()
        {
            let now_ms = step.now_ms;
            parcel::wait_until(step, item.parcel, now_ms)?;
        }
    }
    Ok(())
}

/// Seals an item's M in the session's next key, and fills its parcel. False without a session: it waits, visibly.
fn seal_item(step: &mut Carry<'_>, parcel: i64) -> Result<bool, Error> {
    let Some(item) = step.items.get(&parcel)? else {
        return Ok(false);
    };
    if item.m.is_empty() {
        remove(step, parcel)?; // deleted since
        return Ok(false);
    }
    let Some(chat) = &item.chat else {
        return Ok(false); // a group's messages are sealed by its room
    };
    let peer = step.tx.peers.get(chat)?.filter(|peer| peer.reach != Reach::Nothing);
    let Some(home) = peer.and_then(|peer| peer.home) else {
        return Ok(false);
    };
    let Some(session) = sending_session(step, chat)? else {
        return Ok(false);
    };
    if session.ahead >= sotto_db::Ahead::Left {
        return Ok(false);
    }
    let hash = session.hash;
    let link = step.links.get(&hash)?.or_bug("link of a session")?;
    let seq = link.seq.saturating_add(1);
    let floor = step.items.floor(&hash)?.unwrap_or(seq);
    // Counters that were never used count as missing.
    let floor = if link.gap_to > 0 { floor.min(link.gap_from.saturating_add(1)) } else { floor };
    let inner = Inner { seq, floor: floor.clamp(1, seq), receipts: Vec::new(), message: item.m };
    let device = session.device;
    let Some(payload) = seal(step, session, inner)? else {
        return Ok(false);
    };
    step.links.edit(&hash, |link| link.seq = seq)?;
    if seq >= CHAIN_MAX
        && let Some(row) = step.tx.sessions.get(&hash)?
        && is_long(step, &row)?
    {
        step.long.insert(*chat);
    }
    step.items.edit(&parcel, |item| {
        item.session = Some(hash);
        item.device = Some(device);
        item.seq = Some(seq);
    })?;
    let topic = step.topic(Lane::Home, &home);
    parcel::fill(step, parcel, topic, payload)?;
    Ok(true)
}

/// Whether a session's chain is so long that a new session begins.
pub(crate) fn is_long(step: &Carry<'_>, row: &sotto_db::Session) -> Result<bool, Error> {
    if step.links.get(&row.hash)?.is_none_or(|link| link.seq < CHAIN_MAX) {
        return Ok(false);
    }
    let session = Session::from_bytes(&row.snapshot).map_err(|_| Code::StorageCorrupt)?;
    Ok(session.sent_in_chain() >= CHAIN_MAX)
}

/// Seals one envelope; owed receipts ride along if they fit. `None` if the message is too large for the session now.
pub(crate) fn seal(step: &mut Carry<'_>, row: sotto_db::Session, mut inner: Inner) -> Result<Option<Vec<u8>>, Error> {
    let handshake = row.initiator && !row.answered;
    let plain = |inner: &Inner| inner.encode().or_bug("inner");
    let bare = plain(&inner)?;
    let small = room(Class::Small, Form::Ratchet);
    let largest = if handshake { HANDSHAKE_ROOM } else { MEDIUM_ROOM };
    let policy = Message::decode(&inner.message).map_or_else(|_| Policy::default(), |m| policy::of(m.kind));
    if bare.len() > largest || (policy.with_receipts && handshake) {
        return Ok(None);
    }
    let fitting = if !handshake && bare.len() <= small && !policy.with_receipts { small } else { largest };
    let owed = if handshake { Vec::new() } else { receipt::owed(step, &row.chat)? };
    inner.receipts = owed.iter().map(|(_, receipt)| receipt.clone()).collect::<Vec<Receipt>>();
    let mut bytes = plain(&inner)?;
    if bytes.len() > fitting {
        bytes = bare;
    } else {
        receipt::gave(step, owed)?;
    }
    let up = !handshake && (step.below(UP_SIZED) == 0 || policy.large);
    let room = if handshake || up || bytes.len() > small { largest } else { small };
    seal_padded(step, &row, &bytes, room, handshake).map(Some)
}

fn seal_padded(
    step: &mut Carry<'_>,
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
    session::store(step, &session)?;
    envelope.encode().or_bug("envelope")
}

/// A parcel is due: it is sealed again if that is needed. `Some` if it does not leave: it is too old, or its receiver
/// is gone.
pub(crate) fn renew_due(step: &mut Carry<'_>, id: i64) -> Result<Option<Vec<Fact>>, Error> {
    let Some(parcel) = step.tx.parcels.get(&id)? else {
        return Ok(Some(Vec::new()));
    };
    if parcel.give_up_ms <= step.now_ms {
        return give_up(step, parcel, Code::MessageNotDelivered).map(Some);
    }
    if parcel.class == Ends::Kept {
        let item = step.items.get(&id)?.or_bug("what a parcel holds")?;
        let chat = item.chat.or_bug("receiver of an item")?;
        if step.tx.peers.get(&chat)?.is_none_or(|peer| peer.reach == Reach::Nothing) {
            remove(step, id)?;
            return Ok(Some(Vec::new()));
        }
        let old = parcel.sealed_ms.saturating_add(step.retention_ms()) < step.now_ms;
        if old || was_left_behind(step, &parcel, &item)? {
            parcel::unfill(step, id)?;
            seal_item(step, id)?;
        }
    }
    Ok(None)
}

/// Publishes a parcel that is due.
pub(crate) fn resend(step: &mut Carry<'_>, id: i64) -> Result<(), Error> {
    let Some(parcel) = step.tx.parcels.get(&id)? else {
        return Ok(());
    };
    if parcel.attempts > 0 && heard_since(step, &parcel)? {
        let attempts = step.tx.attempts.of(id)?;
        let latest = attempts.first().and_then(|attempt| u64::try_from(attempt.node).ok());
        step.evidence.extend(latest.map(Evidence::Missing));
    }
    parcel::launch(step, id)
}

/// A message waits until nodes have what it names. The number of accepted attempts continues.
pub(crate) fn hold(step: &mut Carry<'_>, id: i64, message: &Hash) -> Result<(), Error> {
    if step.items.get(&id)?.is_some_and(|item| item.after.is_some()) {
        parcel::forget_attempts(step, id)?; // nodes that had the pointer may not have had its chunks
    }
    step.items.edit(&id, |item| item.after = Some(message.to_vec()))?;
    parcel::wait_until(step, id, NEVER)
}

/// Something that a message names has left; after the last of it the message leaves.
pub(crate) fn part_left(step: &mut Carry<'_>, message: &Hash) -> Result<(), Error> {
    if step.tx.files.is_unsent(message)? {
        return Ok(());
    }
    let Some(item) = step.items.of_message(message)?.filter(|item| item.after.is_some()) else {
        return Ok(());
    };
    if item.chat.is_none() {
        step.fx.ready = true;
        return Ok(());
    }
    if step.tx.parcels.get(&item.parcel)?.is_some_and(|parcel| parcel.payload.is_some()) {
        return parcel::launch(step, item.parcel);
    }
    // Sealed when its session exists; nothing else holds it back then.
    Ok(step.items.change(&item.parcel, |item| item.after = None)?)
}

/// Whether the receiver was heard of since a parcel was last sent. Otherwise the receiver may only be away.
fn heard_since(step: &Carry<'_>, parcel: &Parcel) -> Result<bool, Error> {
    let Some(chat) = parcel.party else {
        return Ok(false);
    };
    let age_ms = step.clock_ms.saturating_sub(parcel.last_s.saturating_mul(SECOND));
    let sent_ms = step.now_ms.saturating_sub(age_ms);
    Ok(step.links.of(&chat)?.iter().any(|link| link.heard_ms > sent_ms))
}

/// Whether it failed several times in a session that the other side, which may have lost it, replaced since.
fn was_left_behind(step: &Carry<'_>, parcel: &Parcel, item: &Item) -> Result<bool, Error> {
    let chat = item.chat.or_bug("receiver of an item")?;
    let sending = step.tx.devices.session(&chat)?;
    Ok(parcel.attempts >= IN_VAIN && sending.is_some() && sending != item.session)
}
