//! What can go wrong with an organisation's log, by what the relay's operator can do about it.

use entry_log::{AppendError, Damage, PurgeError, ReadError, SyncError};
use sync_protocol::{DecodeError, GovernanceError, OrgId};

/// The log could not be read or written. But for [`StorageError::DiskFull`] the organisation is of
/// no use any more: close its connections and open it again.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Free some space and commit again: nothing was lost, nothing was acknowledged.
    #[error("the disk is full")]
    DiskFull,
    /// A record was not written.
    #[error("cannot append to the log")]
    Append(#[source] AppendError),
    /// What was written may not be on the disk.
    #[error("cannot sync the log")]
    Sync(#[source] SyncError),
    /// What was erased is still there.
    #[error("cannot purge the log")]
    Purge(#[source] PurgeError),
    /// A record could not be read.
    #[error("cannot read the log")]
    Read(#[from] ReadError),
    /// A record holds what no version of this program wrote.
    #[error("record {at} of the log is not readable")]
    Record {
        /// Its number.
        at: u64,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// A record's content contradicts the ones before it.
    #[error("the log contradicts itself: {0}")]
    Inconsistent(&'static str),
    /// An earlier failure: open the organisation again.
    #[error("the organisation must be opened again after a failure")]
    Failed,
}

impl From<AppendError> for StorageError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::DiskFull(_) => Self::DiskFull,
            error @ (AppendError::TooLarge { .. }
            | AppendError::Io(_)
            | AppendError::Poisoned
            | AppendError::ReadOnly(_)) => Self::Append(error),
        }
    }
}

impl From<SyncError> for StorageError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::DiskFull(_) => Self::DiskFull,
            error @ (SyncError::Io(_) | SyncError::Poisoned | SyncError::ReadOnly(_)) => {
                Self::Sync(error)
            }
        }
    }
}

/// An organisation was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The log's files cannot be opened, or are newer than this program.
    #[error("cannot open the log")]
    Log(#[from] entry_log::OpenError),
    /// Promised records are missing or wrong: put a backup in place, or begin anew and let the
    /// devices bring their entries back.
    #[error("the log is damaged: {0}")]
    Damaged(Damage),
    /// No organisation was founded here.
    #[error("the log is empty")]
    Empty,
    /// There is an organisation already.
    #[error("an organisation was founded here already")]
    NotEmpty,
    /// The log belongs to another organisation.
    #[error("the log belongs to {0}")]
    OtherOrganisation(OrgId),
    /// Not an act that founds an organisation, or a chain that does not hold.
    #[error("the governance chain does not hold")]
    Governance(#[from] GovernanceError),
    /// Reading or writing failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
