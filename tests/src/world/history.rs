//! One history: people and accidents in turn, then everybody is connected again and all is checked.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::SignedDuration;
use sync_server::core::{ConnId, Planted};

use super::{Failure, Shape, Tally, Told, World, accidents::Luck, checks, people::Taste};

/// Most steps of a history, should people find nothing to do.
const STEPS: u32 = 4000;

/// A fault built in on purpose.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// In the relay's core.
    pub relay: Planted,
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
    let count = match seed % 10 {
        0..5 => 2,
        5..9 => 3,
        _ => 4,
    };
    let fail = |what: String, tail: Vec<String>| Box::new(Failure { seed, what, tail });
    let mut world = World::new(seed, Shape::with(count)).map_err(|what| fail(what, Vec::new()))?;
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
        self.relay.planted = faults.relay;
        if let Some(machine) = faults.machine {
            self.plant(machine);
        }
        self.start_relay()?;
        for desk in 0..self.desks() {
            self.start_desk(desk)?;
        }
        self.quiet()?;
        let (taste, luck) = (self.taste(), self.luck());
        let goal = 40 + self.below(12);
        let mut steps = 0;
        while self.tally.operations < goal && steps < STEPS {
            steps += 1;
            self.step(&taste, &luck)?;
        }
        self.heal()?;
        checks::all(self)
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
                if self.replica(desk).is_none() {
                    return self.start_desk(desk);
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
        for _ in 0..1 + self.below(8) {
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
