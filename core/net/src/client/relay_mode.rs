//! When a node of our own relays, on which shards, and whether it serves neighbours.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::pace::Retry;
use crate::config::Timing;
use crate::service::NodeEvent;

/// Mesh peers wanted, as gossipsub does.
const MESH: u32 = 4;
/// Longest wait before what failed is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

#[derive(Debug)]
struct Running {
    shards: BTreeSet<u16>,
    /// It listens where it is to listen.
    serves: bool,
    /// Peers in the mesh of the shard with fewest.
    mesh: u32,
    /// When there were last as many as are wanted, else when it began.
    low_since: Instant,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Todo {
    /// End the relay, and say so ([`RelayMode::end`]).
    End,
    /// Start one; whether it is to listen for neighbours.
    Start(bool),
}

#[derive(Debug)]
pub(super) struct RelayMode {
    timing: Timing,
    wanted: bool,
    running: Option<Running>,
    /// After the relay did not start, or ended by itself.
    start: Retry,
    /// After it could not listen for neighbours.
    listen: Retry,
}

impl RelayMode {
    pub(super) fn new(timing: Timing) -> Self {
        Self { timing, wanted: false, running: None, start: Retry::default(), listen: Retry::default() }
    }

    pub(super) fn want(&mut self, on: bool) {
        self.wanted = on;
        self.forgive();
    }

    /// What failed before says nothing any more.
    pub(super) fn forgive(&mut self) {
        (self.start, self.listen) = Default::default();
    }

    /// What to do now, one thing a call: the shards of the wanted topics are relayed, or nothing. A relay that could
    /// not
    /// listen begins anew with it, but only once the address `is_free`: it costs its connections.
    pub(super) fn next(&mut self, shards: &BTreeSet<u16>, is_free: impl Fn() -> bool, now: Instant) -> Option<Todo> {
        let none = !self.wanted || shards.is_empty();
        if let Some(running) = &self.running {
            let silent = !running.serves && self.listen.waits(now).is_none();
            if none || running.shards != *shards || (silent && is_free()) {
                return Some(Todo::End);
            }
            if silent {
                self.listen.again(self.timing.redial, LONGEST_WAIT, now);
            }
            return None;
        }
        if none || self.start.waits(now).is_some() {
            return None;
        }
        let serves = self.listen.waits(now).is_none();
        self.running = Some(Running { shards: shards.clone(), serves, mesh: 0, low_since: now });
        Some(Todo::Start(serves))
    }

    /// When there is something to do although nothing happens. `shards`: of the wanted topics.
    pub(super) fn deadline(&self, shards: &BTreeSet<u16>, now: Instant) -> Option<Instant> {
        match &self.running {
            Some(running) => {
                let listen = self.listen.waits(now).filter(|_| !running.serves);
                let lonely = Some(running.low_since + self.timing.discover);
                listen.into_iter().chain(lonely.filter(|at| running.mesh < MESH && *at > now)).min()
            }
            None => self.start.waits(now).filter(|_| self.wanted && !shards.is_empty()),
        }
    }

    /// The relay is ended; how many peers it had, should there have been one.
    pub(super) fn end(&mut self) -> Option<u32> {
        self.running.take().map(|running| running.mesh)
    }

    /// It did not start, or ended by itself.
    pub(super) fn failed(&mut self, now: Instant) {
        self.start.again(self.timing.redial, LONGEST_WAIT, now);
    }

    /// Takes in what it says of itself; true if it has to end.
    pub(super) fn said(&mut self, event: &NodeEvent, now: Instant) -> bool {
        match (event, &mut self.running) {
            (NodeEvent::Peers { mesh, .. }, Some(running)) => {
                if running.mesh >= MESH {
                    running.low_since = now;
                }
                running.mesh = *mesh;
                if *mesh > 0 {
                    self.start = Retry::default();
                }
            }
            (NodeEvent::Listening { .. }, Some(running)) if running.serves => self.listen = Retry::default(),
            (NodeEvent::ListenFailed { .. }, _) => {
                log::warn!("no neighbour is served: the listen address is not free");
                self.listen.again(self.timing.redial, LONGEST_WAIT, now); // and begin again without it
            }
            (NodeEvent::Stopped, _) => {
                log::error!("relay mode ended by itself");
                self.failed(now);
            }
            _ => {}
        }
        matches!(event, NodeEvent::ListenFailed { .. } | NodeEvent::Stopped)
    }

    /// Peers in the mesh of the shard with fewest.
    pub(super) fn mesh(&self) -> u32 {
        self.running.as_ref().map_or(0, |running| running.mesh)
    }

    /// Whether there are few others in the mesh, for so long that those known had their time to come.
    pub(super) fn lonely(&self, now: Instant) -> bool {
        let low = self.running.as_ref().filter(|running| running.mesh < MESH);
        low.is_some_and(|running| running.low_since + self.timing.discover <= now)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn shards() -> BTreeSet<u16> {
        BTreeSet::from([0])
    }

    /// What is to be done where listen addresses are free or taken.
    fn next(mode: &mut RelayMode, is_free: bool, now: Instant) -> Option<Todo> {
        mode.next(&shards(), || is_free, now)
    }

    fn peers(mesh: u32) -> NodeEvent {
        NodeEvent::Peers { connected: mesh, relays: mesh, mesh }
    }

    fn started(now: Instant) -> RelayMode {
        let mut mode = RelayMode::new(Timing::default());
        assert_eq!(next(&mut mode, true, now), None, "not wanted");
        mode.want(true);
        assert_eq!(mode.next(&BTreeSet::new(), || true, now), None, "no topic is wanted");
        assert_eq!(next(&mut mode, true, now), Some(Todo::Start(true)));
        assert_eq!(next(&mut mode, true, now), None);
        mode
    }

    #[test]
    fn a_relay_that_ended_is_begun_again_ever_more_rarely() {
        let mut now = Instant::now();
        let mut mode = started(now);
        for failures in 0..20 {
            assert!(mode.said(&NodeEvent::Stopped, now));
            assert_eq!(mode.end(), Some(0));
            let wait = mode.deadline(&shards(), now).unwrap() - now;
            let base = Duration::from_secs(1 << failures).min(LONGEST_WAIT);
            assert!(wait >= base / 2 && wait <= base * 3 / 2, "{wait:?}");
            assert_eq!(next(&mut mode, true, now + wait - SECOND / 9), None);
            now += wait;
            assert_eq!(next(&mut mode, true, now), Some(Todo::Start(true)));
        }
        mode.said(&NodeEvent::Stopped, now);
        mode.end();
        mode.forgive();
        assert_eq!(next(&mut mode, true, now), Some(Todo::Start(true)));
        mode.said(&peers(1), now);
        mode.said(&NodeEvent::Stopped, now);
        mode.end();
        assert!(mode.deadline(&shards(), now).unwrap() <= now + 2 * SECOND, "it had somebody to relay to");
        assert_eq!(mode.deadline(&BTreeSet::new(), now), None);
    }

    #[test]
    fn other_shards_or_none_end_it() {
        let now = Instant::now();
        let mut mode = started(now);
        mode.said(&peers(3), now);
        assert_eq!(mode.next(&BTreeSet::from([1]), || true, now), Some(Todo::End));
        assert_eq!(mode.end(), Some(3));
        assert_eq!(mode.next(&BTreeSet::from([1]), || true, now), Some(Todo::Start(true)));
        mode.want(false);
        assert_eq!(mode.next(&BTreeSet::from([1]), || true, now), Some(Todo::End));
        assert_eq!((mode.end(), mode.end(), mode.mesh()), (Some(0), None, 0));
        assert_eq!(next(&mut mode, true, now), None);
    }

    #[test]
    fn it_relays_without_serving_until_the_address_is_free() {
        let now = Instant::now();
        let mut mode = started(now);
        assert!(mode.said(&NodeEvent::ListenFailed { index: 0 }, now));
        mode.end();
        assert_eq!(next(&mut mode, true, now), Some(Todo::Start(false)));
        mode.said(&peers(9), now);
        assert_eq!(next(&mut mode, true, now), None, "not so soon");
        let first = mode.deadline(&shards(), now).unwrap();
        assert_eq!(next(&mut mode, false, first), None);
        let second = mode.deadline(&shards(), first).unwrap();
        assert!(second - first >= SECOND, "it waits longer");
        assert_eq!(next(&mut mode, true, second), Some(Todo::End));
        mode.end();
        assert_eq!(next(&mut mode, true, second), Some(Todo::Start(true)));
        mode.said(&NodeEvent::Listening { addresses: Vec::new() }, second);
        mode.said(&NodeEvent::ListenFailed { index: 0 }, second);
        mode.end();
        next(&mut mode, true, second);
        mode.said(&peers(9), second);
        assert!(mode.deadline(&shards(), second).unwrap() <= second + 2 * SECOND, "it had listened");
    }

    #[test]
    fn it_is_lonely_only_when_it_long_had_few() {
        let begin = Instant::now();
        let mut mode = started(begin);
        let patience = mode.timing.discover;
        assert!(!mode.lonely(begin + patience / 2));
        assert_eq!(mode.deadline(&shards(), begin), Some(begin + patience));
        assert!(mode.lonely(begin + patience));
        mode.said(&peers(MESH), begin + patience);
        assert!(!mode.lonely(begin + 9 * patience));
        assert_eq!(mode.deadline(&shards(), begin), None);
        mode.said(&peers(MESH - 1), begin + 9 * patience);
        assert!(!mode.lonely(begin + 10 * patience - SECOND));
        assert!(mode.lonely(begin + 10 * patience));
    }
}
