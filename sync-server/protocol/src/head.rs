//! The relay's signed word on where a feed stands.
//!
//! A head that covers an entry's position is its receipt: the relay signs a head only over what
//! is on stable storage. Two heads of one feed and epoch with one sequence and different chains
//! prove that the relay showed different histories.

use minicbor::{Decode, Encode};

use crate::{
    codec::DecodeError,
    domain,
    feed::{FeedId, Have},
    ids::{Hash, OrgId},
    signed::{Signed, Statement},
};

/// Where a feed stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Head {
    /// The organisation.
    #[n(0)]
    pub org: OrgId,
    /// The feed.
    #[n(1)]
    pub feed: FeedId,
    /// The relay's epoch.
    #[n(2)]
    pub epoch: u32,
    /// The last position; 0 when the feed is empty.
    #[n(3)]
    pub sequence: u64,
    /// The chain there.
    #[n(4)]
    pub chain: Hash,
    /// Relay time, in seconds.
    #[n(5)]
    pub at: i64,
}

/// A [`Head`] with the relay's signature.
pub type SignedHead = Signed<Head>;

impl Head {
    /// Whether both cannot be true: one place of one epoch with two chains.
    pub fn contradicts(&self, other: &Self) -> bool {
        (self.org, self.feed, self.epoch, self.sequence)
            == (other.org, other.feed, other.epoch, other.sequence)
            && self.chain != other.chain
    }

    /// The frontier of who holds everything up to here.
    pub fn frontier(&self) -> Have {
        Have {
            feed: self.feed,
            epoch: self.epoch,
            sequence: self.sequence,
            chain: self.chain,
        }
    }
}

impl Statement for Head {
    const DOMAIN: &'static [u8] = domain::sign::HEAD;
    const HASH_CONTEXT: &'static str = domain::hash::HEAD;

    fn check(&self) -> Result<(), DecodeError> {
        Ok(())
    }
}
