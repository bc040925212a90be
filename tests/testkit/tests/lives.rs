//! Two phones talk in foul weather, with everything that a conversation has, and are killed at random. In the end both
//! show the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use rand_core::Rng as _;
use sotto_messenger::engine::call;
use sotto_messenger::records::{FileState, Message, MessageId, NewPoll, NewPost};
use sotto_messenger::view;
use sotto_testkit::life::orphans;
use sotto_testkit::{DAY, MINUTE, Picked, SECOND, Seeded, Weather, World};

/// Posts of all kinds, and files among them, of each life.
const POSTS: u64 = 250;
const FILES: u64 = 25;
const LIVES: u64 = 8;

fn page(world: &World, who: usize) -> Vec<Message> {
    let conversation = world.conversation(who).to_bytes().unwrap();
    world.phones[who].read(|reader| {
        let rows = reader.messages_page(&conversation, None, 2000).unwrap();
        view::page(reader, rows).unwrap()
    })
}

/// What a person sees of a message, the same on both phones.
fn said(message: &Message) -> String {
    let reactions: Vec<String> = message.reactions.iter().map(|one| format!("{}{}", one.emoji, one.count)).collect();
    let votes: Vec<usize> = message.poll.iter().flat_map(|poll| &poll.choices).map(|one| one.voters.len()).collect();
    let files: Vec<_> = message.files.iter().map(|file| (&file.name, file.total)).collect();
    format!(
        "{} {:?} {reactions:?} {votes:?} {:?} {files:?} {} {} {}",
        message.id.0,
        message.text,
        message.reply.as_ref().map(|reply| &reply.message.0),
        message.edited,
        message.deleted_by.is_some(),
        message.pinned
    )
}

fn all_said(world: &World, who: usize) -> Vec<String> {
    // One that was deleted before it left has a place on its author's phone alone.
    page(world, who).iter().filter(|message| message.deleted_by.is_none()).map(said).collect()
}

struct Life {
    world: World,
    rng: Seeded,
    /// The bytes of each sent file, by its name.
    files: Vec<Vec<u8>>,
    posted: usize,
}

impl Life {
    /// One of the last messages of a phone.
    fn some(&mut self, who: usize) -> Option<MessageId> {
        let shown = page(&self.world, who);
        let near = shown.len().min(20);
        (near > 0).then(|| shown[self.rng.below(near as u64) as usize].id.clone())
    }

    fn post(&mut self, who: usize) {
        let reply_to = self.some(who).filter(|_| self.rng.chance(30));
        let conversation = self.world.conversation(who);
        let long = if self.rng.chance(5) { "and so on ".repeat(900) } else { String::new() };
        let post = NewPost { text: format!("text {} {long}", self.posted), reply_to, ..NewPost::default() };
        if self.world.try_call(who, call::Send { conversation, post }).is_some_and(|sent| sent.is_ok()) {
            self.posted += 1;
        }
    }

    fn file(&mut self, who: usize) {
        let len = 1 + self.rng.below(60_000) as usize;
        let mut bytes = vec![0; len];
        self.rng.fill_bytes(&mut bytes);
        let name = format!("{}.bin", self.files.len());
        self.files.push(bytes.clone());
        let preview = if self.rng.chance(30) { vec![7; 900] } else { Vec::new() };
        let picked = Picked { name, preview, ..Picked::of(bytes) };
        if self.world.try_send_files(who, "look", &[picked]).is_some() {
            self.posted += 1;
        }
    }

    fn poll(&mut self, who: usize) {
        let conversation = self.world.conversation(who);
        let choices = vec!["yes".to_owned(), "no".to_owned()];
        let poll = NewPoll { question: format!("poll {}?", self.posted), choices, multiple: false, end_ms: None };
        if self.world.try_call(who, call::PollCreate { conversation, poll }).is_some_and(|sent| sent.is_ok()) {
            self.posted += 1;
        }
    }

    /// Something is done about an earlier message. It may be too late for it, or somebody else's.
    fn effect(&mut self, who: usize) {
        let Some(message) = self.some(who) else {
            return;
        };
        let on = self.rng.chance(70);
        let world = &mut self.world;
        let _ = match self.rng.below(8) {
            0 | 1 => world.try_call(who, call::React { message, emoji: "👍".into(), on }),
            2 | 3 => world.try_call(who, call::Edit { message, text: format!("new {on}"), mentions: Vec::new() }),
            4 => world.try_call(who, call::Pin { message, on }),
            5 => world.try_call(who, call::Vote { message, choices: vec![u8::from(on)] }),
            6 if on => None,
            6 => world.try_call(who, call::DeleteForEveryone { message }),
            _ => {
                let conversation = world.conversation(who);
                world.try_call(who, call::MarkRead { conversation, message })
            }
        };
    }

    fn turn(&mut self, at: u64) {
        let who = self.rng.below(2) as usize;
        if !self.world.phones[who].is_up() {
            self.world.start(who);
        }
        if self.rng.chance(8) {
            let after = self.rng.below(6);
            self.world.kill_after(who, after);
        }
        match at {
            at if at.is_multiple_of(POSTS / FILES) => self.file(who),
            at if at.is_multiple_of(40) => self.poll(who),
            _ => self.post(who),
        }
        if self.world.phones[who].is_up() && self.rng.chance(40) {
            self.effect(who);
        }
        if self.rng.chance(10) {
            let online = self.rng.chance(60);
            self.world.set_online(who, online);
        }
        let pause = [SECOND, 5 * SECOND, MINUTE][self.rng.below(3) as usize];
        self.world.run(pause);
    }

    fn end(&mut self) {
        for who in [0, 1] {
            if !self.world.phones[who].is_up() {
                self.world.start(who);
            }
            self.world.set_online(who, true);
        }
        self.world.run(3 * DAY);
        for who in [0, 1] {
            for file in page(&self.world, who).into_iter().flat_map(|message| message.files) {
                self.world.fetch(who, &file.id);
            }
        }
        self.world.run(2 * DAY);
    }
}

fn live(seed: u64) {
    let world = World::befriended(seed);
    let mut life = Life { world, rng: Seeded::new(seed), files: Vec::new(), posted: 0 };
    life.world.weather = Weather {
        push_lost: 20,
        push_doubled: 10,
        delay_ms: 4000,
        publish_fails: 20,
        store_misses: 2,
        query_fails: 20,
        ..Weather::default()
    };
    (0..POSTS).for_each(|at| life.turn(at));
    life.end();
    let Life { mut world, files, posted, .. } = life;
    let (said, theirs) = (all_said(&world, 0), all_said(&world, 1));
    let unlike: Vec<_> = said.iter().filter(|one| !theirs.contains(one)).collect();
    let other: Vec<_> = theirs.iter().filter(|one| !said.contains(one)).collect();
    assert!(said == theirs, "{seed}: {unlike:#?} {other:#?}");
    let shown = page(&world, 0).len().max(page(&world, 1).len());
    assert!(shown >= posted, "{seed}: {shown} of {posted} messages");
    for who in [0, 1] {
        for file in page(&world, who).into_iter().flat_map(|message| message.files) {
            let n: usize = file.name.strip_suffix(".bin").unwrap().parse().unwrap();
            assert_eq!(file.state, FileState::Here, "{seed} {who} {}", file.name);
            assert!(world.content(who, &file.id).unwrap() == files[n], "{seed} {who} {}", file.name);
        }
        world.kill(who);
        assert_eq!(orphans(world.phones[who].folder()), [], "{seed} {who}");
    }
    assert!(world.most_ticks < 60, "{seed}: {}", world.most_ticks);
}

#[test]
fn two_phones_agree_on_everything_in_the_end() {
    (0..LIVES / 2).for_each(live);
}

#[test]
fn two_other_phones_agree_too() {
    (LIVES / 2..LIVES).for_each(live);
}
