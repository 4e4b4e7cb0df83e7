//! Relay-readable schedule documents to and from typed claims. No clock, no storage, no network.
//!
//! ```text
//!  intents --> Week, Grid --> change bytes --> entries of the schedule and grid feeds
//!                 ^
//!  entries --> safety::check --> CheckedChange --> receive (on a copy, behind a fence)
//! ```
//!
//! What always holds:
//! * documents hold ids, instants, enumerations and hashes; free text is refused;
//! * replicas that received the same changes, in whatever order, have equal heads and claims;
//! * no bytes make this crate panic, and none reach Automerge before they were read by hand;
//! * a change is the same bytes wherever and whenever it is made: times in it are 0.
//!
//! Start with [`Week`]; [`safety`] is the gate, also for documents of other crates.

mod apply;
mod body;
mod chunk;
mod codes;
mod document;
mod grid;
mod guard;
mod history;
mod layout;
mod reader;
pub mod safety;
mod week;
mod weeks;
mod writes;

pub use body::{BodyError, ClearIntent, GridBody, Hlc, MAX_BODY, MAX_CHANGES, ScheduleBody};
pub use document::{LoadError, NewChange, WriteError};
pub use grid::{Grid, GridError};
pub use guard::{Panicked, guarded, quiet_guarded_panics};
pub use safety::{CheckedChange, HostileChange, Received, Schema, Unsafe};
pub use week::{IntentError, Violation, Week};
pub use weeks::{IsoWeek, NoSuchWeek, WeekKey, grid_document_id, home_week, touched, weeks_of};
pub use writes::Write;
