//! Where settings and caches are kept: a small map, durable per call.

use std::collections::BTreeMap;

/// Why a store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// Another fault; what the store holds can be rebuilt.
    #[error("the local index cannot be used: {0}")]
    Fault(String),
    /// A value above the store's limit.
    #[error("a value of {got} bytes is too large for the index")]
    TooLarge {
        /// Its length.
        got: usize,
    },
}

/// Most bytes of one value.
const MAX_VALUE: usize = 64 * 1024;

/// A small map of bytes.
///
/// # Contract
/// * `put` is one step: after a power cut all of its pairs are there or none.
/// * What `put` returned `Ok` for is durable.
/// * A damaged value reads as missing, never as other bytes.
pub trait LocalStore: Send {
    /// The value, if there is one.
    ///
    /// # Errors
    /// When the store is at fault.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Sets values, or removes them where `None` is given.
    ///
    /// # Errors
    /// When the store is at fault or full, or a value is above `MAX_VALUE`.
    fn put(&mut self, pairs: &[(&[u8], Option<&[u8]>)]) -> Result<(), StoreError>;
}

/// A store that forgets, for tests and the simulated world.
#[derive(Debug, Clone, Default)]
pub struct MemoryLocalStore {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl LocalStore for MemoryLocalStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.values.get(key).cloned())
    }

    fn put(&mut self, pairs: &[(&[u8], Option<&[u8]>)]) -> Result<(), StoreError> {
        check_sizes(pairs)?;
        for (key, value) in pairs {
            match value {
                Some(value) => self.values.insert(key.to_vec(), value.to_vec()),
                None => self.values.remove(*key),
            };
        }
        Ok(())
    }
}

pub(super) fn check_sizes(pairs: &[(&[u8], Option<&[u8]>)]) -> Result<(), StoreError> {
    let longest = pairs
        .iter()
        .filter_map(|(_, value)| value.map(<[u8]>::len))
        .max()
        .unwrap_or(0);
    if longest > MAX_VALUE {
        Err(StoreError::TooLarge { got: longest })
    } else {
        Ok(())
    }
}

/// What every store must do.
pub mod conformance {
    use super::{LocalStore, MAX_VALUE, StoreError};

    /// Runs every check on fresh stores.
    ///
    /// # Errors
    /// The first promise that is not kept, in words.
    pub fn check_all<S: LocalStore>(mut fresh: impl FnMut() -> S) -> Result<(), String> {
        let fault = |error: StoreError| error.to_string();
        let mut store = fresh();
        let expect = |store: &S, key: &[u8], value: Option<&[u8]>| {
            let got = store.get(key).map_err(fault)?;
            (got.as_deref() == value)
                .then_some(())
                .ok_or(format!("{key:?} reads as {got:?}"))
        };
        expect(&store, b"a", None)?;
        store
            .put(&[(b"a", Some(b"1")), (b"b", Some(b""))])
            .map_err(fault)?;
        expect(&store, b"a", Some(b"1"))?;
        expect(&store, b"b", Some(b""))?;
        store
            .put(&[(b"a", None), (b"b", Some(b"2"))])
            .map_err(fault)?;
        expect(&store, b"a", None)?;
        expect(&store, b"b", Some(b"2"))?;
        let large = vec![7; MAX_VALUE];
        store.put(&[(b"large", Some(&large))]).map_err(fault)?;
        expect(&store, b"large", Some(&large))?;
        let larger = vec![7; MAX_VALUE + 1];
        match store.put(&[(b"b", Some(b"3")), (b"larger", Some(&larger))]) {
            Err(StoreError::TooLarge { .. }) => expect(&store, b"b", Some(b"2")),
            other => Err(format!("a value above the limit gives {other:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_conforms() {
        conformance::check_all(MemoryLocalStore::default).unwrap();
    }
}
