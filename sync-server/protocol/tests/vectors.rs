//! Golden vectors: `tests/vectors/protocol-v1.json` holds what this code writes from fixed keys.
//!
//! A second implementation (`tests/python/check_vectors.py`) reads the same file. After a change
//! of the draft, `DAYBOOK_WRITE_VECTORS=1 cargo test -p sync-protocol --test vectors` writes it
//! anew; once version 1 is frozen, lines may be added and none may change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_imports,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

mod common;

use std::{fs, path::PathBuf};

use common::*;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sync_protocol::*;

fn hex(bytes: impl AsRef<[u8]>) -> String {
    HEXLOWER.encode(bytes.as_ref())
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/protocol-v1.json")
}

/// The name of an error, without its details.
fn name(error: impl core::fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.split(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn judged(entry: &Entry, state: &Governance) -> String {
    match accept(entry, state) {
        Acceptance::Accept => "Accept".to_owned(),
        Acceptance::Mask(reason) => format!("Mask {reason:?}"),
        Acceptance::Withhold(reason) => format!("Withhold {reason:?}"),
        Acceptance::Wait { governance_height } => format!("Wait {governance_height}"),
    }
}

/// Entries with what every replica that holds the practice's chain makes of them.
fn entries(chain: &Chain) -> Vec<(&'static str, Entry)> {
    let schedule = FeedId::Schedule(SITE);
    let seen = Some(SeenHead {
        epoch: 1,
        sequence: 300,
        chain: Hash::of(b"seen"),
    });
    let good = header(chain, 1, schedule, 0, 9);
    let signed = entry(good, b"a schedule change");
    let body = Some(b"a schedule CHANGE".to_vec());
    let fork = Header {
        governance: (3, Hash::of(b"another history")),
        ..good
    };
    vec![
        ("clear, by the owner", signed.clone()),
        ("sealed, with a seen head", {
            entry(
                Header {
                    seen,
                    ..header(chain, 1, FeedId::Visits(SITE), 1, 9)
                },
                b"sealed bytes",
            )
        }),
        ("sealed, body purged", {
            entry(header(chain, 1, FeedId::Clinical, 2, 9), b"gone").purged()
        }),
        (
            "large numbers",
            entry(header(chain, 1, FeedId::Grid, u64::MAX, 9), &[0xff; 300]),
        ),
        (
            "a vet, named in its removal",
            entry(header(chain, 2, FeedId::Clinical, 0, 3), b"x"),
        ),
        (
            "a vet, after its removal",
            entry(header(chain, 2, FeedId::Clinical, 1, 3), b"x"),
        ),
        (
            "a groomer writes clinical",
            entry(header(chain, 3, FeedId::Clinical, 0, 5), b"x"),
        ),
        (
            "before it was a member",
            entry(header(chain, 3, schedule, 0, 4), b"x"),
        ),
        (
            "knows more of the chain",
            entry(header(chain, 1, schedule, 0, 10), b"x"),
        ),
        ("another history", entry(fork, b"x")),
        (
            "another's device",
            entry(
                Header {
                    device: device_id(3),
                    ..good
                },
                b"x",
            ),
        ),
        ("nobody", {
            let header = Header {
                seat: seat_id(9),
                ..good
            };
            Entry::sign(header, b"x".to_vec(), &key("seat 9")).unwrap()
        }),
        ("signed by another seat", {
            Entry::sign(good, b"x".to_vec(), &key("seat 3")).unwrap()
        }),
        (
            "body swapped",
            Entry::from_parts(&signed.head_part(), body).unwrap(),
        ),
    ]
}

/// Acts that must not follow the practice's chain.
fn bad_acts(chain: &Chain) -> Vec<(&'static str, SignedAct)> {
    let restore = |epoch| What::RelayRestore { epoch };
    let mut fork = Chain::found();
    while fork.state.height() < 10 {
        let epoch = fork.state.restored_epoch() + 1;
        fork.add(owner(), restore(epoch));
    }
    let mut ahead = chain.clone();
    ahead.add(owner(), restore(2)).add(owner(), restore(3));
    let (used, used_what) = redeem(1, seat(4, 4, Role::Vet), Some(device(4)));
    let (late, late_what) = redeem(2, seat(4, 4, Role::Receptionist), Some(device(4)));
    let mut expired = chain.next(late, late_what).value().clone();
    expired.at = NOON + 3_600;
    let (wrong, wrong_what) = redeem(2, seat(4, 4, Role::Vet), Some(device(4)));
    let mut identity = [0; 32];
    identity[0] = 1;
    let weak = VerifyKey::from_bytes(identity);
    let weak_pin = What::PinRelayKey {
        acting: weak,
        standby: None,
        address: "wss://x/".to_owned(),
    };
    let mut weak_seat = seat(6, 1, Role::Vet);
    weak_seat.seal = SealKey::from_bytes([0; 32]);
    let mut renamed = device(6);
    renamed.device = device_id(7);
    let manager = Author::Seat(seat_id(3));
    vec![
        ("a replay", chain.acts[3].clone()),
        ("a fork at the head", fork.acts[10].clone()),
        ("a fork in the past", fork.acts[2].clone()),
        ("beyond the head", ahead.acts[11].clone()),
        ("forged", chain.next_by(owner(), restore(2), &key("seat 3"))),
        (
            "by a removed seat",
            chain.next(Author::Seat(seat_id(2)), restore(2)),
        ),
        ("a manager restores", chain.next(manager, restore(2))),
        (
            "a manager invites a manager",
            chain.next(manager, invite(5, Role::Manager, NOON * 2)),
        ),
        ("a used invitation", chain.next(used, used_what)),
        (
            "an expired invitation",
            SignedAct::sign(expired, &key("invite 2")).unwrap(),
        ),
        (
            "an invitation for another role",
            chain.next(wrong, wrong_what),
        ),
        ("a relay key of low order", chain.next(owner(), weak_pin)),
        (
            "a sealing key of low order",
            chain.next(owner(), add_seat(weak_seat, None)),
        ),
        (
            "a renamed device",
            chain.next(owner(), What::AddDevice(renamed)),
        ),
        (
            "a device twice",
            chain.next(owner(), What::AddDevice(device(3))),
        ),
        ("the last owner leaves", {
            chain.next(
                owner(),
                What::RemoveSeat {
                    seat: seat_id(1),
                    last: vec![],
                },
            )
        }),
        ("an old epoch", chain.next(owner(), restore(1))),
    ]
}

/// Entries of a device that was lost.
fn later_entries(chain: &Chain) -> Vec<(&'static str, Entry)> {
    let schedule = FeedId::Schedule(SITE);
    let on_four = |n, sequence, height| {
        let header = Header {
            device: device_id(4),
            ..header(chain, n, schedule, sequence, height)
        };
        entry(header, b"x")
    };
    let as_manager = |sequence| entry(header(chain, 7, FeedId::Practice, sequence, 14), b"prices");
    vec![
        ("named in the removal of its device", on_four(4, 1, 10)),
        ("after what the removal named", on_four(4, 2, 10)),
        ("another seat of that device", on_four(5, 0, 11)),
        ("at a height after the removal", on_four(4, 1, 12)),
        ("before another role", as_manager(1)),
        ("the role of then, named later", as_manager(2)),
    ]
}

/// Acts that must not follow the later chain.
fn later_bad_acts(chain: &Chain) -> Vec<(&'static str, SignedAct)> {
    let remove = |n| What::RemoveDevice {
        device: device_id(n),
        last: vec![],
    };
    let revoke = |n| What::RevokeInvite {
        invite: invite_id(n),
    };
    let manager = Author::Seat(seat_id(3));
    let (guest, joins) = redeem(2, seat(6, 6, Role::Receptionist), Some(device(6)));
    vec![
        ("a device removed twice", chain.next(owner(), remove(4))),
        ("a device of nobody", chain.next(owner(), remove(9))),
        ("the last owner's device", chain.next(owner(), remove(1))),
        ("a manager removes a device", chain.next(manager, remove(3))),
        ("a removed device's own act", {
            chain.next(
                Author::Device(device_id(4)),
                What::RelayRestore { epoch: 2 },
            )
        }),
        ("a seat on a removed device", {
            chain.next(owner(), add_seat(seat(6, 4, Role::Vet), None))
        }),
        ("a removed device comes back", {
            chain.next(owner(), What::AddDevice(device(4)))
        }),
        (
            "a used invitation is called back",
            chain.next(owner(), revoke(1)),
        ),
        ("called back twice", chain.next(owner(), revoke(2))),
        ("an unknown invitation", chain.next(owner(), revoke(9))),
        (
            "an invitation that was called back",
            chain.next(guest, joins),
        ),
    ]
}

/// Entries after an erasure, with and without their bodies.
fn erased_entries(chain: &Chain) -> Vec<(&'static str, Entry)> {
    let under = |n| late(chain, FeedId::Contact, Some(erased_key(n)), 7);
    let row = |sequence| late(chain, FeedId::Keys, None, sequence);
    vec![
        ("under an erased key, with its body", under(1)),
        ("under an erased key", under(2).purged()),
        ("under a key of the second act", under(3).purged()),
        ("under a key that nobody erased", under(4).purged()),
        ("the row of an erased key", row(4).purged()),
        ("a row that nobody named", row(9).purged()),
        ("a named place of another feed", {
            late(chain, FeedId::Grid, None, 4).purged()
        }),
    ]
}

/// Acts that must not follow the chain with an erasure.
fn erased_bad_acts(chain: &Chain) -> Vec<(&'static str, SignedAct)> {
    let manager = Author::Seat(seat_id(3));
    let forged = erase(2, &[3], &[5], &[]);
    vec![
        ("a manager erases", chain.next(manager, forged.clone())),
        ("a removed device erases", {
            chain.next(Author::Device(device_id(4)), forged.clone())
        }),
        ("a device erases", {
            chain.next(Author::Device(device_id(1)), forged.clone())
        }),
        (
            "a forged erasure",
            chain.next_by(owner(), forged, &key("seat 3")),
        ),
        ("a key erased twice", {
            chain.next(owner(), erase(2, &[3], &[2, 5], &[]))
        }),
        ("a key erased twice by one erasure", {
            chain.next(owner(), erase(1, &[], &[3], &[]))
        }),
        (
            "an erasure of nothing",
            chain.next(owner(), erase(1, &[], &[], &[])),
        ),
        (
            "an erasure of nobody",
            chain.next(owner(), erase(2, &[], &[5], &[])),
        ),
    ]
}

/// Entries of a manager around the time when managers were let in to clinical cards.
fn renewed_entries(chain: &Chain) -> Vec<(&'static str, Entry)> {
    let by = |feed, sequence, height| entry(header(chain, 3, feed, sequence, height), b"x");
    vec![
        ("before managers are let in", by(FeedId::Clinical, 3, 18)),
        ("while they are let in", by(FeedId::Clinical, 5, 19)),
        (
            "the policy of then, named later",
            by(FeedId::Clinical, 6, 19),
        ),
        ("after they were let out", by(FeedId::Clinical, 5, 20)),
        ("what managers always write", by(FeedId::Practice, 7, 20)),
    ]
}

/// Acts that must not follow the chain with new words.
fn renewed_bad_acts(chain: &Chain) -> Vec<(&'static str, SignedAct)> {
    let manager = Author::Seat(seat_id(3));
    let words = || new_words("root 3", "recovery 3");
    let policy = |compartment, role| What::SetPolicy {
        compartment,
        role,
        open: true,
        last: Vec::new(),
    };
    let borrowed = RootGrant {
        recovery: seal_key("recovery 3"),
        ..RootGrant::new(ORG, &key("root 3"), seal_key("recovery 4"))
    };
    let weak = RootGrant::new(ORG, &key("root 3"), SealKey::from_bytes([0; 32]));
    vec![
        ("the old root's act", {
            chain.next(Author::Root, What::RelayRestore { epoch: 2 })
        }),
        ("the old root brings new words", {
            chain.next(Author::Root, words())
        }),
        ("a manager brings new words", chain.next(manager, words())),
        ("forged new words", {
            chain.next_by(owner(), words(), &key("seat 3"))
        }),
        ("words of before", {
            chain.next(owner(), new_words("root", "recovery 3"))
        }),
        ("the recovery key of before", {
            chain.next(owner(), new_words("root 3", "recovery"))
        }),
        ("a seat's key as root", {
            chain.next(owner(), new_words("seat 1", "recovery 3"))
        }),
        ("a recovery key that the root does not vouch for", {
            chain.next(owner(), What::AddRecovery(borrowed))
        }),
        ("a recovery key of low order", {
            chain.next(owner(), What::AddRecovery(weak))
        }),
        ("a manager decides", {
            chain.next(manager, let_managers_in(true, &[]))
        }),
        ("a policy for groomers", {
            chain.next(owner(), policy(Policy::CLINICAL, Role::Groomer))
        }),
        ("a policy for owners", {
            chain.next(owner(), policy(Policy::CLINICAL, Role::Owner))
        }),
        ("a policy of another compartment", {
            chain.next(owner(), policy(6, Role::Manager))
        }),
    ]
}

/// Bytes that must not be read, with what they claim to be.
fn bad_bytes(chain: &Chain) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let ping = Frame::Ping { n: 7 }.encode();
    let good = entry(header(chain, 1, FeedId::Schedule(SITE), 0, 9), b"x").encode();
    let mut newer = good.clone();
    // header = h'[1, [...]]': the version is the third byte after the length of the header.
    let at = newer
        .windows(3)
        .position(|w| w == [0x82, 0x01, 0x8e])
        .unwrap();
    newer[at + 1] = 2;
    let mut null_body = good[..good.len() - 2].to_vec();
    null_body.push(0xf6);
    let two_heads = Frame::Subscribe {
        have: vec![
            Have {
                feed: FeedId::Grid,
                epoch: 0,
                sequence: 0,
                chain: Hash::ZERO
            };
            2
        ],
    };
    vec![
        ("nothing", "frame", vec![]),
        ("a frame of a newer version", "frame", vec![2, 0, 0x81, 17]),
        ("a frame of the draft", "frame", vec![0, 0, 0x81, 17]),
        ("an unknown form", "frame", vec![1, 9, 0x81, 17]),
        ("an unknown kind", "frame", vec![1, 0, 0x82, 19, 10]),
        (
            "a frame cut short",
            "frame",
            ping[..ping.len() - 1].to_vec(),
        ),
        (
            "a frame with one byte more",
            "frame",
            [ping.as_slice(), &[0]].concat(),
        ),
        ("a field too many", "frame", vec![1, 0, 0x83, 14, 7, 7]),
        ("a long integer", "frame", vec![1, 0, 0x82, 14, 0x18, 7]),
        (
            "an indefinite array",
            "frame",
            vec![1, 0, 0x9f, 14, 7, 0xff],
        ),
        (
            "text for a number",
            "frame",
            vec![1, 0, 0x82, 14, 0x61, 0x37],
        ),
        ("a feed named twice", "frame", two_heads.encode()),
        (
            "a compressed ping",
            "frame",
            [&[1, 1], raw_zstd(&ping[2..]).as_slice()].concat(),
        ),
        ("a bomb", "frame", [&[1, 1], rle_zstd().as_slice()].concat()),
        ("no zstd", "frame", vec![1, 1, 1, 2, 3]),
        ("an entry of a newer version", "entry", newer),
        (
            "an entry cut short",
            "entry",
            good[..good.len() - 1].to_vec(),
        ),
        ("a null body", "entry", null_body),
        ("an act as an entry", "entry", chain.acts[0].encode()),
        ("an item of no kind", "item", vec![0x82, 3, 0]),
    ]
}

/// One uncompressed block: zstd that does not depend on a compressor's choices.
fn raw_zstd(plain: &[u8]) -> Vec<u8> {
    let len = u32::try_from(plain.len()).unwrap();
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0]; // magic; single segment, 4-byte size
    bytes.extend(len.to_le_bytes());
    bytes.extend(&((len << 3) | 1).to_le_bytes()[..3]); // last block, raw
    bytes.extend(plain);
    bytes
}

/// Eight blocks that each say "131,072 zeros": 1 MiB out of 41 bytes.
fn rle_zstd() -> Vec<u8> {
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x40]; // magic; window of 256 KiB
    for block in 0..8_u32 {
        let header = (0x2_0000 << 3) | (1 << 1) | u32::from(block == 7);
        bytes.extend(&header.to_le_bytes()[..3]);
        bytes.push(0);
    }
    bytes
}

fn error_of(kind: &str, bytes: &[u8]) -> DecodeError {
    match kind {
        "frame" => Frame::decode(bytes).map(|_| ()),
        "entry" => Entry::decode(bytes).map(|_| ()),
        "item" => Item::decode(bytes).map(|_| ()),
        other => panic!("unknown kind {other}"),
    }
    .unwrap_err()
}

fn vectors() -> Value {
    let chain = practice();
    let later = later();
    let erased = erased();
    let renewed = renewed();
    let seeds = [
        "root", "relay", "device 1", "device 2", "device 3", "seat 1", "seat 2", "seat 3",
        "invite 1", "invite 2",
    ];
    let schedule = FeedId::Schedule(SITE);
    let taken = RefusalReason::Taken {
        by: [0x81; 16],
        resource: [0x82; 16],
    };
    let items = [
        Item::Entry(entries(&chain)[0].1.clone()),
        Item::Confirmation(confirmation(Verdict::Granted)),
        Item::Confirmation(confirmation(Verdict::Refused(taken))),
        Item::Confirmation(confirmation(Verdict::Refused(RefusalReason::Paused))),
        Item::Entry(entry(header(&chain, 1, schedule, 1, 9), b"purged").purged()),
    ];
    let start = chain_start(ORG, schedule, 1);
    let values: Vec<Hash> = items
        .iter()
        .scan(start, |at, item| {
            *at = chain_next(at, &item.hash());
            Some(*at)
        })
        .collect();
    let stand = Head {
        org: ORG,
        feed: schedule,
        epoch: 1,
        sequence: 5,
        chain: *values.last().unwrap(),
        at: NOON,
    };
    let stand = SignedHead::sign(stand, &key("relay")).unwrap();
    let hello = sign_in(&CHALLENGE);
    let handshake = hello.handshake(&CHALLENGE, &public("relay"));
    let joiner = join(&CHALLENGE);
    let compressed = Frame::Items {
        feed: schedule,
        epoch: 1,
        first: 1,
        items: items.iter().map(Item::encode).collect(),
        head: Some(stand.clone()),
    };
    let plain = compressed.encode_plain();
    json!({
        "format": "daybook sync protocol vectors",
        "version": 0,
        "org": hex(ORG.as_bytes()),
        "relay": hex(public("relay").as_bytes()),
        "challenge": hex(CHALLENGE),
        "keys": seeds.map(|name| json!({
            "name": name,
            "seed": hex(key(name).to_bytes()),
            "public": hex(public(name).as_bytes()),
        })),
        "acts": chain.acts.iter().map(|act| json!({
            "bytes": hex(act.encode()),
            "hash": act.hash().to_string(),
        })).collect::<Vec<_>>(),
        "entries": entries(&chain).iter().map(|(name, entry)| json!({
            "name": name,
            "bytes": hex(entry.encode()),
            "hash": entry.hash().to_string(),
            "associated_data": hex(entry.header().associated_data()),
            "accept": judged(entry, &chain.state),
        })).collect::<Vec<_>>(),
        "feed": {
            "feed": hex(schedule.to_bytes()),
            "epoch": 1,
            "start": start.to_string(),
            "items": items.iter().zip(&values).map(|(item, value)| json!({
                "bytes": hex(item.encode()),
                "hash": item.hash().to_string(),
                "chain": value.to_string(),
            })).collect::<Vec<_>>(),
            "head": hex(stand.encode()),
        },
        "handshake": {
            "sign_in": hex(Frame::SignIn(hello).encode()),
            "sign_in_name": handshake.to_string(),
            "join": hex(Frame::Join(joiner.clone()).encode()),
            "join_name": joiner.handshake(&CHALLENGE, &public("relay")).to_string(),
        },
        "frames": frames().iter().map(|(name, frame)| json!({
            "name": name,
            "bytes": hex(frame.encode()),
            "blake3": Hash::of(&frame.encode()).to_string(),
        })).collect::<Vec<_>>(),
        "compressed": {
            "bytes": hex([&[1, 1], raw_zstd(&plain[2..]).as_slice()].concat()),
            "plain": hex(&plain),
        },
        "feeds": FeedId::OF_ORGANISATION.into_iter().chain([schedule, FeedId::Visits(SITE)])
            .map(|feed| json!({
                "bytes": hex(feed.to_bytes()),
                "text": feed.to_string(),
                "clear": feed.clear(),
                "read": Role::ALL.into_iter().filter(|role| role.may_read(feed))
                    .map(Role::as_str).collect::<Vec<_>>(),
                "write": Role::ALL.into_iter().filter(|role| role.may_write(feed))
                    .map(Role::as_str).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        "codes": ErrorCode::ALL.iter().map(|code| json!([code.number(), code.as_str()]))
            .collect::<Vec<_>>(),
        "bad_acts": bad_acts(&chain).iter().map(|(title, act)| json!({
            "name": title,
            "bytes": hex(act.encode()),
            "error": name(chain.state.clone().apply(act).unwrap_err()),
        })).collect::<Vec<_>>(),
        "later_acts": later.acts.iter().skip(chain.acts.len()).map(|act| json!({
            "bytes": hex(act.encode()),
            "hash": act.hash().to_string(),
        })).collect::<Vec<_>>(),
        "later_entries": later_entries(&later).iter().map(|(name, entry)| json!({
            "name": name,
            "bytes": hex(entry.encode()),
            "accept": judged(entry, &later.state),
        })).collect::<Vec<_>>(),
        "later_bad_acts": later_bad_acts(&later).iter().map(|(title, act)| json!({
            "name": title,
            "bytes": hex(act.encode()),
            "error": name(later.state.clone().apply(act).unwrap_err()),
        })).collect::<Vec<_>>(),
        "erased_acts": erased.acts.iter().skip(later.acts.len()).map(|act| json!({
            "bytes": hex(act.encode()),
            "hash": act.hash().to_string(),
        })).collect::<Vec<_>>(),
        "erased_entries": erased_entries(&erased).iter().map(|(name, entry)| json!({
            "name": name,
            "bytes": hex(entry.encode()),
            "accept": judged(entry, &erased.state),
            "must_purge": erased.state.must_purge(entry.header()),
        })).collect::<Vec<_>>(),
        "erased_bad_acts": erased_bad_acts(&erased).iter().map(|(title, act)| json!({
            "name": title,
            "bytes": hex(act.encode()),
            "error": name(erased.state.clone().apply(act).unwrap_err()),
        })).collect::<Vec<_>>(),
        "renewed_acts": renewed.acts.iter().skip(erased.acts.len()).map(|act| json!({
            "bytes": hex(act.encode()),
            "hash": act.hash().to_string(),
        })).collect::<Vec<_>>(),
        "renewed_entries": renewed_entries(&renewed).iter().map(|(name, entry)| json!({
            "name": name,
            "bytes": hex(entry.encode()),
            "accept": judged(entry, &renewed.state),
        })).collect::<Vec<_>>(),
        "renewed_bad_acts": renewed_bad_acts(&renewed).iter().map(|(title, act)| json!({
            "name": title,
            "bytes": hex(act.encode()),
            "error": name(renewed.state.clone().apply(act).unwrap_err()),
        })).collect::<Vec<_>>(),
        "bad_bytes": bad_bytes(&chain).iter().map(|(title, kind, bytes)| json!({
            "name": title,
            "as": kind,
            "bytes": hex(bytes),
            "error": name(error_of(kind, bytes)),
        })).collect::<Vec<_>>(),
    })
}

#[test]
fn the_committed_vectors_are_what_this_code_writes() {
    let made = vectors();
    if std::env::var_os("DAYBOOK_WRITE_VECTORS").is_some() {
        fs::create_dir_all(file().parent().unwrap()).unwrap();
        fs::write(file(), serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
    }
    // As values: the order of keys in the text is no part of the format.
    let committed: Value = serde_json::from_str(&fs::read_to_string(file()).unwrap()).unwrap();
    for (part, made) in made.as_object().unwrap() {
        assert_eq!(made, &committed[part], "{part}");
    }
    assert_eq!(made, committed);
}

#[test]
fn the_committed_vectors_are_read() {
    let vectors: Value = serde_json::from_str(&fs::read_to_string(file()).unwrap()).unwrap();
    let bytes = |value: &Value| HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap();
    let list = |name: &str| vectors[name].as_array().unwrap().clone();
    let mut state: Option<Governance> = None;
    for act in list("acts") {
        let act = SignedAct::decode(&bytes(&act["bytes"])).unwrap();
        match &mut state {
            None => state = Some(Governance::found(&act).unwrap()),
            Some(state) => state.apply(&act).unwrap(),
        }
    }
    let state = state.unwrap();
    for vector in list("entries") {
        let entry = Entry::decode(&bytes(&vector["bytes"])).unwrap();
        assert_eq!(judged(&entry, &state), vector["accept"].as_str().unwrap());
    }
    for vector in list("frames") {
        let frame = Frame::decode(&bytes(&vector["bytes"])).unwrap();
        assert_eq!(
            frame.encode(),
            bytes(&vector["bytes"]),
            "{}",
            vector["name"]
        );
    }
    let compressed = Frame::decode(&bytes(&vectors["compressed"]["bytes"])).unwrap();
    assert_eq!(
        Frame::decode(&bytes(&vectors["compressed"]["plain"])).unwrap(),
        compressed
    );
    for vector in list("bad_acts") {
        let act = SignedAct::decode(&bytes(&vector["bytes"])).unwrap();
        let error = state.clone().apply(&act).unwrap_err();
        assert_eq!(
            name(error),
            vector["error"].as_str().unwrap(),
            "{}",
            vector["name"]
        );
    }
    let mut later = state;
    for act in list("later_acts") {
        let act = SignedAct::decode(&bytes(&act["bytes"])).unwrap();
        later.apply(&act).unwrap();
    }
    for vector in list("later_entries") {
        let entry = Entry::decode(&bytes(&vector["bytes"])).unwrap();
        assert_eq!(judged(&entry, &later), vector["accept"].as_str().unwrap());
    }
    for vector in list("later_bad_acts") {
        let act = SignedAct::decode(&bytes(&vector["bytes"])).unwrap();
        let error = later.clone().apply(&act).unwrap_err();
        assert_eq!(name(error), vector["error"].as_str().unwrap());
    }
    for part in ["erased", "renewed"] {
        for act in list(&format!("{part}_acts")) {
            let act = SignedAct::decode(&bytes(&act["bytes"])).unwrap();
            later.apply(&act).unwrap();
        }
        for vector in list(&format!("{part}_entries")) {
            let entry = Entry::decode(&bytes(&vector["bytes"])).unwrap();
            assert_eq!(judged(&entry, &later), vector["accept"].as_str().unwrap());
        }
        for vector in list(&format!("{part}_bad_acts")) {
            let act = SignedAct::decode(&bytes(&vector["bytes"])).unwrap();
            let error = later.clone().apply(&act).unwrap_err();
            assert_eq!(name(error), vector["error"].as_str().unwrap());
        }
    }
    for vector in list("bad_bytes") {
        let error = error_of(vector["as"].as_str().unwrap(), &bytes(&vector["bytes"]));
        assert_eq!(
            name(error),
            vector["error"].as_str().unwrap(),
            "{}",
            vector["name"]
        );
    }
}
