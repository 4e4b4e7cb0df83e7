//! Where a visit would stand after a move: visits keep their stretches, blocks all they keep free.

use conflict_rules::{
    AppointmentId, Claim, ClaimKind, Occupancy, Placement, ResourceId, TimeRange, tzdata_version,
};
use entry_log::Storage;
use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

use super::checks;
use crate::{
    book::PlaceWish,
    catalogue::{ErrorCode, Refusal},
    replica::{Replica, internal, invalid, not_found},
};

/// What is to be different.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Elsewhere {
    pub(super) start: Option<DateTime>,
    pub(super) staff: Option<ResourceId>,
    pub(super) room: Option<ResourceId>,
    pub(super) minutes: Option<u32>,
}

/// The first instant at which the clock of the site shows this; a skipped time is refused.
pub(super) fn instant(zone: &TimeZone, start: DateTime) -> Result<Timestamp, Refusal> {
    let ambiguous = zone.to_ambiguous_timestamp(start);
    if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
        return Err(Refusal::new(
            ErrorCode::TimeDoesNotExist,
            "The clock skips this time on that day.",
            "Choose a time before or after the clock change.",
        )
        .at("start"));
    }
    ambiguous
        .earlier()
        .map_err(|_| invalid("start", "This date cannot be booked.", "Check the date."))
}

/// A placement that keeps resources free.
pub(super) fn blocked(
    zone: &TimeZone,
    start: DateTime,
    minutes: u32,
    resources: &[ResourceId],
) -> Result<Placement, Refusal> {
    let from = instant(zone, start)?;
    let length = SignedDuration::from_mins(i64::from(minutes));
    let range = from
        .checked_add(length)
        .ok()
        .and_then(|until| TimeRange::new(from, until).ok())
        .ok_or_else(|| invalid("minutes", "This length cannot be booked.", "Shorten it."))?;
    let occupancies = resources
        .iter()
        .map(|resource| Occupancy {
            resource: *resource,
            range,
            units: 1,
            kind: conflict_rules::OccupancyKind::Work,
        })
        .collect();
    let name = zone.iana_name().unwrap_or_default();
    Placement::new(occupancies, start, name, tzdata_version())
        .map_err(|_| invalid("minutes", "This cannot be booked.", "Name fewer resources."))
}

impl<S: Storage> Replica<S> {
    /// The claim, and where it is drawn now.
    pub(super) fn claim_at(
        &self,
        field: &str,
        id: AppointmentId,
    ) -> Result<(Claim, Placement), Refusal> {
        let claim = self
            .book
            .claim(id)
            .ok_or_else(|| not_found(field, "visit"))?;
        let drawn = self.book.placements_of(id).into_iter().next();
        let placement = drawn
            .or_else(|| claim.placements.first().cloned())
            .ok_or_else(|| not_found(field, "visit"))?;
        Ok((claim, placement))
    }

    /// Where a claim would stand; the wish is given where the book can look at it.
    pub(super) fn shaped(
        &self,
        claim: &Claim,
        now: &Placement,
        other: Elsewhere,
    ) -> Result<(Placement, Option<PlaceWish>), Refusal> {
        let zone = self
            .book
            .zone_of(claim.location)
            .ok_or_else(|| not_found("location", "site"))?;
        let start = match other.start {
            Some(start) => checks::start("start", start)?,
            None => match now.work_start() {
                Some(at) => zone.to_datetime(at),
                None => now.civil_start(),
            },
        };
        if let Some(minutes) = other.minutes {
            checks::minutes("minutes", minutes)?;
        }
        let practice = self.book.practice();
        if let Some(staff) = other.staff {
            self.check_staff(staff, claim.location)?;
        }
        if let Some(room) = other.room {
            self.check_room(room, claim.location)?;
        }
        if claim.kind == ClaimKind::Block {
            return self.shaped_block(&zone, now, start, other);
        }
        let taken = now.occupancies().iter().map(|taken| taken.resource);
        let staff = other
            .staff
            .or_else(|| taken.clone().find(|id| practice.staff.contains_key(id)))
            .or_else(|| taken.clone().find(|id| !practice.rooms.contains_key(id)))
            .ok_or_else(|| not_found("staff", "member of staff"))?;
        let wish = PlaceWish {
            location: claim.location,
            start,
            staff,
            room: other.room,
            service: None,
            minutes: other.minutes,
            moved: Some(claim.id),
        };
        Ok((self.book.place(&wish)?, Some(wish)))
    }

    fn shaped_block(
        &self,
        zone: &TimeZone,
        now: &Placement,
        start: DateTime,
        other: Elsewhere,
    ) -> Result<(Placement, Option<PlaceWish>), Refusal> {
        let practice = self.book.practice();
        let mut resources: Vec<ResourceId> = now
            .occupancies()
            .iter()
            .map(|taken| taken.resource)
            .collect();
        let mut swap = |to: Option<ResourceId>, field: &str, is: &dyn Fn(&ResourceId) -> bool| {
            let Some(to) = to else { return Ok(()) };
            let same = resources.iter().filter(|id| is(id)).count();
            if same != 1 {
                return Err(invalid(
                    field,
                    "This block keeps several of them free.",
                    "Cancel it and make a new one.",
                ));
            }
            for resource in resources.iter_mut().filter(|id| is(id)) {
                *resource = to;
            }
            Ok(())
        };
        swap(other.staff, "staff", &|id| practice.staff.contains_key(id))?;
        swap(other.room, "room", &|id| practice.rooms.contains_key(id))?;
        let minutes = match other.minutes {
            Some(minutes) => minutes,
            None => u32::try_from(now.span().seconds() / 60)
                .map_err(|_| internal("A block is longer than it can be."))?,
        };
        Ok((blocked(zone, start, minutes.max(1), &resources)?, None))
    }
}
