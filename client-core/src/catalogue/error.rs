//! What went wrong, as a stable code, a sentence, and the way out.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::SlotView;

/// Stable codes; the desk and the command line map them to text and exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// A field is missing, too long or nonsense.
    InvalidInput,
    /// No such client, visit, room, ...
    NotFound,
    /// The slot is taken; alternatives are given.
    SlotTaken,
    /// Outside hours, in the past, on a closed day: confirm to go on.
    NeedsConfirmation,
    /// A local time that the clock change skips.
    TimeDoesNotExist,
    /// The state does not follow on the present one.
    IllegalTransition,
    /// The seat's role may not do this.
    NotAllowed,
    /// Nothing (more) to take back.
    NothingToUndo,
    /// The passphrase is wrong.
    WrongPassphrase,
    /// The PIN is wrong.
    WrongPin,
    /// Too many wrong PINs: give a passphrase of this computer too.
    PinLocked,
    /// This computer, or the person at it, was removed from the practice.
    Removed,
    /// The recovery words are wrong.
    WrongRecoveryWords,
    /// The recovery words were replaced by newer ones.
    ReplacedWords,
    /// The relay hides what stands on the recovery kit, or lost it.
    HidesActs,
    /// This home is not founded or joined yet.
    NoPractice,
    /// This home holds a practice already.
    AlreadyFounded,
    /// Another process uses this home.
    HomeInUse,
    /// Locked: unlock first.
    Locked,
    /// Local data are damaged; sync anew or restore a backup.
    Damaged,
    /// Written by a newer program.
    NewerVersion,
    /// A key is missing for what was asked.
    MissingKey,
    /// The system's keystore is locked or does not answer: the keys stay as they are.
    KeystoreSilent,
    /// The system's keystore does not hold the secret of this home.
    KeystoreMissing,
    /// Nothing was heard from the relay for so long that only the schedule opens.
    LeaseOver,
    /// The disk is full or nearly so.
    DiskFull,
    /// Another storage fault.
    Storage,
    /// The join code is wrong.
    BadJoinCode,
    /// The invitation has expired.
    InviteExpired,
    /// The invitation was used already.
    InviteUsed,
    /// No relay is set, or it does not answer.
    RelayUnreachable,
    /// The relay refused.
    RelayRefused,
    /// The relay is another one than the practice pinned.
    WrongRelay,
    /// A fault of the program itself.
    Internal,
}

/// A refusal. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Its stable code.
    pub code: ErrorCode,
    /// What went wrong, in a sentence without personal data.
    pub message: String,
    /// The way out, in a sentence.
    pub help: String,
    /// Which field, for forms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub field: Option<String>,
    /// The next best slots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<SlotView>,
    /// What to confirm, for `needs_confirmation`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

impl Refusal {
    /// A refusal with a code, what went wrong, and the way out.
    pub fn new(code: ErrorCode, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: help.into(),
            field: None,
            alternatives: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The same, naming the form field at fault.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

/// What a person should know before going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// It starts in the past.
    InThePast,
    /// The site is closed then.
    SiteClosed,
    /// The member of staff does not work then.
    StaffNotWorking,
    /// The local time occurs twice that day; the first is meant.
    ClockChangesTwice,
    /// More than two years ahead.
    FarAhead,
    /// The clock of this machine is far off the relay's.
    ClockOff,
    /// The client has an entry with the same phone number already.
    PhoneKnown,
    /// The member of staff is not listed for this service.
    StaffNotForService,
    /// What is kept about the client may not be used: treat an emergency or what the client asked
    /// for, and nothing more.
    ClientRestricted,
}
