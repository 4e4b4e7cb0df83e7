//! The folder itself: its lock and its paths.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// An installation's folder, held by this process until it is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process holds it.
    #[error("another Daybook uses this home")]
    InUse,
    /// The system refuses.
    #[error("the home folder cannot be used")]
    Io(#[from] io::Error),
}

impl Folder {
    /// Takes the folder, making it (readable by its owner alone) where it is missing.
    ///
    /// # Errors
    /// When another process holds it, or the system refuses.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let path = path.into();
        private_folder(&path)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of sealed secrets.
    pub fn keys(&self) -> PathBuf {
        self.path.join("keys")
    }

    /// The folder of the log.
    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// The folder of settings and caches.
    pub fn index(&self) -> PathBuf {
        self.path.join("index")
    }

    /// Whether a practice was founded or joined here.
    pub fn is_empty(&self) -> bool {
        !self.keys().exists()
    }

    /// Replaces a small file so that either the old or the new one is there after a power cut.
    ///
    /// # Errors
    /// When the system refuses; the old file is then still whole.
    pub fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let fresh = file.with_extension("new");
        let written = write_fresh(&fresh, bytes).and_then(|()| fs::rename(&fresh, file));
        if let Err(error) = written {
            // A full disk is not filled further with what is of no use.
            let _ = fs::remove_file(&fresh);
            return Err(error);
        }
        if let Some(folder) = file.parent() {
            sync_folder(folder)?;
        }
        Ok(())
    }
}

fn write_fresh(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut out = File::create(file)?;
    private_file(&out)?;
    out.write_all(bytes)?;
    out.sync_all()
}

#[cfg(unix)]
fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(unix)]
fn private_file(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn private_file(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    // Other systems make a rename durable with the file itself.
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_in_use_is_refused_and_free_again_afterwards() {
        let place = tempfile::tempdir().unwrap();
        let held = Folder::open(place.path().join("home")).unwrap();
        assert!(matches!(Folder::open(held.path()), Err(FolderError::InUse)));
        let path = held.path().to_owned();
        drop(held);
        assert!(Folder::open(path).is_ok());
    }

    #[test]
    fn a_small_file_is_replaced_whole() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        folder.write(&folder.keys(), b"one").unwrap();
        folder.write(&folder.keys(), b"two").unwrap();
        assert_eq!(fs::read(folder.keys()).unwrap(), b"two");
        assert!(!folder.is_empty());
    }
}
