//! Who belongs to the practice: ending a seat or a device, another role, calling an invitation back;
//! and what an owner's device then owes to the key table.
//!
//! What always holds:
//!
//! * A removal names how far the seat had written as far as this replica knows. What comes later
//!   counts for nothing, whoever brings it.
//! * New keys are made after the act stands, so the rows name a height at which whoever left is
//!   gone already. Any owner's device that is in step pays what is owed: the removal holds also when
//!   the device that made it goes off at once.

use std::collections::BTreeSet;

use entry_log::Storage;
use jiff::{SignedDuration, Timestamp};
use rand_core::CryptoRng;
use sync_protocol::{DeviceId, InviteId, Policy, Role, SeatId, SeatState, What};

use super::{Proposal, Replica, not_allowed, not_found, role_of};
use crate::{
    catalogue::{ErrorCode, LinkState, Refusal, StaffRole},
    sealing::{Compartment, Member, Renewal, keys_lost},
};

/// An owner's device leaves what is owed to each owner before it for so long.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);

/// When what is owed is to be looked at, and since when it is owed.
#[derive(Debug, Default)]
pub(crate) struct Dues {
    look: bool,
    since: Option<Timestamp>,
}

impl Dues {
    /// The chain, the key table or the connection changed.
    pub(crate) const fn look(&mut self) {
        self.look = true;
    }
}

/// What the key table still lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owed {
    /// Roles and compartments whose keys somebody holds who should not.
    pub renewal: Renewal,
    /// Seats that were not given the keys of their role.
    pub hand: Vec<Member>,
    /// Compartments that roles were let in to, without a row for each key.
    pub let_in: BTreeSet<(Compartment, Role)>,
    /// Whether owners' keys are not sealed to the recovery words that count.
    pub recover: bool,
    /// Whether an erasure has keys to name that came late.
    pub erase: bool,
}

impl Owed {
    /// Whether that is nothing.
    pub fn is_empty(&self) -> bool {
        self.needs_no_rows() && !self.erase
    }

    fn needs_no_rows(&self) -> bool {
        self.renewal == Renewal::default()
            && self.hand.is_empty()
            && self.let_in.is_empty()
            && !self.recover
    }
}

fn gone(what: &str) -> Refusal {
    Refusal::new(
        ErrorCode::NotFound,
        format!("There is no such {what} in the practice any more."),
        "Look at the list of people and devices.",
    )
}

impl<S: Storage> Replica<S> {
    /// Ends a seat.
    ///
    /// # Errors
    /// When this seat is no owner's, the other is gone already or the last owner's.
    pub fn remove_seat(&mut self, now: Timestamp, seat: SeatId) -> Result<Proposal, Refusal> {
        self.must_own("remove somebody")?;
        let known = self.ledger.governance().seat(seat);
        known
            .filter(|state| state.role().is_some())
            .ok_or_else(|| gone("seat"))?;
        let last = self.ledger.written_by(&[seat]);
        self.make_act(now, What::RemoveSeat { seat, last })
    }

    /// Ends a device with all its seats.
    ///
    /// # Errors
    /// When this seat is no owner's, the device is gone already or the last owner's.
    pub fn remove_device(&mut self, now: Timestamp, device: DeviceId) -> Result<Proposal, Refusal> {
        self.must_own("remove a device")?;
        let governance = self.ledger.governance();
        governance
            .device(device)
            .filter(|state| state.removed().is_none())
            .ok_or_else(|| gone("device"))?;
        let seats: Vec<SeatId> = governance.seats_on(device).map(|(seat, _)| seat).collect();
        let last = self.ledger.written_by(&seats);
        self.make_act(now, What::RemoveDevice { device, last })
    }

    /// Gives a seat another role.
    ///
    /// # Errors
    /// When this seat is no owner's, the other is gone or the last owner's.
    pub fn set_role(
        &mut self,
        now: Timestamp,
        seat: SeatId,
        role: StaffRole,
    ) -> Result<Proposal, Refusal> {
        self.must_own("change somebody's role")?;
        let role = role_of(role);
        let state = self.ledger.governance().seat(seat);
        let has = state
            .and_then(SeatState::role)
            .ok_or_else(|| gone("seat"))?;
        if has == role {
            return Ok(Proposal::Done);
        }
        let last = self.ledger.written_by(&[seat]);
        self.make_act(now, What::SetRole { seat, role, last })
    }

    /// Calls an invitation back.
    ///
    /// # Errors
    /// When this seat may not issue such an invitation, or it was used already.
    pub fn revoke_invite(&mut self, now: Timestamp, invite: InviteId) -> Result<Proposal, Refusal> {
        let state = self.ledger.governance().invite(invite);
        let state = state.ok_or_else(|| not_found("invitation", "invitation"))?;
        if !self.role().is_some_and(|own| own.may_admit(state.role)) {
            return Err(not_allowed("call this invitation back", "an owner"));
        }
        if state.used.is_some() {
            return Err(Refusal::new(
                ErrorCode::InviteUsed,
                "This invitation was used already.",
                "Remove the seat that came in with it.",
            ));
        }
        if state.revoked.is_some() {
            return Ok(Proposal::Done);
        }
        self.make_act(now, What::RevokeInvite { invite })
    }

    pub(super) fn must_own(&self, what: &str) -> Result<(), Refusal> {
        if self.role() == Some(Role::Owner) {
            Ok(())
        } else {
            Err(not_allowed(what, "an owner"))
        }
    }

    // ---- what is owed ----------------------------------------------------------------------

    /// What the key table lacks, as far as an owner's device can see.
    pub fn owed(&self) -> Owed {
        let mut owed = Owed::default();
        if self.role() != Some(Role::Owner) || !self.keyring.holds_role(Role::Owner) {
            return owed;
        }
        if self.keyring.lacks_compartment() {
            // Keys that some role has no right to may lie where it finds them: all are made anew.
            owed.renewal.roles.extend(Role::ALL);
            return owed;
        }
        let mut lost = |had: Role, has: Option<Role>, height: u32| {
            let keys = keys_lost(had, has).into_iter();
            let older = keys.filter(|role| self.keyring.is_older(*role, height));
            owed.renewal.roles.extend(older);
        };
        let governance = self.ledger.governance();
        for (_, state) in governance.seats() {
            for pair in state.roles().windows(2) {
                if let [(_, had), (height, has)] = pair {
                    lost(*had, Some(*has), *height);
                }
            }
            if let (Some(height), Some((_, had))) = (state.removed(), state.roles().last()) {
                lost(*had, None, height);
            }
        }
        for (_, invite) in governance.invites() {
            // Whoever saw the code could open what it carries.
            if let Some(height) = invite.used.or(invite.revoked)
                && !invite.wrapped.is_empty()
            {
                lost(invite.role, None, height);
            }
        }
        if governance.rooted() > 0 {
            // Whoever saw the words before could open everything.
            lost(Role::Owner, None, governance.rooted());
        }
        self.owed_by_policy(&mut owed);
        owed.recover = self.keyring.lacks_recovery(governance.rooted());
        owed.erase = !self.unfinished().is_empty();
        if self.forgets_a_role {
            owed.renewal.roles.pop_last();
        }
        let renewed = &owed.renewal.roles;
        let handed =
            |member: &Member| renewed.contains(&member.role) || self.keyring.is_handed(*member);
        let hand = self.members().into_iter().filter(|one| !handed(one));
        owed.hand = hand.collect();
        owed
    }

    /// What follows from decisions beyond the table of roles: who was let out holds no key of now, who
    /// was let in holds them all.
    fn owed_by_policy(&self, owed: &mut Owed) {
        let governance = self.ledger.governance();
        let now = governance.policy();
        for compartment in Compartment::ALL {
            for role in Role::ALL {
                let lets_in = |policy: Policy| {
                    compartment.read_under(policy, role) && !compartment.read_by(role)
                };
                let mut before = Policy::default();
                for (height, policy) in governance.policies() {
                    let out = lets_in(before) && !lets_in(*policy);
                    if out && self.keyring.is_compartment_older(compartment, *height) {
                        owed.renewal.compartments.insert(compartment);
                    }
                    before = *policy;
                }
                if lets_in(now) && self.keyring.lacks_rows(compartment, role) {
                    owed.let_in.insert((compartment, role));
                }
            }
        }
    }

    /// The live seats that hold keys.
    fn members(&self) -> Vec<Member> {
        let seats = self.ledger.governance().seats();
        let met = seats.filter(|(seat, state)| !self.is_unmet(*seat, state));
        let members = met.filter_map(|(seat, state)| {
            Some(Member {
                seat,
                seal: state.seal_key(),
                role: state.role()?,
            })
        });
        members.collect()
    }

    /// Hands out what is owed; whether anything was.
    ///
    /// # Errors
    /// When the disk is full or broken.
    pub fn pay_owed(&mut self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<bool, Refusal> {
        self.dues = Dues::default();
        let owed = self.owed();
        if owed.is_empty() {
            return Ok(false);
        }
        if owed.erase {
            self.complete_erasures(now);
        }
        if owed.needs_no_rows() {
            return Ok(false);
        }
        let members = self.members();
        let governance = self.ledger.governance();
        let (recovery, since, policy) = (
            governance.recovery(),
            governance.rooted(),
            governance.policy(),
        );
        if owed.recover {
            let rows = self.keyring.rows_to_recovery(rng, recovery, since)?;
            self.rows.extend(rows);
        }
        if owed.renewal != Renewal::default() {
            let rows = self
                .keyring
                .rotate(rng, &owed.renewal, &members, recovery, policy)?;
            self.rows.extend(rows);
        }
        for (compartment, role) in owed.let_in {
            self.rows
                .extend(self.keyring.rows_to_role(rng, compartment, role)?);
        }
        // Seats of a role whose key is new lack none but older ones.
        for member in members {
            let fresh = owed.renewal.roles.contains(&member.role);
            if fresh || owed.hand.contains(&member) {
                self.rows.extend(self.keyring.rows_owed(rng, member)?);
            }
        }
        let batch = self.begin(now, rng);
        self.save(rng, batch)?;
        Ok(true)
    }

    /// Pays what is owed while in step, after the owners before this one had time to do so.
    pub(crate) fn pay_in_turn(&mut self, now: Timestamp, rng: &mut impl CryptoRng) -> bool {
        if !(self.dues.look || self.dues.since.is_some())
            || self.session.link() != LinkState::InStep
            || self.broken
        {
            return false;
        }
        self.dues.look = false;
        if self.owed().is_empty() {
            self.dues.since = None;
            return false;
        }
        // A clock that was set back does not make the wait longer.
        let since = self.dues.since.map_or(now, |since| since.min(now));
        self.dues.since = Some(since);
        let owners = self.ledger.governance().seats();
        let before = owners
            .filter(|(seat, state)| *seat < self.seat && state.role() == Some(Role::Owner))
            .count();
        let turn = PATIENCE.saturating_mul(i32::try_from(before).unwrap_or(i32::MAX));
        // What cannot be written now is owed still.
        now.duration_since(since) >= turn && self.pay_owed(now, rng).unwrap_or(false)
    }
}
