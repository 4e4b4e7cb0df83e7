//! What this program wrote once and must always read: documents (`tests/vectors/documents-v1.json`)
//! and key files (`tests/vectors/key-file-v1.json`, and `-v2` for one that needs the keystore), which
//! `tests/python/check_made.py` opens too.
//!
//! After a change of the draft, `DAYBOOK_WRITE_VECTORS=1 cargo test -p client-core --test golden`
//! writes them anew; once version 1 is frozen, lines may be added and none may change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::path::{Path, PathBuf};

use client_core::{
    catalogue::{CardKind, ClientId, NoteId, PetId},
    documents::{
        About, AccessDoc, CardDoc, CardId, ClientFields, Intent, LocationFields, Opening, Part,
        PetFields, PracticeDoc, PrivateBody, RecordDoc, Sealed, StaffFields, Subject, Target,
        VisitsWeek, Who,
    },
    sealing::{
        ContentKey, Cost, DeviceSecrets, HomeSecrets, KeyFile, Keystored, NewSeat, RootSecret,
        SeatSecrets, SlotError, SubjectKey,
    },
};
use conflict_rules::{
    AppointmentId, ClaimKind, ClaimState, LocationId, Occupancy, OccupancyKind, Placement,
    ResourceId, Source, TimeRange,
};
use data_encoding::HEXLOWER;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use schedule::{
    CheckedChange, ClearIntent, Grid, Hlc, IsoWeek, NewChange, ScheduleBody, Schema, Week, WeekKey,
    safety,
};
use serde_json::{Value, json};
use sync_protocol::{OrgId, SeatId};

const ORG: OrgId = OrgId::from_bytes([7; 16]);
const ANN: [u8; 16] = [0xa1; 16];
const BOB: [u8; 16] = [0xb0; 16];
const CLIENT: ClientId = ClientId::from_bytes([9; 16]);
const PET: PetId = PetId::from_bytes([8; 16]);
const VISIT: AppointmentId = AppointmentId::from_bytes([5; 16]);
const SITE: LocationId = LocationId::from_bytes([1; 16]);
const VET: ResourceId = ResourceId::from_bytes([2; 16]);
const ZONE: &str = "Europe/Paris";

fn hex(bytes: impl AsRef<[u8]>) -> String {
    HEXLOWER.encode(bytes.as_ref())
}

fn unhex(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/vectors")
        .join(name)
}

/// Writes the file when asked to; otherwise it must hold just this.
fn keep(name: &str, current: &Value) {
    let text = serde_json::to_string_pretty(current).unwrap() + "\n";
    if std::env::var_os("DAYBOOK_WRITE_VECTORS").is_some() {
        std::fs::write(file(name), text).unwrap();
    } else {
        assert_eq!(std::fs::read_to_string(file(name)).unwrap(), text, "{name}");
    }
}

fn at(millis: i64) -> Hlc {
    Hlc { millis, counter: 0 }
}

fn week_key() -> WeekKey {
    WeekKey {
        location: SITE,
        week: IsoWeek::new(2026, 10).unwrap(),
    }
}

fn placement(hour: i8) -> Placement {
    let civil = jiff::civil::date(2026, 3, 3).at(hour, 0, 0, 0);
    let zone = jiff::tz::TimeZone::get(ZONE).unwrap();
    let from = civil.to_zoned(zone).unwrap().timestamp();
    let until = from + jiff::SignedDuration::from_mins(30);
    let work = Occupancy {
        resource: VET,
        range: TimeRange::new(from, until).unwrap(),
        units: 1,
        kind: OccupancyKind::Work,
    };
    Placement::new(vec![work], civil, ZONE, "2026a").unwrap()
}

/// A document as it was written: its changes, and what stands at its head.
struct Written {
    name: &'static str,
    schema: Schema,
    changes: Vec<NewChange>,
    heads: Vec<[u8; 32]>,
    /// As a person would compare it.
    state: String,
}

fn grid() -> (Grid, Vec<NewChange>) {
    let mut grid = Grid::genesis(*ORG.as_bytes()).unwrap();
    let changes = [
        grid.set_zone(ANN, SITE, ZONE),
        grid.set_capacity(BOB, VET, 3),
        grid.set_capacity(ANN, VET, 1),
    ];
    let changes = changes.map(|change| change.unwrap().unwrap());
    (grid, changes.to_vec())
}

fn week() -> (Week, Vec<NewChange>) {
    let mut week = Week::genesis(week_key(), ZONE).unwrap();
    let changes = [
        week.book(ANN, VISIT, ClaimKind::Visit, Source::Desk, &placement(9)),
        week.move_to(BOB, VISIT, &placement(11)),
        week.set_state(BOB, VISIT, ClaimState::Arrived),
    ];
    let changes = changes.map(|change| change.unwrap().unwrap());
    (week, changes.to_vec())
}

fn practice() -> (PracticeDoc, Vec<NewChange>) {
    let mut practice = PracticeDoc::genesis(ORG).unwrap();
    let site = LocationFields {
        name: Some("Nord".into()),
        zone: Some(ZONE.into()),
        ..LocationFields::default()
    };
    let vet = StaffFields {
        name: Some("Änne Vogt".into()),
        locations: Some(vec![SITE]),
        ..StaffFields::default()
    };
    let changes = [
        practice.set_name(ANN, at(1), "Pfoten & Co"),
        practice.put_location(ANN, at(2), SITE, &site),
        practice.put_staff(BOB, at(3), VET, &vet),
        practice.set_lease(ANN, at(4), 60),
    ];
    let changes = changes.map(|change| change.unwrap().unwrap());
    (practice, changes.to_vec())
}

fn visits() -> (VisitsWeek, Vec<NewChange>) {
    let rng = &mut ChaCha20Rng::from_seed([1; 32]);
    let key = SubjectKey::from_bytes([0x5b; 32]);
    let key = ContentKey::Subject(&key);
    let mut visits = VisitsWeek::genesis(week_key()).unwrap();
    let who = Who {
        client: Some(CLIENT),
        pets: vec![PET],
        service: None,
    };
    let who = Sealed::who(rng, key, week_key(), VISIT, &who).unwrap();
    let note = Sealed::text(rng, key, week_key(), VISIT, Part::Note, "hinkt").unwrap();
    let about = About::Claim(VISIT);
    let reason = Sealed::reason(rng, key, week_key(), about, "rief an").unwrap();
    let changes = [
        visits.put_all_details(ANN, at(1), VISIT, &[(Part::Who, who), (Part::Note, note)]),
        visits.add_reason(BOB, at(2), about, &reason),
    ];
    let changes = changes.map(|change| change.unwrap().unwrap());
    (visits, changes.to_vec())
}

fn client() -> (RecordDoc, Vec<NewChange>) {
    let mut doc = RecordDoc::genesis(Subject::Client(CLIENT)).unwrap();
    let first = ClientFields {
        name: Some("Ramona Kühn".into()),
        phones: Some(vec!["+49 30 5550 0199".into()]),
        ..ClientFields::default()
    };
    let then = ClientFields {
        email: Some("ramona@example.org".into()),
        ..ClientFields::default()
    };
    let changes = [
        doc.set_client(ANN, at(1), &first),
        doc.set_client(BOB, at(2), &then),
    ];
    let changes = changes.map(|change| change.unwrap().unwrap());
    (doc, changes.to_vec())
}

fn pet() -> (RecordDoc, Vec<NewChange>) {
    let mut doc = RecordDoc::genesis(Subject::Pet(PET)).unwrap();
    let fields = PetFields {
        owner: Some(CLIENT),
        name: Some("Rex".into()),
        species: Some("Hund".into()),
        ..PetFields::default()
    };
    let changes = vec![doc.set_pet(ANN, at(1), &fields).unwrap().unwrap()];
    (doc, changes)
}

const CARD: CardId = CardId {
    subject: Subject::Pet(PET),
    kind: CardKind::Handling,
};

fn card() -> (CardDoc, Vec<NewChange>) {
    let mut doc = CardDoc::genesis(CARD).unwrap();
    let note = |n| NoteId::from_bytes([n; 16]);
    let changes = [
        doc.add(ANN, at(1), note(1), "beißt"),
        doc.add(BOB, at(2), note(2), "nur mit Maulkorb"),
        doc.withdraw(ANN, at(3), note(1), true),
    ];
    let changes = changes.map(|change| change.unwrap().unwrap());
    (doc, changes.to_vec())
}

fn access() -> (AccessDoc, Vec<NewChange>) {
    let mut doc = AccessDoc::genesis(Subject::Pet(PET)).unwrap();
    let hour = 3_600_000;
    let changes = [
        doc.opened(ANN, at(hour), SeatId::from_bytes(ANN), Opening::Shown),
        doc.opened(
            BOB,
            at(hour + 1),
            SeatId::from_bytes(BOB),
            Opening::Exported,
        ),
        doc.opened(ANN, at(2 * hour), SeatId::from_bytes(ANN), Opening::Shown),
    ];
    let changes = changes.map(|change| change.unwrap().unwrap());
    (doc, changes.to_vec())
}

fn week_state(week: &Week) -> String {
    format!(
        "{:?} {:?} {:?}",
        week.claims(),
        week.decisions(),
        week.zones()
    )
}

fn grid_state(grid: &Grid) -> String {
    format!("{:?} {:?}", grid.capacities(), grid.zones())
}

fn visits_state(visits: &VisitsWeek) -> String {
    format!("{:?} {:?}", visits.all_details(), visits.reasons())
}

fn record_state(doc: &RecordDoc) -> String {
    format!("{:?} {:?}", doc.client(), doc.pet())
}

fn written() -> Vec<Written> {
    let of = |name, schema, changes, heads, state| Written {
        name,
        schema,
        changes,
        heads,
        state,
    };
    let (grid, grid_changes) = grid();
    let (week, week_changes) = week();
    let (practice, practice_changes) = practice();
    let (visits, visits_changes) = visits();
    let (client, client_changes) = client();
    let (pet, pet_changes) = pet();
    let (card, card_changes) = card();
    let (access, access_changes) = access();
    let told = format!("{:?}", practice.practice());
    let opened = format!("{:?}", access.all());
    let notes = format!("{:?}", card.notes());
    vec![
        of(
            "grid",
            Schema::Grid,
            grid_changes,
            grid.heads(),
            grid_state(&grid),
        ),
        of(
            "week",
            Schema::Schedule,
            week_changes,
            week.heads(),
            week_state(&week),
        ),
        of(
            "practice",
            Schema::Private,
            practice_changes,
            practice.heads(),
            told,
        ),
        of(
            "visits",
            Schema::Private,
            visits_changes,
            visits.heads(),
            visits_state(&visits),
        ),
        of(
            "client",
            Schema::Private,
            client_changes,
            client.heads(),
            record_state(&client),
        ),
        of(
            "pet",
            Schema::Private,
            pet_changes,
            pet.heads(),
            record_state(&pet),
        ),
        of("card", Schema::Private, card_changes, card.heads(), notes),
        of(
            "access",
            Schema::Private,
            access_changes,
            access.heads(),
            opened,
        ),
    ]
}

/// The bodies in which some of the changes travel.
fn bodies() -> Value {
    let bytes = |changes: Vec<NewChange>| changes.into_iter().map(|one| one.bytes).collect();
    let body = |target, changes| PrivateBody {
        target,
        intent: Intent {
            clock: at(7),
            source: Source::Desk,
            seat: SeatId::from_bytes(ANN),
            request: [6; 16],
            client_time: jiff::Timestamp::from_millisecond(7).unwrap(),
        },
        changes: bytes(changes),
    };
    let schedule = ScheduleBody {
        week: week_key(),
        zone: ZONE.to_owned(),
        intent: ClearIntent {
            clock: at(7),
            source: Source::Desk,
            request: [6; 16],
        },
        changes: bytes(week().1),
    };
    let private = |target, changes| hex(body(target, changes).encode().unwrap());
    json!({
        "schedule": hex(schedule.encode().unwrap()),
        "practice": private(Target::Practice, practice().1),
        "visits": private(Target::Visits(week_key()), visits().1),
        "client": private(Target::Client(CLIENT), client().1),
        "pet": private(Target::Pet(PET), pet().1),
        "card": private(Target::Card(CARD), card().1),
        "access": private(Target::Access(Subject::Pet(PET)), access().1),
    })
}

#[test]
fn documents_are_written_as_they_were_when_they_shipped() {
    let documents: Vec<Value> = written()
        .iter()
        .map(|one| {
            let changes: Vec<String> = one.changes.iter().map(|one| hex(&one.bytes)).collect();
            let heads: Vec<String> = one.heads.iter().map(hex).collect();
            json!({ "name": one.name, "changes": changes, "heads": heads })
        })
        .collect();
    let target = |target: Target| hex(target.document_id(ORG).as_bytes());
    let current = json!({
        "documents": documents,
        "bodies": bodies(),
        "ids": {
            "practice": target(Target::Practice),
            "visits": target(Target::Visits(week_key())),
            "client": target(Target::Client(CLIENT)),
            "pet": target(Target::Pet(PET)),
            "card": target(Target::Card(CARD)),
            "access": target(Target::Access(Subject::Pet(PET))),
            "week": hex(week_key().document_id()),
            "grid": hex(schedule::grid_document_id(*ORG.as_bytes())),
        },
    });
    keep("documents-v1.json", &current);
}

#[test]
fn documents_that_shipped_are_read_in_any_order() {
    let kept: Value =
        serde_json::from_slice(&std::fs::read(file("documents-v1.json")).unwrap()).unwrap();
    for (one, kept) in written().iter().zip(kept["documents"].as_array().unwrap()) {
        assert_eq!(one.name, kept["name"]);
        let check = |change: &Value| safety::check(&unhex(change), one.schema).unwrap();
        let mut changes: Vec<CheckedChange> = kept["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(check)
            .collect();
        for _ in 0..2 {
            let (heads, state) = read(one.name, &changes);
            let told: Vec<Value> = heads.iter().map(|head| json!(hex(head))).collect();
            assert_eq!(Value::from(told), kept["heads"], "{}", one.name);
            assert_eq!(state, one.state, "{}", one.name);
            changes.reverse();
        }
    }
    for (name, body) in kept["bodies"].as_object().unwrap() {
        let body = unhex(body);
        if name == "schedule" {
            assert_eq!(ScheduleBody::decode(&body).unwrap().encode().unwrap(), body);
        } else {
            assert_eq!(PrivateBody::decode(&body).unwrap().encode().unwrap(), body);
        }
    }
}

/// Takes the changes into a fresh document; gives its heads and state.
fn read(name: &str, changes: &[CheckedChange]) -> (Vec<[u8; 32]>, String) {
    match name {
        "grid" => {
            let mut doc = Grid::genesis(*ORG.as_bytes()).unwrap();
            doc.receive(changes).unwrap();
            (doc.heads(), grid_state(&doc))
        }
        "week" => {
            let mut doc = Week::genesis(week_key(), ZONE).unwrap();
            doc.receive(changes).unwrap();
            (doc.heads(), week_state(&doc))
        }
        "practice" => {
            let mut doc = PracticeDoc::genesis(ORG).unwrap();
            doc.receive(changes).unwrap();
            (doc.heads(), format!("{:?}", doc.practice()))
        }
        "visits" => {
            let mut doc = VisitsWeek::genesis(week_key()).unwrap();
            doc.receive(changes).unwrap();
            (doc.heads(), visits_state(&doc))
        }
        "card" => {
            let mut doc = CardDoc::genesis(CARD).unwrap();
            doc.receive(changes).unwrap();
            (doc.heads(), format!("{:?}", doc.notes()))
        }
        "access" => {
            let mut doc = AccessDoc::genesis(Subject::Pet(PET)).unwrap();
            doc.receive(changes).unwrap();
            (doc.heads(), format!("{:?}", doc.all()))
        }
        record => {
            let subject = match record {
                "client" => Subject::Client(CLIENT),
                _ => Subject::Pet(PET),
            };
            let mut doc = RecordDoc::genesis(subject).unwrap();
            doc.receive(changes).unwrap();
            (doc.heads(), record_state(&doc))
        }
    }
}

#[test]
fn a_key_file_is_written_as_it_was_when_it_shipped_and_opens() {
    let rng = &mut ChaCha20Rng::from_seed([4; 32]);
    let cost = Cost::FLOOR;
    let (vera, otto) = (
        SeatId::from_bytes([0x11; 16]),
        SeatId::from_bytes([0x12; 16]),
    );
    let device = DeviceSecrets::generate(rng);
    let (veras, ottos) = (SeatSecrets::generate(rng), SeatSecrets::generate(rng));
    let secrets = HomeSecrets::new(rng, device, vera, veras.clone());
    let recovery = RootSecret::generate(rng).recovery().public();
    let (device, local) = (
        hex(secrets.device.signing.as_bytes()),
        hex(secrets.local.expose()),
    );
    let passphrase = "Hündin Süd 4 Uhr";
    let mut open = KeyFile::create(rng, ORG, secrets, passphrase, cost, recovery).unwrap();
    open.name_seat(vera, "Vera");
    let new = NewSeat {
        seat: otto,
        name: "Otto Ölmann",
        secrets: &ottos,
        joining: None,
    };
    open.add_seat(rng, &new, "2580x", cost).unwrap();
    let bytes = open.seal(rng).unwrap();
    let seat = |id: SeatId, name: &str, keys: &SeatSecrets| {
        json!({
            "id": hex(id.as_bytes()),
            "name": name,
            "signing": hex(keys.signing.as_bytes()),
            "sealing": hex(keys.sealing.expose()),
        })
    };
    let mut second = seat(otto, "Otto Ölmann", &ottos);
    second["pin"] = json!("2580x");
    let current = json!({
        "bytes": hex(&bytes),
        "passphrase": passphrase,
        "device": device,
        "local": local,
        "seats": [seat(vera, "Vera", &veras), second],
    });
    keep("key-file-v1.json", &current);
    let kept = Keystored::generate(rng);
    open.keystore = Some(kept.clone());
    let mut with_keystore = current.clone();
    with_keystore["bytes"] = json!(hex(open.seal(rng).unwrap()));
    with_keystore["keystore"] = json!(hex(kept.secret.expose()));
    keep("key-file-v2.json", &with_keystore);
    let bytes = std::fs::read(file("key-file-v2.json")).unwrap();
    let two: Value = serde_json::from_slice(&bytes).unwrap();
    let two = KeyFile::decode(&unhex(&two["bytes"])).unwrap();
    let closed = two.open_with_passphrase(passphrase).unwrap_err();
    assert_eq!(closed, SlotError::NeedsKeystore);
    let two = two.with_keystore(&kept.secret).unwrap();
    assert!(two.open_with_passphrase(passphrase).is_ok());
    let kept: Value =
        serde_json::from_slice(&std::fs::read(file("key-file-v1.json")).unwrap()).unwrap();
    let mut open = KeyFile::decode(&unhex(&kept["bytes"]))
        .unwrap()
        .open_with_passphrase(passphrase)
        .unwrap();
    assert_eq!(open.seat(), Some(vera));
    open.open_seat(otto, "2580x").unwrap();
    assert_eq!(
        open.secrets.seats[&otto].signing.as_bytes(),
        ottos.signing.as_bytes()
    );
}
