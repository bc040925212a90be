//! Effects on messages: edits, deletions, reactions, pins, votes. The order in which they come never matters: an effect
//! that comes before its message waits for it, and of several the one later in the order counts.

use sotto_db::{Annotation, Chat, Early, Hash, Message, Standing};
use sotto_wire::content::{self, Content, Kind};

use crate::engine::base::schedule::DAY;
use crate::engine::carry::send;
use crate::engine::talk::inbox::{self, Came};
use crate::engine::talk::{Talk, delete, kind, write};
use crate::error::{Code, Error};

/// How long an effect waits for its message; a deletion waits for ever.
const EARLY_MS: i64 = 30 * DAY;

/// The messages that content has an effect on.
fn targets(content: &Content) -> Vec<Hash> {
    match content {
        Content::Edit(edit) => vec![edit.target],
        Content::Delete(targets) => targets.clone(),
        Content::Reaction(reaction) => vec![reaction.target],
        Content::Pin(pin) => vec![pin.target],
        Content::Vote(vote) => vec![vote.target],
        _ => Vec::new(),
    }
}

/// Takes an effect of a contact, or of somebody we asked: it may overtake the hello that accepts us.
pub(crate) fn take(step: &mut Talk<'_>, came: &Came<'_>, content: &Content) -> Result<(), Error> {
    if !came.asks {
        return Ok(());
    }
    let lamport = inbox::clock(step, came)?;
    let message = came.message;
    for target in targets(content) {
        let effect = Early {
            target,
            id: came.id,
            conversation: came.conversation,
            author: came.author,
            kind: message.kind.code(),
            body: message.body.clone(),
            lamport,
            time_s: i64::try_from(message.time_s).unwrap_or(0),
            added_ms: step.now_ms,
        };
        apply(step, effect)?;
    }
    Ok(())
}

/// An effect that an earlier version showed as a message of an unknown kind.
pub(crate) fn late(
    step: &mut Talk<'_>,
    row: &Message,
    message: &content::Message,
    what: &Content,
) -> Result<(), Error> {
    let of = |target| Early {
        target,
        id: row.id,
        conversation: row.conversation,
        author: row.author.unwrap_or([0; 33]),
        kind: row.kind,
        body: message.body.clone(),
        lamport: row.lamport,
        time_s: row.time_s,
        added_ms: row.added_ms,
    };
    let place = step.conversations.get(&row.conversation)?;
    let open = place.is_some_and(|place| matches!(place.standing, Standing::Open | Standing::Asked));
    delete::message(step, &row.id)?;
    step.messages.remove(&row.id)?;
    if row.unconfirmed || !open {
        return Ok(());
    }
    if let Content::Timer(seconds) = what {
        return kind::timer::set(step, &of(row.conversation), *seconds);
    }
    targets(what).into_iter().try_for_each(|target| apply(step, of(target)))
}

/// Applies an effect, or keeps it until its message is here and whole.
fn apply(step: &mut Talk<'_>, effect: Early) -> Result<(), Error> {
    let kind = Kind::from_code(effect.kind).unwrap_or(Kind::Unknown(0));
    let target = match step.messages.get(&effect.target)? {
        Some(target) if target.conversation != effect.conversation || target.is_gone() => return Ok(()),
        Some(target) if !(kind == Kind::Edit && lacks_text(&target)) => target,
        _ => return wait(step, &effect, kind),
    };
    match Content::decode(kind, &effect.body) {
        Ok(Content::Edit(edit)) => kind::edit::apply(step, &effect, &target, &edit),
        Ok(Content::Delete(_)) => kind::delete::apply(step, &effect, &target),
        Ok(Content::Reaction(reaction)) => kind::reaction::apply(step, &effect, &target, reaction),
        Ok(Content::Pin(pin)) => kind::pin::apply(step, &effect, &target, &pin),
        Ok(Content::Vote(vote)) => kind::vote::apply(step, &effect, &target, vote),
        _ => Ok(()),
    }
}

/// Whether the text of a message is not here yet, or not for this version.
fn lacks_text(message: &Message) -> bool {
    message.fetching || message.newer
}

/// Keeps an effect until its message comes. The text of an edit does not wait for a message that its author deleted.
fn wait(step: &mut Talk<'_>, effect: &Early, kind: Kind) -> Result<(), Error> {
    let (target, author) = (&effect.target, &effect.author);
    match kind {
        Kind::Edit if step.early.one(target, Kind::Delete.code(), author)?.is_some() => return Ok(()),
        Kind::Delete => step.fx.shred |= step.early.drop_of(target, Kind::Edit.code(), author)?,
        _ => {}
    }
    Ok(step.early.note(effect)?)
}

/// A message is here, or whole now: what waited for it is applied.
pub(crate) fn arrived(step: &mut Talk<'_>, id: &Hash) -> Result<(), Error> {
    let lacks_text = step.messages.get(id)?.is_some_and(|message| lacks_text(&message));
    let waiting = step.early.take(id, lacks_text.then(|| Kind::Edit.code()))?;
    waiting.into_iter().try_for_each(|effect| apply(step, effect))
}

/// Whether a message that comes now was deleted for everybody before.
pub(crate) fn was_withdrawn(step: &Talk<'_>, came: &Came<'_>) -> Result<bool, Error> {
    let deletion = step.early.one(&came.id, Kind::Delete.code(), &came.author)?;
    Ok(deletion.is_some_and(|deletion| deletion.conversation == came.conversation))
}

/// Forgets effects whose messages never came.
pub(crate) fn expire(step: &mut Talk<'_>) -> Result<(), Error> {
    let before_ms = step.now_ms.saturating_sub(EARLY_MS);
    Ok(step.early.expire(before_ms, Kind::Delete.code())?)
}

/// The account that wrote a message.
pub(crate) fn author(step: &Talk<'_>, message: &Message) -> Result<Chat, Error> {
    match message.author {
        Some(chat) => Ok(chat),
        None => Ok(step.own()?.chat),
    }
}

/// Stores an annotation unless a later one has its place; at most `most` of its author stay.
pub(crate) fn annotate(
    step: &mut Talk<'_>,
    effect: &Early,
    (key, value): (Vec<u8>, Vec<u8>),
    most: u32,
) -> Result<bool, Error> {
    let annotation = Annotation {
        target: effect.target,
        kind: effect.kind,
        author: effect.author,
        key,
        conversation: effect.conversation,
        value,
        lamport: effect.lamport,
        time_s: effect.time_s,
        id: effect.id,
    };
    let new = step.annotations.raise(&annotation, most)?;
    if new && effect.target != effect.conversation {
        step.message_changed(effect.conversation, effect.target);
    }
    Ok(new)
}

/// A message of a contact's conversation that an own effect is about.
pub(crate) fn target(step: &Talk<'_>, id: &Hash) -> Result<Message, Error> {
    step.own()?.in_force()?;
    let message = step.messages.get(id)?.filter(|message| !message.is_gone());
    message.ok_or_else(|| Code::MessageMissing.into())
}

/// Sends an own effect and applies it here.
pub(crate) fn send(step: &mut Talk<'_>, conversation: &Hash, content: &Content) -> Result<(), Error> {
    let own = leave(step, conversation, content)?;
    let of = |target| Early { target, ..own.clone() };
    targets(content).into_iter().try_for_each(|target| apply(step, of(target)))?;
    match content {
        Content::Timer(seconds) => kind::timer::set(step, &of(*conversation), *seconds),
        _ => Ok(()),
    }
}

/// Sends an effect; returns it without a target.
pub(crate) fn leave(step: &mut Talk<'_>, conversation: &Hash, content: &Content) -> Result<Early, Error> {
    let (row, route) = write::open(step, conversation)?;
    let lamport = row.lamport.saturating_add(1);
    // Beside a handshake block there is less room: a longer one waits until the session is answered.
    if content.encode().map_or(true, |(_, body)| body.len() > send::BODY_ROOM) {
        return Err(Code::TextTooLong.into());
    }
    let (m, message) = send::message(step, content, (lamport, Vec::new()))?;
    let own = step.own()?;
    let id = content::message_id(conversation, &own.chat, &own.device, &m);
    step.conversations.edit(conversation, |row| row.lamport = lamport)?;
    write::leave(step, &route, m, None, None)?;
    Ok(Early {
        target: [0; 32],
        id,
        conversation: *conversation,
        author: own.chat,
        kind: message.kind.code(),
        body: message.body,
        lamport,
        time_s: i64::try_from(message.time_s).unwrap_or(0),
        added_ms: step.now_ms,
    })
}
