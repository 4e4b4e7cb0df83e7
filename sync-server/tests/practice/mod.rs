//! A small practice at a relay without sockets: desks that check every frame they get.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::wildcard_imports,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::needless_pass_by_value,
    reason = "shared by test files, each of which uses a part of it"
)]

use std::collections::{BTreeMap, BTreeSet};

use conflict_rules::{
    AppointmentId, ClaimKind, ClaimState, Decision, LocationId, Occupancy, OccupancyKind,
    Placement, ResourceId, Source, TimeRange,
};
use entry_log::MemoryStorage;
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use schedule::{
    ClearIntent, Grid, GridBody, Hlc, IsoWeek, NewChange, ScheduleBody, Schema, Week, WeekKey,
    grid_document_id, safety,
};
use sync_protocol::*;
use sync_server::core::{ConnId, Door, Effect, Input, Knock, Limits, Organisation};

pub const ORG: OrgId = OrgId::from_bytes([1; 16]);
pub const ZONE: &str = "Europe/Paris";
pub const NOON: i64 = 1_772_452_800;

pub fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(Hash::of(name.as_bytes()).as_bytes())
}
pub fn public(name: &str) -> VerifyKey {
    key(name).verifying_key().into()
}
pub fn seal_key(name: &str) -> SealKey {
    let mut bytes = Hash::of(format!("seal {name}").as_bytes()).to_bytes();
    bytes[31] &= 0x7f;
    SealKey::from_bytes(bytes)
}
pub fn device_id(n: u8) -> DeviceId {
    DeviceId::from_bytes([n; 16])
}
pub fn seat_id(n: u8) -> SeatId {
    SeatId::from_bytes([n; 16])
}
pub fn site(n: u8) -> Site {
    Site::from_bytes([0xc0 + n; 16])
}
pub fn visit(n: u64) -> AppointmentId {
    let hash = Hash::of(&n.to_be_bytes()).to_bytes();
    AppointmentId::from_bytes(hash[..16].try_into().unwrap())
}
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOON + seconds).unwrap()
}

pub fn device(n: u8) -> DeviceGrant {
    DeviceGrant::new(ORG, device_id(n), &key(&format!("device {n}")))
}
pub fn seat(n: u8, role: Role) -> SeatGrant {
    let name = format!("seat {n}");
    SeatGrant::new(
        ORG,
        seat_id(n),
        device_id(n),
        role,
        &key(&name),
        seal_key(&name),
    )
}

pub fn genesis() -> SignedAct {
    let act = Act {
        org: ORG,
        height: 0,
        prev: Hash::ZERO,
        at: NOON,
        author: Author::Root,
        what: What::Genesis {
            root: public("root"),
            recovery: seal_key("recovery"),
            device: device(1),
            seat: seat(1, Role::Owner),
        },
    };
    SignedAct::sign(act, &key("root")).unwrap()
}

pub fn act_on(governance: &Governance, author: Author, what: What, signer: &str) -> SignedAct {
    let (height, prev) = governance.stand();
    let act = Act {
        org: ORG,
        height: height + 1,
        prev,
        at: NOON + i64::from(height) + 1,
        author,
        what,
    };
    SignedAct::sign(act, &key(signer)).unwrap()
}

/// From `start` (civil, in Paris), for `minutes`, by resource `vet`.
pub fn slot(start: &str, minutes: i64, vet: u8) -> Placement {
    let civil: DateTime = start.parse().unwrap();
    let zone = TimeZone::get(ZONE).unwrap();
    let from = civil.to_zoned(zone).unwrap().timestamp();
    let range = TimeRange::new(from, from + SignedDuration::from_mins(minutes)).unwrap();
    let work = Occupancy {
        resource: ResourceId::from_bytes([vet; 16]),
        range,
        units: 1,
        kind: OccupancyKind::Work,
    };
    Placement::new(vec![work], civil, ZONE, "2026a").unwrap()
}

/// What a desk holds of a feed.
#[derive(Debug, Clone)]
pub struct Held {
    pub epoch: u32,
    pub chain: Hash,
    pub items: Vec<Hash>,
    /// Proven by a head.
    pub proven: u64,
}

/// A device: it writes, and checks all it is told.
#[derive(Debug, Clone)]
pub struct Desk {
    pub n: u8,
    pub conn: Option<ConnId>,
    pub incarnation: IncarnationId,
    pub next: u64,
    pub prev: Hash,
    pub feeds: BTreeMap<FeedId, Held>,
    pub written: BTreeMap<(IncarnationId, u64), Entry>,
    pub entries: BTreeMap<Hash, Entry>,
    pub weeks: BTreeMap<WeekKey, Week>,
    pub grid: Grid,
    pub confirmations: Vec<Confirmation>,
    pub refused: Vec<(Refusal, ErrorCode)>,
    pub welcome: Option<Welcome>,
    pub closed: Option<ErrorCode>,
    pub placed: usize,
    pub received: usize,
    pub gives_credit: bool,
    pub height: (u32, Hash),
}

pub fn week_key(at: Site, placement: &Placement) -> WeekKey {
    WeekKey {
        location: LocationId::from_bytes(at.to_bytes()),
        week: IsoWeek::of(placement.civil_start().date()),
    }
}

impl Desk {
    pub fn new(n: u8, run: u8, governance: &Governance) -> Self {
        let mut incarnation = [n; 16];
        incarnation[1] = run;
        incarnation[2] = 0x77;
        Self {
            n,
            conn: None,
            incarnation: IncarnationId::from_bytes(incarnation),
            next: 0,
            prev: Hash::ZERO,
            feeds: BTreeMap::new(),
            written: BTreeMap::new(),
            entries: BTreeMap::new(),
            weeks: BTreeMap::new(),
            grid: Grid::genesis(ORG.to_bytes()).unwrap(),
            confirmations: Vec::new(),
            refused: Vec::new(),
            welcome: None,
            closed: None,
            placed: 0,
            received: 0,
            gives_credit: true,
            height: governance.stand(),
        }
    }

    pub fn have(&self) -> Vec<Have> {
        let feeds = self.feeds.iter();
        feeds
            .map(|(feed, held)| Have {
                feed: *feed,
                epoch: held.epoch,
                sequence: held.items.len() as u64,
                chain: held.chain,
            })
            .collect()
    }

    pub fn write(&mut self, feed: FeedId, document: [u8; 16], body: Vec<u8>) -> Entry {
        let sealed = !feed.clear();
        let header = Header {
            org: ORG,
            feed,
            document: DocumentId::from_bytes(document),
            key: sealed.then_some(KeyId::from_bytes([9; 16])),
            device: device_id(self.n),
            seat: seat_id(self.n),
            incarnation: self.incarnation,
            sequence: self.next,
            prev: self.prev,
            governance: self.height,
            seen: None,
            seal: sealed.then_some(Seal {
                suite: 1,
                nonce: [7; 24],
                commitment: [8; 32],
            }),
            body_len: 0,
            body_hash: Hash::ZERO,
        };
        let entry = Entry::sign(header, body, &key(&format!("seat {}", self.n))).unwrap();
        self.next += 1;
        self.prev = entry.hash();
        self.written.insert(entry.id(), entry.clone());
        self.entries.insert(entry.hash(), entry.clone());
        entry
    }

    pub fn week(&mut self, key: WeekKey) -> &mut Week {
        self.weeks
            .entry(key)
            .or_insert_with(|| Week::genesis(key, ZONE).unwrap())
    }

    fn schedule_entry(&mut self, key: WeekKey, changes: &[NewChange]) -> Entry {
        let body = ScheduleBody {
            week: key,
            zone: ZONE.to_owned(),
            intent: intent(),
            changes: changes.iter().map(|change| change.bytes.clone()).collect(),
        };
        let feed = FeedId::Schedule(Site::from_bytes(key.location.to_bytes()));
        self.write(feed, key.document_id(), body.encode().unwrap())
    }

    pub fn book(&mut self, at: Site, id: AppointmentId, placement: &Placement) -> Entry {
        let (key, actor) = (week_key(at, placement), self.incarnation.to_bytes());
        let week = self.week(key);
        let change = week.book(actor, id, ClaimKind::Visit, Source::Desk, placement);
        let change = change.unwrap().unwrap();
        self.schedule_entry(key, &[change])
    }

    pub fn move_to(&mut self, key: WeekKey, id: AppointmentId, to: &Placement) -> Entry {
        let actor = self.incarnation.to_bytes();
        let change = self.week(key).move_to(actor, id, to).unwrap().unwrap();
        self.schedule_entry(key, &[change])
    }

    pub fn set_state(&mut self, key: WeekKey, id: AppointmentId, state: ClaimState) -> Entry {
        let actor = self.incarnation.to_bytes();
        let change = self.week(key).set_state(actor, id, state).unwrap().unwrap();
        self.schedule_entry(key, &[change])
    }

    pub fn decide(&mut self, key: WeekKey, decision: &Decision) -> Entry {
        let actor = self.incarnation.to_bytes();
        let change = self.week(key).decide(actor, decision).unwrap().unwrap();
        self.schedule_entry(key, &[change])
    }

    pub fn set_capacity(&mut self, vet: u8, units: u16) -> Entry {
        let actor = self.incarnation.to_bytes();
        let resource = ResourceId::from_bytes([vet; 16]);
        let change = self.grid.set_capacity(actor, resource, units);
        let body = GridBody {
            intent: intent(),
            changes: vec![change.unwrap().unwrap().bytes],
        };
        let document = grid_document_id(ORG.to_bytes());
        self.write(FeedId::Grid, document, body.encode().unwrap())
    }

    pub fn last_verdict(&self, id: AppointmentId) -> Option<Verdict> {
        let mut all = self.confirmations.iter().rev();
        all.find(|confirmation| confirmation.claim == id.to_bytes())
            .map(|confirmation| confirmation.verdict)
    }

    fn held(&mut self, feed: FeedId, epoch: u32, first: u64) -> &mut Held {
        let new = || Held {
            epoch,
            chain: chain_start(ORG, feed, epoch),
            items: Vec::new(),
            proven: 0,
        };
        let held = self.feeds.entry(feed).or_insert_with(new);
        if epoch > held.epoch {
            *held = new();
        }
        assert_eq!(held.epoch, epoch, "{feed}");
        assert_eq!(held.items.len() as u64 + 1, first, "a gap in {feed}");
        held
    }

    fn prove(&mut self, feed: FeedId, head: &SignedHead) {
        head.verify(&key("relay").verifying_key()).unwrap();
        let (head, held) = (*head.value(), self.feeds.get_mut(&feed).unwrap());
        assert_eq!((head.feed, head.epoch), (feed, held.epoch));
        let now = held.items.len() as u64;
        assert!(head.sequence >= now, "a head before its items");
        if head.sequence == now {
            assert_eq!(head.chain, held.chain, "the chain of {feed}");
            held.proven = now;
        }
    }

    /// Takes a frame; what it answers.
    pub fn take(&mut self, frame: Frame) -> Vec<Frame> {
        match frame {
            Frame::Items {
                feed,
                epoch,
                first,
                items,
                head,
            } => {
                let count = items.len() as u32;
                self.received += items.len();
                for (bytes, sequence) in items.iter().zip(first..) {
                    let item = Item::decode(bytes).unwrap();
                    let hash = item.hash();
                    let held = self.held(feed, epoch, sequence);
                    held.chain = chain_next(&held.chain, &hash);
                    held.items.push(hash);
                    self.learn(item);
                }
                self.prove(feed, &head.expect("a head in every frame"));
                if self.gives_credit {
                    return vec![Frame::Credit { items: count }];
                }
            }
            Frame::Placed {
                feed,
                epoch,
                first,
                chain_items,
                head,
            } => {
                self.placed += chain_items.len();
                let known = self
                    .feeds
                    .get(&feed)
                    .map_or(0, |held| held.items.len() as u64);
                if first <= known {
                    head.verify(&key("relay").verifying_key()).unwrap();
                    return Vec::new();
                }
                for (id, sequence) in chain_items.iter().zip(first..) {
                    let hash = self.written[id].hash();
                    let held = self.held(feed, epoch, sequence);
                    held.chain = chain_next(&held.chain, &hash);
                    held.items.push(hash);
                }
                self.prove(feed, &head);
            }
            Frame::Refused { what, code, .. } => self.refused.push((what, code)),
            Frame::Welcome(welcome) => self.welcome = Some(welcome),
            Frame::Still(_) => {}
            other => panic!("{other:?}"),
        }
        Vec::new()
    }

    fn learn(&mut self, item: Item) {
        match item {
            Item::Confirmation(confirmation) => {
                confirmation.verify(&key("relay").verifying_key()).unwrap();
                self.confirmations.push(*confirmation.value());
            }
            Item::Entry(entry) => {
                self.written.insert(entry.id(), entry.clone());
                self.entries.insert(entry.hash(), entry.clone());
                let body = entry.body().unwrap_or_default();
                match entry.header().feed {
                    FeedId::Schedule(_) => {
                        let body = ScheduleBody::decode(body).unwrap();
                        let checked =
                            |bytes: &Vec<u8>| safety::check(bytes, Schema::Schedule).unwrap();
                        let changes: Vec<_> = body.changes.iter().map(checked).collect();
                        let received = self.week(body.week).receive(&changes).unwrap();
                        assert!(received.waiting.is_empty(), "forwarded without parents");
                    }
                    FeedId::Grid => {
                        let body = GridBody::decode(body).unwrap();
                        let checked = |bytes: &Vec<u8>| safety::check(bytes, Schema::Grid).unwrap();
                        let changes: Vec<_> = body.changes.iter().map(checked).collect();
                        self.grid.receive(&changes).unwrap();
                    }
                    _ => {}
                }
            }
            Item::Act(act) => self.height = (act.value().height, act.hash()),
        }
    }
}

fn intent() -> ClearIntent {
    ClearIntent {
        clock: Hlc {
            millis: NOON * 1000,
            counter: 0,
        },
        source: Source::Desk,
        request: [5; 16],
    }
}

/// A relay and its desks, one step after the other.
#[derive(Debug)]
pub struct Practice {
    pub disk: MemoryStorage,
    pub relay: Organisation<MemoryStorage>,
    pub desks: BTreeMap<u8, Desk>,
    pub clock: i64,
    pub conns: u64,
    pub limits: Limits,
}

impl Practice {
    /// Founded, with an owner at desk 1 and vets at the others, all signed in.
    pub fn open(desks: u8) -> Self {
        Self::with(desks, Limits::default())
    }

    pub fn with(desks: u8, limits: Limits) -> Self {
        let disk = MemoryStorage::new();
        let relay = Organisation::found(disk.clone(), key("relay"), genesis(), limits).unwrap();
        let mut practice = Self {
            disk,
            relay,
            desks: BTreeMap::new(),
            clock: 0,
            conns: 0,
            limits,
        };
        practice.sign_in(1);
        practice.own(What::PinRelayKey {
            acting: public("relay"),
            standby: None,
            address: "relay.example".to_owned(),
        });
        for n in 2..=desks {
            practice.admit(n, Role::Vet);
        }
        practice
    }

    pub fn own(&mut self, what: What) {
        let governance = self.relay.governance();
        let act = act_on(governance, Author::Seat(seat_id(1)), what, "seat 1");
        self.tell(1, Frame::Propose { act });
        self.run();
    }

    pub fn admit(&mut self, n: u8, role: Role) {
        self.own(What::AddDevice(device(n)));
        self.own(What::AddSeat {
            invite: None,
            seat: seat(n, role),
            device: None,
        });
        self.sign_in(n);
    }

    pub fn desk(&mut self, n: u8) -> &mut Desk {
        self.desks.get_mut(&n).unwrap()
    }

    pub fn now(&self) -> Timestamp {
        at(self.clock)
    }

    pub fn enter(&mut self, n: u8) {
        let governance = self.relay.governance().clone();
        let desk = self
            .desks
            .entry(n)
            .or_insert_with(|| Desk::new(n, 0, &governance));
        self.conns += 1;
        let conn = ConnId(self.conns);
        let mut nonce = [0; 32];
        nonce[..8].copy_from_slice(&self.conns.to_be_bytes());
        let now = at(self.clock);
        let (door, challenge) = Door::open(&key("relay"), nonce, now, false, &[]);
        assert!(matches!(challenge, Frame::Challenge { .. }));
        let sign_in = SignIn {
            org: ORG,
            device: device_id(n),
            host: "relay.example".to_owned(),
            nonce: [n; 16],
            have: desk.have(),
            signature: Signature::NONE,
        }
        .signed(&nonce, &public("relay"), &key(&format!("device {n}")));
        let handshake = sign_in.handshake(&nonce, &public("relay"));
        let knock = door.knock(Frame::SignIn(sign_in)).unwrap();
        assert_eq!(knock.org(), ORG);
        match door.admit(&knock, &governance, now) {
            Ok(admission) => {
                desk.conn = Some(conn);
                desk.closed = None;
                self.relay.handle(now, Input::Opened { conn, admission });
            }
            Err(turned) => {
                desk.conn = None;
                desk.closed = Some(turned.code);
            }
        }
        let _ = (handshake, matches!(knock, Knock::SignIn(_)));
    }

    pub fn sign_in(&mut self, n: u8) {
        self.enter(n);
        self.run();
    }

    pub fn tell(&mut self, n: u8, frame: Frame) {
        let conn = self.desks[&n].conn.unwrap();
        let frame = Frame::decode(&frame.encode()).unwrap();
        let now = self.now();
        self.relay.handle(now, Input::Frame { conn, frame });
    }

    pub fn push(&mut self, n: u8, entries: &[Entry]) {
        let encoded = entries.iter().map(Entry::encode);
        for entries in batches(encoded) {
            self.tell(n, Frame::Push { entries });
        }
    }

    /// Everything until nobody has anything to say.
    pub fn run(&mut self) {
        for _ in 0..10_000 {
            self.clock += 1;
            let now = self.now();
            let mut effects = self.relay.commit(now).unwrap();
            let conns: Vec<ConnId> = self.desks.values().filter_map(|desk| desk.conn).collect();
            for conn in conns {
                effects.extend(self.relay.more(now, conn));
            }
            if effects.is_empty() {
                return;
            }
            self.carry_out(effects);
        }
        panic!("the relay never comes to rest");
    }

    pub fn carry_out(&mut self, effects: Vec<Effect>) {
        let now = self.now();
        for effect in effects {
            match effect {
                Effect::Send { conn, bytes } => {
                    let desk = self.desks.values_mut().find(|desk| desk.conn == Some(conn));
                    let Some(desk) = desk else { continue };
                    for frame in desk.take(Frame::decode(&bytes).unwrap()) {
                        self.relay.handle(now, Input::Frame { conn, frame });
                    }
                }
                Effect::Close { conn, code, .. } => {
                    let desk = self.desks.values_mut().find(|desk| desk.conn == Some(conn));
                    if let Some(desk) = desk {
                        desk.conn = None;
                        desk.closed = Some(code);
                    }
                }
            }
        }
    }

    /// The relay's process ends and starts again on what its disk holds.
    pub fn restart(&mut self, disk: MemoryStorage) {
        self.disk = disk.clone();
        for desk in self.desks.values_mut() {
            desk.conn = None;
        }
        let (relay, _) = Organisation::open(disk, key("relay"), Some(ORG), self.limits).unwrap();
        self.relay = relay;
    }

    /// All desks hold the same of every feed that both may read, all proven.
    pub fn assert_agree(&self) {
        let mut feeds: BTreeMap<FeedId, (u32, Vec<Hash>)> = BTreeMap::new();
        for desk in self.desks.values().filter(|desk| desk.conn.is_some()) {
            for (feed, held) in &desk.feeds {
                assert_eq!(held.proven, held.items.len() as u64, "{feed} of {}", desk.n);
                let items = (held.epoch, held.items.clone());
                let known = feeds.entry(*feed).or_insert_with(|| items.clone());
                assert_eq!(*known, items, "{feed} of {}", desk.n);
                let unique: BTreeSet<_> = held.items.iter().collect();
                assert_eq!(unique.len(), held.items.len(), "twice in {feed}");
            }
        }
    }
}
