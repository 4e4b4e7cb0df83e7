//! Keys, and everything that is sealed with them.
//!
//! Pure: no clock, no storage, no network; randomness is an argument. What always holds:
//!
//! * Whoever lacks a key learns a padded length and nothing else; whoever holds one opens exactly
//!   what was sealed with it: each ciphertext commits to its key and to the header it travels in.
//! * A secret is wiped when it goes out of use, and printing it shows its name only.
//! * Bytes that cannot be opened say why: another key, a key that is not held, damage, or a newer
//!   version. They are never silently skipped.
//!
//! ```text
//!   recovery words --> root signing key      seat secret      join secret
//!        |                                       |                |
//!        +--> recovery key --(HPKE)--> role key <-(HPKE)  role keys in the invitation
//!                                        |
//!                                  compartment key        (wrapped once per reading role)
//!                                        |
//!                                   subject key           (one client or pet)
//!                                        |
//!                                  entry and blob keys    (derived, used once)
//! ```
//!
//! Start with [`KeyRing`] for who opens what, [`seal`] and [`open`] for the bodies of entries,
//! [`KeyFile`] for the secrets of a home, [`JoinCode`] for invitations and [`RootSecret`] for
//! recovery. The written form is `docs/design/sealing.md`.

mod blob;
mod cbor;
mod compare;
mod compartment;
mod derive;
mod entry;
mod join_code;
mod kit;
mod pad;
mod ring;
mod rows;
mod secrets;
mod slots;
mod words;
mod wrap;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;

pub use blob::{open_blob, seal_blob};
pub use compare::{
    Comparisons, Nonce, Stage, Word, commitment, decode_word, encode_word, nonce_of, number,
};
pub use compartment::{Compartment, holds_key_of};
pub use entry::{MAX_PLAIN, OpenError, SUITE, SealError, open, seal};
pub use join_code::{JoinCode, JoinCodeError, RelayAddress};
pub use kit::{Anchor, Kit, KitError};
pub use ring::{KeyRing, Learned, Member, RefusedRow, Renewal, RowAuthor, keys_lost};
pub use rows::{KeyRow, MAX_ROWS, Recipient, decode_rows, encode_rows};
pub use secrets::{
    BlobKey, CompartmentKey, ContentKey, DeviceSecrets, HomeSecrets, JoinSecret, KeystoreSecret,
    MachineKey, RecoverySecret, RoleKey, SealSecret, SeatSecrets, SubjectKey,
};
pub use slots::{
    Cost, CostError, KeyFile, KeystoreId, Keystored, Known, MAX_TRIES, NewSeat, PinError,
    SlotError, Unlocked, check_pin,
};
pub use words::{RootSecret, WordsError};
