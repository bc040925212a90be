//! The outer form of everything on our lanes: `version 1 ‖ tag 16 ‖ random 16 ‖ body`, exactly one size class long.
//!
//! A body is one of three forms. Ratchet: sealed header 106 ‖ sealed message. Handshake: block 1,383 ‖ sealed header
//! 106 ‖ sealed message. Sealed: one ciphertext (cards and chunks). Padding lies inside the ciphertext.

use sha2::{Digest, Sha256};

/// The envelope version made and read here.
pub const VERSION: u8 = 1;
/// Bytes before the body.
pub const HEAD_LEN: usize = 33;
/// Sealed ratchet header, bytes.
pub const HEADER_LEN: usize = 106;
/// Handshake block, bytes.
pub const BLOCK_LEN: usize = 1383;
/// What an AEAD adds, bytes.
pub const SEAL_LEN: usize = 16;

/// Most plaintext in a 512 B ratchet envelope, bytes.
pub const TEXT_ROOM: usize = room(Class::Small, Form::Ratchet);
/// Most plaintext in a 2 KiB ratchet envelope, bytes.
pub const MEDIUM_ROOM: usize = room(Class::Medium, Form::Ratchet);
/// Most plaintext beside a handshake block, bytes.
pub const HANDSHAKE_ROOM: usize = room(Class::Medium, Form::Handshake);
/// Most plaintext in a card, bytes.
pub const CARD_ROOM: usize = room(Class::Medium, Form::Sealed);

const _: () = assert!(TEXT_ROOM == 356 && MEDIUM_ROOM == 1892 && HANDSHAKE_ROOM == 509 && CARD_ROOM == 1998);

/// A size class: the only lengths an envelope has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// 512 B: texts, receipts.
    Small,
    /// 2 KiB: handshakes, cards, hellos, longer texts.
    Medium,
    /// 8 KiB: short chunks.
    Large,
    /// 64 KiB: chunks.
    Huge,
}

/// How a body is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// Sealed header ‖ sealed message.
    Ratchet,
    /// Block ‖ sealed header ‖ sealed message.
    Handshake,
    /// One ciphertext.
    Sealed,
}

/// Why bytes are no envelope, or parts make none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// A version above [`VERSION`]: wait for an update.
    #[error("envelope of a newer version")]
    NewerVersion,
    /// Version 0, or no version at all.
    #[error("no envelope version")]
    Version,
    /// Not exactly a size class long.
    #[error("not a size class")]
    Size,
    /// The body does not have the length its form and class ask for.
    #[error("body of the wrong length")]
    Body,
}

/// Why padding failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PadError {
    /// More plaintext than room.
    #[error("plaintext over the room")]
    TooLong,
    /// No `0x80 00…` at the end.
    #[error("malformed padding")]
    Malformed,
}

/// An envelope, its body borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Session tag, card tag or chunk tag.
    pub tag: [u8; 16],
    /// Fresh random bytes.
    pub random: [u8; 16],
    /// The rest.
    pub body: &'a [u8],
}

impl Class {
    /// All of them, rising.
    pub const ALL: [Self; 4] = [Self::Small, Self::Medium, Self::Large, Self::Huge];

    /// Length of the envelope, bytes.
    pub const fn size(self) -> usize {
        match self {
            Self::Small => 512,
            Self::Medium => 2048,
            Self::Large => 8192,
            Self::Huge => 65536,
        }
    }

    /// The class of an envelope of `len` bytes.
    pub fn of_len(len: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.size() == len)
    }
}

/// Bytes of an envelope that are neither plaintext nor padding.
const fn fixed(form: Form) -> usize {
    HEAD_LEN
        + SEAL_LEN
        + match form {
            Form::Ratchet => HEADER_LEN,
            Form::Handshake => BLOCK_LEN + HEADER_LEN,
            Form::Sealed => 0,
        }
}

/// Most plaintext, in bytes, that an envelope of this class and form takes: one byte less than what is sealed, for the
/// `0x80`. 0 where the form does not fit at all. (Handshakes are [`Class::Medium`] only.)
pub const fn room(class: Class, form: Form) -> usize {
    match (form, class) {
        (Form::Handshake, Class::Small | Class::Large | Class::Huge) => 0,
        _ => class.size().saturating_sub(fixed(form) + 1),
    }
}

/// Fills plaintext up for sealing: `plaintext ‖ 0x80 ‖ 00…`, `room + 1` bytes in all.
pub fn pad(plaintext: &[u8], room: usize) -> Result<Vec<u8>, PadError> {
    if plaintext.len() > room {
        return Err(PadError::TooLong);
    }
    let mut padded = Vec::with_capacity(room.saturating_add(1));
    padded.extend_from_slice(plaintext);
    padded.push(0x80);
    padded.resize(room.saturating_add(1), 0);
    Ok(padded)
}

/// Takes the padding off what was opened.
pub fn unpad(padded: &[u8]) -> Result<&[u8], PadError> {
    let end = padded.iter().rposition(|&byte| byte != 0).ok_or(PadError::Malformed)?;
    match padded.split_at_checked(end) {
        Some((plaintext, [0x80, ..])) => Ok(plaintext),
        _ => Err(PadError::Malformed),
    }
}

impl<'a> Envelope<'a> {
    /// Reads a payload. A newer version is told apart from garbage whatever its length, up to the largest class.
    pub fn decode(payload: &'a [u8]) -> Result<Self, EnvelopeError> {
        let (&version, rest) = payload.split_first().ok_or(EnvelopeError::Version)?;
        if payload.len() > Class::Huge.size() {
            return Err(EnvelopeError::Size);
        }
        match version {
            0 => return Err(EnvelopeError::Version),
            VERSION => {}
            _ => return Err(EnvelopeError::NewerVersion),
        }
        Class::of_len(payload.len()).ok_or(EnvelopeError::Size)?;
        let (tag, rest) = rest.split_first_chunk().ok_or(EnvelopeError::Size)?;
        let (random, body) = rest.split_first_chunk().ok_or(EnvelopeError::Size)?;
        Ok(Self { tag: *tag, random: *random, body })
    }

    /// The payload. The body must fill a class exactly.
    pub fn encode(&self) -> Result<Vec<u8>, EnvelopeError> {
        let len = HEAD_LEN.saturating_add(self.body.len());
        Class::of_len(len).ok_or(EnvelopeError::Size)?;
        let mut payload = Vec::with_capacity(len);
        payload.push(VERSION);
        payload.extend_from_slice(&self.tag);
        payload.extend_from_slice(&self.random);
        payload.extend_from_slice(self.body);
        Ok(payload)
    }

    /// Its class.
    pub fn class(&self) -> Option<Class> {
        Class::of_len(HEAD_LEN.saturating_add(self.body.len()))
    }
}

/// SHA-256 of a payload: what receivers drop twins by.
pub fn payload_hash(payload: &[u8]) -> [u8; 32] {
    Sha256::digest(payload).into()
}

/// A ratchet body: sealed header, sealed message.
pub fn split_ratchet(body: &[u8]) -> Result<(&[u8; HEADER_LEN], &[u8]), EnvelopeError> {
    let (header, message) = body.split_first_chunk().ok_or(EnvelopeError::Body)?;
    if message.len() <= SEAL_LEN { Err(EnvelopeError::Body) } else { Ok((header, message)) }
}

/// A handshake body: block, sealed header, sealed message.
#[expect(clippy::type_complexity, reason = "three named parts")]
pub fn split_handshake(body: &[u8]) -> Result<(&[u8; BLOCK_LEN], &[u8; HEADER_LEN], &[u8]), EnvelopeError> {
    if HEAD_LEN.saturating_add(body.len()) != Class::Medium.size() {
        return Err(EnvelopeError::Body);
    }
    let (block, rest) = body.split_first_chunk().ok_or(EnvelopeError::Body)?;
    let (header, message) = split_ratchet(rest)?;
    Ok((block, header, message))
}
