//! One step of the engine: a transaction, and what happens after its commit. Every room stands on this one.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::{CryptoRng, Rng as _};
use sotto_db::{FileId, Hash, Kv, Table, View};
use sotto_net as net;
use sotto_wire::topic::{Lane, content_topic};

use crate::disk::Order;
use crate::engine::base::config::EngineConfig;
use crate::engine::base::own::Own;
use crate::engine::base::schedule::{self, Schedule};
use crate::error::{Code, Error};
use crate::event::Event;

/// The engine's only source of randomness; seeded in simulations.
pub(crate) type Rng = Box<dyn CryptoRng + Send>;

/// The part of a running transaction that every room may see.
pub struct Base<'a> {
    /// All tables, for reading.
    pub(crate) tx: View<'a>,
    /// Single values. Each key is written in one place.
    pub(crate) kv: Table<'a, Kv>,
    /// The device's clock, Unix milliseconds; for deadlines.
    pub(crate) now_ms: i64,
    /// The corrected clock, Unix milliseconds; for everything that others see.
    pub(crate) clock_ms: i64,
    /// Whether the device's clock is off by more than 20 s without a proof of the correction.
    pub(crate) unproven: bool,
    pub(crate) may_sign: bool,
    pub(crate) rng: &'a mut Rng,
    pub(crate) own: Option<&'a Own>,
    pub(crate) config: &'a EngineConfig,
    pub(crate) foreground: bool,
    /// The network as the host last said.
    pub(crate) metered: bool,
    pub(crate) roaming: bool,
    pub(crate) fx: Fx,
}

/// Effects of a step, carried out after its commit.
#[derive(Default)]
pub(crate) struct Fx {
    pub(crate) net: Vec<net::Command>,
    pub(crate) disk: Vec<Order>,
    pub(crate) launched: Vec<i64>,
    pub(crate) checked: Vec<i64>,
    pub(crate) conversations: BTreeSet<Hash>,
    pub(crate) messages: BTreeMap<Hash, BTreeSet<Hash>>,
    /// Files whose transfer went on, and whether their state changed.
    pub(crate) files: BTreeMap<FileId, bool>,
    /// Whether files went that may be under way.
    pub(crate) look_at_transfers: bool,
    pub(crate) events: Vec<Event>,
    pub(crate) contacts: bool,
    /// Whether the own account changed and must be read again.
    pub(crate) own: bool,
    /// Whether files left that messages of groups wait for.
    pub(crate) ready: bool,
    /// Whether the groups whose topics are heard changed.
    pub(crate) topics: bool,
    /// Whether this step found that the phrase was restored elsewhere.
    pub(crate) replaced: bool,
    /// Number of new envelopes of contacts.
    pub(crate) opened: u32,
    pub(crate) received: u32,
    /// Whether this step deleted texts, so that the database log must be emptied too.
    pub(crate) shred: bool,
    /// Envelopes without a session, to store.
    pub(crate) unmatched: Vec<sotto_db::Waiting>,
    /// Stored envelopes that can be opened now.
    pub(crate) matched: Vec<Hash>,
}

impl<'a> Base<'a> {
    /// The own account, or `account.missing`.
    pub(crate) fn own(&self) -> Result<&'a Own, Error> {
        self.own.ok_or_else(|| Code::AccountMissing.into())
    }

    /// Whether this install was replaced, before or in this step.
    pub(crate) fn is_replaced(&self) -> bool {
        self.fx.replaced || self.own.is_some_and(|own| own.replaced)
    }

    pub(crate) fn clock_s(&self) -> u64 {
        u64::try_from(self.clock_ms / 1000).unwrap_or(0)
    }

    pub(crate) fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// A number below `bound`, nearly uniform; 0 for 0.
    pub(crate) fn below(&mut self, bound: i64) -> i64 {
        schedule::below(bound, self.rng)
    }

    /// The time after a wait; [`sotto_db::NEVER`] if there is no further try.
    pub(crate) fn after(&mut self, schedule: &Schedule, tries: u32) -> i64 {
        self.now_ms.saturating_add(schedule.wait(tries, self.rng))
    }

    /// The topic of a value on a lane, as senders choose it now.
    pub(crate) fn topic(&self, lane: Lane, value: &[u8; 8]) -> String {
        content_topic(lane, self.config.buckets.log2_n(self.clock_s()), value).to_string()
    }

    /// How long a store may keep a published message, milliseconds.
    pub(crate) fn retention_ms(&self) -> i64 {
        i64::try_from(self.config.store_retention_s).unwrap_or(i64::MAX / 2000).saturating_mul(1000)
    }

    pub(crate) fn message_changed(&mut self, conversation: Hash, id: Hash) {
        self.fx.messages.entry(conversation).or_default().insert(id);
        self.fx.conversations.insert(conversation);
    }

    pub(crate) fn notice(&mut self, code: Code) {
        self.fx.events.push(Event::Notice { code });
    }
}
