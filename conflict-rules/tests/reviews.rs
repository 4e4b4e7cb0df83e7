//! What waits for a person, and what the tables say.
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

use std::collections::BTreeSet;

use conflict_rules::{
    AppointmentId, ClaimState, Review, Source, Standing,
    concurrency::{self, Act, Attention, Outcome, outcome},
    precedence::{self, PrecedenceRule, Topic},
    review_of_acts, reviews,
};
use support::{decisions, lines, timetable};

fn number(id: AppointmentId) -> u8 {
    id.to_bytes()[0]
}

/// `clashes 1 2 -> 2 by standing`, `two places 1`, `contradiction 2`, `states 1 arrived show`.
fn in_words(review: &Review) -> String {
    let claims: Vec<String> = review
        .claims()
        .iter()
        .map(|id| number(*id).to_string())
        .collect();
    let claims = claims.join(" ");
    match review {
        Review::Clashes { suggestion, .. } => {
            let ways: Vec<String> = suggestion
                .displace
                .iter()
                .map(|(id, rule)| {
                    let rule = if *rule == PrecedenceRule::StandingHierarchy {
                        "standing"
                    } else {
                        "source"
                    };
                    format!("{} by {rule}", number(*id))
                })
                .collect();
            let more = if suggestion.settles_all { "" } else { " ask" };
            format!("clashes {claims} -> {}{more}", ways.join(", "))
        }
        Review::TwoPlaces { .. } => format!("two places {claims}"),
        Review::Contradiction { .. } => format!("contradiction {claims}"),
        Review::ZoneShift { .. } => format!("zone {claims}"),
        Review::StateShown {
            becomes, attention, ..
        } => format!("states {claims} {becomes:?} {attention:?}"),
        Review::ActsMet {
            outcome, attention, ..
        } => format!("acts {claims} {outcome:?} {attention:?}"),
    }
}

/// Reviews, with these claims confirmed and these leased.
fn check(rows: &str, decided: &str, confirmed: &[u8], leased: &[u8], expected: &str) {
    let (claims, capacities) = timetable(rows);
    let standing = |id: AppointmentId| {
        if confirmed.contains(&number(id)) {
            Standing::Confirmed
        } else if leased.contains(&number(id)) {
            Standing::Leased
        } else {
            Standing::Tentative
        }
    };
    let found = reviews(
        &claims,
        &decisions(&claims, decided),
        &capacities,
        &standing,
    );
    assert_eq!(
        found.iter().map(in_words).collect::<Vec<_>>(),
        lines(expected)
    );
    let ids: BTreeSet<_> = found.iter().map(Review::id).collect();
    assert_eq!(ids.len(), found.len(), "every review has its own name");
    assert!(found.is_sorted_by_key(Review::starts));
}

const DOUBLE: &str = "1 ann - 09:00-09:30
                      2 ann - 09:15-09:45";

#[test]
fn confirmed_over_leased_over_tentative() {
    check(DOUBLE, "", &[1], &[], "clashes 1 2 -> 2 by standing");
    check(DOUBLE, "", &[2], &[], "clashes 1 2 -> 1 by standing");
    check(DOUBLE, "", &[], &[2], "clashes 1 2 -> 1 by standing");
    check(DOUBLE, "", &[1], &[2], "clashes 1 2 -> 2 by standing");
    check(DOUBLE, "", &[], &[], "clashes 1 2 ->  ask");
    check(DOUBLE, "", &[1, 2], &[], "clashes 1 2 ->  ask");
    check(DOUBLE, "d1: keep 1; cancel 2", &[], &[], "");
}

#[test]
fn a_desk_over_an_import_among_equals() {
    let rows = "1 ann - 09:00-09:30 booked import
                2 ann - 09:15-09:45 booked desk";
    check(rows, "", &[], &[], "clashes 1 2 -> 1 by source");
    check(rows, "", &[1], &[], "clashes 1 2 -> 2 by standing");
}

#[test]
fn who_is_already_here_does_not_make_way() {
    check(
        "1 ann - 09:00-09:30 arrived\n2 ann - 09:15-09:45",
        "",
        &[2],
        &[],
        "clashes 1 2 -> 2 by standing",
    );
    check(
        "1 ann - 09:00-09:30 arrived\n2 ann - 09:15-09:45 done",
        "",
        &[2],
        &[],
        "clashes 1 2 ->  ask",
    );
}

#[test]
fn clashes_that_touch_are_one_review() {
    check(
        "1 ann - 09:00-09:30
         2 ann - 09:15-09:45
         3 ann - 09:30-10:00
         4 bob - 09:00-09:30
         5 bob - 09:10-09:40",
        "",
        &[1, 3],
        &[],
        "clashes 4 5 ->  ask
         clashes 1 2 3 -> 2 by standing",
    );
}

#[test]
fn concurrent_moves_and_states_wait_for_somebody() {
    check(
        "1 ann - 09:00-09:30\n1 bob - 11:00-11:30",
        "",
        &[],
        &[],
        "two places 1",
    );
    check(
        "1 ann - 09:00-09:30\n1 bob - 11:00-11:30",
        "d1: keep 1@bob; cancel 1@ann",
        &[],
        &[],
        "",
    );
    check(
        "1 ann - 09:00-09:30 arrived/cancelled",
        "",
        &[],
        &[],
        "states 1 Arrived Shown",
    );
    check(
        "1 ann - 09:00-09:30 no_show/arrived",
        "",
        &[],
        &[],
        "states 1 Arrived Ask",
    );
    check("1 ann - 09:00-09:30 arrived/done", "", &[], &[], "");
    check(
        "1 ann - 09:00-09:30 booked/cancelled",
        "",
        &[],
        &[],
        "states 1 Cancelled Shown",
    );
    check(
        DOUBLE,
        "d1: keep 1; cancel 2\nd2: keep 2; cancel 1",
        &[],
        &[],
        "contradiction 1\ncontradiction 2\nclashes 1 2 ->  ask",
    );
}

#[test]
fn a_changed_zone_rule_waits_for_somebody() {
    let (mut claims, capacities) = timetable("1 ann - 09:00-09:30");
    let was = claims[0].placements[0].clone();
    let tokyo = conflict_rules::Placement::new(
        was.occupancies().to_vec(),
        was.civil_start(),
        "Asia/Tokyo",
        "2026a",
    );
    claims[0].placements = vec![tokyo.unwrap()];
    let found = reviews(&claims, &[], &capacities, &|_| Standing::Confirmed);
    assert_eq!(found.iter().map(in_words).collect::<Vec<_>>(), ["zone 1"]);
    // What has begun has begun.
    claims[0].states = vec![ClaimState::Done];
    assert!(reviews(&claims, &[], &capacities, &|_| Standing::Confirmed).is_empty());
}

#[test]
fn a_review_keeps_its_name_while_its_question_stays() {
    let name = |rows: &str| {
        let (claims, capacities) = timetable(rows);
        reviews(&claims, &[], &capacities, &|_| Standing::Tentative)[0].id()
    };
    assert_eq!(
        name(DOUBLE),
        name(&format!("{DOUBLE}\n3 bob - 09:00-09:30"))
    );
    assert_ne!(
        name(DOUBLE),
        name("1 ann - 09:00-09:30\n2 ann - 09:20-09:45")
    );
}

#[test]
fn acts_that_leave_no_trace_in_states_are_reviewed_on_request() {
    let (claims, _) = timetable("1 ann - 09:00-09:30 cancelled");
    let review = review_of_acts(&claims[0], Act::Cancel, Act::Move).unwrap();
    assert_eq!(in_words(&review), "acts 1 CancelledWithOffer Ask");
    assert_eq!(
        review_of_acts(&claims[0], Act::EditDetails, Act::Move),
        None
    );
}

const ACTS: [Act; 5] = [
    Act::Move,
    Act::Cancel,
    Act::Arrive,
    Act::NoShow,
    Act::EditDetails,
];

#[test]
fn the_table_of_concurrent_acts_names_every_pair_once() {
    let pairs: BTreeSet<(Act, Act)> = concurrency::TABLE
        .iter()
        .map(|rule| (rule.acts.0.min(rule.acts.1), rule.acts.0.max(rule.acts.1)))
        .collect();
    assert_eq!(pairs.len(), concurrency::TABLE.len());
    assert_eq!(pairs.len(), ACTS.len() * (ACTS.len() + 1) / 2);
    for a in ACTS {
        for b in ACTS {
            assert_eq!(outcome(a, b), outcome(b, a));
        }
    }
    assert_eq!(
        outcome(Act::Move, Act::Move).outcome,
        Outcome::BothPlacements
    );
    assert_eq!(outcome(Act::Move, Act::Move).attention, Attention::Ask);
}

#[test]
fn merged_states_are_what_the_table_says() {
    use ClaimState::{Arrived, Booked, Cancelled, Done, InProgress, NoShow};
    for (a, b, becomes) in [
        (Cancelled, Arrived, Arrived),
        (Cancelled, Done, Done),
        (Cancelled, NoShow, NoShow),
        (Cancelled, Cancelled, Cancelled),
        (Arrived, InProgress, InProgress),
        (Done, InProgress, Done),
        (NoShow, Arrived, Arrived),
        (Booked, Cancelled, Cancelled),
        (Booked, NoShow, NoShow),
    ] {
        assert_eq!(concurrency::merge(a, b), becomes, "{a:?} {b:?}");
        assert_eq!(concurrency::merge(b, a), becomes, "{b:?} {a:?}");
    }
    assert_eq!(concurrency::merged_state(&[]), Booked);
}

#[test]
fn steps_of_a_visit() {
    use ClaimState::{Arrived, Booked, Cancelled, Done, InProgress, NoShow};
    for state in ClaimState::ALL {
        assert!(!state.may_become(state));
    }
    for (from, to) in [
        (Booked, Arrived),
        (Arrived, InProgress),
        (InProgress, Done),
        (Booked, NoShow),
        (Booked, Cancelled),
    ] {
        assert!(from.may_become(to));
        assert!(!from.takes_slot_again(to));
    }
    for (from, to) in [
        (Done, Cancelled),
        (Cancelled, Arrived),
        (Booked, Done),
        (Done, Booked),
        (NoShow, Cancelled),
    ] {
        assert!(!from.may_become(to), "{from:?} to {to:?}");
    }
    assert!(Cancelled.may_become(Booked) && Cancelled.takes_slot_again(Booked));
    assert!(NoShow.may_become(Arrived) && NoShow.takes_slot_again(Arrived));
}

#[test]
fn the_table_of_precedence_names_every_topic_once() {
    let topics: BTreeSet<Topic> = precedence::TABLE.iter().map(|(topic, _)| *topic).collect();
    assert_eq!(topics.len(), precedence::TABLE.len());
    assert_eq!(
        topics.last(),
        Some(&Topic::Identity),
        "the last topic there is"
    );
    assert_eq!(topics.len(), Topic::Identity as usize + 1);
    assert!(
        Source::Desk > Source::Account
            && Source::Account > Source::Api
            && Source::Api > Source::Import
    );
}
