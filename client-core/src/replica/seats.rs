//! Several seats on one device: a further one is made, gets its keys, takes the desk.
//!
//! The ledger belongs to the device and is handed over as it is; key ring and book belong to the
//! seat and are built anew, so that nothing of the last person's stays behind.

use entry_log::Storage;
use jiff::Timestamp;
use rand_core::CryptoRng;
use sync_protocol::{Role, SeatGrant, SeatId, SignedAct, What};

use super::{Proposal, Replica, new_incarnation, not_allowed, not_found, random, role_of};
use crate::{
    catalogue::{Refusal, StaffRole},
    ledger::Ledger,
    sealing::{HomeSecrets, Member, SeatSecrets},
};

/// A seat that is not part of the practice yet. Its keys must be on the disk before it is proposed.
#[derive(Debug)]
pub struct FurtherSeat {
    /// Its id.
    pub seat: SeatId,
    /// Its keys.
    pub secrets: SeatSecrets,
    act: SignedAct,
}

impl<S: Storage> Replica<S> {
    /// Makes a further seat of this device, by an owner or manager.
    ///
    /// # Errors
    /// When this seat may not let such a seat in.
    pub fn further_seat(
        &self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        role: StaffRole,
    ) -> Result<FurtherSeat, Refusal> {
        let role = role_of(role);
        if !self.role().is_some_and(|own| own.may_admit(role)) {
            return Err(not_allowed("let such a seat in", "an owner"));
        }
        let seat = SeatId::from_bytes(random(rng));
        let secrets = SeatSecrets::generate(rng);
        let grant = SeatGrant::new(
            self.org(),
            seat,
            self.device,
            role,
            &secrets.signing,
            secrets.sealing.public(),
        );
        let act = self.signed_act(
            now,
            What::AddSeat {
                invite: None,
                seat: grant,
                device: None,
            },
        )?;
        Ok(FurtherSeat { seat, secrets, act })
    }

    /// Lets the further seat in.
    ///
    /// # Errors
    /// When the relay orders the chain and does not answer.
    pub fn propose_seat(&mut self, seat: &FurtherSeat) -> Result<Proposal, Refusal> {
        self.put_act(seat.act.clone())
    }

    /// Seals the keys of its role to a seat that is part of the practice.
    ///
    /// # Errors
    /// When this seat does not hold them: then an owner's device has to.
    pub fn hand_keys_to(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        seat: SeatId,
    ) -> Result<(), Refusal> {
        let member = self
            .live_member(seat)
            .ok_or_else(|| not_found("seat", "This seat is not part of the practice."))?;
        let rows = self.keyring.rows_for_new_seat(rng, member)?;
        self.rows.extend(rows);
        let batch = self.begin(now, rng);
        self.save(rng, batch)?;
        Ok(())
    }

    fn live_member(&self, seat: SeatId) -> Option<Member> {
        let state = self.ledger.governance().seat(seat)?;
        Some(Member {
            seat,
            seal: state.seal_key(),
            role: state.role()?,
        })
    }

    /// The role of any seat of the practice.
    pub fn role_of_seat(&self, seat: SeatId) -> Option<Role> {
        self.ledger.governance().seat(seat)?.role()
    }

    /// The same device with another seat at the desk; the connection goes on. What the last seat
    /// wrote is in the log, signed; what it could read is dropped.
    ///
    /// # Errors
    /// When the other seat is not part of the practice, or local data are damaged.
    pub fn with_seat(
        self,
        secrets: &HomeSecrets,
        rng: &mut impl CryptoRng,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let Self {
            ledger,
            session,
            clock,
            ticket,
            trouble,
            in_step_at,
            ..
        } = self;
        let mut replica = Self::of_ledger(ledger, secrets, rng, now)?;
        replica.session = session;
        replica.clock = clock;
        replica.ticket = ticket;
        replica.trouble = trouble;
        replica.in_step_at = in_step_at;
        Ok(replica)
    }

    /// What the device holds, without anybody's keys.
    pub fn into_ledger(self) -> Ledger<S> {
        self.ledger
    }

    /// A replica over a ledger that is open already. A seat is one run of the process: its entries
    /// follow on its own.
    ///
    /// # Errors
    /// When the seat is not part of the practice, or local data are damaged.
    pub fn of_ledger(
        mut ledger: Ledger<S>,
        secrets: &HomeSecrets,
        rng: &mut impl CryptoRng,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        ledger.begin_incarnation(new_incarnation(rng));
        Self::replayed(ledger, secrets, rng, now)
    }
}
