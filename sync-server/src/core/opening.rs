//! Founding an organisation, and reading its log at a start.
//!
//! One pass over the log, in order, through the same index functions that a running relay uses.
//! No document is built: who has which slot stands in the records of confirmations and notes.

use std::collections::{BTreeMap, BTreeSet};

use conflict_rules::{AppointmentId, Decision, DecisionId, Placement, PlacementHash};
use entry_log::{Index, Log, Options, Recovery, Storage};
use sync_protocol::{
    Acceptance, DocumentId, Entry, FeedId, Governance, Item, OrgId, RefusalReason, SignedAct,
    SignedConfirmation, SigningKey, Verdict, accept,
};

use super::{
    Limits, OpenError, Organisation, StorageError,
    confirm::Confirmations,
    erasing::Erasing,
    feed::Feed,
    incarnations::Incarnations,
    organisation::Stats,
    planted::Planted,
    record::{self, Note, Stored},
    schedules::{self, Schedules},
};

/// Records read at once.
const PIECE: usize = 4096;

impl<S: Storage> Organisation<S> {
    /// Founds an organisation in an empty storage. It is durable when this returns.
    pub fn found(
        storage: S,
        relay_key: SigningKey,
        act: SignedAct,
        limits: Limits,
    ) -> Result<Self, OpenError> {
        let (log, recovery) = Log::open(storage, Options::default())?;
        if let Recovery::Damaged(damage) = recovery {
            return Err(OpenError::Damaged(damage));
        }
        if !log.is_empty() {
            return Err(OpenError::NotEmpty);
        }
        let governance = Governance::found(&act)?;
        let mut organisation = Self::over(log, relay_key, governance, limits)?;
        organisation.stand(&Item::Act(act), &[], None)?;
        organisation.log.sync().map_err(StorageError::from)?;
        organisation.rest();
        Ok(organisation)
    }

    /// Opens what was founded here, and was it cleanly closed. `org`: refuse any other.
    pub fn open(
        storage: S,
        relay_key: SigningKey,
        org: Option<OrgId>,
        limits: Limits,
    ) -> Result<(Self, Recovery), OpenError> {
        let (log, recovery) = Log::open(storage, Options::default())?;
        if let Recovery::Damaged(damage) = recovery {
            return Err(OpenError::Damaged(damage));
        }
        if log.is_empty() {
            return Err(OpenError::Empty);
        }
        let first = log.get(Index(0)).map_err(StorageError::from)?;
        let genesis = match record::decode(&first.head, first.body) {
            Ok(Stored::Item {
                item: Item::Act(act),
                ..
            }) => act,
            Ok(_) => {
                let what = "the log does not begin with a genesis";
                return Err(StorageError::Inconsistent(what).into());
            }
            Err(source) => return Err(StorageError::Record { at: 0, source }.into()),
        };
        let governance = Governance::found(&genesis)?;
        if let Some(asked) = org
            && asked != governance.org()
        {
            return Err(OpenError::OtherOrganisation(governance.org()));
        }
        let mut organisation = Self::over(log, relay_key, governance, limits)?;
        organisation.replay()?;
        // Whole records behind the last promise were kept: promised now, before anybody is told.
        organisation.log.sync().map_err(StorageError::from)?;
        // The process may have ended between an erasure and what it takes away. Where there is no
        // room for it, nobody is told anything before there is.
        match organisation.purge_due() {
            Ok(()) | Err(StorageError::DiskFull) => {}
            Err(error) => return Err(error.into()),
        }
        organisation.rest();
        Ok((organisation, recovery))
    }

    fn over(
        log: Log<S>,
        key: SigningKey,
        governance: Governance,
        limits: Limits,
    ) -> Result<Self, StorageError> {
        let schedules = Schedules::new(governance.org(), limits.hot_weeks)?;
        Ok(Self {
            log,
            key,
            limits,
            governance,
            feeds: BTreeMap::new(),
            incarnations: Incarnations::default(),
            schedules,
            confirmations: Confirmations::default(),
            unsettled: BTreeSet::new(),
            recheck: false,
            unreviewed: BTreeSet::new(),
            named: super::FIRST_EPOCH,
            connections: BTreeMap::new(),
            touched: BTreeSet::new(),
            guests: Vec::new(),
            again: BTreeMap::new(),
            out: Vec::new(),
            failed: false,
            stats: Stats::default(),
            erasing: Erasing::default(),
            planted: Planted::default(),
        })
    }

    /// All that is there is durable and nobody is waiting.
    fn rest(&mut self) {
        self.touched.clear();
        for feed in self.feeds.values_mut() {
            feed.settle();
        }
    }

    fn replay(&mut self) -> Result<(), OpenError> {
        let mut last_schedule = None;
        let mut next = 0;
        while next < self.log.len() {
            // By pieces, since reading in order is far cheaper than one by one.
            let piece: Result<Vec<_>, _> = self.log.scan(Index(next)).take(PIECE).collect();
            for (Index(number), record) in piece.map_err(StorageError::from)? {
                next = number + 1;
                let stored = record::decode(&record.head, record.body)
                    .map_err(|source| StorageError::Record { at: number, source })?;
                if self.replay_record(number, stored)? {
                    last_schedule = u32::try_from(number).ok();
                }
            }
        }
        // The process may have ended between an entry and its answers.
        self.unsettled.extend(last_schedule);
        self.recheck = true;
        self.reload_grid()?;
        Ok(())
    }

    /// Whether it is an entry that asks for answers.
    fn replay_record(&mut self, number: u64, stored: Stored) -> Result<bool, OpenError> {
        let place =
            u32::try_from(number).map_err(|_| StorageError::Inconsistent("too many records"))?;
        let (item, aside) = match stored {
            Stored::Note(note) => {
                self.replay_note(note)?;
                return Ok(false);
            }
            Stored::Item { item, aside } => (item, aside),
        };
        self.enter(place, &item);
        match &item {
            Item::Act(act) => {
                if number > 0 {
                    self.governance.apply(act)?;
                }
                self.note_erasure(&act.value().what);
                let narrowed: Vec<_> = self.governance.narrowed_at(act.value().height).collect();
                for seat in narrowed {
                    self.mask_narrowed(seat, act.value().height)?;
                }
                Ok(false)
            }
            Item::Entry(entry) => Ok(self.replay_entry(entry, place)),
            Item::Confirmation(confirmation) => {
                self.replay_confirmation(confirmation, &aside)?;
                Ok(false)
            }
        }
    }

    /// Whether it is one that asks for answers.
    fn replay_entry(&mut self, entry: &Entry, place: u32) -> bool {
        let header = entry.header();
        if let Some(seen) = header.seen {
            self.named = self.named.max(seen.epoch);
        }
        if !matches!(header.feed, FeedId::Schedule(_) | FeedId::Grid) {
            return false;
        }
        self.schedules.shelve(entry, place);
        // The signature was checked when it was taken; here only the rights matter.
        let masked = self
            .governance
            .seat(header.seat)
            .is_none_or(|seat| seat.removed().is_some())
            || self
                .governance
                .role_at(header.seat, header.governance.0)
                .is_none_or(|role| {
                    let height = header.governance.0;
                    !self.governance.may_write_at(height, role, header.feed)
                });
        if masked
            && matches!(accept(entry, &self.governance), Acceptance::Mask(_))
            && let Ok(Some(checked)) = schedules::check(entry)
        {
            self.schedules.mask(header.document, &checked);
        }
        let schedule = matches!(header.feed, FeedId::Schedule(_));
        if schedule && self.is_paused() {
            self.unsettled.insert(place);
        }
        schedule
    }

    fn replay_confirmation(
        &mut self,
        confirmation: &SignedConfirmation,
        aside: &[u8],
    ) -> Result<(), StorageError> {
        let value = confirmation.value();
        let claim = AppointmentId::from_bytes(value.claim);
        let broken = || StorageError::Inconsistent("a confirmation without its document");
        let (home, placement) = aside.split_first_chunk::<16>().ok_or_else(broken)?;
        let home = DocumentId::from_bytes(*home);
        match value.verdict {
            Verdict::Granted => {
                let placement = Placement::from_bytes(placement).map_err(|_| broken())?;
                self.confirmations.grant(claim, home, &placement);
            }
            Verdict::Refused(RefusalReason::Taken { by, .. }) => {
                let by = AppointmentId::from_bytes(by);
                let hash = PlacementHash(value.placement.to_bytes());
                self.confirmations
                    .refuse(claim, home, hash, by, value.request);
            }
            Verdict::Refused(
                RefusalReason::UnknownParents
                | RefusalReason::NotAuthorised
                | RefusalReason::Stale
                | RefusalReason::Paused,
            ) => {}
        }
        Ok(())
    }

    fn replay_note(&mut self, note: Note) -> Result<(), StorageError> {
        match note {
            Note::Epoch { feed, epoch } => {
                self.named = self.named.max(epoch);
                let org = self.org();
                let log = &self.log;
                let hash_at = |place| Ok(record::item_at(log, place)?.hash());
                let feed = self
                    .feeds
                    .entry(feed)
                    .or_insert_with(|| Feed::new(org, feed));
                feed.begin(epoch, &hash_at)?;
            }
            Note::Forget { claim, placement } => {
                let claim = AppointmentId::from_bytes(claim);
                let placement = PlacementHash(placement.to_bytes());
                self.confirmations.forget(claim, placement);
            }
            Note::Decided { document, decision } => {
                let decision = Decision::from_bytes(&decision)
                    .map_err(|_| StorageError::Inconsistent("a decision without form"))?;
                self.confirmations.decide(document, decision);
            }
            Note::Undecided { decision } => {
                self.confirmations
                    .undecide(DecisionId::from_bytes(decision));
            }
            Note::Behind {
                claim,
                placement,
                holder,
            } => {
                let claim = AppointmentId::from_bytes(claim);
                let hash = PlacementHash(placement.to_bytes());
                let holder = AppointmentId::from_bytes(holder);
                self.confirmations.wait_for(claim, hash, holder);
            }
        }
        Ok(())
    }

    /// Begins the grid anew from the log.
    pub(crate) fn reload_grid(&mut self) -> Result<(), StorageError> {
        let Some(feed) = self.feeds.get(&FeedId::Grid) else {
            return Ok(());
        };
        let places: Vec<u32> = (1..=feed.len()).filter_map(|at| feed.place(at)).collect();
        let log = &self.log;
        let read = |place| record::entry_at(log, place);
        self.schedules.reset_grid(&places, &read)
    }
}
