//! The line between desks and relay: catching up, reconnecting, one change seen by many, one slot
//! wanted by many. Whole homes on the disk, the real relay, real sockets.
//!
//! `cargo bench -p system-tests --bench figures -- line [--only catch-up,many,slot] [--visits N]
//! [--devices N] [--claims N] [--dir FOLDER]`

use std::{
    path::Path,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    Arguments, Relay, bring, cpu, founded, joined, ms, now, practice::Trade, say, spread, took,
};
use client_core::{
    catalogue::{Answer, Command, ErrorCode, Event, LinkState, Query, Standing, StateView},
    home::Home,
};

const PATIENCE: Duration = Duration::from_mins(1);
/// How often an up-to-date device comes back.
const RETURNS: u32 = 50;
/// How many bookings the others watch.
const BOOKINGS: usize = 40;

pub(crate) fn run(arguments: &Arguments) {
    let folder = arguments.folder();
    if arguments.wants("catch-up") {
        catch_up(
            &folder.path().join("catch-up"),
            arguments.number("--visits", 10_000),
        );
    }
    if arguments.wants("many") {
        many(
            &folder.path().join("many"),
            arguments.number("--devices", 50),
        );
    }
    if arguments.wants("slot") {
        slot(
            &folder.path().join("slot"),
            arguments.number("--claims", 20),
        );
    }
}

fn own_cpu() -> Duration {
    cpu(std::process::id())
}

fn state(home: &Home) -> StateView {
    match home.query(Query::State).unwrap() {
        Answer::State(state) => state,
        other => panic!("{other:?}"),
    }
}

/// A newcomer gets everything, then comes back again and again with nothing to fetch.
fn catch_up(place: &Path, visits: usize) {
    let data = place.join("relay");
    let relay = Relay::start(&data);
    let first = founded(&place.join("first"));
    let mut trade = Trade::begin(&first, 4, 200);
    let weeks = i64::try_from(visits.div_ceil(4 * 6 * 20)).unwrap();
    trade.open_weeks(weeks / 2, weeks);
    let ((), filled) = took(|| (0..visits).for_each(|_| trade.book(&first)));
    println!(
        "({visits} visits in {weeks} weeks were booked offline in {:.1} s)",
        filled.as_secs_f64()
    );

    let ((own, relays), start) = ((own_cpu(), relay.cpu()), now());
    bring(&first, &relay, &data);
    say(
        &format!("bringing {visits} visits, booked offline, to the relay"),
        format!(
            "{:.2} s, desk {:.2} s and relay {:.2} s of processor",
            start.elapsed().as_secs_f64(),
            (own_cpu() - own).as_secs_f64(),
            (relay.cpu() - relays).as_secs_f64()
        ),
    );

    // The first desk is away, so that only the newcomer costs anything after it has joined.
    let code = crate::support::invited(&first);
    first.disconnect();
    let before = (own_cpu(), relay.cpu(), relay.traffic(), now());
    let second = crate::support::home(&place.join("second"));
    second
        .request_with(
            client_core::catalogue::HomeRequest::Join {
                code,
                passphrase: String::new(),
            },
            &client_core::home::Opening::MachineKey,
        )
        .unwrap();
    second.wait_in_step(Duration::from_mins(10)).unwrap();
    let wall = before.3.elapsed();
    let (device, relays) = (own_cpu() - before.0, relay.cpu() - before.1);
    let (up, down) = relay.traffic();
    say(
        &format!("a device joins and gets {visits} visits"),
        format!(
            "{:.2} s, device {:.2} s and relay {:.3} s of processor, {:.2} MB down, {:.1} KB up",
            wall.as_secs_f64(),
            device.as_secs_f64(),
            relays.as_secs_f64(),
            (down - before.2.1) as f64 / 1e6,
            (up - before.2.0) as f64 / 1e3
        ),
    );
    // The first desk has yet to hear of the newcomer's seat.
    first.connect().unwrap();
    settle(&second, std::slice::from_ref(&first));
    assert_eq!(state(&first).clashes, state(&second).clashes);
    first.disconnect();

    let mut times = Vec::new();
    let before = (relay.cpu(), relay.traffic());
    for _ in 0..RETURNS {
        second.disconnect();
        let ((), time) = took(|| {
            second.connect().unwrap();
            second.wait_in_step(PATIENCE).unwrap();
        });
        times.push(time);
    }
    let relays = relay.cpu() - before.0;
    let (up, down) = relay.traffic();
    let each = |bytes: u64| bytes / u64::from(RETURNS);
    say("reconnecting when up to date", spread(&mut times));
    say(
        "  of it for the relay, per connection",
        format!(
            "{:.2} ms of processor, {} B up, {} B down",
            ms(relays / RETURNS),
            each(up - before.1.0),
            each(down - before.1.1)
        ),
    );
    drop((first, second));

    relay.stop();
    let (relay, time) = took(|| Relay::start(&data));
    say(
        "restarting the relay with this practice",
        format!(
            "{:.0} ms to serving, {} MiB",
            ms(time),
            relay.memory() / 1024
        ),
    );
}

/// One books, the others see it.
fn many(place: &Path, devices: usize) {
    let data = place.join("relay");
    let relay = Relay::start(&data);
    let owner = founded(&place.join("owner"));
    let mut trade = Trade::begin(&owner, 4, 20);
    trade.open_weeks(0, 4);
    bring(&owner, &relay, &data);
    let desks: Vec<Home> = (0..devices)
        .map(|n| joined(&owner, &place.join(n.to_string())))
        .collect();
    for desk in &desks {
        desk.wait_in_step(PATIENCE).unwrap();
    }

    let mut seen = Vec::new();
    let mut last = Vec::new();
    let mut replies = Vec::new();
    let before = (relay.cpu(), relay.traffic());
    for _ in 0..BOOKINGS {
        let booking = trade.next();
        let date = booking.start.date();
        let location = booking.location;
        let start = booking.start;
        let staff = booking.staff;
        let listeners: Vec<_> = desks.iter().map(|desk| (desk, desk.subscribe())).collect();
        let began = now();
        let mut times: Vec<Duration> = thread::scope(|scope| {
            let watching: Vec<_> = listeners
                .into_iter()
                .map(|(desk, events)| {
                    scope.spawn(move || {
                        loop {
                            let event = events.recv_timeout(PATIENCE).expect("an event");
                            if !matches!(event, Event::Changed { schedule: true, .. }) {
                                continue;
                            }
                            let told = began.elapsed();
                            let answer = desk.query(Query::Day { location, date }).unwrap();
                            let Answer::Day(day) = answer else {
                                panic!("{answer:?}")
                            };
                            if day.visits.iter().any(|visit| {
                                visit.start == start
                                    && visit.parts.iter().any(|part| part.resource == staff)
                            }) {
                                return told;
                            }
                        }
                    })
                })
                .collect();
            let (reply, time) = took(|| owner.execute(Command::Book(booking)));
            reply.unwrap();
            replies.push(time);
            watching
                .into_iter()
                .map(|one| one.join().unwrap())
                .collect()
        });
        times.sort_unstable();
        last.extend(times.last().copied());
        seen.append(&mut times);
        settle(&owner, &desks);
    }
    let deliveries = (BOOKINGS * devices) as f64;
    let relays = relay.cpu() - before.0;
    let (up, down) = relay.traffic();
    say(
        &format!("one books, {devices} desks show it"),
        spread(&mut seen),
    );
    say("  until the last of them shows it", spread(&mut last));
    say(
        "  until the one who books knows it is confirmed",
        spread(&mut replies),
    );
    say(
        "  per desk and booking (3 entries: visit, details, word)",
        format!(
            "{:.0} B, {:.0} us of the relay's processor",
            (down - before.1.1) as f64 / deliveries,
            relays.as_secs_f64() * 1e6 / deliveries
        ),
    );
    say(
        "  upwards, per booking",
        format!("{} B", (up - before.1.0) / BOOKINGS as u64),
    );
}

/// Waits until all are at the same point, so that one round does not disturb the next.
fn settle(owner: &Home, desks: &[Home]) {
    let until = now() + PATIENCE;
    let wanted = || {
        owner.wait_in_step(PATIENCE).unwrap();
        state(owner).entries
    };
    for desk in desks {
        while state(desk).entries != wanted() {
            assert!(now() < until, "all desks come to hold the same");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Many connected desks want one slot at the same moment. All of them share this machine's
/// processors here; what the relay alone does with hundreds is in `relay`.
fn slot(place: &Path, claims: usize) {
    let data = place.join("relay");
    let relay = Relay::start(&data);
    let owner = founded(&place.join("owner"));
    let mut trade = Trade::begin(&owner, 4, 1);
    trade.open_weeks(-1, 1);
    bring(&owner, &relay, &data);
    let (desks, joining) = took(|| {
        (0..claims)
            .map(|n| joined(&owner, &place.join(n.to_string())))
            .collect::<Vec<_>>()
    });
    println!(
        "({claims} devices joined in {:.1} s; the relay then holds {} MiB)",
        joining.as_secs_f64(),
        relay.memory() / 1024
    );
    for desk in &desks {
        desk.wait_in_step(PATIENCE).unwrap();
        assert_eq!(state(desk).link, LinkState::InStep);
    }
    for round in 0..3 {
        let booking = trade.next();
        let start = Barrier::new(claims + 1);
        let before = (relay.cpu(), own_cpu());
        let mut outcomes: Vec<(bool, usize, Duration)> = Vec::new();
        let mut began = now();
        thread::scope(|scope| {
            let asking: Vec<_> = desks
                .iter()
                .map(|desk| {
                    let (start, booking) = (&start, booking.clone());
                    scope.spawn(move || {
                        start.wait();
                        let asked: Instant = now();
                        let reply = desk.execute(Command::Book(booking));
                        let time = asked.elapsed();
                        match reply {
                            Ok(_) => (true, 0, time),
                            Err(refusal) => {
                                assert_eq!(refusal.code, ErrorCode::SlotTaken, "{refusal:?}");
                                (false, refusal.alternatives.len(), time)
                            }
                        }
                    })
                })
                .collect();
            start.wait();
            began = now();
            outcomes.extend(asking.into_iter().map(|one| one.join().unwrap()));
        });
        let wall = began.elapsed();
        let kept = outcomes.iter().filter(|(kept, ..)| *kept).count();
        let offered = outcomes.iter().filter(|(kept, n, _)| !kept && *n > 0);
        let offered = offered.count();
        settle(&owner, &desks);
        let all = began.elapsed();
        let mut times: Vec<_> = outcomes.iter().map(|(.., time)| *time).collect();
        say(
            &format!(
                "{claims} connected claims for one slot, round {}",
                round + 1
            ),
            format!(
                "{:.0} ms to the last answer: {kept} kept, {} refused, {offered} of them with alternatives",
                ms(wall),
                claims - kept
            ),
        );
        say("  answers", spread(&mut times));
        say(
            "  until every desk holds the same",
            format!(
                "{:.0} ms; relay {:.0} ms, desks {:.0} ms of processor",
                ms(all),
                ms(relay.cpu() - before.0),
                ms(own_cpu() - before.1)
            ),
        );
        let day = owner
            .query(Query::Day {
                location: booking.location,
                date: booking.start.date(),
            })
            .unwrap();
        let Answer::Day(day) = day else {
            panic!("{day:?}")
        };
        let confirmed = day.visits.iter().filter(|visit| {
            visit.start == booking.start
                && visit.standing == Standing::Confirmed
                && visit
                    .parts
                    .iter()
                    .any(|part| part.resource == booking.staff)
        });
        assert_eq!(confirmed.count(), 1, "one has the slot");
        let reviews = owner.query(Query::Reviews).unwrap();
        let Answer::Reviews { reviews } = reviews else {
            panic!("{reviews:?}")
        };
        assert!(reviews.is_empty(), "nothing for a person to settle");
    }
}
