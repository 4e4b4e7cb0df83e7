//! Taking checked changes into a document: on a copy, behind the fence, all or nothing.
//!
//! Start with [`apply`] for documents with an open schema; weeks and grids have their own rules and
//! share [`apply_guarded`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use automerge::{
    ActorId, Automerge, AutomergeError, Change, ChangeHash, ChangeMetadata, ObjId, ReadDoc as _,
};

use crate::{
    chunk::{Key, OpId},
    guard::guarded,
    history::Fit,
    safety::CheckedChange,
};

/// Why checked changes do not go into a document; it stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostileChange {
    /// Checked for another kind of document.
    #[error("the change is for another kind of document")]
    WrongSchema {
        /// Which change.
        change: [u8; 32],
    },
    /// Its author has already written another change with this number.
    #[error("its author already has a different change number {seq}")]
    DuplicateSequence {
        /// Which change.
        change: [u8; 32],
        /// The number that is taken.
        seq: u64,
    },
    /// Its counters do not follow from its parents.
    #[error("the change's counters do not follow its parents'")]
    Counters {
        /// Which change.
        change: [u8; 32],
    },
    /// It overwrites something its parents do not hold, or writes into an unknown container.
    #[error("the change overwrites what its author had not seen")]
    Unseen {
        /// Which change.
        change: [u8; 32],
    },
    /// Automerge could not apply it.
    #[error("the document library refuses the change")]
    Refused {
        /// The first change of the batch.
        change: [u8; 32],
    },
    /// Automerge panicked applying it.
    #[error("the change made the document library panic")]
    Panicked {
        /// The first change of the batch.
        change: [u8; 32],
    },
}

impl HostileChange {
    /// The change at fault, or for [`HostileChange::Refused`] and [`HostileChange::Panicked`] the
    /// first of the batch: receive them singly to find it.
    pub const fn change(self) -> [u8; 32] {
        match self {
            Self::WrongSchema { change }
            | Self::DuplicateSequence { change, .. }
            | Self::Counters { change }
            | Self::Unseen { change }
            | Self::Refused { change }
            | Self::Panicked { change } => change,
        }
    }
}

/// What became of received changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Applied now, in this order.
    pub applied: Vec<[u8; 32]>,
    /// Not applied, because a parent is not here: receive them again when it is.
    pub waiting: Vec<[u8; 32]>,
}

/// Applies changes to a document with an open schema. On success the document is replaced by one
/// that holds them; otherwise it is untouched.
///
/// Each change must follow from its parents: its counters begin where theirs end, and all that it
/// overwrites or refers to is theirs or its own. What a value means is the caller's to check.
pub fn apply(
    document: &mut Automerge,
    changes: &[CheckedChange],
) -> Result<Received, HostileChange> {
    // Many at once cost a fraction of what they cost singly. When anything is wrong with them, one
    // after the other tells which.
    if changes.len() > 1
        && let Ok(received) = apply_together(document, changes)
    {
        return Ok(received);
    }
    apply_singly(document, changes)
}

fn apply_together(
    document: &mut Automerge,
    changes: &[CheckedChange],
) -> Result<Received, HostileChange> {
    let mut seen = Seen::of(document);
    let mut ready: Vec<&CheckedChange> = Vec::new();
    let mut left: Vec<&CheckedChange> = changes.iter().collect();
    loop {
        let before = left.len();
        let mut waiting = Vec::new();
        for checked in left {
            match seen.fit(checked)? {
                Fit::Known => {}
                Fit::Waiting => waiting.push(checked),
                Fit::Ready => {
                    seen.add(checked)?;
                    ready.push(checked);
                }
            }
        }
        left = waiting;
        if left.is_empty() || left.len() == before {
            break;
        }
    }
    if !ready.is_empty() {
        *document = apply_guarded(document.clone(), &ready)?;
    }
    Ok(Received {
        applied: ready.iter().map(|checked| checked.hash()).collect(),
        waiting: left.iter().map(|checked| checked.hash()).collect(),
    })
}

fn apply_singly(
    document: &mut Automerge,
    changes: &[CheckedChange],
) -> Result<Received, HostileChange> {
    let mut received = Received::default();
    let mut next = document.clone();
    let mut left: Vec<&CheckedChange> = changes.iter().collect();
    loop {
        let before = left.len();
        let mut waiting = Vec::new();
        for checked in left {
            match Seen::of(&next).fit(checked)? {
                Fit::Known => {}
                Fit::Waiting => waiting.push(checked),
                Fit::Ready => {
                    next = apply_guarded(next, core::slice::from_ref(&checked))?;
                    received.applied.push(checked.hash());
                }
            }
        }
        left = waiting;
        if left.is_empty() || left.len() == before {
            break;
        }
    }
    received.waiting = left.iter().map(|checked| checked.hash()).collect();
    if !received.applied.is_empty() {
        *document = next;
    }
    Ok(received)
}

/// A document together with changes that are about to go in.
struct Seen<'a> {
    document: &'a Automerge,
    heads: BTreeSet<[u8; 32]>,
    added: HashMap<[u8; 32], &'a CheckedChange>,
    /// Which added change has the operations from a counter on.
    writers: BTreeMap<([u8; 16], u64), &'a CheckedChange>,
}

impl<'a> Seen<'a> {
    fn of(document: &'a Automerge) -> Self {
        let heads = document.get_heads().into_iter().map(|head| head.0);
        Self {
            document,
            heads: heads.collect(),
            added: HashMap::new(),
            writers: BTreeMap::new(),
        }
    }

    fn holds(&self, change: [u8; 32]) -> bool {
        self.added.contains_key(&change) || self.meta(change).is_some()
    }

    fn meta(&self, change: [u8; 32]) -> Option<ChangeMetadata<'_>> {
        self.document.get_change_meta_by_hash(&ChangeHash(change))
    }

    /// Whether a change can go in now.
    fn fit(&self, checked: &CheckedChange) -> Result<Fit, HostileChange> {
        let change = checked.hash();
        if self.holds(change) {
            return Ok(Fit::Known);
        }
        let last_op = |parent: &[u8; 32]| match self.added.get(parent) {
            Some(added) => Some(end_of(added).saturating_sub(1)),
            None => self.meta(*parent).map(|meta| meta.max_op),
        };
        let parents: Option<Vec<u64>> = checked.parents().iter().map(last_op).collect();
        let Some(parents) = parents else {
            return Ok(Fit::Waiting);
        };
        // A counter far ahead would leave no room for anybody's next change.
        let newest = parents.into_iter().max().unwrap_or(0);
        if checked.chunk().start_op != newest.saturating_add(1) {
            return Err(HostileChange::Counters { change });
        }
        let seen = guarded(|| self.refers_to_seen(checked));
        if seen.map_err(|_| HostileChange::Panicked { change })? {
            Ok(Fit::Ready)
        } else {
            Err(HostileChange::Unseen { change })
        }
    }

    /// Counts a change in. An author whose changes share counters is left to [`apply_singly`]:
    /// which of them an operation belongs to is the library's to say.
    fn add(&mut self, checked: &'a CheckedChange) -> Result<(), HostileChange> {
        let change = checked.hash();
        let (actor, start) = (checked.actor(), checked.chunk().start_op);
        let end = end_of(checked);
        let own = self.writers.range((actor, 0)..=(actor, u64::MAX));
        let mut shared = own.map(|((_, from), other)| *from < end && start < end_of(other));
        let first = ObjId::Id(start, ActorId::from(actor), 0);
        let in_document = guarded(|| self.document.hash_for_opid(&first).is_some());
        if shared.any(|shared| shared)
            || in_document.map_err(|_| HostileChange::Panicked { change })?
        {
            return Err(HostileChange::Refused { change });
        }
        for parent in checked.parents() {
            self.heads.remove(parent);
        }
        self.heads.insert(change);
        self.added.insert(change, checked);
        self.writers.insert((actor, start), checked);
        Ok(())
    }

    /// The change that an operation is part of.
    fn writer(&self, id: OpId) -> Option<[u8; 32]> {
        let upto = (id.actor, 0)..=(id.actor, id.counter);
        if let Some((_, added)) = self.writers.range(upto).next_back()
            && id.counter < end_of(added)
        {
            return Some(added.hash());
        }
        let id = ObjId::Id(id.counter, ActorId::from(id.actor), 0);
        self.document.hash_for_opid(&id).map(|writer| writer.0)
    }

    /// Whether all operations that a change refers to are its own, earlier ones or its ancestors'.
    fn refers_to_seen(&self, checked: &CheckedChange) -> bool {
        let chunk = checked.chunk();
        let mut foreign = BTreeSet::new();
        for (index, op) in chunk.ops.iter().enumerate() {
            let element = match &op.key {
                Key::Element(element) => *element,
                Key::Text(_) => None,
            };
            let this = chunk.op_id(index);
            for id in op.preds.iter().copied().chain(op.object).chain(element) {
                if id.actor == chunk.actor && id.counter >= chunk.start_op {
                    if id.counter >= this.counter {
                        return false;
                    }
                } else {
                    foreign.insert(id);
                }
            }
        }
        let writers: Option<BTreeSet<[u8; 32]>> =
            foreign.into_iter().map(|id| self.writer(id)).collect();
        let Some(mut wanted) = writers else {
            return false;
        };
        if self
            .heads
            .iter()
            .all(|head| checked.parents().contains(head))
        {
            return true;
        }
        let mut ancestors = BTreeSet::new();
        let mut todo: Vec<[u8; 32]> = checked.parents().to_vec();
        while let Some(hash) = todo.pop() {
            if wanted.is_empty() {
                return true;
            }
            if !ancestors.insert(hash) {
                continue;
            }
            wanted.remove(&hash);
            if let Some(added) = self.added.get(&hash) {
                todo.extend(added.parents());
            } else if let Some(meta) = self.meta(hash) {
                todo.extend(meta.deps.iter().map(|parent| parent.0));
            }
        }
        wanted.is_empty()
    }
}

/// The counter after a change's last operation.
fn end_of(checked: &CheckedChange) -> u64 {
    let chunk = checked.chunk();
    chunk.start_op.saturating_add(chunk.ops.len() as u64)
}

/// Applies changes whose parents are all present to a document that is given up if that fails.
pub(crate) fn apply_guarded(
    mut document: Automerge,
    changes: &[&CheckedChange],
) -> Result<Automerge, HostileChange> {
    let Some(first) = changes.first().map(|checked| checked.hash()) else {
        return Ok(document);
    };
    guarded(move || {
        let raw: Vec<Change> = changes
            .iter()
            .map(|checked| checked.library().clone())
            .collect();
        if let Err(error) = document.apply_changes(raw) {
            if let AutomergeError::DuplicateSeqNumber(seq, _) = error {
                return Err(HostileChange::DuplicateSequence { change: first, seq });
            }
            return Err(HostileChange::Refused { change: first });
        }
        for checked in changes {
            // The document must be able to give back exactly what went in.
            let back = document.get_change_by_hash(&checked.library().hash());
            if back.is_none_or(|back| back.raw_bytes() != checked.bytes()) {
                return Err(HostileChange::Refused {
                    change: checked.hash(),
                });
            }
        }
        Ok(document)
    })
    .map_err(|_| HostileChange::Panicked { change: first })?
}
