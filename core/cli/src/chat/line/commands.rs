//! Actions of commands, line by line.

use sotto_messenger::records::{Contact, MessageState};
use sotto_messenger::{Code, Error, Messenger};

use super::{Chat, Stopped};
use crate::chat::command::Command;
use crate::chat::lines;
use crate::open;

/// Number of messages that /history and a change of conversation show.
pub(super) const HISTORY: u32 = 30;

pub(super) const HELP: &str = "\
A line is sent to the chosen contact. A line that begins with // is sent with one slash.
  /invite             a link for a friend, for one use within 7 days
  /invites            open invites, with numbers; /close NUMBER closes one
  /add LINK [TEXT]    send a contact request to the maker of a link
  /contacts           all people, with numbers
  /to NUMBER          choose a conversation
  /accept NUMBER      accept a request; also /decline, /block, /unblock
  /safety             the safety number; compare it, then /verify
  /seen               accept a contact's changed devices without comparing; until then texts of a new
                      device are marked: somebody else may have written them
  /file PATH          send the text of a file; a terminal takes at most 4,095 bytes a line
  /history            the newest messages again
  /retry              send the last failed message again
  /mute [HOURS]       notify of nothing here, until /mute 0; also /archive and /pin, each again to undo
  /nickname [NAME]    another name for the contact, on this device
  /delete             delete all messages of the open conversation on this device
  /remove NUMBER      end all there is with a contact, who is not told
  /name NAME          change your name
  /phrase             your recovery phrase
  /offline, /online   leave the network and come back
  /quit               close";

impl Chat<'_> {
    /// Runs a command.
    pub(super) async fn run(&mut self, command: Command<usize>) -> Result<(), Stopped> {
        match command {
            Command::Say(text) => self.send(&text).await?,
            Command::Help => self.screen.say(HELP)?,
            Command::Invite => {
                let invite = self.messenger.invite().await?;
                self.screen.say(&invite.link)?;
            }
            Command::Invites => self.invites()?,
            Command::Close(number) => {
                let index = number.checked_sub(1).ok_or(Code::InviteMissing)?;
                let invite = self.messenger.invites()?.into_iter().nth(index);
                let invite = invite.ok_or(Code::InviteMissing)?;
                self.messenger.invite_close(&invite.id).await?;
                self.screen.say("  closed: nobody can use this invite any more")?;
            }
            Command::Add(link, text) => {
                let them = self.messenger.invite_preview(&link)?;
                self.messenger.contact_add(&link, text.as_deref()).await?;
                let (name, emoji) = (lines::name(&them.name), them.emoji_hash.concat());
                self.screen.say(&format!("  {name} {emoji} will be asked."))?;
            }
            Command::Contacts => self.list()?,
            Command::To(number) => {
                let contact = self.numbered(number)?;
                self.enter(contact)?;
                self.read().await?;
            }
            Command::Answer(action, number) => {
                let contact = self.numbered(number)?;
                self.messenger.contact_answer(&contact.id, action).await?;
            }
            Command::File(path) => self.send_file(&path).await?,
            Command::Safety => self.safety()?,
            Command::Verify => self.verify().await?,
            Command::Seen => {
                let contact = self.chosen()?.id.clone();
                let devices = self.messenger.safety_number(&contact)?.devices;
                self.messenger.devices_seen(&contact, &devices).await?;
                self.screen.say("  their devices are accepted; nothing was compared")?;
            }
            Command::History => self.history(HISTORY)?,
            Command::Retry => self.retry().await?,
            Command::Keep(what) => {
                let (conversation, contact) = self.chosen().map(|one| (one.conversation.clone(), one.id.clone()))?;
                let said = what.run(&self.messenger, &conversation, &contact).await?;
                self.screen.say(&format!("  {said}"))?;
            }
            Command::Remove(number) => {
                let contact = self.numbered(number)?;
                self.messenger.contact_remove(&contact.id).await?;
                self.screen.say("  removed: they are not told")?;
            }
            Command::Name(name) => self.messenger.profile_set(&name).await?,
            Command::Phrase => {
                let phrase = self.messenger.phrase()?;
                self.screen.say(phrase.as_str())?;
            }
            Command::Online(online) => self.reopen(online).await?,
            Command::Quit => {}
        }
        Ok(())
    }

    fn invites(&mut self) -> Result<(), Stopped> {
        for (index, invite) in self.messenger.invites()?.iter().enumerate() {
            self.screen.say(&format!("  {} {}", index + 1, invite.link))?;
        }
        Ok(())
    }

    fn safety(&mut self) -> Result<(), Stopped> {
        let contact = self.chosen()?.id.clone();
        let number = self.messenger.safety_number(&contact)?;
        self.screen.say(&number.digits)?;
        self.compared = Some((contact, number.devices));
        Ok(())
    }

    async fn verify(&mut self) -> Result<(), Stopped> {
        let contact = self.chosen()?.id.clone();
        match self.compared.take().filter(|(of, _)| *of == contact) {
            Some((_, devices)) => {
                self.messenger.contact_verify(&contact, Some(&devices)).await?;
                self.screen.say("  verified")?;
            }
            None => self.screen.say("Compare it first: /safety shows it.")?,
        }
        Ok(())
    }

    async fn send(&mut self, text: &str) -> Result<(), Stopped> {
        let conversation = self.chosen()?.conversation.clone();
        let id = self.messenger.send(&conversation, text).await?;
        self.screen.sent(id, text);
        Ok(())
    }

    /// Sends the text of a file, without newlines at its end.
    async fn send_file(&mut self, path: &str) -> Result<(), Stopped> {
        match crate::chat::text_of(path) {
            Ok(text) => self.send(&text).await,
            Err(why) => Ok(self.screen.say(&format!("  ! {why}"))?),
        }
    }

    fn list(&mut self) -> Result<(), Stopped> {
        for (index, contact) in self.messenger.contacts()?.iter().enumerate() {
            self.screen.listed(index + 1, contact)?;
        }
        Ok(())
    }

    async fn retry(&mut self) -> Result<(), Stopped> {
        let conversation = self.chosen()?.conversation.clone();
        let page = self.messenger.messages(&conversation, None, HISTORY)?;
        let failed = page.iter().find(|one| one.state == MessageState::Failed);
        let failed = failed.ok_or(Error::from(Code::MessageMissing))?;
        self.messenger.retry(&failed.id).await?;
        Ok(())
    }

    /// Marks the whole current conversation as read.
    async fn read(&mut self) -> Result<(), Stopped> {
        let conversation = self.chosen()?.conversation.clone();
        let page = self.messenger.messages(&conversation, None, HISTORY)?;
        if let Some(last) = page.iter().find(|message| !message.mine) {
            self.messenger.mark_read(&conversation, &last.id).await?;
        }
        Ok(())
    }

    /// Opens the messenger again, with or without nodes: offline means a messenger without nodes.
    async fn reopen(&mut self, online: bool) -> Result<(), Stopped> {
        self.messenger.close().await?;
        let messenger: Messenger = open::open(self.args, online)?;
        self.events = messenger.subscribe();
        self.messenger = messenger;
        self.messenger.set_foreground(true).await?;
        self.screen.say(if online { "  online again" } else { "  offline: what you write waits" })?;
        Ok(())
    }

    fn chosen(&self) -> Result<&Contact, Error> {
        self.current.as_ref().ok_or(Code::ContactMissing.into())
    }

    fn numbered(&self, number: usize) -> Result<Contact, Error> {
        let contacts = self.messenger.contacts()?;
        let index = number.checked_sub(1).ok_or(Code::ContactMissing)?;
        contacts.into_iter().nth(index).ok_or(Code::ContactMissing.into())
    }
}

#[cfg(test)]
mod tests {
    use super::HELP;
    use crate::chat::command::{number, parse};

    #[test]
    fn help_names_every_command() {
        for word in HELP.split_whitespace().filter(|word| word.starts_with('/')) {
            let word = word.trim_end_matches([',', ';', '.']);
            if word == "//" {
                continue;
            }
            let line = match word {
                "/add" | "/name" | "/file" => format!("{word} x"),
                _ => format!("{word} 1"),
            };
            assert!(parse(&line, number).is_ok(), "{word}");
        }
    }
}
