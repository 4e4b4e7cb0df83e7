//! Erasures: bodies that the chain takes away are gone from this relay's disk before the act is
//! acknowledged, and none comes back.
//!
//! What always holds:
//!
//! * What must lose its body follows from the chain (`Governance::must_purge`). So a process that
//!   ended half-way, or that was given an older copy of its disk, does at its next start, or when
//!   devices bring the chain back, what it had not done.
//! * A body that comes after its key was erased is never written. The entry takes its place without.
//! * A row for somebody who was erased, under a key that no act names, is refused with what is
//!   sealed under that key: nobody needs it, and its author's device takes both back.

use std::collections::{BTreeSet, HashMap};

use entry_log::{Index, PurgeError, Storage};
use sync_protocol::{Entry, ErrorCode, FeedId, KeyId, What, subject_rows};

use super::{Organisation, StorageError, record, schedules::Unfit};

/// What erasures need to find, and have still to do.
#[derive(Debug, Default)]
pub(crate) struct Erasing {
    /// Where the bodies lie that each key sealed.
    bodies: HashMap<KeyId, Vec<u32>>,
    /// Places whose bodies are to go.
    due: BTreeSet<u32>,
    /// Keys of rows that were refused: what they sealed is refused too.
    shunned: BTreeSet<KeyId>,
}

impl Erasing {
    /// Whether a purge could not be finished for want of space.
    pub(crate) fn is_due(&self) -> bool {
        !self.due.is_empty()
    }
}

impl<S: Storage> Organisation<S> {
    /// Notes where a body lies.
    pub(crate) fn note_body(&mut self, place: u32, entry: &Entry) {
        if entry.body().is_none() {
            return;
        }
        let header = entry.header();
        if self.governance.must_purge(header).is_some() {
            self.erasing.due.insert(place);
        } else if let Some(key) = header.key {
            self.erasing.bodies.entry(key).or_default().push(place);
        }
    }

    /// Notes what an act takes away. [`Organisation::purge_due`] does it.
    pub(crate) fn note_erasure(&mut self, what: &What) {
        let What::Erasure(erasing) = what else {
            return;
        };
        for key in &erasing.keys {
            let places = self.erasing.bodies.remove(key).unwrap_or_default();
            self.erasing.due.extend(places);
        }
        let rows = erasing.rows.iter();
        let held = rows.filter_map(|id| self.incarnations.get(*id));
        self.erasing.due.extend(held);
    }

    /// Takes away what is due, durably when this returns. What had to go before may be named again.
    pub(crate) fn purge_due(&mut self) -> Result<(), StorageError> {
        if self.planted.serve_purged {
            self.erasing.due.clear();
        }
        if self.erasing.due.is_empty() {
            return Ok(());
        }
        let mut places = Vec::new();
        for place in &self.erasing.due {
            let entry = record::entry_at(&self.log, *place)?;
            // A place names an entry of whatever feed; only what the chain means goes.
            if entry.body().is_some() && self.governance.must_purge(entry.header()).is_some() {
                places.push(Index(u64::from(*place)));
            }
        }
        if !places.is_empty() {
            self.log.purge(&places)?;
        }
        self.erasing.due.clear();
        Ok(())
    }

    /// What an entry is from here on: without its body, where the chain says so.
    pub(crate) fn stripped(&self, entry: Entry) -> Entry {
        let gone = self.governance.must_purge(entry.header()).is_some();
        if entry.body().is_some() && gone && !self.planted.serve_purged {
            entry.purged()
        } else {
            entry
        }
    }

    /// Why an entry about somebody who was erased is not taken.
    pub(crate) fn about_erased(&mut self, entry: &Entry) -> Option<Unfit> {
        let erased = self.governance.erased();
        if erased.is_empty() {
            return None;
        }
        let header = entry.header();
        let shun = if header.feed == FeedId::Keys {
            let (rows, _) = subject_rows(entry.body().unwrap_or_default());
            let gone = rows.iter().any(|row| erased.subject(row.subject).is_some());
            if gone {
                self.erasing.shunned.extend(rows.iter().map(|row| row.key));
            }
            gone
        } else {
            // Once an act names the key, the entry comes without its body and takes its place.
            let named = self.governance.must_purge(header).is_some();
            let shunned = |key| self.erasing.shunned.contains(&key);
            !named && header.key.is_some_and(shunned)
        };
        shun.then(|| Unfit::new(ErrorCode::Erased, "it is about somebody who was erased"))
    }
}

impl From<PurgeError> for StorageError {
    fn from(error: PurgeError) -> Self {
        match error {
            PurgeError::DiskFull(_) => Self::DiskFull,
            PurgeError::Sync(error) => error.into(),
            error
            @ (PurgeError::OutOfRange { .. } | PurgeError::Damaged(_) | PurgeError::Io(_)) => {
                Self::Purge(error)
            }
        }
    }
}
