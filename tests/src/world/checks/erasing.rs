//! What must hold of erasures: nobody opens what was sealed about who is gone, no disk holds it, every
//! device said so, and nothing else is missing.

use std::collections::BTreeSet;

use client_core::documents::Subject;
use entry_log::Storage;
use sync_protocol::{Entry, FeedId, Hash, IncarnationId, Item, KeyId, SubjectId, subject_rows};

use super::{Audit, Told, Truth, World};
use crate::world::{
    Platter,
    erasing::{Leaving, keys_of},
};

/// So many of a body's last bytes are looked for on disks: they are under its seal, and no other's.
const NEEDLE: usize = 24;

/// What is gone, as the chain has it.
#[derive(Debug)]
pub(super) struct Gone {
    leaving: Vec<Leaving>,
    subjects: BTreeSet<SubjectId>,
    keys: BTreeSet<KeyId>,
}

impl Gone {
    pub(super) fn of(world: &World, truth: &Truth) -> Self {
        let erased = truth.chain().erased();
        let leaving = world.erasures.leaving.iter();
        let leaving = leaving.filter(|one| erased.subject(one.subject()).is_some());
        let leaving: Vec<Leaving> = leaving.cloned().collect();
        let states = erased.erasures().flat_map(|(_, state)| &state.subjects);
        let subjects: BTreeSet<SubjectId> = states.copied().collect();
        let gone = |subject: SubjectId| subjects.contains(&subject);
        let mut keys = keys_of(&world.erasures.bodies, &gone);
        keys.extend(erased.keys());
        Self {
            leaving,
            subjects,
            keys,
        }
    }

    /// Whether an entry is sealed about who is gone, or holds a row of such a key.
    fn takes(&self, entry: &Entry) -> bool {
        match entry.header().key {
            Some(key) => self.keys.contains(&key),
            None if entry.header().feed == FeedId::Keys => {
                let (rows, _) = subject_rows(entry.body().unwrap_or_default());
                rows.iter().any(|row| self.subjects.contains(&row.subject))
            }
            None => false,
        }
    }

    /// Whether this was written about who is gone, and may be kept back for ever.
    pub(super) fn may_lack(&self, world: &World, id: (IncarnationId, u64)) -> bool {
        let mut written = world.erasures.bodies.values();
        written.any(|entry| entry.id() == id && self.takes(entry))
    }
}

/// Everything that must hold of erasures.
pub(super) fn all(world: &mut World, audit: &Audit, truth: &Truth) -> Told {
    if truth.chain().erased().is_empty() {
        return Ok(());
    }
    world.tally.count("histories with an erasure");
    for desk in world.members() {
        world.keeps_bodies_of(desk)?;
    }
    let gone = Gone::of(world, truth);
    nobody_has_the_client(world, &gone)?;
    nothing_opens(world, &gone)?;
    nothing_says_the_name(world, audit, truth, &gone)?;
    no_disk_holds_it(world, audit, truth, &gone)?;
    nothing_else_is_lost(world, audit, truth)?;
    every_device_said_so(world)
}

fn nobody_has_the_client(world: &World, gone: &Gone) -> Told {
    for desk in world.members() {
        let book = world.replica(desk).ok_or("a desk is off")?.book();
        for one in &gone.leaving {
            let pets = book.household(one.client);
            let alone = pets == BTreeSet::from([Subject::Client(one.client)]);
            if book.client_record(one.client).is_some() || !alone {
                return Err(format!("desk {desk} still has {} or pets", one.client));
            }
        }
    }
    Ok(())
}

fn nothing_opens(world: &World, gone: &Gone) -> Told {
    let bodies = world.erasures.bodies.values();
    let bodies = bodies.filter(|entry| entry.header().key.is_some() && gone.takes(entry));
    for entry in bodies {
        for desk in world.members() {
            let ring = world.replica(desk).ok_or("a desk is off")?.keyring();
            let with = ring.opens_with_any(entry);
            if ring.open(entry).is_ok() || with.is_some() {
                return Err(format!(
                    "desk {desk} opens {:?} of {}, which was erased",
                    entry.id(),
                    entry.header().feed
                ));
            }
        }
    }
    Ok(())
}

/// What the owner opens of all that the relay has says nothing of who is gone. A pet that somebody
/// added after being removed counts for nothing, so nobody knows whose it is.
fn nothing_says_the_name(world: &World, audit: &Audit, truth: &Truth, gone: &Gone) -> Told {
    let ring = world.replica(0).ok_or("desk 0 is off")?.keyring();
    for (feed, _, sequence, item) in &audit.items {
        let Item::Entry(entry) = item else { continue };
        if truth.looks_through(&entry.hash()) {
            continue;
        }
        let Ok(plain) = ring.open(entry) else {
            continue;
        };
        let says = |text: &str| {
            let mut windows = plain.windows(text.len());
            windows.any(|window| window == text.as_bytes())
        };
        if let Some(one) = gone.leaving.iter().find(|one| says(&one.marker)) {
            return Err(format!("{feed}/{sequence} says \"{}\"", one.marker));
        }
    }
    Ok(())
}

/// All files of a disk, one after the other.
fn all_bytes(platter: &Platter) -> Told<Vec<u8>> {
    let disk = platter.mount();
    let mut bytes = Vec::new();
    for name in disk.list().map_err(|error| error.to_string())? {
        let len = disk.len(&name).map_err(|error| error.to_string())?;
        let len = usize::try_from(len).map_err(|error| error.to_string())?;
        bytes.extend(
            disk.read(&name, 0, len)
                .map_err(|error| error.to_string())?,
        );
    }
    Ok(bytes)
}

fn no_disk_holds_it(world: &World, audit: &Audit, truth: &Truth, gone: &Gone) -> Told {
    let needle = |entry: &Entry| -> Option<Vec<u8>> {
        let body = entry.body()?;
        Some(body[body.len().checked_sub(NEEDLE)?..].to_vec())
    };
    let at_relay = audit.items.iter().filter_map(|(.., item)| match item {
        Item::Entry(entry) => Some(entry.hash()),
        Item::Act(_) | Item::Confirmation(_) => None,
    });
    let at_relay: BTreeSet<Hash> = at_relay.collect();
    // Under a key that no act names, whose row went nowhere, a body may have got through: nobody has
    // that key any more.
    let due = |entry: &Entry| {
        let header = entry.header();
        let named = truth.chain().must_purge(header).is_some();
        gone.takes(entry) && (named || !at_relay.contains(&entry.hash()))
    };
    let bodies = world.erasures.bodies.values().filter(|entry| due(entry));
    let taken: Vec<(&Entry, Vec<u8>)> = bodies
        .filter_map(|entry| Some((entry, needle(entry)?)))
        .collect();
    let mut disks = vec![("the relay".to_owned(), all_bytes(&world.relay.platter)?)];
    for desk in world.members() {
        let bytes = all_bytes(&world.desks[desk].platter)?;
        disks.push((format!("desk {desk}"), bytes));
    }
    for (whose, bytes) in &disks {
        let held = taken
            .iter()
            .find(|(_, needle)| memchr::memmem::find(bytes, needle).is_some());
        if let Some((entry, _)) = held {
            return Err(format!(
                "{whose} holds {:?} of {}, which was erased",
                entry.id(),
                entry.header().feed
            ));
        }
    }
    // The search itself must be able to find something.
    let kept = audit.items.iter().find_map(|(.., item)| match item {
        Item::Entry(entry) if entry.header().key.is_some() => needle(entry),
        _ => None,
    });
    match (kept, disks.first()) {
        (Some(kept), Some((_, bytes))) if memchr::memmem::find(bytes, &kept).is_none() => {
            Err("a body that stands at the relay is not found on its disk".to_owned())
        }
        _ => Ok(()),
    }
}

/// Bodies are gone where the chain says so, and nowhere else.
fn nothing_else_is_lost(world: &World, audit: &Audit, truth: &Truth) -> Told {
    for (feed, _, sequence, item) in &audit.items {
        let Item::Entry(entry) = item else { continue };
        let due = truth.chain().must_purge(entry.header()).is_some();
        if due == entry.body().is_some() {
            return Err(format!(
                "{feed}/{sequence} at the relay: erased {due}, body {}",
                entry.body().is_some()
            ));
        }
        for desk in world.members() {
            let replica = world.replica(desk).ok_or("a desk is off")?;
            let reads = replica.role().is_some_and(|role| role.may_read(*feed));
            let hash: Hash = entry.hash();
            let held = replica.ledger().entry(&hash);
            let held = held.map_err(|error| error.to_string())?;
            let there = held.is_some_and(|held| held.body().is_some());
            if reads && there == due {
                return Err(format!(
                    "{feed}/{sequence} at desk {desk}: erased {due}, body {there}"
                ));
            }
        }
    }
    Ok(())
}

fn every_device_said_so(world: &World) -> Told {
    for desk in world.members() {
        let replica = world.replica(desk).ok_or("a desk is off")?;
        let view = replica.erasures_view(&|_| None);
        let view = view.map_err(|refusal| format!("{refusal:?}"))?;
        for erasure in view.erasures {
            let out = erasure.devices.iter().find(|device| device.done.is_none());
            if let Some(out) = out {
                return Err(format!(
                    "desk {desk} has no word of {} that {} is done",
                    out.device, erasure.id
                ));
            }
        }
    }
    Ok(())
}
