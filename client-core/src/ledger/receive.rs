//! Receiving: items at their positions from the relay, entries without one from a neighbour.

use std::sync::Arc;

use entry_log::Storage;
use sync_protocol::{
    Acceptance, Entry, FeedId, Hash, Head, IncarnationId, Item, SignedHead, What, accept,
    accept_known, chain_start,
};

use super::{
    Alarm, Arrival, Held, Kind, Ledger, LedgerError, Place,
    feed::Feed,
    record::{self, Origin, Placement},
    witness::Fault,
};

const FIRST: IncarnationId = IncarnationId::from_bytes([0; 16]);
const LAST: IncarnationId = IncarnationId::from_bytes([0xff; 16]);

/// Who gives an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Relay,
    Neighbour,
}

impl<S: Storage> Ledger<S> {
    /// Takes items `first..` of a feed, as the relay sent them. Their positions count from the
    /// first head on that covers them.
    pub fn receive_items(
        &mut self,
        feed: FeedId,
        epoch: u32,
        first: u64,
        items: Vec<Item>,
        head: Option<SignedHead>,
    ) -> Result<Vec<Arrival>, LedgerError> {
        if items
            .iter()
            .any(|item| item.feed() != feed || item.org() != self.org())
        {
            return Err(LedgerError::Malformed);
        }
        // Acts prove themselves, and one of them may say whose heads count.
        let acts = feed == FeedId::Governance;
        if !acts {
            self.check_head(feed, epoch, head.as_ref())?;
        }
        let known = self.line_up(feed, epoch, first)?;
        if !self.are_the_same(feed, first, items.get(..known).unwrap_or(&items)) {
            let last = first.saturating_add(known as u64).saturating_sub(1);
            let ours = self.chain_of(feed);
            self.wrong_head(Fault::Fork, ours, head, (feed, epoch, last))?;
            return Err(LedgerError::BadHead { feed });
        }
        let mut arrivals = Vec::new();
        for item in items.into_iter().skip(known) {
            let hash = item.hash();
            arrivals.extend(self.take(item, Source::Relay)?);
            if let Some(feed) = self.feeds.get_mut(&feed) {
                feed.pending.push(hash);
            }
        }
        let head = match self.check_head(feed, epoch, head.as_ref()) {
            Ok(()) => head,
            // News all the same, only without a position: a later head may bring it.
            Err(_) if acts && !arrivals.is_empty() => None,
            Err(error) => return Err(error),
        };
        match self.cover(feed, head) {
            Ok(placed) => arrivals.extend(placed),
            Err(error) => {
                // They are held, whatever is wrong with their places.
                self.unheard.append(&mut arrivals);
                return Err(error);
            }
        }
        Ok(arrivals)
    }

    /// What came with a head that does not hold, and was told nobody yet.
    pub(crate) fn take_unheard(&mut self) -> Vec<Arrival> {
        std::mem::take(&mut self.unheard)
    }

    /// Takes the positions of entries that are held already.
    pub fn receive_placed(
        &mut self,
        feed: FeedId,
        epoch: u32,
        first: u64,
        entries: &[(IncarnationId, u64)],
        head: SignedHead,
    ) -> Result<Vec<Arrival>, LedgerError> {
        self.check_head(feed, epoch, Some(&head))?;
        let known = self.line_up(feed, epoch, first)?;
        let hashes: Option<Vec<Hash>> = entries
            .iter()
            .skip(known)
            .map(|id| self.ids.get(id).copied())
            .collect();
        let hashes = hashes.ok_or(LedgerError::Gap { feed, first })?;
        if let Some(feed) = self.feeds.get_mut(&feed) {
            feed.pending.extend(hashes);
        }
        self.cover(feed, Some(head))
    }

    /// Takes entries without positions, from a neighbour.
    pub fn receive_entries(&mut self, entries: Vec<Entry>) -> Result<Vec<Arrival>, LedgerError> {
        let mut arrivals = Vec::new();
        for entry in entries {
            if entry.header().org != self.org() {
                return Err(LedgerError::Malformed);
            }
            // A neighbour's word proves nothing: what would be withheld is not kept at all, nor
            // what came without a body that nothing here says it must have lost.
            let header = entry.header();
            let bare = entry.body().is_none() && self.governance.must_purge(header).is_none();
            let withheld = matches!(accept(&entry, &self.governance), Acceptance::Withhold(_));
            if !bare && !withheld {
                arrivals.extend(self.take(Item::Entry(entry), Source::Neighbour)?);
            }
        }
        Ok(arrivals)
    }

    /// The relay lost what it had of this feed: everything held of it goes out again.
    pub fn feed_lost(&mut self, feed: FeedId) {
        self.alarms.insert(Alarm::RelayRolledBack { feed });
        for (hash, held) in &self.items {
            // Confirmations are the relay's own to give again.
            let sent = held.kind != Kind::Confirmation && !held.withdrawn;
            if held.feed == feed && feed != FeedId::Governance && sent {
                self.outbox.insert(held.index, *hash);
            }
        }
    }

    /// The relay's governance chain ends at `head`, before ours: the acts beyond it are to be
    /// proposed again. This feed knows no epochs, so its frontier goes back.
    pub fn governance_lost(&mut self, head: Option<&Head>) -> Result<(), LedgerError> {
        let id = FeedId::Governance;
        self.alarms.insert(Alarm::RelayRolledBack { feed: id });
        let acts = self.acts()?;
        let org = self.org();
        let feed = self
            .feeds
            .entry(id)
            .or_insert_with(|| Feed::new(org, id, 0));
        feed.pending.clear();
        feed.sequence = head.map_or(0, |head| head.sequence);
        feed.chain = head.map_or_else(|| chain_start(org, id, feed.epoch), |head| head.chain);
        for act in acts
            .iter()
            .filter(|act| u64::from(act.value().height) >= feed.sequence)
        {
            let hash = act.hash();
            if let Some(held) = self.items.get(&hash) {
                self.outbox.insert(held.index, hash);
            }
        }
        Ok(())
    }

    /// Forgets what came without a head, as at the end of a connection.
    pub fn drop_unproven(&mut self) {
        for feed in self.feeds.values_mut() {
            feed.pending.clear();
        }
    }

    fn check_head(
        &self,
        feed: FeedId,
        epoch: u32,
        head: Option<&SignedHead>,
    ) -> Result<(), LedgerError> {
        let Some(signed) = head else { return Ok(()) };
        let head = signed.value();
        let ours = head.org == self.org() && head.feed == feed && head.epoch == epoch;
        if ours && self.governance.relay_signed(signed) {
            Ok(())
        } else {
            Err(LedgerError::BadHead { feed })
        }
    }

    /// How many of the items from `first` on are known already; opens a new epoch if it begins.
    fn line_up(&mut self, id: FeedId, epoch: u32, first: u64) -> Result<usize, LedgerError> {
        let org = self.org();
        let feed = self
            .feeds
            .entry(id)
            .or_insert_with(|| Feed::new(org, id, epoch));
        if epoch > feed.epoch && first == 1 {
            *feed = Feed::new(org, id, epoch);
        }
        if epoch != feed.epoch {
            return Err(LedgerError::Gap { feed: id, first });
        }
        let known = feed
            .next()
            .checked_sub(first)
            .ok_or(LedgerError::Gap { feed: id, first })?;
        usize::try_from(known).map_err(|_| LedgerError::Gap { feed: id, first })
    }

    /// Holds an item if it is new.
    fn take(&mut self, item: Item, source: Source) -> Result<Vec<Arrival>, LedgerError> {
        let hash = item.hash();
        let known = self.items.get(&hash).copied();
        // A body that came at last is taken, unless it had to go. So is one that was withdrawn here,
        // if the relay has it all the same: it tells an owner what else is to be erased.
        let fills = |entry: &Entry| {
            entry.body().is_some() && self.governance.must_purge(entry.header()).is_none()
        };
        let got_through = |held: Held| held.withdrawn && source == Source::Relay;
        let filled = known
            .is_some_and(|held| held.bare && (self.waiting.contains(&hash) || got_through(held)))
            && matches!(&item, Item::Entry(entry) if fills(entry));
        if known.is_some() && !filled {
            return Ok(Vec::new());
        }
        if known.is_some_and(|held| held.withdrawn) {
            self.count(&hash);
        }
        match item {
            Item::Entry(entry) => {
                let entry = self.stripped(entry);
                self.waiting.retain(|waits| *waits != hash);
                let verdict = accept(&entry, &self.governance);
                let origin = match verdict {
                    Acceptance::Accept | Acceptance::Mask(_) => Origin::Proven,
                    Acceptance::Withhold(_) | Acceptance::Wait { .. } => Origin::Unproven,
                };
                let item = Item::Entry(entry);
                self.hold(&item, origin)?;
                let Item::Entry(entry) = item else {
                    return Ok(Vec::new());
                };
                if origin == Origin::Proven {
                    self.witness(&entry, hash);
                }
                let told = self.told(hash, Arc::new(entry), false, verdict);
                Ok(told.into_iter().collect())
            }
            Item::Confirmation(confirmation) => {
                let feed = confirmation.value().feed;
                if !self.governance.relay_signed(&confirmation) {
                    return Err(LedgerError::BadHead { feed });
                }
                self.hold(&Item::Confirmation(confirmation), Origin::Unproven)?;
                Ok(Vec::new())
            }
            Item::Act(act) => {
                let restored = self.governance.restored_epoch();
                if let Err(error) = self.governance.apply(&act) {
                    self.alarms.insert(Alarm::FalseChain);
                    return Err(error.into());
                }
                self.hold(&Item::Act(act.clone()), Origin::Unproven)?;
                if matches!(act.value().what, What::Erasure(_)) {
                    self.purge_erased()?;
                }
                let height = act.value().height;
                let mut arrivals = vec![Arrival::Act(Arc::new(act))];
                arrivals.extend(self.judge_narrowed(height)?);
                arrivals.extend(self.judge_waiting()?);
                if self.governance.restored_epoch() > restored {
                    // An owner has looked into it: what was lost until now is told no more.
                    self.alarms
                        .retain(|alarm| !matches!(alarm, Alarm::RelayRolledBack { .. }));
                    arrivals.extend(self.counted_now(restored)?);
                }
                Ok(arrivals)
            }
        }
    }

    /// What is told of an entry of the log. Its signature counts as good where it was good before.
    pub(crate) fn judge(
        &mut self,
        hash: Hash,
        entry: Arc<Entry>,
        origin: Origin,
    ) -> Option<Arrival> {
        let verdict = match origin {
            Origin::Own | Origin::Proven => accept_known(&entry, &self.governance),
            Origin::Unproven => accept(&entry, &self.governance),
        };
        self.told(hash, entry, origin == Origin::Own, verdict)
    }

    fn told(
        &mut self,
        hash: Hash,
        entry: Arc<Entry>,
        own: bool,
        verdict: Acceptance,
    ) -> Option<Arrival> {
        let place = self.items.get(&hash).and_then(|held| held.place);
        if matches!(verdict, Acceptance::Accept | Acceptance::Mask(_)) {
            self.note_written(&entry);
        }
        match verdict {
            Acceptance::Accept => Some(Arrival::Entry {
                entry,
                mask: None,
                place,
                own,
            }),
            Acceptance::Mask(mask) => Some(Arrival::Entry {
                entry,
                mask: Some(mask),
                place,
                own,
            }),
            Acceptance::Withhold(reason) => {
                self.alarms.insert(Alarm::Withheld {
                    feed: entry.header().feed,
                });
                Some(Arrival::Withheld {
                    entry: hash,
                    reason,
                })
            }
            Acceptance::Wait { .. } => {
                self.waiting.push(hash);
                None
            }
        }
    }

    /// Tells once more, as looked through, what an act took away: what a seat wrote beyond what its
    /// removal, or its change of role, leaves as it was.
    pub(crate) fn judge_narrowed(&mut self, height: u32) -> Result<Vec<Arrival>, LedgerError> {
        let mut late = Vec::new();
        if self.faults.keep_late_work {
            return Ok(Vec::new());
        }
        for seat in self.governance.narrowed_at(height) {
            let state = self.governance.seat(seat);
            let runs = self.wrote.range((seat, FIRST)..=(seat, LAST));
            for ((_, run), written) in runs {
                let stands = state.and_then(|state| state.left_by(height, *run));
                if stands.is_none_or(|last| last < *written) {
                    late.push((seat, *run, stands));
                }
            }
        }
        let mut found = Vec::new();
        for (seat, run, stands) in late {
            let ids = self.ids.iter();
            let beyond = ids.filter(|((incarnation, sequence), _)| {
                *incarnation == run && stands.is_none_or(|last| *sequence > last)
            });
            let held = beyond.filter_map(|(_, hash)| Some((self.items.get(hash)?.index, *hash)));
            found.extend(held.map(|(index, hash)| (index, hash, seat)));
        }
        found.sort_unstable_by_key(|(index, ..)| *index);
        let mut arrivals = Vec::new();
        for (_, hash, seat) in found {
            if let Some(entry) = self.entry(&hash)?
                && entry.header().seat == seat
                && matches!(accept_known(&entry, &self.governance), Acceptance::Mask(_))
            {
                let own = self.items.get(&hash).is_some_and(|held| held.own);
                let origin = if own { Origin::Own } else { Origin::Unproven };
                arrivals.extend(self.judge(hash, entry, origin));
            }
        }
        Ok(arrivals)
    }

    /// Remembers how far a seat has written; its signature was checked.
    pub(crate) fn note_written(&mut self, entry: &Entry) {
        let header = entry.header();
        let written = self
            .wrote
            .entry((header.seat, header.incarnation))
            .or_insert(header.sequence);
        *written = header.sequence.max(*written);
    }

    pub(crate) fn judge_waiting(&mut self) -> Result<Vec<Arrival>, LedgerError> {
        let mut arrivals = Vec::new();
        for hash in std::mem::take(&mut self.waiting) {
            if let Some(entry) = self.entry(&hash)? {
                let own = self.items.get(&hash).is_some_and(|held| held.own);
                let origin = if own { Origin::Own } else { Origin::Unproven };
                arrivals.extend(self.judge(hash, entry, origin));
            }
        }
        Ok(arrivals)
    }

    /// Appends an item to the log and the indexes.
    pub(crate) fn hold(&mut self, item: &Item, origin: Origin) -> Result<(), LedgerError> {
        let head = record::item_head(item, origin);
        let bare = matches!(item, Item::Entry(entry) if entry.body().is_none());
        let index = if bare {
            self.log.append_purged(&head)
        } else {
            self.log.append(&head, item.body().unwrap_or_default())
        };
        let index = index.map_err(record::append_error)?;
        self.index(index, item, origin == Origin::Own);
        Ok(())
    }

    /// Enters an item of the log into the indexes.
    pub(crate) fn index(&mut self, index: entry_log::Index, item: &Item, own: bool) {
        let hash = item.hash();
        let kind = match item {
            Item::Entry(_) => Kind::Entry,
            Item::Confirmation(_) => Kind::Confirmation,
            Item::Act(_) => Kind::Act,
        };
        let bare = matches!(item, Item::Entry(entry) if entry.body().is_none());
        // Known already where its body came late.
        let known = self.items.get(&hash).copied();
        if let Some(known) = known {
            self.outbox.remove(&known.index);
        }
        self.items.insert(
            hash,
            Held {
                index,
                feed: item.feed(),
                place: known.and_then(|known| known.place),
                first: known.and_then(|known| known.first),
                own: own || known.is_some_and(|known| known.own),
                bare,
                withdrawn: false,
                kind,
            },
        );
        if let Item::Entry(entry) = item {
            self.erasing.note(index, hash, entry);
        }
        if known.is_some() {
            if known.is_some_and(|known| known.place.is_none()) {
                self.outbox.insert(index, hash);
            }
            return;
        }
        // Confirmations come from the relay only; acts are proposed, not pushed.
        if kind != Kind::Confirmation {
            self.outbox.insert(index, hash);
        }
        self.count(&hash);
        if let Item::Entry(entry) = item {
            self.index_entry(hash, entry);
        }
    }

    /// Counts an item in what this replica holds, or out of it.
    pub(super) fn count(&mut self, hash: &Hash) {
        for (sum, lane) in self.digest.iter_mut().zip(hash.as_bytes().chunks_exact(8)) {
            *sum ^= lane
                .iter()
                .fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
        }
    }

    fn index_entry(&mut self, hash: Hash, entry: &Entry) {
        let header = entry.header();
        let (incarnation, sequence) = entry.id();
        self.ids.insert((incarnation, sequence), hash);
        let next = self.vector.entry(incarnation).or_insert(0);
        while self.ids.contains_key(&(incarnation, *next)) {
            *next += 1;
        }
        self.last_of_seat.insert(header.seat, hash);
        // Two entries of a seat that follow on one: two machines go on from the same disk.
        let successor = self
            .successors
            .entry((header.seat, header.prev))
            .or_insert(hash);
        if *successor != hash {
            self.alarms
                .insert(Alarm::DeviceCopied { seat: header.seat });
        }
    }

    /// Gives positions to what the head covers.
    fn cover(&mut self, id: FeedId, head: Option<SignedHead>) -> Result<Vec<Arrival>, LedgerError> {
        let Some(signed) = head else {
            return Ok(Vec::new());
        };
        let head = *signed.value();
        let Some(feed) = self.feeds.get_mut(&id) else {
            return Ok(Vec::new());
        };
        if head.sequence <= feed.sequence {
            // Old, unless it says something else about a place that is known.
            let known = feed.trail.at(head.sequence);
            if let Some(ours) = known.filter(|ours| *ours != head.chain) {
                let place = (id, head.epoch, head.sequence);
                self.wrong_head(Fault::Fork, ours, Some(signed), place)?;
                return Err(LedgerError::BadHead { feed: id });
            }
            return Ok(Vec::new());
        }
        if head.sequence >= feed.next() {
            // Of items that are still to come: the last frame of the run brings it again.
            return Ok(Vec::new());
        }
        let ours = feed.chain_at(head.sequence).unwrap_or(feed.chain);
        if ours != head.chain {
            feed.pending.clear();
            let place = (id, head.epoch, head.sequence);
            self.wrong_head(Fault::WrongChain, ours, Some(signed), place)?;
            return Err(LedgerError::BadHead { feed: id });
        }
        let first = feed.sequence + 1;
        let items = feed.prove(head.sequence, head.chain, signed.clone());
        let whole = !feed.whole && feed.pending.is_empty();
        feed.whole |= whole;
        let placement = Placement {
            first,
            items,
            head: signed,
        };
        self.log
            .append(&record::placement_head(&placement), &[])
            .map_err(record::append_error)?;
        let arrivals = self.place(&placement)?;
        self.weigh_again(id);
        if whole {
            self.miss_items(id, &head);
        }
        Ok(arrivals)
    }

    fn chain_of(&self, feed: FeedId) -> Hash {
        self.feeds
            .get(&feed)
            .map_or(Hash::ZERO, |known| known.chain)
    }

    /// Whether a confirmation counts: it was given before the relay lost anything, or an owner has
    /// agreed since.
    pub(crate) fn counts(&self, confirmation: &Hash) -> bool {
        let held = self.items.get(confirmation);
        let first = held.and_then(|held| held.first);
        first.is_none_or(|epoch| epoch <= self.governance.restored_epoch())
    }

    /// What the relay confirmed while it was not to, told once an owner has agreed.
    fn counted_now(&mut self, before: u32) -> Result<Vec<Arrival>, LedgerError> {
        let now = self.governance.restored_epoch();
        let mut held: Vec<(Place, entry_log::Index)> = Vec::new();
        for item in self.items.values() {
            let waits = item
                .first
                .is_some_and(|first| first > before && first <= now);
            if let (Kind::Confirmation, true, Some(place)) = (item.kind, waits, item.place) {
                held.push((place, item.index));
            }
        }
        held.sort_unstable();
        let mut arrivals = Vec::new();
        for (place, index) in held {
            if let Item::Confirmation(confirmation) = self.item_at(index)? {
                let confirmation = Arc::new(confirmation);
                arrivals.push(Arrival::Confirmation {
                    confirmation,
                    place,
                });
            }
        }
        Ok(arrivals)
    }

    /// Enters positions into the indexes.
    pub(crate) fn place(&mut self, placement: &Placement) -> Result<Vec<Arrival>, LedgerError> {
        let head = placement.head.value();
        self.head_at = self.head_at.max(Some(head.at));
        let mut arrivals = Vec::new();
        for (hash, sequence) in placement.items.iter().zip(placement.first..) {
            let place = Place {
                epoch: head.epoch,
                sequence,
            };
            let Some(held) = self.items.get_mut(hash) else {
                continue;
            };
            self.outbox.remove(&held.index);
            // A later epoch lays out the whole feed anew: its positions count from then on.
            if held.place.is_some_and(|known| known.epoch >= place.epoch) {
                continue;
            }
            // It was on its way when it was withdrawn: others hold it.
            let back = std::mem::take(&mut held.withdrawn);
            held.place = Some(place);
            let first = *held.first.get_or_insert(place.epoch);
            let (kind, index, feed) = (held.kind, held.index, held.feed);
            if back {
                self.count(hash);
                self.note_stray(*hash)?;
            }
            let approved = first <= self.governance.restored_epoch();
            match kind {
                Kind::Entry => arrivals.push(Arrival::Placed {
                    entry: *hash,
                    feed,
                    place,
                }),
                // Confirmations are told once they have their position.
                Kind::Confirmation => {
                    if approved && let Item::Confirmation(confirmation) = self.item_at(index)? {
                        let confirmation = Arc::new(confirmation);
                        arrivals.push(Arrival::Confirmation {
                            confirmation,
                            place,
                        });
                    }
                }
                Kind::Act => {}
            }
        }
        Ok(arrivals)
    }

    /// Rebuilds a feed's frontier from a placement of the log.
    pub(crate) fn replay_placement(&mut self, placement: &Placement) {
        let org = self.org();
        let head = *placement.head.value();
        let feed = self
            .feeds
            .entry(head.feed)
            .or_insert_with(|| Feed::new(org, head.feed, head.epoch));
        if head.epoch > feed.epoch {
            *feed = Feed::new(org, head.feed, head.epoch);
        }
        feed.whole = true;
        if placement.first == 1 {
            feed.chain = chain_start(org, head.feed, head.epoch);
        }
        feed.pending.clone_from(&placement.items);
        feed.sequence = placement.first.saturating_sub(1);
        feed.prove(head.sequence, head.chain, placement.head.clone());
        feed.pending.clear();
    }
}
