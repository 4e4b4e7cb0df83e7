//! Who is told what: the fan-out of a commit, and tails for those who are behind.
//!
//! A connection that stands where a feed stands is told a commit's items at once, if it has room;
//! all others are told by parts read from the log. Within one frame the last item is where the
//! frame's head stands, or the frame's run goes on in the next.

use std::sync::Arc;

use entry_log::Storage;
use sync_protocol::{
    FeedId, Frame, Have, IncarnationId, Signature, SignedHead, Still, batches, chain_next,
};

use super::{
    ConnId, Organisation, StorageError, connection::Tail, feed::Fresh, organisation::Effect, record,
};

/// Most items of a part, well below the protocol's limit.
const PART_ITEMS: u64 = 2048;

/// Items of one feed, one after the other, with the head that covers all of them.
struct Run<'a> {
    feed: FeedId,
    epoch: u32,
    first: u64,
    head: &'a SignedHead,
}

/// One item on its way to one connection.
struct Passing {
    encoded: Vec<u8>,
    /// Its id, if the connection brought it itself.
    own: Option<(IncarnationId, u64)>,
}

struct Outgoing {
    bytes: Arc<[u8]>,
    items: usize,
}

impl Run<'_> {
    /// Frames for items that the receiver did not bring.
    fn items(&self, first: u64, items: impl IntoIterator<Item = Vec<u8>>) -> Vec<Outgoing> {
        let mut next = first;
        let mut frames = Vec::new();
        for batch in batches(items) {
            let items = batch.len();
            let frame = Frame::Items {
                feed: self.feed,
                epoch: self.epoch,
                first: next,
                items: batch,
                head: Some(self.head.clone()),
            };
            next += items as u64;
            frames.push(Outgoing {
                bytes: frame.encode().into(),
                items,
            });
        }
        frames
    }

    /// Frames for items of which the receiver brought some.
    fn mixed(&self, passing: Vec<Passing>) -> Vec<Outgoing> {
        let mut frames = Vec::new();
        let mut next = self.first;
        let mut passing = passing.into_iter().peekable();
        while let Some(item) = passing.next() {
            let first = next;
            next += 1;
            if let Some(id) = item.own {
                let mut own = vec![id];
                while own.len() < sync_protocol::limits::MAX_ITEMS
                    && let Some(id) = passing.next_if(|item| item.own.is_some())
                {
                    own.extend(id.own);
                    next += 1;
                }
                let frame = Frame::Placed {
                    feed: self.feed,
                    epoch: self.epoch,
                    first,
                    chain_items: own,
                    head: self.head.clone(),
                };
                frames.push(Outgoing {
                    bytes: frame.encode().into(),
                    items: 0,
                });
            } else {
                let mut others = vec![item.encoded];
                while let Some(item) = passing.next_if(|item| item.own.is_none()) {
                    others.push(item.encoded);
                    next += 1;
                }
                frames.extend(self.items(first, others));
            }
        }
        frames
    }
}

impl<S: Storage> Organisation<S> {
    /// Tells a commit's items of one feed to all who stand right before them and have room.
    pub(crate) fn fan_out(
        &mut self,
        id: FeedId,
        first: u64,
        fresh: &[Fresh],
        now: i64,
        effects: &mut Vec<Effect>,
    ) -> Result<(), StorageError> {
        let Some(feed) = self.feeds.get_mut(&id) else {
            return Ok(());
        };
        if fresh.is_empty() {
            return Ok(());
        }
        let head = feed.head(now, &self.key)?;
        let (epoch, next, chain) = (feed.epoch, feed.synced + 1, feed.synced_chain);
        let run = Run {
            feed: id,
            epoch,
            first,
            head: &head,
        };
        let bytes: usize = fresh.iter().map(|fresh| fresh.encoded.len()).sum();
        let mut shared: Option<Vec<Outgoing>> = None;
        for (conn, connection) in &mut self.connections {
            let Some(tail) = connection.tails.get(&id).copied() else {
                continue;
            };
            if connection.lagging.contains(&id) {
                continue;
            }
            let brought = |fresh: &Fresh| fresh.by.is_some_and(|(by, _)| by == *conn);
            let own = fresh.iter().any(brought);
            let others = fresh.iter().filter(|fresh| !brought(fresh)).count();
            let stands = (tail.epoch, tail.next) == (epoch, first);
            if !stands || (others > 0 && !connection.has_room(others, bytes, &self.limits)) {
                if tail.next <= feed.synced {
                    connection.lagging.insert(id);
                }
                continue;
            }
            let mixed;
            let frames = if own {
                let passing = fresh.iter().map(|fresh| Passing {
                    encoded: fresh.encoded.clone(),
                    own: fresh.by.filter(|(by, _)| by == conn).map(|(_, id)| id),
                });
                mixed = run.mixed(passing.collect());
                &mixed
            } else {
                shared.get_or_insert_with(|| {
                    run.items(first, fresh.iter().map(|fresh| fresh.encoded.clone()))
                })
            };
            connection.tails.insert(id, Tail { epoch, next, chain });
            if own {
                for sequence in first..next {
                    if let Some(place) = feed.place(sequence) {
                        connection.pushed.remove(&place);
                    }
                }
            }
            for frame in frames {
                if frame.items > 0 {
                    connection.sent(frame.items, frame.bytes.len());
                }
                effects.push(Effect::Send {
                    conn: *conn,
                    bytes: Arc::clone(&frame.bytes),
                });
            }
        }
        Ok(())
    }

    /// One part of what a connection was not told yet, feeds in their order.
    pub(crate) fn part(
        &mut self,
        conn: ConnId,
        now: i64,
        effects: &mut Vec<Effect>,
    ) -> Result<(), StorageError> {
        let mut budget = self.limits.part_bytes;
        while budget > 0 {
            let Some(connection) = self.connections.get_mut(&conn) else {
                return Ok(());
            };
            let Some(id) = connection.lagging.first().copied() else {
                return Ok(());
            };
            let (Some(tail), Some(feed)) =
                (connection.tails.get(&id).copied(), self.feeds.get_mut(&id))
            else {
                connection.lagging.remove(&id);
                continue;
            };
            if tail.next > feed.synced {
                connection.lagging.remove(&id);
                continue;
            }
            let (room_items, room_bytes) = connection.room(&self.limits);
            if room_items == 0 || room_bytes == 0 {
                return Ok(());
            }
            let (first, mut chain) = (tail.next, tail.chain);
            let count = PART_ITEMS.min(u64::from(room_items));
            let last = feed.synced.min(first + count - 1);
            let most = budget.min(room_bytes);
            let mut passing = Vec::new();
            let mut told = Vec::new();
            let (mut bytes, mut next) = (0_usize, first);
            while next <= last && bytes < most {
                let Some(place) = feed.place(next) else {
                    return Err(StorageError::Inconsistent("a feed is shorter than it says"));
                };
                let item = record::item_at(&self.log, place)?;
                let encoded = item.encode();
                let own = connection
                    .pushed
                    .contains(&place)
                    .then(|| item.written_by())
                    .flatten();
                if own.is_some() {
                    told.push(place);
                } else {
                    bytes += encoded.len();
                }
                chain = chain_next(&chain, &item.hash());
                passing.push(Passing { encoded, own });
                next += 1;
            }
            let head = if next > feed.synced {
                feed.head(now, &self.key)?
            } else {
                feed.head_at(next - 1, chain, now, &self.key)?
            };
            let run = Run {
                feed: id,
                epoch: feed.epoch,
                first,
                head: &head,
            };
            let epoch = feed.epoch;
            connection.tails.insert(id, Tail { epoch, next, chain });
            for place in told {
                connection.pushed.remove(&place);
            }
            for frame in run.mixed(passing) {
                if frame.items > 0 {
                    connection.sent(frame.items, frame.bytes.len());
                }
                effects.push(Effect::Send {
                    conn,
                    bytes: frame.bytes,
                });
            }
            // A part without anything of others costs something too.
            budget = budget.saturating_sub(bytes.max(1024));
        }
        Ok(())
    }

    /// Where everything stands that a connection follows, on stable storage: who has heard nothing
    /// learns whether there was something to hear.
    pub(crate) fn still(&mut self, now: i64, conn: ConnId, n: u64) {
        let Some(connection) = self.connections.get(&conn) else {
            return;
        };
        let feeds = connection.tails.keys().filter_map(|id| self.feeds.get(id));
        let stand = feeds.filter(|feed| feed.synced > 0).map(|feed| Have {
            feed: feed.id,
            epoch: feed.epoch,
            sequence: feed.synced,
            chain: feed.synced_chain,
        });
        let still = Still {
            n,
            at: now,
            stand: stand.collect(),
            signature: Signature::NONE,
        };
        let frame = Frame::Still(still.signed(&connection.handshake, &self.key));
        self.send(conn, &frame);
    }

    /// Tells authors where entries stand that they sent once more.
    pub(crate) fn tell_again(
        &mut self,
        now: i64,
        effects: &mut Vec<Effect>,
    ) -> Result<(), StorageError> {
        for ((conn, id), entries) in std::mem::take(&mut self.again) {
            let (Some(_), Some(feed)) = (self.connections.get(&conn), self.feeds.get(&id)) else {
                continue;
            };
            let mut run: Vec<(u64, (IncarnationId, u64))> = Vec::new();
            let mut runs = Vec::new();
            for (sequence, entry) in entries {
                let follows = run.last().is_none_or(|(last, _)| last + 1 == sequence);
                if !follows || run.len() >= sync_protocol::limits::MAX_ITEMS {
                    runs.push(std::mem::take(&mut run));
                }
                run.push((sequence, entry));
            }
            runs.push(run);
            let hash_at = |place| Ok(record::item_at(&self.log, place)?.hash());
            for run in runs {
                let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) else {
                    continue;
                };
                let Some(chain) = feed.chain_at(*last, &hash_at)? else {
                    continue;
                };
                let frame = Frame::Placed {
                    feed: id,
                    epoch: feed.epoch,
                    first: *first,
                    chain_items: run.iter().map(|(_, entry)| *entry).collect(),
                    head: feed.head_at(*last, chain, now, &self.key)?,
                };
                effects.push(Effect::Send {
                    conn,
                    bytes: frame.encode().into(),
                });
            }
        }
        Ok(())
    }
}
