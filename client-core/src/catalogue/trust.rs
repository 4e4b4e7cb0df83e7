//! What a person should look into, told so that it can be acted on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::TakeBackFrom;

/// Something to look into. Work goes on meanwhile, whatever it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AlarmView {
    /// Which kind.
    pub code: AlarmCode,
    /// In a few words.
    pub title: String,
    /// What happened.
    pub what: String,
    /// What Daybook does about it.
    pub doing: String,
    /// What the person in front of it does.
    pub you: String,
    /// Since when, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<String>")]
    pub since: Option<Timestamp>,
    /// Whether this seat ends it by letting the relay confirm again.
    pub may_approve: bool,
    /// What this seat may take back to end it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub take_back: Option<TakeBackFrom>,
}

/// Kinds of alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum AlarmCode {
    /// The relay lost data; an owner is to let it confirm again.
    RelayRestored,
    /// The relay lost data of a feed in which nothing is confirmed.
    RelayRolledBack,
    /// The relay told two stories.
    Fork,
    /// A head of the relay does not follow from what it sent.
    WrongChain,
    /// The relay shows an old state as the newest.
    WentBack,
    /// The relay sends acts that the rules refuse.
    FalseChain,
    /// Connected, and nothing gets through.
    Stalled,
    /// The relay cannot be worked with until a person acts.
    RelayRefuses,
    /// A device runs twice.
    DeviceCopied,
    /// Entries were kept away.
    Withheld,
    /// Entries count for nothing.
    Masked,
    /// Entries were not taken in.
    NotTaken,
    /// Entries wait for something.
    Waiting,
    /// This seat was removed.
    SeatRemoved,
    /// A write failed.
    WriteFailed,
    /// The clock is far off.
    ClockOff,
    /// One seat undid much of others' work within an hour.
    Sweep,
}
