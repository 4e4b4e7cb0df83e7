//! Setting the relay, replacing one that is gone, and inviting over it.

use std::time::Duration;

use sync_protocol::{ErrorCode as Code, Frame, Hash, VerifyKey};

use super::{Desk, Home, PATIENCE, TICKET, locked, store};
use crate::{
    catalogue::{ErrorCode, HomeReply, Refusal, StaffRole},
    link::Socket,
    replica::{ActState, Proposal},
    store::LocalStore as _,
};

/// An empty relay is filled within this time.
pub(super) const HEALING: Duration = Duration::from_mins(5);
/// Where this device was sent while no owner had pinned the address: the height of the pin it goes
/// by, then the address.
const FOUND_AT: &[u8] = b"relay found at";

/// How a relay that answers stands to this practice.
#[derive(Clone, Copy)]
enum Standing {
    /// It is pinned, with this address; or no relay was set yet.
    Set,
    /// The relay in use or its spare at another address.
    Ours,
    /// Its key says nothing to this device.
    Stranger,
}

impl Home {
    pub(super) fn set_relay(
        &self,
        address: &str,
        ticket: Option<&str>,
        replace: Option<&str>,
    ) -> Result<HomeReply, Refusal> {
        if !(address.starts_with("ws://") || address.starts_with("wss://")) {
            return Err(Refusal::new(
                ErrorCode::InvalidInput,
                "A relay's address begins with ws:// or wss://.",
                "For example wss://relay.your-practice.example:7300.",
            )
            .at("address"));
        }
        let replace = replace.map(key_of).transpose()?;
        self.shared.lock().as_ref().ok_or_else(locked)?;
        let key = self.ask_key(address)?;
        if replace.is_some_and(|named| named != key) {
            return Err(Refusal::new(
                ErrorCode::WrongRelay,
                "The relay at this address shows another key.",
                "Compare with what `sync-server key` prints on the relay's machine.",
            )
            .at("replace"));
        }
        let standing = self.standing(&key, address)?;
        let linked = self.shared.lock().as_ref().is_some_and(|desk| desk.linked);
        let set = self.set_relay_there(address, key, standing, ticket, replace.is_some());
        if set.is_err() && linked {
            // As before: the pinned relay is looked for.
            self.disconnect();
            self.connect()?;
        }
        set
    }

    fn set_relay_there(
        &self,
        address: &str,
        key: VerifyKey,
        standing: Standing,
        ticket: Option<&str>,
        replace: bool,
    ) -> Result<HomeReply, Refusal> {
        if replace && matches!(standing, Standing::Stranger) {
            self.replace_relay(key, address)?;
            self.remember_ticket(ticket)?;
        } else {
            self.disconnect();
            match standing {
                Standing::Set => {
                    let mut held = self.shared.lock();
                    let desk = held.as_mut().ok_or_else(locked)?;
                    let key = key.check().map_err(|_| trouble(Code::WrongRelay))?;
                    desk.replica.pin_relay(self.now(), key.into(), address)?;
                    drop(held);
                    self.remember_ticket(ticket)?;
                }
                Standing::Ours => self.follow_relay(key, address, ticket)?,
                Standing::Stranger => self.follow_relay(key, address, None)?,
            }
        }
        self.connect()?;
        self.wait_in_step(healing(ticket))?;
        Ok(HomeReply::Status(self.status()))
    }

    fn standing(&self, key: &VerifyKey, address: &str) -> Result<Standing, Refusal> {
        let held = self.shared.lock();
        let desk = held.as_ref().ok_or_else(locked)?;
        let governance = desk.replica.ledger().governance();
        let Some(acting) = governance.relay_key() else {
            return Ok(Standing::Set);
        };
        let known = key.check().map_err(|_| trouble(Code::WrongRelay))?;
        Ok(if !governance.is_relay_key(&known) {
            Standing::Stranger
        } else if *acting == known && governance.relay_address() == Some(address) {
            Standing::Set
        } else {
            Standing::Ours
        })
    }

    fn remember_ticket(&self, ticket: Option<&str>) -> Result<(), Refusal> {
        let Some(ticket) = ticket else { return Ok(()) };
        let mut held = self.shared.lock();
        let desk = held.as_mut().ok_or_else(locked)?;
        desk.settings
            .put(&[(TICKET, Some(ticket.as_bytes()))])
            .map_err(|error| store(&error))?;
        desk.replica.set_ticket(Some(ticket.to_owned()));
        Ok(())
    }

    /// The relay orders who may change its address, so it is asked at the new one. Where no owner
    /// is at hand to say so, this device remembers where it found it.
    fn follow_relay(
        &self,
        key: VerifyKey,
        address: &str,
        ticket: Option<&str>,
    ) -> Result<(), Refusal> {
        self.remember_ticket(ticket)?;
        self.connect_at(Some(address.to_owned()))?;
        let followed = self.wait_in_step(healing(ticket)).and_then(|()| {
            let proposal = {
                let mut held = self.shared.lock();
                let desk = held.as_mut().ok_or_else(locked)?;
                if desk.replica.may_set_relay() {
                    desk.replica.pin_relay(self.now(), key, address)?
                } else {
                    let pin = desk.replica.ledger().governance().relay_pins().last();
                    let height = pin.map_or(0, |pin| pin.height);
                    let found = [&height.to_be_bytes(), address.as_bytes()].concat();
                    desk.settings
                        .put(&[(FOUND_AT, Some(&found))])
                        .map_err(|error| store(&error))?;
                    Proposal::Done
                }
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

    /// A relay that left no spare key is replaced by an owner who names the new one's. While the
    /// old one answers, it is the one to order that: two relays would go two ways.
    fn replace_relay(&self, key: VerifyKey, address: &str) -> Result<(), Refusal> {
        let old = {
            let held = self.shared.lock();
            let desk = held.as_ref().ok_or_else(locked)?;
            let governance = desk.replica.ledger().governance();
            let key = governance.relay_key().map(|key| VerifyKey::from(*key));
            key.zip(governance.relay_address().map(str::to_owned))
        };
        if let Some((old, at)) = old
            && self.ask_key(&at).is_ok_and(|shown| shown == old)
        {
            return Err(Refusal::new(
                ErrorCode::WrongRelay,
                "The relay of this practice is still there.",
                "Name the new one as its spare first (daybook relay-standby KEY), then set the \
                 new address without --replace.",
            )
            .at("replace"));
        }
        self.disconnect();
        let mut held = self.shared.lock();
        let desk = held.as_mut().ok_or_else(locked)?;
        desk.replica.replace_relay(self.now(), key, address)
    }

    /// Names the spare key; the relay in use orders it.
    pub(super) fn set_standby(&self, key: &str) -> Result<HomeReply, Refusal> {
        let key = key_of(key)?;
        if self.shared.lock().as_ref().ok_or_else(locked)?.has_relay() {
            self.connect()?;
            self.wait_in_step(PATIENCE)?;
        }
        let proposal = {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(locked)?;
            desk.replica.set_standby(self.now(), key)?
        };
        if let Proposal::Proposed(act) = proposal {
            self.wrote();
            self.wait_for_act(&act, PATIENCE)?;
        }
        Ok(HomeReply::Status(self.status()))
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

    pub(super) fn invite(
        &self,
        role: StaffRole,
        days: u32,
        compare: bool,
    ) -> Result<HomeReply, Refusal> {
        // The relay orders who belongs to the practice, so it has to be there.
        if self.shared.lock().as_ref().ok_or_else(locked)?.has_relay() {
            self.connect()?;
            self.wait_in_step(PATIENCE)?;
        }
        let (proposal, code, expires) = {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(locked)?;
            let (now, random) = (self.now(), &mut desk.random);
            if compare {
                desk.replica.invite_to_compare(now, random, role, days)?
            } else {
                desk.replica.invite(now, random, role, days)?
            }
        };
        if let Proposal::Proposed(act) = proposal {
            self.wrote();
            self.wait_for_act(&act, PATIENCE)?;
        }
        Ok(HomeReply::Invited {
            code: code.to_string(),
            expires,
            picture: crate::picture::picture(&code)?,
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

/// Where this device found its relay, while the pin it went by is still the last one.
pub(super) fn found_at(desk: &Desk) -> Option<String> {
    let found = desk.settings.get(FOUND_AT).ok()??;
    let (height, address) = found.split_at_checked(4)?;
    let pin = desk.replica.ledger().governance().relay_pins().last()?;
    (height == pin.height.to_be_bytes()).then_some(())?;
    String::from_utf8(address.to_vec()).ok()
}

/// Who brings everything to an empty relay needs more than a moment.
const fn healing(ticket: Option<&str>) -> Duration {
    match ticket {
        Some(_) => HEALING,
        None => PATIENCE,
    }
}

fn key_of(text: &str) -> Result<VerifyKey, Refusal> {
    text.trim().parse().map_err(|_| {
        Refusal::new(
            ErrorCode::InvalidInput,
            "This is no key of a relay.",
            "Copy all 64 letters and digits that `sync-server key` prints.",
        )
        .at("key")
    })
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
            "Check the address. If the relay was replaced, an owner sets the new one first: daybook \
             relay ADDRESS --replace KEY.",
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
        Code::UnknownDevice => (
            ErrorCode::RelayRefused,
            "The relay does not know this device: it holds an older state of the practice.",
            "Let another device connect first. If there is none, ask the relay's operator for a \
             ticket (sync-server org invite) and set the relay again with it: this device brings \
             everything back.",
        ),
        Code::Removed => (
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
