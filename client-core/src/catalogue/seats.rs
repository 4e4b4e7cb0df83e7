//! Who works at this computer: several people share one home, each with keys of their own.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::StaffRole;

/// Somebody who works at this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a thing that a list shows or not"
)]
pub struct SeatHere {
    /// The seat, for `switch`.
    pub id: String,
    /// What the person is called here, once somebody has said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// The role, where the seat is part of the practice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub role: Option<StaffRole>,
    /// At the desk now.
    pub here: bool,
    /// Can take the desk with a PIN.
    pub pin: bool,
    /// Can begin the day with a passphrase.
    pub passphrase: bool,
    /// Too many wrong PINs: a passphrase of this computer has to come along.
    pub pin_locked: bool,
}
