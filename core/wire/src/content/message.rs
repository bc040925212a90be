use prost::Message as _;
use sha2::{Digest, Sha256};

use super::{Content, ContentError, Kind, MAX_INNER, generated};
use crate::identity::{ChatKey, DeviceId};

/// Label of [`message_id`].
pub const LABEL_MESSAGE: &str = "sotto/message/1";
/// Label of [`conversation_id`].
pub const LABEL_CONVERSATION: &str = "sotto/conversation/1";
/// Most parents of a message.
pub const MAX_PARENTS: usize = 3;
/// How far a received message may move the own Lamport clock forward.
pub const LAMPORT_JUMP: u64 = 1 << 20;

/// A message id, see [`message_id`].
pub type MessageId = [u8; 32];
/// The first 8 bytes of a message id.
pub type Prefix = [u8; 8];

/// A decoded M. Compute ids from the received bytes, never from a new encoding.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// 16 random bytes of the author; not the envelope's.
    pub random: [u8; 16],
    /// The author's Lamport clock; 0 in messages that are not shown.
    pub lamport: u64,
    /// The author's clock, Unix seconds.
    pub time_s: u64,
    /// Newest messages the author had seen in the conversation, at most [`MAX_PARENTS`].
    pub parents: Vec<Prefix>,
    /// Kind of the body.
    pub kind: Kind,
    /// The body, as received.
    pub body: Vec<u8>,
}

impl Message {
    /// Reads M; refuses kind 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        if bytes.len() > MAX_INNER {
            return Err(ContentError::TooLong);
        }
        let raw = generated::Message::decode(bytes).map_err(|_| ContentError::Malformed)?;
        let (parents, left) = raw.parents.as_chunks::<8>();
        if !left.is_empty() {
            return Err(ContentError::Field);
        }
        if parents.len() > MAX_PARENTS {
            return Err(ContentError::TooMany);
        }
        Ok(Self {
            random: super::fixed(&raw.random)?,
            lamport: raw.lamport,
            time_s: raw.time_s,
            parents: parents.to_vec(),
            kind: Kind::from_code(raw.kind).ok_or(ContentError::Kind)?,
            body: raw.body,
        })
    }

    /// The bytes of M. Only its author encodes it, once.
    pub fn encode(&self) -> Result<Vec<u8>, ContentError> {
        if self.parents.len() > MAX_PARENTS {
            return Err(ContentError::TooMany);
        }
        let raw = generated::Message {
            random: self.random.to_vec(),
            lamport: self.lamport,
            time_s: self.time_s,
            parents: self.parents.concat(),
            kind: self.kind.code(),
            body: self.body.clone(),
        };
        if raw.encoded_len() > MAX_INNER { Err(ContentError::TooLong) } else { Ok(raw.encode_to_vec()) }
    }

    /// The body, decoded by its kind.
    pub fn content(&self) -> Result<Content, ContentError> {
        Content::decode(self.kind, &self.body)
    }
}

crate::closed_debug!(Message);

/// The id of a message: SHA-256(label ‖ conversation ‖ author's chat key ‖ author's device id ‖ M as sent).
pub fn message_id(conversation: &[u8; 32], author: &ChatKey, device: &DeviceId, message: &[u8]) -> MessageId {
    Sha256::new()
        .chain_update(LABEL_MESSAGE)
        .chain_update(conversation)
        .chain_update(author)
        .chain_update(device)
        .chain_update(message)
        .finalize()
        .into()
}

/// The id of the 1:1 conversation of two accounts: SHA-256(label ‖ lower chat key ‖ higher chat key).
pub fn conversation_id(one: &ChatKey, other: &ChatKey) -> [u8; 32] {
    Sha256::new()
        .chain_update(LABEL_CONVERSATION)
        .chain_update(one.min(other))
        .chain_update(one.max(other))
        .finalize()
        .into()
}

/// The prefix of a message id; parents and wants use it.
pub fn prefix(id: &MessageId) -> Prefix {
    id.first_chunk().copied().unwrap_or_default()
}

/// The Lamport time to store for a received message: as sent, but at most [`LAMPORT_JUMP`] ahead of the own clock.
pub fn clamp_lamport(own: u64, received: u64) -> u64 {
    received.min(own.saturating_add(LAMPORT_JUMP))
}
