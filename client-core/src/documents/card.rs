//! A card: notes about one client or pet, in one compartment.
//!
//! Notes are only ever added. Each is a register under a key that names the run of the program
//! which wrote it, and only what that run wrote under the key counts, so nobody rewrites the note
//! of another. A note that no longer holds is marked as withdrawn, in a register beside it; its
//! text stays.

use std::collections::{BTreeMap, BTreeSet};

use conflict_rules::ids;
use schedule::{CheckedChange, Hlc, HostileChange, NewChange, Received};

use super::{
    code,
    practice::sixteen,
    record::Subject,
    registers::{Authored, DocumentError, Layout, Registers},
};
use crate::catalogue::{CardKind, NoteId};

const NOTES: usize = 0;
const WITHDRAWN: usize = 1;

static LAYOUT: Layout = Layout {
    domain: "daybook card genesis v1",
    containers: &["notes", "withdrawn"],
};

/// Which card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardId {
    /// About whom.
    pub subject: Subject,
    /// Which of the subject's cards.
    pub kind: CardKind,
}

impl CardId {
    fn name(self) -> Vec<u8> {
        let mut name = self.subject.name().to_vec();
        name.extend_from_slice(self.kind.as_str().as_bytes());
        name
    }
}

/// A note as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardNote {
    /// Its id.
    pub id: NoteId,
    /// What it says.
    pub text: String,
    /// When it was written, by its author's clock.
    pub clock: Hlc,
    /// The change that wrote it: the entry around that change says who did.
    pub change: [u8; 32],
    /// When it was withdrawn, and by which change.
    pub withdrawn: Option<(Hlc, [u8; 32])>,
}

/// What a change wrote on a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CardWrite {
    /// A note with this text.
    Note(NoteId, String),
    /// Whether a note is withdrawn from then on.
    Withdrawn(NoteId, bool),
}

/// A card document.
#[derive(Debug, Clone)]
pub struct CardDoc {
    registers: Registers,
}

fn key_of(note: NoteId, author: [u8; 16]) -> String {
    format!("{}.{}", ids::hex(note.to_bytes()), ids::hex(author))
}

fn parse(key: &str) -> Option<(NoteId, [u8; 16])> {
    let (note, author) = key.split_once('.')?;
    Some((NoteId::from_bytes(sixteen(note)?), sixteen(author)?))
}

/// The note that a key of the document marks as withdrawn or holding again, if it is such a key.
pub(crate) fn note_of_mark(key: &str) -> Option<NoteId> {
    sixteen(key).map(NoteId::from_bytes)
}

impl CardDoc {
    /// The document as it begins: the same bytes on every replica.
    pub fn genesis(id: CardId) -> Result<Self, DocumentError> {
        let registers = Registers::genesis(&LAYOUT, &id.name())?;
        Ok(Self { registers })
    }

    /// Puts together what was received before.
    pub(crate) fn replay<'a>(
        id: CardId,
        changes: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, DocumentError> {
        let mut doc = Self::genesis(id)?;
        doc.registers.replay(changes)?;
        Ok(doc)
    }

    /// Adds a note.
    pub fn add(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        note: NoteId,
        text: &str,
    ) -> Result<Option<NewChange>, DocumentError> {
        let put = (NOTES, key_of(note, actor), code::write(text));
        self.registers.write(actor, clock, &[put])
    }

    /// Marks a note as withdrawn, or as holding again.
    pub fn withdraw(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        note: NoteId,
        withdrawn: bool,
    ) -> Result<Option<NewChange>, DocumentError> {
        let key = ids::hex(note.to_bytes());
        let put = (WITHDRAWN, key, code::write(withdrawn));
        self.registers.write(actor, clock, &[put])
    }

    /// Takes in changes that have passed [`schedule::safety::check`], all or none.
    pub fn receive(&mut self, changes: &[CheckedChange]) -> Result<Received, HostileChange> {
        self.registers.receive(changes)
    }

    /// From now on reads as if these changes had written nothing.
    pub fn mask(&mut self, changes: BTreeSet<[u8; 32]>) {
        self.registers.mask(changes);
    }

    /// Hashes of the latest changes, sorted; empty as long as nothing was written.
    pub fn heads(&self) -> Vec<[u8; 32]> {
        self.registers.heads()
    }

    /// What a change wrote under a key of the document.
    pub(crate) fn wrote(&self, key: &str, change: [u8; 32]) -> Option<CardWrite> {
        if let Some((id, _)) = parse(key) {
            let text = self.registers.at(NOTES, key, &[change]);
            return Some(CardWrite::Note(id, code::owned(&text.first()?.payload)?));
        }
        let id = NoteId::from_bytes(sixteen(key)?);
        let withdrawn = self.registers.at(WITHDRAWN, key, &[change]);
        let withdrawn: bool = code::owned(&withdrawn.first()?.payload)?;
        Some(CardWrite::Withdrawn(id, withdrawn))
    }

    /// All notes, the latest first.
    pub fn notes(&self) -> Vec<CardNote> {
        // Two runs may name one note only if one of them cheats: the earlier stands.
        let mut notes: BTreeMap<NoteId, CardNote> = BTreeMap::new();
        for key in self.registers.keys(NOTES) {
            let Some((id, author)) = parse(&key) else {
                continue;
            };
            let standing = self.registers.authored(NOTES, &key, Some(author));
            let Some(note) = standing.into_iter().find_map(|found| note(id, &found)) else {
                continue;
            };
            let known = notes.get(&id);
            if known.is_none_or(|known| (note.clock, note.change) < (known.clock, known.change)) {
                notes.insert(id, note);
            }
        }
        for note in notes.values_mut() {
            let key = ids::hex(note.id.to_bytes());
            let standing = self.registers.authored(WITHDRAWN, &key, None);
            let said = standing.into_iter().find_map(|found| {
                let withdrawn: bool = code::owned(&found.value.payload)?;
                Some(withdrawn.then_some((found.value.clock, found.change)))
            });
            note.withdrawn = said.flatten();
        }
        let mut notes: Vec<CardNote> = notes.into_values().collect();
        notes.sort_unstable_by_key(|note| core::cmp::Reverse((note.clock, note.id)));
        notes
    }
}

fn note(id: NoteId, found: &Authored) -> Option<CardNote> {
    Some(CardNote {
        id,
        text: code::owned(&found.value.payload)?,
        clock: found.value.clock,
        change: found.change,
        withdrawn: None,
    })
}

#[cfg(test)]
mod tests {
    use schedule::{Schema, safety};

    use super::*;
    use crate::catalogue::PetId;

    const ANN: [u8; 16] = [0xa1; 16];
    const BOB: [u8; 16] = [0xb0; 16];
    const BITES: NoteId = NoteId::from_bytes([1; 16]);
    const SHY: NoteId = NoteId::from_bytes([2; 16]);
    const CARD: CardId = CardId {
        subject: Subject::Pet(PetId::from_bytes([3; 16])),
        kind: CardKind::Handling,
    };

    fn at(millis: i64) -> Hlc {
        Hlc { millis, counter: 0 }
    }

    fn sent(change: Option<NewChange>) -> CheckedChange {
        safety::check(&change.unwrap().bytes, Schema::Private).unwrap()
    }

    fn texts(doc: &CardDoc) -> Vec<(String, bool)> {
        let notes = doc.notes().into_iter();
        notes
            .map(|note| (note.text, note.withdrawn.is_some()))
            .collect()
    }

    #[test]
    fn two_desks_add_at_once_and_both_notes_stand() {
        let mut ann = CardDoc::genesis(CARD).unwrap();
        let mut bob = CardDoc::genesis(CARD).unwrap();
        let bites = sent(ann.add(ANN, at(1), BITES, "bites").unwrap());
        let shy = sent(bob.add(BOB, at(2), SHY, "shy").unwrap());
        ann.receive(&[shy]).unwrap();
        bob.receive(&[bites]).unwrap();
        let both = [("shy".to_owned(), false), ("bites".to_owned(), false)];
        assert_eq!(texts(&ann), both);
        assert_eq!(texts(&bob), both);
        assert_eq!(ann.heads(), bob.heads());
    }

    #[test]
    fn a_withdrawn_note_stays_and_may_hold_again() {
        let mut doc = CardDoc::genesis(CARD).unwrap();
        doc.add(ANN, at(1), BITES, "bites").unwrap().unwrap();
        let change = doc.withdraw(BOB, at(2), BITES, true).unwrap().unwrap();
        assert_eq!(doc.notes()[0].withdrawn, Some((at(2), change.hash)));
        assert_eq!(texts(&doc), [("bites".to_owned(), true)]);
        doc.withdraw(BOB, at(3), BITES, false).unwrap().unwrap();
        assert_eq!(texts(&doc), [("bites".to_owned(), false)]);
    }

    #[test]
    fn nobody_rewrites_the_note_of_another() {
        let mut doc = CardDoc::genesis(CARD).unwrap();
        let written = doc.add(ANN, at(1), BITES, "bites").unwrap().unwrap();
        let over = (NOTES, key_of(BITES, ANN), code::write("a lamb"));
        doc.registers.write(BOB, at(9), &[over]).unwrap().unwrap();
        // And a second one of the same id, by its own name.
        doc.add(BOB, at(9), BITES, "a lamb").unwrap().unwrap();
        assert_eq!(texts(&doc), [("bites".to_owned(), false)]);
        assert_eq!(doc.notes()[0].change, written.hash);
    }

    #[test]
    fn a_masked_note_is_looked_through() {
        let mut doc = CardDoc::genesis(CARD).unwrap();
        doc.add(ANN, at(1), BITES, "bites").unwrap().unwrap();
        let forged = doc.add(BOB, at(2), SHY, "shy").unwrap().unwrap();
        let hidden = doc.withdraw(BOB, at(3), BITES, true).unwrap().unwrap();
        doc.mask([forged.hash, hidden.hash].into());
        assert_eq!(texts(&doc), [("bites".to_owned(), false)]);
    }
}
