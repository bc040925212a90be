use super::{ChatKey, DeviceId, IdentityError, card_bytes};
use crate::file::{FilePointer, POINTER_LEN};
use crate::name::Name;
use crate::read::Reader;

/// Length of a [`Closed`], bytes.
pub const CLOSED_LEN: usize = 80;

/// Stands for the device id in the tag of cards that belong to no device.
pub const NO_DEVICE: DeviceId = [0; 16];

/// Kind of a card. The card's tag and signature cover the kind; its bytes do not contain it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CardKind {
    /// A device list.
    List,
    /// A device's bundle.
    Bundle,
    /// A profile.
    Profile,
    /// This invite takes no more requests.
    Closed,
}

impl CardKind {
    /// The byte of the kind, in tag and signature.
    pub const fn code(self) -> u8 {
        match self {
            Self::List => 1,
            Self::Bundle => 2,
            Self::Profile => 3,
            Self::Closed => 4,
        }
    }
}

/// An account's public profile: `version 8 ‖ not-after 8 ‖ home value 8 ‖ name length 1 ‖ name ‖ picture length 1 (0 or
/// 76) ‖ picture pointer ‖ signature 64`.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile {
    /// max(last + 1, Unix seconds) when signed.
    pub version: u64,
    /// The profile is refused after this, Unix seconds.
    pub not_after_s: u64,
    /// Its top bits are the home bucket.
    pub home: [u8; 8],
    /// Name that the account chose.
    pub name: Name,
    /// Nobody sends one: pictures are told to contacts only, in sessions.
    pub picture: Option<FilePointer>,
    /// By the chat key, over [`Self::signed_bytes`].
    pub signature: [u8; 64],
}

crate::closed_debug!(Profile);

impl Profile {
    /// Reads a whole profile; trailing bytes are refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, IdentityError> {
        let mut reader = Reader::new(bytes);
        let (version, not_after_s, home) = (reader.u64()?, reader.u64()?, reader.array()?);
        let len = usize::from(reader.u8()?);
        let name = std::str::from_utf8(reader.bytes(len)?).map_err(|_| IdentityError::Name)?;
        let name = Name::new(name).map_err(|_| IdentityError::Name)?;
        let picture = match usize::from(reader.u8()?) {
            0 => None,
            POINTER_LEN => Some(FilePointer::decode(reader.bytes(POINTER_LEN)?).map_err(IdentityError::Picture)?),
            _ => return Err(IdentityError::Length),
        };
        let signature = reader.array()?;
        if reader.left() != 0 {
            return Err(IdentityError::Length);
        }
        Ok(Self { version, not_after_s, home, name, picture, signature })
    }

    /// The encoded profile, 90 to 206 bytes.
    pub fn encode(&self) -> Vec<u8> {
        [self.body().as_slice(), &self.signature].concat()
    }

    /// What is signed: kind ‖ chat key ‖ all before the signature ‖ hash of the secret it is published under.
    pub fn signed_bytes(&self, chat: &ChatKey, secret_hash: &[u8; 32]) -> Vec<u8> {
        card_bytes(CardKind::Profile, chat, &[&self.body(), secret_hash])
    }

    fn body(&self) -> Vec<u8> {
        let name = self.name.as_str().as_bytes();
        let picture = self.picture.as_ref().map(FilePointer::encode);
        let picture = picture.as_ref().map_or(&[][..], |bytes| bytes.as_slice());
        let len = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        [
            self.version.to_be_bytes().as_slice(),
            &self.not_after_s.to_be_bytes(),
            &self.home,
            &[len(name)],
            name,
            &[len(picture)],
            picture,
        ]
        .concat()
    }
}

/// Says that an invite takes no more requests: `version 8 ‖ not-after 8 ‖ signature 64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// Unix seconds when it was made.
    pub version: u64,
    /// It is refused after this, Unix seconds.
    pub not_after_s: u64,
    /// By the chat key, over [`Self::signed_bytes`].
    pub signature: [u8; 64],
}

impl Closed {
    /// Reads exactly [`CLOSED_LEN`] bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, IdentityError> {
        let bytes: &[u8; CLOSED_LEN] = bytes.try_into().map_err(|_| IdentityError::Length)?;
        let mut reader = Reader::new(bytes);
        Ok(Self { version: reader.u64()?, not_after_s: reader.u64()?, signature: reader.array()? })
    }

    /// The [`CLOSED_LEN`] bytes of the object.
    pub fn encode(&self) -> Vec<u8> {
        [self.body().as_slice(), &self.signature].concat()
    }

    /// What is signed: kind ‖ chat key ‖ all before the signature ‖ hash of the secret it is published under.
    pub fn signed_bytes(&self, chat: &ChatKey, secret_hash: &[u8; 32]) -> Vec<u8> {
        card_bytes(CardKind::Closed, chat, &[&self.body(), secret_hash])
    }

    fn body(&self) -> Vec<u8> {
        [self.version.to_be_bytes(), self.not_after_s.to_be_bytes()].concat()
    }
}
