//! Whatever the order of arrival, replicas agree; and they do notice what changes.

use proptest::prelude::*;

use super::*;

/// Three desks that work apart for a while.
fn story() -> (
    Vec<Packet>,
    Vec<(AppointmentId, conflict_rules::PlacementHash)>,
) {
    let mut desks: Vec<Desk> = (1..4).map(Desk::new).collect();
    desks[0].found();
    desks[0].book(1, NORTH, "2026-03-02T09:00", 30, ANN);
    let begun = desks[0].sent.clone();
    for desk in &mut desks[1..] {
        desk.hear_all(&begun);
    }
    desks[0].move_to(1, "2026-03-02T10:00", 30, BOB);
    desks[1].move_to(1, "2026-03-02T11:00", 30, ANN);
    desks[1].book(2, NORTH, "2026-03-02T11:15", 30, ANN);
    desks[2].set_state(1, ClaimState::Arrived);
    desks[2].book(3, SOUTH, "2026-03-02T11:00", 45, ANN);
    desks[2].client(1, "Ana", "612");
    desks[1].client(1, "Anna", "613");
    for (number, seat) in [(0, 1_u8), (2, 3)] {
        let other: Vec<Packet> = desks[1].sent.clone();
        desks[number].hear_all(&other);
        let claim = desks[number].book.claim(apt(2)).unwrap();
        let placement = claim.placements[0].hash();
        let verdict = if seat == 1 {
            Verdict::Cancel {
                claim: apt(2),
                placement,
            }
        } else {
            Verdict::Keep {
                claim: apt(2),
                placement,
            }
        };
        let decision = Decision {
            id: DecisionId::from_bytes([seat; 16]),
            seat: [seat; 16],
            verdicts: vec![verdict],
            seen: desks[number].book.decisions_about(&[apt(2)]),
        };
        let key = week_of(NORTH, "2026-03-02T09:00");
        let actor = desks[number].actor;
        desks[number].schedule(key, |week| week.decide(actor, &decision).unwrap().unwrap());
    }
    let packets: Vec<Packet> = desks.iter().flat_map(|desk| desk.sent.clone()).collect();
    let mut all = Desk::new(9);
    all.hear_all(&packets);
    let mut placements = Vec::new();
    for id in [1, 2, 3] {
        let claim = all.book.claim(apt(id)).unwrap();
        placements.extend(
            claim
                .placements
                .iter()
                .map(|placement| (apt(id), placement.hash())),
        );
    }
    (packets, placements)
}

enum Tell {
    Entry(usize, bool),
    Placed(usize),
    Said(usize),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_order_of_arrival_does_not_matter(
        order in Just((0..64_usize).collect::<Vec<_>>()).prop_shuffle()
    ) {
        let (packets, placements) = story();
        let place = |sequence: usize| Place { epoch: 0, sequence: sequence as u64 + 1 };
        // Everything that is to be told: entries, positions of the later half, confirmations.
        let mut told = Vec::new();
        for number in 0..packets.len() {
            let with_place = number % 3 == 0;
            told.push(Tell::Entry(number, with_place));
            if number % 3 == 1 {
                told.push(Tell::Placed(number));
            }
        }
        told.extend((0..placements.len()).map(Tell::Said));
        prop_assert!(told.len() <= order.len());
        let run = |order: &[usize]| {
            let mut desk = Desk::new(9);
            // A position is told only of an entry that is held.
            let mut pending = Vec::new();
            for tell in order.iter().filter_map(|number| told.get(*number)) {
                match tell {
                    Tell::Entry(number, with_place) => {
                        let at = with_place.then(|| place(*number));
                        let _ = desk.book.apply(&packets[*number].opened(at, false), &desk.keys);
                    }
                    Tell::Placed(number) => pending.push(*number),
                    Tell::Said(number) => {
                        let (claim, hash) = placements[*number];
                        let _ = {
                            let standing = if number % 2 == 0 { Standing::Confirmed } else { Standing::Refused };
                            desk.book.confirmation(claim, hash, place(40 + number), standing)
                        };
                    }
                }
                // Asking in between must not change what comes out at the end.
                let _ = desk.book.rendering_hash();
            }
            for number in pending {
                let _ = desk.book.placed(&packets[number].hash, place(number));
            }
            assert_eq!(desk.book.waiting(), 0);
            let reviews = desk.book.reviews(noon_before(), true, &|seat| seat.to_string());
            (desk.book.clashes_hash(), desk.book.rendering_hash(), desk.book.heads_hash(), reviews,
             desk.book.clients(0, 10))
        };
        let straight: Vec<usize> = (0..64).collect();
        let expected = run(&straight);
        prop_assert!(!expected.3.is_empty());
        prop_assert_eq!(run(&order), expected);
    }
}

#[test]
fn hashes_do_change_when_something_does() {
    let mut desk = Desk::new(1);
    desk.found();
    let before = (
        desk.book.heads_hash(),
        desk.book.rendering_hash(),
        desk.book.clashes_hash(),
    );
    desk.book(1, NORTH, "2026-03-02T09:00", 30, ANN);
    let one = (
        desk.book.heads_hash(),
        desk.book.rendering_hash(),
        desk.book.clashes_hash(),
    );
    assert!(before.0 != one.0 && before.1 != one.1 && before.2 == one.2);
    desk.book(2, NORTH, "2026-03-02T09:00", 30, ANN);
    assert_ne!(one.2, desk.book.clashes_hash());
    let rendering = desk.book.rendering_hash();
    let hash = desk.book.claim(apt(2)).unwrap().placements[0].hash();
    let place = Place {
        epoch: 0,
        sequence: 1,
    };
    let _ = desk
        .book
        .confirmation(apt(2), hash, place, Standing::Confirmed);
    assert_ne!(rendering, desk.book.rendering_hash());
}

#[test]
fn a_change_of_another_author_than_its_entry_is_refused() {
    let mut desk = Desk::new(1);
    desk.found();
    let mut forged = desk.book(1, NORTH, "2026-03-02T09:00", 30, ANN);
    forged.incarnation = IncarnationId::from_bytes([66; 16]);
    let mut other = Book::new(ORG).unwrap();
    let _ = other.apply(&forged.opened(None, false), &TestKeys::default());
    assert_eq!(other.refused()[&forged.hash], Refused::ForeignActor);
    assert!(other.claim(apt(1)).is_none());
}
