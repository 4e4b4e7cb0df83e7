//! What sealing costs: bodies sealed and opened, entries signed and verified, and how long they are.
//! The best of twenty rounds is given, so that other work on the machine shows less.
//!
//! `cargo run --release -p client-core --example sealing`

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a measurement stops at the first surprise, reads the clock and prints"
)]

use std::time::Instant;

use client_core::sealing::{SubjectKey, open, seal};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use sync_protocol::{
    DeviceId, DocumentId, Entry, FeedId, Hash, Header, IncarnationId, OrgId, SeatId, SeenHead,
    SigningKey,
};

const ROUND: u32 = 400;

/// The most a second over twenty rounds.
fn best(what: &str, mut once: impl FnMut()) {
    let mut most = 0;
    for _ in 0..20 {
        let from = Instant::now();
        for _ in 0..ROUND {
            once();
        }
        let nanos = from.elapsed().as_nanos().max(1);
        most = most.max(u128::from(ROUND) * 1_000_000_000 / nanos);
    }
    println!("{what}: {most} a second");
}

fn main() {
    let rng = &mut ChaCha20Rng::from_seed([1; 32]);
    let key = SubjectKey::generate(rng);
    let signing = SigningKey::from_bytes(&[2; 32]);
    let bare = Header {
        org: OrgId::from_bytes([1; 16]),
        feed: FeedId::Contact,
        document: DocumentId::from_bytes([2; 16]),
        key: None,
        device: DeviceId::from_bytes([3; 16]),
        seat: SeatId::from_bytes([4; 16]),
        incarnation: IncarnationId::from_bytes([5; 16]),
        sequence: 100_000,
        prev: Hash::of(b"prev"),
        governance: (12, Hash::of(b"governance")),
        seen: Some(SeenHead {
            epoch: 1,
            sequence: 100_000,
            chain: Hash::of(b"chain"),
        }),
        seal: None,
        body_len: 0,
        body_hash: Hash::ZERO,
    };
    for length in [200, 1000] {
        let plain = vec![7; length];
        let sealed = |rng: &mut ChaCha20Rng| {
            let mut header = bare;
            let body = seal(rng, &key, &mut header, &plain).unwrap();
            (header, body)
        };
        let (header, body) = sealed(rng);
        let entry = Entry::sign(header, body.clone(), &signing).unwrap();
        let verifying = signing.verifying_key();
        println!(
            "{length} bytes of work: header {}, sealed body {}, entry {}",
            entry.header_bytes().len(),
            body.len(),
            entry.encode().len()
        );
        best("  sealed", || drop(sealed(rng)));
        best("  opened", || drop(open(&key, &header, &body).unwrap()));
        best("  signed", || {
            drop(Entry::sign(header, body.clone(), &signing).unwrap());
        });
        best("  verified", || {
            entry.verify(&verifying).unwrap();
        });
    }
}
