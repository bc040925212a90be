//! What is shown, and what was shown already.

use std::collections::{HashMap, HashSet};

use sotto_messenger::Error;
use sotto_messenger::records::{
    Connectivity, Contact, ContactId, ContactState, Message, MessageId, MessageState,
};

use crate::exit::Failure;
use crate::output;

/// The terminal.
#[derive(Default)]
pub(super) struct Screen {
    /// Messages whose text was shown.
    shown: HashSet<MessageId>,
    /// Beginnings of what was sent from here, for the states that follow.
    sent: HashMap<MessageId, String>,
    contacts: HashMap<ContactId, ContactState>,
    online: Option<bool>,
}

/// Text without what could move the cursor or change colours.
pub(super) fn plain(text: &str) -> String {
    let safe = |c: char| {
        if c.is_control() && c != '\n' && c != '\t' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(safe).collect()
}

impl Screen {
    pub(super) fn say(&mut self, text: &str) -> Result<(), Failure> {
        output::line(text).map_err(Failure::io)
    }

    /// The messenger said no.
    pub(super) fn refused(&mut self, error: &Error) -> Result<(), Failure> {
        self.say(&format!("  ! {error}"))
    }

    pub(super) fn notice(&mut self, code: &str) -> Result<(), Failure> {
        self.say(&format!("  ! {code}"))
    }

    pub(super) fn sent(&mut self, id: MessageId, text: &str) {
        self.shown.insert(id.clone());
        self.sent.insert(id, beginning(text));
    }

    /// A message that was not shown yet, or any when `again`.
    pub(super) fn message(
        &mut self,
        name: &str,
        message: &Message,
        again: bool,
    ) -> Result<(), Failure> {
        let Some(text) = &message.text else {
            let what = if message.newer {
                "wrote something that needs a newer version"
            } else {
                "sends a long text…"
            };
            if again {
                self.say(&format!(
                    "{} {} {what}",
                    clock(message.time_ms),
                    plain(name)
                ))?;
            }
            return Ok(());
        };
        if !self.shown.insert(message.id.clone()) && !again {
            return Ok(());
        }
        let author = if message.mine {
            format!("you ({})", state_name(message.state))
        } else {
            plain(name)
        };
        self.say(&format!(
            "{} {author}: {}",
            clock(message.time_ms),
            plain(text)
        ))
    }

    /// A message of ours got further.
    pub(super) fn state(&mut self, id: &MessageId, state: MessageState) -> Result<(), Failure> {
        match self.sent.get(id).cloned() {
            Some(text) => self.say(&format!("  {}: {text}", state_name(state))),
            None => Ok(()),
        }
    }

    /// Says who asks, and who accepted.
    pub(super) fn contacts_changed(&mut self, contacts: &[Contact]) -> Result<(), Failure> {
        for (index, contact) in contacts.iter().enumerate() {
            let before = self.contacts.insert(contact.id.clone(), contact.state);
            if before == Some(contact.state) {
                continue;
            }
            let (name, number) = (plain(&contact.name), index + 1);
            match (before, contact.state) {
                (_, ContactState::Incoming) => {
                    let text = plain(contact.request_text.as_deref().unwrap_or_default());
                    let emoji = contact.emoji_hash.concat();
                    self.say(&format!("{name} {emoji} asks to be a contact: {text}"))?;
                    self.say(&format!("  /accept {number} or /decline {number}"))?;
                }
                (Some(ContactState::Requested), ContactState::Accepted) => {
                    self.say(&format!("{name} accepted."))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn connectivity(&mut self, now: &Connectivity) -> Result<(), Failure> {
        let online = now.publish_nodes > 0 && now.subscribed;
        if self.online.replace(online) == Some(online) {
            return Ok(());
        }
        self.say(if online {
            "  connected"
        } else {
            "  no connection"
        })
    }
}

fn state_name(state: MessageState) -> &'static str {
    match state {
        MessageState::Queued => "waits",
        MessageState::Sent => "sent",
        MessageState::Stored => "stored",
        MessageState::Delivered => "delivered ✓",
        MessageState::Read => "read ✓✓",
        MessageState::Failed => "failed, /retry",
        _ => "?",
    }
}

/// Hours and minutes, UTC.
fn clock(ms: i64) -> String {
    let minutes = ms.div_euclid(60_000);
    format!(
        "{:02}:{:02}",
        minutes.div_euclid(60).rem_euclid(24),
        minutes.rem_euclid(60)
    )
}

fn beginning(text: &str) -> String {
    let start: String = text.chars().take(24).collect();
    let rest = if start.len() < text.len() { "…" } else { "" };
    plain(&format!("{start}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_command_the_terminal() {
        assert_eq!(
            plain("a\u{1b}[2Jb\u{9b}c\r\n"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}\n"
        );
        assert_eq!(plain("👨‍👩‍👧‍👦 ok"), "👨‍👩‍👧‍👦 ok");
    }

    #[test]
    fn times_of_day() {
        assert_eq!(clock(0), "00:00");
        assert_eq!(clock(86_399_999), "23:59");
        assert_eq!(clock(-60_000), "23:59");
    }
}
