//! Append-only checked segments: the log that relay and replica rebuild everything else from.
//!
//! A record is a head, which proofs cover and which stays for ever, and a body, which may be purged.
//! What always holds:
//!
//! * A record whose [`Log::sync`] returned `Ok` survives a power cut, or [`Log::open`] says which file
//!   is damaged and where. The log never becomes shorter without a word.
//! * Bytes handed out by [`Log::get`] are the bytes that were appended: each read checks the hashes.
//! * Every record is chained to the one before by the hashes and lengths of head and body, not by the
//!   body's bytes, so the chain stands after a purge.
//! * After a failed sync nothing is accepted any more: what the kernel still holds may never reach the
//!   disk, whatever a second sync says. Only opening the log again, which writes the tail anew, helps.
//!
//! ```text
//! head                      two slots, written in turn: generation, synced records, chain
//! 00000000000000000000.seg  header | frame head body | frame head body | ...    sealed
//! 00000000000000000000.idx  where each record of a sealed segment starts; rebuilt when missing
//! 00000000000000031415.seg  header | frame head body | ...                      being appended to
//! ```
//!
//! One process at a time may open a log; the lock file and the reserve of free space are the caller's.
//!
//! Start with [`Log`]; `format` has the bytes, `recovery` what opening decides.

mod error;
mod format;
mod head;
mod log;
mod purge;
mod recovery;
mod scan;
mod segment;
mod sidecar;
mod storage;
mod verify;

pub use error::{AppendError, Damage, Fault, OpenError, PurgeError, ReadError, SyncError};
pub use log::{Index, Log, Options, Record};
pub use recovery::Recovery;
pub use scan::Scan;
pub use storage::{DirStorage, Faults, Faulty, Glass, MemoryStorage, Storage};
pub use verify::Report;
