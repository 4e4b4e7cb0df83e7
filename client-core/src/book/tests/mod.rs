//! A small practice at test desks; the cases are in the files beside this one.

use std::collections::HashMap;

use conflict_rules::{
    AppointmentId, ClaimKind, ClaimState, Decision, DecisionId, LocationId, Placement, ResourceId,
    Source, Verdict, WeeklyHours,
};
use jiff::{
    Timestamp,
    civil::{Date, DateTime, time},
};
use schedule::{
    ClearIntent, GridBody, Hlc, IsoWeek, NewChange, ScheduleBody, Week, WeekKey, grid_document_id,
};
use sync_protocol::{DocumentId, Entry, FeedId, Hash, IncarnationId, KeyId, OrgId, SeatId, Site};
use zeroize::Zeroizing;

mod anew;
mod cost;
mod order;
mod together;
mod views;

use super::*;
use crate::{
    catalogue::{
        CheckQuery, ClientId, ErrorCode, FreeQuery, PetId, ReviewKind, ServiceId, ServicePart,
        StaffRole, Standing, VerdictWish, VisitState, Warning,
    },
    documents::{
        ClientFields, Intent, LocationFields, Part, PetFields, PrivateBody, RoomFields, Sealed,
        ServiceFields, StaffFields, Subject, Target, Who,
    },
    ledger::Place,
    sealing::{ContentKey, SubjectKey},
};

const ORG: OrgId = OrgId::from_bytes([7; 16]);
const NORTH: LocationId = LocationId::from_bytes([1; 16]);
const SOUTH: LocationId = LocationId::from_bytes([2; 16]);
const ANN: ResourceId = ResourceId::from_bytes([0xa1; 16]);
const BOB: ResourceId = ResourceId::from_bytes([0xb0; 16]);
const ROOM: ResourceId = ResourceId::from_bytes([0xc0; 16]);
const CHECK_UP: ServiceId = ServiceId::from_bytes([0xd0; 16]);

#[derive(Default)]
struct TestKeys(HashMap<KeyId, SubjectKey>);

impl Keys for TestKeys {
    fn open(&self, _: &Entry) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        Err(OpenError::MissingKey)
    }
    fn key(&self, id: KeyId) -> Option<ContentKey<'_>> {
        self.0.get(&id).map(ContentKey::from)
    }
}

/// An entry without its header.
#[derive(Clone)]
struct Packet {
    hash: Hash,
    feed: FeedId,
    document: DocumentId,
    seat: SeatId,
    incarnation: IncarnationId,
    sequence: u64,
    plain: Vec<u8>,
}

impl Packet {
    fn opened(&self, place: Option<Place>, masked: bool) -> Opened<'_> {
        Opened {
            hash: self.hash,
            feed: self.feed,
            document: self.document,
            seat: self.seat,
            incarnation: self.incarnation,
            sequence: self.sequence,
            place,
            masked,
            plain: &self.plain,
        }
    }
}

/// A device: its book, and everything it wrote.
struct Desk {
    actor: [u8; 16],
    clock: i64,
    book: Book,
    sent: Vec<Packet>,
    keys: TestKeys,
}

impl Desk {
    fn new(number: u8) -> Self {
        Self {
            actor: [number; 16],
            clock: i64::from(number),
            book: Book::new(ORG).unwrap(),
            sent: Vec::new(),
            keys: TestKeys::default(),
        }
    }

    fn tick(&mut self) -> Hlc {
        self.clock += 1_000;
        Hlc {
            millis: self.clock,
            counter: 0,
        }
    }

    fn send(&mut self, feed: FeedId, document: DocumentId, plain: Vec<u8>) -> Packet {
        let sequence = self.sent.len() as u64;
        let name = [&self.actor[..], &sequence.to_be_bytes()].concat();
        let packet = Packet {
            hash: Hash::from_bytes(*blake3::hash(&name).as_bytes()),
            feed,
            document,
            seat: SeatId::from_bytes(self.actor),
            incarnation: IncarnationId::from_bytes(self.actor),
            sequence,
            plain,
        };
        self.hear(&packet);
        self.sent.push(packet.clone());
        packet
    }

    fn hear(&mut self, packet: &Packet) {
        let _ = self.book.apply(&packet.opened(None, false), &self.keys);
        assert!(self.book.refused().is_empty(), "{:?}", self.book.refused());
    }

    fn hear_all(&mut self, packets: &[Packet]) {
        for packet in packets {
            self.hear(packet);
        }
    }

    fn private(&mut self, target: Target, changes: Vec<Option<NewChange>>) -> Packet {
        let clock = self.tick();
        let body = PrivateBody {
            target,
            intent: Intent {
                clock,
                source: Source::Desk,
                seat: SeatId::from_bytes(self.actor),
                request: [1; 16],
                client_time: Timestamp::UNIX_EPOCH,
            },
            changes: changes.into_iter().flatten().map(|c| c.bytes).collect(),
        };
        self.send(
            target.feed(),
            target.document_id(ORG),
            body.encode().unwrap(),
        )
    }

    fn schedule(&mut self, key: WeekKey, write: impl FnOnce(&mut Week) -> NewChange) -> Packet {
        let mut week = self.book.week(key).unwrap();
        let change = write(&mut week);
        let clock = self.tick();
        let body = ScheduleBody {
            week: key,
            zone: week.zone(),
            intent: ClearIntent {
                clock,
                source: Source::Desk,
                request: [1; 16],
            },
            changes: vec![change.bytes],
        };
        let site = Site::from_bytes(key.location.to_bytes());
        self.send(
            FeedId::Schedule(site),
            DocumentId::from_bytes(key.document_id()),
            body.encode().unwrap(),
        )
    }

    fn placed(
        &self,
        location: LocationId,
        start: &str,
        minutes: u32,
        staff: ResourceId,
    ) -> Placement {
        let wish = PlaceWish {
            location,
            start: start.parse().unwrap(),
            staff,
            room: None,
            service: None,
            minutes: Some(minutes),
            moved: None,
        };
        self.book.place(&wish).unwrap()
    }

    fn book(
        &mut self,
        id: u8,
        location: LocationId,
        start: &str,
        minutes: u32,
        staff: ResourceId,
    ) -> Packet {
        let placement = self.placed(location, start, minutes, staff);
        let key = week_of(location, start);
        let actor = self.actor;
        self.schedule(key, |week| {
            let (kind, source) = (ClaimKind::Visit, Source::Desk);
            week.book(actor, apt(id), kind, source, &placement)
                .unwrap()
                .unwrap()
        })
    }

    fn move_to(&mut self, id: u8, start: &str, minutes: u32, staff: ResourceId) -> Packet {
        let key = self.book.home_of(apt(id)).unwrap();
        let placement = self.placed(key.location, start, minutes, staff);
        let actor = self.actor;
        self.schedule(key, |week| {
            week.move_to(actor, apt(id), &placement).unwrap().unwrap()
        })
    }

    fn set_state(&mut self, id: u8, state: ClaimState) -> Packet {
        let key = self.book.home_of(apt(id)).unwrap();
        let actor = self.actor;
        self.schedule(key, |week| {
            week.set_state(actor, apt(id), state).unwrap().unwrap()
        })
    }

    fn client(&mut self, id: u16, name: &str, phone: &str) -> Packet {
        let client = client(id);
        let clock = self.tick();
        let mut doc = self.book.record(Subject::Client(client)).unwrap();
        let fields = ClientFields {
            name: Some(name.into()),
            phones: Some(vec![phone.into()]),
            ..ClientFields::default()
        };
        let change = doc.set_client(self.actor, clock, &fields).unwrap();
        self.private(Target::Client(client), vec![change])
    }

    fn pet(&mut self, id: u16, owner: u16, name: &str, chip: &str) -> Packet {
        let pet = PetId::from_bytes(client(id).to_bytes());
        let clock = self.tick();
        let mut doc = self.book.record(Subject::Pet(pet)).unwrap();
        let fields = PetFields {
            owner: Some(client(owner)),
            name: Some(name.into()),
            microchip: Some(chip.into()),
            ..PetFields::default()
        };
        let change = doc.set_pet(self.actor, clock, &fields).unwrap();
        self.private(Target::Pet(pet), vec![change])
    }

    /// Two sites in Paris, open 08:00 to 18:00 every day, Ann at both, Bob in the north.
    fn found(&mut self) {
        let mut weekly = WeeklyHours::default();
        for day in &mut weekly.days {
            *day = vec![(time(8, 0, 0, 0), time(18, 0, 0, 0))];
        }
        let (actor, clock) = (self.actor, self.tick());
        let mut doc = self.book.practice_doc();
        let mut changes = vec![doc.set_name(actor, clock, "Paws").unwrap()];
        for (site, name) in [(NORTH, "North"), (SOUTH, "South")] {
            let fields = LocationFields {
                name: Some(name.into()),
                zone: Some("Europe/Paris".into()),
                weekly: Some(weekly.clone()),
                ..LocationFields::default()
            };
            changes.push(doc.put_location(actor, clock, site, &fields).unwrap());
        }
        for (staff, name, sites) in [(ANN, "Ann", vec![NORTH, SOUTH]), (BOB, "Bob", vec![NORTH])] {
            let fields = StaffFields {
                name: Some(name.into()),
                role: Some(StaffRole::Vet),
                locations: Some(sites),
                ..StaffFields::default()
            };
            changes.push(doc.put_staff(actor, clock, staff, &fields).unwrap());
        }
        let room = RoomFields {
            name: Some("Room 1".into()),
            location: Some(NORTH),
            retired: None,
        };
        changes.push(doc.put_room(actor, clock, ROOM, &room).unwrap());
        let service = ServiceFields {
            name: Some("Check-up".into()),
            parts: Some(vec![ServicePart {
                offset_minutes: 0,
                minutes: 30,
                staff: true,
                room: true,
                buffer: false,
            }]),
            rooms: Some(vec![ROOM]),
            ..ServiceFields::default()
        };
        changes.push(doc.put_service(actor, clock, CHECK_UP, &service).unwrap());
        self.private(Target::Practice, changes);
        let mut grid = self.book.grid();
        let change = grid.set_capacity(actor, ROOM, 2).unwrap().unwrap();
        let intent = ClearIntent {
            clock: self.tick(),
            source: Source::Desk,
            request: [1; 16],
        };
        let body = GridBody {
            intent,
            changes: vec![change.bytes],
        };
        let document = DocumentId::from_bytes(grid_document_id(ORG.to_bytes()));
        self.send(FeedId::Grid, document, body.encode().unwrap());
    }
}

fn apt(id: u8) -> AppointmentId {
    AppointmentId::from_bytes([id; 16])
}

fn client(id: u16) -> ClientId {
    let mut bytes = [0x11; 16];
    bytes[..2].copy_from_slice(&id.to_be_bytes());
    ClientId::from_bytes(bytes)
}

fn week_of(location: LocationId, start: &str) -> WeekKey {
    let start: DateTime = start.parse().unwrap();
    let week = IsoWeek::of(start.date());
    WeekKey { location, week }
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn noon_before() -> Timestamp {
    "2026-03-01T12:00Z".parse().unwrap()
}
