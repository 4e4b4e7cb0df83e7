//! Much that one seat undoes of others' work: told alike to owners and managers, and taken back.

use client_core::catalogue::*;
use conflict_rules::AppointmentId;
use jiff::{Timestamp, ToSpan as _};

use super::world::*;

fn told(desk: &mut Desk) -> Vec<AlarmView> {
    let mut alarms = desk.state().alarms;
    alarms.retain(|alarm| alarm.code == AlarmCode::Sweep);
    alarms
}

/// As many visits of the owner's as are wanted, one after the other from Monday morning on.
fn booked(owner: &mut Desk, practice: &Practice, count: i32) -> Vec<AppointmentId> {
    let first: jiff::civil::DateTime = "2026-03-02T09:00".parse().unwrap();
    (0..count)
        .map(|n| {
            let at = first + (n / 8).days() + (n % 8).hours();
            let who = if n % 2 == 0 {
                practice.ann
            } else {
                practice.ben
            };
            let at = at.strftime("%Y-%m-%dT%H:%M").to_string();
            owner.book(practice, who, &at)
        })
        .collect()
}

fn call_off(desk: &mut Desk, visits: &[AppointmentId], apart: i64) {
    for appointment in visits {
        desk.now += apart.seconds();
        desk.tell(Command::Cancel(CancelVisit {
            appointment: *appointment,
            reason: None,
        }));
    }
}

fn take_back(desk: &mut Desk, alarm: &AlarmView) -> Reply {
    desk.tell(Command::TakeBackFrom(alarm.take_back.clone().unwrap()))
}

#[test]
fn who_calls_off_forty_visits_of_others_is_named_and_all_of_it_comes_back() {
    let mut owner = Desk::found(1);
    let practice = owner.set_up();
    let visits = booked(&mut owner, &practice, 40);
    let mut manager = owner.join(2, StaffRole::Manager);
    let mut groomer = owner.join(3, StaffRole::Groomer);
    for act in owner.replica.acts().unwrap() {
        manager.replica.learn_act(act).unwrap();
    }
    meet(&mut owner, &mut manager);
    meet(&mut owner, &mut groomer);

    // A day on which somebody is ill: no word of it.
    call_off(&mut groomer, &visits[..29], 5);
    meet(&mut groomer, &mut owner);
    assert!(told(&mut owner).is_empty());

    call_off(&mut groomer, &visits[29..], 5);
    meet(&mut groomer, &mut owner);
    meet(&mut groomer, &mut manager);
    assert!(told(&mut groomer).is_empty(), "the other side is not told");
    let seat = groomer.replica.seat().to_string();
    for desk in [&mut owner, &mut manager] {
        for _ in 0..2 {
            let alarms = told(desk);
            let [alarm] = alarms.as_slice() else {
                panic!("one alarm: {alarms:?}");
            };
            assert!(alarm.what.contains("40 visits"), "{}", alarm.what);
            assert_eq!(alarm.take_back.as_ref().unwrap().seat, seat);
            desk.restart();
        }
    }
    let alarm = told(&mut owner).remove(0);
    let wish = Command::TakeBackFrom(alarm.take_back.clone().unwrap());
    let why = groomer.try_do(wish).unwrap_err();
    assert_eq!(why.code, ErrorCode::NotAllowed);

    // One slot was given to somebody else meanwhile, and one visit is another's word by now.
    let taken = owner.visit(visits[0]);
    let start = taken.start.strftime("%Y-%m-%dT%H:%M").to_string();
    manager.book(&practice, practice.ann, &start);
    let reply = take_back(&mut manager, &alarm);
    assert!(
        reply.said.starts_with("Back: 39 visits, 0 notes. 1 stay"),
        "{}",
        reply.said
    );
    meet(&mut manager, &mut owner);
    for id in &visits[1..] {
        assert_eq!(owner.visit(*id).state, VisitState::Booked);
    }
    assert!(told(&mut owner).is_empty() && told(&mut manager).is_empty());
    let again = Command::TakeBackFrom(alarm.take_back.unwrap());
    manager.try_do(again).unwrap();
}

#[test]
fn ones_own_visits_slow_work_and_what_is_a_week_old_are_no_sweep() {
    let mut owner = Desk::found(1);
    let practice = owner.set_up();
    let mut groomer = owner.join(2, StaffRole::Groomer);
    meet(&mut owner, &mut groomer);
    // Its own, made while it was away and called off again: many entries at once, nothing of others.
    let own = booked(&mut groomer, &practice, 35);
    call_off(&mut groomer, &own, 1);
    meet(&mut groomer, &mut owner);
    assert!(told(&mut owner).is_empty());

    let others = booked(&mut owner, &practice, 35);
    meet(&mut owner, &mut groomer);
    call_off(&mut groomer, &others[..], 130);
    meet(&mut groomer, &mut owner);
    assert!(told(&mut owner).is_empty(), "never thirty within an hour");
}

#[test]
fn notes_that_were_withdrawn_come_back_and_the_alarm_ends_after_a_week() {
    let mut owner = Desk::found(1);
    owner.set_up();
    let client = owner.client("Ilse Quint");
    let mut vet = owner.join(2, StaffRole::Vet);
    let note = |n: i32| {
        Command::AddCardNote(NewCardNote {
            of: client.to_string(),
            card: CardKind::Clinical,
            text: format!("Finding {n}"),
            despite_restriction: None,
        })
    };
    let notes: Vec<NoteId> = (0..32)
        .map(|n| owner.tell(note(n)).id.parse().unwrap())
        .collect();
    meet(&mut owner, &mut vet);
    for note in &notes {
        vet.tell(Command::WithdrawCardNote(WithdrawCardNote {
            of: client.to_string(),
            card: CardKind::Clinical,
            note: *note,
            despite_restriction: None,
        }));
    }
    meet(&mut vet, &mut owner);
    let alarm = told(&mut owner).remove(0);
    assert!(alarm.what.contains("withdrew 32"), "{}", alarm.what);
    let now: Timestamp = owner.now;
    owner.now = now + (8 * 24).hours();
    assert!(told(&mut owner).is_empty(), "after a week");
    owner.now = now;
    assert_eq!(
        take_back(&mut owner, &alarm).said,
        "Back: 0 visits, 32 notes."
    );
    assert!(told(&mut owner).is_empty());
    let again = owner.try_do(Command::TakeBackFrom(alarm.take_back.unwrap()));
    assert_eq!(again.unwrap_err().code, ErrorCode::NothingToUndo);
}
