//! What must hold once everybody is connected again and nothing is on its way.

mod crew;
mod erasing;
mod visits;

use std::collections::{BTreeMap, BTreeSet};

use client_core::{
    catalogue::{AlarmCode, Answer, Query},
    ledger::Alarm,
    replica::Replica,
};
use jiff::{SignedDuration, Timestamp};
use sync_protocol::{Entry, Hash, IncarnationId, Item, SeatId};

use super::{Told, World, probe::Audit};

pub(super) use crew::Truth;

/// Everything that must hold.
///
/// # Errors
/// In one sentence, what does not.
pub fn all(world: &mut World) -> Told {
    let audit = world.audit()?;
    let truth = Truth::of(&audit)?;
    nothing_acknowledged_is_lost(world, &audit, &truth)?;
    nothing_waits(world, &audit, &truth)?;
    crew::all(world, &audit, &truth)?;
    agree(world, &Locked::of(world, &audit, &truth)?)?;
    alarms_are_right(world, &audit)?;
    erasing::all(world, &audit, &truth)?;
    visits::all(world, &audit)
}

/// What must hold after a relay has lied, whatever was told about it: all that was saved is
/// everywhere, and all show the same.
///
/// # Errors
/// In one sentence, what does not.
pub fn nothing_is_missing(world: &mut World) -> Told {
    let audit = world.audit()?;
    let truth = Truth::of(&audit)?;
    nothing_acknowledged_is_lost(world, &audit, &truth)?;
    nothing_waits(world, &audit, &truth)?;
    crew::all(world, &audit, &truth)?;
    erasing::all(world, &audit, &truth)?;
    let locked = Locked::of(world, &audit, &truth)?;
    for desk in world.members() {
        let (mut first, mut other) = (Held::at(world, 0, desk)?, Held::at(world, desk, 0)?);
        // A desk may hold confirmations that nobody else was shown.
        first.rendering.clone_from(&other.rendering);
        locked.leave_out(desk, &mut first, &mut other);
        first.same_as(&other, desk)?;
    }
    Ok(())
}

/// What the relay acknowledged, and what desks said is saved, stands at the relay and at every desk
/// that may read it, in the same place.
fn nothing_acknowledged_is_lost(world: &World, audit: &Audit, truth: &Truth) -> Told {
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
    for desk in world.members() {
        let replica = world.replica(desk).ok_or("a desk is off")?;
        let role = replica.role().ok_or("a desk of the practice has no role")?;
        for (feed, epoch, sequence, item) in &audit.items {
            // The relay may say the same of a placement twice within a second: one word, two places.
            if matches!(item, Item::Confirmation(_)) {
                continue;
            }
            let place = replica.ledger().place_of(&item.hash());
            let there = place.map(|place| (place.epoch, place.sequence));
            if role.may_read(*feed) && there != Some((*epoch, *sequence)) {
                return Err(format!(
                    "desk {desk} has {there:?} of {feed} where {epoch}/{sequence} is"
                ));
            }
        }
    }
    let erased = erasing::Gone::of(world, truth);
    for (number, other) in world.desks.iter().enumerate() {
        for (incarnation, next) in &other.promised {
            let gone = truth
                .wrote(*incarnation)
                .is_some_and(|seat| truth.is_removed(seat))
                || other.seats().any(|seat| truth.is_removed(seat));
            let all = (0..*next)
                .map(|at| (*incarnation, at))
                .all(|id| at_relay.contains(&id) || erased.may_lack(world, id));
            // What somebody had not sent when the seat was removed stays where it is, and what was
            // written about who was erased is sent by nobody.
            if !all && !gone {
                return Err(format!(
                    "the relay lacks what desk {number} had saved in {incarnation}"
                ));
            }
        }
    }
    Ok(())
}

/// Whether keys left with somebody: what the relay has is sealed under a key that nobody in the
/// practice holds, and entries are missing that whoever left never sent.
fn keys_left_with_somebody(world: &World, audit: &Audit, truth: &Truth) -> bool {
    let entries = audit.items.iter().filter_map(|(.., item)| match item {
        Item::Entry(entry) => Some(entry),
        Item::Act(_) | Item::Confirmation(_) => None,
    });
    let at_relay: BTreeSet<(IncarnationId, u64)> = entries.clone().map(Entry::id).collect();
    let desks = world.desks.iter();
    let gone = desks.filter(|desk| desk.seats().any(|seat| truth.is_removed(seat)));
    let mut runs = gone.flat_map(|desk| &desk.promised);
    let unsent = runs.any(|(run, next)| (0..*next).any(|at| !at_relay.contains(&(*run, at))));
    let members = world.members();
    let held = |key| {
        let mut rings = members.iter().filter_map(|desk| world.replica(*desk));
        rings.any(|replica| replica.keyring().key(key).is_some())
    };
    let mut sealed = entries.filter(|entry| entry.body().is_some());
    unsent && sealed.any(|entry| entry.header().key.is_some_and(|key| !held(key)))
}

fn nothing_waits(world: &World, audit: &Audit, truth: &Truth) -> Told {
    for desk in world.members() {
        let replica = world.replica(desk).ok_or("a desk is off")?;
        let role = replica.role().ok_or("a desk of the practice has no role")?;
        let book = replica.book();
        // A neighbour may have brought what is not for this role.
        let waiting = book.waiting_of(|feed| role.may_read(feed));
        // What counts for nothing may be sealed with a key that counts for nothing; more of the same
        // that builds on it hangs as well.
        if waiting > 0
            && truth.unlisted(replica, role).is_empty()
            && !keys_left_with_somebody(world, audit, truth)
        {
            let feeds: BTreeSet<_> = audit.items.iter().map(|(feed, ..)| *feed).collect();
            let of = |feed| (feed, book.waiting_of(|of| of == feed));
            let found: Vec<_> = feeds.into_iter().map(of).collect();
            return Err(format!(
                "desk {desk}: {waiting} wait in the book: {found:?}"
            ));
        }
        if !book.refused().is_empty() {
            return Err(format!("desk {desk} withholds {:?}", book.refused()));
        }
    }
    Ok(())
}

/// What must be equal on all desks.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    /// The documents of feeds that both read, with their heads.
    documents: BTreeMap<[u8; 16], (String, Vec<[u8; 32]>)>,
    /// A hash over the clashes.
    clashes: String,
    /// A hash over what is shown.
    rendering: String,
}

impl Held {
    /// What a desk holds and shows of what somebody of another role reads too.
    fn at(world: &mut World, desk: usize, with: usize) -> Told<Self> {
        let role = |desk: usize| world.replica(desk).and_then(Replica::role);
        let (own, other) = (role(desk).ok_or("no role")?, role(with).ok_or("no role")?);
        let replica = world.replica_mut(desk).ok_or("a desk is off")?;
        let book = replica.book_mut();
        Ok(Self {
            documents: book.heads_of(|feed| own.may_read(feed) && other.may_read(feed)),
            clashes: book.clashes_hash(),
            rendering: book.rendering_hash(),
        })
    }

    /// # Errors
    /// What desk 0 has otherwise than another.
    fn same_as(&self, other: &Self, desk: usize) -> Told {
        let ids: BTreeSet<_> = self
            .documents
            .keys()
            .chain(other.documents.keys())
            .collect();
        let document = ids.into_iter().find_map(|id| {
            let both = (self.documents.get(id), other.documents.get(id));
            (both.0 != both.1).then(|| format!("{both:?}"))
        });
        let clashes = (self.clashes != other.clashes).then(|| "the clashes".to_owned());
        let shown = (self.rendering != other.rendering).then(|| "what is shown".to_owned());
        match document.or(clashes).or(shown) {
            None => Ok(()),
            Some(what) => Err(format!("desk 0 and desk {desk} do not agree: {what}")),
        }
    }
}

/// By desk, the documents with something that counts for nothing and does not open there: its key
/// counts for nothing either. Where it was opened before, it stays, looked through.
#[derive(Default)]
struct Locked(BTreeMap<usize, BTreeSet<[u8; 16]>>);

impl Locked {
    fn of(world: &World, audit: &Audit, truth: &Truth) -> Told<Self> {
        let mut found = BTreeMap::new();
        for desk in world.members() {
            let replica = world.replica(desk).ok_or("a desk is off")?;
            let role = replica.role().ok_or("a desk of the practice has no role")?;
            let unlisted = truth.unlisted(replica, role);
            let entries = audit.items.iter().filter_map(|(.., item)| match item {
                Item::Entry(entry) if unlisted.contains(&entry.hash()) => Some(entry),
                Item::Entry(_) | Item::Act(_) | Item::Confirmation(_) => None,
            });
            let documents = entries.map(|entry| entry.header().document.to_bytes());
            found.insert(desk, documents.collect());
        }
        Ok(Self(found))
    }

    fn leave_out(&self, desk: usize, first: &mut Held, other: &mut Held) {
        let locked = [0, desk].into_iter().filter_map(|desk| self.0.get(&desk));
        for document in locked.flatten() {
            first.documents.remove(document);
            other.documents.remove(document);
        }
    }
}

/// Every desk holds and shows the same.
///
/// # Errors
/// When two differ.
pub fn replicas_agree(world: &mut World) -> Told {
    agree(world, &Locked::default())
}

fn agree(world: &mut World, locked: &Locked) -> Told {
    for desk in world.members() {
        let (mut first, mut other) = (Held::at(world, 0, desk)?, Held::at(world, desk, 0)?);
        locked.leave_out(desk, &mut first, &mut other);
        first.same_as(&other, desk)?;
    }
    world.note(format_args!("all agree"));
    Ok(())
}

/// Seats whose chain forks among these entries: two machines wrote it.
fn forked<'a>(entries: impl Iterator<Item = &'a Entry>) -> BTreeSet<Alarm> {
    let mut next: BTreeMap<(SeatId, Hash), Hash> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for entry in entries {
        let (seat, hash) = (entry.header().seat, entry.hash());
        let first = *next.entry((seat, entry.header().prev)).or_insert(hash);
        if first != hash {
            found.insert(Alarm::DeviceCopied { seat });
        }
    }
    found
}

fn alarms_are_right(world: &mut World, audit: &Audit) -> Told {
    let at_relay = || {
        audit.items.iter().filter_map(|(.., item)| match item {
            Item::Entry(entry) => Some(entry),
            Item::Act(_) | Item::Confirmation(_) => None,
        })
    };
    let due = forked(at_relay());
    // A neighbour may have shown what its author withdrew before the relay saw it.
    let possible = forked(at_relay().chain(world.erasures.bodies.values()));
    for desk in world.members() {
        let replica = world.replica(desk).ok_or("a desk is off")?;
        let role = replica.role().ok_or("a desk of the practice has no role")?;
        let alarms: BTreeSet<Alarm> = replica.ledger().alarms().collect();
        let restored = world.restored;
        let lost = |alarm: &Alarm| restored && matches!(alarm, Alarm::RelayRolledBack { .. });
        let alarms: BTreeSet<Alarm> = alarms.into_iter().filter(|alarm| !lost(alarm)).collect();
        if let Some(false_one) = alarms.difference(&possible).next() {
            return Err(format!("desk {desk}: a false alarm: {false_one:?}"));
        }
        // Who does not read all feeds may not see both branches.
        let sees_all = sync_protocol::Role::Owner == role;
        let missed = due.difference(&alarms).next();
        if let (true, Some(missed)) = (sees_all, missed) {
            return Err(format!("desk {desk} does not notice: {missed:?}"));
        }
        told_alarms_are_right(world, desk, !possible.is_empty())?;
    }
    Ok(())
}

/// What a desk tells a person: nothing that is not so.
fn told_alarms_are_right(world: &mut World, desk: usize, copied: bool) -> Told {
    let now = world.desk_now(desk);
    let masked = world
        .replica(desk)
        .is_some_and(|one| one.book().masked_entries() > 0);
    let restored = world.restored;
    // A clock that was set right is known for right with the relay's next word.
    let machine = &world.desks[desk];
    let asked = SignedDuration::from_mins(1);
    let lately = |at: Timestamp| world.now.duration_since(at) <= asked;
    let off = !machine.offset.is_zero() || machine.clock_set.is_some_and(lately);
    let replica = world.replica_mut(desk).ok_or("a desk is off")?;
    let told = match replica.query(now, Query::State) {
        Ok(Answer::State(state)) => state.alarms,
        other => return Err(format!("desk {desk} has no state: {other:?}")),
    };
    let false_one = told.into_iter().find(|alarm| match alarm.code {
        AlarmCode::DeviceCopied => !copied,
        AlarmCode::Masked => !masked,
        AlarmCode::ClockOff => !off,
        AlarmCode::RelayRestored | AlarmCode::RelayRolledBack => !restored,
        // Of feeds that are another's, from a neighbour.
        AlarmCode::Waiting => false,
        _ => true,
    });
    match false_one {
        None => Ok(()),
        Some(alarm) => Err(format!("desk {desk} tells a false alarm: {alarm:?}")),
    }
}
