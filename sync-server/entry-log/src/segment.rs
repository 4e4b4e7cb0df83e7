//! One segment in memory: which records it holds and where each starts.

use crate::error::Fault;
use crate::format::{FRAME, Frame, Hash, SEGMENT_HEADER};

/// The file name of the segment that starts with record `first`.
pub(crate) fn name(first: u64) -> String {
    format!("{first:020}.seg")
}

/// The first record of the segment with this file name.
pub(crate) fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    (digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}

/// Four bytes a record: a million records are 4 MB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) first: u64,
    /// Where each record's frame starts. In a damaged segment only as far as could be told.
    pub(crate) offsets: Vec<u32>,
    /// Where the last of them ends.
    pub(crate) end: u64,
}

impl Segment {
    pub(crate) fn new(first: u64) -> Self {
        Self {
            first,
            offsets: Vec::new(),
            end: SEGMENT_HEADER as u64,
        }
    }

    pub(crate) fn name(&self) -> String {
        name(self.first)
    }

    /// The number after its last record.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.offsets.len() as u64
    }

    /// Where record `index` starts and how many bytes it takes.
    pub(crate) fn place(&self, index: u64) -> Option<(u64, usize)> {
        let local = usize::try_from(index.checked_sub(self.first)?).ok()?;
        let start = u64::from(*self.offsets.get(local)?);
        let end = self
            .offsets
            .get(local + 1)
            .map_or(self.end, |next| u64::from(*next));
        Some((start, usize::try_from(end.checked_sub(start)?).ok()?))
    }
}

/// What a walk over a segment's bytes found.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) segment: Segment,
    /// The chain after the last record walked.
    pub(crate) chain: Hash,
    /// Why the walk ended before the end of the bytes.
    pub(crate) stopped: Option<Fault>,
    /// Records with an intact frame and wrong head or body: (index, offset, what).
    pub(crate) wrong: Vec<(u64, u64, Fault)>,
    pub(crate) purged: u64,
}

/// Walks a segment's whole file from its first frame, checking frames, chain, heads and bodies.
/// `each` hears of every record's number and the chain after it.
pub(crate) fn walk(
    bytes: &[u8],
    first: u64,
    prior: Hash,
    mut each: impl FnMut(u64, &Hash),
) -> Walk {
    let mut found = Walk {
        segment: Segment::new(first),
        chain: prior,
        stopped: None,
        wrong: Vec::new(),
        purged: 0,
    };
    let mut rest = bytes.get(SEGMENT_HEADER..).unwrap_or_default();
    while !rest.is_empty() {
        let index = found.segment.next();
        let Some(frame) = Frame::decode(index, rest) else {
            found.stopped = Some(if rest.len() < FRAME {
                Fault::Missing
            } else {
                Fault::Frame
            });
            break;
        };
        if frame.chain_after(&found.chain) != frame.chain {
            found.stopped = Some(Fault::Chain);
            break;
        }
        let (Ok(start), Some((stored, after))) = (
            u32::try_from(found.segment.end),
            usize::try_from(frame.stored_len())
                .ok()
                .and_then(|len| rest.split_at_checked(len)),
        ) else {
            found.stopped = Some(Fault::Missing);
            break;
        };
        if let Err(fault) = frame.parts(stored) {
            found.wrong.push((index, found.segment.end, fault));
        }
        found.segment.offsets.push(start);
        found.segment.end += stored.len() as u64;
        found.chain = frame.chain;
        found.purged += u64::from(frame.purged);
        each(index, &frame.chain);
        rest = after;
    }
    found
}
