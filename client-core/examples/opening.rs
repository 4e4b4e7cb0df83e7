//! How long it takes to open a home, by stage. Founds a practice, fills it through the commands a
//! desk gives, closes it, and opens it again. A folder that was filled before is only opened.
//!
//! ```text
//! cargo run --release -p client-core --example opening -- demo FOLDER
//! cargo run --release -p client-core --example opening -- year FOLDER
//! cargo run --release -p client-core --example opening -- desk FOLDER
//! cargo run --release -p client-core --example opening -- records FOLDER
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::cast_sign_loss,
    clippy::string_slice,
    missing_docs,
    reason = "a measurement stops at the first surprise and says what it saw"
)]

use std::{path::PathBuf, time::Instant};

use client_core::{
    book::Book,
    catalogue::{
        Answer, Booking, ClientId, Command, NewClient, NewPet, NewStaff, PetId, Query, StaffRole,
    },
    ledger::{Arrival, Ledger},
    replica::{Founding, Replica},
    sealing::{HomeSecrets, RootSecret},
};
use conflict_rules::{LocationId, ResourceId};
use entry_log::{DirStorage, Index, Log, MemoryStorage, Options, Storage};
use jiff::{Timestamp, ToSpan as _, civil::Date};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use sync_protocol::IncarnationId;

struct Size {
    clients: usize,
    pets: usize,
    weeks: i32,
    visits_a_week: i32,
}

/// Time on a processor where the system tells it: other work on the machine then does not count.
fn busy() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos: f64 = text.split(' ').next()?.parse().ok()?;
    Some(nanos / 1e6)
}

fn stage<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let (wall, cpu) = (Instant::now(), busy());
    let done = work();
    let wall = wall.elapsed().as_secs_f64() * 1e3;
    let cpu = busy()
        .zip(cpu)
        .map_or(wall, |(after, before)| after - before);
    println!("{name:<32} {cpu:10.1} ms of processor {wall:10.1} ms of clock");
    done
}

fn main() {
    let mut args = std::env::args().skip(1);
    let kind = args.next().unwrap_or_default();
    let (clients, pets, weeks, visits_a_week) = match kind.as_str() {
        "year" => (300, 420, 47, 240),
        "desk" => (2_000, 2_600, 8, 250),
        "records" => (8_000, 12_000, 1, 10),
        _ => (300, 420, 5, 200),
    };
    let size = Size {
        clients,
        pets,
        weeks,
        visits_a_week,
    };
    let temporary = tempfile::tempdir().unwrap();
    let folder = args
        .next()
        .map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let disk = || DirStorage::open(&folder).unwrap();
    let now: Timestamp = "2026-03-02T06:00:00Z".parse().unwrap();
    let filled = !disk().list().unwrap().is_empty();
    // The seed makes the secrets: a folder that is filled already opens with them.
    let secrets = if filled {
        begin(MemoryStorage::default(), now).1
    } else {
        let (mut replica, secrets) = begin(disk(), now);
        let mut rng = ChaCha20Rng::from_seed([8; 32]);
        stage("filled", || fill(&mut replica, &mut rng, now, &size));
        println!("before {:?}", hashes(replica.book()));
        secrets
    };
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    let mut open = || Replica::open(disk(), &secrets, &mut rng, now).unwrap().0;
    let mut replica = stage("home opened", &mut open);
    let opened = hashes(replica.book());
    println!("opened {opened:?}");
    drop(replica);
    replica = stage("home opened again", &mut open);
    // All but the stretching of a PIN.
    replica = stage("desk given over", || {
        let mut rng = ChaCha20Rng::from_seed([10; 32]);
        replica.with_seat(&secrets, &mut rng, now).unwrap()
    });
    assert_eq!(hashes(replica.book()), opened, "given over");
    let site = *replica.book().practice().locations.keys().next().unwrap();
    stage("today's schedule, first", || {
        replica.book_mut().day_view(site, day(0)).unwrap()
    });
    stage("today's schedule, then", || {
        replica.book_mut().day_view(site, day(0)).unwrap()
    });
    println!("{} items; by stage:", replica.ledger().outbox_len());
    let log = stage("  log opened", || {
        Log::open(disk(), Options::default()).unwrap().0
    });
    stage("  log read once more", || {
        assert_eq!(log.scan(Index(0)).count() as u64, log.len());
    });
    drop(log);
    let (mut ledger, _) = stage("  log opened, ledger rebuilt", || {
        Ledger::open(disk(), IncarnationId::from_bytes([9; 16])).unwrap()
    });
    let mut arrivals: Vec<Arrival> = Vec::new();
    stage("  entries told", || {
        ledger
            .replay(&mut |arrival| {
                arrivals.push(arrival);
                Ok(())
            })
            .unwrap();
    });
    let mut book = Book::new(replica.org()).unwrap();
    stage("  book folded one by one", || {
        for arrival in &arrivals {
            let _ = book.arrived(arrival, replica.keyring());
        }
    });
    assert_eq!(hashes(&book), opened, "folded one by one");
}

fn begin<S: Storage>(storage: S, now: Timestamp) -> (Replica<S>, HomeSecrets) {
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let root = RootSecret::generate(&mut rng);
    let founding = Founding {
        practice: "Measured practice",
        location: "Only site",
        zone: "Europe/Paris",
    };
    Replica::found(storage, &mut rng, now, &founding, &root).unwrap()
}

fn fill<S: Storage>(replica: &mut Replica<S>, rng: &mut ChaCha20Rng, now: Timestamp, size: &Size) {
    let mut tell =
        |replica: &mut Replica<S>, command| replica.execute(now, rng, command).unwrap().id;
    let Answer::Practice(view) = replica.query(now, Query::Practice).unwrap() else {
        unreachable!()
    };
    let location: LocationId = view.locations[0].id;
    let mut staff: Vec<ResourceId> = Vec::new();
    for number in 0..5 {
        let command = Command::AddStaff(NewStaff {
            name: format!("Vet {number}"),
            role: StaffRole::Vet,
            locations: vec![location],
            colour: None,
        });
        staff.push(tell(replica, command).parse().unwrap());
    }
    let mut clients: Vec<(ClientId, Vec<PetId>)> = Vec::new();
    for number in 0..size.clients {
        let command = Command::AddClient(NewClient {
            name: format!("Client Number{number:05}"),
            phones: vec![format!("+33 6{number:08}")],
            email: Some(format!("client{number}@example.org")),
            note: None,
        });
        clients.push((tell(replica, command).parse().unwrap(), Vec::new()));
    }
    for number in 0..size.pets {
        let (client, pets) = &mut clients[number % size.clients];
        let command = Command::AddPet(NewPet {
            client: *client,
            name: format!("Pet {number}"),
            species: Some("dog".to_owned()),
            breed: None,
            microchip: Some(format!("9410000{number:08}")),
            despite_restriction: None,
        });
        pets.push(tell(replica, command).parse().unwrap());
    }
    for week in 0..size.weeks {
        for visit in 0..size.visits_a_week {
            // Five days; on each the five vets see one after the other every hour.
            let (weekday, slot) = (visit % 5, visit / 5);
            let (vet, hour) = (slot % 5, 9 + slot / 5);
            let number = usize::try_from((week * 7 + visit) * 13).unwrap();
            let (client, pets) = &clients[number % size.clients];
            let command = Command::Book(Booking {
                location,
                start: day(week * 7 + weekday).at(i8::try_from(hour).unwrap(), 0, 0, 0),
                staff: staff[vet as usize],
                room: None,
                service: None,
                minutes: Some(30),
                client: Some(*client),
                pets: pets.clone(),
                note: (visit % 4 == 0).then(|| "Bring the vaccination book.".to_owned()),
                double_book: None,
                despite_warnings: true,
            });
            tell(replica, command);
        }
    }
}

fn hashes(book: &Book) -> [String; 3] {
    [
        book.heads_hash(),
        book.rendering_hash(),
        book.clashes_hash(),
    ]
    .map(|hash| hash[..16].to_owned())
}

fn day(days: i32) -> Date {
    let first: Date = "2026-03-02".parse().unwrap();
    first.checked_add(days.days()).unwrap()
}
