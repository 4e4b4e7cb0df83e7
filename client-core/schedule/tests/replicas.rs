//! Replicas that wrote apart and meet: whatever the order, they come to the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

mod common;

use std::collections::BTreeSet;

use common::*;
use conflict_rules::{
    ClaimKind, ClaimState, Decision, DecisionId, LocationId, ResourceId, Source, Verdict,
};
use jiff::tz::TimeZone;
use schedule::{
    Grid, GridError, IntentError, IsoWeek, Schema, Violation, Week, home_week, safety, touched,
};

fn assert_equal(a: &Week, b: &Week) {
    assert_eq!(a.heads(), b.heads());
    assert_eq!(a.claims(), b.claims());
    assert_eq!(a.decisions(), b.decisions());
    assert_eq!(a.violations(), b.violations());
}

#[test]
fn a_week_begins_with_the_same_bytes_everywhere() {
    assert_eq!(week().heads(), week().heads());
    assert_eq!(week().save(), week().save());
    assert!(week().claims().is_empty());
    assert!(week().changes().is_empty());
    let heads: Vec<String> = week()
        .heads()
        .iter()
        .map(|head| common::hex(head))
        .collect();
    // These bytes shipped: every replica begins its weeks with them.
    assert_eq!(heads, [GENESIS_HEAD]);
}

const GENESIS_HEAD: &str = "bb76b9e38fb2f1c73de75261a52e6fcb665091dd5572d91eb9d4990ad88b763a";

#[test]
fn two_desks_that_never_met_see_each_others_bookings() {
    let (mut a, mut b) = (week(), week());
    book(&mut a, ANN, 1, "2026-03-03T09:00");
    book(&mut b, BOB, 2, "2026-03-03T09:00");
    let (before_a, before_b) = (a.clone(), b.clone());
    bring(&before_b, &mut a);
    bring(&before_a, &mut b);
    assert_eq!(a.claims().len(), 2);
    assert_equal(&a, &b);
}

#[test]
fn concurrent_moves_keep_both_places_until_somebody_moves_again() {
    let mut a = week();
    book(&mut a, ANN, 1, "2026-03-03T09:00");
    let mut b = week();
    bring(&a, &mut b);
    let (ten, eleven) = (
        placed("2026-03-03T10:00", 30, 1, 9),
        placed("2026-03-03T11:00", 30, 2, 8),
    );
    a.move_to(ANN, id(1), &ten).unwrap().unwrap();
    b.move_to(BOB, id(1), &eleven).unwrap().unwrap();
    let (before_a, before_b) = (a.clone(), b.clone());
    bring(&before_b, &mut a);
    bring(&before_a, &mut b);
    assert_equal(&a, &b);
    assert_eq!(a.claim(id(1)).unwrap().placements, [ten.clone(), eleven]);
    // Not even the same place as one of the two is "nothing to do" now.
    a.move_to(ANN, id(1), &ten).unwrap().unwrap();
    assert_eq!(a.claim(id(1)).unwrap().placements, [ten]);
    bring(&a, &mut b);
    assert_equal(&a, &b);
}

#[test]
fn a_move_that_crossed_a_cancelling_is_found_and_one_that_followed_it_is_not() {
    let mut a = week();
    book(&mut a, ANN, 1, "2026-03-03T09:00");
    book(&mut a, ANN, 2, "2026-03-03T12:00");
    let mut b = week();
    bring(&a, &mut b);
    a.set_state(ANN, id(1), ClaimState::Cancelled)
        .unwrap()
        .unwrap();
    a.set_state(ANN, id(2), ClaimState::Cancelled)
        .unwrap()
        .unwrap();
    b.move_to(BOB, id(1), &placed("2026-03-03T10:00", 30, 1, 9))
        .unwrap()
        .unwrap();
    bring(&a.clone(), &mut b);
    bring(&b.clone(), &mut a);
    b.move_to(BOB, id(2), &placed("2026-03-03T13:00", 30, 1, 9))
        .unwrap()
        .unwrap();
    bring(&b.clone(), &mut a);
    assert_equal(&a, &b);
    assert_eq!(a.crossed(), BTreeSet::from([id(1)]));
    assert_eq!(b.crossed(), BTreeSet::from([id(1)]));
    assert_eq!(a.claim(id(1)).unwrap().state(), ClaimState::Cancelled);
}

#[test]
fn every_order_of_arrival_gives_the_same() {
    for seed in 0..60_u64 {
        let mut state = seed;
        let mut pick = |n: u64| splitmix(&mut state) % n;
        let mut replicas = [week(), week(), week()];
        let actors = [ANN, BOB, EVE];
        for step in 0..40_u64 {
            let who = usize::try_from(pick(3)).unwrap();
            let week = &mut replicas[who];
            let claims = week.claims();
            let start = format!("2026-03-0{}T{:02}:00", 2 + pick(7), 8 + pick(10));
            let placement = placed(&start, 15 * (1 + i64::try_from(pick(4)).unwrap()), 1, 9);
            if claims.is_empty() || pick(3) == 0 {
                let new = id(seed * 1000 + step);
                week.book(actors[who], new, ClaimKind::Visit, Source::Desk, &placement)
                    .unwrap();
            } else {
                let claim = &claims[usize::try_from(pick(claims.len() as u64)).unwrap()];
                if pick(2) == 0 {
                    week.move_to(actors[who], claim.id, &placement).unwrap();
                } else {
                    let next = ClaimState::ALL[usize::try_from(pick(6)).unwrap()];
                    let _ = week.set_state(actors[who], claim.id, next);
                }
            }
            if pick(6) == 0 {
                let from = replicas[usize::try_from(pick(3)).unwrap()].clone();
                bring(&from, &mut replicas[who]);
            }
        }
        // All changes, shuffled, one by one, with what waits coming back later.
        let mut all: Vec<_> = replicas.iter().flat_map(Week::changes).collect();
        let mut results = Vec::new();
        for _ in 0..3 {
            for at in (1..all.len()).rev() {
                all.swap(at, usize::try_from(pick(at as u64 + 1)).unwrap());
            }
            let mut fresh = week();
            let mut waiting: Vec<_> = all.iter().map(checked).collect();
            while !waiting.is_empty() {
                let mut later = Vec::new();
                for change in waiting {
                    if !fresh
                        .receive(std::slice::from_ref(&change))
                        .unwrap()
                        .waiting
                        .is_empty()
                    {
                        later.push(change);
                    }
                }
                waiting = later;
            }
            // A mask that hides nothing reads by the other way and must agree.
            let mut other_way = fresh.clone();
            other_way.mask(BTreeSet::from([[0; 32]]));
            assert_equal(&fresh, &other_way);
            let loaded = Week::load(&fresh.save()).unwrap();
            assert_equal(&fresh, &loaded);
            results.push(fresh);
        }
        for result in &results {
            assert_equal(&results[0], result);
            assert!(result.violations().is_empty());
        }
        for replica in &mut replicas {
            bring(&results[0], replica);
            assert_equal(&results[0], replica);
        }
    }
}

#[test]
fn an_equal_value_makes_no_change() {
    let mut a = week();
    book(&mut a, ANN, 1, "2026-03-03T09:00");
    let heads = a.heads();
    let nine = placed("2026-03-03T09:00", 30, 1, 9);
    assert_eq!(
        a.book(ANN, id(1), ClaimKind::Visit, Source::Desk, &nine),
        Ok(None)
    );
    assert_eq!(a.move_to(ANN, id(1), &nine), Ok(None));
    assert_eq!(a.set_state(ANN, id(1), ClaimState::Booked), Ok(None));
    assert_eq!(a.heads(), heads);
}

#[test]
fn illegal_intents_are_refused_and_leave_no_trace() {
    let mut a = week();
    book(&mut a, ANN, 1, "2026-03-03T09:00");
    let heads = a.heads();
    let ten = placed("2026-03-03T10:00", 30, 1, 9);
    assert_eq!(
        a.book(ANN, id(1), ClaimKind::Visit, Source::Desk, &ten),
        Err(IntentError::AlreadyBooked(id(1)))
    );
    assert_eq!(
        a.move_to(ANN, id(2), &ten),
        Err(IntentError::NoSuchClaim(id(2)))
    );
    assert_eq!(
        a.set_state(ANN, id(1), ClaimState::Done),
        Err(IntentError::IllegalStep {
            from: ClaimState::Booked,
            to: ClaimState::Done
        })
    );
    assert_eq!(
        a.point_to(ANN, key().week, id(1)),
        Err(IntentError::PointsToItself)
    );
    assert_eq!(a.heads(), heads);
    assert_eq!(
        Week::genesis(key(), "Europe/Atlantis").unwrap_err(),
        IntentError::UnknownZone
    );
    assert_eq!(
        Week::genesis(key(), "europe/paris").unwrap_err(),
        IntentError::UnknownZone
    );
}

#[test]
fn a_visit_over_sunday_midnight_is_pointed_to_from_the_next_week() {
    let zone = TimeZone::get(ZONE).unwrap();
    let night = placed("2026-03-08T23:30", 60, 1, 9);
    let home = home_week(&night, &zone);
    assert_eq!(home, key().week);
    assert_eq!(touched(&night, &zone, home), [key().week.next()]);
    // Until midnight with its cleaning, and not a second longer: no pointer.
    let evening = placed("2026-03-08T23:20", 30, 1, 9);
    assert!(touched(&evening, &zone, home).is_empty());

    let mut sunday = week();
    sunday
        .book(ANN, id(1), ClaimKind::Visit, Source::Desk, &night)
        .unwrap()
        .unwrap();
    let next_key = schedule::WeekKey {
        week: home.next(),
        ..key()
    };
    let mut monday = Week::genesis(next_key, ZONE).unwrap();
    let change = monday.point_to(ANN, home, id(1)).unwrap().unwrap();
    assert_eq!(monday.point_to(ANN, home, id(1)), Ok(None));
    let mut elsewhere = Week::genesis(next_key, ZONE).unwrap();
    elsewhere.receive(&[checked(&change)]).unwrap();
    assert_eq!(elsewhere.pointers(), [home]);
    assert_eq!(elsewhere.visitors()[&id(1)], [home]);
    assert!(elsewhere.claims().is_empty() && elsewhere.violations().is_empty());
    // A change for one week does not fit another: its parents are not there.
    let received = sunday.receive(&[checked(&change)]).unwrap();
    assert_eq!(received.waiting, [change.hash]);
}

#[test]
fn a_long_stay_touches_every_week_it_lies_in() {
    let zone = TimeZone::get(ZONE).unwrap();
    let stay = placed("2026-03-05T18:00", 60 * 24 * 14, 1, 9);
    let week = IsoWeek::new(2026, 10).unwrap();
    assert_eq!(
        touched(&stay, &zone, week),
        [week.next(), week.next().next()]
    );
}

#[test]
fn decisions_are_kept_and_cannot_be_replaced() {
    let mut a = week();
    book(&mut a, ANN, 1, "2026-03-03T09:00");
    let placement = placed("2026-03-03T09:00", 30, 1, 9).hash();
    let decision = Decision {
        id: DecisionId::from_bytes([5; 16]),
        seat: [6; 16],
        verdicts: vec![Verdict::Cancel {
            claim: id(1),
            placement,
        }],
        seen: BTreeSet::new(),
    };
    let change = a.decide(ANN, &decision).unwrap().unwrap();
    assert_eq!(a.decide(ANN, &decision), Ok(None));
    let other = Decision {
        seat: [7; 16],
        ..decision.clone()
    };
    assert_eq!(
        a.decide(ANN, &other),
        Err(IntentError::AlreadyDecided(decision.id))
    );
    let mut b = week();
    assert!(!b.has_parents_of(&[checked(&change)]));
    bring(&a, &mut b);
    assert_eq!(b.decisions(), [decision]);
    assert!(b.violations().is_empty());
}

#[test]
fn what_had_no_right_is_looked_through_and_what_builds_on_it_stands() {
    let mut a = week();
    book(&mut a, ANN, 1, "2026-03-03T09:00");
    let ten = placed("2026-03-03T10:00", 30, 1, 9);
    let noon = placed("2026-03-03T12:00", 30, 1, 9);
    let bad_move = a.move_to(EVE, id(1), &ten).unwrap().unwrap();
    let bad_book = book(&mut a, EVE, 2, "2026-03-04T09:00");
    a.set_state(ANN, id(1), ClaimState::Arrived)
        .unwrap()
        .unwrap();
    a.mask(BTreeSet::from([bad_move.hash, bad_book.hash]));
    let nine = placed("2026-03-03T09:00", 30, 1, 9);
    let claims = a.claims();
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].placements, [nine]);
    assert_eq!(claims[0].state(), ClaimState::Arrived);
    assert_eq!(a.claim(id(2)), None);
    // An honest move over the masked one replaces what is under it too.
    a.move_to(ANN, id(1), &noon).unwrap().unwrap();
    assert_eq!(a.claims()[0].placements, [noon]);
    a.mask(BTreeSet::new());
    assert_eq!(a.claims().len(), 2);
    assert!(a.violations().is_empty());
}

#[test]
fn devices_that_disagree_about_the_zone_still_meet() {
    let mut a = week();
    let mut b = Week::genesis(key(), "Europe/London").unwrap();
    book(&mut a, ANN, 1, "2026-03-03T09:00");
    book(&mut b, BOB, 2, "2026-03-03T10:00");
    a.know_zone("Europe/London").unwrap();
    b.know_zone(ZONE).unwrap();
    bring(&b.clone(), &mut a);
    bring(&a.clone(), &mut b);
    assert_equal(&a, &b);
    assert_eq!(a.claims().len(), 2);
    assert_eq!(a.zones(), ["Europe/London", ZONE]);
    assert_eq!(a.zone(), b.zone());
}

#[test]
fn a_week_comes_back_from_its_cache_and_goes_on() {
    let mut a = week();
    book(&mut a, ANN, 1, "2026-03-03T09:00");
    let mut b = Week::load(&a.save()).unwrap();
    assert_equal(&a, &b);
    assert_eq!(b.key(), key());
    assert_eq!(b.zone(), ZONE);
    book(&mut b, BOB, 2, "2026-03-03T10:00");
    book(&mut b, ANN, 3, "2026-03-03T11:00");
    bring(&b, &mut a);
    assert_equal(&a, &b);
    assert!(Grid::load(&a.save()).is_err());
    let saved = a.save();
    for cut in 0..saved.len() {
        assert!(Week::load(&saved[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn the_grid_holds_capacities_and_zones() {
    let (room, site) = (
        ResourceId::from_bytes([3; 16]),
        LocationId::from_bytes([4; 16]),
    );
    let mut a = Grid::genesis([9; 16]).unwrap();
    let mut b = Grid::genesis([9; 16]).unwrap();
    assert_eq!(a.heads(), b.heads());
    let changes = [
        a.set_capacity(ANN, room, 4).unwrap().unwrap(),
        a.set_zone(ANN, site, ZONE).unwrap().unwrap(),
    ];
    b.set_capacity(BOB, room, 2).unwrap().unwrap();
    let changes = changes.map(|change| safety::check(&change.bytes, Schema::Grid).unwrap());
    b.receive(&changes).unwrap();
    // Concurrent capacities: the lower one, until it is set again.
    assert_eq!(b.capacities()[&room], 2);
    b.set_capacity(BOB, room, 3).unwrap().unwrap();
    assert_eq!(b.capacities()[&room], 3);
    assert_eq!(b.zones()[&site], ZONE);
    assert_eq!(b.set_capacity(BOB, room, 3), Ok(None));
    assert_eq!(b.set_capacity(BOB, room, 0), Err(GridError::NoCapacity));
    assert_eq!(
        b.set_zone(BOB, site, "the old town"),
        Err(GridError::UnknownZone)
    );
    let loaded = Grid::load(&b.save()).unwrap();
    assert_eq!(
        (loaded.heads(), loaded.capacities()),
        (b.heads(), b.capacities())
    );
    assert!(Violation::Origin(id(1)) < Violation::State(id(1)));
}

#[test]
fn whichever_of_two_concurrent_values_is_written_again_stands_alone() {
    let mut ann = week();
    book(&mut ann, ANN, 1, "2026-03-03T09:00");
    let mut bob = ann.clone();
    let (ten, eleven) = (
        placed("2026-03-03T10:00", 30, 1, 9),
        placed("2026-03-03T11:00", 30, 1, 9),
    );
    ann.set_state(ANN, id(1), ClaimState::Arrived).unwrap();
    ann.move_to(ANN, id(1), &ten).unwrap();
    bob.set_state(BOB, id(1), ClaimState::Cancelled).unwrap();
    bob.move_to(BOB, id(1), &eleven).unwrap();
    bring(&bob, &mut ann);
    bring(&ann, &mut bob);
    assert_eq!(ann.claim(id(1)).unwrap().states.len(), 2);
    for state in [ClaimState::Arrived, ClaimState::Cancelled] {
        let (mut one, mut other) = (ann.clone(), bob.clone());
        let change = one.set_state(EVE, id(1), state).unwrap().unwrap();
        assert_eq!(one.claim(id(1)).unwrap().states, [state]);
        other.receive(&[checked(&change)]).unwrap();
        assert_eq!(other.claim(id(1)), one.claim(id(1)));
        assert_eq!(other.heads(), one.heads());
    }
    for place in [ten, eleven] {
        let (mut one, mut other) = (ann.clone(), bob.clone());
        let change = one.move_to(EVE, id(1), &place).unwrap().unwrap();
        assert_eq!(one.claim(id(1)).unwrap().placements, [place]);
        other.receive(&[checked(&change)]).unwrap();
        assert_eq!(other.claim(id(1)), one.claim(id(1)));
        assert_eq!(Week::load(&one.save()).unwrap().heads(), one.heads());
    }
}
