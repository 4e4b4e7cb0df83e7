//! One feed: which records of the log stand in it, in which order, and how far that is durable.
//!
//! An epoch lists the whole feed from sequence 1. Four bytes an item, and a chain value for every
//! 64th, so that any earlier frontier can be checked by reading at most 63 records.

use sync_protocol::{
    FeedId, Hash, Head, IncarnationId, OrgId, SignedHead, SigningKey, chain_next, chain_start,
};

use super::{ConnId, FIRST_EPOCH, StorageError};

/// Fewer cost memory, more cost reading when somebody comes back from further behind.
const STEP: usize = 16;

/// An item that was appended since the last commit.
#[derive(Debug, Clone)]
pub(crate) struct Fresh {
    /// As it travels.
    pub(crate) encoded: Vec<u8>,
    /// Who brought it, if it is an entry that a connection brought.
    pub(crate) by: Option<(ConnId, (IncarnationId, u64))>,
}

/// A feed.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    org: OrgId,
    pub(crate) id: FeedId,
    pub(crate) epoch: u32,
    /// Places in the log, ascending.
    items: Vec<u32>,
    chain: Hash,
    /// The chain after each whole [`STEP`] of items.
    steps: Vec<Hash>,
    /// How many items are durable, and the chain there.
    pub(crate) synced: u64,
    pub(crate) synced_chain: Hash,
    head: Option<SignedHead>,
    /// Earlier epochs with their lengths: each listed a beginning of the present items.
    ended: Vec<(u32, u64)>,
    /// Since the last commit.
    pub(crate) fresh: Vec<Fresh>,
}

impl Feed {
    pub(crate) fn new(org: OrgId, id: FeedId) -> Self {
        Self::in_epoch(org, id, FIRST_EPOCH)
    }

    pub(crate) fn in_epoch(org: OrgId, id: FeedId, epoch: u32) -> Self {
        let chain = chain_start(org, id, epoch);
        Self {
            org,
            id,
            epoch,
            items: Vec::new(),
            chain,
            steps: Vec::new(),
            synced: 0,
            synced_chain: chain,
            head: None,
            ended: Vec::new(),
            fresh: Vec::new(),
        }
    }

    /// The chain before the first item.
    pub(crate) fn start(&self) -> Hash {
        chain_start(self.org, self.id, self.epoch)
    }

    /// Number of items, durable or not.
    pub(crate) fn len(&self) -> u64 {
        self.items.len() as u64
    }

    /// Adds an item; gives its sequence.
    pub(crate) fn push(&mut self, place: u32, hash: &Hash) -> u64 {
        self.items.push(place);
        self.chain = chain_next(&self.chain, hash);
        if self.items.len().is_multiple_of(STEP) {
            self.steps.push(self.chain);
        }
        self.len()
    }

    /// The place of the item with this sequence.
    pub(crate) fn place(&self, sequence: u64) -> Option<u32> {
        let at = usize::try_from(sequence.checked_sub(1)?).ok()?;
        self.items.get(at).copied()
    }

    /// The sequence of the item at a place of the log.
    pub(crate) fn sequence_of(&self, place: u32) -> Option<u64> {
        let at = self.items.binary_search(&place).ok()?;
        Some(at as u64 + 1)
    }

    /// The chain after `sequence` items.
    pub(crate) fn chain_at(
        &self,
        sequence: u64,
        hash_at: &dyn Fn(u32) -> Result<Hash, StorageError>,
    ) -> Result<Option<Hash>, StorageError> {
        if sequence == self.len() {
            return Ok(Some(self.chain));
        }
        if sequence == self.synced {
            return Ok(Some(self.synced_chain));
        }
        let Some(count) = usize::try_from(sequence)
            .ok()
            .filter(|count| *count <= self.items.len())
        else {
            return Ok(None);
        };
        let whole = count / STEP;
        let known = whole.checked_sub(1).and_then(|at| self.steps.get(at));
        let start = known.copied();
        let start = start.unwrap_or_else(|| chain_start(self.org, self.id, self.epoch));
        let items = self.items.get(whole * STEP..count).unwrap_or_default();
        fold(start, items, hash_at).map(Some)
    }

    /// Whether an earlier epoch had this frontier.
    pub(crate) fn had(
        &self,
        epoch: u32,
        sequence: u64,
        chain: Hash,
        hash_at: &dyn Fn(u32) -> Result<Hash, StorageError>,
    ) -> Result<bool, StorageError> {
        let length = self.ended.iter().find(|(ended, _)| *ended == epoch);
        let Some(count) = length
            .filter(|(_, length)| sequence <= *length)
            .and_then(|_| usize::try_from(sequence).ok())
        else {
            return Ok(false);
        };
        let start = chain_start(self.org, self.id, epoch);
        let items = self.items.get(..count).unwrap_or_default();
        Ok(fold(start, items, hash_at)? == chain)
    }

    /// Lays the feed out anew.
    pub(crate) fn begin(
        &mut self,
        epoch: u32,
        hash_at: &dyn Fn(u32) -> Result<Hash, StorageError>,
    ) -> Result<(), StorageError> {
        let mut next = Self::in_epoch(self.org, self.id, epoch);
        for place in &self.items {
            next.push(*place, &hash_at(*place)?);
        }
        next.ended = core::mem::take(&mut self.ended);
        next.ended.push((self.epoch, self.len()));
        *self = next;
        Ok(())
    }

    /// All that was added is durable now.
    pub(crate) fn settle(&mut self) -> Vec<Fresh> {
        self.synced = self.len();
        self.synced_chain = self.chain;
        core::mem::take(&mut self.fresh)
    }

    /// The signed head of what is durable.
    pub(crate) fn head(&mut self, at: i64, key: &SigningKey) -> Result<SignedHead, StorageError> {
        let current = self.head.as_ref().filter(|head| {
            let head = head.value();
            (head.epoch, head.sequence) == (self.epoch, self.synced)
        });
        if let Some(head) = current {
            return Ok(head.clone());
        }
        let head = self.head_at(self.synced, self.synced_chain, at, key)?;
        self.head = Some(head.clone());
        Ok(head)
    }

    /// A signed head of an earlier place.
    pub(crate) fn head_at(
        &self,
        sequence: u64,
        chain: Hash,
        at: i64,
        key: &SigningKey,
    ) -> Result<SignedHead, StorageError> {
        let head = Head {
            org: self.org,
            feed: self.id,
            epoch: self.epoch,
            sequence,
            chain,
            at,
        };
        SignedHead::sign(head, key).map_err(|_| StorageError::Inconsistent("a head without form"))
    }
}

fn fold(
    start: Hash,
    items: &[u32],
    hash_at: &dyn Fn(u32) -> Result<Hash, StorageError>,
) -> Result<Hash, StorageError> {
    let mut chain = start;
    for place in items {
        chain = chain_next(&chain, &hash_at(*place)?);
    }
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::unnecessary_wraps, reason = "reading a log may fail")]
    fn hash(place: u32) -> Result<Hash, StorageError> {
        Ok(Hash::of(&place.to_be_bytes()))
    }

    #[test]
    fn every_earlier_frontier_can_be_checked_and_a_new_epoch_lists_all() {
        let org = OrgId::from_bytes([1; 16]);
        let mut feed = Feed::new(org, FeedId::Grid);
        let mut chains = vec![chain_start(org, FeedId::Grid, FIRST_EPOCH)];
        for place in 0..200 {
            let place = place * 3;
            chains.push(chain_next(chains.last().unwrap(), &hash(place).unwrap()));
            feed.push(place, &hash(place).unwrap());
        }
        for (sequence, chain) in (0..).zip(&chains) {
            assert_eq!(feed.chain_at(sequence, &hash).unwrap(), Some(*chain));
        }
        assert_eq!(feed.chain_at(201, &hash).unwrap(), None);
        assert_eq!(feed.sequence_of(9), Some(4));
        assert_eq!(feed.sequence_of(10), None);

        feed.begin(7, &hash).unwrap();
        assert_eq!((feed.epoch, feed.len(), feed.synced), (7, 200, 0));
        assert!(feed.had(FIRST_EPOCH, 150, chains[150], &hash).unwrap());
        assert!(!feed.had(FIRST_EPOCH, 150, chains[149], &hash).unwrap());
        assert!(!feed.had(FIRST_EPOCH, 201, chains[200], &hash).unwrap());
        assert!(!feed.had(3, 150, chains[150], &hash).unwrap());
    }
}
