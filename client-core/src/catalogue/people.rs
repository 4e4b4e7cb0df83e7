//! Who belongs to the practice, on which devices, and what was written without the right to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::StaffRole;

/// Seats and devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PeopleView {
    /// Seats.
    pub seats: Vec<SeatView>,
    /// Invitations.
    pub invitations: Vec<InvitationView>,
    /// What counts for nothing, newest first: its authors had no right to write it, or wrote it
    /// after they were removed.
    pub masked: Vec<MaskedView>,
    /// Whether managers read clinical cards here, as owners decided.
    pub managers_read_clinical: bool,
}

/// A seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SeatView {
    /// Its id.
    pub id: String,
    /// What it is called, if an owner or manager said so and this seat can read it.
    #[ts(optional = nullable)]
    pub name: Option<String>,
    /// Role; of a removed seat the last one.
    pub role: StaffRole,
    /// Device.
    pub device: String,
    /// This one.
    pub here: bool,
    /// Removed.
    pub removed: bool,
    /// Whether it was given the keys of its role; until then it reads what is in the clear.
    pub keys: bool,
    /// It waits until people have compared this number; empty as long as there is none.
    #[ts(optional = nullable)]
    pub compare: Option<String>,
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct InvitationView {
    /// Its id.
    pub id: String,
    /// Role.
    pub role: StaffRole,
    /// Until when.
    #[ts(as = "String")]
    pub expires: Timestamp,
    /// Used already.
    pub used: bool,
    /// Called back.
    pub revoked: bool,
}

/// Something that counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MaskedView {
    /// Whose seat.
    pub seat: String,
    /// Why.
    pub reason: MaskedReason,
    /// In which feed.
    pub feed: String,
    /// When, by its author's clock.
    #[ts(as = "String")]
    pub at: Timestamp,
    /// The visits it was about.
    pub visits: Vec<String>,
}

/// Why something counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MaskedReason {
    /// Written after the seat was removed.
    Removed,
    /// The seat's role may not write this.
    Role,
    /// The seat was no member then.
    NotMember,
}
