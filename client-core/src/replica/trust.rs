//! Which relay a practice trusts: a spare key beside the one in use, and another relay in the place
//! of one that is gone.
//!
//! What always holds: nobody but an owner changes whom a practice trusts, and every change is an
//! act that all devices check. A relay that nobody pinned gets no entry and is believed nothing.

use entry_log::Storage;
use jiff::Timestamp;
use sync_protocol::{RelayPin, VerifyKey, What};

use super::{Proposal, Replica, begin, not_allowed};
use crate::catalogue::{ErrorCode, Refusal};

impl<S: Storage> Replica<S> {
    /// The key that may take over when the relay in use is lost.
    pub fn standby(&self) -> Option<VerifyKey> {
        let pin = self.ledger.governance().relay_pins().last();
        pin.and_then(|pin| pin.standby).map(VerifyKey::from)
    }

    /// What pins a key under an address. The spare key stays, unless it takes over now.
    pub(super) fn pin(&self, acting: VerifyKey, address: &str) -> What {
        What::PinRelayKey {
            acting,
            standby: self.standby().filter(|standby| *standby != acting),
            address: address.to_owned(),
        }
    }

    /// Names the key of a relay that is to take over when the one in use is lost.
    ///
    /// # Errors
    /// When the key is not acceptable, no relay is set, this seat is no owner's, or the relay does
    /// not answer.
    pub fn set_standby(&mut self, now: Timestamp, key: VerifyKey) -> Result<Proposal, Refusal> {
        let standby = key.check().map_err(|_| unacceptable())?;
        let pin = self.ledger.governance().relay_pins().last().cloned();
        let Some(RelayPin {
            acting, address, ..
        }) = pin
        else {
            return Err(Refusal::new(
                ErrorCode::RelayUnreachable,
                "No relay is set for this practice.",
                "Set one first; its spare key comes after it.",
            ));
        };
        if acting == standby {
            return Err(Refusal::new(
                ErrorCode::InvalidInput,
                "This is the key of the relay that is in use.",
                "Make another pair: sync-server key --data with an empty folder prints it.",
            )
            .at("key"));
        }
        if self.standby() == Some(key) {
            return Ok(Proposal::Done);
        }
        self.must_be_owner()?;
        let what = What::PinRelayKey {
            acting: VerifyKey::from(acting),
            standby: Some(key),
            address,
        };
        self.make_act(now, what)
    }

    /// Trusts another relay in the place of one that is gone and left no spare key. The act is
    /// signed here and continues the chain as this device holds it: at a relay that holds nothing
    /// of this practice, this device's word is the first. An earlier relay that is still there, and
    /// takes other acts meanwhile, would go on without this device: ask it first.
    ///
    /// # Errors
    /// When the key or address is not acceptable, or this seat is no owner's.
    pub fn replace_relay(
        &mut self,
        now: Timestamp,
        key: VerifyKey,
        address: &str,
    ) -> Result<(), Refusal> {
        begin::relay_address(address)?;
        key.check().map_err(|_| unacceptable())?;
        self.must_be_owner()?;
        let act = self.signed_act(now, self.pin(key, address))?;
        let arrivals = self.ledger.act(act)?;
        self.ledger.commit()?;
        self.arrived(&arrivals);
        Ok(())
    }

    /// Whether this seat may say which relay counts.
    pub fn may_set_relay(&self) -> bool {
        self.role() == Some(sync_protocol::Role::Owner)
    }

    fn must_be_owner(&self) -> Result<(), Refusal> {
        if self.may_set_relay() {
            Ok(())
        } else {
            Err(not_allowed("say which relay is trusted", "an owner"))
        }
    }
}

fn unacceptable() -> Refusal {
    Refusal::new(
        ErrorCode::InvalidInput,
        "This is no acceptable key of a relay.",
        "Copy all 64 letters and digits that `sync-server key` prints.",
    )
    .at("key")
}
