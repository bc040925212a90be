//! A verified message: whether it is accepted, who wrote it, and how it is shown.

use sotto_db::{Chat, Conversation, Hash, Hole, MessageState, Session, Standing};
use sotto_wire::content::{self, Content, Inner, Message, Prefix};

use crate::engine::base::schedule::{self, SECOND};
use crate::engine::keys::device;
use crate::engine::talk::{Talk, delete, effects, expire, kind, read};
use crate::error::{Error, OrBug};

/// Most messages of a pending request, including read ones.
pub(crate) const PENDING_MESSAGES: u32 = 100;

/// Messages below this number of their chain are accepted of an account; `None` for none, now or ever.
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

/// Takes one message of a session's owner. Texts of an unconfirmed device are shown, and nothing else of it counts.
/// Content about the other side itself is returned to the room above.
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
        return Ok(None); // of a known kind but malformed: nothing to show
    };
    let confirmed = device::confirms(step, chat, &row.device)?;
    let open = conversation.standing == Standing::Open;
    // Before the answer, and for an unconfirmed device, no store is asked.
    let asks = confirmed && conversation.standing != Standing::Pending;
    let came = Came {
        via: Some((row, inner)),
        author: row.chat,
        owed: Some((row.hash, inner.seq)),
        conversation: conversation.id,
        open,
        confirmed,
        proved: confirmed,
        asks,
        id,
        m: &inner.message,
        message,
    };
    kind::take(step, &came, content)
}

pub(crate) struct Came<'a> {
    /// The session that it came in, and what came around it; none in a group.
    pub(crate) via: Option<(&'a Session, &'a Inner)>,
    pub(crate) author: Chat,
    /// The session and the counter that it is receipted by.
    pub(crate) owed: Option<(Hash, u32)>,
    pub(crate) conversation: Hash,
    /// Whether it is a contact's.
    pub(crate) open: bool,
    /// Whether the confirmed device wrote it.
    pub(crate) confirmed: bool,
    /// Whether that device is known to be the author's. In a group its proof may come later.
    pub(crate) proved: bool,
    /// Whether it may make us ask stores, and have effects: not before the person accepted its account.
    pub(crate) asks: bool,
    pub(crate) id: Hash,
    /// M, exactly as its author made it.
    pub(crate) m: &'a [u8],
    pub(crate) message: &'a Message,
}

pub(crate) enum Shown {
    Text(String),
    /// A text of a kind that can disappear, with its timer in seconds.
    Post(String, u32),
    Newer,
    Fetching,
}

impl Shown {
    /// The text, and its timer in seconds.
    fn text(self) -> (Option<String>, u32) {
        match self {
            Self::Text(text) => (Some(text), 0),
            Self::Post(text, expire_s) => (Some(text), expire_s),
            Self::Newer | Self::Fetching => (None, 0),
        }
    }
}

/// Lamport time of an effect of the confirmed device; moves the conversation's clock.
pub(crate) fn clock(step: &mut Talk<'_>, came: &Came<'_>) -> Result<i64, Error> {
    let moved = step.conversations.edit(&came.conversation, |row| {
        let lamport = clamped(row, came.message);
        row.lamport = row.lamport.max(lamport);
        lamport
    })?;
    moved.or_bug("conversation of a contact")
}

fn clamped(conversation: &Conversation, message: &Message) -> i64 {
    let own = u64::try_from(conversation.lamport).unwrap_or(0);
    i64::try_from(content::clamp_lamport(own, message.lamport)).unwrap_or(i64::MAX)
}

/// Stores a shown message. False if it exists, or was deleted for everybody before it came.
pub(crate) fn show(step: &mut Talk<'_>, came: &Came<'_>, shown: Shown) -> Result<bool, Error> {
    let message = came.message;
    let conversation = step.conversations.get(&came.conversation)?;
    let mut conversation = conversation.or_bug("conversation of a contact")?;
    let lamport = clamped(&conversation, message);
    let time_s = i64::try_from(message.time_s).unwrap_or(0);
    let place = sotto_db::Message {
        lamport,
        time_s,
        added_ms: step.now_ms,
        ..delete::place(came.id, came.conversation, Some(came.author), message.kind)
    };
    if effects::was_withdrawn(step, came)? {
        withdrawn(step, came, &place)?;
        return Ok(false);
    }
    let (newer, fetching) = (matches!(shown, Shown::Newer), matches!(shown, Shown::Fetching));
    let (text, expire_s) = shown.text();
    let fresh = step.messages.add(&sotto_db::Message {
        m: came.m.to_vec(),
        text,
        state: MessageState::Received,
        newer,
        fetching,
        read: false,
        unconfirmed: !came.proved,
        deleted_by: None,
        expire_s,
        expires_ms: expire::unread_ms(step.now_ms, expire_s),
        ..place
    })?;
    if !fresh {
        return Ok(false);
    }
    if came.open && !fetching {
        step.arrivals.add(&came.id)?;
    }
    let prefix = content::prefix(&came.id);
    step.holes.remove(&came.conversation, &prefix)?;
    // Only the confirmed device moves the conversation's clock and heads.
    if came.confirmed {
        conversation.lamport = conversation.lamport.max(lamport);
        conversation.heads = heads(&conversation.heads, message, &prefix);
    }
    conversation.unread = conversation.unread.saturating_add(1);
    read::revive(&mut conversation, step.now_ms);
    // The author's clock orders the list, but cannot pin a message to its top.
    let shown_ms = time_s.saturating_mul(SECOND).min(step.clock_ms);
    conversation.last_ms = conversation.last_ms.max(shown_ms);
    let before_ms = match conversation.arrived_ms {
        0 => conversation.created_ms,
        arrived_ms => arrived_ms,
    };
    conversation.arrived_ms = step.clock_ms;
    step.conversations.put(&conversation)?;
    if came.asks && came.via.is_some() {
        holes(step, came, before_ms)?;
    }
    step.message_changed(came.conversation, came.id);
    step.fx.received = step.fx.received.saturating_add(1);
    effects::arrived(step, &came.id)?;
    Ok(true)
}

/// Stores the place of a message that its author deleted before it came.
fn withdrawn(step: &mut Talk<'_>, came: &Came<'_>, place: &sotto_db::Message) -> Result<(), Error> {
    step.messages.add(place)?;
    step.early.take(&came.id, None)?;
    step.holes.remove(&came.conversation, &content::prefix(&came.id))?;
    step.message_changed(came.conversation, came.id);
    Ok(())
}

/// The newest messages that no other one names yet, with the new message: at most three.
fn heads(known: &[u8], message: &Message, prefix: &Prefix) -> Vec<u8> {
    let known = known.as_chunks::<8>().0.iter();
    let mut heads: Vec<Prefix> = known.filter(|head| !message.parents.contains(head)).copied().collect();
    heads.push(*prefix);
    let extra = heads.len().saturating_sub(content::MAX_PARENTS);
    heads.drain(..extra);
    heads.concat()
}

/// Adds holes for missing parents, which arrived after `before_ms`, or after the beginning of the gap.
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
