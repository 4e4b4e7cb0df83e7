//! What the relay said before, compared with what it says now and with what others were told.
//!
//! A device keeps the chain at the last places of each feed. Three kinds of word are held against
//! it: signed heads, items that are sent once more, and the last head that the author of an entry
//! had verified when it wrote. Two values at one place of one epoch cannot both be honest: whoever
//! shows both has proof that the relay told two stories.
//!
//! What always holds: nothing here stops work or drops an entry. A contradiction becomes an
//! [`Alarm`] and, where the relay signed both sides, a [`Proof`] in the log.

use std::collections::VecDeque;

use entry_log::Storage;
use minicbor::{Decode, Encode};
use sync_protocol::{Entry, FeedId, Hash, Head, Item, SeenHead, SignedHead};

use super::{Alarm, Kind, Ledger, LedgerError, record};

/// Places of a feed whose chain is kept.
const KEPT: usize = 1024;
/// Words about places that this device has not reached yet, of all feeds.
const HEARSAY: usize = 1024;

/// The chain at the last places of a feed's epoch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trail {
    /// The place of the first value.
    from: u64,
    values: VecDeque<Hash>,
}

impl Trail {
    /// The chain before the first item.
    pub(crate) fn starting(chain: Hash) -> Self {
        Self {
            from: 0,
            values: VecDeque::from([chain]),
        }
    }

    /// Notes the chain at the place after the last one that was noted.
    pub(crate) fn push(&mut self, sequence: u64, chain: Hash) {
        if self.from + self.values.len() as u64 != sequence || self.values.is_empty() {
            self.values.clear();
            self.from = sequence;
        }
        self.values.push_back(chain);
        if self.values.len() > KEPT {
            self.values.pop_front();
            self.from += 1;
        }
    }

    pub(crate) fn at(&self, sequence: u64) -> Option<Hash> {
        let place = usize::try_from(sequence.checked_sub(self.from)?).ok()?;
        self.values.get(place).copied()
    }
}

/// Somebody's word about a place that is not reached here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hearsay {
    feed: FeedId,
    seen: SeenHead,
    entry: Hash,
}

/// How the relay contradicted itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Fault {
    /// Another chain at a place that this device holds.
    #[n(0)]
    Fork,
    /// A head that does not follow from the items it covers.
    #[n(1)]
    WrongChain,
    /// A head from before one that it had signed, without a word about a loss.
    #[n(2)]
    WentBack,
}

/// A contradiction, kept in the log.
#[derive(Debug, Clone, Encode, Decode)]
pub struct Proof {
    /// Which kind.
    #[n(0)]
    pub fault: Fault,
    /// The feed.
    #[n(1)]
    pub feed: FeedId,
    /// Epoch and place.
    #[n(2)]
    pub epoch: u32,
    /// The place.
    #[n(3)]
    pub sequence: u64,
    /// The chain that this device holds there.
    #[n(4)]
    pub ours: Hash,
    /// The last head of the feed that this device verified before.
    #[n(5)]
    pub verified: Option<SignedHead>,
    /// The head that contradicts.
    #[n(6)]
    pub shown: Option<SignedHead>,
    /// The entry whose author was shown something else; it is in the log.
    #[n(7)]
    pub entry: Option<Hash>,
    /// The height of the chain then. Who trusts another relay since is warned no more.
    #[n(8)]
    pub height: u32,
}

impl Proof {
    fn alarm(&self) -> Alarm {
        let feed = self.feed;
        match self.fault {
            Fault::Fork => Alarm::Fork { feed },
            Fault::WrongChain => Alarm::WrongChain { feed },
            Fault::WentBack => Alarm::WentBack { feed },
        }
    }

    fn same(&self, other: &Self) -> bool {
        (self.fault, self.feed, self.epoch) == (other.fault, other.feed, other.epoch)
    }
}

impl<S: Storage> Ledger<S> {
    /// Holds what the author of an entry had verified against this device's own history.
    pub(crate) fn witness(&mut self, entry: &Entry, hash: Hash) {
        let header = entry.header();
        if let Some(seen) = header.seen {
            let word = Hearsay {
                feed: header.feed,
                seen,
                entry: hash,
            };
            if let Some(word) = self.weigh(word) {
                if self.hearsay.len() >= HEARSAY {
                    self.hearsay.pop_front();
                }
                self.hearsay.push_back(word);
            }
        }
    }

    /// Gives a word back that cannot be judged yet.
    fn weigh(&mut self, word: Hearsay) -> Option<Hearsay> {
        let Hearsay { feed, seen, entry } = word;
        let Some(known) = self.feeds.get(&feed) else {
            return Some(word);
        };
        let beyond = (seen.epoch, seen.sequence) > (known.epoch, known.sequence);
        if beyond {
            return Some(word);
        }
        let here = known.trail.at(seen.sequence);
        let here = here.filter(|_| !self.faults.no_witness);
        if seen.epoch == known.epoch
            && let Some(ours) = here.filter(|ours| *ours != seen.chain)
        {
            let proof = Proof {
                fault: Fault::Fork,
                feed,
                epoch: seen.epoch,
                sequence: seen.sequence,
                ours,
                verified: known.head.clone(),
                shown: None,
                entry: Some(entry),
                height: self.governance.height(),
            };
            self.accuse(proof);
        }
        None
    }

    /// Looks again at what others said about places that are reached by now.
    pub(crate) fn weigh_again(&mut self, feed: FeedId) {
        if self.hearsay.iter().any(|word| word.feed == feed) {
            for word in std::mem::take(&mut self.hearsay) {
                let left = if word.feed == feed {
                    self.weigh(word)
                } else {
                    Some(word)
                };
                self.hearsay.extend(left);
            }
        }
    }

    /// Holds a signed head against what this device holds. `behind`: the relay said that it lost
    /// something of this feed.
    pub fn hear_head(&mut self, signed: &SignedHead, behind: bool) -> Result<(), LedgerError> {
        let head = *signed.value();
        let Some(known) = self.feeds.get(&head.feed) else {
            return Ok(());
        };
        // Acts prove their own order, and a relay that lacks some says so.
        if head.feed == FeedId::Governance {
            return Ok(());
        }
        let back = (head.epoch, head.sequence) < (known.epoch, known.sequence);
        if self.faults.no_witness {
            return Ok(());
        }
        let here = known.trail.at(head.sequence);
        let fault = if head.epoch == known.epoch && here.is_some_and(|ours| ours != head.chain) {
            Fault::Fork
        } else if back || (behind && head.epoch <= known.epoch && known.sequence > 0) {
            Fault::WentBack
        } else {
            return Ok(());
        };
        let proof = Proof {
            fault,
            feed: head.feed,
            epoch: head.epoch,
            sequence: head.sequence,
            ours: here.unwrap_or(known.chain),
            verified: known.head.clone(),
            shown: Some(signed.clone()),
            entry: None,
            height: self.governance.height(),
        };
        self.keep(proof)
    }

    /// Holds the relay's word on where a feed stands against what this device holds. It is signed
    /// for one connection, so what it shows is an alarm here and no proof for others.
    pub(crate) fn hear_still(&mut self, head: &Head) -> Result<(), LedgerError> {
        let Some(known) = self.feeds.get(&head.feed) else {
            return Ok(());
        };
        if head.feed == FeedId::Governance || self.faults.no_witness {
            return Ok(());
        }
        let here = known.trail.at(head.sequence);
        let fault = if head.epoch == known.epoch && here.is_some_and(|ours| ours != head.chain) {
            Fault::Fork
        } else if (head.epoch, head.sequence) < (known.epoch, known.sequence) {
            Fault::WentBack
        } else {
            return Ok(());
        };
        self.keep(Proof {
            fault,
            feed: head.feed,
            epoch: head.epoch,
            sequence: head.sequence,
            ours: here.unwrap_or(known.chain),
            verified: known.head.clone(),
            shown: None,
            entry: None,
            height: self.governance.height(),
        })
    }

    /// Whether items that are known already are the ones that stand there.
    pub(crate) fn are_the_same(&self, feed: FeedId, first: u64, items: &[Item]) -> bool {
        let Some(known) = self.feeds.get(&feed) else {
            return true;
        };
        items.iter().zip(first..).all(|(item, sequence)| {
            let before = sequence.checked_sub(1).and_then(|at| known.trail.at(at));
            let after = known.trail.at(sequence);
            match (before, after) {
                (Some(before), Some(after)) => {
                    sync_protocol::chain_next(&before, &item.hash()) == after
                }
                _ => true,
            }
        })
    }

    /// Says what a head was expected to be and what it is.
    pub(crate) fn wrong_head(
        &mut self,
        fault: Fault,
        ours: Hash,
        shown: Option<SignedHead>,
        (feed, epoch, sequence): (FeedId, u32, u64),
    ) -> Result<(), LedgerError> {
        let verified = self.feeds.get(&feed).and_then(|feed| feed.head.clone());
        self.keep(Proof {
            fault,
            feed,
            epoch,
            sequence,
            ours,
            verified,
            shown,
            entry: None,
            height: self.governance.height(),
        })
    }

    /// Puts a proof into the log, once.
    fn keep(&mut self, proof: Proof) -> Result<(), LedgerError> {
        if self.proofs.iter().any(|known| known.same(&proof)) {
            return Ok(());
        }
        self.log
            .append(&record::proof_head(&proof), &[])
            .map_err(record::append_error)?;
        self.accuse(proof);
        Ok(())
    }

    /// Remembers a proof that is in the log, or follows from it.
    pub(crate) fn accuse(&mut self, proof: Proof) {
        if !self.proofs.iter().any(|known| known.same(&proof)) {
            self.proofs.push(proof);
        }
    }

    /// Contradictions of the relay that is trusted now.
    pub fn proofs(&self) -> impl Iterator<Item = &Proof> {
        let pinned = self.governance.relay_pins();
        let acting = |height: u32| {
            let pin = pinned.iter().rev().find(|pin| pin.height <= height);
            pin.map(|pin| pin.acting)
        };
        let now = acting(u32::MAX);
        self.proofs
            .iter()
            .filter(move |proof| acting(proof.height) == now)
    }

    /// The newest verified head of each feed.
    pub fn heads(&self) -> impl Iterator<Item = &SignedHead> {
        self.feeds.values().filter_map(|feed| feed.head.as_ref())
    }

    pub(crate) fn proven_alarms(&self) -> impl Iterator<Item = Alarm> {
        self.proofs().map(Proof::alarm)
    }

    /// The epoch that waits for an owner's word, and since when in the relay's time: the relay
    /// lost something of a schedule, and what it confirms anew does not count yet.
    pub fn unapproved(&self) -> Option<(u32, i64)> {
        let restored = self.governance.restored_epoch();
        let schedules = self
            .feeds
            .values()
            .filter(|feed| matches!(feed.id, FeedId::Schedule(_)) && feed.epoch > restored);
        schedules.map(|feed| (feed.epoch, feed.began)).max()
    }

    /// A new epoch of a feed is here up to its head: what had a place before and has none now was
    /// left out, and goes out again.
    pub(crate) fn miss_items(&mut self, feed: FeedId, head: &Head) {
        for (hash, held) in &self.items {
            let lost = held.place.is_some_and(|place| place.epoch < head.epoch);
            if held.feed == feed && held.kind != Kind::Confirmation && lost {
                self.outbox.insert(held.index, *hash);
            }
        }
    }
}
