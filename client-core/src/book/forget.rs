//! What an erasure takes out of the book: records, cards, what search found them by, and what
//! visits said. That a visit was at some time stays; for whom does not.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schedule::WeekKey;
use sync_protocol::{SeatId, SubjectId};

use super::{Book, Keys, apply::Touched};
use crate::{
    catalogue::{ClientId, PetId},
    documents::{ClientRecord, Subject},
};

/// What a visit is called when nobody may know any more for whom it was.
pub(super) const ERASED: &str = "Erased client";

impl Book {
    /// A client's record.
    pub fn client_record(&self, client: ClientId) -> Option<&ClientRecord> {
        self.records.client(client)
    }

    /// When something was last written by these seats, as far as it is held, by their clocks.
    pub fn last_written(&self, of: &dyn Fn(SeatId) -> bool) -> Option<Timestamp> {
        let last = self.entries.last_of(of)?;
        Timestamp::from_millisecond(last.millis).ok()
    }

    /// A client with all pets that the book knows as the client's, also those that were taken out
    /// of it.
    pub fn household(&self, client: ClientId) -> BTreeSet<Subject> {
        let pets = self.records.pets_of(client).map(Subject::Pet);
        core::iter::once(Subject::Client(client))
            .chain(pets)
            .collect()
    }

    /// Pets of clients that were erased.
    pub fn orphaned_pets(
        &self,
        is_erased: impl Fn(ClientId) -> bool,
    ) -> impl Iterator<Item = (ClientId, PetId)> {
        let owned = self.records.owned();
        owned.filter(move |(client, _)| is_erased(*client))
    }

    /// Forgets whoever was erased. The keys are those that are left.
    pub fn forget(&mut self, gone: &dyn Fn(SubjectId) -> bool, keys: &dyn Keys) -> Touched {
        let is_gone = |subject: Subject| gone(SubjectId::from_bytes(subject.to_bytes()));
        let org = self.org;
        let mut documents = BTreeSet::new();
        for subject in self.records.forget(&is_gone) {
            documents.insert(subject.target().document_id(org));
        }
        for card in self.cards.forget(&is_gone) {
            documents.insert(crate::documents::Target::Card(card).document_id(org));
        }
        self.waiting
            .forget(&|document| documents.contains(&document), &|key| {
                keys.is_erased(key)
            });
        let visits: Vec<_> = self
            .visits
            .known(|client| is_gone(Subject::Client(client)))
            .collect();
        let weeks: BTreeSet<WeekKey> = visits
            .into_iter()
            .filter_map(|id| self.home_of(id))
            .collect();
        for week in weeks {
            self.visits.read(week, None, keys);
        }
        // Reasons, and notes of visits whose client changed, may lie in further weeks.
        self.visits.open_locked(keys);
        self.reviews = std::sync::OnceLock::new();
        Touched {
            schedule: true,
            records: true,
            practice: false,
        }
    }
}
