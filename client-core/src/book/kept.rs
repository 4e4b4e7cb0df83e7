//! A document as the bytes of its changes: much smaller than the document, which is put together
//! when somebody looks.

use std::collections::BTreeSet;

use schedule::{CheckedChange, Received};

/// A document that is not open.
#[derive(Debug, Default, Clone)]
pub(super) struct Kept {
    changes: Vec<Box<[u8]>>,
    /// Hashes of the latest changes, as the document gave them when it was closed.
    pub(super) heads: Vec<[u8; 32]>,
    masked: BTreeSet<[u8; 32]>,
}

impl Kept {
    /// The changes, in an order in which they apply.
    pub(super) fn changes(&self) -> impl Iterator<Item = &[u8]> {
        self.changes.iter().map(AsRef::as_ref)
    }

    /// The changes that count for nothing.
    pub(super) fn masked(&self) -> BTreeSet<[u8; 32]> {
        self.masked.clone()
    }

    /// Notes whether a change counts for nothing.
    pub(super) fn mark(&mut self, change: [u8; 32], masked: bool) {
        if masked {
            self.masked.insert(change);
        } else {
            self.masked.remove(&change);
        }
    }

    /// Keeps what the document took of these changes.
    pub(super) fn keep(&mut self, changes: &[CheckedChange], received: &Received) {
        for hash in &received.applied {
            let change = changes.iter().find(|change| change.hash() == *hash);
            self.changes
                .extend(change.map(|change| Box::from(change.bytes())));
        }
    }
}
