//! What fuzzers call: one function for each reader of bytes or text from outside.
//!
//! Each takes any bytes, and stops when a promise is broken: a reader panics, accepts a second
//! spelling of a value, writes something it does not read, or leaves a document half changed. Where a
//! checksum stands in front of a reader, the function puts the right one there, so that a fuzzer gets
//! behind it. `tests/tests/fuzz_replay.rs` runs every kept input (`tests/fuzz/corpus`) through its
//! function in the ordinary test command.
//!
//! Start with [`TARGETS`].

mod chain;
mod disk;
mod documents;
mod formats;
mod sealed;
mod seeds;
mod words;

pub use seeds::seeds;

/// A reader: its name, and what a fuzzer calls.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("frame", formats::frame),
    ("entry", formats::entry),
    ("statement", formats::statement),
    ("chain", chain::chain),
    ("key_rows", sealed::key_rows),
    ("key_file", sealed::key_file),
    ("join_code", sealed::join_code),
    ("recovery_words", sealed::recovery_words),
    ("private_body", documents::private_body),
    ("schedule_body", documents::schedule_body),
    ("change", documents::change),
    ("log", disk::log),
    ("backup", disk::backup),
    ("settings", words::settings),
    ("command_line", words::command_line),
];

/// The function of a target.
pub fn target(name: &str) -> Option<fn(&[u8])> {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.map(|(_, call)| *call)
}
