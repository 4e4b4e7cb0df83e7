//! A client whose data are restricted: kept, shown as such, treated in an emergency, and otherwise
//! left alone.

use client_core::catalogue::*;

use super::world::*;

const WHY: &str = "Disputes the invoice of March";

fn restrict(client: ClientId, reason: &str) -> Command {
    let reason = reason.to_owned();
    Command::RestrictClient(RestrictClient { client, reason })
}

fn note(of: &impl ToString, card: CardKind, despite: Option<&str>) -> Command {
    Command::AddCardNote(NewCardNote {
        of: of.to_string(),
        card,
        text: "Gastric torsion, theatre at once".to_owned(),
        despite_restriction: despite.map(ToOwned::to_owned),
    })
}

fn renamed(client: ClientId, despite: Option<&str>) -> Command {
    Command::EditClient(EditClient {
        client,
        name: Some("Quillon Verge".to_owned()),
        phones: None,
        email: None,
        note: None,
        despite_restriction: despite.map(ToOwned::to_owned),
    })
}

fn view(desk: &mut Desk, client: ClientId) -> ClientView {
    let Answer::Client(view) = desk.ask(Query::Client { client }) else {
        panic!("not the client");
    };
    view
}

fn audit(desk: &mut Desk, client: ClientId) -> Vec<AuditChange> {
    let query = AuditQuery {
        of: Some(client.to_string()),
        ..AuditQuery::default()
    };
    let Answer::Audit(view) = desk.ask(Query::Audit(query)) else {
        panic!("not the audit");
    };
    view.rows.into_iter().flat_map(|row| row.what).collect()
}

fn asks(refusal: &Refusal) {
    assert_eq!(refusal.code, ErrorCode::NeedsConfirmation, "{refusal:?}");
    assert_eq!(refusal.warnings, [Warning::ClientRestricted]);
}

#[test]
fn a_restriction_is_shown_everywhere_and_recorded_with_its_end() {
    let mut owner = Desk::found(1);
    let practice = owner.set_up();
    let client = owner.client("Quill Verger");
    let mut desk = owner.join(2, StaffRole::Receptionist);
    let refused = desk.try_do(restrict(client, WHY)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    let nothing = owner.try_do(restrict(client, "  ")).unwrap_err();
    assert_eq!(nothing.code, ErrorCode::InvalidInput);

    owner.tell(restrict(client, WHY));
    meet(&mut owner, &mut desk);
    let shown = view(&mut desk, client);
    let said = shown.restriction.unwrap();
    assert_eq!((said.reason.as_str(), said.since), (WHY, now()));
    assert!(!said.by.is_empty() && shown.client.restricted);
    let Answer::Found { clients, .. } = desk.ask(Query::Search {
        text: "Quill".to_owned(),
        limit: None,
    }) else {
        panic!("not what was found");
    };
    assert!(clients[0].restricted);

    // At booking it is asked once, and then booked: nobody is turned away.
    let mut wish = booking(&practice, practice.ann, "2026-03-02T09:00");
    wish.client = Some(client);
    asks(&desk.try_do(Command::Book(wish.clone())).unwrap_err());
    wish.despite_warnings = true;
    let booked = desk.tell(Command::Book(wish));
    assert_eq!(booked.warnings, [Warning::ClientRestricted]);
    let visit = booked.id.parse().unwrap();
    assert!(desk.text(visit).restricted);
    let mut other = moving(visit, "2026-03-02T10:00");
    asks(&desk.try_do(Command::Move(other.clone())).unwrap_err());
    other.despite_warnings = true;
    desk.tell(Command::Move(other));
    let mut edit = EditVisit {
        appointment: visit,
        note: Some("Comes with a walking frame".to_owned()),
        client: None,
        pets: None,
        despite_warnings: false,
    };
    asks(&desk.try_do(Command::EditVisit(edit.clone())).unwrap_err());
    edit.despite_warnings = true;
    desk.tell(Command::EditVisit(edit));

    // A better reason does not make it younger; its end is one more line.
    owner.now += jiff::SignedDuration::from_hours(48);
    owner.tell(restrict(client, "Disputes two invoices"));
    assert_eq!(view(&mut owner, client).restriction.unwrap().since, now());
    owner.tell(restrict(client, ""));
    let shown = view(&mut owner, client);
    assert!(shown.restriction.is_none() && !shown.client.restricted);
    owner.tell(Command::Undo(Undo { step: None }));
    let back = view(&mut owner, client).restriction.unwrap();
    assert_eq!(back.reason, "Disputes two invoices");
    owner.tell(restrict(client, ""));
    let told = audit(&mut owner, client);
    let texts: Vec<&str> = told.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(texts[0], "The restriction of Quill Verger was lifted");
    assert_eq!(told[0].old.as_deref(), Some("Disputes two invoices"));
    let first = "What is kept about Quill Verger was restricted";
    assert!(texts.contains(&first), "{texts:?}");
    let mut wish = booking(&practice, practice.ben, "2026-03-02T09:00");
    wish.client = Some(client);
    owner.tell(Command::Book(wish));

    // After a restart it is as before.
    owner.tell(restrict(client, WHY));
    owner.restart();
    assert!(view(&mut owner, client).client.restricted);
}

#[test]
fn what_is_written_in_spite_of_it_needs_a_reason_and_a_role() {
    let mut owner = Desk::found(1);
    owner.set_up();
    let client = owner.client("Quill Verger");
    let pet = |despite: Option<&str>| {
        Command::AddPet(NewPet {
            client,
            name: "Rex".to_owned(),
            species: None,
            breed: None,
            microchip: None,
            despite_restriction: despite.map(ToOwned::to_owned),
        })
    };
    let rex: PetId = owner.tell(pet(None)).id.parse().unwrap();
    let mut vet = owner.join(2, StaffRole::Vet);
    let mut desk = owner.join(3, StaffRole::Receptionist);
    let mut manager = owner.join(4, StaffRole::Manager);
    for act in owner.replica.acts().unwrap() {
        vet.replica.learn_act(act.clone()).unwrap();
        desk.replica.learn_act(act).unwrap();
    }
    // Its own step, made before, is no way around.
    desk.tell(note(&rex, CardKind::Payments, None));
    meet(&mut owner, &mut desk);
    owner.tell(restrict(client, WHY));
    for other in [&mut vet, &mut desk, &mut manager] {
        meet(&mut owner, other);
    }

    let undo = Command::Undo(Undo { step: None });
    let law = Some("The law asks for it");
    let refused = [
        desk.try_do(undo),
        desk.try_do(renamed(client, law)),
        desk.try_do(pet(law)),
        desk.try_do(note(&rex, CardKind::Handling, law)),
        vet.try_do(renamed(client, law)),
    ];
    for refused in refused.map(Result::unwrap_err) {
        assert_eq!(refused.code, ErrorCode::NotAllowed, "{refused:?}");
    }
    asks(
        &vet.try_do(note(&rex, CardKind::Clinical, None))
            .unwrap_err(),
    );
    asks(&manager.try_do(renamed(client, Some(" "))).unwrap_err());
    asks(&manager.try_do(pet(None)).unwrap_err());
    assert_eq!(view(&mut manager, client).client.name, "Quill Verger");

    vet.tell(note(
        &rex,
        CardKind::Clinical,
        Some("Brought in as an emergency"),
    ));
    manager.tell(renamed(client, Some("She asked for it herself")));
    for other in [&mut vet, &mut manager] {
        meet(&mut owner, other);
    }
    let shown = view(&mut owner, client);
    assert_eq!(shown.client.name, "Quillon Verge");
    assert!(shown.client.restricted, "writing does not lift it");
    let told = audit(&mut owner, client);
    for reason in ["Brought in as an emergency", "She asked for it herself"] {
        let line = told.iter().find(|one| one.new.as_deref() == Some(reason));
        let text = &line.expect("the reason is told").text;
        assert!(text.contains("in spite of the restriction"), "{text}");
    }

    // What is restricted is not erased: perhaps it is the client who needs it.
    let act = owner.replica.erase(
        owner.now,
        &mut owner.rng,
        client,
        ErasureBasis::Request,
        "Quillon Verge",
    );
    let refused = act.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    assert!(refused.help.contains("--lift"), "{refused:?}");
}

#[test]
fn desks_that_restrict_and_lift_apart_agree() {
    let mut owner = Desk::found(1);
    owner.set_up();
    let client = owner.client("Quill Verger");
    let mut manager = owner.join(2, StaffRole::Manager);
    owner.tell(restrict(client, WHY));
    meet(&mut owner, &mut manager);
    owner.now += jiff::SignedDuration::from_secs(60);
    manager.now += jiff::SignedDuration::from_secs(120);
    owner.tell(restrict(client, ""));
    manager.tell(restrict(client, "A second dispute"));
    meet(&mut owner, &mut manager);
    for desk in [&mut owner, &mut manager] {
        let said = view(desk, client).restriction.unwrap();
        assert_eq!(said.reason, "A second dispute", "the later word stands");
    }
}
