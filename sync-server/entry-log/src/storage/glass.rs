//! Looking at files without changing them: what would be written stays in memory.

use std::collections::BTreeMap;
use std::io;

use super::{Storage, read_all};

/// The files of another storage as they are. What is written to them is seen by this value alone
/// and gone with it; only a file that is written to is held in memory.
#[derive(Debug)]
pub struct Glass<S> {
    behind: S,
    /// Files that were written to; `None` for removed ones.
    changed: BTreeMap<String, Option<Vec<u8>>>,
}

impl<S: Storage> Glass<S> {
    /// Looks at these files.
    pub fn over(behind: S) -> Self {
        Self {
            behind,
            changed: BTreeMap::new(),
        }
    }

    fn copy(&mut self, name: &str) -> io::Result<&mut Vec<u8>> {
        if !self.changed.contains_key(name) {
            let bytes = read_all(&self.behind, name)?;
            self.changed.insert(name.to_owned(), Some(bytes));
        }
        let held = self.changed.get_mut(name).and_then(Option::as_mut);
        held.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl<S: Storage> Storage for Glass<S> {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = self.behind.list()?;
        names.retain(|name| !self.changed.contains_key(name));
        let changed = self.changed.iter().filter(|(_, bytes)| bytes.is_some());
        names.extend(changed.map(|(name, _)| name.clone()));
        Ok(names)
    }

    fn read(&self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        match self.changed.get(name) {
            None => self.behind.read(name, offset, len),
            Some(None) => Err(io::ErrorKind::NotFound.into()),
            Some(Some(bytes)) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let range = start..start.saturating_add(len);
                let part = bytes.get(range).map(<[u8]>::to_vec);
                part.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
            }
        }
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        match self.changed.get(name) {
            None => self.behind.len(name),
            Some(None) => Err(io::ErrorKind::NotFound.into()),
            Some(Some(bytes)) => Ok(bytes.len() as u64),
        }
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        match self.copy(name) {
            Ok(held) => held.extend_from_slice(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.changed.insert(name.to_owned(), Some(bytes.to_vec()));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let held = self.copy(name)?;
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let end = start.saturating_add(bytes.len());
        if held.len() < end {
            held.resize(end, 0);
        }
        if let Some(part) = held.get_mut(start..end) {
            part.copy_from_slice(bytes);
        }
        Ok(())
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.copy(name)?.truncate(len);
        Ok(())
    }

    fn sync(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let bytes = self.copy(from)?.clone();
        self.changed.insert(from.to_owned(), None);
        self.changed.insert(to.to_owned(), Some(bytes));
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.len(name)?;
        self.changed.insert(name.to_owned(), None);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Index, Log, MemoryStorage, Options};

    #[test]
    fn a_log_is_opened_and_written_and_no_byte_behind_changes() {
        let mut storage = MemoryStorage::default();
        let (mut log, _) = Log::open(storage.clone(), Options::default()).unwrap();
        log.append(b"head", b"body").unwrap();
        log.sync().unwrap();
        // Bytes of a write that never ended.
        let segment = "00000000000000000000.seg";
        storage.append(segment, b"torn").unwrap();
        let before: Vec<_> = storage.list().unwrap();
        let bytes: Vec<_> = before
            .iter()
            .map(|name| read_all(&storage, name).unwrap())
            .collect();

        let (mut log, _) = Log::open(Glass::over(storage.clone()), Options::default()).unwrap();
        log.append(b"more", b"and more").unwrap();
        log.sync().unwrap();
        assert_eq!(log.len(), 2);
        assert_eq!(log.get(Index(1)).unwrap().head, b"more");
        let after: Vec<_> = before
            .iter()
            .map(|name| read_all(&storage, name).unwrap())
            .collect();
        assert_eq!(after, bytes);
        assert_eq!(storage.list().unwrap(), before);
    }
}
