//! Several people at one computer, with real programs and a relay: each by a PIN of their own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::path::{Path, PathBuf};

use serde_json::Value;
use system_tests::process::{Desk, Practice, Refused, id_of};

/// A file with a PIN in it.
fn pin(place: &Path, pin: &str) -> String {
    let file = place.join(format!("{pin}.pin"));
    std::fs::write(&file, format!("{pin}\n")).unwrap();
    file.to_str().unwrap().to_owned()
}

/// A desk, and where its PINs lie.
struct Shared {
    desk: Desk,
    place: PathBuf,
}

impl Shared {
    fn words<'a>(&self, who: (&'a str, &str), rest: &[&'a str]) -> Vec<String> {
        let file = pin(&self.place, who.1);
        ["--seat", who.0, "--pin-file", &file]
            .into_iter()
            .chain(rest.iter().copied())
            .map(str::to_owned)
            .collect()
    }

    #[track_caller]
    fn does(&self, who: (&str, &str), what: &[&str]) -> Value {
        let words = self.words(who, what);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.desk.does(&words)
    }

    #[track_caller]
    fn refuses(&self, who: (&str, &str), what: &[&str]) -> Refused {
        let words = self.words(who, what);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.desk.refuses(&words)
    }
}

fn names(seats: &Value) -> Vec<(String, String)> {
    let seats = seats["seats"].as_array().unwrap().iter();
    let text = |seat: &Value, field| seat[field].as_str().unwrap_or_default().to_owned();
    seats
        .map(|seat| (text(seat, "name"), text(seat, "role")))
        .collect()
}

const BEN: (&str, &str) = ("Ben", "4711");
const CLEO: (&str, &str) = ("Cleo", "2580");
const DORA: (&str, &str) = ("Dora", "8080");

#[test]
fn a_shared_front_desk_with_three_seats_and_each_with_their_own_rights() {
    let mut practice = Practice::open(1);
    let desk = practice.join("receptionist");
    let place = practice.path().to_owned();
    let front = Shared { desk, place };
    let owner = practice.desks[0].clone();

    // A receptionist lets nobody in; who brings a code from the owner gets a seat here.
    let ben = pin(&front.place, BEN.1);
    let add = [
        "seat",
        "add",
        "Ben",
        "--role",
        "groomer",
        "--new-pin-file",
        &ben,
    ];
    front.desk.refuses(&add).is(6, "not_allowed");
    for (who, role) in [(BEN, "groomer"), (CLEO, "vet")] {
        let code = owner.does(&["invite", "--role", role]);
        let (code, file) = (code["code"].as_str().unwrap(), pin(&front.place, who.1));
        let join = ["seat", "join", code, who.0, "--new-pin-file", &file];
        front.desk.does(&join);
        front.desk.refuses(&join).field("name");
        let again = ["seat", "join", code, "Again", "--new-pin-file", &file];
        front.desk.refuses(&again).is(10, "invite_used");
    }
    let listed = names(&front.desk.does(&["seat", "list"]));
    let expected = [("", "receptionist"), ("Ben", "groomer"), ("Cleo", "vet")];
    assert_eq!(
        listed,
        expected.map(|(name, role)| (name.to_owned(), role.to_owned()))
    );

    // Each has the rights of their own role and no other.
    front.desk.does(&["client", "add", "Rosa Lima"]);
    front
        .refuses(BEN, &["client", "add", "Not By A Groomer"])
        .is(6, "not_allowed");
    front.does(CLEO, &["client", "add", "Vera Monte"]);
    let found = front.does(BEN, &["search", "Vera"]);
    assert!(found.to_string().contains("Vera Monte"), "{found}");

    // On the owner's computer somebody is added without a code.
    let desk = Shared {
        desk: owner,
        place: front.place.clone(),
    };
    let dora = pin(&desk.place, DORA.1);
    let add = [
        "seat",
        "add",
        "Dora",
        "--role",
        "receptionist",
        "--new-pin-file",
        &dora,
    ];
    desk.desk.does(&add);
    let made = id_of(&desk.does(DORA, &["client", "add", "Iris Campo"]));

    // Everybody's work reaches everybody, and nobody's is refused.
    for _ in 0..2 {
        desk.does(DORA, &["sync"]);
        front.does(CLEO, &["sync"]);
    }
    for state in [
        desk.desk.state(),
        front.desk.state(),
        front.does(BEN, &["state"]),
    ] {
        assert_eq!(
            state["alarms"].as_array().map(Vec::len),
            Some(0),
            "{state:#}"
        );
        assert_eq!(state["outbox"], 0, "{state:#}");
    }
    let found = front.does(BEN, &["search", "Iris"]);
    assert!(found.to_string().contains(&made), "{found}");
}

#[test]
fn wrong_pins_and_names_are_told_apart() {
    let practice = Practice::open(1);
    let desk = Shared {
        desk: practice.desks[0].clone(),
        place: practice.path().to_owned(),
    };
    for (bad, message) in [("12", "too short"), ("1234", "tries"), ("9999", "tries")] {
        let file = pin(&desk.place, bad);
        let add = [
            "seat",
            "add",
            "Ben",
            "--role",
            "vet",
            "--new-pin-file",
            &file,
        ];
        let refused = desk.desk.refuses(&add);
        refused.is(3, "invalid_input").field("pin");
        assert!(
            refused.value["message"].as_str().unwrap().contains(message),
            "{refused:?}"
        );
    }
    let file = pin(&desk.place, BEN.1);
    let add = [
        "seat",
        "add",
        "Ben",
        "--role",
        "vet",
        "--new-pin-file",
        &file,
    ];
    desk.desk.does(&add);
    desk.refuses((BEN.0, "0815"), &["state"])
        .is(9, "wrong_pin")
        .field("pin");
    desk.refuses(("Nobody", BEN.1), &["state"])
        .is(3, "not_found")
        .field("seat");
    desk.refuses((BEN.0, ""), &["state"]).is(9, "wrong_pin");
    assert_eq!(
        desk.desk.run(&["--seat", "Ben", "state"]).code,
        2,
        "a PIN is missing"
    );
    desk.does(BEN, &["state"]);
}
