//! Wrong codes, wrong keys, wrong clocks, wrong times: each gets a clear word and the way out, and
//! nothing is lost.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::{fs, path::Path};

use jiff::{ToSpan as _, civil::DateTime, tz::TimeZone};
use serde_json::{Value, json};
use system_tests::process::{
    Desk, Practice, Proxy, Relay, ZONE, ann_for, copy_folder, found, monday, today,
};

fn alone(place: &Path) -> Desk {
    let desk = Desk::new(place, "desk");
    found(&desk);
    desk
}

/// Refused, and what stood before still stands.
#[track_caller]
fn refused_without_a_trace(desk: &Desk, arguments: &[&str], exit: i32, code: &str) -> Value {
    let before = desk.state();
    let refused = desk.refuses(arguments);
    refused.is(exit, code);
    assert_eq!(desk.state()["entries"], before["entries"], "{arguments:?}");
    refused.value
}

#[test]
fn a_wrong_join_code() {
    let practice = Practice::open(1);
    let code = practice.desks[0].does(&["invite", "--role", "vet"]);
    let code = code["code"].as_str().unwrap();
    let desk = Desk::new(practice.path(), "new");
    let mistyped = if code.starts_with('G') { "H" } else { "G" }.to_owned() + &code[1..];
    for wrong in [
        "",
        "hello",
        "what?",
        &mistyped,
        &code[..code.len() - 6],
        &code.repeat(40),
    ] {
        desk.refuses(&["join", wrong])
            .is(10, "bad_join_code")
            .field("code");
    }
    desk.refuses(&["state"]).is(7, "no_practice");
    // As it was given, in small letters and without dashes, it works.
    desk.does(&["join", &code.to_lowercase().replace('-', "")]);
    desk.sync();
}

#[test]
fn a_used_join_code() {
    let practice = Practice::open(1);
    let code = practice.desks[0].does(&["invite", "--role", "vet"]);
    let code = code["code"].as_str().unwrap();
    Desk::new(practice.path(), "first").does(&["join", code]);
    let second = Desk::new(practice.path(), "second");
    second.refuses(&["join", code]).is(10, "invite_used");
    second.refuses(&["state"]).is(7, "no_practice");
}

#[test]
fn a_join_code_of_an_owner_whose_clock_is_a_month_behind() {
    let practice = Practice::open(1);
    let past = today().saturating_sub(30.days()).at(12, 0, 0, 0);
    let past = past.to_zoned(TimeZone::UTC).unwrap().timestamp();
    let owner = practice.desks[0].at(&past.to_string());
    let code = owner.does(&["invite", "--role", "vet", "--days", "1"]);
    // The relay's time is what counts, on both sides.
    let code = code["code"].as_str().unwrap();
    Desk::new(practice.path(), "new")
        .at(&past.to_string())
        .does(&["join", code]);
    for days in ["0", "31"] {
        let refused = owner.refuses(&["invite", "--role", "vet", "--days", days]);
        refused.is(3, "invalid_input").field("days");
    }
}

#[test]
fn a_relay_of_another_organisation() {
    let practice = Practice::open(1);
    // Another relay, with another key, takes the place of the one that is pinned.
    let mut practice = practice;
    practice.desks[0].does(&ann_for(&monday().at(9, 0, 0, 0).to_string(), "30"));
    assert!(practice.relay.stop().success());
    let other = Relay::start_with(&practice.path().join("other"), practice.relay.host(), &[]);
    let mut other = other.unwrap();
    let desk = &practice.desks[0];
    desk.refuses(&["sync"]).is(12, "wrong_relay");
    assert!(desk.state()["outbox"].as_u64().unwrap() > 0);
    assert!(other.stop().success());
    practice.relay.restart();
    practice.agrees();
}

#[test]
fn a_relay_that_does_not_know_the_practice() {
    let place = tempfile::tempdir().unwrap();
    let relay = Relay::start(&place.path().join("relay"));
    let desk = alone(place.path());
    desk.refuses(&["sync"]).is(11, "relay_unreachable");
    desk.refuses(&["relay", "http://127.0.0.1:1"])
        .is(3, "invalid_input")
        .field("address");
    desk.refuses(&["relay", "ws://127.0.0.1:1"])
        .is(11, "relay_unreachable");
    desk.refuses(&["relay", &relay.address])
        .is(12, "relay_refused");
    desk.refuses(&["relay", &relay.address, "--ticket", "ticket-made-up"])
        .is(12, "relay_refused");
    desk.does(&["relay", &relay.address, "--ticket", &relay.ticket()]);
    // A ticket founds one practice.
    let used = relay.ticket();
    let second = Desk::new(place.path(), "second");
    found(&second);
    second.does(&["relay", &relay.address, "--ticket", &used]);
    let third = Desk::new(place.path(), "third");
    found(&third);
    third
        .refuses(&["relay", &relay.address, "--ticket", &used])
        .is(12, "relay_refused");
    third.does(&ann_for(&monday().at(9, 0, 0, 0).to_string(), "30"));
}

#[test]
fn a_relay_that_is_not_there() {
    let mut practice = Practice::open(1);
    practice.relay.kill();
    let desk = &practice.desks[0];
    desk.refuses(&["sync", "--timeout", "1"])
        .is(11, "relay_unreachable");
    desk.does(&ann_for(&monday().at(9, 0, 0, 0).to_string(), "30"));
    practice.relay.restart();
    let state = practice.agrees();
    assert_eq!(state["confirmed"], 1);
}

#[test]
fn a_line_that_changes_what_it_carries() {
    let practice = Practice::open(2);
    let nine = monday().at(9, 0, 0, 0).to_string();
    practice.desks[0].does(&ann_for(&nine, "30"));
    // A key file and log of a desk that reaches its relay over a proxy that turns bits over, at
    // the address the relay had.
    let mut practice = practice;
    let host = practice.relay.host().to_owned();
    assert!(practice.relay.stop().success());
    let moved = Relay::start_with(&practice.relay.data, "127.0.0.1:0", &[]).unwrap();
    let bad = Proxy::mangling_at(&host, moved.host(), |_, mut message| {
        if message.len() > 200
            && let Some(byte) = message.last_mut()
        {
            *byte ^= 0x10;
        }
        vec![message]
    });
    let said = practice.desks[0].run(&["sync", "--timeout", "2"]);
    assert!([11, 12].contains(&said.code), "{said:?}");
    drop(bad);
    drop(moved);
    practice.relay.restart();
    let state = practice.agrees();
    assert_eq!(state["confirmed"], 1);
}

#[test]
fn a_home_of_a_newer_version() {
    let place = tempfile::tempdir().unwrap();
    let desk = alone(place.path());
    let newer = desk.moved(&place.path().join("newer"));
    copy_folder(&desk.home, &newer.home).unwrap();
    let keys = newer.home.join("keys");
    let mut bytes = fs::read(&keys).unwrap();
    let version = bytes.iter().position(|byte| *byte == 0).unwrap();
    bytes[version + 1] = 9;
    let content = bytes.len() - 32;
    let sum = blake3::derive_key("daybook/1 key file checksum", &bytes[..content]);
    bytes[content..].copy_from_slice(&sum);
    fs::write(&keys, bytes).unwrap();
    newer.refuses(&["state"]).is(13, "newer_version");

    // A backup by a newer program.
    let backup = desk.does(&["backup", &place.path().join("stick").to_string_lossy()]);
    let mut bytes = fs::read(backup["file"].as_str().unwrap()).unwrap();
    bytes[7] = 9;
    let newer = place.path().join("newer.backup");
    fs::write(&newer, &bytes).unwrap();
    let empty = Desk::new(place.path(), "empty");
    empty
        .refuses(&["restore", &newer.to_string_lossy()])
        .is(13, "newer_version");
    bytes[7] = 1;
    bytes[400] ^= 1;
    fs::write(&newer, &bytes).unwrap();
    empty
        .refuses(&["restore", &newer.to_string_lossy()])
        .is(13, "damaged");
    fs::write(&newer, b"Dear diary").unwrap();
    let refused = empty.refuses(&["restore", &newer.to_string_lossy()]);
    assert!([3, 13].contains(&refused.exit), "{refused:?}");
    empty
        .refuses(&["restore", "no such file"])
        .is(3, "not_found")
        .field("file");
    desk.does(&ann_for(&monday().at(9, 0, 0, 0).to_string(), "30"));
}

#[test]
fn a_wrong_passphrase() {
    let place = tempfile::tempdir().unwrap();
    let desk = Desk::with_passphrase(place.path(), "desk", "four words are easy");
    found(&desk);
    let wrong = Desk::with_passphrase(place.path(), "desk", "four words are hard");
    wrong
        .refuses(&["state"])
        .is(9, "wrong_passphrase")
        .field("passphrase");
    Desk::with_passphrase(place.path(), "desk", "")
        .refuses(&["state"])
        .is(9, "wrong_passphrase");
    Desk::new(place.path(), "desk")
        .refuses(&["state"])
        .is(9, "locked");
    Desk::with_passphrase(place.path(), "other", "short")
        .refuses(&[
            "found",
            "--practice",
            "A",
            "--location",
            "B",
            "--zone",
            ZONE,
        ])
        .is(3, "invalid_input")
        .field("passphrase");
    let right = Desk::with_passphrase(place.path(), "desk", "four words are easy");
    right.state();
}

#[test]
fn a_clock_ten_years_off() {
    let practice = Practice::open(2);
    let start = monday().at(9, 0, 0, 0).to_string();
    for (years, hour) in [(10, 9), (-10, 11)] {
        let off = today().saturating_add(years.years()).at(12, 0, 0, 0);
        let off = off.to_zoned(TimeZone::UTC).unwrap().timestamp().to_string();
        let desk = practice.desks[1].at(&off);
        // The relay's word corrects it; the desk says that the clock is off, and goes on.
        let state = desk.sync();
        let offset = state["clock_offset"].as_i64().unwrap();
        assert!(offset.abs() > 9 * 365 * 24 * 3600, "{state}");
        let start = monday().at(hour, 0, 0, 0).to_string();
        let command = [&ann_for(&start, "30")[..], &["--despite-warnings"]].concat();
        let reply = desk.does(&command);
        let warnings = reply["warnings"].to_string();
        assert!(
            warnings.contains("clock_off")
                || warnings.contains("in_the_past")
                || warnings.contains("far_ahead"),
            "{reply}"
        );
        desk.sync();
    }
    practice.agrees();
    let day = practice.desks[0].does(&["day", &monday().to_string()]);
    let visits = day["visits"].as_array().unwrap();
    assert_eq!(visits.len(), 2, "{day}");
    assert_eq!(visits[0]["start"], json!(start));
    assert!(
        visits.iter().all(|visit| visit["standing"] == "confirmed"),
        "{day}"
    );
}

#[test]
fn bookings_that_end_before_they_start_or_make_no_sense() {
    let place = tempfile::tempdir().unwrap();
    let desk = alone(place.path());
    let nine = monday().at(9, 0, 0, 0).to_string();
    let refused = refused_without_a_trace(&desk, &ann_for(&nine, "0"), 3, "invalid_input");
    assert_eq!(refused["field"], "minutes");
    refused_without_a_trace(&desk, &ann_for(&nine, "999999"), 3, "invalid_input");
    refused_without_a_trace(
        &desk,
        &ann_for("9000-01-01T09:00", "30"),
        3,
        "invalid_input",
    );
    let seconds = monday().at(9, 0, 1, 0).to_string();
    refused_without_a_trace(&desk, &ann_for(&seconds, "30"), 3, "invalid_input");
    for wrong in ["-30", "half an hour", ""] {
        assert_eq!(desk.run(&ann_for(&nine, wrong)).code, 2, "{wrong}");
    }
    assert_eq!(desk.run(&ann_for("tomorrow", "30")).code, 2);
    let unknown = [
        "book",
        "--start",
        &nine,
        "--staff",
        "Nobody",
        "--minutes",
        "5",
    ];
    refused_without_a_trace(&desk, &unknown, 3, "not_found");
    let hours = ["hours", "Harbour", "--weekdays", "18:00-08:00"];
    refused_without_a_trace(&desk, &hours, 3, "invalid_input");
    let lines = [
        "{}",
        "[]",
        "not json",
        r#"{"type":"book"}"#,
        r#"{"ask":{"type":"all"}}"#,
        r#"{"type":"cancel","appointment":"$nobody"}"#,
    ];
    for line in lines {
        let answer = desk.batch(&[], &[line.to_owned()]);
        assert_eq!(
            answer[0]["refused"]["code"], "invalid_input",
            "{line}: {answer:?}"
        );
    }
}

#[test]
fn a_booking_in_the_past_or_far_ahead() {
    let place = tempfile::tempdir().unwrap();
    let desk = alone(place.path());
    let past = today().saturating_sub(3.days()).at(9, 0, 0, 0).to_string();
    desk.refuses(&ann_for(&past, "30"))
        .is(5, "needs_confirmation")
        .warns("in_the_past");
    let ahead = today().saturating_add(4.years()).at(9, 0, 0, 0).to_string();
    desk.refuses(&ann_for(&ahead, "30"))
        .is(5, "needs_confirmation")
        .warns("far_ahead");
    let anyway = [&ann_for(&past, "30")[..], &["--despite-warnings"]].concat();
    let reply = desk.does(&anyway);
    assert_eq!(reply["warnings"], json!(["in_the_past"]));
}

#[test]
fn a_booking_on_a_closed_day() {
    let place = tempfile::tempdir().unwrap();
    let desk = alone(place.path());
    let (open, closed) = (monday(), monday().tomorrow().unwrap());
    desk.does(&[
        "hours",
        "Harbour",
        "--weekdays",
        "09:00-13:00,14:00-18:00",
        "--closed",
        &closed.to_string(),
    ]);
    let at = |day: jiff::civil::Date, hour: i8| day.at(hour, 0, 0, 0).to_string();
    desk.refuses(&ann_for(&at(closed, 10), "30"))
        .is(5, "needs_confirmation")
        .warns("site_closed");
    desk.refuses(&ann_for(&at(open, 20), "30"))
        .is(5, "needs_confirmation");
    desk.refuses(&ann_for(&at(open, 12), "90"))
        .is(5, "needs_confirmation");
    desk.does(&ann_for(&at(open, 12), "60"));
    let saturday = open.saturating_add(5.days());
    desk.refuses(&ann_for(&at(saturday, 10), "30"))
        .is(5, "needs_confirmation");
    let at_ten = at(closed, 10);
    let anyway = [&ann_for(&at_ten, "30")[..], &["--despite-warnings"]].concat();
    desk.does(&anyway);
    let free = desk.does(&[
        "free",
        "--minutes",
        "30",
        "--from",
        &at(closed, 0),
        "--days",
        "1",
    ]);
    assert_eq!(free["slots"], json!([]), "{free}");
}

/// The next clock change at the practice, from winter to summer time or back: the day, and the
/// first minute of the hour that is skipped or repeated.
fn clock_change(summer: bool) -> DateTime {
    let zone = TimeZone::get(ZONE).unwrap();
    let from = today()
        .saturating_add(1.days())
        .to_zoned(zone.clone())
        .unwrap()
        .timestamp();
    let change = zone
        .following(from)
        .find(|change| change.dst().is_dst() == summer)
        .unwrap();
    let before = change.timestamp().saturating_sub(1.seconds()).unwrap();
    let (before, after) = (
        zone.to_datetime(before),
        zone.to_datetime(change.timestamp()),
    );
    if summer {
        before.saturating_add(1.seconds())
    } else {
        after
    }
}

#[test]
fn a_booking_in_the_hour_that_the_clock_change_skips() {
    let place = tempfile::tempdir().unwrap();
    let desk = alone(place.path());
    let gap = clock_change(true).saturating_add(30.minutes());
    let gap_text = gap.to_string();
    let refused =
        refused_without_a_trace(&desk, &ann_for(&gap_text, "30"), 3, "time_does_not_exist");
    assert_eq!(refused["field"], "start");
    // Across it a visit is as long as it is.
    let before = gap.saturating_sub(60.minutes()).to_string();
    desk.does(&ann_for(&before, "60"));
    let day = desk.does(&["day", &gap.date().to_string()]);
    assert_eq!(day["minutes"], 23 * 60);
    assert_eq!(
        day["visits"][0]["end"],
        json!(gap.saturating_add(60.minutes())),
        "{day}"
    );
}

#[test]
fn a_booking_in_the_hour_that_occurs_twice() {
    let place = tempfile::tempdir().unwrap();
    let desk = alone(place.path());
    let fold = clock_change(false).saturating_add(30.minutes());
    let reply = desk.does(&ann_for(&fold.to_string(), "60"));
    assert_eq!(reply["warnings"], json!(["clock_changes_twice"]));
    let day = desk.does(&["day", &fold.date().to_string()]);
    assert_eq!(day["minutes"], 25 * 60);
    let visit = &day["visits"][0];
    assert_eq!(
        (&visit["start"], &visit["end"]),
        (&json!(fold), &json!(fold)),
        "{day}"
    );
}

#[test]
fn ten_thousand_characters() {
    let place = tempfile::tempdir().unwrap();
    let desk = alone(place.path());
    let long = "ж".repeat(10_000);
    let nine = monday().at(9, 0, 0, 0).to_string();
    for (field, arguments) in [
        ("name", &["client", "add", &long][..]),
        ("note", &["client", "add", "Rosa", "--note", &long]),
        ("phones", &["client", "add", "Rosa", "--phone", &long]),
        ("email", &["client", "add", "Rosa", "--email", &long]),
        ("name", &["staff", "add", &long, "--role", "vet"]),
        ("name", &["service", "add", &long, "--minutes", "5"]),
        ("name", &["room", "add", &long]),
        ("name", &["location", "add", &long, "--zone", ZONE]),
        (
            "note",
            &[&ann_for(&nine, "5")[..], &["--note", &long]].concat(),
        ),
        (
            "title",
            &[
                "block",
                "--resource",
                "Ann",
                "--start",
                &nine,
                "--minutes",
                "5",
                "--title",
                &long,
            ],
        ),
    ] {
        let refused = refused_without_a_trace(&desk, arguments, 3, "invalid_input");
        assert_eq!(refused["field"], field, "{}", arguments[0]);
        assert!(
            refused.to_string().len() < 1000,
            "a refusal does not repeat it"
        );
    }
    // As much as fits is kept to the last letter.
    let note = "ж".repeat(8_000);
    desk.does(&["client", "add", "Rosa", "--note", &note]);
    let id = desk.does(&["search", "Rosa"])["clients"][0]["id"].clone();
    let ask = json!({"ask": {"type": "client", "client": id}}).to_string();
    assert_eq!(desk.batch(&[], &[ask])[0]["ok"]["note"], json!(note));
}

#[test]
fn a_home_in_use() {
    let practice = Practice::open(1);
    let desk = &practice.desks[0];
    let mut burst = desk.burst(
        &["--online"],
        &[json!({"ask": {"type": "state"}}).to_string()],
    );
    // Its first answer shows that it has the home; it ends when its input does, so another one
    // that waits for input holds it.
    burst.next().unwrap();
    drop(burst);
    let mut watch = desk.watch();
    watch.next().unwrap();
    desk.refuses(&["state"]).is(8, "home_in_use");
    desk.refuses(&[
        "found",
        "--practice",
        "A",
        "--location",
        "B",
        "--zone",
        ZONE,
    ])
    .is(8, "home_in_use");
    watch.kill();
    desk.state();
    desk.refuses(&[
        "found",
        "--practice",
        "A",
        "--location",
        "B",
        "--zone",
        ZONE,
    ])
    .is(7, "already_founded");
}
