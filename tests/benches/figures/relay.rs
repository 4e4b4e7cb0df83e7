//! What a relay costs at rest and how fast it is back: many entries pushed by one device over a
//! socket, the process restarted over them, and connections that only stand there.
//!
//! `cargo bench -p system-tests --bench figures -- relay [--only entries,idle] [--entries N]
//! [--connections N] [--dir FOLDER]`

use crate::support::{Arguments, Relay, ms, now, say, ticket, took};
use client_core::link::{Socket, Trust};
use sync_protocol::{
    Act, Author, DeviceGrant, DeviceId, DocumentId, Entry, FeedId, Frame, Governance, Hash, Have,
    Header, IncarnationId, KeyId, OrgId, Role, Seal, SealKey, SeatGrant, SeatId, SignIn, Signature,
    SignedAct, SigningKey, VerifyKey, What,
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
    });
}

fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(Hash::of(name.as_bytes()).as_bytes())
}

/// A practice of one device, and what it writes.
struct Device {
    genesis: SignedAct,
    governance: (u32, Hash),
    next: u64,
    prev: Hash,
    relay: Option<VerifyKey>,
}

impl Device {
    fn new() -> Self {
        let (device, seat) = (DeviceId::from_bytes([1; 16]), SeatId::from_bytes([1; 16]));
        let sealing = SealKey::from_bytes([9; 32]);
        let act = Act {
            org: ORG,
            height: 0,
            prev: Hash::ZERO,
            at: 1_772_452_800,
            author: Author::Root,
            what: What::Genesis {
                root: key("root").verifying_key().into(),
                recovery: sealing,
                device: DeviceGrant::new(ORG, device, &key("device")),
                seat: SeatGrant::new(ORG, seat, device, Role::Owner, &key("seat"), sealing),
            },
        };
        let genesis = SignedAct::sign(act, &key("root")).unwrap();
        let governance = Governance::found(&genesis).unwrap().stand();
        Self {
            genesis,
            governance,
            next: 0,
            prev: Hash::ZERO,
            relay: None,
        }
    }

    fn entry(&mut self) -> Vec<u8> {
        let mut body = vec![0; BODY];
        blake3::Hasher::new()
            .update(&self.next.to_be_bytes())
            .finalize_xof()
            .fill(&mut body);
        let header = Header {
            org: ORG,
            feed: FeedId::Practice,
            document: DocumentId::from_bytes([5; 16]),
            key: Some(KeyId::from_bytes([9; 16])),
            device: DeviceId::from_bytes([1; 16]),
            seat: SeatId::from_bytes([1; 16]),
            incarnation: IncarnationId::from_bytes([3; 16]),
            sequence: self.next,
            prev: self.prev,
            governance: self.governance,
            seen: None,
            seal: Some(Seal {
                suite: 1,
                nonce: [7; 24],
                commitment: [8; 32],
            }),
            body_len: 0,
            body_hash: Hash::ZERO,
        };
        let entry = Entry::sign(header, body, &key("seat")).unwrap();
        self.next += 1;
        self.prev = entry.hash();
        entry.encode()
    }

    /// A connection that is signed in; founds the practice the first time, with a ticket.
    async fn connect(&mut self, url: &str, ticket: Option<&str>, have: Vec<Have>) -> Socket {
        let mut socket = Socket::open(url, &Trust::default()).await.unwrap();
        let Frame::Challenge { nonce, relay, .. } = socket.receive().await.unwrap() else {
            panic!("the relay speaks first")
        };
        self.relay = Some(relay);
        if let Some(ticket) = ticket {
            let act = self.genesis.clone();
            let ticket = ticket.to_owned();
            send(&mut socket, &Frame::Found { ticket, act }).await;
            assert_eq!(socket.receive().await.unwrap(), Frame::Founded);
        }
        let sign_in = SignIn {
            org: ORG,
            device: DeviceId::from_bytes([1; 16]),
            host: "relay".to_owned(),
            nonce: [9; 16],
            have,
            signature: Signature::NONE,
        }
        .signed(&nonce, &relay, &key("device"));
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
    let mut device = Device::new();
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
