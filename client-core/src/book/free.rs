//! What can be offered, and what would happen at a place.

use std::collections::BTreeSet;

use conflict_rules::{
    AppointmentId, Ask, Booking, LocationId, Need, OccupancyKind, Pattern, PlaceError, Placement,
    ResourceId, Segment, Slot, TimeRange, clashes, free_slots, place,
};
use jiff::{
    SignedDuration, Timestamp, ToSpan as _,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

use super::{Book, day::work_of, practice::pattern_of};
use crate::{
    catalogue::{
        CheckQuery, CheckView, ClashView, ErrorCode, FreeQuery, Refusal, ServiceId, SlotView,
        StaffRole, Warning,
    },
    documents::Service,
};

const STEP_MINUTES: u32 = 15;
const MOST_DAYS: u32 = 56;
const MOST_SLOTS: u32 = 500;
/// Stands in for a visit that has no id yet.
const NEW: AppointmentId = AppointmentId::from_bytes([0xff; 16]);

/// Where somebody wants to put a visit.
#[derive(Debug, Clone)]
pub struct PlaceWish {
    /// At which site.
    pub location: LocationId,
    /// When, on the clock of the site.
    pub start: DateTime,
    /// With whom.
    pub staff: ResourceId,
    /// In which room; the first of the service's that is free when missing.
    pub room: Option<ResourceId>,
    /// What is done.
    pub service: Option<ServiceId>,
    /// How long, where not as the service or the present placement says.
    pub minutes: Option<u32>,
    /// The visit that is moved: it keeps its stretches and is not in its own way.
    pub moved: Option<AppointmentId>,
}

fn no_such(what: &str, field: &str) -> Refusal {
    Refusal::new(
        ErrorCode::NotFound,
        format!("There is no such {what}."),
        "Choose one from the list.",
    )
    .at(field)
}

fn invalid(message: &str, help: &str, field: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidInput, message, help).at(field)
}

fn refuse_place(error: &PlaceError) -> Refusal {
    match error {
        PlaceError::SkippedByClock(_) => Refusal::new(
            ErrorCode::TimeDoesNotExist,
            "The clock skips this time on that day.",
            "Choose a time before or after the clock change.",
        )
        .at("start"),
        PlaceError::RoomNeeded => invalid("This service needs a room.", "Choose one.", "room"),
        PlaceError::UnknownZone => no_such("time zone", "location"),
        PlaceError::OutOfRange => invalid(
            "This date cannot be booked.",
            "Choose one nearer to today.",
            "start",
        ),
        PlaceError::Placement(_) => invalid(
            "This length cannot be booked.",
            "Choose between one minute and 31 days.",
            "minutes",
        ),
    }
}

impl Book {
    fn service(&self, id: Option<ServiceId>) -> Result<Option<&Service>, Refusal> {
        let Some(id) = id else { return Ok(None) };
        let service = self.practice().services.get(&id);
        service
            .map(Some)
            .ok_or_else(|| no_such("service", "service"))
    }

    /// The stretches of a visit: of its service, of a plain length, or of what it was before.
    fn pattern(
        &self,
        service: Option<ServiceId>,
        minutes: Option<u32>,
        like: Option<&Placement>,
        room: bool,
    ) -> Result<Pattern, Refusal> {
        let known = match (self.service(service)?, like) {
            (_, Some(like)) => self.pattern_like(like),
            (Some(service), None) => pattern_of(service),
            (None, None) => {
                let minutes = minutes.ok_or_else(|| {
                    invalid(
                        "How long is not said.",
                        "Choose a service or a length.",
                        "minutes",
                    )
                })?;
                Pattern::simple(minutes).ok()
            }
        };
        let too_long = || refuse_place(&PlaceError::OutOfRange).at("minutes");
        let mut pattern = known.ok_or_else(too_long)?;
        if let Some(minutes) = minutes {
            pattern = resized(&pattern, minutes).ok_or_else(too_long)?;
        }
        if room && !pattern.needs_room() {
            pattern = with_room(&pattern).ok_or_else(too_long)?;
        }
        Ok(pattern)
    }

    /// What a visit there would occupy. A room is chosen where one is needed and none is named.
    pub fn place(&self, wish: &PlaceWish) -> Result<Placement, Refusal> {
        let zone = self
            .zone_of(wish.location)
            .ok_or_else(|| no_such("site", "location"))?;
        if !self.practice().staff.contains_key(&wish.staff) {
            return Err(no_such("member of staff", "staff"));
        }
        if let Some(room) = wish.room {
            let known = self.practice().rooms.get(&room);
            if known.is_none_or(|known| known.location != wish.location) {
                return Err(no_such("room", "room"));
            }
        }
        let before = wish.moved.map(|id| self.placements_of(id));
        let before = before.as_ref().and_then(|places| places.first());
        let service = wish.service.or_else(|| self.who_of(wish.moved?)?.service);
        let pattern = self.pattern(wish.service, wish.minutes, before, wish.room.is_some())?;
        let rooms = self.rooms_for(service, wish.location, before);
        let name = zone.iana_name().unwrap_or_default();
        let at = |pattern: &Pattern, room| {
            place(pattern, wish.start, name, wish.staff, room).map_err(|error| refuse_place(&error))
        };
        if !pattern.needs_room() {
            return at(&pattern, None);
        }
        if let Some(room) = wish.room {
            return at(&pattern, Some(room));
        }
        if rooms.is_empty() {
            // A service that lists no rooms is done wherever its people are.
            let pattern = pattern.without_room();
            let pattern = pattern.ok_or_else(|| refuse_place(&PlaceError::RoomNeeded))?;
            return at(&pattern, None);
        }
        let mut first = None;
        for room in rooms {
            let placement = at(&pattern, Some(room))?;
            if self.in_the_way(wish.moved, &placement).is_empty() {
                return Ok(placement);
            }
            first.get_or_insert(placement);
        }
        first.ok_or_else(|| refuse_place(&PlaceError::RoomNeeded))
    }

    /// Rooms of a service at a site; the one that was taken before comes first.
    fn rooms_for(
        &self,
        service: Option<ServiceId>,
        location: LocationId,
        before: Option<&Placement>,
    ) -> Vec<ResourceId> {
        let known = &self.practice().rooms;
        let taken = before.into_iter().flat_map(Placement::occupancies);
        let mut rooms: Vec<ResourceId> = taken.map(|taken| taken.resource).collect();
        if let Some(service) = service.and_then(|id| self.practice().services.get(&id)) {
            rooms.extend(&service.rooms);
        }
        rooms.retain(|id| {
            known
                .get(id)
                .is_some_and(|room| room.location == location && !room.retired)
        });
        let mut seen = BTreeSet::new();
        rooms.retain(|id| seen.insert(*id));
        rooms
    }

    /// The clashes that a placement would make.
    pub fn in_the_way(
        &self,
        moved: Option<AppointmentId>,
        placement: &Placement,
    ) -> Vec<ClashView> {
        let derived = self.derived();
        let own = moved.unwrap_or(NEW);
        let taken = placement.occupancies().iter();
        let resources = taken.map(|taken| taken.resource).collect();
        let mut bookings = derived.bookings_in(placement.span(), &resources, moved);
        bookings.extend(placement.occupancies().iter().map(|taken| Booking {
            claim: own,
            resource: taken.resource,
            range: taken.range,
            units: taken.units,
            kind: taken.kind,
        }));
        let found = clashes(bookings, derived.kept.capacities(), &BTreeSet::new());
        found
            .into_iter()
            .filter(|clash| clash.claims.contains(&own))
            .map(|clash| ClashView {
                resource: clash.resource,
                from: clash.range.start(),
                until: clash.range.end(),
                claims: clash.claims.into_iter().filter(|id| *id != NEW).collect(),
            })
            .collect()
    }

    /// What a person should know before a visit is put there.
    pub fn warnings(
        &self,
        wish: &PlaceWish,
        placement: &Placement,
        now: Timestamp,
    ) -> Vec<Warning> {
        let Some(zone) = self.zone_of(wish.location) else {
            return Vec::new();
        };
        let (start, end) = work_of(placement);
        let Ok(stay) = TimeRange::new(start, end) else {
            return Vec::new();
        };
        let (first, last) = (
            zone.to_datetime(start).date().yesterday(),
            zone.to_datetime(end).date(),
        );
        let first = first.unwrap_or(last);
        let mut warnings = Vec::new();
        if start < now {
            warnings.push(Warning::InThePast);
        }
        let open = self.open_days(wish.location, &zone, first, last);
        if !open.iter().any(|range| range.contains(stay)) {
            warnings.push(Warning::SiteClosed);
        }
        let working = self.working_days(wish.staff, wish.location, &zone, first, last);
        let busy = placement.occupancies().iter();
        let mut busy =
            busy.filter(|taken| taken.resource == wish.staff && taken.kind == OccupancyKind::Work);
        if !busy.all(|taken| working.iter().any(|range| range.contains(taken.range))) {
            warnings.push(Warning::StaffNotWorking);
        }
        let ambiguous = zone.to_ambiguous_timestamp(wish.start);
        if matches!(ambiguous.offset(), AmbiguousOffset::Fold { .. }) {
            warnings.push(Warning::ClockChangesTwice);
        }
        let far = now.checked_add(SignedDuration::from_hours(2 * 366 * 24));
        if far.is_ok_and(|far| start > far) {
            warnings.push(Warning::FarAhead);
        }
        let service = wish.service.or_else(|| self.who_of(wish.moved?)?.service);
        let service = service.and_then(|id| self.practice().services.get(&id));
        if service.is_some_and(|service| {
            !service.staff.is_empty() && !service.staff.contains(&wish.staff)
        }) {
            warnings.push(Warning::StaffNotForService);
        }
        warnings
    }

    /// What would happen if a visit were put there.
    pub fn check(&self, query: &CheckQuery, now: Timestamp) -> Result<CheckView, Refusal> {
        let wish = PlaceWish {
            location: query.location,
            start: query.start,
            staff: query.staff,
            room: query.room,
            service: query.service,
            minutes: query.minutes,
            moved: query.appointment,
        };
        let placement = self.place(&wish)?;
        let zone = self
            .zone_of(wish.location)
            .ok_or_else(|| no_such("site", "location"))?;
        let clashes = self.in_the_way(wish.moved, &placement);
        let warnings = self.warnings(&wish, &placement, now);
        let respected = !warnings.iter().any(|warning| {
            matches!(
                warning,
                Warning::InThePast | Warning::SiteClosed | Warning::StaffNotWorking
            )
        });
        let ok = clashes.is_empty() && respected;
        let alternatives = if ok {
            Vec::new()
        } else {
            self.near(wish.moved, wish.location, &placement, now, 3)
        };
        Ok(CheckView {
            ok,
            clashes,
            warnings,
            end: zone.to_datetime(work_of(&placement).1),
            alternatives,
        })
    }

    /// The next free slots.
    pub fn free(&self, query: &FreeQuery, now: Timestamp) -> Result<Vec<SlotView>, Refusal> {
        let zone = self
            .zone_of(query.location)
            .ok_or_else(|| no_such("site", "location"))?;
        let days = query.days.unwrap_or(14);
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(invalid(
                "That is no number of days to look at.",
                "Choose between 1 and 56.",
                "days",
            ));
        }
        let from = match query.from {
            Some(from) => zone
                .to_timestamp(from)
                .map_err(|_| refuse_place(&PlaceError::OutOfRange).at("from"))?,
            None => now,
        };
        let from = from.max(now);
        let until = from.checked_add(SignedDuration::from_hours(24 * i64::from(days)));
        let until = until.map_err(|_| refuse_place(&PlaceError::OutOfRange).at("days"))?;
        let pattern = self.pattern(query.service, query.minutes, None, false)?;
        let service = self.service(query.service)?;
        let staff = match query.staff {
            Some(staff) if self.practice().staff.contains_key(&staff) => vec![staff],
            Some(_) => return Err(no_such("member of staff", "staff")),
            None => self.able(query.location, service),
        };
        let rooms = self.rooms_for(query.service, query.location, None);
        let limit = query.limit.unwrap_or(20).min(MOST_SLOTS) as usize;
        Ok(self.offer(&Offer {
            location: query.location,
            zone: &zone,
            pattern: &pattern,
            staff: &staff,
            rooms: &rooms,
            from,
            until,
            limit,
            without: None,
        }))
    }

    /// Who can do a service at a site; for a plain length whoever treats.
    fn able(&self, location: LocationId, service: Option<&Service>) -> Vec<ResourceId> {
        let listed = service.map(|service| service.staff.as_slice());
        let listed = listed.unwrap_or_default();
        let mut staff = self.staff_at(location);
        staff.retain(|id| {
            if !listed.is_empty() {
                return listed.contains(id);
            }
            let known = self.practice().staff.get(id);
            known.is_some_and(|staff| staff.role != StaffRole::Receptionist)
        });
        let name = |id: &ResourceId| self.name_of(*id);
        staff.sort_by_cached_key(|id| (name(id), *id));
        staff
    }

    /// The next best slots for a visit, the nearest to where it is now first.
    pub fn alternatives(
        &self,
        id: AppointmentId,
        placement: &Placement,
        now: Timestamp,
        limit: usize,
    ) -> Vec<SlotView> {
        let location = self.derived().claim(id).map(|claim| claim.location);
        location.map_or_else(Vec::new, |location| {
            self.near(Some(id), location, placement, now, limit)
        })
    }

    /// The next best slots for what a placement would occupy.
    pub fn near(
        &self,
        moved: Option<AppointmentId>,
        location: LocationId,
        placement: &Placement,
        now: Timestamp,
        limit: usize,
    ) -> Vec<SlotView> {
        let (Some(zone), Some(pattern)) = (self.zone_of(location), self.pattern_like(placement))
        else {
            return Vec::new();
        };
        let wanted = work_of(placement).0;
        let day = zone.to_datetime(wanted).date();
        let from = zone.to_timestamp(day.to_datetime(jiff::civil::Time::midnight()));
        let from = from.unwrap_or(wanted).max(now);
        let until = from
            .max(wanted)
            .checked_add(SignedDuration::from_hours(14 * 24));
        let service = moved
            .and_then(|id| self.who_of(id))
            .and_then(|who| who.service);
        let rooms = self.rooms_for(service, location, Some(placement));
        let service = service.and_then(|id| self.practice().services.get(&id));
        let mut staff = self.able(location, service);
        let taken: BTreeSet<ResourceId> = placement
            .occupancies()
            .iter()
            .map(|taken| taken.resource)
            .collect();
        // Whoever has it now first.
        staff.sort_by_key(|id| !taken.contains(id));
        let mut slots = self.slots(&Offer {
            location,
            zone: &zone,
            pattern: &pattern,
            staff: &staff,
            rooms: &rooms,
            from,
            until: until.unwrap_or(from),
            limit: 200,
            without: moved,
        });
        let away = |slot: &Slot| slot.start.duration_since(wanted).abs();
        slots.sort_by_key(|slot| {
            (
                away(slot),
                !taken.contains(&slot.staff),
                slot.start,
                slot.staff,
            )
        });
        slots.truncate(limit);
        slots
            .iter()
            .map(|slot| self.slot_view(slot, &zone))
            .collect()
    }

    fn offer(&self, offer: &Offer<'_>) -> Vec<SlotView> {
        let slots = self.slots(offer);
        slots
            .iter()
            .map(|slot| self.slot_view(slot, offer.zone))
            .collect()
    }

    fn slots(&self, offer: &Offer<'_>) -> Vec<Slot> {
        let derived = self.derived();
        let first = offer.zone.to_datetime(offer.from).date();
        let first = first.checked_sub(1.day()).unwrap_or(first);
        let last = offer.zone.to_datetime(offer.until).date();
        let staff: Vec<(ResourceId, Vec<TimeRange>)> = offer
            .staff
            .iter()
            .map(|id| {
                let working = self.working_days(*id, offer.location, offer.zone, first, last);
                (*id, working)
            })
            .collect();
        let margin = SignedDuration::from_hours(31 * 24);
        let until = offer.until.checked_add(margin).unwrap_or(offer.until);
        let earliest = offer.from.checked_sub(margin).unwrap_or(offer.from);
        let whole = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
        let Ok(range) = TimeRange::new(whole(earliest), whole(until)) else {
            return Vec::new();
        };
        let resources = offer.staff.iter().chain(offer.rooms).copied().collect();
        let bookings = derived.bookings_in(range, &resources, offer.without);
        let ask = Ask {
            pattern: offer.pattern,
            staff: &staff,
            rooms: offer.rooms,
            open: self.open_days(offer.location, offer.zone, first, last),
            zone: offer.zone,
            step_minutes: STEP_MINUTES,
            from: offer.from,
            until: offer.until,
            limit: offer.limit,
        };
        free_slots(&ask, &bookings, derived.kept.capacities())
    }

    fn slot_view(&self, slot: &Slot, zone: &TimeZone) -> SlotView {
        SlotView {
            start: zone.to_datetime(slot.start),
            end: zone.to_datetime(work_of(&slot.placement).1),
            staff: slot.staff,
            staff_name: self.name_of(slot.staff),
            room: slot.room,
            room_name: slot.room.map(|room| self.name_of(room)),
        }
    }
}

struct Offer<'a> {
    location: LocationId,
    zone: &'a TimeZone,
    pattern: &'a Pattern,
    staff: &'a [ResourceId],
    rooms: &'a [ResourceId],
    from: Timestamp,
    until: Timestamp,
    limit: usize,
    without: Option<AppointmentId>,
}

/// The same with another length: the last stretch of work gives or takes, what follows shifts.
fn resized(pattern: &Pattern, minutes: u32) -> Option<Pattern> {
    let segments = pattern.segments();
    let work = || {
        let segments = segments.iter();
        segments.filter(|segment| segment.kind == OccupancyKind::Work)
    };
    let end_of = |segment: &Segment| i64::from(segment.offset_minutes) + i64::from(segment.minutes);
    let start = work()
        .map(|segment| i64::from(segment.offset_minutes))
        .min()?;
    let end = work().map(end_of).max()?;
    let by = i64::from(minutes) - (end - start);
    let changed = segments.iter().map(|segment| {
        let mut segment = *segment;
        if segment.kind == OccupancyKind::Work && end_of(&segment) == end {
            segment.minutes = u32::try_from(i64::from(segment.minutes) + by).ok()?;
        } else if i64::from(segment.offset_minutes) >= end {
            let offset = i64::from(segment.offset_minutes) + by;
            segment.offset_minutes = u32::try_from(offset).ok()?;
        }
        Some(segment)
    });
    Pattern::new(changed.collect::<Option<_>>()?).ok()
}

/// The same, with a room from the first work to the last.
fn with_room(pattern: &Pattern) -> Option<Pattern> {
    let mut segments = pattern.segments().to_vec();
    let work = || {
        let segments = pattern.segments().iter();
        segments.filter(|segment| segment.kind == OccupancyKind::Work)
    };
    let start = work().map(|segment| segment.offset_minutes).min()?;
    let end = work().map(|segment| segment.offset_minutes.saturating_add(segment.minutes));
    segments.push(Segment {
        offset_minutes: start,
        minutes: end.max()?.checked_sub(start)?,
        kind: OccupancyKind::Work,
        needs: Need::Room,
    });
    Pattern::new(segments).ok()
}
