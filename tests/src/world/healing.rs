//! Scenes that tests put together, and how a history ends: all accidents are over, and everybody goes
//! on until nothing is on its way.

use client_core::{catalogue::LinkState, session::Input};
use jiff::SignedDuration;
use sync_server::core::ConnId;

use super::{Told, World};

impl World {
    // ---- scenes ----------------------------------------------------------------------------

    /// Pulls a desk's cable.
    pub fn unplug(&mut self, desk: usize) -> Told {
        self.desks[desk].unplugged = true;
        self.hang_up(desk, true);
        self.tell(desk, Input::Closed)
    }

    /// Puts it back.
    pub fn plug_in(&mut self, desk: usize) -> Told {
        self.desks[desk].unplugged = false;
        Ok(())
    }

    /// Goes on until these desks are in step, the others as they may.
    pub fn settle(&mut self, desks: &[usize]) -> Told {
        self.quiet_for(desks)
    }

    /// The relay takes everything that is on its way to it, and answers.
    pub fn relay_answers(&mut self) -> Told {
        let conns: Vec<ConnId> = self.relay.lines.keys().copied().collect();
        for conn in conns {
            while self
                .relay
                .lines
                .get(&conn)
                .is_some_and(|line| !line.up.is_empty())
            {
                self.deliver_up(conn)?;
            }
        }
        self.commit()
    }

    /// One frame reaches a desk; `false` when none is on its way.
    pub fn hear_one(&mut self, desk: usize) -> Told<bool> {
        let Some(conn) = self.desks[desk].line else {
            return Ok(false);
        };
        if self
            .relay
            .lines
            .get(&conn)
            .is_none_or(|line| line.down.is_empty())
        {
            let now = self.now;
            self.relay.more(now, conn);
        }
        if self
            .relay
            .lines
            .get(&conn)
            .is_none_or(|line| line.down.is_empty())
        {
            // What it said may have to reach the relay first: credit for more.
            self.relay_answers()?;
            let now = self.now;
            self.relay.more(now, conn);
        }
        let some = self
            .relay
            .lines
            .get(&conn)
            .is_some_and(|line| !line.down.is_empty());
        if some {
            self.deliver_down(conn)?;
        }
        Ok(some)
    }

    // ---- healing ---------------------------------------------------------------------------

    /// All accidents end, and everybody comes into step.
    ///
    /// # Errors
    /// When that does not come about.
    pub fn heal(&mut self) -> Told {
        self.all_well()?;
        self.quiet()
    }

    /// All accidents end: everything runs, everybody is plugged in.
    pub(crate) fn all_well(&mut self) -> Told {
        self.note(format_args!("all is well again"));
        if !self.relay.running {
            self.start_relay()?;
        }
        for conn in std::mem::take(&mut self.ghosts) {
            let now = self.now;
            self.relay.closed(now, conn);
        }
        for line in self.relay.lines.values_mut() {
            line.stalled = None;
        }
        for desk in 0..self.desks.len() {
            self.desks[desk].unplugged = false;
            self.desks[desk].platter.heal();
            if self.desks[desk].up.is_none() {
                self.start_desk(desk)?;
            }
        }
        Ok(())
    }

    /// Goes on until nothing is on its way and everybody is in step.
    pub fn quiet(&mut self) -> Told {
        let all: Vec<usize> = (0..self.desks.len()).collect();
        self.quiet_for(&all)
    }

    /// Goes on until everybody is in step, answers to requests aside: a relay that lost data gives
    /// none before an owner agrees.
    pub(crate) fn in_step(&mut self) -> Told {
        self.go_on_while(&|world: &Self| {
            let all: Vec<usize> = (0..world.desks.len()).collect();
            let unsettled = world.unsettled(&all, false);
            (!unsettled.is_empty()).then(|| unsettled.join("; "))
        })
    }

    fn quiet_for(&mut self, desks: &[usize]) -> Told {
        let hangs = |world: &Self| {
            let unsettled = world.unsettled(desks, true);
            (!unsettled.is_empty()).then(|| unsettled.join("; "))
        };
        self.go_on_while(&hangs)
    }

    /// Goes on until nothing is on its way and nothing is missing any more.
    ///
    /// # Errors
    /// With what is still missing after hours.
    pub fn go_on_while(&mut self, missing: &dyn Fn(&Self) -> Option<String>) -> Told {
        let limit = self.now + SignedDuration::from_hours(3);
        loop {
            let mut moved = self.deliver_all()?;
            if self.relay.has_work() {
                self.commit()?;
                moved = true;
            }
            if moved {
                self.pass(SignedDuration::from_millis(5));
                continue;
            }
            let Some(missing) = missing(self) else {
                return Ok(());
            };
            if self.now > limit {
                return Err(format!("it hangs: {missing}"));
            }
            let next = self.desks.iter().filter_map(|desk| desk.due).min();
            self.now = next
                .unwrap_or(limit)
                .max(self.now + SignedDuration::from_millis(1));
            self.wake_due()?;
        }
    }

    pub(crate) fn wake_due(&mut self) -> Told {
        for desk in 0..self.desks.len() {
            if self.desks[desk].due.is_some_and(|due| due <= self.now) {
                self.desks[desk].wake = None;
                self.tell(desk, Input::Wake)?;
            }
        }
        Ok(())
    }

    pub(crate) fn deliver_all(&mut self) -> Told<bool> {
        let mut moved = false;
        let conns: Vec<ConnId> = self.relay.lines.keys().copied().collect();
        for conn in conns {
            let up = self.relay.lines.get(&conn).map_or(0, |line| line.up.len());
            for _ in 0..up {
                self.deliver_up(conn)?;
                moved = true;
            }
            let down = self.relay.lines.get(&conn);
            let down = down.map_or(0, |line| line.down.len() + usize::from(line.closing));
            for _ in 0..down {
                self.deliver_down(conn)?;
                moved = true;
            }
        }
        Ok(moved)
    }

    fn unsettled(&self, desks: &[usize], answers: bool) -> Vec<String> {
        let known = self.desks.iter().enumerate();
        known
            .filter(|(number, _)| desks.contains(number))
            .filter_map(|(number, desk)| {
                let replica = desk.up.as_ref()?;
                let (link, outbox) = (replica.link(), replica.ledger().outbox_len());
                let waits = desk.waiting.len();
                // A desk may believe in a line that is long gone.
                let alive = desk
                    .line
                    .and_then(|conn| self.relay.lines.get(&conn))
                    .is_some_and(|line| !line.ghost);
                let sent = !replica.ledger().awaits_places(replica.device());
                let answered = waits == 0 || !answers;
                let fine = alive && link == LinkState::InStep && sent && answered;
                // What an owner's device is to hand out, it hands out by itself.
                let fine = desk.shut || (fine && replica.owed().is_empty());
                (!fine).then(|| {
                    let unsent = replica.ledger().outbox(None, 3).unwrap_or_default();
                    let unsent: Vec<_> = unsent
                        .iter()
                        .map(|(_, entry)| {
                            let (header, bare) = (entry.header(), entry.body().is_none());
                            (entry.id(), header.feed, header.key, bare)
                        })
                        .collect();
                    format!(
                        "desk {number}: {link:?}, {outbox} in the outbox, {waits} without an \
                         answer, owes {:?}, trouble {:?}, not sent (bare) {unsent:?}",
                        replica.owed(),
                        replica.trouble()
                    )
                })
            })
            .collect()
    }
}
