//! BIP32 private derivation, only as far as the chat key needs it.

use hmac::{Hmac, KeyInit, Mac};
use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::sec1::ToSec1Point;
use k256::{ProjectivePoint, Scalar};
use sha2::Sha512;
use zeroize::{Zeroize, Zeroizing};

const HARDENED: u32 = 1 << 31;
/// `m/43'/60'/1581'/0'/0` (EIP-1581).
const CHAT_PATH: [u32; 5] = [43 | HARDENED, 60 | HARDENED, 1581 | HARDENED, HARDENED, 0];

type Halves = (Zeroizing<[u8; 32]>, Zeroizing<[u8; 32]>);

fn hmac512(key: &[u8], parts: &[&[u8]]) -> Option<Halves> {
    let mut mac = Hmac::<Sha512>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    let mut out = mac.finalize().into_bytes();
    let mut halves = Halves::default();
    let (l, r) = out.split_at_checked(32)?;
    halves.0.copy_from_slice(l);
    halves.1.copy_from_slice(r);
    out.zeroize();
    Some(halves)
}

fn scalar(bytes: &[u8; 32]) -> Option<Zeroizing<Scalar>> {
    let mut repr = (*bytes).into();
    let scalar = Option::<Scalar>::from(Scalar::from_repr(repr)).map(Zeroizing::new);
    repr.zeroize();
    scalar.filter(|s| **s != Scalar::ZERO)
}

/// The chat key of a seed. `None` for the about 1 in 2^127 seeds that BIP32 calls invalid.
pub(crate) fn chat_key(seed: &[u8; 64]) -> Option<Zeroizing<[u8; 32]>> {
    let (mut key, mut chain) = hmac512(b"Bitcoin seed", &[seed])?;
    for step in CHAT_PATH {
        let k = scalar(&key)?;
        let index = step.to_be_bytes();
        let (l, c) = if step & HARDENED != 0 {
            hmac512(chain.as_slice(), &[&[0], key.as_slice(), &index])?
        } else {
            let public = (ProjectivePoint::GENERATOR * *k).to_affine().to_sec1_point(true);
            hmac512(chain.as_slice(), &[public.as_bytes(), &index])?
        };
        let child = Zeroizing::new(*scalar(&l)? + *k);
        if *child == Scalar::ZERO {
            return None;
        }
        let mut repr = child.to_repr();
        key = Zeroizing::new(repr.into());
        repr.zeroize();
        chain = c;
    }
    Some(key)
}
