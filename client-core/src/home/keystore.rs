//! A home whose keys open only together with the system's keystore: switched on, off, and asked.
//!
//! On: the secret is in the keystore, and was read back, before the key file needs it. Off: the key
//! file needs it no more before it is forgotten. So whatever stops half-way, the keys open.

use super::{Home, keys::slot, locked, random};
use crate::{
    catalogue::{ErrorCode, HomeReply, KeystoreView, Refusal},
    keystore::KeystoreFault,
    sealing::{KeyFile, Keystored},
};

const WORDS: &str = "Try again once it is unlocked, or use the recovery words.";

impl Home {
    /// Takes the keystore's envelope off a key file that has one.
    pub(super) fn with_keystore(&self, file: KeyFile) -> Result<KeyFile, Refusal> {
        let Some(id) = file.keystore() else {
            return Ok(file);
        };
        let secret = self.keystore.get(id).map_err(refused)?;
        file.with_keystore(&secret).map_err(|error| slot(&error))
    }

    pub(super) fn keystore_status(&self) -> Result<HomeReply, Refusal> {
        let kept = {
            let held = self.shared.lock();
            held.as_ref()
                .ok_or_else(|| self.closed())?
                .keys
                .keystore
                .clone()
        };
        let trouble = kept.as_ref().and_then(|kept| {
            let same = self.read_keys().and_then(|file| self.with_keystore(file));
            let trouble = same.err().map(|refusal| refusal.code);
            // A file that changed while it was looked at is no trouble of the keystore.
            trouble.filter(|_| self.keystore.get(kept.id).is_err())
        });
        Ok(HomeReply::Keystore(KeystoreView {
            on: kept.is_some(),
            trouble,
        }))
    }

    pub(super) fn set_keystore(&self, on: bool) -> Result<HomeReply, Refusal> {
        let now_on = {
            let held = self.shared.lock();
            let desk = held.as_ref().ok_or_else(|| self.closed())?;
            desk.keys.keystore.is_some()
        };
        match (on, now_on) {
            (true, false) => self.begin_keystore()?,
            (false, true) => self.end_keystore()?,
            _ => {}
        }
        Ok(HomeReply::Keystore(KeystoreView { on, trouble: None }))
    }

    fn begin_keystore(&self) -> Result<(), Refusal> {
        let mut random = random()?;
        let kept = Keystored::generate(&mut random);
        // Nobody holds the lock while a person may be asked to unlock the keystore.
        self.keystore.put(&kept).map_err(refused)?;
        let back = self.keystore.get(kept.id).map_err(refused)?;
        if back.expose() != kept.secret.expose() {
            return Err(refused(KeystoreFault::Missing));
        }
        let mut held = self.shared.lock();
        let desk = held.as_mut().ok_or_else(locked)?;
        desk.keys.keystore = Some(kept);
        let saved = self.save_keys(&mut desk.random, &mut desk.keys);
        if saved.is_err() {
            desk.keys.keystore = None;
        }
        saved
    }

    fn end_keystore(&self) -> Result<(), Refusal> {
        let kept = {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(locked)?;
            let kept = desk.keys.keystore.take();
            if let Err(refusal) = self.save_keys(&mut desk.random, &mut desk.keys) {
                desk.keys.keystore = kept;
                return Err(refusal);
            }
            kept
        };
        // One that stays behind opens nothing that is written from now on.
        if let Some(kept) = kept
            && let Err(fault) = self.keystore.remove(kept.id)
        {
            tracing::warn!(%fault, "a secret that nobody needs stays in the keystore");
        }
        Ok(())
    }
}

fn refused(fault: KeystoreFault) -> Refusal {
    match fault {
        KeystoreFault::Missing => missing(),
        KeystoreFault::Closed => Refusal::new(
            ErrorCode::KeystoreSilent,
            "The keystore of this system is locked, or there is none. No key was made or changed.",
            WORDS,
        ),
        KeystoreFault::Late => Refusal::new(
            ErrorCode::KeystoreSilent,
            "The keystore of this system does not answer. No key was made or changed.",
            WORDS,
        ),
    }
}

/// What a home says that was copied to another computer, or whose keystore was made anew.
pub(super) fn missing() -> Refusal {
    Refusal::new(
        ErrorCode::KeystoreMissing,
        "The keystore of this system does not hold the secret of this home.",
        "On the computer and as the user where it was switched on the passphrase opens it; here the \
         recovery words do.",
    )
}
