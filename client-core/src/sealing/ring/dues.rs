//! What an owner's device still has to hand out: new keys after somebody left, rows for seats that
//! have none, keys of compartments that are newer than the practice.
//!
//! When a role's key was made and to whom it went is read from the heights that the entries of the
//! key table name. Only owners' rows count for it, so that nobody else brings a rotation about or
//! talks one away.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;
use sync_protocol::{KeyId, Policy, Role, SealKey, SeatId};

use super::{
    CompartmentEntry, KeyRing, Learned, Member, RefusedRow, Renewal, RoleEntry, RowAuthor,
};
use crate::sealing::{Compartment, KeyRow, Recipient, SealError, holds_key_of};

/// What owners' rows say about role keys, whoever can open them.
#[derive(Debug, Default)]
pub(super) struct Issued {
    /// The lowest height at which a key was handed out.
    made: BTreeMap<KeyId, u32>,
    handed: BTreeSet<(KeyId, SeatId)>,
    /// The highest height at which an owner's key was sealed to the recovery key of then.
    recovered: BTreeMap<KeyId, u32>,
    /// Compartment keys, with the roles they were sealed to.
    opened: BTreeSet<(KeyId, Role)>,
    /// Seats that somebody else gave a key.
    introduced: BTreeSet<SeatId>,
}

impl Issued {
    /// Notes what was made and goes out with the next entries.
    fn hand(&mut self, rows: &[KeyRow]) {
        for row in rows {
            match row {
                KeyRow::Role {
                    key,
                    to: Recipient::Seat(seat),
                    ..
                } => {
                    self.handed.insert((*key, *seat));
                }
                KeyRow::Compartment { key, role, .. } => {
                    self.opened.insert((*key, *role));
                }
                KeyRow::Role { .. } | KeyRow::Subject { .. } => {}
            }
        }
    }
}

impl KeyRing {
    /// [`KeyRing::learn`], of a row in an entry that names this height of the chain.
    pub fn learn_at(&mut self, row: &KeyRow, author: RowAuthor, height: u32) -> Learned {
        if row.is_ahead_of(height) {
            return Learned::Refused(RefusedRow::Ahead);
        }
        let learned = self.learn(row, author);
        let owner = author.role == Role::Owner;
        if matches!(learned, Learned::Refused(_)) {
            return learned;
        }
        if owner && !matches!(row, KeyRow::Subject { .. }) {
            let made = self.issued.made.entry(row.key()).or_insert(height);
            *made = height.min(*made);
        }
        match row {
            KeyRow::Role {
                key,
                to: Recipient::Seat(seat),
                ..
            } => {
                if owner || *seat == author.seat {
                    self.issued.handed.insert((*key, *seat));
                }
                if *seat != author.seat {
                    self.issued.introduced.insert(*seat);
                }
            }
            KeyRow::Role {
                key,
                to: Recipient::Recovery,
                ..
            } => {
                let sealed = self.issued.recovered.entry(*key).or_insert(height);
                *sealed = height.max(*sealed);
            }
            KeyRow::Compartment { key, role, .. } => {
                self.issued.opened.insert((*key, *role));
            }
            KeyRow::Role { .. } | KeyRow::Subject { .. } => {}
        }
        learned
    }

    /// Whether somebody else gave a seat a key.
    pub fn is_introduced(&self, seat: SeatId) -> bool {
        self.issued.introduced.contains(&seat)
    }

    /// Whether the key of a role, as it is used now, was there before this height.
    pub fn is_older(&self, role: Role, height: u32) -> bool {
        let current = self.current_role(role);
        let made = current.and_then(|(key, _)| self.issued.made.get(&key));
        made.is_none_or(|made| *made < height)
    }

    /// Whether the key of a compartment, as it is used now, was there before this height.
    pub fn is_compartment_older(&self, compartment: Compartment, height: u32) -> bool {
        let current = self.current_compartment(compartment);
        let made = current.and_then(|(key, _)| self.issued.made.get(&key));
        made.is_none_or(|made| *made < height)
    }

    /// Whether some owners' key was not sealed to the recovery key that counts since this height.
    pub fn lacks_recovery(&self, since: u32) -> bool {
        self.owner_keys_unsealed(since).next().is_some()
    }

    fn owner_keys_unsealed(&self, since: u32) -> impl Iterator<Item = (KeyId, &RoleEntry)> {
        let keys = self.roles.iter();
        keys.filter(move |(key, entry)| {
            let sealed = self.issued.recovered.get(key);
            entry.role == Role::Owner && sealed.is_none_or(|sealed| *sealed < since)
        })
        .map(|(key, entry)| (*key, entry))
    }

    /// Rows that seal to the recovery key what was not since it counts. For owners.
    pub fn rows_to_recovery(
        &self,
        rng: &mut impl CryptoRng,
        recovery: SealKey,
        since: u32,
    ) -> Result<Vec<KeyRow>, SealError> {
        self.owner_keys_unsealed(since)
            .map(|(key, entry)| {
                KeyRow::Role {
                    key,
                    role: entry.role,
                    epoch: entry.epoch,
                    to: Recipient::Recovery,
                    wrap: Vec::new(),
                }
                .sealed_to(rng, self.org, recovery, entry.key.expose())
            })
            .collect()
    }

    /// Whether a role that is let in to a compartment was not given each key of it.
    pub fn lacks_rows(&self, compartment: Compartment, role: Role) -> bool {
        self.unopened(compartment, role).next().is_some()
    }

    fn unopened(
        &self,
        compartment: Compartment,
        role: Role,
    ) -> impl Iterator<Item = (KeyId, &CompartmentEntry)> {
        let keys = self.compartments.iter();
        keys.filter(move |(key, entry)| {
            entry.compartment == compartment && !self.issued.opened.contains(&(**key, role))
        })
        .map(|(key, entry)| (*key, entry))
    }

    /// Rows with every key of a compartment that a role was not given. For owners.
    pub fn rows_to_role(
        &mut self,
        rng: &mut impl CryptoRng,
        compartment: Compartment,
        role: Role,
    ) -> Result<Vec<KeyRow>, SealError> {
        let (under, parent) = self.current_role(role).ok_or(SealError::MissingKey)?;
        let rows = self
            .unopened(compartment, role)
            .map(|(key, entry)| {
                KeyRow::Compartment {
                    key,
                    compartment,
                    epoch: entry.epoch,
                    role,
                    under,
                    wrap: Vec::new(),
                }
                .sealed_under(
                    rng,
                    self.org,
                    parent.key.expose(),
                    entry.key.expose(),
                )
            })
            .collect::<Result<Vec<_>, _>>()?;
        self.issued.hand(&rows);
        Ok(rows)
    }

    /// Whether some compartment has no key yet, as in a practice that is older than it.
    pub fn lacks_compartment(&self) -> bool {
        Compartment::ALL
            .into_iter()
            .any(|compartment| self.current_compartment(compartment).is_none())
    }

    /// Whether a seat was given every key of its role.
    pub fn is_handed(&self, member: Member) -> bool {
        let mut keys = self.roles.iter();
        keys.all(|(key, entry)| {
            entry.role != member.role || self.issued.handed.contains(&(*key, member.seat))
        })
    }

    /// Rows with the keys of its role that a seat was not given.
    pub fn rows_owed(
        &mut self,
        rng: &mut impl CryptoRng,
        member: Member,
    ) -> Result<Vec<KeyRow>, SealError> {
        let keys = self.role_keys(member.role)?.into_iter();
        let lacks = |key| !self.issued.handed.contains(&(key, member.seat));
        let rows = keys
            .filter(|(key, _)| lacks(*key))
            .map(|(key, entry)| self.row_to_seat(rng, key, entry, member))
            .collect::<Result<Vec<_>, _>>()?;
        self.issued.hand(&rows);
        Ok(rows)
    }

    /// New keys for these roles, whose keys somebody held who left, and for what they read.
    /// `members` are the live seats that remain. For owners.
    pub fn rotate(
        &mut self,
        rng: &mut impl CryptoRng,
        renewal: &Renewal,
        members: &[Member],
        recovery: SealKey,
        policy: Policy,
    ) -> Result<Vec<KeyRow>, SealError> {
        if self.current_role(Role::Owner).is_none() {
            return Err(SealError::MissingKey);
        }
        let rows = self.renew(rng, renewal, members, recovery, policy)?;
        self.issued.hand(&rows);
        Ok(rows)
    }
}

/// The roles whose keys somebody of role `had` held and somebody of role `has` does not hold.
pub fn keys_lost(had: Role, has: Option<Role>) -> BTreeSet<Role> {
    Role::ALL
        .into_iter()
        .filter(|role| holds_key_of(had, *role) && !has.is_some_and(|has| holds_key_of(has, *role)))
        .collect()
}
