//! Bookings that make no sense: each has its own refusal with the way out, and writes nothing.

use client_core::{
    catalogue::*,
    replica::{Founding, Newcomer, Replica},
    sealing::{JoinCode, RootSecret},
};
use conflict_rules::{AppointmentId, ClaimState, ResourceId};
use entry_log::{Faulty, MemoryStorage};
use jiff::{SignedDuration, Timestamp};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use sync_protocol::{SigningKey, VerifyKey};

use super::world::*;

/// The command is refused so, at this field, and nothing was written.
fn refused(desk: &mut Desk, command: Command, code: ErrorCode, field: &str) -> Refusal {
    let before = desk.state();
    let refusal = desk.try_do(command).unwrap_err();
    assert_eq!(refusal.code, code, "{refusal:?}");
    assert_eq!(refusal.field.as_deref(), Some(field), "{refusal:?}");
    assert!(!refusal.help.is_empty());
    assert_eq!(desk.state().entries, before.entries);
    refusal
}

fn warned(desk: &mut Desk, wish: &Booking, warning: Warning) {
    let refusal = refused(
        desk,
        Command::Book(wish.clone()),
        ErrorCode::NeedsConfirmation,
        "despite_warnings",
    );
    assert!(refusal.warnings.contains(&warning), "{refusal:?}");
    let reply = desk.tell(Command::Book(Booking {
        despite_warnings: true,
        ..wish.clone()
    }));
    assert!(reply.warnings.contains(&warning));
}

#[test]
fn bookings_that_make_no_sense_are_refused() {
    let mut desk = Desk::found(1);
    let p = desk.set_up();
    let good = booking(&p, p.ann, "2026-03-02T09:00");
    let with = |change: &dyn Fn(&mut Booking)| {
        let mut wish = good.clone();
        change(&mut wish);
        Command::Book(wish)
    };
    let invalid = ErrorCode::InvalidInput;
    let long = "n".repeat(10_000);
    let unknown = ResourceId::from_bytes([9; 16]);
    let gap = "2026-03-29T02:30";
    let cases: Vec<(Command, ErrorCode, &str)> = vec![
        (with(&|w| w.minutes = Some(0)), invalid, "minutes"),
        (with(&|w| w.minutes = None), invalid, "minutes"),
        (with(&|w| w.minutes = Some(u32::MAX)), invalid, "minutes"),
        (
            with(&|w| w.start = at("2026-03-02T09:00:30")),
            invalid,
            "start",
        ),
        (
            with(&|w| w.start = at("-000044-03-15T09:00")),
            invalid,
            "start",
        ),
        (with(&|w| w.note = Some(long.clone())), invalid, "note"),
        (
            with(&|w| w.note = Some("a\u{0}b".to_owned())),
            invalid,
            "note",
        ),
        (
            with(&|w| w.double_book = Some(" ".to_owned())),
            invalid,
            "double_book",
        ),
        (
            with(&|w| w.start = at(gap)),
            ErrorCode::TimeDoesNotExist,
            "start",
        ),
        (with(&|w| w.staff = unknown), ErrorCode::NotFound, "staff"),
        (
            with(&|w| w.room = Some(unknown)),
            ErrorCode::NotFound,
            "room",
        ),
        (
            with(&|w| w.client = Some(ClientId::from_bytes([9; 16]))),
            ErrorCode::NotFound,
            "client",
        ),
        (
            with(&|w| w.pets = vec![PetId::from_bytes([9; 16])]),
            ErrorCode::NotFound,
            "pets",
        ),
        (
            with(&|w| w.service = Some(ServiceId::from_bytes([9; 16]))),
            ErrorCode::NotFound,
            "service",
        ),
    ];
    for (command, code, field) in cases {
        let refusal = refused(&mut desk, command, code, field);
        assert!(!serde_json::to_string(&refusal).unwrap().contains("nnnn"));
    }
    desk.tell(Command::Book(good));
}

#[test]
fn what_is_unusual_asks_first() {
    let mut desk = Desk::found(1);
    let p = desk.set_up();
    warned(
        &mut desk,
        &booking(&p, p.ann, "2026-02-20T09:00"),
        Warning::InThePast,
    );
    warned(
        &mut desk,
        &booking(&p, p.ann, "2026-03-02T22:00"),
        Warning::SiteClosed,
    );
    warned(
        &mut desk,
        &booking(&p, p.ann, "2026-03-01T10:00"),
        Warning::SiteClosed,
    );
    warned(
        &mut desk,
        &booking(&p, p.ann, "2029-03-05T10:00"),
        Warning::FarAhead,
    );
    desk.tell(Command::SetHours(SetHours {
        of: p.ben.to_string(),
        at: None,
        weekly: vec![vec![]; 7],
        closed: vec![],
    }));
    warned(
        &mut desk,
        &booking(&p, p.ben, "2026-03-02T10:00"),
        Warning::StaffNotWorking,
    );
    let weekly = vec![vec![("08:00".parse().unwrap(), "20:00".parse().unwrap())]; 7];
    desk.tell(Command::SetHours(SetHours {
        of: p.site.to_string(),
        at: None,
        weekly,
        closed: vec!["2026-03-04".parse().unwrap()],
    }));
    warned(
        &mut desk,
        &booking(&p, p.ann, "2026-03-04T10:00"),
        Warning::SiteClosed,
    );
    // The hour that comes twice: the first is meant, and it is said.
    let mut fold = booking(&p, p.ann, "2026-10-25T02:30");
    fold.despite_warnings = true;
    let reply = desk.tell(Command::Book(fold));
    assert!(reply.warnings.contains(&Warning::ClockChangesTwice));
    let id: AppointmentId = reply.id.parse().unwrap();
    let starts: Timestamp = "2026-10-25T00:30:00Z".parse().unwrap();
    assert_eq!(desk.visit(id).starts, starts);
}

#[test]
fn moves_states_and_blocks_are_checked_too() {
    let mut desk = Desk::found(1);
    let p = desk.set_up();
    let id = desk.book(&p, p.ann, "2026-03-02T09:00");
    let invalid = ErrorCode::InvalidInput;
    let gap = Command::Move(moving(id, "2026-03-29T02:30"));
    refused(&mut desk, gap, ErrorCode::TimeDoesNotExist, "start");
    let none = Command::Move(MoveVisit {
        minutes: Some(0),
        ..moving(id, "2026-03-02T10:00")
    });
    refused(&mut desk, none, invalid, "minutes");
    let unknown = AppointmentId::from_bytes([5; 16]);
    let lost = Command::Move(moving(unknown, "2026-03-02T10:00"));
    refused(&mut desk, lost, ErrorCode::NotFound, "appointment");
    let skip = Command::SetState(SetState {
        appointment: id,
        state: ClaimState::Done,
    });
    refused(&mut desk, skip, ErrorCode::IllegalTransition, "state");
    let block = |resources: Vec<ResourceId>, start: &str, minutes, title: &str| {
        Command::Block(NewBlock {
            location: p.site,
            resources,
            start: at(start),
            minutes,
            title: Some(title.to_owned()),
        })
    };
    let long = "t".repeat(10_000);
    for (command, code, field) in [
        (
            block(vec![], "2026-03-02T12:00", 30, ""),
            invalid,
            "resources",
        ),
        (
            block(vec![p.ann], "2026-03-02T12:00", 0, ""),
            invalid,
            "minutes",
        ),
        (
            block(vec![p.ann], "2026-03-02T12:00", 30, &long),
            invalid,
            "title",
        ),
        (
            block(vec![p.ann], "2026-03-02T09:15", 30, ""),
            ErrorCode::SlotTaken,
            "start",
        ),
        (
            block(vec![p.ann], "2026-03-29T02:10", 30, ""),
            ErrorCode::TimeDoesNotExist,
            "start",
        ),
    ] {
        refused(&mut desk, command, code, field);
    }
    let nothing = Command::Decide(Decide {
        verdicts: vec![],
        reason: None,
    });
    refused(&mut desk, nothing, invalid, "verdicts");
}

#[test]
fn setting_up_is_checked() {
    let mut desk = Desk::found(1);
    let p = desk.set_up();
    let invalid = ErrorCode::InvalidInput;
    let cases = [
        (
            Command::AddLocation(NewLocation {
                name: "x".repeat(201),
                zone: "Europe/Paris".to_owned(),
            }),
            "name",
        ),
        (
            Command::AddLocation(NewLocation {
                name: "Moon".to_owned(),
                zone: "Moon/Base".to_owned(),
            }),
            "zone",
        ),
        (
            Command::AddRoom(NewRoom {
                name: "None".to_owned(),
                location: p.site,
                capacity: 0,
            }),
            "capacity",
        ),
        (
            Command::AddService(NewService {
                name: "Nothing".to_owned(),
                parts: vec![],
                staff: vec![],
                rooms: vec![],
                price_minor: None,
                currency: None,
            }),
            "parts",
        ),
        (
            Command::SetHours(SetHours {
                of: p.site.to_string(),
                at: None,
                weekly: vec![vec![("17:00".parse().unwrap(), "09:00".parse().unwrap())]; 7],
                closed: vec![],
            }),
            "weekly",
        ),
        (
            Command::EditEntry(EditEntry {
                of: "who".to_owned(),
                name: None,
                colour: None,
                retired: None,
            }),
            "of",
        ),
    ];
    for (command, field) in cases {
        refused(&mut desk, command, invalid, field);
    }
}

#[test]
fn a_clock_ten_years_off_never_stops_work() {
    let mut desk = Desk::found(1);
    let p = desk.set_up();
    let mut other = desk.join(2, StaffRole::Owner);
    other.now = "2036-02-23T08:00:00Z".parse().unwrap();
    let mut wish = booking(&p, p.ann, "2026-03-02T09:00");
    wish.despite_warnings = true;
    let id: AppointmentId = other.tell(Command::Book(wish)).id.parse().unwrap();
    meet(&mut desk, &mut other);
    agree(&mut desk, &mut other);
    // A causally later change wins although its stamp is ten years earlier.
    let client = desk.client("Marigold Thistle");
    desk.tell(Command::EditVisit(EditVisit {
        appointment: id,
        note: Some("later".to_owned()),
        client: Some(client),
        pets: None,
        despite_warnings: false,
    }));
    meet(&mut desk, &mut other);
    agree(&mut desk, &mut other);
    assert_eq!(other.text(id).note.as_deref(), Some("later"));
}

#[test]
fn codes_are_refused_for_what_is_wrong_with_them() {
    let mut desk = Desk::found(1);
    let relay = VerifyKey::from(SigningKey::from_bytes(&[77; 32]).verifying_key());
    let refusal = desk
        .replica
        .invite(desk.now, &mut desk.rng, StaffRole::Vet, 3)
        .unwrap_err();
    assert_eq!(refusal.code, ErrorCode::RelayUnreachable);
    desk.replica
        .pin_relay(desk.now, relay, "ws://127.0.0.1:1")
        .unwrap();
    for days in [0, 31] {
        let refusal = desk
            .replica
            .invite(desk.now, &mut desk.rng, StaffRole::Vet, days)
            .unwrap_err();
        assert_eq!(refusal.field.as_deref(), Some("days"));
    }
    let (_, code, expires) = desk
        .replica
        .invite(desk.now, &mut desk.rng, StaffRole::Vet, 1)
        .unwrap();
    let code: JoinCode = code.parse().unwrap();
    let acts = desk.replica.acts().unwrap();
    let mut rng = ChaCha20Rng::from_seed([4; 32]);

    let mut late = Newcomer::new(&mut rng, code.clone());
    let after = expires + SignedDuration::from_secs(1);
    let refusal = late.add_seat(after, &acts, vec![]).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::InviteExpired);

    let act = late.add_seat(desk.now, &acts, vec![]).unwrap();
    desk.replica.learn_act(act).unwrap();
    let mut second = Newcomer::new(&mut rng, code.clone());
    let refusal = second
        .add_seat(desk.now, &desk.replica.acts().unwrap(), vec![])
        .unwrap_err();
    assert_eq!(refusal.code, ErrorCode::InviteUsed);

    let foreign = Desk::found(9).replica.acts().unwrap();
    let refusal = second.add_seat(desk.now, &foreign, vec![]).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::BadJoinCode);
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let root = RootSecret::generate(&mut rng);
    let (storage, faults) = Faulty::new(MemoryStorage::default());
    let founding = Founding {
        practice: "Practice",
        location: "Site",
        zone: "Europe/Paris",
    };
    let (mut replica, _) = Replica::found(storage, &mut rng, now(), &founding, &root).unwrap();
    let add = |name: &str| {
        Command::AddClient(NewClient {
            name: name.to_owned(),
            phones: vec![],
            email: None,
            note: None,
        })
    };
    replica.execute(now(), &mut rng, add("First")).unwrap();
    faults.disk_full_after(100);
    let refusal = replica.execute(now(), &mut rng, add("Second")).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::DiskFull);
    assert!(replica.needs_reopening());
    faults.heal();
    let mut replica = replica.reopen(&mut rng, now()).unwrap();
    replica.execute(now(), &mut rng, add("Third")).unwrap();
    let Answer::Found { clients, .. } = replica
        .query(
            now(),
            Query::Clients {
                skip: None,
                limit: None,
            },
        )
        .unwrap()
    else {
        panic!()
    };
    let names: Vec<&str> = clients.iter().map(|client| client.name.as_str()).collect();
    assert!(
        names.contains(&"First") && names.contains(&"Third"),
        "{names:?}"
    );
}
