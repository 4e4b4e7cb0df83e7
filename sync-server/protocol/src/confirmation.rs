//! The relay's grant or refusal of a claim's placement: an item of the schedule feed.

use minicbor::{Decode, Encode};

use crate::{
    codec::DecodeError,
    domain,
    feed::FeedId,
    ids::{Hash, IncarnationId, OrgId},
    signed::{Signed, Statement},
};

/// Whether a claim may have the placement it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Confirmation {
    /// The organisation.
    #[n(0)]
    pub org: OrgId,
    /// The schedule feed it stands in.
    #[n(1)]
    pub feed: FeedId,
    /// The appointment.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub claim: [u8; 16],
    /// The hash of the placement that was asked for.
    #[n(3)]
    pub placement: Hash,
    /// The answer.
    #[n(4)]
    pub verdict: Verdict,
    /// The entry it answers: incarnation and sequence in it.
    #[n(5)]
    pub request: (IncarnationId, u64),
    /// Relay time, in seconds.
    #[n(6)]
    pub at: i64,
}

/// A [`Confirmation`] with the relay's signature.
pub type SignedConfirmation = Signed<Confirmation>;

/// The relay's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Verdict {
    /// The slot is this claim's.
    #[n(0)]
    Granted,
    /// It is not.
    #[n(1)]
    Refused(#[n(0)] RefusalReason),
}

/// Why a placement was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum RefusalReason {
    /// Another claim holds the slot.
    #[n(0)]
    Taken {
        /// The claim that holds it.
        #[cbor(n(0), with = "minicbor::bytes")]
        by: [u8; 16],
        /// Of which resource.
        #[cbor(n(1), with = "minicbor::bytes")]
        resource: [u8; 16],
    },
    /// The change depends on changes the relay does not have.
    #[n(1)]
    UnknownParents,
    /// The author may not book here.
    #[n(2)]
    NotAuthorised,
    /// The claim has moved on since; another placement is asked for.
    #[n(3)]
    Stale,
    /// Confirmations pause until an owner signs `RelayRestore`.
    #[n(4)]
    Paused,
}

impl Statement for Confirmation {
    const DOMAIN: &'static [u8] = domain::sign::CONFIRMATION;
    const HASH_CONTEXT: &'static str = domain::hash::CONFIRMATION;

    fn check(&self) -> Result<(), DecodeError> {
        if matches!(self.feed, FeedId::Schedule(_)) {
            Ok(())
        } else {
            Err(DecodeError::Impossible(
                "a confirmation outside a schedule feed",
            ))
        }
    }
}
