//! The ratchet header: 90 bytes, sealed to 106.

use super::outer_ad;
use crate::error::DecryptError;
use crate::kdf::{MAC_LEN, open, seal};
use crate::{Random, Tag};

const PLAIN_LEN: usize = 90;
/// Bytes of a sealed header.
pub const HEADER_LEN: usize = PLAIN_LEN + MAC_LEN;
const RATCHET_VERSION: u8 = 1;

/// ratchet version 1 ‖ flags 1 ‖ ratchet key 32 ‖ n 4 ‖ previous chain's length 4 ‖ zero 48.
/// The zeros are kept for a post-quantum ratchet.
pub(crate) struct Header {
    pub(crate) ratchet: [u8; 32],
    pub(crate) n: u32,
    pub(crate) previous: u32,
}

fn nonce(random: &Random) -> [u8; 12] {
    let mut nonce = [0u8; 12];
    nonce.iter_mut().zip(random).for_each(|(a, b)| *a = *b);
    nonce
}

impl Header {
    pub(crate) fn seal(&self, key: &[u8; 32], tag: &Tag, random: &Random) -> [u8; HEADER_LEN] {
        let mut plain = [0u8; PLAIN_LEN];
        let bytes = [RATCHET_VERSION, 0];
        let (n, previous) = (self.n.to_be_bytes(), self.previous.to_be_bytes());
        let fields = bytes.iter().chain(&self.ratchet).chain(&n).chain(&previous);
        plain.iter_mut().zip(fields).for_each(|(a, b)| *a = *b);
        let sealed = seal(key, &nonce(random), &outer_ad(tag, random), &plain);
        let mut out = [0u8; HEADER_LEN];
        out.iter_mut().zip(sealed).for_each(|(a, b)| *a = b);
        out
    }

    /// `None`: not under this key. `Some(Err)`: a newer ratchet version.
    pub(crate) fn open(
        key: &[u8; 32],
        tag: &Tag,
        random: &Random,
        sealed: &[u8; HEADER_LEN],
    ) -> Option<Result<Self, DecryptError>> {
        let plain = open(key, &nonce(random), &outer_ad(tag, random), sealed)?;
        let (version, rest) = plain.split_first_chunk::<2>()?;
        let (ratchet, rest) = rest.split_first_chunk::<32>()?;
        let (n, rest) = rest.split_first_chunk::<4>()?;
        let (previous, _) = rest.split_first_chunk::<4>()?;
        if version.first() != Some(&RATCHET_VERSION) {
            return Some(Err(DecryptError::Newer));
        }
        Some(Ok(Self { ratchet: *ratchet, n: u32::from_be_bytes(*n), previous: u32::from_be_bytes(*previous) }))
    }
}
