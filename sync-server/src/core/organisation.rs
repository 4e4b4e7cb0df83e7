//! The one actor of an organisation: inputs in, effects out after a sync.
//!
//! ```text
//! handle, handle, handle ...      appends to the log, keeps effects back
//! commit                          one sync, one signed head per touched feed, then all effects
//! more                            the next part of a tail for a connection that has room
//! ```
//!
//! Start with [`Organisation::found`] or [`Organisation::open`].

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use entry_log::{Log, Storage};
use jiff::Timestamp;
use sync_protocol::{
    DocumentId, ErrorCode, FeedId, Frame, Governance, Hash, IncarnationId, Item, OrgId, SigningKey,
};

use super::{
    Admission, ConnId, Limits, StorageError,
    confirm::Confirmations,
    connection::Connection,
    erasing::Erasing,
    feed::{Feed, Fresh},
    incarnations::Incarnations,
    planted::Planted,
    record::{self, Note},
    schedules::Schedules,
};

/// What an organisation is told.
#[allow(clippy::large_enum_variant, reason = "one at a time, and moved once")]
#[derive(Debug)]
pub enum Input {
    /// Somebody came through the door.
    Opened {
        /// The connection from now on.
        conn: ConnId,
        /// Who.
        admission: Admission,
    },
    /// A frame of a connection.
    Frame {
        /// Which connection.
        conn: ConnId,
        /// What it says.
        frame: Frame,
    },
    /// A connection is gone.
    Closed {
        /// Which.
        conn: ConnId,
    },
}

/// What the shell is to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send this frame.
    Send {
        /// To whom.
        conn: ConnId,
        /// The encoded frame, shared by all its receivers.
        bytes: Arc<[u8]>,
    },
    /// Send an `Error` frame with this and close. The connection is forgotten already: no
    /// [`Input::Closed`] is needed, and one does no harm.
    Close {
        /// Whom.
        conn: ConnId,
        /// Why.
        code: ErrorCode,
        /// For a log.
        detail: String,
    },
}

/// Numbers for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Records in the log.
    pub records: u64,
    /// Bytes of the log on disk.
    pub bytes: u64,
    /// Connections.
    pub connections: usize,
    /// Feeds.
    pub feeds: usize,
    /// Entries taken since the start.
    pub accepted: u64,
    /// Entries refused since the start.
    pub refused: u64,
    /// Placements granted since the start.
    pub granted: u64,
    /// Placements refused since the start.
    pub taken: u64,
    /// Two entries with one place in an incarnation, since the start: a device was copied.
    pub copies: u64,
    /// Epochs begun since the start: this relay had lost something.
    pub epochs: u64,
    /// Connections that stand where the feeds stand.
    pub in_step: usize,
}

/// Somebody to be welcomed at the next commit.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) conn: ConnId,
    pub(crate) handshake: Hash,
    pub(crate) behind: BTreeSet<FeedId>,
    /// What it said it had, where that is right: (epoch, sequence) by feed.
    pub(crate) had: BTreeMap<FeedId, (u32, u64)>,
}

/// Entries that stand somewhere already, to be told again: by sequence.
pub(crate) type Again = BTreeMap<(ConnId, FeedId), BTreeMap<u64, (IncarnationId, u64)>>;

/// One organisation at this relay. See the module's documentation.
#[derive(Debug)]
pub struct Organisation<S> {
    pub(crate) log: Log<S>,
    pub(crate) key: SigningKey,
    pub(crate) limits: Limits,
    pub(crate) governance: Governance,
    pub(crate) feeds: BTreeMap<FeedId, Feed>,
    pub(crate) incarnations: Incarnations,
    pub(crate) schedules: Schedules,
    pub(crate) confirmations: Confirmations,
    /// Schedule entries that are still to be answered, by place.
    pub(crate) unsettled: BTreeSet<u32>,
    /// Whether all who wait for a slot are to be looked at: the process may have ended between a slot
    /// that was given up and those who waited for it.
    pub(crate) recheck: bool,
    /// Documents in which something was masked since their decisions were read.
    pub(crate) unreviewed: BTreeSet<DocumentId>,
    /// The highest epoch anybody has named.
    pub(crate) named: u32,
    pub(crate) connections: BTreeMap<ConnId, Connection>,
    /// Since the last commit.
    pub(crate) touched: BTreeSet<FeedId>,
    pub(crate) guests: Vec<Guest>,
    pub(crate) again: Again,
    pub(crate) out: Vec<Effect>,
    pub(crate) failed: bool,
    pub(crate) stats: Stats,
    pub(crate) erasing: Erasing,
    pub(crate) planted: Planted,
}

impl<S: Storage> Organisation<S> {
    /// Takes an input. What follows from it leaves with the next [`Organisation::commit`].
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        if self.failed {
            return;
        }
        if self.planted.ack_before_sync && self.log.sync().is_err() {
            self.failed = true;
        }
        let handled = match input {
            Input::Opened { conn, admission } => self.opened(now.as_second(), conn, admission),
            Input::Closed { conn } => {
                self.connections.remove(&conn);
                Ok(())
            }
            Input::Frame { conn, frame } => self.frame(now.as_second(), conn, frame),
        };
        // What one input could not do for want of space is refused there; the rest is fatal.
        if let Err(error) = handled {
            self.failed = !matches!(error, StorageError::DiskFull);
        }
    }

    /// Makes everything durable and lets the effects out. After [`StorageError::DiskFull`] call it
    /// again once there is space; after any other error nothing works any more: carry out
    /// [`Organisation::close_all`] and open the organisation again.
    pub fn commit(&mut self, now: Timestamp) -> Result<Vec<Effect>, StorageError> {
        let done = self.try_commit(now.as_second());
        if let Err(error) = &done
            && !matches!(error, StorageError::DiskFull)
        {
            self.failed = true;
        }
        done
    }

    fn try_commit(&mut self, now: i64) -> Result<Vec<Effect>, StorageError> {
        if self.failed {
            return Err(StorageError::Failed);
        }
        self.purge_due()?;
        self.settle_rest(now)?;
        if !self.planted.ack_before_sync {
            self.log.sync()?;
        }
        let mut fresh: BTreeMap<FeedId, (u64, Vec<Fresh>)> = BTreeMap::new();
        for id in std::mem::take(&mut self.touched) {
            if let Some(feed) = self.feeds.get_mut(&id) {
                let items = feed.settle();
                let first = feed.synced + 1 - items.len() as u64;
                fresh.insert(id, (first, items));
            }
        }
        let mut effects = Vec::new();
        for guest in std::mem::take(&mut self.guests) {
            effects.extend(self.welcome(&guest, now)?);
        }
        effects.append(&mut self.out);
        for (id, (first, fresh)) in fresh {
            self.fan_out(id, first, &fresh, now, &mut effects)?;
        }
        self.tell_again(now, &mut effects)?;
        let behind: Vec<ConnId> = self
            .connections
            .iter()
            .filter(|(_, connection)| !connection.lagging.is_empty())
            .map(|(conn, _)| *conn)
            .collect();
        for conn in behind {
            self.part(conn, now, &mut effects)?;
        }
        Ok(effects)
    }

    /// The next part of what a connection has not been told yet, when there is something and the
    /// connection has given credit for what came before. Ask whenever its queue has room.
    pub fn more(&mut self, now: Timestamp, conn: ConnId) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !self.failed
            && let Err(error) = self.part(conn, now.as_second(), &mut effects)
        {
            self.failed = !matches!(error, StorageError::DiskFull);
        }
        effects
    }

    /// Closes every connection, as before the relay stops or after a failure.
    pub fn close_all(&mut self, code: ErrorCode, detail: &str) -> Vec<Effect> {
        self.out.clear();
        self.guests.clear();
        let connections = std::mem::take(&mut self.connections);
        let close = |conn| Effect::Close {
            conn,
            code,
            detail: detail.to_owned(),
        };
        connections.into_keys().map(close).collect()
    }

    /// Who may do what.
    pub fn governance(&self) -> &Governance {
        &self.governance
    }

    /// The organisation.
    pub fn org(&self) -> OrgId {
        self.governance.org()
    }

    /// Whether a failure asks for opening it again.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether anything waits for a commit.
    pub fn has_work(&self) -> bool {
        !self.touched.is_empty()
            || !self.guests.is_empty()
            || !self.out.is_empty()
            || !self.again.is_empty()
            || self.erasing.is_due()
            || self.connections.values().any(|c| !c.lagging.is_empty())
    }

    /// Numbers for metrics.
    pub fn stats(&self) -> Stats {
        let in_step = self.connections.values();
        Stats {
            records: self.log.len(),
            bytes: self.log.disk_bytes(),
            connections: self.connections.len(),
            feeds: self.feeds.len(),
            in_step: in_step.filter(|c| c.lagging.is_empty()).count(),
            ..self.stats
        }
    }

    /// Gives the storage back.
    pub fn into_storage(self) -> S {
        self.log.into_storage()
    }

    /// Switches faults on.
    #[cfg(feature = "planted")]
    pub fn plant(&mut self, planted: Planted) {
        self.planted = planted;
    }

    /// Switches faults of the rules on, as the relay follows them.
    #[cfg(feature = "planted")]
    pub fn plant_rules(&mut self, planted: sync_protocol::planted::PlantedRules) {
        self.governance.plant(planted);
    }

    // ---- shared by the parts of this module ------------------------------------------------

    pub(crate) fn send(&mut self, conn: ConnId, frame: &Frame) {
        self.out.push(Effect::Send {
            conn,
            bytes: frame.encode().into(),
        });
    }

    /// Forgets a connection and has it closed.
    pub(crate) fn close(&mut self, conn: ConnId, code: ErrorCode, detail: &str) {
        if self.connections.remove(&conn).is_some() {
            self.out.push(Effect::Close {
                conn,
                code,
                detail: detail.to_owned(),
            });
        }
    }

    /// Without a body: it was purged before it came.
    pub(crate) fn append(&mut self, head: &[u8], body: Option<&[u8]>) -> Result<u32, StorageError> {
        // Places are kept in four bytes.
        if self.log.len() >= u64::from(u32::MAX) {
            return Err(StorageError::Inconsistent("too many records"));
        }
        let index = match body {
            Some(body) => self.log.append(head, body)?,
            None => self.log.append_purged(head)?,
        };
        u32::try_from(index.0).map_err(|_| StorageError::Inconsistent("too many records"))
    }

    pub(crate) fn note(&mut self, note: &Note) -> Result<(), StorageError> {
        self.append(&record::note_head(note), Some(&[])).map(drop)
    }

    /// Appends an item and gives it its position.
    pub(crate) fn stand(
        &mut self,
        item: &Item,
        aside: &[u8],
        by: Option<(ConnId, (IncarnationId, u64))>,
    ) -> Result<u32, StorageError> {
        let body = match item {
            Item::Entry(entry) => entry.body(),
            Item::Confirmation(_) | Item::Act(_) => Some(aside),
        };
        let place = self.append(&record::item_head(item), body)?;
        let feed = self.enter(place, item);
        let encoded = item.encode();
        feed.fresh.push(Fresh { encoded, by });
        let (id, next, start) = (feed.id, feed.len(), feed.len() == 1);
        self.touched.insert(id);
        if start {
            self.follow_new(id, next);
        }
        Ok(place)
    }

    /// Enters an item of the log into the indexes.
    pub(crate) fn enter(&mut self, place: u32, item: &Item) -> &mut Feed {
        let hash = item.hash();
        if let Item::Entry(entry) = item {
            self.incarnations.insert(entry.id(), hash, place);
            self.note_body(place, entry);
        }
        let (org, id) = (self.org(), item.feed());
        let feed = self.feeds.entry(id).or_insert_with(|| Feed::new(org, id));
        feed.push(place, &hash);
        feed
    }
}
