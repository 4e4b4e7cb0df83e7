//! The head file: how much of the log was promised.
//!
//! Two slots a page apart are written in turn, each with a generation and a check. A write that tears
//! spoils the older slot only, so the promise before it can still be read.

use std::io;

use crate::error::OpenError;
use crate::format::{HEAD_SLOT, HeadSlot, HeaderError, VERSION};
use crate::storage::{Storage, read_all};

/// Name of the head file.
pub(crate) const NAME: &str = "head";

/// Distance of the slots: the largest unit in which common disks tear or lose data.
const STRIDE: u64 = 4096;

/// What the head file was found to be.
#[derive(Debug)]
pub(crate) enum Found {
    /// No such file.
    Missing,
    /// The file is there and says nothing.
    Unreadable,
    /// What the newest readable slot says.
    Head(HeadSlot),
}

pub(crate) fn read(storage: &impl Storage) -> Result<Found, OpenError> {
    let bytes = match read_all(storage, NAME) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
        Err(error) => return Err(error.into()),
    };
    let mut slots = Vec::new();
    for at in [0, STRIDE] {
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        match HeadSlot::decode(bytes.get(start..).unwrap_or_default()) {
            Ok(slot) => slots.push(slot),
            Err(HeaderError::Wrong) => {}
            Err(HeaderError::Newer(got)) => {
                return Err(OpenError::NewerVersion {
                    file: NAME.to_owned(),
                    got,
                    supported: VERSION,
                });
            }
        }
    }
    Ok(slots
        .into_iter()
        .max_by_key(|slot| slot.generation)
        .map_or(Found::Unreadable, Found::Head))
}

/// Writes both slots of a new log and makes them durable.
pub(crate) fn create(storage: &mut impl Storage, slot: &HeadSlot) -> io::Result<()> {
    let mut bytes = slot.encode();
    bytes.resize(usize::try_from(STRIDE).unwrap_or(HEAD_SLOT), 0);
    bytes.extend_from_slice(
        &HeadSlot {
            generation: slot.generation + 1,
            ..*slot
        }
        .encode(),
    );
    match storage.len(NAME) {
        Ok(_) => storage.remove(NAME)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    storage.append(NAME, &bytes)?;
    storage.sync(NAME)
}

/// Writes the slot whose turn it is. It counts once the file is synced.
pub(crate) fn write(storage: &mut impl Storage, slot: &HeadSlot) -> io::Result<()> {
    storage.write_at(NAME, (slot.generation % 2) * STRIDE, &slot.encode())
}
