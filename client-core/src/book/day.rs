//! A day of a site, a visit, a client's visits.

use conflict_rules::{
    AppointmentId, ClaimKind, LocationId, OccupancyKind, Placement, ResourceId, Settled, TimeRange,
};
use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use sync_protocol::SeatId;

use super::{
    Book,
    derived::{Derived, Shown},
};
use crate::{
    catalogue::{
        ClientId, ClientView, DayView, PartView, PastVisit, RestrictionView, TakenView,
        VisitDetails, VisitState, VisitText, VisitView,
    },
    documents::{About, Who},
};

const MOST_PAST: usize = 50;

impl Book {
    /// One day of a site: 23, 24 or 25 hours of it. `None` for an unknown site.
    pub fn day_view(&self, location: LocationId, date: Date) -> Option<DayView> {
        let zone = self.zone_of(location)?;
        let starts = date.to_zoned(zone.clone()).ok()?.start_of_day().ok()?;
        let ends = date.tomorrow().ok()?.to_zoned(zone.clone()).ok()?;
        let ends = ends.start_of_day().ok()?.timestamp();
        let starts = starts.timestamp();
        let day = TimeRange::new(starts, ends).ok()?;
        let derived = self.derived();
        let staff = self.staff_here(location);
        let mut visits = Vec::new();
        let mut elsewhere = Vec::new();
        for shown in derived.shown_in(day) {
            let claim = shown.claim();
            if claim.location == location {
                visits.push(self.visit_view(shown, &zone));
            } else if shown.holds() {
                let taken = shown.placement.occupancies().iter();
                elsewhere.extend(
                    taken
                        .filter(|taken| {
                            staff.contains(&taken.resource) && taken.range.overlaps(day)
                        })
                        .map(|taken| TakenView {
                            resource: taken.resource,
                            location: claim.location,
                            from: zone.to_datetime(taken.range.start()),
                            until: zone.to_datetime(taken.range.end()),
                        }),
                );
            }
        }
        let on_clock = |ranges: Vec<TimeRange>| -> Vec<(DateTime, DateTime)> {
            let ranges = ranges.into_iter();
            ranges
                .map(|range| {
                    (
                        zone.to_datetime(range.start()),
                        zone.to_datetime(range.end()),
                    )
                })
                .collect()
        };
        let working = staff.iter().map(|id| {
            let ranges = self.working_days(*id, location, &zone, date, date);
            (*id, on_clock(ranges))
        });
        Some(DayView {
            location,
            date,
            zone: zone.iana_name().unwrap_or_default().to_owned(),
            starts,
            minutes: u32::try_from(day.seconds() / 60).unwrap_or(0),
            open: on_clock(self.open_on(location, &zone, date)),
            working: working.collect(),
            visits,
            elsewhere,
        })
    }

    /// Everybody of a site, retired ones too: their visits stay.
    fn staff_here(&self, location: LocationId) -> Vec<ResourceId> {
        let staff = self.practice().staff.iter();
        staff
            .filter(|(_, staff)| staff.locations.contains(&location))
            .map(|(id, _)| *id)
            .collect()
    }

    pub(super) fn visit_view(&self, shown: Shown<'_>, zone: &TimeZone) -> VisitView {
        let claim = shown.claim();
        let placement = shown.placement;
        let span = placement.span();
        let (work_start, work_end) = work_of(placement);
        let state = if claim.holds_slot() && !shown.holds() {
            // Called off by a decision.
            VisitState::Cancelled
        } else {
            claim.state().into()
        };
        let parts = placement.occupancies().iter().map(|taken| PartView {
            resource: taken.resource,
            from: zone.to_datetime(taken.range.start()),
            until: zone.to_datetime(taken.range.end()),
            buffer: taken.kind == OccupancyKind::Buffer,
        });
        VisitView {
            id: claim.id,
            kind: claim.kind,
            start: zone.to_datetime(work_start),
            end: zone.to_datetime(work_end),
            starts: span.start(),
            ends: span.end(),
            parts: parts.collect(),
            state,
            standing: self.weakest(claim.id, &[placement.hash()]),
            source: claim.source,
            flagged: self.flagged(claim.id),
            doubled: shown.doubled(),
            details: self.visit_text(claim.id, claim.kind),
        }
    }

    /// For whom and what for, as far as this seat may read it and has it.
    pub fn who_of(&self, id: AppointmentId) -> Option<&Who> {
        self.visits.details(id)?.who.as_ref()
    }

    /// What a visit is called, as far as this seat may read it and has it. It asks nothing else:
    /// who lost a slot among many is told at once.
    pub fn title_of(&self, id: AppointmentId) -> Option<String> {
        let kind = self.derived().claim(id)?.kind;
        self.visit_text(id, kind).map(|text| text.title)
    }

    fn visit_text(&self, id: AppointmentId, kind: ClaimKind) -> Option<VisitText> {
        let details = self.visits.details(id).cloned().unwrap_or_default();
        // A block without a title has nothing to wait for.
        let nothing = details.who.is_none() && details.title.is_none();
        if nothing && kind == ClaimKind::Visit && !details.erased {
            return None;
        }
        let who = details.who.unwrap_or_default();
        let client = who.client.and_then(|client| self.records.client(client));
        let service = who.service;
        let service_name = service
            .and_then(|service| self.practice().services.get(&service))
            .map(|service| service.name.clone());
        let mut reasons = self.visits.reasons(About::Claim(id)).to_vec();
        let decision = self.derived().kept.get(id);
        if let Some(decision) = decision.and_then(Settled::follows) {
            reasons.extend_from_slice(self.visits.reason_of_decision(decision));
        }
        let alerts = self.alerts_of_visit(&who);
        Some(VisitText {
            title: details
                .title
                .or_else(|| client.map(|client| client.name.clone()))
                .or_else(|| details.erased.then(|| super::forget::ERASED.to_owned()))
                .unwrap_or_default(),
            client: who.client,
            phone: client.and_then(|client| client.phones.first().cloned()),
            pets: who
                .pets
                .iter()
                .filter_map(|pet| self.records.pet_summary(*pet))
                .collect(),
            service,
            service_name,
            note: details.note,
            reasons,
            alerts,
            restricted: client.is_some_and(|client| client.restriction.is_some()),
        })
    }

    /// One visit with everything about it.
    pub fn visit_details(&self, id: AppointmentId) -> Option<VisitDetails> {
        let derived = self.derived();
        let claim = derived.claim(id)?;
        let zone = self.zone_of(claim.location)?;
        let shown = derived.shown_of(id);
        let visit = self.visit_view(*shown.first()?, &zone);
        let now = claim.state();
        let next_states = conflict_rules::ClaimState::ALL.into_iter();
        let reviews = self.waiting_reviews().iter();
        Some(VisitDetails {
            visit,
            location: claim.location,
            next_states: next_states
                .filter(|next| now.may_become(*next))
                .map(VisitState::from)
                .collect(),
            reviews: reviews
                .filter(|review| review.claims().contains(&id))
                .map(|review| review.id().to_string())
                .collect(),
        })
    }

    /// One client with pets and visits, the latest first.
    pub fn client_view(
        &self,
        id: ClientId,
        name_of: &dyn Fn(SeatId) -> String,
    ) -> Option<ClientView> {
        let client = self.records.summary(id)?;
        let known = self.records.client(id)?;
        let (note, hold) = (known.note.clone(), known.hold.clone());
        let restriction = known.restriction.as_ref().map(|said| RestrictionView {
            reason: said.reason.clone(),
            since: Timestamp::from_second(said.at).unwrap_or(Timestamp::UNIX_EPOCH),
            seat: said.seat.to_string(),
            by: name_of(said.seat),
        });
        let derived = self.derived();
        let mut visits: Vec<PastVisit> = self
            .visits
            .of_client(id)
            .filter_map(|visit| self.past_visit(derived, visit))
            .collect();
        visits.sort_by_key(|visit| core::cmp::Reverse((visit.start, visit.id)));
        visits.truncate(MOST_PAST);
        let counts =
            |visit: &&PastVisit| !matches!(visit.state, VisitState::Cancelled | VisitState::NoShow);
        let last = visits.iter().find(counts).cloned();
        Some(ClientView {
            client,
            note,
            hold,
            restriction,
            visits,
            last,
            alerts: self.alerts_of_client(id),
        })
    }

    /// All visits of a client, in no order that matters.
    pub fn visits_of(&self, client: ClientId) -> Vec<AppointmentId> {
        self.visits.of_client(client).collect()
    }

    pub(super) fn past_visit(&self, derived: &Derived, id: AppointmentId) -> Option<PastVisit> {
        let claim = derived.claim(id)?;
        let zone = self.zone_of(claim.location)?;
        let shown = derived.shown_of(id);
        let shown = shown.first()?;
        let mut resources: Vec<ResourceId> = shown
            .placement
            .occupancies()
            .iter()
            .map(|taken| taken.resource)
            .collect();
        resources.sort_unstable();
        resources.dedup();
        Some(PastVisit {
            id,
            location: claim.location,
            start: zone.to_datetime(work_of(shown.placement).0),
            resources,
            service: self.who_of(id).and_then(|who| who.service),
            state: if claim.holds_slot() && !shown.holds() {
                VisitState::Cancelled
            } else {
                claim.state().into()
            },
        })
    }
}

/// From the first work to the last.
pub(super) fn work_of(placement: &Placement) -> (Timestamp, Timestamp) {
    let span = placement.span();
    let work = || {
        let taken = placement.occupancies().iter();
        taken.filter(|taken| taken.kind == OccupancyKind::Work)
    };
    let start = work().map(|taken| taken.range.start()).min();
    let end = work().map(|taken| taken.range.end()).max();
    (start.unwrap_or(span.start()), end.unwrap_or(span.end()))
}
