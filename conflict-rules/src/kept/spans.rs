//! Claims by the time they take.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{ids::AppointmentId, placement::MAX_SECONDS, time::TimeRange};

/// What lasts longer is kept apart, so that looking for what runs now need not look weeks back for
/// every visit of half an hour.
const SHORT: i64 = 24 * 3600;

type ByStart<T> = BTreeMap<(TimeRange, AppointmentId), T>;

/// Ranges of claims, by start, each with something said about it.
#[derive(Debug, Clone)]
pub(super) struct Spans<T> {
    short: ByStart<T>,
    long: ByStart<T>,
}

impl<T> Default for Spans<T> {
    fn default() -> Self {
        Self {
            short: ByStart::new(),
            long: ByStart::new(),
        }
    }
}

impl<T> Spans<T> {
    fn side(&mut self, range: TimeRange) -> &mut ByStart<T> {
        if range.seconds() > SHORT {
            &mut self.long
        } else {
            &mut self.short
        }
    }

    pub(super) fn entry(
        &mut self,
        range: TimeRange,
        claim: AppointmentId,
    ) -> std::collections::btree_map::Entry<'_, (TimeRange, AppointmentId), T> {
        self.side(range).entry((range, claim))
    }

    pub(super) fn remove(&mut self, range: TimeRange, claim: AppointmentId) {
        self.side(range).remove(&(range, claim));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.short.is_empty() && self.long.is_empty()
    }

    /// Whatever holds at some instant of a range; first the short ones, by start.
    pub(super) fn overlapping(
        &self,
        range: TimeRange,
    ) -> impl Iterator<Item = (TimeRange, AppointmentId, &T)> {
        let short = since(&self.short, range, SHORT);
        short.chain(since(&self.long, range, MAX_SECONDS))
    }

    /// All there are.
    pub(super) fn all(&self) -> impl Iterator<Item = (TimeRange, AppointmentId, &T)> {
        let all = self.short.iter().chain(&self.long);
        all.map(|((range, claim), said)| (*range, *claim, said))
    }
}

/// What overlaps a range among what lasts so many seconds at most.
fn since<T>(
    sorted: &ByStart<T>,
    range: TimeRange,
    longest: i64,
) -> impl Iterator<Item = (TimeRange, AppointmentId, &T)> {
    let longest = SignedDuration::from_secs(longest);
    let earliest = range.start().checked_sub(longest);
    // A second is the shortest range there is.
    let from = earliest.and_then(|start| Ok((start, start.checked_add(SECOND)?)));
    let from = from
        .ok()
        .and_then(|(start, end)| TimeRange::new(start, end).ok());
    let from = from.or(TimeRange::ALWAYS).unwrap_or(range);
    sorted
        .range((from, AppointmentId::from_bytes([0; 16]))..)
        .take_while(move |((taken, _), _)| taken.start() < range.end())
        .filter(move |((taken, _), _)| taken.overlaps(range))
        .map(|((taken, claim), said)| (*taken, *claim, said))
}

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// From the earlier start to the later end.
pub(super) fn hull(a: TimeRange, b: TimeRange) -> TimeRange {
    let (start, end): (Timestamp, Timestamp) = (a.start().min(b.start()), a.end().max(b.end()));
    TimeRange::new(start, end).unwrap_or(a)
}

/// Whether they overlap or touch.
pub(super) fn near(a: TimeRange, b: TimeRange) -> bool {
    a.start() <= b.end() && b.start() <= a.end()
}
