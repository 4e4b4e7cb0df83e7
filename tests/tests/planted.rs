//! Faults built in on purpose, each with a seed that catches it.
//!
//! `DAYBOOK_HUNT=1` looks for the first such seed of each below 10,000 and prints it.

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

use system_tests::world::{history, planted, soak};

/// Which seed catches which fault, and by what.
const CAUGHT: &[(&str, u64)] = &[];

#[test]
fn each_planted_fault_is_caught_by_its_seed() {
    schedule::quiet_guarded_panics();
    assert!(CAUGHT.len() >= 10);
    let faults = planted::all();
    assert_eq!(faults.len(), CAUGHT.len(), "each fault has its seed");
    for (name, fault) in faults {
        let (_, seed) = CAUGHT
            .iter()
            .find(|(known, _)| *known == name)
            .expect("a seed");
        assert!(*seed < 10_000);
        let fine = history::run(*seed, history::Faults::default());
        assert!(
            fine.is_ok(),
            "{name}: seed {seed} fails without the fault:\n{}",
            fine.unwrap_err()
        );
        match history::run(*seed, fault) {
            Ok(_) => panic!("seed {seed} does not catch \"{name}\" any more"),
            Err(failure) => println!("{name}: seed {seed}: {}", failure.what),
        }
    }
}

#[test]
fn the_first_seed_of_each_planted_fault() {
    if std::env::var_os("DAYBOOK_HUNT").is_none() {
        return;
    }
    schedule::quiet_guarded_panics();
    for (name, fault) in planted::all() {
        match soak::run(0, 10_000, 2, fault, &|_, _| {}) {
            Ok(_) => println!("    (\"{name}\", NOT CAUGHT),"),
            Err(failure) => {
                println!("    (\"{name}\", {}), // {}", failure.seed, failure.what);
            }
        }
    }
}
