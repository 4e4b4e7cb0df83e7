//! What holds for any bytes: decoding never panics, and one value has one spelling.
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

use std::sync::LazyLock;

use common::*;
use proptest::{collection::vec, prelude::*, sample::Index};
use sync_protocol::*;

/// Encoded frames of every kind, without their two leading bytes, and encoded items.
static FRAMES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    frames()
        .into_iter()
        .map(|(_, frame)| frame.encode())
        .collect()
});
static ITEMS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let chain = practice();
    let taken = RefusalReason::Taken {
        by: [1; 16],
        resource: [2; 16],
    };
    let mut items: Vec<Item> = chain.acts.iter().cloned().map(Item::Act).collect();
    items.push(Item::Confirmation(confirmation(Verdict::Refused(taken))));
    items.push(Item::Entry(entry(
        header(&chain, 1, FeedId::Contact, 3, 9),
        b"sealed",
    )));
    items.iter().map(Item::encode).collect()
});

/// Reads bytes as everything; whatever is accepted is written back the same.
fn read_as_everything(bytes: &[u8]) -> usize {
    let mut accepted = 0;
    if let Ok(frame) = Frame::decode(bytes) {
        accepted += 1;
        let again = frame.encode();
        assert_eq!(Frame::decode(&again).as_ref(), Ok(&frame));
        if bytes[1] == 0 {
            assert_eq!(&again[2..], &bytes[2..], "one value, one spelling");
        }
    }
    if let Ok(item) = Item::decode(bytes) {
        accepted += 1;
        assert_eq!(item.encode(), bytes);
        let parts = Item::from_parts(&item.head_part(), item.body().map(<[u8]>::to_vec));
        assert_eq!(parts.as_ref(), Ok(&item));
    }
    if let Ok(entry) = Entry::decode(bytes) {
        accepted += 1;
        assert_eq!(entry.encode(), bytes);
    }
    if let Ok(act) = SignedAct::decode(bytes) {
        accepted += 1;
        assert_eq!(act.encode(), bytes);
        // Whatever it says, judging it does not panic either.
        let _: Result<Governance, _> = Governance::found(&act);
        let _: Result<(), _> = practice().state.apply(&act);
    }
    accepted += usize::from(SignedHead::decode(bytes).is_ok());
    accepted += usize::from(SignedConfirmation::decode(bytes).is_ok());
    accepted + usize::from(FeedId::from_bytes(bytes).is_ok())
}

#[derive(Debug, Clone)]
enum Mutation {
    Flip(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
    Repeat(Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        4 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip(at, 1 << bit)),
        1 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        1 => any::<Index>().prop_map(Mutation::Remove),
        1 => any::<Index>().prop_map(Mutation::Cut),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Mutation::Repeat(a, b)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    if bytes.is_empty() {
        return;
    }
    let len = bytes.len();
    match mutation {
        Mutation::Flip(at, mask) => bytes[at.index(len)] ^= mask,
        Mutation::Insert(at, byte) => bytes.insert(at.index(len), *byte),
        Mutation::Remove(at) => {
            bytes.remove(at.index(len));
        }
        Mutation::Cut(at) => bytes.truncate(at.index(len)),
        Mutation::Repeat(a, b) => {
            let (a, b) = (a.index(len), b.index(len));
            let part = bytes[a.min(b)..a.max(b)].to_vec();
            bytes.extend(part);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..400)) {
        read_as_everything(&bytes);
    }

    #[test]
    fn any_bytes_in_a_frame_are_read_without_panic(
        form in 0..3_u8, kind in 0..20_u8, bytes in vec(any::<u8>(), 0..400),
    ) {
        for len in 0..10 {
            read_as_everything(&[&[1, form, 0x80 + len, kind], bytes.as_slice()].concat());
        }
        let mut packed = vec![1, 1, 0x28, 0xb5, 0x2f, 0xfd];
        packed.extend(&bytes);
        read_as_everything(&packed);
    }

    #[test]
    fn mutated_frames_and_items_are_read_without_panic(
        pick in any::<Index>(), mutations in vec(mutation(), 1..5),
    ) {
        for all in [&*FRAMES, &*ITEMS] {
            let mut bytes = all[pick.index(all.len())].clone();
            prop_assert!(read_as_everything(&bytes) > 0, "unharmed, it is read");
            for mutation in &mutations {
                mutate(&mut bytes, mutation);
            }
            read_as_everything(&bytes);
        }
    }
}

proptest! {
    #[test]
    fn one_flipped_bit_of_an_entry_never_passes(at in any::<Index>(), bit in 0..8_u8) {
        let chain = practice();
        let good = entry(header(&chain, 1, FeedId::Schedule(SITE), 0, 9), b"work");
        prop_assert_eq!(accept(&good, &chain.state), Acceptance::Accept);
        let mut bytes = good.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(entry) = Entry::decode(&bytes) {
            prop_assert_ne!(accept(&entry, &chain.state), Acceptance::Accept);
        }
    }

    #[test]
    fn entries_go_through_every_form(
        body in vec(any::<u8>(), 0..2_000),
        sequence: u64,
        height in 0..10_u32,
        feed in 1..11_usize,
        seen in proptest::option::of((any::<u32>(), any::<u64>())),
    ) {
        let chain = practice();
        let feeds: Vec<FeedId> = FeedId::OF_ORGANISATION
            .into_iter()
            .chain([FeedId::Schedule(SITE), FeedId::Visits(SITE)])
            .collect();
        let seen = seen.map(|(epoch, sequence)| SeenHead { epoch, sequence, chain: Hash::ZERO });
        let header = Header { seen, ..header(&chain, 1, feeds[feed], sequence, height) };
        let entry = entry(header, &body);
        let item = Item::Entry(entry.clone());
        prop_assert_eq!(&Entry::decode(&entry.encode()).unwrap(), &entry);
        prop_assert_eq!(&Item::decode(&item.encode()).unwrap(), &item);
        prop_assert!(entry.verify(&key("seat 1").verifying_key()).is_ok());
        prop_assert_eq!(entry.header().body_hash, Hash::of(&body));
        let items = vec![item.encode(); 3];
        let frame = Frame::Items { feed: feeds[feed], epoch: 1, first: 1, items, head: None };
        prop_assert_eq!(Frame::decode(&frame.encode()).unwrap(), frame);
        // The associated data does not depend on what follows from the sealed bytes.
        prop_assert_eq!(entry.header().associated_data(), header.associated_data());
    }

    #[test]
    fn batches_keep_order_and_fit(sizes in vec(0..limits::MAX_BODY + 600, 0..60)) {
        let items: Vec<Vec<u8>> = sizes.iter().map(|len| vec![7; *len]).collect();
        let lists = batches(items.clone());
        prop_assert_eq!(lists.concat(), items);
        for entries in lists {
            let head = Some(head(FeedId::Grid, 1, Hash::ZERO));
            let push = Frame::Push { entries: entries.clone() }.encode();
            prop_assert!(push.len() <= limits::MAX_FRAME);
            let items =
                Frame::Items { feed: FeedId::Grid, epoch: 1, first: 1, items: entries, head };
            prop_assert_eq!(Frame::decode(&items.encode()).unwrap(), items);
        }
    }
}

#[test]
fn frames_are_written_and_read_back() {
    for (name, frame) in frames() {
        assert_eq!(
            Frame::decode(&frame.encode()).as_ref(),
            Ok(&frame),
            "{name}"
        );
    }
}

#[test]
fn each_kind_of_bad_frame_has_its_error() {
    let ping = Frame::Ping { n: 7 }.encode();
    let bad = |bytes: &[u8]| Frame::decode(bytes).unwrap_err();
    assert_eq!(bad(&[]), DecodeError::Truncated);
    assert_eq!(bad(&ping[..ping.len() - 1]), DecodeError::Truncated);
    assert_eq!(
        bad(&[2, 0, 0x80]),
        DecodeError::NewerVersion {
            got: 2,
            supported: 1
        }
    );
    assert_eq!(
        bad(&[0, 0, 0x80]),
        DecodeError::Impossible("a draft of the formats")
    );
    assert_eq!(bad(&[1, 9, 0x80]), DecodeError::Malformed { at: 1 });
    assert_eq!(bad(&[1, 0, 0x81, 19]), DecodeError::UnknownFrame(19));
    assert_eq!(
        bad(&[ping.as_slice(), &[0]].concat()),
        DecodeError::NotCanonical
    );
    assert_eq!(
        bad(&[1, 0, 0x82, 14, 0x18, 7]),
        DecodeError::NotCanonical,
        "a long integer"
    );
    assert_eq!(
        bad(&[1, 0, 0x83, 14, 7, 7]),
        DecodeError::NotCanonical,
        "one field too many"
    );
    assert_eq!(
        bad(&[1, 0, 0x9f, 14, 7, 0xff]),
        DecodeError::Malformed { at: 0 },
        "indefinite"
    );
    let huge = vec![0; limits::MAX_FRAME + 1];
    assert_eq!(
        bad(&huge),
        DecodeError::TooLarge {
            what: "a frame",
            limit: limits::MAX_FRAME
        }
    );
    let nothing = Frame::Items {
        feed: FeedId::Grid,
        epoch: 0,
        first: 0,
        items: vec![],
        head: None,
    };
    assert_eq!(
        bad(&nothing.encode()),
        DecodeError::Impossible("a sequence of 0")
    );
    let twice = Have {
        feed: FeedId::Grid,
        epoch: 0,
        sequence: 0,
        chain: Hash::ZERO,
    };
    assert!(matches!(
        bad(&Frame::Subscribe {
            have: vec![twice; 2]
        }
        .encode()),
        DecodeError::Impossible(_)
    ));
}

#[test]
fn a_newer_statement_inside_a_frame_is_named_as_such() {
    let act = practice().acts[1].clone();
    let mut bytes = Frame::Propose { act: act.clone() }.encode();
    let at = bytes
        .windows(act.bytes().len())
        .position(|w| w == act.bytes())
        .unwrap();
    bytes[at + 1] = 2;
    let newer = DecodeError::NewerVersion {
        got: 2,
        supported: 1,
    };
    assert_eq!(Frame::decode(&bytes), Err(newer));
}

#[test]
fn long_items_travel_compressed_and_bombs_are_refused() {
    let items = vec![vec![7; 2_000]; 20];
    let frame = Frame::Items {
        feed: FeedId::Grid,
        epoch: 1,
        first: 1,
        items,
        head: None,
    };
    let bytes = frame.encode();
    assert_eq!(bytes[1], 1);
    assert!(bytes.len() < 200);
    assert_eq!(Frame::decode(&bytes), Ok(frame));

    let packed =
        |plain: &[u8]| [&[1, 1], zstd::bulk::compress(plain, 19).unwrap().as_slice()].concat();
    let bomb = packed(&vec![0; 64 << 20]);
    assert!(bomb.len() < 20_000);
    let limit = limits::MAX_FRAME;
    let refused = Frame::decode(&bomb).unwrap_err();
    assert!(
        matches!(
            refused,
            DecodeError::TooLarge { .. } | DecodeError::Compression
        ),
        "{refused:?}"
    );
    let slightly = packed(&vec![0; limit + 1]);
    assert_eq!(
        Frame::decode(&slightly),
        Err(DecodeError::TooLarge {
            what: "a decompressed frame",
            limit
        })
    );
    let ping = Frame::Ping { n: 7 }.encode();
    assert!(matches!(
        Frame::decode(&packed(&ping[2..])),
        Err(DecodeError::Impossible(_))
    ));
    assert_eq!(
        Frame::decode(&[1, 1, 1, 2, 3]),
        Err(DecodeError::Compression)
    );
}
