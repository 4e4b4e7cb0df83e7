//! What can still be offered.
//!
//! A slot is offered where
//! * every stretch of the service has its staff or room free, and staff stretches lie within one
//!   working time;
//! * the client's stay, from the first work to the last, lies within one opening;
//! * the wall clock shows a whole step (10:00, 10:15, ..) and shows it for the first time that day.
//!
//! Start with [`free_slots`].

use std::collections::BTreeMap;

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use serde::Serialize;

use crate::{
    clash::{Booking, Capacities, joined, pieces_of},
    ids::{AppointmentId, ResourceId},
    pattern::{Need, Pattern, first_showing, moved, placed},
    placement::Placement,
    time::TimeRange,
};

/// A question for free slots.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The service.
    pub pattern: &'a Pattern,
    /// Who may do it, the preferred first, each with their working times.
    pub staff: &'a [(ResourceId, Vec<TimeRange>)],
    /// Where it may be done, the preferred first; empty: no room is taken and the
    /// stretches that need one are left out.
    pub rooms: &'a [ResourceId],
    /// When the site is open.
    pub open: Vec<TimeRange>,
    /// The site's zone, one with an IANA name: without a name no placement could be made.
    pub zone: &'a TimeZone,
    /// Starts lie on whole steps of the wall clock since midnight; 0 counts as 1.
    pub step_minutes: u32,
    /// The earliest start.
    pub from: Timestamp,
    /// Starts lie before this.
    pub until: Timestamp,
    /// Most slots wanted.
    pub limit: usize,
}

/// Something that can be offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Slot {
    /// When the client is to be there.
    pub start: Timestamp,
    /// Who does it.
    pub staff: ResourceId,
    /// Where; `None` when no room is taken.
    pub room: Option<ResourceId>,
    /// What booking it would occupy.
    pub placement: Placement,
}

/// What can be offered, by start and then in the order in which staff were asked for: for each
/// start and member of staff one slot, in the first room that is free.
///
/// Bookings are sorted once per resource; each question is then a binary search.
pub fn free_slots(ask: &Ask<'_>, bookings: &[Booking], capacities: &Capacities) -> Vec<Slot> {
    let Some(zone) = ask.zone.iana_name() else {
        return Vec::new();
    };
    let takes_room = ask.pattern.needs_room() && !ask.rooms.is_empty();
    let pattern = if takes_room {
        Some(ask.pattern.clone())
    } else {
        ask.pattern.without_room()
    };
    let Some(pattern) = pattern else {
        return Vec::new();
    };
    let search = Search::new(ask, &pattern, bookings, capacities);
    let mut slots = Vec::new();
    for (civil, start) in starts(ask, pattern.stay()) {
        for (staff, working) in &search.staff {
            if !search.fits(start, Need::Staff, *staff, Some(working)) {
                continue;
            }
            let mut rooms = search.rooms.iter();
            let free = |room: &&Option<ResourceId>| {
                room.is_none_or(|room| search.fits(start, Need::Room, room, None))
            };
            let Some(room) = rooms.find(free).copied() else {
                continue;
            };
            // Only a start at the very end of the calendar cannot be placed.
            let made = placed(&pattern, start, civil, zone, *staff, room);
            let Ok(placement) = made else { continue };
            if slots.len() == ask.limit {
                return slots;
            }
            slots.push(Slot {
                start,
                staff: *staff,
                room,
                placement,
            });
        }
    }
    slots
}

struct Search {
    staff: Vec<(ResourceId, Vec<TimeRange>)>,
    /// `None` alone where no room is taken.
    rooms: Vec<Option<ResourceId>>,
    /// Stretches as (needs, from, until) in seconds from the start.
    segments: Vec<(Need, i64, i64)>,
    /// Where one more unit would be too much; sorted and apart.
    full: BTreeMap<ResourceId, Vec<TimeRange>>,
}

impl Search {
    fn new(
        ask: &Ask<'_>,
        pattern: &Pattern,
        bookings: &[Booking],
        capacities: &Capacities,
    ) -> Self {
        let takes_room = pattern.needs_room();
        let rooms: &[ResourceId] = if takes_room { ask.rooms } else { &[] };
        let asked = ask
            .staff
            .iter()
            .map(|(id, _)| *id)
            .chain(rooms.iter().copied());
        let mut taken: BTreeMap<ResourceId, ByClaim> =
            asked.map(|id| (id, ByClaim::new())).collect();
        for booking in bookings {
            if let Some(claims) = taken.get_mut(&booking.resource) {
                claims
                    .entry(booking.claim)
                    .or_default()
                    .push((booking.range, booking.units));
            }
        }
        let full = taken
            .iter()
            .map(|(id, claims)| (*id, full_ranges(claims, capacities.of(*id))));
        Self {
            staff: ask
                .staff
                .iter()
                .map(|(id, working)| (*id, joined(working.clone())))
                .collect(),
            rooms: if takes_room {
                rooms.iter().copied().map(Some).collect()
            } else {
                vec![None]
            },
            segments: pattern
                .relative()
                .map(|(segment, from, until)| (segment.needs, from, until))
                .collect(),
            full: full.collect(),
        }
    }

    /// Whether the stretches that need this are free there, and within working times.
    fn fits(
        &self,
        start: Timestamp,
        need: Need,
        resource: ResourceId,
        working: Option<&[TimeRange]>,
    ) -> bool {
        self.segments
            .iter()
            .filter(|(needs, ..)| *needs == need)
            .all(|(_, from, until)| {
                moved(start, *from, *until).is_some_and(|range| {
                    self.is_free(resource, range)
                        && working.is_none_or(|times| within(times, range))
                })
            })
    }

    fn is_free(&self, resource: ResourceId, range: TimeRange) -> bool {
        let full = self
            .full
            .get(&resource)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let next = full.partition_point(|taken| taken.end() <= range.start());
        full.get(next).is_none_or(|taken| !taken.overlaps(range))
    }
}

/// Whether one of these sorted, separate ranges holds all of `range`.
fn within(ranges: &[TimeRange], range: TimeRange) -> bool {
    let next = ranges.partition_point(|open| open.end() <= range.start());
    ranges.get(next).is_some_and(|open| open.contains(range))
}

type ByClaim = BTreeMap<AppointmentId, Vec<(TimeRange, u16)>>;

/// Where one more unit would exceed the capacity.
fn full_ranges(claims: &ByClaim, capacity: u16) -> Vec<TimeRange> {
    if capacity == 0 {
        return TimeRange::ALWAYS.into_iter().collect();
    }
    let pieces = claims
        .iter()
        .flat_map(|(claim, taken)| pieces_of(*claim, taken));
    let mut steps: Vec<(Timestamp, i64)> = pieces
        .flat_map(|piece| {
            let units = i64::try_from(piece.units).unwrap_or(i64::MAX);
            [(piece.range.start(), units), (piece.range.end(), -units)]
        })
        .collect();
    steps.sort_unstable();
    let mut used = 0_i64;
    let mut full = Vec::new();
    let ends = steps.iter().skip(1);
    for ((at, change), (next, _)) in steps.iter().zip(ends) {
        used += change;
        if used + 1 > i64::from(capacity) {
            // Steps at one instant make no range between them.
            full.extend(TimeRange::new(*at, *next).ok());
        }
    }
    joined(full)
}

/// The wall-clock times to try and their instants, ascending.
fn starts(ask: &Ask<'_>, stay: SignedDuration) -> impl Iterator<Item = (DateTime, Timestamp)> {
    let zone = ask.zone;
    let step = usize::try_from(ask.step_minutes.max(1)).unwrap_or(usize::MAX);
    let (from, until) = (ask.from, ask.until);
    joined(ask.open.clone())
        .into_iter()
        .filter(move |open| from < open.end())
        .flat_map(move |open| {
            let first = open.start().max(from);
            // The latest start whose stay still ends with the opening.
            let last = open.end().checked_sub(stay).unwrap_or(Timestamp::MIN);
            let day = |at: Timestamp| zone.to_datetime(at).date();
            let days = if last < first || until <= first {
                None
            } else {
                Some((day(first), day(last.min(until))))
            };
            days.into_iter()
                .flat_map(|(first, last)| {
                    first
                        .series(jiff::Span::new().days(1))
                        .take_while(move |d| *d <= last)
                })
                .flat_map(move |date| Clock::of(zone, date).times(step))
                .filter(move |(_, at)| first <= *at && *at <= last && *at < until)
        })
}

/// One day on the wall clock.
struct Clock<'a> {
    zone: &'a TimeZone,
    day: Date,
    /// Midnight, if the clock then runs through to the next without a change.
    regular: Option<Timestamp>,
}

impl<'a> Clock<'a> {
    fn of(zone: &'a TimeZone, day: Date) -> Self {
        let midnight = |day: Date| first_showing(zone, day.to_datetime(Time::midnight())).ok();
        let regular = midnight(day).filter(|start| {
            let change = zone
                .following(*start)
                .next()
                .map(|transition| transition.timestamp());
            let end = start
                .checked_add(SignedDuration::from_hours(24))
                .unwrap_or(Timestamp::MAX);
            change.is_none_or(|change| end <= change)
        });
        Self { zone, day, regular }
    }

    /// Whole steps since midnight that the clock shows, each at its first showing.
    fn times(self, step: usize) -> impl Iterator<Item = (DateTime, Timestamp)> + use<'a> {
        (0..24 * 60).step_by(step).filter_map(move |minute: i64| {
            let since_midnight = SignedDuration::from_mins(minute);
            let civil = self
                .day
                .to_datetime(Time::midnight())
                .checked_add(since_midnight)
                .ok()?;
            let at = match self.regular {
                Some(midnight) => midnight.checked_add(since_midnight).ok(),
                None => first_showing(self.zone, civil).ok(),
            };
            Some((civil, at?))
        })
    }
}
