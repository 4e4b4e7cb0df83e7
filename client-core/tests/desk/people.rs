//! Who leaves, who gets another role: the same on a desk that runs and on one that is opened anew,
//! and nothing that comes later can be read by who left.

use client_core::catalogue::*;
use sync_protocol::{Role, SeatId};

use crate::world::{Desk, meet};

fn people(desk: &mut Desk) -> PeopleView {
    let Answer::People(people) = desk.ask(Query::People) else {
        panic!("not the people");
    };
    people
}

fn names(desk: &mut Desk) -> Vec<String> {
    let all = Query::Clients {
        skip: None,
        limit: None,
    };
    let Answer::Found { clients, .. } = desk.ask(all) else {
        panic!("not the clients");
    };
    let names = clients.into_iter().map(|client| client.name);
    names.collect()
}

/// The chain reaches a desk while it runs.
fn tell_act(from: &Desk, to: &mut Desk) {
    for act in from.replica.acts().unwrap() {
        to.replica.learn_act(act).unwrap();
    }
}

fn hashes(desk: &mut Desk) -> (String, String, String) {
    let state = desk.state();
    (state.entries, state.rendering, state.clashes)
}

fn pay(desk: &mut Desk) -> bool {
    desk.replica.pay_owed(desk.now, &mut desk.rng).unwrap()
}

#[test]
fn a_removal_masks_alike_on_a_desk_that_runs_and_on_one_that_is_opened_again() {
    let mut owner = Desk::found(1);
    let practice = owner.set_up();
    let mut groomer = owner.join(2, StaffRole::Groomer);
    let mut vet = owner.join(3, StaffRole::Vet);
    tell_act(&owner, &mut groomer);
    let stays = groomer.book(&practice, practice.ann, "2026-03-02T09:00");
    meet(&mut groomer, &mut owner);
    meet(&mut groomer, &mut vet);
    let late = groomer.book(&practice, practice.ann, "2026-03-02T10:00");
    meet(&mut groomer, &mut vet);
    assert_eq!(vet.visit(late).state, VisitState::Booked, "as any other");

    let seat = groomer.replica.seat();
    owner.replica.remove_seat(owner.now, seat).unwrap();
    tell_act(&owner, &mut vet);
    let live = hashes(&mut vet);
    let gone = Query::Visit { appointment: late };
    let refused = vet.replica.query(vet.now, gone).unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotFound, "looked through at once");
    assert_eq!(vet.visit(stays).state, VisitState::Booked);
    vet.restart();
    assert_eq!(hashes(&mut vet), live, "and after a restart the same");
    let masked = people(&mut vet).masked;
    assert!(masked.iter().any(|one| one.visits == [late.to_string()]));
    assert!(masked.iter().all(|one| one.reason == MaskedReason::Removed));
    assert!(masked.iter().all(|one| one.seat == seat.to_string()));
}

#[test]
fn who_was_dismissed_opens_nothing_new_and_writes_nothing_that_counts() {
    let mut owner = Desk::found(1);
    let mut leaver = owner.join(2, StaffRole::Receptionist);
    let mut vet = owner.join(3, StaffRole::Vet);
    tell_act(&owner, &mut leaver);
    pay(&mut owner);
    let before = owner.client("Before Dismissal");
    meet(&mut owner, &mut leaver);
    meet(&mut owner, &mut vet);
    assert_eq!(names(&mut leaver), ["Before Dismissal"]);

    let seat = leaver.replica.seat();
    owner.replica.remove_seat(owner.now, seat).unwrap();
    assert_eq!(
        owner.replica.owed().renewal.roles,
        [Role::Receptionist].into(),
        "what the receptionist held"
    );
    assert!(pay(&mut owner));
    assert!(owner.replica.owed().is_empty());
    assert!(!pay(&mut owner), "once");
    tell_act(&owner, &mut vet);
    owner.client("After Dismissal");
    owner.tell(Command::EditClient(EditClient {
        client: before,
        name: Some("Before, Renamed".to_owned()),
        phones: None,
        email: None,
        note: None,
        despite_restriction: None,
    }));
    meet(&mut owner, &mut vet);
    assert_eq!(names(&mut vet), ["After Dismissal", "Before, Renamed"]);

    // Its whole folder, every byte that the others hold, and no knowledge of the removal.
    leaver.client("Written Too Late");
    leaver.tell(Command::EditClient(EditClient {
        client: before,
        name: Some("Renamed Too Late".to_owned()),
        phones: None,
        email: None,
        note: None,
        despite_restriction: None,
    }));
    meet(&mut owner, &mut leaver);
    meet(&mut vet, &mut leaver);
    for _ in 0..2 {
        assert_eq!(
            names(&mut leaver),
            ["Renamed Too Late", "Written Too Late"],
            "nothing of what came later"
        );
        leaver.restart();
    }
    for desk in [&mut owner, &mut vet] {
        assert_eq!(names(desk), ["After Dismissal", "Before, Renamed"]);
        let masked = people(desk).masked;
        assert!(!masked.is_empty(), "it is listed");
        assert!(masked.iter().all(|one| one.reason == MaskedReason::Removed));
    }
}

#[test]
fn another_role_brings_its_keys_and_a_lesser_one_takes_them_away() {
    let mut owner = Desk::found(1);
    let mut other = owner.join(2, StaffRole::Receptionist);
    let seat = other.replica.seat();
    pay(&mut owner);
    let set = |owner: &mut Desk, role| owner.replica.set_role(owner.now, seat, role).unwrap();
    set(&mut owner, StaffRole::Vet);
    let owed = owner.replica.owed();
    assert_eq!(owed.renewal.roles, [Role::Receptionist].into());
    assert_eq!(owed.hand.len(), 1, "a vet without keys");
    assert!(!people(&mut owner).seats.iter().all(|seat| seat.keys));
    assert!(pay(&mut owner));
    assert!(people(&mut owner).seats.iter().all(|seat| seat.keys));
    tell_act(&owner, &mut other);
    meet(&mut owner, &mut other);
    assert!(other.replica.keyring().holds_role(Role::Vet));

    set(&mut owner, StaffRole::Groomer);
    assert_eq!(owner.replica.owed().renewal.roles, [Role::Vet].into());
    assert!(pay(&mut owner));
    assert!(owner.replica.owed().is_empty());
}

#[test]
fn what_was_written_too_late_in_a_lost_role_counts_for_nothing_alike_everywhere() {
    let mut owner = Desk::found(1);
    let practice = owner.set_up();
    let client = owner.client("Marigold Thistle");
    let mut vet = owner.join(2, StaffRole::Vet);
    let mut third = owner.join(3, StaffRole::Vet);
    tell_act(&owner, &mut vet);
    meet(&mut owner, &mut vet);
    let note = |desk: &mut Desk, card, text: &str| {
        let text = text.to_owned();
        let of = client.to_string();
        desk.tell(Command::AddCardNote(NewCardNote {
            of,
            card,
            text,
            despite_restriction: None,
        }));
    };
    note(&mut vet, CardKind::Clinical, "Seen in time");
    meet(&mut vet, &mut owner);
    meet(&mut vet, &mut third);
    // She works on with the line cut, and does not know that she is a groomer by now.
    note(&mut vet, CardKind::Clinical, "Written too late");
    note(&mut vet, CardKind::Handling, "Bites when held");
    let visit = vet.book(&practice, practice.ann, "2026-03-02T09:00");
    let seat = vet.replica.seat();
    let groomer = StaffRole::Groomer;
    owner.replica.set_role(owner.now, seat, groomer).unwrap();

    // One desk hears of the change after the late work, one before it.
    meet(&mut vet, &mut third);
    tell_act(&owner, &mut third);
    tell_act(&owner, &mut vet);
    meet(&mut vet, &mut owner);
    for desk in [&mut owner, &mut third] {
        for _ in 0..2 {
            let Answer::Cards(view) = desk.ask(Query::Cards { client }) else {
                panic!("not the cards");
            };
            let texts = |kind| {
                let cards = view.cards.iter().filter(move |card| card.card == kind);
                let notes = cards.flat_map(|card| &card.notes);
                notes.map(|note| note.text.clone()).collect::<Vec<_>>()
            };
            assert_eq!(texts(CardKind::Clinical), ["Seen in time"]);
            assert_eq!(texts(CardKind::Handling), ["Bites when held"], "both may");
            assert_eq!(desk.visit(visit).state, VisitState::Booked);
            let masked = people(desk).masked;
            assert!(!masked.is_empty(), "listed for a person");
            assert!(masked.iter().all(|one| one.reason == MaskedReason::Role));
            desk.restart();
        }
    }
}

#[test]
fn a_seat_is_called_what_an_owner_says_and_the_others_see_it() {
    let mut owner = Desk::found(1);
    let mut groomer = owner.join(2, StaffRole::Groomer);
    let seat = groomer.replica.seat().to_string();
    let call = |name: &str| {
        Command::EditEntry(EditEntry {
            of: seat.clone(),
            name: Some(name.to_owned()),
            colour: None,
            retired: None,
        })
    };
    let name = |desk: &mut Desk| {
        let seats = people(desk).seats.into_iter();
        let mut found = seats.filter(|one| one.id == seat);
        found.next().and_then(|one| one.name)
    };
    assert_eq!(name(&mut owner), None);
    owner.tell(call("  Gwen "));
    assert_eq!(name(&mut owner).as_deref(), Some("Gwen"), "trimmed");
    tell_act(&owner, &mut groomer);
    meet(&mut owner, &mut groomer);
    assert_eq!(name(&mut groomer).as_deref(), Some("Gwen"));
    assert_eq!(
        groomer.try_do(call("Queen")).unwrap_err().code,
        ErrorCode::NotAllowed
    );
    assert_eq!(
        owner.try_do(call(" ")).unwrap_err().code,
        ErrorCode::InvalidInput
    );
    owner.tell(Command::Undo(Undo { step: None }));
    assert_eq!(name(&mut owner), None);
    owner.tell(call("Gwen"));
    owner.restart();
    assert_eq!(name(&mut owner).as_deref(), Some("Gwen"));
}

#[test]
fn only_owners_remove_and_one_owner_stays() {
    let mut owner = Desk::found(1);
    let mut vet = owner.join(2, StaffRole::Vet);
    let (own, other) = (owner.replica.seat(), vet.replica.seat());
    let refused = vet.replica.remove_seat(vet.now, own).unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    let refused = owner.replica.remove_seat(owner.now, own).unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    let device = owner.replica.device();
    let refused = owner.replica.remove_device(owner.now, device).unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    let nobody = SeatId::from_bytes([9; 16]);
    let refused = owner.replica.remove_seat(owner.now, nobody).unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotFound);

    let device = vet.replica.device();
    owner.replica.remove_device(owner.now, device).unwrap();
    tell_act(&owner, &mut vet);
    assert_eq!(vet.replica.role(), None);
    let refused = owner.replica.remove_seat(owner.now, other).unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotFound, "gone with its device");
}

#[test]
fn a_code_that_was_called_back_opens_no_door() {
    let mut owner = Desk::found(1);
    let _ = owner.join(2, StaffRole::Vet);
    pay(&mut owner);
    owner
        .replica
        .invite(owner.now, &mut owner.rng, StaffRole::Groomer, 3)
        .unwrap();
    let open = people(&mut owner).invitations;
    let open = open.iter().find(|one| !one.used).unwrap().id.clone();
    let used = people(&mut owner).invitations;
    let used = used.iter().find(|one| one.used).unwrap().id.clone();
    let revoke = |owner: &mut Desk, id: &str| {
        let id = id.parse().unwrap();
        owner.replica.revoke_invite(owner.now, id)
    };
    revoke(&mut owner, &open).unwrap();
    revoke(&mut owner, &open).unwrap();
    let refused = revoke(&mut owner, &used).unwrap_err();
    assert_eq!(refused.code, ErrorCode::InviteUsed);
    let view = people(&mut owner).invitations;
    assert!(view.iter().any(|one| one.id == open && one.revoked));
    assert_eq!(
        owner.replica.owed().renewal.roles,
        [Role::Groomer].into(),
        "whoever saw the code may have opened what it carried"
    );
}
