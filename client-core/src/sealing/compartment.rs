//! What is sealed together, and which role keys open it.

use minicbor::{Decode, Encode};
use sync_protocol::{FeedId, Role, Site};

/// A set of documents under one key per epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Compartment {
    /// Staff, services, prices, hours.
    #[n(0)]
    Practice,
    /// Who comes for what, at every location.
    #[n(1)]
    Visits,
    /// Clients, pets and how to reach them.
    #[n(2)]
    Contact,
}

impl Compartment {
    /// All of version 0.
    pub const ALL: [Self; 3] = [Self::Practice, Self::Visits, Self::Contact];

    /// The compartment of a feed; none for clear feeds and for those that version 0 does not use.
    pub const fn of(feed: FeedId) -> Option<Self> {
        match feed {
            FeedId::Practice => Some(Self::Practice),
            FeedId::Visits(_) => Some(Self::Visits),
            FeedId::Contact => Some(Self::Contact),
            FeedId::Governance
            | FeedId::Keys
            | FeedId::Grid
            | FeedId::Schedule(_)
            | FeedId::Handling
            | FeedId::Clinical
            | FeedId::Grooming
            | FeedId::Payments => None,
        }
    }

    /// A feed of it; rights do not depend on the location.
    const fn feed(self) -> FeedId {
        match self {
            Self::Practice => FeedId::Practice,
            Self::Visits => FeedId::Visits(Site::from_bytes([0; 16])),
            Self::Contact => FeedId::Contact,
        }
    }

    /// Whether the role holds its key.
    pub const fn read_by(self, role: Role) -> bool {
        role.may_read(self.feed())
    }

    /// Whether entries of the role count in it.
    pub const fn written_by(self, role: Role) -> bool {
        role.may_write(self.feed())
    }
}

/// Whether `holder` also holds the role key of `role`, to hand it to newcomers: who may admit the
/// role and reads whatever it reads. A role key never opens more than its holder's own role does.
pub fn holds_key_of(holder: Role, role: Role) -> bool {
    holder == role
        || (holder.may_admit(role)
            && Compartment::ALL
                .into_iter()
                .all(|compartment| compartment.read_by(holder) || !compartment.read_by(role)))
}
