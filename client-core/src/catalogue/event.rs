//! What a face is told without asking.

use conflict_rules::AppointmentId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::SlotView;

/// Something happened on this replica or arrived from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Views of these kinds are stale: ask again.
    Changed {
        /// Days, visits, clashes, reviews.
        schedule: bool,
        /// Clients and pets.
        records: bool,
        /// Staff, rooms, services, hours.
        practice: bool,
        /// Connection, outbox, alarms: the line of state.
        link: bool,
    },
    /// A slot asked for while connected went to another desk; the claim is withdrawn.
    JustTaken {
        /// The claim that was withdrawn.
        #[ts(as = "String")]
        appointment: AppointmentId,
        /// Who it was for, as the grid says.
        title: String,
        /// The next best slots.
        alternatives: Vec<SlotView>,
    },
}
