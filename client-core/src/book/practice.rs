//! The practice as faces see it, and what follows from it: working times, patterns of services.

use std::collections::BTreeSet;

use conflict_rules::{
    LocationId, Need, OccupancyKind, OpeningHours, Pattern, Placement, ResourceId, Segment,
    TimeRange, WeeklyHours, open_between, open_ranges,
};
use jiff::{
    civil::{Date, Time},
    tz::TimeZone,
};

use super::Book;
use crate::{
    catalogue::{
        LocationView, PracticeView, RoomView, ServicePart, ServiceView, StaffRole, StaffView,
    },
    documents::{Service, Staff},
};

fn weekly_view(weekly: &WeeklyHours) -> Vec<Vec<(Time, Time)>> {
    weekly.days.to_vec()
}

fn hours_view(staff: &Staff) -> std::collections::BTreeMap<LocationId, Vec<Vec<(Time, Time)>>> {
    let everywhere = staff.hours.get(&None);
    let sites = staff.locations.iter();
    sites
        .filter_map(|site| {
            let hours = staff.hours.get(&Some(*site)).or(everywhere)?;
            Some((*site, weekly_view(hours)))
        })
        .collect()
}

impl Book {
    /// Staff, rooms, services, hours.
    pub fn practice_view(&self, role: StaffRole) -> PracticeView {
        let practice = self.practice();
        let capacities = self.grid.capacities();
        let locations = practice
            .locations
            .iter()
            .map(|(id, location)| LocationView {
                id: *id,
                name: location.name.clone(),
                zone: location.zone.clone(),
                weekly: weekly_view(&location.hours.weekly),
                closed: location.hours.closed.iter().copied().collect(),
            });
        let staff = practice.staff.iter().map(|(id, staff)| StaffView {
            id: *id,
            name: staff.name.clone(),
            role: staff.role,
            locations: staff.locations.clone(),
            colour: staff.colour,
            retired: staff.retired,
            hours: hours_view(staff),
            closed: staff.off.iter().copied().collect(),
        });
        let rooms = practice.rooms.iter().map(|(id, room)| RoomView {
            id: *id,
            name: room.name.clone(),
            location: room.location,
            capacity: capacities.get(id).copied().unwrap_or(1),
            retired: room.retired,
        });
        let services = practice.services.iter().map(|(id, service)| ServiceView {
            id: *id,
            name: service.name.clone(),
            minutes: minutes_of(&service.parts),
            parts: service.parts.clone(),
            staff: service.staff.clone(),
            rooms: service.rooms.clone(),
            price_minor: service.price.as_ref().map(|(minor, _)| *minor),
            currency: service.price.as_ref().map(|(_, currency)| currency.clone()),
            retired: service.retired,
        });
        let mut view = PracticeView {
            name: practice.name.clone(),
            role,
            locations: locations.collect(),
            staff: staff.collect(),
            rooms: rooms.collect(),
            services: services.collect(),
        };
        view.locations
            .sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        view.staff
            .sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        view.rooms
            .sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        view.services
            .sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        view
    }

    /// When a site is open on a day.
    pub(super) fn open_on(
        &self,
        location: LocationId,
        zone: &TimeZone,
        day: Date,
    ) -> Vec<TimeRange> {
        let known = self.practice.locations.get(&location);
        known.map_or_else(Vec::new, |known| open_ranges(&known.hours, zone, day))
    }

    pub(super) fn open_days(
        &self,
        location: LocationId,
        zone: &TimeZone,
        first: Date,
        last: Date,
    ) -> Vec<TimeRange> {
        let known = self.practice.locations.get(&location);
        known.map_or_else(Vec::new, |known| {
            open_between(&known.hours, zone, first, last)
        })
    }

    /// When a member of staff works at a site.
    pub(super) fn working_days(
        &self,
        resource: ResourceId,
        location: LocationId,
        zone: &TimeZone,
        first: Date,
        last: Date,
    ) -> Vec<TimeRange> {
        let (Some(staff), Some(site)) = (
            self.practice.staff.get(&resource),
            self.practice.locations.get(&location),
        ) else {
            return Vec::new();
        };
        let own = staff.hours.get(&Some(location)).or(staff.hours.get(&None));
        let mut hours: OpeningHours = match own {
            Some(weekly) => OpeningHours {
                weekly: weekly.clone(),
                closed: site.hours.closed.clone(),
                ..OpeningHours::default()
            },
            None => site.hours.clone(),
        };
        hours.closed.extend(&staff.off);
        open_between(&hours, zone, first, last)
    }

    /// Who works at a site and takes bookings.
    pub(super) fn staff_at(&self, location: LocationId) -> Vec<ResourceId> {
        let staff = self.practice.staff.iter();
        staff
            .filter(|(_, staff)| !staff.retired && staff.locations.contains(&location))
            .map(|(id, _)| *id)
            .collect()
    }

    /// The stretches that a placement was made of: what moves with a visit.
    pub fn pattern_like(&self, placement: &Placement) -> Option<Pattern> {
        let start = placement.span().start();
        let minutes = |seconds: i64| u32::try_from(seconds / 60).ok();
        let segments = placement.occupancies().iter().map(|taken| {
            let needs = if self.practice.rooms.contains_key(&taken.resource) {
                Need::Room
            } else {
                Need::Staff
            };
            Some(Segment {
                offset_minutes: minutes(taken.range.start().as_second() - start.as_second())?,
                minutes: minutes(taken.range.seconds())?.max(1),
                kind: taken.kind,
                needs,
            })
        });
        // Two rooms or two people in one placement are one stretch each of the same kind.
        let segments: BTreeSet<Segment> = segments.collect::<Option<_>>()?;
        Pattern::new(segments.into_iter().collect()).ok()
    }
}

/// The stretches of a service.
pub(super) fn pattern_of(service: &Service) -> Option<Pattern> {
    let mut segments = Vec::new();
    for part in &service.parts {
        let mut add = |needs| {
            segments.push(Segment {
                offset_minutes: part.offset_minutes,
                minutes: part.minutes,
                kind: if part.buffer {
                    OccupancyKind::Buffer
                } else {
                    OccupancyKind::Work
                },
                needs,
            });
        };
        if part.staff {
            add(Need::Staff);
        }
        if part.room {
            add(Need::Room);
        }
    }
    Pattern::new(segments).ok()
}

/// From the first work to the last.
fn minutes_of(parts: &[ServicePart]) -> u32 {
    let work = || parts.iter().filter(|part| !part.buffer);
    let start = work().map(|part| part.offset_minutes).min().unwrap_or(0);
    let end = work().map(|part| part.offset_minutes.saturating_add(part.minutes));
    end.max().unwrap_or(0).saturating_sub(start)
}
