//! Desks that book while the relay listens: one has the slot, the other is told at once and nothing
//! waits for a review. Real replicas and the real relay core, without sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::collections::VecDeque;

use client_core::{
    catalogue::*,
    link::Wish,
    replica::{ActState, Founding, Newcomer, Proposal, Replica, RequestState},
    sealing::{JoinCode, RootSecret},
    session::{Input as Told, Joined},
};
use conflict_rules::{AppointmentId, LocationId, ResourceId};
use entry_log::MemoryStorage;
use jiff::Timestamp;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use sync_protocol::{Frame, SigningKey, VerifyKey};
use sync_server::core::{ConnId, Door, Effect, Input, Knock, Limits, Organisation};

const ADDRESS: &str = "ws://127.0.0.1:1";

fn now() -> Timestamp {
    "2026-02-23T08:00:00Z".parse().unwrap()
}

struct Relay {
    key: SigningKey,
    org: Option<Organisation<MemoryStorage>>,
    conns: u64,
}

impl Relay {
    fn new() -> Self {
        Self {
            key: SigningKey::from_bytes(&[7; 32]),
            org: None,
            conns: 0,
        }
    }

    fn open(&mut self) -> (Door, Frame) {
        self.conns += 1;
        let nonce = [u8::try_from(self.conns).unwrap(); 32];
        Door::open(&self.key, nonce, now(), true, &[])
    }

    /// What a frame at the door leads to.
    fn knock(&mut self, door: &Door, conn: ConnId, frame: Frame) -> Option<Frame> {
        let knock = door.knock(frame).unwrap();
        if let Knock::Found { act, .. } = knock {
            let storage = MemoryStorage::default();
            let org = Organisation::found(storage, self.key.clone(), act, Limits::default());
            self.org = Some(org.unwrap());
            return Some(Frame::Founded);
        }
        let org = self.org.as_mut().unwrap();
        let admission = door.admit(&knock, org.governance(), now()).unwrap();
        org.handle(now(), Input::Opened { conn, admission });
        None
    }

    fn commit(&mut self) -> Vec<(ConnId, Frame)> {
        let Some(org) = self.org.as_mut() else {
            return Vec::new();
        };
        let effects = org.commit(now()).unwrap();
        effects
            .into_iter()
            .map(|effect| match effect {
                Effect::Send { conn, bytes } => (conn, Frame::decode(&bytes).unwrap()),
                Effect::Close { code, detail, .. } => panic!("{code:?} {detail}"),
            })
            .collect()
    }
}

struct Desk {
    replica: Replica<MemoryStorage>,
    rng: ChaCha20Rng,
    conn: ConnId,
    door: Option<Door>,
    events: Vec<Event>,
}

impl Desk {
    fn input(&mut self, told: Told) -> Vec<Wish> {
        let (wishes, events) = self.replica.session(now(), &mut self.rng, told);
        self.events.extend(events);
        wishes
    }

    fn tell(&mut self, command: Command) -> Reply {
        self.replica.execute(now(), &mut self.rng, command).unwrap()
    }

    fn state(&mut self) -> StateView {
        let Answer::State(state) = self.replica.query(now(), Query::State).unwrap() else {
            panic!("another answer");
        };
        state
    }

    fn book(&mut self, site: LocationId, staff: ResourceId, start: &str) -> AppointmentId {
        self.tell(Command::Book(Booking {
            location: site,
            start: start.parse().unwrap(),
            staff,
            room: None,
            service: None,
            minutes: Some(30),
            client: None,
            pets: vec![],
            note: None,
            double_book: None,
            despite_warnings: false,
        }))
        .id
        .parse()
        .unwrap()
    }
}

/// Carries frames until all is said.
fn settle(relay: &mut Relay, desks: &mut [&mut Desk]) {
    let mut todo: VecDeque<(usize, Told)> =
        (0..desks.len()).map(|desk| (desk, Told::Wrote)).collect();
    for _ in 0..10_000 {
        while let Some((desk, told)) = todo.pop_front() {
            for wish in desks[desk].input(told) {
                let conn = desks[desk].conn;
                match wish {
                    Wish::Dial(address) => {
                        assert_eq!(address, ADDRESS);
                        let (door, challenge) = relay.open();
                        desks[desk].door = Some(door);
                        todo.push_back((desk, Told::Connected));
                        todo.push_back((desk, Told::Frame(challenge)));
                    }
                    Wish::Send(frame) => {
                        if let Some(door) = desks[desk].door.take() {
                            if let Some(answer) = relay.knock(&door, conn, frame) {
                                desks[desk].door = Some(door);
                                todo.push_back((desk, Told::Frame(answer)));
                            }
                        } else {
                            let org = relay.org.as_mut().unwrap();
                            org.handle(now(), Input::Frame { conn, frame });
                        }
                    }
                    Wish::Hangup => panic!("hung up: {:?}", desks[desk].replica.trouble()),
                    Wish::WakeAt(_) => {}
                }
            }
        }
        for (conn, frame) in relay.commit() {
            let desk = desks.iter().position(|desk| desk.conn == conn);
            if let Some(desk) = desk {
                todo.push_back((desk, Told::Frame(frame)));
            }
        }
        if todo.is_empty() {
            return;
        }
    }
    panic!("they never stop talking");
}

fn connect(relay: &mut Relay, desks: &mut [&mut Desk], which: usize) {
    for wish in desks[which].input(Told::Wake) {
        if let Wish::Dial(_) = wish {
            let (door, challenge) = relay.open();
            desks[which].door = Some(door);
            assert!(
                desks[which]
                    .input(Told::Connected)
                    .iter()
                    .all(|wish| matches!(wish, Wish::WakeAt(_)))
            );
            let mut answers = vec![challenge];
            while let Some(frame) = answers.pop() {
                for wish in desks[which].input(Told::Frame(frame)) {
                    if let Wish::Send(frame) = wish {
                        let door = desks[which].door.take().unwrap();
                        let conn = desks[which].conn;
                        if let Some(answer) = relay.knock(&door, conn, frame) {
                            desks[which].door = Some(door);
                            answers.push(answer);
                        }
                    }
                }
            }
        }
    }
    settle(relay, desks);
}

/// A founded practice at a relay, and a second desk that joined it by code, through the relay.
fn two_desks() -> (Relay, Desk, Desk, LocationId, ResourceId) {
    let mut relay = Relay::new();
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let root = RootSecret::generate(&mut rng);
    let founding = Founding {
        practice: "Practice",
        location: "Site",
        zone: "Europe/Paris",
    };
    let storage = MemoryStorage::default();
    let (replica, _) = Replica::found(storage, &mut rng, now(), &founding, &root).unwrap();
    let mut north = Desk {
        replica,
        rng,
        conn: ConnId(1),
        door: None,
        events: vec![],
    };
    assert_eq!(north.replica.link(), LinkState::NoRelay);
    let key = VerifyKey::from(relay.key.verifying_key());
    north.replica.pin_relay(now(), key, ADDRESS).unwrap();
    assert!(north.replica.needs_ticket());
    north.replica.set_ticket(Some("ticket".to_owned()));
    connect(&mut relay, &mut [&mut north], 0);
    assert_eq!(north.replica.link(), LinkState::InStep);
    assert!(!north.replica.needs_ticket());

    let Answer::Practice(view) = north.replica.query(now(), Query::Practice).unwrap() else {
        panic!("another answer");
    };
    let site = view.locations[0].id;
    let ann = north
        .tell(Command::AddStaff(NewStaff {
            name: "Ann".to_owned(),
            role: StaffRole::Vet,
            locations: vec![site],
            colour: None,
        }))
        .id
        .parse()
        .unwrap();
    let (proposal, code, _) = north
        .replica
        .invite(now(), &mut north.rng, StaffRole::Vet, 1)
        .unwrap();
    let Proposal::Proposed(act) = proposal else {
        panic!("the relay orders the chain")
    };
    assert_eq!(north.replica.act_state(&act), ActState::Pending);
    settle(&mut relay, &mut [&mut north]);
    assert_eq!(north.replica.act_state(&act), ActState::Done);

    let south = join(&mut relay, &mut north, &code);
    (relay, north, south, site, ann)
}

fn join(relay: &mut Relay, north: &mut Desk, code: &str) -> Desk {
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    let code: JoinCode = code.parse().unwrap();
    let mut newcomer = Newcomer::new(&mut rng, code);
    let mut joining = newcomer.joining();
    let (door, challenge) = relay.open();
    let mut door = Some(door);
    let conn = ConnId(90);
    let mut frames = VecDeque::from([challenge]);
    for _ in 0..100 {
        while let Some(frame) = frames.pop_front() {
            let key = newcomer.key();
            for step in joining.handle(now(), &mut rng, &key, frame) {
                let frame = match step {
                    Joined::Send(frame) => frame,
                    Joined::Ready { acts, keys } => {
                        let act = newcomer.add_seat(now(), &acts, keys).unwrap();
                        joining.propose(act)
                    }
                    Joined::Done { acts } => {
                        let storage = MemoryStorage::default();
                        let (replica, secrets) =
                            newcomer.finish(storage, &mut rng, now(), acts).unwrap();
                        assert!(secrets.joining.is_none());
                        let org = relay.org.as_mut().unwrap();
                        org.handle(now(), Input::Closed { conn });
                        let mut south = Desk {
                            replica,
                            rng,
                            conn: ConnId(2),
                            door: None,
                            events: vec![],
                        };
                        assert!(!south.replica.needs_ticket());
                        connect(relay, &mut [&mut south, north], 0);
                        assert_eq!(south.replica.link(), LinkState::InStep);
                        return south;
                    }
                    Joined::Refused(code) => panic!("{code:?}"),
                };
                if let Some(open) = door.take() {
                    assert_eq!(relay.knock(&open, conn, frame), None);
                } else {
                    let org = relay.org.as_mut().unwrap();
                    org.handle(now(), Input::Frame { conn, frame });
                }
            }
        }
        for (to, frame) in relay.commit() {
            if to == conn {
                frames.push_back(frame);
            } else {
                let wishes = north.input(Told::Frame(frame));
                for wish in wishes {
                    if let Wish::Send(frame) = wish {
                        let conn = north.conn;
                        let org = relay.org.as_mut().unwrap();
                        org.handle(now(), Input::Frame { conn, frame });
                    }
                }
            }
        }
    }
    panic!("joining never ends");
}

#[test]
fn a_slot_lost_while_connected_is_withdrawn_and_alternatives_are_told() {
    let (mut relay, mut north, mut south, site, ann) = two_desks();
    // Both ask before either has heard of the other.
    let first = north.book(site, ann, "2026-03-02T09:00");
    let second = south.book(site, ann, "2026-03-02T09:00");
    for (desk, id) in [(&north, first), (&south, second)] {
        assert_eq!(desk.replica.verdict(id), RequestState::Waiting);
    }
    settle(&mut relay, &mut [&mut north, &mut south]);
    assert_eq!(north.replica.verdict(first), RequestState::Granted);
    let RequestState::JustTaken { alternatives } = south.replica.verdict(second) else {
        panic!("{:?}", south.replica.verdict(second));
    };
    assert_eq!(alternatives.len(), 3);
    let told: Vec<&Event> = south
        .events
        .iter()
        .filter(|event| matches!(event, Event::JustTaken { .. }))
        .collect();
    assert_eq!(told.len(), 1);
    for desk in [&mut north, &mut south] {
        let state = desk.state();
        assert_eq!((state.confirmed, state.tentative, state.reviews), (1, 0, 0));
        assert_eq!((state.link, state.outbox), (LinkState::InStep, 0));
        assert_eq!(state.alarms, []);
    }
    assert_eq!(north.state().rendering, south.state().rendering);
    assert_eq!(north.state().clashes, south.state().clashes);
}

#[test]
fn a_move_that_lost_goes_back() {
    let (mut relay, mut north, mut south, site, ann) = two_desks();
    let visit = south.book(site, ann, "2026-03-02T15:00");
    settle(&mut relay, &mut [&mut north, &mut south]);
    assert_eq!(south.replica.verdict(visit), RequestState::Granted);
    north.book(site, ann, "2026-03-02T09:00");
    south.tell(Command::Move(MoveVisit {
        appointment: visit,
        start: Some("2026-03-02T09:00".parse().unwrap()),
        staff: None,
        room: None,
        minutes: None,
        double_book: None,
        despite_warnings: false,
    }));
    settle(&mut relay, &mut [&mut north, &mut south]);
    assert!(matches!(
        south.replica.verdict(visit),
        RequestState::JustTaken { .. }
    ));
    let Answer::Visit(details) = north
        .replica
        .query(now(), Query::Visit { appointment: visit })
        .unwrap()
    else {
        panic!()
    };
    let start = "2026-03-02T15:00".parse().unwrap();
    assert_eq!(details.visit.start, start);
    for desk in [&mut north, &mut south] {
        let state = desk.state();
        assert_eq!((state.confirmed, state.tentative, state.reviews), (2, 0, 0));
    }
}

#[test]
fn claims_made_offline_stay_and_wait_for_people() {
    let (mut relay, mut north, mut south, site, ann) = two_desks();
    let conn = south.conn;
    let org = relay.org.as_mut().unwrap();
    org.handle(now(), Input::Closed { conn });
    south.input(Told::Closed);
    north.book(site, ann, "2026-03-02T09:00");
    settle(&mut relay, &mut [&mut north]);
    let late = south.book(site, ann, "2026-03-02T09:00");
    assert_eq!(south.replica.verdict(late), RequestState::None);
    south.conn = ConnId(3);
    let later = now() + jiff::SignedDuration::from_secs(120);
    let (wishes, _) = south.replica.session(later, &mut south.rng, Told::Wake);
    assert!(matches!(wishes.first(), Some(Wish::Dial(_))));
    let (door, challenge) = relay.open();
    south.input(Told::Connected);
    for wish in south.input(Told::Frame(challenge)) {
        if let Wish::Send(frame) = wish {
            assert_eq!(relay.knock(&door, south.conn, frame), None);
        }
    }
    settle(&mut relay, &mut [&mut north, &mut south]);
    for desk in [&mut north, &mut south] {
        let state = desk.state();
        assert_eq!((state.confirmed, state.tentative, state.reviews), (1, 1, 1));
    }
    assert_eq!(north.state().clashes, south.state().clashes);
    assert_eq!(north.state().rendering, south.state().rendering);
}
