//! What an owner's device still has to hand out: new keys after somebody left, rows for seats that
//! have none, keys of compartments that are newer than the practice.
//!
//! When a role's key was made and to whom it went is read from the heights that the entries of the
//! key table name. Only owners' rows count for it, so that nobody else brings a rotation about or
//! talks one away.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;
use sync_protocol::{KeyId, Role, SealKey, SeatId};

use super::{KeyRing, Learned, Member, RowAuthor};
use crate::sealing::{Compartment, KeyRow, Recipient, SealError, holds_key_of};

/// What owners' rows say about role keys, whoever can open them.
#[derive(Debug, Default)]
pub(super) struct Issued {
    /// The lowest height at which a key was handed out.
    made: BTreeMap<KeyId, u32>,
    handed: BTreeSet<(KeyId, SeatId)>,
    /// Seats that somebody else gave a key.
    introduced: BTreeSet<SeatId>,
}

impl Issued {
    /// Notes what was made and goes out with the next entries.
    fn hand(&mut self, rows: &[KeyRow]) {
        for row in rows {
            if let KeyRow::Role {
                key,
                to: Recipient::Seat(seat),
                ..
            } = row
            {
                self.handed.insert((*key, *seat));
            }
        }
    }
}

impl KeyRing {
    /// [`KeyRing::learn`], of a row in an entry that names this height of the chain.
    pub fn learn_at(&mut self, row: &KeyRow, author: RowAuthor, height: u32) -> Learned {
        let learned = self.learn(row, author);
        if let KeyRow::Role { key, to, .. } = row
            && !matches!(learned, Learned::Refused(_))
        {
            let owner = author.role == Role::Owner;
            if owner {
                let made = self.issued.made.entry(*key).or_insert(height);
                *made = height.min(*made);
            }
            if let Recipient::Seat(seat) = to {
                if owner || *seat == author.seat {
                    self.issued.handed.insert((*key, *seat));
                }
                if *seat != author.seat {
                    self.issued.introduced.insert(*seat);
                }
            }
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
        roles: &BTreeSet<Role>,
        members: &[Member],
        recovery: SealKey,
    ) -> Result<Vec<KeyRow>, SealError> {
        if self.current_role(Role::Owner).is_none() {
            return Err(SealError::MissingKey);
        }
        // In the order of `Role::ALL`, as a set of roles is.
        let roles: Vec<Role> = roles.iter().copied().collect();
        let rows = self.renew(rng, &roles, members, recovery)?;
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
