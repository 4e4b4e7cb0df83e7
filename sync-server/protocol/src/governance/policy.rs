//! What a practice decides beyond the table of roles: whether managers are let in to clinical cards.
//!
//! Whoever is let in reads what is there, and entries count there: the record of who looked at a
//! clinical card lies among them. A policy never takes from a role what the table gives.

use super::Role;
use crate::feed::FeedId;

/// What holds after an act.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// Managers are let in to clinical cards.
    pub clinical_for_managers: bool,
}

impl Policy {
    /// The number of the clinical compartment.
    pub const CLINICAL: u8 = 4;

    /// This policy after an act; none for what version 0 does not know.
    pub(super) const fn changed(mut self, compartment: u8, role: Role, open: bool) -> Option<Self> {
        match (compartment, role) {
            (Self::CLINICAL, Role::Manager) => {
                self.clinical_for_managers = open;
                Some(self)
            }
            _ => None,
        }
    }

    /// Whether it gives a role a feed that the table does not.
    pub const fn lets_in(self, role: Role, feed: FeedId) -> bool {
        self.clinical_for_managers && matches!((role, feed), (Role::Manager, FeedId::Clinical))
    }

    /// Whether a role reads a feed; see [`Role::may_read`].
    pub const fn may_read(self, role: Role, feed: FeedId) -> bool {
        role.may_read(feed) || self.lets_in(role, feed)
    }

    /// Whether entries of a role count in a feed; see [`Role::may_write`].
    pub const fn may_write(self, role: Role, feed: FeedId) -> bool {
        role.may_write(feed) || self.lets_in(role, feed)
    }
}
