//! Days at a relay: who gets the slot, what a restart keeps, who is turned away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

mod practice;

use conflict_rules::{ClaimState, Decision, DecisionId, Placement, Verdict as Decides};
use practice::{
    ORG, Practice, act_on, at, device, device_id, genesis, key, public, seat, seat_id, site, slot,
    visit, week_key,
};
use schedule::WeekKey;
use sync_protocol::{
    Author, ErrorCode, FeedId, Frame, Hash, Join, RefusalReason, Role, Signature, Verdict, What,
};
use sync_server::core::{ConnId, Door, Effect, Input, Limits, Organisation};

const HERE: u8 = 1;

fn taken_by(practice: &Practice, desk: u8, n: u64) -> Option<[u8; 16]> {
    match practice.desks[&desk].last_verdict(visit(n)) {
        Some(Verdict::Refused(RefusalReason::Taken { by, .. })) => Some(by),
        _ => None,
    }
}

fn granted(practice: &Practice, desk: u8, n: u64) -> bool {
    practice.desks[&desk].last_verdict(visit(n)) == Some(Verdict::Granted)
}

#[test]
fn of_two_desks_that_book_one_slot_one_gets_it_and_the_other_is_told_who() {
    let mut practice = Practice::open(3);
    let ten = slot("2026-03-02T10:00:00", 30, 9);
    let first = practice.desk(2).book(site(HERE), visit(1), &ten);
    let second = practice.desk(3).book(site(HERE), visit(2), &ten);
    practice.push(2, &[first]);
    practice.push(3, &[second]);
    practice.run();
    practice.assert_agree();
    for desk in 1..=3 {
        assert!(granted(&practice, desk, 1));
        assert_eq!(taken_by(&practice, desk, 2), Some(visit(1).to_bytes()));
        assert_eq!(practice.desks[&desk].confirmations.len(), 2);
    }
}

#[test]
fn two_hundred_claims_for_one_slot_are_one_grant_and_199_refusals() {
    let mut practice = Practice::open(3);
    let ten = slot("2026-03-02T10:00:00", 30, 9);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for n in 0..100 {
        left.push(practice.desk(2).book(site(HERE), visit(n), &ten));
        right.push(practice.desk(3).book(site(HERE), visit(100 + n), &ten));
    }
    practice.push(2, &left);
    practice.push(3, &right);
    practice.run();
    practice.assert_agree();
    let all = &practice.desks[&1].confirmations;
    assert_eq!(all.len(), 200);
    let grants = all.iter().filter(|c| c.verdict == Verdict::Granted).count();
    assert_eq!(grants, 1);
    assert_eq!(practice.relay.stats().taken, 199);
}

#[test]
fn visits_that_touch_are_both_granted_and_other_people_do_not_matter() {
    let mut practice = Practice::open(2);
    let mut entries = Vec::new();
    let slots = [
        slot("2026-03-02T10:00:00", 30, 9),
        slot("2026-03-02T10:30:00", 30, 9),
        slot("2026-03-02T09:30:00", 30, 9),
        slot("2026-03-02T10:00:00", 30, 8),
    ];
    for (n, slot) in (0..).zip(&slots) {
        entries.push(practice.desk(2).book(site(HERE), visit(n), slot));
    }
    practice.push(2, &entries);
    practice.run();
    assert!((0..4).all(|n| granted(&practice, 2, n)));
}

#[test]
fn one_vet_is_not_at_two_sites_at_once_nor_in_two_weeks_at_midnight() {
    let mut practice = Practice::open(2);
    let desk = practice.desk(2);
    let ten = slot("2026-03-02T10:00:00", 30, 9);
    // Sunday 23:30 to Monday 00:30, in the document of the earlier week.
    let night = slot("2026-03-08T23:30:00", 60, 9);
    let monday = slot("2026-03-09T00:00:00", 30, 9);
    let entries = [
        desk.book(site(1), visit(1), &ten),
        desk.book(site(2), visit(2), &ten),
        desk.book(site(1), visit(3), &night),
        desk.book(site(1), visit(4), &monday),
    ];
    practice.push(2, &entries);
    practice.run();
    practice.assert_agree();
    assert!(granted(&practice, 1, 1) && granted(&practice, 1, 3));
    assert_eq!(taken_by(&practice, 1, 2), Some(visit(1).to_bytes()));
    assert_eq!(taken_by(&practice, 1, 4), Some(visit(3).to_bytes()));
}

#[test]
fn a_room_for_three_takes_three() {
    let mut practice = Practice::open(2);
    let ten = slot("2026-03-02T10:00:00", 30, 9);
    let mut entries = vec![practice.desk(2).set_capacity(9, 3)];
    for n in 0..4 {
        entries.push(practice.desk(2).book(site(HERE), visit(n), &ten));
    }
    practice.push(2, &entries);
    practice.run();
    assert!((0..3).all(|n| granted(&practice, 2, n)));
    assert!(taken_by(&practice, 2, 3).is_some());
}

#[test]
fn who_moves_or_cancels_gives_the_slot_to_who_waited() {
    let mut practice = Practice::open(3);
    let ten = slot("2026-03-02T10:00:00", 30, 9);
    let noon = slot("2026-03-02T12:00:00", 30, 9);
    let week = week_key(site(HERE), &ten);
    let first = practice.desk(2).book(site(HERE), visit(1), &ten);
    practice.push(2, &[first]);
    practice.run();
    let second = practice.desk(3).book(site(HERE), visit(2), &ten);
    practice.push(3, &[second]);
    practice.run();
    assert!(taken_by(&practice, 1, 2).is_some());

    let moved = practice.desk(2).move_to(week, visit(1), &noon);
    practice.push(2, &[moved]);
    practice.run();
    assert!(granted(&practice, 1, 1) && granted(&practice, 1, 2));

    let third = practice.desk(3).book(site(HERE), visit(3), &noon);
    practice.push(3, &[third]);
    practice.run();
    assert_eq!(taken_by(&practice, 1, 3), Some(visit(1).to_bytes()));
    let cancelled = practice
        .desk(2)
        .set_state(week, visit(1), ClaimState::Cancelled);
    practice.push(2, &[cancelled]);
    practice.run();
    assert!(granted(&practice, 1, 3));
    // It comes back, and its slot is gone.
    let again = practice
        .desk(2)
        .set_state(week, visit(1), ClaimState::Booked);
    practice.push(2, &[again]);
    practice.run();
    assert_eq!(taken_by(&practice, 1, 1), Some(visit(3).to_bytes()));
    practice.assert_agree();
}

/// Seat 2 books two visits at ten, of which the first has the slot.
fn two_at_ten(practice: &mut Practice) -> (Placement, WeekKey) {
    let ten = slot("2026-03-02T10:00:00", 30, 9);
    let desk = practice.desk(2);
    let entries = [1, 2].map(|number| desk.book(site(HERE), visit(number), &ten));
    practice.push(2, &entries);
    practice.run();
    assert_eq!(taken_by(practice, 1, 2), Some(visit(1).to_bytes()));
    let week = week_key(site(HERE), &ten);
    (ten, week)
}

#[test]
fn an_overlap_that_was_agreed_is_granted() {
    let mut practice = Practice::open(2);
    let (one, two) = (visit(1), visit(2));
    let (ten, week) = two_at_ten(&mut practice);
    let decision = Decision {
        id: DecisionId::from_bytes([3; 16]),
        seat: seat_id(2).to_bytes(),
        verdicts: vec![Decides::AllowOverlap {
            a: (one.min(two), ten.hash()),
            b: (one.max(two), ten.hash()),
        }],
        seen: std::collections::BTreeSet::new(),
    };
    let decided = practice.desk(2).decide(week, &decision);
    practice.push(2, &[decided]);
    practice.run();
    assert!(granted(&practice, 1, 1) && granted(&practice, 1, 2));
}

#[test]
fn what_a_decision_called_off_asks_again_when_the_decision_counts_for_nothing() {
    let mut practice = Practice::open(3);
    let (one, two) = (visit(1), visit(2));
    let (ten, week) = two_at_ten(&mut practice);
    let decision = Decision {
        id: DecisionId::from_bytes([3; 16]),
        seat: seat_id(3).to_bytes(),
        verdicts: vec![Decides::Cancel {
            claim: two,
            placement: ten.hash(),
        }],
        seen: std::collections::BTreeSet::new(),
    };
    let decided = practice.desk(3).decide(week, &decision);
    practice.push(3, &[decided]);
    practice.run();
    // Nothing that seat 3 wrote is left as it was.
    practice.own(What::RemoveSeat {
        seat: seat_id(3),
        last: Vec::new(),
    });
    let cancelled = practice.desk(2).set_state(week, one, ClaimState::Cancelled);
    practice.push(2, &[cancelled]);
    practice.run();
    assert!(granted(&practice, 1, 2));
}

#[test]
fn a_restart_keeps_entries_positions_and_who_has_which_slot() {
    let mut practice = Practice::open(3);
    let ten = slot("2026-03-02T10:00:00", 30, 9);
    let sealed = practice
        .desk(2)
        .write(FeedId::Contact, [4; 16], vec![1; 300]);
    let first = practice.desk(2).book(site(HERE), visit(1), &ten);
    practice.push(2, &[sealed.clone(), first]);
    practice.run();
    let before = practice.desks[&1].have();

    practice.restart(practice.disk.clone());
    for n in 1..=3 {
        practice.sign_in(n);
    }
    assert_eq!(practice.desks[&1].have(), before);
    let welcome = practice.desks[&1].welcome.clone().unwrap();
    assert!(
        welcome.heads.is_empty() && welcome.behind.is_empty(),
        "in step"
    );

    // The same entry again stands where it stood.
    let records = practice.relay.stats().records;
    practice.push(2, &[sealed]);
    practice.run();
    assert_eq!(practice.relay.stats().records, records);

    let second = practice.desk(3).book(site(HERE), visit(2), &ten);
    practice.push(3, &[second]);
    practice.run();
    assert_eq!(taken_by(&practice, 1, 2), Some(visit(1).to_bytes()));
    practice.assert_agree();
}

#[test]
fn a_power_cut_between_taking_and_committing_loses_nothing_that_was_acknowledged() {
    for seed in 0..40_u64 {
        let mut practice = Practice::open(2);
        let mut state = seed;
        for n in 0..5 {
            let entry = practice
                .desk(2)
                .write(FeedId::Contact, [n; 16], vec![n; 700]);
            practice.push(2, &[entry]);
            practice.run();
        }
        let acknowledged = practice.desks[&2].placed;
        assert_eq!(acknowledged, 5);
        let ten = slot("2026-03-02T10:00:00", 30, 9);
        let lost = practice
            .desk(2)
            .write(FeedId::Contact, [9; 16], vec![9; 700]);
        let booked = practice.desk(2).book(site(HERE), visit(1), &ten);
        practice.push(2, &[lost.clone(), booked.clone()]);
        let disk = practice.disk.clone();
        disk.power_cut(|bound| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % bound.max(1)
        });
        practice.restart(disk);
        practice.sign_in(2);
        assert!(
            practice.desks[&2]
                .welcome
                .clone()
                .unwrap()
                .behind
                .is_empty()
        );
        practice.push(2, &[lost, booked]);
        practice.run();
        assert_eq!(practice.desks[&2].feeds[&FeedId::Contact].proven, 6);
        assert!(granted(&practice, 2, 1), "seed {seed}");
        practice.sign_in(1);
        practice.assert_agree();
    }
}

#[test]
fn a_relay_that_lost_its_end_is_found_out_and_healed_by_the_desks() {
    let mut practice = Practice::open(3);
    let ten = slot("2026-03-02T10:00:00", 30, 9);
    let first = practice.desk(2).book(site(HERE), visit(1), &ten);
    practice.push(2, &[first]);
    practice.run();
    let backup = practice.disk.copy();
    let noon = slot("2026-03-02T12:00:00", 30, 9);
    let second = practice.desk(2).book(site(HERE), visit(2), &noon);
    practice.push(2, &[second]);
    practice.run();

    practice.restart(backup);
    practice.sign_in(3);
    let feed = FeedId::Schedule(site(HERE));
    assert_eq!(practice.desks[&3].welcome.clone().unwrap().behind, [feed]);
    assert!(practice.relay.is_paused());
    let all: Vec<_> = practice.desks[&3].entries.values().cloned().collect();
    practice.push(3, &all);
    practice.run();
    practice.sign_in(2);
    practice.sign_in(1);
    practice.assert_agree();
    let clash = practice.desk(2).book(site(HERE), visit(3), &noon);
    practice.push(2, &[clash]);
    practice.run();
    assert_eq!(practice.desks[&1].last_verdict(visit(3)), None, "paused");
    practice.own(What::RelayRestore { epoch: 1 });
    assert!(!practice.relay.is_paused());
    assert!(granted(&practice, 1, 2));
    assert_eq!(taken_by(&practice, 1, 3), Some(visit(2).to_bytes()));
    practice.assert_agree();

    // What was laid out anew survives a restart.
    practice.restart(practice.disk.clone());
    for n in 1..=3 {
        practice.sign_in(n);
        assert!(practice.desks[&n].welcome.clone().unwrap().heads.is_empty());
    }
}

#[test]
fn a_removed_seat_is_cut_off_at_once_and_what_it_writes_is_refused() {
    let mut practice = Practice::open(3);
    let honest = practice
        .desk(3)
        .write(FeedId::Contact, [4; 16], vec![1; 20]);
    practice.push(3, std::slice::from_ref(&honest));
    practice.run();
    let remove = What::RemoveSeat {
        seat: seat_id(3),
        last: vec![(honest.header().incarnation, 0)],
    };
    // In one breath: removed, and something written after it.
    let act = act_on(
        practice.relay.governance(),
        Author::Seat(seat_id(1)),
        remove,
        "seat 1",
    );
    practice.tell(1, Frame::Propose { act });
    let secret = practice
        .desk(1)
        .write(FeedId::Contact, [5; 16], vec![2; 20]);
    practice.push(1, std::slice::from_ref(&secret));
    let late = practice
        .desk(3)
        .write(FeedId::Contact, [4; 16], vec![3; 20]);
    practice.push(3, &[late]);
    practice.run();
    assert_eq!(practice.desks[&3].closed, Some(ErrorCode::Removed));
    assert!(!practice.desks[&3].entries.contains_key(&secret.hash()));
    assert_eq!(practice.desks[&1].feeds[&FeedId::Contact].proven, 2);
    practice.sign_in(3);
    assert_eq!(
        practice.desks[&3].closed,
        Some(ErrorCode::Removed),
        "at the door"
    );
}

#[test]
fn who_is_removed_is_told_the_act_and_nothing_that_comes_after_it() {
    let mut practice = Practice::open(4);
    let away = practice.desks[&4].clone();
    practice.own(What::RemoveDevice {
        device: device_id(3),
        last: vec![],
    });
    let told = |practice: &Practice, n| practice.desks[&n].feeds[&FeedId::Governance].proven;
    let removal = u64::from(practice.relay.governance().height()) + 1;
    assert_eq!(practice.desks[&3].closed, Some(ErrorCode::Removed));
    assert_eq!(told(&practice, 3), removal, "before it was cut");

    // The same for one that was away, however much happened since.
    practice.relay.handle(
        at(60),
        Input::Closed {
            conn: away.conn.unwrap(),
        },
    );
    practice.desk(4).conn = None;
    practice.own(What::RemoveSeat {
        seat: seat_id(4),
        last: vec![],
    });
    let removal = told(&practice, 1);
    practice.own(What::AddDevice(device(7)));
    let secret = practice
        .desk(1)
        .write(FeedId::Contact, [5; 16], vec![2; 20]);
    practice.push(1, &[secret]);
    practice.run();
    for again in ["the first time", "and when it asks again"] {
        practice.sign_in(4);
        assert_eq!(
            practice.desks[&4].closed,
            Some(ErrorCode::Removed),
            "{again}"
        );
        assert_eq!(told(&practice, 4), removal, "{again}");
        assert!(!practice.desks[&4].feeds.contains_key(&FeedId::Contact));
    }

    // It all stands after a restart.
    practice.restart(practice.disk.clone());
    practice.sign_in(3);
    assert_eq!(practice.desks[&3].closed, Some(ErrorCode::Removed));
    practice.sign_in(1);
    assert!(
        practice
            .relay
            .governance()
            .device(device_id(3))
            .is_some_and(|device| device.removed().is_some())
    );
}

#[test]
fn an_act_from_another_day_is_refused_where_time_decides() {
    let mut practice = Practice::open(2);
    let owner = Author::Seat(seat_id(1));
    let act_at = |practice: &Practice, days: i64| {
        let what = What::AddDevice(device(7));
        let act = act_on(practice.relay.governance(), owner, what, "seat 1");
        let mut act = act.value().clone();
        act.at += days * 86_400;
        sync_protocol::SignedAct::sign(act, &key("seat 1")).unwrap()
    };
    let ahead = act_at(&practice, 2);
    practice.tell(1, Frame::Propose { act: ahead });
    practice.run();
    let refused = practice.desks[&1].refused.last().map(|(_, code)| *code);
    assert_eq!(refused, Some(ErrorCode::BadAct));
    // Brought back to a relay that lost it, perhaps years later.
    let old = act_at(&practice, -2);
    practice.tell(1, Frame::Propose { act: old });
    practice.run();
    assert!(practice.relay.governance().device(device_id(7)).is_some());
}

#[test]
fn an_act_on_an_old_head_is_refused_and_can_be_written_anew() {
    let mut practice = Practice::open(2);
    let governance = practice.relay.governance().clone();
    let owner = Author::Seat(seat_id(1));
    let one = act_on(&governance, owner, What::AddDevice(device(7)), "seat 1");
    let two = act_on(&governance, owner, What::AddDevice(device(8)), "seat 1");
    practice.tell(1, Frame::Propose { act: one.clone() });
    practice.tell(1, Frame::Propose { act: two });
    practice.tell(1, Frame::Propose { act: one });
    practice.run();
    let refused: Vec<_> = practice.desks[&1]
        .refused
        .iter()
        .map(|(_, code)| *code)
        .collect();
    assert_eq!(refused, [ErrorCode::StaleGovernance]);
    practice.own(What::AddDevice(device(8)));
    assert!(practice.relay.governance().device(device_id(8)).is_some());
    practice.assert_agree();
}

#[test]
fn an_entry_that_knows_a_later_act_waits_for_it() {
    let mut practice = Practice::open(2);
    let owner = Author::Seat(seat_id(1));
    let mut ahead = practice.relay.governance().clone();
    let act = act_on(&ahead, owner, What::AddDevice(device(7)), "seat 1");
    ahead.apply(&act).unwrap();
    practice.desk(1).height = ahead.stand();
    let entry = practice
        .desk(1)
        .write(FeedId::Contact, [4; 16], vec![1; 20]);
    practice.push(1, &[entry]);
    practice.run();
    assert!(!practice.desks[&1].feeds.contains_key(&FeedId::Contact));
    practice.tell(1, Frame::Propose { act });
    practice.run();
    assert_eq!(practice.desks[&1].feeds[&FeedId::Contact].proven, 1);
    practice.assert_agree();
}

#[test]
fn a_hostile_change_is_refused_and_the_connection_lives_on() {
    let mut practice = Practice::open(3);
    let ten = slot("2026-03-02T10:00:00", 30, 9);
    let week = week_key(site(HERE), &ten);
    let feed = FeedId::Schedule(site(HERE));
    // A good booking under another one's incarnation, and one whose bytes were tampered with.
    let mut other = practice.desks[&3].clone();
    let foreign = other.book(site(HERE), visit(7), &ten);
    let body = foreign.body().unwrap().to_vec();
    let mut bent = body.clone();
    let middle = bent.len() - 20;
    bent[middle] ^= 0x40;
    let desk = practice.desk(2);
    let entries = [
        desk.write(feed, week.document_id(), body),
        desk.write(feed, week.document_id(), bent),
        desk.write(feed, week.document_id(), b"nothing at all".to_vec()),
        desk.write(feed, [1; 16], foreign.body().unwrap().to_vec()),
        desk.book(site(HERE), visit(1), &ten),
    ];
    practice.push(2, &entries);
    practice.run();
    let codes: Vec<_> = practice.desks[&2]
        .refused
        .iter()
        .map(|(_, code)| *code)
        .collect();
    assert_eq!(codes[0], ErrorCode::UnsafeChange);
    assert_eq!(codes[1], ErrorCode::UnsafeChange);
    assert_eq!(codes[2..], [ErrorCode::BadBody; 2]);
    assert!(granted(&practice, 1, 1));
    // Parents that never came.
    let noon = slot("2026-03-02T12:00:00", 30, 9);
    let _lost = practice.desk(2).move_to(week, visit(1), &noon);
    let orphan = practice
        .desk(2)
        .set_state(week, visit(1), ClaimState::Arrived);
    practice.push(2, &[orphan]);
    practice.run();
    let last = practice.desks[&2].refused.last().unwrap().1;
    assert_eq!(last, ErrorCode::UnknownParents);
    practice.assert_agree();
}

#[test]
fn a_copied_device_is_noticed() {
    let mut practice = Practice::open(2);
    let mut copy = practice.desks[&2].clone();
    let one = practice
        .desk(2)
        .write(FeedId::Contact, [4; 16], vec![1; 20]);
    let two = copy.write(FeedId::Contact, [4; 16], vec![2; 20]);
    practice.push(2, &[one, two]);
    practice.run();
    assert_eq!(
        practice.desks[&2].refused[0].1,
        ErrorCode::DuplicateIncarnation
    );
    assert_eq!(practice.relay.stats().copies, 1);
}

#[test]
fn a_reader_that_gives_no_credit_never_makes_memory_grow() {
    let limits = Limits {
        window_items: 100,
        window_bytes: 64 * 1024,
        part_bytes: 16 * 1024,
        ..Limits::default()
    };
    let mut practice = Practice::with(3, limits);
    practice.desk(3).gives_credit = false;
    for n in 0..200_u32 {
        let document = [n.to_be_bytes()[3]; 16];
        // Sealed bytes do not compress.
        let body = (0..125_u32).flat_map(|i| Hash::of(&(n * 1000 + i).to_be_bytes()).to_bytes());
        let entry = practice
            .desk(2)
            .write(FeedId::Contact, document, body.collect());
        practice.push(2, &[entry]);
        practice.run();
    }
    assert_eq!(practice.desks[&1].feeds[&FeedId::Contact].proven, 200);
    let stuck = practice.desks[&3].received;
    assert!(stuck < 40, "sent {stuck} items that nobody asked for");
    // Credit gets it all, in order.
    practice.desk(3).gives_credit = true;
    practice.tell(
        3,
        Frame::Credit {
            items: u32::try_from(stuck).unwrap(),
        },
    );
    practice.run();
    practice.assert_agree();
}

#[test]
fn a_newcomer_reads_two_feeds_redeems_its_invitation_and_signs_in() {
    let mut practice = Practice::open(2);
    practice.own(What::Invite {
        id: sync_protocol::InviteId::from_bytes([6; 16]),
        role: Role::Vet,
        expires: practice::NOON + 100_000,
        verify: public("invite"),
        site: None,
        wrapped: vec![1; 16],
        compare: false,
    });
    let secret = practice
        .desk(2)
        .write(FeedId::Contact, [4; 16], vec![1; 20]);
    let wrapped = practice.desk(2).write(FeedId::Keys, [4; 16], vec![1; 20]);
    practice.push(2, &[secret, wrapped]);
    practice.run();

    let (door, _) = Door::open(
        &key("relay"),
        [7; 32],
        at(0),
        false,
        &["relay.example".into()],
    );
    let join = |host: &str, signer: &str| {
        let join = Join {
            org: ORG,
            invite: sync_protocol::InviteId::from_bytes([6; 16]),
            host: host.to_owned(),
            nonce: [1; 16],
            have_governance: 0,
            signature: Signature::NONE,
        };
        Frame::Join(join.signed(&[7; 32], &public("relay"), &key(signer)))
    };
    let governance = practice.relay.governance().clone();
    let admit = |frame, now| door.admit(&door.knock(frame).unwrap(), &governance, now);
    let code = |result: Result<_, sync_server::core::Turned>| result.unwrap_err().code;
    assert_eq!(
        code(admit(join("relay.example", "x"), at(0))),
        ErrorCode::BadSignature
    );
    assert_eq!(
        code(admit(join("elsewhere", "invite"), at(0))),
        ErrorCode::WrongRelay
    );
    let late = admit(join("relay.example", "invite"), at(100_000));
    assert_eq!(code(late), ErrorCode::ExpiredInvite);
    let admission = admit(join("relay.example", "invite"), at(0)).unwrap();
    let mut revoked = governance.clone();
    let call_back = What::RevokeInvite {
        invite: sync_protocol::InviteId::from_bytes([6; 16]),
    };
    let call_back = act_on(&revoked, Author::Seat(seat_id(1)), call_back, "seat 1");
    revoked.apply(&call_back).unwrap();
    let knock = door.knock(join("relay.example", "invite")).unwrap();
    assert_eq!(
        code(door.admit(&knock, &revoked, at(0))),
        ErrorCode::RevokedInvite
    );

    let conn = ConnId(1000);
    let (relay, now) = (&mut practice.relay, at(50));
    relay.handle(now, Input::Opened { conn, admission });
    let mut feeds = Vec::new();
    for effect in relay.commit(now).unwrap() {
        if let Effect::Send { conn: to, bytes } = effect
            && to == conn
            && let Frame::Items { feed, .. } = Frame::decode(&bytes).unwrap()
        {
            feeds.push(feed);
        }
    }
    assert_eq!(feeds, [FeedId::Governance, FeedId::Keys]);
    let invite = sync_protocol::InviteId::from_bytes([6; 16]);
    let what = What::AddSeat {
        invite: Some(invite),
        seat: seat(5, Role::Vet),
        device: Some(device(5)),
    };
    let act = act_on(&governance, Author::Invite(invite), what, "invite");
    let frame = Frame::Propose { act };
    practice.relay.handle(now, Input::Frame { conn, frame });
    practice.run();
    practice.sign_in(5);
    practice.assert_agree();
    assert_eq!(practice.desks[&5].feeds[&FeedId::Contact].proven, 1);
}

#[test]
fn acts_brought_at_the_door_count_by_their_signature_and_order_alone() {
    let mut practice = Practice::open(3);
    let governance = practice.relay.governance().clone();
    let acts: Vec<_> = {
        let (mut fold, mut acts) = (governance, Vec::new());
        for n in [4, 5] {
            let what = What::AddDevice(device(n));
            let act = act_on(&fold, Author::Seat(seat_id(1)), what, "seat 1");
            fold.apply(&act).unwrap();
            acts.push(act);
        }
        acts
    };
    let now = practice.now();
    let (height, records) = (practice.relay.governance().height(), practice.relay.stats());
    // A later act first, one by a vet, one signed by somebody else, one of the days to come.
    let governance = practice.relay.governance().clone();
    let add = What::AddDevice(device(6));
    let by_a_vet = act_on(&governance, Author::Seat(seat_id(2)), add.clone(), "seat 2");
    let forged = act_on(&governance, Author::Seat(seat_id(1)), add.clone(), "seat 2");
    let mut early = sync_protocol::Act::clone(
        act_on(&governance, Author::Seat(seat_id(1)), add, "seat 1").value(),
    );
    early.at = practice.now().as_second() + 3 * 86_400;
    let early = sync_protocol::SignedAct::sign(early, &key("seat 1")).unwrap();
    for (act, code) in [
        (&acts[1], ErrorCode::StaleGovernance),
        (&by_a_vet, ErrorCode::NotAuthorised),
        (&forged, ErrorCode::BadSignature),
        (&early, ErrorCode::BadAct),
    ] {
        assert_eq!(practice.relay.bring(now, act), Err(code));
    }
    assert_eq!(practice.relay.governance().height(), height);
    assert_eq!(practice.relay.stats().records, records.records);
    // In order they stand, once, and everybody is told as of any other.
    for act in acts.iter().chain(&acts) {
        assert_eq!(practice.relay.bring(now, act), Ok(()));
    }
    practice.run();
    assert_eq!(practice.relay.governance().height(), height + 2);
    practice.assert_agree();
    assert_eq!(
        practice.desks[&2].feeds[&FeedId::Governance].proven,
        u64::from(height) + 3
    );
}

#[test]
fn a_failed_sync_acknowledges_nothing_and_a_second_organisation_is_refused() {
    let disk = entry_log::MemoryStorage::new();
    let (storage, faults) = entry_log::Faulty::new(disk.clone());
    let limits = Limits::default();
    let mut relay = Organisation::found(storage, key("relay"), genesis(), limits).unwrap();
    faults.fail_syncs_after(0);
    let owner = Author::Seat(seat_id(1));
    let act = act_on(
        relay.governance(),
        owner,
        What::AddDevice(device(7)),
        "seat 1",
    );
    let mut nonce = [0; 32];
    nonce[0] = 1;
    let (door, _) = Door::open(&key("relay"), nonce, at(0), false, &[]);
    let sign_in = sync_protocol::SignIn {
        org: ORG,
        device: device_id(1),
        host: String::new(),
        nonce: [1; 16],
        have: Vec::new(),
        signature: Signature::NONE,
    }
    .signed(&nonce, &public("relay"), &key("device 1"));
    let knock = door.knock(Frame::SignIn(sign_in)).unwrap();
    let admission = door.admit(&knock, relay.governance(), at(0)).unwrap();
    let conn = ConnId(1);
    relay.handle(at(0), Input::Opened { conn, admission });
    let frame = Frame::Propose { act };
    relay.handle(at(0), Input::Frame { conn, frame });
    assert!(relay.commit(at(0)).is_err());
    assert!(relay.has_failed());
    assert!(relay.more(at(1), conn).is_empty());
    assert!(relay.commit(at(1)).is_err());
    let closed = relay.close_all(ErrorCode::Internal, "the log failed");
    assert!(matches!(
        closed.as_slice(),
        [Effect::Close {
            code: ErrorCode::Internal,
            ..
        }]
    ));
    let found = Organisation::found(disk, key("relay"), genesis(), limits);
    assert!(found.is_err());
}
