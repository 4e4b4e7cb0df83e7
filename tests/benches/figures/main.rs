//! The figures of `docs/measurements.md` that need whole programs: homes on the disk, the relay's
//! release binary, sockets on 127.0.0.1.
//!
//! `cargo bench -p system-tests --bench figures -- [desk] [line] [relay] [OPTION...]`; each part names
//! its options. `cargo xtask bench` builds the relay first and runs everything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::unchecked_time_subtraction,
    clippy::wildcard_enum_match_arm,
    reason = "a bench reads the clock, prints, and stops at the first surprise"
)]

mod desk;
mod line;
mod relay;
mod support;

use support::Arguments;

/// A group of figures: its name, and what takes them.
type Part = (&'static str, fn(&Arguments));

fn main() {
    let arguments = Arguments::read();
    let parts: [Part; 3] = [
        ("desk", desk::run),
        ("line", line::run),
        ("relay", relay::run),
    ];
    let named = parts.iter().any(|(name, _)| arguments.names(name));
    for (name, run) in parts {
        if !named || arguments.names(name) {
            run(&arguments);
        }
    }
}
