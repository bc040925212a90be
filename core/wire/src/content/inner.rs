use prost::Message as _;

use super::{ContentError, Receipt, generated};

/// Longest `Inner`, bytes: the size of the largest envelope.
pub const MAX_INNER: usize = 65_536;
/// Most receipts in one `Inner`.
pub const MAX_RECEIPTS: usize = 4;

/// The plaintext of an envelope.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Inner {
    /// Counter in the session, from 1; 0 if no receipt is wanted (receipts, typing).
    pub seq: u32,
    /// Lowest seq still in the sender's outbox, 1 to `seq`; 0 with seq 0.
    pub floor: u32,
    /// Receipts of the sender, at most [`MAX_RECEIPTS`].
    pub receipts: Vec<Receipt>,
    /// M, exactly as its author made it; empty if only receipts are sent.
    pub message: Vec<u8>,
}

impl Inner {
    /// Reads a decrypted plaintext, without padding.
    pub fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        if bytes.len() > MAX_INNER {
            return Err(ContentError::TooLong);
        }
        // Thousands of empty receipts are refused before memory is allocated for them.
        let raw: generated::Inner = super::few_fields(bytes)?;
        if raw.receipts.len() > MAX_RECEIPTS {
            return Err(ContentError::TooMany);
        }
        let receipts = raw.receipts.iter().map(|bytes| Receipt::decode(bytes));
        let receipts = receipts.collect::<Result<_, _>>().map_err(ContentError::Receipt)?;
        let inner = Self { seq: raw.seq, floor: raw.floor, receipts, message: raw.message };
        inner.check_floor()?;
        Ok(inner)
    }

    /// The bytes to pad and seal; refuses what [`Self::decode`] would refuse.
    pub fn encode(&self) -> Result<Vec<u8>, ContentError> {
        self.check_floor()?;
        if self.receipts.len() > MAX_RECEIPTS {
            return Err(ContentError::TooMany);
        }
        let receipts = self.receipts.iter().map(Receipt::encode).collect();
        let raw = generated::Inner { seq: self.seq, floor: self.floor, receipts, message: self.message.clone() };
        if raw.encoded_len() > MAX_INNER { Err(ContentError::TooLong) } else { Ok(raw.encode_to_vec()) }
    }

    fn check_floor(&self) -> Result<(), ContentError> {
        let fits = if self.seq == 0 { self.floor == 0 } else { (1..=self.seq).contains(&self.floor) };
        if fits { Ok(()) } else { Err(ContentError::Floor) }
    }
}

crate::closed_debug!(Inner);
