//! The simulated world, real-process tests and benches.
//!
//! Start with [`world`]: many replicas and the real relay core in one thread, from one seed; with
//! [`process`]: the real programs, killed, damaged and lied to; and with [`fuzz`]: any bytes for every
//! reader.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "what only tests use stops at the first surprise"
)]

pub mod fuzz;
pub mod process;
pub mod world;
