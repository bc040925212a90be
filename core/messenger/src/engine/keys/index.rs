//! Which session an envelope's tag belongs to, in memory; rebuilt when the database is opened.

use std::collections::{BTreeMap, HashMap};

use sotto_crypto::{Session, Tag};
use sotto_db::{Hash, Tables, Waiting};

use crate::engine::keys::deep;
use crate::error::Error;

/// Tags expected of the current chain of each session.
const CURRENT: u32 = 64;
/// And of its next one.
const NEXT: u32 = 16;
/// How far a look after a gap goes, in either chain.
const DEEP: u32 = sotto_crypto::JUMP_MAX;
/// Bytes of payloads that may wait.
const WAITING_BYTES: u64 = 8 * 1024 * 1024;

/// Expected tags, and the tags of envelopes that wait.
#[derive(Default)]
pub(crate) struct Index {
    sessions: HashMap<Tag, Hash>,
    tags: HashMap<Hash, Vec<Tag>>,
    /// By tag and payload hash, the payload's length, bytes. A forged envelope may carry the tag of a real one: both
    /// wait.
    waiting: BTreeMap<(Tag, Hash), u32>,
    /// Their sum.
    bytes: u64,
    /// Envelopes that came to wait so far,
    arrived: u64,
    /// and by session, for how many of them it was looked through.
    looked: HashMap<Hash, u64>,
    /// Some session was looked through for fewer.
    behind: bool,
}

impl Index {
    /// Reads all sessions and waiting envelopes.
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

    /// How many sessions there are.
    pub(crate) fn sessions(&self) -> usize {
        self.tags.len()
    }

    /// The session that expects this tag.
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

    /// A session is gone.
    pub(crate) fn forget(&mut self, session: &Hash) {
        self.expect_nothing(session);
        self.looked.remove(session);
    }

    fn expect_nothing(&mut self, session: &Hash) {
        for tag in self.tags.remove(session).unwrap_or_default() {
            self.sessions.remove(&tag);
        }
    }

    fn waiting_with(&self, tag: &Tag) -> impl Iterator<Item = Hash> {
        let all = (*tag, [0; 32])..=(*tag, [0xff; 32]);
        self.waiting.range(all).map(|((_, payload), _)| *payload)
    }

    /// Does this envelope wait already?
    pub(crate) fn waits(&self, one: &Waiting) -> bool {
        self.waiting.contains_key(&(Tag(one.tag), one.payload_hash))
    }

    /// Bytes that are too many once `more` wait.
    pub(crate) fn excess(&self, more: u64) -> u64 {
        self.bytes.saturating_add(more).saturating_sub(WAITING_BYTES)
    }

    /// An envelope waits.
    pub(crate) fn wait(&mut self, tag: [u8; 16], payload_hash: Hash, length: u32) {
        let before = self.waiting.insert((Tag(tag), payload_hash), length);
        let before = u64::from(before.unwrap_or(0));
        self.bytes = self.bytes.saturating_add(length.into()).saturating_sub(before);
        self.arrived = self.arrived.saturating_add(1);
        self.behind = true;
    }

    /// An envelope waits no more.
    pub(crate) fn waits_no_more(&mut self, tag: [u8; 16], payload_hash: Hash) {
        let length = self.waiting.remove(&(Tag(tag), payload_hash)).unwrap_or(0);
        self.bytes = self.bytes.saturating_sub(length.into());
    }

    /// Was some session not looked through since an envelope came to wait?
    pub(crate) fn is_behind(&self) -> bool {
        self.behind && !self.waiting.is_empty()
    }

    /// Looks for what waits far ahead of what sessions expect, in at most so many of them; each tag that is found
    /// counts
    /// as expected.
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

/// One bit for each of 2^18 beginnings of tags: most tags that nobody waits for are told apart without a search.
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
