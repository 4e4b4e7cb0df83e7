//! What an appointment occupies and when: one atomic value.
//!
//! Instants are the truth for clashes; the civil start with its zone is what the client was told.
//! A changed zone rule makes a review, never a silent shift, so the tzdata version is kept too.
//!
//! Start with [`Placement::new`]; [`crate::place`] builds one from a service and a wall-clock time.
//! Its CBOR ([`Placement::to_bytes`]) is deterministic, and only that one encoding is read back, so
//! that equal placements have equal hashes.

use std::sync::OnceLock;

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{TimeZone, TimeZoneDatabase},
};
use minicbor::{Decoder, Encoder};
use serde::{Deserialize, Serialize};

use crate::{ids::ResourceId, time::TimeRange};

/// The version of the encoding, its first element.
const VERSION: u8 = 1;
/// Longest IANA zone name accepted.
const MAX_ZONE: usize = 64;
/// Longest encoding accepted; the largest valid placement has less than half of it.
const MAX_BYTES: usize = 4096;

/// Most occupancies one placement may have.
pub const MAX_OCCUPANCIES: usize = 32;
/// The longest placement, from first to last instant, in seconds: 31 days (boarding).
pub const MAX_SECONDS: i64 = 31 * 24 * 3600;

/// Why a resource is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OccupancyKind {
    /// The service itself.
    Work,
    /// Cleaning, preparation, travel.
    Buffer,
}

/// One resource, taken for a range of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Occupancy {
    /// What is taken.
    pub resource: ResourceId,
    /// When. Time that a treatment leaves free (a colour that sets) is simply not listed.
    pub range: TimeRange,
    /// How many units of its capacity, at least 1.
    pub units: u16,
    /// Why.
    pub kind: OccupancyKind,
}

/// What an appointment occupies and when. A value that exists is valid: at least one occupancy,
/// sorted, none empty, within [`MAX_OCCUPANCIES`] and [`MAX_SECONDS`], a zone and a tzdata version
/// that name something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawPlacement", into = "RawPlacement")]
pub struct Placement {
    occupancies: Vec<Occupancy>,
    civil_start: DateTime,
    zone: String,
    tzdata: String,
}

/// BLAKE3 of a placement's CBOR: what decisions and confirmations bind to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlacementHash(pub [u8; 32]);

/// Why a placement cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// Nothing is occupied.
    #[error("an appointment occupies at least one resource")]
    NothingOccupied,
    /// More than [`MAX_OCCUPANCIES`].
    #[error("an appointment occupies at most {MAX_OCCUPANCIES} resources")]
    TooManyOccupancies,
    /// Zero units.
    #[error("an occupancy takes at least one unit")]
    ZeroUnits,
    /// Longer than [`MAX_SECONDS`].
    #[error("an appointment lasts at most 31 days")]
    TooLong,
    /// Not an IANA zone of the bundled tzdata.
    #[error("unknown time zone")]
    UnknownZone,
    /// The civil start has a fraction of a second or lies outside the years that instants cover.
    #[error("the civil start is not a whole second of a year that can be used")]
    BadCivilStart,
    /// Not of the form 2026a.
    #[error("not a tzdata version")]
    BadTzdata,
    /// The bytes are no placement of a known version.
    #[error("not a placement this program can read")]
    Malformed,
    /// Written by a newer program.
    #[error("placement version {0} is newer than this program")]
    NewerVersion(u8),
}

/// The fields of a placement as JSON carries them, before they are checked.
#[derive(Serialize, Deserialize)]
struct RawPlacement {
    occupancies: Vec<Occupancy>,
    civil_start: DateTime,
    zone: String,
    tzdata: String,
}

impl TryFrom<RawPlacement> for Placement {
    type Error = PlacementError;
    fn try_from(raw: RawPlacement) -> Result<Self, PlacementError> {
        Self::checked(raw.occupancies, raw.civil_start, raw.zone, raw.tzdata)
    }
}

impl From<Placement> for RawPlacement {
    fn from(placement: Placement) -> Self {
        let Placement {
            occupancies,
            civil_start,
            zone,
            tzdata,
        } = placement;
        Self {
            occupancies,
            civil_start,
            zone,
            tzdata,
        }
    }
}

impl Placement {
    /// A new placement, sorted; an occupancy listed twice counts once (`units` says "two of them").
    /// The zone must be one that this program's tzdata knows.
    pub fn new(
        occupancies: Vec<Occupancy>,
        civil_start: DateTime,
        zone: &str,
        tzdata: &str,
    ) -> Result<Self, PlacementError> {
        let known = time_zone(zone).ok_or(PlacementError::UnknownZone)?;
        if known.iana_name() != Some(zone) {
            return Err(PlacementError::UnknownZone);
        }
        Self::checked(occupancies, civil_start, zone.to_owned(), tzdata.to_owned())
    }

    /// Everything but the zone's existence: a newer program may know a zone that this one does
    /// not, and its visits occupy all the same, since instants are the truth.
    fn checked(
        mut occupancies: Vec<Occupancy>,
        civil_start: DateTime,
        zone: String,
        tzdata: String,
    ) -> Result<Self, PlacementError> {
        occupancies.sort_unstable();
        occupancies.dedup();
        if occupancies.len() > MAX_OCCUPANCIES {
            return Err(PlacementError::TooManyOccupancies);
        }
        if occupancies.iter().any(|occupancy| occupancy.units == 0) {
            return Err(PlacementError::ZeroUnits);
        }
        if span_of(&occupancies)
            .ok_or(PlacementError::NothingOccupied)?
            .seconds()
            > MAX_SECONDS
        {
            return Err(PlacementError::TooLong);
        }
        if civil_start.subsec_nanosecond() != 0 || civil_seconds(civil_start).is_none() {
            return Err(PlacementError::BadCivilStart);
        }
        if !is_zone_name(&zone) {
            return Err(PlacementError::UnknownZone);
        }
        if !is_tzdata_version(&tzdata) {
            return Err(PlacementError::BadTzdata);
        }
        Ok(Self {
            occupancies,
            civil_start,
            zone,
            tzdata,
        })
    }

    /// What it takes, sorted by resource and time.
    pub fn occupancies(&self) -> &[Occupancy] {
        &self.occupancies
    }

    /// From the first instant it takes anything to the last.
    pub fn span(&self) -> TimeRange {
        // A placement has at least one occupancy; the default is never met.
        span_of(&self.occupancies).unwrap_or(TimeRange::EPOCH_SECOND)
    }

    /// The wall-clock time the client was told.
    pub const fn civil_start(&self) -> DateTime {
        self.civil_start
    }

    /// The IANA zone of that wall clock.
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// The tzdata version by which civil time became instants.
    pub fn tzdata(&self) -> &str {
        &self.tzdata
    }

    /// When the service itself begins: the first instant of work, without preparation.
    pub fn work_start(&self) -> Option<Timestamp> {
        self.occupancies
            .iter()
            .filter(|occupancy| occupancy.kind == OccupancyKind::Work)
            .map(|occupancy| occupancy.range.start())
            .min()
    }

    /// Where the wall-clock start lies by the zone rules this program knows, if that is no longer
    /// where the work begins. In a repeated hour either instant agrees; a skipped one moves to the
    /// end of the gap's hour as clocks do. `None` also when the zone is unknown or nothing is work.
    pub fn shifted_by_zone_rules(&self) -> Option<Timestamp> {
        let booked = self.work_start()?;
        let ambiguous = time_zone(&self.zone)?.to_ambiguous_timestamp(self.civil_start);
        let now = ambiguous.compatible().ok()?;
        let agrees = now == booked
            || ambiguous
                .later()
                .is_ok_and(|later| later == booked && ambiguous.is_ambiguous());
        (!agrees).then_some(now)
    }

    /// The one encoding of this placement: a CBOR array of version, occupancies, civil start in
    /// seconds since 1970-01-01T00:00 of the same wall clock, zone and tzdata version.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64 + 40 * self.occupancies.len());
        // Writing to a vector cannot fail.
        let _ = self.encode_into(&mut Encoder::new(&mut bytes));
        bytes
    }

    fn encode_into<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(5)?
            .u8(VERSION)?
            .array(self.occupancies.len() as u64)?;
        for occupancy in &self.occupancies {
            e.array(4)?
                .encode(occupancy.resource)?
                .encode(occupancy.range)?;
            e.u16(occupancy.units)?.u8(occupancy.kind.code())?;
        }
        e.i64(civil_seconds(self.civil_start).unwrap_or_default())?;
        e.str(&self.zone)?.str(&self.tzdata)?;
        Ok(())
    }

    /// Reads what [`Placement::to_bytes`] wrote; any other spelling of it is refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PlacementError> {
        if bytes.len() > MAX_BYTES {
            return Err(PlacementError::Malformed);
        }
        let mut d = Decoder::new(bytes);
        let malformed = |_| PlacementError::Malformed;
        if d.array().map_err(malformed)? != Some(5) {
            return Err(PlacementError::Malformed);
        }
        let version = d.u8().map_err(malformed)?;
        if version > VERSION {
            return Err(PlacementError::NewerVersion(version));
        }
        if version < VERSION {
            return Err(PlacementError::Malformed);
        }
        let count = d
            .array()
            .map_err(malformed)?
            .ok_or(PlacementError::Malformed)?;
        if count > MAX_OCCUPANCIES as u64 {
            return Err(PlacementError::TooManyOccupancies);
        }
        let occupancies = (0..count)
            .map(|_| decode_occupancy(&mut d))
            .collect::<Result<Vec<_>, _>>()
            .map_err(malformed)?;
        let civil = d.i64().map_err(malformed)?;
        let civil_start = Timestamp::from_second(civil)
            .map(|instant| TimeZone::UTC.to_datetime(instant))
            .map_err(|_| PlacementError::BadCivilStart)?;
        let zone = d.str().map_err(malformed)?.to_owned();
        let tzdata = d.str().map_err(malformed)?.to_owned();
        let placement = Self::checked(occupancies, civil_start, zone, tzdata)?;
        if placement.to_bytes() != bytes {
            return Err(PlacementError::Malformed);
        }
        Ok(placement)
    }

    /// BLAKE3 of [`Placement::to_bytes`].
    pub fn hash(&self) -> PlacementHash {
        PlacementHash(*blake3::hash(&self.to_bytes()).as_bytes())
    }
}

impl OccupancyKind {
    const fn code(self) -> u8 {
        match self {
            Self::Work => 0,
            Self::Buffer => 1,
        }
    }
}

fn decode_occupancy(d: &mut Decoder<'_>) -> Result<Occupancy, minicbor::decode::Error> {
    use minicbor::decode::Error;
    if d.array()? != Some(4) {
        return Err(Error::message("an occupancy has four elements"));
    }
    Ok(Occupancy {
        resource: d.decode()?,
        range: d.decode()?,
        units: d.u16()?,
        kind: match d.u8()? {
            0 => OccupancyKind::Work,
            1 => OccupancyKind::Buffer,
            _ => return Err(Error::message("an unknown kind of occupancy")),
        },
    })
}

fn span_of(occupancies: &[Occupancy]) -> Option<TimeRange> {
    let start = occupancies
        .iter()
        .map(|occupancy| occupancy.range.start())
        .min()?;
    let end = occupancies
        .iter()
        .map(|occupancy| occupancy.range.end())
        .max()?;
    TimeRange::new(start, end).ok()
}

/// Seconds on the wall clock since 1970-01-01T00:00 of the same clock.
fn civil_seconds(civil: DateTime) -> Option<i64> {
    TimeZone::UTC
        .to_timestamp(civil)
        .ok()
        .map(Timestamp::as_second)
}

/// A zone by its IANA name, from the tzdata that this program carries and never the machine's, so
/// that all replicas of one version agree.
pub fn time_zone(name: &str) -> Option<TimeZone> {
    static ZONES: OnceLock<TimeZoneDatabase> = OnceLock::new();
    ZONES.get_or_init(TimeZoneDatabase::bundled).get(name).ok()
}

fn is_zone_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_ZONE
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'+'))
}

/// Of the form 2026a: a year and one or two letters.
fn is_tzdata_version(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes.len(), 5 | 6)
        && bytes.iter().take(4).all(u8::is_ascii_digit)
        && bytes.iter().skip(4).all(u8::is_ascii_lowercase)
}

impl PlacementHash {
    /// Its 32 bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl core::fmt::Display for PlacementHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl core::fmt::Debug for PlacementHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

impl core::str::FromStr for PlacementHash {
    type Err = PlacementError;
    fn from_str(text: &str) -> Result<Self, PlacementError> {
        let digits: Vec<u8> = text
            .bytes()
            .map(|digit| match digit {
                b'0'..=b'9' => Ok(digit - b'0'),
                b'a'..=b'f' => Ok(digit - b'a' + 10),
                _ => Err(PlacementError::Malformed),
            })
            .collect::<Result<_, _>>()?;
        let pairs = digits.as_chunks::<2>();
        let bytes: Vec<u8> = pairs
            .0
            .iter()
            .map(|[high, low]| (high << 4) | low)
            .collect();
        match (<[u8; 32]>::try_from(bytes), pairs.1) {
            (Ok(bytes), []) => Ok(Self(bytes)),
            _ => Err(PlacementError::Malformed),
        }
    }
}

impl Serialize for PlacementHash {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PlacementHash {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// CBOR: 32 bytes.
impl<C> minicbor::Encode<C> for PlacementHash {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for PlacementHash {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        <[u8; 32]>::try_from(d.bytes()?)
            .map(Self)
            .map_err(|_| minicbor::decode::Error::message("a placement hash has 32 bytes"))
    }
}
