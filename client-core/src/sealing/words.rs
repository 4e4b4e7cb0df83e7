//! The organisation's root secret as 24 words on paper.

use core::fmt;

use bip39::{Language, Mnemonic};
use sync_protocol::{SealKey, SigningKey, VerifyKey};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{
    RecoverySecret,
    derive::{self, domain},
    wrap,
};

const WORDS: usize = 24;

/// What the recovery words say. From it follow the root signing key and the recovery key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RootSecret([u8; 32]);

impl fmt::Debug for RootSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootSecret(..)")
    }
}

/// Why words are not recovery words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// Too few or too many.
    #[error("there are {got} words, not {WORDS}")]
    Count {
        /// How many there are.
        got: usize,
    },
    /// One of them is not in the list.
    #[error("word {position} is not a recovery word")]
    Unknown {
        /// Which one, from 1.
        position: usize,
    },
    /// All are in the list, but they do not belong together in this order.
    #[error("a word is wrong, or two are swapped")]
    Checksum,
}

impl RootSecret {
    /// A fresh one, at founding.
    pub fn generate(rng: &mut impl rand_core::CryptoRng) -> Self {
        Self(derive::random(rng))
    }

    /// Reads the words; case and spacing do not matter.
    pub fn from_words(text: &str) -> Result<Self, WordsError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() != WORDS {
            return Err(WordsError::Count { got: words.len() });
        }
        let phrase = Zeroizing::new(words.join(" ").to_lowercase());
        let mnemonic = Mnemonic::parse_in_normalized(Language::English, &phrase).map_err(
            |error| match error {
                bip39::Error::UnknownWord(index) => WordsError::Unknown {
                    position: index + 1,
                },
                bip39::Error::BadWordCount(got) => WordsError::Count { got },
                bip39::Error::BadEntropyBitCount(_)
                | bip39::Error::InvalidChecksum
                | bip39::Error::AmbiguousLanguages(_) => WordsError::Checksum,
            },
        )?;
        let entropy = Zeroizing::new(mnemonic.to_entropy());
        <[u8; 32]>::try_from(entropy.as_slice())
            .map(Self)
            .map_err(|_| WordsError::Checksum)
    }

    /// The words, separated by spaces, to be shown and printed once.
    pub fn to_words(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(256));
        // 32 bytes are always 24 words.
        if let Ok(mnemonic) = Mnemonic::from_entropy_in(Language::English, &self.0) {
            for word in mnemonic.words() {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(word);
            }
        }
        text
    }

    /// The key that signs the genesis, and acts of recovery.
    pub fn signing_key(&self) -> SigningKey {
        SigningKey::from_bytes(&derive::derive(&self.0, domain::ROOT_SIGNING, &[]))
    }

    /// The key that recovery copies are sealed to.
    pub fn recovery(&self) -> RecoverySecret {
        let material = derive::derive(&self.0, domain::ROOT_RECOVERY, &[]);
        RecoverySecret::from_bytes(*wrap::private_from(&material))
    }

    /// Whether these are the words of the organisation with this root and recovery key. One wrong
    /// word in 256 passes the words' own checksum; it does not pass this.
    pub fn belongs_to(&self, root: VerifyKey, recovery: SealKey) -> bool {
        VerifyKey::from(self.signing_key().verifying_key()) == root
            && self.recovery().public() == recovery
    }
}
