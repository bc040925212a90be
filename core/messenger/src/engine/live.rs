//! What the engine knows only while it runs: reachability, questions under way, callers that wait.

use std::collections::{HashMap, HashSet, VecDeque};

use sotto_db::Hash;
use sotto_net::{Command, Connectivity, NodeNumber};

use crate::engine::base::clock::Clock;
use crate::engine::base::schedule;
use crate::engine::base::step::MINUTE;
use crate::engine::hear::bucket::Meter;
use crate::engine::hear::held::Held;
use crate::engine::hear::query::{Query, What};
use crate::engine::input::Ticket;
use crate::engine::jobs::Job;
use crate::engine::keys::found::Found;
use crate::engine::post::parcel::Tries;
use crate::engine::post::trust::{Told, Trust};
use crate::engine::probe::Probe;

/// The start of a query is cut down to a multiple of this, milliseconds: two sessions of one phone must not be joined
/// by
/// bounds that no other phone has.
const START_MS: i64 = 10 * MINUTE;
/// The end of a query, where it has one, is moved up to a multiple of this, milliseconds.
const END_MS: i64 = MINUTE;
/// Rows handed to the network at a time.
const IN_FLIGHT: usize = 32;
/// Stores that are asked for the same stretch of time while all is quiet, one after the other.
const STORES: usize = 10;

/// The engine's memory.
#[derive(Default)]
pub(crate) struct Live {
    pub(crate) clock: Clock,
    pub(crate) probe: Probe,
    pub(crate) trust: Trust,
    /// Publish nodes and receive nodes to use first, as the network was told.
    preferred: (Vec<NodeNumber>, Vec<NodeNumber>),
    pub(crate) connectivity: Connectivity,
    /// When it is said that no node can be reached; `None`: one can, or it was said.
    pub(crate) offline_ms: Option<i64>,
    /// It was said that a node belongs to another network.
    pub(crate) other_network: bool,
    pub(crate) foreground: bool,
    /// What the host said of power and network.
    pub(crate) charging: bool,
    pub(crate) unmetered: bool,
    /// Relay mode was asked for.
    pub(crate) relaying: bool,
    pub(crate) closing: bool,
    /// The own topics,
    pub(crate) topics: Vec<String>,
    /// and those of them that are subscribed to.
    pub(crate) heard: Vec<String>,
    pub(crate) meter: Meter,
    /// Polled messages up to the first time, Unix milliseconds, were counted before; with the poll under way, up to the
    /// second.
    pub(crate) counted_ms: (i64, i64),
    pub(crate) held: Held,
    /// A bucket that was left is asked for again.
    pub(crate) poll_ms: i64,
    /// Nothing was missed since the last catch-up.
    pub(crate) caught_up: bool,
    /// Catch-ups up to this query began before something was missed last: their end is not the end.
    too_early: u64,
    pub(crate) catch_up_after_ms: i64,
    /// The last push or relayed message, or the end of the last catch-up by turns: others may ask a bad store each
    /// time.
    pub(crate) quiet_since_ms: i64,
    /// Where the stretches begin, corrected time, that the last catch-ups were for, oldest first.
    asked_ms: VecDeque<i64>,
    pub(crate) catch_up_tries: u32,
    /// Outbox rows handed over, unanswered.
    pub(crate) in_flight: HashSet<i64>,
    pub(crate) checking: HashSet<i64>,
    /// By outbox row, since it was taken last.
    pub(crate) tries: HashMap<i64, Tries>,
    /// Some of them failed because no node had relay peers.
    pub(crate) unrelayed: bool,
    pub(crate) queries: HashMap<u64, Query>,
    /// Cards found so far, by question.
    pub(crate) finds: HashMap<u64, Found>,
    next_query: u64,
    /// Waiting envelopes to be opened now.
    pub(crate) matched: VecDeque<Hash>,
    /// When sessions were looked through last for what waits.
    pub(crate) looked_ms: i64,
    pub(crate) received: u32,
    /// Callers of a sync, and how much had been received before.
    pub(crate) syncs: Vec<(Ticket, u32)>,
    /// Times in a row that no node to publish to was reached, and until when that is not tried again.
    publish_tries: u32,
    publish_after_ms: i64,
    pub(crate) work_after_ms: i64,
    pub(crate) expire_after_ms: i64,
    /// Until when a job is not done that ended in a bug.
    pub(crate) put_off: HashMap<Job, i64>,
    pub(crate) wake: Option<i64>,
}

impl Live {
    /// Takes in what shows whom to trust, and says what follows.
    pub(crate) fn trusted(&mut self, told: Vec<Told>) -> Vec<Command> {
        for one in told {
            self.trust.told(one);
        }
        let judged = self.trust.judge().into_iter();
        let mut commands: Vec<Command> = judged.map(|(node, of_use)| Command::Judge { node, of_use }).collect();
        let preferred = (self.trust.preferred(), self.trust.bringers().to_vec());
        if preferred != self.preferred {
            self.preferred.clone_from(&preferred);
            let (publish, receive) = preferred;
            commands.push(Command::Prefer { publish, receive });
        }
        commands
    }

    /// Nodes to publish through.
    pub(crate) fn publish_nodes(&self) -> u32 {
        self.connectivity.publish_nodes
    }

    /// From when on rows may be handed over, milliseconds; `None`: something has to come back first. The network
    /// connects to a node because something is to be published, so no node now is no reason to wait; none reached
    /// last time is: then one row at a time finds out, ever more rarely.
    pub(crate) fn publish_from(&self) -> Option<i64> {
        if self.in_flight.len() >= IN_FLIGHT {
            None
        } else if !self.unreached() {
            Some(i64::MIN)
        } else {
            self.in_flight.is_empty().then_some(self.publish_after_ms)
        }
    }

    /// How many rows may be handed over.
    pub(crate) fn slots(&self) -> u32 {
        if self.unreached() {
            return 1;
        }
        u32::try_from(IN_FLIGHT.saturating_sub(self.in_flight.len())).unwrap_or(0)
    }

    fn unreached(&self) -> bool {
        self.publish_nodes() == 0 && self.publish_tries > 0
    }

    /// No node of the publish circle was reached.
    pub(crate) fn publish_failed(&mut self, now_ms: i64) {
        if now_ms >= self.publish_after_ms {
            self.publish_after_ms = now_ms.saturating_add(schedule::PUBLISH_UNREACHED.plain(self.publish_tries));
            self.publish_tries = self.publish_tries.saturating_add(1);
        }
    }

    /// There is reason to hope for a node again.
    pub(crate) fn publish_anew(&mut self) {
        self.publish_tries = 0;
        self.publish_after_ms = 0;
        self.probe.anew();
    }

    /// From when on the store is to be asked for what came on the own topics, if that is possible.
    pub(crate) fn catch_up_from(&self) -> i64 {
        let from = match self.caught_up {
            false => i64::MIN,
            true => self.quiet_since_ms.saturating_add(schedule::QUIET),
        };
        from.max(self.catch_up_after_ms)
    }

    /// Somebody opens the app, and may wait for something.
    pub(crate) fn opened(&mut self, now_ms: i64) {
        self.catch_up_after_ms = 0;
        self.catch_up_tries = 0;
        if now_ms.saturating_sub(self.quiet_since_ms) >= schedule::QUIET_OPENED {
            self.quiet_since_ms = now_ms.saturating_sub(schedule::QUIET);
        }
    }

    /// Since when, corrected time, a store is asked when all is quiet: others may have left out what came then.
    pub(crate) fn asked_since(&self) -> Option<i64> {
        self.asked_ms.iter().min().copied()
    }

    /// Takes in what the network says of reachability.
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

    /// Is a question of this kind under way?
    pub(crate) fn asks(&self, what: impl Fn(&What) -> bool) -> bool {
        self.queries.values().any(|query| what(&query.what))
    }

    /// The command for a question; its answers come with the id.
    pub(crate) fn ask(&mut self, query: Query, found: Option<Found>) -> Command {
        self.next_query = self.next_query.wrapping_add(1);
        let id = self.next_query;
        let command = Command::Query {
            id,
            circle: query.circle,
            topics: query.topics.clone(),
            start_ns: cut(query.start_ms, START_MS),
            end_ns: query.end_ms.map(|end_ms| cut(end_ms.saturating_add(END_MS), END_MS)),
            newest_first: query.newest_first,
        };
        self.queries.insert(id, query);
        self.finds.extend(found.map(|found| (id, found)));
        command
    }

    /// Something may have been missed until now.
    pub(crate) fn missed(&mut self) {
        self.caught_up = false;
        self.too_early = self.next_query;
    }

    /// The last page came of a catch-up for what came after `covered_ms`, corrected time; with the stretches before it
    /// when it was by turns.
    pub(crate) fn catch_up_ended(&mut self, query: u64, (covered_ms, by_turns): (i64, bool), now_ms: i64) {
        self.caught_up = query > self.too_early;
        self.catch_up_tries = 0;
        self.quiet_if(by_turns, now_ms);
        match self.asked_ms.back_mut() {
            // The next by turns is for this stretch too.
            Some(last) if !by_turns => *last = covered_ms.min(*last),
            _ => self.asked_ms.push_back(covered_ms),
        }
        if self.asked_ms.len() > STORES {
            self.asked_ms.pop_front();
        }
    }

    fn quiet_if(&mut self, by_turns: bool, now_ms: i64) {
        if by_turns || self.quiet_since_ms == 0 {
            self.quiet_since_ms = now_ms;
        }
    }

    /// A caller waits until everything is caught up and sent. What was caught up before may be long ago: the process
    /// may have been asleep.
    pub(crate) fn wait_for_sync(&mut self, ticket: Ticket) {
        self.missed();
        self.catch_up_after_ms = 0;
        self.publish_anew();
        self.syncs.push((ticket, self.received));
    }

    /// Another network: what failed before says nothing.
    pub(crate) fn network_changed(&mut self) {
        self.tries.clear();
        self.publish_anew();
        self.catch_up_after_ms = 0;
        self.catch_up_tries = 0;
        self.missed();
    }

    /// The next catch-up, after one failed.
    pub(crate) fn catch_up_failed(&mut self, by_turns: bool, now_ms: i64) {
        let failed = match self.foreground || is_on(&self.connectivity) {
            true => &schedule::CATCH_UP_FAILED,
            false => &schedule::CATCH_UP_OFFLINE,
        };
        self.catch_up_after_ms = now_ms.saturating_add(failed.plain(self.catch_up_tries));
        self.catch_up_tries = self.catch_up_tries.saturating_add(1);
        self.quiet_if(by_turns, now_ms);
    }

    /// What is due failed, and still is due.
    pub(crate) fn work_failed(&mut self, now_ms: i64) {
        self.work_after_ms = now_ms.saturating_add(schedule::WORK_FAILED);
    }

    /// The disk is full or broken: what came in meanwhile has to be fetched again.
    pub(crate) fn storage_failed(&mut self, now_ms: i64) {
        self.work_failed(now_ms);
        self.caught_up = false;
        self.catch_up_after_ms = self.work_after_ms;
        // Pages still to come must not count as all there was.
        self.queries.retain(|_, query| !matches!(query.what, What::CatchUp { .. }));
    }
}

fn is_on(now: &Connectivity) -> bool {
    now.publish_nodes + now.receive_nodes + now.relay_peers > 0
}

/// A time in milliseconds as a multiple of `unit_ms` below it, in nanoseconds.
fn cut(ms: i64, unit_ms: i64) -> i64 {
    ms.saturating_sub(ms.rem_euclid(unit_ms)).saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_net::Circle;

    #[test]
    fn a_question_begins_at_ten_minutes_and_ends_at_the_minute() {
        let mut live = Live::default();
        let mut bounds = |start_ms, end_ms| {
            let query = Query {
                what: What::Hole,
                circle: Circle::Receive,
                topics: Vec::new(),
                start_ms,
                end_ms,
                newest_first: false,
            };
            match live.ask(query, None) {
                Command::Query { start_ns, end_ns, .. } => (start_ns / 1_000_000, end_ns.map(|end| end / 1_000_000)),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(bounds(1_234_567, Some(1_261_234)), (1_200_000, Some(1_320_000)));
        assert_eq!(bounds(1_200_000, None), (1_200_000, None));
        assert_eq!(bounds(1_199_999, Some(0)), (600_000, Some(60_000)));
    }
}
