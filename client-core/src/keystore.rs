//! The system's keystore: where a home may keep one secret outside its folder.
//!
//! Secret Service on Linux, Keychain on macOS, Credential Manager on Windows. Asking may take long (a
//! person is asked to unlock it, or it hangs), so no answer is waited for longer than [`PATIENCE`].
//! Silence is never taken for absence: what is not known is said, and no secret is made for it.

use std::{fmt, sync::mpsc, thread, time::Duration};

use zeroize::Zeroizing;

use crate::sealing::{KeystoreId, KeystoreSecret, Keystored};

/// Nobody waits longer for a keystore.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Whose secrets they are, as the keystore's own list shows them.
const SERVICE: &str = "Daybook";

/// Why a keystore did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreFault {
    /// It answers, and keeps no such secret.
    #[error("the keystore keeps no such secret")]
    Missing,
    /// It is locked, or there is none.
    #[error("the keystore is locked, or there is none")]
    Closed,
    /// No answer within [`PATIENCE`].
    #[error("the keystore does not answer")]
    Late,
}

/// A place for secrets outside the home.
pub trait Keystore: fmt::Debug + Send + Sync {
    /// The secret of this name.
    ///
    /// # Errors
    /// When it is missing, or cannot be asked for.
    fn get(&self, id: KeystoreId) -> Result<KeystoreSecret, KeystoreFault>;

    /// Keeps a secret under its name.
    ///
    /// # Errors
    /// When it is not kept.
    fn put(&self, kept: &Keystored) -> Result<(), KeystoreFault>;

    /// Forgets a secret; one that is not there is forgotten.
    ///
    /// # Errors
    /// When that cannot be said.
    fn remove(&self, id: KeystoreId) -> Result<(), KeystoreFault>;
}

/// The keystore of the system that this program runs on, for the user who runs it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemKeystore;

impl Keystore for SystemKeystore {
    fn get(&self, id: KeystoreId) -> Result<KeystoreSecret, KeystoreFault> {
        let bytes = asked(move || Ok(Zeroizing::new(entry(id)?.get_secret()?)))?;
        let bytes: [u8; 32] = bytes[..].try_into().map_err(|_| KeystoreFault::Missing)?;
        Ok(KeystoreSecret::from_bytes(bytes))
    }

    fn put(&self, kept: &Keystored) -> Result<(), KeystoreFault> {
        let kept = kept.clone();
        asked(move || entry(kept.id)?.set_secret(kept.secret.expose()))
    }

    fn remove(&self, id: KeystoreId) -> Result<(), KeystoreFault> {
        match asked(move || entry(id)?.delete_credential()) {
            Err(KeystoreFault::Missing) => Ok(()),
            other => other,
        }
    }
}

fn entry(id: KeystoreId) -> keyring::Result<keyring::Entry> {
    keyring::Entry::new(SERVICE, &id.to_string())
}

/// Asks on a thread of its own. One that never hears back stays behind and harms nobody: what it is
/// told too late is wiped with its memory.
fn asked<T: Send + 'static>(
    ask: impl FnOnce() -> keyring::Result<T> + Send + 'static,
) -> Result<T, KeystoreFault> {
    let (tell, hear) = mpsc::channel();
    let started = thread::Builder::new()
        .name("keystore".to_owned())
        .spawn(move || tell.send(ask()).is_ok());
    if started.is_err() {
        return Err(KeystoreFault::Closed);
    }
    match hear.recv_timeout(PATIENCE) {
        Ok(answer) => answer.map_err(|error| fault(&error)),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(KeystoreFault::Late),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(KeystoreFault::Closed),
    }
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else goes wrong, the keystore gave no answer"
)]
fn fault(error: &keyring::Error) -> KeystoreFault {
    match error {
        keyring::Error::NoEntry => KeystoreFault::Missing,
        other => {
            tracing::warn!(error = %other, "the system's keystore");
            KeystoreFault::Closed
        }
    }
}
