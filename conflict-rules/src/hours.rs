//! When a site is open, as instants.
//!
//! Hours are wall-clock times. A day is open at exactly those instants whose wall clock reads a
//! time within its hours, so that clock changes need no special case: what the clock skips is not
//! open, and what it shows twice is open twice.
//!
//! Start with [`open_ranges`] for a day and [`open_between`] for weeks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use crate::{clash::joined, time::TimeRange};

/// From and until; an end at or before the start is on the next day, so that 00:00 is midnight.
pub type Hours = (Time, Time);

/// The same every week.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WeeklyHours {
    /// Monday first. A stretch past midnight belongs to the day it begins on.
    pub days: [Vec<Hours>; 7],
}

/// Weekly hours and the days that differ.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OpeningHours {
    /// The ordinary week.
    pub weekly: WeeklyHours,
    /// Days without opening, whatever else is said about them.
    #[serde(default)]
    pub closed: BTreeSet<Date>,
    /// Days with other hours than their weekday's.
    #[serde(default)]
    pub special: BTreeMap<Date, Vec<Hours>>,
}

impl OpeningHours {
    /// The wall-clock hours of a day.
    pub fn of(&self, day: Date) -> &[Hours] {
        if self.closed.contains(&day) {
            return &[];
        }
        let weekday = day.weekday().to_monday_zero_offset().unsigned_abs();
        let weekly = self.weekly.days.get(usize::from(weekday));
        self.special.get(&day).or(weekly).map_or(&[], Vec::as_slice)
    }
}

/// When a day's hours are, sorted and apart.
///
/// ```
/// use conflict_rules::{OpeningHours, open_ranges, time_zone};
/// use jiff::civil::{date, time};
///
/// let mut hours = OpeningHours::default();
/// hours.weekly.days[6] = vec![(time(1, 0, 0, 0), time(4, 0, 0, 0))]; // a night clinic, Sundays
/// let paris = time_zone("Europe/Paris").unwrap();
/// let open_for = |day| open_ranges(&hours, &paris, day).iter().map(|r| r.seconds() / 3600).sum::<i64>();
/// assert_eq!(open_for(date(2026, 3, 22)), 3);
/// assert_eq!(open_for(date(2026, 3, 29)), 2); // 02:00 to 03:00 is skipped
/// assert_eq!(open_for(date(2026, 10, 25)), 4); // 02:00 to 03:00 comes twice
/// ```
pub fn open_ranges(hours: &OpeningHours, zone: &TimeZone, day: Date) -> Vec<TimeRange> {
    let stretches = hours.of(day).iter().filter_map(|(from, until)| {
        let last = if until > from {
            day
        } else {
            day.tomorrow().ok()?
        };
        Some((day.to_datetime(*from), last.to_datetime(*until)))
    });
    joined(
        stretches
            .flat_map(|(from, until)| instants_of(zone, from, until))
            .collect(),
    )
}

/// When the site is open from one day to another, both included; stretches that touch are one.
pub fn open_between(
    hours: &OpeningHours,
    zone: &TimeZone,
    first: Date,
    last: Date,
) -> Vec<TimeRange> {
    let days = first
        .series(jiff::Span::new().days(1))
        .take_while(|day| *day <= last);
    joined(days.flat_map(|day| open_ranges(hours, zone, day)).collect())
}

/// The instants at which the wall clock reads a time from `from` up to, not including, `until`.
fn instants_of(zone: &TimeZone, from: DateTime, until: DateTime) -> Vec<TimeRange> {
    // No offset differs from UTC by more than 26 hours: all instants in question lie in between.
    let margin = SignedDuration::from_hours(26);
    let as_utc = |civil: DateTime| TimeZone::UTC.to_timestamp(civil).ok();
    let bounds = as_utc(from).zip(as_utc(until)).and_then(|(from, until)| {
        Some((
            from.checked_sub(margin).ok()?,
            until.checked_add(margin).ok()?,
        ))
    });
    let Some((first, last)) = bounds else {
        return Vec::new();
    };
    let mut changes: Vec<Timestamp> = zone
        .following(first)
        .map(|transition| transition.timestamp())
        .take_while(|at| *at < last)
        .collect();
    changes.insert(0, first);
    let ends = changes.iter().skip(1).copied().chain([last]);
    changes
        .iter()
        .zip(ends)
        .filter_map(|(start, end)| {
            let offset = zone.to_offset(*start);
            let open = offset.to_timestamp(from).ok()?;
            let close = offset.to_timestamp(until).ok()?;
            TimeRange::new(open.max(*start), close.min(end)).ok()
        })
        .collect()
}
