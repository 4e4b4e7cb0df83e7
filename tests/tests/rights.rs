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
use system_tests::process::{Desk, Practice, id_of, monday};

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
    let start = monday().at(9, 0, 0, 0).to_string();
    let visit = id_of(&owner.does(&[
        "book",
        "--start",
        &start,
        "--staff",
        "Ann",
        "--minutes",
        "30",
        "--client",
        &client,
        "--pet",
        &pet,
    ]));
    owner.does(&["cancel", &visit, "--reason", "Measles at home"]);
    let add = |card: &str, text: &str| {
        id_of(&owner.does(&["card", "add", "--pet", &pet, "--in", card, text]))
    };
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

    // Who else may read clinical records is told of the export.
    let audit = owner.does(&["audit", "--of", &pet]);
    let rows = audit["rows"].as_array().unwrap();
    let named = rows.iter().filter(|row| row["what"][0]["text"] == exported);
    assert_eq!(named.count(), 1, "{audit:#}");
}
