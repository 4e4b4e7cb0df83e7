//! What decisions do, and for how long they stand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

mod support;

use conflict_rules::{
    Decision, DecisionError, Verdict, bookings_of, clashes_of, effective_for_clashes,
    effective_for_rendering,
};
use support::{apt, dec, decisions, in_words, lines, placement, timetable};

/// What still clashes once these decisions are made.
fn check(rows: &str, decided: &str, expected: &str) {
    let (claims, capacities) = timetable(rows);
    let made = decisions(&claims, decided);
    for decision in &made {
        assert_eq!(
            Decision::from_bytes(&decision.to_bytes()).as_ref(),
            Ok(decision)
        );
    }
    let found = clashes_of(&claims, &made, &capacities);
    assert_eq!(
        in_words(&found),
        lines(expected),
        "after\n{decided}\nin\n{rows}"
    );
}

const DOUBLE: &str = "1 ann - 09:00-09:30
                      2 ann - 09:15-09:45";

#[test]
fn a_decision_settles_a_clash() {
    check(DOUBLE, "", "1+2 ann 09:15-09:30");
    check(DOUBLE, "d1: keep 1; cancel 2", "");
    check(DOUBLE, "d1: keep 1; move 2 to bob - 09:15-09:45", "");
    check(DOUBLE, "d1: allow 1 2", "");
    check(DOUBLE, "d1: keep 1; keep 2", "1+2 ann 09:15-09:30");
}

#[test]
fn moving_somebody_may_clash_elsewhere() {
    check(
        "1 ann - 09:00-09:30
         2 ann - 09:15-09:45
         3 bob - 09:30-10:00",
        "d1: keep 1; move 2 to bob - 09:15-09:45",
        "2+3 bob 09:30-09:45",
    );
}

#[test]
fn a_decided_claim_stays_decided_when_another_moves() {
    let (before, capacities) = timetable(DOUBLE);
    let made = decisions(&before, "d1: keep 1; cancel 2");
    // The client of 2 was phoned and cancelled; then 1 goes to the afternoon.
    let (after, _) = timetable("1 ann - 15:00-15:30\n2 ann - 09:15-09:45");
    let effective = effective_for_clashes(&after, &made);
    assert_eq!(effective.placements[&apt(2)], []);
    assert_eq!(effective.placements[&apt(1)], after[0].placements);
    assert_eq!(effective.standing.get(&apt(2)), Some(&dec(1)));
    assert_eq!(effective.standing.get(&apt(1)), None);
    assert!(clashes_of(&after, &made, &capacities).is_empty());
}

#[test]
fn moving_the_claim_itself_ends_what_was_decided_about_it() {
    let (before, capacities) = timetable(DOUBLE);
    let made = decisions(&before, "d1: keep 1; cancel 2");
    let (after, _) = timetable("1 ann - 09:00-09:30\n2 ann - 09:20-09:50");
    let found = clashes_of(&after, &made, &capacities);
    assert_eq!(in_words(&found), ["1+2 ann 09:20-09:30"]);
}

#[test]
fn an_allowed_overlap_ends_when_either_moves() {
    let (before, capacities) = timetable(DOUBLE);
    let made = decisions(&before, "d1: allow 1 2");
    for after in [
        "1 ann - 09:00-09:40\n2 ann - 09:15-09:45",
        "1 ann - 09:00-09:30\n2 ann - 09:00-09:30",
    ] {
        let (after, _) = timetable(after);
        assert_eq!(clashes_of(&after, &made, &capacities).len(), 1);
    }
}

#[test]
fn an_allowed_overlap_is_taken_back_by_who_has_seen_it_and_says_only_that_both_stay() {
    let clash = "1+2 ann 09:15-09:30";
    check(DOUBLE, "d1: allow 1 2\nd2 saw d1: keep 1; keep 2", clash);
    check(DOUBLE, "d1: allow 1 2\nd2: keep 1; keep 2", "");
    check(DOUBLE, "d1: allow 1 2\nd2 saw d1: keep 1", "");
    let again = "d1: allow 1 2\nd2 saw d1: keep 1; keep 2\nd3 saw d2: allow 1 2";
    check(DOUBLE, again, "");
    check(
        &format!("{DOUBLE}\n3 ann - 09:00-09:30"),
        "d1: allow 1 2\nd2 saw d1: keep 1; keep 2; cancel 3",
        "",
    );
}

#[test]
fn an_allowed_overlap_is_about_that_pair() {
    check(
        "1 ann - 09:00-09:30
         2 ann - 09:00-09:30
         3 ann - 09:00-09:30",
        "d1: allow 1 2",
        "1+3 ann 09:00-09:30
         2+3 ann 09:00-09:30",
    );
    let tub = "1 - tub*2 09:00-09:30
               2 - tub*2 09:00-09:30
               3 - tub*2 09:00-09:30";
    check(tub, "d1: allow 1 2; allow 2 3", "1+2+3 tub 09:00-09:30");
    check(tub, "d1: allow 1 2; allow 2 3; allow 1 3", "");
}

#[test]
fn an_allowed_overlap_ends_when_a_second_place_turns_up() {
    let (before, capacities) = timetable(DOUBLE);
    let made = decisions(&before, "d1: allow 1 2");
    // Somebody offline had moved 1 as well; what was agreed to was another overlap.
    let (after, _) = timetable(&format!("{DOUBLE}\n1 ann - 09:30-10:00"));
    let found = clashes_of(&after, &made, &capacities);
    assert_eq!(in_words(&found), ["1+2 ann 09:15-09:45"]);
}

#[test]
fn who_has_seen_a_decision_may_replace_it() {
    check(
        DOUBLE,
        "d1: keep 1; cancel 2\nd2 saw d1: keep 2; cancel 1",
        "",
    );
    let (claims, _) = timetable(DOUBLE);
    let made = decisions(&claims, "d1: keep 1; cancel 2\nd2 saw d1: keep 2; cancel 1");
    let effective = effective_for_clashes(&claims, &made);
    assert!(effective.contradictions.is_empty());
    assert_eq!(effective.placements[&apt(1)], []);
    assert_eq!(effective.placements[&apt(2)], claims[1].placements);
}

#[test]
fn having_seen_counts_through_others_and_only_for_what_is_decided_again() {
    let rows = "1 ann - 09:00-09:30\n2 ann - 09:15-09:45\n3 cat - 09:00-09:30";
    let (claims, _) = timetable(rows);
    let made = decisions(
        &claims,
        "d1: cancel 1; cancel 2\nd2 saw d1: keep 3\nd3 saw d2: keep 1",
    );
    let effective = effective_for_clashes(&claims, &made);
    assert!(effective.contradictions.is_empty());
    assert_eq!(effective.placements[&apt(1)], claims[0].placements);
    assert_eq!(effective.placements[&apt(2)], []);
}

#[test]
fn a_contradiction_keeps_every_place_until_somebody_adopts_one() {
    let rows = "1 ann - 09:00-09:30\n2 ann - 09:15-09:45\n3 bob - 09:00-10:00";
    let apart = "d1: keep 1; cancel 2\nd2: keep 1; move 2 to bob - 09:15-09:45";
    check(rows, apart, "2+3 bob 09:15-09:45");
    let (claims, _) = timetable(rows);
    let made = decisions(&claims, apart);
    let effective = effective_for_clashes(&claims, &made);
    assert_eq!(effective.contradictions.len(), 1);
    assert_eq!(effective.contradictions[0].claim, apt(2));
    assert_eq!(effective.contradictions[0].answers.len(), 2);
    assert_eq!(effective.standing.get(&apt(2)), None);
    // On the screen the first positioned one stands, whatever its id; it still says so.
    let shown = effective_for_rendering(&claims, &made, &|id| u64::from(id == dec(1)));
    assert_eq!(
        shown.placements[&apt(2)],
        [placement("bob", "-", "09:15-09:45")]
    );
    assert_eq!(shown.standing[&apt(2)], dec(2));
    assert_eq!(shown.contradictions, effective.contradictions);
    let shown = effective_for_rendering(&claims, &made, &|id| u64::from(id == dec(2)));
    assert_eq!(shown.placements[&apt(2)], []);
    // One key adopts.
    check(rows, &format!("{apart}\nd3 saw d1, d2: cancel 2"), "");
}

#[test]
fn two_who_say_the_same_agree() {
    let (claims, _) = timetable(DOUBLE);
    let made = decisions(&claims, "d1: keep 1; cancel 2\nd2: keep 1; cancel 2");
    let effective = effective_for_clashes(&claims, &made);
    assert!(effective.contradictions.is_empty());
    assert_eq!(effective.standing[&apt(2)], dec(1));
}

#[test]
fn allowing_an_overlap_contradicts_cancelling_one_of_them() {
    let (claims, capacities) = timetable(DOUBLE);
    let made = decisions(&claims, "d1: allow 1 2\nd2: keep 1; cancel 2");
    assert_eq!(
        effective_for_clashes(&claims, &made).contradictions.len(),
        1
    );
    assert!(clashes_of(&claims, &made, &capacities).is_empty());
}

#[test]
fn decisions_that_claim_to_have_seen_each_other_count_as_concurrent() {
    let (claims, _) = timetable(DOUBLE);
    let made = decisions(&claims, "d1 saw d2: cancel 2\nd2 saw d1: keep 2");
    let effective = effective_for_clashes(&claims, &made);
    assert_eq!(effective.contradictions.len(), 1);
    assert_eq!(effective.placements[&apt(2)], claims[1].placements);
}

#[test]
fn two_places_are_settled_place_by_place() {
    let rows = "1 ann - 09:00-09:30\n1 bob - 11:00-11:30";
    let (claims, _) = timetable(rows);
    assert_eq!(
        effective_for_clashes(&claims, &[]).placements[&apt(1)].len(),
        2
    );
    let made = decisions(&claims, "d1: keep 1@bob; cancel 1@ann");
    let effective = effective_for_clashes(&claims, &made);
    assert_eq!(
        effective.placements[&apt(1)],
        [placement("bob", "-", "11:00-11:30")]
    );
}

#[test]
fn no_decision_brings_a_cancelled_visit_back() {
    let (claims, _) = timetable("1 ann - 09:00-09:30 cancelled");
    let effective = effective_for_clashes(&claims, &decisions(&claims, "d1: keep 1"));
    assert!(bookings_of(&effective).is_empty());
}

#[test]
fn a_decision_says_one_thing_about_a_claim() {
    let (claims, _) = timetable(DOUBLE);
    for both in [
        "d1: keep 1; cancel 1",
        "d1: cancel 1; cancel 1",
        "d1: allow 1 2; cancel 2",
        "d1: allow 1 1",
    ] {
        let decision = &decisions(&claims, both)[0];
        assert_eq!(
            decision.check(),
            Err(DecisionError::SaysTwoThings),
            "{both}"
        );
        assert_eq!(
            Decision::from_bytes(&decision.to_bytes()),
            Err(DecisionError::SaysTwoThings)
        );
    }
    let mut decision = decisions(&claims, "d1: cancel 1")[0].clone();
    decision.verdicts.clear();
    assert_eq!(decision.check(), Err(DecisionError::NoVerdict));
    let verdict = |n| Verdict::Keep {
        claim: apt(n),
        placement: claims[0].placements[0].hash(),
    };
    decision.verdicts = (0..65).map(verdict).collect();
    assert_eq!(decision.check(), Err(DecisionError::TooManyVerdicts));
    decision.verdicts.truncate(64);
    decision.seen = (0..=256_u16)
        .map(|n| {
            let mut id = [0; 16];
            id[..2].copy_from_slice(&n.to_be_bytes());
            conflict_rules::DecisionId::from_bytes(id)
        })
        .collect();
    assert_eq!(decision.check(), Err(DecisionError::TooManySeen));
}
