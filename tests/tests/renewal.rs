//! Recovery words that somebody saw are replaced, managers are let in to clinical cards and out again,
//! a practice is handed over: with the real programs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::Stdio,
};

use serde_json::Value;
use system_tests::process::{Desk, Practice, copy_folder, found, id_of, note_in, today};

const NOTE: &str = "Murmur, grade two";

fn text_of(words: &Value) -> Vec<String> {
    let words = words.as_array().unwrap().iter();
    words
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

/// `kit renew`, with the words that it asks for typed by `answer`; its exit code, the words, and what
/// it said at last.
fn renew(desk: &Desk, answer: impl Fn(&str) -> String) -> (i32, Vec<String>, String) {
    let mut command = desk.command(&["kit", "renew"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(running.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let fresh: Value = serde_json::from_str(&line).unwrap();
    let words = text_of(&fresh["words"]);
    let mut input = running.stdin.take().unwrap();
    for number in fresh["ask"].as_array().unwrap() {
        let at = usize::try_from(number.as_u64().unwrap()).unwrap();
        let _ = writeln!(input, "{}", answer(&words[at - 1]));
    }
    drop(input);
    let mut said = String::new();
    out.read_line(&mut said).unwrap();
    let ended = running.wait_with_output().unwrap();
    (ended.status.code().unwrap(), words, said)
}

fn words_file(place: &Path, name: &str, words: &str) -> String {
    let file = place.join(name);
    fs::write(&file, words).unwrap();
    file.to_string_lossy().into_owned()
}

fn rescue<'a>(kit: &'a Value, words: &'a str) -> Vec<&'a str> {
    let text = |name: &str| kit[name].as_str().unwrap();
    let mut arguments = vec!["rescue", "--words-file", words, "--relay", text("relay")];
    arguments.extend(["--relay-key", text("relay_key")]);
    arguments.extend(["--organisation", text("organisation")]);
    arguments
}

/// A relay, an owner, a vet and a manager; a client whose pet has a clinical note.
fn open() -> (Practice, [String; 2], String) {
    let place = tempfile::tempdir().unwrap();
    let relay = system_tests::process::Relay::start(&place.path().join("relay"));
    let owner = Desk::new(place.path(), "desk1");
    let founded = found(&owner);
    owner.does(&["relay", &relay.address, "--ticket", &relay.ticket()]);
    let mut practice = Practice {
        relay,
        desks: vec![owner],
        place,
    };
    practice.join("vet");
    practice.join("manager");
    practice.meet();
    let [owner, vet, _] = practice.desks.as_slice() else {
        panic!("three desks");
    };
    let client = id_of(&owner.does(&["client", "add", "Ilse Quint"]));
    let pet = id_of(&owner.does(&["pet", "add", "--client", &client, "Kasimir"]));
    practice.meet();
    vet.does(&note_in("clinical", &pet, NOTE));
    practice.meet();
    let words = text_of(&founded["words"]).join(" ");
    (practice, [client, pet], words)
}

/// All desks meet, nothing is left to send, and nobody has anything to say.
fn settled(practice: &Practice) {
    for state in practice.meet() {
        assert_eq!(state["outbox"], 0, "{state:#}");
        assert_eq!(
            state["alarms"].as_array().map(Vec::len),
            Some(0),
            "{state:#}"
        );
    }
}

fn reads(desk: &Desk, client: &str, text: &str) -> bool {
    desk.does(&["card", "show", client])
        .to_string()
        .contains(text)
}

#[test]
fn words_that_somebody_saw_are_replaced_and_only_the_new_ones_bring_the_practice_back() {
    let (mut practice, [client, _], old) = open();
    let place = practice.path().to_owned();
    let old = words_file(&place, "old", &old);
    let owner = practice.desks[0].clone();
    owner.does(&["drill", "--words-file", &old]);
    assert_eq!(owner.state()["care"]["drill_due"], false);
    practice.desks[1]
        .refuses(&["kit", "renew"])
        .is(6, "not_allowed");

    // Not written down rightly: nothing happens.
    let (code, _, _) = renew(&owner, |_| "dragonfly".to_owned());
    assert_eq!(code, 9);
    owner.does(&["drill", "--words-file", &old]);

    let (code, words, said) = renew(&owner, str::to_uppercase);
    assert_eq!(code, 0, "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["rotated"], true, "{said}");
    let new = words_file(&place, "new", &words.join("\n"));
    assert_eq!(owner.state()["care"]["drill_due"], true, "again");
    owner.does(&["drill", "--words-file", &new]);
    let replaced = owner.refuses(&["drill", "--words-file", &old]);
    replaced.is(9, "replaced_words").field("words");
    settled(&practice);
    // The key file of another computer has learned of it.
    let vet = &practice.desks[1];
    vet.refuses(&["recover", "--words-file", &old])
        .is(9, "wrong_recovery_words");
    vet.does(&["recover", "--words-file", &new]);
    assert!(reads(vet, &client, NOTE));

    // Whoever has the old words and reaches the relay is told the day, and shown nothing.
    let kit = owner.does(&["kit"]);
    let thief = Desk::new(&place, "thief");
    let refused = thief.refuses(&rescue(&kit, &old));
    refused.is(9, "replaced_words");
    let month = today().strftime("%Y-%m").to_string();
    let message = refused.value["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&month), "{message}");
    assert!(!thief.home.join("log").exists());

    let late = id_of(&owner.does(&["client", "add", "After Renewal"]));
    practice.meet();
    for desk in practice.desks.drain(..) {
        fs::remove_dir_all(&desk.home).unwrap();
    }
    let fresh = Desk::new(&place, "fresh");
    let mut arguments = rescue(&kit, &new);
    arguments.extend(["--act", kit["act"].as_str().unwrap()]);
    fresh.does(&arguments);
    assert!(reads(&fresh, &client, NOTE));
    let shown = fresh.does(&["client", "list"]).to_string();
    assert!(
        shown.contains("After Renewal") && shown.contains(&late),
        "{shown}"
    );
}

#[test]
fn a_relay_that_hides_a_removal_from_a_rescuer_is_found_out_by_the_act_on_the_kit() {
    let (mut practice, [client, _], words) = open();
    let place = practice.path().to_owned();
    let (owner, vet) = (practice.desks[0].clone(), practice.desks[1].clone());
    let words = words_file(&place, "words", &words);
    // An older copy of the relay, from before the vet was removed.
    practice.relay.stop();
    let copy = place.join("copy");
    copy_folder(&practice.relay.data, &copy).unwrap();
    practice.relay.restart();
    let people = owner.does(&["people", "list"]);
    let seats = people["seats"].as_array().unwrap();
    let seat = seats.iter().find(|seat| seat["role"] == "vet").unwrap();
    owner.does(&["people", "remove", seat["id"].as_str().unwrap()]);
    let kit = owner.does(&["kit"]);
    practice.relay.stop();
    fs::remove_dir_all(&practice.relay.data).unwrap();
    copy_folder(&copy, &practice.relay.data).unwrap();
    practice.relay.restart();
    drop((owner, vet));

    let act = kit["act"].as_str().unwrap();
    let fresh = Desk::new(&place, "fresh");
    let mut arguments = rescue(&kit, &words);
    arguments.extend(["--act", act]);
    fresh.refuses(&arguments).is(12, "hides_acts").field("act");
    let line = format!(
        "daybook-kit 1 {} {act} {}",
        kit["organisation"].as_str().unwrap(),
        fs::read_to_string(&words).unwrap()
    );
    let line = words_file(&place, "line", &line);
    fresh.refuses(&rescue(&kit, &line)).is(12, "hides_acts");
    let mut odd = rescue(&kit, &words);
    odd.extend(["--act", "12"]);
    fresh.refuses(&odd).is(3, "invalid_input").field("act");
    assert!(!fresh.home.join("log").exists());
    // Who knows that the relay lost it goes on with the words alone.
    fresh.does(&rescue(&kit, &words));
    assert!(reads(&fresh, &client, NOTE));
}

#[test]
fn managers_are_let_in_to_clinical_cards_and_out_again() {
    let (practice, [client, pet], _) = open();
    let [owner, vet, manager] = practice.desks.as_slice() else {
        panic!("three desks");
    };
    assert!(!reads(manager, &client, NOTE));
    assert_eq!(owner.does(&["policy"])["managers_read_clinical"], false);
    manager
        .refuses(&["policy", "--managers-read-clinical", "yes"])
        .is(6, "not_allowed");
    let decided = owner.does(&["policy", "--managers-read-clinical", "yes"]);
    assert_eq!(decided["rotated"], true, "{decided}");
    practice.meet();
    assert_eq!(manager.does(&["policy"])["managers_read_clinical"], true);
    assert!(reads(manager, &client, NOTE));
    manager
        .refuses(&note_in("clinical", &pet, "mine"))
        .is(6, "not_allowed");
    settled(&practice);
    let audit = owner.does(&["audit"]).to_string();
    assert!(audit.contains("let in to clinical cards"), "{audit}");

    owner.does(&["policy", "--managers-read-clinical", "no"]);
    practice.meet();
    vet.does(&note_in("clinical", &pet, "Lasix since today"));
    settled(&practice);
    assert!(!reads(manager, &client, NOTE));
    assert!(!reads(manager, &client, "Lasix"));
    assert!(reads(owner, &client, "Lasix"));
}

#[test]
fn a_practice_is_handed_over_and_at_no_time_has_nobody() {
    let (practice, [client, _], _) = open();
    let [owner, vet, manager] = practice.desks.as_slice() else {
        panic!("three desks");
    };
    let seat = |desk: &Desk| {
        let people = desk.does(&["people", "list"]);
        let seats = people["seats"].as_array().unwrap().iter();
        let here = seats.clone().find(|seat| seat["here"] == true).unwrap();
        here["id"].as_str().unwrap().to_owned()
    };
    let (own, other) = (seat(owner), seat(manager));
    vet.refuses(&["people", "hand-over", &other])
        .is(6, "not_allowed");
    owner
        .refuses(&["people", "hand-over", &own])
        .is(3, "invalid_input")
        .field("seat");
    owner.does(&[
        "people",
        "hand-over",
        &other,
        "--become-role",
        "receptionist",
    ]);
    practice.meet();
    let roles: Vec<String> = {
        let people = manager.does(&["people", "list"]);
        let seats = people["seats"].as_array().unwrap().iter();
        let of = |id: &str| {
            let seat = seats.clone().find(|seat| seat["id"] == id).unwrap();
            seat["role"].as_str().unwrap().to_owned()
        };
        vec![of(&own), of(&other)]
    };
    assert_eq!(roles, ["receptionist", "owner"]);
    assert!(reads(manager, &client, NOTE), "an owner reads everything");
    assert!(!reads(owner, &client, NOTE));
    owner
        .refuses(&["people", "remove", &other])
        .is(6, "not_allowed");
    manager.does(&["policy", "--managers-read-clinical", "yes"]);
    settled(&practice);
}
