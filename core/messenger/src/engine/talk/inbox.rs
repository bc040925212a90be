//! What a proven message does, by its kind.

use sotto_db::{Chat, Hash, Hole, MessageState, Person, PersonState, Session};
use sotto_wire::content::{self, Content, Inner, Kind, Message, Prefix, ProfileUpdate, Receipt};

use crate::engine::base::schedule;
use crate::engine::base::step::{HOUR, SECOND, Step};
use crate::engine::carry::blob;
use crate::engine::carry::receipt;
use crate::engine::carry::send;
use crate::engine::keys::device;
use crate::engine::people::contact;
use crate::engine::people::old_copy;
use crate::error::{Error, OrBug};
use crate::event::Event;
use crate::records::ConversationId;

/// Messages of a request that waits for an answer, read ones too.
pub(crate) const PENDING_MESSAGES: u32 = 100;
/// Messages that are sent again to one contact in an hour because it asked for them.
const WANTED_HOURLY: u32 = 256;

/// What may come of an account: messages below this number of their chain; `None`: nothing now, or ever. A request that
/// waits for an answer brings few.
pub(crate) fn room(step: &Step<'_>, chat: &Chat) -> Result<Option<u32>, Error> {
    Ok(match contact::state(step, chat)? {
        None | Some(PersonState::Blocked | PersonState::Declined) => None,
        Some(PersonState::Incoming) => {
            let conversation = step.tx.conversations.with(chat)?.or_bug("conversation of a person")?;
            let had = step.tx.messages.count_received(&conversation.id)?;
            (had < PENDING_MESSAGES).then_some(PENDING_MESSAGES)
        }
        Some(_) => Some(u32::MAX),
    })
}

/// Takes one message of a session's owner. Of a device that is not taken as the contact's texts are shown, and nothing
/// else counts.
pub(crate) fn take(step: &mut Step<'_>, row: &Session, inner: &Inner, message: &Message) -> Result<(), Error> {
    let chat = &row.chat;
    let Some((person, conversation)) = step.tx.persons.get(chat)?.zip(step.tx.conversations.with(chat)?) else {
        return Ok(());
    };
    if matches!(person.state, PersonState::Declined | PersonState::Blocked) {
        return Ok(());
    }
    let id = content::message_id(&conversation.id, chat, &row.device, &inner.message);
    let Ok(content) = message.content() else {
        return Ok(()); // of a known kind, and wrong: nothing to show
    };
    let confirmed = device::confirms(step, chat, &row.device)?;
    // Before the answer, and of a device that is not theirs, nothing is asked of stores.
    let asks = confirmed && person.state != PersonState::Incoming;
    let came = Came { person, conversation: conversation.id, confirmed, asks, id, inner, message };
    match content {
        Content::Text(text) => show(step, &came, Shown::Text(text)).map(|_| ()),
        Content::Unknown => show(step, &came, Shown::Newer).map(|_| ()),
        Content::Pointer(remote) if matches!(remote.kind, Kind::Text | Kind::Unknown(_)) => {
            let from = (&came.conversation, asks);
            if show(step, &came, Shown::Fetching)? {
                blob::fetch(step, row, inner, from, id, &remote, message.time_s)
            } else {
                blob::had_already(step, row, inner, from, id, &remote, message.time_s)
            }
        }
        Content::Pointer(_) => Ok(()),
        // What it changes was done where its session began, if its device may change anything.
        Content::Request(request) if request.text.is_empty() => Ok(()),
        Content::Request(request) => show(step, &came, Shown::Text(request.text)).map(|_| ()),
        _ if !came.confirmed => Ok(()),
        Content::Hello(hello) => contact::take_hello(step, row, &hello),
        Content::Profile(profile) => take_profile(step, &came, &profile),
        Content::Typing => {
            if step.own()?.typing && came.person.state == PersonState::Accepted {
                step.fx.events.push(Event::Typing { conversation: ConversationId::from_bytes(&came.conversation) });
            }
            Ok(())
        }
        Content::List(list) => device::take_list(step, row, &list),
        Content::Want(prefixes) => wanted(step, row, &came, &prefixes),
        Content::Gone(prefixes) => prefixes.iter().try_for_each(|prefix| {
            step.tx.holes.remove(&came.conversation, prefix)?;
            Ok(())
        }),
        Content::Read(up_to) => read(step, &came, &up_to, &inner.receipts),
    }
}

/// A message as it came.
struct Came<'a> {
    person: Person,
    conversation: Hash,
    /// By the device taken as the contact's.
    confirmed: bool,
    /// It may make us ask stores for something.
    asks: bool,
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
    let message = came.message;
    let conversation = step.tx.conversations.get(&came.conversation)?;
    let mut conversation = conversation.or_bug("conversation of a contact")?;
    let own = u64::try_from(conversation.lamport).unwrap_or(0);
    let lamport = content::clamp_lamport(own, message.lamport);
    let lamport = i64::try_from(lamport).unwrap_or(i64::MAX);
    let time_s = i64::try_from(message.time_s).unwrap_or(0);
    let (newer, fetching) = (matches!(shown, Shown::Newer), matches!(shown, Shown::Fetching));
    let fresh = step.tx.messages.add(&sotto_db::Message {
        id: came.id,
        conversation: came.conversation,
        author: Some(came.person.chat),
        kind: message.kind.code(),
        m: came.inner.message.clone(),
        text: match shown {
            Shown::Text(text) => Some(text),
            Shown::Newer | Shown::Fetching => None,
        },
        state: MessageState::Received,
        reason: None,
        time_s,
        lamport,
        newer,
        fetching,
        read: false,
        added_ms: step.now_ms,
        unconfirmed: !came.confirmed,
        resent_ms: 0,
        marked: false,
    })?;
    if !fresh {
        return Ok(false);
    }
    if came.person.state == PersonState::Accepted && !fetching {
        step.tx.arrivals.add(&came.id)?;
    }
    let prefix = content::prefix(&came.id);
    step.tx.holes.remove(&came.conversation, &prefix)?;
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
    step.tx.conversations.put(&conversation)?;
    if came.asks {
        holes(step, came, before_ms)?;
    }
    step.message_changed(came.conversation, came.id);
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
fn holes(step: &mut Step<'_>, came: &Came<'_>, before_ms: i64) -> Result<(), Error> {
    let covered_ms = step.tx.coverage.until_ms()?;
    for prefix in &came.message.parents {
        if step.tx.messages.by_prefix(&came.conversation, prefix)?.is_none() {
            step.tx.holes.note(&Hole {
                conversation: came.conversation,
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

fn take_profile(step: &mut Step<'_>, came: &Came<'_>, profile: &ProfileUpdate) -> Result<(), Error> {
    if came.person.state != PersonState::Accepted {
        return Ok(());
    }
    contact::take_profile(step, &came.person.chat, profile.home, &profile.name)?;
    step.fx.contacts = true;
    step.fx.conversations.insert(came.conversation);
    Ok(())
}

/// Messages of ours that they lack: each is sent again once an hour, and so many in all; of what is gone they are told
/// once an hour, by an envelope that is not repeated.
fn wanted(step: &mut Step<'_>, from: &Session, came: &Came<'_>, prefixes: &[Prefix]) -> Result<(), Error> {
    if came.person.state != PersonState::Accepted {
        return Ok(());
    }
    let (chat, conversation) = (&from.chat, &came.conversation);
    let lately_ms = step.now_ms.saturating_sub(HOUR);
    let mut left = WANTED_HOURLY.saturating_sub(step.tx.messages.count_resent(conversation, lately_ms)?);
    let mut gone = Vec::new();
    for prefix in prefixes {
        match step.tx.messages.by_prefix(conversation, prefix)? {
            Some(message) if message.is_own() => {
                let again =
                    left > 0 && message.resent_ms <= lately_ms && step.tx.items.of_message(&message.id)?.is_none();
                if again {
                    left -= 1;
                    step.tx.messages.edit(&message.id, |message| message.resent_ms = step.now_ms)?;
                    send::again(step, &message, chat)?;
                }
            }
            Some(theirs) => {
                old_copy::wanted(step, from, theirs)?;
                gone.push(*prefix);
            }
            None => gone.push(*prefix),
        }
    }
    if gone.is_empty() || came.person.gone_ms > lately_ms {
        return Ok(());
    }
    step.tx.persons.edit(chat, |person| person.gone_ms = step.now_ms)?;
    send::content_once(step, chat, &Content::Gone(gone))
}

/// They have read what they have up to a message of ours.
fn read(step: &mut Step<'_>, came: &Came<'_>, up_to: &Hash, have: &[Receipt]) -> Result<(), Error> {
    let Some(message) = step.tx.messages.get(up_to)? else {
        return Ok(());
    };
    if message.conversation != came.conversation || came.person.state != PersonState::Accepted {
        return Ok(());
    }
    for id in step.tx.messages.unread_own(&message)? {
        receipt::read(step, &id, have)?;
    }
    Ok(())
}
