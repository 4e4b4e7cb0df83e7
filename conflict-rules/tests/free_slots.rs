//! Opening hours, clock changes and free slots.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

mod support;

use conflict_rules::{
    Ask, Booking, Capacities, Need, OccupancyKind, OpeningHours, Pattern, PatternError, PlaceError,
    ResourceId, Segment, Slot, TimeRange, free_slots, open_between, open_ranges, oracle, place,
    time_zone,
};
use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};
use proptest::{collection::vec, prelude::*, sample::select};
use support::{apt, civil, name, res};

fn hours(text: &str) -> OpeningHours {
    let day: Vec<(Time, Time)> = text
        .split_whitespace()
        .map(|stretch| {
            let (from, until) = stretch.split_once('-').unwrap();
            (from.parse().unwrap(), until.parse().unwrap())
        })
        .collect();
    let mut hours = OpeningHours::default();
    hours.weekly.days.fill(day);
    hours
}

/// The instants of a day's hours in UTC, `08:00-17:00` with a `+1` or `-1` for another date.
fn check_open(zone: &str, day: &str, wall: &str, expected: &str) {
    let zone = time_zone(zone).unwrap();
    let day = day.parse().unwrap();
    let found: Vec<String> = open_ranges(&hours(wall), &zone, day)
        .iter()
        .map(|range| {
            format!(
                "{}..{}",
                &range.start().to_string()[8..16],
                &range.end().to_string()[8..16]
            )
        })
        .collect();
    assert_eq!(found.join(" "), expected);
}

#[test]
fn ordinary_days() {
    check_open(
        "Europe/Paris",
        "2026-03-02",
        "09:00-12:00 14:00-18:00",
        "02T08:00..02T11:00 02T13:00..02T17:00",
    );
    check_open(
        "Europe/Paris",
        "2026-03-02",
        "09:00-12:00 12:00-18:00",
        "02T08:00..02T17:00",
    );
    check_open(
        "America/New_York",
        "2026-07-01",
        "18:00-00:00",
        "01T22:00..02T04:00",
    );
    check_open(
        "Asia/Kolkata",
        "2026-07-01",
        "00:00-00:00",
        "30T18:30..01T18:30",
    );
    check_open("UTC", "2026-03-01", "22:00-06:00", "01T22:00..02T06:00");
}

#[test]
fn clocks_go_forward_and_back() {
    // Paris skips 02:00 to 03:00 on 29 March and shows it twice on 25 October.
    check_open(
        "Europe/Paris",
        "2026-03-29",
        "09:00-17:00",
        "29T07:00..29T15:00",
    );
    check_open(
        "Europe/Paris",
        "2026-03-29",
        "01:30-02:30",
        "29T00:30..29T01:00",
    );
    check_open("Europe/Paris", "2026-03-29", "02:15-02:45", "");
    check_open(
        "Europe/Paris",
        "2026-03-29",
        "02:30-03:30",
        "29T01:00..29T01:30",
    );
    check_open(
        "Europe/Paris",
        "2026-03-28",
        "22:00-06:00",
        "28T21:00..29T04:00",
    );
    check_open(
        "Europe/Paris",
        "2026-10-25",
        "02:15-02:45",
        "25T00:15..25T00:45 25T01:15..25T01:45",
    );
    check_open(
        "Europe/Paris",
        "2026-10-25",
        "01:00-04:00",
        "24T23:00..25T03:00",
    );
    check_open(
        "Europe/Paris",
        "2026-10-25",
        "00:00-00:00",
        "24T22:00..25T23:00",
    );
}

#[test]
fn lord_howe_moves_by_half_an_hour() {
    // +11:00 in summer, +10:30 in winter; back at 02:00 on 5 April, forward at 02:00 on 4 October.
    check_open(
        "Australia/Lord_Howe",
        "2026-04-05",
        "01:00-03:00",
        "04T14:00..04T16:30",
    );
    check_open(
        "Australia/Lord_Howe",
        "2026-04-05",
        "01:30-01:45",
        "04T14:30..04T14:45 04T15:00..04T15:15",
    );
    check_open(
        "Australia/Lord_Howe",
        "2026-10-04",
        "01:00-03:00",
        "03T14:30..03T16:00",
    );
    check_open("Australia/Lord_Howe", "2026-10-04", "02:00-02:30", "");
    let (ann, visit) = (res("ann"), Pattern::simple(30).unwrap());
    let zone = "Australia/Lord_Howe";
    let skipped = place(&visit, civil("2026-10-04T02:15"), zone, ann, None);
    assert_eq!(
        skipped,
        Err(PlaceError::SkippedByClock(civil("2026-10-04T02:15")))
    );
    let twice = place(&visit, civil("2026-04-05T01:45"), zone, ann, None).unwrap();
    assert_eq!(twice.span().start().to_string(), "2026-04-04T14:45:00Z");
    assert_eq!(twice.shifted_by_zone_rules(), None);
}

#[test]
fn midnight_that_the_clock_skips() {
    // Cairo goes forward at 00:00 on Friday 24 April 2026.
    check_open(
        "Africa/Cairo",
        "2026-04-24",
        "00:00-02:00",
        "23T22:00..23T23:00",
    );
    check_open(
        "Africa/Cairo",
        "2026-04-23",
        "22:00-00:00",
        "23T20:00..23T22:00",
    );
}

#[test]
fn holidays_special_days_and_the_sunday_night() {
    let mut hours = hours("09:00-17:00");
    let sunday = "2026-03-01".parse().unwrap();
    let monday = "2026-03-02".parse().unwrap();
    hours.weekly.days[6] = vec![("20:00".parse().unwrap(), Time::midnight())];
    hours.weekly.days[0] = vec![(Time::midnight(), "02:00".parse().unwrap())];
    let joined = open_between(&hours, &TimeZone::UTC, sunday, monday);
    assert_eq!(joined.len(), 1, "open through the change of week");
    assert_eq!(joined[0].seconds(), 6 * 3600);
    hours.special.insert(
        sunday,
        vec![("10:00".parse().unwrap(), "11:00".parse().unwrap())],
    );
    assert_eq!(
        open_ranges(&hours, &TimeZone::UTC, sunday)[0].seconds(),
        3600
    );
    hours.closed.insert(sunday);
    assert!(open_ranges(&hours, &TimeZone::UTC, sunday).is_empty());
    let json = serde_json::to_string(&hours).unwrap();
    assert_eq!(serde_json::from_str::<OpeningHours>(&json).unwrap(), hours);
}

fn range(from: &str, until: &str) -> TimeRange {
    TimeRange::new(from.parse().unwrap(), until.parse().unwrap()).unwrap()
}

fn segment(offset_minutes: u32, minutes: u32, kind: OccupancyKind, needs: Need) -> Segment {
    Segment {
        offset_minutes,
        minutes,
        kind,
        needs,
    }
}

fn work(offset: u32, minutes: u32) -> Segment {
    segment(offset, minutes, OccupancyKind::Work, Need::Staff)
}

/// Free slots on one UTC morning, `ann 09:00, ann/one 09:15`; staff work from nine to ten.
fn check_free(pattern: Vec<Segment>, rooms: &[&str], rows: &str, expected: &str) {
    let (claims, capacities) = support::timetable(rows);
    let bookings =
        conflict_rules::bookings_of(&conflict_rules::effective_for_clashes(&claims, &[]));
    let pattern = Pattern::new(pattern).unwrap();
    let rooms: Vec<ResourceId> = rooms.iter().map(|room| res(room)).collect();
    let staff = [(res("ann"), vec![support::range("09:00-10:00")])];
    let ask = Ask {
        pattern: &pattern,
        staff: &staff,
        rooms: &rooms,
        open: vec![support::range("08:00-18:00")],
        zone: &TimeZone::UTC,
        step_minutes: 15,
        from: support::at("08:00"),
        until: support::at("18:00"),
        limit: 100,
    };
    let slots = free_slots(&ask, &bookings, &capacities);
    let words: Vec<String> = slots.iter().map(in_words).collect();
    assert_eq!(words.join(" "), expected);
    assert_same(&ask, &bookings, &capacities);
}

fn in_words(slot: &Slot) -> String {
    let room = slot
        .room
        .map(|room| format!("/{}", name(room)))
        .unwrap_or_default();
    format!(
        "{}{room}@{}",
        name(slot.staff),
        &slot.start.to_string()[11..16]
    )
}

fn assert_same(ask: &Ask<'_>, bookings: &[Booking], capacities: &Capacities) {
    let quick = free_slots(ask, bookings, capacities);
    let slow = oracle::free_slots(ask, bookings, capacities);
    let quick_too: Vec<_> = quick.iter().map(|s| (s.start, s.staff, s.room)).collect();
    assert_eq!(quick_too, slow);
    for slot in &quick {
        assert_eq!(slot.placement.work_start(), Some(slot.start));
        assert_eq!(slot.placement.shifted_by_zone_rules(), None);
    }
}

#[test]
fn slots_between_visits() {
    check_free(vec![work(0, 30)], &[], "", "ann@09:00 ann@09:15 ann@09:30");
    check_free(vec![work(0, 30)], &[], "1 ann - 09:15-09:30", "ann@09:30");
    check_free(
        vec![work(0, 30)],
        &[],
        "1 ann - 09:15-09:30 cancelled",
        "ann@09:00 ann@09:15 ann@09:30",
    );
    // Right after one visit, but not through the next.
    check_free(
        vec![work(0, 30)],
        &[],
        "1 ann - 09:00-09:15\n2 ann - 09:20-09:30",
        "ann@09:30",
    );
    check_free(
        vec![work(0, 30)],
        &[],
        "1 bob - 09:00-10:00",
        "ann@09:00 ann@09:15 ann@09:30",
    );
}

#[test]
fn buffers_need_time_and_preparation_lies_before_the_start() {
    let cleaning = segment(30, 15, OccupancyKind::Buffer, Need::Staff);
    check_free(vec![work(0, 30), cleaning], &[], "", "ann@09:00 ann@09:15");
    let preparation = segment(0, 10, OccupancyKind::Buffer, Need::Staff);
    check_free(
        vec![preparation, work(10, 30)],
        &[],
        "",
        "ann@09:15 ann@09:30",
    );
    check_free(
        vec![preparation, work(10, 30)],
        &[],
        "1 ann - 09:00-09:10",
        "ann@09:30",
    );
}

#[test]
fn a_short_visit_fits_while_the_colour_sets() {
    check_free(
        vec![work(0, 15)],
        &[],
        "1 ann - 09:00-09:15,09:45-10:00",
        "ann@09:15 ann@09:30",
    );
    // And the colour fits around a short visit.
    check_free(
        vec![work(0, 15), work(45, 15)],
        &[],
        "1 ann - 09:15-09:45",
        "ann@09:00",
    );
}

#[test]
fn rooms_in_order_and_with_their_capacity() {
    let bath = vec![work(0, 30), segment(0, 30, OccupancyKind::Work, Need::Room)];
    check_free(
        bath.clone(),
        &["one", "two"],
        "1 bob one 09:00-09:30",
        "ann/two@09:00 ann/two@09:15 ann/one@09:30",
    );
    check_free(
        bath.clone(),
        &["tub"],
        "1 bob tub*2 09:00-10:00",
        "ann/tub@09:00 ann/tub@09:15 ann/tub@09:30",
    );
    check_free(
        bath.clone(),
        &["tub"],
        "1 bob tub*2 09:00-10:00\n2 cat tub*2 09:30-10:00",
        "ann/tub@09:00",
    );
    check_free(bath.clone(), &["tub"], "1 bob tub*0 07:00-07:30", "");
    check_free(bath, &[], "", "ann@09:00 ann@09:15 ann@09:30");
}

#[test]
fn a_service_is_checked() {
    assert_eq!(Pattern::new(vec![]), Err(PatternError::NoWork));
    assert_eq!(
        Pattern::new(vec![work(0, 0)]),
        Err(PatternError::EmptySegment)
    );
    assert_eq!(
        Pattern::new(vec![work(0, 60 * 24 * 32)]),
        Err(PatternError::TooLong)
    );
    assert_eq!(
        Pattern::new(vec![work(0, 5); 33]),
        Err(PatternError::TooManySegments)
    );
    let bath = Pattern::new(vec![segment(0, 30, OccupancyKind::Work, Need::Room)]).unwrap();
    let unplaced = place(&bath, civil("2026-03-02T09:00"), "UTC", res("ann"), None);
    assert_eq!(unplaced, Err(PlaceError::RoomNeeded));
    let nowhere = place(
        &bath,
        civil("2026-03-02T09:00"),
        "Mars/Olympus",
        res("ann"),
        Some(res("tub")),
    );
    assert_eq!(nowhere, Err(PlaceError::UnknownZone));
}

#[test]
fn the_night_of_the_clock_change_offers_each_time_once() {
    let zone = time_zone("Australia/Lord_Howe").unwrap();
    let pattern = Pattern::simple(15).unwrap();
    for (open, count) in [
        (range("2026-04-04T14:00Z", "2026-04-04T16:30Z"), 8), // 01:00 to 03:00, 01:30 to 02:00 twice
        (range("2026-10-03T14:30Z", "2026-10-03T16:00Z"), 6), // 02:00 to 02:30 is skipped
    ] {
        let staff = [(res("ann"), vec![open])];
        let ask = Ask {
            pattern: &pattern,
            staff: &staff,
            rooms: &[],
            open: vec![open],
            zone: &zone,
            step_minutes: 15,
            from: open.start(),
            until: open.end(),
            limit: usize::MAX,
        };
        assert_eq!(free_slots(&ask, &[], &Capacities::default()).len(), count);
        assert_same(&ask, &[], &Capacities::default());
    }
}

fn a_segment() -> impl Strategy<Value = Segment> {
    (0..12_u32, 1..10_u32, any::<bool>(), any::<bool>()).prop_map(|(offset, long, buffer, room)| {
        let kind = if buffer {
            OccupancyKind::Buffer
        } else {
            OccupancyKind::Work
        };
        segment(
            offset * 5,
            long * 5,
            kind,
            if room { Need::Room } else { Need::Staff },
        )
    })
}

/// Five-minute ranges within ten hours of a start.
fn some_ranges(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(i64, i64)>> {
    vec((0..120_i64, 1..60_i64), count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn quick_and_slow_offer_the_same(
        segments in vec(a_segment(), 1..4),
        working in vec(some_ranges(1..3), 2),
        open in some_ranges(1..3),
        taken in vec((0..4_usize, 0..120_i64, 1..12_i64, 1..3_u16), 0..12),
        rooms in 0..3_usize,
        capacities in vec(0..3_u16, 4),
        step in select(&[5_u32, 10, 15, 20][..]),
        (zone, night) in select(&[
            ("UTC", "2026-03-01T20:00Z"),
            ("Europe/Paris", "2026-03-28T22:00Z"),
            ("Europe/Paris", "2026-10-24T21:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T11:00Z"),
            ("Australia/Lord_Howe", "2026-10-03T11:00Z"),
            ("Africa/Cairo", "2026-04-23T18:00Z"),
        ][..]),
    ) {
        let Ok(pattern) = Pattern::new(segments) else { return Ok(()) };
        let begin: Timestamp = night.parse().unwrap();
        let at = |n: i64| begin + SignedDuration::from_mins(n * 5);
        let range = |(from, long): (i64, i64)| TimeRange::new(at(from), at(from + long)).unwrap();
        let ranges = |all: &[(i64, i64)]| all.iter().copied().map(range).collect::<Vec<_>>();
        let who = [res("ann"), res("bob"), res("one"), res("two")];
        let staff = [(who[0], ranges(&working[0])), (who[1], ranges(&working[1]))];
        let bookings: Vec<Booking> = (0..).zip(taken).map(|(n, (resource, from, long, units))| Booking {
            claim: apt(n / 2),
            resource: who[resource],
            range: range((from, long)),
            units,
            kind: OccupancyKind::Work,
        }).collect();
        let zone = time_zone(zone).unwrap();
        let ask = Ask {
            pattern: &pattern,
            staff: &staff,
            rooms: &who[2..2 + rooms],
            open: ranges(&open),
            zone: &zone,
            step_minutes: step,
            from: at(0),
            until: at(110),
            limit: usize::MAX,
        };
        let capacities = who.iter().copied().zip(capacities).collect();
        assert_same(&ask, &bookings, &capacities);
    }
}

/// A week of a large practice, eight weeks ahead: the shape of the question, many times.
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "measures how long an answer takes"
)]
fn eight_weeks_of_fifteen_people_are_answered_at_once() {
    let zone = time_zone("Europe/Paris").unwrap();
    let mut hours = hours("08:00-12:00 13:00-19:00");
    hours.weekly.days[6].clear();
    let open = open_between(
        &hours,
        &zone,
        "2026-03-02".parse().unwrap(),
        "2026-04-26".parse().unwrap(),
    );
    let who = |n: usize| res(&format!("staff {n}"));
    let rooms: Vec<ResourceId> = (0..6).map(|n| res(&format!("room {n}"))).collect();
    let staff: Vec<_> = (0..15).map(|n| (who(n), open.clone())).collect();
    // Every half hour of every second opening is taken, for everybody.
    let mut bookings = Vec::new();
    for (n, open) in open.iter().enumerate().filter(|(n, _)| n % 2 == 0) {
        for half in 0..open.seconds() / 1800 {
            let start = open.start() + SignedDuration::from_secs(half * 1800);
            let range = TimeRange::new(start, start + SignedDuration::from_mins(30)).unwrap();
            for person in 0..15 {
                let mut id = [0; 16];
                id[..8].copy_from_slice(&u64::try_from(bookings.len()).unwrap().to_be_bytes());
                bookings.push(Booking {
                    claim: conflict_rules::AppointmentId::from_bytes(id),
                    resource: who(person),
                    range,
                    units: 1,
                    kind: OccupancyKind::Work,
                });
            }
        }
        assert!(n < 200);
    }
    assert!(bookings.len() > 5000, "{}", bookings.len());
    let pattern = Pattern::new(vec![
        work(0, 20),
        work(50, 20),
        segment(0, 70, OccupancyKind::Work, Need::Room),
        segment(70, 10, OccupancyKind::Buffer, Need::Room),
    ])
    .unwrap();
    let ask = Ask {
        pattern: &pattern,
        staff: &staff,
        rooms: &rooms,
        open: open.clone(),
        zone: &zone,
        step_minutes: 5,
        from: open[0].start(),
        until: open[open.len() - 1].end(),
        limit: usize::MAX,
    };
    let began = std::time::Instant::now();
    let slots = free_slots(&ask, &bookings, &Capacities::default());
    let all = began.elapsed();
    assert!(slots.len() > 10_000, "{}", slots.len());
    let few = Ask {
        limit: 50,
        from: ask.from,
        until: ask.until,
        open,
        ..ask
    };
    let began = std::time::Instant::now();
    assert_eq!(
        free_slots(&few, &bookings, &Capacities::default()).len(),
        50
    );
    let first = began.elapsed();
    let began = std::time::Instant::now();
    let none = std::collections::BTreeSet::new();
    assert!(
        conflict_rules::clashes(bookings.iter().copied(), &Capacities::default(), &none).is_empty()
    );
    let clashes = began.elapsed();
    let slowest = all.max(first).max(clashes);
    // Unoptimised and on a busy machine; optimised it is a fraction of this.
    assert!(
        slowest.as_secs() < 10,
        "all {all:?}, first fifty {first:?}, clashes {clashes:?}"
    );
}
