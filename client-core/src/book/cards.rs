//! Cards: kept as the bytes of their changes, read when somebody looks. What a handling card says
//! is kept at hand, since the day shows it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use schedule::{CheckedChange, Hlc, HostileChange, Received};
use sync_protocol::SeatId;

use super::{Book, ids::IdMap, kept::Kept};
use crate::{
    catalogue::{AlertView, CardKind, CardNoteView, CardView, CardsView, ClientId, NoteId},
    documents::{CardDoc, CardId, CardNote, DocumentError, Subject, Who, note_of_mark},
};

/// All cards. See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Cards {
    kept: IdMap<CardId, Kept>,
    /// Who signed the entry that a change of a card came in.
    seats: IdMap<CardId, BTreeMap<[u8; 32], SeatId>>,
    /// What holds of the handling cards, the latest first; nobody without anything.
    alerts: IdMap<Subject, Vec<String>>,
    /// The card that was put together last, for whoever looks at one of its changes after the
    /// other.
    shown: Mutex<Option<(CardId, Arc<CardDoc>)>>,
    /// Notes that were withdrawn, by the stamp of the change that says so.
    withdrawals: BTreeMap<(Hlc, [u8; 32]), (CardId, NoteId)>,
}

/// What an entry says of a change: its hash, whether it counts for nothing, who signed it.
pub(super) type Signed = ([u8; 32], bool, Option<SeatId>);

/// A card while changes are applied to it.
#[derive(Debug)]
pub(super) struct OpenCard {
    id: CardId,
    doc: CardDoc,
    kept: Kept,
}

impl OpenCard {
    pub(super) fn receive(&mut self, changes: &[CheckedChange]) -> Result<Received, HostileChange> {
        let received = self.doc.receive(changes)?;
        self.kept.keep(changes, &received);
        Ok(received)
    }
}

impl Cards {
    fn document(&self, id: CardId) -> Result<CardDoc, DocumentError> {
        let Some(kept) = self.kept.get(&id) else {
            return CardDoc::genesis(id);
        };
        let mut doc = CardDoc::replay(id, kept.changes())?;
        doc.mask(kept.masked());
        Ok(doc)
    }

    /// The same, kept until another is asked for or the card changes.
    pub(super) fn shown(&self, id: CardId) -> Result<Arc<CardDoc>, DocumentError> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, doc)) = &*shown
            && *known == id
        {
            return Ok(Arc::clone(doc));
        }
        let doc = Arc::new(self.document(id)?);
        *shown = Some((id, Arc::clone(&doc)));
        Ok(doc)
    }

    fn unshow(&mut self) {
        self.shown = Mutex::default();
    }

    pub(super) fn open(
        &mut self,
        id: CardId,
        signed: impl Iterator<Item = Signed>,
    ) -> Result<OpenCard, DocumentError> {
        self.unshow();
        let mut doc = self.document(id)?;
        let mut kept = self.kept.remove(&id).unwrap_or_default();
        let seats = self.seats.entry(id).or_default();
        for (change, masked, seat) in signed {
            kept.mark(change, masked);
            seats.extend(seat.map(|seat| (change, seat)));
        }
        doc.mask(kept.masked());
        Ok(OpenCard { id, doc, kept })
    }

    pub(super) fn close(&mut self, card: OpenCard) {
        let OpenCard { id, doc, mut kept } = card;
        self.unshow();
        kept.heads = doc.heads();
        self.kept.insert(id, kept);
        if id.kind != CardKind::Handling {
            return;
        }
        let holding: Vec<String> = doc
            .notes()
            .into_iter()
            .filter(|note| note.withdrawn.is_none())
            .map(|note| note.text)
            .collect();
        if holding.is_empty() {
            self.alerts.remove(&id.subject);
        } else {
            self.alerts.insert(id.subject, holding);
        }
    }

    /// Remembers which notes changes say something about besides their text.
    pub(super) fn note_withdrawals(&mut self, id: CardId, clock: Hlc, changes: &[CheckedChange]) {
        for change in changes {
            for note in change.map_keys().filter_map(note_of_mark) {
                self.withdrawals.insert((clock, change.hash()), (id, note));
            }
        }
    }

    /// Notes of others that somebody withdrew since then, with who did, as far as they still are.
    pub(super) fn withdrawn(&self, since: Hlc) -> Vec<(SeatId, Hlc, CardId, NoteId)> {
        let recent = self.withdrawals.range((since, [0; 32])..);
        let found = recent.filter_map(|((clock, change), (id, note))| {
            let seat = self.seat_of(*id, *change)?;
            let notes = self.shown(*id).ok()?.notes();
            let note = notes.into_iter().find(|one| one.id == *note)?;
            let standing = note.withdrawn.is_some_and(|(_, by)| by == *change);
            let of_another = self.seat_of(*id, note.change) != Some(seat);
            (standing && of_another).then_some((seat, *clock, *id, note.id))
        });
        found.collect()
    }

    /// Forgets the cards of whoever is gone; gives which.
    pub(super) fn forget(&mut self, gone: &dyn Fn(Subject) -> bool) -> Vec<CardId> {
        self.unshow();
        let known = self.kept.keys().filter(|card| gone(card.subject));
        let known: Vec<CardId> = known.copied().collect();
        for card in &known {
            self.kept.remove(card);
            self.seats.remove(card);
            self.alerts.remove(&card.subject);
        }
        self.withdrawals.retain(|_, (card, _)| !gone(card.subject));
        known
    }

    pub(super) fn heads(&self) -> impl Iterator<Item = (CardId, &[[u8; 32]])> {
        let kept = self.kept.iter();
        kept.map(|(id, kept)| (*id, kept.heads.as_slice()))
    }

    fn seat_of(&self, id: CardId, change: [u8; 32]) -> Option<SeatId> {
        self.seats.get(&id)?.get(&change).copied()
    }
}

fn time(clock: Hlc) -> Timestamp {
    Timestamp::from_millisecond(clock.millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// What a seat may do with cards of one kind that it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardRights {
    /// Which cards.
    pub kind: CardKind,
    /// Add notes.
    pub add: bool,
    /// Withdraw them.
    pub withdraw: bool,
}

impl Book {
    /// A card, begun if there is none yet.
    pub fn card(&self, id: CardId) -> Result<CardDoc, DocumentError> {
        self.cards.document(id)
    }

    /// The notes of a card, the latest first.
    pub fn card_notes(&self, id: CardId) -> Vec<CardNote> {
        self.card(id).map(|doc| doc.notes()).unwrap_or_default()
    }

    /// The cards of a client and its pets. `rights` lists the kinds that the seat reads.
    pub fn cards_view(
        &self,
        client: ClientId,
        rights: &[CardRights],
        name_of: &dyn Fn(SeatId) -> String,
    ) -> Option<CardsView> {
        let summary = self.records.summary(client)?;
        let mut subjects = vec![(Subject::Client(client), summary.name)];
        let pets = summary.pets.into_iter();
        subjects.extend(pets.map(|pet| (Subject::Pet(pet.id), pet.name)));
        let mut cards = Vec::with_capacity(subjects.len() * rights.len());
        for (subject, name) in &subjects {
            for right in rights {
                let kind = right.kind;
                let id = CardId {
                    subject: *subject,
                    kind,
                };
                let by = |change| self.cards.seat_of(id, change).map(name_of);
                let notes = self.card_notes(id).into_iter().map(|note| CardNoteView {
                    id: note.id,
                    text: note.text,
                    by: by(note.change).unwrap_or_default(),
                    at: time(note.clock),
                    withdrawn_by: note.withdrawn.and_then(|(_, change)| by(change)),
                    withdrawn_at: note.withdrawn.map(|(clock, _)| time(clock)),
                });
                cards.push(CardView {
                    of: subject.to_string(),
                    name: name.clone(),
                    card: kind,
                    may_add: right.add,
                    may_withdraw: right.withdraw,
                    notes: notes.collect(),
                });
            }
        }
        Some(CardsView { client, cards })
    }

    fn alerts_of(&self, subject: Subject, alerts: &mut Vec<AlertView>) {
        let Some(texts) = self.cards.alerts.get(&subject) else {
            return;
        };
        let name = match subject {
            Subject::Client(id) => self.records.client(id).map(|client| &client.name),
            Subject::Pet(id) => self.records.pet(id).map(|pet| &pet.name),
        };
        alerts.extend(texts.iter().map(|text| AlertView {
            of: subject.to_string(),
            name: name.cloned().unwrap_or_default(),
            text: text.clone(),
        }));
    }

    /// What to be careful about with a client and all of its pets.
    pub(super) fn alerts_of_client(&self, client: ClientId) -> Vec<AlertView> {
        let mut alerts = Vec::new();
        self.alerts_of(Subject::Client(client), &mut alerts);
        let pets = self.records.summary(client).map(|client| client.pets);
        for pet in pets.into_iter().flatten() {
            self.alerts_of(Subject::Pet(pet.id), &mut alerts);
        }
        alerts
    }

    /// What to be careful about with those who come.
    pub(super) fn alerts_of_visit(&self, who: &Who) -> Vec<AlertView> {
        let mut alerts = Vec::new();
        if let Some(client) = who.client {
            self.alerts_of(Subject::Client(client), &mut alerts);
        }
        for pet in &who.pets {
            self.alerts_of(Subject::Pet(*pet), &mut alerts);
        }
        alerts
    }
}
