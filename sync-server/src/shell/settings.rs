//! Settings and checkpoints of organisations, in sled 0.34.
//!
//! sled's own `flush` does not reach the disk, it hides damage and may panic on it, and it will
//! not open beside an unfinished snapshot. So: the file is synced through a descriptor of our own,
//! every value carries a checksum, each call happens behind `catch_unwind`, and a store that does
//! not open is put aside and begun anew. Nothing here is irreplaceable: what was granted is in
//! the folder of tickets, checkpoints come from the logs.

use std::{
    fs::{self, File},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Mutex,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sync_protocol::OrgId;

const CHECK: usize = 16;

/// How far an organisation's log had come: a log that is shorter later was put back from a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) governance: u32,
}

/// What the operator granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OrgSettings {
    /// 0 means no limit.
    pub(super) quota_bytes: u64,
}

/// Why the store does not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum SettingsError {
    #[error("the disk is full")]
    DiskFull,
    #[error("the settings store cannot be used: {0}")]
    Fault(String),
}

/// The store.
#[derive(Debug)]
pub(super) struct Settings {
    db: sled::Db,
    file: Mutex<File>,
    renewed: bool,
}

impl Settings {
    /// Opens the store, or begins a new one where none can be opened.
    pub(super) fn open(path: &Path) -> Result<Self, SettingsError> {
        fs::create_dir_all(path).map_err(|error| io_error(&error))?;
        remove_unfinished_snapshots(path);
        match Self::open_as_is(path) {
            Err(SettingsError::Fault(_)) => {
                let aside = path.with_extension("damaged");
                if aside.exists() {
                    fs::remove_dir_all(&aside).map_err(|error| io_error(&error))?;
                }
                fs::rename(path, &aside).map_err(|error| io_error(&error))?;
                let mut store = Self::open_as_is(path)?;
                store.renewed = true;
                Ok(store)
            }
            other => other,
        }
    }

    fn open_as_is(path: &Path) -> Result<Self, SettingsError> {
        let config = sled::Config::new().path(path).cache_capacity(1 << 20);
        let db = guarded(|| config.open())?;
        let file = File::options()
            .write(true)
            .open(path.join("db"))
            .map_err(|error| io_error(&error))?;
        Ok(Self {
            db,
            file: Mutex::new(file),
            renewed: false,
        })
    }

    /// Whether a damaged store was put aside when opening.
    pub(super) fn was_renewed(&self) -> bool {
        self.renewed
    }

    pub(super) fn organisation(&self, org: OrgId) -> Result<Option<OrgSettings>, SettingsError> {
        self.get(&key(b'o', org))
    }

    pub(super) fn set_organisation(
        &self,
        org: OrgId,
        value: OrgSettings,
    ) -> Result<(), SettingsError> {
        self.put(&key(b'o', org), &value)
    }

    pub(super) fn checkpoint(&self, org: OrgId) -> Result<Option<Checkpoint>, SettingsError> {
        self.get(&key(b'c', org))
    }

    pub(super) fn set_checkpoint(
        &self,
        org: OrgId,
        value: Checkpoint,
    ) -> Result<(), SettingsError> {
        self.put(&key(b'c', org), &value)
    }

    fn get<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, SettingsError> {
        let value = guarded(|| self.db.get(key))?;
        // A damaged value reads as missing, never as another one.
        Ok(value
            .and_then(|stored| checked(key, &stored))
            .and_then(|json| serde_json::from_slice(&json).ok()))
    }

    fn put(&self, key: &[u8], value: &impl Serialize) -> Result<(), SettingsError> {
        let json =
            serde_json::to_vec(value).map_err(|error| SettingsError::Fault(error.to_string()))?;
        let stored = [check_of(key, &json).as_slice(), &json].concat();
        guarded(|| {
            self.db.insert(key, stored.as_slice())?;
            self.db.flush()
        })?;
        let file = self
            .file
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        file.sync_data().map_err(|error| io_error(&error))
    }
}

fn guarded<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, SettingsError> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|_| SettingsError::Fault("it is damaged".to_owned()))?
        .map_err(|error| match error {
            sled::Error::Io(error) => io_error(&error),
            sled::Error::CollectionNotFound(_)
            | sled::Error::Unsupported(_)
            | sled::Error::ReportableBug(_)
            | sled::Error::Corruption { .. } => SettingsError::Fault(error.to_string()),
        })
}

fn key(kind: u8, org: OrgId) -> Vec<u8> {
    [&[kind], org.as_bytes().as_slice()].concat()
}

fn check_of(key: &[u8], value: &[u8]) -> [u8; CHECK] {
    let mut hasher = blake3::Hasher::new_derive_key("daybook 2026 relay setting v1");
    hasher
        .update(&(key.len() as u64).to_be_bytes())
        .update(key)
        .update(value);
    let mut check = [0; CHECK];
    hasher.finalize_xof().fill(&mut check);
    check
}

fn checked(key: &[u8], stored: &[u8]) -> Option<Vec<u8>> {
    let (check, value) = stored.split_at_checked(CHECK)?;
    (check == check_of(key, value)).then(|| value.to_vec())
}

fn remove_unfinished_snapshots(path: &Path) {
    let Ok(files) = fs::read_dir(path) else {
        return;
    };
    for file in files.flatten() {
        let name = file.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            // Nothing is lost with it; if it stays, opening fails and says so.
            let _ = fs::remove_file(file.path());
        }
    }
}

fn io_error(error: &io::Error) -> SettingsError {
    let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
    if full.contains(&error.kind()) {
        SettingsError::DiskFull
    } else {
        SettingsError::Fault(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: OrgId = OrgId::from_bytes([3; 16]);
    const GRANT: OrgSettings = OrgSettings { quota_bytes: 77 };

    #[test]
    fn settings_stay_and_damage_reads_as_missing() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("relay.sled");
        let store = Settings::open(&path).unwrap();
        assert_eq!(store.organisation(ORG).unwrap(), None);
        store.set_organisation(ORG, GRANT).unwrap();
        drop(store);
        fs::write(path.join("snap.0000000000000001.generating"), b"half").unwrap();
        let store = Settings::open(&path).unwrap();
        assert_eq!(store.organisation(ORG).unwrap(), Some(GRANT));
        assert!(!store.was_renewed());
        drop(store);

        let clean = fs::read(path.join("db")).unwrap();
        let mut missing = 0;
        for at in (0..clean.len()).step_by(clean.len() / 30 + 1) {
            let mut bytes = clean.clone();
            bytes[at] ^= 0x10;
            fs::remove_dir_all(&path).unwrap();
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("db"), &bytes).unwrap();
            match Settings::open(&path).unwrap().organisation(ORG).unwrap() {
                None => missing += 1,
                Some(found) => assert_eq!(found, GRANT),
            }
        }
        assert!(missing > 0, "no flip did harm: the test proves nothing");
    }
}
