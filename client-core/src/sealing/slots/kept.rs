//! A key file that opens only together with the system's keystore.
//!
//! The whole content is sealed once more, under a secret that the keystore keeps. So no passphrase,
//! PIN or machine key of a copied disk can even be tried; the recovery words hold a copy of the
//! secret. A secret is made when a person asks for it, and never because the keystore is silent.

use core::fmt;

use minicbor::{Decode, Encode, bytes::ByteVec};
use rand_core::CryptoRng;
use sync_protocol::{OrgId, SealKey};
use zeroize::Zeroizing;

use super::{Content, FILE_VERSION, SlotError};
use crate::sealing::{
    KeystoreSecret, RecoverySecret, cbor,
    derive::{self, BoxError, domain},
    wrap,
};

/// Names one secret in the system's keystore. It tells nothing of the practice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeystoreId([u8; 16]);

impl KeystoreId {
    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for KeystoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("key_store_")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The secret that a key file is kept under, with its name.
#[derive(Debug, Clone)]
pub struct Keystored {
    /// Its name.
    pub id: KeystoreId,
    /// The secret.
    pub secret: KeystoreSecret,
}

impl Keystored {
    /// A new one, of a new name.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self {
            id: KeystoreId(derive::random(rng)),
            secret: KeystoreSecret::generate(rng),
        }
    }
}

/// A key file around the key file.
#[derive(Clone, Encode, Decode)]
pub(super) struct Outer {
    #[n(0)]
    pub(super) org: OrgId,
    #[cbor(n(1), with = "minicbor::bytes")]
    keystore: [u8; 16],
    /// The recovery key, to which the secret is sealed.
    #[n(2)]
    to: SealKey,
    #[n(3)]
    wrap: ByteVec,
    #[n(4)]
    sealed: ByteVec,
}

fn bound(org: OrgId, id: KeystoreId, to: SealKey) -> Vec<u8> {
    let mut bound = domain::KEYSTORE.as_bytes().to_vec();
    bound.push(0);
    bound.append(&mut cbor::to_versioned(&(
        org,
        minicbor::bytes::ByteArray::from(id.0),
        to,
    )));
    bound
}

impl Outer {
    pub(super) fn seal(
        rng: &mut impl CryptoRng,
        content: &Content,
        kept: &Keystored,
        to: SealKey,
    ) -> Result<Self, SlotError> {
        let (org, id) = (content.org, kept.id);
        let bound = bound(org, id, to);
        let wrap = wrap::seal_to(rng, to, &bound, kept.secret.expose())?;
        let plain = Zeroizing::new([&[FILE_VERSION][..], &cbor::to_bytes(content)].concat());
        let sealed = derive::seal_box(
            rng,
            kept.secret.expose(),
            domain::KEYSTORE,
            &id.0,
            &[&bound[..], &wrap].concat(),
            &plain,
        )?;
        Ok(Self {
            org,
            keystore: id.0,
            to,
            wrap: wrap.into(),
            sealed: sealed.into(),
        })
    }

    pub(super) const fn id(&self) -> KeystoreId {
        KeystoreId(self.keystore)
    }

    /// The secret, from the recovery words.
    pub(super) fn recover(&self, words: &RecoverySecret) -> Result<KeystoreSecret, SlotError> {
        if words.public() != self.to {
            return Err(SlotError::WrongRecoveryKey);
        }
        let bound = bound(self.org, self.id(), self.to);
        let plain = wrap::open_with(words.expose(), &bound, &self.wrap)
            .map_err(|derive::Damaged| SlotError::Damaged)?;
        let bytes: [u8; 32] = plain[..].try_into().map_err(|_| SlotError::Damaged)?;
        Ok(KeystoreSecret::from_bytes(bytes))
    }

    /// What is inside.
    pub(super) fn open(&self, secret: &KeystoreSecret) -> Result<Content, SlotError> {
        let id = self.id();
        let bound = bound(self.org, id, self.to);
        let plain = derive::open_box(
            secret.expose(),
            domain::KEYSTORE,
            &id.0,
            &[&bound[..], &self.wrap].concat(),
            &self.sealed,
        )
        .map_err(|error| match error {
            BoxError::WrongKey => SlotError::WrongKeystore,
            BoxError::Damaged => SlotError::Damaged,
        })?;
        let content = match plain.split_first() {
            Some((&FILE_VERSION, content)) => content,
            Some((&got, _)) if got > FILE_VERSION => return Err(SlotError::NewerVersion { got }),
            _ => return Err(SlotError::Damaged),
        };
        let content: Content = cbor::from_canonical(content).map_err(|_| SlotError::Damaged)?;
        if content.org == self.org && content.fits() {
            Ok(content)
        } else {
            Err(SlotError::Damaged)
        }
    }
}
