//! Shown lines, and a memory of them.

use std::collections::{HashMap, HashSet};
use std::io::{self, IsTerminal};

use sotto_messenger::records::{Connectivity, Contact, Message, MessageId, MessageState};
use sotto_messenger::{Code, Error};

use crate::chat::lines::{self, plain};
use crate::chat::people::{self, DEVICES_CHANGED, News, People};
use crate::exit::Failure;
use crate::output;

/// Width of a terminal that does not report one, columns.
const USUAL_WIDTH: usize = 80;

/// The terminal's lines.
#[derive(Default)]
pub(super) struct Screen {
    /// Messages whose text was shown.
    shown: HashSet<MessageId>,
    /// Beginnings of texts sent from here, to name them when their state changes.
    sent: HashMap<MessageId, String>,
    people: People,
    online: Option<bool>,
}

impl Screen {
    pub(super) fn say(&mut self, text: &str) -> Result<(), Failure> {
        output::line(text).map_err(Failure::io)
    }

    /// Prints a text that somebody wrote.
    fn said(&mut self, head: &str, text: &str) -> Result<(), Failure> {
        let terminal = io::stdout().is_terminal();
        let width = terminal.then(|| match rustix::termios::tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_col > 0 => size.ws_col.into(),
            _ => USUAL_WIDTH,
        });
        self.say(&lines::said(head, text, width))
    }

    /// Prints an error of the messenger.
    pub(super) fn refused(&mut self, error: &Error) -> Result<(), Failure> {
        self.say(&format!("  ! {error}"))
    }

    /// Prints a notice.
    pub(super) fn notice(&mut self, code: Code) -> Result<(), Failure> {
        self.say(&format!("  ! {}: {}", code.as_str(), code.detail()))
    }

    pub(super) fn sent(&mut self, id: MessageId, text: &str) {
        self.shown.insert(id.clone());
        self.sent.insert(id, beginning(text));
    }

    /// The name in front of the contact's messages.
    pub(super) fn label(&self, contact: &Contact) -> String {
        self.people.label(contact)
    }

    /// Prints a message that was not shown yet; any message with `again`.
    pub(super) fn message(&mut self, contact: &Contact, message: &Message, again: bool) -> Result<(), Failure> {
        let head = people::head(self.label(contact), message);
        let Some(text) = &message.text else {
            return if again { self.said(&head, "") } else { Ok(()) };
        };
        if !self.shown.insert(message.id.clone()) && !again {
            return Ok(());
        }
        self.said(&head, text)
    }

    /// Prints a new state of an own message.
    pub(super) fn state(&mut self, id: &MessageId, state: MessageState) -> Result<(), Failure> {
        match self.sent.get(id).cloned() {
            Some(text) => self.say(&format!("  {}: {text}", people::state_name(state))),
            None => Ok(()),
        }
    }

    /// Prints news about contacts: requests, accepted requests, changed devices, waiting reasons. `own` is the own
    /// name.
    pub(super) fn contacts_changed(&mut self, own: &str, contacts: &[Contact]) -> Result<(), Failure> {
        for (index, news) in self.people.update(own, contacts) {
            let Some(contact) = contacts.get(index) else {
                continue;
            };
            let label = self.label(contact);
            match news {
                News::Asks => {
                    let (emoji, number) = (contact.emoji_hash.concat(), index + 1);
                    let text = contact.request_text.as_deref().unwrap_or_default();
                    self.said(&format!("{label} {emoji} asks to be a contact: "), text)?;
                    self.say(&format!("  /accept {number} or /decline {number}"))?;
                }
                News::Accepted => self.said(&format!("{label} accepted."), "")?,
                News::DevicesChanged => self.said(&format!("  ! {label}: {DEVICES_CHANGED}"), "")?,
                News::Waits(code) => self.said(&format!("  ! {label} waits: {}", code.detail()), "")?,
            }
        }
        Ok(())
    }

    /// One line of the list of contacts.
    pub(super) fn listed(&mut self, number: usize, contact: &Contact) -> Result<(), Failure> {
        let (name, emoji) = (self.label(contact), contact.emoji_hash.concat());
        let head = format!("  {number} {name} {emoji} {}", people::about(contact));
        self.said(&head, "")
    }

    pub(super) fn connectivity(&mut self, now: &Connectivity) -> Result<(), Failure> {
        let online = now.publish_nodes > 0 && now.subscribed;
        if self.online.replace(online) == Some(online) {
            return Ok(());
        }
        self.say(if online { "  connected" } else { "  no connection" })
    }
}

fn beginning(text: &str) -> String {
    let start: String = text.chars().take(24).collect();
    let rest = if start.len() < text.len() { "…" } else { "" };
    plain(&format!("{start}{rest}")).replace('\n', " ")
}
