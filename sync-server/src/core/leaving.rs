//! Whose rights ended is told so before it is cut off: the acts up to the one that ended them, which
//! it checks as it checks every act. It need not believe an error code.

use entry_log::Storage;
use sync_protocol::{
    ErrorCode, FeedId, Frame, Hash, Have, Quota, Signature, SignedHead, Welcome, batches,
};

use super::{ConnId, Credential, FIRST_EPOCH, Organisation, StorageError, record};

impl<S: Storage> Organisation<S> {
    /// A device without a seat came through the door: it hears why, and no more.
    pub(crate) fn turned_out(
        &mut self,
        now: i64,
        conn: ConnId,
        have: &[Have],
        handshake: Hash,
    ) -> Result<(), StorageError> {
        let known = have.iter().find(|have| have.feed == FeedId::Governance);
        let next = match known {
            None => 1,
            // Another history: there is nothing to add to it.
            Some(have) => match self.governance_stand(have)? {
                Some(stand) => stand.sequence.saturating_add(1),
                None => u64::MAX,
            },
        };
        let ending = self.ending(conn, now)?;
        // It names no other feed: none of them concerns this device any more.
        let heads = ending
            .filter(|(last, _)| next <= *last)
            .map(|(_, head)| head);
        let welcome = Welcome {
            at: now,
            heads: heads.into_iter().collect(),
            behind: Vec::new(),
            quota: Quota { used: 0, limit: 0 },
            signature: Signature::NONE,
        };
        let welcome = Frame::Welcome(welcome.signed(&handshake, &self.key));
        self.send(conn, &welcome);
        self.farewell(now, conn, next)
    }

    /// Where the governance feed stands after the act that ended a device's rights.
    fn ending(&self, conn: ConnId, now: i64) -> Result<Option<(u64, SignedHead)>, StorageError> {
        let credential = self.connections.get(&conn).map(|one| one.credential);
        let Some(Credential::Device(device)) = credential else {
            return Ok(None);
        };
        let feed = self.feeds.get(&FeedId::Governance);
        let (Some(height), Some(feed)) = (self.governance.gone(device), feed) else {
            return Ok(None);
        };
        let last = feed.len().min(u64::from(height).saturating_add(1));
        let hash_at = |place| Ok(record::item_at(&self.log, place)?.hash());
        let Some(chain) = feed.chain_at(last, &hash_at)? else {
            return Ok(None);
        };
        Ok(Some((last, feed.head_at(last, chain, now, &self.key)?)))
    }

    /// Tells a connection the acts from `next` up to the one that ended its rights, then closes it.
    /// Nothing of what came after: who left does not learn who came.
    pub(crate) fn farewell(
        &mut self,
        now: i64,
        conn: ConnId,
        next: u64,
    ) -> Result<(), StorageError> {
        let credential = self.connections.get(&conn).map(|one| one.credential);
        if let Some(Credential::Invite(_)) = credential {
            self.close(conn, ErrorCode::RevokedInvite, "called back");
            return Ok(());
        }
        if let Some(Credential::Root(since)) = credential {
            let mut replaced = self.governance.replaced().iter();
            let at = replaced
                .find(|old| old.since == since)
                .and_then(|old| jiff::Timestamp::from_second(old.at).ok());
            let detail = match at {
                Some(at) => format!("replaced on {}", at.strftime("%Y-%m-%d")),
                None => "replaced".to_owned(),
            };
            self.close(conn, ErrorCode::ReplacedWords, &detail);
            return Ok(());
        }
        if let Some((last, head)) = self.ending(conn, now)?
            && let Some(feed) = self.feeds.get(&FeedId::Governance)
        {
            let mut acts = Vec::new();
            for sequence in next..=last {
                let place = feed
                    .place(sequence)
                    .ok_or(StorageError::Inconsistent("a feed is shorter than it says"))?;
                acts.push(record::item_at(&self.log, place)?.encode());
            }
            let mut first = next;
            for items in batches(acts) {
                let count = items.len() as u64;
                let frame = Frame::Items {
                    feed: FeedId::Governance,
                    epoch: FIRST_EPOCH,
                    first,
                    items,
                    head: Some(head.clone()),
                };
                first += count;
                self.send(conn, &frame);
            }
        }
        self.close(conn, ErrorCode::Removed, "no seat is left on this device");
        Ok(())
    }
}
