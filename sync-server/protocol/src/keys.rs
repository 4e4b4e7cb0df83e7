//! Public keys and signatures as they travel: bytes that become keys only through a check.

use core::fmt;

use data_encoding::HEXLOWER;
use ed25519_dalek::VerifyingKey;

use crate::ids::bytes_type;

bytes_type!(
    /// An Ed25519 public key, unchecked; [`VerifyKey::check`] makes it usable.
    VerifyKey, 32, ""
);
bytes_type!(
    /// An X25519 public key, unchecked; [`SealKey::check`] refuses points without secrecy.
    SealKey, 32, ""
);

/// Why a public key is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a point of the curve, or not spelled in the one accepted way.
    #[error("the public key is not a canonical curve point")]
    NotAPoint,
    /// A point of small order: anybody could sign for it, or guess what is sealed to it.
    #[error("the public key has low order")]
    LowOrder,
}

impl VerifyKey {
    /// The key, if it is a canonical point of high order.
    pub fn check(&self) -> Result<VerifyingKey, KeyError> {
        if !is_reduced(self.as_bytes()) {
            return Err(KeyError::NotAPoint);
        }
        let key = VerifyingKey::from_bytes(self.as_bytes()).map_err(|_| KeyError::NotAPoint)?;
        if key.is_weak() {
            Err(KeyError::LowOrder)
        } else {
            Ok(key)
        }
    }
}

impl From<VerifyingKey> for VerifyKey {
    fn from(key: VerifyingKey) -> Self {
        Self::from_bytes(key.to_bytes())
    }
}

/// The u-coordinates below 2^255 - 19 whose points have low order.
const LOW_ORDER_U: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
    {
        let mut minus_one = [0xff; 32];
        minus_one[0] = 0xec;
        minus_one[31] = 0x7f;
        minus_one
    },
];

impl SealKey {
    /// Refuses values of low order and second spellings (a set top bit, or not reduced).
    pub fn check(&self) -> Result<(), KeyError> {
        if self.as_bytes()[31] & 0x80 != 0 || !is_reduced(self.as_bytes()) {
            Err(KeyError::NotAPoint)
        } else if LOW_ORDER_U.contains(self.as_bytes()) {
            Err(KeyError::LowOrder)
        } else {
            Ok(())
        }
    }
}

/// Whether the low 255 bits, little endian, are below 2^255 - 19.
fn is_reduced(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    *first < 0xed || last & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff)
}

/// An Ed25519 signature, unchecked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// What stands where nothing was signed yet. It verifies under no acceptable key.
    pub const NONE: Self = Self([0; 64]);

    /// The signature with these bytes.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl<C> minicbor::Encode<C> for Signature {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for Signature {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        <[u8; 64]>::try_from(d.bytes()?)
            .map(Self)
            .map_err(|_| minicbor::decode::Error::message("a signature has 64 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_and_second_spellings_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(
            VerifyKey::from_bytes(identity).check(),
            Err(KeyError::LowOrder)
        );
        assert_eq!(
            VerifyKey::from_bytes([0; 32]).check(),
            Err(KeyError::LowOrder)
        );
        assert_eq!(
            VerifyKey::from_bytes([0xff; 32]).check(),
            Err(KeyError::NotAPoint)
        );
        let good = ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key();
        assert_eq!(VerifyKey::from(good).check(), Ok(good));

        for low in LOW_ORDER_U {
            assert_eq!(SealKey::from_bytes(low).check(), Err(KeyError::LowOrder));
        }
        let mut prime = [0xff; 32];
        prime[0] = 0xed;
        prime[31] = 0x7f;
        assert_eq!(SealKey::from_bytes(prime).check(), Err(KeyError::NotAPoint));
        let mut nine = [0; 32];
        nine[0] = 9;
        assert_eq!(SealKey::from_bytes(nine).check(), Ok(()));
        nine[31] = 0x80;
        assert_eq!(SealKey::from_bytes(nine).check(), Err(KeyError::NotAPoint));
    }
}
