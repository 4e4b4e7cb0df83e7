//! `daybook`, the command line: the same replica for scripts, support and machines without a
//! screen.
//!
//! Every subcommand is one [`Command`](crate::catalogue::Command), one
//! [`Query`](crate::catalogue::Query) or one [`HomeRequest`](crate::catalogue::HomeRequest) of the
//! catalogue; `--json` prints what the catalogue says. Exit codes and errors: `docs/cli.md`.
//!
//! Start with [`args`] for what can be said and [`run()`] for what it does.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "each function handles its few subcommands; all others are somebody else's"
)]

pub mod args;
pub mod audit;
mod batch;
pub mod cards;
pub mod erasing;
mod exit;
pub mod kit;
mod names;
pub mod people;
mod print;
pub mod rights;
mod run;
pub mod seats;

pub use exit::exit_code;
pub use run::{print_refusal, run};
