//! Thousands of spoiled changes, drawn from a seed: none gets a panic past the fence, and whatever
//! is let in can be read, saved, loaded and written on.
//!
//! `DAYBOOK_MUTATIONS` sets how many for each kind of document (20,000 unless told otherwise).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

#[path = "common/chunks.rs"]
mod chunks;
mod common;

use automerge::{
    ActorId, Automerge, ObjType, ROOT, ReadDoc as _, ScalarValue,
    marks::{ExpandMark, Mark},
    transaction::Transactable as _,
};
use chunks::{at_zero, spoil, written};
use common::*;
use conflict_rules::{ClaimKind, ClaimState, Source};
use schedule::{HostileChange, Schema, Unsafe, Week, safety};

fn count() -> u64 {
    let told = std::env::var("DAYBOOK_MUTATIONS").ok();
    told.map_or(20_000, |text| {
        text.parse().expect("DAYBOOK_MUTATIONS is a number")
    })
}

#[test]
fn spoiled_schedule_changes_are_refused_or_harmless() {
    schedule::quiet_guarded_panics();
    let mut base = week();
    let mut changes = Vec::new();
    for number in 0..6 {
        let actor = if number % 2 == 0 { ANN } else { BOB };
        changes.push(book(&mut base, actor, number, "2026-03-03T09:00"));
    }
    let start = base.clone();
    let mut left = base.clone();
    let (ten, eleven) = (
        placed("2026-03-03T10:00", 30, 1, 9),
        placed("2026-03-03T11:00", 45, 2, 9),
    );
    changes.extend(left.move_to(ANN, id(1), &ten).unwrap());
    changes.extend(left.set_state(BOB, id(1), ClaimState::Arrived).unwrap());
    let mut right = base.clone();
    changes.extend(right.move_to(EVE, id(1), &eleven).unwrap());
    bring(&left, &mut right);
    changes.extend(right.move_to(EVE, id(1), &ten).unwrap());
    changes.extend(right.point_to(EVE, key().week.prev(), id(9)).unwrap());
    assert_eq!(changes.len(), 11);

    let count = count();
    let (mut refused, mut unfit, mut waiting, mut applied) = (0_u64, 0_u64, 0_u64, 0_u64);
    for seed in 0..count {
        let mut state = seed;
        let mut pick = |limit: u64| splitmix(&mut state) % limit;
        let change = &changes[pick(changes.len() as u64) as usize];
        let bytes = spoil(&change.bytes, &mut pick);
        let Ok(checked) = safety::check(&bytes, Schema::Schedule) else {
            refused += 1;
            continue;
        };
        let mut target = if pick(2) == 0 {
            start.clone()
        } else {
            right.clone()
        };
        let heads = target.heads();
        match target.receive(&[checked]) {
            Err(error) => {
                // Our own rules find every one; the library is never surprised.
                let surprised = matches!(
                    error,
                    HostileChange::Panicked { .. } | HostileChange::Refused { .. }
                );
                assert!(!surprised, "seed {seed}: {error}");
                assert_eq!(target.heads(), heads, "seed {seed}");
                unfit += 1;
            }
            Ok(received) if !received.waiting.is_empty() => waiting += 1,
            Ok(received) => {
                applied += u64::from(!received.applied.is_empty());
                let _ = (target.violations(), target.decisions(), target.pointers());
                let _ = target.crossed();
                let loaded = Week::load(&target.save()).unwrap_or_else(|_| panic!("seed {seed}"));
                assert_eq!(loaded.heads(), target.heads(), "seed {seed}");
                assert_eq!(loaded.claims(), target.claims(), "seed {seed}");
                let nine = placed("2026-03-04T09:00", 30, 1, 9);
                target
                    .book([0x77; 16], id(500), ClaimKind::Visit, Source::Desk, &nine)
                    .unwrap();
            }
        }
    }
    println!(
        "schedule: {count} spoiled, {refused} unsafe, {unfit} unfit, {waiting} wait, {applied} applied"
    );
    assert!(
        refused > count / 2 && unfit > 0 && applied > 0,
        "the mutations must reach all"
    );
}

/// A record with text, lists, marks, counters and concurrent edits, change by change.
fn record() -> (Automerge, Vec<Vec<u8>>) {
    let mut ann = Automerge::new().with_actor(ActorId::from(&ANN[..]));
    let mut changes = Vec::new();
    changes.push(written(&mut ann, at_zero().with_message("new"), |tx| {
        tx.put(ROOT, "name", "Rex").unwrap();
        tx.put(ROOT, "seen", ScalarValue::counter(1)).unwrap();
        let visits = tx.put_object(ROOT, "visits", ObjType::List).unwrap();
        for visit in 0..5_i64 {
            tx.insert(&visits, visit as usize, visit).unwrap();
        }
        let note = tx.put_object(ROOT, "note", ObjType::Text).unwrap();
        tx.splice_text(&note, 0, 0, "bites when touched").unwrap();
    }));
    let mut bob = ann.clone().with_actor(ActorId::from(&BOB[..]));
    for (who, actor) in [(&mut ann, 0_u32), (&mut bob, 1)] {
        let get = |doc: &Automerge, key: &str| doc.get(ROOT, key).unwrap().unwrap().1;
        let (note, visits) = (get(who, "note"), get(who, "visits"));
        changes.push(written(who, at_zero(), |tx| {
            tx.splice_text(&note, 5, 3, " not at all").unwrap();
            tx.delete(&visits, 1).unwrap();
            tx.increment(ROOT, "seen", 2).unwrap();
            tx.put(ROOT, "weight", 4.5 + f64::from(actor)).unwrap();
        }));
        changes.push(written(who, at_zero(), |tx| {
            tx.delete(ROOT, "name").unwrap();
            tx.put_object(ROOT, "pets", ObjType::Map).unwrap();
            let mark = Mark::new("bold".to_owned(), true, 1, 6);
            tx.mark(&note, mark, ExpandMark::Both).unwrap();
            tx.put(&visits, 0, ScalarValue::Timestamp(5)).unwrap();
        }));
    }
    ann.merge(&mut bob).unwrap();
    let note = ann.get(ROOT, "note").unwrap().unwrap().1;
    changes.push(written(&mut ann, at_zero(), |tx| {
        tx.splice_text(&note, 0, 1, "now ").unwrap();
    }));
    (ann, changes)
}

#[test]
fn spoiled_private_changes_are_refused_or_harmless() {
    schedule::quiet_guarded_panics();
    let (whole, changes) = record();
    let checked: Vec<_> = changes
        .iter()
        .map(|bytes| safety::check(bytes, Schema::Private).unwrap())
        .collect();
    let mut fresh = Automerge::new();
    assert_eq!(
        safety::apply(&mut fresh, &checked).unwrap().applied.len(),
        changes.len()
    );
    assert_eq!(fresh.get_heads(), whole.get_heads());

    let count = count();
    let (mut refused, mut unfit, mut waiting, mut applied) = (0_u64, 0_u64, 0_u64, 0_u64);
    let (mut panics, mut spoiled) = (0_u64, Vec::new());
    for seed in 0..count {
        let mut state = seed;
        let mut pick = |limit: u64| splitmix(&mut state) % limit;
        let which = pick(changes.len() as u64) as usize;
        let bytes = spoil(&changes[which], &mut pick);
        let Ok(change) = safety::check(&bytes, Schema::Private) else {
            refused += 1;
            continue;
        };
        let mut target = Automerge::new();
        let before = if pick(2) == 0 { which } else { changes.len() };
        safety::apply(&mut target, &checked[..before]).unwrap();
        let heads = target.get_heads();
        match safety::apply(&mut target, &[change]) {
            Err(error) => {
                panics += u64::from(matches!(error, HostileChange::Panicked { .. }));
                assert_eq!(target.get_heads(), heads, "seed {seed}");
                unfit += 1;
            }
            Ok(received) if !received.waiting.is_empty() => waiting += 1,
            Ok(_) => {
                applied += 1;
                let lives = schedule::guarded(|| {
                    let _ = target.hydrate(None);
                    let loaded = Automerge::load(&target.save()).map(|doc| doc.get_heads());
                    let mut next = target.clone();
                    next.set_actor(ActorId::from([0x77; 16]));
                    written(&mut next, at_zero(), |tx| tx.put(ROOT, "x", 1).unwrap());
                    loaded.ok() == Some(target.get_heads())
                });
                if lives != Ok(true) {
                    spoiled.push((seed, lives));
                }
            }
        }
    }
    println!(
        "private: {count} spoiled, {refused} unsafe, {unfit} unfit ({panics} panics caught), \
         {waiting} wait, {applied} applied, {} of them did harm",
        spoiled.len()
    );
    assert!(
        refused > 0 && unfit > 0 && applied > 0,
        "the mutations must reach all"
    );
    assert!(
        spoiled.is_empty(),
        "{:?}",
        &spoiled[..spoiled.len().min(10)]
    );
    let error = safety::check(&[], Schema::Private).unwrap_err();
    assert_eq!(error, Unsafe::Truncated);
}
