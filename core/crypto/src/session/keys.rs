//! The keys of a ratchet. Each step takes one type of key and gives others.

use super::HEADER_LEN;
use crate::bytes::{fill, join, newtypes};
use crate::kdf::{Cipher, derive_four};
use crate::{Random, Tag, VERSION};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

newtypes! {
    /// A session's name on both sides: a hash over the whole handshake.
    pub(crate) open SessionHash: 32;
    /// The result of an X25519 exchange.
    pub(crate) secret Agreed: 32;
    /// The root key. It steps once for each new ratchet key of either side.
    pub(crate) secret RootKey: 32;
    /// The private half of the own ratchet key.
    pub(crate) secret RatchetKey: 32;
    /// The chain key. It steps once for each message.
    pub(crate) secret ChainKey: 32;
    /// Seals the headers of a chain.
    pub(crate) secret HeaderKey: 32;
    /// Makes the session tags of a chain.
    pub(crate) secret TagKey: 32;
    /// Seals one message.
    pub secret MessageKey: 32;
}

/// X25519; `None` for an all-zero result (low-order key).
pub(crate) fn agree(secret: &StaticSecret, public: &[u8; 32]) -> Option<Agreed> {
    let shared = secret.diffie_hellman(&PublicKey::from(*public)); // wiped when it is dropped
    shared.was_contributory().then(|| Agreed::new(shared.as_bytes()))
}

/// Keys of a chain, known before it begins. Without a tag key (the initiator's first chain) tags are random.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub(crate) struct NextKeys {
    pub(crate) header: HeaderKey,
    pub(crate) tags: Option<TagKey>,
}

impl RootKey {
    /// KDF_RK: the next root key, a chain key, and the keys of the chain after that one.
    pub(crate) fn step(self, dh: Agreed) -> (Self, ChainKey, NextKeys) {
        let out = derive_four(&self.0, &dh.0, "sotto/root/1", &[]);
        let [root, chain, header, tags] = &*out;
        let next = NextKeys { header: HeaderKey::new(header), tags: Some(TagKey::new(tags)) };
        (Self::new(root), ChainKey::new(chain), next)
    }
}

impl ChainKey {
    /// HMAC-SHA256 of one byte: the message key (01) and the next chain key (02).
    pub(crate) fn step(&self) -> (MessageKey, Self) {
        // HMAC pads a 32-byte key with zeros to the 64-byte block.
        let mut block = Zeroizing::new([0u8; 64]);
        fill(block.as_mut_slice(), &[&self.0]);
        let keyed = <Hmac<Sha256> as KeyInit>::new((&*block).into());
        let of = |byte| keyed.clone().chain_update([byte]).finalize().into_bytes();
        let (mut message, mut next) = (of(1), of(2));
        let keys = (MessageKey::new(message.as_ref()), Self::new(next.as_ref()));
        message.zeroize();
        next.zeroize();
        keys
    }
}

impl MessageKey {
    /// The cipher of an envelope with these random bytes.
    pub(crate) fn cipher(&self, random: &Random) -> Cipher {
        Cipher::derive(random, &self.0, "sotto/message-key/1", &[])
    }
}

/// The associated data of an envelope's AEADs: version ‖ tag ‖ random.
pub(crate) fn outer_ad(tag: &Tag, random: &Random) -> [u8; 33] {
    join(&[&[VERSION], &tag.0, &random.0])
}

/// The associated data of a message: also the sealed header and the session.
pub(crate) fn message_ad(
    tag: &Tag,
    random: &Random,
    header: &[u8; HEADER_LEN],
    session: &SessionHash,
) -> [u8; 33 + HEADER_LEN + 32] {
    join(&[&[VERSION], &tag.0, &random.0, header, &session.0])
}
