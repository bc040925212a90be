//! What a person does to a message, and lists of messages.

use sotto_messenger::records::{ConversationId, Hit, MessageId, NewPost};
use sotto_messenger::{Error, Messenger};

use super::files::{self, LISTED, Saves};
use super::groups;
use super::lines;
use super::posts::{self, flat, moment};

/// Most hits of a search.
pub(super) const HITS: u32 = 50;

/// Members of a group whose names a text can mention.
const MENTIONED: u32 = 500;

/// A deed.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Deed {
    Reply(String),
    /// Sets the emoji, or takes it back.
    React(String),
    Edit(String),
    /// Deletes for everybody.
    Unsend,
    /// Deletes on this device.
    Delete,
    /// Pins, or unpins.
    Pin,
    /// Places of choices, from 0; none takes the vote back.
    Vote(Vec<u8>),
    History,
    /// Saves a file by its number from 1, under its own name or at a path.
    Save {
        number: usize,
        path: Option<String>,
    },
}

impl Deed {
    /// Does it and returns the text to show: one sentence, or the versions.
    pub(super) async fn run(&self, messenger: &Messenger, saves: &mut Saves, id: &MessageId) -> Result<String, Error> {
        let message = messenger.message(id)?;
        let said = match self {
            Self::Reply(text) => {
                let post = NewPost { reply_to: Some(id.clone()), ..text.into() };
                send(messenger, &message.conversation, post).await?;
                "replied"
            }
            Self::React(emoji) => {
                let on = !message.reactions.iter().any(|one| one.emoji == *emoji && one.mine);
                messenger.react(id, emoji, on).await?;
                if on { "your reaction is set; again takes it back" } else { "your reaction is taken back" }
            }
            Self::Edit(text) => {
                let mentions = mentions(messenger, &message.conversation, text)?;
                messenger.edit(id, text, mentions).await?;
                "changed for both of you"
            }
            Self::Unsend => {
                messenger.delete_for_everyone(id).await?;
                "deleted for everybody; what others copied stays"
            }
            Self::Delete => {
                messenger.delete_for_me(id).await?;
                "deleted on this device"
            }
            Self::Pin => {
                messenger.pin(id, !message.pinned).await?;
                if message.pinned { "no longer pinned" } else { "pinned for both of you" }
            }
            Self::Vote(choices) => {
                messenger.vote(id, choices).await?;
                if choices.is_empty() { "your vote is taken back" } else { "voted" }
            }
            Self::History => return versions(messenger, id),
            Self::Save { number, path } => return saves.save(messenger, &message, *number, path.as_deref()).await,
        };
        Ok(said.to_owned())
    }
}

/// Sends a text, with the mentions in it.
pub(super) async fn send(messenger: &Messenger, to: &ConversationId, post: NewPost) -> Result<MessageId, Error> {
    let mentions = mentions(messenger, to, &post.text)?;
    messenger.send(to, NewPost { mentions, ..post }).await
}

pub(super) fn mentions(
    messenger: &Messenger,
    conversation: &ConversationId,
    text: &str,
) -> Result<Vec<sotto_messenger::records::NewMention>, Error> {
    if !text.contains('@') {
        return Ok(Vec::new());
    }
    let contacts = match messenger.conversation(conversation)?.contact {
        Some(contact) => vec![messenger.contact(&contact)?],
        None => {
            let members = messenger.group_members(conversation, None, MENTIONED)?.into_iter();
            members.filter(|member| !member.own).filter_map(|member| messenger.contact(&member.contact).ok()).collect()
        }
    };
    Ok(posts::mentions(text, &contacts))
}

/// The versions of a text, one below the other.
fn versions(messenger: &Messenger, id: &MessageId) -> Result<String, Error> {
    let line = |version: sotto_messenger::records::Version| {
        lines::said(&format!("{}: ", moment(version.time_ms)), &lines::harmless(&version.text), None)
    };
    let versions: Vec<String> = messenger.history(id)?.into_iter().map(line).collect();
    Ok(if versions.is_empty() { "no text is left".into() } else { versions.join("\n") })
}

/// A message of a list.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) conversation: ConversationId,
    pub(super) message: MessageId,
    mine: bool,
    /// Who wrote it, in a group.
    author: Option<String>,
    /// On one line; a search puts its words between « and ».
    text: String,
    time_ms: i64,
}

impl Found {
    /// Its line; `label` is the conversation's.
    pub(super) fn line(&self, label: &str) -> String {
        let author = match &self.author {
            _ if self.mine => format!("you to {label}"),
            Some(author) => format!("{author} in {label}"),
            None => label.to_owned(),
        };
        format!("{} {author}: {}", moment(self.time_ms), self.text)
    }
}

/// The messages that have all these words, latest first.
pub(super) fn search(messenger: &Messenger, words: &str) -> Result<Vec<Found>, Error> {
    let found = |hit: Hit| Found {
        text: marked(&hit),
        conversation: hit.conversation,
        message: hit.message,
        mine: hit.mine,
        author: hit.author.as_ref().map(groups::author),
        time_ms: hit.time_ms,
    };
    Ok(messenger.search(words, None, None, HITS)?.into_iter().map(found).collect())
}

/// The pinned messages of a conversation.
pub(super) fn pins(messenger: &Messenger, conversation: &ConversationId) -> Result<Vec<Found>, Error> {
    let found = |message: sotto_messenger::records::Message| Found {
        text: posts::beginning(&message),
        conversation: message.conversation,
        message: message.id,
        mine: message.mine,
        author: message.author.as_ref().map(groups::author),
        time_ms: message.time_ms,
    };
    Ok(messenger.pins(conversation)?.into_iter().map(found).collect())
}

/// The files of a conversation, newest first.
pub(super) fn files(messenger: &Messenger, conversation: &ConversationId) -> Result<Vec<Found>, Error> {
    let found = |file: sotto_messenger::records::File| {
        let message = messenger.message(&file.message)?;
        let number = message.files.iter().position(|one| one.id == file.id).unwrap_or(0).saturating_add(1);
        Ok(Found {
            text: format!("file {number} {}", files::line(&file)),
            conversation: file.conversation,
            message: file.message,
            mine: message.mine,
            author: message.author.as_ref().map(groups::author),
            time_ms: message.time_ms,
        })
    };
    messenger.files(conversation, None, None, LISTED)?.into_iter().map(found).collect()
}

fn marked(hit: &Hit) -> String {
    let (mut text, mut at) = (String::new(), 0);
    for mark in &hit.marks {
        let from = usize::try_from(mark.offset).unwrap_or(usize::MAX);
        let to = from.saturating_add(usize::try_from(mark.length).unwrap_or(usize::MAX));
        if let (Some(before), Some(word)) = (hit.text.get(at..from), hit.text.get(from..to)) {
            text.push_str(&format!("{before}«{word}»"));
            at = to;
        }
    }
    text.push_str(hit.text.get(at..).unwrap_or_default());
    flat(&text)
}

/// The answer to /timer.
pub(super) fn timer(seconds: u32) -> String {
    match seconds {
        0 => "new messages here stay".into(),
        _ => format!("new messages here disappear {} after reading, on honest devices", posts::span(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_messenger::records::Mark;

    impl Found {
        pub(in crate::chat) fn of(conversation: &str, message: &str, text: &str) -> Self {
            let (conversation, message) = (ConversationId(conversation.into()), MessageId(message.into()));
            Self { conversation, message, mine: false, author: None, text: flat(text), time_ms: 0 }
        }
    }

    #[test]
    fn the_words_of_a_search_are_marked() {
        let mark = |offset, length| Mark { offset, length };
        let mut hit = Hit {
            message: MessageId("m".into()),
            conversation: ConversationId("c".into()),
            mine: true,
            author: None,
            text: "das Café\nam Fluß".into(),
            marks: vec![mark(4, 5), mark(13, 5)],
            time_ms: 0,
            cursor: String::new(),
        };
        assert_eq!(marked(&hit), "das «Café» am «Fluß»");
        hit.marks = vec![mark(8, 1), mark(90, 1), mark(0, 3), mark(0, 3)];
        assert_eq!(marked(&hit), "«das» Café am Fluß");
    }
}
