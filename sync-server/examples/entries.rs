//! How many entries a second one core of the relay takes: decoded from frames, verified, chained,
//! written to a folder's log, synced once per batch, placed, and told to the other desks.
//!
//! On a machine with other work to do, the rate by processor time is the one that says something.
//!
//! `cargo run --release -p sync-server --example entries [folder [desks]]`
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a program that measures time and prints it"
)]

use std::{
    error::Error,
    time::{Duration, Instant},
};

use conflict_rules::{
    AppointmentId, ClaimKind, LocationId, Occupancy, OccupancyKind, Placement, ResourceId, Source,
    TimeRange,
};
use entry_log::DirStorage;
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use schedule::{ClearIntent, Hlc, IsoWeek, ScheduleBody, Week, WeekKey};
use sync_protocol::{
    Act, Author, DeviceGrant, DeviceId, DocumentId, Entry, FeedId, Frame, Hash, Header,
    IncarnationId, KeyId, OrgId, Role, Seal, SealKey, SeatGrant, SeatId, SignIn, Signature,
    SignedAct, SigningKey, Site, VerifyKey, What, batches,
};
use sync_server::core::{ConnId, Door, Effect, Input, Limits, Organisation};

const ORG: OrgId = OrgId::from_bytes([1; 16]);
const ZONE: &str = "Europe/Paris";
/// Entries of one group commit.
const BATCH: usize = 64;

struct Author1 {
    key: SigningKey,
    governance: (u32, Hash),
    incarnation: IncarnationId,
    next: u64,
    prev: Hash,
}

fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(Hash::of(name.as_bytes()).as_bytes())
}

fn genesis() -> Result<SignedAct, Box<dyn Error>> {
    let device = DeviceId::from_bytes([1; 16]);
    let sealing = SealKey::from_bytes([9; 32]);
    let seat = SeatId::from_bytes([1; 16]);
    let act = Act {
        org: ORG,
        height: 0,
        prev: Hash::ZERO,
        at: 0,
        author: Author::Root,
        what: What::Genesis {
            root: key("root").verifying_key().into(),
            recovery: sealing,
            device: DeviceGrant::new(ORG, device, &key("device")),
            seat: SeatGrant::new(ORG, seat, device, Role::Owner, &key("seat"), sealing),
        },
    };
    Ok(SignedAct::sign(act, &key("root"))?)
}

impl Author1 {
    fn write(
        &mut self,
        feed: FeedId,
        document: [u8; 16],
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Box<dyn Error>> {
        let sealed = !feed.clear();
        let header = Header {
            org: ORG,
            feed,
            document: DocumentId::from_bytes(document),
            key: sealed.then_some(KeyId::from_bytes([9; 16])),
            device: DeviceId::from_bytes([1; 16]),
            seat: SeatId::from_bytes([1; 16]),
            incarnation: self.incarnation,
            sequence: self.next,
            prev: self.prev,
            governance: self.governance,
            seen: None,
            seal: sealed.then_some(Seal {
                suite: 1,
                nonce: [7; 24],
                commitment: [8; 32],
            }),
            body_len: 0,
            body_hash: Hash::ZERO,
        };
        let entry = Entry::sign(header, body, &self.key)?;
        self.next += 1;
        self.prev = entry.hash();
        Ok(entry.encode())
    }

    /// `weeks` weeks of `each` visits.
    fn visits(&mut self, weeks: i64, each: i64) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
        let zone = TimeZone::get(ZONE)?;
        let mut entries = Vec::new();
        for week in 0..weeks {
            let monday =
                civil::date(2026, 3, 2).checked_add(SignedDuration::from_hours(24 * 7 * week))?;
            let key = WeekKey {
                location: LocationId::from_bytes([2; 16]),
                week: IsoWeek::of(monday),
            };
            let mut document = Week::genesis(key, ZONE)?;
            for n in 0..each {
                let (vet, slot) = (n % 4, n / 4);
                let civil = monday
                    .at(9, 0, 0, 0)
                    .checked_add(SignedDuration::from_mins(24 * 60 * (slot / 16)))?
                    .checked_add(SignedDuration::from_mins(30 * (slot % 16)))?;
                let from = civil.to_zoned(zone.clone())?.timestamp();
                let range = TimeRange::new(from, from + SignedDuration::from_mins(30))?;
                let work = Occupancy {
                    resource: ResourceId::from_bytes([u8::try_from(vet)?; 16]),
                    range,
                    units: 1,
                    kind: OccupancyKind::Work,
                };
                let placement = Placement::new(vec![work], civil, ZONE, "2026a")?;
                let id = Hash::of(&(week * 10_000 + n).to_be_bytes()).to_bytes();
                let id = AppointmentId::from_bytes(id.first_chunk().copied().unwrap_or_default());
                let actor = self.incarnation.to_bytes();
                let (kind, source) = (ClaimKind::Visit, Source::Desk);
                let Some(change) = document.book(actor, id, kind, source, &placement)? else {
                    continue;
                };
                let body = ScheduleBody {
                    week: key,
                    zone: ZONE.to_owned(),
                    intent: ClearIntent {
                        clock: Hlc {
                            millis: 0,
                            counter: 0,
                        },
                        source,
                        request: [5; 16],
                    },
                    changes: vec![change.bytes],
                };
                let feed = FeedId::Schedule(Site::from_bytes([2; 16]));
                entries.push(self.write(feed, key.document_id(), body.encode()?)?);
            }
        }
        Ok(entries)
    }
}

fn sign_in(
    relay: &mut Organisation<DirStorage>,
    conn: u64,
    now: Timestamp,
) -> Result<(), Box<dyn Error>> {
    let mut nonce = [0; 32];
    nonce[..8].copy_from_slice(&conn.to_be_bytes());
    let public = VerifyKey::from(key("relay").verifying_key());
    let (door, _) = Door::open(&key("relay"), nonce, now, false, &[]);
    let sign_in = SignIn {
        org: ORG,
        device: DeviceId::from_bytes([1; 16]),
        host: String::new(),
        nonce: [1; 16],
        have: Vec::new(),
        signature: Signature::NONE,
    }
    .signed(&nonce, &public, &key("device"));
    let knock = door.knock(Frame::SignIn(sign_in))?;
    let admission = door.admit(&knock, relay.governance(), now)?;
    let conn = ConnId(conn);
    relay.handle(now, Input::Opened { conn, admission });
    Ok(())
}

/// Processor time of this thread, where the system tells it.
fn processor() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

fn run(
    name: &str,
    relay: &mut Organisation<DirStorage>,
    entries: Vec<Vec<u8>>,
    now: Timestamp,
) -> Result<(), Box<dyn Error>> {
    let mut frames = Vec::new();
    let count = entries.len();
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        let group: Vec<_> = entries.by_ref().take(BATCH).collect();
        for entries in batches(group) {
            frames.push(Frame::Push { entries }.encode());
        }
    }
    let before = relay.stats();
    let (mut told, mut frames_out) = (0, 0);
    let (start, busy) = (Instant::now(), processor());
    for frame in frames {
        let frame = Frame::decode(&frame)?;
        let conn = ConnId(1);
        relay.handle(now, Input::Frame { conn, frame });
        for effect in relay.commit(now)? {
            if let Effect::Send { conn, bytes } = effect {
                told += bytes.len();
                frames_out += 1;
                // Whoever is told takes it in at once.
                let frame = Frame::Credit { items: 4096 };
                relay.handle(now, Input::Frame { conn, frame });
            }
        }
    }
    let time = start.elapsed();
    let busy = processor()
        .zip(busy)
        .map_or(time, |(now, then)| now.saturating_sub(then));
    let after = relay.stats();
    println!(
        "{name:<9} {count:>6} entries in {time:>8.1?}: {:>7.0} a second of processor, {:>7.0} a second \
         of time, {} taken, {} granted, {frames_out} frames, {} KiB told",
        count as f64 / busy.as_secs_f64().max(1e-9),
        count as f64 / time.as_secs_f64().max(1e-9),
        after.accepted - before.accepted,
        after.granted - before.granted,
        told / 1024,
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments
        .next()
        .unwrap_or_else(|| std::env::temp_dir().into());
    let desks: u64 = match arguments.next() {
        Some(text) => text.to_string_lossy().parse()?,
        None => 2,
    };
    let folder = tempfile::Builder::new()
        .prefix("daybook-relay-")
        .tempdir_in(folder)?;
    let storage = DirStorage::open(folder.path())?;
    let now = Timestamp::from_second(1_772_452_800)?;
    let limits = Limits::default();
    let mut relay = Organisation::found(storage, key("relay"), genesis()?, limits)?;
    for conn in 1..=desks {
        sign_in(&mut relay, conn, now)?;
    }
    relay.commit(now)?;

    let mut author = Author1 {
        key: key("seat"),
        governance: relay.governance().stand(),
        incarnation: IncarnationId::from_bytes([3; 16]),
        next: 0,
        prev: Hash::ZERO,
    };
    let sealed: Result<Vec<_>, _> = (0..50_000_u32)
        .map(|n| {
            let body = (0..4_u32).flat_map(|i| Hash::of(&(n * 4 + i).to_be_bytes()).to_bytes());
            author.write(FeedId::Contact, [4; 16], body.collect())
        })
        .collect();
    run("sealed", &mut relay, sealed?, now)?;
    let visits = author.visits(40, 240)?;
    run("schedule", &mut relay, visits, now)?;

    let records = relay.stats().records;
    drop(relay);
    let start = Instant::now();
    let storage = DirStorage::open(folder.path())?;
    let (relay, _) = Organisation::open(storage, key("relay"), Some(ORG), limits)?;
    let time: Duration = start.elapsed();
    println!("opening   {records} records again: {time:.1?}");
    drop(relay);
    Ok(())
}
