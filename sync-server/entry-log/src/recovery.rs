//! Opening: what is promised must be there, what is not may be cut.
//!
//! The head file says how many records were promised. Segments wholly below that are taken from their
//! sidecars; the rest is walked and checked in full. Whatever is wrong with a promised record makes the
//! log read-only and changes nothing on the disk. Behind the promise whole records are kept, as they
//! were appended and may have been seen, and the first one that is not whole ends the log.
//!
//! Kept records are written once more before they are synced: after a failed sync the kernel may show
//! bytes that it never wrote and would not write again.

use std::io;

use crate::error::{Damage, Fault, OpenError, SyncError};
use crate::format::{Hash, HeadSlot, HeaderError, SEGMENT_HEADER, SegmentHeader, VERSION, genesis};
use crate::log::{Index, Log, Options, State};
use crate::segment::{self, Segment, Walk, walk};
use crate::storage::{Storage, read_all, remove_if_there};
use crate::{head, purge, sidecar};

/// In which state the log was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovery {
    /// Nothing but what was promised.
    Clean,
    /// The last process ended before its last sync did.
    TornTail {
        /// Whole records behind the promise, now promised.
        kept: u64,
        /// Bytes that were no whole record. None of them was ever acknowledged.
        cut_bytes: u64,
    },
    /// A promised record is missing or wrong: the log is read-only. Repair it from other holders.
    Damaged(Damage),
}

/// Bytes behind the promise that are to be written again.
#[derive(Debug)]
struct Tail {
    name: String,
    from: u64,
    bytes: Vec<u8>,
}

struct Opening<'a, S> {
    storage: &'a S,
    /// Promised records; all that are there if no head can be read.
    promised: u64,
    slot: HeadSlot,
    segments: Vec<Segment>,
    next: u64,
    chain: Hash,
    damage: Option<Damage>,
    tails: Vec<Tail>,
    kept: u64,
    cut_bytes: u64,
    /// Segments to remove, and one to shorten.
    removed: Vec<u64>,
    shortened: Option<String>,
    /// Positions in `segments` of those whose sidecar is to be made, with the chain after them.
    unindexed: Vec<(usize, Hash)>,
}

impl<S: Storage> Log<S> {
    /// Opens a log, making an empty one where there is none.
    ///
    /// Damage is no error here: what is left can be read. See [`Recovery::Damaged`].
    pub fn open(mut storage: S, options: Options) -> Result<(Self, Recovery), OpenError> {
        let names = storage.list()?;
        let mut firsts: Vec<u64> = names
            .iter()
            .filter_map(|name| segment::first_of(name))
            .collect();
        firsts.sort_unstable();
        let (slot, lost) = match head::read(&storage)? {
            head::Found::Head(slot) => (slot, false),
            head::Found::Missing | head::Found::Unreadable => (
                HeadSlot {
                    generation: 0,
                    records: 0,
                    chain: genesis(),
                },
                true,
            ),
        };
        // The head file is made durable before the first segment is made.
        let fresh = lost && firsts.is_empty();
        if fresh {
            head::create(&mut storage, &slot)?;
        }
        let mut opening = Opening {
            storage: &storage,
            promised: if lost && !fresh {
                u64::MAX
            } else {
                slot.records
            },
            slot,
            segments: Vec::with_capacity(firsts.len()),
            next: 0,
            chain: genesis(),
            damage: None,
            tails: Vec::new(),
            kept: 0,
            cut_bytes: 0,
            removed: Vec::new(),
            shortened: None,
            unindexed: Vec::new(),
        };
        if lost && !fresh {
            opening.note(head::NAME.to_owned(), 0, None, Fault::HeadLost);
        }
        opening.survey(&firsts)?;
        let Opening {
            promised,
            segments,
            next,
            chain,
            damage,
            tails,
            kept,
            cut_bytes,
            removed,
            shortened,
            unindexed,
            ..
        } = opening;

        let mut log = Self {
            storage,
            options,
            segments,
            len: next,
            chain,
            head: slot,
            state: State::Open,
        };
        if let Some(damage) = damage {
            if promised < u64::MAX {
                (log.len, log.chain) = (promised, slot.chain);
            }
            log.state = State::ReadOnly(damage.clone());
            return Ok((log, Recovery::Damaged(damage)));
        }
        for first in removed.iter().rev() {
            remove_if_there(&mut log.storage, &sidecar::name(*first))?;
            log.storage.remove(&segment::name(*first))?;
        }
        if let Some(name) = shortened {
            let end = log.segments.last().map_or(0, |last| last.end);
            log.storage.truncate(&name, end)?;
            log.storage.sync(&name)?;
        }
        for tail in tails {
            log.storage.write_at(&tail.name, tail.from, &tail.bytes)?;
            log.storage.sync(&tail.name)?;
        }
        for name in names.iter().filter(|name| purge::is_copy(name)) {
            remove_if_there(&mut log.storage, name)?;
        }
        for (at, chain) in unindexed {
            if let Some(segment) = log.segments.get(at) {
                sidecar::write(&mut log.storage, segment, &chain);
            }
        }
        // Also after a clean end: the slot that was read may be one that never reached the disk.
        match log.write_head() {
            Ok(()) => {}
            Err(SyncError::DiskFull(error) | SyncError::Io(error)) => return Err(error.into()),
            Err(SyncError::Poisoned | SyncError::ReadOnly(_)) => {
                return Err(io::Error::other("the log failed while it was opened").into());
            }
        }
        let recovery = match (kept, cut_bytes) {
            (0, 0) => Recovery::Clean,
            (kept, cut_bytes) => Recovery::TornTail { kept, cut_bytes },
        };
        Ok((log, recovery))
    }
}

impl<S: Storage> Opening<'_, S> {
    /// Remembers the first damage.
    fn note(&mut self, file: String, offset: u64, record: Option<u64>, fault: Fault) {
        let record = record.map(Index);
        self.damage.get_or_insert(Damage {
            file,
            offset,
            record,
            fault,
        });
    }

    /// Promised records end early: the last segment was cut between two records, or the next is gone.
    fn note_missing(&mut self) -> io::Result<()> {
        let (file, offset) = match self.segments.last() {
            Some(last) if !sidecar::seals(self.storage, last)? => (last.name(), last.end),
            _ => (segment::name(self.next), 0),
        };
        self.note(file, offset, Some(self.next), Fault::Missing);
        Ok(())
    }

    fn header(&self, first: u64) -> Result<Option<SegmentHeader>, OpenError> {
        let file = segment::name(first);
        match self.storage.read(&file, 0, SEGMENT_HEADER) {
            Ok(bytes) => match SegmentHeader::decode(&bytes) {
                Ok(header) if header.first == first => Ok(Some(header)),
                Ok(_) | Err(HeaderError::Wrong) => Ok(None),
                Err(HeaderError::Newer(got)) => Err(OpenError::NewerVersion {
                    file,
                    got,
                    supported: VERSION,
                }),
            },
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Compares with the head when a promise has just been reached.
    fn check_promise(&mut self) {
        if self.next == self.promised && self.chain != self.slot.chain {
            self.note(
                head::NAME.to_owned(),
                0,
                Some(self.next),
                Fault::HeadDisagrees,
            );
        }
    }

    fn survey(&mut self, firsts: &[u64]) -> Result<(), OpenError> {
        let headers = firsts
            .iter()
            .map(|first| self.header(*first))
            .collect::<Result<Vec<_>, _>>()?;
        let mut following = firsts.iter().zip(&headers).skip(1);
        for (&first, header) in firsts.iter().zip(&headers) {
            let follower = following.next();
            let follows = header.is_some_and(|header| header.prior == self.chain);
            if self.ended() || ((first != self.next || !follows) && first >= self.promised) {
                self.remove(first)?;
                continue;
            }
            if first != self.next {
                self.note_missing()?;
            } else if header.is_none() {
                self.note(segment::name(first), 0, Some(first), Fault::SegmentHeader);
            } else if !follows {
                self.note(segment::name(first), 0, Some(first), Fault::Chain);
            }
            let prior = header.map_or(self.chain, |header| header.prior);
            if let Some((&next, Some(after))) = follower
                && next <= self.promised
                && let Some(segment) = sidecar::read(self.storage, first, next, &after.prior)?
            {
                (self.next, self.chain) = (next, after.prior);
                self.segments.push(segment);
                self.check_promise();
                continue;
            }
            self.walk(first, prior, follower.is_some())?;
        }
        if self.next < self.promised && self.promised < u64::MAX {
            self.note_missing()?;
        }
        Ok(())
    }

    /// Whether the log ends before the segments that are still to come.
    fn ended(&self) -> bool {
        !self.removed.is_empty() || self.shortened.is_some()
    }

    fn remove(&mut self, first: u64) -> io::Result<()> {
        self.cut_bytes += self.storage.len(&segment::name(first))?;
        self.removed.push(first);
        Ok(())
    }

    /// Takes a segment from its own bytes.
    fn walk(&mut self, first: u64, prior: Hash, followed: bool) -> io::Result<()> {
        let name = segment::name(first);
        let bytes = read_all(self.storage, &name)?;
        let (promised, promise) = (self.promised, self.slot.chain);
        let mut disagrees = false;
        let mut found = walk(&bytes, first, prior, |index, chain| {
            disagrees |= index + 1 == promised && *chain != promise;
        });
        if disagrees {
            self.note(
                head::NAME.to_owned(),
                0,
                Some(promised),
                Fault::HeadDisagrees,
            );
        }
        if let Some((index, offset, fault)) = found.wrong.first().copied() {
            if index < promised {
                self.note(name.clone(), offset, Some(index), fault);
            } else {
                let good = usize::try_from(offset)
                    .ok()
                    .and_then(|end| bytes.get(..end));
                found = walk(good.unwrap_or_default(), first, prior, |_, _| {});
                found.stopped = Some(fault);
            }
        }
        let Walk {
            segment,
            chain,
            stopped,
            ..
        } = found;
        if let Some(fault) = stopped {
            if segment.next() < promised {
                self.note(name.clone(), segment.end, Some(segment.next()), fault);
            } else {
                self.cut_bytes += (bytes.len() as u64).saturating_sub(segment.end);
                self.shortened = Some(name.clone());
            }
        } else if followed {
            self.unindexed.push((self.segments.len(), chain));
        }
        if segment.next() > promised || first >= promised {
            self.kept += segment.next() - promised.max(first);
            // A segment without a promised record may have an unwritten header, too.
            let from = segment
                .place(promised)
                .filter(|_| first < promised)
                .map_or(0, |(offset, _)| offset);
            let range =
                usize::try_from(from).unwrap_or(0)..usize::try_from(segment.end).unwrap_or(0);
            let bytes = bytes.get(range).unwrap_or_default().to_vec();
            self.tails.push(Tail { name, from, bytes });
        }
        (self.next, self.chain) = (segment.next(), chain);
        self.segments.push(segment);
        Ok(())
    }
}
