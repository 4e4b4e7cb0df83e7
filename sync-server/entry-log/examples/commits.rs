//! How many durable commits a second this machine's disk gives the log, one by one and in groups, and
//! how long opening and reading a long log take.
//!
//! `cargo run --release -p entry-log --example commits [folder [records]]`
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that measures time and prints it"
)]

use std::error::Error;
use std::time::{Duration, Instant};

use entry_log::{DirStorage, Index, Log, Options};

/// A sealed entry of common size: 180 bytes of header and signature, 120 of body.
const HEAD: [u8; 180] = [7; 180];
const BODY: [u8; 120] = [9; 120];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments
        .next()
        .unwrap_or_else(|| std::env::temp_dir().into());
    let records: u64 = match arguments.next() {
        Some(text) => text.to_string_lossy().parse()?,
        None => 1_000_000,
    };
    // Beside what is there, and gone afterwards.
    let folder = tempfile::Builder::new()
        .prefix("entry-log-")
        .tempdir_in(folder)?;

    for group in [1, 8, 64, 512] {
        let storage = DirStorage::open(folder.path().join(group.to_string()))?;
        let (mut log, _) = Log::open(storage, Options::default())?;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(2) {
            for _ in 0..group {
                log.append(&HEAD, &BODY)?;
            }
            log.sync()?;
        }
        let (count, time) = (log.synced_len(), start.elapsed());
        println!(
            "groups of {group:>3}: {:>9} durable records/s",
            rate(count, time)
        );
    }

    let open = || -> Result<_, Box<dyn Error>> {
        let storage = DirStorage::open(folder.path().join("long"))?;
        Ok(Log::open(storage, Options::default())?)
    };
    let (mut log, _) = open()?;
    for index in 0..records {
        log.append(&index.to_le_bytes(), &[HEAD.as_slice(), &BODY].concat())?;
    }
    log.sync()?;
    drop(log);
    let start = Instant::now();
    let (log, recovery) = open()?;
    println!(
        "opening {} records: {:?}, {recovery:?}",
        log.len(),
        start.elapsed()
    );

    let start = Instant::now();
    let steps = 100_000.min(records);
    for step in 0..steps {
        // A stride that is prime to most lengths, so that reads jump about.
        log.get(Index(step * 7919 % records.max(1)))?;
    }
    println!(
        "reading here and there: {} records/s",
        rate(steps, start.elapsed())
    );
    let start = Instant::now();
    for found in log.scan(Index(0)) {
        found?;
    }
    println!(
        "reading in order: {} records/s",
        rate(records, start.elapsed())
    );
    let start = Instant::now();
    let report = log.verify()?;
    println!(
        "verifying all: {:?}, {} damaged",
        start.elapsed(),
        report.damage.len()
    );
    Ok(())
}

fn rate(count: u64, time: Duration) -> u128 {
    u128::from(count) * 1_000_000 / time.as_micros().max(1)
}
