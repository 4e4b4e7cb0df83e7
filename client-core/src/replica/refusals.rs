//! Faults of the parts below, in words for people. No text here holds anything that was typed.

use schedule::{BodyError, GridError, IntentError};
use sync_protocol::{ErrorCode as WireCode, GovernanceError};

use crate::{
    catalogue::{ErrorCode, Refusal},
    documents::{DocumentError, PrivateBodyError},
    ledger::LedgerError,
    sealing::{JoinCodeError, OpenError, SealError},
};

/// A fault of the program itself.
pub(crate) fn internal(what: impl Into<String>) -> Refusal {
    Refusal::new(
        ErrorCode::Internal,
        what,
        "Nothing was changed. Try again; if it stays, report it.",
    )
}

/// A field that is missing, too long or nonsense.
pub(crate) fn invalid(field: &str, message: impl Into<String>, help: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::InvalidInput, message, help).at(field)
}

/// An id that names nothing here.
pub(crate) fn not_found(field: &str, what: &str) -> Refusal {
    Refusal::new(
        ErrorCode::NotFound,
        format!("There is no such {what} in this book."),
        "It may still be on the way from another device; look again after the next sync.",
    )
    .at(field)
}

/// A right that the seat's role does not have.
pub(crate) fn not_allowed(what: &str, who: &str) -> Refusal {
    Refusal::new(
        ErrorCode::NotAllowed,
        format!("This seat may not {what}."),
        format!("Ask {who}."),
    )
}

pub(crate) fn missing_key() -> Refusal {
    Refusal::new(
        ErrorCode::MissingKey,
        "The key to seal this has not arrived yet.",
        "Connect to the relay once, so that the keys of this seat arrive.",
    )
}

fn too_long() -> Refusal {
    Refusal::new(
        ErrorCode::InvalidInput,
        "What was entered is too long to be saved in one piece.",
        "Shorten it, or split it.",
    )
}

impl From<LedgerError> for Refusal {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::DiskFull => Self::new(
                ErrorCode::DiskFull,
                "The disk is full; this was not saved.",
                "Free some space and do it again. Nothing saved before is lost.",
            ),
            LedgerError::Storage(what) => Self::new(
                ErrorCode::Storage,
                format!("The local log cannot be written: {what}."),
                "Close Daybook and open it again. Nothing saved before is lost.",
            ),
            LedgerError::Damaged(what) => Self::new(
                ErrorCode::Damaged,
                format!("Local data are damaged: {what}."),
                "Join anew with a code, or restore a backup.",
            ),
            LedgerError::NewerVersion => Self::new(
                ErrorCode::NewerVersion,
                "These data were written by another version of Daybook.",
                "Install the newest version. What a draft wrote, before version 1, is not read any more: join anew with a code.",
            ),
            LedgerError::Governance(error) => error.into(),
            LedgerError::Empty => Self::new(
                ErrorCode::NoPractice,
                "No practice was founded or joined here.",
                "Found one, or join with a code.",
            ),
            LedgerError::TooLarge => too_long(),
            LedgerError::MissingKey => missing_key(),
            LedgerError::Gap { .. } | LedgerError::BadHead { .. } | LedgerError::Malformed => {
                Self::new(
                    ErrorCode::RelayRefused,
                    "What the other side sent does not hold.",
                    "Connect again. If it stays, somebody should look at the relay.",
                )
            }
        }
    }
}

impl From<GovernanceError> for Refusal {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "the other reasons are told in the chain's own words"
    )]
    fn from(error: GovernanceError) -> Self {
        match error {
            GovernanceError::ExpiredInvite => refusal_of_join(WireCode::ExpiredInvite),
            GovernanceError::UsedInvite => refusal_of_join(WireCode::UsedInvite),
            GovernanceError::RevokedInvite => refusal_of_join(WireCode::RevokedInvite),
            GovernanceError::NotAuthorised => not_allowed("do this", "an owner"),
            GovernanceError::LastOwner => Self::new(
                ErrorCode::NotAllowed,
                "A practice keeps at least one owner.",
                "Make somebody else an owner first.",
            ),
            other => Self::new(
                ErrorCode::Internal,
                format!("The practice's chain does not take this: {other}."),
                "Sync, then try again.",
            ),
        }
    }
}

impl From<SealError> for Refusal {
    fn from(error: SealError) -> Self {
        match error {
            SealError::TooLong { .. } => too_long(),
            SealError::MissingKey => missing_key(),
            SealError::BadRecipient => internal("A seat's public key is not acceptable."),
        }
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::MissingKey => missing_key(),
            OpenError::UnknownVersion { .. } => LedgerError::NewerVersion.into(),
            OpenError::WrongKey | OpenError::Damaged => Self::new(
                ErrorCode::BadJoinCode,
                "The code does not open what the invitation holds.",
                "Ask for a new code.",
            ),
        }
    }
}

impl From<IntentError> for Refusal {
    fn from(error: IntentError) -> Self {
        match error {
            IntentError::NoSuchClaim(_) => not_found("appointment", "visit"),
            IntentError::IllegalStep { .. } => illegal_step(),
            IntentError::UnknownZone => invalid(
                "zone",
                "This is not a known time zone.",
                "Use a name such as Europe/Madrid.",
            ),
            IntentError::DecisionTooLong | IntentError::InvalidDecision(_) => invalid(
                "verdicts",
                "These answers do not go together in one decision.",
                "Give one answer per visit, and fewer at once.",
            ),
            IntentError::AlreadyBooked(_)
            | IntentError::AlreadyDecided(_)
            | IntentError::PointsToItself
            | IntentError::Write(_) => internal("The schedule could not be written."),
        }
    }
}

pub(crate) fn illegal_step() -> Refusal {
    Refusal::new(
        ErrorCode::IllegalTransition,
        "A visit in this state cannot take that step.",
        "Take the steps one at a time; `next_states` of the visit lists those that are possible.",
    )
    .at("state")
}

impl From<GridError> for Refusal {
    fn from(error: GridError) -> Self {
        match error {
            GridError::NoCapacity => invalid(
                "capacity",
                "A room holds at least one visit.",
                "Give 1 or more.",
            ),
            GridError::UnknownZone => IntentError::UnknownZone.into(),
            GridError::Write(_) => internal("The grid could not be written."),
        }
    }
}

impl From<DocumentError> for Refusal {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Unsafe(_) => too_long(),
            DocumentError::Library | DocumentError::Inconsistent(_) => {
                internal("A document could not be written.")
            }
        }
    }
}

impl From<PrivateBodyError> for Refusal {
    fn from(error: PrivateBodyError) -> Self {
        match error {
            PrivateBodyError::TooLarge => too_long(),
            PrivateBodyError::NewerVersion(_)
            | PrivateBodyError::ChangeCount
            | PrivateBodyError::Malformed => internal("An entry could not be put together."),
        }
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => too_long(),
            BodyError::NewerVersion(_)
            | BodyError::ChangeCount
            | BodyError::UnknownZone
            | BodyError::Malformed
            | BodyError::NotCanonical => internal("An entry could not be put together."),
        }
    }
}

/// Why the relay, or the chain, does not let a newcomer in.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "the other codes are told in the relay's own words"
)]
pub fn refusal_of_join(code: WireCode) -> Refusal {
    match code {
        WireCode::ExpiredInvite => Refusal::new(
            ErrorCode::InviteExpired,
            "This invitation has expired.",
            "Ask an owner or manager for a new code.",
        ),
        WireCode::RevokedInvite => Refusal::new(
            ErrorCode::InviteExpired,
            "This invitation was called back.",
            "Ask an owner or manager for a new code.",
        ),
        WireCode::UsedInvite => Refusal::new(
            ErrorCode::InviteUsed,
            "This invitation was used already.",
            "Each code lets one device in: ask for a new one.",
        ),
        WireCode::WrongRelay | WireCode::UnknownOrganisation => Refusal::new(
            ErrorCode::WrongRelay,
            "The relay that answers is not the one this practice trusts.",
            "Check the address; ask the owner whether the relay was replaced.",
        ),
        WireCode::WrongVersion => Refusal::new(
            ErrorCode::NewerVersion,
            "The relay speaks a newer version.",
            "Install the newer version of Daybook.",
        ),
        other => Refusal::new(
            ErrorCode::RelayRefused,
            format!("The relay refused: {}.", other.as_str()),
            "Try again; if it stays, ask whoever runs the relay.",
        ),
    }
}

/// Why text is not a join code.
pub fn refusal_of_code(error: JoinCodeError) -> Refusal {
    let code = match error {
        JoinCodeError::NewerVersion { .. } => ErrorCode::NewerVersion,
        JoinCodeError::Character { .. } | JoinCodeError::Typo | JoinCodeError::Malformed => {
            ErrorCode::BadJoinCode
        }
    };
    let mut text = error.to_string();
    if let Some(first) = text.get(..1).map(str::to_uppercase) {
        text.replace_range(..1, &first);
    }
    Refusal::new(
        code,
        format!("{text}."),
        "Compare it with the code that was given; letters and digits only, in groups of five.",
    )
    .at("code")
}
