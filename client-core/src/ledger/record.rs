//! The log records of a replica: an item, the proof that items have their positions, or
//! the proof that the relay contradicted itself.
//!
//! ```text
//! item       head = 0, origin, head part of the item       body = body of the entry
//! placement  head = 1, CBOR [first, [item hash...], head]   body = empty
//! proof      head = 2, CBOR of a contradiction of the relay  body = empty
//! ```
//! The origin is 1 for what was written here, 2 for what came and was found good, its signature
//! included, and 0 for what came and was not: acts and confirmations, which are checked elsewhere,
//! and entries that were withheld or whose author was not known yet. Entries of origin 1 and 2 are
//! not checked against their signature at each start. The log's own checksums tell damage; whoever
//! can forge those can write into this machine's files, and could as well replace the program or
//! the keys, so a signature would not stop them either, and no other device believes this log: it
//! checks every signature itself.

#![allow(
    clippy::large_enum_variant,
    reason = "one value at a time, moved once: a box would cost more than it saves"
)]

use entry_log::{
    AppendError, Log, OpenError, Options, ReadError, Record, Recovery, Storage, SyncError,
};
use minicbor::{Decode, Encode};
use sync_protocol::{Hash, Item, SignedHead};

use super::{LedgerError, Proof};

const ITEM: u8 = 0;
const PLACEMENT: u8 = 1;
const PROOF: u8 = 2;

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

/// Where a kept item is from. See the module's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Unproven = 0,
    Own = 1,
    Proven = 2,
}

#[derive(Debug)]
pub(crate) enum Kept {
    Item { item: Item, origin: Origin },
    Placement(Placement),
    Proof(Proof),
}

pub(crate) fn proof_head(proof: &Proof) -> Vec<u8> {
    // Encoding into a vector cannot fail.
    [
        &[PROOF],
        minicbor::to_vec(proof).unwrap_or_default().as_slice(),
    ]
    .concat()
}

pub(crate) fn item_head(item: &Item, origin: Origin) -> Vec<u8> {
    [&[ITEM, origin as u8], item.head_part().as_slice()].concat()
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
            let (origin, head) = rest.split_first().ok_or_else(damaged)?;
            let item = Item::from_parts(head, record.body).map_err(|_| damaged())?;
            Ok(Kept::Item {
                item,
                origin: match origin {
                    1 => Origin::Own,
                    2 => Origin::Proven,
                    _ => Origin::Unproven,
                },
            })
        }
        Some((&PLACEMENT, rest)) => minicbor::decode(rest)
            .map(Kept::Placement)
            .map_err(|_| damaged()),
        Some((&PROOF, rest)) => minicbor::decode(rest)
            .map(Kept::Proof)
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
