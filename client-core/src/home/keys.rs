//! The key file of a home: made once, opened by passphrase, recovery words or machine key.

use std::fs;

use rand_core::CryptoRng;
use sync_protocol::SealKey;

use super::{Home, Opening, check_new, random, storage};
use crate::{
    catalogue::{ErrorCode, HomeReply, Refusal},
    replica::Replica,
    sealing::{Cost, HomeSecrets, KeyFile, MachineKey, RootSecret, SlotError, Unlocked},
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
        let unlocked = self.make_keys(random, org, secrets, opening, recovery)?;
        self.save_keys(random, &unlocked)?;
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
        keys: &Unlocked,
    ) -> Result<(), Refusal> {
        let bytes = keys.seal(random).map_err(|error| slot(&error))?;
        self.folder
            .write(&self.folder.keys(), &bytes)
            .map_err(|error| storage(&error))
    }

    fn read_keys(&self) -> Result<KeyFile, Refusal> {
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
        let file = self.read_keys()?;
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
        let wrong = |message: String| {
            Refusal::new(
                ErrorCode::WrongRecoveryWords,
                message,
                "Compare each word with the paper; order matters.",
            )
            .at("words")
        };
        let root = RootSecret::from_words(words).map_err(|error| wrong(format!("{error}.")))?;
        let mut unlocked =
            file.open_with_recovery(&root.recovery())
                .map_err(|error| match error {
                    SlotError::WrongRecoveryKey => {
                        wrong("These words belong to another practice, or one is wrong.".to_owned())
                    }
                    other => slot(&other),
                })?;
        let mut random = random()?;
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
        self.save_keys(&mut random, &unlocked)?;
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
        SlotError::NewerVersion { .. } => Refusal::new(
            ErrorCode::NewerVersion,
            "This home was written by a newer version of Daybook.",
            "Update this program.",
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
