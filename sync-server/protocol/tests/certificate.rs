//! A certificate of erasure, and every way in which it proves nothing.
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
use sync_protocol::{CertificateError as E, *};

const ERASURE: ErasureId = ErasureId::from_bytes([0xe1; 16]);

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/certificate-v1.txt")
}

/// The height of the last act of the erasure.
fn last(chain: &Chain) -> u32 {
    chain.state.height()
}

fn receipt(chain: &Chain, n: u8, erasure: ErasureId, height: u32) -> Entry {
    let body = ErasureReceipt::new(erasure, height, NOON + i64::from(n)).encode();
    let known = chain.state.height();
    entry(header(chain, n, FeedId::Keys, 40, known), &body)
}

fn made(chain: &Chain, receipts: &[Entry], by: u8) -> String {
    Content::new(&chain.state, ERASURE, &chain.acts, receipts, |_| Some(NOON))
        .signed(
            ORG,
            ERASURE,
            seat_id(by),
            NOON + 60,
            &key(&format!("seat {by}")),
        )
        .unwrap()
}

#[test]
fn a_certificate_says_who_has_done_it_and_who_has_not() {
    let chain = erased();
    let text = made(&chain, &[receipt(&chain, 1, ERASURE, last(&chain))], 1);
    if std::env::var_os("DAYBOOK_WRITE_VECTORS").is_some() {
        fs::write(file(), &text).unwrap();
    }
    assert_eq!(fs::read_to_string(file()).unwrap(), text);
    let proven = Certified::check(&text).unwrap();
    assert_eq!(proven.genesis, chain.acts[0].hash());
    assert_eq!((proven.basis, proven.keys), (Basis::Request, 3));
    assert_eq!(
        proven.done.into_iter().collect::<Vec<_>>(),
        [(device_id(1), NOON + 1)]
    );
    // Devices 2 and 4 were gone before it.
    assert_eq!(
        proven.out.into_iter().collect::<Vec<_>>(),
        [(device_id(3), Some(NOON)), (device_id(7), Some(NOON))]
    );

    let all = [
        receipt(&chain, 1, ERASURE, last(&chain)),
        receipt(&chain, 3, ERASURE, last(&chain)),
        receipt(&chain, 7, ERASURE, last(&chain)),
    ];
    assert!(
        Certified::check(&made(&chain, &all, 3))
            .unwrap()
            .out
            .is_empty()
    );
}

#[test]
fn one_changed_bit_anywhere_is_noticed() {
    let chain = erased();
    let text = made(&chain, &[receipt(&chain, 1, ERASURE, last(&chain))], 1);
    let step = if cfg!(debug_assertions) { 7 } else { 1 };
    for at in (0..text.len()).step_by(step) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1 << (at % 7);
        let changed = String::from_utf8(bytes).unwrap();
        assert!(Certified::check(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn what_proves_nothing_is_told_apart() {
    let chain = erased();
    let good = receipt(&chain, 1, ERASURE, last(&chain));
    let of = |receipts: &[Entry]| Certified::check(&made(&chain, receipts, 1)).unwrap_err();
    let other = ErasureId::from_bytes([0xe2; 16]);
    assert_eq!(
        of(&[receipt(&chain, 1, other, last(&chain))]),
        E::Receipt(0)
    );
    let early = receipt(&chain, 1, ERASURE, last(&chain) - 1);
    assert_eq!(
        of(&[good.clone(), early]),
        E::Receipt(1),
        "not the whole erasure"
    );
    assert_eq!(of(&[good.clone().purged()]), E::Receipt(0));
    let removed = receipt(&chain, 2, ERASURE, last(&chain));
    assert_eq!(of(&[removed]), E::Receipt(0), "a seat that was removed");
    let forged = Content::new(&chain.state, ERASURE, &chain.acts, &[], |_| None)
        .signed(ORG, ERASURE, seat_id(1), NOON, &key("seat 3"))
        .unwrap();
    assert_eq!(Certified::check(&forged), Err(E::BadSignature));
    let before = later();
    let none = Content::new(&before.state, ERASURE, &before.acts, &[], |_| None)
        .signed(ORG, ERASURE, seat_id(1), NOON, &key("seat 1"))
        .unwrap();
    assert_eq!(Certified::check(&none), Err(E::NoErasure));
    let mut short = chain.acts.clone();
    short.remove(7);
    let short = Content::new(&chain.state, ERASURE, &short, &[], |_| None)
        .signed(ORG, ERASURE, seat_id(1), NOON, &key("seat 1"))
        .unwrap();
    assert!(matches!(
        Certified::check(&short),
        Err(E::Act { at: 7, .. })
    ));
    assert_eq!(Certified::check(""), Err(E::Text(1)));
    assert!(Certified::check("Daybook erasure certificate 0\nzz\n").is_err());
}
