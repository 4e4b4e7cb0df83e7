//! A claim: an appointment as the schedule document holds it.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{AppointmentId, LocationId},
    placement::Placement,
};

/// How far a visit has come. Cancelling is a state: nothing is ever deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimState {
    /// Agreed.
    Booked,
    /// The client is here.
    Arrived,
    /// Being treated.
    InProgress,
    /// Over.
    Done,
    /// The client did not come.
    NoShow,
    /// Called off; occupies nothing.
    Cancelled,
}

/// Who wrote a claim. In order of authority: a desk beats an owner's account beats the API beats
/// an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Imported from another system.
    Import,
    /// A program, by API key.
    Api,
    /// A pet owner's account.
    Account,
    /// A person at a desk.
    Desk,
}

/// What a claim is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// A client's visit.
    Visit,
    /// Time a resource is kept free: lunch, meeting, repair.
    Block,
}

/// A claim as read from a document. Concurrent writes leave more than one value: all of them are
/// here, sorted, so that nothing is settled silently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The appointment.
    pub id: AppointmentId,
    /// The site it belongs to.
    pub location: LocationId,
    /// What for.
    pub kind: ClaimKind,
    /// Who wrote it first.
    pub source: Source,
    /// Concurrent placements, sorted, at least one; more than one after concurrent moves.
    pub placements: Vec<Placement>,
    /// Concurrent states, sorted, at least one. Use [`Claim::state`] for the merged one.
    pub states: Vec<ClaimState>,
}

impl ClaimState {
    /// All states, in the order a visit goes through them.
    pub const ALL: [Self; 6] = [
        Self::Booked,
        Self::Arrived,
        Self::InProgress,
        Self::Done,
        Self::NoShow,
        Self::Cancelled,
    ];

    /// Whether a visit in this state occupies its placement. Who did not come or called off
    /// leaves the time to others.
    pub const fn holds_slot(self) -> bool {
        match self {
            Self::Booked | Self::Arrived | Self::InProgress | Self::Done => true,
            Self::NoShow | Self::Cancelled => false,
        }
    }

    /// Whether the client has been here: such a visit is a fact and no rule displaces it.
    pub const fn has_begun(self) -> bool {
        match self {
            Self::Arrived | Self::InProgress | Self::Done => true,
            Self::Booked | Self::NoShow | Self::Cancelled => false,
        }
    }

    /// Whether the desk may take this step. Steps back (one at a time) are corrections. A step
    /// from a state that holds no slot to one that does takes the slot anew, and so asks for a
    /// new confirmation: see [`ClaimState::takes_slot_again`].
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Booked => {
                matches!(
                    next,
                    Self::Arrived | Self::InProgress | Self::NoShow | Self::Cancelled
                )
            }
            Self::Arrived => {
                matches!(
                    next,
                    Self::InProgress | Self::Done | Self::Booked | Self::Cancelled
                )
            }
            Self::InProgress => matches!(next, Self::Done | Self::Arrived),
            Self::Done => matches!(next, Self::InProgress),
            Self::NoShow => matches!(next, Self::Arrived | Self::Booked),
            Self::Cancelled => matches!(next, Self::Booked),
        }
    }

    /// Whether the step occupies time that the claim had given up.
    pub const fn takes_slot_again(self, next: Self) -> bool {
        !self.holds_slot() && next.holds_slot()
    }
}

impl Claim {
    /// Copies of one claim, read from several documents, as one; `None` of none.
    pub fn joined(copies: &[Self]) -> Option<Self> {
        crate::effective::merged_copies(copies).pop()
    }

    /// The state that concurrent states come to, by the table in [`crate::concurrency`].
    pub fn state(&self) -> ClaimState {
        crate::concurrency::merged_state(&self.states)
    }

    /// Whether it occupies its placements.
    pub fn holds_slot(&self) -> bool {
        self.state().holds_slot()
    }
}
