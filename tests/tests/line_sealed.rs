//! Marked text, typed at the desk, is nowhere in what the relay keeps, logs or carries, and nowhere
//! readable in the desk's own files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::{fs, path::Path};

use serde_json::json;
use sync_protocol::Frame;
use system_tests::process::{
    Canary, Desk, Proxy, Relay, Way, files_below, found, id_of, monday, seek,
};

/// One of each thing that is typed: what it is, and a text that occurs nowhere else.
const TYPED: &[(&str, &str)] = &[
    ("practice", "Zephyrwing Animal Harbour"),
    ("site", "Quillfeather Quay"),
    ("second site", "Umbralock Hill"),
    ("staff", "Doctor Wolframina Xu"),
    ("room", "Yttrium Theatre"),
    ("service", "Kestrelscan deluxe"),
    ("client", "Ørnulf Bjørkmandsen"),
    ("phone", "+351 977 314 159"),
    ("e-mail", "ornulf.canary@kvetch.example"),
    ("client note", "pays with krugerrands only"),
    ("pet", "Snorkelbert"),
    ("species", "axolotlish"),
    ("breed", "Mexicana grandiflora"),
    ("microchip", "985113009988776"),
    ("visit note", "limps since the jamboree"),
    ("block title", "dentist of the dentist"),
    ("cancel reason", "eloped with a ventriloquist"),
    ("double booking", "brought the neighbour's tortoise"),
    ("decision", "siblings from the same burrow"),
    ("review reason", "postponed for the eclipse"),
];

fn typed(what: &str) -> &'static str {
    TYPED.iter().find(|(known, _)| *known == what).unwrap().1
}

fn nothing_in(canaries: &[Canary], bytes: &[u8], place: &str) {
    assert_eq!(seek(canaries, bytes), [], "{place}");
}

fn nothing_below(canaries: &[Canary], folder: &Path) -> usize {
    let files = files_below(folder);
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy();
        nothing_in(canaries, name.as_bytes(), &name);
        let mut bytes = fs::read(file).unwrap();
        // sled lays its file out in advance; zeros hide nothing.
        while bytes.ends_with(&[0; 64]) {
            bytes.truncate(bytes.len() - 64);
        }
        nothing_in(canaries, &bytes, &file.display().to_string());
    }
    files.len()
}

#[test]
fn nothing_that_is_typed_can_be_read_at_the_relay_or_from_a_stolen_disk() {
    let place = tempfile::tempdir().unwrap();
    let mut relay = Relay::start_with(
        &place.path().join("relay"),
        "127.0.0.1:0",
        &["--log", "trace"],
    )
    .unwrap();
    let proxy = Proxy::start(relay.host());
    let one = Desk::new(place.path(), "one");
    let two = Desk::new(place.path(), "two");

    one.does(&[
        "found",
        "--practice",
        typed("practice"),
        "--location",
        typed("site"),
        "--zone",
        "Europe/Lisbon",
    ]);
    let ticket = relay.ticket();
    one.does(&["relay", &proxy.address, "--ticket", &ticket]);
    let code = one.does(&["invite", "--role", "vet"])["code"]
        .as_str()
        .unwrap()
        .to_owned();
    two.does(&["join", &code]);
    let day = |hour: i8| monday().at(hour, 0, 0, 0).to_string();
    let all_day = "00:00-24:00";
    one.does(&[
        "hours",
        typed("site"),
        "--weekdays",
        all_day,
        "--saturday",
        all_day,
        "--sunday",
        all_day,
    ]);
    let staff = id_of(&one.does(&["staff", "add", typed("staff"), "--role", "vet"]));
    one.does(&[
        "location",
        "add",
        typed("second site"),
        "--zone",
        "Europe/Lisbon",
    ]);
    let at = ["--location", typed("site")];
    one.does(&[&["room", "add", typed("room")], &at[..]].concat());
    one.does(&["service", "add", typed("service"), "--minutes", "30"]);
    let client = id_of(&one.does(&[
        "client",
        "add",
        typed("client"),
        "--phone",
        typed("phone"),
        "--email",
        typed("e-mail"),
        "--note",
        typed("client note"),
    ]));
    one.does(&[
        "pet",
        "add",
        "--client",
        &client,
        typed("pet"),
        "--species",
        typed("species"),
        "--breed",
        typed("breed"),
        "--microchip",
        typed("microchip"),
    ]);
    let book = |desk: &Desk, hour: i8, more: &[&str]| {
        let start = day(hour);
        let visit = [
            "book",
            "--start",
            &start,
            "--staff",
            &staff,
            "--service",
            typed("service"),
            "--client",
            &client,
        ];
        id_of(&desk.does(&[&visit, &at[..], more].concat()))
    };
    let first = book(
        &one,
        9,
        &["--pet", typed("pet"), "--note", typed("visit note")],
    );
    one.sync();
    two.sync();
    two.does(
        &[
            &[
                "book",
                "--start",
                &day(9),
                "--staff",
                &staff,
                "--minutes",
                "20",
                "--double-book",
                typed("double booking"),
            ],
            &at[..],
        ]
        .concat(),
    );
    let block = day(15);
    two.does(
        &[
            &[
                "block",
                "--resource",
                &staff,
                "--start",
                &block,
                "--minutes",
                "60",
                "--title",
                typed("block title"),
            ],
            &at[..],
        ]
        .concat(),
    );
    let gone = book(&two, 12, &[]);
    two.does(&["cancel", &gone, "--reason", typed("cancel reason")]);
    two.sync();
    one.sync();
    // Two that clash, decided with a reason; and two connected bookings for the traffic.
    let here = book(&one, 18, &[]);
    let there = book(&two, 18, &[]);
    one.sync();
    two.sync();
    one.sync();
    two.does(&[
        "decide",
        "--allow-overlap",
        &format!("{here}+{there}"),
        "--reason",
        typed("decision"),
    ]);
    one.does(&[
        "decide",
        "--keep",
        &first,
        "--reason",
        typed("review reason"),
    ]);
    book(&one, 19, &["--online"]);
    book(&two, 20, &["--online"]);
    one.sync();
    two.sync();

    // It was typed, it arrived, and it can be read with the keys.
    let ask = json!({"ask": {"type": "visit", "appointment": first}}).to_string();
    let visit = two.batch(&[], &[ask]);
    assert_eq!(
        visit[0]["ok"]["visit"]["details"]["note"],
        typed("visit note"),
        "{visit:?}"
    );
    let client = two.does(&["search", "977314159"]);
    assert_eq!(client["clients"][0]["name"], typed("client"), "{client}");
    assert!(relay.stop().success());

    let mut canaries: Vec<Canary> = TYPED.iter().map(|(_, text)| Canary::new(text)).collect();
    canaries.push(Canary::new("351977314159"));
    canaries.push(Canary::new("977314159"));

    // At rest, at the relay and at both desks.
    assert!(
        nothing_below(&canaries, &relay.data) >= 5,
        "the relay keeps files"
    );
    for desk in [&one, &two] {
        assert!(
            nothing_below(&canaries, &desk.home) >= 5,
            "a home has files"
        );
    }
    let log = relay.said();
    assert!(log.contains("founded"), "the log was written: {log}");
    nothing_in(&canaries, log.as_bytes(), "the relay's log");

    // On the way: each stream as it came, and each message without its mask.
    for stream in proxy.raw() {
        nothing_in(&canaries, &stream, "a stream");
    }
    let messages = proxy.messages();
    let (mut up, mut down, mut read) = (0, 0, 0);
    for (way, message) in &messages {
        nothing_in(&canaries, message, "a message");
        match way {
            Way::Up => up += message.len(),
            Way::Down => down += message.len(),
        }
        if let Ok(frame) = Frame::decode(message) {
            read += 1;
            // Packed once more by nobody: what a receiver unpacks has none either.
            nothing_in(&canaries, &frame.encode_plain(), "a frame");
        }
    }
    assert!(
        read > 40 && up > 10_000 && down > 10_000,
        "{read} frames, {up} up, {down} down"
    );

    // A backup is sealed as well.
    let backup = one.does(&["backup", &place.path().join("stick").to_string_lossy()]);
    let backup = fs::read(backup["file"].as_str().unwrap()).unwrap();
    nothing_in(&canaries, &backup, "the backup");
}

#[test]
fn refusals_and_errors_do_not_repeat_what_was_typed() {
    let place = tempfile::tempdir().unwrap();
    let desk = Desk::new(place.path(), "desk");
    found(&desk);
    let long = "Zephyrwing ".repeat(1000);
    for arguments in [
        &["client", "add", &long][..],
        &[
            "client",
            "add",
            "Zephyrwing",
            "--email",
            "not an address Zephyrwing",
        ],
        &[
            "book",
            "--start",
            "2031-01-06T09:00",
            "--staff",
            "Zephyrwing",
            "--minutes",
            "5",
        ],
        &["join", "ZEPHYRWING-ZEPHYRWING"],
    ] {
        let said = desk.run(arguments);
        assert_ne!(said.code, 0);
        let said = (said.out + &said.err).to_lowercase();
        assert!(!said.contains("zephyrwing"), "{said}");
    }
}
