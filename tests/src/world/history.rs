//! One history: people and accidents in turn, then everybody is connected again and all is checked.

use std::panic::{AssertUnwindSafe, catch_unwind};

use client_core::planted::PlantedDesk;
use jiff::SignedDuration;
use sync_protocol::{Role, planted::PlantedRules};
use sync_server::core::{ConnId, Planted};

use super::{
    Failure, Platter, Shape, Tally, Told, World, accidents::Luck, checks, malice::Attack,
    people::Taste,
};

/// Most steps of a history, should people find nothing to do.
const STEPS: u32 = 4000;

/// Faults built in on purpose.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// In the relay's core.
    pub relay: Planted,
    /// In the rules as the relay follows them.
    pub relay_rules: PlantedRules,
    /// In every desk.
    pub desk: PlantedDesk,
    /// In the machines.
    pub machine: Option<super::planted::Machine>,
}

/// A history that went well.
#[derive(Debug)]
pub struct Done {
    /// What it was made of.
    pub tally: Tally,
    /// Equal when the same seed runs again.
    pub trace: String,
}

/// Runs the history of a seed.
///
/// # Errors
/// With the seed and the last steps, when something that must hold does not.
pub fn run(seed: u64, faults: Faults) -> Result<Done, Box<Failure>> {
    // All machines of a history are in one process: each signature is checked once.
    sync_protocol::remember_good_signatures();
    let fail = |what: String, tail: Vec<String>| Box::new(Failure { seed, what, tail });
    let mut world =
        World::new(seed, Shape::of_seed(seed)).map_err(|what| fail(what, Vec::new()))?;
    let told = catch_unwind(AssertUnwindSafe(|| world.live(faults)));
    match told {
        Ok(Ok(())) => Ok(Done {
            trace: world.trace.hash(),
            tally: world.tally,
        }),
        Ok(Err(what)) => Err(fail(what, world.trace.tail())),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("without a word");
            Err(fail(format!("it panicked: {text}"), world.trace.tail()))
        }
    }
}

impl World {
    fn live(&mut self, faults: Faults) -> Told {
        self.faults = faults;
        self.plant();
        self.start_relay()?;
        for desk in 0..self.desks() {
            self.start_desk(desk)?;
        }
        self.count_roles();
        let (taste, mut luck) = (self.taste(), self.luck());
        let attack = Attack::in_history(self.seed);
        if let Some(attack) = attack {
            let victim = 1 + self.index(self.desks() - 1);
            self.is_watched(attack, victim);
            luck.restore = false;
        }
        if attack.is_some() || luck.restore {
            // A disk that is put back while the relay forgets loses what only these two had.
            luck.copies = false;
        }
        self.erasures.often = luck.erasing;
        self.quiet()?;
        let goal = 40 + self.below(6);
        let turn = goal / 4 + self.below(goal / 2);
        let (mut kept, mut turned) = (None, false);
        let mut steps = 0;
        while self.tally.operations < goal && steps < STEPS {
            steps += 1;
            if kept.is_none() && self.tally.operations >= turn / 2 {
                kept = Some(self.relay.platter.copy());
            }
            if !turned && self.tally.operations >= turn {
                turned = true;
                match (attack, &kept) {
                    (Some(attack), Some(kept)) => self.turns(attack, kept)?,
                    (None, Some(kept)) if luck.restore => {
                        // All that stands is known to somebody else by now.
                        self.heal()?;
                        self.the_founder_erases()?;
                        self.tally.count("relay put back");
                        self.relay_begins_anew(Some(kept))?;
                    }
                    _ => {}
                }
            }
            self.step(&taste, &luck)?;
        }
        if let Some(attack) = attack {
            self.is_found_out(attack)?;
            checks::nothing_is_missing(self)?;
        } else {
            self.all_well()?;
            if self.restored {
                self.in_step()?;
                self.approve()?;
                // What was asked for in the pause may have its answer in what the relay said before.
                self.in_step()?;
            } else {
                self.quiet()?;
            }
            checks::all(self)?;
        }
        if self.tally.governed {
            self.the_morning_after()?;
        }
        Ok(())
    }

    fn count_roles(&mut self) {
        for desk in self.members() {
            let role = self
                .replica(desk)
                .and_then(client_core::replica::Replica::role);
            match role {
                Some(Role::Owner) => self.tally.count("seats: owner"),
                Some(Role::Manager) => self.tally.count("seats: manager"),
                Some(Role::Vet) => self.tally.count("seats: vet"),
                Some(Role::Groomer) => self.tally.count("seats: groomer"),
                Some(Role::Receptionist) => self.tally.count("seats: receptionist"),
                Some(Role::Gateway) | None => {}
            }
        }
    }

    /// The relay begins to lie, in the middle of everything else.
    fn turns(&mut self, attack: Attack, kept: &Platter) -> Told {
        self.heal()?;
        self.the_founder_erases()?;
        let victim = self.victim().ok_or("no victim")?;
        self.prepare(attack, victim)?;
        self.tally.count(attack.name());
        self.tally.count("histories with an attack");
        self.begin()?;
        if attack.needs_old_copy() {
            self.relay_begins_anew(Some(kept))?;
        }
        Ok(())
    }

    /// The accidents are over, the lies are not: some desk tells of them, or they do no harm. Then
    /// the relay is honest again.
    fn is_found_out(&mut self, attack: Attack) -> Told {
        self.all_well()?;
        let victim = self.victim().ok_or("no victim")?;
        if attack != Attack::Fork {
            self.unplug(victim)?;
            self.somebody_books(0)?;
            self.minutes(1)?;
            self.plug_in(victim)?;
        }
        self.minutes(2)?;
        self.strike(attack)?;
        for number in 0..4 {
            let members = self.members();
            self.somebody_books(members[number % members.len()])?;
            self.somebody_books(victim)?;
            // A story of one site is found out by what its reader writes there.
            self.somebody_books_at(victim, 1)?;
            self.minutes(1)?;
        }
        self.minutes(3)?;
        let outcome = self.outcome()?;
        if attack == Attack::GrantedInPause {
            self.no_pause_is_passed_over()?;
        }
        let expected = attack.told_in_passing();
        let noticed = expected.iter().any(|code| outcome.told.contains(code));
        let lied = outcome.lies > 0 || attack.needs_old_copy();
        if lied && !expected.is_empty() && !noticed {
            return Err(format!("nobody noticed {attack:?}: {outcome:?}"));
        }
        if lied {
            self.tally.count("attacks found out");
        }
        self.honest_again()
    }

    fn step(&mut self, taste: &Taste, luck: &Luck) -> Told {
        let pause = match self.below(100) {
            0..75 => SignedDuration::from_millis(self.some(20, 400)),
            75..96 => SignedDuration::from_millis(self.some(1000, 8000)),
            96..99 => SignedDuration::from_secs(self.some(30, 120)),
            _ => SignedDuration::from_mins(self.some(5, 60)),
        };
        self.pass(pause);
        self.wake_due()?;
        if self.chance(luck.accidents) {
            return self.accident(luck, taste);
        }
        match self.below(100) {
            0..50 => self.something_arrives(),
            50..65 => self.relay_commits(),
            65..68 => {
                self.a_ghost_goes();
                Ok(())
            }
            _ => {
                let desk = self.index(self.desks());
                if self.desks[desk].shut {
                    return Ok(());
                }
                if self.replica(desk).is_none() {
                    return self.start_desk(desk);
                }
                if self.chance(luck.erasing) {
                    return self.somebody_erases(desk);
                }
                if self.chance(luck.governance) {
                    return self.somebody_governs(desk);
                }
                self.somebody_acts(desk, taste).map(drop)
            }
        }
    }

    fn some(&mut self, from: u64, until: u64) -> i64 {
        i64::try_from(from + self.below(until - from)).unwrap_or(0)
    }

    /// Frames of one line arrive, in their order; which line, chance says.
    fn something_arrives(&mut self) -> Told {
        let now = self.now;
        let busy: Vec<ConnId> = self
            .relay
            .lines
            .iter()
            .filter(|(_, line)| !line.ghost && line.stalled.is_none_or(|until| until <= now))
            .filter(|(_, line)| !line.up.is_empty() || !line.down.is_empty() || line.closing)
            .map(|(conn, _)| *conn)
            .collect();
        if busy.is_empty() {
            return Ok(());
        }
        let conn = busy[self.index(busy.len())];
        for _ in 0..=self.below(8) {
            if self.chance(50) {
                self.deliver_up(conn)?;
            } else {
                self.deliver_down(conn)?;
            }
        }
        if self.chance(40) {
            self.commit()?;
        }
        Ok(())
    }

    fn relay_commits(&mut self) -> Told {
        if self.relay.has_work() {
            self.commit()?;
        }
        Ok(())
    }

    /// The relay finds out about a line that was cut.
    fn a_ghost_goes(&mut self) {
        if !self.ghosts.is_empty() {
            let at = self.index(self.ghosts.len());
            let conn = self.ghosts.remove(at);
            let now = self.now;
            self.relay.closed(now, conn);
        }
    }
}
