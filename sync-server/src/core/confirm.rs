//! Who has which slot: per resource, over all sites.
//!
//! Kept by claim: what was answered for each placement it asks for now. Kept by resource: the
//! granted bookings, sorted by time, so that a new one is compared with its neighbours only. Which
//! bookings exceed a capacity is asked of `conflict_rules`, as everywhere.
//!
//! What always holds: granted bookings of one resource never exceed its capacity as it was when
//! they were granted, except where a decision allows the overlap.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use conflict_rules::{
    AppointmentId, Booking, Capacities, Decision, DecisionId, Placement, PlacementHash, ResourceId,
    TimeRange, Verdict, clashes,
};
use jiff::{SignedDuration, Timestamp};
use sync_protocol::{DocumentId, IncarnationId};

/// Why a claim does not get its placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) by: AppointmentId,
    pub(crate) resource: ResourceId,
}

/// What was said about a placement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Where it is booked: resources and starts.
    Granted(Box<[(ResourceId, Timestamp)]>),
    /// It waits for the holder, on behalf of this entry.
    Refused {
        by: AppointmentId,
        request: (IncarnationId, u64),
    },
}

/// A claim that was answered.
#[derive(Debug, Clone)]
pub(crate) struct Stand {
    pub(crate) home: DocumentId,
    pub(crate) answers: Vec<(PlacementHash, Answer)>,
}

#[derive(Debug, Default)]
struct Timetable {
    granted: BTreeSet<(Timestamp, AppointmentId, PlacementHash, Slot)>,
    /// The longest booking there ever was: how far back a neighbour may begin.
    longest: SignedDuration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    end: Timestamp,
    units: u16,
    kind: conflict_rules::OccupancyKind,
}

impl Slot {
    /// Before all others.
    const LEAST: Self = Self {
        end: Timestamp::MIN,
        units: 0,
        kind: conflict_rules::OccupancyKind::Work,
    };
}

/// All answers of one organisation.
#[derive(Debug, Default)]
pub(crate) struct Confirmations {
    stands: HashMap<AppointmentId, Stand>,
    resources: HashMap<ResourceId, Timetable>,
    /// Refused claims by the claim they wait for.
    waiting: HashMap<AppointmentId, BTreeSet<AppointmentId>>,
    decisions: BTreeMap<DecisionId, (DocumentId, Decision)>,
    /// Decisions by the claims they speak of.
    spoken: HashMap<AppointmentId, BTreeSet<DecisionId>>,
}

impl Confirmations {
    pub(crate) fn stand(&self, claim: AppointmentId) -> Option<&Stand> {
        self.stands.get(&claim)
    }

    /// Those who may get what this claim gave up of these resources: who waits for it, and, where
    /// several share a resource, who waits for another of them.
    pub(crate) fn waiting_for(
        &self,
        claim: AppointmentId,
        freed: &BTreeSet<ResourceId>,
    ) -> BTreeSet<AppointmentId> {
        let waiting = self.waiting.iter();
        waiting
            .filter(|(holder, _)| **holder == claim || self.holds_any(**holder, freed))
            .flat_map(|(_, waiting)| waiting.iter().copied())
            .collect()
    }

    /// Everybody who waits for a slot, in order.
    pub(crate) fn all_waiting(&self) -> Vec<AppointmentId> {
        let waiting: BTreeSet<_> = self.waiting.values().flatten().copied().collect();
        waiting.into_iter().collect()
    }

    fn holds_any(&self, claim: AppointmentId, resources: &BTreeSet<ResourceId>) -> bool {
        let answers = self.stands.get(&claim).into_iter().flat_map(|s| &s.answers);
        answers
            .filter_map(|(_, answer)| match answer {
                Answer::Granted(booked) => Some(booked),
                Answer::Refused { .. } => None,
            })
            .flatten()
            .any(|(resource, _)| resources.contains(resource))
    }

    /// The slot is the claim's.
    pub(crate) fn grant(&mut self, claim: AppointmentId, home: DocumentId, placement: &Placement) {
        let hash = placement.hash();
        let booked = placement.occupancies().iter();
        let booked = booked.map(|occupancy| (occupancy.resource, occupancy.range.start()));
        self.answer(claim, home, hash, Answer::Granted(booked.collect()));
        for occupancy in placement.occupancies() {
            let timetable = self.resources.entry(occupancy.resource).or_default();
            let length = SignedDuration::from_secs(occupancy.range.seconds());
            timetable.longest = timetable.longest.max(length);
            timetable.granted.insert((
                occupancy.range.start(),
                claim,
                hash,
                Slot {
                    end: occupancy.range.end(),
                    units: occupancy.units,
                    kind: occupancy.kind,
                },
            ));
        }
    }

    /// The slot is another's.
    pub(crate) fn refuse(
        &mut self,
        claim: AppointmentId,
        home: DocumentId,
        placement: PlacementHash,
        by: AppointmentId,
        request: (IncarnationId, u64),
    ) {
        self.answer(claim, home, placement, Answer::Refused { by, request });
        self.waiting.entry(by).or_default().insert(claim);
    }

    /// A refused claim waits for another holder now.
    pub(crate) fn wait_for(
        &mut self,
        claim: AppointmentId,
        placement: PlacementHash,
        by: AppointmentId,
    ) {
        let stand = self.stands.get(&claim);
        let known = stand.and_then(|stand| {
            let mut answers = stand.answers.iter();
            let known = answers.find(|(hash, _)| *hash == placement);
            known.map(|(_, answer)| (stand.home, answer.clone()))
        });
        if let Some((home, Answer::Refused { request, .. })) = known {
            self.refuse(claim, home, placement, by, request);
        }
    }

    fn answer(
        &mut self,
        claim: AppointmentId,
        home: DocumentId,
        placement: PlacementHash,
        answer: Answer,
    ) {
        let stand = self.stands.entry(claim).or_insert_with(|| Stand {
            home,
            answers: Vec::with_capacity(1),
        });
        let known = stand
            .answers
            .iter_mut()
            .find(|(hash, _)| *hash == placement);
        let before = if let Some((_, known)) = known {
            Some(core::mem::replace(known, answer))
        } else {
            stand.answers.push((placement, answer));
            None
        };
        if let Some(Answer::Refused { by, .. }) = before {
            self.no_longer_waits(claim, by);
        }
    }

    fn no_longer_waits(&mut self, claim: AppointmentId, by: AppointmentId) {
        let still = self.stands.get(&claim).is_some_and(|stand| {
            let mut answers = stand.answers.iter();
            answers.any(
                |(_, answer)| matches!(answer, Answer::Refused { by: other, .. } if *other == by),
            )
        });
        if still {
            return;
        }
        if let Some(waiting) = self.waiting.get_mut(&by) {
            waiting.remove(&claim);
            if waiting.is_empty() {
                self.waiting.remove(&by);
            }
        }
    }

    /// The claim no longer asks for this placement.
    pub(crate) fn forget(&mut self, claim: AppointmentId, placement: PlacementHash) {
        let Some(stand) = self.stands.get_mut(&claim) else {
            return;
        };
        let at = stand
            .answers
            .iter()
            .position(|(hash, _)| *hash == placement);
        let Some(at) = at else {
            return;
        };
        let (_, answer) = stand.answers.swap_remove(at);
        match answer {
            Answer::Refused { by, .. } => {
                self.no_longer_waits(claim, by);
            }
            Answer::Granted(booked) => {
                for (resource, start) in booked {
                    let Some(timetable) = self.resources.get_mut(&resource) else {
                        continue;
                    };
                    let from = (start, claim, placement, Slot::LEAST);
                    let held = timetable.granted.range(from..).copied();
                    let held: Vec<_> = held
                        .take_while(|(at, holder, hash, _)| {
                            (*at, *holder, *hash) == (start, claim, placement)
                        })
                        .collect();
                    for booking in held {
                        timetable.granted.remove(&booking);
                    }
                }
            }
        }
    }

    /// Who stands in the way of a placement, if anybody does.
    pub(crate) fn obstacle(
        &self,
        claim: AppointmentId,
        placement: &Placement,
        capacities: &Capacities,
        touching_clashes: bool,
    ) -> Option<Taken> {
        let allowed = self.allowed(claim, placement.hash());
        let mut bookings = BTreeSet::new();
        for occupancy in placement.occupancies() {
            let range = if touching_clashes {
                let longer = occupancy.range.end() + SignedDuration::from_secs(1);
                TimeRange::new(occupancy.range.start(), longer).unwrap_or(occupancy.range)
            } else {
                occupancy.range
            };
            bookings.insert(Booking {
                claim,
                resource: occupancy.resource,
                range,
                units: occupancy.units,
                kind: occupancy.kind,
            });
            let neighbours = self.neighbours(occupancy.resource, range);
            bookings.extend(neighbours.filter(|booking| booking.claim != claim));
        }
        let clash = clashes(bookings, capacities, &allowed)
            .into_iter()
            .find(|clash| clash.claims.contains(&claim))?;
        let other = clash.claims.iter().find(|other| **other != claim);
        Some(Taken {
            by: other.copied().unwrap_or(claim),
            resource: clash.resource,
        })
    }

    fn neighbours(
        &self,
        resource: ResourceId,
        range: TimeRange,
    ) -> impl Iterator<Item = Booking> + '_ {
        let timetable = self.resources.get(&resource);
        timetable
            .into_iter()
            .flat_map(move |timetable| {
                let from = range.start().checked_sub(timetable.longest);
                let from = from.unwrap_or(Timestamp::MIN);
                let first = (
                    from,
                    AppointmentId::from_bytes([0; 16]),
                    PlacementHash([0; 32]),
                    Slot::LEAST,
                );
                let near = timetable.granted.range(first..);
                near.take_while(move |(start, ..)| *start < range.end())
            })
            .filter_map(move |(start, claim, _, slot)| {
                let taken = TimeRange::new(*start, slot.end).ok()?;
                taken.overlaps(range).then_some(Booking {
                    claim: *claim,
                    resource,
                    range: taken,
                    units: slot.units,
                    kind: slot.kind,
                })
            })
    }

    // ---- decisions -------------------------------------------------------------------------

    /// Notes a decision; whether it is news.
    pub(crate) fn decide(&mut self, document: DocumentId, decision: Decision) -> bool {
        let id = decision.id;
        if self.decisions.contains_key(&id) {
            return false;
        }
        for (claim, _) in decision.verdicts.iter().flat_map(Verdict::subjects) {
            self.spoken.entry(claim).or_default().insert(id);
        }
        self.decisions.insert(id, (document, decision));
        true
    }

    /// Forgets a decision; gives it back.
    pub(crate) fn undecide(&mut self, id: DecisionId) -> Option<Decision> {
        let (_, decision) = self.decisions.remove(&id)?;
        let subjects = decision.verdicts.iter().flat_map(Verdict::subjects);
        for (claim, _) in subjects {
            if let Some(spoken) = self.spoken.get_mut(&claim) {
                spoken.remove(&id);
            }
        }
        Some(decision)
    }

    /// The decisions of one document.
    pub(crate) fn decided_in(&self, document: DocumentId) -> Vec<DecisionId> {
        let decisions = self.decisions.iter();
        decisions
            .filter(|(_, (home, _))| *home == document)
            .map(|(id, _)| *id)
            .collect()
    }

    /// The decisions that speak of a claim.
    pub(crate) fn about(&self, claim: AppointmentId) -> Vec<Decision> {
        let spoken = self.spoken.get(&claim);
        let ids = spoken.into_iter().flatten();
        ids.filter_map(|id| self.decisions.get(id).map(|(_, decision)| decision.clone()))
            .collect()
    }

    /// The pairs with this claim that may overlap: agreed on, and the other is still where it was.
    fn allowed(
        &self,
        claim: AppointmentId,
        placement: PlacementHash,
    ) -> BTreeSet<(AppointmentId, AppointmentId)> {
        let there = |(other, hash): (AppointmentId, PlacementHash)| {
            let stand = self
                .stands
                .get(&other)
                .map(|stand| stand.answers.as_slice());
            matches!(stand, Some([(only, _)]) if *only == hash)
        };
        let mut allowed = BTreeSet::new();
        let mut others = Vec::new();
        let ids = self.spoken.get(&claim).into_iter().flatten();
        let verdicts = ids.filter_map(|id| self.decisions.get(id));
        for verdict in verdicts.flat_map(|(_, decision)| &decision.verdicts) {
            let Verdict::AllowOverlap { a, b } = verdict else {
                continue;
            };
            let (own, other) = if a.0 == claim { (*a, *b) } else { (*b, *a) };
            if own == (claim, placement) && there(other) {
                others.push(other.0);
            }
        }
        for other in &others {
            allowed.insert((claim.min(*other), claim.max(*other)));
        }
        // Of three that may overlap, the other two may with each other too if that was agreed.
        for other in others {
            let spoken = self.spoken.get(&other).into_iter().flatten();
            let verdicts = spoken.filter_map(|id| self.decisions.get(id));
            for verdict in verdicts.flat_map(|(_, decision)| &decision.verdicts) {
                if let Verdict::AllowOverlap { a, b } = verdict
                    && there(*a)
                    && there(*b)
                {
                    allowed.insert((a.0.min(b.0), a.0.max(b.0)));
                }
            }
        }
        allowed
    }
}
