//! A session as bytes for the encrypted database: version 1, then fixed fields in order.

use super::keys::{ChainKey, HeaderKey, NextKeys, RatchetKey, RootKey, SessionHash, TagKey};
use super::{Chain, Session};
use crate::bytes::Reader;
use crate::error::SnapshotError;
use zeroize::Zeroizing;

const SNAPSHOT_VERSION: u8 = 1;
/// version ‖ hash ‖ root ‖ ratchet ‖ public ‖ 33 ‖ chain ‖ 4 ‖ keys ‖ chain ‖ 4 ‖ keys ‖ 33
const LEN: usize = 1 + 4 * 32 + 33 + 2 * CHAIN_LEN + 8 + 2 * KEYS_LEN + 33;
const KEYS_LEN: usize = 32 + 33;
const CHAIN_LEN: usize = 1 + 32 + KEYS_LEN + 4;

struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    fn option(&mut self, value: Option<&[u8; 32]>) {
        self.0.push(u8::from(value.is_some()));
        self.0.extend_from_slice(value.unwrap_or(&[0; 32]));
    }
    fn keys(&mut self, keys: &NextKeys) {
        self.0.extend_from_slice(keys.header.as_bytes());
        self.option(keys.tags.as_ref().map(TagKey::as_bytes));
    }
    fn chain(&mut self, chain: Option<&Chain>) {
        match chain {
            Some(c) => {
                self.option(Some(c.key.as_bytes()));
                self.keys(&c.keys);
                self.0.extend_from_slice(&c.n.to_be_bytes());
            }
            None => self.0.extend_from_slice(&[0; CHAIN_LEN]),
        }
    }
}

impl<'a> Reader<'a> {
    fn option(&mut self) -> Result<Option<&'a [u8; 32]>, SnapshotError> {
        match (self.take()?, self.take()?) {
            ([0], _) => Ok(None),
            ([1], value) => Ok(Some(value)),
            _ => Err(SnapshotError::Damaged),
        }
    }
    fn keys(&mut self) -> Result<NextKeys, SnapshotError> {
        Ok(NextKeys { header: HeaderKey::new(self.take()?), tags: self.option()?.map(TagKey::new) })
    }
    fn chain(&mut self) -> Result<Option<Chain>, SnapshotError> {
        let key = self.option()?.map(ChainKey::new);
        let (keys, n) = (self.keys()?, self.number()?);
        Ok(key.map(|key| Chain { key, keys, n }))
    }
}

impl Session {
    /// The bytes for the encrypted database. They hold no skipped keys.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut w = Writer(Zeroizing::new(Vec::with_capacity(LEN)));
        w.0.push(SNAPSHOT_VERSION);
        for field in [&self.hash.0, self.root.as_bytes(), self.ratchet.as_bytes(), self.ratchet_public.as_bytes()] {
            w.0.extend_from_slice(field);
        }
        w.option(self.remote.as_ref().map(|remote| remote.as_bytes()));
        w.chain(self.sending.as_ref());
        w.0.extend_from_slice(&self.previous.to_be_bytes());
        w.keys(&self.next_sending);
        w.chain(self.receiving.as_ref());
        w.0.extend_from_slice(&self.receiving_index.to_be_bytes());
        w.keys(&self.next_receiving);
        w.option(self.handshake_header.as_ref().map(HeaderKey::as_bytes));
        w.0
    }

    /// Reads the bytes of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut r = Reader(bytes);
        match r.take::<1>()? {
            [SNAPSHOT_VERSION] => {}
            [0] => return Err(SnapshotError::Damaged),
            _ => return Err(SnapshotError::Newer),
        }
        let session = Self {
            hash: SessionHash(*r.take()?),
            root: RootKey::new(r.take()?),
            ratchet: RatchetKey::new(r.take()?),
            ratchet_public: (*r.take::<32>()?).into(),
            remote: r.option()?.map(|public| (*public).into()),
            sending: r.chain()?,
            previous: r.number()?,
            next_sending: r.keys()?,
            receiving: r.chain()?,
            receiving_index: r.number()?,
            next_receiving: r.keys()?,
            handshake_header: r.option()?.map(HeaderKey::new),
        };
        // There is one form only: no bytes are left, and absent parts are zeros.
        if session.to_bytes().as_slice() == bytes { Ok(session) } else { Err(SnapshotError::Damaged) }
    }
}
