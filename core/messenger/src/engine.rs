//! The state machine, without await, lock or clock. [`Engine::handle`] takes network events and time, [`Engine::call`]
//! takes calls of the API, and the host has a method for each matter.
//!
//! Every input is one transaction of the account database; its effects leave after the commit. Kill the process before
//! or after any effect: on reopening, nothing acknowledged is lost, doubled, or sealed twice with one key. The engine
//! finds due work (resends, receipts, cards, queries) in the database by date. It names one next deadline
//! ([`Effect::WakeAt`]) and has no timer.

mod base;
pub mod call;
mod carry;
pub(crate) mod file;
mod files;
pub(crate) mod group;
pub mod groups;
mod hear;
pub mod input;
mod jobs;
mod keys;
mod live;
mod pages;
mod people;
mod post;
pub(crate) mod posts;
mod probe;
mod receive;
pub mod stored;
pub(crate) mod talk;
mod work;

pub use base::config::EngineConfig;
pub(crate) use base::own::KEY_ACCOUNT;
pub use file::keep::{Prepared, Told};
pub use hear::{book, bucket};

use std::collections::{BTreeSet, HashMap};
use std::mem::take;

use rand_core::Rng as _;
use sotto_db::{Account, Waiting};
use sotto_net::{Command, Evidence};
use sotto_wire::topic::{ContentTopic, Lane, content_topic};

use base::own::{self, Own};
use base::schedule;
use base::step::{Base, Fx, Rng};
use carry::{Carry, link};
use file::memory::Begun;
use file::{File, auto, body, up};
use group::{Group, memory::Memory};
use hear::bucket::{Bucket, Meter};
use hear::query::Query;
use hear::{Hear, incoming};
use input::{Answered, Call, Effect, Input, Ticket};
use keys::Keys;
use keys::found::Found;
use keys::index::Index;
use live::Live;
use people::{People, contact, old_copy, reset};
use post::{Post, parcel};
use talk::{Talk, kind};

use crate::config::Mode;
use crate::counter::OpenCounter;
use crate::error::{Code, Error, Kind, OrBug};
use crate::event::Event;
use crate::records::{ConversationId, MessageId};

/// One transaction, as the uppermost room.
pub(crate) type Step<'a> = People<'a>;
type Out = Vec<Effect>;
/// Effects that a step asks for after its commit.
type Said = (Fx, Vec<Begun>, (Vec<Query>, Vec<(usize, Found)>), Vec<Evidence>);

/// The engine over one account's database.
pub struct Engine {
    db: Account,
    config: EngineConfig,
    rng: Rng,
    own: Option<Own>,
    index: Index,
    groups: Memory,
    live: Live,
    /// The time of the running input, device's clock.
    now_ms: i64,
    /// The effects of the running input so far.
    out: Out,
}

impl Engine {
    /// Opens the engine over a database. What an earlier run left is due again. After an error nothing is changed.
    pub fn open(db: Account, config: EngineConfig, rng: Rng, now_ms: i64) -> Result<(Self, Vec<Effect>), Error> {
        let (own, index, groups) = db.read(|tx| {
            let own = Own::load(tx, config.read_receipts)?;
            Ok::<_, Error>((own, Index::load(tx)?, Memory::load(tx, now_ms)?))
        })?;
        let updated = own.as_ref().is_some_and(|own| own.record.suites != config.suites);
        let mut engine = Self { db, config, rng, own, index, groups, live: Live::default(), now_ms, out: Vec::new() };
        let gap = if engine.own.is_some() { old_copy::gap(engine.rng.next_u32()) } else { 0 };
        engine.run(|step| {
            link::leave_gaps(step, gap)?;
            if updated {
                own::publish_anew(step)?;
            }
            kind::known_now(step)?;
            parcel::opened(step)?;
            up::opened(step)?;
            body::opened(step)?;
            contact::opened(step)
        })?;
        let counted = engine.db.read(|tx| tx.kv.get(own::KEY_BUCKET))?;
        engine.live.hear.meter = Meter::load(&counted.unwrap_or_default());
        if engine.own.is_some() {
            engine.live.hear.held.begin();
        }
        engine.live.group_buckets = engine.group_buckets()?;
        engine.live.offline_ms = Some(now_ms.saturating_add(schedule::OFFLINE));
        engine.subscribe();
        engine.choose_mode();
        engine.set_wake();
        let out = take(&mut engine.out);
        Ok((engine, out))
    }

    /// Takes one input at `now_ms`, the device's clock, Unix milliseconds. Effects are carried out in order.
    pub fn handle(&mut self, now_ms: i64, input: Input) -> Vec<Effect> {
        self.act(now_ms, |engine| match input {
            Input::Net(event) => engine.net(event),
            Input::Disk(done) => engine.disk(done),
            // The deadline has passed, so the next one is named even if it is the same.
            Input::Tick => engine.live.wake = engine.live.wake.filter(|at| *at > now_ms),
        })
        .1
    }

    /// Runs a call of the API in one transaction.
    pub fn call<C: Call>(&mut self, now_ms: i64, call: C) -> Answered<C::Answer> {
        self.answer(now_ms, |engine| engine.run(|step| call.run(step)))
    }

    /// Says whether a conversation is on screen.
    pub fn foreground(&mut self, now_ms: i64, on: bool) -> Answered<()> {
        self.answer(now_ms, |engine| {
            engine.live.foreground = on;
            engine.live.hear.poll_ms = 0;
            if on {
                engine.live.hear.opened(now_ms);
                if engine.is_replaced() {
                    engine.notice(Code::DeviceReplaced); // the person may not have seen the first one
                }
            }
            engine.live.publish_anew();
            engine.order(Command::Foreground(on));
            if !on {
                engine.db.truncate()?; // keys in memory do not outlive the screen
            }
            Ok(())
        })
    }

    /// Says that the host's network changed: everything that waits for a retry is retried at once.
    pub fn network_changed(&mut self, now_ms: i64, network: sotto_net::Network) -> Answered<()> {
        self.answer(now_ms, |engine| {
            // Earlier failures mean nothing now.
            engine.live.post.tries.clear();
            engine.live.publish_anew();
            engine.live.hear.catch_up_tries = 0;
            engine.live.hear.ask_now();
            engine.live.unmetered = !network.metered;
            engine.live.roaming = network.roaming;
            if network.metered {
                engine.choose_mode(); // these queries went over the old network
            }
            engine.run(|step| {
                parcel::rewind(step, &[])?;
                up::anew(step)?;
                auto::look(step)?;
                step.fx.net.push(Command::NetworkChanged(network));
                Ok(())
            })?;
            engine.choose_mode();
            Ok(())
        })
    }

    /// Says whether the device is charging.
    pub fn power_changed(&mut self, now_ms: i64, charging: bool) -> Answered<()> {
        self.answer(now_ms, |engine| {
            engine.live.charging = charging;
            engine.choose_mode();
            Ok(())
        })
    }

    /// Catches up and sends the outbox, then [`Effect::Synced`] comes. The runtime enforces the time limit.
    pub fn sync(&mut self, now_ms: i64, ticket: Ticket) -> Vec<Effect> {
        self.act(now_ms, |engine| {
            engine.live.hear.ask_now(); // the last catch-up may be long ago: the process may have slept
            engine.live.publish_anew();
            engine.live.syncs.push((ticket, engine.live.received));
        })
        .1
    }

    /// Truncates the write-ahead log and stops the network. Later calls fail with `closed`.
    pub fn close(&mut self, now_ms: i64) -> Answered<()> {
        self.answer(now_ms, |engine| {
            engine.live.closing = true;
            engine.out.push(Effect::WakeAt(None));
            engine.order(Command::Close);
            Ok(engine.db.truncate()?)
        })
    }

    /// Moves the open counter. Without an account it does not move.
    pub(crate) fn count(&mut self, counter: &OpenCounter) -> Result<(), Error> {
        if self.own.is_none() {
            return Ok(());
        }
        let name = self.rng.next_u64();
        counter.moved(&mut self.db, name)
    }

    /// The load of the own bucket.
    pub fn bucket(&self, now_ms: i64) -> Bucket {
        self.live.hear.meter.numbers(now_ms, self.polls())
    }

    fn has_left(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.bucket_left)
    }

    /// Whether the own bucket is busy and polled. A relay receives it all the same.
    fn polls(&self) -> bool {
        self.has_left() && !self.live.relaying
    }

    /// For tests: limits the database to so many pages, so that it answers like a full disk.
    pub fn limit_pages(&mut self, pages: u32) -> Result<(), Error> {
        Ok(self.db.limit_pages(pages)?)
    }

    /// Runs something that a caller waits for, unless the engine is closed.
    fn answer<T>(&mut self, now_ms: i64, act: impl FnOnce(&mut Self) -> Result<T, Error>) -> Answered<T> {
        self.act(now_ms, |engine| if engine.live.closing { Err(Code::Closed.into()) } else { act(engine) })
    }

    /// Runs one thing, then all due work.
    fn act<T>(&mut self, now_ms: i64, act: impl FnOnce(&mut Self) -> T) -> (T, Out) {
        self.now_ms = now_ms;
        let was_skewed = self.live.clock.skewed();
        let value = act(self);
        if !self.live.closing {
            self.finish(was_skewed);
        }
        (value, take(&mut self.out))
    }

    fn finish(&mut self, was_skewed: bool) {
        self.work();
        if !was_skewed && self.live.clock.skewed() {
            self.notice(Code::ClockSkewed);
        }
        self.answer_syncs();
        self.set_wake();
    }

    fn notice(&mut self, code: Code) {
        self.out.push(Effect::Emit(Event::Notice { code }));
    }

    fn order(&mut self, command: Command) {
        self.out.push(Effect::Net(command));
    }

    /// Runs one transaction. Its effects are carried out if it commits; otherwise nothing happened.
    fn run<T>(&mut self, work: impl FnOnce(&mut Step<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let (mut work, mut value) = (Some(work), None);
        self.step(&mut |step| {
            value = work.take().map(|work| work(step)).transpose()?;
            Ok(())
        })?;
        value.or_bug("the value of a step")
    }

    /// One transaction. It is compiled once, and not for each of its callers.
    fn step(&mut self, work: &mut dyn FnMut(&mut Step<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let (now_ms, Self { db, config, rng, own, index, groups, live, .. }) = (self.now_ms, &mut *self);
        let done = db.transaction(|tables| {
            let base = Base {
                tx: tables.view(),
                kv: tables.kv,
                now_ms,
                clock_ms: live.clock.correct(now_ms),
                unproven: live.clock.skewed() && !live.clock.is_proven(),
                may_sign: live.clock.may_sign(),
                rng,
                own: own.as_ref(),
                config,
                foreground: live.foreground,
                metered: !live.unmetered,
                roaming: live.roaming,
                fx: Fx::default(),
            };
            let hear = Hear::new(base, (tables.coverage, tables.seen, tables.waiting), (Vec::new(),));
            let sending = (live.connectivity.publish_nodes, Vec::new());
            let post = Post::new(hear, (tables.parcels, tables.attempts), sending);
            let (peers, devices, sessions) = (tables.peers, tables.devices, tables.sessions);
            let (handshakes, skipped, prekeys) = (tables.handshakes, tables.skipped, tables.prekeys);
            let theirs = (peers, devices, sessions, handshakes, skipped, prekeys, tables.secrets, tables.invites);
            let keys = Keys::new(post, theirs, (index, Vec::new()));
            let carry = Carry::new(keys, (tables.items, tables.links), (BTreeSet::new(),));
            let carried = (tables.contents, tables.files, tables.attachments);
            let file = File::new(carry, carried, (Vec::new(), Vec::new()));
            let (rows, entries, leaves) = (tables.groups, tables.group_entries, tables.group_leaves);
            let (exchange, passed, epochs) = (tables.group_exchange, tables.group_passed, tables.group_epochs);
            let (chains, skipped, copies) = (tables.group_chains, tables.group_skipped, tables.group_copies);
            let (parts, old_keys, invites) = (tables.group_parts, tables.group_old_keys, tables.group_invites);
            let of_groups =
                (rows, entries, leaves, exchange, passed, epochs, chains, skipped, copies, parts, old_keys, invites);
            let group = Group::new(file, of_groups, (groups, Vec::new()));
            let (annotations, early) = (tables.annotations, tables.early);
            let shown = (tables.conversations, tables.messages, tables.holes, tables.arrivals, annotations, early);
            let mut step = People::new(Talk::new(group, shown, ()), (tables.persons, tables.news), ());
            work(&mut step)?;
            kind::pointer::arrived(&mut step)?;
            if step.fx.ready {
                group::say::release_all(&mut step)?;
            }
            talk::group::news(&mut step)?;
            reset::shorten(&mut step)?;
            let (fx, begun) = (take(&mut step.fx), take(&mut step.begun));
            let asked = (take(&mut step.queries), take(&mut step.finds));
            Ok::<_, Error>((fx, begun, asked, take(&mut step.evidence)))
        });
        match done {
            Ok(said) => self.apply(said),
            Err(error) => {
                // The index may be ahead of the rolled-back tables.
                if let Ok(index) = self.db.read(Index::load) {
                    self.index = index;
                }
                if let Ok(groups) = self.db.read(|tx| Memory::load(tx, now_ms)) {
                    self.groups = groups;
                }
                Err(error)
            }
        }
    }

    /// Carries out what a committed step asked for.
    fn apply(&mut self, (mut fx, begun, (queries, finds), evidence): Said) -> Result<(), Error> {
        if fx.own {
            let default = self.config.read_receipts;
            self.own = self.db.read(|tx| Own::load(tx, default))?;
            self.subscribe();
        }
        if fx.topics {
            self.hear_groups()?;
        }
        self.live.post.in_flight.extend(fx.launched);
        self.live.post.checking.extend(fx.checked);
        self.live.received = self.live.received.saturating_add(fx.received);
        self.live.matched.extend(fx.matched);
        self.begin(begun);
        self.out.extend(fx.net.into_iter().map(Effect::Net));
        self.out.extend(fx.disk.into_iter().map(Effect::Disk));
        if !evidence.is_empty() {
            self.order(Command::Evidence(evidence));
        }
        let mut finds: HashMap<usize, Found> = finds.into_iter().collect();
        for (place, query) in queries.into_iter().enumerate() {
            let command = self.live.ask(query, finds.remove(&place));
            self.order(command);
        }
        let events = fx.messages.iter().map(|(conversation, ids)| Event::MessagesChanged {
            conversation: ConversationId::from_bytes(conversation),
            ids: ids.iter().map(MessageId::from_bytes).collect(),
        });
        self.out.extend(events.map(Effect::Emit));
        if !fx.conversations.is_empty() {
            let ids = fx.conversations.iter().map(ConversationId::from_bytes).collect();
            self.out.push(Effect::Emit(Event::ConversationsChanged { ids }));
        }
        if fx.contacts {
            self.out.push(Effect::Emit(Event::ContactsChanged));
        }
        self.out.extend(fx.events.into_iter().map(Effect::Emit));
        self.tell_files(take(&mut fx.files), fx.look_at_transfers)?;
        if fx.shred
            && let Err(error) = self.db.truncate()
        {
            log::warn!("the log keeps deleted texts for now: {error}"); // the next end of a run empties it
        }
        self.keep(&fx.unmatched)
    }

    /// Stores envelopes without a session. A store has them too, so the disk is not synced. The oldest make room.
    fn keep(&mut self, unmatched: &[Waiting]) -> Result<(), Error> {
        let Self { db, index, .. } = self;
        let new: Vec<&Waiting> = unmatched.iter().filter(|one| !index.waits(one)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let more = new.iter().map(|one| one.payload.len() as u64).sum();
        let gone = db.transaction_unsynced(|mut tx| incoming::keep(&mut tx.waiting, &new, index.excess(more)))?;
        for one in new {
            index.wait(one.tag, one.payload_hash, u32::try_from(one.payload.len()).unwrap_or(u32::MAX));
        }
        for (tag, payload_hash) in gone {
            index.waits_no_more(tag, payload_hash);
        }
        Ok(())
    }

    /// The own home topics: one, or two around a change of the bucket table.
    fn topics(&self) -> Vec<String> {
        let Some(own) = self.own.as_ref().filter(|own| !own.replaced) else {
            return Vec::new();
        };
        let clock_s = u64::try_from(self.live.clock.correct(self.now_ms) / 1000).unwrap_or(0);
        let (current, other) = self.config.buckets.heard(clock_s);
        let home = own.account.home_value();
        let groups = self.live.group_buckets.iter().map(|bucket| (Lane::Group, *bucket));
        let values: Vec<(Lane, [u8; 8])> = std::iter::once((Lane::Home, home)).chain(groups).collect();
        let topic = |(n, (lane, value)): (u8, &(Lane, [u8; 8]))| -> ContentTopic { content_topic(*lane, n, value) };
        let both = std::iter::once(current).chain(other);
        let mut all: Vec<String> = both.flat_map(|n| values.iter().map(move |v| topic((n, v)).to_string())).collect();
        all.dedup();
        all
    }

    /// Switches relay mode by the known state of power and network.
    fn choose_mode(&mut self) {
        let live = &mut self.live;
        let relay = match self.config.mode {
            Mode::Light => false,
            Mode::Relay => true,
            Mode::Adaptive => live.charging && live.unmetered,
        };
        if live.relaying != relay {
            live.relaying = relay;
            self.order(Command::Relay(relay));
            self.subscribe();
        }
    }

    /// Subscribes to the own topics if they changed.
    fn subscribe(&mut self) {
        let topics = self.topics();
        if self.live.hear.topics != topics {
            self.live.hear.topics.clone_from(&topics);
            self.live.hear.missed();
        }
        let heard = if self.polls() { Vec::new() } else { topics };
        if self.live.hear.subscribed != heard {
            self.live.hear.subscribed.clone_from(&heard);
            self.order(Command::Subscribe { topics: heard });
        }
    }

    /// Answers the callers of a sync when catch-up and outbox are done.
    fn answer_syncs(&mut self) {
        let replaced = self.is_replaced(); // nothing more arrives or leaves
        let idle = self.live.hear.caught_up && self.live.post.in_flight.is_empty();
        if self.live.syncs.is_empty() || !(idle || replaced) {
            return;
        }
        let asks = !self.live.hear.queries.is_empty() || self.live.files.all().next().is_some();
        let due = self.db.read(|tx| tx.parcels.due_ms()).map_err(Error::from);
        let due = due.and_then(|parcels| Ok([parcels, self.files_from()?]));
        let done = due.map(|due| replaced || !(asks || due.into_iter().flatten().any(|at| at <= self.now_ms)));
        if done == Ok(false) {
            return;
        }
        for (ticket, before) in self.live.syncs.drain(..) {
            let received = done.map(|_| self.live.received.saturating_sub(before));
            self.out.push(Effect::Synced(ticket, received));
        }
    }

    fn background_error(&mut self, error: &Error) {
        if error.kind() == Kind::Storage {
            self.live.storage_failed(self.now_ms);
            self.notice(error.code());
        }
        log::warn!("{error}");
    }
}

crate::closed_debug!(Engine);
