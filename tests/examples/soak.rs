//! Histories by the million: `cargo run -p system-tests --example soak -- --histories N --from SEED`.
//!
//! It says up to which seed all is well, so that it can go on from there, and stops at the first
//! failure with the seed and the last steps.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a tool for people, who want to know how long it took"
)]

use std::{process::ExitCode, time::Instant};

use system_tests::world::{history::Faults, planted, soak};

fn main() -> ExitCode {
    let mut histories = 1_000_000;
    let mut from = 0;
    let mut threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut faults = Faults::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        let number = value.parse::<u64>();
        match (flag.as_str(), number) {
            ("--histories", Ok(number)) => histories = number,
            ("--from", Ok(number)) => from = number,
            ("--threads", Ok(number)) => threads = usize::try_from(number).unwrap_or(1),
            ("--planted", _) => {
                let known = planted::all().into_iter().find(|(name, _)| *name == value);
                let Some((_, fault)) = known else {
                    println!("no fault is called {value}");
                    return ExitCode::from(2);
                };
                faults = fault;
            }
            _ => {
                println!("soak [--histories N] [--from SEED] [--threads N] [--planted NAME]");
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
    };
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
