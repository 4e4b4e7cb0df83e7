//! What a client may ask for, with the real programs: everything that is kept, in files that hold
//! it all, and nothing that whoever writes them may not read.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::{fs, path::Path};

use serde_json::Value;
use system_tests::process::{Desk, Practice, ann_at, book_ann_with, id_of, monday, note_in};

const FILES: [&str; 5] = [
    "client.json",
    "visits.csv",
    "notes.csv",
    "client.html",
    "client.pdf",
];
const MURMUR: &str = "Systolic murmur over the tricuspid harbour";
const AWKWARD: &str = "Überängstlich, says \"ouch\" & <b>bites</b>\nthen hides";
const FORMULA: &str = "=HYPERLINK(\"http://example.org\")";

/// Reads a table again by the rules of RFC 4180.
fn cells(table: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    let mut rest = table.strip_prefix('\u{feff}').unwrap().chars().peekable();
    while let Some(sign) = rest.next() {
        let row = rows.last_mut().unwrap();
        match sign {
            '"' if quoted && rest.peek() == Some(&'"') => {
                row.last_mut().unwrap().push(rest.next().unwrap());
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\r' if !quoted => assert_eq!(rest.peek(), Some(&'\n')),
            '\n' if !quoted => rows.push(vec![String::new()]),
            _ => row.last_mut().unwrap().push(sign),
        }
    }
    assert_eq!(rows.pop(), Some(vec![String::new()]), "ends with a line");
    rows
}

fn export(desk: &Desk, client: &str, folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let reply = desk.does(&["export", client, "--folder", folder]);
    assert_eq!(reply["type"], "exported");
    let names: Vec<&str> = reply["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert_eq!(names, FILES);
    let written = Path::new(reply["folder"].as_str().unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(written), 0o700);
        assert!(FILES.iter().all(|name| mode(&written.join(name)) == 0o600));
    }
    assert_eq!(fs::read_dir(written).unwrap().count(), FILES.len());
    // The letters of a PDF are read in its own test.
    let read =
        |name: &&str| String::from_utf8_lossy(&fs::read(written.join(name)).unwrap()).into_owned();
    FILES.iter().map(read).collect()
}

#[test]
fn a_client_is_handed_all_that_the_writer_may_read_and_nobody_elses_data() {
    let mut practice = Practice::open(1);
    let owner = practice.desks[0].clone();
    let groomer = practice.join("groomer");
    let client = id_of(&owner.does(&["client", "add", "Ilse Quint", "--phone", "600 300 100"]));
    owner.does(&["client", "add", "Somebody Else"]);
    let pet = id_of(&owner.does(&["pet", "add", "--client", &client, "Kasimir"]));
    let visit = book_ann_with(&owner, 9, &["--client", &client, "--pet", &pet]);
    owner.does(&["cancel", &visit, "--reason", "Measles at home"]);
    let add = |card: &str, text: &str| id_of(&owner.does(&note_in(card, &pet, text)));
    add("clinical", MURMUR);
    add("handling", AWKWARD);
    let formula = add("grooming", FORMULA);
    owner.does(&[
        "card", "withdraw", "--pet", &pet, "--in", "grooming", &formula,
    ]);
    practice.meet();
    practice.meet();

    let place = practice.path().join("handed over");
    fs::create_dir(&place).unwrap();
    let files = export(&owner, "Ilse Quint", &place);
    let json: Value = serde_json::from_str(&files[0]).unwrap();
    assert_eq!(
        json["left_out"].as_array().map(Vec::len),
        Some(0),
        "{json:#}"
    );
    assert_eq!(json["client"]["name"], "Ilse Quint");
    assert_eq!(json["client"]["pets"][0]["name"], "Kasimir");
    assert_eq!(json["visits"][0]["with"][0], "Ann");
    assert_eq!(json["visits"][0]["reasons"][0], "Measles at home");
    for text in [MURMUR, "Überängstlich, says \\\"ouch\\\"", "withdrawn_by"] {
        assert!(files[0].contains(text), "{text}: {}", files[0]);
    }
    let exported = "Exported the clinical card of Kasimir";
    assert_eq!(json["history"][0]["what"][0]["text"], exported);
    for file in &files {
        assert!(!file.contains("Somebody Else"), "{file}");
    }

    let visits = cells(&files[1]);
    assert_eq!(visits.len(), 2);
    assert_eq!(visits[1][0], visit);
    assert_eq!(
        (&*visits[1][4], &*visits[1][9]),
        ("cancelled", "Measles at home")
    );
    let notes = cells(&files[2]);
    assert!(
        notes.iter().all(|row| row.len() == notes[0].len()),
        "{notes:?}"
    );
    let of = |kind: &str| notes.iter().find(|row| row[1] == kind).unwrap();
    assert_eq!(of("handling")[4], AWKWARD);
    assert_eq!(of("clinical")[4], MURMUR);
    assert_eq!(of("grooming")[4], format!("'{FORMULA}"), "no formula");
    assert!(!of("grooming")[5].is_empty(), "withdrawn");

    let page = &files[3];
    assert!(page.contains("Überängstlich, says &quot;ouch&quot; &amp; &lt;b&gt;bites&lt;/b&gt;"));
    assert!(!page.contains("<b>") && page.contains(MURMUR) && page.contains(exported));

    // Nothing is written over, and a folder that is not there is not made.
    let again = owner.refuses(&["export", &client, "--folder", place.to_str().unwrap()]);
    again.is(3, "invalid_input").field("folder");
    let nowhere = practice.path().join("nowhere");
    owner
        .refuses(&["export", &client, "--folder", nowhere.to_str().unwrap()])
        .is(3, "invalid_input")
        .field("folder");
    assert!(!nowhere.exists());
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1, "no half of one");

    // The groomer has no key to clinical notes, so none goes out, and that is said.
    let place = practice.path().join("by the groomer");
    fs::create_dir(&place).unwrap();
    let files = export(&groomer, &client, &place);
    for file in &files {
        assert!(!file.contains(MURMUR), "{file}");
    }
    assert!(files[2].contains("Überängstlich"));
    for file in [&files[0], &files[3]] {
        for kind in ["clinical", "payments"] {
            let said = format!("{kind} records: the seat that wrote this may not read them.");
            assert!(file.contains(&said), "{file}");
        }
    }

    // A client who is gone is told to be gone.
    let gone = id_of(&owner.does(&["client", "add", "Gone Soon"]));
    let act = owner.does(&[
        "erase",
        &gone,
        "--basis",
        "request",
        "--confirm",
        "Gone Soon",
    ]);
    let refused = owner.refuses(&["export", &gone, "--folder", place.to_str().unwrap()]);
    refused.is(3, "not_found").field("client");
    let said = refused.value["message"].as_str().unwrap();
    assert!(said.starts_with("This client was erased on "), "{said}");
    let help = refused.value["help"].as_str().unwrap();
    assert!(help.contains(act["id"].as_str().unwrap()), "{help}");

    // Who else may read clinical records is told of the export.
    let audit = owner.does(&["audit", "--of", &pet]);
    let rows = audit["rows"].as_array().unwrap();
    let named = rows.iter().filter(|row| row["what"][0]["text"] == exported);
    assert_eq!(named.count(), 1, "{audit:#}");
}

/// `DAYBOOK_VISITS=2000 DAYBOOK_NOTES=1000` for the figure of docs/measurements.md.
#[test]
#[allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it takes the time"
)]
fn a_long_history_is_exported_whole_within_a_minute() {
    let number = |name: &str, usual: usize| {
        let set = std::env::var(name).ok().and_then(|text| text.parse().ok());
        set.unwrap_or(usual)
    };
    let (visits, notes) = (number("DAYBOOK_VISITS", 40), number("DAYBOOK_NOTES", 40));
    let practice = Practice::open(1);
    let owner = &practice.desks[0];
    let client = id_of(&owner.does(&["client", "add", "Ilse Quint"]));
    let view = owner.does(&["staff", "list"]);
    let staff = view[0]["id"].as_str().unwrap();
    let sites = owner.does(&["location", "list"]);
    let site = sites[0]["id"].as_str().unwrap();
    let mut lines = Vec::new();
    for n in 0..visits {
        let day = monday().checked_add(jiff::Span::new().days(i64::try_from(n / 20).unwrap()));
        let start = day.unwrap().at(i8::try_from(n % 20 + 2).unwrap(), 0, 0, 0);
        lines.push(format!(
            "{{\"type\":\"book\",\"location\":\"{site}\",\"start\":\"{start}\",\"staff\":\"{staff}\",\
             \"minutes\":30,\"client\":\"{client}\",\"note\":\"Visit note {n}.\"}}"
        ));
    }
    for n in 0..notes {
        let text = format!(
            "Clinical note {n}: {}",
            "examined and found well; ".repeat(20)
        );
        lines.push(format!(
            "{{\"type\":\"add_card_note\",\"of\":\"{client}\",\"card\":\"clinical\",\"text\":\"{text}\"}}"
        ));
    }
    for part in lines.chunks(500) {
        for answer in owner.batch(&[], part) {
            assert!(answer["ok"]["id"].is_string(), "{answer}");
        }
    }
    let begin = std::time::Instant::now();
    let place = practice.path().join("handed");
    fs::create_dir(&place).unwrap();
    let files = export(owner, &client, &place);
    let took = begin.elapsed();
    println!("{visits} visits, {notes} notes: {took:?}");
    assert!(took.as_secs() < 60, "{took:?}");
    let (page, pdf) = (&files[3], &files[4]);
    assert!(pdf.starts_with("%PDF-") && !pdf.contains(place.to_str().unwrap()));
    for n in 0..visits {
        assert!(page.contains(&format!("Visit note {n}.")), "visit {n}");
    }
    for n in 0..notes {
        assert!(page.contains(&format!("Clinical note {n}:")), "note {n}");
    }
}

#[test]
fn what_is_restricted_is_shown_asked_about_and_kept_and_whose_time_is_over_is_listed() {
    let practice = Practice::open(2);
    let [owner, vet] = [&practice.desks[0], &practice.desks[1]];
    let client = id_of(&owner.does(&["client", "add", "Ilse Quint"]));
    owner.does(&["restrict", &client, "--reason", "A dispute"]);
    practice.meet();
    let found = vet.does(&["search", "Quint"]);
    assert_eq!(found["clients"][0]["restricted"], true);
    let start = monday().at(9, 0, 0, 0).to_string();
    let book = [&ann_at(&start)[..], &["--client", &client]].concat();
    let asked = vet.refuses(&book);
    asked.is(5, "needs_confirmation").warns("client_restricted");
    vet.does(&[&book[..], &["--despite-warnings"]].concat());
    let note = [
        "card", "add", "--client", &client, "--in", "clinical", "Torsion",
    ];
    vet.refuses(&note).is(5, "needs_confirmation");
    vet.does(&[&note[..], &["--despite-restriction", "an emergency"]].concat());
    practice.meet();
    let erase = [
        "erase",
        &client,
        "--basis",
        "request",
        "--confirm",
        "Ilse Quint",
    ];
    owner.refuses(&erase).is(6, "not_allowed");
    vet.refuses(&["retention", "--dry-run"])
        .is(6, "not_allowed");

    owner.does(&["restrict", &client, "--lift"]);
    owner.does(&erase);
    // Two centuries on, at a desk that never had a relay: elsewhere its records would be closed.
    let alone = Desk::new(practice.path(), "alone");
    system_tests::process::found(&alone);
    let client = id_of(&alone.does(&["client", "add", "Ilse Quint"]));
    book_ann_with(&alone, 9, &["--client", &client]);
    alone.does(&["restrict", &client, "--reason", "A dispute"]);
    for kind in ["contact", "clinical"] {
        alone.does(&["retention", kind, "--months", "12"]);
    }
    let far = alone.at("2199-01-01T00:00:00Z");
    let view = far.does(&["retention", "--dry-run"]);
    assert_eq!(
        (&view["total"], &view["due"][0]["free"]),
        (&1.into(), &false.into()),
        "{view}"
    );
    alone.does(&["restrict", &client, "--lift"]);
    let view = far.does(&["retention", "--dry-run"]);
    assert_eq!(view["due"][0]["free"], true, "{view}");
    let label = |seen: &Value| seen["erasures"][0]["devices"].to_string();
    let seats = owner.does(&["people"]);
    let seat = seats["seats"][0]["id"].as_str().unwrap();
    owner.does(&["people", "name", seat, "Front desk 2"]);
    assert!(label(&owner.does(&["erasures"])).contains("Front desk 2 ("));
}
