//! All that follows from claims and decisions, kept in step with them.
//!
//! A site books for years, and one booking changes little of what is known. So what follows is kept
//! and made anew only where it can have changed:
//!
//! ```text
//!   changed claims, decisions, ranks
//!        |  ties.rs: and whatever decisions tie to them
//!        v
//!   placements, own reviews  by effective.rs and review.rs, over those claims alone
//!        |  taken.rs: the resources and times that they take or took
//!        v
//!   clashes                  by clash.rs, over what is booked there and then
//! ```
//!
//! What always holds: every answer equals that of the plain functions over everything, which make
//! it here too ([`crate::clashes_of`], [`crate::effective_for_rendering`], [`crate::reviews`]). What
//! a change costs depends on what it touches, not on how much there is.
//!
//! Start with [`Kept::change`].

mod spans;
mod taken;
mod ties;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use self::{
    spans::Spans,
    taken::{Allowed, Taken},
    ties::Ties,
};
use crate::{
    claim::Claim,
    clash::{Booking, Capacities, Clash, bookings_of},
    decision::Decision,
    effective::{Effective, Spoken, settled},
    ids::{AppointmentId, DecisionId, ResourceId},
    placement::{Placement, PlacementHash},
    precedence::Standing,
    review::{Review, reviews_of_claims, reviews_of_clashes, sort_reviews},
    time::TimeRange,
};

/// See the module's documentation.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    claims: BTreeMap<AppointmentId, Settled>,
    ties: Ties,
    allowed: Allowed,
    taken: Taken,
    drawn: Spans<()>,
    /// The reviews of single claims.
    asked: BTreeMap<AppointmentId, Vec<Review>>,
}

/// A claim as decisions leave it.
#[derive(Debug, Clone)]
pub struct Settled {
    claim: Claim,
    places: Vec<Placement>,
    hashes: OnceLock<Vec<PlacementHash>>,
    follows: Option<DecisionId>,
}

/// What is news.
#[derive(Debug, Clone, Default)]
pub struct Changed {
    /// Claims as they are now, copies joined ([`Claim::joined`]); `None` where there is none any
    /// more.
    pub claims: BTreeMap<AppointmentId, Option<Claim>>,
    /// Decisions as they are now, of several under one id the least; `None` where there is none any
    /// more.
    pub decisions: BTreeMap<DecisionId, Option<Decision>>,
    /// Decisions that may have another rank than before.
    pub ranks: BTreeSet<DecisionId>,
    /// Capacities, where they changed.
    pub capacities: Option<Capacities>,
}

impl Settled {
    /// The claim.
    pub const fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Where it is, for the screen; empty when it occupies nothing.
    pub fn places(&self) -> &[Placement] {
        &self.places
    }

    /// The hashes of [`Settled::places`], in their order.
    pub fn hashes(&self) -> &[PlacementHash] {
        self.hashes
            .get_or_init(|| self.places.iter().map(Placement::hash).collect())
    }

    /// The decision it follows.
    pub const fn follows(&self) -> Option<DecisionId> {
        self.follows
    }

    /// Where it is drawn: what occupies nothing is drawn where it was.
    pub fn drawn(&self) -> &[Placement] {
        if self.places.is_empty() {
            &self.claim.placements
        } else {
            &self.places
        }
    }
}

impl Kept {
    /// Takes in what is news. Of contradicting concurrent decisions the one of least rank stands for
    /// the screen, see [`crate::effective_for_rendering`].
    pub fn change(&mut self, changed: Changed, rank: &dyn Fn(DecisionId) -> u64) {
        let mut stale: BTreeSet<AppointmentId> = changed.claims.keys().copied().collect();
        let decisions = changed.decisions.keys().chain(&changed.ranks);
        let decisions: BTreeSet<DecisionId> = decisions.copied().collect();
        // What was tied before, and what is now: whatever is no longer tied lost something too.
        self.ties.close(&mut stale, &decisions);
        for (id, decision) in changed.decisions {
            self.ties.set(id, decision);
        }
        let decisions = self.ties.close(&mut stale, &decisions);
        if let Some(capacities) = changed.capacities {
            self.taken.set_capacities(capacities, &self.allowed);
        }
        for id in &stale {
            let known = self.claims.get(id).into_iter();
            for placement in known.flat_map(Settled::drawn) {
                self.drawn.remove(placement.span(), *id);
            }
        }
        for (id, claim) in changed.claims {
            match claim {
                Some(claim) => {
                    let settled = Settled {
                        claim,
                        places: Vec::new(),
                        hashes: OnceLock::new(),
                        follows: None,
                    };
                    self.claims.insert(id, settled);
                }
                None => {
                    self.claims.remove(&id);
                }
            }
        }
        self.settle(&stale, &decisions, rank);
    }

    /// Makes anew what follows for these claims; nothing ties them to others.
    fn settle(
        &mut self,
        stale: &BTreeSet<AppointmentId>,
        decisions: &BTreeSet<DecisionId>,
        rank: &dyn Fn(DecisionId) -> u64,
    ) {
        let known: Vec<&Claim> = stale
            .iter()
            .filter_map(|id| Some(&self.claims.get(id)?.claim))
            .collect();
        let spoken = decisions.iter().filter_map(|id| self.ties.get(*id));
        let spoken = Spoken::of(spoken);
        let certain = settled(known.iter().copied(), &spoken, None);
        let asked = reviews_of_claims(known.iter().copied(), &certain);
        let shown =
            (!decisions.is_empty()).then(|| settled(known.iter().copied(), &spoken, Some(rank)));

        for id in stale {
            self.asked.remove(id);
        }
        for review in asked {
            for claim in review.claims() {
                self.asked.entry(claim).or_default().push(review.clone());
            }
        }
        let reconsidered = self.allow(stale, &certain);
        let mut bookings: BTreeMap<AppointmentId, Vec<Booking>> =
            stale.iter().map(|id| (*id, Vec::new())).collect();
        for booking in bookings_of(&certain) {
            bookings.entry(booking.claim).or_default().push(booking);
        }
        self.taken.replace(bookings, &reconsidered, &self.allowed);

        let Effective {
            mut placements,
            mut standing,
            ..
        } = shown.unwrap_or(certain);
        for id in stale {
            let Some(known) = self.claims.get_mut(id) else {
                continue;
            };
            known.places = placements.remove(id).unwrap_or_default();
            known.hashes = OnceLock::new();
            known.follows = standing.remove(id);
            for placement in known.drawn() {
                self.drawn.entry(placement.span(), *id).or_insert(());
            }
        }
    }

    /// Replaces the agreed overlaps among these claims; gives those for which that was news.
    fn allow(
        &mut self,
        stale: &BTreeSet<AppointmentId>,
        now: &Effective,
    ) -> BTreeSet<AppointmentId> {
        let mut before = Allowed::new();
        for id in stale {
            let pairs = (*id, AppointmentId::from_bytes([0; 16]))
                ..=(*id, AppointmentId::from_bytes([0xff; 16]));
            before.extend(self.allowed.range(pairs));
        }
        for pair in &before {
            self.allowed.remove(pair);
        }
        self.allowed.extend(&now.allowed);
        let news = before.symmetric_difference(&now.allowed);
        news.flat_map(|(a, b)| [*a, *b]).collect()
    }

    /// A claim.
    pub fn get(&self, id: AppointmentId) -> Option<&Settled> {
        self.claims.get(&id)
    }

    /// All claims, by id.
    pub fn all(&self) -> impl Iterator<Item = (AppointmentId, &Settled)> {
        self.claims.iter().map(|(id, settled)| (*id, settled))
    }

    /// The decisions that speak of a claim, wherever it was then.
    pub fn decisions_about(&self, id: AppointmentId) -> impl Iterator<Item = &Decision> {
        self.ties.about(id)
    }

    /// What is drawn at some instant of a range, by start and then by claim.
    pub fn drawn_in(&self, range: TimeRange) -> Vec<(&Settled, &Placement)> {
        let spans = self.drawn.overlapping(range);
        let mut spans: Vec<(TimeRange, AppointmentId)> =
            spans.map(|(span, claim, ())| (span, claim)).collect();
        spans.sort_unstable();
        let drawn = spans.into_iter().flat_map(|(span, claim)| {
            let settled = self.claims.get(&claim).into_iter();
            settled.flat_map(move |settled| {
                let there = settled.drawn().iter();
                there
                    .filter(move |placement| placement.span() == span)
                    .map(move |placement| (settled, placement))
            })
        });
        drawn.collect()
    }

    /// Everything that is taken of some resources, or of all, at some instant of a range.
    pub fn taken_in(
        &self,
        range: TimeRange,
        resources: Option<&BTreeSet<ResourceId>>,
    ) -> Vec<Booking> {
        self.taken.overlapping(range, resources)
    }

    /// How much there is of everything.
    pub const fn capacities(&self) -> &Capacities {
        self.taken.capacities()
    }

    /// What [`crate::clashes_of`] finds.
    pub fn clashes(&self) -> impl Iterator<Item = &Clash> {
        self.taken.clashes()
    }

    /// What [`crate::reviews`] finds.
    pub fn reviews(&self, standing: &dyn Fn(AppointmentId) -> Standing) -> Vec<Review> {
        let claim = |id| self.claims.get(&id).map(Settled::claim);
        let found = self.clashes().cloned().collect();
        let mut reviews = reviews_of_clashes(found, &claim, standing);
        reviews.extend(self.asked.values().flatten().cloned());
        sort_reviews(&mut reviews);
        reviews
    }
}
