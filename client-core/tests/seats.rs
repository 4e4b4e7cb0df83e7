//! Several people at one computer: one home, a seat for each, and what each may open.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::{collections::BTreeMap, path::Path, sync::Arc};

use client_core::{
    catalogue::*,
    home::Home,
    ledger::{Arrival, Ledger},
    link::Trust,
    replica::{Founding, Proposal, Replica},
    sealing::{Compartment, HomeSecrets, RootSecret},
};
use entry_log::{DirStorage, MemoryStorage};
use jiff::Timestamp;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use sync_protocol::{FeedId, IncarnationId, SeatId};

const PASSPHRASE: &str = "the owner's own passphrase";

fn open(place: &Path) -> Home {
    let now: Timestamp = "2026-02-23T08:00:00Z".parse().unwrap();
    Home::open(&place.join("home"), Arc::new(move || now), Trust::default()).unwrap()
}

fn founded(place: &Path) -> Home {
    let home = open(place);
    home.request(HomeRequest::Found {
        practice: "Practice Quillon".to_owned(),
        location: "Site Harrow".to_owned(),
        zone: "Europe/Paris".to_owned(),
        passphrase: PASSPHRASE.to_owned(),
    })
    .unwrap();
    home
}

fn seats(reply: HomeReply) -> Vec<SeatHere> {
    let HomeReply::Seats { seats } = reply else {
        panic!("not seats");
    };
    seats
}

fn list(home: &Home) -> Vec<SeatHere> {
    seats(home.request(HomeRequest::Seats).unwrap())
}

fn add(home: &Home, name: &str, role: StaffRole, pin: &str) -> Vec<SeatHere> {
    let (name, pin) = (name.to_owned(), pin.to_owned());
    seats(
        home.request(HomeRequest::AddSeat { name, role, pin })
            .unwrap(),
    )
}

fn switch(home: &Home, seat: &str, pin: &str) -> Result<HomeReply, Refusal> {
    home.request(HomeRequest::Switch {
        seat: seat.to_owned(),
        pin: pin.to_owned(),
        passphrase: None,
    })
}

fn unlock(home: &Home) {
    let passphrase = PASSPHRASE.to_owned();
    let opened = home.request(HomeRequest::Unlock { passphrase }).unwrap();
    assert!(opened == HomeReply::Opened);
}

fn client(home: &Home, name: &str) -> Result<Reply, Refusal> {
    home.execute(Command::AddClient(NewClient {
        name: name.to_owned(),
        phones: Vec::new(),
        email: None,
        note: None,
    }))
}

fn role(home: &Home) -> StaffRole {
    let Answer::Practice(practice) = home.query(Query::Practice).unwrap() else {
        panic!("not a practice");
    };
    practice.role
}

/// Who wrote the entries of the log, in their order, each author named once in a row.
fn authors(place: &Path) -> Vec<SeatId> {
    let log = DirStorage::open(place.join("home/log")).unwrap();
    let (mut ledger, _) = Ledger::open(log, IncarnationId::from_bytes([9; 16])).unwrap();
    let mut authors = Vec::new();
    ledger
        .replay(&mut |arrival| {
            if let Arrival::Entry { entry, mask, .. } = arrival {
                assert!(mask.is_none(), "nobody's entry is masked");
                authors.push(entry.header().seat);
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(ledger.alarms().count(), 0);
    authors.dedup();
    authors
}

#[test]
fn three_people_share_a_desk_and_each_signs_their_own_work() {
    let place = tempfile::tempdir().unwrap();
    let home = founded(place.path());
    add(&home, "Ben", StaffRole::Receptionist, "4711");
    let all = add(&home, "Cleo", StaffRole::Groomer, "2580");
    let told: Vec<_> = all
        .iter()
        .map(|seat| {
            (
                seat.name.as_deref(),
                seat.role.unwrap(),
                seat.here,
                seat.pin,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (None, StaffRole::Owner, true, false),
            (Some("Ben"), StaffRole::Receptionist, false, true),
            (Some("Cleo"), StaffRole::Groomer, false, true),
        ]
    );
    let ids: Vec<SeatId> = all.iter().map(|seat| seat.id.parse().unwrap()).collect();

    switch(&home, &all[1].id, "4711").unwrap();
    assert_eq!(role(&home), StaffRole::Receptionist);
    client(&home, "Marigold Thistle").unwrap();
    switch(&home, "Cleo", "2580").unwrap();
    assert_eq!(role(&home), StaffRole::Groomer);
    let refused = client(&home, "Not By A Groomer").unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    let Answer::Found { clients, .. } = home
        .query(Query::Search {
            text: "Thistle".to_owned(),
            limit: None,
        })
        .unwrap()
    else {
        panic!("not found");
    };
    assert_eq!(clients.len(), 1, "a groomer reads contacts");
    switch(&home, "ben", "4711").unwrap();
    client(&home, "Rosa Lima").unwrap();
    let here: Vec<bool> = list(&home).iter().map(|seat| seat.here).collect();
    assert_eq!(here, [false, true, false]);
    drop(home);
    let authors = authors(place.path());
    assert_eq!(authors[..2], [ids[0], ids[1]], "{authors:?}");
    assert_eq!(authors.last(), Some(&ids[1]));
    assert!(!authors.contains(&ids[2]), "what was refused is not there");

    let home = open(place.path());
    assert_eq!(home.status().phase, HomePhase::Locked);
    assert_eq!(
        home.request(HomeRequest::Seats).unwrap_err().code,
        ErrorCode::Locked,
        "a locked computer tells no names"
    );
    let refused = switch(&home, &all[1].id, "4711").unwrap_err();
    assert_eq!(refused.code, ErrorCode::Locked, "a PIN alone opens nothing");
    unlock(&home);
    assert_eq!(
        role(&home),
        StaffRole::Owner,
        "the passphrase is the owner's"
    );
}

#[test]
fn a_pause_drops_the_keys_and_a_pin_brings_somebody_back() {
    let place = tempfile::tempdir().unwrap();
    let home = founded(place.path());
    let status = home.request(HomeRequest::Pause).unwrap();
    assert!(
        matches!(status, HomeReply::Status(status) if !status.paused),
        "nobody has a PIN"
    );
    unlock(&home);
    add(&home, "Ben", StaffRole::Receptionist, "4711");
    let status = home.request(HomeRequest::Pause).unwrap();
    let expected = HomeStatus {
        phase: HomePhase::Locked,
        paused: true,
        relay: None,
        standby: None,
    };
    assert!(status == HomeReply::Status(expected));
    assert_eq!(client(&home, "Nobody").unwrap_err().code, ErrorCode::Locked);
    assert_eq!(
        home.query(Query::State).unwrap_err().code,
        ErrorCode::Locked
    );
    assert!(list(&home).iter().all(|seat| !seat.here));
    assert_eq!(
        switch(&home, "Ben", "1147").unwrap_err().code,
        ErrorCode::WrongPin
    );
    assert!(home.status().paused);
    switch(&home, "Ben", "4711").unwrap();
    assert_eq!(role(&home), StaffRole::Receptionist);
    client(&home, "Rosa Lima").unwrap();
    home.request(HomeRequest::Pause).unwrap();
    unlock(&home);
    assert_eq!(role(&home), StaffRole::Owner);
    client(&home, "Marigold Thistle").unwrap();
    home.request(HomeRequest::Pause).unwrap();
    home.request(HomeRequest::Lock).unwrap();
    assert!(!home.status().paused);
    assert_eq!(
        switch(&home, "Ben", "4711").unwrap_err().code,
        ErrorCode::Locked
    );
}

#[test]
fn wrong_pins_are_counted_over_a_restart_and_a_passphrase_helps() {
    let place = tempfile::tempdir().unwrap();
    let home = founded(place.path());
    add(&home, "Ben", StaffRole::Receptionist, "4711");
    for _ in 0..3 {
        assert_eq!(
            switch(&home, "Ben", "0815").unwrap_err().code,
            ErrorCode::WrongPin
        );
    }
    drop(home);
    let home = open(place.path());
    unlock(&home);
    for _ in 0..2 {
        let refused = switch(&home, "Ben", "0815").unwrap_err();
        assert_eq!(
            (refused.code, refused.field.as_deref()),
            (ErrorCode::WrongPin, Some("pin"))
        );
    }
    assert_eq!(
        role(&home),
        StaffRole::Owner,
        "who was at the desk still is"
    );
    let refused = switch(&home, "Ben", "4711").unwrap_err();
    assert_eq!(refused.code, ErrorCode::PinLocked);
    assert!(list(&home)[1].pin_locked);
    let with = |passphrase: &str| {
        home.request(HomeRequest::Switch {
            seat: "Ben".to_owned(),
            pin: "4711".to_owned(),
            passphrase: Some(passphrase.to_owned()),
        })
    };
    assert_eq!(
        with("nobody's passphrase").unwrap_err().code,
        ErrorCode::WrongPassphrase
    );
    with(PASSPHRASE).unwrap();
    assert!(!list(&home)[1].pin_locked);
    assert_eq!(role(&home), StaffRole::Receptionist);
}

#[test]
fn what_makes_no_sense_is_refused_and_leaves_no_seat_behind() {
    let place = tempfile::tempdir().unwrap();
    let home = founded(place.path());
    add(&home, "Ben", StaffRole::Receptionist, "4711");
    let try_adding = |name: &str, role, pin: &str| {
        let (name, pin) = (name.to_owned(), pin.to_owned());
        home.request(HomeRequest::AddSeat { name, role, pin })
            .unwrap_err()
    };
    for (name, pin, field) in [
        ("Cleo", "123", "pin"),
        ("Cleo", "1234", "pin"),
        ("Cleo", "7777", "pin"),
        ("  ", "4711", "name"),
        ("BEN", "2580", "name"),
    ] {
        let refused = try_adding(name, StaffRole::Groomer, pin);
        assert_eq!(refused.code, ErrorCode::InvalidInput);
        assert_eq!(refused.field.as_deref(), Some(field), "{name} {pin}");
    }
    assert_eq!(
        switch(&home, "Nobody", "4711").unwrap_err().code,
        ErrorCode::NotFound
    );
    let owner = list(&home)[0].id.clone();
    let refused = switch(&home, &owner, "4711").unwrap_err();
    assert_eq!(
        refused.code,
        ErrorCode::WrongPin,
        "the owner has set no PIN"
    );

    switch(&home, "Ben", "4711").unwrap();
    let refused = try_adding("Cleo", StaffRole::Vet, "2580");
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    assert_eq!(list(&home).len(), 2);
    home.request(HomeRequest::SetPin {
        pin: "9090".to_owned(),
    })
    .unwrap();
    let passphrase = "Ben can open up alone".to_owned();
    home.request(HomeRequest::SetPassphrase {
        passphrase: passphrase.clone(),
    })
    .unwrap();
    home.request(HomeRequest::Lock).unwrap();
    home.request(HomeRequest::Unlock { passphrase }).unwrap();
    assert_eq!(role(&home), StaffRole::Receptionist);
    assert_eq!(
        switch(&home, &owner, "9090").unwrap_err().code,
        ErrorCode::WrongPin
    );
    home.request(HomeRequest::Lock).unwrap();
    unlock(&home);
    assert_eq!(
        switch(&home, "Ben", "4711").unwrap_err().code,
        ErrorCode::WrongPin
    );
    switch(&home, "Ben", "9090").unwrap();
}

#[test]
fn a_receptionist_opens_no_clinical_key_of_the_vet_at_the_same_computer() {
    let now: Timestamp = "2026-02-23T08:00:00Z".parse().unwrap();
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let root = RootSecret::generate(&mut rng);
    let founding = Founding {
        practice: "Practice Quillon",
        location: "Site Harrow",
        zone: "Europe/Paris",
    };
    let storage = MemoryStorage::default();
    let (mut replica, owner) = Replica::found(storage, &mut rng, now, &founding, &root).unwrap();
    let mut join = |replica: &mut Replica<MemoryStorage>, role| {
        let further = replica.further_seat(now, &mut rng, role).unwrap();
        assert_eq!(replica.propose_seat(&further).unwrap(), Proposal::Done);
        replica.hand_keys_to(now, &mut rng, further.seat).unwrap();
        HomeSecrets {
            seats: BTreeMap::from([(further.seat, further.secrets)]),
            ..owner.clone()
        }
    };
    let vet = join(&mut replica, StaffRole::Vet);
    let receptionist = join(&mut replica, StaffRole::Receptionist);

    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    let mut replica = replica.with_seat(&vet, &mut rng, now).unwrap();
    let clinical = Compartment::Clinical;
    assert!(replica.keyring().compartment_key(clinical).is_some());
    let client = Command::AddClient(NewClient {
        name: "Marigold Thistle".to_owned(),
        phones: Vec::new(),
        email: None,
        note: None,
    });
    let client = replica.execute(now, &mut rng, client).unwrap().id;
    let note = Command::AddCardNote(NewCardNote {
        of: client.clone(),
        card: CardKind::Clinical,
        text: "limps on the left".to_owned(),
        despite_restriction: None,
    });
    replica.execute(now, &mut rng, note).unwrap();

    let mut replica = replica.with_seat(&receptionist, &mut rng, now).unwrap();
    assert!(replica.keyring().compartment_key(clinical).is_none());
    let Answer::State(state) = replica.query(now, Query::State).unwrap() else {
        panic!("not a state");
    };
    assert!(state.alarms.is_empty(), "what is not for her is no alarm");
    let client = client.parse().unwrap();
    let Answer::Cards(cards) = replica.query(now, Query::Cards { client }).unwrap() else {
        panic!("not cards");
    };
    assert!(
        cards
            .cards
            .iter()
            .all(|card| card.card != CardKind::Clinical)
    );
    let entries = replica.ledger().beyond(&[], 10_000).unwrap();
    let held: Vec<bool> = entries
        .iter()
        .filter(|entry| entry.header().feed == FeedId::Clinical)
        .map(|entry| replica.keyring().open(entry).is_err())
        .collect();
    assert!(
        !held.is_empty() && held.iter().all(|closed| *closed),
        "{held:?}"
    );
}
