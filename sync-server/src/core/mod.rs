//! The relay without sockets: who may come in, what is taken, who gets the slot, who is told.
//!
//! ```text
//!  frames -> door ----> Input -> Organisation -> log --sync--> Effects -> frames
//!            (who)               |  intake  (which entries)
//!                                |  schedules, confirm (who gets the slot)
//!                                `- stream  (who is told what, and how fast)
//! ```
//!
//! What always holds:
//! * Nothing that speaks of an entry leaves before that entry is on stable storage.
//! * The log is the truth; all else is rebuilt from it by [`Organisation::open`].
//! * The same entry twice stands once. The same input at the same times gives the same effects.
//! * A connection that does not read costs a bounded amount of memory: tails are read from the log
//!   when there is room for them, never queued.
//!
//! No clock, no sockets, no threads. Start with [`Door`], then [`Organisation::handle`].

mod confirm;
mod connection;
mod door;
mod erasing;
mod error;
mod feed;
mod incarnations;
mod intake;
mod leaving;
mod limits;
mod opening;
mod organisation;
mod planted;
mod record;
mod rights;
mod schedules;
mod settle;
mod stream;

pub use connection::{ConnId, Credential};
pub use door::{Admission, Door, Knock, Turned};
pub use error::{OpenError, StorageError};
pub use limits::Limits;
pub use organisation::{Effect, Input, Organisation, Stats};
#[cfg(feature = "planted")]
pub use planted::Planted;

/// The epoch every feed begins with; later ones exist only after a relay lost data.
pub const FIRST_EPOCH: u32 = 0;
