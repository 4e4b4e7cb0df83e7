//! Who changed what, when, at which device: read from the signed log when somebody asks.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{MaskedReason, StaffRole};

/// Which part of the audit is asked for. `{"type": "audit", "of": "cli_…"}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Only what concerns this client, pet or visit, or what this seat did: `cli_…`, `pet_…`,
    /// `apt_…`, `seat_…`.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub of: Option<String>,
    /// From this day on, on the clock of the practice's first site.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub from: Option<Date>,
    /// Up to and including this day.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub until: Option<Date>,
    /// At most so many rows, 50 when missing, 200 at most.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub limit: Option<u32>,
    /// Only what comes after this row of the page before: its `next`.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub before: Option<String>,
}

/// A page of the audit, the latest first by the clocks of those who wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AuditView {
    /// What was done, one row for each command and each act.
    pub rows: Vec<AuditRow>,
    /// Where the next page begins; missing on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next: Option<String>,
    /// Entries that this seat may read and has no key for yet: their rows are still to come.
    pub waiting: u32,
}

/// One command or act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a thing that a row shows or not"
)]
pub struct AuditRow {
    /// Names the row, for paging.
    pub id: String,
    /// When, by its author's clock.
    #[ts(as = "String")]
    pub at: Timestamp,
    /// Where the relay put it, once it did: a feed, an epoch and a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub place: Option<AuditPlace>,
    /// Whose seat; missing for what the recovery words or an invitation signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub seat: Option<String>,
    /// What that seat was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub role: Option<StaffRole>,
    /// At which device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub device: Option<String>,
    /// What the seat is called in the practice, or else at this computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// Written at the seat that asks.
    pub here: bool,
    /// Why it counts for nothing, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub masked: Option<MaskedReason>,
    /// Its bytes were refused, so nothing of it was applied.
    pub refused: bool,
    /// What was done.
    pub what: Vec<AuditChange>,
}

/// The relay's place of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AuditPlace {
    /// Which feed.
    pub feed: String,
    /// The relay's epoch.
    pub epoch: u32,
    /// The number in it.
    #[ts(type = "number")]
    pub sequence: u64,
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AuditChange {
    /// In words.
    pub text: String,
    /// What it is about: `cli_…`, `pet_…`, `apt_…`, `seat_…`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub of: Option<String>,
    /// What was there before, where a value was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub old: Option<String>,
    /// What is there since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub new: Option<String>,
}

impl AuditChange {
    /// Something that was done, without values.
    pub fn said(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            of: None,
            old: None,
            new: None,
        }
    }

    /// The same, about this.
    #[must_use]
    pub fn about(mut self, of: impl core::fmt::Display) -> Self {
        self.of = Some(of.to_string());
        self
    }

    /// The same, with what was there and what is there since.
    #[must_use]
    pub fn values(mut self, old: Option<String>, new: Option<String>) -> Self {
        self.old = old;
        self.new = new;
        self
    }
}

/// What a check of the whole log found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AuditReport {
    /// Everything is as it was written.
    pub whole: bool,
    /// Records gone through.
    #[ts(type = "number")]
    pub records: u64,
    /// Entries among them, each with its signature.
    #[ts(type = "number")]
    pub entries: u64,
    /// Acts of the governance chain.
    #[ts(type = "number")]
    pub acts: u64,
    /// Confirmations of the relay.
    #[ts(type = "number")]
    pub confirmations: u64,
    /// Signed heads of the relay.
    #[ts(type = "number")]
    pub heads: u64,
    /// Entries that count for nothing: their authors had no right to write them.
    #[ts(type = "number")]
    pub masked: u64,
    /// Entries that were refused when they came, kept as evidence.
    #[ts(type = "number")]
    pub withheld: u64,
    /// Entries whose content was erased; their signatures stand.
    #[ts(type = "number")]
    pub purged: u64,
    /// Bytes at the end of the log that are no whole record and were never promised: a write that
    /// did not end. They are put away when the home is opened.
    #[ts(type = "number")]
    pub unfinished: u64,
    /// What is wrong, the first one first; at most 100.
    pub wrong: Vec<AuditFault>,
    /// How much more is wrong.
    #[ts(type = "number")]
    pub further: u64,
}

/// Something in the log that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AuditFault {
    /// Which record of this computer's log, from 0.
    #[ts(type = "number")]
    pub record: u64,
    /// In which file of the log, where the bytes are damaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub file: Option<String>,
    /// Where in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub offset: Option<u64>,
    /// Of which feed, as far as that can still be read; so with all that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub feed: Option<String>,
    /// The relay's epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub epoch: Option<u32>,
    /// The relay's position in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub sequence: Option<u64>,
    /// Whose seat wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub author: Option<String>,
    /// In which run of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub run: Option<String>,
    /// Its number in that run; of an act, its height.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub number: Option<u64>,
    /// What is wrong.
    pub wrong: String,
}
