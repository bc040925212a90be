//! Store queries, and the effect of their pages.

use sotto_db::NEVER;
use sotto_net::{Circle, Received};

use crate::engine::Engine;
use crate::engine::base::schedule::{DAY, MINUTE};
use crate::engine::file::preview;
use crate::engine::group::{open, repair};
use crate::engine::hear::query::{Query, What};
use crate::engine::hear::{bucket, incoming};
use crate::engine::input::Effect;
use crate::engine::keys::deep;
use crate::engine::keys::found::Found;
use crate::engine::live::is_on;
use crate::engine::people::cards;
use crate::error::Error;

/// Overlap of catch-ups, for clocks and stores that lag.
const OVERLAP_MS: i64 = MINUTE;
impl Engine {
    /// Hears the topics of the groups that this device reads now.
    pub(crate) fn hear_groups(&mut self) -> Result<(), Error> {
        self.live.group_buckets = self.group_buckets()?;
        self.subscribe();
        Ok(())
    }

    /// The buckets of the groups that this device reads, each once.
    pub(crate) fn group_buckets(&self) -> Result<Vec<[u8; 8]>, Error> {
        let rows = self.db.read(|tx| tx.groups.all())?;
        let mut buckets: Vec<_> = rows.iter().filter(|row| open::hears(row.state)).map(|row| row.bucket).collect();
        buckets.sort_unstable();
        buckets.dedup();
        Ok(buckets)
    }

    pub(crate) fn page(&mut self, id: u64, messages: Vec<Received>, last: bool, more: bool) -> Result<(), Error> {
        let Some(query) = self.live.hear.queries.get(&id) else {
            return Ok(());
        };
        let what = query.what.clone();
        let stamps_ms = messages.iter().map(|one| one.timestamp_ns / 1_000_000);
        let newest_ms = stamps_ms.max().unwrap_or(0);
        let ahead = self.live.clock.is_ahead(newest_ms, self.now_ms);
        if ahead && !self.live.clock.is_proven() && !matches!(what, What::Probe { .. }) {
            let hint_ms = newest_ms.saturating_sub(self.now_ms);
            self.live.probe.doubt(self.now_ms, Some(hint_ms));
        }
        if let Some(found) = self.live.finds.get_mut(&id) {
            found.keep(&messages, self.live.clock.correct(self.now_ms).cast_unsigned() / 1000);
        }
        let mut found = None;
        if last && let Some(query) = self.live.hear.queries.remove(&id) {
            found = self.live.finds.remove(&id);
            if found.as_mut().is_some_and(Found::look_again) {
                self.out.push(Effect::Net(self.live.ask(query, found)));
                return Ok(());
            }
        }
        let found = found.map(Found::cards);
        match what {
            What::CatchUp { started_ms, covered_ms, by_turns } => {
                let of = (id, started_ms, covered_ms, by_turns);
                self.came(of, &messages, last)
            }
            What::Hole => {
                self.take_all(&messages)?;
                if last { self.look_at_all() } else { Ok(()) }
            }
            What::Group { group } => {
                self.take_all(&messages)?;
                if last {
                    self.run(|step| repair::past_at(step, &group, NEVER))?;
                    self.look_at_all()?;
                }
                Ok(())
            }
            What::Probe { id } => self.probe_page(id, Some((&messages, last))),
            What::File { job } => self.file_page(job, messages, last.then_some(more)),
            What::Preview { file } => self.run(|step| preview::page(step, &file, messages)),
            What::Cards { chat } => match found {
                Some(found) => self.run(|step| cards::fetched(step, &chat, Some(found))),
                None => Ok(()),
            },
            What::OwnList => match found {
                Some(found) => self.run(|step| cards::own_list(step, found)),
                None => Ok(()),
            },
        }
    }

    /// A page of the own topics. `of`: the query, when it was asked, the coverage before, whether in round-robin.
    fn came(
        &mut self,
        (id, started_ms, covered_ms, by_turns): (u64, i64, i64, bool),
        messages: &[Received],
        last: bool,
    ) -> Result<(), Error> {
        let newest_ms = messages.iter().map(|one| one.timestamp_ns / 1_000_000).max().unwrap_or(0);
        let proven = self.live.clock.is_proven();
        if self.polls() {
            // The overlap with the last catch-up was counted then.
            let (counted_ms, _) = self.live.hear.counted_ms;
            let new = |one: &&Received| {
                let at_ms = one.timestamp_ns / 1_000_000;
                at_ms >= covered_ms && at_ms > counted_ms
            };
            for message in messages.iter().filter(new) {
                self.live.hear.meter.add(self.now_ms, message.payload.len());
            }
            let newest_ms = newest_ms.min(started_ms);
            self.live.hear.counted_ms.1 = self.live.hear.counted_ms.1.max(newest_ms);
        }
        self.take_all(messages)?;
        self.run(|step| {
            let covered = step.tx.coverage.until_ms()?;
            // An unproven clock may be ahead, so the coverage goes up to the newest message and no further.
            let until = if proven { started_ms } else { newest_ms.min(started_ms).max(covered_ms) };
            // A future time comes from a clock that was wrong then.
            if last && !(until..=step.clock_ms).contains(&covered) {
                incoming::covered(step, until)?;
            }
            Ok(())
        })?;
        if last {
            self.live.hear.counted_ms.0 = self.live.hear.counted_ms.1;
            self.live.hear.catch_up_ended(id, (covered_ms, by_turns), self.now_ms);
            self.release()?;
            self.live.hear.poll_ms = self.now_ms.saturating_add(bucket::poll_ms(self.live.foreground));
            self.weigh_bucket()?;
            self.look_at_all()?;
        }
        Ok(())
    }

    pub(crate) fn query_failed(&mut self, id: u64) -> Result<(), Error> {
        self.live.finds.remove(&id);
        match self.live.hear.queries.remove(&id).map(|query| query.what) {
            Some(What::CatchUp { by_turns, .. }) => {
                let reachable = self.live.foreground || is_on(&self.live.connectivity);
                self.live.hear.catch_up_failed(by_turns, reachable, self.now_ms);
                Ok(())
            }
            Some(What::Cards { chat }) => self.run(|step| cards::fetched(step, &chat, None)),
            Some(What::Probe { id }) => self.probe_page(id, None),
            Some(What::File { job }) => self.file_search_failed(job),
            // The others have their next time already.
            Some(What::OwnList | What::Preview { .. } | What::Hole | What::Group { .. }) | None => Ok(()),
        }
    }

    /// When a store is to be asked for the own topics; `None`: not now. A polled bucket has a connection made for it.
    pub(crate) fn catch_up_from(&self) -> Option<i64> {
        let now = &self.live.connectivity;
        let catching_up = self.live.hear.asks(|what| matches!(what, What::CatchUp { .. }));
        let ready = if self.polls() { !self.live.hear.caught_up } else { now.subscribed && now.store };
        let topics = !self.live.hear.topics.is_empty(); // none after the account was restored elsewhere
        (topics && ready && !catching_up).then(|| self.live.hear.catch_up_from())
    }

    pub(crate) fn catch_up(&mut self) -> Result<(), Error> {
        // All is quiet: the periods that other stores were asked for are asked again; those may leave out messages.
        let by_turns = self.live.hear.caught_up;
        let (circle, before) = match by_turns {
            true => (Circle::Other, self.live.hear.asked_since()),
            false => (Circle::Receive, None),
        };
        let topics = self.live.hear.topics.clone();
        self.run(|step| {
            let oldest = step.clock_ms.saturating_sub(step.retention_ms());
            let covered = step.tx.coverage.until_ms()?;
            let covered = if covered > step.clock_ms {
                step.clock_ms.saturating_sub(3 * DAY) // of a clock that was wrong then
            } else {
                covered
            };
            let from = before.map_or(covered, |before| before.min(covered));
            // Pushes dated ahead can move the corrected time, so the time by the device's clock is asked for too.
            let moved = step.clock_ms.saturating_sub(step.now_ms).saturating_abs();
            let moved = if step.unproven { moved } else { 0 };
            let overlap = OVERLAP_MS.saturating_add(moved.min(DAY));
            let what = What::CatchUp { started_ms: step.clock_ms, covered_ms: covered, by_turns };
            step.queries.push(Query {
                what,
                circle,
                topics,
                start_ms: from.saturating_sub(overlap).max(oldest),
                end_ms: None,
                newest_first: false,
                most_bytes: None,
                from_ns: None,
            });
            Ok(())
        })
    }

    /// When the next deep search is due with the app open. In the background the end of a catch-up searches.
    pub(crate) fn look_from(&self) -> Option<i64> {
        let wanted = self.live.foreground && self.index.is_behind();
        wanted.then(|| {
            let looked_ms = self.live.looked_ms.min(self.now_ms);
            looked_ms.saturating_add(deep::distance_ms(self.index.sessions()))
        })
    }

    /// Searches all sessions: no further page is on its way.
    pub(crate) fn look_at_all(&mut self) -> Result<(), Error> {
        self.look_deep(usize::MAX)
    }

    pub(crate) fn look_deep(&mut self, at_most: usize) -> Result<(), Error> {
        if !self.index.is_behind() {
            return Ok(());
        }
        let Self { db, index, live, .. } = self;
        live.looked_ms = self.now_ms;
        let matched = db.read(|tx| index.look_deep(tx, at_most))?;
        live.matched.extend(matched);
        Ok(())
    }
}
