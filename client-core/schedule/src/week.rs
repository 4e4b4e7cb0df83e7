//! One week of one site: claims, decisions and pointers, read as types and written as intents.
//!
//! A claim is spread over three places of the document, so that each kind of act meets only its
//! own kind: what it is and who wrote it (once), where it stands (moves), how far it has come
//! (states; absent means booked). Concurrent writes to a place are all kept and all shown.
//!
//! What always holds:
//! * a change is made from here only by an intent, and only if it changes something;
//! * nothing is deleted; cancelling is a state;
//! * what others wrote and no rule knows (bytes that are no placement, an unknown state) is kept,
//!   not shown, and listed by [`Week::violations`].
//!
//! Start with [`Week::genesis`], [`Week::book`], [`Week::receive`] and [`Week::claims`].

use std::collections::{BTreeMap, BTreeSet};

use conflict_rules::{
    AppointmentId, Claim, ClaimKind, ClaimState, Decision, DecisionId, Placement, PlacementError,
    Source,
};

use crate::{
    chunk::Value,
    codes::{read_origin, read_state, write_origin, write_state},
    document::{Document, LoadError, NewChange, Values, WriteError},
    layout::{CLAIMS, DECISIONS, MAX_DECISION, PLACEMENTS, POINTERS, STATES, WEEK, ZONES, is_zone},
    safety::{CheckedChange, HostileChange, Received},
    weeks::{IsoWeek, WeekKey},
};

/// A schedule document.
#[derive(Debug, Clone)]
pub struct Week {
    key: WeekKey,
    document: Document,
}

/// Why an intent was not carried out. The document is as before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntentError {
    /// No such claim in this document.
    #[error("{0} is not in this week")]
    NoSuchClaim(AppointmentId),
    /// The id is taken by a different booking.
    #[error("{0} is already booked")]
    AlreadyBooked(AppointmentId),
    /// The states do not follow each other.
    #[error("a visit that is {from:?} cannot become {to:?}")]
    IllegalStep {
        /// The state now.
        from: ClaimState,
        /// The state asked for.
        to: ClaimState,
    },
    /// The decision's id is taken by a different one.
    #[error("{0} is already decided")]
    AlreadyDecided(DecisionId),
    /// A decision longer than an entry can carry.
    #[error("the decision is too long: split it")]
    DecisionTooLong,
    /// A decision that breaks its own rules.
    #[error("not a valid decision")]
    InvalidDecision(#[from] conflict_rules::DecisionError),
    /// A pointer from a week to itself.
    #[error("a week needs no pointer to itself")]
    PointsToItself,
    /// Not an IANA zone of the bundled tzdata.
    #[error("unknown time zone")]
    UnknownZone,
    /// The document could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Something in a document that its schema does not know: kept, never shown as a claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// Bytes that are no placement, or none this program can read.
    Placement(AppointmentId),
    /// A claim without any readable placement.
    Homeless(AppointmentId),
    /// A state or placement for a claim that was never booked, or booked in an unknown way.
    Origin(AppointmentId),
    /// An unknown state.
    State(AppointmentId),
    /// Bytes that are no decision, or one under another's id.
    Decision(DecisionId),
    /// A pointer to no week.
    Pointer(AppointmentId),
}

impl Week {
    /// The document as it begins: the same bytes on every replica that gives the same zone.
    pub fn genesis(key: WeekKey, zone: &str) -> Result<Self, IntentError> {
        let document = Document::genesis(&WEEK, &key.to_bytes())?;
        let mut week = Self { key, document };
        week.know_zone(zone)?;
        Ok(week)
    }

    /// Takes note of the zone that an entry names. A site's weeks have one zone; should two devices
    /// have begun a week with different ones, both are kept, and neither waits for the other.
    pub fn know_zone(&mut self, zone: &str) -> Result<(), IntentError> {
        if !is_zone(zone) {
            return Err(IntentError::UnknownZone);
        }
        if !self.zones().iter().any(|known| known == zone) {
            self.document
                .write_local(&self.key.to_bytes(), ZONES, zone)?;
        }
        Ok(())
    }

    /// A document from [`Week::save`]. For this replica's own cache only: what others send goes
    /// through [`Week::receive`].
    pub fn load(bytes: &[u8]) -> Result<Self, LoadError> {
        let (document, name) = Document::load(&WEEK, bytes)?;
        let key = WeekKey::from_bytes(&name).map_err(|_| LoadError::OtherKind)?;
        Ok(Self { key, document })
    }

    /// The document's bytes, for a cache. They differ between replicas that hold the same changes:
    /// never hash them.
    pub fn save(&self) -> Vec<u8> {
        self.document.save()
    }

    /// The site and week.
    pub const fn key(&self) -> WeekKey {
        self.key
    }

    /// The site's zone: the first in the alphabet if devices disagreed.
    pub fn zone(&self) -> String {
        self.zones().into_iter().next().unwrap_or_default()
    }

    /// All zones the document was begun with, sorted.
    pub fn zones(&self) -> Vec<String> {
        self.document.local_keys(ZONES)
    }

    /// Hashes of the latest changes, sorted: equal heads mean equal content.
    pub fn heads(&self) -> Vec<[u8; 32]> {
        self.document.heads()
    }

    /// Whether this change is in the document.
    pub fn holds(&self, hash: [u8; 32]) -> bool {
        self.document.holds(hash)
    }

    /// The bytes of a change that is in the document.
    pub fn change(&self, hash: [u8; 32]) -> Option<Vec<u8>> {
        self.document.change(hash)
    }

    /// All changes that entries carry, parents first: without those every replica makes for itself.
    pub fn changes(&self) -> Vec<NewChange> {
        self.document.changes()
    }

    // ---- intents ---------------------------------------------------------------------------

    /// Books a new claim. Booking the same again changes nothing.
    pub fn book(
        &mut self,
        actor: [u8; 16],
        id: AppointmentId,
        kind: ClaimKind,
        source: Source,
        placement: &Placement,
    ) -> Result<Option<NewChange>, IntentError> {
        let key = id.to_bytes();
        let origin = Value::Uint(write_origin(kind, source));
        let placed = Value::Bytes(placement.to_bytes());
        let known = self.document.values(CLAIMS, key);
        if !known.is_empty() || !self.document.values(PLACEMENTS, key).is_empty() {
            let same = known == [origin] && self.document.values(PLACEMENTS, key) == [placed];
            return if same {
                Ok(None)
            } else {
                Err(IntentError::AlreadyBooked(id))
            };
        }
        Ok(self
            .document
            .write(actor, &[(CLAIMS, key, origin), (PLACEMENTS, key, placed)])?)
    }

    /// Moves or resizes a claim. Where concurrent moves left several placements, this one replaces
    /// all of them.
    pub fn move_to(
        &mut self,
        actor: [u8; 16],
        id: AppointmentId,
        placement: &Placement,
    ) -> Result<Option<NewChange>, IntentError> {
        self.claim(id).ok_or(IntentError::NoSuchClaim(id))?;
        let placed = Value::Bytes(placement.to_bytes());
        Ok(self
            .document
            .write(actor, &[(PLACEMENTS, id.to_bytes(), placed)])?)
    }

    /// Takes a claim a step further, or back. Where concurrent steps left several states, this one
    /// replaces all of them.
    pub fn set_state(
        &mut self,
        actor: [u8; 16],
        id: AppointmentId,
        next: ClaimState,
    ) -> Result<Option<NewChange>, IntentError> {
        let claim = self.claim(id).ok_or(IntentError::NoSuchClaim(id))?;
        let now = claim.state();
        if now == next && claim.states.len() == 1 {
            return Ok(None);
        }
        if now != next && !now.may_become(next) {
            return Err(IntentError::IllegalStep {
                from: now,
                to: next,
            });
        }
        Ok(self.document.write(
            actor,
            &[(STATES, id.to_bytes(), Value::Uint(write_state(next)))],
        )?)
    }

    /// Records what a person has decided. Recording the same again changes nothing.
    pub fn decide(
        &mut self,
        actor: [u8; 16],
        decision: &Decision,
    ) -> Result<Option<NewChange>, IntentError> {
        decision.check()?;
        let bytes = decision.to_bytes();
        if bytes.len() > MAX_DECISION {
            return Err(IntentError::DecisionTooLong);
        }
        let key = decision.id.to_bytes();
        let decided = Value::Bytes(bytes);
        let known = self.document.values(DECISIONS, key);
        if !known.is_empty() {
            let same = known == [decided];
            return if same {
                Ok(None)
            } else {
                Err(IntentError::AlreadyDecided(decision.id))
            };
        }
        Ok(self.document.write(actor, &[(DECISIONS, key, decided)])?)
    }

    /// Notes that a claim whose home is `home` reaches into this week.
    pub fn point_to(
        &mut self,
        actor: [u8; 16],
        home: IsoWeek,
        id: AppointmentId,
    ) -> Result<Option<NewChange>, IntentError> {
        if home == self.key.week {
            return Err(IntentError::PointsToItself);
        }
        let pointer = Value::Uint(home.number());
        Ok(self
            .document
            .write(actor, &[(POINTERS, id.to_bytes(), pointer)])?)
    }

    // ---- what others wrote -----------------------------------------------------------------

    /// Takes in changes that have passed [`crate::safety::check`]. If one is hostile nothing is
    /// applied and the document is as before.
    pub fn receive(&mut self, changes: &[CheckedChange]) -> Result<Received, HostileChange> {
        self.document.receive(changes)
    }

    /// Whether every parent of these changes is here or among them.
    pub fn has_parents_of(&self, changes: &[CheckedChange]) -> bool {
        self.document.has_parents_of(changes)
    }

    /// From now on reads as if these changes had written nothing: what their authors had no right
    /// to write is applied, so that honest changes built on it do not hang, and looked through.
    pub fn mask(&mut self, changes: BTreeSet<[u8; 32]>) {
        self.document.mask(changes);
    }

    /// The changes that are looked through.
    pub const fn masked(&self) -> &BTreeSet<[u8; 32]> {
        self.document.masked()
    }

    // ---- reading ---------------------------------------------------------------------------

    /// All claims, sorted by id.
    pub fn claims(&self) -> Vec<Claim> {
        self.read_claims().0
    }

    /// One claim.
    pub fn claim(&self, id: AppointmentId) -> Option<Claim> {
        let key = id.to_bytes();
        let placements = self.document.values(PLACEMENTS, key);
        let states = self.document.values(STATES, key);
        let origins = self.document.values(CLAIMS, key);
        self.read_claim(id, &origins, &placements, &states, &mut Vec::new())
    }

    /// Where a claim was when these were the latest changes, whether they count or not.
    pub fn placements_at(&self, id: AppointmentId, heads: &[[u8; 32]]) -> Vec<Placement> {
        let values = self.document.values_at(PLACEMENTS, id.to_bytes(), heads);
        let read = values.iter().map(read_placement);
        read.filter_map(Result::ok).collect()
    }

    /// All decisions, sorted.
    pub fn decisions(&self) -> Vec<Decision> {
        self.read_decisions().0
    }

    /// The weeks that hold claims which reach into this one, sorted.
    pub fn pointers(&self) -> Vec<IsoWeek> {
        let homes: BTreeSet<IsoWeek> = self.read_pointers().0.into_values().flatten().collect();
        homes.into_iter().collect()
    }

    /// The claims that reach into this week, each with its home.
    pub fn visitors(&self) -> BTreeMap<AppointmentId, Vec<IsoWeek>> {
        self.read_pointers().0
    }

    /// Claims whose placement and state were written across each other: a move that had not seen
    /// the cancelling, or the other way round. The table of concurrent acts says what to ask.
    pub fn crossed(&self) -> BTreeSet<AppointmentId> {
        let keys = self
            .document
            .history()
            .crossed_containers(PLACEMENTS, STATES);
        keys.into_iter().map(AppointmentId::from_bytes).collect()
    }

    /// Whether a claim is one of [`Week::crossed`].
    pub fn is_crossed(&self, id: AppointmentId) -> bool {
        let history = self.document.history();
        history.crossed_at(PLACEMENTS, STATES, id.to_bytes())
    }

    /// What the schema does not know, sorted.
    pub fn violations(&self) -> Vec<Violation> {
        let mut violations = self.read_claims().1;
        violations.extend(self.read_decisions().1);
        violations.extend(self.read_pointers().1);
        violations.sort_unstable();
        violations.dedup();
        violations
    }

    fn read_claims(&self) -> (Vec<Claim>, Vec<Violation>) {
        let mut violations = Vec::new();
        let placements = self.document.entries(PLACEMENTS);
        let states = self.document.entries(STATES);
        let origins = self.document.entries(CLAIMS);
        let keys: BTreeSet<&[u8; 16]> = placements
            .keys()
            .chain(states.keys())
            .chain(origins.keys())
            .collect();
        let none = Values::new();
        let mut claims = Vec::with_capacity(origins.len());
        for key in keys {
            let of =
                |entries: &BTreeMap<[u8; 16], Values>| entries.get(key).unwrap_or(&none).clone();
            claims.extend(self.read_claim(
                AppointmentId::from_bytes(*key),
                &of(&origins),
                &of(&placements),
                &of(&states),
                &mut violations,
            ));
        }
        (claims, violations)
    }

    fn read_claim(
        &self,
        id: AppointmentId,
        origins: &[Value],
        placements: &[Value],
        states: &[Value],
        violations: &mut Vec<Violation>,
    ) -> Option<Claim> {
        if origins.is_empty() && placements.is_empty() && states.is_empty() {
            return None;
        }
        let mut known = Vec::new();
        for origin in origins {
            known.extend(origin.number().and_then(read_origin));
        }
        if known.len() != 1 || origins.len() != 1 {
            violations.push(Violation::Origin(id));
        }
        let mut read = Vec::new();
        for placement in placements {
            match read_placement(placement) {
                Ok(placement) => read.push(placement),
                Err(_) => violations.push(Violation::Placement(id)),
            }
        }
        read.sort_unstable();
        let mut stood = Vec::new();
        for state in states {
            match state.number().and_then(read_state) {
                Some(state) => stood.push(state),
                None => violations.push(Violation::State(id)),
            }
        }
        stood.sort_unstable();
        if stood.is_empty() {
            stood.push(ClaimState::Booked);
        }
        if read.is_empty() {
            violations.push(Violation::Homeless(id));
            return None;
        }
        // Two origins under one id come only from a broken or hostile writer: the lesser stands.
        let (kind, source) = known.into_iter().min()?;
        let location = self.key.location;
        Some(Claim {
            id,
            location,
            kind,
            source,
            placements: read,
            states: stood,
        })
    }

    fn read_decisions(&self) -> (Vec<Decision>, Vec<Violation>) {
        let (mut decisions, mut violations) = (Vec::new(), Vec::new());
        for (key, values) in self.document.entries(DECISIONS) {
            let id = DecisionId::from_bytes(key);
            for value in values {
                let read = value
                    .bytes()
                    .and_then(|bytes| Decision::from_bytes(bytes).ok());
                match read.filter(|decision| decision.id == id) {
                    Some(decision) => decisions.push(decision),
                    None => violations.push(Violation::Decision(id)),
                }
            }
        }
        decisions.sort_unstable();
        (decisions, violations)
    }

    fn read_pointers(&self) -> (BTreeMap<AppointmentId, Vec<IsoWeek>>, Vec<Violation>) {
        let (mut pointers, mut violations) = (BTreeMap::<_, Vec<IsoWeek>>::new(), Vec::new());
        for (key, values) in self.document.entries(POINTERS) {
            let id = AppointmentId::from_bytes(key);
            for value in values {
                let home = value
                    .number()
                    .and_then(|number| IsoWeek::from_number(number).ok());
                match home.filter(|home| *home != self.key.week) {
                    Some(home) => pointers.entry(id).or_default().push(home),
                    None => violations.push(Violation::Pointer(id)),
                }
            }
        }
        (pointers, violations)
    }
}

fn read_placement(value: &Value) -> Result<Placement, PlacementError> {
    value
        .bytes()
        .map_or(Err(PlacementError::Malformed), Placement::from_bytes)
}
