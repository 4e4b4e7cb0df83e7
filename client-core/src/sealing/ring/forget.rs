//! Keys that an erasure took away: forgotten, and never learned again.

use std::collections::BTreeSet;

use sync_protocol::{Erased, KeyId, SubjectId};

use super::KeyRing;
use crate::sealing::KeyRow;

impl KeyRing {
    /// Forgets what was erased, and further keys that belonged to it; whether anything was held.
    pub fn forget(&mut self, erased: &Erased, further: impl Iterator<Item = KeyId>) -> bool {
        if self.learns_erased {
            return false;
        }
        let before = self.subjects.len();
        let gone = |subject: &[u8; 16]| erased.subject(SubjectId::from_bytes(*subject)).is_some();
        let of_gone = self.of_subject.iter();
        let of_gone = of_gone.filter(|((subject, _), _)| gone(subject));
        let of_gone: BTreeSet<KeyId> = of_gone.flat_map(|(_, keys)| keys).copied().collect();
        self.erased.extend(erased.keys());
        self.erased.extend(of_gone);
        self.erased.extend(further);
        self.of_subject.retain(|(subject, _), _| !gone(subject));
        let ids = &self.erased;
        self.subjects.retain(|key, _| !ids.contains(key));
        for keys in self.of_subject.values_mut() {
            keys.retain(|key| !ids.contains(key));
        }
        for rows in self.waiting.values_mut() {
            rows.retain(|row| match row {
                KeyRow::Subject { key, subject, .. } => !ids.contains(key) && !gone(subject),
                KeyRow::Role { .. } | KeyRow::Compartment { .. } => true,
            });
        }
        self.subjects.len() != before
    }

    /// Whether a key is gone for good.
    pub fn is_erased(&self, key: KeyId) -> bool {
        self.erased.contains(&key)
    }

    /// How many keys of clients and pets are held.
    pub fn subject_keys(&self) -> usize {
        self.subjects.len()
    }
}
