/// Longest bitmap, bytes.
pub const BITMAP_LEN: usize = 16;

/// The counters of one session that have arrived: all up to `contiguous`, and those in the bitmap.
/// `session hash [0..4] ‖ contiguous 4 ‖ bitmap 0 to 16`. Bit i (byte i / 8, least significant first) stands for seq
/// contiguous + 2 + i, because contiguous + 1 is missing by definition. The bitmap does not end with a zero byte.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt {
    session: [u8; 4],
    contiguous: u32,
    bitmap: Vec<u8>,
}

/// Why bytes are not a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not 8 to 24 bytes.
    #[error("wrong receipt length")]
    Length,
    /// The bitmap ends with a zero byte.
    #[error("receipt not in its shortest form")]
    NotShortest,
}

impl Receipt {
    /// A receipt for `contiguous`, and for those of `above` that fit the bitmap.
    pub fn new(session: [u8; 4], contiguous: u32, above: impl IntoIterator<Item = u32>) -> Self {
        let mut bitmap = [0u8; BITMAP_LEN];
        for seq in above {
            if let Some((byte, bit)) = position(contiguous, seq)
                && let Some(byte) = bitmap.get_mut(byte)
            {
                *byte |= bit;
            }
        }
        let len = bitmap.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        Self { session, contiguous, bitmap: bitmap.iter().copied().take(len).collect() }
    }

    /// Reads a receipt of 8 to 24 bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let (session, rest) = bytes.split_first_chunk().ok_or(ReceiptError::Length)?;
        let (contiguous, bitmap) = rest.split_first_chunk().ok_or(ReceiptError::Length)?;
        if bitmap.len() > BITMAP_LEN {
            return Err(ReceiptError::Length);
        }
        if bitmap.last() == Some(&0) {
            return Err(ReceiptError::NotShortest);
        }
        Ok(Self { session: *session, contiguous: u32::from_be_bytes(*contiguous), bitmap: bitmap.to_vec() })
    }

    /// The 8 to 24 bytes of the receipt.
    pub fn encode(&self) -> Vec<u8> {
        [self.session.as_slice(), &self.contiguous.to_be_bytes(), &self.bitmap].concat()
    }

    /// The first 4 bytes of the session's hash.
    pub fn session(&self) -> [u8; 4] {
        self.session
    }

    /// The highest counter that arrived; 0 for none.
    pub fn highest(&self) -> u32 {
        let bits = self.bitmap.last().map_or(0, |last| self.bitmap.len() as u32 * 8 - last.leading_zeros());
        match bits {
            0 => self.contiguous,
            bits => self.contiguous.saturating_add(bits + 1),
        }
    }

    /// Whether `seq` (from 1) arrived.
    pub fn covers(&self, seq: u32) -> bool {
        if seq <= self.contiguous {
            return seq > 0;
        }
        let bit = |(byte, bit)| Some(self.bitmap.get(byte)? & bit);
        position(self.contiguous, seq).and_then(bit).is_some_and(|bit| bit != 0)
    }

    /// Whether `seq` did not arrive. False beyond the longest bitmap, of which a receipt says nothing.
    pub fn lacks(&self, seq: u32) -> bool {
        let reach = u32::try_from(BITMAP_LEN * 8).unwrap_or(0).saturating_add(1);
        let last = self.contiguous.saturating_add(reach);
        seq > self.contiguous && seq <= last && !self.covers(seq)
    }
}

/// Byte and bit of `seq` in the bitmap.
fn position(contiguous: u32, seq: u32) -> Option<(usize, u8)> {
    let index = usize::try_from(seq.checked_sub(contiguous)?.checked_sub(2)?).ok()?;
    Some((index / 8, 1 << (index % 8)))
}

crate::closed_debug!(Receipt);
