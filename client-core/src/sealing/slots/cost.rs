//! What a guess of the passphrase costs.

use argon2::{Algorithm, Argon2, Params, Version};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use super::SlotError;

pub(super) const SALT_LEN: usize = 16;

/// How much work a guess of the passphrase takes (Argon2id).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Cost {
    #[n(0)]
    pub(super) memory_kib: u32,
    #[n(1)]
    pub(super) passes: u32,
    #[n(2)]
    pub(super) lanes: u32,
}

/// A cost below the floor, or above what a machine should be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    /// Guessing would be too cheap.
    #[error("below the floor of {} KiB, {} passes, {} lane", Cost::FLOOR.memory_kib, Cost::FLOOR.passes, Cost::FLOOR.lanes)]
    BelowFloor,
    /// More than any version of this program asks for.
    #[error("above the ceiling of {} KiB, {} passes, {} lanes", Cost::CEILING.memory_kib, Cost::CEILING.passes, Cost::CEILING.lanes)]
    AboveCeiling,
}

impl Cost {
    /// What new key files get.
    pub const DEFAULT: Self = Self {
        memory_kib: 64 * 1024,
        passes: 3,
        lanes: 1,
    };
    /// Cheaper is refused, whoever wrote the file.
    pub const FLOOR: Self = Self {
        memory_kib: 19 * 1024,
        passes: 2,
        lanes: 1,
    };
    /// Dearer is refused before any memory is taken.
    pub const CEILING: Self = Self {
        memory_kib: 1024 * 1024,
        passes: 16,
        lanes: 8,
    };

    /// A cost between floor and ceiling.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, CostError> {
        let cost = Self {
            memory_kib,
            passes,
            lanes,
        };
        match cost.check() {
            Ok(()) => Ok(cost),
            Err(error) => Err(error),
        }
    }

    const fn check(self) -> Result<(), CostError> {
        if self.memory_kib < Self::FLOOR.memory_kib
            || self.passes < Self::FLOOR.passes
            || self.lanes < Self::FLOOR.lanes
        {
            Err(CostError::BelowFloor)
        } else if self.memory_kib > Self::CEILING.memory_kib
            || self.passes > Self::CEILING.passes
            || self.lanes > Self::CEILING.lanes
        {
            Err(CostError::AboveCeiling)
        } else {
            Ok(())
        }
    }

    /// The key that a passphrase gives.
    pub(super) fn stretch(
        self,
        passphrase: &str,
        salt: [u8; SALT_LEN],
    ) -> Result<Zeroizing<[u8; 32]>, SlotError> {
        self.check()?;
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32))
            .map_err(|_| SlotError::Cost(CostError::BelowFloor))?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &salt, key.as_mut())
            .map_err(|_| SlotError::OutOfMemory)?;
        Ok(key)
    }
}
