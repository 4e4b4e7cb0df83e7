//! A relay process, a device with a socket, and a practice with fixed keys.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream as StdStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures_util::{SinkExt as _, StreamExt as _};
use sync_protocol::{
    Act, Author, DeviceGrant, DeviceId, DocumentId, Entry, ErrorCode, FeedId, Frame, Governance,
    Hash, Have, Header, IncarnationId, Item, KeyId, OrgId, Role, Seal, SealKey, SeatGrant, SeatId,
    SignIn, Signature, SignedAct, SigningKey, VerifyKey, Welcome, What, chain_next, chain_start,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A running relay; killed when dropped.
pub(crate) struct Relay {
    process: Child,
    output: BufReader<ChildStdout>,
    pub(crate) url: String,
}

pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sync-server"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DAYBOOK_RELAY_")) {
        command.env_remove(name);
    }
    command
}

impl Relay {
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// Starts a relay on a free port; `more` comes after what every test wants.
    pub(crate) fn start_with(data: &Path, more: &[&str]) -> Self {
        let mut process = program()
            .args(["serve", "--listen", "127.0.0.1:0", "--min-free-mb", "0"])
            .args(["--ballast-mb", "1", "--address-burst", "1000000"])
            .args(["--log", "warn", "--data"])
            .arg(data)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let url = line
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("the relay said {line:?}"));
        let url = url.trim().to_owned();
        Self {
            process,
            output,
            url,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([name, &self.pid().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        let status = self.process.wait().unwrap();
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "nothing else goes to standard output");
        status
    }

    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn place(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    /// Status and body of a plain request.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        get(self.place(), path, "")
    }

    /// The value of a metric.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.get("/metrics");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .unwrap_or_else(|| panic!("no {name} in\n{text}"));
        line.parse().unwrap()
    }

    /// Resident memory in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn get(place: &str, path: &str, headers: &str) -> (u16, String) {
    let mut stream = StdStream::connect(place).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: relay\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.get(9..12).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    (status, body)
}

/// A ticket from the operator's command.
pub(crate) fn ticket(data: &Path, more: &[&str]) -> String {
    let made = program()
        .args(["org", "invite", "--data"])
        .arg(data)
        .args(more)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

pub(crate) struct Folder {
    place: tempfile::TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self {
            place: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }
}

fn key(name: &str, of: u8) -> SigningKey {
    SigningKey::from_bytes(Hash::of(format!("{name} {of}").as_bytes()).as_bytes())
}

/// A practice with one owner on one device, and what that owner writes.
#[derive(Clone)]
pub(crate) struct Practice {
    pub(crate) genesis: SignedAct,
    pub(crate) governance: Governance,
    pub(crate) org: OrgId,
    number: u8,
    incarnation: IncarnationId,
    sequence: u64,
    prev: Hash,
}

static INCARNATIONS: AtomicU64 = AtomicU64::new(0);

impl Practice {
    pub(crate) fn new(number: u8) -> Self {
        let org = OrgId::from_bytes([number; 16]);
        let (device, seat) = (
            DeviceId::from_bytes([number ^ 0x55; 16]),
            SeatId::from_bytes([number ^ 0x66; 16]),
        );
        let seal = |name: &str| {
            let mut bytes = Hash::of(name.as_bytes()).to_bytes();
            bytes[31] &= 0x7f;
            SealKey::from_bytes(bytes)
        };
        let root = key("root", number);
        let what = What::Genesis {
            root: root.verifying_key().into(),
            recovery: seal("recovery"),
            device: DeviceGrant::new(org, device, &key("device", number)),
            seat: SeatGrant::new(
                org,
                seat,
                device,
                Role::Owner,
                &key("seat", number),
                seal("seat"),
            ),
        };
        let act = Act {
            org,
            height: 0,
            prev: Hash::ZERO,
            at: 1_772_452_800,
            author: Author::Root,
            what,
        };
        let genesis = SignedAct::sign(act, &root).unwrap();
        let governance = Governance::found(&genesis).unwrap();
        let mut practice = Self {
            genesis,
            governance,
            org,
            number,
            incarnation: IncarnationId::from_bytes([0; 16]),
            sequence: 0,
            prev: Hash::ZERO,
        };
        practice.restart();
        practice
    }

    pub(crate) fn device(&self) -> DeviceId {
        DeviceId::from_bytes([self.number ^ 0x55; 16])
    }

    /// The same practice as a second owner's device sees it, and the acts that added it.
    pub(crate) fn with_a_second_device(&self) -> (Self, Vec<SignedAct>) {
        let mut second = self.clone();
        second.number = self.number | 0x80;
        let mut seal = Hash::of(b"second").to_bytes();
        seal[31] &= 0x7f;
        let device = DeviceGrant::new(self.org, second.device(), &key("device", second.number));
        let seat = SeatGrant::new(
            self.org,
            SeatId::from_bytes([second.number ^ 0x66; 16]),
            second.device(),
            Role::Owner,
            &key("seat", second.number),
            SealKey::from_bytes(seal),
        );
        let whats = [
            What::AddDevice(device),
            What::AddSeat {
                invite: None,
                seat,
                device: None,
            },
        ];
        let acts = whats.map(|what| {
            let (height, prev) = second.governance.stand();
            let act = Act {
                org: self.org,
                height: height + 1,
                prev,
                at: 1_772_452_801,
                author: Author::Seat(SeatId::from_bytes([self.number ^ 0x66; 16])),
                what,
            };
            let act = SignedAct::sign(act, &key("seat", self.number)).unwrap();
            second.governance.apply(&act).unwrap();
            act
        });
        (second, acts.to_vec())
    }

    /// A new incarnation, as after a new start of the program.
    pub(crate) fn restart(&mut self) {
        let mut bytes = [self.number; 16];
        bytes[..8].copy_from_slice(&INCARNATIONS.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        self.incarnation = IncarnationId::from_bytes(bytes);
        self.sequence = 0;
    }

    /// The next entry: sealed, so that the relay does not care what is inside.
    pub(crate) fn entry(&mut self, len: usize) -> Entry {
        let entry = self.signed_by(len, &key("seat", self.number));
        self.sequence += 1;
        self.prev = entry.hash();
        entry
    }

    /// The next entry, signed with another key; the one after it takes its place.
    pub(crate) fn forged(&self, len: usize) -> Entry {
        self.signed_by(len, &key("somebody", self.number))
    }

    fn signed_by(&self, len: usize, signing: &SigningKey) -> Entry {
        let mut body = vec![0; len];
        let name = format!("{} {}", self.incarnation, self.sequence);
        let mut random = blake3::Hasher::new().update(name.as_bytes()).finalize_xof();
        random.fill(&mut body);
        let header = Header {
            org: self.org,
            feed: FeedId::Practice,
            document: DocumentId::from_bytes([0x50; 16]),
            key: Some(KeyId::from_bytes([0x60; 16])),
            device: self.device(),
            seat: SeatId::from_bytes([self.number ^ 0x66; 16]),
            incarnation: self.incarnation,
            sequence: self.sequence,
            prev: self.prev,
            governance: self.governance.stand(),
            seen: None,
            seal: Some(Seal {
                suite: 1,
                nonce: [0x70; 24],
                commitment: [0x71; 32],
            }),
            body_len: 0,
            body_hash: Hash::ZERO,
        };
        Entry::sign(header, body, signing).unwrap()
    }

    pub(crate) fn start(&self, feed: FeedId) -> Hash {
        chain_start(self.org, feed, 0)
    }
}

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A device's end of a connection.
pub(crate) struct Client {
    pub(crate) stream: Stream,
    challenge: [u8; 32],
    pub(crate) relay: VerifyKey,
    pub(crate) orgs_open: bool,
}

impl Client {
    pub(crate) async fn connect(relay: &Relay) -> Self {
        let connecting = tokio_tungstenite::connect_async(&relay.url);
        let (stream, _) = timeout(PATIENCE, connecting).await.unwrap().unwrap();
        Self::over(stream).await
    }

    pub(crate) async fn over(stream: Stream) -> Self {
        let mut client = Self {
            stream,
            challenge: [0; 32],
            relay: VerifyKey::from_bytes([0; 32]),
            orgs_open: false,
        };
        let Frame::Challenge {
            nonce,
            relay,
            orgs_open,
            ..
        } = client.recv().await
        else {
            panic!("the relay speaks first");
        };
        client.challenge = nonce;
        client.relay = relay;
        client.orgs_open = orgs_open;
        client
    }

    pub(crate) async fn send(&mut self, frame: &Frame) {
        self.send_bytes(frame.encode()).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.stream
            .send(Message::Binary(bytes.into()))
            .await
            .unwrap();
    }

    /// The next frame; `None` when the connection has ended.
    pub(crate) async fn try_recv(&mut self) -> Option<Frame> {
        loop {
            match timeout(PATIENCE, self.stream.next())
                .await
                .expect("in time")
            {
                Some(Ok(Message::Binary(bytes))) => return Some(Frame::decode(&bytes).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    pub(crate) async fn recv(&mut self) -> Frame {
        self.try_recv().await.expect("a frame")
    }

    /// The next error; whatever else comes before it is of no interest.
    pub(crate) async fn error(&mut self) -> ErrorCode {
        loop {
            if let Frame::Error { code, .. } = self.recv().await {
                return code;
            }
        }
    }

    pub(crate) async fn found(&mut self, practice: &Practice, ticket: &str) -> Frame {
        let act = practice.genesis.clone();
        let ticket = ticket.to_owned();
        self.send(&Frame::Found { ticket, act }).await;
        self.recv().await
    }

    pub(crate) fn sign_in_frame(&self, practice: &Practice, have: Vec<Have>) -> SignIn {
        SignIn {
            org: practice.org,
            device: practice.device(),
            host: "relay.example".to_owned(),
            nonce: [9; 16],
            have,
            signature: Signature::NONE,
        }
        .signed(
            &self.challenge,
            &self.relay,
            &key("device", practice.number),
        )
    }

    /// Signs in with nothing in hand.
    pub(crate) async fn sign_in(&mut self, practice: &Practice) -> Welcome {
        let sign_in = self.sign_in_frame(practice, Vec::new());
        let handshake = sign_in.handshake(&self.challenge, &self.relay);
        self.send(&Frame::SignIn(sign_in)).await;
        let welcome = match self.recv().await {
            Frame::Welcome(welcome) => welcome,
            other => panic!("not welcome: {other:?}"),
        };
        welcome
            .verify(&handshake, &self.relay.check().unwrap())
            .unwrap();
        welcome
    }

    pub(crate) async fn push(&mut self, entries: &[Entry]) {
        let entries = entries.iter().map(Entry::encode).collect();
        self.send(&Frame::Push { entries }).await;
    }

    /// Reads until so many own entries have a place; gives the sequences.
    pub(crate) async fn placed(&mut self, count: usize) -> Vec<u64> {
        let mut sequences = Vec::new();
        while sequences.len() < count {
            match self.recv().await {
                Frame::Placed {
                    first,
                    chain_items,
                    head,
                    ..
                } => {
                    head.verify(&self.relay.check().unwrap()).unwrap();
                    assert!(head.value().sequence >= first + chain_items.len() as u64 - 1);
                    sequences.extend((first..).take(chain_items.len()));
                }
                Frame::Items { items, .. } => self.credit(items.len()).await,
                other => panic!("{other:?}"),
            }
        }
        sequences
    }

    pub(crate) async fn credit(&mut self, items: usize) {
        let items = u32::try_from(items).unwrap();
        self.send(&Frame::Credit { items }).await;
    }

    /// Everything in the practice feed up to `sequence`, checked against its chain.
    pub(crate) async fn read_practice(&mut self, practice: &Practice, sequence: u64) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut chain = practice.start(FeedId::Practice);
        while (entries.len() as u64) < sequence {
            let Frame::Items {
                feed,
                first,
                items,
                head,
                ..
            } = self.recv().await
            else {
                continue;
            };
            self.credit(items.len()).await;
            if feed != FeedId::Practice {
                continue;
            }
            assert_eq!(first, entries.len() as u64 + 1, "no gap, no repetition");
            for item in &items {
                let item = Item::decode(item).unwrap();
                chain = chain_next(&chain, &item.hash());
                let Item::Entry(entry) = item else {
                    panic!("only entries here");
                };
                entries.push(entry);
            }
            if let Some(head) = head
                && head.value().sequence == entries.len() as u64
            {
                head.verify(&self.relay.check().unwrap()).unwrap();
                assert_eq!(head.value().chain, chain);
            }
        }
        entries
    }
}

/// A relay with a practice, and its owner signed in.
pub(crate) async fn founded(folder: &Folder, more: &[&str]) -> (Relay, Practice, Client) {
    let relay = Relay::start_with(&folder.data(), more);
    let ticket = ticket(&folder.data(), &[]);
    let practice = Practice::new(1);
    let mut client = Client::connect(&relay).await;
    assert_eq!(client.found(&practice, &ticket).await, Frame::Founded);
    client.sign_in(&practice).await;
    (relay, practice, client)
}
