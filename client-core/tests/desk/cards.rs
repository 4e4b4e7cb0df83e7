//! Cards: who reads and writes which, that notes made apart both stand, and that what a role may
//! not do counts for nothing wherever it arrives.

use std::{cell::Cell, collections::BTreeSet};

use client_core::{
    catalogue::*,
    documents::{CardDoc, CardId, Intent, PrivateBody, Subject, Target},
    ledger::{Arrival, Author, Draft, Ledger},
    sealing::{Compartment, KeyRow, decode_rows, seal},
};
use conflict_rules::Source;
use schedule::Hlc;
use sync_protocol::{Acceptance, FeedId, IncarnationId, MaskReason, SeatId, accept};

use super::world::*;

const BITES: &str = "Bites when his ears are touched";
const MURMUR: &str = "Heart murmur grade 2, echo due";

fn add(of: &impl ToString, card: CardKind, text: &str) -> Command {
    Command::AddCardNote(NewCardNote {
        of: of.to_string(),
        card,
        text: text.to_owned(),
        despite_restriction: None,
    })
}

fn withdraw(of: &impl ToString, card: CardKind, note: &str) -> Command {
    Command::WithdrawCardNote(WithdrawCardNote {
        of: of.to_string(),
        card,
        note: note.parse().unwrap(),
        despite_restriction: None,
    })
}

fn cards(desk: &mut Desk, client: ClientId) -> Vec<CardView> {
    let Answer::Cards(view) = desk.ask(Query::Cards { client }) else {
        panic!("not the cards");
    };
    view.cards
}

/// The notes of a card: what they say, and whether they hold.
fn notes(desk: &mut Desk, client: ClientId, of: &str, card: CardKind) -> Vec<(String, bool)> {
    let cards = cards(desk, client);
    let found = cards.into_iter().find(|c| c.of == of && c.card == card);
    let notes = found.map(|card| card.notes).unwrap_or_default();
    notes
        .into_iter()
        .map(|note| (note.text, note.withdrawn_at.is_none()))
        .collect()
}

fn kinds(desk: &mut Desk, client: ClientId) -> BTreeSet<CardKind> {
    cards(desk, client).into_iter().map(|c| c.card).collect()
}

/// Everything in a home's log, read by another run of the process.
fn ledger(desk: &Desk) -> Ledger<entry_log::MemoryStorage> {
    let incarnation = IncarnationId::from_bytes([3; 16]);
    Ledger::open(desk.storage.clone(), incarnation).unwrap().0
}

struct Clinic {
    owner: Desk,
    practice: Practice,
    client: ClientId,
    rex: PetId,
}

fn clinic() -> Clinic {
    let mut owner = Desk::found(1);
    let practice = owner.set_up();
    let client = owner.client("Marigold Thistle");
    let pet = NewPet {
        client,
        name: "Rex".to_owned(),
        species: None,
        breed: None,
        microchip: None,
        despite_restriction: None,
    };
    let rex = owner.tell(Command::AddPet(pet)).id.parse().unwrap();
    Clinic {
        owner,
        practice,
        client,
        rex,
    }
}

#[test]
fn the_groomer_sees_the_alert_and_no_note_and_its_disk_opens_no_clinical_body() {
    use CardKind::{Clinical, Grooming, Handling, Payments};
    let Clinic {
        mut owner,
        practice,
        client,
        rex,
    } = clinic();
    let mut vet = owner.join(2, StaffRole::Vet);
    let mut groomer = owner.join(3, StaffRole::Groomer);
    vet.tell(add(&rex, CardKind::Clinical, MURMUR));
    vet.tell(add(&rex, CardKind::Handling, BITES));
    owner.tell(add(&client, CardKind::Payments, "Deposit of 20 for Monday"));
    let mut wish = booking(&practice, practice.ann, "2026-03-02T09:00");
    (wish.client, wish.pets) = (Some(client), vec![rex]);
    let visit = vet.tell(Command::Book(wish)).id.parse().unwrap();
    meet(&mut vet, &mut owner);
    meet(&mut owner, &mut groomer);

    // The alert is wherever Rex is: at the client, and at the visit on the day.
    let alert = AlertView {
        of: rex.to_string(),
        name: "Rex".to_owned(),
        text: BITES.to_owned(),
    };
    for desk in [&mut owner, &mut vet, &mut groomer] {
        let Answer::Client(view) = desk.ask(Query::Client { client }) else {
            panic!("not the client");
        };
        assert_eq!(view.alerts, std::slice::from_ref(&alert));
        assert_eq!(desk.text(visit).alerts, std::slice::from_ref(&alert));
        assert!(desk.state().alarms.is_empty());
    }
    let of = rex.to_string();
    for desk in [&mut owner, &mut vet] {
        assert_eq!(
            notes(desk, client, &of, CardKind::Clinical),
            [(MURMUR.to_owned(), true)]
        );
    }
    assert_eq!(
        kinds(&mut owner, client),
        [Handling, Clinical, Grooming, Payments].into()
    );
    assert_eq!(
        kinds(&mut vet, client),
        [Handling, Clinical, Grooming].into()
    );
    assert_eq!(kinds(&mut groomer, client), [Handling, Grooming].into());

    // Neighbours hand on sealed entries whatever is in them: the groomer's disk holds them all.
    let ring = groomer.replica.keyring();
    assert!(ring.compartment_key(Compartment::Clinical).is_none());
    let (mut clinical, mut handling) = (0, 0);
    ledger(&groomer)
        .replay(&mut |arrival| {
            let Arrival::Entry { entry, .. } = &arrival else {
                return Ok(());
            };
            let feed = entry.header().feed;
            if matches!(feed, FeedId::Clinical | FeedId::Payments) {
                clinical += 1;
                assert!(ring.open(entry).is_err(), "{feed} opens");
            } else if !feed.clear() {
                handling += usize::from(feed == FeedId::Handling);
                ring.open(entry).unwrap();
            }
            Ok(())
        })
        .unwrap();
    assert_eq!((clinical, handling), (2, 1));
    // The whole key table, tried by a ring of that seat alone.
    groomer.restart();
    let ring = groomer.replica.keyring();
    assert!(ring.compartment_key(Compartment::Clinical).is_none());
    assert!(
        ring.subject_key(rex.to_bytes(), Compartment::Handling)
            .is_some()
    );
}

#[test]
fn a_restart_shows_the_same_and_an_undo_is_a_withdrawal() {
    let Clinic {
        mut owner,
        client,
        rex,
        ..
    } = clinic();
    let first = owner.tell(add(&rex, CardKind::Clinical, MURMUR));
    owner.tell(add(&rex, CardKind::Clinical, "Vaccinated\nagainst rabies"));
    let of = rex.to_string();
    owner.tell(Command::Undo(Undo { step: None }));
    owner.tell(withdraw(&of, CardKind::Clinical, &first.id));
    let both = [
        ("Vaccinated\nagainst rabies".to_owned(), false),
        (MURMUR.to_owned(), false),
    ];
    assert_eq!(notes(&mut owner, client, &of, CardKind::Clinical), both);
    owner.tell(Command::Undo(Undo { step: None }));
    let holds = notes(&mut owner, client, &of, CardKind::Clinical);
    assert_eq!(holds[1], (MURMUR.to_owned(), true));
    let (before, state) = (cards(&mut owner, client), owner.state());
    owner.restart();
    assert_eq!(cards(&mut owner, client), before);
    assert_eq!(owner.state().heads, state.heads);
    // What was taken back before the restart is taken back.
    assert_eq!(
        owner
            .try_do(Command::Undo(Undo { step: None }))
            .unwrap_err()
            .code,
        ErrorCode::NothingToUndo
    );
}

#[test]
fn two_desks_that_are_apart_add_to_one_card_and_both_notes_stand() {
    let Clinic {
        mut owner,
        client,
        rex,
        ..
    } = clinic();
    let mut desk = owner.join(2, StaffRole::Receptionist);
    // Neither has heard of the other's key for Rex.
    owner.tell(add(&rex, CardKind::Handling, BITES));
    let shy = desk.tell(add(&rex, CardKind::Handling, "Afraid of the dryer"));
    meet(&mut owner, &mut desk);
    let of = rex.to_string();
    for desk in [&mut owner, &mut desk] {
        let mut both = notes(desk, client, &of, CardKind::Handling);
        both.sort();
        assert_eq!(
            both,
            [
                ("Afraid of the dryer".to_owned(), true),
                (BITES.to_owned(), true)
            ]
        );
    }
    // Who wrote it is told by the entry's signature.
    let by = |desk: &mut Desk| -> Vec<String> {
        let mut cards = cards(desk, client).into_iter();
        let card = cards.find(|card| card.of == of).unwrap();
        card.notes.into_iter().map(|note| note.by).collect()
    };
    assert!(by(&mut owner).iter().any(|by| by == "this desk"));
    assert!(
        by(&mut owner)
            .iter()
            .any(|by| by.starts_with("receptionist"))
    );
    // One withdraws while the other adds.
    owner.tell(withdraw(&of, CardKind::Handling, &shy.id));
    desk.tell(add(&rex, CardKind::Handling, "Loves liver"));
    meet(&mut owner, &mut desk);
    for desk in [&mut owner, &mut desk] {
        let holding = notes(desk, client, &of, CardKind::Handling);
        let held = holding.iter().filter(|(_, holds)| *holds).count();
        assert_eq!((holding.len(), held), (3, 2));
    }
}

#[test]
fn groomer_and_receptionist_add_what_to_be_careful_about_and_take_nothing_away() {
    let Clinic {
        mut owner,
        client,
        rex,
        ..
    } = clinic();
    let bites = owner.tell(add(&rex, CardKind::Handling, BITES)).id;
    for (seed, role) in [(2, StaffRole::Groomer), (3, StaffRole::Receptionist)] {
        let mut desk = owner.join(seed, role);
        let refused = |refusal: Refusal| {
            assert_eq!(refusal.code, ErrorCode::NotAllowed, "{refusal:?}");
            assert!(refusal.help.starts_with("Ask "), "{refusal:?}");
        };
        refused(
            desk.try_do(withdraw(&rex, CardKind::Handling, &bites))
                .unwrap_err(),
        );
        refused(desk.try_do(add(&rex, CardKind::Clinical, "x")).unwrap_err());
        desk.tell(add(&rex, CardKind::Handling, "Typed by mistake"));
        // A slip of one's own goes back, and stays on the card.
        desk.tell(Command::Undo(Undo { step: None }));
        let of = rex.to_string();
        assert_eq!(
            notes(&mut desk, client, &of, CardKind::Handling),
            [
                ("Typed by mistake".to_owned(), false),
                (BITES.to_owned(), true)
            ]
        );
    }
    let mut vet = owner.join(4, StaffRole::Vet);
    for (card, allowed) in [(CardKind::Grooming, false), (CardKind::Payments, false)] {
        assert_eq!(vet.try_do(add(&rex, card, "x")).is_ok(), allowed);
    }
    vet.tell(withdraw(&rex, CardKind::Handling, &bites));
}

/// Writes into a home's log as a program would that skips the desk's checks.
fn written_by_a_changed_program(
    desk: &Desk,
    card: CardId,
    under: Compartment,
    text: &str,
) -> Ledger<entry_log::MemoryStorage> {
    let seat: SeatId = desk.replica.seat();
    let subject = card.subject.to_bytes();
    let (key, _) = desk.replica.keyring().subject_key(subject, under).unwrap();
    let incarnation = IncarnationId::from_bytes([0xee; 16]);
    let mut ledger = Ledger::open(desk.storage.clone(), incarnation).unwrap().0;
    let clock = Hlc {
        millis: desk.now.as_millisecond() + 1,
        counter: 0,
    };
    let mut doc = CardDoc::genesis(card).unwrap();
    let note = NoteId::from_bytes([0xee; 16]);
    let change = doc.add(incarnation.to_bytes(), clock, note, text).unwrap();
    let target = Target::Card(card);
    let body = PrivateBody {
        target,
        intent: Intent {
            clock,
            source: Source::Desk,
            seat,
            request: [1; 16],
            client_time: desk.now,
        },
        changes: vec![change.unwrap().bytes],
    };
    let draft = Draft {
        feed: target.feed(),
        document: target.document_id(desk.replica.org()),
        key: Some(key),
        body: body.encode().unwrap(),
    };
    let author = Author {
        device: desk.replica.device(),
        seat,
        signing: &desk.secrets.seats[&seat].signing,
    };
    let rng = Cell::new(Some(desk.rng.clone()));
    let written = ledger.write(author, vec![draft], &mut |header, plain| {
        let key = desk.replica.keyring().key(header.key?)?;
        let mut header = *header;
        let body = seal(&mut rng.take()?, key, &mut header, plain).ok()?;
        Some((header.seal?, body))
    });
    let arrivals = written.unwrap();
    ledger.commit().unwrap();
    let [Arrival::Entry { entry, .. }] = &arrivals[..] else {
        panic!("one entry");
    };
    // Every receiver and the relay ask this, and hear the same.
    assert_eq!(
        accept(entry, ledger.governance()),
        Acceptance::Mask(MaskReason::Role)
    );
    ledger
}

#[test]
fn what_a_changed_program_writes_beyond_its_role_counts_for_nothing_anywhere() {
    let Clinic {
        mut owner,
        client,
        rex,
        ..
    } = clinic();
    owner.tell(add(&rex, CardKind::Clinical, MURMUR));
    owner.tell(add(&rex, CardKind::Grooming, "Short, no perfume"));
    owner.tell(add(&rex, CardKind::Handling, BITES));
    let mut vet = owner.join(2, StaffRole::Vet);
    let mut groomer = owner.join(3, StaffRole::Groomer);
    let mut other = owner.join(4, StaffRole::Vet);
    let subject = Subject::Pet(rex);
    // The vet reads grooming cards, and may not write them. The groomer has no key for clinical
    // ones, and takes another.
    let kind = CardKind::Grooming;
    let card = CardId { subject, kind };
    drop(written_by_a_changed_program(
        &vet,
        card,
        Compartment::Grooming,
        "Shave him",
    ));
    let kind = CardKind::Clinical;
    let card = CardId { subject, kind };
    drop(written_by_a_changed_program(
        &groomer,
        card,
        Compartment::Handling,
        "Healthy as a horse",
    ));
    vet.restart();
    groomer.restart();
    meet(&mut vet, &mut owner);
    meet(&mut groomer, &mut owner);
    meet(&mut owner, &mut other);
    let of = rex.to_string();
    for desk in [&mut owner, &mut other, &mut vet] {
        assert_eq!(
            notes(desk, client, &of, CardKind::Grooming),
            [("Short, no perfume".to_owned(), true)]
        );
        assert_eq!(
            notes(desk, client, &of, CardKind::Clinical),
            [(MURMUR.to_owned(), true)]
        );
        let alarms = desk.state().alarms;
        assert!(
            alarms
                .iter()
                .any(|alarm| alarm.code == client_core::catalogue::AlarmCode::Masked),
            "{alarms:?}"
        );
    }
    // A row with a clinical key from a groomer is not taken either.
    let mut ring = client_core::sealing::KeyRing::of_seat(
        owner.replica.org(),
        owner.replica.seat(),
        &owner.secrets.seats[&owner.replica.seat()],
    );
    let mut refused = 0;
    ledger(&owner)
        .replay(&mut |arrival| {
            let Arrival::Entry { entry, .. } = &arrival else {
                return Ok(());
            };
            if entry.header().feed != FeedId::Keys {
                return Ok(());
            }
            let rows = decode_rows(entry.body().unwrap()).unwrap();
            // One row an entry, so that one subject's can go alone.
            let subjects = rows
                .iter()
                .filter(|row| matches!(row, KeyRow::Subject { .. }));
            assert!(subjects.count() <= 1);
            assert!(rows.len() == 1 || !rows.iter().any(|r| matches!(r, KeyRow::Subject { .. })));
            for row in &rows {
                let clinical = matches!(
                    row,
                    KeyRow::Subject {
                        compartment: Compartment::Clinical,
                        ..
                    }
                );
                let author = client_core::sealing::RowAuthor {
                    seat: groomer.replica.seat(),
                    role: sync_protocol::Role::Groomer,
                    policy: sync_protocol::Policy::default(),
                };
                if clinical {
                    let learned = ring.learn(row, author);
                    assert!(matches!(learned, client_core::sealing::Learned::Refused(_)));
                    refused += 1;
                }
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(refused, 1);
}

#[test]
fn notes_that_make_no_sense_are_refused_and_write_nothing() {
    let Clinic { mut owner, rex, .. } = clinic();
    let long = "n".repeat(8_001);
    let cases = [
        (
            add(&rex, CardKind::Handling, " \n "),
            ErrorCode::InvalidInput,
            "text",
        ),
        (
            add(&rex, CardKind::Handling, &long),
            ErrorCode::InvalidInput,
            "text",
        ),
        (
            add(&rex, CardKind::Handling, "a\u{0}b"),
            ErrorCode::InvalidInput,
            "text",
        ),
        (
            add(&"Rex", CardKind::Handling, "x"),
            ErrorCode::InvalidInput,
            "of",
        ),
        (
            add(&"", CardKind::Handling, "x"),
            ErrorCode::InvalidInput,
            "of",
        ),
        (
            add(&PetId::from_bytes([9; 16]), CardKind::Handling, "x"),
            ErrorCode::NotFound,
            "of",
        ),
        (
            add(&ClientId::from_bytes([9; 16]), CardKind::Clinical, "x"),
            ErrorCode::NotFound,
            "of",
        ),
        (
            withdraw(
                &rex,
                CardKind::Handling,
                &NoteId::from_bytes([9; 16]).to_string(),
            ),
            ErrorCode::NotFound,
            "note",
        ),
    ];
    let before = owner.state().entries;
    for (command, code, field) in cases {
        let refusal = owner.try_do(command).unwrap_err();
        assert_eq!(refusal.code, code, "{refusal:?}");
        assert_eq!(refusal.field.as_deref(), Some(field), "{refusal:?}");
        assert!(!refusal.help.is_empty());
        assert!(!serde_json::to_string(&refusal).unwrap().contains("nnnn"));
    }
    assert_eq!(owner.state().entries, before);
    // The longest that fits, in letters of four bytes.
    let longest = "\u{1F415}".repeat(8_000);
    let note = owner.tell(add(&rex, CardKind::Handling, &longest)).id;
    owner.tell(withdraw(&rex, CardKind::Handling, &note));
    let again = owner
        .try_do(withdraw(&rex, CardKind::Handling, &note))
        .unwrap_err();
    assert_eq!(again.field.as_deref(), Some("note"));
}
