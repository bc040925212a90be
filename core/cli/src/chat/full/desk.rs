//! Carries out the screen's actions at the messenger, and returns the results.

use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{
    ContactId, Conversation, ConversationId, DevicesId, Folder, InviteId, Message, MessageId, MessageState, NewPost,
};
use sotto_messenger::{Code, Error, Event, Messenger, Subscription};

use super::app::{Action, Input, Panel};
use super::view::PAGE;
use crate::args::PhoneArgs;
use crate::chat::deed::{self, Deed};
use crate::chat::files::{self, Saves};
use crate::chat::lines;
use crate::chat::posts::{flat, moment};
use crate::exit::Failure;
use crate::open;

/// Rows read with one call.
const ROWS: u32 = 500;

/// The messenger, and the flags to open it again.
pub(super) struct Desk<'a> {
    args: &'a PhoneArgs,
    pub(super) messenger: Messenger,
    pub(super) events: Subscription,
    saves: Saves,
}

impl<'a> Desk<'a> {
    pub(super) fn new(args: &'a PhoneArgs, messenger: Messenger) -> Self {
        Self { args, events: messenger.subscribe(), messenger, saves: Saves::default() }
    }

    /// The inputs at the start.
    pub(super) async fn begin(&mut self) -> Result<Vec<Input>, Failure> {
        if self.messenger.account()?.is_some() {
            self.messenger.set_foreground(true).await?;
        }
        Ok(vec![self.network(), self.people()?])
    }

    /// Carries out one action. An error of the messenger becomes a notice; only the end of the chat is a failure.
    pub(super) async fn perform(&mut self, action: Action) -> Result<Vec<Input>, Failure> {
        if let Action::Online(online) = action {
            return self.reopen(online).await;
        }
        Ok(self.done(action).await.unwrap_or_else(|error| vec![refused(&error)]))
    }

    async fn done(&mut self, action: Action) -> Result<Vec<Input>, Error> {
        let messenger = &self.messenger;
        let said = match action {
            Action::People => return Ok(vec![self.people()?]),
            Action::Network => return Ok(vec![self.network()]),
            Action::Page { conversation, before, limit } => match self.page(conversation, before, limit) {
                Err(error) if error.code() == Code::ConversationMissing => return Ok(Vec::new()), // removed meanwhile
                page => return Ok(vec![page?]),
            },
            Action::Around { conversation, message, pick } => match self.around(&conversation, message, pick) {
                // It was deleted meanwhile.
                Err(error) if error.code() == Code::MessageMissing && !pick => {
                    return Ok(vec![self.page(conversation, None, PAGE)?]);
                }
                page => return Ok(vec![page?]),
            },
            Action::Subject(id) => {
                let message = messenger.message(&id).ok().filter(|message| message.deleted_by.is_none());
                return Ok(vec![Input::Subject(id, message.map(Box::new))]);
            }
            Action::Send { conversation, text, reply } => {
                let post = NewPost { text, reply_to: reply, clears_draft: true, ..NewPost::default() };
                deed::send(messenger, &conversation, post).await?;
                return Ok(vec![Input::Sent(conversation)]);
            }
            Action::Edit { message, text } => {
                Deed::Edit(text).run(messenger, &mut self.saves, &message).await?;
                return Ok(vec![Input::Edited(message)]);
            }
            Action::Deed { message, what } => return self.deed(&message, &what).await,
            Action::Forward { message, to, labels } => {
                messenger.forward(&message, &to).await?;
                format!("Forwarded to {labels}, without its author.")
            }
            Action::Search(words) => {
                let found = deed::search(messenger, &words)?;
                return Ok(vec![Input::Found(format!("Found: {}", flat(&words)), found)]);
            }
            Action::Pins(conversation) => {
                return Ok(vec![Input::Found("Pinned".into(), deed::pins(messenger, &conversation)?)]);
            }
            Action::File { conversation, path } => return self.send_file(conversation, &path).await,
            Action::Attach { conversation, what } => {
                what.send(messenger, &conversation).await?;
                "The file is copied. Its message leaves when nodes have the file.".into()
            }
            Action::Files(conversation) => {
                return Ok(vec![Input::Found("Files".into(), deed::files(messenger, &conversation)?)]);
            }
            Action::Settle => {
                let said = self.saves.settle(messenger).await;
                return Ok(said.into_iter().map(|said| Input::Said(sentence(&said))).collect());
            }
            Action::Register(name) => {
                let phrase = messenger.account_create(&name).await?;
                messenger.set_foreground(true).await?;
                return Ok(vec![Input::Registered(Some(phrase))]);
            }
            Action::Restore(phrase) => {
                messenger.account_restore(&phrase).await?;
                messenger.set_foreground(true).await?;
                return Ok(vec![Input::Registered(None)]);
            }
            Action::Read { conversation, message } => {
                messenger.mark_read(&conversation, &message).await?;
                return Ok(Vec::new());
            }
            Action::Draft { conversation, text, reply } => {
                messenger.draft_set(&conversation, &text, reply.as_ref()).await?;
                return Ok(Vec::new());
            }
            Action::Invite => return self.invite().await,
            Action::Invites => return self.invites(),
            Action::Safety { contact, label } => return self.safety(contact, &label),
            Action::Phrase => {
                let phrase = messenger.phrase()?;
                let text = format!("Whoever has it has your account.\n\n{}\n", phrase.as_str());
                return Ok(vec![Input::Shown(Panel::new("Your recovery phrase", text))]);
            }
            Action::Close(invite) => self.close_invite(&invite).await?,
            Action::Add { link, text } => self.add(&link, text.as_deref()).await?,
            Action::Answer { contact, action, label } => self.answer(&contact, action, &label).await?,
            Action::Verify { contact, devices } => self.verify(&contact, &devices).await?,
            Action::Seen(contact) => self.seen(&contact).await?,
            Action::Retry(conversation) => self.retry(&conversation).await?,
            Action::Name(name) => self.name(&name).await?,
            Action::Avatar(path) => files::avatar(&self.messenger, path.as_deref()).await?,
            Action::Keep { conversation, contact, what } => {
                format!("This conversation: {}.", what.run(messenger, &conversation, Some(&contact)).await?)
            }
            Action::Remove { contact, label } => {
                messenger.contact_remove(&contact).await?;
                format!("{label} is removed, and is not told.")
            }
            Action::Online(_) | Action::Quit => return Ok(Vec::new()),
        };
        Ok(vec![Input::Said(said)])
    }

    fn network(&self) -> Input {
        Input::News(vec![Event::Connectivity(self.messenger.connectivity())])
    }

    fn people(&self) -> Result<Input, Error> {
        let mut conversations: Vec<Conversation> = Vec::new();
        for folder in [Folder::Requests, Folder::Inbox, Folder::Archived] {
            let mut before: Option<String> = None;
            loop {
                let page = self.messenger.conversations(folder, before.as_deref(), ROWS)?;
                before = page.last().map(|last| last.cursor.clone());
                let is_last = page.len() < ROWS as usize;
                for mut row in page {
                    if !row.draft.is_empty() {
                        row.draft = self.messenger.conversation(&row.id)?.draft; // a list cuts it
                    }
                    conversations.push(row);
                }
                if is_last {
                    break;
                }
            }
        }
        let contacts = self.messenger.contacts()?;
        Ok(Input::People { own: self.messenger.account()?, contacts, conversations })
    }

    /// `limit` messages, newest first, and whether older ones follow.
    fn page(&self, conversation: ConversationId, before: Option<String>, limit: u32) -> Result<Input, Error> {
        let older = before.is_some();
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut messages: Vec<Message> = Vec::new();
        let mut cursor = before;
        while messages.len() <= wanted {
            let page = self.messenger.messages(&conversation, cursor.as_deref(), limit.saturating_add(1).min(ROWS))?;
            let Some(last) = page.last() else {
                break;
            };
            cursor = Some(last.cursor.clone());
            messages.extend(page);
        }
        let more = messages.len() > wanted;
        messages.truncate(wanted);
        crate::chat::whole(&self.messenger, &mut messages)?;
        Ok(Input::Page { conversation, older, messages, more })
    }

    /// The page around a message, and whether older and newer ones follow.
    fn around(&self, conversation: &ConversationId, message: MessageId, pick: bool) -> Result<Input, Error> {
        let mut messages = self.messenger.messages_around(&message, PAGE)?;
        let newest = self.messenger.messages(conversation, None, 1)?;
        let newer = newest.first().map(|one| &one.id) != messages.first().map(|one| &one.id);
        let more = messages.len() >= PAGE as usize;
        crate::chat::whole(&self.messenger, &mut messages)?;
        Ok(Input::Around { conversation: conversation.clone(), message, pick, messages, more, newer })
    }

    async fn deed(&mut self, message: &MessageId, what: &Deed) -> Result<Vec<Input>, Error> {
        let said = what.run(&self.messenger, &mut self.saves, message).await?;
        Ok(vec![match what {
            Deed::History => Input::Shown(Panel::new("Versions, the first one first", said)),
            Deed::Save { .. } => Input::Said(sentence(&said)),
            _ => Input::Said(format!("The message: {said}.")),
        }])
    }

    async fn send_file(&self, conversation: ConversationId, path: &str) -> Result<Vec<Input>, Error> {
        let said = match crate::chat::text_of(path) {
            Ok(text) => {
                self.messenger.send(&conversation, &text).await?;
                format!("The text of the file was sent: {} B.", text.len())
            }
            Err(why) => format!("! Not sent: {why}"),
        };
        Ok(vec![Input::Said(said)])
    }

    async fn invite(&self) -> Result<Vec<Input>, Error> {
        let invite = self.messenger.invite().await?;
        let text = format!(
            "Give this link to one friend; it is good for one use within 7 days:\n\n{}\n\nEnter goes back.",
            invite.link
        );
        let said = "The invite is open; /invites shows it again.".to_owned();
        Ok(vec![Input::Outside(text), Input::Said(said)])
    }

    fn invites(&self) -> Result<Vec<Input>, Error> {
        let invites = self.messenger.invites()?;
        if invites.is_empty() {
            return Ok(vec![Input::Invites(Vec::new()), Input::Said("No invite is open.".into())]);
        }
        let mut text = String::from("Open invites:\n");
        for (number, invite) in (1..).zip(&invites) {
            let until = format!("{} UTC", moment(invite.expires_ms));
            text.push_str(&format!("\n{number}, until {until}:\n{}\n", invite.link));
        }
        text.push_str("\n/close NUMBER closes one. Enter goes back.");
        let ids = invites.into_iter().map(|invite| invite.id).collect();
        Ok(vec![Input::Invites(ids), Input::Outside(text)])
    }

    async fn close_invite(&self, invite: &InviteId) -> Result<String, Error> {
        self.messenger.invite_close(invite).await?;
        Ok("Closed: nobody can use this invite any more.".into())
    }

    async fn add(&self, link: &str, text: Option<&str>) -> Result<String, Error> {
        let them = self.messenger.invite_preview(link)?;
        self.messenger.contact_add(link, text).await?;
        Ok(format!("{} {} will be asked.", lines::name(&them.name), them.emoji_hash.concat()))
    }

    async fn answer(&self, contact: &ContactId, action: ContactAction, label: &str) -> Result<String, Error> {
        self.messenger.contact_answer(contact, action).await?;
        Ok(match action {
            ContactAction::Accept => format!("{label} is a contact now."),
            ContactAction::Decline => format!("{label} is declined, and is not told."),
            ContactAction::Block => format!("{label} is blocked, and is not told. /unblock {label} takes it back."),
            ContactAction::Unblock => format!("{label} is no longer blocked."),
        })
    }

    fn safety(&self, contact: ContactId, label: &str) -> Result<Vec<Input>, Error> {
        let number = self.messenger.safety_number(&contact)?;
        let all = self.messenger.contacts()?;
        let them = all.iter().find(|one| one.id == contact).ok_or(Code::ContactMissing)?;
        let stands = match (them.devices_changed, them.verified) {
            (true, _) => "Their devices changed since you looked last: somebody else may write as them.",
            (_, true) => "You compared it before, and their devices are the same.",
            _ => "You have not compared it yet.",
        };
        let groups: Vec<&str> = number.digits.split(' ').collect();
        let digits: Vec<String> = groups.chunks(4).map(|row| row.join(" ")).collect();
        let text = format!(
            "{}\n\n{stands}\nRead it to {label} in person or by phone. If both numbers are the same: /verify.",
            digits.join("\n")
        );
        let panel = Panel::new(format!("Safety number with {label}"), text);
        Ok(vec![Input::Shown(panel), Input::Compared(contact, number.devices)])
    }

    async fn verify(&self, contact: &ContactId, devices: &DevicesId) -> Result<String, Error> {
        self.messenger.contact_verify(contact, Some(devices)).await?;
        Ok("Verified: the devices that you compared are theirs.".into())
    }

    async fn seen(&self, contact: &ContactId) -> Result<String, Error> {
        let devices = self.messenger.safety_number(contact)?.devices;
        self.messenger.devices_seen(contact, &devices).await?;
        Ok("Their devices are accepted; nothing was compared.".into())
    }

    async fn retry(&self, conversation: &ConversationId) -> Result<String, Error> {
        let page = self.messenger.messages(conversation, None, PAGE)?;
        let Some(failed) = page.iter().find(|one| one.state == MessageState::Failed) else {
            return Ok("No message failed in this conversation lately.".into());
        };
        self.messenger.retry(&failed.id).await?;
        Ok("It is sent again.".into())
    }

    async fn name(&self, name: &str) -> Result<String, Error> {
        self.messenger.profile_set(name).await?;
        Ok(format!("You are {} now. Each contact is told within 1 to 6 hours.", lines::name(name)))
    }

    /// Opens the messenger again, with or without nodes: offline means a messenger without nodes.
    async fn reopen(&mut self, online: bool) -> Result<Vec<Input>, Failure> {
        self.messenger.close().await?;
        self.messenger = open::open(self.args, online)?;
        self.events = self.messenger.subscribe();
        self.messenger.set_foreground(true).await?;
        Ok(vec![Input::Online(online), self.network()])
    }
}

/// What became of a file.
fn sentence(said: &str) -> String {
    if said.starts_with('!') { said.to_owned() } else { format!("The file: {said}.") }
}

fn refused(error: &Error) -> Input {
    Input::Said(format!("! {error}"))
}
