//! What a person types to take the desk from a colleague.
//!
//! A PIN is short, so it opens nothing by itself: its key is made of the stretched PIN and a secret
//! that lies behind a passphrase.

use rand_core::CryptoRng;
use sync_protocol::SeatId;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Cost, SlotError, cost::SALT_LEN};
use crate::sealing::derive::{self, domain};

/// So many wrong PINs in a row, then a passphrase has to come along.
pub const MAX_TRIES: u8 = 5;

const SHORTEST: usize = 4;
const LONGEST: usize = 64;

/// Why a PIN is not good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Too few characters.
    #[error("a PIN has at least {SHORTEST} characters")]
    TooShort,
    /// Too many characters.
    #[error("a PIN has at most {LONGEST} characters")]
    TooLong,
    /// Among the first that anybody tries.
    #[error("this PIN is among the first that anybody tries")]
    TooSimple,
}

/// Whether a PIN may be set.
pub fn check_pin(pin: &str) -> Result<(), PinError> {
    let digits: Zeroizing<Vec<u32>> = Zeroizing::new(pin.chars().map(u32::from).collect());
    if digits.len() < SHORTEST {
        return Err(PinError::TooShort);
    }
    if digits.len() > LONGEST {
        return Err(PinError::TooLong);
    }
    // 0000, 1234, 9876.
    let even = |step: i64| {
        digits.windows(2).all(|pair| match pair {
            [one, next] => i64::from(*next) - i64::from(*one) == step,
            _ => false,
        })
    };
    if even(0) || even(1) || even(-1) {
        return Err(PinError::TooSimple);
    }
    Ok(())
}

/// Lies in the device part; without it PINs cannot be tried.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct PinSecret(pub(super) [u8; 32]);

impl PinSecret {
    pub(super) fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(derive::random(rng))
    }

    /// The key that a PIN gives for a seat.
    pub(super) fn key(
        &self,
        seat: SeatId,
        pin: &str,
        cost: Cost,
        salt: [u8; SALT_LEN],
    ) -> Result<Zeroizing<[u8; 32]>, SlotError> {
        let stretched = cost.stretch(pin, salt)?;
        let mut both = Zeroizing::new([0; 64]);
        let (first, second) = both.split_at_mut(32);
        first.copy_from_slice(stretched.as_ref());
        second.copy_from_slice(&self.0);
        Ok(derive::derive(both.as_ref(), domain::PIN, seat.as_bytes()))
    }
}
