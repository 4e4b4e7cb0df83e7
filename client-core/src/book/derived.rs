//! What follows from the schedule documents, computed when it is first asked for and kept until
//! something changes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::OnceLock,
};

use conflict_rules::{
    AppointmentId, Booking, Capacities, Claim, Clash, Decision, Effective, Placement,
    PlacementHash, TimeRange, bookings_of, clashes, effective_for_clashes, effective_for_rendering,
};
use jiff::{SignedDuration, Timestamp};
use schedule::{CheckedChange, HostileChange, Received, Week};

use super::Book;
use crate::catalogue::Standing;

/// No placement reaches further.
const LONGEST: SignedDuration = SignedDuration::from_secs(conflict_rules::placement::MAX_SECONDS);

/// A schedule week and what is read from it.
#[derive(Debug)]
pub(super) struct HotWeek {
    pub(super) document: Week,
    claims: OnceLock<Vec<Claim>>,
    decisions: OnceLock<Vec<Decision>>,
    crossed: OnceLock<BTreeSet<AppointmentId>>,
}

impl HotWeek {
    pub(super) const fn new(document: Week) -> Self {
        Self {
            document,
            claims: OnceLock::new(),
            decisions: OnceLock::new(),
            crossed: OnceLock::new(),
        }
    }

    fn forget(&mut self) {
        self.claims = OnceLock::new();
        self.decisions = OnceLock::new();
        self.crossed = OnceLock::new();
    }

    pub(super) fn receive(&mut self, changes: &[CheckedChange]) -> Result<Received, HostileChange> {
        self.forget();
        self.document.receive(changes)
    }

    pub(super) fn know_zone(&mut self, zone: &str) {
        // The body was checked to name a zone; a failure leaves the week as it was.
        let _ = self.document.know_zone(zone);
    }

    pub(super) fn mask(&mut self, changes: &[CheckedChange], masked: bool) {
        let mut known = self.document.masked().clone();
        for change in changes {
            if masked {
                known.insert(change.hash());
            } else {
                known.remove(&change.hash());
            }
        }
        if known != *self.document.masked() {
            self.document.mask(known);
            self.forget();
        }
    }

    pub(super) fn claims(&self) -> &[Claim] {
        self.claims.get_or_init(|| self.document.claims())
    }

    pub(super) fn decisions(&self) -> &[Decision] {
        self.decisions.get_or_init(|| self.document.decisions())
    }

    pub(super) fn crossed(&self) -> &BTreeSet<AppointmentId> {
        self.crossed.get_or_init(|| self.document.clone().crossed())
    }
}

/// A placement of a claim as it is drawn.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) claim: usize,
    pub(super) placement: Placement,
    /// Whether it occupies its time.
    pub(super) holds: bool,
    /// One of several.
    pub(super) doubled: bool,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Derived {
    pub(super) claims: Vec<Claim>,
    pub(super) index: HashMap<AppointmentId, usize>,
    pub(super) decisions: Vec<Decision>,
    pub(super) capacities: Capacities,
    pub(super) rendered: Effective,
    pub(super) clashes: Vec<Clash>,
    /// By start.
    bookings: Vec<Booking>,
    /// By start.
    shown: Vec<Shown>,
}

impl Derived {
    fn of(book: &Book) -> Self {
        let weeks = book.weeks.values();
        let claims: Vec<Claim> = weeks.clone().flat_map(HotWeek::claims).cloned().collect();
        let decisions: BTreeSet<Decision> = weeks.flat_map(HotWeek::decisions).cloned().collect();
        let decisions: Vec<Decision> = decisions.into_iter().collect();
        let capacities = Capacities::new(book.grid.capacities());
        let ranks = book.entries.ranks();
        let rank = |id| ranks.get(&id).copied().unwrap_or(u64::MAX);
        let rendered = effective_for_rendering(&claims, &decisions, &rank);
        // The two steps of `clashes_of`, so that the bookings need not be made twice.
        let effective = effective_for_clashes(&claims, &decisions);
        let mut bookings = bookings_of(&effective);
        let clashes = clashes(bookings.iter().copied(), &capacities, &effective.allowed);
        bookings.sort_unstable_by_key(|booking| (booking.range.start(), booking.claim));
        let index = claims
            .iter()
            .enumerate()
            .map(|(number, claim)| (claim.id, number))
            .collect();
        let mut shown = Vec::with_capacity(claims.len());
        for (number, claim) in claims.iter().enumerate() {
            let places = rendered.placements.get(&claim.id);
            let places = places.map(Vec::as_slice).unwrap_or_default();
            let holds = !places.is_empty();
            let drawn = if holds { places } else { &claim.placements };
            shown.extend(drawn.iter().map(|placement| Shown {
                claim: number,
                placement: placement.clone(),
                holds,
                doubled: drawn.len() > 1,
            }));
        }
        shown.sort_by_cached_key(|shown| {
            let id = claims.get(shown.claim).map(|claim| claim.id);
            (shown.placement.span(), id)
        });
        Self {
            claims,
            index,
            decisions,
            capacities,
            rendered,
            clashes,
            bookings,
            shown,
        }
    }

    pub(super) fn claim(&self, id: AppointmentId) -> Option<&Claim> {
        self.claims.get(*self.index.get(&id)?)
    }

    /// What is drawn of a claim.
    pub(super) fn shown_of(&self, id: AppointmentId) -> Vec<&Shown> {
        let Some(number) = self.index.get(&id) else {
            return Vec::new();
        };
        let Some(claim) = self.claims.get(*number) else {
            return Vec::new();
        };
        let spans = claim.placements.iter().map(Placement::span);
        let moved = self.rendered.placements.get(&id).into_iter().flatten();
        let spans: BTreeSet<TimeRange> = spans.chain(moved.map(Placement::span)).collect();
        let found = spans.into_iter().flat_map(|span| {
            let from = self
                .shown
                .partition_point(|shown| shown.placement.span() < span);
            let rest = self.shown.get(from..).unwrap_or_default().iter();
            rest.take_while(move |shown| shown.placement.span() == span)
        });
        found.filter(|shown| shown.claim == *number).collect()
    }

    /// What is drawn between two instants, by start.
    pub(super) fn shown_in(&self, range: TimeRange) -> impl Iterator<Item = &Shown> {
        let earliest = range
            .start()
            .saturating_sub(LONGEST)
            .unwrap_or(Timestamp::MIN);
        let from = self
            .shown
            .partition_point(|shown| shown.placement.span().start() < earliest);
        let rest = self.shown.get(from..).unwrap_or_default().iter();
        rest.take_while(move |shown| shown.placement.span().start() < range.end())
            .filter(move |shown| shown.placement.span().overlaps(range))
    }

    /// What is taken between two instants, of one claim left out.
    pub(super) fn bookings_in(
        &self,
        range: TimeRange,
        without: Option<AppointmentId>,
    ) -> Vec<Booking> {
        let earliest = range
            .start()
            .saturating_sub(LONGEST)
            .unwrap_or(Timestamp::MIN);
        let from = self
            .bookings
            .partition_point(|booking| booking.range.start() < earliest);
        let rest = self.bookings.get(from..).unwrap_or_default().iter();
        rest.take_while(|booking| booking.range.start() < range.end())
            .filter(|booking| booking.range.overlaps(range) && Some(booking.claim) != without)
            .copied()
            .collect()
    }
}

impl Book {
    pub(super) fn derived(&self) -> &Derived {
        self.derived.get_or_init(|| Derived::of(self))
    }

    /// Where a claim is, decisions considered; empty when it is called off.
    pub fn placements_of(&self, id: AppointmentId) -> Vec<Placement> {
        let placements = self.derived().rendered.placements.get(&id);
        placements.cloned().unwrap_or_default()
    }

    /// Whether the relay granted a claim where it is; of several places the weakest word counts.
    pub fn standing(&self, id: AppointmentId) -> Standing {
        let derived = self.derived();
        let places = derived.rendered.placements.get(&id).into_iter().flatten();
        let hashes: Vec<PlacementHash> = places.map(Placement::hash).collect();
        self.weakest(id, &hashes)
    }

    pub(super) fn weakest(&self, id: AppointmentId, hashes: &[PlacementHash]) -> Standing {
        let standings = hashes.iter().map(|hash| self.entries.standing(id, *hash));
        let weakness = |standing: &Standing| match standing {
            Standing::Confirmed => 0,
            Standing::Tentative => 1,
            Standing::Refused => 2,
        };
        standings
            .max_by_key(weakness)
            .unwrap_or(Standing::Tentative)
    }

    /// How many live claims are granted and how many are not, and how many reviews wait.
    pub fn counts(&self) -> (u64, u64, u64) {
        let derived = self.derived();
        let (mut confirmed, mut tentative) = (0, 0);
        let live: BTreeMap<_, _> = derived
            .rendered
            .placements
            .iter()
            .filter(|(_, places)| !places.is_empty())
            .collect();
        for (id, places) in live {
            let hashes: Vec<PlacementHash> = places.iter().map(Placement::hash).collect();
            if self.weakest(*id, &hashes) == Standing::Confirmed {
                confirmed += 1;
            } else {
                tentative += 1;
            }
        }
        (confirmed, tentative, self.waiting_reviews().len() as u64)
    }
}
