//! Many histories, on several threads.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use super::{
    Failure, Report,
    history::{self, Faults},
};

/// Runs the seeds `from..from + histories` on so many threads; stops at the first that fails.
/// `told` hears of each seed below which all are done, now and then, and says whether to go on.
///
/// # Errors
/// The failure with the lowest seed that was met.
pub fn run(
    from: u64,
    histories: u64,
    threads: usize,
    faults: Faults,
    told: &(dyn Fn(u64, &Report) -> bool + Sync),
) -> Result<Report, Box<Failure>> {
    let next = AtomicU64::new(from);
    let stop = AtomicBool::new(false);
    let end = from.saturating_add(histories);
    let all = Mutex::new(Report::default());
    let failed: Mutex<Option<Box<Failure>>> = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    // In pieces, so that the report is whole up to a seed now and then.
                    let first = next.fetch_add(25, Ordering::Relaxed);
                    if first >= end || stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let mut report = Report::default();
                    for seed in first..end.min(first + 25) {
                        match history::run(seed, faults) {
                            Ok(done) => report.add(&done.tally),
                            Err(failure) => {
                                stop.store(true, Ordering::Relaxed);
                                let mut failed = failed.lock().unwrap();
                                if failed
                                    .as_ref()
                                    .is_none_or(|known| known.seed > failure.seed)
                                {
                                    *failed = Some(failure);
                                }
                                return;
                            }
                        }
                    }
                    let mut all = all.lock().unwrap();
                    all.merge(report);
                    if !told(first, &all) {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap() {
        Some(failure) => Err(failure),
        None => Ok(all.into_inner().unwrap()),
    }
}
