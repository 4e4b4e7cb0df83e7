//! The keys that somebody can open, from the rows of the key table.
//!
//! A ring begins with one secret (a seat's, the recovery key, or the keys of an invitation) and
//! learns rows in any order; a row whose parent key is not there yet waits for it. What it gives
//! does not depend on the order. It is rebuilt from the keys feed at every unlock and never
//! stored.

mod dues;
mod forget;
mod issue;
mod rights;

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use sync_protocol::{Entry, Governance, Header, KeyId, OrgId, Policy, Role, SealKey, SeatId};
use zeroize::Zeroizing;

pub use dues::keys_lost;
pub use issue::Renewal;

use super::{
    Compartment, CompartmentKey, ContentKey, KeyRow, OpenError, Recipient, RecoverySecret, RoleKey,
    SealError, SealSecret, SeatSecrets, SubjectKey, entry,
};

/// A live seat, as the governance chain has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// The seat.
    pub seat: SeatId,
    /// What is sealed to it is sealed to this key.
    pub seal: SealKey,
    /// Its role.
    pub role: Role,
}

/// Who signed the entry that a row came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowAuthor {
    /// The seat.
    pub seat: SeatId,
    /// Its role at the governance height that the entry names.
    pub role: Role,
    /// What the practice had decided then.
    pub policy: Policy,
}

impl RowAuthor {
    /// The author of an entry in each role in which it has to be allowed; the first is that of the
    /// height it names. None for a stranger.
    pub fn of(governance: &Governance, header: &Header) -> Vec<Self> {
        let seat = header.seat;
        let known = governance.seat(seat).into_iter();
        known
            .flat_map(|state| state.roles_of(header))
            .map(|(since, role)| Self {
                seat,
                role,
                policy: governance.policy_at(since),
            })
            .collect()
    }

    /// Whether the author may hand out this row's key.
    pub fn may_write(&self, row: &KeyRow) -> bool {
        rights::may_write(row, *self)
    }
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learned {
    /// It gave a key, and perhaps opened rows that waited for it.
    New,
    /// Its key was there already.
    Known,
    /// Its parent key is not there; it is tried again when that comes.
    Waiting,
    /// Sealed to somebody else.
    NotForUs,
    /// It counts for nothing.
    Refused(RefusedRow),
}

/// Why a row counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusedRow {
    /// Its author may not hand out such a key.
    #[error("the author may not hand out this key")]
    NotAuthorised,
    /// It names a parent of another kind, role, compartment or epoch.
    #[error("the row contradicts the key above it")]
    Inconsistent,
    /// Its epoch is higher than the height it names: keys are made anew at most once for each act.
    #[error("no key can be of this epoch yet")]
    Ahead,
    /// It does not open, or holds another key than it says.
    #[error("the row is damaged")]
    Damaged,
}

/// The secret a ring begins with.
enum Holder {
    Seat(SeatId, SealSecret),
    Recovery(RecoverySecret),
}

struct RoleEntry {
    role: Role,
    epoch: u32,
    key: RoleKey,
}

struct CompartmentEntry {
    compartment: Compartment,
    epoch: u32,
    key: CompartmentKey,
}

struct SubjectEntry {
    compartment: Compartment,
    key: SubjectKey,
}

/// The keys that somebody can open.
pub struct KeyRing {
    org: OrgId,
    holder: Holder,
    roles: BTreeMap<KeyId, RoleEntry>,
    compartments: BTreeMap<KeyId, CompartmentEntry>,
    subjects: BTreeMap<KeyId, SubjectEntry>,
    /// The keys of each subject, by the compartment key they are wrapped under.
    of_subject: BTreeMap<([u8; 16], KeyId), BTreeSet<KeyId>>,
    waiting: BTreeMap<KeyId, BTreeSet<KeyRow>>,
    issued: dues::Issued,
    /// Keys that are gone for good.
    erased: BTreeSet<KeyId>,
    /// A fault, with the feature `planted` only.
    pub(crate) trusts_anybody: bool,
    /// A planted fault: what was erased counts like the rest.
    pub(crate) learns_erased: bool,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("roles", &self.roles.len())
            .field("compartments", &self.compartments.len())
            .field("subjects", &self.subjects.len())
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

impl KeyRing {
    fn empty(org: OrgId, holder: Holder) -> Self {
        Self {
            org,
            holder,
            roles: BTreeMap::new(),
            compartments: BTreeMap::new(),
            subjects: BTreeMap::new(),
            of_subject: BTreeMap::new(),
            waiting: BTreeMap::new(),
            issued: dues::Issued::default(),
            erased: BTreeSet::new(),
            trusts_anybody: false,
            learns_erased: false,
        }
    }

    /// The ring of a seat; teach it the rows of the keys feed.
    pub fn of_seat(org: OrgId, seat: SeatId, secrets: &SeatSecrets) -> Self {
        Self::empty(org, Holder::Seat(seat, secrets.sealing.clone()))
    }

    /// The ring of whoever has the recovery words; teach it the rows of the keys feed.
    pub fn of_recovery(org: OrgId, secret: &RecoverySecret) -> Self {
        Self::empty(org, Holder::Recovery(secret.clone()))
    }

    /// Takes a row up. The entry it came in must have been accepted.
    pub fn learn(&mut self, row: &KeyRow, author: RowAuthor) -> Learned {
        if !rights::may_write(row, author) && !self.trusts_anybody {
            return Learned::Refused(RefusedRow::NotAuthorised);
        }
        let learned = self.take(row);
        if learned == Learned::New {
            self.wake(row.key());
        }
        learned
    }

    /// Opens what waited for a key, and what waited for that in turn.
    fn wake(&mut self, key: KeyId) {
        let mut fresh = vec![key];
        while let Some(key) = fresh.pop() {
            for row in self.waiting.remove(&key).unwrap_or_default() {
                if self.take(&row) == Learned::New {
                    fresh.push(row.key());
                }
            }
        }
    }

    fn take(&mut self, row: &KeyRow) -> Learned {
        let id = row.key();
        let known = self.roles.contains_key(&id)
            || self.compartments.contains_key(&id)
            || self.subjects.contains_key(&id);
        if known {
            return Learned::Known;
        }
        let opened = match row.under() {
            None => match (&self.holder, row) {
                (
                    Holder::Seat(me, secret),
                    KeyRow::Role {
                        to: Recipient::Seat(seat),
                        ..
                    },
                ) if seat == me => row.opened_with(self.org, secret.expose()),
                (
                    Holder::Recovery(secret),
                    KeyRow::Role {
                        to: Recipient::Recovery,
                        ..
                    },
                ) => row.opened_with(self.org, secret.expose()),
                _ => return Learned::NotForUs,
            },
            Some(under) => match self.parent(row, under) {
                None => {
                    self.waiting.entry(under).or_default().insert(row.clone());
                    return Learned::Waiting;
                }
                Some(Err(refused)) => return Learned::Refused(refused),
                Some(Ok(parent)) => row.opened_under(self.org, parent),
            },
        };
        let Some(key) = opened else {
            return Learned::Refused(RefusedRow::Damaged);
        };
        match row {
            KeyRow::Role { role, epoch, .. } => {
                self.keep_role(*role, *epoch, RoleKey::from_bytes(*key));
            }
            KeyRow::Compartment {
                compartment, epoch, ..
            } => {
                self.keep_compartment(*compartment, *epoch, CompartmentKey::from_bytes(*key));
            }
            KeyRow::Subject {
                subject,
                compartment,
                under,
                ..
            } => {
                let key = SubjectKey::from_bytes(*key);
                self.keep_subject(*subject, *compartment, *under, key);
            }
        }
        Learned::New
    }

    /// The key that opens a row, if it is there; an error if it is there and of another kind.
    fn parent(&self, row: &KeyRow, under: KeyId) -> Option<Result<&[u8; 32], RefusedRow>> {
        let role = self.roles.get(&under);
        let compartment = self.compartments.get(&under);
        if role.is_none() && compartment.is_none() {
            return None;
        }
        let parent = match row {
            KeyRow::Role {
                to: Recipient::Role { role: holder, .. },
                ..
            } => role
                .filter(|entry| entry.role == *holder)
                .map(|entry| entry.key.expose()),
            KeyRow::Role { .. } => None,
            KeyRow::Compartment { role: reader, .. } => role
                .filter(|entry| entry.role == *reader)
                .map(|entry| entry.key.expose()),
            KeyRow::Subject {
                compartment: named,
                epoch,
                ..
            } => compartment
                .filter(|entry| entry.compartment == *named && entry.epoch == *epoch)
                .map(|entry| entry.key.expose()),
        };
        Some(parent.ok_or(RefusedRow::Inconsistent))
    }

    fn keep_role(&mut self, role: Role, epoch: u32, key: RoleKey) -> KeyId {
        let id = key.id();
        self.roles.insert(id, RoleEntry { role, epoch, key });
        id
    }

    fn keep_compartment(
        &mut self,
        compartment: Compartment,
        epoch: u32,
        key: CompartmentKey,
    ) -> KeyId {
        let id = key.id();
        self.compartments.insert(
            id,
            CompartmentEntry {
                compartment,
                epoch,
                key,
            },
        );
        id
    }

    fn keep_subject(
        &mut self,
        subject: [u8; 16],
        compartment: Compartment,
        under: KeyId,
        key: SubjectKey,
    ) -> KeyId {
        let id = key.id();
        self.of_subject
            .entry((subject, under))
            .or_default()
            .insert(id);
        self.subjects.insert(id, SubjectEntry { compartment, key });
        id
    }

    /// All keys of a role, oldest first.
    fn role_keys(&self, role: Role) -> Result<Vec<(KeyId, &RoleEntry)>, SealError> {
        let mut keys: Vec<_> = self
            .roles
            .iter()
            .filter(|(_, entry)| entry.role == role)
            .map(|(id, entry)| (*id, entry))
            .collect();
        keys.sort_by_key(|(id, entry)| (entry.epoch, *id));
        if keys.is_empty() {
            Err(SealError::MissingKey)
        } else {
            Ok(keys)
        }
    }

    /// Of the newest epoch, the one with the smallest id: the same on every device.
    fn current_role(&self, role: Role) -> Option<(KeyId, &RoleEntry)> {
        self.roles
            .iter()
            .filter(|(_, entry)| entry.role == role)
            .max_by_key(|(id, entry)| (entry.epoch, core::cmp::Reverse(**id)))
            .map(|(id, entry)| (*id, entry))
    }

    fn current_compartment(&self, compartment: Compartment) -> Option<(KeyId, &CompartmentEntry)> {
        self.compartments
            .iter()
            .filter(|(_, entry)| entry.compartment == compartment)
            .max_by_key(|(id, entry)| (entry.epoch, core::cmp::Reverse(**id)))
            .map(|(id, entry)| (*id, entry))
    }

    /// The organisation.
    pub fn org(&self) -> OrgId {
        self.org
    }

    /// Whether any key of a role is held.
    pub fn holds_role(&self, role: Role) -> bool {
        self.current_role(role).is_some()
    }

    /// Whether this key of a role is held.
    pub fn holds_role_key(&self, key: KeyId) -> bool {
        self.roles.contains_key(&key)
    }

    /// The newest epoch of a role's keys that is held.
    pub fn role_epoch(&self, role: Role) -> Option<u32> {
        self.current_role(role).map(|(_, entry)| entry.epoch)
    }

    /// The newest epoch of a compartment's keys that is held.
    pub fn compartment_epoch(&self, compartment: Compartment) -> Option<u32> {
        self.current_compartment(compartment)
            .map(|(_, entry)| entry.epoch)
    }

    /// The compartment key to seal with now.
    pub fn compartment_key(&self, compartment: Compartment) -> Option<(KeyId, &CompartmentKey)> {
        self.current_compartment(compartment)
            .map(|(id, entry)| (id, &entry.key))
    }

    /// Every key of a compartment that is held.
    pub fn compartment_keys(&self, compartment: Compartment) -> impl Iterator<Item = KeyId> {
        let keys = self.compartments.iter();
        keys.filter(move |(_, entry)| entry.compartment == compartment)
            .map(|(id, _)| *id)
    }

    /// The subject's key to seal with now. None when it has none yet, or only such as belong to an
    /// older epoch: then make one with [`KeyRing::new_subject`].
    pub fn subject_key(
        &self,
        subject: [u8; 16],
        compartment: Compartment,
    ) -> Option<(KeyId, &SubjectKey)> {
        let (current, _) = self.current_compartment(compartment)?;
        let id = *self.of_subject.get(&(subject, current))?.first()?;
        self.subjects.get(&id).map(|entry| (id, &entry.key))
    }

    /// The key of this id, for opening.
    pub fn key(&self, id: KeyId) -> Option<ContentKey<'_>> {
        self.compartments
            .get(&id)
            .map(|entry| ContentKey::Compartment(&entry.key))
            .or_else(|| {
                self.subjects
                    .get(&id)
                    .map(|entry| ContentKey::Subject(&entry.key))
            })
    }

    /// The key that opens the body of an entry, whatever its header names and whatever compartment
    /// the key is of: the question of somebody who tries all of them.
    pub fn opens_with_any(&self, entry: &Entry) -> Option<KeyId> {
        let body = entry.body()?;
        let compartments = self.compartments.keys().chain(self.subjects.keys());
        compartments.copied().find(|id| {
            let key = self.key(*id);
            key.is_some_and(|key| entry::open(key, entry.header(), body).is_ok())
        })
    }

    /// Opens the body of an entry with the key its header names. A key of another compartment
    /// than the entry's feed does not count as the right one.
    pub fn open(&self, entry: &Entry) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let header = entry.header();
        let id = header.key.ok_or(OpenError::Damaged)?;
        let body = entry.body().ok_or(OpenError::Damaged)?;
        let belongs = self
            .compartments
            .get(&id)
            .map(|entry| entry.compartment)
            .or_else(|| self.subjects.get(&id).map(|entry| entry.compartment));
        if belongs.is_some() && belongs != Compartment::of(header.feed) {
            return Err(OpenError::WrongKey);
        }
        let key = self.key(id).ok_or(OpenError::MissingKey)?;
        entry::open(key, header, body)
    }
}
