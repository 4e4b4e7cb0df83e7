//! Sweeps: much that one seat undid of others' work within an hour.
//!
//! Read from entries that count, by their authors' stamps, so every desk that holds the same entries
//! sees the same. A desk that was away and sends hundreds of entries of its own is no sweep: what
//! somebody booked is not of another, and a stamp is from when the work was done.

use conflict_rules::{AppointmentId, ClaimState};
use schedule::Hlc;
use sync_protocol::SeatId;

use super::Book;
use crate::{catalogue::NoteId, documents::CardId};

/// So much within an hour is a sweep. A vet's day that is called off because the vet is ill is not.
pub(crate) const SWEEP: usize = 30;
const HOUR: i64 = 3_600_000;

/// Something that one seat undid of another's, and that is so still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undone {
    /// Who undid it.
    pub seat: SeatId,
    /// When, by that author's clock.
    pub clock: Hlc,
    /// What.
    pub what: Undoing,
}

/// What was undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undoing {
    /// A visit was called off; this was its state before.
    Visit(AppointmentId, ClaimState),
    /// A note of a card was withdrawn.
    Note(CardId, NoteId),
}

/// Much that one seat undid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// Who.
    pub seat: SeatId,
    /// All of it, the first one first, from where the hour begins that has too much.
    pub undone: Vec<Undone>,
}

impl Book {
    /// What seats undid of others' work since then, the first one first.
    pub fn undone(&self, since: i64) -> Vec<Undone> {
        let since = Hlc {
            millis: since,
            counter: 0,
        };
        let visits = self.entries.called_off(since).into_iter();
        let visits = visits.map(|(seat, clock, id, before)| Undone {
            seat,
            clock,
            what: Undoing::Visit(id, before),
        });
        let notes = self.cards.withdrawn(since).into_iter();
        let notes = notes.map(|(seat, clock, card, note)| Undone {
            seat,
            clock,
            what: Undoing::Note(card, note),
        });
        let mut all: Vec<Undone> = visits.chain(notes).collect();
        all.sort_by_key(|one| one.clock);
        all
    }

    /// Sweeps since then, by seat.
    pub fn sweeps(&self, since: i64) -> Vec<Sweep> {
        let all = self.undone(since);
        let mut seats: Vec<SeatId> = all.iter().map(|one| one.seat).collect();
        seats.sort_unstable();
        seats.dedup();
        let of = |seat: SeatId| {
            let own: Vec<Undone> = all.iter().filter(|one| one.seat == seat).copied().collect();
            let begins = begin(&own)?;
            Some(Sweep {
                seat,
                undone: own.into_iter().skip(begins).collect(),
            })
        };
        seats.into_iter().filter_map(of).collect()
    }
}

/// Where the first hour with too much begins.
fn begin(own: &[Undone]) -> Option<usize> {
    own.windows(SWEEP).position(|window| {
        let (first, last) = (window.first(), window.last());
        let span = first.zip(last).map(|(first, last)| {
            let (first, last) = (first.clock.millis, last.clock.millis);
            last.saturating_sub(first)
        });
        span.is_some_and(|span| span <= HOUR)
    })
}
