//! Who has keys, and what was written without the right to.

use entry_log::Storage;
use jiff::Timestamp;
use sync_protocol::{Acceptance, MaskReason, SeatId, SeatState, accept_known};

use crate::{
    catalogue::{MaskedReason, MaskedView},
    replica::Replica,
    sealing::Member,
};

/// Most masked entries that are listed; their number is in the line of state.
const MOST: usize = 200;

impl<S: Storage> Replica<S> {
    /// Whether a seat was given the keys of its role, as far as this one can tell.
    pub(super) fn has_keys(&self, seat: SeatId, state: &SeatState) -> bool {
        state.role().is_none_or(|role| {
            let seal = state.seal_key();
            // A ring without any key of the role knows of none that was not handed over.
            (seat != self.seat || self.keyring.holds_role(role))
                && self.keyring.is_handed(Member { seat, seal, role })
        })
    }

    /// What counts for nothing, newest first, at most [`MOST`].
    pub(super) fn masked_entries(&self) -> Vec<MaskedView> {
        let mut masked = self.book.masked_list();
        masked.sort_unstable_by_key(|(hash, seen, _)| (core::cmp::Reverse(seen.clock), *hash));
        masked.truncate(MOST);
        let views = masked.into_iter().filter_map(|(hash, seen, visits)| {
            // It was in the log when the book took it.
            let entry = self.ledger.entry(&hash).ok().flatten()?;
            let Acceptance::Mask(reason) = accept_known(&entry, self.ledger.governance()) else {
                return None;
            };
            Some(MaskedView {
                seat: seen.seat.to_string(),
                reason: match reason {
                    MaskReason::AfterRemoval => MaskedReason::Removed,
                    MaskReason::Role => MaskedReason::Role,
                    MaskReason::NotMember => MaskedReason::NotMember,
                },
                feed: entry.header().feed.to_string(),
                at: Timestamp::from_millisecond(seen.clock.millis).unwrap_or(Timestamp::MAX),
                visits: visits.iter().map(ToString::to_string).collect(),
            })
        });
        views.collect()
    }
}
