//! How long to wait before dialling again.

use jiff::SignedDuration;
use rand_core::Rng;
use sync_protocol::ErrorCode;

/// From this attempt on the pause is at its longest.
pub(super) const RARE: u32 = 8;

/// A quarter of a second, doubled per attempt up to a minute, of which a random half is taken, so
/// that the devices of a practice do not all come back in the same instant.
pub(super) fn pause(attempts: u32, random: &mut impl Rng) -> SignedDuration {
    let longest = 250_u64.saturating_mul(1 << attempts.min(RARE)).min(60_000);
    let half = longest / 2;
    let millis = half + random.next_u64() % (half + 1);
    SignedDuration::from_millis(i64::try_from(millis).unwrap_or(60_000))
}

/// Whether trying again without a person's help is pointless.
pub(super) fn needs_a_person(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::WrongVersion
            | ErrorCode::WrongRelay
            | ErrorCode::UnknownOrganisation
            | ErrorCode::UnknownDevice
            | ErrorCode::Removed
            | ErrorCode::BadSignature
            | ErrorCode::NotAuthorised
            | ErrorCode::Quota
            | ErrorCode::Closed
            | ErrorCode::BadTicket
            | ErrorCode::Fork
    )
}
