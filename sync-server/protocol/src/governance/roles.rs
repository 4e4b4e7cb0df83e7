//! What each role may read and write.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::feed::FeedId;

/// What a member of staff is to the organisation.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize,
)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the business; may do everything that governance knows.
    #[n(0)]
    Owner,
    /// Runs the day.
    #[n(1)]
    Manager,
    /// Treats animals medically.
    #[n(2)]
    Vet,
    /// Grooms them.
    #[n(3)]
    Groomer,
    /// Books.
    #[n(4)]
    Receptionist,
    /// A program that acts for people without a seat.
    #[n(5)]
    Gateway,
}

impl Role {
    /// All roles, highest first.
    pub const ALL: [Self; 6] = [
        Self::Owner,
        Self::Manager,
        Self::Vet,
        Self::Groomer,
        Self::Receptionist,
        Self::Gateway,
    ];

    /// Whether a seat of this role holds the keys of a feed (and is sent it).
    pub const fn may_read(self, feed: FeedId) -> bool {
        use Role::{Gateway, Manager, Owner, Receptionist, Vet};
        match feed {
            FeedId::Governance | FeedId::Keys | FeedId::Grid | FeedId::Schedule(_) => true,
            FeedId::Visits(_)
            | FeedId::Practice
            | FeedId::Contact
            | FeedId::Handling
            | FeedId::Grooming => !matches!(self, Gateway),
            FeedId::Clinical => matches!(self, Owner | Vet),
            FeedId::Payments => matches!(self, Owner | Manager | Receptionist),
        }
    }

    /// Whether entries of this role count in a feed. Acts have rules of their own, so nobody
    /// writes entries into the governance feed. A gateway writes nothing until the chain can
    /// grant it something.
    pub const fn may_write(self, feed: FeedId) -> bool {
        use Role::{Gateway, Groomer, Manager, Owner, Receptionist, Vet};
        match feed {
            FeedId::Governance => false,
            FeedId::Keys
            | FeedId::Grid
            | FeedId::Schedule(_)
            | FeedId::Visits(_)
            | FeedId::Handling => !matches!(self, Gateway),
            FeedId::Practice => matches!(self, Owner | Manager),
            FeedId::Contact => matches!(self, Owner | Manager | Vet | Receptionist),
            FeedId::Clinical => matches!(self, Owner | Vet),
            FeedId::Grooming => matches!(self, Owner | Manager | Groomer),
            FeedId::Payments => matches!(self, Owner | Manager | Receptionist),
        }
    }

    /// Whether this role may invite, or add, a seat of another: owners any, managers those below.
    pub const fn may_admit(self, other: Self) -> bool {
        match self {
            Self::Owner => true,
            Self::Manager => !matches!(other, Self::Owner | Self::Manager),
            Self::Vet | Self::Groomer | Self::Receptionist | Self::Gateway => false,
        }
    }

    /// Its stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Vet => "vet",
            Self::Groomer => "groomer",
            Self::Receptionist => "receptionist",
            Self::Gateway => "gateway",
        }
    }
}

impl core::fmt::Display for Role {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Site;

    /// One line per feed: owner, manager, vet, groomer, receptionist, gateway.
    #[test]
    fn the_table_is_the_published_one() {
        let site = Site::from_bytes([1; 16]);
        let lines = [
            FeedId::Governance,
            FeedId::Keys,
            FeedId::Grid,
            FeedId::Schedule(site),
            FeedId::Visits(site),
            FeedId::Practice,
            FeedId::Contact,
            FeedId::Handling,
            FeedId::Clinical,
            FeedId::Grooming,
            FeedId::Payments,
        ]
        .map(|feed| {
            Role::ALL
                .map(|role| match (role.may_read(feed), role.may_write(feed)) {
                    (true, true) => "rw",
                    (true, false) => "r-",
                    (false, false) => "--",
                    (false, true) => "-w",
                })
                .join(" ")
        });
        assert_eq!(
            lines.join("\n"),
            "r- r- r- r- r- r-\n\
             rw rw rw rw rw r-\n\
             rw rw rw rw rw r-\n\
             rw rw rw rw rw r-\n\
             rw rw rw rw rw --\n\
             rw rw r- r- r- --\n\
             rw rw rw r- rw --\n\
             rw rw rw rw rw --\n\
             rw -- rw -- -- --\n\
             rw rw r- rw r- --\n\
             rw rw -- -- rw --"
        );
    }
}
