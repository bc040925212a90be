//! The whole state of the screen. Inputs go in, actions come out; this file does no IO and knows no clock.
//!
//! Typed text belongs to one conversation: each conversation has its own editor, and Enter sends the open editor's text
//! to the open conversation. A text may reply to a message or change one; a command may be about the picked message.
//! Together with the conversation that is the aim ([`Aim`]). Three rules keep a text from going anywhere else:
//! 1. Only a key changes the aim. After the first key no event opens a conversation, and none ever picks a message. A
//!    picked message that disappears is followed by none.
//! 2. Enter does nothing before the aim was drawn.
//! 3. A text begun before its aim was drawn is sent only after a warning and a second Enter.

mod commands;
mod keys;
mod news;
mod pick;

use std::collections::{HashMap, VecDeque};

use crossterm::event::KeyEvent;
use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{
    AccountInfo, Contact, ContactId, ContactState, Conversation, ConversationId, DevicesId, InviteId, Message,
    MessageId,
};
use sotto_messenger::{Event, Mode};
use zeroize::Zeroizing;

use super::editor::Editor;
use super::layout;
use super::status::Status;
use super::view::{PAGE, View};
use crate::chat::deed::{Deed, Found};
use crate::chat::files::Sending;
use crate::chat::keep::Keep;
use crate::chat::people::{People, about, clock};
use crate::chat::{lines, posts};

/// Most notices kept.
const NOTICES: usize = 100;

/// An input of the screen.
pub(super) enum Input {
    Key(KeyEvent),
    Paste(String),
    /// The terminal's new size, columns and rows.
    Size(u16, u16),
    /// Whether the terminal has the focus.
    Focus(bool),
    /// The state up to here was drawn.
    Drawn,
    News(Vec<Event>),
    /// All contacts and conversations, and the own account if there is one.
    People {
        own: Option<AccountInfo>,
        contacts: Vec<Contact>,
        conversations: Vec<Conversation>,
    },
    /// Messages, newest first: the newest ones or, with `older`, the page before the loaded ones.
    Page {
        conversation: ConversationId,
        older: bool,
        messages: Vec<Message>,
        more: bool,
    },
    /// A page around a message, newest first; `pick`: it was jumped to.
    Around {
        conversation: ConversationId,
        message: MessageId,
        pick: bool,
        messages: Vec<Message>,
        more: bool,
        newer: bool,
    },
    /// The message that the open text replies to, if it is still there.
    Subject(MessageId, Option<Box<Message>>),
    /// Messages that were searched, or are pinned.
    Found(String, Vec<Found>),
    /// The changed text is on disk and queued.
    Edited(MessageId),
    /// A text is on disk and queued.
    Sent(ConversationId),
    /// An answer of one sentence.
    Said(String),
    /// An answer of several lines.
    Shown(Panel),
    /// Text to show outside of the full screen, so that it can be copied as one line.
    Outside(String),
    /// The open invites that are shown, in this order.
    Invites(Vec<InviteId>),
    /// The shown safety number stands for these devices.
    Compared(ContactId, DevicesId),
    /// The account is ready; with its phrase if it is new.
    Registered(Option<Zeroizing<String>>),
    /// The network was connected or disconnected.
    Online(bool),
}

/// An action for the desk.
#[derive(PartialEq, Eq)]
pub(super) enum Action {
    People,
    /// Show the state of the network.
    Network,
    Page {
        conversation: ConversationId,
        before: Option<String>,
        limit: u32,
    },
    Around {
        conversation: ConversationId,
        message: MessageId,
        pick: bool,
    },
    Subject(MessageId),
    Register(String),
    Restore(String),
    Send {
        conversation: ConversationId,
        text: String,
        reply: Option<MessageId>,
    },
    Edit {
        message: MessageId,
        text: String,
    },
    Deed {
        message: MessageId,
        what: Deed,
    },
    Forward {
        message: MessageId,
        to: Vec<ConversationId>,
        labels: String,
    },
    Search(String),
    Pins(ConversationId),
    File {
        conversation: ConversationId,
        path: String,
    },
    Attach {
        conversation: ConversationId,
        what: Sending,
    },
    Files(ConversationId),
    /// Save the files that are here now.
    Settle,
    Retry(ConversationId),
    Read {
        conversation: ConversationId,
        message: MessageId,
    },
    Draft {
        conversation: ConversationId,
        text: String,
        reply: Option<MessageId>,
    },
    Answer {
        contact: ContactId,
        action: ContactAction,
        label: String,
    },
    Invite,
    Invites,
    Close(InviteId),
    Add {
        link: String,
        text: Option<String>,
    },
    Safety {
        contact: ContactId,
        label: String,
    },
    Verify {
        contact: ContactId,
        devices: DevicesId,
    },
    Seen(ContactId),
    Keep {
        conversation: ConversationId,
        contact: ContactId,
        what: Keep,
    },
    Remove {
        contact: ContactId,
        label: String,
    },
    Name(String),
    Avatar(Option<String>),
    Phrase,
    Online(bool),
    Quit,
}

/// Lines of the program, shown above the input until Esc.
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) text: String,
    /// Number of the first shown line.
    pub(super) scroll: usize,
}

impl Panel {
    pub(super) fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { title: title.into(), text: text.into(), scroll: 0 }
    }
}

/// A row of the conversation list.
pub(super) struct Row {
    pub(super) conversation: ConversationId,
    pub(super) contact: ContactId,
    pub(super) label: String,
    pub(super) state: ContactState,
    pub(super) unread: u32,
    /// The newest message, or the state of the contact.
    pub(super) preview: String,
}

/// What a conversation keeps on disk beside its messages.
struct Kept {
    draft: String,
    reply: Option<MessageId>,
    timer_s: u32,
}

/// All that decides where Enter sends a text, and which message a command is about.
#[derive(Clone, PartialEq, Eq)]
struct Aim {
    conversation: ConversationId,
    picked: Option<MessageId>,
    reply: Option<MessageId>,
    edit: Option<MessageId>,
}

/// An own message whose text is being changed.
struct Edit {
    conversation: ConversationId,
    message: Message,
    editor: Editor,
}

/// Names that can be typed: contact, label on screen, bare name.
pub(super) type Roster = Vec<(ContactId, String, String)>;

/// State of the screen.
pub(super) struct App {
    now_ms: i64,
    pub(super) size: (u16, u16),
    /// `None`: not read yet, or there is no account and the name is asked for.
    pub(super) own: Option<AccountInfo>,
    loaded: bool,
    people: People,
    contacts: Vec<Contact>,
    kept: HashMap<ConversationId, Kept>,
    /// Requests first, then conversations by activity, newest first.
    pub(super) rows: Vec<Row>,
    pub(super) view: Option<View>,
    editors: HashMap<ConversationId, Editor>,
    /// The editor while no conversation is open.
    lobby: Editor,
    edit: Option<Edit>,
    /// The message that the open text replies to, as it is now.
    subject: Option<Message>,
    /// The editor of a command typed over another text, and whether it is in use.
    orders: Editor,
    ordering: bool,
    pub(super) panel: Option<Panel>,
    pub(super) outside: Option<String>,
    /// The last notice, while it is shown.
    pub(super) said: Option<String>,
    notices: VecDeque<String>,
    pub(super) status: Status,
    focused: bool,
    /// Whether a key was pressed.
    touched: bool,
    /// The aim that was last drawn.
    on_screen: Option<Aim>,
    /// Names when typing began.
    roster: Roster,
    /// The text that Tab completes, and how often Tab was pressed.
    completion: Option<(String, usize)>,
    invites: Vec<InviteId>,
    /// The messages of the last list, in its order.
    found: Vec<(ConversationId, MessageId)>,
    compared: Option<(ContactId, DevicesId)>,
}

impl App {
    pub(super) fn new(mode: Mode, size: (u16, u16)) -> Self {
        Self {
            now_ms: 0,
            size,
            own: None,
            loaded: false,
            people: People::default(),
            contacts: Vec::new(),
            kept: HashMap::new(),
            rows: Vec::new(),
            view: None,
            editors: HashMap::new(),
            lobby: Editor::default(),
            edit: None,
            subject: None,
            orders: Editor::default(),
            ordering: false,
            panel: None,
            outside: None,
            said: None,
            notices: VecDeque::new(),
            status: Status::new(mode),
            focused: true,
            touched: false,
            on_screen: None,
            roster: Roster::new(),
            completion: None,
            invites: Vec::new(),
            found: Vec::new(),
            compared: None,
        }
    }

    /// Takes an input at `now_ms`, Unix milliseconds, and returns the actions.
    pub(super) fn handle(&mut self, now_ms: i64, input: Input) -> Vec<Action> {
        self.now_ms = now_ms;
        let actions = match input {
            Input::Key(key) => self.key(key),
            Input::Paste(text) => self.paste(&text),
            Input::Size(columns, rows) => {
                self.size = (columns, rows);
                Vec::new()
            }
            Input::Focus(focused) => {
                self.focused = focused;
                self.mark_read()
            }
            Input::Drawn => {
                self.on_screen = self.aim();
                self.mark_read()
            }
            Input::News(events) => self.news(&events),
            Input::People { own, contacts, conversations } => self.people(own, contacts, conversations),
            Input::Page { conversation, older, messages, more } => {
                if let Some(view) = self.view.as_mut().filter(|view| view.conversation == conversation) {
                    if older { view.prepend(messages, more) } else { view.replace(messages, more) }
                }
                Vec::new()
            }
            Input::Around { conversation, message, pick, messages, more, newer } => {
                if let Some(view) = self.view.as_mut().filter(|view| view.conversation == conversation) {
                    view.around(messages, more, newer);
                    if pick {
                        view.jump(&message);
                    }
                }
                Vec::new()
            }
            other => self.answered(other),
        };
        self.lay_out();
        actions
    }

    /// Takes the result of a command.
    fn answered(&mut self, input: Input) -> Vec<Action> {
        match input {
            Input::Sent(conversation) => {
                if let Some(editor) = self.editors.get_mut(&conversation) {
                    editor.sent();
                }
            }
            Input::Edited(message) => {
                self.edit = self.edit.take().filter(|edit| edit.message.id != message);
                self.say("The text is changed for both of you.".into());
            }
            Input::Subject(id, message) if self.reply() == Some(&id) => self.subject = message.map(|message| *message),
            Input::Found(title, found) => self.list_found(title, found),
            Input::Said(text) => self.say(text),
            Input::Shown(panel) => self.panel = Some(panel),
            Input::Outside(text) => self.outside = Some(text),
            Input::Invites(invites) => self.invites = invites,
            Input::Compared(contact, devices) => self.compared = Some((contact, devices)),
            Input::Registered(phrase) => {
                self.lobby.clear();
                if let Some(phrase) = phrase {
                    let text = format!("Write it on paper: whoever has it has your account.\n\n{}\n", phrase.as_str());
                    self.panel = Some(Panel::new("Your recovery phrase", text));
                }
                return vec![Action::People];
            }
            Input::Online(online) => {
                self.status.opened(online);
                self.say(if online { "Online again." } else { "Offline: what you write waits. /online" }.into());
                return vec![Action::People];
            }
            _ => {}
        }
        Vec::new()
    }

    /// The actions before the end: the open draft is saved.
    pub(super) fn end(&mut self) -> Vec<Action> {
        self.save_draft()
    }

    /// The editor that keys go to: of a command, of a text being changed, or of the open conversation.
    pub(super) fn editor(&self) -> &Editor {
        if self.ordering {
            return &self.orders;
        }
        if let Some(edit) = self.open_edit() {
            return &edit.editor;
        }
        let open = self.view.as_ref().and_then(|view| self.editors.get(&view.conversation));
        open.unwrap_or(&self.lobby)
    }

    fn editor_mut(&mut self) -> &mut Editor {
        if self.ordering {
            return &mut self.orders;
        }
        let open = self.view.as_ref().map(|view| &view.conversation);
        if let Some(edit) = self.edit.as_mut().filter(|edit| Some(&edit.conversation) == open) {
            return &mut edit.editor;
        }
        let open = self.view.as_ref().and_then(|view| self.editors.get_mut(&view.conversation));
        open.unwrap_or(&mut self.lobby)
    }

    /// Whether the screen asks for the name of a new account.
    pub(super) fn is_registering(&self) -> bool {
        self.loaded && self.own.is_none()
    }

    /// Whether the typed text is a command, which is sent to nobody.
    pub(super) fn is_command(&self) -> bool {
        let text = self.editor().text().trim_end();
        text.starts_with('/') && !text.starts_with("//") && !text.contains('\n')
    }

    /// The receiver of the input, for its title.
    pub(super) fn addressee(&self) -> String {
        if !self.loaded {
            return "opening…".into();
        }
        if self.is_registering() {
            return "Your name, or /restore and the phrase of an account you have".into();
        }
        let Some(view) = &self.view else {
            return if self.is_command() { "command" } else { "to nobody: /to NAME, or Ctrl-N" }.into();
        };
        if self.is_command() {
            return match view.picked() {
                Some(picked) => format!("command on {}", posts::quoted(picked, view.them())),
                None => format!("command ({} is open)", view.label()),
            };
        }
        if let Some(edit) = self.open_edit() {
            return format!("changes {}; Esc leaves it", posts::quoted(&edit.message, view.them()));
        }
        let to = match self.contact(&view.contact).map(|contact| contact.state) {
            Some(ContactState::Accepted) => format!("to {}", view.label()),
            Some(ContactState::Incoming) => format!("to {}, who asks you: /accept, /decline or /block", view.label()),
            Some(ContactState::Requested) => format!("to {}, who has not answered yet", view.label()),
            Some(ContactState::Blocked) => format!("to {}, who is blocked: /unblock", view.label()),
            _ => format!("to {}, who is not a contact", view.label()),
        };
        match (view.picked(), self.reply(), &self.subject) {
            (_, Some(_), Some(subject)) => format!("{to}, in reply to {}", posts::quoted(subject, view.them())),
            (_, Some(_), None) => format!("{to}, in reply to a message that is gone"),
            (Some(picked), None, _) => {
                format!("{to}; picked: {} (Enter replies, F1: more)", posts::quoted(picked, view.them()))
            }
            (None, None, _) => to,
        }
    }

    /// The title above the open conversation.
    pub(super) fn title(&self) -> String {
        let Some(view) = &self.view else {
            return String::new();
        };
        let mut title = view.label().to_owned();
        if let Some(contact) = self.contact(&view.contact) {
            let about = about(contact);
            if !about.is_empty() {
                title.push_str(&format!(" · {about}"));
            }
        }
        if let Some(kept) = self.kept.get(&view.conversation).filter(|kept| kept.timer_s > 0) {
            title.push_str(&format!(" · texts disappear after {}", posts::span(kept.timer_s)));
        }
        if let Some(ms) = view.writing_ms {
            title.push_str(&format!(" · writing at {}", clock(ms)));
        }
        if !view.is_at_end() {
            title.push_str(" · older messages, Esc for the newest");
        }
        title
    }

    fn contact(&self, id: &ContactId) -> Option<&Contact> {
        self.contacts.iter().find(|contact| contact.id == *id)
    }

    /// The open conversation's contact, with its label.
    fn open_contact(&self) -> Option<(ContactId, String)> {
        let view = self.view.as_ref()?;
        Some((view.contact.clone(), view.label().to_owned()))
    }

    /// Shows a notice, and keeps it for /notices.
    fn say(&mut self, text: String) {
        self.notices.push_back(format!("{} {}", clock(self.now_ms), lines::plain(&text)));
        if self.notices.len() > NOTICES {
            self.notices.pop_front();
        }
        self.said = self.notices.back().cloned();
    }

    /// Opens a conversation and restores its draft.
    fn open(&mut self, contact: &ContactId) -> Vec<Action> {
        let Some(contact) = self.contact(contact).cloned() else {
            return Vec::new();
        };
        let mut actions = self.save_draft();
        let id = contact.conversation.clone();
        let kept = self.kept.get(&id);
        let from_disk = || kept.map_or_else(Editor::default, |kept| Editor::with(&kept.draft, kept.reply.clone()));
        self.editors.entry(id.clone()).or_insert_with(from_disk);
        let label = self.people.label(&contact);
        self.view = Some(View::new(id.clone(), contact.id, label));
        self.on_screen = None;
        self.ordering = false;
        self.completion = None;
        self.roster = self.names();
        actions.push(Action::Page { conversation: id, before: None, limit: PAGE });
        self.subject = None;
        actions.extend(self.reply().cloned().map(Action::Subject));
        actions
    }

    /// Saves the open draft, if it changed.
    fn save_draft(&mut self) -> Vec<Action> {
        let Some(conversation) = self.view.as_ref().map(|view| view.conversation.clone()) else {
            return Vec::new();
        };
        let unsaved = self.editors.get_mut(&conversation).and_then(Editor::unsaved);
        unsaved.map(|(text, reply)| Action::Draft { conversation, text, reply }).into_iter().collect()
    }

    /// Marks messages as read when the newest line is on screen and the terminal has the focus.
    fn mark_read(&mut self) -> Vec<Action> {
        let seen = self.focused && self.outside.is_none();
        let drawn = self.on_screen.as_ref().map(|aim| &aim.conversation);
        let view = self.view.as_mut().filter(|view| seen && view.is_at_end());
        let Some(view) = view.filter(|view| drawn == Some(&view.conversation)) else {
            return Vec::new();
        };
        match view.unread() {
            Some(unread) if view.read.as_ref() != Some(&unread) => {
                let message = unread.0.clone();
                view.read = Some(unread);
                vec![Action::Read { conversation: view.conversation.clone(), message }]
            }
            _ => Vec::new(),
        }
    }

    /// The current names of all contacts.
    fn names(&self) -> Roster {
        let entry = |contact: &Contact| (contact.id.clone(), self.people.label(contact), lines::name(&contact.name));
        self.contacts.iter().map(entry).collect()
    }

    /// Gives the open conversation its place on screen.
    fn lay_out(&mut self) {
        let place = layout::areas(self).messages;
        if let Some(view) = &mut self.view {
            view.resize(place.width.into(), place.height.into());
        }
    }
}

#[cfg(test)]
pub(in crate::chat::full) mod tests;
