//! What the engine knows only while it runs: reachability, questions under way, callers that wait.

use std::collections::{HashMap, HashSet, VecDeque};

use sotto_db::Hash;
use sotto_net::{Command, Connectivity};

use super::clock::Clock;
use super::input::Ticket;
use super::query::{Query, What};
use super::step::{MINUTE, SECOND};

/// Rows handed to the network at a time.
const IN_FLIGHT: usize = 32;
/// Storage is tried again after this.
const STORAGE_RETRY_MS: i64 = 10 * SECOND;

/// The engine's memory.
#[derive(Default)]
pub(super) struct Live {
    pub(super) clock: Clock,
    pub(super) connectivity: Connectivity,
    pub(super) foreground: bool,
    pub(super) closing: bool,
    /// Topics asked for.
    pub(super) topics: Vec<String>,
    /// Nothing was missed since the last catch-up.
    pub(super) caught_up: bool,
    pub(super) catch_up_after_ms: i64,
    pub(super) catch_up_tries: u32,
    /// Outbox rows handed over, unanswered.
    pub(super) in_flight: HashSet<i64>,
    pub(super) checking: HashSet<i64>,
    /// Failures in a row, by outbox row.
    pub(super) tries: HashMap<i64, u32>,
    pub(super) queries: HashMap<u64, Query>,
    next_query: u64,
    /// Waiting envelopes to be opened now.
    pub(super) matched: VecDeque<Hash>,
    pub(super) received: u32,
    /// Callers of a sync, and how much had been received before.
    pub(super) syncs: Vec<(Ticket, u32)>,
    pub(super) storage_after_ms: i64,
    pub(super) expire_after_ms: i64,
    pub(super) wake: Option<i64>,
}

impl Live {
    /// Nodes to publish through.
    pub(super) fn publish_nodes(&self) -> u32 {
        self.connectivity.publish_nodes
    }

    /// Can rows be handed over?
    pub(super) fn can_publish(&self) -> bool {
        self.publish_nodes() > 0 && self.in_flight.len() < IN_FLIGHT
    }

    /// How many more.
    pub(super) fn slots(&self) -> u32 {
        u32::try_from(IN_FLIGHT.saturating_sub(self.in_flight.len())).unwrap_or(0)
    }

    /// Is a question of this kind under way?
    pub(super) fn asks(&self, what: impl Fn(&What) -> bool) -> bool {
        self.queries.values().any(|query| what(&query.what))
    }

    /// The command for a question; its answers come with the id.
    pub(super) fn ask(&mut self, query: Query) -> Command {
        self.next_query = self.next_query.wrapping_add(1);
        let id = self.next_query;
        let command = Command::Query {
            id,
            circle: query.circle,
            topics: query.topics.clone(),
            start_ns: query.start_ms.saturating_mul(1_000_000),
            end_ns: query.end_ms.saturating_mul(1_000_000),
            newest_first: query.newest_first,
        };
        self.queries.insert(id, query);
        command
    }

    /// A caller waits until everything is caught up and sent. What was caught up before may be long ago: the process
    /// may have been asleep.
    pub(super) fn wait_for_sync(&mut self, ticket: Ticket) {
        self.caught_up = false;
        self.catch_up_after_ms = 0;
        self.syncs.push((ticket, self.received));
    }

    /// Another network: what failed before says nothing.
    pub(super) fn network_changed(&mut self) {
        self.tries.clear();
        self.catch_up_after_ms = 0;
        self.catch_up_tries = 0;
        self.caught_up = false;
    }

    /// The next catch-up, after one failed.
    pub(super) fn catch_up_failed(&mut self, now_ms: i64) {
        let wait = (2 * SECOND).saturating_mul(1_i64 << self.catch_up_tries.min(8));
        self.catch_up_tries = self.catch_up_tries.saturating_add(1);
        self.catch_up_after_ms = now_ms.saturating_add(wait.min(5 * MINUTE));
    }

    /// The disk is full or broken: what came in meanwhile has to be fetched again.
    pub(super) fn storage_failed(&mut self, now_ms: i64) {
        self.storage_after_ms = now_ms.saturating_add(STORAGE_RETRY_MS);
        self.caught_up = false;
        self.catch_up_after_ms = self.storage_after_ms;
    }
}
