//! A newcomer whose code may have been read on its way: two people compare a number, and only then
//! does it get keys.
//!
//! The desk that made the code and the newcomer's tell each other what the number follows from while
//! both are in step ([`crate::sealing`], `compare`). The keys go out when whoever made the code says
//! that the numbers are the same; if they are not, the seat is removed.

use entry_log::Storage;
use jiff::Timestamp;
use rand_core::CryptoRng;
use sync_protocol::{Author, FeedId, SeatId, SeatState};

use super::{Replica, not_found};
use crate::{
    catalogue::{ErrorCode, LinkState, Refusal},
    ledger::{Arrival, Ledger},
    sealing::{Comparisons, Stage, Word, commitment, decode_word, nonce_of, number},
};

/// Takes in what an arrival says for a comparison.
pub(crate) fn learn_words<S: Storage>(
    comparisons: &mut Comparisons,
    ledger: &Ledger<S>,
    arrival: &Arrival,
) {
    let Arrival::Entry {
        entry, mask: None, ..
    } = arrival
    else {
        return;
    };
    let header = entry.header();
    if header.feed != FeedId::Keys {
        return;
    }
    let Some(Ok(word)) = entry.body().map(decode_word) else {
        return;
    };
    let governance = ledger.governance();
    if let Word::Ask { seat, .. } = word {
        let role = governance.seat(seat).and_then(SeatState::role);
        let asks = governance.role_at(header.seat, header.governance.0);
        if !role.is_some_and(|role| asks.is_some_and(|asks| asks.may_admit(role))) {
            return;
        }
    }
    comparisons.hear(header.seat, word);
}

impl<S: Storage> Replica<S> {
    /// Whether a seat waits for people to compare a number.
    pub(crate) fn is_unmet(&self, seat: SeatId, state: &SeatState) -> bool {
        state.to_compare() && state.role().is_some() && !self.keyring.is_introduced(seat)
    }

    /// The number to compare with a newcomer, or with whoever made this seat's code. Nothing for a
    /// seat that does not wait for it, and no digits as long as one side has not been in reach.
    pub(crate) fn comparison(&self, seat: SeatId) -> Option<String> {
        let governance = self.ledger.governance();
        let state = governance.seat(seat)?;
        if !self.is_unmet(seat, state) {
            return None;
        }
        let org = self.org();
        Some(match self.comparisons.stage(org, seat) {
            Stage::Opened {
                asked_by,
                asked,
                opened,
            } => number(
                org,
                governance.genesis(),
                state.grant(),
                asked_by,
                asked,
                opened,
            ),
            Stage::Begins | Stage::ToAsk | Stage::ToOpen { .. } | Stage::Broken => String::new(),
        })
    }

    /// Somebody compared the numbers, and they were the same: hands the keys over.
    ///
    /// # Errors
    /// When there is no number yet, or this seat does not hold the keys.
    pub fn compared(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        seat: SeatId,
    ) -> Result<(), Refusal> {
        let number = self
            .comparison(seat)
            .ok_or_else(|| not_found("seat", "seat that waits for a comparison"))?;
        if number.is_empty() {
            return Err(Refusal::new(
                ErrorCode::NotFound,
                "There is no number to compare yet.",
                "Both computers have to be connected at the same time: this one, where the code was \
                 made, and the newcomer's.",
            ));
        }
        self.hand_keys_to(now, rng, seat)
    }

    /// Says what is next in a conversation that this seat is part of, while in step.
    pub(crate) fn compare_in_turn(&mut self, now: Timestamp, rng: &mut impl CryptoRng) -> bool {
        if self.session.link() != LinkState::InStep || self.broken {
            return false;
        }
        let words = self.next_words();
        if words.is_empty() {
            return false;
        }
        self.words = words;
        let batch = self.begin(now, rng);
        // What cannot be written now is said later.
        self.save(rng, batch).unwrap_or(false)
    }

    fn next_words(&self) -> Vec<Word> {
        let Some(secrets) = self.secrets.seats.get(&self.seat) else {
            return Vec::new();
        };
        let org = self.org();
        let governance = self.ledger.governance();
        let unmet = governance
            .seats()
            .filter(|(seat, state)| self.is_unmet(*seat, state));
        let words = unmet.filter_map(|(seat, state)| {
            let nonce = nonce_of(secrets, org, seat);
            let own = seat == self.seat;
            match self.comparisons.stage(org, seat) {
                Stage::Begins if own => Some(Word::Commit(commitment(org, seat, nonce))),
                Stage::ToOpen { asked_by } if own => Some(Word::Open { asked_by, nonce }),
                Stage::ToAsk if !own => {
                    let mut invites = governance.invites();
                    let mine = invites.any(|(_, invite)| {
                        invite.used == Some(state.added()) && invite.by == Author::Seat(self.seat)
                    });
                    mine.then_some(Word::Ask { seat, nonce })
                }
                Stage::Begins
                | Stage::ToAsk
                | Stage::ToOpen { .. }
                | Stage::Opened { .. }
                | Stage::Broken => None,
            }
        });
        words.collect()
    }
}
