//! Shown lines, and a memory of them.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, IsTerminal};

use sotto_messenger::records::{
    Connectivity, Contact, ContactId, Conversation, ConversationId, File, FileId, FileState, GroupState, Message,
    MessageId, MessageState,
};
use sotto_messenger::{Code, Error};

use crate::chat::deed::Found;
use crate::chat::files;
use crate::chat::groups::{self, Groups, Partner};
use crate::chat::lines::{self, plain};
use crate::chat::people::{self, DEVICES_CHANGED, News, People};
use crate::chat::posts::{self, Them};
use crate::exit::Failure;
use crate::output;

/// Width of a terminal that does not report one, columns.
const USUAL_WIDTH: usize = 80;

/// The terminal's lines.
#[derive(Default)]
pub(super) struct Screen {
    /// Messages whose text was shown, or typed here, with a hash of it.
    shown: HashMap<MessageId, u64>,
    /// Messages by their numbers, from 1. A number never changes its message.
    numbers: Vec<MessageId>,
    /// Beginnings of texts sent from here, to name them when their state changes.
    sent: HashMap<MessageId, String>,
    /// The last told step of each transfer.
    told: HashMap<FileId, (FileState, u64)>,
    people: People,
    groups: Groups,
    online: Option<bool>,
}

impl Screen {
    pub(super) fn say(&mut self, text: &str) -> Result<(), Failure> {
        output::line(text).map_err(Failure::io)
    }

    /// Prints a text that somebody wrote.
    fn said(&mut self, head: &str, text: &str) -> Result<(), Failure> {
        self.say(&lines::said(head, text, width()))
    }

    /// Prints an error of the messenger.
    pub(super) fn refused(&mut self, error: &Error) -> Result<(), Failure> {
        self.say(&format!("  ! {error}"))
    }

    /// Prints a notice.
    pub(super) fn notice(&mut self, code: Code) -> Result<(), Failure> {
        self.say(&format!("  ! {}: {}", code.as_str(), code.detail()))
    }

    /// A text was sent from here.
    pub(super) fn sent(&mut self, message: &Message) {
        self.shown.insert(message.id.clone(), look(message));
        self.sent.insert(message.id.clone(), beginning(&posts::beginning(message)));
    }

    /// The name of a conversation.
    pub(super) fn label(&self, partner: &Partner) -> String {
        match partner {
            Partner::Person(contact) => self.people.label(contact),
            Partner::Group(room) => groups::label(&room.row.name),
        }
    }

    /// The name of a known contact.
    pub(super) fn named(&self, id: &ContactId) -> Option<String> {
        self.people.named(id)
    }

    /// Prints a message that was not shown yet, or has changed since; any message with `again`.
    pub(super) fn message(&mut self, partner: &Partner, message: &Message, again: bool) -> Result<(), Failure> {
        let known = self.shown.get(&message.id).copied();
        if !again && message.text.is_none() && (known.is_none() || message.deleted_by.is_none()) {
            return Ok(());
        }
        let look = look(message);
        if message.text.is_some() || known.is_some() {
            self.shown.insert(message.id.clone(), look);
        }
        match known {
            Some(before) if !again && before == look => Ok(()),
            _ => self.whole("", partner, message),
        }
    }

    /// Whether a message was shown.
    pub(super) fn has_shown(&self, id: &MessageId) -> bool {
        self.shown.contains_key(id)
    }

    /// Prints a message with its number.
    pub(super) fn numbered(&mut self, partner: &Partner, message: &Message) -> Result<(), Failure> {
        let number = self.number_of(&message.id);
        if message.text.is_some() {
            self.shown.insert(message.id.clone(), look(message));
        }
        self.whole(&format!("#{number} "), partner, message)
    }

    /// Prints a message of a list with its number.
    pub(super) fn found(&mut self, partner: &Partner, found: &Found) -> Result<(), Failure> {
        let number = self.number_of(&found.message);
        let line = found.line(&self.label(partner));
        self.said(&format!("#{number} "), &line)
    }

    /// The message with this number.
    pub(super) fn id_of(&self, number: usize) -> Option<MessageId> {
        self.numbers.get(number.checked_sub(1)?).cloned()
    }

    fn number_of(&mut self, id: &MessageId) -> usize {
        let known = self.numbers.iter().position(|one| one == id);
        let at = known.unwrap_or_else(|| {
            self.numbers.push(id.clone());
            self.numbers.len().saturating_sub(1)
        });
        at.saturating_add(1)
    }

    /// Prints a message and the lines around it.
    fn whole(&mut self, number: &str, partner: &Partner, message: &Message) -> Result<(), Failure> {
        let label = self.label(partner);
        let them = partner.them(&label);
        if let Some(above) = posts::above(message, them) {
            let above = width().map_or(above.clone(), |width| lines::fit(&above, width));
            self.said("", &above)?;
        }
        let head = format!("{number}{}", people::head(them, message));
        self.said(&head, message.text.as_deref().unwrap_or_default())?;
        for below in posts::below(message, them).into_iter().chain(posts::named(message, them)) {
            self.said("", &below)?;
        }
        self.told.extend(message.files.iter().map(|file| (file.id.clone(), files::step(file))));
        Ok(())
    }

    /// Prints how far a file is, if it has come to another state or a further quarter.
    pub(super) fn file(&mut self, file: &File) -> Result<(), Failure> {
        let step = files::step(file);
        if self.told.insert(file.id.clone(), step) == Some(step) {
            return Ok(());
        }
        self.said("  ", &files::line(file))
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
            let label = self.people.label(contact);
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
        let (name, emoji) = (self.people.label(contact), contact.emoji_hash.concat());
        let head = format!("  {number} {name} {emoji} {}", people::about(contact));
        self.said(&head, "")
    }

    /// One line of the list of groups.
    pub(super) fn group_listed(&mut self, number: usize, row: &Conversation) -> Result<(), Failure> {
        let head = format!("  {number} {}: {}", groups::label(&row.name), groups::about(row));
        self.said(&head, "")
    }

    /// Prints news of a group, which has this number.
    pub(super) fn group_changed(&mut self, number: Option<usize>, row: &Conversation) -> Result<(), Failure> {
        let Some(news) = self.groups.update(row) else {
            return Ok(());
        };
        self.said(&news, "")?;
        let invited = row.group.is_some_and(|group| group.state == GroupState::Invited);
        match number.filter(|_| invited) {
            Some(number) => self.say(&format!("  /accept {number} or /decline {number}")),
            None => Ok(()),
        }
    }

    /// The groups that were told of.
    pub(super) fn groups(&self) -> Vec<ConversationId> {
        self.groups.known()
    }

    pub(super) fn connectivity(&mut self, now: &Connectivity) -> Result<(), Failure> {
        let online = now.publish_nodes > 0 && now.subscribed;
        if self.online.replace(online) == Some(online) {
            return Ok(());
        }
        self.say(if online { "  connected" } else { "  no connection" })
    }
}

/// Columns of the terminal; `None` without one.
fn width() -> Option<usize> {
    io::stdout().is_terminal().then(|| match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 => size.ws_col.into(),
        _ => USUAL_WIDTH,
    })
}

/// A hash of what people wrote and did. State and times change by themselves.
fn look(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut still = Message { expires_ms: None, timer_s: 0, ..message.clone() };
    for file in &mut still.files {
        (file.state, file.have, file.reason) = (FileState::Here, 0, None);
    }
    let nobody = ContactId::default();
    posts::below(&still, Them::One { id: &nobody, label: "" }).hash(&mut hasher);
    (&message.text, &message.deleted_by).hash(&mut hasher);
    hasher.finish()
}

fn beginning(text: &str) -> String {
    let start: String = text.chars().take(24).collect();
    let rest = if start.len() < text.len() { "…" } else { "" };
    plain(&format!("{start}{rest}")).replace('\n', " ")
}
