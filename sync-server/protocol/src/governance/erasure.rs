//! What the chain says of erasures: which keys and rows are gone for good.
//!
//! What always holds: whether an entry must have lost its body follows from the chain and the
//! entry's header alone, so the relay and every device decide alike, whoever brings it and when.
//!
//! An erasure may take several acts: a device that was away may bring keys of the same client that
//! nobody knew of. Further acts with the same id name those; they add, and take nothing back.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use super::{Act, GovernanceError};
use crate::{
    codec::{self, DecodeError},
    entry::Header,
    feed::FeedId,
    ids::{ErasureId, IncarnationId, KeyId, SubjectId},
    limits,
};

/// Why something is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Basis {
    /// The person asked for it.
    #[n(0)]
    Request,
    /// The time for which it is kept is over.
    #[n(1)]
    Retention,
    /// It should never have been entered.
    #[n(2)]
    Mistake,
    /// A court or an authority ordered it.
    #[n(3)]
    Order,
}

/// One act of an erasure.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Erasing {
    /// Which erasure.
    #[n(0)]
    pub id: ErasureId,
    /// Whose keys are never learned again, ascending.
    #[n(1)]
    pub subjects: Vec<SubjectId>,
    /// The keys, ascending: what is sealed under them loses its body.
    #[n(2)]
    pub keys: Vec<KeyId>,
    /// The entries of the keys feed that hold those keys, ascending: they lose their bodies too.
    #[n(3)]
    pub rows: Vec<(IncarnationId, u64)>,
    /// Why.
    #[n(4)]
    pub basis: Basis,
}

fn ascending<T: Ord>(what: &'static str, list: &[T]) -> Result<(), DecodeError> {
    codec::at_most(what, list.len(), limits::MAX_ERASED)?;
    if list.is_sorted_by(|a, b| a < b) {
        Ok(())
    } else {
        Err(DecodeError::Impossible(
            "a list of an erasure out of order or with one named twice",
        ))
    }
}

impl Erasing {
    pub(super) fn check(&self) -> Result<(), DecodeError> {
        ascending("subjects to erase", &self.subjects)?;
        ascending("keys to erase", &self.keys)?;
        ascending("rows to erase", &self.rows)
    }
}

/// What the acts of one erasure come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureState {
    /// Why, as its first act says.
    pub basis: Basis,
    /// Its authors' time, of the first act.
    pub at: i64,
    /// The heights of its acts, ascending.
    pub heights: Vec<u32>,
    /// Whom it is about.
    pub subjects: BTreeSet<SubjectId>,
    /// How many keys it names.
    pub keys: usize,
}

/// What was erased so far.
#[derive(Debug, Clone, Default)]
pub struct Erased {
    erasures: BTreeMap<ErasureId, ErasureState>,
    subjects: BTreeMap<SubjectId, ErasureId>,
    keys: BTreeMap<KeyId, u32>,
    rows: BTreeMap<(IncarnationId, u64), u32>,
}

impl Erased {
    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        self.erasures.is_empty()
    }

    /// The erasures, by id.
    pub fn erasures(&self) -> impl Iterator<Item = (ErasureId, &ErasureState)> {
        self.erasures.iter().map(|(id, state)| (*id, state))
    }

    /// One erasure.
    pub fn erasure(&self, id: ErasureId) -> Option<&ErasureState> {
        self.erasures.get(&id)
    }

    /// The erasure that took a subject, the first if several did.
    pub fn subject(&self, subject: SubjectId) -> Option<ErasureId> {
        self.subjects.get(&subject).copied()
    }

    /// The height at which a key was erased.
    pub fn key(&self, key: KeyId) -> Option<u32> {
        self.keys.get(&key).copied()
    }

    /// All keys that are gone.
    pub fn keys(&self) -> impl Iterator<Item = KeyId> {
        self.keys.keys().copied()
    }

    /// All entries of the keys feed that lost their rows.
    pub fn rows(&self) -> impl Iterator<Item = (IncarnationId, u64)> {
        self.rows.keys().copied()
    }

    pub(super) fn must_purge(&self, header: &Header) -> Option<u32> {
        match header.key {
            Some(key) => self.key(key),
            None if header.feed == FeedId::Keys => self
                .rows
                .get(&(header.incarnation, header.sequence))
                .copied(),
            None => None,
        }
    }

    /// Checks everything before it changes anything.
    pub(super) fn enact(
        &mut self,
        erasing: &Erasing,
        act: &Act,
        height: u32,
    ) -> Result<(), GovernanceError> {
        let Erasing {
            id,
            subjects,
            keys,
            rows,
            basis,
        } = erasing;
        let nothing = subjects.is_empty() && keys.is_empty() && rows.is_empty();
        let begins = !self.erasures.contains_key(id);
        if nothing || (begins && subjects.is_empty()) {
            return Err(GovernanceError::EmptyErasure);
        }
        if keys.iter().any(|key| self.keys.contains_key(key)) {
            return Err(GovernanceError::ErasedBefore);
        }
        let state = self.erasures.entry(*id).or_insert_with(|| ErasureState {
            basis: *basis,
            at: act.at,
            heights: Vec::new(),
            subjects: BTreeSet::new(),
            keys: 0,
        });
        state.heights.push(height);
        state.subjects.extend(subjects.iter().copied());
        state.keys += keys.len();
        for subject in subjects {
            self.subjects.entry(*subject).or_insert(*id);
        }
        self.keys.extend(keys.iter().map(|key| (*key, height)));
        for row in rows {
            self.rows.entry(*row).or_insert(height);
        }
        Ok(())
    }
}
