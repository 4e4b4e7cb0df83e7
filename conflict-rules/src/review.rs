//! What waits for a person.
//!
//! Reviews are derived like clashes and never stored: answer one with a decision (or a move) and it
//! is gone on every replica. Each has an id that stays while its question stays the same, so that
//! an assignee can be kept beside it.
//!
//! Start with [`reviews`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    claim::{Claim, ClaimState, Source},
    clash::{Capacities, Clash, bookings_of, clashes},
    concurrency::{self, Act, Attention, Outcome},
    decision::Decision,
    effective::{Contradiction, Effective, effective_for_clashes, merged_copies},
    ids::AppointmentId,
    placement::Placement,
    precedence::{PrecedenceRule, Standing},
};

/// A question for somebody who may decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    /// Claims that cannot all stand. Clashes that share a claim come together.
    Clashes {
        /// Sorted, at least one.
        clashes: Vec<Clash>,
        /// What the precedence rules would give.
        suggestion: Suggestion,
    },
    /// One visit, moved to different places at once; all of them are occupied.
    TwoPlaces {
        /// The visit.
        claim: AppointmentId,
        /// The places, sorted.
        placements: Vec<Placement>,
    },
    /// Different answers to one question.
    Contradiction {
        /// Who says what.
        contradiction: Contradiction,
        /// When the visit would begin at the earliest.
        at: Timestamp,
    },
    /// Zone rules have changed since the visit was booked: the wall-clock time the client was told
    /// is another instant now.
    ZoneShift {
        /// The visit.
        claim: AppointmentId,
        /// The instant that is booked.
        was: Timestamp,
        /// The instant that the wall-clock time means now.
        now: Timestamp,
    },
    /// Concurrent states of one visit, settled by the table, to be seen or asked about.
    StateShown {
        /// The visit.
        claim: AppointmentId,
        /// When it begins.
        at: Timestamp,
        /// What was written, sorted.
        states: Vec<ClaimState>,
        /// What it comes to.
        becomes: ClaimState,
        /// Whether to show or to ask.
        attention: Attention,
    },
    /// Two concurrent acts on one visit that states alone do not show.
    ActsMet {
        /// The visit.
        claim: AppointmentId,
        /// When it begins.
        at: Timestamp,
        /// The acts, the lesser first.
        acts: (Act, Act),
        /// What they come to.
        outcome: Outcome,
        /// Whether to show or to ask.
        attention: Attention,
    },
}

/// Which claims would make way, and by which rule. Empty: the claims are equals, people decide.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Suggestion {
    /// Who makes way.
    pub displace: BTreeMap<AppointmentId, PrecedenceRule>,
    /// Whether that settles all clashes of the review.
    pub settles_all: bool,
}

/// Names a review for as long as its question stays the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReviewId(pub [u8; 16]);

impl core::fmt::Display for ReviewId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "rev_{}", crate::ids::hex(self.0))
    }
}

impl core::fmt::Debug for ReviewId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

impl Serialize for ReviewId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl Review {
    /// Its name.
    pub fn id(&self) -> ReviewId {
        let mut hash = blake3::Hasher::new();
        let mut part = |bytes: &[u8]| {
            hash.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(bytes);
        };
        let second = |at: &Timestamp| at.as_second().to_be_bytes();
        match self {
            Self::Clashes { clashes, .. } => {
                part(b"clashes");
                for clash in clashes {
                    part(&clash.resource.to_bytes());
                    part(&second(&clash.range.start()));
                    part(&second(&clash.range.end()));
                    clash
                        .claims
                        .iter()
                        .for_each(|claim| part(&claim.to_bytes()));
                }
            }
            Self::TwoPlaces { claim, placements } => {
                part(b"two places");
                part(&claim.to_bytes());
                for placement in placements {
                    part(&placement.hash().0);
                }
            }
            Self::Contradiction { contradiction, .. } => {
                part(b"contradiction");
                part(&contradiction.claim.to_bytes());
                part(&contradiction.placement.0);
                contradiction
                    .answers
                    .keys()
                    .for_each(|id| part(&id.to_bytes()));
            }
            Self::ZoneShift { claim, was, now } => {
                part(b"zone shift");
                part(&claim.to_bytes());
                part(&second(was));
                part(&second(now));
            }
            Self::StateShown { claim, states, .. } => {
                part(b"state");
                part(&claim.to_bytes());
                for state in states {
                    part(&[*state as u8]);
                }
            }
            Self::ActsMet { claim, acts, .. } => {
                part(b"acts");
                part(&claim.to_bytes());
                part(&[acts.0 as u8, acts.1 as u8]);
            }
        }
        let mut id = [0; 16];
        hash.finalize_xof().fill(&mut id);
        ReviewId(id)
    }

    /// When it becomes too late: the earliest instant it is about.
    pub fn starts(&self) -> Timestamp {
        match self {
            Self::Clashes { clashes, .. } => {
                let starts = clashes.iter().map(|clash| clash.range.start());
                starts.min().unwrap_or(Timestamp::MAX)
            }
            Self::TwoPlaces { placements, .. } => earliest(placements),
            Self::ZoneShift { was, now, .. } => *was.min(now),
            Self::Contradiction { at, .. }
            | Self::StateShown { at, .. }
            | Self::ActsMet { at, .. } => *at,
        }
    }

    /// The visits it is about.
    pub fn claims(&self) -> BTreeSet<AppointmentId> {
        match self {
            Self::Clashes { clashes, .. } => clashes
                .iter()
                .flat_map(|clash| clash.claims.iter().copied())
                .collect(),
            Self::Contradiction { contradiction, .. } => BTreeSet::from([contradiction.claim]),
            Self::TwoPlaces { claim, .. }
            | Self::ZoneShift { claim, .. }
            | Self::StateShown { claim, .. }
            | Self::ActsMet { claim, .. } => BTreeSet::from([*claim]),
        }
    }
}

fn earliest<'a>(placements: impl IntoIterator<Item = &'a Placement>) -> Timestamp {
    placements
        .into_iter()
        .map(|p| p.span().start())
        .min()
        .unwrap_or(Timestamp::MAX)
}

/// Everything that waits for a person, the most urgent first.
pub fn reviews(
    claims: &[Claim],
    decisions: &[Decision],
    capacities: &Capacities,
    standing: &dyn Fn(AppointmentId) -> Standing,
) -> Vec<Review> {
    let effective = effective_for_clashes(claims, decisions);
    let merged = merged_copies(claims);
    let by_id: BTreeMap<AppointmentId, &Claim> =
        merged.iter().map(|claim| (claim.id, claim)).collect();
    let found = clashes(bookings_of(&effective), capacities, &effective.allowed);
    let claim = |id| by_id.get(&id).copied();
    let mut reviews = reviews_of_clashes(found, &claim, standing);
    reviews.extend(reviews_of_claims(merged.iter(), &effective));
    sort_reviews(&mut reviews);
    reviews
}

/// The most urgent first.
pub(crate) fn sort_reviews(reviews: &mut [Review]) {
    reviews.sort_by_cached_key(|review| (review.starts(), review.id()));
}

/// What clashes ask.
pub(crate) fn reviews_of_clashes<'a>(
    found: Vec<Clash>,
    claim: &dyn Fn(AppointmentId) -> Option<&'a Claim>,
    standing: &dyn Fn(AppointmentId) -> Standing,
) -> Vec<Review> {
    touching(found)
        .into_iter()
        .map(|clashes| {
            let suggestion = suggest(&clashes, claim, standing);
            Review::Clashes {
                clashes,
                suggestion,
            }
        })
        .collect()
}

/// What claims ask that are there once each, whoever else is there. Each review is about one claim.
pub(crate) fn reviews_of_claims<'a>(
    claims: impl IntoIterator<Item = &'a Claim>,
    effective: &Effective,
) -> Vec<Review> {
    let mut reviews = Vec::new();
    for claim in claims {
        let places = effective.placements.get(&claim.id);
        let places = places.map(Vec::as_slice).unwrap_or_default();
        // Sorted by claim.
        let open = &effective.contradictions;
        let first = open.partition_point(|contradiction| contradiction.claim < claim.id);
        let open = open.get(first..).unwrap_or_default().iter();
        let contradictions: Vec<&Contradiction> = open
            .take_while(|contradiction| contradiction.claim == claim.id)
            .collect();
        match places {
            [only] if !claim.state().has_begun() => {
                if let (Some(was), Some(now)) = (only.work_start(), only.shifted_by_zone_rules()) {
                    reviews.push(Review::ZoneShift {
                        claim: claim.id,
                        was,
                        now,
                    });
                }
            }
            [_, _, ..] if contradictions.is_empty() => {
                reviews.push(Review::TwoPlaces {
                    claim: claim.id,
                    placements: places.to_vec(),
                });
            }
            _ => {}
        }
        let attention = concurrency::attention(&claim.states);
        if attention > Attention::Silent {
            let mut states = claim.states.clone();
            states.sort_unstable();
            let (at, becomes) = (earliest(&claim.placements), claim.state());
            reviews.push(Review::StateShown {
                claim: claim.id,
                at,
                states,
                becomes,
                attention,
            });
        }
        let contradictions = contradictions.into_iter();
        reviews.extend(contradictions.map(|contradiction| Review::Contradiction {
            contradiction: contradiction.clone(),
            at: earliest(places.iter().chain(&claim.placements)),
        }));
    }
    reviews
}

/// The review that two concurrent acts on a visit ask for, if any: for callers that can see acts
/// (a move that met a cancellation leaves one placement and one state, and no trace in them).
pub fn review_of_acts(claim: &Claim, a: Act, b: Act) -> Option<Review> {
    let rule = concurrency::outcome(a, b);
    let at = earliest(&claim.placements);
    (rule.attention > Attention::Silent).then_some(Review::ActsMet {
        claim: claim.id,
        at,
        acts: (a.min(b), a.max(b)),
        outcome: rule.outcome,
        attention: rule.attention,
    })
}

/// Clashes in groups that share no claim with each other.
fn touching(clashes: Vec<Clash>) -> Vec<Vec<Clash>> {
    let mut groups: Vec<(BTreeSet<AppointmentId>, Vec<Clash>)> = Vec::new();
    for clash in clashes {
        let mut claims = clash.claims.clone();
        let mut members = vec![clash];
        groups.retain_mut(|(known, group)| {
            let apart = known.is_disjoint(&claims);
            if !apart {
                claims.append(known);
                members.append(group);
            }
            apart
        });
        groups.push((claims, members));
    }
    groups
        .into_iter()
        .map(|(_, mut group)| {
            group.sort_unstable();
            group
        })
        .collect()
}

/// For each clash that is still open the one weakest claim makes way, if there is one.
fn suggest<'a>(
    clashes: &[Clash],
    claim: &dyn Fn(AppointmentId) -> Option<&'a Claim>,
    standing: &dyn Fn(AppointmentId) -> Standing,
) -> Suggestion {
    let strength = |id: &AppointmentId| -> (bool, Standing, Source) {
        let claim = claim(*id);
        // Who is already here is a fact, whatever was granted.
        let begun = claim.is_some_and(|claim| claim.state().has_begun());
        (
            begun,
            standing(*id),
            claim.map_or(Source::Import, |claim| claim.source),
        )
    };
    let mut displace = BTreeMap::new();
    let mut settles_all = true;
    for clash in clashes {
        if clash.claims.iter().any(|id| displace.contains_key(id)) {
            continue;
        }
        let mut ranked: Vec<_> = clash.claims.iter().map(|id| (strength(id), *id)).collect();
        ranked.sort_unstable();
        match ranked.as_slice() {
            [(weakest, id), (next, _), ..] if weakest < next && !weakest.0 => {
                let by_standing = (weakest.0, weakest.1) < (next.0, next.1);
                let rule = if by_standing {
                    PrecedenceRule::StandingHierarchy
                } else {
                    PrecedenceRule::SourceHierarchy
                };
                displace.insert(*id, rule);
            }
            _ => settles_all = false,
        }
    }
    Suggestion {
        displace,
        settles_all,
    }
}
