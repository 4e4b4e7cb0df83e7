//! Spoiled changes in entries that are signed as they should be, against the real relay and real
//! replicas: each is taken or refused with a reason, and everybody works on.
//!
//! `DAYBOOK_MUTATIONS` sets how many for each of the two; together with those that
//! `client-core/schedule/tests/mutations.rs` gives to documents alone it is 200,000.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests stop at the first surprise, and say what they measured"
)]

#[path = "../../client-core/schedule/tests/common/chunks.rs"]
mod chunks;

use std::time::Instant;

use chunks::{Parts, spoil};
use client_core::{
    catalogue::{
        Booking, CancelVisit, Command, EditClient, EditVisit, MoveVisit, NewBlock, SetState,
        Standing,
    },
    sealing::KeyRing,
    session::Input,
};
use conflict_rules::{AppointmentId, ClaimState};
use sync_protocol::Entry;
use system_tests::world::{
    Shape, World,
    hostile::{Insider, Offered, Template},
};

/// Another author, for changes that name one.
const ANN: [u8; 16] = [0xa1; 16];
/// Entries in one frame.
const AT_ONCE: u64 = 32;
/// One of so many is left as it is: those show that an entry of this kind is taken.
const UNHARMED: u64 = 40;
/// After so many a new world begins: what was taken makes documents grow.
const IN_ONE_WORLD: u64 = 640;

fn count() -> u64 {
    let told = std::env::var("DAYBOOK_MUTATIONS").ok();
    told.map_or(80_000, |text| text.parse().expect("a number"))
}

fn wish(world: &World, start: &str) -> Booking {
    let (client, pet) = world.practice.clients[0];
    Booking {
        location: world.practice.sites[0],
        start: start.parse().unwrap(),
        staff: world.practice.staff[0],
        room: Some(world.practice.rooms[1].1),
        service: None,
        minutes: Some(30),
        client: Some(client),
        pets: vec![pet],
        note: Some("limps".to_owned()),
        double_book: None,
        despite_warnings: true,
    }
}

fn done(world: &mut World, desk: usize, command: Command) -> String {
    let reply = world.execute(desk, command).unwrap();
    world.tell(desk, Input::Wrote).unwrap();
    reply.id
}

fn book(world: &mut World, desk: usize, start: &str) -> AppointmentId {
    let wish = wish(world, start);
    done(world, desk, Command::Book(wish)).parse().unwrap()
}

/// A booking without a client: whoever has a seat may write into records, and a spoiled change may
/// say in good form that a pet is somebody else's.
fn book_anybody(world: &mut World, desk: usize, start: &str) -> AppointmentId {
    let wish = Booking {
        client: None,
        pets: Vec::new(),
        ..wish(world, start)
    };
    done(world, desk, Command::Book(wish)).parse().unwrap()
}

/// Two desks in step, after a morning with a bit of everything.
fn morning() -> World {
    let mut world = World::new(1, Shape::with(2)).unwrap();
    world.start_relay().unwrap();
    for desk in 0..2 {
        world.start_desk(desk).unwrap();
    }
    world.quiet().unwrap();
    let visits: Vec<_> = ["2026-03-25T09:00", "2026-03-25T09:30", "2026-03-29T23:45"]
        .iter()
        .map(|start| book(&mut world, 0, start))
        .collect();
    world.quiet().unwrap();
    let staff = world.practice.staff[2];
    let commands = [
        Command::Move(MoveVisit {
            appointment: visits[0],
            start: Some("2026-03-25T11:00".parse().unwrap()),
            staff: None,
            room: None,
            minutes: None,
            double_book: None,
            despite_warnings: true,
        }),
        Command::SetState(SetState {
            appointment: visits[0],
            state: ClaimState::Arrived,
        }),
        Command::Cancel(CancelVisit {
            appointment: visits[1],
            reason: Some("the dog is fine".to_owned()),
        }),
        Command::Block(NewBlock {
            location: world.practice.sites[0],
            resources: vec![staff],
            start: "2026-03-26T12:00".parse().unwrap(),
            minutes: 45,
            title: Some("lunch".to_owned()),
        }),
        Command::EditVisit(EditVisit {
            appointment: visits[0],
            note: Some("limps on the left".to_owned()),
            client: None,
            pets: None,
            despite_warnings: false,
        }),
        Command::EditClient(EditClient {
            client: world.practice.clients[0].0,
            name: Some("Ida B.".to_owned()),
            phones: None,
            email: None,
            note: None,
            despite_restriction: None,
        }),
    ];
    for command in commands {
        done(&mut world, 1, command);
        world.quiet().unwrap();
    }
    world
}

fn standing(world: &World, desk: usize, visit: AppointmentId) -> Standing {
    world.replica(desk).unwrap().book().standing(visit)
}

fn pick(state: &mut u64, limit: u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut value = *state;
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (value ^ (value >> 31)) % limit
}

/// The change as a new author would have made it: their first.
fn by(change: &[u8], author: [u8; 16]) -> Vec<u8> {
    let mut parts = Parts::of(change);
    parts.actor = author.to_vec();
    parts.seq = 1;
    parts.bytes()
}

/// Entries of the seeds `from..until`.
fn spoiled(
    insider: &mut Insider,
    keys: &KeyRing,
    from: &[Template],
    seeds: std::ops::Range<u64>,
) -> Vec<Entry> {
    seeds
        .filter_map(|seed| {
            let mut state = seed;
            let template = &from[pick(&mut state, from.len() as u64) as usize];
            let harm = seed % UNHARMED > 0;
            insider.entry(keys, template, &mut |change, author| {
                let change = by(change, author);
                if harm {
                    spoil(&change, &mut |limit| pick(&mut state, limit))
                } else {
                    change
                }
            })
        })
        .collect()
}

/// Offers all, in world after world; `after` sees that each of them works on. `sealed`: every second
/// world gets entries of all kinds, the others only such as the relay reads.
fn offer_all(
    sealed: bool,
    offer: impl Fn(&mut World, &[Entry]) -> Offered,
    after: impl Fn(&mut World),
) -> Offered {
    schedule::quiet_guarded_panics();
    sync_protocol::remember_good_signatures();
    let mut all = Offered::default();
    let (mut next, mut worlds) = (0, 0);
    while next < count() {
        let mut world = morning();
        let mut templates = world.templates(0).unwrap();
        worlds += 1;
        let every = sealed && worlds % 2 == 0;
        templates.retain(|template| template.is_clear() || every);
        let mut insider = world.insider(1).unwrap();
        let end = count().min(next + IN_ONE_WORLD);
        while next < end {
            let until = end.min(next + AT_ONCE);
            let keys = world.replica(1).unwrap().keyring();
            let entries = spoiled(&mut insider, keys, &templates, next..until);
            let told = offer(&mut world, &entries);
            all.taken += told.taken;
            all.refused += told.refused;
            next = until;
        }
        after(&mut world);
    }
    all
}

#[test]
fn a_relay_takes_or_refuses_spoiled_changes_and_goes_on() {
    let start = Instant::now();
    let all = offer_all(
        false,
        |world, entries| world.offer_relay(1, entries).unwrap(),
        |world| {
            // What was taken has reached the desks, which hold and show the same.
            world.quiet().unwrap();
            let visit = book_anybody(world, 0, "2026-04-01T15:00");
            world.quiet().unwrap();
            for desk in 0..2 {
                assert_eq!(standing(world, desk, visit), Standing::Confirmed);
            }
            system_tests::world::checks::replicas_agree(world).unwrap();
        },
    );
    println!("relay: {all:?} in {:.1} s", start.elapsed().as_secs_f64());
    assert!(all.refused > count() / 2, "{all:?}");
    assert!(all.taken > count() / UNHARMED / 2, "{all:?}");
}

#[test]
fn a_replica_takes_or_refuses_spoiled_changes_and_goes_on() {
    let start = Instant::now();
    let all = offer_all(
        true,
        |world, entries| {
            if world.replica(0).unwrap().link() != client_core::catalogue::LinkState::Offline {
                world.unplug(0).unwrap();
            }
            world.offer_desk(0, entries).unwrap()
        },
        |world| {
            // Who was offered them works on, apart and with the relay, whatever the relay makes of
            // them; the other never heard of most.
            let visit = book_anybody(world, 0, "2026-04-01T15:00");
            world.plug_in(0).unwrap();
            let missing = |world: &World| {
                let there = |desk| standing(world, desk, visit) == Standing::Confirmed;
                (!(there(0) && there(1))).then(|| "the new visit".to_owned())
            };
            world.go_on_while(&missing).unwrap();
        },
    );
    println!("replica: {all:?} in {:.1} s", start.elapsed().as_secs_f64());
    assert!(all.refused > count() / 2, "{all:?}");
    assert!(all.taken > count() / UNHARMED / 2, "{all:?}");
}
