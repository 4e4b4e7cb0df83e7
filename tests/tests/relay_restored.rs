//! An old copy of a relay's data is put back: every desk notices at its first contact, works on, and
//! brings back what was lost; an owner ends the alarm.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::fs;

use serde_json::Value;
use system_tests::process::{Practice, ann_at, book_ann, copy_folder, monday};

fn codes(state: &Value) -> Vec<String> {
    let alarms = state["alarms"].as_array().unwrap().iter();
    alarms
        .map(|alarm| alarm["code"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_desk_notices_an_old_copy_and_nothing_that_was_acknowledged_is_lost() {
    let mut practice = Practice::open(3);
    let [owner, vet, away] = practice.desks.clone().try_into().unwrap();
    for hour in 6..9 {
        book_ann(&owner, hour);
    }
    practice.agrees();
    // Saved while it stands still, and put back after more was acknowledged.
    assert!(practice.relay.stop().success());
    let kept = practice.path().join("kept");
    copy_folder(&practice.relay.data, &kept).unwrap();
    practice.relay.restart();
    for hour in 9..12 {
        book_ann(&vet, hour);
    }
    book_ann(&owner, 13);
    let before = practice.agrees();
    assert_eq!(before["confirmed"], 7, "{before:#}");
    practice.relay.kill();
    fs::remove_dir_all(&practice.relay.data).unwrap();
    copy_folder(&kept, &practice.relay.data).unwrap();
    practice.relay.restart();

    // At its first contact, and from then on, until somebody agrees.
    for desk in [&owner, &vet, &away] {
        let state = desk.sync();
        assert_eq!(codes(&state), ["relay_restored"], "{state:#}");
        assert_eq!(codes(&desk.state()), ["relay_restored"]);
    }
    // Work goes on; nothing new is confirmed, whatever was stays so.
    book_ann(&vet, 15);
    book_ann(&away, 16);
    for state in practice.meet() {
        assert_eq!(codes(&state), ["relay_restored"], "{state:#}");
        let count = |what: &str| state[what].as_u64().unwrap();
        assert_eq!(
            (count("confirmed"), count("tentative"), count("outbox")),
            (7, 2, 0),
            "{state:#}"
        );
    }
    let proof = practice.path().join("evidence.json");
    let proof = proof.to_string_lossy();
    let written = vet.does(&["evidence", &proof]);
    assert_eq!(written["contradictions"], 0, "{written}");
    let text = fs::read_to_string(&*proof).unwrap();
    let evidence: Value = serde_json::from_str(&text).unwrap();
    assert!(evidence["heads"].as_array().unwrap().len() >= 4);
    assert!(evidence["acts"].as_array().unwrap().len() >= 4);
    assert!(!text.contains("Ann") && !text.contains("Harbour"), "{text}");
    vet.refuses(&["evidence", &proof]).is(3, "invalid_input");

    vet.refuses(&["relay-restored"]).is(6, "not_allowed");
    owner.does(&["relay-restored"]);
    // Once more does no harm.
    owner.does(&["relay-restored"]);
    let states = practice.meet();
    for state in &states {
        for hash in ["heads", "clashes", "rendering"] {
            assert_eq!(state[hash], states[0][hash], "{hash}: {states:#?}");
        }
        assert_eq!(codes(state), Vec::<String>::new(), "{state:#}");
        let count = |what: &str| state[what].as_u64().unwrap();
        assert_eq!(
            (count("confirmed"), count("tentative"), count("outbox")),
            (9, 0, 0),
            "{state:#}"
        );
    }
    // Slots are given and refused as before.
    book_ann(&away, 18);
    practice.meet();
    vet.sync();
    let start = monday().at(18, 0, 0, 0).to_string();
    vet.refuses(&ann_at(&start)).is(4, "slot_taken");
    for state in practice.meet() {
        assert_eq!(state["confirmed"], 10, "{state:#}");
    }
}
