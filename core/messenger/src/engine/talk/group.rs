//! Groups as conversations: what their room brings is shown.

use sotto_db::{Conversation, GroupLeaf, GroupState, Hash, Kind, MessageState, PersonState, Standing, Tables};
use sotto_wire::content::{self, Content};

use crate::engine::group::{Came as Brought, News, join, log, say};
use crate::engine::talk::inbox::Came;
use crate::engine::talk::{Talk, kind, state};
use crate::error::Error;
use crate::grouplog::Member;

/// Field of the setting that is the timer.
const TIMER: u8 = 3;

/// What groups brought in this step.
pub(crate) fn news(step: &mut Talk<'_>) -> Result<(), Error> {
    while !step.news.is_empty() {
        for one in std::mem::take(&mut step.news) {
            match one {
                News::Message(came) => message(step, &came)?,
                News::Changed(group) => changed(step, &group)?,
                News::Entered(group) => {
                    changed(step, &group)?;
                    step.fx.topics = true;
                }
                News::Acked(group) => acked(step, &group)?,
            }
        }
    }
    Ok(())
}

/// A contact invites this device to a group.
pub(crate) fn invited(step: &mut Talk<'_>, came: &Came<'_>, invite: &content::GroupInvite) -> Result<(), Error> {
    let taken = step.conversations.get(&invite.group)?.is_some_and(|row| row.kind != Kind::Group);
    if came.open && !taken && came.via.is_some() && join::invited(step, &came.author, invite)? {
        changed(step, &invite.group)?;
    }
    Ok(())
}

/// The conversation of a group, as the group is now.
pub(crate) fn changed(step: &mut Talk<'_>, group: &Hash) -> Result<(), Error> {
    let row = log::row(step, group)?;
    let standing = match row.state {
        GroupState::Invited => Standing::Pending,
        GroupState::Answered | GroupState::Fetching | GroupState::Joining | GroupState::In => Standing::Open,
        GroupState::Left | GroupState::Removed | GroupState::Closed | GroupState::Declined => Standing::Closed,
    };
    // Posts carry the timer that the log has.
    let timer_s = match row.root.is_empty() {
        true => 0,
        false => {
            let value = log::state(step, group)?.setting(TIMER).and_then(|value| value.try_into().ok());
            value.map_or(0, u32::from_be_bytes)
        }
    };
    let now_ms = step.now_ms;
    step.fx.topics = true;
    match step.conversations.get(group)? {
        Some(known) if known.kind != Kind::Group => return Ok(()),
        Some(known) => {
            let listed = known.listed || known.standing != standing;
            step.conversations.put(&Conversation { standing, listed, timer_s, ..known })?;
        }
        None => step.conversations.put(&Conversation {
            id: *group,
            kind: Kind::Group,
            peer: None,
            standing,
            lamport: 0,
            heads: Vec::new(),
            draft: String::new(),
            draft_reply: None,
            unread: 0,
            created_ms: now_ms,
            last_ms: now_ms,
            arrived_ms: 0,
            gone_ms: 0,
            listed: true,
            pinned: false,
            archived: false,
            muted_ms: 0,
            marked: false,
            timer_s,
        })?,
    }
    step.fx.conversations.insert(*group);
    Ok(())
}

/// A member's message. Its signature holds; what it may do follows from its kind.
fn message(step: &mut Talk<'_>, brought: &Brought) -> Result<(), Error> {
    let Brought { group, author, device, m, message, proved } = brought;
    let Ok(content) = message.content() else { return Ok(()) };
    let shown = matches!(
        content,
        Content::Text(_)
            | Content::Post(_)
            | Content::Poll(_)
            | Content::Pointer(_)
            | Content::Edit(_)
            | Content::Delete(_)
            | Content::Reaction(_)
            | Content::Pin(_)
            | Content::Vote(_)
            | Content::Unknown
    );
    let blocked = step.tx.persons.get(author)?.is_some_and(|person| person.state == PersonState::Blocked);
    if !shown || blocked || *author == step.own()?.chat {
        return Ok(());
    }
    let id = content::message_id(group, author, device, m);
    let came = Came {
        via: None,
        author: *author,
        owed: None,
        conversation: *group,
        open: true,
        confirmed: *proved,
        proved: *proved,
        asks: *proved,
        id,
        m,
        message,
    };
    kind::take(step, &came, content).map(drop)
}

/// What the members of a group say that they have of this device.
pub(crate) struct Acks {
    /// The epochs that are not over, the oldest first.
    epochs: Vec<Hash>,
    leaves: Vec<GroupLeaf>,
}

impl Acks {
    pub(crate) fn of(tx: &Tables<'_>, group: &Hash) -> Result<Self, Error> {
        let epochs = tx.group_epochs.of(group)?.iter().map(|row| row.epoch).collect();
        Ok(Self { epochs, leaves: tx.group_leaves.of(group)? })
    }

    /// Whether a member was in when an own message was written.
    pub(crate) fn was_in(&self, member: &Member, sent_ms: i64) -> bool {
        self.leaves.iter().any(|leaf| member.leaves.contains(&leaf.leaf) && leaf.seen_ms <= sent_ms)
    }

    /// The place of message n of an epoch among all of this device.
    pub(crate) fn place(&self, epoch: &Hash, n: u32) -> Option<(usize, u32)> {
        Some((self.epochs.iter().position(|one| one == epoch)?, n))
    }

    /// The place up to which a member has all messages. An ack in a later epoch is for all earlier ones too.
    pub(crate) fn best(&self, member: &Member) -> Option<(usize, u32)> {
        let of = self.leaves.iter().filter(|leaf| member.leaves.contains(&leaf.leaf));
        of.filter_map(|leaf| self.place(&leaf.acked_epoch?, leaf.acked)).max()
    }
}

/// Own messages are delivered that every other member has who was in when they were written.
fn acked(step: &mut Talk<'_>, group: &Hash) -> Result<(), Error> {
    let row = log::row(step, group)?;
    let acks = Acks::of(&step.tx, group)?;
    let members: Vec<_> = log::state(step, group)?.members.clone();
    let others: Vec<_> = members.iter().filter(|member| !member.leaves.contains(&row.leaf)).collect();
    for epoch in acks.epochs.clone() {
        let copies = step.tx.group_copies.range((group, &epoch, &row.leaf), (0, u32::MAX), (u32::MAX, false))?;
        for copy in copies {
            let Some(id) = copy.message else { continue };
            let (place, sent_ms) = (acks.place(&epoch, copy.n), say::kept_since(step, &copy));
            let mut due = others.iter().filter(|member| acks.was_in(member, sent_ms)).peekable();
            if due.peek().is_some() && due.all(|member| acks.best(member) > place) {
                state::raise(step, &id, MessageState::Delivered)?;
            }
        }
    }
    Ok(())
}
