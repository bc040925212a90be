//! News of the messenger: events, and the contacts and conversations that are read after them.

use std::collections::HashMap;

use sotto_messenger::Event;
use sotto_messenger::records::{
    AccountInfo, Contact, ContactState, Conversation, ConversationId, FileState, MessageState,
};

use super::{Action, App, Kept, Row};
use crate::chat::lines;
use crate::chat::people::{DEVICES_CHANGED, News, about};

/// Stands in the list for a message that was deleted for everybody.
const GONE: &str = "– deleted";
/// Stands in the list for a message that has files and no text.
const FILES: &str = "– files";

impl App {
    /// Events are hints: the rows they name are read again, once for all events.
    pub(super) fn news(&mut self, events: &[Event]) -> Vec<Action> {
        let (mut people, mut page, mut network, mut settle) = (false, false, false, false);
        let open = self.view.as_ref().map(|view| view.conversation.clone());
        let mut lost = 0_u32;
        for event in events {
            match event {
                Event::ContactsChanged | Event::ConversationsChanged { .. } => people = true,
                Event::MessagesChanged { conversation, ids } => {
                    people = true;
                    if Some(conversation) == open.as_ref() {
                        page = true;
                        lost = lost.saturating_add(u32::try_from(ids.len()).unwrap_or(u32::MAX));
                    }
                }
                Event::MessageState { id, state, .. } => {
                    let here = self.view.as_mut().is_some_and(|view| view.state(id, *state));
                    // The page has the reason.
                    page |= here && *state == MessageState::Failed;
                    if !here && *state == MessageState::Failed {
                        self.say("! A message failed in another conversation.".into());
                    }
                }
                Event::File(transfer) => {
                    settle |= transfer.state != FileState::Coming;
                    if let Some(view) = &mut self.view {
                        view.file(transfer);
                    }
                }
                Event::Typing { conversation } => {
                    if let Some(view) = self.view.as_mut().filter(|view| view.conversation == *conversation) {
                        view.writing_ms = Some(self.now_ms);
                    }
                }
                Event::Connectivity(now) => self.status.connected(now),
                Event::Notice { code } => {
                    self.status.notice(*code, self.now_ms);
                    self.say(format!("! {}: {}", code.as_str(), code.detail()));
                }
                Event::Lagged { .. } => (people, page, network, settle) = (true, true, true, true),
                _ => {}
            }
        }
        let mut actions = Vec::new();
        if network {
            actions.push(Action::Network);
        }
        if people {
            actions.push(Action::People);
        }
        if settle {
            actions.push(Action::Settle);
        }
        if let Some(view) = self.view.as_ref().filter(|_| page) {
            let conversation = view.conversation.clone();
            actions.push(match view.middle() {
                Some(message) => Action::Around { conversation, message, pick: false },
                None => Action::Page { conversation, before: None, limit: view.loaded().saturating_add(lost) },
            });
            actions.extend(self.reply().cloned().map(Action::Subject));
        }
        actions
    }

    /// Takes the current contacts and conversations. Opens no conversation, except the only one before the first key.
    pub(super) fn people(
        &mut self,
        own: Option<AccountInfo>,
        contacts: Vec<Contact>,
        conversations: Vec<Conversation>,
    ) -> Vec<Action> {
        let own_name = own.as_ref().map(|own| own.name.clone()).unwrap_or_default();
        // At the start the list and the titles show the news.
        let is_first = self.own.is_none();
        self.own = own;
        self.loaded = true;
        let mut said = Vec::new();
        for (index, news) in self.people.update(&own_name, &contacts) {
            if let Some(contact) = contacts.get(index) {
                said.push(told(&self.people.label(contact), contact, &news));
            }
        }
        for text in said.into_iter().filter(|_| !is_first) {
            self.say(text);
        }
        self.contacts = contacts;
        self.list(conversations);
        let label = self.view.as_ref().and_then(|view| self.contact(&view.contact)).map(|one| self.people.label(one));
        match (&mut self.view, label) {
            (Some(view), Some(label)) => view.set_label(label),
            _ => self.view = None, // its contact was removed
        }
        let mut accepted = self.contacts.iter().filter(|one| one.state == ContactState::Accepted);
        match (accepted.next(), accepted.next()) {
            (Some(only), None) if self.view.is_none() && !self.touched => {
                let only = only.id.clone();
                self.open(&only)
            }
            _ => Vec::new(),
        }
    }

    /// Requests, then conversations by activity. Declined and blocked people are listed by /contacts only.
    fn list(&mut self, conversations: Vec<Conversation>) {
        let contacts: HashMap<&ConversationId, &Contact> =
            self.contacts.iter().map(|contact| (&contact.conversation, contact)).collect();
        let mut rows = Vec::new();
        self.kept.clear();
        for conversation in conversations {
            let Some(contact) = contacts.get(&conversation.id) else {
                continue;
            };
            let Conversation { draft, draft_reply_to: reply, timer_s, .. } = conversation;
            self.kept.insert(conversation.id.clone(), Kept { draft, reply, timer_s });
            if matches!(contact.state, ContactState::Declined | ContactState::Blocked) {
                continue;
            }
            let last = conversation.last.and_then(|last| match last.text {
                _ if last.deleted => Some(GONE.into()),
                Some(text) if text.is_empty() => Some(FILES.into()),
                text => text,
            });
            let text = contact.request_text.clone().or(last);
            let about = about(contact);
            let preview = match text.map(|text| lines::harmless(&text)).filter(|text| !text.is_empty()) {
                Some(text) if about.is_empty() => text,
                Some(text) if contact.state == ContactState::Incoming => format!("{about}: {text}"),
                Some(text) => format!("{text} · {about}"),
                None => about,
            };
            rows.push(Row {
                conversation: conversation.id,
                contact: contact.id.clone(),
                label: self.people.label(contact),
                state: contact.state,
                unread: conversation.unread,
                preview,
            });
        }
        rows.sort_by_key(|row| row.state != ContactState::Incoming);
        self.rows = rows;
    }
}

/// The news about a contact, in one sentence.
fn told(label: &str, contact: &Contact, news: &News) -> String {
    match news {
        News::Asks => {
            let emoji = contact.emoji_hash.concat();
            format!(
                "{label} ({emoji}) asks to be a contact: /accept {label}, /decline or /block; /to {label} shows it."
            )
        }
        News::Accepted => format!("{label} accepted."),
        News::DevicesChanged => format!("! {label}: {DEVICES_CHANGED} (/safety)"),
        News::Waits(code) => format!("! {label} waits: {}", code.detail()),
    }
}
