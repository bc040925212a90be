//! Which session an envelope's tag belongs to, in memory; rebuilt when the database is opened.

use std::collections::{BTreeSet, HashMap};

use sotto_crypto::{Session, Tag};
use sotto_db::{Hash, Tx};

use crate::error::Error;

/// Tags expected of the current chain of each session.
const CURRENT: u32 = 64;
/// And of its next one.
const NEXT: u32 = 16;
/// More than 8 MB of the smallest envelopes.
const WAITING_MAX: usize = 20_000;
/// How far a known hole looks.
const DEEP: u32 = sotto_crypto::JUMP_MAX;

/// Expected tags, and the tags of envelopes that wait.
#[derive(Default)]
pub(super) struct Index {
    sessions: HashMap<Tag, Hash>,
    tags: HashMap<Hash, Vec<Tag>>,
    /// A forged envelope may carry the tag of a real one: both wait.
    waiting: BTreeSet<(Tag, Hash)>,
}

impl Index {
    /// Reads all sessions and waiting envelopes.
    pub(super) fn load(tx: &Tx<'_>) -> Result<Self, Error> {
        let mut index = Self::default();
        index.load_waiting(tx)?;
        for hash in tx.sessions()? {
            if let Some(row) = tx.session(&hash)?
                && let Ok(session) = Session::from_bytes(&row.snapshot)
            {
                index.set(&session);
            }
        }
        Ok(index)
    }

    /// The session that expects this tag.
    pub(super) fn find(&self, tag: &Tag) -> Option<Hash> {
        self.sessions.get(tag).copied()
    }

    /// A session moved. Returns the waiting envelopes that it expects now.
    pub(super) fn set(&mut self, session: &Session) -> Vec<Hash> {
        let hash = *session.hash();
        self.forget(&hash);
        let expected = session.receiving_tags(CURRENT, NEXT);
        let tags: Vec<Tag> = expected.into_iter().map(|(tag, _)| tag).collect();
        for tag in &tags {
            self.sessions.insert(*tag, hash);
        }
        let matched = tags.iter().flat_map(|tag| self.waiting_with(tag)).collect();
        self.tags.insert(hash, tags);
        matched
    }

    /// A session is gone.
    pub(super) fn forget(&mut self, session: &Hash) {
        for tag in self.tags.remove(session).unwrap_or_default() {
            self.sessions.remove(&tag);
        }
    }

    fn waiting_with(&self, tag: &Tag) -> impl Iterator<Item = Hash> {
        let all = (*tag, [0; 32])..=(*tag, [0xff; 32]);
        self.waiting.range(all).map(|(_, payload)| *payload)
    }

    /// Reads what waits anew: the database lets go of what is too old or too much.
    pub(super) fn load_waiting(&mut self, tx: &Tx<'_>) -> Result<(), Error> {
        self.waiting = tx.waiting_tags()?.into_iter().collect();
        Ok(())
    }

    /// An envelope waits. True when there are so many that they should be read anew.
    pub(super) fn wait(&mut self, tag: Tag, payload_hash: Hash) -> bool {
        self.waiting.insert((tag, payload_hash));
        self.waiting.len() > WAITING_MAX
    }

    /// An envelope waits no more.
    pub(super) fn waits_no_more(&mut self, tag: Tag, payload_hash: Hash) {
        self.waiting.remove(&(tag, payload_hash));
    }

    /// Does anything wait?
    pub(super) fn is_anything_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The waiting envelopes that a session would open far ahead of what it expects; the tag then counts as expected.
    pub(super) fn look_deep(&mut self, session: &Session) -> Vec<Hash> {
        let hash = *session.hash();
        let mut matched = Vec::new();
        for (tag, _) in session.receiving_tags(DEEP, NEXT) {
            let waiting: Vec<Hash> = self.waiting_with(&tag).collect();
            if !waiting.is_empty() && !self.sessions.contains_key(&tag) {
                matched.extend(waiting);
                self.sessions.insert(tag, hash);
                self.tags.entry(hash).or_default().push(tag);
            }
        }
        matched
    }
}
