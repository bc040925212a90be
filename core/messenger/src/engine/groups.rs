//! Groups of the API, as the engine takes them.

use sotto_crypto::account_id;
use sotto_db::{Chat, GroupState as State, Hash, Kind, MessageState, PersonState, Reader};
use sotto_wire::content::TIMER;
use sotto_wire::group::{Body, MAX_GROUP_NAME, MAX_GROUP_TEXT, Policy, Setting, Who};

use crate::cursor;
use crate::engine::Step;
use crate::engine::group::{epoch, join, log};
use crate::engine::people::contact;
use crate::engine::talk::group;
use crate::engine::talk::kind::timer;
use crate::error::{Code, Error};
use crate::grouplog::MEMBER;
use crate::records::{
    ContactId, ConversationId, Delivery, Group, GroupMember, GroupPatch, GroupRole, GroupRow, GroupState, GroupWho,
    MemberId,
};
use crate::view::shown_name;

/// Seat of an admin made by the creator; one made by another admin ranks so much lower.
const SEAT: u32 = 1_000;

fn named(name: String) -> Result<String, Error> {
    let name = sotto_wire::name::clean(&name);
    let good = (1..=MAX_GROUP_NAME).contains(&name.len()) && !sotto_wire::name::is_blank(&name);
    if good { Ok(name) } else { Err(Code::BadGroup.into()) }
}

/// An accepted contact's chat key.
fn contact_of(step: &Step<'_>, id: &ContactId) -> Result<Chat, Error> {
    let person = contact::find(step, id)?;
    if person.state == PersonState::Accepted { Ok(person.chat) } else { Err(Code::ContactState.into()) }
}

pub(crate) fn create(step: &mut Step<'_>, name: String, members: &[ContactId]) -> Result<ConversationId, Error> {
    let chats = members.iter().map(|id| contact_of(step, id)).collect::<Result<Vec<_>, _>>()?;
    let group = join::create(step, named(name)?, Policy { writes: Who::Members, ..Policy::default() })?;
    group::changed(step, &group)?;
    for chat in chats {
        join::invite(step, &group, &chat)?;
    }
    Ok(ConversationId::from_bytes(&group))
}

pub(crate) fn invite(step: &mut Step<'_>, id: &ConversationId, contacts: &[ContactId]) -> Result<(), Error> {
    step.own()?.in_force()?;
    let group = id.to_bytes()?;
    log::row(step, &group)?;
    for id in contacts {
        let chat = contact_of(step, id)?;
        join::invite(step, &group, &chat)?;
    }
    Ok(())
}

pub(crate) fn remove(step: &mut Step<'_>, id: &ConversationId, member: &MemberId, ban: bool) -> Result<(), Error> {
    step.own()?.in_force()?;
    let (group, member) = (id.to_bytes()?, member.to_bytes()?);
    log::own_seat(step, &group)?;
    log::state(step, &group)?.member(&member).ok_or(Code::GroupNotAllowed)?;
    epoch::remove(step, &group, member, ban)
}

pub(crate) fn role(step: &mut Step<'_>, id: &ConversationId, member: &MemberId, role: GroupRole) -> Result<(), Error> {
    step.own()?.in_force()?;
    let group = id.to_bytes()?;
    let own = log::own_seat(step, &group)?;
    let seat = match role {
        GroupRole::Owner => return Err(Code::GroupNotAllowed.into()),
        GroupRole::Admin => own.checked_add(SEAT).ok_or(Code::GroupNotAllowed)?,
        GroupRole::Member => MEMBER,
    };
    let root = member.to_bytes()?;
    let theirs = log::state(step, &group)?.member(&root).map(|member| member.seat);
    if own == MEMBER || theirs.is_none_or(|seat| seat == 0) {
        return Err(Code::GroupNotAllowed.into());
    }
    epoch::change(step, &group, Body::Grant(root, seat))
}

fn who(who: GroupWho) -> Who {
    match who {
        GroupWho::Admins => Who::Admins,
        GroupWho::Members => Who::Members,
    }
}

pub(crate) fn set(step: &mut Step<'_>, id: &ConversationId, patch: GroupPatch) -> Result<(), Error> {
    step.own()?.in_force()?;
    let group = id.to_bytes()?;
    log::row(step, &group)?;
    let GroupPatch { name, text, timer_s, who_adds, who_sets, who_writes, history } = patch;
    if text.as_ref().is_some_and(|text| text.len() > MAX_GROUP_TEXT) {
        return Err(Code::BadGroup.into());
    }
    if timer_s.is_some_and(|seconds| seconds != 0 && !TIMER.contains(&seconds)) {
        return Err(Code::BadTimer.into());
    }
    let all = [
        name.map(named).transpose()?.map(Setting::Name),
        text.map(Setting::Text),
        timer_s.map(Setting::Timer),
        who_adds.map(|of| Setting::Adds(who(of))),
        who_sets.map(|of| Setting::Sets(who(of))),
        who_writes.map(|of| Setting::Writes(who(of))),
        history.map(Setting::History),
    ];
    all.into_iter().flatten().try_for_each(|setting| epoch::change(step, &group, Body::Set(setting)))
}

pub(crate) fn close(step: &mut Step<'_>, id: &ConversationId) -> Result<(), Error> {
    step.own()?.in_force()?;
    let group = id.to_bytes()?;
    if log::own_seat(step, &group)? != 0 {
        return Err(Code::GroupNotAllowed.into());
    }
    epoch::change(step, &group, Body::Close)
}

/// Leaves a group.
pub(crate) fn leave(step: &mut Step<'_>, id: &ConversationId) -> Result<(), Error> {
    step.own()?.in_force()?;
    epoch::leave(step, &id.to_bytes()?)
}

/// The timer of a conversation; of a group it is a setting.
pub(crate) fn timer(step: &mut Step<'_>, id: &ConversationId, seconds: u32) -> Result<(), Error> {
    let row = step.tx.conversations.get(&id.to_bytes()?)?.ok_or(Code::ConversationMissing)?;
    match row.kind {
        Kind::Pair => timer::choose(step, &row.id, seconds),
        Kind::Group => set(step, id, GroupPatch { timer_s: Some(seconds), ..GroupPatch::default() }),
    }
}

fn role_of(seat: u32) -> GroupRole {
    match seat {
        0 => GroupRole::Owner,
        MEMBER => GroupRole::Member,
        _ => GroupRole::Admin,
    }
}

fn state_of(state: State) -> GroupState {
    match state {
        State::Invited => GroupState::Invited,
        State::Answered | State::Fetching => GroupState::Answered,
        State::Joining => GroupState::Joining,
        State::In => GroupState::Member,
        State::Left => GroupState::Left,
        State::Removed => GroupState::Removed,
        State::Closed => GroupState::Closed,
        State::Declined => GroupState::Declined,
    }
}

/// A group as it is shown.
pub fn read(reader: &Reader, id: &ConversationId) -> Result<Group, Error> {
    let row = reader.group(&id.to_bytes()?)?.ok_or(Code::ConversationMissing)?;
    let known = if row.root.is_empty() { None } else { Some(log::load(&reader.tables(), &row)?) };
    let state = known.as_ref().map(|known| &known.state);
    let value = |field| state.and_then(|state| state.setting(field)).unwrap_or_default();
    let on = |field| if value(field) == [1] { GroupWho::Members } else { GroupWho::Admins };
    let lineage = known.as_ref().and_then(|known| known.log.lineage(&row.leaf));
    let own = lineage.and_then(|root| state?.member(&root));
    Ok(Group {
        conversation: id.clone(),
        state: state_of(row.state),
        name: row.name,
        text: String::from_utf8_lossy(value(4)).into_owned(),
        members: row.members,
        role: own.map(|member| role_of(member.seat)),
        inviter: row.inviter.map(|chat| ContactId(account_id(&chat))),
        timer_s: value(3).try_into().map_or(0, u32::from_be_bytes),
        who_adds: on(5),
        who_sets: on(6),
        who_writes: on(7),
        history: value(9) == [1],
    })
}

/// All members of a group: the owner, admins, then the others, each by name.
pub fn members(reader: &Reader, id: &ConversationId) -> Result<Vec<GroupMember>, Error> {
    members_page(reader, id, None, usize::MAX)
}

/// The members after a place in that order, at most so many.
pub fn members_page(
    reader: &Reader,
    id: &ConversationId,
    before: Option<(u32, String, [u8; 16])>,
    limit: usize,
) -> Result<Vec<GroupMember>, Error> {
    let row = reader.group(&id.to_bytes()?)?.ok_or(Code::ConversationMissing)?;
    if row.root.is_empty() {
        return Ok(Vec::new());
    }
    let known = log::load(&reader.tables(), &row)?;
    let proved = reader.group_leaves(&row.id)?;
    let mut all = Vec::new();
    for member in &known.state.members {
        let Some(leaf) = known.leaves.get(&member.root) else { continue };
        let own = member.leaves.contains(&row.leaf);
        let person = reader.tables().persons.get(&leaf.chat)?;
        let name = person.filter(|_| !own).map(|person| shown_name(&person)).unwrap_or_default();
        let place = (member.seat, name.clone(), member.root);
        let is_proved = |of: &sotto_db::GroupLeaf| of.proved && member.leaves.contains(&of.leaf);
        let cursor = cursor::of_member((member.seat, &name, &member.root));
        all.push((
            place,
            GroupMember {
                id: MemberId::from_bytes(&member.root),
                contact: ContactId(account_id(&leaf.chat)),
                name,
                role: role_of(member.seat),
                own,
                confirmed: own || proved.iter().any(is_proved),
                cursor,
            },
        ));
    }
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    let after = all.into_iter().filter(|(place, _)| before.as_ref().is_none_or(|before| place > before));
    Ok(after.map(|(_, member)| member).take(limit).collect())
}

/// What a conversation says of its group.
pub(crate) fn short(row: &sotto_db::Group) -> GroupRow {
    GroupRow { state: state_of(row.state), members: row.members }
}

/// How far an own message of a group came with each other member.
pub(crate) fn deliveries(reader: &Reader, group: &Hash, message: &sotto_db::Message) -> Result<Vec<Delivery>, Error> {
    let (tables, row) = (reader.tables(), reader.group(group)?.ok_or(Code::StorageCorrupt)?);
    let known = log::load(&tables, &row)?;
    let copy = tables.group_copies.of_message(&message.id)?;
    let acks = group::Acks::of(&tables, group)?;
    let place = copy.and_then(|copy| acks.place(&copy.epoch, copy.n));
    let all = message.state >= MessageState::Delivered && message.state <= MessageState::Read;
    let mut deliveries = Vec::new();
    for member in known.state.members.iter().filter(|member| !member.leaves.contains(&row.leaf)) {
        let Some(leaf) = known.leaves.get(&member.root).filter(|_| acks.was_in(member, message.added_ms)) else {
            continue;
        };
        let person = tables.persons.get(&leaf.chat)?;
        deliveries.push(Delivery {
            contact: ContactId(account_id(&leaf.chat)),
            name: person.map(|person| shown_name(&person)).unwrap_or_default(),
            delivered: all || place.is_some_and(|place| acks.best(member).is_some_and(|best| best > place)),
            read: message.state == MessageState::Read,
        });
    }
    deliveries.sort_by(|one, other| (&one.name, &one.contact).cmp(&(&other.name, &other.contact)));
    Ok(deliveries)
}
