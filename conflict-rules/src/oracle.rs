//! The same answers, plain and slow: what the quick rules are tested against.
//!
//! Nothing here is clever. Time is cut at every instant where anything changes, and every set of
//! claims is tried. Use it with few bookings, in tests and in the simulated world.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::{
    clash::{Booking, Capacities, Clash},
    free::Ask,
    ids::{AppointmentId, ResourceId},
    pattern::place,
    placement::{Occupancy, OccupancyKind, Placement},
    time::TimeRange,
};

/// Most claims that may take one resource at one instant; above, sets are too many to try.
pub const MAX_AT_ONCE: usize = 16;

/// All clashes, by trying every set of claims at every instant.
///
/// The quick search agrees while no booking begins into more than
/// [`crate::clash::MAX_SETS_PER_START`] sets; beyond that it shows the first of them.
///
/// `None` when more than [`MAX_AT_ONCE`] claims take a resource at once.
pub fn clashes(
    bookings: &[Booking],
    capacities: &Capacities,
    allowed: &BTreeSet<(AppointmentId, AppointmentId)>,
) -> Option<Vec<Clash>> {
    let resources: BTreeSet<ResourceId> = bookings.iter().map(|booking| booking.resource).collect();
    let mut found = Vec::new();
    for resource in resources {
        let capacity = u64::from(capacities.of(resource));
        let mut open: Vec<Clash> = Vec::new();
        for range in stretches(bookings.iter().map(|booking| booking.range)) {
            let units = units_during(bookings, resource, range);
            if units.len() > MAX_AT_ONCE {
                return None;
            }
            for claims in minimal_sets(&units, capacity) {
                let agreed = claims.len() > 1
                    && claims
                        .iter()
                        .all(|a| claims.iter().all(|b| a >= b || allowed.contains(&(*a, *b))));
                if agreed {
                    continue;
                }
                let before = open
                    .iter_mut()
                    .find(|clash| clash.claims == claims && clash.range.end() == range.start());
                match before {
                    Some(clash) => {
                        clash.range = TimeRange::new(clash.range.start(), range.end()).ok()?;
                    }
                    None => open.push(Clash {
                        resource,
                        range,
                        claims,
                    }),
                }
            }
        }
        found.append(&mut open);
    }
    found.sort();
    Some(found)
}

/// Whether everything booked fits, at every instant: no set of claims exceeds any capacity.
pub fn all_fits(bookings: &[Booking], capacities: &Capacities) -> bool {
    let resources: BTreeSet<ResourceId> = bookings.iter().map(|booking| booking.resource).collect();
    stretches(bookings.iter().map(|booking| booking.range))
        .into_iter()
        .all(|range| {
            resources.iter().all(|resource| {
                let taken: u64 = units_during(bookings, *resource, range).values().sum();
                taken <= u64::from(capacities.of(*resource))
            })
        })
}

/// Time cut at every bound.
fn stretches(ranges: impl Iterator<Item = TimeRange>) -> Vec<TimeRange> {
    let cuts: BTreeSet<Timestamp> = ranges
        .flat_map(|range| [range.start(), range.end()])
        .collect();
    let ends = cuts.iter().skip(1);
    cuts.iter()
        .zip(ends)
        .filter_map(|(start, end)| TimeRange::new(*start, *end).ok())
        .collect()
}

/// What each claim takes of a resource throughout a stretch: the most of its bookings.
fn units_during(
    bookings: &[Booking],
    resource: ResourceId,
    range: TimeRange,
) -> BTreeMap<AppointmentId, u64> {
    let mut units = BTreeMap::new();
    for booking in bookings {
        if booking.resource == resource && booking.range.overlaps(range) {
            let most = units.entry(booking.claim).or_insert(0);
            *most = u64::from(booking.units).max(*most);
        }
    }
    units
}

/// Every set that exceeds the capacity while none of its members can be spared.
fn minimal_sets(
    units: &BTreeMap<AppointmentId, u64>,
    capacity: u64,
) -> Vec<BTreeSet<AppointmentId>> {
    let mut sets = Vec::new();
    for mask in 1_u32..(1 << units.len()) {
        let members = || {
            units
                .iter()
                .enumerate()
                .filter(move |(bit, _)| mask & (1 << bit) != 0)
        };
        let sum: u64 = members().map(|(_, (_, units))| units).sum();
        let needed = members().all(|(_, (_, units))| sum - units <= capacity);
        if sum > capacity && needed {
            sets.push(members().map(|(_, (claim, _))| *claim).collect());
        }
    }
    sets
}

/// Everything that could be offered, by trying every minute, member of staff and room: for each
/// start and member of staff the first room. Ignores [`Ask::limit`].
pub fn free_slots(
    ask: &Ask<'_>,
    bookings: &[Booking],
    capacities: &Capacities,
) -> Vec<(Timestamp, ResourceId, Option<ResourceId>)> {
    let Some(zone) = ask.zone.iana_name() else {
        return Vec::new();
    };
    let takes_room = ask.pattern.needs_room() && !ask.rooms.is_empty();
    let rooms: Vec<Option<ResourceId>> = if takes_room {
        ask.rooms.iter().copied().map(Some).collect()
    } else {
        vec![None]
    };
    let pattern = if takes_room {
        Some(ask.pattern.clone())
    } else {
        ask.pattern.without_room()
    };
    let Some(pattern) = pattern else {
        return Vec::new();
    };
    let mut found = Vec::new();
    // Zone offsets have been whole minutes for a century.
    let mut at = ask.from;
    while at.as_second().rem_euclid(60) != 0 {
        at += SignedDuration::from_secs(1);
    }
    while at < ask.until {
        let civil = ask.zone.to_datetime(at);
        let minute =
            u32::from(civil.hour().unsigned_abs()) * 60 + u32::from(civil.minute().unsigned_abs());
        if minute.is_multiple_of(ask.step_minutes.max(1)) {
            for (staff, working) in ask.staff {
                let room = rooms.iter().find(|room| {
                    place(&pattern, civil, zone, *staff, **room).is_ok_and(|placement| {
                        // The second showing of a repeated hour is placed at the first.
                        placement.work_start() == Some(at)
                            && stay_is_open(&placement, &ask.open)
                            && works(&placement, *staff, working)
                            && is_free(&placement, bookings, capacities)
                    })
                });
                if let Some(room) = room {
                    found.push((at, *staff, *room));
                }
            }
        }
        at += SignedDuration::from_mins(1);
    }
    found
}

fn minutes(range: TimeRange) -> impl Iterator<Item = Timestamp> {
    let minutes = (range.seconds() + 59) / 60;
    (0..minutes).map(move |minute| range.start() + SignedDuration::from_mins(minute))
}

/// Whether some range joined of these covers every minute.
fn covered(range: TimeRange, ranges: &[TimeRange]) -> bool {
    minutes(range).all(|at| ranges.iter().any(|open| open.contains_instant(at)))
}

fn stay_is_open(placement: &Placement, open: &[TimeRange]) -> bool {
    let work = || {
        placement
            .occupancies()
            .iter()
            .filter(|o| o.kind == OccupancyKind::Work)
    };
    let bounds = work()
        .map(|o| o.range.start())
        .min()
        .zip(work().map(|o| o.range.end()).max());
    let stay = bounds.and_then(|(start, end)| TimeRange::new(start, end).ok());
    stay.is_some_and(|stay| covered(stay, open))
}

fn works(placement: &Placement, staff: ResourceId, working: &[TimeRange]) -> bool {
    let mut own = placement
        .occupancies()
        .iter()
        .filter(|o| o.resource == staff);
    own.all(|o| covered(o.range, working))
}

fn is_free(placement: &Placement, bookings: &[Booking], capacities: &Capacities) -> bool {
    let fits = |occupancy: &Occupancy| {
        minutes(occupancy.range).all(|minute| {
            let Ok(range) = TimeRange::new(minute, minute + SignedDuration::from_secs(1)) else {
                return false;
            };
            let taken: u64 = units_during(bookings, occupancy.resource, range)
                .values()
                .sum();
            taken < u64::from(capacities.of(occupancy.resource))
        })
    };
    placement.occupancies().iter().all(fits)
}
