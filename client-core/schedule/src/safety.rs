//! The gate for changes that others wrote.
//!
//! Nothing received reaches Automerge's parser before [`check`] has read it by hand: one
//! uncompressed change chunk, few operations, nothing that inflates, every column of the length it
//! should have, encoded exactly as an honest writer encodes it. For documents the relay may read,
//! the [`Schema`] also keeps free text out.
//!
//! What always holds for a [`CheckedChange`]:
//! * it has at most [`limits::MAX_OPERATIONS`] operations and as many predecessors;
//! * its checksum is right and its bytes are what Automerge itself writes for its content, so a
//!   document that holds it can be saved and loaded;
//! * under [`Schema::Schedule`] and [`Schema::Grid`] it only puts values of the known kinds under
//!   id keys in the known containers, with no message and no time.
//!
//! Whether it fits a document (its parents, its counters, what it overwrites) is decided when it
//! is received: [`crate::Week::receive`], or [`apply`] for documents with an open schema.

use automerge::Change;

use crate::{
    chunk::{self, ACTION_PUT, Chunk, Key, Op, Value},
    guard::guarded,
    layout::{GRID, Layout, Rule, WEEK, is_zone, parse_key},
};

pub use crate::apply::{HostileChange, Received, apply};

/// Protocol limits on one change.
pub mod limits {
    /// Bytes of a change chunk: what an entry's body may hold.
    pub const MAX_CHUNK: usize = 48 * 1024;
    /// Operations of a change, and predecessors of all of them together.
    pub const MAX_OPERATIONS: usize = 20_000;
    /// Parents of a change.
    pub const MAX_DEPENDENCIES: usize = 256;
    /// Actors a change refers to beside its author.
    pub const MAX_ACTORS: usize = 256;
    /// Bytes of one map key.
    pub const MAX_KEY: usize = 1024;
    /// Bytes of all map keys together, runs written out.
    pub const MAX_TEXT: usize = 1024 * 1024;
    /// The highest operation counter and sequence number.
    pub const MAX_COUNTER: u64 = 1 << 31;
    pub(crate) const MAX_COLUMNS: usize = 14;
}

/// Which document a change is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Schema {
    /// A schedule week: ids, instants, enumerations and hashes.
    Schedule,
    /// The grid: capacities and zones.
    Grid,
    /// A sealed document of client-core, which may hold text, lists and messages.
    Private,
}

impl Schema {
    pub(crate) const fn layout(self) -> Option<&'static Layout> {
        match self {
            Self::Schedule => Some(&WEEK),
            Self::Grid => Some(&GRID),
            Self::Private => None,
        }
    }
}

/// Why bytes are not let near a document. The answer depends on the bytes and the schema alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsafe {
    /// Not a change chunk.
    #[error("not a change")]
    NotAChange,
    /// Longer than [`limits::MAX_CHUNK`], or its keys are.
    #[error("the change is too large")]
    TooLarge,
    /// It ends too early.
    #[error("the change is cut short")]
    Truncated,
    /// Bytes after the change, its columns or its values.
    #[error("bytes follow the change")]
    TrailingBytes,
    /// A compressed chunk or column, which could inflate.
    #[error("compressed changes are not accepted")]
    Compressed,
    /// More than [`limits::MAX_OPERATIONS`] operations or predecessors.
    #[error("the change has too many operations")]
    TooManyOperations,
    /// More than [`limits::MAX_DEPENDENCIES`].
    #[error("the change has too many parents")]
    TooManyDependencies,
    /// More than [`limits::MAX_ACTORS`].
    #[error("the change refers to too many authors")]
    TooManyActors,
    /// A column no program of ours writes.
    #[error("the change has an unknown column")]
    UnknownColumn,
    /// A part that cannot be read.
    #[error("the change is malformed: {0}")]
    Malformed(&'static str),
    /// The checksum is of other bytes.
    #[error("the change's checksum is wrong")]
    Checksum,
    /// Its content would be written differently.
    #[error("the change is not encoded canonically")]
    NotCanonical,
    /// Automerge could not read it.
    #[error("the document library refuses the change")]
    Refused,
    /// Automerge panicked reading it.
    #[error("the change made the document library panic")]
    Panicked,
    /// Text where only ids and numbers belong.
    #[error("the change carries free text")]
    FreeText,
    /// A message or a time, which these documents do not have.
    #[error("the change carries a message or a time")]
    Annotated,
    /// An operation this kind of document never has: deleting, lists, new containers.
    #[error("the change does something this document never does")]
    ForeignOperation,
}

/// A change that may be applied to a document of its schema.
#[derive(Debug, Clone)]
pub struct CheckedChange {
    change: Change,
    hash: [u8; 32],
    chunk: Chunk,
    schema: Schema,
}

impl CheckedChange {
    /// Its hash, the same on every replica.
    pub const fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Its bytes, as checked.
    pub fn bytes(&self) -> &[u8] {
        self.change.raw_bytes()
    }

    /// Hashes of its parents, sorted.
    pub fn parents(&self) -> &[[u8; 32]] {
        &self.chunk.dependencies
    }

    /// Who wrote it: an incarnation.
    pub const fn actor(&self) -> [u8; 16] {
        self.chunk.actor
    }

    /// Its number among its actor's changes to the document, from 1.
    pub const fn seq(&self) -> u64 {
        self.chunk.seq
    }

    /// The ids it writes under: the claims, decisions and pointers it speaks of.
    pub fn keys(&self) -> std::collections::BTreeSet<[u8; 16]> {
        let keys = self.chunk.ops.iter().filter_map(|op| match &op.key {
            Key::Text(text) => crate::layout::parse_key(text),
            Key::Element(_) => None,
        });
        keys.collect()
    }

    /// How many operations it has.
    pub const fn operations(&self) -> usize {
        self.chunk.ops.len()
    }

    /// What it was checked as.
    pub const fn schema(&self) -> Schema {
        self.schema
    }

    pub(crate) const fn library(&self) -> &Change {
        &self.change
    }

    pub(crate) const fn chunk(&self) -> &Chunk {
        &self.chunk
    }
}

/// Lets `bytes` pass if they are one change that is safe to apply to a document of this schema.
pub fn check(bytes: &[u8], schema: Schema) -> Result<CheckedChange, Unsafe> {
    let chunk = chunk::parse(bytes)?;
    if let Some(layout) = schema.layout() {
        check_schema(&chunk, layout)?;
    }
    checked(bytes, chunk, schema)
}

/// The second half of [`check`]: Automerge reads what the reader has passed, behind the fence.
pub(crate) fn checked(bytes: &[u8], chunk: Chunk, schema: Schema) -> Result<CheckedChange, Unsafe> {
    let change = guarded(|| {
        let change = Change::from_bytes(bytes.to_vec()).map_err(|_| Unsafe::Refused)?;
        if change.raw_bytes() != bytes {
            return Err(Unsafe::NotCanonical);
        }
        let hash = change.hash();
        if hash.as_ref().first_chunk() != Some(&chunk.checksum) {
            return Err(Unsafe::Checksum);
        }
        if change.len() != chunk.ops.len() {
            return Err(Unsafe::Malformed("operations"));
        }
        // Automerge keeps operations, not chunks, and writes the chunk anew when it saves. Bytes
        // that it would write differently would have another hash after loading.
        if Change::from(change.decode()).raw_bytes() != bytes {
            return Err(Unsafe::NotCanonical);
        }
        Ok(change)
    })
    .map_err(|_| Unsafe::Panicked)??;
    let hash = change.hash().0;
    Ok(CheckedChange {
        change,
        hash,
        chunk,
        schema,
    })
}

fn check_schema(chunk: &Chunk, layout: &Layout) -> Result<(), Unsafe> {
    if chunk.message || chunk.time != 0 {
        return Err(Unsafe::Annotated);
    }
    if chunk.ops.is_empty() || chunk.dependencies.is_empty() {
        return Err(Unsafe::ForeignOperation);
    }
    let mut places = Vec::with_capacity(chunk.ops.len());
    for op in &chunk.ops {
        places.push(check_operation(op, layout)?);
    }
    // Each place once: what a change means does not depend on the order of its operations.
    places.sort_unstable();
    if !places.is_sorted_by(|a, b| a < b) {
        return Err(Unsafe::ForeignOperation);
    }
    Ok(())
}

fn check_operation(op: &Op, layout: &Layout) -> Result<(u64, [u8; 16]), Unsafe> {
    let Key::Text(key) = &op.key else {
        return Err(Unsafe::ForeignOperation);
    };
    let key = parse_key(key).ok_or(Unsafe::FreeText)?;
    let object = op.object.ok_or(Unsafe::ForeignOperation)?;
    let rule = layout
        .rule(object.counter)
        .ok_or(Unsafe::ForeignOperation)?;
    match (&op.value, rule) {
        (Value::Uint(number), Rule::Number { most }) if *number <= most => {}
        (Value::Bytes(bytes), Rule::Bytes { most }) if bytes.len() <= most => {}
        (Value::Text(text), Rule::Zone) if is_zone(text) => {}
        (Value::Text(_), _) => return Err(Unsafe::FreeText),
        _ => return Err(Unsafe::ForeignOperation),
    }
    if op.action != ACTION_PUT || op.insert || op.mark {
        return Err(Unsafe::ForeignOperation);
    }
    Ok((object.counter, key))
}
