//! Everything in memory that questions need, folded from what arrived.
//!
//! ```text
//!              ┌ wait for keys ┐   ┌ wait for parents ┐
//!  arrivals ───┴───────────────┴───┴──────────────────┴──> documents ──> derived ──> views
//!      └── positions, confirmations ──> standings, provenance ──────────────┘
//! ```
//!
//! What always holds:
//! * the order in which things arrive changes nothing: equal entries and positions give equal
//!   views and equal hashes;
//! * clashes depend on documents alone; what is rendered depends on entries and positions too;
//! * an entry whose author had no right to write it is applied and looked through;
//! * the book writes nothing: intents run on copies of its documents, and what they wrote comes
//!   back as an arrival like everybody else's.
//!
//! Start with [`Book::arrived`] for what goes in and [`Book::day_view`] for what comes out.

mod access;
mod apply;
mod cards;
mod day;
mod derived;
mod entries;
mod folding;
mod forget;
mod free;
mod gather;
mod hashes;
mod ids;
mod kept;
mod practice;
mod records;
mod retention;
mod reviews;
mod search;
mod stale;
mod sweeps;
mod trail;
mod visits;
mod waiting;
mod week;
mod words;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::OnceLock};

use conflict_rules::{AppointmentId, Claim, DecisionId, LocationId, time_zone};
use jiff::tz::TimeZone;
use schedule::{Grid, Hlc, IntentError, Week, WeekKey};
use sync_protocol::{DocumentId, Entry, FeedId, Hash, KeyId, OrgId};
use zeroize::Zeroizing;

use crate::{
    documents::{DocumentError, Practice, PracticeDoc, RecordDoc, Subject, VisitsWeek},
    sealing::{ContentKey, KeyRing, OpenError},
};

pub use apply::{Opened, Refused, Touched};
pub use cards::CardRights;
pub use entries::{Provenance, Seen};
pub use free::PlaceWish;
pub use retention::Last;
pub use sweeps::{Sweep, Undoing, Undone};
pub use trail::{AuditOf, Moment, When};

/// The keys that this seat holds.
pub trait Keys {
    /// Opens the body of a sealed entry.
    fn open(&self, entry: &Entry) -> Result<Zeroizing<Vec<u8>>, OpenError>;
    /// The key of this id, if it is held.
    fn key(&self, id: KeyId) -> Option<ContentKey<'_>>;
    /// Whether the key of this id is gone for good.
    fn is_erased(&self, _id: KeyId) -> bool {
        false
    }
}

impl Keys for KeyRing {
    fn open(&self, entry: &Entry) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        KeyRing::open(self, entry)
    }
    fn key(&self, id: KeyId) -> Option<ContentKey<'_>> {
        KeyRing::key(self, id)
    }
    fn is_erased(&self, id: KeyId) -> bool {
        KeyRing::is_erased(self, id)
    }
}

/// What a replica knows. See the module's documentation.
#[derive(Debug)]
pub struct Book {
    org: OrgId,
    grid: Grid,
    practice_doc: PracticeDoc,
    practice: Practice,
    weeks: BTreeMap<WeekKey, week::HotWeek>,
    visits: visits::Visits,
    records: records::Records,
    cards: cards::Cards,
    accesses: access::Accesses,
    entries: entries::Entries,
    trail: trail::Trail,
    waiting: waiting::Waiting,
    refused: BTreeMap<Hash, Refused>,
    /// Of the grid and the practice: changes to look through.
    masks: BTreeMap<DocumentId, std::collections::BTreeSet<[u8; 32]>>,
    derived: stale::Followed,
    reviews: OnceLock<reviews::Waiting>,
}

impl Book {
    /// An empty book.
    pub fn new(org: OrgId) -> Result<Self, DocumentError> {
        Ok(Self {
            org,
            grid: Grid::genesis(org.to_bytes()).map_err(|_| DocumentError::Library)?,
            practice_doc: PracticeDoc::genesis(org)?,
            practice: Practice::default(),
            weeks: BTreeMap::new(),
            visits: visits::Visits::default(),
            records: records::Records::default(),
            cards: cards::Cards::default(),
            accesses: access::Accesses::default(),
            entries: entries::Entries::default(),
            trail: trail::Trail::default(),
            waiting: waiting::Waiting::default(),
            refused: BTreeMap::new(),
            masks: BTreeMap::new(),
            derived: stale::Followed::default(),
            reviews: OnceLock::new(),
        })
    }

    /// The organisation.
    pub const fn org(&self) -> OrgId {
        self.org
    }

    // ---- documents to write on: copies -------------------------------------------------------

    /// The grid.
    pub fn grid(&self) -> Grid {
        self.grid.clone()
    }

    /// The practice's document.
    pub fn practice_doc(&self) -> PracticeDoc {
        self.practice_doc.clone()
    }

    /// A schedule week, begun if nothing was booked in it yet.
    pub fn week(&self, key: WeekKey) -> Result<Week, IntentError> {
        if let Some(week) = self.weeks.get(&key) {
            return Ok(week.document.clone());
        }
        let zone = self.zone_name(key.location);
        Week::genesis(key, &zone.ok_or(IntentError::UnknownZone)?)
    }

    /// The visits of a week, begun if there are none yet.
    pub fn visits(&self, key: WeekKey) -> Result<VisitsWeek, DocumentError> {
        self.visits.document(key)
    }

    /// A client's or pet's record, begun if there is none yet.
    pub fn record(&self, subject: Subject) -> Result<RecordDoc, DocumentError> {
        self.records.document(subject)
    }

    // ---- small questions ---------------------------------------------------------------------

    /// What the practice is set up with.
    pub const fn practice(&self) -> &Practice {
        &self.practice
    }

    /// The zone of a site.
    pub fn zone_of(&self, location: LocationId) -> Option<TimeZone> {
        time_zone(&self.zone_name(location)?)
    }

    fn zone_name(&self, location: LocationId) -> Option<String> {
        let known = self.practice.locations.get(&location);
        known
            .map(|location| location.zone.clone())
            .or_else(|| self.grid.zones().remove(&location))
    }

    /// The week that a claim is kept in.
    pub fn home_of(&self, id: AppointmentId) -> Option<WeekKey> {
        self.entries.home_of(id)
    }

    /// A claim as its document has it.
    pub fn claim(&self, id: AppointmentId) -> Option<Claim> {
        self.weeks.get(&self.home_of(id)?)?.document.claim(id)
    }

    /// The decisions that speak of any of these claims: what a new one has seen.
    pub fn decisions_about(
        &self,
        claims: &[AppointmentId],
    ) -> std::collections::BTreeSet<DecisionId> {
        let kept = &self.derived().kept;
        let about = claims.iter().flat_map(|id| kept.decisions_about(*id));
        about.map(|decision| decision.id).collect()
    }

    /// Who wrote a claim last, as far as it is shown.
    pub fn provenance(&self, id: AppointmentId) -> Option<Provenance> {
        self.entries.provenance(id, None)
    }

    /// The latest stamp of any entry: a new one must be later.
    pub fn latest_clock(&self) -> Hlc {
        self.entries.latest_clock()
    }

    /// How many entries or changes wait for keys or for what they build on.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The same, without entries of feeds that are not for this seat anyway.
    pub fn waiting_of(&self, reads: impl Fn(FeedId) -> bool) -> usize {
        self.waiting.of(reads)
    }

    /// Entries that were not applied because of what is in them.
    pub const fn refused(&self) -> &BTreeMap<Hash, Refused> {
        &self.refused
    }

    /// What is remembered of an entry that was taken in.
    pub fn seen(&self, entry: &Hash) -> Option<Seen> {
        self.entries.get(entry).copied()
    }

    /// How many entries are held but looked through.
    pub fn masked_entries(&self) -> usize {
        self.entries.masked()
    }

    /// The entries that are looked through, with the claims that they were about.
    pub fn masked_list(&self) -> Vec<(Hash, Seen, Vec<AppointmentId>)> {
        self.entries.masked_list()
    }
}
