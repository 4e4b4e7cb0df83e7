//! Comparing a number with a newcomer whose code may have been read on its way.

use std::time::Duration;

use sync_protocol::SeatId;

use super::{Home, PATIENCE, locked, people::id_of};
use crate::{
    catalogue::{HomeReply, Refusal},
    replica::not_found,
};

impl Home {
    /// The number, as soon as both sides have told each other what it follows from.
    pub(super) fn compare(&self, seat: Option<&str>) -> Result<HomeReply, Refusal> {
        let seat: Option<SeatId> = seat.map(|seat| id_of("seat", seat)).transpose()?;
        self.connect()?;
        self.wait_in_step(PATIENCE)?;
        self.wait_for_number(seat, PATIENCE)
    }

    fn wait_for_number(
        &self,
        seat: Option<SeatId>,
        patience: Duration,
    ) -> Result<HomeReply, Refusal> {
        let held = self.shared.lock();
        let seat = match (seat, held.as_ref()) {
            (Some(seat), _) => seat,
            (None, Some(desk)) => desk.replica.seat(),
            (None, None) => return Err(locked()),
        };
        let waited = self
            .shared
            .changed
            .wait_timeout_while(held, patience, |held| {
                let number = held.as_ref().and_then(|desk| desk.replica.comparison(seat));
                number.is_some_and(|number| number.is_empty())
            });
        let held = match waited {
            Ok((held, _)) => held,
            Err(poisoned) => poisoned.into_inner().0,
        };
        let desk = held.as_ref().ok_or_else(locked)?;
        let number = desk
            .replica
            .comparison(seat)
            .ok_or_else(|| not_found("seat", "seat that waits for a comparison"))?;
        let seat = seat.to_string();
        Ok(HomeReply::Compare { seat, number })
    }

    /// Hands the keys over, or removes the seat.
    pub(super) fn compared(&self, seat: &str, same: bool) -> Result<HomeReply, Refusal> {
        if !same {
            return self.remove_seat(seat);
        }
        let seat = id_of("seat", seat)?;
        self.connect()?;
        self.wait_in_step(PATIENCE)?;
        {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(locked)?;
            desk.replica.compared(self.now(), &mut desk.random, seat)?;
        }
        self.wrote();
        self.wait_in_step(PATIENCE)?;
        self.shared.tell(vec![super::all_changed()]);
        Ok(HomeReply::Governed { rotated: true })
    }
}
