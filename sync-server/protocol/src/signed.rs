//! A statement with its signature, kept as the exact bytes that were signed.

use core::fmt;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    codec::{self, DecodeError},
    domain,
    entry::VerifyError,
    ids::Hash,
    keys::Signature,
    known, limits,
};

/// Something that is signed as `domain | [version, statement]`.
pub trait Statement: Encode<()> + for<'b> Decode<'b, ()> {
    /// Separates its signatures from those of every other kind of statement.
    const DOMAIN: &'static [u8];
    /// Separates its hashes likewise.
    const HASH_CONTEXT: &'static str;

    /// Refuses content that no version can mean.
    fn check(&self) -> Result<(), DecodeError>;
}

/// A statement of type `T` as somebody signed it. That it exists does not say that the signature
/// is good: ask [`Signed::verify`].
#[derive(Clone, PartialEq, Eq)]
pub struct Signed<T> {
    value: T,
    bytes: Vec<u8>,
    signature: Signature,
}

impl<T: Statement> Signed<T> {
    /// Signs a statement.
    pub fn sign(value: T, key: &SigningKey) -> Result<Self, DecodeError> {
        value.check()?;
        let bytes = codec::to_versioned(&value);
        codec::at_most("a signed statement", bytes.len(), limits::MAX_STATEMENT)?;
        let signature = sign(T::DOMAIN, &bytes, key);
        Ok(Self {
            value,
            bytes,
            signature,
        })
    }

    /// What is stated.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The signed bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The signature, unchecked.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Its name in chains: a hash over the bytes and the signature.
    pub fn hash(&self) -> Hash {
        domain::digest(T::HASH_CONTEXT, &[&self.bytes, self.signature.as_bytes()])
    }

    /// Whether `key` signed it.
    pub fn verify(&self, key: &VerifyingKey) -> Result<(), VerifyError> {
        verify(T::DOMAIN, &self.bytes, &self.signature, key)
    }

    /// As it travels and is stored: `[bytes, signature]`.
    pub fn encode(&self) -> Vec<u8> {
        codec::to_bytes(&self.wire())
    }

    /// Reads what [`Signed::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::from_wire(codec::from_canonical(bytes)?)
    }

    pub(crate) fn wire(&self) -> Wire {
        Wire {
            bytes: self.bytes.clone().into(),
            signature: self.signature,
        }
    }

    pub(crate) fn from_wire(wire: Wire) -> Result<Self, DecodeError> {
        codec::at_most(
            "a signed statement",
            wire.bytes.len(),
            limits::MAX_STATEMENT,
        )?;
        let value: T = codec::from_versioned(&wire.bytes)?;
        value.check()?;
        Ok(Self {
            value,
            bytes: wire.bytes.into(),
            signature: wire.signature,
        })
    }
}

impl<T: fmt::Debug> fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signed").field(&self.value).finish()
    }
}

/// How a signed statement travels.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Wire {
    #[n(0)]
    pub(crate) bytes: ByteVec,
    #[n(1)]
    pub(crate) signature: Signature,
}

impl<T: Statement, C> Encode<C> for Signed<T> {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.encode(self.wire())?.ok()
    }
}

impl<'b, T: Statement, C> Decode<'b, C> for Signed<T> {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::from_wire(d.decode()?).map_err(minicbor::decode::Error::custom)
    }
}

/// Signs `domain | statement`.
pub(crate) fn sign(domain: &[u8], statement: &[u8], key: &SigningKey) -> Signature {
    let message = [domain, statement].concat();
    let signature = key.sign(&message);
    known::made(key, &message, &signature);
    Signature::from_bytes(signature.to_bytes())
}

/// Checks a signature over `domain | statement`, strictly: no second signature of the same
/// statement passes, and no key of low order.
pub(crate) fn verify(
    domain: &[u8],
    statement: &[u8],
    signature: &Signature,
    key: &VerifyingKey,
) -> Result<(), VerifyError> {
    let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
    if known::is_good(key, &[domain, statement].concat(), &signature) {
        Ok(())
    } else {
        Err(VerifyError::BadSignature)
    }
}
