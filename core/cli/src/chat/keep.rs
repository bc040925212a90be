//! What a person does to the open conversation and to contacts on this device. Nobody else learns of it.

use sotto_messenger::records::{ContactId, ConversationId};
use sotto_messenger::{Error, Messenger, system_clock};

const HOUR_MS: i64 = 3_600_000;

/// One such change.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Keep {
    /// For so many hours; 0 unmutes, `None` has no end.
    Mute(Option<u32>),
    /// Archives, or takes back.
    Archive,
    /// Pins, or unpins.
    Pin,
    /// Deletes all messages.
    Delete,
    /// An empty name removes the nickname.
    Nickname(String),
}

impl Keep {
    /// Does it; the answer for the person.
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
                messenger.pin(conversation, !row.pinned).await?;
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
