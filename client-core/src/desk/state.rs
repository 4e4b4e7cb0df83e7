//! Where this replica stands, and who belongs to the practice.

use entry_log::Storage;
use jiff::Timestamp;
use sync_protocol::{Role, SeatState};

use crate::{
    catalogue::{FeedState, InvitationView, LinkState, PeopleView, SeatView, StaffRole, StateView},
    ledger::Alarm,
    replica::{Replica, face},
};

fn shown(role: Option<Role>) -> StaffRole {
    role.and_then(face).unwrap_or(StaffRole::Receptionist)
}

fn in_words(alarm: Alarm) -> String {
    match alarm {
        Alarm::DeviceCopied { .. } => {
            "A device of this practice runs twice: its disk was copied or restored. Remove one of \
             the two."
                .to_owned()
        }
        Alarm::WrongChain { feed } => {
            format!("The relay's word on {feed} does not match what it sent.")
        }
        Alarm::RelayRolledBack { feed } => {
            format!(
                "The relay had lost part of {feed}; this device has sent it again. New visits stay \
                 tentative until an owner lets the relay confirm again (daybook relay-restored)."
            )
        }
        Alarm::Withheld { feed } => {
            format!("Entries of {feed} are kept away: their bytes prove a fault.")
        }
    }
}

impl<S: Storage> Replica<S> {
    pub(super) fn state(&mut self) -> StateView {
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
            alarms: self.alarms(),
            backup_at: None,
        }
    }

    fn alarms(&self) -> Vec<String> {
        let mut alarms: Vec<String> = self.ledger.alarms().map(in_words).collect();
        let masked = self.book.masked_entries();
        if masked > 0 {
            alarms.push(format!(
                "{masked} entries count for nothing: their authors had no right to write them."
            ));
        }
        let refused = self.book.refused().len();
        if refused > 0 {
            alarms.push(format!(
                "{refused} entries were not taken in: what is in them is not safe, or of a newer \
                 version."
            ));
        }
        let role = self.role();
        let reads = |feed| role.is_some_and(|role| role.may_read(feed));
        let waiting = self.book.waiting_of(reads);
        if waiting > 0 {
            alarms.push(format!(
                "{waiting} entries wait for keys or for what they build on."
            ));
        }
        if let Some(code) = self.trouble {
            alarms.push(format!("The relay refuses: {}.", code.as_str()));
        }
        if self.role().is_none() {
            alarms.push("This seat was removed from the practice.".to_owned());
        }
        if self.broken {
            alarms.push("A write failed. Close Daybook and open it again.".to_owned());
        }
        if self.clock.offset.is_some_and(|by| by.abs() > 120) {
            alarms.push("This machine's clock is far off the relay's.".to_owned());
        }
        alarms
    }

    pub(super) fn people(&self) -> PeopleView {
        let governance = self.ledger.governance();
        let seats = governance
            .seats()
            .map(|(id, state): (_, &SeatState)| SeatView {
                id: id.to_string(),
                role: shown(
                    state
                        .role()
                        .or_else(|| state.roles().last().map(|(_, role)| *role)),
                ),
                device: state.device().to_string(),
                here: id == self.seat,
                removed: state.removed().is_some(),
                keys: self.has_keys(id, state),
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
        }
    }
}
