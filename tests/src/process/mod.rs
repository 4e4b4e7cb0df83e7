//! The real programs, `daybook` and `sync-server`, started, spoken to, damaged and ended by tests.
//!
//! ```text
//!  test ── Desk ──> daybook --home DIR ... ──┐
//!       ── Proxy ───────── records, mangles ─┤ 127.0.0.1
//!       ── Relay ──> sync-server serve ──────┘
//! ```
//!
//! What always holds: every process is ended and waited for when its guard is dropped; nothing
//! waits without a limit; readiness is a line that was read, never a pause.
//!
//! Start with [`Practice::open`] for a relay with desks that have joined, or with [`Desk`] alone.

mod desk;
mod disk;
mod memory;
mod practice;
mod programs;
mod proxy;
mod relay;
mod running;
mod seek;
mod socket;

pub use desk::{Burst, Desk, Refused, Said, id_of};
pub use disk::{SmallDisk, copy_folder, files_below};
pub use memory::{Looked, search_memory};
pub use practice::{
    Practice, ZONE, ann_at, ann_for, book_ann, book_ann_with, found, monday, note_in, today,
};
pub use programs::{daybook, sync_server};
pub use proxy::{Proxy, Way};
pub use relay::Relay;
pub use running::Running;
pub use seek::{Canary, Found, seek};
pub use socket::Socket;
