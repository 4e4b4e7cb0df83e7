//! What concurrent acts on one visit give.
use crate::claim::ClaimState;

/// The state that concurrent states come to.
pub fn merged_state(states: &[ClaimState]) -> ClaimState {
    states
        .iter()
        .copied()
        .max_by_key(|state| strength(*state))
        .unwrap_or(ClaimState::Booked)
}

const fn strength(state: ClaimState) -> u8 {
    match state {
        ClaimState::Booked => 0,
        ClaimState::Cancelled => 1,
        ClaimState::NoShow => 2,
        ClaimState::Arrived => 3,
        ClaimState::InProgress => 4,
        ClaimState::Done => 5,
    }
}
