//! Scenes that need many desks: everybody apart and back in every order, one person at two sites,
//! Sunday midnight, a hundred who want one slot, and what was decided once.

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

use std::{collections::BTreeSet, time::Instant};

use client_core::{
    catalogue::{
        Answer, Booking, CancelVisit, CardKind, Command, Decide, ErrorCode, MaskedReason,
        MoveVisit, NewBlock, NewCardNote, Query, ReviewKind, StaffRole, Standing, Undo,
        VerdictWish,
    },
    replica::RequestState,
    session::Input,
};
use conflict_rules::{AppointmentId, ClaimState};
use system_tests::world::{Shape, World, checks};

fn world(desks: usize) -> World {
    let mut world = World::new(1, Shape::with(desks)).unwrap();
    world.start_relay().unwrap();
    for desk in 0..desks {
        world.start_desk(desk).unwrap();
    }
    world.quiet().unwrap();
    world
}

fn wish(world: &World, site: usize, staff: usize, start: &str) -> Booking {
    Booking {
        location: world.practice.sites[site],
        start: start.parse().unwrap(),
        staff: world.practice.staff[staff],
        room: None,
        service: None,
        minutes: Some(30),
        client: None,
        pets: Vec::new(),
        note: None,
        double_book: None,
        despite_warnings: true,
    }
}

fn book(world: &mut World, desk: usize, wish: Booking) -> AppointmentId {
    let reply = world.execute(desk, Command::Book(wish)).unwrap();
    world.tell(desk, Input::Wrote).unwrap();
    reply.id.parse().unwrap()
}

fn clashes(world: &mut World, desk: usize) -> Vec<BTreeSet<AppointmentId>> {
    let book = world.replica_mut(desk).unwrap().book_mut();
    let clashes = book.clashes();
    clashes
        .into_iter()
        .map(|clash| clash.claims.into_iter().collect())
        .collect()
}

fn standing(world: &World, desk: usize, claim: AppointmentId) -> Standing {
    world.replica(desk).unwrap().book().standing(claim)
}

#[test]
fn three_desks_book_one_slot_apart_and_come_back_in_every_order() {
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for order in orders {
        let mut world = world(3);
        for desk in 0..3 {
            world.unplug(desk).unwrap();
        }
        let slot = wish(&world, 0, 0, "2026-03-25T09:00");
        let ids: BTreeSet<_> = (0..3)
            .map(|desk| book(&mut world, desk, slot.clone()))
            .collect();
        for desk in order {
            world.plug_in(desk).unwrap();
            world.settle(&[desk]).unwrap();
        }
        world.quiet().unwrap();
        checks::all(&mut world).unwrap();
        let pairs = clashes(&mut world, 0);
        assert_eq!(pairs.len(), 3, "{order:?}: each pair clashes");
        assert_eq!(pairs.concat_ids(), ids);
        // The first to come back has the slot.
        let first: Vec<_> = ids
            .iter()
            .filter(|id| standing(&world, 0, **id) == Standing::Confirmed)
            .collect();
        assert_eq!(first.len(), 1, "{order:?}");
        for desk in 0..3 {
            let reviews = world.reviews(desk).unwrap();
            let reviews: Vec<_> = reviews
                .iter()
                .filter(|review| review.kind == ReviewKind::Clash)
                .collect();
            assert_eq!(reviews.len(), 1, "clashes that touch are one case");
            assert_eq!(reviews[0].visits.len(), 3);
        }
    }
}

trait Ids {
    fn concat_ids(&self) -> BTreeSet<AppointmentId>;
}

impl Ids for Vec<BTreeSet<AppointmentId>> {
    fn concat_ids(&self) -> BTreeSet<AppointmentId> {
        self.iter().flatten().copied().collect()
    }
}

#[test]
fn who_works_at_two_sites_is_never_confirmed_twice() {
    let mut world = world(2);
    for desk in 0..2 {
        world.unplug(desk).unwrap();
    }
    // Cy at both sites; the second one's clock is an hour behind.
    let harbour = wish(&world, 0, 2, "2026-03-25T10:00");
    let hill = wish(&world, 1, 2, "2026-03-25T09:15");
    let later = wish(&world, 1, 2, "2026-03-25T09:45");
    let (a, b) = (book(&mut world, 0, harbour), book(&mut world, 1, hill));
    let apart = book(&mut world, 1, later);
    world.heal().unwrap();
    checks::all(&mut world).unwrap();
    assert_eq!(clashes(&mut world, 1), [BTreeSet::from([a, b])]);
    let both = [standing(&world, 0, a), standing(&world, 0, b)];
    assert!(both.contains(&Standing::Confirmed) && both.contains(&Standing::Refused));
    assert_eq!(standing(&world, 0, apart), Standing::Confirmed);
}

#[test]
fn who_waits_for_a_shared_room_gets_it_whoever_leaves() {
    for leaves in 0..2 {
        let mut world = world(3);
        for desk in 0..3 {
            world.unplug(desk).unwrap();
        }
        let ward = world.practice.rooms[1].1;
        let mut ann = wish(&world, 0, 0, "2026-03-25T09:00");
        let mut cy = wish(&world, 0, 2, "2026-03-25T09:00");
        (ann.room, cy.room) = (Some(ward), Some(ward));
        let visits = [book(&mut world, 0, ann), book(&mut world, 1, cy)];
        let block = Command::Block(NewBlock {
            location: world.practice.sites[0],
            resources: vec![ward],
            start: "2026-03-25T09:00".parse().unwrap(),
            minutes: 20,
            title: None,
        });
        let block = world.execute(2, block).unwrap().id.parse().unwrap();
        for desk in 0..3 {
            world.plug_in(desk).unwrap();
            world.settle(&[desk]).unwrap();
        }
        world.quiet().unwrap();
        assert_eq!(
            standing(&world, 0, block),
            Standing::Refused,
            "two fit, and were first"
        );
        let cancel = Command::Cancel(CancelVisit {
            appointment: visits[leaves],
            reason: None,
        });
        world.execute(0, cancel).unwrap();
        world.tell(0, Input::Wrote).unwrap();
        world.quiet().unwrap();
        assert_eq!(standing(&world, 0, block), Standing::Confirmed);
        checks::all(&mut world).unwrap();
    }
}

#[test]
fn a_visit_over_sunday_midnight_clashes_on_monday() {
    let mut world = world(2);
    for desk in 0..2 {
        world.unplug(desk).unwrap();
    }
    let mut sunday = wish(&world, 0, 0, "2026-03-29T23:30");
    sunday.minutes = Some(75);
    let monday = wish(&world, 0, 0, "2026-03-30T00:30");
    let free = wish(&world, 0, 0, "2026-03-30T00:45");
    let (a, b) = (book(&mut world, 0, sunday), book(&mut world, 1, monday));
    world.heal().unwrap();
    checks::all(&mut world).unwrap();
    assert_eq!(clashes(&mut world, 0), [BTreeSet::from([a, b])]);
    let refused = world.execute(0, Command::Book(free)).unwrap_err();
    assert_eq!(refused.code, client_core::catalogue::ErrorCode::SlotTaken);
}

#[test]
fn what_was_decided_stays_decided_when_another_visit_moves() {
    let mut world = world(3);
    for desk in 0..3 {
        world.unplug(desk).unwrap();
    }
    let slot = wish(&world, 0, 0, "2026-03-25T09:00");
    let ids: Vec<_> = (0..3)
        .map(|desk| book(&mut world, desk, slot.clone()))
        .collect();
    world.heal().unwrap();
    // The first two may overlap; the third is called off.
    let verdicts = vec![
        VerdictWish::AllowOverlap {
            a: ids[0],
            b: ids[1],
        },
        VerdictWish::Cancel {
            appointment: ids[2],
        },
    ];
    let decide = Command::Decide(Decide {
        verdicts,
        reason: Some("phoned".to_owned()),
    });
    world.execute(1, decide).unwrap();
    world.tell(1, Input::Wrote).unwrap();
    world.heal().unwrap();
    checks::all(&mut world).unwrap();
    assert_eq!(clashes(&mut world, 0), Vec::<BTreeSet<_>>::new());
    let moved = MoveVisit {
        appointment: ids[0],
        start: Some("2026-03-26T14:00".parse().unwrap()),
        staff: None,
        room: None,
        minutes: None,
        double_book: None,
        despite_warnings: true,
    };
    world.execute(0, Command::Move(moved)).unwrap();
    world.tell(0, Input::Wrote).unwrap();
    world.heal().unwrap();
    checks::all(&mut world).unwrap();
    for desk in 0..3 {
        assert_eq!(clashes(&mut world, desk), Vec::<BTreeSet<_>>::new());
        let book = world.replica(desk).unwrap().book();
        assert!(
            book.placements_of(ids[2]).is_empty(),
            "who was called off stays so"
        );
        assert_eq!(book.standing(ids[1]), Standing::Confirmed);
    }
}

#[test]
fn a_hundred_desks_that_want_one_slot_get_one_confirmation() {
    // Whole desks, each of which takes in what all others wrote: the work grows with the square.
    // The relay alone answers two hundred in `sync-server/tests/core_stories.rs`.
    let desks = std::env::var("DAYBOOK_CLAIMANTS").map_or(100, |text| text.parse().unwrap());
    sync_protocol::remember_good_signatures();
    let start = Instant::now();
    let mut world = World::new(1, &Shape::found(desks).unwrap()).unwrap();
    world.start_relay().unwrap();
    for desk in 0..desks {
        world.start_desk(desk).unwrap();
    }
    world.quiet().unwrap();
    println!(
        "{desks} desks joined and in step after {:.1} s",
        start.elapsed().as_secs_f64()
    );
    let slot = wish(&world, 0, 0, "2026-03-25T09:00");
    let ids: Vec<_> = (0..desks)
        .map(|desk| book(&mut world, desk, slot.clone()))
        .collect();
    let asked = Instant::now();
    world.relay_answers().unwrap();
    let relay = asked.elapsed();
    // Each desk takes in what the relay said to it up to its own answer.
    let mut slowest = std::time::Duration::ZERO;
    for (desk, id) in ids.iter().enumerate() {
        let began = Instant::now();
        while world.replica(desk).unwrap().verdict(*id) == RequestState::Waiting {
            assert!(world.hear_one(desk).unwrap(), "desk {desk} has no answer");
        }
        slowest = slowest.max(began.elapsed());
    }
    println!(
        "the relay answered {desks} claims in {:.3} s; the slowest desk had its answer {:.3} s later",
        relay.as_secs_f64(),
        slowest.as_secs_f64()
    );
    assert!(
        (relay + slowest).as_secs_f64() < 5.0,
        "a second is meant, on a quiet machine"
    );
    let (mut granted, mut taken) = (0, 0);
    for (desk, id) in ids.iter().enumerate() {
        match world.replica(desk).unwrap().verdict(*id) {
            RequestState::Granted => granted += 1,
            RequestState::JustTaken { alternatives } => {
                assert_eq!(alternatives.len(), 3);
                taken += 1;
            }
            other @ (RequestState::None | RequestState::Waiting) => {
                panic!("desk {desk}: {other:?}")
            }
        }
    }
    assert_eq!((granted, taken), (1, desks - 1));
    world.quiet().unwrap();
    checks::replicas_agree(&mut world).unwrap();
    for desk in [0, 1, desks / 2, desks - 1] {
        assert!(clashes(&mut world, desk).is_empty());
        assert!(
            world.reviews(desk).unwrap().is_empty(),
            "nobody has to review anything"
        );
        let book = world.replica(desk).unwrap().book();
        let live = ids
            .iter()
            .filter(|id| book.claim(**id).unwrap().state() != ClaimState::Cancelled);
        assert_eq!(live.count(), 1);
    }
}

fn clinical_note(world: &World) -> Command {
    Command::AddCardNote(NewCardNote {
        of: world.practice.clients[0].1.to_string(),
        card: CardKind::Clinical,
        text: "limps".to_owned(),
        despite_restriction: None,
    })
}

#[test]
fn what_a_neighbour_brought_and_is_not_for_this_role_holds_no_desk_up() {
    let mut world = world(3);
    world.unplug(0).unwrap();
    let note = clinical_note(&world);
    world.execute(0, note).unwrap();
    // The receptionist's desk carries what it cannot read; the relay does not take it from there.
    world.peers(0, 2, 64, false).unwrap();
    world.plug_in(0).unwrap();
    world.quiet().unwrap();
    checks::nothing_is_missing(&mut world).unwrap();
}

#[test]
fn unsent_work_of_an_earlier_role_reaches_the_relay_and_a_person() {
    let mut world = world(3);
    world.unplug(1).unwrap();
    let note = clinical_note(&world);
    world.execute(1, note).unwrap();
    let seat = world.replica(1).unwrap().seat();
    let now = "2026-03-24T08:00:00Z".parse().unwrap();
    let owner = world.replica_mut(0).unwrap();
    owner.set_role(now, seat, StaffRole::Groomer).unwrap();
    world.tell(0, Input::Wrote).unwrap();
    world.settle(&[0, 2]).unwrap();
    world.plug_in(1).unwrap();
    world.quiet().unwrap();
    checks::nothing_is_missing(&mut world).unwrap();
    let owner = world.replica_mut(0).unwrap();
    let Answer::People(people) = owner.query(now, Query::People).unwrap() else {
        panic!("not the people");
    };
    assert_eq!(people.masked.len(), 1, "{:?}", people.masked);
    assert_eq!(people.masked[0].reason, MaskedReason::Role);
}

#[test]
fn nobody_takes_a_step_back_in_a_role_that_may_not_write_it() {
    let mut world = world(3);
    let note = clinical_note(&world);
    world.execute(1, note).unwrap();
    world.tell(1, Input::Wrote).unwrap();
    world.quiet().unwrap();
    let seat = world.replica(1).unwrap().seat();
    let now = "2026-03-24T08:00:00Z".parse().unwrap();
    let owner = world.replica_mut(0).unwrap();
    owner.set_role(now, seat, StaffRole::Groomer).unwrap();
    world.tell(0, Input::Wrote).unwrap();
    world.quiet().unwrap();
    let refused = world.execute(1, Command::Undo(Undo { step: None }));
    assert_eq!(refused.unwrap_err().code, ErrorCode::NotAllowed);
    checks::nothing_is_missing(&mut world).unwrap();
}
