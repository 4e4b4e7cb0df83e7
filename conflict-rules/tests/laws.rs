//! Laws: what holds for every timetable, whatever the order in which it arrived.
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
    AppointmentId, Booking, Capacities, Claim, ClaimKind, ClaimState, Clash, Decision, LocationId,
    Occupancy, OccupancyKind, Placement, Source, Standing, TimeRange, Verdict, bookings_of,
    clashes, clashes_of, concurrency, effective_for_clashes, effective_for_rendering, oracle,
    reviews,
};
use jiff::Timestamp;
use proptest::{collection::vec, prelude::*, sample::select};
use support::{apt, dec, res};

const NAMES: [&str; 3] = ["ann", "bob", "tub"];

/// Quarters of an hour from nine o'clock.
fn quarter(n: u8) -> Timestamp {
    Timestamp::from_second(1_772_442_000 + i64::from(n) * 900).unwrap()
}

fn a_range() -> impl Strategy<Value = TimeRange> {
    (0..16_u8, 1..6_u8)
        .prop_map(|(from, long)| TimeRange::new(quarter(from), quarter(from + long)).unwrap())
}

fn a_booking() -> impl Strategy<Value = Booking> {
    (
        0..10_u8,
        select(&NAMES[..]),
        a_range(),
        1..3_u16,
        any::<bool>(),
    )
        .prop_map(|(claim, who, range, units, work)| Booking {
            claim: apt(claim),
            resource: res(who),
            range,
            units,
            kind: if work {
                OccupancyKind::Work
            } else {
                OccupancyKind::Buffer
            },
        })
}

fn some_capacities() -> impl Strategy<Value = Capacities> {
    vec(0..4_u16, 3).prop_map(|units| NAMES.iter().map(|name| res(name)).zip(units).collect())
}

fn some_allowed() -> impl Strategy<Value = BTreeSet<(AppointmentId, AppointmentId)>> {
    vec((0..10_u8, 0..10_u8), 0..12).prop_map(|pairs| {
        pairs
            .into_iter()
            .filter(|(a, b)| a < b)
            .map(|(a, b)| (apt(a), apt(b)))
            .collect()
    })
}

fn a_placement() -> impl Strategy<Value = Placement> {
    vec((select(&NAMES[..]), a_range(), 1..3_u16), 1..4).prop_map(|taken| {
        let occupancies: Vec<Occupancy> = taken
            .into_iter()
            .map(|(who, range, units)| Occupancy {
                resource: res(who),
                range,
                units,
                kind: OccupancyKind::Work,
            })
            .collect();
        Placement::new(
            occupancies,
            support::civil("2026-03-02T09:00"),
            "UTC",
            "2026a",
        )
        .unwrap()
    })
}

fn some_claims() -> impl Strategy<Value = Vec<Claim>> {
    let claim = (
        vec(a_placement(), 1..3),
        vec(select(&ClaimState::ALL[..]), 1..3),
    );
    vec(claim, 1..7).prop_map(|claims| {
        (0..)
            .zip(claims)
            .map(|(n, (placements, states))| Claim {
                id: apt(n),
                location: LocationId::from_bytes([1; 16]),
                kind: ClaimKind::Visit,
                source: Source::Desk,
                placements,
                states,
            })
            .collect()
    })
}

/// Claims and decisions about them, each decision having seen some of the earlier ones.
fn a_history() -> impl Strategy<Value = (Vec<Claim>, Vec<Decision>)> {
    let verdict = (
        0..4_u8,
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        a_placement(),
    );
    (some_claims(), vec((vec(verdict, 1..4), any::<u8>()), 0..6)).prop_map(|(claims, drafts)| {
        let mut decisions: Vec<Decision> = Vec::new();
        for (number, (verdicts, seen)) in (0_u8..).zip(drafts) {
            let verdicts = verdicts.into_iter().map(|(kind, one, other, to)| {
                let subject = |index: prop::sample::Index| {
                    let claim = &claims[index.index(claims.len())];
                    (
                        claim.id,
                        claim.placements[index.index(claim.placements.len())].hash(),
                    )
                };
                let (claim, placement) = subject(one);
                match kind {
                    0 => Verdict::Keep { claim, placement },
                    1 => Verdict::Move {
                        claim,
                        placement,
                        to,
                    },
                    2 => Verdict::Cancel { claim, placement },
                    _ => Verdict::AllowOverlap {
                        a: (claim, placement),
                        b: subject(other),
                    },
                }
            });
            decisions.push(Decision {
                id: dec(number),
                seat: [number; 16],
                verdicts: verdicts.collect(),
                seen: (0..number)
                    .filter(|earlier| seen & (1 << earlier) != 0)
                    .map(dec)
                    .collect(),
            });
        }
        (claims, decisions)
    })
}

fn shuffled<T: Clone + core::fmt::Debug + 'static>(
    values: Vec<T>,
) -> impl Strategy<Value = (Vec<T>, Vec<T>)> {
    Just(values.clone())
        .prop_shuffle()
        .prop_map(move |other| (values.clone(), other))
}

proptest! {
    #[test]
    fn quick_and_slow_agree(
        bookings in vec(a_booking(), 0..14),
        capacities in some_capacities(),
        allowed in some_allowed(),
    ) {
        let quick = clashes(bookings.iter().copied(), &capacities, &allowed);
        prop_assert_eq!(&quick, &oracle::clashes(&bookings, &capacities, &allowed).unwrap());
        if allowed.is_empty() {
            prop_assert_eq!(quick.is_empty(), oracle::all_fits(&bookings, &capacities));
        }
    }

    #[test]
    fn order_of_arrival_does_not_matter_and_twice_is_once(
        (bookings, other) in vec(a_booking(), 0..14).prop_flat_map(shuffled),
        capacities in some_capacities(),
    ) {
        let none = BTreeSet::new();
        let found = clashes(bookings.iter().copied(), &capacities, &none);
        prop_assert_eq!(&found, &clashes(other.iter().copied(), &capacities, &none));
        prop_assert_eq!(&found, &clashes(bookings.into_iter().chain(other), &capacities, &none));
    }

    #[test]
    fn without_any_one_of_them_the_rest_of_a_clash_fits(
        bookings in vec(a_booking(), 0..14),
        capacities in some_capacities(),
    ) {
        for Clash { resource, range, claims } in clashes(bookings.iter().copied(), &capacities, &BTreeSet::new()) {
            let with = |claims: &BTreeSet<AppointmentId>| -> Vec<Booking> {
                bookings
                    .iter()
                    .filter(|b| claims.contains(&b.claim) && b.resource == resource)
                    .filter_map(|b| Some(Booking { range: b.range.intersection(range)?, ..*b }))
                    .collect()
            };
            prop_assert!(!oracle::all_fits(&with(&claims), &capacities));
            for spared in &claims {
                let mut rest = claims.clone();
                rest.remove(spared);
                prop_assert!(oracle::all_fits(&with(&rest), &capacities));
            }
        }
    }

    #[test]
    fn ranges_that_touch_never_clash(a in 0..8_u8, b in 1..8_u8, c in 1..8_u8) {
        let booking = |n, from, until| Booking {
            claim: apt(n),
            resource: res("ann"),
            range: TimeRange::new(quarter(from), quarter(until)).unwrap(),
            units: 1,
            kind: OccupancyKind::Work,
        };
        let touching = [booking(1, a, a + b), booking(2, a + b, a + b + c)];
        prop_assert!(clashes(touching, &Capacities::default(), &BTreeSet::new()).is_empty());
        // And with one quarter more they do.
        let overlapping = [booking(1, a, a + b + 1), booking(2, a + b, a + b + c)];
        prop_assert_eq!(clashes(overlapping, &Capacities::default(), &BTreeSet::new()).len(), 1);
    }

    #[test]
    fn replicas_with_the_same_documents_agree(
        ((claims, decisions), seed) in (a_history(), any::<u64>()),
        capacities in some_capacities(),
    ) {
        let turn = |n: usize| usize::try_from(seed % 97).unwrap() % n.max(1);
        let mut claims_too = claims.clone();
        claims_too.rotate_left(turn(claims.len()));
        claims_too.extend(claims.first().cloned());
        let mut decisions_too = decisions.clone();
        decisions_too.rotate_left(turn(decisions.len()));
        decisions_too.reverse();
        decisions_too.extend(decisions.first().cloned());
        prop_assert_eq!(
            effective_for_clashes(&claims, &decisions),
            effective_for_clashes(&claims_too, &decisions_too)
        );
        prop_assert_eq!(
            clashes_of(&claims, &decisions, &capacities),
            clashes_of(&claims_too, &decisions_too, &capacities)
        );
        let standing = |_| Standing::Tentative;
        prop_assert_eq!(
            reviews(&claims, &decisions, &capacities, &standing),
            reviews(&claims_too, &decisions_too, &capacities, &standing)
        );
    }

    #[test]
    fn what_the_screen_shows_is_among_what_is_occupied((claims, decisions) in a_history(), seed in any::<u64>()) {
        let occupied = effective_for_clashes(&claims, &decisions);
        let rank = |id: conflict_rules::DecisionId| seed.rotate_left(u32::from(id.to_bytes()[0]) * 7);
        let shown = effective_for_rendering(&claims, &decisions, &rank);
        prop_assert_eq!(&shown.contradictions, &occupied.contradictions);
        for (claim, places) in &shown.placements {
            prop_assert!(places.iter().all(|place| occupied.placements[claim].contains(place)));
        }
    }

    #[test]
    fn what_is_decided_about_others_changes_nothing_here((claims, decisions) in a_history()) {
        let all = effective_for_clashes(&claims, &decisions);
        for claim in &claims {
            // Only this claim, with every decision; the others are gone from the schedule.
            let alone = effective_for_clashes(std::slice::from_ref(claim), &decisions);
            prop_assert_eq!(&alone.placements[&claim.id], &all.placements[&claim.id]);
        }
    }

    #[test]
    fn a_last_decision_about_everything_is_what_holds((claims, decisions) in a_history()) {
        let mut everything: Vec<Verdict> = claims.iter().flat_map(|claim| claim.placements.iter().map(|placement| {
            Verdict::Cancel { claim: claim.id, placement: placement.hash() }
        })).collect();
        everything.sort();
        everything.dedup();
        let mut decisions = decisions;
        decisions.push(Decision {
            id: dec(200),
            seat: [0; 16],
            verdicts: everything,
            seen: decisions.iter().map(|decision| decision.id).collect(),
        });
        let effective = effective_for_clashes(&claims, &decisions);
        prop_assert!(bookings_of(&effective).is_empty());
        prop_assert!(effective.contradictions.is_empty());
    }

    #[test]
    fn a_decision_of_any_kind_survives_its_encoding((_, decisions) in a_history()) {
        for decision in decisions {
            match decision.check() {
                Ok(()) => prop_assert_eq!(Decision::from_bytes(&decision.to_bytes()), Ok(decision)),
                Err(why) => prop_assert_eq!(Decision::from_bytes(&decision.to_bytes()), Err(why)),
            }
        }
    }

    #[test]
    fn states_merge_in_any_order(states in vec(select(&ClaimState::ALL[..]), 1..6)) {
        let merged = concurrency::merged_state(&states);
        let mut other = states.clone();
        other.reverse();
        prop_assert!(states.contains(&merged));
        prop_assert_eq!(merged, concurrency::merged_state(&other));
        other.sort();
        other.extend(states);
        prop_assert_eq!(merged, concurrency::merged_state(&other));
    }
}
