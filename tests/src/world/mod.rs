//! The simulated world: many replicas and the real relay core in one thread, accidents from a seed.
//!
//! ```text
//!  people ──> Replica ──frames──> Line ──frames──> Organisation
//!   (acts)    on a Platter   (cut, stalled)          on a Platter
//!                 └────── neighbours, directly ──────┘
//!  accidents: cuts, crashes, power cuts, deaths between write and sync, wrong clocks,
//!             copied and restored disks, newcomers by code
//! ```
//!
//! What always holds: the same seed gives the same history, step by step; no clock, no socket, no
//! thread. Everything but the network, the disks and the people is the code that ships.
//!
//! Start with [`history::run`] for one history and [`soak`] for many; [`checks`] says what must
//! hold once everybody is connected again.

mod accidents;
pub mod checks;
mod desk;
mod disk;
pub mod history;
pub mod hostile;
pub mod malice;
mod people;
pub mod planted;
pub mod probe;
mod relay;
pub mod report;
mod shape;
pub mod soak;
mod trace;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use client_core::{
    catalogue::{Command, Event, LinkState, Refusal, Reply},
    link::Wish,
    replica::{Replica, RequestState},
    session::Input,
};
use conflict_rules::AppointmentId;
use jiff::{SignedDuration, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sync_protocol::{Frame, IncarnationId, Item};
use sync_server::core::ConnId;

pub use desk::Desk;
pub use disk::{Disk, Platter};
use people::Deed;
use relay::Relay;
pub use report::{Report, Tally};
pub use shape::{Practice, Shape};
pub use trace::{Failure, Trace};

/// Something that must hold does not.
pub type Told<T = ()> = Result<T, String>;

/// Everything there is in one history.
#[derive(Debug)]
pub struct World {
    /// Where it comes from.
    pub seed: u64,
    pub(crate) rng: ChaCha8Rng,
    pub(crate) now: Timestamp,
    /// What happened.
    pub trace: Trace,
    /// Counted.
    pub tally: Tally,
    pub(crate) relay: Relay,
    pub(crate) desks: Vec<Desk>,
    /// Who and what there is to book.
    pub practice: Practice,
    /// Entries that the relay said are safe, as seen on the wire.
    pub(crate) receipts: BTreeSet<(IncarnationId, u64)>,
    /// What people did to visits.
    pub(crate) deeds: Vec<Deed>,
    /// Visits people agreed, and where they are kept.
    pub(crate) visits: BTreeSet<AppointmentId>,
    /// Claims that were asked for while connected and lost.
    pub(crate) taken: BTreeSet<AppointmentId>,
    /// Claims that somebody did something to after they were booked, taking up again included.
    pub(crate) handled: BTreeSet<AppointmentId>,
    /// Lines the relay still believes in.
    pub(crate) ghosts: Vec<ConnId>,
    /// Invitations not redeemed yet.
    pub(crate) codes: Vec<(String, sync_protocol::Hash)>,
    /// Whoever changes what the relay says.
    pub(crate) malice: Option<malice::Malice>,
}

/// Chance on its own.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0.next_u64() % n.max(1)
    }
}

impl World {
    /// A world that goes on from a founded practice.
    pub fn new(seed: u64, shape: &Shape) -> Told<Self> {
        let mut world = Self::empty(
            seed,
            shape.began,
            shape.relay.copy(),
            shape.key.clone(),
            true,
        );
        world.practice = shape.practice.clone();
        for (platter, secrets) in &shape.desks {
            world.add_desk(platter.copy(), secrets.clone());
        }
        Ok(world)
    }

    pub(crate) fn empty(
        seed: u64,
        now: Timestamp,
        relay: Platter,
        key: sync_protocol::SigningKey,
        founded: bool,
    ) -> Self {
        Self {
            seed,
            rng: ChaCha8Rng::seed_from_u64(seed),
            now,
            trace: Trace::default(),
            tally: Tally::default(),
            relay: Relay::new(relay, key, founded),
            desks: Vec::new(),
            practice: Practice::default(),
            receipts: BTreeSet::new(),
            deeds: Vec::new(),
            visits: BTreeSet::new(),
            taken: BTreeSet::new(),
            handled: BTreeSet::new(),
            ghosts: Vec::new(),
            codes: Vec::new(),
            malice: None,
        }
    }

    // ---- chance and time -------------------------------------------------------------------

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.rng.next_u64() % n.max(1)
    }

    pub(crate) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// Whether something happens that happens so many times of a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Chance that is drawn while something else is borrowed.
    pub(crate) fn dice(&mut self) -> Dice {
        Dice(ChaCha8Rng::seed_from_u64(self.rng.next_u64()))
    }

    pub(crate) fn pass(&mut self, time: SignedDuration) {
        self.now += time;
    }

    pub(crate) fn note(&mut self, what: std::fmt::Arguments<'_>) {
        self.trace.note(self.now, what);
    }

    // ---- machines --------------------------------------------------------------------------

    pub(crate) fn add_desk(
        &mut self,
        platter: Platter,
        secrets: client_core::sealing::HomeSecrets,
    ) -> usize {
        let seed = self.rng.next_u64();
        self.desks.push(Desk::new(platter, secrets, seed));
        self.desks.len() - 1
    }

    /// The relay's process starts.
    pub fn start_relay(&mut self) -> Told {
        self.note(format_args!("relay starts"));
        self.relay.start()
    }

    /// A desk's process starts, and checks that nothing saved is gone.
    pub fn start_desk(&mut self, desk: usize) -> Told {
        let now = self.desk_now(desk);
        let machine = &mut self.desks[desk];
        let disk = machine.platter.mount();
        let (replica, recovery) = Replica::open(disk, &machine.secrets, &mut machine.rng, now)
            .map_err(|refusal| format!("desk {desk} does not open: {refusal:?}"))?;
        let held: BTreeMap<IncarnationId, u64> = replica.ledger().vector().into_iter().collect();
        for (incarnation, next) in &machine.promised {
            let have = held.get(incarnation).copied().unwrap_or(0);
            if have < *next {
                return Err(format!(
                    "desk {desk} lost what it had saved: {have} of {next} entries of {incarnation}"
                ));
            }
        }
        machine.up = Some(replica);
        machine.line = None;
        machine.waiting.clear();
        machine.due = None;
        let clean = matches!(recovery, entry_log::Recovery::Clean);
        self.note(format_args!("desk {desk} starts, clean {clean}"));
        self.tell(desk, Input::Wake)
    }

    /// A desk's process ends without a word.
    pub(crate) fn stop_desk(&mut self, desk: usize) {
        self.hang_up(desk, true);
        let machine = &mut self.desks[desk];
        machine.up = None;
        machine.due = None;
    }

    /// The replica on a desk, if its process runs.
    pub fn replica(&self, desk: usize) -> Option<&Replica<Disk>> {
        self.desks[desk].up.as_ref()
    }

    /// The same, to ask questions of.
    pub fn replica_mut(&mut self, desk: usize) -> Option<&mut Replica<Disk>> {
        self.desks[desk].up.as_mut()
    }

    /// How many desks there are.
    pub fn desks(&self) -> usize {
        self.desks.len()
    }

    pub(crate) fn desk_now(&self, desk: usize) -> Timestamp {
        let offset = self.desks[desk].offset;
        self.now.checked_add(offset).unwrap_or(self.now)
    }

    // ---- sessions --------------------------------------------------------------------------

    /// Tells a desk's session something and carries out what it wants.
    pub fn tell(&mut self, desk: usize, input: Input) -> Told {
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
        self.settle_requests(desk);
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
    fn hang_up(&mut self, desk: usize, at_once: bool) {
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

    fn settle_requests(&mut self, desk: usize) {
        let machine = &mut self.desks[desk];
        let Some(replica) = &mut machine.up else {
            return;
        };
        machine.waiting.retain(|claim| {
            let waits = replica.verdict(*claim) == RequestState::Waiting;
            if !waits {
                replica.forget_verdict(*claim);
            }
            waits
        });
        // What a session wrote by itself, taking back what was lost, is saved as well.
        machine.promise();
    }

    // ---- frames ----------------------------------------------------------------------------

    /// The next frame of a line reaches the relay.
    pub(crate) fn deliver_up(&mut self, conn: ConnId) -> Told {
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
            self.receipts_of(desk, &frame);
            self.tell(desk, Input::Frame(frame))?;
        }
        if few {
            let now = self.now;
            self.relay.more(now, conn);
        }
        Ok(())
    }

    fn receipts_of(&mut self, desk: usize, frame: &Frame) {
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
                for item in items {
                    if let Ok(Item::Entry(entry)) = Item::decode(item) {
                        self.receipts.insert(entry.id());
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
    }

    /// The relay makes everything durable.
    pub(crate) fn commit(&mut self) -> Told {
        let now = self.now;
        self.relay.commit(now)
    }

    // ---- people ----------------------------------------------------------------------------

    /// Somebody at a desk wants something.
    pub fn execute(&mut self, desk: usize, command: Command) -> Result<Reply, Refusal> {
        let now = self.desk_now(desk);
        let machine = &mut self.desks[desk];
        let Some(replica) = &mut machine.up else {
            return Err(Refusal::new(
                client_core::catalogue::ErrorCode::Internal,
                "the desk is off",
                "",
            ));
        };
        let done = replica.execute(now, &mut machine.rng, command);
        if done.is_ok() {
            machine.promise();
        }
        done
    }

    /// Waits for the relay's answer about a visit that was just asked for.
    pub(crate) fn expect_verdict(&mut self, desk: usize, claim: AppointmentId) {
        let machine = &mut self.desks[desk];
        if let Some(replica) = &machine.up
            && replica.verdict(claim) == RequestState::Waiting
        {
            machine.waiting.insert(claim);
            self.tally.count("asked while connected");
        }
    }

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

    /// All accidents end: everything runs, everybody is plugged in.
    pub fn heal(&mut self) -> Told {
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
        self.quiet()
    }

    /// Goes on until nothing is on its way and everybody is in step.
    pub fn quiet(&mut self) -> Told {
        let all: Vec<usize> = (0..self.desks.len()).collect();
        self.quiet_for(&all)
    }

    fn quiet_for(&mut self, desks: &[usize]) -> Told {
        let hangs = |world: &Self| {
            let unsettled = world.unsettled(desks);
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

    fn deliver_all(&mut self) -> Told<bool> {
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

    fn unsettled(&self, desks: &[usize]) -> Vec<String> {
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
                let fine = alive && link == LinkState::InStep && outbox == 0 && waits == 0;
                (!fine).then(|| {
                    format!(
                        "desk {number}: {link:?}, {outbox} in the outbox, {waits} without an \
                         answer, trouble {:?}",
                        replica.trouble()
                    )
                })
            })
            .collect()
    }
}
