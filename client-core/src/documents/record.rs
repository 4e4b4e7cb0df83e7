//! The record of one client or one pet.
//!
//! Loaded only while it is written or folded: tens of thousands of records stay in memory as the
//! bytes of their changes.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};
use schedule::{CheckedChange, Hlc, HostileChange, NewChange, Received};
use sync_protocol::SeatId;

use super::{
    body::Target,
    code,
    registers::{DocumentError, Layout, Registers, Stamped, latest},
};
use crate::catalogue::{ClientId, PetId};

const FIELDS: usize = 0;

static LAYOUT: Layout = Layout {
    domain: "daybook record genesis v1",
    containers: &["fields"],
};

/// Whose record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Who pays.
    Client(ClientId),
    /// Who is treated.
    Pet(PetId),
}

impl Subject {
    /// The 16 bytes by which subject keys name it.
    pub const fn to_bytes(self) -> [u8; 16] {
        match self {
            Self::Client(client) => client.to_bytes(),
            Self::Pet(pet) => pet.to_bytes(),
        }
    }

    /// Its document.
    pub const fn target(self) -> Target {
        match self {
            Self::Client(client) => Target::Client(client),
            Self::Pet(pet) => Target::Pet(pet),
        }
    }

    pub(super) fn name(self) -> [u8; 17] {
        let kind = match self {
            Self::Client(_) => 0,
            Self::Pet(_) => 1,
        };
        let mut name = [kind; 17];
        for (to, from) in name.iter_mut().skip(1).zip(self.to_bytes()) {
            *to = from;
        }
        name
    }
}

impl core::fmt::Display for Subject {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Client(client) => client.fmt(f),
            Self::Pet(pet) => pet.fmt(f),
        }
    }
}

/// What somebody gave as a reason, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// When, in seconds.
    pub at: i64,
    /// At which seat.
    pub seat: SeatId,
    /// The reason, or empty.
    pub reason: String,
}

#[derive(Encode, Decode)]
struct SaidWire(
    #[n(0)] i64,
    #[cbor(n(1), with = "minicbor::bytes")] [u8; 16],
    #[n(2)] String,
);

impl Said {
    fn write(&self) -> Vec<u8> {
        code::write(SaidWire(self.at, self.seat.to_bytes(), self.reason.clone()))
    }

    /// From the value of a register.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let SaidWire(at, seat, reason) = code::owned(bytes)?;
        Some(Self {
            at,
            seat: SeatId::from_bytes(seat),
            reason,
        })
    }
}

/// A client, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientRecord {
    /// Full name.
    pub name: String,
    /// Phone numbers as written.
    pub phones: Vec<String>,
    /// E-mail, or empty.
    pub email: String,
    /// Note, or empty.
    pub note: String,
    /// Why this client must be kept, or empty.
    pub hold: String,
    /// Why what is kept about this client may not be used, while it may not.
    pub restriction: Option<Said>,
}

/// A pet, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PetRecord {
    /// Whose.
    pub owner: ClientId,
    /// Its name.
    pub name: String,
    /// Species, or empty.
    pub species: String,
    /// Breed, or empty.
    pub breed: String,
    /// Microchip number, or empty.
    pub microchip: String,
}

/// What to set of a client; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct ClientFields {
    /// Full name.
    pub name: Option<String>,
    /// All phone numbers.
    pub phones: Option<Vec<String>>,
    /// E-mail.
    pub email: Option<String>,
    /// Note.
    pub note: Option<String>,
    /// Why this client must be kept.
    pub hold: Option<String>,
    /// Why what is kept may not be used; an empty reason lifts it.
    pub restriction: Option<Said>,
    /// Why something was written in spite of the restriction.
    pub despite: Option<Said>,
    /// Taken in by mistake: not shown any more.
    pub gone: Option<bool>,
}

/// What to set of a pet; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct PetFields {
    /// Whose.
    pub owner: Option<ClientId>,
    /// Name.
    pub name: Option<String>,
    /// Species.
    pub species: Option<String>,
    /// Breed.
    pub breed: Option<String>,
    /// Microchip number.
    pub microchip: Option<String>,
    /// Taken in by mistake: not shown any more.
    pub gone: Option<bool>,
}

/// A record document.
#[derive(Debug, Clone)]
pub struct RecordDoc {
    registers: Registers,
}

impl RecordDoc {
    /// The document as it begins: the same bytes on every replica.
    pub fn genesis(subject: Subject) -> Result<Self, DocumentError> {
        let registers = Registers::genesis(&LAYOUT, &subject.name())?;
        Ok(Self { registers })
    }

    /// Puts together what was received before.
    pub(crate) fn replay<'a>(
        subject: Subject,
        changes: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, DocumentError> {
        let mut doc = Self::genesis(subject)?;
        doc.registers.replay(changes)?;
        Ok(doc)
    }

    /// Adds or edits a client.
    pub fn set_client(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        fields: &ClientFields,
    ) -> Result<Option<NewChange>, DocumentError> {
        let puts = [
            ("name", fields.name.as_ref().map(code::write)),
            ("phones", fields.phones.as_ref().map(code::write)),
            ("email", fields.email.as_ref().map(code::write)),
            ("note", fields.note.as_ref().map(code::write)),
            ("hold", fields.hold.as_ref().map(code::write)),
            ("restricted", fields.restriction.as_ref().map(Said::write)),
            ("despite", fields.despite.as_ref().map(Said::write)),
            ("gone", fields.gone.map(code::write)),
        ];
        self.write(actor, clock, puts)
    }

    /// Adds or edits a pet.
    pub fn set_pet(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        fields: &PetFields,
    ) -> Result<Option<NewChange>, DocumentError> {
        let puts = [
            ("owner", fields.owner.map(code::write)),
            ("name", fields.name.as_ref().map(code::write)),
            ("species", fields.species.as_ref().map(code::write)),
            ("breed", fields.breed.as_ref().map(code::write)),
            ("microchip", fields.microchip.as_ref().map(code::write)),
            ("gone", fields.gone.map(code::write)),
        ];
        self.write(actor, clock, puts)
    }

    fn write<const N: usize>(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        puts: [(&str, Option<Vec<u8>>); N],
    ) -> Result<Option<NewChange>, DocumentError> {
        let puts: Vec<_> = puts
            .into_iter()
            .filter_map(|(field, payload)| Some((FIELDS, field.to_owned(), payload?)))
            .collect();
        self.registers.write(actor, clock, &puts)
    }

    #[cfg(test)]
    pub(super) fn registers_for_tests(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        field: &str,
        payload: Vec<u8>,
    ) {
        let put = (FIELDS, field.to_owned(), payload);
        self.registers.write(actor, clock, &[put]).unwrap();
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

    /// Whether this change is in the document.
    pub fn holds(&self, hash: [u8; 32]) -> bool {
        self.registers.holds(hash)
    }

    /// The client, once a name can be read.
    pub fn client(&self) -> Option<ClientRecord> {
        let fields = self.registers.entries(FIELDS);
        if is_gone(&fields) {
            return None;
        }
        Some(ClientRecord {
            name: latest(fields.get("name"), code::owned)?,
            phones: latest(fields.get("phones"), code::owned).unwrap_or_default(),
            email: text(&fields, "email"),
            note: text(&fields, "note"),
            hold: text(&fields, "hold"),
            restriction: latest(fields.get("restricted"), Said::read)
                .filter(|said| !said.reason.is_empty()),
        })
    }

    /// The pet, once a name and an owner can be read.
    pub fn pet(&self) -> Option<PetRecord> {
        let fields = self.registers.entries(FIELDS);
        if is_gone(&fields) {
            return None;
        }
        Some(PetRecord {
            owner: latest(fields.get("owner"), code::owned)?,
            name: latest(fields.get("name"), code::owned)?,
            species: text(&fields, "species"),
            breed: text(&fields, "breed"),
            microchip: text(&fields, "microchip"),
        })
    }

    /// A field's CBOR when these were the latest changes.
    pub(crate) fn field_at(&self, field: &str, heads: &[[u8; 32]]) -> Option<Vec<u8>> {
        let standing = self.registers.at(FIELDS, field, heads).into_iter();
        standing.map(|value| value.payload).next()
    }

    /// Whose a pet is, or was before it was taken out of the book.
    pub(crate) fn owner(&self) -> Option<ClientId> {
        latest(self.registers.entries(FIELDS).get("owner"), code::owned)
    }

    /// Fields that were written concurrently and differently: all values, the one shown first.
    pub fn conflicts(&self) -> BTreeMap<String, Vec<Stamped>> {
        let fields = self.registers.entries(FIELDS).into_iter();
        fields
            .filter(|(_, standing)| {
                let mut payloads = standing.iter().map(|value| &value.payload);
                let first = payloads.next();
                payloads.any(|other| Some(other) != first)
            })
            .collect()
    }
}

fn text(fields: &BTreeMap<String, Vec<Stamped>>, field: &str) -> String {
    latest(fields.get(field), code::owned).unwrap_or_default()
}

fn is_gone(fields: &BTreeMap<String, Vec<Stamped>>) -> bool {
    latest(fields.get("gone"), code::owned).unwrap_or(false)
}
