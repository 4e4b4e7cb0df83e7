//! Who opened the clinical card of a client or pet: a document beside the card, under the same keys.
//!
//! One register for each seat, hour and kind of opening; nothing is replaced and nothing is taken
//! away. A seat's second opening within an hour writes nothing.

use std::collections::BTreeSet;

use conflict_rules::ids;
use schedule::{CheckedChange, Hlc, HostileChange, NewChange, Received};
use sync_protocol::SeatId;

use super::{
    code,
    practice::sixteen,
    record::Subject,
    registers::{DocumentError, Layout, Registers},
};

const OPENED: usize = 0;
const HOUR: i64 = 3_600_000;

static LAYOUT: Layout = Layout {
    domain: "daybook access genesis v1",
    containers: &["opened"],
};

/// How a clinical card was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Opening {
    /// It was shown.
    Shown,
    /// It was written into an export.
    Exported,
}

impl Opening {
    const fn number(self) -> u8 {
        match self {
            Self::Shown => 0,
            Self::Exported => 1,
        }
    }

    fn of_key(key: &str) -> Option<Self> {
        match key.rsplit_once('.')?.1 {
            "0" => Some(Self::Shown),
            "1" => Some(Self::Exported),
            _ => None,
        }
    }
}

/// An opening as it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Who.
    pub seat: SeatId,
    /// When, by that seat's clock.
    pub clock: Hlc,
    /// How.
    pub how: Opening,
}

/// The document.
#[derive(Debug, Clone)]
pub struct AccessDoc {
    registers: Registers,
}

fn key_of(seat: SeatId, clock: Hlc, how: Opening) -> String {
    let hour = clock.millis.div_euclid(HOUR);
    format!("{}.{hour}.{}", ids::hex(seat.to_bytes()), how.number())
}

impl AccessDoc {
    /// The document as it begins: the same bytes on every replica.
    pub fn genesis(subject: Subject) -> Result<Self, DocumentError> {
        let registers = Registers::genesis(&LAYOUT, &subject.name())?;
        Ok(Self { registers })
    }

    /// Puts together what was received before.
    pub(crate) fn replay<'a>(
        subject: Subject,
        changes: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, DocumentError> {
        let mut doc = Self::genesis(subject)?;
        doc.registers.replay(changes)?;
        Ok(doc)
    }

    /// Writes an opening down; nothing when this hour's is there already.
    pub fn opened(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        seat: SeatId,
        how: Opening,
    ) -> Result<Option<NewChange>, DocumentError> {
        let key = key_of(seat, clock, how);
        if !self.registers.standing(OPENED, &key).is_empty() {
            return Ok(None);
        }
        let put = (OPENED, key, code::write(how.number()));
        self.registers.write(actor, clock, &[put])
    }

    /// Takes in changes that have passed [`schedule::safety::check`], all or none.
    pub fn receive(&mut self, changes: &[CheckedChange]) -> Result<Received, HostileChange> {
        self.registers.receive(changes)
    }

    /// From now on reads as if these changes had written nothing.
    pub fn mask(&mut self, changes: BTreeSet<[u8; 32]>) {
        self.registers.mask(changes);
    }

    /// Hashes of the latest changes, sorted; empty as long as nothing was written.
    pub fn heads(&self) -> Vec<[u8; 32]> {
        self.registers.heads()
    }

    /// How a change that writes under this key says the card was opened.
    pub(crate) fn how(key: &str) -> Option<Opening> {
        Opening::of_key(key)
    }

    /// All openings, the latest first. Whose seat wrote an entry is for the entry to say: a member
    /// could name another here, and the audit goes by signatures.
    pub fn all(&self) -> Vec<Access> {
        let entries = self.registers.entries(OPENED).into_iter();
        let mut all: Vec<Access> = entries
            .filter_map(|(key, standing)| {
                let seat = SeatId::from_bytes(sixteen(key.split_once('.')?.0)?);
                let how = Opening::of_key(&key)?;
                let clock = standing.first()?.clock;
                Some(Access { seat, clock, how })
            })
            .collect();
        all.sort_unstable_by_key(|one| core::cmp::Reverse((one.clock, one.seat)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::PetId;

    const REX: Subject = Subject::Pet(PetId::from_bytes([3; 16]));
    const ANN: SeatId = SeatId::from_bytes([1; 16]);
    const BOB: SeatId = SeatId::from_bytes([2; 16]);

    fn at(millis: i64) -> Hlc {
        Hlc { millis, counter: 0 }
    }

    #[test]
    fn a_seat_is_written_down_once_an_hour_and_each_seat_for_itself() {
        let mut doc = AccessDoc::genesis(REX).unwrap();
        let mut opens = |millis, seat, how| {
            let change = doc.opened([9; 16], at(millis), seat, how).unwrap();
            change.is_some()
        };
        assert!(opens(HOUR, ANN, Opening::Shown));
        assert!(!opens(HOUR + 1, ANN, Opening::Shown), "within the hour");
        assert!(opens(HOUR + 2, ANN, Opening::Exported), "another kind");
        assert!(opens(HOUR + 3, BOB, Opening::Shown));
        assert!(opens(2 * HOUR, ANN, Opening::Shown), "the next hour");
        let all: Vec<(SeatId, i64)> = doc
            .all()
            .into_iter()
            .map(|one| (one.seat, one.clock.millis))
            .collect();
        let wanted = [
            (ANN, 2 * HOUR),
            (BOB, HOUR + 3),
            (ANN, HOUR + 2),
            (ANN, HOUR),
        ];
        assert_eq!(all, wanted);
    }
}
