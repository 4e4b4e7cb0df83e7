//! Desks that were cut off meet: the same clashes everywhere, and what is decided stays decided.

use client_core::catalogue::*;
use conflict_rules::ClaimState;

use super::world::*;

fn two_desks() -> (Desk, Desk, Practice) {
    let mut north = Desk::found(1);
    let practice = north.set_up();
    let south = north.join(2, StaffRole::Vet);
    (north, south, practice)
}

#[test]
fn one_slot_booked_on_both_sides_of_a_cut_is_one_clash_on_both() {
    let (mut north, mut south, practice) = two_desks();
    agree(&mut north, &mut south);
    let ours = north.book(&practice, practice.ann, "2026-03-02T09:00");
    let theirs = south.book(&practice, practice.ann, "2026-03-02T09:15");
    let apart = south.book(&practice, practice.ben, "2026-03-02T09:00");
    assert!(north.clashes().is_empty() && south.clashes().is_empty());
    meet(&mut north, &mut south);
    agree(&mut north, &mut south);
    let clashes = north.clashes();
    assert_eq!(clashes.len(), 1);
    assert_eq!(clashes[0].resource, practice.ann);
    let mut both = vec![ours, theirs];
    both.sort_unstable();
    assert_eq!(clashes[0].claims, both);
    assert!(!clashes[0].claims.contains(&apart));
    let Answer::Reviews { reviews } = south.ask(Query::Reviews) else {
        panic!()
    };
    assert_eq!(reviews.len(), 1);
    assert_eq!(reviews[0].kind, ReviewKind::Clash);
    assert_eq!(reviews[0].visits[0].alternatives.len(), 3);
    // Nothing of it is lost when the processes start anew.
    let before = north.state();
    north.restart();
    south.restart();
    agree(&mut north, &mut south);
    assert_eq!(north.state().rendering, before.rendering);
    assert_eq!(north.clashes(), clashes);
}

#[test]
fn a_decision_stands_on_both_desks_also_when_the_other_visit_moves() {
    let (mut north, mut south, practice) = two_desks();
    let kept = north.book(&practice, practice.ann, "2026-03-02T09:00");
    let moved = south.book(&practice, practice.ann, "2026-03-02T09:00");
    meet(&mut north, &mut south);
    south.tell(Command::Decide(Decide {
        verdicts: vec![
            VerdictWish::Keep { appointment: kept },
            VerdictWish::Move {
                appointment: moved,
                start: at("2026-03-02T11:00"),
                staff: None,
                room: None,
            },
        ],
        reason: Some("The cat of kept is on the table".to_owned()),
    }));
    meet(&mut north, &mut south);
    agree(&mut north, &mut south);
    assert!(north.clashes().is_empty());
    assert_eq!(north.visit(moved).start, at("2026-03-02T11:00"));
    // The other visit goes elsewhere: what was decided of the first stays.
    north.tell(Command::Move(moving(kept, "2026-03-03T15:00")));
    meet(&mut north, &mut south);
    agree(&mut north, &mut south);
    for desk in [&mut north, &mut south] {
        assert_eq!(desk.visit(moved).start, at("2026-03-02T11:00"));
        assert_eq!(desk.visit(kept).start, at("2026-03-03T15:00"));
        assert!(desk.clashes().is_empty());
        assert_eq!(desk.state().reviews, 0);
    }
}

#[test]
fn a_cancelling_decision_stands_and_the_slot_is_free_again() {
    let (mut north, mut south, practice) = two_desks();
    let kept = north.book(&practice, practice.ann, "2026-03-02T09:00");
    let lost = south.book(&practice, practice.ann, "2026-03-02T09:00");
    meet(&mut north, &mut south);
    north.tell(Command::Decide(Decide {
        verdicts: vec![
            VerdictWish::Keep { appointment: kept },
            VerdictWish::Cancel { appointment: lost },
        ],
        reason: None,
    }));
    meet(&mut north, &mut south);
    south.tell(Command::Move(moving(kept, "2026-03-02T14:00")));
    meet(&mut north, &mut south);
    agree(&mut north, &mut south);
    assert!(north.clashes().is_empty());
    // Nine o'clock is free: the cancelled visit holds nothing.
    south.book(&practice, practice.ann, "2026-03-02T09:00");
    assert!(south.clashes().is_empty());
}

#[test]
fn a_double_booking_with_a_reason_is_no_clash_on_any_desk() {
    let (mut north, mut south, practice) = two_desks();
    north.book(&practice, practice.ann, "2026-03-02T09:00");
    meet(&mut north, &mut south);
    let mut wish = booking(&practice, practice.ann, "2026-03-02T09:00");
    let refused = south.try_do(Command::Book(wish.clone())).unwrap_err();
    assert_eq!(refused.code, ErrorCode::SlotTaken);
    assert_eq!(refused.alternatives.len(), 3);
    wish.double_book = Some("An emergency".to_owned());
    let id = south.tell(Command::Book(wish)).id.parse().unwrap();
    meet(&mut north, &mut south);
    agree(&mut north, &mut south);
    assert!(north.clashes().is_empty());
    assert_eq!(north.text(id).reasons, ["An emergency"]);
}

#[test]
fn a_visit_over_sunday_midnight_clashes_on_monday() {
    let (mut north, mut south, practice) = two_desks();
    let late = |mut wish: Booking| {
        wish.despite_warnings = true;
        wish.minutes = Some(60);
        wish
    };
    let sunday = late(booking(&practice, practice.ann, "2026-03-01T23:30"));
    let monday = late(booking(&practice, practice.ann, "2026-03-02T00:15"));
    north.tell(Command::Book(sunday));
    south.tell(Command::Book(monday.clone()));
    meet(&mut north, &mut south);
    agree(&mut north, &mut south);
    assert_eq!(north.clashes().len(), 1);
    // And is seen before it is saved.
    let refused = north.try_do(Command::Book(monday)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::SlotTaken);
}

#[test]
fn roles_may_what_they_may() {
    let mut north = Desk::found(1);
    let practice = north.set_up();
    let mut groomer = north.join(3, StaffRole::Groomer);
    let taken = groomer.book(&practice, practice.ann, "2026-03-02T09:00");
    let mut wish = booking(&practice, practice.ann, "2026-03-02T09:00");
    wish.double_book = Some("because".to_owned());
    let decide = Decide {
        verdicts: vec![VerdictWish::Keep { appointment: taken }],
        reason: None,
    };
    for command in [
        Command::Book(wish),
        Command::Decide(decide),
        Command::AddClient(NewClient {
            name: "Somebody".to_owned(),
            phones: vec![],
            email: None,
            note: None,
        }),
        Command::AddLocation(NewLocation {
            name: "Elsewhere".to_owned(),
            zone: "Europe/Madrid".to_owned(),
        }),
    ] {
        let refused = groomer.try_do(command).unwrap_err();
        assert_eq!(refused.code, ErrorCode::NotAllowed);
    }
    groomer.tell(Command::SetState(SetState {
        appointment: taken,
        state: ClaimState::Arrived,
    }));
    meet(&mut north, &mut groomer);
    agree(&mut north, &mut groomer);
    assert_eq!(north.visit(taken).state, VisitState::Arrived);
}

#[test]
fn states_that_met_are_settled_by_saying_one_of_them_again() {
    let (mut north, mut south, practice) = two_desks();
    let visit = north.book(&practice, practice.ann, "2026-03-02T09:00");
    meet(&mut north, &mut south);
    let say = |state| {
        Command::SetState(SetState {
            appointment: visit,
            state,
        })
    };
    north.tell(say(ClaimState::Arrived));
    south.tell(say(ClaimState::NoShow));
    meet(&mut north, &mut south);
    let waiting = |desk: &mut Desk| {
        let Answer::Reviews { reviews } = desk.ask(Query::Reviews) else {
            panic!("no reviews");
        };
        reviews
    };
    for desk in [&mut north, &mut south] {
        let reviews = waiting(desk);
        assert_eq!(reviews.len(), 1);
        let states = reviews[0].states.clone().unwrap();
        let mut said = states.said;
        said.sort_by_key(|state| format!("{state:?}"));
        assert_eq!(said, [VisitState::Arrived, VisitState::NoShow]);
        assert_eq!(states.stands, VisitState::Arrived);
        assert!(states.next.contains(&VisitState::Booked));
        assert!(!states.next.contains(&VisitState::Arrived));
        assert_eq!(reviews[0].suggestion, None);
    }
    south.tell(say(ClaimState::Arrived));
    meet(&mut north, &mut south);
    agree(&mut north, &mut south);
    assert_eq!(waiting(&mut north), []);
    assert_eq!(waiting(&mut south), []);
}

#[test]
fn days_off_are_shown_so_that_hours_can_be_saved_with_them() {
    let mut north = Desk::found(1);
    let practice = north.set_up();
    let closed = vec!["2026-03-02".parse().unwrap(), "2026-08-10".parse().unwrap()];
    let hours = |closed| {
        Command::SetHours(SetHours {
            of: practice.ann.to_string(),
            at: Some(practice.site),
            weekly: vec![vec![]; 7],
            closed,
        })
    };
    north.tell(hours(closed.clone()));
    let shown = |desk: &mut Desk| {
        let Answer::Practice(view) = desk.ask(Query::Practice) else {
            panic!("not the practice");
        };
        let ann = view.staff.into_iter().find(|one| one.id == practice.ann);
        ann.unwrap().closed
    };
    assert_eq!(shown(&mut north), closed);
    let known = shown(&mut north);
    north.tell(hours(known));
    assert_eq!(shown(&mut north), closed);
}

#[test]
fn people_lists_seats_and_invitations() {
    let (mut north, _, _) = two_desks();
    let Answer::People(people) = north.ask(Query::People) else {
        panic!()
    };
    assert_eq!(people.seats.len(), 2);
    assert_eq!(people.seats.iter().filter(|seat| seat.here).count(), 1);
    assert_eq!(people.invitations.len(), 1);
    assert!(people.invitations[0].used);
}
