//! Keys and sealing of cards (lane c), blob chunks (lane b), takeovers (lane h) and files on disk. `wire` has the
//! layout of all but the last.

use crate::bytes::join;
use crate::kdf::{Cipher, derive};
use crate::session::outer_ad;
use crate::{CardSecret, DeviceId, FileKey, LocalKey, Random, Tag};
use zeroize::Zeroizing;

/// 8 bytes whose top bits choose the card bucket of a secret.
pub fn secret_bucket(secret: &CardSecret) -> [u8; 8] {
    *derive(b"", secret.as_bytes(), "sotto/card-bucket/1", &[])
}

/// The tag of a card, by secret, kind, device and Unix day.
pub fn card_tag(secret: &CardSecret, kind: u8, device: &DeviceId, unix_day: u32) -> Tag {
    Tag(*derive(b"", secret.as_bytes(), "sotto/card-tag/1", &[&[kind], &device.0, &unix_day.to_be_bytes()]))
}

fn card(secret: &CardSecret, random: &Random) -> Cipher {
    Cipher::derive(random, secret.as_bytes(), "sotto/card/1", &[])
}

/// Seals a padded card; the result is 16 bytes longer.
pub fn card_seal(secret: &CardSecret, tag: &Tag, random: &Random, padded: &[u8]) -> Vec<u8> {
    card(secret, random).seal(&outer_ad(tag, random), padded)
}

/// Opens a card; `None` if it is not under this secret.
pub fn card_open(secret: &CardSecret, tag: &Tag, random: &Random, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    card(secret, random).open(&outer_ad(tag, random), sealed)
}

/// The tag of a takeover, by which an install tells the account's others that it took over. One HKDF recognises it.
pub fn takeover_tag(self_secret: &CardSecret, random: &Random) -> Tag {
    Tag(*derive(&random.0, self_secret.as_bytes(), "sotto/takeover-tag/1", &[]))
}

fn takeover(self_secret: &CardSecret, random: &Random) -> (Cipher, [u8; 33]) {
    let cipher = Cipher::derive(random, self_secret.as_bytes(), "sotto/takeover/1", &[]);
    (cipher, outer_ad(&takeover_tag(self_secret, random), random))
}

/// Seals a padded takeover; the result is 16 bytes longer.
pub fn takeover_seal(self_secret: &CardSecret, random: &Random, padded: &[u8]) -> Vec<u8> {
    let (cipher, ad) = takeover(self_secret, random);
    cipher.seal(&ad, padded)
}

/// Opens a takeover; `None` if it is not under this secret.
pub fn takeover_open(self_secret: &CardSecret, random: &Random, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (cipher, ad) = takeover(self_secret, random);
    cipher.open(&ad, sealed)
}

/// The 8 bytes that name a blob's topic.
pub fn blob_topic(file_key: &FileKey) -> [u8; 8] {
    *derive(b"", file_key.as_bytes(), "sotto/blob-topic/1", &[])
}

/// The 8 bytes that name the topic of a file's preview.
pub fn preview_topic(file_key: &FileKey) -> [u8; 8] {
    *derive(b"", file_key.as_bytes(), "sotto/preview-topic/1", &[])
}

/// The random bytes of a file's chunk `i`. They follow from the key, so that everybody who has the file publishes the
/// same chunk. A text's chunks have fresh ones.
pub fn blob_random(file_key: &FileKey, i: u32) -> Random {
    Random(*derive(b"", file_key.as_bytes(), "sotto/blob-random/1", &[&i.to_be_bytes()]))
}

/// The tag of chunk `i`.
pub fn blob_tag(file_key: &FileKey, i: u32) -> Tag {
    Tag(*derive(b"", file_key.as_bytes(), "sotto/blob-tag/1", &[&i.to_be_bytes()]))
}

fn blob(file_key: &FileKey, i: u32, random: &Random) -> (Cipher, [u8; 33]) {
    let cipher = Cipher::derive(random, file_key.as_bytes(), "sotto/blob/1", &[&i.to_be_bytes()]);
    (cipher, outer_ad(&blob_tag(file_key, i), random))
}

/// Seals padded chunk `i`; the result is 16 bytes longer.
pub fn blob_seal(file_key: &FileKey, i: u32, random: &Random, padded: &[u8]) -> Vec<u8> {
    let (cipher, ad) = blob(file_key, i, random);
    cipher.seal(&ad, padded)
}

/// Opens chunk `i`; `None` if the bytes are another chunk.
pub fn blob_open(file_key: &FileKey, i: u32, random: &Random, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (cipher, ad) = blob(file_key, i, random);
    cipher.open(&ad, sealed)
}

fn block_cipher(key: &LocalKey, name: &[u8; 8], block: u32, size: u64, random: &Random) -> (Cipher, [u8; 20]) {
    let block = block.to_be_bytes();
    let cipher = Cipher::derive(random, key.as_bytes(), "sotto/file/1", &[&block]);
    (cipher, join(&[name, &block, &size.to_be_bytes()]))
}

/// Seals a block of the file `name` on disk, `size` bytes long; the result is 16 bytes longer. `random` must be fresh
/// each time, because a block may be written again with other bytes.
pub fn block_seal(key: &LocalKey, name: &[u8; 8], block: u32, size: u64, random: &Random, plain: &[u8]) -> Vec<u8> {
    let (cipher, ad) = block_cipher(key, name, block, size, random);
    cipher.seal(&ad, plain)
}

/// Opens a block; `None` if the bytes are another block, of another file, or damaged.
pub fn block_open(
    key: &LocalKey,
    name: &[u8; 8],
    block: u32,
    size: u64,
    random: &Random,
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (cipher, ad) = block_cipher(key, name, block, size, random);
    cipher.open(&ad, sealed)
}
