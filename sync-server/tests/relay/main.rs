//! The real relay as a process, with the real protocol over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

mod bad_input;
mod common;
mod disk;
mod kill;
mod line;
mod operation;
mod slow;
mod tls;
