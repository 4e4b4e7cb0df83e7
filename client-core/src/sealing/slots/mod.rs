//! The key file of a home: its secrets, behind passphrases and PINs.
//!
//! One part holds what is the computer's own, one part for each person who works there holds that
//! person's keys. Each part is sealed under a random master key; each slot of a part wraps its
//! master key for one way in. The sealed secrets are bound to all slots and parts, so none can be
//! taken away or put back unseen. A checksum tells damage from a wrong passphrase.
//!
//! ```text
//!   "daybook\0" | version | CBOR [org, [slot, ...], sealed, [[seat, [slot, ...], sealed], ...]]
//!               | BLAKE3 of all before it
//! ```
//!
//! Where the system's keystore takes part, all that is in an envelope of its own: see `kept`.
//!
//! Start with [`KeyFile::create`], [`KeyFile::open_with_passphrase`] and [`Unlocked::open_seat`].

mod content;
mod cost;
mod kept;
mod pin;
mod slot;
mod unlocked;

#[cfg(test)]
mod tests;

use core::fmt;

use rand_core::CryptoRng;
use sync_protocol::{OrgId, SealKey};
use zeroize::Zeroizing;

use self::{
    content::{Content, SeatPart, device_bound, read_device},
    cost::SALT_LEN,
    kept::Outer,
    pin::PinSecret,
    slot::{Master, Slot, Whose, open_recovery},
};
use super::{
    HomeSecrets, KeystoreSecret, MachineKey, RecoverySecret, SealError, cbor,
    derive::{self, BoxError, domain},
};

pub use self::{
    cost::{Cost, CostError},
    kept::{KeystoreId, Keystored},
    pin::{MAX_TRIES, PinError, check_pin},
    unlocked::{Known, NewSeat, Unlocked},
};

const MAGIC: [u8; 8] = *b"daybook\0";
const FILE_VERSION: u8 = 1;
/// Version 1 in the envelope of the system's keystore.
const KEPT_VERSION: u8 = 2;
const CHECKSUM_LEN: usize = 32;
const CHECKSUM_CONTEXT: &str = "daybook/1 key file checksum";
const MAX_FILE: usize = 256 * 1024;
const MAX_SEATS: usize = 32;
/// A passphrase for each seat, the words and the machine key.
const MAX_SLOTS: usize = MAX_SEATS + 2;

/// Why a key file does not open, or cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// Another passphrase than the one that was set.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The words of another organisation.
    #[error("the recovery words are those of another organisation")]
    WrongRecoveryKey,
    /// Another machine's key.
    #[error("the machine key is wrong")]
    WrongMachineKey,
    /// Another PIN than the one that was set.
    #[error("the PIN is wrong")]
    WrongPin,
    /// Too many wrong PINs: a passphrase has to come along.
    #[error("too many wrong PINs")]
    PinLocked,
    /// It opens with a secret that the system's keystore keeps: see [`KeyFile::keystore`].
    #[error("the key file needs the system's keystore")]
    NeedsKeystore,
    /// The keystore keeps another secret under this name.
    #[error("the secret in the system's keystore is another one")]
    WrongKeystore,
    /// The PIN is not good enough.
    #[error("the PIN cannot be set")]
    Pin(#[from] PinError),
    /// No such seat at this computer, or one that is there already.
    #[error("there is no such seat in the key file")]
    UnknownSeat,
    /// More people than a computer has room for.
    #[error("the key file holds {MAX_SEATS} seats already")]
    TooManySeats,
    /// The file has no such way in.
    #[error("the key file has no slot of this kind")]
    NoSuchSlot,
    /// The file asks for more or less work than is acceptable.
    #[error("the key file's cost is not acceptable")]
    Cost(#[from] CostError),
    /// Written by a newer program: update this one.
    #[error("the key file is of the newer version {got}")]
    NewerVersion {
        /// What it says.
        got: u8,
    },
    /// Not the bytes that were written: take the file from a backup.
    #[error("the key file is damaged")]
    Damaged,
    /// There is no passphrase in the passphrase.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// Not enough memory to check a passphrase.
    #[error("not enough memory to check the passphrase")]
    OutOfMemory,
    /// The file cannot be sealed.
    #[error("the key file cannot be sealed")]
    Seal(#[from] SealError),
}

/// A key file that was read and is still locked.
pub struct KeyFile {
    org: OrgId,
    slots: Vec<Slot>,
    sealed: Vec<u8>,
    seats: Vec<SeatPart>,
    /// Around all that; it is empty until this is opened.
    outer: Option<Outer>,
    kept: Option<Keystored>,
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("org", &self.org)
            .field("slots", &self.slots.len())
            .field("seats", &self.seats.len())
            .finish_non_exhaustive()
    }
}

/// How a file is being opened: opens the device part and whose part it is.
enum Way<'a> {
    Passphrase {
        salt: [u8; SALT_LEN],
        key: Zeroizing<[u8; 32]>,
    },
    Recovery(&'a RecoverySecret),
    Machine(&'a MachineKey),
}

impl Way<'_> {
    /// The master key of a seat's part; none when this way is not the seat's.
    fn master(&self, whose: Whose, slots: &[Slot]) -> Result<Option<Master>, SlotError> {
        let key: &[u8; 32] = match self {
            Self::Passphrase { key, .. } => key,
            Self::Machine(key) => key.expose(),
            Self::Recovery(secret) => return open_recovery(slots, whose, secret).map(Some),
        };
        let Some(slot) = slots.iter().find(|slot| self.is(slot)) else {
            return Ok(None);
        };
        match slot.opened_under(whose, key) {
            Ok(master) => Ok(Some(master)),
            Err(BoxError::WrongKey) => Ok(None),
            Err(BoxError::Damaged) => Err(SlotError::Damaged),
        }
    }

    /// Whether a slot is this way in.
    fn is(&self, slot: &Slot) -> bool {
        match self {
            Self::Passphrase { salt, .. } => slot.is_salted(salt),
            Self::Machine(_) => slot.is_machine(),
            Self::Recovery(_) => slot.is_recovery(),
        }
    }
}

impl KeyFile {
    /// Secrets of a computer and its first seat, behind a passphrase and, for the recovery words,
    /// behind the organisation's recovery key. Write [`Unlocked::seal`] to disk.
    ///
    /// # Errors
    /// When there is no seat among the secrets, or no passphrase.
    pub fn create(
        rng: &mut impl CryptoRng,
        org: OrgId,
        secrets: HomeSecrets,
        passphrase: &str,
        cost: Cost,
        recovery: SealKey,
    ) -> Result<Unlocked, SlotError> {
        let mut unlocked = Self::begin(rng, org, secrets, recovery)?;
        unlocked.set_own_passphrase(rng, passphrase, cost)?;
        Ok(unlocked)
    }

    /// The same behind a machine key alone (and the recovery key). Whoever reads the disk reads
    /// everything: for tests and machines that nobody else reaches, never by default.
    ///
    /// # Errors
    /// When there is no seat among the secrets.
    pub fn create_insecure(
        rng: &mut impl CryptoRng,
        org: OrgId,
        secrets: HomeSecrets,
        machine: &MachineKey,
        recovery: SealKey,
    ) -> Result<Unlocked, SlotError> {
        let mut unlocked = Self::begin(rng, org, secrets, recovery)?;
        unlocked.add_machine_key(rng, machine)?;
        Ok(unlocked)
    }

    fn begin(
        rng: &mut impl CryptoRng,
        org: OrgId,
        secrets: HomeSecrets,
        recovery: SealKey,
    ) -> Result<Unlocked, SlotError> {
        let seat = *secrets.seats.keys().next().ok_or(SlotError::UnknownSeat)?;
        let master = Master::generate(rng);
        let slots = vec![Slot::recovery(rng, Whose::Device(org), recovery, &master)?];
        let mut unlocked = Unlocked {
            org,
            secrets,
            master,
            slots,
            pin: PinSecret::generate(rng),
            known: Vec::new(),
            open: None,
            parts: Vec::new(),
            keystore: None,
        };
        unlocked.begin_seat(rng, seat, "")?;
        Ok(unlocked)
    }

    /// Reads a key file; opens nothing yet.
    ///
    /// # Errors
    /// When it is damaged or of a newer version.
    pub fn decode(bytes: &[u8]) -> Result<Self, SlotError> {
        if bytes.len() > MAX_FILE {
            return Err(SlotError::Damaged);
        }
        let (body, sum) = bytes
            .split_last_chunk::<CHECKSUM_LEN>()
            .ok_or(SlotError::Damaged)?;
        let rest = body.strip_prefix(&MAGIC).ok_or(SlotError::Damaged)?;
        if blake3::derive_key(CHECKSUM_CONTEXT, body) != *sum {
            return Err(SlotError::Damaged);
        }
        let (version, content) = match rest.split_first() {
            None => return Err(SlotError::Damaged),
            Some((&version @ (FILE_VERSION | KEPT_VERSION), content)) => (version, content),
            Some((&got, _)) => return Err(SlotError::NewerVersion { got }),
        };
        if version == KEPT_VERSION {
            let outer: Outer = cbor::from_canonical(content).map_err(|_| SlotError::Damaged)?;
            return Ok(Self {
                org: outer.org,
                slots: Vec::new(),
                sealed: Vec::new(),
                seats: Vec::new(),
                outer: Some(outer),
                kept: None,
            });
        }
        let content: Content = cbor::from_canonical(content).map_err(|_| SlotError::Damaged)?;
        if content.fits() {
            Ok(Self::of(content, None))
        } else {
            Err(SlotError::Damaged)
        }
    }

    fn of(content: Content, kept: Option<Keystored>) -> Self {
        Self {
            org: content.org,
            slots: content.slots,
            sealed: content.sealed.into(),
            seats: content.seats,
            outer: None,
            kept,
        }
    }

    /// The secret of the system's keystore that is wanted first: [`KeyFile::with_keystore`].
    pub fn keystore(&self) -> Option<KeystoreId> {
        self.outer.as_ref().map(Outer::id)
    }

    /// Takes the envelope off; passphrases, PINs and machine key open what comes out.
    ///
    /// # Errors
    /// When the secret is another one, or the file is damaged.
    pub fn with_keystore(self, secret: &KeystoreSecret) -> Result<Self, SlotError> {
        let Some(outer) = &self.outer else {
            return Ok(self);
        };
        let kept = Keystored {
            id: outer.id(),
            secret: secret.clone(),
        };
        Ok(Self::of(outer.open(secret)?, Some(kept)))
    }

    /// The organisation.
    pub fn org(&self) -> OrgId {
        self.org
    }

    /// Whether it opens without a passphrase.
    pub fn has_machine_slot(&self) -> bool {
        self.slots.iter().any(Slot::is_machine)
    }

    /// Opens the device part and the seat whose passphrase this is. Takes as long as the cost says.
    ///
    /// # Errors
    /// When the passphrase is wrong or the file is damaged.
    pub fn open_with_passphrase(&self, passphrase: &str) -> Result<Unlocked, SlotError> {
        let (master, way) = self.try_passphrase(passphrase)?;
        self.unlock(master, &way)
    }

    /// Whether this is a passphrase of this computer, whosever it is.
    ///
    /// # Errors
    /// When it is not.
    pub fn check_passphrase(&self, passphrase: &str) -> Result<(), SlotError> {
        self.try_passphrase(passphrase).map(|_| ())
    }

    fn try_passphrase(&self, passphrase: &str) -> Result<(Master, Way<'static>), SlotError> {
        let mut tried = self.closed();
        for slot in &self.slots {
            if let Slot::Passphrase { cost, salt, .. } = slot {
                let key = cost.stretch(passphrase, *salt)?;
                match slot.opened_under(Whose::Device(self.org), &key) {
                    Ok(master) => {
                        let salt = *salt;
                        return Ok((master, Way::Passphrase { salt, key }));
                    }
                    Err(BoxError::WrongKey) => tried = SlotError::WrongPassphrase,
                    Err(BoxError::Damaged) => return Err(SlotError::Damaged),
                }
            }
        }
        Err(tried)
    }

    /// Opens the device part and the first seat with the key that follows from the recovery words.
    ///
    /// # Errors
    /// When the words are another organisation's or the file is damaged.
    pub fn open_with_recovery(&self, secret: &RecoverySecret) -> Result<Unlocked, SlotError> {
        if let Some(outer) = &self.outer {
            let kept = Keystored {
                id: outer.id(),
                secret: outer.recover(secret)?,
            };
            let content = outer.open(&kept.secret)?;
            return Self::of(content, Some(kept)).open_with_recovery(secret);
        }
        let master = open_recovery(&self.slots, Whose::Device(self.org), secret)?;
        self.unlock(master, &Way::Recovery(secret))
    }

    /// Opens the device part and the seat that was made with the machine key beside the file.
    ///
    /// # Errors
    /// When the key is another one or the file is damaged.
    pub fn open_with_machine_key(&self, key: &MachineKey) -> Result<Unlocked, SlotError> {
        let slot = self
            .slots
            .iter()
            .find(|slot| slot.is_machine())
            .ok_or(self.closed())?;
        match slot.opened_under(Whose::Device(self.org), key.expose()) {
            Ok(master) => self.unlock(master, &Way::Machine(key)),
            Err(BoxError::WrongKey) => Err(SlotError::WrongMachineKey),
            Err(BoxError::Damaged) => Err(SlotError::Damaged),
        }
    }

    /// Why there is no such way in.
    const fn closed(&self) -> SlotError {
        if self.outer.is_some() {
            SlotError::NeedsKeystore
        } else {
            SlotError::NoSuchSlot
        }
    }

    fn unlock(&self, master: Master, way: &Way<'_>) -> Result<Unlocked, SlotError> {
        let plain = derive::open_box(
            &master.0,
            domain::SECRETS,
            &[],
            &device_bound(self.org, &self.slots, &self.seats),
            &self.sealed,
        )
        .map_err(|_| SlotError::Damaged)?;
        let device = read_device(&plain).ok_or(SlotError::Damaged)?;
        let told = device.known.iter().map(|known| known.seat);
        if !told.eq(self.seats.iter().map(|part| part.seat)) {
            return Err(SlotError::Damaged);
        }
        let mut unlocked = Unlocked {
            org: self.org,
            secrets: HomeSecrets {
                device: device.device,
                seats: std::collections::BTreeMap::new(),
                local: device.local,
                joining: None,
            },
            master,
            slots: self.slots.clone(),
            pin: device.pin,
            known: device.known,
            open: None,
            parts: self.seats.clone(),
            keystore: self.kept.clone(),
        };
        for part in &self.seats {
            if let Some(master) = way.master(Whose::Seat(self.org, part.seat), &part.slots)? {
                unlocked.take_open(part.seat, master)?;
                break;
            }
        }
        Ok(unlocked)
    }
}
