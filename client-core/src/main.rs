//! The `daybook` command line.

use std::{
    alloc::System,
    io::{stderr, stdout},
    process::ExitCode,
    sync::Arc,
};

use clap::Parser as _;
use client_core::cli::{self, args::Cli};
use zeroizing_alloc::ZeroAlloc;

/// What is freed is wiped, whatever type it had: after locking no name and no key stays in memory.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

#[allow(
    clippy::disallowed_methods,
    reason = "the binary reads the clock and passes it on"
)]
fn clock() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

fn main() -> ExitCode {
    schedule::quiet_guarded_panics();
    let arguments = Cli::parse();
    let json = arguments.json;
    match cli::run(arguments, Arc::new(clock), &mut stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            // When even this cannot be written there is nobody to tell.
            let _ = cli::print_refusal(&refusal, json, &mut stderr());
            ExitCode::from(cli::exit_code(refusal.code))
        }
    }
}
