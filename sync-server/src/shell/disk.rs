//! Free space: when to stop taking entries, and a file to give back when it is too late.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

const MB: u64 = 1 << 20;

/// The disk under the data folder.
#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    ballast: PathBuf,
    ballast_bytes: u64,
    min_free: u64,
    free: AtomicU64,
    full: AtomicBool,
}

impl Disk {
    pub(super) fn new(folder: &Path, ballast: PathBuf, ballast_mb: u64, min_free_mb: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            ballast,
            ballast_bytes: ballast_mb.saturating_mul(MB),
            min_free: min_free_mb.saturating_mul(MB),
            free: AtomicU64::new(u64::MAX),
            full: AtomicBool::new(false),
        }
    }

    /// Measures again. Gives whether entries may be taken, and whether that has just changed.
    pub(super) fn measure(&self) -> (bool, bool) {
        let free = free_bytes(&self.folder);
        self.free.store(free, Ordering::Relaxed);
        let full = free < self.min_free;
        let was = self.full.swap(full, Ordering::Relaxed);
        (!full, was != full)
    }

    /// The free bytes at the last measurement; `u64::MAX` where the system does not tell.
    pub(super) fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }

    /// Whether entries may be taken.
    pub(super) fn has_space(&self) -> bool {
        !self.full.load(Ordering::Relaxed)
    }

    /// A write has failed for want of space: takes no more entries and gives the ballast back.
    pub(super) fn is_full(&self) -> io::Result<bool> {
        self.full.store(true, Ordering::Relaxed);
        self.release()
    }

    /// Removes the ballast; gives whether there was any.
    pub(super) fn release(&self) -> io::Result<bool> {
        match fs::remove_file(&self.ballast) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lays the ballast down where there is room for it.
    pub(super) fn lay_ballast(&self) -> io::Result<()> {
        let laid = fs::metadata(&self.ballast).map_or(0, |file| file.len());
        let needed = self.min_free.saturating_add(self.ballast_bytes);
        if laid >= self.ballast_bytes || free_bytes(&self.folder) < needed {
            return Ok(());
        }
        let mut file = File::create(&self.ballast)?;
        let block = vec![0x5a; 1 << 20];
        for _ in 0..self.ballast_bytes / MB {
            file.write_all(&block)?;
        }
        file.sync_all()
    }
}

#[cfg(unix)]
fn free_bytes(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> u64 {
    // A full disk is then found by the write that fails.
    u64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_the_reserve_nothing_is_taken_and_ballast_comes_and_goes() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("ballast");
        let disk = Disk::new(place.path(), file.clone(), 1, 0);
        assert_eq!(disk.measure(), (true, false));
        disk.lay_ballast().unwrap();
        assert_eq!(fs::metadata(&file).unwrap().len(), MB);
        assert!(disk.is_full().unwrap());
        assert!(!file.exists() && !disk.has_space());
        assert_eq!(disk.measure(), (true, true));

        let never = Disk::new(place.path(), file.clone(), 1, u64::MAX / MB);
        assert_eq!(never.measure(), (false, true));
        never.lay_ballast().unwrap();
        assert!(!file.exists());
    }
}
