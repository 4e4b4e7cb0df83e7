//! Setting the relay, and inviting over it.

use std::time::Duration;

use sync_protocol::{ErrorCode as Code, Frame, Hash, VerifyKey};

use super::{Home, PATIENCE, TICKET, locked, store};
use crate::{
    catalogue::{ErrorCode, HomeReply, Refusal, StaffRole},
    link::Socket,
    replica::{ActState, Proposal},
    store::LocalStore as _,
};

impl Home {
    pub(super) fn set_relay(
        &self,
        address: &str,
        ticket: Option<&str>,
    ) -> Result<HomeReply, Refusal> {
        if !(address.starts_with("ws://") || address.starts_with("wss://")) {
            return Err(Refusal::new(
                ErrorCode::InvalidInput,
                "A relay's address begins with ws:// or wss://.",
                "For example wss://relay.your-practice.example:7300.",
            )
            .at("address"));
        }
        self.shared.lock().as_ref().ok_or_else(locked)?;
        let key = self.ask_key(address)?;
        self.disconnect();
        if self.has_moved(&key, address)? {
            self.follow_relay(key, address)?;
        } else {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(locked)?;
            let key = key.check().map_err(|_| trouble(Code::WrongRelay))?;
            desk.replica.pin_relay(self.now(), key.into(), address)?;
            if let Some(ticket) = ticket {
                desk.settings
                    .put(&[(TICKET, Some(ticket.as_bytes()))])
                    .map_err(|error| store(&error))?;
                desk.replica.set_ticket(Some(ticket.to_owned()));
            }
        }
        self.connect()?;
        self.wait_in_step(PATIENCE)?;
        Ok(HomeReply::Status(self.status()))
    }

    /// Whether the pinned relay itself answers at another address than the pinned one.
    fn has_moved(&self, key: &VerifyKey, address: &str) -> Result<bool, Refusal> {
        let held = self.shared.lock();
        let desk = held.as_ref().ok_or_else(locked)?;
        let governance = desk.replica.ledger().governance();
        let known = governance.relay_key().map(|known| VerifyKey::from(*known));
        Ok(known.as_ref() == Some(key) && governance.relay_address() != Some(address))
    }

    /// The relay orders who may change its address, so it is asked at the new one.
    fn follow_relay(&self, key: VerifyKey, address: &str) -> Result<(), Refusal> {
        self.connect_at(Some(address.to_owned()))?;
        let followed = self.wait_in_step(PATIENCE).and_then(|()| {
            let proposal = {
                let mut held = self.shared.lock();
                let desk = held.as_mut().ok_or_else(locked)?;
                desk.replica.pin_relay(self.now(), key, address)?
            };
            if let Proposal::Proposed(act) = proposal {
                self.wrote();
                self.wait_for_act(&act, PATIENCE)?;
            }
            Ok(())
        });
        self.disconnect();
        followed
    }

    /// Which key the relay shows. From now on only this one is believed.
    fn ask_key(&self, address: &str) -> Result<VerifyKey, Refusal> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| super::storage(&error))?;
        runtime.block_on(async {
            let mut socket = Socket::open(address, &self.trust)
                .await
                .map_err(|_| unreachable())?;
            let frame = tokio::time::timeout(PATIENCE, socket.receive()).await;
            socket.close().await;
            match frame {
                Ok(Ok(Frame::Challenge { relay, .. })) => Ok(relay),
                _ => Err(unreachable()),
            }
        })
    }

    pub(super) fn approve_relay(&self) -> Result<HomeReply, Refusal> {
        self.connect()?;
        self.wait_in_step(PATIENCE)?;
        let proposal = {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(locked)?;
            desk.replica.approve_relay(self.now())?
        };
        if let Proposal::Proposed(act) = proposal {
            self.wrote();
            self.wait_for_act(&act, PATIENCE)?;
        }
        Ok(HomeReply::Status(self.status()))
    }

    pub(super) fn invite(&self, role: StaffRole, days: u32) -> Result<HomeReply, Refusal> {
        // The relay orders who belongs to the practice, so it has to be there.
        if self.shared.lock().as_ref().ok_or_else(locked)?.has_relay() {
            self.connect()?;
            self.wait_in_step(PATIENCE)?;
        }
        let (proposal, code, expires) = {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(locked)?;
            desk.replica
                .invite(self.now(), &mut desk.random, role, days)?
        };
        if let Proposal::Proposed(act) = proposal {
            self.wrote();
            self.wait_for_act(&act, PATIENCE)?;
        }
        Ok(HomeReply::Invited {
            code: code.to_string(),
            expires,
        })
    }

    pub(super) fn wait_for_act(&self, act: &Hash, patience: Duration) -> Result<(), Refusal> {
        let held = self.shared.lock();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(held, patience, |held| {
                held.as_ref().is_some_and(|desk| {
                    matches!(desk.replica.act_state(act), ActState::Pending)
                        && desk.replica.trouble().is_none()
                })
            });
        let held = match waited {
            Ok((held, _)) => held,
            Err(poisoned) => poisoned.into_inner().0,
        };
        let desk = held.as_ref().ok_or_else(locked)?;
        match (desk.replica.act_state(act), desk.replica.trouble()) {
            (ActState::Done, _) => Ok(()),
            (ActState::Refused(code), _) | (ActState::Pending, Some(code)) => Err(trouble(code)),
            (ActState::Pending, None) => Err(unreachable()),
        }
    }
}

/// The relay does not answer.
pub(super) fn unreachable() -> Refusal {
    Refusal::new(
        ErrorCode::RelayUnreachable,
        "The relay does not answer.",
        "Check the address and the connection. Work goes on meanwhile; nothing is lost.",
    )
}

/// The relay answers, but cannot be worked with until a person acts.
pub(super) fn trouble(code: Code) -> Refusal {
    let (kind, message, help) = match code {
        Code::WrongRelay => (
            ErrorCode::WrongRelay,
            "This is not the relay of this practice.",
            "Check the address. If the relay was replaced, an owner must set it anew.",
        ),
        Code::WrongVersion => (
            ErrorCode::NewerVersion,
            "The relay speaks a newer version.",
            "Update this program.",
        ),
        Code::BadTicket | Code::Closed => (
            ErrorCode::RelayRefused,
            "The relay does not take this practice in: the ticket is wrong, used or expired.",
            "Ask its operator for a new ticket and set the relay again.",
        ),
        Code::UnknownOrganisation => (
            ErrorCode::RelayRefused,
            "The relay does not know this practice.",
            "Ask its operator for a ticket and set the relay again; all data go up from here.",
        ),
        Code::Removed | Code::UnknownDevice => (
            ErrorCode::RelayRefused,
            "This device is not part of the practice any more.",
            "Ask an owner for a new invitation.",
        ),
        Code::Quota => (
            ErrorCode::RelayRefused,
            "The practice has used all the space the relay gives it.",
            "Ask the relay's operator for more.",
        ),
        _ => (
            ErrorCode::RelayRefused,
            "The relay refused.",
            "Try again; if it stays so, ask the relay's operator.",
        ),
    };
    let mut refusal = Refusal::new(kind, message, help);
    if kind == ErrorCode::RelayRefused && refusal.message == "The relay refused." {
        refusal.message = format!("The relay refused: {}.", code.as_str().replace('_', " "));
    }
    refusal
}
