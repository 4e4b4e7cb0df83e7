//! Entries, their acceptance, feeds and handshakes.
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

use common::*;
use sync_protocol::{Acceptance::*, *};

const SCHEDULE: FeedId = FeedId::Schedule(SITE);

#[test]
fn acceptance_follows_membership_role_and_removal() {
    let chain = practice();
    let by = |seat, feed, sequence, height| {
        accept(
            &entry(header(&chain, seat, feed, sequence, height), b"work"),
            &chain.state,
        )
    };
    assert_eq!(by(1, SCHEDULE, 0, 0), Accept);
    assert_eq!(by(1, SCHEDULE, 7, 9), Accept);
    assert_eq!(by(1, FeedId::Clinical, 0, 9), Accept);
    assert_eq!(by(3, SCHEDULE, 0, 5), Accept);
    assert_eq!(by(3, SCHEDULE, 0, 4), Mask(MaskReason::NotMember));
    assert_eq!(
        by(3, FeedId::Clinical, 0, 5),
        Mask(MaskReason::Role),
        "a groomer, never"
    );
    assert_eq!(by(3, FeedId::Practice, 0, 5), Mask(MaskReason::Role));
    assert_eq!(by(3, FeedId::Practice, 0, 6), Accept, "a manager by then");
    assert_eq!(
        by(2, FeedId::Clinical, 0, 3),
        Accept,
        "named in the removal"
    );
    assert_eq!(
        by(2, FeedId::Clinical, 1, 3),
        Mask(MaskReason::AfterRemoval)
    );
    assert_eq!(
        by(1, SCHEDULE, 0, 10),
        Wait {
            governance_height: 10
        }
    );
}

#[test]
fn nobody_keeps_a_role_by_naming_the_height_of_then() {
    let chain = later();
    let by = |feed, run, sequence, height| {
        let header = Header {
            incarnation: incarnation(run),
            ..header(&chain, 7, feed, sequence, height)
        };
        accept(&entry(header, b"work"), &chain.state)
    };
    assert_eq!(by(FeedId::Practice, 7, 1, 14), Accept, "written before");
    let late = Mask(MaskReason::Role);
    assert_eq!(by(FeedId::Practice, 7, 2, 14), late);
    assert_eq!(by(FeedId::Practice, 8, 0, 14), late, "another run");
    assert_eq!(by(FeedId::Practice, 7, 3, 15), late);
    assert_eq!(by(FeedId::Grooming, 7, 2, 14), Accept, "both roles may");
    assert_eq!(by(SCHEDULE, 8, 0, 14), Accept);
}

#[test]
fn what_is_not_what_it_says_is_withheld() {
    let chain = practice();
    let good = header(&chain, 1, SCHEDULE, 0, 9);
    let judge = |header: Header, signer: &str| {
        accept(
            &Entry::sign(header, b"work".to_vec(), &key(signer)).unwrap(),
            &chain.state,
        )
    };
    let withheld = Withhold;
    assert_eq!(judge(good, "seat 1"), Accept);
    assert_eq!(judge(good, "seat 3"), withheld(RefuseReason::BadSignature));
    let org = OrgId::from_bytes([9; 16]);
    assert_eq!(
        judge(Header { org, ..good }, "seat 1"),
        withheld(RefuseReason::WrongOrganisation)
    );
    let governance = (3, Hash::of(b"another history"));
    assert_eq!(
        judge(Header { governance, ..good }, "seat 1"),
        withheld(RefuseReason::Fork)
    );
    let device = device_id(3);
    assert_eq!(
        judge(Header { device, ..good }, "seat 1"),
        withheld(RefuseReason::WrongDevice)
    );
    let seat = seat_id(9);
    assert_eq!(
        judge(Header { seat, ..good }, "seat 1"),
        withheld(RefuseReason::UnknownSeat)
    );

    let signed = entry(good, b"work");
    let swapped = Entry::from_parts(&signed.head_part(), Some(b"WORK".to_vec())).unwrap();
    assert_eq!(
        accept(&swapped, &chain.state),
        withheld(RefuseReason::BodyMismatch)
    );
    let longer = Entry::from_parts(&signed.head_part(), Some(b"work ".to_vec())).unwrap();
    assert_eq!(
        accept(&longer, &chain.state),
        withheld(RefuseReason::BodyMismatch)
    );
}

#[test]
fn who_must_lose_a_body_follows_from_the_chain_alone() {
    let chain = erased();
    let under = late(&chain, FeedId::Clinical, Some(erased_key(1)), 7);
    let row = late(&chain, FeedId::Keys, None, 5);
    let last = chain.state.height();
    assert_eq!(chain.state.must_purge(under.header()), Some(last - 1));
    assert_eq!(chain.state.must_purge(row.header()), Some(last));
    for entry in [under, row] {
        assert_eq!(accept(&entry, &chain.state), Accept);
        assert_eq!(accept(&entry.purged(), &chain.state), Accept);
    }
    let state = chain.state.erased();
    let one = state.erasure(ErasureId::from_bytes([0xe1; 16])).unwrap();
    assert_eq!(
        (one.heights.as_slice(), one.keys),
        (&[last - 1, last][..], 3)
    );
    assert_eq!(
        state.subject(subject(2)),
        Some(ErasureId::from_bytes([0xe1; 16]))
    );
    assert_eq!(state.subject(subject(3)), None);
}

#[test]
fn a_purged_body_leaves_every_proof_standing() {
    let chain = practice();
    let whole = entry(header(&chain, 1, FeedId::Contact, 0, 9), b"sealed");
    let purged = whole.clone().purged();
    assert_eq!(purged.hash(), whole.hash());
    // It proves as much as before, and waits for the act that took its body.
    assert_eq!(
        accept(&purged, &chain.state),
        Wait {
            governance_height: chain.state.height() + 1
        }
    );
    assert_eq!(Entry::decode(&purged.encode()).unwrap(), purged);
    assert_eq!(purged.encode(), whole.head_part());

    let item = Item::Entry(whole.clone());
    let kept = Item::from_parts(&item.head_part(), None).unwrap();
    assert_eq!((kept.hash(), kept.body()), (item.hash(), None));
    let back = Item::from_parts(&item.head_part(), Some(b"sealed".to_vec())).unwrap();
    assert_eq!(back, item);
    let act = Item::Act(genesis());
    assert_eq!(
        Item::from_parts(&act.head_part(), Some(vec![])).unwrap(),
        act
    );
}

#[test]
fn plain_bodies_never_enter_sealed_feeds() {
    let chain = practice();
    let signed = |header: Header| Entry::sign(header, b"body".to_vec(), &key("seat 1")).map(|_| ());
    let sealed = header(&chain, 1, FeedId::Contact, 0, 9);
    assert_eq!(signed(sealed), Ok(()));
    let refused = Err(EntryError::Header(DecodeError::Impossible(
        "an unsealed body in a sealed feed",
    )));
    assert_eq!(
        signed(Header {
            seal: None,
            ..sealed
        }),
        refused
    );
    assert_eq!(
        signed(Header {
            key: None,
            ..sealed
        }),
        refused
    );
    assert!(
        signed(Header {
            feed: SCHEDULE,
            ..sealed
        })
        .is_err()
    );
    let act = Header {
        feed: FeedId::Governance,
        ..header(&chain, 1, SCHEDULE, 0, 9)
    };
    assert!(signed(act).is_err());
    let long = vec![0; limits::MAX_BODY + 1];
    assert_eq!(
        Entry::sign(sealed, long, &key("seat 1")),
        Err(EntryError::BodyTooLong {
            got: limits::MAX_BODY + 1
        })
    );
}

#[test]
fn handshakes_are_bound_to_challenge_relay_host_and_frontiers() {
    let relay = public("relay");
    let device = key("device 1").verifying_key();
    let hello = sign_in(&CHALLENGE);
    assert_eq!(hello.verify(&CHALLENGE, &relay, &device), Ok(()));
    let bad = Err(VerifyError::BadSignature);
    assert_eq!(hello.verify(&[0; 32], &relay, &device), bad);
    assert_eq!(
        hello.verify(&CHALLENGE, &public("other relay"), &device),
        bad
    );
    assert_eq!(
        hello.verify(&CHALLENGE, &relay, &key("device 2").verifying_key()),
        bad
    );
    let elsewhere = SignIn {
        host: "evil.example".to_owned(),
        ..hello.clone()
    };
    assert_eq!(elsewhere.verify(&CHALLENGE, &relay, &device), bad);
    let emptied = SignIn {
        have: vec![],
        ..hello.clone()
    };
    assert_eq!(emptied.verify(&CHALLENGE, &relay, &device), bad);

    let joiner = join(&CHALLENGE);
    assert_eq!(
        joiner.verify(&CHALLENGE, &relay, &key("invite 2").verifying_key()),
        Ok(())
    );
    assert_eq!(joiner.verify(&CHALLENGE, &relay, &device), bad);

    let handshake = hello.handshake(&CHALLENGE, &relay);
    let welcome = Welcome {
        at: NOON,
        heads: vec![],
        behind: vec![],
        quota: Quota::default(),
        signature: Signature::NONE,
    }
    .signed(&handshake, &key("relay"));
    let relay_key = key("relay").verifying_key();
    assert_eq!(welcome.verify(&handshake, &relay_key), Ok(()));
    let again = SignIn {
        nonce: [1; 16],
        ..hello
    }
    .handshake(&CHALLENGE, &relay);
    assert_eq!(
        welcome.verify(&again, &relay_key),
        bad,
        "an old answer to a new question"
    );
    assert_eq!(
        Welcome { at: 0, ..welcome }.verify(&handshake, &relay_key),
        bad
    );
}

#[test]
fn two_heads_of_one_place_prove_two_histories() {
    let one = *head(SCHEDULE, 4, Hash::of(b"a")).value();
    let two = *head(SCHEDULE, 4, Hash::of(b"b")).value();
    let later = *head(SCHEDULE, 5, Hash::of(b"c")).value();
    assert!(one.contradicts(&two));
    assert!(!one.contradicts(&one));
    assert!(!one.contradicts(&later));
    assert!(!one.contradicts(&Head { epoch: 1, ..two }));
}

#[test]
fn an_up_to_date_reconnect_is_small() {
    // Two sites: 13 feeds, all in step.
    let mut have: Vec<Have> = FeedId::OF_ORGANISATION
        .into_iter()
        .chain([1, 2].into_iter().flat_map(|n| {
            let site = Site::from_bytes([n; 16]);
            [FeedId::Schedule(site), FeedId::Visits(site)]
        }))
        .map(|feed| Have {
            feed,
            epoch: 1,
            sequence: 100_000,
            chain: Hash::of(b"x"),
        })
        .collect();
    have.sort();
    let hello = SignIn {
        have,
        ..sign_in(&CHALLENGE)
    };
    let hello = hello.signed(&CHALLENGE, &public("relay"), &key("device 1"));
    let welcome = Welcome {
        at: NOON,
        heads: vec![],
        behind: vec![],
        quota: Quota {
            used: 1 << 30,
            limit: 1 << 40,
        },
        signature: Signature::NONE,
    };
    let challenge = frames().swap_remove(0).1;
    let sizes =
        [challenge, Frame::SignIn(hello), Frame::Welcome(welcome)].map(|f| f.encode().len());
    assert!(sizes.iter().sum::<usize>() <= 2_048, "{sizes:?}");
}
