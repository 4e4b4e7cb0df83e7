//! The log records of a replica: an item, or the proof that items have their positions.
//!
//! ```text
//! item       head = 0, own (0/1), head part of the item     body = body of the entry
//! placement  head = 1, CBOR [first, [item hash...], head]   body = empty
//! ```

#![allow(
    clippy::large_enum_variant,
    reason = "one value at a time, moved once: a box would cost more than it saves"
)]

use entry_log::{
    AppendError, Log, OpenError, Options, ReadError, Record, Recovery, Storage, SyncError,
};
use minicbor::{Decode, Encode};
use sync_protocol::{Hash, Item, SignedHead};

use super::LedgerError;

const ITEM: u8 = 0;
const PLACEMENT: u8 = 1;

/// Items `first..` of a feed's epoch, and the head that covers them.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Placement {
    #[n(0)]
    pub(crate) first: u64,
    #[n(1)]
    pub(crate) items: Vec<Hash>,
    #[n(2)]
    pub(crate) head: SignedHead,
}

#[derive(Debug)]
pub(crate) enum Kept {
    Item { item: Item, own: bool },
    Placement(Placement),
}

pub(crate) fn item_head(item: &Item, own: bool) -> Vec<u8> {
    [&[ITEM, u8::from(own)], item.head_part().as_slice()].concat()
}

pub(crate) fn placement_head(placement: &Placement) -> Vec<u8> {
    // Encoding into a vector cannot fail.
    [
        &[PLACEMENT],
        minicbor::to_vec(placement).unwrap_or_default().as_slice(),
    ]
    .concat()
}

pub(crate) fn decode(record: Record) -> Result<Kept, LedgerError> {
    let damaged = || LedgerError::Damaged("a record of the log is not of this program".to_owned());
    match record.head.split_first() {
        Some((&ITEM, rest)) => {
            let (own, head) = rest.split_first().ok_or_else(damaged)?;
            let item = Item::from_parts(head, record.body).map_err(|_| damaged())?;
            Ok(Kept::Item {
                item,
                own: *own == 1,
            })
        }
        Some((&PLACEMENT, rest)) => minicbor::decode(rest)
            .map(Kept::Placement)
            .map_err(|_| damaged()),
        Some(_) => Err(LedgerError::NewerVersion),
        None => Err(damaged()),
    }
}

pub(crate) fn open_log<S: Storage>(storage: S) -> Result<(Log<S>, Recovery), LedgerError> {
    let (log, recovery) = Log::open(storage, Options::default()).map_err(|error| match error {
        OpenError::NewerVersion { .. } => LedgerError::NewerVersion,
        OpenError::Io(error) => LedgerError::Storage(error.to_string()),
    })?;
    if let Recovery::Damaged(damage) = &recovery {
        return Err(LedgerError::Damaged(damage.to_string()));
    }
    Ok((log, recovery))
}

pub(crate) fn append_error(error: AppendError) -> LedgerError {
    match error {
        AppendError::TooLarge { .. } => LedgerError::TooLarge,
        AppendError::DiskFull(_) => LedgerError::DiskFull,
        AppendError::ReadOnly(damage) => LedgerError::Damaged(damage.to_string()),
        AppendError::Io(error) => LedgerError::Storage(error.to_string()),
        AppendError::Poisoned => LedgerError::Storage("open it again".to_owned()),
    }
}

pub(crate) fn sync_error(error: SyncError) -> LedgerError {
    match error {
        SyncError::DiskFull(_) => LedgerError::DiskFull,
        SyncError::ReadOnly(damage) => LedgerError::Damaged(damage.to_string()),
        SyncError::Io(error) => LedgerError::Storage(error.to_string()),
        SyncError::Poisoned => LedgerError::Storage("open it again".to_owned()),
    }
}

pub(crate) fn read_error(error: ReadError) -> LedgerError {
    match error {
        ReadError::Damaged(damage) => LedgerError::Damaged(damage.to_string()),
        ReadError::Io(error) => LedgerError::Storage(error.to_string()),
        ReadError::OutOfRange { .. } => LedgerError::Damaged("a record is missing".to_owned()),
    }
}
