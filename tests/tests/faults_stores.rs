//! Every file of both stores, cut short and with bits turned over: that is found out or does no
//! harm, nobody is shown older data without a word, and there is a way back.

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

use serde_json::{Value, json};
use system_tests::process::{Practice, book_ann, copy_folder, files_below};

/// What happens to a file.
#[derive(Debug, Clone, Copy)]
enum Harm {
    /// Only so many thousandths are left.
    Cut(usize),
    /// The last byte is gone.
    Nibbled,
    /// A bit so many thousandths in is turned over.
    Flip(usize),
}

const HARMS: [Harm; 8] = [
    Harm::Cut(0),
    Harm::Cut(480),
    Harm::Cut(930),
    Harm::Nibbled,
    Harm::Flip(2),
    Harm::Flip(333),
    Harm::Flip(666),
    Harm::Flip(999),
];

impl Harm {
    /// Whether there was anything to harm.
    fn befall(self, file: &Path) -> bool {
        let mut bytes = fs::read(file).unwrap();
        let length = bytes.len();
        if length == 0 {
            return false;
        }
        match self {
            Self::Cut(thousandths) => bytes.truncate(length * thousandths / 1000),
            Self::Nibbled => bytes.truncate(length - 1),
            Self::Flip(thousandths) => bytes[length * thousandths / 1000] ^= 0x10,
        }
        fs::write(file, bytes).unwrap();
        true
    }
}

fn renew(from: &Path, to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
    copy_folder(from, to).unwrap();
}

fn same(state: &Value, clean: &Value, what: &str) {
    for hash in ["entries", "heads", "clashes", "rendering", "confirmed"] {
        assert_eq!(state[hash], clean[hash], "{what}: {hash}");
    }
}

fn inside(file: &Path, folder: &Path) -> PathBuf {
    file.strip_prefix(folder).unwrap().to_owned()
}

#[test]
fn every_file_of_a_home_is_damaged_and_nothing_is_silently_lost() {
    let mut practice = Practice::open(2);
    let desk = practice.desks[0].clone();
    for hour in 8..11 {
        book_ann(&desk, hour);
    }
    let stick = practice.path().join("stick");
    let backup = desk.does(&["backup", &stick.to_string_lossy()]);
    let backup = backup["file"].as_str().unwrap().to_owned();
    for hour in 11..14 {
        book_ann(&desk, hour);
    }
    let clean = practice.agrees();
    let trial = desk.moved(&practice.path().join("trial"));
    let (mut refused, mut harmless) = (0, 0);
    for file in files_below(&desk.home) {
        let file = inside(&file, &desk.home);
        for harm in HARMS {
            renew(&desk.home, &trial.home);
            if !harm.befall(&trial.home.join(&file)) {
                continue;
            }
            let what = format!("{harm:?} of {}", file.display());
            let said = trial.run(&["state"]);
            if said.code == 0 {
                same(&serde_json::from_str(&said.out).unwrap(), &clean, &what);
                harmless += 1;
            } else {
                let refusal = trial.refuses(&["state"]);
                let known = [
                    (13, "damaged"),
                    (13, "newer_version"),
                    (14, "storage"),
                    (9, "locked"),
                    (9, "missing_key"),
                ];
                assert!(
                    known.contains(&(refusal.exit, refusal.code.as_str())),
                    "{what}: {refusal:?}"
                );
                let (exit, code) = (refusal.exit, refusal.code.clone());
                refusal.is(exit, &code);
                refused += 1;
            }
            if file.starts_with("index") {
                // What can be made anew is made anew.
                assert_eq!(said.code, 0, "{what}: {said:?}");
            }
        }
    }
    // The key file and the log are each found out; a test without that would prove nothing.
    assert!(
        refused >= 8 && harmless >= 8,
        "{refused} refused, {harmless} harmless"
    );

    // Back from a backup: what is newer than it comes from the relay.
    renew(&desk.home, &trial.home);
    let log = files_below(&trial.home.join("log"));
    let segment = log.iter().find(|file| file.extension().is_some()).unwrap();
    Harm::Flip(500).befall(segment);
    trial.refuses(&["state"]).is(13, "damaged");
    fs::remove_dir_all(&trial.home).unwrap();
    let away = practice.path().join("away");
    fs::rename(&desk.home, &away).unwrap();
    let machine_key = fs::read(away.join("machine-key")).unwrap();
    desk.does(&["restore", &backup]);
    // The key beside the home is the owner's to keep; a passphrase or the words need no file.
    fs::write(desk.home.join("machine-key"), machine_key).unwrap();
    book_ann(&desk, 15);

    // And back by a code: a new device that gets everything from the relay.
    let fresh = practice.join("owner");
    book_ann(&fresh, 16);
    let states = practice.meet();
    for state in &states {
        same(state, &states[0], "restored");
        assert_eq!(
            (&state["confirmed"], &state["outbox"]),
            (&json!(8), &json!(0)),
            "{state}"
        );
        // Everybody is told that this device may run twice: once here, once where it was saved.
        let alarms = state["alarms"].to_string();
        assert!(alarms == "[]" || alarms.contains("restored"), "{state}");
    }
}

#[test]
fn every_file_of_a_relay_is_damaged_and_nothing_is_silently_lost() {
    let mut practice = Practice::open(3);
    let [one, two, early] = practice.desks.clone().try_into().unwrap();
    let asleep = practice.path().join("asleep");
    copy_folder(&early.home, &asleep).unwrap();
    for hour in 8..12 {
        book_ann(&one, hour);
        book_ann(&two, hour + 6);
    }
    let clean = practice.agrees();
    assert!(practice.relay.stop().success());
    let relay = practice.relay.data.clone();
    let kept = practice.path().join("kept");
    copy_folder(&relay, &kept).unwrap();
    let newcomer = early.moved(&practice.path().join("newcomer"));
    let (mut refused, mut served) = (0, 0);
    for file in files_below(&kept) {
        let file = inside(&file, &kept);
        for harm in HARMS {
            renew(&kept, &relay);
            if !harm.befall(&relay.join(&file)) {
                continue;
            }
            let what = format!("{harm:?} of {}", file.display());
            if let Err(said) = practice.relay.try_restart() {
                assert!(
                    said.contains("sync-server: "),
                    "{what}: no clear error: {said}"
                );
                refused += 1;
                continue;
            }
            // Somebody who needs it all from the relay alone.
            renew(&asleep, &newcomer.home);
            let said = newcomer.run(&["sync", "--timeout", "1"]);
            if said.code == 0 {
                let state: Value = serde_json::from_str(&said.out).unwrap();
                same(&state, &clean, &what);
                served += 1;
                practice.relay.kill();
            } else {
                assert!([11, 12].contains(&said.code), "{what}: {said:?}");
                refused += 1;
                practice.relay.kill();
                let (whole, said) = practice.relay.tool(&["check"]);
                assert!(!whole && said.contains("DAMAGED"), "{what}: {said}");
            }
        }
    }
    assert!(
        refused >= 8 && served >= 8,
        "{refused} refused, {served} served"
    );

    // Back without any backup: the folder is put aside, and the desks bring everything.
    renew(&kept, &relay);
    let orgs = relay.join("orgs");
    let log = files_below(&orgs);
    let segment = log.iter().find(|file| file.extension().is_some()).unwrap();
    Harm::Flip(500).befall(segment);
    fs::remove_dir_all(&orgs).unwrap();
    practice.relay.restart();
    one.refuses(&["sync", "--timeout", "5"])
        .is(12, "relay_refused");
    // Work goes on meanwhile.
    book_ann(&one, 20);
    let ticket = practice.relay.ticket();
    let address = practice.relay.address.clone();
    one.does(&["relay", &address, "--ticket", &ticket]);
    let states = practice.meet();
    for state in &states {
        assert_eq!(state["outbox"], 0, "{state:#}");
        for hash in ["heads", "clashes", "rendering"] {
            assert_eq!(state[hash], states[0][hash], "{hash}: {states:#?}");
        }
        // What it had granted stays granted; what is new waits until an owner trusts it again.
        let live = state["confirmed"].as_u64().unwrap() + state["tentative"].as_u64().unwrap();
        assert_eq!(live, 9, "{state:#}");
    }
    renew(&asleep, &newcomer.home);
    let state = newcomer.sync();
    for hash in ["heads", "clashes"] {
        assert_eq!(state[hash], states[0][hash], "{hash}: {state}");
    }
}
