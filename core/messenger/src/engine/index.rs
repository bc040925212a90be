//! Which session an envelope's tag belongs to, in memory; rebuilt when the database is opened.

use std::collections::HashMap;

use sotto_crypto::{Session, Tag};
use sotto_db::{Hash, Tx};

use crate::error::Error;

/// Tags expected of the current chain of each session.
const CURRENT: u32 = 64;
/// And of its next one.
const NEXT: u32 = 16;
/// How far a known hole looks.
const DEEP: u32 = sotto_crypto::JUMP_MAX;

/// Expected tags, and the tags of envelopes that wait.
#[derive(Default)]
pub(super) struct Index {
    sessions: HashMap<Tag, Hash>,
    tags: HashMap<Hash, Vec<Tag>>,
    waiting: HashMap<Tag, Hash>,
}

impl Index {
    /// Reads all sessions and waiting envelopes.
    pub(super) fn load(tx: &Tx<'_>) -> Result<Self, Error> {
        let mut index = Self::default();
        for waiting in tx.waiting()? {
            index.waiting.insert(waiting.tag, waiting.payload_hash);
        }
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
        let matched = tags.iter().filter_map(|tag| self.waiting.get(tag).copied());
        let matched = matched.collect();
        self.tags.insert(hash, tags);
        matched
    }

    /// A session is gone.
    pub(super) fn forget(&mut self, session: &Hash) {
        for tag in self.tags.remove(session).unwrap_or_default() {
            self.sessions.remove(&tag);
        }
    }

    /// An envelope waits.
    pub(super) fn wait(&mut self, tag: Tag, payload_hash: Hash) {
        self.waiting.insert(tag, payload_hash);
    }

    /// An envelope waits no more.
    pub(super) fn waits_no_more(&mut self, tag: &Tag) {
        self.waiting.remove(tag);
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
            if let Some(payload) = self.waiting.get(&tag)
                && !self.sessions.contains_key(&tag)
            {
                matched.push(*payload);
                self.sessions.insert(tag, hash);
                self.tags.entry(hash).or_default().push(tag);
            }
        }
        matched
    }
}
