//! Writing: sign, chain, append.

use std::sync::Arc;

use entry_log::Storage;
use sync_protocol::{
    DeviceId, DocumentId, Entry, EntryError, FeedId, Hash, Header, IncarnationId, Item, KeyId,
    Seal, SeatId, SeenHead, SignedAct, SigningKey, What,
};

use super::{Arrival, Ledger, LedgerError, record::Origin};

/// Who writes.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// On which device.
    pub device: DeviceId,
    /// Which seat.
    pub seat: SeatId,
    /// The seat's key.
    pub signing: &'a SigningKey,
}

/// Seals a body: gets the header as far as it is known (with `key`, without `seal`) and the plain
/// bytes, gives the seal and the sealed bytes. `None` when the key is missing.
pub type SealWith<'a> = dyn FnMut(&Header, &[u8]) -> Option<(Seal, Vec<u8>)> + 'a;

/// What is to be written.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Into which feed.
    pub feed: FeedId,
    /// Into which document.
    pub document: DocumentId,
    /// Under which key it is sealed; `None` in clear feeds.
    pub key: Option<KeyId>,
    /// The plain body.
    pub body: Vec<u8>,
}

impl<S: Storage> Ledger<S> {
    /// Begins another run: what is written from here on follows on what its seat wrote last.
    pub fn begin_incarnation(&mut self, incarnation: IncarnationId) {
        self.incarnation = incarnation;
        self.next = 0;
        self.last = None;
    }

    /// Signs and appends entries, in order. They are not saved before [`Ledger::commit`].
    pub fn write(
        &mut self,
        author: Author<'_>,
        drafts: Vec<Draft>,
        seal_with: &mut SealWith<'_>,
    ) -> Result<Vec<Arrival>, LedgerError> {
        let mut entries = Vec::with_capacity(drafts.len());
        let (mut sequence, mut last) = (self.next, self.last);
        for draft in drafts {
            let entry = self.signed(author, draft, sequence, last, seal_with)?;
            sequence += 1;
            last = Some(entry.hash());
            entries.push(entry);
        }
        let mut arrivals = Vec::with_capacity(entries.len());
        for entry in entries {
            self.next = entry.header().sequence + 1;
            self.last = Some(entry.hash());
            let entry = Arc::new(entry);
            self.note_written(&entry);
            self.hold(&Item::Entry(Entry::clone(&entry)), Origin::Own)?;
            arrivals.push(Arrival::Entry {
                entry,
                mask: None,
                place: None,
                own: true,
            });
        }
        Ok(arrivals)
    }

    fn signed(
        &self,
        author: Author<'_>,
        draft: Draft,
        sequence: u64,
        last: Option<Hash>,
        seal_with: &mut SealWith<'_>,
    ) -> Result<Entry, LedgerError> {
        let seen = self
            .feeds
            .get(&draft.feed)
            .filter(|feed| feed.head.is_some());
        let mut header = Header {
            org: self.org(),
            feed: draft.feed,
            document: draft.document,
            key: draft.key,
            device: author.device,
            seat: author.seat,
            incarnation: self.incarnation,
            sequence,
            prev: last
                .or_else(|| self.last_of_seat.get(&author.seat).copied())
                .unwrap_or(Hash::ZERO),
            governance: self.governance.stand(),
            seen: seen.map(|feed| SeenHead {
                epoch: feed.epoch,
                sequence: feed.sequence,
                chain: feed.chain,
            }),
            seal: None,
            body_len: 0,
            body_hash: Hash::ZERO,
        };
        let body = if draft.key.is_some() {
            let (seal, body) = seal_with(&header, &draft.body).ok_or(LedgerError::MissingKey)?;
            header.seal = Some(seal);
            body
        } else {
            draft.body
        };
        Entry::sign(header, body, author.signing).map_err(|error| match error {
            EntryError::BodyTooLong { .. } => LedgerError::TooLarge,
            EntryError::Header(_) => LedgerError::MissingKey,
        })
    }

    /// Adds an act of our own while no relay orders the chain.
    pub fn act(&mut self, act: SignedAct) -> Result<Vec<Arrival>, LedgerError> {
        self.governance.apply(&act)?;
        let (height, shared) = (act.value().height, Arc::new(act));
        self.hold(&Item::Act(SignedAct::clone(&shared)), Origin::Own)?;
        if matches!(shared.value().what, What::Erasure(_)) {
            self.purge_erased()?;
        }
        let mut arrivals = vec![Arrival::Act(shared)];
        arrivals.extend(self.judge_narrowed(height)?);
        arrivals.extend(self.judge_waiting()?);
        Ok(arrivals)
    }
}
