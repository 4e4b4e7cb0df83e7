//! What is kept in step is what comes out when everything is computed anew, after every step of
//! random histories.
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

use std::collections::{BTreeMap, BTreeSet};

use conflict_rules::{
    AppointmentId, Capacities, Changed, Claim, ClaimKind, ClaimState, Decision, DecisionId,
    Effective, Kept, LocationId, Occupancy, OccupancyKind, Placement, ResourceId, Source, Standing,
    TimeRange, Verdict, bookings_of, clashes_of, effective_for_clashes, effective_for_rendering,
    reviews,
};
use jiff::Timestamp;
use proptest::{collection::vec, prelude::*, sample::select};
use support::{apt, dec, res};

const NAMES: [&str; 3] = ["ann", "bob", "tub"];
const CLAIMS: u8 = 9;

/// Half hours from nine o'clock on; a day has 48.
fn half(n: u16) -> Timestamp {
    Timestamp::from_second(1_772_442_000 + i64::from(n) * 1800).unwrap()
}

fn a_range() -> impl Strategy<Value = TimeRange> {
    let short = (0..24_u16, 1..5_u16);
    // A boarding: it is found from far away.
    let long = (0..24_u16, 49..400_u16);
    prop_oneof![8 => short, 1 => long]
        .prop_map(|(from, long)| TimeRange::new(half(from), half(from + long)).unwrap())
}

fn a_placement() -> impl Strategy<Value = Placement> {
    vec((select(&NAMES[..]), a_range(), 1..3_u16), 1..3).prop_map(|taken| {
        let taken = taken.into_iter().map(|(who, range, units)| Occupancy {
            resource: res(who),
            range,
            units,
            kind: OccupancyKind::Work,
        });
        let civil = support::civil("2026-03-02T09:00");
        Placement::new(taken.collect(), civil, "UTC", "2026a").unwrap()
    })
}

/// What happens. Claims and decisions are named by numbers, decisions' subjects too: they speak of
/// where the claim is when they are made, or was once.
#[derive(Debug, Clone)]
enum Step {
    Claim(u8, Vec<Placement>, Vec<ClaimState>),
    Gone(u8),
    Decide(u8, Vec<(u8, u8, u8, Placement)>, BTreeSet<u8>),
    Undecide(u8),
    Rank(u8, u64),
    Capacity(&'static str, u16),
}

fn a_step() -> impl Strategy<Value = Step> {
    let states = vec(select(&ClaimState::ALL[..]), 1..3);
    let verdict = (0..CLAIMS, 0..CLAIMS, 0..6_u8, a_placement());
    let seen = vec(0..6_u8, 0..3).prop_map(|seen| seen.into_iter().collect());
    prop_oneof![
        8 => (0..CLAIMS, vec(a_placement(), 1..3), states).prop_map(|(id, p, s)| Step::Claim(id, p, s)),
        1 => (0..CLAIMS).prop_map(Step::Gone),
        5 => (0..6_u8, vec(verdict, 1..3), seen).prop_map(|(id, v, s)| Step::Decide(id, v, s)),
        1 => (0..6_u8).prop_map(Step::Undecide),
        2 => (0..6_u8, 0..6_u64).prop_map(|(id, rank)| Step::Rank(id, rank)),
        1 => (select(&NAMES[..]), 0..4_u16).prop_map(|(who, units)| Step::Capacity(who, units)),
    ]
}

#[derive(Default)]
struct Whole {
    claims: BTreeMap<AppointmentId, Claim>,
    decisions: BTreeMap<DecisionId, Decision>,
    ranks: BTreeMap<DecisionId, u64>,
    capacities: Capacities,
    /// Every placement a claim ever had.
    were: BTreeMap<u8, Vec<Placement>>,
}

impl Whole {
    fn take(&mut self, step: &Step, changed: &mut Changed) {
        match step {
            Step::Claim(number, placements, states) => {
                let claim = Claim {
                    id: apt(*number),
                    location: LocationId::from_bytes([1; 16]),
                    kind: ClaimKind::Visit,
                    source: [Source::Desk, Source::Api][usize::from(number % 2)],
                    placements: placements.clone(),
                    states: states.clone(),
                };
                let claim = Claim::joined(&[claim]).unwrap();
                self.were
                    .entry(*number)
                    .or_default()
                    .extend(placements.clone());
                changed.claims.insert(claim.id, Some(claim.clone()));
                self.claims.insert(claim.id, claim);
            }
            Step::Gone(number) => {
                self.claims.remove(&apt(*number));
                changed.claims.insert(apt(*number), None);
            }
            Step::Decide(number, verdicts, seen) => {
                let subject = |number: u8| {
                    let were = self.were.get(&number)?;
                    let at = were.len().saturating_sub(1 + usize::from(number % 2));
                    Some((apt(number), were[at].hash()))
                };
                let verdicts = verdicts.iter().filter_map(|(a, b, kind, to)| {
                    let (claim, placement) = subject(*a)?;
                    Some(match kind {
                        0 => Verdict::Keep { claim, placement },
                        1 => Verdict::Move {
                            claim,
                            placement,
                            to: to.clone(),
                        },
                        2 => Verdict::Cancel { claim, placement },
                        _ => Verdict::AllowOverlap {
                            a: (claim, placement),
                            b: subject(*b)?,
                        },
                    })
                });
                let decision = Decision {
                    id: dec(*number),
                    seat: [1; 16],
                    verdicts: verdicts.collect(),
                    seen: seen.iter().map(|number| dec(*number)).collect(),
                };
                changed
                    .decisions
                    .insert(decision.id, Some(decision.clone()));
                self.decisions.insert(decision.id, decision);
            }
            Step::Undecide(number) => {
                self.decisions.remove(&dec(*number));
                changed.decisions.insert(dec(*number), None);
            }
            Step::Rank(number, rank) => {
                self.ranks.insert(dec(*number), *rank);
                changed.ranks.insert(dec(*number));
            }
            Step::Capacity(who, units) => {
                self.capacities.set(res(who), *units);
                changed.capacities = Some(self.capacities.clone());
            }
        }
    }

    fn rank(&self) -> impl Fn(DecisionId) -> u64 {
        |id| self.ranks.get(&id).copied().unwrap_or(u64::MAX)
    }

    fn check(&self, kept: &Kept, range: TimeRange) -> Effective {
        let claims: Vec<Claim> = self.claims.values().cloned().collect();
        let decisions: Vec<Decision> = self.decisions.values().cloned().collect();
        let found: Vec<_> = kept.clashes().cloned().collect();
        assert_eq!(found, clashes_of(&claims, &decisions, &self.capacities));

        let shown = effective_for_rendering(&claims, &decisions, &self.rank());
        let places: BTreeMap<_, _> = kept
            .all()
            .map(|(id, settled)| (id, settled.places().to_vec()))
            .collect();
        assert_eq!(places, shown.placements);
        let follows: BTreeMap<_, _> = kept
            .all()
            .filter_map(|(id, settled)| Some((id, settled.follows()?)))
            .collect();
        assert_eq!(follows, shown.standing);

        let standing = |id: AppointmentId| {
            [Standing::Tentative, Standing::Confirmed][usize::from(id.to_bytes()[0] % 2)]
        };
        assert_eq!(
            kept.reviews(&standing),
            reviews(&claims, &decisions, &self.capacities, &standing)
        );

        let certain = effective_for_clashes(&claims, &decisions);
        let all = bookings_of(&certain);
        let ann: BTreeSet<ResourceId> = BTreeSet::from([res("ann")]);
        for resources in [None, Some(&ann)] {
            let mut expected: Vec<_> = all
                .iter()
                .filter(|booking| booking.range.overlaps(range))
                .filter(|booking| resources.is_none_or(|ids| ids.contains(&booking.resource)))
                .map(|booking| (booking.claim, booking.resource, booking.range))
                .collect();
            expected.sort_unstable();
            expected.dedup();
            let taken = kept.taken_in(range, resources);
            let mut taken: Vec<_> = taken
                .iter()
                .map(|booking| (booking.claim, booking.resource, booking.range))
                .collect();
            taken.sort_unstable();
            assert_eq!(taken, expected);
        }
        let mut expected: Vec<_> = kept
            .all()
            .flat_map(|(id, settled)| settled.drawn().iter().map(move |p| (p.span(), id, p)))
            .filter(|(span, ..)| span.overlaps(range))
            .collect();
        expected.sort_unstable();
        let drawn: Vec<_> = kept
            .drawn_in(range)
            .into_iter()
            .map(|(settled, p)| (p.span(), settled.claim().id, p))
            .collect();
        assert_eq!(drawn, expected);
        for (_, settled) in kept.all() {
            let hashes: Vec<_> = settled.places().iter().map(Placement::hash).collect();
            assert_eq!(settled.hashes(), hashes);
        }
        certain
    }
}

/// How often there was a clash, an agreed overlap and a contradiction.
fn run(steps: &[Vec<Step>], range: TimeRange) -> [usize; 3] {
    let (mut whole, mut kept) = (Whole::default(), Kept::default());
    let mut seen = [0; 3];
    for steps in steps {
        let mut changed = Changed::default();
        for step in steps {
            whole.take(step, &mut changed);
        }
        kept.change(changed, &whole.rank());
        let certain = whole.check(&kept, range);
        seen[0] += usize::from(kept.clashes().next().is_some());
        seen[1] += usize::from(!certain.allowed.is_empty());
        seen[2] += usize::from(!certain.contradictions.is_empty());
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn what_is_kept_is_what_comes_out_anew(
        steps in vec(vec(a_step(), 1..4), 1..24),
        range in a_range(),
    ) {
        run(&steps, range);
    }
}

#[test]
fn the_histories_have_clashes_agreements_and_contradictions() {
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let histories = vec(vec(a_step(), 1..4), 12..24);
    let mut seen = [0; 3];
    for _ in 0..60 {
        let steps = histories.new_tree(&mut runner).unwrap().current();
        let counts = run(&steps, TimeRange::new(half(4), half(8)).unwrap());
        for (sum, count) in seen.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    assert!(seen[0] >= 500 && seen[1] >= 30 && seen[2] >= 30, "{seen:?}");
}
