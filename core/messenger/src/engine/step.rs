//! One step of the engine: a transaction, and what is to happen once it is committed.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::{CryptoRng, Rng as _};
use sotto_db::{Hash, Tables};
use sotto_net as net;
use sotto_wire::topic::{Lane, content_topic};

use super::EngineConfig;
use super::base::schedule::{self, Schedule};
pub(super) use super::base::schedule::{DAY, HOUR, MINUTE, SECOND};
use super::index::Index;
use super::own::Own;
use super::query::Query;
use super::trust::{Told, Trust};
use crate::error::{Code, Error};
use crate::event::Event;

/// The source of all randomness of the engine; seeded in simulations.
pub(super) type Rng = Box<dyn CryptoRng + Send>;

/// What a running transaction may see and change.
pub struct Step<'a> {
    pub(super) tx: &'a Tables<'a>,
    /// The device's clock, Unix milliseconds: deadlines.
    pub(super) now_ms: i64,
    /// The corrected clock, Unix milliseconds: everything that others see.
    pub(super) clock_ms: i64,
    /// The device's clock is off by more than 20 s, and what corrects it is not proven.
    pub(super) unproven: bool,
    /// The corrected clock may date what is signed.
    pub(super) may_sign: bool,
    pub(super) rng: &'a mut Rng,
    pub(super) own: Option<&'a Own>,
    pub(super) config: &'a EngineConfig,
    pub(super) index: &'a mut Index,
    /// Nodes to publish through; 0: nothing leaves.
    pub(super) publish_nodes: u32,
    pub(super) trust: &'a Trust,
    pub(super) foreground: bool,
    pub(super) fx: Fx,
}

/// Collected during a step, carried out after its commit.
#[derive(Default)]
pub(super) struct Fx {
    pub(super) net: Vec<net::Command>,
    pub(super) queries: Vec<Query>,
    /// Outbox rows handed to the network.
    pub(super) launched: Vec<i64>,
    /// Outbox rows whose hashes a store is asked for.
    pub(super) checked: Vec<i64>,
    /// What shows whether publish nodes do what they say.
    pub(super) trust: Vec<Told>,
    pub(super) conversations: BTreeSet<Hash>,
    pub(super) messages: BTreeMap<Hash, BTreeSet<Hash>>,
    pub(super) events: Vec<Event>,
    pub(super) contacts: bool,
    /// The own account changed: read it again.
    pub(super) own: bool,
    /// The phrase was restored elsewhere, as this step found.
    pub(super) replaced: bool,
    /// Envelopes of contacts, new ones.
    pub(super) opened: u32,
    /// Messages that came in.
    pub(super) received: u32,
    /// Envelopes nobody here opens yet, to be kept.
    pub(super) unmatched: Vec<sotto_db::Waiting>,
    /// Kept envelopes that can be opened now.
    pub(super) matched: Vec<Hash>,
}

impl<'a> Step<'a> {
    /// The own account.
    pub(super) fn own(&self) -> Result<&'a Own, Error> {
        self.own.ok_or_else(|| Code::AccountMissing.into())
    }

    /// The corrected clock, Unix seconds.
    pub(super) fn clock_s(&self) -> u64 {
        u64::try_from(self.clock_ms / 1000).unwrap_or(0)
    }

    /// Fresh random bytes.
    pub(super) fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// A number below `bound`, nearly uniform; 0 for 0.
    pub(super) fn below(&mut self, bound: i64) -> i64 {
        schedule::below(bound, self.rng)
    }

    /// The time after a wait; [`sotto_db::NEVER`]: there is no other try.
    pub(super) fn after(&mut self, schedule: &Schedule, tries: u32) -> i64 {
        self.now_ms.saturating_add(schedule.wait(tries, self.rng))
    }

    /// The topic of a value on a lane, as senders choose it now.
    pub(super) fn topic(&self, lane: Lane, value: &[u8; 8]) -> String {
        content_topic(lane, self.config.buckets.log2_n(self.clock_s()), value).to_string()
    }

    /// How long a store may hold what was published, milliseconds.
    pub(super) fn retention_ms(&self) -> i64 {
        i64::try_from(self.config.store_retention_s).unwrap_or(i64::MAX / 2000).saturating_mul(1000)
    }

    /// A message appeared or changed.
    pub(super) fn message_changed(&mut self, conversation: Hash, id: Hash) {
        self.fx.messages.entry(conversation).or_default().insert(id);
        self.fx.conversations.insert(conversation);
    }

    /// Tells the person, by code.
    pub(super) fn notice(&mut self, code: Code) {
        self.fx.events.push(Event::Notice { code: code.as_str() });
    }
}
