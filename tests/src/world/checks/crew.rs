//! What must hold of membership: who was removed holds and opens nothing newer, nobody opens what the
//! role may not, everybody who may does, and what counts for nothing is listed.

use std::collections::{BTreeMap, BTreeSet};

use client_core::{
    catalogue::{Answer, CardKind, Command, EditClient, NewCardNote, Query},
    replica::Replica,
    sealing::{Compartment, KeyRing, RowAuthor, decode_rows},
    session::Input,
};
use sync_protocol::{
    Acceptance, Entry, FeedId, Governance, Hash, IncarnationId, Item, KeyId, Role, SeatId,
    SeatState, accept_known,
};

use super::{Audit, Told, World};
use crate::world::Disk;

/// The chain as the relay tells it, folded once more, and what follows from it.
#[derive(Debug)]
pub(crate) struct Truth {
    governance: Governance,
    /// What counts for nothing.
    masked: BTreeMap<Hash, FeedId>,
    /// The keys that it is sealed with.
    sealed_with: BTreeMap<Hash, KeyId>,
    writers: BTreeMap<IncarnationId, SeatId>,
}

impl Truth {
    pub(crate) fn of(audit: &Audit) -> Told<Self> {
        let mut governance: Option<Governance> = None;
        for (.., item) in &audit.items {
            let Item::Act(act) = item else { continue };
            match &mut governance {
                None => {
                    governance = Some(Governance::found(act).map_err(|error| error.to_string())?);
                }
                Some(chain) => chain
                    .apply(act)
                    .map_err(|error| format!("the relay's chain: {error}"))?,
            }
        }
        let governance = governance.ok_or("the relay has no chain")?;
        let (mut masked, mut writers) = (BTreeMap::new(), BTreeMap::new());
        let mut sealed_with = BTreeMap::new();
        for (feed, .., item) in &audit.items {
            if let Item::Entry(entry) = item {
                writers.insert(entry.header().incarnation, entry.header().seat);
                match accept_known(entry, &governance) {
                    Acceptance::Accept => {}
                    Acceptance::Mask(_) => {
                        masked.insert(entry.hash(), *feed);
                        sealed_with.extend(entry.header().key.map(|key| (entry.hash(), key)));
                    }
                    other @ (Acceptance::Withhold(_) | Acceptance::Wait { .. }) => {
                        return Err(format!("the relay took what is {other:?}"));
                    }
                }
            }
        }
        Ok(Self {
            governance,
            masked,
            sealed_with,
            writers,
        })
    }

    pub(super) fn wrote(&self, incarnation: IncarnationId) -> Option<SeatId> {
        self.writers.get(&incarnation).copied()
    }

    /// What is to be masked at a desk of this role; what was about somebody who is erased says nothing
    /// any more.
    fn due(&self, replica: &Replica<Disk>, role: Role) -> BTreeSet<Hash> {
        let due = self.masked.iter();
        due.filter(|(_, feed)| **feed != FeedId::Keys && role.may_read(**feed))
            .map(|(hash, _)| *hash)
            .filter(|hash| {
                let key = self.sealed_with.get(hash);
                !key.is_some_and(|key| replica.keyring().is_erased(*key))
            })
            .collect()
    }

    /// The same that is not masked.
    pub(super) fn unlisted(&self, replica: &Replica<Disk>, role: Role) -> BTreeSet<Hash> {
        let listed = replica.book().masked_list();
        let listed: BTreeSet<Hash> = listed.into_iter().map(|(hash, ..)| hash).collect();
        let due = self.due(replica, role);
        due.difference(&listed).copied().collect()
    }

    /// Whether an entry counts for nothing.
    pub(super) fn looks_through(&self, entry: &Hash) -> bool {
        self.masked.contains_key(entry)
    }

    /// The chain.
    pub(super) fn chain(&self) -> &Governance {
        &self.governance
    }

    pub(super) fn is_removed(&self, seat: SeatId) -> bool {
        let state = self.governance.seat(seat);
        state.is_some_and(|state| state.removed().is_some())
    }
}

/// Everything that must hold of membership.
pub(super) fn all(world: &mut World, audit: &Audit, truth: &Truth) -> Told {
    one_chain(world, truth)?;
    same_keys(world)?;
    what_counts_for_nothing_is_listed(world, truth)?;
    who_left_holds_nothing_newer(world, audit, truth)?;
    who_opens_what(world, audit, truth)
}

/// Every desk has the relay's chain, and every act that was told to stand is in it.
fn one_chain(world: &mut World, truth: &Truth) -> Told {
    for desk in world.members() {
        let replica = world.replica(desk).ok_or("a desk is off")?;
        let (own, all) = (
            replica.ledger().governance().stand(),
            truth.governance.stand(),
        );
        if own != all {
            return Err(format!(
                "desk {desk} is at {own:?} of the chain, the relay at {all:?}"
            ));
        }
    }
    let hashes = 0..=truth.governance.height();
    let acts: BTreeSet<Hash> = hashes
        .filter_map(|at| truth.governance.hash_at(at))
        .collect();
    match world
        .wishes
        .iter()
        .find(|wish| wish.done && !acts.contains(&wish.act))
    {
        None => Ok(()),
        Some(lost) => Err(format!(
            "the act {} of desk {} is lost",
            lost.act, lost.desk
        )),
    }
}

/// Each desk looks through exactly what was written without the right to, and lists it.
fn what_counts_for_nothing_is_listed(world: &mut World, truth: &Truth) -> Told {
    for desk in world.members() {
        let now = world.desk_now(desk);
        let replica = world.replica_mut(desk).ok_or("a desk is off")?;
        let role = replica.role().ok_or("a desk of the practice has no role")?;
        let listed = replica.book().masked_list();
        let wrong = listed
            .into_iter()
            .map(|(hash, ..)| hash)
            // From a neighbour, and not at the relay.
            .filter(|hash| replica.ledger().place_of(hash).is_some())
            .find(|hash| !truth.masked.contains_key(hash));
        if let Some(wrong) = wrong {
            return Err(format!("desk {desk} masks {wrong}, which counts"));
        }
        let missing = truth.unlisted(replica, role);
        let waiting = replica.book().waiting_of(|feed| role.may_read(feed));
        if missing.len() > waiting {
            return Err(format!("desk {desk} does not mask {missing:?}"));
        }
        let due = truth.due(replica, role).len();
        let Ok(Answer::People(people)) = replica.query(now, Query::People) else {
            return Err(format!("desk {desk} cannot tell its people"));
        };
        if people.masked.len() < (due - missing.len()).min(200) {
            return Err(format!("desk {desk} does not list what it masks"));
        }
        if due > 0 {
            world.tally.count("desks that list masked work");
        }
    }
    Ok(())
}

/// Nothing that names a height at which a seat was gone is on its disk, unless a neighbour brought
/// it there.
fn who_left_holds_nothing_newer(world: &World, audit: &Audit, truth: &Truth) -> Told {
    for (desk, machine) in world.desks.iter().enumerate() {
        let (true, Some(replica)) = (machine.shut && !machine.met_later, &machine.up) else {
            continue;
        };
        let state = truth.governance.seat(replica.seat());
        let Some(gone) = state.and_then(SeatState::removed) else {
            return Err(format!("desk {desk} stopped, and its seat is not removed"));
        };
        for (feed, .., item) in &audit.items {
            let later = match item {
                Item::Entry(entry) => entry.header().governance.0 >= gone,
                Item::Act(act) => act.value().height > gone,
                Item::Confirmation(_) => false,
            };
            if later && replica.ledger().place_of(&item.hash()).is_some() {
                return Err(format!(
                    "desk {desk} was removed and was told what follows, in {feed}"
                ));
            }
        }
    }
    for (desk, machine) in world.desks.iter().enumerate() {
        let seat = machine.up.as_ref().map(Replica::seat);
        if !machine.shut && seat.is_some_and(|seat| truth.is_removed(seat)) {
            return Err(format!("desk {desk} was removed and goes on"));
        }
    }
    Ok(())
}

/// Whose key opens what: everybody's whose role reads it, nobody's whose role never did.
fn who_opens_what(world: &World, audit: &Audit, truth: &Truth) -> Told {
    for desk in world.members() {
        let replica = world.replica(desk).ok_or("a desk is off")?;
        let seat = truth.governance.seat(replica.seat());
        let roles: Vec<Role> = seat
            .map(|seat| seat.roles().iter().map(|(_, role)| *role).collect())
            .unwrap_or_default();
        let now = replica.role().ok_or("a desk of the practice has no role")?;
        for (feed, .., item) in &audit.items {
            let Item::Entry(entry) = item else { continue };
            if entry.header().key.is_none() {
                continue;
            }
            let ever = roles.iter().any(|role| role.may_read(*feed));
            // What a desk that reads it could not open would wait in its book, which is looked at.
            if !ever && replica.keyring().open(entry).is_ok() {
                return Err(format!(
                    "desk {desk}, {now}, opens {feed}, which it never may"
                ));
            }
        }
    }
    Ok(())
}

/// Everybody who reads a compartment seals with the same key from now on.
fn same_keys(world: &World) -> Told {
    let owner = world.replica(0).ok_or("desk 0 is off")?;
    for desk in world.members() {
        let replica = world.replica(desk).ok_or("a desk is off")?;
        let role = replica.role().ok_or("no role")?;
        for compartment in Compartment::ALL {
            if !compartment.read_by(role) {
                continue;
            }
            let key = |ring: &KeyRing| ring.compartment_key(compartment).map(|(id, _)| id);
            let (own, all) = (key(replica.keyring()), key(owner.keyring()));
            if own != all {
                return Err(format!(
                    "desk {desk}, {role}, seals {compartment:?} with {own:?}, the owner with {all:?}"
                ));
            }
            let keys = |ring: &KeyRing| -> BTreeSet<KeyId> {
                ring.compartment_keys(compartment).collect()
            };
            let (own, all) = (keys(replica.keyring()), keys(owner.keyring()));
            if own != all {
                return Err(format!(
                    "desk {desk}, {role}, has the keys {own:?} of {compartment:?}, the owner {all:?}"
                ));
            }
        }
    }
    Ok(())
}

impl World {
    /// The owner writes on every card; then nobody who left opens any of it, with every row of the
    /// key table and every key they ever had, nor does anybody whose role may not.
    pub(crate) fn the_morning_after(&mut self) -> Told {
        let before: BTreeSet<Hash> = self.entries()?.iter().map(Entry::hash).collect();
        let (client, pet) = self.practice.clients[0];
        for card in CardKind::ALL {
            let note = NewCardNote {
                of: pet.to_string(),
                card,
                text: "the morning after".to_owned(),
                despite_restriction: None,
            };
            self.owner_writes(Command::AddCardNote(note))?;
        }
        self.owner_writes(Command::EditClient(EditClient {
            client,
            name: Some("Ida Later".to_owned()),
            phones: None,
            email: None,
            note: None,
            despite_restriction: None,
        }))?;
        self.somebody_books(0)?;
        self.in_step()?;
        let audit = self.audit()?;
        let truth = Truth::of(&audit)?;
        let entries = audit.items.iter().filter_map(|(.., item)| match item {
            Item::Entry(entry) => Some(entry),
            Item::Act(_) | Item::Confirmation(_) => None,
        });
        let entries: Vec<&Entry> = entries.collect();
        let later: Vec<&Entry> = entries
            .iter()
            .copied()
            .filter(|entry| !before.contains(&entry.hash()) && entry.header().key.is_some())
            .collect();
        if later.len() < 5 {
            return Err(format!("only {} sealed entries were written", later.len()));
        }
        for desk in 0..self.desks.len() {
            self.opens_only(desk, &entries, &later, &truth)?;
        }
        same_keys(self)
    }

    fn owner_writes(&mut self, command: Command) -> Told {
        let said = format!("{command:?}");
        self.execute(0, command)
            .map_err(|refusal| format!("{said}: {refusal:?}"))?;
        self.tell(0, Input::Wrote)
    }

    fn entries(&mut self) -> Told<Vec<Entry>> {
        let items = self.audit()?.items.into_iter();
        Ok(items
            .filter_map(|(.., item)| match item {
                Item::Entry(entry) => Some(entry),
                Item::Act(_) | Item::Confirmation(_) => None,
            })
            .collect())
    }

    /// With the whole key table, a desk's seat opens of the latest what its role reads now.
    fn opens_only(&self, desk: usize, all: &[&Entry], later: &[&Entry], truth: &Truth) -> Told {
        let machine = &self.desks[desk];
        let Some(replica) = &machine.up else {
            return Ok(());
        };
        let (seat, role) = (replica.seat(), replica.role());
        let secrets = machine
            .secrets
            .seats
            .get(&seat)
            .ok_or("a seat without keys")?;
        let mut ring = KeyRing::of_seat(replica.org(), seat, secrets);
        for entry in all
            .iter()
            .filter(|entry| entry.header().feed == FeedId::Keys)
        {
            let header = entry.header();
            let authors = RowAuthor::of(&truth.governance, header);
            let rows = entry.body().and_then(|body| decode_rows(body).ok());
            if truth.masked.contains_key(&entry.hash()) {
                continue;
            }
            for row in rows.into_iter().flatten() {
                if let Some(author) = authors.first()
                    && authors.iter().all(|author| author.may_write(&row))
                {
                    let _ = ring.learn(&row, *author);
                }
            }
        }
        for entry in later {
            let feed = entry.header().feed;
            let may = role.is_some_and(|role| role.may_read(feed));
            let opens = ring.open(entry).is_ok() || replica.keyring().open(entry).is_ok();
            if may != opens {
                return Err(format!(
                    "desk {desk}, {role:?}: opens what was written later in {feed}: {opens}"
                ));
            }
            if !may && let Some(key) = replica.keyring().opens_with_any(entry) {
                return Err(format!("desk {desk}, {role:?}: {key} opens {feed}"));
            }
        }
        Ok(())
    }
}
