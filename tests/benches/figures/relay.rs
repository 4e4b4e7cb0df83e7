//! What a relay costs at rest and how fast it is back: many entries pushed by one device over a
//! socket, the process restarted over them, connections that only stand there, and many devices
//! that want one slot. The devices are light: they sign and read frames, and keep no book, so that
//! the figures are the relay's even when all share one machine.
//!
//! `cargo bench -p system-tests --bench figures -- relay [--only entries,idle,claims] [--entries N]
//! [--connections N] [--claims N] [--dir FOLDER]`

use crate::support::{Arguments, Relay, ms, now, practice::ZONE, say, spread, ticket, took};
use std::time::Duration;

use client_core::link::{Socket, Trust};
use conflict_rules::{
    AppointmentId, ClaimKind, LocationId, Occupancy, OccupancyKind, Placement, ResourceId, Source,
    TimeRange,
};
use jiff::{SignedDuration, civil, tz::TimeZone};
use schedule::{ClearIntent, Hlc, IsoWeek, ScheduleBody, Week, WeekKey};
use sync_protocol::{
    Act, Author, DeviceGrant, DeviceId, DocumentId, Entry, FeedId, Frame, Governance, Hash, Have,
    Header, IncarnationId, Item, KeyId, OrgId, Role, Seal, SealKey, SeatGrant, SeatId, SignIn,
    Signature, SignedAct, SigningKey, Site, Verdict, What,
};

const ORG: OrgId = OrgId::from_bytes([1; 16]);
/// A sealed booking is about this long.
const BODY: usize = 300;
/// Entries of a frame, and frames under way.
const BATCH: usize = 200;
const AHEAD: usize = 8 * BATCH;

pub(crate) fn run(arguments: &Arguments) {
    let folder = arguments.folder();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        if arguments.wants("entries") {
            let place = folder.path().join("entries");
            entries(&place, arguments.number("--entries", 1_000_000)).await;
        }
        if arguments.wants("idle") {
            let place = folder.path().join("idle");
            idle(&place, arguments.number("--connections", 1000)).await;
        }
        if arguments.wants("claims") {
            let place = folder.path().join("claims");
            claims(&place, arguments.number("--claims", 200)).await;
        }
    });
}

fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(Hash::of(name.as_bytes()).as_bytes())
}

fn device_id(number: u32) -> DeviceId {
    let hash = Hash::of(&number.to_be_bytes()).to_bytes();
    DeviceId::from_bytes(*hash.first_chunk().unwrap())
}

fn seat_id(number: u32) -> SeatId {
    SeatId::from_bytes(device_id(number).to_bytes())
}

fn device_grant(number: u32) -> DeviceGrant {
    let key = key(&format!("device {number}"));
    DeviceGrant::new(ORG, device_id(number), &key)
}

fn seat_grant(number: u32, role: Role) -> SeatGrant {
    let key = key(&format!("seat {number}"));
    let sealing = SealKey::from_bytes([9; 32]);
    SeatGrant::new(ORG, seat_id(number), device_id(number), role, &key, sealing)
}

/// A device of the practice, number 0 its founder's, and what it writes.
struct Device {
    number: u32,
    governance: Governance,
    genesis: SignedAct,
    next: u64,
    prev: Hash,
}

impl Device {
    fn new() -> Self {
        let act = Act {
            org: ORG,
            height: 0,
            prev: Hash::ZERO,
            at: 1_772_452_800,
            author: Author::Root,
            what: What::Genesis {
                root: key("root").verifying_key().into(),
                recovery: SealKey::from_bytes([9; 32]),
                device: device_grant(0),
                seat: seat_grant(0, Role::Owner),
            },
        };
        let genesis = SignedAct::sign(act, &key("root")).unwrap();
        Self {
            number: 0,
            governance: Governance::found(&genesis).unwrap(),
            genesis,
            next: 0,
            prev: Hash::ZERO,
        }
    }

    /// The founder's act that lets a further device in.
    fn admit(&mut self, number: u32) -> SignedAct {
        let (height, prev) = self.governance.stand();
        let act = Act {
            org: ORG,
            height: height + 1,
            prev,
            at: 1_772_452_801,
            author: Author::Seat(seat_id(0)),
            what: What::AddSeat {
                invite: None,
                seat: seat_grant(number, Role::Vet),
                device: Some(device_grant(number)),
            },
        };
        let act = SignedAct::sign(act, &key("seat 0")).unwrap();
        self.governance.apply(&act).unwrap();
        act
    }

    fn write(&mut self, feed: FeedId, document: [u8; 16], body: Vec<u8>) -> Vec<u8> {
        let sealed = !feed.clear();
        let incarnation = Hash::of(format!("run {}", self.number).as_bytes()).to_bytes();
        let header = Header {
            org: ORG,
            feed,
            document: DocumentId::from_bytes(document),
            key: sealed.then_some(KeyId::from_bytes([9; 16])),
            device: device_id(self.number),
            seat: seat_id(self.number),
            incarnation: IncarnationId::from_bytes(*incarnation.first_chunk().unwrap()),
            sequence: self.next,
            prev: self.prev,
            governance: self.governance.stand(),
            seen: None,
            seal: sealed.then_some(Seal {
                suite: 1,
                nonce: [7; 24],
                commitment: [8; 32],
            }),
            body_len: 0,
            body_hash: Hash::ZERO,
        };
        let key = key(&format!("seat {}", self.number));
        let entry = Entry::sign(header, body, &key).unwrap();
        self.next += 1;
        self.prev = entry.hash();
        entry.encode()
    }

    /// Something sealed: the relay does not care what.
    fn entry(&mut self) -> Vec<u8> {
        let mut body = vec![0; BODY];
        blake3::Hasher::new()
            .update(&self.next.to_be_bytes())
            .finalize_xof()
            .fill(&mut body);
        self.write(FeedId::Practice, [5; 16], body)
    }

    /// A claim for a slot, and its id.
    fn claim(&mut self, placement: &Placement) -> (AppointmentId, Vec<u8>) {
        let name = format!("claim {} of {}", self.next, self.number);
        let id = Hash::of(name.as_bytes()).to_bytes();
        let id = AppointmentId::from_bytes(*id.first_chunk().unwrap());
        let week = WeekKey {
            location: LocationId::from_bytes([2; 16]),
            week: IsoWeek::of(placement.civil_start().date()),
        };
        let incarnation = Hash::of(format!("run {}", self.number).as_bytes()).to_bytes();
        let actor = *incarnation.first_chunk().unwrap();
        let (kind, source) = (ClaimKind::Visit, Source::Desk);
        let mut document = Week::genesis(week, ZONE).unwrap();
        let change = document.book(actor, id, kind, source, placement);
        let body = ScheduleBody {
            week,
            zone: ZONE.to_owned(),
            intent: ClearIntent {
                clock: Hlc {
                    millis: 0,
                    counter: 0,
                },
                source,
                request: [5; 16],
            },
            changes: vec![change.unwrap().unwrap().bytes],
        };
        let feed = FeedId::Schedule(Site::from_bytes([2; 16]));
        let body = body.encode().unwrap();
        (id, self.write(feed, week.document_id(), body))
    }

    /// A connection that is signed in; founds the practice the first time, with a ticket.
    async fn connect(&self, url: &str, ticket: Option<&str>, have: Vec<Have>) -> Socket {
        let mut socket = Socket::open(url, &Trust::default()).await.unwrap();
        let Frame::Challenge { nonce, relay, .. } = socket.receive().await.unwrap() else {
            panic!("the relay speaks first")
        };
        if let Some(ticket) = ticket {
            let act = self.genesis.clone();
            let ticket = ticket.to_owned();
            send(&mut socket, &Frame::Found { ticket, act }).await;
            assert_eq!(socket.receive().await.unwrap(), Frame::Founded);
        }
        let sign_in = SignIn {
            org: ORG,
            device: device_id(self.number),
            host: "relay".to_owned(),
            nonce: [9; 16],
            have,
            signature: Signature::NONE,
        }
        .signed(&nonce, &relay, &key(&format!("device {}", self.number)));
        send(&mut socket, &Frame::SignIn(sign_in)).await;
        let answer = socket.receive().await.unwrap();
        assert!(matches!(answer, Frame::Welcome(_)), "{answer:?}");
        socket
    }
}

async fn send(socket: &mut Socket, frame: &Frame) {
    socket.feed(frame).await.unwrap();
    socket.flush().await.unwrap();
}

/// Pushes entries, restarts the relay over them, and signs in again.
async fn entries(place: &std::path::Path, count: usize) {
    let mut device = Device::new();
    let relay = Relay::start(place);
    let ticket = ticket(place);
    let mut socket = device.connect(&relay.url, Some(&ticket), Vec::new()).await;
    let (before, start) = (relay.cpu(), now());
    let (mut sent, mut placed) = (0, 0);
    let mut last = None;
    while placed < count {
        while sent < count && sent < placed + AHEAD {
            let batch: Vec<_> = (0..BATCH.min(count - sent))
                .map(|_| device.entry())
                .collect();
            sent += batch.len();
            send(&mut socket, &Frame::Push { entries: batch }).await;
        }
        match socket.receive().await.unwrap() {
            Frame::Placed {
                chain_items, head, ..
            } => {
                placed += chain_items.len();
                last = Some(*head.value());
            }
            Frame::Items { items, .. } => {
                let items = u32::try_from(items.len()).unwrap();
                send(&mut socket, &Frame::Credit { items }).await;
            }
            other => panic!("{other:?}"),
        }
    }
    let (wall, busy) = (start.elapsed(), relay.cpu() - before);
    say(
        &format!("pushing {count} sealed entries over one connection"),
        format!(
            "{:.1} s; {:.0} a second of the relay's processor, {:.0} a second of time",
            wall.as_secs_f64(),
            count as f64 / busy.as_secs_f64(),
            count as f64 / wall.as_secs_f64()
        ),
    );
    say(
        "  the relay's memory then",
        format!("{} MiB", relay.memory() / 1024),
    );
    drop(socket);
    relay.stop();

    let (relay, time) = took(|| Relay::start(place));
    say(
        &format!("restart with {count} entries, process to listening"),
        format!("{:.0} ms", ms(time)),
    );
    say(
        "  of processor, and memory at rest",
        format!("{:.0} ms, {} MiB", ms(relay.cpu()), relay.memory() / 1024),
    );
    let head = last.unwrap();
    let have = vec![Have {
        feed: head.feed,
        epoch: head.epoch,
        sequence: head.sequence,
        chain: head.chain,
    }];
    let start = now();
    device.connect(&relay.url, None, have).await;
    say(
        "  until an up-to-date device is welcome",
        format!("{:.1} ms", ms(start.elapsed())),
    );
    relay.stop();
}

/// Connections that are signed in and silent.
async fn idle(place: &std::path::Path, count: usize) {
    let device = Device::new();
    let relay = Relay::start(place);
    let ticket = ticket(place);
    // Whatever is allocated once is there before the counting begins.
    let mut sockets = vec![device.connect(&relay.url, Some(&ticket), Vec::new()).await];
    for _ in 0..50 {
        sockets.push(device.connect(&relay.url, None, Vec::new()).await);
    }
    let (memory, busy) = (relay.memory(), relay.cpu());
    for _ in 0..count {
        sockets.push(device.connect(&relay.url, None, Vec::new()).await);
    }
    say(
        &format!("{count} idle connections, memory of the relay each"),
        format!(
            "{:.1} KiB ({} MiB in all), {:.2} ms of processor to sign one in",
            (relay.memory() - memory) as f64 / count as f64,
            relay.memory() / 1024,
            ms(relay.cpu() - busy) / count as f64
        ),
    );
    assert_eq!(relay.metric("signed_in"), sockets.len() as u64);
}

/// Many connected devices want one slot at the same moment: one grant, all others refused.
async fn claims(place: &std::path::Path, count: usize) {
    let mut founder = Device::new();
    let relay = Relay::start(place);
    let ticket = ticket(place);
    let mut first = founder.connect(&relay.url, Some(&ticket), Vec::new()).await;
    let many = u32::try_from(count).unwrap();
    for number in 1..=many {
        let act = founder.admit(number);
        send(&mut first, &Frame::Propose { act }).await;
        // The chain grows one by one: each act is in it before the next is proposed.
        while !matches!(first.receive().await.unwrap(), Frame::Items { .. }) {}
        send(&mut first, &Frame::Credit { items: 1 }).await;
    }
    drop(first);
    let mut desks = Vec::new();
    for number in 1..=many {
        let desk = Device {
            number,
            governance: founder.governance.clone(),
            genesis: founder.genesis.clone(),
            next: 0,
            prev: Hash::ZERO,
        };
        let socket = desk.connect(&relay.url, None, Vec::new()).await;
        desks.push((desk, socket));
    }
    for round in 0..3_i64 {
        // A week of its own for each round: the light devices keep no documents.
        let weeks = SignedDuration::from_hours(7 * 24 * round);
        let civil = civil::date(2036, 3, 3).at(9, 0, 0, 0) + weeks;
        let from = civil.to_zoned(TimeZone::get(ZONE).unwrap()).unwrap();
        let from = from.timestamp();
        let range = TimeRange::new(from, from + SignedDuration::from_mins(30)).unwrap();
        let work = Occupancy {
            resource: ResourceId::from_bytes([7; 16]),
            range,
            units: 1,
            kind: OccupancyKind::Work,
        };
        let placement = Placement::new(vec![work], civil, ZONE, "2026a").unwrap();
        // Signed before the clock starts: on real desks each has a processor of its own for it.
        let ready: Vec<_> = desks
            .into_iter()
            .map(|(mut desk, socket)| {
                let (id, entry) = desk.claim(&placement);
                (desk, socket, id, entry)
            })
            .collect();
        let (before, start) = (relay.cpu(), now());
        let asking: Vec<_> = ready
            .into_iter()
            .map(|(desk, socket, id, entry)| tokio::spawn(ask(desk, socket, id, entry, count)))
            .collect();
        let mut times = Vec::new();
        let mut granted = 0;
        desks = Vec::new();
        for one in asking {
            let (desk, socket, verdict, time) = one.await.unwrap();
            granted += usize::from(verdict == Verdict::Granted);
            times.push(time);
            desks.push((desk, socket));
        }
        let answered = times.iter().max().copied().unwrap_or_default();
        say(
            &format!("{count} connected claims for one slot, round {}", round + 1),
            format!(
                "{granted} granted and {} refused after {:.0} ms; {}; relay {:.0} ms of processor \
                 until all had told all ({:.0} ms)",
                count - granted,
                ms(answered),
                spread(&mut times),
                ms(relay.cpu() - before),
                ms(start.elapsed())
            ),
        );
        assert_eq!(granted, 1);
    }
}

/// Asks for a slot, waits for the answer, and then for everybody else's answer.
async fn ask(
    desk: Device,
    mut socket: Socket,
    id: AppointmentId,
    entry: Vec<u8>,
    claims: usize,
) -> (Device, Socket, Verdict, Duration) {
    let start = now();
    let entries = vec![entry];
    send(&mut socket, &Frame::Push { entries }).await;
    let (mut verdict, mut told) = (None, 0);
    while told < claims {
        let frame = socket.receive().await.unwrap();
        let Frame::Items { items, .. } = frame else {
            assert!(matches!(frame, Frame::Placed { .. }), "{frame:?}");
            continue;
        };
        for item in &items {
            let Item::Confirmation(said) = Item::decode(item).unwrap() else {
                continue;
            };
            told += 1;
            if said.value().claim == id.to_bytes() {
                verdict = Some((said.value().verdict, start.elapsed()));
            }
        }
        let items = u32::try_from(items.len()).unwrap();
        send(&mut socket, &Frame::Credit { items }).await;
    }
    let (verdict, time) = verdict.expect("an answer");
    (desk, socket, verdict, time)
}
