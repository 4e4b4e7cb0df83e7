//! For how long a device opens everything without the relay's word.
//!
//! A stolen or forgotten computer learns of no removal and no erasure. So a device of a practice with
//! a relay that has not heard from it for the days of the lease opens only the schedule and the day
//! sheet; the relay's next signed word opens everything again. The program enforces it, here alone:
//! the keys stay where they were, and who changes the program is not stopped by it.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Desk, Home, moment};
use crate::{
    catalogue::{
        Answer, Command, ErrorCode, HomeRequest, LeasePhase, LeaseView, Query, Refusal, VisitView,
    },
    documents::{LEASE_DAYS, USUAL_LEASE},
    store::LocalStore as _,
};

const WARN: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Names are on the day sheets of yesterday and a week ahead.
const SHEETS: (i64, i64) = (-1, 7);

/// The relay's time at its last signed word.
const HEARD: &[u8] = b"relay heard at";
/// The latest time that was ever seen here.
const LATEST: &[u8] = b"latest time";
/// The clock is written down so often.
const STEP: SignedDuration = SignedDuration::from_mins(10);

/// How a lease stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// There is no relay, or none was ever heard: nothing to wait for.
    Free,
    /// Until then.
    Holds(Timestamp),
    /// The same, and it is time to say so.
    Ends(Timestamp),
    /// Since then.
    Over(Timestamp),
}

/// How a lease of so many days stands. `now` is the latest time that is known, whatever the clock
/// says.
pub fn lease(now: Timestamp, heard: Option<Timestamp>, days: u16) -> Lease {
    let Some(heard) = heard else {
        return Lease::Free;
    };
    let length = SignedDuration::from_hours(24 * i64::from(days));
    let until = heard.checked_add(length).unwrap_or(Timestamp::MAX);
    if now >= until {
        Lease::Over(until)
    } else if now.duration_until(until) <= WARN.min(length / 2) {
        Lease::Ends(until)
    } else {
        Lease::Holds(until)
    }
}

fn days_of(desk: &Desk) -> u16 {
    let said = desk.replica.book().practice().lease_days;
    said.filter(|days| LEASE_DAYS.contains(days))
        .unwrap_or(USUAL_LEASE)
}

/// The latest time that is known: a clock that was set back does not prolong anything.
fn latest(desk: &Desk, now: Timestamp) -> Timestamp {
    let told = desk.replica.ledger().head_at();
    let told = told.and_then(|at| Timestamp::from_second(at).ok());
    let seen = [
        moment(&desk.settings, LATEST),
        moment(&desk.settings, HEARD),
        told,
    ];
    let now = desk.replica.clock.corrected(now);
    seen.into_iter().flatten().fold(now, Timestamp::max)
}

pub(super) fn lease_of(desk: &Desk, now: Timestamp) -> Lease {
    if !desk.has_relay() {
        return Lease::Free;
    }
    let told = desk.replica.ledger().head_at();
    let told = told.and_then(|at| Timestamp::from_second(at).ok());
    let heard = moment(&desk.settings, HEARD).max(told);
    lease(latest(desk, now), heard, days_of(desk))
}

pub(super) fn view_of(desk: &Desk, now: Timestamp) -> Option<LeaseView> {
    let (phase, until) = match lease_of(desk, now) {
        Lease::Free => return None,
        Lease::Holds(until) => (LeasePhase::Holds, until),
        Lease::Ends(until) => (LeasePhase::Ends, until),
        Lease::Over(until) => (LeasePhase::Over, until),
    };
    Some(LeaseView {
        days: days_of(desk),
        phase,
        until,
    })
}

/// Writes down what the relay's signed word said, and how late it has become. What cannot be written
/// is written the next time. Whether that opened what was closed.
pub(super) fn note(desk: &mut Desk, now: Timestamp) -> bool {
    if let Some(heard) = desk.replica.take_heard() {
        let closed = matches!(lease_of(desk, now), Lease::Over(_));
        let before = moment(&desk.settings, HEARD);
        let fresh = before.is_none_or(|before| heard.duration_since(before).abs() >= STEP);
        let astray = moment(&desk.settings, LATEST).is_some_and(|latest| latest > heard);
        if fresh || astray {
            let seconds = heard.as_second().to_be_bytes();
            // The relay's time also ends what a clock that ran ahead had left behind.
            let _ = desk
                .settings
                .put(&[(HEARD, Some(&seconds)), (LATEST, Some(&seconds))]);
        }
        return closed && !matches!(lease_of(desk, heard), Lease::Over(_));
    }
    let now = desk.replica.clock.corrected(now);
    let seen = moment(&desk.settings, LATEST);
    if seen.is_none_or(|seen| now.duration_since(seen) >= STEP) {
        let seconds = now.as_second().to_be_bytes();
        let _ = desk.settings.put(&[(LATEST, Some(&seconds))]);
    }
    false
}

fn over(until: Timestamp) -> Refusal {
    let day = until.to_zoned(TimeZone::UTC).date();
    Refusal::new(
        ErrorCode::LeaseOver,
        format!(
            "This computer has not heard from the relay for so long that records are closed here \
             since {day}."
        ),
        "Connect it to the relay: everything opens again by itself. The schedule works meanwhile.",
    )
}

impl Home {
    /// Whether a question may be asked now.
    pub(super) fn may_ask(&self, desk: &Desk, query: &Query) -> Result<(), Refusal> {
        let Lease::Over(until) = lease_of(desk, self.now()) else {
            return Ok(());
        };
        match query {
            Query::Practice
            | Query::Day { .. }
            | Query::Visit { .. }
            | Query::Free(_)
            | Query::Clashes
            | Query::State
            | Query::People
            | Query::Check(_) => Ok(()),
            Query::Search { .. }
            | Query::Client { .. }
            | Query::Cards { .. }
            | Query::Clients { .. }
            | Query::Reviews
            | Query::Retention
            | Query::Audit(_)
            | Query::Erasures => Err(over(until)),
        }
    }

    /// Whether a command may be given now.
    pub(super) fn may_do(&self, desk: &Desk, command: &Command) -> Result<(), Refusal> {
        let Lease::Over(until) = lease_of(desk, self.now()) else {
            return Ok(());
        };
        match command {
            Command::Book(_)
            | Command::Block(_)
            | Command::Move(_)
            | Command::Cancel(_)
            | Command::SetState(_)
            | Command::Undo(_) => Ok(()),
            Command::AddLocation(_)
            | Command::AddStaff(_)
            | Command::AddRoom(_)
            | Command::AddService(_)
            | Command::SetHours(_)
            | Command::SetLease { .. }
            | Command::EditEntry(_)
            | Command::AddClient(_)
            | Command::EditClient(_)
            | Command::HoldClient(_)
            | Command::RestrictClient(_)
            | Command::SetRetention(_)
            | Command::AddPet(_)
            | Command::EditPet(_)
            | Command::AddCardNote(_)
            | Command::WithdrawCardNote(_)
            | Command::EditVisit(_)
            | Command::Decide(_)
            | Command::TakeBackFrom(_) => Err(over(until)),
        }
    }

    /// Whether a wish about the home may be granted now.
    pub(super) fn may_wish(&self, request: &HomeRequest) -> Result<(), Refusal> {
        if !matches!(request, HomeRequest::ExportClient { .. }) {
            return Ok(());
        }
        match self
            .shared
            .lock()
            .as_ref()
            .map(|desk| lease_of(desk, self.now()))
        {
            Some(Lease::Over(until)) => Err(over(until)),
            _ => Ok(()),
        }
    }

    /// Takes from an answer what a day sheet does not need.
    pub(super) fn only_the_sheet(&self, desk: &Desk, answer: &mut Answer) {
        let now = self.now();
        if !matches!(lease_of(desk, now), Lease::Over(_)) {
            return;
        }
        let now = latest(desk, now);
        match answer {
            Answer::Day(day) => {
                let today =
                    conflict_rules::time_zone(&day.zone).map(|zone| now.to_zoned(zone).date());
                let days = today.and_then(|today| day.date.since(today).ok());
                let days = days.map(|span| i64::from(span.get_days()));
                let named = days.is_some_and(|days| (SHEETS.0..=SHEETS.1).contains(&days));
                day.visits.iter_mut().for_each(|visit| strip(visit, named));
            }
            Answer::Visit(details) => {
                let since = details.visit.starts.duration_since(now).as_hours();
                let named = (24 * SHEETS.0..=24 * SHEETS.1).contains(&since);
                strip(&mut details.visit, named);
            }
            _ => {}
        }
    }
}

/// Who comes for what and what to be careful about, where it is on a sheet; telephone, notes and
/// numbers are nowhere.
fn strip(visit: &mut VisitView, named: bool) {
    if !named {
        visit.details = None;
    }
    if let Some(text) = &mut visit.details {
        text.phone = None;
        text.note = None;
        text.reasons.clear();
        for pet in &mut text.pets {
            pet.microchip.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_second(86_400 * number).unwrap()
    }

    #[test]
    fn a_lease_holds_warns_and_ends() {
        assert_eq!(lease(day(500), None, 90), Lease::Free);
        assert_eq!(lease(day(100), Some(day(100)), 90), Lease::Holds(day(190)));
        assert_eq!(lease(day(175), Some(day(100)), 90), Lease::Holds(day(190)));
        assert_eq!(lease(day(176), Some(day(100)), 90), Lease::Ends(day(190)));
        let second = Timestamp::from_second(86_400 * 190 - 1).unwrap();
        assert_eq!(lease(second, Some(day(100)), 90), Lease::Ends(day(190)));
        assert_eq!(lease(day(190), Some(day(100)), 90), Lease::Over(day(190)));
        // A short lease warns for its second half.
        assert_eq!(lease(day(102), Some(day(100)), 7), Lease::Holds(day(107)));
        assert_eq!(lease(day(104), Some(day(100)), 7), Lease::Ends(day(107)));
        let never = lease(day(5), Some(Timestamp::MAX), 365);
        assert_eq!(never, Lease::Holds(Timestamp::MAX));
    }
}
