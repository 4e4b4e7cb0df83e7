//! What version 1 wrote, opened by the program of today: a whole practice with its relay, its homes and
//! a backup, kept as files in `tests/frozen/v1` since the day the formats were frozen (decision 0010).
//!
//! The files are never written again. `DAYBOOK_WRITE_FROZEN=1` makes them where there are none.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use data_encoding::BASE64;
use serde_json::{Map, Value, json};
use sync_protocol::Certified;
use system_tests::process::{
    Desk, Practice, Relay, book_ann_with, files_below, id_of, monday, note_in,
};

const PASSPHRASE: &str = "kept for as long as Daybook is";

fn frozen(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("frozen/v1")
        .join(name)
}

/// Every file below a folder in one value; zeros at an end, where logs keep room, are only counted.
fn packed(folder: &Path) -> Value {
    let pack = |file: PathBuf| {
        let bytes = fs::read(&file).unwrap();
        let end = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |at| at + 1);
        let packed = zstd::bulk::compress(&bytes[..end], 19).unwrap();
        let path = file.strip_prefix(folder).unwrap().to_str().unwrap();
        let kept = json!({"length": bytes.len(), "written": end, "zstd": BASE64.encode(&packed)});
        (path.replace('\\', "/"), kept)
    };
    let files = files_below(folder).into_iter();
    // The lock of a home says which process has it.
    let files = files.filter(|file| !file.ends_with("lock"));
    Value::Object(files.map(pack).collect::<Map<_, _>>())
}

fn unpacked(name: &str, folder: &Path) {
    let kept: Value = serde_json::from_slice(&fs::read(frozen(name)).unwrap()).unwrap();
    for (path, kept) in kept.as_object().unwrap() {
        let count = |field: &str| usize::try_from(kept[field].as_u64().unwrap()).unwrap();
        let packed = BASE64
            .decode(kept["zstd"].as_str().unwrap().as_bytes())
            .unwrap();
        let mut bytes = zstd::bulk::decompress(&packed, count("written")).unwrap();
        bytes.resize(count("length"), 0);
        let file = folder.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
}

/// Whether everything that was told then is told now; more may be. What depends on the day of asking
/// may differ: when devices were seen, and the free times that a review proposes.
fn holds(then: &Value, now: &Value) -> bool {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => then.iter().all(|(field, then)| {
            let now = now.get(field);
            match field.as_str() {
                "last_seen" => now.is_some_and(|now| now.as_str() >= then.as_str()),
                "alternatives" | "suggestion" => now.is_some(),
                _ => now.is_some_and(|now| holds(then, now)),
            }
        }),
        (Value::Array(then), Value::Array(now)) => {
            then.len() == now.len() && then.iter().zip(now).all(|(then, now)| holds(then, now))
        }
        _ => then == now,
    }
}

/// What is asked of a desk, then and now.
fn told(desk: &Desk, day: &str, client: &str) -> Value {
    json!({
        "clients": desk.does(&["client", "list"]),
        "cards": desk.does(&["card", "show", client]),
        "day": desk.does(&["day", day])["visits"],
        "reviews": desk.does(&["reviews"]),
        "people": desk.does(&["people", "list"])["seats"],
        "erasures": desk.does(&["erasures"])["erasures"],
        "confirmed": desk.state()["confirmed"],
    })
}

fn visit(desk: &Desk, client: &str, hour: i8) {
    let note = "fasting since the evening";
    let more = ["--client", client, "--note", note, "--despite-warnings"];
    book_ann_with(desk, hour, &more);
}

fn client(desk: &Desk, name: &str) -> (String, String) {
    let client = id_of(&desk.does(&["client", "add", name, "--phone", "600 100 200"]));
    let pet = id_of(&desk.does(&["pet", "add", "--client", &client, "Kasimir"]));
    (client, pet)
}

/// Founds, hires, dismisses, clashes, erases: as much of version 1 as one small practice has.
fn write() {
    fs::create_dir_all(frozen("")).unwrap();
    let mut practice = Practice::open(1);
    let place = practice.path().to_owned();
    let owner = practice.desks[0].clone();
    let vet = practice.join("vet");
    let groomer = practice.join("groomer");
    let (rosa, pet) = client(&owner, "Rosa Lima");
    let (gone, _) = client(&owner, "Asked to be forgotten");
    practice.meet();
    for card in ["clinical", "handling"] {
        vet.does(&note_in(card, &pet, "bites, and has a murmur"));
    }
    groomer.does(&note_in("grooming", &pet, "teddy trim"));
    owner.does(&[
        "card",
        "add",
        "--client",
        &rosa,
        "--in",
        "payments",
        "paid in March",
    ]);
    // One slot taken at two desks, and one that is settled.
    for hour in [9, 11] {
        visit(&owner, &rosa, hour);
        visit(&vet, &rosa, hour);
    }
    practice.meet();
    let reviews = owner.does(&["reviews"]);
    let first = reviews["reviews"][0]["id"].as_str().unwrap();
    owner.does(&[
        "decide",
        "--suggested",
        first,
        "--reason",
        "the first one stays",
    ]);
    let people = owner.does(&["people", "list"]);
    let seats = people["seats"].as_array().unwrap();
    let of = |role: &str| {
        let mut seats = seats.iter();
        let seat = seats.find(|seat| seat["role"] == role).unwrap();
        seat["id"].as_str().unwrap().to_owned()
    };
    owner.does(&["people", "name", &of("vet"), "Vet's room"]);
    owner.does(&["people", "remove", &of("groomer")]);
    groomer.refuses(&["sync"]).is(9, "removed");
    practice.desks.retain(|desk| desk.home != groomer.home);
    let name = "Asked to be forgotten";
    let erase = ["erase", &gone, "--basis", "request", "--confirm", name];
    let erasure = id_of(&owner.does(&erase));
    practice.meet();
    owner.does(&["invite", "--role", "receptionist", "--days", "1"]);
    practice.meet();
    owner.does(&[
        "certificate",
        &erasure,
        frozen("certificate.txt").to_str().unwrap(),
    ]);

    // A home that a passphrase opens, through its backup.
    let code = owner.does(&["invite", "--role", "vet"]);
    let home = Desk::with_passphrase(&place, "home", PASSPHRASE);
    home.does(&["join", code["code"].as_str().unwrap()]);
    home.sync();
    practice.meet();
    let backup = home.does(&["backup", place.join("backups").to_str().unwrap()]);
    fs::copy(backup["file"].as_str().unwrap(), frozen("home.backup")).unwrap();
    let day = monday().to_string();
    let told = json!({
        "day": day,
        "client": rosa,
        "owner": told(&owner, &day, &rosa),
        "vet": told(&home, &day, &rosa),
    });
    assert!(practice.relay.stop().success());
    let text = |value: &Value| serde_json::to_string_pretty(value).unwrap() + "\n";
    fs::write(frozen("owner.json"), text(&packed(&owner.home))).unwrap();
    fs::write(frozen("relay.json"), text(&packed(&practice.relay.data))).unwrap();
    fs::write(frozen("told.json"), text(&told)).unwrap();
}

#[test]
fn a_practice_of_version_1_opens_tells_what_it_told_and_goes_on() {
    if std::env::var_os("DAYBOOK_WRITE_FROZEN").is_some() && !frozen("told.json").exists() {
        write();
    }
    let told_then: Value = serde_json::from_slice(&fs::read(frozen("told.json")).unwrap()).unwrap();
    let text = |field: &str| told_then[field].as_str().unwrap();
    let (day, rosa) = (text("day"), text("client"));
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let owner = Desk::new(place, "owner");
    unpacked("owner.json", &owner.home);
    let home = Desk::with_passphrase(place, "home", PASSPHRASE);
    home.does(&["restore", frozen("home.backup").to_str().unwrap()]);

    // The relay of then serves the desks of now: with its word the records open however old they are.
    let data = place.join("relay");
    unpacked("relay.json", &data);
    let relay = Relay::start(&data);
    for (name, desk) in [("owner", &owner), ("vet", &home)] {
        desk.does(&["relay", &relay.address]);
        let state = desk.sync();
        assert_eq!(
            (&state["outbox"], &state["alarms"]),
            (&json!(0), &json!([])),
            "{state:#}"
        );
        let (then, now) = (&told_then[name], told(desk, day, rosa));
        assert!(holds(then, &now), "{name}: {then:#} and now {now:#}");
        desk.does(&["audit", "verify"]);
    }
    let proof = fs::read_to_string(frozen("certificate.txt")).unwrap();
    assert_eq!(Certified::check(&proof).unwrap().out.len(), 0);

    // A newcomer reads everything.
    let code = owner.does(&["invite", "--role", "vet"]);
    let fresh = Desk::new(place, "fresh");
    fresh.does(&["join", code["code"].as_str().unwrap()]);
    fresh.sync();
    let (then, now) = (&told_then["vet"], told(&fresh, day, rosa));
    for part in ["clients", "cards", "day", "reviews", "confirmed"] {
        assert!(
            holds(&then[part], &now[part]),
            "{part}: {then:#} and now {now:#}"
        );
    }
    let (ina, _) = client(&fresh, "Ina Prado");
    visit(&fresh, &ina, 15);
    fresh.sync();
    let state = owner.sync();
    assert_eq!(
        state["confirmed"].as_u64(),
        told_then["owner"]["confirmed"].as_u64().map(|n| n + 1)
    );
}
