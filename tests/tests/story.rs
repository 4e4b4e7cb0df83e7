//! A season of one practice, told from its first day to its last trouble with the real programs: people
//! come and go, a computer is lost, the relay comes back old and then not at all, a client is
//! forgotten. What one chapter leaves behind, the next one has to live with.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests stop at the first surprise, and say what they measured"
)]

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use sync_protocol::Certified;
use system_tests::process::{
    Desk, Practice, Relay, book_ann_with, copy_folder, id_of, note_in, sync_server,
};

const NOTE: &str = "Grade two murmur, recheck in June";
const BITES: &str = "Bites when the clippers hum";

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap().to_owned()
}

fn seat_of(desk: &Desk, role: &str) -> Value {
    let people = desk.does(&["people", "list"]);
    let mut seats = people["seats"].as_array().unwrap().iter();
    seats
        .find(|seat| seat["role"] == role && seat["removed"] != true)
        .unwrap_or_else(|| panic!("no {role} in {people:#}"))
        .clone()
}

fn clients(desk: &Desk) -> Vec<String> {
    let found = desk.does(&["client", "list"]);
    let clients = found["clients"].as_array().unwrap().iter();
    clients.map(|client| text(client, "name")).collect()
}

/// Everything a desk shows of a client's cards, as text.
fn cards(desk: &Desk, client: &str) -> String {
    desk.does(&["card", "show", client]).to_string()
}

fn alarms(state: &Value) -> Vec<String> {
    let alarms = state["alarms"].as_array().unwrap().iter();
    alarms.map(|alarm| text(alarm, "code")).collect()
}

fn book(desk: &Desk, client: &str, hour: i8) {
    book_ann_with(desk, hour, &["--client", client]);
}

/// The front desk's computer and the files its people's PINs lie in.
struct Front<'a>(&'a Desk, &'a std::path::Path);

impl Front<'_> {
    fn pin(&self, pin: &str) -> String {
        let file = self.1.join(format!("{pin}.pin"));
        fs::write(&file, format!("{pin}\n")).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// A member of staff brings a code of the owner's to the shared computer.
    fn takes_in(&self, owner: &Desk, name: &str, role: &str, pin: &str) {
        let code = text(&owner.does(&["invite", "--role", role]), "code");
        let file = self.pin(pin);
        let join = ["seat", "join", &code, name, "--new-pin-file", &file];
        self.0.does(&join);
    }

    #[track_caller]
    fn does(&self, name: &str, pin: &str, what: &[&str]) -> Value {
        let file = self.pin(pin);
        let who = ["--seat", name, "--pin-file", &file];
        self.0.does(&[&who[..], what].concat())
    }
}

#[test]
fn a_season_of_one_practice() {
    // Founded: an owner, a vet, a groomer, and a front desk which three people share.
    let mut practice = Practice::open(1);
    let owner = practice.desks[0].clone();
    let vet = practice.join("vet");
    let groomer = practice.join("groomer");
    let reception = practice.join("receptionist");
    let place = practice.path().to_owned();
    let front = Front(&reception, &place);
    front.takes_in(&owner, "Ben", "receptionist", "4711");
    front.takes_in(&owner, "Cleo", "vet", "2580");
    let listed = reception.does(&["seat", "list"]);
    assert_eq!(listed["seats"].as_array().unwrap().len(), 3, "{listed:#}");

    let vera = id_of(&front.does("Ben", "4711", &["client", "add", "Vera Monte"]));
    let rosa = id_of(&reception.does(&["client", "add", "Rosa Lima", "--phone", "600 100 200"]));
    let pet = id_of(&reception.does(&["pet", "add", "--client", &rosa, "Kasimir"]));
    book(&reception, &rosa, 9);
    book(&reception, &vera, 10);
    front.does("Ben", "4711", &["sync"]);
    practice.meet();

    // A clinical note and a warning: the groomer reads the warning, not the note.
    vet.does(&note_in("clinical", &pet, NOTE));
    front.does("Cleo", "2580", &note_in("handling", &pet, BITES));
    practice.meet();
    assert!(cards(&vet, &rosa).contains(NOTE));
    let seen = cards(&groomer, &rosa);
    assert!(seen.contains(BITES) && !seen.contains(NOTE), "{seen}");
    let seen = cards(&reception, &rosa);
    assert!(seen.contains(BITES) && !seen.contains(NOTE), "{seen}");
    let seen = front.does("Cleo", "2580", &["card", "show", &rosa]);
    assert!(seen.to_string().contains(NOTE), "{seen}");

    // A locum comes in the morning with a code that was made the day before, the owner asleep.
    let yesterday = Timestamp::now() - 20.hours();
    let invite = ["invite", "--role", "vet", "--days", "2"];
    let code = text(&owner.at(&yesterday.to_string()).does(&invite), "code");
    owner.sync();
    let locum = Desk::new(&place, "locum");
    locum.does(&["join", &code]);
    locum.sync();
    practice.desks.push(locum.clone());
    assert!(cards(&locum, &rosa).contains(NOTE));
    locum.does(&note_in("clinical", &pet, "Locum agrees"));

    // The groomer is dismissed; the front desk's computer is stolen with three people's seats on it.
    owner.does(&["people", "remove", &text(&seat_of(&owner, "groomer"), "id")]);
    groomer.refuses(&["sync"]).is(9, "removed");
    groomer.refuses(&["card", "show", &rosa]).is(9, "removed");
    let device = text(&seat_of(&owner, "receptionist"), "device");
    owner.does(&["people", "remove", &device]);
    reception.refuses(&["sync"]).is(9, "removed");
    let file = front.pin("2580");
    reception
        .refuses(&["--seat", "Cleo", "--pin-file", &file, "card", "show", &rosa])
        .is(9, "removed");
    practice
        .desks
        .retain(|desk| ![&groomer.home, &reception.home].contains(&&desk.home));
    let people = owner.does(&["people", "list"]);
    let live = people["seats"].as_array().unwrap().iter();
    assert_eq!(
        live.filter(|seat| seat["removed"] != true).count(),
        3,
        "{people:#}"
    );
    book(&owner, &rosa, 11);
    let state = practice.agrees();
    assert_eq!(state["confirmed"], 3, "{state:#}");

    // The operator puts an old copy of the relay's data back: every desk notices and heals it.
    assert!(practice.relay.stop().success());
    let kept = place.join("kept");
    copy_folder(&practice.relay.data, &kept).unwrap();
    practice.relay.restart();
    book(&vet, &rosa, 12);
    let before = practice.agrees();
    practice.relay.kill();
    fs::remove_dir_all(&practice.relay.data).unwrap();
    copy_folder(&kept, &practice.relay.data).unwrap();
    practice.relay.restart();
    for desk in &practice.desks {
        assert_eq!(alarms(&desk.sync()), ["relay_restored"]);
    }
    owner.does(&["relay-restored"]);
    let after = practice.agrees();
    for same in ["heads", "clashes", "rendering", "confirmed"] {
        assert_eq!(after[same], before[same], "{same}");
    }

    // Its disk dies: a new one is in service within five minutes, by way of the spare key.
    let spare = place.join("spare");
    let output = Command::new(sync_server())
        .args(["key", "--data"])
        .arg(&spare)
        .output()
        .unwrap();
    let key = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    owner.does(&["relay-standby", &key]);
    practice.meet();
    practice.relay.kill();
    fs::remove_dir_all(&practice.relay.data).unwrap();
    book(&locum, &vera, 13);
    let began = Instant::now();
    practice.relay = Relay::start(&spare);
    let ticket = practice.relay.ticket();
    let address = practice.relay.address.clone();
    owner.does(&["relay", &address, "--ticket", &ticket]);
    for desk in [&vet, &locum] {
        desk.does(&["relay", &address]);
    }
    practice.meet();
    owner.does(&["relay-restored"]);
    let state = practice.agrees();
    assert_eq!(state["confirmed"], 5, "{state:#}");
    let back = began.elapsed();
    println!(
        "a new relay on an empty disk: in step again after {:.1} s",
        back.as_secs_f64()
    );
    assert!(back < Duration::from_mins(5), "{back:?}");

    // Rosa asks to be forgotten while the locum is away, who goes on writing about her.
    locum.does(&note_in("clinical", &pet, "Seen at home"));
    let erase = [
        "erase",
        &rosa,
        "--basis",
        "request",
        "--confirm",
        "Rosa Lima",
    ];
    vet.refuses(&erase).is(6, "not_allowed");
    let erasure = id_of(&owner.does(&erase));
    vet.sync();
    owner.sync();
    let certificate = |name: &str| {
        let file = place.join(name);
        owner.does(&["certificate", &erasure, file.to_str().unwrap()]);
        Certified::check(&fs::read_to_string(&file).unwrap()).unwrap()
    };
    let early = certificate("early.txt");
    assert_eq!(
        (early.done.len(), early.out.len()),
        (2, 1),
        "the locum is still out"
    );

    // Back again: gone there too, and proven.
    let state = locum.sync();
    assert_eq!(state["outbox"], 0, "{state:#}");
    let state = practice.agrees();
    assert_eq!(state["confirmed"], 5, "the times stay: {state:#}");
    for desk in &practice.desks {
        assert_eq!(clients(desk), ["Vera Monte"]);
        desk.refuses(&["card", "show", &rosa]);
        assert_eq!(desk.does(&["search", "Kasimir"])["total"], 0);
    }
    let proven = certificate("proof.txt");
    assert_eq!((proven.done.len(), proven.out.len()), (3, 0));
    let file = place.join("proof.txt");
    vet.does(&["certificate", "verify", file.to_str().unwrap()]);
    let mut bytes = fs::read(&file).unwrap();
    bytes[700] ^= 1;
    fs::write(&file, &bytes).unwrap();
    vet.refuses(&["certificate", "verify", file.to_str().unwrap()])
        .is(13, "damaged");

    // What happened can be told, and nobody changed the telling.
    let told = owner.does(&["audit", "--limit", "200"]).to_string();
    for word in ["remove", "eras"] {
        assert!(told.to_lowercase().contains(word), "no {word} in {told}");
    }
    for desk in &practice.desks {
        desk.does(&["audit", "verify"]);
        assert_eq!(desk.state()["alarms"], json!([]));
    }
}
