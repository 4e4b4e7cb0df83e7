//! The relay's data folder: its lock, its key, its paths.
//!
//! ```text
//! DIR/lock                 held while a relay runs
//! DIR/relay.key            the signing key that devices have pinned; without it they stay away
//! DIR/orgs/org_<id>/log/   the truth: one log per organisation
//! DIR/tickets/             founding tickets, hashed; see `tickets`
//! DIR/relay.sled/          settings and checkpoints; rebuilt when damaged
//! DIR/ballast              space to give back when the disk is full
//! ```

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use sync_protocol::{OrgId, SigningKey};

/// The data folder. Holding it says nothing about the lock: see [`Folder::lock`].
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

/// The folder's lock, held until dropped.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held for its lock alone")] File);

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A relay runs on it.
    #[error("another relay is using {}: stop it first, or choose another --data", .0.display())]
    InUse(PathBuf),
    /// The key file is not one.
    #[error("{} holds no relay key: put the backup of it in place", .0.display())]
    BadKey(PathBuf),
    /// There is work of organisations, but not the key they trust.
    #[error(
        "{} is missing, but there are organisations: put the backup of the key in place, \
         their devices trust no other", .0.display()
    )]
    KeyMissing(PathBuf),
    /// The system refuses.
    #[error("{}", .path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> FolderError + '_ {
    |source| FolderError::Io {
        path: path.to_owned(),
        source,
    }
}

impl Folder {
    /// The folder, made (for its owner alone) where it is missing.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        private_folder(path).map_err(at(path))?;
        let folder = Self {
            path: path.to_owned(),
        };
        for inner in [folder.orgs(), folder.tickets()] {
            private_folder(&inner).map_err(at(&inner))?;
        }
        Ok(folder)
    }

    /// Takes the lock.
    ///
    /// # Errors
    /// When another process holds it, or the system refuses.
    pub fn lock(&self) -> Result<Lock, FolderError> {
        let path = self.path.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse(self.path.clone())),
            Err(TryLockError::Error(error)) => Err(at(&path)(error)),
        }
    }

    /// The relay's key, drawn at the first call.
    ///
    /// # Errors
    /// When it cannot be read or made, or is missing although there are organisations.
    pub fn key(&self) -> Result<SigningKey, FolderError> {
        let path = self.path.join("relay.key");
        match fs::read_to_string(&path) {
            Ok(text) => parse_key(&text).ok_or(FolderError::BadKey(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.organisations()?.is_empty() {
                    self.make_key(&path)
                } else {
                    Err(FolderError::KeyMissing(path))
                }
            }
            Err(error) => Err(at(&path)(error)),
        }
    }

    fn make_key(&self, path: &Path) -> Result<SigningKey, FolderError> {
        let seed = random::<32>().map_err(at(path))?;
        let text: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
        let fresh = path.with_extension(format!("new.{}", std::process::id()));
        write_private(&fresh, format!("{text}\n").as_bytes()).map_err(at(&fresh))?;
        // A link, unlike a rename, does not replace the key that another process has just made.
        let linked = fs::hard_link(&fresh, path);
        let removed = fs::remove_file(&fresh);
        match linked {
            Ok(()) => {
                removed.map_err(at(&fresh))?;
                sync_folder(&self.path).map_err(at(&self.path))?;
                Ok(SigningKey::from_bytes(&seed))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let text = fs::read_to_string(path).map_err(at(path))?;
                parse_key(&text).ok_or_else(|| FolderError::BadKey(path.to_owned()))
            }
            Err(error) => Err(at(path)(error)),
        }
    }

    /// All organisations that have a folder, founded or not.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn organisations(&self) -> Result<Vec<OrgId>, FolderError> {
        let path = self.orgs();
        let mut found = Vec::new();
        for file in fs::read_dir(&path).map_err(at(&path))? {
            let file = file.map_err(at(&path))?;
            // Whatever else an operator has put there is not ours.
            found.extend(file.file_name().to_string_lossy().parse::<OrgId>().ok());
        }
        found.sort();
        Ok(found)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of an organisation's log.
    pub fn log(&self, org: OrgId) -> PathBuf {
        self.orgs().join(org.to_string()).join("log")
    }

    /// The folder of tickets.
    pub fn tickets(&self) -> PathBuf {
        self.path.join("tickets")
    }

    /// The folder of settings.
    pub fn settings(&self) -> PathBuf {
        self.path.join("relay.sled")
    }

    /// The file to give back when the disk is full.
    pub fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }

    fn orgs(&self) -> PathBuf {
        self.path.join("orgs")
    }
}

fn parse_key(text: &str) -> Option<SigningKey> {
    let text = text.trim();
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut seed = [0; 32];
    for (place, at) in seed.iter_mut().zip((0..64).step_by(2)) {
        *place = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(SigningKey::from_bytes(&seed))
}

/// Random bytes from the system.
pub(super) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// A folder for its owner alone.
pub(super) fn private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A new file for its owner alone, durable but for its name.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Replaces a small file: after a power cut the old or the new one is there, whole.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    write_private(&fresh, bytes)?;
    fs::rename(&fresh, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes names in a folder durable.
#[cfg(unix)]
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes names in a folder durable.
#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    // Other systems make a name durable with the file itself.
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stays_and_is_never_replaced_behind_organisations() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(&place.path().join("data")).unwrap();
        let key = folder.key().unwrap();
        assert_eq!(folder.key().unwrap().to_bytes(), key.to_bytes());

        let file = folder.path().join("relay.key");
        fs::write(&file, "zz").unwrap();
        assert!(matches!(folder.key(), Err(FolderError::BadKey(_))));

        fs::remove_file(&file).unwrap();
        let org = OrgId::from_bytes([7; 16]);
        fs::create_dir_all(folder.log(org)).unwrap();
        assert!(matches!(folder.key(), Err(FolderError::KeyMissing(_))));
        assert_eq!(folder.organisations().unwrap(), [org]);
    }

    #[test]
    fn one_relay_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let held = folder.lock().unwrap();
        let other = Folder::open(place.path()).unwrap();
        assert!(matches!(other.lock(), Err(FolderError::InUse(_))));
        drop(held);
        assert!(other.lock().is_ok());
    }
}
