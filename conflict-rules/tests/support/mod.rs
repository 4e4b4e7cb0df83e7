//! Timetables as anyone at the desk would write them.
//!
//! ```text
//! 1 ann - 09:00-09:30              a visit: number, staff, room or -, from-until
//! 2 ann tub 09:00-09:20,09:50-10:00   staff free while the colour sets; the room is taken throughout
//! 3 ann - 09:00-09:30+10           ten minutes of cleaning after it
//! 3 bob - 11:00-11:30              the same number again: a concurrent move
//! 4 ann - 09:00-09:30 cancelled    concurrent states with a slash: arrived/cancelled
//! 5 - tub*2 09:00-10:00            a room for two
//! ```
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeSet;

use conflict_rules::{
    AppointmentId, Capacities, Claim, ClaimKind, ClaimState, Clash, Decision, DecisionId,
    LocationId, Occupancy, OccupancyKind, Placement, ResourceId, Source, TimeRange, Verdict,
};
use jiff::{SignedDuration, Timestamp, civil};

pub(crate) const DAY: &str = "2026-03-02";

pub(crate) fn apt(number: u8) -> AppointmentId {
    AppointmentId::from_bytes([number; 16])
}

pub(crate) fn dec(number: u8) -> DecisionId {
    DecisionId::from_bytes([number; 16])
}

/// A resource whose id spells its name.
pub(crate) fn res(name: &str) -> ResourceId {
    let mut bytes = [b' '; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    ResourceId::from_bytes(bytes)
}

pub(crate) fn name(resource: ResourceId) -> String {
    String::from_utf8_lossy(&resource.to_bytes())
        .trim()
        .to_owned()
}

pub(crate) fn at(time: &str) -> Timestamp {
    format!("{DAY}T{time}Z").parse().unwrap()
}

pub(crate) fn range(text: &str) -> TimeRange {
    let (from, until) = text.split_once('-').unwrap();
    TimeRange::new(at(from), at(until)).unwrap()
}

pub(crate) fn placement(staff: &str, room: &str, times: &str) -> Placement {
    let (times, buffer) = times.split_once('+').unwrap_or((times, "0"));
    let buffer = SignedDuration::from_mins(buffer.parse().unwrap());
    let work: Vec<TimeRange> = times.split(',').map(range).collect();
    let whole = TimeRange::new(work[0].start(), work.last().unwrap().end()).unwrap();
    let mut occupancies = Vec::new();
    let mut take = |who: &str, range, kind| {
        let who = who.split('*').next().unwrap();
        if who != "-" {
            occupancies.push(Occupancy {
                resource: res(who),
                range,
                units: 1,
                kind,
            });
        }
    };
    for stretch in work {
        take(staff, stretch, OccupancyKind::Work);
    }
    take(room, whole, OccupancyKind::Work);
    if !buffer.is_zero() {
        let cleaning = TimeRange::new(whole.end(), whole.end() + buffer).unwrap();
        take(staff, cleaning, OccupancyKind::Buffer);
        take(room, cleaning, OccupancyKind::Buffer);
    }
    let civil = jiff::tz::TimeZone::UTC.to_datetime(whole.start());
    Placement::new(occupancies, civil, "UTC", "2026a").unwrap()
}

pub(crate) fn state(word: &str) -> ClaimState {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).unwrap()
}

/// Claims and the capacities that their rooms name.
pub(crate) fn timetable(rows: &str) -> (Vec<Claim>, Capacities) {
    let mut claims: Vec<Claim> = Vec::new();
    let mut capacities = Capacities::default();
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let words: Vec<&str> = row.split_whitespace().collect();
        let [number, staff, room, times, rest @ ..] = words.as_slice() else {
            panic!("not a visit: {row}")
        };
        for who in [staff, room] {
            if let Some((who, units)) = who.split_once('*') {
                capacities.set(res(who), units.parse().unwrap());
            }
        }
        let id = apt(number.parse().unwrap());
        let place = placement(staff, room, times);
        let states = rest
            .first()
            .unwrap_or(&"booked")
            .split('/')
            .map(state)
            .collect();
        if let Some(known) = claims.iter_mut().find(|claim| claim.id == id) {
            known.placements.push(place);
            known.placements.sort();
        } else {
            claims.push(Claim {
                id,
                location: LocationId::from_bytes([1; 16]),
                kind: ClaimKind::Visit,
                source: rest.get(1).map_or(Source::Desk, |word| {
                    serde_json::from_value(serde_json::Value::String((*word).to_owned())).unwrap()
                }),
                placements: vec![place],
                states,
            });
        }
    }
    (claims, capacities)
}

/// `1+2 ann 09:15-09:30`, a line for each clash.
pub(crate) fn in_words(clashes: &[Clash]) -> Vec<String> {
    clashes
        .iter()
        .map(|clash| {
            let who: Vec<String> = clash
                .claims
                .iter()
                .map(|claim| claim.to_bytes()[0].to_string())
                .collect();
            let time = |at: Timestamp| at.to_string()[11..16].to_owned();
            let (start, end) = (time(clash.range.start()), time(clash.range.end()));
            format!("{} {} {start}-{end}", who.join("+"), name(clash.resource))
        })
        .collect()
}

pub(crate) fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Decisions, one a line: `d1: cancel 1`, `d2 saw d1: move 1 to ann - 10:00-10:30; keep 2`,
/// `d3: allow 1 2`. `1@bob` is claim 1 at its placement with bob.
pub(crate) fn decisions(claims: &[Claim], text: &str) -> Vec<Decision> {
    lines(text)
        .iter()
        .map(|line| {
            let (head, verdicts) = line.split_once(':').unwrap();
            let mut names = head
                .split([' ', ','])
                .filter_map(|word| word.strip_prefix('d'))
                .map(|number| dec(number.parse().unwrap()));
            Decision {
                id: names.next().unwrap(),
                seat: [7; 16],
                seen: names.collect::<BTreeSet<_>>(),
                verdicts: verdicts
                    .split(';')
                    .map(|words| verdict(claims, words))
                    .collect(),
            }
        })
        .collect()
}

fn verdict(claims: &[Claim], words: &str) -> Verdict {
    let subject = |word: &str| {
        let (number, staff) = word.split_once('@').unwrap_or((word, ""));
        let id = apt(number.parse().unwrap());
        let claim = claims.iter().find(|claim| claim.id == id).unwrap();
        let has = |placement: &&Placement| {
            staff.is_empty()
                || placement
                    .occupancies()
                    .iter()
                    .any(|o| o.resource == res(staff))
        };
        (id, claim.placements.iter().find(has).unwrap().hash())
    };
    let words: Vec<&str> = words.split_whitespace().collect();
    match words.as_slice() {
        ["keep", one] => {
            let (claim, placement) = subject(one);
            Verdict::Keep { claim, placement }
        }
        ["cancel", one] => {
            let (claim, placement) = subject(one);
            Verdict::Cancel { claim, placement }
        }
        ["move", one, "to", staff, room, times] => {
            let (claim, at) = subject(one);
            Verdict::Move {
                claim,
                placement: at,
                to: placement(staff, room, times),
            }
        }
        ["allow", a, b] => Verdict::AllowOverlap {
            a: subject(a),
            b: subject(b),
        },
        _ => panic!("not a verdict: {words:?}"),
    }
}

pub(crate) fn civil(text: &str) -> civil::DateTime {
    text.parse().unwrap()
}
