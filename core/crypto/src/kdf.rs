//! HKDF-SHA256 (RFC 5869), tagged SHA-256 (as in BIP340) and the AEAD, each with a label.

use crate::Random;
use crate::bytes::fill;
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Tag as MacTag};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Bytes of a Poly1305 tag.
pub(crate) const MAC_LEN: usize = 16;

/// HKDF with a label and up to three parts as info.
pub(crate) fn derive<const N: usize>(salt: &[u8], ikm: &[u8], label: &str, parts: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0u8; N]);
    expand(&Hkdf::new(Some(salt), ikm), label, parts, out.as_mut_slice());
    out
}

/// As [`derive()`], four keys of 32 bytes.
pub(crate) fn derive_four(salt: &[u8], ikm: &[u8], label: &str, parts: &[&[u8]]) -> Zeroizing<[[u8; 32]; 4]> {
    let mut out = Zeroizing::new([[0u8; 32]; 4]);
    expand(&Hkdf::new(Some(salt), ikm), label, parts, out.as_flattened_mut());
    out
}

/// HKDF-Expand of an extracted key.
pub(crate) fn expand(hk: &Hkdf<Sha256>, label: &str, parts: &[&[u8]], out: &mut [u8]) {
    let mut info: [&[u8]; 4] = [label.as_bytes(), &[], &[], &[]];
    info.iter_mut().skip(1).zip(parts).for_each(|(slot, part)| *slot = part);
    debug_assert!(parts.len() <= 3 && out.len() <= 255 * 32);
    // This fails only above 255 blocks, which no caller asks for.
    let _ = hk.expand_multi_info(&info, out);
}

/// SHA-256(SHA-256(label) ‖ SHA-256(label) ‖ parts).
pub(crate) fn tagged(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(tag(label), |hash, part| hash.chain_update(part)).finalize().into()
}

/// The state of [`tagged()`] before the parts. Two compressions, so a hot caller keeps it.
pub(crate) fn tag(label: &str) -> Sha256 {
    let tag = Sha256::digest(label.as_bytes());
    Sha256::new().chain_update(tag).chain_update(tag)
}

/// ChaCha20-Poly1305 (RFC 8439) with one key and the one nonce that belongs to it.
#[derive(ZeroizeOnDrop)]
pub(crate) struct Cipher {
    pub(crate) key: Zeroizing<[u8; 32]>,
    pub(crate) nonce: [u8; 12],
}

impl Cipher {
    /// Key and nonce, from a secret and an envelope's random bytes.
    pub(crate) fn derive(random: &Random, secret: &[u8], label: &str, parts: &[&[u8]]) -> Self {
        let bytes = derive::<44>(&random.0, secret, label, parts);
        let mut cipher = Self { key: Zeroizing::default(), nonce: [0; 12] };
        fill(cipher.key.as_mut_slice(), &[bytes.as_slice()]);
        fill(&mut cipher.nonce, &[bytes.split_at(32).1]);
        cipher
    }

    /// Ciphertext ‖ tag.
    pub(crate) fn seal(&self, ad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(plaintext.len() + MAC_LEN);
        out.extend_from_slice(plaintext);
        self.seal_in_place(ad, &mut out);
        out
    }

    /// Turns a plaintext into ciphertext ‖ tag.
    pub(crate) fn seal_in_place(&self, ad: &[u8], bytes: &mut Vec<u8>) {
        // This fails only above 256 GiB.
        let cipher = ChaCha20Poly1305::new((&*self.key).into());
        if let Ok(mac) = cipher.encrypt_inout_detached(&self.nonce.into(), ad, bytes.as_mut_slice().into()) {
            bytes.extend_from_slice(&mac);
        }
    }

    /// The plaintext; `None` if the tag is wrong (compared in constant time).
    pub(crate) fn open(&self, ad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (body, mac) = sealed.split_at_checked(sealed.len().checked_sub(MAC_LEN)?)?;
        let mac = MacTag::try_from(mac).ok()?;
        let mut out = Zeroizing::new(body.to_vec());
        let cipher = ChaCha20Poly1305::new((&*self.key).into());
        cipher.decrypt_inout_detached(&self.nonce.into(), ad, out.as_mut_slice().into(), &mac).ok()?;
        Some(out)
    }
}
