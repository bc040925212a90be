//! What a proven message does, by its kind.

use sotto_db::{Chat, Hash, Hole, MessageState, Session, Standing};
use sotto_wire::content::{self, Content, Inner, Kind, Message, Prefix, Receipt};

use crate::engine::base::schedule;
use crate::engine::base::step::{HOUR, SECOND};
use crate::engine::carry::blob::{self, Whole};
use crate::engine::carry::receipt;
use crate::engine::carry::send;
use crate::engine::keys::device;
use crate::engine::talk::Talk;
use crate::engine::talk::list;
use crate::engine::talk::state;
use crate::engine::talk::write;
use crate::error::{Error, OrBug};
use crate::event::Event;
use crate::records::ConversationId;

/// Messages of a request that waits for an answer, read ones too.
pub(crate) const PENDING_MESSAGES: u32 = 100;
/// Messages that are sent again to one contact in an hour because it asked for them.
const WANTED_HOURLY: u32 = 256;
/// Messages looked at for those of ours that a lost one names.
const NAMED: usize = 64;

/// What may come of an account: messages below this number of their chain; `None`: nothing now, or ever. A request that
/// waits for an answer brings few.
pub(crate) fn room(step: &Talk<'_>, chat: &Chat) -> Result<Option<u32>, Error> {
    let Some(conversation) = step.conversations.with(chat)? else {
        return Ok(None);
    };
    Ok(match conversation.standing {
        Standing::Blocked | Standing::Closed => None,
        Standing::Pending => {
            let had = step.messages.count_received(&conversation.id)?;
            (had < PENDING_MESSAGES).then_some(PENDING_MESSAGES)
        }
        Standing::Open | Standing::Asked => Some(u32::MAX),
    })
}

/// Takes one message of a session's owner. Of a device that is not taken as the contact's texts are shown, and nothing
/// else counts. What says something of the other side itself is given back.
pub(crate) fn take(
    step: &mut Talk<'_>,
    row: &Session,
    inner: &Inner,
    message: &Message,
) -> Result<Option<Content>, Error> {
    let chat = &row.chat;
    let Some(conversation) = step.conversations.with(chat)? else {
        return Ok(None);
    };
    if matches!(conversation.standing, Standing::Closed | Standing::Blocked) {
        return Ok(None);
    }
    let id = content::message_id(&conversation.id, chat, &row.device, &inner.message);
    let Ok(content) = message.content() else {
        return Ok(None); // of a known kind, and wrong: nothing to show
    };
    let confirmed = device::confirms(step, chat, &row.device)?;
    let open = conversation.standing == Standing::Open;
    // Before the answer, and of a device that is not theirs, nothing is asked of stores.
    let asks = confirmed && conversation.standing != Standing::Pending;
    let came = Came { chat, conversation: conversation.id, open, confirmed, asks, id, inner, message };
    match content {
        Content::Text(text) => drop(show(step, &came, Shown::Text(text))?),
        Content::Unknown => drop(show(step, &came, Shown::Newer)?),
        Content::Pointer(remote) if matches!(remote.kind, Kind::Text | Kind::Unknown(_)) => {
            let from = (&came.conversation, asks);
            if show(step, &came, Shown::Fetching)? {
                blob::fetch(step, row, inner, from, id, &remote, message.time_s)?;
            } else {
                let fetching = step.messages.get(&id)?.is_some_and(|known| known.fetching);
                blob::had_already(step, row, inner, (from.0, from.1, fetching), id, &remote, message.time_s)?;
            }
        }
        Content::Pointer(_) => {}
        // What it changes was done where its session began, if its device may change anything.
        Content::Request(request) if request.text.is_empty() => {}
        Content::Request(request) => drop(show(step, &came, Shown::Text(request.text))?),
        _ if !came.confirmed => {}
        Content::Typing if !open || !step.own()?.typing => {}
        Content::Typing => {
            step.fx.events.push(Event::Typing { conversation: ConversationId::from_bytes(&came.conversation) });
        }
        Content::Want(prefixes) => wanted(step, row, &came, conversation.gone_ms, &prefixes)?,
        Content::Gone(prefixes) => {
            for prefix in &prefixes {
                step.holes.remove(&came.conversation, prefix)?;
            }
        }
        Content::Read(up_to) => read(step, &came, &up_to, &inner.receipts)?,
        content @ (Content::Hello(_) | Content::Profile(_) | Content::List(_)) => return Ok(Some(content)),
    }
    Ok(None)
}

/// The text of a message is whole.
pub(crate) fn whole(step: &mut Talk<'_>, whole: Whole) -> Result<(), Error> {
    let Whole { fetch, text, newer } = whole;
    step.messages.edit(&fetch.message, |message| {
        (message.text, message.newer, message.fetching) = (text, newer, false);
        message.reason = None;
    })?;
    let conversation = step.conversations.get(&fetch.conversation)?;
    if conversation.is_some_and(|conversation| conversation.standing == Standing::Open) {
        step.arrivals.add(&fetch.message)?;
    }
    step.message_changed(fetch.conversation, fetch.message);
    receipt::had(step, &fetch.session, fetch.seq, 1)
}

/// A message as it came.
struct Came<'a> {
    chat: &'a Chat,
    conversation: Hash,
    /// Of a contact.
    open: bool,
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
fn show(step: &mut Talk<'_>, came: &Came<'_>, shown: Shown) -> Result<bool, Error> {
    let message = came.message;
    let conversation = step.conversations.get(&came.conversation)?;
    let mut conversation = conversation.or_bug("conversation of a contact")?;
    let own = u64::try_from(conversation.lamport).unwrap_or(0);
    let lamport = content::clamp_lamport(own, message.lamport);
    let lamport = i64::try_from(lamport).unwrap_or(i64::MAX);
    let time_s = i64::try_from(message.time_s).unwrap_or(0);
    let (newer, fetching) = (matches!(shown, Shown::Newer), matches!(shown, Shown::Fetching));
    let fresh = step.messages.add(&sotto_db::Message {
        id: came.id,
        conversation: came.conversation,
        author: Some(*came.chat),
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
    if came.open && !fetching {
        step.arrivals.add(&came.id)?;
    }
    let prefix = content::prefix(&came.id);
    step.holes.remove(&came.conversation, &prefix)?;
    // The order is for those who take part in it.
    if came.confirmed {
        conversation.lamport = conversation.lamport.max(lamport);
        conversation.heads = heads(&conversation.heads, message, &prefix);
    }
    conversation.unread = conversation.unread.saturating_add(1);
    list::revive(&mut conversation, step.now_ms);
    // The author's clock orders the list, but cannot pin itself to its top.
    let shown_ms = time_s.saturating_mul(SECOND).min(step.clock_ms);
    conversation.last_ms = conversation.last_ms.max(shown_ms);
    let before_ms = match conversation.arrived_ms {
        0 => conversation.created_ms,
        arrived_ms => arrived_ms,
    };
    conversation.arrived_ms = step.clock_ms;
    step.conversations.put(&conversation)?;
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
fn holes(step: &mut Talk<'_>, came: &Came<'_>, before_ms: i64) -> Result<(), Error> {
    let covered_ms = step.tx.coverage.until_ms()?;
    for prefix in &came.message.parents {
        if step.messages.by_prefix(&came.conversation, prefix)?.is_none() {
            let hole = Hole {
                conversation: came.conversation,
                prefix: *prefix,
                from_s: before_ms.min(covered_ms).div_euclid(SECOND),
                until_s: step.clock_ms.div_euclid(SECOND),
                stage: 0,
                due_ms: step.after(&schedule::HOLE, 0),
            };
            step.holes.note(&hole)?;
        }
    }
    Ok(())
}

/// Messages of ours that they lack: each is sent again once an hour, and so many in all; of what is gone they are told
/// once an hour, by an envelope that is not repeated.
fn wanted(
    step: &mut Talk<'_>,
    from: &Session,
    came: &Came<'_>,
    gone_ms: i64,
    prefixes: &[Prefix],
) -> Result<(), Error> {
    if !came.open {
        return Ok(());
    }
    let (chat, conversation) = (&from.chat, &came.conversation);
    let lately_ms = step.now_ms.saturating_sub(HOUR);
    let mut left = WANTED_HOURLY.saturating_sub(step.messages.count_resent(conversation, lately_ms)?);
    let mut gone = Vec::new();
    for prefix in prefixes {
        match step.messages.by_prefix(conversation, prefix)? {
            Some(message) if message.is_own() => {
                let again =
                    left > 0 && message.resent_ms <= lately_ms && step.tx.items.of_message(&message.id)?.is_none();
                if again {
                    left -= 1;
                    let now_ms = step.now_ms;
                    step.messages.edit(&message.id, |message| message.resent_ms = now_ms)?;
                    write::again(step, &message, chat)?;
                }
            }
            Some(theirs) => {
                named(step, from, theirs)?;
                gone.push(*prefix);
            }
            None => gone.push(*prefix),
        }
    }
    if gone.is_empty() || gone_ms > lately_ms {
        return Ok(());
    }
    let now_ms = step.now_ms;
    step.conversations.edit(conversation, |row| row.gone_ms = now_ms)?;
    send::content_once(step, chat, &Content::Gone(gone))
}

/// They want a message that their own device wrote: an old copy lacks it. Ours that it names are lost there too, and
/// nothing else names them.
fn named(step: &mut Talk<'_>, from: &Session, theirs: sotto_db::Message) -> Result<(), Error> {
    let conversation = theirs.conversation;
    let id = |m: &[u8]| content::message_id(&conversation, &from.chat, &from.device, m);
    let mut look = vec![theirs];
    for _ in 0..NAMED {
        let Some(message) = look.pop() else {
            return Ok(());
        };
        if message.is_own() {
            if step.tx.items.of_message(&message.id)?.is_none() {
                write::again(step, &message, &from.chat)?;
            }
            continue;
        }
        if id(&message.m) != message.id {
            continue; // of another device
        }
        let parents = Message::decode(&message.m).map(|message| message.parents);
        for parent in parents.unwrap_or_default() {
            look.extend(step.messages.by_prefix(&conversation, &parent)?);
        }
    }
    Ok(())
}

/// They have read what they have up to a message of ours.
fn read(step: &mut Talk<'_>, came: &Came<'_>, up_to: &Hash, have: &[Receipt]) -> Result<(), Error> {
    let Some(message) = step.messages.get(up_to)? else {
        return Ok(());
    };
    if message.conversation != came.conversation || !came.open {
        return Ok(());
    }
    for id in step.messages.unread_own(&message)? {
        state::read(step, &id, have)?;
    }
    Ok(())
}
