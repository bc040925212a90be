use super::{Epoch, GroupError, LeafId, MAX_ENTRY};
use crate::read::Reader;

/// Most entries of a log.
pub const MAX_ENTRIES: usize = 16_384;
/// Longest log, bytes of all entries.
pub const MAX_LOG: usize = 8 * 1024 * 1024;
/// Most leaves of a group, with those that ended.
pub const MAX_LEAVES: usize = 2_000;
/// Most epochs in a handover.
pub const MAX_EPOCHS: usize = 16;

const VERSION: u8 = 1;

/// A chain at a position.
#[derive(Clone, PartialEq, Eq)]
pub struct ChainRow {
    /// Its author.
    pub leaf: LeafId,
    /// Number of the next message.
    pub n: u32,
    /// CK.
    pub chain_key: [u8; 32],
    /// TK.
    pub tag_key: [u8; 32],
    /// The author's opening in the epoch, 128 or 172 bytes; empty before it wrote.
    pub opening: Vec<u8>,
}

/// The chains of an epoch.
#[derive(Clone, PartialEq, Eq)]
pub struct EpochRows {
    /// The epoch.
    pub epoch: Epoch,
    /// At most [`MAX_LEAVES`].
    pub chains: Vec<ChainRow>,
}

/// What the pointer of a welcome leads to: the log, and the chains of live epochs at present positions.
/// `01 ‖ entries 2 ‖ (length 2 ‖ entry)… ‖ epochs 1 ‖ epoch… ‖ eks 2 ‖ ek 1,184…`, where an epoch is
/// `E 32 ‖ chains 2 ‖ (λ 16 ‖ n 4 ‖ CK 32 ‖ TK 32 ‖ o 1 ‖ opening)…`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Handover {
    /// Encoded entries, parents before children; at most [`MAX_ENTRIES`] and [`MAX_LOG`] bytes. Nothing in them is
    /// checked but the length.
    pub entries: Vec<Vec<u8>>,
    /// At most [`MAX_EPOCHS`].
    pub epochs: Vec<EpochRows>,
    /// ML-KEM-768 encapsulation keys of leaves, at most [`MAX_LEAVES`]. The hash in a leaf says whose.
    pub eks: Vec<[u8; 1184]>,
}

crate::closed_debug!(ChainRow, EpochRows, Handover);

impl Handover {
    /// Reads a whole handover.
    pub fn decode(bytes: &[u8]) -> Result<Self, GroupError> {
        let mut r = Reader::new(bytes);
        match r.u8()? {
            0 => return Err(GroupError::Field),
            VERSION => {}
            _ => return Err(GroupError::Newer),
        }
        let mut handover = Self::default();
        let few = |count: usize, most| if count > most { Err(GroupError::TooMany) } else { Ok(count) };
        for _ in 0..few(r.u16()?.into(), MAX_ENTRIES)? {
            let len = usize::from(r.u16()?);
            handover.entries.push(r.bytes(len)?.to_vec());
        }
        for _ in 0..few(r.u8()?.into(), MAX_EPOCHS)? {
            let epoch = r.array()?;
            let mut chains = Vec::new();
            for _ in 0..few(r.u16()?.into(), MAX_LEAVES)? {
                let (leaf, n, chain_key, tag_key) = (r.array()?, r.u32()?, r.array()?, r.array()?);
                let opening = usize::from(r.u8()?);
                chains.push(ChainRow { leaf, n, chain_key, tag_key, opening: r.bytes(opening)?.to_vec() });
            }
            handover.epochs.push(EpochRows { epoch, chains });
        }
        for _ in 0..r.u16()? {
            handover.eks.push(r.array()?);
        }
        if r.left() != 0 {
            return Err(GroupError::Length);
        }
        handover.check().map(|()| handover)
    }

    /// The bytes; refuses what [`Self::decode`] would refuse.
    pub fn encode(&self) -> Result<Vec<u8>, GroupError> {
        self.check()?;
        let many = |_| GroupError::TooMany;
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&u16::try_from(self.entries.len()).map_err(many)?.to_be_bytes());
        for entry in &self.entries {
            bytes.extend_from_slice(&u16::try_from(entry.len()).map_err(|_| GroupError::TooLong)?.to_be_bytes());
            bytes.extend_from_slice(entry);
        }
        bytes.push(u8::try_from(self.epochs.len()).map_err(many)?);
        for rows in &self.epochs {
            bytes.extend_from_slice(&rows.epoch);
            bytes.extend_from_slice(&u16::try_from(rows.chains.len()).map_err(many)?.to_be_bytes());
            for row in &rows.chains {
                bytes.extend_from_slice(&row.leaf);
                bytes.extend_from_slice(&row.n.to_be_bytes());
                bytes.extend_from_slice(&row.chain_key);
                bytes.extend_from_slice(&row.tag_key);
                bytes.push(u8::try_from(row.opening.len()).map_err(|_| GroupError::TooLong)?);
                bytes.extend_from_slice(&row.opening);
            }
        }
        bytes.extend_from_slice(&u16::try_from(self.eks.len()).map_err(many)?.to_be_bytes());
        bytes.extend_from_slice(self.eks.as_flattened());
        Ok(bytes)
    }

    fn check(&self) -> Result<(), GroupError> {
        let chains = |rows: &EpochRows| rows.chains.len() > MAX_LEAVES;
        let many = self.entries.len() > MAX_ENTRIES || self.epochs.len() > MAX_EPOCHS || self.eks.len() > MAX_LEAVES;
        if many || self.epochs.iter().any(chains) {
            return Err(GroupError::TooMany);
        }
        let log: usize = self.entries.iter().map(Vec::len).sum();
        if log > MAX_LOG || self.entries.iter().any(|entry| entry.len() > MAX_ENTRY) {
            return Err(GroupError::TooLong);
        }
        let mut rows = self.epochs.iter().flat_map(|rows| &rows.chains);
        if rows.all(|row| matches!(row.opening.len(), 0 | 128 | 172)) { Ok(()) } else { Err(GroupError::Field) }
    }
}
