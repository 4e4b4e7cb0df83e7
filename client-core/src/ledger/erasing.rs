//! Erasures in what is held: bodies that the chain takes away leave the disk, and none comes back.
//!
//! What always holds:
//!
//! * An act of erasure is told to nobody before what it takes away is gone from this disk. A
//!   process that ended between the two finishes it when the log is opened again.
//! * A device that was away takes acts before it sends anything, so its own work about somebody who
//!   was erased is gone before it could go out.
//! * What only this device wrote about somebody who was erased, under a key that no act names, is
//!   withdrawn: its body goes, and it is never sent.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entry_log::{Index, PurgeError, Storage};
use sync_protocol::{
    Acceptance, DeviceId, Entry, ErasureId, ErasureReceipt, FeedId, Hash, Header, IncarnationId,
    Item, KeyId, Role, SubjectId, SubjectRow, accept, subject_rows,
};

use super::{Kind, Ledger, LedgerError, record};
use crate::sealing::Compartment;

/// Where the row of a subject's key lies, with its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowAt {
    /// The key.
    pub key: KeyId,
    /// Where it is used, if this program knows it.
    pub compartment: Option<Compartment>,
    /// The entry that holds the row.
    pub entry: (IncarnationId, u64),
    /// Its name.
    pub hash: Hash,
    /// Whether it holds this row alone.
    pub alone: bool,
}

/// A device's word that it has done what an erasure asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// What it says.
    pub word: ErasureReceipt,
    /// The entry that holds it.
    pub entry: Hash,
}

/// What erasures need to find.
#[derive(Debug, Default)]
pub(crate) struct Erasing {
    /// Where the bodies lie that each key sealed.
    bodies: HashMap<KeyId, Vec<Index>>,
    rows: HashMap<SubjectId, Vec<RowAt>>,
    /// Keys whose rows were withdrawn: what they sealed may come later, from a neighbour.
    lost: BTreeSet<KeyId>,
    /// What was withdrawn here while it, or a copy of this disk's, got through.
    strays: BTreeMap<Hash, Header>,
    receipts: HashMap<(ErasureId, DeviceId), Receipt>,
}

impl Erasing {
    pub(super) fn note(&mut self, index: Index, hash: Hash, entry: &Entry) {
        let header = entry.header();
        let Some(body) = entry.body() else { return };
        if let Some(key) = header.key {
            self.bodies.entry(key).or_default().push(index);
        } else if header.feed == FeedId::Keys {
            let (rows, count) = subject_rows(body);
            for SubjectRow {
                key,
                subject,
                compartment,
            } in rows
            {
                let row = RowAt {
                    key,
                    compartment: Compartment::numbered(compartment),
                    entry: entry.id(),
                    hash,
                    alone: count == 1,
                };
                self.rows.entry(subject).or_default().push(row);
            }
            if let Some(word) = ErasureReceipt::decode(body) {
                let receipt = Receipt { word, entry: hash };
                let known = self
                    .receipts
                    .entry((word.erasure, header.device))
                    .or_insert(receipt);
                if known.word.height < word.height {
                    *known = receipt;
                }
            }
        }
    }
}

impl<S: Storage> Ledger<S> {
    /// The rows of a subject's keys that are held with their bodies.
    pub fn rows_of(&self, subject: SubjectId) -> &[RowAt] {
        self.erasing.rows.get(&subject).map_or(&[], Vec::as_slice)
    }

    /// Keys of subjects that were erased, though no act names them.
    pub(crate) fn unnamed_keys(&self) -> impl Iterator<Item = KeyId> {
        let erased = self.governance.erased();
        let rows = self.erasing.rows.iter();
        let rows = rows.filter(|(subject, _)| erased.subject(**subject).is_some());
        let held = rows.flat_map(|(_, rows)| rows).map(|row| row.key);
        held.chain(self.erasing.lost.iter().copied())
    }

    /// The other rows of these entries were written once more: they may go whole.
    pub(crate) fn let_go(&mut self, entries: &BTreeSet<Hash>) {
        for row in self.erasing.rows.values_mut().flatten() {
            row.alone |= entries.contains(&row.hash);
        }
    }

    /// What was withdrawn here has a position: the relay holds it, and perhaps others do.
    pub(super) fn note_stray(&mut self, hash: Hash) -> Result<(), LedgerError> {
        let entry = self.entry(&hash)?;
        let entry = entry.filter(|entry| entry.body().is_none());
        let headers = entry.map(|entry| *entry.header());
        let stray = headers.filter(|header| self.governance.must_purge(header).is_none());
        self.erasing
            .strays
            .extend(stray.map(|header| (hash, header)));
        Ok(())
    }

    /// The same for all that is held, after a restart: what this device wrote loses its body in no
    /// other way.
    pub(super) fn note_strays(&mut self) -> Result<(), LedgerError> {
        let held = self.items.iter();
        let own = held.filter(|(_, held)| held.own && held.bare && held.place.is_some());
        let own: Vec<Hash> = own.map(|(hash, _)| *hash).collect();
        own.into_iter().try_for_each(|hash| self.note_stray(hash))
    }

    /// Keys whose rows were withdrawn, and that no act names.
    pub(crate) fn lost(&self) -> impl Iterator<Item = KeyId> {
        let erased = self.governance.erased();
        let lost = self.erasing.lost.iter().copied();
        lost.filter(|key| erased.key(*key).is_none())
    }

    /// What lost its body here and nowhere else.
    pub(crate) fn strays(&self) -> impl Iterator<Item = &Header> {
        self.erasing.strays.values()
    }

    /// What a device last said of an erasure.
    pub(crate) fn receipt(&self, erasure: ErasureId, device: DeviceId) -> Option<Receipt> {
        self.erasing.receipts.get(&(erasure, device)).copied()
    }

    /// Whether this entry counts for what it says.
    pub(crate) fn stands(&self, hash: &Hash) -> Result<bool, LedgerError> {
        let entry = self.entry(hash)?;
        Ok(entry
            .is_some_and(|entry| matches!(accept(&entry, &self.governance), Acceptance::Accept)))
    }

    /// An entry as it is kept: without its body, where the chain says so.
    pub(crate) fn stripped(&self, entry: Entry) -> Entry {
        if entry.body().is_some() && self.governance.must_purge(entry.header()).is_some() {
            entry.purged()
        } else {
            entry
        }
    }

    /// Takes away what erasures so far take away. What is gone may be named again.
    pub(crate) fn purge_erased(&mut self) -> Result<(), LedgerError> {
        let erased = self.governance.erased();
        if erased.is_empty() {
            return Ok(());
        }
        let chain = &self.governance;
        let strays = &mut self.erasing.strays;
        strays.retain(|_, header| chain.must_purge(header).is_none());
        let (mut bodies, mut rows) = (BTreeSet::new(), BTreeSet::new());
        for key in erased.keys() {
            bodies.extend(self.erasing.bodies.remove(&key).unwrap_or_default());
        }
        for id in erased.rows() {
            let held = self.ids.get(&id).and_then(|hash| self.items.get(hash));
            let named = held.filter(|held| !held.bare && held.feed == FeedId::Keys);
            rows.extend(named.map(|held| held.index));
        }
        // Keys that no act names, because only this device knows of them, or a neighbour's who does
        // not know of the erasure.
        let mut withdrawn = BTreeSet::new();
        let unnamed = self.erasing.rows.iter();
        let unnamed = unnamed.filter(|(subject, _)| erased.subject(**subject).is_some());
        let (mut lost, mut unsent_rows) = (BTreeSet::new(), BTreeSet::new());
        for row in unnamed.flat_map(|(_, rows)| rows) {
            let index = self.items.get(&row.hash).map(|held| held.index);
            if let Some(index) = index.filter(|index| row.alone && self.outbox.contains_key(index))
            {
                withdrawn.insert(index);
                unsent_rows.insert(index);
            }
            lost.insert(row.key);
        }
        // An owner's device names them, also after a restart: somebody may have sealed something with
        // the key meanwhile. They go from the disk then.
        if !unsent_rows.is_empty() && !self.is_an_owners()? {
            rows.extend(unsent_rows);
        }
        self.erasing.lost.extend(lost);
        for key in &self.erasing.lost {
            let under = self.erasing.bodies.get(key).into_iter().flatten();
            let unsent = under.filter(|index| self.outbox.contains_key(index));
            let unsent: Vec<Index> = unsent.copied().collect();
            withdrawn.extend(&unsent);
            bodies.extend(unsent);
        }
        // The rows last: they tell after a crash what else has to go.
        self.take_bodies(&bodies)?;
        self.take_bodies(&rows)?;
        for index in withdrawn {
            self.withdraw(index);
        }
        self.withdraw_bare()
    }

    /// Whether an owner works at this device, as what was written here tells.
    fn is_an_owners(&self) -> Result<bool, LedgerError> {
        let mut own = self.items.values().filter(|held| held.own);
        let Some(own) = own.find(|held| held.kind == Kind::Entry) else {
            return Ok(false);
        };
        let Item::Entry(entry) = self.item_at(own.index)? else {
            return Ok(false);
        };
        let mut seats = self.governance.seats_on(entry.header().device);
        Ok(seats.any(|(_, seat)| seat.role() == Some(Role::Owner)))
    }

    fn withdraw(&mut self, index: Index) {
        let Some(hash) = self.outbox.remove(&index) else {
            return;
        };
        if let Some(held) = self.items.get_mut(&hash)
            && !held.withdrawn
        {
            held.withdrawn = true;
            self.count(&hash);
        }
    }

    /// What lost its body here and for nobody else is never sent.
    pub(crate) fn withdraw_bare(&mut self) -> Result<(), LedgerError> {
        let outbox = self.outbox.iter();
        let bare: Vec<Index> = outbox
            .filter(|(_, hash)| self.items.get(*hash).is_some_and(|held| held.bare))
            .map(|(index, _)| *index)
            .collect();
        for index in bare {
            if let Item::Entry(entry) = self.item_at(index)?
                && self.governance.must_purge(entry.header()).is_none()
            {
                self.withdraw(index);
            }
        }
        Ok(())
    }

    fn take_bodies(&mut self, places: &BTreeSet<Index>) -> Result<(), LedgerError> {
        if places.is_empty() {
            return Ok(());
        }
        let list: Vec<Index> = places.iter().copied().collect();
        self.log.purge(&list).map_err(purge_error)?;
        for held in self.items.values_mut() {
            held.bare |= places.contains(&held.index);
        }
        for under in self.erasing.bodies.values_mut() {
            under.retain(|index| !places.contains(index));
        }
        let items = &self.items;
        for rows in self.erasing.rows.values_mut() {
            rows.retain(|row| items.get(&row.hash).is_some_and(|held| !held.bare));
        }
        Ok(())
    }
}

fn purge_error(error: PurgeError) -> LedgerError {
    match error {
        PurgeError::Sync(error) => record::sync_error(error),
        PurgeError::DiskFull(_) => LedgerError::DiskFull,
        PurgeError::Damaged(damage) => LedgerError::Damaged(damage.to_string()),
        PurgeError::Io(error) => LedgerError::Storage(error.to_string()),
        PurgeError::OutOfRange { .. } => LedgerError::Damaged("a record is missing".to_owned()),
    }
}
