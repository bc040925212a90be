//! When the own relay runs, on which shards, and whether it serves neighbours.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::pace::Pace;
use crate::config::Timing;
use crate::service::NodeEvent;

/// Wanted mesh peers, as in gossipsub.
const MESH: u32 = 4;
/// Longest wait before a retry.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

#[derive(Debug)]
struct Running {
    shards: BTreeSet<u16>,
    /// Whether it listens where it should.
    serves: bool,
    /// Mesh peers of the shard with the fewest.
    mesh: u32,
    /// When it last had as many mesh peers as wanted, else when it started.
    low_since: Instant,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Todo {
    /// Stop the relay and report it ([`RelayMode::end`]).
    End,
    /// Start a relay; whether it listens for neighbours.
    Start(bool),
}

#[derive(Debug)]
pub(super) struct RelayMode {
    timing: Timing,
    wanted: bool,
    running: Option<Running>,
    /// Waits after the relay did not start, or stopped by itself.
    start: Pace,
    /// Waits after it could not listen for neighbours.
    listen: Pace,
}

impl RelayMode {
    pub(super) fn new(timing: Timing) -> Self {
        Self { timing, wanted: false, running: None, start: Pace::default(), listen: Pace::default() }
    }

    pub(super) fn want(&mut self, on: bool) {
        self.wanted = on;
        self.forgive();
    }

    /// Earlier failures mean nothing any more.
    pub(super) fn forgive(&mut self) {
        (self.start, self.listen) = Default::default();
    }

    /// The step to take now, one for each call: the shards of the wanted topics are relayed, or nothing is. A relay
    /// that could not listen is restarted with listeners only when the address `is_free`, because a restart costs its
    /// connections.
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

    /// When a step is due without further events. `shards`: of the wanted topics.
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

    /// The relay was stopped; returns how many peers it had.
    pub(super) fn end(&mut self) -> Option<u32> {
        self.running.take().map(|running| running.mesh)
    }

    /// The relay did not start, or stopped by itself.
    pub(super) fn failed(&mut self, now: Instant) {
        self.start.again(self.timing.redial, LONGEST_WAIT, now);
    }

    /// Takes an event of the relay; true if it has to stop.
    pub(super) fn said(&mut self, event: &NodeEvent, now: Instant) -> bool {
        match (event, &mut self.running) {
            (NodeEvent::Peers { mesh, .. }, Some(running)) => {
                if running.mesh >= MESH {
                    running.low_since = now;
                }
                running.mesh = *mesh;
                if *mesh > 0 {
                    self.start = Pace::default();
                }
            }
            (NodeEvent::Listening(_), Some(running)) if running.serves => self.listen = Pace::default(),
            (NodeEvent::ListenFailed(_), _) => {
                log::warn!("no neighbour is served: the listen address is not free");
                self.listen.again(self.timing.redial, LONGEST_WAIT, now); // and restart without listeners
            }
            (NodeEvent::Stopped, _) => {
                log::error!("relay mode ended by itself");
                self.failed(now);
            }
            _ => {}
        }
        matches!(event, NodeEvent::ListenFailed(_) | NodeEvent::Stopped)
    }

    /// Mesh peers of the shard with the fewest.
    pub(super) fn mesh(&self) -> u32 {
        self.running.as_ref().map_or(0, |running| running.mesh)
    }

    /// Whether the mesh has had few peers for so long that the known nodes had time to join.
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

    /// The steps for free and for taken listen addresses.
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
        assert!(mode.said(&NodeEvent::ListenFailed(0), now));
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
        mode.said(&NodeEvent::Listening(Vec::new()), second);
        mode.said(&NodeEvent::ListenFailed(0), second);
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
