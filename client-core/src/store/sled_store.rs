//! Settings and caches in sled 0.34.
//!
//! sled's own `flush` does not reach the disk, it hides damage and may panic on it, and it will
//! not open beside an unfinished snapshot. So: the file is synced through a descriptor of our
//! own, every value carries a checksum, opening happens behind `catch_unwind`, and a store that
//! does not open is put aside and begun anew; nothing in it is irreplaceable.

use std::{
    fs::{self, File},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use super::local::{LocalStore, StoreError, check_sizes};

const CHECK: usize = 16;

/// A sled store.
#[derive(Debug)]
pub struct SledStore {
    db: sled::Db,
    file: File,
    renewed: bool,
}

impl SledStore {
    /// Opens the store, or begins a new one where none can be opened.
    ///
    /// # Errors
    /// When the disk is full or the system refuses.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(path).map_err(|error| io_error(&error))?;
        remove_unfinished_snapshots(path);
        match Self::open_as_is(path) {
            Ok(store) => Ok(store),
            Err(StoreError::DiskFull) => Err(StoreError::DiskFull),
            Err(_) => {
                // The damaged one is kept beside for whoever wants to look; one is enough.
                let aside = path.with_extension("damaged");
                if aside.exists() {
                    fs::remove_dir_all(&aside).map_err(|error| io_error(&error))?;
                }
                fs::rename(path, &aside).map_err(|error| io_error(&error))?;
                let mut store = Self::open_as_is(path)?;
                store.renewed = true;
                Ok(store)
            }
        }
    }

    fn open_as_is(path: &Path) -> Result<Self, StoreError> {
        let open = || {
            sled::Config::new()
                .path(path)
                .cache_capacity(8 << 20)
                .open()
        };
        let db = catch_unwind(AssertUnwindSafe(open))
            .map_err(|_| StoreError::Fault("it is damaged".to_owned()))?
            .map_err(|error| sled_error(&error))?;
        let file = File::options()
            .write(true)
            .open(path.join("db"))
            .map_err(|error| io_error(&error))?;
        Ok(Self {
            db,
            file,
            renewed: false,
        })
    }

    /// Whether a damaged store was put aside when opening.
    pub fn was_renewed(&self) -> bool {
        self.renewed
    }
}

impl LocalStore for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let read = || self.db.get(key);
        let value = catch_unwind(AssertUnwindSafe(read))
            .map_err(|_| StoreError::Fault("it is damaged".to_owned()))?
            .map_err(|error| sled_error(&error))?;
        Ok(value.and_then(|value| checked(key, &value)))
    }

    fn put(&mut self, pairs: &[(&[u8], Option<&[u8]>)]) -> Result<(), StoreError> {
        check_sizes(pairs)?;
        let mut batch = sled::Batch::default();
        for (key, value) in pairs {
            match value {
                Some(value) => batch.insert(*key, with_check(key, value)),
                None => batch.remove(*key),
            }
        }
        let write = || -> sled::Result<()> {
            self.db.apply_batch(batch)?;
            self.db.flush()?;
            Ok(())
        };
        catch_unwind(AssertUnwindSafe(write))
            .map_err(|_| StoreError::Fault("it is damaged".to_owned()))?
            .map_err(|error| sled_error(&error))?;
        self.file.sync_data().map_err(|error| io_error(&error))
    }
}

fn check_of(key: &[u8], value: &[u8]) -> [u8; CHECK] {
    let mut hasher = blake3::Hasher::new_derive_key("daybook 2026 index value v1");
    hasher
        .update(&(key.len() as u64).to_be_bytes())
        .update(key)
        .update(value);
    let mut check = [0; CHECK];
    hasher.finalize_xof().fill(&mut check);
    check
}

fn with_check(key: &[u8], value: &[u8]) -> Vec<u8> {
    [&check_of(key, value), value].concat()
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

fn io_error(error: &io::Error) -> StoreError {
    if matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    ) {
        StoreError::DiskFull
    } else {
        StoreError::Fault(error.to_string())
    }
}

fn sled_error(error: &sled::Error) -> StoreError {
    match error {
        sled::Error::Io(error) => io_error(error),
        sled::Error::CollectionNotFound(_)
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_)
        | sled::Error::Corruption { .. } => StoreError::Fault(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;

    #[test]
    fn sled_conforms() {
        let place = tempfile::tempdir().unwrap();
        let mut count = 0;
        conformance::check_all(|| {
            count += 1;
            SledStore::open(&place.path().join(format!("index{count}"))).unwrap()
        })
        .unwrap();
    }

    #[test]
    fn a_damaged_store_is_put_aside_and_values_never_change_unseen() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("index");
        let mut store = SledStore::open(&path).unwrap();
        store.put(&[(b"relay", Some(b"ws://127.0.0.1:1"))]).unwrap();
        drop(store);
        let clean = fs::read(path.join("db")).unwrap();
        let mut missing = 0;
        for at in (0..clean.len()).step_by(clean.len() / 40 + 1) {
            let mut bytes = clean.clone();
            bytes[at] ^= 0x10;
            fs::remove_dir_all(&path).unwrap();
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("db"), &bytes).unwrap();
            let store = SledStore::open(&path).unwrap();
            match store.get(b"relay").unwrap().as_deref() {
                None => missing += 1,
                Some(value) => assert_eq!(value, b"ws://127.0.0.1:1"),
            }
        }
        assert!(missing > 0, "no flip did harm: the test proves nothing");
    }

    #[test]
    fn an_unfinished_snapshot_does_not_lock_us_out() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("index");
        let mut store = SledStore::open(&path).unwrap();
        store.put(&[(b"a", Some(b"1"))]).unwrap();
        drop(store);
        fs::write(path.join("snap.0000000000000001.generating"), b"half").unwrap();
        let store = SledStore::open(&path).unwrap();
        assert_eq!(store.get(b"a").unwrap().as_deref(), Some(&b"1"[..]));
        assert!(!store.was_renewed());
    }
}
