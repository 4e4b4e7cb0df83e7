//! Setting the practice up: sites, staff, rooms, services, hours. For owners and managers.

use std::collections::BTreeSet;

use conflict_rules::{LocationId, Need, OccupancyKind, Pattern, ResourceId, Segment, WeeklyHours};
use entry_log::Storage;
use jiff::Timestamp;
use rand_core::CryptoRng;
use sync_protocol::{FeedId, SeatId};

use super::{checks, done, undo::TakeBack};
use crate::{
    catalogue::{
        EditEntry, NewLocation, NewRoom, NewService, NewStaff, Refusal, Reply, ServiceId,
        ServicePart, SetHours,
    },
    documents::{LEASE_DAYS, LocationFields, RoomFields, ServiceFields, StaffFields, USUAL_LEASE},
    replica::{Replica, invalid, not_allowed, not_found, random, usual_hours},
};

/// The colours of the palette.
const COLOURS: u8 = 12;
/// Most sites, people or rooms that one entry names.
const MAX_LISTED: usize = 200;

/// What an `of` names.
enum Entry {
    Location(LocationId),
    Staff(ResourceId),
    Room(ResourceId),
    Service(ServiceId),
    Seat(SeatId),
}

fn colour(field: &str, colour: u8) -> Result<u8, Refusal> {
    if colour < COLOURS {
        Ok(colour)
    } else {
        Err(invalid(
            field,
            "There is no such colour.",
            "Choose 0 to 11.",
        ))
    }
}

/// The stretches of a service, if they make one that can be booked.
fn check_parts(parts: &[ServicePart]) -> Result<(), Refusal> {
    let wrong = |message: &str| {
        invalid(
            "parts",
            message,
            "Give at least one part of work with minutes, that takes staff or a room.",
        )
    };
    let mut segments = Vec::new();
    for part in parts {
        if !part.staff && !part.room {
            return Err(wrong("A part of the service takes neither staff nor room."));
        }
        checks::minutes("parts", part.minutes)?;
        if part.offset_minutes > 31 * 24 * 60 {
            return Err(wrong("A part of the service begins too late."));
        }
        let kind = if part.buffer {
            OccupancyKind::Buffer
        } else {
            OccupancyKind::Work
        };
        let needs = [(part.staff, Need::Staff), (part.room, Need::Room)];
        for (_, needs) in needs.into_iter().filter(|(taken, _)| *taken) {
            segments.push(Segment {
                offset_minutes: part.offset_minutes,
                minutes: part.minutes,
                kind,
                needs,
            });
        }
    }
    match Pattern::new(segments) {
        Ok(_) => Ok(()),
        Err(error) => Err(wrong(&format!("The parts make no service: {error}."))),
    }
}

fn price(minor: Option<i64>, currency: Option<&str>) -> Result<Option<(i64, String)>, Refusal> {
    match (minor, currency) {
        (None, None) => Ok(None),
        (Some(minor), Some(currency)) => {
            let iso = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
            if !iso {
                return Err(invalid(
                    "currency",
                    "This is not a currency code.",
                    "Use three letters such as EUR.",
                ));
            }
            if minor < 0 {
                return Err(invalid(
                    "price_minor",
                    "A price is not below zero.",
                    "Leave it away if there is none.",
                ));
            }
            Ok(Some((minor, currency.to_owned())))
        }
        (Some(_), None) => Err(invalid(
            "currency",
            "A price needs its currency.",
            "Add the code, such as EUR.",
        )),
        (None, Some(_)) => Err(invalid(
            "price_minor",
            "A currency needs its price.",
            "Add the price, or leave both away.",
        )),
    }
}

impl<S: Storage> Replica<S> {
    fn may_set_up(&self) -> Result<(), Refusal> {
        if self
            .role()
            .is_some_and(|role| role.may_write(FeedId::Practice))
        {
            Ok(())
        } else {
            Err(not_allowed(
                "change sites, staff, rooms or services",
                "an owner or manager",
            ))
        }
    }

    fn check_locations(&self, field: &str, locations: &[LocationId]) -> Result<(), Refusal> {
        let known = &self.book.practice().locations;
        if locations.len() > MAX_LISTED {
            return Err(invalid(field, "These are too many.", "Name fewer."));
        }
        if locations.iter().all(|id| known.contains_key(id)) {
            Ok(())
        } else {
            Err(not_found(field, "site"))
        }
    }

    pub(super) fn add_location(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        new: &NewLocation,
    ) -> Result<Reply, Refusal> {
        self.may_set_up()?;
        let name = checks::name("name", &new.name)?;
        checks::zone("zone", &new.zone)?;
        let id = LocationId::from_bytes(random(rng));
        let mut batch = self.begin(now, rng);
        batch.grid(&self.book, |grid, actor| {
            Ok(grid.set_zone(actor, id, &new.zone)?)
        })?;
        batch.practice(&self.book, |doc, actor, clock| {
            let fields = LocationFields {
                name: Some(name),
                zone: Some(new.zone.clone()),
                weekly: Some(usual_hours()),
                ..LocationFields::default()
            };
            Ok(doc.put_location(actor, clock, id, &fields)?)
        })?;
        self.save(rng, batch)?;
        let fields = LocationFields {
            retired: Some(true),
            ..LocationFields::default()
        };
        let step = self.steps.keep(TakeBack::Location { id, fields });
        Ok(done(id, step, "The site is added."))
    }

    pub(super) fn add_staff(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        new: &NewStaff,
    ) -> Result<Reply, Refusal> {
        self.may_set_up()?;
        let name = checks::name("name", &new.name)?;
        if new.locations.is_empty() {
            return Err(invalid(
                "locations",
                "A member of staff works somewhere.",
                "Name at least one site.",
            ));
        }
        self.check_locations("locations", &new.locations)?;
        let colour = match new.colour {
            Some(chosen) => colour("colour", chosen)?,
            None => self.free_colour(),
        };
        let id = ResourceId::from_bytes(random(rng));
        let mut locations = new.locations.clone();
        locations.sort_unstable();
        locations.dedup();
        let mut batch = self.begin(now, rng);
        batch.grid(&self.book, |grid, actor| {
            Ok(grid.set_capacity(actor, id, 1)?)
        })?;
        batch.practice(&self.book, |doc, actor, clock| {
            let fields = StaffFields {
                name: Some(name),
                role: Some(new.role),
                locations: Some(locations),
                colour: Some(colour),
                ..StaffFields::default()
            };
            Ok(doc.put_staff(actor, clock, id, &fields)?)
        })?;
        self.save(rng, batch)?;
        let fields = StaffFields {
            retired: Some(true),
            ..StaffFields::default()
        };
        let step = self.steps.keep(TakeBack::Staff { id, fields });
        Ok(done(id, step, "The member of staff is added."))
    }

    /// The colour that fewest have.
    fn free_colour(&self) -> u8 {
        let staff = &self.book.practice().staff;
        let users = |colour: u8| staff.values().filter(|s| s.colour == colour).count();
        (0..COLOURS).min_by_key(|c| (users(*c), *c)).unwrap_or(0)
    }

    pub(super) fn add_room(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        new: &NewRoom,
    ) -> Result<Reply, Refusal> {
        self.may_set_up()?;
        let name = checks::name("name", &new.name)?;
        self.check_locations("location", &[new.location])?;
        let id = ResourceId::from_bytes(random(rng));
        let mut batch = self.begin(now, rng);
        batch.grid(&self.book, |grid, actor| {
            Ok(grid.set_capacity(actor, id, new.capacity)?)
        })?;
        batch.practice(&self.book, |doc, actor, clock| {
            let fields = RoomFields {
                name: Some(name),
                location: Some(new.location),
                ..RoomFields::default()
            };
            Ok(doc.put_room(actor, clock, id, &fields)?)
        })?;
        self.save(rng, batch)?;
        let fields = RoomFields {
            retired: Some(true),
            ..RoomFields::default()
        };
        let step = self.steps.keep(TakeBack::Room { id, fields });
        Ok(done(id, step, "The room is added."))
    }

    pub(super) fn add_service(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        new: &NewService,
    ) -> Result<Reply, Refusal> {
        self.may_set_up()?;
        let name = checks::name("name", &new.name)?;
        check_parts(&new.parts)?;
        let practice = self.book.practice();
        if new.staff.len() > MAX_LISTED || new.rooms.len() > MAX_LISTED {
            return Err(invalid("staff", "These are too many.", "Name fewer."));
        }
        if !new.staff.iter().all(|id| practice.staff.contains_key(id)) {
            return Err(not_found("staff", "member of staff"));
        }
        if !new.rooms.iter().all(|id| practice.rooms.contains_key(id)) {
            return Err(not_found("rooms", "room"));
        }
        if new.rooms.is_empty() && !new.parts.iter().any(|part| part.staff) {
            return Err(invalid(
                "rooms",
                "This service takes a room, and no room is named.",
                "Name the rooms where it can be done.",
            ));
        }
        let price = price(new.price_minor, new.currency.as_deref())?;
        let id = ServiceId::from_bytes(random(rng));
        let mut batch = self.begin(now, rng);
        batch.practice(&self.book, |doc, actor, clock| {
            let fields = ServiceFields {
                name: Some(name),
                parts: Some(new.parts.clone()),
                staff: Some(new.staff.clone()),
                rooms: Some(new.rooms.clone()),
                price: Some(price),
                ..ServiceFields::default()
            };
            Ok(doc.put_service(actor, clock, id, &fields)?)
        })?;
        self.save(rng, batch)?;
        let fields = ServiceFields {
            retired: Some(true),
            ..ServiceFields::default()
        };
        let step = self.steps.keep(TakeBack::Service { id, fields });
        Ok(done(id, step, "The service is added."))
    }

    fn entry(&self, of: &str) -> Result<Entry, Refusal> {
        let practice = self.book.practice();
        if let Ok(id) = of.parse::<LocationId>() {
            return if practice.locations.contains_key(&id) {
                Ok(Entry::Location(id))
            } else {
                Err(not_found("of", "site"))
            };
        }
        if let Ok(id) = of.parse::<ServiceId>() {
            return if practice.services.contains_key(&id) {
                Ok(Entry::Service(id))
            } else {
                Err(not_found("of", "service"))
            };
        }
        if let Ok(id) = of.parse::<SeatId>() {
            return match self.ledger.governance().seat(id) {
                Some(_) => Ok(Entry::Seat(id)),
                None => Err(not_found("of", "seat")),
            };
        }
        match of.parse::<ResourceId>() {
            Ok(id) if practice.staff.contains_key(&id) => Ok(Entry::Staff(id)),
            Ok(id) if practice.rooms.contains_key(&id) => Ok(Entry::Room(id)),
            Ok(_) => Err(not_found("of", "member of staff or room")),
            Err(_) => Err(invalid(
                "of",
                "This is no id of a site, member of staff, room, service or seat.",
                "Ids begin with loc_, res_, svc_ or seat_.",
            )),
        }
    }

    pub(super) fn set_hours(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &SetHours,
    ) -> Result<Reply, Refusal> {
        self.may_set_up()?;
        let weekly = checks::weekly("weekly", &wish.weekly)?;
        if wish.closed.len() > 1000 {
            return Err(invalid(
                "closed",
                "These are too many days.",
                "Leave out days that are over.",
            ));
        }
        let closed: BTreeSet<_> = wish.closed.iter().copied().collect();
        let practice = self.book.practice();
        let mut batch;
        let back = match self.entry(&wish.of)? {
            Entry::Location(id) => {
                let before = practice.locations.get(&id).map(|known| &known.hours);
                let back = LocationFields {
                    weekly: before.map(|hours| hours.weekly.clone()),
                    closed: before.map(|hours| hours.closed.clone()),
                    ..LocationFields::default()
                };
                batch = self.begin(now, rng);
                batch.practice(&self.book, |doc, actor, clock| {
                    let fields = LocationFields {
                        weekly: Some(weekly),
                        closed: Some(closed),
                        ..LocationFields::default()
                    };
                    Ok(doc.put_location(actor, clock, id, &fields)?)
                })?;
                TakeBack::Location { id, fields: back }
            }
            Entry::Staff(id) => {
                self.check_locations("at", wish.at.as_slice())?;
                let back = StaffFields {
                    hours: Some((wish.at, self.hours_of(id, wish.at))),
                    off: practice.staff.get(&id).map(|staff| staff.off.clone()),
                    ..StaffFields::default()
                };
                batch = self.begin(now, rng);
                batch.practice(&self.book, |doc, actor, clock| {
                    let fields = StaffFields {
                        hours: Some((wish.at, weekly)),
                        off: Some(closed),
                        ..StaffFields::default()
                    };
                    Ok(doc.put_staff(actor, clock, id, &fields)?)
                })?;
                TakeBack::Staff { id, fields: back }
            }
            Entry::Room(_) | Entry::Service(_) | Entry::Seat(_) => {
                return Err(invalid(
                    "of",
                    "Rooms, services and seats have no hours of their own.",
                    "Set the hours of the site or of staff.",
                ));
            }
        };
        let changed = self.save(rng, batch)?;
        let step = changed.then(|| self.steps.keep(back));
        Ok(done(&wish.of, step, "The hours are set."))
    }

    /// The hours that hold for a member of staff now.
    fn hours_of(&self, id: ResourceId, at: Option<LocationId>) -> WeeklyHours {
        let practice = self.book.practice();
        let Some(staff) = practice.staff.get(&id) else {
            return WeeklyHours::default();
        };
        let own = staff.hours.get(&at).or_else(|| staff.hours.get(&None));
        let site = at.or_else(|| staff.locations.first().copied());
        own.cloned()
            .or_else(|| {
                let site = practice.locations.get(&site?)?;
                Some(site.hours.weekly.clone())
            })
            .unwrap_or_default()
    }

    pub(super) fn set_lease(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        days: u16,
    ) -> Result<Reply, Refusal> {
        if self.role() != Some(sync_protocol::Role::Owner) {
            return Err(not_allowed("set the lease of devices", "an owner"));
        }
        if !LEASE_DAYS.contains(&days) {
            return Err(invalid(
                "days",
                "A lease lasts from 7 to 365 days.",
                "90 suits most practices; fewer close a lost computer sooner.",
            ));
        }
        let before = self.book.practice().lease_days.unwrap_or(USUAL_LEASE);
        let mut batch = self.begin(now, rng);
        batch.practice(&self.book, |doc, actor, clock| {
            Ok(doc.set_lease(actor, clock, days)?)
        })?;
        let changed = self.save(rng, batch)?;
        let step = changed.then(|| self.steps.keep(TakeBack::Lease(before)));
        Ok(done(self.org(), step, "The lease is set."))
    }

    pub(super) fn edit_entry(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &EditEntry,
    ) -> Result<Reply, Refusal> {
        self.may_set_up()?;
        let name = wish
            .name
            .as_deref()
            .map(|name| checks::name("name", name))
            .transpose()?;
        let tint = wish.colour.map(|c| colour("colour", c)).transpose()?;
        let retired = wish.retired;
        let entry = self.entry(&wish.of)?;
        if tint.is_some() && !matches!(entry, Entry::Staff(_)) {
            return Err(invalid(
                "colour",
                "Only staff have a colour.",
                "Leave the colour away.",
            ));
        }
        if retired.is_some() && matches!(entry, Entry::Seat(_)) {
            return Err(invalid(
                "retired",
                "Seats do not retire.",
                "Remove the seat where it is no longer used.",
            ));
        }
        let practice = self.book.practice();
        let mut batch;
        let back = match entry {
            Entry::Seat(id) => {
                let before = practice.seats.get(&id).cloned().unwrap_or_default();
                batch = self.begin(now, rng);
                batch.practice(&self.book, |doc, actor, clock| match &name {
                    Some(name) => Ok(doc.name_seat(actor, clock, id, name)?),
                    None => Ok(None),
                })?;
                TakeBack::Seat { id, name: before }
            }
            Entry::Location(id) => {
                let before = practice.locations.get(&id);
                let back = LocationFields {
                    name: before.map(|known| known.name.clone()),
                    retired: before.map(|known| known.retired),
                    ..LocationFields::default()
                };
                let fields = LocationFields {
                    name,
                    retired,
                    ..LocationFields::default()
                };
                batch = self.begin(now, rng);
                batch.practice(&self.book, |doc, actor, clock| {
                    Ok(doc.put_location(actor, clock, id, &fields)?)
                })?;
                TakeBack::Location { id, fields: back }
            }
            Entry::Staff(id) => {
                let before = practice.staff.get(&id);
                let back = StaffFields {
                    name: before.map(|known| known.name.clone()),
                    colour: before.map(|known| known.colour),
                    retired: before.map(|known| known.retired),
                    ..StaffFields::default()
                };
                let fields = StaffFields {
                    name,
                    colour: tint,
                    retired,
                    ..StaffFields::default()
                };
                batch = self.begin(now, rng);
                batch.practice(&self.book, |doc, actor, clock| {
                    Ok(doc.put_staff(actor, clock, id, &fields)?)
                })?;
                TakeBack::Staff { id, fields: back }
            }
            Entry::Room(id) => {
                let before = practice.rooms.get(&id);
                let back = RoomFields {
                    name: before.map(|known| known.name.clone()),
                    retired: before.map(|known| known.retired),
                    ..RoomFields::default()
                };
                let fields = RoomFields {
                    name,
                    retired,
                    ..RoomFields::default()
                };
                batch = self.begin(now, rng);
                batch.practice(&self.book, |doc, actor, clock| {
                    Ok(doc.put_room(actor, clock, id, &fields)?)
                })?;
                TakeBack::Room { id, fields: back }
            }
            Entry::Service(id) => {
                let before = practice.services.get(&id);
                let back = ServiceFields {
                    name: before.map(|known| known.name.clone()),
                    retired: before.map(|known| known.retired),
                    ..ServiceFields::default()
                };
                let fields = ServiceFields {
                    name,
                    retired,
                    ..ServiceFields::default()
                };
                batch = self.begin(now, rng);
                batch.practice(&self.book, |doc, actor, clock| {
                    Ok(doc.put_service(actor, clock, id, &fields)?)
                })?;
                TakeBack::Service { id, fields: back }
            }
        };
        let changed = self.save(rng, batch)?;
        let step = changed.then(|| self.steps.keep(back));
        Ok(done(&wish.of, step, "Changed."))
    }
}
