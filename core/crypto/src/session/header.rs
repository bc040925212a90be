//! The ratchet header: 90 bytes, sealed to 106.

use super::keys::{HeaderKey, outer_ad};
use crate::bytes::{Reader, join};
use crate::error::DecryptError;
use crate::kdf::{Cipher, MAC_LEN};
use crate::{Random, Tag};
use x25519_dalek::PublicKey;
use zeroize::Zeroizing;

const PLAIN_LEN: usize = 90;
/// Bytes of a sealed header.
pub const HEADER_LEN: usize = PLAIN_LEN + MAC_LEN;
const RATCHET_VERSION: u8 = 1;

/// ratchet version 1 ‖ flags 1 ‖ ratchet key 32 ‖ n 4 ‖ previous chain's length 4 ‖ zero 48 (reserved).
pub(crate) struct Header {
    pub(crate) ratchet: PublicKey,
    pub(crate) n: u32,
    pub(crate) previous: u32,
}

impl HeaderKey {
    fn cipher(&self, random: &Random) -> Cipher {
        let [nonce @ .., _, _, _, _] = random.0;
        Cipher { key: Zeroizing::new(*self.as_bytes()), nonce }
    }

    pub(crate) fn seal(&self, header: &Header, tag: &Tag, random: &Random) -> [u8; HEADER_LEN] {
        let (n, previous) = (header.n.to_be_bytes(), header.previous.to_be_bytes());
        let plain: [u8; PLAIN_LEN] = join(&[&[RATCHET_VERSION, 0], header.ratchet.as_bytes(), &n, &previous]);
        join(&[&self.cipher(random).seal(&outer_ad(tag, random), &plain)])
    }

    /// `None`: the header is not under this key. `Some(Err)`: a newer ratchet version.
    pub(crate) fn open(
        &self,
        tag: &Tag,
        random: &Random,
        sealed: &[u8; HEADER_LEN],
    ) -> Option<Result<Header, DecryptError>> {
        let plain = self.cipher(random).open(&outer_ad(tag, random), sealed)?;
        let mut r = Reader(&plain);
        let [version, _] = *r.take().ok()?;
        let ratchet = PublicKey::from(*r.take::<32>().ok()?);
        let header = Header { ratchet, n: r.number().ok()?, previous: r.number().ok()? };
        Some(if version == RATCHET_VERSION { Ok(header) } else { Err(DecryptError::Newer) })
    }
}
