//! Signatures that were found good once, for a process that plays many machines.
//!
//! In a simulated world a dozen machines check the same signature one after the other. Whether a
//! signature is good depends on nothing but key, statement and signature, so the answer may be
//! kept. It is kept only on threads that ask for it with [`remember_good_signatures`], and only
//! when it is yes; no program does.

use std::{cell::RefCell, collections::HashSet};

use ed25519_dalek::{Signature, SigningKey, VerifyingKey};

/// More are forgotten, all at once.
const MOST: usize = 1 << 16;

thread_local! {
    static KNOWN: RefCell<Option<HashSet<[u8; 32]>>> = const { RefCell::new(None) };
}

/// From now on this thread checks no signature a second time that it found good.
pub fn remember_good_signatures() {
    KNOWN.with_borrow_mut(|known| {
        known.get_or_insert_default();
    });
}

fn name(key: &VerifyingKey, message: &[u8], signature: &Signature) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key.as_bytes());
    hasher.update(&signature.to_bytes());
    hasher.update(message);
    *hasher.finalize().as_bytes()
}

fn remember(known: &mut HashSet<[u8; 32]>, name: [u8; 32]) {
    if known.len() >= MOST {
        known.clear();
    }
    known.insert(name);
}

/// A signature was made by its key in this very process: where signatures are remembered, it is
/// known to be good.
pub(crate) fn made(key: &SigningKey, message: &[u8], signature: &Signature) {
    KNOWN.with_borrow_mut(|known| {
        // A weak key's signatures are not good, whoever makes them.
        if let Some(known) = known.as_mut().filter(|_| !key.verifying_key().is_weak()) {
            remember(known, name(&key.verifying_key(), message, signature));
        }
    });
}

/// Checks a signature, strictly.
pub(crate) fn is_good(key: &VerifyingKey, message: &[u8], signature: &Signature) -> bool {
    let check = || key.verify_strict(message, signature).is_ok();
    KNOWN.with_borrow_mut(|known| {
        let Some(known) = known else {
            return check();
        };
        let name = name(key, message, signature);
        if known.contains(&name) {
            return true;
        }
        let good = check();
        if good {
            remember(known, name);
        }
        good
    })
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    #[test]
    fn what_is_remembered_is_only_what_was_good() {
        remember_good_signatures();
        let (ann, bob) = (
            SigningKey::from_bytes(&[1; 32]),
            SigningKey::from_bytes(&[2; 32]),
        );
        let good = ann.sign(b"ten o'clock");
        for _ in 0..2 {
            assert!(is_good(&ann.verifying_key(), b"ten o'clock", &good));
            assert!(!is_good(&ann.verifying_key(), b"ten o'clock!", &good));
            assert!(!is_good(&bob.verifying_key(), b"ten o'clock", &good));
            let other = bob.sign(b"ten o'clock");
            assert!(!is_good(&ann.verifying_key(), b"ten o'clock", &other));
        }
    }
}
