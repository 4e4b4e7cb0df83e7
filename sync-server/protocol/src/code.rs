//! Stable codes of what can go wrong between two parties.

use minicbor::{Decode, Encode};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// What went wrong, as a number that never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
            /// A code of a newer program; never one of the above.
            Other(u16),
        }

        impl ErrorCode {
            /// All codes this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its number.
            pub const fn number(self) -> u16 {
                match self {
                    $(Self::$name => $number,)*
                    Self::Other(number) => number,
                }
            }

            /// Its stable name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(_) => "other",
                }
            }

            /// The code of a number.
            pub const fn from_number(number: u16) -> Self {
                match number {
                    $($number => Self::$name,)*
                    other => Self::Other(other),
                }
            }
        }
    };
}

codes! {
    /// Bytes that are no frame, or a frame that does not belong here.
    BadFrame = 1, "bad_frame";
    /// Larger than a limit of the protocol.
    TooLarge = 2, "too_large";
    /// A version this side does not speak.
    WrongVersion = 3, "wrong_version";
    /// The relay does not serve this organisation.
    UnknownOrganisation = 10, "unknown_organisation";
    /// The organisation does not know this device.
    UnknownDevice = 11, "unknown_device";
    /// No seat of this device is left.
    Removed = 12, "removed";
    /// A signature does not verify.
    BadSignature = 13, "bad_signature";
    /// The author may not do this.
    NotAuthorised = 14, "not_authorised";
    /// Meant for another relay or host.
    WrongRelay = 15, "wrong_relay";
    /// No such feed, or not for this device.
    UnknownFeed = 16, "unknown_feed";
    /// Founding needs a ticket.
    Closed = 20, "closed";
    /// The ticket is wrong, used or expired.
    BadTicket = 21, "bad_ticket";
    /// The organisation's space is used up.
    Quota = 22, "quota";
    /// The organisation exists already.
    AlreadyFounded = 23, "already_founded";
    /// No such invitation.
    UnknownInvite = 30, "unknown_invite";
    /// The invitation's time is over.
    ExpiredInvite = 31, "expired_invite";
    /// The invitation was redeemed before.
    UsedInvite = 32, "used_invite";
    /// The act is not for the current head: write it anew.
    StaleGovernance = 33, "stale_governance";
    /// Another history of the same organisation.
    Fork = 34, "fork";
    /// An act that the chain does not allow.
    BadAct = 35, "bad_act";
    /// The invitation was called back.
    RevokedInvite = 36, "revoked_invite";
    /// The recovery words were replaced by newer ones.
    ReplacedWords = 37, "replaced_words";
    /// A change that would harm whoever applies it.
    UnsafeChange = 40, "unsafe_change";
    /// A change that depends on changes the relay does not have.
    UnknownParents = 41, "unknown_parents";
    /// Two entries with one place in an incarnation: this device was copied.
    DuplicateIncarnation = 42, "duplicate_incarnation";
    /// An entry does not follow the previous one of its incarnation.
    BrokenChain = 43, "broken_chain";
    /// The body is missing or not the one that was signed.
    BadBody = 44, "bad_body";
    /// It is about somebody who was erased, under a key that the erasure does not name.
    Erased = 45, "erased";
    /// The relay lost what it had acknowledged; send it again.
    RolledBack = 50, "rolled_back";
    /// The reader did not keep up and is cut.
    SlowReader = 51, "slow_reader";
    /// The relay stops; come back later.
    ShuttingDown = 52, "shutting_down";
    /// More than this party may send now.
    TooMany = 53, "too_many";
    /// The other side failed; the fault is not in what was sent.
    Internal = 54, "internal";
}

impl core::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<C> Encode<C> for ErrorCode {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.u16(self.number())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for ErrorCode {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.u16().map(Self::from_number)
    }
}

impl From<crate::GovernanceError> for ErrorCode {
    fn from(error: crate::GovernanceError) -> Self {
        use crate::GovernanceError as E;
        match error {
            E::WrongOrganisation => Self::UnknownOrganisation,
            E::Replayed { .. } | E::WrongHeight { .. } => Self::StaleGovernance,
            E::Fork { .. } => Self::Fork,
            E::BadSignature | E::BadProof => Self::BadSignature,
            E::UnknownAuthor | E::NotAuthorised => Self::NotAuthorised,
            E::UnknownInvite => Self::UnknownInvite,
            E::ExpiredInvite | E::LapsedInvite => Self::ExpiredInvite,
            E::UsedInvite => Self::UsedInvite,
            E::RevokedInvite => Self::RevokedInvite,
            E::NotAGenesis
            | E::Key(_)
            | E::WrongRole
            | E::UnknownDevice
            | E::UnknownSeat
            | E::Duplicate
            | E::LastOwner
            | E::StaleEpoch
            | E::ErasedBefore
            | E::UnknownPolicy
            | E::EmptyErasure => Self::BadAct,
        }
    }
}

impl From<crate::DecodeError> for ErrorCode {
    fn from(error: crate::DecodeError) -> Self {
        use crate::DecodeError as E;
        match error {
            E::NewerVersion { .. } => Self::WrongVersion,
            E::TooLarge { .. } => Self::TooLarge,
            E::Truncated
            | E::NotCanonical
            | E::UnknownFrame(_)
            | E::Malformed { .. }
            | E::Impossible(_)
            | E::Compression => Self::BadFrame,
        }
    }
}

impl From<crate::RefuseReason> for ErrorCode {
    fn from(reason: crate::RefuseReason) -> Self {
        use crate::RefuseReason as R;
        match reason {
            R::WrongOrganisation => Self::UnknownOrganisation,
            R::Fork => Self::Fork,
            R::UnknownSeat | R::WrongDevice => Self::NotAuthorised,
            R::BadSignature => Self::BadSignature,
            R::BodyMismatch => Self::BadBody,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_and_names_are_unique_and_read_back() {
        let numbers: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.number()).collect();
        let names: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(numbers.len(), ErrorCode::ALL.len());
        assert_eq!(names.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_number(code.number()), *code);
        }
        assert_eq!(ErrorCode::from_number(9999), ErrorCode::Other(9999));
    }
}
