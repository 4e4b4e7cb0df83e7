//! The sealed bodies of entries.
//!
//! The header is signed after the body was sealed, and the body is bound to the header: to all of
//! it but its own length and hash, which the signature binds.

use rand_core::CryptoRng;
use sync_protocol::{Header, Seal, limits};
use zeroize::Zeroizing;

use super::{
    ContentKey,
    derive::{self, Committed, domain},
    pad,
};

/// The set of algorithms of version 0: HKDF-SHA256, XChaCha20-Poly1305, commitment, padding.
pub const SUITE: u8 = 0;

const TAG_LEN: usize = 16;

/// Longest text that still fits an entry once padded and sealed.
pub const MAX_PLAIN: usize = 47_103;

/// Why something cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Too long for one entry: split it.
    #[error("{got} bytes are too many to seal, an entry holds {MAX_PLAIN}")]
    TooLong {
        /// Its length.
        got: usize,
    },
    /// The recipient's public key is one that gives no secrecy.
    #[error("the recipient's public key is not acceptable")]
    BadRecipient,
    /// The key to wrap, or to wrap with, is not on this ring.
    #[error("the key that is needed is not held")]
    MissingKey,
}

/// Why something does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Sealed with another key than the one that was tried.
    #[error("sealed with another key")]
    WrongKey,
    /// The key is not held: wait for its row, or ask somebody who may read this.
    #[error("the key for this is not held")]
    MissingKey,
    /// The right key, but not the bytes or not the header that were sealed.
    #[error("the sealed bytes are damaged")]
    Damaged,
    /// Sealed by a newer program: update this one.
    #[error("sealed in the newer form {got}")]
    UnknownVersion {
        /// What the bytes say.
        got: u8,
    },
}

fn context(header: &Header) -> [u8; 24] {
    let mut context = [0; 24];
    let (incarnation, sequence) = context.split_at_mut(16);
    incarnation.copy_from_slice(header.incarnation.as_bytes());
    sequence.copy_from_slice(&header.sequence.to_be_bytes());
    context
}

/// Seals the body of an entry: fills `key` and `seal` of the header and gives the body, for
/// [`sync_protocol::Entry::sign`]. All other fields but length and hash of the body must be final.
pub fn seal<'k>(
    rng: &mut impl CryptoRng,
    key: impl Into<ContentKey<'k>>,
    header: &mut Header,
    plain: &[u8],
) -> Result<Vec<u8>, SealError> {
    if plain.len() > MAX_PLAIN {
        return Err(SealError::TooLong { got: plain.len() });
    }
    let key = key.into();
    let nonce = derive::random(rng);
    let committed = Committed::new(key.expose(), nonce);
    header.key = Some(key.id());
    header.seal = Some(Seal {
        suite: SUITE,
        nonce,
        commitment: committed.commitment(),
    });
    let body = committed.encrypt(
        domain::ENTRY,
        &context(header),
        &header.associated_data(),
        &pad::pad(plain),
    )?;
    debug_assert!(body.len() <= limits::MAX_BODY, "MAX_PLAIN is too large");
    Ok(body)
}

/// Opens a body. That the header is its author's is for [`sync_protocol::accept`] to say.
pub fn open<'k>(
    key: impl Into<ContentKey<'k>>,
    header: &Header,
    body: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let key = key.into();
    let Some(seal) = header.seal else {
        return Err(OpenError::Damaged);
    };
    if seal.suite != SUITE {
        return Err(OpenError::UnknownVersion { got: seal.suite });
    }
    let committed = Committed::new(key.expose(), seal.nonce);
    if !committed.matches(seal.commitment) {
        return Err(OpenError::WrongKey);
    }
    if body.len() < TAG_LEN {
        return Err(OpenError::Damaged);
    }
    committed
        .decrypt(
            domain::ENTRY,
            &context(header),
            &header.associated_data(),
            body,
        )
        .ok()
        .and_then(pad::unpad)
        .ok_or(OpenError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_text_fits_a_body_and_one_more_byte_does_not() {
        assert!(pad::padded_len(MAX_PLAIN) + TAG_LEN <= limits::MAX_BODY);
        assert!(pad::padded_len(MAX_PLAIN + 1) + TAG_LEN > limits::MAX_BODY);
    }
}
