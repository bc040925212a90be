//! Parity, column by column: a Reed-Solomon code over GF(2^16) through the same bytes of all chunks.

use reed_solomon_simd::Error;
use reed_solomon_simd::engine::Naive;
use reed_solomon_simd::rate::{HighRateDecoder, HighRateEncoder, RateDecoder as _, RateEncoder as _};

use super::{Layout, Part};

/// Why a column gives no parity, or is not restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// Fewer slices than data chunks.
    #[error("too few slices")]
    TooFew,
    /// A slice is empty, of odd or another length, of no chunk of the file, or there twice.
    #[error("slices do not fit the file")]
    Misfit,
}

impl From<Error> for ColumnError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotEnoughShards { .. } | Error::TooFewOriginalShards { .. } => Self::TooFew,
            _ => Self::Misfit,
        }
    }
}

// The library's faster engines keep tables of 8 MiB for ever; this one needs 0.5 MiB. Data chunks outnumber parity
// chunks, so the rate is always the high one.
impl Layout {
    /// One column of the parity chunks, from the same column of all data chunks, in order. The last data chunk is
    /// continued with zeros.
    pub fn parity<S: AsRef<[u8]>>(self, data: impl IntoIterator<Item = S>) -> Result<Vec<Vec<u8>>, ColumnError> {
        let (k, p) = self.counts();
        let mut data = data.into_iter().peekable();
        let len = data.peek().map_or(0, |slice| slice.as_ref().len());
        if p == 0 {
            return Ok(Vec::new());
        }
        let mut encoder = HighRateEncoder::new(k, p, len, Naive::new(), None)?;
        data.try_for_each(|slice| encoder.add_original_shard(slice))?;
        Ok(encoder.encode()?.recovery_iter().map(<[u8]>::to_vec).collect())
    }

    /// One column of the data chunks that are not among `slices`, each with its number; any slots do, as many as there
    /// are data chunks.
    pub fn restore<S: AsRef<[u8]>>(
        self,
        slices: impl IntoIterator<Item = (u32, S)>,
    ) -> Result<Vec<(u32, Vec<u8>)>, ColumnError> {
        let (k, p) = self.counts();
        let mut slices = slices.into_iter().peekable();
        let (first, len) =
            slices.peek().map(|(slot, slice)| (*slot, slice.as_ref().len())).ok_or(ColumnError::TooFew)?;
        if p == 0 {
            return if first == 0 { Ok(Vec::new()) } else { Err(ColumnError::Misfit) };
        }
        let mut decoder = HighRateDecoder::new(k, p, len, Naive::new(), None)?;
        for (slot, slice) in slices {
            match self.chunk(slot).ok_or(ColumnError::Misfit)? {
                Part::Parity(chunk) => decoder.add_recovery_shard(usize::try_from(chunk).unwrap_or(p), slice)?,
                _ => decoder.add_original_shard(usize::try_from(slot).unwrap_or(k), slice)?,
            }
        }
        let restored = decoder.decode()?;
        let number = |(chunk, slice): (usize, &[u8])| Some((u32::try_from(chunk).ok()?, slice.to_vec()));
        Ok(restored.restored_original_iter().filter_map(number).collect())
    }

    fn counts(self) -> (usize, usize) {
        let count = |chunks: u32| usize::try_from(chunks).unwrap_or(0);
        (count(self.data_chunks()), count(self.parity_chunks()))
    }
}
