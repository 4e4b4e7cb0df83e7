//! The demo practice: two sites, eight people of whom one works at both, rooms, services, 300
//! clients with 420 pets, and a week of visits, all from one seed.
//!
//! Everything is put in as a person would, command by command of the catalogue, through whatever
//! [`Ask`] is given. Start with [`fill`].

mod names;
mod week;

use serde_json::{Value, json};

use crate::day::Day;

/// Puts a command or a query of the catalogue to a replica.
pub(crate) trait Ask {
    /// The reply to a command; what was refused comes back as the refusal.
    fn execute(&mut self, command: Value) -> Result<Result<Value, Value>, String>;
    /// The answer to a query.
    fn query(&mut self, query: Value) -> Result<Value, String>;
}

/// What was put in, for the person who waits.
#[derive(Debug, Default)]
pub(crate) struct Filled {
    pub(crate) staff: usize,
    pub(crate) clients: usize,
    pub(crate) pets: usize,
    pub(crate) visits: usize,
}

const CLIENTS: usize = 300;
const PETS: usize = 420;

/// Numbers from a seed (`SplitMix64`).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.roll() % end).unwrap_or(0)
    }

    /// True in `percent` of all cases.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of a list; the first of an empty list's default.
    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> Result<&'a T, String> {
        list.get(self.below(list.len()))
            .ok_or_else(|| "nothing to pick from".to_owned())
    }
}

/// A resource that can be booked: who or what, and at which site.
#[derive(Debug, Clone)]
struct Person {
    id: String,
    vet: bool,
    sites: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Service {
    id: String,
    minutes: u32,
    for_vets: bool,
}

#[derive(Debug)]
struct Household {
    client: String,
    pets: Vec<String>,
}

/// What the week is made from.
#[derive(Debug)]
struct Practice {
    sites: Vec<String>,
    rooms: Vec<Vec<String>>,
    people: Vec<Person>,
    services: Vec<Service>,
    households: Vec<Household>,
}

/// Fills a practice that has only its first site.
pub(crate) fn fill(ask: &mut dyn Ask, seed: u64, today: Day) -> Result<Filled, String> {
    let dice = &mut Dice::new(seed);
    let mut practice = found(ask)?;
    practice.households = households(ask, dice)?;
    let visits = week::book(ask, dice, &practice, today)?;
    Ok(Filled {
        staff: practice.people.len(),
        clients: practice.households.len(),
        pets: practice
            .households
            .iter()
            .map(|house| house.pets.len())
            .sum(),
        visits,
    })
}

/// Gives the id of what a command made.
fn made(ask: &mut dyn Ask, command: Value) -> Result<String, String> {
    let kind = text(&command, "type").unwrap_or("?").to_owned();
    let reply = ask.execute(command)?.map_err(|refusal| {
        format!(
            "{kind} was refused: {}",
            text(&refusal, "message").unwrap_or("?")
        )
    })?;
    text(&reply, "id")
        .map(str::to_owned)
        .ok_or_else(|| format!("{kind} gave no id: {reply}"))
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// Monday to Friday from `from` to `until`, Saturday morning if `saturday`.
fn weekly(from: &str, until: &str, saturday: bool) -> Value {
    let day = json!([[from, until]]);
    let saturday = if saturday {
        json!([["09:00:00", "13:00:00"]])
    } else {
        json!([])
    };
    json!([day, day, day, day, day, saturday, []])
}

fn found(ask: &mut dyn Ask) -> Result<Practice, String> {
    let practice = ask.query(json!({"type": "practice"}))?;
    let first = practice
        .pointer("/locations/0")
        .ok_or("the practice has no site")?;
    let zone = text(first, "zone")
        .ok_or("the site has no zone")?
        .to_owned();
    let first = text(first, "id").ok_or("the site has no id")?.to_owned();
    let second = made(
        ask,
        json!({"type": "add_location", "name": "Mill Lane", "zone": zone}),
    )?;
    let sites = vec![first, second];
    for (site, until) in sites.iter().zip(["18:30:00", "17:30:00"]) {
        made(
            ask,
            json!({"type": "set_hours", "of": site, "weekly": weekly("08:30:00", until, true)}),
        )?;
    }

    let mut rooms = Vec::new();
    for (site, named) in sites.iter().zip(names::ROOMS) {
        let mut here = Vec::new();
        for (name, capacity) in named {
            here.push(made(
                ask,
                json!({"type": "add_room", "name": name, "location": site, "capacity": capacity}),
            )?);
        }
        rooms.push(here);
    }

    let mut people = Vec::new();
    for (colour, member) in names::STAFF.iter().enumerate() {
        let at: Vec<&String> = member
            .sites
            .iter()
            .filter_map(|site| sites.get(*site))
            .collect();
        let id = made(
            ask,
            json!({"type": "add_staff", "name": member.name, "role": member.role,
                   "locations": at, "colour": colour}),
        )?;
        for site in &at {
            made(
                ask,
                json!({"type": "set_hours", "of": id, "at": site,
                       "weekly": weekly(member.from, member.until, member.saturday)}),
            )?;
        }
        if member.role != "receptionist" {
            people.push(Person {
                id,
                vet: member.role == "vet",
                sites: member.sites.to_vec(),
            });
        }
    }

    let mut services = Vec::new();
    for service in names::SERVICES {
        let staff: Vec<&String> = people
            .iter()
            .filter(|p| p.vet == service.for_vets)
            .map(|p| &p.id)
            .collect();
        let parts: Vec<Value> = service
            .parts
            .iter()
            .map(|(offset, minutes, staff, room, buffer)| {
                json!({"offset_minutes": offset, "minutes": minutes, "staff": staff,
                       "room": room, "buffer": buffer})
            })
            .collect();
        let id = made(
            ask,
            json!({"type": "add_service", "name": service.name, "parts": parts, "staff": staff,
                   "price_minor": service.price, "currency": "GBP"}),
        )?;
        let minutes = service
            .parts
            .iter()
            .map(|(offset, length, ..)| offset + length)
            .max();
        services.push(Service {
            id,
            minutes: minutes.unwrap_or(15),
            for_vets: service.for_vets,
        });
    }
    Ok(Practice {
        sites,
        rooms,
        people,
        services,
        households: Vec::new(),
    })
}

fn households(ask: &mut dyn Ask, dice: &mut Dice) -> Result<Vec<Household>, String> {
    // Everybody has one pet; the dice say whose the others are.
    let mut pets_of = [1; CLIENTS];
    let mut more = PETS - CLIENTS;
    while more > 0 {
        if let Some(pets) = pets_of.get_mut(dice.below(CLIENTS))
            && *pets < 3
        {
            *pets += 1;
            more -= 1;
        }
    }
    let mut houses = Vec::new();
    for (number, pets) in pets_of.into_iter().enumerate() {
        let first = dice.pick(names::FIRST)?;
        let last = dice.pick(names::LAST)?;
        let mut phones = vec![format!("07700 900{number:03}")];
        if dice.chance(30) {
            phones.push(format!("01632 960{number:03}"));
        }
        let name = format!("{first} {last}");
        let client = made(
            ask,
            json!({"type": "add_client", "name": name, "phones": phones}),
        )?;
        let mut own = Vec::new();
        for _ in 0..pets {
            let (species, breeds) = dice.pick(names::SPECIES)?;
            let (breed, name) = (dice.pick(breeds)?, dice.pick(names::PETS)?);
            own.push(made(
                ask,
                json!({"type": "add_pet", "client": client, "name": name,
                       "species": species, "breed": breed}),
            )?);
        }
        houses.push(Household { client, pets: own });
    }
    Ok(houses)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts everything and counts it.
    #[derive(Default)]
    struct Yes {
        commands: Vec<Value>,
    }

    impl Ask for Yes {
        fn execute(&mut self, command: Value) -> Result<Result<Value, Value>, String> {
            self.commands.push(command);
            Ok(Ok(json!({"id": format!("id{}", self.commands.len())})))
        }

        fn query(&mut self, _: Value) -> Result<Value, String> {
            Ok(json!({"locations": [{"id": "site", "zone": "Europe/London"}]}))
        }
    }

    fn filled(seed: u64) -> (Filled, Vec<Value>) {
        let mut ask = Yes::default();
        let today = Day::from_days_since_1970(20_514);
        let filled = fill(&mut ask, seed, today).unwrap();
        (filled, ask.commands)
    }

    #[test]
    fn every_seed_gives_a_full_practice() {
        for seed in 0..50 {
            let (filled, _) = filled(seed);
            assert_eq!(
                (filled.clients, filled.pets),
                (CLIENTS, PETS),
                "seed {seed}"
            );
            assert!(filled.visits > 100, "seed {seed}: {} visits", filled.visits);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_practice_and_another_does_not() {
        assert_eq!(filled(7).1, filled(7).1);
        assert_ne!(filled(7).1, filled(8).1);
    }
}
