//! Reading many records in order, with few reads.

use crate::error::ReadError;
use crate::log::{Index, Log, Record, decode, read_error};
use crate::storage::Storage;

/// How much is read at once.
const WINDOW: usize = 256 << 10;

/// Records in order. A damaged one gives an error and the next call goes on after it.
#[derive(Debug)]
pub struct Scan<'a, S> {
    log: &'a Log<S>,
    next: u64,
    /// Bytes of the segment that starts with record `.0`, from offset `.1`.
    window: (u64, u64, Vec<u8>),
}

impl<S: Storage> Log<S> {
    /// All records from `from` on.
    pub fn scan(&self, from: Index) -> Scan<'_, S> {
        Scan {
            log: self,
            next: from.0,
            window: (0, 0, Vec::new()),
        }
    }
}

impl<S: Storage> Scan<'_, S> {
    fn read(&mut self, index: Index) -> Result<Record, ReadError> {
        let (segment, offset, len) = self.log.place(index)?;
        let (first, start, bytes) = &self.window;
        let held = (*first == segment.first)
            .then(|| offset.checked_sub(*start))
            .flatten()
            .and_then(|at| usize::try_from(at).ok())
            .and_then(|at| bytes.get(at..at.checked_add(len)?));
        if let Some(bytes) = held {
            return decode(bytes, index, segment, offset);
        }
        let left = usize::try_from(segment.end.saturating_sub(offset)).unwrap_or(len);
        let storage = &self.log.storage;
        let bytes = storage
            .read(&segment.name(), offset, left.min(WINDOW).max(len))
            // The file may have become shorter behind this record.
            .or_else(|_| storage.read(&segment.name(), offset, len))
            .map_err(|error| read_error(error, index, segment, offset))?;
        let record = decode(bytes.get(..len).unwrap_or_default(), index, segment, offset);
        self.window = (segment.first, offset, bytes);
        record
    }
}

impl<S: Storage> Iterator for Scan<'_, S> {
    type Item = Result<(Index, Record), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = Index(self.next);
        if self.next >= self.log.len {
            return None;
        }
        self.next += 1;
        Some(self.read(index).map(|record| (index, record)))
    }
}
