//! ISO weeks, and which weeks an appointment touches.
//!
//! A schedule document holds one week of one site. A week begins on Monday, and which week an
//! appointment belongs to is told by its civil start in the site's zone: a visit from Sunday 23:30
//! to Monday 00:30 has its home in the earlier week and touches the later one.
//!
//! Start with [`WeekKey`]; [`touched`] names the weeks that need a pointer.

use core::fmt;

use conflict_rules::{LocationId, Placement, TimeRange};
use jiff::{
    ToSpan as _,
    civil::{self, ISOWeekDate, Weekday},
    tz::TimeZone,
};

/// A Monday-based week of the ISO calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IsoWeek {
    year: i16,
    week: i8,
}

/// A week that the calendar does not have, or text that is no week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO week, like 2026-W10")]
pub struct NoSuchWeek;

/// The years a schedule may lie in: far enough for any clock fault, and safe for arithmetic.
const YEARS: core::ops::RangeInclusive<i16> = 1900..=9000;

impl IsoWeek {
    /// Week `week` of ISO year `year`.
    pub fn new(year: i16, week: i8) -> Result<Self, NoSuchWeek> {
        if !YEARS.contains(&year) {
            return Err(NoSuchWeek);
        }
        ISOWeekDate::new(year, week, Weekday::Monday).map_err(|_| NoSuchWeek)?;
        Ok(Self { year, week })
    }

    /// The week that `day` lies in; years outside 1900 to 9000 count as the nearest one inside.
    pub fn of(day: civil::Date) -> Self {
        let date = day.iso_week_date();
        if date.year() < *YEARS.start() {
            return Self {
                year: *YEARS.start(),
                week: 1,
            };
        }
        if date.year() > *YEARS.end() {
            return Self {
                year: *YEARS.end(),
                week: 52,
            };
        }
        Self {
            year: date.year(),
            week: date.week(),
        }
    }

    /// The ISO year, which near New Year is not always the calendar's.
    pub const fn year(self) -> i16 {
        self.year
    }

    /// 1 to 53.
    pub const fn week(self) -> i8 {
        self.week
    }

    /// Its Monday.
    pub fn monday(self) -> civil::Date {
        ISOWeekDate::new(self.year, self.week, Weekday::Monday)
            .map(ISOWeekDate::date)
            .unwrap_or_default()
    }

    /// Its seven days, Monday first.
    pub fn days(self) -> [civil::Date; 7] {
        let mut day = self.monday();
        core::array::from_fn(|_| {
            let this = day;
            day = day.tomorrow().unwrap_or(day);
            this
        })
    }

    /// The week after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self::of(self.monday().saturating_add(7.days()))
    }

    /// The week before it.
    #[must_use]
    pub fn prev(self) -> Self {
        Self::of(self.monday().saturating_sub(7.days()))
    }

    /// One number for it, as documents hold it: 2026-W10 is 202610.
    pub(crate) fn number(self) -> u64 {
        u64::from(self.year.unsigned_abs()) * 100 + u64::from(self.week.unsigned_abs())
    }

    pub(crate) fn from_number(number: u64) -> Result<Self, NoSuchWeek> {
        let year = i16::try_from(number / 100).map_err(|_| NoSuchWeek)?;
        let week = i8::try_from(number % 100).map_err(|_| NoSuchWeek)?;
        Self::new(year, week)
    }
}

impl fmt::Display for IsoWeek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-W{:02}", self.year, self.week)
    }
}

impl core::str::FromStr for IsoWeek {
    type Err = NoSuchWeek;
    fn from_str(text: &str) -> Result<Self, NoSuchWeek> {
        let (year, week) = text.split_once("-W").ok_or(NoSuchWeek)?;
        let digits = |part: &str, count| {
            part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(year, 4) || !digits(week, 2) {
            return Err(NoSuchWeek);
        }
        Self::new(
            year.parse().map_err(|_| NoSuchWeek)?,
            week.parse().map_err(|_| NoSuchWeek)?,
        )
    }
}

/// Names one schedule document: a week of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WeekKey {
    /// The site.
    pub location: LocationId,
    /// The week.
    pub week: IsoWeek,
}

impl WeekKey {
    /// Length of [`WeekKey::to_bytes`].
    pub const LENGTH: usize = 19;

    /// The site's 16 bytes, the year big-endian, the week.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let year = self.week.year.to_be_bytes();
        let parts = self
            .location
            .to_bytes()
            .into_iter()
            .chain(year)
            .chain([self.week.week.unsigned_abs()]);
        for (slot, byte) in bytes.iter_mut().zip(parts) {
            *slot = byte;
        }
        bytes
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NoSuchWeek> {
        let (location, rest) = bytes.split_first_chunk::<16>().ok_or(NoSuchWeek)?;
        let [high, low, week] = <[u8; 3]>::try_from(rest).map_err(|_| NoSuchWeek)?;
        let week = i8::try_from(week).map_err(|_| NoSuchWeek)?;
        Ok(Self {
            location: LocationId::from_bytes(*location),
            week: IsoWeek::new(i16::from_be_bytes([high, low]), week)?,
        })
    }

    /// The document's id, the same on every replica.
    pub fn document_id(self) -> [u8; 16] {
        document_id("daybook schedule week v1", &self.to_bytes())
    }
}

/// The id of the organisation's grid, the same on every replica.
pub fn grid_document_id(org: [u8; 16]) -> [u8; 16] {
    document_id("daybook grid v1", &org)
}

fn document_id(domain: &'static str, name: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key(domain);
    hasher.update(name);
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    id
}

/// The week that is home to a placement at a site in `zone`: the one its civil start lies in.
///
/// A placement made in another zone (a site whose zone was corrected) is looked at in the site's.
pub fn home_week(placement: &Placement, zone: &TimeZone) -> IsoWeek {
    let civil = placement.civil_start();
    if zone.iana_name() == Some(placement.zone()) {
        return IsoWeek::of(civil.date());
    }
    IsoWeek::of(zone.to_datetime(placement.span().start()).date())
}

/// The weeks other than `home` that a placement occupies anything in: each needs a pointer, so that
/// whoever loads that week loads `home` too.
pub fn touched(placement: &Placement, zone: &TimeZone, home: IsoWeek) -> Vec<IsoWeek> {
    let mut weeks = weeks_of(placement.span(), zone);
    weeks.retain(|week| *week != home);
    weeks
}

/// The weeks that a range of time lies in, ascending.
pub fn weeks_of(range: TimeRange, zone: &TimeZone) -> Vec<IsoWeek> {
    let first = IsoWeek::of(zone.to_datetime(range.start()).date());
    // The end is excluded: a visit that ends at midnight does not touch Monday.
    let last_second = range
        .end()
        .saturating_sub(1.second())
        .unwrap_or(range.end());
    let last = IsoWeek::of(zone.to_datetime(last_second).date());
    let mut weeks = vec![first];
    let mut week = first;
    // A placement lasts at most 31 days; the bound keeps any range finite.
    while week < last && weeks.len() < 8 {
        week = week.next();
        weeks.push(week);
    }
    weeks
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn new_year_belongs_to_the_week_of_its_thursday() {
        assert_eq!(IsoWeek::of(date(2027, 1, 1)).to_string(), "2026-W53");
        assert_eq!(IsoWeek::of(date(2024, 12, 30)).to_string(), "2025-W01");
        assert_eq!(IsoWeek::new(2025, 53), Err(NoSuchWeek));
        assert_eq!(
            "2026-W53".parse(),
            Ok(IsoWeek {
                year: 2026,
                week: 53
            })
        );
        for text in [
            "2026-W1", "2026-W54", "26-W10", "2026-10", "+026-W10", "", "2026-W-1",
        ] {
            assert_eq!(text.parse::<IsoWeek>(), Err(NoSuchWeek), "{text}");
        }
    }

    #[test]
    fn weeks_follow_each_other_without_gap() {
        let mut week = IsoWeek::of(date(1999, 12, 27));
        for _ in 0..3000 {
            let next = week.next();
            assert_eq!(next.prev(), week);
            assert_eq!(week.days()[6].tomorrow().unwrap(), next.days()[0]);
            assert_eq!(IsoWeek::from_number(week.number()), Ok(week));
            assert!(week < next);
            week = next;
        }
    }

    #[test]
    fn keys_round_trip_and_name_different_documents() {
        let key = WeekKey {
            location: LocationId::from_bytes([7; 16]),
            week: IsoWeek::new(2026, 10).unwrap(),
        };
        assert_eq!(WeekKey::from_bytes(&key.to_bytes()), Ok(key));
        let next = WeekKey {
            week: key.week.next(),
            ..key
        };
        assert_ne!(key.document_id(), next.document_id());
        assert_eq!(WeekKey::from_bytes(&[0; 18]), Err(NoSuchWeek));
        assert_eq!(WeekKey::from_bytes(&[255; 19]), Err(NoSuchWeek));
    }
}
