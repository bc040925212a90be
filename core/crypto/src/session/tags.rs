//! Session tags: 16-byte pieces of the ChaCha20 keystream of a chain's tag key.

use super::Session;
use super::keys::TagKey;
use crate::Tag;
use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use zeroize::Zeroizing;

impl TagKey {
    /// The keystream from the tag of message `from` on.
    fn keystream(&self, from: u32) -> ChaCha20 {
        let mut cipher = ChaCha20::new(self.as_bytes().into(), &[0u8; 12].into());
        cipher.seek(u64::from(from) * 16);
        cipher
    }

    /// The tag of message `n`.
    pub(crate) fn tag(&self, n: u32) -> Tag {
        let mut tag = [0u8; 16];
        self.keystream(n).apply_keystream(&mut tag);
        Tag(tag)
    }

    /// `count` tags from message `from`; fewer at the end of a chain.
    pub(crate) fn range(&self, from: u32, count: u32) -> Vec<Tag> {
        let count = count.min(u32::MAX - from);
        let mut bytes = Zeroizing::new(vec![0u8; usize::try_from(count).unwrap_or(0) * 16]);
        self.keystream(from).apply_keystream(&mut bytes);
        bytes.as_chunks().0.iter().copied().map(Tag).collect()
    }

    /// The tags among `count` from message `from` that `wanted` accepts; the others are not kept.
    pub(crate) fn among(&self, from: u32, count: u32, wanted: &impl Fn(&Tag) -> bool) -> Vec<Tag> {
        let mut cipher = self.keystream(from);
        let mut left = usize::try_from(count.min(u32::MAX - from)).unwrap_or(0);
        let mut bytes = Zeroizing::new([0u8; 4096]);
        let mut found = Vec::new();
        while left > 0 {
            let (part, _) = bytes.as_chunks_mut::<16>().0.split_at_mut(left.min(256));
            part.as_flattened_mut().fill(0);
            cipher.apply_keystream(part.as_flattened_mut());
            found.extend(part.iter().copied().map(Tag).filter(wanted));
            left = left.saturating_sub(part.len());
        }
        found
    }
}

impl Session {
    /// Tag keys of the current receiving chain and of the next, each with the number of its next message.
    fn receiving_keys(&self) -> [Option<(&TagKey, u32)>; 2] {
        let current = self.receiving.as_ref().and_then(|chain| Some((chain.keys.tags.as_ref()?, chain.n)));
        [current, self.next_receiving.tags.as_ref().map(|key| (key, 0))]
    }

    /// The tags to expect, in order: `now` of the current receiving chain, then `next` of the next chain.
    pub fn receiving_tags(&self, current: u32, next: u32) -> Vec<Tag> {
        let keys = self.receiving_keys().into_iter().zip([current, next]);
        keys.filter_map(|(key, count)| key.map(|(key, n)| key.range(n, count))).flatten().collect()
    }

    /// The tags that `wanted` accepts among the next `ahead` of the current and of the next receiving chain.
    pub fn tags_among(&self, ahead: u32, wanted: impl Fn(&Tag) -> bool) -> Vec<Tag> {
        let keys = self.receiving_keys().into_iter().flatten();
        keys.flat_map(|(key, n)| key.among(n, ahead, &wanted)).collect()
    }
}
