//! What concurrent acts on one visit come to: one table that code, documentation and tests read.
//!
//! | | move | cancel | arrive .. done | no-show | edit details |
//! |---|---|---|---|---|---|
//! | **move** | both occupied, ask | cancelled, ask | arrived wins, shown | no-show stands, shown | merge |
//! | **cancel** | | once | arrived wins, shown | no-show stands, shown | merge |
//! | **arrive .. done** | | | the further state | arrived wins, ask | merge |
//! | **no-show** | | | | once | merge |
//! | **edit details** | | | | | per field |
//!
//! Booking is missing because nobody can act on a visit without having seen it booked.
//!
//! Start with [`outcome`] for two acts and [`merged_state`] for the states of one claim.

use serde::{Deserialize, Serialize};

use crate::claim::ClaimState;

/// What somebody did to a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Moved it, lengthened it, gave it to somebody else.
    Move,
    /// Called it off.
    Cancel,
    /// Took it a step from arrived to done.
    Arrive,
    /// Noted that the client did not come.
    NoShow,
    /// Changed its note, services or client.
    EditDetails,
}

/// What two concurrent acts come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Both placements stay occupied until somebody decides.
    BothPlacements,
    /// It is cancelled; the new placement is offered.
    CancelledWithOffer,
    /// It happened, at the placement the client arrived for.
    ArrivedWins,
    /// The client did not come, at the placement that was missed.
    NoShowStands,
    /// Both did the same: it counts once.
    Once,
    /// The one nearer to done.
    FurtherState,
    /// They touch different things; both hold.
    Merge,
    /// By the rule of each field, see [`crate::precedence`].
    PerField,
}

/// Who hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    /// Nobody needs to.
    Silent,
    /// The act that gave way is shown with the visit.
    Shown,
    /// Somebody is asked.
    Ask,
}

/// One cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The two acts; their order means nothing.
    pub acts: (Act, Act),
    /// What they come to.
    pub outcome: Outcome,
    /// Who hears of it.
    pub attention: Attention,
}

const fn rule(a: Act, b: Act, outcome: Outcome, attention: Attention) -> Rule {
    Rule {
        acts: (a, b),
        outcome,
        attention,
    }
}

/// The table, every unordered pair of acts once.
pub const TABLE: [Rule; 15] = [
    rule(
        Act::Move,
        Act::Move,
        Outcome::BothPlacements,
        Attention::Ask,
    ),
    rule(
        Act::Move,
        Act::Cancel,
        Outcome::CancelledWithOffer,
        Attention::Ask,
    ),
    rule(
        Act::Move,
        Act::Arrive,
        Outcome::ArrivedWins,
        Attention::Shown,
    ),
    rule(
        Act::Move,
        Act::NoShow,
        Outcome::NoShowStands,
        Attention::Shown,
    ),
    rule(
        Act::Move,
        Act::EditDetails,
        Outcome::Merge,
        Attention::Silent,
    ),
    rule(Act::Cancel, Act::Cancel, Outcome::Once, Attention::Silent),
    rule(
        Act::Cancel,
        Act::Arrive,
        Outcome::ArrivedWins,
        Attention::Shown,
    ),
    rule(
        Act::Cancel,
        Act::NoShow,
        Outcome::NoShowStands,
        Attention::Shown,
    ),
    rule(
        Act::Cancel,
        Act::EditDetails,
        Outcome::Merge,
        Attention::Silent,
    ),
    rule(
        Act::Arrive,
        Act::Arrive,
        Outcome::FurtherState,
        Attention::Silent,
    ),
    rule(
        Act::Arrive,
        Act::NoShow,
        Outcome::ArrivedWins,
        Attention::Ask,
    ),
    rule(
        Act::Arrive,
        Act::EditDetails,
        Outcome::Merge,
        Attention::Silent,
    ),
    rule(Act::NoShow, Act::NoShow, Outcome::Once, Attention::Silent),
    rule(
        Act::NoShow,
        Act::EditDetails,
        Outcome::Merge,
        Attention::Silent,
    ),
    rule(
        Act::EditDetails,
        Act::EditDetails,
        Outcome::PerField,
        Attention::Silent,
    ),
];

/// The table's cell for two concurrent acts, in either order.
///
/// ```
/// use conflict_rules::concurrency::{Act, Attention, Outcome, outcome};
///
/// // Reception cancels by phone while the client walks in at the other entrance.
/// let rule = outcome(Act::Arrive, Act::Cancel);
/// assert_eq!(rule.outcome, Outcome::ArrivedWins);
/// assert_eq!(rule.attention, Attention::Shown);
/// ```
pub fn outcome(a: Act, b: Act) -> Rule {
    let found = TABLE
        .iter()
        .find(|rule| rule.acts == (a, b) || rule.acts == (b, a));
    // The table names every pair (a test counts them); asking is what an unknown one would need.
    found
        .copied()
        .unwrap_or(rule(a, b, Outcome::PerField, Attention::Ask))
}

/// The act that leaves a visit in this state, if it is one of the table.
pub const fn act_of(state: ClaimState) -> Option<Act> {
    match state {
        ClaimState::Booked => None,
        ClaimState::Arrived | ClaimState::InProgress | ClaimState::Done => Some(Act::Arrive),
        ClaimState::NoShow => Some(Act::NoShow),
        ClaimState::Cancelled => Some(Act::Cancel),
    }
}

/// What two concurrent states come to. *Booked* is left by a correction (an arrival or a
/// cancellation taken back) and yields to any other state, so that nothing that happened is lost.
///
/// ```
/// use conflict_rules::{ClaimState, concurrency::merge};
///
/// assert_eq!(merge(ClaimState::Cancelled, ClaimState::Arrived), ClaimState::Arrived);
/// assert_eq!(merge(ClaimState::Arrived, ClaimState::Done), ClaimState::Done);
/// assert_eq!(merge(ClaimState::NoShow, ClaimState::Cancelled), ClaimState::NoShow);
/// ```
pub fn merge(a: ClaimState, b: ClaimState) -> ClaimState {
    let (Some(act_a), Some(act_b)) = (act_of(a), act_of(b)) else {
        return if act_of(a).is_some() { a } else { b };
    };
    match outcome(act_a, act_b).outcome {
        Outcome::ArrivedWins if act_b == Act::Arrive => b,
        Outcome::NoShowStands if act_b == Act::NoShow => b,
        // States are declared in the order a visit goes through them.
        Outcome::FurtherState => a.max(b),
        Outcome::ArrivedWins
        | Outcome::NoShowStands
        | Outcome::Once
        | Outcome::BothPlacements
        | Outcome::CancelledWithOffer
        | Outcome::Merge
        | Outcome::PerField => a,
    }
}

/// The state that a claim's concurrent states come to, in whatever order they are listed.
pub fn merged_state(states: &[ClaimState]) -> ClaimState {
    states
        .iter()
        .copied()
        .reduce(merge)
        .unwrap_or(ClaimState::Booked)
}

/// Who hears of a claim's concurrent states: the most that any pair of them asks for.
pub fn attention(states: &[ClaimState]) -> Attention {
    let mut most = Attention::Silent;
    for (index, a) in states.iter().enumerate() {
        for b in states.iter().skip(index + 1).filter(|b| *b != a) {
            most = most.max(match (act_of(*a), act_of(*b)) {
                (Some(a), Some(b)) => outcome(a, b).attention,
                // A correction that gave way to what somebody else did meanwhile.
                _ => Attention::Shown,
            });
        }
    }
    most
}
