//! Memory of one run about parcels.

use std::collections::{HashMap, HashSet};

use crate::engine::base::schedule;
use crate::engine::post::parcel::Tries;

const IN_FLIGHT: usize = 32;

#[derive(Default)]
pub(crate) struct Posted {
    pub(crate) in_flight: HashSet<i64>,
    pub(crate) checking: HashSet<i64>,
    /// Failed attempts of parcels since each was last accepted.
    pub(crate) tries: HashMap<i64, Tries>,
    /// Whether some failed because no node had relay peers.
    pub(crate) unrelayed: bool,
    /// How often in a row no publish node was reached, and until when that is not retried.
    unreached: u32,
    after_ms: i64,
}

impl Posted {
    /// When parcels may be handed over, milliseconds; `None` while something has to come back first. The network
    /// connects to a node because something is to be published, so no node now is no reason to wait. If none was
    /// reached last time, one parcel at a time tries again, with growing waits.
    pub(crate) fn hand_over_ms(&self, nodes: u32) -> Option<i64> {
        if self.in_flight.len() >= IN_FLIGHT {
            None
        } else if nodes > 0 || self.unreached == 0 {
            Some(i64::MIN)
        } else {
            self.in_flight.is_empty().then_some(self.after_ms)
        }
    }

    pub(crate) fn slots(&self, nodes: u32) -> u32 {
        if nodes == 0 && self.unreached > 0 {
            return 1;
        }
        u32::try_from(IN_FLIGHT.saturating_sub(self.in_flight.len())).unwrap_or(0)
    }

    pub(crate) fn failed(&mut self, now_ms: i64) {
        if now_ms >= self.after_ms {
            self.after_ms = now_ms.saturating_add(schedule::PUBLISH_UNREACHED.plain(self.unreached));
            self.unreached = self.unreached.saturating_add(1);
        }
    }

    /// A node may be reachable again.
    pub(crate) fn anew(&mut self) {
        self.unreached = 0;
        self.after_ms = 0;
    }
}
