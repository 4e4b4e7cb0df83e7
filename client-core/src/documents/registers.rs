//! A sheet of registers: an Automerge document with fixed containers of stamped single values.
//!
//! The genesis change is made by every replica for itself, byte for byte the same: the document's
//! name and empty maps. A value is CBOR `[0, millis, counter, payload]`, so that of concurrent
//! values the most recent is known without asking anybody. Keys are text; entities are told apart
//! by a prefix of the key, not by nested maps, so that no container can hide another.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{
    ActorId, Automerge, Change, ChangeHash, ObjId, ObjType, ROOT, ReadDoc as _, ScalarValue,
    transaction::{CommitOptions, Transactable as _},
};
use minicbor::{Decode, Encode};
use schedule::{CheckedChange, Hlc, HostileChange, NewChange, Received, Schema, Unsafe, safety};

use super::code;

/// A value with the clock of whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamped {
    /// When, by its author's clock.
    pub clock: Hlc,
    /// The CBOR of the value.
    pub payload: Vec<u8>,
}

/// A value, and the change that put it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authored {
    pub(super) value: Stamped,
    pub(super) change: [u8; 32],
}

/// Why a document was not written. It is as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The document library failed.
    #[error("the document could not be written")]
    Library,
    /// The result would not be accepted by others.
    #[error("the change would not be accepted: {0}")]
    Unsafe(#[from] Unsafe),
    /// Changes kept here do not make up a document.
    #[error("the document could not be put together")]
    Inconsistent(#[from] HostileChange),
}

/// A kind of document. The order of containers is part of the genesis: only new kinds are added.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) domain: &'static str,
    pub(super) containers: &'static [&'static str],
}

const NAME: &str = "name";

#[derive(Encode, Decode)]
struct Wire<'a>(
    #[n(0)] u8,
    #[n(1)] i64,
    #[n(2)] u32,
    #[cbor(n(3), with = "minicbor::bytes")] &'a [u8],
);

#[derive(Debug, Clone)]
pub(super) struct Registers {
    doc: Automerge,
    containers: Vec<ObjId>,
    genesis: ChangeHash,
    masked: BTreeSet<[u8; 32]>,
}

impl Registers {
    pub(super) fn genesis(layout: &Layout, name: &[u8]) -> Result<Self, DocumentError> {
        let mut hasher = blake3::Hasher::new_derive_key(layout.domain);
        hasher.update(name);
        let mut actor = [0; 16];
        hasher.finalize_xof().fill(&mut actor);
        let mut doc = Automerge::new().with_actor(ActorId::from(actor));
        let mut transaction = doc.transaction();
        transaction
            .put(ROOT, NAME, name.to_vec())
            .map_err(|_| DocumentError::Library)?;
        let containers = layout
            .containers
            .iter()
            .map(|container| transaction.put_object(ROOT, *container, ObjType::Map))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| DocumentError::Library)?;
        let (genesis, _) = transaction.commit_with(CommitOptions::default().with_time(0));
        Ok(Self {
            doc,
            containers,
            genesis: genesis.ok_or(DocumentError::Library)?,
            masked: BTreeSet::new(),
        })
    }

    /// Puts values in one change; `None` when all of them are there already and alone.
    pub(super) fn write(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        puts: &[(usize, String, Vec<u8>)],
    ) -> Result<Option<NewChange>, DocumentError> {
        // On a copy, so that a change others would refuse never enters this replica's document.
        let mut next = self.doc.clone();
        next.set_actor(ActorId::from(actor));
        let mut transaction = next.transaction();
        for (container, key, payload) in puts {
            let standing = self.standing(*container, key);
            if let [only] = standing.as_slice()
                && only.payload == *payload
            {
                continue;
            }
            let object = self.containers.get(*container);
            let value = code::write(Wire(0, clock.millis, clock.counter, payload));
            transaction
                .put(
                    object.ok_or(DocumentError::Library)?,
                    key.as_str(),
                    ScalarValue::Bytes(value),
                )
                .map_err(|_| DocumentError::Library)?;
        }
        let (hash, _) = transaction.commit_with(CommitOptions::default().with_time(0));
        let Some(hash) = hash else { return Ok(None) };
        let change = next
            .get_change_by_hash(&hash)
            .ok_or(DocumentError::Library)?;
        let bytes = change.raw_bytes().to_vec();
        safety::check(&bytes, Schema::Private)?;
        self.doc = next;
        Ok(Some(NewChange {
            bytes,
            hash: hash.0,
        }))
    }

    pub(super) fn receive(&mut self, changes: &[CheckedChange]) -> Result<Received, HostileChange> {
        safety::apply(&mut self.doc, changes)
    }

    /// Puts together what was received before, one after the other, without checking it again.
    pub(super) fn replay<'a>(
        &mut self,
        changes: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(), DocumentError> {
        let changes = changes
            .into_iter()
            .map(|bytes| Change::from_bytes(bytes.to_vec()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| DocumentError::Library)?;
        self.doc
            .apply_changes(changes)
            .map_err(|_| DocumentError::Library)
    }

    /// From now on reads as if these changes had written nothing.
    pub(super) fn mask(&mut self, changes: BTreeSet<[u8; 32]>) {
        self.masked = changes;
    }

    /// Sorted; empty while there is nothing but the genesis.
    pub(super) fn heads(&self) -> Vec<[u8; 32]> {
        let heads = self.doc.get_heads().into_iter();
        let mut heads: Vec<_> = heads
            .filter(|head| *head != self.genesis)
            .map(|head| head.0)
            .collect();
        heads.sort_unstable();
        heads
    }

    pub(super) fn holds(&self, hash: [u8; 32]) -> bool {
        self.doc
            .get_change_meta_by_hash(&ChangeHash(hash))
            .is_some()
    }

    /// What stood under a key when these were the latest changes, the most recent first; whether
    /// they count is not asked. Nothing where one of them is not here.
    pub(super) fn at(&self, container: usize, key: &str, heads: &[[u8; 32]]) -> Vec<Stamped> {
        let heads: Vec<ChangeHash> = heads.iter().copied().map(ChangeHash).collect();
        let here = |head: &ChangeHash| self.doc.get_change_meta_by_hash(head).is_some();
        let (Some(object), true) = (self.containers.get(container), heads.iter().all(here)) else {
            return Vec::new();
        };
        let values = self.doc.get_all_at(object, key, &heads).unwrap_or_default();
        let mut values: Vec<Stamped> = values
            .into_iter()
            .filter_map(|(value, _)| stamped(&value))
            .collect();
        values.sort_unstable_by(|a, b| b.cmp(a));
        values
    }

    /// All keys of a container.
    pub(super) fn keys(&self, container: usize) -> Vec<String> {
        let object = self.containers.get(container);
        object.map_or_else(Vec::new, |object| self.doc.keys(object).collect())
    }

    /// The values of a key with the changes that put them there, the most recent first. With
    /// `only` what anybody else put there counts as nothing.
    pub(super) fn authored(
        &self,
        container: usize,
        key: &str,
        only: Option<[u8; 16]>,
    ) -> Vec<Authored> {
        let Some(object) = self.containers.get(container) else {
            return Vec::new();
        };
        let found = self.looked_through(object, key, &|writer| {
            self.masked.contains(&writer.0)
                || only.is_some_and(|only| {
                    let meta = self.doc.get_change_meta_by_hash(writer);
                    meta.is_none_or(|meta| meta.actor.to_bytes() != only)
                })
        });
        let mut found: Vec<Authored> = found
            .into_iter()
            .map(|(change, value)| Authored {
                value,
                change: change.0,
            })
            .collect();
        found.sort_unstable_by(|a, b| (&b.value, b.change).cmp(&(&a.value, a.change)));
        found
    }

    /// All keys of a container with their values, the most recent first.
    pub(super) fn entries(&self, container: usize) -> BTreeMap<String, Vec<Stamped>> {
        let Some(object) = self.containers.get(container) else {
            return BTreeMap::new();
        };
        let keys = self.doc.keys(object);
        keys.map(|key| {
            let standing = self.standing(container, &key);
            (key, standing)
        })
        .filter(|(_, standing)| !standing.is_empty())
        .collect()
    }

    /// The values of a key that no later one replaced, the most recent first.
    pub(super) fn standing(&self, container: usize, key: &str) -> Vec<Stamped> {
        let Some(object) = self.containers.get(container) else {
            return Vec::new();
        };
        let mut values: Vec<Stamped> = if self.masked.is_empty() {
            let values = self.doc.get_all(object, key).unwrap_or_default();
            values
                .into_iter()
                .filter_map(|(value, _)| stamped(&value))
                .collect()
        } else {
            let found = self.looked_through(object, key, &|writer| self.masked.contains(&writer.0));
            found.into_iter().map(|(_, value)| value).collect()
        };
        values.sort_unstable_by(|a, b| b.cmp(a));
        values
    }

    /// What changes that count as nothing hide comes to light again, unless somebody else had
    /// replaced it.
    fn looked_through(
        &self,
        object: &ObjId,
        key: &str,
        nothing: &dyn Fn(&ChangeHash) -> bool,
    ) -> Vec<(ChangeHash, Stamped)> {
        let mut honest: BTreeMap<ChangeHash, Option<Stamped>> = BTreeMap::new();
        let mut passed: BTreeSet<ChangeHash> = BTreeSet::new();
        let mut todo = vec![self.doc.get_heads()];
        while let Some(heads) = todo.pop() {
            for (value, id) in self.doc.get_all_at(object, key, &heads).unwrap_or_default() {
                let Some(writer) = self.doc.hash_for_opid(&id) else {
                    continue;
                };
                if !nothing(&writer) {
                    honest.insert(writer, stamped(&value));
                } else if passed.insert(writer) {
                    let meta = self.doc.get_change_meta_by_hash(&writer);
                    todo.extend(meta.map(|meta| meta.deps));
                }
            }
        }
        let older = if honest.len() > 1 {
            self.before(honest.keys().copied())
        } else {
            BTreeSet::new()
        };
        honest
            .into_iter()
            .filter(|(writer, _)| !older.contains(writer))
            .filter_map(|(writer, value)| Some((writer, value?)))
            .collect()
    }

    /// Everything that one of these changes had seen.
    fn before(&self, changes: impl Iterator<Item = ChangeHash>) -> BTreeSet<ChangeHash> {
        let parents = |hash: ChangeHash| {
            let meta = self.doc.get_change_meta_by_hash(&hash);
            meta.map(|meta| meta.deps).unwrap_or_default()
        };
        let mut todo: Vec<ChangeHash> = changes.flat_map(parents).collect();
        let mut before = BTreeSet::new();
        while let Some(hash) = todo.pop() {
            if before.insert(hash) {
                todo.extend(parents(hash));
            }
        }
        before
    }
}

fn stamped(value: &automerge::Value<'_>) -> Option<Stamped> {
    let Wire(version, millis, counter, payload) = code::read(value.as_bytes()?)?;
    (version == 0).then(|| Stamped {
        clock: Hlc { millis, counter },
        payload: payload.to_vec(),
    })
}

/// The most recent value that can be read; a more recent one of the wrong type is looked over.
pub(super) fn latest<T>(
    standing: Option<&Vec<Stamped>>,
    read: impl Fn(&[u8]) -> Option<T>,
) -> Option<T> {
    standing?.iter().find_map(|value| read(&value.payload))
}
