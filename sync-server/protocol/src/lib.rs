//! The language that devices and the relay speak: frames, entries, governance, heads.
//!
//! Pure: no clock, no storage, no network. Bytes in, checked values out. What always holds:
//!
//! * Decoding any bytes never panics, allocates no more than the bytes themselves justify, and
//!   accepts one spelling only: re-encoding what was read gives the same bytes.
//! * What is signed is kept as the bytes that were signed; nothing signs a re-encoding.
//! * Every structure that is signed or stored begins with a version. A newer one is refused with
//!   an error of its own, so that a person can be told to update.
//!
//! ```text
//!   device                                             relay
//!     |                <- Challenge(nonce)               |
//!     |  SignIn(all frontiers) ->                        |
//!     |  Push(outbox) ...      ->                        |
//!     |                <- Welcome(heads), Items(tails)   |
//!     |                <- Placed(positions, signed head) |
//! ```
//!
//! Start with [`Frame`] for the wire, [`Entry`] for what is written, [`Governance`] for who may
//! write it, and [`accept()`] for the one function that decides about an entry. The written
//! specification, with CDDL, is `docs/design/protocol.md`.

mod accept;
mod certificate;
mod code;
mod codec;
mod confirmation;
mod domain;
mod entry;
mod feed;
mod frame;
mod governance;
mod head;
pub mod ids;
mod keys;
mod known;
pub mod limits;
#[cfg(not(feature = "planted"))]
mod planted;
#[cfg(feature = "planted")]
pub mod planted;
mod receipt;
mod rows;
mod session;
mod signed;

pub use accept::{Acceptance, MaskReason, RefuseReason, accept, accept_known};
pub use certificate::{Certificate, CertificateError, Certified, Content};
pub use code::ErrorCode;
pub use codec::{DecodeError, VERSION};
pub use confirmation::{Confirmation, RefusalReason, SignedConfirmation, Verdict};
pub use entry::{Entry, EntryError, Header, Seal, SeenHead, Verified, VerifyError};
pub use feed::{FeedId, Have, Item, Position, chain_next, chain_start};
pub use frame::{Frame, Quota, Refusal, batches};
pub use governance::{
    Act, Author, Basis, DeviceGrant, DeviceState, Erased, Erasing, ErasureState, Governance,
    GovernanceError, InviteState, Policy, RelayPin, ReplacedRoot, Role, RootGrant, SeatGrant,
    SeatState, SignedAct, What,
};
pub use head::{Head, SignedHead};
pub use ids::{
    DeviceId, DocumentId, ErasureId, Hash, IncarnationId, InviteId, KeyId, OrgId, ParseIdError,
    SeatId, Site, SubjectId,
};
pub use keys::{KeyError, SealKey, Signature, VerifyKey};
pub use known::remember_good_signatures;
pub use receipt::ErasureReceipt;
pub use rows::{SubjectRow, subject_rows};
pub use session::{Join, SignIn, Still, Welcome};
pub use signed::{Signed, Statement};

pub use ed25519_dalek::SigningKey;
