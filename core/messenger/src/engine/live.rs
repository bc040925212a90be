//! The engine's memory of one run: reachability, pending queries, waiting callers.

use std::collections::{HashMap, VecDeque};

use sotto_db::Hash;
use sotto_net::{Command, Connectivity};

use crate::engine::base::clock::Clock;
use crate::engine::base::schedule;
use crate::engine::hear::memory::Heard;
use crate::engine::hear::query::Query;
use crate::engine::input::Ticket;
use crate::engine::jobs::Job;
use crate::engine::keys::found::Found;
use crate::engine::post::memory::Posted;
use crate::engine::probe::Probe;

/// The engine's memory.
#[derive(Default)]
pub(crate) struct Live {
    pub(crate) clock: Clock,
    pub(crate) probe: Probe,
    pub(crate) connectivity: Connectivity,
    /// When to report that no node can be reached; `None` if one can, or if it was reported.
    pub(crate) offline_ms: Option<i64>,
    /// Whether a node of another network was reported.
    pub(crate) other_network: bool,
    pub(crate) foreground: bool,
    /// Power and network, as the host last said.
    pub(crate) charging: bool,
    pub(crate) unmetered: bool,
    /// Whether relay mode was ordered.
    pub(crate) relaying: bool,
    pub(crate) closing: bool,
    pub(crate) hear: Heard,
    pub(crate) post: Posted,
    /// Cards found so far, by query.
    pub(crate) finds: HashMap<u64, Found>,
    /// Waiting envelopes to open now.
    pub(crate) matched: VecDeque<Hash>,
    /// When sessions were last searched for waiting envelopes.
    pub(crate) looked_ms: i64,
    pub(crate) received: u32,
    /// Callers of a sync, with the number of received messages before it.
    pub(crate) syncs: Vec<(Ticket, u32)>,
    pub(crate) work_after_ms: i64,
    pub(crate) expire_after_ms: i64,
    /// Until when a job that ended in a bug is put off.
    pub(crate) put_off: HashMap<Job, i64>,
    pub(crate) wake: Option<i64>,
}

impl Live {
    /// Number of publish nodes.
    pub(crate) fn publish_nodes(&self) -> u32 {
        self.connectivity.publish_nodes
    }

    /// The command of a query; its answers carry the id.
    pub(crate) fn ask(&mut self, query: Query, found: Option<Found>) -> Command {
        let (id, command) = self.hear.ask(query);
        self.finds.extend(found.map(|found| (id, found)));
        command
    }

    /// When to catch up again after a failure.
    pub(crate) fn catch_up_failed(&mut self, by_turns: bool, now_ms: i64) {
        let reachable = self.foreground || is_on(&self.connectivity);
        self.hear.catch_up_failed(by_turns, reachable, now_ms);
    }

    /// A node may be reachable again.
    pub(crate) fn publish_anew(&mut self) {
        self.post.anew();
        self.probe.anew();
    }

    /// Takes the network's report of reachability.
    pub(crate) fn connected(&mut self, now: Connectivity, now_ms: i64) -> Connectivity {
        if is_on(&now) {
            self.offline_ms = None;
        } else if is_on(&self.connectivity) {
            self.offline_ms = Some(now_ms.saturating_add(schedule::OFFLINE));
        }
        std::mem::replace(&mut self.connectivity, now)
    }

    /// Nothing was reached yet.
    pub(crate) fn not_connected(&mut self, now_ms: i64) {
        self.offline_ms = Some(now_ms.saturating_add(schedule::OFFLINE));
    }

    /// A caller waits for catch-up and outbox. The last catch-up may be long ago: the process may have slept.
    pub(crate) fn wait_for_sync(&mut self, ticket: Ticket) {
        self.hear.ask_now();
        self.publish_anew();
        self.syncs.push((ticket, self.received));
    }

    /// After a change of network earlier failures mean nothing.
    pub(crate) fn network_changed(&mut self) {
        self.post.tries.clear();
        self.publish_anew();
        self.hear.catch_up_tries = 0;
        self.hear.ask_now();
    }

    /// Due work failed and is still due.
    pub(crate) fn work_failed(&mut self, now_ms: i64) {
        self.work_after_ms = now_ms.saturating_add(schedule::WORK_FAILED);
    }

    /// The disk is full or broken: messages of this time must be fetched again.
    pub(crate) fn storage_failed(&mut self, now_ms: i64) {
        self.work_failed(now_ms);
        self.hear.storage_failed(self.work_after_ms);
    }
}

fn is_on(now: &Connectivity) -> bool {
    now.publish_nodes + now.receive_nodes + now.relay_peers > 0
}
