//! What goes wrong: cables, processes, power, clocks, disks; and neighbours who talk directly.

use client_core::session::Input;
use jiff::{SignedDuration, Timestamp};
use sync_protocol::{Entry, Frame};
use sync_server::core::ConnId;

use super::{Desk, Told, World, people::Taste};

/// How often what goes wrong in a history, each of a hundred steps with an accident.
#[derive(Debug, Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says whether one kind of accident happens"
)]
pub(crate) struct Luck {
    /// Of a hundred steps so many bring an accident.
    pub(crate) accidents: u64,
    pub(crate) clocks: bool,
    pub(crate) copies: bool,
    pub(crate) strangers: bool,
    /// The relay is put back to an older copy of its data.
    pub(crate) restore: bool,
    /// Of a hundred deeds of people so many are about membership.
    pub(crate) governance: u64,
    /// Of a hundred so many are about erasing a client.
    pub(crate) erasing: u64,
}

impl World {
    pub(crate) fn luck(&mut self) -> Luck {
        Luck {
            accidents: 3 + self.below(9),
            clocks: self.chance(30),
            copies: self.chance(20),
            strangers: self.chance(30),
            restore: self.chance(12),
            governance: if self.chance(60) {
                3 + self.below(9)
            } else {
                0
            },
            erasing: if self.chance(40) {
                4 + self.below(8)
            } else {
                0
            },
        }
    }

    pub(crate) fn accident(&mut self, luck: &Luck, taste: &Taste) -> Told {
        let desk = self.index(self.desks.len());
        if self.desks[desk].shut {
            return Ok(());
        }
        match self.below(100) {
            0..22 => self.plug(desk),
            22..32 => self.cut(desk),
            32..40 => {
                self.stall(desk);
                Ok(())
            }
            40..46 => self.desk_dies(desk, false),
            46..50 => self.desk_dies(desk, true),
            50..58 => self.desk_dies_writing(desk, taste),
            58..63 => self.relay_dies(false),
            63..65 => self.relay_dies(true),
            65..67 => self.power_goes_after_an_answer(),
            67..72 => self.relay_dies_writing(),
            72..84 => self.neighbours_talk(),
            84..88 if luck.clocks => {
                self.clock_jumps(desk);
                Ok(())
            }
            88..90 if luck.copies => self.disk_is_copied(desk),
            90..92 if luck.copies => self.disk_is_restored(desk),
            92..95 if luck.governance > 0 => self.keys_are_forged(desk),
            95..98 if luck.strangers => self.entries_come_again(desk),
            98..100 if luck.strangers => self.entries_are_spoiled(desk),
            _ => Ok(()),
        }
    }

    /// Pulls a cable, or puts it back.
    fn plug(&mut self, desk: usize) -> Told {
        let out = !self.desks[desk].unplugged;
        self.desks[desk].unplugged = out;
        self.note(format_args!("desk {desk} unplugged {out}"));
        if out {
            self.tally.count("cable out");
            return self.cut(desk);
        }
        Ok(())
    }

    /// A line is cut; what is on its way is lost. Either side may learn of it late.
    fn cut(&mut self, desk: usize) -> Told {
        let Some(conn) = self.desks[desk].line else {
            return Ok(());
        };
        self.tally.count("cut");
        let silent = self.chance(25);
        let ghost = self.chance(40);
        self.note(format_args!(
            "{conn:?} of desk {desk} cut, silent {silent}, ghost {ghost}"
        ));
        let now = self.now;
        if ghost {
            if let Some(line) = self.relay.lines.get_mut(&conn) {
                line.desk = None;
                line.ghost = true;
                line.up.clear();
                line.down.clear();
                self.ghosts.push(conn);
            }
        } else {
            self.relay.closed(now, conn);
        }
        if silent {
            // The desk believes in its line until nobody answers.
            return Ok(());
        }
        self.desks[desk].line = None;
        self.tell(desk, Input::Closed)
    }

    fn stall(&mut self, desk: usize) {
        let until = self.now + SignedDuration::from_secs(1 + self.rng_secs(60));
        if let Some(conn) = self.desks[desk].line
            && let Some(line) = self.relay.lines.get_mut(&conn)
        {
            line.stalled = Some(until);
            self.tally.count("stalled");
        }
    }

    fn rng_secs(&mut self, below: u64) -> i64 {
        i64::try_from(self.below(below)).unwrap_or(0)
    }

    /// A desk's process is killed, perhaps with the machine's power.
    fn desk_dies(&mut self, desk: usize, power: bool) -> Told {
        if self.desks[desk].up.is_none() {
            return self.start_desk(desk);
        }
        self.kill_desk(desk, power);
        if self.chance(60) {
            self.start_desk(desk)?;
        }
        Ok(())
    }

    pub(super) fn kill_desk(&mut self, desk: usize, power: bool) {
        if self.desks[desk].platter.has_unsynced() {
            self.tally.crash_between = true;
            self.tally.count("desk died unsynced");
        }
        self.note(format_args!("desk {desk} dies, power cut {power}"));
        self.tally.count(if power {
            "desk power cut"
        } else {
            "desk killed"
        });
        self.stop_desk(desk);
        if power {
            let mut dice = self.dice();
            self.desks[desk].platter.power_cut(|n| dice.below(n));
        }
    }

    /// A desk's process dies in the middle of a command.
    fn desk_dies_writing(&mut self, desk: usize, taste: &Taste) -> Told {
        if self.desks[desk].up.is_none() {
            return self.start_desk(desk);
        }
        let after = self.below(6);
        self.desks[desk].platter.die_after(after);
        self.desks[desk].dying = true;
        let done = self.somebody_acts(desk, taste);
        self.desks[desk].dying = false;
        self.desks[desk].platter.heal();
        done?;
        let power = self.chance(50);
        self.kill_desk(desk, power);
        self.start_desk(desk)
    }

    fn relay_dies(&mut self, power: bool) -> Told {
        if !self.relay.running {
            return self.start_relay();
        }
        self.kill_relay(power)?;
        if self.chance(70) {
            self.start_relay()?;
        }
        Ok(())
    }

    fn kill_relay(&mut self, power: bool) -> Told {
        if self.relay.platter.has_unsynced() {
            self.tally.crash_between = true;
            self.tally.count("relay died unsynced");
        }
        self.note(format_args!("relay dies, power cut {power}"));
        self.tally.count(if power {
            "relay power cut"
        } else {
            "relay killed"
        });
        let listening = self.relay.stop();
        self.ghosts.clear();
        if power {
            let mut dice = self.dice();
            self.relay.platter.power_cut(|n| dice.below(n));
        }
        for desk in listening {
            // The machine is gone too when the power is: nobody hangs up.
            if power && self.chance(50) {
                continue;
            }
            self.desks[desk].line = None;
            self.tell(desk, Input::Closed)?;
        }
        Ok(())
    }

    /// The power goes when the relay has just answered.
    fn power_goes_after_an_answer(&mut self) -> Told {
        if !self.relay.running {
            return self.start_relay();
        }
        let now = self.now;
        let lines: Vec<ConnId> = self.relay.lines.keys().copied().collect();
        for conn in &lines {
            while self
                .relay
                .lines
                .get(conn)
                .is_some_and(|line| !line.up.is_empty())
            {
                self.relay.take(now, *conn)?;
            }
        }
        self.commit()?;
        for conn in lines {
            while self
                .relay
                .lines
                .get(&conn)
                .is_some_and(|line| !line.down.is_empty() && !line.ghost)
            {
                self.deliver_down(conn)?;
            }
        }
        self.kill_relay(true)?;
        self.start_relay()
    }

    /// The relay dies in the middle of a commit.
    fn relay_dies_writing(&mut self) -> Told {
        if !self.relay.running {
            return self.start_relay();
        }
        let after = self.below(8);
        self.relay.platter.die_after(after);
        let pending: Vec<ConnId> = self.relay.lines.keys().copied().collect();
        for conn in pending {
            self.deliver_up(conn)?;
        }
        // It may fail: the disk is dying.
        let _ = self.commit();
        self.relay.platter.heal();
        let power = self.chance(50);
        self.kill_relay(power)?;
        self.start_relay()
    }

    fn clock_jumps(&mut self, desk: usize) {
        let day = 24 * 3600;
        let offset = match self.below(5) {
            0 => SignedDuration::ZERO,
            1 => {
                let far: Timestamp = "2030-06-01T00:00:00Z".parse().unwrap_or(self.now);
                far.duration_since(self.now)
            }
            _ => SignedDuration::from_secs(self.rng_secs(2 * 24 * 3600) - day),
        };
        self.desks[desk].offset = offset;
        self.desks[desk].clock_set = Some(self.now);
        self.note(format_args!("clock of desk {desk} off by {offset}"));
        self.tally.count("clock jumps");
    }

    /// Somebody clones a disk: two machines go on from it as one seat.
    fn disk_is_copied(&mut self, desk: usize) -> Told {
        let machine = &self.desks[desk];
        let Some(replica) = &machine.up else {
            return Ok(());
        };
        if self.desks.len() > 5 {
            return Ok(());
        }
        let (platter, secrets) = (machine.platter.copy(), replica.secrets().clone());
        let new = machine.new;
        let twin = self.add_desk(platter, secrets);
        self.desks[twin].new = new;
        self.note(format_args!("disk of desk {desk} copied to desk {twin}"));
        self.tally.count("disk copied");
        self.start_desk(twin)
    }

    /// A machine is put back to an older copy of its disk.
    fn disk_is_restored(&mut self, desk: usize) -> Told {
        let machine = &mut self.desks[desk];
        let Some(replica) = &machine.up else {
            return Ok(());
        };
        match machine.snapshot.take() {
            None => {
                machine.snapshot = Some((machine.platter.copy(), replica.secrets().clone()));
                Ok(())
            }
            Some((platter, secrets)) => {
                self.note(format_args!("desk {desk} is restored"));
                self.tally.count("disk restored");
                self.stop_desk(desk);
                let seed = self.below(u64::MAX);
                let old =
                    std::mem::replace(&mut self.desks[desk], Desk::new(platter, secrets, seed));
                self.desks[desk].offset = old.offset;
                self.desks[desk].unplugged = old.unplugged;
                self.desks[desk].new = old.new;
                self.start_desk(desk)
            }
        }
    }

    /// Two desks exchange what they have, without a relay; perhaps twice, perhaps not to the end.
    fn neighbours_talk(&mut self) -> Told {
        let count = self.desks.len();
        let (a, b) = (self.index(count), self.index(count));
        let off = |desk: usize| self.desks[desk].up.is_none() || self.desks[desk].shut;
        if a == b || off(a) || off(b) {
            return Ok(());
        }
        self.meet_later(a, b);
        self.note(format_args!("desks {a} and {b} talk"));
        self.tally.count("direct exchange");
        let steps = if self.chance(25) { self.below(4) } else { 64 };
        let twice = self.chance(20);
        self.peers(a, b, steps, twice)
    }

    /// Direct exchange of two desks, at most so many frames each way.
    pub fn peers(&mut self, a: usize, b: usize, steps: u64, twice: bool) -> Told {
        for (from, to) in [(a, b), (b, a)] {
            let Some(replica) = self.replica(from) else {
                return Ok(());
            };
            let mut frame = Some(replica.peer_greeting());
            let (mut speaker, mut listener) = (from, to);
            for _ in 0..steps {
                let Some(said) = frame.take() else { break };
                if twice {
                    self.hear(listener, said.clone())?;
                }
                frame = self.hear(listener, said)?;
                std::mem::swap(&mut speaker, &mut listener);
            }
        }
        self.tell(a, Input::Wrote)?;
        self.tell(b, Input::Wrote)
    }

    pub(crate) fn hear(&mut self, desk: usize, frame: Frame) -> Told<Option<Frame>> {
        let now = self.desk_now(desk);
        let Some(replica) = self.replica_mut(desk) else {
            return Ok(None);
        };
        let (answer, _) = replica
            .peer_frame(now, frame)
            .map_err(|refusal| format!("desk {desk} and its neighbour: {refusal:?}"))?;
        Ok(answer)
    }

    /// Entries reach the relay a second time, or before those they follow on.
    fn entries_come_again(&mut self, desk: usize) -> Told {
        if self.relay.up.is_none() {
            return Ok(());
        }
        let Some(entries) = self.some_entries(desk)? else {
            return Ok(());
        };
        self.tally.count("entries pushed again");
        let conn = self.sign_in(desk)?;
        let refused = self.push(conn, &entries)?;
        self.note(format_args!(
            "{} entries of desk {desk} pushed by another, {} refused",
            entries.len(),
            refused.len()
        ));
        self.leave(conn);
        Ok(())
    }

    /// Somebody hands out keys that nobody gave them the right to.
    fn keys_are_forged(&mut self, desk: usize) -> Told {
        if self.relay.up.is_none() {
            return Ok(());
        }
        let Some(entry) = self.forged_keys(desk)? else {
            return Ok(());
        };
        self.tally.count("keys forged");
        let conn = self.sign_in(desk)?;
        let refused = self.push(conn, &[entry])?;
        self.note(format_args!(
            "desk {desk} hands out keys, {} refused",
            refused.len()
        ));
        self.leave(conn);
        Ok(())
    }

    /// Entries reach the relay with a bit turned over.
    fn entries_are_spoiled(&mut self, desk: usize) -> Told {
        if self.relay.up.is_none() {
            return Ok(());
        }
        let Some(entries) = self.some_entries(desk)? else {
            return Ok(());
        };
        let mut spoiled = Vec::new();
        for entry in entries {
            let mut bytes = entry.encode();
            // The second half is mostly body and signature: the rest still reads as an entry.
            let from = if self.chance(70) { bytes.len() / 2 } else { 0 };
            let at = from + self.index(bytes.len() - from);
            bytes[at] ^= 1 << self.below(8);
            spoiled.extend(Entry::decode(&bytes));
        }
        self.tally.count("entries spoiled");
        let conn = self.sign_in(desk)?;
        let refused = self.push(conn, &spoiled)?;
        self.note(format_args!(
            "{} entries spoiled, {} refused",
            spoiled.len(),
            refused.len()
        ));
        self.leave(conn);
        Ok(())
    }

    /// Some of what a desk holds: the latest, or what the relay has not got yet; now and then the work
    /// of one run alone, without what it builds on.
    fn some_entries(&mut self, desk: usize) -> Told<Option<Vec<Entry>>> {
        let (unplaced, alone) = (self.chance(70), self.chance(40));
        let Some(replica) = self.replica(desk) else {
            return Ok(None);
        };
        let ledger = replica.ledger();
        let all = ledger
            .beyond(&[], usize::MAX)
            .map_err(|error| format!("{error}"))?;
        let open: Vec<_> = all
            .iter()
            .filter(|entry| ledger.place_of(&entry.hash()).is_none())
            .collect();
        if unplaced && !open.is_empty() {
            let last = open.last().map(|entry| entry.id().0);
            let few = open
                .into_iter()
                .filter(|entry| !alone || Some(entry.id().0) == last)
                .map(|entry| (**entry).clone())
                .collect();
            return Ok(Some(few));
        }
        let from = all.len().saturating_sub(12);
        let mut few = Vec::new();
        for entry in &all[from..] {
            if self.chance(50) {
                few.push((**entry).clone());
            }
        }
        Ok((!few.is_empty()).then_some(few))
    }
}
