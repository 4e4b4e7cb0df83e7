//! Where the files of a log live: a folder, memory, or either with planned failures.

mod dir;
mod faulty;
mod glass;
mod memory;

use std::io;

pub use dir::DirStorage;
pub use faulty::{Faults, Faulty};
pub use glass::Glass;
pub use memory::MemoryStorage;

/// A flat set of named files.
///
/// # Contract
/// * A file that does not exist gives [`io::ErrorKind::NotFound`], a full disk
///   [`io::ErrorKind::StorageFull`] or [`io::ErrorKind::QuotaExceeded`].
/// * Bytes, and the name of a file made by `append`, are durable once `sync` of that file returned `Ok`.
/// * `rename` and `remove` are durable when they return `Ok`; `rename` replaces atomically.
/// * `append` may leave a part of the bytes when it fails.
/// * `sync` that fails says nothing about what is on the disk, then or ever after.
pub trait Storage: Send {
    /// The names of all files, in any order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Exactly `len` bytes from `offset`, or [`io::ErrorKind::UnexpectedEof`].
    fn read(&self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>>;
    /// Length of a file.
    fn len(&self, name: &str) -> io::Result<u64>;
    /// Adds bytes at the end, making the file if needed.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Replaces bytes of an existing file, extending it if needed.
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts a file to a length it has reached.
    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()>;
    /// Makes the file's bytes and name durable.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Gives a file another name, replacing what had it.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&mut self, name: &str) -> io::Result<()>;
}

/// A whole file.
pub(crate) fn read_all(storage: &impl Storage, name: &str) -> io::Result<Vec<u8>> {
    let len = usize::try_from(storage.len(name)?)
        .map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    storage.read(name, 0, len)
}

/// Removes a file that may not be there.
pub(crate) fn remove_if_there(storage: &mut impl Storage, name: &str) -> io::Result<()> {
    match storage.remove(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
