//! Erasing a client: making the act, forgetting what it took, completing it, and the word of each
//! device that it has done so.
//!
//! What always holds:
//!
//! * An act names every key that this device knows for the client and the client's pets, with the
//!   entries of the key table that hold them. Which bodies go follows from it alone, everywhere.
//! * A key that another device made meanwhile is learned by nobody, since the act names the client
//!   and the pets too. An owner's device that sees the row of one in step continues the erasure, and
//!   so it does for what it withdrew while that, or the same from a copy of its disk, got through.
//! * A receipt is written after the bodies are gone from this disk, never before.

use std::collections::BTreeSet;

use entry_log::Storage;
use jiff::Timestamp;
use rand_core::CryptoRng;
use sync_protocol::{
    Author, Basis, Content, DeviceId, Entry, Erasing, ErasureId, ErasureReceipt, ErasureState,
    FeedId, Role, SeatId, SeatState, SubjectId, What, limits::MAX_ERASED,
};

use super::{Proposal, Replica, internal, invalid, not_allowed, not_found, random};
use crate::{
    catalogue::{
        ClientId, ErasureBasis, ErasureDevice, ErasureView, ErasuresView, ErrorCode, Refusal,
    },
    desk::Steps,
    documents::Subject,
    ledger::{Arrival, RowAt},
    sealing::{KeyRow, decode_rows},
};

const fn id_of(subject: Subject) -> SubjectId {
    SubjectId::from_bytes(subject.to_bytes())
}

fn basis_of(basis: ErasureBasis) -> Basis {
    match basis {
        ErasureBasis::Request => Basis::Request,
        ErasureBasis::Retention => Basis::Retention,
        ErasureBasis::Mistake => Basis::Mistake,
        ErasureBasis::Order => Basis::Order,
    }
}

/// A reason as faces name it.
pub(crate) const fn basis_face(basis: Basis) -> ErasureBasis {
    match basis {
        Basis::Request => ErasureBasis::Request,
        Basis::Retention => ErasureBasis::Retention,
        Basis::Mistake => ErasureBasis::Mistake,
        Basis::Order => ErasureBasis::Order,
    }
}

impl<S: Storage> Replica<S> {
    /// Erases a client with all pets: everything that is sealed under their keys.
    ///
    /// # Errors
    /// When this seat is no owner's, there is no such client, the name is not the client's, the
    /// client is under a hold, or the relay does not answer.
    pub fn erase(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        client: ClientId,
        basis: ErasureBasis,
        confirm: &str,
    ) -> Result<(ErasureId, Proposal), Refusal> {
        if self.role() != Some(Role::Owner) {
            return Err(not_allowed("erase a client", "an owner"));
        }
        let known = self.book.client_record(client);
        let (name, hold, restricted) = known
            .map(|known| {
                let restricted = known.restriction.is_some();
                (known.name.clone(), known.hold.clone(), restricted)
            })
            .ok_or_else(|| not_found("client", "client"))?;
        if !hold.is_empty() {
            return Err(Refusal::new(
                ErrorCode::NotAllowed,
                format!("This client must be kept: {hold}."),
                "End the hold first, if its reason is over: Client, Hold; or daybook hold --end.",
            ));
        }
        if restricted {
            return Err(Refusal::new(
                ErrorCode::NotAllowed,
                "What is kept about this client is restricted: it stays until that is lifted.",
                "Tell the client, and lift the restriction: Client, Rights, Restrict; or daybook restrict --lift.",
            ));
        }
        if confirm.trim() != name.trim() {
            return Err(invalid(
                "confirm",
                "This is not the client's name.",
                "Type the name exactly as the record has it: an erasure is never taken back.",
            ));
        }
        let subjects: BTreeSet<SubjectId> =
            self.book.household(client).into_iter().map(id_of).collect();
        self.part_rows(now, rng, &subjects)?;
        let id = ErasureId::from_bytes(random(rng));
        let erasing = self.erasing(id, basis_of(basis), &subjects);
        let proposal = self.make_act(now, What::Erasure(erasing))?;
        Ok((id, proposal))
    }

    /// An act about these subjects, with every key of theirs that was not named yet. What is more
    /// than one act may name is left to the next one.
    fn erasing(&self, id: ErasureId, basis: Basis, subjects: &BTreeSet<SubjectId>) -> Erasing {
        let erased = self.ledger.governance().erased();
        let (mut keys, mut rows) = (BTreeSet::new(), BTreeSet::new());
        for row in subjects.iter().flat_map(|one| self.ledger.rows_of(*one)) {
            if keys.len() >= MAX_ERASED || rows.len() >= MAX_ERASED {
                break;
            }
            if erased.key(row.key).is_none() {
                keys.insert(row.key);
            }
            if row.alone {
                rows.insert(row.entry);
            }
        }
        Erasing {
            id,
            subjects: subjects.iter().copied().take(MAX_ERASED).collect(),
            keys: keys.into_iter().collect(),
            rows: rows.into_iter().collect(),
            basis,
        }
    }

    /// Early versions put rows of several subjects into one entry. The others' are written once
    /// more, so that the whole entry can go.
    fn part_rows(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        subjects: &BTreeSet<SubjectId>,
    ) -> Result<(), Refusal> {
        let rows = subjects.iter().flat_map(|one| self.ledger.rows_of(*one));
        let shared: BTreeSet<_> = rows.filter(|row| !row.alone).map(|row| row.hash).collect();
        let mut others = Vec::new();
        for hash in &shared {
            let entry = self.ledger.entry(hash)?;
            let body = entry.as_ref().and_then(|entry| entry.body());
            let rows = body.and_then(|body| decode_rows(body).ok());
            others.extend(rows.unwrap_or_default().into_iter().filter(|row| {
                !matches!(row, KeyRow::Subject { subject, .. }
                    if subjects.contains(&SubjectId::from_bytes(*subject)))
            }));
        }
        if !others.is_empty() {
            self.rows.extend(others);
            let batch = self.begin(now, rng);
            self.save(rng, batch)?;
        }
        self.ledger.let_go(&shared);
        Ok(())
    }

    /// Forgets what the chain has erased: keys, records, what could be undone.
    pub(crate) fn forget_erased(&mut self) {
        let erased = self.ledger.governance().erased();
        if erased.is_empty() {
            return;
        }
        self.keyring.forget(erased, self.ledger.unnamed_keys());
        let gone = |subject: SubjectId| erased.subject(subject).is_some();
        self.rows.retain(|row| {
            !matches!(row, KeyRow::Subject { subject, .. } if gone(SubjectId::from_bytes(*subject)))
        });
        let touched = self.book.forget(&gone, &self.keyring);
        self.steps = Steps::default();
        self.unacknowledged = true;
        self.dues.look();
        self.events.touch(touched);
    }

    /// Whether a row of the key table came, or a record of a client or pet, while there are erasures
    /// that it may be too late for; or what was withdrawn got a position.
    pub(super) fn is_late(&self, arrival: &Arrival) -> bool {
        let told = match arrival {
            Arrival::Entry { entry, .. } => {
                matches!(entry.header().feed, FeedId::Keys | FeedId::Contact)
                    && entry.body().is_some()
            }
            Arrival::Placed { .. } => self.ledger.strays().next().is_some(),
            Arrival::Act(_) | Arrival::Confirmation { .. } | Arrival::Withheld { .. } => false,
        };
        told && !self.ledger.governance().erased().is_empty()
    }

    /// Writes this device's word on every erasure that it has done; whether any was new.
    ///
    /// # Errors
    /// When the disk is full or broken.
    pub fn acknowledge_erasures(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<bool, Refusal> {
        let may = self.role().is_some_and(|role| role.may_write(FeedId::Keys));
        if !self.unacknowledged || self.broken || !may {
            return Ok(false);
        }
        self.unacknowledged = false;
        let at = self.clock.corrected(now).as_second();
        let due = self.ledger.governance().erased().erasures();
        let due = due.filter_map(|(id, state)| {
            let last = state.heights.last().copied()?;
            let given = self.ledger.receipt(id, self.device);
            let owes = given.is_none_or(|given| given.word.height < last);
            (owes && self.was_here(self.device, last)).then(|| ErasureReceipt::new(id, last, at))
        });
        self.receipts = due.collect();
        if self.receipts.is_empty() {
            return Ok(false);
        }
        let batch = self.begin(now, rng);
        self.save(rng, batch)
    }

    /// Whether a device belonged to the practice at a height, and does still.
    fn was_here(&self, device: DeviceId, height: u32) -> bool {
        let mut seats = self.ledger.governance().seats_on(device);
        seats.any(|(_, seat)| seat.added() <= height)
    }

    /// What is still to be named: keys and pets of erased clients that nobody knew of, what got
    /// through though it was withdrawn.
    pub(crate) fn unfinished(&self) -> Vec<Erasing> {
        let erased = self.ledger.governance().erased();
        let mut acts = Vec::new();
        if erased.is_empty() {
            return acts;
        }
        let client = |id: ClientId| erased.subject(id_of(Subject::Client(id)));
        let pets = self.book.orphaned_pets(|id| client(id).is_some());
        let pets: Vec<(ErasureId, SubjectId)> = pets
            .filter_map(|(owner, pet)| Some((client(owner)?, id_of(Subject::Pet(pet)))))
            .collect();
        for (id, state) in erased.erasures() {
            let pets = pets.iter().filter(|(of, _)| *of == id).map(|(_, pet)| *pet);
            let fresh: BTreeSet<SubjectId> = pets.collect();
            let known = state.subjects.iter();
            let late = known.filter(|subject| self.ledger.rows_of(**subject).iter().any(is_alone));
            let subjects: BTreeSet<SubjectId> = late.copied().chain(fresh).collect();
            if !subjects.is_empty() {
                acts.push(self.erasing(id, state.basis, &subjects));
            }
        }
        // Whom they were about is gone with them: the last erasure takes them.
        let last = erased
            .erasures()
            .max_by_key(|(_, state)| state.heights.last());
        let strays = self.ledger.strays().take(MAX_ERASED);
        let (mut keys, mut rows) = (BTreeSet::new(), BTreeSet::new());
        for header in strays {
            match header.key {
                // A key that still opens something is nobody's who was erased.
                Some(key) if self.keyring.key(key).is_some() => {}
                Some(key) => drop(keys.insert(key)),
                None => drop(rows.insert((header.incarnation, header.sequence))),
            }
        }
        if !rows.is_empty() {
            // What those keys sealed may have got through as well.
            keys.extend(self.ledger.lost().take(MAX_ERASED - keys.len()));
        }
        if let Some((id, state)) = last.filter(|_| !(keys.is_empty() && rows.is_empty())) {
            acts.push(Erasing {
                id,
                subjects: Vec::new(),
                keys: keys.into_iter().collect(),
                rows: rows.into_iter().collect(),
                basis: state.basis,
            });
        }
        acts
    }

    /// Continues erasures; whether an act was made.
    pub(crate) fn complete_erasures(&mut self, now: Timestamp) -> bool {
        if self.erasing_is_proposed() {
            return false;
        }
        let acts = self.unfinished();
        let Some(erasing) = acts.into_iter().next() else {
            return false;
        };
        self.make_act(now, What::Erasure(erasing)).is_ok()
    }

    // ---- what is told ----------------------------------------------------------------------

    /// Why there is nothing of a client any more, if there was an erasure.
    pub fn refused_as_erased(&self, client: ClientId) -> Option<Refusal> {
        let erased = self.ledger.governance().erased();
        let id = erased.subject(id_of(Subject::Client(client)))?;
        let on = erased.erasure(id).map(|state| time(state.at))?;
        let on = on.strftime("%Y-%m-%d");
        Some(
            Refusal::new(
                ErrorCode::NotFound,
                format!("This client was erased on {on}: nothing is kept any more."),
                format!("What proves it is its certificate: daybook certificate {id} FILE."),
            )
            .at("client"),
        )
    }

    /// Every erasure, the latest first, with who has done it. `here` knows what people are called
    /// at this computer.
    pub fn erasures_view(
        &self,
        here: &dyn Fn(SeatId) -> Option<String>,
    ) -> Result<ErasuresView, Refusal> {
        let mut views = Vec::new();
        for (id, state) in self.ledger.governance().erased().erasures() {
            views.push(self.erasure_view(id, state, here)?);
        }
        views.sort_by_key(|view| core::cmp::Reverse((view.at, view.id.clone())));
        Ok(ErasuresView { erasures: views })
    }

    fn erasure_view(
        &self,
        id: ErasureId,
        state: &ErasureState,
        here: &dyn Fn(SeatId) -> Option<String>,
    ) -> Result<ErasureView, Refusal> {
        let last = state.heights.last().copied().unwrap_or_default();
        let mut devices = Vec::new();
        for device in self.asked(last) {
            let given = self.ledger.receipt(id, device);
            let given = given.filter(|given| given.word.height >= last);
            let stands = match given {
                Some(given) => self.ledger.stands(&given.entry)?,
                None => false,
            };
            let done = given.filter(|_| stands).map(|given| time(given.word.at));
            devices.push(ErasureDevice {
                device: device.to_string(),
                label: self.label_of(device, here),
                here: device == self.device,
                done,
                last_seen: self.last_seen(device),
            });
        }
        let done = devices
            .iter()
            .filter(|device| device.done.is_some())
            .count();
        Ok(ErasureView {
            id: id.to_string(),
            at: time(state.at),
            basis: basis_face(state.basis),
            by: self.author_of(state),
            keys: u32::try_from(state.keys).unwrap_or(u32::MAX),
            done: u32::try_from(done).unwrap_or(u32::MAX),
            of: u32::try_from(devices.len()).unwrap_or(u32::MAX),
            devices,
        })
    }

    /// Who made the first act of an erasure.
    fn author_of(&self, state: &ErasureState) -> String {
        let height = state.heights.first().copied().unwrap_or_default();
        let acts = self.ledger.acts().unwrap_or_default();
        let act = acts.iter().find(|act| act.value().height == height);
        match act.map(|act| act.value().author) {
            Some(Author::Seat(seat)) => seat.to_string(),
            Some(Author::Root | Author::Invite(_) | Author::Device(_)) | None => String::new(),
        }
    }

    /// The devices from which a receipt is expected.
    fn asked(&self, height: u32) -> Vec<DeviceId> {
        let devices = self.ledger.governance().devices().map(|(id, _)| id);
        devices.filter(|id| self.was_here(*id, height)).collect()
    }

    /// What people call a device: who works on it, by name where there is one.
    fn label_of(&self, device: DeviceId, here: &dyn Fn(SeatId) -> Option<String>) -> String {
        let practice = self.book.practice();
        let seats = self.ledger.governance().seats_on(device);
        let labels = seats.filter_map(|(id, seat)| {
            let role = seat.role()?.as_str();
            let name = practice.seats.get(&id).cloned().or_else(|| here(id));
            Some(match name {
                Some(name) => format!("{name} ({role})"),
                None => role.to_owned(),
            })
        });
        let labels: Vec<String> = labels.collect();
        labels.join(", ")
    }

    fn last_seen(&self, device: DeviceId) -> Option<Timestamp> {
        let governance = self.ledger.governance();
        let of = |seat| {
            governance
                .seat(seat)
                .map(SeatState::device)
                .is_some_and(|known| known == device)
        };
        self.book.last_written(&of)
    }

    /// The certificate of an erasure, for somebody who trusts nobody here.
    ///
    /// # Errors
    /// When there is no such erasure.
    pub fn certificate(&self, now: Timestamp, id: ErasureId) -> Result<String, Refusal> {
        let governance = self.ledger.governance();
        let state = governance.erased().erasure(id);
        let state = state.ok_or_else(|| not_found("erasure", "erasure"))?;
        let last = state.heights.last().copied().unwrap_or_default();
        let mut receipts: Vec<Entry> = Vec::new();
        for device in self.asked(last) {
            let given = self.ledger.receipt(id, device);
            let given = given.filter(|given| given.word.height >= last);
            if let Some(given) = given
                && self.ledger.stands(&given.entry)?
                && let Some(entry) = self.ledger.entry(&given.entry)?
            {
                receipts.push(Entry::clone(&entry));
            }
        }
        let seen = |device| self.last_seen(device).map(Timestamp::as_second);
        let content = Content::new(governance, id, &self.ledger.acts()?, &receipts, seen);
        let secrets = self.secrets.seats.get(&self.seat);
        let key = &secrets
            .ok_or_else(|| internal("This seat has no keys."))?
            .signing;
        let at = self.clock.corrected(now).as_second();
        content
            .signed(self.org(), id, self.seat, at, key)
            .map_err(|_| internal("The certificate could not be signed."))
    }
}

const fn is_alone(row: &RowAt) -> bool {
    row.alone
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
