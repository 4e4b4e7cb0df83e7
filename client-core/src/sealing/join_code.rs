//! The join code: what a newcomer types or scans, and trusts.
//!
//! It carries the hash of the genesis and a recent head, so the newcomer verifies the whole chain
//! against it and trusts the relay for nothing. Text: a version and CBOR, four bytes of checksum,
//! base32 in groups of five. Letters that look like digits are read as those digits.

use core::{fmt, str::FromStr};

use data_encoding::{Encoding, Specification};
use minicbor::{Decode, Encode};
use sync_protocol::{DecodeError, Hash, InviteId, OrgId, SigningKey, VERSION, VerifyKey, limits};
use zeroize::{Zeroize as _, Zeroizing};

use super::{JoinSecret, cbor};

const GROUP: usize = 5;
const CHECKSUM_LEN: usize = 4;
/// Longer text is not looked at.
const MAX_TEXT: usize = 2048;
const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CONTEXT: &str = "daybook/1 join code checksum";

/// The relay of the organisation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RelayAddress {
    /// Where it is reached.
    #[n(0)]
    pub address: String,
    /// The key it signs with.
    #[n(1)]
    pub key: VerifyKey,
}

/// What a join code says.
#[derive(Clone)]
pub struct JoinCode {
    /// The organisation.
    pub org: OrgId,
    /// The invitation.
    pub invite: InviteId,
    /// Hash of the genesis.
    pub genesis: Hash,
    /// Height and hash of the governance head that holds the invitation.
    pub head: (u32, Hash),
    /// The relay.
    pub relay: RelayAddress,
    /// Redeems the invitation.
    pub secret: JoinSecret,
}

#[derive(Encode, Decode)]
struct Wire {
    #[n(0)]
    org: OrgId,
    #[n(1)]
    invite: InviteId,
    #[n(2)]
    genesis: Hash,
    #[n(3)]
    head: (u32, Hash),
    #[n(4)]
    relay: RelayAddress,
    #[cbor(n(5), with = "minicbor::bytes")]
    secret: [u8; 16],
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

/// Why text is not a join code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinCodeError {
    /// A character that no code has.
    #[error("the character in place {position} is not part of a join code")]
    Character {
        /// Which one, from 1, spaces and dashes not counted.
        position: usize,
    },
    /// A typing mistake, or a part is missing.
    #[error("the join code has a typing mistake or is incomplete")]
    Typo,
    /// Made by a newer program: update this one.
    #[error("the join code is of the newer version {got}")]
    NewerVersion {
        /// What it says.
        got: u64,
    },
    /// Typed rightly, and still not a join code.
    #[error("not a join code")]
    Malformed,
}

impl JoinCode {
    /// The invitation's one-time key.
    pub fn signing_key(&self) -> SigningKey {
        self.secret.signing_key(self.org, self.invite)
    }

    /// The code as text. Whoever reads it can join: show it to its recipient alone.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(cbor::to_versioned(&Wire {
            org: self.org,
            invite: self.invite,
            genesis: self.genesis,
            head: self.head,
            relay: self.relay.clone(),
            secret: *self.secret.expose(),
        }));
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        let Some(encoding) = encoding() else {
            return Zeroizing::new(String::new());
        };
        let letters = Zeroizing::new(encoding.encode(&bytes));
        let mut text = Zeroizing::new(String::with_capacity(letters.len() * 2));
        for (index, letter) in letters.chars().enumerate() {
            if index > 0 && index % GROUP == 0 {
                text.push('-');
            }
            text.push(letter);
        }
        text
    }
}

/// Fixed at compile time in all but type: the alphabet has 32 different letters.
fn encoding() -> Option<Encoding> {
    let mut specification = Specification::new();
    specification.symbols.push_str(ALPHABET);
    specification.check_trailing_bits = true;
    let encoding = specification.encoding().ok();
    debug_assert!(encoding.is_some(), "the alphabet is a base32 alphabet");
    encoding
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_LEN] {
    let [a, b, c, d, ..] = blake3::derive_key(CONTEXT, bytes);
    [a, b, c, d]
}

/// The letter that is meant; none for separators.
fn letter(typed: char) -> Option<char> {
    match typed.to_ascii_uppercase() {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        '-' | '\u{2013}' | '\u{2014}' => None,
        other if other.is_whitespace() => None,
        other => Some(other),
    }
}

impl FromStr for JoinCode {
    type Err = JoinCodeError;

    fn from_str(text: &str) -> Result<Self, JoinCodeError> {
        if text.len() > MAX_TEXT {
            return Err(JoinCodeError::Malformed);
        }
        let mut letters = Zeroizing::new(String::with_capacity(text.len()));
        for (index, letter) in text.chars().filter_map(letter).enumerate() {
            if !ALPHABET.contains(letter) {
                return Err(JoinCodeError::Character {
                    position: index + 1,
                });
            }
            letters.push(letter);
        }
        let bytes = encoding()
            .and_then(|encoding| encoding.decode(letters.as_bytes()).ok())
            .map(Zeroizing::new)
            .ok_or(JoinCodeError::Typo)?;
        let (content, sum) = bytes
            .split_last_chunk::<CHECKSUM_LEN>()
            .ok_or(JoinCodeError::Typo)?;
        if checksum(content) != *sum {
            return Err(JoinCodeError::Typo);
        }
        let wire: Wire = cbor::from_versioned(content).map_err(|error| match error {
            DecodeError::NewerVersion { got, .. } => JoinCodeError::NewerVersion { got },
            DecodeError::TooLarge { .. }
            | DecodeError::Truncated
            | DecodeError::NotCanonical
            | DecodeError::UnknownFrame(_)
            | DecodeError::Malformed { .. }
            | DecodeError::Impossible(_)
            | DecodeError::Compression => JoinCodeError::Malformed,
        })?;
        if wire.relay.address.len() > limits::MAX_ADDRESS {
            return Err(JoinCodeError::Malformed);
        }
        Ok(Self {
            org: wire.org,
            invite: wire.invite,
            genesis: wire.genesis,
            head: wire.head,
            relay: wire.relay.clone(),
            secret: JoinSecret::from_bytes(wire.secret),
        })
    }
}

impl fmt::Debug for JoinCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinCode")
            .field("version", &VERSION)
            .field("org", &self.org)
            .field("invite", &self.invite)
            .field("head", &self.head.0)
            .field("secret", &self.secret)
            .finish_non_exhaustive()
    }
}
