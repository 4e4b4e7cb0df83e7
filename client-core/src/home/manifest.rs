//! What a backup promises to hold: written into it by the home that makes it, compared by whoever
//! reads it to its end.

use std::collections::BTreeMap;

use entry_log::Storage;
use minicbor::{Decode, Encode};
use sync_protocol::{FeedId, Hash};

use super::archive::damaged;
use crate::{
    catalogue::{ErrorCode, Refusal},
    ledger::Ledger,
};

const VERSION: u8 = 1;

/// What a home held when it was copied. `[0, [entries, [feed, ...]]]`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Manifest {
    /// A digest of everything, in no order.
    #[n(0)]
    entries: Hash,
    /// Ascending.
    #[n(1)]
    feeds: Vec<Promise>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Promise {
    #[n(0)]
    feed: FeedId,
    /// How many items there are, and how many of them without their bodies.
    #[n(1)]
    items: u64,
    #[n(2)]
    bare: u64,
    /// How far the relay had signed them: epoch, sequence, chain.
    #[n(3)]
    epoch: u32,
    #[n(4)]
    sequence: u64,
    #[n(5)]
    chain: Hash,
}

impl Manifest {
    pub(super) fn of<S: Storage>(ledger: &Ledger<S>) -> Self {
        let mut feeds: BTreeMap<FeedId, Promise> = BTreeMap::new();
        let empty = |feed| Promise {
            feed,
            items: 0,
            bare: 0,
            epoch: 0,
            sequence: 0,
            chain: Hash::ZERO,
        };
        for held in ledger.items.values() {
            let promise = feeds.entry(held.feed).or_insert_with(|| empty(held.feed));
            promise.items += 1;
            promise.bare += u64::from(held.bare);
        }
        for have in ledger.have() {
            let promise = feeds.entry(have.feed).or_insert_with(|| empty(have.feed));
            promise.epoch = have.epoch;
            promise.sequence = have.sequence;
            promise.chain = have.chain;
        }
        Self {
            entries: ledger.entries_hash(),
            feeds: feeds.into_values().collect(),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        // Encoding into a vector cannot fail.
        minicbor::to_vec((VERSION, self)).unwrap_or_default()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut decoder = minicbor::Decoder::new(bytes);
        let two = decoder.array().ok() == Some(Some(2));
        match decoder.u8() {
            Ok(VERSION) if two => {}
            Ok(_) if two => {
                return Err(Refusal::new(
                    ErrorCode::NewerVersion,
                    "This backup was written by a newer version of Daybook.",
                    "Update this program.",
                ));
            }
            _ => return Err(damaged()),
        }
        let manifest = decoder.decode().map_err(|_| damaged())?;
        if decoder.position() == bytes.len() {
            Ok(manifest)
        } else {
            Err(damaged())
        }
    }

    /// Names what was promised and is not there.
    ///
    /// # Errors
    /// When anything is missing, or is not what was promised.
    pub(super) fn kept_by(&self, found: &Self) -> Result<(), Refusal> {
        if self == found {
            return Ok(());
        }
        let lacks: Vec<String> = self
            .feeds
            .iter()
            .filter_map(|promised| {
                let there = found.feeds.iter().find(|there| there.feed == promised.feed);
                let items = there.map_or(0, |there| there.items);
                let whole = items.saturating_sub(there.map_or(0, |there| there.bare));
                let wanted = promised.items.saturating_sub(promised.bare);
                if items != promised.items || whole != wanted {
                    return Some(format!("{} has {whole} of {wanted}", promised.feed));
                }
                (there != Some(promised)).then(|| format!("{} ends elsewhere", promised.feed))
            })
            .collect();
        let lacks = if lacks.is_empty() {
            "other entries than it was made of".to_owned()
        } else {
            lacks.join("; ")
        };
        Err(Refusal::new(
            ErrorCode::Damaged,
            format!("The backup does not hold what it promises: {lacks}."),
            "Use another backup, and make a new one now; nothing was changed.",
        )
        .at("file"))
    }
}
