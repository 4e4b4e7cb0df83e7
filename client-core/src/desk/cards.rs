//! Cards: adding notes, withdrawing them, reading what this seat may read.
//!
//! That only certain roles write a card is checked by every receiver. That a groomer or a
//! receptionist adds to handling cards without taking anything away is a rule of this program.

use entry_log::Storage;
use jiff::Timestamp;
use rand_core::CryptoRng;
use sync_protocol::Role;

use super::{checks, done, restriction::Use, undo::TakeBack};
use crate::{
    book::CardRights,
    catalogue::{
        CardKind, CardsView, ClientId, NewCardNote, NoteId, PetId, Refusal, Reply, WithdrawCardNote,
    },
    documents::{CardId, Opening, Said, Subject},
    replica::{Replica, invalid, not_allowed, not_found, random},
};

fn rights(role: Role, reads: bool, kind: CardKind) -> Option<CardRights> {
    let add = role.may_write(kind.feed());
    let adds_only =
        kind == CardKind::Handling && matches!(role, Role::Groomer | Role::Receptionist);
    reads.then_some(CardRights {
        kind,
        add,
        withdraw: add && !adds_only,
    })
}

/// Who to ask.
const fn writers(kind: CardKind) -> &'static str {
    match kind {
        CardKind::Handling => "an owner, a manager or a vet",
        CardKind::Clinical => "a vet or an owner",
        CardKind::Grooming => "a groomer, a manager or an owner",
        CardKind::Payments => "the reception, a manager or an owner",
    }
}

impl<S: Storage> Replica<S> {
    fn card_rights(&self, kind: CardKind) -> Option<CardRights> {
        let reads = self.may_read(kind.feed());
        self.role().and_then(|role| rights(role, reads, kind))
    }

    /// Whose card is meant; somebody this book knows.
    fn card_of(&self, of: &str, kind: CardKind) -> Result<CardId, Refusal> {
        let client = of.parse::<ClientId>().map(Subject::Client);
        let subject = client
            .or_else(|_| of.parse::<PetId>().map(Subject::Pet))
            .map_err(|_| {
                invalid(
                    "of",
                    "This is not the id of a client or a pet.",
                    "Client ids begin with cli_, pet ids with pet_.",
                )
            })?;
        let (known, what) = match subject {
            Subject::Client(id) => (self.book.client(id).is_some(), "client"),
            Subject::Pet(id) => (self.book.pet(id).is_some(), "pet"),
        };
        if known {
            Ok(CardId { subject, kind })
        } else {
            Err(not_found("of", what))
        }
    }

    pub(super) fn add_card_note(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        new: &NewCardNote,
    ) -> Result<Reply, Refusal> {
        let kind = new.card;
        if !self.card_rights(kind).is_some_and(|rights| rights.add) {
            let what = format!("write on {} cards", kind.as_str());
            return Err(not_allowed(&what, writers(kind)));
        }
        let id = self.card_of(&new.of, kind)?;
        let text = checks::note("text", &new.text)?;
        if text.is_empty() {
            return Err(invalid("text", "The note is empty.", "Type what to note."));
        }
        let despite = new.despite_restriction.as_deref();
        let despite = self.despite(now, id.subject, Use::Card, despite)?;
        let note = NoteId::from_bytes(random(rng));
        let mut batch = self.begin(now, rng);
        batch.card(&self.book, id, |doc, actor, clock| {
            Ok(doc.add(actor, clock, note, &text)?)
        })?;
        self.put_despite(&mut batch, despite)?;
        self.save(rng, batch)?;
        let step = self.steps.keep(TakeBack::CardNote {
            id,
            note,
            withdrawn: true,
        });
        Ok(done(note, step, "The note is on the card."))
    }

    pub(super) fn withdraw_card_note(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &WithdrawCardNote,
    ) -> Result<Reply, Refusal> {
        let kind = wish.card;
        if !self.card_rights(kind).is_some_and(|rights| rights.withdraw) {
            let what = format!("withdraw notes of {} cards", kind.as_str());
            return Err(not_allowed(&what, writers(kind)));
        }
        let id = self.card_of(&wish.of, kind)?;
        let mut notes = self.book.card_notes(id).into_iter();
        let note = notes
            .find(|note| note.id == wish.note)
            .ok_or_else(|| not_found("note", "note"))?;
        if note.withdrawn.is_some() {
            return Err(invalid(
                "note",
                "This note was withdrawn already.",
                "Add a new one if it holds again.",
            ));
        }
        let despite = wish.despite_restriction.as_deref();
        let despite = self.despite(now, id.subject, Use::Card, despite)?;
        self.mark_card_note(now, rng, id, note.id, true, despite)?;
        let step = self.steps.keep(TakeBack::CardNote {
            id,
            note: note.id,
            withdrawn: false,
        });
        Ok(done(note.id, step, "The note is withdrawn."))
    }

    /// Marks a note as withdrawn, or as holding again.
    pub(super) fn mark_card_note(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        id: CardId,
        note: NoteId,
        withdrawn: bool,
        despite: Option<(ClientId, Said)>,
    ) -> Result<(), Refusal> {
        let mut batch = self.begin(now, rng);
        batch.card(&self.book, id, |doc, actor, clock| {
            Ok(doc.withdraw(actor, clock, note, withdrawn)?)
        })?;
        self.put_despite(&mut batch, despite)?;
        self.save(rng, batch)?;
        Ok(())
    }

    /// A note that somebody withdrew holds again.
    pub(super) fn hold_again(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        id: CardId,
        note: NoteId,
    ) -> Result<(), Refusal> {
        let kind = id.kind;
        if !self.card_rights(kind).is_some_and(|rights| rights.withdraw) {
            let what = format!("let notes of {} cards hold again", kind.as_str());
            return Err(not_allowed(&what, writers(kind)));
        }
        self.may_take_back(id.subject)?;
        self.mark_card_note(now, rng, id, note, false, None)
    }

    /// Writes down that clinical cards on show here were opened: each subject with a note once an
    /// hour for this seat. Whether anything was written.
    ///
    /// # Errors
    /// When it could not be written: the caller keeps the cards closed.
    pub fn note_opened(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        view: &CardsView,
        how: Opening,
    ) -> Result<bool, Refusal> {
        let read = view.cards.iter();
        let read = read.filter(|card| card.card == CardKind::Clinical && !card.notes.is_empty());
        let mut ids = Vec::new();
        for card in read {
            ids.push(self.card_of(&card.of, CardKind::Clinical)?);
        }
        if ids.is_empty() {
            return Ok(false);
        }
        let seat = self.seat();
        let mut batch = self.begin(now, rng);
        for id in ids {
            batch.access(&self.book, id.subject, |doc, actor, clock| {
                Ok(doc.opened(actor, clock, seat, how)?)
            })?;
        }
        self.save(rng, batch)
    }

    pub(super) fn cards(&self, client: ClientId) -> Result<CardsView, Refusal> {
        let kinds = CardKind::ALL.into_iter();
        let rights: Vec<CardRights> = kinds.filter_map(|kind| self.card_rights(kind)).collect();
        self.book
            .cards_view(client, &rights, &|seat| self.name_of(seat))
            .ok_or_else(|| not_found("client", "client"))
    }
}
