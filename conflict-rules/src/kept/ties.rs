//! Which claims decisions tie together.
//!
//! What becomes of a claim depends on the decisions about it, on those that these have seen, and so
//! on; an agreed overlap, on both of its claims. Claims that no decision ties to each other are
//! settled independently.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    decision::{Decision, Verdict},
    ids::{AppointmentId, DecisionId},
};

/// Decisions, and what links them to claims and to each other.
#[derive(Debug, Clone, Default)]
pub(super) struct Ties {
    decisions: BTreeMap<DecisionId, Decision>,
    about: BTreeMap<AppointmentId, BTreeSet<DecisionId>>,
}

fn subjects(decision: &Decision) -> impl Iterator<Item = AppointmentId> {
    let subjects = decision.verdicts.iter().flat_map(Verdict::subjects);
    subjects.map(|(claim, _)| claim)
}

impl Ties {
    pub(super) fn get(&self, id: DecisionId) -> Option<&Decision> {
        self.decisions.get(&id)
    }

    pub(super) fn about(&self, claim: AppointmentId) -> impl Iterator<Item = &Decision> {
        let about = self.about.get(&claim).into_iter().flatten();
        about.filter_map(|id| self.decisions.get(id))
    }

    pub(super) fn set(&mut self, id: DecisionId, decision: Option<Decision>) {
        if let Some(before) = self.decisions.remove(&id) {
            for claim in subjects(&before) {
                if let Some(about) = self.about.get_mut(&claim) {
                    about.remove(&id);
                    if about.is_empty() {
                        self.about.remove(&claim);
                    }
                }
            }
        }
        if let Some(decision) = decision {
            for claim in subjects(&decision) {
                self.about.entry(claim).or_default().insert(id);
            }
            self.decisions.insert(id, decision);
        }
    }

    /// Adds to claims all that decisions tie to them or to `first`; gives those decisions.
    ///
    /// From a decision the way leads to what it has seen, not to who has seen it: where it makes a
    /// later one know an earlier one, both are about a claim that the earlier one leads to.
    pub(super) fn close(
        &self,
        claims: &mut BTreeSet<AppointmentId>,
        first: &BTreeSet<DecisionId>,
    ) -> BTreeSet<DecisionId> {
        let about = |claim: AppointmentId| self.about.get(&claim).into_iter().flatten().copied();
        let mut open: Vec<DecisionId> = claims.iter().copied().flat_map(about).collect();
        open.extend(first);
        let mut tied = BTreeSet::new();
        while let Some(id) = open.pop() {
            let Some(decision) = self.decisions.get(&id) else {
                continue;
            };
            if !tied.insert(id) {
                continue;
            }
            open.extend(&decision.seen);
            for claim in subjects(decision) {
                if claims.insert(claim) {
                    open.extend(about(claim));
                }
            }
        }
        tied
    }
}
