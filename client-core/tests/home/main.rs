//! Homes as faces use them: what opens their keys, what their backups hold.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

mod keystore;
mod promised;
