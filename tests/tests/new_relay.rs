//! A relay is gone with its disk: another takes its place within minutes, and every booking is there.

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
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;
use system_tests::process::{Desk, Practice, Relay, book_ann, monday, sync_server};

/// The key of a relay that has not run yet.
fn key_in(folder: &Path) -> String {
    let output = Command::new(sync_server())
        .args(["key", "--data"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn lose(relay: &mut Relay) {
    relay.kill();
    fs::remove_dir_all(&relay.data).unwrap();
}

/// Everything is confirmed and sent, and all desks show the same.
fn all_is_there(practice: &Practice, visits: u64) -> Vec<Value> {
    let states = practice.meet();
    for state in &states {
        for hash in ["entries", "heads", "clashes", "rendering"] {
            assert_eq!(state[hash], states[0][hash], "{hash}: {states:#?}");
        }
        assert_eq!(state["outbox"], 0, "{state:#}");
        let live = state["confirmed"].as_u64().unwrap() + state["tentative"].as_u64().unwrap();
        assert_eq!(live, visits, "{state:#}");
    }
    states
}

fn all_is_confirmed(practice: &Practice, visits: u64) {
    practice.desks[0].does(&["relay-restored"]);
    for state in all_is_there(practice, visits) {
        assert_eq!(state["confirmed"], visits, "{state:#}");
    }
}

/// A newcomer holds the same documents; what the lost relay had confirmed only the others hold.
fn go_on_with_a_newcomer(practice: &Practice, visits: u64) {
    let states = practice.meet();
    for state in &states {
        for hash in ["heads", "clashes"] {
            assert_eq!(state[hash], states[0][hash], "{hash}: {states:#?}");
        }
        assert_eq!(state["confirmed"], visits, "{state:#}");
        assert_eq!(state["alarms"], serde_json::json!([]), "{state:#}");
    }
}

#[test]
fn a_new_relay_with_the_spare_key_is_in_service_within_minutes() {
    let mut practice = Practice::open(3);
    let spare = practice.path().join("spare");
    let key = key_in(&spare);
    let [owner, vet, away] = practice.desks.clone().try_into().unwrap();

    // Only an owner names it, and only a key.
    vet.refuses(&["relay-standby", &key]).is(6, "not_allowed");
    owner
        .refuses(&["relay-standby", "beef"])
        .is(3, "invalid_input")
        .field("key");
    let own = key_in(&practice.relay.data);
    owner
        .refuses(&["relay-standby", &own])
        .is(3, "invalid_input");
    let status = owner.does(&["relay-standby", &key]);
    assert_eq!(status["standby"], key.as_str(), "{status}");
    // Naming it again does no harm.
    owner.does(&["relay-standby", &key]);

    let mut visits: Vec<String> = (6..10).map(|hour| book_ann(&owner, hour)).collect();
    visits.push(book_ann(&vet, 11));
    practice.agrees();
    // Not sent when the relay goes, and the last desk does not even know of the spare key's use.
    visits.push(book_ann(&away, 13));
    lose(&mut practice.relay);
    visits.push(book_ann(&vet, 15));
    owner
        .refuses(&["sync", "--timeout", "1"])
        .is(11, "relay_unreachable");

    let began = Instant::now();
    let new = Relay::start(&spare);
    let ticket = new.ticket();
    let address = new.address.clone();
    practice.relay = new;
    let status = owner.does(&["relay", &address, "--ticket", &ticket]);
    assert_eq!(status["relay"], address.as_str(), "{status}");
    // It acts now; another spare is to be named.
    assert!(status.get("standby").is_none(), "{status}");
    for desk in [&vet, &away] {
        let status = desk.does(&["relay", &address]);
        assert_eq!(status["relay"], address.as_str(), "{status}");
    }
    let count = visits.len() as u64;
    all_is_there(&practice, count);
    let back = began.elapsed();
    println!(
        "new relay on an empty disk: 3 desks and {count} visits back in step after {:.1} s",
        back.as_secs_f64()
    );
    assert!(back < Duration::from_mins(5), "{back:?}");
    // Until an owner agrees everybody is told why new visits stay tentative, and who ends it.
    for (desk, may) in [(&owner, true), (&vet, false)] {
        let alarms = desk.does(&["alarms"]);
        assert_eq!(alarms[0]["code"], "relay_restored", "{alarms}");
        assert_eq!(alarms[0]["may_approve"], may, "{alarms}");
        for part in ["title", "what", "doing", "you", "since"] {
            assert!(!alarms[0][part].as_str().unwrap().is_empty(), "{alarms}");
        }
    }
    all_is_confirmed(&practice, count);
    for visit in &visits {
        let day = practice.desks[2].does(&["day", &monday().to_string()]);
        assert!(day.to_string().contains(visit.as_str()), "{visit}: {day}");
    }

    // The practice goes on there: newcomers, bookings, and the next spare.
    let next = key_in(&practice.path().join("next"));
    owner.does(&["relay-standby", &next]);
    let fresh = practice.join("receptionist");
    visits.push(book_ann(&fresh, 17));
    go_on_with_a_newcomer(&practice, visits.len() as u64);
}

#[test]
fn while_the_owner_is_away_the_others_follow_a_relay_that_moved() {
    let mut practice = Practice::open(3);
    let [owner, vet, other] = practice.desks.clone().try_into().unwrap();
    book_ann(&owner, 8);
    practice.agrees();
    let old = practice.relay.address.clone();
    assert!(practice.relay.stop().success());
    let moved = Relay::start(&practice.relay.data);
    let address = moved.address.clone();
    practice.relay = moved;
    for desk in [&vet, &other] {
        desk.does(&["relay", &address]);
        // Nobody but an owner changes the pin, and it is found all the same.
        assert_eq!(desk.state()["relay"], old.as_str());
    }
    book_ann(&vet, 9);
    vet.sync();
    other.sync();
    let day = other.does(&["day", &monday().to_string()]);
    assert_eq!(day["visits"].as_array().map(Vec::len), Some(2), "{day}");
    owner.does(&["relay", &address]);
    let state = practice.agrees();
    assert_eq!(
        (&state["relay"], state["confirmed"].as_u64()),
        (&serde_json::json!(address), Some(2))
    );
}

#[test]
fn without_a_spare_key_an_owner_names_the_new_one_and_the_others_follow_her_act() {
    let mut practice = Practice::open(3);
    let [owner, vet, other] = practice.desks.clone().try_into().unwrap();
    book_ann(&owner, 8);
    book_ann(&vet, 9);
    practice.agrees();
    let folder = practice.path().join("other");
    let key = key_in(&folder);
    let new = Relay::start(&folder);
    let (ticket, address) = (new.ticket(), new.address.clone());
    let named = ["relay", &address, "--ticket", &ticket, "--replace", &key];

    // Two relays would go two ways.
    owner.refuses(&named).is(12, "wrong_relay").field("replace");
    lose(&mut practice.relay);
    // A stranger is not trusted for its address, with a ticket or without, and learns nothing.
    owner.refuses(&["relay", &address]).is(12, "relay_refused");
    owner
        .refuses(&["relay", &address, "--ticket", &ticket])
        .is(12, "relay_refused");
    assert!(!new.tool(&["org", "list"]).1.contains("org_"));
    // Nor for a key that is not its own, nor by anybody but an owner.
    let wrong = key_in(&practice.path().join("wrong"));
    owner
        .refuses(&["relay", &address, "--ticket", &ticket, "--replace", &wrong])
        .is(12, "wrong_relay");
    vet.refuses(&named).is(6, "not_allowed");
    book_ann(&other, 10);

    let status = owner.does(&named);
    assert_eq!(status["relay"], address.as_str(), "{status}");
    // The others need the address alone: the owner's act is in the chain there.
    for desk in [&vet, &other] {
        let status = desk.does(&["relay", &address]);
        assert_eq!(status["relay"], address.as_str(), "{status}");
    }
    practice.relay = new;
    all_is_there(&practice, 3);
    all_is_confirmed(&practice, 3);
    practice.join("vet");
    go_on_with_a_newcomer(&practice, 3);
}

#[test]
fn any_device_of_the_practice_fills_an_empty_relay_when_the_founding_one_is_gone() {
    let mut practice = Practice::open(2);
    let second = practice.join("owner");
    let [founder, vet] = [practice.desks[0].clone(), practice.desks[1].clone()];
    let mut visits: Vec<String> = (6..9).map(|hour| book_ann(&founder, hour)).collect();
    visits.push(book_ann(&vet, 10));
    practice.agrees();
    visits.push(book_ann(&second, 12));

    // The founding computer burns together with the relay.
    fs::remove_dir_all(&founder.home).unwrap();
    practice.desks.remove(0);
    lose(&mut practice.relay);

    let began = Instant::now();
    let folder = practice.path().join("new");
    let key = key_in(&folder);
    let new = Relay::start(&folder);
    let address = new.address.clone();
    let named = |ticket: &str| {
        let ticket = ticket.to_owned();
        [
            "relay",
            &address,
            "--replace",
            &key,
            "--ticket",
            ticket.as_str(),
        ]
        .map(str::to_owned)
    };
    // A ticket that is none opens nothing, and says that it is the ticket.
    let words = named("ticket-0000");
    let refused = second.refuses(&words.each_ref().map(String::as_str));
    assert!(
        refused
            .is(12, "relay_refused")
            .value
            .to_string()
            .contains("ticket")
    );
    assert!(!new.tool(&["org", "list"]).1.contains("org_"));

    let ticket = new.ticket();
    practice.relay = new;
    second.does(&["relay", &address, "--ticket", &ticket]);
    vet.does(&["relay", &address]);
    let count = visits.len() as u64;
    // The second owner is the first desk of the list now: it approves.
    practice.desks.swap(0, 1);
    all_is_there(&practice, count);
    println!(
        "new relay brought into service by the second device: {count} visits back after {:.1} s",
        began.elapsed().as_secs_f64()
    );
    all_is_confirmed(&practice, count);
    let code = second.does(&["invite", "--role", "receptionist"]);
    let fresh = Desk::new(practice.path(), "fresh");
    fresh.does(&["join", code["code"].as_str().unwrap()]);
    practice.desks.push(fresh);
    go_on_with_a_newcomer(&practice, count);
}
