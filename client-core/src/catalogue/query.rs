//! What only asks.

use conflict_rules::{AppointmentId, LocationId, ResourceId};
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{AuditQuery, ClientId, ServiceId};

/// A question. `{"type": "day", "location": "loc_…", "date": "2026-03-02"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Query {
    /// Staff, rooms, services, hours: what the desk is set up with. Answer: `Practice`.
    Practice,
    /// One day of a site. Answer: `Day`.
    Day {
        /// Which site.
        #[ts(as = "String")]
        location: LocationId,
        /// Which day, on the clock of the site.
        #[ts(as = "String")]
        date: Date,
    },
    /// One visit with all its details and history of placements. Answer: `Visit`.
    Visit {
        /// Which.
        #[ts(as = "String")]
        appointment: AppointmentId,
    },
    /// The next free slots. Answer: `Free`.
    Free(FreeQuery),
    /// Clients and pets by phone digits, name, pet or `#` microchip. Answer: `Found`.
    Search {
        /// What was typed.
        text: String,
        /// At most so many, 20 when missing.
        #[serde(default)]
        #[ts(optional = nullable)]
        limit: Option<u32>,
    },
    /// One client with pets and visits. Answer: `Client`.
    Client {
        /// Who.
        #[ts(as = "String")]
        client: ClientId,
    },
    /// The cards of a client and its pets that this seat may read. Answer: `Cards`.
    Cards {
        /// Whose.
        #[ts(as = "String")]
        client: ClientId,
    },
    /// All clients, a page at a time, by name. Answer: `Found`.
    Clients {
        /// How many to pass over.
        #[serde(default)]
        #[ts(optional = nullable)]
        skip: Option<u32>,
        /// At most so many, 100 when missing.
        #[serde(default)]
        #[ts(optional = nullable)]
        limit: Option<u32>,
    },
    /// What waits for a person, most urgent first. Answer: `Reviews`.
    Reviews,
    /// Slot clashes alone, as every replica computes them. Answer: `Clashes`.
    Clashes,
    /// Where this replica stands. Answer: `State`.
    State,
    /// Seats and devices. Answer: `People`.
    People,
    /// Who changed what, when, at which device. Answer: `Audit`.
    Audit(AuditQuery),
    /// What was erased, and which devices have done it. Answer: `Erasures`.
    Erasures,
    /// How long what is kept, and whose time is over. Answer: `Retention`.
    Retention,
    /// What would happen if a visit were put here, without writing. Answer: `Check`.
    Check(CheckQuery),
}

/// What the caller wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct FreeQuery {
    /// Where.
    #[ts(as = "String")]
    pub location: LocationId,
    /// For what; `minutes` when missing.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub service: Option<ServiceId>,
    /// A plain length.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub minutes: Option<u32>,
    /// With whom; anyone when missing.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub staff: Option<ResourceId>,
    /// From when, on the clock of the site; now when missing.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub from: Option<DateTime>,
    /// How many days to look at, 1 to 56; 14 when missing.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub days: Option<u32>,
    /// At most so many, 20 when missing.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub limit: Option<u32>,
}

/// Where the ghost of a drag stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct CheckQuery {
    /// The visit that is moved; `None` for a new one.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub appointment: Option<AppointmentId>,
    /// Where.
    #[ts(as = "String")]
    pub location: LocationId,
    /// When, on the clock of the site.
    #[ts(as = "String")]
    pub start: DateTime,
    /// With whom.
    #[ts(as = "String")]
    pub staff: ResourceId,
    /// In which room.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub room: Option<ResourceId>,
    /// What.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub service: Option<ServiceId>,
    /// How long, when not as the service says.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub minutes: Option<u32>,
}
