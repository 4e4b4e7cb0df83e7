//! A disk that is full: a clear error, nothing acknowledged is lost, and work goes on once there is
//! space. Needs a small tmpfs, so a system where tests may mount one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use serde_json::{Value, json};
use system_tests::process::{Desk, Relay, SmallDisk, found, id_of, monday};

fn clients(from: usize, count: usize) -> Vec<String> {
    (from..from + count)
        .map(|number| {
            let note = format!("{number:05} ").repeat(150);
            let client = json!({"type": "add_client", "name": format!("Client {number}"),
                "note": note});
            client.to_string()
        })
        .collect()
}

#[test]
fn a_home_on_a_full_disk_says_so_and_loses_nothing() {
    let place = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&place.path().join("disk"), 6) else {
        return;
    };
    let desk = Desk::new(disk.path(), "desk");
    found(&desk);
    disk.fill(96 * 1024);
    let mut answers = Vec::new();
    let mut burst = desk.burst(&[], &clients(0, 300));
    while let Some(answer) = burst.next() {
        answers.push(answer);
    }
    let (saved, refused): (Vec<&Value>, Vec<&Value>) = answers
        .iter()
        .partition(|answer| answer.get("ok").is_some());
    assert!(!saved.is_empty(), "some fit");
    assert!(refused.len() > 10, "and some do not");
    for answer in &refused {
        assert_eq!(answer["refused"]["code"], "disk_full", "{answer}");
        let help = answer["refused"]["help"].as_str().unwrap();
        assert!(help.contains("space"), "{help}");
    }
    // Opening works or says what is the matter; it never shows less than was saved.
    let said = desk.run(&["state"]);
    assert!([0, 14].contains(&said.code), "{said:?}");

    disk.free();
    let asks: Vec<String> = saved
        .iter()
        .map(|answer| {
            json!({"ask": {"type": "client", "client": id_of(&answer["ok"])}}).to_string()
        })
        .collect();
    for answer in desk.batch(&[], &asks) {
        assert!(answer.get("ok").is_some(), "{answer}");
    }
    for answer in desk.batch(&[], &clients(1000, 5)) {
        assert!(answer.get("ok").is_some(), "{answer}");
    }
    let listed = desk.does(&["client", "list", "--limit", "1000"]);
    assert_eq!(
        listed["total"],
        saved.len() + 5,
        "what was refused is not there"
    );
}

#[test]
fn a_relay_on_a_full_disk_takes_nothing_it_cannot_keep() {
    let place = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&place.path().join("disk"), 8) else {
        return;
    };
    let mut relay = Relay::start(&disk.path().join("relay"));
    let one = Desk::new(place.path(), "one");
    let two = Desk::new(place.path(), "two");
    found(&one);
    one.does(&["relay", &relay.address, "--ticket", &relay.ticket()]);
    let code = one.does(&["invite", "--role", "vet"]);
    two.does(&["join", code["code"].as_str().unwrap()]);
    two.sync();
    let before = monday().at(9, 0, 0, 0).to_string();
    one.does(&[
        "book",
        "--start",
        &before,
        "--staff",
        "Ann",
        "--minutes",
        "20",
        "--online",
    ]);
    disk.fill(24 * 1024);

    // The desk goes on: everything is saved here and waits to be sent.
    for answer in one.batch(&[], &clients(0, 120)) {
        assert!(answer.get("ok").is_some(), "{answer}");
    }
    let said = one.run(&["sync", "--timeout", "3"]);
    assert!([11, 12, 14].contains(&said.code), "{said:?}");
    let refusal: Value = serde_json::from_str(said.err.lines().last().unwrap()).unwrap();
    assert!(
        refusal["help"].as_str().unwrap().ends_with('.'),
        "{refusal}"
    );
    let waiting = one.state()["outbox"].as_u64().unwrap();
    assert!(waiting > 0, "what the relay cannot keep has no receipt");

    // It is killed as well, and comes back on the disk that is still full.
    relay.kill();
    let _ = relay.try_restart();
    disk.free();
    relay.kill_if_running();
    relay.restart();
    let first = one.sync();
    let second = two.sync();
    assert_eq!(first["outbox"], 0, "{first}");
    for hash in ["entries", "heads", "rendering"] {
        assert_eq!(one.sync()[hash], second[hash], "{hash}");
    }
    let listed = two.does(&["client", "list", "--limit", "1000"]);
    assert_eq!(listed["total"], 120);
    assert_eq!(second["confirmed"], 1, "{second}");
    assert!(relay.stop().success());
}
