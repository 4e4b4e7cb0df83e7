//! What can go wrong, by what the caller can do about it.

use std::fmt;
use std::io;

use crate::log::Index;

/// Where stored bytes are not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// File inside the log's folder.
    pub file: String,
    /// Offset in it at which the trouble starts.
    pub offset: u64,
    /// The first record concerned, if it is known.
    pub record: Option<Index>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.file, self.offset, self.fault)?;
        self.record
            .map_or(Ok(()), |record| write!(f, " (record {})", record.0))
    }
}

/// The kinds of [`Damage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The head file is gone, or neither of its slots can be read.
    HeadLost,
    /// The head file speaks of another chain than the segments.
    HeadDisagrees,
    /// A segment's header is wrong, or belongs to another place.
    SegmentHeader,
    /// A record's frame fails its checksum.
    Frame,
    /// A record does not follow from the one before.
    Chain,
    /// A record's head is not what its hash says.
    Head,
    /// A record's body is not what its hash says.
    Body,
    /// Bytes or files that were synced are not there.
    Missing,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeadLost => "no readable head slot",
            Self::HeadDisagrees => "head and segments disagree",
            Self::SegmentHeader => "wrong segment header",
            Self::Frame => "wrong record frame",
            Self::Chain => "broken chain",
            Self::Head => "wrong record head",
            Self::Body => "wrong record body",
            Self::Missing => "synced bytes are missing",
        })
    }
}

/// The log could not be opened at all. Damage is no such error: see [`crate::Recovery::Damaged`].
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Written by a newer program: update this one.
    #[error("{file} has version {got}, this program knows {supported}")]
    NewerVersion {
        /// File that says so.
        file: String,
        /// Its version.
        got: u8,
        /// The newest version this program knows.
        supported: u8,
    },
    /// The storage failed.
    #[error("cannot open the log")]
    Io(#[from] io::Error),
}

/// A record was not appended; the log is as before the call unless it says `Poisoned`.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Split it: head and body together exceed the limit.
    #[error("a record of {got} bytes exceeds {max}")]
    TooLarge {
        /// Bytes of head and body.
        got: u64,
        /// [`crate::Options::max_record`].
        max: u32,
    },
    /// Free some space and try again; the log stays usable.
    #[error("the disk is full")]
    DiskFull(#[source] io::Error),
    /// The storage failed; the log is poisoned.
    #[error("cannot append")]
    Io(#[source] io::Error),
    /// An earlier failure: open the log again.
    #[error("the log must be opened again after a failed write or sync")]
    Poisoned,
    /// The log is damaged: repair it from other holders.
    #[error("the log is read-only: {0}")]
    ReadOnly(Damage),
}

/// Nothing since the last successful sync may be acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Free some space and sync again; the log stays usable.
    #[error("the disk is full")]
    DiskFull(#[source] io::Error),
    /// The sync failed; the log is poisoned.
    #[error("cannot sync")]
    Io(#[source] io::Error),
    /// An earlier failure: open the log again.
    #[error("the log must be opened again after a failed write or sync")]
    Poisoned,
    /// The log is damaged: repair it from other holders.
    #[error("the log is read-only: {0}")]
    ReadOnly(Damage),
}

/// A record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such record.
    #[error("record {index} of {len}")]
    OutOfRange {
        /// What was asked for.
        index: u64,
        /// How many there are.
        len: u64,
    },
    /// The stored bytes are not what was appended: fetch the record from another holder.
    #[error("damaged: {0}")]
    Damaged(Damage),
    /// The storage failed.
    #[error("cannot read")]
    Io(#[from] io::Error),
}

/// Bodies were not purged, or not all: call again with the same records once the cause is gone.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// There is no such record; nothing was purged.
    #[error("record {index} of {len}")]
    OutOfRange {
        /// What was asked for.
        index: u64,
        /// How many there are.
        len: u64,
    },
    /// What was appended before could not be synced first.
    #[error("cannot sync before purging")]
    Sync(#[from] SyncError),
    /// A segment is copied before it is replaced, and there is no room for that.
    #[error("the disk is full")]
    DiskFull(#[source] io::Error),
    /// The record's frame cannot be read, so its body cannot be told from its neighbours.
    #[error("damaged: {0}")]
    Damaged(Damage),
    /// The storage failed.
    #[error("cannot purge")]
    Io(#[source] io::Error),
}

/// Whether freeing space would help.
pub(crate) fn is_disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
