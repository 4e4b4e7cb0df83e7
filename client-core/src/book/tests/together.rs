//! What arrives together comes to the same as what arrives singly: on random histories, shuffled,
//! with parents missing, rights taken and given back, and authors that contradict themselves.

use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

use super::*;
use crate::documents::About;

pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % most as u64).unwrap()
    }

    fn few(&mut self) -> u16 {
        u16::from(self.one_in(3)) + u16::from(self.one_in(2))
    }

    pub(super) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// What three desks wrote, and what they wrote a second time after their disk was copied.
fn history(chance: &mut Chance, key: &SubjectKey) -> Vec<Packet> {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut desks: Vec<Desk> = (1..4).map(Desk::new).collect();
    desks[0].found();
    let begun = desks[0].sent.clone();
    for desk in &mut desks[1..] {
        desk.hear_all(&begun);
    }
    let mut contradictions = Vec::new();
    for step in 0..40_u8 {
        let number = chance.below(3);
        if chance.one_in(3) {
            let heard = desks[chance.below(3)].sent.clone();
            desks[number].hear_all(&heard);
        }
        let desk = &mut desks[number];
        let before = Desk::new(desk.actor[0]);
        let copied = chance.one_in(5).then(|| {
            let mut copy = before;
            copy.clock = desk.clock;
            copy.hear_all(&desk.sent.clone());
            copy.hear_all(&begun);
            copy
        });
        let writes = |desk: &mut Desk, chance: &mut Chance, rng: &mut ChaCha20Rng| {
            let hour = 8 + chance.below(8);
            // A minute of its own, so that every move goes somewhere.
            let start = format!("2026-03-0{}T{hour:02}:{step:02}", 2 + chance.below(2));
            let staff = [ANN, BOB][chance.below(2)];
            let known: Vec<u8> = (0..40)
                .filter(|id| desk.book.claim(apt(*id)).is_some())
                .collect();
            let claim = known.get(chance.below(known.len().max(1))).copied();
            let week = week_of(NORTH, "2026-03-02T09:00");
            match (chance.below(9), claim) {
                (0, Some(id)) => {
                    desk.move_to(id, &start, 30, staff);
                }
                (1, Some(id)) => {
                    let states = [ClaimState::Arrived, ClaimState::Cancelled];
                    let state = states[chance.below(2)];
                    if desk.book.claim(apt(id)).unwrap().state().may_become(state) {
                        desk.set_state(id, state);
                    }
                }
                (2, Some(id)) => {
                    let mut visits = desk.book.visits(week).unwrap();
                    let key = ContentKey::from(key);
                    let text = format!("note {step}");
                    let note = Sealed::text(rng, key, week, apt(id), Part::Note, &text).unwrap();
                    let reason =
                        Sealed::reason(rng, key, week, About::Claim(apt(id)), &text).unwrap();
                    let (actor, clock) = (desk.actor, desk.tick());
                    let note = visits.put_details(actor, clock, apt(id), Part::Note, &note);
                    let about = About::Claim(apt(id));
                    let reason = visits.add_reason(actor, clock, about, &reason);
                    desk.private(Target::Visits(week), vec![note.unwrap(), reason.unwrap()]);
                }
                (3, _) => {
                    desk.client(chance.few(), &format!("Ana {step}"), "612");
                }
                (4, _) => {
                    let (pet, owner) = (chance.few(), chance.few());
                    desk.pet(pet, owner, &format!("Luna {step}"), "");
                }
                (5, _) => {
                    let (actor, clock) = (desk.actor, desk.tick());
                    let mut doc = desk.book.practice_doc();
                    let name = doc.set_name(actor, clock, &format!("Paws {step}")).unwrap();
                    desk.private(Target::Practice, vec![name]);
                }
                _ => {
                    desk.book(step, NORTH, &start, 30, staff);
                }
            }
        };
        if let Some(mut copy) = copied {
            let sent = copy.sent.len();
            writes(&mut copy, chance, &mut rng);
            for mut packet in copy.sent.split_off(sent) {
                packet.hash = Hash::from_bytes([200 + step % 50; 32]);
                contradictions.push(packet);
            }
        }
        writes(&mut desks[number], chance, &mut rng);
    }
    let mut packets: Vec<Packet> = desks.into_iter().flat_map(|desk| desk.sent).collect();
    packets.extend(contradictions);
    packets
}

type Told = (usize, Option<Place>, bool);

fn seen(book: &Book, packets: &[Packet]) -> impl PartialEq + core::fmt::Debug + use<> {
    let claims: Vec<_> = (0..40)
        .map(|id| {
            let details = book.visit_details(apt(id));
            (
                book.claim(apt(id)),
                book.standing(apt(id)),
                format!("{:?}", book.provenance(apt(id))),
                format!("{details:?}"),
            )
        })
        .collect();
    let refused: Vec<_> = book.refused().iter().map(|(h, why)| (*h, *why)).collect();
    let stands: Vec<_> = packets
        .iter()
        .map(|packet| book.entries.get(&packet.hash).copied())
        .collect();
    (
        (
            book.heads_hash(),
            book.rendering_hash(),
            book.clashes_hash(),
            book.waiting(),
            book.masked_entries(),
        ),
        (claims, refused, stands, book.practice().clone()),
        book.reviews(noon_before(), true, &|seat| seat.to_string()),
        (book.clients(0, 10), book.search("lun", 10)),
        format!("{:?}", book.day_view(NORTH, day("2026-03-02"))),
    )
}

/// Whether contradictions, missing parents and masks occurred.
fn compare(seed: u64) -> (bool, bool, bool) {
    let chance = &mut Chance(seed);
    let key = SubjectKey::generate(&mut ChaCha20Rng::seed_from_u64(2));
    let packets = history(chance, &key);
    let mut told: Vec<Told> = Vec::new();
    for number in 0..packets.len() {
        if chance.one_in(16) {
            continue;
        }
        for _ in 0..=usize::from(chance.one_in(4)) {
            let sequence = number as u64 + 1;
            let place = chance.one_in(3).then_some(Place { epoch: 0, sequence });
            told.push((number, place, chance.one_in(6)));
        }
    }
    if !chance.one_in(3) {
        chance.shuffle(&mut told);
    }
    let keys = || {
        let mut keys = TestKeys::default();
        let id = ContentKey::from(&key).id();
        keys.0
            .insert(id, SubjectKey::generate(&mut ChaCha20Rng::seed_from_u64(2)));
        keys
    };
    let (mut singly, mut together) = (Book::new(ORG).unwrap(), Book::new(ORG).unwrap());
    let opened = |(number, place, masked): &Told| packets[*number].opened(*place, *masked);
    let mut rest = told.as_slice();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(1 + chance.below(rest.len()));
        rest = later;
        for told in now {
            let _ = singly.apply(&opened(told), &keys());
        }
        let now: Vec<Opened<'_>> = now.iter().map(opened).collect();
        let _ = together.apply_all(&now, &keys());
        assert_eq!(
            seen(&together, &packets),
            seen(&singly, &packets),
            "seed {seed}"
        );
    }
    (
        !singly.refused().is_empty(),
        singly.waiting() > 0,
        singly.masked_entries() > 0,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn together_comes_to_the_same_as_singly(seed: u64) {
        compare(seed);
    }
}

#[test]
fn contradictions_orphans_and_masks_are_among_the_histories() {
    let seen: Vec<_> = (0..24).map(compare).collect();
    let count = |of: fn(&(bool, bool, bool)) -> bool| seen.iter().filter(|seen| of(seen)).count();
    let counts = (count(|s| s.0), count(|s| s.1), count(|s| s.2));
    assert!(
        counts.0 >= 6 && counts.1 >= 6 && counts.2 >= 12,
        "{counts:?}"
    );
}

#[test]
fn a_hostile_entry_brings_nothing_masked_to_light() {
    let mut desk = Desk::new(1);
    desk.found();
    let begun = desk.sent.clone();
    let masked = desk.book(1, NORTH, "2026-03-02T09:00", 30, ANN);
    let mut copy = Desk::new(1);
    copy.hear_all(&begun);
    let mut contradiction = copy.book(2, NORTH, "2026-03-02T10:00", 30, ANN);
    contradiction.hash = Hash::from_bytes([9; 32]);
    let mut other = Desk::new(2);
    other.hear_all(&begun);
    let _ = other.book.apply(&masked.opened(None, true), &other.keys);
    assert_eq!(other.book.claim(apt(1)), None);
    let _ = other
        .book
        .apply(&contradiction.opened(None, false), &other.keys);
    assert!(other.book.refused().contains_key(&contradiction.hash));
    assert_eq!(other.book.claim(apt(1)), None);
}
