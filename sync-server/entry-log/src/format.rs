//! The bytes on disk. Version 1, frozen.
//!
//! All numbers are little-endian. A check is the first 16 bytes of a BLAKE3 hash. The first 64 bytes of
//! a segment and the first 72 of a head slot keep this layout in every later version, so that a newer
//! file is told from a damaged one.
//!
//! ```text
//! segment header  "daybseg" version:1 first:8 prior chain:32 check:16
//! head slot       "daybhed" version:1 generation:8 records:8 chain:32 check:16
//! frame           head length:4 body length:4 flags:1 BLAKE3(head):32 BLAKE3(body):32 chain:32 check:16
//! ```
//!
//! A frame's check also covers the record's number, so a whole record in a wrong place is found.

use crate::error::Fault;

/// A BLAKE3 hash.
pub(crate) type Hash = [u8; 32];

/// The version this program writes.
pub(crate) const VERSION: u8 = 1;
pub(crate) const SEGMENT_HEADER: usize = 64;
pub(crate) const HEAD_SLOT: usize = 72;
pub(crate) const FRAME: usize = 121;
const CHECK: usize = 16;

const SEGMENT_MAGIC: &[u8] = b"daybseg";
const HEAD_MAGIC: &[u8] = b"daybhed";

/// Set when the body was purged: the frame and the head remain, the body's bytes do not.
const PURGED: u8 = 1;

/// The chain before the first record.
pub(crate) fn genesis() -> Hash {
    *blake3::hash(b"daybook entry-log genesis 0").as_bytes()
}

/// Why a header is no header of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// Too short, another magic, or a wrong check.
    Wrong,
    /// Intact and newer.
    Newer(u8),
}

pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

/// The first 16 bytes of the hash of `tag` and `parts`.
pub(crate) fn check(tag: &[u8], parts: &[&[u8]]) -> [u8; CHECK] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(tag);
    for part in parts {
        hasher.update(part);
    }
    let mut out = [0; CHECK];
    hasher.finalize_xof().fill(&mut out);
    out
}

/// Appends the check of everything in `bytes` so far.
pub(crate) fn seal(mut bytes: Vec<u8>, tag: &[u8]) -> Vec<u8> {
    let sum = check(tag, &[&bytes]);
    bytes.extend_from_slice(&sum);
    bytes
}

/// The bytes before the check, if the check is right.
pub(crate) fn unseal<'a>(bytes: &'a [u8], tag: &[u8]) -> Option<&'a [u8]> {
    let (content, sum) = bytes.split_at_checked(bytes.len().checked_sub(CHECK)?)?;
    (check(tag, &[content]) == sum).then_some(content)
}

fn unseal_header<'a>(bytes: &'a [u8], magic: &[u8]) -> Result<&'a [u8], HeaderError> {
    let content = unseal(bytes, magic).ok_or(HeaderError::Wrong)?;
    let rest = content.strip_prefix(magic).ok_or(HeaderError::Wrong)?;
    match rest.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        Some((&newer, _)) => Err(HeaderError::Newer(newer)),
        None => Err(HeaderError::Wrong),
    }
}

/// The start of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// Number of the first record.
    pub(crate) first: u64,
    /// Chain after the record before it.
    pub(crate) prior: Hash,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = SEGMENT_MAGIC.to_vec();
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.prior);
        seal(bytes, SEGMENT_MAGIC)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let bytes = bytes.get(..SEGMENT_HEADER).ok_or(HeaderError::Wrong)?;
        let rest = unseal_header(bytes, SEGMENT_MAGIC)?;
        match (u64_at(rest, 0), array(rest, 8)) {
            (Some(first), Some(prior)) => Ok(Self { first, prior }),
            _ => Err(HeaderError::Wrong),
        }
    }
}

/// What one slot of the head file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeadSlot {
    /// Grows by one with every write; the higher valid slot counts.
    pub(crate) generation: u64,
    /// How many records are synced.
    pub(crate) records: u64,
    /// The chain after them.
    pub(crate) chain: Hash,
}

impl HeadSlot {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = HEAD_MAGIC.to_vec();
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.generation.to_le_bytes());
        bytes.extend_from_slice(&self.records.to_le_bytes());
        bytes.extend_from_slice(&self.chain);
        seal(bytes, HEAD_MAGIC)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let bytes = bytes.get(..HEAD_SLOT).ok_or(HeaderError::Wrong)?;
        let rest = unseal_header(bytes, HEAD_MAGIC)?;
        match (u64_at(rest, 0), u64_at(rest, 8), array(rest, 16)) {
            (Some(generation), Some(records), Some(chain)) => Ok(Self {
                generation,
                records,
                chain,
            }),
            _ => Err(HeaderError::Wrong),
        }
    }
}

/// What stands before a record's bytes and outlives its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) head_len: u32,
    /// Length the body had when it was appended, purged or not.
    pub(crate) body_len: u32,
    pub(crate) purged: bool,
    pub(crate) head_hash: Hash,
    pub(crate) body_hash: Hash,
    pub(crate) chain: Hash,
}

impl Frame {
    /// The frame of a new record. The caller has checked the lengths.
    pub(crate) fn new(prior: &Hash, head: &[u8], body: &[u8], lens: (u32, u32)) -> Self {
        let mut frame = Self {
            head_len: lens.0,
            body_len: lens.1,
            purged: false,
            head_hash: *blake3::hash(head).as_bytes(),
            body_hash: *blake3::hash(body).as_bytes(),
            chain: *prior,
        };
        frame.chain = frame.chain_after(prior);
        frame
    }

    /// The chain this record gives after `prior`. Whether the body is still there does not matter.
    pub(crate) fn chain_after(&self, prior: &Hash) -> Hash {
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(b"daybchn")
            .update(prior)
            .update(&self.head_len.to_le_bytes())
            .update(&self.body_len.to_le_bytes())
            .update(&self.head_hash)
            .update(&self.body_hash);
        *hasher.finalize().as_bytes()
    }

    pub(crate) fn encode_into(&self, index: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.head_len.to_le_bytes());
        out.extend_from_slice(&self.body_len.to_le_bytes());
        out.push(if self.purged { PURGED } else { 0 });
        out.extend_from_slice(&self.head_hash);
        out.extend_from_slice(&self.body_hash);
        out.extend_from_slice(&self.chain);
        let sum = check(
            b"daybrec",
            &[&index.to_le_bytes(), out.get(start..).unwrap_or_default()],
        );
        out.extend_from_slice(&sum);
    }

    /// The frame at the start of `bytes`, if it is that of record `index`.
    pub(crate) fn decode(index: u64, bytes: &[u8]) -> Option<Self> {
        let content = bytes.get(..FRAME - CHECK)?;
        let sum: [u8; CHECK] = array(bytes, FRAME - CHECK)?;
        if check(b"daybrec", &[&index.to_le_bytes(), content]) != sum {
            return None;
        }
        let purged = match content.get(8)? {
            0 => false,
            &PURGED => true,
            _ => return None,
        };
        Some(Self {
            head_len: u32_at(content, 0)?,
            body_len: u32_at(content, 4)?,
            purged,
            head_hash: array(content, 9)?,
            body_hash: array(content, 41)?,
            chain: array(content, 73)?,
        })
    }

    /// Bytes the record takes on disk, the frame included.
    pub(crate) fn stored_len(&self) -> u64 {
        let body = if self.purged {
            0
        } else {
            u64::from(self.body_len)
        };
        FRAME as u64 + u64::from(self.head_len) + body
    }

    /// Head and body out of the record's stored bytes, each checked against its hash.
    pub(crate) fn parts<'a>(
        &self,
        stored: &'a [u8],
    ) -> Result<(&'a [u8], Option<&'a [u8]>), Fault> {
        let payload = stored.get(FRAME..).ok_or(Fault::Missing)?;
        let (head, body) = usize::try_from(self.head_len)
            .ok()
            .and_then(|len| payload.split_at_checked(len))
            .ok_or(Fault::Missing)?;
        if *blake3::hash(head).as_bytes() != self.head_hash {
            return Err(Fault::Head);
        }
        if self.purged {
            return if body.is_empty() {
                Ok((head, None))
            } else {
                Err(Fault::Body)
            };
        }
        if *blake3::hash(body).as_bytes() != self.body_hash {
            return Err(Fault::Body);
        }
        Ok((head, Some(body)))
    }
}
