//! The Automerge documents that the relay cannot read: practice, visits of a week, client, pet,
//! cards.
//!
//! All are sheets of `registers`: single stamped values under text keys in a few fixed
//! containers. What always holds:
//!
//! * replicas that received the same changes, in whatever order, have equal heads and equal values;
//! * of concurrent values the one with the latest clock is shown and the others are kept visible;
//!   a causally later value stands whatever the clocks say;
//! * a field this program does not know is kept; one of the wrong type is looked over; a missing
//!   one has a default;
//! * nothing is deleted and no container is ever added.
//!
//! Start with [`PrivateBody`], which travels in entries, and [`PracticeDoc`].

mod access;
mod body;
mod card;
mod code;
mod practice;
mod record;
mod registers;
mod visits;

#[cfg(test)]
mod tests;

pub use access::{Access, AccessDoc, Opening};
pub use body::{Intent, PrivateBody, PrivateBodyError, Target};
pub use card::{CardDoc, CardId, CardNote};
pub(crate) use card::{CardWrite, note_of_mark};
pub(crate) use code::owned as read_value;
pub use practice::{
    LEASE_DAYS, Location, LocationFields, Practice, PracticeDoc, Room, RoomFields, Service,
    ServiceFields, Staff, StaffFields, USUAL_LEASE,
};
pub use record::{ClientFields, ClientRecord, PetFields, PetRecord, RecordDoc, Said, Subject};
pub use registers::{DocumentError, Stamped};
pub use visits::{About, Part, Sealed, SealedReason, VisitsWeek, Who};
