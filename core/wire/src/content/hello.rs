use prost::Message as _;

use super::profile::picture;
use super::{Content, ContentError, fixed, generated, name};
use crate::file::FilePointer;
use crate::name::Name;

/// The first message of an accepted contact, both ways.
#[derive(Clone, PartialEq, Eq)]
pub struct Hello {
    /// Home value of the author.
    pub home: [u8; 8],
    /// Opens the author's cards from now on.
    pub contacts_secret: [u8; 16],
    /// For the reader's next session, if this one is lost.
    pub reset: ResetPair,
    /// Version of the author's device list.
    pub list_version: u64,
    /// The author's name.
    pub name: Name,
    /// The author's picture; `None` if there is none.
    pub picture: Option<FilePointer>,
}

/// Keys that begin a new session without a bundle.
#[derive(Clone, PartialEq, Eq)]
pub struct ResetPair {
    /// Prekey id, random.
    pub id: [u8; 8],
    /// X25519 prekey.
    pub x25519: [u8; 32],
    /// ML-KEM-768 encapsulation key.
    pub kem: Box<[u8; 1184]>,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::Hello::decode(body).map_err(|_| ContentError::Malformed)?;
    Ok(Content::Hello(Box::new(Hello {
        home: fixed(&raw.home)?,
        contacts_secret: fixed(&raw.contacts_secret)?,
        reset: ResetPair {
            id: fixed(&raw.reset_id)?,
            x25519: fixed(&raw.reset_x25519)?,
            kem: Box::new(fixed(&raw.reset_kem)?),
        },
        list_version: raw.list_version,
        name: name(raw.name)?,
        picture: picture(&raw.picture)?,
    })))
}

pub(super) fn encode(hello: &Hello) -> Result<Vec<u8>, ContentError> {
    let raw = generated::Hello {
        home: hello.home.to_vec(),
        contacts_secret: hello.contacts_secret.to_vec(),
        reset_id: hello.reset.id.to_vec(),
        reset_x25519: hello.reset.x25519.to_vec(),
        reset_kem: hello.reset.kem.to_vec(),
        list_version: hello.list_version,
        name: hello.name.as_str().to_owned(),
        picture: hello.picture.as_ref().map(|p| p.encode().to_vec()).unwrap_or_default(),
    };
    Ok(raw.encode_to_vec())
}

crate::closed_debug!(Hello, ResetPair);
