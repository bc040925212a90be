//! The outer form of everything on our lanes: `version 1 ‖ tag 16 ‖ random 16 ‖ body`, exactly one size class long.
//!
//! A body is one of three forms. Ratchet: sealed header 106 ‖ sealed message. Handshake: block 1,383 ‖ sealed header
//! 106 ‖ sealed message. Sealed: one ciphertext (cards and chunks). Padding lies inside the ciphertext.

use sha2::{Digest, Sha256};

/// The envelope version that this code writes and reads.
pub const VERSION: u8 = 1;
/// Bytes in front of the body: version, tag, random.
pub const HEAD_LEN: usize = 33;
/// Sealed ratchet header, bytes.
pub const HEADER_LEN: usize = 106;
/// Handshake block, bytes.
pub const BLOCK_LEN: usize = 1383;
/// Bytes that an AEAD adds.
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

/// Why bytes are not an envelope, or a body does not fit one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The version is above [`VERSION`]; a newer program can read it.
    #[error("envelope of a newer version")]
    NewerVersion,
    /// The version is 0, or there are no bytes.
    #[error("no envelope version")]
    Version,
    /// The length is no size class.
    #[error("not a size class")]
    Size,
    /// The body's length does not fit its form and class.
    #[error("body of the wrong length")]
    Body,
}

/// Why padding or removing it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PadError {
    /// The plaintext is longer than the room.
    #[error("plaintext over the room")]
    TooLong,
    /// The plaintext does not end with `0x80 00…`.
    #[error("malformed padding")]
    Malformed,
}

/// An envelope that borrows its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Session, card, chunk or takeover tag, or random bytes.
    pub tag: [u8; 16],
    /// 16 random bytes, fresh for each envelope.
    pub random: [u8; 16],
    /// The bytes after tag and random.
    pub body: &'a [u8],
}

impl Class {
    /// All classes, ascending.
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

/// Most plaintext of an envelope, bytes: one less than is sealed, for the `0x80`. 0 if the form does not fit the class.
pub const fn room(class: Class, form: Form) -> usize {
    let front = match (form, class) {
        (Form::Handshake, Class::Small | Class::Large | Class::Huge) => return 0,
        (Form::Handshake, Class::Medium) => BLOCK_LEN + HEADER_LEN,
        (Form::Ratchet, _) => HEADER_LEN,
        (Form::Sealed, _) => 0,
    };
    class.size().saturating_sub(HEAD_LEN + front + SEAL_LEN + 1)
}

/// Pads plaintext for sealing: `plaintext ‖ 0x80 ‖ 00…`, `room + 1` bytes in all.
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

/// Removes the padding of a decrypted plaintext.
pub fn unpad(padded: &[u8]) -> Result<&[u8], PadError> {
    let end = padded.iter().rposition(|&byte| byte != 0).ok_or(PadError::Malformed)?;
    match padded.split_at_checked(end) {
        Some((plaintext, [0x80, ..])) => Ok(plaintext),
        _ => Err(PadError::Malformed),
    }
}

impl<'a> Envelope<'a> {
    /// Reads a payload. A newer version is recognised at any length up to the largest class.
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

    /// The class, if the body fills one.
    pub fn class(&self) -> Option<Class> {
        Class::of_len(HEAD_LEN.saturating_add(self.body.len()))
    }
}

/// SHA-256 of a payload; receivers recognise twins by it.
pub fn payload_hash(payload: &[u8]) -> [u8; 32] {
    Sha256::digest(payload).into()
}

/// Splits a ratchet body into sealed header and sealed message.
pub fn split_ratchet(body: &[u8]) -> Result<(&[u8; HEADER_LEN], &[u8]), EnvelopeError> {
    let (header, message) = body.split_first_chunk().ok_or(EnvelopeError::Body)?;
    if message.len() <= SEAL_LEN { Err(EnvelopeError::Body) } else { Ok((header, message)) }
}

/// Splits a handshake body into block, sealed header and sealed message.
#[expect(clippy::type_complexity, reason = "three named parts")]
pub fn split_handshake(body: &[u8]) -> Result<(&[u8; BLOCK_LEN], &[u8; HEADER_LEN], &[u8]), EnvelopeError> {
    if HEAD_LEN.saturating_add(body.len()) != Class::Medium.size() {
        return Err(EnvelopeError::Body);
    }
    let (block, rest) = body.split_first_chunk().ok_or(EnvelopeError::Body)?;
    let (header, message) = split_ratchet(rest)?;
    Ok((block, header, message))
}
