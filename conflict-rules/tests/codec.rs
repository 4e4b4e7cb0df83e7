//! The bytes of placements and decisions: golden, canonical, and safe to read whatever they are.
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
    Decision, DecisionError, Occupancy, OccupancyKind, Placement, PlacementError, PlacementHash,
    TimeRange, Verdict, time_zone, tzdata_version,
};
use proptest::prelude::*;
use support::{apt, civil, dec, placement, range, res};

/// Bytes that shipped. A line may be added, never changed: documents hold them.
const GOLDEN: &[(&str, &str)] = &[
    (
        "simple",
        "8501818450616e6e20202020202020202020202020821a69a551901a69a5589801001a69a5519063555443653230323661",
    ),
    (
        "room and cleaning",
        "8501858450616e6e20202020202020202020202020821a69a551901a69a5564001008450616e6e20202020202020202020202020821a69a55d481a69a561f801008450616e6e20202020202020202020202020821a69a561f81a69a56450010184506f6e6520202020202020202020202020821a69a551901a69a561f8010084506f6e6520202020202020202020202020821a69a561f81a69a5645001011a69a5519063555443653230323661",
    ),
    (
        "decision",
        "85015001010101010101010101010101010101500202020202020202020202020202020284830050010101010101010101010101010101015820895a49f3049b037a31c9e7aaea63312e7299448f7d51a00b9c2e881598c3b2de840150020202020202020202020202020202025820895a49f3049b037a31c9e7aaea63312e7299448f7d51a00b9c2e881598c3b2de58ad8501858450616e6e20202020202020202020202020821a69a551901a69a5564001008450616e6e20202020202020202020202020821a69a55d481a69a561f801008450616e6e20202020202020202020202020821a69a561f81a69a56450010184506f6e6520202020202020202020202020821a69a551901a69a561f8010084506f6e6520202020202020202020202020821a69a561f81a69a5645001011a69a5519063555443653230323661830250030303030303030303030303030303035820895a49f3049b037a31c9e7aaea63312e7299448f7d51a00b9c2e881598c3b2de850350040404040404040404040404040404045820895a49f3049b037a31c9e7aaea63312e7299448f7d51a00b9c2e881598c3b2de50050505050505050505050505050505055820895a49f3049b037a31c9e7aaea63312e7299448f7d51a00b9c2e881598c3b2de8250080808080808080808080808080808085009090909090909090909090909090909",
    ),
];
/// BLAKE3 of the first, which decisions and confirmations bind to.
const GOLDEN_HASH: &str = "895a49f3049b037a31c9e7aaea63312e7299448f7d51a00b9c2e881598c3b2de";

fn simple() -> Placement {
    placement("ann", "-", "09:00-09:30")
}

fn with_room() -> Placement {
    placement("ann", "one", "09:00-09:20,09:50-10:10+10")
}

fn decision() -> Decision {
    let hash = simple().hash();
    Decision {
        id: dec(1),
        seat: [2; 16],
        verdicts: vec![
            Verdict::Keep {
                claim: apt(1),
                placement: hash,
            },
            Verdict::Move {
                claim: apt(2),
                placement: hash,
                to: with_room(),
            },
            Verdict::Cancel {
                claim: apt(3),
                placement: hash,
            },
            Verdict::AllowOverlap {
                a: (apt(4), hash),
                b: (apt(5), hash),
            },
        ],
        seen: [dec(9), dec(8)].into(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn shipped_bytes_are_forever() {
    let bytes = [
        simple().to_bytes(),
        with_room().to_bytes(),
        decision().to_bytes(),
    ];
    for ((what, golden), bytes) in GOLDEN.iter().zip(&bytes) {
        assert_eq!(&hex(bytes), golden, "{what}");
    }
    assert_eq!(simple().hash().to_string(), GOLDEN_HASH);
    assert_eq!(GOLDEN_HASH.parse(), Ok(simple().hash()));
    assert_eq!(Placement::from_bytes(&bytes[0]), Ok(simple()));
    assert_eq!(Placement::from_bytes(&bytes[1]), Ok(with_room()));
    assert_eq!(Decision::from_bytes(&bytes[2]), Ok(decision()));
}

#[test]
fn a_newer_version_says_so() {
    let mut bytes = simple().to_bytes();
    bytes[1] = 2;
    assert_eq!(
        Placement::from_bytes(&bytes),
        Err(PlacementError::NewerVersion(2))
    );
    let mut bytes = decision().to_bytes();
    bytes[1] = 7;
    assert_eq!(
        Decision::from_bytes(&bytes),
        Err(DecisionError::NewerVersion(7))
    );
}

#[test]
fn equal_placements_have_one_encoding() {
    let take = |who: &str, times: &str| Occupancy {
        resource: res(who),
        range: range(times),
        units: 1,
        kind: OccupancyKind::Work,
    };
    let make = |taken: Vec<Occupancy>| {
        Placement::new(taken, civil("2026-03-02T09:00"), "UTC", "2026a").unwrap()
    };
    let (ann, one) = (take("ann", "09:00-09:30"), take("one", "09:00-09:30"));
    assert_eq!(
        make(vec![ann, one]).to_bytes(),
        make(vec![one, ann, one]).to_bytes()
    );
    // A longer spelling of a number means the same and is refused all the same.
    let bytes = simple().to_bytes();
    let mut longer = bytes.clone();
    longer.splice(1..2, [0x18, 0x00]);
    assert_eq!(
        Placement::from_bytes(&longer),
        Err(PlacementError::Malformed)
    );
    let mut more = bytes;
    more.push(0);
    assert_eq!(Placement::from_bytes(&more), Err(PlacementError::Malformed));
}

#[test]
fn what_cannot_be_is_refused() {
    let ann = Occupancy {
        resource: res("ann"),
        range: range("09:00-09:30"),
        units: 1,
        kind: OccupancyKind::Work,
    };
    let start = civil("2026-03-02T09:00");
    let make = |taken, zone: &str, tzdata: &str| Placement::new(taken, start, zone, tzdata);
    assert_eq!(
        make(vec![], "UTC", "2026a"),
        Err(PlacementError::NothingOccupied)
    );
    assert_eq!(
        make(vec![Occupancy { units: 0, ..ann }], "UTC", "2026a"),
        Err(PlacementError::ZeroUnits)
    );
    assert_eq!(
        make(vec![ann], "Europe/Atlantis", "2026a"),
        Err(PlacementError::UnknownZone)
    );
    assert_eq!(
        make(vec![ann], "europe/paris", "2026a"),
        Err(PlacementError::UnknownZone)
    );
    assert_eq!(
        make(vec![ann], "UTC", "tomorrow"),
        Err(PlacementError::BadTzdata)
    );
    let fraction = Placement::new(vec![ann], civil("2026-03-02T09:00:00.5"), "UTC", "2026a");
    assert_eq!(fraction, Err(PlacementError::BadCivilStart));
    let many: Vec<Occupancy> = (1..=33).map(|units| Occupancy { units, ..ann }).collect();
    assert_eq!(
        make(many, "UTC", "2026a"),
        Err(PlacementError::TooManyOccupancies)
    );
    let long = TimeRange::new(
        "2026-03-01T00:00Z".parse().unwrap(),
        "2026-04-01T00:00:01Z".parse().unwrap(),
    )
    .unwrap();
    assert_eq!(
        make(vec![Occupancy { range: long, ..ann }], "UTC", "2026a"),
        Err(PlacementError::TooLong)
    );
}

#[test]
fn a_zone_that_only_newer_programs_know_still_occupies() {
    let mut bytes = simple().to_bytes();
    let at = bytes
        .windows(4)
        .position(|window| window == b"\x63UTC")
        .unwrap();
    bytes.splice(at..at + 4, *b"\x69Mars/Base");
    let newer = Placement::from_bytes(&bytes).unwrap();
    assert_eq!(newer.occupancies(), simple().occupancies());
    assert_eq!(newer.shifted_by_zone_rules(), None);
}

#[test]
fn json_is_checked_like_bytes() {
    let json = serde_json::to_value(with_room()).unwrap();
    assert_eq!(
        serde_json::from_value::<Placement>(json.clone()).unwrap(),
        with_room()
    );
    let mut none = json;
    none["occupancies"] = serde_json::json!([]);
    assert!(serde_json::from_value::<Placement>(none).is_err());
    let hash = simple().hash();
    let text = serde_json::to_string(&hash).unwrap();
    assert_eq!(serde_json::from_str::<PlacementHash>(&text).unwrap(), hash);
    assert!("00".parse::<PlacementHash>().is_err());
}

#[test]
fn changed_zone_rules_are_noticed_and_shift_nothing() {
    // Booked when the zone was thought to keep +01:00; its clock shows 10:00 at that instant.
    let ann = Occupancy {
        resource: res("ann"),
        range: TimeRange::new(
            "2026-07-01T08:00Z".parse().unwrap(),
            "2026-07-01T08:30Z".parse().unwrap(),
        )
        .unwrap(),
        units: 1,
        kind: OccupancyKind::Work,
    };
    let booked = Placement::new(
        vec![ann],
        civil("2026-07-01T09:00"),
        "Europe/Paris",
        "2019a",
    )
    .unwrap();
    assert_eq!(
        booked.shifted_by_zone_rules(),
        Some("2026-07-01T07:00Z".parse().unwrap())
    );
    assert_eq!(booked.span().start(), ann.range.start());
    let agreed = Placement::new(
        vec![ann],
        civil("2026-07-01T10:00"),
        "Europe/Paris",
        "2019a",
    )
    .unwrap();
    assert_eq!(agreed.shifted_by_zone_rules(), None);
    // Either showing of a repeated time agrees.
    for start in ["2026-10-25T00:30Z", "2026-10-25T01:30Z"] {
        let start: jiff::Timestamp = start.parse().unwrap();
        let range = TimeRange::new(start, start + jiff::SignedDuration::from_mins(30)).unwrap();
        let taken = vec![Occupancy { range, ..ann }];
        let night =
            Placement::new(taken, civil("2026-10-25T02:30"), "Europe/Paris", "2026a").unwrap();
        assert_eq!(night.shifted_by_zone_rules(), None);
    }
}

#[test]
fn the_time_zones_are_our_own() {
    assert!(time_zone("Australia/Lord_Howe").is_some());
    assert!(time_zone("Nowhere").is_none());
    let version = tzdata_version();
    assert!(
        version.starts_with("20") && (5..=6).contains(&version.len()),
        "{version}"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(placement) = Placement::from_bytes(&bytes) {
            prop_assert_eq!(placement.to_bytes(), bytes.clone());
        }
        if let Ok(decision) = Decision::from_bytes(&bytes) {
            prop_assert_eq!(decision.to_bytes(), bytes);
        }
    }

    #[test]
    fn damaged_bytes_are_refused_or_mean_something_else(
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
        cut in any::<prop::sample::Index>(),
    ) {
        for good in [with_room().to_bytes(), decision().to_bytes()] {
            let mut bytes = good.clone();
            bytes[at.index(good.len())] ^= 1 << bit;
            if let Ok(placement) = Placement::from_bytes(&bytes) {
                prop_assert_ne!(placement.hash(), with_room().hash());
            }
            if let Ok(read) = Decision::from_bytes(&bytes) {
                prop_assert_ne!(read, decision());
            }
            let short = &good[..cut.index(good.len())];
            prop_assert!(Placement::from_bytes(short).is_err() && Decision::from_bytes(short).is_err());
        }
    }
}
