//! A folder of the file system.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Storage;

/// Open files kept for reading; above it all are closed and opened again as needed.
const READERS: usize = 64;

/// Synced files kept open for writing: the head file and the last segment are written all the time.
const WRITERS: usize = 8;

/// The files of one folder. Sub-folders are not looked at.
#[derive(Debug)]
pub struct DirStorage {
    folder: PathBuf,
    /// Files with writes that are not synced. Their descriptors stay open until then, for a failed
    /// write-back is reported to the descriptors that were open when it failed.
    writers: BTreeMap<String, File>,
    /// Files whose name is not durable yet.
    unnamed: BTreeSet<String>,
    readers: Mutex<BTreeMap<String, File>>,
}

impl DirStorage {
    /// Opens a folder, making it if needed.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        if !folder.is_dir() {
            fs::create_dir_all(&folder)?;
            if let Some(parent) = folder
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty())
            {
                sync_folder(parent)?;
            }
        }
        // A process that died before may have made files whose names only the kernel knows.
        sync_folder(&folder)?;
        Ok(Self {
            folder,
            writers: BTreeMap::new(),
            unnamed: BTreeSet::new(),
            readers: Mutex::new(BTreeMap::new()),
        })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn writer(&mut self, name: &str, create: bool) -> io::Result<&mut File> {
        if !self.writers.contains_key(name) {
            let path = self.folder.join(name);
            let file = match OpenOptions::new().write(true).open(&path) {
                Err(error) if create && error.kind() == io::ErrorKind::NotFound => {
                    let file = OpenOptions::new()
                        .write(true)
                        .create_new(true)
                        .open(&path)?;
                    self.unnamed.insert(name.to_owned());
                    file
                }
                other => other?,
            };
            self.writers.insert(name.to_owned(), file);
        }
        self.writers
            .get_mut(name)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn readers(&self) -> MutexGuard<'_, BTreeMap<String, File>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&mut self, name: &str) {
        self.writers.remove(name);
        self.unnamed.remove(name);
        self.readers().remove(name);
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere folders cannot be opened as files, and the file system's journal orders names.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

impl Storage for DirStorage {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn read(&self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut readers = self.readers();
        if !readers.contains_key(name) {
            if readers.len() >= READERS {
                readers.clear();
            }
            readers.insert(name.to_owned(), File::open(self.folder.join(name))?);
        }
        let mut file = readers.get(name).ok_or(io::ErrorKind::NotFound)?;
        // Checked first, so that a wrong length cannot make us reserve what no file holds.
        let end = offset
            .checked_add(len as u64)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        if file.metadata()?.len() < end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; len];
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.folder.join(name))?.len())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let file = self.writer(name, true)?;
        file.seek(SeekFrom::End(0))?;
        file.write_all(bytes)
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let file = self.writer(name, false)?;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        self.writer(name, false)?.set_len(len)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.writer(name, false)?.sync_data()?;
        if self.unnamed.contains(name) {
            sync_folder(&self.folder)?;
            self.unnamed.remove(name);
        }
        if self.writers.len() > WRITERS {
            self.writers.remove(name);
        }
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.forget(from);
        self.forget(to);
        fs::rename(self.folder.join(from), self.folder.join(to))?;
        sync_folder(&self.folder)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.forget(name);
        fs::remove_file(self.folder.join(name))?;
        sync_folder(&self.folder)
    }
}
