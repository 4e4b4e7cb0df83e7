//! A practice with a site, two members of staff, a room, a service, and as many desks as wanted.

use client_core::{
    catalogue::*,
    replica::{Founding, Newcomer, Replica},
    sealing::{HomeSecrets, JoinCode, RootSecret},
};
use conflict_rules::{AppointmentId, LocationId, ResourceId};
use entry_log::MemoryStorage;
use jiff::{Timestamp, civil::DateTime};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use sync_protocol::{Frame, SigningKey, VerifyKey};

/// A Monday before the weeks that are booked.
pub(crate) const NOW: &str = "2026-02-23T08:00:00Z";

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(crate) struct Desk {
    pub(crate) replica: Replica<MemoryStorage>,
    pub(crate) secrets: HomeSecrets,
    pub(crate) storage: MemoryStorage,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) now: Timestamp,
}

pub(crate) struct Practice {
    pub(crate) site: LocationId,
    pub(crate) ann: ResourceId,
    pub(crate) ben: ResourceId,
    pub(crate) room: ResourceId,
    pub(crate) check_up: ServiceId,
}

impl Desk {
    pub(crate) fn found(seed: u8) -> Self {
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        let root = RootSecret::generate(&mut rng);
        let storage = MemoryStorage::default();
        let founding = Founding {
            practice: "Practice Quillon",
            location: "Site Harrow",
            zone: "Europe/Paris",
        };
        let (replica, secrets) =
            Replica::found(storage.clone(), &mut rng, now(), &founding, &root).unwrap();
        Self {
            replica,
            secrets,
            storage,
            rng,
            now: now(),
        }
    }

    /// Another desk joins, with the two side by side.
    pub(crate) fn join(&mut self, seed: u8, role: StaffRole) -> Self {
        let relay = VerifyKey::from(SigningKey::from_bytes(&[77; 32]).verifying_key());
        self.replica
            .pin_relay(self.now, relay, "ws://127.0.0.1:1")
            .unwrap();
        let (_, code, _) = self
            .replica
            .invite(self.now, &mut self.rng, role, 3)
            .unwrap();
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        let code: JoinCode = code.parse().unwrap();
        let mut newcomer = Newcomer::new(&mut rng, code);
        let keys = self.replica.key_items().unwrap();
        let act = newcomer
            .add_seat(self.now, &self.replica.acts().unwrap(), keys)
            .unwrap();
        self.replica.learn_act(act).unwrap();
        let storage = MemoryStorage::default();
        let acts = self.replica.acts().unwrap();
        let (replica, secrets) = newcomer
            .finish(storage.clone(), &mut rng, self.now, acts)
            .unwrap();
        let mut desk = Self {
            replica,
            secrets,
            storage,
            rng,
            now: self.now,
        };
        meet(self, &mut desk);
        desk
    }

    pub(crate) fn try_do(&mut self, command: Command) -> Result<Reply, Refusal> {
        self.replica.execute(self.now, &mut self.rng, command)
    }

    pub(crate) fn tell(&mut self, command: Command) -> Reply {
        self.try_do(command).unwrap()
    }

    pub(crate) fn ask(&mut self, query: Query) -> Answer {
        self.replica.query(self.now, query).unwrap()
    }

    pub(crate) fn state(&mut self) -> StateView {
        let Answer::State(state) = self.ask(Query::State) else {
            panic!("not the state");
        };
        state
    }

    pub(crate) fn clashes(&mut self) -> Vec<ClashView> {
        let Answer::Clashes { clashes, .. } = self.ask(Query::Clashes) else {
            panic!("not the clashes");
        };
        clashes
    }

    pub(crate) fn visit(&mut self, appointment: AppointmentId) -> VisitView {
        let Answer::Visit(details) = self.ask(Query::Visit { appointment }) else {
            panic!("not the visit");
        };
        details.visit
    }

    pub(crate) fn text(&mut self, appointment: AppointmentId) -> VisitText {
        self.visit(appointment).details.unwrap()
    }

    /// The process ends and starts again.
    pub(crate) fn restart(&mut self) {
        let (replica, _) =
            Replica::open(self.storage.clone(), &self.secrets, &mut self.rng, self.now).unwrap();
        self.replica = replica;
    }

    pub(crate) fn set_up(&mut self) -> Practice {
        let Answer::Practice(view) = self.ask(Query::Practice) else {
            panic!("not the practice");
        };
        let site = view.locations[0].id;
        let mut staff = |name: &str| {
            let reply = self.tell(Command::AddStaff(NewStaff {
                name: name.to_owned(),
                role: StaffRole::Vet,
                locations: vec![site],
                colour: None,
            }));
            reply.id.parse().unwrap()
        };
        let (ann, ben) = (staff("Dr Annoying"), staff("Dr Benevole"));
        let room = self
            .tell(Command::AddRoom(NewRoom {
                name: "Room Oriel".to_owned(),
                location: site,
                capacity: 1,
            }))
            .id
            .parse()
            .unwrap();
        let check_up = self
            .tell(Command::AddService(NewService {
                name: "Checkup Vantage".to_owned(),
                parts: vec![ServicePart {
                    offset_minutes: 0,
                    minutes: 30,
                    staff: true,
                    room: true,
                    buffer: false,
                }],
                staff: vec![],
                rooms: vec![room],
                price_minor: Some(4500),
                currency: Some("EUR".to_owned()),
            }))
            .id
            .parse()
            .unwrap();
        Practice {
            site,
            ann,
            ben,
            room,
            check_up,
        }
    }

    pub(crate) fn client(&mut self, name: &str) -> ClientId {
        self.tell(Command::AddClient(NewClient {
            name: name.to_owned(),
            phones: vec![],
            email: None,
            note: None,
        }))
        .id
        .parse()
        .unwrap()
    }

    /// Books half an hour; `at` as `2026-03-02T09:00`.
    pub(crate) fn book(
        &mut self,
        practice: &Practice,
        staff: ResourceId,
        at: &str,
    ) -> AppointmentId {
        let reply = self.tell(Command::Book(booking(practice, staff, at)));
        reply.id.parse().unwrap()
    }
}

pub(crate) fn at(text: &str) -> DateTime {
    text.parse().unwrap()
}

pub(crate) fn booking(practice: &Practice, staff: ResourceId, start: &str) -> Booking {
    Booking {
        location: practice.site,
        start: at(start),
        staff,
        room: None,
        service: None,
        minutes: Some(30),
        client: None,
        pets: vec![],
        note: None,
        double_book: None,
        despite_warnings: false,
    }
}

pub(crate) fn moving(appointment: AppointmentId, start: &str) -> MoveVisit {
    MoveVisit {
        appointment,
        start: Some(at(start)),
        staff: None,
        room: None,
        minutes: None,
        double_book: None,
        despite_warnings: false,
    }
}

/// Two desks exchange until neither has more to say.
pub(crate) fn meet(a: &mut Desk, b: &mut Desk) {
    let mut to_b: Vec<Frame> = vec![a.replica.peer_greeting()];
    let mut to_a: Vec<Frame> = vec![b.replica.peer_greeting()];
    for _ in 0..1000 {
        if to_a.is_empty() && to_b.is_empty() {
            return;
        }
        for frame in std::mem::take(&mut to_b) {
            to_a.extend(b.replica.peer_frame(b.now, frame).unwrap().0);
        }
        for frame in std::mem::take(&mut to_a) {
            to_b.extend(a.replica.peer_frame(a.now, frame).unwrap().0);
        }
    }
    panic!("they never stop talking");
}

/// What must be equal once two desks hold the same.
pub(crate) fn agree(a: &mut Desk, b: &mut Desk) {
    let (one, other) = (a.state(), b.state());
    assert_eq!(one.entries, other.entries, "entries");
    assert_eq!(one.heads, other.heads, "heads");
    assert_eq!(one.clashes, other.clashes, "clashes");
    assert_eq!(one.rendering, other.rendering, "rendering");
    assert_eq!((one.alarms, other.alarms), (vec![], vec![]));
}
