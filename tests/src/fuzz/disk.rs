//! Files that lay on a disk: a log in any state, a backup.

use client_core::sealing::KeyFile;
use entry_log::{Index, Log, MemoryStorage, Options, Storage as _};

const OPTIONS: Options = Options {
    segment_bytes: 4096,
    max_record: 1024,
};

/// A log of a few records whose files are then written over: each step names a file, a place and
/// bytes, or cuts or removes it. Opening may refuse; it must not panic, and what it opens holds.
pub(super) fn log(data: &[u8]) {
    let disk = MemoryStorage::new();
    let (mut log, _) = Log::open(disk.clone(), OPTIONS).unwrap();
    for n in 0..40_u8 {
        log.append(&[n; 30], &[n; 120]).unwrap();
        if n % 7 == 0 {
            log.sync().unwrap();
        }
    }
    log.sync().unwrap();
    drop(log);
    let mut files = disk.clone();
    let mut rest = data;
    while let Some(([kind, file, high, low, count], more)) = rest.split_first_chunk() {
        let (bytes, after) = more.split_at(usize::from(*count).min(more.len()));
        rest = after;
        let mut names = files.list().unwrap();
        names.sort();
        let Some(name) = names.get(usize::from(*file) % names.len().max(1)).cloned() else {
            break;
        };
        let length = files.len(&name).unwrap();
        let place = u64::from(u16::from_be_bytes([*high, *low])) % (length + 1);
        match kind % 4 {
            0 | 1 => files.write_at(&name, place, bytes).unwrap(),
            2 => files.truncate(&name, place).unwrap(),
            _ => files.remove(&name).unwrap(),
        }
    }
    let Ok((mut log, _)) = Log::open(disk.clone(), OPTIONS) else {
        return;
    };
    for at in 0..log.len() {
        if let Ok(record) = log.get(Index(at)) {
            let n = record.head.first().copied().unwrap_or(0);
            assert!(
                record.head.iter().all(|byte| *byte == n),
                "bytes that nobody wrote"
            );
        }
    }
    let _ = log.scan(Index(0)).count();
    let _ = log.verify();
    if log.damage().is_none() && log.append(b"new", b"work").is_ok() {
        log.sync().unwrap();
        let (length, chain) = (log.len(), log.chain());
        drop(log);
        let (log, _) = Log::open(disk, OPTIONS).expect("what was written opens again");
        assert_eq!((log.len(), log.chain()), (length, chain));
    }
}

/// The content of a backup, given its right checksum: what is read of it before any key is there.
pub(super) fn backup(data: &[u8]) {
    let whole = client_core::home::backup_parts(data);
    let mut bytes = [&b"DAYBOOK\0"[..], data].concat();
    let sum = blake3::hash(&bytes);
    bytes.extend_from_slice(sum.as_bytes());
    for (keys, parts) in [whole, client_core::home::backup_parts(&bytes)]
        .into_iter()
        .flatten()
    {
        assert!(parts.iter().map(Vec::len).sum::<usize>() <= bytes.len());
        let _ = KeyFile::decode(&keys);
    }
}
