//! The small encodings inside a change chunk, read without trust.
//!
//! Counts are checked before anything is written out, and each value has one encoding: the
//! shortest integer, no empty run, no padding.

use core::cmp::Ordering;

use crate::safety::{Unsafe, limits};

/// Bytes not read yet.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Unsafe> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Unsafe::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Unsafe> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(Unsafe::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Unsafe> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// An unsigned LEB128 in its shortest form.
    pub(crate) fn unsigned(&mut self) -> Result<u64, Unsafe> {
        let mut value = 0_u64;
        let mut shift = 0_u32;
        loop {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && byte > 1 {
                return Err(Unsafe::Malformed("integer"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(Unsafe::Malformed("integer"));
                }
                return Ok(value);
            }
            shift += 7;
        }
    }

    /// A signed LEB128 in its shortest form.
    pub(crate) fn signed(&mut self) -> Result<i64, Unsafe> {
        let mut value = 0_i64;
        let mut shift = 0_u32;
        let mut before = 0_u8;
        loop {
            let byte = self.byte()?;
            if shift == 63 && byte != 0 && byte != 0x7f {
                return Err(Unsafe::Malformed("integer"));
            }
            value |= i64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                let padded = shift > 7
                    && ((byte == 0 && before & 0x40 == 0) || (byte == 0x7f && before & 0x40 != 0));
                if padded {
                    return Err(Unsafe::Malformed("integer"));
                }
                if shift < 64 && byte & 0x40 != 0 {
                    value |= -1_i64 << shift;
                }
                return Ok(value);
            }
            before = byte;
        }
    }

    /// A length or count.
    pub(crate) fn size(&mut self) -> Result<usize, Unsafe> {
        usize::try_from(self.unsigned()?).map_err(|_| Unsafe::Malformed("length"))
    }

    pub(crate) fn actor(&mut self) -> Result<[u8; 16], Unsafe> {
        if self.size()? != 16 {
            return Err(Unsafe::Malformed("actor"));
        }
        self.array()
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Unsafe> {
        let length = self.size()?;
        if length > limits::MAX_KEY {
            return Err(Unsafe::TooLarge);
        }
        core::str::from_utf8(self.take(length)?).map_err(|_| Unsafe::Malformed("text"))
    }
}

/// Decodes a run-length column. `exact` is the number of rows it must have, `most` the number at
/// which to stop counting; both are checked before a run is written out.
pub(crate) fn runs<'a, T: Clone>(
    column: &'a [u8],
    exact: Option<usize>,
    most: usize,
    mut read: impl FnMut(&mut Reader<'a>) -> Result<T, Unsafe>,
) -> Result<Vec<Option<T>>, Unsafe> {
    let mut input = Reader(column);
    let mut rows: Vec<Option<T>> = Vec::with_capacity(exact.unwrap_or_default());
    let room = |rows: &Vec<Option<T>>, count: u64| {
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= most.saturating_sub(rows.len()))
            .ok_or(Unsafe::TooManyOperations)
    };
    while !input.0.is_empty() {
        let count = input.signed()?;
        match count.cmp(&0) {
            Ordering::Equal => {
                let nulls = room(&rows, input.unsigned()?)?;
                if nulls == 0 {
                    return Err(Unsafe::Malformed("run"));
                }
                rows.extend(core::iter::repeat_n(None, nulls));
            }
            Ordering::Greater => {
                let count = room(&rows, count.unsigned_abs())?;
                let value = read(&mut input)?;
                rows.extend(core::iter::repeat_n(Some(value), count));
            }
            Ordering::Less => {
                for _ in 0..room(&rows, count.unsigned_abs())? {
                    rows.push(Some(read(&mut input)?));
                }
            }
        }
    }
    match exact {
        Some(exact) if rows.len() != exact => Err(Unsafe::Malformed("column length")),
        Some(_) | None => Ok(rows),
    }
}

/// Columns that have one row per operation (or predecessor).
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) count: usize,
    pub(crate) name: &'static str,
}

impl Rows {
    /// Rows, or none when the column is absent because all are null.
    pub(crate) fn column<'a, T: Clone>(
        self,
        column: &'a [u8],
        read: impl FnMut(&mut Reader<'a>) -> Result<T, Unsafe>,
    ) -> Result<Vec<Option<T>>, Unsafe> {
        if column.is_empty() {
            return Ok(Vec::new());
        }
        runs(column, Some(self.count), self.count, read).map_err(|error| {
            if error == Unsafe::TooManyOperations {
                Unsafe::Malformed(self.name)
            } else {
                error
            }
        })
    }

    pub(crate) fn unsigned(self, column: &[u8]) -> Result<Vec<Option<u64>>, Unsafe> {
        self.column(column, Reader::unsigned)
    }

    /// Borrowed, so that a run of a long text costs nothing here; but Automerge will own each,
    /// hence the bound on their sum.
    pub(crate) fn texts(self, column: &[u8]) -> Result<Vec<Option<&str>>, Unsafe> {
        let texts = self.column(column, Reader::text)?;
        let total: usize = texts.iter().flatten().map(|text| text.len()).sum();
        if total > limits::MAX_TEXT {
            Err(Unsafe::TooLarge)
        } else {
            Ok(texts)
        }
    }

    pub(crate) fn deltas(self, column: &[u8]) -> Result<Vec<Option<u64>>, Unsafe> {
        let mut last = 0_i64;
        self.column(column, Reader::signed)?
            .into_iter()
            .map(|delta| {
                let Some(delta) = delta else { return Ok(None) };
                last = last
                    .checked_add(delta)
                    .ok_or(Unsafe::Malformed(self.name))?;
                u64::try_from(last)
                    .map(Some)
                    .map_err(|_| Unsafe::Malformed(self.name))
            })
            .collect()
    }

    /// Counts of false and true in turn; the first may be zero, no other.
    pub(crate) fn booleans(self, column: &[u8]) -> Result<Vec<bool>, Unsafe> {
        let mut input = Reader(column);
        let mut rows = Vec::new();
        let mut value = false;
        while !input.0.is_empty() {
            let count = input.size()?;
            if count > self.count - rows.len() || (count == 0 && !rows.is_empty()) {
                return Err(Unsafe::Malformed(self.name));
            }
            rows.extend(core::iter::repeat_n(value, count));
            value = !value;
        }
        if !column.is_empty() && rows.len() != self.count {
            return Err(Unsafe::Malformed(self.name));
        }
        Ok(rows)
    }
}

/// Whether each item is greater than the one before.
pub(crate) fn ascending<T: Ord>(items: &[T]) -> bool {
    items.is_sorted_by(|a, b| a < b)
}
