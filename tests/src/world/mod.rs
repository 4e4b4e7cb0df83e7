//! The simulated world: many replicas and the real relay core in one thread, accidents from a seed.
//!
//! ```text
//!  people ──> Replica ──frames──> Line ──frames──> Organisation
//!   (acts)    on a Platter   (cut, stalled)          on a Platter
//!                 └────── neighbours, directly ──────┘
//!  accidents: cuts, crashes, power cuts, deaths between write and sync, wrong clocks,
//!             copied and restored disks, newcomers by code, clients erased
//! ```
//!
//! What always holds: the same seed gives the same history, step by step; no clock, no socket, no
//! thread. Everything but the network, the disks and the people is the code that ships.
//!
//! Start with [`history::run`] for one history and [`soak`] for many; [`checks`] says what must
//! hold once everybody is connected again.

mod accidents;
pub mod checks;
mod crew;
mod desk;
mod disk;
mod erasing;
mod healing;
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
mod wires;

use std::collections::{BTreeMap, BTreeSet};

use client_core::{
    catalogue::{Command, Refusal, Reply},
    replica::{Replica, RequestState},
    session::Input,
};
use conflict_rules::AppointmentId;
use jiff::{SignedDuration, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sync_protocol::{IncarnationId, SeatId, planted::PlantedRules};
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
    /// Invitations that were made.
    pub(crate) codes: Vec<crew::Code>,
    /// Acts that somebody made.
    pub(crate) wishes: Vec<crew::Wish>,
    /// Pairs of visits that somebody allowed to overlap, whatever came of it.
    pub(crate) allowed: BTreeSet<(AppointmentId, AppointmentId)>,
    /// Visits that somebody moved or called off by a decision, whatever came of it.
    pub(crate) given_up: BTreeSet<AppointmentId>,
    /// What is built in on purpose.
    pub(crate) faults: history::Faults,
    /// A seat that nobody ends: the relay lies to it.
    pub(crate) spared: Option<SeatId>,
    /// The relay lost something.
    pub(crate) restored: bool,
    /// When each epoch of the schedules began, as far as anybody was told.
    pub(crate) epochs: BTreeMap<u32, Timestamp>,
    /// The founder's seat: it stays, and so does what it knows.
    pub(crate) founder: Option<SeatId>,
    /// Whoever changes what the relay says.
    pub(crate) malice: Option<malice::Malice>,
    /// Who is erased, and what that is held against.
    pub(crate) erasures: erasing::Erasures,
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
        let founder = shape.desks.first();
        world.founder = founder.and_then(|(_, secrets)| secrets.seats.keys().next().copied());
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
            wishes: Vec::new(),
            allowed: BTreeSet::new(),
            given_up: BTreeSet::new(),
            faults: history::Faults::default(),
            spared: None,
            restored: false,
            epochs: BTreeMap::new(),
            founder: None,
            malice: None,
            erasures: erasing::Erasures::default(),
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
        if self.desks[desk].shut {
            return Ok(());
        }
        let now = self.desk_now(desk);
        let machine = &mut self.desks[desk];
        let disk = machine.platter.mount();
        sync_protocol::planted::plant_at_birth(self.faults.desk.rules);
        let opened = Replica::open(disk, &machine.secrets, &mut machine.rng, now);
        sync_protocol::planted::plant_at_birth(PlantedRules::default());
        let (mut replica, recovery) =
            opened.map_err(|refusal| format!("desk {desk} does not open: {refusal:?}"))?;
        let held: BTreeMap<IncarnationId, u64> = replica.ledger().vector().into_iter().collect();
        for (incarnation, next) in &machine.promised {
            let have = held.get(incarnation).copied().unwrap_or(0);
            if have < *next {
                return Err(format!(
                    "desk {desk} lost what it had saved: {have} of {next} entries of {incarnation}"
                ));
            }
        }
        replica.plant(self.faults.desk);
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

    /// The desks that belong to the practice, as far as they know.
    pub(crate) fn members(&self) -> Vec<usize> {
        let desks = 0..self.desks.len();
        desks.filter(|desk| !self.desks[*desk].shut).collect()
    }

    /// The seat at a desk; none while its process is off.
    pub(crate) fn seat_at(&self, desk: usize) -> Option<SeatId> {
        self.replica(desk).map(Replica::seat)
    }

    pub(crate) fn desk_now(&self, desk: usize) -> Timestamp {
        let offset = self.desks[desk].offset;
        self.now.checked_add(offset).unwrap_or(self.now)
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
}
