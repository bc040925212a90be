//! Groups in the chat: whom a conversation is with, the names of members, commands about a group, and news of groups.

use std::collections::HashMap;

use sotto_messenger::records::{
    Author, Contact, ContactId, Conversation, ConversationId, Folder, GroupMember, GroupRole, GroupState, MemberId,
};
use sotto_messenger::{Code, Error, Messenger};

use super::lines;
use super::posts::Them;

/// Members and groups that are read at once: the longest page.
const PAGE: u32 = 500;
/// Last characters of an account's id that stand for somebody without a name.
const TAIL: usize = 6;

/// Whom a conversation is with.
#[derive(Clone)]
pub(super) enum Partner {
    Person(Box<Contact>),
    Group(Box<Room>),
}

/// A group, and the names of its members.
#[derive(Clone)]
pub(super) struct Room {
    pub(super) row: Conversation,
    names: HashMap<ContactId, String>,
}

impl Partner {
    pub(super) fn conversation(&self) -> &ConversationId {
        match self {
            Self::Person(contact) => &contact.conversation,
            Self::Group(room) => &room.row.id,
        }
    }

    /// The person of the conversation; a group is none.
    pub(super) fn person(&self) -> Result<&Contact, Error> {
        match self {
            Self::Person(contact) => Ok(contact),
            Self::Group(_) => Err(Code::ContactMissing.into()),
        }
    }

    /// The names in front of messages; `label` is the person's.
    pub(super) fn them<'a>(&'a self, label: &'a str) -> Them<'a> {
        match self {
            Self::Person(contact) => Them::One { id: &contact.id, label },
            Self::Group(room) => Them::Many(&room.names),
        }
    }
}

/// The name of a group in the chat's lines. No name of a person looks like it: one with a bracket is quoted.
pub(super) fn label(name: &str) -> String {
    format!("{} (group)", lines::name(name))
}

/// Somebody without a name here.
fn nameless(id: &ContactId) -> String {
    let length = id.0.chars().count();
    format!("(…{})", id.0.chars().skip(length.saturating_sub(TAIL)).collect::<String>())
}

/// The author of a message of a group.
pub(super) fn author(author: &Author) -> String {
    if author.name.is_empty() { nameless(&author.contact) } else { lines::name(&author.name) }
}

/// A group with the names of its members. `known` is the label of a contact.
pub(super) fn room(
    messenger: &Messenger,
    row: Conversation,
    known: impl Fn(&ContactId) -> Option<String>,
) -> Result<Room, Error> {
    let name = |one: GroupMember| {
        let name = if one.own { "you".into() } else { known(&one.contact).unwrap_or_else(|| nameless(&one.contact)) };
        (one.contact, name)
    };
    let names = messenger.group_members(&row.id, None, PAGE)?.into_iter().map(name).collect();
    Ok(Room { row, names })
}

/// All groups that were not left or ended, by name.
pub(super) fn all(messenger: &Messenger) -> Result<Vec<Conversation>, Error> {
    let mut groups = Vec::new();
    for folder in [Folder::Inbox, Folder::Archived, Folder::Requests] {
        groups.extend(messenger.conversations(folder, None, PAGE)?.into_iter().filter(|row| row.group.is_some()));
    }
    groups.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    Ok(groups)
}

/// The state of a group, in a list.
pub(super) fn about(row: &Conversation) -> String {
    let Some(group) = row.group else { return String::new() };
    let members = if group.members == 1 { "1 member".into() } else { format!("{} members", group.members) };
    match standing(group.state) {
        "" => members,
        state => format!("{members}, {state}"),
    }
}

fn standing(state: GroupState) -> &'static str {
    match state {
        GroupState::Invited => "invites you",
        GroupState::Answered => "you will be let in",
        GroupState::Joining => "you read; you write when others confirmed it",
        GroupState::Left => "you left",
        GroupState::Removed => "you were removed",
        GroupState::Closed => "closed by its owner",
        GroupState::Declined => "declined",
        _ => "",
    }
}

/// The members, one a line, and their ids in the same order.
pub(super) fn members(messenger: &Messenger, room: &Room) -> Result<(String, Vec<MemberId>), Error> {
    let all = messenger.group_members(&room.row.id, None, PAGE)?;
    let line = |(number, one): (usize, &GroupMember)| {
        let name = room.names.get(&one.contact).cloned().unwrap_or_else(|| nameless(&one.contact));
        let role = match one.role {
            GroupRole::Owner => ", owner",
            GroupRole::Admin => ", admin",
            _ => "",
        };
        let proof = if one.confirmed { "" } else { ", not confirmed by their device" };
        format!("  {number} {name}{role}{proof}")
    };
    let lines: Vec<String> = (1..).zip(&all).map(line).collect();
    Ok((lines.join("\n"), all.into_iter().map(|one| one.id).collect()))
}

/// A command about the open group and one of its members, by the number that /members shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Members,
    Admin(usize),
    Demote(usize),
    Kick(usize),
    Leave,
}

impl Rule {
    /// Does it and returns the text to show. `listed`: the members that were shown last.
    pub(super) async fn run(
        self,
        messenger: &Messenger,
        group: &ConversationId,
        listed: &[MemberId],
    ) -> Result<&'static str, Error> {
        let member = |number: usize| {
            let index = number.checked_sub(1).ok_or(Code::GroupNotAllowed)?;
            listed.get(index).ok_or(Error::from(Code::GroupNotAllowed))
        };
        match self {
            Self::Members => Ok(""),
            Self::Admin(number) => {
                messenger.group_role(group, member(number)?, GroupRole::Admin).await?;
                Ok("an admin now")
            }
            Self::Demote(number) => {
                messenger.group_role(group, member(number)?, GroupRole::Member).await?;
                Ok("no admin any more")
            }
            Self::Kick(number) => {
                messenger.group_remove(group, member(number)?, false).await?;
                Ok("removed: they read nothing that is written from now on")
            }
            Self::Leave => {
                messenger.group_leave(group).await?;
                Ok("you left; what was said stays here until /clear")
            }
        }
    }
}

/// The groups at the last reported change.
#[derive(Default)]
pub(super) struct Groups {
    known: HashMap<ConversationId, (GroupState, u32, String)>,
}

impl Groups {
    /// Takes a group as it is now; returns what to tell of it.
    pub(super) fn update(&mut self, row: &Conversation) -> Option<String> {
        let group = row.group?;
        let now = (group.state, group.members, row.name.clone());
        let before = self.known.insert(row.id.clone(), now);
        let label = label(&row.name);
        match before {
            Some((state, members, name)) if state == group.state => match state {
                GroupState::Member if name != row.name => Some(format!("{} is {label} now.", self::label(&name))),
                GroupState::Member if members != group.members => Some(format!("{label}: {}.", about(row))),
                _ => None,
            },
            None if group.state == GroupState::Invited => Some(format!("{label}: {}.", about(row))),
            None => None,
            Some(_) if group.state == GroupState::Member => Some(format!("{label}: you are in, {}.", about(row))),
            Some(_) => Some(format!("{label}: {}.", standing(group.state))),
        }
    }

    /// The groups that were told of.
    pub(super) fn known(&self) -> Vec<ConversationId> {
        self.known.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_messenger::records::GroupRow;

    fn row(state: GroupState, members: u32, name: &str) -> Conversation {
        Conversation {
            id: ConversationId("g".into()),
            contact: None,
            name: name.into(),
            own_name: name.into(),
            picture: None,
            state: None,
            group: Some(GroupRow { state, members }),
            unread: 0,
            marked_unread: false,
            pinned: false,
            archived: false,
            muted: false,
            muted_until_ms: None,
            draft: String::new(),
            draft_reply_to: None,
            timer_s: 0,
            last: None,
            last_ms: 0,
            cursor: String::new(),
        }
    }

    #[test]
    fn news_of_a_group_are_told_once() {
        let mut groups = Groups::default();
        let mut told = |state, members, name: &str| groups.update(&row(state, members, name));
        let invited = told(GroupState::Invited, 2, "Lake");
        assert_eq!(invited.as_deref(), Some("Lake (group): 2 members, invites you."));
        assert_eq!(told(GroupState::Invited, 2, "Lake"), None);
        assert_eq!(told(GroupState::Answered, 2, "Lake").as_deref(), Some("Lake (group): you will be let in."));
        assert_eq!(told(GroupState::Member, 3, "Lake").as_deref(), Some("Lake (group): you are in, 3 members."));
        assert_eq!(told(GroupState::Member, 1, "Lake").as_deref(), Some("Lake (group): 1 member."));
        assert_eq!(told(GroupState::Member, 1, "Sea").as_deref(), Some("Lake (group) is Sea (group) now."));
        assert_eq!(told(GroupState::Removed, 1, "Sea").as_deref(), Some("Sea (group): you were removed."));
    }

    #[test]
    fn nobody_is_named_like_a_group_or_like_somebody_without_a_name() {
        assert_eq!(label("Lake"), "Lake (group)");
        assert_eq!(lines::name("Lake (group)"), "“Lake (group)”");
        let stranger = Author { contact: ContactId("zQ3shAbCdEf".into()), name: String::new() };
        assert_eq!(author(&stranger), "(…AbCdEf)");
        assert_eq!(lines::name("(…AbCdEf)"), "“(…AbCdEf)”");
    }
}
