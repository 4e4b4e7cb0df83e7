//! The disks of the world: memory that can fail halfway through a write, lose power, and lie.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use entry_log::{Faults, Faulty, MemoryStorage, Storage};

/// What stays when the process on it dies: files, and how they are made to fail.
#[derive(Debug, Clone)]
pub struct Platter {
    files: MemoryStorage,
    faults: Faults,
    unsynced: Arc<AtomicBool>,
    lies: Arc<AtomicBool>,
}

/// The same disk as a running process has it.
#[derive(Debug)]
pub struct Disk {
    inner: Faulty<MemoryStorage>,
    unsynced: Arc<AtomicBool>,
    lies: Arc<AtomicBool>,
}

impl Default for Platter {
    fn default() -> Self {
        Self::holding(MemoryStorage::new())
    }
}

impl Platter {
    fn holding(files: MemoryStorage) -> Self {
        Self {
            files,
            faults: Faults::default(),
            unsynced: Arc::default(),
            lies: Arc::default(),
        }
    }

    /// A process opens the disk.
    pub fn mount(&self) -> Disk {
        self.faults.heal();
        Disk {
            inner: Faulty::steered(self.files.clone(), &self.faults),
            unsynced: Arc::clone(&self.unsynced),
            lies: Arc::clone(&self.lies),
        }
    }

    /// Another disk with the same bytes.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self::holding(self.files.copy())
    }

    /// The process dies in the middle of the change after `changes` more.
    pub fn die_after(&self, changes: u64) {
        self.faults.halt_after(changes);
    }

    /// No planned failure any more.
    pub fn heal(&self) {
        self.faults.heal();
    }

    /// The power goes: what was not synced is lost, kept or torn.
    pub fn power_cut(&self, chance: impl FnMut(u64) -> u64) {
        self.files.power_cut(chance);
        self.unsynced.store(false, Ordering::Relaxed);
    }

    /// Whether something was written since the last sync.
    pub fn has_unsynced(&self) -> bool {
        self.unsynced.load(Ordering::Relaxed)
    }

    /// A planted fault: from now on a sync says it is done and does nothing.
    pub fn lie(&self) {
        self.lies.store(true, Ordering::Relaxed);
    }
}

impl Storage for Disk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn read(&self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        self.inner.read(name, offset, len)
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        self.inner.len(name)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.unsynced.store(true, Ordering::Relaxed);
        self.inner.append(name, bytes)
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_at(name, offset, bytes)
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        self.inner.truncate(name, len)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        if self.lies.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.inner.sync(name)?;
        self.unsynced.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }
}
