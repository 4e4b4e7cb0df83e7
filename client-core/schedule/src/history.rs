//! Who had seen what: the changes of a document and which value overwrote which.
//!
//! Automerge keeps operations, and takes on trust what a change claims to overwrite. Here it is
//! checked: a change may overwrite only what its parents hold, its counters follow from theirs, and
//! its author numbers its changes without gap or repetition. Whether a change fits depends on the
//! change and its ancestors alone, so all replicas agree.
//!
//! It also answers what a place holds when some changes are masked, and which acts crossed.
//!
//! Start with [`History::fit`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    chunk::{Chunk, Key, OpId, Value},
    document::{Values, sorted},
    layout::{FIRST_CONTAINER, parse_key},
    safety::{CheckedChange, HostileChange},
};

/// Whether a change can go in now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It is in already.
    Known,
    /// A parent is missing.
    Waiting,
    /// All its parents are here.
    Ready,
}

#[derive(Debug, Clone)]
struct Node {
    hash: [u8; 32],
    parents: Vec<usize>,
    max_op: u64,
    /// Its author had seen everything that is before it here.
    sees_all: bool,
}

/// One write to one place.
#[derive(Debug, Clone)]
struct Write {
    id: OpId,
    node: usize,
    preds: Vec<OpId>,
    value: Value,
}

/// A container (by the counter of the operation that made it) and a key.
type Place = (u64, [u8; 16]);

#[derive(Debug, Clone)]
pub(crate) struct History {
    genesis: [u8; 16],
    nodes: Vec<Node>,
    by_hash: HashMap<[u8; 32], usize>,
    by_number: HashMap<([u8; 16], u64), usize>,
    heads: BTreeSet<usize>,
    writes: BTreeMap<Place, Vec<Write>>,
}

impl History {
    pub(crate) fn new(genesis: [u8; 16]) -> Self {
        Self {
            genesis,
            nodes: Vec::new(),
            by_hash: HashMap::new(),
            by_number: HashMap::new(),
            heads: BTreeSet::new(),
            writes: BTreeMap::new(),
        }
    }

    pub(crate) fn fit(&self, checked: &CheckedChange) -> Result<Fit, HostileChange> {
        let change = checked.hash();
        if self.by_hash.contains_key(&change) {
            return Ok(Fit::Known);
        }
        let chunk = checked.chunk();
        let parents: Option<Vec<usize>> = chunk
            .dependencies
            .iter()
            .map(|hash| self.by_hash.get(hash).copied())
            .collect();
        let Some(parents) = parents else {
            return Ok(Fit::Waiting);
        };
        if self.by_number.contains_key(&(chunk.actor, chunk.seq)) {
            return Err(HostileChange::DuplicateSequence {
                change,
                seq: chunk.seq,
            });
        }
        let newest = parents.iter().filter_map(|parent| self.nodes.get(*parent));
        let newest = newest.map(|node| node.max_op).max().unwrap_or(0);
        if chunk.start_op != newest.saturating_add(1) {
            return Err(HostileChange::Counters { change });
        }
        let ancestors = Ancestors::of(self, &parents);
        if chunk.seq > 1 {
            let before = self.by_number.get(&(chunk.actor, chunk.seq - 1));
            if before.is_none_or(|before| !ancestors.has(*before)) {
                return Err(HostileChange::Counters { change });
            }
        }
        for op in &chunk.ops {
            let place = place(op.object, &op.key, self.genesis);
            let place = place.ok_or(HostileChange::Unseen { change })?;
            let writes = self.writes.get(&place).map_or(&[][..], Vec::as_slice);
            let seen = |pred: &OpId| {
                writes
                    .iter()
                    .any(|write| write.id == *pred && ancestors.has(write.node))
            };
            if !op.preds.iter().all(seen) {
                return Err(HostileChange::Unseen { change });
            }
        }
        Ok(Fit::Ready)
    }

    pub(crate) fn add(&mut self, checked: &CheckedChange) {
        self.insert(checked.hash(), checked.chunk());
    }

    /// Adds a change whose parents are all here.
    pub(crate) fn insert(&mut self, hash: [u8; 32], chunk: &Chunk) {
        let node = self.nodes.len();
        if self.by_hash.insert(hash, node).is_some() {
            return;
        }
        self.by_number.insert((chunk.actor, chunk.seq), node);
        let parents: Vec<usize> = chunk
            .dependencies
            .iter()
            .filter_map(|hash| self.by_hash.get(hash).copied())
            .collect();
        for parent in &parents {
            self.heads.remove(parent);
        }
        let sees_all = self.heads.is_empty();
        self.heads.insert(node);
        let max_op = chunk
            .start_op
            .saturating_add(chunk.ops.len() as u64)
            .saturating_sub(1);
        self.nodes.push(Node {
            hash,
            parents,
            max_op,
            sees_all,
        });
        for (index, op) in chunk.ops.iter().enumerate() {
            // The genesis, and what replicas make for themselves, has other keys.
            let Some(place) = place(op.object, &op.key, self.genesis) else {
                continue;
            };
            self.writes.entry(place).or_default().push(Write {
                id: chunk.op_id(index),
                node,
                preds: op.preds.clone(),
                value: op.value.clone(),
            });
        }
    }

    /// What a container holds when the masked changes are looked through: a value stands unless a
    /// change that is not masked overwrote it, be it by way of masked ones.
    pub(crate) fn visible(
        &self,
        container: u64,
        masked: &BTreeSet<[u8; 32]>,
    ) -> BTreeMap<[u8; 16], Values> {
        let places = self
            .writes
            .range((container, [0; 16])..=(container, [0xff; 16]));
        let entries = places.map(|((_, key), writes)| (*key, self.standing(writes, masked)));
        entries.filter(|(_, values)| !values.is_empty()).collect()
    }

    pub(crate) fn visible_at(
        &self,
        container: u64,
        key: [u8; 16],
        masked: &BTreeSet<[u8; 32]>,
    ) -> Values {
        self.writes
            .get(&(container, key))
            .map(|writes| self.standing(writes, masked))
            .unwrap_or_default()
    }

    fn standing(&self, writes: &[Write], masked: &BTreeSet<[u8; 32]>) -> Values {
        let is_masked = |write: &Write| {
            self.nodes
                .get(write.node)
                .is_some_and(|node| masked.contains(&node.hash))
        };
        let by_id: HashMap<OpId, &Write> = writes.iter().map(|write| (write.id, write)).collect();
        let mut gone: BTreeSet<OpId> = BTreeSet::new();
        let mut todo: Vec<OpId> = Vec::new();
        for write in writes.iter().filter(|write| !is_masked(write)) {
            todo.extend(&write.preds);
        }
        while let Some(id) = todo.pop() {
            if gone.insert(id)
                && let Some(write) = by_id.get(&id)
            {
                todo.extend(&write.preds);
            }
        }
        let standing = writes
            .iter()
            .filter(|write| !is_masked(write) && !gone.contains(&write.id));
        sorted(standing.map(|write| write.value.clone()).collect())
    }

    /// The keys whose latest writes in two containers crossed: neither author had seen the other's.
    pub(crate) fn crossed_containers(&self, a: usize, b: usize) -> BTreeSet<[u8; 16]> {
        let places = FIRST_CONTAINER + b as u64;
        let places = self.writes.range((places, [0; 16])..=(places, [0xff; 16]));
        let keys = places.map(|((_, key), _)| *key);
        keys.filter(|key| self.crossed_at(a, b, *key)).collect()
    }

    /// The same for one key.
    pub(crate) fn crossed_at(&self, a: usize, b: usize, key: [u8; 16]) -> bool {
        let latest = |container: usize| {
            let place = (FIRST_CONTAINER + container as u64, key);
            let writes = self.writes.get(&place).map_or(&[][..], Vec::as_slice);
            let gone: BTreeSet<OpId> = writes
                .iter()
                .flat_map(|write| write.preds.iter().copied())
                .collect();
            let latest = writes.iter().filter(move |write| !gone.contains(&write.id));
            latest.map(|write| write.node).collect::<BTreeSet<usize>>()
        };
        let (left, right) = (latest(a), latest(b));
        let mut pairs = left.iter().flat_map(|left| {
            right
                .iter()
                .map(|right| (*left.min(right), *left.max(right)))
        });
        pairs.any(|(earlier, later)| !self.sees(later, earlier))
    }

    /// Whether a change builds on one that stands before it here, or is that one. Parents stand
    /// before their children, so the earlier of two never builds on the later.
    fn sees(&self, later: usize, earlier: usize) -> bool {
        let node = self.nodes.get(later);
        node.is_some_and(|node| node.sees_all) || Ancestors::of(self, &[later]).has(earlier)
    }
}

/// The container and key an operation writes to, if it is one of the genesis containers.
fn place(object: Option<OpId>, key: &Key, genesis: [u8; 16]) -> Option<Place> {
    let object = object.filter(|object| object.actor == genesis)?;
    let Key::Text(text) = key else { return None };
    Some((object.counter, parse_key(text)?))
}

/// The changes that some changes build on, themselves included.
enum Ancestors {
    /// All there are: the usual case, a change made on everything known.
    All,
    Marked(Vec<bool>),
}

impl Ancestors {
    fn of(history: &History, changes: &[usize]) -> Self {
        if history.heads.iter().all(|head| changes.contains(head)) {
            return Self::All;
        }
        let mut marked = vec![false; history.nodes.len()];
        let mut todo = changes.to_vec();
        while let Some(index) = todo.pop() {
            let Some(mark) = marked.get_mut(index) else {
                continue;
            };
            if !core::mem::replace(mark, true)
                && let Some(node) = history.nodes.get(index)
            {
                todo.extend(&node.parents);
            }
        }
        Self::Marked(marked)
    }

    fn has(&self, index: usize) -> bool {
        match self {
            Self::All => true,
            Self::Marked(marked) => marked.get(index).copied().unwrap_or(false),
        }
    }
}
