use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sotto_db::{Account, Message, Reader, Tables};
use sotto_messenger::disk::{Disk, Done, Order, Trouble};
use sotto_messenger::engine::bucket::Bucket;
use sotto_messenger::engine::input::{Effect, Input};
use sotto_messenger::engine::{Engine, EngineConfig};
use sotto_messenger::records::MessageState;
use sotto_messenger::{Error, Event, Mode};
use sotto_net::trust::Trust;
use sotto_net::{Command, NodeNumber, Published, Purpose};
use sotto_wire::topic::BucketTable;
use tempfile::TempDir;

use crate::{Seeded, contacts};

/// The database key of every simulated phone.
pub const KEY: [u8; 32] = [7; 32];

/// One install: a folder, a key, and, while it runs, an engine.
pub struct Phone {
    pub(crate) folder: PathBuf,
    /// The folder, deleted with the phone if it is temporary.
    _temporary: Option<TempDir>,
    pub(crate) engine: Option<Engine>,
    pub(crate) wake: Option<i64>,
    pub(crate) topics: Vec<String>,
    /// What its network makes of nodes,
    pub(crate) trust: Trust,
    /// and what is being published: for what, and rather not by whom.
    pub(crate) publishing: HashMap<u64, (Purpose, Vec<NodeNumber>)>,
    pub(crate) online: bool,
    /// Rises with every start: messages to an earlier run do not arrive.
    pub(crate) life: u32,
    /// Number of effects before it is killed.
    pub(crate) effects_left: Option<u64>,
    /// Number of effects so far.
    pub effects: u64,
    /// Number of store queries so far.
    pub queries: u64,
    /// Start and end of each query, Unix nanoseconds.
    pub asked: Vec<(i64, Option<i64>)>,
    /// Topics of its queries.
    pub asked_for: Vec<String>,
    /// Whether its disk has no room for files.
    pub disk_is_full: bool,
    /// Error of its clock, milliseconds.
    pub clock_off_ms: i64,
    /// Suites of its version, from the next start on.
    pub suites: u32,
    /// Light or relay mode, from the next start on.
    pub mode: Mode,
    /// Events since the test last took them.
    pub events: Vec<Event>,
    disk: Option<Disk>,
    seed: u64,
}

impl Phone {
    pub(crate) fn new(seed: u64) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().to_owned();
        Self { _temporary: Some(temporary), ..Self::over(seed, folder) }
    }

    /// A phone on a lasting folder.
    pub(crate) fn over(seed: u64, folder: PathBuf) -> Self {
        Self {
            folder,
            _temporary: None,
            engine: None,
            wake: None,
            topics: Vec::new(),
            trust: Trust::default(),
            publishing: HashMap::new(),
            online: true,
            life: 0,
            effects_left: None,
            effects: 0,
            queries: 0,
            asked: Vec::new(),
            asked_for: Vec::new(),
            disk_is_full: false,
            clock_off_ms: 0,
            suites: sotto_crypto::SUITES,
            mode: Mode::Light,
            events: Vec::new(),
            disk: None,
            seed,
        }
    }

    /// The folder of its database.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The topics it is subscribed to.
    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    /// The load of its bucket, while it runs.
    pub fn bucket(&self, now_ms: i64) -> Bucket {
        let now_ms = now_ms + self.clock_off_ms;
        self.engine.as_ref().unwrap().bucket(now_ms)
    }

    /// Whether it is running.
    pub fn is_up(&self) -> bool {
        self.engine.is_some()
    }

    /// Opens its database and starts an engine on it.
    pub(crate) fn start(&mut self, now_ms: i64) -> Result<Vec<Effect>, Error> {
        self.life += 1;
        self.disk = None;
        self.topics.clear();
        self.trust = Trust::default();
        self.publishing.clear();
        self.wake = None;
        let account = Account::open(&self.folder.join("account.db"), &KEY)?;
        let known = account.read(|tx| tx.contents.names())?;
        self.disk().sweep(&known.into_iter().collect()).unwrap();
        let config = EngineConfig {
            cluster: 66,
            buckets: BucketTable::new(&[(0, 4)]).unwrap(),
            store_retention_s: 30 * 86_400,
            single_circle: false,
            network: "test".into(),
            invite_nodes: Vec::new(),
            read_receipts: true,
            suites: self.suites,
            mode: self.mode,
        };
        let rng = Seeded::new(self.seed.wrapping_mul(31).wrapping_add(u64::from(self.life)));
        let (engine, effects) = Engine::open(account, config, Box::new(rng), now_ms + self.clock_off_ms)?;
        self.engine = Some(engine);
        Ok(effects)
    }

    /// Its network takes in a command to publish, and chooses the time if there is a choice.
    pub(crate) fn publishes(&mut self, command: &mut Command) {
        if let Command::Publish { id, timestamp_ns, other_ns, purpose, .. } = command {
            let (not, other) = self.trust.plan(*id, purpose);
            *timestamp_ns = other_ns.filter(|_| other).unwrap_or(*timestamp_ns);
            self.publishing.insert(*id, (purpose.clone(), not));
        }
    }

    /// Its network hears what became of it.
    pub(crate) fn published(&mut self, published: &mut Published, now_ms: i64) {
        if let Some((purpose, _)) = self.publishing.get(&published.id) {
            self.trust.published(published, purpose, now_ms + self.clock_off_ms);
        }
    }

    /// Its sealed files.
    pub fn disk(&mut self) -> &mut Disk {
        let seed = self.seed.wrapping_mul(37).wrapping_add(u64::from(self.life));
        self.disk.get_or_insert_with(|| Disk::new(self.folder.join("files"), Seeded::new(seed)))
    }

    pub(crate) fn carries_out(&mut self, order: Order) -> Done {
        match order {
            Order::Take { job, .. } | Order::Seal { job, .. } if self.disk_is_full => {
                Done::Failed { job, why: Trouble::NoSpace }
            }
            order => self.disk().run(order),
        }
    }

    pub(crate) fn input(&mut self, now_ms: i64, input: Input) -> Vec<Effect> {
        self.handle(now_ms, |engine, now_ms| engine.handle(now_ms, input))
    }

    pub(crate) fn handle(&mut self, now_ms: i64, act: impl FnOnce(&mut Engine, i64) -> Vec<Effect>) -> Vec<Effect> {
        let now_ms = now_ms + self.clock_off_ms;
        self.engine.as_mut().map_or_else(Vec::new, |engine| act(engine, now_ms))
    }

    /// Reads its database as the API would.
    pub fn read<T>(&self, read: impl FnOnce(&Reader) -> T) -> T {
        let path = self.folder.join("account.db");
        let reader = match &self.engine {
            Some(_) => Reader::open(&path, &KEY).unwrap(),
            None => Account::open(&path, &KEY).unwrap().reader().unwrap(),
        };
        read(&reader)
    }

    /// Opens the database of a stopped phone, to read or change it.
    pub fn tables<T>(&self, work: impl FnOnce(&mut Tables<'_>) -> T) -> T {
        assert!(!self.is_up(), "its engine has the database");
        let mut account = Account::open(&self.folder.join("account.db"), &KEY).unwrap();
        account.transaction(|mut tx| Ok::<_, sotto_db::Error>(work(&mut tx))).unwrap()
    }

    /// Fills its disk: limits the database to this many pages (4 KiB each).
    pub fn limit_pages(&mut self, pages: u32) {
        self.engine.as_mut().unwrap().limit_pages(pages).unwrap();
    }

    /// All shown messages of all conversations, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.read(|reader| {
            let mut all = Vec::new();
            for contact in contacts(reader).unwrap() {
                let page = reader.messages_page(&contact.conversation, None, 100_000).unwrap();
                let whole = |row: Message| reader.tables().messages.get(&row.id).unwrap().unwrap();
                all.extend(page.into_iter().rev().map(whole));
            }
            all
        })
    }

    /// All shown texts, oldest first.
    pub fn texts(&self) -> Vec<String> {
        let shown = |message: Message| message.text.unwrap_or_else(|| "…".to_owned());
        self.messages().into_iter().map(shown).collect()
    }

    /// States of own messages, oldest first.
    pub fn states(&self) -> Vec<MessageState> {
        let mine = self.messages().into_iter().filter(|message| message.is_own());
        mine.map(|message| MessageState::from(message.state)).collect()
    }
}
