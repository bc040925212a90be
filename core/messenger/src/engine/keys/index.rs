//! The index of expected tags, in memory; it is rebuilt when the database opens.

use std::collections::{BTreeMap, HashMap};

use sotto_crypto::{Session, Tag};
use sotto_db::{Hash, Tables, Waiting};

use crate::engine::keys::deep;
use crate::error::Error;

/// Tags expected of each session's current chain.
const CURRENT: u32 = 64;
/// Tags expected of each session's next chain.
const NEXT: u32 = 16;
/// How far a deep search goes, in either chain.
const DEEP: u32 = sotto_crypto::JUMP_MAX;
const WAITING_BYTES: u64 = 8 * 1024 * 1024;

#[derive(Default)]
pub(crate) struct Index {
    sessions: HashMap<Tag, Hash>,
    tags: HashMap<Hash, Vec<Tag>>,
    /// Length of each waiting payload, bytes. A forged envelope may carry the tag of a genuine one; then both wait.
    waiting: BTreeMap<(Tag, Hash), u32>,
    bytes: u64,
    /// Number of envelopes that have ever waited.
    arrived: u64,
    /// The same number at each session's last search.
    looked: HashMap<Hash, u64>,
    /// Whether some session was not searched since an envelope arrived.
    behind: bool,
}

impl Index {
    pub(crate) fn load(tx: &Tables<'_>) -> Result<Self, Error> {
        let mut index = Self::default();
        for (tag, payload, length) in tx.waiting.tags()? {
            index.wait(tag, payload, length);
        }
        for hash in tx.sessions.all()? {
            if let Some(row) = tx.sessions.get(&hash)?
                && let Ok(session) = Session::from_bytes(&row.snapshot)
            {
                index.set(&session);
            }
        }
        Ok(index)
    }

    pub(crate) fn sessions(&self) -> usize {
        self.tags.len()
    }

    pub(crate) fn find(&self, tag: &Tag) -> Option<Hash> {
        self.sessions.get(tag).copied()
    }

    /// A session moved. Returns the waiting envelopes that it expects now.
    pub(crate) fn set(&mut self, session: &Session) -> Vec<Hash> {
        let hash = *session.hash();
        self.expect_nothing(&hash);
        let tags = session.receiving_tags(CURRENT, NEXT);
        for tag in &tags {
            self.sessions.insert(*tag, hash);
        }
        let matched = tags.iter().flat_map(|tag| self.waiting_with(tag)).collect();
        self.tags.insert(hash, tags);
        matched
    }

    pub(crate) fn forget(&mut self, session: &Hash) {
        self.expect_nothing(session);
        self.looked.remove(session);
    }

    fn expect_nothing(&mut self, session: &Hash) {
        for tag in self.tags.remove(session).unwrap_or_default() {
            self.sessions.remove(&tag);
        }
    }

    /// The waiting envelopes with a tag.
    pub(crate) fn waiting_for(&self, tag: &Tag) -> Vec<Hash> {
        self.waiting_with(tag).collect()
    }

    fn waiting_with(&self, tag: &Tag) -> impl Iterator<Item = Hash> {
        let all = (*tag, [0; 32])..=(*tag, [0xff; 32]);
        self.waiting.range(all).map(|((_, payload), _)| *payload)
    }

    pub(crate) fn waits(&self, one: &Waiting) -> bool {
        self.waiting.contains_key(&(Tag(one.tag), one.payload_hash))
    }

    /// Bytes over the limit if `more` bytes wait.
    pub(crate) fn excess(&self, more: u64) -> u64 {
        self.bytes.saturating_add(more).saturating_sub(WAITING_BYTES)
    }

    pub(crate) fn wait(&mut self, tag: [u8; 16], payload_hash: Hash, length: u32) {
        let before = self.waiting.insert((Tag(tag), payload_hash), length);
        let before = u64::from(before.unwrap_or(0));
        self.bytes = self.bytes.saturating_add(length.into()).saturating_sub(before);
        self.arrived = self.arrived.saturating_add(1);
        self.behind = true;
    }

    pub(crate) fn waits_no_more(&mut self, tag: [u8; 16], payload_hash: Hash) {
        let length = self.waiting.remove(&(Tag(tag), payload_hash)).unwrap_or(0);
        self.bytes = self.bytes.saturating_sub(length.into());
    }

    /// Whether some session was not searched since an envelope arrived.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind && !self.waiting.is_empty()
    }

    /// Searches far ahead for waiting envelopes, in at most this many sessions. Each found tag counts as expected.
    pub(crate) fn look_deep(&mut self, tx: &Tables<'_>, at_most: usize) -> Result<Vec<Hash>, Error> {
        let sessions = tx.sessions.all()?.into_iter();
        let looked = |hash: Hash| (self.looked.get(&hash).copied().unwrap_or(0), hash);
        let (chosen, left) = deep::choose(sessions.map(looked).collect(), self.arrived, at_most);
        self.behind = left;
        let sieve = Sieve::of(self.waiting.keys().map(|(tag, _)| tag));
        let mut matched = Vec::new();
        for hash in chosen {
            self.looked.insert(hash, self.arrived);
            if let Some(row) = tx.sessions.get(&hash)?
                && let Ok(session) = Session::from_bytes(&row.snapshot)
            {
                matched.extend(self.look_through(&session, &sieve));
            }
        }
        Ok(matched)
    }

    fn look_through(&mut self, session: &Session, sieve: &Sieve) -> Vec<Hash> {
        let hash = *session.hash();
        let mut matched = Vec::new();
        for tag in session.tags_among(DEEP, |tag| sieve.may_have(tag)) {
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

/// One bit for each of 2^18 beginnings of tags. Most tags without a waiting envelope fail this test, without a search.
struct Sieve(Vec<u64>);

impl Sieve {
    fn of<'a>(tags: impl Iterator<Item = &'a Tag>) -> Self {
        let mut sieve = Self(vec![0; 1 << 12]);
        for tag in tags {
            let (word, bit) = Self::place(tag);
            if let Some(word) = sieve.0.get_mut(word) {
                *word |= bit;
            }
        }
        sieve
    }

    fn may_have(&self, tag: &Tag) -> bool {
        let (word, bit) = Self::place(tag);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    fn place(tag: &Tag) -> (usize, u64) {
        let [a, b, c, ..] = tag.0;
        let word = usize::from(a) << 4 | usize::from(b >> 4);
        (word, 1 << ((b & 3) << 4 | c >> 4))
    }
}
