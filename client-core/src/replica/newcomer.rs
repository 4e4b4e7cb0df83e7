//! A device that redeems a join code.
//!
//! ```text
//!  new ─> joining() ─> Ready{acts, keys} ─> add_seat ─> propose ─> Done{acts} ─> finish ─> Replica
//! ```
//! The secrets must be on the disk before the act goes out: after it they are the only way in.

use entry_log::Storage;
use jiff::Timestamp;
use rand_core::CryptoRng;
use sync_protocol::{
    Act, Author, DeviceGrant, DeviceId, Entry, Governance, Item, SeatGrant, SeatId, SignedAct,
    SigningKey, What,
};

use super::{Replica, internal, new_incarnation, random, refusal_of_join};
use crate::{
    catalogue::{ErrorCode, Refusal},
    ledger::Ledger,
    sealing::{DeviceSecrets, HomeSecrets, JoinCode, KeyRing, SeatSecrets},
    session::Joining,
};

/// A device that is about to become part of a practice.
#[derive(Debug)]
pub struct Newcomer {
    code: JoinCode,
    device: DeviceId,
    /// Whether the device is part of the practice already, and only the seat is new.
    known: bool,
    seat: SeatId,
    secrets: HomeSecrets,
    keys: Vec<Entry>,
}

fn wrong_practice() -> Refusal {
    Refusal::new(
        ErrorCode::BadJoinCode,
        "The relay's practice is not the one this code is for.",
        "Ask for a new code.",
    )
}

impl Newcomer {
    /// Makes the device's and seat's keys.
    pub fn new(rng: &mut impl CryptoRng, code: JoinCode) -> Self {
        let device = DeviceId::from_bytes(random(rng));
        let seat = SeatId::from_bytes(random(rng));
        let (device_secrets, seat_secrets) =
            (DeviceSecrets::generate(rng), SeatSecrets::generate(rng));
        let mut secrets = HomeSecrets::new(rng, device_secrets, seat, seat_secrets);
        secrets.joining = Some((code.invite, code.secret.clone()));
        Self {
            code,
            device,
            known: false,
            seat,
            secrets,
            keys: Vec::new(),
        }
    }

    /// Somebody who brings a code to a device that is part of the practice already.
    pub fn on(rng: &mut impl CryptoRng, code: JoinCode, device: DeviceId) -> Self {
        let mut newcomer = Self::new(rng, code);
        newcomer.device = device;
        newcomer.known = true;
        newcomer
    }

    /// The new seat.
    pub const fn seat(&self) -> SeatId {
        self.seat
    }

    /// The conversation with the relay.
    pub fn joining(&self) -> Joining {
        let code = &self.code;
        Joining::new(
            code.org,
            code.invite,
            Some(code.genesis),
            code.relay.key,
            code.relay.address.clone(),
        )
    }

    /// The invitation's one-time key.
    pub fn key(&self) -> SigningKey {
        self.code.signing_key()
    }

    /// What is redeemed.
    pub const fn code(&self) -> &JoinCode {
        &self.code
    }

    /// What the home must keep from now on.
    pub const fn secrets(&self) -> &HomeSecrets {
        &self.secrets
    }

    /// Checks the chain against the code and makes the act that adds this seat.
    pub fn add_seat(
        &mut self,
        now: Timestamp,
        acts: &[SignedAct],
        keys: Vec<Item>,
    ) -> Result<SignedAct, Refusal> {
        let governance = self.checked(acts)?;
        let invite = governance
            .invite(self.code.invite)
            .ok_or_else(wrong_practice)?;
        if invite.used.is_some() {
            return Err(refusal_of_join(sync_protocol::ErrorCode::UsedInvite));
        }
        if now.as_second() >= invite.expires {
            return Err(refusal_of_join(sync_protocol::ErrorCode::ExpiredInvite));
        }
        let seat_secrets = self.seat_secrets()?;
        // Fails here, rather than after the seat exists, when the code's secret is wrong.
        KeyRing::from_invite(
            self.code.org,
            self.code.invite,
            invite.role,
            &invite.wrapped,
            &self.code.secret,
            self.seat,
            seat_secrets,
        )?;
        let (height, prev) = governance.stand();
        let act = Act {
            org: self.code.org,
            height: height.saturating_add(1),
            prev,
            at: now.as_second(),
            author: Author::Invite(self.code.invite),
            what: What::AddSeat {
                invite: Some(self.code.invite),
                seat: SeatGrant::new(
                    self.code.org,
                    self.seat,
                    self.device,
                    invite.role,
                    &seat_secrets.signing,
                    seat_secrets.sealing.public(),
                ),
                device: (!self.known).then(|| {
                    DeviceGrant::new(self.code.org, self.device, &self.secrets.device.signing)
                }),
            },
        };
        self.keys = keys
            .into_iter()
            .filter_map(|item| match item {
                Item::Entry(entry) => Some(entry),
                Item::Act(_) | Item::Confirmation(_) => None,
            })
            .collect();
        SignedAct::sign(act, &self.key())
            .map_err(|_| internal("The act that adds this seat could not be signed."))
    }

    /// Becomes a replica, once the chain holds the seat.
    pub fn finish<S: Storage>(
        self,
        storage: S,
        rng: &mut impl CryptoRng,
        now: Timestamp,
        acts: Vec<SignedAct>,
    ) -> Result<(Replica<S>, HomeSecrets), Refusal> {
        let governance = self.checked(&acts)?;
        if governance.seat(self.seat).is_none() {
            return Err(wrong_practice());
        }
        let mut ledger = Ledger::join(storage, acts, new_incarnation(rng))?;
        ledger.receive_entries(self.keys)?;
        ledger.commit()?;
        let replica = Replica::replayed(ledger, &self.secrets, rng, now)?;
        let secrets = replica.secrets().clone();
        Ok((replica, secrets))
    }

    /// The new seat's keys.
    ///
    /// # Errors
    /// Never, unless the program is at fault.
    pub fn seat_secrets(&self) -> Result<&SeatSecrets, Refusal> {
        self.secrets
            .seats
            .get(&self.seat)
            .ok_or_else(|| internal("The newcomer's seat has no keys."))
    }

    /// The chain must begin with the code's genesis and hold the head it names.
    fn checked(&self, acts: &[SignedAct]) -> Result<Governance, Refusal> {
        let (genesis, rest) = acts.split_first().ok_or_else(wrong_practice)?;
        let mut governance = Governance::found(genesis)?;
        for act in rest {
            governance.apply(act)?;
        }
        let (height, head) = self.code.head;
        let ours = governance.org() == self.code.org
            && governance.genesis() == self.code.genesis
            && governance.hash_at(height) == Some(head);
        if ours {
            Ok(governance)
        } else {
            Err(wrong_practice())
        }
    }
}
