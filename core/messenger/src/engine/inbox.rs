//! What a proven message does, by its kind.

use sotto_db::{Chat, Contact, Hash, Hole, Session};
use sotto_wire::content::{self, Content, Inner, Kind, Message, Prefix, ProfileUpdate, Receipt};

use super::base::schedule;
use super::own::{self, KEY_COVERED};
use super::step::{HOUR, SECOND, Step};
use super::{blob, contact, device, old_copy, receipt, send, state};
use crate::error::{Error, OrBug};
use crate::event::Event;
use crate::records::ConversationId;

/// Messages of a request that waits for an answer, read ones too.
pub(super) const PENDING_MESSAGES: u32 = 100;
/// Messages that are sent again to one contact in an hour because it asked for them.
const WANTED_HOURLY: u32 = 256;

/// What may come of an account: messages below this number of their chain; `None`: nothing now, or ever. A request that
/// waits for an answer brings few.
pub(super) fn room(step: &Step<'_>, chat: &Chat) -> Result<Option<u32>, Error> {
    let Some(contact) = step.tx.contact(chat)? else {
        return Ok(None);
    };
    Ok(match contact.state {
        state::BLOCKED | state::DECLINED => None,
        state::INCOMING => {
            let had = step.tx.messages_received(&contact.conversation)?;
            (had < PENDING_MESSAGES).then_some(PENDING_MESSAGES)
        }
        _ => Some(u32::MAX),
    })
}

/// Takes one message of a session's owner. Of a device that is not the contact's confirmed one texts are shown, and
/// nothing else counts.
pub(super) fn take(step: &mut Step<'_>, row: &Session, inner: &Inner, message: &Message) -> Result<(), Error> {
    let Some(contact) = step.tx.contact(&row.chat)? else {
        return Ok(());
    };
    if matches!(contact.state, state::DECLINED | state::BLOCKED) {
        return Ok(());
    }
    let id = content::message_id(&contact.conversation, &row.chat, &row.device, &inner.message);
    let Ok(content) = message.content() else {
        return Ok(()); // of a known kind, and wrong: nothing to show
    };
    let came = Came { contact, confirmed: contact::is_confirmed(step, row)?, id, inner, message };
    match content {
        Content::Text(text) => show(step, &came, Shown::Text(text)).map(|_| ()),
        Content::Unknown => show(step, &came, Shown::Newer).map(|_| ()),
        Content::Pointer(remote) if matches!(remote.kind, Kind::Text | Kind::Unknown(_)) => {
            if show(step, &came, Shown::Fetching)? {
                let from = (&came.contact, came.confirmed);
                blob::fetch(step, row, inner, from, id, &remote, message.time_s)
            } else {
                let from = (&came.contact, came.confirmed);
                blob::had_already(step, row, inner, from, id, &remote, message.time_s)
            }
        }
        Content::Pointer(_) => Ok(()),
        // What it changes was done where its session began, if its device may change anything.
        Content::Request(request) if request.text.is_empty() => Ok(()),
        Content::Request(request) => show(step, &came, Shown::Text(request.text)).map(|_| ()),
        _ if !came.confirmed => Ok(()),
        Content::Hello(hello) => contact::take_hello(step, row, &hello),
        Content::Profile(profile) => take_profile(step, came.contact, &profile),
        Content::Typing => {
            if step.own()?.typing && came.contact.state == state::ACCEPTED {
                step.fx
                    .events
                    .push(Event::Typing { conversation: ConversationId::from_bytes(&came.contact.conversation) });
            }
            Ok(())
        }
        Content::List(list) => device::take_list(step, came.contact, row, &list),
        Content::Want(prefixes) => wanted(step, row, came.contact, &prefixes),
        Content::Gone(prefixes) => gone(step, &came.contact, &prefixes),
        Content::Read(up_to) => read(step, &came.contact, &up_to, &inner.receipts),
    }
}

/// A message as it came.
struct Came<'a> {
    contact: Contact,
    /// By the contact's confirmed device.
    confirmed: bool,
    id: Hash,
    inner: &'a Inner,
    message: &'a Message,
}

/// How a message is shown.
enum Shown {
    Text(String),
    /// Of a kind that is not known here.
    Newer,
    /// Its text is somewhere else.
    Fetching,
}

/// Stores a message that is shown. False: it was there.
fn show(step: &mut Step<'_>, came: &Came<'_>, shown: Shown) -> Result<bool, Error> {
    let (contact, message) = (&came.contact, came.message);
    let conversation = step.tx.conversation(&contact.conversation)?;
    let mut conversation = conversation.or_bug("conversation of a contact")?;
    let own = u64::try_from(conversation.lamport).unwrap_or(0);
    let lamport = content::clamp_lamport(own, message.lamport);
    let lamport = i64::try_from(lamport).unwrap_or(i64::MAX);
    let time_s = i64::try_from(message.time_s).unwrap_or(0);
    let (newer, fetching) = (matches!(shown, Shown::Newer), matches!(shown, Shown::Fetching));
    let fresh = step.tx.message_insert(&sotto_db::Message {
        id: came.id,
        conversation: contact.conversation,
        mine: false,
        kind: message.kind.code(),
        m: came.inner.message.clone(),
        text: match shown {
            Shown::Text(text) => Some(text),
            Shown::Newer | Shown::Fetching => None,
        },
        state: state::RECEIVED,
        reason: None,
        time_s,
        lamport,
        newer,
        fetching,
        read: false,
        added_ms: step.now_ms,
        unconfirmed: !came.confirmed,
        resent_ms: 0,
    })?;
    if !fresh {
        return Ok(false);
    }
    if contact.state == state::ACCEPTED && !fetching {
        step.tx.arrival_put(&came.id)?;
    }
    let prefix = content::prefix(&came.id);
    step.tx.hole_delete(&contact.conversation, &prefix)?;
    // The order is for those who take part in it.
    if came.confirmed {
        conversation.lamport = conversation.lamport.max(lamport);
        conversation.heads = heads(&conversation.heads, message, &prefix);
    }
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
    // Before the answer nothing is asked for.
    if came.confirmed && contact.state != state::INCOMING {
        holes(step, contact, message, before_ms)?;
    }
    step.message_changed(contact.conversation, came.id);
    step.fx.received = step.fx.received.saturating_add(1);
    Ok(true)
}

/// The newest messages no other one names yet: without the new one's parents, with the new one, at most three.
fn heads(known: &[u8], message: &Message, prefix: &Prefix) -> Vec<u8> {
    let known = known.as_chunks::<8>().0.iter();
    let mut heads: Vec<Prefix> = known.filter(|head| !message.parents.contains(head)).copied().collect();
    heads.push(*prefix);
    let extra = heads.len().saturating_sub(content::MAX_PARENTS);
    heads.drain(..extra);
    heads.concat()
}

/// Notes parents that are not here. They came after what was there before, `before_ms`; while something else may have
/// been missed too, after that.
fn holes(step: &mut Step<'_>, contact: &Contact, message: &Message, before_ms: i64) -> Result<(), Error> {
    let covered_ms = own::time(step.tx, KEY_COVERED)?;
    for prefix in &message.parents {
        if step.tx.message_by_prefix(&contact.conversation, prefix)?.is_none() {
            step.tx.hole_put(&Hole {
                conversation: contact.conversation,
                prefix: *prefix,
                from_s: before_ms.min(covered_ms).div_euclid(SECOND),
                until_s: step.clock_ms.div_euclid(SECOND),
                stage: 0,
                due_ms: step.after(&schedule::HOLE, 0),
            })?;
        }
    }
    Ok(())
}

fn take_profile(step: &mut Step<'_>, mut contact: Contact, profile: &ProfileUpdate) -> Result<(), Error> {
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

/// Messages of ours that they lack: each is sent again once an hour, and so many in all; of what is gone they are told
/// once an hour, by an envelope that is not repeated.
fn wanted(step: &mut Step<'_>, from: &Session, contact: Contact, prefixes: &[Prefix]) -> Result<(), Error> {
    if contact.state != state::ACCEPTED {
        return Ok(());
    }
    let lately_ms = step.now_ms.saturating_sub(HOUR);
    let mut left = WANTED_HOURLY.saturating_sub(step.tx.messages_resent(&contact.conversation, lately_ms)?);
    let mut gone = Vec::new();
    for prefix in prefixes {
        match step.tx.message_by_prefix(&contact.conversation, prefix)? {
            Some(message) if message.mine => {
                let again =
                    left > 0 && message.resent_ms <= lately_ms && step.tx.outbox_of_message(&message.id)?.is_none();
                if again {
                    left -= 1;
                    step.tx.message_resent(&message.id, step.now_ms)?;
                    send::again(step, &message, &contact.chat)?;
                }
            }
            Some(theirs) => {
                old_copy::wanted(step, from, &contact, &theirs)?;
                gone.push(*prefix);
            }
            None => gone.push(*prefix),
        }
    }
    if gone.is_empty() || contact.gone_ms > lately_ms {
        return Ok(());
    }
    // As it is now: a session may have been begun for what was sent again.
    let now = step.tx.contact(&contact.chat)?;
    let mut contact = now.or_bug("contact")?;
    contact.gone_ms = step.now_ms;
    step.tx.contact_put(&contact)?;
    send::content_once(step, &contact, &Content::Gone(gone))
}

fn gone(step: &mut Step<'_>, contact: &Contact, prefixes: &[Prefix]) -> Result<(), Error> {
    for prefix in prefixes {
        step.tx.hole_delete(&contact.conversation, prefix)?;
    }
    Ok(())
}

/// They have read what they have up to a message of ours.
fn read(step: &mut Step<'_>, contact: &Contact, up_to: &Hash, have: &[Receipt]) -> Result<(), Error> {
    let Some(message) = step.tx.message(up_to)? else {
        return Ok(());
    };
    if message.conversation != contact.conversation || contact.state != state::ACCEPTED {
        return Ok(());
    }
    for id in step.tx.messages_mine_up_to(&message, state::READ, state::FAILED)? {
        receipt::read(step, &id, have)?;
    }
    Ok(())
}
