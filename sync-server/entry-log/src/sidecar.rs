//! Where the records of a sealed segment start, kept beside it so that opening need not walk it.
//!
//! A cache: it is bound to the segment's first record, length and chain, checked, and made anew when
//! anything about it is wrong. Losing one costs time and nothing else.
//!
//! ```text
//! "daybidx" version:1 first:8 segment length:8 chain after the last record:32 count:4 offsets:4 each check:16
//! ```

use std::io;

use crate::format::{Hash, VERSION, array, seal, u32_at, u64_at, unseal};
use crate::segment::Segment;
use crate::storage::{Storage, read_all, remove_if_there};

const MAGIC: &[u8; 7] = b"daybidx";

pub(crate) fn name(first: u64) -> String {
    format!("{first:020}.idx")
}

fn encode(segment: &Segment, chain: &Hash) -> Option<Vec<u8>> {
    let mut bytes = MAGIC.to_vec();
    bytes.push(VERSION);
    bytes.extend_from_slice(&segment.first.to_le_bytes());
    bytes.extend_from_slice(&segment.end.to_le_bytes());
    bytes.extend_from_slice(chain);
    bytes.extend_from_slice(&u32::try_from(segment.offsets.len()).ok()?.to_le_bytes());
    for offset in &segment.offsets {
        bytes.extend_from_slice(&offset.to_le_bytes());
    }
    Some(seal(bytes, MAGIC))
}

fn decode(bytes: &[u8]) -> Option<(Segment, Hash)> {
    let rest = unseal(bytes, MAGIC)?.strip_prefix(MAGIC.as_slice())?;
    let (&VERSION, rest) = rest.split_first()? else {
        return None;
    };
    let (first, end, chain) = (u64_at(rest, 0)?, u64_at(rest, 8)?, array(rest, 16)?);
    let (count, list) = (u32_at(rest, 48)?, rest.get(52..)?);
    let offsets: Vec<u32> = list
        .chunks_exact(4)
        .filter_map(|chunk| u32_at(chunk, 0))
        .collect();
    (list.len() as u64 == u64::from(count) * 4).then_some((
        Segment {
            first,
            offsets,
            end,
        },
        chain,
    ))
}

fn load(storage: &impl Storage, first: u64) -> io::Result<Option<(Segment, Hash)>> {
    match read_all(storage, &name(first)) {
        Ok(bytes) => Ok(decode(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The segment as the sidecar knows it, if it fits what is known of the segment otherwise.
pub(crate) fn read(
    storage: &impl Storage,
    first: u64,
    next: u64,
    chain: &Hash,
) -> io::Result<Option<Segment>> {
    let Some((segment, end_chain)) = load(storage, first)? else {
        return Ok(None);
    };
    let len = storage.len(&crate::segment::name(first))?;
    let fits = segment.first == first && segment.next() == next && segment.end == len;
    Ok((fits && end_chain == *chain).then_some(segment))
}

/// Whether a sidecar says that the segment ends where it was found to end.
pub(crate) fn seals(storage: &impl Storage, segment: &Segment) -> io::Result<bool> {
    Ok(load(storage, segment.first)?.is_some_and(|(sealed, _)| sealed == *segment))
}

/// Writes a sealed segment's sidecar. Failing is harmless, so nothing is reported.
pub(crate) fn write(storage: &mut impl Storage, segment: &Segment, chain: &Hash) {
    let name = name(segment.first);
    let Some(bytes) = encode(segment, chain) else {
        return;
    };
    let written = remove_if_there(storage, &name)
        .and_then(|()| storage.append(&name, &bytes))
        .and_then(|()| storage.sync(&name));
    if written.is_err() {
        // A part of it would be found by its check; without it there is more room on a full disk.
        drop(storage.remove(&name));
    }
}
