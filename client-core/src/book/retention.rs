//! When a client was last here, for the rules of how long records are kept.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{Book, trail::Topic};
use crate::{
    catalogue::{ClientId, VisitState},
    documents::Subject,
};

/// When a client was last here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Last {
    /// The day of the last visit, called off and missed ones apart; without any visit, of the last
    /// thing that was written about the client.
    pub day: Date,
    /// Whether it is a visit.
    pub visited: bool,
    /// How many visits are still to come.
    pub coming: u32,
}

impl Book {
    /// Every client in the book with all pets.
    pub fn households(&self) -> BTreeMap<ClientId, Vec<Subject>> {
        self.records.households()
    }

    /// The day at the practice's first site.
    pub fn today(&self, now: Timestamp) -> Date {
        let first = self.practice().locations.keys().next();
        let zone = first.and_then(|site| self.zone_of(*site));
        now.to_zoned(zone.unwrap_or(TimeZone::UTC)).date()
    }

    /// When a household was last here; nothing where not even a line of theirs is here.
    pub fn last_here(
        &self,
        client: ClientId,
        household: &[Subject],
        now: Timestamp,
    ) -> Option<Last> {
        let derived = self.derived();
        let today = self.today(now);
        let (mut last, mut coming) = (None, 0);
        for visit in self.visits_of(client) {
            let Some(visit) = self.past_visit(derived, visit) else {
                continue;
            };
            if matches!(visit.state, VisitState::Cancelled | VisitState::NoShow) {
                continue;
            }
            let day = visit.start.date();
            if day > today {
                coming += 1;
            } else {
                last = last.max(Some(day));
            }
        }
        let visited = last.is_some();
        let day = last.or_else(|| self.last_written_about(household))?;
        Some(Last {
            day,
            visited,
            coming,
        })
    }

    fn last_written_about(&self, household: &[Subject]) -> Option<Date> {
        let entries = household
            .iter()
            .flat_map(|subject| self.trail.entries(Topic::Subject(*subject)));
        let clocks = entries.filter_map(|hash| Some(self.entries.get(hash)?.clock.millis));
        let last = Timestamp::from_millisecond(clocks.max()?).ok()?;
        Some(last.to_zoned(TimeZone::UTC).date())
    }
}
