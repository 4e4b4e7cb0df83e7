//! Faults that are switched on do show: the checks of the stories would notice them.
#![cfg(feature = "planted")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

mod practice;

use practice::{Practice, site, slot, visit};
use sync_protocol::{FeedId, Verdict};
use sync_server::core::Planted;

fn two_bookings(planted: Planted, second_at: &str) -> Practice {
    let mut practice = Practice::open(2);
    practice.relay.plant(planted);
    let desk = practice.desk(2);
    let entries = [
        desk.book(site(1), visit(1), &slot("2026-03-02T10:00:00", 30, 9)),
        desk.book(site(1), visit(2), &slot(second_at, 30, 9)),
    ];
    practice.push(2, &entries);
    practice.run();
    practice
}

#[test]
fn a_relay_that_does_not_check_grants_twice() {
    let planted = Planted {
        grant_without_check: true,
        ..Planted::default()
    };
    let practice = two_bookings(planted, "2026-03-02T10:15:00");
    let verdict = practice.desks[&1].last_verdict(visit(2));
    assert_eq!(verdict, Some(Verdict::Granted));
}

#[test]
fn an_end_that_is_included_refuses_who_only_touches() {
    let planted = Planted {
        off_by_one_slot: true,
        ..Planted::default()
    };
    let practice = two_bookings(planted, "2026-03-02T09:30:00");
    let verdict = practice.desks[&1].last_verdict(visit(2));
    assert!(matches!(verdict, Some(Verdict::Refused(_))));
}

#[test]
fn a_forgotten_refusal_leaves_a_desk_waiting() {
    let planted = Planted {
        forget_refusal: true,
        ..Planted::default()
    };
    let practice = two_bookings(planted, "2026-03-02T10:15:00");
    assert_eq!(practice.desks[&1].last_verdict(visit(2)), None);
}

#[test]
fn an_entry_sent_twice_stands_twice() {
    let mut practice = Practice::open(2);
    practice.relay.plant(Planted {
        no_idempotence: true,
        ..Planted::default()
    });
    let entry = practice
        .desk(2)
        .write(FeedId::Contact, [4; 16], vec![1; 20]);
    practice.push(2, &[entry.clone(), entry]);
    practice.run();
    assert_eq!(practice.desks[&1].feeds[&FeedId::Contact].items.len(), 2);
}

#[test]
fn an_acknowledgement_before_the_sync_is_lost_with_the_power() {
    let mut practice = Practice::open(2);
    practice.relay.plant(Planted {
        ack_before_sync: true,
        ..Planted::default()
    });
    let entry = practice
        .desk(2)
        .write(FeedId::Contact, [4; 16], vec![1; 20]);
    practice.push(2, &[entry]);
    let now = practice.now();
    let effects = practice.relay.commit(now).unwrap();
    assert!(!effects.is_empty());
    let disk = practice.disk.clone();
    disk.power_cut(|_| 0);
    practice.restart(disk);
    practice.carry_out(effects);
    practice.sign_in(1);
    assert!(!practice.desks[&1].feeds.contains_key(&FeedId::Contact));
}
