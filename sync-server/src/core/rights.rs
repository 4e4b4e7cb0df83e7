//! Who follows which feeds: arriving, acts of the governance chain, new epochs.

use std::collections::{BTreeMap, BTreeSet};

use entry_log::Storage;
use jiff::Timestamp;
use sync_protocol::{
    Author, ErrorCode, FeedId, Frame, GovernanceError, Have, Item, Quota, Signature, SignedAct,
    Welcome,
};

use super::{
    Admission, ConnId, Credential, FIRST_EPOCH, Organisation, StorageError,
    connection::Connection,
    feed::Feed,
    organisation::{Effect, Guest},
    record::{self, Note},
    schedules::Unfit,
};

/// How far an act's time may lie from the relay's.
const DAY: i64 = 24 * 60 * 60;

/// An epoch further ahead than this is no loss of data but a lie.
const MAX_LEAP: u32 = 1 << 20;

/// Where somebody stands in a feed.
enum Stand {
    /// At a place we know: to be told what follows.
    At(Have),
    /// In an epoch that is over, at a place we knew: to be told the feed anew.
    Before,
    /// Where we never were.
    Elsewhere,
}

impl<S: Storage> Organisation<S> {
    pub(crate) fn opened(
        &mut self,
        now: i64,
        conn: ConnId,
        admission: Admission,
    ) -> Result<(), StorageError> {
        let Admission {
            credential,
            have,
            handshake,
        } = admission;
        self.connections
            .insert(conn, Connection::new(credential, handshake));
        if !self.still_welcome(credential) {
            return self.turned_out(now, conn, &have, handshake);
        }
        let leap = self.named.saturating_add(MAX_LEAP);
        if have.iter().any(|have| have.epoch > leap) {
            self.close(conn, ErrorCode::BadFrame, "an epoch from nowhere");
            return Ok(());
        }
        let mut behind = BTreeSet::new();
        let mut had = BTreeMap::new();
        let mut lost = BTreeSet::new();
        let have = have
            .into_iter()
            .filter(|have| have.sequence > 0 && self.may_read(credential, have.feed));
        let mut starts: BTreeMap<FeedId, Have> = BTreeMap::new();
        for have in have.collect::<Vec<_>>() {
            if have.feed == FeedId::Governance {
                let Some(start) = self.governance_stand(&have)? else {
                    self.close(conn, ErrorCode::Fork, "another governance history");
                    return Ok(());
                };
                if start != have {
                    behind.insert(have.feed);
                }
                had.insert(have.feed, (have.epoch, have.sequence));
                starts.insert(have.feed, start);
                continue;
            }
            self.named = self.named.max(have.epoch);
            match self.stand_of(&have)? {
                Stand::At(have) => {
                    had.insert(have.feed, (have.epoch, have.sequence));
                    starts.insert(have.feed, have);
                }
                Stand::Before => {}
                Stand::Elsewhere => {
                    behind.insert(have.feed);
                    let current = self.feeds.get(&have.feed).map(|feed| feed.epoch);
                    if current.is_none_or(|epoch| epoch <= have.epoch) {
                        lost.insert(have.feed);
                    }
                }
            }
        }
        if !lost.is_empty() {
            self.begin_epoch(&lost)?;
        }
        for (id, feed) in &self.feeds {
            let governance = &self.governance;
            if let Some(connection) = self.connections.get_mut(&conn)
                && may_read(governance, credential, *id)
            {
                match starts.get(id) {
                    Some(have) => connection.follow(feed, have.sequence + 1, have.chain),
                    None => connection.follow(feed, 1, feed.start()),
                }
            }
        }
        self.guests.push(Guest {
            conn,
            handshake,
            behind,
            had,
        });
        Ok(())
    }

    /// The governance feed proves its own order and never begins anew: whoever is ahead proposes
    /// what is missing here. None is another history.
    pub(crate) fn governance_stand(&self, have: &Have) -> Result<Option<Have>, StorageError> {
        let Some(feed) = self.feeds.get(&FeedId::Governance) else {
            return Err(StorageError::Inconsistent("no governance feed"));
        };
        if have.epoch != FIRST_EPOCH {
            return Ok(None);
        }
        if have.sequence > feed.synced {
            return Ok(Some(Have {
                sequence: feed.synced,
                chain: feed.synced_chain,
                ..*have
            }));
        }
        let hash_at = |place| Ok(record::item_at(&self.log, place)?.hash());
        let chain = feed.chain_at(have.sequence, &hash_at)?;
        Ok((chain == Some(have.chain)).then_some(*have))
    }

    fn stand_of(&self, have: &Have) -> Result<Stand, StorageError> {
        let Some(feed) = self.feeds.get(&have.feed) else {
            return Ok(Stand::Elsewhere);
        };
        let hash_at = |place| Ok(record::item_at(&self.log, place)?.hash());
        if have.epoch < feed.epoch {
            let knew = feed.had(have.epoch, have.sequence, have.chain, &hash_at)?;
            return Ok(if knew {
                Stand::Before
            } else {
                Stand::Elsewhere
            });
        }
        // What is not durable yet was told nobody.
        if have.epoch > feed.epoch || have.sequence > feed.synced {
            return Ok(Stand::Elsewhere);
        }
        if feed.chain_at(have.sequence, &hash_at)? == Some(have.chain) {
            Ok(Stand::At(*have))
        } else {
            Ok(Stand::Elsewhere)
        }
    }

    /// Lays feeds out anew, in an epoch that nobody has named, for all who follow them.
    fn begin_epoch(&mut self, lost: &BTreeSet<FeedId>) -> Result<(), StorageError> {
        let org = self.org();
        self.named = self.named.saturating_add(1);
        let epoch = self.named;
        for id in lost {
            self.note(&Note::Epoch { feed: *id, epoch })?;
            self.stats.epochs += 1;
            let log = &self.log;
            let hash_at = |place| Ok(record::item_at(log, place)?.hash());
            let feed = self.feeds.entry(*id).or_insert_with(|| Feed::new(org, *id));
            feed.begin(epoch, &hash_at)?;
            self.touched.insert(*id);
            for connection in self.connections.values_mut() {
                if connection.tails.contains_key(id) {
                    connection.follow(feed, 1, feed.start());
                }
            }
        }
        Ok(())
    }

    /// The signed answer to a sign-in, once what it speaks of is durable.
    pub(crate) fn welcome(
        &mut self,
        guest: &Guest,
        now: i64,
    ) -> Result<Option<Effect>, StorageError> {
        let Some(connection) = self.connections.get(&guest.conn) else {
            return Ok(None);
        };
        let mut heads = Vec::new();
        for id in connection.tails.keys() {
            let Some(feed) = self.feeds.get_mut(id) else {
                continue;
            };
            let stands = guest.had.get(id).copied().unwrap_or((feed.epoch, 0));
            if stands != (feed.epoch, feed.synced) {
                heads.push(feed.head(now, &self.key)?);
            }
        }
        let welcome = Welcome {
            at: now,
            heads,
            behind: guest.behind.iter().copied().collect(),
            quota: Quota {
                used: self.log.disk_bytes(),
                limit: self.limits.bytes,
            },
            signature: Signature::NONE,
        };
        let frame = Frame::Welcome(welcome.signed(&guest.handshake, &self.key));
        Ok(Some(Effect::Send {
            conn: guest.conn,
            bytes: frame.encode().into(),
        }))
    }

    // ---- governance ------------------------------------------------------------------------

    /// Compare-and-swap: an act counts if it follows on the present head.
    pub(crate) fn propose(
        &mut self,
        now: i64,
        conn: ConnId,
        act: &SignedAct,
    ) -> Result<(), StorageError> {
        let Some(connection) = self.connections.get(&conn) else {
            return Ok(());
        };
        let bound = match connection.credential {
            Credential::Device(_) => None,
            Credential::Invite(invite) => Some(Author::Invite(invite)),
            Credential::Root(_) => Some(Author::Root),
        };
        if bound.is_some_and(|author| act.value().author != author) {
            let refusal = Frame::refused_act(act.hash(), ErrorCode::NotAuthorised, "join first");
            self.send(conn, &refusal);
            return Ok(());
        }
        let newcomer = bound.is_some();
        if let Err(refused) = self.take_act(now, newcomer, act)? {
            let refusal = Frame::refused_act(act.hash(), refused.code, &refused.detail);
            self.send(conn, &refusal);
        }
        Ok(())
    }

    /// An act that somebody at the door brings, whom a ticket entitles to fill this relay. It counts
    /// as every act does: by its author's signature, on the present head. Whoever lost data has
    /// its devices back only if one of them may say who they are.
    ///
    /// # Errors
    /// Why it does not stand; nothing was changed.
    pub fn bring(&mut self, now: Timestamp, act: &SignedAct) -> Result<(), ErrorCode> {
        if self.failed {
            return Err(ErrorCode::Internal);
        }
        match self.take_act(now.as_second(), false, act) {
            Ok(taken) => taken.map_err(|refused| refused.code),
            Err(StorageError::DiskFull) => Err(ErrorCode::Quota),
            Err(_) => {
                self.failed = true;
                Err(ErrorCode::Internal)
            }
        }
    }

    fn take_act(
        &mut self,
        now: i64,
        newcomer: bool,
        act: &SignedAct,
    ) -> Result<Result<(), Unfit>, StorageError> {
        if let Some(detail) = out_of_time(act, newcomer, now) {
            return Ok(Err(Unfit::new(ErrorCode::BadAct, detail)));
        }
        let mut next = self.governance.clone();
        match next.apply(act) {
            Ok(()) => {}
            // It stands already, and the proposer is told as everybody is.
            Err(GovernanceError::Replayed { .. }) => return Ok(Ok(())),
            Err(error) => {
                let detail = error.to_string();
                return Ok(Err(Unfit::new(error.into(), detail)));
            }
        }
        match self.stand(&Item::Act(act.clone()), &[], None) {
            Ok(_) => {}
            Err(StorageError::DiskFull) => {
                let detail = "the relay's disk is full";
                return Ok(Err(Unfit::new(ErrorCode::Quota, detail)));
            }
            Err(error) => return Err(error),
        }
        self.governance = next;
        self.note_erasure(&act.value().what);
        let narrowed: Vec<_> = self.governance.narrowed_at(act.value().height).collect();
        for seat in narrowed {
            self.mask_narrowed(seat, act.value().height)?;
        }
        self.review_rights(now)?;
        self.retry_waiting(now)?;
        // Before anybody hears of the act; for want of space it is tried again at each commit.
        self.purge_due()?;
        Ok(Ok(()))
    }

    /// Stops telling what may no longer be read, and begins to tell what now may.
    fn review_rights(&mut self, now: i64) -> Result<(), StorageError> {
        if self.planted.keep_removed {
            return Ok(());
        }
        let gone: Vec<ConnId> = self
            .connections
            .iter()
            .filter(|(_, connection)| !self.still_welcome(connection.credential))
            .map(|(conn, _)| *conn)
            .collect();
        for conn in gone {
            let connection = self.connections.get(&conn);
            let tail = connection.and_then(|one| one.tails.get(&FeedId::Governance));
            let next = tail.map_or(1, |tail| tail.next);
            self.farewell(now, conn, next)?;
        }
        let governance = &self.governance;
        for connection in self.connections.values_mut() {
            let credential = connection.credential;
            for (id, feed) in &self.feeds {
                let may = may_read(governance, credential, *id);
                if !may {
                    connection.tails.remove(id);
                    connection.lagging.remove(id);
                } else if !connection.tails.contains_key(id) {
                    connection.follow(feed, 1, feed.start());
                }
            }
        }
        Ok(())
    }

    fn still_welcome(&self, credential: Credential) -> bool {
        match credential {
            Credential::Device(device) => self.governance.seats_on(device).next().is_some(),
            Credential::Invite(invite) => self
                .governance
                .invite(invite)
                .is_some_and(|invite| invite.revoked.is_none()),
            Credential::Root(since) => since == self.governance.rooted(),
        }
    }

    /// Everybody who may read a feed follows it from its first item on.
    pub(crate) fn follow_new(&mut self, id: FeedId, next: u64) {
        let Some(feed) = self.feeds.get(&id) else {
            return;
        };
        let governance = &self.governance;
        for connection in self.connections.values_mut() {
            if may_read(governance, connection.credential, id)
                && !connection.tails.contains_key(&id)
            {
                connection.follow(feed, next, feed.start());
                // It is told at the commit, as to all others.
                connection.lagging.remove(&id);
            }
        }
    }

    pub(crate) fn may_read(&self, credential: Credential, feed: FeedId) -> bool {
        may_read(&self.governance, credential, feed)
    }

    /// Later in a connection: where the device stands in feeds that became readable.
    pub(crate) fn subscribe(&mut self, conn: ConnId, have: &[Have]) -> Result<(), StorageError> {
        for have in have {
            if have.sequence == 0 || have.feed == FeedId::Governance {
                continue;
            }
            if let Stand::At(have) = self.stand_of(have)?
                && let Some(feed) = self.feeds.get(&have.feed)
                && let Some(connection) = self.connections.get_mut(&conn)
                && let Some(tail) = connection.tails.get(&have.feed)
                && tail.next <= have.sequence
            {
                connection.follow(feed, have.sequence + 1, have.chain);
            }
        }
        Ok(())
    }
}

/// What is wrong with an act's time. A newcomer's act is judged by it, so it must be today's. Others
/// may be old: devices bring back acts that this relay lost.
fn out_of_time(act: &SignedAct, newcomer: bool, now: i64) -> Option<&'static str> {
    let at = act.value().at;
    if at > now.saturating_add(DAY) {
        return Some("its time has not come yet");
    }
    (newcomer && at < now.saturating_sub(DAY)).then_some("its time is long over")
}

fn may_read(governance: &sync_protocol::Governance, credential: Credential, feed: FeedId) -> bool {
    match credential {
        Credential::Device(device) => governance.device_may_read(device, feed),
        Credential::Invite(_) | Credential::Root(_) => {
            matches!(feed, FeedId::Governance | FeedId::Keys)
        }
    }
}
