//! Lines between desks and the relay: sessions, and frames on their way.

use std::collections::VecDeque;

use client_core::{catalogue::Event, link::Wish, replica::RequestState, session::Input};
use jiff::SignedDuration;
use rand_core::Rng;
use sync_protocol::{Frame, Item};
use sync_server::core::ConnId;

use super::{Told, World};

impl World {
    // ---- sessions --------------------------------------------------------------------------

    /// Tells a desk's session something and carries out what it wants.
    pub fn tell(&mut self, desk: usize, input: Input) -> Told {
        if self.desks[desk].shut {
            return Ok(());
        }
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let now = self.desk_now(desk);
            let machine = &mut self.desks[desk];
            let Some(replica) = &mut machine.up else {
                return Ok(());
            };
            let (wishes, events) = replica.session(now, &mut machine.rng, input);
            for wish in wishes {
                match wish {
                    Wish::Dial(_) => {
                        let open = self.dial(desk);
                        inputs.push_back(if open {
                            Input::Connected
                        } else {
                            Input::Closed
                        });
                    }
                    Wish::Send(frame) => {
                        let line = self.desks[desk].line;
                        if let Some(line) = line.and_then(|conn| self.relay.lines.get_mut(&conn)) {
                            line.up.push_back(frame.encode());
                        }
                    }
                    Wish::Hangup => {
                        let line = self.desks[desk].line;
                        self.note(format_args!("desk {desk} hangs up {line:?}"));
                        self.hang_up(desk, true);
                    }
                    Wish::WakeAt(at) => self.desks[desk].wake = Some(at),
                }
            }
            self.heard(desk, &events);
        }
        self.settle_requests(desk)?;
        self.settle_wishes(desk);
        if self.shuts(desk)? {
            return Ok(());
        }
        let now = self.desk_now(desk);
        let machine = &mut self.desks[desk];
        // As the link does: it sleeps for what is left, but not longer than a minute.
        let left = machine.wake.map_or(SignedDuration::from_hours(1), |at| {
            let left = at.duration_since(now);
            left.clamp(SignedDuration::ZERO, SignedDuration::from_mins(1))
        });
        machine.due = Some(self.now + left);
        Ok(())
    }

    fn dial(&mut self, desk: usize) -> bool {
        let mut nonce = [0; 32];
        self.rng.fill_bytes(&mut nonce);
        self.hang_up(desk, false);
        let now = self.now;
        let open = if self.desks[desk].unplugged {
            None
        } else {
            self.relay.open(Some(desk), nonce, now)
        };
        self.note(format_args!("desk {desk} dials, gets {open:?}"));
        self.desks[desk].line = open;
        open.is_some()
    }

    /// The desk's end of its line is gone; the relay learns of it now or later.
    pub(crate) fn hang_up(&mut self, desk: usize, at_once: bool) {
        let Some(conn) = self.desks[desk].line.take() else {
            return;
        };
        let now = self.now;
        if at_once {
            self.relay.closed(now, conn);
        } else if let Some(line) = self.relay.lines.get_mut(&conn) {
            line.desk = None;
            line.ghost = true;
            line.up.clear();
            line.down.clear();
            self.ghosts.push(conn);
        }
    }

    fn heard(&mut self, desk: usize, events: &[Event]) {
        for event in events {
            if let Event::JustTaken {
                appointment,
                alternatives,
                ..
            } = event
            {
                self.note(format_args!(
                    "desk {desk}: {appointment} was just taken, {} others",
                    alternatives.len()
                ));
                self.taken.insert(*appointment);
                self.tally.count("just taken");
            }
        }
    }

    fn settle_requests(&mut self, desk: usize) -> Told {
        let machine = &mut self.desks[desk];
        let Some(replica) = &mut machine.up else {
            return Ok(());
        };
        machine.waiting.retain(|claim| {
            let waits = replica.verdict(*claim) == RequestState::Waiting;
            if !waits {
                replica.forget_verdict(*claim);
            }
            waits
        });
        // What a session wrote by itself, taking back what was lost, is saved as well.
        let own = replica.ledger().incarnation();
        let before = machine.promised.get(&own).copied();
        machine.promise();
        if self.erasures.often > 0 && self.desks[desk].promised.get(&own).copied() != before {
            let mut held = self.replica(desk).map(|replica| replica.ledger().vector());
            let held = held.iter_mut().flatten();
            let held: Vec<_> = held
                .map(|(id, next)| {
                    (
                        *id,
                        if *id == own {
                            before.unwrap_or(0)
                        } else {
                            *next
                        },
                    )
                })
                .collect();
            self.keeps_bodies_beyond(desk, &held)?;
        }
        Ok(())
    }

    // ---- frames ----------------------------------------------------------------------------

    /// The next frame of a line reaches the relay.
    pub(crate) fn deliver_up(&mut self, conn: ConnId) -> Told {
        self.hears_what_goes_up(conn)?;
        if !self.malice_lets_up(conn) {
            if let Some(line) = self.relay.lines.get_mut(&conn) {
                line.up.pop_front();
            }
            return Ok(());
        }
        let now = self.now;
        self.relay.take(now, conn)
    }

    /// The next frame of a line reaches its desk.
    pub(crate) fn deliver_down(&mut self, conn: ConnId) -> Told {
        let Some(line) = self.relay.lines.get_mut(&conn) else {
            return Ok(());
        };
        let Some(desk) = line.desk else {
            return Ok(());
        };
        let Some(bytes) = line.down.pop_front() else {
            if line.closing {
                self.relay.lines.remove(&conn);
                self.desks[desk].line = None;
                self.note(format_args!("relay closed {conn:?} of desk {desk}"));
                return self.tell(desk, Input::Closed);
            }
            return Ok(());
        };
        let few = line.down.len() < 2;
        let frame = Frame::decode(&bytes).map_err(|error| format!("the relay sent {error:?}"))?;
        for frame in self.malice_bends(desk, frame) {
            self.receipts_of(desk, &frame)?;
            self.tell(desk, Input::Frame(frame))?;
        }
        if few {
            let now = self.now;
            self.relay.more(now, conn);
        }
        Ok(())
    }

    fn receipts_of(&mut self, desk: usize, frame: &Frame) -> Told {
        match frame {
            Frame::Placed {
                feed,
                first,
                chain_items,
                ..
            } => {
                self.note(format_args!(
                    "desk {desk}: {} placed in {feed} from {first}",
                    chain_items.len()
                ));
                self.receipts.extend(chain_items);
            }
            Frame::Items {
                feed,
                epoch,
                first,
                items,
                head,
            } => {
                self.note(format_args!(
                    "desk {desk}: {} items of {feed} {epoch}/{first}, head {}",
                    items.len(),
                    head.is_some()
                ));
                let began = *self.epochs.entry(*epoch).or_insert(self.now);
                let relay = self
                    .relay
                    .up
                    .as_ref()
                    .map(sync_server::core::Organisation::governance);
                let pauses = relay.is_some_and(|chain| chain.restored_epoch() < *epoch);
                for item in items {
                    match Item::decode(item) {
                        Ok(Item::Entry(entry)) => {
                            self.receipts.insert(entry.id());
                        }
                        Ok(Item::Confirmation(word))
                            if pauses && word.value().at > began.as_second() =>
                        {
                            return Err(format!("{feed} {epoch}: confirmed in the pause"));
                        }
                        _ => {}
                    }
                }
            }
            Frame::Refused { what, code, detail } => {
                self.note(format_args!(
                    "desk {desk}: refused {what:?} {code} {detail}"
                ));
                self.tally.count("entries or acts refused");
            }
            Frame::Error { code, detail } => {
                self.note(format_args!("desk {desk}: error {code} {detail}"));
            }
            _ => {}
        }
        Ok(())
    }

    /// The relay makes everything durable.
    pub(crate) fn commit(&mut self) -> Told {
        let now = self.now;
        self.relay.commit(now)
    }
}
