//! Commands about the open conversation.

use sotto_messenger::records::{ContactId, ConversationId, NewPoll};
use sotto_messenger::{Code, Error, Messenger, system_clock};

use super::deed;

const HOUR_MS: i64 = 3_600_000;

/// A change of the open conversation. The other side is told of a timer and a poll only.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Keep {
    /// Mutes for this number of hours; 0 unmutes, `None` mutes without an end.
    Mute(Option<u32>),
    /// Archives, or returns to the inbox.
    Archive,
    /// Lists it first, or no longer.
    Top,
    /// Deletes all messages.
    Clear,
    /// An empty name removes the nickname.
    Nickname(String),
    /// Seconds after which new messages disappear; 0 ends it.
    Timer(u32),
    Poll(NewPoll),
}

impl Keep {
    /// Makes the change and returns the text to show.
    pub(super) async fn run(
        &self,
        messenger: &Messenger,
        conversation: &ConversationId,
        contact: Option<&ContactId>,
    ) -> Result<String, Error> {
        let row = messenger.conversation(conversation)?;
        let said = match self {
            Self::Mute(hours) => {
                let until_ms = hours.map(|hours| match hours {
                    0 => 0,
                    hours => system_clock()().saturating_add(i64::from(hours).saturating_mul(HOUR_MS)),
                });
                messenger.mute(conversation, until_ms).await?;
                if until_ms == Some(0) { "no longer muted" } else { "muted: /mute 0 unmutes" }
            }
            Self::Archive => {
                messenger.archive(conversation, !row.archived).await?;
                if row.archived { "no longer archived" } else { "archived, until a message comes or leaves" }
            }
            Self::Top => {
                messenger.conversation_pin(conversation, !row.pinned).await?;
                if row.pinned { "no longer listed first" } else { "listed first" }
            }
            Self::Clear => {
                messenger.conversation_delete(conversation).await?;
                "all messages here are deleted on this device"
            }
            Self::Nickname(name) => {
                let contact = contact.ok_or(Code::ContactMissing)?;
                messenger.nickname_set(contact, Some(name.as_str()).filter(|name| !name.is_empty())).await?;
                "that is their name here"
            }
            Self::Timer(seconds) => {
                messenger.timer_set(conversation, *seconds).await?;
                return Ok(deed::timer(*seconds));
            }
            Self::Poll(poll) => {
                messenger.poll_create(conversation, poll.clone()).await?;
                "the question is asked"
            }
        };
        Ok(said.to_owned())
    }
}
