//! A schedule week in memory.

use schedule::{CheckedChange, HostileChange, Received, Week};

/// A schedule week.
#[derive(Debug)]
pub(super) struct HotWeek {
    pub(super) document: Week,
}

impl HotWeek {
    pub(super) const fn new(document: Week) -> Self {
        Self { document }
    }

    pub(super) fn receive(&mut self, changes: &[CheckedChange]) -> Result<Received, HostileChange> {
        self.document.receive(changes)
    }

    pub(super) fn know_zone(&mut self, zone: &str) {
        // The body was checked to name a zone; a failure leaves the week as it was.
        let _ = self.document.know_zone(zone);
    }

    /// Whether that was news.
    pub(super) fn mask(&mut self, changes: &[CheckedChange], masked: bool) -> bool {
        let known = self.document.masked();
        let news = |change: &&CheckedChange| known.contains(&change.hash()) != masked;
        let news: Vec<&CheckedChange> = changes.iter().filter(news).collect();
        if news.is_empty() {
            return false;
        }
        let mut known = known.clone();
        for change in news {
            if masked {
                known.insert(change.hash());
            } else {
                known.remove(&change.hash());
            }
        }
        self.document.mask(known);
        true
    }
}
