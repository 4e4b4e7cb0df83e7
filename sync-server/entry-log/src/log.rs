//! The log: append, sync, read.

use std::io;

use crate::error::{AppendError, Damage, Fault, ReadError, SyncError, is_disk_full};
use crate::format::{FRAME, Frame, Hash, HeadSlot, SEGMENT_HEADER, SegmentHeader};
use crate::segment::Segment;
use crate::storage::{Storage, remove_if_there};
use crate::{head, sidecar};

/// The largest allowed values of [`Options`], so that offsets fit 32 bits.
const MAX_BYTES: u32 = 1 << 30;

/// How a log lays out its files. May differ from one opening to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// A segment is sealed when the next record would make it longer; at most 1 GiB.
    pub segment_bytes: u32,
    /// Most bytes of head and body together; at most 1 GiB.
    pub max_record: u32,
}

impl Default for Options {
    /// 16 MiB: opening checks the last segment whole, and a purge copies one.
    fn default() -> Self {
        Self {
            segment_bytes: 16 << 20,
            max_record: 1 << 20,
        }
    }
}

/// Number of a record in its log, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Index(pub u64);

/// A record as it was appended, but for a purged body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What proofs cover.
    pub head: Vec<u8>,
    /// The rest; `None` once it was purged.
    pub body: Option<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    /// A write or sync failed: what is on the disk is not known.
    Poisoned,
    /// Damage was found when opening.
    ReadOnly(Damage),
}

/// An open log. See the crate's documentation for what always holds.
#[derive(Debug)]
pub struct Log<S> {
    pub(crate) storage: S,
    pub(crate) options: Options,
    /// Ascending; in an undamaged log without gaps.
    pub(crate) segments: Vec<Segment>,
    /// Number of the next record.
    pub(crate) len: u64,
    pub(crate) chain: Hash,
    /// What the head file says.
    pub(crate) head: HeadSlot,
    pub(crate) state: State,
}

impl<S: Storage> Log<S> {
    /// Adds a record. It is durable, and may be acknowledged, after the next successful [`Log::sync`].
    pub fn append(&mut self, head: &[u8], body: &[u8]) -> Result<Index, AppendError> {
        self.add(head, body, false)
    }

    /// Adds a record whose body was purged before it came here.
    pub fn append_purged(&mut self, head: &[u8]) -> Result<Index, AppendError> {
        self.add(head, &[], true)
    }

    fn add(&mut self, head: &[u8], body: &[u8], purged: bool) -> Result<Index, AppendError> {
        match &self.state {
            State::Open => {}
            State::Poisoned => return Err(AppendError::Poisoned),
            State::ReadOnly(damage) => return Err(AppendError::ReadOnly(damage.clone())),
        }
        let max = self.options.max_record.min(MAX_BYTES);
        let got = (head.len() as u64).saturating_add(body.len() as u64);
        let (Ok(head_len), Ok(body_len), true) = (
            u32::try_from(head.len()),
            u32::try_from(body.len()),
            got <= u64::from(max),
        ) else {
            return Err(AppendError::TooLarge { got, max });
        };
        let index = self.len;
        let frame = Frame {
            purged,
            ..Frame::new(&self.chain, head, body, (head_len, body_len))
        };
        let limit = u64::from(self.options.segment_bytes.min(MAX_BYTES));
        let stored = frame.stored_len();
        let fits = self.segments.last().is_some_and(|last| {
            last.offsets.is_empty() || last.end.saturating_add(stored) <= limit
        });

        let mut bytes =
            Vec::with_capacity(SEGMENT_HEADER + usize::try_from(stored).unwrap_or_default());
        if !fits {
            self.seal_last().map_err(AppendError::Io)?;
            bytes = SegmentHeader {
                first: index,
                prior: self.chain,
            }
            .encode();
        }
        frame.encode_into(index, &mut bytes);
        bytes.extend_from_slice(head);
        bytes.extend_from_slice(body);

        let (name, end) = match self.segments.last().filter(|_| fits) {
            Some(last) => (last.name(), Some(last.end)),
            None => (crate::segment::name(index), None),
        };
        if let Err(error) = self.storage.append(&name, &bytes) {
            return Err(self.undo_append(&name, end, error));
        }
        if !fits {
            self.segments.push(Segment::new(index));
        }
        if let Some(last) = self.segments.last_mut() {
            // The limits above keep a segment below 4 GiB.
            last.offsets
                .push(u32::try_from(last.end).unwrap_or(u32::MAX));
            last.end += stored;
        }
        self.chain = frame.chain;
        self.len += 1;
        Ok(Index(index))
    }

    /// Makes the last segment durable before another follows it, and writes its sidecar.
    fn seal_last(&mut self) -> io::Result<()> {
        let Some(last) = self.segments.last() else {
            return Ok(());
        };
        if self.len > self.head.records
            && let Err(error) = self.storage.sync(&last.name())
        {
            self.state = State::Poisoned;
            return Err(error);
        }
        sidecar::write(&mut self.storage, last, &self.chain);
        Ok(())
    }

    /// Takes back what a failed append may have left, so that the log is as before.
    fn undo_append(&mut self, name: &str, end: Option<u64>, error: io::Error) -> AppendError {
        let undone = match end {
            Some(end) => self.storage.truncate(name, end),
            None => remove_if_there(&mut self.storage, name),
        };
        if undone.is_ok() && is_disk_full(&error) {
            return AppendError::DiskFull(error);
        }
        self.state = State::Poisoned;
        AppendError::Io(error)
    }

    /// Makes every appended record durable. Call it once for a group of records.
    pub fn sync(&mut self) -> Result<(), SyncError> {
        match &self.state {
            State::Open => {}
            State::Poisoned => return Err(SyncError::Poisoned),
            State::ReadOnly(damage) => return Err(SyncError::ReadOnly(damage.clone())),
        }
        if self.len == self.head.records {
            return Ok(());
        }
        // Earlier segments were synced when they were sealed.
        let name = self.segments.last().map(Segment::name).unwrap_or_default();
        if let Err(error) = self.storage.sync(&name) {
            self.state = State::Poisoned;
            return Err(SyncError::Io(error));
        }
        self.write_head()
    }

    /// The promise comes after what it promises.
    pub(crate) fn write_head(&mut self) -> Result<(), SyncError> {
        let slot = HeadSlot {
            generation: self.head.generation + 1,
            records: self.len,
            chain: self.chain,
        };
        if let Err(error) = head::write(&mut self.storage, &slot) {
            if is_disk_full(&error) {
                return Err(SyncError::DiskFull(error));
            }
            self.state = State::Poisoned;
            return Err(SyncError::Io(error));
        }
        if let Err(error) = self.storage.sync(head::NAME) {
            self.state = State::Poisoned;
            return Err(SyncError::Io(error));
        }
        self.head = slot;
        Ok(())
    }

    /// Number of records, synced or not.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of records that are durable.
    pub fn synced_len(&self) -> u64 {
        self.head.records
    }

    /// The chain after the last record: equal chains mean equal records.
    pub fn chain(&self) -> [u8; 32] {
        self.chain
    }

    /// The damage that keeps the log read-only, if there is any.
    pub fn damage(&self) -> Option<&Damage> {
        match &self.state {
            State::ReadOnly(damage) => Some(damage),
            State::Open | State::Poisoned => None,
        }
    }

    /// Whether a failed write or sync asks for opening the log again.
    pub fn is_poisoned(&self) -> bool {
        self.state == State::Poisoned
    }

    /// Bytes of all records on disk.
    pub fn disk_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.end).sum()
    }

    /// Reads one record and checks it.
    pub fn get(&self, index: Index) -> Result<Record, ReadError> {
        let (segment, offset, len) = self.place(index)?;
        let bytes = self
            .storage
            .read(&segment.name(), offset, len)
            .map_err(|error| read_error(error, index, segment, offset))?;
        decode(&bytes, index, segment, offset)
    }

    /// What can still be read of the head of a damaged record, unchecked: to say which one it was.
    pub fn salvage(&self, damage: &Damage) -> Option<Vec<u8>> {
        let offset = damage.offset;
        let frame = self.storage.read(&damage.file, offset, FRAME).ok()?;
        let len = usize::try_from(crate::format::u32_at(&frame, 0)?).ok()?;
        let limit = usize::try_from(self.options.max_record.min(MAX_BYTES)).ok()?;
        let start = offset.checked_add(FRAME as u64)?;
        let head = self.storage.read(&damage.file, start, len.min(limit));
        head.ok()
    }

    /// Where a record lies.
    pub(crate) fn place(&self, index: Index) -> Result<(&Segment, u64, usize), ReadError> {
        let Index(number) = index;
        if number >= self.len {
            return Err(ReadError::OutOfRange {
                index: number,
                len: self.len,
            });
        }
        let after = self
            .segments
            .partition_point(|segment| segment.first <= number);
        let segment = after.checked_sub(1).and_then(|at| self.segments.get(at));
        let place = segment.and_then(|segment| {
            let (offset, len) = segment.place(number)?;
            Some((segment, offset, len))
        });
        // Only a damaged log lacks one of its records' places.
        place.ok_or_else(|| {
            ReadError::Damaged(Damage {
                file: segment.map_or_else(|| crate::segment::name(number), Segment::name),
                offset: segment.map_or(0, |segment| segment.end),
                record: Some(index),
                fault: Fault::Missing,
            })
        })
    }

    /// Gives the storage back.
    pub fn into_storage(self) -> S {
        self.storage
    }
}

fn damaged(fault: Fault, index: Index, segment: &Segment, offset: u64) -> ReadError {
    ReadError::Damaged(Damage {
        file: segment.name(),
        offset,
        record: Some(index),
        fault,
    })
}

/// A file that is gone or too short is damage: the record had been there.
pub(crate) fn read_error(
    error: io::Error,
    index: Index,
    segment: &Segment,
    offset: u64,
) -> ReadError {
    if matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof
    ) {
        return damaged(Fault::Missing, index, segment, offset);
    }
    ReadError::Io(error)
}

/// The record out of exactly its bytes.
pub(crate) fn decode(
    bytes: &[u8],
    index: Index,
    segment: &Segment,
    offset: u64,
) -> Result<Record, ReadError> {
    let found = Frame::decode(index.0, bytes)
        .ok_or(Fault::Frame)
        .and_then(|frame| {
            if frame.stored_len() != bytes.len() as u64 {
                return Err(Fault::Frame);
            }
            frame.parts(bytes)
        });
    match found {
        Ok((head, body)) => Ok(Record {
            head: head.to_vec(),
            body: body.map(<[u8]>::to_vec),
        }),
        Err(fault) => Err(damaged(fault, index, segment, offset)),
    }
}
