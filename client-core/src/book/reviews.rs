//! What waits for a person, with names, where it comes from, and what could be done.

use std::collections::BTreeSet;

use conflict_rules::{
    AppointmentId, Claim, ClaimState, Placement, Review, ReviewId, Source, Suggestion, Verdict,
    concurrency::{Act, Attention, act_of},
    effective::Answer,
    precedence::{self, PrecedenceRule},
    review_of_acts,
};
use jiff::Timestamp;
use sync_protocol::SeatId;

use super::{
    Book, day,
    derived::{Derived, Shown},
};
use crate::catalogue::{
    ReviewKind, ReviewView, ReviewVisit, Standing, StatesView, SuggestionView, VerdictWish,
    VisitState,
};

const ALTERNATIVES: usize = 3;

/// The reviews and the visits they flag.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    reviews: Vec<Review>,
    flagged: BTreeSet<AppointmentId>,
}

impl Book {
    fn find_reviews(&self) -> Waiting {
        let derived = self.derived();
        let standing = |id| match self.standing(id) {
            Standing::Confirmed => precedence::Standing::Confirmed,
            Standing::Tentative | Standing::Refused => precedence::Standing::Tentative,
        };
        let mut found = derived.kept.reviews(&standing);
        let crossed = derived.crossed().into_iter();
        found.extend(crossed.filter_map(|id| acts_met(derived, derived.claim(id)?)));
        found.sort_by_cached_key(|review| (review.starts(), review.id()));
        let asking = found.iter().filter(|review| asks(review));
        Waiting {
            flagged: asking.flat_map(Review::claims).collect(),
            reviews: found,
        }
    }

    pub(super) fn waiting_reviews(&self) -> &[Review] {
        &self.reviews.get_or_init(|| self.find_reviews()).reviews
    }

    pub(super) fn flagged(&self, id: AppointmentId) -> bool {
        let waiting = self.reviews.get_or_init(|| self.find_reviews());
        waiting.flagged.contains(&id)
    }

    /// The review of this id, for whoever answers it.
    pub fn review(&self, id: &str) -> Option<&Review> {
        let mut reviews = self.waiting_reviews().iter();
        reviews.find(|review| ReviewId::to_string(&review.id()) == id)
    }

    /// What waits for a person, the most urgent first. `name_of` puts a seat into words.
    pub fn reviews(
        &self,
        now: Timestamp,
        may_decide: bool,
        name_of: &dyn Fn(SeatId) -> String,
    ) -> Vec<ReviewView> {
        let derived = self.derived();
        let reviews = self.waiting_reviews().iter();
        reviews
            .map(|review| self.review_view(derived, review, now, may_decide, name_of))
            .collect()
    }

    fn review_view(
        &self,
        derived: &Derived,
        review: &Review,
        now: Timestamp,
        may_decide: bool,
        name_of: &dyn Fn(SeatId) -> String,
    ) -> ReviewView {
        let mut visits = Vec::new();
        for id in review.claims() {
            for shown in derived.shown_of(id) {
                visits.extend(self.review_visit(shown, now, name_of));
            }
        }
        visits.sort_by_key(|visit| (visit.visit.starts, visit.visit.id));
        let resources: BTreeSet<String> = match review {
            Review::Clashes { clashes, .. } => {
                let resources = clashes.iter().map(|clash| clash.resource);
                resources.map(|resource| self.name_of(resource)).collect()
            }
            Review::TwoPlaces { .. }
            | Review::Contradiction { .. }
            | Review::ZoneShift { .. }
            | Review::StateShown { .. }
            | Review::ActsMet { .. } => BTreeSet::new(),
        };
        let resources: Vec<String> = resources.into_iter().collect();
        ReviewView {
            id: review.id().to_string(),
            kind: kind_of(review),
            starts: review.starts(),
            why: why(review, &resources),
            suggestion: self.suggestion(review, &visits),
            states: states_of(review),
            resources,
            visits,
            may_decide,
        }
    }

    fn review_visit(
        &self,
        shown: Shown<'_>,
        now: Timestamp,
        name_of: &dyn Fn(SeatId) -> String,
    ) -> Option<ReviewVisit> {
        let claim = shown.claim();
        let zone = self.zone_of(claim.location)?;
        let visit = self.visit_view(shown, &zone);
        let hash = shown.placement.hash();
        // Moved there by a decision: whoever decided; else whoever put it there.
        let decided = shown.settled.follows();
        let decided = decided.and_then(|id| self.entries.decided_by(id));
        let from = self
            .entries
            .provenance(claim.id, Some(hash))
            .map(|from| (from.seat, from.clock))
            .or(decided.map(|seen| (seen.seat, seen.clock)))
            .or_else(|| {
                let from = self.entries.provenance(claim.id, None)?;
                Some((from.seat, from.clock))
            });
        let (made_by, made_at) = from.map_or((String::new(), Timestamp::UNIX_EPOCH), |from| {
            let at = Timestamp::from_millisecond(from.1.millis);
            (name_of(from.0), at.unwrap_or(Timestamp::UNIX_EPOCH))
        });
        let made_by = match claim.source {
            Source::Desk => made_by,
            Source::Account => format!("{made_by} (client's account)"),
            Source::Api => format!("{made_by} (program)"),
            Source::Import => format!("{made_by} (import)"),
        };
        let site = self.practice().locations.get(&claim.location);
        Some(ReviewVisit {
            visit,
            location: claim.location,
            location_name: site.map(|site| site.name.clone()).unwrap_or_default(),
            made_by,
            made_at,
            alternatives: self.alternatives(claim.id, shown.placement, now, ALTERNATIVES),
        })
    }

    fn suggestion(&self, review: &Review, visits: &[ReviewVisit]) -> Option<SuggestionView> {
        let aside = |id: AppointmentId| {
            let visit = visits.iter().find(|visit| visit.visit.id == id);
            let slot = visit.and_then(|visit| visit.alternatives.first());
            match slot {
                Some(slot) => VerdictWish::Move {
                    appointment: id,
                    start: slot.start,
                    staff: Some(slot.staff),
                    room: slot.room,
                },
                None => VerdictWish::Cancel { appointment: id },
            }
        };
        match review {
            Review::Clashes { suggestion, .. } if !suggestion.displace.is_empty() => {
                Some(SuggestionView {
                    because: because(suggestion),
                    verdicts: suggestion.displace.keys().copied().map(aside).collect(),
                })
            }
            Review::Contradiction { contradiction, .. } => {
                let ranks = self.entries.ranks();
                let rank = |id| ranks.get(id).copied().unwrap_or(u64::MAX);
                let answers = contradiction.answers.iter();
                let (_, answer) = answers.min_by_key(|(id, _)| (rank(id), **id))?;
                let appointment = contradiction.claim;
                Some(SuggestionView {
                    because: "It was decided first, and everyone has seen it.".to_owned(),
                    verdicts: vec![match answer {
                        Answer::Keep => VerdictWish::Keep { appointment },
                        Answer::Cancel => VerdictWish::Cancel { appointment },
                        Answer::Move(to) => self.move_to(appointment, to),
                    }],
                })
            }
            Review::ZoneShift { claim, .. } => {
                let visit = visits.iter().find(|visit| visit.visit.id == *claim)?;
                Some(SuggestionView {
                    because: "The client was told this time on the clock.".to_owned(),
                    verdicts: vec![VerdictWish::Move {
                        appointment: *claim,
                        start: self
                            .placements_of(*claim)
                            .first()
                            .map_or(visit.visit.start, Placement::civil_start),
                        staff: None,
                        room: None,
                    }],
                })
            }
            Review::Clashes { .. }
            | Review::TwoPlaces { .. }
            | Review::StateShown { .. }
            | Review::ActsMet { .. } => None,
        }
    }

    fn move_to(&self, appointment: AppointmentId, to: &Placement) -> VerdictWish {
        let taken = || to.occupancies().iter().map(|taken| taken.resource);
        let staff = taken().find(|id| self.practice().staff.contains_key(id));
        let room = taken().find(|id| self.practice().rooms.contains_key(id));
        VerdictWish::Move {
            appointment,
            start: to.civil_start(),
            staff,
            room,
        }
    }

    pub(super) fn name_of(&self, resource: conflict_rules::ResourceId) -> String {
        let practice = self.practice();
        let staff = practice.staff.get(&resource).map(|staff| &staff.name);
        let room = || practice.rooms.get(&resource).map(|room| &room.name);
        staff
            .or_else(room)
            .cloned()
            .unwrap_or_else(|| resource.to_string())
    }

    /// When a visit's service begins, where it is drawn.
    pub fn start_of(&self, id: AppointmentId) -> Option<Timestamp> {
        let shown = self.derived().shown_of(id);
        Some(day::work_of(shown.first()?.placement).0)
    }
}

/// A move that crossed with a cancellation, an arrival or a no-show. A decision about the
/// visit where it is now settles it.
fn acts_met(derived: &Derived, claim: &Claim) -> Option<Review> {
    let hashes: Vec<_> = claim.placements.iter().map(Placement::hash).collect();
    let about = derived.kept.decisions_about(claim.id);
    let mut verdicts = about.flat_map(|made| &made.verdicts);
    let settled = verdicts.any(|verdict| match verdict {
        Verdict::Keep {
            claim: id,
            placement,
        }
        | Verdict::Move {
            claim: id,
            placement,
            ..
        }
        | Verdict::Cancel {
            claim: id,
            placement,
        } => *id == claim.id && hashes.contains(placement),
        Verdict::AllowOverlap { .. } => false,
    });
    if settled {
        return None;
    }
    review_of_acts(claim, Act::Move, act_of(claim.state())?)
}

/// Whether somebody has to answer, rather than only to know.
fn asks(review: &Review) -> bool {
    match review {
        Review::Clashes { .. }
        | Review::TwoPlaces { .. }
        | Review::Contradiction { .. }
        | Review::ZoneShift { .. } => true,
        Review::StateShown { attention, .. } | Review::ActsMet { attention, .. } => {
            *attention == Attention::Ask
        }
    }
}

/// The states that met, and those that settle it.
fn states_of(review: &Review) -> Option<StatesView> {
    let Review::StateShown {
        states, becomes, ..
    } = review
    else {
        return None;
    };
    let next = ClaimState::ALL.into_iter();
    Some(StatesView {
        said: states.iter().copied().map(VisitState::from).collect(),
        stands: VisitState::from(*becomes),
        next: next
            .filter(|next| becomes.may_become(*next))
            .map(VisitState::from)
            .collect(),
    })
}

fn kind_of(review: &Review) -> ReviewKind {
    match review {
        Review::Clashes { .. } => ReviewKind::Clash,
        Review::TwoPlaces { .. } => ReviewKind::TwoPlaces,
        Review::Contradiction { .. } => ReviewKind::Contradiction,
        Review::ZoneShift { .. } => ReviewKind::ZoneShift,
        Review::StateShown { .. } | Review::ActsMet { .. } => ReviewKind::Acts,
    }
}

fn why(review: &Review, resources: &[String]) -> String {
    match review {
        Review::Clashes { .. } => {
            format!("More visits want {} than fit.", resources.join(", "))
        }
        Review::TwoPlaces { .. } => {
            "Two people moved this visit to different places; both are kept free.".to_owned()
        }
        Review::Contradiction { .. } => "Two people answered differently.".to_owned(),
        Review::ZoneShift { .. } => {
            "The clock rules of the site changed after this was booked.".to_owned()
        }
        Review::StateShown { .. } => {
            "Two people said different things about how far this visit has come.".to_owned()
        }
        Review::ActsMet { .. } => {
            "This visit was moved while somebody else had already acted on it.".to_owned()
        }
    }
}

fn because(suggestion: &Suggestion) -> String {
    let standing = suggestion
        .displace
        .values()
        .any(|rule| *rule == PrecedenceRule::StandingHierarchy);
    if standing {
        "The other visit is confirmed.".to_owned()
    } else {
        "What a person at a desk agreed comes first.".to_owned()
    }
}
