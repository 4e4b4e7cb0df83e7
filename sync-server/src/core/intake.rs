//! Frames of a connection, and which entries are taken.
//!
//! An entry is taken if it is new, [`sync_protocol::accept`] lets it stand (masked or not), it
//! follows the entries held of its incarnation, its pusher may read its feed, and, in feeds the
//! relay reads, its changes are safe and their parents are here. One that is refused is named in a
//! `Refused` frame and the connection goes on.

use entry_log::Storage;
use sync_protocol::{Acceptance, Entry, ErrorCode, FeedId, Frame, Item, MaskReason, accept};

use super::{
    ConnId, Credential, Organisation, StorageError, record,
    schedules::{self, Checked, Unfit},
};

/// What became of an entry.
enum Taken {
    /// It stands now, or stood before.
    Stands,
    /// Its author knows more of the governance chain than we do.
    Waits(Box<Entry>),
    Refused(Unfit),
}

fn refused(code: ErrorCode, detail: impl core::fmt::Display) -> Taken {
    Taken::Refused(Unfit::new(code, detail))
}

impl<S: Storage> Organisation<S> {
    pub(crate) fn frame(
        &mut self,
        now: i64,
        conn: ConnId,
        frame: Frame,
    ) -> Result<(), StorageError> {
        let Some(connection) = self.connections.get_mut(&conn) else {
            return Ok(());
        };
        match frame {
            Frame::Push { entries } => self.push(now, conn, &entries),
            Frame::Propose { act } => self.propose(now, conn, &act),
            Frame::Credit { items } => {
                connection.credit(items);
                Ok(())
            }
            Frame::Ping { n } => {
                self.still(now, conn, n);
                Ok(())
            }
            Frame::Subscribe { have } => self.subscribe(conn, &have),
            Frame::Pong { .. } => Ok(()),
            Frame::Bye | Frame::Error { .. } => {
                self.connections.remove(&conn);
                Ok(())
            }
            Frame::Challenge { .. }
            | Frame::Found { .. }
            | Frame::Founded
            | Frame::SignIn(_)
            | Frame::Join(_)
            | Frame::Welcome(_)
            | Frame::Items { .. }
            | Frame::Placed { .. }
            | Frame::Refused { .. }
            | Frame::Still(_)
            | Frame::Vector { .. } => {
                self.close(conn, ErrorCode::BadFrame, "not a frame for a relay");
                Ok(())
            }
        }
    }

    fn push(&mut self, now: i64, conn: ConnId, entries: &[Vec<u8>]) -> Result<(), StorageError> {
        for bytes in entries {
            match Entry::decode(bytes) {
                Ok(entry) => self.offered(now, conn, entry)?,
                Err(error) => {
                    let detail = error.to_string();
                    self.close(conn, error.into(), &detail);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn offered(&mut self, now: i64, conn: ConnId, entry: Entry) -> Result<(), StorageError> {
        let id = entry.id();
        let unfit = match self.take(now, conn, entry) {
            Ok(Taken::Stands) => return Ok(()),
            Ok(Taken::Waits(entry)) => {
                let (entries, bytes) = (self.limits.waiting_entries, self.limits.waiting_bytes);
                let Some(connection) = self.connections.get_mut(&conn) else {
                    return Ok(());
                };
                let size = entry.body().map_or(0, <[u8]>::len);
                if connection.waiting.len() < entries && connection.waiting_bytes + size <= bytes {
                    connection.waiting_bytes += size;
                    connection.waiting.push_back(*entry);
                    return Ok(());
                }
                Unfit::new(ErrorCode::StaleGovernance, "propose the acts it builds on")
            }
            Ok(Taken::Refused(unfit)) => unfit,
            Err(StorageError::DiskFull) => Unfit::new(ErrorCode::Quota, "the relay's disk is full"),
            Err(error) => return Err(error),
        };
        self.stats.refused += 1;
        let frame = Frame::refused_entry(id, unfit.code, &unfit.detail);
        self.send(conn, &frame);
        Ok(())
    }

    /// Looks once more at entries that waited for a governance act.
    pub(crate) fn retry_waiting(&mut self, now: i64) -> Result<(), StorageError> {
        let conns: Vec<ConnId> = self.connections.keys().copied().collect();
        for conn in conns {
            let Some(connection) = self.connections.get_mut(&conn) else {
                continue;
            };
            connection.waiting_bytes = 0;
            for entry in std::mem::take(&mut connection.waiting) {
                self.offered(now, conn, entry)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, now: i64, conn: ConnId, entry: Entry) -> Result<Taken, StorageError> {
        let Some(connection) = self.connections.get(&conn) else {
            return Ok(Taken::Stands);
        };
        let credential = connection.credential;
        let Credential::Device(device) = credential else {
            return Ok(refused(ErrorCode::NotAuthorised, "join first"));
        };
        let (id, feed) = (entry.id(), entry.header().feed);
        let hash = entry.hash();
        if let Some(place) = self.incarnations.get(id)
            && !self.planted.no_idempotence
        {
            return self.known(conn, &entry, place);
        }
        let mut mask = match accept(&entry, &self.governance) {
            Acceptance::Accept => None,
            Acceptance::Mask(reason) => Some(reason),
            Acceptance::Withhold(_) if self.planted.skip_verify => None,
            Acceptance::Withhold(reason) => return Ok(refused(reason.into(), reason)),
            Acceptance::Wait { .. } => return Ok(Taken::Waits(Box::new(entry))),
        };
        if self.planted.skip_verify {
            mask = None;
        }
        // Others may have built on what a removed seat wrote, and may bring it; itself it may not.
        if mask == Some(MaskReason::AfterRemoval) && entry.header().device == device {
            return Ok(refused(ErrorCode::Removed, MaskReason::AfterRemoval));
        }
        // What a seat wrote before it got another role is kept, also when it reads the feed no more.
        let own = entry.header().device == device;
        if !own && !self.may_read(credential, feed) {
            return Ok(refused(ErrorCode::UnknownFeed, "not a feed of this device"));
        }
        if let Some(unfit) = self.about_erased(&entry) {
            return Ok(Taken::Refused(unfit));
        }
        if let Some(before) = self.incarnations.before(id)
            && before != entry.header().prev
        {
            let detail = "it does not follow the entry before it";
            return Ok(refused(ErrorCode::BrokenChain, detail));
        }
        if let Some(unfit) = self.over_quota(feed) {
            return Ok(Taken::Refused(unfit));
        }
        if let Some(seen) = entry.header().seen
            && feed != FeedId::Governance
            && seen.epoch <= self.named.saturating_add(1 << 20)
        {
            self.named = self.named.max(seen.epoch);
        }
        let checked = match schedules::check(&entry) {
            Ok(checked) => checked,
            Err(unfit) => return Ok(Taken::Refused(unfit)),
        };
        if let Some(checked) = &checked
            && let Err(unfit) = self.merge(&entry, checked, mask.is_some())?
        {
            return Ok(Taken::Refused(unfit));
        }
        let item = Item::Entry(self.stripped(entry));
        let place = match self.stand(&item, &[], Some((conn, id))) {
            Ok(place) => place,
            Err(error) => {
                // The document is ahead of the log now.
                self.forget_merge(&item)?;
                return Err(error);
            }
        };
        debug_assert_eq!(hash, item.hash(), "an entry keeps its name");
        self.stats.accepted += 1;
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.remember(place);
        }
        if let Item::Entry(entry) = &item {
            self.schedules.shelve(entry, place);
            if let Some(checked @ Checked::Week { .. }) = &checked {
                self.settle(now, entry, place, &checked.keys())?;
            }
        }
        Ok(Taken::Stands)
    }

    /// The same entry again is told its place; another one in its place shows a copied device.
    fn known(&mut self, conn: ConnId, entry: &Entry, place: u32) -> Result<Taken, StorageError> {
        let held = record::entry_at(&self.log, place)?;
        if held.hash() != entry.hash() {
            self.stats.copies += 1;
            let detail = "another entry stands in this place of the incarnation";
            return Ok(refused(ErrorCode::DuplicateIncarnation, detail));
        }
        let id = held.header().feed;
        let sequence = self.feeds.get(&id).and_then(|feed| feed.sequence_of(place));
        let (Some(sequence), Some(connection)) = (sequence, self.connections.get_mut(&conn)) else {
            return Ok(Taken::Stands);
        };
        match connection.tails.get(&id) {
            // It comes with the tail, without its body.
            Some(tail) if tail.next <= sequence => connection.remember(place),
            Some(_) => {
                let again = self.again.entry((conn, id)).or_default();
                again.insert(sequence, entry.id());
            }
            None => {}
        }
        Ok(Taken::Stands)
    }

    fn over_quota(&self, feed: FeedId) -> Option<Unfit> {
        if self.limits.bytes > 0 && self.log.disk_bytes() >= self.limits.bytes {
            return Some(Unfit::new(ErrorCode::Quota, "the space is used up"));
        }
        if self.feeds.len() >= self.limits.feeds && !self.feeds.contains_key(&feed) {
            return Some(Unfit::new(ErrorCode::Quota, "too many sites"));
        }
        None
    }

    fn merge(
        &mut self,
        entry: &Entry,
        checked: &Checked,
        mask: bool,
    ) -> Result<Result<(), Unfit>, StorageError> {
        let log = &self.log;
        let read = |place| record::entry_at(log, place);
        let document = entry.header().document;
        self.schedules
            .receive(document, checked, mask, &read, self.planted)
    }

    fn forget_merge(&mut self, item: &Item) -> Result<(), StorageError> {
        let Item::Entry(entry) = item else {
            return Ok(());
        };
        match entry.header().feed {
            FeedId::Grid => self.reload_grid(),
            FeedId::Schedule(_) => {
                self.schedules.drop_week(entry.header().document);
                Ok(())
            }
            FeedId::Governance
            | FeedId::Keys
            | FeedId::Practice
            | FeedId::Visits(_)
            | FeedId::Contact
            | FeedId::Handling
            | FeedId::Clinical
            | FeedId::Grooming
            | FeedId::Payments => Ok(()),
        }
    }
}
