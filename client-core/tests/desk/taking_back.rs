//! Each command is taken back by a change that says what it took back.

use client_core::catalogue::*;
use conflict_rules::{AppointmentId, ClaimState};

use super::world::*;

fn undo(desk: &mut Desk, step: Option<u64>) -> Reply {
    let reply = desk.tell(Command::Undo(Undo { step }));
    assert!(reply.said.starts_with("Taken back:"), "{}", reply.said);
    assert_eq!(reply.undo, None);
    reply
}

fn state_of(desk: &mut Desk, id: AppointmentId) -> VisitState {
    desk.visit(id).state
}

#[test]
fn a_booking_is_called_off() {
    let mut desk = Desk::found(1);
    let practice = desk.set_up();
    let id = desk.book(&practice, practice.ann, "2026-03-02T09:00");
    undo(&mut desk, None);
    assert_eq!(state_of(&mut desk, id), VisitState::Cancelled);
    desk.book(&practice, practice.ann, "2026-03-02T09:00");
}

#[test]
fn a_move_goes_back_unless_the_place_is_taken() {
    let mut desk = Desk::found(1);
    let practice = desk.set_up();
    let id = desk.book(&practice, practice.ann, "2026-03-02T09:00");
    let reply = desk.tell(Command::Move(moving(id, "2026-03-09T10:00")));
    assert_eq!(desk.visit(id).start, at("2026-03-09T10:00"));
    undo(&mut desk, reply.undo);
    assert_eq!(desk.visit(id).start, at("2026-03-02T09:00"));

    let reply = desk.tell(Command::Move(moving(id, "2026-03-09T10:00")));
    desk.book(&practice, practice.ann, "2026-03-02T09:00");
    let refused = desk
        .try_do(Command::Undo(Undo { step: reply.undo }))
        .unwrap_err();
    assert_eq!(refused.code, ErrorCode::SlotTaken);
    assert_eq!(desk.visit(id).start, at("2026-03-09T10:00"));
}

#[test]
fn states_and_cancellations_go_back() {
    let mut desk = Desk::found(1);
    let practice = desk.set_up();
    let id = desk.book(&practice, practice.ann, "2026-03-02T09:00");
    let to = |desk: &mut Desk, state| {
        desk.tell(Command::SetState(SetState {
            appointment: id,
            state,
        }))
    };
    to(&mut desk, ClaimState::InProgress);
    to(&mut desk, ClaimState::Done);
    undo(&mut desk, None);
    assert_eq!(state_of(&mut desk, id), VisitState::InProgress);
    undo(&mut desk, None);
    assert_eq!(state_of(&mut desk, id), VisitState::Booked);
    desk.tell(Command::Cancel(CancelVisit {
        appointment: id,
        reason: Some("They moved house".to_owned()),
    }));
    assert_eq!(state_of(&mut desk, id), VisitState::Cancelled);
    undo(&mut desk, None);
    assert_eq!(state_of(&mut desk, id), VisitState::Booked);
}

#[test]
fn blocks_and_details_go_back() {
    let mut desk = Desk::found(1);
    let practice = desk.set_up();
    let block = desk.tell(Command::Block(NewBlock {
        location: practice.site,
        resources: vec![practice.ann, practice.room],
        start: at("2026-03-02T12:00"),
        minutes: 45,
        title: Some("Lunch".to_owned()),
    }));
    let block_id: AppointmentId = block.id.parse().unwrap();
    assert_eq!(desk.text(block_id).title, "Lunch");
    let moved = desk.tell(Command::Move(MoveVisit {
        minutes: Some(60),
        ..moving(block_id, "2026-03-02T12:30")
    }));
    let view = desk.visit(block_id);
    assert_eq!(
        (view.start, view.end),
        (at("2026-03-02T12:30"), at("2026-03-02T13:30"))
    );
    assert_eq!(view.parts.len(), 2);
    undo(&mut desk, moved.undo);
    assert_eq!(desk.visit(block_id).start, at("2026-03-02T12:00"));
    undo(&mut desk, block.undo);
    assert_eq!(state_of(&mut desk, block_id), VisitState::Cancelled);

    let client = desk.client("Marigold Thistle");
    let id = desk.book(&practice, practice.ann, "2026-03-02T09:00");
    desk.tell(Command::EditVisit(EditVisit {
        appointment: id,
        note: Some("bring the papers".to_owned()),
        client: Some(client),
        pets: None,
        despite_warnings: false,
    }));
    let text = desk.text(id);
    assert_eq!(text.title, "Marigold Thistle");
    assert_eq!(text.note.as_deref(), Some("bring the papers"));
    undo(&mut desk, None);
    let text = desk.text(id);
    assert_eq!((text.client, text.note), (None, None));
}

#[test]
fn clients_and_pets_go_back() {
    let mut desk = Desk::found(1);
    let client = desk.client("Marigold Thistle");
    let pet: PetId = desk
        .tell(Command::AddPet(NewPet {
            client,
            name: "Biscuit".to_owned(),
            species: Some("dog".to_owned()),
            breed: None,
            microchip: None,
            despite_restriction: None,
        }))
        .id
        .parse()
        .unwrap();
    let found = |desk: &mut Desk, text: &str| {
        let Answer::Found { clients, .. } = desk.ask(Query::Search {
            text: text.to_owned(),
            limit: None,
        }) else {
            panic!()
        };
        clients
    };
    desk.tell(Command::EditPet(EditPet {
        pet,
        name: Some("Crumb".to_owned()),
        species: None,
        breed: None,
        microchip: None,
        despite_restriction: None,
    }));
    assert_eq!(found(&mut desk, "Crumb").len(), 1);
    undo(&mut desk, None);
    assert_eq!(found(&mut desk, "Biscuit")[0].pets[0].name, "Biscuit");
    desk.tell(Command::EditClient(EditClient {
        client,
        name: None,
        phones: Some(vec!["+34 600 100 200".to_owned()]),
        email: None,
        note: None,
        despite_restriction: None,
    }));
    assert_eq!(found(&mut desk, "0200").len(), 1);
    undo(&mut desk, None);
    assert!(found(&mut desk, "0200").is_empty());
    undo(&mut desk, None);
    assert!(found(&mut desk, "Marigold")[0].pets.is_empty());
    undo(&mut desk, None);
    assert!(found(&mut desk, "Marigold").is_empty());
}

#[test]
fn what_a_practice_is_set_up_with_goes_back() {
    let mut desk = Desk::found(1);
    let practice = desk.set_up();
    let view = |desk: &mut Desk| {
        let Answer::Practice(view) = desk.ask(Query::Practice) else {
            panic!()
        };
        view
    };
    let before = view(&mut desk);
    desk.tell(Command::EditEntry(EditEntry {
        of: practice.ann.to_string(),
        name: Some("Dr Other".to_owned()),
        colour: Some(7),
        retired: Some(true),
    }));
    desk.tell(Command::SetHours(SetHours {
        of: practice.site.to_string(),
        at: None,
        weekly: vec![vec![]; 7],
        closed: vec!["2026-03-04".parse().unwrap()],
    }));
    desk.tell(Command::EditEntry(EditEntry {
        of: practice.check_up.to_string(),
        name: Some("Other".to_owned()),
        colour: None,
        retired: None,
    }));
    assert_ne!(view(&mut desk), before);
    for _ in 0..3 {
        undo(&mut desk, None);
    }
    assert_eq!(view(&mut desk), before);
    // What was added retires.
    let step = desk.tell(Command::AddStaff(NewStaff {
        name: "Dr New".to_owned(),
        role: StaffRole::Groomer,
        locations: vec![practice.site],
        colour: None,
    }));
    undo(&mut desk, step.undo);
    let staff = view(&mut desk).staff;
    let added = staff.iter().find(|s| s.id.to_string() == step.id).unwrap();
    assert!(added.retired);
}

#[test]
fn a_decision_is_taken_back_by_one_that_has_seen_it() {
    let mut north = Desk::found(1);
    let practice = north.set_up();
    let mut south = north.join(2, StaffRole::Vet);
    let a = north.book(&practice, practice.ann, "2026-03-02T09:00");
    let b = south.book(&practice, practice.ann, "2026-03-02T09:00");
    meet(&mut north, &mut south);
    for verdicts in [
        vec![
            VerdictWish::Keep { appointment: a },
            VerdictWish::Cancel { appointment: b },
        ],
        vec![VerdictWish::Move {
            appointment: b,
            start: at("2026-03-02T10:00"),
            staff: None,
            room: None,
        }],
        vec![VerdictWish::AllowOverlap { a, b }],
    ] {
        assert_eq!(north.clashes().len(), 1);
        north.tell(Command::Decide(Decide {
            verdicts,
            reason: None,
        }));
        assert!(north.clashes().is_empty());
        undo(&mut north, None);
        assert_eq!(north.clashes().len(), 1);
        assert_eq!(north.visit(b).start, at("2026-03-02T09:00"));
        meet(&mut north, &mut south);
        agree(&mut north, &mut south);
    }
}

#[test]
fn there_is_an_end_to_taking_back() {
    let mut desk = Desk::found(1);
    let refused = desk.try_do(Command::Undo(Undo { step: None })).unwrap_err();
    assert_eq!(refused.code, ErrorCode::NothingToUndo);
    let step = desk.tell(Command::AddLocation(NewLocation {
        name: "Second".to_owned(),
        zone: "Europe/Madrid".to_owned(),
    }));
    undo(&mut desk, step.undo);
    let refused = desk
        .try_do(Command::Undo(Undo { step: step.undo }))
        .unwrap_err();
    assert_eq!(refused.code, ErrorCode::NothingToUndo);
}
