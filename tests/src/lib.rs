//! The simulated world, real-process tests and benches.
