//! Actions of commands, line by line.

use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{ContactId, Message, MessageState, NewPost};
use sotto_messenger::{Code, Error, Messenger};

use super::{Chat, Stopped};
use crate::chat::command::Command;
use crate::chat::deed::{self, Deed, Found};
use crate::chat::files;
use crate::chat::groups::{self, Partner, Rule};
use crate::chat::keep::Keep;
use crate::chat::lines;
use crate::open;

/// Messages that /jump shows.
const AROUND: u32 = 11;
/// Number of messages that /last and a change of conversation show.
pub(super) const HISTORY: u32 = 30;

pub(super) const HELP: &str = "\
A line is sent to the chosen contact. A line that begins with // is sent with one slash.
  /invite             a link for a friend, for one use within 7 days
  /invites            open invites, with numbers; /close NUMBER closes one
  /add LINK [TEXT]    send a contact request to the maker of a link
  /contacts           all people and groups, with numbers
  /to NUMBER          choose a conversation
  /accept NUMBER      accept a request, or an invitation to a group; also /decline, /block, /unblock
  /group NAME | 1, 2  make a group, and invite people to it by their numbers; /bring 3 invites more
  /members            the members of the open group, with numbers: /admin 2, /demote 2, /kick 2
  /leave              leave the open group
  /safety             the safety number; compare it, then /verify
  /seen               accept a contact's changed devices without comparing; until then texts of a new
                      device are marked: somebody else may have written them
  /file PATH          send the text of a file; a terminal takes at most 4,095 bytes a line
  /send PATH [TEXT]   send a file; a picture loses the place and time that it names, /original keeps them
  /files              the files of the conversation; their messages are numbered
  /last               the newest messages again, with numbers for these commands:
  /save NUMBER N PATH fetch the Nth file of a message, and save it at a path or under its own name
  /reply NUMBER TEXT, /react NUMBER EMOJI, /edit NUMBER TEXT, /pin NUMBER; /react and /pin again to undo
  /unsend NUMBER      delete a message of yours for everybody; /delete NUMBER: any, on this device only
  /vote NUMBER CHOICE vote in a poll, also for several; /vote NUMBER 0 takes the vote back
  /forward NUMBER WHO to people by their numbers: /forward 3 1, 2
  /history NUMBER     the versions of an edited text
  /poll WHAT? | A | B ask with choices; /multipoll: a vote may name several
  /timer SECONDS      new messages here disappear so long after reading; /timer 0 ends it
  /search WORDS       messages with these words, numbered; /jump NUMBER shows what stands around one
  /pins               the pinned messages, numbered
  /retry              send the last failed message again
  /mute [HOURS]       notify of nothing here, until /mute 0; also /archive and /top, each again to undo
  /nickname [NAME]    another name for the contact, on this device
  /clear              delete all messages of the open conversation on this device
  /remove NUMBER      end all there is with a contact, who is not told
  /name NAME          change your name
  /avatar [PATH]      set your picture for your contacts; without a path remove it
  /phrase             your recovery phrase
  /offline, /online   leave the network and come back
  /quit               close";

impl Chat<'_> {
    /// Runs a command.
    pub(super) async fn run(&mut self, command: Command<usize, usize>) -> Result<(), Stopped> {
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
                let partner = self.numbered(number)?;
                self.enter(partner)?;
                self.read().await?;
            }
            Command::Answer(action, number) => {
                self.answer(number, action).await?;
            }
            Command::File(path) => self.send_file(&path).await?,
            Command::Send(what) => {
                let conversation = self.chosen()?.conversation().clone();
                let id = what.send(&self.messenger, &conversation).await?;
                self.screen.sent(&self.messenger.message(&id)?);
            }
            Command::Files => {
                let files = deed::files(&self.messenger, self.chosen()?.conversation())?;
                self.found(&files)?;
            }
            Command::Safety => self.safety()?,
            Command::Verify => self.verify().await?,
            Command::Seen => {
                let contact = self.chosen()?.person()?.id.clone();
                let devices = self.messenger.safety_number(&contact)?.devices;
                self.messenger.devices_seen(&contact, &devices).await?;
                self.screen.say("  their devices are accepted; nothing was compared")?;
            }
            Command::Last => self.last()?,
            Command::Retry => self.retry().await?,
            Command::Keep(what) => {
                let partner = self.chosen()?.clone();
                let contact = partner.person().ok().map(|one| &one.id);
                let said = what.run(&self.messenger, partner.conversation(), contact).await?;
                if let Keep::Timer(seconds) = what {
                    self.timer = Some(seconds);
                }
                self.screen.say(&format!("  {said}"))?;
            }
            Command::Remove(number) => {
                let partner = self.numbered(number)?;
                self.messenger.contact_remove(&partner.person()?.id).await?;
                self.screen.say("  removed: they are not told")?;
            }
            Command::Deed(number, what) => self.deed(number, what).await?,
            Command::Forward(number, people) => self.forward(number, &people).await?,
            Command::Pins => {
                let pins = deed::pins(&self.messenger, self.chosen()?.conversation())?;
                self.found(&pins)?;
            }
            Command::Search(words) => {
                let found = deed::search(&self.messenger, &words)?;
                self.found(&found)?;
            }
            Command::Jump(number) => self.jump(number)?,
            Command::Group(name, people) => self.make(&name, &people).await?,
            Command::Bring(people) => {
                let people = self.people(&people)?;
                self.messenger.group_invite(self.chosen()?.conversation(), &people).await?;
                self.screen.say("  invited")?;
            }
            Command::Rule(rule) => self.rule(rule).await?,
            Command::Name(name) => self.messenger.profile_set(&name).await?,
            Command::Avatar(path) => {
                let said = files::avatar(&self.messenger, path.as_deref()).await?;
                self.screen.say(&said)?;
            }
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
        let contact = self.chosen()?.person()?.id.clone();
        let number = self.messenger.safety_number(&contact)?;
        self.screen.say(&number.digits)?;
        self.compared = Some((contact, number.devices));
        Ok(())
    }

    async fn verify(&mut self) -> Result<(), Stopped> {
        let contact = self.chosen()?.person()?.id.clone();
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
        let conversation = self.chosen()?.conversation().clone();
        let id = deed::send(&self.messenger, &conversation, text.into()).await?;
        self.screen.sent(&self.messenger.message(&id)?);
        Ok(())
    }

    /// Sends the text of a file, without newlines at its end.
    async fn send_file(&mut self, path: &str) -> Result<(), Stopped> {
        match crate::chat::text_of(path) {
            Ok(text) => self.send(&text).await,
            Err(why) => Ok(self.screen.say(&format!("  ! {why}"))?),
        }
    }

    /// Numbers the newest messages.
    fn last(&mut self) -> Result<(), Stopped> {
        let partner = self.chosen()?.clone();
        let page = self.messenger.messages(partner.conversation(), None, HISTORY)?;
        self.listed(&partner, page)
    }

    /// Prints a page with numbers, oldest first.
    fn listed(&mut self, partner: &Partner, mut page: Vec<Message>) -> Result<(), Stopped> {
        crate::chat::whole(&self.messenger, &mut page)?;
        page.reverse();
        for message in &page {
            self.screen.numbered(partner, message)?;
        }
        Ok(())
    }

    /// Prints a list of messages with numbers.
    fn found(&mut self, found: &[Found]) -> Result<(), Stopped> {
        if found.is_empty() {
            self.screen.say("  nothing found")?;
        }
        for one in found {
            if let Some(partner) = self.partner_of(&one.conversation)? {
                self.screen.found(&partner, one)?;
            }
        }
        Ok(())
    }

    /// Prints what stands around a message.
    fn jump(&mut self, number: usize) -> Result<(), Stopped> {
        let id = self.screen.id_of(number).ok_or(Code::MessageMissing)?;
        let page = self.messenger.messages_around(&id, AROUND)?;
        let conversation = page.first().map(|one| one.conversation.clone()).ok_or(Code::MessageMissing)?;
        let partner = self.partner_of(&conversation)?.ok_or(Code::ContactMissing)?;
        let name = self.screen.label(&partner);
        self.screen.say(&format!("— {name} —"))?;
        self.listed(&partner, page)
    }

    /// Does something to a message of the open conversation.
    async fn deed(&mut self, number: usize, what: Deed) -> Result<(), Stopped> {
        let Some(message) = self.message(number)? else {
            return Ok(());
        };
        let said = match what {
            Deed::Reply(text) | Deed::Edit(text) if text.is_empty() => "Write the text too: /reply NUMBER TEXT".into(),
            Deed::Reply(text) => {
                let post = NewPost { reply_to: Some(message.id), ..text.into() };
                let sent = deed::send(&self.messenger, &message.conversation, post).await?;
                self.screen.sent(&self.messenger.message(&sent)?);
                return Ok(());
            }
            what => what.run(&self.messenger, &mut self.saves, &message.id).await?,
        };
        Ok(self.screen.say(&format!("  {said}"))?)
    }

    async fn forward(&mut self, number: usize, people: &[usize]) -> Result<(), Stopped> {
        let Some(message) = self.message(number)? else {
            return Ok(());
        };
        let people = people.iter().map(|number| self.numbered(*number)).collect::<Result<Vec<_>, _>>()?;
        let to: Vec<_> = people.iter().map(|one| one.conversation().clone()).collect();
        self.messenger.forward(&message.id, &to).await?;
        Ok(self.screen.say("  forwarded, without its author")?)
    }

    /// The message that was listed with this number, if the open conversation has it: a number that was typed for
    /// another conversation does nothing here.
    fn message(&mut self, number: usize) -> Result<Option<Message>, Stopped> {
        let open = self.chosen()?.conversation().clone();
        let id = self.screen.id_of(number).ok_or(Code::MessageMissing)?;
        let message = self.messenger.message(&id)?;
        if message.conversation == open {
            return Ok(Some(message));
        }
        self.screen.say("That message stands in another conversation: /to NUMBER opens it.")?;
        Ok(None)
    }

    fn list(&mut self) -> Result<(), Stopped> {
        let contacts = self.messenger.contacts()?;
        for (index, contact) in contacts.iter().enumerate() {
            self.screen.listed(index + 1, contact)?;
        }
        for (index, row) in groups::all(&self.messenger)?.iter().enumerate() {
            self.screen.group_listed(contacts.len() + index + 1, row)?;
        }
        Ok(())
    }

    async fn retry(&mut self) -> Result<(), Stopped> {
        let conversation = self.chosen()?.conversation().clone();
        let page = self.messenger.messages(&conversation, None, HISTORY)?;
        let failed = page.iter().find(|one| one.state == MessageState::Failed);
        let failed = failed.ok_or(Error::from(Code::MessageMissing))?;
        self.messenger.retry(&failed.id).await?;
        Ok(())
    }

    /// Marks the whole current conversation as read.
    async fn read(&mut self) -> Result<(), Stopped> {
        let conversation = self.chosen()?.conversation().clone();
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

    /// Makes a group and opens it.
    async fn make(&mut self, name: &str, people: &[usize]) -> Result<(), Stopped> {
        let people = self.people(people)?;
        let group = self.messenger.group_create(name, &people).await?;
        let partner = self.partner_of(&group)?.ok_or(Code::ConversationMissing)?;
        Ok(self.enter(partner)?)
    }

    /// Answers a request or an invitation.
    async fn answer(&mut self, number: usize, action: ContactAction) -> Result<(), Stopped> {
        let accept = action == ContactAction::Accept;
        match self.numbered(number)? {
            Partner::Person(contact) => self.messenger.contact_answer(&contact.id, action).await?,
            Partner::Group(room) if accept || action == ContactAction::Decline => {
                self.messenger.group_answer(&room.row.id, accept).await?;
            }
            Partner::Group(_) => self.screen.say("A group is not blocked: /decline it, or /leave it.")?,
        }
        Ok(())
    }

    async fn rule(&mut self, rule: Rule) -> Result<(), Stopped> {
        let Partner::Group(room) = self.chosen()?.clone() else {
            return Ok(self.screen.say("This is no group: /group makes one, /contacts shows them.")?);
        };
        if rule == Rule::Members {
            let (lines, members) = groups::members(&self.messenger, &room)?;
            self.members = members;
            return Ok(self.screen.say(&lines)?);
        }
        let said = rule.run(&self.messenger, &room.row.id, &self.members).await?;
        Ok(self.screen.say(&format!("  {said}"))?)
    }

    fn people(&self, numbers: &[usize]) -> Result<Vec<ContactId>, Error> {
        numbers.iter().map(|number| Ok(self.numbered(*number)?.person()?.id.clone())).collect()
    }

    fn chosen(&self) -> Result<&Partner, Error> {
        self.current.as_ref().ok_or(Code::ContactMissing.into())
    }

    /// People come first, then groups.
    fn numbered(&self, number: usize) -> Result<Partner, Error> {
        let contacts = self.messenger.contacts()?;
        let index = number.checked_sub(1).ok_or(Code::ContactMissing)?;
        let people = contacts.len();
        match contacts.into_iter().nth(index) {
            Some(contact) => Ok(Partner::Person(Box::new(contact))),
            None => {
                let group = groups::all(&self.messenger)?.into_iter().nth(index.saturating_sub(people));
                self.group(group.ok_or(Code::ContactMissing)?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::HELP;
    use crate::chat::command::tests::example;
    use crate::chat::command::{WORDS, number, numbered, parse};

    #[test]
    fn help_names_every_command() {
        for word in WORDS.into_iter().filter(|word| *word != "help") {
            assert!(HELP.contains(&format!("/{word}")), "{word}");
        }
        for word in HELP.split_whitespace().filter_map(|word| word.strip_prefix('/')) {
            let word = word.trim_end_matches([',', ';', '.', ':']);
            assert!(word == "/" || parse(&example(word, "1"), number, numbered).is_ok(), "{word}");
        }
    }
}
