//! What was done, in the order of its authors' clocks: the thread by which the audit reads the log.
//!
//! Nothing of what was done is kept here. Each entry that was taken in is known by its hash and
//! stamp ([`super::entries`]) and, here, by whom or what it is about; the rest is read from the log
//! when somebody asks. The entries of one command bear one stamp of one run, so that together they
//! are one [`Moment`].

use std::collections::{BTreeMap, HashMap, HashSet};

use conflict_rules::AppointmentId;
use schedule::{CheckedChange, Hlc};
use sync_protocol::{Hash, SeatId};

use super::Book;
use crate::{
    catalogue::{ClientId, PetId},
    documents::{About, Part, Subject, Target},
};

/// Whom or what an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Topic {
    Subject(Subject),
    Visit(AppointmentId),
}

/// Which entries are about whom or what.
#[derive(Debug, Default)]
pub(super) struct Trail {
    about: HashMap<Topic, Vec<Hash>>,
}

impl Trail {
    /// Remembers what a sealed entry is about.
    pub(super) fn note(&mut self, entry: Hash, target: Target, changes: &[CheckedChange]) {
        if let Some(subject) = target.subject() {
            self.add(Topic::Subject(subject), entry);
        }
        if matches!(target, Target::Visits(_)) {
            for key in changes.iter().flat_map(CheckedChange::map_keys) {
                let part = Part::parse(key).map(|(id, _)| id);
                let reason = || match About::parse(key.rsplit_once('.')?.0)? {
                    About::Claim(id) => Some(id),
                    About::Decision(_) => None,
                };
                if let Some(id) = part.or_else(reason) {
                    self.add(Topic::Visit(id), entry);
                }
            }
        }
    }

    /// Which entries are about this.
    pub(super) fn entries(&self, topic: Topic) -> &[Hash] {
        self.about.get(&topic).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, topic: Topic, entry: Hash) {
        let known = self.about.entry(topic).or_default();
        if known.last() != Some(&entry) {
            known.push(entry);
        }
    }
}

/// When a command was carried out: its stamp, and the run of the process that it was carried out in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct When {
    /// By its author's clock.
    pub clock: Hlc,
    /// In which run; of an act of the chain, its height.
    pub run: [u8; 16],
}

/// A command as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub when: When,
    /// Whose seat.
    pub seat: SeatId,
    /// Its entries in the order in which they were written.
    pub entries: Vec<Hash>,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOf {
    /// What concerns a client, with pets and visits.
    Client(ClientId),
    /// What concerns a pet, with its visits.
    Pet(PetId),
    /// What concerns a visit.
    Visit(AppointmentId),
    /// What a seat did.
    Seat(SeatId),
}

impl Book {
    /// The latest commands before `before` that `fits` wants, newest first, at most `limit`.
    pub fn moments(
        &self,
        of: Option<AuditOf>,
        before: Option<When>,
        fits: &dyn Fn(&When) -> bool,
        limit: usize,
    ) -> Vec<Moment> {
        let only = of.and_then(|of| self.entries_about(of));
        let seat_only = match of {
            Some(AuditOf::Seat(seat)) => Some(seat),
            Some(AuditOf::Client(_) | AuditOf::Pet(_) | AuditOf::Visit(_)) | None => None,
        };
        // The stamps of what is wanted first: a page is a small part of the log.
        let mut latest: BTreeMap<When, SeatId> = BTreeMap::new();
        for (hash, seen) in self.entries.all() {
            let when = When {
                clock: seen.clock,
                run: seen.incarnation.to_bytes(),
            };
            let wanted = before.is_none_or(|before| when < before)
                && seat_only.is_none_or(|seat| seat == seen.seat)
                && only.as_ref().is_none_or(|only| only.contains(hash))
                && fits(&when);
            let full = latest.len() >= limit;
            if !wanted
                || (full
                    && latest
                        .first_key_value()
                        .is_some_and(|(last, _)| when < *last))
            {
                continue;
            }
            latest.insert(when, seen.seat);
            if latest.len() > limit {
                latest.pop_first();
            }
        }
        let mut entries: HashMap<When, Vec<(u64, Hash)>> = HashMap::new();
        for (hash, seen) in self.entries.all() {
            let when = When {
                clock: seen.clock,
                run: seen.incarnation.to_bytes(),
            };
            if latest.contains_key(&when) {
                entries
                    .entry(when)
                    .or_default()
                    .push((seen.sequence, *hash));
            }
        }
        let moments = latest.into_iter().rev().map(|(when, seat)| {
            let mut entries = entries.remove(&when).unwrap_or_default();
            entries.sort_unstable();
            Moment {
                when,
                seat,
                entries: entries.into_iter().map(|(_, hash)| hash).collect(),
            }
        });
        moments.collect()
    }

    fn entries_about(&self, of: AuditOf) -> Option<HashSet<Hash>> {
        let mut subjects: Vec<Subject> = Vec::new();
        let mut visits: Vec<AppointmentId> = Vec::new();
        match of {
            AuditOf::Client(client) => {
                subjects.push(Subject::Client(client));
                let pets = self.records.summary(client).map(|client| client.pets);
                subjects.extend(pets.into_iter().flatten().map(|pet| Subject::Pet(pet.id)));
                visits.extend(self.visits.of_client(client));
            }
            AuditOf::Pet(pet) => {
                subjects.push(Subject::Pet(pet));
                let owner = self.records.owner(pet);
                let with = |id: &AppointmentId| {
                    let who = self.who_of(*id);
                    who.is_some_and(|who| who.pets.contains(&pet))
                };
                let owners = owner.into_iter().flat_map(|id| self.visits.of_client(id));
                visits.extend(owners.filter(with));
            }
            AuditOf::Visit(visit) => visits.push(visit),
            AuditOf::Seat(_) => return None,
        }
        let mut found: HashSet<Hash> = HashSet::new();
        let topics = subjects.into_iter().map(Topic::Subject);
        let topics = topics.chain(visits.iter().copied().map(Topic::Visit));
        for topic in topics {
            found.extend(self.trail.about.get(&topic).into_iter().flatten());
        }
        for visit in visits {
            found.extend(self.entries.touching(visit));
        }
        Some(found)
    }
}
