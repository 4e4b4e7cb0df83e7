//! What a checked change writes to, for whoever keeps count of who did what.

use conflict_rules::{AppointmentId, ClaimState, DecisionId};

use crate::{
    chunk::Key,
    codes::read_state,
    layout::{CLAIMS, DECISIONS, FIRST_CONTAINER, PLACEMENTS, POINTERS, STATES, parse_key},
    safety::{CheckedChange, Schema},
};

/// One write of a change to a schedule week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Write {
    /// Booked it: what it is, and its source.
    Origin(AppointmentId),
    /// Where it is.
    Placement(AppointmentId),
    /// How far it has come; `None` for a state this program does not know.
    State(AppointmentId, Option<ClaimState>),
    /// A decision.
    Decision(DecisionId),
    /// That it reaches into another week.
    Pointer(AppointmentId),
}

impl CheckedChange {
    /// What a change of a schedule week writes, in its order; nothing for other documents.
    pub fn writes(&self) -> Vec<Write> {
        if self.schema() != Schema::Schedule {
            return Vec::new();
        }
        let ops = self.chunk().ops.iter();
        ops.filter_map(|op| {
            let Key::Text(key) = &op.key else { return None };
            let key = parse_key(key)?;
            let container = op.object?.counter.checked_sub(FIRST_CONTAINER)?;
            let id = AppointmentId::from_bytes(key);
            match usize::try_from(container).ok()? {
                CLAIMS => Some(Write::Origin(id)),
                PLACEMENTS => Some(Write::Placement(id)),
                STATES => Some(Write::State(id, op.value.number().and_then(read_state))),
                DECISIONS => Some(Write::Decision(DecisionId::from_bytes(key))),
                POINTERS => Some(Write::Pointer(id)),
                _ => None,
            }
        })
        .collect()
    }
}
