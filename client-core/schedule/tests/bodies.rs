//! Entry bodies: one encoding per value, any bytes answered, and bytes that shipped stay readable.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

mod common;

use common::*;
use conflict_rules::Source;
use proptest::prelude::*;
use schedule::{
    BodyError, ClearIntent, GridBody, Hlc, MAX_CHANGES, ScheduleBody, Schema, Week, safety,
};

fn intent() -> ClearIntent {
    let clock = Hlc {
        millis: 1_772_528_400_000,
        counter: 7,
    };
    ClearIntent {
        clock,
        source: Source::Desk,
        request: [5; 16],
    }
}

fn body(changes: Vec<Vec<u8>>) -> ScheduleBody {
    ScheduleBody {
        week: key(),
        zone: ZONE.to_owned(),
        intent: intent(),
        changes,
    }
}

/// Bytes that shipped: a booking, in its entry's body. Editing this breaks every log there is.
const GOLDEN: &str = include_str!("golden/booking.hex");

#[test]
fn a_booking_is_the_same_bytes_wherever_it_is_made() {
    let change = book(&mut week(), ANN, 1, "2026-03-03T09:00");
    let bytes = body(vec![change.bytes]).encode().unwrap();
    assert_eq!(hex(&bytes), GOLDEN.trim());
}

#[test]
fn a_booking_that_shipped_is_read() {
    let golden = GOLDEN.trim().as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let bytes: Vec<u8> = golden.chunks(2).map(byte).collect();
    let read = ScheduleBody::decode(&bytes).unwrap();
    assert_eq!(
        (read.week, read.zone.as_str(), read.intent),
        (key(), ZONE, intent())
    );
    let mut week = Week::genesis(read.week, &read.zone).unwrap();
    let change = safety::check(&read.changes[0], Schema::Schedule).unwrap();
    week.receive(&[change]).unwrap();
    assert_eq!(week.claims()[0].id, id(1));
    assert_eq!(
        week.claims()[0].placements,
        [placed("2026-03-03T09:00", 30, 1, 9)]
    );
    for cut in 0..bytes.len() {
        assert!(ScheduleBody::decode(&bytes[..cut]).is_err());
    }
    let mut newer = bytes.clone();
    newer[1] = 3;
    assert_eq!(
        ScheduleBody::decode(&newer),
        Err(BodyError::NewerVersion(3))
    );
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(ScheduleBody::decode(&longer), Err(BodyError::Malformed));
}

#[test]
fn limits_hold_on_both_ends() {
    assert_eq!(body(Vec::new()).encode(), Err(BodyError::ChangeCount));
    assert_eq!(
        body(vec![vec![1]; MAX_CHANGES + 1]).encode(),
        Err(BodyError::ChangeCount)
    );
    assert_eq!(
        body(vec![vec![0; 49_153]]).encode(),
        Err(BodyError::TooLarge)
    );
    let typed = ScheduleBody {
        zone: "Rex bites".to_owned(),
        ..body(vec![vec![1]])
    };
    assert_eq!(typed.encode(), Err(BodyError::UnknownZone));
    assert_eq!(
        ScheduleBody::decode(&vec![0; 50_000]),
        Err(BodyError::TooLarge)
    );
    // The same version in two bytes instead of one.
    let bytes = GridBody {
        intent: intent(),
        changes: vec![vec![1]],
    }
    .encode()
    .unwrap();
    let mut padded = vec![bytes[0], 0x18, bytes[1]];
    padded.extend(&bytes[2..]);
    assert_eq!(GridBody::decode(&padded), Err(BodyError::NotCanonical));
}

proptest! {
    #[test]
    fn bodies_round_trip(
        millis in any::<i64>(),
        counter in any::<u32>(),
        request in any::<[u8; 16]>(),
        changes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..20),
    ) {
        let intent = ClearIntent { clock: Hlc { millis, counter }, source: Source::Api, request };
        let schedule = ScheduleBody { intent, ..body(changes.clone()) };
        prop_assert_eq!(ScheduleBody::decode(&schedule.encode().unwrap()), Ok(schedule));
        let grid = GridBody { intent, changes };
        prop_assert_eq!(GridBody::decode(&grid.encode().unwrap()), Ok(grid));
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(ScheduleBody::decode(&bytes).is_err() || !bytes.is_empty());
        prop_assert!(GridBody::decode(&bytes).is_err() || !bytes.is_empty());
        prop_assert!(safety::check(&bytes, Schema::Private).is_err());
    }

    #[test]
    fn spoiled_bodies_are_refused_or_mean_what_they_say(at in 0_usize..400, to in any::<u8>()) {
        let change = book(&mut week(), ANN, 1, "2026-03-03T09:00");
        let mut bytes = body(vec![change.bytes]).encode().unwrap();
        let at = at % bytes.len();
        bytes[at] = to;
        if let Ok(read) = ScheduleBody::decode(&bytes) {
            prop_assert_eq!(read.encode().unwrap(), bytes);
        }
    }
}
