//! The audit with the real programs: who did what at which desk, and a log in which no byte can be
//! changed without the check naming what was changed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;
use system_tests::process::{Desk, Practice, book_ann, copy_folder, id_of, note_in};

fn rows(desk: &Desk, options: &[&str]) -> Vec<Value> {
    let view = desk.does(&[&["audit"], options].concat());
    view["rows"].as_array().expect("rows").clone()
}

fn words(rows: &[Value]) -> Vec<String> {
    let what = rows.iter().flat_map(|row| row["what"].as_array().unwrap());
    what.map(|one| one["text"].as_str().unwrap().to_owned())
        .collect()
}

fn segments(desk: &Desk) -> Vec<PathBuf> {
    let files = fs::read_dir(desk.home.join("log")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut segments: Vec<PathBuf> = files
        .filter(|file| file.extension().is_some_and(|ending| ending == "seg"))
        .collect();
    segments.sort();
    segments
}

#[test]
fn every_desk_tells_who_did_what_and_what_counts_for_nothing() {
    let mut practice = Practice::open(1);
    let owner = practice.desks[0].clone();
    let reception = practice.join("receptionist");
    let client = id_of(&reception.does(&["client", "add", "Ilse Quint", "--phone", "600 100"]));
    practice.meet();
    let visit = book_ann(&owner, 9);
    owner.does(&["cancel", &visit, "--reason", "Measles at home"]);
    practice.meet();

    let told = rows(&owner, &["--of", &client]);
    assert_eq!(words(&told)[0], "Ilse Quint was taken into the book");
    assert_eq!(told[0]["role"], "receptionist");
    assert_eq!(told[0]["place"]["feed"], "contact");
    assert_eq!(
        rows(&owner, &["--of", "Ilse Quint"]),
        told,
        "by name as well"
    );
    let of_visit = rows(&reception, &["--of", &visit]);
    let reason = &of_visit[0]["what"].as_array().unwrap();
    assert!(
        reason.iter().any(|one| one["new"] == "Measles at home"),
        "{of_visit:#?}"
    );

    // Dismissed while it was away: what it wrote afterwards is listed and counts for nothing.
    let seat = told[0]["seat"].as_str().unwrap().to_owned();
    reception.does(&["client", "add", "Too Late"]);
    owner.does(&["people", "remove", &seat]);
    let _ = reception.run(&["sync"]);
    owner.sync();
    let acts = words(&rows(&owner, &["--of", &seat]));
    assert!(
        acts.contains(&"A person was removed".to_owned()),
        "{acts:?}"
    );
    assert!(
        acts.contains(&"A receptionist joined by invitation".to_owned()),
        "{acts:?}"
    );

    // For a person.
    let said = owner.run(&["audit", "--limit", "3"]);
    assert_eq!(said.code, 0);
    let whole = rows(&owner, &["--limit", "1000"]);
    assert!(
        words(&whole)
            .iter()
            .any(|text| text.starts_with("The relay's key was set"))
    );
    assert!(
        words(&whole)
            .iter()
            .any(|text| text == "The practice was founded")
    );
}

#[test]
fn the_check_of_a_log_finds_every_changed_byte() {
    let mut practice = Practice::open(1);
    let vet = practice.join("vet");
    for hour in 8..14 {
        book_ann(&vet, hour);
    }
    practice.meet();
    let owner = &practice.desks[0];
    // Opened once more: what came last is promised then, too.
    owner.state();
    let report = owner.does(&["audit", "verify"]);
    assert_eq!(report["whole"], true, "{report:#}");
    assert!(report["entries"].as_u64() >= Some(20), "{report:#}");
    assert!(report["heads"].as_u64() > Some(3), "{report:#}");

    let place = practice.path().join("flipped");
    let mut flipped = 0;
    let (mut named, mut unpromised) = (0, 0);
    for segment in segments(owner) {
        let name = segment.file_name().unwrap().to_owned();
        let bytes = fs::read(&segment).unwrap();
        // Spread over the whole file, at odd places.
        let step = (bytes.len() / 40).max(1);
        for at in (0..bytes.len()).step_by(step).chain([bytes.len() - 1]) {
            let home = place.join(format!("{flipped}"));
            copy_folder(&owner.home, &home).unwrap();
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            fs::write(home.join("log").join(&name), &damaged).unwrap();
            let desk = owner.moved(&home);
            let said = desk.run(&["audit", "verify"]);
            let line = said.out.lines().last().unwrap();
            let report: Value = serde_json::from_str(line).unwrap();
            let after = fs::read(home.join("log").join(&name)).unwrap();
            assert!(after == damaged, "byte {at}: the evidence was written over");
            fs::remove_dir_all(&home).unwrap();
            flipped += 1;
            if said.code == 0 {
                // Behind what was promised to be kept: no worse than a write that did not end.
                assert!(
                    report["unfinished"].as_u64() > Some(0),
                    "byte {at}: {report:#}"
                );
                unpromised += 1;
                continue;
            }
            assert_eq!(report["whole"], false, "byte {at}");
            let first = &report["wrong"][0];
            assert!(first["record"].is_u64(), "byte {at}: {report:#}");
            assert_eq!(first["file"], name.to_str().unwrap(), "byte {at}");
            let offset = first["offset"].as_u64().unwrap();
            assert!(offset <= at as u64, "byte {at}: {report:#}");
            named += u32::from(first["number"].is_u64());
        }
    }
    assert!(flipped >= 40);
    assert!(
        unpromised * 8 < flipped,
        "{unpromised} of {flipped} were never promised"
    );
    assert!(named * 2 > flipped, "most are named: {named} of {flipped}");
}

#[test]
fn the_pages_of_the_command_line_are_the_whole() {
    let practice = Practice::open(1);
    let desk = &practice.desks[0];
    for number in 0..7 {
        desk.does(&["client", "add", &format!("Client {number}")]);
    }
    let whole = rows(desk, &["--limit", "500"]);
    let ids: BTreeSet<&str> = whole
        .iter()
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), whole.len(), "no row twice");
    let first = desk.does(&["audit", "--limit", "4"]);
    let next = first["next"].as_str().unwrap();
    let second = rows(desk, &["--limit", "500", "--before", next]);
    let mut together = first["rows"].as_array().unwrap().clone();
    together.extend(second);
    assert_eq!(together, whole);
    desk.refuses(&["audit", "--of", "Nobody Here"])
        .is(3, "not_found");
}

#[test]
fn who_opened_a_clinical_card_is_written_down_once_an_hour_and_told_to_those_who_may_know() {
    let mut practice = Practice::open(1);
    let owner = practice.desks[0].clone();
    let vet = practice.join("vet");
    let groomer = practice.join("groomer");
    let client = id_of(&owner.does(&["client", "add", "Ilse Quint"]));
    let pet = id_of(&owner.does(&["pet", "add", "--client", &client, "Kasimir"]));
    let empty = rows(&owner, &[]).len();
    owner.does(&["card", "show", &client]);
    assert_eq!(rows(&owner, &[]).len(), empty, "nothing was there to read");
    owner.does(&note_in("clinical", &pet, "A murmur"));
    practice.meet();

    let opened = |desk: &Desk| {
        let rows = rows(desk, &["--of", &pet]);
        let opened = |row: &Value| {
            words(std::slice::from_ref(row)) == ["Opened the clinical card of Kasimir"]
        };
        rows.into_iter().filter(opened).collect::<Vec<Value>>()
    };
    let vet = vet.at("2027-01-05T10:10:00Z");
    assert_eq!(opened(&vet).len(), 0);
    vet.does(&["card", "show", &client]);
    vet.does(&["card", "show", &client]);
    let seen = opened(&vet);
    assert_eq!(seen.len(), 1, "once an hour: {seen:#?}");
    assert_eq!(seen[0]["role"], "vet");
    vet.at("2027-01-05T11:10:00Z")
        .does(&["card", "show", &client]);
    assert_eq!(opened(&vet).len(), 2);
    groomer.does(&["card", "show", &client]);
    practice.meet();
    practice.meet();
    let there = opened(&owner);
    assert_eq!(there.len(), 2, "the owner is told: {there:#?}");
    assert_eq!(there[0]["seat"], seen[0]["seat"]);
    assert_eq!(
        opened(&groomer).len(),
        0,
        "a groomer reads no clinical record and no word of it"
    );
    // The whole log still holds, access entries included.
    assert_eq!(owner.does(&["audit", "verify"])["whole"], true);
}
