//! One replica: what is held, who this seat is, what can be asked of it and told to it.
//!
//! No clock, no chance, no network; no storage but the ledger's. Many replicas run side by side in
//! one process, as the simulated world does.
//!
//! ```text
//!  Command ──> desk ──> Batch ──> Ledger (sealed, signed, durable) ──┐
//!                                                                    ├─> Arrivals ──> Book ──> Answer
//!  relay, neighbours ──> Session ──> Ledger ─────────────────────────┘        └─> KeyRing
//! ```
//!
//! What always holds:
//!
//! * What a reply says is saved is durable on this machine.
//! * What the book shows was folded from arrivals, our own entries included: a restart shows the same.
//! * After a failed write nothing more is written until the replica was reopened: the next entries
//!   would otherwise follow on ones that may or may not be on the disk.
//!
//! Start with [`Replica::execute`], [`Replica::query`] and [`Replica::session`].

mod begin;
mod clock;
mod comparing;
mod erasing;
mod newcomer;
mod people;
mod refusals;
mod relay;
mod renewal;
mod rescue;
mod ring;
mod seats;
mod trust;
mod write;

use std::collections::BTreeMap;

use conflict_rules::AppointmentId;
use entry_log::Storage;
use rand_core::Rng;
use sync_protocol::{
    DeviceId, ErrorCode as WireCode, FeedId, Frame, Hash, IncarnationId, Item, OrgId, Role, SeatId,
    SignedAct, What,
};

use crate::{
    book::{Book, Touched},
    catalogue::{Event, LinkState, Refusal, StaffRole},
    desk::Steps,
    ledger::{Arrival, Ledger},
    sealing::{Comparisons, HomeSecrets, KeyRing, KeyRow, Word},
    session::{Session, peer},
};

pub use begin::Founding;
pub(crate) use erasing::basis_face;
pub use newcomer::Newcomer;
pub use refusals::{refusal_of_code, refusal_of_join};
pub use relay::{ActState, Proposal, RequestState};
pub use rescue::{Rescuer, foreign_words, refusal_of_kit, refusal_of_rescue};
pub use seats::FurtherSeat;

pub(crate) use begin::{is_zone, relay_address, usual_hours};
pub(crate) use refusals::{illegal_step, internal, invalid, not_allowed, not_found};
pub(crate) use relay::{Back, Request};
pub(crate) use write::Batch;

use clock::Clock;
use comparing::learn_words;

/// One replica. See the module's documentation.
#[derive(Debug)]
pub struct Replica<S> {
    pub(crate) ledger: Ledger<S>,
    pub(crate) keyring: KeyRing,
    pub(crate) book: Book,
    pub(crate) session: Session,
    pub(crate) secrets: HomeSecrets,
    pub(crate) seat: SeatId,
    pub(crate) device: DeviceId,
    pub(crate) clock: Clock,
    pub(crate) steps: Steps,
    /// Made, and not in the ledger yet: they go first into the next batch.
    pub(crate) rows: Vec<KeyRow>,
    /// The same, for a comparison.
    pub(crate) words: Vec<Word>,
    pub(crate) comparisons: Comparisons,
    /// A write failed: see [`Replica::reopen`].
    pub(crate) broken: bool,
    pub(crate) ticket: Option<String>,
    /// Where the relay is looked for instead of its pinned address.
    pub(crate) elsewhere: Option<String>,
    pub(crate) trouble: Option<WireCode>,
    pub(crate) in_step_at: Option<jiff::Timestamp>,
    /// The relay's time at its last signed word.
    pub(crate) heard: Option<jiff::Timestamp>,
    pub(crate) requests: BTreeMap<AppointmentId, Request>,
    pub(crate) proposals: Vec<relay::Proposed>,
    pub(crate) dues: people::Dues,
    /// Receipts of erasures, which go into the next batch.
    pub(crate) receipts: Vec<sync_protocol::ErasureReceipt>,
    /// Whether erasures may still lack this device's receipt.
    pub(crate) unacknowledged: bool,
    pub(crate) events: Pending,
    /// A fault, with the feature `planted` only.
    pub(crate) forgets_a_role: bool,
}

/// What faces are still to be told.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    touched: Touched,
    link: bool,
    taken: Vec<Event>,
}

impl Pending {
    pub(crate) fn touch(&mut self, touched: Touched) {
        self.touched |= touched;
    }

    pub(crate) const fn link(&mut self) {
        self.link = true;
    }

    pub(crate) fn taken(&mut self, event: Event) {
        self.taken.push(event);
    }

    fn take(&mut self) -> Vec<Event> {
        let Self {
            touched,
            link,
            taken,
        } = std::mem::take(self);
        let mut events = Vec::with_capacity(1 + taken.len());
        if link || touched.schedule || touched.records || touched.practice {
            events.push(Event::Changed {
                schedule: touched.schedule,
                records: touched.records,
                practice: touched.practice,
                link,
            });
        }
        events.extend(taken);
        events
    }
}

/// A fresh run of the process.
pub(crate) fn new_incarnation(rng: &mut impl Rng) -> IncarnationId {
    IncarnationId::from_bytes(random(rng))
}

/// Random bytes, as ids are made of.
pub(crate) fn random<const N: usize>(rng: &mut impl Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// The role as faces name it; a gateway has no face.
pub(crate) const fn face(role: Role) -> Option<StaffRole> {
    match role {
        Role::Owner => Some(StaffRole::Owner),
        Role::Manager => Some(StaffRole::Manager),
        Role::Vet => Some(StaffRole::Vet),
        Role::Groomer => Some(StaffRole::Groomer),
        Role::Receptionist => Some(StaffRole::Receptionist),
        Role::Gateway => None,
    }
}

/// The role as governance names it.
pub(crate) const fn role_of(face: StaffRole) -> Role {
    match face {
        StaffRole::Owner => Role::Owner,
        StaffRole::Manager => Role::Manager,
        StaffRole::Vet => Role::Vet,
        StaffRole::Groomer => Role::Groomer,
        StaffRole::Receptionist => Role::Receptionist,
    }
}

impl<S: Storage> Replica<S> {
    /// The organisation.
    pub fn org(&self) -> OrgId {
        self.ledger.org()
    }

    /// The seat in use.
    pub const fn seat(&self) -> SeatId {
        self.seat
    }

    /// This machine.
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// The role of the seat in use; none once it was removed.
    pub fn role(&self) -> Option<Role> {
        self.ledger
            .governance()
            .seat(self.seat)
            .and_then(sync_protocol::SeatState::role)
    }

    /// Whether this seat reads a feed: by its role, or because the practice decided so.
    pub fn may_read(&self, feed: FeedId) -> bool {
        let governance = self.ledger.governance();
        self.role()
            .is_some_and(|role| governance.may_read(role, feed))
    }

    /// What is held.
    pub const fn ledger(&self) -> &Ledger<S> {
        &self.ledger
    }

    /// What it says.
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// The book, for questions that keep what they worked out.
    pub const fn book_mut(&mut self) -> &mut Book {
        &mut self.book
    }

    /// The keys this seat holds.
    pub const fn keyring(&self) -> &KeyRing {
        &self.keyring
    }

    /// What the home keeps under its passphrase.
    pub const fn secrets(&self) -> &HomeSecrets {
        &self.secrets
    }

    /// Relay time minus this machine's, in seconds, where it is known.
    pub const fn clock_offset(&self) -> Option<i64> {
        self.clock.offset
    }

    /// The relay's time at its last signed word, once.
    pub(crate) const fn take_heard(&mut self) -> Option<jiff::Timestamp> {
        self.heard.take()
    }

    /// What the connection does.
    pub fn link(&self) -> LinkState {
        if self.ledger.governance().relay_key().is_none() {
            LinkState::NoRelay
        } else {
            self.session.link()
        }
    }

    /// Whether a write failed, so that [`Replica::reopen`] must come before the next one.
    pub const fn needs_reopening(&self) -> bool {
        self.broken
    }

    /// What faces are to be told since the last time.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.take()
    }

    /// Gives the storage back, for a restart in the simulated world.
    pub fn into_storage(self) -> S {
        self.ledger.into_storage()
    }

    /// Every act of the chain, from the genesis on.
    pub fn acts(&self) -> Result<Vec<SignedAct>, Refusal> {
        Ok(self.ledger.acts()?)
    }

    /// The entries of the key table, for a newcomer next door.
    pub fn key_items(&mut self) -> Result<Vec<Item>, Refusal> {
        let mut items = Vec::new();
        self.ledger.replay(&mut |arrival| {
            if let Arrival::Entry { entry, .. } = arrival
                && entry.header().feed == FeedId::Keys
            {
                items.push(Item::Entry((*entry).clone()));
            }
            Ok(())
        })?;
        Ok(items)
    }

    /// Takes an act that a neighbour brought, where no relay orders the chain.
    pub fn learn_act(&mut self, act: SignedAct) -> Result<Vec<Event>, Refusal> {
        if self.ledger.governance().hash_at(act.value().height) == Some(act.hash()) {
            return Ok(Vec::new());
        }
        let arrivals = self.ledger.act(act)?;
        self.ledger.commit()?;
        self.arrived(&arrivals);
        Ok(self.take_events())
    }

    // ---- direct exchange -------------------------------------------------------------------

    /// What to say first to a neighbour.
    pub fn peer_greeting(&self) -> Frame {
        peer::greeting(&self.ledger)
    }

    /// What a neighbour's frame brings, and what to answer.
    pub fn peer_frame(
        &mut self,
        _now: jiff::Timestamp,
        frame: Frame,
    ) -> Result<(Option<Frame>, Vec<Event>), Refusal> {
        let (arrivals, answer) = peer::handle(&mut self.ledger, frame)?;
        if !arrivals.is_empty() {
            // A neighbour may not know yet who was erased: what it brings about them goes at once.
            self.ledger.purge_erased()?;
            self.ledger.commit()?;
        }
        self.arrived(&arrivals);
        Ok((answer, self.take_events()))
    }

    // ---- what arrives ----------------------------------------------------------------------

    /// Shows arrivals to the keys, then to the book.
    pub(crate) fn arrived(&mut self, arrivals: &[Arrival]) {
        let mut fresh = false;
        let mut acts = false;
        let mut erased = false;
        let mut late_rows = false;
        let mut called_back = false;
        for arrival in arrivals {
            if self.is_late(arrival) {
                self.dues.look();
                late_rows |= matches!(arrival, Arrival::Entry { entry, .. }
                    if entry.header().feed == FeedId::Keys);
            }
            fresh |= ring::learn(&mut self.keyring, &self.ledger, arrival);
            called_back |= ring::calls_back(arrival);
            learn_words(&mut self.comparisons, &self.ledger, arrival);
            if let Arrival::Act(act) = arrival {
                acts = true;
                self.act_arrived(act.hash());
                if matches!(act.value().what, What::Erasure(_)) {
                    erased = true;
                }
            }
        }
        if erased {
            self.forget_erased();
        }
        if called_back {
            // When the disk does not give them, the next start tries again.
            let _ = self.learn_again();
        }
        if late_rows {
            // Before the book sees what they sealed.
            let erased = self.ledger.governance().erased();
            self.keyring.forget(erased, self.ledger.unnamed_keys());
        }
        if fresh {
            let touched = self.book.keys_changed(&self.keyring);
            self.events.touch(touched);
        }
        let touched = self.book.arrived_all(arrivals, &self.keyring);
        self.events.touch(touched);
        if acts || !arrivals.is_empty() {
            self.events.link();
        }
    }
}

/// The document that entries of the key table name.
pub(crate) fn keys_document(org: OrgId) -> sync_protocol::DocumentId {
    let mut hasher = blake3::Hasher::new_derive_key("daybook key table v1");
    hasher.update(org.as_bytes());
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    sync_protocol::DocumentId::from_bytes(id)
}

/// The next act of a chain, unsigned.
pub(crate) fn next_act<S: Storage>(
    ledger: &Ledger<S>,
    now: jiff::Timestamp,
    author: sync_protocol::Author,
    what: sync_protocol::What,
) -> sync_protocol::Act {
    let (height, prev): (u32, Hash) = ledger.governance().stand();
    sync_protocol::Act {
        org: ledger.org(),
        height: height.saturating_add(1),
        prev,
        at: now.as_second(),
        author,
        what,
    }
}
