//! What a day at the desk costs with a year of history: booking, unlocking, today, search, free
//! slots.
//!
//! `cargo bench -p system-tests --bench figures -- desk [--visits N] [--clients N] [--dir FOLDER]`

use std::time::Duration;

use crate::support::{
    Arguments, cpu, founded, home, memory, ms, now,
    practice::{Trade, name, today},
    say, spread, took,
};
use client_core::{
    catalogue::{Answer, Command, FreeQuery, Query},
    home::{Home, Opening},
};

/// How often each question is asked.
const TIMES: usize = 200;

pub(crate) fn run(arguments: &Arguments) {
    let visits = arguments.number("--visits", 20_000);
    let clients = arguments.number("--clients", 50_000);
    let folder = arguments.folder();
    let place = folder.path().join("home");

    let desk = founded(&place);
    let mut trade = Trade::begin(&desk, 4, 1);
    let busy = own_cpu();
    let ((), time) = took(|| trade.meet(&desk, clients));
    say(
        &format!("entering {clients} clients, durable one by one"),
        format!(
            "{:.2} ms each, {:.2} ms of processor",
            ms(time) / clients.max(1) as f64,
            ms(own_cpu() - busy) / clients.max(1) as f64
        ),
    );

    // All but the last four weeks lie in the past.
    let a_week = trade.staff.len() * 6 * 20;
    let weeks = i64::try_from(visits.div_ceil(a_week) + 1).unwrap();
    trade.open_weeks(weeks - 4, weeks + 4);
    let mut times: Vec<Duration> = Vec::new();
    let mut done = 0;
    for step in [visits / 20, visits / 4, visits / 2, visits] {
        times.clear();
        let busy = own_cpu();
        while done < step {
            let booking = trade.next();
            let (reply, time) = took(|| desk.execute(Command::Book(booking)));
            reply.unwrap();
            times.push(time);
            done += 1;
        }
        let from = times.len().saturating_sub(TIMES);
        say(
            &format!("booking offline, {step} visits held"),
            format!(
                "{}; since the last line {:.2} ms of processor each",
                spread(&mut times[from..]),
                ms(own_cpu() - busy) / times.len() as f64
            ),
        );
    }
    desk.lock();
    drop(desk);

    let desk = home(&place);
    let before = own_cpu();
    let start = now();
    desk.unlock(&Opening::MachineKey).unwrap();
    let unlocked = start.elapsed();
    let (_, first) = took(|| day(&desk, &trade, 0));
    say(
        &format!("unlocking with {visits} visits, {clients} clients"),
        format!("{:.0} ms", ms(unlocked)),
    );
    say("today, the first time", format!("{:.1} ms", ms(first)));
    say(
        "unlock to today",
        format!(
            "{:.0} ms, {:.0} ms of processor",
            ms(start.elapsed()),
            ms(own_cpu() - before)
        ),
    );
    say(
        "memory of the process afterwards",
        format!("{} MiB", memory(std::process::id()) / 1024),
    );

    series("another day", TIMES, |n| {
        took(|| day(&desk, &trade, i64::try_from(n % 21).unwrap() - 10)).1
    });

    series("a booking, and today again", 20, |_| {
        took(|| {
            trade.book(&desk);
            day(&desk, &trade, 0)
        })
        .1
    });

    search(&desk, clients);
    free(&desk, &trade);
}

fn own_cpu() -> Duration {
    cpu(std::process::id())
}

/// Does something several times and says how long each took.
fn series(what: &str, times: usize, work: impl FnMut(usize) -> Duration) {
    let busy = own_cpu();
    let mut all: Vec<Duration> = (0..times).map(work).collect();
    let busy = ms(own_cpu() - busy) / times as f64;
    say(
        what,
        format!("{}; {busy:.2} ms of processor each", spread(&mut all)),
    );
}

fn day(desk: &Home, trade: &Trade, offset: i64) -> usize {
    let date = today() + jiff::Span::new().days(offset);
    let location = trade.location;
    match desk.query(Query::Day { location, date }).unwrap() {
        Answer::Day(day) => day.visits.len(),
        other => panic!("{other:?}"),
    }
}

/// What is typed at a desk: the beginning of a name, letter by letter, or digits of a phone.
fn search(desk: &Home, clients: usize) {
    series(&format!("search over {clients} clients"), TIMES, |n| {
        let wanted = n * (clients / TIMES).max(1);
        let full = name(wanted);
        let digits = format!("07{:09}", wanted.wrapping_mul(7_919_993) % 1_000_000_000);
        let typed = match n % 4 {
            0 => full.clone(),
            1 => full.chars().take(3).collect(),
            2 => full
                .split(' ')
                .next_back()
                .unwrap()
                .chars()
                .take(4)
                .collect(),
            _ => digits.chars().skip(5).collect::<String>(),
        };
        let query = Query::Search {
            text: typed,
            limit: None,
        };
        let (answer, time) = took(|| desk.query(query).unwrap());
        let Answer::Found { clients, .. } = answer else {
            panic!("{answer:?}")
        };
        assert!(!clients.is_empty(), "{full} is there");
        time
    });
}

fn free(desk: &Home, trade: &Trade) {
    series("free slots, two weeks", TIMES, |n| {
        let query = FreeQuery {
            location: trade.location,
            service: None,
            minutes: Some(30),
            staff: n
                .is_multiple_of(2)
                .then(|| trade.staff[n % trade.staff.len()]),
            from: None,
            days: Some(14),
            limit: Some(20),
        };
        let (answer, time) = took(|| desk.query(Query::Free(query)).unwrap());
        assert!(matches!(answer, Answer::Free { .. }));
        time
    });
}
