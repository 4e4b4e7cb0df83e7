//! One way into a part of a key file: its master key, wrapped.

use minicbor::{Decode, Encode, bytes::ByteVec};
use rand_core::CryptoRng;
use sync_protocol::{OrgId, SealKey, SeatId};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Cost, SlotError, cost::SALT_LEN};
use crate::sealing::{
    MachineKey, RecoverySecret, SealError, cbor,
    derive::{self, BoxError, domain},
    wrap,
};

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub(super) enum Slot {
    #[n(0)]
    Passphrase {
        #[n(0)]
        cost: Cost,
        #[cbor(n(1), with = "minicbor::bytes")]
        salt: [u8; SALT_LEN],
        #[n(2)]
        wrap: ByteVec,
    },
    #[n(1)]
    Recovery {
        #[n(0)]
        to: SealKey,
        #[n(1)]
        wrap: ByteVec,
    },
    #[n(2)]
    Machine {
        #[n(0)]
        wrap: ByteVec,
    },
    #[n(3)]
    Pin {
        #[n(0)]
        cost: Cost,
        #[cbor(n(1), with = "minicbor::bytes")]
        salt: [u8; SALT_LEN],
        #[n(2)]
        wrap: ByteVec,
    },
}

/// Which part a slot belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose {
    Device(OrgId),
    Seat(OrgId, SeatId),
}

pub(super) fn nothing() -> ByteVec {
    ByteVec::from(Vec::new())
}

impl Slot {
    pub(super) fn wrap(&self) -> &[u8] {
        match self {
            Self::Passphrase { wrap, .. }
            | Self::Recovery { wrap, .. }
            | Self::Machine { wrap }
            | Self::Pin { wrap, .. } => wrap,
        }
    }

    pub(super) fn wrap_mut(&mut self) -> &mut ByteVec {
        match self {
            Self::Passphrase { wrap, .. }
            | Self::Recovery { wrap, .. }
            | Self::Machine { wrap }
            | Self::Pin { wrap, .. } => wrap,
        }
    }

    /// What the wrap is bound to: the organisation, the seat, and the slot without the wrap.
    pub(super) fn bound(&self, whose: Whose) -> Vec<u8> {
        let mut bare = self.clone();
        *bare.wrap_mut() = nothing();
        let mut bound = domain::SLOT.as_bytes().to_vec();
        bound.push(0);
        bound.append(&mut match whose {
            Whose::Device(org) => cbor::to_versioned(&(org, bare)),
            Whose::Seat(org, seat) => cbor::to_versioned(&(org, seat, bare)),
        });
        bound
    }

    pub(super) fn sealed_under(
        mut self,
        rng: &mut impl CryptoRng,
        whose: Whose,
        key: &[u8; 32],
        master: &Master,
    ) -> Result<Self, SealError> {
        let wrap = derive::seal_box(rng, key, domain::SLOT, &[], &self.bound(whose), &master.0)?;
        *self.wrap_mut() = wrap.into();
        Ok(self)
    }

    pub(super) fn opened_under(&self, whose: Whose, key: &[u8; 32]) -> Result<Master, BoxError> {
        let plain = derive::open_box(key, domain::SLOT, &[], &self.bound(whose), self.wrap())?;
        Master::from_slice(&plain).ok_or(BoxError::Damaged)
    }

    /// A slot for the recovery words.
    pub(super) fn recovery(
        rng: &mut impl CryptoRng,
        whose: Whose,
        to: SealKey,
        master: &Master,
    ) -> Result<Self, SealError> {
        let mut slot = Self::Recovery {
            to,
            wrap: nothing(),
        };
        let wrap = wrap::seal_to(rng, to, &slot.bound(whose), &master.0)?;
        *slot.wrap_mut() = wrap.into();
        Ok(slot)
    }

    /// A slot for a machine key.
    pub(super) fn machine(
        rng: &mut impl CryptoRng,
        whose: Whose,
        key: &MachineKey,
        master: &Master,
    ) -> Result<Self, SealError> {
        Self::Machine { wrap: nothing() }.sealed_under(rng, whose, key.expose(), master)
    }

    pub(super) const fn is_recovery(&self) -> bool {
        matches!(self, Self::Recovery { .. })
    }

    pub(super) const fn is_machine(&self) -> bool {
        matches!(self, Self::Machine { .. })
    }

    pub(super) const fn is_pin(&self) -> bool {
        matches!(self, Self::Pin { .. })
    }

    /// Whether it is the slot of a passphrase that is stretched with this salt.
    pub(super) fn is_salted(&self, with: &[u8; SALT_LEN]) -> bool {
        matches!(self, Self::Passphrase { salt, .. } if salt == with)
    }

    /// The salt of a passphrase.
    pub(super) const fn salt(&self) -> Option<&[u8; SALT_LEN]> {
        match self {
            Self::Passphrase { salt, .. } => Some(salt),
            Self::Recovery { .. } | Self::Machine { .. } | Self::Pin { .. } => None,
        }
    }
}

/// The recovery key that a part is wrapped to.
pub(super) fn recovery_of(slots: &[Slot]) -> Option<SealKey> {
    slots.iter().find_map(|slot| match slot {
        Slot::Recovery { to, .. } => Some(*to),
        Slot::Passphrase { .. } | Slot::Machine { .. } | Slot::Pin { .. } => None,
    })
}

/// Opens a part with the recovery words' key.
pub(super) fn open_recovery(
    slots: &[Slot],
    whose: Whose,
    secret: &RecoverySecret,
) -> Result<Master, SlotError> {
    let slot = slots
        .iter()
        .find(|slot| slot.is_recovery())
        .ok_or(SlotError::NoSuchSlot)?;
    if !matches!(slot, Slot::Recovery { to, .. } if *to == secret.public()) {
        return Err(SlotError::WrongRecoveryKey);
    }
    let plain = wrap::open_with(secret.expose(), &slot.bound(whose), slot.wrap())
        .map_err(|derive::Damaged| SlotError::Damaged)?;
    Master::from_slice(&plain).ok_or(SlotError::Damaged)
}

#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Master(pub(super) [u8; 32]);

impl Master {
    pub(super) fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(derive::random(rng))
    }

    pub(super) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}
