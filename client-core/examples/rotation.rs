//! What a dismissal costs: one of so many receptionists leaves, and an owner's device makes new keys
//! for those who stay.
//!
//! `cargo run --release -p client-core --example rotation`

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement stops at the first surprise, reads the clock and prints"
)]

use std::time::Instant;

use client_core::{
    catalogue::StaffRole,
    replica::{Founding, Replica},
    sealing::RootSecret,
};
use entry_log::MemoryStorage;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

fn main() {
    for seats in [50, 200] {
        let mut rng = ChaCha20Rng::from_seed([seats; 32]);
        let now = jiff::Timestamp::now();
        let root = RootSecret::generate(&mut rng);
        let founding = Founding {
            practice: "A practice",
            location: "A site",
            zone: "Europe/Lisbon",
        };
        let storage = MemoryStorage::default();
        let (mut replica, _) = Replica::found(storage, &mut rng, now, &founding, &root).unwrap();
        let mut leaves = None;
        // The owner is one of them.
        for _ in 1..seats {
            let further = replica
                .further_seat(now, &mut rng, StaffRole::Receptionist)
                .unwrap();
            replica.propose_seat(&further).unwrap();
            leaves = Some(further.seat);
        }
        replica.pay_owed(now, &mut rng).unwrap();
        let size = |replica: &mut Replica<MemoryStorage>| -> (usize, usize) {
            let items = replica.key_items().unwrap();
            (
                items.len(),
                items.iter().map(|item| item.encode().len()).sum(),
            )
        };
        let (entries, bytes) = size(&mut replica);
        replica.remove_seat(now, leaves.unwrap()).unwrap();
        let started = Instant::now();
        assert!(replica.pay_owed(now, &mut rng).unwrap());
        let took = started.elapsed();
        let (later, more) = size(&mut replica);
        println!(
            "{seats} seats: {:.1} ms, {} bytes in {} entries",
            took.as_secs_f64() * 1e3,
            more - bytes,
            later - entries,
        );
    }
}
