//! A storage that fails when told to: a full disk, a sync that fails, a process that dies.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Storage;

/// Wraps a storage and fails as its [`Faults`] say.
#[derive(Debug)]
pub struct Faulty<S> {
    inner: S,
    faults: Faults,
}

/// What a [`Faulty`] storage shall do wrong. Clones steer the same storage.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    changes: u64,
    appended: u64,
    space: Option<u64>,
    halt_at: Option<u64>,
    failing_syncs: Option<u64>,
}

/// How a change to the files goes on.
enum Fate {
    Whole,
    /// Half of the bytes get through, then the process is dead.
    Dies,
    Dead,
}

impl Faults {
    /// The disk is full after `bytes` more appended bytes.
    pub fn disk_full_after(&self, bytes: u64) {
        self.plan().space = Some(bytes);
    }

    /// The process dies in the middle of the change after `changes` more: nothing works from there on.
    pub fn halt_after(&self, changes: u64) {
        let mut plan = self.plan();
        plan.halt_at = Some(plan.changes + changes);
    }

    /// `good` more syncs work, then all fail, though the bytes can still be read.
    pub fn fail_syncs_after(&self, good: u64) {
        self.plan().failing_syncs = Some(good);
    }

    /// All is well again.
    pub fn heal(&self) {
        let mut plan = self.plan();
        (plan.space, plan.halt_at, plan.failing_syncs) = (None, None, None);
    }

    /// Changes to the files so far, syncs included.
    pub fn changes(&self) -> u64 {
        self.plan().changes
    }

    /// Bytes appended so far.
    pub fn appended(&self) -> u64 {
        self.plan().appended
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Fate {
        let mut plan = self.plan();
        let now = plan.changes;
        plan.changes += 1;
        match plan.halt_at {
            Some(at) if now > at => Fate::Dead,
            Some(at) if now == at => Fate::Dies,
            _ => Fate::Whole,
        }
    }

    /// How many of `len` bytes still fit.
    fn take_space(&self, len: usize) -> usize {
        let mut plan = self.plan();
        let fits = plan
            .space
            .map_or(len, |space| usize::try_from(space).unwrap_or(len).min(len));
        if let Some(space) = &mut plan.space {
            *space -= fits as u64;
        }
        plan.appended += fits as u64;
        fits
    }
}

fn dead<T>() -> io::Result<T> {
    Err(io::Error::other("the process is dead"))
}

fn half(bytes: &[u8]) -> &[u8] {
    bytes.get(..bytes.len() / 2).unwrap_or_default()
}

impl<S> Faulty<S> {
    /// Wraps a storage that works as well as `inner` until told otherwise.
    pub fn new(inner: S) -> (Self, Faults) {
        let faults = Faults::default();
        (Self::steered(inner, &faults), faults)
    }

    /// Wraps a storage that fails as these faults say, as when the same disk is opened again.
    pub fn steered(inner: S, faults: &Faults) -> Self {
        Self {
            inner,
            faults: faults.clone(),
        }
    }
}

impl<S: Storage> Storage for Faulty<S> {
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
        match self.faults.next() {
            Fate::Dead => dead(),
            Fate::Dies => self.inner.append(name, half(bytes)).and_then(|()| dead()),
            Fate::Whole => {
                let fits = self.faults.take_space(bytes.len());
                self.inner
                    .append(name, bytes.get(..fits).unwrap_or_default())?;
                if fits < bytes.len() {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                Ok(())
            }
        }
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        match self.faults.next() {
            Fate::Dead => dead(),
            Fate::Dies => self
                .inner
                .write_at(name, offset, half(bytes))
                .and_then(|()| dead()),
            Fate::Whole => self.inner.write_at(name, offset, bytes),
        }
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        match self.faults.next() {
            Fate::Whole => self.inner.truncate(name, len),
            Fate::Dies | Fate::Dead => dead(),
        }
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        match self.faults.next() {
            Fate::Whole => {}
            Fate::Dies | Fate::Dead => return dead(),
        }
        if let Some(good) = &mut self.faults.plan().failing_syncs {
            *good = good
                .checked_sub(1)
                .ok_or_else(|| io::Error::other("the sync failed"))?;
        }
        self.inner.sync(name)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        match self.faults.next() {
            Fate::Whole => self.inner.rename(from, to),
            Fate::Dies | Fate::Dead => dead(),
        }
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        match self.faults.next() {
            Fate::Whole => self.inner.remove(name),
            Fate::Dies | Fate::Dead => dead(),
        }
    }
}
