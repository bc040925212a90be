//! Session tags: 16-byte pieces of the ChaCha20 keystream of a chain's tag key.

use super::Session;
use crate::Tag;
use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use zeroize::Zeroizing;

/// Where a tag belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagSlot {
    /// In the next chain, not the current one.
    pub next_chain: bool,
    /// Message number.
    pub n: u32,
}

fn keystream(key: &[u8; 32], from: u32, out: &mut [u8]) {
    let mut cipher = ChaCha20::new(key.into(), &[0u8; 12].into());
    cipher.seek(u64::from(from) * 16);
    cipher.apply_keystream(out);
}

/// The tag of message `n`.
pub(super) fn tag(key: &[u8; 32], n: u32) -> Tag {
    let mut tag = [0u8; 16];
    keystream(key, n, &mut tag);
    tag
}

/// `count` tags from message `from`; fewer at the end of a chain.
pub(super) fn range(key: &[u8; 32], from: u32, count: u32) -> Vec<Tag> {
    let count = count.min(u32::MAX - from);
    let mut bytes = Zeroizing::new(vec![0u8; usize::try_from(count).unwrap_or(0) * 16]);
    keystream(key, from, &mut bytes);
    bytes.as_chunks::<16>().0.to_vec()
}

/// The tags among `count` from message `from` that `wanted` takes; the others are not kept.
fn among(key: &[u8; 32], from: u32, count: u32, wanted: &impl Fn(&Tag) -> bool) -> Vec<Tag> {
    let mut cipher = ChaCha20::new(key.into(), &[0u8; 12].into());
    cipher.seek(u64::from(from) * 16);
    let mut left = usize::try_from(count.min(u32::MAX - from)).unwrap_or(0);
    let mut bytes = Zeroizing::new([0u8; 4096]);
    let mut found = Vec::new();
    while left > 0 {
        let (part, _) = bytes.as_chunks_mut::<16>().0.split_at_mut(left.min(256));
        part.as_flattened_mut().fill(0);
        cipher.apply_keystream(part.as_flattened_mut());
        found.extend(part.iter().filter(|tag| wanted(tag)));
        left = left.saturating_sub(part.len());
    }
    found
}

impl Session {
    /// The tags to listen for: so many of the current receiving chain and of the next.
    pub fn receiving_tags(&self, current: u32, next: u32) -> Vec<(Tag, TagSlot)> {
        let mut out = Vec::new();
        if let Some(chain) = &self.receiving
            && let Some(key) = &chain.keys.tags
        {
            let tags = range(key, chain.n, current);
            out.extend(tags.into_iter().zip(chain.n..).map(|(t, n)| (t, TagSlot { next_chain: false, n })));
        }
        if let Some(key) = &self.next_receiving.tags {
            out.extend(range(key, 0, next).into_iter().zip(0..).map(|(t, n)| (t, TagSlot { next_chain: true, n })));
        }
        out
    }

    /// The tags among the next `ahead` of the current receiving chain, and the first `ahead` of the next, that `wanted`
    /// takes. For stretches too long to be kept.
    pub fn tags_among(&self, ahead: u32, wanted: impl Fn(&Tag) -> bool) -> Vec<Tag> {
        let mut found = Vec::new();
        if let Some(chain) = &self.receiving
            && let Some(key) = &chain.keys.tags
        {
            found.extend(among(key, chain.n, ahead, &wanted));
        }
        if let Some(key) = &self.next_receiving.tags {
            found.extend(among(key, 0, ahead, &wanted));
        }
        found
    }

    /// Looks for a tag up to `ahead` messages ahead in the current and the next chain.
    pub fn find_tag(&self, tag: &Tag, ahead: u32) -> Option<TagSlot> {
        self.receiving_tags(ahead, ahead).into_iter().find(|(t, _)| t == tag).map(|(_, slot)| slot)
    }
}
