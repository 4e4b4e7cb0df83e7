//! One way into a key file: the master key, wrapped.

use minicbor::{Decode, Encode, bytes::ByteVec};
use rand_core::CryptoRng;
use sync_protocol::{OrgId, SealKey};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Cost, cost::SALT_LEN};
use crate::sealing::{
    SealError, cbor,
    derive::{self, BoxError, domain},
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
}

impl Slot {
    pub(super) fn wrap(&self) -> &[u8] {
        match self {
            Self::Passphrase { wrap, .. }
            | Self::Recovery { wrap, .. }
            | Self::Machine { wrap } => wrap,
        }
    }

    pub(super) fn wrap_mut(&mut self) -> &mut ByteVec {
        match self {
            Self::Passphrase { wrap, .. }
            | Self::Recovery { wrap, .. }
            | Self::Machine { wrap } => wrap,
        }
    }

    /// What the wrap is bound to: the organisation and the slot without the wrap.
    pub(super) fn bound(&self, org: OrgId) -> Vec<u8> {
        let mut bare = self.clone();
        *bare.wrap_mut() = ByteVec::from(Vec::new());
        let mut bound = domain::SLOT.as_bytes().to_vec();
        bound.push(0);
        bound.append(&mut cbor::to_versioned(&(org, bare)));
        bound
    }

    pub(super) fn sealed_under(
        mut self,
        rng: &mut impl CryptoRng,
        org: OrgId,
        key: &[u8; 32],
        master: &Master,
    ) -> Result<Self, SealError> {
        let wrap = derive::seal_box(rng, key, domain::SLOT, &[], &self.bound(org), &master.0)?;
        *self.wrap_mut() = wrap.into();
        Ok(self)
    }

    pub(super) fn opened_under(&self, org: OrgId, key: &[u8; 32]) -> Result<Master, BoxError> {
        let plain = derive::open_box(key, domain::SLOT, &[], &self.bound(org), self.wrap())?;
        Master::from_slice(&plain).ok_or(BoxError::Damaged)
    }
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
