//! What must hold once everybody is connected again and nothing is on its way.

use std::collections::{BTreeMap, BTreeSet};

use client_core::{
    catalogue::{ReviewKind, Standing},
    ledger::Alarm,
};
use conflict_rules::{
    AppointmentId, Booking, Capacities, Claim, Clash, Decision, Effective, Verdict, bookings_of,
    clashes, effective_for_clashes, oracle,
};
use schedule::{IsoWeek, WeekKey};
use sync_protocol::{Hash, IncarnationId, Item, RefusalReason, SeatId};

use super::{Told, World, probe::Audit};

/// Everything that must hold.
///
/// # Errors
/// In one sentence, what does not.
pub fn all(world: &mut World) -> Told {
    let audit = world.audit()?;
    nothing_acknowledged_is_lost(world, &audit)?;
    nothing_waits(world)?;
    replicas_agree(world)?;
    alarms_are_right(world, &audit)?;
    let documents = Documents::of(world)?;
    clashes_equal_the_oracle(world, &documents)?;
    the_confirmed_fit(world, &documents)?;
    what_fits_is_confirmed(world, &documents, &audit)?;
    every_clash_is_in_review(world, &documents)?;
    what_was_taken_is_nobodys_review(world, &documents)
}

/// What must hold after a relay has lied, whatever was told about it: all that was saved is
/// everywhere, and all show the same.
///
/// # Errors
/// In one sentence, what does not.
pub fn nothing_is_missing(world: &mut World) -> Told {
    let audit = world.audit()?;
    nothing_acknowledged_is_lost(world, &audit)?;
    nothing_waits(world)?;
    let first = hashes(world, 0)?;
    for desk in 1..world.desks() {
        let other = hashes(world, desk)?;
        // A desk may hold confirmations that nobody else was shown.
        if (&first.heads, &first.clashes) != (&other.heads, &other.clashes) {
            return Err(format!("desk 0 has {first:?}, desk {desk} has {other:?}"));
        }
    }
    Ok(())
}

/// Each desk's incarnations, and how many entries of each it holds without a gap.
fn held(world: &World, desk: usize) -> Told<BTreeMap<IncarnationId, u64>> {
    let replica = world.replica(desk).ok_or("a desk is off")?;
    Ok(replica.ledger().vector().into_iter().collect())
}

fn nothing_acknowledged_is_lost(world: &World, audit: &Audit) -> Told {
    let mut at_relay: BTreeSet<(IncarnationId, u64)> = BTreeSet::new();
    for (feed, _, sequence, item) in &audit.items {
        if let Item::Entry(entry) = item
            && !at_relay.insert(entry.id())
        {
            return Err(format!(
                "{feed}/{sequence}: an entry stands twice at the relay"
            ));
        }
    }
    for (incarnation, sequence) in &world.receipts {
        if !at_relay.contains(&(*incarnation, *sequence)) {
            return Err(format!(
                "the relay lost {incarnation}/{sequence}, which it had acknowledged"
            ));
        }
    }
    for desk in 0..world.desks() {
        let held = held(world, desk)?;
        let has = |incarnation: &IncarnationId, sequence: u64| {
            held.get(incarnation).is_some_and(|next| *next > sequence)
        };
        for (incarnation, sequence) in &at_relay {
            if !has(incarnation, *sequence) {
                return Err(format!("desk {desk} lacks {incarnation}/{sequence}"));
            }
        }
        for (number, other) in world.desks.iter().enumerate() {
            for (incarnation, next) in &other.promised {
                if !has(incarnation, next.saturating_sub(1)) && *next > 0 {
                    return Err(format!(
                        "desk {desk} lacks what desk {number} had saved in {incarnation}"
                    ));
                }
                let all = (0..*next).all(|at| at_relay.contains(&(*incarnation, at)));
                if !all {
                    return Err(format!(
                        "the relay lacks what desk {number} had saved in {incarnation}"
                    ));
                }
            }
        }
    }
    Ok(())
}

fn nothing_waits(world: &World) -> Told {
    for desk in 0..world.desks() {
        let book = world.replica(desk).ok_or("a desk is off")?.book();
        if book.waiting() > 0 {
            return Err(format!("desk {desk}: {} wait in the book", book.waiting()));
        }
        if !book.refused().is_empty() {
            return Err(format!("desk {desk} withholds {:?}", book.refused()));
        }
        if book.masked_entries() > 0 {
            return Err(format!("desk {desk} masks {}", book.masked_entries()));
        }
    }
    Ok(())
}

/// What must be equal on all desks.
#[derive(Debug, PartialEq, Eq)]
pub struct Hashes {
    /// Over all entries held.
    pub entries: Hash,
    /// Over the documents' heads.
    pub heads: String,
    /// Over the clashes.
    pub clashes: String,
    /// Over what is shown.
    pub rendering: String,
}

/// What a desk holds and shows.
///
/// # Errors
/// When the desk is off.
pub fn hashes(world: &mut World, desk: usize) -> Told<Hashes> {
    let replica = world.replica_mut(desk).ok_or("a desk is off")?;
    let entries = replica.ledger().entries_hash();
    let book = replica.book_mut();
    Ok(Hashes {
        entries,
        heads: book.heads_hash(),
        clashes: book.clashes_hash(),
        rendering: book.rendering_hash(),
    })
}

/// Every desk holds and shows the same.
///
/// # Errors
/// When two differ.
pub fn replicas_agree(world: &mut World) -> Told {
    let first = hashes(world, 0)?;
    for desk in 1..world.desks() {
        let other = hashes(world, desk)?;
        if first != other {
            return Err(format!("desk 0 has {first:?}, desk {desk} has {other:?}"));
        }
    }
    let said = format!("{first:?}");
    world.note(format_args!("all agree: {said}"));
    Ok(())
}

fn alarms_are_right(world: &World, audit: &Audit) -> Told {
    // A seat whose chain forks was written by two machines.
    let mut next: BTreeMap<(SeatId, Hash), Hash> = BTreeMap::new();
    let mut forked: BTreeSet<SeatId> = BTreeSet::new();
    for (.., item) in &audit.items {
        if let Item::Entry(entry) = item {
            let (seat, prev) = (entry.header().seat, entry.header().prev);
            let first = *next.entry((seat, prev)).or_insert(entry.hash());
            if first != entry.hash() {
                forked.insert(seat);
            }
        }
    }
    let copied: BTreeSet<Alarm> = forked
        .iter()
        .map(|seat| Alarm::DeviceCopied { seat: *seat })
        .collect();
    for desk in 0..world.desks() {
        let replica = world.replica(desk).ok_or("a desk is off")?;
        let alarms: BTreeSet<Alarm> = replica.ledger().alarms().collect();
        if let Some(false_one) = alarms.difference(&copied).next() {
            return Err(format!("desk {desk}: a false alarm: {false_one:?}"));
        }
        if let Some(missed) = copied.difference(&alarms).next() {
            return Err(format!("desk {desk} does not notice: {missed:?}"));
        }
    }
    Ok(())
}

/// All claims and decisions, read from the documents of one desk.
#[derive(Debug)]
pub struct Documents {
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
                if !week.violations().is_empty() {
                    return Err(format!("violations: {:?}", week.violations()));
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
fn single<'a>(
    documents: &'a Documents,
) -> impl Iterator<Item = (AppointmentId, &'a conflict_rules::Placement)> {
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
    // What was agreed once may have been granted, whatever was decided later.
    let verdicts = documents
        .decisions
        .iter()
        .flat_map(|decision| &decision.verdicts);
    let agreed: BTreeSet<(AppointmentId, AppointmentId)> = verdicts
        .filter_map(|verdict| match verdict {
            Verdict::AllowOverlap { a, b } => Some((a.0.min(b.0), a.0.max(b.0))),
            Verdict::Keep { .. } | Verdict::Move { .. } | Verdict::Cancel { .. } => None,
        })
        .collect();
    let beyond = clashes(bookings, &documents.capacities, &agreed);
    match beyond.first() {
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
    for desk in 0..world.desks() {
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
