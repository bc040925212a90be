use prost::Message as _;

use super::{Content, ContentError, fixed, generated};
use crate::group::{EpochPrefix, LeafId, MAX_GROUP_INNER};

/// A message of somebody else, for readers who lack it.
#[derive(Clone, PartialEq, Eq)]
pub struct Relay {
    /// The first 8 bytes of the epoch.
    pub epoch: EpochPrefix,
    /// The author.
    pub leaf: LeafId,
    /// Number of the message in its chain.
    pub n: u32,
    /// h_n, the run hash before the message.
    pub run: [u8; 32],
    /// The message, or its hash.
    pub what: Relayed,
}

/// What is relayed of a message.
#[derive(Clone, PartialEq, Eq)]
pub enum Relayed {
    /// Everything that its author signed.
    Whole {
        /// By the author's epoch key.
        signature: [u8; 64],
        /// The opening: 0, 128 or 172 bytes.
        opening: Vec<u8>,
        /// GInner, exactly as its author made it.
        inner: Vec<u8>,
    },
    /// SHA-256 of GInner: continues the run over a message that nobody has.
    Hash([u8; 32]),
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::Relay::decode(body).map_err(|_| ContentError::Malformed)?;
    let what = if raw.inner_hash.is_empty() {
        if !matches!(raw.opening.len(), 0 | 128 | 172) {
            return Err(ContentError::Field);
        }
        Relayed::Whole { signature: fixed(&raw.signature)?, opening: raw.opening, inner: raw.inner }
    } else if raw.signature.is_empty() && raw.opening.is_empty() && raw.inner.is_empty() {
        Relayed::Hash(fixed(&raw.inner_hash)?)
    } else {
        return Err(ContentError::Field);
    };
    let (epoch, leaf, run) = (fixed(&raw.epoch)?, fixed(&raw.leaf)?, fixed(&raw.run)?);
    Ok(Content::Relay(Box::new(Relay { epoch, leaf, n: raw.n, run, what })))
}

pub(super) fn encode(relay: &Relay) -> Result<Vec<u8>, ContentError> {
    let mut raw = generated::Relay {
        epoch: relay.epoch.to_vec(),
        leaf: relay.leaf.to_vec(),
        n: relay.n,
        run: relay.run.to_vec(),
        ..Default::default()
    };
    match &relay.what {
        Relayed::Whole { signature, opening, inner } => {
            raw.signature = signature.to_vec();
            raw.opening.clone_from(opening);
            raw.inner.clone_from(inner);
        }
        Relayed::Hash(hash) => raw.inner_hash = hash.to_vec(),
    }
    let bytes = raw.encode_to_vec();
    if bytes.len() > MAX_GROUP_INNER {
        return Err(ContentError::TooLong);
    }
    decode(&bytes).map(|_| bytes)
}

crate::closed_debug!(Relay, Relayed);
