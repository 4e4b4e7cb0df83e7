//! One name for each task, the same on a desk and in continuous integration.
//!
//! Plain: every task is a list of programs that are started, timed and reported. Start with
//! [`test::steps`] for what is proven, [`setup`] for what must be installed.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal: what it prints is its result"
)]

mod bench;
mod check;
mod day;
mod demo;
mod fuzz;
mod place;
mod relay;
mod run;
mod setup;
mod step;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask COMMAND

  run              build all, start a relay, found a demo practice, open two front desks;
                   `--fresh` starts over, `--walkthrough` plays it under Xvfb
  setup            install what is missing on Debian or Ubuntu, and the desk's packages
  bench            the figures of docs/measurements.md; `bench --list` names the steps
  fuzz             any bytes for every reader; `--seconds N`, `--target NAME`, `--list`
  check            formatting, lints, types, licences
  test             every test there is; `test --list` names the steps, `test NAME...` runs some
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let done = match command.as_str() {
        "run" => run::run(&rest),
        "setup" => setup::run(),
        "bench" => step::run("bench", &bench::steps(), &rest),
        "fuzz" => fuzz::run(&rest),
        "check" => step::run("check", &check::steps(), &rest),
        "test" => step::run("test", &test::steps(), &rest),
        "" | "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        other => Err(format!("there is no command {other:?}\n\n{USAGE}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}
