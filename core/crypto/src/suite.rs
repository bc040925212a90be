//! Suites: the ones that this version speaks, and the one that two devices use.

use crate::error::SuiteError;

/// X25519 + ML-KEM-768, HKDF-SHA256, ChaCha20-Poly1305.
pub(crate) const SUITE_1: u8 = 1;
/// The suites this version speaks, one bit each; bit 0 is suite 1. Signed in device records and bundles.
pub const SUITES: u32 = 1;

/// The highest suite in these bits; 0 if there is none.
fn highest(suites: u32) -> u32 {
    u32::BITS - suites.leading_zeros()
}

/// The highest suite that both sides speak; not a lower one than the suites allow that the device signed before.
pub fn choose_suite(ours: u32, theirs: u32, known: Option<u32>) -> Result<u8, SuiteError> {
    let best = highest(ours & theirs);
    if best == 0 {
        Err(SuiteError::None)
    } else if known.is_some_and(|known| highest(ours & known) > best) {
        Err(SuiteError::Lower)
    } else {
        u8::try_from(best).map_err(|_| SuiteError::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_common_suite_or_none_and_never_a_lower_one() {
        assert_eq!(choose_suite(SUITES, SUITES, None), Ok(SUITE_1));
        assert_eq!(choose_suite(0b011, 0b111, None), Ok(2));
        assert_eq!(choose_suite(0b111, 0b101, None), Ok(3));
        assert_eq!(choose_suite(u32::MAX, u32::MAX, Some(1)), Ok(32));
        for (ours, theirs) in [(0b01, 0b10), (0b10, 0b01), (1, 0), (0, 1)] {
            assert_eq!(choose_suite(ours, theirs, None), Err(SuiteError::None));
        }
        // It spoke 2 before, and so do we.
        assert_eq!(choose_suite(0b11, 0b01, Some(0b11)), Err(SuiteError::Lower));
        assert_eq!(choose_suite(0b01, 0b01, Some(0b11)), Ok(1), "we do not");
        assert_eq!(choose_suite(0b11, 0b11, Some(0b01)), Ok(2), "it learned");
    }
}
