//! Histories by the million: `cargo run -p system-tests --example soak -- --histories N --from SEED`.
//!
//! It says up to which seed all is well, so that it can go on from there, and stops at the first
//! failure with the seed and the last steps. With `--go-on yes` it goes on, and gives a line to each.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a tool for people, who want to know how long it took"
)]

use std::{
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use system_tests::world::{
    history::{self, Faults},
    planted, soak,
};

fn main() -> ExitCode {
    let mut histories = 1_000_000;
    let mut from = 0;
    let mut threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut faults = Faults::default();
    let mut goes_on = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        let number = value.parse::<u64>();
        match (flag.as_str(), number) {
            ("--histories", Ok(number)) => histories = number,
            ("--from", Ok(number)) => from = number,
            ("--threads", Ok(number)) => threads = usize::try_from(number).unwrap_or(1),
            ("--go-on", _) => goes_on = value == "yes",
            ("--planted", _) => {
                let known = planted::all().into_iter().find(|(name, _)| *name == value);
                let Some((_, fault)) = known else {
                    println!("no fault is called {value}");
                    return ExitCode::from(2);
                };
                faults = fault;
            }
            _ => {
                println!(
                    "soak [--histories N] [--from SEED] [--threads N] [--planted NAME] [--go-on yes]"
                );
                return ExitCode::from(2);
            }
        }
    }
    schedule::quiet_guarded_panics();
    let start = Instant::now();
    let told = |seed: u64, report: &system_tests::world::Report| {
        if report.histories % 10_000 < 25 {
            println!("{} histories, near seed {seed}", report.histories);
        }
        true
    };
    if goes_on {
        let failed = all_failures(from, histories, threads, faults);
        let seconds = start.elapsed().as_secs_f64();
        println!("{failed} of {histories} failed, {seconds:.1} s");
        return ExitCode::from(u8::from(failed > 0));
    }
    let done = soak::run(from, histories, threads, faults, &told);
    let seconds = start.elapsed().as_secs_f64();
    match done {
        Ok(report) => {
            println!(
                "{report}{seconds:.1} s; go on with --from {}",
                from + histories
            );
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{failure}after {seconds:.1} s");
            ExitCode::FAILURE
        }
    }
}

/// Tells every seed that fails, in one line each; how many did.
fn all_failures(from: u64, histories: u64, threads: usize, faults: Faults) -> u64 {
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= histories {
                        return;
                    }
                    if number > 0 && number.is_multiple_of(1_000) {
                        println!("{number} histories begun");
                    }
                    if let Err(failure) = history::run(from + number, faults) {
                        failed.fetch_add(1, Ordering::Relaxed);
                        println!("seed {}: {}", failure.seed, failure.what);
                    }
                }
            });
        }
    });
    failed.into_inner()
}
