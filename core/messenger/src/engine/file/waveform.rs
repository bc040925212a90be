//! Loudness of a voice note: values of 5 bits, packed from the highest bit on.

/// Most values.
pub(crate) const MOST: usize = 64;

pub(crate) fn pack(values: &[u8]) -> Vec<u8> {
    let bits = values.iter().take(MOST).flat_map(|value| (0..5).rev().map(move |bit| value.min(&31) >> bit & 1));
    let bits: Vec<u8> = bits.collect();
    bits.chunks(8).map(|byte| (0..8).fold(0, |all, i| all << 1 | byte.get(i).copied().unwrap_or(0))).collect()
}

pub(crate) fn unpack(packed: &[u8]) -> Vec<u8> {
    let bits: Vec<u8> = packed.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let values = bits.as_chunks::<5>().0.iter().map(|bits| bits.iter().fold(0, |value, bit| value << 1 | bit));
    values.take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_bits_a_value() {
        let values: Vec<u8> = (0..64).map(|n| n % 32).collect();
        assert_eq!(pack(&values).len(), 40);
        assert_eq!(unpack(&pack(&values)), values);
        assert_eq!(unpack(&pack(&[31, 0, 99]))[..3], [31, 0, 31]);
        assert_eq!((pack(&[]), unpack(&[])), (Vec::new(), Vec::new()));
        assert_eq!(pack(&[0b10000]), [0b1000_0000]);
    }
}
