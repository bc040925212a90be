use std::collections::BTreeSet;

use super::Receipt;
use crate::read::Reader;

/// How far beyond the contiguous part single counters are remembered.
pub const WINDOW: u32 = 8192;

/// The counters of one session that have arrived: all up to a number, and single ones in the [`WINDOW`] beyond it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeqTracker {
    contiguous: u32,
    above: BTreeSet<u32>,
}

/// Result of [`SeqTracker::record`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The counter is new, and now remembered.
    New,
    /// The counter arrived before, or the sender's floor passed it.
    Known,
    /// Beyond the window: not remembered, so not receipted. The sender sends it again under a later counter.
    Beyond,
}

/// Stored bytes are not a tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed counter state")]
pub struct SeqTrackerError;

impl SeqTracker {
    /// A tracker without counters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records `seq` (from 1). `floor` is the sender's lowest open counter: lower ones count as arrived.
    pub fn record(&mut self, seq: u32, floor: u32) -> Seen {
        let known = self.has(seq);
        self.raise(floor.min(seq));
        if known {
            return Seen::Known;
        }
        if seq > self.contiguous.saturating_add(WINDOW) {
            return Seen::Beyond;
        }
        self.above.insert(seq);
        self.settle();
        Seen::New
    }

    /// Whether `seq` has arrived or counts as arrived.
    pub fn has(&self, seq: u32) -> bool {
        seq <= self.contiguous || self.above.contains(&seq)
    }

    /// The receipt to send.
    pub fn receipt(&self, session: [u8; 4]) -> Receipt {
        Receipt::new(session, self.contiguous, self.above.iter().copied())
    }

    /// The bytes to store: `contiguous 4 ‖ the others, 4 each, ascending`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let all = std::iter::once(&self.contiguous).chain(&self.above);
        all.flat_map(|seq| seq.to_be_bytes()).collect()
    }

    /// Reads the bytes of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SeqTrackerError> {
        let mut reader = Reader::new(bytes);
        let contiguous = reader.u32().map_err(|_| SeqTrackerError)?;
        let reach = contiguous.saturating_add(WINDOW);
        let mut above = BTreeSet::new();
        // The first counter above the contiguous part is missing; otherwise it would belong to it.
        let mut last = contiguous.saturating_add(1);
        while reader.left() > 0 {
            let seq = reader.u32().map_err(|_| SeqTrackerError)?;
            if seq <= last || seq > reach {
                return Err(SeqTrackerError);
            }
            above.insert(seq);
            last = seq;
        }
        Ok(Self { contiguous, above })
    }

    /// Counts all counters below `floor` as arrived.
    fn raise(&mut self, floor: u32) {
        let had = floor.saturating_sub(1);
        if had > self.contiguous {
            self.contiguous = had;
            self.above = self.above.split_off(&floor);
            self.settle();
        }
    }

    /// Moves the contiguous part up over arrived counters.
    fn settle(&mut self) {
        while let Some(next) = self.contiguous.checked_add(1)
            && self.above.remove(&next)
        {
            self.contiguous = next;
        }
    }
}
