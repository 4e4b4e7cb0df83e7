//! What follows from the schedule documents: kept, and brought up to date when it is asked for.
//!
//! Documents say which places changes wrote to; those claims and decisions are read again, and
//! [`Kept`] makes anew what follows from them. So a change costs what it touches, whatever the
//! length of the history.
//!
//! Start with [`Book::derived`] and [`Derived::follow`].

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
};

use conflict_rules::{
    AppointmentId, Booking, Capacities, Changed, Claim, Decision, DecisionId, Kept, Placement,
    PlacementHash, ResourceId, Settled, TimeRange,
};
use schedule::WeekKey;

use super::{Book, stale::Stale};
use crate::catalogue::Standing;

/// What was read from a week.
#[derive(Debug, Default)]
struct Read {
    claims: BTreeSet<AppointmentId>,
    decisions: BTreeMap<DecisionId, Decision>,
    /// Claims whose move and state were written across each other.
    crossed: BTreeSet<AppointmentId>,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Derived {
    pub(super) kept: Kept,
    read: BTreeMap<WeekKey, Read>,
    /// Where claims are: in one week, unless a broken writer put copies elsewhere.
    homes: Homes,
}

/// A placement of a claim as it is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) settled: &'a Settled,
    pub(super) placement: &'a Placement,
}

impl<'a> Shown<'a> {
    pub(super) const fn claim(self) -> &'a Claim {
        self.settled.claim()
    }

    /// Whether it occupies its time.
    pub(super) fn holds(self) -> bool {
        !self.settled.places().is_empty()
    }

    /// One of several.
    pub(super) fn doubled(self) -> bool {
        self.settled.drawn().len() > 1
    }
}

type Homes = BTreeMap<AppointmentId, Vec<WeekKey>>;

fn at_home(homes: &mut Homes, id: AppointmentId, key: WeekKey) {
    let homes = homes.entry(id).or_default();
    if let Err(at) = homes.binary_search(&key) {
        homes.insert(at, key);
    }
}

fn gone_from(homes: &mut Homes, id: AppointmentId, key: WeekKey) {
    if let Some(known) = homes.get_mut(&id) {
        known.retain(|known| *known != key);
        if known.is_empty() {
            homes.remove(&id);
        }
    }
}

/// Claims that were just read, so that none is read twice.
type Fresh = BTreeMap<(AppointmentId, WeekKey), Option<Claim>>;

impl Derived {
    /// Reads again what is stale.
    pub(super) fn follow(&mut self, book: &Book, stale: &Stale) {
        let mut changed = Changed {
            ranks: stale.ranks.clone(),
            ..Changed::default()
        };
        let mut fresh = Fresh::new();
        let weeks = if stale.all {
            book.weeks.keys().copied().collect()
        } else {
            stale.weeks.clone()
        };
        for key in &weeks {
            self.read_week(book, *key, &mut fresh, &mut changed);
        }
        for (key, id) in stale.claims.iter().filter(|(key, _)| !weeks.contains(key)) {
            self.read_claim(book, *key, *id, &mut fresh);
        }
        for key in stale.decisions.difference(&weeks) {
            self.read_decisions(book, *key, &mut changed);
        }
        let ids: BTreeSet<AppointmentId> = fresh.keys().map(|(id, _)| *id).collect();
        for id in ids {
            let claim = self.joined(book, id, &mut fresh);
            if claim.as_ref() != self.kept.get(id).map(Settled::claim) {
                changed.claims.insert(id, claim);
            }
        }
        if stale.capacities {
            let capacities = Capacities::new(book.grid.capacities());
            changed.capacities = (capacities != *self.kept.capacities()).then_some(capacities);
        }
        let ranks = OnceCell::new();
        let rank = |id| {
            let ranks = ranks.get_or_init(|| book.entries.ranks());
            ranks.get(&id).copied().unwrap_or(u64::MAX)
        };
        self.kept.change(changed, &rank);
    }

    fn read_week(&mut self, book: &Book, key: WeekKey, fresh: &mut Fresh, changed: &mut Changed) {
        let Some(week) = book.weeks.get(&key) else {
            return;
        };
        let read = self.read.entry(key).or_default();
        let before = core::mem::take(&mut read.claims);
        for claim in week.document.claims() {
            read.claims.insert(claim.id);
            at_home(&mut self.homes, claim.id, key);
            fresh.insert((claim.id, key), Some(claim));
        }
        read.crossed = week.document.crossed();
        let gone: Vec<AppointmentId> = before.difference(&read.claims).copied().collect();
        for id in gone {
            gone_from(&mut self.homes, id, key);
            fresh.insert((id, key), None);
        }
        self.read_decisions(book, key, changed);
        // Which of several entries speaks for a decision may be another.
        let decisions = self.read.get(&key).into_iter();
        let decisions = decisions.flat_map(|read| read.decisions.keys());
        changed.ranks.extend(decisions);
    }

    fn read_claim(&mut self, book: &Book, key: WeekKey, id: AppointmentId, fresh: &mut Fresh) {
        let Some(week) = book.weeks.get(&key) else {
            return;
        };
        let read = self.read.entry(key).or_default();
        let claim = week.document.claim(id);
        if claim.is_some() {
            read.claims.insert(id);
            at_home(&mut self.homes, id, key);
        } else {
            read.claims.remove(&id);
            gone_from(&mut self.homes, id, key);
        }
        if week.document.is_crossed(id) {
            read.crossed.insert(id);
        } else {
            read.crossed.remove(&id);
        }
        fresh.insert((id, key), claim);
    }

    fn read_decisions(&mut self, book: &Book, key: WeekKey, changed: &mut Changed) {
        let Some(week) = book.weeks.get(&key) else {
            return;
        };
        let mut now: BTreeMap<DecisionId, Decision> = BTreeMap::new();
        // Sorted: of several under one id the least comes first.
        for decision in week.document.decisions() {
            now.entry(decision.id).or_insert(decision);
        }
        let read = self.read.entry(key).or_default();
        let before = core::mem::replace(&mut read.decisions, now);
        let ids: BTreeSet<DecisionId> = before
            .keys()
            .chain(read.decisions.keys())
            .copied()
            .collect();
        let news: Vec<DecisionId> = ids
            .into_iter()
            .filter(|id| before.get(id) != read.decisions.get(id))
            .collect();
        for id in news {
            let copies = self.read.values();
            let copies = copies.filter_map(|read| read.decisions.get(&id));
            changed.decisions.insert(id, copies.min().cloned());
        }
    }

    /// A claim from all weeks that hold it.
    fn joined(&self, book: &Book, id: AppointmentId, fresh: &mut Fresh) -> Option<Claim> {
        let homes = self.homes.get(&id).into_iter().flatten();
        let mut copies: Vec<Claim> = homes
            .filter_map(|key| match fresh.remove(&(id, *key)) {
                Some(read) => read,
                None => book.weeks.get(key)?.document.claim(id),
            })
            .collect();
        if copies.len() < 2 {
            return copies.pop();
        }
        Claim::joined(&copies)
    }

    /// How many claims are in several weeks.
    #[cfg(test)]
    pub(super) fn copies(&self) -> usize {
        self.homes.values().filter(|homes| homes.len() > 1).count()
    }

    pub(super) fn claim(&self, id: AppointmentId) -> Option<&Claim> {
        self.kept.get(id).map(Settled::claim)
    }

    /// What is drawn of a claim, by start.
    pub(super) fn shown_of(&self, id: AppointmentId) -> Vec<Shown<'_>> {
        let Some(settled) = self.kept.get(id) else {
            return Vec::new();
        };
        let drawn = settled.drawn().iter();
        let mut shown: Vec<Shown<'_>> = drawn
            .map(|placement| Shown { settled, placement })
            .collect();
        shown.sort_by_key(|shown| shown.placement.span());
        shown
    }

    /// What is drawn at some instant of a range, by start.
    pub(super) fn shown_in(&self, range: TimeRange) -> impl Iterator<Item = Shown<'_>> {
        let drawn = self.kept.drawn_in(range).into_iter();
        drawn.map(|(settled, placement)| Shown { settled, placement })
    }

    /// What is taken of some resources at some instant of a range, of one claim left out.
    pub(super) fn bookings_in(
        &self,
        range: TimeRange,
        resources: &BTreeSet<ResourceId>,
        without: Option<AppointmentId>,
    ) -> Vec<Booking> {
        let mut bookings = self.kept.taken_in(range, Some(resources));
        bookings.retain(|booking| Some(booking.claim) != without);
        bookings
    }

    /// Claims whose move and state were written across each other.
    pub(super) fn crossed(&self) -> BTreeSet<AppointmentId> {
        let crossed = self.read.values().flat_map(|read| &read.crossed);
        crossed.copied().collect()
    }
}

impl Book {
    pub(super) fn derived(&self) -> &Derived {
        self.derived.get(self)
    }

    /// Where a claim is, decisions considered; empty when it is called off.
    pub fn placements_of(&self, id: AppointmentId) -> Vec<Placement> {
        let settled = self.derived().kept.get(id);
        settled
            .map(|settled| settled.places().to_vec())
            .unwrap_or_default()
    }

    /// Whether the relay granted a claim where it is; of several places the weakest word counts.
    pub fn standing(&self, id: AppointmentId) -> Standing {
        let settled = self.derived().kept.get(id);
        self.weakest(id, settled.map(Settled::hashes).unwrap_or_default())
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
        let (mut confirmed, mut tentative) = (0, 0);
        let live = self.derived().kept.all();
        for (id, settled) in live.filter(|(_, settled)| !settled.places().is_empty()) {
            if self.weakest(id, settled.hashes()) == Standing::Confirmed {
                confirmed += 1;
            } else {
                tentative += 1;
            }
        }
        (confirmed, tentative, self.waiting_reviews().len() as u64)
    }
}
