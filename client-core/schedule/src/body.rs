//! The bodies of schedule and grid entries: CBOR that the relay reads.
//!
//! ```text
//! schedule = [0, bytes .size 19, zone: text, intent, [* bytes]]
//! grid     = [0, intent, [* bytes]]
//! intent   = [[millis: int, counter: uint], source: uint, request: bytes .size 16]
//! ```
//! One encoding per value: bytes that would be written differently are refused. No free text: the
//! only text is the name of a time zone of the bundled tzdata.

use conflict_rules::Source;
use minicbor::{Decoder, Encoder, data::Type};

use crate::{
    codes::{read_source, write_source},
    layout::is_zone,
    safety::limits::MAX_CHUNK,
    weeks::WeekKey,
};

/// Most changes in one body.
pub const MAX_CHANGES: usize = 256;
/// Longest encoded body.
pub const MAX_BODY: usize = 48 * 1024;
const VERSION: u8 = 1;

/// A hybrid logical clock's stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hlc {
    /// Milliseconds since 1970.
    pub millis: i64,
    /// Orders what happened in the same millisecond.
    pub counter: u32,
}

/// What the relay may know of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClearIntent {
    /// When, by its author's clock.
    pub clock: Hlc,
    /// Who wrote it.
    pub source: Source,
    /// Random and the same when the intent is sent again.
    pub request: [u8; 16],
}

/// What a schedule entry carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleBody {
    /// The document.
    pub week: WeekKey,
    /// The site's zone, so that whoever has not seen the week can begin it.
    pub zone: String,
    /// What for.
    pub intent: ClearIntent,
    /// Change chunks, parents first.
    pub changes: Vec<Vec<u8>>,
}

/// What a grid entry carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridBody {
    /// What for.
    pub intent: ClearIntent,
    /// Change chunks, parents first.
    pub changes: Vec<Vec<u8>>,
}

/// Why a body cannot be read, or would not be read by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Written by a newer program.
    #[error("body version {0} is newer than this program")]
    NewerVersion(u8),
    /// More than [`MAX_BODY`] bytes.
    #[error("the body is too large")]
    TooLarge,
    /// None, or more than [`MAX_CHANGES`].
    #[error("a body has 1 to {MAX_CHANGES} changes")]
    ChangeCount,
    /// Not an IANA zone of the bundled tzdata.
    #[error("unknown time zone")]
    UnknownZone,
    /// Not CBOR of this form.
    #[error("not a body this program can read")]
    Malformed,
    /// The same value is written differently.
    #[error("not the canonical encoding")]
    NotCanonical,
}

impl From<minicbor::decode::Error> for BodyError {
    fn from(_: minicbor::decode::Error) -> Self {
        Self::Malformed
    }
}

type Bytes = Encoder<Vec<u8>>;
/// Writing to memory cannot fail.
type Written = Result<(), minicbor::encode::Error<core::convert::Infallible>>;

impl ScheduleBody {
    /// Its bytes, within the limits.
    pub fn encode(&self) -> Result<Vec<u8>, BodyError> {
        if !is_zone(&self.zone) {
            return Err(BodyError::UnknownZone);
        }
        finish(&self.changes, |e| {
            e.array(5)?
                .u8(VERSION)?
                .bytes(&self.week.to_bytes())?
                .str(&self.zone)?;
            write_intent(e, &self.intent)
        })
    }

    /// Reads any bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, BodyError> {
        let mut d = begin(bytes, 5)?;
        let week = WeekKey::from_bytes(d.bytes()?).map_err(|_| BodyError::Malformed)?;
        let zone = d.str()?.to_owned();
        let intent = read_intent(&mut d)?;
        let changes = read_changes(&mut d)?;
        let body = Self {
            week,
            zone,
            intent,
            changes,
        };
        if body.encode()? == bytes {
            Ok(body)
        } else {
            Err(BodyError::NotCanonical)
        }
    }
}

impl GridBody {
    /// Its bytes, within the limits.
    pub fn encode(&self) -> Result<Vec<u8>, BodyError> {
        finish(&self.changes, |e| {
            e.array(3)?.u8(VERSION)?;
            write_intent(e, &self.intent)
        })
    }

    /// Reads any bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, BodyError> {
        let mut d = begin(bytes, 3)?;
        let intent = read_intent(&mut d)?;
        let changes = read_changes(&mut d)?;
        let body = Self { intent, changes };
        if body.encode()? == bytes {
            Ok(body)
        } else {
            Err(BodyError::NotCanonical)
        }
    }
}

fn finish(
    changes: &[Vec<u8>],
    head: impl FnOnce(&mut Bytes) -> Written,
) -> Result<Vec<u8>, BodyError> {
    if changes.is_empty() || changes.len() > MAX_CHANGES {
        return Err(BodyError::ChangeCount);
    }
    if changes.iter().map(Vec::len).sum::<usize>() > MAX_CHUNK {
        return Err(BodyError::TooLarge);
    }
    let mut e = Encoder::new(Vec::new());
    let written = head(&mut e).and_then(|()| {
        e.array(changes.len() as u64)?;
        changes.iter().try_for_each(|change| e.bytes(change)?.ok())
    });
    written.map_err(|_| BodyError::Malformed)?;
    let bytes = e.into_writer();
    if bytes.len() > MAX_BODY {
        Err(BodyError::TooLarge)
    } else {
        Ok(bytes)
    }
}

fn begin(bytes: &[u8], fields: u64) -> Result<Decoder<'_>, BodyError> {
    if bytes.len() > MAX_BODY {
        return Err(BodyError::TooLarge);
    }
    let mut d = Decoder::new(bytes);
    let length = d.array()?;
    // The version is looked at first: a newer body may well have other fields.
    let version = d.u8()?;
    if version > VERSION {
        return Err(BodyError::NewerVersion(version));
    }
    if version < VERSION {
        return Err(BodyError::Malformed);
    }
    if length == Some(fields) {
        Ok(d)
    } else {
        Err(BodyError::Malformed)
    }
}

fn write_intent(e: &mut Bytes, intent: &ClearIntent) -> Written {
    e.array(3)?
        .array(2)?
        .i64(intent.clock.millis)?
        .u32(intent.clock.counter)?;
    e.u64(write_source(intent.source))?
        .bytes(&intent.request)?
        .ok()
}

fn read_intent(d: &mut Decoder<'_>) -> Result<ClearIntent, BodyError> {
    if d.array()? != Some(3) || d.array()? != Some(2) {
        return Err(BodyError::Malformed);
    }
    let clock = Hlc {
        millis: d.i64()?,
        counter: d.u32()?,
    };
    let source = read_source(d.u64()?).ok_or(BodyError::Malformed)?;
    let request = d.bytes()?.try_into().map_err(|_| BodyError::Malformed)?;
    Ok(ClearIntent {
        clock,
        source,
        request,
    })
}

fn read_changes(d: &mut Decoder<'_>) -> Result<Vec<Vec<u8>>, BodyError> {
    let count = d.array()?.and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| (1..=MAX_CHANGES).contains(count));
    let count = count.ok_or(BodyError::ChangeCount)?;
    let mut changes = Vec::with_capacity(count);
    for _ in 0..count {
        if d.datatype()? != Type::Bytes {
            return Err(BodyError::Malformed);
        }
        changes.push(d.bytes()?.to_vec());
    }
    if d.position() == d.input().len() {
        Ok(changes)
    } else {
        Err(BodyError::Malformed)
    }
}
