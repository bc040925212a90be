//! What a proven message does, by its kind.

use sotto_db::{Chat, Contact, Hash, Hole, Session};
use sotto_wire::content::{self, Content, Inner, Kind, Message, Prefix, ProfileUpdate, Receipt};

use super::own::{self, KEY_COVERED};
use super::step::{SECOND, Step};
use super::{blob, contact, device, old_copy, receipt, send, state};
use crate::error::{Code, Error};
use crate::event::Event;
use crate::records::ConversationId;

/// Messages of a request that waits for an answer.
const PENDING_MESSAGES: u32 = 100;
/// A parent that is on its way gets so long before it counts as missing.
const HOLE_MS: i64 = 5 * SECOND;

/// Has a request that waits for an answer brought all the messages it may?
pub(super) fn is_full(step: &Step<'_>, chat: &Chat) -> Result<bool, Error> {
    let contact = step.tx.contact(chat)?;
    let Some(contact) = contact.filter(|contact| contact.state == state::INCOMING) else {
        return Ok(false);
    };
    let conversation = step.tx.conversation(&contact.conversation)?;
    Ok(conversation.is_some_and(|one| one.unread >= PENDING_MESSAGES))
}

/// Takes one message of a session's owner.
pub(super) fn take(
    step: &mut Step<'_>,
    row: &Session,
    inner: &Inner,
    message: &Message,
) -> Result<(), Error> {
    let Some(contact) = step.tx.contact(&row.chat)? else {
        return Ok(());
    };
    if matches!(contact.state, state::DECLINED | state::BLOCKED) {
        return Ok(());
    }
    let id = content::message_id(
        &contact.conversation,
        &row.chat,
        &row.device,
        &inner.message,
    );
    let content = match message.content() {
        Ok(content) => content,
        Err(_) => return Ok(()), // of a known kind, and wrong: nothing to show
    };
    match content {
        Content::Text(text) => {
            let shown = Shown {
                text: Some(text),
                newer: false,
                fetching: false,
            };
            show(step, &contact, id, inner, message, shown).map(|_| ())
        }
        Content::Unknown => {
            let shown = Shown {
                text: None,
                newer: true,
                fetching: false,
            };
            show(step, &contact, id, inner, message, shown).map(|_| ())
        }
        Content::Pointer(remote) if matches!(remote.kind, Kind::Text | Kind::Unknown(_)) => {
            let shown = Shown {
                text: None,
                newer: false,
                fetching: true,
            };
            if show(step, &contact, id, inner, message, shown)? {
                blob::fetch(step, row, inner, &contact, id, &remote, message.time_s)?;
            } else {
                blob::had_already(step, row, inner, &contact, id, &remote, message.time_s)?;
            }
            Ok(())
        }
        Content::Pointer(_) | Content::Request(_) => Ok(()), // a request is taken where its session begins
        Content::Hello(hello) => contact::take_hello(step, row, &hello),
        Content::Profile(profile) => take_profile(step, contact, &profile),
        Content::Typing => {
            if step.own()?.typing && contact.state == state::ACCEPTED {
                step.fx.events.push(Event::Typing {
                    conversation: ConversationId::from_bytes(&contact.conversation),
                });
            }
            Ok(())
        }
        Content::List(list) => device::take_list(step, contact, row, &list),
        Content::Want(prefixes) => wanted(step, row, &contact, &prefixes),
        Content::Gone(prefixes) => gone(step, &contact, &prefixes),
        Content::Read(up_to) => read(step, &contact, &up_to, &inner.receipts),
    }
}

/// How a message is shown.
struct Shown {
    text: Option<String>,
    newer: bool,
    fetching: bool,
}

/// Stores a message that is shown. False: it was there.
fn show(
    step: &mut Step<'_>,
    contact: &Contact,
    id: Hash,
    inner: &Inner,
    message: &Message,
    shown: Shown,
) -> Result<bool, Error> {
    let conversation = step.tx.conversation(&contact.conversation)?;
    let mut conversation = conversation.ok_or(Code::Internal)?;
    let own = u64::try_from(conversation.lamport).unwrap_or(0);
    let lamport = content::clamp_lamport(own, message.lamport);
    let lamport = i64::try_from(lamport).unwrap_or(i64::MAX);
    let time_s = i64::try_from(message.time_s).unwrap_or(0);
    let fresh = step.tx.message_insert(&sotto_db::Message {
        id,
        conversation: contact.conversation,
        mine: false,
        kind: message.kind.code(),
        m: inner.message.clone(),
        text: shown.text,
        state: state::RECEIVED,
        reason: None,
        time_s,
        lamport,
        newer: shown.newer,
        fetching: shown.fetching,
        read: false,
        added_ms: step.now_ms,
    })?;
    if !fresh {
        return Ok(false);
    }
    if contact.state == state::ACCEPTED && !shown.fetching {
        step.tx.arrival_put(&id)?;
    }
    let prefix = content::prefix(&id);
    step.tx.hole_delete(&contact.conversation, &prefix)?;
    conversation.lamport = conversation.lamport.max(lamport);
    conversation.heads = heads(&conversation.heads, message, &prefix);
    conversation.unread = conversation.unread.saturating_add(1);
    // The author's clock orders the list, but cannot pin itself to its top.
    let shown_ms = time_s.saturating_mul(SECOND).min(step.clock_ms);
    conversation.last_ms = conversation.last_ms.max(shown_ms);
    let before_ms = match conversation.arrived_ms {
        0 => conversation.created_ms,
        arrived_ms => arrived_ms,
    };
    conversation.arrived_ms = step.clock_ms;
    step.tx.conversation_put(&conversation)?;
    holes(step, contact, message, before_ms)?;
    step.message_changed(contact.conversation, id);
    step.fx.received = step.fx.received.saturating_add(1);
    Ok(true)
}

/// The newest messages no other one names yet: without the new one's parents, with the new one, at most three.
fn heads(known: &[u8], message: &Message, prefix: &Prefix) -> Vec<u8> {
    let known = known.as_chunks::<8>().0.iter();
    let mut heads: Vec<Prefix> = known
        .filter(|head| !message.parents.contains(head))
        .copied()
        .collect();
    heads.push(*prefix);
    let extra = heads.len().saturating_sub(content::MAX_PARENTS);
    heads.drain(..extra);
    heads.concat()
}

/// Notes parents that are not here. They came after what was there before, `before_ms`; while something else may have
/// been missed too, after that.
fn holes(
    step: &mut Step<'_>,
    contact: &Contact,
    message: &Message,
    before_ms: i64,
) -> Result<(), Error> {
    let covered_ms = own::time(step.tx, KEY_COVERED)?;
    for prefix in &message.parents {
        if step
            .tx
            .message_by_prefix(&contact.conversation, prefix)?
            .is_none()
        {
            step.tx.hole_put(&Hole {
                conversation: contact.conversation,
                prefix: *prefix,
                from_s: before_ms.min(covered_ms).div_euclid(SECOND),
                until_s: step.clock_ms.div_euclid(SECOND),
                stage: 0,
                due_ms: step.now_ms.saturating_add(HOLE_MS),
            })?;
        }
    }
    Ok(())
}

fn take_profile(
    step: &mut Step<'_>,
    mut contact: Contact,
    profile: &ProfileUpdate,
) -> Result<(), Error> {
    if contact.state != state::ACCEPTED {
        return Ok(());
    }
    contact.home = Some(profile.home);
    contact.name = contact::shown_name(&profile.name, &contact.name);
    step.tx.contact_put(&contact)?;
    step.fx.contacts = true;
    step.fx.conversations.insert(contact.conversation);
    Ok(())
}

/// Messages of ours that they lack.
fn wanted(
    step: &mut Step<'_>,
    from: &Session,
    contact: &Contact,
    prefixes: &[Prefix],
) -> Result<(), Error> {
    if contact.state != state::ACCEPTED {
        return Ok(());
    }
    let mut gone = Vec::new();
    for prefix in prefixes {
        match step.tx.message_by_prefix(&contact.conversation, prefix)? {
            Some(message) if message.mine => {
                if step.tx.outbox_of_message(&message.id)?.is_none() {
                    send::again(step, &message, &contact.chat)?;
                }
            }
            Some(theirs) => {
                old_copy::wanted(step, from, contact, &theirs)?;
                gone.push(*prefix);
            }
            None => gone.push(*prefix),
        }
    }
    if !gone.is_empty() {
        send::enqueue_content(step, contact, &Content::Gone(gone))?;
    }
    Ok(())
}

fn gone(step: &mut Step<'_>, contact: &Contact, prefixes: &[Prefix]) -> Result<(), Error> {
    for prefix in prefixes {
        step.tx.hole_delete(&contact.conversation, prefix)?;
    }
    Ok(())
}

/// They have read what they have up to a message of ours.
fn read(
    step: &mut Step<'_>,
    contact: &Contact,
    up_to: &Hash,
    have: &[Receipt],
) -> Result<(), Error> {
    let Some(message) = step.tx.message(up_to)? else {
        return Ok(());
    };
    if message.conversation != contact.conversation || contact.state != state::ACCEPTED {
        return Ok(());
    }
    for id in step
        .tx
        .messages_mine_up_to(&message, state::READ, state::FAILED)?
    {
        receipt::read(step, &id, have)?;
    }
    Ok(())
}
