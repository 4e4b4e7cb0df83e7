//! Accidents: lost power, dying processes, full disks, failing syncs, damage. Nothing acknowledged may
//! be lost without a word, and nothing wrong may be read as right.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::collections::BTreeSet;

use entry_log::{
    AppendError, Damage, DirStorage, Fault, Faults, Faulty, Index, Log, MemoryStorage, OpenError,
    Options, ReadError, Recovery, Storage,
};
use proptest::prelude::*;

const SMALL: Options = Options {
    segment_bytes: 900,
    max_record: 4000,
};

fn head(i: u64) -> Vec<u8> {
    format!("head {i}").into_bytes()
}

fn body(i: u64) -> Vec<u8> {
    vec![u8::try_from(i % 251).unwrap(); usize::try_from(i * 37 % 90 + 1).unwrap()]
}

/// A small generator, so that a failing seed is a number in the message.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % n
    }
}

/// What the caller of a log was promised.
#[derive(Default)]
struct Promised {
    records: u64,
    purged: BTreeSet<u64>,
    /// Asked for, and not known whether done.
    purging: BTreeSet<u64>,
}

/// The records are the promised ones, perhaps followed by more that were appended.
#[track_caller]
fn check<S: Storage>(log: &Log<S>, promised: &Promised, context: &str) {
    assert!(
        log.len() >= promised.records,
        "{context}: {} of {}",
        log.len(),
        promised.records
    );
    assert_eq!(log.synced_len(), log.len(), "{context}");
    for i in 0..log.len() {
        let record = log
            .get(Index(i))
            .unwrap_or_else(|error| panic!("{context}: {i}: {error}"));
        assert_eq!(record.head, head(i), "{context}");
        if let Some(found) = record.body {
            assert_eq!(found, body(i), "{context}");
            assert!(!promised.purged.contains(&i), "{context}: {i} is back");
        } else {
            let known = promised.purged.contains(&i) || promised.purging.contains(&i);
            assert!(known, "{context}: {i} was never purged");
        }
    }
    assert_eq!(log.verify().unwrap().damage, vec![], "{context}");
}

/// A day of a log, until the storage fails: appends in groups, purges, and openings.
fn work<S: Storage>(storage: impl Fn() -> S, promised: &mut Promised) -> Option<()> {
    for round in 0..4 {
        let (mut log, _) = Log::open(storage(), SMALL).ok()?;
        for _ in 0..3 {
            for _ in 0..4 {
                let i = log.len();
                log.append(&head(i), &body(i)).ok()?;
            }
            log.sync().ok()?;
            promised.records = log.synced_len();
        }
        promised.purging.extend([round, log.len() - 1]);
        log.purge(&[Index(round), Index(log.len() - 1)]).ok()?;
        let done = std::mem::take(&mut promised.purging);
        promised.purged.extend(done);
    }
    Some(())
}

/// How many changes to the files the whole of [`work`] makes.
fn changes_of_work() -> u64 {
    let disk = MemoryStorage::new();
    let faults = Faults::default();
    let done = work(
        || Faulty::steered(disk.clone(), &faults),
        &mut Promised::default(),
    );
    assert!(done.is_some());
    faults.changes()
}

#[test]
fn power_cut_at_every_change_loses_nothing_acknowledged() {
    let (mut torn, mut more) = (0, 0);
    for at in 0..changes_of_work() {
        for seed in 0..12 {
            let context = format!("power cut at change {at}, seed {seed}");
            let disk = MemoryStorage::new();
            let faults = Faults::default();
            faults.halt_after(at);
            let mut promised = Promised::default();
            let done = work(|| Faulty::steered(disk.clone(), &faults), &mut promised);
            assert!(done.is_none(), "{context}");
            let mut chance = Chance(at << 8 | seed);
            disk.power_cut(|n| chance.below(n));

            let (mut log, recovery) = Log::open(disk.clone(), SMALL).unwrap();
            assert!(
                !matches!(recovery, Recovery::Damaged(_)),
                "{context}: {recovery:?}"
            );
            torn += u32::from(matches!(
                recovery,
                Recovery::TornTail { cut_bytes: 1.., .. }
            ));
            more += u32::from(log.len() > promised.records);
            check(&log, &promised, &context);

            // What opening kept is a promise too, and the log goes on.
            promised.records = log.len() + 1;
            log.append(&head(log.len()), &body(log.len())).unwrap();
            log.sync().unwrap();
            drop(log);
            disk.power_cut(|_| 0);
            let (log, recovery) = Log::open(disk, SMALL).unwrap();
            assert_eq!(recovery, Recovery::Clean, "{context}");
            check(&log, &promised, &context);
        }
    }
    // The test would be worth little if the interesting cases never came up.
    assert!(
        torn > 50 && more > 50,
        "{torn} torn, {more} with more than was promised"
    );
}

#[test]
fn process_that_dies_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    // Every change is met in memory above; here each kind of change is, for real syncs are slow.
    for at in (0..changes_of_work()).step_by(5) {
        let context = format!("death at change {at}");
        let open = || DirStorage::open(folder.path().join(at.to_string())).unwrap();
        let faults = Faults::default();
        faults.halt_after(at);
        let mut promised = Promised::default();
        let done = work(|| Faulty::steered(open(), &faults), &mut promised);
        assert!(done.is_none(), "{context}");
        let (log, recovery) = Log::open(open(), SMALL).unwrap();
        assert!(
            !matches!(recovery, Recovery::Damaged(_)),
            "{context}: {recovery:?}"
        );
        check(&log, &promised, &context);
    }
}

#[test]
fn seeded_accidents_lose_nothing_acknowledged() {
    for seed in 0..400 {
        let mut chance = Chance(seed);
        let disk = MemoryStorage::new();
        let mut promised = Promised::default();
        for life in 0..6 {
            let context = format!("seed {seed}, life {life}");
            let (faulty, faults) = Faulty::new(disk.clone());
            let options = Options {
                segment_bytes: 200 + u32::try_from(chance.below(2000)).unwrap(),
                max_record: 4000,
            };
            let (mut log, recovery) = Log::open(faulty, options).unwrap();
            assert!(
                !matches!(recovery, Recovery::Damaged(_)),
                "{context}: {recovery:?}"
            );
            check(&log, &promised, &context);
            promised.records = log.len();
            for _ in 0..chance.below(40) {
                let i = log.len();
                let stop = match chance.below(20) {
                    0 => {
                        faults.disk_full_after(chance.below(600));
                        false
                    }
                    1 => {
                        faults.heal();
                        false
                    }
                    2 => {
                        faults.fail_syncs_after(chance.below(4));
                        false
                    }
                    3 if i > 0 => {
                        let index = chance.below(i);
                        promised.purging.insert(index);
                        let purged = log.purge(&[Index(index)]).is_ok();
                        if purged {
                            promised.purging.remove(&index);
                            promised.purged.insert(index);
                        }
                        promised.records = promised.records.max(log.synced_len());
                        log.is_poisoned()
                    }
                    4..8 => {
                        let synced = log.sync().is_ok();
                        promised.records = promised.records.max(log.synced_len());
                        assert!(!synced || log.synced_len() == log.len(), "{context}");
                        log.is_poisoned()
                    }
                    _ => match log.append(&head(i), &body(i)) {
                        Ok(index) => {
                            assert_eq!(index, Index(i), "{context}");
                            false
                        }
                        Err(AppendError::DiskFull(_)) => false,
                        Err(_) => true,
                    },
                };
                if stop {
                    disk.forget_unsynced();
                    break;
                }
            }
            if chance.below(3) > 0 {
                disk.power_cut(|n| chance.below(n));
            }
        }
    }
}

/// After a failed sync the page cache shows what the disk never got. Opening must not believe it.
#[test]
fn what_a_failed_sync_left_in_the_cache_is_written_again() {
    for segment_bytes in [1, 900, 1 << 20] {
        let options = Options {
            segment_bytes,
            max_record: 4000,
        };
        let disk = MemoryStorage::new();
        let (faulty, faults) = Faulty::new(disk.clone());
        let (mut log, _) = Log::open(faulty, options).unwrap();
        for i in 0..3 {
            log.append(&head(i), &body(i)).unwrap();
        }
        log.sync().unwrap();
        log.append(&head(3), &body(3)).unwrap();
        faults.fail_syncs_after(0);
        assert!(log.sync().is_err());
        disk.forget_unsynced();
        drop(log);
        let (log, recovery) = Log::open(disk.clone(), options).unwrap();
        assert_eq!(
            recovery,
            Recovery::TornTail {
                kept: 1,
                cut_bytes: 0
            }
        );
        assert_eq!(log.synced_len(), 4);
        disk.power_cut(|_| 0);
        let (log, recovery) = Log::open(disk, options).unwrap();
        assert_eq!(recovery, Recovery::Clean);
        check(
            &log,
            &Promised {
                records: 4,
                ..Promised::default()
            },
            "after the power cut",
        );
    }
}

/// Fourteen records in several segments, two of them purged, all acknowledged.
fn small_log<S: Storage>(storage: S) -> (Vec<String>, [u8; 32]) {
    let (mut log, _) = Log::open(storage, SMALL).unwrap();
    for i in 0..14 {
        log.append(&head(i), &body(i)).unwrap();
        log.sync().unwrap();
    }
    log.purge(&[Index(2), Index(13)]).unwrap();
    let chain = log.chain();
    let mut names = log.into_storage().list().unwrap();
    names.sort();
    assert!(
        names.iter().filter(|name| is(name, "idx")).count() >= 2,
        "{names:?}"
    );
    (names, chain)
}

/// Which kind of file this is.
fn is(name: &str, kind: &str) -> bool {
    name.split_once('.')
        .is_some_and(|(_, ending)| ending == kind)
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Harmless,
    /// Found when opening.
    Opening(Damage),
    /// Found when reading.
    Reading(Damage),
}

/// Opens a log with something wrong. Whatever it gives must be right.
#[track_caller]
fn inspect<S: Storage>(storage: S, chain: [u8; 32], context: &str) -> Outcome {
    let (mut log, recovery) = Log::open(storage, SMALL).unwrap();
    let mut found = None;
    for i in 0..log.len() {
        match log.get(Index(i)) {
            Ok(record) => {
                assert_eq!(record.head, head(i), "{context}");
                let purged = i == 2 || i == 13;
                assert_eq!(record.body, (!purged).then(|| body(i)), "{context}");
            }
            Err(ReadError::Damaged(damage)) => {
                assert_eq!(damage.record, Some(Index(i)), "{context}");
                found = Some(damage);
            }
            Err(error) => panic!("{context}: {error}"),
        }
    }
    let scanned = log.scan(Index(0)).flatten().count() as u64;
    let read = (0..log.len())
        .filter(|i| log.get(Index(*i)).is_ok())
        .count() as u64;
    assert_eq!(scanned, read, "{context}: scan and get differ");
    let report = log.verify().unwrap();
    if let Recovery::Damaged(damage) = recovery {
        assert_eq!(log.damage(), Some(&damage), "{context}");
        assert!(
            matches!(log.append(b"", b""), Err(AppendError::ReadOnly(_))),
            "{context}"
        );
        return Outcome::Opening(damage);
    }
    assert_eq!(
        (log.len(), log.chain()),
        (14, chain),
        "{context}: shorter without a word"
    );
    assert_eq!(
        found.is_some(),
        !report.damage.is_empty(),
        "{context}: {report:?}"
    );
    found.map_or(Outcome::Harmless, Outcome::Reading)
}

fn flip(storage: &mut impl Storage, name: &str, at: u64, bit: u32) {
    let byte = storage.read(name, at, 1).unwrap()[0] ^ (1 << bit);
    storage.write_at(name, at, &[byte]).unwrap();
    storage.sync(name).unwrap();
}

#[test]
fn every_flipped_bit_is_found_or_harmless() {
    let disk = MemoryStorage::new();
    let (names, chain) = small_log(disk.clone());
    let (mut opening, mut reading) = (0, 0);
    for name in &names {
        for at in 0..disk.len(name).unwrap() {
            // One bit in each byte between the head's slots, where nothing is kept.
            let gap = name == "head" && (72..4096).contains(&at);
            for bit in 0..if gap { 1 } else { 8 } {
                let context = format!("{name} byte {at} bit {bit}");
                let mut copy = disk.copy();
                flip(&mut copy, name, at, bit);
                match inspect(copy, chain, &context) {
                    Outcome::Harmless => assert!(!is(name, "seg"), "{context}: not found"),
                    Outcome::Opening(damage) => {
                        assert_eq!(&damage.file, name, "{context}");
                        assert!(damage.offset <= at, "{context}: {damage}");
                        assert_ne!(damage.fault, Fault::Missing, "{context}: all is there");
                        opening += 1;
                    }
                    Outcome::Reading(damage) => {
                        assert_eq!(&damage.file, name, "{context}");
                        assert!(damage.offset <= at, "{context}: {damage}");
                        reading += 1;
                    }
                }
            }
        }
    }
    assert!(
        opening > 1000 && reading > 1000,
        "{opening} when opening, {reading} when reading"
    );
}

/// A torn head slot takes back one promise, not all of them.
#[test]
fn torn_slot_leaves_the_promise_before_it() {
    for slot in [0, 4096] {
        let mut disk = MemoryStorage::new();
        let (mut log, _) = Log::open(disk.clone(), Options::default()).unwrap();
        for i in 0..6 {
            log.append(&head(i), &body(i)).unwrap();
            log.sync().unwrap();
        }
        drop(log);
        flip(&mut disk, "head", slot + 20, 0);
        let copy = disk.copy();
        let (log, recovery) = Log::open(copy, Options::default()).unwrap();
        assert!(matches!(
            recovery,
            Recovery::Clean
                | Recovery::TornTail {
                    kept: 1,
                    cut_bytes: 0
                }
        ));
        assert_eq!(log.synced_len(), 6);
        // The fifth record is promised by either slot.
        let name = "00000000000000000000.seg";
        let start = (0..4).fold(64, |at, i| {
            at + 121 + (head(i).len() + body(i).len()) as u64
        });
        flip(&mut disk, name, start + 3, 0);
        match Log::open(disk, Options::default()).unwrap().1 {
            Recovery::Damaged(damage) => {
                assert_eq!((damage.file.as_str(), damage.offset), (name, start));
                assert_eq!(
                    (damage.record, damage.fault),
                    (Some(Index(4)), Fault::Frame)
                );
            }
            other @ (Recovery::Clean | Recovery::TornTail { .. }) => {
                panic!("slot {slot}: {other:?}")
            }
        }
    }
}

#[test]
fn flipped_bits_in_a_folder_are_found_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let (names, chain) = small_log(DirStorage::open(folder.path()).unwrap());
    let mut chance = Chance(7);
    for round in 0..60 {
        let mut disk = DirStorage::open(folder.path()).unwrap();
        let name = &names[round % names.len()];
        let at = chance.below(disk.len(name).unwrap());
        let bit = u32::try_from(chance.below(8)).unwrap();
        let context = format!("{name} byte {at} bit {bit}");
        let whole = std::fs::read(folder.path().join(name)).unwrap();
        flip(&mut disk, name, at, bit);
        let outcome = inspect(disk, chain, &context);
        assert!(
            outcome != Outcome::Harmless || !is(name, "seg"),
            "{context}: not found"
        );
        if is(name, "seg") {
            std::fs::write(folder.path().join(name), whole).unwrap();
        }
    }
    let outcome = inspect(DirStorage::open(folder.path()).unwrap(), chain, "put right");
    assert_eq!(outcome, Outcome::Harmless);
}

#[test]
fn every_truncation_is_found_or_harmless() {
    let disk = MemoryStorage::new();
    let (names, chain) = small_log(disk.clone());
    for name in &names {
        for len in 0..disk.len(name).unwrap() {
            let context = format!("{name} cut to {len}");
            let mut copy = disk.copy();
            copy.truncate(name, len).unwrap();
            copy.sync(name).unwrap();
            let outcome = inspect(copy, chain, &context);
            if is(name, "seg") {
                let Outcome::Opening(damage) = outcome else {
                    panic!("{context}: {outcome:?}")
                };
                assert_eq!(&damage.file, name, "{context}");
            } else if name == "head" && len < 72 {
                let Outcome::Opening(damage) = outcome else {
                    panic!("{context}: {outcome:?}")
                };
                assert_eq!(
                    (damage.file.as_str(), damage.fault),
                    ("head", Fault::HeadLost)
                );
            } else {
                assert_eq!(outcome, Outcome::Harmless, "{context}");
            }
        }
        let context = format!("{name} gone");
        let mut copy = disk.copy();
        copy.remove(name).unwrap();
        match inspect(copy, chain, &context) {
            Outcome::Opening(damage) => assert_eq!(&damage.file, name, "{context}"),
            outcome @ (Outcome::Harmless | Outcome::Reading(_)) => {
                assert!(outcome == Outcome::Harmless && is(name, "idx"), "{context}");
            }
        }
    }
}

#[test]
fn what_is_behind_the_promise_is_cut() {
    let disk = MemoryStorage::new();
    let (names, chain) = small_log(disk.clone());
    let last = names.iter().rfind(|name| is(name, "seg")).unwrap();
    for garbage in [1, 120, 121, 500] {
        let mut copy = disk.copy();
        copy.append(last, &vec![0xa5; garbage]).unwrap();
        copy.append("00000000000000000014.seg", &vec![0; garbage])
            .unwrap();
        let (log, recovery) = Log::open(copy.clone(), SMALL).unwrap();
        let cut_bytes = 2 * garbage as u64;
        assert_eq!(recovery, Recovery::TornTail { kept: 0, cut_bytes });
        assert_eq!((log.len(), log.chain()), (14, chain));
        assert_eq!(inspect(copy, chain, "cut"), Outcome::Harmless);
    }
}

#[test]
fn newer_versions_are_refused_by_name() {
    let sealed = |magic: &[u8], mut bytes: Vec<u8>| {
        let sum = blake3::Hasher::new()
            .update(magic)
            .update(&bytes)
            .finalize();
        bytes.extend_from_slice(&sum.as_bytes()[..16]);
        bytes
    };
    let disk = MemoryStorage::new();
    let (names, _) = small_log(disk.clone());
    for (name, len) in [("head", 56), (names[3].as_str(), 48)] {
        let mut copy = disk.copy();
        let mut bytes = copy.read(name, 0, len).unwrap();
        let magic = bytes[..7].to_vec();
        assert_eq!(
            sealed(&magic, bytes.clone()),
            copy.read(name, 0, len + 16).unwrap()
        );
        bytes[7] = 3;
        copy.write_at(name, 0, &sealed(&magic, bytes)).unwrap();
        match Log::open(copy, SMALL) {
            Err(OpenError::NewerVersion {
                file,
                got: 3,
                supported: 1,
            }) => assert_eq!(file, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Any bytes in any of the files: no panic, and reading gives right records or errors.
    #[test]
    fn any_bytes_can_be_opened(
        file in 0_usize..8,
        at in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        cut in any::<bool>(),
    ) {
        let mut disk = MemoryStorage::new();
        let (names, chain) = small_log(disk.clone());
        let name = &names[file % names.len()];
        let at = at.index(usize::try_from(disk.len(name).unwrap()).unwrap()) as u64;
        if cut {
            disk.truncate(name, at).unwrap();
        }
        disk.write_at(name, at, &bytes).unwrap();
        let gone = disk.len(name).unwrap() == 0 && name == "head";
        let outcome = inspect(disk, chain, name);
        prop_assert!(!gone || outcome != Outcome::Harmless);
    }
}
