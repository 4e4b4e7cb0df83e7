//! What concerns the home itself: founding, joining, unlocking, the relay, backups.
//!
//! These work before a replica is open, so they stand apart from commands and queries.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::StaffRole;

/// A wish about the home. `{"type": "unlock", "passphrase": "…"}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum HomeRequest {
    /// Where this home stands. Reply: `Status`.
    Status,
    /// Opens a new practice with its first site; the caller becomes its owner. Reply: `Founded`.
    Found {
        /// Name of the business.
        practice: String,
        /// Name of the first site.
        location: String,
        /// IANA zone of the first site.
        zone: String,
        /// What unlocks this home, at least 8 characters.
        passphrase: String,
    },
    /// Joins a practice by code; the relay must answer. Reply: `Opened`.
    Join {
        /// The code as `invite` gave it.
        code: String,
        /// What unlocks this home, at least 8 characters.
        passphrase: String,
    },
    /// Opens this home. Reply: `Opened`.
    Unlock {
        /// As given at founding or joining.
        passphrase: String,
    },
    /// Opens this home with the recovery words and sets a new passphrase. Reply: `Opened`.
    Recover {
        /// The 24 words, separated by spaces.
        words: String,
        /// The new passphrase.
        passphrase: String,
    },
    /// Forgets the keys. Reply: `Status`.
    Lock,
    /// Lets one more device in. Reply: `Invited`.
    Invite {
        /// The role of its seat.
        role: StaffRole,
        /// For how many days the code works, 1 to 30.
        days: u32,
    },
    /// Sets the relay; a founding practice shows the ticket that `sync-server org invite` printed.
    /// Reply: `Status`.
    SetRelay {
        /// `ws://HOST:PORT` or `wss://HOST:PORT`.
        address: String,
        /// Only the first time.
        #[serde(default)]
        #[ts(optional = nullable)]
        ticket: Option<String>,
    },
    /// An owner has seen that a relay which lost data has everything back: it may confirm again.
    /// Reply: `Status`.
    ApproveRelay,
    /// Writes an encrypted copy of this home into a folder. Reply: `BackedUp`.
    Backup {
        /// Where to.
        folder: String,
    },
    /// Fills an empty home from a backup file. Reply: `Status`.
    Restore {
        /// Which file.
        file: String,
    },
}

/// Passphrases, words and codes never reach a log.
impl std::fmt::Debug for HomeRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HomeRequest(..)")
    }
}

/// The reply to a wish about the home.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum HomeReply {
    /// Where the home stands.
    Status(HomeStatus),
    /// A practice was founded: print these words, they are shown once.
    Founded {
        /// The 24 recovery words.
        words: Vec<String>,
    },
    /// The home is open.
    Opened,
    /// A code to hand over.
    Invited {
        /// The code.
        code: String,
        /// Until when.
        #[ts(as = "String")]
        expires: Timestamp,
    },
    /// A backup was written and verified.
    BackedUp {
        /// Its file.
        file: String,
        /// Its size.
        #[ts(type = "number")]
        bytes: u64,
    },
}

impl std::fmt::Debug for HomeReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HomeReply(..)")
    }
}

/// Where a home stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HomeStatus {
    /// Empty, locked or open.
    pub phase: HomePhase,
    /// Relay address, when open and set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub relay: Option<String>,
}

/// Phases of a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum HomePhase {
    /// Nothing founded or joined: first run.
    Empty,
    /// Waits for the passphrase.
    Locked,
    /// In use.
    Open,
}
