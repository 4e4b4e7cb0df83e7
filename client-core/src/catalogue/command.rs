//! What changes something. Every command is durable on this machine before its reply is given.

use conflict_rules::{AppointmentId, ClaimState, LocationId, ResourceId};
use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{
    ClientId, NewCardNote, PetId, RestrictClient, ServiceId, SetRetention, StaffRole,
    WithdrawCardNote,
};

/// A wish to change something. `{"type": "book", ...}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Opens a site.
    AddLocation(NewLocation),
    /// Takes on a member of staff, who is also a resource that visits occupy.
    AddStaff(NewStaff),
    /// Adds a room, table, chair or machine.
    AddRoom(NewRoom),
    /// Adds something that is sold.
    AddService(NewService),
    /// Sets when a site is open or a resource works.
    SetHours(SetHours),
    /// Renames or recolours staff, rooms, services, names a seat; `None` leaves a field as it is.
    EditEntry(EditEntry),
    /// Says for how many days, 7 to 365, a device opens everything without the relay's word. For
    /// owners.
    SetLease {
        /// How many.
        days: u16,
    },
    /// Takes a client into the book.
    AddClient(NewClient),
    /// Corrects a client; `None` leaves a field as it is.
    EditClient(EditClient),
    /// Says why a client must be kept, or that it need not be any more.
    HoldClient(HoldClient),
    /// Says that what is kept about a client may not be used, or may be again.
    RestrictClient(RestrictClient),
    /// Sets how long records are kept after a client's last visit.
    SetRetention(SetRetention),
    /// Takes a pet into the book.
    AddPet(NewPet),
    /// Corrects a pet; `None` leaves a field as it is.
    EditPet(EditPet),
    /// Adds a note to a card of a client or pet.
    AddCardNote(NewCardNote),
    /// Marks a note of a card as no longer holding.
    WithdrawCardNote(WithdrawCardNote),
    /// Agrees a visit.
    Book(Booking),
    /// Keeps time of a resource free.
    Block(NewBlock),
    /// Moves or resizes a visit; what is `None` stays.
    Move(MoveVisit),
    /// Calls a visit off.
    Cancel(CancelVisit),
    /// Says how far a visit has come.
    SetState(SetState),
    /// Changes what a visit is for.
    EditVisit(EditVisit),
    /// Answers a review.
    Decide(Decide),
    /// Takes back the last undoable command of this seat, or the one named.
    Undo(Undo),
    /// Puts back what a seat undid of others' work: visits that it called off, notes that it withdrew.
    /// For owners and managers.
    TakeBackFrom(TakeBackFrom),
}

/// A new site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewLocation {
    /// Its name, at most 200 characters.
    pub name: String,
    /// An IANA time zone such as `Europe/Madrid`.
    pub zone: String,
}

/// A new member of staff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewStaff {
    /// The name shown on the column.
    pub name: String,
    /// What they do.
    pub role: StaffRole,
    /// Where they work; the same person may work at several sites.
    #[ts(as = "Vec<String>")]
    pub locations: Vec<LocationId>,
    /// A colour of the palette, 0 to 11; chosen when missing.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub colour: Option<u8>,
}

/// A new room, table, chair or machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewRoom {
    /// Its name.
    pub name: String,
    /// Where it stands.
    #[ts(as = "String")]
    pub location: LocationId,
    /// How many visits it takes at once, at least 1.
    #[serde(default = "one")]
    pub capacity: u16,
}

fn one() -> u16 {
    1
}

/// A new service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewService {
    /// Its name.
    pub name: String,
    /// Its parts in order; the staff member is free between them where a gap is left.
    pub parts: Vec<ServicePart>,
    /// Who can do it; empty means everyone.
    #[serde(default)]
    #[ts(as = "Vec<String>")]
    pub staff: Vec<ResourceId>,
    /// Where it can be done; empty means it needs no room.
    #[serde(default)]
    #[ts(as = "Vec<String>")]
    pub rooms: Vec<ResourceId>,
    /// Price in minor units, with `currency`.
    #[serde(default)]
    #[ts(optional = nullable, type = "number")]
    pub price_minor: Option<i64>,
    /// ISO 4217 code.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub currency: Option<String>,
}

/// One part of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ServicePart {
    /// Minutes from the start of the visit.
    pub offset_minutes: u32,
    /// Its length.
    pub minutes: u32,
    /// Whether the staff member is taken.
    pub staff: bool,
    /// Whether the room is taken.
    pub room: bool,
    /// Cleaning or preparation rather than work.
    #[serde(default)]
    pub buffer: bool,
}

/// Weekly hours of a site or resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SetHours {
    /// `loc_…` for a site, `res_…` for a member of staff or a room.
    pub of: String,
    /// For staff: at which site; `None` for a site itself or for all of their sites.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub at: Option<LocationId>,
    /// Seven days, Monday first; each a list of (from, until), `00:00` as `until` means midnight.
    #[ts(type = "Array<Array<[string, string]>>")]
    pub weekly: Vec<Vec<(Time, Time)>>,
    /// Days closed.
    #[serde(default)]
    #[ts(as = "Vec<String>")]
    pub closed: Vec<Date>,
}

/// A change of a name or colour, or a retirement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct EditEntry {
    /// `loc_…`, `res_…`, `svc_…` or, for its name, `seat_…`.
    pub of: String,
    /// The new name.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub name: Option<String>,
    /// The new colour.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub colour: Option<u8>,
    /// Retired entries take no new bookings; existing ones stay.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub retired: Option<bool>,
}

/// A new client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Full name.
    pub name: String,
    /// Phone numbers as they are written; digits are what is searched.
    #[serde(default)]
    pub phones: Vec<String>,
    /// E-mail address.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub email: Option<String>,
    /// Anything to remember, at most 8,000 characters.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub note: Option<String>,
}

/// A correction of a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct EditClient {
    /// Whom.
    #[ts(as = "String")]
    pub client: ClientId,
    /// The new name.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub name: Option<String>,
    /// All phone numbers.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub phones: Option<Vec<String>>,
    /// The new address; empty removes it.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub email: Option<String>,
    /// The new note; empty removes it.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub note: Option<String>,
    /// Why it is written although the client's data are restricted.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub despite_restriction: Option<String>,
}

/// A duty to keep a client; for owners and managers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct HoldClient {
    /// Whom.
    #[ts(as = "String")]
    pub client: ClientId,
    /// Why, at most 200 characters; empty ends the duty.
    pub reason: String,
}

/// A new pet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewPet {
    /// Whose.
    #[ts(as = "String")]
    pub client: ClientId,
    /// Its name.
    pub name: String,
    /// Dog, cat, ...
    #[serde(default)]
    #[ts(optional = nullable)]
    pub species: Option<String>,
    /// Breed.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub breed: Option<String>,
    /// Microchip number.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub microchip: Option<String>,
    /// Why it is written although the client's data are restricted.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub despite_restriction: Option<String>,
}

/// A correction of a pet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct EditPet {
    /// Whom.
    #[ts(as = "String")]
    pub pet: PetId,
    /// The new name.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub name: Option<String>,
    /// The new species.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub species: Option<String>,
    /// The new breed.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub breed: Option<String>,
    /// The new microchip number.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub microchip: Option<String>,
    /// Why it is written although the client's data are restricted.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub despite_restriction: Option<String>,
}

/// A visit to agree. Either a `service` gives the pattern, or `minutes` a plain length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Booking {
    /// Where.
    #[ts(as = "String")]
    pub location: LocationId,
    /// When it starts, on the clock of the site: `2026-03-02T09:00`.
    #[ts(as = "String")]
    pub start: DateTime,
    /// With whom.
    #[ts(as = "String")]
    pub staff: ResourceId,
    /// In which room; chosen among the service's rooms when missing and one is needed.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub room: Option<ResourceId>,
    /// What is done.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub service: Option<ServiceId>,
    /// Its length where it differs from the service's.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub minutes: Option<u32>,
    /// For whom.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub client: Option<ClientId>,
    /// Which pets come.
    #[serde(default)]
    #[ts(as = "Vec<String>")]
    pub pets: Vec<PetId>,
    /// Anything to know, at most 8,000 characters.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub note: Option<String>,
    /// Books although the slot is taken, for this reason; a right of owner, manager and vet.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub double_book: Option<String>,
    /// Books outside opening hours or in the past although warned.
    #[serde(default)]
    pub despite_warnings: bool,
}

/// Time to keep free.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewBlock {
    /// Where.
    #[ts(as = "String")]
    pub location: LocationId,
    /// What.
    #[ts(as = "Vec<String>")]
    pub resources: Vec<ResourceId>,
    /// From, on the clock of the site.
    #[ts(as = "String")]
    pub start: DateTime,
    /// How long.
    pub minutes: u32,
    /// What it is called; sealed, the relay cannot read it.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub title: Option<String>,
}

/// A move or a resize.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct MoveVisit {
    /// Which visit.
    #[ts(as = "String")]
    pub appointment: AppointmentId,
    /// The new start on the clock of the site.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub start: Option<DateTime>,
    /// With whom.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub staff: Option<ResourceId>,
    /// In which room.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub room: Option<ResourceId>,
    /// The new length.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub minutes: Option<u32>,
    /// Moves although the slot is taken, for this reason.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub double_book: Option<String>,
    /// Moves although warned.
    #[serde(default)]
    pub despite_warnings: bool,
}

/// A cancellation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct CancelVisit {
    /// Which visit.
    #[ts(as = "String")]
    pub appointment: AppointmentId,
    /// Why; sealed.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub reason: Option<String>,
}

/// Arrived, in progress, done, no-show, booked again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SetState {
    /// Which visit.
    #[ts(as = "String")]
    pub appointment: AppointmentId,
    /// The new state.
    #[ts(as = "super::VisitState")]
    pub state: ClaimState,
}

/// New details of a visit; `None` leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct EditVisit {
    /// Which visit.
    #[ts(as = "String")]
    pub appointment: AppointmentId,
    /// The new note; empty removes it.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub note: Option<String>,
    /// The new client.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<String>")]
    pub client: Option<ClientId>,
    /// The new list of pets.
    #[serde(default)]
    #[ts(optional = nullable, as = "Option<Vec<String>>")]
    pub pets: Option<Vec<PetId>>,
    /// Changes it although warned.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub despite_warnings: bool,
}

/// An answer to a review: one or more verdicts that become one decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Decide {
    /// What to do with each visit.
    pub verdicts: Vec<VerdictWish>,
    /// Why; sealed.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub reason: Option<String>,
}

/// What is to become of one visit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum VerdictWish {
    /// It stands where it is.
    Keep {
        /// Which visit.
        #[ts(as = "String")]
        appointment: AppointmentId,
    },
    /// It moves.
    Move {
        /// Which visit.
        #[ts(as = "String")]
        appointment: AppointmentId,
        /// Where to: start on the site's clock.
        #[ts(as = "String")]
        start: DateTime,
        /// With whom, when another.
        #[serde(default)]
        #[ts(optional = nullable, as = "Option<String>")]
        staff: Option<ResourceId>,
        /// In which room, when another.
        #[serde(default)]
        #[ts(optional = nullable, as = "Option<String>")]
        room: Option<ResourceId>,
    },
    /// It is called off; the client is to be phoned.
    Cancel {
        /// Which visit.
        #[ts(as = "String")]
        appointment: AppointmentId,
    },
    /// Both stand, overlapping.
    AllowOverlap {
        /// One.
        #[ts(as = "String")]
        a: AppointmentId,
        /// The other.
        #[ts(as = "String")]
        b: AppointmentId,
    },
}

/// Whose doing to take back, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct TakeBackFrom {
    /// Whose, `seat_…`.
    pub seat: String,
    /// From this point in time on, by that seat's clock.
    #[ts(as = "String")]
    pub since: Timestamp,
}

/// What to take back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// The number a reply gave as `undo`; the last one when missing.
    #[serde(default)]
    #[ts(optional = nullable, type = "number")]
    pub step: Option<u64>,
}
