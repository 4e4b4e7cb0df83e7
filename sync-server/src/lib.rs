//! The Daybook relay: it orders, keeps and passes on what devices sign, and says who gets a slot.
//!
//! ```text
//! core    who may come in, what is taken, who is told: no sockets, no clock, no threads
//! shell   WebSocket, TLS, files, limits, metrics, configuration: one thread per organisation
//! ```
//!
//! Start with [`core::Organisation`] for what a relay is, and `shell::serve` for how it runs.

pub mod core;
pub mod shell;
