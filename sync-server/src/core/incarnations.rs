//! Which entries are held: for each incarnation the places of its entries in the log.
//!
//! Four bytes an entry: an incarnation numbers its entries without gaps, so nearly all lie in one
//! run each. A gap is where an entry was refused or is still to come.

use std::collections::HashMap;

use sync_protocol::{Hash, IncarnationId};

#[derive(Debug, Clone)]
struct Run {
    first: u64,
    places: Vec<u32>,
}

#[derive(Debug, Clone, Default)]
struct Incarnation {
    /// Ascending, not touching each other.
    runs: Vec<Run>,
    /// The highest entry.
    last: Option<(u64, Hash)>,
}

/// The entries of one organisation by who wrote them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Incarnations(HashMap<IncarnationId, Incarnation>);

impl Incarnations {
    /// Where an entry stands in the log.
    pub(crate) fn get(&self, (incarnation, sequence): (IncarnationId, u64)) -> Option<u32> {
        let runs = &self.0.get(&incarnation)?.runs;
        let after = runs.partition_point(|run| run.first <= sequence);
        let run = runs.get(after.checked_sub(1)?)?;
        let offset = usize::try_from(sequence - run.first).ok()?;
        run.places.get(offset).copied()
    }

    /// Hash of the entry before this one, if that is the last one held of its incarnation.
    pub(crate) fn before(&self, (incarnation, sequence): (IncarnationId, u64)) -> Option<Hash> {
        let (last, hash) = self.0.get(&incarnation)?.last?;
        (last.checked_add(1)? == sequence).then_some(hash)
    }

    /// Enters an entry that is not held yet.
    pub(crate) fn insert(&mut self, id: (IncarnationId, u64), hash: Hash, place: u32) {
        let (incarnation, sequence) = id;
        let known = self.0.entry(incarnation).or_default();
        if known.last.is_none_or(|(last, _)| last < sequence) {
            known.last = Some((sequence, hash));
        }
        let after = known.runs.partition_point(|run| run.first <= sequence);
        let before = after.checked_sub(1).and_then(|at| known.runs.get_mut(at));
        if let Some(run) = before
            && run.first.checked_add(run.places.len() as u64) == Some(sequence)
        {
            run.places.push(place);
            return;
        }
        let places = vec![place];
        known.runs.insert(
            after,
            Run {
                first: sequence,
                places,
            },
        );
    }

    /// The places of all entries that come after what `last` lets stand of each incarnation.
    pub(crate) fn beyond(&self, last: impl Fn(IncarnationId) -> Option<u64>) -> Vec<u32> {
        let mut places = Vec::new();
        for (id, incarnation) in &self.0 {
            let last = last(*id);
            for run in &incarnation.runs {
                // Sequences are the author's choice, up to the very last one.
                let offsets = run.places.iter().zip(0_u64..);
                let beyond =
                    offsets.map(|(place, offset)| (run.first.saturating_add(offset), place));
                let beyond =
                    beyond.filter(|(sequence, _)| last.is_none_or(|last| *sequence > last));
                places.extend(beyond.map(|(_, place)| *place));
            }
        }
        places.sort_unstable();
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_in_whatever_order_they_came() {
        let id = IncarnationId::from_bytes([1; 16]);
        let mut held = Incarnations::default();
        for sequence in [5, 6, 0, 2, 1, 9, u64::MAX] {
            let place = u32::try_from(sequence % 100).unwrap();
            held.insert((id, sequence), Hash::of(&place.to_be_bytes()), place);
        }
        for sequence in [0, 1, 2, 5, 6, 9] {
            assert_eq!(held.get((id, sequence)), u32::try_from(sequence).ok());
        }
        for sequence in [3, 4, 7, 8, 10, u64::MAX - 1] {
            assert_eq!(held.get((id, sequence)), None, "{sequence}");
        }
        assert_eq!(held.get((id, u64::MAX)), Some(15));
        assert_eq!(held.beyond(|_| Some(5)), [6, 9, 15]);
        assert_eq!(held.before((id, 7)), None, "7 does not follow the last");
    }
}
