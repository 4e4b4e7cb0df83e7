//! Programs that are killed in the middle of a burst: what was acknowledged is there afterwards.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::collections::BTreeSet;

use jiff::{ToSpan as _, civil::DateTime};
use serde_json::{Value, json};
use system_tests::process::{Burst, Desk, Practice, found, id_of, monday};

/// Bookings of ten minutes one after the other from a time on, each followed by the question how
/// it stands.
fn bookings(desk: &Desk, staff: &str, from: DateTime, count: i64) -> Vec<String> {
    let sites = desk.does(&["location", "list"]);
    let people = desk.does(&["staff", "list"]);
    let people = people.as_array().unwrap();
    let staff = people.iter().find(|known| known["name"] == staff).unwrap();
    let mut lines = Vec::new();
    for number in 0..count {
        let name = format!("visit{number}");
        let book = json!({"type": "book", "location": sites[0]["id"], "staff": staff["id"],
            "start": from.saturating_add((10 * number).minutes()), "minutes": 10});
        lines.push(json!({"as": name, "do": book}).to_string());
        let visit = json!({"type": "visit", "appointment": format!("${name}")});
        lines.push(json!({"ask": visit}).to_string());
    }
    lines
}

/// The visits that an answer shows as confirmed.
fn confirmed(answer: &Value) -> Option<String> {
    let visit = &answer["ok"]["visit"];
    (visit["standing"] == "confirmed").then(|| visit["id"].as_str().unwrap().to_owned())
}

/// Those of the visits that are confirmed on this desk.
fn confirmed_here(desk: &Desk, ids: &BTreeSet<String>) -> BTreeSet<String> {
    let lines: Vec<String> = ids
        .iter()
        .map(|id| json!({"ask": {"type": "visit", "appointment": id}}).to_string())
        .collect();
    desk.batch(&[], &lines)
        .iter()
        .filter_map(confirmed)
        .collect()
}

#[test]
fn a_relay_killed_in_a_burst_has_every_confirmed_booking() {
    let mut practice = Practice::open(3);
    let [one, two, witness] = practice.desks.clone().try_into().unwrap();
    one.does(&["staff", "add", "Bo", "--role", "vet"]);
    practice.agrees();
    let mut granted = BTreeSet::new();
    for round in 0..3 {
        let from = monday().at(0, 0, 0, 0).saturating_add((24 * round).hours());
        let lines = [
            bookings(&one, "Ann", from, 60),
            bookings(&two, "Bo", from, 60),
        ];
        let mut bursts: Vec<Burst> = vec![
            one.burst(&["--online"], &lines[0]),
            two.burst(&["--online"], &lines[1]),
        ];
        // Each killing comes a little later into the burst than the one before.
        let mut seen = BTreeSet::new();
        while seen.len() < 15 + 8 * usize::try_from(round).unwrap() {
            for burst in &mut bursts {
                let answer = burst.next().expect("the burst goes on");
                assert!(answer.get("ok").is_some(), "{answer}");
                seen.extend(confirmed(&answer));
            }
        }
        practice.relay.kill();
        // The desks go on: nobody at the front desk notices, but for the line of state. What they
        // were told until now counts, and so does what is told while the relay is away.
        for mut burst in bursts {
            let mut after = 0;
            while let Some(answer) = burst.next() {
                assert!(answer.get("ok").is_some(), "{answer}");
                seen.extend(confirmed(&answer));
                after += 1;
                if after == 40 {
                    break;
                }
            }
            seen.extend(burst.kill().iter().filter_map(confirmed));
        }
        granted.extend(seen);

        practice.relay.restart();
        // A desk that was not there learns it all from the relay alone.
        witness.sync();
        assert_eq!(confirmed_here(&witness, &granted), granted, "round {round}");
        let state = practice.agrees();
        assert_eq!(state["tentative"], 0, "{state}");
        assert_eq!(state["reviews"], 0, "{state}");
    }
    assert!(granted.len() >= 60, "{} were granted", granted.len());
    assert!(practice.relay.stop().success());
}

#[test]
fn a_desk_killed_in_a_burst_has_every_line_that_said_ok() {
    let place = tempfile::tempdir().unwrap();
    let desk = Desk::new(place.path(), "desk");
    found(&desk);
    let mut saved: Vec<(String, String)> = Vec::new();
    for round in 0..6_usize {
        let name = |number: usize| format!("Client {round}-{number}");
        let lines: Vec<String> = (0..400)
            .map(|number| json!({"type": "add_client", "name": name(number)}).to_string())
            .collect();
        let mut burst = desk.burst(&[], &lines);
        let mut answers = Vec::new();
        while answers.len() < 5 + 17 * round {
            answers.push(burst.next().expect("the burst goes on"));
        }
        answers.extend(burst.kill());
        assert!(answers.len() < lines.len(), "it was killed in the burst");
        for (number, answer) in answers.iter().enumerate() {
            saved.push((id_of(&answer["ok"]), name(number)));
        }
        // The lock of a process that is dead holds nobody up.
        let asks: Vec<String> = saved
            .iter()
            .map(|(id, _)| json!({"ask": {"type": "client", "client": id}}).to_string())
            .collect();
        for (answer, (id, name)) in desk.batch(&[], &asks).iter().zip(&saved) {
            let client = &answer["ok"]["client"];
            assert_eq!((&client["id"], &client["name"]), (&json!(id), &json!(name)));
        }
    }
    assert!(saved.len() > 200, "{}", saved.len());
}

#[test]
fn a_desk_killed_while_connected_catches_up_with_what_it_had_sent() {
    let practice = Practice::open(2);
    let [one, two] = practice.desks.as_slice() else {
        panic!("two desks");
    };
    let mut ids = BTreeSet::new();
    for round in 0..3_i64 {
        let from = monday().at(0, 0, 0, 0).saturating_add((24 * round).hours());
        let mut burst = one.burst(&["--online"], &bookings(one, "Ann", from, 100));
        let mut answers = Vec::new();
        while answers.len() < 12 + 14 * usize::try_from(round).unwrap() {
            answers.push(burst.next().expect("the burst goes on"));
        }
        answers.extend(burst.kill());
        let visits = answers
            .iter()
            .filter(|answer| answer["ok"]["visit"].is_object());
        ids.extend(visits.map(|answer| answer["ok"]["visit"]["id"].as_str().unwrap().to_owned()));
        let state = practice.agrees();
        assert_eq!(state["reviews"], 0, "{state}");
        assert_eq!(confirmed_here(two, &ids), ids, "round {round}");
    }
}
