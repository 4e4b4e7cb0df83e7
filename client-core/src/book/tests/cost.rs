//! What the promised sizes cost. Run with
//! `cargo test --release -p client-core --lib book::tests::cost -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use super::*;

#[allow(clippy::disallowed_methods, reason = "measures")]
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let done = work();
    (begun.elapsed(), done)
}

#[test]
#[ignore = "a measurement of release builds"]
#[allow(clippy::print_stderr, reason = "a measurement")]
fn fifty_thousand_clients_are_searched_in_30_ms() {
    let mut desk = Desk::new(1);
    let first = [
        "Ana", "Jörg", "Maria", "Chloé", "Omar", "Lena", "Ivan", "Noor", "Pablo", "Ines",
    ];
    let syllables = [
        "gar", "mül", "lo", "ber", "tin", "cía", "dez", "mann", "son", "ri", "ka", "vel",
    ];
    let (folding, ()) = timed(|| {
        for number in 0..50_000_u16 {
            let part = |by: usize| syllables[usize::from(number) / by % 12];
            let name = format!(
                "{} {}{}{}{}",
                first[usize::from(number) % 10],
                part(1),
                part(12),
                part(144),
                part(1728),
            );
            desk.client(
                number,
                &name,
                &format!("+34 6{:08}", u64::from(number) * 7_919 % 100_000_000),
            );
            desk.pet(
                number,
                number,
                syllables[usize::from(number) % 12],
                &format!("9410000{number:08}"),
            );
        }
    });
    assert_eq!(desk.book.clients(0, 1).1, 50_000);
    let mut times = Vec::new();
    for question in [
        "a",
        "an",
        "ana",
        "ana g",
        "garc",
        "garcia",
        "gracia",
        "mulle",
        "bermul",
        "vellotin",
        "678",
        "1234",
        "600",
        "6123",
        "#0123",
        "#941",
        "lena ka",
        "zzzzz",
        "noor manngar",
    ] {
        for _ in 0..5 {
            let (took, found) = timed(|| desk.book.search(question, 20));
            times.push((took, question, found.1));
        }
    }
    times.sort_unstable();
    let p95 = times[times.len() * 95 / 100];
    eprintln!(
        "wrote and folded 100,000 records in {folding:?}; search p50 {:?}, p95 {p95:?}, worst {:?}",
        times[times.len() / 2],
        times[times.len() - 1]
    );
    assert!(p95.0 <= Duration::from_millis(30), "{p95:?}");
}

#[test]
#[ignore = "a measurement of release builds"]
#[allow(clippy::print_stderr, reason = "a measurement")]
fn a_day_among_five_busy_weeks_opens_in_a_few_milliseconds() {
    let mut desk = Desk::new(1);
    desk.found();
    let mut id = 0_u16;
    for week in 0..5_i32 {
        let monday: Date = day("2026-03-02");
        for visit in 0..240_i32 {
            let date = monday + jiff::Span::new().days(week * 7 + visit / 40);
            let (hour, minute) = (8 + visit % 40 / 4, visit % 4 * 15);
            let start = format!("{date}T{hour:02}:{minute:02}");
            let staff = if visit % 2 == 0 { ANN } else { BOB };
            let placement = desk.placed(NORTH, &start, 15, staff);
            let (actor, claim) = (desk.actor, AppointmentId::from_bytes(client(id).to_bytes()));
            id += 1;
            desk.schedule(week_of(NORTH, &start), |week| {
                let (kind, source) = (ClaimKind::Visit, Source::Desk);
                week.book(actor, claim, kind, source, &placement)
                    .unwrap()
                    .unwrap()
            });
        }
    }
    let (cold, _) = timed(|| desk.book.day_view(NORTH, day("2026-03-18")).unwrap());
    let (warm, view) = timed(|| desk.book.day_view(NORTH, day("2026-03-18")).unwrap());
    desk.book(9, NORTH, "2026-03-18T17:45", 15, ANN);
    let (after, _) = timed(|| desk.book.day_view(NORTH, day("2026-03-18")).unwrap());
    let query = FreeQuery {
        location: NORTH,
        service: Some(CHECK_UP),
        minutes: None,
        staff: None,
        from: None,
        days: Some(56),
        limit: Some(20),
    };
    let (free, _) = timed(|| desk.book.free(&query, noon_before()).unwrap());
    eprintln!(
        "{} visits: cold {cold:?}, warm {warm:?}, after one change {after:?}; free slots {free:?}",
        view.visits.len()
    );
    assert!(warm <= Duration::from_millis(5) && after <= Duration::from_millis(100));
}
