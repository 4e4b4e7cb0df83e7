//! Who belongs to the practice, and who says so: codes that are redeemed in time, too late, twice or
//! after they were called back; seats and devices that end while they are connected, away or hold
//! unsent work; other roles; a spare key of the relay.

use client_core::{
    catalogue::{ErrorCode, Refusal, StaffRole},
    replica::{ActState, Proposal},
    session::Input,
};
use jiff::{SignedDuration, Timestamp};
use sync_protocol::{DeviceId, Hash, InviteId, Role, SeatId, SigningKey, VerifyKey};

use super::{Told, World};

/// An invitation that somebody made.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) text: String,
    pub(crate) invite: InviteId,
    pub(crate) expires: Timestamp,
}

/// An act that somebody made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) desk: usize,
    pub(crate) act: Hash,
    /// Its desk was told that it stands.
    pub(crate) done: bool,
}

/// Most desks of a history.
const MOST: usize = 6;

const ROLES: [StaffRole; 5] = [
    StaffRole::Owner,
    StaffRole::Manager,
    StaffRole::Vet,
    StaffRole::Groomer,
    StaffRole::Receptionist,
];

impl World {
    /// Somebody at this desk changes who belongs to the practice, or brings a code to the relay.
    pub(crate) fn somebody_governs(&mut self, desk: usize) -> Told {
        if self.restored && self.malice.is_none() && self.chance(20) {
            return self.agrees(desk);
        }
        match self.below(100) {
            0..24 => self.invites(desk),
            24..52 => self.somebody_brings_a_code(),
            52..76 => self.removes(desk),
            76..90 => self.sets_a_role(desk),
            90..96 => self.calls_back(desk),
            _ => self.names_a_spare(desk),
        }
    }

    /// Carries out what an act's maker gets, and waits for the relay's word.
    pub(super) fn governs(
        &mut self,
        desk: usize,
        what: &'static str,
        made: Result<Proposal, Refusal>,
    ) -> Told<bool> {
        match made {
            Ok(Proposal::Proposed(act)) => {
                self.note(format_args!("desk {desk}: {what}, {act}"));
                self.tally.count(what);
                self.tally.governed = true;
                let done = false;
                self.wishes.push(Wish { desk, act, done });
                self.tell(desk, Input::Wrote)?;
                Ok(true)
            }
            Ok(Proposal::Done) => Ok(false),
            Err(refusal) => match refusal.code {
                ErrorCode::NotAllowed
                | ErrorCode::NotFound
                | ErrorCode::RelayUnreachable
                | ErrorCode::InviteUsed => Ok(false),
                _ => Err(format!("desk {desk}: {what}: {refusal:?}")),
            },
        }
    }

    /// What became of the acts that were made.
    pub(crate) fn settle_wishes(&mut self, desk: usize) {
        let Some(replica) = self.desks[desk].up.as_ref() else {
            return;
        };
        for wish in self.wishes.iter_mut().filter(|wish| wish.desk == desk) {
            wish.done |= replica.act_state(&wish.act) == ActState::Done;
        }
    }

    fn invites(&mut self, desk: usize) -> Told {
        let role = ROLES[self.index(ROLES.len())];
        let days = if self.chance(60) { 1 } else { 14 };
        let now = self.desk_now(desk);
        let machine = &mut self.desks[desk];
        let Some(replica) = &mut machine.up else {
            return Ok(());
        };
        let made = replica.invite(now, &mut machine.rng, role, days);
        let made = match made {
            Ok((proposal, text, expires)) => {
                let code: client_core::sealing::JoinCode =
                    text.parse().map_err(|e| format!("a code: {e:?}"))?;
                self.codes.push(Code {
                    text: text.to_string(),
                    invite: code.invite,
                    expires,
                });
                Ok(proposal)
            }
            Err(refusal) => Err(refusal),
        };
        self.governs(desk, "invitation made", made).map(drop)
    }

    /// Somebody brings a code: the right one in time, or one that is worth nothing any more.
    fn somebody_brings_a_code(&mut self) -> Told {
        if self.codes.is_empty() || self.relay.up.is_none() {
            return Ok(());
        }
        let at = self.index(self.codes.len());
        let code = self.codes[at].clone();
        if self.now < code.expires && self.chance(30) {
            // Nobody comes until it is too late.
            let end = code.expires.duration_since(self.now);
            if end < SignedDuration::from_hours(48) {
                self.pass(end + SignedDuration::from_mins(1));
                self.wake_due()?;
            }
        }
        let Some(why) = self.worthless(&code) else {
            if self.desks.len() >= MOST || self.is_over_elsewhere(&code) {
                return Ok(());
            }
            self.tally.governed = true;
            // Nobody but the relay may have heard of the invitation by now; it stands there.
            if let Err(turned) = self.redeem(&code.text, None)? {
                return Err(format!("a code that counts is turned away: {turned}"));
            }
            self.tally.count("joined by code");
            if self.chance(40) {
                return self.is_tried_again(&code);
            }
            return Ok(());
        };
        self.is_worth_nothing(&code, why)
    }

    /// Somebody else has seen the code.
    fn is_tried_again(&mut self, code: &Code) -> Told {
        match self.worthless(code) {
            Some(why) => self.is_worth_nothing(code, why),
            None => Err("a code counts still after it was redeemed".to_owned()),
        }
    }

    /// Whoever has a code may have a program that does not care whether it counts.
    fn is_worth_nothing(&mut self, code: &Code, why: &'static str) -> Told {
        let just_before = code.expires - SignedDuration::from_secs(1);
        self.note(format_args!("a code that is {why} is tried"));
        if let Ok(desk) = self.redeem(&code.text, Some(self.now.min(just_before)))? {
            Err(format!("a code that is {why} let desk {desk} in"))
        } else {
            self.tally.count(why);
            Ok(())
        }
    }

    /// Whether a relay that was put back to an old copy has not been told yet that a code is over. It
    /// would let somebody in whom no other device takes for a member: the chain forks, all say so, and
    /// only a new relay helps.
    fn is_over_elsewhere(&self, code: &Code) -> bool {
        let replicas = self.desks.iter().filter_map(|desk| desk.up.as_ref());
        let mut states =
            replicas.filter_map(|replica| replica.ledger().governance().invite(code.invite));
        states.any(|state| state.used.is_some() || state.revoked.is_some())
    }

    /// Why the relay must not let anybody in with a code.
    fn worthless(&self, code: &Code) -> Option<&'static str> {
        let governance = self.relay.up.as_ref()?.governance();
        let Some(state) = governance.invite(code.invite) else {
            return Some("code unknown");
        };
        if state.used.is_some() {
            return Some("code used before");
        }
        if state.revoked.is_some() {
            return Some("code called back");
        }
        if state.expires <= self.now.as_second() {
            return Some("code expired");
        }
        let sync_protocol::Author::Seat(author) = state.by else {
            return None;
        };
        let role = governance
            .seat(author)
            .and_then(sync_protocol::SeatState::role);
        let admits = role.is_some_and(|role: Role| role.may_admit(state.role));
        (!admits).then_some("code of who may not")
    }

    /// One of the live seats, never the founder's.
    fn somebody(&mut self, desk: usize) -> Option<(SeatId, DeviceId)> {
        let kept = [self.founder, self.spared];
        let governance = self.replica(desk)?.ledger().governance();
        let live = governance.seats();
        let others: Vec<(SeatId, DeviceId)> = live
            .filter(|(seat, state)| state.role().is_some() && !kept.contains(&Some(*seat)))
            .map(|(seat, state)| (seat, state.device()))
            .collect();
        (!others.is_empty()).then(|| others[self.index(others.len())])
    }

    fn removes(&mut self, desk: usize) -> Told {
        let Some((seat, device)) = self.somebody(desk) else {
            return Ok(());
        };
        let whole = self.chance(40);
        let at = self.desk_of(seat).filter(|at| *at != desk);
        if let Some(at) = at.filter(|_| self.chance(30)) {
            self.kill_desk(at, false);
        }
        let now = self.desk_now(desk);
        let state = self.whereabouts(seat);
        let late = self.chance(40);
        let Some(replica) = self.replica_mut(desk) else {
            return Ok(());
        };
        let (what, made) = if whole {
            ("device removed", replica.remove_device(now, device))
        } else {
            ("seat removed", replica.remove_seat(now, seat))
        };
        if self.governs(desk, what, made)? {
            self.tally.count(state);
            if late {
                return self.works_on(seat);
            }
        }
        Ok(())
    }

    /// Somebody who does not know yet that the seat ends, or has another role, writes and shows it to
    /// a neighbour.
    fn works_on(&mut self, seat: SeatId) -> Told {
        let at = self
            .members()
            .into_iter()
            .find(|desk| self.seat_at(*desk) == Some(seat));
        let Some(desk) = at.filter(|desk| self.replica(*desk).is_some()) else {
            return Ok(());
        };
        self.unplug(desk)?;
        self.writes_down(desk)?;
        self.somebody_books(desk)?;
        let other = self.index(self.desks.len());
        if other != desk && self.replica(other).is_some() && !self.desks[other].shut {
            self.tally.count("late work at a neighbour");
            self.meet_later(desk, other);
            self.peers(desk, other, 64, false)?;
        }
        Ok(())
    }

    /// Where somebody sits, of desks that run.
    fn desk_of(&self, seat: SeatId) -> Option<usize> {
        let mut desks = 0..self.desks.len();
        desks.find(|desk| self.seat_at(*desk) == Some(seat))
    }

    /// What the desk of a seat does while the seat is removed.
    fn whereabouts(&self, seat: SeatId) -> &'static str {
        let replica = self.desk_of(seat).and_then(|desk| self.replica(desk));
        match replica {
            None => "removed while off",
            Some(replica) if replica.ledger().outbox_len() > 0 => "removed with unsent work",
            Some(replica) if replica.link() == client_core::catalogue::LinkState::Offline => {
                "removed while away"
            }
            Some(_) => "removed while connected",
        }
    }

    fn sets_a_role(&mut self, desk: usize) -> Told {
        let Some((seat, _)) = self.somebody(desk) else {
            return Ok(());
        };
        let role = ROLES[self.index(ROLES.len())];
        let now = self.desk_now(desk);
        let Some(replica) = self.replica_mut(desk) else {
            return Ok(());
        };
        let made = replica.set_role(now, seat, role);
        if self.governs(desk, "role changed", made)? && self.chance(40) {
            return self.works_on(seat);
        }
        Ok(())
    }

    fn calls_back(&mut self, desk: usize) -> Told {
        if self.codes.is_empty() {
            return Ok(());
        }
        let at = self.index(self.codes.len());
        let invite = self.codes[at].invite;
        let now = self.desk_now(desk);
        let Some(replica) = self.replica_mut(desk) else {
            return Ok(());
        };
        let made = replica.revoke_invite(now, invite);
        self.governs(desk, "invitation called back", made).map(drop)
    }

    /// An owner lets a relay that lost data confirm again.
    fn agrees(&mut self, desk: usize) -> Told {
        let now = self.desk_now(desk);
        let Some(replica) = self.replica_mut(desk) else {
            return Ok(());
        };
        let made = replica.approve_relay(now);
        self.governs(desk, "restored relay approved", made)
            .map(drop)
    }

    fn names_a_spare(&mut self, desk: usize) -> Told {
        let key = SigningKey::from_bytes(&[8 + u8::try_from(self.below(4)).unwrap_or(0); 32]);
        let now = self.desk_now(desk);
        let Some(replica) = self.replica_mut(desk) else {
            return Ok(());
        };
        let made = replica.set_standby(now, VerifyKey::from(key.verifying_key()));
        self.governs(desk, "spare relay named", made).map(drop)
    }

    // ---- who left --------------------------------------------------------------------------

    /// A desk that was told of its removal stops: it opens nothing any more. Whether it did.
    ///
    /// # Errors
    /// When the relay goes on talking to it.
    pub(crate) fn shuts(&mut self, desk: usize) -> Told<bool> {
        let replica = self.desks[desk].up.as_ref();
        if replica.is_none_or(|replica| replica.role().is_some()) {
            return Ok(false);
        }
        let line = self.desks[desk].line;
        let line = line.and_then(|conn| self.relay.lines.get(&conn));
        if line.is_some_and(|line| !line.closing && !line.ghost && line.stalled.is_none()) {
            return Err(format!("desk {desk} was removed, and the relay talks on"));
        }
        self.note(format_args!("desk {desk} was told of its removal"));
        self.tally.count("told of its removal");
        self.hang_up(desk, true);
        let machine = &mut self.desks[desk];
        machine.shut = true;
        machine.due = None;
        machine.waiting.clear();
        Ok(true)
    }

    /// Whether a seat is removed, as far as anybody knows.
    pub(crate) fn is_removed(&self, seat: SeatId) -> bool {
        let desks = self.desks.iter().filter_map(|desk| desk.up.as_ref());
        let chains = desks.map(|replica| replica.ledger().governance());
        let chains = chains.chain(
            self.relay
                .up
                .as_ref()
                .map(sync_server::core::Organisation::governance),
        );
        chains
            .filter_map(|chain| chain.seat(seat))
            .any(|state| state.removed().is_some())
    }

    /// Two desks are about to exchange what they hold.
    pub(crate) fn meet_later(&mut self, a: usize, b: usize) {
        for desk in [a, b] {
            if self.seat_at(desk).is_some_and(|seat| self.is_removed(seat)) {
                self.desks[desk].met_later = true;
            }
        }
    }
}
