//! Changes that arrived together, taken into each document at once.
//!
//! What an entry says of itself (its author, its clock, what it is about) is remembered when it
//! comes; the changes it carries are gathered by document and applied in one go, which costs a
//! fraction of applying them singly. What comes out is the same: when a document does not take
//! them together, it gets them entry by entry, so that a hostile one costs only its own document
//! that way, and is told by name.
//!
//! Start with [`Gathered::add`] and [`Book::settle`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schedule::{CheckedChange, HostileChange, Received, WeekKey};
use sync_protocol::{DocumentId, Hash};

use super::{
    Book, Keys,
    apply::{Refused, Touched},
    waiting::Waiting,
};
use crate::{
    catalogue::CardKind,
    documents::{CardId, Subject},
};

/// More than this is not held back: it would only take memory.
const MOST: usize = 8_192;

/// Which document changes are for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose {
    Grid,
    Practice,
    Week(WeekKey),
    Visits(WeekKey),
    Record(Subject),
    Card(CardId),
    Access(Subject),
}

/// The changes of one entry.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) entry: Hash,
    pub(super) masked: bool,
    pub(super) changes: Vec<CheckedChange>,
}

#[derive(Debug)]
struct ForOne {
    whose: Whose,
    parts: Vec<Part>,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    documents: BTreeMap<DocumentId, ForOne>,
    count: usize,
}

impl Gathered {
    pub(super) fn add(&mut self, document: DocumentId, whose: Whose, part: Part) {
        self.count += part.changes.len();
        let none = ForOne {
            whose,
            parts: Vec::new(),
        };
        let held = self.documents.entry(document).or_insert(none);
        held.parts.push(part);
    }

    pub(super) const fn is_full(&self) -> bool {
        self.count >= MOST
    }
}

impl Book {
    /// Applies what was gathered.
    pub(super) fn settle(&mut self, gathered: &mut Gathered, keys: &dyn Keys) -> Touched {
        let mut touched = Touched::default();
        gathered.count = 0;
        for (document, held) in core::mem::take(&mut gathered.documents) {
            touched |= self.settle_one(document, held, keys);
        }
        touched
    }

    fn settle_one(&mut self, document: DocumentId, held: ForOne, keys: &dyn Keys) -> Touched {
        let mut touched = Touched::default();
        let waiting = &mut self.waiting;
        let ForOne { whose, parts } = held;
        let refused = match whose {
            Whose::Grid => {
                (touched.schedule, touched.practice) = (true, true);
                let grid = &mut self.grid;
                let mut receive = |changes: &[CheckedChange]| grid.receive(changes);
                let refused = receive_parts(waiting, document, parts, &mut receive, &mut |_| {});
                self.stale().capacities();
                refused
            }
            Whose::Practice => {
                touched.practice = true;
                let doc = &mut self.practice_doc;
                let mut receive = |changes: &[CheckedChange]| doc.receive(changes);
                let refused = receive_parts(waiting, document, parts, &mut receive, &mut |_| {});
                self.practice = self.practice_doc.practice();
                refused
            }
            Whose::Week(key) => {
                touched.schedule = true;
                let Some(week) = self.weeks.get_mut(&key) else {
                    return touched;
                };
                self.reviews = std::sync::OnceLock::new();
                let stale = self.derived.stale();
                for part in &parts {
                    if week.mask(&part.changes, part.masked) {
                        stale.week(key);
                    }
                }
                receive_parts(
                    waiting,
                    document,
                    parts,
                    &mut |changes| week.receive(changes),
                    &mut |change| stale.change(key, change),
                )
            }
            Whose::Visits(key) => {
                touched.schedule = true;
                let Ok(visits) = self.visits.week(key) else {
                    let parts = parts.iter().map(|part| (part.entry, Refused::Body));
                    self.refused.extend(parts);
                    return touched;
                };
                let mut all = visits.is_masked();
                for part in &parts {
                    all |= visits.mask(&part.changes, part.masked);
                }
                let mut written = BTreeSet::new();
                let refused = receive_parts(
                    waiting,
                    document,
                    parts,
                    &mut |changes| visits.document.receive(changes),
                    &mut |change| written.extend(change.map_keys().map(str::to_owned)),
                );
                self.visits.read(key, (!all).then_some(&written), keys);
                refused
            }
            Whose::Record(subject) => {
                (touched.records, touched.schedule) = (true, true);
                let masks = parts
                    .iter()
                    .flat_map(|part| part.changes.iter().map(|c| (c.hash(), part.masked)));
                let Ok(mut record) = self.records.open(subject, masks) else {
                    let parts = parts.iter().map(|part| (part.entry, Refused::Body));
                    self.refused.extend(parts);
                    return touched;
                };
                let mut receive = |changes: &[CheckedChange]| record.receive(changes);
                let refused = receive_parts(waiting, document, parts, &mut receive, &mut |_| {});
                self.records.close(record);
                refused
            }
            Whose::Access(subject) => {
                touched.records = true;
                let masks = parts
                    .iter()
                    .flat_map(|part| part.changes.iter().map(|c| (c.hash(), part.masked)));
                let Ok(mut access) = self.accesses.open(subject, masks) else {
                    let parts = parts.iter().map(|part| (part.entry, Refused::Body));
                    self.refused.extend(parts);
                    return touched;
                };
                let mut receive = |changes: &[CheckedChange]| access.receive(changes);
                let refused = receive_parts(waiting, document, parts, &mut receive, &mut |_| {});
                self.accesses.close(access);
                refused
            }
            Whose::Card(id) => {
                touched.records = true;
                // The day shows what to be careful about.
                touched.schedule = id.kind == CardKind::Handling;
                let entries = &self.entries;
                let signed = parts.iter().flat_map(|part| {
                    let seat = entries.get(&part.entry).map(|seen| seen.seat);
                    let changes = part.changes.iter();
                    changes.map(move |change| (change.hash(), part.masked, seat))
                });
                let Ok(mut card) = self.cards.open(id, signed) else {
                    let parts = parts.iter().map(|part| (part.entry, Refused::Body));
                    self.refused.extend(parts);
                    return touched;
                };
                let mut receive = |changes: &[CheckedChange]| card.receive(changes);
                let refused = receive_parts(waiting, document, parts, &mut receive, &mut |_| {});
                self.cards.close(card);
                refused
            }
        };
        let refused = refused
            .into_iter()
            .map(|(entry, why)| (entry, Refused::Hostile(why)));
        self.refused.extend(refused);
        touched
    }
}

type Receive<'a> = dyn FnMut(&[CheckedChange]) -> Result<Received, HostileChange> + 'a;

/// Applies all parts together, or, where that fails, one after the other; gives the hostile ones.
fn receive_parts(
    waiting: &mut Waiting,
    document: DocumentId,
    parts: Vec<Part>,
    apply: &mut Receive<'_>,
    applied: &mut dyn FnMut(&CheckedChange),
) -> Vec<(Hash, HostileChange)> {
    let counts: Vec<(Hash, usize)> = parts
        .iter()
        .map(|part| (part.entry, part.changes.len()))
        .collect();
    let mut fresh: Vec<CheckedChange> = parts.into_iter().flat_map(|part| part.changes).collect();
    if counts.len() > 1 {
        let mut all = waiting.take_orphans(document);
        let orphans = all.len();
        all.append(&mut fresh);
        if let Ok(received) = apply(&all) {
            note(waiting, document, &received, &all, applied);
            return Vec::new();
        }
        fresh = all.split_off(orphans);
        for change in all {
            waiting.orphan(document, change);
        }
    }
    let mut hostile = Vec::new();
    for (entry, count) in counts {
        let rest = fresh.split_off(count.min(fresh.len()));
        let changes = core::mem::replace(&mut fresh, rest);
        let refused = receive(waiting, document, changes, apply, applied);
        hostile.extend(refused.map(|refused| (entry, refused)));
    }
    hostile
}

/// Applies changes and whatever had waited for them. A hostile one is left out and told; what
/// builds on it waits.
fn receive(
    waiting: &mut Waiting,
    document: DocumentId,
    changes: Vec<CheckedChange>,
    apply: &mut Receive<'_>,
    applied: &mut dyn FnMut(&CheckedChange),
) -> Option<HostileChange> {
    let mut hostile = None;
    let mut left = waiting.take_orphans(document);
    left.extend(changes);
    loop {
        match apply(&left) {
            Ok(received) => {
                note(waiting, document, &received, &left, applied);
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

fn note(
    waiting: &mut Waiting,
    document: DocumentId,
    received: &Received,
    changes: &[CheckedChange],
    applied: &mut dyn FnMut(&CheckedChange),
) {
    let by_hash: HashMap<[u8; 32], &CheckedChange> = changes
        .iter()
        .map(|change| (change.hash(), change))
        .collect();
    for change in received.applied.iter().filter_map(|hash| by_hash.get(hash)) {
        applied(change);
    }
    for change in received.waiting.iter().filter_map(|hash| by_hash.get(hash)) {
        waiting.orphan(document, CheckedChange::clone(change));
    }
}
