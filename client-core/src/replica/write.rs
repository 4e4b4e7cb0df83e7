//! From changes of documents to durable entries.
//!
//! A [`Batch`] collects what one command changes: each document at most once as a copy, so that
//! nothing shows before it is saved. [`Replica::save`] seals, signs, writes in the order in which
//! others need it (keys, grid, practice, records, visits, schedule), waits for the disk, and only
//! then tells the book.

use std::collections::BTreeMap;

use conflict_rules::Source;
use entry_log::Storage;
use jiff::Timestamp;
use rand_core::CryptoRng;
use schedule::{ClearIntent, Grid, GridBody, Hlc, NewChange, ScheduleBody, Week, WeekKey};
use sync_protocol::{DocumentId, FeedId, KeyId, SeatId, Site, SubjectId};

use super::{
    Replica, internal, keys_document, not_allowed, not_found, random, refusals::missing_key,
};
use crate::{
    book::Book,
    catalogue::{ErrorCode, Refusal},
    documents::{
        AccessDoc, CardDoc, CardId, Intent, PracticeDoc, PrivateBody, RecordDoc, Subject, Target,
        VisitsWeek,
    },
    ledger::{Author, Draft},
    sealing::{
        Compartment, ContentKey, KeyRow, MAX_ROWS, SealError, encode_rows, encode_word, seal,
    },
};

/// A document that is being changed, and its new changes.
struct Changing<D> {
    doc: D,
    changes: Vec<Vec<u8>>,
}

impl<D> Changing<D> {
    fn over(doc: D) -> Self {
        Self {
            doc,
            changes: Vec::new(),
        }
    }

    fn note(&mut self, change: Option<NewChange>) {
        self.changes.extend(change.map(|change| change.bytes));
    }
}

/// What one command changes.
pub(crate) struct Batch {
    pub(crate) clock: Hlc,
    actor: [u8; 16],
    seat: SeatId,
    request: [u8; 16],
    client_time: Timestamp,
    grid: Option<Changing<Grid>>,
    practice: Option<Changing<PracticeDoc>>,
    records: BTreeMap<Subject, Changing<RecordDoc>>,
    cards: BTreeMap<CardId, Changing<CardDoc>>,
    accesses: BTreeMap<Subject, Changing<AccessDoc>>,
    visits: BTreeMap<WeekKey, Changing<VisitsWeek>>,
    weeks: BTreeMap<WeekKey, Changing<Week>>,
}

impl Batch {
    /// Changes the grid.
    pub(crate) fn grid(
        &mut self,
        book: &Book,
        change: impl FnOnce(&mut Grid, [u8; 16]) -> Result<Option<NewChange>, Refusal>,
    ) -> Result<(), Refusal> {
        let changing = self.grid.get_or_insert_with(|| Changing::over(book.grid()));
        let made = change(&mut changing.doc, self.actor)?;
        changing.note(made);
        Ok(())
    }

    /// Changes the practice.
    pub(crate) fn practice(
        &mut self,
        book: &Book,
        change: impl FnOnce(&mut PracticeDoc, [u8; 16], Hlc) -> Result<Option<NewChange>, Refusal>,
    ) -> Result<(), Refusal> {
        let changing = self
            .practice
            .get_or_insert_with(|| Changing::over(book.practice_doc()));
        let made = change(&mut changing.doc, self.actor, self.clock)?;
        changing.note(made);
        Ok(())
    }

    /// Changes a record.
    pub(crate) fn record(
        &mut self,
        book: &Book,
        subject: Subject,
        change: impl FnOnce(&mut RecordDoc, [u8; 16], Hlc) -> Result<Option<NewChange>, Refusal>,
    ) -> Result<(), Refusal> {
        let changing = match self.records.entry(subject) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(Changing::over(book.record(subject)?))
            }
        };
        let made = change(&mut changing.doc, self.actor, self.clock)?;
        changing.note(made);
        Ok(())
    }

    /// Changes a card.
    pub(crate) fn card(
        &mut self,
        book: &Book,
        id: CardId,
        change: impl FnOnce(&mut CardDoc, [u8; 16], Hlc) -> Result<Option<NewChange>, Refusal>,
    ) -> Result<(), Refusal> {
        let changing = match self.cards.entry(id) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(Changing::over(book.card(id)?))
            }
        };
        let made = change(&mut changing.doc, self.actor, self.clock)?;
        changing.note(made);
        Ok(())
    }

    /// Writes down who opened a clinical card.
    pub(crate) fn access(
        &mut self,
        book: &Book,
        subject: Subject,
        change: impl FnOnce(&mut AccessDoc, [u8; 16], Hlc) -> Result<Option<NewChange>, Refusal>,
    ) -> Result<(), Refusal> {
        let changing = match self.accesses.entry(subject) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(Changing::over(book.access(subject)?))
            }
        };
        let made = change(&mut changing.doc, self.actor, self.clock)?;
        changing.note(made);
        Ok(())
    }

    /// Changes a week of visits.
    pub(crate) fn visits(
        &mut self,
        book: &Book,
        key: WeekKey,
        change: impl FnOnce(&mut VisitsWeek, [u8; 16], Hlc) -> Result<Option<NewChange>, Refusal>,
    ) -> Result<(), Refusal> {
        let changing = match self.visits.entry(key) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(Changing::over(book.visits(key)?))
            }
        };
        let made = change(&mut changing.doc, self.actor, self.clock)?;
        changing.note(made);
        Ok(())
    }

    /// Changes a week of the schedule.
    pub(crate) fn week(
        &mut self,
        book: &Book,
        key: WeekKey,
        change: impl FnOnce(&mut Week, [u8; 16]) -> Result<Option<NewChange>, Refusal>,
    ) -> Result<(), Refusal> {
        let changing = match self.weeks.entry(key) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(Changing::over(book.week(key)?))
            }
        };
        let made = change(&mut changing.doc, self.actor)?;
        changing.note(made);
        Ok(())
    }
}

impl<S: Storage> Replica<S> {
    /// Begins to collect what one command changes.
    pub(crate) fn begin(&mut self, now: Timestamp, rng: &mut impl CryptoRng) -> Batch {
        let seen = self.book.latest_clock();
        Batch {
            clock: self.clock.stamp(now, seen),
            actor: self.ledger.incarnation().to_bytes(),
            seat: self.seat,
            request: random(rng),
            client_time: now,
            grid: None,
            practice: None,
            records: BTreeMap::new(),
            cards: BTreeMap::new(),
            accesses: BTreeMap::new(),
            visits: BTreeMap::new(),
            weeks: BTreeMap::new(),
        }
    }

    /// The key that seals what concerns a subject in a compartment, made if there is none yet.
    pub(crate) fn subject_key(
        &mut self,
        rng: &mut impl CryptoRng,
        subject: Subject,
        compartment: Compartment,
    ) -> Result<KeyId, Refusal> {
        let bytes = SubjectId::from_bytes(subject.to_bytes());
        if self.ledger.governance().erased().subject(bytes).is_some() {
            return Err(not_found("client", "client"));
        }
        let subject = subject.to_bytes();
        if let Some((id, _)) = self.keyring.subject_key(subject, compartment) {
            return Ok(id);
        }
        let (id, row) = self.keyring.new_subject(rng, subject, compartment)?;
        self.rows.push(row);
        Ok(id)
    }

    /// The key that seals what concerns nobody in particular.
    pub(crate) fn compartment_key(&self, compartment: Compartment) -> Result<KeyId, Refusal> {
        let (id, _) = self
            .keyring
            .compartment_key(compartment)
            .ok_or_else(missing_key)?;
        Ok(id)
    }

    /// The key of this id.
    pub(crate) fn content_key(&self, id: KeyId) -> Result<ContentKey<'_>, Refusal> {
        self.keyring.key(id).ok_or_else(missing_key)
    }

    /// Writes a batch, waits for the disk, then shows it in the book. `false` when there was
    /// nothing to write.
    pub(crate) fn save(&mut self, rng: &mut impl CryptoRng, batch: Batch) -> Result<bool, Refusal> {
        if self.broken {
            return Err(Refusal::new(
                ErrorCode::Storage,
                "An earlier write failed.",
                "Close Daybook and open it again. Nothing saved before is lost.",
            ));
        }
        self.may_save(&batch)?;
        let drafts = self.drafts(rng, batch)?;
        if drafts.is_empty() {
            return Ok(false);
        }
        let signing = self
            .secrets
            .seats
            .get(&self.seat)
            .ok_or_else(|| internal("This seat has no keys."))?
            .signing
            .clone();
        let author = Author {
            device: self.device,
            seat: self.seat,
            signing: &signing,
        };
        let keyring = &self.keyring;
        let mut failed: Option<SealError> = None;
        let written = self.ledger.write(author, drafts, &mut |header, plain| {
            let key = keyring.key(header.key?)?;
            let mut header = *header;
            match seal(rng, key, &mut header, plain) {
                Ok(body) => Some((header.seal?, body)),
                Err(error) => {
                    failed = Some(error);
                    None
                }
            }
        });
        if let Some(error) = failed {
            // Nothing was appended yet: the ledger signs everything before it writes.
            return Err(error.into());
        }
        let arrivals = match written.and_then(|arrivals| {
            self.ledger.commit()?;
            Ok(arrivals)
        }) {
            Ok(arrivals) => arrivals,
            Err(error) => {
                self.broken = !matches!(
                    error,
                    crate::ledger::LedgerError::TooLarge | crate::ledger::LedgerError::MissingKey
                );
                return Err(error.into());
            }
        };
        self.rows.clear();
        self.words.clear();
        self.receipts.clear();
        self.arrived(&arrivals);
        Ok(true)
    }

    /// Whatever a batch is for, taking a step back too: what the seat's role does not write now, it
    /// does not write.
    fn may_save(&self, batch: &Batch) -> Result<(), Refusal> {
        let Some(role) = self.role() else {
            return Ok(());
        };
        let practice = batch.practice.iter().any(|doc| !doc.changes.is_empty());
        let records = batch.records.values().any(|doc| !doc.changes.is_empty());
        let cards = batch
            .cards
            .iter()
            .filter(|(_, doc)| !doc.changes.is_empty());
        let feeds = practice
            .then_some(FeedId::Practice)
            .into_iter()
            .chain(records.then_some(FeedId::Contact))
            .chain(cards.map(|(id, _)| id.kind.feed()));
        for feed in feeds {
            if !role.may_write(feed) {
                return Err(not_allowed("write this any more", "an owner"));
            }
        }
        Ok(())
    }

    fn drafts(&mut self, rng: &mut impl CryptoRng, batch: Batch) -> Result<Vec<Draft>, Refusal> {
        let org = self.org();
        let clear = ClearIntent {
            clock: batch.clock,
            source: Source::Desk,
            request: batch.request,
        };
        let intent = Intent {
            clock: batch.clock,
            source: Source::Desk,
            seat: batch.seat,
            request: batch.request,
            client_time: batch.client_time,
        };
        let mut sealed: Vec<(Target, KeyId, Vec<Vec<u8>>)> = Vec::new();
        if let Some(practice) = batch.practice.filter(|doc| !doc.changes.is_empty()) {
            let key = self.compartment_key(Compartment::Practice)?;
            sealed.push((Target::Practice, key, practice.changes));
        }
        for (subject, record) in batch.records {
            if !record.changes.is_empty() {
                let key = self.subject_key(rng, subject, Compartment::Contact)?;
                sealed.push((subject.target(), key, record.changes));
            }
        }
        for (id, card) in batch.cards {
            if !card.changes.is_empty() {
                let key = self.subject_key(rng, id.subject, id.kind.compartment())?;
                sealed.push((Target::Card(id), key, card.changes));
            }
        }
        for (subject, access) in batch.accesses {
            if !access.changes.is_empty() {
                let key = self.subject_key(rng, subject, Compartment::Clinical)?;
                sealed.push((Target::Access(subject), key, access.changes));
            }
        }
        for (week, visits) in batch.visits {
            if !visits.changes.is_empty() {
                let key = self.compartment_key(Compartment::Visits)?;
                sealed.push((Target::Visits(week), key, visits.changes));
            }
        }
        let mut drafts = Vec::new();
        // A subject's row has an entry to itself: it can go without taking another's along.
        let subjects = |row: &KeyRow| matches!(row, KeyRow::Subject { .. });
        let (single, shared): (Vec<KeyRow>, Vec<KeyRow>) =
            self.rows.iter().cloned().partition(subjects);
        for rows in shared.chunks(MAX_ROWS).chain(single.chunks(1)) {
            drafts.push(Draft {
                feed: FeedId::Keys,
                document: keys_document(org),
                key: None,
                body: encode_rows(rows),
            });
        }
        for word in &self.words {
            drafts.push(Draft {
                feed: FeedId::Keys,
                document: keys_document(org),
                key: None,
                body: encode_word(word),
            });
        }
        for receipt in &self.receipts {
            drafts.push(Draft {
                feed: FeedId::Keys,
                document: keys_document(org),
                key: None,
                body: receipt.encode(),
            });
        }
        if let Some(grid) = batch.grid.filter(|doc| !doc.changes.is_empty()) {
            let body = GridBody {
                intent: clear,
                changes: grid.changes,
            };
            drafts.push(Draft {
                feed: FeedId::Grid,
                document: DocumentId::from_bytes(schedule::grid_document_id(org.to_bytes())),
                key: None,
                body: body.encode()?,
            });
        }
        for (target, key, changes) in sealed {
            let body = PrivateBody {
                target,
                intent,
                changes,
            };
            drafts.push(Draft {
                feed: target.feed(),
                document: target.document_id(org),
                key: Some(key),
                body: body.encode()?,
            });
        }
        for (week, schedule) in batch.weeks {
            if schedule.changes.is_empty() {
                continue;
            }
            let body = ScheduleBody {
                week,
                zone: schedule.doc.zone(),
                intent: clear,
                changes: schedule.changes,
            };
            drafts.push(Draft {
                feed: FeedId::Schedule(Site::from_bytes(week.location.to_bytes())),
                document: DocumentId::from_bytes(week.document_id()),
                key: None,
                body: body.encode()?,
            });
        }
        Ok(drafts)
    }
}
