//! What every storage gives a log: the same suite over memory and over a folder.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use entry_log::{
    AppendError, DirStorage, Faulty, Index, Log, MemoryStorage, Options, PurgeError, ReadError,
    Record, Recovery, Storage, SyncError,
};

/// Small segments, so that forty records make several.
const SMALL: Options = Options {
    segment_bytes: 1500,
    max_record: 4000,
};

fn head(i: u64) -> Vec<u8> {
    format!("head {i}").into_bytes()
}

fn body(i: u64) -> Vec<u8> {
    // Lengths from nothing to a few hundred bytes.
    vec![u8::try_from(i % 251).unwrap(); usize::try_from(i * 37 % 300).unwrap()]
}

/// Which kind of file this is.
fn is(name: &str, kind: &str) -> bool {
    name.split_once('.')
        .is_some_and(|(_, ending)| ending == kind)
}

fn fill<S: Storage>(log: &mut Log<S>, range: std::ops::Range<u64>) {
    for i in range {
        assert_eq!(log.append(&head(i), &body(i)).unwrap(), Index(i));
    }
}

#[track_caller]
fn expect<S: Storage>(log: &Log<S>, count: u64) {
    assert_eq!(log.len(), count);
    for i in 0..count {
        let record = Record {
            head: head(i),
            body: Some(body(i)),
        };
        assert_eq!(log.get(Index(i)).unwrap(), record, "record {i}");
    }
}

/// Runs every check over storages that `make` opens; the same name finds the same files.
fn conforms<S: Storage>(make: impl Fn(&str) -> S) {
    keeps_what_was_appended(|| make("keeps"));
    reads_from_anywhere(|| make("reads"));
    reads_far(|| make("far"));
    groups_are_one_promise(|| make("groups"));
    limits_are_told(|| make("limits"));
    sidecars_are_a_cache(|| make("sidecars"));
    purging_keeps_the_chain(|| make("purging"));
    full_disk_is_told_and_survived(|| make("full"));
    a_body_may_be_gone_when_it_comes(|| make("bare"));
    purge_on_a_full_disk_changes_nothing(|| make("full purge"));
    failed_sync_poisons(|| make("poison"));
    files_of_others_are_left_alone(|| make("others"));
}

fn keeps_what_was_appended<S: Storage>(storage: impl Fn() -> S) {
    let (mut log, recovery) = Log::open(storage(), SMALL).unwrap();
    assert_eq!(recovery, Recovery::Clean);
    assert!(log.is_empty());
    let mut chains = vec![log.chain()];
    for round in 0..8 {
        fill(&mut log, round * 5..round * 5 + 5);
        log.sync().unwrap();
        expect(&log, round * 5 + 5);
        let chain = log.chain();
        assert!(!chains.contains(&chain));
        chains.push(chain);
        drop(log);
        let recovery;
        (log, recovery) = Log::open(storage(), SMALL).unwrap();
        assert_eq!(recovery, Recovery::Clean);
        assert_eq!((log.synced_len(), log.chain()), (round * 5 + 5, chain));
        expect(&log, round * 5 + 5);
    }
    let report = log.verify().unwrap();
    assert_eq!(
        (report.intact, report.purged, report.damage),
        (40, 0, vec![])
    );
    assert!(
        storage()
            .list()
            .unwrap()
            .iter()
            .filter(|name| is(name, "seg"))
            .count()
            > 3
    );
}

fn reads_from_anywhere<S: Storage>(storage: impl Fn() -> S) {
    let (mut log, _) = Log::open(storage(), SMALL).unwrap();
    fill(&mut log, 0..40);
    // Also before the sync.
    for from in 0..=41 {
        let found: Vec<_> = log.scan(Index(from)).map(Result::unwrap).collect();
        assert_eq!(found.len() as u64, 40_u64.saturating_sub(from));
        for (place, (index, record)) in (from..).zip(found) {
            assert_eq!(index, Index(place));
            assert_eq!(
                record,
                Record {
                    head: head(place),
                    body: Some(body(place))
                }
            );
        }
    }
    assert!(matches!(
        log.get(Index(40)),
        Err(ReadError::OutOfRange { index: 40, len: 40 })
    ));
}

fn reads_far<S: Storage>(storage: impl Fn() -> S) {
    // More than is read at once, with records of uneven length, one of them longer than that.
    let options = Options {
        segment_bytes: 1 << 20,
        max_record: 1 << 20,
    };
    let (mut log, _) = Log::open(storage(), options).unwrap();
    let body =
        |i: usize| vec![u8::try_from(i % 251).unwrap(); if i == 77 { 400_000 } else { i * 61 }];
    for i in 0..250 {
        log.append(&[7], &body(i)).unwrap();
    }
    log.sync().unwrap();
    for (i, found) in log.scan(Index(0)).enumerate() {
        let (index, record) = found.unwrap();
        assert_eq!((index.0, record.body.unwrap()), (i as u64, body(i)));
    }
    drop(log);
    let (log, recovery) = Log::open(storage(), options).unwrap();
    assert_eq!(
        (log.scan(Index(0)).flatten().count(), recovery),
        (250, Recovery::Clean)
    );
}

fn groups_are_one_promise<S: Storage>(storage: impl Fn() -> S) {
    let (faulty, faults) = Faulty::new(storage());
    let (mut log, _) = Log::open(faulty, Options::default()).unwrap();
    fill(&mut log, 0..64);
    assert_eq!(log.synced_len(), 0);
    let before = faults.changes();
    log.sync().unwrap();
    // The segment's sync, the head and its sync.
    assert_eq!(faults.changes() - before, 3);
    assert_eq!(log.synced_len(), 64);
    log.sync().unwrap();
    assert_eq!(faults.changes() - before, 3, "nothing new, nothing synced");
}

fn limits_are_told<S: Storage>(storage: impl Fn() -> S) {
    let (mut log, _) = Log::open(storage(), SMALL).unwrap();
    log.append(&[1; 2000], &[2; 2000]).unwrap();
    let error = log.append(&[1; 2000], &[2; 2001]).unwrap_err();
    assert!(matches!(
        error,
        AppendError::TooLarge {
            got: 4001,
            max: 4000
        }
    ));
    log.append(&[], &[]).unwrap();
    log.sync().unwrap();
    // A smaller limit is for new records only.
    let options = Options {
        segment_bytes: 1,
        max_record: 10,
    };
    let (log, recovery) = Log::open(storage(), options).unwrap();
    assert_eq!(recovery, Recovery::Clean);
    assert_eq!(log.get(Index(0)).unwrap().head.len(), 2000);
    assert_eq!(
        log.get(Index(1)).unwrap(),
        Record {
            head: vec![],
            body: Some(vec![])
        }
    );
}

fn sidecars_are_a_cache<S: Storage>(storage: impl Fn() -> S) {
    let (mut log, _) = Log::open(storage(), SMALL).unwrap();
    fill(&mut log, 0..40);
    log.sync().unwrap();
    drop(log);
    let sidecars = |disk: &S| {
        let mut names = disk.list().unwrap();
        names.retain(|name| is(name, "idx"));
        names.sort();
        names
    };
    let mut disk = storage();
    let names = sidecars(&disk);
    assert!(names.len() > 3);
    let whole = disk.read(
        &names[1],
        0,
        usize::try_from(disk.len(&names[1]).unwrap()).unwrap(),
    );
    disk.remove(&names[0]).unwrap();
    disk.write_at(&names[1], 60, b"!!!!").unwrap();
    disk.truncate(&names[2], 20).unwrap();
    for name in &names[1..3] {
        disk.sync(name).unwrap();
    }
    drop(disk);
    let (log, recovery) = Log::open(storage(), SMALL).unwrap();
    assert_eq!(recovery, Recovery::Clean);
    expect(&log, 40);
    drop(log);
    let disk = storage();
    assert_eq!(sidecars(&disk), names, "made anew");
    let again = disk.read(
        &names[1],
        0,
        usize::try_from(disk.len(&names[1]).unwrap()).unwrap(),
    );
    assert_eq!(again.unwrap(), whole.unwrap());
}

fn purging_keeps_the_chain<S: Storage>(storage: impl Fn() -> S) {
    let (mut log, _) = Log::open(storage(), SMALL).unwrap();
    fill(&mut log, 0..40);
    let chain = log.chain();
    let before = log.disk_bytes();
    // In sealed segments and in the last one, which is not synced yet.
    let purged = [Index(1), Index(2), Index(20), Index(39)];
    assert_eq!(log.purge(&purged).unwrap(), 4);
    assert_eq!(log.purge(&purged).unwrap(), 0);
    assert!(matches!(
        log.purge(&[Index(40)]),
        Err(PurgeError::OutOfRange { index: 40, len: 40 })
    ));
    let gone: usize = [1, 2, 20, 39].map(|i| body(i).len()).iter().sum();
    assert_eq!(log.disk_bytes(), before - gone as u64);
    let check = |log: &Log<S>, len: u64| {
        for i in 0..len {
            let record = log.get(Index(i)).unwrap();
            assert_eq!(record.head, head(i));
            assert_eq!(record.body, (!purged.contains(&Index(i))).then(|| body(i)));
        }
        let report = log.verify().unwrap();
        assert_eq!(
            (report.intact, report.purged, report.damage),
            (len, 4, vec![])
        );
    };
    assert_eq!((log.chain(), log.synced_len()), (chain, 40));
    check(&log, 40);
    drop(log);
    let (mut log, recovery) = Log::open(storage(), SMALL).unwrap();
    assert_eq!((log.chain(), recovery), (chain, Recovery::Clean));
    check(&log, 40);
    fill(&mut log, 40..60);
    log.sync().unwrap();
    drop(log);
    let (log, _) = Log::open(storage(), SMALL).unwrap();
    check(&log, 60);
    let disk = log.into_storage();
    let needle = body(20);
    for name in disk.list().unwrap() {
        let bytes = disk
            .read(&name, 0, usize::try_from(disk.len(&name).unwrap()).unwrap())
            .unwrap();
        let found = bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!found, "the purged bytes are still in {name}");
    }
}

fn a_body_may_be_gone_when_it_comes<S: Storage>(storage: impl Fn() -> S) {
    let bare = |log: &Log<S>| {
        let record = Record {
            head: head(5),
            body: None,
        };
        assert_eq!(log.get(Index(5)).unwrap(), record);
        assert_eq!(log.len(), 7);
        let report = log.verify().unwrap();
        assert_eq!(
            (report.intact, report.purged, report.damage),
            (7, 1, vec![])
        );
    };
    let (mut log, _) = Log::open(storage(), SMALL).unwrap();
    fill(&mut log, 0..5);
    assert_eq!(log.append_purged(&head(5)).unwrap(), Index(5));
    log.append(&head(6), &body(6)).unwrap();
    log.sync().unwrap();
    bare(&log);
    assert_eq!(log.purge(&[Index(5)]).unwrap(), 0, "there was none");
    drop(log);
    let (log, recovery) = Log::open(storage(), SMALL).unwrap();
    assert_eq!(recovery, Recovery::Clean);
    bare(&log);
}

fn full_disk_is_told_and_survived<S: Storage>(storage: impl Fn() -> S) {
    let mut had_room = 0;
    for space in (0..3000).step_by(61) {
        let (faulty, faults) = Faulty::new(storage());
        let (mut log, recovery) = Log::open(faulty, SMALL).unwrap();
        assert_eq!(recovery, Recovery::Clean);
        let start = log.len();
        faults.disk_full_after(space);
        let mut next = start;
        let error = loop {
            match log.append(&head(next), &body(next)) {
                Ok(index) => assert_eq!(index, Index(next)),
                Err(error) => break error,
            }
            next += 1;
        };
        assert!(matches!(error, AppendError::DiskFull(_)), "{error:?}");
        had_room += u64::from(next > start);
        // What fitted can be synced, and more fits when there is room.
        log.sync().unwrap();
        expect(&log, next);
        assert!(matches!(
            log.append(&head(next), &[0; 3000]),
            Err(AppendError::DiskFull(_))
        ));
        faults.heal();
        fill(&mut log, next..next + 2);
        log.sync().unwrap();
        expect(&log, next + 2);
        assert_eq!(log.verify().unwrap().damage, vec![]);
    }
    assert!(had_room > 20, "{had_room}");
}

fn purge_on_a_full_disk_changes_nothing<S: Storage>(storage: impl Fn() -> S) {
    let (faulty, faults) = Faulty::new(storage());
    let (mut log, _) = Log::open(faulty, SMALL).unwrap();
    fill(&mut log, 0..40);
    log.sync().unwrap();
    faults.disk_full_after(100);
    assert!(matches!(
        log.purge(&[Index(1)]),
        Err(PurgeError::DiskFull(_))
    ));
    expect(&log, 40);
    faults.heal();
    assert_eq!(log.purge(&[Index(1)]).unwrap(), 1);
    fill(&mut log, 40..41);
    log.sync().unwrap();
    drop(log);
    let (log, recovery) = Log::open(storage(), SMALL).unwrap();
    assert_eq!((log.len(), recovery), (41, Recovery::Clean));
    assert!(log.get(Index(1)).unwrap().body.is_none());
}

fn failed_sync_poisons<S: Storage>(storage: impl Fn() -> S) {
    let mut acknowledged = 0;
    for good in 0..2 {
        let (faulty, faults) = Faulty::new(storage());
        let (mut log, _) = Log::open(faulty, SMALL).unwrap();
        let start = log.len();
        assert!(start >= acknowledged);
        fill(&mut log, start..start + 3);
        log.sync().unwrap();
        acknowledged = start + 3;
        fill(&mut log, start + 3..start + 4);
        // The segment's sync, then the head's.
        faults.fail_syncs_after(good);
        assert!(matches!(log.sync(), Err(SyncError::Io(_))));
        faults.heal();
        assert!(log.is_poisoned());
        assert_eq!(log.synced_len(), acknowledged);
        assert!(matches!(log.sync(), Err(SyncError::Poisoned)));
        assert!(matches!(log.append(b"", b""), Err(AppendError::Poisoned)));
        assert!(matches!(
            log.purge(&[Index(0)]),
            Err(PurgeError::Sync(SyncError::Poisoned))
        ));
        expect(&log, start + 4);
    }
}

fn files_of_others_are_left_alone<S: Storage>(storage: impl Fn() -> S) {
    for name in [
        "lock",
        "ballast",
        "1.seg",
        "notes.tmp",
        "0000000000000000000x.seg",
    ] {
        let mut disk = storage();
        disk.append(name, b"not ours").unwrap();
        disk.sync(name).unwrap();
        let (log, recovery) = Log::open(disk, SMALL).unwrap();
        assert_eq!((log.len(), recovery), (0, Recovery::Clean));
        assert_eq!(storage().read(name, 0, 8).unwrap(), b"not ours");
    }
}

#[test]
fn memory_conforms() {
    let disks = std::sync::Mutex::new(std::collections::BTreeMap::new());
    conforms(|name| {
        disks
            .lock()
            .unwrap()
            .entry(name.to_owned())
            .or_insert_with(MemoryStorage::new)
            .clone()
    });
}

#[test]
fn folder_conforms() {
    let folder = tempfile::tempdir().unwrap();
    conforms(|name| DirStorage::open(folder.path().join(name)).unwrap());
}
