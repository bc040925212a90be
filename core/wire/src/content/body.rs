use prost::Message as _;

use super::{ContentError, MessageId, Prefix, fixed, generated};
use crate::blob::{MAX_BLOB, Pointer};
use crate::identity::DeviceList;
use crate::name::Name;

/// Longest text of a contact request, bytes.
pub const MAX_REQUEST_TEXT: usize = 400;
/// Most prefixes in a want or gone.
pub const MAX_PREFIXES: usize = 64;
/// Longest body that is not text, bytes.
const MAX_BODY: usize = 2048;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What a message is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
            /// Something newer than this version.
            Unknown(u32),
        }

        impl Kind {
            /// The kind of a number; none has 0.
            pub const fn from_code(code: u32) -> Option<Self> {
                match code {
                    0 => None,
                    $($code => Some(Self::$name),)*
                    other => Some(Self::Unknown(other)),
                }
            }

            /// Its number.
            pub const fn code(self) -> u32 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Unknown(code) => code,
                }
            }
        }
    };
}

kinds! {
    /// A text.
    Text = 1,
    /// A contact request.
    Request = 2,
    /// The answer to it, and its answer.
    Hello = 3,
    /// A changed profile.
    Profile = 4,
    /// The author is typing.
    Typing = 5,
    /// The body is a blob.
    Pointer = 6,
    /// A changed device list.
    List = 7,
    /// Messages the author lacks.
    Want = 8,
    /// Wanted messages that are no more.
    Gone = 9,
    /// How far the author has read.
    Read = 10,
}

/// A body, read.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// UTF-8, not empty. Longer ones than fit travel as [`Content::Pointer`].
    Text(String),
    /// A contact request.
    Request(Request),
    /// A hello.
    Hello(Box<Hello>),
    /// A changed profile.
    Profile(ProfileUpdate),
    /// The author is typing. No body.
    Typing,
    /// The body is a blob.
    Pointer(Remote),
    /// A changed device list; its signature covers [`IN_SESSION`](crate::identity::IN_SESSION).
    List(Box<DeviceList>),
    /// Messages of the reader that the author lacks, 1 to [`MAX_PREFIXES`].
    Want(Vec<Prefix>),
    /// Wanted messages that are no more, 1 to [`MAX_PREFIXES`].
    Gone(Vec<Prefix>),
    /// Everything up to this message of the reader's has been read.
    Read(MessageId),
    /// Something newer than this version; the body stays with the message.
    Unknown,
}

/// A contact request.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Where the answer goes.
    pub home: [u8; 8],
    /// Who asks.
    pub name: Name,
    /// At most [`MAX_REQUEST_TEXT`] bytes; may be empty.
    pub text: String,
}

/// Keys for starting over without a bundle.
#[derive(Clone, PartialEq, Eq)]
pub struct ResetPair {
    /// Prekey id.
    pub id: [u8; 8],
    /// X25519.
    pub x25519: [u8; 32],
    /// ML-KEM-768 encapsulation key.
    pub kem: Box<[u8; 1184]>,
}

/// The first message of an accepted contact, both ways.
#[derive(Clone, PartialEq, Eq)]
pub struct Hello {
    /// Home value.
    pub home: [u8; 8],
    /// Opens the author's cards from now on.
    pub contacts_secret: [u8; 16],
    /// For the next reset.
    pub reset: ResetPair,
    /// Version of the author's device list.
    pub list_version: u64,
    /// The author's name.
    pub name: Name,
}

/// A changed profile.
#[derive(Clone, PartialEq, Eq)]
pub struct ProfileUpdate {
    /// Home value.
    pub home: [u8; 8],
    /// Name.
    pub name: Name,
    /// Picture.
    pub picture: Option<Pointer>,
}

/// A body that lies in a blob.
#[derive(Clone, PartialEq, Eq)]
pub struct Remote {
    /// What the blob's bytes are the body of; not [`Kind::Pointer`].
    pub kind: Kind,
    /// Where they are.
    pub pointer: Pointer,
}

impl Content {
    /// Reads a body of a kind. A text may have up to [`MAX_BLOB`] bytes, for it may come out of a blob.
    pub fn decode(kind: Kind, body: &[u8]) -> Result<Self, ContentError> {
        let max = if matches!(kind, Kind::Text | Kind::Unknown(_)) { MAX_BLOB } else { MAX_BODY };
        if body.len() > max {
            return Err(ContentError::TooLong);
        }
        match kind {
            Kind::Text => {
                let text = str::from_utf8(body).map_err(|_| ContentError::Text)?;
                if text.is_empty() { Err(ContentError::Field) } else { Ok(Self::Text(text.to_owned())) }
            }
            Kind::Request => Request::decode(body).map(Self::Request),
            Kind::Hello => Hello::decode(body).map(|hello| Self::Hello(Box::new(hello))),
            Kind::Profile => ProfileUpdate::decode(body).map(Self::Profile),
            Kind::Typing => Ok(Self::Typing),
            Kind::Pointer => Remote::decode(body).map(Self::Pointer),
            Kind::List => match DeviceList::decode(body) {
                Ok(list) => Ok(Self::List(Box::new(list))),
                Err(e) => Err(ContentError::List(e)),
            },
            Kind::Want => prefixes(body).map(Self::Want),
            Kind::Gone => prefixes(body).map(Self::Gone),
            Kind::Read => fixed(body).map(Self::Read),
            Kind::Unknown(_) => Ok(Self::Unknown),
        }
    }

    /// Kind and body to put into a [`Message`](super::Message); refuses what [`Self::decode`] would.
    pub fn encode(&self) -> Result<(Kind, Vec<u8>), ContentError> {
        Ok(match self {
            Self::Text(text) if text.is_empty() => return Err(ContentError::Field),
            Self::Text(text) if text.len() > MAX_BLOB => return Err(ContentError::TooLong),
            Self::Text(text) => (Kind::Text, text.as_bytes().to_vec()),
            Self::Request(request) => (Kind::Request, request.encode()?),
            Self::Hello(hello) => (Kind::Hello, hello.encode()),
            Self::Profile(profile) => (Kind::Profile, profile.encode()),
            Self::Typing => (Kind::Typing, Vec::new()),
            Self::Pointer(remote) => (Kind::Pointer, remote.encode()?),
            Self::List(list) => (Kind::List, list.encode().map_err(ContentError::List)?),
            Self::Want(wanted) => (Kind::Want, join(wanted)?),
            Self::Gone(gone) => (Kind::Gone, join(gone)?),
            Self::Read(id) => (Kind::Read, id.to_vec()),
            Self::Unknown => return Err(ContentError::Kind),
        })
    }
}

impl Request {
    fn decode(body: &[u8]) -> Result<Self, ContentError> {
        let raw = generated::Request::decode(body).map_err(|_| ContentError::Malformed)?;
        if raw.text.len() > MAX_REQUEST_TEXT {
            return Err(ContentError::TooLong);
        }
        Ok(Self { home: fixed(&raw.home)?, name: name(raw.name)?, text: raw.text })
    }

    fn encode(&self) -> Result<Vec<u8>, ContentError> {
        if self.text.len() > MAX_REQUEST_TEXT {
            return Err(ContentError::TooLong);
        }
        let raw = generated::Request {
            home: self.home.to_vec(),
            name: self.name.as_str().to_owned(),
            text: self.text.clone(),
        };
        Ok(raw.encode_to_vec())
    }
}

impl Hello {
    fn decode(body: &[u8]) -> Result<Self, ContentError> {
        let raw = generated::Hello::decode(body).map_err(|_| ContentError::Malformed)?;
        Ok(Self {
            home: fixed(&raw.home)?,
            contacts_secret: fixed(&raw.contacts_secret)?,
            reset: ResetPair {
                id: fixed(&raw.reset_id)?,
                x25519: fixed(&raw.reset_x25519)?,
                kem: Box::new(fixed(&raw.reset_kem)?),
            },
            list_version: raw.list_version,
            name: name(raw.name)?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let raw = generated::Hello {
            home: self.home.to_vec(),
            contacts_secret: self.contacts_secret.to_vec(),
            reset_id: self.reset.id.to_vec(),
            reset_x25519: self.reset.x25519.to_vec(),
            reset_kem: self.reset.kem.to_vec(),
            list_version: self.list_version,
            name: self.name.as_str().to_owned(),
        };
        raw.encode_to_vec()
    }
}

impl ProfileUpdate {
    fn decode(body: &[u8]) -> Result<Self, ContentError> {
        let raw = generated::Profile::decode(body).map_err(|_| ContentError::Malformed)?;
        let picture = Some(raw.picture).filter(|bytes| !bytes.is_empty());
        let picture = picture.map(|bytes| Pointer::decode(&bytes)).transpose().map_err(ContentError::Pointer)?;
        Ok(Self { home: fixed(&raw.home)?, name: name(raw.name)?, picture })
    }

    fn encode(&self) -> Vec<u8> {
        let raw = generated::Profile {
            home: self.home.to_vec(),
            name: self.name.as_str().to_owned(),
            picture: self.picture.as_ref().map(|p| p.encode().to_vec()).unwrap_or_default(),
        };
        raw.encode_to_vec()
    }
}

impl Remote {
    fn decode(body: &[u8]) -> Result<Self, ContentError> {
        let raw = generated::Pointer::decode(body).map_err(|_| ContentError::Malformed)?;
        let kind = Kind::from_code(raw.kind).filter(|&kind| kind != Kind::Pointer).ok_or(ContentError::Kind)?;
        Ok(Self { kind, pointer: Pointer::decode(&raw.pointer).map_err(ContentError::Pointer)? })
    }

    fn encode(&self) -> Result<Vec<u8>, ContentError> {
        if self.kind == Kind::Pointer {
            return Err(ContentError::Kind);
        }
        let raw = generated::Pointer { kind: self.kind.code(), pointer: self.pointer.encode().to_vec() };
        Ok(raw.encode_to_vec())
    }
}

fn name(name: String) -> Result<Name, ContentError> {
    Name::new(name).map_err(|_| ContentError::Name)
}

fn prefixes(body: &[u8]) -> Result<Vec<Prefix>, ContentError> {
    match body.as_chunks() {
        (prefixes, []) if prefixes.len() > MAX_PREFIXES => Err(ContentError::TooMany),
        ([], _) | (_, [_, ..]) => Err(ContentError::Field),
        (prefixes, []) => Ok(prefixes.to_vec()),
    }
}

fn join(prefixes: &[Prefix]) -> Result<Vec<u8>, ContentError> {
    match prefixes.len() {
        0 => Err(ContentError::Field),
        1..=MAX_PREFIXES => Ok(prefixes.concat()),
        _ => Err(ContentError::TooMany),
    }
}

crate::closed_debug!(Content, Request, ResetPair, Hello, ProfileUpdate, Remote);
