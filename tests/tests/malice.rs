//! A relay that lies, in every way there is a name for: what it does is noticed or does no harm, and
//! once an honest relay is back nothing is missing.
//!
//! `DAYBOOK_ATTACKS` sets how many histories each attack runs in (2).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "tests stop at the first surprise, and say what they saw"
)]

use std::collections::BTreeMap;

use client_core::catalogue::AlarmCode;
use system_tests::world::{
    history::Faults,
    malice::{self, Attack},
};

#[test]
fn every_lie_is_noticed_or_harmless_and_heals() {
    schedule::quiet_guarded_panics();
    let told = std::env::var("DAYBOOK_ATTACKS").ok();
    let histories: u64 = told.map_or(2, |text| text.parse().expect("a number"));
    let mut wrong = Vec::new();
    for attack in Attack::ALL {
        let mut seen: BTreeMap<AlarmCode, u64> = BTreeMap::new();
        let mut lies = 0;
        for seed in 0..histories {
            let outcome = match malice::run(seed, attack, Faults::default()) {
                Ok(outcome) => outcome,
                Err(failure) => {
                    wrong.push(format!("{failure}"));
                    continue;
                }
            };
            lies += outcome.lies;
            for code in &outcome.told {
                *seen.entry(*code).or_default() += 1;
            }
            let expected = attack.told_as();
            let noticed = expected.iter().any(|code| outcome.told.contains(code));
            let lied = outcome.lies > 0 || attack == Attack::OldCopy;
            if lied && !expected.is_empty() && !noticed {
                wrong.push(format!("{attack:?}, seed {seed}: {outcome:?}"));
            }
            if expected.is_empty() && !(outcome.told.is_empty() && outcome.in_step) {
                wrong.push(format!(
                    "{attack:?}, seed {seed}, a false alarm: {outcome:?}"
                ));
            }
        }
        println!("{attack:?}: {lies} lies in {histories} histories, told {seen:?}");
        if lies == 0 && attack != Attack::OldCopy {
            wrong.push(format!("{attack:?}: not one lie was told"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
