//! What the week and the grid have in common: an Automerge document with fixed containers.
//!
//! A document begins with a genesis change that every replica makes for itself, byte for byte the
//! same: the document's name and a few empty maps. All facts are single values in these maps, under
//! the 32 hexadecimal digits of an id. There are no nested maps, nothing is deleted, no container is
//! ever added: so two devices that never met cannot hide each other's work, and every received
//! operation can be checked against the documents' few rules.
//!
//! Start with [`Document::write`] and [`Document::receive`].

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use automerge::{
    ActorId, Automerge, Change, ChangeHash, ObjId, ObjType, ROOT, ReadDoc as _, ScalarValue,
    legacy,
    transaction::{CommitOptions, Transactable as _},
};

use crate::{
    apply::apply_guarded,
    chunk::{self, Value},
    guard::guarded,
    history::{Fit, History},
    layout::{FIRST_CONTAINER, Layout, NAME, Rule, parse_key, write_key},
    safety::{self, CheckedChange, HostileChange, Received},
};

/// A change that was just made here: what goes into an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChange {
    /// One uncompressed change chunk.
    pub bytes: Vec<u8>,
    /// Its hash.
    pub hash: [u8; 32],
}

/// Why a change was not made. The document is as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The document library failed.
    #[error("the document could not be written")]
    Library,
    /// The result would not be accepted by others.
    #[error("the change would not be accepted: {0}")]
    Unsafe(#[from] safety::Unsafe),
}

/// Why bytes are no saved document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Damaged, or not a document at all.
    #[error("not a saved document")]
    Damaged,
    /// A document, but one that did not begin as this kind does.
    #[error("a document of another kind")]
    OtherKind,
}

#[derive(Clone)]
pub(crate) struct Document {
    doc: Automerge,
    layout: &'static Layout,
    genesis: [u8; 16],
    containers: Vec<ObjId>,
    /// Built when first needed: reading a week does not pay for it.
    history: Option<History>,
    masked: BTreeSet<[u8; 32]>,
}

fn scalar_of(value: &Value) -> Result<ScalarValue, WriteError> {
    match value {
        Value::Uint(number) => Ok(ScalarValue::Uint(*number)),
        Value::Bytes(bytes) => Ok(ScalarValue::Bytes(bytes.clone())),
        Value::Text(text) => Ok(ScalarValue::Str(text.as_str().into())),
        Value::Null | Value::Other => Err(WriteError::Library),
    }
}

fn op_id(id: &ObjId) -> Option<legacy::OpId> {
    match id {
        ObjId::Root => None,
        ObjId::Id(counter, actor, _) => Some(legacy::OpId::new(*counter, actor)),
    }
}

/// What a place holds: one value, or several after concurrent writes, sorted.
pub(crate) type Values = Vec<Value>;

impl Document {
    /// The document as it begins on every replica.
    pub(crate) fn genesis(layout: &'static Layout, name: &[u8]) -> Result<Self, WriteError> {
        let genesis = layout.genesis_actor(name);
        let mut doc = Automerge::new().with_actor(ActorId::from(genesis));
        let mut transaction = doc.transaction();
        transaction
            .put(ROOT, NAME, name.to_vec())
            .map_err(|_| WriteError::Library)?;
        let mut containers = Vec::with_capacity(layout.containers.len());
        for (container, _) in layout.containers {
            let id = transaction.put_object(ROOT, *container, ObjType::Map);
            containers.push(id.map_err(|_| WriteError::Library)?);
        }
        transaction.commit_with(CommitOptions::default().with_time(0));
        Ok(Self {
            doc,
            layout,
            genesis,
            containers,
            history: None,
            masked: BTreeSet::new(),
        })
    }

    pub(crate) fn load(
        layout: &'static Layout,
        bytes: &[u8],
    ) -> Result<(Self, Vec<u8>), LoadError> {
        let doc = guarded(|| Automerge::load(bytes).map_err(|_| LoadError::Damaged))
            .map_err(|_| LoadError::Damaged)??;
        guarded(|| {
            let name = match doc.get(ROOT, NAME) {
                Ok(Some((value, _))) => scalar(value),
                Ok(None) | Err(_) => None,
            };
            let name = name
                .as_ref()
                .and_then(Value::bytes)
                .ok_or(LoadError::OtherKind)?
                .to_vec();
            let begun = Self::genesis(layout, &name).map_err(|_| LoadError::OtherKind)?;
            let first = begun.doc.get_heads();
            if !first
                .iter()
                .all(|hash| doc.get_change_meta_by_hash(hash).is_some())
            {
                return Err(LoadError::OtherKind);
            }
            let containers = layout
                .containers
                .iter()
                .map(|(container, _)| match doc.get(ROOT, *container) {
                    Ok(Some((automerge::Value::Object(ObjType::Map), id))) => Ok(id),
                    _ => Err(LoadError::OtherKind),
                })
                .collect::<Result<Vec<_>, _>>()?;
            let genesis = begun.genesis;
            let masked = BTreeSet::new();
            Ok((
                Self {
                    doc,
                    layout,
                    genesis,
                    containers,
                    history: None,
                    masked,
                },
                name,
            ))
        })
        .map_err(|_| LoadError::Damaged)?
    }

    pub(crate) fn save(&self) -> Vec<u8> {
        self.doc.save()
    }

    pub(crate) fn heads(&self) -> Vec<[u8; 32]> {
        let mut heads: Vec<_> = self
            .doc
            .get_heads()
            .into_iter()
            .map(|hash| hash.0)
            .collect();
        heads.sort_unstable();
        heads
    }

    pub(crate) fn holds(&self, hash: [u8; 32]) -> bool {
        self.doc
            .get_change_meta_by_hash(&ChangeHash(hash))
            .is_some()
    }

    pub(crate) fn has_parents_of(&self, changes: &[CheckedChange]) -> bool {
        let inside: BTreeSet<_> = changes.iter().map(CheckedChange::hash).collect();
        changes
            .iter()
            .flat_map(CheckedChange::parents)
            .all(|parent| inside.contains(parent) || self.holds(*parent))
    }

    /// The bytes of a change that is here.
    pub(crate) fn change(&self, hash: [u8; 32]) -> Option<Vec<u8>> {
        let change = self.doc.get_change_by_hash(&ChangeHash(hash))?;
        Some(change.raw_bytes().to_vec())
    }

    /// All changes in an order in which they can be received, but for those every replica makes for
    /// itself: the genesis and what [`Document::write_local`] wrote.
    pub(crate) fn changes(&self) -> Vec<NewChange> {
        let containers = self.layout.containers.iter().enumerate();
        let local = containers.filter(|(_, (_, rule))| matches!(rule, Rule::Local));
        let texts = local.flat_map(|(container, _)| self.local_keys(container));
        let mut own: Vec<_> = texts
            .map(|text| ActorId::from(self.local_actor(&text)))
            .collect();
        own.push(ActorId::from(self.genesis));
        let changes = self.doc.get_changes(&[]).into_iter();
        changes
            .filter(|change| !own.contains(change.actor_id()))
            .map(|change| NewChange {
                bytes: change.raw_bytes().to_vec(),
                hash: change.hash().0,
            })
            .collect()
    }

    /// Puts values in one change by `actor`. Nothing is written where the value is already there
    /// and alone; `None` when that leaves nothing.
    pub(crate) fn write(
        &mut self,
        actor: [u8; 16],
        puts: &[(usize, [u8; 16], Value)],
    ) -> Result<Option<NewChange>, WriteError> {
        // On a copy, so that a change others would refuse never enters this replica's document.
        let mut next = self.doc.clone();
        next.set_actor(ActorId::from(actor));
        let mut transaction = next.transaction();
        for (container, key, value) in puts {
            let current = self.values(*container, *key);
            if let [only] = current.as_slice()
                && only == value
            {
                continue;
            }
            let object = self.containers.get(*container).ok_or(WriteError::Library)?;
            let put = transaction.put(object, write_key(*key), scalar_of(value)?);
            put.map_err(|_| WriteError::Library)?;
        }
        let (hash, _) = transaction.commit_with(CommitOptions::default().with_time(0));
        let Some(hash) = hash else { return Ok(None) };
        let mut change = next.get_change_by_hash(&hash).ok_or(WriteError::Library)?;
        if let Some(plain) = self.without_deletes(&change, puts)? {
            next = self.doc.clone();
            next.apply_changes([plain.clone()])
                .map_err(|_| WriteError::Library)?;
            change = plain;
        }
        let bytes = change.raw_bytes().to_vec();
        let checked = safety::check(&bytes, self.layout.schema)?;
        if let Some(history) = &mut self.history {
            history.add(&checked);
        }
        let hash = change.hash().0;
        self.doc = next;
        Ok(Some(NewChange { bytes, hash }))
    }

    /// Where several values stand side by side and the one that is put is the one Automerge would
    /// show, it deletes the others instead of putting anything. Nothing is ever deleted here: the
    /// same change with the value put over all of them.
    fn without_deletes(
        &self,
        change: &Change,
        puts: &[(usize, [u8; 16], Value)],
    ) -> Result<Option<Change>, WriteError> {
        let mut plain = change.decode();
        let mut any = false;
        for op in &mut plain.operations {
            if op.action != legacy::OpType::Delete {
                continue;
            }
            let put = puts.iter().find(|(container, key, _)| {
                let object = self.containers.get(*container).and_then(op_id);
                object.map(legacy::ObjectId::Id).as_ref() == Some(&op.obj)
                    && op.key == legacy::Key::Map(write_key(*key).as_str().into())
            });
            let (container, key, value) = put.ok_or(WriteError::Library)?;
            let object = self.containers.get(*container).ok_or(WriteError::Library)?;
            let there = self
                .doc
                .get_all(object, write_key(*key))
                .map_err(|_| WriteError::Library)?;
            let over: Option<Vec<legacy::OpId>> = there.iter().map(|(_, id)| op_id(id)).collect();
            op.pred = over.ok_or(WriteError::Library)?.into();
            op.action = legacy::OpType::Put(scalar_of(value)?);
            any = true;
        }
        plain.hash = None;
        Ok(any.then(|| Change::from(plain)))
    }

    /// Adds a change that each replica makes for itself from the genesis alone, the same on all:
    /// key `text` in a [`Rule::Local`] container.
    pub(crate) fn write_local(
        &mut self,
        name: &[u8],
        container: usize,
        text: &str,
    ) -> Result<(), WriteError> {
        let mut begun = Self::genesis(self.layout, name)?;
        begun.doc.set_actor(ActorId::from(self.local_actor(text)));
        let mut transaction = begun.doc.transaction();
        let object = begun.containers.get(container).ok_or(WriteError::Library)?;
        transaction
            .put(object, text, 1_u64)
            .map_err(|_| WriteError::Library)?;
        let (hash, _) = transaction.commit_with(CommitOptions::default().with_time(0));
        let hash = hash.ok_or(WriteError::Library)?;
        if self.doc.get_change_meta_by_hash(&hash).is_some() {
            return Ok(());
        }
        let change = begun
            .doc
            .get_change_by_hash(&hash)
            .ok_or(WriteError::Library)?;
        self.doc
            .apply_changes([change])
            .map_err(|_| WriteError::Library)?;
        self.history = None;
        Ok(())
    }

    fn local_actor(&self, text: &str) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_derive_key(self.layout.domain);
        hasher.update(&self.genesis).update(text.as_bytes());
        let mut actor = [0; 16];
        hasher.finalize_xof().fill(&mut actor);
        actor
    }

    /// Keys of a [`Rule::Local`] container, sorted.
    pub(crate) fn local_keys(&self, container: usize) -> Vec<String> {
        let Some(object) = self.containers.get(container) else {
            return Vec::new();
        };
        let mut keys: Vec<String> = self.doc.keys(object).collect();
        keys.sort_unstable();
        keys
    }

    pub(crate) fn receive(&mut self, changes: &[CheckedChange]) -> Result<Received, HostileChange> {
        let received = self.try_receive(changes);
        if received.is_err() && !self.masked.is_empty() {
            // Masks are read through the history: without it the masked would show.
            self.history = Some(self.build_history());
        }
        received
    }

    fn try_receive(&mut self, changes: &[CheckedChange]) -> Result<Received, HostileChange> {
        let mut history = match self.history.take() {
            Some(history) => history,
            None => self.build_history(),
        };
        // When anything fails, the history is left unset and built anew from the document.
        let mut received = Received::default();
        let mut ready: Vec<&CheckedChange> = Vec::new();
        let mut left: Vec<&CheckedChange> = changes.iter().collect();
        loop {
            let before = left.len();
            let mut waiting = Vec::new();
            for checked in left {
                if checked.schema() != self.layout.schema {
                    return Err(HostileChange::WrongSchema {
                        change: checked.hash(),
                    });
                }
                match history.fit(checked)? {
                    Fit::Known => {}
                    Fit::Waiting => waiting.push(checked),
                    Fit::Ready => {
                        history.add(checked);
                        ready.push(checked);
                    }
                }
            }
            left = waiting;
            if left.is_empty() || left.len() == before {
                break;
            }
        }
        if !ready.is_empty() {
            self.doc = apply_guarded(self.doc.clone(), &ready)?;
        }
        self.history = Some(history);
        received.applied = ready.into_iter().map(CheckedChange::hash).collect();
        received.waiting = left.into_iter().map(CheckedChange::hash).collect();
        received.waiting.dedup();
        Ok(received)
    }

    /// From now on reads as if these changes had written nothing.
    pub(crate) fn mask(&mut self, changes: BTreeSet<[u8; 32]>) {
        if !changes.is_empty() && self.history.is_none() {
            self.history = Some(self.build_history());
        }
        self.masked = changes;
    }

    pub(crate) const fn masked(&self) -> &BTreeSet<[u8; 32]> {
        &self.masked
    }

    /// The history, built if it is not there.
    pub(crate) fn history(&self) -> Cow<'_, History> {
        match &self.history {
            Some(history) => Cow::Borrowed(history),
            None => Cow::Owned(self.build_history()),
        }
    }

    fn build_history(&self) -> History {
        let mut history = History::new(self.genesis);
        for change in self.doc.get_changes(&[]) {
            // Everything in the document was checked when it came, or made here.
            if let Ok(chunk) = chunk::parse(change.raw_bytes()) {
                history.insert(change.hash().0, &chunk);
            }
        }
        history
    }

    /// All that a container holds.
    pub(crate) fn entries(&self, container: usize) -> BTreeMap<[u8; 16], Values> {
        if !self.masked.is_empty()
            && let Some(history) = &self.history
        {
            return history.visible(FIRST_CONTAINER + container as u64, &self.masked);
        }
        let mut entries = BTreeMap::new();
        let Some(object) = self.containers.get(container) else {
            return entries;
        };
        for item in self.doc.map_range(object, ..) {
            let Some(key) = parse_key(&item.key) else {
                continue;
            };
            let values = if item.conflict {
                self.values(container, key)
            } else {
                scalar(item.value.into_value()).into_iter().collect()
            };
            entries.insert(key, values);
        }
        entries
    }

    /// What a place held when these were the latest changes, masked ones too; nothing where one
    /// of them is not here.
    pub(crate) fn values_at(&self, container: usize, key: [u8; 16], heads: &[[u8; 32]]) -> Values {
        let heads: Vec<ChangeHash> = heads.iter().copied().map(ChangeHash).collect();
        let here = |head: &ChangeHash| self.doc.get_change_meta_by_hash(head).is_some();
        let (Some(object), true) = (self.containers.get(container), heads.iter().all(here)) else {
            return Vec::new();
        };
        let all = self.doc.get_all_at(object, write_key(key), &heads);
        let values = all.unwrap_or_default().into_iter();
        sorted(values.filter_map(|(value, _)| scalar(value)).collect())
    }

    /// What a place holds.
    pub(crate) fn values(&self, container: usize, key: [u8; 16]) -> Values {
        if !self.masked.is_empty()
            && let Some(history) = &self.history
        {
            return history.visible_at(FIRST_CONTAINER + container as u64, key, &self.masked);
        }
        let Some(object) = self.containers.get(container) else {
            return Vec::new();
        };
        let all = self.doc.get_all(object, write_key(key)).unwrap_or_default();
        sorted(
            all.into_iter()
                .filter_map(|(value, _)| scalar(value))
                .collect(),
        )
    }
}

fn scalar(value: automerge::Value<'_>) -> Option<Value> {
    let automerge::Value::Scalar(value) = value else {
        return None;
    };
    let value = value.into_owned();
    Some(match value {
        ScalarValue::Uint(number) => Value::Uint(number),
        ScalarValue::Bytes(bytes) => Value::Bytes(bytes),
        ScalarValue::Str(text) => Value::Text(text.to_string()),
        ScalarValue::Null => Value::Null,
        ScalarValue::Int(_)
        | ScalarValue::F64(_)
        | ScalarValue::Counter(_)
        | ScalarValue::Timestamp(_)
        | ScalarValue::Boolean(_)
        | ScalarValue::Unknown { .. } => Value::Other,
    })
}

pub(crate) fn sorted(mut values: Values) -> Values {
    values.sort_unstable();
    values.dedup();
    values
}

impl core::fmt::Debug for Document {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Document")
            .field("heads", &self.doc.get_heads())
            .finish_non_exhaustive()
    }
}
