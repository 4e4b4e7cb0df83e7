//! One signed-in connection: what it may read, how far it was told, how much is on its way.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use sync_protocol::{DeviceId, Entry, FeedId, Hash, InviteId};

use super::{Limits, feed::Feed};

/// Names a connection; the shell chooses numbers and never uses one twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// As what a connection signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A device with seats.
    Device(DeviceId),
    /// The holder of an invitation: reads the governance and keys feeds, proposes its `AddSeat`.
    Invite(InviteId),
    /// The holder of the root key that counts since this height, with no device left: the same.
    Root(u32),
}

/// How far a connection was told a feed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tail {
    pub(crate) epoch: u32,
    /// The next sequence to send, and the chain before it.
    pub(crate) next: u64,
    pub(crate) chain: Hash,
}

/// Most own entries remembered until they are told their place.
const MAX_PUSHED: usize = 1 << 16;

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) credential: Credential,
    /// The name of its sign-in.
    pub(crate) handshake: Hash,
    pub(crate) tails: BTreeMap<FeedId, Tail>,
    /// Feeds with something to send that was not sent as it came.
    pub(crate) lagging: BTreeSet<FeedId>,
    /// Sent and without credit yet: items and bytes of each frame.
    window: VecDeque<(u32, usize)>,
    items: u32,
    bytes: usize,
    /// Items of the first frame in the window that credit came for.
    credited: u32,
    /// Places of entries that it brought and was not told about.
    pub(crate) pushed: HashSet<u32>,
    /// Entries that wait for a governance act.
    pub(crate) waiting: VecDeque<Entry>,
    pub(crate) waiting_bytes: usize,
}

impl Connection {
    pub(crate) fn new(credential: Credential, handshake: Hash) -> Self {
        Self {
            credential,
            handshake,
            tails: BTreeMap::new(),
            lagging: BTreeSet::new(),
            window: VecDeque::new(),
            items: 0,
            bytes: 0,
            credited: 0,
            pushed: HashSet::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    /// Begins to follow a feed from `next` on.
    pub(crate) fn follow(&mut self, feed: &Feed, next: u64, chain: Hash) {
        let epoch = feed.epoch;
        self.tails.insert(feed.id, Tail { epoch, next, chain });
        if next <= feed.len() {
            self.lagging.insert(feed.id);
        } else {
            self.lagging.remove(&feed.id);
        }
    }

    /// Whether a frame of so many bytes may go out now. One always may when nothing is on its way.
    pub(crate) fn has_room(&self, items: usize, bytes: usize, limits: &Limits) -> bool {
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        self.window.is_empty()
            || (self.items.saturating_add(items) <= limits.window_items
                && self.bytes.saturating_add(bytes) <= limits.window_bytes)
    }

    /// How many items and bytes may go out now.
    pub(crate) fn room(&self, limits: &Limits) -> (u32, usize) {
        let items = limits.window_items.saturating_sub(self.items);
        (items, limits.window_bytes.saturating_sub(self.bytes))
    }

    /// A frame of items goes out.
    pub(crate) fn sent(&mut self, items: usize, bytes: usize) {
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        self.window.push_back((items, bytes));
        self.items = self.items.saturating_add(items);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// The other side has taken in so many items.
    pub(crate) fn credit(&mut self, items: u32) {
        self.credited = self.credited.saturating_add(items);
        while let Some((items, bytes)) = self.window.front().copied() {
            if self.credited < items {
                return;
            }
            self.credited -= items;
            self.items = self.items.saturating_sub(items);
            self.bytes = self.bytes.saturating_sub(bytes);
            self.window.pop_front();
        }
        // Credit for what was never sent buys nothing.
        self.credited = 0;
    }

    pub(crate) fn remember(&mut self, place: u32) {
        if self.pushed.len() < MAX_PUSHED {
            self.pushed.insert(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_frees_whole_frames_and_cannot_be_saved_up() {
        let limits = Limits {
            window_items: 10,
            window_bytes: 1000,
            ..Limits::default()
        };
        let device = Credential::Device(DeviceId::from_bytes([1; 16]));
        let mut connection = Connection::new(device, Hash::ZERO);
        connection.credit(1_000_000);
        assert!(connection.has_room(500, 5000, &limits), "the first goes");
        connection.sent(8, 100);
        assert!(connection.has_room(2, 100, &limits));
        assert!(!connection.has_room(3, 100, &limits));
        assert!(!connection.has_room(1, 901, &limits));
        connection.credit(7);
        assert!(!connection.has_room(3, 100, &limits));
        connection.credit(1);
        assert!(connection.has_room(10, 1000, &limits));
    }
}
