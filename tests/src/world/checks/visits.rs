//! What must hold of visits: clashes as an oracle finds them, confirmations within capacity, reviews.

use std::collections::BTreeSet;

use client_core::catalogue::{ReviewKind, Standing};
use conflict_rules::{
    AppointmentId, Booking, Capacities, Claim, Clash, Decision, Effective, Verdict, bookings_of,
    clashes, effective_for_clashes, oracle,
};
use schedule::{IsoWeek, Violation, WeekKey};
use sync_protocol::{Item, RefusalReason};

use super::{Audit, Told, World};

/// Everything that must hold of visits.
pub(super) fn all(world: &mut World, audit: &Audit) -> Told {
    let documents = Documents::of(world)?;
    clashes_equal_the_oracle(world, &documents)?;
    the_confirmed_fit(world, &documents)?;
    what_fits_is_confirmed(world, &documents, audit)?;
    every_clash_is_in_review(world, &documents)?;
    what_was_taken_is_nobodys_review(world, &documents)
}

/// All claims and decisions, read from the documents of one desk.
#[derive(Debug)]
pub(super) struct Documents {
    claims: Vec<Claim>,
    decisions: Vec<Decision>,
    capacities: Capacities,
    effective: Effective,
    clashes: Vec<Clash>,
}

impl Documents {
    fn of(world: &World) -> Told<Self> {
        let book = world.replica(0).ok_or("desk 0 is off")?.book();
        let (mut claims, mut decisions) = (Vec::new(), Vec::new());
        for location in &world.practice.sites {
            for number in 12..=16 {
                let week = IsoWeek::new(2026, number).map_err(|error| format!("{error}"))?;
                let key = WeekKey {
                    location: *location,
                    week,
                };
                let week = book.week(key).map_err(|error| format!("{error}"))?;
                // What honest people did to a visit whose booking is looked through hangs in the air.
                let masked = book.masked_list();
                let about: BTreeSet<AppointmentId> =
                    masked.into_iter().flat_map(|(.., visits)| visits).collect();
                let violations = week.violations();
                let honest = violations.iter().find(|violation| match violation {
                    Violation::Homeless(id) | Violation::Origin(id) | Violation::State(id) => {
                        !about.contains(id)
                    }
                    _ => true,
                });
                if let Some(violation) = honest {
                    return Err(format!("{violation:?}"));
                }
                claims.extend(week.claims());
                decisions.extend(week.decisions());
            }
        }
        let capacities: Capacities = book.grid().capacities().into_iter().collect();
        let effective = effective_for_clashes(&claims, &decisions);
        let clashes = clashes(bookings_of(&effective), &capacities, &effective.allowed);
        Ok(Self {
            claims,
            decisions,
            capacities,
            effective,
            clashes,
        })
    }
}

fn clashes_equal_the_oracle(world: &mut World, documents: &Documents) -> Told {
    let bookings = bookings_of(&documents.effective);
    let slow = oracle::clashes(
        &bookings,
        &documents.capacities,
        &documents.effective.allowed,
    );
    if let Some(slow) = slow
        && slow != documents.clashes
    {
        return Err(format!(
            "the oracle finds {slow:?}, the rules {:?}",
            documents.clashes
        ));
    }
    let known: BTreeSet<AppointmentId> = documents.claims.iter().map(|claim| claim.id).collect();
    let visits = world.visits.clone();
    let replica = world.replica_mut(0).ok_or("desk 0 is off")?;
    if let Some(gone) = visits.iter().find(|visit| {
        // A visit whose entry went with a restored disk was never acknowledged by anybody.
        replica.book().claim(**visit).is_some() != known.contains(visit)
    }) {
        return Err(format!("the book and its documents differ about {gone}"));
    }
    let shown: Vec<_> = replica.book_mut().clashes();
    let same = shown.len() == documents.clashes.len()
        && documents.clashes.iter().all(|clash| {
            shown.iter().any(|view| {
                view.resource == clash.resource
                    && view.from == clash.range.start()
                    && view.until == clash.range.end()
                    && view.claims.iter().eq(clash.claims.iter())
            })
        });
    if !same {
        return Err(format!(
            "shown are {shown:?}, there are {:?}",
            documents.clashes
        ));
    }
    world.tally.clash |= !documents.clashes.is_empty();
    let counts = (
        documents.claims.len(),
        documents.decisions.len(),
        documents.clashes.len(),
    );
    world.note(format_args!("claims, decisions, clashes: {counts:?}"));
    Ok(())
}

/// Where a claim is that occupies exactly one place, by everybody's word.
fn single(
    documents: &Documents,
) -> impl Iterator<Item = (AppointmentId, &conflict_rules::Placement)> {
    documents
        .effective
        .placements
        .iter()
        .filter(|(claim, _)| {
            let open = &documents.effective.contradictions;
            !open
                .iter()
                .any(|contradiction| contradiction.claim == **claim)
        })
        .filter_map(|(claim, placements)| match placements.as_slice() {
            [only] => Some((*claim, only)),
            _ => None,
        })
}

fn the_confirmed_fit(world: &World, documents: &Documents) -> Told {
    let book = world.replica(0).ok_or("desk 0 is off")?.book();
    let confirmed: BTreeSet<AppointmentId> = single(documents)
        .filter(|(claim, _)| book.standing(*claim) == Standing::Confirmed)
        .map(|(claim, _)| claim)
        .collect();
    let bookings: Vec<Booking> = bookings_of(&documents.effective)
        .into_iter()
        .filter(|booking| confirmed.contains(&booking.claim))
        .collect();
    // What was agreed once may have been granted, whatever was decided later, and whoever was removed.
    let verdicts = documents
        .decisions
        .iter()
        .flat_map(|decision| &decision.verdicts);
    let agreed: BTreeSet<(AppointmentId, AppointmentId)> = verdicts
        .filter_map(|verdict| match verdict {
            Verdict::AllowOverlap { a, b } => Some((a.0.min(b.0), a.0.max(b.0))),
            Verdict::Keep { .. } | Verdict::Move { .. } | Verdict::Cancel { .. } => None,
        })
        .chain(world.allowed.iter().copied())
        .collect();
    let beyond = clashes(bookings, &documents.capacities, &agreed);
    // What a decision gave up went to somebody else; with whoever was removed the decision went, too.
    let came_back =
        |claim: &AppointmentId| book.masked_entries() > 0 && world.given_up.contains(claim);
    match beyond
        .iter()
        .find(|clash| !clash.claims.iter().any(came_back))
    {
        None => Ok(()),
        Some(clash) => Err(format!("confirmed and yet beyond capacity: {clash:?}")),
    }
}

fn what_fits_is_confirmed(world: &World, documents: &Documents, audit: &Audit) -> Told {
    let book = world.replica(0).ok_or("desk 0 is off")?.book();
    let clashing: BTreeSet<AppointmentId> = documents
        .clashes
        .iter()
        .flat_map(|clash| clash.claims.iter().copied())
        .collect();
    for (claim, _) in single(documents) {
        let standing = book.standing(claim);
        if standing != Standing::Confirmed && !clashing.contains(&claim) {
            let said: Vec<String> = answers(audit, claim);
            let others: Vec<String> = documents
                .claims
                .iter()
                .filter(|other| said.iter().any(|said| said.contains(&other.id.to_string())))
                .map(|other| {
                    let places = documents.effective.placements.get(&other.id);
                    let spans: Vec<_> = places
                        .into_iter()
                        .flatten()
                        .map(conflict_rules::Placement::span)
                        .collect();
                    format!(
                        "{} {:?} is at {spans:?}; {:?}",
                        other.id,
                        other.states,
                        answers(audit, other.id)
                    )
                })
                .collect();
            return Err(format!(
                "{claim} clashes with nothing and is {standing:?}: {said:?}; {others:?}"
            ));
        }
    }
    Ok(())
}

/// What the relay said about a claim, in its order.
fn answers(audit: &Audit, claim: AppointmentId) -> Vec<String> {
    let items = audit.items.iter();
    items
        .filter_map(|(_, _, sequence, item)| match item {
            Item::Confirmation(word) if word.value().claim == claim.to_bytes() => {
                let by = match word.value().verdict {
                    sync_protocol::Verdict::Refused(RefusalReason::Taken { by, .. }) => {
                        format!("taken by {}", AppointmentId::from_bytes(by))
                    }
                    other => format!("{other:?}"),
                };
                let placement = word.value().placement.to_string();
                Some(format!("{sequence}: {} {by}", placement.get(..8)?))
            }
            _ => None,
        })
        .collect()
}

fn every_clash_is_in_review(world: &mut World, documents: &Documents) -> Told {
    for desk in world.members() {
        let reviews = world.reviews(desk)?;
        for clash in &documents.clashes {
            let shown = reviews.iter().any(|review| {
                review.kind == ReviewKind::Clash
                    && clash
                        .claims
                        .iter()
                        .all(|claim| review.visits.iter().any(|visit| visit.visit.id == *claim))
            });
            if !shown {
                return Err(format!("desk {desk} does not review {clash:?}"));
            }
        }
        let clashing = reviews
            .iter()
            .filter(|review| review.kind == ReviewKind::Clash);
        for review in clashing {
            let ids: BTreeSet<AppointmentId> =
                review.visits.iter().map(|visit| visit.visit.id).collect();
            if !documents
                .clashes
                .iter()
                .any(|clash| clash.claims.is_subset(&ids))
            {
                return Err(format!("desk {desk} reviews {ids:?}, which do not clash"));
            }
        }
    }
    Ok(())
}

fn what_was_taken_is_nobodys_review(world: &World, documents: &Documents) -> Told {
    for claim in &world.taken {
        // Whoever took it up again, or decided about it, may have met somebody else since.
        let touched = world.handled.contains(claim);
        let clash = documents
            .clashes
            .iter()
            .find(|clash| clash.claims.contains(claim));
        if let (false, Some(clash)) = (touched, clash) {
            return Err(format!(
                "{claim} was taken while connected, and is in {clash:?}"
            ));
        }
    }
    Ok(())
}
