//! HKDF-SHA256 (RFC 5869), HMAC-SHA256, tagged SHA-256 (as BIP340) and the AEAD, each by label.

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Tag as MacTag};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a Poly1305 tag.
pub(crate) const MAC_LEN: usize = 16;

/// HKDF with an info of label and parts.
pub(crate) fn derive<const N: usize>(salt: &[u8], ikm: &[u8], label: &str, parts: &[&[u8]]) -> Zeroizing<[u8; N]> {
    expand(&Hkdf::<Sha256>::new(Some(salt), ikm), label, parts)
}

/// HKDF-Extract alone: 32 bytes.
pub(crate) fn extract(salt: &[u8], ikm: &[u8]) -> (Zeroizing<[u8; 32]>, Hkdf<Sha256>) {
    let (mut prk, hk) = Hkdf::<Sha256>::extract(Some(salt), ikm);
    (erase(&mut prk), hk)
}

/// Moves 32 secret bytes out of a library's array and wipes it.
fn erase(from: &mut [u8]) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0u8; 32]);
    out.iter_mut().zip(from.iter()).for_each(|(a, b)| *a = *b);
    from.zeroize();
    out
}

/// HKDF-Expand of an extracted key.
pub(crate) fn expand<const N: usize>(hk: &Hkdf<Sha256>, label: &str, parts: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0u8; N]);
    let mut info: [&[u8]; 4] = [&[]; 4];
    if let Some(first) = info.first_mut() {
        *first = label.as_bytes();
    }
    for (slot, part) in info.iter_mut().skip(1).zip(parts) {
        *slot = part;
    }
    debug_assert!(parts.len() <= 3 && N <= 255 * 32);
    // The only failure is a length above 255 blocks, which no caller asks for.
    let _ = hk.expand_multi_info(&info, out.as_mut_slice());
    out
}

/// HMAC-SHA256 of one byte under a chain key, twice: the message key (01) and the next chain key (02).
pub(crate) fn chain_step(ck: &[u8; 32]) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; 32]>) {
    // HMAC pads a 32-byte key with zeros to the 64-byte block.
    let mut block = Zeroizing::new([0u8; 64]);
    block.iter_mut().zip(ck).for_each(|(a, b)| *a = *b);
    let keyed = <Hmac<Sha256> as KeyInit>::new((&*block).into());
    let mut mk = keyed.clone();
    mk.update(&[1]);
    let mut next = keyed;
    next.update(&[2]);
    let (mut mk, mut next) = (mk.finalize().into_bytes(), next.finalize().into_bytes());
    (erase(&mut mk), erase(&mut next))
}

/// SHA-256(SHA-256(label) ‖ SHA-256(label) ‖ parts).
pub(crate) fn tagged(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let tag = Sha256::digest(label.as_bytes());
    let mut h = Sha256::new();
    h.update(tag);
    h.update(tag);
    for part in parts {
        h.update(part);
    }
    h.finalize().into()
}

/// ChaCha20-Poly1305 (RFC 8439): ciphertext ‖ tag.
pub(crate) fn seal(key: &[u8; 32], nonce: &[u8; 12], ad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(plaintext.len() + MAC_LEN);
    out.extend_from_slice(plaintext);
    // Fails only above 256 GiB.
    if let Ok(mac) =
        ChaCha20Poly1305::new(key.into()).encrypt_inout_detached(nonce.into(), ad, out.as_mut_slice().into())
    {
        out.extend_from_slice(&mac);
    }
    out
}

/// The reverse; `None` when the tag does not hold (compared in constant time).
pub(crate) fn open(key: &[u8; 32], nonce: &[u8; 12], ad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (body, mac) = sealed.split_at_checked(sealed.len().checked_sub(MAC_LEN)?)?;
    let mac = MacTag::try_from(mac).ok()?;
    let mut out = Zeroizing::new(body.to_vec());
    ChaCha20Poly1305::new(key.into()).decrypt_inout_detached(nonce.into(), ad, out.as_mut_slice().into(), &mac).ok()?;
    Some(out)
}

/// Splits derived bytes into four keys of 32; each is wiped with its owner.
pub(crate) fn quarter(bytes: &[u8; 128]) -> [Zeroizing<[u8; 32]>; 4] {
    let mut out: [Zeroizing<[u8; 32]>; 4] = Default::default();
    let parts = bytes.as_chunks::<32>().0;
    out.iter_mut().zip(parts).for_each(|(key, part)| key.copy_from_slice(part));
    out
}

/// Splits 44 derived bytes into key and nonce.
pub(crate) fn key_nonce(bytes: &[u8; 44]) -> (Zeroizing<[u8; 32]>, [u8; 12]) {
    let mut key = Zeroizing::new([0u8; 32]);
    let mut nonce = [0u8; 12];
    let (k, n) = bytes.split_at(32);
    key.copy_from_slice(k);
    nonce.copy_from_slice(n);
    (key, nonce)
}
