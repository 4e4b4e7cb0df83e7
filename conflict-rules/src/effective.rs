//! What decisions make of claims: where each visit really is, and which overlaps are agreed.
//!
//! Two readings of the same documents:
//! * [`effective_for_clashes`] needs the documents alone. Where concurrent decisions contradict
//!   each other, every place that one of them names stays occupied: better asked than double.
//! * [`effective_for_rendering`] also takes the order that the relay gave; of contradicting
//!   decisions the first stands, and the contradiction is still listed.
//!
//! A decision that has seen another supersedes it for the claims it speaks of itself. Decisions
//! that name each other as seen (nobody honest can) count as concurrent.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    claim::Claim,
    decision::{Decision, Verdict},
    ids::{AppointmentId, DecisionId},
    placement::{Placement, PlacementHash},
};

type Subject = (AppointmentId, PlacementHash);
/// In which order decisions stand.
pub(crate) type Rank<'a> = dyn Fn(DecisionId) -> u64 + 'a;

/// Claims as decisions leave them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effective {
    /// Where each claim is, sorted; empty when it occupies nothing (cancelled, or by decision).
    pub placements: BTreeMap<AppointmentId, Vec<Placement>>,
    /// Pairs that may overlap, the lesser id first.
    pub allowed: BTreeSet<(AppointmentId, AppointmentId)>,
    /// Claims on which concurrent decisions differ.
    pub contradictions: Vec<Contradiction>,
    /// The decision that each decided claim follows; missing while a contradiction leaves it open.
    pub standing: BTreeMap<AppointmentId, DecisionId>,
}

/// Concurrent decisions that say different things about one claim at one placement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Contradiction {
    /// The claim.
    pub claim: AppointmentId,
    /// The placement they all speak of.
    pub placement: PlacementHash,
    /// Who says what; at least two different answers.
    pub answers: BTreeMap<DecisionId, Answer>,
}

/// What a decision makes of one claim at one placement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It stays.
    Keep,
    /// It goes there.
    Move(Placement),
    /// It is given up.
    Cancel,
}

/// For clashes: depends on claims and decisions alone.
pub fn effective_for_clashes(claims: &[Claim], decisions: &[Decision]) -> Effective {
    effective(claims, decisions, None)
}

/// For the screen: among concurrent contradicting decisions the one of lowest rank stands (equal
/// ranks: the lowest id). Ranks put positioned decisions first, by epoch and sequence, and the
/// others after them, by clock and hash.
pub fn effective_for_rendering(
    claims: &[Claim],
    decisions: &[Decision],
    rank: &dyn Fn(DecisionId) -> u64,
) -> Effective {
    effective(claims, decisions, Some(rank))
}

fn effective(claims: &[Claim], decisions: &[Decision], rank: Option<&Rank<'_>>) -> Effective {
    settled(&merged_copies(claims), &Spoken::of(decisions), rank)
}

/// The same for claims that are there once each.
pub(crate) fn settled<'a>(
    claims: impl IntoIterator<Item = &'a Claim>,
    spoken: &Spoken<'_>,
    rank: Option<&Rank<'_>>,
) -> Effective {
    let mut effective = Effective::default();
    for claim in claims {
        if !spoken.speak_of(claim.id) {
            let mut places = claim.placements.clone();
            if !claim.holds_slot() {
                places.clear();
            }
            places.sort_unstable();
            places.dedup();
            effective.placements.insert(claim.id, places);
            continue;
        }
        let mut places = BTreeSet::new();
        for placement in claim.placements.iter().filter(|_| claim.holds_slot()) {
            let hash = placement.hash();
            let answers = spoken.latest((claim.id, hash));
            let stands = stands(&answers, rank);
            if let Some((decision, _)) = stands {
                effective.standing.entry(claim.id).or_insert(decision);
            }
            match stands {
                Some((_, answer)) => places.extend(answer.place(placement)),
                None if answers.is_empty() => places.extend([placement.clone()]),
                None => places.extend(answers.values().filter_map(|a| a.place(placement))),
            }
            if differ(&answers) {
                let answers = answers.iter().map(|(id, a)| (*id, (*a).clone())).collect();
                effective.contradictions.push(Contradiction {
                    claim: claim.id,
                    placement: hash,
                    answers,
                });
            }
        }
        effective
            .placements
            .insert(claim.id, places.into_iter().collect());
    }
    effective.contradictions.sort_unstable();
    effective.allowed = spoken.allowed(&effective.placements);
    effective
}

/// Every claim once: copies of one claim (it may be read from several documents) are joined.
pub(crate) fn merged_copies(claims: &[Claim]) -> Vec<Claim> {
    let mut by_id: BTreeMap<AppointmentId, Claim> = BTreeMap::new();
    for claim in claims {
        let known = by_id.entry(claim.id).or_insert_with(|| claim.clone());
        // Copies agree on these; if a faulty one does not, the order of arrival still means nothing.
        known.source = known.source.min(claim.source);
        known.kind = known.kind.min(claim.kind);
        known.location = known.location.min(claim.location);
        known.placements.extend(claim.placements.iter().cloned());
        known.states.extend(&claim.states);
    }
    for claim in by_id.values_mut() {
        claim.placements.sort_unstable();
        claim.placements.dedup();
        claim.states.sort_unstable();
        claim.states.dedup();
    }
    by_id.into_values().collect()
}

impl Answer {
    fn place(&self, placement: &Placement) -> Option<Placement> {
        match self {
            Self::Keep => Some(placement.clone()),
            Self::Move(to) => Some(to.clone()),
            Self::Cancel => None,
        }
    }
}

fn differ(answers: &BTreeMap<DecisionId, &Answer>) -> bool {
    let mut values = answers.values();
    values
        .next()
        .is_some_and(|first| values.any(|other| other != first))
}

/// The decision that a claim follows: without ranks only where all agree.
fn stands<'a>(
    answers: &BTreeMap<DecisionId, &'a Answer>,
    rank: Option<&Rank<'_>>,
) -> Option<(DecisionId, &'a Answer)> {
    let first = match rank {
        _ if answers.len() == 1 => answers.first_key_value(),
        Some(rank) => answers.iter().min_by_key(|(id, _)| (rank(**id), **id)),
        None if differ(answers) => None,
        None => answers.first_key_value(),
    };
    first.map(|(id, answer)| (*id, *answer))
}

/// All decisions, indexed by what they speak of.
pub(crate) struct Spoken<'a> {
    by_id: BTreeMap<DecisionId, &'a Decision>,
    answers: BTreeMap<Subject, BTreeMap<DecisionId, Answer>>,
}

impl<'a> Spoken<'a> {
    pub(crate) fn of(decisions: impl IntoIterator<Item = &'a Decision>) -> Self {
        let mut by_id: BTreeMap<DecisionId, &'a Decision> = BTreeMap::new();
        for decision in decisions {
            // Two decisions under one id cannot be told apart by what others have seen: the lesser
            // one counts everywhere.
            let known = by_id.entry(decision.id).or_insert(decision);
            if decision < *known {
                *known = decision;
            }
        }
        let mut answers: BTreeMap<Subject, BTreeMap<DecisionId, Answer>> = BTreeMap::new();
        for decision in by_id.values() {
            for verdict in &decision.verdicts {
                let answer = match verdict {
                    Verdict::Keep { .. } | Verdict::AllowOverlap { .. } => Answer::Keep,
                    Verdict::Move { to, .. } => Answer::Move(to.clone()),
                    Verdict::Cancel { .. } => Answer::Cancel,
                };
                for subject in verdict.subjects() {
                    let said = answers.entry(subject).or_default();
                    said.entry(decision.id).or_insert_with(|| answer.clone());
                }
            }
        }
        Self { by_id, answers }
    }

    /// Whether any says anything about a claim, wherever it was then.
    fn speak_of(&self, claim: AppointmentId) -> bool {
        let first = (claim, PlacementHash([0; 32]));
        let next = self.answers.range(first..).next();
        next.is_some_and(|((about, _), _)| *about == claim)
    }

    /// The answers about a subject that no other answer about it supersedes.
    fn latest(&self, subject: Subject) -> BTreeMap<DecisionId, &Answer> {
        let Some(said) = self.answers.get(&subject) else {
            return BTreeMap::new();
        };
        if said.len() == 1 {
            return said.iter().map(|(id, answer)| (*id, answer)).collect();
        }
        let seen: BTreeMap<DecisionId, BTreeSet<DecisionId>> =
            said.keys().map(|id| (*id, self.seen_by(*id))).collect();
        let knows = |a: DecisionId, b: DecisionId| seen.get(&a).is_some_and(|s| s.contains(&b));
        said.iter()
            .filter(|(id, _)| {
                !said
                    .keys()
                    .any(|other| knows(*other, **id) && !knows(**id, *other))
            })
            .map(|(id, answer)| (*id, answer))
            .collect()
    }

    /// All that a decision has seen, through others too.
    fn seen_by(&self, id: DecisionId) -> BTreeSet<DecisionId> {
        let mut seen = BTreeSet::new();
        let mut open = vec![id];
        while let Some(next) = open.pop() {
            for earlier in self
                .by_id
                .get(&next)
                .into_iter()
                .flat_map(|decision| &decision.seen)
            {
                if seen.insert(*earlier) {
                    open.push(*earlier);
                }
            }
        }
        seen
    }

    /// The overlaps that were agreed and still concern both claims where they are: once either is
    /// elsewhere, or in a second place too, the agreement was about something else.
    fn allowed(
        &self,
        placements: &BTreeMap<AppointmentId, Vec<Placement>>,
    ) -> BTreeSet<(AppointmentId, AppointmentId)> {
        let still_there = |(claim, hash): Subject| match placements.get(&claim).map(Vec::as_slice) {
            Some([only]) => only.hash() == hash,
            _ => false,
        };
        self.by_id
            .values()
            .flat_map(|decision| {
                decision
                    .verdicts
                    .iter()
                    .map(|verdict| (decision.id, verdict))
            })
            .filter_map(|(decision, verdict)| match verdict {
                Verdict::AllowOverlap { a, b }
                    if still_there(*a) && still_there(*b) && !self.taken_back(decision, *a, *b) =>
                {
                    Some((a.0.min(b.0), a.0.max(b.0)))
                }
                Verdict::AllowOverlap { .. }
                | Verdict::Keep { .. }
                | Verdict::Move { .. }
                | Verdict::Cancel { .. } => None,
            })
            .collect()
    }

    /// Whether an agreed overlap was taken back: by a decision that has seen it, says of both that
    /// they stay where they are, and agrees to nothing. One that also moves or cancels others
    /// answers another question and leaves the agreement standing.
    fn taken_back(&self, agreed: DecisionId, a: Subject, b: Subject) -> bool {
        let about = |subject| self.answers.get(&subject);
        let (Some(about_a), Some(about_b)) = (about(a), about(b)) else {
            return false;
        };
        about_a
            .keys()
            .filter(|later| **later != agreed && about_b.contains_key(later))
            .filter_map(|later| self.by_id.get(later))
            .filter(|later| {
                let mut verdicts = later.verdicts.iter();
                verdicts.all(|verdict| matches!(verdict, Verdict::Keep { .. }))
            })
            .any(|later| {
                self.seen_by(later.id).contains(&agreed)
                    && !self.seen_by(agreed).contains(&later.id)
            })
    }
}
