//! Keys and sealing of cards (lane c), blob chunks (lane b) and takeovers (lane h). Their layout is `wire`'s.

use crate::kdf::{derive, key_nonce, open, seal};
use crate::session::outer_ad;
use crate::{Random, Tag};
use zeroize::Zeroizing;

/// 8 bytes whose top bits choose the card bucket of a secret.
pub fn secret_bucket(secret: &[u8; 16]) -> [u8; 8] {
    *derive(b"", secret, "sotto/card-bucket/1", &[])
}

/// The tag of a card: by secret, kind, device and Unix day.
pub fn card_tag(secret: &[u8; 16], kind: u8, device_id: &[u8; 16], unix_day: u32) -> Tag {
    *derive(b"", secret, "sotto/card-tag/1", &[&[kind], device_id, &unix_day.to_be_bytes()])
}

/// Seals a padded card; 16 bytes longer.
pub fn card_seal(secret: &[u8; 16], tag: &Tag, random: &Random, padded: &[u8]) -> Vec<u8> {
    let (key, nonce) = key_nonce(&derive::<44>(random, secret, "sotto/card/1", &[]));
    seal(&key, &nonce, &outer_ad(tag, random), padded)
}

/// The reverse; `None` when it is not under this secret.
pub fn card_open(secret: &[u8; 16], tag: &Tag, random: &Random, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (key, nonce) = key_nonce(&derive::<44>(random, secret, "sotto/card/1", &[]));
    open(&key, &nonce, &outer_ad(tag, random), sealed)
}

/// The tag of an envelope by which one install of an account tells the others that it took over: by the self secret and
/// the envelope's random bytes, so no two are alike and one step tells it from all others.
pub fn takeover_tag(self_secret: &[u8; 16], random: &Random) -> Tag {
    *derive(random, self_secret, "sotto/takeover-tag/1", &[])
}

/// Seals a padded takeover; 16 bytes longer.
pub fn takeover_seal(self_secret: &[u8; 16], random: &Random, padded: &[u8]) -> Vec<u8> {
    let (key, nonce) = key_nonce(&derive::<44>(random, self_secret, "sotto/takeover/1", &[]));
    let tag = takeover_tag(self_secret, random);
    seal(&key, &nonce, &outer_ad(&tag, random), padded)
}

/// The reverse; `None` when it is not under this secret.
pub fn takeover_open(self_secret: &[u8; 16], random: &Random, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (key, nonce) = key_nonce(&derive::<44>(random, self_secret, "sotto/takeover/1", &[]));
    let tag = takeover_tag(self_secret, random);
    open(&key, &nonce, &outer_ad(&tag, random), sealed)
}

/// The 8 bytes that name a file's topic.
pub fn blob_topic(file_key: &[u8; 32]) -> [u8; 8] {
    *derive(b"", file_key, "sotto/blob-topic/1", &[])
}

/// The tag of chunk `i`.
pub fn blob_tag(file_key: &[u8; 32], i: u32) -> Tag {
    *derive(b"", file_key, "sotto/blob-tag/1", &[&i.to_be_bytes()])
}

/// Seals padded chunk `i`; 16 bytes longer.
pub fn blob_seal(file_key: &[u8; 32], i: u32, random: &Random, padded: &[u8]) -> Vec<u8> {
    let (key, nonce) = key_nonce(&derive::<44>(random, file_key, "sotto/blob/1", &[&i.to_be_bytes()]));
    seal(&key, &nonce, &outer_ad(&blob_tag(file_key, i), random), padded)
}

/// The reverse; `None` when it is not this chunk.
pub fn blob_open(file_key: &[u8; 32], i: u32, random: &Random, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (key, nonce) = key_nonce(&derive::<44>(random, file_key, "sotto/blob/1", &[&i.to_be_bytes()]));
    open(&key, &nonce, &outer_ad(&blob_tag(file_key, i), random), sealed)
}
