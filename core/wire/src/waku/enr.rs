//! Waku's values in a node record (EIP-778): shards, services, further addresses. The network crate handles the record
//! itself, its RLP and its signature.

use super::Shard;

/// Longest record, bytes of RLP.
pub const MAX_RECORD: usize = 300;
/// Bytes of the bit vector in `rsv`.
const VECTOR: usize = 128;
/// Most shards of a list; more are written as a bit vector.
const MAX_LISTED: usize = 63;
/// Most addresses read from one record.
const MAX_ADDRESSES: usize = 16;

/// Keys of a record that Waku uses.
pub mod record_key {
    /// Cluster and a list of shards.
    pub const SHARD_LIST: &str = "rs";
    /// Cluster and a bit vector of shards.
    pub const SHARD_VECTOR: &str = "rsv";
    /// Services, one byte.
    pub const SERVICES: &str = "waku2";
    /// Addresses that `ip` and `tcp` cannot express.
    pub const ADDRESSES: &str = "multiaddrs";
}

/// A value of a record is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed value in a node record")]
pub struct RecordError;

/// The shards of a node: values of `rs` and `rsv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardSet {
    /// Waku cluster.
    pub cluster: u16,
    /// Ascending, each at most [`Shard::MAX`].
    pub shards: Vec<u16>,
}

impl ShardSet {
    /// Reads `rs`: cluster ‖ count ‖ shards, big-endian. Repeated shards count once.
    pub fn from_list(value: &[u8]) -> Result<Self, RecordError> {
        let (cluster, rest) = value.split_first_chunk::<2>().ok_or(RecordError)?;
        let (count, rest) = rest.split_first().ok_or(RecordError)?;
        let (shards, odd) = rest.as_chunks::<2>();
        if shards.len() != usize::from(*count) || shards.len() > MAX_LISTED || !odd.is_empty() {
            return Err(RecordError);
        }
        let shards = shards.iter().map(|&bytes| u16::from_be_bytes(bytes));
        Self::new(u16::from_be_bytes(*cluster), shards.collect()).ok_or(RecordError)
    }

    /// Reads `rsv`: cluster ‖ 128 bytes; shard s is bit s mod 8, least significant first, of byte s / 8.
    pub fn from_vector(value: &[u8]) -> Result<Self, RecordError> {
        let (cluster, bits) = value.split_first_chunk::<2>().ok_or(RecordError)?;
        if bits.len() != VECTOR {
            return Err(RecordError);
        }
        let set = |shard: &u16| {
            let byte = bits.get(usize::from(shard / 8)).copied().unwrap_or(0);
            byte >> (shard % 8) & 1 == 1
        };
        Ok(Self { cluster: u16::from_be_bytes(*cluster), shards: (0..=Shard::MAX).filter(set).collect() })
    }

    /// A set of shards; `None` if a shard is out of range.
    pub fn new(cluster: u16, mut shards: Vec<u16>) -> Option<Self> {
        shards.sort_unstable();
        shards.dedup();
        let fits = shards.iter().all(|&shard| shard <= Shard::MAX);
        fits.then_some(Self { cluster, shards })
    }

    /// Key and value for a record: a list if it is short enough, else a bit vector.
    pub fn to_value(&self) -> (&'static str, Vec<u8>) {
        let mut value = self.cluster.to_be_bytes().to_vec();
        match u8::try_from(self.shards.len()) {
            Ok(count) if usize::from(count) <= MAX_LISTED => {
                value.push(count);
                value.extend(self.shards.iter().flat_map(|shard| shard.to_be_bytes()));
                (record_key::SHARD_LIST, value)
            }
            _ => {
                let mut bits = [0u8; VECTOR];
                for shard in &self.shards {
                    if let Some(byte) = bits.get_mut(usize::from(shard / 8)) {
                        *byte |= 1 << (shard % 8);
                    }
                }
                value.extend(bits);
                (record_key::SHARD_VECTOR, value)
            }
        }
    }

    /// Whether a node of this set serves one of these shards of the cluster.
    pub fn serves(&self, cluster: u16, shards: &[u16]) -> bool {
        self.cluster == cluster && shards.iter().any(|shard| self.shards.contains(shard))
    }
}

/// Services of a node: the value of `waku2`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Services(pub u8);

impl Services {
    /// Relays by gossipsub.
    pub const RELAY: u8 = 1;
    /// Answers store queries.
    pub const STORE: u8 = 1 << 1;
    /// Serves filter subscriptions.
    pub const FILTER: u8 = 1 << 2;
    /// Accepts lightpush.
    pub const LIGHT_PUSH: u8 = 1 << 3;

    /// Reads `waku2`, one byte of flags.
    pub fn from_value(value: &[u8]) -> Result<Self, RecordError> {
        match value {
            [] => Ok(Self(0)), // how RLP writes the number 0
            [bits] => Ok(Self(*bits)),
            _ => Err(RecordError),
        }
    }

    /// Whether any of these flags is set.
    pub fn any(self, bits: u8) -> bool {
        self.0 & bits != 0
    }
}

/// Reads `multiaddrs`: binary addresses, each after its length as u16 big-endian. At most 16 are read.
pub fn split_addresses(mut value: &[u8]) -> Result<Vec<&[u8]>, RecordError> {
    let mut found = Vec::new();
    while !value.is_empty() && found.len() < MAX_ADDRESSES {
        let (len, rest) = value.split_first_chunk::<2>().ok_or(RecordError)?;
        let len = usize::from(u16::from_be_bytes(*len));
        let (address, rest) = rest.split_at_checked(len).ok_or(RecordError)?;
        found.push(address);
        value = rest;
    }
    Ok(found)
}

/// Writes `multiaddrs`.
pub fn join_addresses<'a>(addresses: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut value = Vec::new();
    for address in addresses {
        if let Ok(len) = u16::try_from(address.len()) {
            value.extend(len.to_be_bytes());
            value.extend(address);
        }
    }
    value
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn shard_lists_and_vectors() {
        let few = ShardSet::new(16, vec![64, 32, 32]).unwrap();
        assert_eq!(few.shards, [32, 64]);
        let (key, value) = few.to_value();
        assert_eq!((key, value.as_slice()), ("rs", &[0, 16, 2, 0, 32, 0, 64][..]));
        assert_eq!(ShardSet::from_list(&value).unwrap(), few);
        assert!(few.serves(16, &[1, 64]) && !few.serves(16, &[1]) && !few.serves(1, &[64]));

        let many = ShardSet::new(1, (0..64).chain([1023]).collect()).unwrap();
        let (key, value) = many.to_value();
        assert_eq!((key, value.len()), ("rsv", 130));
        assert_eq!(ShardSet::from_vector(&value).unwrap(), many);
        // Shard 9 is the second lowest bit of the second byte.
        let mut bits = vec![0; 130];
        bits[3] = 0b10;
        assert_eq!(ShardSet::from_vector(&bits).unwrap().shards, [9]);
    }

    #[test]
    fn malformed_values_are_refused() {
        for bad in [&[][..], &[0], &[0, 1], &[0, 1, 1], &[0, 1, 1, 0], &[0, 1, 1, 0, 0, 0], &[0, 1, 1, 4, 0]] {
            assert_eq!(ShardSet::from_list(bad), Err(RecordError), "{bad:?}");
        }
        assert!(ShardSet::from_list(&[0, 1, 0]).unwrap().shards.is_empty());
        for len in [0, 1, 129, 131] {
            assert_eq!(ShardSet::from_vector(&vec![0; len]), Err(RecordError));
        }
        assert_eq!(Services::from_value(&[1, 2]), Err(RecordError));
        for bad in [&[0][..], &[0, 1], &[0, 2, 7], &[255, 255, 1]] {
            assert_eq!(split_addresses(bad), Err(RecordError), "{bad:?}");
        }
        let two: [&[u8]; 2] = [b"ab", b""];
        assert_eq!(split_addresses(&join_addresses(two)).unwrap(), two);
        assert_eq!(split_addresses(&[0; 80]).unwrap().len(), MAX_ADDRESSES);
    }
}
