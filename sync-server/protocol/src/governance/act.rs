//! What an act of the governance chain says.

use ed25519_dalek::SigningKey;
use minicbor::{Decode, Encode};

use super::{Erasing, Role};
use crate::{
    codec::{self, DecodeError},
    domain,
    entry::VerifyError,
    ids::{DeviceId, Hash, IncarnationId, InviteId, OrgId, SeatId, Site},
    keys::{SealKey, Signature, VerifyKey},
    limits,
    signed::{self, Signed, Statement},
};

/// One step of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Act {
    /// The organisation.
    #[n(0)]
    pub org: OrgId,
    /// Its place in the chain; the genesis has 0.
    #[n(1)]
    pub height: u32,
    /// Hash of the act before it; zero for the genesis.
    #[n(2)]
    pub prev: Hash,
    /// The author's time, in seconds.
    #[n(3)]
    pub at: i64,
    /// Whose key signs it.
    #[n(4)]
    pub author: Author,
    /// What is done.
    #[n(5)]
    pub what: What,
}

/// An [`Act`] with its author's signature.
pub type SignedAct = Signed<Act>;

/// Whose key signs an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Author {
    /// The organisation's root key: the genesis, and recovery with the paper kit.
    #[n(0)]
    Root,
    /// A seat.
    #[n(1)]
    Seat(#[n(0)] SeatId),
    /// The one-time key of an invitation, for the newcomer's `AddSeat`.
    #[n(2)]
    Invite(#[n(0)] InviteId),
    /// A device's own key. Entitles to nothing in version 0.
    #[n(3)]
    Device(#[n(0)] DeviceId),
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum What {
    /// Founds the organisation with its first device and owner.
    #[n(0)]
    Genesis {
        /// The root key, kept on paper only.
        #[n(0)]
        root: VerifyKey,
        /// What recovery copies are sealed to.
        #[n(1)]
        recovery: SealKey,
        /// The first device.
        #[n(2)]
        device: DeviceGrant,
        /// The first owner.
        #[n(3)]
        seat: SeatGrant,
    },
    /// A further machine.
    #[n(1)]
    AddDevice(#[n(0)] DeviceGrant),
    /// Lets whoever holds the secret of `verify` add one seat.
    #[n(2)]
    Invite {
        /// Its id.
        #[n(0)]
        id: InviteId,
        /// What the newcomer will be.
        #[n(1)]
        role: Role,
        /// From this second on it is void.
        #[n(2)]
        expires: i64,
        /// A key made for this invitation alone.
        #[n(3)]
        verify: VerifyKey,
        /// Where the newcomer will work, when that is one location.
        #[n(4)]
        site: Option<Site>,
        /// Keys sealed to the invitation's secret; opaque here.
        #[cbor(n(5), with = "minicbor::bytes")]
        wrapped: Vec<u8>,
        /// The code travels where others may read it: the newcomer gets its keys once two people
        /// have compared a number. Carries no keys then.
        #[n(6)]
        compare: bool,
    },
    /// A member of staff on a device.
    #[n(3)]
    AddSeat {
        /// The invitation it redeems.
        #[n(0)]
        invite: Option<InviteId>,
        /// The seat.
        #[n(1)]
        seat: SeatGrant,
        /// Its device, when that is new.
        #[n(2)]
        device: Option<DeviceGrant>,
    },
    /// Another role for a seat.
    #[n(4)]
    SetRole {
        /// The seat.
        #[n(0)]
        seat: SeatId,
        /// What it is from now on.
        #[n(1)]
        role: Role,
        /// The last sequence of each of its incarnations that was written in the role before,
        /// ascending. What lies beyond has to be allowed in the new role too, whatever height it
        /// names.
        #[n(2)]
        last: Vec<(IncarnationId, u64)>,
    },
    /// Ends a seat. What it wrote counts up to and including the named sequences.
    #[n(5)]
    RemoveSeat {
        /// The seat.
        #[n(0)]
        seat: SeatId,
        /// The last accepted sequence of each of its incarnations, ascending.
        #[n(1)]
        last: Vec<(IncarnationId, u64)>,
    },
    /// Whose heads and confirmations count.
    #[n(6)]
    PinRelayKey {
        /// The key the relay signs with.
        #[n(0)]
        acting: VerifyKey,
        /// The key of its replacement.
        #[n(1)]
        standby: Option<VerifyKey>,
        /// Where it is reached.
        #[n(2)]
        address: String,
    },
    /// Lets a relay that lost data confirm again, from this epoch on.
    #[n(7)]
    RelayRestore {
        /// The epoch.
        #[n(0)]
        epoch: u32,
    },
    /// Ends a device and every seat on it, as when the machine is lost.
    #[n(8)]
    RemoveDevice {
        /// The device.
        #[n(0)]
        device: DeviceId,
        /// The last accepted sequence of each incarnation of its seats, ascending.
        #[n(1)]
        last: Vec<(IncarnationId, u64)>,
    },
    /// Calls an invitation back before it was used.
    #[n(9)]
    RevokeInvite {
        /// The invitation.
        #[n(0)]
        invite: InviteId,
    },
    /// Destroys what is kept about clients and pets, for good.
    #[n(10)]
    Erasure(#[n(0)] Erasing),
    /// New recovery words: from here on only their keys count.
    #[n(11)]
    AddRecovery(#[n(0)] RootGrant),
    /// Lets a role in where the table of roles does not, or takes that back.
    #[n(12)]
    SetPolicy {
        /// The number of the compartment; version 0 knows [`super::Policy::CLINICAL`] alone.
        #[n(0)]
        compartment: u8,
        /// Who; version 0 knows managers alone.
        #[n(1)]
        role: Role,
        /// Whether they are let in from now on.
        #[n(2)]
        open: bool,
        /// Where they are let out: the last sequence of each of their incarnations that was written
        /// before, ascending.
        #[n(3)]
        last: Vec<(IncarnationId, u64)>,
    },
}

/// The keys of recovery words, with proof that both belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct RootGrant {
    /// The root key.
    #[n(0)]
    pub root: VerifyKey,
    /// What recovery copies are sealed to.
    #[n(1)]
    pub recovery: SealKey,
    /// Signature by `root` over organisation and both keys.
    #[n(2)]
    pub proof: Signature,
}

/// A device's place in the organisation, with proof that it holds its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct DeviceGrant {
    /// The device.
    #[n(0)]
    pub device: DeviceId,
    /// Its key.
    #[n(1)]
    pub verify: VerifyKey,
    /// Signature by that key over organisation, device and key.
    #[n(2)]
    pub proof: Signature,
}

/// A seat's place in the organisation, with proof that both keys belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct SeatGrant {
    /// The seat.
    #[n(0)]
    pub seat: SeatId,
    /// The device it works on.
    #[n(1)]
    pub device: DeviceId,
    /// What it may do.
    #[n(2)]
    pub role: Role,
    /// The key it signs with.
    #[n(3)]
    pub verify: VerifyKey,
    /// The key that others seal to.
    #[n(4)]
    pub seal: SealKey,
    /// Signature by `verify` over organisation, seat, device and both keys.
    #[n(5)]
    pub proof: Signature,
}

impl RootGrant {
    /// The grant of whoever holds the words that `key` and `recovery` follow from.
    pub fn new(org: OrgId, key: &SigningKey, recovery: SealKey) -> Self {
        let root = VerifyKey::from(key.verifying_key());
        let statement = codec::to_versioned(&(org, root, recovery));
        let proof = signed::sign(domain::sign::ROOT, &statement, key);
        Self {
            root,
            recovery,
            proof,
        }
    }

    pub(super) fn verify_proof(
        &self,
        org: OrgId,
        key: &ed25519_dalek::VerifyingKey,
    ) -> Result<(), VerifyError> {
        let statement = codec::to_versioned(&(org, self.root, self.recovery));
        signed::verify(domain::sign::ROOT, &statement, &self.proof, key)
    }
}

impl DeviceGrant {
    /// The grant of a device that holds `key`.
    pub fn new(org: OrgId, device: DeviceId, key: &SigningKey) -> Self {
        let verify = VerifyKey::from(key.verifying_key());
        let statement = codec::to_versioned(&(org, device, verify));
        let proof = signed::sign(domain::sign::DEVICE, &statement, key);
        Self {
            device,
            verify,
            proof,
        }
    }

    pub(super) fn verify_proof(
        &self,
        org: OrgId,
        key: &ed25519_dalek::VerifyingKey,
    ) -> Result<(), VerifyError> {
        let statement = codec::to_versioned(&(org, self.device, self.verify));
        signed::verify(domain::sign::DEVICE, &statement, &self.proof, key)
    }
}

impl SeatGrant {
    /// The grant of a seat that holds `key` and the secret of `seal`.
    pub fn new(
        org: OrgId,
        seat: SeatId,
        device: DeviceId,
        role: Role,
        key: &SigningKey,
        seal: SealKey,
    ) -> Self {
        let verify = VerifyKey::from(key.verifying_key());
        let statement = codec::to_versioned(&(org, seat, device, verify, seal));
        let proof = signed::sign(domain::sign::SEAT, &statement, key);
        Self {
            seat,
            device,
            role,
            verify,
            seal,
            proof,
        }
    }

    pub(super) fn verify_proof(
        &self,
        org: OrgId,
        key: &ed25519_dalek::VerifyingKey,
    ) -> Result<(), VerifyError> {
        let statement = codec::to_versioned(&(org, self.seat, self.device, self.verify, self.seal));
        signed::verify(domain::sign::SEAT, &statement, &self.proof, key)
    }
}

impl Statement for Act {
    const DOMAIN: &'static [u8] = domain::sign::ACT;
    const HASH_CONTEXT: &'static str = domain::hash::ACT;

    fn check(&self) -> Result<(), DecodeError> {
        match &self.what {
            What::Invite {
                wrapped,
                compare: true,
                ..
            } if !wrapped.is_empty() => Err(DecodeError::Impossible(
                "keys in an invitation that is to be compared",
            )),
            What::Invite { wrapped, .. } => codec::at_most(
                "the keys of an invitation",
                wrapped.len(),
                limits::MAX_WRAPPED,
            ),
            What::PinRelayKey { address, .. } => {
                codec::at_most("a relay address", address.len(), limits::MAX_ADDRESS)
            }
            What::SetRole { last, .. }
            | What::RemoveSeat { last, .. }
            | What::RemoveDevice { last, .. }
            | What::SetPolicy { last, .. } => {
                codec::at_most(
                    "a list of incarnations",
                    last.len(),
                    limits::MAX_INCARNATIONS,
                )?;
                if last.is_sorted_by(|a, b| a.0 < b.0) {
                    Ok(())
                } else {
                    Err(DecodeError::Impossible(
                        "incarnations out of order or named twice",
                    ))
                }
            }
            What::Erasure(erasing) => erasing.check(),
            What::Genesis { .. }
            | What::AddDevice(_)
            | What::AddSeat { .. }
            | What::RelayRestore { .. }
            | What::RevokeInvite { .. }
            | What::AddRecovery(_) => Ok(()),
        }
    }
}
