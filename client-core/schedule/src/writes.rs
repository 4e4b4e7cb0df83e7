//! What a checked change writes to, for whoever keeps count of who did what.

use conflict_rules::{AppointmentId, ClaimState, DecisionId, Placement, PlacementHash};

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
    /// Where it is; `None` for bytes that are no placement.
    Placement(AppointmentId, Option<PlacementHash>),
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
                PLACEMENTS => {
                    let placement = op.value.bytes().map(Placement::from_bytes);
                    let hash = placement
                        .and_then(Result::ok)
                        .map(|placement| placement.hash());
                    Some(Write::Placement(id, hash))
                }
                STATES => Some(Write::State(id, op.value.number().and_then(read_state))),
                DECISIONS => Some(Write::Decision(DecisionId::from_bytes(key))),
                POINTERS => Some(Write::Pointer(id)),
                _ => None,
            }
        })
        .collect()
    }

    /// The keys of maps that it writes to, in its order.
    pub fn map_keys(&self) -> impl Iterator<Item = &str> {
        let ops = self.chunk().ops.iter();
        ops.filter_map(|op| match &op.key {
            Key::Text(key) => Some(key.as_str()),
            Key::Element(_) => None,
        })
    }
}
