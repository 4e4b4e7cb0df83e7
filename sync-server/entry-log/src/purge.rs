//! Purging bodies: a segment is copied without them and the copy takes its place.
//!
//! The old file is unlinked, not overwritten: on a journal or a flash disk its bytes may outlive it
//! until they are reused, which is why bodies are sealed before they come here.

use std::collections::BTreeSet;

use crate::error::{Damage, Fault, PurgeError, is_disk_full};
use crate::format::{FRAME, Frame, Hash, SEGMENT_HEADER};
use crate::log::{Index, Log, State};
use crate::segment::Segment;
use crate::sidecar;
use crate::storage::{Storage, read_all, remove_if_there};

fn copy_name(first: u64) -> String {
    format!("{first:020}.tmp")
}

/// Whether a file is a copy that never took its segment's place.
pub(crate) fn is_copy(name: &str) -> bool {
    name.strip_suffix(".tmp")
        .is_some_and(|digits| digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit()))
}

impl<S: Storage> Log<S> {
    /// Purges the bodies of these records, durably when it returns. Purged ones may be named again.
    ///
    /// Syncs first. Heads, hashes and the chain stay. Gives the number of bodies that were there.
    pub fn purge(&mut self, records: &[Index]) -> Result<u64, PurgeError> {
        let wanted: BTreeSet<u64> = records.iter().map(|index| index.0).collect();
        if let Some(&index) = wanted.last().filter(|last| **last >= self.len) {
            return Err(PurgeError::OutOfRange {
                index,
                len: self.len,
            });
        }
        self.sync()?;
        let mut purged = 0;
        for at in 0..self.segments.len() {
            let Some(segment) = self.segments.get(at) else {
                break;
            };
            let here: BTreeSet<u64> = wanted
                .range(segment.first..segment.next())
                .copied()
                .collect();
            if !here.is_empty() {
                purged += self.purge_segment(at, &here)?;
            }
        }
        Ok(purged)
    }

    fn purge_segment(&mut self, at: usize, wanted: &BTreeSet<u64>) -> Result<u64, PurgeError> {
        let Some(segment) = self.segments.get(at).cloned() else {
            return Ok(0);
        };
        let bytes = read_all(&self.storage, &segment.name()).map_err(PurgeError::Io)?;
        let Copy {
            bytes,
            shorter,
            purged,
        } = copy(&bytes, &segment, wanted).map_err(PurgeError::Damaged)?;
        if purged == 0 {
            return Ok(0);
        }
        let copy_name = copy_name(segment.first);
        let written = remove_if_there(&mut self.storage, &copy_name)
            .and_then(|()| self.storage.append(&copy_name, &bytes))
            .and_then(|()| self.storage.sync(&copy_name))
            .and_then(|()| remove_if_there(&mut self.storage, &sidecar::name(segment.first)));
        if let Err(error) = written {
            // The segment itself was not touched. A copy that stays is removed when opening.
            drop(self.storage.remove(&copy_name));
            return Err(if is_disk_full(&error) {
                PurgeError::DiskFull(error)
            } else {
                PurgeError::Io(error)
            });
        }
        if let Err(error) = self.storage.rename(&copy_name, &segment.name()) {
            // Which of the two has the name now is not known.
            self.state = State::Poisoned;
            return Err(PurgeError::Io(error));
        }
        let sealed = at + 1 < self.segments.len();
        if let Some(chain) = last_chain(&bytes, &shorter).filter(|_| sealed) {
            sidecar::write(&mut self.storage, &shorter, &chain);
        }
        if let Some(place) = self.segments.get_mut(at) {
            *place = shorter;
        }
        Ok(purged)
    }
}

/// The chain after a segment's last record.
fn last_chain(bytes: &[u8], segment: &Segment) -> Option<Hash> {
    let last = segment.next().checked_sub(1)?;
    let (offset, _) = segment.place(last)?;
    let frame = bytes.get(usize::try_from(offset).ok()?..)?;
    Frame::decode(last, frame).map(|frame| frame.chain)
}

/// A segment without some bodies.
struct Copy {
    bytes: Vec<u8>,
    shorter: Segment,
    purged: u64,
}

/// Records that stay are copied as they are: damaged ones stay damaged, and are found when read.
fn copy(bytes: &[u8], segment: &Segment, wanted: &BTreeSet<u64>) -> Result<Copy, Damage> {
    let damage = |offset, record, fault| Damage {
        file: segment.name(),
        offset,
        record: Some(Index(record)),
        fault,
    };
    let missing = || damage(0, segment.first, Fault::Missing);
    let mut out = bytes.get(..SEGMENT_HEADER).ok_or_else(missing)?.to_vec();
    let mut shorter = Segment::new(segment.first);
    let mut purged = 0;
    for index in segment.first..segment.next() {
        let (offset, len) = segment.place(index).ok_or_else(missing)?;
        let stored = usize::try_from(offset)
            .ok()
            .and_then(|start| bytes.get(start..start.checked_add(len)?))
            .ok_or_else(|| damage(offset, index, Fault::Missing))?;
        shorter
            .offsets
            .push(u32::try_from(out.len()).unwrap_or(u32::MAX));
        if wanted.contains(&index) {
            let frame = Frame::decode(index, stored)
                .filter(|frame| frame.stored_len() == len as u64)
                .ok_or_else(|| damage(offset, index, Fault::Frame))?;
            purged += u64::from(!frame.purged);
            let frame = Frame {
                purged: true,
                ..frame
            };
            frame.encode_into(index, &mut out);
            let head = usize::try_from(frame.head_len)
                .ok()
                .and_then(|len| len.checked_add(FRAME));
            out.extend_from_slice(
                head.and_then(|end| stored.get(FRAME..end))
                    .unwrap_or_default(),
            );
        } else {
            out.extend_from_slice(stored);
        }
    }
    shorter.end = out.len() as u64;
    Ok(Copy {
        bytes: out,
        shorter,
        purged,
    })
}
