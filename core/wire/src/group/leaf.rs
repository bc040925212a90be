use sha2::{Digest, Sha256};

use super::{GroupError, LeafId, Root};
use crate::identity::{ChatKey, DeviceRecord, RECORD_LEN};
use crate::read::Reader;

/// Label of [`further_leaf_id`].
pub const LABEL_FURTHER_LEAF: &str = "sotto/group-further-leaf/1";
/// Label of [`leaf_id`].
pub const LABEL_LEAF: &str = "sotto/group-leaf/1";
/// Length of a leaf whose record the chat key signed, bytes.
pub const LEAF_LEN: usize = 33 + RECORD_LEN + 4 * 32;
/// Length of a delegation, bytes.
pub const DELEGATION_LEN: usize = 128;
/// Length of a leaf whose record a list key signed, bytes.
pub const LEAF_LEN_DELEGATED: usize = LEAF_LEN + DELEGATION_LEN;

const _: () = assert!(LEAF_LEN == 346 && LEAF_LEN_DELEGATED == 474);

/// One device in a group:
/// `chat key 33 ‖ device record 185 (‖ delegation 128) ‖ vk 32 ‖ vk_A 32 ‖ X 32 ‖ H(ek) 32`.
/// A delegation follows the record if the record's byte 100 is 1. Keys are new for each group.
#[derive(Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Chat key of the account that the leaf claims to be of.
    pub chat: ChatKey,
    /// The device's record, as in its list.
    pub record: DeviceRecord,
    /// Kept as received. Present if the record names a list key as its signer.
    pub delegation: Option<Box<[u8; DELEGATION_LEN]>>,
    /// vk: Ed25519 leaf key.
    pub signing: [u8; 32],
    /// vk_A: Ed25519 authority key of the account in this group.
    pub authority: [u8; 32],
    /// X: X25519 key.
    pub exchange: [u8; 32],
    /// SHA-256 of the ML-KEM-768 encapsulation key.
    pub kem_hash: [u8; 32],
}

impl Leaf {
    /// Reads exactly one leaf.
    pub fn decode(bytes: &[u8]) -> Result<Self, GroupError> {
        let mut reader = Reader::new(bytes);
        let leaf = Self::read(&mut reader)?;
        if reader.left() == 0 { Ok(leaf) } else { Err(GroupError::Length) }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, GroupError> {
        let (chat, record) = (reader.array()?, DeviceRecord::decode(reader.bytes(RECORD_LEN)?)?);
        let delegation = if delegated(&record)? { Some(Box::new(reader.array()?)) } else { None };
        Ok(Self {
            chat,
            record,
            delegation,
            signing: reader.array()?,
            authority: reader.array()?,
            exchange: reader.array()?,
            kem_hash: reader.array()?,
        })
    }

    /// The [`LEAF_LEN`] or [`LEAF_LEN_DELEGATED`] bytes; refuses a delegation that the record does not announce.
    pub fn encode(&self) -> Result<Vec<u8>, GroupError> {
        if delegated(&self.record)? != self.delegation.is_some() {
            return Err(GroupError::Field);
        }
        let record = self.record.encode();
        let delegation = self.delegation.as_ref().map_or([].as_slice(), |bytes| bytes.as_slice());
        let keys = [self.signing, self.authority, self.exchange, self.kem_hash];
        Ok([self.chat.as_slice(), &record, delegation, keys.as_flattened()].concat())
    }
}

crate::closed_debug!(Leaf);

/// Whether a list key signed the record.
fn delegated(record: &DeviceRecord) -> Result<bool, GroupError> {
    super::flag(record.reserved.first().copied().unwrap_or(0))
}

/// λ of a leaf that a lineage brought in after its root leaf: the first 16 bytes of SHA-256(label ‖ r ‖ root λ ‖ leaf).
/// So an entry of another lineage never brings it in.
pub fn further_leaf_id(root: &Root, lineage: &LeafId, leaf: &[u8]) -> LeafId {
    let hash = Sha256::new().chain_update(LABEL_FURTHER_LEAF).chain_update(root).chain_update(lineage);
    let hash: [u8; 32] = hash.chain_update(leaf).finalize().into();
    hash.first_chunk().copied().unwrap_or_default()
}

/// λ: the first 16 bytes of SHA-256(label ‖ r ‖ leaf).
pub fn leaf_id(root: &Root, leaf: &[u8]) -> LeafId {
    let hash: [u8; 32] = Sha256::new().chain_update(LABEL_LEAF).chain_update(root).chain_update(leaf).finalize().into();
    hash.first_chunk().copied().unwrap_or_default()
}
