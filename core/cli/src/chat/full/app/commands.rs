//! What commands do, and whom they are about.

use sotto_messenger::records::{Contact, ContactId, ContactState};

use super::{Action, App, Panel, Roster};
use crate::chat::command::{self, Command};
use crate::chat::lines;
use crate::chat::people::about;

pub(super) const HELP: &str = "\
A text goes to whom the input line names. Alt-Enter or Ctrl-J begins a new line; what is pasted is one message.
A text that begins with // is sent with one slash. Names are completed by Tab.
  Ctrl-N, Ctrl-P      the next conversation of the list, or the one before; also Alt-Down, Alt-Up
  PageUp, PageDown    older and newer messages; by line with Shift-Up, Shift-Down; Esc: the newest
  Ctrl-O              a command while a text is half typed: that stays; Esc goes back to it
  Up, Down            what you typed before in this conversation
  Ctrl-W, Alt-D       delete a word; Ctrl-U, Ctrl-K: the line before or behind the cursor
  Ctrl-C              quit; what was not sent stays there as a draft
  /invite             a link for a friend, for one use within 7 days
  /invites            the open ones, with numbers; /close NUMBER closes one
  /add LINK [TEXT]    ask whoever made the link to become a contact
  /contacts           everybody, and how it stands with them
  /to NAME            open a conversation
  /accept [NAME]      accept a request; also /decline, /block, /unblock. By whole name; without: who is open
  /safety             the safety number; compare it, then /verify
  /seen               go on with a contact whose devices changed, without comparing; until then what
                      a new one writes is marked: somebody else may write it
  /file PATH          send the text of a file
  /retry              send the last failed message again
  /history            the newest messages
  /notices            what was said here, with times
  /name NAME          change your name
  /phrase             your recovery phrase
  /offline, /online   leave the network and come back
  /quit               close
Times are UTC. ✓ delivered, ✓✓ read. F1 or /help: this page. Esc closes it.";

/// Where nobody is open.
const NOBODY: &str = "Nobody is open: /to NAME, or Ctrl-N.";

impl App {
    pub(super) fn help(&mut self) {
        self.panel = Some(Panel::new("Help", HELP));
    }

    /// Makes the account.
    pub(super) fn register(&mut self) -> Vec<Action> {
        let text = self.lobby.text().trim().to_owned();
        match text.strip_prefix("/restore") {
            _ if text == "/quit" => vec![Action::Quit],
            Some(phrase) => vec![Action::Restore(phrase.trim().to_owned())],
            None => vec![Action::Register(text)],
        }
    }

    /// Does what one line says.
    pub(super) fn obey(&mut self, text: &str) -> Vec<Action> {
        let ordering = self.ordering;
        if text.trim_end() == "/notices" {
            self.typed_out();
            let notices: Vec<String> = self.notices.iter().rev().cloned().collect();
            self.panel = Some(Panel::new("Notices, newest first", notices.join("\n")));
            return Vec::new();
        }
        let done = match command::parse(text, command::name) {
            Ok(None) => return Vec::new(),
            Ok(Some(Command::Say(_))) if self.ordering => Err("Ctrl-O takes a command; Esc goes back.".into()),
            // It stays until it is on disk.
            Ok(Some(Command::Say(text))) => return self.send(&text).unwrap_or_else(|why| self.refuse(&why)),
            Ok(Some(command)) => {
                // Another editor is the open one afterwards, perhaps.
                self.typed_out();
                self.run(command)
            }
            Err(help) => Err(help.to_owned()),
        };
        done.unwrap_or_else(|why| {
            self.ordering = ordering;
            self.editor_mut().set(text.to_owned());
            self.refuse(&why)
        })
    }

    /// A command was read: what was half typed before it is there again.
    fn typed_out(&mut self) {
        self.editor_mut().done();
        self.ordering = false;
    }

    /// A text to the open conversation.
    pub(super) fn send(&self, text: &str) -> Result<Vec<Action>, String> {
        let view = self.view.as_ref().ok_or(NOBODY)?;
        Ok(vec![Action::Send { conversation: view.conversation.clone(), text: text.to_owned() }])
    }

    fn run(&mut self, command: Command<String>) -> Result<Vec<Action>, String> {
        let conversation = || self.view.as_ref().map(|view| view.conversation.clone()).ok_or(NOBODY);
        let action = match command {
            Command::Invite => Action::Invite,
            Command::Invites => Action::Invites,
            Command::Close(number) => Action::Close(
                number
                    .checked_sub(1)
                    .and_then(|index| self.invites.get(index).cloned())
                    .ok_or("Look at /invites first: it numbers them.")?,
            ),
            Command::Add(link, text) => Action::Add { link, text },
            Command::To(who) => {
                let (contact, _) = self.whom(&who, true)?;
                return Ok(self.open(&contact));
            }
            Command::Answer(action, who) => {
                // What cannot be taken back asks for the whole name.
                let (contact, label) = self.whom(&who, false)?;
                Action::Answer { contact, action, label }
            }
            Command::File(path) => Action::File { conversation: conversation()?, path },
            Command::Retry => Action::Retry(conversation()?),
            Command::Safety => {
                let (contact, label) = self.open_contact().ok_or(NOBODY)?;
                Action::Safety { contact, label }
            }
            Command::Verify => {
                let (contact, _) = self.open_contact().ok_or(NOBODY)?;
                let compared = self.compared.take().filter(|(of, _)| *of == contact);
                let (contact, devices) = compared.ok_or("Compare it first: /safety shows it.")?;
                Action::Verify { contact, devices }
            }
            Command::Seen => Action::Seen(self.open_contact().ok_or(NOBODY)?.0),
            Command::Name(name) => Action::Name(name),
            Command::Phrase => Action::Phrase,
            Command::Online(online) => Action::Online(online),
            Command::Quit => Action::Quit,
            Command::Help | Command::Contacts | Command::History | Command::Say(_) => {
                self.show(&command)?;
                return Ok(Vec::new());
            }
        };
        Ok(vec![action])
    }

    /// Commands that only show what is here.
    fn show(&mut self, command: &Command<String>) -> Result<(), String> {
        match command {
            Command::Help => self.help(),
            Command::History => self.view.as_mut().ok_or(NOBODY)?.follow(),
            _ => {
                let line = |contact: &Contact| {
                    let (emoji, label) = (contact.emoji_hash.concat(), self.people.label(contact));
                    let about = about(contact);
                    let about = if about.is_empty() && contact.state == ContactState::Accepted {
                        "contact".to_owned()
                    } else {
                        about
                    };
                    format!("{label} {emoji} {about}")
                };
                let all: Vec<String> = self.contacts.iter().map(line).collect();
                let text = if all.is_empty() { "Nobody yet: /invite, or /add LINK.".into() } else { all.join("\n") };
                self.panel = Some(Panel::new("Contacts", text));
            }
        }
        Ok(())
    }

    /// Whom a name means, now as well as when its typing began; without a name, who is open. `begun`: its beginning
    /// is enough.
    fn whom(&mut self, name: &str, begun: bool) -> Result<(ContactId, String), String> {
        if name.is_empty() {
            return self.open_contact().ok_or_else(|| "Nobody is open: say whom by name.".into());
        }
        let names = self.names();
        let now = named(&names, name, begun)?;
        let before = named(&self.roster, name, begun);
        if before.is_ok_and(|(id, _)| id == now.0) {
            return Ok(now);
        }
        self.roster = names;
        Err(format!("Since you began to type, {} became so called. Look, then press Enter again.", now.1))
    }
}

/// The only one of that name; with `begun`, else the only one whose name begins so.
fn named(roster: &Roster, typed: &str, begun: bool) -> Result<(ContactId, String), String> {
    let typed = lines::bare(typed);
    let found = |fits: &dyn Fn(&(ContactId, String, String)) -> bool| -> Vec<(ContactId, String)> {
        let entries = roster.iter().filter(|entry| !typed.is_empty() && fits(entry));
        entries.map(|(id, label, _)| (id.clone(), label.clone())).collect()
    };
    let mut all = found(&|entry| lines::bare(&entry.1) == typed);
    if all.is_empty() {
        all = found(&|entry| lines::bare(&entry.2) == typed);
    }
    if all.is_empty() && begun {
        all = found(&|entry| lines::bare(&entry.1).starts_with(&typed));
    }
    match all.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err("Nobody is called so: Tab completes names, /contacts shows everybody.".into()),
        several => {
            let labels: Vec<&str> = several.iter().take(4).map(|one| one.1.as_str()).collect();
            Err(format!("Several are called so; choose with Tab: {}", labels.join(", ")))
        }
    }
}
