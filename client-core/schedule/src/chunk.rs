//! A reader of Automerge change chunks that cannot be made to inflate, loop or panic.
//!
//! Automerge parses what it is given: a few bytes of run-length columns become a million operations
//! and malformed ones can panic when they are applied. This reader walks the same format by hand,
//! counts before it allocates, and refuses everything that an honest Automerge 0.12 does not write.
//!
//! ```text
//! 85 6f 4a 83 | checksum 4 | type 1 | length | dependencies | actor | seq | start op | time |
//! message | other actors | column specs and lengths | columns
//! ```
//! Integers are LEB128. Columns are run-length encoded (a positive count and one value, a negative
//! count and as many values, zero and a count of nulls), deltas of integers likewise, booleans as
//! alternating counts beginning with false.
//!
//! Start with [`parse`].

use crate::{
    reader::{Reader, Rows, ascending, runs},
    safety::{Unsafe, limits},
};

/// The first bytes of every chunk.
const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const TYPE_CHANGE: u8 = 1;
const TYPE_COMPRESSED: u8 = 2;
/// Set in a column's specification when its bytes are deflated.
const DEFLATED: u64 = 0b1000;

/// An operation's identity: its counter, and the author's actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct OpId {
    pub(crate) counter: u64,
    pub(crate) actor: [u8; 16],
}

/// Where in its object an operation acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// A map's key.
    Text(String),
    /// An element of a list or text; none is its beginning.
    Element(Option<OpId>),
}

/// What a put writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    Null,
    Uint(u64),
    Text(String),
    Bytes(Vec<u8>),
    /// Booleans, signed integers, floats, counters, timestamps: no document of ours with a closed
    /// schema holds one, so only their form is checked.
    Other,
}

impl Value {
    pub(crate) const fn number(&self) -> Option<u64> {
        if let Self::Uint(number) = self {
            Some(*number)
        } else {
            None
        }
    }

    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self {
            Some(bytes)
        } else {
            None
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }
}

/// Operation kinds, numbered as the format does.
pub(crate) const ACTION_PUT: u64 = 1;
const ACTION_INCREMENT: u64 = 5;
const ACTION_MARK: u64 = 7;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Op {
    /// None is the root.
    pub(crate) object: Option<OpId>,
    pub(crate) key: Key,
    pub(crate) insert: bool,
    pub(crate) action: u64,
    pub(crate) value: Value,
    /// The operations it overwrites.
    pub(crate) preds: Vec<OpId>,
    /// Whether it carries anything of a text mark.
    pub(crate) mark: bool,
}

/// A change, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) checksum: [u8; 4],
    pub(crate) dependencies: Vec<[u8; 32]>,
    pub(crate) actor: [u8; 16],
    pub(crate) seq: u64,
    pub(crate) start_op: u64,
    pub(crate) time: i64,
    pub(crate) message: bool,
    pub(crate) ops: Vec<Op>,
}

impl Chunk {
    /// The identity of its operation number `index`.
    pub(crate) fn op_id(&self, index: usize) -> OpId {
        OpId {
            counter: self.start_op.saturating_add(index as u64),
            actor: self.actor,
        }
    }
}

/// Reads one whole chunk, nothing before and nothing after it.
pub(crate) fn parse(bytes: &[u8]) -> Result<Chunk, Unsafe> {
    if bytes.len() > limits::MAX_CHUNK {
        return Err(Unsafe::TooLarge);
    }
    let mut input = Reader(bytes);
    if input.array::<4>()? != MAGIC {
        return Err(Unsafe::NotAChange);
    }
    let checksum = input.array::<4>()?;
    match input.byte()? {
        TYPE_CHANGE => {}
        TYPE_COMPRESSED => return Err(Unsafe::Compressed),
        _ => return Err(Unsafe::NotAChange),
    }
    let length = input.size()?;
    if length != input.0.len() {
        return Err(Unsafe::Malformed("length"));
    }

    let count = input.size()?;
    if count > limits::MAX_DEPENDENCIES {
        return Err(Unsafe::TooManyDependencies);
    }
    let dependencies = (0..count)
        .map(|_| input.array())
        .collect::<Result<Vec<[u8; 32]>, _>>()?;
    if !ascending(&dependencies) {
        return Err(Unsafe::Malformed("dependencies"));
    }
    let actor = input.actor()?;
    let seq = input.unsigned()?;
    let start_op = input.unsigned()?;
    let time = input.signed()?;
    let message_length = input.size()?;
    let message = !input.take(message_length)?.is_empty();
    let count = input.size()?;
    if count > limits::MAX_ACTORS {
        return Err(Unsafe::TooManyActors);
    }
    let others = (0..count)
        .map(|_| input.actor())
        .collect::<Result<Vec<_>, _>>()?;
    if !ascending(&others) || others.contains(&actor) {
        return Err(Unsafe::Malformed("actors"));
    }
    let columns = Columns::read(&mut input)?;
    let actors: Vec<[u8; 16]> = core::iter::once(actor).chain(others).collect();
    let ops = columns.rows(&actors)?;
    let last = start_op.checked_add(ops.len() as u64);
    if seq == 0 || start_op == 0 || last.is_none_or(|last| last > limits::MAX_COUNTER) {
        return Err(Unsafe::Malformed("counters"));
    }
    if seq > limits::MAX_COUNTER {
        return Err(Unsafe::Malformed("sequence"));
    }
    Ok(Chunk {
        checksum,
        dependencies,
        actor,
        seq,
        start_op,
        time,
        message,
        ops,
    })
}

/// The columns a change may have, in their order.
#[derive(Default)]
struct Columns<'a> {
    object_actor: &'a [u8],
    object_counter: &'a [u8],
    key_actor: &'a [u8],
    key_counter: &'a [u8],
    key_text: &'a [u8],
    insert: &'a [u8],
    action: &'a [u8],
    value_kind: &'a [u8],
    value: &'a [u8],
    pred_count: &'a [u8],
    pred_actor: &'a [u8],
    pred_counter: &'a [u8],
    expand: &'a [u8],
    mark_name: &'a [u8],
}

impl<'a> Columns<'a> {
    /// Reads specifications, then the bytes of each; nothing may be left.
    fn read(input: &mut Reader<'a>) -> Result<Self, Unsafe> {
        let count = input.size()?;
        if count > limits::MAX_COLUMNS {
            return Err(Unsafe::UnknownColumn);
        }
        let mut specs = Vec::with_capacity(count);
        for _ in 0..count {
            let spec = input.unsigned()?;
            if spec & DEFLATED != 0 {
                return Err(Unsafe::Compressed);
            }
            specs.push((spec, input.size()?));
        }
        if !specs.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(Unsafe::Malformed("column order"));
        }
        let mut columns = Self::default();
        for (spec, length) in specs {
            let slot = match spec {
                0x01 => &mut columns.object_actor,
                0x02 => &mut columns.object_counter,
                0x11 => &mut columns.key_actor,
                0x13 => &mut columns.key_counter,
                0x15 => &mut columns.key_text,
                0x34 => &mut columns.insert,
                0x42 => &mut columns.action,
                0x56 => &mut columns.value_kind,
                0x57 => &mut columns.value,
                0x70 => &mut columns.pred_count,
                0x71 => &mut columns.pred_actor,
                0x73 => &mut columns.pred_counter,
                0x94 => &mut columns.expand,
                0xa5 => &mut columns.mark_name,
                _ => return Err(Unsafe::UnknownColumn),
            };
            // An empty column is left out, not listed.
            if length == 0 {
                return Err(Unsafe::Malformed("empty column"));
            }
            *slot = input.take(length)?;
        }
        if !input.0.is_empty() {
            return Err(Unsafe::TrailingBytes);
        }
        Ok(columns)
    }

    /// Puts the columns together into operations. The number of rows is known, and bounded,
    /// before any other column is looked at.
    fn rows(&self, actors: &[[u8; 16]]) -> Result<Vec<Op>, Unsafe> {
        let actions = runs(self.action, None, limits::MAX_OPERATIONS, Reader::unsigned)?;
        let count = actions.len();
        let rows = |name| Rows { count, name };
        let mut object_actor = rows("object").unsigned(self.object_actor)?;
        let mut object_counter = rows("object").unsigned(self.object_counter)?;
        let mut key_actor = rows("key").unsigned(self.key_actor)?;
        let mut key_counter = rows("key").deltas(self.key_counter)?;
        let mut key_text = rows("key").texts(self.key_text)?;
        let mut insert = rows("insert").booleans(self.insert)?;
        let mut expand = rows("expand").booleans(self.expand)?;
        let mut mark_name = rows("mark").texts(self.mark_name)?;
        let mut kinds = rows("value").unsigned(self.value_kind)?;
        let mut values = Reader(self.value);
        let mut pred_counts = rows("predecessors").unsigned(self.pred_count)?;

        let total = pred_counts
            .iter()
            .flatten()
            .try_fold(0_usize, |sum, count| {
                sum.checked_add(usize::try_from(*count).ok()?)
                    .filter(|sum| *sum <= limits::MAX_OPERATIONS)
            });
        let total = total.ok_or(Unsafe::TooManyOperations)?;
        let preds = Rows {
            count: total,
            name: "predecessors",
        };
        let mut pred_actor = preds.unsigned(self.pred_actor)?.into_iter();
        let mut pred_counter = preds.deltas(self.pred_counter)?.into_iter();

        let id = |actor: u64, counter: u64| {
            let actor = usize::try_from(actor)
                .ok()
                .and_then(|index| actors.get(index));
            match actor {
                Some(actor) if (1..=limits::MAX_COUNTER).contains(&counter) => Ok(OpId {
                    counter,
                    actor: *actor,
                }),
                Some(_) | None => Err(Unsafe::Malformed("operation id")),
            }
        };
        let mut ops = Vec::with_capacity(count);
        // Rows were counted: every column has `count` of them, or none at all.
        let next =
            |column: &mut Vec<Option<u64>>, row: usize| column.get_mut(row).and_then(Option::take);
        for (row, action) in actions.into_iter().enumerate() {
            let action = action.ok_or(Unsafe::Malformed("action"))?;
            if action > ACTION_MARK {
                return Err(Unsafe::Malformed("action"));
            }
            let object = match (next(&mut object_actor, row), next(&mut object_counter, row)) {
                (None, None) => None,
                (Some(actor), Some(counter)) => Some(id(actor, counter)?),
                (Some(_), None) | (None, Some(_)) => return Err(Unsafe::Malformed("object")),
            };
            let text = key_text.get_mut(row).and_then(Option::take);
            let key = match (text, next(&mut key_actor, row), next(&mut key_counter, row)) {
                (Some(text), None, None) => Key::Text(text.to_owned()),
                (None, None, Some(0)) => Key::Element(None),
                (None, Some(actor), Some(counter)) => Key::Element(Some(id(actor, counter)?)),
                _ => return Err(Unsafe::Malformed("key")),
            };
            let kind = next(&mut kinds, row).ok_or(Unsafe::Malformed("value"))?;
            let value = value(kind, &mut values)?;
            if action == ACTION_INCREMENT && !matches!(value, Value::Uint(_) | Value::Other) {
                return Err(Unsafe::Malformed("increment"));
            }
            let pred_count =
                next(&mut pred_counts, row).ok_or(Unsafe::Malformed("predecessors"))?;
            let mut preds = Vec::new();
            for _ in 0..pred_count {
                match (pred_actor.next().flatten(), pred_counter.next().flatten()) {
                    (Some(actor), Some(counter)) => preds.push(id(actor, counter)?),
                    _ => return Err(Unsafe::Malformed("predecessors")),
                }
            }
            // Sorted by counter, then actor, none twice, as an honest writer leaves them.
            if !ascending(&preds) {
                return Err(Unsafe::Malformed("predecessors"));
            }
            let expand = expand.get_mut(row).is_some_and(|expand| *expand);
            let marked = mark_name.get_mut(row).and_then(Option::take).is_some();
            let insert = insert.get_mut(row).is_some_and(|insert| *insert);
            ops.push(Op {
                object,
                key,
                insert,
                action,
                value,
                preds,
                mark: expand || marked,
            });
        }
        if !values.0.is_empty() {
            return Err(Unsafe::TrailingBytes);
        }
        Ok(ops)
    }
}

/// One value from the value column; its kind and length stand in the metadata column.
fn value(kind: u64, values: &mut Reader<'_>) -> Result<Value, Unsafe> {
    let length = usize::try_from(kind >> 4).map_err(|_| Unsafe::Malformed("value"))?;
    let bytes = values.take(length)?;
    let mut inner = Reader(bytes);
    let value = match kind & 0xf {
        0..=2 if bytes.is_empty() => {
            return Ok(if kind == 0 { Value::Null } else { Value::Other });
        }
        3 => Value::Uint(inner.unsigned()?),
        4 | 8 | 9 => {
            inner.signed()?;
            Value::Other
        }
        5 => {
            inner.array::<8>()?;
            Value::Other
        }
        6 => {
            let text = core::str::from_utf8(bytes).map_err(|_| Unsafe::Malformed("text"))?;
            return Ok(Value::Text(text.to_owned()));
        }
        7 => return Ok(Value::Bytes(bytes.to_vec())),
        _ => return Err(Unsafe::Malformed("value kind")),
    };
    if inner.0.is_empty() {
        Ok(value)
    } else {
        Err(Unsafe::Malformed("value"))
    }
}
