//! Who wrote what, where it stands in the relay's order, and what the relay granted.

use std::collections::{BTreeMap, HashMap};

use conflict_rules::{AppointmentId, ClaimState, DecisionId, PlacementHash, Source};
use schedule::{Hlc, WeekKey, Write};
use sync_protocol::{Hash, IncarnationId, SeatId};

use crate::{catalogue::Standing, ledger::Place};

/// What is remembered of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Who wrote it.
    pub seat: SeatId,
    /// In which run of a process.
    pub incarnation: IncarnationId,
    /// Its number there.
    pub sequence: u64,
    /// Where it stands, once the relay has said so.
    pub place: Option<Place>,
    /// Looked through.
    pub masked: bool,
    /// When, by its author's clock.
    pub clock: Hlc,
    /// Who wrote it.
    pub source: Source,
}

/// Where a claim comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provenance {
    /// Whose entry.
    pub seat: SeatId,
    /// Who wrote it.
    pub source: Source,
    /// When, by its author's clock.
    pub clock: Hlc,
    /// Where it stands, once the relay has said so.
    pub place: Option<Place>,
    /// How many later or earlier entries about it are looked through.
    pub masked: usize,
}

#[derive(Debug, Clone, Copy)]
struct Touch {
    entry: Hash,
    what: Touching,
}

#[derive(Debug, Clone, Copy)]
enum Touching {
    Origin,
    Placement(Option<PlacementHash>),
    State(Option<ClaimState>),
}

/// Entries and what they touched. See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Entries {
    seen: HashMap<Hash, Seen>,
    touches: HashMap<AppointmentId, Vec<Touch>>,
    homes: HashMap<AppointmentId, WeekKey>,
    decisions: HashMap<DecisionId, Vec<Hash>>,
    /// The same, by entry.
    deciding: HashMap<Hash, Vec<DecisionId>>,
    /// The last word of the relay on each placement of a claim.
    verdicts: HashMap<(AppointmentId, PlacementHash), (Place, Standing)>,
    latest: Option<Hlc>,
    masked: usize,
    /// Visits that were called off, by the stamp of the entry that says so.
    called_off: BTreeMap<(Hlc, Hash), AppointmentId>,
}

impl Entries {
    pub(super) fn add(&mut self, hash: Hash, seen: Seen) {
        self.latest = self.latest.max(Some(seen.clock));
        self.masked += usize::from(seen.masked);
        self.seen.insert(hash, seen);
    }

    pub(super) fn get(&self, hash: &Hash) -> Option<&Seen> {
        self.seen.get(hash)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&Hash, &Seen)> {
        self.seen.iter()
    }

    /// The entries that wrote about a claim in the schedule.
    pub(super) fn touching(&self, id: AppointmentId) -> impl Iterator<Item = Hash> {
        let touches = self.touches.get(&id).into_iter().flatten();
        touches.map(|touch| touch.entry)
    }

    /// Whether that was news.
    pub(super) fn place(&mut self, hash: &Hash, place: Place) -> bool {
        let Some(seen) = self.seen.get_mut(hash) else {
            return false;
        };
        seen.place.replace(place) != Some(place)
    }

    pub(super) fn set_masked(&mut self, hash: &Hash, masked: bool) -> bool {
        let Some(seen) = self.seen.get_mut(hash) else {
            return false;
        };
        let changed = core::mem::replace(&mut seen.masked, masked) != masked;
        if changed && masked {
            self.masked += 1;
        } else if changed {
            self.masked = self.masked.saturating_sub(1);
        }
        changed
    }

    /// What is looked through, with the claims that it was about.
    pub(super) fn masked_list(&self) -> Vec<(Hash, Seen, Vec<AppointmentId>)> {
        let masked = self.seen.iter().filter(|(_, seen)| seen.masked);
        let mut found: BTreeMap<Hash, (Seen, Vec<AppointmentId>)> = masked
            .map(|(hash, seen)| (*hash, (*seen, Vec::new())))
            .collect();
        if found.is_empty() {
            return Vec::new();
        }
        for (id, touches) in &self.touches {
            for touch in touches {
                if let Some((_, claims)) = found.get_mut(&touch.entry)
                    && claims.last() != Some(id)
                {
                    claims.push(*id);
                }
            }
        }
        let listed = found.into_iter().map(|(hash, (seen, mut claims))| {
            claims.sort_unstable();
            claims.dedup();
            (hash, seen, claims)
        });
        listed.collect()
    }

    pub(super) fn touch(&mut self, entry: Hash, clock: Hlc, week: WeekKey, write: Write) {
        let (id, what) = match write {
            Write::Origin(id) => {
                // Two homes come only from a broken writer; all replicas take the earlier.
                let home = self.homes.entry(id).or_insert(week);
                *home = week.min(*home);
                (id, Touching::Origin)
            }
            Write::Placement(id, hash) => (id, Touching::Placement(hash)),
            Write::State(id, state) => {
                if state == Some(ClaimState::Cancelled) {
                    self.called_off.insert((clock, entry), id);
                }
                (id, Touching::State(state))
            }
            Write::Decision(id) => {
                self.decisions.entry(id).or_default().push(entry);
                self.deciding.entry(entry).or_default().push(id);
                return;
            }
            Write::Pointer(_) => return,
        };
        let touch = Touch { entry, what };
        self.touches.entry(id).or_default().push(touch);
    }

    /// Visits of others that somebody called off since then, with who did and the state before, as
    /// far as nobody has said anything else about them since.
    pub(super) fn called_off(&self, since: Hlc) -> Vec<(SeatId, Hlc, AppointmentId, ClaimState)> {
        let zero = Hash::from_bytes([0; 32]);
        let recent = self.called_off.range((since, zero)..);
        let found = recent.filter_map(|((clock, entry), id)| {
            let seen = self.seen.get(entry).filter(|seen| !seen.masked)?;
            let counting = || self.touches(*id).filter(|(_, seen)| !seen.masked);
            let origin = counting()
                .filter(|(touch, _)| matches!(touch.what, Touching::Origin))
                .min_by_key(|(touch, seen)| (seen.clock, touch.entry))?;
            if origin.1.seat == seen.seat {
                return None;
            }
            let mut states: Vec<(Hlc, Hash, ClaimState)> = counting()
                .filter_map(|(touch, seen)| match touch.what {
                    Touching::State(Some(state)) => Some((seen.clock, touch.entry, state)),
                    Touching::State(None) | Touching::Origin | Touching::Placement(_) => None,
                })
                .collect();
            states.sort_unstable_by_key(|(clock, entry, _)| (*clock, *entry));
            let (last, earlier) = states.split_last()?;
            let before = earlier.last().map_or(ClaimState::Booked, |before| before.2);
            (last.1 == *entry && before != ClaimState::Cancelled)
                .then_some((seen.seat, *clock, *id, before))
        });
        found.collect()
    }

    pub(super) fn confirm(
        &mut self,
        claim: AppointmentId,
        placement: PlacementHash,
        place: Place,
        standing: Standing,
    ) -> bool {
        let known = self.verdicts.get(&(claim, placement));
        if known.is_some_and(|(known, _)| *known >= place) {
            return false;
        }
        self.verdicts.insert((claim, placement), (place, standing));
        true
    }

    /// What the relay last said of a claim's placement. A grant ends when the relay takes it back;
    /// until the relay has heard that the slot is given up, nobody here counts on it either.
    pub(super) fn standing(&self, claim: AppointmentId, placement: PlacementHash) -> Standing {
        let Some((_, standing)) = self.verdicts.get(&(claim, placement)) else {
            return Standing::Tentative;
        };
        let given_up = self.touches(claim).any(|(touch, seen)| {
            let left = matches!(
                touch.what,
                Touching::State(Some(ClaimState::Cancelled | ClaimState::NoShow))
            );
            left && !seen.masked && seen.place.is_none()
        });
        if given_up {
            Standing::Tentative
        } else {
            *standing
        }
    }

    fn touches(&self, id: AppointmentId) -> impl Iterator<Item = (&Touch, &Seen)> {
        let touches = self.touches.get(&id).into_iter().flatten();
        touches.filter_map(|touch| Some((touch, self.seen.get(&touch.entry)?)))
    }

    /// Who put a claim where it is; with `placement` who put it there.
    pub(super) fn provenance(
        &self,
        id: AppointmentId,
        placement: Option<PlacementHash>,
    ) -> Option<Provenance> {
        let masked = self.touches(id).filter(|(_, seen)| seen.masked).count();
        let shown = self.touches(id).filter(|(touch, seen)| {
            let of_it = match (touch.what, placement) {
                (Touching::Placement(hash), Some(_)) => hash == placement,
                (Touching::Placement(_) | Touching::Origin, None) => true,
                (Touching::Origin, Some(_)) | (Touching::State(_), _) => false,
            };
            of_it && !seen.masked
        });
        let (_, seen) = shown.max_by_key(|(touch, seen)| (seen.clock, touch.entry))?;
        Some(Provenance {
            seat: seen.seat,
            source: seen.source,
            clock: seen.clock,
            place: seen.place,
            masked,
        })
    }

    /// Decisions in the order that rendering goes by: positioned ones first.
    pub(super) fn ranks(&self) -> BTreeMap<DecisionId, u64> {
        type Rank = (bool, Option<Place>, Option<Hlc>, Hash);
        let mut ranked: Vec<(Rank, DecisionId)> = self
            .decisions
            .iter()
            .filter_map(|(id, entries)| {
                let ranks = entries.iter().filter_map(|hash| {
                    let seen = self.seen.get(hash).filter(|seen| !seen.masked)?;
                    let clock = seen.place.is_none().then_some(seen.clock);
                    Some((seen.place.is_none(), seen.place, clock, *hash))
                });
                Some((ranks.min()?, *id))
            })
            .collect();
        ranked.sort_unstable();
        ranked
            .into_iter()
            .enumerate()
            .map(|(rank, (_, id))| (id, rank as u64))
            .collect()
    }

    pub(super) fn decided_by(&self, id: DecisionId) -> Option<Seen> {
        let entries = self.decisions.get(&id)?.iter();
        entries
            .filter_map(|hash| self.seen.get(hash).map(|seen| (*seen, hash)))
            .min_by_key(|(seen, hash)| (seen.clock, **hash))
            .map(|(seen, _)| seen)
    }

    /// The decisions that an entry carries.
    pub(super) fn decided_in(&self, entry: &Hash) -> Vec<DecisionId> {
        self.deciding.get(entry).cloned().unwrap_or_default()
    }

    pub(super) fn home_of(&self, id: AppointmentId) -> Option<WeekKey> {
        self.homes.get(&id).copied()
    }

    pub(super) fn latest_clock(&self) -> Hlc {
        self.latest.unwrap_or(Hlc {
            millis: 0,
            counter: 0,
        })
    }

    /// The latest stamp of entries by these seats.
    pub(super) fn last_of(&self, of: &dyn Fn(SeatId) -> bool) -> Option<Hlc> {
        let seen = self.seen.values().filter(|seen| of(seen.seat));
        seen.map(|seen| seen.clock).max()
    }

    pub(super) const fn masked(&self) -> usize {
        self.masked
    }
}
