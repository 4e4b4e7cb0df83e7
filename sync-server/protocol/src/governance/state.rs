//! What the chain knows of seats, devices, invitations and relays.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;

use super::{Author, DeviceGrant, Role, SeatGrant};
use crate::{
    entry::Header,
    ids::{DeviceId, IncarnationId, Site},
    keys::SealKey,
};

/// A seat, and what became of it.
#[derive(Debug, Clone)]
pub struct SeatState {
    pub(super) grant: SeatGrant,
    pub(super) key: VerifyingKey,
    /// Ascending by height.
    pub(super) roles: Vec<(u32, Role)>,
    /// By the height of a change of role: the last sequences written in the role before.
    pub(super) before: BTreeMap<u32, BTreeMap<IncarnationId, u64>>,
    pub(super) removed: Option<(u32, BTreeMap<IncarnationId, u64>)>,
    pub(super) compare: bool,
    pub(super) site: Option<Site>,
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

    /// Whether it came in by a code that others may have read, so that it gets keys only after two
    /// people have compared a number.
    pub fn to_compare(&self) -> bool {
        self.compare
    }

    /// The height at which it was added.
    pub fn added(&self) -> u32 {
        self.roles.first().map_or(0, |(height, _)| *height)
    }

    /// Its roles with the heights from which on it has them, oldest first.
    pub fn roles(&self) -> &[(u32, Role)] {
        &self.roles
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

    /// The roles in which an entry has to be allowed, each with a height at which the seat had it: the
    /// one of the height it names, and each later one that it was written in by what the change of
    /// role says. So nobody keeps a role, or what a policy gave to it, by naming the height of then.
    /// None before the seat was added and after it was removed.
    pub fn roles_of(&self, header: &Header) -> impl Iterator<Item = (u32, Role)> {
        let height = header.governance.0;
        let (run, sequence) = (header.incarnation, header.sequence);
        let named = self.role_at(height);
        let later = self.roles.iter().filter(move |(since, _)| *since > height);
        let written_in = move |since: &u32| {
            let before = self.before.get(since).and_then(|last| last.get(&run));
            before.is_none_or(|last| sequence > *last)
        };
        named.map(|role| (height, role)).into_iter().chain(
            later
                .filter(move |(since, _)| named.is_some() && written_in(since))
                .copied(),
        )
    }

    /// For a seat that the act at `height` removed or gave another role: the last sequence of this
    /// incarnation that the act leaves as it was, if there is one.
    pub fn left_by(&self, height: u32, incarnation: IncarnationId) -> Option<u64> {
        match &self.removed {
            Some((removed, last)) if *removed == height => last.get(&incarnation).copied(),
            _ => self.before.get(&height)?.get(&incarnation).copied(),
        }
    }

    /// Its role now; none once it was removed.
    pub fn role(&self) -> Option<Role> {
        self.role_at(u32::MAX)
    }
}

/// A device.
#[derive(Debug, Clone)]
pub struct DeviceState {
    pub(super) grant: DeviceGrant,
    pub(super) key: VerifyingKey,
    pub(super) added: u32,
    pub(super) removed: Option<u32>,
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

    /// The height at which it was removed, with all its seats.
    pub fn removed(&self) -> Option<u32> {
        self.removed
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
    /// Whether who comes with it gets keys only after a comparison.
    pub compare: bool,
    /// Who issued it.
    pub by: Author,
    /// The height at which it was issued.
    pub height: u32,
    /// The height at which it was redeemed.
    pub used: Option<u32>,
    /// The height at which it was called back.
    pub revoked: Option<u32>,
    pub(super) key: VerifyingKey,
}

impl InviteState {
    /// The one-time key.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }
}

/// Recovery words that count no more.
#[derive(Debug, Clone)]
pub struct ReplacedRoot {
    /// Their root key.
    pub key: VerifyingKey,
    /// Their recovery key.
    pub recovery: SealKey,
    /// The height since which they counted.
    pub since: u32,
    /// The height of the act that replaced them.
    pub height: u32,
    /// The time of that act, as its author says.
    pub at: i64,
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
