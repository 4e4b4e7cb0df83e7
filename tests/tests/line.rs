//! The line, by the command line alone: desks that book with the cable cut, a relay that orders and
//! confirms, the same clash on every desk, and a person who settles it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::collections::BTreeSet;

use jiff::{
    ToSpan as _,
    civil::{Date, DateTime},
};
use serde_json::{Value, json};
use system_tests::process::{Desk, Practice, found, id_of, monday};

fn book(desk: &Desk, start: DateTime, minutes: u32) -> String {
    let (start, minutes) = (start.to_string(), minutes.to_string());
    id_of(&desk.does(&[
        "book",
        "--start",
        &start,
        "--staff",
        "Ann",
        "--minutes",
        &minutes,
    ]))
}

fn clashes(desk: &Desk) -> Vec<BTreeSet<String>> {
    let answer = desk.does(&["clashes"]);
    let all = answer["clashes"].as_array().unwrap().iter();
    let claims = |clash: &Value| {
        let claims = clash["claims"].as_array().unwrap().iter();
        claims.map(|id| id.as_str().unwrap().to_owned()).collect()
    };
    all.map(claims).collect()
}

fn set(ids: &[&String]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).clone()).collect()
}

fn reviews(desk: &Desk) -> Vec<Value> {
    let answer = desk.does(&["reviews"]);
    answer["reviews"].as_array().unwrap().clone()
}

fn standing(desk: &Desk, id: &str) -> String {
    let ask = json!({"ask": {"type": "visit", "appointment": id}}).to_string();
    let answer = desk.batch(&[], &[ask]);
    let standing = &answer[0]["ok"]["visit"]["standing"];
    standing
        .as_str()
        .unwrap_or_else(|| panic!("{answer:?}"))
        .to_owned()
}

fn at(day: Date, hour: i8, minute: i8) -> DateTime {
    day.at(hour, minute, 0, 0)
}

#[test]
fn three_desks_book_one_slot_cut_off_and_rejoin_in_every_order() {
    let practice = Practice::open(3);
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for (round, order) in orders.into_iter().enumerate() {
        let slot = at(monday(), 9 + i8::try_from(round).unwrap(), 0);
        let ids: Vec<String> = practice
            .desks
            .iter()
            .map(|desk| book(desk, slot, 30))
            .collect();
        for desk in order {
            practice.desks[desk].sync();
        }
        let state = practice.agrees();
        // One visit has the slot: that of whoever came first. The others wait for a person.
        for (place, desk) in order.into_iter().enumerate() {
            let granted = standing(&practice.desks[0], &ids[desk]) == "confirmed";
            assert_eq!(granted, place == 0, "order {order:?}, desk {desk}");
        }
        assert_eq!(state["confirmed"], round + 1, "{state}");
        for desk in &practice.desks {
            let found = clashes(desk);
            for (a, b) in [(0, 1), (0, 2), (1, 2)] {
                let pair = set(&[&ids[a], &ids[b]]);
                assert!(found.contains(&pair), "order {order:?}: {found:?}");
            }
            assert_eq!(found.len(), 3 * (round + 1), "order {order:?}");
            assert!(!reviews(desk).is_empty());
        }
    }
}

#[test]
fn a_vet_of_two_sites_is_never_confirmed_twice() {
    let practice = Practice::open(2);
    let [harbour, hill] = practice.desks.as_slice() else {
        panic!("two desks");
    };
    harbour.does(&["location", "add", "Hill", "--zone", "Atlantic/Azores"]);
    let all_day = "00:00-24:00";
    harbour.does(&[
        "hours",
        "Hill",
        "--weekdays",
        all_day,
        "--saturday",
        all_day,
        "--sunday",
        all_day,
    ]);
    harbour.does(&[
        "staff",
        "add",
        "Bo",
        "--role",
        "vet",
        "--location",
        "Harbour",
        "--location",
        "Hill",
    ]);
    practice.agrees();
    let book = |desk: &Desk, site: &str, start: DateTime, more: &[&str]| {
        let start = start.to_string();
        let visit = [
            "book",
            "--location",
            site,
            "--start",
            &start,
            "--staff",
            "Bo",
            "--minutes",
            "30",
        ];
        desk.run(&[&visit, more].concat())
    };
    let made = |said: system_tests::process::Said| -> String {
        assert_eq!(said.code, 0, "{said:?}");
        id_of(&serde_json::from_str(&said.out).unwrap())
    };

    // The Azores are an hour behind Lisbon: 09:10 there is 10:10 here.
    let one = made(book(harbour, "Harbour", at(monday(), 10, 0), &[]));
    let two = made(book(hill, "Hill", at(monday(), 9, 10), &[]));
    let apart = made(book(hill, "Hill", at(monday(), 10, 0), &[]));
    let state = practice.agrees();
    assert_eq!(clashes(harbour), [set(&[&one, &two])]);
    assert_eq!(state["reviews"], 1);
    assert_eq!(standing(hill, &one), "confirmed");
    assert_ne!(standing(hill, &two), "confirmed");
    assert_eq!(standing(hill, &apart), "confirmed");

    // Connected, both at once, again and again: one gets each hour, and the other is told so.
    let lines = |site: &str, minute: i8| -> Vec<String> {
        let practice: Value = harbour.does(&["location", "list"]);
        let sites = practice.as_array().unwrap().iter();
        let site = sites.clone().find(|known| known["name"] == site).unwrap();
        let behind = i64::from(site["zone"] == "Atlantic/Azores");
        let staff = harbour.does(&["staff", "list"]);
        let staff = staff.as_array().unwrap().iter();
        let bo = staff.clone().find(|known| known["name"] == "Bo").unwrap();
        let next_day = monday().tomorrow().unwrap();
        (0..12)
            .map(|hour| {
                let start = at(next_day, 6 + hour, minute).saturating_sub(behind.hours());
                json!({"type": "book", "location": site["id"], "staff": bo["id"],
                    "start": start, "minutes": 30})
                .to_string()
            })
            .collect()
    };
    let (here, there) = (lines("Harbour", 0), lines("Hill", 10));
    let mut first = harbour.burst(&["--online"], &here);
    let mut second = hill.burst(&["--online"], &there);
    for _ in 0..12 {
        let (one, two) = (first.next().unwrap(), second.next().unwrap());
        let taken = [&one, &two].into_iter().filter(|answer| {
            let refused = &answer["refused"];
            assert!(
                answer.get("ok").is_some() || refused["code"] == "slot_taken",
                "{answer}"
            );
            answer.get("ok").is_none()
        });
        // Alternatives are part of every such refusal.
        for answer in taken.clone() {
            let free = answer["refused"]["alternatives"].as_array();
            assert!(free.is_some_and(|free| !free.is_empty()), "{answer}");
        }
        assert_eq!(taken.count(), 1, "{one} {two}");
    }
    assert!(first.next().is_none() && second.next().is_none());
    let state = practice.agrees();
    assert_eq!(
        state["reviews"], 1,
        "made while connected, it is nobody's review: {state}"
    );
    assert_eq!(state["confirmed"], 2 + 12, "{state}");
}

#[test]
fn a_visit_over_sunday_midnight_clashes_on_both_sides_of_it() {
    let practice = Practice::open(2);
    let [one, two] = practice.desks.as_slice() else {
        panic!("two desks");
    };
    let sunday = monday().yesterday().unwrap();
    let night = book(one, at(sunday, 23, 30), 60);
    let before = book(two, at(sunday, 23, 0), 40);
    let after = book(two, at(monday(), 0, 15), 30);
    // Half-open: what begins when the night's visit ends is free.
    book(two, at(monday(), 0, 45), 30);
    practice.agrees();
    for desk in [one, two] {
        let found: BTreeSet<_> = clashes(desk).into_iter().collect();
        let expected = [set(&[&night, &before]), set(&[&night, &after])];
        assert_eq!(found, expected.into_iter().collect());
    }
}

#[test]
fn decided_stays_decided_when_another_of_its_visits_moves() {
    let practice = Practice::open(3);
    let [ann, bea, cat] = practice.desks.as_slice() else {
        panic!("three desks");
    };
    let nine = at(monday(), 9, 0);
    let a = book(ann, nine, 30);
    let b = book(bea, nine.saturating_add(10.minutes()), 30);
    let c = book(cat, nine.saturating_add(20.minutes()), 30);
    practice.agrees();
    assert_eq!(clashes(ann).len(), 3);
    assert!(!reviews(ann).is_empty());

    // One desk lets two stand and calls the third off to another time, with a reason.
    let noon = at(monday(), 12, 0);
    ann.does(&[
        "decide",
        "--allow-overlap",
        &format!("{a}+{b}"),
        "--move",
        &format!("{c}@{noon}"),
        "--reason",
        "Two littermates, one after the other",
    ]);
    practice.agrees();
    for desk in &practice.desks {
        assert_eq!(reviews(desk), Vec::<Value>::new());
    }

    // Another desk moves the third visit on: what was decided of the two others stands.
    cat.does(&["move", &c, "--start", &at(monday(), 15, 0).to_string()]);
    practice.agrees();
    for desk in &practice.desks {
        assert_eq!(reviews(desk), Vec::<Value>::new());
        let day = desk.does(&["day", &monday().to_string()]);
        let visits = day["visits"].as_array().unwrap();
        let starts: Vec<&str> = visits
            .iter()
            .map(|v| v["start"].as_str().unwrap())
            .collect();
        assert_eq!(
            starts,
            [
                nine.to_string(),
                nine.saturating_add(10.minutes()).to_string(),
                at(monday(), 15, 0).to_string()
            ]
        );
    }
}

#[test]
fn a_home_is_backed_up_wiped_restored_and_opened_with_the_words() {
    let place = tempfile::tempdir().unwrap();
    let desk = Desk::with_passphrase(place.path(), "desk", "correct horse battery");
    let founded = found(&desk);
    let words: Vec<&str> = founded["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect();
    assert_eq!(words.len(), 24);
    desk.does(&["client", "add", "Rosa Lima", "--phone", "+351 912 000 111"]);
    let nine = at(monday(), 9, 0).to_string();
    desk.does(&[
        "book",
        "--start",
        &nine,
        "--staff",
        "Ann",
        "--minutes",
        "20",
        "--client",
        "Rosa Lima",
    ]);
    let before = desk.state();
    let stick = place.path().join("stick");
    let backup = desk.does(&["backup", &stick.to_string_lossy()]);
    let backup = backup["file"].as_str().unwrap();
    assert!(desk.state()["backup_at"].is_string());

    // A home that holds a practice is not overwritten.
    desk.refuses(&["restore", backup]).is(7, "already_founded");

    std::fs::remove_dir_all(&desk.home).unwrap();
    desk.refuses(&["state"]).is(7, "no_practice");
    desk.does(&["restore", backup]);
    let restored = desk.state();
    for hash in ["entries", "heads", "clashes", "rendering", "outbox"] {
        assert_eq!(restored[hash], before[hash], "{hash}");
    }
    let found = desk.does(&["search", "912000111"]);
    assert_eq!(found["clients"][0]["name"], "Rosa Lima", "{found}");

    // The passphrase is forgotten: the words open the home, and set a new one.
    let forgotten = Desk::with_passphrase(place.path(), "desk", "something quite else");
    forgotten.refuses(&["state"]).is(9, "wrong_passphrase");
    let paper = place.path().join("paper");
    std::fs::write(&paper, words.join(" ")).unwrap();
    let paper = paper.to_string_lossy().into_owned();
    let mut swapped = words.clone();
    swapped.swap(0, 1);
    let wrong = place.path().join("wrong paper");
    std::fs::write(&wrong, swapped.join(" ")).unwrap();
    forgotten
        .refuses(&["recover", "--words-file", &wrong.to_string_lossy()])
        .is(9, "wrong_recovery_words");
    forgotten.does(&["recover", "--words-file", &paper]);
    assert_eq!(forgotten.state()["rendering"], before["rendering"]);

    // The words also open a restored copy on another machine.
    let other = Desk::with_passphrase(place.path(), "other", "a third passphrase");
    other.does(&["restore", backup]);
    other.does(&["recover", "--words-file", &paper]);
    assert_eq!(other.state()["rendering"], before["rendering"]);
}
