//! Hiring and dismissing with the real programs: a groomer is dismissed over a live relay, a locum
//! comes with a code made the day before, a code is called back, the front-desk PC is lost.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests stop at the first surprise, and time what must be quick"
)]

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use client_core::{
    catalogue::{Answer, Command, MaskedReason, NewClient, PeopleView, Query},
    replica::Replica,
    sealing::{KeyFile, MachineKey},
};
use entry_log::DirStorage;
use jiff::Timestamp;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use serde_json::Value;
use sync_protocol::Frame;
use system_tests::process::{Desk, Practice, copy_folder};

fn seats(desk: &Desk, role: &str) -> Vec<Value> {
    let people = desk.does(&["people", "list"]);
    let seats = people["seats"].as_array().unwrap().iter();
    let of_role = seats.filter(|seat| seat["role"] == role);
    of_role.cloned().collect()
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap().to_owned()
}

fn clients(desk: &Desk) -> Vec<String> {
    let answer = desk.does(&["client", "list"]);
    let clients = answer["clients"].as_array().unwrap().iter();
    clients.map(|client| text(client, "name")).collect()
}

/// A home's replica, opened with nothing but what lies in its folder.
struct Opened {
    replica: Replica<DirStorage>,
    rng: ChaCha20Rng,
}

fn now() -> Timestamp {
    Timestamp::now()
}

impl Opened {
    fn of(home: &Path) -> Self {
        let file = KeyFile::decode(&fs::read(home.join("keys")).unwrap()).unwrap();
        let machine = fs::read(home.join("machine-key")).unwrap();
        let machine = MachineKey::from_bytes(machine.try_into().unwrap());
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        let keys = file.open_with_machine_key(&machine).unwrap();
        let storage = DirStorage::open(home.join("log")).unwrap();
        let (replica, _) = Replica::open(storage, &keys.secrets, &mut rng, now()).unwrap();
        Self { replica, rng }
    }

    fn clients(&mut self) -> Vec<String> {
        let all = Query::Clients {
            skip: None,
            limit: None,
        };
        let Answer::Found { clients, .. } = self.replica.query(now(), all).unwrap() else {
            panic!("not the clients");
        };
        clients.into_iter().map(|client| client.name).collect()
    }

    fn people(&mut self) -> PeopleView {
        let Answer::People(people) = self.replica.query(now(), Query::People).unwrap() else {
            panic!("not the people");
        };
        people
    }
}

/// Two homes side by side give each other every entry they hold.
fn meet(a: &mut Opened, b: &mut Opened) {
    let mut to_b: Vec<Frame> = vec![a.replica.peer_greeting()];
    let mut to_a: Vec<Frame> = vec![b.replica.peer_greeting()];
    while !(to_a.is_empty() && to_b.is_empty()) {
        for frame in std::mem::take(&mut to_b) {
            to_a.extend(b.replica.peer_frame(now(), frame).unwrap().0);
        }
        for frame in std::mem::take(&mut to_a) {
            to_b.extend(a.replica.peer_frame(now(), frame).unwrap().0);
        }
    }
}

#[test]
fn a_dismissed_groomer_is_cut_off_in_seconds_and_opens_nothing_that_comes_later() {
    let mut practice = Practice::open(2);
    let groomer = practice.join("groomer");
    let owner = practice.desks[0].clone();
    owner.does(&["client", "add", "Before Dismissal"]);
    practice.meet();
    assert_eq!(clients(&groomer), ["Before Dismissal"]);

    // A copy of everything the groomer has, made in time.
    let stolen = practice.path().join("stolen");
    copy_folder(&groomer.home, &stolen).unwrap();
    let mut live = groomer.watch();
    let mut told = live.next().unwrap();
    while told["link"] != "in_step" && told["state"]["link"] != "in_step" {
        told = live.next().expect("the groomer's desk comes in step");
    }

    let seat = seats(&owner, "groomer").remove(0);
    let started = Instant::now();
    owner.does(&["people", "remove", &text(&seat, "id")]);
    while live.next().is_some() {}
    let took = started.elapsed();
    assert!(took < Duration::from_secs(5), "cut off after {took:?}");

    // The desk itself was told by the chain: it keeps its log and no key.
    groomer.refuses(&["state"]).is(9, "removed");
    groomer.refuses(&["sync"]).is(9, "removed");
    let gone = seats(&owner, "groomer").remove(0);
    assert_eq!(gone["removed"], true);

    owner.does(&["client", "add", "After Dismissal"]);
    practice.desks.remove(2);
    practice.agrees();
    assert_eq!(
        clients(&practice.desks[1]),
        ["After Dismissal", "Before Dismissal"]
    );

    // The stolen copy, with its own keys and every byte of the others, and edits of its own.
    let copy_of = |name: &str, from: &Path| {
        let place = practice.path().join(name);
        copy_folder(from, &place).unwrap();
        Opened::of(&place)
    };
    let mut thief = Opened::of(&stolen);
    let mut colleague = copy_of("colleague", &practice.desks[1].home);
    let late = Command::AddClient(NewClient {
        name: "Written Too Late".to_owned(),
        phones: vec![],
        email: None,
        note: None,
    });
    // A groomer adds no clients; booking is its right, and was taken away with the rest.
    assert!(thief.replica.execute(now(), &mut thief.rng, late).is_err());
    let books = |thief: &mut Opened| {
        let Answer::Practice(view) = thief.replica.query(now(), Query::Practice).unwrap() else {
            panic!("not the practice");
        };
        let booking = serde_json::json!({
            "type": "book",
            "location": view.locations[0].id,
            "start": format!("{}T10:00", system_tests::process::monday()),
            "staff": view.staff[0].id,
            "minutes": 30,
        });
        let booking: Command = serde_json::from_value(booking).unwrap();
        let reply = thief.replica.execute(now(), &mut thief.rng, booking);
        reply.unwrap().id
    };
    let late = books(&mut thief);
    meet(&mut thief, &mut colleague);
    assert_eq!(thief.clients(), ["Before Dismissal"], "and nothing after");
    let masked = colleague.people().masked;
    let listed = masked.iter().filter(|one| one.visits == [late.clone()]);
    assert!(listed.clone().count() > 0, "{masked:?}");
    for one in &masked {
        assert_eq!(
            (&one.seat, one.reason),
            (&text(&seat, "id"), MaskedReason::Removed)
        );
    }

    // Back at the relay the copy hears that it is gone, and drops its keys too.
    drop((thief, colleague));
    let thief = groomer.moved(&stolen);
    thief.refuses(&["sync"]).is(9, "removed");
    thief.refuses(&["client", "list"]).is(9, "removed");
}

#[test]
fn a_locum_comes_with_a_code_of_yesterday_whoever_made_it() {
    let mut practice = Practice::open(1);
    let manager = practice.join("manager");
    let owner = practice.desks[0].clone();
    practice.meet();
    owner.does(&["client", "add", "Long Known"]);
    owner.sync();

    // The owner's code carries the keys: the locum works at once, with nobody else awake.
    let code = text(
        &owner.does(&["invite", "--role", "vet", "--days", "2"]),
        "code",
    );
    let locum = Desk::new(practice.path(), "locum");
    locum.does(&["join", &code]);
    locum.sync();
    assert_eq!(clients(&locum), ["Long Known"]);

    // A manager has no clinical keys to hand on: the owner's next device in step hands them over.
    let code = text(
        &manager.does(&["invite", "--role", "vet", "--days", "2"]),
        "code",
    );
    let second = Desk::new(practice.path(), "second");
    second.does(&["join", &code]);
    second.sync();
    owner.sync();
    second.sync();
    assert_eq!(clients(&second), ["Long Known"]);
    manager.sync();
    for seat in seats(&owner, "vet") {
        assert_eq!(seat["keys"], true, "{seat}");
    }

    // A code lets one in, and none once it was called back.
    let third = Desk::new(practice.path(), "third");
    third.refuses(&["join", &code]).is(10, "invite_used");
    let code = text(&owner.does(&["invite", "--role", "groomer"]), "code");
    let people = owner.does(&["people", "list"]);
    let mut open = people["invitations"].as_array().unwrap().iter();
    let open = open.find(|one| one["used"] == false).unwrap();
    owner.does(&["people", "revoke", &text(open, "id")]);
    third.refuses(&["join", &code]).is(10, "invite_expired");
    assert_eq!(
        fs::read_dir(&third.home).map_or(0, Iterator::count),
        1,
        "its lock alone"
    );
    owner
        .refuses(&["people", "revoke", "inv_00"])
        .is(3, "invalid_input");
}

#[test]
fn a_lost_front_desk_is_removed_with_everybody_on_it() {
    let mut practice = Practice::open(1);
    let lost = practice.join("receptionist");
    let owner = practice.desks[0].clone();
    practice.meet();
    owner.does(&["client", "add", "Before The Loss"]);
    practice.meet();
    let device = text(&seats(&owner, "receptionist")[0], "device");
    lost.refuses(&["people", "remove", &device])
        .is(6, "not_allowed");
    let own = text(&seats(&owner, "owner")[0], "device");
    owner
        .refuses(&["people", "remove", &own])
        .is(6, "not_allowed");
    owner.does(&["people", "remove", &device]);
    owner.does(&["client", "add", "After The Loss"]);
    owner.sync();

    // Until it hears of it, it shows what it had; then nothing.
    assert_eq!(clients(&lost), ["Before The Loss"]);
    lost.refuses(&["sync"]).is(9, "removed");
    lost.refuses(&["state"]).is(9, "removed");
    let log = lost.home.join("log");
    assert!(fs::read_dir(log).unwrap().count() > 0, "the log is kept");
    owner
        .refuses(&["people", "remove", &device])
        .is(3, "not_found");

    // Another role, and the last owner stays.
    let groomer = practice.join("groomer");
    owner.sync();
    let seat = text(&seats(&owner, "groomer")[0], "id");
    owner.does(&["people", "role", &seat, "receptionist"]);
    groomer.sync();
    groomer.does(&["client", "add", "By The New Receptionist"]);
    groomer.sync();
    let seat = text(&seats(&owner, "owner")[0], "id");
    owner
        .refuses(&["people", "role", &seat, "vet"])
        .is(6, "not_allowed");
}
