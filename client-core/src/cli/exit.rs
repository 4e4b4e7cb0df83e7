//! Exit codes: what a script can tell without reading text.

use crate::catalogue::ErrorCode;

/// The exit code for a refusal; 2 is left to wrong usage, 1 to everything without a code below.
pub fn exit_code(code: ErrorCode) -> u8 {
    match code {
        ErrorCode::InvalidInput
        | ErrorCode::NotFound
        | ErrorCode::TimeDoesNotExist
        | ErrorCode::IllegalTransition
        | ErrorCode::NothingToUndo => 3,
        ErrorCode::SlotTaken => 4,
        ErrorCode::NeedsConfirmation => 5,
        ErrorCode::NotAllowed => 6,
        ErrorCode::NoPractice | ErrorCode::AlreadyFounded => 7,
        ErrorCode::HomeInUse => 8,
        ErrorCode::Locked
        | ErrorCode::WrongPassphrase
        | ErrorCode::WrongPin
        | ErrorCode::PinLocked
        | ErrorCode::Removed
        | ErrorCode::WrongRecoveryWords
        | ErrorCode::ReplacedWords
        | ErrorCode::MissingKey
        | ErrorCode::KeystoreSilent
        | ErrorCode::LeaseOver
        | ErrorCode::KeystoreMissing => 9,
        ErrorCode::BadJoinCode | ErrorCode::InviteExpired | ErrorCode::InviteUsed => 10,
        ErrorCode::RelayUnreachable => 11,
        ErrorCode::RelayRefused | ErrorCode::WrongRelay | ErrorCode::HidesActs => 12,
        ErrorCode::Damaged | ErrorCode::NewerVersion => 13,
        ErrorCode::DiskFull | ErrorCode::Storage => 14,
        ErrorCode::Internal => 1,
    }
}
