//! A client is erased with the real programs: gone from the relay and from every desk, also from one
//! that was away, whose other work goes up; proven by a certificate; undone by no old copy.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::{fs, path::Path, process::Command};

use client_core::{
    replica::Replica,
    sealing::{KeyFile, MachineKey},
};
use entry_log::{DirStorage, Index, Log, Options};
use jiff::Timestamp;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use serde_json::Value;
use sync_protocol::{Certified, Entry, Item};
use system_tests::process::{
    Desk, Practice, book_ann_with, copy_folder, files_below, id_of, monday, note_in,
};

const NAME: &str = "Zenobia Quagga";

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap().to_owned()
}

fn names(desk: &Desk) -> Vec<String> {
    let answer = desk.does(&["client", "list"]);
    let clients = answer["clients"].as_array().unwrap().iter();
    clients.map(|client| text(client, "name")).collect()
}

/// A client with a pet, a card on it and a visit; gives the client's id.
fn somebody(desk: &Desk, name: &str, phone: &str, hour: i8) -> String {
    let client = id_of(&desk.does(&["client", "add", name, "--phone", phone]));
    let pet = id_of(&desk.does(&["pet", "add", "--client", &client, &format!("{name} Pet")]));
    let bites = format!("{name} bites");
    desk.does(&note_in("handling", &pet, &bites));
    desk.does(&note_in("clinical", &pet, &bites));
    visit(desk, &client, hour);
    client
}

fn visit(desk: &Desk, client: &str, hour: i8) {
    let more = ["--client", client, "--note", "Zenobia limps"];
    book_ann_with(desk, hour, &more);
}

fn titles(desk: &Desk) -> Vec<String> {
    let day = monday().to_string();
    let day = desk.does(&["day", &day]);
    let mut found = Vec::new();
    gather(&day, &mut found);
    found
}

fn gather(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(
                fields
                    .get("title")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            fields.values().for_each(|inner| gather(inner, found));
        }
        Value::Array(values) => values.iter().for_each(|inner| gather(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn erase(desk: &Desk, client: &str) -> String {
    let reply = desk.does(&["erase", client, "--basis", "request", "--confirm", NAME]);
    text(&reply, "id")
}

#[allow(clippy::disallowed_methods, reason = "as the programs do")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// A home's replica, opened with nothing but what lies in its folder.
fn opened(home: &Path) -> Replica<DirStorage> {
    let file = KeyFile::decode(&fs::read(home.join("keys")).unwrap()).unwrap();
    let machine = fs::read(home.join("machine-key")).unwrap();
    let machine = MachineKey::from_bytes(machine.try_into().unwrap());
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let keys = file.open_with_machine_key(&machine).unwrap();
    let storage = DirStorage::open(home.join("log")).unwrap();
    Replica::open(storage, &keys.secrets, &mut rng, now())
        .unwrap()
        .0
}

/// Every entry of a log, of a home or of a relay; `skip` bytes stand before an item's head part.
fn entries(log: &Path, skip: usize) -> Vec<Entry> {
    let (log, _) = Log::open(DirStorage::open(log).unwrap(), Options::default()).unwrap();
    let records = (0..log.len()).map(|at| log.get(Index(at)).unwrap());
    let items = records.filter_map(|record| {
        let part = (record.head[0] == 0).then(|| record.head[skip..].to_vec())?;
        Item::from_parts(&part, record.body).ok()
    });
    items
        .filter_map(|item| match item {
            Item::Entry(entry) => Some(entry),
            Item::Act(_) | Item::Confirmation(_) => None,
        })
        .collect()
}

/// The folder of the relay's log: the one that holds its segments.
fn relay_log(data: &Path) -> std::path::PathBuf {
    let files = files_below(data);
    let segment = files
        .iter()
        .find(|file| {
            file.extension()
                .is_some_and(|end| end == "seg" || end == "log")
        })
        .unwrap_or_else(|| panic!("no segment in {files:?}"));
    segment.parent().unwrap().to_owned()
}

/// Opens every body that is left anywhere with every key that anybody holds, and looks for the
/// client in what comes out and in all files.
fn is_nowhere(practice: &Practice, keeps: &str) {
    let mut bodies = Vec::new();
    let relay = practice.path().join("copy of the relay");
    copy_folder(&practice.relay.data, &relay).unwrap();
    bodies.extend(entries(&relay_log(&relay), 1));
    let mut rings = Vec::new();
    for (n, desk) in practice.desks.iter().enumerate() {
        let copy = practice.path().join(format!("copy {n}"));
        copy_folder(&desk.home, &copy).unwrap();
        bodies.extend(entries(&copy.join("log"), 2));
        rings.push(opened(&copy));
        fs::remove_dir_all(&copy).unwrap();
    }
    fs::remove_dir_all(&relay).unwrap();
    let holds = |plain: &[u8], what: &str| {
        plain
            .windows(what.len())
            .any(|window| window == what.as_bytes())
    };
    let (mut open, mut kept) = (0, false);
    for entry in &bodies {
        for replica in &rings {
            if let Ok(plain) = replica.keyring().open(entry) {
                open += 1;
                kept |= holds(&plain, keeps);
                assert!(!holds(&plain, "Zenobia"), "{:?}", entry.header());
                assert!(!holds(&plain, "612777"), "{:?}", entry.header());
            }
        }
    }
    assert!(open > 10 && kept, "the search itself finds nothing");
    for file in practice
        .desks
        .iter()
        .flat_map(|desk| files_below(&desk.home))
    {
        assert!(
            !holds(&fs::read(&file).unwrap(), "Zenobia"),
            "{}",
            file.display()
        );
    }
}

#[test]
fn a_client_is_erased_everywhere_and_a_device_that_was_away_brings_nothing_back() {
    let mut practice = Practice::open(2);
    let away = practice.join("vet");
    let [owner, vet] = [practice.desks[0].clone(), practice.desks[1].clone()];
    let client = somebody(&owner, NAME, "612777111", 8);
    somebody(&vet, "Kept Forever", "612555222", 9);
    practice.agrees();
    // Months away: notes about the client, a new pet, a visit, and other work.
    let edit = serde_json::json!({
        "type": "edit_client", "client": client, "note": "Zenobia moved house",
    });
    let said = away.batch(&[], &[edit.to_string()]);
    assert!(said[0]["ok"].is_object(), "{said:?}");
    away.does(&["pet", "add", "--client", &client, "Zenobia Second"]);
    visit(&away, &client, 12);
    away.does(&["client", "add", "New While Away", "--phone", "612888333"]);

    owner
        .refuses(&[
            "erase",
            &client,
            "--basis",
            "request",
            "--confirm",
            "Zenobia",
        ])
        .is(3, "invalid_input");
    vet.refuses(&["erase", &client, "--basis", "request", "--confirm", NAME])
        .is(6, "not_allowed");
    let id = erase(&owner, &client);
    vet.sync();
    for desk in [&owner, &vet] {
        assert_eq!(names(desk), ["Kept Forever"]);
        desk.refuses(&["card", "show", &client]);
        let titles = titles(desk);
        assert!(
            titles.iter().any(|title| title == "Erased client"),
            "{titles:?}"
        );
        assert!(
            titles.iter().any(|title| title == "Kept Forever"),
            "{titles:?}"
        );
        assert_eq!(desk.does(&["search", "612777111"])["total"], 0);
    }
    owner.sync();
    let listed = owner.does(&["erasures"]);
    let erasure = &listed["erasures"][0];
    assert_eq!(
        (&erasure["done"], &erasure["of"]),
        (&2.into(), &3.into()),
        "{listed:#}"
    );

    // A certificate names who is still to come.
    let early = practice.path().join("early.txt");
    owner.does(&["certificate", &id, &early.to_string_lossy()]);
    let proven = Certified::check(&fs::read_to_string(&early).unwrap()).unwrap();
    assert_eq!((proven.done.len(), proven.out.len()), (2, 1));

    let state = away.sync();
    assert_eq!(state["outbox"], 0, "{state:#}");
    assert_eq!(names(&away), ["Kept Forever", "New While Away"]);
    assert!(!titles(&away).iter().any(|title| title.contains("Zenobia")));
    let state = practice.agrees();
    assert_eq!(state["outbox"], 0);
    assert_eq!(names(&owner), ["Kept Forever", "New While Away"]);
    is_nowhere(&practice, "Kept Forever");

    let file = practice.path().join("certificate.txt");
    let path = file.to_string_lossy().into_owned();
    owner.does(&["certificate", &id, &path]);
    owner
        .refuses(&["certificate", &id, &path])
        .is(3, "invalid_input");
    let verified = vet.does(&["certificate", "verify", &path]);
    assert_eq!(
        verified["done"].as_array().unwrap().len(),
        3,
        "{verified:#}"
    );
    assert!(verified["out"].as_array().unwrap().is_empty());
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let changed = practice.path().join("changed.txt");
    fs::write(&changed, &bytes).unwrap();
    vet.refuses(&["certificate", "verify", &changed.to_string_lossy()])
        .is(13, "damaged");
    script_agrees(&file, &changed);
}

/// The independent check, where an interpreter with its packages is at hand: the test step
/// `python` of xtask makes one.
#[allow(clippy::print_stdout, reason = "says what was not tried")]
fn script_agrees(good: &Path, changed: &Path) {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        Into::into,
    );
    let python = target.join("python/bin/python");
    if !python.exists() {
        println!("no {}: the script was not run", python.display());
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/check_certificate.py");
    let said = |file: &Path| {
        Command::new(&python)
            .arg(&script)
            .arg(file)
            .output()
            .unwrap()
    };
    let output = said(good);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("The certificate holds."));
    let output = said(changed);
    assert!(!output.status.success(), "{output:?}");
}

#[test]
fn neither_an_old_copy_of_the_relay_nor_a_backup_brings_an_erased_client_back() {
    let mut practice = Practice::open(2);
    let [owner, vet] = [practice.desks[0].clone(), practice.desks[1].clone()];
    let client = somebody(&owner, NAME, "612777111", 8);
    somebody(&vet, "Kept Forever", "612555222", 9);
    practice.agrees();
    let backups = practice.path().join("backups");
    fs::create_dir_all(&backups).unwrap();
    let backup = vet.does(&["backup", &backups.to_string_lossy()]);
    assert!(practice.relay.stop().success());
    let kept = practice.path().join("kept");
    copy_folder(&practice.relay.data, &kept).unwrap();
    practice.relay.restart();
    erase(&owner, &client);
    practice.meet();

    practice.relay.kill();
    fs::remove_dir_all(&practice.relay.data).unwrap();
    copy_folder(&kept, &practice.relay.data).unwrap();
    practice.relay.restart();
    for _ in 0..2 {
        practice.meet();
    }
    owner.does(&["relay-restored"]);
    practice.meet();
    is_nowhere(&practice, "Kept Forever");

    // The vet's computer dies; its backup knows nothing of the erasure until it meets the relay.
    let fresh = vet.moved(&practice.path().join("restored"));
    fresh.does(&["restore", &text(&backup, "file")]);
    // A machine key is no part of a backup.
    fs::copy(vet.home.join("machine-key"), fresh.home.join("machine-key")).unwrap();
    fs::remove_dir_all(&vet.home).unwrap();
    practice.desks[1] = fresh.clone();
    assert!(
        names(&fresh).contains(&NAME.to_owned()),
        "an old copy before any contact"
    );
    fresh.sync();
    assert_eq!(names(&fresh), ["Kept Forever"]);
    practice.meet();
    is_nowhere(&practice, "Kept Forever");
}

#[test]
fn a_client_under_a_hold_stays_until_the_hold_ends() {
    let practice = Practice::open(2);
    let [owner, vet] = [practice.desks[0].clone(), practice.desks[1].clone()];
    let client = somebody(&owner, NAME, "612777111", 8);
    practice.meet();
    vet.refuses(&["hold", &client, "--reason", "a dispute"])
        .is(6, "not_allowed");
    owner.does(&["hold", &client, "--reason", "a dispute in court"]);
    let refused = owner.refuses(&["erase", &client, "--basis", "request", "--confirm", NAME]);
    refused.is(6, "not_allowed");
    assert!(text(&refused.value, "message").contains("a dispute in court"));
    assert_eq!(names(&owner), [NAME]);
    owner.does(&["hold", &client, "--end"]);
    erase(&owner, &client);
    assert_eq!(names(&owner), Vec::<String>::new());
}

#[test]
fn a_relay_that_is_killed_in_the_middle_of_an_erasure_finishes_it() {
    let mut practice = Practice::open(2);
    let owner = practice.desks[0].clone();
    let client = somebody(&owner, NAME, "612777111", 8);
    somebody(&owner, "Kept Forever", "612555222", 9);
    practice.agrees();
    let arguments = ["erase", &client, "--basis", "order", "--confirm", NAME];
    let mut erasing = owner.command(&arguments).spawn().unwrap();
    practice.relay.kill();
    erasing.wait().unwrap();
    practice.relay.restart();
    practice.meet();
    // Whether the act had come through by then is chance; asked again it is one or the other.
    if names(&owner).contains(&NAME.to_owned()) {
        owner.does(&arguments);
    }
    practice.agrees();
    is_nowhere(&practice, "Kept Forever");
}
