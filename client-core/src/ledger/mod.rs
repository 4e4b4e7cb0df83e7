//! What this replica holds: entries, confirmations and acts, their positions, and what is still
//! to be sent. It knows nothing of documents and opens no body.
//!
//! What always holds:
//!
//! * The log is the truth; everything in memory is rebuilt from it by [`Ledger::open`].
//! * An item has a position only once a verified head of the relay covers it. Until then it stays
//!   in the outbox, whoever wrote it: a device also forwards what it got from a neighbour.
//! * The same item twice changes nothing; order of arrival changes nothing but positions' timing.
//! * What [`Ledger::write`] returned is not saved until [`Ledger::commit`] returned.
//!
//! ```text
//!   write ─┐                        ┌─> outbox ──> (session) ──> relay
//!          ├─> log ──> items ───────┤
//! receive ─┘        └> placements ──┴─> Arrivals ──> book
//! ```
//!
//! Start with [`Ledger::write`] and [`Ledger::receive_items`].

mod erasing;
mod feed;
mod read;
mod receive;
mod record;
mod verify;
mod witness;
mod write;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use entry_log::{Index, Log, Recovery, Storage};
use sync_protocol::{
    Entry, FeedId, Governance, GovernanceError, Hash, IncarnationId, Item, MaskReason, OrgId,
    RefuseReason, SeatId, SignedAct, SignedConfirmation,
};

pub use erasing::{Receipt, RowAt};
use feed::Feed;
pub use verify::{Finding, Named, Verified, verify};
pub use witness::{Fault, Proof};
pub use write::{Author, Draft, SealWith};

/// Where an item stands in its feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The relay's epoch.
    pub epoch: u32,
    /// Its number in the epoch, from 1.
    pub sequence: u64,
}

/// Something newly held, or newly known of something held.
#[derive(Debug, Clone)]
pub enum Arrival {
    /// An entry whose author was a member; `mask` says why it is not to be shown.
    Entry {
        /// The entry.
        entry: Arc<Entry>,
        /// Why its effects are hidden, if they are.
        mask: Option<MaskReason>,
        /// Its position, if it has one.
        place: Option<Place>,
        /// Written by this process or an earlier run on this device.
        own: bool,
    },
    /// An entry that is held already got its position.
    Placed {
        /// Which entry.
        entry: Hash,
        /// Its feed.
        feed: FeedId,
        /// Its position.
        place: Place,
    },
    /// The relay granted or refused a placement.
    Confirmation {
        /// What it said.
        confirmation: Arc<SignedConfirmation>,
        /// Where.
        place: Place,
    },
    /// Somebody's rights changed.
    Act(Arc<SignedAct>),
    /// An entry that must not be applied: its bytes prove a fault.
    Withheld {
        /// Which.
        entry: Hash,
        /// Why.
        reason: RefuseReason,
    },
}

/// What a person should look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// Two runs of this seat continue from one entry: the device's disk was copied.
    DeviceCopied {
        /// Whose.
        seat: SeatId,
    },
    /// A head of the relay does not match what it sent.
    WrongChain {
        /// In which feed.
        feed: FeedId,
    },
    /// The relay no longer has what it had acknowledged.
    RelayRolledBack {
        /// In which feed.
        feed: FeedId,
    },
    /// Entries were withheld because their bytes prove a fault.
    Withheld {
        /// In which feed.
        feed: FeedId,
    },
    /// The relay shows different histories to different devices, or at different times.
    Fork {
        /// In which feed.
        feed: FeedId,
    },
    /// The relay shows an older state as if it were the newest.
    WentBack {
        /// In which feed.
        feed: FeedId,
    },
    /// The relay sends acts of the chain that its rules refuse.
    FalseChain,
}

/// Why the ledger could not do what was asked. Nothing was changed unless the log is at fault.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The disk is full: free some space and go on; nothing was lost.
    #[error("the disk is full")]
    DiskFull,
    /// The log cannot be written until it is opened again.
    #[error("the local log cannot be written: {0}")]
    Storage(String),
    /// Local data are damaged; the text names file and offset.
    #[error("local data are damaged: {0}")]
    Damaged(String),
    /// Written by a newer program.
    #[error("local data were written by a newer version of this program")]
    NewerVersion,
    /// The governance chain does not hold.
    #[error("the governance chain does not hold")]
    Governance(#[from] GovernanceError),
    /// The log holds no practice.
    #[error("no practice was founded or joined here")]
    Empty,
    /// A body is larger than the protocol allows.
    #[error("what was entered is too long to be saved in one piece")]
    TooLarge,
    /// A key that is needed to seal is missing.
    #[error("the key to seal this is missing")]
    MissingKey,
    /// The sender skipped items: ask again from the frontier.
    #[error("items are missing before {first} of {feed}")]
    Gap {
        /// Which feed.
        feed: FeedId,
        /// The first item that came.
        first: u64,
    },
    /// A head does not match the items, or is not signed by the pinned relay.
    #[error("the relay's head of {feed} does not hold")]
    BadHead {
        /// Which feed.
        feed: FeedId,
    },
    /// Bytes that are no item.
    #[error("not an item of this protocol")]
    Malformed,
}

/// What is held of one item; the rest is in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) index: Index,
    pub(crate) feed: FeedId,
    pub(crate) place: Option<Place>,
    /// The epoch in which it first had a place.
    pub(crate) first: Option<u32>,
    pub(crate) own: bool,
    /// Held without the body that it once had.
    pub(crate) bare: bool,
    /// Never sent: it is about somebody who was erased, and nobody else has it.
    pub(crate) withdrawn: bool,
    pub(crate) kind: Kind,
}

/// What kind of item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Entry,
    Confirmation,
    Act,
}

/// The truth of a replica. See the module's documentation.
#[derive(Debug)]
pub struct Ledger<S> {
    pub(crate) log: Log<S>,
    pub(crate) governance: Governance,
    pub(crate) incarnation: IncarnationId,
    /// Sequence and predecessor of the next own entry.
    pub(crate) next: u64,
    pub(crate) last: Option<Hash>,
    pub(crate) items: HashMap<Hash, Held>,
    pub(crate) ids: HashMap<(IncarnationId, u64), Hash>,
    /// Length of the gap-free beginning of each incarnation.
    pub(crate) vector: BTreeMap<IncarnationId, u64>,
    pub(crate) feeds: BTreeMap<FeedId, Feed>,
    /// Without a position, in log order.
    pub(crate) outbox: BTreeMap<Index, Hash>,
    /// Entries whose governance height is not reached yet.
    pub(crate) waiting: Vec<Hash>,
    /// The last entry seen of each seat, and which entry first named another as its predecessor.
    pub(crate) last_of_seat: HashMap<SeatId, Hash>,
    /// The last sequence that each seat is proven to have written in each incarnation.
    pub(crate) wrote: BTreeMap<(SeatId, IncarnationId), u64>,
    pub(crate) successors: HashMap<(SeatId, Hash), Hash>,
    pub(crate) digest: [u64; 4],
    pub(crate) alarms: std::collections::BTreeSet<Alarm>,
    pub(crate) head_at: Option<i64>,
    /// What others said about places that are not reached here.
    pub(crate) hearsay: std::collections::VecDeque<witness::Hearsay>,
    pub(crate) proofs: Vec<Proof>,
    /// Held, and told nobody: what they came with does not hold.
    pub(crate) unheard: Vec<Arrival>,
    pub(crate) erasing: erasing::Erasing,
    pub(crate) faults: Faults,
}

/// Faults that tests switch on, with the feature `planted` only.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) keep_late_work: bool,
    pub(crate) no_witness: bool,
}

impl<S: Storage> Ledger<S> {
    /// Begins the ledger of a new practice.
    pub fn found(
        storage: S,
        genesis: SignedAct,
        incarnation: IncarnationId,
    ) -> Result<Self, LedgerError> {
        Self::begin(storage, vec![genesis], incarnation)
    }

    /// Begins the ledger of a device that joins: the chain was checked against its code.
    pub fn join(
        storage: S,
        acts: Vec<SignedAct>,
        incarnation: IncarnationId,
    ) -> Result<Self, LedgerError> {
        Self::begin(storage, acts, incarnation)
    }

    fn begin(
        storage: S,
        acts: Vec<SignedAct>,
        incarnation: IncarnationId,
    ) -> Result<Self, LedgerError> {
        let (log, _) = record::open_log(storage)?;
        let genesis = acts.first().ok_or(LedgerError::Empty)?;
        let mut ledger = Self::over(log, Governance::found(genesis)?, incarnation);
        for (height, act) in acts.into_iter().enumerate() {
            if height > 0 {
                ledger.governance.apply(&act)?;
            }
            ledger.hold(&Item::Act(act), record::Origin::Unproven)?;
        }
        ledger.commit()?;
        Ok(ledger)
    }

    /// Opens what is there. `incarnation` is drawn anew at each start of a process.
    pub fn open(storage: S, incarnation: IncarnationId) -> Result<(Self, Recovery), LedgerError> {
        let (log, recovery) = record::open_log(storage)?;
        Ok((Self::rebuild(log, incarnation)?, recovery))
    }

    pub(crate) fn over(log: Log<S>, governance: Governance, incarnation: IncarnationId) -> Self {
        Self {
            log,
            governance,
            incarnation,
            next: 0,
            last: None,
            items: HashMap::new(),
            ids: HashMap::new(),
            vector: BTreeMap::new(),
            feeds: BTreeMap::new(),
            outbox: BTreeMap::new(),
            waiting: Vec::new(),
            last_of_seat: HashMap::new(),
            wrote: BTreeMap::new(),
            successors: HashMap::new(),
            digest: [0; 4],
            alarms: std::collections::BTreeSet::new(),
            head_at: None,
            hearsay: std::collections::VecDeque::new(),
            proofs: Vec::new(),
            unheard: Vec::new(),
            erasing: erasing::Erasing::default(),
            faults: Faults::default(),
        }
    }

    /// Makes everything written and received so far durable.
    pub fn commit(&mut self) -> Result<(), LedgerError> {
        self.log.sync().map_err(record::sync_error)
    }

    /// The organisation.
    pub fn org(&self) -> OrgId {
        self.governance.org()
    }

    /// Who may do what, as far as known here.
    pub fn governance(&self) -> &Governance {
        &self.governance
    }

    /// This run of the process.
    pub fn incarnation(&self) -> IncarnationId {
        self.incarnation
    }

    /// What a person should look into.
    pub fn alarms(&self) -> impl Iterator<Item = Alarm> {
        let mut alarms = self.alarms.clone();
        alarms.extend(self.proven_alarms());
        // Bodies that somebody took away without an act that says so.
        let waiting = self.waiting.iter().filter_map(|hash| self.items.get(hash));
        let bare = waiting.filter(|held| held.bare && !held.own && !held.withdrawn);
        alarms.extend(bare.map(|held| Alarm::Withheld { feed: held.feed }));
        alarms.into_iter()
    }

    /// Relay time of the newest head, in seconds since 1970.
    pub fn head_at(&self) -> Option<i64> {
        self.head_at
    }

    /// Gives the storage back, for a restart in the simulated world.
    pub fn into_storage(self) -> S {
        self.log.into_storage()
    }
}
