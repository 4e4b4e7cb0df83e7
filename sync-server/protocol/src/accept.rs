//! What an entry is worth: a pure function of the entry, the protocol and the governance chain.
//!
//! Every replica and the relay ask the same question and get the same answer, so that none hides
//! what another shows. An answer other than [`Acceptance::Wait`] changes only when the chain
//! grows: the removal of a seat masks what it wrote afterwards.

use ed25519_dalek::VerifyingKey;

use crate::{
    entry::{Entry, VerifyError},
    governance::Governance,
};

/// What to do with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// Use it.
    Accept,
    /// Well formed, but its author was not entitled: keep it, apply it so that what depends on it
    /// does not hang, and do not render it.
    Mask(MaskReason),
    /// Keep its bytes away from everything.
    Withhold(RefuseReason),
    /// Its author, or who took its body away, knew more of the governance chain than we do: ask
    /// again at this height.
    Wait {
        /// The height that is needed.
        governance_height: u32,
    },
}

/// Why an entry is not rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MaskReason {
    /// The seat was not there yet at the height the entry names.
    #[error("the seat was not a member at that height")]
    NotMember,
    /// Written after what the removal of the seat let stand.
    #[error("written after the seat was removed")]
    AfterRemoval,
    /// The seat's role does not write this feed.
    #[error("the seat's role may not write this feed")]
    Role,
}

/// Why an entry's bytes are kept away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefuseReason {
    /// Of another organisation.
    #[error("the entry belongs to another organisation")]
    WrongOrganisation,
    /// Its author lived in another governance history.
    #[error("the entry names another governance history")]
    Fork,
    /// Nobody of this organisation.
    #[error("the seat is unknown")]
    UnknownSeat,
    /// The seat does not work on that device.
    #[error("the seat does not belong to that device")]
    WrongDevice,
    /// Not signed by its seat.
    #[error("the entry is not signed by its seat")]
    BadSignature,
    /// The body is not the one the header names.
    #[error("the body is not the one that was signed")]
    BodyMismatch,
}

/// Decides about an entry.
pub fn accept(entry: &Entry, governance: &Governance) -> Acceptance {
    decide(entry, governance, |entry, key| {
        entry.verify(key).map(|_| ())
    })
}

/// [`accept`] without the signature: for an entry that [`accept`] took or masked before and that
/// was kept where its bytes cannot change unnoticed. Which key a seat signs with never changes, so
/// the signature is as good as it was. Everything that follows from the chain, and the body's
/// hash, are looked at as always.
pub fn accept_known(entry: &Entry, governance: &Governance) -> Acceptance {
    decide(entry, governance, |entry, _| entry.check_body())
}

fn decide(
    entry: &Entry,
    governance: &Governance,
    check: impl FnOnce(&Entry, &VerifyingKey) -> Result<(), VerifyError>,
) -> Acceptance {
    let header = entry.header();
    let (height, head) = header.governance;
    if header.org != governance.org() {
        return Acceptance::Withhold(RefuseReason::WrongOrganisation);
    }
    // A known seat's bytes are checked at once, so that waiting costs a forger something.
    let seat = governance.seat(header.seat);
    if let Some(seat) = seat {
        if seat.device() != header.device {
            return Acceptance::Withhold(RefuseReason::WrongDevice);
        }
        match check(entry, seat.key()) {
            Ok(()) => {}
            Err(VerifyError::BadSignature) => {
                return Acceptance::Withhold(RefuseReason::BadSignature);
            }
            Err(VerifyError::BodyMismatch) => {
                return Acceptance::Withhold(RefuseReason::BodyMismatch);
            }
        }
    }
    match governance.hash_at(height) {
        None => {
            return Acceptance::Wait {
                governance_height: height,
            };
        }
        Some(known) if known != head => return Acceptance::Withhold(RefuseReason::Fork),
        Some(_) => {}
    }
    let Some(seat) = seat else {
        return Acceptance::Withhold(RefuseReason::UnknownSeat);
    };
    if entry.body().is_none() && governance.must_purge(header).is_none() {
        // Whoever took the body away knew an erasure that is not here yet, or had no right to.
        return Acceptance::Wait {
            governance_height: governance.height().saturating_add(1),
        };
    }
    if seat.removed().is_some()
        && seat
            .last_accepted(header.incarnation)
            .is_none_or(|last| header.sequence > last)
    {
        return Acceptance::Mask(MaskReason::AfterRemoval);
    }
    let planted = governance.planted();
    let now = seat.role().filter(|_| planted.role_of_now);
    let then = seat.role_at(height).filter(|_| planted.role_of_then);
    if let Some(role) = now.or(then) {
        return if governance.may_write_at(height, role, header.feed) {
            Acceptance::Accept
        } else {
            Acceptance::Mask(MaskReason::Role)
        };
    }
    let mut roles = seat.roles_of(header).peekable();
    if roles.peek().is_none() {
        Acceptance::Mask(MaskReason::NotMember)
    } else if roles.all(|(since, role)| governance.may_write_at(since, role, header.feed)) {
        Acceptance::Accept
    } else {
        Acceptance::Mask(MaskReason::Role)
    }
}
