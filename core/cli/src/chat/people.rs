//! Names of contacts, news about them, and authors of messages.

use std::collections::HashMap;

use sotto_messenger::Code;
use sotto_messenger::records::{Contact, ContactId, ContactState, Message, MessageState};

use super::lines;
use super::posts::Them;

/// Emoji of the hash that tell people with the same name apart.
const TELL_APART: usize = 3;
/// Marks a message that somebody else may have written.
const UNCONFIRMED: &str = "(unconfirmed device)";
/// The text that asks for a new comparison.
pub(super) const DEVICES_CHANGED: &str = "their devices changed; compare the safety number";

/// The contacts at the last reported change.
#[derive(Default)]
pub(super) struct People {
    known: HashMap<ContactId, Known>,
}

/// The reported state of a contact.
struct Known {
    /// The name in front of the contact's messages.
    label: String,
    state: ContactState,
    devices_changed: bool,
    waiting: Option<Code>,
}

/// A change of a contact to report.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// The person sent a contact request.
    Asks,
    /// The person accepted our request.
    Accepted,
    /// Another device may now speak for the contact.
    DevicesChanged,
    /// Why no session with the contact can begin, by code.
    Waits(Code),
}

impl People {
    /// Takes the current contacts; `own` is the own name. Returns the news, by index in `contacts`.
    pub(super) fn update(&mut self, own: &str, contacts: &[Contact]) -> Vec<(usize, News)> {
        let mut news = Vec::new();
        for ((index, contact), label) in contacts.iter().enumerate().zip(labels(own, contacts)) {
            let now = Known {
                label,
                state: contact.state,
                devices_changed: contact.devices_changed,
                waiting: contact.waiting,
            };
            let before = self.known.insert(contact.id.clone(), now);
            let state = before.as_ref().map(|known| known.state);
            match (state, contact.state) {
                (state, ContactState::Incoming) if state != Some(ContactState::Incoming) => {
                    news.push((index, News::Asks));
                }
                (Some(ContactState::Requested), ContactState::Accepted) => news.push((index, News::Accepted)),
                _ => {}
            }
            if contact.devices_changed && !before.as_ref().is_some_and(|one| one.devices_changed) {
                news.push((index, News::DevicesChanged));
            }
            let waited = before.as_ref().and_then(|one| one.waiting);
            if let Some(code) = contact.waiting.filter(|code| waited != Some(*code)) {
                news.push((index, News::Waits(code)));
            }
        }
        news
    }

    /// The name of a known contact.
    pub(super) fn named(&self, id: &ContactId) -> Option<String> {
        self.known.get(id).map(|known| known.label.clone())
    }

    /// The name in front of the contact's messages.
    pub(super) fn label(&self, contact: &Contact) -> String {
        match self.known.get(&contact.id) {
            Some(known) => known.label.clone(),
            None => lines::name(&contact.name),
        }
    }
}

/// The state of a contact, and why it waits.
pub(super) fn about(contact: &Contact) -> String {
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
    if contact.picture.is_some() {
        about.push("has a picture".into());
    }
    if let Some(code) = contact.waiting {
        about.push(format!("waits: {}", code.detail()));
    }
    about.join(", ")
}

/// The names of all contacts. Emoji tell apart people who share a name with each other or with us.
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

/// The part in front of a message's text, up to the colon; the whole line if there is no text. `them` are the others of
/// the conversation.
pub(super) fn head(them: Them<'_>, message: &Message) -> String {
    let time = clock(message.time_ms);
    if let Some(by) = &message.deleted_by {
        let author = if message.mine { "you".to_owned() } else { them.author(message.author.as_ref()) };
        return format!("{time} {author} – deleted by {}", them.name(by));
    }
    let author = author(them.author(message.author.as_ref()), message);
    if message.text.is_some() {
        return format!("{time} {author}: ");
    }
    let what = if message.newer { "wrote something that needs a newer version" } else { "sends a long text…" };
    format!("{time} {author} {what}")
}

/// The author of a message, as far as known. No name can look like the mark: a name with a bracket is quoted.
fn author(name: String, message: &Message) -> String {
    if message.mine {
        format!("you ({})", state_name(message.state))
    } else if message.unconfirmed {
        format!("{name} {UNCONFIRMED}")
    } else {
        name
    }
}

pub(super) fn state_name(state: MessageState) -> &'static str {
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
pub(super) fn clock(ms: i64) -> String {
    let minutes = ms.div_euclid(60_000);
    format!("{:02}:{:02}", minutes.div_euclid(60).rem_euclid(24), minutes.rem_euclid(60))
}

/// The date of a day since 1970, as 2026-11-29 (Hinnant, "chrono-compatible low-level date algorithms").
pub(super) fn date(day: i64) -> String {
    let shifted = day.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use sotto_messenger::records::{ConversationId, MessageId};

    pub(in crate::chat) fn contact(id: &str, name: &str, emoji: &str) -> Contact {
        Contact {
            id: ContactId(id.into()),
            conversation: ConversationId(format!("c{id}")),
            name: name.into(),
            own_name: name.into(),
            emoji_hash: [emoji, "🌵", "🍋", "🎈"].map(str::to_owned).to_vec(),
            color_ring: Vec::new(),
            state: ContactState::Accepted,
            request_text: None,
            verified: false,
            devices_changed: false,
            waiting: None,
            picture: None,
        }
    }

    pub(in crate::chat) fn message(id: &str, conversation: &str, text: &str) -> Message {
        Message {
            id: MessageId(id.into()),
            conversation: ConversationId(conversation.into()),
            text: Some(text.into()),
            state: MessageState::Received,
            cursor: id.into(),
            ..Message::default()
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
        one.waiting = Some(Code::InviteUnreachable);
        assert_eq!(about(&one), format!("asked, waits: {}", Code::InviteUnreachable.detail()));
        one.state = ContactState::Accepted;
        one.waiting = Some(Code::SuiteLower);
        one.devices_changed = true;
        let said = about(&one);
        assert!(said.starts_with(DEVICES_CHANGED) && said.ends_with(Code::SuiteLower.detail()));
    }

    #[test]
    fn a_change_is_told_once() {
        let mut people = People::default();
        let mut one = contact("1", "Bob", "🐙");
        one.state = ContactState::Requested;
        one.waiting = Some(Code::InviteUnreachable);
        let told = |people: &mut People, one: &Contact| {
            let contacts = [one.clone()];
            let told = people.update("Alice", &contacts).into_iter().map(|(_, news)| format!("{news:?}"));
            told.collect::<Vec<_>>()
        };
        assert_eq!(told(&mut people, &one), ["Waits(InviteUnreachable)"]);
        assert!(told(&mut people, &one).is_empty());
        (one.state, one.waiting, one.devices_changed) = (ContactState::Accepted, None, true);
        assert_eq!(told(&mut people, &one), ["Accepted", "DevicesChanged"]);
        one.state = ContactState::Incoming;
        assert_eq!(told(&mut people, &one), ["Asks"]);
        assert!(told(&mut people, &one).is_empty());
    }

    /// Nobody can choose a name that looks like the mark, or hide the mark.
    #[test]
    fn what_a_device_that_is_not_confirmed_writes_is_marked() {
        let mut message = message("m", "c", "hi");
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
    fn dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(20_786), "2026-11-29");
        assert_eq!(date(11_016), "2000-02-29");
        assert_eq!(date(-1), "1969-12-31");
    }

    #[test]
    fn who_deleted_a_message_is_said_where_no_text_is() {
        let id = ContactId("1".into());
        let them = Them::One { id: &id, label: "Bob" };
        let mut one = message("m", "c", "hi");
        assert_eq!(head(them, &one), "00:00 Bob: ");
        (one.text, one.deleted_by) = (None, Some(id.clone()));
        assert_eq!(head(them, &one), "00:00 Bob – deleted by Bob");
        (one.mine, one.state, one.deleted_by) = (true, MessageState::Sent, Some(ContactId("own".into())));
        assert_eq!(head(them, &one), "00:00 you – deleted by you");
    }

    #[test]
    fn times_of_day() {
        assert_eq!(clock(0), "00:00");
        assert_eq!(clock(86_399_999), "23:59");
        assert_eq!(clock(-60_000), "23:59");
    }
}
