//! The recovery phrase (BIP39, English list).

use crate::bytes::closed_debug;
use crate::error::PhraseError;
use bip39::{Error, Language, Mnemonic};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// A BIP39 phrase of 12 to 24 words. Erased when dropped, hidden in Debug.
#[derive(Clone)]
pub struct Phrase(Mnemonic);

impl Phrase {
    /// Draws 12 words (128 bits).
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
    ///
    /// # Errors
    /// [`PhraseError`] says which word, or that count or checksum are wrong.
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

    /// The words, separated by one blank.
    pub fn words(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.words().collect::<Vec<_>>().join(" "))
    }

    /// The BIP39 seed without a passphrase.
    pub(crate) fn seed(&self) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.0.to_seed_normalized(""))
    }
}

closed_debug!(Phrase);
