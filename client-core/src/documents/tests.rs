//! Two desks that edit at once, in both orders.

use conflict_rules::{AppointmentId, DecisionId, LocationId, ResourceId, Source, WeeklyHours};
use jiff::{Timestamp, civil::time};
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use schedule::{CheckedChange, Hlc, IsoWeek, NewChange, Schema, WeekKey, safety};
use sync_protocol::{OrgId, SeatId};

use super::*;
use crate::{
    catalogue::{CardKind, ClientId, PetId, ServiceId, ServicePart, StaffRole},
    sealing::{ContentKey, SubjectKey},
};

const ANN: [u8; 16] = [0xa1; 16];
const BOB: [u8; 16] = [0xb0; 16];
const ORG: OrgId = OrgId::from_bytes([7; 16]);

fn at(millis: i64) -> Hlc {
    Hlc { millis, counter: 0 }
}

fn sent(change: Option<NewChange>) -> CheckedChange {
    safety::check(&change.unwrap().bytes, Schema::Private).unwrap()
}

fn week() -> WeekKey {
    WeekKey {
        location: LocationId::from_bytes([1; 16]),
        week: IsoWeek::new(2026, 10).unwrap(),
    }
}

#[test]
fn a_practice_is_read_as_it_was_written() {
    let mut doc = PracticeDoc::genesis(ORG).unwrap();
    let (site, ann, room) = (
        LocationId::from_bytes([1; 16]),
        ResourceId::from_bytes([2; 16]),
        ResourceId::from_bytes([3; 16]),
    );
    let cut = ServiceId::from_bytes([4; 16]);
    let mut weekly = WeeklyHours::default();
    weekly.days[0] = vec![(time(9, 0, 0, 0), time(0, 0, 0, 0))];
    doc.set_name(ANN, at(1), "Paws").unwrap().unwrap();
    let fields = LocationFields {
        name: Some("North".into()),
        zone: Some("Europe/Madrid".into()),
        weekly: Some(weekly.clone()),
        closed: Some(["2026-12-25".parse().unwrap()].into()),
        retired: None,
    };
    doc.put_location(ANN, at(1), site, &fields)
        .unwrap()
        .unwrap();
    let fields = StaffFields {
        name: Some("Ann".into()),
        role: Some(StaffRole::Vet),
        locations: Some(vec![site]),
        colour: Some(3),
        hours: Some((Some(site), weekly.clone())),
        ..StaffFields::default()
    };
    doc.put_staff(ANN, at(1), ann, &fields).unwrap().unwrap();
    let fields = RoomFields {
        name: Some("Room 1".into()),
        location: Some(site),
        retired: Some(true),
    };
    doc.put_room(ANN, at(1), room, &fields).unwrap().unwrap();
    let part = ServicePart {
        offset_minutes: 5,
        minutes: 40,
        staff: true,
        room: true,
        buffer: false,
    };
    let fields = ServiceFields {
        name: Some("Cut".into()),
        parts: Some(vec![part]),
        staff: Some(vec![ann]),
        rooms: Some(vec![room]),
        price: Some(Some((4_950, "EUR".into()))),
        retired: None,
    };
    doc.put_service(ANN, at(1), cut, &fields).unwrap().unwrap();
    // An equal value makes no change.
    assert_eq!(doc.put_service(ANN, at(2), cut, &fields).unwrap(), None);

    let practice = doc.practice();
    assert_eq!(practice.name, "Paws");
    let north = &practice.locations[&site];
    assert_eq!(
        (north.name.as_str(), north.zone.as_str()),
        ("North", "Europe/Madrid")
    );
    assert_eq!(north.hours.weekly, weekly);
    assert_eq!(north.hours.closed.len(), 1);
    let staff = &practice.staff[&ann];
    assert_eq!((staff.role, staff.colour), (StaffRole::Vet, 3));
    assert_eq!(staff.hours[&Some(site)], weekly);
    assert!(practice.rooms[&room].retired);
    let service = &practice.services[&cut];
    assert_eq!(service.parts, [part]);
    assert_eq!(service.price, Some((4_950, "EUR".into())));
}

#[test]
fn different_fields_merge_and_of_the_same_field_the_most_recent_stands() {
    let whose = Subject::Client(ClientId::from_bytes([9; 16]));
    let mut ann = RecordDoc::genesis(whose).unwrap();
    let fields = ClientFields {
        name: Some("Ana García".into()),
        phones: Some(vec!["555 01".into()]),
        ..ClientFields::default()
    };
    let first = sent(ann.set_client(ANN, at(10), &fields).unwrap());
    let mut bob = RecordDoc::genesis(whose).unwrap();
    bob.receive(std::slice::from_ref(&first)).unwrap();

    let phone = |phone: &str| ClientFields {
        phones: Some(vec![phone.into()]),
        ..ClientFields::default()
    };
    // Ann's device is busier: by the document library's own rule hers would win.
    let one = sent(ann.set_client(ANN, at(20), &phone("555 02")).unwrap());
    let note = ClientFields {
        note: Some("rings twice".into()),
        ..ClientFields::default()
    };
    let two = sent(ann.set_client(ANN, at(21), &note).unwrap());
    let other = sent(bob.set_client(BOB, at(30), &phone("555 03")).unwrap());

    for order in [[&one, &two, &other], [&other, &one, &two]] {
        let mut replica = RecordDoc::genesis(whose).unwrap();
        replica.receive(std::slice::from_ref(&first)).unwrap();
        for change in order {
            replica.receive(std::slice::from_ref(change)).unwrap();
        }
        let client = replica.client().unwrap();
        assert_eq!(client.phones, ["555 03"]);
        assert_eq!(client.note, "rings twice");
        let conflicts = replica.conflicts();
        assert_eq!(
            conflicts["phones"].len(),
            2,
            "the other number is kept visible"
        );
    }

    // Who has seen both and writes a third stands, whatever the clock says.
    ann.receive(&[other]).unwrap();
    let last = sent(ann.set_client(ANN, at(1), &phone("555 04")).unwrap());
    bob.receive(&[one, two, last]).unwrap();
    assert_eq!(bob.client().unwrap().phones, ["555 04"]);
    assert_eq!(ann.heads(), bob.heads());
    assert!(bob.conflicts().is_empty());
}

#[test]
fn what_a_masked_change_hid_comes_to_light_again() {
    let whose = Subject::Client(ClientId::from_bytes([9; 16]));
    let mut doc = RecordDoc::genesis(whose).unwrap();
    let named = |name: &str| ClientFields {
        name: Some(name.into()),
        ..ClientFields::default()
    };
    doc.set_client(ANN, at(1), &named("Ana")).unwrap();
    let wrong = doc
        .set_client(BOB, at(2), &named("Hacked"))
        .unwrap()
        .unwrap();
    assert_eq!(doc.client().unwrap().name, "Hacked");
    doc.mask([wrong.hash].into());
    assert_eq!(doc.client().unwrap().name, "Ana");
    doc.set_client(ANN, at(3), &named("Anna")).unwrap();
    assert_eq!(doc.client().unwrap().name, "Anna");
}

#[test]
fn visits_keep_parts_apart_and_open_only_where_they_belong() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let key = SubjectKey::generate(&mut rng);
    let key = ContentKey::Subject(&key);
    let (id, other) = (
        AppointmentId::from_bytes([5; 16]),
        AppointmentId::from_bytes([6; 16]),
    );
    let who = Who {
        client: Some(ClientId::from_bytes([9; 16])),
        pets: vec![PetId::from_bytes([8; 16])],
        service: None,
    };
    let mut ann = VisitsWeek::genesis(week()).unwrap();
    let sealed = Sealed::who(&mut rng, key, week(), id, &who).unwrap();
    let first = ann.put_all_details(ANN, at(1), id, &[(Part::Who, sealed.clone())]);
    let first = sent(first.unwrap());
    let mut bob = VisitsWeek::genesis(week()).unwrap();
    bob.receive(std::slice::from_ref(&first)).unwrap();

    let note = Sealed::text(&mut rng, key, week(), id, Part::Note, "limps").unwrap();
    let note = sent(ann.put_details(ANN, at(2), id, Part::Note, &note).unwrap());
    let about = About::Decision(DecisionId::from_bytes([3; 16]));
    let reasons = ["phoned", "agreed"].map(|reason| {
        let sealed = Sealed::reason(&mut rng, key, week(), about, reason).unwrap();
        sent(bob.add_reason(BOB, at(3), about, &sealed).unwrap())
    });
    bob.receive(std::slice::from_ref(&note)).unwrap();
    ann.receive(&reasons).unwrap();
    assert_eq!(ann.heads(), bob.heads());
    for doc in [&ann, &bob] {
        let [held] = &doc.details(id, Part::Who)[..] else {
            panic!("one value")
        };
        assert_eq!(held.open_who(key, week(), id), Some(who.clone()));
        assert_eq!(
            held.open_who(key, week(), other),
            None,
            "bound to its visit"
        );
        let note = &doc.details(id, Part::Note)[0];
        assert_eq!(
            note.open_text(key, week(), id, Part::Note).unwrap(),
            "limps"
        );
        assert_eq!(note.open_text(key, week(), id, Part::Title), None);
        let said: Vec<_> = doc.reasons()[&about]
            .iter()
            .map(|reason| reason.sealed.open_reason(key, week(), about).unwrap())
            .collect();
        assert_eq!(said.len(), 2);
    }
}

#[test]
fn a_field_of_the_wrong_type_is_looked_over() {
    let whose = Subject::Pet(PetId::from_bytes([8; 16]));
    let mut doc = RecordDoc::genesis(whose).unwrap();
    let fields = PetFields {
        owner: Some(ClientId::from_bytes([9; 16])),
        name: Some("Luna".into()),
        species: Some("dog".into()),
        ..PetFields::default()
    };
    doc.set_pet(ANN, at(1), &fields).unwrap();
    // A newer program keeps a list where this one knows a text, and a field nobody knows here.
    doc.registers_for_tests(
        ANN,
        at(2),
        "species",
        minicbor::to_vec(vec!["dog", "wolf"]).unwrap(),
    );
    doc.registers_for_tests(ANN, at(3), "collar", minicbor::to_vec("red").unwrap());
    let pet = doc.pet().unwrap();
    assert_eq!((pet.name.as_str(), pet.species.as_str()), ("Luna", ""));
}

fn body() -> PrivateBody {
    PrivateBody {
        target: Target::Visits(week()),
        intent: Intent {
            clock: at(5),
            source: Source::Desk,
            seat: SeatId::from_bytes([2; 16]),
            request: [3; 16],
            client_time: Timestamp::from_millisecond(5).unwrap(),
        },
        changes: vec![vec![1, 2, 3]],
    }
}

fn card(subject: Subject, kind: CardKind) -> Target {
    Target::Card(CardId { subject, kind })
}

#[test]
fn bodies_go_there_and_back() {
    let targets = [
        Target::Practice,
        Target::Visits(week()),
        Target::Client(ClientId::from_bytes([1; 16])),
        Target::Pet(PetId::from_bytes([1; 16])),
        card(
            Subject::Client(ClientId::from_bytes([1; 16])),
            CardKind::Handling,
        ),
        card(Subject::Pet(PetId::from_bytes([1; 16])), CardKind::Handling),
        card(Subject::Pet(PetId::from_bytes([1; 16])), CardKind::Clinical),
        card(Subject::Pet(PetId::from_bytes([1; 16])), CardKind::Grooming),
        card(Subject::Pet(PetId::from_bytes([1; 16])), CardKind::Payments),
    ];
    let mut ids = std::collections::BTreeSet::new();
    for target in targets {
        let body = PrivateBody { target, ..body() };
        assert_eq!(PrivateBody::decode(&body.encode().unwrap()), Ok(body));
        ids.insert(target.document_id(ORG));
    }
    assert_eq!(ids.len(), targets.len());
    let mut newer = body().encode().unwrap();
    newer[1] = 2;
    assert_eq!(
        PrivateBody::decode(&newer),
        Err(PrivateBodyError::NewerVersion(2))
    );
    let none = PrivateBody {
        changes: Vec::new(),
        ..body()
    };
    assert_eq!(none.encode(), Err(PrivateBodyError::ChangeCount));
}

proptest! {
    #[test]
    fn any_bytes_are_answered(at in 0_usize..60, value: u8, cut in 0_usize..80) {
        let mut bytes = body().encode().unwrap();
        bytes.truncate(cut);
        if let Some(byte) = bytes.get_mut(at) {
            *byte = value;
        }
        if let Ok(read) = PrivateBody::decode(&bytes) {
            prop_assert_eq!(read.encode().unwrap(), bytes);
        }
    }
}
