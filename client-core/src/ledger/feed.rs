//! Where one feed stands: the proven frontier, and what came behind it without a proof yet.

use sync_protocol::{FeedId, Hash, Have, OrgId, SignedHead, chain_next, chain_start};

use super::witness::Trail;

/// One feed of a replica.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    pub(crate) id: FeedId,
    pub(crate) epoch: u32,
    /// Proven by a head: sequence and chain.
    pub(crate) sequence: u64,
    pub(crate) chain: Hash,
    /// Items behind the frontier that no head covers yet, in order.
    pub(crate) pending: Vec<Hash>,
    /// The newest verified head of the epoch that lies at or before the frontier.
    pub(crate) head: Option<SignedHead>,
    /// The chain at the last places that are proven.
    pub(crate) trail: Trail,
    /// Relay time of the epoch's first head that was seen here.
    pub(crate) began: i64,
    /// Everything up to a head of this epoch was here once.
    pub(crate) whole: bool,
}

impl Feed {
    pub(crate) fn new(org: OrgId, id: FeedId, epoch: u32) -> Self {
        let chain = chain_start(org, id, epoch);
        Self {
            id,
            epoch,
            sequence: 0,
            chain,
            pending: Vec::new(),
            head: None,
            trail: Trail::starting(chain),
            began: 0,
            whole: epoch == 0,
        }
    }

    /// The sequence of the next item that is expected.
    pub(crate) fn next(&self) -> u64 {
        self.sequence + self.pending.len() as u64 + 1
    }

    pub(crate) fn have(&self) -> Have {
        Have {
            feed: self.id,
            epoch: self.epoch,
            sequence: self.sequence,
            chain: self.chain,
        }
    }

    /// The chain at `sequence`, if it lies within what is pending.
    pub(crate) fn chain_at(&self, sequence: u64) -> Option<Hash> {
        let count = usize::try_from(sequence.checked_sub(self.sequence)?).ok()?;
        let items = self.pending.get(..count)?;
        Some(
            items
                .iter()
                .fold(self.chain, |chain, item| chain_next(&chain, item)),
        )
    }

    /// Moves the frontier to `sequence`; gives back the items that are proven by it.
    pub(crate) fn prove(&mut self, sequence: u64, chain: Hash, head: SignedHead) -> Vec<Hash> {
        let count = sequence.saturating_sub(self.sequence);
        let count = usize::try_from(count)
            .unwrap_or(usize::MAX)
            .min(self.pending.len());
        let rest = self.pending.split_off(count);
        let proven = std::mem::replace(&mut self.pending, rest);
        let mut at = self.chain;
        for (item, place) in proven.iter().zip(self.sequence + 1..) {
            at = chain_next(&at, item);
            self.trail.push(place, at);
        }
        if self.head.is_none() {
            self.began = head.value().at;
        }
        self.sequence = sequence;
        self.chain = chain;
        self.head = Some(head);
        proven
    }
}
