//! A small practice with fixed keys: what tests and golden vectors are made of.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::wildcard_imports,
    clippy::large_types_passed_by_value,
    reason = "shared by test files, each of which uses a part of it"
)]

use sync_protocol::*;

pub const ORG: OrgId = OrgId::from_bytes([0x01; 16]);
pub const SITE: Site = Site::from_bytes([0x02; 16]);
pub const NOON: i64 = 1_772_452_800;

pub fn device_id(n: u8) -> DeviceId {
    DeviceId::from_bytes([0x10 + n; 16])
}
pub fn seat_id(n: u8) -> SeatId {
    SeatId::from_bytes([0x20 + n; 16])
}
pub fn incarnation(n: u8) -> IncarnationId {
    IncarnationId::from_bytes([0x30 + n; 16])
}
pub fn invite_id(n: u8) -> InviteId {
    InviteId::from_bytes([0x40 + n; 16])
}

/// A signing key by name; the name's BLAKE3 hash is its seed.
pub fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(Hash::of(name.as_bytes()).as_bytes())
}
pub fn public(name: &str) -> VerifyKey {
    key(name).verifying_key().into()
}
/// A value that is a valid X25519 public key as far as anyone can see.
pub fn seal_key(name: &str) -> SealKey {
    let mut bytes = Hash::of(format!("seal {name}").as_bytes()).to_bytes();
    bytes[31] &= 0x7f;
    SealKey::from_bytes(bytes)
}

pub fn device(n: u8) -> DeviceGrant {
    DeviceGrant::new(ORG, device_id(n), &key(&format!("device {n}")))
}
pub fn seat(n: u8, on: u8, role: Role) -> SeatGrant {
    let name = format!("seat {n}");
    SeatGrant::new(
        ORG,
        seat_id(n),
        device_id(on),
        role,
        &key(&name),
        seal_key(&name),
    )
}

/// A chain under construction.
#[derive(Clone)]
pub struct Chain {
    pub state: Governance,
    pub acts: Vec<SignedAct>,
}

pub fn genesis() -> SignedAct {
    let what = What::Genesis {
        root: public("root"),
        recovery: seal_key("recovery"),
        device: device(1),
        seat: seat(1, 1, Role::Owner),
    };
    let act = Act {
        org: ORG,
        height: 0,
        prev: Hash::ZERO,
        at: NOON,
        author: Author::Root,
        what,
    };
    SignedAct::sign(act, &key("root")).unwrap()
}

impl Chain {
    pub fn found() -> Self {
        let genesis = genesis();
        Self {
            state: Governance::found(&genesis).unwrap(),
            acts: vec![genesis],
        }
    }

    /// The next act, signed by the key that its author should have.
    pub fn next(&self, author: Author, what: What) -> SignedAct {
        let name = match author {
            Author::Root => "root".to_owned(),
            Author::Seat(id) => format!("seat {}", id.to_bytes()[0] - 0x20),
            Author::Invite(id) => format!("invite {}", id.to_bytes()[0] - 0x40),
            Author::Device(id) => format!("device {}", id.to_bytes()[0] - 0x10),
        };
        self.next_by(author, what, &key(&name))
    }

    pub fn next_by(&self, author: Author, what: What, key: &SigningKey) -> SignedAct {
        let (height, prev) = self.state.stand();
        let act = Act {
            org: ORG,
            height: height + 1,
            prev,
            at: NOON + i64::from(height) + 1,
            author,
            what,
        };
        SignedAct::sign(act, key).unwrap()
    }

    pub fn try_add(&mut self, author: Author, what: What) -> Result<(), GovernanceError> {
        let act = self.next(author, what);
        self.state.apply(&act)?;
        self.acts.push(act);
        Ok(())
    }

    pub fn add(&mut self, author: Author, what: What) -> &mut Self {
        self.try_add(author, what).unwrap();
        self
    }
}

pub fn owner() -> Author {
    Author::Seat(seat_id(1))
}

pub fn invite(n: u8, role: Role, expires: i64) -> What {
    What::Invite {
        id: invite_id(n),
        role,
        expires,
        verify: public(&format!("invite {n}")),
        site: Some(SITE),
        wrapped: vec![0xaa; 24],
        compare: false,
    }
}
pub fn redeem(n: u8, seat: SeatGrant, device: Option<DeviceGrant>) -> (Author, What) {
    let id = invite_id(n);
    (
        Author::Invite(id),
        What::AddSeat {
            invite: Some(id),
            seat,
            device,
        },
    )
}
pub fn add_seat(seat: SeatGrant, device: Option<DeviceGrant>) -> What {
    What::AddSeat {
        invite: None,
        seat,
        device,
    }
}

/// Seat 1 owns, seat 2 was a vet and is removed, seat 3 was a groomer and is a manager.
pub fn practice() -> Chain {
    let mut chain = Chain::found();
    chain.add(
        owner(),
        What::PinRelayKey {
            acting: public("relay"),
            standby: None,
            address: "wss://relay.example/".to_owned(),
        },
    );
    chain.add(owner(), invite(1, Role::Vet, NOON + 3_600));
    let (author, what) = redeem(1, seat(2, 2, Role::Vet), Some(device(2)));
    chain.add(author, what);
    chain.add(owner(), What::AddDevice(device(3)));
    chain.add(owner(), add_seat(seat(3, 3, Role::Groomer), None));
    chain.add(
        owner(),
        What::SetRole {
            seat: seat_id(3),
            role: Role::Manager,
            last: vec![(incarnation(3), 0)],
        },
    );
    chain.add(
        Author::Seat(seat_id(3)),
        invite(2, Role::Receptionist, NOON + 3_600),
    );
    chain.add(
        owner(),
        What::RemoveSeat {
            seat: seat_id(2),
            last: vec![(incarnation(2), 0)],
        },
    );
    chain.add(owner(), What::RelayRestore { epoch: 1 });
    chain
}

/// The practice later: device 4 came with two seats and was lost, an invitation was called back,
/// the manager on device 7 became a groomer.
pub fn later() -> Chain {
    let mut chain = practice();
    chain.add(
        owner(),
        add_seat(seat(4, 4, Role::Receptionist), Some(device(4))),
    );
    chain.add(owner(), add_seat(seat(5, 4, Role::Vet), None));
    chain.add(
        owner(),
        What::RemoveDevice {
            device: device_id(4),
            last: vec![(incarnation(4), 1)],
        },
    );
    chain.add(
        Author::Seat(seat_id(3)),
        What::RevokeInvite {
            invite: invite_id(2),
        },
    );
    chain.add(
        owner(),
        add_seat(seat(7, 7, Role::Manager), Some(device(7))),
    );
    chain.add(
        owner(),
        What::SetRole {
            seat: seat_id(7),
            role: Role::Groomer,
            last: vec![(incarnation(7), 1)],
        },
    );
    chain
}

pub fn subject(n: u8) -> SubjectId {
    SubjectId::from_bytes([0x40 + n; 16])
}

pub fn erased_key(n: u8) -> KeyId {
    KeyId::from_bytes([0x68 + n; 16])
}

/// One act of erasure `id`, with subjects, keys and rows by number.
pub fn erase(id: u8, subjects: &[u8], keys: &[u8], rows: &[u64]) -> What {
    What::Erasure(Erasing {
        id: ErasureId::from_bytes([0xe0 + id; 16]),
        subjects: subjects.iter().map(|n| subject(*n)).collect(),
        keys: keys.iter().map(|n| erased_key(*n)).collect(),
        rows: rows.iter().map(|n| (incarnation(1), *n)).collect(),
        basis: Basis::Request,
    })
}

/// The later practice after a client and its pet were erased, the pet's late key too.
pub fn erased() -> Chain {
    let mut chain = later();
    chain.add(owner(), erase(1, &[1, 2], &[1, 2], &[3, 4]));
    chain.add(Author::Root, erase(1, &[], &[3], &[5]));
    chain
}

/// New words whose keys follow from names.
pub fn new_words(root: &str, recovery: &str) -> What {
    What::AddRecovery(RootGrant::new(ORG, &key(root), seal_key(recovery)))
}

pub fn let_managers_in(open: bool, last: &[u64]) -> What {
    What::SetPolicy {
        compartment: Policy::CLINICAL,
        role: Role::Manager,
        open,
        last: last.iter().map(|last| (incarnation(3), *last)).collect(),
    }
}

/// The practice with new recovery words, in which managers read clinical cards for one act.
pub fn renewed() -> Chain {
    let mut chain = erased();
    chain.add(owner(), new_words("root 2", "recovery 2"));
    chain.add(owner(), let_managers_in(true, &[]));
    chain.add(owner(), let_managers_in(false, &[5]));
    chain
}

/// An entry of seat 1 under an erased key, or holding the row of one.
pub fn late(chain: &Chain, feed: FeedId, key: Option<KeyId>, sequence: u64) -> Entry {
    let header = Header {
        key,
        ..header(chain, 1, feed, sequence, 13)
    };
    entry(header, b"late")
}

/// A header by seat `n` on its device; clear or sealed as the feed asks.
pub fn header(chain: &Chain, n: u8, feed: FeedId, sequence: u64, height: u32) -> Header {
    let sealed = !feed.clear();
    Header {
        org: ORG,
        feed,
        document: DocumentId::from_bytes([0x50; 16]),
        key: sealed.then(|| KeyId::from_bytes([0x60; 16])),
        device: device_id(n),
        seat: seat_id(n),
        incarnation: incarnation(n),
        sequence,
        prev: Hash::ZERO,
        governance: (height, chain.state.hash_at(height).unwrap_or(Hash::ZERO)),
        seen: None,
        seal: sealed.then_some(Seal {
            suite: 1,
            nonce: [0x70; 24],
            commitment: [0x71; 32],
        }),
        body_len: 0,
        body_hash: Hash::ZERO,
    }
}

pub fn entry(header: Header, body: &[u8]) -> Entry {
    let n = header.seat.to_bytes()[0] - 0x20;
    Entry::sign(header, body.to_vec(), &key(&format!("seat {n}"))).unwrap()
}

pub fn head(feed: FeedId, sequence: u64, chain: Hash) -> SignedHead {
    let head = Head {
        org: ORG,
        feed,
        epoch: 0,
        sequence,
        chain,
        at: NOON,
    };
    SignedHead::sign(head, &key("relay")).unwrap()
}

pub fn confirmation(verdict: Verdict) -> SignedConfirmation {
    let confirmation = Confirmation {
        org: ORG,
        feed: FeedId::Schedule(SITE),
        claim: [0x80; 16],
        placement: Hash::of(b"placement"),
        verdict,
        request: (incarnation(1), 0),
        at: NOON,
    };
    SignedConfirmation::sign(confirmation, &key("relay")).unwrap()
}

pub fn sign_in(challenge: &[u8; 32]) -> SignIn {
    SignIn {
        org: ORG,
        device: device_id(1),
        host: "relay.example".to_owned(),
        nonce: [0x91; 16],
        have: vec![
            Have {
                feed: FeedId::Governance,
                epoch: 0,
                sequence: 10,
                chain: Hash::of(b"g"),
            },
            Have {
                feed: FeedId::Schedule(SITE),
                epoch: 0,
                sequence: 2,
                chain: Hash::of(b"s"),
            },
        ],
        signature: Signature::NONE,
    }
    .signed(challenge, &public("relay"), &key("device 1"))
}

pub fn join(challenge: &[u8; 32]) -> Join {
    Join {
        org: ORG,
        invite: invite_id(2),
        host: "relay.example".to_owned(),
        nonce: [0x92; 16],
        have_governance: 1,
        signature: Signature::NONE,
    }
    .signed(challenge, &public("relay"), &key("invite 2"))
}

pub const CHALLENGE: [u8; 32] = [0x90; 32];

/// One frame of every kind.
pub fn frames() -> Vec<(&'static str, Frame)> {
    let chain = practice();
    let schedule = FeedId::Schedule(SITE);
    let work = entry(header(&chain, 1, schedule, 0, 9), b"a schedule change");
    let item = Item::Entry(work.clone());
    let granted = Item::Confirmation(confirmation(Verdict::Granted));
    let start = chain_start(ORG, schedule, 0);
    let one = chain_next(&start, &item.hash());
    let two = chain_next(&one, &granted.hash());
    let sign_in = sign_in(&CHALLENGE);
    let handshake = sign_in.handshake(&CHALLENGE, &public("relay"));
    let welcome = Welcome {
        at: NOON,
        heads: vec![head(schedule, 2, two)],
        behind: vec![FeedId::Practice],
        quota: Quota {
            used: 12_345,
            limit: 1_000_000,
        },
        signature: Signature::NONE,
    }
    .signed(&handshake, &key("relay"));
    let still = Still {
        n: 7,
        at: NOON,
        stand: vec![Have {
            feed: schedule,
            epoch: 0,
            sequence: 2,
            chain: two,
        }],
        signature: Signature::NONE,
    }
    .signed(&handshake, &key("relay"));
    vec![
        (
            "challenge",
            Frame::Challenge {
                version: 1,
                nonce: CHALLENGE,
                relay: public("relay"),
                at: NOON,
                orgs_open: false,
            },
        ),
        (
            "found",
            Frame::Found {
                ticket: "ticket-7".to_owned(),
                act: genesis(),
            },
        ),
        ("founded", Frame::Founded),
        ("sign_in", Frame::SignIn(sign_in)),
        ("join", Frame::Join(join(&CHALLENGE))),
        ("welcome", Frame::Welcome(welcome)),
        (
            "items",
            Frame::Items {
                feed: schedule,
                epoch: 0,
                first: 2,
                items: vec![granted.encode()],
                head: None,
            },
        ),
        (
            "placed",
            Frame::Placed {
                feed: schedule,
                epoch: 0,
                first: 1,
                chain_items: vec![work.id()],
                head: head(schedule, 1, one),
            },
        ),
        (
            "push",
            Frame::Push {
                entries: vec![work.encode()],
            },
        ),
        (
            "propose",
            Frame::Propose {
                act: chain.acts[1].clone(),
            },
        ),
        (
            "refused_entry",
            Frame::refused_entry(work.id(), ErrorCode::UnknownParents, "later"),
        ),
        (
            "refused_act",
            Frame::refused_act(chain.acts[1].hash(), ErrorCode::StaleGovernance, ""),
        ),
        (
            "subscribe",
            Frame::Subscribe {
                have: vec![Have {
                    feed: FeedId::Visits(SITE),
                    epoch: 0,
                    sequence: 0,
                    chain: chain_start(ORG, FeedId::Visits(SITE), 0),
                }],
            },
        ),
        (
            "vector",
            Frame::Vector {
                incarnations: vec![(incarnation(1), 3), (incarnation(2), 1)],
            },
        ),
        ("credit", Frame::Credit { items: 256 }),
        ("ping", Frame::Ping { n: u64::MAX }),
        ("pong", Frame::Pong { n: 7 }),
        (
            "error",
            Frame::error(ErrorCode::Closed, "founding needs a ticket"),
        ),
        ("bye", Frame::Bye),
        ("still", Frame::Still(still)),
    ]
}
