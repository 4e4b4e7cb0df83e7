//! Files in memory that can lose power: what was not synced is lost, kept or torn, as chance has it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Storage;

/// Disks write sectors of this size in any order; a power cut may also tear one.
const SECTOR: usize = 512;

/// A simulated disk. Clones share the files, as a program started again finds the same disk.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    files: Arc<Mutex<BTreeMap<String, MemoryFile>>>,
}

#[derive(Debug, Clone, Default)]
struct MemoryFile {
    /// What a power cut leaves; nothing, not even a name, before the first sync.
    durable: Option<Vec<u8>>,
    current: Vec<u8>,
    /// What happened since the last sync.
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
}

fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset.saturating_add(bytes.len());
    if content.len() < end {
        content.resize(end, 0);
    }
    if let Some(place) = content.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}

/// The pieces of a write that reach the disk on their own: (offset, bytes).
fn sectors(offset: usize, bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let first = (SECTOR - offset % SECTOR).min(bytes.len());
    let (start, rest) = bytes.split_at(first);
    let mut pieces = vec![(offset, start)];
    pieces.extend(
        rest.chunks(SECTOR)
            .enumerate()
            .map(|(i, piece)| (offset + first + i * SECTOR, piece)),
    );
    pieces
}

impl MemoryStorage {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts the power: of what was not synced each sector is lost, kept or torn, and a file without a
    /// sync may be gone. `chance(n)` gives a number below `n`; always 0 loses everything.
    pub fn power_cut(&self, mut chance: impl FnMut(u64) -> u64) {
        let mut draw = |below: usize| usize::try_from(chance(below as u64)).unwrap_or(0);
        self.files().retain(|_, file| {
            if file.pending.is_empty()
                && let Some(durable) = &file.durable
            {
                file.current.clone_from(durable);
                return true;
            }
            // All lost and all kept are the common cases on a real machine, and easily missed by
            // drawing for each sector.
            let mode = draw(4);
            if file.durable.is_none() && (mode == 0 || mode == 2 && draw(2) == 0) {
                return false;
            }
            let mut content = file.durable.take().unwrap_or_default();
            for change in std::mem::take(&mut file.pending) {
                match (change, mode) {
                    (_, 0) => {}
                    (Change::Truncate(len), 1) => content.truncate(len),
                    (Change::Truncate(len), _) => {
                        if draw(2) == 0 {
                            content.truncate(len);
                        }
                    }
                    (Change::Write { offset, bytes }, 1) => write(&mut content, offset, &bytes),
                    (Change::Write { offset, bytes }, _) => {
                        for (at, piece) in sectors(offset, &bytes) {
                            let kept = match draw(3) {
                                0 => 0,
                                1 => piece.len(),
                                _ => draw(piece.len() + 1),
                            };
                            if let Some(kept) = piece.get(..kept).filter(|kept| !kept.is_empty()) {
                                write(&mut content, at, kept);
                            }
                        }
                    }
                }
            }
            file.current.clone_from(&content);
            file.durable = Some(content);
            true
        });
    }

    /// What some kernels do when writing back fails: unsynced bytes stay readable, count as written
    /// and never reach the disk.
    pub fn forget_unsynced(&self) {
        for file in self.files().values_mut() {
            file.pending.clear();
        }
    }

    /// A second disk with the same content, every byte of it durable.
    #[must_use]
    pub fn copy(&self) -> Self {
        let mut files = self.files().clone();
        for file in files.values_mut() {
            file.pending.clear();
            file.durable = Some(file.current.clone());
        }
        Self {
            files: Arc::new(Mutex::new(files)),
        }
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, MemoryFile>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(
        &self,
        name: &str,
        act: impl FnOnce(&mut MemoryFile) -> io::Result<T>,
    ) -> io::Result<T> {
        act(self.files().get_mut(name).ok_or(io::ErrorKind::NotFound)?)
    }
}

fn position(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

impl Storage for MemoryStorage {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.files().keys().cloned().collect())
    }

    fn read(&self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        self.change(name, |file| {
            let start = position(offset)?;
            let end = start.checked_add(len).ok_or(io::ErrorKind::UnexpectedEof)?;
            let bytes = file
                .current
                .get(start..end)
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            Ok(bytes.to_vec())
        })
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        self.change(name, |file| Ok(file.current.len() as u64))
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut files = self.files();
        let file = files.entry(name.to_owned()).or_default();
        let offset = file.current.len();
        file.current.extend_from_slice(bytes);
        file.pending.push(Change::Write {
            offset,
            bytes: bytes.to_vec(),
        });
        Ok(())
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.change(name, |file| {
            let offset = position(offset)?;
            write(&mut file.current, offset, bytes);
            file.pending.push(Change::Write {
                offset,
                bytes: bytes.to_vec(),
            });
            Ok(())
        })
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        self.change(name, |file| {
            let len = position(len)?;
            if len > file.current.len() {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            file.current.truncate(len);
            file.pending.push(Change::Truncate(len));
            Ok(())
        })
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.change(name, |file| {
            // Replayed rather than copied: a long file is synced thousands of times.
            let durable = file.durable.get_or_insert_default();
            for change in file.pending.drain(..) {
                match change {
                    Change::Write { offset, bytes } => write(durable, offset, &bytes),
                    Change::Truncate(len) => durable.truncate(len),
                }
            }
            Ok(())
        })
    }

    /// A file renamed before it was synced is empty after a power cut, as on common file systems.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files();
        let mut file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        file.durable.get_or_insert_default();
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.files()
            .remove(name)
            .map(drop)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
