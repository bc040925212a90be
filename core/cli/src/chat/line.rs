//! `sotto chat` line by line, for a pipe, a file or a simple terminal.
//!
//! Everything shown is read from the database after an event hints at a change. The screen remembers only the messages
//! that it has shown.

mod commands;
mod screen;

use std::io::{self, IsTerminal};

use sotto_messenger::records::{
    Contact, ContactId, ContactState, Conversation, ConversationId, DevicesId, File, FileId, MemberId, MessageId,
};
use sotto_messenger::{Code, Error, Event, Messenger, Subscription};
use tokio::sync::mpsc;

use crate::args::PhoneArgs;
use crate::chat::command::{self, Command};
use crate::chat::deed;
use crate::chat::files::Saves;
use crate::chat::groups::{self, Partner};
use crate::chat::lines;
use crate::exit::{self, Failure};
use crate::input::{self, Line};
use crate::stop::Stop;
use crate::{logger, open};
use screen::Screen;

/// Longest line: a text behind a slash, bytes.
const LINE_CAP: usize = crate::chat::TEXT_CAP + 1;
/// Most bytes that a terminal takes as one line; it swallows the rest (Linux; macOS: 1,023).
const TERMINAL_CAP: usize = if cfg!(target_os = "macos") { 1023 } else { 4095 };
/// Most events taken at once.
const BATCH: usize = 256;

/// An open chat.
struct Chat<'a> {
    args: &'a PhoneArgs,
    messenger: Messenger,
    events: Subscription,
    /// The conversation that typed lines go to.
    current: Option<Partner>,
    /// The members that were shown last, in the open group.
    members: Vec<MemberId>,
    /// The contact and devices of the safety number that was shown last.
    compared: Option<(ContactId, DevicesId)>,
    /// The timer that the person knows of, seconds.
    timer: Option<u32>,
    saves: Saves,
    screen: Screen,
}

/// Whether the chat continues.
#[derive(PartialEq, Eq)]
enum Next {
    Go,
    Quit,
}

/// Runs until /quit, a signal or the end of input.
pub(crate) async fn run(args: &PhoneArgs) -> Result<(), Failure> {
    logger::start(args.log.unwrap_or(log::LevelFilter::Warn));
    let mut stop = Stop::catch().map_err(Failure::io)?;
    let messenger = open::open(args, true)?;
    let mut chat = Chat {
        args,
        events: messenger.subscribe(),
        messenger,
        current: None,
        members: Vec::new(),
        compared: None,
        timer: None,
        saves: Saves::default(),
        screen: Screen::default(),
    };
    let mut lines = input::lines(LINE_CAP).map_err(Failure::io)?;
    let result = tokio::select! {
        result = chat.talk(&mut lines) => result,
        () = stop.asked() => Ok(()),
    };
    let stranded = exit::stranded(&chat.messenger);
    chat.messenger.close().await?;
    result?;
    stranded
}

impl Chat<'_> {
    async fn talk(&mut self, lines: &mut mpsc::Receiver<Line>) -> Result<(), Failure> {
        if self.messenger.account()?.is_none() && self.register(lines).await? == Next::Quit {
            return Ok(());
        }
        self.messenger.set_foreground(true).await?;
        self.greet()?;
        loop {
            let happening = tokio::select! {
                line = lines.recv() => Happening::Line(line),
                batch = self.events.next_batch(BATCH) => Happening::Events(batch),
            };
            match happening {
                Happening::Line(None) | Happening::Events(None) => return Ok(()),
                Happening::Line(Some(Line::TooLong(_))) => {
                    self.screen.say("That is too long: a text has at most 1 MiB.")?
                }
                Happening::Line(Some(Line::Text(bytes)))
                    if bytes.len() >= TERMINAL_CAP && io::stdin().is_terminal() =>
                {
                    self.screen.say("The terminal may have cut this line, so it was not sent: see /file.")?;
                }
                Happening::Line(Some(Line::Text(bytes))) => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if self.line(&text).await? == Next::Quit {
                        return Ok(());
                    }
                }
                Happening::Events(Some(batch)) => self.events(&batch).await?,
            }
        }
    }

    /// Makes a new account by name, or restores one by phrase.
    async fn register(&mut self, lines: &mut mpsc::Receiver<Line>) -> Result<Next, Failure> {
        self.screen.say("There is no account here yet. What is your name?")?;
        self.screen.say("(Or /restore followed by the phrase of an account you have.)")?;
        loop {
            let text = match lines.recv().await {
                None => return Ok(Next::Quit),
                Some(Line::TooLong(_)) => continue,
                Some(Line::Text(bytes)) => String::from_utf8_lossy(&bytes).trim().to_owned(),
            };
            let made = if text == "/quit" {
                return Ok(Next::Quit);
            } else if text.is_empty() {
                continue;
            } else if let Some(phrase) = text.strip_prefix("/restore") {
                self.messenger.account_restore(phrase.trim()).await
            } else {
                match self.messenger.account_create(&text).await {
                    Ok(phrase) => {
                        self.screen.say("Your recovery phrase. Write it on paper; whoever has it has your account:")?;
                        self.screen.say(&format!("  {}", phrase.as_str()))?;
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            };
            match made {
                Ok(()) => return Ok(Next::Go),
                Err(error) => self.screen.refused(&error)?,
            }
        }
    }

    fn greet(&mut self) -> Result<(), Failure> {
        let account = self.messenger.account()?.ok_or(Code::AccountMissing)?;
        self.screen.say(&format!(
            "You are {} {}. /help shows what you can do.",
            lines::name(&account.name),
            account.emoji_hash.concat()
        ))?;
        let contacts = self.messenger.contacts()?;
        self.screen.contacts_changed(&self.own_name()?, &contacts)?;
        let talking = |contact: &&Contact| contact.state == ContactState::Accepted;
        let mut accepted = contacts.iter().filter(talking);
        if let (Some(only), None) = (accepted.next(), accepted.next()) {
            self.enter(Partner::Person(Box::new(only.clone())))?;
        }
        self.groups_changed()
    }

    fn own_name(&self) -> Result<String, Failure> {
        Ok(self.messenger.account()?.ok_or(Code::AccountMissing)?.name)
    }

    /// Changes the current conversation.
    fn enter(&mut self, partner: Partner) -> Result<(), Failure> {
        let name = self.screen.label(&partner);
        self.screen.say(&format!("— {name} —"))?;
        self.current = Some(partner);
        self.members.clear();
        self.timer = None;
        self.show_timer()?;
        self.history(commands::HISTORY)
    }

    /// Prints the newest messages of the current conversation.
    fn history(&mut self, limit: u32) -> Result<(), Failure> {
        let Some(partner) = &self.current else {
            return self.screen.say("Nobody is chosen: /contacts, then /to NUMBER.");
        };
        let mut page = self.messenger.messages(partner.conversation(), None, limit)?;
        crate::chat::whole(&self.messenger, &mut page)?;
        page.reverse();
        for message in &page {
            self.screen.message(partner, message, true)?;
        }
        Ok(())
    }

    async fn events(&mut self, batch: &[Event]) -> Result<(), Failure> {
        for event in batch {
            match event {
                Event::ContactsChanged => {
                    let contacts = self.messenger.contacts()?;
                    self.screen.contacts_changed(&self.own_name()?, &contacts)?;
                    self.choose(&contacts)?;
                }
                Event::MessagesChanged { conversation, ids } => self.show_new(conversation, ids).await?,
                Event::ConversationsChanged { .. } => {
                    self.groups_changed()?;
                    self.show_timer()?;
                }
                Event::MessageState { id, state, .. } => self.screen.state(id, *state)?,
                Event::File(transfer) => self.file(&transfer.file).await?,
                Event::Typing { conversation } => {
                    if let Some(partner) = self.partner_of(conversation)? {
                        let name = self.screen.label(&partner);
                        self.screen.say(&format!("  {name} is writing…"))?;
                    }
                }
                Event::Connectivity(now) => self.screen.connectivity(now)?,
                Event::Notice { code } => self.screen.notice(*code)?,
                Event::Lagged { .. } => {
                    for contact in self.messenger.contacts()? {
                        self.show_new(&contact.conversation, &[]).await?;
                    }
                    for group in groups::all(&self.messenger)? {
                        self.show_new(&group.id, &[]).await?;
                    }
                    self.groups_changed()?;
                    self.settle().await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes the first contact the current conversation; the current contact may have changed.
    fn choose(&mut self, contacts: &[Contact]) -> Result<(), Failure> {
        match &self.current {
            Some(Partner::Person(current)) => {
                let same = contacts.iter().find(|contact| contact.id == current.id);
                self.current = same.cloned().map(|same| Partner::Person(Box::new(same)));
                Ok(())
            }
            Some(Partner::Group(_)) => Ok(()),
            None => match contacts.iter().find(|contact| contact.state == ContactState::Accepted) {
                Some(contact) => self.enter(Partner::Person(Box::new(contact.clone()))),
                None => Ok(()),
            },
        }
    }

    /// Whom a conversation is with, unless it is gone.
    fn partner_of(&self, conversation: &ConversationId) -> Result<Option<Partner>, Failure> {
        let contacts = self.messenger.contacts()?;
        if let Some(contact) = contacts.into_iter().find(|contact| contact.conversation == *conversation) {
            return Ok(Some(Partner::Person(Box::new(contact))));
        }
        match self.messenger.conversation(conversation) {
            Ok(row) if row.group.is_some() => Ok(Some(self.group(row)?)),
            _ => Ok(None),
        }
    }

    fn group(&self, row: Conversation) -> Result<Partner, Error> {
        let room = groups::room(&self.messenger, row, |id| self.screen.named(id))?;
        Ok(Partner::Group(Box::new(room)))
    }

    /// Prints news of groups.
    fn groups_changed(&mut self) -> Result<(), Failure> {
        let (people, groups) = (self.messenger.contacts()?.len(), groups::all(&self.messenger)?);
        for (index, row) in groups.iter().enumerate() {
            self.screen.group_changed(Some(people + index + 1), row)?;
        }
        // Those that ended are in no list.
        for id in self.screen.groups().iter().filter(|id| !groups.iter().any(|row| row.id == **id)) {
            if let Ok(row) = self.messenger.conversation(id) {
                self.screen.group_changed(None, &row)?;
            }
        }
        match &self.current {
            Some(Partner::Group(room)) => {
                let id = room.row.id.clone();
                self.current = self.partner_of(&id)?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Says how far a file of the current conversation is, and saves what is here.
    async fn file(&mut self, id: &FileId) -> Result<(), Failure> {
        let here =
            |file: &File| self.current.as_ref().is_some_and(|current| *current.conversation() == file.conversation);
        // Its message may be gone meanwhile.
        if let Some(file) = self.messenger.file(id).ok().filter(here) {
            self.screen.file(&file)?;
        }
        self.settle().await
    }

    async fn settle(&mut self) -> Result<(), Failure> {
        for said in self.saves.settle(&self.messenger).await {
            self.screen.say(&format!("  {said}"))?;
        }
        Ok(())
    }

    /// Says the timer of the current conversation, unless the person knows it.
    fn show_timer(&mut self) -> Result<(), Failure> {
        let Some(partner) = &self.current else {
            return Ok(());
        };
        let now = self.messenger.conversation(partner.conversation()).map_or(0, |row| row.timer_s);
        match self.timer.replace(now).unwrap_or(0) {
            before if before == now => Ok(()),
            _ => self.screen.say(&format!("  {}", deed::timer(now))),
        }
    }

    /// Prints messages that were not shown yet, and those of `changed` that were; in the current conversation they
    /// count as read.
    async fn show_new(&mut self, conversation: &ConversationId, changed: &[MessageId]) -> Result<(), Failure> {
        let Some(partner) = self.partner_of(conversation)? else {
            return Ok(());
        };
        let here = self.current.as_ref().is_some_and(|current| current.conversation() == conversation);
        let mut page = self.messenger.messages(conversation, None, commands::HISTORY)?;
        crate::chat::whole(&self.messenger, &mut page)?;
        for id in changed.iter().filter(|id| self.screen.has_shown(id)) {
            if !page.iter().any(|one| one.id == *id)
                && let Ok(older) = self.messenger.message(id)
            {
                page.push(older);
            }
        }
        page.reverse();
        for message in &page {
            self.screen.message(&partner, message, false)?;
        }
        let last = page.iter().rev().find(|message| !message.mine);
        if let Some(last) = last.filter(|_| here)
            && let Err(error) = self.messenger.mark_read(conversation, &last.id).await
        {
            self.screen.refused(&error)?;
        }
        Ok(())
    }

    async fn line(&mut self, text: &str) -> Result<Next, Failure> {
        let command = match command::parse(text, command::number, command::numbered) {
            Ok(None) => return Ok(Next::Go),
            Ok(Some(command)) => command,
            Err(help) => {
                self.screen.say(help)?;
                return Ok(Next::Go);
            }
        };
        if command == Command::Quit {
            return Ok(Next::Quit);
        }
        match self.run(command).await {
            Ok(()) => {}
            Err(Stopped::Refused(error)) => self.screen.refused(&error)?,
            Err(Stopped::Failed(failure)) => return Err(failure),
        }
        Ok(Next::Go)
    }
}

enum Happening {
    Line(Option<Line>),
    Events(Option<Vec<Event>>),
}

/// Why a command failed.
enum Stopped {
    /// An error of the messenger: it is shown, and the chat continues.
    Refused(Error),
    /// The terminal is closed, or the messenger could not be opened again.
    Failed(Failure),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<Code> for Stopped {
    fn from(code: Code) -> Self {
        Self::Refused(code.into())
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
