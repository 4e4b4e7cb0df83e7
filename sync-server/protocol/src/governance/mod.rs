//! Who may do what: one signed, hash-linked chain of acts per organisation.
//!
//! [`act`] is what an act says, [`roles`] is the table of who may read and write what, [`fold`]
//! applies acts one after the other and answers questions about every height.

mod act;
mod fold;
mod roles;

pub use act::{Act, Author, DeviceGrant, SeatGrant, SignedAct, What};
pub use fold::{DeviceState, Governance, GovernanceError, InviteState, RelayPin, SeatState};
pub use roles::Role;
