//! Taking checked changes into a document: on a copy, behind the fence, all or nothing.
//!
//! Start with [`apply`] for documents with an open schema; weeks and grids have their own rules and
//! share [`apply_guarded`].

use std::collections::BTreeSet;

use automerge::{ActorId, Automerge, AutomergeError, Change, ChangeHash, ObjId, ReadDoc as _};

use crate::{chunk::Key, guard::guarded, safety::CheckedChange};

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
    let mut received = Received::default();
    let mut next = document.clone();
    let mut left: Vec<&CheckedChange> = changes.iter().collect();
    loop {
        let before = left.len();
        let mut waiting = Vec::new();
        for checked in left {
            let change = checked.hash();
            if next.get_change_meta_by_hash(&ChangeHash(change)).is_some() {
                continue;
            }
            let parents = checked.parents().iter();
            let parents: Option<Vec<u64>> = parents
                .map(|hash| {
                    next.get_change_meta_by_hash(&ChangeHash(*hash))
                        .map(|meta| meta.max_op)
                })
                .collect();
            let Some(parents) = parents else {
                waiting.push(checked);
                continue;
            };
            // A counter far ahead would leave no room for anybody's next change.
            let newest = parents.into_iter().max().unwrap_or(0);
            if checked.chunk().start_op != newest.saturating_add(1) {
                return Err(HostileChange::Counters { change });
            }
            let seen = guarded(|| refers_to_seen(&next, checked));
            if !seen.map_err(|_| HostileChange::Panicked { change })? {
                return Err(HostileChange::Unseen { change });
            }
            next = apply_guarded(next, core::slice::from_ref(&checked))?;
            received.applied.push(change);
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

/// Whether all operations that a change refers to are its own, earlier ones or its ancestors'.
fn refers_to_seen(document: &Automerge, checked: &CheckedChange) -> bool {
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
    if foreign.is_empty() {
        return true;
    }
    let heads = document.get_heads();
    let on_all = heads.iter().all(|head| checked.parents().contains(&head.0));
    let mut ancestors = BTreeSet::new();
    if !on_all {
        let mut todo: Vec<ChangeHash> = checked.parents().iter().copied().map(ChangeHash).collect();
        while let Some(hash) = todo.pop() {
            if ancestors.insert(hash)
                && let Some(meta) = document.get_change_meta_by_hash(&hash)
            {
                todo.extend(meta.deps);
            }
        }
    }
    foreign.into_iter().all(|id| {
        let id = ObjId::Id(id.counter, ActorId::from(id.actor), 0);
        let writer = document.hash_for_opid(&id);
        writer.is_some_and(|writer| on_all || ancestors.contains(&writer))
    })
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
