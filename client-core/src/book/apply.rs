//! Arrivals into documents.

use std::collections::{BTreeSet, HashMap, btree_map::Entry as Slot};

use conflict_rules::{AppointmentId, PlacementHash, Source};
use schedule::{
    CheckedChange, GridBody, Hlc, HostileChange, Received, ScheduleBody, Schema, Week,
    grid_document_id, safety,
};
use sync_protocol::{DocumentId, Entry, FeedId, Hash, IncarnationId, SeatId, Verdict};

use super::{Book, Keys, derived::HotWeek, entries::Seen, waiting::Locked};
use crate::{
    documents::{PrivateBody, Target},
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
                )
            }
            Arrival::Placed { entry, place, .. } => self.placed(entry, *place),
            Arrival::Confirmation {
                confirmation,
                place,
            } => {
                let said = confirmation.value();
                let granted = matches!(said.verdict, Verdict::Granted);
                self.confirmation(
                    AppointmentId::from_bytes(said.claim),
                    PlacementHash(said.placement.to_bytes()),
                    *place,
                    granted,
                )
            }
            Arrival::Act(_) | Arrival::Withheld { .. } => Touched::default(),
        }
    }

    /// Tries again what waited for keys.
    pub fn keys_changed(&mut self, keys: &dyn Keys) -> Touched {
        let mut touched = Touched::default();
        for locked in self.waiting.take_locked() {
            touched |= self.entry(locked, keys);
        }
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
        if schedule && self.entries.decides(entry) {
            self.forget();
        } else if schedule {
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
        granted: bool,
    ) -> Touched {
        let schedule = self.entries.confirm(claim, placement, place, granted);
        if schedule {
            self.reviews = std::sync::OnceLock::new();
        }
        Touched {
            schedule,
            ..Touched::default()
        }
    }

    fn entry(&mut self, locked: Locked, keys: &dyn Keys) -> Touched {
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
            return self.apply(&opened, keys);
        }
        match keys.open(entry) {
            Ok(plain) => {
                opened.plain = &plain;
                self.apply(&opened, keys)
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
        if self.entries.get(&opened.hash).is_some() {
            return self.again(opened, keys);
        }
        self.apply_to_document(opened, keys)
    }

    fn apply_to_document(&mut self, opened: &Opened<'_>, keys: &dyn Keys) -> Touched {
        let done = match opened.feed {
            FeedId::Schedule(_) => self.apply_schedule(opened),
            FeedId::Grid => self.apply_grid(opened),
            FeedId::Practice | FeedId::Visits(_) | FeedId::Contact => {
                self.apply_private(opened, keys)
            }
            // Of a later version: kept by the ledger until then.
            FeedId::Governance
            | FeedId::Keys
            | FeedId::Handling
            | FeedId::Clinical
            | FeedId::Grooming
            | FeedId::Payments => Ok(Touched::default()),
        };
        done.unwrap_or_else(|refused| {
            self.refused.insert(opened.hash, refused);
            Touched::default()
        })
    }

    /// Known already: perhaps its position or its author's rights are news.
    fn again(&mut self, opened: &Opened<'_>, keys: &dyn Keys) -> Touched {
        let mut touched = match opened.place {
            Some(place) => self.placed(&opened.hash, place),
            None => Touched::default(),
        };
        if self.entries.set_masked(&opened.hash, opened.masked) {
            touched |= self.apply_to_document(opened, keys);
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

    fn apply_schedule(&mut self, opened: &Opened<'_>) -> Result<Touched, Refused> {
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
                self.entries.touch(opened.hash, body.week, write);
            }
        }
        week.mask(&changes, opened.masked);
        let refused = receive(
            &mut self.waiting,
            opened.document,
            changes,
            |changes| week.receive(changes),
            &mut |_| {},
        );
        let stamp = Stamp {
            clock: body.intent.clock,
            source: body.intent.source,
        };
        self.remember(opened, stamp);
        self.note(opened, refused);
        self.forget();
        Ok(Touched {
            schedule: true,
            ..Touched::default()
        })
    }

    fn apply_grid(&mut self, opened: &Opened<'_>) -> Result<Touched, Refused> {
        let body = GridBody::decode(opened.plain).map_err(|_| Refused::Body)?;
        if opened.document.to_bytes() != grid_document_id(self.org.to_bytes()) {
            return Err(Refused::WrongDocument);
        }
        let changes = checked(opened, &body.changes, Schema::Grid)?;
        self.mask_hashes(opened, &changes);
        let grid = &mut self.grid;
        let refused = receive(
            &mut self.waiting,
            opened.document,
            changes,
            |changes| grid.receive(changes),
            &mut |_| {},
        );
        let stamp = Stamp {
            clock: body.intent.clock,
            source: body.intent.source,
        };
        self.remember(opened, stamp);
        self.note(opened, refused);
        self.forget();
        Ok(Touched {
            schedule: true,
            practice: true,
            ..Touched::default()
        })
    }

    fn apply_private(&mut self, opened: &Opened<'_>, keys: &dyn Keys) -> Result<Touched, Refused> {
        let body = PrivateBody::decode(opened.plain).map_err(|_| Refused::Body)?;
        if body.target.feed() != opened.feed || body.target.document_id(self.org) != opened.document
        {
            return Err(Refused::WrongDocument);
        }
        let changes = checked(opened, &body.changes, Schema::Private)?;
        let mut touched = Touched::default();
        let waiting = &mut self.waiting;
        let document = opened.document;
        let refused = match body.target {
            Target::Practice => {
                touched.practice = true;
                self.mask_hashes(opened, &changes);
                let doc = &mut self.practice_doc;
                let refused = receive(
                    &mut self.waiting,
                    document,
                    changes,
                    |changes| doc.receive(changes),
                    &mut |_| {},
                );
                self.practice = self.practice_doc.practice();
                self.forget();
                refused
            }
            Target::Visits(week) => {
                touched.schedule = true;
                let visits = self.visits.week(week).map_err(|_| Refused::Body)?;
                let all = visits.mask(&changes, opened.masked) || visits.is_masked();
                let mut written = BTreeSet::new();
                let refused = receive(
                    waiting,
                    document,
                    changes,
                    |changes| visits.document.receive(changes),
                    &mut |change| written.extend(change.map_keys().map(str::to_owned)),
                );
                self.visits.read(week, (!all).then_some(&written), keys);
                refused
            }
            Target::Client(_) | Target::Pet(_) => {
                touched.records = true;
                touched.schedule = true;
                let subject = body.target.subject().ok_or(Refused::Body)?;
                let mut record = self
                    .records
                    .open(subject, &changes, opened.masked)
                    .map_err(|_| Refused::Body)?;
                let refused = receive(
                    waiting,
                    document,
                    changes,
                    |changes| record.receive(changes),
                    &mut |_| {},
                );
                self.records.close(record);
                refused
            }
        };
        let stamp = Stamp {
            clock: body.intent.clock,
            source: body.intent.source,
        };
        self.remember(opened, stamp);
        self.note(opened, refused);
        Ok(touched)
    }

    fn note(&mut self, opened: &Opened<'_>, refused: Option<HostileChange>) {
        if let Some(refused) = refused {
            self.refused.insert(opened.hash, Refused::Hostile(refused));
        }
    }

    /// Derived results are stale.
    pub(super) fn forget(&mut self) {
        self.derived = std::sync::OnceLock::new();
        self.reviews = std::sync::OnceLock::new();
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

/// Applies changes and whatever had waited for them. A hostile one is left out and told; what
/// builds on it waits.
fn receive(
    waiting: &mut super::waiting::Waiting,
    document: DocumentId,
    changes: Vec<CheckedChange>,
    mut apply: impl FnMut(&[CheckedChange]) -> Result<Received, HostileChange>,
    applied: &mut dyn FnMut(&CheckedChange),
) -> Option<HostileChange> {
    let mut hostile = None;
    let mut left = waiting.take_orphans(document);
    left.extend(changes);
    loop {
        match apply(&left) {
            Ok(received) => {
                let by_hash: HashMap<[u8; 32], &CheckedChange> =
                    left.iter().map(|change| (change.hash(), change)).collect();
                for hash in received.applied {
                    by_hash
                        .get(&hash)
                        .into_iter()
                        .for_each(|change| applied(change));
                }
                for hash in received.waiting {
                    if let Some(change) = by_hash.get(&hash) {
                        waiting.orphan(document, CheckedChange::clone(change));
                    }
                }
                return hostile;
            }
            Err(error) => {
                let before = left.len();
                left.retain(|change| change.hash() != error.change());
                hostile = Some(error);
                if left.len() == before || left.is_empty() {
                    return hostile;
                }
            }
        }
    }
}
