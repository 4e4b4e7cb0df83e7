//! Changes made to harm: each is refused with its own answer, fast, and the document stays usable.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

#[path = "common/chunks.rs"]
mod chunks;
mod common;

use std::time::{Duration, Instant};

use automerge::{
    ActorId, Automerge, ObjType, ROOT, ReadDoc,
    transaction::{CommitOptions, Transactable},
};
use chunks::*;
use common::*;
use conflict_rules::ClaimState;
use schedule::{HostileChange, Schema, Unsafe, Week, safety};

fn check(bytes: &[u8]) -> Result<safety::CheckedChange, Unsafe> {
    safety::check(bytes, Schema::Schedule)
}

const HEX: &str = "00112233445566778899aabbccddeeff";

#[test]
fn parts_taken_apart_and_put_together_are_the_change() {
    let change = book(&mut week(), ANN, 1, "2026-03-03T09:00");
    assert_eq!(Parts::of(&change.bytes).bytes(), change.bytes);
}

#[test]
fn a_million_operations_in_a_few_bytes_are_refused_at_once() {
    let change = book(&mut week(), ANN, 1, "2026-03-03T09:00");
    for (schema, rows) in [
        (Schema::Schedule, 1_000_001),
        (Schema::Private, 1_000_001),
        (Schema::Private, i64::MAX),
        (Schema::Private, i64::MIN),
        (Schema::Private, 20_001),
    ] {
        let mut parts = Parts::of(&change.bytes);
        parts.columns.clear();
        let run = |value: u8| {
            let mut column = Vec::new();
            sleb(rows, &mut column);
            column.push(value);
            column
        };
        let mut key = Vec::new();
        sleb(rows, &mut key);
        key.extend([1, b'a']);
        *parts.column(0x15) = key;
        let mut insert = Vec::new();
        leb(rows.unsigned_abs(), &mut insert);
        *parts.column(0x34) = insert;
        *parts.column(0x42) = run(1);
        *parts.column(0x56) = run(0);
        *parts.column(0x70) = run(0);
        let bytes = parts.bytes();
        assert!(bytes.len() < 1104);
        let start = Instant::now();
        assert_eq!(
            safety::check(&bytes, schema).unwrap_err(),
            Unsafe::TooManyOperations
        );
        assert!(start.elapsed() < Duration::from_millis(50));
        if rows == 1_000_001 {
            // This is no straw man: the library itself takes it for a million operations.
            let parsed = automerge::Change::from_bytes(bytes).unwrap();
            assert_eq!(parsed.len(), 1_000_001);
        }
    }
}

#[test]
fn no_other_column_inflates_either() {
    let change = book(&mut week(), ANN, 1, "2026-03-03T09:00");
    // Every column but the values' bytes becomes a run of a million.
    for spec in [
        0x01, 0x02, 0x11, 0x13, 0x15, 0x34, 0x56, 0x70, 0x71, 0x73, 0x94, 0xa5,
    ] {
        for null in [false, true] {
            let mut parts = Parts::of(&change.bytes);
            let mut column = Vec::new();
            match spec {
                0x34 | 0x94 => leb(1_000_000, &mut column),
                _ if null => {
                    column.push(0);
                    leb(1_000_000, &mut column);
                }
                _ => {
                    sleb(1_000_000, &mut column);
                    column.extend([1, b'a']);
                    column.truncate(if matches!(spec, 0x15 | 0xa5) { 5 } else { 4 });
                }
            }
            *parts.column(spec) = column;
            let start = Instant::now();
            let refused = safety::check(&parts.bytes(), Schema::Private).unwrap_err();
            assert!(
                matches!(refused, Unsafe::Malformed(_)),
                "{spec:#x} {refused:?}"
            );
            assert!(start.elapsed() < Duration::from_millis(50));
        }
    }
    // A few operations with a million predecessors.
    let mut parts = Parts::of(&change.bytes);
    let mut counts = Vec::new();
    sleb(2, &mut counts);
    leb(500_000, &mut counts);
    *parts.column(0x70) = counts;
    let refused = safety::check(&parts.bytes(), Schema::Private).unwrap_err();
    assert_eq!(refused, Unsafe::TooManyOperations);
    // Twenty thousand operations on one long key: 20 MB out of 1 KB.
    let mut parts = Parts::of(&change.bytes);
    let mut long = Vec::new();
    sleb(20_000, &mut long);
    leb(1000, &mut long);
    long.extend([b'a'; 1000]);
    let mut insert = Vec::new();
    leb(20_000, &mut insert);
    parts.columns.clear();
    *parts.column(0x15) = long;
    *parts.column(0x34) = insert;
    for (spec, value) in [(0x42, 1), (0x56, 0), (0x70, 0)] {
        let mut column = Vec::new();
        sleb(20_000, &mut column);
        column.push(value);
        *parts.column(spec) = column;
    }
    assert_eq!(
        safety::check(&parts.bytes(), Schema::Private).unwrap_err(),
        Unsafe::TooLarge
    );
}

#[test]
fn compressed_chunks_and_columns_are_refused() {
    let mut doc = raw(&week(), EVE);
    let text = "a".repeat(195_000);
    let bytes = written(&mut doc, at_zero(), |tx| {
        tx.put(ROOT, "x", text.as_str()).unwrap();
    });
    let compressed = doc.get_last_local_change().unwrap().bytes().into_owned();
    assert!(compressed.len() < 2000);
    assert_eq!(
        safety::check(&compressed, Schema::Private).unwrap_err(),
        Unsafe::Compressed
    );
    assert_eq!(
        safety::check(&bytes, Schema::Private).unwrap_err(),
        Unsafe::TooLarge
    );

    let change = book(&mut week(), ANN, 1, "2026-03-03T09:00");
    let mut parts = Parts::of(&change.bytes);
    parts
        .columns
        .iter_mut()
        .find(|(spec, _)| *spec == 0x57)
        .unwrap()
        .0 |= 8;
    assert_eq!(check(&parts.bytes()).unwrap_err(), Unsafe::Compressed);
    assert_eq!(
        check(&frame(0, body(&change.bytes))).unwrap_err(),
        Unsafe::NotAChange
    );
    assert_eq!(check(&week().save()).unwrap_err(), Unsafe::NotAChange);
}

#[test]
fn free_text_is_refused_wherever_it_hides() {
    let base = week();
    let object = |doc: &Automerge, name: &str| doc.get(ROOT, name).unwrap().unwrap().1;
    let refuse = |expected: Unsafe,
                  options: CommitOptions,
                  place: &str,
                  key: &str,
                  value: automerge::ScalarValue| {
        let mut doc = raw(&base, EVE);
        let container = object(&doc, place);
        let bytes = written(&mut doc, options, |tx| {
            tx.put(&container, key, value).unwrap();
        });
        assert_eq!(check(&bytes).unwrap_err(), expected, "{place} {key}");
    };
    refuse(
        Unsafe::FreeText,
        at_zero(),
        "claims",
        HEX,
        "Rex bites".into(),
    );
    refuse(
        Unsafe::FreeText,
        at_zero(),
        "claims",
        "Rex bites",
        3_u64.into(),
    );
    refuse(
        Unsafe::FreeText,
        at_zero(),
        "claims",
        &HEX.to_uppercase(),
        3_u64.into(),
    );
    refuse(
        Unsafe::FreeText,
        at_zero(),
        "zones",
        "Rex bites",
        1_u64.into(),
    );
    refuse(
        Unsafe::ForeignOperation,
        at_zero(),
        "zones",
        HEX,
        1_u64.into(),
    );
    refuse(
        Unsafe::ForeignOperation,
        at_zero(),
        "claims",
        HEX,
        (-3_i64).into(),
    );
    refuse(
        Unsafe::ForeignOperation,
        at_zero(),
        "claims",
        HEX,
        b"Rex".to_vec().into(),
    );
    refuse(
        Unsafe::ForeignOperation,
        at_zero(),
        "placements",
        HEX,
        vec![0; 3000].into(),
    );
    refuse(
        Unsafe::Annotated,
        at_zero().with_message("Rex bites"),
        "claims",
        HEX,
        3_u64.into(),
    );
    refuse(
        Unsafe::Annotated,
        CommitOptions::default().with_time(1),
        "claims",
        HEX,
        3_u64.into(),
    );

    let mut doc = raw(&base, EVE);
    let bytes = written(&mut doc, at_zero(), |tx| tx.put(ROOT, HEX, 3_u64).unwrap());
    assert_eq!(check(&bytes).unwrap_err(), Unsafe::ForeignOperation);
    // A sealed document may have all of these.
    assert!(safety::check(&bytes, Schema::Private).is_ok());
    let mut doc = raw(&base, EVE);
    let claims = object(&doc, "claims");
    let bytes = written(&mut doc, at_zero(), |tx| {
        tx.put_object(&claims, HEX, ObjType::Text).unwrap();
    });
    assert_eq!(check(&bytes).unwrap_err(), Unsafe::ForeignOperation);

    // Deleting is no act of ours.
    let mut a = week();
    book(&mut a, ANN, 1, "2026-03-03T09:00");
    let mut doc = raw(&a, EVE);
    let placements = object(&doc, "placements");
    let key = doc.keys(&placements).next().unwrap();
    let bytes = written(&mut doc, at_zero(), |tx| {
        tx.delete(&placements, key).unwrap();
    });
    assert_eq!(check(&bytes).unwrap_err(), Unsafe::ForeignOperation);
}

#[test]
fn what_no_rule_knows_is_kept_listed_and_not_shown() {
    let mut a = week();
    book(&mut a, ANN, 1, "2026-03-03T09:00");
    let mut doc = raw(&a, EVE);
    let placements = doc.get(ROOT, "placements").unwrap().unwrap().1;
    let states = doc.get(ROOT, "states").unwrap().unwrap().1;
    let decisions = doc.get(ROOT, "decisions").unwrap().unwrap().1;
    let key = doc.keys(&placements).next().unwrap();
    let bytes = written(&mut doc, at_zero(), |tx| {
        tx.put(&placements, HEX, b"no placement".to_vec()).unwrap();
        tx.put(&states, &key, 77_u64).unwrap();
        tx.put(&decisions, HEX, vec![1, 2, 3]).unwrap();
    });
    a.receive(&[check(&bytes).unwrap()]).unwrap();
    assert_eq!(a.claims().len(), 1);
    assert_eq!(a.claims()[0].state(), ClaimState::Booked);
    assert!(a.decisions().is_empty());
    assert_eq!(a.violations().len(), 5, "{:?}", a.violations());
    // The week goes on.
    book(&mut a, ANN, 2, "2026-03-03T10:00");
    assert_eq!(a.claims().len(), 2);
    a.set_state(ANN, id(1), ClaimState::Cancelled)
        .unwrap()
        .unwrap();
    assert_eq!(a.claim(id(1)).unwrap().state(), ClaimState::Cancelled);
}

#[test]
fn one_flipped_bit_never_passes() {
    let (mut a, mut refused) = (week(), 0);
    for number in 0..12 {
        let change = book(&mut a, ANN, number, "2026-03-03T09:00");
        for bit in 0..change.bytes.len() * 8 {
            let mut bytes = change.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(check(&bytes).is_err(), "bit {bit}");
            refused += 1;
        }
        for cut in 0..change.bytes.len() {
            assert!(check(&change.bytes[..cut]).is_err(), "cut {cut}");
        }
        let mut longer = change.bytes.clone();
        longer.push(0);
        assert!(check(&longer).is_err());
        let mut twice = change.bytes.clone();
        twice.extend(&change.bytes);
        assert!(check(&twice).is_err());
        let mut parts = Parts::of(&change.bytes);
        parts.trailing = b"Rex bites".to_vec();
        assert_eq!(check(&parts.bytes()).unwrap_err(), Unsafe::TrailingBytes);
    }
    assert!(refused > 20_000, "{refused}");
}

#[test]
fn a_restored_disk_that_reuses_its_numbers_poisons_nothing() {
    let mut a = week();
    book(&mut a, ANN, 1, "2026-03-03T09:00");
    let mut restored = week();
    let other = book(&mut restored, ANN, 2, "2026-03-03T10:00");
    let heads = a.heads();
    let refused = a.receive(&[checked(&other)]).unwrap_err();
    assert_eq!(
        refused,
        HostileChange::DuplicateSequence {
            change: other.hash,
            seq: 1
        }
    );
    assert_eq!(a.heads(), heads);
    // What follows is not hung up, and what builds on the twin waits.
    let after = book(&mut restored, BOB, 3, "2026-03-03T11:00");
    assert_eq!(a.receive(&[checked(&after)]).unwrap().waiting, [after.hash]);
    let mut honest = week();
    let fine = book(&mut honest, BOB, 4, "2026-03-03T12:00");
    assert_eq!(a.receive(&[checked(&fine)]).unwrap().applied, [fine.hash]);
    book(&mut a, ANN, 5, "2026-03-03T13:00");
    assert_eq!(a.claims().len(), 3);
    assert_eq!(Week::load(&a.save()).unwrap().heads(), a.heads());
}

#[test]
fn counters_and_predecessors_out_of_thin_air_are_refused() {
    let mut a = week();
    let booked = book(&mut a, ANN, 1, "2026-03-03T09:00");
    let mut b = a.clone();
    let moved = b
        .move_to(BOB, id(1), &placed("2026-03-03T10:00", 30, 1, 9))
        .unwrap()
        .unwrap();
    let mut c = a.clone();
    let other = c
        .move_to(EVE, id(1), &placed("2026-03-03T11:00", 30, 1, 9))
        .unwrap()
        .unwrap();
    let heads = a.heads();
    let mut refuse = |parts: Parts, expected: fn([u8; 32]) -> HostileChange| {
        let change = check(&parts.bytes()).unwrap();
        assert_eq!(
            a.receive(std::slice::from_ref(&change)).unwrap_err(),
            expected(change.hash())
        );
        assert_eq!(a.heads(), heads);
    };
    // Counters far ahead would leave no room for anybody's next change.
    let mut ahead = Parts::of(&moved.bytes);
    ahead.start_op = 2_000_000_000;
    refuse(ahead, |change| HostileChange::Counters { change });
    let mut back = Parts::of(&moved.bytes);
    back.start_op -= 1;
    refuse(back, |change| HostileChange::Counters { change });
    let mut gap = Parts::of(&moved.bytes);
    gap.seq = 2;
    refuse(gap, |change| HostileChange::Counters { change });
    // Overwriting an operation that is not there, or a container that is not ours.
    let mut thin_air = Parts::of(&moved.bytes);
    let column = thin_air.column(0x73);
    *column.last_mut().unwrap() -= 1;
    refuse(thin_air, |change| HostileChange::Unseen { change });
    let mut foreign = Parts::of(&moved.bytes);
    for other in &mut foreign.others {
        if other[..] != ANN {
            // Nobody's, in the same place of the sorted list.
            *other.last_mut().unwrap() ^= 1;
        }
    }
    refuse(foreign, |change| HostileChange::Unseen { change });

    // Overwriting what its parents do not hold, though it is here by now.
    a.receive(&[checked(&other)]).unwrap();
    let mut knows = a.clone();
    let settled = knows.move_to(BOB, id(1), &placed("2026-03-03T12:00", 30, 1, 9));
    let mut parts = Parts::of(&settled.unwrap().unwrap().bytes);
    parts.dependencies = vec![booked.hash];
    parts.start_op = Parts::of(&moved.bytes).start_op;
    if let Ok(change) = check(&parts.bytes()) {
        let refused = a.receive(std::slice::from_ref(&change)).unwrap_err();
        assert_eq!(
            refused,
            HostileChange::Unseen {
                change: change.hash()
            }
        );
    } else {
        panic!("the chunk itself is well formed");
    }
    // And a change checked for another document does not go in.
    let private = safety::check(&moved.bytes, Schema::Private).unwrap();
    assert!(matches!(
        a.receive(&[private]),
        Err(HostileChange::WrongSchema { .. })
    ));
}

#[test]
fn a_bad_change_in_a_batch_leaves_the_week_as_it_was() {
    let mut a = week();
    book(&mut a, ANN, 1, "2026-03-03T09:00");
    let mut b = a.clone();
    let good = book(&mut b, BOB, 2, "2026-03-03T10:00");
    let next = book(&mut b, BOB, 3, "2026-03-03T11:00");
    let mut bad = Parts::of(&next.bytes);
    bad.start_op += 1;
    let heads = a.heads();
    let bad = check(&bad.bytes()).unwrap();
    a.receive(&[checked(&good), bad]).unwrap_err();
    assert_eq!(a.heads(), heads);
    a.receive(&[checked(&good), checked(&next)]).unwrap();
    assert_eq!(a.heads(), b.heads());
}

#[test]
fn a_sealed_document_takes_what_it_needs_and_no_jumps() {
    let mut doc = Automerge::new().with_actor(ActorId::from(&ANN[..]));
    let first = written(&mut doc, at_zero().with_message("new"), |tx| {
        tx.put(ROOT, "name", "Rex").unwrap();
        let list = tx.put_object(ROOT, "visits", ObjType::List).unwrap();
        tx.insert(&list, 0, 4_i64).unwrap();
        let text = tx.put_object(ROOT, "note", ObjType::Text).unwrap();
        tx.splice_text(&text, 0, 0, "bites when touched at the left ear")
            .unwrap();
    });
    let second = written(&mut doc, at_zero(), |tx| {
        tx.delete(ROOT, "name").unwrap();
    });
    let check = |bytes: &[u8]| safety::check(bytes, Schema::Private).unwrap();
    let mut other = Automerge::new();
    let received = safety::apply(&mut other, &[check(&second)]).unwrap();
    assert_eq!(received.waiting.len(), 1);
    let received = safety::apply(&mut other, &[check(&second), check(&first)]).unwrap();
    assert_eq!((received.applied.len(), received.waiting.len()), (2, 0));
    assert_eq!(other.get_heads(), doc.get_heads());
    let mut ahead = Parts::of(&second);
    ahead.start_op = 1_000_000_000;
    ahead.actor = EVE.to_vec();
    ahead.seq = 1;
    ahead.others = vec![ANN.to_vec()];
    if let Ok(ahead) = safety::check(&ahead.bytes(), Schema::Private) {
        assert!(matches!(
            safety::apply(&mut other, &[ahead]),
            Err(HostileChange::Counters { .. })
        ));
    }
    assert_eq!(other.get_heads(), doc.get_heads());
}

#[test]
fn a_sealed_document_takes_no_change_that_overwrites_the_unseen() {
    let mut ann = Automerge::new().with_actor(ActorId::from(&ANN[..]));
    let first = written(&mut ann, at_zero(), |tx| {
        tx.put(ROOT, "name", "Rex").unwrap();
        tx.put(ROOT, "race", "Collie").unwrap();
    });
    let mut bob = ann.clone().with_actor(ActorId::from(&BOB[..]));
    let crossing = written(&mut ann, at_zero(), |tx| {
        tx.put(ROOT, "name", "Max").unwrap();
    });
    let edit = written(&mut bob, at_zero(), |tx| {
        tx.put(ROOT, "name", "Tim").unwrap();
    });
    let check = |bytes: &[u8]| safety::check(bytes, Schema::Private).unwrap();
    // As if it had overwritten Ann's second change, which is no parent of it.
    let mut forged = Parts::of(&edit);
    let mut counter = Vec::new();
    sleb(-1, &mut counter);
    sleb(3, &mut counter);
    *forged.column(0x73) = counter;
    let forged = check(&forged.bytes());
    let expected = Err(HostileChange::Unseen {
        change: forged.hash(),
    });
    // The same answer whether or not the other change is already here.
    for before in [vec![check(&first)], vec![check(&first), check(&crossing)]] {
        let mut doc = Automerge::new();
        safety::apply(&mut doc, &before).unwrap();
        assert_eq!(
            safety::apply(&mut doc, std::slice::from_ref(&forged)),
            expected
        );
        safety::apply(&mut doc, &[check(&edit)]).unwrap();
    }
}
