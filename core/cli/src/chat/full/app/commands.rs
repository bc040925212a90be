//! Actions of commands, and the people they are about.

use sotto_messenger::records::{Contact, ContactId, ContactState};

use super::{Action, App, Panel, Roster};
use crate::chat::command::{self, Command};
use crate::chat::lines;
use crate::chat::people::about;

pub(super) const HELP: &str = "\
The input line names the receiver of a text. Alt-Enter or Ctrl-J begins a new line; pasted text is one message.
A text that begins with // is sent with one slash. Tab completes names.
  Ctrl-N, Ctrl-P      next or previous conversation of the list; also Alt-Down, Alt-Up
  PageUp, PageDown    older and newer messages; by line with Shift-Up, Shift-Down; Esc: the newest
  Ctrl-O              type a command; the half-typed text stays, and Esc returns to it
  Up, Down            earlier texts of this conversation
  Ctrl-Up, Ctrl-Down  pick a message; also Ctrl-R, Ctrl-T. Enter replies to it; Esc: no message, then no reply
  Ctrl-W, Alt-D       delete a word; Ctrl-U, Ctrl-K: the line before or behind the cursor
  Ctrl-C              quit; unsent text stays as a draft
  /invite             a link for a friend, for one use within 7 days
  /invites            open invites, with numbers; /close NUMBER closes one
  /add LINK [TEXT]    send a contact request to the maker of a link
  /contacts           all people and their state
  /to NAME            open a conversation
  /accept [NAME]      accept a request; also /decline, /block, /unblock. By whole name, or for the open one
  /safety             the safety number; compare it, then /verify
  /seen               accept a contact's changed devices without comparing; until then texts of a new
                      device are marked: somebody else may have written them
  /file PATH          send the text of a file
  /send PATH [TEXT]   send a file; a picture loses the place and time that it names, /original keeps them
  /retry              send the last failed message again
  /last               the newest messages
For the picked message:
  /reply [TEXT]       reply to it; also Enter
  /react EMOJI        set an emoji at it; again takes it back
  /edit [TEXT]        change a text of yours, for 24 hours
  /unsend             delete a message of yours for everybody; /delete: any, on this device only
  /pin                pin it for both of you; again unpins it
  /vote NUMBER        vote in a poll, also for several choices; /vote 0 takes the vote back
  /forward NAME, NAME send it to others, without its author
  /history            the versions of an edited text
  /save N [PATH]      fetch its Nth file, and save it at a path or under its own name
For the open conversation:
  /poll WHAT? | A | B ask with choices; /multipoll: a vote may name several
  /timer SECONDS      new messages disappear so long after reading; /timer 0 ends it
  /pins               the pinned messages, with numbers; /files: its files
  /search WORDS       messages of all conversations with these words, with numbers
  /jump NUMBER        show a message of such a list in its place, picked
  /notices            earlier notices, with times
  /mute [HOURS]       notify of nothing here, until /mute 0; also /archive and /top, each again to undo
  /nickname [NAME]    another name for the contact, on this device
  /clear              delete all messages of the open conversation on this device
  /remove [NAME]      end all there is with a contact, who is not told
  /name NAME          change your name
  /group, /members    groups are shown line by line: TERM=dumb sotto chat; also /bring, /admin, /demote, /kick, /leave
  /avatar [PATH]      set your picture for your contacts; without a path remove it
  /phrase             your recovery phrase
  /offline, /online   leave the network and come back
  /quit               close
Times are UTC. ✓ delivered, ✓✓ read. F1 or /help: this page. Esc closes it.";

/// Groups are shown line by line only.
const GROUPS: &str = "The full screen shows no groups: TERM=dumb sotto chat does.";

/// Title of the input while no conversation is open.
const NOBODY: &str = "Nobody is open: /to NAME, or Ctrl-N.";

impl App {
    pub(super) fn help(&mut self) {
        self.panel = Some(Panel::new("Help", HELP));
    }

    /// Makes or restores the account.
    pub(super) fn register(&mut self) -> Vec<Action> {
        let text = self.lobby.text().trim().to_owned();
        match text.strip_prefix("/restore") {
            _ if text == "/quit" => vec![Action::Quit],
            Some(phrase) => vec![Action::Restore(phrase.trim().to_owned())],
            None => vec![Action::Register(text)],
        }
    }

    /// Runs the typed command.
    pub(super) fn obey(&mut self, text: &str) -> Vec<Action> {
        let ordering = self.ordering;
        if text.trim_end() == "/notices" {
            self.typed_out();
            let notices: Vec<String> = self.notices.iter().rev().cloned().collect();
            self.panel = Some(Panel::new("Notices, newest first", notices.join("\n")));
            return Vec::new();
        }
        let done = match command::parse(text, command::name, command::picked) {
            Ok(None) => return Vec::new(),
            Ok(Some(Command::Say(_))) if self.ordering => Err("Ctrl-O takes a command; Esc goes back.".into()),
            // The text stays in the editor until it is on disk.
            Ok(Some(Command::Say(text))) => return self.send(&text).unwrap_or_else(|why| self.refuse(&why)),
            Ok(Some(command)) => {
                // Another editor may be the open one afterwards.
                self.typed_out();
                self.run(command)
            }
            Err(help) => Err(help.to_owned()),
        };
        match done {
            Ok(actions) => {
                // A command took the place of a text that was being changed.
                self.edit = self.edit.take().filter(|edit| ordering || !edit.editor.text().is_empty());
                actions
            }
            Err(why) => {
                self.ordering = ordering;
                self.editor_mut().set(text.to_owned());
                self.refuse(&why)
            }
        }
    }

    /// Ends a command; the text that was typed before it returns.
    fn typed_out(&mut self) {
        self.editor_mut().done();
        self.ordering = false;
    }

    /// Sends a text to the open conversation, as a reply if it is one; or the new text of a message.
    pub(super) fn send(&self, text: &str) -> Result<Vec<Action>, String> {
        let view = self.view.as_ref().ok_or(NOBODY)?;
        let text = text.to_owned();
        Ok(vec![match self.open_edit() {
            Some(edit) => Action::Edit { message: edit.message.id.clone(), text },
            None => Action::Send { conversation: view.conversation.clone(), text, reply: self.reply().cloned() },
        }])
    }

    fn run(&mut self, command: Command<String, ()>) -> Result<Vec<Action>, String> {
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
                // A command that cannot be undone asks for the whole name.
                let (contact, label) = self.whom(&who, false)?;
                Action::Answer { contact, action, label }
            }
            Command::File(path) => Action::File { conversation: conversation()?, path },
            Command::Send(what) => Action::Attach { conversation: conversation()?, what },
            Command::Files => Action::Files(conversation()?),
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
            Command::Avatar(path) => Action::Avatar(path),
            Command::Keep(what) => {
                let (contact, _) = self.open_contact().ok_or(NOBODY)?;
                Action::Keep { conversation: conversation()?, contact, what }
            }
            Command::Remove(who) => {
                let (contact, label) = self.whom(&who, false)?;
                Action::Remove { contact, label }
            }
            Command::Deed((), what) => return self.deed(what),
            Command::Forward((), names) => return self.forward(&names),
            Command::Pins => Action::Pins(conversation()?),
            Command::Search(words) => Action::Search(words),
            Command::Jump(number) => return self.jump(number),
            Command::Last => {
                self.view.as_mut().ok_or(NOBODY)?.follow();
                return Ok(self.newest());
            }
            Command::Phrase => Action::Phrase,
            Command::Online(online) => Action::Online(online),
            Command::Quit => Action::Quit,
            Command::Group(..) | Command::Bring(_) | Command::Rule(_) => return Err(GROUPS.into()),
            Command::Help | Command::Contacts | Command::Say(_) => {
                self.show(&command);
                return Ok(Vec::new());
            }
        };
        Ok(vec![action])
    }

    /// Commands that only show local data.
    fn show(&mut self, command: &Command<String, ()>) {
        match command {
            Command::Help => self.help(),
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
    }

    /// The person with this name, both now and when typing began; without a name the open conversation's. `begun`: the
    /// beginning of the name is enough.
    pub(super) fn whom(&mut self, name: &str, begun: bool) -> Result<(ContactId, String), String> {
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
        Err(format!("Since you began to type, {} has taken that name. Look, then press Enter again.", now.1))
    }
}

/// The only person with that name or, with `begun`, the only one whose name begins so.
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
        [] => Err("Nobody has that name: Tab completes names, /contacts shows everybody.".into()),
        several => {
            let labels: Vec<&str> = several.iter().take(4).map(|one| one.1.as_str()).collect();
            Err(format!("Several people have that name; choose with Tab: {}", labels.join(", ")))
        }
    }
}
