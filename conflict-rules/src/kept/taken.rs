//! What is taken, by resource, and where it is more than there is.
//!
//! A clash concerns one resource, and whether a set of claims exceeds it at an instant depends on
//! what is booked at that instant alone. So when bookings come or go, the clashes of a resource are
//! found anew in a window: the time of those bookings, widened until no clash reaches across its
//! edge. Outside, nothing can have changed.

use std::collections::{BTreeMap, BTreeSet};

use super::spans::{Spans, hull, near};
use crate::{
    clash::{Booking, Capacities, Clash, clashes, joined},
    ids::{AppointmentId, ResourceId},
    placement::OccupancyKind,
    time::TimeRange,
};

/// Pairs that may overlap.
pub(super) type Allowed = BTreeSet<(AppointmentId, AppointmentId)>;

/// See the module's documentation.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken {
    capacities: Capacities,
    of_claim: BTreeMap<AppointmentId, Vec<Booking>>,
    lines: BTreeMap<ResourceId, Line>,
}

/// One resource.
#[derive(Debug, Clone, Default)]
struct Line {
    spans: Spans<(u16, OccupancyKind)>,
    clashes: BTreeSet<Clash>,
}

impl Line {
    fn add(&mut self, booking: &Booking) {
        let said = (booking.units, booking.kind);
        let known = self
            .spans
            .entry(booking.range, booking.claim)
            .or_insert(said);
        // Twice in the same range, by concurrent placements: the most counts.
        *known = said.max(*known);
    }

    /// Finds the clashes in a window anew.
    fn search(
        &mut self,
        resource: ResourceId,
        mut window: TimeRange,
        of_claim: &BTreeMap<AppointmentId, Vec<Booking>>,
        capacities: &Capacities,
        allowed: &Allowed,
    ) {
        loop {
            let asked = window;
            self.clashes.retain(|clash| {
                let inside = near(clash.range, window);
                if inside {
                    window = hull(window, clash.range);
                }
                !inside
            });
            let running = self.spans.overlapping(window).map(|(_, claim, _)| claim);
            let running: BTreeSet<AppointmentId> = running.collect();
            // All that these claims take here: what touches counts as one stretch.
            let bookings = running.iter().filter_map(|claim| of_claim.get(claim));
            let bookings = bookings.flatten().copied();
            let bookings = bookings.filter(|booking| booking.resource == resource);
            let mut found = clashes(bookings, capacities, allowed);
            found.retain(|clash| near(clash.range, window));
            // What is found at the edge may be half known: there, too, it is looked at whole.
            window = found.iter().fold(window, |window, c| hull(window, c.range));
            if window == asked {
                self.clashes.extend(found);
                return;
            }
        }
    }
}

impl Taken {
    pub(super) const fn capacities(&self) -> &Capacities {
        &self.capacities
    }

    /// All clashes, sorted.
    pub(super) fn clashes(&self) -> impl Iterator<Item = &Clash> {
        self.lines.values().flat_map(|line| &line.clashes)
    }

    /// What is taken of some resources, or of all, at some instant of a range.
    pub(super) fn overlapping(
        &self,
        range: TimeRange,
        resources: Option<&BTreeSet<ResourceId>>,
    ) -> Vec<Booking> {
        let wanted = |id: &ResourceId| resources.is_none_or(|wanted| wanted.contains(id));
        let lines = self.lines.iter().filter(|(id, _)| wanted(id));
        let found = lines.flat_map(|(resource, line)| {
            let taken = line.spans.overlapping(range);
            taken.map(|(range, claim, (units, kind))| Booking {
                claim,
                resource: *resource,
                range,
                units: *units,
                kind: *kind,
            })
        });
        found.collect()
    }

    /// There is more or less of something than before.
    pub(super) fn set_capacities(&mut self, capacities: Capacities, allowed: &Allowed) {
        for (resource, line) in &mut self.lines {
            if capacities.of(*resource) == self.capacities.of(*resource) {
                continue;
            }
            let bookings = line
                .spans
                .all()
                .map(|(range, claim, (units, kind))| Booking {
                    claim,
                    resource: *resource,
                    range,
                    units: *units,
                    kind: *kind,
                });
            line.clashes = clashes(bookings, &capacities, allowed)
                .into_iter()
                .collect();
        }
        self.capacities = capacities;
    }

    /// From now on these claims take this. `reconsidered` take the same as before, but may be
    /// allowed to overlap others.
    pub(super) fn replace(
        &mut self,
        claims: BTreeMap<AppointmentId, Vec<Booking>>,
        reconsidered: &BTreeSet<AppointmentId>,
        allowed: &Allowed,
    ) {
        let mut windows: BTreeMap<ResourceId, Vec<TimeRange>> = BTreeMap::new();
        for (claim, now) in claims {
            let before = self.of_claim.get(&claim).map(Vec::as_slice);
            let before = before.unwrap_or_default();
            if before == now && !reconsidered.contains(&claim) {
                continue;
            }
            for booking in before.iter().chain(&now) {
                let ranges = windows.entry(booking.resource).or_default();
                ranges.push(booking.range);
            }
            for booking in before {
                if let Some(line) = self.lines.get_mut(&booking.resource) {
                    line.spans.remove(booking.range, claim);
                }
            }
            for booking in &now {
                self.lines.entry(booking.resource).or_default().add(booking);
            }
            if now.is_empty() {
                self.of_claim.remove(&claim);
            } else {
                self.of_claim.insert(claim, now);
            }
        }
        for (resource, ranges) in windows {
            let Some(line) = self.lines.get_mut(&resource) else {
                continue;
            };
            for window in joined(ranges) {
                let (of_claim, capacities) = (&self.of_claim, &self.capacities);
                line.search(resource, window, of_claim, capacities, allowed);
            }
            if line.spans.is_empty() {
                self.lines.remove(&resource);
            }
        }
    }
}
