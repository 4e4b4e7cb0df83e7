//! Who may do what: one signed, hash-linked chain of acts per organisation.
//!
//! `act` is what an act says, `roles` the table of who reads and writes what, `fold` applies acts
//! one after the other, `erasure` is what they destroyed, `state` is what it keeps, `view` answers questions about every height.

mod act;
mod erasure;
mod error;
mod fold;
mod roles;
mod state;
mod view;

pub use act::{Act, Author, DeviceGrant, SeatGrant, SignedAct, What};
pub use erasure::{Basis, Erased, Erasing, ErasureState};
pub use error::GovernanceError;
pub use fold::Governance;
pub use roles::Role;
pub use state::{DeviceState, InviteState, RelayPin, SeatState};
