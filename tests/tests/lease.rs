//! A computer that has not heard from the relay for the days of its lease, with the real programs: it
//! opens the schedule and the day sheet alone, whatever its clock says, until the relay answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::Value;
use system_tests::process::{Desk, Practice, ann_at, id_of, today};

fn days_on(from: Timestamp, days: i64) -> Timestamp {
    from + SignedDuration::from_hours(24 * days)
}

fn on(desk: &Desk, at: Timestamp) -> Desk {
    desk.at(&at.to_string())
}

fn lease(desk: &Desk) -> Value {
    desk.state()["care"]["lease"].clone()
}

fn book(desk: &Desk, at: Timestamp, hour: i8, client: Option<&str>) -> String {
    let day = at.to_zoned(TimeZone::UTC).date();
    let start = day.at(hour, 0, 0, 0).to_string();
    let mut wish = ann_at(&start).to_vec();
    if let Some(client) = client {
        wish.extend(["--client", client]);
    }
    wish.push("--despite-warnings");
    id_of(&desk.does(&wish))
}

fn visits(desk: &Desk, at: Timestamp) -> Vec<Value> {
    let day = at.to_zoned(TimeZone::UTC).date().to_string();
    desk.does(&["day", &day])["visits"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn without_the_relay_records_close_and_the_schedule_works_until_it_answers() {
    let practice = Practice::open(1);
    let desk = &practice.desks[0];
    let noon = today().at(12, 0, 0, 0).to_zoned(TimeZone::UTC);
    let today = noon.unwrap().timestamp();
    let client = id_of(&desk.does(&["client", "add", "Ilse Quint", "--phone", "600 300 100"]));
    let (soon, late) = (days_on(today, 92), days_on(today, 120));
    book(desk, soon, 9, Some(&client));
    book(desk, late, 9, Some(&client));
    desk.sync();
    assert_eq!(lease(desk)["phase"], "holds");
    assert_eq!(lease(desk)["days"], 90);

    let warned = on(desk, days_on(today, 80));
    assert_eq!(lease(&warned)["phase"], "ends");
    assert!(warned.does(&["search", "Ilse"])["clients"][0].is_object());

    let closed = on(desk, days_on(today, 91));
    assert_eq!(lease(&closed)["phase"], "over");
    for question in [
        vec!["search", "Ilse"],
        vec!["client", "list"],
        vec!["card", "show", &client],
        vec!["audit"],
        vec!["reviews"],
        vec!["erasures"],
        vec!["client", "add", "Otto Kern"],
        vec![
            "export",
            &client,
            "--folder",
            practice.path().to_str().unwrap(),
        ],
    ] {
        closed.refuses(&question).is(9, "lease_over");
    }
    let named = &visits(&closed, soon)[0]["details"];
    assert_eq!(named["title"], "Ilse Quint");
    assert!(named.get("phone").is_none(), "{named}");
    assert!(visits(&closed, late)[0].get("details").is_none());
    let visit = book(&closed, soon, 11, None);
    closed.does(&["cancel", &visit]);

    // A clock that is set back prolongs nothing.
    let back = on(desk, days_on(today, 20));
    assert_eq!(lease(&back)["phase"], "over");
    back.refuses(&["search", "Ilse"]).is(9, "lease_over");

    // The relay's word opens everything, at whatever the clock says.
    desk.sync();
    assert_eq!(lease(desk)["phase"], "holds");
    assert!(desk.does(&["search", "Ilse"])["clients"][0].is_object());

    desk.refuses(&["lease", "6"])
        .is(3, "invalid_input")
        .field("days");
    desk.does(&["lease", "14"]);
    assert_eq!(lease(desk)["days"], 14);
    let closed = on(desk, days_on(today, 15));
    closed.refuses(&["search", "Ilse"]).is(9, "lease_over");
    desk.sync();
    desk.does(&["search", "Ilse"]);
}
