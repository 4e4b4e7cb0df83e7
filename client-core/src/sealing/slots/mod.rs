//! The key file of a home: its secrets, behind a passphrase.
//!
//! The secrets are sealed under a random master key; each slot wraps the master key for one way
//! in. The sealed secrets are bound to all slots, so none can be taken away or put back unseen. A
//! checksum tells damage from a wrong passphrase.
//!
//! ```text
//!   "daybook\0" | version | CBOR [org, [slot, ...], sealed secrets] | BLAKE3 of all before it
//! ```

mod content;
mod cost;
mod slot;

#[cfg(test)]
mod tests;

use core::fmt;

use minicbor::{Decode, Encode, bytes::ByteVec};
use rand_core::CryptoRng;
use sync_protocol::{OrgId, SealKey};

use self::{
    content::{read_secrets, write_secrets},
    slot::{Master, Slot},
};
use super::{
    HomeSecrets, MachineKey, RecoverySecret, SealError, cbor,
    derive::{self, BoxError, domain},
    wrap,
};

pub use self::cost::{Cost, CostError};

const MAGIC: [u8; 8] = *b"daybook\0";
const FILE_VERSION: u8 = 0;
const CHECKSUM_LEN: usize = 32;
const CHECKSUM_CONTEXT: &str = "daybook/0 key file checksum";
const MAX_FILE: usize = 256 * 1024;
const MAX_SLOTS: usize = 8;

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

#[derive(Encode, Decode)]
struct Content {
    #[n(0)]
    org: OrgId,
    #[n(1)]
    slots: Vec<Slot>,
    #[n(2)]
    sealed: ByteVec,
}

fn secrets_bound(org: OrgId, slots: &[Slot]) -> Vec<u8> {
    cbor::to_versioned(&(org, slots.to_vec()))
}

/// A key file that was read and is still locked.
pub struct KeyFile {
    org: OrgId,
    slots: Vec<Slot>,
    sealed: Vec<u8>,
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("org", &self.org)
            .field("slots", &self.slots.len())
            .finish_non_exhaustive()
    }
}

impl KeyFile {
    /// Secrets behind a passphrase and, for the recovery words, behind the organisation's
    /// recovery key. Write [`Unlocked::seal`] to disk.
    pub fn create(
        rng: &mut impl CryptoRng,
        org: OrgId,
        secrets: HomeSecrets,
        passphrase: &str,
        cost: Cost,
        recovery: SealKey,
    ) -> Result<Unlocked, SlotError> {
        let mut unlocked = Unlocked {
            org,
            secrets,
            master: Master::generate(rng),
            slots: Vec::new(),
        };
        unlocked.put_recovery(rng, recovery)?;
        unlocked.put_passphrase(rng, passphrase, cost)?;
        Ok(unlocked)
    }

    /// Secrets behind a machine key alone (and the recovery key). Whoever reads the disk reads
    /// everything: for tests and machines that nobody else reaches, never by default.
    pub fn create_insecure(
        rng: &mut impl CryptoRng,
        org: OrgId,
        secrets: HomeSecrets,
        machine: &MachineKey,
        recovery: SealKey,
    ) -> Result<Unlocked, SlotError> {
        let mut unlocked = Unlocked {
            org,
            secrets,
            master: Master::generate(rng),
            slots: Vec::new(),
        };
        unlocked.put_recovery(rng, recovery)?;
        unlocked.add_machine_key(rng, machine)?;
        Ok(unlocked)
    }

    /// Reads a key file; opens nothing yet.
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
        let content = match rest.split_first() {
            None => return Err(SlotError::Damaged),
            Some((&FILE_VERSION, content)) => content,
            Some((&got, _)) => return Err(SlotError::NewerVersion { got }),
        };
        let content: Content = cbor::from_canonical(content).map_err(|_| SlotError::Damaged)?;
        if content.slots.len() > MAX_SLOTS {
            return Err(SlotError::Damaged);
        }
        Ok(Self {
            org: content.org,
            slots: content.slots,
            sealed: content.sealed.into(),
        })
    }

    /// The organisation.
    pub fn org(&self) -> OrgId {
        self.org
    }

    /// Whether it opens without a passphrase.
    pub fn has_machine_slot(&self) -> bool {
        self.slots
            .iter()
            .any(|slot| matches!(slot, Slot::Machine { .. }))
    }

    /// Opens it with the passphrase. Takes as long as the cost says.
    pub fn open_with_passphrase(&self, passphrase: &str) -> Result<Unlocked, SlotError> {
        let mut tried = Err(SlotError::NoSuchSlot);
        for slot in &self.slots {
            if let Slot::Passphrase { cost, salt, .. } = slot {
                let key = cost.stretch(passphrase, *salt)?;
                match slot.opened_under(self.org, &key) {
                    Ok(master) => return self.unlock(master),
                    Err(BoxError::WrongKey) => tried = Err(SlotError::WrongPassphrase),
                    Err(BoxError::Damaged) => return Err(SlotError::Damaged),
                }
            }
        }
        tried
    }

    /// Opens it with the key that follows from the recovery words.
    pub fn open_with_recovery(&self, secret: &RecoverySecret) -> Result<Unlocked, SlotError> {
        let slot = self
            .slots
            .iter()
            .find(|slot| matches!(slot, Slot::Recovery { .. }))
            .ok_or(SlotError::NoSuchSlot)?;
        if !matches!(slot, Slot::Recovery { to, .. } if *to == secret.public()) {
            return Err(SlotError::WrongRecoveryKey);
        }
        let plain = wrap::open_with(secret.expose(), &slot.bound(self.org), slot.wrap())
            .map_err(|derive::Damaged| SlotError::Damaged)?;
        self.unlock(Master::from_slice(&plain).ok_or(SlotError::Damaged)?)
    }

    /// Opens it with the machine key that lies beside it.
    pub fn open_with_machine_key(&self, key: &MachineKey) -> Result<Unlocked, SlotError> {
        let slot = self
            .slots
            .iter()
            .find(|slot| matches!(slot, Slot::Machine { .. }))
            .ok_or(SlotError::NoSuchSlot)?;
        match slot.opened_under(self.org, key.expose()) {
            Ok(master) => self.unlock(master),
            Err(BoxError::WrongKey) => Err(SlotError::WrongMachineKey),
            Err(BoxError::Damaged) => Err(SlotError::Damaged),
        }
    }

    fn unlock(&self, master: Master) -> Result<Unlocked, SlotError> {
        let plain = derive::open_box(
            &master.0,
            domain::SECRETS,
            &[],
            &secrets_bound(self.org, &self.slots),
            &self.sealed,
        )
        .map_err(|_| SlotError::Damaged)?;
        Ok(Unlocked {
            org: self.org,
            secrets: read_secrets(&plain).ok_or(SlotError::Damaged)?,
            master,
            slots: self.slots.clone(),
        })
    }
}

/// An open key file: the secrets, and the means to seal them again.
pub struct Unlocked {
    org: OrgId,
    /// What it holds; change it, then write [`Unlocked::seal`].
    pub secrets: HomeSecrets,
    master: Master,
    slots: Vec<Slot>,
}

impl fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unlocked")
            .field("org", &self.org)
            .field("slots", &self.slots.len())
            .finish_non_exhaustive()
    }
}

impl Unlocked {
    /// The organisation.
    pub fn org(&self) -> OrgId {
        self.org
    }

    /// Sets another passphrase. The master key changes with it, so that an old copy of the file
    /// and the old passphrase do not open the new file; a machine slot is dropped.
    pub fn set_passphrase(
        &mut self,
        rng: &mut impl CryptoRng,
        passphrase: &str,
        cost: Cost,
    ) -> Result<(), SlotError> {
        let mut changed = Self {
            org: self.org,
            secrets: self.secrets.clone(),
            master: Master::generate(rng),
            slots: Vec::new(),
        };
        for slot in &self.slots {
            if let Slot::Recovery { to, .. } = slot {
                changed.put_recovery(rng, *to)?;
            }
        }
        changed.put_passphrase(rng, passphrase, cost)?;
        *self = changed;
        Ok(())
    }

    /// Lets a machine key open it, in place of an earlier one.
    pub fn add_machine_key(
        &mut self,
        rng: &mut impl CryptoRng,
        key: &MachineKey,
    ) -> Result<(), SlotError> {
        let slot = Slot::Machine {
            wrap: ByteVec::from(Vec::new()),
        }
        .sealed_under(rng, self.org, key.expose(), &self.master)?;
        self.slots
            .retain(|slot| !matches!(slot, Slot::Machine { .. }));
        self.slots.push(slot);
        Ok(())
    }

    fn put_passphrase(
        &mut self,
        rng: &mut impl CryptoRng,
        passphrase: &str,
        cost: Cost,
    ) -> Result<(), SlotError> {
        if passphrase.is_empty() {
            return Err(SlotError::EmptyPassphrase);
        }
        let salt = derive::random(rng);
        let key = cost.stretch(passphrase, salt)?;
        let slot = Slot::Passphrase {
            cost,
            salt,
            wrap: ByteVec::from(Vec::new()),
        }
        .sealed_under(rng, self.org, &key, &self.master)?;
        self.slots.push(slot);
        Ok(())
    }

    fn put_recovery(&mut self, rng: &mut impl CryptoRng, to: SealKey) -> Result<(), SlotError> {
        let mut slot = Slot::Recovery {
            to,
            wrap: ByteVec::from(Vec::new()),
        };
        let wrap = wrap::seal_to(rng, to, &slot.bound(self.org), &self.master.0)?;
        *slot.wrap_mut() = wrap.into();
        self.slots.push(slot);
        Ok(())
    }

    /// The bytes of the key file.
    pub fn seal(&self, rng: &mut impl CryptoRng) -> Result<Vec<u8>, SlotError> {
        let sealed = derive::seal_box(
            rng,
            &self.master.0,
            domain::SECRETS,
            &[],
            &secrets_bound(self.org, &self.slots),
            &write_secrets(&self.secrets),
        )?;
        let mut bytes = [&MAGIC[..], &[FILE_VERSION]].concat();
        bytes.append(&mut cbor::to_bytes(&Content {
            org: self.org,
            slots: self.slots.clone(),
            sealed: sealed.into(),
        }));
        let sum = blake3::derive_key(CHECKSUM_CONTEXT, &bytes);
        bytes.extend_from_slice(&sum);
        Ok(bytes)
    }
}
