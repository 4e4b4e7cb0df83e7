//! Clients and pets: kept as the bytes of their changes, with what they say beside them.

use std::collections::{BTreeMap, BTreeSet};

use schedule::{CheckedChange, HostileChange, Received};

use super::{ids::IdMap, kept::Kept, search::Index};
use crate::{
    catalogue::{ClientId, ClientSummary, PetId, PetSummary},
    documents::{ClientRecord, DocumentError, PetRecord, RecordDoc, Subject},
};

/// All records. See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Records {
    kept: IdMap<Subject, Kept>,
    clients: IdMap<ClientId, ClientRecord>,
    pets: IdMap<PetId, PetRecord>,
    pets_of: IdMap<ClientId, BTreeSet<PetId>>,
    pub(super) index: Index,
}

/// A record while changes are applied to it.
#[derive(Debug)]
pub(super) struct OpenRecord {
    subject: Subject,
    doc: RecordDoc,
    kept: Kept,
}

impl OpenRecord {
    pub(super) fn receive(&mut self, changes: &[CheckedChange]) -> Result<Received, HostileChange> {
        let received = self.doc.receive(changes)?;
        self.kept.keep(changes, &received);
        Ok(received)
    }
}

impl Records {
    pub(super) fn document(&self, subject: Subject) -> Result<RecordDoc, DocumentError> {
        let Some(kept) = self.kept.get(&subject) else {
            return RecordDoc::genesis(subject);
        };
        let mut doc = RecordDoc::replay(subject, kept.changes())?;
        doc.mask(kept.masked());
        Ok(doc)
    }

    pub(super) fn open(
        &mut self,
        subject: Subject,
        masks: impl Iterator<Item = ([u8; 32], bool)>,
    ) -> Result<OpenRecord, DocumentError> {
        let mut doc = self.document(subject)?;
        let mut kept = self.kept.remove(&subject).unwrap_or_default();
        for (change, masked) in masks {
            kept.mark(change, masked);
        }
        doc.mask(kept.masked());
        Ok(OpenRecord { subject, doc, kept })
    }

    pub(super) fn close(&mut self, record: OpenRecord) {
        let OpenRecord {
            subject,
            doc,
            mut kept,
        } = record;
        kept.heads = doc.heads();
        self.kept.insert(subject, kept);
        match subject {
            Subject::Client(id) => {
                let before = self.clients.remove(&id);
                let now = doc.client();
                self.index.client(id, before.as_ref(), now.as_ref());
                if let Some(client) = now {
                    self.clients.insert(id, client);
                }
            }
            Subject::Pet(id) => {
                let before = self.pets.remove(&id);
                let now = doc.pet();
                self.index.pet(id, before.as_ref(), now.as_ref());
                if let Some(pets) = before.and_then(|pet| self.pets_of.get_mut(&pet.owner)) {
                    pets.remove(&id);
                }
                if let Some(pet) = now {
                    self.pets_of.entry(pet.owner).or_default().insert(id);
                    self.pets.insert(id, pet);
                }
            }
        }
    }

    /// The pets that are a client's, also those that were taken out of the book.
    pub(super) fn pets_of(&self, client: ClientId) -> impl Iterator<Item = PetId> {
        let owned = self.owned();
        owned.filter_map(move |(owner, pet)| (owner == client).then_some(pet))
    }

    /// Every client in the book with all pets, also those that were taken out of it.
    pub(super) fn households(&self) -> BTreeMap<ClientId, Vec<Subject>> {
        let clients = self.clients.keys();
        let mut all: BTreeMap<ClientId, Vec<Subject>> = clients
            .map(|id| (*id, vec![Subject::Client(*id)]))
            .collect();
        for (owner, pet) in self.owned() {
            if let Some(known) = all.get_mut(&owner) {
                known.push(Subject::Pet(pet));
            }
        }
        all
    }

    /// Every pet with whose it is, also those that were taken out of the book.
    pub(super) fn owned(&self) -> impl Iterator<Item = (ClientId, PetId)> {
        self.kept.keys().filter_map(|subject| {
            let Subject::Pet(id) = subject else {
                return None;
            };
            let owner = match self.pets.get(id) {
                Some(pet) => pet.owner,
                None => self.document(*subject).ok()?.owner()?,
            };
            Some((owner, *id))
        })
    }

    /// Forgets whoever is gone; gives whom.
    pub(super) fn forget(&mut self, gone: &dyn Fn(Subject) -> bool) -> Vec<Subject> {
        let known: Vec<Subject> = self.kept.keys().copied().collect();
        let known: Vec<Subject> = known.into_iter().filter(|subject| gone(*subject)).collect();
        for subject in &known {
            self.kept.remove(subject);
            match subject {
                Subject::Client(id) => {
                    let before = self.clients.remove(id);
                    self.index.client(*id, before.as_ref(), None);
                    self.pets_of.remove(id);
                }
                Subject::Pet(id) => {
                    let before = self.pets.remove(id);
                    self.index.pet(*id, before.as_ref(), None);
                    if let Some(pets) = before.and_then(|pet| self.pets_of.get_mut(&pet.owner)) {
                        pets.remove(id);
                    }
                }
            }
        }
        known
    }

    pub(super) fn heads(&self) -> impl Iterator<Item = (Subject, &[[u8; 32]])> {
        let kept = self.kept.iter();
        kept.map(|(subject, kept)| (*subject, kept.heads.as_slice()))
    }

    pub(super) fn client(&self, id: ClientId) -> Option<&ClientRecord> {
        self.clients.get(&id)
    }

    pub(super) fn pet(&self, id: PetId) -> Option<&PetRecord> {
        self.pets.get(&id)
    }

    pub(super) fn pet_summary(&self, id: PetId) -> Option<PetSummary> {
        let pet = self.pets.get(&id)?;
        Some(PetSummary {
            id,
            name: pet.name.clone(),
            species: pet.species.clone(),
            breed: pet.breed.clone(),
            microchip: pet.microchip.clone(),
        })
    }

    pub(super) fn summary(&self, id: ClientId) -> Option<ClientSummary> {
        let client = self.clients.get(&id)?;
        let pets = self.pets_of.get(&id).into_iter().flatten();
        let mut pets: Vec<PetSummary> = pets.filter_map(|pet| self.pet_summary(*pet)).collect();
        pets.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Some(ClientSummary {
            id,
            name: client.name.clone(),
            phones: client.phones.clone(),
            email: client.email.clone(),
            pets,
            restricted: client.restriction.is_some(),
        })
    }

    /// Whose a pet is said to be; the client's record may still be on its way.
    pub(super) fn owner(&self, pet: PetId) -> Option<ClientId> {
        self.pets.get(&pet).map(|pet| pet.owner)
    }
}
