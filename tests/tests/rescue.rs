//! Everything is lost but a paper, or a paper and a backup: the practice comes back.

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
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;
use system_tests::process::{
    Desk, Practice, Relay, SmallDisk, book_ann, found, id_of, monday, note_in, sync_server,
};
use tempfile::TempDir;

const NOTE: &str = "Murmur, grade two";

/// What stands on the paper.
struct Paper {
    words: String,
    organisation: String,
    relay: String,
    key: String,
}

impl Paper {
    /// The words and the rest as arguments of `rescue`, with the words in a file.
    fn arguments(&self, place: &Path) -> Vec<String> {
        let file = place.join("words");
        fs::write(&file, &self.words).unwrap();
        let file = file.to_string_lossy().into_owned();
        ["rescue", "--words-file", &file, "--relay", &self.relay]
            .into_iter()
            .chain(["--relay-key", &self.key])
            .chain(["--organisation", &self.organisation])
            .map(str::to_owned)
            .collect()
    }
}

fn words_of(founded: &Value) -> String {
    let words: Vec<&str> = founded["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect();
    words.join(" ")
}

fn borrowed(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// A practice at a relay, with an owner, a vet and a groomer, and what its paper says.
fn open() -> (Practice, Paper) {
    let place = tempfile::tempdir().unwrap();
    let relay = Relay::start(&place.path().join("relay"));
    let owner = Desk::new(place.path(), "desk1");
    let founded = found(&owner);
    owner.does(&["relay", &relay.address, "--ticket", &relay.ticket()]);
    let kit = owner.does(&["kit"]);
    let paper = Paper {
        words: words_of(&founded),
        organisation: kit["organisation"].as_str().unwrap().to_owned(),
        relay: kit["relay"].as_str().unwrap().to_owned(),
        key: kit["relay_key"].as_str().unwrap().to_owned(),
    };
    assert_eq!(founded["organisation"], kit["organisation"]);
    let mut practice = Practice {
        relay,
        desks: vec![owner],
        place,
    };
    practice.join("vet");
    practice.join("groomer");
    (practice, paper)
}

/// A client with a pet, a clinical note by the vet, and visits; gives the client.
fn work(practice: &Practice) -> String {
    let [owner, vet] = [&practice.desks[0], &practice.desks[1]];
    let client = id_of(&owner.does(&["client", "add", "Ilse Quint", "--phone", "600 300 100"]));
    let pet = id_of(&owner.does(&["pet", "add", "--client", &client, "Kasimir"]));
    practice.meet();
    vet.does(&note_in("clinical", &pet, NOTE));
    for hour in 8..12 {
        book_ann(vet, hour);
    }
    practice.meet();
    client
}

/// All of [`work`] is there and can be read.
fn has_everything(desk: &Desk, client: &str) {
    let cards = desk.does(&["card", "show", client]).to_string();
    assert!(cards.contains(NOTE), "{cards}");
    let found = desk.does(&["client", "list"]).to_string();
    assert!(found.contains("600 300 100"), "{found}");
    let day = desk.does(&["day", &monday().to_string()]);
    assert_eq!(day["visits"].as_array().map(Vec::len), Some(4), "{day}");
}

fn lose_all_desks(practice: &mut Practice) {
    for desk in practice.desks.drain(..) {
        fs::remove_dir_all(&desk.home).unwrap();
    }
}

#[test]
fn every_computer_is_lost_and_the_words_bring_the_practice_back_from_the_relay() {
    let (mut practice, paper) = open();
    let client = work(&practice);
    lose_all_desks(&mut practice);

    let place = practice.path().to_owned();
    let fresh = Desk::with_passphrase(&place, "new", "a new beginning");
    let again = |change: &dyn Fn(&mut Paper)| {
        let mut paper = Paper {
            words: paper.words.clone(),
            organisation: paper.organisation.clone(),
            relay: paper.relay.clone(),
            key: paper.key.clone(),
        };
        change(&mut paper);
        fresh.refuses(&borrowed(&paper.arguments(&place)))
    };
    // One word that is none, two swapped, and words of another practice that are good in themselves.
    again(&|paper| paper.words = paper.words.replacen(' ', " dragonfly ", 1))
        .is(9, "wrong_recovery_words");
    again(&|paper| {
        let (first, rest) = paper.words.split_once(' ').unwrap();
        paper.words = format!("{rest} {first}");
    })
    .is(9, "wrong_recovery_words")
    .field("words");
    let foreign = words_of(&found(&Desk::new(&place, "elsewhere")));
    again(&|paper| paper.words.clone_from(&foreign))
        .is(9, "wrong_recovery_words")
        .field("words");
    // The kit of another practice, its line and all.
    again(&|paper| {
        let nobody = "0".repeat(32);
        paper.words = format!("daybook-kit 1 org_{nobody} 3-{nobody} {}", paper.words);
    })
    .is(9, "wrong_recovery_words");
    again(&|paper| paper.words = paper.words.replacen("", "daybook-kit 9 ", 1))
        .is(13, "newer_version");
    again(&|paper| paper.organisation = format!("org_{}", "0".repeat(32)))
        .is(3, "not_found")
        .field("organisation");
    again(&|paper| paper.organisation = "Harbour Vets".to_owned())
        .is(3, "invalid_input")
        .field("organisation");
    let other = Relay::start(&place.join("other"));
    again(&|paper| paper.relay.clone_from(&other.address))
        .is(12, "wrong_relay")
        .field("relay_key");
    again(&|paper| paper.key = "beef".to_owned())
        .is(3, "invalid_input")
        .field("relay_key");
    again(&|paper| paper.relay = "ws://127.0.0.1:1".to_owned()).is(11, "relay_unreachable");
    // None of it left anything.
    assert!(!fresh.home.join("keys").exists() && !fresh.home.join("log").exists());

    let began = Instant::now();
    let rescued = fresh.does(&borrowed(&paper.arguments(&place)));
    println!(
        "back with the words alone after {:.1} s",
        began.elapsed().as_secs_f64()
    );
    has_everything(&fresh, &client);
    let lost = rescued["lost"].as_array().unwrap();
    assert_eq!(lost.len(), 3, "{rescued}");
    // A second time into the same home it is refused; nothing is lost.
    fresh
        .refuses(&borrowed(&paper.arguments(&place)))
        .is(7, "already_founded");

    // The lost computers go, and new keys are made.
    for device in lost {
        let removed = fresh.does(&["people", "remove", device["device"].as_str().unwrap()]);
        assert_eq!(removed["rotated"], true, "{removed}");
    }
    let people = fresh.does(&["people", "list"]);
    let live = people["seats"].as_array().unwrap().iter();
    assert_eq!(live.filter(|seat| seat["removed"] == false).count(), 1);

    // The practice goes on: a newcomer reads everything, and the words are still good.
    practice.desks.push(fresh.clone());
    let vet = practice.join("vet");
    book_ann(&vet, 15);
    practice.meet();
    let cards = vet.does(&["card", "show", &client]).to_string();
    assert!(cards.contains(NOTE), "{cards}");
    let words = place.join("words");
    let words = words.to_string_lossy();
    fresh.does(&["drill", "--words-file", &words]);
    // And bring it back once more, after the keys were made anew.
    lose_all_desks(&mut practice);
    let third = Desk::new(&place, "third");
    third.does(&borrowed(&paper.arguments(&place)));
    let cards = third.does(&["card", "show", &client]).to_string();
    assert!(cards.contains(NOTE), "{cards}");
}

#[test]
fn the_relay_is_lost_too_and_a_backup_with_the_words_brings_everything_to_a_new_one() {
    let (mut practice, paper) = open();
    let client = work(&practice);
    let stick = practice.path().join("stick");
    let backup = practice.desks[0].does(&["backup", &stick.to_string_lossy()]);
    let backup = backup["file"].as_str().unwrap().to_owned();
    lose_all_desks(&mut practice);
    practice.relay.kill();
    fs::remove_dir_all(&practice.relay.data).unwrap();

    let place = practice.path().to_owned();
    let fresh = Desk::with_passphrase(&place, "new", "a new beginning");
    // Sealed to whoever has no passphrase of it, and whole.
    let seen = fresh.does(&["backup", "verify", &backup]);
    assert_eq!(seen["organisation"], paper.organisation.as_str(), "{seen}");
    fresh.does(&["restore", &backup]);
    let words = place.join("words");
    fs::write(&words, &paper.words).unwrap();
    fresh.does(&["recover", "--words-file", &words.to_string_lossy()]);
    has_everything(&fresh, &client);

    let folder = place.join("new relay");
    let key = Command::new(sync_server())
        .args(["key", "--data"])
        .arg(&folder)
        .output()
        .unwrap();
    let key = String::from_utf8(key.stdout).unwrap().trim().to_owned();
    let relay = Relay::start(&folder);
    let (address, ticket) = (relay.address.clone(), relay.ticket());
    practice.relay = relay;
    fresh.does(&["relay", &address, "--ticket", &ticket, "--replace", &key]);
    practice.desks.push(fresh.clone());
    practice.meet();
    fresh.does(&["relay-restored"]);
    let vet = practice.join("vet");
    let cards = vet.does(&["card", "show", &client]).to_string();
    assert!(cards.contains(NOTE), "{cards}");
}

#[test]
fn words_are_tried_and_the_state_says_when_it_is_time() {
    let place = tempfile::tempdir().unwrap();
    let desk = Desk::new(place.path(), "desk");
    let page = place.path().join("kit.html");
    let founded = desk.does(&[
        "found",
        "--practice",
        "Harbour Vets",
        "--location",
        "Harbour",
        "--zone",
        "Europe/Lisbon",
        "--kit",
        &page.to_string_lossy(),
    ]);
    let text = words_of(&founded);
    let printed = fs::read_to_string(&page).unwrap();
    for word in text.split(' ') {
        assert!(printed.contains(&format!("<li>{word}</li>")), "{word}");
    }
    // It is there once: a second one has no words, and nothing is written over.
    desk.refuses(&["kit", "--file", &page.to_string_lossy()])
        .is(14, "storage")
        .field("file");
    let later = place.path().join("later.html");
    desk.does(&["kit", "--file", &later.to_string_lossy()]);
    let later = fs::read_to_string(later).unwrap();
    assert!(!later.contains("<li>") && later.contains("Harbour Vets"));

    let due = |desk: &Desk| desk.state()["care"]["drill_due"].clone();
    assert_eq!(due(&desk), true);
    let file = place.path().join("words");
    let drill = |desk: &Desk, words: &str| {
        fs::write(&file, words).unwrap();
        let file = file.to_string_lossy().into_owned();
        desk.run(&["drill", "--words-file", &file])
    };
    let other = words_of(&found(&Desk::new(place.path(), "other")));
    assert_eq!(drill(&desk, &other).code, 9);
    assert_eq!(due(&desk), true);
    // On several lines, as on paper, and in capitals.
    let typed = text.to_uppercase().replace(' ', "\n");
    assert_eq!(drill(&desk, &typed).code, 0);
    assert_eq!(due(&desk), false);
    let now = Timestamp::now();
    let later = |days: i64| desk.at(&(now + (24 * days).hours()).to_string());
    assert_eq!(due(&later(179)), false);
    assert_eq!(due(&later(181)), true);
    assert_eq!(drill(&later(181), &text).code, 0);
    assert_eq!(due(&later(181)), false);
}

fn backups_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files
}

/// A practice of one computer with a timetable, and the time it was set at.
fn with_a_timetable(place: &TempDir) -> (Desk, PathBuf, Timestamp) {
    let desk = Desk::with_passphrase(place.path(), "desk", "a long passphrase");
    found(&desk);
    let stick = place.path().join("stick");
    let now = Timestamp::now();
    let first = desk.at(&now.to_string());
    first.does(&[
        "backup",
        "plan",
        &stick.to_string_lossy(),
        "--hours",
        "24",
        "--keep",
        "3",
    ]);
    (desk, stick, now)
}

#[test]
fn backups_are_written_on_a_timetable_and_old_ones_go() {
    let place = tempfile::tempdir().unwrap();
    let (desk, stick, now) = with_a_timetable(&place);
    assert_eq!(backups_in(&stick).len(), 1);
    let first = backups_in(&stick)[0].clone();
    // What is not ours stays: another home's backup of long ago, and what is only named like one.
    let other = Desk::new(place.path(), "other");
    found(&other);
    let long_ago = other.at("2020-01-01T00:00:00Z");
    let foreign = long_ago.does(&["backup", &stick.to_string_lossy()]);
    let foreign = PathBuf::from(foreign["file"].as_str().unwrap());
    let named = stick.join("daybook-20200102-000000.backup");
    fs::write(&named, "holiday pictures").unwrap();
    let day = |days: i64| desk.at(&(now + (24 * days).hours() + 1.minute()).to_string());

    day(0).state();
    assert_eq!(backups_in(&stick).len(), 3);
    for days in 1..=5 {
        day(days).state();
        // Once a day, however often somebody looks.
        day(days).state();
    }
    let ours: Vec<_> = backups_in(&stick)
        .into_iter()
        .filter(|file| *file != foreign && *file != named)
        .collect();
    assert_eq!(ours.len(), 3, "{ours:?}");
    assert!(!ours.contains(&first));
    assert!(foreign.exists() && named.exists());

    // Nobody was there for two months: what is older than 30 days goes with the next one.
    day(70).state();
    let ours: Vec<_> = backups_in(&stick)
        .into_iter()
        .filter(|file| *file != foreign && *file != named)
        .collect();
    assert_eq!(ours.len(), 1, "{ours:?}");

    let verified = desk.does(&["backup", "verify", &ours[0].to_string_lossy()]);
    let holds = &verified["holds"];
    assert_eq!(holds["practice"], "Harbour Vets", "{verified}");
    assert!(holds["entries"].as_u64().unwrap() > 2, "{verified}");
    assert!(verified["made"].as_str().unwrap() > "2026", "{verified}");
    day(70).does(&["backup", "stop"]);
    day(80).state();
    assert_eq!(backups_in(&stick).len(), 3);
}

#[test]
fn a_stick_that_is_away_is_waited_for_and_the_only_copy_is_named() {
    let place = tempfile::tempdir().unwrap();
    let (desk, stick, now) = with_a_timetable(&place);
    let day = |days: i64| desk.at(&(now + (24 * days).hours() + 1.minute()).to_string());
    assert_eq!(day(0).state()["care"]["only_copy"], false);
    let away = place.path().join("in a pocket");
    fs::rename(&stick, &away).unwrap();
    day(1).state();
    let care = day(1).state()["care"].clone();
    let why = care["backup_waits"].as_str().unwrap_or_default();
    assert!(why.contains("not there"), "{care}");
    assert!(!stick.exists(), "a mount point was made");
    // A week on, nothing else holds what is here.
    assert_eq!(day(6).state()["care"]["only_copy"], false);
    assert_eq!(day(8).state()["care"]["only_copy"], true);
    fs::rename(&away, &stick).unwrap();
    day(9).state();
    let care = day(9).state()["care"].clone();
    assert!(care.get("backup_waits").is_none(), "{care}");
    assert_eq!(care["only_copy"], false);
    assert_eq!(backups_in(&stick).len(), 2);
}

#[test]
fn a_damaged_or_cut_backup_is_named_and_a_passphrase_opens_one_anywhere() {
    let place = tempfile::tempdir().unwrap();
    let (desk, stick, _) = with_a_timetable(&place);
    book_ann(&desk, 9);
    let backup = desk.does(&["backup", &stick.to_string_lossy()]);
    let file = backup["file"].as_str().unwrap();
    let whole = fs::read(file).unwrap();
    let bad = place.path().join("bad.backup");
    let verify = |desk: &Desk, more: &[&str]| {
        let bad = bad.to_string_lossy().into_owned();
        desk.run(&[&["backup", "verify", &bad], more].concat())
    };
    for cut in [0, 6, whole.len() / 2, whole.len() - 1] {
        fs::write(&bad, &whole[..cut]).unwrap();
        assert_ne!(verify(&desk, &[]).code, 0, "{cut}");
    }
    let step = whole.len() / 12;
    for at in (0..whole.len()).step_by(step) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&bad, &bytes).unwrap();
        assert_ne!(verify(&desk, &[]).code, 0, "{at}");
    }
    // Elsewhere the passphrase of the home that made it opens it, and a wrong one is called wrong.
    fs::write(&bad, &whole).unwrap();
    let elsewhere = Desk::new(place.path(), "elsewhere");
    let right = place.path().join("right");
    fs::write(&right, "a long passphrase\n").unwrap();
    let right = right.to_string_lossy().into_owned();
    let said = verify(&elsewhere, &["--with-passphrase-file", &right]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("Harbour Vets"), "{said:?}");
    let wrong = place.path().join("wrong");
    fs::write(&wrong, "another passphrase\n").unwrap();
    let said = verify(
        &elsewhere,
        &["--with-passphrase-file", &wrong.to_string_lossy()],
    );
    assert_eq!(said.code, 9, "{said:?}");
    assert!(!elsewhere.home.join("verified").exists());
}

#[test]
fn a_full_stick_is_named_and_holds_no_half_backup() {
    let place = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&place.path().join("small"), 1) else {
        return;
    };
    let desk = Desk::new(place.path(), "desk");
    found(&desk);
    let stick = disk.path().join("backups");
    let stick = stick.to_string_lossy();
    desk.does(&["backup", "plan", &stick]);
    let before = backups_in(Path::new(&*stick));
    disk.fill(512);
    desk.refuses(&["backup", &stick]).is(14, "disk_full");
    assert_eq!(backups_in(Path::new(&*stick)), before);
    let tomorrow = (Timestamp::now() + 25.hours()).to_string();
    let tomorrow = desk.at(&tomorrow);
    tomorrow.state();
    let care = tomorrow.state()["care"].clone();
    let why = care["backup_waits"].as_str().unwrap_or_default();
    assert!(why.contains("full"), "{care}");
    assert_eq!(backups_in(Path::new(&*stick)), before);
    disk.free();
    tomorrow.state();
    assert_eq!(backups_in(Path::new(&*stick)).len(), 2);
}
