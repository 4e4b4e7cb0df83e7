//! What is sealed together, and which role keys open it.

use minicbor::{Decode, Encode};
use sync_protocol::{FeedId, Policy, Role, Site};

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
    /// What to be careful about: bites, a weak heart, an allergy.
    #[n(3)]
    Handling,
    /// Medical records.
    #[n(4)]
    Clinical,
    /// Styles and coats.
    #[n(5)]
    Grooming,
    /// Deposits and references.
    #[n(6)]
    Payments,
}

impl Compartment {
    /// All of version 0.
    pub const ALL: [Self; 7] = [
        Self::Practice,
        Self::Visits,
        Self::Contact,
        Self::Handling,
        Self::Clinical,
        Self::Grooming,
        Self::Payments,
    ];

    /// The one with this number in rows of the key table.
    pub fn numbered(number: u64) -> Option<Self> {
        let number = usize::try_from(number).ok()?;
        Self::ALL.get(number).copied()
    }

    /// The compartment of a feed; none for clear feeds.
    pub const fn of(feed: FeedId) -> Option<Self> {
        match feed {
            FeedId::Practice => Some(Self::Practice),
            FeedId::Visits(_) => Some(Self::Visits),
            FeedId::Contact => Some(Self::Contact),
            FeedId::Handling => Some(Self::Handling),
            FeedId::Clinical => Some(Self::Clinical),
            FeedId::Grooming => Some(Self::Grooming),
            FeedId::Payments => Some(Self::Payments),
            FeedId::Governance | FeedId::Keys | FeedId::Grid | FeedId::Schedule(_) => None,
        }
    }

    /// A feed of it; rights do not depend on the location.
    const fn feed(self) -> FeedId {
        match self {
            Self::Practice => FeedId::Practice,
            Self::Visits => FeedId::Visits(Site::from_bytes([0; 16])),
            Self::Contact => FeedId::Contact,
            Self::Handling => FeedId::Handling,
            Self::Clinical => FeedId::Clinical,
            Self::Grooming => FeedId::Grooming,
            Self::Payments => FeedId::Payments,
        }
    }

    /// Whether the role holds its key, whatever a practice decides.
    pub const fn read_by(self, role: Role) -> bool {
        role.may_read(self.feed())
    }

    /// Whether the role holds its key in a practice that decided so.
    pub const fn read_under(self, policy: Policy, role: Role) -> bool {
        policy.may_read(role, self.feed())
    }

    /// Whether entries of the role count in it, in a practice that decided so.
    pub const fn written_under(self, policy: Policy, role: Role) -> bool {
        policy.may_write(role, self.feed())
    }
}

/// Whether `holder` also holds the role key of `role`, to hand it to newcomers: who may admit the
/// role and reads whatever it reads. A role key never opens more than its holder's own role does. A
/// policy changes nothing here: managers who are let in to clinical cards hand on no vet's key.
pub fn holds_key_of(holder: Role, role: Role) -> bool {
    holder == role
        || (holder.may_admit(role)
            && Compartment::ALL
                .into_iter()
                .all(|compartment| compartment.read_by(holder) || !compartment.read_by(role)))
}
