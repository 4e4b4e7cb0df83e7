//! What brings a practice back: the recovery kit, and backups.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::StaffRole;

/// What a recovery kit needs besides the words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KitView {
    /// Name of the business.
    pub practice: String,
    /// The practice's id.
    pub organisation: String,
    /// Where its relay is, once one is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub relay: Option<String>,
    /// The relay's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub relay_key: Option<String>,
    /// The key that may take over when that relay is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub standby: Option<String>,
    /// The newest act of the chain, as height and half of its hash: whoever comes back with the words
    /// sees by it that a relay hides none of the acts before.
    pub act: String,
    /// The day the page is made.
    #[ts(as = "String")]
    pub at: Timestamp,
}

/// A device that was part of the practice before somebody came back with the words alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LostDevice {
    /// Its id.
    pub device: String,
    /// The roles of its seats.
    pub roles: Vec<StaffRole>,
}

/// A picture that a telephone reads (a QR code).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Picture {
    /// Modules along an edge, its quiet border included.
    pub size: u32,
    /// The dark ones, as the `d` of an SVG path in a square of that size.
    pub path: String,
}

/// It may hold what opens everything.
impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Picture(..)")
    }
}

/// How this home is cared for against loss.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CareView {
    /// When the recovery words were last tried here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<String>")]
    pub drilled_at: Option<Timestamp>,
    /// Whether it is time to try them.
    pub drill_due: bool,
    /// Whether what is here is nowhere else: no relay has it, and no backup is younger than a week.
    pub only_copy: bool,
    /// The timetable of backups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub plan: Option<BackupPlan>,
    /// Why the backup that is due could not be written; it is tried again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub backup_waits: Option<String>,
    /// For how long everything opens here without the relay's word; absent without a relay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub lease: Option<LeaseView>,
}

/// For how long a device opens everything without the relay's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LeaseView {
    /// Its length in days.
    pub days: u16,
    /// How it stands.
    pub phase: LeasePhase,
    /// When it ends, or ended, if nothing is heard.
    #[ts(as = "String")]
    pub until: Timestamp,
}

/// How a lease stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LeasePhase {
    /// Long yet.
    Holds,
    /// It ends within two weeks.
    Ends,
    /// Only the schedule and the day sheet open.
    Over,
}

/// A timetable of backups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct BackupPlan {
    /// Where to.
    pub folder: String,
    /// Hours between two.
    pub hours: u32,
    /// How many are kept.
    pub keep: u32,
}

/// What was found in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct BackupReport {
    /// Its file.
    pub file: String,
    /// Its size.
    #[ts(type = "number")]
    pub bytes: u64,
    /// The practice's id.
    pub organisation: String,
    /// When it was written, by the name of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<String>")]
    pub made: Option<Timestamp>,
    /// What it holds; absent when nothing was given that opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub holds: Option<BackupContent>,
}

/// What a backup holds, all of it checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct BackupContent {
    /// Name of the business.
    pub practice: String,
    /// Acts of the chain.
    #[ts(type = "number")]
    pub acts: u64,
    /// Entries, each with a good signature.
    #[ts(type = "number")]
    pub entries: u64,
    /// Visits that were not called off.
    #[ts(type = "number")]
    pub visits: u64,
}
