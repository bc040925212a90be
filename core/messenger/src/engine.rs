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
mod hear;
pub mod input;
mod jobs;
mod keys;
mod live;
mod pages;
mod people;
mod post;
mod probe;
mod receive;
pub mod stored;
mod talk;
mod work;

pub use base::config::EngineConfig;
pub(crate) use base::own::KEY_ACCOUNT;
pub use hear::{book, bucket};

use std::collections::{BTreeSet, HashMap};
use std::mem::take;

use rand_core::Rng as _;
use sotto_db::{Account, Waiting};
use sotto_net::{Command, Evidence};
use sotto_wire::topic::{ContentTopic, Lane, content_topic};

use base::own::{self, Own};
use base::step::{Base, Fx, Rng};
use carry::{Carry, link};
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
use talk::Talk;

use crate::config::Mode;
use crate::counter::OpenCounter;
use crate::error::{Code, Error, Kind};
use crate::event::Event;
use crate::records::{ConversationId, MessageId};

/// One transaction, as the uppermost room.
pub(crate) type Step<'a> = People<'a>;
/// Effects, in order.
type Out = Vec<Effect>;

/// The engine over one account's database.
pub struct Engine {
    db: Account,
    config: EngineConfig,
    rng: Rng,
    own: Option<Own>,
    index: Index,
    live: Live,
}

impl Engine {
    /// Opens the engine over a database. Work that was in progress when the last process ended is due again.
    ///
    /// # Errors
    /// Fails with storage errors; nothing is changed then.
    pub fn open(db: Account, config: EngineConfig, rng: Rng, now_ms: i64) -> Result<(Self, Vec<Effect>), Error> {
        let (own, index) = db.read(|tx| {
            let own = Own::load(tx, config.read_receipts)?;
            Ok::<_, Error>((own, Index::load(tx)?))
        })?;
        let mut engine = Self { db, config, rng, own, index, live: Live::default() };
        let suites = engine.config.suites;
        let updated = engine.own.as_ref().is_some_and(|own| own.record.suites != suites);
        let gap = match &engine.own {
            Some(_) => old_copy::gap(engine.rng.next_u32()),
            None => 0,
        };
        let mut out = Vec::new();
        engine.run(now_ms, &mut out, |step| {
            link::leave_gaps(step, gap)?;
            if updated {
                own::publish_anew(step)?;
            }
            parcel::opened(step)?;
            contact::opened(step)
        })?;
        let counted = engine.db.read(|tx| tx.kv.get(own::KEY_BUCKET))?;
        engine.live.hear.meter = Meter::load(&counted.unwrap_or_default());
        if engine.own.is_some() {
            engine.live.hear.held.begin();
        }
        engine.live.not_connected(now_ms);
        engine.subscribe(now_ms, &mut out);
        engine.choose_mode(now_ms, &mut out);
        engine.set_wake(now_ms, &mut out);
        Ok((engine, out))
    }

    /// Takes one input at `now_ms`, the device's clock in Unix milliseconds. The caller carries out the effects in
    /// order.
    pub fn handle(&mut self, now_ms: i64, input: Input) -> Vec<Effect> {
        self.act(now_ms, |engine, out| match input {
            Input::Net(event) => engine.net(now_ms, event, out),
            // The deadline has passed, so the next one is named even if it is the same.
            Input::Tick => engine.live.wake = engine.live.wake.filter(|at| *at > now_ms),
        })
        .1
    }

    /// Runs a call of the API in one transaction.
    pub fn call<C: Call>(&mut self, now_ms: i64, call: C) -> Answered<C::Answer> {
        self.answer(now_ms, |engine, out| engine.run(now_ms, out, |step| call.run(step)))
    }

    /// Says whether a conversation is on screen.
    pub fn foreground(&mut self, now_ms: i64, on: bool) -> Answered<()> {
        self.answer(now_ms, |engine, out| {
            engine.live.foreground = on;
            engine.live.hear.poll_ms = 0;
            if on {
                engine.live.hear.opened(now_ms);
                if engine.is_replaced() {
                    // The notice is repeated, because the person may not have seen the first one.
                    let code = Code::DeviceReplaced;
                    out.push(Effect::Emit(Event::Notice { code }));
                }
            }
            engine.live.publish_anew();
            out.push(Effect::Net(Command::Foreground(on)));
            if !on {
                engine.db.truncate()?; // keys in memory do not outlive the screen
            }
            Ok(())
        })
    }

    /// Says that the host's network changed: everything that waits for a retry is retried at once.
    pub fn network_changed(&mut self, now_ms: i64, network: sotto_net::Network) -> Answered<()> {
        self.answer(now_ms, |engine, out| {
            engine.live.network_changed();
            engine.live.unmetered = !network.metered;
            if network.metered {
                engine.choose_mode(now_ms, out); // these queries went over the old network
            }
            engine.run(now_ms, out, |step| {
                parcel::rewind(step, &[])?;
                step.fx.net.push(Command::NetworkChanged(network));
                Ok(())
            })?;
            engine.choose_mode(now_ms, out);
            Ok(())
        })
    }

    /// Says whether the device is charging.
    pub fn power_changed(&mut self, now_ms: i64, charging: bool) -> Answered<()> {
        self.answer(now_ms, |engine, out| {
            engine.live.charging = charging;
            engine.choose_mode(now_ms, out);
            Ok(())
        })
    }

    /// Catches up and sends the outbox. [`Effect::Synced`] comes when both are done. The runtime enforces the time
    /// limit.
    pub fn sync(&mut self, now_ms: i64, ticket: Ticket) -> Vec<Effect> {
        self.act(now_ms, |engine, _| engine.live.wait_for_sync(ticket)).1
    }

    /// Truncates the write-ahead log and stops the network. Later calls fail with `closed`.
    pub fn close(&mut self, now_ms: i64) -> Answered<()> {
        self.answer(now_ms, |engine, out| {
            engine.live.closing = true;
            out.push(Effect::WakeAt(None));
            out.push(Effect::Net(Command::Close));
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
    ///
    /// # Errors
    /// Fails with storage errors.
    pub fn limit_pages(&mut self, pages: u32) -> Result<(), Error> {
        Ok(self.db.limit_pages(pages)?)
    }

    /// Runs something that a caller waits for, unless the engine is closed.
    fn answer<T>(&mut self, now_ms: i64, act: impl FnOnce(&mut Self, &mut Out) -> Result<T, Error>) -> Answered<T> {
        self.act(now_ms, |engine, out| match engine.live.closing {
            true => Err(Code::Closed.into()),
            false => act(engine, out),
        })
    }

    /// Runs one thing, then all due work.
    fn act<T>(&mut self, now_ms: i64, act: impl FnOnce(&mut Self, &mut Out) -> T) -> (T, Out) {
        let mut out = Vec::new();
        let was_skewed = self.live.clock.skewed();
        let value = act(self, &mut out);
        if !self.live.closing {
            self.work(now_ms, &mut out);
            if !was_skewed && self.live.clock.skewed() {
                let code = Code::ClockSkewed;
                out.push(Effect::Emit(Event::Notice { code }));
            }
            self.answer_syncs(now_ms, &mut out);
            self.set_wake(now_ms, &mut out);
        }
        (value, out)
    }

    /// Runs one transaction. Its effects are carried out if it commits; otherwise nothing happened.
    fn run<T>(
        &mut self,
        now_ms: i64,
        out: &mut Vec<Effect>,
        work: impl FnOnce(&mut Step<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Self { db, config, rng, own, index, live } = self;
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
                fx: Fx::default(),
            };
            let hear = Hear::new(base, (tables.coverage, tables.seen, tables.waiting), (Vec::new(),));
            let sending = (live.publish_nodes(), Vec::new());
            let post = Post::new(hear, (tables.parcels, tables.attempts), sending);
            let (peers, devices, sessions) = (tables.peers, tables.devices, tables.sessions);
            let (handshakes, skipped, prekeys) = (tables.handshakes, tables.skipped, tables.prekeys);
            let theirs = (peers, devices, sessions, handshakes, skipped, prekeys, tables.secrets, tables.invites);
            let keys = Keys::new(post, theirs, (index, Vec::new()));
            let under_way = (tables.items, tables.links, tables.fetches, tables.chunks);
            let carry = Carry::new(keys, under_way, (BTreeSet::new(),));
            let shown = (tables.conversations, tables.messages, tables.holes, tables.arrivals);
            let mut step = People::new(Talk::new(carry, shown, ()), (tables.persons, tables.news), ());
            let value = work(&mut step)?;
            reset::shorten(&mut step)?;
            Ok::<_, Error>((value, Said::of(&mut step)))
        });
        match done {
            Ok((value, said)) => {
                self.apply(now_ms, said, out)?;
                Ok(value)
            }
            Err(error) => {
                // The index may be ahead of the rolled-back tables.
                if let Ok(index) = self.db.read(Index::load) {
                    self.index = index;
                }
                Err(error)
            }
        }
    }

    /// Carries out what a committed step asked for.
    fn apply(&mut self, now_ms: i64, said: Said, out: &mut Vec<Effect>) -> Result<(), Error> {
        let Said { fx, queries, finds, evidence } = said;
        if fx.own {
            let default = self.config.read_receipts;
            self.own = self.db.read(|tx| Own::load(tx, default))?;
            self.subscribe(now_ms, out);
        }
        self.live.post.in_flight.extend(fx.launched);
        self.live.post.checking.extend(fx.checked);
        self.live.received = self.live.received.saturating_add(fx.received);
        self.live.matched.extend(fx.matched);
        out.extend(fx.net.into_iter().map(Effect::Net));
        if !evidence.is_empty() {
            out.push(Effect::Net(Command::Evidence(evidence)));
        }
        let mut finds: HashMap<usize, Found> = finds.into_iter().collect();
        for (place, query) in queries.into_iter().enumerate() {
            out.push(Effect::Net(self.live.ask(query, finds.remove(&place))));
        }
        let events = fx.messages.iter().map(|(conversation, ids)| Event::MessagesChanged {
            conversation: ConversationId::from_bytes(conversation),
            ids: ids.iter().map(MessageId::from_bytes).collect(),
        });
        out.extend(events.map(Effect::Emit));
        if !fx.conversations.is_empty() {
            let ids = fx.conversations.iter().map(ConversationId::from_bytes).collect();
            out.push(Effect::Emit(Event::ConversationsChanged { ids }));
        }
        if fx.contacts {
            out.push(Effect::Emit(Event::ContactsChanged));
        }
        out.extend(fx.events.into_iter().map(Effect::Emit));
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
        let new = unmatched.iter().filter(|one| !index.waits(one));
        let length = |one: &Waiting| u32::try_from(one.payload.len()).unwrap_or(u32::MAX);
        let new: Vec<(&Waiting, u32)> = new.map(|one| (one, length(one))).collect();
        if new.is_empty() {
            return Ok(());
        }
        let more = new.iter().map(|(_, length)| u64::from(*length)).sum();
        let gone = db.transaction_unsynced(|mut tx| {
            let new = new.iter().map(|(waiting, _)| *waiting);
            incoming::keep(&mut tx.waiting, new, index.excess(more))
        })?;
        for (waiting, length) in new {
            index.wait(waiting.tag, waiting.payload_hash, length);
        }
        for (tag, payload_hash) in gone {
            index.waits_no_more(tag, payload_hash);
        }
        Ok(())
    }

    /// The own home topics: one, or two around a change of the bucket table.
    fn topics(&self, now_ms: i64) -> Vec<String> {
        let Some(own) = self.own.as_ref().filter(|own| !own.replaced) else {
            return Vec::new();
        };
        let clock_s = u64::try_from(self.live.clock.correct(now_ms) / 1000).unwrap_or(0);
        let (current, other) = self.config.buckets.heard(clock_s);
        let home = own.account.home_value();
        let topic = |log2_n| -> ContentTopic { content_topic(Lane::Home, log2_n, &home) };
        std::iter::once(current).chain(other).map(|n| topic(n).to_string()).collect()
    }

    /// Switches relay mode by the known state of power and network.
    fn choose_mode(&mut self, now_ms: i64, out: &mut Vec<Effect>) {
        let live = &mut self.live;
        let relay = match self.config.mode {
            Mode::Light => false,
            Mode::Relay => true,
            Mode::Adaptive => live.charging && live.unmetered,
        };
        if live.relaying != relay {
            live.relaying = relay;
            out.push(Effect::Net(Command::Relay(relay)));
            self.subscribe(now_ms, out);
        }
    }

    /// Subscribes to the own topics if they changed.
    fn subscribe(&mut self, now_ms: i64, out: &mut Vec<Effect>) {
        let topics = self.topics(now_ms);
        if self.live.hear.topics != topics {
            self.live.hear.topics.clone_from(&topics);
            self.live.hear.missed();
        }
        let heard = if self.polls() { Vec::new() } else { topics };
        if self.live.hear.subscribed != heard {
            self.live.hear.subscribed.clone_from(&heard);
            out.push(Effect::Net(Command::Subscribe { topics: heard }));
        }
    }

    /// Answers the callers of a sync when catch-up and outbox are done.
    fn answer_syncs(&mut self, now_ms: i64, out: &mut Vec<Effect>) {
        let replaced = self.is_replaced(); // nothing more arrives or leaves
        let idle = self.live.hear.caught_up && self.live.post.in_flight.is_empty();
        if self.live.syncs.is_empty() || !(idle || replaced) {
            return;
        }
        let due = match self.db.read(|tx| Ok::<_, Error>([tx.parcels.due_ms()?, tx.fetches.due_ms()?])) {
            Ok(due) => due,
            Err(error) => {
                let failed = |(ticket, _)| Effect::Synced(ticket, Err(error));
                return out.extend(self.live.syncs.drain(..).map(failed));
            }
        };
        let nothing = due.into_iter().flatten().all(|at| at > now_ms) && self.live.hear.queries.is_empty();
        if nothing || replaced {
            for (ticket, before) in self.live.syncs.drain(..) {
                let received = self.live.received.saturating_sub(before);
                out.push(Effect::Synced(ticket, Ok(received)));
            }
        }
    }

    /// Reports a failure that no caller waits for.
    fn background_error(&mut self, now_ms: i64, error: &Error, out: &mut Vec<Effect>) {
        if error.kind() == Kind::Storage {
            self.live.storage_failed(now_ms);
            let code = error.code();
            out.push(Effect::Emit(Event::Notice { code }));
        }
        log::warn!("{error}");
    }
}

/// Effects that a step asks for after its commit.
struct Said {
    fx: Fx,
    queries: Vec<Query>,
    finds: Vec<(usize, Found)>,
    evidence: Vec<Evidence>,
}

impl Said {
    fn of(step: &mut Step<'_>) -> Self {
        Self {
            fx: take(&mut step.fx),
            queries: take(&mut step.queries),
            finds: take(&mut step.finds),
            evidence: take(&mut step.evidence),
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine(..)")
    }
}
