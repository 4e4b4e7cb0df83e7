//! Half-open ranges of instants.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A non-empty range of time, `start` included and `end` excluded, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "(Timestamp, Timestamp)", into = "(Timestamp, Timestamp)")]
pub struct TimeRange {
    start: Timestamp,
    end: Timestamp,
}

/// Why two instants are no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeRangeError {
    /// The end is not after the start.
    #[error("it ends at or before its start")]
    EndsBeforeStart,
    /// Instants are kept in whole seconds.
    #[error("its instants are not whole seconds")]
    FractionOfSecond,
}

impl TimeRange {
    pub(crate) const EPOCH_SECOND: Self = Self {
        start: Timestamp::UNIX_EPOCH,
        end: Timestamp::constant(1, 0),
    };

    /// Longer than any placement can reach.
    pub(crate) const ALWAYS: Option<Self> = Some(Self {
        start: Timestamp::constant(-377_705_023_201, 0),
        end: Timestamp::constant(253_402_207_200, 0),
    });

    /// The range from `start` up to, not including, `end`.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, TimeRangeError> {
        if start.subsec_nanosecond() != 0 || end.subsec_nanosecond() != 0 {
            return Err(TimeRangeError::FractionOfSecond);
        }
        if end <= start {
            return Err(TimeRangeError::EndsBeforeStart);
        }
        Ok(Self { start, end })
    }

    /// The first instant.
    pub const fn start(self) -> Timestamp {
        self.start
    }

    /// The instant after the last.
    pub const fn end(self) -> Timestamp {
        self.end
    }

    /// Whether both hold at some instant; ranges that only touch do not overlap.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// What both cover.
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end)).ok()
    }

    /// Whether `other` lies inside.
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether the instant lies inside.
    pub fn contains_instant(self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// Its length in seconds, always positive.
    pub fn seconds(self) -> i64 {
        self.end.as_second() - self.start.as_second()
    }
}

impl TryFrom<(Timestamp, Timestamp)> for TimeRange {
    type Error = TimeRangeError;
    fn try_from((start, end): (Timestamp, Timestamp)) -> Result<Self, TimeRangeError> {
        Self::new(start, end)
    }
}

impl From<TimeRange> for (Timestamp, Timestamp) {
    fn from(range: TimeRange) -> Self {
        (range.start, range.end)
    }
}

/// CBOR: an array of two integers, seconds since 1970-01-01T00:00:00Z.
impl<C> minicbor::Encode<C> for TimeRange {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(2)?
            .i64(self.start.as_second())?
            .i64(self.end.as_second())?
            .ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for TimeRange {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        if d.array()? != Some(2) {
            return Err(minicbor::decode::Error::message(
                "a time range has two instants",
            ));
        }
        let mut instant = || {
            Timestamp::from_second(d.i64()?)
                .map_err(|_| minicbor::decode::Error::message("an instant out of range"))
        };
        let (start, end) = (instant()?, instant()?);
        Self::new(start, end).map_err(|_| minicbor::decode::Error::message("an empty time range"))
    }
}
