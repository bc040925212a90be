//! Memory of one run about files: what is under way.

use std::collections::HashMap;

use sotto_db::{FileId, FileState, Next};
use sotto_net::NodeNumber;

use crate::disk::Order;

/// Most uploads and downloads at a time.
const UPLOADS: usize = 2;
const DOWNLOADS: usize = 4;
/// Shortest time between two events about one transfer, milliseconds.
const TELL_EVERY_MS: i64 = 250;

/// Work that a step begins.
pub(crate) struct Begun {
    pub(crate) job: u64,
    pub(crate) file: FileId,
    pub(crate) work: Work,
    pub(crate) order: Option<Order>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    /// The disk reads and seals these slots of an upload.
    Sealing(Vec<u32>),
    /// A node is given these.
    Uploading(Vec<u32>),
    Searching(Search),
    /// All parts are here; the disk checks them.
    Finishing,
    Preview,
}

/// A store is being asked for parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Search {
    /// Pages that the disk has not taken yet.
    pub(crate) pages: u32,
    /// Set at its end: whether the store has more.
    pub(crate) ended: Option<bool>,
    /// Time of the newest message, Unix nanoseconds.
    pub(crate) newest_ns: i64,
    /// Whether somebody who has the pointer sealed something else as the only part of the file.
    pub(crate) refuted: bool,
    /// Which query of this search it is, from 1.
    pub(crate) query: u64,
}

#[derive(Default)]
pub(crate) struct Filed {
    doing: HashMap<u64, (FileId, Work)>,
    /// The node that the last upload went to: the next file takes another one.
    pub(crate) last: Option<(FileId, NodeNumber)>,
    told_ms: HashMap<FileId, i64>,
    /// Queries of the running searches.
    queries: HashMap<FileId, u64>,
}

impl Filed {
    pub(crate) fn begin(&mut self, job: u64, file: FileId, mut work: Work) {
        if let Work::Searching(search) = &mut work {
            let queries = self.queries.entry(file).or_default();
            *queries = queries.saturating_add(1);
            search.query = *queries;
        }
        self.doing.insert(job, (file, work));
    }

    /// Ends a job. `None` if it was given up.
    pub(crate) fn end(&mut self, job: u64) -> Option<(FileId, Work)> {
        self.doing.remove(&job)
    }

    /// A search has seen all that the store has.
    pub(crate) fn searched(&mut self, file: &FileId) {
        self.queries.remove(file);
    }

    /// The file and the search that a job is.
    pub(crate) fn searching(&mut self, job: u64) -> Option<(FileId, &mut Search)> {
        match self.doing.get_mut(&job)? {
            (file, Work::Searching(search)) => Some((*file, search)),
            _ => None,
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (u64, &FileId, &Work)> {
        self.doing.iter().map(|(job, (file, work))| (*job, file, work))
    }

    fn transfers(&self) -> impl Iterator<Item = (&FileId, &Work)> {
        self.doing.values().map(|(file, work)| (file, work)).filter(|(_, work)| **work != Work::Preview)
    }

    /// Whether a transfer can begin. A text waits for no file: there is one place more for it.
    pub(crate) fn has_room(&self, Next { file, state, body, .. }: &Next) -> bool {
        let up = self.transfers().filter(|(_, work)| matches!(work, Work::Sealing(_) | Work::Uploading(_))).count();
        let room = match state {
            FileState::Going => up < UPLOADS.saturating_add((*body).into()),
            _ => self.transfers().count().saturating_sub(up) < DOWNLOADS.saturating_add((*body).into()),
        };
        room && self.transfers().all(|(of, _)| of != file)
    }

    /// Whether an event about a file is due. A new state is told at once.
    pub(crate) fn tells(&mut self, file: &FileId, now_ms: i64, new_state: bool) -> bool {
        let last_ms = self.told_ms.get(file).copied().unwrap_or(i64::MIN);
        let tells = new_state || !(0..TELL_EVERY_MS).contains(&now_ms.saturating_sub(last_ms));
        if new_state {
            self.told_ms.remove(file);
        } else if tells {
            self.told_ms.insert(*file, now_ms);
        }
        tells
    }
}
