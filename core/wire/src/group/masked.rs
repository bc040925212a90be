//! What stands behind the mask of a group.

use super::{Entry, EpochPrefix, GroupError, GroupId, LeafId, PART_TYPE, Part};
use crate::envelope::{Class, Form, room};
use crate::read::Reader;

/// Type byte of a [`Whisper`].
pub const WHISPER_TYPE: u8 = 2;
/// Type byte of a [`Stuck`].
pub const STUCK_TYPE: u8 = 3;
/// Type byte of an entry that A or B signed.
const ENTRY_TYPE: u8 = 4;
/// Label of the leaf key's signature over a [`Stuck`].
pub const LABEL_STUCK: &str = "sotto/group-stuck/1";
/// Bytes of a [`WhisperHead`].
pub const WHISPER_HEAD_LEN: usize = 1 + 16 + 32 + 1088 + 8;
/// Longest plaintext of a whisper, bytes.
pub const MAX_WHISPER: usize = 800;
/// Most epochs that a stuck names; they fit a small envelope.
pub const MAX_STUCK_EPOCHS: usize = 32;

const _: () = assert!(WHISPER_HEAD_LEN + MAX_WHISPER + 16 <= room(Class::Medium, Form::Sealed));
const _: () = assert!(1 + 16 + 32 + 8 + 1 + MAX_STUCK_EPOCHS * 8 + 64 <= room(Class::Small, Form::Sealed));

/// What stands before a whisper's ciphertext, and is its associated data:
/// `02 ‖ issuer λ 16 ‖ e 32 ‖ ct 1,088 ‖ tag 8`.
#[derive(Clone, PartialEq, Eq)]
pub struct WhisperHead {
    /// The leaf that whispers.
    pub issuer: LeafId,
    /// e: a fresh X25519 key.
    pub key: [u8; 32],
    /// ML-KEM-768 ciphertext to the reader.
    pub ciphertext: Box<[u8; 1088]>,
    /// Only the reader can compute it.
    pub tag: [u8; 8],
}

/// A message M to one leaf.
#[derive(Clone, PartialEq, Eq)]
pub struct Whisper {
    /// What stands before the ciphertext.
    pub head: WhisperHead,
    /// Sealed M: up to [`MAX_WHISPER`] bytes, and 16.
    pub sealed: Vec<u8>,
}

/// A leaf without the secrets of epochs:
/// `03 ‖ λ 16 ‖ X′ 32 ‖ unix s 8 ‖ epochs 1 ‖ 8 each ‖ leaf signature 64`.
#[derive(Clone, PartialEq, Eq)]
pub struct Stuck {
    /// The leaf.
    pub leaf: LeafId,
    /// X′: its new X25519 key.
    pub exchange: [u8; 32],
    /// Its clock, Unix seconds.
    pub time_s: u64,
    /// Epochs without a secret, rising, 1 to [`MAX_STUCK_EPOCHS`].
    pub epochs: Vec<EpochPrefix>,
    /// By the leaf key, over [`Self::signed_bytes`].
    pub signature: [u8; 64],
}

/// An unmasked plaintext, by its type byte.
#[derive(Clone, PartialEq, Eq)]
pub enum Masked {
    /// 1: a part of a box.
    Part(Part),
    /// 2: a message to one leaf.
    Whisper(Whisper),
    /// 3: a call for help.
    Stuck(Stuck),
    /// 4: an entry that A or B signed, by somebody who has no leaf yet.
    Entry(Box<Entry>),
}

crate::closed_debug!(WhisperHead, Whisper, Stuck, Masked);

impl Masked {
    /// Reads what the mask hid, without padding.
    pub fn decode(bytes: &[u8]) -> Result<Self, GroupError> {
        if bytes.len() > room(Class::Huge, Form::Sealed) {
            return Err(GroupError::TooLong);
        }
        match bytes.split_first() {
            None => Err(GroupError::Length),
            Some((&PART_TYPE, _)) => Part::decode(bytes).map(Self::Part),
            Some((&WHISPER_TYPE, _)) => Whisper::decode(bytes).map(Self::Whisper),
            Some((&STUCK_TYPE, _)) => Stuck::decode(bytes).map(Self::Stuck),
            Some((&ENTRY_TYPE, rest)) => entry(rest).map(Self::Entry),
            Some((0, _)) => Err(GroupError::Field),
            Some(_) => Err(GroupError::Newer),
        }
    }

    /// The bytes to pad and mask; refuses what [`Self::decode`] would refuse.
    pub fn encode(&self) -> Result<Vec<u8>, GroupError> {
        match self {
            Self::Part(part) => part.encode(),
            Self::Whisper(whisper) => whisper.encode(),
            Self::Stuck(stuck) => stuck.encode(),
            Self::Entry(of) => {
                let bytes = of.encode()?;
                entry(&bytes)?;
                Ok([&[ENTRY_TYPE], bytes.as_slice()].concat())
            }
        }
    }

    /// The class of the envelope.
    pub fn class(&self) -> Result<Class, GroupError> {
        match self {
            Self::Part(part) => part.head.class(),
            Self::Whisper(_) => Ok(Class::Medium),
            Self::Stuck(_) => Ok(Class::Small),
            Self::Entry(_) => {
                let len = self.encode()?.len();
                if len <= room(Class::Medium, Form::Sealed) { Ok(Class::Medium) } else { Ok(Class::Large) }
            }
        }
    }
}

/// An entry whose signer needs no leaf.
fn entry(bytes: &[u8]) -> Result<Box<Entry>, GroupError> {
    let entry = Entry::decode(bytes)?;
    if entry.signer == super::Signer::Leaf { Err(GroupError::Field) } else { Ok(Box::new(entry)) }
}

impl WhisperHead {
    /// The 1,145 bytes, for the whisper and as its associated data.
    pub fn encode(&self) -> [u8; WHISPER_HEAD_LEN] {
        let parts = [&[WHISPER_TYPE], self.issuer.as_slice(), &self.key, self.ciphertext.as_slice(), &self.tag];
        parts.concat().try_into().unwrap_or([0; WHISPER_HEAD_LEN])
    }
}

impl Whisper {
    fn decode(bytes: &[u8]) -> Result<Self, GroupError> {
        let mut r = Reader::new(bytes);
        let (_, issuer, key) = (r.u8()?, r.array()?, r.array()?);
        let head = WhisperHead { issuer, key, ciphertext: Box::new(r.array()?), tag: r.array()? };
        let whisper = Self { head, sealed: r.bytes(r.left())?.to_vec() };
        whisper.check().map(|()| whisper)
    }

    fn encode(&self) -> Result<Vec<u8>, GroupError> {
        self.check()?;
        Ok([self.head.encode().as_slice(), &self.sealed].concat())
    }

    fn check(&self) -> Result<(), GroupError> {
        match self.sealed.len() {
            0..=16 => Err(GroupError::Length),
            len if len > MAX_WHISPER + 16 => Err(GroupError::TooLong),
            _ => Ok(()),
        }
    }
}

impl Stuck {
    fn decode(bytes: &[u8]) -> Result<Self, GroupError> {
        let mut r = Reader::new(bytes);
        let (_, leaf, exchange, time_s, count) = (r.u8()?, r.array()?, r.array()?, r.u64()?, usize::from(r.u8()?));
        if count > MAX_STUCK_EPOCHS {
            return Err(GroupError::TooMany);
        }
        let epochs = r.bytes(count * 8)?.as_chunks().0.to_vec();
        let stuck = Self { leaf, exchange, time_s, epochs, signature: r.array()? };
        if r.left() != 0 {
            return Err(GroupError::Length);
        }
        stuck.check().map(|()| stuck)
    }

    fn encode(&self) -> Result<Vec<u8>, GroupError> {
        self.check()?;
        Ok([self.unsigned().as_slice(), &self.signature].concat())
    }

    /// What the leaf signs with [`LABEL_STUCK`]: G ‖ all before the signature.
    pub fn signed_bytes(&self, group: &GroupId) -> Vec<u8> {
        [group.as_slice(), &self.unsigned()].concat()
    }

    fn unsigned(&self) -> Vec<u8> {
        let count = u8::try_from(self.epochs.len()).unwrap_or(u8::MAX);
        let time = self.time_s.to_be_bytes();
        let epochs = self.epochs.as_flattened();
        [&[STUCK_TYPE], self.leaf.as_slice(), &self.exchange, &time, &[count], epochs].concat()
    }

    fn check(&self) -> Result<(), GroupError> {
        match self.epochs.len() {
            0 => Err(GroupError::Field),
            1..=MAX_STUCK_EPOCHS if self.epochs.is_sorted_by(|one, next| one < next) => Ok(()),
            1..=MAX_STUCK_EPOCHS => Err(GroupError::Order),
            _ => Err(GroupError::TooMany),
        }
    }
}
