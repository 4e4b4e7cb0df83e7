//! Arrivals into documents.

use std::collections::btree_map::Entry as Slot;

use conflict_rules::{AppointmentId, PlacementHash, Source};
use schedule::{
    CheckedChange, GridBody, Hlc, HostileChange, ScheduleBody, Schema, Week, grid_document_id,
    safety,
};
use sync_protocol::{
    DocumentId, Entry, FeedId, Hash, IncarnationId, RefusalReason, SeatId, Verdict,
};

use super::{
    Book, Keys,
    entries::Seen,
    gather::{Gathered, Part, Whose},
    stale::Stale,
    waiting::Locked,
    week::HotWeek,
};
use crate::{
    catalogue::Standing,
    documents::{PrivateBody, Subject, Target},
    ledger::{Arrival, Place},
    sealing::OpenError,
};

/// Which views are stale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use]
pub struct Touched {
    /// Days, visits, clashes, reviews.
    pub schedule: bool,
    /// Clients and pets.
    pub records: bool,
    /// Staff, rooms, services, hours.
    pub practice: bool,
}

impl core::ops::BitOrAssign for Touched {
    fn bitor_assign(&mut self, other: Self) {
        self.schedule |= other.schedule;
        self.records |= other.records;
        self.practice |= other.practice;
    }
}

/// Why an entry, or some of its changes, were not applied. Others that hold the same bytes do the
/// same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be opened: another key, or damage.
    #[error("the entry cannot be opened: {0}")]
    Sealed(OpenError),
    /// Not a body of this feed, or written by a newer program.
    #[error("the entry's body cannot be read")]
    Body,
    /// The body is about another document than the header says.
    #[error("the entry is about another document than it says")]
    WrongDocument,
    /// A change bears another author than the entry.
    #[error("a change bears another author than its entry")]
    ForeignActor,
    /// A change that is not safe to apply.
    #[error("a change is not safe: {0}")]
    Unsafe(#[from] schedule::Unsafe),
    /// A change that does not fit its document.
    #[error("a change does not fit: {0}")]
    Hostile(#[from] HostileChange),
}

/// An entry whose body is open.
#[derive(Debug, Clone, Copy)]
pub struct Opened<'a> {
    /// The entry.
    pub hash: Hash,
    /// Its feed.
    pub feed: FeedId,
    /// Its document.
    pub document: DocumentId,
    /// Who wrote it.
    pub seat: SeatId,
    /// In which run of a process.
    pub incarnation: IncarnationId,
    /// Its number there.
    pub sequence: u64,
    /// Where it stands, if it has a position.
    pub place: Option<Place>,
    /// Whether its effects are looked through.
    pub masked: bool,
    /// The body.
    pub plain: &'a [u8],
}

#[derive(Clone, Copy)]
struct Stamp {
    clock: Hlc,
    source: Source,
}

impl Book {
    /// Takes in what the ledger tells. Telling it twice, or in another order, comes to the same.
    pub fn arrived(&mut self, arrival: &Arrival, keys: &dyn Keys) -> Touched {
        self.arrived_all(core::slice::from_ref(arrival), keys)
    }

    /// Takes in all that the ledger tells. It comes to the same as telling one after the other, and
    /// costs less: each document takes in its changes together.
    pub fn arrived_all(&mut self, arrivals: &[Arrival], keys: &dyn Keys) -> Touched {
        let mut touched = Touched::default();
        let mut gathered = Gathered::default();
        for arrival in arrivals {
            touched |= self.arrival(arrival, keys, &mut gathered);
            if gathered.is_full() {
                touched |= self.settle(&mut gathered, keys);
            }
        }
        touched |= self.settle(&mut gathered, keys);
        touched
    }

    fn arrival(&mut self, arrival: &Arrival, keys: &dyn Keys, gathered: &mut Gathered) -> Touched {
        match arrival {
            Arrival::Entry {
                entry, mask, place, ..
            } => {
                let (entry, place) = (std::sync::Arc::clone(entry), *place);
                let masked = mask.is_some();
                self.entry(
                    Locked {
                        entry,
                        masked,
                        place,
                    },
                    keys,
                    gathered,
                )
            }
            Arrival::Placed { entry, place, .. } => self.placed(entry, *place),
            Arrival::Confirmation {
                confirmation,
                place,
            } => {
                let said = confirmation.value();
                let standing = match said.verdict {
                    Verdict::Granted => Standing::Confirmed,
                    // It has moved on, or nothing was said about the slot.
                    Verdict::Refused(
                        RefusalReason::Stale
                        | RefusalReason::Paused
                        | RefusalReason::UnknownParents,
                    ) => Standing::Tentative,
                    Verdict::Refused(
                        RefusalReason::Taken { .. } | RefusalReason::NotAuthorised,
                    ) => Standing::Refused,
                };
                self.confirmation(
                    AppointmentId::from_bytes(said.claim),
                    PlacementHash(said.placement.to_bytes()),
                    *place,
                    standing,
                )
            }
            Arrival::Act(_) | Arrival::Withheld { .. } => Touched::default(),
        }
    }

    /// Tries again what waited for keys.
    pub fn keys_changed(&mut self, keys: &dyn Keys) -> Touched {
        let mut touched = Touched::default();
        let mut gathered = Gathered::default();
        for locked in self.waiting.take_locked() {
            touched |= self.entry(locked, keys, &mut gathered);
        }
        touched |= self.settle(&mut gathered, keys);
        if self.visits.open_locked(keys) {
            touched.schedule = true;
        }
        touched
    }

    /// An entry got its position.
    pub fn placed(&mut self, entry: &Hash, place: Place) -> Touched {
        if let Some(locked) = self.waiting.locked(entry) {
            locked.place = Some(place);
        }
        let schedule = self.entries.place(entry, place);
        if schedule {
            let decisions = self.entries.decided_in(entry);
            if !decisions.is_empty() {
                self.derived.stale().ranks(decisions);
            }
            self.reviews = std::sync::OnceLock::new();
        }
        Touched {
            schedule,
            ..Touched::default()
        }
    }

    /// The relay granted or refused a placement.
    pub fn confirmation(
        &mut self,
        claim: AppointmentId,
        placement: PlacementHash,
        place: Place,
        standing: Standing,
    ) -> Touched {
        let schedule = self.entries.confirm(claim, placement, place, standing);
        if schedule {
            self.reviews = std::sync::OnceLock::new();
        }
        Touched {
            schedule,
            ..Touched::default()
        }
    }

    fn entry(&mut self, locked: Locked, keys: &dyn Keys, gathered: &mut Gathered) -> Touched {
        let entry: &Entry = &locked.entry;
        let header = entry.header();
        let hash = entry.hash();
        // The key table is the key ring's; a purged body says nothing any more.
        let (false, Some(body)) = (header.feed == FeedId::Keys, entry.body()) else {
            return Touched::default();
        };
        let mut opened = Opened {
            hash,
            feed: header.feed,
            document: header.document,
            seat: header.seat,
            incarnation: header.incarnation,
            sequence: header.sequence,
            place: locked.place,
            masked: locked.masked,
            plain: body,
        };
        if header.feed.clear() {
            return self.gather(&opened, gathered);
        }
        // Nothing opens it ever again; some act may name its key later.
        if header.key.is_some_and(|key| keys.is_erased(key)) {
            return Touched::default();
        }
        match keys.open(entry) {
            Ok(plain) => {
                opened.plain = &plain;
                self.gather(&opened, gathered)
            }
            Err(OpenError::MissingKey) => {
                self.waiting.lock(locked);
                Touched::default()
            }
            Err(error) => {
                self.refused.insert(hash, Refused::Sealed(error));
                Touched::default()
            }
        }
    }

    /// Takes in an entry whose body is open.
    pub fn apply(&mut self, opened: &Opened<'_>, keys: &dyn Keys) -> Touched {
        self.apply_all(core::slice::from_ref(opened), keys)
    }

    /// Takes in entries whose bodies are open: the same as one after the other.
    pub fn apply_all(&mut self, opened: &[Opened<'_>], keys: &dyn Keys) -> Touched {
        let mut touched = Touched::default();
        let mut gathered = Gathered::default();
        for opened in opened {
            touched |= self.gather(opened, &mut gathered);
        }
        touched |= self.settle(&mut gathered, keys);
        touched
    }

    fn gather(&mut self, opened: &Opened<'_>, gathered: &mut Gathered) -> Touched {
        if self.entries.get(&opened.hash).is_some() {
            return self.again(opened, gathered);
        }
        self.gather_changes(opened, gathered);
        Touched::default()
    }

    fn gather_changes(&mut self, opened: &Opened<'_>, gathered: &mut Gathered) {
        let done = match opened.feed {
            FeedId::Schedule(_) => self.gather_schedule(opened, gathered),
            FeedId::Grid => self.gather_grid(opened, gathered),
            FeedId::Practice
            | FeedId::Visits(_)
            | FeedId::Contact
            | FeedId::Handling
            | FeedId::Clinical
            | FeedId::Grooming
            | FeedId::Payments => self.gather_private(opened, gathered),
            // The chain's and the key ring's.
            FeedId::Governance | FeedId::Keys => Ok(()),
        };
        if let Err(refused) = done {
            self.refused.insert(opened.hash, refused);
        }
    }

    /// Known already: perhaps its position or its author's rights are news.
    fn again(&mut self, opened: &Opened<'_>, gathered: &mut Gathered) -> Touched {
        let touched = match opened.place {
            Some(place) => self.placed(&opened.hash, place),
            None => Touched::default(),
        };
        if self.entries.set_masked(&opened.hash, opened.masked) {
            self.gather_changes(opened, gathered);
        }
        touched
    }

    fn remember(&mut self, opened: &Opened<'_>, stamp: Stamp) {
        if self.entries.get(&opened.hash).is_some() {
            return;
        }
        let seen = Seen {
            seat: opened.seat,
            incarnation: opened.incarnation,
            sequence: opened.sequence,
            place: opened.place,
            masked: opened.masked,
            clock: stamp.clock,
            source: stamp.source,
        };
        self.entries.add(opened.hash, seen);
    }

    fn gather_schedule(
        &mut self,
        opened: &Opened<'_>,
        gathered: &mut Gathered,
    ) -> Result<(), Refused> {
        let body = ScheduleBody::decode(opened.plain).map_err(|_| Refused::Body)?;
        let site = sync_protocol::Site::from_bytes(body.week.location.to_bytes());
        if opened.feed != FeedId::Schedule(site)
            || opened.document.to_bytes() != body.week.document_id()
        {
            return Err(Refused::WrongDocument);
        }
        let changes = checked(opened, &body.changes, Schema::Schedule)?;
        let week = match self.weeks.entry(body.week) {
            Slot::Occupied(week) => week.into_mut(),
            Slot::Vacant(none) => {
                let week = Week::genesis(body.week, &body.zone).map_err(|_| Refused::Body)?;
                none.insert(HotWeek::new(week))
            }
        };
        week.know_zone(&body.zone);
        if self.entries.get(&opened.hash).is_none() {
            // What a change says is remembered when it arrives, even while it waits.
            for write in changes.iter().flat_map(CheckedChange::writes) {
                let clock = body.intent.clock;
                self.entries.touch(opened.hash, clock, body.week, write);
            }
        }
        let stamp = Stamp {
            clock: body.intent.clock,
            source: body.intent.source,
        };
        self.remember(opened, stamp);
        gathered.add(
            opened.document,
            Whose::Week(body.week),
            part(opened, changes),
        );
        Ok(())
    }

    fn gather_grid(&mut self, opened: &Opened<'_>, gathered: &mut Gathered) -> Result<(), Refused> {
        let body = GridBody::decode(opened.plain).map_err(|_| Refused::Body)?;
        if opened.document.to_bytes() != grid_document_id(self.org.to_bytes()) {
            return Err(Refused::WrongDocument);
        }
        let changes = checked(opened, &body.changes, Schema::Grid)?;
        self.mask_hashes(opened, &changes);
        let stamp = Stamp {
            clock: body.intent.clock,
            source: body.intent.source,
        };
        self.remember(opened, stamp);
        gathered.add(opened.document, Whose::Grid, part(opened, changes));
        Ok(())
    }

    fn gather_private(
        &mut self,
        opened: &Opened<'_>,
        gathered: &mut Gathered,
    ) -> Result<(), Refused> {
        let body = PrivateBody::decode(opened.plain).map_err(|_| Refused::Body)?;
        if body.target.feed() != opened.feed || body.target.document_id(self.org) != opened.document
        {
            return Err(Refused::WrongDocument);
        }
        let changes = checked(opened, &body.changes, Schema::Private)?;
        if self.entries.get(&opened.hash).is_none() {
            self.trail.note(opened.hash, body.target, &changes);
        }
        let whose = match body.target {
            Target::Practice => {
                self.mask_hashes(opened, &changes);
                Whose::Practice
            }
            Target::Visits(week) => Whose::Visits(week),
            Target::Client(client) => Whose::Record(Subject::Client(client)),
            Target::Pet(pet) => Whose::Record(Subject::Pet(pet)),
            Target::Card(card) => {
                self.cards
                    .note_withdrawals(card, body.intent.clock, &changes);
                Whose::Card(card)
            }
            Target::Access(subject) => Whose::Access(subject),
        };
        let stamp = Stamp {
            clock: body.intent.clock,
            source: body.intent.source,
        };
        self.remember(opened, stamp);
        gathered.add(opened.document, whose, part(opened, changes));
        Ok(())
    }

    /// Derived results are stale, as far as is said.
    pub(super) fn stale(&mut self) -> &mut Stale {
        self.reviews = std::sync::OnceLock::new();
        self.derived.stale()
    }

    fn mask_hashes(&mut self, opened: &Opened<'_>, changes: &[CheckedChange]) {
        let known = self.masks.entry(opened.document).or_default();
        let before = known.len();
        for change in changes {
            if opened.masked {
                known.insert(change.hash());
            } else {
                known.remove(&change.hash());
            }
        }
        if known.len() != before {
            let known = known.clone();
            if opened.feed == FeedId::Grid {
                self.grid.mask(known);
            } else {
                self.practice_doc.mask(known);
            }
        }
    }
}

/// All changes of an entry, safe to apply and by its author.
fn checked(
    opened: &Opened<'_>,
    changes: &[Vec<u8>],
    schema: Schema,
) -> Result<Vec<CheckedChange>, Refused> {
    changes
        .iter()
        .map(|bytes| {
            let change = safety::check(bytes, schema)?;
            if change.actor() == opened.incarnation.to_bytes() {
                Ok(change)
            } else {
                Err(Refused::ForeignActor)
            }
        })
        .collect()
}

fn part(opened: &Opened<'_>, changes: Vec<CheckedChange>) -> Part {
    Part {
        entry: opened.hash,
        masked: opened.masked,
        changes,
    }
}
