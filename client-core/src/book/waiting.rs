//! What cannot be applied yet: entries without a key, changes whose parents have not come.

use std::{collections::BTreeMap, sync::Arc};

use schedule::CheckedChange;
use sync_protocol::{DocumentId, Entry, FeedId, Hash, KeyId};

use crate::ledger::Place;

/// An entry that waits for a key.
#[derive(Debug, Clone)]
pub(super) struct Locked {
    pub(super) entry: Arc<Entry>,
    pub(super) masked: bool,
    pub(super) place: Option<Place>,
}

#[derive(Debug, Default)]
pub(super) struct Waiting {
    locked: BTreeMap<Hash, Locked>,
    orphans: BTreeMap<DocumentId, BTreeMap<[u8; 32], CheckedChange>>,
}

impl Waiting {
    pub(super) fn lock(&mut self, locked: Locked) {
        self.locked.insert(locked.entry.hash(), locked);
    }

    pub(super) fn locked(&mut self, hash: &Hash) -> Option<&mut Locked> {
        self.locked.get_mut(hash)
    }

    pub(super) fn take_locked(&mut self) -> Vec<Locked> {
        core::mem::take(&mut self.locked).into_values().collect()
    }

    pub(super) fn orphan(&mut self, document: DocumentId, change: CheckedChange) {
        let orphans = self.orphans.entry(document).or_default();
        orphans.insert(change.hash(), change);
    }

    pub(super) fn take_orphans(&mut self, document: DocumentId) -> Vec<CheckedChange> {
        let orphans = self.orphans.remove(&document).unwrap_or_default();
        orphans.into_values().collect()
    }

    /// Forgets what waits for a key that is gone, and changes of documents that are.
    pub(super) fn forget(
        &mut self,
        document: &dyn Fn(DocumentId) -> bool,
        key: &dyn Fn(KeyId) -> bool,
    ) {
        let kept = |locked: &Locked| {
            let header = locked.entry.header();
            !document(header.document) && !header.key.is_some_and(key)
        };
        self.locked.retain(|_, locked| kept(locked));
        self.orphans.retain(|id, _| !document(*id));
    }

    pub(super) fn len(&self) -> usize {
        self.of(|_| true)
    }

    pub(super) fn of(&self, reads: impl Fn(FeedId) -> bool) -> usize {
        let locked = self.locked.values();
        let locked = locked.filter(|locked| reads(locked.entry.header().feed));
        locked.count() + self.orphans.values().map(BTreeMap::len).sum::<usize>()
    }
}
