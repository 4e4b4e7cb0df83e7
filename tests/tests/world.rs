//! Thousands of histories of the simulated world.
//!
//! `DAYBOOK_HISTORIES` sets how many (20,000), `DAYBOOK_SEED` where they begin (0), `DAYBOOK_MINUTES`
//! after how long it is enough on a slow machine (20); the example `soak` runs as many as there is
//! time for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests stop at the first surprise, and say what they measured"
)]

use std::time::{Duration, Instant};

use system_tests::world::{
    Report,
    history::{self, Faults},
    soak,
};

fn number(name: &str, usual: u64) -> u64 {
    let told = std::env::var(name).ok();
    told.map_or(usual, |text| text.parse().expect("a number"))
}

#[test]
fn histories_end_well_and_are_made_of_what_they_should() {
    schedule::quiet_guarded_panics();
    let histories = number("DAYBOOK_HISTORIES", 20_000);
    let from = number("DAYBOOK_SEED", 0);
    let minutes = Duration::from_mins(number("DAYBOOK_MINUTES", 20));
    let start = Instant::now();
    let in_time = |_, _: &Report| start.elapsed() < minutes;
    let report = match soak::run(from, histories, 2, Faults::default(), &in_time) {
        Ok(report) => report,
        Err(failure) => panic!("{failure}"),
    };
    println!("{report}in {:.1} s", start.elapsed().as_secs_f64());
    if report.histories < histories {
        println!("{} of {histories}: the time was up", report.histories);
        assert!(start.elapsed() >= minutes, "{report}");
    }
    if report.histories < 500 {
        return;
    }
    // One in seven has a relay that lies; what it does is noticed or harmless in each.
    assert!(
        report.share_of("histories with an attack") >= 0.14,
        "{report}"
    );
    assert!(report.governed_share() >= 0.15, "{report}");
    assert!(report.clash_share() >= 0.30, "{report}");
    assert!(report.crash_share() >= 0.20, "{report}");
    assert!(report.median_operations() >= 40, "{report}");
    assert_eq!(report.cells_missed(), [], "{report}");
    for event in [
        "asked while connected",
        "attack: adds a ghost",
        "attack: drops what comes",
        "attack: drops what is sent",
        "attack: grants in the pause",
        "attack: leaves a removal out",
        "attack: puts an old copy back",
        "attack: reorders",
        "attack: replays",
        "attack: shows old heads",
        "attack: swaps a key",
        "attack: tells two stories",
        "attack: withholds keys",
        "attacks found out",
        "cable out",
        "cards and records",
        "client erased",
        "client held",
        "client taken in",
        "clock jumps",
        "code called back",
        "code expired",
        "code used before",
        "cut",
        "decided",
        "desk killed",
        "desk power cut",
        "desks that list masked work",
        "device removed",
        "direct exchange",
        "disk copied",
        "disk restored",
        "entries pushed again",
        "entries spoiled",
        "erased before the relay turned",
        "erased while somebody was away",
        "histories with an erasure",
        "hold ended",
        "invitation called back",
        "invitation made",
        "joined by code",
        "just taken",
        "kept by a hold",
        "keys forged",
        "relay killed",
        "relay power cut",
        "relay put back",
        "removed while away",
        "removed while off",
        "removed while connected",
        "removed with unsent work",
        "restored relay approved",
        "role changed",
        "seat removed",
        "seats: groomer",
        "seats: manager",
        "seats: owner",
        "seats: receptionist",
        "seats: vet",
        "spare relay named",
        "stalled",
        "told of its removal",
        "unsent work about an erased client",
    ] {
        assert!(report.events(event) > 0, "no {event}:\n{report}");
    }
}

/// Seeds that failed once, each with what it showed.
const ONCE_FAILED: &[(u64, &str)] = &[
    (
        245,
        "a row that got through while it was withdrawn raised an alarm for ever",
    ),
    (
        750,
        "a pet that was added late and taken out again outlived its owner's erasure",
    ),
    (
        3116,
        "a visit that was moved to two places at once waited for an answer for ever",
    ),
    (
        3180,
        "an overlap was allowed by somebody who was then removed",
    ),
    (
        4005,
        "a clock that was set back kept an owner's device from handing out keys",
    ),
    (
        4268,
        "an owner's device that restarted forgot which key it had withdrawn",
    ),
    (
        4483,
        "keys that a removed owner had made were used until a restart",
    ),
    (
        4985,
        "what a withdrawn row's key sealed waited for that key for ever",
    ),
    (
        9193,
        "the relay turned away what was about somebody erased, also when its key was named",
    ),
    (9256, "who reads a feed no more waited for the rest of it"),
    (
        10894,
        "a neighbour's late row was purged, got through, and was named by nobody",
    ),
];

#[test]
fn seeds_that_failed_once_end_well() {
    schedule::quiet_guarded_panics();
    for (seed, why) in ONCE_FAILED {
        if let Err(failure) = history::run(*seed, Faults::default()) {
            panic!("again: {why}\n{failure}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let traces = |seeds: std::ops::Range<u64>| -> Vec<String> {
        seeds
            .map(|seed| match history::run(seed, Faults::default()) {
                Ok(done) => done.trace,
                Err(failure) => panic!("{failure}"),
            })
            .collect()
    };
    let first = traces(0..20);
    assert_eq!(first, traces(0..20));
    let distinct: std::collections::BTreeSet<_> = first.iter().collect();
    assert_eq!(distinct.len(), 20);
}
