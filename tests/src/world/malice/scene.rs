//! Each attack in a scene of its own: an honest morning, the attack while people work, then an honest
//! relay again. In a share of the histories the same happens in the middle of everything else.

use std::collections::BTreeSet;

use client_core::{
    catalogue::{Answer, Command, LinkState, NewClient, Query, StaffRole},
    ledger::Alarm,
    replica::{Proposal, Replica},
    session::Input,
};
use jiff::SignedDuration;
use sync_protocol::{SeatId, SigningKey, VerifyKey};

use super::{Attack, Malice, Outcome};
use crate::world::{Failure, Platter, Shape, Told, World, checks, history::Faults};

/// Whom the relay lies to in a scene of its own.
const VICTIM: usize = 1;

/// Runs an attack in the scene of a seed.
///
/// # Errors
/// With the seed and the last steps, when something is missing or differs once the relay is honest
/// again.
pub fn run(seed: u64, attack: Attack, faults: Faults) -> Result<Outcome, Box<Failure>> {
    sync_protocol::remember_good_signatures();
    let fail = |what: String, tail: Vec<String>| Box::new(Failure { seed, what, tail });
    let mut world = World::new(seed, Shape::with(3)).map_err(|what| fail(what, Vec::new()))?;
    world.faults = faults;
    match world.suffer(attack) {
        Ok(outcome) => Ok(outcome),
        Err(what) => Err(fail(format!("{attack:?}: {what}"), world.trace.tail())),
    }
}

impl World {
    fn suffer(&mut self, attack: Attack) -> Told<Outcome> {
        self.plant();
        self.start_relay()?;
        for desk in 0..self.desks() {
            self.start_desk(desk)?;
        }
        self.is_watched(attack, VICTIM);
        self.quiet()?;
        let taste = self.taste();
        for number in 0..12 {
            self.somebody_acts(number % 3, &taste)?;
            self.quiet()?;
        }
        let kept = self.relay.platter.copy();
        for number in 0..6 {
            self.somebody_acts(number % 3, &taste)?;
            self.quiet()?;
        }
        self.prepare(attack, VICTIM)?;

        let apart = !matches!(attack, Attack::Fork | Attack::Silent);
        if apart {
            self.unplug(VICTIM)?;
        }
        for number in 0..6 {
            self.somebody_acts([0, 2][number % 2], &taste)?;
            self.somebody_books(0)?;
            self.settle(&[0, 2])?;
        }
        self.begin()?;
        if attack.needs_old_copy() {
            self.relay_begins_anew(Some(&kept))?;
        }
        if apart {
            self.plug_in(VICTIM)?;
        }
        self.minutes(2)?;
        self.strike(attack)?;
        for number in 0..8 {
            self.somebody_acts(number % 3, &taste)?;
            self.somebody_books(number % 3)?;
            self.minutes(1)?;
        }
        self.minutes(3)?;
        let outcome = self.outcome()?;
        if attack == Attack::GrantedInPause {
            self.no_pause_is_passed_over()?;
        }
        self.honest_again()?;
        checks::nothing_is_missing(self)?;
        Ok(outcome)
    }

    /// Somebody watches what a desk hears and says, and lies to it later.
    pub(crate) fn is_watched(&mut self, attack: Attack, victim: usize) {
        self.malice = Some(Malice::new(attack, victim, self.relay.key.clone()));
        self.spared = self.seat_at(victim);
    }

    /// Whom the relay lies to.
    pub(crate) fn victim(&self) -> Option<usize> {
        self.malice.as_ref().map(|malice| malice.victim)
    }

    /// What the attack needs, made while all is well.
    pub(crate) fn prepare(&mut self, attack: Attack, victim: usize) -> Told {
        if attack == Attack::StrippedRemoval && self.to_remove(victim).is_none() {
            let code = self.invite(StaffRole::Vet)?;
            self.join(&code)?;
            self.quiet()?;
        }
        Ok(())
    }

    /// Somebody who is neither the founder nor sits where the relay lies to.
    fn to_remove(&self, victim: usize) -> Option<(usize, SeatId)> {
        let spared = [self.founder, self.seat_at(victim)];
        let members = self.members().into_iter();
        members
            .filter_map(|desk| Some((desk, self.seat_at(desk)?)))
            .find(|(_, seat)| !spared.contains(&Some(*seat)))
    }

    pub(crate) fn begin(&mut self) -> Told {
        self.note(format_args!("the relay begins to lie"));
        let victim = self.victim().ok_or("no victim")?;
        let have = self
            .replica(victim)
            .ok_or("the victim is off")?
            .ledger()
            .have();
        if let Some(malice) = &mut self.malice {
            malice.begins(have);
        }
        Ok(())
    }

    /// What somebody has to do for the attack.
    pub(crate) fn strike(&mut self, attack: Attack) -> Told {
        match attack {
            Attack::GhostSeat => self.a_ghost_joins(),
            Attack::SwappedKey => {
                let code = self.invited_meanwhile()?;
                self.join(&code).map(drop)
            }
            Attack::StrippedRemoval => self.removal_is_stripped(),
            Attack::KeysWithheld => {
                let client = NewClient {
                    name: "Ines Prado".to_owned(),
                    phones: vec!["+351 912 000 333".to_owned()],
                    email: None,
                    note: None,
                };
                let added = self.execute(0, Command::AddClient(client));
                added.map_err(|refusal| format!("a client: {refusal:?}"))?;
                self.tell(0, Input::Wrote)
            }
            Attack::GrantedInPause => self.grants_in_pause(),
            _ => Ok(()),
        }
    }

    /// The owner's desk makes a code while the relay lies to another.
    fn invited_meanwhile(&mut self) -> Told<String> {
        let now = self.desk_now(0);
        let machine = &mut self.desks[0];
        let replica = machine.up.as_mut().ok_or("desk 0 is off")?;
        let (_, code, _) = replica
            .invite(now, &mut machine.rng, StaffRole::Vet, 14)
            .map_err(|refusal| format!("invite: {refusal:?}"))?;
        let code = code.to_string();
        self.tell(0, Input::Wrote)?;
        self.minutes(1)?;
        Ok(code)
    }

    fn removal_is_stripped(&mut self) -> Told {
        let victim = self.victim().unwrap_or(VICTIM);
        if self.to_remove(victim).is_none() {
            // Whoever was there has left meanwhile.
            let code = self.invited_meanwhile()?;
            self.join(&code)?;
            self.minutes(1)?;
        }
        let (_, seat) = self.to_remove(victim).ok_or("nobody to remove")?;
        let now = self.desk_now(0);
        let owner = self.replica_mut(0).ok_or("desk 0 is off")?;
        let removed = owner.remove_seat(now, seat);
        removed.map_err(|refusal| format!("removing: {refusal:?}"))?;
        self.tally.governed = true;
        self.tell(0, Input::Wrote)?;
        self.minutes(1)?;
        // The next act shows the gap.
        let now = self.desk_now(0);
        let spare = VerifyKey::from(SigningKey::from_bytes(&[80; 32]).verifying_key());
        let owner = self.replica_mut(0).ok_or("desk 0 is off")?;
        let named = owner.set_standby(now, spare);
        named.map_err(|refusal| format!("naming a spare: {refusal:?}"))?;
        self.tell(0, Input::Wrote)
    }

    /// Frames go as they may for some minutes.
    pub(crate) fn minutes(&mut self, minutes: i64) -> Told {
        let until = self.now + SignedDuration::from_mins(minutes);
        while self.now < until {
            let moved = self.deliver_all()?;
            if self.relay.has_work() {
                self.commit()?;
            }
            let next = self.desks.iter().filter_map(|desk| desk.due).min();
            let step = self.now + SignedDuration::from_millis(500);
            // Nothing happens before somebody wakes.
            self.now = match next {
                Some(next) if !moved && next > step => next.min(until),
                _ => step,
            };
            self.wake_due()?;
        }
        Ok(())
    }

    pub(crate) fn relay_begins_anew(&mut self, from: Option<&Platter>) -> Told {
        self.commit()?;
        for desk in self.relay.stop() {
            self.desks[desk].line = None;
            self.tell(desk, Input::Closed)?;
        }
        self.ghosts.clear();
        if let Some(copy) = from {
            self.relay.platter = copy.copy();
            self.restored = true;
        }
        self.start_relay()
    }

    pub(crate) fn outcome(&mut self) -> Told<Outcome> {
        let mut told = BTreeSet::new();
        for desk in self.members() {
            let now = self.desk_now(desk);
            let replica = self.replica_mut(desk).ok_or("a desk is off")?;
            match replica.query(now, Query::State) {
                Ok(Answer::State(state)) => told.extend(state.alarms.iter().map(|a| a.code)),
                other => return Err(format!("desk {desk} has no state: {other:?}")),
            }
        }
        let victim = self.victim().and_then(|victim| self.replica(victim));
        Ok(Outcome {
            lies: self.malice.as_ref().map_or(0, Malice::lies),
            told,
            in_step: victim.map(Replica::link) == Some(LinkState::InStep),
        })
    }

    /// The relay is honest from now on; everybody comes back, and an owner agrees.
    pub(crate) fn honest_again(&mut self) -> Told {
        self.note(format_args!("the relay is honest again"));
        self.malice = None;
        self.relay_begins_anew(None)?;
        self.in_step()?;
        self.approve()?;
        self.in_step()
    }

    /// The founder lets a relay that lost data confirm again.
    pub(crate) fn approve(&mut self) -> Told {
        let now = self.desk_now(0);
        let lost = |alarm| matches!(alarm, Alarm::RelayRolledBack { .. });
        self.restored |= self
            .desks
            .iter()
            .filter_map(|desk| desk.up.as_ref())
            .any(|replica| {
                let mut alarms = replica.ledger().alarms();
                alarms.any(lost)
            });
        let owner = self.replica_mut(0).ok_or("desk 0 is off")?;
        let approved = owner
            .approve_relay(now)
            .map_err(|refusal| format!("approving: {refusal:?}"))?;
        if approved != Proposal::Done {
            self.tell(0, Input::Wrote)?;
        }
        Ok(())
    }
}
