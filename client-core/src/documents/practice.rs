//! What the practice is set up with: its name, sites, staff, rooms, services.
//!
//! One register per field: two desks that edit different fields of one entry both succeed. An
//! entry is shown once its name (for a site also its zone) can be read. Capacities and zones that
//! the relay needs are in the grid as well.

use std::collections::{BTreeMap, BTreeSet};

use conflict_rules::{LocationId, OpeningHours, ResourceId, WeeklyHours, ids, time_zone};
use jiff::civil::Date;
use schedule::{CheckedChange, Hlc, HostileChange, NewChange, Received};
use sync_protocol::{OrgId, SeatId};

use super::{
    code,
    registers::{DocumentError, Layout, Registers, Stamped, latest},
};
use crate::catalogue::{RecordKind, ServiceId, ServicePart, StaffRole};

const PRACTICE: usize = 0;
const LOCATIONS: usize = 1;
const STAFF: usize = 2;
const ROOMS: usize = 3;
const SERVICES: usize = 4;

/// Begins the field of how long something is kept.
const RETENTION: &str = "retention.";
/// For how many days a device opens everything without the relay's word, when nobody says otherwise.
pub const USUAL_LEASE: u16 = 90;
/// What an owner may say.
pub const LEASE_DAYS: std::ops::RangeInclusive<u16> = 7..=365;
/// The field of [`Practice::lease_days`].
const LEASE: &str = "lease_days";
/// Begins the field of a seat's name.
const SEAT: &str = "seat.";

static LAYOUT: Layout = Layout {
    domain: "daybook practice genesis v1",
    containers: &["practice", "locations", "staff", "rooms", "services"],
};

/// The practice, read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Practice {
    /// Its name, or empty.
    pub name: String,
    /// Its sites.
    pub locations: BTreeMap<LocationId, Location>,
    /// Its people.
    pub staff: BTreeMap<ResourceId, Staff>,
    /// Rooms, tables, chairs, machines.
    pub rooms: BTreeMap<ResourceId, Room>,
    /// What is sold.
    pub services: BTreeMap<ServiceId, Service>,
    /// What seats are called, of those that have a name.
    pub seats: BTreeMap<SeatId, String>,
    /// For how many months after the last visit records are kept; for ever what is not listed.
    pub retention: BTreeMap<RecordKind, u16>,
    /// For how many days a device opens everything without the relay's word, where an owner said.
    pub lease_days: Option<u16>,
}

/// A site.
#[derive(Debug, Clone, PartialEq)]
pub struct Location {
    /// Its name.
    pub name: String,
    /// An IANA zone.
    pub zone: String,
    /// When it is open.
    pub hours: OpeningHours,
    /// Takes no new bookings.
    pub retired: bool,
}

/// A member of staff.
#[derive(Debug, Clone, PartialEq)]
pub struct Staff {
    /// Name.
    pub name: String,
    /// What they do.
    pub role: StaffRole,
    /// Where.
    pub locations: Vec<LocationId>,
    /// Palette index 0 to 11.
    pub colour: u8,
    /// Takes no new bookings.
    pub retired: bool,
    /// Weekly hours by site; under `None` those of all sites not listed. Without either the
    /// site's own hold.
    pub hours: BTreeMap<Option<LocationId>, WeeklyHours>,
    /// Days off.
    pub off: BTreeSet<Date>,
}

/// A room, table, chair or machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Room {
    /// Name.
    pub name: String,
    /// Where.
    pub location: LocationId,
    /// Takes no new bookings.
    pub retired: bool,
}

/// Something that is sold.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Name.
    pub name: String,
    /// Its parts.
    pub parts: Vec<ServicePart>,
    /// Who can do it; empty: everyone.
    pub staff: Vec<ResourceId>,
    /// Where it can be done; empty: no room needed.
    pub rooms: Vec<ResourceId>,
    /// Minor units and ISO 4217 code.
    pub price: Option<(i64, String)>,
    /// Takes no new bookings.
    pub retired: bool,
}

/// What to set of a site; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct LocationFields {
    /// Its name.
    pub name: Option<String>,
    /// An IANA zone.
    pub zone: Option<String>,
    /// The ordinary week.
    pub weekly: Option<WeeklyHours>,
    /// Days closed.
    pub closed: Option<BTreeSet<Date>>,
    /// Takes no new bookings.
    pub retired: Option<bool>,
}

/// What to set of a member of staff; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct StaffFields {
    /// Name.
    pub name: Option<String>,
    /// What they do.
    pub role: Option<StaffRole>,
    /// Where.
    pub locations: Option<Vec<LocationId>>,
    /// Palette index.
    pub colour: Option<u8>,
    /// Takes no new bookings.
    pub retired: Option<bool>,
    /// Weekly hours at a site, or with `None` wherever nothing else is said.
    pub hours: Option<(Option<LocationId>, WeeklyHours)>,
    /// Days off.
    pub off: Option<BTreeSet<Date>>,
}

/// What to set of a room; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct RoomFields {
    /// Name.
    pub name: Option<String>,
    /// Where.
    pub location: Option<LocationId>,
    /// Takes no new bookings.
    pub retired: Option<bool>,
}

/// What to set of a service; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct ServiceFields {
    /// Name.
    pub name: Option<String>,
    /// Its parts.
    pub parts: Option<Vec<ServicePart>>,
    /// Who can do it.
    pub staff: Option<Vec<ResourceId>>,
    /// Where.
    pub rooms: Option<Vec<ResourceId>>,
    /// Minor units and currency; `Some(None)` takes the price away.
    pub price: Option<Option<(i64, String)>>,
    /// Takes no new bookings.
    pub retired: Option<bool>,
}

/// The practice document.
#[derive(Debug, Clone)]
pub struct PracticeDoc {
    registers: Registers,
}

/// Values to put, each under `<id>.<field>`.
struct Puts {
    container: usize,
    id: String,
    fields: Vec<(usize, String, Vec<u8>)>,
}

impl Puts {
    fn of(container: usize, id: [u8; 16]) -> Self {
        Self {
            container,
            id: ids::hex(id),
            fields: Vec::new(),
        }
    }

    fn put(&mut self, field: &str, payload: Option<Vec<u8>>) {
        if let Some(payload) = payload {
            let key = format!("{}.{field}", self.id);
            self.fields.push((self.container, key, payload));
        }
    }
}

impl PracticeDoc {
    /// The document as it begins: the same bytes on every replica of the organisation.
    pub fn genesis(org: OrgId) -> Result<Self, DocumentError> {
        let registers = Registers::genesis(&LAYOUT, org.as_bytes())?;
        Ok(Self { registers })
    }

    /// Names the practice.
    pub fn set_name(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        name: &str,
    ) -> Result<Option<NewChange>, DocumentError> {
        let put = (PRACTICE, "name".to_owned(), code::write(name));
        self.registers.write(actor, clock, &[put])
    }

    /// Says for how many days a device keeps opening everything without the relay's word.
    pub fn set_lease(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        days: u16,
    ) -> Result<Option<NewChange>, DocumentError> {
        let put = (PRACTICE, LEASE.to_owned(), code::write(days));
        self.registers.write(actor, clock, &[put])
    }

    /// Says what a seat is called; nothing takes its name away.
    pub fn name_seat(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        seat: SeatId,
        name: &str,
    ) -> Result<Option<NewChange>, DocumentError> {
        let field = format!("{SEAT}{}", ids::hex(seat.to_bytes()));
        self.registers
            .write(actor, clock, &[(PRACTICE, field, code::write(name))])
    }

    /// Says how many months something is kept; nothing means for ever.
    pub fn set_retention(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        kept: RecordKind,
        months: Option<u16>,
    ) -> Result<Option<NewChange>, DocumentError> {
        let field = format!("{RETENTION}{}", kept.as_str());
        let payload = code::write(months.unwrap_or_default());
        self.registers
            .write(actor, clock, &[(PRACTICE, field, payload)])
    }

    /// Adds or edits a site.
    pub fn put_location(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        id: LocationId,
        fields: &LocationFields,
    ) -> Result<Option<NewChange>, DocumentError> {
        let mut puts = Puts::of(LOCATIONS, id.to_bytes());
        puts.put("name", fields.name.as_ref().map(code::write));
        puts.put("zone", fields.zone.as_ref().map(code::write));
        puts.put("weekly", fields.weekly.as_ref().map(code::write_weekly));
        puts.put("closed", fields.closed.as_ref().map(code::write_dates));
        puts.put("retired", fields.retired.map(code::write));
        self.registers.write(actor, clock, &puts.fields)
    }

    /// Adds or edits a member of staff.
    pub fn put_staff(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        id: ResourceId,
        fields: &StaffFields,
    ) -> Result<Option<NewChange>, DocumentError> {
        let mut puts = Puts::of(STAFF, id.to_bytes());
        puts.put("name", fields.name.as_ref().map(code::write));
        puts.put("role", fields.role.map(code::write_role));
        puts.put("locations", fields.locations.as_ref().map(code::write));
        puts.put("colour", fields.colour.map(code::write));
        puts.put("retired", fields.retired.map(code::write));
        if let Some((at, weekly)) = &fields.hours {
            let field = at.map_or_else(
                || "hours".to_owned(),
                |at| format!("hours.{}", ids::hex(at.to_bytes())),
            );
            puts.put(&field, Some(code::write_weekly(weekly)));
        }
        puts.put("off", fields.off.as_ref().map(code::write_dates));
        self.registers.write(actor, clock, &puts.fields)
    }

    /// Adds or edits a room.
    pub fn put_room(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        id: ResourceId,
        fields: &RoomFields,
    ) -> Result<Option<NewChange>, DocumentError> {
        let mut puts = Puts::of(ROOMS, id.to_bytes());
        puts.put("name", fields.name.as_ref().map(code::write));
        puts.put("location", fields.location.map(code::write));
        puts.put("retired", fields.retired.map(code::write));
        self.registers.write(actor, clock, &puts.fields)
    }

    /// Adds or edits a service.
    pub fn put_service(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        id: ServiceId,
        fields: &ServiceFields,
    ) -> Result<Option<NewChange>, DocumentError> {
        let mut puts = Puts::of(SERVICES, id.to_bytes());
        puts.put("name", fields.name.as_ref().map(code::write));
        puts.put("parts", fields.parts.as_deref().map(code::write_parts));
        puts.put("staff", fields.staff.as_ref().map(code::write));
        puts.put("rooms", fields.rooms.as_ref().map(code::write));
        puts.put("price", fields.price.as_ref().map(code::write));
        puts.put("retired", fields.retired.map(code::write));
        self.registers.write(actor, clock, &puts.fields)
    }

    /// Takes in changes that have passed [`schedule::safety::check`], all or none.
    pub fn receive(&mut self, changes: &[CheckedChange]) -> Result<Received, HostileChange> {
        self.registers.receive(changes)
    }

    /// From now on reads as if these changes had written nothing.
    pub fn mask(&mut self, changes: BTreeSet<[u8; 32]>) {
        self.registers.mask(changes);
    }

    /// Hashes of the latest changes, sorted; empty as long as nothing was written.
    pub fn heads(&self) -> Vec<[u8; 32]> {
        self.registers.heads()
    }

    /// Whether this change is in the document.
    pub fn holds(&self, hash: [u8; 32]) -> bool {
        self.registers.holds(hash)
    }

    /// The text under a key when these were the latest changes; nothing for values that are no
    /// text. Keys are told apart by the ids in them.
    pub(crate) fn text_at(&self, key: &str, heads: &[[u8; 32]]) -> Option<String> {
        (0..LAYOUT.containers.len()).find_map(|container| {
            let standing = self.registers.at(container, key, heads);
            code::owned(&standing.first()?.payload)
        })
    }

    /// A rule of retention in words when these were the latest changes.
    pub(crate) fn months_at(&self, key: &str, heads: &[[u8; 32]]) -> Option<String> {
        let standing = self.registers.at(PRACTICE, key, heads);
        match code::owned::<u16>(&standing.first()?.payload)? {
            0 => Some("for ever".to_owned()),
            months => Some(format!("{months} months after the last visit")),
        }
    }

    /// Everything, typed.
    pub fn practice(&self) -> Practice {
        let name = latest(
            Some(&self.registers.standing(PRACTICE, "name")),
            code::owned::<String>,
        );
        let named = self.registers.entries(PRACTICE).into_iter();
        let seats = named.filter_map(|(field, standing)| {
            let seat = SeatId::from_bytes(sixteen(field.strip_prefix(SEAT)?)?);
            let name = latest(Some(&standing), code::owned::<String>)?;
            (!name.is_empty()).then_some((seat, name))
        });
        let retention = RecordKind::ALL.into_iter().filter_map(|kept| {
            let field = format!("{RETENTION}{}", kept.as_str());
            let standing = self.registers.standing(PRACTICE, &field);
            let months = latest(Some(&standing), code::owned::<u16>)?;
            (months > 0).then_some((kept, months))
        });
        Practice {
            name: name.unwrap_or_default(),
            retention: retention.collect(),
            seats: seats.collect(),
            lease_days: latest(
                Some(&self.registers.standing(PRACTICE, LEASE)),
                code::owned::<u16>,
            ),
            locations: self
                .entities(LOCATIONS)
                .into_iter()
                .filter_map(|(id, entity)| Some((LocationId::from_bytes(id), entity.location()?)))
                .collect(),
            staff: self
                .entities(STAFF)
                .into_iter()
                .filter_map(|(id, entity)| Some((ResourceId::from_bytes(id), entity.staff()?)))
                .collect(),
            rooms: self
                .entities(ROOMS)
                .into_iter()
                .filter_map(|(id, entity)| Some((ResourceId::from_bytes(id), entity.room()?)))
                .collect(),
            services: self
                .entities(SERVICES)
                .into_iter()
                .filter_map(|(id, entity)| Some((ServiceId::from_bytes(id), entity.service()?)))
                .collect(),
        }
    }

    fn entities(&self, container: usize) -> BTreeMap<[u8; 16], Entity> {
        let mut entities: BTreeMap<[u8; 16], Entity> = BTreeMap::new();
        for (key, standing) in self.registers.entries(container) {
            if let Some((id, field)) = key.split_once('.')
                && let Some(id) = sixteen(id)
            {
                let entity = entities.entry(id).or_default();
                entity.0.insert(field.to_owned(), standing);
            }
        }
        entities
    }
}

pub(super) fn sixteen(hex: &str) -> Option<[u8; 16]> {
    let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).ok()?;
    bytes.try_into().ok()
}

/// Fields of one entry as they stand.
#[derive(Default)]
struct Entity(BTreeMap<String, Vec<Stamped>>);

impl Entity {
    fn get<T>(&self, field: &str, read: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        latest(self.0.get(field), read)
    }

    fn retired(&self) -> bool {
        self.get("retired", code::owned).unwrap_or(false)
    }

    fn location(&self) -> Option<Location> {
        let zone =
            |bytes: &[u8]| code::read::<String>(bytes).filter(|zone| time_zone(zone).is_some());
        Some(Location {
            name: self.get("name", code::owned)?,
            zone: self.get("zone", zone)?,
            hours: OpeningHours {
                weekly: self.get("weekly", code::read_weekly).unwrap_or_default(),
                closed: self.get("closed", code::read_dates).unwrap_or_default(),
                special: BTreeMap::new(),
            },
            retired: self.retired(),
        })
    }

    fn staff(&self) -> Option<Staff> {
        let hours = self.0.iter().filter_map(|(field, standing)| {
            let at = match field.strip_prefix("hours")? {
                "" => None,
                site => Some(LocationId::from_bytes(sixteen(site.strip_prefix('.')?)?)),
            };
            Some((at, latest(Some(standing), code::read_weekly)?))
        });
        Some(Staff {
            name: self.get("name", code::owned)?,
            role: self
                .get("role", code::read_role)
                .unwrap_or(StaffRole::Receptionist),
            locations: self.get("locations", code::owned).unwrap_or_default(),
            colour: self.get("colour", code::owned).unwrap_or(0),
            retired: self.retired(),
            hours: hours.collect(),
            off: self.get("off", code::read_dates).unwrap_or_default(),
        })
    }

    fn room(&self) -> Option<Room> {
        Some(Room {
            name: self.get("name", code::owned)?,
            location: self.get("location", code::owned)?,
            retired: self.retired(),
        })
    }

    fn service(&self) -> Option<Service> {
        Some(Service {
            name: self.get("name", code::owned)?,
            parts: self.get("parts", code::read_parts).unwrap_or_default(),
            staff: self.get("staff", code::owned).unwrap_or_default(),
            rooms: self.get("rooms", code::owned).unwrap_or_default(),
            price: self.get("price", code::owned).unwrap_or_default(),
            retired: self.retired(),
        })
    }
}
