//! Who may do what: one signed, hash-linked chain of acts per organisation.
//!
//! `act` is what an act says, `roles` the table of who reads and writes what, `fold` applies acts
//! one after the other, `policy` what a practice decided beyond the table, `erasure` what it
//! destroyed, `state` is what is kept, `view` answers questions about every height.

mod act;
mod erasure;
mod error;
mod fold;
mod policy;
mod roles;
mod state;
mod view;

pub use act::{Act, Author, DeviceGrant, RootGrant, SeatGrant, SignedAct, What};
pub use erasure::{Basis, Erased, Erasing, ErasureState};
pub use error::GovernanceError;
pub use fold::Governance;
pub use policy::Policy;
pub use roles::Role;
pub use state::{DeviceState, InviteState, RelayPin, ReplacedRoot, SeatState};
