//! Rights of clients that are neither an export nor an erasure: restriction, and how long what is
//! kept.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{CardKind, ClientId};

/// A restriction, or its end; for owners and managers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct RestrictClient {
    /// Whom.
    #[ts(as = "String")]
    pub client: ClientId,
    /// Why, at most 200 characters; empty lifts the restriction.
    pub reason: String,
}

/// A restriction that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RestrictionView {
    /// Why.
    pub reason: String,
    /// Since when, by the clock of whoever said so.
    #[ts(as = "String")]
    pub since: Timestamp,
    /// At which seat it was said.
    pub seat: String,
    /// What that seat is called.
    pub by: String,
}

/// What a rule of retention is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// Name, telephone, e-mail, note; pets; with them what visits say about the client.
    Contact,
    /// Handling cards.
    Handling,
    /// Clinical cards.
    Clinical,
    /// Grooming cards.
    Grooming,
    /// Payment cards.
    Payments,
}

impl RecordKind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Contact,
        Self::Handling,
        Self::Clinical,
        Self::Grooming,
        Self::Payments,
    ];

    /// Its name, as JSON and the command line have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Handling => "handling",
            Self::Clinical => "clinical",
            Self::Grooming => "grooming",
            Self::Payments => "payments",
        }
    }

    /// The cards it is for; contact has none.
    pub const fn card(self) -> Option<CardKind> {
        match self {
            Self::Contact => None,
            Self::Handling => Some(CardKind::Handling),
            Self::Clinical => Some(CardKind::Clinical),
            Self::Grooming => Some(CardKind::Grooming),
            Self::Payments => Some(CardKind::Payments),
        }
    }
}

/// A rule of retention; for owners and managers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SetRetention {
    /// For what.
    pub kept: RecordKind,
    /// How many months after the client's last visit, 1 to 1200; without, for ever.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub months: Option<u16>,
}

/// The rules, and for whom the time is over. Nothing is erased by asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RetentionView {
    /// Every kind of record that is kept, with its rule.
    pub rules: Vec<RetentionRule>,
    /// Who is past every rule, the longest due first; at most 1,000.
    pub due: Vec<DueView>,
    /// How many there are in all.
    pub total: u32,
}

/// How long one kind of record is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RetentionRule {
    /// Of what.
    pub kept: RecordKind,
    /// Months after the last visit; missing: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub months: Option<u16>,
}

/// A client whose records have been kept long enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DueView {
    /// Who.
    #[ts(as = "String")]
    pub client: ClientId,
    /// The name.
    pub name: String,
    /// The last visit that was not called off; or, without any, when something was last written.
    #[ts(as = "String")]
    pub last: Date,
    /// Whether `last` is a visit.
    pub visited: bool,
    /// Since when all rules are past.
    #[ts(as = "String")]
    pub since: Date,
    /// The rules that were looked at: one for each kind of record that there is.
    pub rules: Vec<RetentionRule>,
    /// The number of visits that are still to come.
    pub coming: u32,
    /// Why this client must be kept, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[ts(optional, as = "Option<String>")]
    pub hold: String,
    /// The client's data are restricted.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub restricted: bool,
    /// Nothing stands in the way: it may be erased.
    pub free: bool,
}
