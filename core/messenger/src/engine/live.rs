//! The engine's memory of one run: reachability, pending queries, waiting callers.

use std::collections::{HashMap, VecDeque};

use sotto_db::Hash;
use sotto_net::{Command, Connectivity};

use crate::engine::base::clock::Clock;
use crate::engine::base::schedule;
use crate::engine::file::memory::Filed;
use crate::engine::hear::memory::Heard;
use crate::engine::hear::query::Query;
use crate::engine::input::Ticket;
use crate::engine::jobs::Job;
use crate::engine::keys::found::Found;
use crate::engine::post::memory::Posted;
use crate::engine::probe::Probe;

#[derive(Default)]
pub(crate) struct Live {
    pub(crate) clock: Clock,
    pub(crate) probe: Probe,
    pub(crate) connectivity: Connectivity,
    /// When to report that no node can be reached; `None` if one can, or if it was reported.
    pub(crate) offline_ms: Option<i64>,
    pub(crate) other_network: bool,
    pub(crate) foreground: bool,
    /// Power and network, as the host last said.
    pub(crate) charging: bool,
    pub(crate) unmetered: bool,
    pub(crate) roaming: bool,
    pub(crate) relaying: bool,
    pub(crate) closing: bool,
    /// Buckets of the groups that are heard.
    pub(crate) group_buckets: Vec<[u8; 8]>,
    pub(crate) hear: Heard,
    pub(crate) post: Posted,
    pub(crate) files: Filed,
    pub(crate) finds: HashMap<u64, Found>,
    pub(crate) matched: VecDeque<Hash>,
    /// When sessions were last searched for waiting envelopes.
    pub(crate) looked_ms: i64,
    pub(crate) received: u32,
    /// Callers of a sync, with the number of received messages before it.
    pub(crate) syncs: Vec<(Ticket, u32)>,
    pub(crate) work_after_ms: i64,
    pub(crate) expire_after_ms: i64,
    /// When the next older texts enter the index.
    pub(crate) index_after_ms: i64,
    /// Until when a job that ended in a bug is put off.
    pub(crate) put_off: HashMap<Job, i64>,
    pub(crate) wake: Option<i64>,
}

impl Live {
    /// The command of a query; its answers carry the id.
    pub(crate) fn ask(&mut self, query: Query, found: Option<Found>) -> Command {
        let (id, command) = self.hear.ask(query);
        self.finds.extend(found.map(|found| (id, found)));
        command
    }

    /// A node may be reachable again.
    pub(crate) fn publish_anew(&mut self) {
        self.post.anew();
        self.probe.anew();
    }

    pub(crate) fn connected(&mut self, now: Connectivity, now_ms: i64) -> Connectivity {
        if is_on(&now) {
            self.offline_ms = None;
        } else if is_on(&self.connectivity) {
            self.offline_ms = Some(now_ms.saturating_add(schedule::OFFLINE));
        }
        std::mem::replace(&mut self.connectivity, now)
    }

    pub(crate) fn work_failed(&mut self, now_ms: i64) {
        self.work_after_ms = now_ms.saturating_add(schedule::WORK_FAILED);
    }

    /// The disk is full or broken: messages of this time must be fetched again.
    pub(crate) fn storage_failed(&mut self, now_ms: i64) {
        self.work_failed(now_ms);
        self.hear.storage_failed(self.work_after_ms);
    }
}

pub(crate) fn is_on(now: &Connectivity) -> bool {
    now.publish_nodes + now.receive_nodes + now.relay_peers > 0
}
