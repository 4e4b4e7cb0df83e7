//! Which claims cannot all stand, and why.
//!
//! A clash is a **minimal** set of claims that together exceed one resource's capacity: a pair
//! where one fits, three where two fit. Take any of them away and the others fit. A claim that
//! asks for more than there is clashes alone. Clashes are derived and never stored.
//!
//! A claim counts once per resource and instant, with the most units it takes there: two
//! concurrent placements of one visit never clash with each other.
//!
//! Start with [`clashes_of`]; [`clashes`] is the same on bare bookings.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    claim::Claim,
    decision::Decision,
    effective::{Effective, effective_for_clashes},
    ids::{AppointmentId, ResourceId},
    placement::OccupancyKind,
    time::TimeRange,
};

/// Sets examined for each start of a booking. A resource that is overbooked dozens of times at one
/// instant has more minimal sets than anybody could read; the first ones, in order of ids, are
/// shown, and deciding them shows the next.
pub const MAX_SETS_PER_START: usize = 256;

/// What a placement occupies, as the clash rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Booking {
    /// Whose.
    pub claim: AppointmentId,
    /// What is taken.
    pub resource: ResourceId,
    /// When.
    pub range: TimeRange,
    /// How many units of its capacity.
    pub units: u16,
    /// Service or buffer; both occupy.
    pub kind: OccupancyKind,
}

/// How many units each resource has; 1 where nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Capacities(BTreeMap<ResourceId, u16>);

impl Capacities {
    /// Capacities of these resources. Zero means out of use.
    pub fn new(units: impl IntoIterator<Item = (ResourceId, u16)>) -> Self {
        Self(units.into_iter().collect())
    }

    /// Units of a resource.
    pub fn of(&self, resource: ResourceId) -> u16 {
        self.0.get(&resource).copied().unwrap_or(1)
    }

    /// Sets the units of a resource.
    pub fn set(&mut self, resource: ResourceId, units: u16) {
        self.0.insert(resource, units);
    }
}

impl FromIterator<(ResourceId, u16)> for Capacities {
    fn from_iter<I: IntoIterator<Item = (ResourceId, u16)>>(units: I) -> Self {
        Self::new(units)
    }
}

/// A minimal set of claims that exceed a resource's capacity together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Clash {
    /// The resource.
    pub resource: ResourceId,
    /// Where they exceed it together, without a break.
    pub range: TimeRange,
    /// Who.
    pub claims: BTreeSet<AppointmentId>,
}

/// What the desk can put into words about a clash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// What is taken more often than it exists.
    pub resource: ResourceId,
    /// When.
    pub range: TimeRange,
    /// How many claims want it then.
    pub claims: usize,
    /// How many units there are.
    pub capacity: u16,
}

/// What a clash is about: "3 visits want room 2 from 10:00 to 10:30, 2 fit".
pub fn explain(clash: &Clash, capacities: &Capacities) -> Explanation {
    Explanation {
        resource: clash.resource,
        range: clash.range,
        claims: clash.claims.len(),
        capacity: capacities.of(clash.resource),
    }
}

/// The clashes that remain after all decisions. Every replica and the relay use this one function;
/// it depends on claims, decisions and capacities alone, in whatever order they are given.
pub fn clashes_of(claims: &[Claim], decisions: &[Decision], capacities: &Capacities) -> Vec<Clash> {
    let effective = effective_for_clashes(claims, decisions);
    clashes(bookings_of(&effective), capacities, &effective.allowed)
}

/// What effective placements occupy.
pub fn bookings_of(effective: &Effective) -> Vec<Booking> {
    let placements = effective.placements.iter();
    placements
        .flat_map(|(claim, placements)| placements.iter().map(move |placement| (*claim, placement)))
        .flat_map(|(claim, placement)| {
            placement
                .occupancies()
                .iter()
                .map(move |occupancy| Booking {
                    claim,
                    resource: occupancy.resource,
                    range: occupancy.range,
                    units: occupancy.units,
                    kind: occupancy.kind,
                })
        })
        .collect()
}

/// All clashes among bookings, sorted. A set of two or more is left out when every pair in it is
/// `allowed` (lesser id first).
///
/// ```
/// use conflict_rules::{AppointmentId, Booking, Capacities, OccupancyKind, ResourceId, TimeRange, clashes};
///
/// let ann = ResourceId::from_bytes([1; 16]);
/// let visit = |id: u8, from: &str, until: &str| Booking {
///     claim: AppointmentId::from_bytes([id; 16]),
///     resource: ann,
///     range: TimeRange::new(from.parse().unwrap(), until.parse().unwrap()).unwrap(),
///     units: 1,
///     kind: OccupancyKind::Work,
/// };
/// let morning = [
///     visit(1, "2026-03-02T09:00Z", "2026-03-02T09:30Z"),
///     visit(2, "2026-03-02T09:15Z", "2026-03-02T10:00Z"),
///     visit(3, "2026-03-02T10:00Z", "2026-03-02T10:30Z"), // touches, does not overlap
/// ];
/// let found = clashes(morning, &Capacities::default(), &Default::default());
/// assert_eq!(found.len(), 1);
/// assert_eq!(found[0].range.seconds(), 15 * 60);
/// ```
pub fn clashes(
    bookings: impl IntoIterator<Item = Booking>,
    capacities: &Capacities,
    allowed: &BTreeSet<(AppointmentId, AppointmentId)>,
) -> Vec<Clash> {
    let mut by_resource: BTreeMap<ResourceId, BTreeMap<AppointmentId, Vec<Taken>>> =
        BTreeMap::new();
    for booking in bookings {
        let claims = by_resource.entry(booking.resource).or_default();
        claims
            .entry(booking.claim)
            .or_default()
            .push((booking.range, booking.units));
    }
    let mut found = Vec::new();
    for (resource, claims) in by_resource {
        let search = Search {
            capacity: u64::from(capacities.of(resource)),
            allowed,
        };
        let ranges = search.ranges(claims);
        found.extend(ranges.into_iter().flat_map(|(claims, ranges)| {
            joined(ranges).into_iter().map(move |range| Clash {
                resource,
                range,
                claims: claims.clone(),
            })
        }));
    }
    found.sort_unstable();
    found
}

type Taken = (TimeRange, u16);

/// A stretch of one claim on one resource with constant units.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    claim: AppointmentId,
    pub(crate) range: TimeRange,
    pub(crate) units: u64,
}

struct Search<'a> {
    capacity: u64,
    allowed: &'a BTreeSet<(AppointmentId, AppointmentId)>,
}

impl Search<'_> {
    /// For each minimal set the stretches where it exceeds, found by one sweep over the starts:
    /// a set begins where the last of its members begins.
    fn ranges(
        &self,
        claims: BTreeMap<AppointmentId, Vec<Taken>>,
    ) -> BTreeMap<BTreeSet<AppointmentId>, Vec<TimeRange>> {
        let mut pieces: Vec<Piece> = claims
            .into_iter()
            .flat_map(|(claim, taken)| pieces_of(claim, &taken))
            .collect();
        pieces.sort_by_key(|piece| (piece.range.start(), piece.claim));
        let mut found = BTreeMap::new();
        let mut running: Vec<Piece> = Vec::new();
        for piece in pieces {
            running.retain(|other| other.range.end() > piece.range.start());
            if piece.units > self.capacity {
                self.report(&mut found, &[piece]);
                continue; // Any larger set with it is not minimal.
            }
            let mut budget = MAX_SETS_PER_START;
            self.extend(&mut found, &mut vec![piece], &running, &mut budget);
            // Pieces that begin together meet once: the later in order finds the earlier running.
            let at = running.partition_point(|other| other.claim < piece.claim);
            running.insert(at, piece);
        }
        found
    }

    /// Adds members from `rest` in order until the set exceeds the capacity.
    fn extend(
        &self,
        found: &mut BTreeMap<BTreeSet<AppointmentId>, Vec<TimeRange>>,
        set: &mut Vec<Piece>,
        rest: &[Piece],
        budget: &mut usize,
    ) {
        let sum: u64 = set.iter().map(|piece| piece.units).sum();
        if sum > self.capacity {
            *budget = budget.saturating_sub(1);
            if set.iter().all(|piece| sum - piece.units <= self.capacity) {
                self.report(found, set);
            }
            return;
        }
        let mut left: u64 = rest.iter().map(|piece| piece.units).sum();
        for (index, next) in rest.iter().enumerate() {
            if sum + left <= self.capacity || *budget == 0 {
                return;
            }
            left -= next.units;
            set.push(*next);
            self.extend(
                found,
                set,
                rest.get(index + 1..).unwrap_or_default(),
                budget,
            );
            set.pop();
        }
    }

    fn report(&self, found: &mut BTreeMap<BTreeSet<AppointmentId>, Vec<TimeRange>>, set: &[Piece]) {
        let start = set.iter().map(|piece| piece.range.start()).max();
        let end = set.iter().map(|piece| piece.range.end()).min();
        let Some(range) = start.zip(end).and_then(|(s, e)| TimeRange::new(s, e).ok()) else {
            return;
        };
        let claims: BTreeSet<AppointmentId> = set.iter().map(|piece| piece.claim).collect();
        if !all_allowed(&claims, self.allowed) {
            found.entry(claims).or_default().push(range);
        }
    }
}

/// Whether a set of several was agreed to, pair by pair.
pub(crate) fn all_allowed(
    claims: &BTreeSet<AppointmentId>,
    allowed: &BTreeSet<(AppointmentId, AppointmentId)>,
) -> bool {
    let pairs = claims.iter().enumerate();
    claims.len() > 1
        && pairs.into_iter().all(|(index, a)| {
            claims
                .iter()
                .skip(index + 1)
                .all(|b| allowed.contains(&(*a, *b)))
        })
}

/// One claim's bookings of a resource as stretches that do not overlap, each with the most units
/// taken there.
pub(crate) fn pieces_of(claim: AppointmentId, taken: &[Taken]) -> Vec<Piece> {
    if let [(range, units)] = taken {
        return vec![Piece {
            claim,
            range: *range,
            units: u64::from(*units),
        }];
    }
    let mut cuts: Vec<Timestamp> = taken
        .iter()
        .flat_map(|(range, _)| [range.start(), range.end()])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let stretches = cuts.iter().zip(cuts.iter().skip(1));
    let mut pieces: Vec<Piece> = Vec::new();
    for range in stretches.filter_map(|(start, end)| TimeRange::new(*start, *end).ok()) {
        let most = taken
            .iter()
            .filter(|(r, _)| r.contains(range))
            .map(|(_, units)| *units)
            .max();
        let Some(units) = most.map(u64::from) else {
            continue;
        };
        match pieces.last_mut() {
            Some(last) if last.units == units && last.range.end() == range.start() => {
                last.range = TimeRange::new(last.range.start(), range.end()).unwrap_or(range);
            }
            _ => pieces.push(Piece {
                claim,
                range,
                units,
            }),
        }
    }
    pieces
}

/// Sorted, with ranges that overlap or touch made one.
pub(crate) fn joined(mut ranges: Vec<TimeRange>) -> Vec<TimeRange> {
    ranges.sort_unstable();
    let mut joined: Vec<TimeRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start() <= last.end() => {
                let end = last.end().max(range.end());
                *last = TimeRange::new(last.start(), end).unwrap_or(*last);
            }
            _ => joined.push(range),
        }
    }
    joined
}
