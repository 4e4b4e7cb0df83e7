//! Faults built in on purpose: each is caught within a few histories, and by the fault alone.
//!
//! The table names the first seed that catches each. Histories shift when the code under test draws
//! chance in another order; then the seeds are looked for anew, below 10,000, and the test says
//! which to write here. `DAYBOOK_HUNT=1` looks for all of them anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "tests stop at the first surprise, and say what they measured"
)]

use system_tests::world::{
    Failure,
    history::{self, Faults},
    planted, soak,
};

/// Which seed catches which fault.
const CAUGHT: &[(&str, u64)] = &[
    ("acknowledge before sync", 86),
    ("skip verify", 5),
    ("drop a dependency", 135),
    ("off-by-one slot", 0),
    ("forget a refusal", 29),
    ("no idempotence", 0),
    ("grant without check", 2),
    ("keep a cancelled slot", 0),
    ("desk never syncs", 0),
    ("relay never syncs", 0),
    ("a removed device goes on reading", 69),
    ("no pause after a loss", 5),
    ("a code counts twice", 17),
    ("a code counts for ever", 70),
    ("the role of now, not of then", 1124),
    ("an old role at an old height", 77),
    ("acts count without a signature", 55),
    ("late work of who left counts", 141),
    ("a rotation forgets a role", 15),
    ("keys from anybody", 8),
    ("nobody compares heads", 34),
    ("a purged body is served again", 20),
    ("uploads before applying an erasure", 24),
    ("an erasure's keys learned again", 5),
];

/// No fault needs more histories than this.
const MOST: u64 = 10_000;

fn known_seed(name: &str) -> Option<u64> {
    let (_, seed) = CAUGHT.iter().find(|(known, _)| *known == name)?;
    std::env::var_os("DAYBOOK_HUNT").is_none().then_some(*seed)
}

fn caught(name: &str, fault: Faults) -> Failure {
    if let Some(seed) = known_seed(name)
        && let Err(failure) = history::run(seed, fault)
    {
        return *failure;
    }
    let Err(failure) = soak::run(0, MOST, 2, fault, &|_, _| true) else {
        panic!("no history notices \"{name}\": the checks are too weak");
    };
    println!("in the table: (\"{name}\", {}),", failure.seed);
    *failure
}

#[test]
fn each_planted_fault_is_caught_and_its_seed_named() {
    schedule::quiet_guarded_panics();
    let faults = planted::all();
    assert!(faults.len() >= 20);
    assert_eq!(faults.len(), CAUGHT.len(), "each fault has its seed");
    for (name, fault) in faults {
        let failure = caught(name, fault);
        let seed = failure.seed;
        assert!(seed < MOST);
        println!("{name}: seed {seed}: {}", failure.what);
        let again = history::run(seed, fault).expect_err("the same seed finds it again");
        assert_eq!(again.what, failure.what, "{name}: seed {seed}");
        assert_eq!(again.tail, failure.tail, "{name}: seed {seed}");
        if let Err(other) = history::run(seed, Faults::default()) {
            panic!("{name}: it fails without the fault as well:\n{other}");
        }
    }
}
