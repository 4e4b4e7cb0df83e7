//! Cards: what is written down about a client or a pet, by whoever may read that kind.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sync_protocol::FeedId;
use ts_rs::TS;

use super::{ClientId, NoteId};
use crate::sealing::Compartment;

/// Kinds of card. Each is sealed under keys of its own, which the roles that read it hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CardKind {
    /// What to be careful about: shown as an alert wherever the client or pet is shown.
    Handling,
    /// Medical history.
    Clinical,
    /// Styles and coat.
    Grooming,
    /// Deposits and references; never card numbers.
    Payments,
}

impl CardKind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [
        Self::Handling,
        Self::Clinical,
        Self::Grooming,
        Self::Payments,
    ];

    /// Under whose keys it is sealed.
    pub const fn compartment(self) -> Compartment {
        match self {
            Self::Handling => Compartment::Handling,
            Self::Clinical => Compartment::Clinical,
            Self::Grooming => Compartment::Grooming,
            Self::Payments => Compartment::Payments,
        }
    }

    /// The feed its entries belong to.
    pub const fn feed(self) -> FeedId {
        match self {
            Self::Handling => FeedId::Handling,
            Self::Clinical => FeedId::Clinical,
            Self::Grooming => FeedId::Grooming,
            Self::Payments => FeedId::Payments,
        }
    }

    /// Its name, as JSON and the command line have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Handling => "handling",
            Self::Clinical => "clinical",
            Self::Grooming => "grooming",
            Self::Payments => "payments",
        }
    }
}

/// A note for a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewCardNote {
    /// `cli_…` or `pet_…`.
    pub of: String,
    /// On which card.
    pub card: CardKind,
    /// What to remember, 1 to 8,000 characters.
    pub text: String,
    /// Why it is written although the client's data are restricted.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub despite_restriction: Option<String>,
}

/// A note that no longer holds. It stays on the card, struck through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct WithdrawCardNote {
    /// `cli_…` or `pet_…`.
    pub of: String,
    /// On which card.
    pub card: CardKind,
    /// Which note.
    #[ts(as = "String")]
    pub note: NoteId,
    /// Why it is written although the client's data are restricted.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub despite_restriction: Option<String>,
}

/// The cards of a client and of its pets, as far as this seat may read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CardsView {
    /// Whose.
    #[ts(as = "String")]
    pub client: ClientId,
    /// First the client's own, then those of each pet; an empty card is listed too.
    pub cards: Vec<CardView>,
}

/// One card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CardView {
    /// `cli_…` or `pet_…`.
    pub of: String,
    /// The name of the client or pet.
    pub name: String,
    /// Which card.
    pub card: CardKind,
    /// Whether this seat may add to it.
    pub may_add: bool,
    /// Whether this seat may withdraw notes of it.
    pub may_withdraw: bool,
    /// Latest first, withdrawn ones too.
    pub notes: Vec<CardNoteView>,
}

/// One note of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CardNoteView {
    /// Its id.
    #[ts(as = "String")]
    pub id: NoteId,
    /// What it says.
    pub text: String,
    /// Who wrote it, in words.
    pub by: String,
    /// When, by that device's corrected clock.
    #[ts(as = "String")]
    pub at: Timestamp,
    /// Who withdrew it, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub withdrawn_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<String>")]
    pub withdrawn_at: Option<Timestamp>,
}

/// A note of a handling card that holds: to be seen before the animal is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AlertView {
    /// `cli_…` or `pet_…`.
    pub of: String,
    /// The name of the client or pet.
    pub name: String,
    /// What to be careful about.
    pub text: String,
}
