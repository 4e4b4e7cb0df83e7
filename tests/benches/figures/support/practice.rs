//! A practice to measure with: staff, clients, and as many visits as wanted, one after the other.

use std::collections::VecDeque;

use client_core::{
    catalogue::{Answer, Booking, ClientId, Command, NewClient, NewStaff, Query, StaffRole},
    home::Home,
};
use conflict_rules::{LocationId, ResourceId};
use jiff::{
    ToSpan as _,
    civil::{Date, DateTime},
    tz::TimeZone,
};

pub(crate) const ZONE: &str = "Europe/London";

/// Sites, people and clients by their ids, and the slots not booked yet.
pub(crate) struct Trade {
    pub(crate) location: LocationId,
    pub(crate) staff: Vec<ResourceId>,
    pub(crate) clients: Vec<ClientId>,
    slots: VecDeque<(DateTime, ResourceId)>,
}

fn made(home: &Home, command: Command) -> String {
    home.execute(command).unwrap().id
}

pub(crate) fn today() -> Date {
    jiff::Timestamp::now()
        .to_zoned(TimeZone::get(ZONE).unwrap())
        .date()
}

/// A name that is not like the others: two words made from a number.
pub(crate) fn name(number: usize) -> String {
    const FIRST: [&str; 24] = [
        "Ada", "Bela", "Cora", "Dina", "Edda", "Finn", "Gita", "Hugo", "Inga", "Jon", "Kaya",
        "Leo", "Mara", "Nils", "Ola", "Pia", "Quin", "Rosa", "Sven", "Tara", "Uma", "Vera", "Wim",
        "Yara",
    ];
    const SYLLABLES: [&str; 16] = [
        "bar", "ten", "lo", "ward", "mi", "ner", "sol", "dan", "ke", "ri", "stow", "fen", "gra",
        "hol", "pen", "wick",
    ];
    let mixed = number.wrapping_mul(0x9E37_79B1) >> 4;
    let syllable = |shift: usize| SYLLABLES[(mixed >> shift) % SYLLABLES.len()];
    let last = [syllable(0), syllable(4), syllable(8), syllable(12)].concat();
    let mut letters = last.chars();
    let first = letters.next().unwrap().to_uppercase();
    let rest = letters.as_str();
    format!("{} {first}{rest}", FIRST[number % FIRST.len()])
}

impl Trade {
    /// Puts staff and clients in.
    pub(crate) fn begin(home: &Home, staff: usize, clients: usize) -> Self {
        let Answer::Practice(practice) = home.query(Query::Practice).unwrap() else {
            panic!("a practice")
        };
        let location = practice.locations[0].id;
        let hire = |number: usize| NewStaff {
            name: format!("Vet {number}"),
            role: StaffRole::Vet,
            locations: vec![location],
            colour: None,
        };
        let staff = (0..staff)
            .map(|number| made(home, Command::AddStaff(hire(number))))
            .map(|id| id.parse().unwrap())
            .collect();
        let mut trade = Self {
            location,
            staff,
            clients: Vec::new(),
            slots: VecDeque::new(),
        };
        trade.meet(home, clients);
        trade
    }

    /// Takes more clients in.
    pub(crate) fn meet(&mut self, home: &Home, clients: usize) {
        for number in self.clients.len()..self.clients.len() + clients {
            let new = NewClient {
                name: name(number),
                phones: vec![format!(
                    "07{:09}",
                    number.wrapping_mul(7_919_993) % 1_000_000_000
                )],
                email: None,
                note: None,
            };
            let id = made(home, Command::AddClient(new));
            self.clients.push(id.parse().unwrap());
        }
    }

    /// The days to book, six a week, from the Monday so many weeks before today's.
    pub(crate) fn open_weeks(&mut self, before: i64, weeks: i64) {
        let monday = today() - i64::from(today().weekday().to_monday_zero_offset()).days();
        for week in -before..weeks - before {
            for day in 0..6 {
                let date = monday + (week * 7 + day).days();
                for half in 0..20_i64 {
                    let start = date.at(8, 0, 0, 0) + (half * 30).minutes();
                    let free = self.staff.iter().map(|staff| (start, *staff));
                    self.slots.extend(free);
                }
            }
        }
    }

    /// The next booking.
    pub(crate) fn next(&mut self) -> Booking {
        let (start, staff) = self.slots.pop_front().expect("a slot that is left");
        let client =
            (!self.clients.is_empty()).then(|| self.clients[self.slots.len() % self.clients.len()]);
        self.at(start, staff, client)
    }

    pub(crate) fn at(
        &self,
        start: DateTime,
        staff: ResourceId,
        client: Option<ClientId>,
    ) -> Booking {
        Booking {
            location: self.location,
            start,
            staff,
            room: None,
            service: None,
            minutes: Some(30),
            client,
            pets: Vec::new(),
            note: None,
            double_book: None,
            despite_warnings: true,
        }
    }

    pub(crate) fn book(&mut self, home: &Home) {
        let booking = self.next();
        made(home, Command::Book(booking));
    }
}
