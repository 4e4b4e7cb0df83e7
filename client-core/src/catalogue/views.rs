//! Replies and answers: what faces show.

use std::collections::BTreeMap;

use conflict_rules::{AppointmentId, ClaimKind, ClaimState, LocationId, ResourceId, Source};
use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{
    AlarmView, AlertView, AuditView, CardsView, CareView, ClientId, ErasuresView, PeopleView,
    PetId, RestrictionView, RetentionView, ServiceId, VerdictWish, Warning,
};

/// What a member of staff does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StaffRole {
    /// Runs the business.
    Owner,
    /// Runs a site.
    Manager,
    /// Treats.
    Vet,
    /// Grooms, cuts, washes.
    Groomer,
    /// Receives.
    Receptionist,
}

/// The reply to a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Reply {
    /// The id of what was made or changed, in its text form.
    pub id: String,
    /// What to hand to `undo`; missing where there is nothing to take back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub undo: Option<u64>,
    /// What a person should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// One sentence for the status line, e.g. what an undo took back.
    pub said: String,
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Answer {
    /// To `Practice`.
    Practice(PracticeView),
    /// To `Day`.
    Day(DayView),
    /// To `Visit`.
    Visit(VisitDetails),
    /// To `Free`.
    Free {
        /// Ascending by start.
        slots: Vec<SlotView>,
    },
    /// To `Search` and `Clients`.
    Found {
        /// Best first, or by name.
        clients: Vec<ClientSummary>,
        /// How many there are in all.
        total: u32,
    },
    /// To `Client`.
    Client(ClientView),
    /// To `Cards`.
    Cards(CardsView),
    /// To `Reviews`.
    Reviews {
        /// Most urgent first.
        reviews: Vec<ReviewView>,
    },
    /// To `Clashes`.
    Clashes {
        /// Sorted; the same on every replica with the same heads.
        clashes: Vec<ClashView>,
        /// Hash over them, hexadecimal.
        hash: String,
    },
    /// To `State`.
    State(StateView),
    /// To `People`.
    People(PeopleView),
    /// To `Audit`.
    Audit(AuditView),
    /// To `Erasures`.
    Erasures(ErasuresView),
    /// To `Retention`.
    Retention(RetentionView),
    /// To `Check`.
    Check(CheckView),
}

/// What the desk is set up with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PracticeView {
    /// Its name.
    pub name: String,
    /// The role of the seat in use.
    pub role: StaffRole,
    /// Its sites.
    pub locations: Vec<LocationView>,
    /// Its people.
    pub staff: Vec<StaffView>,
    /// Rooms, tables, chairs, machines.
    pub rooms: Vec<RoomView>,
    /// What is sold.
    pub services: Vec<ServiceView>,
}

/// A site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LocationView {
    /// Its id.
    #[ts(as = "String")]
    pub id: LocationId,
    /// Its name.
    pub name: String,
    /// IANA zone.
    pub zone: String,
    /// Seven days, Monday first.
    #[ts(type = "Array<Array<[string, string]>>")]
    pub weekly: Vec<Vec<(Time, Time)>>,
    /// Days closed.
    #[ts(as = "Vec<String>")]
    pub closed: Vec<Date>,
}

/// A member of staff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct StaffView {
    /// The resource that visits occupy.
    #[ts(as = "String")]
    pub id: ResourceId,
    /// Name.
    pub name: String,
    /// What they do.
    pub role: StaffRole,
    /// Where.
    #[ts(as = "Vec<String>")]
    pub locations: Vec<LocationId>,
    /// Palette index 0 to 11.
    pub colour: u8,
    /// Takes no new bookings.
    pub retired: bool,
    /// Weekly hours by site; a site not listed means the site's own hours.
    #[ts(type = "Record<string, Array<Array<[string, string]>>>")]
    pub hours: BTreeMap<LocationId, Vec<Vec<(Time, Time)>>>,
    /// Days off, at every site; whoever sets hours sends them again.
    #[ts(as = "Vec<String>")]
    pub closed: Vec<Date>,
}

/// A room, table, chair or machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoomView {
    /// Its id.
    #[ts(as = "String")]
    pub id: ResourceId,
    /// Name.
    pub name: String,
    /// Where.
    #[ts(as = "String")]
    pub location: LocationId,
    /// How many visits at once.
    pub capacity: u16,
    /// Takes no new bookings.
    pub retired: bool,
}

/// Something that is sold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ServiceView {
    /// Its id.
    #[ts(as = "String")]
    pub id: ServiceId,
    /// Name.
    pub name: String,
    /// Whole length in minutes without buffers.
    pub minutes: u32,
    /// Its parts.
    pub parts: Vec<super::ServicePart>,
    /// Who can do it; empty: everyone.
    #[ts(as = "Vec<String>")]
    pub staff: Vec<ResourceId>,
    /// Where it can be done; empty: no room needed.
    #[ts(as = "Vec<String>")]
    pub rooms: Vec<ResourceId>,
    /// Price in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub price_minor: Option<i64>,
    /// ISO 4217.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub currency: Option<String>,
    /// Takes no new bookings.
    pub retired: bool,
}

/// One day of a site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DayView {
    /// Which site.
    #[ts(as = "String")]
    pub location: LocationId,
    /// Which day.
    #[ts(as = "String")]
    pub date: Date,
    /// IANA zone.
    pub zone: String,
    /// First instant of the day.
    #[ts(as = "String")]
    pub starts: Timestamp,
    /// 23, 24 or 25 hours, in minutes.
    pub minutes: u32,
    /// When the site is open, on its own clock.
    #[ts(type = "Array<[string, string]>")]
    pub open: Vec<(DateTime, DateTime)>,
    /// When each member of staff works, on the clock of the site.
    #[ts(type = "Record<string, Array<[string, string]>>")]
    pub working: BTreeMap<ResourceId, Vec<(DateTime, DateTime)>>,
    /// Visits and blocks that touch the day, by start; cancelled ones included.
    pub visits: Vec<VisitView>,
    /// What staff of this site do at other sites that day (shown as taken).
    pub elsewhere: Vec<TakenView>,
}

/// Why a visit is known to be safe, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Saved here; not granted yet.
    Tentative,
    /// Granted by the relay.
    Confirmed,
    /// Refused by the relay: another has the slot.
    Refused,
}

/// How far a visit has come, for faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum VisitState {
    /// Agreed.
    Booked,
    /// Here.
    Arrived,
    /// Being treated.
    InProgress,
    /// Over.
    Done,
    /// Did not come.
    NoShow,
    /// Called off.
    Cancelled,
}

/// A visit on the grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct VisitView {
    /// Its id.
    #[ts(as = "String")]
    pub id: AppointmentId,
    /// Visit or block.
    #[ts(type = "'visit' | 'block'")]
    pub kind: ClaimKind,
    /// Start on the clock of the site.
    #[ts(as = "String")]
    pub start: DateTime,
    /// End of the last work on the clock of the site.
    #[ts(as = "String")]
    pub end: DateTime,
    /// First instant.
    #[ts(as = "String")]
    pub starts: Timestamp,
    /// Last instant, buffers included.
    #[ts(as = "String")]
    pub ends: Timestamp,
    /// What is occupied, part by part (columns are drawn from these).
    pub parts: Vec<PartView>,
    /// State, merged.
    pub state: VisitState,
    /// Saved here, granted, or refused.
    pub standing: Standing,
    /// Who wrote it.
    #[ts(type = "'desk' | 'account' | 'api' | 'import'")]
    pub source: Source,
    /// Whether a clash, contradiction or double placement waits.
    pub flagged: bool,
    /// More than one placement after concurrent moves: this is one of them.
    pub doubled: bool,
    /// `None` while the details are on the way or not readable by this seat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub details: Option<VisitText>,
}

/// One occupied range of one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PartView {
    /// What.
    #[ts(as = "String")]
    pub resource: ResourceId,
    /// From, on the clock of the site.
    #[ts(as = "String")]
    pub from: DateTime,
    /// Until, on the clock of the site.
    #[ts(as = "String")]
    pub until: DateTime,
    /// Cleaning or preparation.
    pub buffer: bool,
}

/// The readable part of a visit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct VisitText {
    /// Client's name, or the title of a block.
    pub title: String,
    /// Who pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<String>")]
    pub client: Option<ClientId>,
    /// First phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub phone: Option<String>,
    /// Who is treated.
    pub pets: Vec<PetSummary>,
    /// Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<String>")]
    pub service: Option<ServiceId>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub service_name: Option<String>,
    /// Note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub note: Option<String>,
    /// Why it was cancelled, double booked or decided.
    pub reasons: Vec<String>,
    /// What to be careful about with those who come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<AlertView>>")]
    pub alerts: Vec<AlertView>,
    /// What is kept about the client may not be used.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub restricted: bool,
}

/// Time taken at another site, without details.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct TakenView {
    /// Who.
    #[ts(as = "String")]
    pub resource: ResourceId,
    /// Where.
    #[ts(as = "String")]
    pub location: LocationId,
    /// From, on the clock of the site asked for.
    #[ts(as = "String")]
    pub from: DateTime,
    /// Until.
    #[ts(as = "String")]
    pub until: DateTime,
}

/// One visit in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct VisitDetails {
    /// As on the grid.
    pub visit: VisitView,
    /// Where.
    #[ts(as = "String")]
    pub location: LocationId,
    /// States it may go to.
    pub next_states: Vec<VisitState>,
    /// Reviews it is part of.
    pub reviews: Vec<String>,
}

/// A pet in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PetSummary {
    /// Its id.
    #[ts(as = "String")]
    pub id: PetId,
    /// Name.
    pub name: String,
    /// Species, or empty.
    pub species: String,
    /// Breed, or empty.
    pub breed: String,
    /// Microchip number, or empty.
    pub microchip: String,
}

/// A client in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ClientSummary {
    /// Id.
    #[ts(as = "String")]
    pub id: ClientId,
    /// Name.
    pub name: String,
    /// Phone numbers.
    pub phones: Vec<String>,
    /// E-mail, or empty.
    pub email: String,
    /// Pets.
    pub pets: Vec<PetSummary>,
    /// What is kept about the client may not be used.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub restricted: bool,
}

/// A client in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ClientView {
    /// As in a list.
    pub client: ClientSummary,
    /// Note, or empty.
    pub note: String,
    /// Why this client must be kept, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[ts(optional, as = "Option<String>")]
    pub hold: String,
    /// Why what is kept may not be used, while it may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub restriction: Option<RestrictionView>,
    /// Visits known to this replica, latest first, at most 50.
    pub visits: Vec<PastVisit>,
    /// Where each site's defaults for the next booking come from: the last visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub last: Option<PastVisit>,
    /// What to be careful about with the client and all pets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<AlertView>>")]
    pub alerts: Vec<AlertView>,
}

/// A visit in a client's list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PastVisit {
    /// Its id.
    #[ts(as = "String")]
    pub id: AppointmentId,
    /// Where.
    #[ts(as = "String")]
    pub location: LocationId,
    /// When, on the clock of the site.
    #[ts(as = "String")]
    pub start: DateTime,
    /// With whom.
    #[ts(as = "Vec<String>")]
    pub resources: Vec<ResourceId>,
    /// For what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<String>")]
    pub service: Option<ServiceId>,
    /// State.
    pub state: VisitState,
}

/// A slot on offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SlotView {
    /// Start on the clock of the site.
    #[ts(as = "String")]
    pub start: DateTime,
    /// End of work.
    #[ts(as = "String")]
    pub end: DateTime,
    /// With whom.
    #[ts(as = "String")]
    pub staff: ResourceId,
    /// Their name.
    pub staff_name: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<String>")]
    pub room: Option<ResourceId>,
    /// The room's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub room_name: Option<String>,
}

/// A clash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ClashView {
    /// What is taken beyond its capacity.
    #[ts(as = "String")]
    pub resource: ResourceId,
    /// From.
    #[ts(as = "String")]
    pub from: Timestamp,
    /// Until.
    #[ts(as = "String")]
    pub until: Timestamp,
    /// The claims that cannot all stand, sorted.
    #[ts(as = "Vec<String>")]
    pub claims: Vec<AppointmentId>,
}

/// What waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReviewView {
    /// Stable over replicas.
    pub id: String,
    /// What kind.
    pub kind: ReviewKind,
    /// When the first visit concerned starts.
    #[ts(as = "String")]
    pub starts: Timestamp,
    /// Why it waits, in one sentence.
    pub why: String,
    /// What exceeds its capacity, with names.
    pub resources: Vec<String>,
    /// The visits concerned.
    pub visits: Vec<ReviewVisit>,
    /// What the rule suggests, if it has an opinion: one key applies it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub suggestion: Option<SuggestionView>,
    /// Where people said different things about how far a visit has come: no decision settles
    /// that, one of these states does, written with `set_state` by anyone who may check in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub states: Option<StatesView>,
    /// Whether this seat may decide, or only propose.
    pub may_decide: bool,
}

/// States that met on one visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct StatesView {
    /// What was said, sorted.
    pub said: Vec<VisitState>,
    /// What it comes to; saying it again settles the case.
    pub stands: VisitState,
    /// What else settles it: the states it may go to from there.
    pub next: Vec<VisitState>,
}

/// Kinds of review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReviewKind {
    /// Visits that cannot all stand.
    Clash,
    /// One visit, moved to two places at once.
    TwoPlaces,
    /// Two people answered differently.
    Contradiction,
    /// A zone's rules changed under a booking.
    ZoneShift,
    /// Two acts on one visit that a person should see.
    Acts,
}

/// A visit in a review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReviewVisit {
    /// As on the grid.
    pub visit: VisitView,
    /// At which site it was booked.
    #[ts(as = "String")]
    pub location: LocationId,
    /// Its site's name.
    pub location_name: String,
    /// Which seat's device wrote it, in words.
    pub made_by: String,
    /// When it was written, by that device's corrected clock.
    #[ts(as = "String")]
    pub made_at: Timestamp,
    /// Three next best slots for it.
    pub alternatives: Vec<SlotView>,
}

/// What the precedence table says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SuggestionView {
    /// Why, in one sentence.
    pub because: String,
    /// The verdicts that `decide` would carry.
    pub verdicts: Vec<VerdictWish>,
}

/// What would happen at a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CheckView {
    /// Free, with hours respected.
    pub ok: bool,
    /// Visits in the way.
    pub clashes: Vec<ClashView>,
    /// What to know.
    pub warnings: Vec<Warning>,
    /// End of work on the clock of the site.
    #[ts(as = "String")]
    pub end: DateTime,
    /// Next best slots when not ok.
    pub alternatives: Vec<SlotView>,
}

/// Where this replica stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct StateView {
    /// Hash over all entries held, hexadecimal.
    pub entries: String,
    /// Hash over all document heads.
    pub heads: String,
    /// Hash over the clashes.
    pub clashes: String,
    /// Hash over the rendered schedule.
    pub rendering: String,
    /// Entries without a receipt.
    #[ts(type = "number")]
    pub outbox: u64,
    /// Live claims granted by the relay.
    #[ts(type = "number")]
    pub confirmed: u64,
    /// Live claims not granted (yet).
    #[ts(type = "number")]
    pub tentative: u64,
    /// How many reviews wait.
    #[ts(type = "number")]
    pub reviews: u64,
    /// Per feed.
    pub feeds: Vec<FeedState>,
    /// What the connection does.
    pub link: LinkState,
    /// The relay's address, if one is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub relay: Option<String>,
    /// When this replica last was in step with the relay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<String>")]
    pub in_step_at: Option<Timestamp>,
    /// Relay time minus this machine's, in seconds, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub clock_offset: Option<i64>,
    /// What a person should look into: copied device, relay rolled back, masked changes, ...
    pub alarms: Vec<AlarmView>,
    /// Whether a backup exists outside this machine's home, and when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<String>")]
    pub backup_at: Option<Timestamp>,
    /// How this home is cared for against loss.
    #[serde(default)]
    pub care: CareView,
}

/// One feed of a replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FeedState {
    /// `practice`, `schedule/loc_…`, ...
    pub feed: String,
    /// The relay's epoch.
    pub epoch: u32,
    /// The last position held.
    #[ts(type = "number")]
    pub sequence: u64,
    /// The chain there, hexadecimal.
    pub chain: String,
}

/// What the connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// No relay is set: this machine alone.
    NoRelay,
    /// Not connected; work goes on.
    Offline,
    /// Signing in.
    Connecting,
    /// Connected, fetching or sending.
    CatchingUp,
    /// Connected and holding all.
    InStep,
}

impl From<ClaimState> for VisitState {
    fn from(state: ClaimState) -> Self {
        match state {
            ClaimState::Booked => Self::Booked,
            ClaimState::Arrived => Self::Arrived,
            ClaimState::InProgress => Self::InProgress,
            ClaimState::Done => Self::Done,
            ClaimState::NoShow => Self::NoShow,
            ClaimState::Cancelled => Self::Cancelled,
        }
    }
}
