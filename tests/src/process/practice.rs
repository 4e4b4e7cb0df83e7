//! A practice with a relay and several desks that have joined.

use std::path::Path;

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde_json::Value;
use tempfile::TempDir;

use super::{Desk, Relay, id_of};

/// Its zone.
pub const ZONE: &str = "Europe/Lisbon";

/// A relay and desks.
#[derive(Debug)]
pub struct Practice {
    /// The relay.
    pub relay: Relay,
    /// The first one founded it.
    pub desks: Vec<Desk>,
    /// Everything lies in here. Last, so that processes end before their folders are removed.
    pub place: TempDir,
}

impl Practice {
    /// A practice with a site, a vet called Ann and hours around the clock, whose relay and desks
    /// are in step.
    #[track_caller]
    pub fn open(desks: usize) -> Self {
        Self::open_with(desks, |relay| relay.address.clone())
    }

    /// The same; `address` says where the desks find the relay.
    #[track_caller]
    pub fn open_with(desks: usize, address: impl FnOnce(&Relay) -> String) -> Self {
        let place = tempfile::tempdir().expect("a temporary folder");
        let relay = Relay::start(&place.path().join("relay"));
        let first = Desk::new(place.path(), "desk1");
        found(&first);
        let ticket = relay.ticket();
        first.does(&["relay", &address(&relay), "--ticket", &ticket]);
        let mut practice = Self {
            relay,
            desks: vec![first],
            place,
        };
        while practice.desks.len() < desks {
            practice.join("vet");
        }
        practice.meet();
        practice
    }

    /// Where files of the test may lie.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// One more desk.
    #[track_caller]
    pub fn join(&mut self, role: &str) -> Desk {
        let code = self.desks[0].does(&["invite", "--role", role]);
        let code = code["code"].as_str().expect("a code").to_owned();
        let name = format!("desk{}", self.desks.len() + 1);
        let desk = Desk::new(self.path(), &name);
        desk.does(&["join", &code]);
        desk.sync();
        self.desks.push(desk.clone());
        desk
    }

    /// All desks exchange until nobody has anything new: up, and down again.
    #[track_caller]
    pub fn meet(&self) -> Vec<Value> {
        for desk in &self.desks {
            desk.sync();
        }
        self.desks.iter().map(Desk::sync).collect()
    }

    /// All desks meet and show the same.
    #[track_caller]
    pub fn agrees(&self) -> Value {
        let states = self.meet();
        for state in &states {
            for hash in ["entries", "heads", "clashes", "rendering", "confirmed"] {
                assert_eq!(state[hash], states[0][hash], "{hash}: {states:#?}");
            }
            assert_eq!(state["outbox"], 0, "{state:#}");
            assert_eq!(
                state["alarms"].as_array().map(Vec::len),
                Some(0),
                "{state:#}"
            );
        }
        states[0].clone()
    }
}

/// Founds a practice with Ann, who works around the clock.
#[track_caller]
pub fn found(desk: &Desk) -> Value {
    let founded = desk.does(&[
        "found",
        "--practice",
        "Harbour Vets",
        "--location",
        "Harbour",
        "--zone",
        ZONE,
    ]);
    let all_day = "00:00-24:00";
    desk.does(&[
        "hours",
        "Harbour",
        "--weekdays",
        all_day,
        "--saturday",
        all_day,
        "--sunday",
        all_day,
    ]);
    id_of(&desk.does(&["staff", "add", "Ann", "--role", "vet"]));
    founded
}

/// Books Ann for half an hour from a full hour of [`monday`] on; gives the visit's id.
#[track_caller]
pub fn book_ann(desk: &Desk, hour: i8) -> String {
    book_ann_with(desk, hour, &[])
}

/// The same with more said of the visit: `["--client", "Rosa Lima"]`.
#[track_caller]
pub fn book_ann_with(desk: &Desk, hour: i8, more: &[&str]) -> String {
    let start = monday().at(hour, 0, 0, 0).to_string();
    id_of(&desk.does(&[&ann_at(&start), more].concat()))
}

/// The words that book Ann for half an hour.
pub const fn ann_at(start: &str) -> [&str; 7] {
    ann_for(start, "30")
}

/// The words that book Ann.
pub const fn ann_for<'a>(start: &'a str, minutes: &'a str) -> [&'a str; 7] {
    [
        "book",
        "--start",
        start,
        "--staff",
        "Ann",
        "--minutes",
        minutes,
    ]
}

/// The words that write a note on a pet's card.
pub const fn note_in<'a>(card: &'a str, pet: &'a str, text: &'a str) -> [&'a str; 7] {
    ["card", "add", "--pet", pet, "--in", card, text]
}

/// Today at the practice.
pub fn today() -> Date {
    #[allow(
        clippy::disallowed_methods,
        reason = "the programs that are tested read the clock too"
    )]
    let now = Timestamp::now();
    let zone = TimeZone::get(ZONE).expect("the zone is bundled");
    now.to_zoned(zone).date()
}

/// The Monday after the next one: not in the past, whatever the day is.
pub fn monday() -> Date {
    let week = today().checked_add(7.days()).expect("not the last of days");
    week.nth_weekday(1, Weekday::Monday)
        .expect("there is always a Monday")
}
