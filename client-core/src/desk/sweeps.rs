//! What an owner or manager is told of sweeps, and how they are taken back: by ordinary signed changes.

use entry_log::Storage;
use jiff::Timestamp;
use rand_core::CryptoRng;
use sync_protocol::{Role, SeatId};

use crate::{
    book::{Sweep, Undoing},
    catalogue::{ErrorCode, Refusal, Reply, TakeBackFrom},
    replica::{Back, Replica, invalid, not_allowed},
};

/// A sweep is told for so long, unless it is taken back before.
const TOLD: i64 = 7 * 24 * 3_600_000;

impl<S: Storage> Replica<S> {
    /// Sweeps of the last days by other seats; nothing for who may not take them back.
    pub(super) fn sweeps(&self, now: Timestamp) -> Vec<Sweep> {
        if !self.may_take_back_from() {
            return Vec::new();
        }
        let since = now.as_millisecond().saturating_sub(TOLD);
        let mut sweeps = self.book().sweeps(since);
        sweeps.retain(|sweep| sweep.seat != self.seat());
        sweeps
    }

    fn may_take_back_from(&self) -> bool {
        matches!(self.role(), Some(Role::Owner | Role::Manager))
    }

    /// How a seat is spoken of.
    pub(super) fn called(&self, seat: SeatId) -> String {
        let name = self.book().practice().seats.get(&seat).cloned();
        let state = self.ledger().governance().seat(seat);
        let role = state.and_then(|state| state.roles().last().map(|(_, role)| *role));
        match (name, role) {
            (Some(name), Some(role)) => format!("{name} ({role})"),
            (None, Some(role)) => format!("A {role}'s seat ({seat})"),
            (_, None) => seat.to_string(),
        }
    }

    /// Puts back what a seat undid of others' work since a point in time, as far as the way is free.
    pub(super) fn take_back_from(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &TakeBackFrom,
    ) -> Result<Reply, Refusal> {
        if !self.may_take_back_from() {
            let what = "take back what another seat did";
            return Err(not_allowed(what, "an owner or a manager"));
        }
        let seat: SeatId = wish.seat.parse().map_err(|_| {
            invalid(
                "seat",
                "This is not the id of a seat.",
                "Take it from the alarm, or from the list of people.",
            )
        })?;
        let all = self.book().undone(wish.since.as_millisecond());
        let (mut visits, mut notes, mut left) = (0_usize, 0_usize, 0_usize);
        let mut why = None;
        for one in all.into_iter().filter(|one| one.seat == seat) {
            let back = match one.what {
                Undoing::Visit(id, before) => self
                    .undo_visit(now, rng, id, &Back::Restate(before))
                    .map(|()| &mut visits),
                Undoing::Note(card, note) => {
                    self.hold_again(now, rng, card, note).map(|()| &mut notes)
                }
            };
            match back {
                Ok(count) => *count += 1,
                // A disk that is full or broken stops the whole; what is back is back.
                Err(refusal)
                    if matches!(refusal.code, ErrorCode::DiskFull | ErrorCode::Storage) =>
                {
                    return Err(refusal);
                }
                Err(refusal) => {
                    left += 1;
                    why.get_or_insert(refusal.message);
                }
            }
        }
        if visits + notes + left == 0 {
            return Err(Refusal::new(
                ErrorCode::NothingToUndo,
                "Nothing of others' work that this seat undid since then is left to take back.",
                "Give an earlier time, or look at what the seat did in the audit.",
            ));
        }
        let mut said = format!("Back: {visits} visits, {notes} notes.");
        if let Some(why) = why {
            said = format!("{said} {left} stay as they are: {why}");
        }
        Ok(Reply {
            id: seat.to_string(),
            undo: None,
            warnings: Vec::new(),
            said,
        })
    }
}
