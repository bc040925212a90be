//! The picked message, and what a text is about.

use sotto_messenger::records::{ConversationId, Message, MessageId};

use super::{Action, Aim, App, Edit, Editor, Panel};
use crate::chat::deed::{Deed, Found, HITS};
use crate::chat::full::view::Wanted;

/// The answer to a command that needs a picked message.
const PICK: &str = "Pick a message first: Ctrl-Up or Ctrl-R.";

impl App {
    /// What the next Enter is about.
    pub(super) fn aim(&self) -> Option<Aim> {
        let view = self.view.as_ref()?;
        Some(Aim {
            conversation: view.conversation.clone(),
            picked: view.picked().map(|message| message.id.clone()),
            reply: self.reply().cloned(),
            edit: self.open_edit().map(|edit| edit.message.id.clone()),
        })
    }

    /// The message that the open conversation's text replies to.
    pub(super) fn reply(&self) -> Option<&MessageId> {
        let view = self.view.as_ref()?;
        self.editors.get(&view.conversation)?.reply()
    }

    /// The text of the open conversation that is being changed.
    pub(super) fn open_edit(&self) -> Option<&Edit> {
        let view = self.view.as_ref()?;
        self.edit.as_ref().filter(|edit| edit.conversation == view.conversation)
    }

    /// Picks the message above or below.
    pub(super) fn pick(&mut self, up: bool) -> Vec<Action> {
        let Some(view) = &mut self.view else {
            return Vec::new();
        };
        let wanted = view.pick(up);
        self.load(wanted)
    }

    /// Loads more messages of the open conversation.
    pub(super) fn load(&self, wanted: Option<Wanted>) -> Vec<Action> {
        let Some((view, wanted)) = self.view.as_ref().zip(wanted) else {
            return Vec::new();
        };
        let conversation = view.conversation.clone();
        vec![match wanted {
            Wanted::Older(before) => Action::Page { conversation, before: Some(before), limit: super::PAGE },
            Wanted::Newer(message) => Action::Around { conversation, message, pick: false },
        }]
    }

    /// The picked message.
    pub(super) fn picked(&self) -> Result<Message, String> {
        let picked = self.view.as_ref().and_then(|view| view.picked());
        Ok(picked.ok_or(PICK)?.clone())
    }

    /// The next text replies to the picked message.
    pub(super) fn begin_reply(&mut self) -> Result<(), String> {
        let picked = self.picked()?;
        if self.open_edit().is_some() {
            return Err("A text is being changed: Esc leaves it.".into());
        }
        if picked.deleted_by.is_some() {
            return Err("It was deleted.".into());
        }
        let Some(view) = &mut self.view else {
            return Err(PICK.into());
        };
        view.picked = None;
        if let Some(editor) = self.editors.get_mut(&view.conversation) {
            editor.set_reply(Some(picked.id.clone()));
        }
        self.subject = Some(picked);
        Ok(())
    }

    /// Changes the text of the picked message.
    fn begin_edit(&mut self) -> Result<(), String> {
        let picked = self.picked()?;
        let text = picked.text.clone().filter(|_| picked.mine && picked.poll.is_none());
        let mut text = text.ok_or("Only a text of yours can be changed.")?;
        if text.starts_with('/') && !text.contains('\n') {
            text.insert(0, '/'); // one slash would make it a command
        }
        let Some(view) = &mut self.view else {
            return Err(PICK.into());
        };
        view.picked = None;
        let conversation = view.conversation.clone();
        self.edit = Some(Edit { conversation, message: picked, editor: Editor::with(&text, None) });
        Ok(())
    }

    /// A command about the picked message.
    pub(super) fn deed(&mut self, what: Deed) -> Result<Vec<Action>, String> {
        match what {
            Deed::Reply(text) if text.is_empty() => self.begin_reply().map(|()| Vec::new()),
            Deed::Edit(text) if text.is_empty() => self.begin_edit().map(|()| Vec::new()),
            what => Ok(vec![Action::Deed { message: self.picked()?.id, what }]),
        }
    }

    /// Forwards the picked message to people by their whole names.
    pub(super) fn forward(&mut self, names: &[String]) -> Result<Vec<Action>, String> {
        let message = self.picked()?.id;
        let (mut to, mut labels) = (Vec::new(), Vec::new());
        for name in names {
            if name.is_empty() {
                return Err("Say to whom: /forward NAME, NAME".into());
            }
            let (contact, label) = self.whom(name, false)?;
            to.extend(self.contact(&contact).map(|contact| contact.conversation.clone()));
            labels.push(label);
        }
        Ok(vec![Action::Forward { message, to, labels: labels.join(", ") }])
    }

    /// Shows a list of messages, numbered for /jump.
    pub(super) fn list_found(&mut self, title: String, found: Vec<Found>) {
        let mut lines = Vec::new();
        self.found.clear();
        for one in found {
            let contact = self.contacts.iter().find(|contact| contact.conversation == one.conversation);
            if let Some(label) = contact.map(|contact| self.people.label(contact)) {
                self.found.push((one.conversation.clone(), one.message.clone()));
                lines.push(format!("#{} {}", self.found.len(), one.line(&label)));
            }
        }
        if lines.is_empty() {
            return self.say("Nothing found.".into());
        }
        lines.push("/jump NUMBER shows one in its conversation.".into());
        if self.found.len() >= HITS as usize {
            lines.push("There may be more: add a word.".into());
        }
        self.panel = Some(Panel::new(title, lines.join("\n")));
    }

    /// Opens the conversation of a listed message, and picks the message.
    pub(super) fn jump(&mut self, number: usize) -> Result<Vec<Action>, String> {
        let found = number.checked_sub(1).and_then(|index| self.found.get(index)).cloned();
        let (conversation, message) = found.ok_or("Look at /search or /pins first: they number messages.")?;
        let contact = self.contacts.iter().find(|contact| contact.conversation == conversation);
        let contact = contact.map(|contact| contact.id.clone()).ok_or("That conversation is gone.")?;
        self.panel = None;
        let is_open = self.view.as_ref().is_some_and(|view| view.conversation == conversation);
        let mut actions = if is_open { Vec::new() } else { self.open(&contact) };
        actions.push(Action::Around { conversation, message, pick: true });
        Ok(actions)
    }

    /// Takes back one step: the pick and the place in history, then the change of a text, then the reply, then the
    /// notice.
    pub(super) fn step_back(&mut self) -> Vec<Action> {
        let open = self.view.as_ref().map(|view| view.conversation.clone());
        if let Some(view) = self.view.as_mut().filter(|view| view.picked.is_some() || !view.is_at_end()) {
            view.picked = None;
            return match view.follow() {
                true => self.newest(),
                false => Vec::new(),
            };
        }
        if self.open_edit().is_some() {
            self.edit = None;
            return Vec::new();
        }
        match open.and_then(|open| self.editors.get_mut(&open)).filter(|editor| editor.reply().is_some()) {
            Some(editor) => editor.set_reply(None),
            None => self.said = None,
        }
        Vec::new()
    }

    /// Loads the newest page of the open conversation.
    pub(super) fn newest(&self) -> Vec<Action> {
        let page = |conversation: ConversationId| Action::Page { conversation, before: None, limit: super::PAGE };
        self.view.as_ref().map(|view| page(view.conversation.clone())).into_iter().collect()
    }
}
