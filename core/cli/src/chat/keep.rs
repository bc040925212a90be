//! Commands that change the open conversation on this device only. The other side is not told.

use sotto_messenger::records::{ContactId, ConversationId};
use sotto_messenger::{Error, Messenger, system_clock};

const HOUR_MS: i64 = 3_600_000;

/// A change of the open conversation.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Keep {
    /// Mutes for this number of hours; 0 unmutes, `None` mutes without an end.
    Mute(Option<u32>),
    /// Archives, or returns to the inbox.
    Archive,
    /// Pins, or unpins.
    Pin,
    /// Deletes all messages.
    Delete,
    /// An empty name removes the nickname.
    Nickname(String),
}

impl Keep {
    /// Makes the change and returns the text to show.
    pub(super) async fn run(
        &self,
        messenger: &Messenger,
        conversation: &ConversationId,
        contact: &ContactId,
    ) -> Result<&'static str, Error> {
        let row = messenger.conversation(conversation)?;
        Ok(match self {
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
            Self::Pin => {
                messenger.conversation_pin(conversation, !row.pinned).await?;
                if row.pinned { "no longer pinned" } else { "pinned" }
            }
            Self::Delete => {
                messenger.conversation_delete(conversation).await?;
                "all messages here are deleted on this device"
            }
            Self::Nickname(name) => {
                messenger.nickname_set(contact, Some(name.as_str()).filter(|name| !name.is_empty())).await?;
                "that is their name here"
            }
        })
    }
}
