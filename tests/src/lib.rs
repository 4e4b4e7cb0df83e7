//! The simulated world, real-process tests and benches.
//!
//! Start with [`world`]: many replicas and the real relay core in one thread, from one seed; and with
//! [`process`]: the real programs, killed, damaged and lied to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what only tests use stops at the first surprise"
)]

pub mod process;
pub mod world;
