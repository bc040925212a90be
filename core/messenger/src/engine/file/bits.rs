//! A set of parts, one bit each.

pub(crate) fn has(bits: &[u8], i: u32) -> bool {
    let byte = usize::try_from(i / 8).ok().and_then(|byte| bits.get(byte));
    byte.is_some_and(|byte| byte & (1 << (i % 8)) != 0)
}

pub(crate) fn set(bits: &mut Vec<u8>, i: u32, on: bool) {
    let byte = usize::try_from(i / 8).unwrap_or(usize::MAX);
    if bits.len() <= byte {
        bits.resize(byte.saturating_add(1), 0);
    }
    if let Some(byte) = bits.get_mut(byte) {
        *byte = if on { *byte | (1 << (i % 8)) } else { *byte & !(1 << (i % 8)) };
    }
}

/// How many of the first `most` are in the set.
pub(crate) fn count(bits: &[u8], most: u32) -> u32 {
    (0..most).map(|i| u32::from(has(bits, i))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_a_part() {
        let mut bits = Vec::new();
        for i in [0, 7, 8, 1830] {
            assert!(!has(&bits, i));
            set(&mut bits, i, true);
            assert!(has(&bits, i) && !has(&bits, i + 1));
        }
        assert_eq!((bits.len(), count(&bits, 9), count(&bits, 1831)), (229, 3, 4));
        set(&mut bits, 7, false);
        assert_eq!((has(&bits, 7), has(&bits, 8), count(&bits, 9)), (false, true, 2));
    }
}
