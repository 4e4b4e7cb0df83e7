//! What the relay's log holds: items of feeds, and notes of the relay to itself.
//!
//! ```text
//! head = 0 | head part of the item      body = the entry's body; of a confirmation:
//!                                              document (16 bytes) | placement
//! head = 1 | note, as CBOR              body = empty
//! ```
//! Notes hold what cannot be read off the items alone without rebuilding documents, so that a
//! restart needs no document at all.

use entry_log::{Index, Log, Storage};
use minicbor::{Decode, Encode};
use sync_protocol::{DecodeError, DocumentId, Entry, FeedId, Hash, Item};

use super::StorageError;

const ITEM: u8 = 0;
const NOTE: u8 = 1;

/// A note of the relay to itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Note {
    /// The feed is laid out anew from here on.
    #[n(0)]
    Epoch {
        #[n(0)]
        feed: FeedId,
        #[n(1)]
        epoch: u32,
    },
    /// A claim no longer asks for a placement; what was said about it is over.
    #[n(1)]
    Forget {
        #[cbor(n(0), with = "minicbor::bytes")]
        claim: [u8; 16],
        #[n(1)]
        placement: Hash,
    },
    /// A decision counts.
    #[n(2)]
    Decided {
        #[n(0)]
        document: DocumentId,
        #[cbor(n(1), with = "minicbor::bytes")]
        decision: Vec<u8>,
    },
    /// A decision does not count any more: its author had no right to decide.
    #[n(3)]
    Undecided {
        #[cbor(n(0), with = "minicbor::bytes")]
        decision: [u8; 16],
    },
    /// A refused claim waits for another holder now.
    #[n(4)]
    Behind {
        #[cbor(n(0), with = "minicbor::bytes")]
        claim: [u8; 16],
        #[n(1)]
        placement: Hash,
        #[cbor(n(2), with = "minicbor::bytes")]
        holder: [u8; 16],
    },
}

/// A record, read.
#[allow(
    clippy::large_enum_variant,
    reason = "one at a time, and matched at once"
)]
#[derive(Debug)]
pub(crate) enum Stored {
    Item { item: Item, aside: Vec<u8> },
    Note(Note),
}

pub(crate) fn item_head(item: &Item) -> Vec<u8> {
    let mut head = vec![ITEM];
    head.extend(item.head_part());
    head
}

pub(crate) fn note_head(note: &Note) -> Vec<u8> {
    let mut head = vec![NOTE];
    // Writing to memory cannot fail.
    let _ = minicbor::encode(note, &mut head);
    head
}

pub(crate) fn decode(head: &[u8], body: Option<Vec<u8>>) -> Result<Stored, DecodeError> {
    match head.split_first() {
        Some((&ITEM, part)) => {
            let item = Item::from_parts(part, body.clone())?;
            let aside = match item {
                Item::Confirmation(_) => body.unwrap_or_default(),
                Item::Entry(_) | Item::Act(_) => Vec::new(),
            };
            Ok(Stored::Item { item, aside })
        }
        Some((&NOTE, note)) => Ok(Stored::Note(minicbor::decode(note)?)),
        Some((kind, _)) => Err(DecodeError::NewerVersion {
            got: u64::from(*kind),
            supported: NOTE,
        }),
        None => Err(DecodeError::Truncated),
    }
}

/// The item at a place of the log.
pub(crate) fn item_at<S: Storage>(log: &Log<S>, at: u32) -> Result<Item, StorageError> {
    let at = u64::from(at);
    let record = log.get(Index(at))?;
    match decode(&record.head, record.body) {
        Ok(Stored::Item { item, .. }) => Ok(item),
        Ok(Stored::Note(_)) => Err(StorageError::Inconsistent("a feed points at a note")),
        Err(source) => Err(StorageError::Record { at, source }),
    }
}

/// The entry at a place of the log.
pub(crate) fn entry_at<S: Storage>(log: &Log<S>, at: u32) -> Result<Entry, StorageError> {
    match item_at(log, at)? {
        Item::Entry(entry) => Ok(entry),
        Item::Confirmation(_) | Item::Act(_) => {
            Err(StorageError::Inconsistent("an index points at no entry"))
        }
    }
}
