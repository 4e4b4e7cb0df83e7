//! The folder of one installation, and what may be lost from it without harm.
//!
//! ```text
//! HOME/lock       held while a process uses the home
//! HOME/keys       the secrets of device and seats, sealed (`sealing::slots`)
//! HOME/log/       the truth: entries and their positions (`ledger`)
//! HOME/index/     sled: settings and caches; rebuilt when it is damaged
//! ```
//!
//! Start with [`Folder`]; [`LocalStore`] is what settings and caches are kept in.

mod folder;
mod local;
mod sled_store;

pub use folder::{Folder, FolderError};
pub use local::{LocalStore, MemoryLocalStore, StoreError, conformance};
pub use sled_store::SledStore;
