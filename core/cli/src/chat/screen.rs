//! What is shown, and what was shown already.

use std::collections::{HashMap, HashSet};
use std::io::{self, IsTerminal};

use sotto_messenger::records::{Connectivity, Contact, ContactId, ContactState, Message, MessageId, MessageState};
use sotto_messenger::{Code, Error};

use super::lines::{self, plain};
use crate::exit::Failure;
use crate::output;

/// Width of a terminal that does not tell it, columns.
const USUAL_WIDTH: usize = 80;
/// Emoji of the hash that tell people of the same name apart.
const TELL_APART: usize = 3;

/// The terminal.
#[derive(Default)]
pub(super) struct Screen {
    /// Messages whose text was shown.
    shown: HashSet<MessageId>,
    /// Beginnings of what was sent from here, for the states that follow.
    sent: HashMap<MessageId, String>,
    contacts: HashMap<ContactId, Known>,
    online: Option<bool>,
}

/// What was shown of a contact.
#[derive(PartialEq, Eq)]
struct Known {
    /// The name before what they write.
    label: String,
    state: ContactState,
    devices_changed: bool,
    waiting: Option<String>,
}

/// The sentence of a code.
pub(super) fn sentence(code: &str) -> &str {
    let known = Code::ALL.iter().find(|known| known.as_str() == code);
    known.map_or("this version has no words for it", |known| known.detail())
}

impl Screen {
    pub(super) fn say(&mut self, text: &str) -> Result<(), Failure> {
        output::line(text).map_err(Failure::io)
    }

    /// Says what somebody wrote.
    fn said(&mut self, head: &str, text: &str) -> Result<(), Failure> {
        let terminal = io::stdout().is_terminal();
        let width = terminal.then(|| match rustix::termios::tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_col > 0 => size.ws_col.into(),
            _ => USUAL_WIDTH,
        });
        self.say(&lines::said(head, text, width))
    }

    /// The messenger said no.
    pub(super) fn refused(&mut self, error: &Error) -> Result<(), Failure> {
        self.say(&format!("  ! {error}"))
    }

    /// Something a person should know.
    pub(super) fn notice(&mut self, code: &str) -> Result<(), Failure> {
        self.say(&format!("  ! {code}: {}", sentence(code)))
    }

    pub(super) fn sent(&mut self, id: MessageId, text: &str) {
        self.shown.insert(id.clone());
        self.sent.insert(id, beginning(text));
    }

    /// The name before what a contact writes.
    pub(super) fn label(&self, contact: &Contact) -> String {
        match self.contacts.get(&contact.id) {
            Some(known) => known.label.clone(),
            None => lines::name(&contact.name),
        }
    }

    /// A message that was not shown yet, or any when `again`.
    pub(super) fn message(&mut self, contact: &Contact, message: &Message, again: bool) -> Result<(), Failure> {
        let (time, name) = (clock(message.time_ms), self.label(contact));
        let Some(text) = &message.text else {
            let what =
                if message.newer { "wrote something that needs a newer version" } else { "sends a long text…" };
            if again {
                self.said(&format!("{time} {} {what}", author(name, message)), "")?;
            }
            return Ok(());
        };
        if !self.shown.insert(message.id.clone()) && !again {
            return Ok(());
        }
        self.said(&format!("{time} {}: ", author(name, message)), text)
    }

    /// A message of ours got further.
    pub(super) fn state(&mut self, id: &MessageId, state: MessageState) -> Result<(), Failure> {
        match self.sent.get(id).cloned() {
            Some(text) => self.say(&format!("  {}: {text}", state_name(state))),
            None => Ok(()),
        }
    }

    /// Says who asks, who accepted, whose devices changed, and who has to wait for what. `own`: the own name.
    pub(super) fn contacts_changed(&mut self, own: &str, contacts: &[Contact]) -> Result<(), Failure> {
        let labels = labels(own, contacts);
        for (index, (contact, label)) in contacts.iter().zip(labels).enumerate() {
            let now = Known {
                label: label.clone(),
                state: contact.state,
                devices_changed: contact.devices_changed,
                waiting: contact.waiting.clone(),
            };
            let before = self.contacts.insert(contact.id.clone(), now);
            let state = before.as_ref().map(|known| known.state);
            match (state, contact.state) {
                (state, ContactState::Incoming) if state != Some(ContactState::Incoming) => {
                    let (emoji, number) = (contact.emoji_hash.concat(), index + 1);
                    let text = contact.request_text.as_deref().unwrap_or_default();
                    self.said(&format!("{label} {emoji} asks to be a contact: "), text)?;
                    self.say(&format!("  /accept {number} or /decline {number}"))?;
                }
                (Some(ContactState::Requested), ContactState::Accepted) => {
                    self.said(&format!("{label} accepted."), "")?;
                }
                _ => {}
            }
            if contact.devices_changed && !before.as_ref().is_some_and(|one| one.devices_changed) {
                self.said(&format!("  ! {label}: {DEVICES_CHANGED}"), "")?;
            }
            let waiting = contact.waiting.as_deref();
            if let Some(code) = waiting.filter(|_| {
                let before = before.as_ref().and_then(|one| one.waiting.as_deref());
                before != waiting
            }) {
                self.said(&format!("  ! {label} waits: {}", sentence(code)), "")?;
            }
        }
        Ok(())
    }

    /// A line of the list of contacts.
    pub(super) fn listed(&mut self, number: usize, contact: &Contact) -> Result<(), Failure> {
        let (name, emoji) = (self.label(contact), contact.emoji_hash.concat());
        let head = format!("  {number} {name} {emoji} {}", about(contact));
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

/// Where a contact stands, and why it waits.
fn about(contact: &Contact) -> String {
    let mut about: Vec<String> = Vec::new();
    match contact.state {
        ContactState::Requested => about.push("asked".into()),
        ContactState::Incoming => about.push("asks you".into()),
        ContactState::Declined => about.push("declined".into()),
        ContactState::Blocked => about.push("blocked".into()),
        _ => {}
    }
    if contact.verified {
        about.push("verified".into());
    }
    if contact.devices_changed {
        about.push(DEVICES_CHANGED.into());
    }
    if let Some(code) = &contact.waiting {
        about.push(format!("waits: {}", sentence(code)));
    }
    about.join(", ")
}

/// Marks what somebody else may have written.
const UNCONFIRMED: &str = "(unconfirmed device)";

/// What has to be compared again.
const DEVICES_CHANGED: &str = "their devices changed; compare the safety number";

/// The names of all contacts: whoever shares one with somebody else, or with us, is told apart by emoji.
fn labels(own: &str, contacts: &[Contact]) -> Vec<String> {
    let key = |name: &str| lines::name(name).to_lowercase();
    let mut count: HashMap<String, u32> = HashMap::from([(key(own), 1)]);
    for contact in contacts {
        *count.entry(key(&contact.name)).or_default() += 1;
    }
    let label = |contact: &Contact| {
        let name = lines::name(&contact.name);
        if count.get(&key(&contact.name)).is_none_or(|count| *count < 2) {
            return name;
        }
        let emoji: String = contact.emoji_hash.iter().take(TELL_APART).map(String::as_str).collect();
        format!("{name} {emoji}")
    };
    contacts.iter().map(label).collect()
}

/// Who wrote a message, as far as it is known. No name looks like the mark: a bracket in one puts it in quotes.
fn author(name: String, message: &Message) -> String {
    if message.mine {
        format!("you ({})", state_name(message.state))
    } else if message.unconfirmed {
        format!("{name} {UNCONFIRMED}")
    } else {
        name
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
    format!("{:02}:{:02}", minutes.div_euclid(60).rem_euclid(24), minutes.rem_euclid(60))
}

fn beginning(text: &str) -> String {
    let start: String = text.chars().take(24).collect();
    let rest = if start.len() < text.len() { "…" } else { "" };
    plain(&format!("{start}{rest}")).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(id: &str, name: &str, emoji: &str) -> Contact {
        Contact {
            id: ContactId(id.into()),
            conversation: sotto_messenger::records::ConversationId("c".into()),
            name: name.into(),
            emoji_hash: [emoji, "🌵", "🍋", "🎈"].map(str::to_owned).to_vec(),
            state: ContactState::Accepted,
            request_text: None,
            verified: false,
            devices_changed: false,
            waiting: None,
        }
    }

    #[test]
    fn nobody_bears_the_name_of_another() {
        let contacts = [
            contact("1", "Bob", "🐙"),
            contact("2", "bob\u{200b}", "🦊"),
            contact("3", "Carol", "🐝"),
            contact("4", "Me", "🐢"),
            contact("5", "you", "🐌"),
        ];
        assert_eq!(labels("me", &contacts), ["Bob 🐙🌵🍋", "bob 🦊🌵🍋", "Carol", "Me 🐢🌵🍋", "“you”"]);
    }

    #[test]
    fn the_list_says_why_a_contact_waits_and_that_its_devices_changed() {
        let mut one = contact("1", "Bob", "🐙");
        assert_eq!(about(&one), "");
        one.state = ContactState::Requested;
        one.waiting = Some("invite.unreachable".into());
        assert_eq!(about(&one), format!("asked, waits: {}", Code::InviteUnreachable.detail()));
        one.state = ContactState::Accepted;
        one.waiting = Some("suite.lower".into());
        one.devices_changed = true;
        let said = about(&one);
        assert!(said.starts_with(DEVICES_CHANGED) && said.ends_with(Code::SuiteLower.detail()));
    }

    /// Nobody can choose a name that looks like the mark, nor hide it.
    #[test]
    fn what_a_device_that_is_not_confirmed_writes_is_marked() {
        let mut message = Message {
            id: MessageId("m".into()),
            conversation: sotto_messenger::records::ConversationId("c".into()),
            mine: false,
            text: Some("hi".into()),
            newer: false,
            fetching: false,
            unconfirmed: false,
            state: MessageState::Received,
            reason: None,
            time_ms: 0,
            cursor: String::new(),
        };
        assert_eq!(author("Bob".into(), &message), "Bob");
        let forged = format!("Bob {UNCONFIRMED}");
        assert_ne!(author(lines::name(&forged), &message), forged);
        message.unconfirmed = true;
        assert_eq!(author("Bob".into(), &message), forged);
        message.mine = true;
        message.state = MessageState::Sent;
        assert_eq!(author("Bob".into(), &message), "you (sent)");
    }

    #[test]
    fn every_code_has_its_sentence() {
        for code in Code::ALL {
            assert_eq!(sentence(code.as_str()), code.detail());
        }
        assert!(sentence("what.is_new").contains("no words"));
    }

    #[test]
    fn times_of_day() {
        assert_eq!(clock(0), "00:00");
        assert_eq!(clock(86_399_999), "23:59");
        assert_eq!(clock(-60_000), "23:59");
    }
}
