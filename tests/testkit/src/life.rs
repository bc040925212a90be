//! A scripted life of two people that any crash may interrupt. The next process finds the point of the crash and
//! continues.
//!
//! Both phones live in one process, on a simulated network that a [`Record`] remembers. The record has everything that
//! was acknowledged. [`Life::resume`] requires that all of it still holds, and [`check()`] that all of it has arrived
//! at the end.

use std::path::{Path, PathBuf};

use rand_core::Rng as _;
use sotto_db::Reader;
use sotto_messenger::engine::input::{Call, ContactAction};
use sotto_messenger::engine::{call, stored};
use sotto_messenger::records::{ContactId, ContactState, ConversationId, MessageId, MessageState};
use sotto_messenger::{Error, Event, Kind};

use crate::phone::KEY;
use crate::record::{Record, Told};
use crate::{HOUR, SECOND, Seeded, Shown, Weather, World, contacts, messages};

mod check;
mod orphans;
mod script;

pub use check::check;
use check::holds;
pub use orphans::{ORPHANS, database, keeps, orphans};
use script::{AFTER, Act, BEFORE, text};

/// Both phones, running.
pub struct Life {
    world: World,
    /// Conversations as the app has them, one for each run of a phone.
    readers: Vec<Option<Reader>>,
    told: Told,
    /// Whether listeners were told of errors.
    unwell: bool,
    /// When waiting for deliveries began.
    began_ms: i64,
}

/// The folder of a phone, inside the folder of a life.
pub(crate) fn phone_folder(folder: &Path, who: usize) -> PathBuf {
    folder.join(who.to_string())
}

/// Makes an empty folder for a life.
pub fn make_folder(folder: &Path) {
    for who in 0..2 {
        std::fs::create_dir_all(phone_folder(folder, who)).unwrap();
    }
}

/// Two people who know each other and have talked.
pub fn befriended(folder: &Path) {
    let mut life = Life::resume(folder);
    life.befriend();
    life.play(BEFORE);
    life.settle();
}

/// Opens both phones and checks that all acknowledged actions hold.
pub fn opened(folder: &Path) {
    drop(Life::resume(folder));
}

/// The whole life, from the point of interruption to its end.
pub fn live(folder: &Path) {
    let mut life = Life::resume(folder);
    life.befriend();
    life.play(BEFORE);
    life.play(AFTER);
    let run = life.told.runs;
    for who in 0..2 {
        // Whatever happened before, the sessions work.
        life.act(&Act::Say(who, &format!("{who} in run {run}")));
    }
    life.settle();
}

/// A life that ends with every kind of row in use: waiting messages, chunks, cards and receipts, a missing message, a
/// text whose chunks are missing, skipped keys, envelopes for others. For fixtures of a schema.
pub fn cut_off(folder: &Path) {
    let mut life = Life::resume(folder);
    life.befriend();
    life.play(BEFORE);
    let nowhere = Weather { push_lost: 100, store_misses: 100, ..Weather::default() };
    life.world.weather = nowhere;
    life.act(&Act::Say(0, "lost"));
    life.pass(SECOND);
    life.world.weather = Weather::default();
    life.act(&Act::Say(0, "after"));
    life.pass(2 * SECOND);
    life.world.weather = Weather { store_misses: 100, ..Weather::default() };
    life.act(&Act::Say(0, "long"));
    life.pass(SECOND);
    life.world.weather = Weather::default();
    life.act(&Act::Say(0, "last"));
    life.pass(SECOND / 4);
    for who in 0..2 {
        life.act(&Act::Online(who, false));
    }
    life.pass(61 * SECOND); // a receipt tries to leave by itself
    life.act(&Act::Noise(1));
    life.act(&Act::Invite(1, 1));
    life.act(&Act::Name(1, "Bob"));
    for (who, said) in [(0, "offline"), (1, "here too"), (1, "and here")] {
        life.act(&Act::Say(who, said));
    }
    life.act(&Act::Say(1, "longer"));
    life.pass(20 * SECOND);
}

impl Life {
    /// Opens both phones and checks that all acknowledged actions hold.
    pub fn resume(folder: &Path) -> Self {
        let mut record = Record::open(folder);
        record.run();
        let told = record.read();
        let folders = (0..2).map(|who| phone_folder(folder, who)).collect();
        let mut world = World::over(told.runs, folders);
        world.now_ms = world.now_ms.max(told.now_ms);
        for one in &told.relayed {
            world.restore(one);
        }
        world.record = Some(record);
        let mut life = Self { world, readers: vec![None, None], told, unwell: false, began_ms: 0 };
        for who in 0..2 {
            life.insist(|life| life.open(who));
            life.insist(|life| {
                let name = stored::own(life.reader(who))?.map(|own| own.name);
                let contact = life.contact(who)?.map(|(_, state)| state);
                holds(&life.told, who, name, contact, &life.texts(who)?);
                Ok(())
            });
        }
        life.pass(SECOND);
        life
    }

    fn open(&mut self, who: usize) -> Result<(), Error> {
        if !self.world.phones[who].is_up() {
            self.world.try_start(who)?;
        }
        let path = self.world.phones[who].folder().join("account.db");
        self.readers[who] = Some(Reader::open(&path, &KEY)?);
        Ok(())
    }

    fn record(&mut self) -> &mut Record {
        self.world.record.as_mut().unwrap()
    }

    /// Lets time pass; records what listeners are told of broken storage.
    fn pass(&mut self, ms: i64) {
        let until = self.world.now_ms + ms;
        self.record().clock(until);
        self.world.run(ms);
        for who in 0..2 {
            for event in std::mem::take(&mut self.world.phones[who].events) {
                if let Event::Notice { code } = event
                    && code.as_str().starts_with("storage.")
                {
                    self.unwell = true;
                    self.record().error(&format!("notice {}", code.as_str()));
                }
            }
        }
    }

    /// Repeats an action until it works, as a person does when told that the disk is full.
    fn insist<T>(&mut self, work: impl Fn(&mut Self) -> Result<T, Error>) -> T {
        for attempt in 1..100 {
            match work(self) {
                Ok(done) => return done,
                Err(error) => {
                    assert_eq!(error.kind(), Kind::Storage, "{error}");
                    self.record().error(error.code().as_str());
                    self.pass(15 * SECOND);
                    if attempt % 40 == 0 {
                        self.start_again();
                    }
                }
            }
        }
        panic!("it never works again");
    }

    /// The person reopens an app that has reported errors for ten minutes.
    fn start_again(&mut self) {
        self.record().error("started again");
        for who in 0..2 {
            self.readers[who] = None;
            self.world.kill(who);
            self.insist(|life| life.open(who));
        }
        self.began_ms = self.world.now_ms;
    }

    fn reader(&self, who: usize) -> &Reader {
        self.readers[who].as_ref().unwrap()
    }

    /// Runs a call; records it as `what` before it leaves and after its answer.
    fn call<C: Call<Answer: Shown>>(&mut self, who: usize, what: &str, call: C) -> Result<C::Answer, Error> {
        self.record().tried(what);
        let answer = self.world.call(who, call)?;
        self.done(what);
        Ok(answer)
    }

    fn done(&mut self, what: &str) {
        self.record().done(what);
        self.told.done.insert(what.to_owned());
    }

    /// The texts that a phone shows, oldest first, and whether each was read.
    fn texts(&self, who: usize) -> Result<Vec<(String, bool)>, Error> {
        let reader = self.reader(who);
        let Some(contact) = contacts(reader)?.first().cloned() else {
            return Ok(Vec::new());
        };
        let page = messages(reader, &contact.conversation)?;
        let shown = page.into_iter().rev();
        Ok(shown.map(|message| (message.text.unwrap_or_default(), message.read)).collect())
    }

    fn contact(&self, who: usize) -> Result<Option<(ContactId, ContactState)>, Error> {
        let contacts = contacts(self.reader(who))?;
        Ok(contacts.first().map(|contact| {
            let id = ContactId(sotto_crypto::account_id(&contact.chat));
            (id, ContactState::from(contact.state))
        }))
    }

    /// Accounts, an invite of phone 1, a request of phone 0, its answer.
    fn befriend(&mut self) {
        for who in 0..2 {
            self.insist(|life| {
                if stored::own(life.reader(who))?.is_none() {
                    let name = format!("person {who}");
                    life.call(who, &format!("account {who}"), call::AccountCreate { name })?;
                }
                Ok(())
            });
        }
        if self.insist(|life| life.contact(0)).is_none() {
            let link = self.invite(1, 0);
            self.pass(5 * SECOND);
            self.insist(|life| {
                if life.contact(0)?.is_none() {
                    let link = link.clone();
                    let text = None;
                    life.call(0, "add", call::ContactAdd { link, text })?;
                }
                Ok(())
            });
        }
        for _ in 0..100 {
            match self.insist(|life| life.contact(1)) {
                Some((_, ContactState::Accepted)) => break,
                Some((contact, ContactState::Incoming)) => self.insist(|life| {
                    let action = ContactAction::Accept;
                    let contact = contact.clone();
                    life.call(1, "accept", call::ContactAnswer { contact, action })
                }),
                _ => self.pass(5 * SECOND),
            }
        }
        for _ in 0..100 {
            match self.insist(|life| life.contact(0)) {
                Some((_, ContactState::Accepted)) => return,
                _ => self.pass(5 * SECOND),
            }
        }
        panic!("the request never came through");
    }

    /// The link of the `n`th invite, which is made if needed.
    fn invite(&mut self, who: usize, n: usize) -> String {
        let prefix = format!("invite {who} {n} ");
        let made = self.told.done.iter().find_map(|what| {
            let link = what.strip_prefix(&prefix)?;
            Some(link.to_owned())
        });
        made.unwrap_or_else(|| {
            self.insist(|life| {
                let invite = life.world.call(who, call::InviteCreate {})?;
                life.done(&format!("{prefix}{}", invite.link));
                Ok(invite.link)
            })
        })
    }

    fn play(&mut self, acts: &[Act<'_>]) {
        for act in acts {
            self.act(act);
        }
    }

    fn act(&mut self, act: &Act<'_>) {
        match *act {
            Act::Say(who, said) => self.insist(|life| life.say(who, said)),
            Act::Read(who, said) => self.read(who, said),
            Act::Delete(who, said) => self.delete(who, said),
            Act::Invite(who, n) => drop(self.invite(who, n)),
            Act::Name(who, name) => self.insist(|life| {
                life.call(who, &format!("name {who} {name}"), call::ProfileSet { name: name.to_owned() })
            }),
            Act::Foreground(who, on) => self.insist(|life| life.world.foreground(who, on)),
            Act::Noise(who) => self.noise(who),
            Act::Restart(who) => self.restart(who),
            Act::Online(who, online) => self.world.set_online(who, online),
            Act::Pass(ms) => self.pass(ms),
        }
    }

    fn noise(&mut self, who: usize) {
        let mut rng = Seeded::new(self.world.now_ms as u64);
        let mut payload = [1; 512];
        for topic in self.world.phones[who].topics.clone() {
            rng.fill_bytes(&mut payload[1..]);
            self.world.inject(&topic, &payload);
        }
    }

    /// Closes and reopens a phone's app, even if the close fails.
    fn restart(&mut self, who: usize) {
        self.readers[who] = None;
        if let Err(error) = self.world.close(who) {
            self.record().error(error.code().as_str());
        }
        self.world.kill(who);
        self.insist(|life| life.open(who));
    }

    fn conversation(&self, who: usize) -> Result<ConversationId, Error> {
        let contacts = contacts(self.reader(who))?;
        Ok(ConversationId::from_bytes(&contacts[0].conversation))
    }

    /// Sends a text unless it is there: a person who was told of a failure looks before repeating.
    fn say(&mut self, who: usize, said: &str) -> Result<(), Error> {
        let text = text(said);
        if self.texts(who)?.iter().any(|(shown, _)| *shown == text) {
            return Ok(());
        }
        let conversation = self.conversation(who)?;
        self.call(who, &format!("say {who} {said}"), call::Send { conversation, post: text.into() })?;
        Ok(())
    }

    /// Reads up to the other side's text, once it has arrived.
    fn read(&mut self, who: usize, said: &str) {
        let text = text(said);
        for _ in 0..200 {
            let found = self.insist(|life| {
                let conversation = contacts(life.reader(who))?[0].conversation;
                let page = messages(life.reader(who), &conversation)?;
                let shown = page.into_iter().find(|one| one.text.as_ref() == Some(&text));
                let Some(message) = shown else {
                    return Ok(false);
                };
                let call = call::MarkRead {
                    conversation: ConversationId::from_bytes(&conversation),
                    message: MessageId::from_bytes(&message.id),
                };
                life.call(who, &format!("read {who} {said}"), call)?;
                Ok(true)
            });
            if found {
                return;
            }
            self.pass(15 * SECOND);
        }
        panic!("{said:?} never came");
    }

    /// Deletes what the other side said, once it came.
    fn delete(&mut self, who: usize, said: &str) {
        let what = format!("delete {who} {said}");
        for _ in 0..200 {
            let gone = self.insist(|life| {
                let conversation = contacts(life.reader(1 - who))?[0].conversation;
                let theirs = messages(life.reader(1 - who), &conversation)?;
                let id = theirs.iter().find(|one| one.text.as_deref() == Some(said)).unwrap().id;
                match life.reader(who).tables().messages.get(&id)? {
                    None => Ok(false),
                    Some(message) if message.state == sotto_db::MessageState::Deleted => Ok(true),
                    Some(_) => {
                        let message = MessageId::from_bytes(&id);
                        life.call(who, &what, call::DeleteForMe { message })?;
                        Ok(true)
                    }
                }
            });
            if gone {
                return self.done(&what);
            }
            self.pass(15 * SECOND);
        }
        panic!("{said:?} never came");
    }

    fn deleted(&self, who: usize, said: &str) -> bool {
        self.told.done.contains(&format!("delete {who} {said}"))
    }

    /// Waits until all texts are delivered and shown in one order on both sides.
    fn settle(&mut self) {
        self.began_ms = self.world.now_ms;
        for attempt in 1..240 {
            self.pass(15 * SECOND);
            if attempt % 40 == 0 && self.unwell {
                self.start_again();
            }
            let at_rest = self.insist(|life| {
                let mut delivered = true;
                for who in 0..2 {
                    let conversation = contacts(life.reader(who))?[0].conversation;
                    let page = messages(life.reader(who), &conversation)?;
                    delivered &= page
                        .iter()
                        .all(|one| !one.is_own() || MessageState::from(one.state) >= MessageState::Delivered);
                    delivered &= life.reader(who).counts()?.parcels == 0;
                }
                let gone =
                    |who: usize| script::deleted().filter(|(by, said)| *by == who && life.deleted(who, said)).count();
                Ok(delivered && life.texts(0)?.len() + gone(0) == life.texts(1)?.len() + gone(1))
            });
            if at_rest {
                let took = self.world.now_ms - self.began_ms;
                self.done(&format!("settled {took}"));
                return self.pass(7 * HOUR); // a new name takes up to six hours
            }
        }
    }
}
