//! The recovery phrase (BIP39, English list).

use crate::bytes::closed_debug;
use crate::error::PhraseError;
use bip39::{Error, Language, Mnemonic};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// Letters of an unknown word that are compared; the list's longest word has 8.
const WORD_CHARS: usize = 16;

/// A BIP39 phrase of 12 to 24 words. Wiped when dropped, hidden in Debug.
#[derive(Clone)]
pub struct Phrase(Mnemonic);

impl Phrase {
    /// Makes a phrase of 12 random words (128 bits).
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut entropy = Zeroizing::new([0u8; 16]);
        loop {
            rng.fill_bytes(entropy.as_mut_slice());
            // 16 bytes are always a valid entropy length.
            if let Ok(m) = Mnemonic::from_entropy_in(Language::English, entropy.as_slice()) {
                return Self(m);
            }
        }
    }

    /// Reads a phrase; case and extra blanks do not matter.
    pub fn parse(text: &str) -> Result<Self, PhraseError> {
        let lower = Zeroizing::new(text.to_lowercase());
        let words = Zeroizing::new(lower.split_whitespace().collect::<Vec<_>>().join(" "));
        Mnemonic::parse_in_normalized(Language::English, &words).map(Self).map_err(|e| match e {
            Error::UnknownWord(i) => {
                PhraseError::UnknownWord { index: u32::try_from(i).unwrap_or(u32::MAX).saturating_add(1) }
            }
            Error::InvalidChecksum => PhraseError::Checksum,
            _ => PhraseError::WordCount,
        })
    }

    /// The words of the list that are spelled most like this one, at most `count`, the nearest first.
    pub fn nearest(word: &str, count: usize) -> Vec<&'static str> {
        let word = Zeroizing::new(word.to_lowercase());
        let mut all: Vec<(usize, &str)> =
            Language::English.word_list().iter().map(|one| (distance(&word, one), *one)).collect();
        all.sort_unstable();
        all.into_iter().take(count).map(|(_, one)| one).collect()
    }

    /// The words, separated by one blank.
    pub fn words(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.words().collect::<Vec<_>>().join(" "))
    }

    /// The BIP39 seed without a passphrase.
    pub(crate) fn seed(&self) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.0.to_seed_normalized(""))
    }
}

/// How many letters must be inserted, removed or changed to turn one word into the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate().take(WORD_CHARS) {
        let mut before = i + 1;
        let mut next = vec![before];
        for ((to, above), beside) in b.chars().zip(&row).zip(row.iter().skip(1)) {
            before = (above + usize::from(from != to)).min(beside + 1).min(before + 1);
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

closed_debug!(Phrase);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_word_has_its_nearest_ones() {
        assert_eq!(Phrase::nearest("abondon", 1), ["abandon"]);
        assert_eq!(Phrase::nearest("zooo", 2)[0], "zoo");
        assert_eq!(Phrase::nearest("Wolff", 3)[0], "wolf");
        assert_eq!(Phrase::nearest("abandon", 1), ["abandon"]);
        assert_eq!(Phrase::nearest(&"x".repeat(1 << 20), 3).len(), 3);
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("abc", "")), (3, 3, 3));
    }
}
