//! Questions to a chain.

use ed25519_dalek::VerifyingKey;

use super::{
    DeviceState, Erased, Governance, InviteState, Policy, RelayPin, ReplacedRoot, Role, SeatState,
};
use crate::{
    entry::Header,
    feed::FeedId,
    ids::{DeviceId, Hash, InviteId, OrgId, SeatId},
    keys::SealKey,
    planted::PlantedRules,
    signed::{Signed, Statement},
};

impl Governance {
    /// Switches faults on.
    #[cfg(feature = "planted")]
    pub fn plant(&mut self, planted: PlantedRules) {
        self.planted = planted;
    }

    /// Which faults are switched on: none, unless tests did it.
    pub fn planted(&self) -> PlantedRules {
        self.planted
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

    /// The height since which root and recovery key are the ones they are.
    pub fn rooted(&self) -> u32 {
        self.rooted
    }

    /// Root and recovery keys of earlier words, oldest first.
    pub fn replaced(&self) -> &[ReplacedRoot] {
        &self.replaced
    }

    /// What the practice decided beyond the table of roles.
    pub fn policy(&self) -> Policy {
        self.policy_at(u32::MAX)
    }

    /// What it had decided after the act at a height.
    pub fn policy_at(&self, height: u32) -> Policy {
        let known = self.policies.partition_point(|(since, _)| *since <= height);
        known
            .checked_sub(1)
            .and_then(|last| self.policies.get(last))
            .map(|(_, policy)| *policy)
            .unwrap_or_default()
    }

    /// Every decision with its height, oldest first.
    pub fn policies(&self) -> &[(u32, Policy)] {
        &self.policies
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

    /// The seats whose entries are to be judged anew after the act at a height: the one or, with a
    /// device, the ones it removed, or the one that got another role.
    pub fn narrowed_at(&self, height: u32) -> impl Iterator<Item = SeatId> {
        let narrowed = move |seat: &SeatState| {
            seat.removed() == Some(height) || seat.before.contains_key(&height)
        };
        self.seats()
            .filter(move |(_, seat)| narrowed(seat))
            .map(|(id, _)| id)
    }

    /// The height at which the last seat of a device was removed; none while one is left, and
    /// where there never was one.
    pub fn gone(&self, device: DeviceId) -> Option<u32> {
        if self.seats_on(device).next().is_some() {
            return None;
        }
        let seats = self.seats().filter(|(_, seat)| seat.device() == device);
        let device = self.devices.get(&device).and_then(DeviceState::removed);
        seats
            .filter_map(|(_, seat)| seat.removed())
            .chain(device)
            .max()
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

    /// All invitations, redeemed ones too, by id.
    pub fn invites(&self) -> impl Iterator<Item = (InviteId, &InviteState)> {
        self.invites.iter().map(|(id, state)| (*id, state))
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

    /// Whether a relay that is or was pinned signed this: what an earlier relay, or the standby,
    /// signed stays valid. The key in use is tried first.
    pub fn relay_signed<T: Statement>(&self, signed: &Signed<T>) -> bool {
        self.pins
            .iter()
            .rev()
            .flat_map(|pin| core::iter::once(&pin.acting).chain(&pin.standby))
            .any(|key| signed.verify(key).is_ok())
    }

    /// The last epoch that an owner let a restored relay confirm in; 0 when there was none.
    pub fn restored_epoch(&self) -> u32 {
        self.restored.last().map_or(0, |(_, epoch)| *epoch)
    }

    /// What was erased so far.
    pub fn erased(&self) -> &Erased {
        &self.erased
    }

    /// The height of the act by which an entry must have lost its body, if one says so. It is a
    /// question of the chain alone: the key that sealed the body is erased, or the entry holds a
    /// row of such a key and is named by its place.
    pub fn must_purge(&self, header: &Header) -> Option<u32> {
        self.erased.must_purge(header)
    }

    /// Whether a role reads a feed now; see [`Policy`].
    pub fn may_read(&self, role: Role, feed: FeedId) -> bool {
        self.policy().may_read(role, feed)
    }

    /// Whether a role's entries count in a feed after the act at a height; see [`Policy`].
    pub fn may_write_at(&self, height: u32, role: Role, feed: FeedId) -> bool {
        self.policy_at(height).may_write(role, feed)
    }

    /// Whether a device has a live seat that reads a feed.
    pub fn device_may_read(&self, device: DeviceId, feed: FeedId) -> bool {
        self.seats_on(device)
            .any(|(_, seat)| seat.role().is_some_and(|role| self.may_read(role, feed)))
    }
}
