//! A small practice to test with: placements by the clock, changes by a seed.
#![allow(dead_code, reason = "each test file uses its part")]

use conflict_rules::{
    AppointmentId, ClaimKind, LocationId, Occupancy, OccupancyKind, Placement, ResourceId, Source,
    TimeRange,
};
use jiff::{SignedDuration, civil::DateTime, tz::TimeZone};
use schedule::{CheckedChange, IsoWeek, NewChange, Schema, Week, WeekKey, safety};

pub(crate) const ZONE: &str = "Europe/Paris";
pub(crate) const ANN: [u8; 16] = [0xa1; 16];
pub(crate) const BOB: [u8; 16] = [0xb0; 16];
pub(crate) const EVE: [u8; 16] = [0xee; 16];

pub(crate) fn key() -> WeekKey {
    WeekKey {
        location: LocationId::from_bytes([1; 16]),
        week: IsoWeek::new(2026, 10).unwrap(),
    }
}

pub(crate) fn week() -> Week {
    Week::genesis(key(), ZONE).unwrap()
}

pub(crate) fn id(number: u64) -> AppointmentId {
    // Spread like random ids, so that sizes are honest.
    let mut state = number;
    let mut bytes = [0; 16];
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&splitmix(&mut state).to_le_bytes());
    }
    AppointmentId::from_bytes(bytes)
}

pub(crate) fn resource(number: u8) -> ResourceId {
    ResourceId::from_bytes([number; 16])
}

/// `minutes` of work by a vet in a room, then ten minutes of cleaning the room.
pub(crate) fn placed(start: &str, minutes: i64, vet: u8, room: u8) -> Placement {
    let civil: DateTime = start.parse().unwrap();
    let zone = TimeZone::get(ZONE).unwrap();
    let from = civil.to_zoned(zone).unwrap().timestamp();
    let until = from + SignedDuration::from_mins(minutes);
    let clean = until + SignedDuration::from_mins(10);
    let work = OccupancyKind::Work;
    let taken = |resource, range, kind| Occupancy {
        resource,
        range,
        units: 1,
        kind,
    };
    let occupancies = vec![
        taken(resource(vet), TimeRange::new(from, until).unwrap(), work),
        taken(resource(room), TimeRange::new(from, until).unwrap(), work),
        taken(
            resource(room),
            TimeRange::new(until, clean).unwrap(),
            OccupancyKind::Buffer,
        ),
    ];
    Placement::new(occupancies, civil, ZONE, "2026a").unwrap()
}

pub(crate) fn book(week: &mut Week, actor: [u8; 16], number: u64, start: &str) -> NewChange {
    let placement = placed(start, 30, 1, 9);
    week.book(
        actor,
        id(number),
        ClaimKind::Visit,
        Source::Desk,
        &placement,
    )
    .unwrap()
    .unwrap()
}

pub(crate) fn checked(change: &NewChange) -> CheckedChange {
    safety::check(&change.bytes, Schema::Schedule).unwrap()
}

/// Gives `to` what `from` has.
pub(crate) fn bring(from: &Week, to: &mut Week) {
    let changes: Vec<_> = from.changes().iter().map(checked).collect();
    let received = to.receive(&changes).unwrap();
    assert!(received.waiting.is_empty());
}

pub(crate) fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
