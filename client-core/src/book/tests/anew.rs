//! What is kept in step is what comes out when everything is read anew: on random histories of two
//! sites over three weeks, with visits over Sunday midnight, moves into other weeks, decisions in
//! one week about claims of another, rights taken and given back, missing parents, and rooms that
//! shrink. Asked after every step, or only now and then.

use proptest::prelude::*;

use super::*;
use crate::book::tests::together::Chance;

const STARTS: [&str; 6] = [
    "2026-03-06T10:00",
    // A night over Sunday midnight, so that it is in two weeks.
    "2026-03-08T23:00",
    "2026-03-09T00:00",
    "2026-03-09T10:00",
    "2026-03-15T23:30",
    "2026-03-16T00:00",
];

/// Writes something at a desk; most of it meets something else.
fn write(desk: &mut Desk, chance: &mut Chance, step: u8) {
    let known: Vec<u8> = (0..60)
        .filter(|id| desk.book.claim(apt(*id)).is_some())
        .collect();
    let claim = known.get(chance.below(known.len().max(1))).copied();
    let start = STARTS[chance.below(STARTS.len())];
    // Every placement is a new one.
    let minutes = 60 + 15 * u32::from(step % 8);
    let staff = [ANN, BOB][chance.below(2)];
    match (chance.below(10), claim) {
        (0..=1, Some(id)) => {
            let home = desk.book.home_of(apt(id)).unwrap();
            let to = desk.placed(home.location, start, minutes, staff);
            let actor = desk.actor;
            let mut week = desk.book.week(home).unwrap();
            if week.move_to(actor, apt(id), &to).unwrap().is_some() {
                desk.schedule(home, |week| {
                    week.move_to(actor, apt(id), &to).unwrap().unwrap()
                });
            }
        }
        (2, Some(id)) => {
            let states = [
                ClaimState::Arrived,
                ClaimState::Cancelled,
                ClaimState::Booked,
            ];
            let state = states[chance.below(3)];
            if desk.book.claim(apt(id)).unwrap().state().may_become(state) {
                desk.set_state(id, state);
            }
        }
        (3..=5, Some(id)) => {
            let other = known[chance.below(known.len())];
            let subject = |desk: &Desk, id: u8| {
                let claim = desk.book.claim(apt(id)).unwrap();
                (apt(id), claim.placements[0].hash())
            };
            let (claim, placement) = subject(desk, id);
            let verdict = match chance.below(4) {
                0 => Verdict::Keep { claim, placement },
                1 => Verdict::Cancel { claim, placement },
                2 if other != id => Verdict::AllowOverlap {
                    a: (claim, placement),
                    b: subject(desk, other),
                },
                _ => Verdict::Move {
                    claim,
                    placement,
                    to: desk.placed(NORTH, start, minutes, staff),
                },
            };
            let decision = Decision {
                id: DecisionId::from_bytes([step; 16]),
                seat: [1; 16],
                verdicts: vec![verdict],
                seen: if chance.one_in(2) {
                    desk.book.decisions_about(&[apt(id)])
                } else {
                    [].into()
                },
            };
            // Not always the week that its claim is in.
            let key = week_of([NORTH, SOUTH][chance.below(2)], start);
            let actor = desk.actor;
            desk.schedule(key, |week| week.decide(actor, &decision).unwrap().unwrap());
        }
        (6, _) => {
            let mut grid = desk.book.grid();
            let units = u16::try_from(1 + chance.below(3)).unwrap();
            let which = [ANN, BOB, ROOM][chance.below(3)];
            if let Some(change) = grid.set_capacity(desk.actor, which, units).unwrap() {
                let intent = ClearIntent {
                    clock: desk.tick(),
                    source: Source::Desk,
                    request: [1; 16],
                };
                let body = GridBody {
                    intent,
                    changes: vec![change.bytes],
                };
                let document = DocumentId::from_bytes(grid_document_id(ORG.to_bytes()));
                desk.send(FeedId::Grid, document, body.encode().unwrap());
            }
        }
        _ => {
            // One in some has an id that another desk takes too, perhaps in another week.
            let id = if chance.one_in(6) { 50 } else { step };
            let location = [NORTH, SOUTH][chance.below(2)];
            let week = desk.book.week(week_of(location, start)).unwrap();
            if week.claim(apt(id)).is_none() {
                desk.book(id, location, start, minutes, ANN);
            }
        }
    }
}

fn history(chance: &mut Chance) -> Vec<Packet> {
    let mut desks: Vec<Desk> = (1..4).map(Desk::new).collect();
    desks[0].found();
    let begun = desks[0].sent.clone();
    for desk in &mut desks[1..] {
        desk.hear_all(&begun);
    }
    for step in 0..40 {
        let number = chance.below(3);
        if chance.one_in(3) {
            let heard = desks[chance.below(3)].sent.clone();
            desks[number].hear_all(&heard);
        }
        write(&mut desks[number], chance, step);
    }
    desks.into_iter().flat_map(|desk| desk.sent).collect()
}

/// How often there were clashes, reviews beside them, copies of a claim, and masks.
fn compare(seed: u64) -> [usize; 4] {
    let chance = &mut Chance(seed);
    let packets = history(chance);
    let placements: Vec<(AppointmentId, conflict_rules::PlacementHash)> = {
        let mut all = Desk::new(9);
        all.hear_all(&packets);
        let kept = &all.book.derived().kept;
        let all = kept.all();
        all.flat_map(|(id, settled)| settled.hashes().iter().map(move |hash| (id, *hash)))
            .collect()
    };
    let mut told: Vec<usize> = (0..packets.len())
        .flat_map(|number| core::iter::repeat_n(number, 1 + usize::from(chance.one_in(3))))
        .collect();
    if chance.one_in(2) {
        chance.shuffle(&mut told);
    }
    let mut desk = Desk::new(9);
    let mut seen = [0; 4];
    for number in told {
        let sequence = number as u64 + 1;
        let place = chance.one_in(2).then_some(Place { epoch: 0, sequence });
        let masked = chance.one_in(8);
        let opened = packets[number].opened(place, masked);
        let _ = desk.book.apply(&opened, &desk.keys);
        if !placements.is_empty() && chance.one_in(4) {
            let (claim, hash) = placements[chance.below(placements.len())];
            let standing = [Standing::Confirmed, Standing::Refused][chance.below(2)];
            let _ = desk
                .book
                .confirmation(claim, hash, Place { epoch: 0, sequence }, standing);
        }
        if chance.one_in(3) {
            continue;
        }
        let now = told_of(&desk.book);
        let kept = core::mem::take(&mut desk.book.derived);
        desk.book.reviews = OnceLock::new();
        assert_eq!(now, told_of(&desk.book), "seed {seed}");
        // On with what was kept.
        desk.book.derived = kept;
        let book = &desk.book;
        let kept = &book.derived().kept;
        seen[0] += usize::from(kept.clashes().next().is_some());
        seen[1] += usize::from(book.waiting_reviews().len() > kept.clashes().count());
        seen[2] += usize::from(book.derived().copies() > 0);
        seen[3] += usize::from(book.masked_entries() > 0);
    }
    seen
}

/// All that follows from the documents.
fn told_of(book: &Book) -> impl PartialEq + core::fmt::Debug + use<> {
    let settled = book.derived().kept.all();
    let settled: Vec<_> = settled
        .map(|(_, settled)| {
            let (claim, places) = (settled.claim().clone(), settled.places().to_vec());
            (claim, places, settled.follows())
        })
        .collect();
    (
        settled,
        (book.clashes_hash(), book.rendering_hash(), book.counts()),
        book.reviews(noon_before(), true, &|seat| seat.to_string()),
        STARTS.map(|start| {
            let date = start.parse::<DateTime>().unwrap().date();
            [NORTH, SOUTH].map(|site| format!("{:?}", book.day_view(site, date)))
        }),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn what_is_kept_in_step_is_what_is_read_anew(seed: u64) {
        compare(seed);
    }
}

#[test]
fn the_histories_have_clashes_reviews_copies_and_masks() {
    let mut seen = [0; 4];
    for counts in (0..8).map(compare) {
        for (sum, count) in seen.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    assert!(seen.iter().all(|count| *count >= 8), "{seen:?}");
}
