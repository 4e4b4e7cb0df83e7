//! Cards between real programs: a vet writes a clinical note and a warning, the groomer is warned
//! and reads no note, and the relay that carried all of it holds not a word.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::fs;

use serde_json::{Value, json};
use system_tests::process::{
    Canary, Desk, Practice, book_ann_with, files_below, id_of, note_in, seek,
};

const MURMUR: &str = "Systolic murmur over the tricuspid harbour";
const BITES: &str = "Savages thermometers and ankles";
const STYLE: &str = "Teddybear trim with zigzag whiskers";
const DEPOSIT: &str = "Deposit of thirty-one doubloons";
const SHY: &str = "Trembles near the blowdryer";

fn add(desk: &Desk, pet: &str, card: &str, text: &str) -> String {
    id_of(&desk.does(&note_in(card, pet, text)))
}

/// What a desk shows of a card, the latest first, with a minus before what was withdrawn.
fn notes(desk: &Desk, client: &str, of: &str, card: &str) -> Vec<String> {
    let view = desk.does(&["card", "show", client]);
    let cards = view["cards"].as_array().expect("cards");
    let found = cards
        .iter()
        .find(|one| one["of"] == of && one["card"] == card);
    let Some(notes) = found.and_then(|card| card["notes"].as_array()) else {
        return vec!["no such card".to_owned()];
    };
    let text = |note: &Value| {
        let text = note["text"].as_str().expect("text");
        let sign = if note["withdrawn_at"].is_null() {
            ""
        } else {
            "-"
        };
        format!("{sign}{text}")
    };
    notes.iter().map(text).collect()
}

fn alerts(desk: &Desk, visit: &str) -> Value {
    let ask = json!({"ask": {"type": "visit", "appointment": visit}}).to_string();
    let answers = desk.batch(&[], &[ask]);
    answers[0]["ok"]["visit"]["details"]["alerts"].clone()
}

#[test]
fn the_groomer_is_warned_and_reads_no_note_and_the_relay_holds_not_a_word() {
    let mut practice = Practice::open(1);
    let owner = practice.desks[0].clone();
    let vet = practice.join("vet");
    let groomer = practice.join("groomer");
    let reception = practice.join("receptionist");
    let client = id_of(&owner.does(&["client", "add", "Ilse Quint", "--phone", "600 300 100"]));
    let pet = id_of(&owner.does(&["pet", "add", "--client", &client, "Kasimir"]));
    let visit = book_ann_with(&owner, 9, &["--client", &client, "--pet", &pet]);
    practice.meet();

    let murmur = add(&vet, &pet, "clinical", MURMUR);
    add(&vet, &pet, "handling", BITES);
    add(&groomer, &pet, "grooming", STYLE);
    // By name as well, and on the client's own card.
    reception.does(&[
        "card",
        "add",
        "--client",
        "Ilse Quint",
        "--in",
        "payments",
        DEPOSIT,
    ]);
    // Two desks that have not met since add to one card.
    reception.does(&[
        "card",
        "add",
        "--client",
        "Ilse Quint",
        "--pet",
        "Kasimir",
        "--in",
        "handling",
        SHY,
    ]);
    practice.meet();
    practice.meet();

    for desk in &practice.desks {
        let mut careful = notes(desk, &client, &pet, "handling");
        careful.sort();
        assert_eq!(careful, [BITES, SHY]);
        let shown = alerts(desk, &visit);
        assert_eq!(shown.as_array().map(Vec::len), Some(2), "{shown}");
        assert_eq!(shown[0]["name"], "Kasimir", "{shown}");
        let alarms = desk.state()["alarms"].clone();
        assert_eq!(alarms, json!([]), "{:?}", desk.home);
    }
    let none = ["no such card".to_owned()];
    for (desk, clinical, payments) in [
        (&owner, true, true),
        (&vet, true, false),
        (&groomer, false, false),
        (&reception, false, true),
    ] {
        let seen = |reads: bool, text: &str| {
            if reads {
                vec![text.to_owned()]
            } else {
                none.to_vec()
            }
        };
        assert_eq!(
            notes(desk, &client, &pet, "clinical"),
            seen(clinical, MURMUR)
        );
        assert_eq!(
            notes(desk, &client, &client, "payments"),
            seen(payments, DEPOSIT)
        );
        assert_eq!(notes(desk, &client, &pet, "grooming"), [STYLE]);
    }

    // Who may not, is told whom to ask; what makes no sense, what is wrong.
    let card = |text: &'static str| ["card", "add", "--in", "clinical", text, "--pet"];
    let refused = groomer.refuses(&[&card("x")[..], &[pet.as_str()]].concat());
    refused.is(6, "not_allowed");
    let withdraw = [
        "card", "withdraw", "--pet", &pet, "--in", "clinical", &murmur,
    ];
    groomer.refuses(&withdraw).is(6, "not_allowed");
    let refused = vet.refuses(&[&card(" ")[..], &[pet.as_str()]].concat());
    refused.is(3, "invalid_input").field("text");
    let nobody = "pet_00000000000000000000000000000000";
    let refused = vet.refuses(&[&card("x")[..], &[nobody]].concat());
    refused.is(3, "not_found").field("of");

    // Withdrawn at one desk is withdrawn at the other, struck through rather than gone.
    vet.does(&withdraw);
    vet.refuses(&withdraw).is(3, "invalid_input").field("note");
    practice.meet();
    assert_eq!(
        notes(&owner, &client, &pet, "clinical"),
        [format!("-{MURMUR}")]
    );

    assert!(practice.relay.stop().success());
    let canaries = [MURMUR, BITES, STYLE, DEPOSIT, SHY].map(Canary::new);
    let files = files_below(&practice.relay.data);
    assert!(files.len() >= 5, "the relay keeps files");
    let homes = practice
        .desks
        .iter()
        .flat_map(|desk| files_below(&desk.home));
    for file in files.into_iter().chain(homes) {
        let mut bytes = fs::read(&file).unwrap();
        while bytes.ends_with(&[0; 64]) {
            bytes.truncate(bytes.len() - 64);
        }
        assert_eq!(seek(&canaries, &bytes), [], "{}", file.display());
    }
    let log = practice.relay.said();
    assert_eq!(seek(&canaries, log.as_bytes()), [], "the relay's log");
}

#[test]
fn a_manager_lets_a_vet_in_without_keys_that_a_manager_does_not_hold() {
    let mut practice = Practice::open(1);
    let owner = practice.desks[0].clone();
    let client = id_of(&owner.does(&["client", "add", "Ilse Quint"]));
    let manager = practice.join("manager");
    let refused = manager.refuses(&["card", "add", "--client", &client, "--in", "clinical", "x"]);
    refused.is(6, "not_allowed");
    let code = manager.does(&["invite", "--role", "vet"]);
    let locum = Desk::new(practice.path(), "locum");
    locum.does(&["join", code["code"].as_str().unwrap()]);
    // It is a member, and reads what it got keys for: nothing yet.
    let refused = locum.refuses(&["card", "add", "--client", &client, "--in", "clinical", "x"]);
    refused.is(3, "not_found");
    assert_eq!(locum.sync()["outbox"], 0);
    // A groomer's code carries keys: what it opens is no more than a manager's own.
    let code = manager.does(&["invite", "--role", "groomer"]);
    let groomer = Desk::new(practice.path(), "groomer");
    groomer.does(&["join", code["code"].as_str().unwrap()]);
    groomer.sync();
    id_of(&groomer.does(&[
        "card",
        "add",
        "--client",
        &client,
        "--in",
        "handling",
        "Cries easily",
    ]));
}
