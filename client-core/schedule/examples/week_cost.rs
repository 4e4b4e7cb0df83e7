//! What a week with 240 appointments costs: bytes, and time to load, read, write and receive.
//!
//! `cargo run --release -p schedule --example week_cost`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a measurement that a person runs"
)]

use std::{hint::black_box, time::Instant};

use conflict_rules::{
    AppointmentId, ClaimKind, ClaimState, LocationId, Occupancy, OccupancyKind, Placement,
    ResourceId, Source, TimeRange,
};
use jiff::{SignedDuration, civil::DateTime, tz::TimeZone};
use schedule::{IsoWeek, Schema, Week, WeekKey, safety};

const ZONE: &str = "Europe/Paris";

fn main() {
    let week = IsoWeek::new(2026, 10).unwrap();
    let key = WeekKey {
        location: LocationId::from_bytes(random(1)),
        week,
    };
    let mut book = Week::genesis(key, ZONE).unwrap();
    // Six days, four vets, ten visits each; two desks, a new run of the program every day. A third
    // of the visits is moved once, and all go through arrived, in progress and done.
    let mut changes = Vec::new();
    let mut visits = Vec::new();
    for (day, date) in week.days().iter().take(6).enumerate() {
        for slot in 0..10_i8 {
            for vet in 0..4_u64 {
                let number = visits.len() as u64;
                let id = AppointmentId::from_bytes(random(1000 + number));
                let start = date.at(8 + slot, 0, 0, 0);
                let actor = random(100 + day as u64 * 2 + number % 2);
                let placement = placed(start, vet);
                let kind = ClaimKind::Visit;
                changes.extend(
                    book.book(actor, id, kind, Source::Desk, &placement)
                        .unwrap(),
                );
                if number.is_multiple_of(3) {
                    let later = start.checked_add(SignedDuration::from_mins(15)).unwrap();
                    changes.extend(book.move_to(actor, id, &placed(later, vet)).unwrap());
                }
                visits.push((actor, id));
            }
        }
    }
    report(
        "booked",
        &book,
        &changes.iter().map(|c| c.bytes.len()).collect::<Vec<_>>(),
    );
    let before = book.clone();
    let mut lived = Vec::new();
    for (actor, id) in visits {
        for state in [
            ClaimState::Arrived,
            ClaimState::InProgress,
            ClaimState::Done,
        ] {
            lived.extend(book.set_state(actor, id, state).unwrap());
        }
    }
    report(
        "lived through",
        &book,
        &lived.iter().map(|c| c.bytes.len()).collect::<Vec<_>>(),
    );

    let first = lived.first().unwrap();
    timed("check one change", 500, || {
        safety::check(&first.bytes, Schema::Schedule).unwrap()
    });
    let one = [safety::check(&first.bytes, Schema::Schedule).unwrap()];
    timed("receive one change, week just loaded", 100, || {
        let mut week = before.clone();
        week.receive(&one).unwrap()
    });
    let mut hot = before.clone();
    hot.receive(&[]).unwrap();
    timed("receive one change, week hot", 100, || {
        let mut week = hot.clone();
        week.receive(&one).unwrap()
    });
    timed("copy a hot week", 100, || hot.clone());
    timed("book one more", 100, || {
        let mut week = before.clone();
        let id = AppointmentId::from_bytes(random(9));
        let placement = placed("2026-03-08T09:00".parse().unwrap(), 1);
        week.book(random(8), id, ClaimKind::Visit, Source::Desk, &placement)
            .unwrap()
    });
    timed("catch up on the whole week, check included", 10, || {
        let all: Vec<_> = changes.iter().chain(&lived).collect();
        let checked: Vec<_> = all
            .iter()
            .map(|c| safety::check(&c.bytes, Schema::Schedule).unwrap())
            .collect();
        let mut week = Week::genesis(key, ZONE).unwrap();
        week.receive(&checked).unwrap()
    });
}

fn report(what: &str, week: &Week, sizes: &[usize]) {
    let saved = week.save();
    println!(
        "{what}: {} claims, {} changes of {} B on average, saved {} B",
        week.claims().len(),
        sizes.len(),
        sizes.iter().sum::<usize>() / sizes.len(),
        saved.len(),
    );
    timed("load", 50, || Week::load(&saved).unwrap());
    timed("save", 50, || week.save());
    timed("read all claims", 50, || week.claims());
}

fn timed<T>(what: &str, times: u32, mut work: impl FnMut() -> T) {
    black_box(work());
    let start = Instant::now();
    for _ in 0..times {
        black_box(work());
    }
    let micros = start.elapsed().as_micros() as f64 / f64::from(times);
    println!("  {what}: {:.3} ms", micros / 1000.0);
}

fn placed(start: DateTime, vet: u64) -> Placement {
    let from = start
        .to_zoned(TimeZone::get(ZONE).unwrap())
        .unwrap()
        .timestamp();
    let until = from + SignedDuration::from_mins(30);
    let clean = until + SignedDuration::from_mins(10);
    let taken = |seed, from, until, kind| Occupancy {
        resource: ResourceId::from_bytes(random(seed)),
        range: TimeRange::new(from, until).unwrap(),
        units: 1,
        kind,
    };
    let occupancies = vec![
        taken(10 + vet, from, until, OccupancyKind::Work),
        taken(20 + vet, from, until, OccupancyKind::Work),
        taken(20 + vet, until, clean, OccupancyKind::Buffer),
    ];
    Placement::new(occupancies, start, ZONE, "2026a").unwrap()
}

/// Bytes that do not compress, the same on every run.
fn random(seed: u64) -> [u8; 16] {
    let hash = blake3::hash(&seed.to_le_bytes());
    *hash.as_bytes().first_chunk().unwrap()
}
