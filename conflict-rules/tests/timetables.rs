//! Clashes, as timetables.
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

use conflict_rules::{clashes_of, explain, oracle};
use support::{in_words, lines, timetable};

/// What clashes in a timetable, found quickly and by trying everything.
fn check(rows: &str, expected: &str) {
    let (claims, capacities) = timetable(rows);
    let found = clashes_of(&claims, &[], &capacities);
    assert_eq!(in_words(&found), lines(expected), "in\n{rows}");
    let effective = conflict_rules::effective_for_clashes(&claims, &[]);
    let bookings = conflict_rules::bookings_of(&effective);
    let slowly = oracle::clashes(&bookings, &capacities, &effective.allowed).unwrap();
    assert_eq!(in_words(&slowly), lines(expected), "the oracle in\n{rows}");
    assert_eq!(oracle::all_fits(&bookings, &capacities), found.is_empty());
}

#[test]
fn one_person_cannot_be_in_two_places() {
    check(
        "1 ann - 09:00-09:30
         2 ann - 09:15-10:00",
        "1+2 ann 09:15-09:30",
    );
}

#[test]
fn visits_that_touch_do_not_clash() {
    check(
        "1 ann - 09:00-09:30
         2 ann - 09:30-10:00
         3 ann - 08:30-09:00",
        "",
    );
}

#[test]
fn different_people_do_not_clash_but_their_room_does() {
    check(
        "1 ann one 09:00-09:30
         2 bob one 09:20-09:40
         3 cat two 09:00-09:30",
        "1+2 one 09:20-09:30",
    );
}

#[test]
fn staff_and_room_are_two_clashes() {
    check(
        "1 ann one 09:00-09:30
         2 ann one 09:15-09:45",
        "1+2 ann 09:15-09:30
         1+2 one 09:15-09:30",
    );
}

#[test]
fn three_at_once_are_three_pairs() {
    check(
        "1 ann - 09:00-10:00
         2 ann - 09:15-09:45
         3 ann - 09:30-10:30",
        "1+2 ann 09:15-09:45
         2+3 ann 09:30-09:45
         1+3 ann 09:30-10:00",
    );
}

#[test]
fn a_tub_for_two_takes_two_and_the_third_clashes() {
    check(
        "1 - tub*2 09:00-10:00
         2 - tub*2 09:30-10:30",
        "",
    );
    check(
        "1 - tub*2 09:00-10:00
         2 - tub*2 09:30-10:30
         3 - tub*2 09:45-11:00
         4 - tub*2 10:00-10:15",
        "1+2+3 tub 09:45-10:00
         2+3+4 tub 10:00-10:15",
    );
}

#[test]
fn four_in_a_room_for_two_are_every_three_of_them() {
    check(
        "1 - tub*2 09:00-10:00
         2 - tub*2 09:00-10:00
         3 - tub*2 09:00-10:00
         4 - tub*2 09:00-10:00",
        "1+2+3 tub 09:00-10:00
         1+2+4 tub 09:00-10:00
         1+3+4 tub 09:00-10:00
         2+3+4 tub 09:00-10:00",
    );
}

#[test]
fn a_room_out_of_use_clashes_with_each_visit_alone() {
    check(
        "1 - xray*0 09:00-10:00\n2 - xray*0 09:30-10:30",
        "1 xray 09:00-10:00\n2 xray 09:30-10:30",
    );
}

#[test]
fn while_the_colour_sets_another_client_fits() {
    check(
        "1 ann - 09:00-09:20,09:50-10:10
         2 ann - 09:20-09:50",
        "",
    );
    check(
        "1 ann - 09:00-09:20,09:50-10:10
         2 ann - 09:15-09:55",
        "1+2 ann 09:15-09:20
         1+2 ann 09:50-09:55",
    );
}

#[test]
fn cleaning_occupies_like_work() {
    check(
        "1 ann one 09:00-09:30+10
         2 bob one 09:30-10:00",
        "1+2 one 09:30-09:40",
    );
}

#[test]
fn the_cancelled_and_the_missed_leave_their_time_to_others() {
    check(
        "1 ann - 09:00-09:30 cancelled
         2 ann - 09:00-09:30 no_show
         3 ann - 09:00-09:30 done",
        "",
    );
}

#[test]
fn who_came_counts_although_somebody_cancelled() {
    check(
        "1 ann - 09:00-09:30 arrived/cancelled
         2 ann - 09:00-09:30",
        "1+2 ann 09:00-09:30",
    );
}

#[test]
fn a_visit_moved_twice_holds_both_places_and_never_clashes_with_itself() {
    check(
        "1 ann - 09:00-09:30
         1 ann - 09:15-09:45
         2 ann - 09:40-10:00",
        "1+2 ann 09:40-09:45",
    );
}

#[test]
fn sunday_midnight_is_a_time_like_any_other() {
    // 2026-03-01 is a Sunday; the week changes where these visits meet.
    let (claims, capacities) = timetable("1 ann - 00:00-01:00");
    let mut night = claims[0].clone();
    night.id = support::apt(2);
    let range = |from: &str, until: &str| {
        conflict_rules::TimeRange::new(from.parse().unwrap(), until.parse().unwrap()).unwrap()
    };
    let spanning = |until: &str| {
        conflict_rules::Placement::new(
            vec![conflict_rules::Occupancy {
                resource: support::res("ann"),
                range: range("2026-03-01T23:00Z", until),
                units: 1,
                kind: conflict_rules::OccupancyKind::Work,
            }],
            support::civil("2026-03-01T23:00"),
            "UTC",
            "2026a",
        )
        .unwrap()
    };
    night.placements = vec![spanning("2026-03-02T00:00Z")];
    let both = [claims[0].clone(), night.clone()];
    assert!(clashes_of(&both, &[], &capacities).is_empty());
    night.placements = vec![spanning("2026-03-02T00:05Z")];
    let found = clashes_of(&[claims[0].clone(), night], &[], &capacities);
    assert_eq!(in_words(&found), ["1+2 ann 00:00-00:05"]);
}

#[test]
fn a_clash_can_be_put_into_words() {
    let (claims, capacities) = timetable(
        "1 - tub*2 09:00-10:00
         2 - tub*2 09:30-10:30
         3 - tub*2 09:45-11:00",
    );
    let found = clashes_of(&claims, &[], &capacities);
    let said = explain(&found[0], &capacities);
    assert_eq!((said.claims, said.capacity), (3, 2));
}

#[test]
fn a_heap_of_visits_at_once_is_bounded() {
    let rows: String = (1..=120)
        .map(|n| format!("{n} - hall*6 09:00-10:00\n"))
        .collect();
    let (claims, capacities) = timetable(&rows);
    let found = clashes_of(&claims, &[], &capacities);
    assert!(!found.is_empty() && found.len() <= 120 * conflict_rules::clash::MAX_SETS_PER_START);
    assert!(found.iter().all(|clash| clash.claims.len() == 7));
}
