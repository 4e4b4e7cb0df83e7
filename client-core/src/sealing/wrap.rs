//! Sealing a key to a public key: HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256),
//! HKDF-SHA256 and ChaCha20-Poly1305. 32 bytes of encapsulation, then the ciphertext.
//!
//! Values of low order are refused before they are used, and HPKE refuses an exchange that does
//! not depend on both sides.

use hpke::{
    Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _, aead::ChaCha20Poly1305,
    kdf::HkdfSha256, kem::X25519HkdfSha256 as Kem, single_shot_open, single_shot_seal_with_rng,
};
use rand_core::CryptoRng;
use sync_protocol::SealKey;
use zeroize::Zeroizing;

use super::{SealError, derive::Damaged};

type PrivateKey = <Kem as hpke::Kem>::PrivateKey;
type PublicKey = <Kem as hpke::Kem>::PublicKey;
type EncappedKey = <Kem as hpke::Kem>::EncappedKey;

const ENCAPPED_LEN: usize = 32;

fn private(secret: &[u8; 32]) -> Option<PrivateKey> {
    PrivateKey::from_bytes(secret).ok()
}

/// The public key of a private one. Any 32 bytes are a private key.
pub(super) fn public_of(secret: &[u8; 32]) -> SealKey {
    let mut bytes = [0; 32];
    if let Some(private) = private(secret) {
        bytes.copy_from_slice(&Kem::sk_to_pk(&private).to_bytes());
    }
    SealKey::from_bytes(bytes)
}

/// A private key from key material of at least 256 bits.
pub(super) fn private_from(material: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let (private, _) = Kem::derive_keypair(material);
    let mut bytes = Zeroizing::new([0; 32]);
    bytes.copy_from_slice(&private.to_bytes());
    bytes
}

/// Seals to a public key.
pub(super) fn seal_to(
    rng: &mut impl CryptoRng,
    to: SealKey,
    info: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, SealError> {
    to.check().map_err(|_| SealError::BadRecipient)?;
    let to = PublicKey::from_bytes(to.as_bytes()).map_err(|_| SealError::BadRecipient)?;
    let (encapped, ciphertext) = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeS::Base,
        &to,
        info,
        plain,
        &[],
        rng,
    )
    .map_err(|_| SealError::BadRecipient)?;
    Ok([&encapped.to_bytes()[..], &ciphertext].concat())
}

/// Opens what [`seal_to`] sealed. Another key and damage look the same to HPKE.
pub(super) fn open_with(
    secret: &[u8; 32],
    info: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Damaged> {
    let (encapped, ciphertext) = sealed.split_at_checked(ENCAPPED_LEN).ok_or(Damaged)?;
    let private = private(secret).ok_or(Damaged)?;
    let encapped = EncappedKey::from_bytes(encapped).map_err(|_| Damaged)?;
    single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeR::Base,
        &private,
        &encapped,
        info,
        ciphertext,
        &[],
    )
    .map(Zeroizing::new)
    .map_err(|_| Damaged)
}
