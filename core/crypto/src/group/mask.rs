//! The mask of a group. It hides boxes, whispers and calls from those who never were members, and proves nothing.

use crate::bytes::newtypes;
use crate::kdf::{Cipher, derive};
use crate::session::outer_ad;
use crate::{Random, Tag};
use zeroize::Zeroizing;

newtypes! {
    /// M_G: members and former members know it.
    pub secret MaskSecret: 32;
}

/// The tag of a masked envelope. One HKDF recognises it.
pub fn mask_tag(secret: &MaskSecret, random: &Random) -> Tag {
    Tag(*derive(&random.0, secret.as_bytes(), "sotto/group-mask-tag/1", &[]))
}

fn cipher(secret: &MaskSecret, random: &Random) -> Cipher {
    Cipher::derive(random, secret.as_bytes(), "sotto/group-mask/1", &[])
}

/// Masks a padded plaintext; the result is 16 bytes longer.
pub fn mask_seal(secret: &MaskSecret, random: &Random, padded: &[u8]) -> Vec<u8> {
    cipher(secret, random).seal(&outer_ad(&mask_tag(secret, random), random), padded)
}

/// Takes the mask off; `None` if it is not under this secret.
pub fn mask_open(secret: &MaskSecret, random: &Random, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    cipher(secret, random).open(&outer_ad(&mask_tag(secret, random), random), sealed)
}
