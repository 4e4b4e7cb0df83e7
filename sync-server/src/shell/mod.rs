//! The relay as a process: sockets, TLS, threads, files, limits, metrics.
//!
//! ```text
//!  TCP/TLS -> http -> connection --Command--> actor (one thread per organisation)
//!  listener           | door, budgets           | core::Organisation, one commit per batch
//!                     | outbox  <----Effect-----'
//!  folder: lock, key, tickets, logs; settings: sled; disk: free space, ballast
//! ```
//!
//! What always holds:
//! * Nothing here decides about entries; it only carries inputs to [`crate::core`] and effects back.
//! * Memory is bounded: frames on their way in by a budget per organisation, frames on their way
//!   out by a limit per connection and one for all.
//! * Logs and metrics hold ids and counts, never content, names or addresses.
//!
//! Start with [`serve()`].

mod actor;
mod budget;
mod check;
pub mod config;
mod connection;
mod disk;
mod folder;
mod http;
mod hub;
mod listener;
mod metrics;
mod outbox;
mod serve;
mod settings;
mod tickets;
mod tls;

pub use check::{Finding, check};
pub use folder::{Folder, FolderError};
pub use serve::{Clock, ServeError, serve};
pub use tickets::{Ticket, TicketError, Tickets};
