//! A code that went by mail: whoever comes with it gets no key before two people have compared a
//! number, with the real programs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use serde_json::Value;
use system_tests::process::{Desk, Practice};

fn clients(desk: &Desk) -> usize {
    desk.does(&["client", "list"])["clients"]
        .as_array()
        .unwrap()
        .len()
}

fn newcomer(desk: &Desk) -> Value {
    let people = desk.does(&["people", "list"]);
    let seats = people["seats"].as_array().unwrap().iter();
    let mut waiting = seats.filter(|seat| !seat["compare"].is_null());
    waiting.next().expect("somebody is to be compared").clone()
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap().to_owned()
}

/// Somebody who came with a code that others may have read.
fn guest(practice: &Practice, name: &str) -> Desk {
    let owner = &practice.desks[0];
    let invited = owner.does(&["invite", "--role", "receptionist", "--compare"]);
    let guest = Desk::new(practice.path(), name);
    guest.does(&["join", &text(&invited, "code")]);
    guest
}

/// Neither has to be there when the other is.
fn talk(owner: &Desk, guest: &Desk) {
    for desk in [guest, owner, guest, owner] {
        desk.does(&["sync"]);
    }
}

#[test]
fn a_newcomer_reads_nothing_until_the_numbers_were_the_same() {
    let mut practice = Practice::open(1);
    let owner = practice.desks[0].clone();
    let partner = practice.join("owner");
    owner.does(&["client", "add", "Marigold Thistle"]);
    let guest = guest(&practice, "guest");
    owner.does(&["sync"]);
    let seat = text(&newcomer(&owner), "id");
    owner
        .refuses(&["compare", &seat, "--same"])
        .is(3, "not_found");

    talk(&owner, &guest);
    let told = owner.does(&["compare", &seat]);
    let number = text(&told, "number");
    assert_eq!(number.len(), 11, "two groups of five digits: {number}");
    assert_eq!(text(&guest.does(&["compare"]), "number"), number);
    assert_eq!(text(&partner.does(&["compare", &seat]), "number"), number);

    // No owner's computer hands over keys of itself, also not when it makes new ones.
    let locum = practice.join("receptionist");
    owner.does(&["sync"]);
    let people = owner.does(&["people", "list"]);
    let seats = people["seats"].as_array().unwrap().iter();
    let locums = seats.filter(|one| one["role"] == "receptionist" && one["compare"].is_null());
    let locums: Vec<String> = locums.map(|one| text(one, "id")).collect();
    assert_eq!(locums.len(), 1);
    owner.does(&["people", "remove", &locums[0]]);
    locum.refuses(&["sync"]).is(9, "removed");
    for desk in [&partner, &owner, &guest] {
        desk.does(&["sync"]);
    }
    assert_eq!(clients(&guest), 0);
    assert_eq!(newcomer(&partner)["keys"], false);

    owner.does(&["compare", &seat, "--same"]);
    guest.does(&["sync"]);
    assert_eq!(clients(&guest), 1);
    guest.refuses(&["compare"]).is(3, "not_found");
    guest.does(&["client", "add", "Juniper Moss"]);
    guest.does(&["sync"]);
    partner.does(&["sync"]);
    assert_eq!(clients(&partner), 2);
}

#[test]
fn somebody_whose_number_is_another_is_put_out() {
    let practice = Practice::open(1);
    let owner = practice.desks[0].clone();
    owner.does(&["client", "add", "Marigold Thistle"]);
    let thief = guest(&practice, "thief");
    talk(&owner, &thief);
    let seat = text(&newcomer(&owner), "id");
    owner.does(&["compare", &seat, "--different"]);
    thief.refuses(&["sync"]).is(9, "removed");
    owner.refuses(&["compare", &seat]).is(3, "not_found");
}
