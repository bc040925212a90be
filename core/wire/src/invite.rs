//! Invites: the content of a link or QR code. A reader can check and preview it offline.
//!
//! `version 1 ‖ cluster 2 ‖ expiry 4 ‖ chat key 33 ‖ secret 16 ‖ TLVs (type 1 ‖ length 1 ‖ value) ‖ checksum 4`, in
//! base64url without padding, in the fragment of a URL, which no server sees. TLV 1 is a name, 2 a node's multiaddr as
//! text; others are skipped. The checksum is the first 4 bytes of SHA-256(label ‖ all before).

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest, Sha256};

use crate::identity::ChatKey;
use crate::name::Name;
use crate::read::{Reader, Short};

/// The beginning of a link. Any URL with the same fragment is read too, and the bare fragment.
pub const LINK_PREFIX: &str = "https://sotto.chat/i#";
/// Label of the invite's checksum.
pub const LABEL_INVITE: &str = "sotto/invite/1";
/// Invite version made and read here.
pub const INVITE_VERSION: u8 = 1;
/// Longest invite, bytes before base64url.
pub const MAX_INVITE: usize = 640;
/// Most nodes in an invite.
pub const MAX_NODES: usize = 4;

const FIXED_LEN: usize = 56;
const CHECKSUM_LEN: usize = 4;
const TLV_NAME: u8 = 1;
const TLV_NODE: u8 = 2;

/// Padding is optional. A cut inside a character is left for the checksum to find.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A decoded invite.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    /// Waku cluster the inviter is on.
    pub cluster: u16,
    /// The invite expires then, Unix seconds.
    pub expiry_s: u32,
    /// The inviter's chat key.
    pub chat: ChatKey,
    /// Opens the inviter's cards; proves no identity.
    pub secret: [u8; 16],
    /// The inviter's name, unproven.
    pub name: Option<Name>,
    /// Service nodes, multiaddrs, at most [`MAX_NODES`] of 1 to 255 bytes.
    pub nodes: Vec<String>,
}

/// Why a link is no usable invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// The text has characters that base64url does not have.
    #[error("not an invite")]
    NotAnInvite,
    /// The link was cut short.
    #[error("invite cut short")]
    Truncated,
    /// The checksum is wrong.
    #[error("invite damaged")]
    Checksum,
    /// A newer version made the invite.
    #[error("invite of a newer version")]
    NewerVersion,
    /// The checksum holds, but the content is malformed.
    #[error("malformed invite")]
    Malformed,
    /// Longer than [`MAX_INVITE`], or with too many or too long nodes.
    #[error("invite too long")]
    TooLong,
    /// The invite is for another Waku cluster.
    #[error("invite for another network")]
    OtherNetwork,
    /// The invite has expired.
    #[error("invite expired")]
    Expired,
}

impl From<Short> for InviteError {
    fn from(_: Short) -> Self {
        Self::Malformed
    }
}

impl Invite {
    /// Reads a link, a URL with the invite in its fragment, or the bare fragment. White space around it is ignored.
    pub fn from_link(link: &str) -> Result<Self, InviteError> {
        let text = link.trim();
        let text = text.rsplit_once('#').map_or(text, |(_, fragment)| fragment).trim_end_matches('=');
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return Err(InviteError::NotAnInvite);
        }
        if text.len() > MAX_INVITE.div_ceil(3) * 4 {
            return Err(InviteError::TooLong);
        }
        // A single character beyond a whole group holds no byte; a cut leaves such a character.
        let whole = if text.len() % 4 == 1 { text.len().saturating_sub(1) } else { text.len() };
        let bytes = BASE64.decode(text.get(..whole).unwrap_or_default()).map_err(|_| InviteError::NotAnInvite)?;
        Self::decode(&bytes)
    }

    /// The link; a QR code shows the same text.
    pub fn to_link(&self) -> Result<String, InviteError> {
        Ok(format!("{LINK_PREFIX}{}", BASE64.encode(self.encode()?)))
    }

    /// Reads the bytes of an invite, without base64url.
    pub fn decode(bytes: &[u8]) -> Result<Self, InviteError> {
        if bytes.len() > MAX_INVITE {
            return Err(InviteError::TooLong);
        }
        let (body, sum) = bytes.split_last_chunk::<CHECKSUM_LEN>().ok_or(InviteError::Truncated)?;
        if checksum(body) != *sum {
            return Err(if is_cut(body) { InviteError::Truncated } else { InviteError::Checksum });
        }
        let mut reader = Reader::new(body);
        match reader.u8()? {
            INVITE_VERSION => {}
            0 => return Err(InviteError::Malformed),
            _ => return Err(InviteError::NewerVersion),
        }
        let mut invite = Self {
            cluster: reader.u16()?,
            expiry_s: reader.u32()?,
            chat: reader.array()?,
            secret: reader.array()?,
            name: None,
            nodes: Vec::new(),
        };
        while reader.left() > 0 {
            let kind = reader.u8()?;
            let len = usize::from(reader.u8()?);
            invite.take(kind, reader.bytes(len)?)?;
        }
        Ok(invite)
    }

    fn take(&mut self, kind: u8, value: &[u8]) -> Result<(), InviteError> {
        let text = || std::str::from_utf8(value).map_err(|_| InviteError::Malformed);
        match kind {
            TLV_NAME if self.name.is_none() => {
                self.name = Some(Name::new(text()?).map_err(|_| InviteError::Malformed)?);
            }
            TLV_NAME => return Err(InviteError::Malformed),
            TLV_NODE if value.is_empty() => return Err(InviteError::Malformed),
            TLV_NODE if self.nodes.len() < MAX_NODES => self.nodes.push(text()?.to_owned()),
            TLV_NODE => return Err(InviteError::TooLong),
            _ => {}
        }
        Ok(())
    }

    /// The bytes of the invite, without base64url.
    pub fn encode(&self) -> Result<Vec<u8>, InviteError> {
        if self.nodes.len() > MAX_NODES || self.nodes.iter().any(String::is_empty) {
            return Err(InviteError::TooLong);
        }
        let mut bytes = vec![INVITE_VERSION];
        bytes.extend_from_slice(&self.cluster.to_be_bytes());
        bytes.extend_from_slice(&self.expiry_s.to_be_bytes());
        bytes.extend_from_slice(&self.chat);
        bytes.extend_from_slice(&self.secret);
        let name = self.name.iter().map(|name| (TLV_NAME, name.as_str()));
        let nodes = self.nodes.iter().map(|node| (TLV_NODE, node.as_str()));
        for (kind, value) in name.chain(nodes) {
            bytes.extend([kind, u8::try_from(value.len()).map_err(|_| InviteError::TooLong)?]);
            bytes.extend_from_slice(value.as_bytes());
        }
        bytes.extend(checksum(&bytes));
        if bytes.len() > MAX_INVITE { Err(InviteError::TooLong) } else { Ok(bytes) }
    }

    /// Checks cluster and expiry. `cluster` is this install's; `now_s` is Unix seconds.
    pub fn check(&self, cluster: u16, now_s: u64) -> Result<(), InviteError> {
        if self.cluster != cluster {
            return Err(InviteError::OtherNetwork);
        }
        if u64::from(self.expiry_s) <= now_s { Err(InviteError::Expired) } else { Ok(()) }
    }
}

crate::closed_debug!(Invite);

fn checksum(body: &[u8]) -> [u8; CHECKSUM_LEN] {
    let hash = Sha256::new().chain_update(LABEL_INVITE).chain_update(body).finalize();
    hash.first_chunk().copied().unwrap_or_default()
}

/// Whether an invite with a wrong checksum ends inside a part that announces its length.
fn is_cut(body: &[u8]) -> bool {
    if body.len() < FIXED_LEN {
        return true; // too short to be one
    }
    let mut reader = Reader::new(body);
    if !matches!(reader.u8(), Ok(INVITE_VERSION)) || reader.bytes(FIXED_LEN - 1).is_err() {
        return false;
    }
    while reader.left() > 0 {
        let whole = reader.array().and_then(|[_, len]: [u8; 2]| reader.bytes(usize::from(len)));
        if whole.is_err() {
            return true;
        }
    }
    false
}
