//! A session as bytes for the encrypted database: version 1, then fixed fields in order.

use super::{Chain, ChainKeys, Key, Session};
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
    fn keys(&mut self, keys: &ChainKeys) {
        self.0.extend_from_slice(keys.header.as_slice());
        self.option(keys.tags.as_deref());
    }
    fn chain(&mut self, chain: Option<&Chain>) {
        match chain {
            Some(c) => {
                self.option(Some(&*c.key));
                self.keys(&c.keys);
                self.0.extend_from_slice(&c.n.to_be_bytes());
            }
            None => self.0.extend_from_slice(&[0; CHAIN_LEN]),
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], SnapshotError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(SnapshotError::Damaged)?;
        self.0 = rest;
        Ok(head)
    }
    fn number(&mut self) -> Result<u32, SnapshotError> {
        self.take().map(|bytes| u32::from_be_bytes(*bytes))
    }
    fn key(&mut self) -> Result<Key, SnapshotError> {
        let mut key = Key::default();
        key.copy_from_slice(self.take::<32>()?);
        Ok(key)
    }
    fn option(&mut self) -> Result<Option<Key>, SnapshotError> {
        let [flag] = *self.take::<1>()?;
        let value = self.key()?;
        match flag {
            0 if *value == [0; 32] => Ok(None),
            1 => Ok(Some(value)),
            _ => Err(SnapshotError::Damaged),
        }
    }
    fn keys(&mut self) -> Result<ChainKeys, SnapshotError> {
        Ok(ChainKeys { header: self.key()?, tags: self.option()? })
    }
    fn chain(&mut self) -> Result<Option<Chain>, SnapshotError> {
        let key = self.option()?;
        let (keys, n) = (self.keys()?, self.number()?);
        Ok(key.map(|key| Chain { key, keys, n }))
    }
}

impl Session {
    /// For the encrypted database. Holds no skipped keys.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut w = Writer(Zeroizing::new(Vec::with_capacity(LEN)));
        w.0.push(SNAPSHOT_VERSION);
        for field in [&self.hash, &*self.root, &*self.ratchet, &self.ratchet_public] {
            w.0.extend_from_slice(field);
        }
        w.option(self.remote.as_ref());
        w.chain(self.sending.as_ref());
        w.0.extend_from_slice(&self.previous.to_be_bytes());
        w.keys(&self.next_sending);
        w.chain(self.receiving.as_ref());
        w.0.extend_from_slice(&self.receiving_index.to_be_bytes());
        w.keys(&self.next_receiving);
        w.option(self.handshake_header.as_deref());
        w.0
    }

    /// The reverse.
    ///
    /// # Errors
    /// [`SnapshotError`] for another version or a wrong length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut r = Reader(bytes);
        match r.take::<1>()? {
            [SNAPSHOT_VERSION] => {}
            [0] => return Err(SnapshotError::Damaged),
            _ => return Err(SnapshotError::Newer),
        }
        let session = Self {
            hash: *r.take()?,
            root: r.key()?,
            ratchet: r.key()?,
            ratchet_public: *r.take()?,
            remote: r.option()?.map(|public| *public),
            sending: r.chain()?,
            previous: r.number()?,
            next_sending: r.keys()?,
            receiving: r.chain()?,
            receiving_index: r.number()?,
            next_receiving: r.keys()?,
            handshake_header: r.option()?,
        };
        // One form only: absent parts are zeros, flags are 0 or 1.
        if r.0.is_empty() && session.to_bytes().as_slice() == bytes { Ok(session) } else { Err(SnapshotError::Damaged) }
    }
}
