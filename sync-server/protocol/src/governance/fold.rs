//! The chain applied act by act.
//!
//! What always holds: an act is applied only on the current head, signed by an author who may do
//! it at that height, or not at all. Every replica that applied the same acts gives the same
//! answers.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;

use super::{Act, Author, DeviceGrant, Role, SeatGrant, SignedAct, What};
use crate::{
    entry::VerifyError,
    feed::FeedId,
    ids::{DeviceId, Hash, IncarnationId, InviteId, OrgId, SeatId, Site},
    keys::{KeyError, SealKey, VerifyKey},
};

/// Why an act is not the next one of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GovernanceError {
    /// The first act is not a genesis by the root key, at height 0, after nothing.
    #[error("a chain begins with a genesis")]
    NotAGenesis,
    /// Another organisation's act.
    #[error("the act belongs to another organisation")]
    WrongOrganisation,
    /// Already part of the chain: nothing to do.
    #[error("the act at height {height} is already part of the chain")]
    Replayed {
        /// Its height.
        height: u32,
    },
    /// The chain has moved on; write the act anew on the current head.
    #[error("the act is for height {got}, the chain expects {expected}")]
    WrongHeight {
        /// What the act says.
        got: u32,
        /// What comes next.
        expected: u32,
    },
    /// Follows another act than the one this chain holds at that height.
    #[error("the act follows another history at height {height}")]
    Fork {
        /// Its height.
        height: u32,
    },
    /// Not signed by the author it names.
    #[error("the act is not signed by its author")]
    BadSignature,
    /// A device or seat does not prove that it holds its key.
    #[error("the proof of a device or seat does not verify")]
    BadProof,
    /// A key that nobody should use.
    #[error("a key in the act is not acceptable")]
    Key(#[source] KeyError),
    /// No such seat, device or invitation signs here.
    #[error("the act's author is unknown or gone")]
    UnknownAuthor,
    /// The author may not do this.
    #[error("the act's author may not do this")]
    NotAuthorised,
    /// No invitation of this id.
    #[error("no such invitation")]
    UnknownInvite,
    /// The invitation's time is over.
    #[error("the invitation has expired")]
    ExpiredInvite,
    /// The invitation was redeemed before.
    #[error("the invitation was used before")]
    UsedInvite,
    /// Who issued the invitation may no longer do so.
    #[error("the invitation lapsed with its issuer")]
    LapsedInvite,
    /// The invitation is for another role.
    #[error("the invitation is for another role")]
    WrongRole,
    /// A seat is placed on a device the chain does not know.
    #[error("unknown device")]
    UnknownDevice,
    /// No such seat, or it is gone.
    #[error("unknown or removed seat")]
    UnknownSeat,
    /// An id or key that is in the chain already.
    #[error("the id or key is in the chain already")]
    Duplicate,
    /// Nobody would be left to run the organisation.
    #[error("the last owner cannot be removed or demoted")]
    LastOwner,
    /// An epoch that was restored before, or lies below one.
    #[error("the epoch is not above the last restored one")]
    StaleEpoch,
}

/// A seat, and what became of it.
#[derive(Debug, Clone)]
pub struct SeatState {
    grant: SeatGrant,
    key: VerifyingKey,
    /// Ascending by height.
    roles: Vec<(u32, Role)>,
    removed: Option<(u32, BTreeMap<IncarnationId, u64>)>,
    site: Option<Site>,
}

impl SeatState {
    /// As it was added.
    pub fn grant(&self) -> &SeatGrant {
        &self.grant
    }

    /// The key it signs with.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// The key that others seal to.
    pub fn seal_key(&self) -> SealKey {
        self.grant.seal
    }

    /// The device it works on.
    pub fn device(&self) -> DeviceId {
        self.grant.device
    }

    /// The location its invitation named.
    pub fn site(&self) -> Option<Site> {
        self.site
    }

    /// The height at which it was added.
    pub fn added(&self) -> u32 {
        self.roles.first().map_or(0, |(height, _)| *height)
    }

    /// The height at which it was removed.
    pub fn removed(&self) -> Option<u32> {
        self.removed.as_ref().map(|(height, _)| *height)
    }

    /// For a removed seat: the last sequence of this incarnation that counts, if any does.
    pub fn last_accepted(&self, incarnation: IncarnationId) -> Option<u64> {
        self.removed
            .as_ref()
            .and_then(|(_, last)| last.get(&incarnation).copied())
    }

    /// Its role after the act at `height`; none before it was added and after it was removed.
    pub fn role_at(&self, height: u32) -> Option<Role> {
        if self.removed().is_some_and(|removed| removed <= height) {
            return None;
        }
        let known = self.roles.partition_point(|(since, _)| *since <= height);
        known
            .checked_sub(1)
            .and_then(|last| self.roles.get(last))
            .map(|(_, role)| *role)
    }

    /// Its role now; none once it was removed.
    pub fn role(&self) -> Option<Role> {
        self.role_at(u32::MAX)
    }
}

/// A device.
#[derive(Debug, Clone)]
pub struct DeviceState {
    grant: DeviceGrant,
    key: VerifyingKey,
    added: u32,
}

impl DeviceState {
    /// As it was added.
    pub fn grant(&self) -> &DeviceGrant {
        &self.grant
    }

    /// The key it signs in with.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// The height at which it was added.
    pub fn added(&self) -> u32 {
        self.added
    }
}

/// An invitation.
#[derive(Debug, Clone)]
pub struct InviteState {
    /// What the newcomer will be.
    pub role: Role,
    /// From this second on it is void.
    pub expires: i64,
    /// The location it is for.
    pub site: Option<Site>,
    /// Keys sealed to its secret.
    pub wrapped: Vec<u8>,
    /// Who issued it.
    pub by: Author,
    /// The height at which it was issued.
    pub height: u32,
    /// The height at which it was redeemed.
    pub used: Option<u32>,
    key: VerifyingKey,
}

impl InviteState {
    /// The one-time key.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }
}

/// A relay the organisation trusts to order its feeds.
#[derive(Debug, Clone)]
pub struct RelayPin {
    /// The height at which it was pinned.
    pub height: u32,
    /// The key it signs with.
    pub acting: VerifyingKey,
    /// The key of its replacement.
    pub standby: Option<VerifyingKey>,
    /// Where it is reached.
    pub address: String,
}

/// The state of an organisation after its acts so far.
#[derive(Debug, Clone)]
pub struct Governance {
    org: OrgId,
    root: VerifyingKey,
    recovery: SealKey,
    hashes: Vec<Hash>,
    seats: BTreeMap<SeatId, SeatState>,
    devices: BTreeMap<DeviceId, DeviceState>,
    invites: BTreeMap<InviteId, InviteState>,
    pins: Vec<RelayPin>,
    restored: Vec<(u32, u32)>,
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
            hashes: Vec::new(),
            seats: BTreeMap::new(),
            devices: BTreeMap::new(),
            invites: BTreeMap::new(),
            pins: Vec::new(),
            restored: Vec::new(),
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
        signed
            .verify(&key)
            .map_err(|_| GovernanceError::BadSignature)?;
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
            Author::Device(device) => self.devices.get(&device).map(|device| device.key),
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
                        by: act.author,
                        height,
                        used: None,
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
                }
                Ok(())
            }
            What::SetRole { seat, role } => {
                owner_only()?;
                if *role != Role::Owner {
                    self.keeps_an_owner_without(*seat)?;
                }
                let state = self.live_seat(*seat)?;
                state.roles.push((height, *role));
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
        }
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
        if invite.used.is_some() {
            Err(GovernanceError::UsedInvite)
        } else if at >= invite.expires {
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
            None => self.devices.contains_key(&seat.device),
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
            removed: None,
            site,
        })
    }

    /// One key, one holder: otherwise a signature would not say who signed.
    fn fresh_key(&self, key: &VerifyingKey) -> Result<(), GovernanceError> {
        let taken = *key == self.root
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

    fn next_height(&self) -> u32 {
        // A chain of 2^32 acts does not fit in memory.
        u32::try_from(self.hashes.len()).unwrap_or(u32::MAX)
    }

    /// The organisation.
    pub fn org(&self) -> OrgId {
        self.org
    }

    /// The height of the last act.
    pub fn height(&self) -> u32 {
        self.next_height().saturating_sub(1)
    }

    /// The hash of the last act.
    pub fn head(&self) -> Hash {
        self.hashes.last().copied().unwrap_or(Hash::ZERO)
    }

    /// Height and hash of the last act, as an entry's header names them.
    pub fn stand(&self) -> (u32, Hash) {
        (self.height(), self.head())
    }

    /// The hash of the act at a height.
    pub fn hash_at(&self, height: u32) -> Option<Hash> {
        self.hashes.get(usize::try_from(height).ok()?).copied()
    }

    /// The hash of the genesis, which a join code names.
    pub fn genesis(&self) -> Hash {
        self.hashes.first().copied().unwrap_or(Hash::ZERO)
    }

    /// The root key.
    pub fn root(&self) -> &VerifyingKey {
        &self.root
    }

    /// What recovery copies are sealed to.
    pub fn recovery(&self) -> SealKey {
        self.recovery
    }

    /// A seat, removed ones too.
    pub fn seat(&self, seat: SeatId) -> Option<&SeatState> {
        self.seats.get(&seat)
    }

    /// All seats, removed ones too, by id.
    pub fn seats(&self) -> impl Iterator<Item = (SeatId, &SeatState)> {
        self.seats.iter().map(|(id, state)| (*id, state))
    }

    /// The live seats of a device.
    pub fn seats_on(&self, device: DeviceId) -> impl Iterator<Item = (SeatId, &SeatState)> {
        self.seats()
            .filter(move |(_, seat)| seat.device() == device && seat.role().is_some())
    }

    /// A device.
    pub fn device(&self, device: DeviceId) -> Option<&DeviceState> {
        self.devices.get(&device)
    }

    /// All devices, by id.
    pub fn devices(&self) -> impl Iterator<Item = (DeviceId, &DeviceState)> {
        self.devices.iter().map(|(id, state)| (*id, state))
    }

    /// An invitation, redeemed ones too.
    pub fn invite(&self, invite: InviteId) -> Option<&InviteState> {
        self.invites.get(&invite)
    }

    /// A seat's role after the act at a height.
    pub fn role_at(&self, seat: SeatId, height: u32) -> Option<Role> {
        self.seats.get(&seat).and_then(|seat| seat.role_at(height))
    }

    /// The key the relay signs with now.
    pub fn relay_key(&self) -> Option<&VerifyingKey> {
        self.pins.last().map(|pin| &pin.acting)
    }

    /// Where the relay is reached now.
    pub fn relay_address(&self) -> Option<&str> {
        self.pins.last().map(|pin| pin.address.as_str())
    }

    /// All pins, oldest first: what an earlier relay signed still counts.
    pub fn relay_pins(&self) -> &[RelayPin] {
        &self.pins
    }

    /// Whether a relay may sign with this key now: the acting one, or its pinned replacement.
    pub fn is_relay_key(&self, key: &VerifyingKey) -> bool {
        self.pins
            .last()
            .is_some_and(|pin| pin.acting == *key || pin.standby == Some(*key))
    }

    /// The last epoch that an owner let a restored relay confirm in; 0 when there was none.
    pub fn restored_epoch(&self) -> u32 {
        self.restored.last().map_or(0, |(_, epoch)| *epoch)
    }

    /// Whether a role reads a feed; see [`Role::may_read`].
    #[allow(
        clippy::unused_self,
        reason = "policies of the organisation will narrow the table"
    )]
    pub fn may_read(&self, role: Role, feed: FeedId) -> bool {
        role.may_read(feed)
    }

    /// Whether a role's entries count in a feed; see [`Role::may_write`].
    #[allow(
        clippy::unused_self,
        reason = "policies of the organisation will narrow the table"
    )]
    pub fn may_write(&self, role: Role, feed: FeedId) -> bool {
        role.may_write(feed)
    }

    /// Whether a device has a live seat that reads a feed.
    pub fn device_may_read(&self, device: DeviceId, feed: FeedId) -> bool {
        self.seats_on(device)
            .any(|(_, seat)| seat.role().is_some_and(|role| role.may_read(feed)))
    }
}
