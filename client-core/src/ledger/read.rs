//! Reading: rebuilding from the log, and what the session and the book ask.

use std::{collections::BTreeMap, sync::Arc};

use entry_log::{Index, Log, Storage};
use sync_protocol::{
    Acceptance, DeviceId, Entry, FeedId, Governance, Hash, Have, IncarnationId, Item, SeatId,
    SignedAct, accept,
};

use super::{
    Arrival, Kind, Ledger, LedgerError, Place,
    record::{self, Kept, Origin},
};

impl<S: Storage> Ledger<S> {
    /// Rebuilds everything in memory from the log.
    pub(crate) fn rebuild(log: Log<S>, incarnation: IncarnationId) -> Result<Self, LedgerError> {
        let mut ledger: Option<Self> = None;
        let mut log = Some(log);
        let mut next = Index(0);
        loop {
            let held = match (&ledger, &log) {
                (Some(ledger), _) => &ledger.log,
                (None, Some(log)) => log,
                (None, None) => return Err(LedgerError::Empty),
            };
            if next.0 >= held.len() {
                break;
            }
            let kept = record::decode(held.get(next).map_err(record::read_error)?)?;
            match (&mut ledger, kept) {
                (Some(ledger), Kept::Item { item, origin }) => {
                    ledger.reload(next, &item, origin == Origin::Own)?;
                    if let (Item::Entry(entry), Origin::Proven) = (&item, origin) {
                        ledger.witness(entry, item.hash());
                    }
                }
                (Some(ledger), Kept::Placement(placement)) => {
                    ledger.replay_placement(&placement);
                    ledger.place(&placement)?;
                    ledger.weigh_again(placement.head.value().feed);
                }
                (Some(ledger), Kept::Proof(proof)) => ledger.accuse(proof),
                (
                    none,
                    Kept::Item {
                        item: Item::Act(genesis),
                        origin,
                    },
                ) => {
                    let log = log.take().ok_or(LedgerError::Empty)?;
                    let mut founded = Self::over(log, Governance::found(&genesis)?, incarnation);
                    founded.index(next, &Item::Act(genesis), origin == Origin::Own);
                    *none = Some(founded);
                }
                (None, _) => {
                    return Err(LedgerError::Damaged("the log has no genesis".to_owned()));
                }
            }
            next = Index(next.0 + 1);
        }
        let mut ledger = ledger.ok_or(LedgerError::Empty)?;
        // A new epoch that was still coming in: what it does not bring goes out again.
        let begun = ledger.feeds.values().filter(|feed| feed.epoch > 0);
        let heads: Vec<_> = begun
            .filter_map(|feed| feed.head.as_ref().map(|head| *head.value()))
            .collect();
        for head in heads {
            ledger.miss_items(head.feed, &head);
        }
        // The process may have ended between an erasure and what it takes away.
        ledger.purge_erased()?;
        ledger.note_strays()?;
        Ok(ledger)
    }

    fn reload(&mut self, index: Index, item: &Item, own: bool) -> Result<(), LedgerError> {
        if let Item::Act(act) = item {
            self.governance.apply(act)?;
        }
        self.index(index, item, own);
        Ok(())
    }

    /// Tells everything that is held, in log order, as if it arrived now. Positions are told with
    /// the entries.
    pub fn replay(
        &mut self,
        tell: &mut dyn FnMut(Arrival) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        self.waiting.clear();
        for number in 0..self.log.len() {
            let kept = record::decode(self.log.get(Index(number)).map_err(record::read_error)?)?;
            let Kept::Item { item, origin } = kept else {
                continue;
            };
            let hash = item.hash();
            match item {
                Item::Act(act) => tell(Arrival::Act(Arc::new(act)))?,
                Item::Confirmation(confirmation) => {
                    if let Some(place) = self.place_of(&hash).filter(|_| self.counts(&hash)) {
                        let confirmation = Arc::new(confirmation);
                        tell(Arrival::Confirmation {
                            confirmation,
                            place,
                        })?;
                    }
                }
                Item::Entry(entry) => {
                    if let Some(arrival) = self.judge(hash, Arc::new(entry), origin) {
                        tell(arrival)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// How far the given seats have written, by run: what a removal names.
    pub fn written_by(&self, seats: &[SeatId]) -> Vec<(IncarnationId, u64)> {
        let mut last: BTreeMap<IncarnationId, u64> = BTreeMap::new();
        for ((seat, run), written) in &self.wrote {
            if seats.contains(seat) {
                let known = last.entry(*run).or_insert(*written);
                *known = (*known).max(*written);
            }
        }
        last.into_iter().collect()
    }

    /// The item at a place of the log.
    pub(crate) fn item_at(&self, index: Index) -> Result<Item, LedgerError> {
        match record::decode(self.log.get(index).map_err(record::read_error)?)? {
            Kept::Item { item, .. } => Ok(item),
            Kept::Placement(_) | Kept::Proof(_) => {
                Err(LedgerError::Damaged("an index points astray".to_owned()))
            }
        }
    }

    /// The entry with this hash, if it is held.
    pub fn entry(&self, hash: &Hash) -> Result<Option<Arc<Entry>>, LedgerError> {
        let Some(held) = self.items.get(hash) else {
            return Ok(None);
        };
        match self.item_at(held.index)? {
            Item::Entry(entry) => Ok(Some(Arc::new(entry))),
            Item::Act(_) | Item::Confirmation(_) => Ok(None),
        }
    }

    /// All entries of a feed, in log order.
    pub fn entries_of(&self, feed: FeedId) -> Result<Vec<Entry>, LedgerError> {
        let held = self.items.values();
        let held = held.filter(|held| held.feed == feed && held.kind == Kind::Entry);
        let mut places: Vec<Index> = held.map(|held| held.index).collect();
        places.sort_unstable();
        let mut entries = Vec::with_capacity(places.len());
        for place in places {
            if let Item::Entry(entry) = self.item_at(place)? {
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    /// The position of an item, once a head covers it.
    pub fn place_of(&self, hash: &Hash) -> Option<Place> {
        self.items.get(hash).and_then(|held| held.place)
    }

    /// All frontiers, for signing in.
    pub fn have(&self) -> Vec<Have> {
        self.feeds.values().map(super::feed::Feed::have).collect()
    }

    /// Per incarnation how many entries are held without a gap, for meeting a neighbour.
    pub fn vector(&self) -> Vec<(IncarnationId, u64)> {
        self.vector.iter().map(|(id, next)| (*id, *next)).collect()
    }

    /// What lies before `next` of each incarnation the neighbour named is not sent; the rest, at
    /// most `limit` entries, is.
    pub fn beyond(
        &self,
        theirs: &[(IncarnationId, u64)],
        limit: usize,
    ) -> Result<Vec<Arc<Entry>>, LedgerError> {
        let known = |id: &IncarnationId| {
            theirs
                .iter()
                .find(|(theirs, _)| theirs == id)
                .map_or(0, |(_, next)| *next)
        };
        let mut missing: Vec<Index> = self
            .ids
            .iter()
            .filter(|((incarnation, sequence), _)| *sequence >= known(incarnation))
            .filter_map(|(_, hash)| self.items.get(hash).map(|held| held.index))
            .collect();
        missing.sort_unstable();
        missing.truncate(limit);
        let mut entries = Vec::with_capacity(missing.len());
        for index in missing {
            if let Item::Entry(entry) = self.item_at(index)? {
                entries.push(Arc::new(entry));
            }
        }
        Ok(entries)
    }

    /// Acts without a position, in order of height: to be proposed.
    pub fn unplaced_acts(&self) -> Result<Vec<SignedAct>, LedgerError> {
        let mut acts = Vec::new();
        // Along the chain, not through the outbox: that may hold a month of work.
        for height in 0..=self.governance.height() {
            let hash = self.governance.hash_at(height);
            let held = hash.and_then(|hash| self.items.get(&hash));
            if let Some(held) = held
                && self.outbox.contains_key(&held.index)
                && let Item::Act(act) = self.item_at(held.index)?
            {
                acts.push(act);
            }
        }
        Ok(acts)
    }

    /// Every act, from genesis on.
    pub fn acts(&self) -> Result<Vec<SignedAct>, LedgerError> {
        let mut acts: Vec<SignedAct> = Vec::new();
        for held in self.items.values().filter(|held| held.kind == Kind::Act) {
            if let Item::Act(act) = self.item_at(held.index)? {
                acts.push(act);
            }
        }
        acts.sort_by_key(|act| act.value().height);
        Ok(acts)
    }

    /// Entries without a position that come after `after` in the log, oldest first. What this
    /// replica itself would not apply is not sent either.
    pub fn outbox(
        &self,
        after: Option<Index>,
        limit: usize,
    ) -> Result<Vec<(Index, Arc<Entry>)>, LedgerError> {
        let from = after.map_or(Index(0), |index| Index(index.0 + 1));
        let mut entries = Vec::new();
        for (index, _) in self.outbox.range(from..) {
            if entries.len() >= limit {
                break;
            }
            if let Item::Entry(entry) = self.item_at(*index)?
                && !matches!(accept(&entry, &self.governance), Acceptance::Withhold(_))
            {
                entries.push((*index, Arc::new(entry)));
            }
        }
        Ok(entries)
    }

    /// How many entries up to this place of the log have no position yet.
    pub(crate) fn outbox_until(&self, last: Index) -> usize {
        self.outbox.range(..=last).count()
    }

    /// Whether this replica is as far as the head, or beyond.
    pub(crate) fn reached(&self, head: &sync_protocol::Head) -> bool {
        self.feeds
            .get(&head.feed)
            .is_some_and(|feed| (feed.epoch, feed.sequence) >= (head.epoch, head.sequence))
            || head.sequence == 0
    }

    /// How many places are held, of all feeds; a new epoch counts anew.
    pub(crate) fn places(&self) -> u64 {
        let feeds = self.feeds.values();
        feeds
            .map(|feed| feed.sequence + feed.pending.len() as u64)
            .sum()
    }

    /// Whether anything waits for a position that this device is told of. What it brought of a feed
    /// that none of its seats reads, or reads any more, stays in the outbox: the relay tells it
    /// nothing of that feed.
    pub fn awaits_places(&self, device: DeviceId) -> bool {
        self.outbox.values().any(|hash| {
            let held = self.items.get(hash);
            held.is_some_and(|held| self.governance.device_may_read(device, held.feed))
        })
    }

    /// Whether the relay takes an entry from this device: what a neighbour brought of a feed that
    /// nobody here reads, others bring.
    pub(crate) fn may_send(&self, entry: &Entry, device: DeviceId) -> bool {
        let header = entry.header();
        header.device == device || self.governance.device_may_read(device, header.feed)
    }

    /// How many items have no position yet.
    pub fn outbox_len(&self) -> usize {
        self.outbox.len()
    }

    /// A number that is equal on replicas that hold the same items, whatever their order.
    pub fn entries_hash(&self) -> Hash {
        let mut bytes = [0; 32];
        for (to, lane) in bytes.chunks_exact_mut(8).zip(self.digest) {
            to.copy_from_slice(&lane.to_be_bytes());
        }
        Hash::from_bytes(bytes)
    }
}
