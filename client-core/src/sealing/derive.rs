//! The one derivation and the one cipher under everything that is sealed symmetrically.
//!
//! `extracted = HKDF-Extract(salt = nonce, key)`; from it a commitment to the key and, for a
//! domain and context, the key that XChaCha20-Poly1305 uses once. Domains end in a zero byte that
//! occurs nowhere else in them, so no two derivations share their input.

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::Sha256;
use sync_protocol::KeyId;
use zeroize::Zeroizing;

use super::SealError;

/// What a derived key is for.
pub(super) mod domain {
    pub(crate) const COMMITMENT: &str = "daybook/1 commitment";
    pub(crate) const KEY_ID: &str = "daybook/1 key id";
    pub(crate) const ENTRY: &str = "daybook/1 entry";
    pub(crate) const BLOB: &str = "daybook/1 blob";
    pub(crate) const ROW: &str = "daybook/1 key row";
    pub(crate) const INVITE: &str = "daybook/1 invitation keys";
    pub(crate) const JOIN_SIGNING: &str = "daybook/1 join signing key";
    pub(crate) const JOIN_WRAP: &str = "daybook/1 join wrap key";
    pub(crate) const ROOT_SIGNING: &str = "daybook/1 root signing key";
    pub(crate) const ROOT_RECOVERY: &str = "daybook/1 recovery key";
    pub(crate) const SLOT: &str = "daybook/1 key file slot";
    pub(crate) const SECRETS: &str = "daybook/1 key file secrets";
    pub(crate) const SEAT: &str = "daybook/1 key file seat";
    pub(crate) const COMPARISON_NONCE: &str = "daybook/1 comparison nonce";
    pub(crate) const KEYSTORE: &str = "daybook/1 key file keystore";
    pub(crate) const PIN: &str = "daybook/1 key file PIN";
}

pub(super) const NONCE_LEN: usize = 24;
pub(super) const COMMITMENT_LEN: usize = 32;

fn expand<const N: usize>(hkdf: &Hkdf<Sha256>, domain: &str, context: &[u8]) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 64, "HKDF cannot fail at this length") };
    let mut out = Zeroizing::new([0; N]);
    let done = hkdf.expand_multi_info(&[domain.as_bytes(), &[0], context], out.as_mut());
    debug_assert!(done.is_ok(), "HKDF cannot fail at this length");
    out
}

/// A key for one purpose, from a secret of at least 128 bits.
pub(super) fn derive<const N: usize>(
    secret: &[u8],
    domain: &str,
    context: &[u8],
) -> Zeroizing<[u8; N]> {
    expand(&Hkdf::new(None, secret), domain, context)
}

/// A key's name. It follows from the key, so that a name never stands for two keys.
pub(super) fn key_id(key: &[u8; 32]) -> KeyId {
    KeyId::from_bytes(*derive(key, domain::KEY_ID, &[]))
}

/// Fresh random bytes.
pub(super) fn random<const N: usize>(rng: &mut impl CryptoRng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// The ciphertext is not what was sealed, or not for this use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged;

/// A key together with the nonce of one sealing.
pub(super) struct Committed {
    extracted: Hkdf<Sha256>,
    nonce: [u8; NONCE_LEN],
}

impl Committed {
    pub(super) fn new(key: &[u8; 32], nonce: [u8; NONCE_LEN]) -> Self {
        Self {
            extracted: Hkdf::new(Some(&nonce), key),
            nonce,
        }
    }

    pub(super) fn commitment(&self) -> [u8; COMMITMENT_LEN] {
        *expand(&self.extracted, domain::COMMITMENT, &[])
    }

    /// Whether the key is the one that was committed to; the comparison takes constant time.
    pub(super) fn matches(&self, commitment: [u8; COMMITMENT_LEN]) -> bool {
        blake3::Hash::from_bytes(self.commitment()) == blake3::Hash::from_bytes(commitment)
    }

    fn cipher(&self, domain: &str, context: &[u8]) -> XChaCha20Poly1305 {
        let key = expand::<32>(&self.extracted, domain, context);
        XChaCha20Poly1305::new((&*key).into())
    }

    pub(super) fn encrypt(
        &self,
        domain: &str,
        context: &[u8],
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let payload = Payload { msg: plain, aad };
        self.cipher(domain, context)
            .encrypt(&XNonce::from(self.nonce), payload)
            .map_err(|_| SealError::TooLong { got: plain.len() })
    }

    pub(super) fn decrypt(
        &self,
        domain: &str,
        context: &[u8],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Damaged> {
        let payload = Payload { msg: sealed, aad };
        self.cipher(domain, context)
            .decrypt(&XNonce::from(self.nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| Damaged)
    }
}

/// Why a box does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BoxError {
    WrongKey,
    Damaged,
}

/// Seals to `nonce | commitment | ciphertext`.
pub(super) fn seal_box(
    rng: &mut impl CryptoRng,
    key: &[u8; 32],
    domain: &str,
    context: &[u8],
    aad: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, SealError> {
    let nonce = random(rng);
    let committed = Committed::new(key, nonce);
    let ciphertext = committed.encrypt(domain, context, aad, plain)?;
    Ok([&nonce[..], &committed.commitment(), &ciphertext].concat())
}

/// Opens what [`seal_box`] sealed.
pub(super) fn open_box(
    key: &[u8; 32],
    domain: &str,
    context: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, BoxError> {
    let (nonce, rest) = sealed
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(BoxError::Damaged)?;
    let (commitment, ciphertext) = rest
        .split_first_chunk::<COMMITMENT_LEN>()
        .ok_or(BoxError::Damaged)?;
    let committed = Committed::new(key, *nonce);
    if !committed.matches(*commitment) {
        return Err(BoxError::WrongKey);
    }
    committed
        .decrypt(domain, context, aad, ciphertext)
        .map_err(|Damaged| BoxError::Damaged)
}
