//! Where this replica stands, and who belongs to the practice.

use entry_log::Storage;
use jiff::Timestamp;
use sync_protocol::{Role, SeatState};

use crate::{
    catalogue::{
        CareView, FeedState, InvitationView, LinkState, PeopleView, SeatView, StaffRole, StateView,
    },
    replica::{Replica, face},
};

fn shown(role: Option<Role>) -> StaffRole {
    role.and_then(face).unwrap_or(StaffRole::Receptionist)
}

impl<S: Storage> Replica<S> {
    pub(super) fn state(&mut self, now: Timestamp) -> StateView {
        let (confirmed, tentative, reviews) = self.book.counts();
        let link = self.link();
        let outbox = match link {
            // Nobody waits for them.
            LinkState::NoRelay => 0,
            LinkState::Offline
            | LinkState::Connecting
            | LinkState::CatchingUp
            | LinkState::InStep => self.ledger.outbox_len() as u64,
        };
        StateView {
            entries: self.ledger.entries_hash().to_string(),
            heads: self.book.heads_hash(),
            clashes: self.book.clashes_hash(),
            rendering: self.book.rendering_hash(),
            outbox,
            confirmed,
            tentative,
            reviews,
            feeds: self
                .ledger
                .have()
                .into_iter()
                .map(|have| FeedState {
                    feed: have.feed.to_string(),
                    epoch: have.epoch,
                    sequence: have.sequence,
                    chain: have.chain.to_string(),
                })
                .collect(),
            link,
            relay: self
                .ledger
                .governance()
                .relay_address()
                .map(ToOwned::to_owned),
            in_step_at: self.in_step_at,
            clock_offset: self.clock.offset,
            alarms: self.alarms(now),
            backup_at: None,
            care: CareView::default(),
        }
    }

    pub(super) fn people(&self) -> PeopleView {
        let governance = self.ledger.governance();
        let seats = governance
            .seats()
            .map(|(id, state): (_, &SeatState)| SeatView {
                id: id.to_string(),
                name: self.book.practice().seats.get(&id).cloned(),
                role: shown(
                    state
                        .role()
                        .or_else(|| state.roles().last().map(|(_, role)| *role)),
                ),
                device: state.device().to_string(),
                here: id == self.seat,
                removed: state.removed().is_some(),
                keys: self.has_keys(id, state),
                compare: self.comparison(id),
            })
            .collect();
        let invitations = governance
            .invites()
            .map(|(id, state)| InvitationView {
                id: id.to_string(),
                role: shown(Some(state.role)),
                expires: Timestamp::from_second(state.expires).unwrap_or(Timestamp::MAX),
                used: state.used.is_some(),
                revoked: state.revoked.is_some(),
            })
            .collect();
        PeopleView {
            seats,
            invitations,
            masked: self.masked_entries(),
            managers_read_clinical: self.ledger.governance().policy().clinical_for_managers,
        }
    }
}
