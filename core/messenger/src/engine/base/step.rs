//! One step of the engine: a transaction, and what is to happen once it is committed. Every room stands on this one.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::{CryptoRng, Rng as _};
use sotto_db::{Hash, Kv, Table, View};
use sotto_net as net;
use sotto_wire::topic::{Lane, content_topic};

use crate::engine::base::config::EngineConfig;
use crate::engine::base::own::Own;
use crate::engine::base::schedule::{self, Schedule};
pub(crate) use crate::engine::base::schedule::{DAY, HOUR, MINUTE, SECOND};
use crate::error::{Code, Error};
use crate::event::Event;

/// The source of all randomness of the engine; seeded in simulations.
pub(crate) type Rng = Box<dyn CryptoRng + Send>;

/// What every room may see of a running transaction.
pub struct Base<'a> {
    /// All tables, to be read.
    pub(crate) tx: View<'a>,
    /// Single values. Each key is written in one place.
    pub(crate) kv: Table<'a, Kv>,
    /// The device's clock, Unix milliseconds: deadlines.
    pub(crate) now_ms: i64,
    /// The corrected clock, Unix milliseconds: everything that others see.
    pub(crate) clock_ms: i64,
    /// The device's clock is off by more than 20 s, and what corrects it is not proven.
    pub(crate) unproven: bool,
    /// The corrected clock may date what is signed.
    pub(crate) may_sign: bool,
    pub(crate) rng: &'a mut Rng,
    pub(crate) own: Option<&'a Own>,
    pub(crate) config: &'a EngineConfig,
    pub(crate) foreground: bool,
    pub(crate) fx: Fx,
}

/// Collected during a step, carried out after its commit.
#[derive(Default)]
pub(crate) struct Fx {
    pub(crate) net: Vec<net::Command>,
    /// Outbox rows handed to the network.
    pub(crate) launched: Vec<i64>,
    /// Outbox rows whose hashes a store is asked for.
    pub(crate) checked: Vec<i64>,
    pub(crate) conversations: BTreeSet<Hash>,
    pub(crate) messages: BTreeMap<Hash, BTreeSet<Hash>>,
    pub(crate) events: Vec<Event>,
    pub(crate) contacts: bool,
    /// The own account changed: read it again.
    pub(crate) own: bool,
    /// The phrase was restored elsewhere, as this step found.
    pub(crate) replaced: bool,
    /// Envelopes of contacts, new ones.
    pub(crate) opened: u32,
    /// Messages that came in.
    pub(crate) received: u32,
    /// Texts were deleted: they are not to stay in the log.
    pub(crate) shred: bool,
    /// Envelopes nobody here opens yet, to be kept.
    pub(crate) unmatched: Vec<sotto_db::Waiting>,
    /// Kept envelopes that can be opened now.
    pub(crate) matched: Vec<Hash>,
}

impl<'a> Base<'a> {
    /// The own account.
    pub(crate) fn own(&self) -> Result<&'a Own, Error> {
        self.own.ok_or_else(|| Code::AccountMissing.into())
    }

    /// Was this install replaced, before this step or in it?
    pub(crate) fn is_replaced(&self) -> bool {
        self.fx.replaced || self.own.is_some_and(|own| own.replaced)
    }

    /// The corrected clock, Unix seconds.
    pub(crate) fn clock_s(&self) -> u64 {
        u64::try_from(self.clock_ms / 1000).unwrap_or(0)
    }

    /// Fresh random bytes.
    pub(crate) fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// A number below `bound`, nearly uniform; 0 for 0.
    pub(crate) fn below(&mut self, bound: i64) -> i64 {
        schedule::below(bound, self.rng)
    }

    /// The time after a wait; [`sotto_db::NEVER`]: there is no other try.
    pub(crate) fn after(&mut self, schedule: &Schedule, tries: u32) -> i64 {
        self.now_ms.saturating_add(schedule.wait(tries, self.rng))
    }

    /// The topic of a value on a lane, as senders choose it now.
    pub(crate) fn topic(&self, lane: Lane, value: &[u8; 8]) -> String {
        content_topic(lane, self.config.buckets.log2_n(self.clock_s()), value).to_string()
    }

    /// How long a store may hold what was published, milliseconds.
    pub(crate) fn retention_ms(&self) -> i64 {
        i64::try_from(self.config.store_retention_s).unwrap_or(i64::MAX / 2000).saturating_mul(1000)
    }

    /// A message appeared or changed.
    pub(crate) fn message_changed(&mut self, conversation: Hash, id: Hash) {
        self.fx.messages.entry(conversation).or_default().insert(id);
        self.fx.conversations.insert(conversation);
    }

    /// Tells the person, by code.
    pub(crate) fn notice(&mut self, code: Code) {
        self.fx.events.push(Event::Notice { code });
    }
}
