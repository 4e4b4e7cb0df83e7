//! The Daybook replica: documents, commands, queries, sealing, local store, session.
//!
//! Start with [`catalogue`]: what everything that has a face can ask for.

pub mod catalogue;
