use super::{ChatKey, DeviceId, IdentityError};
use crate::read::Reader;

/// Length of a device record, bytes.
pub const RECORD_LEN: usize = 185;

/// One device of an account:
/// `list version 8 ‖ not-after 8 ‖ device id 16 ‖ X25519 identity 32 ‖ Ed25519 32 ‖ suites 4 ‖
/// reserved 21 ‖ signature 64`. The same bytes for everybody, in lists and in handshakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Version of the list that holds the record.
    pub list_version: u64,
    /// No new session begins after this, Unix seconds.
    pub not_after_s: u64,
    /// Random id of the install.
    pub device_id: DeviceId,
    /// X25519 identity key.
    pub identity: [u8; 32],
    /// Ed25519 device key.
    pub signing: [u8; 32],
    /// Suites the device speaks, one bit each.
    pub suites: u32,
    /// Zero when made here; kept as received, because the signature covers it.
    pub reserved: [u8; 21],
    /// By the chat key, over the bytes before it.
    pub signature: [u8; 64],
}

impl DeviceRecord {
    /// Reads exactly [`RECORD_LEN`] bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, IdentityError> {
        let bytes: &[u8; RECORD_LEN] = bytes.try_into().map_err(|_| IdentityError::Length)?;
        let mut reader = Reader::new(bytes);
        Ok(Self {
            list_version: reader.u64()?,
            not_after_s: reader.u64()?,
            device_id: reader.array()?,
            identity: reader.array()?,
            signing: reader.array()?,
            suites: reader.u32()?,
            reserved: reader.array()?,
            signature: reader.array()?,
        })
    }

    /// The [`RECORD_LEN`] bytes of the record.
    pub fn encode(&self) -> [u8; RECORD_LEN] {
        [self.body().as_slice(), &self.signature].concat().try_into().unwrap_or([0; RECORD_LEN])
    }

    /// What the chat key signs: chat key ‖ the 121 bytes before the signature.
    pub fn signed_bytes(&self, chat: &ChatKey) -> Vec<u8> {
        [chat.as_slice(), &self.body()].concat()
    }

    fn body(&self) -> Vec<u8> {
        [
            self.list_version.to_be_bytes().as_slice(),
            &self.not_after_s.to_be_bytes(),
            &self.device_id,
            &self.identity,
            &self.signing,
            &self.suites.to_be_bytes(),
            &self.reserved,
        ]
        .concat()
    }
}
