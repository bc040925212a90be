//! Phones behave to the outside as before: the hash of all effects of forty lives, each in its own weather.
//!
//! A change that is visible outside freezes the hashes again, in its own commit that explains the change:
//! `SOTTO_TRACE=freeze cargo test -p sotto-testkit --test trace`. `SOTTO_TRACE=<life>` writes the effects of one life
//! into `target/trace-<life>`, to compare them with those of the previous commit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use sotto_messenger::Mode;
use sotto_messenger::engine::input::{Call, ContactAction};
use sotto_messenger::engine::{call, stored};
use sotto_messenger::records::{
    ContactId, ContactState, ConversationId, InviteId, MessageId, MessageState, SettingsPatch,
};
use sotto_testkit::{Conduct, Contact, Fleet, HOUR, MINUTE, SECOND, Seeded, Shown, Trace, Weather, World, contacts};

const LIVES: u64 = 40;
/// Events of a life.
const ACTS: u32 = 70;
const FROZEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/trace.txt");

const WEATHERS: [Weather; 4] = [
    Weather {
        push_lost: 0,
        push_doubled: 0,
        delay_ms: 0,
        publish_fails: 0,
        publish_lies: 0,
        publish_refused: 0,
        store_misses: 0,
        query_fails: 0,
        v2_nodes: 0,
    },
    Weather {
        push_lost: 30,
        push_doubled: 20,
        delay_ms: 15_000,
        publish_fails: 30,
        publish_lies: 10,
        publish_refused: 3,
        store_misses: 20,
        query_fails: 30,
        v2_nodes: 0,
    },
    Weather {
        push_lost: 10,
        push_doubled: 0,
        delay_ms: 20_000,
        publish_fails: 10,
        publish_lies: 20,
        publish_refused: 0,
        store_misses: 0,
        query_fails: 0,
        v2_nodes: 4,
    },
    Weather {
        push_lost: 60,
        push_doubled: 0,
        delay_ms: 0,
        publish_fails: 0,
        publish_lies: 0,
        publish_refused: 40,
        store_misses: 5,
        query_fails: 60,
        v2_nodes: 0,
    },
];

struct Lives {
    world: World,
    rng: Seeded,
    links: Vec<String>,
    invites: Vec<InviteId>,
}

impl Lives {
    fn below(&mut self, bound: u64) -> usize {
        self.rng.below(bound) as usize
    }

    fn call<C: Call<Answer: Shown>>(&mut self, who: usize, call: C) -> Option<C::Answer> {
        self.world.try_call(who, call)?.ok()
    }

    /// A contact of a phone, with its state and conversation.
    fn contact(&mut self, who: usize) -> Option<(ContactId, ContactState, ConversationId)> {
        let contacts = self.world.phones[who].read(|reader| contacts(reader).unwrap());
        let one = contacts.get(self.rng.below(contacts.len().max(1) as u64) as usize)?;
        let id = ContactId(sotto_crypto::account_id(&one.chat));
        let conversation = ConversationId::from_bytes(&one.conversation);
        Some((id, ContactState::from(one.state), conversation))
    }

    fn act(&mut self, life: u64, number: u32) {
        let who = self.below(3);
        if !self.world.phones[who].is_up() {
            return self.world.start(who);
        }
        let kind = self.below(40);
        match kind {
            0..=9 => self.say(who, format!("{life}/{number} by {who}")),
            10 => self.say(who, format!("{life}/{number} ").repeat(4000)),
            11..=13 => self.read(who),
            14..=16 => self.about(who),
            17 => self.links(who),
            18 => self.profile(who, number),
            19 => self.retry(who),
            _ => self.around(who, kind),
        }
    }

    fn say(&mut self, who: usize, text: String) {
        if let Some((.., conversation)) = self.contact(who) {
            self.call(who, call::Typing { conversation: conversation.clone() });
            self.call(who, call::Send { conversation, post: text.into() });
        }
    }

    fn read(&mut self, who: usize) {
        let messages = self.world.phones[who].messages();
        let theirs = messages.iter().rev().find(|message| !message.is_own());
        if let Some(last) = theirs {
            let conversation = ConversationId::from_bytes(&last.conversation);
            let message = MessageId::from_bytes(&last.id);
            self.call(who, call::MarkRead { conversation, message });
        }
    }

    /// Answers, manages or verifies a contact.
    fn about(&mut self, who: usize) {
        let Some((contact, state, conversation)) = self.contact(who) else {
            return;
        };
        let answer = |action| call::ContactAnswer { contact: contact.clone(), action };
        match (state, self.below(6)) {
            (ContactState::Incoming, 0..=4) => self.call(who, answer(ContactAction::Accept)),
            (ContactState::Incoming, _) => self.call(who, answer(ContactAction::Decline)),
            (ContactState::Blocked, _) => self.call(who, answer(ContactAction::Unblock)),
            (_, 0) => self.call(who, answer(ContactAction::Block)),
            (_, 1 | 2) => {
                let devices = self.world.phones[who].read(|reader| {
                    let all = contacts(reader).unwrap();
                    let is = |one: &&Contact| sotto_crypto::account_id(&one.chat) == contact.0;
                    stored::devices(reader, &all.iter().find(is).unwrap().chat).unwrap().1
                });
                self.call(who, call::ContactVerify { contact, devices: Some(devices) })
            }
            (_, 3) => self.call(who, call::ContactVerify { contact, devices: None }),
            _ => self.call(who, call::DraftSet { conversation, text: "not yet".into(), reply_to: None }),
        };
    }

    /// Makes, closes or uses an invite.
    fn links(&mut self, who: usize) {
        match self.below(3) {
            0 => {
                if let Some(invite) = self.call(who, call::InviteCreate {}) {
                    self.links.push(invite.link);
                    self.invites.push(invite.id);
                }
            }
            1 => {
                if let Some(invite) = self.invites.last().cloned() {
                    self.call(who, call::InviteClose { invite });
                }
            }
            _ => {
                let at = self.below(self.links.len().max(1) as u64);
                if let Some(link) = self.links.get(at).cloned() {
                    self.call(who, call::ContactAdd { link, text: Some("once more".into()) });
                }
            }
        }
    }

    fn profile(&mut self, who: usize, number: u32) {
        let typing = Some(self.rng.chance(70));
        let read_receipts = Some(self.rng.chance(80));
        self.call(
            who,
            call::SettingsSet { patch: SettingsPatch { typing, read_receipts, ..SettingsPatch::default() } },
        );
        self.call(who, call::ProfileSet { name: format!("name {number}") });
    }

    fn retry(&mut self, who: usize) {
        let messages = self.world.phones[who].messages();
        let failed = messages.iter().find(|one| one.is_own() && MessageState::from(one.state) == MessageState::Failed);
        if let Some(failed) = failed {
            self.call(who, call::Retry { message: MessageId::from_bytes(&failed.id) });
        }
    }

    /// Events around a phone.
    fn around(&mut self, who: usize, kind: usize) {
        let on = self.rng.chance(50);
        match kind {
            20..=23 => self.world.set_online(who, on),
            24 | 25 => self.world.kill(who),
            26 | 27 => drop(self.world.foreground(who, on)),
            28 => drop(self.world.network_changed(who, on)),
            29 => drop(self.world.power_changed(who, on)),
            30 => drop(self.world.sync(who)),
            31 => self.world.lose_nodes(who),
            32 => {
                let off = [-HOUR, 0, 0, 2 * HOUR, 40 * SECOND];
                self.world.phones[who].clock_off_ms = off[self.below(5)];
            }
            33 => {
                let payload = vec![1; 512 << self.below(3)];
                for topic in self.world.phones[who].topics().to_vec() {
                    self.world.inject(&topic, &payload);
                }
            }
            34 => {
                // A copy of an earlier message, much later.
                let home = self.world.phones[who].topics().first().cloned();
                let copy = self.world.published.iter().rev().find(|(topic, _)| Some(topic) == home.as_ref());
                if let Some((topic, payload)) = copy.cloned() {
                    self.world.inject(&topic, &payload);
                }
            }
            _ => {}
        }
    }

    /// All phones become contacts of each other.
    fn meet(&mut self) {
        for (who, name) in ["Alice", "Bob", "Carol"].into_iter().enumerate() {
            self.world.create(who, name);
        }
        self.world.run(MINUTE);
        for (asks, invites) in [(0, 1), (2, 0)] {
            let link = self.world.invite(invites);
            self.world.run(MINUTE);
            self.call(asks, call::ContactAdd { link, text: Some("it is me".into()) });
            self.world.run(20 * MINUTE);
            for who in 0..2 {
                if let Some((contact, ContactState::Incoming, _)) = self.contact(who) {
                    self.call(who, call::ContactAnswer { contact, action: ContactAction::Accept });
                }
            }
            self.world.run(MINUTE);
        }
    }

    /// Phone 3 restores the phrase of phone 1.
    fn restore(&mut self) {
        self.world.add_phone();
        let phrase = self.world.phones[1].read(|reader| stored::phrase(reader).unwrap());
        if let Some(phrase) = phrase {
            self.call(3, call::AccountRestore { phrase });
        }
        self.world.run(5 * MINUTE);
    }
}

fn live(number: u64, keep: bool) -> World {
    let mut world = World::new(1000 + number, 3);
    let mut trace = Trace::default();
    trace.lines = keep.then(Vec::new);
    world.trace = Some(trace);
    for (who, phone) in world.phones.iter_mut().enumerate() {
        phone.mode = [Mode::Light, Mode::Adaptive, Mode::Light][(number as usize + who) % 3];
    }
    for who in 0..3 {
        world.kill(who);
        world.start(who);
    }
    let rng = Seeded::new(number.wrapping_mul(7) + 11);
    let mut lives = Lives { world, rng, links: Vec::new(), invites: Vec::new() };
    if number.is_multiple_of(3) {
        lives.world.weather = WEATHERS[number as usize % 4]; // from the first request on
    }
    lives.meet();
    lives.world.weather = WEATHERS[number as usize % 4];
    match number % 10 {
        3 => lives.world.settle(Fleet::one_good(5, &mut lives.rng)),
        6 => {
            let circle = || vec![Conduct::Good, Conduct::Forges, Conduct::Good, Conduct::Full];
            lives.world.settle(Fleet::of([circle(), circle()]));
        }
        8 => lives.world.undated = true,
        _ => {}
    }
    for act in 0..ACTS {
        lives.act(number, act);
        if act == ACTS / 2 && number % 8 == 5 {
            lives.restore();
        }
        let pause = match lives.below(12) {
            0 => 3 * HOUR,
            1 | 2 => 20 * MINUTE,
            _ => (lives.below(40) as i64) * SECOND,
        };
        lives.world.run(pause);
    }
    for who in 0..lives.world.phones.len() {
        if !lives.world.phones[who].is_up() {
            lives.world.start(who);
        }
        lives.world.set_online(who, true);
        lives.world.phones[who].clock_off_ms = 0;
    }
    lives.world.run(3 * HOUR);
    lives.world.weather = Weather::default();
    lives.world.run(21 * HOUR);
    lives.world
}

/// The line of a life: its number, the number of effects, and their hash.
fn line(number: u64) -> String {
    let trace = live(number, false).trace.unwrap();
    let effects = trace.effects;
    format!("{number} {effects} {}", trace.hash())
}

#[test]
fn what_phones_do_to_the_outside_is_as_it_was() {
    let wanted = std::env::var("SOTTO_TRACE").unwrap_or_default();
    if let Ok(number) = wanted.parse() {
        let lines = live(number, true).trace.unwrap().lines.unwrap();
        let path = format!("{}/../../target/trace-{number}", env!("CARGO_MANIFEST_DIR"));
        return std::fs::write(path, lines.join("\n")).unwrap();
    }
    let next = AtomicUsize::new(0);
    let lines = Mutex::new(vec![String::new(); LIVES as usize]);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= LIVES as usize {
                        break;
                    }
                    let line = line(number as u64);
                    lines.lock().unwrap_or_else(PoisonError::into_inner)[number] = line;
                }
            });
        }
    });
    let lines = lines.into_inner().unwrap();
    let text = lines.iter().fold(String::new(), |mut text, line| {
        writeln!(text, "{line}").unwrap();
        text
    });
    if wanted == "freeze" {
        return std::fs::write(FROZEN, text).unwrap();
    }
    let frozen = std::fs::read_to_string(FROZEN).unwrap();
    let differs = |(is, was): &(&str, &str)| is != was;
    let different: Vec<_> = text.lines().zip(frozen.lines()).filter(differs).collect();
    assert_eq!(text.lines().count(), frozen.lines().count());
    assert!(different.is_empty(), "is, was: {different:#?}");
}
