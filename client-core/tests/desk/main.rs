//! Replicas in memory, driven as faces and neighbours drive them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

mod audit;
mod bad_input;
mod cards;
mod meeting;
mod people;
mod renewal;
mod restriction;
mod retention;
mod sealed;
mod sweeps;
mod taking_back;
mod world;
