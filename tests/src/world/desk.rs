//! A desk of the world: a machine with a disk, a clock and a line, and a replica while it runs.

use std::collections::{BTreeMap, BTreeSet};

use client_core::{replica::Replica, sealing::HomeSecrets};
use conflict_rules::AppointmentId;
use jiff::{SignedDuration, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sync_protocol::{IncarnationId, SeatId};
use sync_server::core::ConnId;

use super::disk::{Disk, Platter};

/// A machine with a desk's software.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "what is true of a machine, each on its own"
)]
pub struct Desk {
    pub(crate) platter: Platter,
    pub(crate) secrets: HomeSecrets,
    /// The machine's own chance: what its operating system gives.
    pub(crate) rng: ChaCha8Rng,
    pub(crate) up: Option<Replica<Disk>>,
    /// Its clock minus true time.
    pub(crate) offset: SignedDuration,
    /// When somebody last set its clock.
    pub(crate) clock_set: Option<Timestamp>,
    /// When its session asked to be woken, by its own clock.
    pub(crate) wake: Option<Timestamp>,
    /// When that is, in true time.
    pub(crate) due: Option<Timestamp>,
    pub(crate) line: Option<ConnId>,
    /// Its cable is out.
    pub(crate) unplugged: bool,
    /// How many entries of each run it said are saved.
    pub(crate) promised: BTreeMap<IncarnationId, u64>,
    /// An older copy of its disk, on a shelf.
    pub(crate) snapshot: Option<(Platter, HomeSecrets)>,
    /// It joined in this history and may know nothing yet.
    pub(crate) new: bool,
    /// Its disk is about to fail.
    pub(crate) dying: bool,
    /// Visits it asked for and has no answer to.
    pub(crate) waiting: BTreeSet<AppointmentId>,
    /// It was told that its seat is removed, and dropped its keys.
    pub(crate) shut: bool,
    /// It exchanged entries with a neighbour after its removal stood.
    pub(crate) met_later: bool,
}

impl Desk {
    pub(crate) fn new(platter: Platter, secrets: HomeSecrets, seed: u64) -> Self {
        Self {
            platter,
            secrets,
            rng: ChaCha8Rng::seed_from_u64(seed),
            up: None,
            offset: SignedDuration::ZERO,
            clock_set: None,
            wake: None,
            due: None,
            line: None,
            unplugged: false,
            promised: BTreeMap::new(),
            dying: false,
            new: false,
            snapshot: None,
            waiting: BTreeSet::new(),
            shut: false,
            met_later: false,
        }
    }

    /// Whoever worked here, also while it is off.
    pub(crate) fn seats(&self) -> impl Iterator<Item = SeatId> {
        self.secrets.seats.keys().copied()
    }

    /// What the running replica has written itself is saved: it said so.
    pub(crate) fn promise(&mut self) {
        if let Some(replica) = &self.up {
            let own = replica.ledger().incarnation();
            let written = replica.ledger().vector();
            if let Some((_, next)) = written.into_iter().find(|(id, _)| *id == own) {
                self.promised.insert(own, next);
            }
        }
    }
}
