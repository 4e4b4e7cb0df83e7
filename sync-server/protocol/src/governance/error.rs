//! Why an act is refused; every reason has its own name.

use crate::keys::KeyError;

/// Why an act is not the next one of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GovernanceError {
    /// The first act is not a genesis by the root key, at height 0, after nothing.
    #[error("a chain begins with a genesis")]
    NotAGenesis,
    /// Another organisation's act.
    #[error("the act belongs to another organisation")]
    WrongOrganisation,
    /// Already part of the chain: nothing to do.
    #[error("the act at height {height} is already part of the chain")]
    Replayed {
        /// Its height.
        height: u32,
    },
    /// The chain has moved on; write the act anew on the current head.
    #[error("the act is for height {got}, the chain expects {expected}")]
    WrongHeight {
        /// What the act says.
        got: u32,
        /// What comes next.
        expected: u32,
    },
    /// Follows another act than the one this chain holds at that height.
    #[error("the act follows another history at height {height}")]
    Fork {
        /// Its height.
        height: u32,
    },
    /// Not signed by the author it names.
    #[error("the act is not signed by its author")]
    BadSignature,
    /// A device or seat does not prove that it holds its key.
    #[error("the proof of a device or seat does not verify")]
    BadProof,
    /// A key that nobody should use.
    #[error("a key in the act is not acceptable")]
    Key(#[source] KeyError),
    /// No such seat, device or invitation signs here.
    #[error("the act's author is unknown or gone")]
    UnknownAuthor,
    /// The author may not do this.
    #[error("the act's author may not do this")]
    NotAuthorised,
    /// No invitation of this id.
    #[error("no such invitation")]
    UnknownInvite,
    /// The invitation's time is over.
    #[error("the invitation has expired")]
    ExpiredInvite,
    /// The invitation was redeemed before.
    #[error("the invitation was used before")]
    UsedInvite,
    /// The invitation was called back.
    #[error("the invitation was called back")]
    RevokedInvite,
    /// Who issued the invitation may no longer do so.
    #[error("the invitation lapsed with its issuer")]
    LapsedInvite,
    /// The invitation is for another role.
    #[error("the invitation is for another role")]
    WrongRole,
    /// No such device, or it is gone.
    #[error("unknown or removed device")]
    UnknownDevice,
    /// No such seat, or it is gone.
    #[error("unknown or removed seat")]
    UnknownSeat,
    /// An id or key that is in the chain already.
    #[error("the id or key is in the chain already")]
    Duplicate,
    /// Nobody would be left to run the organisation.
    #[error("the last owner cannot be removed or demoted")]
    LastOwner,
    /// An epoch that was restored before, or lies below one.
    #[error("the epoch is not above the last restored one")]
    StaleEpoch,
    /// A key that an earlier act erased.
    #[error("a key is named that was erased before")]
    ErasedBefore,
    /// A policy that this version does not know.
    #[error("there is no such policy")]
    UnknownPolicy,
    /// An erasure that names nothing, or begins without a subject.
    #[error("the erasure says nothing")]
    EmptyErasure,
}
