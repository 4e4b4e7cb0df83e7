//! Handing keys out: at founding, to newcomers, after somebody left, and for subjects.

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use sync_protocol::{DecodeError, InviteId, KeyId, OrgId, Policy, Role, SealKey, SeatId};
use zeroize::{Zeroize as _, Zeroizing};

use std::collections::BTreeSet;

use super::{KeyRing, Member, RoleEntry};
use crate::sealing::{
    Compartment, CompartmentKey, JoinSecret, KeyRow, OpenError, Recipient, RoleKey, SealError,
    SeatSecrets, SubjectKey, cbor,
    derive::{self, BoxError, domain},
    holds_key_of,
};

/// What gets new keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renewal {
    /// These roles, with all compartments that they read.
    pub roles: BTreeSet<Role>,
    /// These compartments besides.
    pub compartments: BTreeSet<Compartment>,
}

/// What an invitation carries: every key of its role, oldest first.
#[derive(Encode, Decode)]
struct InviteKeys {
    #[n(0)]
    keys: Vec<(u32, InviteKey)>,
}

#[derive(Encode, Decode)]
#[cbor(transparent)]
struct InviteKey(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]);

impl Drop for InviteKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

fn invite_bound(org: OrgId, invite: InviteId, role: Role) -> Vec<u8> {
    cbor::to_versioned(&(org, invite, role))
}

impl KeyRing {
    /// The first keys of an organisation, with the rows that hand them to its founder and to the
    /// recovery key.
    pub fn found(
        rng: &mut impl CryptoRng,
        org: OrgId,
        seat: SeatId,
        secrets: &SeatSecrets,
        recovery: SealKey,
    ) -> Result<(Self, Vec<KeyRow>), SealError> {
        let mut ring = Self::of_seat(org, seat, secrets);
        let founder = Member {
            seat,
            seal: secrets.sealing.public(),
            role: Role::Owner,
        };
        let all = Renewal {
            roles: Role::ALL.into_iter().collect(),
            compartments: BTreeSet::new(),
        };
        let rows = ring.renew(rng, &all, &[founder], recovery, Policy::default())?;
        Ok((ring, rows))
    }

    /// The ring of a newcomer, from what the invitation carries. `role` is the invitation's. An
    /// invitation without keys gives a ring that waits for rows.
    pub fn from_invite(
        org: OrgId,
        invite: InviteId,
        role: Role,
        wrapped: &[u8],
        secret: &JoinSecret,
        seat: SeatId,
        secrets: &SeatSecrets,
    ) -> Result<Self, OpenError> {
        if wrapped.is_empty() {
            return Ok(Self::of_seat(org, seat, secrets));
        }
        let plain = derive::open_box(
            &secret.wrap_key(org, invite),
            domain::INVITE,
            &[],
            &invite_bound(org, invite, role),
            wrapped,
        )
        .map_err(|error| match error {
            BoxError::WrongKey => OpenError::WrongKey,
            BoxError::Damaged => OpenError::Damaged,
        })?;
        let keys: InviteKeys = cbor::from_versioned(&plain).map_err(|error| match error {
            DecodeError::NewerVersion { got, .. } => OpenError::UnknownVersion {
                got: u8::try_from(got).unwrap_or(u8::MAX),
            },
            DecodeError::TooLarge { .. }
            | DecodeError::Truncated
            | DecodeError::NotCanonical
            | DecodeError::UnknownFrame(_)
            | DecodeError::Malformed { .. }
            | DecodeError::Impossible(_)
            | DecodeError::Compression => OpenError::Damaged,
        })?;
        let mut ring = Self::of_seat(org, seat, secrets);
        for (epoch, key) in &keys.keys {
            let key = RoleKey::from_bytes(key.0);
            ring.keep_role(role, *epoch, key);
        }
        Ok(ring)
    }

    /// The keys of a role, sealed to an invitation's secret, for its `wrapped` field. Nothing when
    /// this ring does not hold them: the newcomer then gets its rows from the next owner's device.
    pub fn wrap_for_invite(
        &self,
        rng: &mut impl CryptoRng,
        invite: InviteId,
        role: Role,
        secret: &JoinSecret,
    ) -> Result<Vec<u8>, SealError> {
        if !self.holds_role(role) {
            return Ok(Vec::new());
        }
        let keys = InviteKeys {
            keys: self
                .role_keys(role)?
                .into_iter()
                .map(|(_, entry)| (entry.epoch, InviteKey(*entry.key.expose())))
                .collect(),
        };
        let plain = Zeroizing::new(cbor::to_versioned(&keys));
        derive::seal_box(
            rng,
            &secret.wrap_key(self.org, invite),
            domain::INVITE,
            &[],
            &invite_bound(self.org, invite, role),
            &plain,
        )
    }

    /// The rows that hand every key of a role to a seat. A newcomer writes them for itself, and an
    /// owner or manager for a seat that has none or got another role.
    pub fn rows_for_new_seat(
        &self,
        rng: &mut impl CryptoRng,
        member: Member,
    ) -> Result<Vec<KeyRow>, SealError> {
        self.role_keys(member.role)?
            .into_iter()
            .map(|(key, entry)| self.row_to_seat(rng, key, entry, member))
            .collect()
    }

    pub(super) fn row_to_seat(
        &self,
        rng: &mut impl CryptoRng,
        key: KeyId,
        entry: &RoleEntry,
        member: Member,
    ) -> Result<KeyRow, SealError> {
        KeyRow::Role {
            key,
            role: entry.role,
            epoch: entry.epoch,
            to: Recipient::Seat(member.seat),
            wrap: Vec::new(),
        }
        .sealed_to(rng, self.org, member.seal, entry.key.expose())
    }

    pub(super) fn renew(
        &mut self,
        rng: &mut impl CryptoRng,
        renewal: &Renewal,
        members: &[Member],
        recovery: SealKey,
        policy: Policy,
    ) -> Result<Vec<KeyRow>, SealError> {
        let org = self.org;
        let roles = &renewal.roles;
        let mut rows = Vec::new();
        // In the order of `Role::ALL`, as a set of roles is: those who hand a key on come first.
        for &role in roles {
            let epoch = self
                .current_role(role)
                .map_or(0, |(_, entry)| entry.epoch.saturating_add(1));
            let secret = RoleKey::generate(rng);
            let key = self.keep_role(role, epoch, secret.clone());
            let row = |to| KeyRow::Role {
                key,
                role,
                epoch,
                to,
                wrap: Vec::new(),
            };
            for member in members.iter().filter(|member| member.role == role) {
                rows.push(row(Recipient::Seat(member.seat)).sealed_to(
                    rng,
                    org,
                    member.seal,
                    secret.expose(),
                )?);
            }
            if role == Role::Owner {
                rows.push(row(Recipient::Recovery).sealed_to(
                    rng,
                    org,
                    recovery,
                    secret.expose(),
                )?);
            }
            for holder in Role::ALL {
                if holder != role
                    && holds_key_of(holder, role)
                    && let Some((parent, entry)) = self.current_role(holder)
                {
                    let to = Recipient::Role {
                        role: holder,
                        key: parent,
                    };
                    rows.push(row(to).sealed_under(
                        rng,
                        org,
                        entry.key.expose(),
                        secret.expose(),
                    )?);
                }
            }
        }
        for compartment in Compartment::ALL {
            let reads = |role: &Role| compartment.read_under(policy, *role);
            if !roles.iter().any(reads) && !renewal.compartments.contains(&compartment) {
                continue;
            }
            let epoch = self
                .current_compartment(compartment)
                .map_or(0, |(_, entry)| entry.epoch.saturating_add(1));
            let secret = CompartmentKey::generate(rng);
            let key = self.keep_compartment(compartment, epoch, secret.clone());
            for role in Role::ALL.into_iter().filter(reads) {
                let (under, parent) = self.current_role(role).ok_or(SealError::MissingKey)?;
                rows.push(
                    KeyRow::Compartment {
                        key,
                        compartment,
                        epoch,
                        role,
                        under,
                        wrap: Vec::new(),
                    }
                    .sealed_under(
                        rng,
                        org,
                        parent.key.expose(),
                        secret.expose(),
                    )?,
                );
            }
        }
        Ok(rows)
    }

    /// What a changed program would write that hands out what it may not: new keys of the
    /// compartments that it reads, under its own role's key.
    #[cfg(feature = "planted")]
    pub fn forged_rows(&mut self, rng: &mut impl CryptoRng, role: Role) -> Vec<KeyRow> {
        let mut rows = Vec::new();
        for compartment in Compartment::ALL {
            let current = self.current_compartment(compartment);
            let Some(epoch) = current.map(|(_, entry)| entry.epoch.saturating_add(1)) else {
                continue;
            };
            let secret = CompartmentKey::generate(rng);
            let key = self.keep_compartment(compartment, epoch, secret.clone());
            let Some((under, parent)) = self.current_role(role) else {
                continue;
            };
            let row = KeyRow::Compartment {
                key,
                compartment,
                epoch,
                role,
                under,
                wrap: Vec::new(),
            };
            rows.extend(row.sealed_under(rng, self.org, parent.key.expose(), secret.expose()));
        }
        rows
    }

    /// A new key for a subject, with its row. The row must be stored before what uses the key.
    pub fn new_subject(
        &mut self,
        rng: &mut impl CryptoRng,
        subject: [u8; 16],
        compartment: Compartment,
    ) -> Result<(KeyId, KeyRow), SealError> {
        let (under, parent) = self
            .current_compartment(compartment)
            .ok_or(SealError::MissingKey)?;
        let secret = SubjectKey::generate(rng);
        let key = secret.id();
        let row = KeyRow::Subject {
            key,
            subject,
            compartment,
            epoch: parent.epoch,
            under,
            wrap: Vec::new(),
        }
        .sealed_under(rng, self.org, parent.key.expose(), secret.expose())?;
        self.keep_subject(subject, compartment, under, secret);
        Ok((key, row))
    }
}
