//! Transfers of files: what the disk and the network answer, and which transfer goes on.

use std::collections::BTreeMap;

use sotto_db::{FileId, FileRole, FileState, Next};
use sotto_net::{Command, FailReason, NodeNumber, Received};

use crate::disk::{Done, Order, Trouble};
use crate::engine::Engine;
use crate::engine::file::memory::{Begun, Search, Work};
use crate::engine::file::{down, preview, up};
use crate::engine::hear::query::What;
use crate::engine::input::Effect;
use crate::engine::talk::state;
use crate::error::Error;
use crate::event::Event;
use crate::view;

/// Rows of each direction that are looked at for the next transfer: those that wait, and those that cannot begin yet.
const LOOKED_AT: u32 = 80;

impl Engine {
    pub(super) fn begin(&mut self, begun: Vec<Begun>) {
        for Begun { job, file, work, order } in begun {
            self.live.files.begin(job, file, work);
            self.out.extend(order.map(Effect::Disk));
        }
    }

    /// The next transfers that can go on, each with its time.
    fn next_files(&self) -> Result<Vec<Next>, Error> {
        let of = |state| self.db.read(|tx| tx.files.next(state, LOOKED_AT));
        let rows = [of(FileState::Coming)?, of(FileState::Going)?].into_iter().flatten();
        let publish_ms = self.live.post.hand_over_ms(self.live.connectivity.publish_nodes);
        let from = |next: Next| {
            let from_ms = match next.state {
                FileState::Going => publish_ms?,
                _ => self.live.connectivity.store.then_some(i64::MIN)?,
            };
            self.live.files.has_room(&next).then(|| Next { due_ms: next.due_ms.max(from_ms), ..next })
        };
        Ok(rows.filter_map(from).collect())
    }

    pub(super) fn files_from(&self) -> Result<Option<i64>, Error> {
        Ok(self.next_files()?.into_iter().map(|next| next.due_ms).min())
    }

    pub(super) fn do_files(&mut self) -> Result<(), Error> {
        for next in self.next_files()? {
            if next.due_ms <= self.now_ms && self.live.files.has_room(&next) {
                self.run(|step| match next.state {
                    FileState::Going => up::next(step, &next.file).and_then(|facts| state::facts(step, facts)),
                    _ => down::next(step, &next.file),
                })?;
            }
        }
        Ok(())
    }

    pub(super) fn uploaded(
        &mut self,
        id: u64,
        node: Option<NodeNumber>,
        taken: &[bool],
        failed: Option<FailReason>,
    ) -> Result<(), Error> {
        let Some((file, Work::Uploading(slots))) = self.live.files.end(id) else {
            return Ok(());
        };
        if failed == Some(FailReason::NoNode) {
            self.live.post.failed(self.now_ms);
        }
        self.live.files.last = node.map(|node| (file, node)).or(self.live.files.last);
        self.run(|step| {
            let facts = up::uploaded(step, &file, &slots, (taken, failed))?;
            state::facts(step, facts)
        })
    }

    /// A page of a search. `ended`: it is the last one, and whether the store has more.
    pub(super) fn file_page(&mut self, job: u64, messages: Vec<Received>, ended: Option<bool>) -> Result<(), Error> {
        let Some((file, search)) = self.live.files.searching(job) else {
            return Ok(());
        };
        search.ended = ended;
        search.newest_ns = messages.iter().map(|one| one.timestamp_ns).fold(search.newest_ns, i64::max);
        if messages.is_empty() {
            return self.search_went_on(job);
        }
        search.pages = search.pages.saturating_add(1);
        self.run(|step| down::page(step, &file, job, messages))
    }

    pub(super) fn file_search_failed(&mut self, job: u64) -> Result<(), Error> {
        match self.live.files.end(job) {
            Some((file, Work::Searching(search))) => self.run(|step| down::ended(step, &file, &search, true)),
            _ => Ok(()),
        }
    }

    /// Ends a search whose last page the disk has taken.
    fn search_went_on(&mut self, job: u64) -> Result<(), Error> {
        match self.live.files.searching(job) {
            Some((_, Search { pages: 0, ended: Some(_), .. })) => {}
            _ => return Ok(()),
        }
        let Some((file, Work::Searching(mut search))) = self.live.files.end(job) else {
            return Ok(());
        };
        // A store could make up messages without end.
        let longest = self.db.read(|tx| tx.files.get(&file))?.map_or(Ok(0), |row| down::most_queries(&row))?;
        search.ended = search.ended.map(|more| more && search.query < longest);
        if search.ended == Some(false) {
            self.live.files.searched(&file);
        }
        self.run(|step| down::ended(step, &file, &search, false))
    }

    /// What the disk did. Work that was given up meanwhile has no job any more.
    pub(super) fn disk(&mut self, done: Done) {
        let done = match done {
            Done::Took { job, parts, manifest, dropped } => self.took(job, (&parts, &dropped), manifest),
            Done::Sealed { job, payloads } => match self.live.files.end(job) {
                Some((file, Work::Sealing(slots))) => {
                    let last = self.live.files.last;
                    self.run(|step| up::sealed(step, &file, (slots, payloads), last))
                }
                _ => Ok(()),
            },
            Done::Whole { job, sha256, manifest, body } => match self.live.files.end(job) {
                Some((file, _)) => self.run(|step| down::whole(step, &file, &sha256, (manifest, body))),
                None => Ok(()),
            },
            Done::Bad { job, parts, all } => match self.live.files.end(job) {
                Some((file, _)) => self.run(|step| down::bad(step, &file, (&parts, all))),
                None => Ok(()),
            },
            Done::Preview { job, bytes } => match (self.live.files.end(job), bytes) {
                (Some((file, _)), Some(bytes)) => self.run(|step| preview::came(step, &file, bytes)),
                _ => Ok(()),
            },
            Done::Failed { job, why } => self.disk_failed(job, why),
            Done::Nothing => Ok(()),
        };
        if let Err(error) = done {
            self.background_error(&error);
        }
    }

    fn took(&mut self, job: u64, (parts, dropped): (&[u32], &[u32]), manifest: Option<Vec<u8>>) -> Result<(), Error> {
        let Some((file, search)) = self.live.files.searching(job) else {
            return Ok(());
        };
        search.pages = search.pages.saturating_sub(1);
        search.refuted |= !dropped.is_empty();
        let is_enough = self.run(|step| down::took(step, &file, (parts, dropped), manifest));
        if is_enough == Ok(false) {
            return self.search_went_on(job);
        }
        // After an error another search follows.
        self.stop_search(job);
        self.live.files.end(job);
        if is_enough? { self.run(|step| down::finish(step, &file)) } else { Ok(()) }
    }

    fn disk_failed(&mut self, job: u64, why: Trouble) -> Result<(), Error> {
        self.stop_search(job);
        match self.live.files.end(job) {
            Some((file, Work::Sealing(_))) if why == Trouble::NoSpace => self.run(|step| up::full(step, &file)),
            Some((file, Work::Sealing(_))) => self.run(|step| {
                let facts = up::unreadable(step, &file)?;
                state::facts(step, facts)
            }),
            Some((_, Work::Preview)) | None => Ok(()),
            Some((file, _)) => self.run(|step| down::failed(step, &file, why)),
        }
    }

    fn stop_search(&mut self, job: u64) {
        let is_it = |what: &What| matches!(what, What::File { job: of } if *of == job);
        let id = self.live.hear.queries.iter().find(|(_, query)| is_it(&query.what)).map(|(id, _)| *id);
        if let Some(id) = id {
            self.live.hear.queries.remove(&id);
            self.order(Command::Stop { id });
        }
    }

    /// Tells of transfers that went on. `look`: files went, so what is under way may have no file any more.
    pub(super) fn tell_files(&mut self, files: BTreeMap<FileId, bool>, look: bool) -> Result<(), Error> {
        for (id, new_state) in files {
            if self.live.files.tells(&id, self.now_ms, new_state)
                && let Some(row) = self.db.read(|tx| tx.files.get(&id))?.filter(|row| row.role == FileRole::Message)
            {
                self.out.push(Effect::Emit(Event::File(view::progress(&row)?)));
            }
        }
        if look { self.stop_lost() } else { Ok(()) }
    }

    /// Ends transfers whose file went, or that nobody wants any more.
    fn stop_lost(&mut self) -> Result<(), Error> {
        let mut lost = Vec::new();
        for (job, file, work) in self.live.files.all() {
            let state = self.db.read(|tx| tx.files.get(file))?.map(|row| row.state);
            let wanted = match work {
                Work::Sealing(_) | Work::Uploading(_) => Some(FileState::Going),
                Work::Searching(_) | Work::Finishing => Some(FileState::Coming),
                Work::Preview => state,
            };
            if state.is_none() || state != wanted {
                lost.push(job);
            }
        }
        for job in lost {
            match self.live.files.end(job) {
                Some((_, Work::Uploading(_))) => self.order(Command::Stop { id: job }),
                Some((_, Work::Sealing(_) | Work::Finishing)) => self.out.push(Effect::Disk(Order::Stop { job })),
                _ => self.stop_search(job),
            }
        }
        Ok(())
    }
}
