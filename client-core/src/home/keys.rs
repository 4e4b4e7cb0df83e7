//! The key file of a home: made once, opened by passphrase, recovery words or machine key.

use std::fs;

use rand_core::CryptoRng;
use sync_protocol::SealKey;

use super::{Home, Opening, check_new, random, storage};
use crate::{
    catalogue::{ErrorCode, HomeReply, Refusal},
    replica::{Replica, refusal_of_kit},
    sealing::{Cost, HomeSecrets, KeyFile, Kit, MachineKey, PinError, SlotError, Unlocked},
};

impl Home {
    pub(super) fn create_keys(
        &self,
        random: &mut impl CryptoRng,
        replica: &Replica<entry_log::DirStorage>,
        secrets: HomeSecrets,
        opening: &Opening,
    ) -> Result<Unlocked, Refusal> {
        let org = replica.org();
        let recovery = replica.ledger().governance().recovery();
        let mut unlocked = self.make_keys(random, org, secrets, opening, recovery)?;
        self.save_keys(random, &mut unlocked)?;
        Ok(unlocked)
    }

    pub(super) fn make_keys(
        &self,
        random: &mut impl CryptoRng,
        org: sync_protocol::OrgId,
        secrets: HomeSecrets,
        opening: &Opening,
        recovery: SealKey,
    ) -> Result<Unlocked, Refusal> {
        match opening {
            Opening::Passphrase(text) => {
                KeyFile::create(random, org, secrets, text, Cost::DEFAULT, recovery)
            }
            Opening::MachineKey => {
                let machine = MachineKey::generate(random);
                self.folder
                    .write(&self.folder.path().join("machine-key"), machine.expose())
                    .map_err(|error| storage(&error))?;
                KeyFile::create_insecure(random, org, secrets, &machine, recovery)
            }
        }
        .map_err(|error| slot(&error))
    }

    pub(super) fn save_keys(
        &self,
        random: &mut impl CryptoRng,
        keys: &mut Unlocked,
    ) -> Result<(), Refusal> {
        let bytes = keys.seal(random).map_err(|error| slot(&error))?;
        self.folder
            .write(&self.folder.keys(), &bytes)
            .map_err(|error| storage(&error))
    }

    pub(super) fn read_keys(&self) -> Result<KeyFile, Refusal> {
        if self.folder.is_empty() {
            return Err(Refusal::new(
                ErrorCode::NoPractice,
                "No practice was founded or joined in this home.",
                "Found one, or join one by code.",
            ));
        }
        let bytes = fs::read(self.folder.keys()).map_err(|error| storage(&error))?;
        KeyFile::decode(&bytes).map_err(|error| slot(&error))
    }

    pub(super) fn open_keys(&self, opening: &Opening) -> Result<Unlocked, Refusal> {
        let file = self.with_keystore(self.read_keys()?)?;
        match opening {
            Opening::Passphrase(text) => file.open_with_passphrase(text),
            Opening::MachineKey => {
                let bytes = fs::read(self.folder.path().join("machine-key")).ok();
                let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
                let key = bytes
                    .map(MachineKey::from_bytes)
                    .ok_or(SlotError::NoSuchSlot);
                key.and_then(|key| file.open_with_machine_key(&key))
            }
        }
        .map_err(|error| slot(&error))
    }

    pub(super) fn recover(&self, words: &str, opening: &Opening) -> Result<HomeReply, Refusal> {
        check_new(opening)?;
        let file = self.read_keys()?;
        let root = Kit::read(words).map_err(refusal_of_kit)?.root;
        let mut random = random()?;
        let mut unlocked = file
            .open_with_recovery(&root.recovery())
            .map_err(|error| match error {
                SlotError::WrongRecoveryKey => Refusal::new(
                    ErrorCode::WrongRecoveryWords,
                    "These words belong to another practice, were replaced, or one is wrong.",
                    "Compare each word with the paper; order matters. If the words were replaced while \
                     this computer was away, the ones before still open it.",
                )
                .at("words"),
                other => slot(&other),
            })?;
        // Who uses the words may be at another computer, or at one whose keystore is gone.
        unlocked.keystore = None;
        match opening {
            Opening::Passphrase(text) => unlocked.set_passphrase(&mut random, text, Cost::DEFAULT),
            Opening::MachineKey => {
                let machine = MachineKey::generate(&mut random);
                self.folder
                    .write(&self.folder.path().join("machine-key"), machine.expose())
                    .map_err(|error| storage(&error))?;
                unlocked.add_machine_key(&mut random, &machine)
            }
        }
        .map_err(|error| slot(&error))?;
        self.save_keys(&mut random, &mut unlocked)?;
        self.lock();
        self.open_replica(unlocked)?;
        Ok(HomeReply::Opened)
    }
}

/// Plain words for what is wrong with a key file.
pub(super) fn slot(error: &SlotError) -> Refusal {
    match error {
        SlotError::WrongPassphrase | SlotError::EmptyPassphrase => Refusal::new(
            ErrorCode::WrongPassphrase,
            "This is not the passphrase of this home.",
            "Try again, or use the recovery words.",
        )
        .at("passphrase"),
        SlotError::WrongPin => Refusal::new(
            ErrorCode::WrongPin,
            "This is not the PIN of this person.",
            "Try again. After five wrong ones a passphrase of this computer is needed too.",
        )
        .at("pin"),
        SlotError::PinLocked => Refusal::new(
            ErrorCode::PinLocked,
            "Too many wrong PINs were typed for this person.",
            "Give a passphrase of this computer along with the PIN.",
        )
        .at("passphrase"),
        SlotError::Pin(why) => Refusal::new(
            ErrorCode::InvalidInput,
            match why {
                PinError::TooShort => "This PIN is too short.",
                PinError::TooLong => "This PIN is too long.",
                PinError::TooSimple => "This PIN is among the first that anybody tries.",
            },
            "Use 4 to 64 characters, not one repeated and not digits in a row.",
        )
        .at("pin"),
        SlotError::UnknownSeat => Refusal::new(
            ErrorCode::NotFound,
            "Nobody of this name works at this computer.",
            "Look who does; an owner or manager adds people.",
        )
        .at("seat"),
        SlotError::TooManySeats => Refusal::new(
            ErrorCode::InvalidInput,
            "More people cannot share one computer.",
            "Use another computer for them.",
        ),
        SlotError::WrongRecoveryKey => Refusal::new(
            ErrorCode::WrongRecoveryWords,
            "These words do not open this home.",
            "Compare each word with the paper.",
        )
        .at("words"),
        SlotError::WrongMachineKey => Refusal::new(
            ErrorCode::MissingKey,
            "The machine key beside this home is another one.",
            "Put the right file back, or use the recovery words.",
        ),
        SlotError::NoSuchSlot => Refusal::new(
            ErrorCode::Locked,
            "This home does not open that way.",
            "Use the passphrase, the machine key or the recovery words it was made with.",
        ),
        // Asked for first, so that another secret than this home's is what is left.
        SlotError::NeedsKeystore | SlotError::WrongKeystore => super::keystore::missing(),
        SlotError::NewerVersion { .. } => Refusal::new(
            ErrorCode::NewerVersion,
            "This home was written by another version of Daybook.",
            "Install the newest version. What a draft wrote, before version 1, is not read any more: join anew with a code.",
        ),
        SlotError::Damaged => Refusal::new(
            ErrorCode::Damaged,
            "The key file of this home is damaged.",
            "Restore a backup of this home, or join anew with a code.",
        ),
        SlotError::Cost(_) | SlotError::OutOfMemory | SlotError::Seal(_) => Refusal::new(
            ErrorCode::Internal,
            format!("The keys cannot be used: {error}."),
            "Close other programs and try again.",
        ),
    }
}
