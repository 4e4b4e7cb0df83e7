//! What separates one use of a key or a hash from every other.
//!
//! A signature covers its domain, which ends in a zero byte that occurs nowhere else in it, and
//! then the statement: no statement of one kind is ever a valid statement of another kind.

/// Signing domains.
pub(crate) mod sign {
    pub(crate) const ENTRY: &[u8] = b"daybook/1/entry\0";
    pub(crate) const ACT: &[u8] = b"daybook/1/act\0";
    pub(crate) const HEAD: &[u8] = b"daybook/1/head\0";
    pub(crate) const CONFIRMATION: &[u8] = b"daybook/1/confirmation\0";
    pub(crate) const DEVICE: &[u8] = b"daybook/1/device grant\0";
    pub(crate) const SEAT: &[u8] = b"daybook/1/seat grant\0";
    pub(crate) const ROOT: &[u8] = b"daybook/1/root grant\0";
    pub(crate) const SIGN_IN: &[u8] = b"daybook/1/sign in\0";
    pub(crate) const JOIN: &[u8] = b"daybook/1/join\0";
    pub(crate) const CERTIFICATE: &[u8] = b"daybook/1/certificate\0";
    pub(crate) const WELCOME: &[u8] = b"daybook/1/welcome\0";
    pub(crate) const STILL: &[u8] = b"daybook/1/still\0";
}

/// BLAKE3 `derive_key` contexts.
pub(crate) mod hash {
    pub(crate) const ENTRY: &str = "daybook/1 entry";
    pub(crate) const ACT: &str = "daybook/1 act";
    pub(crate) const HEAD: &str = "daybook/1 head";
    pub(crate) const CONFIRMATION: &str = "daybook/1 confirmation";
    pub(crate) const CHAIN_START: &str = "daybook/1 chain start";
    pub(crate) const CHAIN_NEXT: &str = "daybook/1 chain next";
    pub(crate) const CERTIFICATE: &str = "daybook/1 certificate";
    pub(crate) const CERTIFICATE_CONTENT: &str = "daybook/1 certificate content";
    pub(crate) const HANDSHAKE: &str = "daybook/1 handshake";
}

/// The hash of `parts`, one after the other, in one context. All parts but one must have a fixed
/// length, so that the split is never in doubt.
pub(crate) fn digest(context: &'static str, parts: &[&[u8]]) -> crate::Hash {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        hasher.update(part);
    }
    crate::Hash::from_bytes(*hasher.finalize().as_bytes())
}
