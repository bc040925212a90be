use super::{CardKind, ChatKey, DeviceId, IdentityError, card_bytes};
use crate::read::Reader;

/// Length of a bundle, bytes.
pub const BUNDLE_LEN: usize = 1308;

/// One device's prekeys: `list version 8 ‖ not-after 8 ‖ suites 4 ‖ prekey id 8 ‖ X25519 32 ‖ ML-KEM-768 1,184 ‖
/// signature 64`. Bundles of one device are ordered by not-after.
#[derive(Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Version of the device list when this was made.
    pub list_version: u64,
    /// Senders refuse the bundle after this, Unix seconds: made + 3 days.
    pub not_after_s: u64,
    /// Suites these prekeys serve, one bit each.
    pub suites: u32,
    /// Prekey id; handshakes name the pair by it.
    pub prekey_id: [u8; 8],
    /// X25519 prekey.
    pub x25519: [u8; 32],
    /// ML-KEM-768 encapsulation key.
    pub kem: Box<[u8; 1184]>,
    /// By the device's Ed25519 key, over [`Self::signed_bytes`].
    pub signature: [u8; 64],
}

impl Bundle {
    /// Reads exactly [`BUNDLE_LEN`] bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, IdentityError> {
        let bytes: &[u8; BUNDLE_LEN] = bytes.try_into().map_err(|_| IdentityError::Length)?;
        let mut reader = Reader::new(bytes);
        Ok(Self {
            list_version: reader.u64()?,
            not_after_s: reader.u64()?,
            suites: reader.u32()?,
            prekey_id: reader.array()?,
            x25519: reader.array()?,
            kem: Box::new(reader.array()?),
            signature: reader.array()?,
        })
    }

    /// The [`BUNDLE_LEN`] bytes of the bundle.
    pub fn encode(&self) -> Vec<u8> {
        [self.body().as_slice(), &self.signature].concat()
    }

    /// What is signed: kind ‖ chat key ‖ device id ‖ all before the signature ‖ hash of the card's secret.
    pub fn signed_bytes(&self, chat: &ChatKey, device_id: &DeviceId, secret_hash: &[u8; 32]) -> Vec<u8> {
        card_bytes(CardKind::Bundle, chat, &[device_id, &self.body(), secret_hash])
    }

    fn body(&self) -> Vec<u8> {
        [
            self.list_version.to_be_bytes().as_slice(),
            &self.not_after_s.to_be_bytes(),
            &self.suites.to_be_bytes(),
            &self.prekey_id,
            &self.x25519,
            self.kem.as_slice(),
        ]
        .concat()
    }
}

crate::closed_debug!(Bundle);
