//! Sealed bytes outside of entries: caches, search indexes, parts of documents, backups.
//!
//! Layout: version (0), nonce (24), commitment (32), ciphertext with tag. Not padded: what holds a
//! blob pads, or stays on the device.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{
    ContentKey, OpenError, SealError,
    derive::{self, BoxError, domain},
};

const VERSION: u8 = 1;

fn associated(aad: &[u8]) -> Vec<u8> {
    [&[VERSION], aad].concat()
}

/// Seals bytes for one use. `usage` names it (a constant of the caller); `aad` binds the place the
/// blob is kept at, so that two blobs of one usage cannot be swapped.
pub fn seal_blob<'k>(
    rng: &mut impl CryptoRng,
    key: impl Into<ContentKey<'k>>,
    usage: &'static str,
    aad: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, SealError> {
    let mut sealed = vec![VERSION];
    sealed.append(&mut derive::seal_box(
        rng,
        key.into().expose(),
        domain::BLOB,
        usage.as_bytes(),
        &associated(aad),
        plain,
    )?);
    Ok(sealed)
}

/// Opens what [`seal_blob`] sealed with the same key, usage and associated data.
pub fn open_blob<'k>(
    key: impl Into<ContentKey<'k>>,
    usage: &'static str,
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    match sealed.split_first() {
        None => Err(OpenError::Damaged),
        Some((&VERSION, sealed)) => derive::open_box(
            key.into().expose(),
            domain::BLOB,
            usage.as_bytes(),
            &associated(aad),
            sealed,
        )
        .map_err(|error| match error {
            BoxError::WrongKey => OpenError::WrongKey,
            BoxError::Damaged => OpenError::Damaged,
        }),
        Some((&got, _)) => Err(OpenError::UnknownVersion { got }),
    }
}
