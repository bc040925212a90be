use super::{CardKind, ChatKey, DeviceRecord, IdentityError, RECORD_LEN, card_bytes};
use crate::read::Reader;

/// Most devices of an account.
pub const MAX_DEVICES: usize = 5;
/// Longest list, bytes.
pub const MAX_LIST_LEN: usize = 114 + MAX_DEVICES * RECORD_LEN;

/// All devices of an account: `chat key 33 ‖ version 8 ‖ not-after 8 ‖ count 1 ‖ records ‖ signature 64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceList {
    /// Chat key of the account.
    pub chat: ChatKey,
    /// max(last + 1, Unix seconds) when signed.
    pub version: u64,
    /// No new session begins by this list after this, Unix seconds.
    pub not_after_s: u64,
    /// One to [`MAX_DEVICES`] records with the list's own version and not-after.
    pub records: Vec<DeviceRecord>,
    /// By the chat key, over [`Self::signed_bytes`].
    pub signature: [u8; 64],
}

impl DeviceList {
    /// Reads a whole list. Checks its count, the version and date of all records, and that no device stands twice.
    pub fn decode(bytes: &[u8]) -> Result<Self, IdentityError> {
        let mut reader = Reader::new(bytes);
        let (chat, version, not_after_s) = (reader.array()?, reader.u64()?, reader.u64()?);
        let count = usize::from(reader.u8()?);
        if !(1..=MAX_DEVICES).contains(&count) {
            return Err(IdentityError::DeviceCount);
        }
        let mut records = Vec::with_capacity(count);
        for _ in 0..count {
            records.push(DeviceRecord::decode(reader.bytes(RECORD_LEN)?)?);
        }
        let signature = reader.array()?;
        if reader.left() != 0 {
            return Err(IdentityError::Length);
        }
        let list = Self { chat, version, not_after_s, records, signature };
        list.check()?;
        Ok(list)
    }

    /// The encoded list, 114 + 185 bytes per device; refuses what [`Self::decode`] would refuse.
    pub fn encode(&self) -> Result<Vec<u8>, IdentityError> {
        self.check()?;
        Ok([self.body().as_slice(), &self.signature].concat())
    }

    /// What is signed: kind ‖ chat key ‖ all before the signature ‖ hash of the card's secret, or zeros in a session.
    pub fn signed_bytes(&self, secret_hash: &[u8; 32]) -> Vec<u8> {
        card_bytes(CardKind::List, &self.chat, &[&self.body(), secret_hash])
    }

    /// The record of this device, if it is in the list.
    pub fn record(&self, device_id: &[u8; 16]) -> Option<&DeviceRecord> {
        self.records.iter().find(|record| record.device_id == *device_id)
    }

    fn body(&self) -> Vec<u8> {
        let count = u8::try_from(self.records.len()).unwrap_or(u8::MAX);
        let mut bytes = Vec::with_capacity(MAX_LIST_LEN);
        bytes.extend_from_slice(&self.chat);
        bytes.extend_from_slice(&self.version.to_be_bytes());
        bytes.extend_from_slice(&self.not_after_s.to_be_bytes());
        bytes.push(count);
        for record in &self.records {
            bytes.extend_from_slice(&record.encode());
        }
        bytes
    }

    fn check(&self) -> Result<(), IdentityError> {
        if !(1..=MAX_DEVICES).contains(&self.records.len()) {
            return Err(IdentityError::DeviceCount);
        }
        for (index, record) in self.records.iter().enumerate() {
            if record.list_version != self.version || record.not_after_s != self.not_after_s {
                return Err(IdentityError::RecordMismatch);
            }
            let twin = |other: &DeviceRecord| {
                other.device_id == record.device_id
                    || other.identity == record.identity
                    || other.signing == record.signing
            };
            if self.records.iter().take(index).any(twin) {
                return Err(IdentityError::DuplicateDevice);
            }
        }
        Ok(())
    }
}
