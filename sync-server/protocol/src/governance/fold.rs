//! The chain applied act by act.
//!
//! What always holds: an act is applied only on the current head, signed by an author who may do
//! it at that height, or not at all. Every replica that applied the same acts gives the same
//! answers.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;

use super::{
    Act, Author, DeviceGrant, DeviceState, Erased, GovernanceError, InviteState, Policy, RelayPin,
    ReplacedRoot, Role, RootGrant, SeatGrant, SeatState, SignedAct, What,
};
use crate::{
    entry::VerifyError,
    ids::{DeviceId, Hash, IncarnationId, InviteId, OrgId, SeatId, Site},
    keys::{SealKey, VerifyKey},
    planted::PlantedRules,
};

/// The state of an organisation after its acts so far.
#[derive(Debug, Clone)]
pub struct Governance {
    pub(super) org: OrgId,
    pub(super) root: VerifyingKey,
    pub(super) recovery: SealKey,
    /// The height since which these two count.
    pub(super) rooted: u32,
    pub(super) replaced: Vec<ReplacedRoot>,
    /// Ascending by height.
    pub(super) policies: Vec<(u32, Policy)>,
    pub(super) hashes: Vec<Hash>,
    pub(super) seats: BTreeMap<SeatId, SeatState>,
    pub(super) devices: BTreeMap<DeviceId, DeviceState>,
    pub(super) invites: BTreeMap<InviteId, InviteState>,
    pub(super) pins: Vec<RelayPin>,
    pub(super) restored: Vec<(u32, u32)>,
    pub(super) erased: Erased,
    pub(super) planted: PlantedRules,
}

fn strong(key: &VerifyKey) -> Result<VerifyingKey, GovernanceError> {
    key.check().map_err(GovernanceError::Key)
}

fn proven(result: Result<(), VerifyError>) -> Result<(), GovernanceError> {
    result.map_err(|_| GovernanceError::BadProof)
}

impl Governance {
    /// Begins a chain.
    pub fn found(genesis: &SignedAct) -> Result<Self, GovernanceError> {
        let act = genesis.value();
        let What::Genesis {
            root,
            recovery,
            device,
            seat,
        } = &act.what
        else {
            return Err(GovernanceError::NotAGenesis);
        };
        if act.author != Author::Root || act.height != 0 || act.prev != Hash::ZERO {
            return Err(GovernanceError::NotAGenesis);
        }
        let root = strong(root)?;
        genesis
            .verify(&root)
            .map_err(|_| GovernanceError::BadSignature)?;
        recovery.check().map_err(GovernanceError::Key)?;
        if seat.role != Role::Owner {
            return Err(GovernanceError::LastOwner);
        }
        let mut chain = Self {
            org: act.org,
            root,
            recovery: *recovery,
            rooted: 0,
            replaced: Vec::new(),
            policies: Vec::new(),
            hashes: Vec::new(),
            seats: BTreeMap::new(),
            devices: BTreeMap::new(),
            invites: BTreeMap::new(),
            pins: Vec::new(),
            restored: Vec::new(),
            erased: Erased::default(),
            planted: PlantedRules::at_birth(),
        };
        let device_state = chain.checked_device(device, 0)?;
        chain.devices.insert(device.device, device_state);
        let seat_state = chain.checked_seat(seat, None, 0)?;
        chain.seats.insert(seat.seat, seat_state);
        chain.hashes.push(genesis.hash());
        Ok(chain)
    }

    /// Adds the next act, or changes nothing and says why.
    pub fn apply(&mut self, signed: &SignedAct) -> Result<(), GovernanceError> {
        let act = signed.value();
        self.check_place(signed)?;
        let key = self.author_key(act)?;
        if !self.planted.unsigned_acts {
            signed
                .verify(&key)
                .map_err(|_| GovernanceError::BadSignature)?;
        }
        self.enact(act)?;
        self.hashes.push(signed.hash());
        Ok(())
    }

    fn check_place(&self, signed: &SignedAct) -> Result<(), GovernanceError> {
        let act = signed.value();
        let (height, expected) = (act.height, self.next_height());
        if act.org != self.org {
            return Err(GovernanceError::WrongOrganisation);
        }
        if height < expected {
            return Err(if self.hash_at(height) == Some(signed.hash()) {
                GovernanceError::Replayed { height }
            } else if height.checked_sub(1).and_then(|h| self.hash_at(h)) == Some(act.prev) {
                // Honest, but somebody was faster.
                GovernanceError::WrongHeight {
                    got: height,
                    expected,
                }
            } else {
                GovernanceError::Fork { height }
            });
        }
        if height > expected {
            return Err(GovernanceError::WrongHeight {
                got: height,
                expected,
            });
        }
        if act.prev == self.head() {
            Ok(())
        } else {
            Err(GovernanceError::Fork { height })
        }
    }

    fn author_key(&self, act: &Act) -> Result<VerifyingKey, GovernanceError> {
        match act.author {
            Author::Root => Some(self.root),
            Author::Seat(seat) => self
                .seats
                .get(&seat)
                .filter(|seat| seat.role().is_some())
                .map(|seat| seat.key),
            Author::Invite(invite) => {
                return self
                    .invites
                    .get(&invite)
                    .map(|invite| invite.key)
                    .ok_or(GovernanceError::UnknownInvite);
            }
            Author::Device(device) => self
                .devices
                .get(&device)
                .filter(|device| device.removed.is_none())
                .map(|device| device.key),
        }
        .ok_or(GovernanceError::UnknownAuthor)
    }

    /// What an author may do as if it had this role: the root key stands above owners.
    fn authority(&self, author: Author) -> Option<Role> {
        match author {
            Author::Root => Some(Role::Owner),
            Author::Seat(seat) => self.seats.get(&seat).and_then(SeatState::role),
            Author::Invite(_) | Author::Device(_) => None,
        }
    }

    fn enact(&mut self, act: &Act) -> Result<(), GovernanceError> {
        let height = self.next_height();
        let authority = self.authority(act.author);
        let owner_only = || match authority {
            Some(Role::Owner) => Ok(()),
            _ => Err(GovernanceError::NotAuthorised),
        };
        let may_admit = |role: Role| {
            let may = authority.is_some_and(|authority| authority.may_admit(role));
            if may {
                Ok(())
            } else {
                Err(GovernanceError::NotAuthorised)
            }
        };
        match &act.what {
            What::Genesis { .. } => Err(GovernanceError::NotAGenesis),
            What::AddDevice(grant) => {
                owner_only()?;
                let state = self.checked_device(grant, height)?;
                self.devices.insert(grant.device, state);
                Ok(())
            }
            What::Invite {
                id,
                role,
                expires,
                verify,
                site,
                wrapped,
                compare,
            } => {
                may_admit(*role)?;
                let key = strong(verify)?;
                self.fresh_key(&key)?;
                if self.invites.contains_key(id) {
                    return Err(GovernanceError::Duplicate);
                }
                self.invites.insert(
                    *id,
                    InviteState {
                        role: *role,
                        expires: *expires,
                        site: *site,
                        wrapped: wrapped.clone(),
                        compare: *compare,
                        by: act.author,
                        height,
                        used: None,
                        revoked: None,
                        key,
                    },
                );
                Ok(())
            }
            What::AddSeat {
                invite: None,
                seat,
                device,
            } => {
                may_admit(seat.role)?;
                self.add_seat(seat, device.as_ref(), None, height)
            }
            What::AddSeat {
                invite: Some(id),
                seat,
                device,
            } => {
                if act.author != Author::Invite(*id) {
                    return Err(GovernanceError::NotAuthorised);
                }
                let site = self.check_invite(*id, seat.role, act.at)?;
                self.add_seat(seat, device.as_ref(), site, height)?;
                if let Some(invite) = self.invites.get_mut(id) {
                    invite.used = Some(height);
                    if let Some(seat) = self.seats.get_mut(&seat.seat) {
                        seat.compare = invite.compare;
                    }
                }
                Ok(())
            }
            What::SetRole { seat, role, last } => {
                owner_only()?;
                if *role != Role::Owner {
                    self.keeps_an_owner_without(*seat)?;
                }
                let state = self.live_seat(*seat)?;
                state.roles.push((height, *role));
                state.before.insert(height, last.iter().copied().collect());
                Ok(())
            }
            What::RemoveSeat { seat, last } => {
                owner_only()?;
                self.keeps_an_owner_without(*seat)?;
                let state = self.live_seat(*seat)?;
                state.removed = Some((height, last.iter().copied().collect()));
                Ok(())
            }
            What::PinRelayKey {
                acting,
                standby,
                address,
            } => {
                owner_only()?;
                let acting = strong(acting)?;
                let standby = standby.as_ref().map(strong).transpose()?;
                if standby == Some(acting) {
                    return Err(GovernanceError::Duplicate);
                }
                self.pins.push(RelayPin {
                    height,
                    acting,
                    standby,
                    address: address.clone(),
                });
                Ok(())
            }
            What::RelayRestore { epoch } => {
                owner_only()?;
                if *epoch <= self.restored_epoch() {
                    return Err(GovernanceError::StaleEpoch);
                }
                self.restored.push((height, *epoch));
                Ok(())
            }
            What::RemoveDevice { device, last } => {
                owner_only()?;
                self.remove_device(*device, last, height)
            }
            What::RevokeInvite { invite } => {
                let state = self
                    .invites
                    .get_mut(invite)
                    .ok_or(GovernanceError::UnknownInvite)?;
                may_admit(state.role)?;
                if state.used.is_some() {
                    return Err(GovernanceError::UsedInvite);
                }
                if state.revoked.is_some() {
                    return Err(GovernanceError::RevokedInvite);
                }
                state.revoked = Some(height);
                Ok(())
            }
            What::Erasure(erasing) => {
                owner_only()?;
                self.erased.enact(erasing, act, height)
            }
            What::AddRecovery(grant) => {
                owner_only()?;
                self.replace_root(grant, act.at, height)
            }
            What::SetPolicy {
                compartment,
                role,
                open,
                last,
            } => {
                owner_only()?;
                let policy = self
                    .policy()
                    .changed(*compartment, *role, *open)
                    .ok_or(GovernanceError::UnknownPolicy)?;
                self.policies.push((height, policy));
                if !*open {
                    self.restate(*role, last, height);
                }
                Ok(())
            }
        }
    }

    /// Checks everything before it changes anything.
    fn replace_root(
        &mut self,
        grant: &RootGrant,
        at: i64,
        height: u32,
    ) -> Result<(), GovernanceError> {
        let root = strong(&grant.root)?;
        grant.recovery.check().map_err(GovernanceError::Key)?;
        proven(grant.verify_proof(self.org, &root))?;
        self.fresh_key(&root)?;
        let known = self.replaced.iter().map(|old| old.recovery);
        if known
            .chain([self.recovery])
            .any(|key| key == grant.recovery)
        {
            return Err(GovernanceError::Duplicate);
        }
        self.replaced.push(ReplacedRoot {
            key: self.root,
            recovery: self.recovery,
            since: self.rooted,
            height,
            at,
        });
        self.root = root;
        self.recovery = grant.recovery;
        self.rooted = height;
        Ok(())
    }

    /// Whoever has the role has it anew: what lies beyond `last` has to be allowed by what holds
    /// from this height on.
    fn restate(&mut self, role: Role, last: &[(IncarnationId, u64)], height: u32) {
        for seat in self.seats.values_mut() {
            if seat.role() == Some(role) {
                seat.roles.push((height, role));
                seat.before.insert(height, last.iter().copied().collect());
            }
        }
    }

    /// Checks everything before it changes anything.
    fn remove_device(
        &mut self,
        device: DeviceId,
        last: &[(IncarnationId, u64)],
        height: u32,
    ) -> Result<(), GovernanceError> {
        let elsewhere =
            |seat: &SeatState| seat.role() == Some(Role::Owner) && seat.device() != device;
        let remains = self.seats.values().any(elsewhere);
        let state = self
            .devices
            .get_mut(&device)
            .filter(|state| state.removed.is_none())
            .ok_or(GovernanceError::UnknownDevice)?;
        if !remains {
            return Err(GovernanceError::LastOwner);
        }
        state.removed = Some(height);
        let last: BTreeMap<IncarnationId, u64> = last.iter().copied().collect();
        for seat in self.seats.values_mut() {
            if seat.device() == device && seat.removed.is_none() {
                seat.removed = Some((height, last.clone()));
            }
        }
        Ok(())
    }

    fn check_invite(
        &self,
        id: InviteId,
        role: Role,
        at: i64,
    ) -> Result<Option<Site>, GovernanceError> {
        let invite = self
            .invites
            .get(&id)
            .ok_or(GovernanceError::UnknownInvite)?;
        if invite.used.is_some() && !self.planted.codes_count_twice {
            Err(GovernanceError::UsedInvite)
        } else if invite.revoked.is_some() {
            Err(GovernanceError::RevokedInvite)
        } else if at >= invite.expires && !self.planted.codes_never_end {
            Err(GovernanceError::ExpiredInvite)
        } else if invite.role != role {
            Err(GovernanceError::WrongRole)
        } else if self
            .authority(invite.by)
            .is_some_and(|by| by.may_admit(role))
        {
            Ok(invite.site)
        } else {
            Err(GovernanceError::LapsedInvite)
        }
    }

    /// Checks everything before it inserts anything.
    fn add_seat(
        &mut self,
        seat: &SeatGrant,
        device: Option<&DeviceGrant>,
        site: Option<Site>,
        height: u32,
    ) -> Result<(), GovernanceError> {
        let new_device = device
            .map(|grant| self.checked_device(grant, height))
            .transpose()?;
        let known = match &new_device {
            Some(state) => state.grant.device == seat.device,
            None => self
                .devices
                .get(&seat.device)
                .is_some_and(|device| device.removed.is_none()),
        };
        if !known {
            return Err(GovernanceError::UnknownDevice);
        }
        if new_device
            .as_ref()
            .is_some_and(|state| state.grant.verify == seat.verify)
        {
            return Err(GovernanceError::Duplicate);
        }
        let state = self.checked_seat(seat, site, height)?;
        if let Some(device) = new_device {
            self.devices.insert(device.grant.device, device);
        }
        self.seats.insert(seat.seat, state);
        Ok(())
    }

    fn checked_device(
        &self,
        grant: &DeviceGrant,
        added: u32,
    ) -> Result<DeviceState, GovernanceError> {
        let key = strong(&grant.verify)?;
        proven(grant.verify_proof(self.org, &key))?;
        self.fresh_key(&key)?;
        if self.devices.contains_key(&grant.device) {
            return Err(GovernanceError::Duplicate);
        }
        Ok(DeviceState {
            grant: *grant,
            key,
            added,
            removed: None,
        })
    }

    fn checked_seat(
        &self,
        grant: &SeatGrant,
        site: Option<Site>,
        added: u32,
    ) -> Result<SeatState, GovernanceError> {
        let key = strong(&grant.verify)?;
        grant.seal.check().map_err(GovernanceError::Key)?;
        proven(grant.verify_proof(self.org, &key))?;
        self.fresh_key(&key)?;
        if self.seats.contains_key(&grant.seat) {
            return Err(GovernanceError::Duplicate);
        }
        let roles = vec![(added, grant.role)];
        Ok(SeatState {
            grant: *grant,
            key,
            roles,
            before: BTreeMap::new(),
            removed: None,
            compare: false,
            site,
        })
    }

    /// One key, one holder: otherwise a signature would not say who signed.
    fn fresh_key(&self, key: &VerifyingKey) -> Result<(), GovernanceError> {
        let taken = *key == self.root
            || self.replaced.iter().any(|old| old.key == *key)
            || self.seats.values().any(|seat| seat.key == *key)
            || self.devices.values().any(|device| device.key == *key)
            || self.invites.values().any(|invite| invite.key == *key);
        if taken {
            Err(GovernanceError::Duplicate)
        } else {
            Ok(())
        }
    }

    fn live_seat(&mut self, seat: SeatId) -> Result<&mut SeatState, GovernanceError> {
        self.seats
            .get_mut(&seat)
            .filter(|state| state.removed.is_none())
            .ok_or(GovernanceError::UnknownSeat)
    }

    fn keeps_an_owner_without(&self, seat: SeatId) -> Result<(), GovernanceError> {
        let is_owner = |state: &SeatState| state.role() == Some(Role::Owner);
        let leaves_none = self.seats.get(&seat).is_some_and(is_owner)
            && !self
                .seats
                .iter()
                .any(|(id, state)| *id != seat && is_owner(state));
        if leaves_none {
            Err(GovernanceError::LastOwner)
        } else {
            Ok(())
        }
    }

    pub(super) fn next_height(&self) -> u32 {
        // A chain of 2^32 acts does not fit in memory.
        u32::try_from(self.hashes.len()).unwrap_or(u32::MAX)
    }
}
