//! The contract of everything that has a face: typed commands and queries, their replies, errors.
//!
//! The command line's JSON, the desktop's `TypeScript` types and later the gateway's `OpenAPI` derive
//! from the types here. JSON is externally stable: fields are added, never renamed.
//!
//! Start with [`Command`] (what changes something) and [`Query`] (what only asks).

mod audit;
mod cards;
mod command;
mod erasing;
mod error;
mod event;
mod home;
mod kit;
mod people;
mod query;
mod rights;
mod seats;
mod trust;
mod views;

pub use audit::*;
pub use cards::*;
pub use command::*;
pub use erasing::*;
pub use error::*;
pub use event::*;
pub use home::*;
pub use kit::*;
pub use people::*;
pub use query::*;
pub use rights::*;
pub use seats::*;
pub use trust::*;
pub use views::*;

use conflict_rules::id;

id!(
    /// Who pays: a household.
    ClientId, "cli"
);
id!(
    /// Who is treated.
    PetId, "pet"
);
id!(
    /// A note on a card.
    NoteId, "note"
);
id!(
    /// What is sold.
    ServiceId, "svc"
);
