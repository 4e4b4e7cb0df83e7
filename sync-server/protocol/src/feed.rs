//! What a feed is called, what it holds, and how it is chained.
//!
//! A feed is one ordered list of items. Each item moves the feed's chain: `chain_next(previous,
//! hash of the item)`. Who knows a chain value knows everything before it, so a gap, a rollback
//! and a fork all show as a different value at a known sequence.

use core::fmt;

use minicbor::{Decode, Encode, bytes::ByteVec};
use serde::{Serialize, Serializer};

use crate::{
    codec::{self, DecodeError},
    confirmation::SignedConfirmation,
    domain,
    entry::{Entry, EntryWire},
    governance::SignedAct,
    ids::{Hash, IncarnationId, OrgId, Site},
    signed::Wire,
};

/// Which list of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(flat)]
pub enum FeedId {
    /// Who may do what: the governance chain.
    #[n(0)]
    Governance,
    /// Wrapped keys: rows of the key table.
    #[n(1)]
    Keys,
    /// Resources with their capacities, and locations with their zones.
    #[n(2)]
    Grid,
    /// The catalogue: staff, services, prices, hours.
    #[n(3)]
    Practice,
    /// The claims of one location.
    #[n(4)]
    Schedule(#[n(0)] Site),
    /// Who comes for what, at one location.
    #[n(5)]
    Visits(#[n(0)] Site),
    /// Clients and how to reach them.
    #[n(6)]
    Contact,
    /// What to be careful about.
    #[n(7)]
    Handling,
    /// Medical records.
    #[n(8)]
    Clinical,
    /// Styles and coats.
    #[n(9)]
    Grooming,
    /// Deposits and references.
    #[n(10)]
    Payments,
}

impl FeedId {
    /// The feeds that do not belong to one location.
    pub const OF_ORGANISATION: [Self; 9] = [
        Self::Governance,
        Self::Keys,
        Self::Grid,
        Self::Practice,
        Self::Contact,
        Self::Handling,
        Self::Clinical,
        Self::Grooming,
        Self::Payments,
    ];

    /// Whether the relay reads the bodies of this feed. All others are sealed.
    pub const fn clear(self) -> bool {
        match self {
            Self::Governance | Self::Keys | Self::Grid | Self::Schedule(_) => true,
            Self::Practice
            | Self::Visits(_)
            | Self::Contact
            | Self::Handling
            | Self::Clinical
            | Self::Grooming
            | Self::Payments => false,
        }
    }

    /// The location it belongs to, if it belongs to one.
    pub const fn site(self) -> Option<Site> {
        match self {
            Self::Schedule(site) | Self::Visits(site) => Some(site),
            Self::Governance
            | Self::Keys
            | Self::Grid
            | Self::Practice
            | Self::Contact
            | Self::Handling
            | Self::Clinical
            | Self::Grooming
            | Self::Payments => None,
        }
    }

    /// Its canonical bytes, for keys of a store.
    pub fn to_bytes(self) -> Vec<u8> {
        codec::to_bytes(&self)
    }

    /// Reads [`FeedId::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::from_canonical(bytes)
    }
}

impl fmt::Display for FeedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Governance => f.write_str("governance"),
            Self::Keys => f.write_str("keys"),
            Self::Grid => f.write_str("grid"),
            Self::Practice => f.write_str("practice"),
            Self::Schedule(site) => write!(f, "schedule/{site}"),
            Self::Visits(site) => write!(f, "visits/{site}"),
            Self::Contact => f.write_str("contact"),
            Self::Handling => f.write_str("handling"),
            Self::Clinical => f.write_str("clinical"),
            Self::Grooming => f.write_str("grooming"),
            Self::Payments => f.write_str("payments"),
        }
    }
}

impl Serialize for FeedId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where an item stands. Sequences begin at 1; every epoch holds the whole feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Position {
    /// The feed.
    #[n(0)]
    pub feed: FeedId,
    /// The relay's epoch, from 0. A new one, with the whole feed anew, begins when a relay lost
    /// what it had acknowledged.
    #[n(1)]
    pub epoch: u32,
    /// The place in the epoch, from 1.
    #[n(2)]
    pub sequence: u64,
}

/// A frontier: the last position of a feed that somebody holds, with the chain there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Have {
    /// The feed.
    #[n(0)]
    pub feed: FeedId,
    /// The epoch of that position.
    #[n(1)]
    pub epoch: u32,
    /// The place in the epoch; 0 when nothing is held.
    #[n(2)]
    pub sequence: u64,
    /// The chain there; [`chain_start`] when nothing is held.
    #[n(3)]
    pub chain: Hash,
}

/// The chain of an epoch of a feed before its first item.
pub fn chain_start(org: OrgId, feed: FeedId, epoch: u32) -> Hash {
    domain::digest(
        domain::hash::CHAIN_START,
        &[&codec::to_bytes(&(org, feed, epoch))],
    )
}

/// The chain after one more item.
pub fn chain_next(prev: &Hash, item_hash: &Hash) -> Hash {
    domain::digest(
        domain::hash::CHAIN_NEXT,
        &[prev.as_bytes(), item_hash.as_bytes()],
    )
}

/// What stands at one position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Somebody's work.
    Entry(Entry),
    /// The relay's word on a claim; in schedule feeds only.
    Confirmation(SignedConfirmation),
    /// A step of the governance chain; in the governance feed only.
    Act(SignedAct),
}

#[derive(Encode, Decode)]
#[cbor(flat)]
enum ItemWire {
    #[n(0)]
    Entry(#[n(0)] EntryWire),
    #[n(1)]
    Confirmation(#[n(0)] Wire),
    #[n(2)]
    Act(#[n(0)] Wire),
}

impl Item {
    /// What the feed's chain takes up.
    pub fn hash(&self) -> Hash {
        match self {
            Self::Entry(entry) => entry.hash(),
            Self::Confirmation(confirmation) => confirmation.hash(),
            Self::Act(act) => act.hash(),
        }
    }

    /// As it travels.
    pub fn encode(&self) -> Vec<u8> {
        codec::to_bytes(&match self {
            Self::Entry(entry) => ItemWire::Entry(entry.wire(true)),
            Self::Confirmation(confirmation) => ItemWire::Confirmation(confirmation.wire()),
            Self::Act(act) => ItemWire::Act(act.wire()),
        })
    }

    /// Reads what [`Item::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        match codec::from_canonical(bytes)? {
            ItemWire::Entry(wire) => Entry::from_wire(wire).map(Self::Entry),
            ItemWire::Confirmation(wire) => {
                SignedConfirmation::from_wire(wire).map(Self::Confirmation)
            }
            ItemWire::Act(wire) => SignedAct::from_wire(wire).map(Self::Act),
        }
    }

    /// What a log keeps for ever: everything but an entry's body.
    pub fn head_part(&self) -> Vec<u8> {
        match self {
            Self::Entry(entry) => codec::to_bytes(&ItemWire::Entry(entry.wire(false))),
            Self::Confirmation(_) | Self::Act(_) => self.encode(),
        }
    }

    /// What a log may be told to purge: an entry's body. Empty for all else, none when purged.
    pub fn body(&self) -> Option<&[u8]> {
        match self {
            Self::Entry(entry) => entry.body(),
            Self::Confirmation(_) | Self::Act(_) => Some(&[]),
        }
    }

    /// Puts together what [`Item::head_part`] and [`Item::body`] took apart.
    pub fn from_parts(head: &[u8], body: Option<Vec<u8>>) -> Result<Self, DecodeError> {
        match codec::from_canonical(head)? {
            ItemWire::Entry(EntryWire { body: Some(_), .. }) => {
                Err(DecodeError::Impossible("a head part with a body"))
            }
            ItemWire::Entry(wire) => Entry::from_wire(EntryWire {
                body: body.map(ByteVec::from),
                ..wire
            })
            .map(Self::Entry),
            ItemWire::Confirmation(wire) => {
                SignedConfirmation::from_wire(wire).map(Self::Confirmation)
            }
            ItemWire::Act(wire) => SignedAct::from_wire(wire).map(Self::Act),
        }
    }

    /// The feed it says it belongs to.
    pub fn feed(&self) -> FeedId {
        match self {
            Self::Entry(entry) => entry.header().feed,
            Self::Confirmation(confirmation) => confirmation.value().feed,
            Self::Act(_) => FeedId::Governance,
        }
    }

    /// The organisation it says it belongs to.
    pub fn org(&self) -> OrgId {
        match self {
            Self::Entry(entry) => entry.header().org,
            Self::Confirmation(confirmation) => confirmation.value().org,
            Self::Act(act) => act.value().org,
        }
    }

    /// Which write of which incarnation, for an entry.
    pub fn written_by(&self) -> Option<(IncarnationId, u64)> {
        match self {
            Self::Entry(entry) => Some(entry.id()),
            Self::Confirmation(_) | Self::Act(_) => None,
        }
    }
}
