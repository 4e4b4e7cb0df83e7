//! Answering reviews: wishes about visits become one decision.
//!
//! A decision binds to each visit at the placement its document has. To say "it stays where it is"
//! of a visit that an earlier decision moved is therefore to repeat that move.

use std::collections::BTreeSet;

use conflict_rules::{
    AppointmentId, Claim, Decision, DecisionId, Placement, PlacementHash, Verdict,
    decision::{MAX_SEEN, MAX_VERDICTS},
};
use entry_log::Storage;
use jiff::Timestamp;
use rand_core::CryptoRng;
use schedule::WeekKey;
use sync_protocol::SeatId;

use super::{checks, done, shape::Elsewhere, undo::TakeBack};
use crate::{
    catalogue::{ClashView, Decide, Refusal, Reply, ReviewView, VerdictWish},
    documents::About,
    replica::{Batch, Replica, invalid, not_allowed, not_found, random},
};

fn wished(wish: &VerdictWish) -> Vec<AppointmentId> {
    match wish {
        VerdictWish::Keep { appointment }
        | VerdictWish::Move { appointment, .. }
        | VerdictWish::Cancel { appointment } => vec![*appointment],
        VerdictWish::AllowOverlap { a, b } => vec![*a, *b],
    }
}

/// Repeats what a placement comes to.
fn restated(claim: AppointmentId, raw: &Placement, drawn: Option<&Placement>) -> Verdict {
    let placement = raw.hash();
    match drawn {
        Some(to) if to != raw => Verdict::Move {
            claim,
            placement,
            to: to.clone(),
        },
        _ => Verdict::Keep { claim, placement },
    }
}

impl<S: Storage> Replica<S> {
    /// What waits for a person.
    pub(super) fn reviews(&self, now: Timestamp) -> Vec<ReviewView> {
        let name_of = |seat| self.name_of(seat);
        self.book.reviews(now, self.may_decide(), &name_of)
    }

    /// A seat in words.
    pub(super) fn name_of(&self, seat: SeatId) -> String {
        let state = self.ledger.governance().seat(seat);
        let role = state.and_then(|state| state.role_at(state.added()));
        let named = self.book.practice().seats.get(&seat);
        match role {
            _ if named.is_some() => named.cloned().unwrap_or_default(),
            _ if seat == self.seat() => "this desk".to_owned(),
            Some(role) => {
                let id: String = seat.to_string().chars().skip(5).take(4).collect();
                format!("{role} {id}")
            }
            None => "another device".to_owned(),
        }
    }

    pub(super) fn decide(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &Decide,
    ) -> Result<Reply, Refusal> {
        if !self.may_decide() {
            return Err(not_allowed(
                "decide; it may look and propose",
                "an owner, manager or vet",
            ));
        }
        let reason = wish
            .reason
            .as_deref()
            .map(|text| checks::note("reason", text))
            .transpose()?
            .filter(|reason| !reason.is_empty());
        let first = wish.verdicts.first().map(wished).unwrap_or_default();
        let home = first
            .first()
            .ok_or_else(|| {
                invalid(
                    "verdicts",
                    "A decision says something about at least one visit.",
                    "Answer for at least one visit.",
                )
            })
            .and_then(|id| {
                self.book
                    .home_of(*id)
                    .ok_or_else(|| not_found("verdicts", "visit"))
            })?;
        let corrected = self.clock.corrected(now);
        let mut verdicts = Vec::new();
        let mut former = Vec::new();
        // Who leaves by this decision is in nobody's way.
        let leaving: BTreeSet<AppointmentId> = wish
            .verdicts
            .iter()
            .filter(|wish| matches!(wish, VerdictWish::Move { .. } | VerdictWish::Cancel { .. }))
            .flat_map(wished)
            .collect();
        for wish in &wish.verdicts {
            self.verdicts_of(corrected, wish, &leaving, &mut verdicts)?;
            for id in wished(wish) {
                former.extend(self.former(id));
            }
        }
        former.sort_unstable();
        former.dedup();
        let mut batch = self.begin(now, rng);
        for verdict in &verdicts {
            if let Verdict::Move { claim, to, .. } = verdict
                && let Some(home) = self.book.home_of(*claim)
            {
                self.point(&mut batch, home, *claim, to)?;
            }
        }
        let id = self.decision(rng, &mut batch, home, verdicts)?;
        if let Some(reason) = reason {
            self.put_reason(rng, &mut batch, home, About::Decision(id), None, &reason)?;
        }
        self.save(rng, batch)?;
        let step = self.steps.keep(TakeBack::Decision {
            home,
            id,
            verdicts: former,
        });
        Ok(done(id, step, "Decided."))
    }

    /// One wish in terms of placements.
    fn verdicts_of(
        &self,
        now: Timestamp,
        wish: &VerdictWish,
        leaving: &BTreeSet<AppointmentId>,
        verdicts: &mut Vec<Verdict>,
    ) -> Result<(), Refusal> {
        let about = |id: AppointmentId| {
            let (claim, drawn) = self.claim_at("verdicts", id)?;
            let effective = self.book.placements_of(id);
            Ok::<_, Refusal>((claim, drawn, effective))
        };
        match wish {
            VerdictWish::Keep { appointment } => {
                let (claim, drawn, effective) = about(*appointment)?;
                match claim.placements.as_slice() {
                    [raw] => verdicts.push(restated(claim.id, raw, effective.first())),
                    _ => keep_one(&claim, &drawn, verdicts),
                }
            }
            VerdictWish::Move {
                appointment,
                start,
                staff,
                room,
            } => {
                let (claim, drawn, _) = about(*appointment)?;
                let other = Elsewhere {
                    start: Some(*start),
                    staff: *staff,
                    room: *room,
                    minutes: None,
                };
                let (to, _) = self.shaped(&claim, &drawn, other)?;
                let taken: Vec<ClashView> = self
                    .book
                    .in_the_way(Some(claim.id), &to)
                    .into_iter()
                    .filter(|clash| {
                        let mut others = clash.claims.iter().filter(|id| **id != claim.id);
                        !others.any(|id| leaving.contains(id))
                    })
                    .collect();
                if !taken.is_empty() {
                    let near = self.book.near(Some(claim.id), claim.location, &to, now, 3);
                    return Err(self.slot_taken(&taken, near).at("verdicts"));
                }
                move_all(&claim, &to, verdicts);
            }
            VerdictWish::Cancel { appointment } => {
                let (claim, ..) = about(*appointment)?;
                verdicts.extend(claim.placements.iter().map(|placement| Verdict::Cancel {
                    claim: claim.id,
                    placement: placement.hash(),
                }));
            }
            VerdictWish::AllowOverlap { a, b } => {
                let place = |id: AppointmentId| {
                    let (claim, _, effective) = about(id)?;
                    match effective.as_slice() {
                        [only] => Ok((claim.id, only.hash())),
                        _ => Err(invalid(
                            "verdicts",
                            "One of these visits is not in one place.",
                            "Settle where it is first.",
                        )),
                    }
                };
                let (a, b) = (place(*a)?, place(*b)?);
                verdicts.push(Verdict::AllowOverlap { a, b });
            }
        }
        Ok(())
    }

    /// What a visit comes to before a decision, so that it can come to that again.
    fn former(&self, id: AppointmentId) -> Vec<Verdict> {
        let Some(claim) = self.book.claim(id) else {
            return Vec::new();
        };
        let effective = self.book.placements_of(id);
        let mut former: Vec<Verdict> = match claim.placements.as_slice() {
            [raw] if effective.is_empty() && claim.holds_slot() => vec![Verdict::Cancel {
                claim: id,
                placement: raw.hash(),
            }],
            [raw] => vec![restated(id, raw, effective.first())],
            several => several
                .iter()
                .map(|raw| Verdict::Keep {
                    claim: id,
                    placement: raw.hash(),
                })
                .collect(),
        };
        // An overlap that is agreed binds to where a visit is drawn: taking it back names that too.
        if let [drawn] = effective.as_slice() {
            let keep = Verdict::Keep {
                claim: id,
                placement: drawn.hash(),
            };
            if !former.contains(&keep) && !claim.placements.contains(drawn) {
                former.push(keep);
            }
        }
        former
    }

    /// Writes a decision that has seen all others about these claims.
    pub(super) fn decision(
        &self,
        rng: &mut impl CryptoRng,
        batch: &mut Batch,
        home: WeekKey,
        mut verdicts: Vec<Verdict>,
    ) -> Result<DecisionId, Refusal> {
        verdicts.sort_unstable();
        verdicts.dedup();
        let claims: BTreeSet<AppointmentId> = verdicts
            .iter()
            .flat_map(Verdict::subjects)
            .map(|(claim, _)| claim)
            .collect();
        let claims: Vec<AppointmentId> = claims.into_iter().collect();
        let id = DecisionId::from_bytes(random(rng));
        let seen = self.book.decisions_about(&claims);
        let decision = Decision {
            id,
            seat: self.seat.to_bytes(),
            verdicts,
            seen: seen.into_iter().take(MAX_SEEN).collect(),
        };
        decision.check().map_err(schedule::IntentError::from)?;
        batch.week(&self.book, home, |week, actor| {
            Ok(week.decide(actor, &decision)?)
        })?;
        Ok(id)
    }

    /// Takes a decision back by one that has seen it.
    pub(super) fn supersede(
        &mut self,
        rng: &mut impl CryptoRng,
        batch: &mut Batch,
        home: WeekKey,
        taken_back: DecisionId,
        verdicts: Vec<Verdict>,
    ) -> Result<(), Refusal> {
        if !self.may_decide() {
            return Err(not_allowed("decide", "an owner, manager or vet"));
        }
        for verdict in &verdicts {
            if let Verdict::Move { claim, to, .. } = verdict
                && let Some(home) = self.book.home_of(*claim)
            {
                self.point(batch, home, *claim, to)?;
            }
        }
        let known = self.book.week(home)?.decisions();
        if !known.iter().any(|decision| decision.id == taken_back) {
            return Err(not_found("step", "decision"));
        }
        self.decision(rng, batch, home, verdicts).map(|_| ())
    }

    /// Agrees that a double-booked visit overlaps with what is in its way, so that it is no clash.
    pub(super) fn allow(
        &self,
        rng: &mut impl CryptoRng,
        batch: &mut Batch,
        home: WeekKey,
        id: AppointmentId,
        placement: &Placement,
        taken: &[ClashView],
    ) -> Result<(), Refusal> {
        let mut pairs: BTreeSet<(
            (AppointmentId, PlacementHash),
            (AppointmentId, PlacementHash),
        )> = BTreeSet::new();
        for clash in taken {
            let mut together: Vec<(AppointmentId, PlacementHash)> = clash
                .claims
                .iter()
                .filter(|other| **other != id)
                .filter_map(|other| match self.book.placements_of(*other).as_slice() {
                    [only] => Some((*other, only.hash())),
                    _ => None,
                })
                .collect();
            together.push((id, placement.hash()));
            together.sort_unstable();
            for (index, a) in together.iter().enumerate() {
                for b in together.iter().skip(index + 1) {
                    pairs.insert((*a, *b));
                }
            }
        }
        if pairs.is_empty() || pairs.len() > MAX_VERDICTS {
            // It stays a clash, for people to look at.
            return Ok(());
        }
        let verdicts = pairs
            .into_iter()
            .map(|(a, b)| Verdict::AllowOverlap { a, b })
            .collect();
        self.decision(rng, batch, home, verdicts).map(|_| ())
    }
}

/// Of several places one stays: where the visit is drawn first.
fn keep_one(claim: &Claim, drawn: &Placement, verdicts: &mut Vec<Verdict>) {
    let kept = claim
        .placements
        .iter()
        .find(|placement| *placement == drawn)
        .or(claim.placements.first());
    for placement in &claim.placements {
        let (id, hash) = (claim.id, placement.hash());
        verdicts.push(if Some(placement) == kept {
            Verdict::Keep {
                claim: id,
                placement: hash,
            }
        } else {
            Verdict::Cancel {
                claim: id,
                placement: hash,
            }
        });
    }
}

/// From wherever it is to one place.
fn move_all(claim: &Claim, to: &Placement, verdicts: &mut Vec<Verdict>) {
    if claim.placements.len() > 1 && claim.placements.contains(to) {
        keep_one(claim, to, verdicts);
        return;
    }
    for (index, raw) in claim.placements.iter().enumerate() {
        verdicts.push(if index == 0 {
            restated(claim.id, raw, Some(to))
        } else {
            Verdict::Cancel {
                claim: claim.id,
                placement: raw.hash(),
            }
        });
    }
}
