//! The double ratchet with encrypted headers and session tags.
//!
//! It follows the Double Ratchet paper's variant with header encryption. A session has a sending chain, a receiving
//! chain, and the header and tag keys of the next chain on each side, which come from the same KDF step. Commit after
//! verify: [`Session::decrypt`] leaves `self` unchanged and returns the next state.

mod header;
mod keys;
mod snapshot;
mod tags;

pub use header::HEADER_LEN;
pub use keys::MessageKey;
pub(crate) use keys::{
    Agreed, ChainKey, HeaderKey, NextKeys, RootKey, SessionHash, TagKey, agree, message_ad, outer_ad,
};

use crate::bytes::closed_debug;
use crate::error::{DecryptError, EncryptError};
use crate::skipped::SkippedKey;
use crate::{Random, Tag};
use header::Header;
use keys::RatchetKey;
use rand_core::CryptoRng;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Longest jump forward in one chain, messages.
pub const JUMP_MAX: u32 = 25_000;

/// A chain in use; `n` numbers its next message.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
struct Chain {
    key: ChainKey,
    keys: NextKeys,
    n: u32,
}

impl Chain {
    /// Begins a chain with the `next` keys. The root key steps and gives the keys that are `next` afterwards.
    fn begin(root: &mut RootKey, next: &mut NextKeys, dh: Agreed) -> Self {
        let (stepped, key, after) = root.clone().step(dh);
        *root = stepped;
        Self { key, keys: std::mem::replace(next, after), n: 0 }
    }

    /// Takes the next message key.
    fn step(&mut self) -> Option<MessageKey> {
        let after = self.n.checked_add(1)?;
        let (mk, next) = self.key.step();
        self.key = next;
        self.n = after;
        Some(mk)
    }
}

/// One side of a conversation between two devices.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct Session {
    #[zeroize(skip)]
    hash: SessionHash,
    root: RootKey,
    ratchet: RatchetKey,
    ratchet_public: PublicKey,
    remote: Option<PublicKey>,
    sending: Option<Chain>,
    previous: u32,
    next_sending: NextKeys,
    receiving: Option<Chain>,
    receiving_index: u32,
    next_receiving: NextKeys,
    /// The header key of the other side's handshake chain, kept to recognise late messages.
    handshake_header: Option<HeaderKey>,
}

/// The keys that a handshake gives both sides: the root key, and the keys of the first chain of A and of B.
pub(crate) struct Roots {
    pub(crate) hash: SessionHash,
    pub(crate) root: RootKey,
    pub(crate) first_a: NextKeys,
    pub(crate) first_b: NextKeys,
}

/// An encrypted message. Version, tag and random bytes go in front of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The session tag.
    pub tag: Tag,
    /// The sealed header.
    pub header: [u8; HEADER_LEN],
    /// The sealed message: 16 bytes longer than the plaintext.
    pub message: Vec<u8>,
}

/// A verified message and the state after it.
pub struct Decrypted {
    /// The session that replaces the old one.
    pub session: Session,
    /// The padded plaintext.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// Keys of skipped messages, to keep in SQL.
    pub skipped: Vec<SkippedKey>,
    /// Receiving chain, from 0.
    pub chain: u32,
    /// Whether the other side has a new ratchet key.
    pub stepped: bool,
}

impl Session {
    /// The initiator's side: a first chain to the recipient's prekey.
    pub(crate) fn initiator(roots: &Roots, ratchet: StaticSecret, prekey: &[u8; 32]) -> Option<Self> {
        let dh = agree(&ratchet, prekey)?;
        let (mut root, mut next_sending) = (roots.root.clone(), roots.first_a.clone());
        let sending = Chain::begin(&mut root, &mut next_sending, dh);
        Some(Self {
            hash: roots.hash,
            root,
            ratchet_public: PublicKey::from(&ratchet),
            ratchet: RatchetKey::new(ratchet.as_bytes()),
            remote: Some((*prekey).into()),
            sending: Some(sending),
            previous: 0,
            next_sending,
            receiving: None,
            receiving_index: 0,
            next_receiving: roots.first_b.clone(),
            handshake_header: None,
        })
    }

    /// The responder's side: its prekey is its first ratchet key.
    pub(crate) fn responder(roots: &Roots, prekey: &StaticSecret) -> Self {
        Self {
            hash: roots.hash,
            root: roots.root.clone(),
            ratchet: RatchetKey::new(prekey.as_bytes()),
            ratchet_public: PublicKey::from(prekey),
            remote: None,
            sending: None,
            previous: 0,
            next_sending: roots.first_b.clone(),
            receiving: None,
            receiving_index: 0,
            next_receiving: roots.first_a.clone(),
            handshake_header: Some(roots.first_a.header.clone()),
        }
    }

    /// The session's name on both sides: a SHA-256 over the whole handshake.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash.0
    }

    /// How many messages the current sending chain has.
    pub fn sent_in_chain(&self) -> u32 {
        self.sending.as_ref().map_or(0, |c| c.n)
    }

    /// Makes a new ratchet key and begins a sending chain.
    fn start_sending(&mut self, rng: &mut impl CryptoRng) -> Result<(), EncryptError> {
        let remote = self.remote.ok_or(EncryptError::NotReady)?;
        let ratchet = StaticSecret::random_from_rng(rng);
        let dh = agree(&ratchet, remote.as_bytes()).ok_or(EncryptError::BadKey)?;
        self.sending = Some(Chain::begin(&mut self.root, &mut self.next_sending, dh));
        self.ratchet_public = PublicKey::from(&ratchet);
        self.ratchet = RatchetKey::new(ratchet.as_bytes());
        Ok(())
    }

    /// Encrypts a padded plaintext under the next message key, which is gone afterwards.
    ///
    /// `random` are the envelope's 16 fresh bytes. They enter header nonce and message key, so a session restored from
    /// an old copy repeats no key with a nonce.
    /// After an error the session is as before.
    pub fn encrypt(
        &mut self,
        rng: &mut impl CryptoRng,
        random: &Random,
        padded: &[u8],
    ) -> Result<Sealed, EncryptError> {
        if self.sending.is_none() {
            self.start_sending(rng)?;
        }
        let chain = self.sending.as_mut().ok_or(EncryptError::NotReady)?;
        let n = chain.n;
        let mk = chain.step().ok_or(EncryptError::ChainFull)?;
        let tag = match &chain.keys.tags {
            Some(key) => key.tag(n),
            None => {
                let mut tag = [0u8; 16];
                rng.fill_bytes(&mut tag);
                Tag(tag)
            }
        };
        let header = Header { ratchet: self.ratchet_public, n, previous: self.previous };
        let header = chain.keys.header.seal(&header, &tag, random);
        let message = mk.cipher(random).seal(&message_ad(&tag, random, &header, &self.hash), padded);
        Ok(Sealed { tag, header, message })
    }

    /// Decrypts on a copy. Refuses a message with number `below` or higher, and a message after a chain longer than
    /// that. So a caller keeps fewer keys for a stranger. `u32::MAX` refuses none.
    pub fn decrypt(
        &self,
        below: u32,
        tag: &Tag,
        random: &Random,
        header: &[u8; HEADER_LEN],
        message: &[u8],
    ) -> Result<Decrypted, DecryptError> {
        let current = self.receiving.as_ref().map(|c| c.keys.header.open(tag, random, header));
        let (header_in, stepped) = match current {
            Some(Some(found)) => (found?, false),
            _ => match self.next_receiving.header.open(tag, random, header) {
                Some(found) => (found?, true),
                None => return Err(self.late_handshake(tag, random, header)),
            },
        };
        let furthest = header_in.n.max(header_in.previous.saturating_sub(1));
        if furthest >= below {
            return Err(DecryptError::TooFarAhead { ahead: furthest });
        }
        let mut session = self.clone();
        let mut skipped = Vec::new();
        if stepped {
            session.skip_to(header_in.previous, &mut skipped)?;
            session.start_receiving(&header_in)?;
        }
        session.skip_to(header_in.n, &mut skipped)?;
        if let Some(ahead) = u32::try_from(skipped.len()).ok().filter(|&n| n > JUMP_MAX) {
            return Err(DecryptError::TooFarAhead { ahead }); // over two chains
        }
        let chain = session.receiving_index;
        let receiving = session.receiving.as_mut().ok_or(DecryptError::Unknown)?;
        if header_in.n < receiving.n {
            return Err(DecryptError::Skipped { chain, n: header_in.n });
        }
        let mk = receiving.step().ok_or(DecryptError::TooFarAhead { ahead: u32::MAX })?;
        let ad = message_ad(tag, random, header, &session.hash);
        let plaintext = mk.cipher(random).open(&ad, message).ok_or(DecryptError::Forged)?;
        Ok(Decrypted { session, plaintext, skipped, chain, stepped })
    }

    /// Whether this header belongs to the chain after the known ones, by its own seal. If its message does not open,
    /// somebody changed the message, or the other side answers a ratchet key that this state does not have.
    pub fn is_next_chain(&self, tag: &Tag, random: &Random, header: &[u8; HEADER_LEN]) -> bool {
        let current = self.receiving.as_ref().and_then(|c| c.keys.header.open(tag, random, header));
        current.is_none() && self.next_receiving.header.open(tag, random, header).is_some()
    }

    fn late_handshake(&self, tag: &Tag, random: &Random, header: &[u8; HEADER_LEN]) -> DecryptError {
        let found = self.handshake_header.as_ref().and_then(|key| key.open(tag, random, header));
        match found {
            Some(Ok(h)) => DecryptError::Skipped { chain: 0, n: h.n },
            Some(Err(e)) => e,
            None => DecryptError::Unknown,
        }
    }

    /// Keeps the keys from the current position up to message `n`, without it.
    fn skip_to(&mut self, n: u32, out: &mut Vec<SkippedKey>) -> Result<(), DecryptError> {
        let index = self.receiving_index;
        let Some(chain) = self.receiving.as_mut() else {
            // Before the first chain there is nothing to skip.
            return Ok(());
        };
        let ahead = n.saturating_sub(chain.n);
        if ahead > JUMP_MAX {
            return Err(DecryptError::TooFarAhead { ahead });
        }
        let tags = chain.keys.tags.as_ref().map(|key| key.range(chain.n, ahead));
        let mut tags = tags.into_iter().flatten();
        for n in chain.n..n {
            let key = chain.step().ok_or(DecryptError::TooFarAhead { ahead })?;
            out.push(SkippedKey { chain: index, n, tag: tags.next(), key });
        }
        Ok(())
    }

    fn start_receiving(&mut self, header: &Header) -> Result<(), DecryptError> {
        let ratchet = StaticSecret::from(*self.ratchet.as_bytes());
        let dh = agree(&ratchet, header.ratchet.as_bytes()).ok_or(DecryptError::BadKey)?;
        if self.receiving.is_some() {
            self.receiving_index = self.receiving_index.checked_add(1).ok_or(DecryptError::Forged)?;
        }
        self.remote = Some(header.ratchet);
        self.receiving = Some(Chain::begin(&mut self.root, &mut self.next_receiving, dh));
        // The answer makes a new ratchet key; its header names the length of this chain.
        if let Some(chain) = self.sending.take() {
            self.previous = chain.n;
        }
        Ok(())
    }
}

closed_debug!(Session, Decrypted);

#[cfg(test)]
mod tests;
