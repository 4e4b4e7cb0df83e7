//! Several people at one computer: who works here, a further person, giving the desk over.
//!
//! ```text
//!           passphrase                PIN of another
//!  locked ─────────────> at the desk ────────────────> at the desk
//!     ^                    │    ^
//!     └──── lock ──────────┤    │ PIN
//!                   pause  v    │
//!                         resting: the device's part is open, nobody's keys are
//! ```

use std::time::Duration;

use entry_log::DirStorage;
use rand_chacha::ChaCha20Rng;
use sync_protocol::SeatId;

use super::{
    Desk, Home, Opening, PATIENCE, check_passphrase, keys::slot, locked, people::removed, random,
    storage,
};
use crate::{
    catalogue::{Command, EditEntry, ErrorCode, HomeReply, Refusal, SeatHere, StaffRole},
    desk::checks,
    ledger::Ledger,
    replica::{Newcomer, Proposal, Replica, face, new_incarnation, refusal_of_code},
    sealing::{Cost, JoinCode, NewSeat, SlotError, Unlocked, check_pin},
    store::SledStore,
};

/// A computer where nobody is at the desk.
#[derive(Debug)]
pub(super) struct Resting {
    pub(super) ledger: Ledger<DirStorage>,
    pub(super) random: ChaCha20Rng,
    pub(super) settings: SledStore,
    /// Without a seat.
    pub(super) keys: Unlocked,
}

impl Home {
    // ---- resting ---------------------------------------------------------------------------

    fn resting(&self) -> std::sync::MutexGuard<'_, Option<Resting>> {
        self.resting
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn take_resting(&self) -> Option<Resting> {
        self.resting().take()
    }

    pub(super) fn rest(&self, resting: Resting) {
        *self.resting() = Some(resting);
        self.shared.tell(vec![super::all_changed()]);
    }

    pub(super) fn is_paused(&self) -> bool {
        self.resting().is_some()
    }

    /// What an opening came to: not everybody whose passphrase opens the computer has a seat.
    pub(super) fn opened(&self) -> HomeReply {
        if self.is_paused() {
            HomeReply::Status(self.status())
        } else {
            HomeReply::Opened
        }
    }

    pub(super) fn open_ledger(
        &self,
        random: &mut ChaCha20Rng,
    ) -> Result<Ledger<DirStorage>, Refusal> {
        let log = DirStorage::open(self.folder.log()).map_err(|error| storage(&error))?;
        let (ledger, _recovery) = Ledger::open(log, new_incarnation(random))?;
        Ok(ledger)
    }

    pub(super) fn pause(&self) -> HomeReply {
        self.disconnect();
        let desk = self.shared.lock().take();
        if let Some(mut desk) = desk {
            // A name that cannot be saved is no reason to stay open.
            drop(self.learn_names(&mut desk));
            let known = desk.keys.seats();
            if known.iter().any(|known| desk.keys.has_pin(known.seat)) {
                let Desk {
                    replica,
                    random,
                    settings,
                    mut keys,
                    ..
                } = desk;
                keys.close_seat();
                let ledger = replica.into_ledger();
                self.rest(Resting {
                    ledger,
                    random,
                    settings,
                    keys,
                });
            }
        }
        self.shared.tell(vec![super::all_changed()]);
        HomeReply::Status(self.status())
    }

    // ---- who works here --------------------------------------------------------------------

    pub(super) fn seats(&self) -> Result<HomeReply, Refusal> {
        if let Some(desk) = self.shared.lock().as_mut() {
            self.learn_names(desk)?;
            return Ok(here(&desk.keys, desk.replica.ledger()));
        }
        match &*self.resting() {
            Some(resting) => Ok(here(&resting.keys, &resting.ledger)),
            None => Err(locked()),
        }
    }

    /// What the practice calls people is what this computer calls them, also while it rests and can
    /// read no more than the key file.
    fn learn_names(&self, desk: &mut Desk) -> Result<(), Refusal> {
        let mut changed = false;
        for (seat, name) in &desk.replica.book().practice().seats {
            changed |= desk.keys.name_seat(*seat, name);
        }
        if changed {
            self.save_keys(&mut desk.random, &mut desk.keys)?;
        }
        Ok(())
    }

    /// Takes seats out of the key file that are no longer part of the practice, and the secret of
    /// an invitation that is redeemed.
    pub(super) fn tidy_keys(
        &self,
        replica: &Replica<DirStorage>,
        random: &mut ChaCha20Rng,
        keys: &mut Unlocked,
    ) -> Result<(), Refusal> {
        let governance = replica.ledger().governance();
        let gone: Vec<SeatId> = keys
            .seats()
            .iter()
            .map(|known| known.seat)
            .filter(|seat| Some(*seat) != keys.seat())
            .filter(|seat| {
                governance
                    .seat(*seat)
                    .is_some_and(|seat| seat.role().is_none())
            })
            .collect();
        let redeemed = keys.secrets.joining.is_some() && replica.secrets().joining.is_none();
        if redeemed {
            keys.secrets.joining = None;
        }
        for seat in &gone {
            keys.forget_seat(*seat);
        }
        if redeemed || !gone.is_empty() {
            self.save_keys(random, keys)?;
        }
        Ok(())
    }

    // ---- a further person ------------------------------------------------------------------

    pub(super) fn add_seat(
        &self,
        name: &str,
        role: StaffRole,
        pin: &str,
    ) -> Result<HomeReply, Refusal> {
        let name = self.new_name(name)?;
        check_pin(pin).map_err(|why| slot(&why.into()))?;
        if self.shared.lock().as_ref().ok_or_else(locked)?.has_relay() {
            self.connect()?;
            self.wait_in_step(PATIENCE)?;
        }
        let (proposal, seat) = {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(locked)?;
            let further = desk
                .replica
                .further_seat(self.now(), &mut desk.random, role)?;
            let new = NewSeat {
                seat: further.seat,
                name: &name,
                secrets: &further.secrets,
                joining: None,
            };
            desk.keys
                .add_seat(&mut desk.random, &new, pin, Cost::DEFAULT)
                .map_err(|error| slot(&error))?;
            self.save_keys(&mut desk.random, &mut desk.keys)?;
            match desk.replica.propose_seat(&further) {
                Ok(proposal) => (proposal, further.seat),
                Err(refusal) => {
                    desk.keys.forget_seat(further.seat);
                    self.save_keys(&mut desk.random, &mut desk.keys)?;
                    return Err(refusal);
                }
            }
        };
        if let Proposal::Proposed(act) = proposal {
            self.wrote();
            if let Err(refusal) = self.wait_for_act(&act, PATIENCE) {
                // Unanswered, it may still come to be; refused, it never will.
                if refusal.code == ErrorCode::RelayRefused {
                    let mut held = self.shared.lock();
                    let desk = held.as_mut().ok_or_else(locked)?;
                    desk.keys.forget_seat(seat);
                    self.save_keys(&mut desk.random, &mut desk.keys)?;
                }
                return Err(refusal);
            }
        }
        {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(locked)?;
            let handed = desk
                .replica
                .hand_keys_to(self.now(), &mut desk.random, seat);
            // A manager does not hold every key: an owner's device sees a seat without them.
            handed.or_else(|refusal| match refusal.code {
                ErrorCode::MissingKey => Ok(()),
                _ => Err(refusal),
            })?;
            // Others see the name as well: in the list of people and in reviews.
            let wish = EditEntry {
                of: seat.to_string(),
                name: Some(name),
                colour: None,
                retired: None,
            };
            let (now, random) = (self.now(), &mut desk.random);
            desk.replica
                .execute(now, random, Command::EditEntry(wish))?;
        }
        self.wrote();
        self.shared.tell(vec![super::all_changed()]);
        self.seats()
    }

    /// A name that nobody has at this computer.
    fn new_name(&self, name: &str) -> Result<String, Refusal> {
        let name = checks::name("name", name)?;
        let held = self.shared.lock();
        let desk = held.as_ref().ok_or_else(locked)?;
        if find(&desk.keys, &name).is_ok() {
            return Err(Refusal::new(
                ErrorCode::InvalidInput,
                "Somebody of this name works at this computer already.",
                "Add a surname or an initial.",
            )
            .at("name"));
        }
        Ok(name)
    }

    pub(super) fn join_seat(
        &self,
        code: &str,
        name: &str,
        pin: &str,
    ) -> Result<HomeReply, Refusal> {
        let code: JoinCode = code.parse().map_err(refusal_of_code)?;
        let name = self.new_name(name)?;
        check_pin(pin).map_err(|why| slot(&why.into()))?;
        self.connect()?;
        self.wait_in_step(PATIENCE)?;
        let mut random = random()?;
        let mut newcomer = {
            let held = self.shared.lock();
            let desk = held.as_ref().ok_or_else(locked)?;
            let genesis = desk.replica.ledger().governance().genesis();
            if code.org != desk.replica.org() || code.genesis != genesis {
                return Err(Refusal::new(
                    ErrorCode::BadJoinCode,
                    "This code is for another practice.",
                    "Ask for a code of this practice.",
                )
                .at("code"));
            }
            Newcomer::on(&mut random, code, desk.replica.device())
        };
        let seat = newcomer.seat();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| storage(&error))?;
        let mut keep: Box<super::joining::Keep<'_>> = Box::new(|random, _, newcomer| {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(locked)?;
            let new = NewSeat {
                seat,
                name: &name,
                secrets: newcomer.seat_secrets()?,
                joining: newcomer.secrets().joining.clone(),
            };
            desk.keys
                .add_seat(random, &new, pin, Cost::DEFAULT)
                .map_err(|error| slot(&error))?;
            self.save_keys(random, &mut desk.keys)
        });
        let talk = self.talk(&mut newcomer, &mut random, &mut keep);
        let done = runtime.block_on(async {
            tokio::time::timeout(PATIENCE * 2, talk)
                .await
                .map_err(|_| super::relay::unreachable())?
        });
        drop(keep);
        if let Err(refusal) = done {
            let mut held = self.shared.lock();
            if let Some(desk) = held.as_mut()
                && refusal.code != ErrorCode::RelayUnreachable
            {
                desk.keys.forget_seat(seat);
                self.save_keys(&mut desk.random, &mut desk.keys)?;
            }
            return Err(refusal);
        }
        self.wait_for_seat(seat, PATIENCE)?;
        self.seats()
    }

    fn wait_for_seat(&self, seat: SeatId, patience: Duration) -> Result<(), Refusal> {
        let held = self.shared.lock();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(held, patience, |held| {
                held.as_ref()
                    .is_some_and(|desk| desk.replica.role_of_seat(seat).is_none())
            });
        let held = match waited {
            Ok((held, _)) => held,
            Err(poisoned) => poisoned.into_inner().0,
        };
        let desk = held.as_ref().ok_or_else(locked)?;
        match desk.replica.role_of_seat(seat) {
            Some(_) => Ok(()),
            None => Err(super::relay::unreachable()),
        }
    }

    pub(super) fn set_pin(&self, pin: &str) -> Result<HomeReply, Refusal> {
        let mut held = self.shared.lock();
        let desk = held.as_mut().ok_or_else(locked)?;
        desk.keys
            .set_pin(&mut desk.random, pin, Cost::DEFAULT)
            .map_err(|error| slot(&error))?;
        self.save_keys(&mut desk.random, &mut desk.keys)?;
        Ok(here(&desk.keys, desk.replica.ledger()))
    }

    pub(super) fn set_own_passphrase(&self, passphrase: &str) -> Result<HomeReply, Refusal> {
        check_passphrase(passphrase)?;
        let mut held = self.shared.lock();
        let desk = held.as_mut().ok_or_else(locked)?;
        desk.keys
            .set_own_passphrase(&mut desk.random, passphrase, Cost::DEFAULT)
            .map_err(|error| slot(&error))?;
        self.save_keys(&mut desk.random, &mut desk.keys)?;
        Ok(here(&desk.keys, desk.replica.ledger()))
    }

    // ---- giving the desk over --------------------------------------------------------------

    /// Opens the computer with one person's passphrase, or its machine key, and gives the desk to
    /// the seat of this name or id.
    ///
    /// # Errors
    /// When either secret is wrong, or nobody of this name works here.
    pub fn unlock_as(&self, opening: &Opening, seat: &str, pin: &str) -> Result<(), Refusal> {
        if self.is_removed() {
            return Err(removed());
        }
        let mut keys = self.open_keys(opening)?;
        let mut random = random()?;
        let seat = find(&keys, seat)?;
        self.try_pin(&mut random, &mut keys, seat, pin, true)?;
        self.open_replica(keys)
    }

    /// Counts the PIN on the disk, then tries it.
    fn try_pin(
        &self,
        random: &mut ChaCha20Rng,
        keys: &mut Unlocked,
        seat: SeatId,
        pin: &str,
        trusted: bool,
    ) -> Result<(), Refusal> {
        let no_pin = |error: &SlotError| match error {
            SlotError::NoSuchSlot => Refusal::new(
                ErrorCode::WrongPin,
                "This person has set no PIN at this computer.",
                "Unlock with this person's passphrase, then set a PIN.",
            )
            .at("pin"),
            other => slot(other),
        };
        keys.count_try(seat, trusted)
            .map_err(|error| no_pin(&error))?;
        self.save_keys(random, keys)?;
        keys.open_seat(seat, pin).map_err(|error| no_pin(&error))?;
        self.save_keys(random, keys)
    }

    pub(super) fn switch(
        &self,
        seat: &str,
        pin: &str,
        passphrase: Option<&str>,
    ) -> Result<HomeReply, Refusal> {
        let trusted = match passphrase {
            Some(text) => {
                let file = self.with_keystore(self.read_keys()?)?;
                file.check_passphrase(text).map_err(|error| slot(&error))?;
                true
            }
            None => false,
        };
        let mut held = self.shared.lock();
        self.heal(&mut held)?;
        let now = self.now();
        if let Some(desk) = held.as_mut() {
            let seat = find(&desk.keys, seat)?;
            self.try_pin(&mut desk.random, &mut desk.keys, seat, pin, trusted)?;
            if desk.replica.seat() == seat {
                return Ok(HomeReply::Opened);
            }
        } else {
            let mut resting = self.resting();
            let rest = resting.as_mut().ok_or_else(locked)?;
            let seat = find(&rest.keys, seat)?;
            self.try_pin(&mut rest.random, &mut rest.keys, seat, pin, trusted)?;
        }
        // From here on the last person's keys are gone; what fails leaves the home locked.
        if let Some(desk) = held.take() {
            let Desk {
                replica,
                mut random,
                settings,
                mut keys,
                linked,
                ..
            } = desk;
            let replica = replica.with_seat(&keys.secrets, &mut random, now)?;
            self.tidy_keys(&replica, &mut random, &mut keys)?;
            let mut desk = Desk {
                replica,
                random,
                settings,
                keys,
                linked,
                awaited: std::collections::BTreeSet::new(),
            };
            if desk.replica.role().is_none() {
                return Err(super::people::leave(&self.folder, desk)?);
            }
            super::recovery::follow_words(&self.folder, &mut desk)?;
            *held = Some(desk);
            drop(held);
            self.shared.tell(vec![super::all_changed()]);
            self.wrote();
            return Ok(HomeReply::Opened);
        }
        drop(held);
        let Resting {
            ledger,
            mut random,
            settings,
            keys,
        } = self.take_resting().ok_or_else(locked)?;
        let replica = Replica::of_ledger(ledger, &keys.secrets, &mut random, now)?;
        self.put_with(replica, random, keys, settings)?;
        Ok(HomeReply::Opened)
    }
}

/// The seat of this id, or of this name.
fn find(keys: &Unlocked, text: &str) -> Result<SeatId, Refusal> {
    let id: Option<SeatId> = text.parse().ok();
    let name = text.trim().to_lowercase();
    keys.seats()
        .iter()
        .find(|known| Some(known.seat) == id || known.name.to_lowercase() == name)
        .filter(|known| Some(known.seat) == id || !known.name.is_empty())
        .map(|known| known.seat)
        .ok_or_else(|| slot(&SlotError::UnknownSeat))
}

fn here(keys: &Unlocked, ledger: &Ledger<DirStorage>) -> HomeReply {
    let seats = keys.seats().iter().map(|known| SeatHere {
        id: known.seat.to_string(),
        name: (!known.name.is_empty()).then(|| known.name.clone()),
        role: ledger
            .governance()
            .seat(known.seat)
            .and_then(sync_protocol::SeatState::role)
            .and_then(face),
        here: keys.seat() == Some(known.seat),
        pin: keys.has_pin(known.seat),
        passphrase: keys.has_passphrase(known.seat),
        pin_locked: known.tries >= crate::sealing::MAX_TRIES,
    });
    HomeReply::Seats {
        seats: seats.collect(),
    }
}
