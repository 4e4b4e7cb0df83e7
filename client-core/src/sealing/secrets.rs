//! The secrets themselves: wiped when dropped, and mute when printed.

use core::fmt;
use std::collections::BTreeMap;

use rand_core::CryptoRng;
use sync_protocol::{InviteId, KeyId, OrgId, SealKey, SeatId, SigningKey};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{
    derive::{self, domain},
    wrap,
};

/// Declares a secret of `$len` random bytes.
macro_rules! secret {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Zeroize, ZeroizeOnDrop)]
        pub struct $name([u8; $len]);

        impl $name {
            /// A fresh one.
            pub fn generate(rng: &mut impl CryptoRng) -> Self {
                Self(derive::random(rng))
            }

            /// The secret with these bytes.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// Its bytes. They must not end up in a log, an error or an unsealed file.
            pub const fn expose(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

secret!(
    /// What the seats of one role share in one epoch; opens compartment keys.
    RoleKey, 32
);
secret!(
    /// The key of a compartment in one epoch.
    CompartmentKey, 32
);
secret!(
    /// The key of one client or pet in one compartment.
    SubjectKey, 32
);
secret!(
    /// A key of this machine alone, for caches and backups.
    BlobKey, 32
);
secret!(
    /// Opens a home without a passphrase. Lies beside it in clear: whoever reads the disk has it.
    MachineKey, 32
);
secret!(
    /// What the system's keystore keeps for a key file.
    KeystoreSecret, 32
);
secret!(
    /// The secret part of a join code.
    JoinSecret, 16
);
secret!(
    /// An X25519 private key, for what others seal to a seat.
    SealSecret, 32
);
secret!(
    /// The X25519 private key that follows from the recovery words.
    RecoverySecret, 32
);

macro_rules! key_id {
    ($($name:ident)*) => {$(
        impl $name {
            /// Its name, which follows from the key.
            pub fn id(&self) -> KeyId {
                derive::key_id(&self.0)
            }
        }
    )*};
}
key_id!(RoleKey CompartmentKey SubjectKey BlobKey);

impl SealSecret {
    /// What others seal to.
    pub fn public(&self) -> SealKey {
        wrap::public_of(&self.0)
    }
}

impl RecoverySecret {
    /// What recovery copies are sealed to.
    pub fn public(&self) -> SealKey {
        wrap::public_of(&self.0)
    }
}

impl JoinSecret {
    /// The invitation's one-time key: signs the newcomer's `Join` and `AddSeat`.
    pub fn signing_key(&self, org: OrgId, invite: InviteId) -> SigningKey {
        SigningKey::from_bytes(&self.derive(domain::JOIN_SIGNING, org, invite))
    }

    /// The key that the invitation's keys are wrapped with.
    pub(super) fn wrap_key(&self, org: OrgId, invite: InviteId) -> Zeroizing<[u8; 32]> {
        self.derive(domain::JOIN_WRAP, org, invite)
    }

    fn derive(&self, domain: &str, org: OrgId, invite: InviteId) -> Zeroizing<[u8; 32]> {
        let context = [*org.as_bytes(), *invite.as_bytes()].concat();
        derive::derive(&self.0, domain, &context)
    }
}

/// A key that entries or blobs are sealed with.
#[derive(Clone, Copy)]
pub enum ContentKey<'a> {
    /// A compartment's.
    Compartment(&'a CompartmentKey),
    /// A client's or pet's.
    Subject(&'a SubjectKey),
    /// This machine's.
    Local(&'a BlobKey),
}

impl ContentKey<'_> {
    /// Its name.
    pub fn id(&self) -> KeyId {
        derive::key_id(self.expose())
    }

    pub(super) const fn expose(&self) -> &[u8; 32] {
        match self {
            Self::Compartment(key) => key.expose(),
            Self::Subject(key) => key.expose(),
            Self::Local(key) => key.expose(),
        }
    }
}

impl fmt::Debug for ContentKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compartment(_) => "Compartment(..)",
            Self::Subject(_) => "Subject(..)",
            Self::Local(_) => "Local(..)",
        })
    }
}

impl<'a> From<&'a CompartmentKey> for ContentKey<'a> {
    fn from(key: &'a CompartmentKey) -> Self {
        Self::Compartment(key)
    }
}

impl<'a> From<&'a SubjectKey> for ContentKey<'a> {
    fn from(key: &'a SubjectKey) -> Self {
        Self::Subject(key)
    }
}

impl<'a> From<&'a BlobKey> for ContentKey<'a> {
    fn from(key: &'a BlobKey) -> Self {
        Self::Local(key)
    }
}

/// What a seat is: the key it signs with and the key that others seal to.
#[derive(Clone)]
pub struct SeatSecrets {
    /// Signs entries and acts; wiped by its own type.
    pub signing: SigningKey,
    /// Opens what is sealed to the seat.
    pub sealing: SealSecret,
}

impl SeatSecrets {
    /// Fresh secrets.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self {
            signing: signing_key(rng),
            sealing: SealSecret::generate(rng),
        }
    }
}

impl fmt::Debug for SeatSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeatSecrets(..)")
    }
}

/// What a device is: the key it signs in with.
#[derive(Clone)]
pub struct DeviceSecrets {
    /// Signs in to the relay; wiped by its own type.
    pub signing: SigningKey,
}

impl DeviceSecrets {
    /// Fresh secrets.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self {
            signing: signing_key(rng),
        }
    }
}

impl fmt::Debug for DeviceSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceSecrets(..)")
    }
}

fn signing_key(rng: &mut impl CryptoRng) -> SigningKey {
    SigningKey::from_bytes(&Zeroizing::new(derive::random(rng)))
}

/// Everything secret that a home keeps; see [`super::KeyFile`].
#[derive(Debug, Clone)]
pub struct HomeSecrets {
    /// The machine's own.
    pub device: DeviceSecrets,
    /// Its seats.
    pub seats: BTreeMap<SeatId, SeatSecrets>,
    /// For caches and backups.
    pub local: BlobKey,
    /// The secret of the invitation that is being redeemed, until the rows for the new seat are
    /// safely in the key table.
    pub joining: Option<(InviteId, JoinSecret)>,
}

impl HomeSecrets {
    /// Those of a fresh machine with one seat.
    pub fn new(
        rng: &mut impl CryptoRng,
        device: DeviceSecrets,
        seat: SeatId,
        secrets: SeatSecrets,
    ) -> Self {
        Self {
            device,
            seats: BTreeMap::from([(seat, secrets)]),
            local: BlobKey::generate(rng),
            joining: None,
        }
    }
}
